package simulator_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"rrwatch/simulator"
)

type set = types.ResourceRecordSet

func simple(label string, ttl int64, values ...string) set {
	s := set{Name: aws.String(label + ".example.com"), Type: types.RRTypeA, TTL: aws.Int64(ttl)}
	for _, v := range values {
		s.ResourceRecords = append(s.ResourceRecords, types.ResourceRecord{Value: aws.String(v)})
	}
	return s
}

func weighted(id string, weight, ttl int64, value string) set {
	s := simple("www", ttl, value)
	s.SetIdentifier, s.Weight = aws.String(id), aws.Int64(weight)
	return s
}

func create(s set) types.Change { return types.Change{Action: "CREATE", ResourceRecordSet: &s} }
func upsert(s set) types.Change { return types.Change{Action: "UPSERT", ResourceRecordSet: &s} }
func remove(s set) types.Change { return types.Change{Action: "DELETE", ResourceRecordSet: &s} }

func edit(t *testing.T, c aws.Config, changes ...types.Change) (*route53.ChangeResourceRecordSetsOutput, error) {
	return route53.NewFromConfig(c).ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String(zoneID), ChangeBatch: &types.ChangeBatch{Comment: aws.String("incident 7"), Changes: changes},
	})
}

// records returns name, type and identifier of all that the API lists, in its order, in pages of a size.
func records(t *testing.T, c aws.Config, size int32) []string {
	t.Helper()
	var out []string
	pages := route53.NewListResourceRecordSetsPaginator(route53.NewFromConfig(c), &route53.ListResourceRecordSetsInput{
		HostedZoneId: aws.String(zoneID), MaxItems: aws.Int32(size),
	})
	for pages.HasMorePages() {
		if len(out) > 100 {
			t.Fatal("paging does not end")
		}
		for _, s := range must[*route53.ListResourceRecordSetsOutput](t)(pages.NextPage(t.Context())).ResourceRecordSets {
			out = append(out, strings.TrimSpace(*s.Name+" "+string(s.Type)+" "+aws.ToString(s.SetIdentifier)))
		}
	}
	return out
}

func TestListsRecordsInOrderAndInPages(t *testing.T) {
	c := sdk(account(simulator.Options{}))
	other := simple("*", 60, "192.0.2.9")
	must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c,
		create(weighted("b", 10, 60, "192.0.2.2")), create(weighted("a", 10, 60, "192.0.2.1")), create(weighted("c", 0, 60, "192.0.2.3")),
		create(simple("a.b", 60, "192.0.2.4")), create(simple("b", 60, "192.0.2.5")), create(other)))
	want := []string{
		"example.com. NS", "example.com. SOA", `\052.example.com. A`, "b.example.com. A", "a.b.example.com. A",
		"www.example.com. A a", "www.example.com. A b", "www.example.com. A c",
	}
	for size := range int32(9) {
		if diff := cmp.Diff(want, records(t, c, size+1)); diff != "" {
			t.Errorf("in pages of %d:\n%s", size+1, diff)
		}
	}
	out := must[*route53.ListResourceRecordSetsOutput](t)(route53.NewFromConfig(c).ListResourceRecordSets(t.Context(), &route53.ListResourceRecordSetsInput{
		HostedZoneId: aws.String("/hostedzone/" + zoneID), StartRecordName: aws.String("WWW.example.com"), StartRecordType: "A", StartRecordIdentifier: aws.String("b"),
	}))
	if len(out.ResourceRecordSets) != 2 || *out.ResourceRecordSets[0].Weight != 10 || *out.ResourceRecordSets[1].Weight != 0 {
		t.Errorf("from b on: got %+v", out.ResourceRecordSets)
	}
}

