package simulator_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"rrwatch/simulator"
)

// The rules that the EC2 API reference states for Elastic IPs, one test each.

const many, manyFirst, manySecond = "i-0e000000000000005", "eni-0e000000000000005", "eni-0e5b"

// crowded is the account with an instance of two interfaces, the first with two further private addresses.
func crowded() *simulator.AWS {
	a := account(simulator.Options{})
	a.AddInstance(simulator.Instance{
		ID: many, Private: ip("10.0.1.15"), Secondary: []netip.Addr{ip("10.0.1.16"), ip("10.0.1.17")},
		More: []simulator.Interface{{ID: manySecond, Private: []netip.Addr{ip("10.0.1.25")}}},
	})
	return a
}

// where says on which instance and private address an Elastic IP is.
func where(a *simulator.AWS, address string) string {
	for _, d := range a.Addresses() {
		if d.IP == ip(address) && d.Association != "" {
			return d.Interface + " " + d.Private.String()
		}
	}
	return ""
}

// put associates an address with an interface and, unless empty, a private address of it.
func put(t *testing.T, a *simulator.AWS, allocationID, eni, private string) error {
	t.Helper()
	in := &ec2.AssociateAddressInput{AllocationId: aws.String(allocationID), NetworkInterfaceId: aws.String(eni)}
	if private != "" {
		in.PrivateIpAddress = aws.String(private)
	}
	_, err := ec2.NewFromConfig(sdk(a)).AssociateAddress(t.Context(), in)
	return err
}

func allocationOf(a *simulator.AWS, address string) string {
	for _, d := range a.Addresses() {
		if d.IP == ip(address) {
			return d.Allocation
		}
	}
	return ""
}

func TestReassociationIsAutomaticWhenTheFlagIsLeftOut(t *testing.T) {
	a := account(simulator.Options{})
	if err := put(t, a, allocation, "eni-0c000000000000003", ""); err != nil || carrier(a, "203.0.113.11") != standby {
		t.Errorf("got %v, on %s", err, carrier(a, "203.0.113.11"))
	}
}

func TestReassociationIsRefusedWhenItIsNotAllowed(t *testing.T) {
	a := account(simulator.Options{})
	_, err := associate(t, sdk(a), standby, false)
	wantCode(t, err, "Resource.AlreadyAssociated")
	if carrier(a, "203.0.113.11") != first {
		t.Error("it moved all the same")
	}
}

