package simulator_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"rrwatch/simulator"
)

// An empty account is filled over the wire, as any client would.

func tags(kind ec2types.ResourceType, key, value string) []ec2types.TagSpecification {
	return []ec2types.TagSpecification{{ResourceType: kind, Tags: []ec2types.Tag{{Key: aws.String(key), Value: aws.String(value)}}}}
}

// ran runs instances and returns their identifiers.
func ran(t *testing.T, c *ec2.Client, in *ec2.RunInstancesInput, n int32) []string {
	t.Helper()
	in.ImageId, in.MinCount, in.MaxCount = aws.String("ami-0123"), aws.Int32(n), aws.Int32(n)
	var ids []string
	for _, i := range must[*ec2.RunInstancesOutput](t)(c.RunInstances(t.Context(), in)).Instances {
		ids = append(ids, *i.InstanceId)
	}
	return ids
}

// state returns what describes show of the states of instances.
func states(t *testing.T, c *ec2.Client, ids ...string) []string {
	t.Helper()
	var got []string
	for _, r := range must[*ec2.DescribeInstancesOutput](t)(c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: ids})).Reservations {
		for _, i := range r.Instances {
			got = append(got, string(i.State.Name))
		}
	}
	return got
}

func TestInstancesAreRunTogetherWithTagsAndAddresses(t *testing.T) {
	c := ec2.NewFromConfig(sdk(simulator.New(simulator.Options{})))
	ids := ran(t, c, &ec2.RunInstancesInput{
		InstanceType: ec2types.InstanceTypeT3Small, TagSpecifications: tags(ec2types.ResourceTypeInstance, "pool", "www"),
		Placement: &ec2types.Placement{AvailabilityZone: aws.String("eu-central-1b")},
	}, 2)
	out := must[*ec2.DescribeInstancesOutput](t)(c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: filters("tag:pool", "www")}))
	if len(out.Reservations) != 1 || len(out.Reservations[0].Instances) != 2 {
		t.Fatalf("got %d reservations, want one of two instances", len(out.Reservations))
	}
	for n, i := range out.Reservations[0].Instances {
		got := []string{
			*i.InstanceId, string(i.State.Name), *i.PrivateIpAddress, *i.Placement.AvailabilityZone, string(i.InstanceType), *i.ImageId,
			fmt.Sprint(*i.AmiLaunchIndex), *i.NetworkInterfaces[0].SubnetId,
		}
		want := []string{ids[n], "running", fmt.Sprintf("172.31.16.%d", n+4), "eu-central-1b", "t3.small", "ami-0123", fmt.Sprint(n), *i.SubnetId}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAClientTokenRunsInstancesOnce(t *testing.T) {
	a := simulator.New(simulator.Options{})
	c := ec2.NewFromConfig(sdk(a))
	in := &ec2.RunInstancesInput{ClientToken: aws.String("once")}
	if diff := cmp.Diff(ran(t, c, in, 1), ran(t, c, in, 1)); diff != "" || len(a.Instances()) != 1 {
		t.Errorf("got %d instances:\n%s", len(a.Instances()), diff)
	}
	in.MaxCount = aws.Int32(2)
	_, err := c.RunInstances(t.Context(), in)
	wantCode(t, err, "IdempotentParameterMismatch")
}

func TestRefusesWhatCannotBeRun(t *testing.T) {
	subnet := func(n int) *string {
		out := must[*ec2.DescribeSubnetsOutput](t)(ec2.NewFromConfig(sdk(simulator.New(simulator.Options{}))).DescribeSubnets(t.Context(), nil))
		return out.Subnets[n].SubnetId
	}
	for name, tt := range map[string]struct {
		in   ec2.RunInstancesInput
		code string
	}{
		"no image":         {ec2.RunInstancesInput{}, "MissingParameter"},
		"no such image":    {ec2.RunInstancesInput{ImageId: aws.String("debian")}, "InvalidAMIID.Malformed"},
		"fewer than one":   {ec2.RunInstancesInput{MinCount: aws.Int32(0)}, "InvalidParameterValue"},
		"min above max":    {ec2.RunInstancesInput{MinCount: aws.Int32(2)}, "InvalidParameterValue"},
		"no such zone":     {ec2.RunInstancesInput{Placement: &ec2types.Placement{AvailabilityZone: aws.String("eu-central-1z")}}, "InvalidParameterValue"},
		"no such subnet":   {ec2.RunInstancesInput{SubnetId: aws.String("subnet-0123")}, "InvalidSubnetID.NotFound"},
		"no subnet at all": {ec2.RunInstancesInput{SubnetId: aws.String("mine")}, "InvalidSubnetID.Malformed"},
		"template":         {ec2.RunInstancesInput{LaunchTemplate: &ec2types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("lb")}}, "InvalidLaunchTemplateId.NotFound"},
		"address outside":  {ec2.RunInstancesInput{SubnetId: subnet(1), PrivateIpAddress: aws.String("172.31.0.9")}, "InvalidParameterValue"},
		"reserved":         {ec2.RunInstancesInput{PrivateIpAddress: aws.String("172.31.0.3")}, "InvalidIPAddress.InUse"},
		"reserved tag":     {ec2.RunInstancesInput{TagSpecifications: tags(ec2types.ResourceTypeInstance, "aws:x", "y")}, "InvalidParameterValue"},
		"interface of none": {ec2.RunInstancesInput{NetworkInterfaces: []ec2types.InstanceNetworkInterfaceSpecification{
			{DeviceIndex: aws.Int32(0), NetworkInterfaceId: aws.String("eni-0123")}}}, "InvalidNetworkInterfaceID.NotFound"},
		"no primary interface": {ec2.RunInstancesInput{NetworkInterfaces: []ec2types.InstanceNetworkInterfaceSpecification{
			{DeviceIndex: aws.Int32(1), SubnetId: subnet(0)}}}, "InvalidParameterCombination"},
	} {
		t.Run(name, func(t *testing.T) {
			a := simulator.New(simulator.Options{})
			if tt.in.ImageId == nil && name != "no image" {
				tt.in.ImageId = aws.String("ami-0123")
			}
			if tt.in.MinCount == nil {
				tt.in.MinCount = aws.Int32(1)
			}
			tt.in.MaxCount = aws.Int32(1)
			_, err := ec2.NewFromConfig(sdk(a)).RunInstances(t.Context(), &tt.in)
			wantCode(t, err, tt.code)
			if len(a.Instances())+len(a.Interfaces()) > 0 {
				t.Errorf("what was refused left %v, %v", a.Instances(), a.Interfaces())
			}
		})
	}
}

func TestStatesTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := simulator.New(simulator.Options{Change: 30 * time.Second})
		c := ec2.NewFromConfig(sdk(a))
		id := ran(t, c, &ec2.RunInstancesInput{}, 1)[0]
		steps := []string{}
		look := func() { steps = append(steps, states(t, c, id)...) }
		wait := func() { look(); time.Sleep(31 * time.Second); look() }
		wait()
		must[*ec2.StopInstancesOutput](t)(c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}}))
		_, err := c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
		wantCode(t, err, "IncorrectInstanceState")
		wait()
		must[*ec2.StartInstancesOutput](t)(c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}}))
		_, err = c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
		wantCode(t, err, "IncorrectInstanceState")
		wait()
		must[*ec2.StopInstancesOutput](t)(c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}}))
		time.Sleep(10 * time.Second) // the stop would end between the two looks that follow
		out := must[*ec2.TerminateInstancesOutput](t)(c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}))
		if s := out.TerminatingInstances[0]; s.PreviousState.Name != "stopping" || s.CurrentState.Name != "shutting-down" {
			t.Errorf("got %+v", s)
		}
		time.Sleep(25 * time.Second)
		wait()
		want := []string{"pending", "running", "stopping", "stopped", "pending", "running", "shutting-down", "terminated"}
		if diff := cmp.Diff(want, steps); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAllInstancesOfACallChangeOrNone(t *testing.T) {
	a := account(simulator.Options{})
	a.SetInstanceState(second, "terminated")
	c := ec2.NewFromConfig(sdk(a))
	_, err := c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{first, second}})
	wantCode(t, err, "IncorrectInstanceState")
	_, err = c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{first, "i-0123", "i-0124"}})
	wantMessage(t, err, "The instance IDs 'i-0123, i-0124' do not exist")
	if got := states(t, c, first); got[0] != "running" {
		t.Errorf("the first one is %s", got[0])
	}
}

