package simulator_test

import (
	"net/netip"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"rrwatch/simulator"
)

// newInterface makes an interface in a zone.
func newInterface(t *testing.T, c *ec2.Client, zone string, in *ec2.CreateNetworkInterfaceInput) *ec2types.NetworkInterface {
	t.Helper()
	subnets := must[*ec2.DescribeSubnetsOutput](t)(c.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{Filters: filters("availability-zone", zone)}))
	in.SubnetId = subnets.Subnets[0].SubnetId
	return must[*ec2.CreateNetworkInterfaceOutput](t)(c.CreateNetworkInterface(t.Context(), in)).NetworkInterface
}

// privates returns the private addresses that describes show of an interface.
func privates(t *testing.T, c *ec2.Client, eni string) []string {
	t.Helper()
	out := must[*ec2.DescribeNetworkInterfacesOutput](t)(c.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{eni}}))
	var got []string
	for _, p := range out.NetworkInterfaces[0].PrivateIpAddresses {
		got = append(got, *p.PrivateIpAddress)
	}
	return got
}

func TestInterfacesAreMadeAttachedDetachedAndDeleted(t *testing.T) {
	a := simulator.New(simulator.Options{})
	c := ec2.NewFromConfig(sdk(a))
	id := ran(t, c, &ec2.RunInstancesInput{}, 1)[0]
	n := newInterface(t, c, "eu-central-1a", &ec2.CreateNetworkInterfaceInput{
		Description: aws.String("second"), PrivateIpAddress: aws.String("172.31.0.99"), SecondaryPrivateIpAddressCount: aws.Int32(2),
		TagSpecifications: tags(ec2types.ResourceTypeNetworkInterface, "role", "carrier"),
	})
	if n.Status != "available" || *n.PrivateIpAddress != "172.31.0.99" || len(n.PrivateIpAddresses) != 3 {
		t.Errorf("got %+v", n)
	}
	attach := func(to string, device int32) (*ec2.AttachNetworkInterfaceOutput, error) {
		return c.AttachNetworkInterface(t.Context(), &ec2.AttachNetworkInterfaceInput{
			InstanceId: aws.String(to), NetworkInterfaceId: n.NetworkInterfaceId, DeviceIndex: aws.Int32(device),
		})
	}
	_, err := attach(id, 0)
	wantMessage(t, err, "Instance '"+id+"' already has an interface attached at device index '0'.")
	at := must[*ec2.AttachNetworkInterfaceOutput](t)(attach(id, 1))
	_, err = attach(id, 2)
	wantCode(t, err, "InvalidNetworkInterface.InUse")
	_, err = c.DeleteNetworkInterface(t.Context(), &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: n.NetworkInterfaceId})
	wantMessage(t, err, "Network interface '"+*n.NetworkInterfaceId+"' is currently in use.")

	out := must[*ec2.DescribeInstancesOutput](t)(c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}}))
	shown := out.Reservations[0].Instances[0].NetworkInterfaces
	if len(shown) != 2 || *shown[1].Attachment.DeviceIndex != 1 || *shown[1].NetworkInterfaceId != *n.NetworkInterfaceId || *shown[0].Attachment.DeviceIndex != 0 {
		t.Errorf("got %+v", shown)
	}
	detach := func(attachment *string) error {
		_, err := c.DetachNetworkInterface(t.Context(), &ec2.DetachNetworkInterfaceInput{AttachmentId: attachment})
		return err
	}
	wantCode(t, detach(shown[0].Attachment.AttachmentId), "OperationNotPermitted")
	must[any](t)(nil, detach(at.AttachmentId))
	wantCode(t, detach(at.AttachmentId), "InvalidAttachmentID.NotFound")
	must[*ec2.DeleteNetworkInterfaceOutput](t)(c.DeleteNetworkInterface(t.Context(), &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: n.NetworkInterfaceId}))
	if left := a.Interfaces(); len(left) != 1 || left[0].Instance != id {
		t.Errorf("left are %+v", left)
	}
}