func TestFindsZones(t *testing.T) {
	a := account(simulator.Options{})
	a.AddZone(simulator.Zone{ID: "Z1", Name: "example.org"})
	a.AddZone(simulator.Zone{ID: "Z2", Name: "example.com", Private: true})
	c := route53.NewFromConfig(sdk(a))
	byName := must[*route53.ListHostedZonesByNameOutput](t)(c.ListHostedZonesByName(t.Context(), &route53.ListHostedZonesByNameInput{
		DNSName: aws.String("example.com"), MaxItems: aws.Int32(2),
	}))
	if len(byName.HostedZones) != 2 || *byName.HostedZones[0].Id != "/hostedzone/"+zoneID || !byName.HostedZones[1].Config.PrivateZone || *byName.NextDNSName != "example.org." {
		t.Errorf("got %+v", byName)
	}
	var ids []string
	pages := route53.NewListHostedZonesPaginator(c, &route53.ListHostedZonesInput{MaxItems: aws.Int32(1)})
	for pages.HasMorePages() {
		ids = append(ids, *must[*route53.ListHostedZonesOutput](t)(pages.NextPage(t.Context())).HostedZones[0].Id)
	}
	if diff := cmp.Diff([]string{"/hostedzone/" + zoneID, "/hostedzone/Z1", "/hostedzone/Z2"}, ids); diff != "" {
		t.Error(diff)
	}
	one := must[*route53.GetHostedZoneOutput](t)(c.GetHostedZone(t.Context(), &route53.GetHostedZoneInput{Id: aws.String(zoneID)}))
	if len(one.DelegationSet.NameServers) != 4 || *one.HostedZone.ResourceRecordSetCount != 2 {
		t.Errorf("got %+v", one)
	}
	_, err := c.GetHostedZone(t.Context(), &route53.GetHostedZoneInput{Id: aws.String("ZNONE")})
	wantCode(t, err, "NoSuchHostedZone")
}

func TestRecordsAreListedAtOnceAndAnsweredWhenInSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Sync: 40 * time.Second})
		c := sdk(a)
		a.SetRecord(zoneID, simulator.RecordSet{Name: "www.example.com", Type: "A", TTL: 60, Values: []string{"192.0.2.1"}})
		out := must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, upsert(simple("www", 60, "192.0.2.2"))))
		status := func() types.ChangeStatus {
			got := must[*route53.GetChangeOutput](t)(route53.NewFromConfig(c).GetChange(t.Context(), &route53.GetChangeInput{Id: out.ChangeInfo.Id}))
			if *got.ChangeInfo.Comment != "incident 7" {
				t.Errorf("got the comment %q", *got.ChangeInfo.Comment)
			}
			return got.ChangeInfo.Status
		}
		listed := must[*route53.ListResourceRecordSetsOutput](t)(route53.NewFromConfig(c).ListResourceRecordSets(t.Context(),
			&route53.ListResourceRecordSetsInput{HostedZoneId: aws.String(zoneID), StartRecordName: aws.String("www.example.com")}))
		if got := *listed.ResourceRecordSets[0].ResourceRecords[0].Value; got != "192.0.2.2" {
			t.Errorf("listed %s, want the PENDING value", got)
		}
		if got := a.Records("WWW.Example.com.", "A")[0].Values[0]; got != "192.0.2.1" || status() != "PENDING" {
			t.Errorf("answered %s while %s", got, status())
		}
		time.Sleep(40 * time.Second)
		if got := a.Records("www.example.com", "")[0].Values[0]; got != "192.0.2.2" || status() != "INSYNC" {
			t.Errorf("answered %s while %s", got, status())
		}
		_, err := route53.NewFromConfig(c).GetChange(t.Context(), &route53.GetChangeInput{Id: aws.String("CNONE")})
		wantCode(t, err, "NoSuchChange")
		a.RemoveRecord(zoneID, "www.example.com", "A", "")
		if got := a.Records("www.example.com", ""); len(got) != 0 {
			t.Errorf("answered %v", got)
		}
	})
}

