package route53_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"rrwatch/failover"
	"rrwatch/route53"
	"rrwatch/simulator"
)

func TestReadsTheSetsOfANameHoweverTheZoneIsGiven(t *testing.T) {
	want := failover.Published{ZoneID: zone, Sets: []failover.RecordSet{
		{Name: "www.example.com", Type: "A", TTL: 60, Identifier: "lb-1", Weight: new(int64(10)), Values: []string{"203.0.113.11"}},
		{Name: "www.example.com", Type: "A", TTL: 60, Identifier: "lb-2", Weight: new(int64(10)), Values: []string{"203.0.113.12"}},
		{Name: "www.example.com", Type: "A", TTL: 60, Identifier: "lb-3", Weight: new(int64(10)), Values: []string{"203.0.113.13"}},
		{Name: "www.example.com", Type: "AAAA", TTL: 60, Values: []string{"2001:db8::11"}},
	}}
	for _, given := range []string{"example.com", "EXAMPLE.com.", zone, "/hostedzone/" + zone} {
		got := must[failover.Published](t)(open(account(simulator.Options{})).Read(t.Context(), given, "WWW.Example.com."))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("zone %s: %s", given, diff)
		}
	}
}

func TestReadsEveryRoutingPolicyItKnowsAndMarksTheOthers(t *testing.T) {
	a := account(simulator.Options{})
	a.SetRecord(zone, simulator.RecordSet{Name: "*.example.com", Type: "A", TTL: 60, Values: []string{"203.0.113.11"}})
	c := open(a)
	for name, want := range map[string]failover.RecordSet{
		"api.example.com":  {Name: "api.example.com", Type: "A", TTL: 30, Identifier: "lb-1", MultiValue: true, HealthCheck: "hc-lb-1", Values: []string{"203.0.113.11"}},
		"shop.example.com": {Name: "shop.example.com", Type: "A", TTL: 60, Values: []string{"203.0.113.11", "203.0.113.12"}},
		"cdn.example.com":  {Name: "cdn.example.com", Type: "A", Foreign: "an alias of d111.cloudfront.net"},
		"*.example.com":    {Name: "*.example.com", Type: "A", TTL: 60, Values: []string{"203.0.113.11"}},
	} {
		got := must[failover.Published](t)(c.Read(t.Context(), zone, name))
		if diff := cmp.Diff(want, got.Sets[0]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestLooksAZoneUpOnce(t *testing.T) {
	a := account(simulator.Options{})
	c := open(a)
	for range 3 {
		must[failover.Published](t)(c.Read(t.Context(), "example.com", "www.example.com"))
	}
	if n := a.Calls()["ListHostedZonesByName"]; n != 1 {
		t.Errorf("the zone was looked up %d times", n)
	}
}

func TestSaysWhichZoneOrRecordIsMissing(t *testing.T) {
	a := account(simulator.Options{})
	a.AddZone(simulator.Zone{ID: "Z1", Name: "twice.example"})
	a.AddZone(simulator.Zone{ID: "Z2", Name: "twice.example"})
	a.AddZone(simulator.Zone{ID: "Z4", Name: "twice.example", Private: true})
	a.AddZone(simulator.Zone{ID: "Z3", Name: "example.com.evil.example"})
	for _, test := range []struct{ zone, name, want string }{
		{"example.org", "www.example.org", "there is no hosted zone example.org in this account"},
		{"com", "www.example.com", "there is no hosted zone com in this account"},
		{"twice.example", "www.twice.example", "zone twice.example exists 3 times (Z1 public, Z2 public, Z4 private): give the id"},
		{"example.com", "nothing.example.com", "zone example.com has no A or AAAA record nothing.example.com"},
		{"example.com", "old.example.com", "it has CNAME"},
		{"Z0NOSUCH", "www.example.com", "NoSuchHostedZone"},
	} {
		_, err := open(a).Read(t.Context(), test.zone, test.name)
		wantText(t, err, test.want)
	}
	a.Deny("ListResourceRecordSets")
	_, err := open(a).Read(t.Context(), "example.com", "www.example.com")
	wantText(t, err, "not permitted; rrwatch needs route53:ListResourceRecordSets (docs/permissions.md)")
}

// The simulator pages at 300 as Route 53 does; a group may have no more than 100 sets there, unless it is made by hand.
func TestReadsAGroupLongerThanAPage(t *testing.T) {
	a := account(simulator.Options{})
	const many = 700
	for n := range many {
		a.SetRecord(zone, simulator.RecordSet{Name: "big.example.com", Type: "A", TTL: 60, SetIdentifier: fmt.Sprintf("n-%03d", n),
			Weight: new(int64(1)), Values: []string{fmt.Sprintf("198.51.%d.%d", n/250, n%250)}})
		a.SetRecord(zone, simulator.RecordSet{Name: fmt.Sprintf("c%03d.example.com", n), Type: "A", TTL: 60, Values: []string{"203.0.113.1"}})
	}
	got := must[failover.Published](t)(open(a).Read(t.Context(), zone, "big.example.com"))
	if len(got.Sets) != many {
		t.Errorf("got %d sets, want %d", len(got.Sets), many)
	}
	if n := a.Calls()["ListResourceRecordSets"]; n != 3 {
		t.Errorf("%d pages were read, want 3: reading goes on past the name", n)
	}
}

func TestFindsAZoneAmongManyOfItsName(t *testing.T) {
	a := account(simulator.Options{})
	for n := range 150 {
		a.AddZone(simulator.Zone{ID: fmt.Sprintf("Z%03d", n), Name: "many.example", Private: n > 1})
	}
	_, err := open(a).Read(t.Context(), "many.example", "www.many.example")
	wantText(t, err, "exists 150 times")
}

func TestThrottledReadsAreRetriedByTheSDK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		a.Throttle("ListResourceRecordSets", 4)
		must[failover.Published](t)(open(a).Read(t.Context(), zone, "www.example.com"))
	})
}

// Route 53 has policies that the simulator does not keep: this answer is written by hand.
func TestMarksPoliciesThatItDoesNotKnow(t *testing.T) {
	for policy, want := range map[string]string{
		"<Region>eu-west-1</Region>":                                            "latency routing for eu-west-1",
		"<GeoLocation><CountryCode>DE</CountryCode></GeoLocation>":              "geolocation routing",
		"<GeoProximityLocation><AWSRegion>x</AWSRegion></GeoProximityLocation>": "geoproximity routing",
		"<CidrRoutingConfig><CollectionId>c</CollectionId></CidrRoutingConfig>": "IP-based routing",
		"<TrafficPolicyInstanceId>t-1</TrafficPolicyInstanceId>":                "made by the traffic policy instance t-1",
		"": "a routing policy that rrwatch does not know",
	} {
		answer := `<ListResourceRecordSetsResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ResourceRecordSets><ResourceRecordSet>` +
			`<Name>www.example.com.</Name><Type>A</Type><SetIdentifier>x</SetIdentifier>` + policy + `<TTL>60</TTL><ResourceRecords><ResourceRecord>` +
			`<Value>203.0.113.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></ResourceRecordSets><IsTruncated>false</IsTruncated>` +
			`<MaxItems>300</MaxItems></ListResourceRecordSetsResponse>`
		c := route53.New(route53.SDK(config(roundTrip(func(*http.Request) (*http.Response, error) { return written(http.StatusOK, answer), nil }))), nil, nil)
		got := must[failover.Published](t)(c.Read(t.Context(), zone, "www.example.com"))
		if len(got.Sets) != 1 || got.Sets[0].Foreign != want {
			t.Errorf("got %+v, want foreign: %s", got.Sets, want)
		}
	}
}