func TestRefusesWhatCannotBeAttached(t *testing.T) {
	a := crowded()
	a.AddInterface(simulator.Interface{ID: "eni-0f", Zone: "eu-central-1a", Private: []netip.Addr{ip("10.0.1.50")}})
	c := ec2.NewFromConfig(sdk(a))
	a.SetInstanceState(first, "pending")
	a.SetInstanceState(standby, "terminated")
	for name, tt := range map[string]struct{ eni, instance, code string }{
		"another zone":         {"eni-0f", second, "InvalidParameterCombination"},
		"unknown interface":    {"eni-0123", many, "InvalidNetworkInterfaceID.NotFound"},
		"no interface":         {"second", many, "InvalidNetworkInterfaceId.Malformed"},
		"unknown instance":     {"eni-0f", "i-0123", "InvalidInstanceID.NotFound"},
		"a pending instance":   {"eni-0f", first, "IncorrectState"},
		"a finished instance":  {"eni-0f", standby, "IncorrectState"},
		"an interface in use":  {manySecond, dead, "InvalidNetworkInterface.InUse"},
		"a taken device index": {"eni-0f", many, "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.AttachNetworkInterface(t.Context(), &ec2.AttachNetworkInterfaceInput{
				InstanceId: aws.String(tt.instance), NetworkInterfaceId: aws.String(tt.eni), DeviceIndex: aws.Int32(1),
			})
			wantCode(t, err, tt.code)
		})
	}
}

func TestAnAddressGoesWithItsInterface(t *testing.T) {
	a := crowded()
	c := ec2.NewFromConfig(sdk(a))
	a.AddInterface(simulator.Interface{ID: "eni-0f", Private: []netip.Addr{ip("10.0.1.50")}})
	must[any](t)(nil, put(t, a, allocation, "eni-0f", ""))
	if got := a.Addresses()[0]; got.Interface != "eni-0f" || got.Instance != "" || carrier(a, "203.0.113.11") != "" {
		t.Errorf("got %+v", got)
	}
	at := must[*ec2.AttachNetworkInterfaceOutput](t)(c.AttachNetworkInterface(t.Context(), &ec2.AttachNetworkInterfaceInput{
		InstanceId: aws.String(dead), NetworkInterfaceId: aws.String("eni-0f"), DeviceIndex: aws.Int32(1),
	}))
	if carrier(a, "203.0.113.11") != dead || wired(t, c)["203.0.113.11"] != dead {
		t.Error("the address did not come with its interface")
	}
	must[*ec2.DetachNetworkInterfaceOutput](t)(c.DetachNetworkInterface(t.Context(), &ec2.DetachNetworkInterfaceInput{AttachmentId: at.AttachmentId}))
	must[*ec2.DeleteNetworkInterfaceOutput](t)(c.DeleteNetworkInterface(t.Context(), &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: aws.String("eni-0f")}))
	if got := where(a, "203.0.113.11"); got != "" {
		t.Errorf("the address is still on %s", got)
	}
}

func TestPrivateAddressesAreAssignedAndUnassigned(t *testing.T) {
	a := crowded()
	c := ec2.NewFromConfig(sdk(a))
	assign := func(eni string, again bool, ips ...string) error {
		_, err := c.AssignPrivateIpAddresses(t.Context(), &ec2.AssignPrivateIpAddressesInput{
			NetworkInterfaceId: aws.String(eni), PrivateIpAddresses: ips, AllowReassignment: aws.Bool(again),
		})
		return err
	}
	unassign := func(eni string, ips ...string) error {
		_, err := c.UnassignPrivateIpAddresses(t.Context(), &ec2.UnassignPrivateIpAddressesInput{NetworkInterfaceId: aws.String(eni), PrivateIpAddresses: ips})
		return err
	}
	must[any](t)(nil, put(t, a, allocation, manyFirst, "10.0.1.16"))
	wantMessage(t, assign(manySecond, false, "10.0.1.16"), "[10.0.1.16] assigned, but move is not allowed.")
	wantCode(t, assign(manySecond, true, "10.0.1.15"), "InvalidParameterValue")
	wantCode(t, assign("eni-0b000000000000002", true, "10.0.1.16"), "InvalidParameterValue") // another zone
	must[any](t)(nil, assign(manySecond, true, "10.0.1.16"))
	if got := where(a, "203.0.113.11"); got != manySecond+" 10.0.1.16" {
		t.Errorf("the address did not move with its private address: it is on %q", got)
	}
	must[any](t)(nil, assign("eni-0c000000000000003", true, "10.0.1.16"))
	if carrier(a, "203.0.113.11") != standby {
		t.Errorf("the address leads to %s", carrier(a, "203.0.113.11"))
	}
	if diff := cmp.Diff([]string{"10.0.1.13", "10.0.1.16"}, privates(t, c, "eni-0c000000000000003")); diff != "" {
		t.Error(diff)
	}
	wantCode(t, unassign("eni-0c000000000000003", "10.0.1.13"), "InvalidParameterValue")
	wantCode(t, unassign("eni-0c000000000000003", "10.0.9.9"), "InvalidParameterValue")
	must[any](t)(nil, unassign("eni-0c000000000000003", "10.0.1.16"))
	if where(a, "203.0.113.11") != "" {
		t.Error("the address stayed where no private address is")
	}
}

