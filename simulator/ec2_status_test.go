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

func TestStatusesAndEventsAreSwitched(t *testing.T) {
	a := account(simulator.Options{})
	c := ec2.NewFromConfig(sdk(a))
	before := time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC)
	a.SetStatus(first, simulator.Status{System: "impaired", Events: []simulator.Event{{
		ID: "instance-event-0d59937288b749b32", Code: "instance-retirement", Description: "The instance is running on degraded hardware", NotBefore: before,
	}}})
	out := must[*ec2.DescribeInstanceStatusOutput](t)(c.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: []string{first}}))
	s := out.InstanceStatuses[0]
	if s.SystemStatus.Status != "impaired" || s.SystemStatus.Details[0].Status != "failed" || s.InstanceStatus.Status != "ok" || s.InstanceStatus.Details[0].Status != "passed" {
		t.Errorf("got %+v, %+v", s.SystemStatus, s.InstanceStatus)
	}
	if len(s.Events) != 1 || s.Events[0].Code != "instance-retirement" || !s.Events[0].NotBefore.Equal(before) || s.Events[0].NotAfter != nil {
		t.Errorf("got %+v", s.Events)
	}
	a.SetStatus(first, simulator.Status{})
	out = must[*ec2.DescribeInstanceStatusOutput](t)(c.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: []string{first}}))
	if s := out.InstanceStatuses[0]; s.SystemStatus.Status != "ok" || len(s.Events) != 0 {
		t.Errorf("got %+v", s)
	}
}

func TestFiltersStatuses(t *testing.T) {
	a := account(simulator.Options{})
	a.SetStatus(second, simulator.Status{Instance: "impaired", Events: []simulator.Event{{Code: "system-reboot"}}})
	c := ec2.NewFromConfig(sdk(a))
	for name, tt := range map[string]struct {
		filters []ec2types.Filter
		all     bool
		want    int
	}{
		"none":            {nil, false, 3},
		"all":             {nil, true, 4},
		"stopped of some": {filters("instance-state-name", "stopped"), false, 0},
		"stopped of all":  {filters("instance-state-code", "80"), true, 1},
		"impaired":        {filters("instance-status.status", "impaired"), false, 1},
		"reachable":       {filters("instance-status.reachability", "passed"), false, 2},
		"system":          {filters("system-status.status", "ok"), false, 3},
		"event":           {filters("event.code", "system-*"), false, 1},
		"zone":            {filters("availability-zone", "eu-central-1a"), false, 2},
	} {
		out := must[*ec2.DescribeInstanceStatusOutput](t)(c.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{
			Filters: tt.filters, IncludeAllInstances: aws.Bool(tt.all),
		}))
		if len(out.InstanceStatuses) != tt.want {
			t.Errorf("%s: got %d statuses, want %d", name, len(out.InstanceStatuses), tt.want)
		}
	}
	_, err := c.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{Filters: filters("tag:pool", "www")})
	wantCode(t, err, "InvalidParameterValue") // statuses have no tags
}

func TestStatusIsAskedOfAHundredInstancesAtMost(t *testing.T) {
	a := simulator.New(simulator.Options{})
	var ids []string
	for n := range 101 {
		ids = append(ids, fmt.Sprintf("i-%03x", n))
		a.AddInstance(simulator.Instance{ID: ids[n]})
	}
	c := ec2.NewFromConfig(sdk(a))
	out := must[*ec2.DescribeInstanceStatusOutput](t)(c.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: ids[:100]}))
	if len(out.InstanceStatuses) != 100 {
		t.Errorf("got %d statuses", len(out.InstanceStatuses))
	}
	_, err := c.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: ids})
	wantCode(t, err, "InvalidParameterValue")
}

