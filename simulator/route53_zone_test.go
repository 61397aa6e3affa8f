package simulator_test

import (
	stdcmp "cmp"
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

// made makes a zone over the wire and returns it.
func made(t *testing.T, c *route53.Client, name, caller string) *route53.CreateHostedZoneOutput {
	t.Helper()
	return must[*route53.CreateHostedZoneOutput](t)(c.CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{
		Name: aws.String(name), CallerReference: aws.String(caller), HostedZoneConfig: &types.HostedZoneConfig{Comment: aws.String("of " + caller)},
	}))
}

func TestMakesAndDeletesAPublicZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := simulator.New(simulator.Options{Sync: 30 * time.Second})
		c := route53.NewFromConfig(sdk(a))
		out := made(t, c, "Example.ORG", "first")
		id := out.HostedZone.Id
		if !strings.HasPrefix(*id, "/hostedzone/Z") || *out.HostedZone.Name != "example.org." || *out.HostedZone.CallerReference != "first" ||
			*out.HostedZone.Config.Comment != "of first" || out.HostedZone.Config.PrivateZone || !strings.HasSuffix(*out.Location, *id) {
			t.Errorf("got %+v", out)
		}
		if out.ChangeInfo.Status != "PENDING" || a.Records("example.org", "NS") != nil {
			t.Errorf("%s, and DNS answers %v", out.ChangeInfo.Status, a.Records("example.org", "NS"))
		}
		time.Sleep(30 * time.Second)
		done := must[*route53.GetChangeOutput](t)(c.GetChange(t.Context(), &route53.GetChangeInput{Id: out.ChangeInfo.Id}))
		if ns := a.Records("example.org", "NS"); done.ChangeInfo.Status != "INSYNC" || len(ns) != 1 || len(ns[0].Values) != 4 {
			t.Errorf("%s, and DNS answers %v", done.ChangeInfo.Status, ns)
		}
		got := must[*route53.GetHostedZoneOutput](t)(c.GetHostedZone(t.Context(), &route53.GetHostedZoneInput{Id: id}))
		if d := cmp.Diff(out.DelegationSet.NameServers, got.DelegationSet.NameServers); d != "" || len(got.DelegationSet.NameServers) != 4 {
			t.Errorf("name servers %v: %s", got.DelegationSet.NameServers, d)
		}
		change := func(x types.Change) {
			must[*route53.ChangeResourceRecordSetsOutput](t)(c.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
				HostedZoneId: id, ChangeBatch: &types.ChangeBatch{Changes: []types.Change{x}},
			}))
		}
		record := simple("www", 60, "192.0.2.1")
		record.Name = aws.String("www.example.org")
		change(create(record))
		_, err := c.DeleteHostedZone(t.Context(), &route53.DeleteHostedZoneInput{Id: id})
		wantCode(t, err, "HostedZoneNotEmpty")
		change(remove(record))
		must[*route53.DeleteHostedZoneOutput](t)(c.DeleteHostedZone(t.Context(), &route53.DeleteHostedZoneInput{Id: id}))
		_, err = c.DeleteHostedZone(t.Context(), &route53.DeleteHostedZoneInput{Id: id})
		wantCode(t, err, "NoSuchHostedZone")
		if a.Records("example.org", "NS") != nil || len(a.Zones()) != 0 {
			t.Errorf("left are %v", a.Zones())
		}
		_, err = c.CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{Name: aws.String("other.org"), CallerReference: aws.String("first")})
		wantCode(t, err, "HostedZoneAlreadyExists")
	})
}

func TestAPrivateZoneHasItsNetworkAndNoNameServers(t *testing.T) {
	c := route53.NewFromConfig(sdk(simulator.New(simulator.Options{})))
	vpc := &types.VPC{VPCId: aws.String("vpc-0123"), VPCRegion: "eu-central-1"}
	in := &route53.CreateHostedZoneInput{Name: aws.String("inside.example"), CallerReference: aws.String("1"), VPC: vpc}
	out := must[*route53.CreateHostedZoneOutput](t)(c.CreateHostedZone(t.Context(), in))
	if !out.HostedZone.Config.PrivateZone || out.DelegationSet != nil || *out.VPC.VPCId != "vpc-0123" {
		t.Errorf("got %+v", out)
	}
	got := must[*route53.GetHostedZoneOutput](t)(c.GetHostedZone(t.Context(), &route53.GetHostedZoneInput{Id: out.HostedZone.Id}))
	if got.DelegationSet != nil || len(got.VPCs) != 1 || *got.VPCs[0].VPCId != "vpc-0123" {
		t.Errorf("got %+v", got)
	}
	in.CallerReference = aws.String("2")
	_, err := c.CreateHostedZone(t.Context(), in)
	wantCode(t, err, "ConflictingDomainExists")
	in.VPC = &types.VPC{VPCId: aws.String("vpc-0456"), VPCRegion: "eu-central-1"}
	must[*route53.CreateHostedZoneOutput](t)(c.CreateHostedZone(t.Context(), in)) // the same name in another network
	made(t, c, "inside.example", "3")                                             // and in public
	private := must[*route53.ListHostedZonesOutput](t)(c.ListHostedZones(t.Context(), &route53.ListHostedZonesInput{HostedZoneType: "PrivateHostedZone"}))
	if len(private.HostedZones) != 2 {
		t.Errorf("got %d private zones, want 2", len(private.HostedZones))
	}
}

