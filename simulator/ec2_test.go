package simulator_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"rrwatch/simulator"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

// wired returns what describes show: the instance of each address that has one.
func wired(t *testing.T, c *ec2.Client) map[string]string {
	t.Helper()
	out := must[*ec2.DescribeAddressesOutput](t)(c.DescribeAddresses(t.Context(), nil))
	m := map[string]string{}
	for _, d := range out.Addresses {
		if d.InstanceId != nil {
			m[*d.PublicIp] = *d.InstanceId
		}
	}
	return m
}

func TestDescribesAnAddressInFull(t *testing.T) {
	c := ec2.NewFromConfig(sdk(account(simulator.Options{})))
	out := must[*ec2.DescribeAddressesOutput](t)(c.DescribeAddresses(t.Context(), &ec2.DescribeAddressesInput{
		AllocationIds: []string{allocation},
	}))
	if len(out.Addresses) != 1 {
		t.Fatalf("got %d addresses", len(out.Addresses))
	}
	d := out.Addresses[0]
	got := []string{*d.PublicIp, *d.AllocationId, *d.InstanceId, *d.NetworkInterfaceId, *d.PrivateIpAddress, string(d.Domain), *d.Tags[0].Key, *d.Tags[0].Value}
	want := []string{"203.0.113.11", allocation, first, "eni-0a000000000000001", "10.0.1.11", "vpc", "site", "www"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if d.AssociationId == nil || !strings.HasPrefix(*d.AssociationId, "eipassoc-") {
		t.Errorf("got association %v", d.AssociationId)
	}
}

func TestFiltersAddresses(t *testing.T) {
	a := account(simulator.Options{})
	c := ec2.NewFromConfig(sdk(a))
	for name, tt := range map[string]struct {
		in   ec2.DescribeAddressesInput
		want int
	}{
		"public-ip":           {ec2.DescribeAddressesInput{Filters: filters("public-ip", "203.0.113.11", "203.0.113.13")}, 2},
		"allocation-id":       {ec2.DescribeAddressesInput{Filters: filters("allocation-id", allocation)}, 1},
		"instance-id":         {ec2.DescribeAddressesInput{Filters: filters("instance-id", second)}, 1},
		"association-id":      {ec2.DescribeAddressesInput{Filters: filters("association-id", a.Addresses()[0].Association)}, 1},
		"tag":                 {ec2.DescribeAddressesInput{Filters: filters("tag:site", "w*")}, 1},
		"another tag":         {ec2.DescribeAddressesInput{Filters: filters("tag:site", "w?")}, 0},
		"tag-key":             {ec2.DescribeAddressesInput{Filters: filters("tag-key", "site")}, 1},
		"domain":              {ec2.DescribeAddressesInput{Filters: filters("domain", "vpc")}, 3},
		"PublicIps":           {ec2.DescribeAddressesInput{PublicIps: []string{"203.0.113.12"}}, 1},
		"both must be passed": {ec2.DescribeAddressesInput{Filters: append(filters("tag-key", "site"), filters("instance-id", second)...)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			out := must[*ec2.DescribeAddressesOutput](t)(c.DescribeAddresses(t.Context(), &tt.in))
			if len(out.Addresses) != tt.want {
				t.Errorf("got %d addresses, want %d", len(out.Addresses), tt.want)
			}
		})
	}
	for code, in := range map[string]ec2.DescribeAddressesInput{
		"InvalidParameterValue":        {Filters: filters("colour", "red")},
		"InvalidAllocationID.NotFound": {AllocationIds: []string{"eipalloc-none"}},
		"InvalidAddress.NotFound":      {PublicIps: []string{"192.0.2.1"}},
	} {
		_, err := c.DescribeAddresses(t.Context(), &in)
		wantCode(t, err, code)
	}
}

func TestDescribesInstances(t *testing.T) {
	c := ec2.NewFromConfig(sdk(account(simulator.Options{})))
	out := must[*ec2.DescribeInstancesOutput](t)(c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{
		Filters: append(filters("tag:pool", "www"), filters("instance-state-name", "running")...),
	}))
	got := map[string][]string{}
	for _, r := range out.Reservations {
		i := r.Instances[0]
		got[*i.InstanceId] = []string{
			string(i.State.Name), *i.Placement.AvailabilityZone, *i.NetworkInterfaces[0].NetworkInterfaceId,
			*i.NetworkInterfaces[0].PrivateIpAddresses[0].PrivateIpAddress, aws.ToString(i.PublicIpAddress),
		}
	}
	want := map[string][]string{
		first:   {"running", "eu-central-1a", "eni-0a000000000000001", "10.0.1.11", "203.0.113.11"},
		second:  {"running", "eu-central-1b", "eni-0b000000000000002", "10.0.2.12", "203.0.113.12"},
		standby: {"running", "eu-central-1a", "eni-0c000000000000003", "10.0.1.13", "198.51.100.3"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for code, in := range map[string]ec2.DescribeInstancesInput{
		"InvalidInstanceID.NotFound":  {InstanceIds: []string{first, "i-0123"}},
		"InvalidInstanceID.Malformed": {InstanceIds: []string{"lb-1"}},
		"InvalidParameterValue":       {MaxResults: aws.Int32(4)},
		"InvalidParameterCombination": {MaxResults: aws.Int32(5), InstanceIds: []string{first}},
	} {
		_, err := c.DescribeInstances(t.Context(), &in)
		wantCode(t, err, code)
	}
}

func TestPagesThroughInstances(t *testing.T) {
	a := account(simulator.Options{})
	for id := range strings.SplitSeq("abcdefgh", "") {
		a.AddInstance(simulator.Instance{ID: "i-" + id})
	}
	var sizes []int
	pages := ec2.NewDescribeInstancesPaginator(ec2.NewFromConfig(sdk(a)), &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
	for pages.HasMorePages() {
		sizes = append(sizes, len(must[*ec2.DescribeInstancesOutput](t)(pages.NextPage(t.Context())).Reservations))
	}
	if diff := cmp.Diff([]int{5, 5, 2}, sizes); diff != "" {
		t.Error(diff)
	}
}

func TestStatusShowsRunningInstancesUnlessAllAreAskedFor(t *testing.T) {
	c := ec2.NewFromConfig(sdk(account(simulator.Options{})))
	for all, want := range map[bool]string{false: "", true: "not-applicable"} {
		out := must[*ec2.DescribeInstanceStatusOutput](t)(c.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{
			IncludeAllInstances: aws.Bool(all),
		}))
		got := map[string]ec2types.SummaryStatus{}
		for _, s := range out.InstanceStatuses {
			got[*s.InstanceId] = s.SystemStatus.Status
		}
		if got[first] != "ok" || string(got[dead]) != want {
			t.Errorf("all=%v: got %v", all, got)
		}
	}
}

func TestMovesAnAddressInOneCall(t *testing.T) {
	a := account(simulator.Options{})
	c := ec2.NewFromConfig(sdk(a))
	out := must[*ec2.AssociateAddressOutput](t)(c.AssociateAddress(t.Context(), &ec2.AssociateAddressInput{
		AllocationId: aws.String(allocation), NetworkInterfaceId: aws.String("eni-0c000000000000003"), PrivateIpAddress: aws.String("10.0.1.13"),
	}))
	if d := a.Addresses()[0]; d.Instance != standby || d.Association != *out.AssociationId || d.Private != ip("10.0.1.13") {
		t.Errorf("got %+v", d)
	}
	if got := carrier(a, "203.0.113.11"); got != standby {
		t.Errorf("routed to %q", got)
	}
	public := map[string]string{}
	for _, i := range a.Instances() {
		if i.Public.IsValid() {
			public[i.ID] = i.Public.String()
		}
	}
	if diff := cmp.Diff(map[string]string{second: "203.0.113.12", standby: "203.0.113.11"}, public); diff != "" {
		t.Errorf("the standby must show the address instead of its own, and the old carrier none:\n%s", diff)
	}
	if _, ok := a.Carrier(ip("198.51.100.3")); ok {
		t.Error("the standby's own address is still routed")
	}
	if again := must[*ec2.AssociateAddressOutput](t)(associate(t, sdk(a), standby, true)); *again.AssociationId != *out.AssociationId {
		t.Errorf("the same call again made another association: %s, then %s", *out.AssociationId, *again.AssociationId)
	}
	must[*ec2.DisassociateAddressOutput](t)(c.DisassociateAddress(t.Context(), &ec2.DisassociateAddressInput{AssociationId: out.AssociationId}))
	if got := carrier(a, "198.51.100.3"); got != standby {
		t.Errorf("the standby did not get its own address back, it leads to %q", got)
	}
	_, err := c.DisassociateAddress(t.Context(), &ec2.DisassociateAddressInput{AssociationId: out.AssociationId})
	wantCode(t, err, "InvalidAssociationID.NotFound")
}

func TestABusyInstanceLosesItsAddress(t *testing.T) {
	a := account(simulator.Options{})
	must[*ec2.AssociateAddressOutput](t)(associate(t, sdk(a), second, true))
	want := map[string]string{"203.0.113.11": second}
	if diff := cmp.Diff(want, wired(t, ec2.NewFromConfig(sdk(a)))); diff != "" {
		t.Error(diff)
	}
	if got := carrier(a, "203.0.113.12"); got != "" {
		t.Errorf("the address that was put off is routed to %q", got)
	}
}

func TestRefusesWhatEC2RefusesToAssociate(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(*simulator.AWS)
		in      ec2.AssociateAddressInput
		code    string
		says    string
	}{
		"no allocation":       {nil, ec2.AssociateAddressInput{InstanceId: aws.String(standby)}, "MissingParameter", "AllocationId"},
		"no target":           {nil, ec2.AssociateAddressInput{AllocationId: aws.String(allocation)}, "MissingParameter", "InstanceId"},
		"two targets":         {nil, ec2.AssociateAddressInput{InstanceId: aws.String(standby), NetworkInterfaceId: aws.String("eni-0c000000000000003")}, "InvalidParameterCombination", ""},
		"unknown allocation":  {nil, ec2.AssociateAddressInput{AllocationId: aws.String("eipalloc-none"), InstanceId: aws.String(standby)}, "InvalidAllocationID.NotFound", "eipalloc-none"},
		"unknown instance":    {nil, ec2.AssociateAddressInput{InstanceId: aws.String("i-0123")}, "InvalidInstanceID.NotFound", "The instance ID 'i-0123' does not exist"},
		"unknown interface":   {nil, ec2.AssociateAddressInput{NetworkInterfaceId: aws.String("eni-0123")}, "InvalidNetworkInterfaceID.NotFound", "eni-0123"},
		"unknown private":     {nil, ec2.AssociateAddressInput{InstanceId: aws.String(standby), PrivateIpAddress: aws.String("10.0.9.9")}, "InvalidParameterValue", "10.0.9.9"},
		"pending instance":    {func(a *simulator.AWS) { a.SetInstanceState(standby, "pending") }, ec2.AssociateAddressInput{InstanceId: aws.String(standby)}, "InvalidInstanceID", "pending"},
		"terminated instance": {func(a *simulator.AWS) { a.SetInstanceState(standby, "terminated") }, ec2.AssociateAddressInput{InstanceId: aws.String(standby)}, "InvalidInstanceID", "terminated"},
		"pending behind an interface": {func(a *simulator.AWS) { a.SetInstanceState(standby, "pending") },
			ec2.AssociateAddressInput{NetworkInterfaceId: aws.String("eni-0c000000000000003")}, "IncorrectInstanceState", "pending"},
		"already associated": {nil, ec2.AssociateAddressInput{InstanceId: aws.String(standby), AllowReassociation: aws.Bool(false)}, "Resource.AlreadyAssociated", "is already associated with associate-id"},
		"target is busy": {func(a *simulator.AWS) { a.Associate(ip("203.0.113.11"), "") },
			ec2.AssociateAddressInput{InstanceId: aws.String(second), AllowReassociation: aws.Bool(false)}, "Resource.AlreadyAssociated", "public address 203.0.113.12"},
		"managed address": {func(a *simulator.AWS) {
			a.AddAddress(simulator.Address{IP: ip("203.0.113.20"), Allocation: "eipalloc-alb", ServiceManaged: "alb"})
		}, ec2.AssociateAddressInput{AllocationId: aws.String("eipalloc-alb"), InstanceId: aws.String(standby)}, "OperationNotPermitted", "alb"},
		"not permitted": {func(a *simulator.AWS) { a.Deny("AssociateAddress") },
			ec2.AssociateAddressInput{InstanceId: aws.String(standby)}, "UnauthorizedOperation", "ec2:AssociateAddress"},
		"dry run":               {nil, ec2.AssociateAddressInput{InstanceId: aws.String(standby), DryRun: aws.Bool(true)}, "DryRunOperation", "would have succeeded"},
		"dry run not permitted": {func(a *simulator.AWS) { a.Deny("AssociateAddress") }, ec2.AssociateAddressInput{InstanceId: aws.String(standby), DryRun: aws.Bool(true)}, "UnauthorizedOperation", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := account(simulator.Options{})
			if tt.prepare != nil {
				tt.prepare(a)
			}
			if tt.in.AllocationId == nil && name != "no allocation" {
				tt.in.AllocationId = aws.String(allocation)
			}
			before := a.Addresses()
			_, err := ec2.NewFromConfig(sdk(a)).AssociateAddress(t.Context(), &tt.in)
			wantCode(t, err, tt.code)
			if refused, ok := errors.AsType[smithy.APIError](err); ok && !strings.Contains(refused.ErrorMessage(), tt.says) {
				t.Errorf("got the message %q, want it to say %q", refused.ErrorMessage(), tt.says)
			}
			if diff := cmp.Diff(before, a.Addresses(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("what was refused changed the addresses:\n%s", diff)
			}
		})
	}
}

func TestAStoppedInstanceKeepsItsAddressAndMayGetOne(t *testing.T) {
	a := account(simulator.Options{})
	c := ec2.NewFromConfig(sdk(a))
	out := must[*ec2.StopInstancesOutput](t)(c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{first}}))
	if s := out.StoppingInstances[0]; s.CurrentState.Name != "stopping" || s.PreviousState.Name != "running" {
		t.Errorf("got %+v", s)
	}
	if i, ok := a.Carrier(ip("203.0.113.11")); !ok || i.State != "stopped" {
		t.Errorf("got %+v, %v", i, ok)
	}
	must[*ec2.AssociateAddressOutput](t)(associate(t, sdk(a), dead, true))
	must[*ec2.StartInstancesOutput](t)(c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{dead}}))
	if i, ok := a.Carrier(ip("203.0.113.11")); !ok || i.ID != dead || i.State != "running" {
		t.Errorf("got %+v, %v", i, ok)
	}
	a.SetInstanceState(dead, "terminated")
	if got := carrier(a, "203.0.113.11"); got != "" {
		t.Errorf("a terminated instance still carries the address: %q", got)
	}
	_, err := c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{dead}})
	wantCode(t, err, "IncorrectInstanceState")
	a.SetInstanceState(second, "pending")
	_, err = c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{second}})
	wantCode(t, err, "IncorrectInstanceState")
}

func TestDescribesLagAndTheNetworkFollowsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Lag: 3 * time.Second, Move: 6 * time.Second})
		c := ec2.NewFromConfig(sdk(a))
		must[*ec2.AssociateAddressOutput](t)(associate(t, sdk(a), second, true))
		before := map[string]string{"203.0.113.11": first, "203.0.113.12": second}
		after := map[string]string{"203.0.113.11": second}
		if diff := cmp.Diff(before, wired(t, c)); diff != "" {
			t.Errorf("describes must lag:\n%s", diff)
		}
		_, err := associate(t, sdk(a), standby, false)
		wantCode(t, err, "Resource.AlreadyAssociated") // writes see the truth

		time.Sleep(3 * time.Second)
		if diff := cmp.Diff(after, wired(t, c)); diff != "" {
			t.Errorf("describes must have caught up:\n%s", diff)
		}
		if got := []string{carrier(a, "203.0.113.11"), carrier(a, "203.0.113.12")}; !cmp.Equal(got, []string{first, second}) {
			t.Errorf("routed too early: %v", got)
		}
		time.Sleep(3 * time.Second)
		if got := []string{carrier(a, "203.0.113.11"), carrier(a, "203.0.113.12")}; !cmp.Equal(got, []string{second, ""}) {
			t.Errorf("routed wrongly: %v", got)
		}
	})
}

func TestTheLastOfTwoMovesWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Move: 6 * time.Second})
		must[*ec2.AssociateAddressOutput](t)(associate(t, sdk(a), standby, true))
		time.Sleep(2 * time.Second)
		must[*ec2.AssociateAddressOutput](t)(associate(t, sdk(a), dead, true))
		var seen []string
		for range 5 {
			seen = append(seen, carrier(a, "203.0.113.11"))
			time.Sleep(2 * time.Second)
		}
		if diff := cmp.Diff([]string{first, first, standby, dead, dead}, seen); diff != "" {
			t.Error(diff)
		}
		a.Associate(ip("203.0.113.11"), first)
		if got := carrier(a, "203.0.113.11"); got != first {
			t.Errorf("a wiring by hand is not at once: %q", got)
		}
	})
}

func TestRefusesAParameterItDoesNotKnow(t *testing.T) {
	for form, code := range map[string]string{
		"Action=StopInstances&InstanceId.1=" + first + "&Colour=red":          "<Code>UnknownParameter</Code>",
		"Action=StopInstances&InstanceId.1=" + first + "&SkipOsShutdown=true": "<name>stopping</name>",
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?Version=2016-11-15&"+form, nil)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-central-1/ec2/aws4_request, SignedHeaders=host, Signature=00")
		account(simulator.Options{}).ServeHTTP(w, r)
		if !contains(w.Body.String(), code) {
			t.Errorf("%s: got %d %s", form, w.Code, w.Body)
		}
	}
}