func TestRefusesWhatRoute53Refuses(t *testing.T) {
	mixed := weighted("d", 1, 60, "192.0.2.4")
	mixed.MultiValueAnswer = aws.Bool(true)
	many := simple("many", 60)
	for n := range 501 {
		many.ResourceRecords = append(many.ResourceRecords, types.ResourceRecord{Value: aws.String("10.0." + strconv.Itoa(n/256) + "." + strconv.Itoa(n%256))})
	}
	answer := simple("www", 60, "192.0.2.5")
	answer.SetIdentifier, answer.MultiValueAnswer = aws.String("m"), aws.Bool(true)
	anonymous := weighted("", 1, 60, "192.0.2.4")
	anonymous.SetIdentifier = nil
	noPolicy := simple("www", 60, "192.0.2.4")
	noPolicy.SetIdentifier = aws.String("x")
	noTTL := simple("new", 60, "192.0.2.4")
	noTTL.TTL = nil
	latency := simple("new", 60, "192.0.2.4")
	latency.SetIdentifier, latency.Region = aws.String("x"), "eu-central-1"
	cname := simple("www", 60, "elsewhere.example.com")
	cname.Type = "CNAME"
	outside := simple("www", 60, "192.0.2.4")
	outside.Name = aws.String("www.example.net")
	a1 := weighted("a", 10, 60, "192.0.2.1")

	for name, tt := range map[string]struct {
		changes []types.Change
		code    string
		says    string
	}{
		"create what is there":      {[]types.Change{create(a1)}, "InvalidChangeBatch", "Tried to create resource record set [name='www.example.com.', type='A', set-identifier='a'] but it already exists"},
		"delete what is not there":  {[]types.Change{remove(weighted("z", 1, 60, "192.0.2.1"))}, "InvalidChangeBatch", "but it was not found"},
		"delete another weight":     {[]types.Change{remove(weighted("a", 11, 60, "192.0.2.1"))}, "InvalidChangeBatch", "but the values provided do not match the current values"},
		"delete another TTL":        {[]types.Change{remove(weighted("a", 10, 61, "192.0.2.1"))}, "InvalidChangeBatch", "do not match"},
		"delete another value":      {[]types.Change{remove(weighted("a", 10, 60, "192.0.2.7"))}, "InvalidChangeBatch", "do not match"},
		"delete twice":              {[]types.Change{remove(a1), remove(a1)}, "InvalidChangeBatch", "invalid set of changes"},
		"weighted beside simple":    {[]types.Change{create(simple("www", 60, "192.0.2.4"))}, "InvalidChangeBatch", "other RRSets exist"},
		"weighted beside multi":     {[]types.Change{create(answer)}, "InvalidChangeBatch", "because a non multivalue answer rrset exists with the same name and type."},
		"another TTL in the group":  {[]types.Change{create(weighted("c", 1, 30, "192.0.2.4"))}, "InvalidChangeBatch", "weighted sets must contain the same TTL"},
		"CNAME beside A":            {[]types.Change{create(cname)}, "InvalidChangeBatch", "conflicts with other records"},
		"outside the zone":          {[]types.Change{create(outside)}, "InvalidChangeBatch", "not permitted in zone example.com."},
		"not an address":            {[]types.Change{create(simple("new", 60, "192.0.2"))}, "InvalidChangeBatch", "ARRDATAIllegalIPv4Address"},
		"a value twice":             {[]types.Change{create(simple("new", 60, "192.0.2.1", "192.0.2.1"))}, "InvalidChangeBatch", "Duplicate Resource Record"},
		"too many values":           {[]types.Change{upsert(many)}, "InvalidChangeBatch", "limit of 1000"},
		"weight out of range":       {[]types.Change{create(weighted("c", 256, 60, "192.0.2.4"))}, "InvalidInput", "Weight"},
		"two policies":              {[]types.Change{create(mixed)}, "InvalidInput", "more than one"},
		"no identifier":             {[]types.Change{create(anonymous)}, "InvalidInput", "Missing field 'SetIdentifier'"},
		"identifier without policy": {[]types.Change{create(noPolicy)}, "InvalidInput", "found none"},
		"no TTL":                    {[]types.Change{create(noTTL)}, "InvalidInput", "all of [TTL, and ResourceRecords]"},
		"latency policy":            {[]types.Change{create(latency)}, "InvalidInput", "simulator keeps"},
		"one of two is wrong":       {[]types.Change{create(simple("new", 60, "192.0.2.4")), create(a1)}, "InvalidChangeBatch", "already exists"},
	} {
		t.Run(name, func(t *testing.T) {
			a := account(simulator.Options{})
			c := sdk(a)
			must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, create(a1), create(weighted("b", 10, 60, "192.0.2.2"))))
			before := records(t, c, 100)
			_, err := edit(t, c, tt.changes...)
			wantCode(t, err, tt.code)
			if err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want it to say %q", err, tt.says)
			}
			if diff := cmp.Diff(before, records(t, c, 100)); diff != "" {
				t.Errorf("what was refused changed the zone:\n%s", diff)
			}
		})
	}
}

func TestAChangeOfPolicyIsOneBatch(t *testing.T) {
	a := account(simulator.Options{})
	c := sdk(a)
	before := simple("www", 300, "192.0.2.1", "192.0.2.2")
	must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, create(before)))
	shuffled := simple("WWW", 300, "192.0.2.2", "192.0.2.1")
	must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, remove(shuffled), create(weighted("a", 1, 60, "192.0.2.1")), create(weighted("b", 2, 60, "192.0.2.2"))))
	must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, upsert(weighted("a", 0, 30, "192.0.2.1")), upsert(weighted("b", 2, 30, "192.0.2.2"))))
	must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, remove(weighted("a", 0, 30, "192.0.2.1")), create(weighted("a", 9, 30, "192.0.2.1"))))
	want := []simulator.RecordSet{
		{Name: "www.example.com", Type: "A", TTL: 30, SetIdentifier: "a", Weight: aws.Int64(9), Values: []string{"192.0.2.1"}},
		{Name: "www.example.com", Type: "A", TTL: 30, SetIdentifier: "b", Weight: aws.Int64(2), Values: []string{"192.0.2.2"}},
	}
	if diff := cmp.Diff(want, a.Records("www.example.com", "A")); diff != "" {
		t.Error(diff)
	}
}