func TestOnlyTheAddressOnTheSamePrivateAddressIsEvicted(t *testing.T) {
	a := crowded()
	for _, to := range []struct{ address, private string }{{"203.0.113.12", "10.0.1.15"}, {"203.0.113.13", "10.0.1.16"}} {
		if err := put(t, a, allocationOf(a, to.address), manyFirst, to.private); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(t, a, allocation, manyFirst, "10.0.1.16"); err != nil {
		t.Fatal(err)
	}
	got := []string{where(a, "203.0.113.11"), where(a, "203.0.113.12"), where(a, "203.0.113.13")}
	if diff := cmp.Diff([]string{manyFirst + " 10.0.1.16", manyFirst + " 10.0.1.15", ""}, got); diff != "" {
		t.Error(diff)
	}
	if allocationOf(a, "203.0.113.13") == "" || carrier(a, "203.0.113.13") != "" {
		t.Error("the evicted address must stay allocated and lead nowhere")
	}
}

func TestAnAddressHasOnePrivateAddressAndAPrivateAddressOneAddress(t *testing.T) {
	a := crowded()
	for _, private := range []string{"10.0.1.16", "10.0.1.17"} {
		if err := put(t, a, allocation, manyFirst, private); err != nil {
			t.Fatal(err)
		}
	}
	out := must[*ec2.DescribeNetworkInterfacesOutput](t)(ec2.NewFromConfig(sdk(a)).DescribeNetworkInterfaces(t.Context(),
		&ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{manyFirst}}))
	got := map[string]string{}
	for _, p := range out.NetworkInterfaces[0].PrivateIpAddresses {
		got[*p.PrivateIpAddress] = ""
		if p.Association != nil {
			got[*p.PrivateIpAddress] = *p.Association.PublicIp + " " + *p.Association.AllocationId
		}
	}
	want := map[string]string{"10.0.1.15": "", "10.0.1.16": "", "10.0.1.17": "203.0.113.11 " + allocation}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnInstanceWithSeveralInterfacesMustBeNamedByInterface(t *testing.T) {
	a := crowded()
	_, err := associate(t, sdk(a), many, true)
	wantCode(t, err, "InvalidInstanceID")
	wantMessage(t, err, "There are multiple interfaces attached to instance '"+many+"'. Please specify an interface ID for the operation instead.")
	if err := put(t, a, allocation, manySecond, ""); err != nil || where(a, "203.0.113.11") != manySecond+" 10.0.1.25" || carrier(a, "203.0.113.11") != many {
		t.Errorf("got %v, on %q", err, where(a, "203.0.113.11"))
	}
}

func TestInstanceAndInterfaceAreNotGivenTogether(t *testing.T) {
	a := account(simulator.Options{})
	_, err := ec2.NewFromConfig(sdk(a)).AssociateAddress(t.Context(), &ec2.AssociateAddressInput{
		AllocationId: aws.String(allocation), InstanceId: aws.String(standby), NetworkInterfaceId: aws.String("eni-0c000000000000003"),
	})
	wantCode(t, err, "InvalidParameterCombination")
}

func TestTheAllocationIsRequiredAndThePublicAddressNoSubstitute(t *testing.T) {
	_, err := ec2.NewFromConfig(sdk(account(simulator.Options{}))).AssociateAddress(t.Context(), &ec2.AssociateAddressInput{
		PublicIp: aws.String("203.0.113.11"), InstanceId: aws.String(standby),
	})
	wantCode(t, err, "InvalidParameterCombination")
	wantMessage(t, err, "You must specify an allocation id when mapping an address to a VPC instance")
}

func TestAnAddressGoesToThePrimaryPrivateAddressByDefault(t *testing.T) {
	a := crowded()
	if err := put(t, a, allocation, manyFirst, ""); err != nil || where(a, "203.0.113.11") != manyFirst+" 10.0.1.15" {
		t.Errorf("got %v, on %q", err, where(a, "203.0.113.11"))
	}
	wantCode(t, put(t, a, allocation, manyFirst, "10.0.1.25"), "InvalidParameterValue") // of the other interface
}

func TestTheSameAssociationAgainIsNoErrorAndMayBeCharged(t *testing.T) {
	a := account(simulator.Options{})
	generation := a.Generation()
	for range 2 {
		must[*ec2.AssociateAddressOutput](t)(associate(t, sdk(a), first, true))
	}
	if a.Generation() != generation {
		t.Error("what changes nothing counts as a change")
	}
	must[*ec2.AssociateAddressOutput](t)(associate(t, sdk(a), standby, true))
	if err := put(t, a, allocationOf(a, "203.0.113.13"), "eni-0d000000000000004", ""); err != nil { // it was on nothing: no remap
		t.Fatal(err)
	}
	if all, again := a.Remaps(); all != 3 || again != 2 {
		t.Errorf("got %d remaps, %d of them of the same association, want 3 and 2", all, again)
	}
}

func TestAnAddressStaysInItsNetworkBorderGroup(t *testing.T) {
	a := simulator.New(simulator.Options{Region: "us-west-2", Zones: []string{"us-west-2a", "us-west-2-lax-1a", "us-west-2-wl1-las-wlz-1"}})
	config := sdk(a)
	config.Region = "us-west-2"
	c := ec2.NewFromConfig(config)
	group := map[string]string{"us-west-2a": "us-west-2", "us-west-2-lax-1a": "us-west-2-lax-1", "us-west-2-wl1-las-wlz-1": "us-west-2-wl1-las-wlz-1"}
	eni := map[string]string{}
	for zone := range group {
		eni[zone] = "eni-" + zone
		a.AddInstance(simulator.Instance{ID: "i-" + zone, Zone: zone, Interface: eni[zone], Private: ip("10.0.0.9")})
	}
	for home, g := range group {
		d := must[*ec2.AllocateAddressOutput](t)(c.AllocateAddress(t.Context(), &ec2.AllocateAddressInput{NetworkBorderGroup: aws.String(g)}))
		for zone := range group {
			_, err := c.AssociateAddress(t.Context(), &ec2.AssociateAddressInput{AllocationId: d.AllocationId, NetworkInterfaceId: aws.String(eni[zone])})
			if zone == home {
				must[any](t)(nil, err)
				continue
			}
			wantCode(t, err, "InvalidParameterCombination")
		}
		_, err := c.ReleaseAddress(t.Context(), &ec2.ReleaseAddressInput{AllocationId: d.AllocationId, NetworkBorderGroup: aws.String("us-east-1")})
		wantCode(t, err, "InvalidAddress.NotFound")
	}
	out := must[*ec2.DescribeAddressesOutput](t)(c.DescribeAddresses(t.Context(), &ec2.DescribeAddressesInput{Filters: filters("network-border-group", "us-west-2-lax-1")}))
	if len(out.Addresses) != 1 || *out.Addresses[0].NetworkBorderGroup != "us-west-2-lax-1" || *out.Addresses[0].NetworkInterfaceId != "eni-us-west-2-lax-1a" {
		t.Errorf("got %+v", out.Addresses)
	}
	_, err := c.AllocateAddress(t.Context(), &ec2.AllocateAddressInput{NetworkBorderGroup: aws.String("eu-west-1")})
	wantCode(t, err, "InvalidParameterValue")
}

func TestWhatAServiceManagesIsLeftToIt(t *testing.T) {
	a := account(simulator.Options{})
	a.AddAddress(simulator.Address{IP: ip("203.0.113.20"), Allocation: "eipalloc-0a1b", ServiceManaged: "alb", Instance: dead})
	c := ec2.NewFromConfig(sdk(a))
	out := must[*ec2.DescribeAddressesOutput](t)(c.DescribeAddresses(t.Context(), &ec2.DescribeAddressesInput{AllocationIds: []string{"eipalloc-0a1b"}}))
	if out.Addresses[0].ServiceManaged != ec2types.ServiceManagedAlb {
		t.Errorf("got %+v", out.Addresses[0])
	}
	wantCode(t, put(t, a, "eipalloc-0a1b", "eni-0c000000000000003", ""), "OperationNotPermitted")
	_, err := c.DisassociateAddress(t.Context(), &ec2.DisassociateAddressInput{AssociationId: out.Addresses[0].AssociationId})
	wantCode(t, err, "AuthFailure")
	_, err = c.ReleaseAddress(t.Context(), &ec2.ReleaseAddressInput{AllocationId: aws.String("eipalloc-0a1b")})
	wantCode(t, err, "AuthFailure")
}

func TestAPublicAddressOfAWSIsReleasedWhenAnElasticIPComes(t *testing.T) {
	a := account(simulator.Options{})
	c := ec2.NewFromConfig(sdk(a))
	ran := must[*ec2.RunInstancesOutput](t)(c.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String("ami-0123"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
	}))
	id := *ran.Instances[0].InstanceId
	public := func() string {
		out := must[*ec2.DescribeInstancesOutput](t)(c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}}))
		return aws.ToString(out.Reservations[0].Instances[0].PublicIpAddress)
	}
	own := public()
	if _, ok := a.Carrier(ip(own)); !ok {
		t.Errorf("its own address %s leads nowhere", own)
	}
	to := must[*ec2.AssociateAddressOutput](t)(associate(t, sdk(a), id, true))
	if got := public(); got != "203.0.113.11" {
		t.Errorf("it shows %s", got)
	}
	if i, ok := a.Carrier(ip(own)); ok {
		t.Errorf("the released address leads to %s", i.ID)
	}
	must[*ec2.DisassociateAddressOutput](t)(c.DisassociateAddress(t.Context(), &ec2.DisassociateAddressInput{AssociationId: to.AssociationId}))
	next := public()
	if next == own || next == "" {
		t.Errorf("after the Elastic IP it shows %q, before it was %s: want another one", next, own)
	}
	must[*ec2.StopInstancesOutput](t)(c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}}))
	if got := public(); got != "" {
		t.Errorf("stopped, it shows %s", got)
	}
	must[*ec2.StartInstancesOutput](t)(c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}}))
	if got := public(); got == "" || got == next {
		t.Errorf("started, it shows %q, before it was %s: want another one", got, next)
	}
}

