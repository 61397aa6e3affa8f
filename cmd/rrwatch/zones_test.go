package main

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/route53"
	"rrwatch/simulator"
)

// into is the way into a simulated account, in memory.
func into(a *simulator.AWS) aws.Config {
	return aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "not a secret", ""),
		HTTPClient: &http.Client{Transport: a.Transport()}, BaseEndpoint: aws.String("http://aws.test"),
	}
}

// twoAccounts has the pools www and api, each in an account and a Region of its
// own, and both call their zone the same.
func twoAccounts(t *testing.T) (cfg *config.Config, way ways, www, api *simulator.AWS) {
	t.Helper()
	cfg = parsedPolicy(t, "    aws: {role_arn: \"arn:aws:iam::210987654321:role/rrwatch\"}\n"+
		"  - {name: api, record: api.example.com, zone: example.com, aws: {region: eu-west-1}, checks: [{kind: tls}]}\nlease: dns\n")
	fill := func(a *simulator.AWS, zone, record, ip string) *simulator.AWS {
		a.AddZone(simulator.Zone{ID: zone, Name: "example.com"})
		a.SetRecord(zone, simulator.RecordSet{Name: record, Type: "A", TTL: 60, Values: []string{ip, "192.0.2.9"}})
		a.AddInstance(simulator.Instance{ID: "i-0a1b2c01", Name: record, Zone: "eu-central-1a", Private: netip.MustParseAddr("10.0.0.1")})
		a.AddAddress(simulator.Address{IP: netip.MustParseAddr(ip), Allocation: "eipalloc-1", Instance: "i-0a1b2c01"})
		return a
	}
	www = fill(simulator.New(simulator.Options{}), "Z0WWW", "www.example.com", "192.0.2.1")
	api = fill(simulator.New(simulator.Options{Region: "eu-west-1"}), "Z0API", "api.example.com", "192.0.2.2")
	return cfg, func(at config.AWS) aws.Config {
		account := into(www)
		if at.RoleARN == "" {
			account = into(api)
		}
		account.Region = at.Region
		return account
	}, www, api
}

func TestEachPoolIsReadAndEditedInItsOwnAccount(t *testing.T) {
	cfg, way, www, api := twoAccounts(t)
	c := cloudOf(cfg, way, nil)
	pools, errs := failover.DiscoverAll(t.Context(), specs(cfg, newTools()), c.eips, c.records)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	edits := []failover.Reweigh{{Was: failover.RecordSet{Name: "elsewhere.example.com"}}}
	for n, name := range []string{"www", "api"} {
		pool := pools[name]
		if m := pool.Members[0]; m.Address == nil || pool.Instances[0].Name != name+".example.com" || m.Addr.As4()[3] != byte(n+1) {
			t.Errorf("pool %s: got %+v of %+v", name, m, pool.Instances)
		}
		shall := pool.Sets[0]
		shall.Values = shall.Values[:1]
		edits = append(edits, failover.Reweigh{Zone: pool.ZoneID, Was: pool.Sets[0], Shall: shall})
	}
	done := c.records.Edit(t.Context(), edits, "")
	if _, refused := errors.AsType[*failover.Refusal](done[0].Err); !refused || done[1].Err != nil || done[2].Err != nil {
		t.Errorf("got %+v", done)
	}
	for name, a := range map[string]*simulator.AWS{"www.example.com": www, "api.example.com": api} {
		if got := a.Records(name, "A"); len(got) != 1 || len(got[0].Values) != 1 || a.Calls()["ChangeResourceRecordSets"] != 1 {
			t.Errorf("%s has %v after %v", name, got, a.Calls())
		}
	}
}

func TestOneAccountThatFailsDoesNotBlindTheOther(t *testing.T) {
	cfg, way, www, _ := twoAccounts(t)
	www.Deny("DescribeAddresses")
	c := cloudOf(cfg, way, nil)
	pools, errs := failover.DiscoverAll(t.Context(), specs(cfg, newTools()), c.eips, c.records)
	if pools["api"] == nil || errs["www"] == nil || !strings.Contains(errs["www"].Error(), "ec2:DescribeAddresses") {
		t.Errorf("got %v, %v", pools, errs)
	}
}

func TestOnlyTheLeasesOfConfiguredPoolsAreReached(t *testing.T) {
	cfg, way, _, _ := twoAccounts(t)
	z := cloudOf(cfg, way, nil).records
	set := func(name string) failover.RecordSet { return failover.RecordSet{Name: name, Type: "TXT"} }
	www := failover.Reweigh{Was: failover.RecordSet{Name: "www.example.com"}}
	fenced := func(name string) failover.Reweigh {
		r := www
		r.Fence = &failover.Swap{Shall: set(name)}
		return r
	}
	for what, c := range map[string]struct {
		edit failover.Reweigh
		ours bool
	}{
		"a pool's record":                  {www, true},
		"its lease":                        {failover.Reweigh{Shall: set("_rrwatch.www.example.com")}, true},
		"another's lease":                  {failover.Reweigh{Shall: set("_rrwatch.mail.example.com")}, false},
		"a record with its lease":          {fenced("_rrwatch.www.example.com"), true},
		"a record with the lease of other": {fenced("_rrwatch.api.example.com"), false},
		"a record with somebody's record":  {fenced("mail.example.com"), false},
	} {
		if _, err := z.of(c.edit); (err == nil) != c.ours {
			t.Errorf("%s: %v", what, err)
		}
	}
	cfg.Lease = config.LeaseNone
	if _, err := cloudOf(cfg, way, nil).records.of(failover.Reweigh{Shall: set("_rrwatch.www.example.com")}); err == nil {
		t.Error("without leases, the set of a lease is ours")
	}
}

// Pools of one zone may have name servers of their own to ask; their edits go together all the same.
func TestEditsOfAllPoolsOfAZoneAreOneCall(t *testing.T) {
	a := simulator.New(simulator.Options{})
	a.AddZone(simulator.Zone{ID: "Z0EXAMPLE", Name: "example.com"})
	cfg := parsedPolicy(t, "    name_servers: [192.0.2.53:53]\n"+
		"  - {name: api, record: api.example.com, zone: example.com, aws: {region: eu-west-1}, checks: [{kind: tls}]}\n")
	z := newZones(cfg, func(config.AWS) *awsroute53.Client { return route53.SDK(into(a)) }, nil)
	leave := func(name string) failover.Reweigh {
		was := failover.RecordSet{Name: name, Type: "A", TTL: 60, Values: []string{"192.0.2.1", "192.0.2.2"}}
		a.SetRecord("Z0EXAMPLE", simulator.RecordSet{Name: name, Type: "A", TTL: 60, Values: was.Values})
		shall := was
		shall.Values = was.Values[1:]
		return failover.Reweigh{Zone: "Z0EXAMPLE", Was: was, Shall: shall}
	}
	done := z.Edit(t.Context(), []failover.Reweigh{leave("mail.example.com"), leave("www.example.com"), leave("api.example.com")}, "")
	if refusal, ok := errors.AsType[*failover.Refusal](done[0].Err); !ok || refusal.Guard != failover.GuardNotOurs {
		t.Errorf("of a name that no pool has: %+v", done[0])
	}
	if done[1].Err != nil || done[1].Change == "" || done[1] != done[2] {
		t.Errorf("got %+v", done[1:])
	}
	if n := a.Calls()["ChangeResourceRecordSets"]; n != 1 {
		t.Errorf("%d calls", n)
	}
	if left := a.Records("mail.example.com", "A")[0].Values; len(left) != 2 {
		t.Errorf("the set of somebody else has %v", left)
	}
}