func TestCarriesAnAliasAsItWasMade(t *testing.T) {
	a := account(simulator.Options{})
	c := sdk(a)
	alias := set{Name: aws.String("alias.example.com"), Type: "A", AliasTarget: &types.AliasTarget{
		DNSName: aws.String("lb.example.net."), HostedZoneId: aws.String("Z2"), EvaluateTargetHealth: true,
	}}
	must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, create(alias)))
	out := must[*route53.ListResourceRecordSetsOutput](t)(route53.NewFromConfig(c).ListResourceRecordSets(t.Context(), &route53.ListResourceRecordSetsInput{
		HostedZoneId: aws.String(zoneID), StartRecordName: aws.String("alias.example.com"), MaxItems: aws.Int32(1),
	}))
	got := out.ResourceRecordSets[0]
	if got.TTL != nil || got.ResourceRecords != nil || *got.AliasTarget.DNSName != "lb.example.net." || !got.AliasTarget.EvaluateTargetHealth {
		t.Errorf("got %+v", got)
	}
	must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, remove(got)))
}

func TestABusyZoneAsksToWait(t *testing.T) {
	a := account(simulator.Options{})
	a.Busy(1)
	_, err := edit(t, sdk(a), create(simple("www", 60, "192.0.2.1")))
	if _, ok := errors.AsType[*types.PriorRequestNotComplete](err); !ok {
		t.Errorf("got %v", err)
	}
	must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, sdk(a), create(simple("www", 60, "192.0.2.1"))))
}

func TestThePublicZoneWithTheLongestNameAnswers(t *testing.T) {
	a := account(simulator.Options{})
	a.AddZone(simulator.Zone{ID: "ZSUB", Name: "sub.example.com"})
	a.AddZone(simulator.Zone{ID: "ZPRIVATE", Name: "www.sub.example.com", Private: true})
	r := simulator.RecordSet{Name: "www.sub.example.com", Type: "A", TTL: 60}
	for zone, value := range map[string]string{zoneID: "192.0.2.1", "ZSUB": "192.0.2.2", "ZPRIVATE": "192.0.2.3"} {
		r.Values = []string{value}
		a.SetRecord(zone, r)
	}
	if got := a.Records("www.sub.example.com", "A"); len(got) != 1 || got[0].Values[0] != "192.0.2.2" {
		t.Errorf("got %v", got)
	}
	if got := a.Records("www.example.net", "A"); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestABatchOfManyIsDoneWholeOrNotAtAllAndNamesEachFault(t *testing.T) {
	a := account(simulator.Options{})
	c := sdk(a)
	var first, second []types.Change
	for n := range 50 {
		value := "192.0.2." + strconv.Itoa(n)
		was, shall := weighted(strconv.Itoa(n), 10, 60, value), weighted(strconv.Itoa(n), 0, 60, value)
		first, second = append(first, create(was)), append(second, remove(was), create(shall))
	}
	must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, first...))
	zeros := func() (n int) {
		for _, r := range a.Records("www.example.com", "A") {
			if *r.Weight == 0 {
				n++
			}
		}
		return n
	}
	spoiled := append(second[:98:98], remove(weighted("49", 11, 60, "192.0.2.49")), remove(weighted("50", 1, 60, "192.0.2.50")))
	_, err := edit(t, c, spoiled...)
	wantCode(t, err, "InvalidChangeBatch")
	const want = "[Tried to delete resource record set [name='www.example.com.', type='A', set-identifier='49'] but the values provided do not match the current values, " +
		"Tried to delete resource record set [name='www.example.com.', type='A', set-identifier='50'] but it was not found]"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v\nwant it to say %s", err, want)
	}
	if n := zeros(); n != 0 {
		t.Errorf("a refused batch has set %d weights", n)
	}
	must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, second...))
	if n := zeros(); n != 50 {
		t.Errorf("%d weights of 50 are set", n)
	}
}