func TestAnInstanceThatEndsLosesItsAddressAndGetsNone(t *testing.T) {
	for state, code := range map[string]string{"pending": "InvalidInstanceID", "shutting-down": "InvalidInstanceID", "terminated": "InvalidInstanceID"} {
		a := account(simulator.Options{})
		a.SetInstanceState(standby, state)
		_, err := associate(t, sdk(a), standby, true)
		wantCode(t, err, code)
	}
	a := account(simulator.Options{})
	a.SetInstanceState(first, "shutting-down")
	wantCode(t, put(t, a, allocation, "eni-0a000000000000001", ""), "IncorrectInstanceState")
	a.SetInstanceState(first, "terminated")
	wantCode(t, put(t, a, allocation, "eni-0a000000000000001", ""), "InvalidNetworkInterfaceID.NotFound")
	if got := where(a, "203.0.113.11"); got != "" {
		t.Errorf("the address is still on %s", got)
	}
}

func TestTheLastAddressOfADualStackNameStays(t *testing.T) {
	a := crowded()
	c := ec2.NewFromConfig(sdk(a))
	must[*ec2.ModifyPublicIpDnsNameOptionsOutput](t)(c.ModifyPublicIpDnsNameOptions(t.Context(), &ec2.ModifyPublicIpDnsNameOptionsInput{
		NetworkInterfaceId: aws.String(manyFirst), HostnameType: ec2types.PublicIpDnsOptionPublicDualStackDnsName,
	}))
	off := func() error {
		for _, d := range a.Addresses() {
			if d.Allocation == allocation {
				_, err := c.DisassociateAddress(t.Context(), &ec2.DisassociateAddressInput{AssociationId: aws.String(d.Association)})
				return err
			}
		}
		return nil
	}
	must[any](t)(nil, put(t, a, allocation, manyFirst, ""))
	wantCode(t, off(), "OperationNotPermitted")
	must[any](t)(nil, put(t, a, allocationOf(a, "203.0.113.13"), manyFirst, "10.0.1.16"))
	must[any](t)(nil, off())
}

func TestDescribesMayLagAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Lag: 5 * time.Second})
		c := ec2.NewFromConfig(sdk(a))
		d := must[*ec2.AllocateAddressOutput](t)(c.AllocateAddress(t.Context(), nil))
		in := &ec2.DescribeAddressesInput{AllocationIds: []string{*d.AllocationId}}
		_, err := c.DescribeAddresses(t.Context(), in)
		wantCode(t, err, "InvalidAllocationID.NotFound")
		time.Sleep(5 * time.Second)
		must[*ec2.DescribeAddressesOutput](t)(c.DescribeAddresses(t.Context(), in))
	})
}

func TestADryRunTellsThePermissionAndDoesNothing(t *testing.T) {
	a := account(simulator.Options{})
	c := ec2.NewFromConfig(sdk(a))
	dry, generation := aws.Bool(true), a.Generation()
	for action, call := range map[string]func() error{
		"AssociateAddress": func() error {
			_, err := c.AssociateAddress(t.Context(), &ec2.AssociateAddressInput{AllocationId: aws.String(allocation), InstanceId: aws.String(standby), DryRun: dry})
			return err
		},
		"DisassociateAddress": func() error {
			_, err := c.DisassociateAddress(t.Context(), &ec2.DisassociateAddressInput{AssociationId: aws.String("eipassoc-0"), DryRun: dry})
			return err
		},
		"ReleaseAddress": func() error {
			_, err := c.ReleaseAddress(t.Context(), &ec2.ReleaseAddressInput{AllocationId: aws.String(allocation), DryRun: dry})
			return err
		},
		"TerminateInstances": func() error {
			_, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{first}, DryRun: dry})
			return err
		},
		"DescribeAddresses": func() error {
			_, err := c.DescribeAddresses(t.Context(), &ec2.DescribeAddressesInput{DryRun: dry})
			return err
		},
	} {
		wantCode(t, call(), "DryRunOperation")
		a.Deny(action)
		wantCode(t, call(), "UnauthorizedOperation")
	}
	if a.Generation() != generation {
		t.Error("a dry run changed something")
	}
}