func TestWhatWasMadeAloneOutlivesItsInstance(t *testing.T) {
	a := simulator.New(simulator.Options{})
	c := ec2.NewFromConfig(sdk(a))
	id := ran(t, c, &ec2.RunInstancesInput{}, 1)[0]
	subnet := a.Interfaces()[0]
	made := newInterface(t, c, subnet.Zone, &ec2.CreateNetworkInterfaceInput{})
	must[*ec2.AttachNetworkInterfaceOutput](t)(c.AttachNetworkInterface(t.Context(), &ec2.AttachNetworkInterfaceInput{
		InstanceId: aws.String(id), NetworkInterfaceId: made.NetworkInterfaceId, DeviceIndex: aws.Int32(1),
	}))
	d := must[*ec2.AllocateAddressOutput](t)(c.AllocateAddress(t.Context(), &ec2.AllocateAddressInput{}))
	must[any](t)(nil, put(t, a, *d.AllocationId, *made.NetworkInterfaceId, ""))
	must[*ec2.TerminateInstancesOutput](t)(c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}))
	left := a.Interfaces()
	if len(left) != 1 || left[0].ID != *made.NetworkInterfaceId || left[0].Instance != "" {
		t.Errorf("left are %+v", left)
	}
	if got := a.Addresses()[0]; got.Interface != *made.NetworkInterfaceId || got.Instance != "" || carrier(a, *d.PublicIp) != "" {
		t.Errorf("the address is at %+v", got)
	}
}

func TestAddressesAreAllocatedAndReleased(t *testing.T) {
	a := simulator.New(simulator.Options{Quota: 2})
	c := ec2.NewFromConfig(sdk(a))
	one := must[*ec2.AllocateAddressOutput](t)(c.AllocateAddress(t.Context(), &ec2.AllocateAddressInput{
		Domain: ec2types.DomainTypeVpc, TagSpecifications: tags(ec2types.ResourceTypeElasticIp, "site", "www"),
	}))
	two := must[*ec2.AllocateAddressOutput](t)(c.AllocateAddress(t.Context(), &ec2.AllocateAddressInput{Address: aws.String("203.0.113.9")}))
	if *one.PublicIp == *two.PublicIp || *two.PublicIp != "203.0.113.9" || a.Addresses()[0].Tags["site"] != "www" {
		t.Errorf("got %s and %s", *one.PublicIp, *two.PublicIp)
	}
	_, err := c.AllocateAddress(t.Context(), nil)
	wantCode(t, err, "AddressLimitExceeded")
	id := ran(t, c, &ec2.RunInstancesInput{}, 1)[0]
	on := must[*ec2.AssociateAddressOutput](t)(c.AssociateAddress(t.Context(), &ec2.AssociateAddressInput{AllocationId: one.AllocationId, InstanceId: aws.String(id)}))
	release := func(in ec2.ReleaseAddressInput) error {
		_, err := c.ReleaseAddress(t.Context(), &in)
		return err
	}
	wantMessage(t, release(ec2.ReleaseAddressInput{AllocationId: one.AllocationId}), "Address "+*one.PublicIp+" is in use.")
	wantCode(t, release(ec2.ReleaseAddressInput{PublicIp: one.PublicIp}), "InvalidParameterValue")
	wantCode(t, release(ec2.ReleaseAddressInput{}), "MissingParameter")
	_, err = c.DisassociateAddress(t.Context(), &ec2.DisassociateAddressInput{PublicIp: one.PublicIp})
	wantCode(t, err, "InvalidParameterValue")
	must[*ec2.DisassociateAddressOutput](t)(c.DisassociateAddress(t.Context(), &ec2.DisassociateAddressInput{AssociationId: on.AssociationId}))
	must[any](t)(nil, release(ec2.ReleaseAddressInput{AllocationId: one.AllocationId}))
	wantCode(t, release(ec2.ReleaseAddressInput{AllocationId: one.AllocationId}), "InvalidAllocationID.NotFound")
	if got := a.Addresses(); len(got) != 1 || got[0].IP != ip("203.0.113.9") {
		t.Errorf("left are %+v", got)
	}
}