func TestRefusesZonesThatRoute53Refuses(t *testing.T) {
	c := route53.NewFromConfig(sdk(simulator.New(simulator.Options{})))
	for name, tt := range map[string]struct {
		in   route53.CreateHostedZoneInput
		code string
	}{
		"a label too long":          {route53.CreateHostedZoneInput{Name: aws.String(strings.Repeat("a", 64) + ".com")}, "InvalidDomainName"},
		"an empty label":            {route53.CreateHostedZoneInput{Name: aws.String("a..com")}, "InvalidDomainName"},
		"private without a network": {route53.CreateHostedZoneInput{HostedZoneConfig: &types.HostedZoneConfig{PrivateZone: true}}, "InvalidInput"},
		"not a network":             {route53.CreateHostedZoneInput{VPC: &types.VPC{VPCId: aws.String("net-1"), VPCRegion: "eu-central-1"}}, "InvalidVPCId"},
		"a delegation set":          {route53.CreateHostedZoneInput{DelegationSetId: aws.String("N1")}, "NoSuchDelegationSet"},
		"an empty reference":        {route53.CreateHostedZoneInput{CallerReference: aws.String("")}, "InvalidInput"},
		"a comment too long": {
			route53.CreateHostedZoneInput{HostedZoneConfig: &types.HostedZoneConfig{Comment: aws.String(strings.Repeat("x", 257))}}, "InvalidInput",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.in.Name == nil {
				tt.in.Name = aws.String("example.com")
			}
			if tt.in.CallerReference == nil {
				tt.in.CallerReference = aws.String(name)
			}
			_, err := c.CreateHostedZone(t.Context(), &tt.in)
			wantCode(t, err, tt.code)
		})
	}
	if got := must[*route53.ListHostedZonesOutput](t)(c.ListHostedZones(t.Context(), nil)); len(got.HostedZones) != 0 {
		t.Errorf("made %v", got.HostedZones)
	}
}

func TestListsZonesByNameInPages(t *testing.T) {
	c := route53.NewFromConfig(sdk(simulator.New(simulator.Options{})))
	for n, name := range []string{"b.org", "a.org", "a-b.org", "b.org", "x.a.org", "net"} {
		made(t, c, name, strconv.Itoa(n))
	}
	var got []string
	in := &route53.ListHostedZonesByNameInput{MaxItems: aws.Int32(2)}
	for {
		page := must[*route53.ListHostedZonesByNameOutput](t)(c.ListHostedZonesByName(t.Context(), in))
		for _, z := range page.HostedZones {
			got = append(got, *z.Name)
		}
		if !page.IsTruncated {
			break
		}
		in.DNSName, in.HostedZoneId = page.NextDNSName, page.NextHostedZoneId
	}
	if d := cmp.Diff([]string{"net.", "a-b.org.", "a.org.", "x.a.org.", "b.org.", "b.org."}, got); d != "" {
		t.Error(d)
	}
}

func TestListsRecordsInPagesOfThreeHundred(t *testing.T) {
	a := account(simulator.Options{})
	for n := range 600 {
		a.SetRecord(zoneID, simulator.RecordSet{Name: "n" + strconv.Itoa(n) + ".example.com", Type: "A", TTL: 60, Values: []string{"192.0.2.1"}})
	}
	c := route53.NewFromConfig(sdk(a))
	pages := route53.NewListResourceRecordSetsPaginator(c, &route53.ListResourceRecordSetsInput{HostedZoneId: aws.String(zoneID), MaxItems: aws.Int32(500)})
	var sizes []int
	for pages.HasMorePages() {
		sizes = append(sizes, len(must[*route53.ListResourceRecordSetsOutput](t)(pages.NextPage(t.Context())).ResourceRecordSets))
	}
	if d := cmp.Diff([]int{300, 300, 2}, sizes); d != "" {
		t.Error(d)
	}
	list := func(in route53.ListResourceRecordSetsInput) error {
		in.HostedZoneId = stdcmp.Or(in.HostedZoneId, aws.String(zoneID))
		_, err := c.ListResourceRecordSets(t.Context(), &in)
		return err
	}
	wantCode(t, list(route53.ListResourceRecordSetsInput{StartRecordType: "A"}), "InvalidInput")
	wantCode(t, list(route53.ListResourceRecordSetsInput{StartRecordName: aws.String("a.example.com"), StartRecordIdentifier: aws.String("x")}), "InvalidInput")
	wantCode(t, list(route53.ListResourceRecordSetsInput{StartRecordName: aws.String("a..example.com")}), "InvalidInput")
	wantCode(t, list(route53.ListResourceRecordSetsInput{MaxItems: aws.Int32(0)}), "InvalidInput")
	wantCode(t, list(route53.ListResourceRecordSetsInput{HostedZoneId: aws.String("ZNONE")}), "NoSuchHostedZone")
	first := must[*route53.ListResourceRecordSetsOutput](t)(c.ListResourceRecordSets(t.Context(), &route53.ListResourceRecordSetsInput{
		HostedZoneId: aws.String(zoneID), StartRecordName: aws.String("N5.example.com."), StartRecordType: "AAAA", MaxItems: aws.Int32(1),
	}))
	if got := *first.ResourceRecordSets[0].Name; got != "n50.example.com." || *first.NextRecordName != "n500.example.com." || first.NextRecordType != "A" {
		t.Errorf("a type behind the last of its name starts at %s, and the next is %s", got, *first.NextRecordName)
	}
}