func TestFiltersInstances(t *testing.T) {
	a := crowded()
	c := ec2.NewFromConfig(sdk(a))
	for name, tt := range map[string]struct {
		filters []ec2types.Filter
		want    int
	}{
		"id":                   {filters("instance-id", first, many), 2},
		"zone":                 {filters("availability-zone", "*-1b"), 1},
		"interface":            {filters("network-interface.network-interface-id", manySecond), 1},
		"a further address":    {filters("network-interface.addresses.private-ip-address", "10.0.1.17", "10.0.1.25"), 1},
		"only a primary one":   {filters("private-ip-address", "10.0.1.17"), 0},
		"by allocation":        {filters("network-interface.association.allocation-id", allocation), 1},
		"public":               {filters("ip-address", "203.0.113.12"), 1},
		"tags of either value": {filters("tag:Name", "lb-1", "lb-2"), 2},
		"subnet":               {filters("vpc-id", "vpc-00000000000000001"), 5},
	} {
		out := must[*ec2.DescribeInstancesOutput](t)(c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: tt.filters}))
		if len(out.Reservations) != tt.want {
			t.Errorf("%s: got %d instances, want %d", name, len(out.Reservations), tt.want)
		}
	}
	many := make([]string, 201)
	_, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: filters("ip-address", many...)})
	wantCode(t, err, "FilterLimitExceeded")
	must[*ec2.DescribeInstancesOutput](t)(c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: filters("ip-address", many[:200]...)}))
	_, err = c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: filters("ip-address")})
	wantCode(t, err, "InvalidParameterValue")
}

// calls counts how many of n calls are not refused with a code.
func calls(t *testing.T, n int, code string, call func() error) int {
	t.Helper()
	passed := 0
	for range n {
		if err := call(); err == nil {
			passed++
		} else {
			wantCode(t, err, code)
		}
	}
	return passed
}

func TestCallsDrawFromTheBucketsThatAWSPublishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Limits: true})
		c := ec2.NewFromConfig(sdk(a))
		describe := func(in ec2.DescribeInstancesInput) func() error {
			return func() error {
				_, err := c.DescribeInstances(t.Context(), &in)
				return err
			}
		}
		move := func() error {
			_, err := associate(t, sdk(a), standby, true)
			return err
		}
		look := func() error {
			_, err := c.DescribeAddresses(t.Context(), nil)
			return err
		}
		got := func() []int {
			return []int{
				calls(t, 200, "RequestLimitExceeded", move),
				calls(t, 200, "RequestLimitExceeded", look),
				calls(t, 200, "RequestLimitExceeded", describe(ec2.DescribeInstancesInput{})),
				calls(t, 200, "RequestLimitExceeded", describe(ec2.DescribeInstancesInput{MaxResults: aws.Int32(1000)})),
				calls(t, 200, "RequestLimitExceeded", describe(ec2.DescribeInstancesInput{InstanceIds: []string{first}})),
			}
		}
		if diff := cmp.Diff([]int{50, 100, 50, 100, 0}, got()); diff != "" {
			t.Error(diff)
		}
		time.Sleep(time.Second)
		if diff := cmp.Diff([]int{5, 20, 10, 20, 0}, got()); diff != "" {
			t.Errorf("after a second:\n%s", diff)
		}
		a.SetLimits(false)
		if n := calls(t, 200, "RequestLimitExceeded", move); n != 200 {
			t.Errorf("without limits %d of 200 calls passed", n)
		}
		a.SetLimits(true)
		if n := calls(t, 200, "RequestLimitExceeded", move); n != 50 {
			t.Errorf("with full buckets again %d calls passed", n)
		}
	})
}

func TestThereAreNoLimitsUnlessTheyAreAskedFor(t *testing.T) {
	c := ec2.NewFromConfig(sdk(account(simulator.Options{})))
	if n := calls(t, 300, "RequestLimitExceeded", func() error {
		_, err := c.DescribeInstances(t.Context(), nil)
		return err
	}); n != 300 {
		t.Errorf("%d of 300 calls passed", n)
	}
}
