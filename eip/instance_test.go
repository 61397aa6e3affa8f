package eip

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"rrwatch/failover"
)

// twoInterfaces is an instance whose second interface is listed first.
func twoInterfaces(owner string) types.Instance {
	eni := func(id string, index int32, private, public string) types.InstanceNetworkInterface {
		association := &types.InstanceNetworkInterfaceAssociation{PublicIp: aws.String(public), IpOwnerId: aws.String(owner)}
		return types.InstanceNetworkInterface{
			NetworkInterfaceId: aws.String(id), PrivateIpAddress: aws.String(private), Association: association,
			Attachment:         &types.InstanceNetworkInterfaceAttachment{DeviceIndex: aws.Int32(index)},
			PrivateIpAddresses: []types.InstancePrivateIpAddress{{PrivateIpAddress: aws.String(private), Primary: aws.Bool(true), Association: association}},
		}
	}
	return types.Instance{
		InstanceId: aws.String("i-1"), State: &types.InstanceState{Name: types.InstanceStateNameRunning},
		NetworkInterfaces: []types.InstanceNetworkInterface{
			eni("eni-second", 1, "10.0.0.2", "198.51.100.2"), eni("eni-first", 0, "10.0.0.1", "198.51.100.1"),
		},
	}
}

func TestAnAddressOfAmazonsIsNoElasticIP(t *testing.T) {
	first := netip.MustParseAddr("198.51.100.1")
	if got := instanceOf(twoInterfaces("amazon")); got.Public != first || got.Elastic.IsValid() {
		t.Errorf("got %+v, want a public address and no Elastic IP", got)
	}
	if got := instanceOf(twoInterfaces("123456789012")); got.Public != first || got.Elastic != first {
		t.Errorf("got %+v, want an Elastic IP", got)
	}
}

