package eip

import (
	"net/netip"
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
	if refusal, _ := move(""); refusal == nil || refusal.Guard != failover.GuardChanged {
		t.Errorf("got %v, want a refusal", refusal)
	}
	if refusal, where := move("eni-second"); refusal != nil || where != "eni-second 10.0.0.2" {
		t.Errorf("got %v and %q", refusal, where)
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

func TestTheStatusIsTheWorstCheckAndWhatIsScheduled(t *testing.T) {
	summary := func(s types.SummaryStatus) *types.InstanceStatusSummary {
		return &types.InstanceStatusSummary{Status: s}
	}
	retirement := types.InstanceStatusEvent{
		Code: types.EventCodeInstanceRetirement, NotBefore: aws.Time(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), Description: aws.String("retires"),
	}
	over := types.InstanceStatusEvent{Code: types.EventCodeSystemReboot, Description: aws.String("[Completed] reboot")}
	for want, s := range map[string]types.InstanceStatus{
		"ok":           {InstanceStatus: summary(types.SummaryStatusOk), SystemStatus: summary(types.SummaryStatusOk), Events: []types.InstanceStatusEvent{over}},
		"impaired":     {InstanceStatus: summary(types.SummaryStatusOk), SystemStatus: summary(types.SummaryStatusImpaired), Events: []types.InstanceStatusEvent{retirement}},
		"initializing": {InstanceStatus: summary(types.SummaryStatusInitializing), SystemStatus: summary(types.SummaryStatusOk)},
		"unknown":      {},
		"ok; instance-retirement not before 2026-03-01 12:00 UTC": {
			InstanceStatus: summary(types.SummaryStatusOk), SystemStatus: summary(types.SummaryStatusOk), Events: []types.InstanceStatusEvent{retirement},
		},
	} {
		if got := statusOf(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