func TestPrivateAddressesAreChosenByEC2(t *testing.T) {
	c := ec2.NewFromConfig(sdk(simulator.New(simulator.Options{})))
	n := newInterface(t, c, "eu-central-1c", &ec2.CreateNetworkInterfaceInput{PrivateIpAddresses: []ec2types.PrivateIpAddressSpecification{
		{PrivateIpAddress: aws.String("172.31.32.5"), Primary: aws.Bool(false)}, {PrivateIpAddress: aws.String("172.31.32.8"), Primary: aws.Bool(true)},
	}})
	out := must[*ec2.AssignPrivateIpAddressesOutput](t)(c.AssignPrivateIpAddresses(t.Context(), &ec2.AssignPrivateIpAddressesInput{
		NetworkInterfaceId: n.NetworkInterfaceId, SecondaryPrivateIpAddressCount: aws.Int32(2),
	}))
	if len(out.AssignedPrivateIpAddresses) != 2 || *out.AssignedPrivateIpAddresses[1].PrivateIpAddress != "172.31.32.6" {
		t.Errorf("got %+v", out.AssignedPrivateIpAddresses)
	}
	if diff := cmp.Diff([]string{"172.31.32.8", "172.31.32.5", "172.31.32.4", "172.31.32.6"}, privates(t, c, *n.NetworkInterfaceId)); diff != "" {
		t.Error(diff)
	}
	for code, in := range map[string]ec2.AssignPrivateIpAddressesInput{
		"InvalidParameterCombination": {},
		"InvalidParameterValue":       {PrivateIpAddresses: []string{"10.9.9.9"}},
		"InvalidIPAddress.InUse":      {PrivateIpAddresses: []string{"172.31.47.255"}},
		"UnsupportedOperation":        {Ipv4PrefixCount: aws.Int32(1)},
	} {
		in.NetworkInterfaceId = n.NetworkInterfaceId
		_, err := c.AssignPrivateIpAddresses(t.Context(), &in)
		wantCode(t, err, code)
	}
}

func TestFiltersInterfaces(t *testing.T) {
	a := crowded()
	a.AddInterface(simulator.Interface{ID: "eni-0f", Tags: map[string]string{"role": "spare"}})
	c := ec2.NewFromConfig(sdk(a))
	must[any](t)(nil, put(t, a, allocation, manyFirst, "10.0.1.16"))
	for name, tt := range map[string]struct {
		filters []ec2types.Filter
		want    int
	}{
		"all":            {nil, 7},
		"attachment":     {filters("attachment.instance-id", many), 2},
		"device":         {filters("attachment.device-index", "1"), 1},
		"status":         {filters("status", "available"), 1},
		"private":        {filters("addresses.private-ip-address", "10.0.1.16", "10.0.1.25"), 2},
		"public":         {filters("association.public-ip", "203.0.113.*"), 2},
		"allocation":     {filters("association.allocation-id", allocation), 1},
		"zone":           {filters("availability-zone", "eu-central-1b"), 1},
		"tag":            {filters("tag:role", "spare"), 1},
		"two at a time":  {append(filters("status", "in-use"), filters("tag-key", "role")...), 0},
		"own public one": {filters("addresses.association.owner-id", "amazon"), 1},
	} {
		out := must[*ec2.DescribeNetworkInterfacesOutput](t)(c.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{Filters: tt.filters}))
		if len(out.NetworkInterfaces) != tt.want {
			t.Errorf("%s: got %d interfaces, want %d", name, len(out.NetworkInterfaces), tt.want)
		}
	}
	pages := ec2.NewDescribeNetworkInterfacesPaginator(c, &ec2.DescribeNetworkInterfacesInput{MaxResults: aws.Int32(5)})
	var sizes []int
	for pages.HasMorePages() {
		sizes = append(sizes, len(must[*ec2.DescribeNetworkInterfacesOutput](t)(pages.NextPage(t.Context())).NetworkInterfaces))
	}
	if diff := cmp.Diff([]int{5, 2}, sizes); diff != "" {
		t.Error(diff)
	}
}