func TestThePrimaryInterfaceIsTheFirstDevice(t *testing.T) {
	got := instanceOf(twoInterfaces("amazon"))
	if got.Interface != "eni-first" || got.Private != netip.MustParseAddr("10.0.0.1") || got.Interfaces != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestRefusesATargetOfSeveralInterfacesUnlessOneIsNamed(t *testing.T) {
	target := twoInterfaces("amazon")
	move := func(eni string) (*failover.Refusal, string) {
		r := failover.Remap{Addr: netip.MustParseAddr("203.0.113.1"), From: "i-0", To: "i-1", Interface: eni}
		in, refusal := judge(r, scene{address: &failover.Address{IP: r.Addr, Allocation: "eipalloc-1", Instance: "i-0"}, target: &target})
		if in == nil {
			return refusal, ""
		}
		return refusal, *in.NetworkInterfaceId + " " + *in.PrivateIpAddress
	}
	if refusal, _ := move(""); refusal == nil || refusal.Guard != failover.GuardInterfaces {
		t.Errorf("got %v, want a refusal", refusal)
	}
	if refusal, where := move("eni-second"); refusal != nil || where != "eni-second 10.0.0.2" {
		t.Errorf("got %v and %q", refusal, where)
	}
}

// Another address is pushed out only from the private address that is meant.
func TestJudgesEvictionByThePrivateAddressThatIsMeant(t *testing.T) {
	target := twoInterfaces("amazon")
	eni := &target.NetworkInterfaces[1]
	eni.PrivateIpAddresses = append(eni.PrivateIpAddresses, types.InstancePrivateIpAddress{PrivateIpAddress: aws.String("10.0.0.11")})
	r := failover.Remap{Addr: netip.MustParseAddr("203.0.113.1"), From: "i-0", To: "i-1", Interface: "eni-first"}
	s := scene{
		address: &failover.Address{IP: r.Addr, Allocation: "eipalloc-1", Instance: "i-0"}, target: &target,
		carried: []failover.Address{{IP: netip.MustParseAddr("203.0.113.2"), Instance: "i-1", Private: netip.MustParseAddr("10.0.0.1")}},
	}
	for private, want := range map[string]string{"": "", "10.0.0.1": "", "10.0.0.11": "eni-first 10.0.0.11"} {
		r.Private, _ = netip.ParseAddr(private)
		in, refusal := judge(r, s)
		if want == "" && (refusal == nil || refusal.Guard != failover.GuardEviction) {
			t.Errorf("on %q: got %v, want a refusal by %s", private, refusal, failover.GuardEviction)
		}
		if want != "" && (refusal != nil || *in.NetworkInterfaceId+" "+*in.PrivateIpAddress != want) {
			t.Errorf("on %q: got %v, want %s", private, refusal, want)
		}
	}
	s.carried[0].Private = netip.Addr{} // it is not told where that one stands, so it may be there
	if _, refusal := judge(r, s); refusal == nil || refusal.Guard != failover.GuardEviction {
		t.Errorf("got %v, want a refusal by %s", refusal, failover.GuardEviction)
	}
}

func TestRefusesAnInstanceOfAnotherBorderGroup(t *testing.T) {
	target := twoInterfaces("amazon")
	r := failover.Remap{Addr: netip.MustParseAddr("203.0.113.1"), From: "i-0", To: "i-1", Interface: "eni-first"}
	for _, c := range []struct {
		zone, group string
		refused     bool
	}{
		{"us-west-2a", "us-west-2", false}, {"us-west-2-lax-1a", "us-west-2", true}, {"us-west-2a", "us-west-2-lax-1", true},
		{"us-west-2-lax-1b", "us-west-2-lax-1", false}, {"us-west-2-lax-1b", "us-west-2-lax-1b", false}, {"moon", "us-west-2", false}, {"us-west-2a", "", false},
	} {
		target.Placement = &types.Placement{AvailabilityZone: aws.String(c.zone)}
		s := scene{address: &failover.Address{IP: r.Addr, Allocation: "eipalloc-1", Instance: "i-0", BorderGroup: c.group}, target: &target}
		if _, refusal := judge(r, s); (refusal != nil) != c.refused || refusal != nil && refusal.Guard != failover.GuardBorderGroup {
			t.Errorf("an address of %s to %s: got %v", c.group, c.zone, refusal)
		}
	}
}

// An interface without an instance, such as that of a NAT gateway, may carry the address too.
func TestAnAddressOnAnInterfaceOfNoInstanceIsNotFree(t *testing.T) {
	r := failover.Remap{Addr: netip.MustParseAddr("203.0.113.1"), To: "i-1", Interface: "eni-first"}
	target := twoInterfaces("amazon")
	_, refusal := judge(r, scene{address: &failover.Address{IP: r.Addr, Association: "eipassoc-1", Interface: "eni-nat"}, target: &target})
	if refusal == nil || refusal.Guard != failover.GuardChanged {
		t.Errorf("got %v, want a refusal", refusal)
	}
}

func TestTheStatusIsTheWorstCheck(t *testing.T) {
	summary := func(s types.SummaryStatus) *types.InstanceStatusSummary {
		return &types.InstanceStatusSummary{Status: s}
	}
	for want, s := range map[string]types.InstanceStatus{
		"ok":                {InstanceStatus: summary(types.SummaryStatusOk), SystemStatus: summary(types.SummaryStatusOk)},
		"impaired":          {InstanceStatus: summary(types.SummaryStatusOk), SystemStatus: summary(types.SummaryStatusImpaired)},
		"initializing":      {InstanceStatus: summary(types.SummaryStatusInitializing), SystemStatus: summary(types.SummaryStatusOk)},
		"insufficient-data": {InstanceStatus: summary(types.SummaryStatusOk), AttachedEbsStatus: &types.EbsStatusSummary{Status: types.SummaryStatusInsufficientData}},
		"unknown":           {},
	} {
		if got := statusOf(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestEventsAreThoseStillToComeAndTheNextOneFirst(t *testing.T) {
	at := func(month time.Month) *time.Time { return aws.Time(time.Date(2026, month, 1, 12, 0, 0, 0, time.UTC)) }
	got := eventsOf(types.InstanceStatus{Events: []types.InstanceStatusEvent{
		{Code: types.EventCodeInstanceRetirement, NotBefore: at(4), Description: aws.String("retires")},
		{Code: types.EventCodeSystemReboot, NotBefore: at(2), Description: aws.String("[Completed] reboot")},
		{Code: types.EventCodeInstanceStop, NotBefore: at(2), Description: aws.String("[Canceled] stop")},
		{Code: types.EventCodeInstanceReboot, NotBefore: at(3), Description: aws.String("reboots")},
		{Code: types.EventCodeSystemMaintenance},
	}})
	want := []string{"system-maintenance", "instance-reboot not before 2026-03-01 12:00 UTC", "instance-retirement not before 2026-04-01 12:00 UTC"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestTheBorderGroupIsReadOutOfTheZonesName(t *testing.T) {
	for zone, want := range map[string]string{
		"eu-central-1a": "eu-central-1", "us-gov-west-1b": "us-gov-west-1", "ap-northeast-12c": "ap-northeast-12",
		"us-west-2-lax-1a": "us-west-2-lax-1", "us-east-1-wl1-bos-wlz-1": "us-east-1-wl1-bos-wlz-1",
		"": "", "a": "", "1a": "", "eu-central-1": "", "eu-central": "", "zone-a": "", "us-west-2a-lax-1a": "", "us-west-2-lax-1": "", "us-west-2-lax-1A": "",
		"us-east-1-wl1-bos-wlz-1a": "", "eu-central-1ab": "", "eu-central-1a-lax-1": "", "us-east-1-wl1-bos-abc-1": "", "us-east-1-x-y-z": "",
	} {
		if got := borderGroup(zone); got != want {
			t.Errorf("%q: got %q, want %q", zone, got, want)
		}
	}
}

func TestFreeAreTheSecondaryPrivateAddressesThatNothingStandsOn(t *testing.T) {
	i := twoInterfaces("amazon")
	taken := &types.InstanceNetworkInterfaceAssociation{PublicIp: aws.String("198.51.100.9")}
	first := &i.NetworkInterfaces[1]
	first.PrivateIpAddresses = append(first.PrivateIpAddresses,
		types.InstancePrivateIpAddress{PrivateIpAddress: aws.String("10.0.0.9"), Primary: aws.Bool(false)},
		types.InstancePrivateIpAddress{PrivateIpAddress: aws.String("10.0.0.8"), Primary: aws.Bool(false), Association: taken},
		types.InstancePrivateIpAddress{PrivateIpAddress: aws.String("10.0.0.7")})
	want := []netip.Addr{netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("10.0.0.9")}
	first.PrivateIpAddresses[0].Association = nil // the primary one is not for a further address, even while nothing stands on it
	if got := instanceOf(i); !slices.Equal(got.Free, want) || got.Private != netip.MustParseAddr("10.0.0.1") {
		t.Errorf("got %v at %s, want %v", got.Free, got.Private, want)
	}
}
