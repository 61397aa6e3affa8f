package eip_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rrwatch/failover"
	"rrwatch/simulator"
)

func ids(list []failover.Instance) []string {
	var out []string
	for _, i := range list {
		out = append(out, i.ID)
	}
	return out
}

func TestReadsAddressesAndTheirCarriers(t *testing.T) {
	a := account(simulator.Options{})
	asked := []netip.Addr{ip("203.0.113.13"), ip("203.0.113.11"), ip("192.0.2.1"), ip("2001:db8::1"), ip("203.0.113.11")}
	addresses, instances, err := read(t.Context(), open(a), asked, failover.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	same := cmp.Options{cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreFields(failover.Address{}, "Association")}
	if diff := cmp.Diff([]failover.Address{
		{IP: ip("203.0.113.11"), Allocation: allocation, Instance: first, Interface: "eni-0a1", Private: ip("10.0.1.11"), BorderGroup: "eu-central-1"},
		{IP: ip("203.0.113.13"), Allocation: "eipalloc-0c3", BorderGroup: "eu-central-1"},
	}, addresses, same); diff != "" {
		t.Error("addresses:", diff)
	}
	if addresses[0].Association == "" || addresses[1].Association != "" {
		t.Errorf("got the associations %q and %q, want only the first", addresses[0].Association, addresses[1].Association)
	}
	if diff := cmp.Diff([]failover.Instance{{
		ID: first, Name: "lb-1", Zone: "eu-central-1a", State: "running", Status: "ok", Interface: "eni-0a1", Interfaces: 1, BorderGroup: "eu-central-1",
		Private: ip("10.0.1.11"), Public: ip("203.0.113.11"), Elastic: ip("203.0.113.11"),
	}}, instances, same); diff != "" {
		t.Error("instances:", diff)
	}
	if diff := cmp.Diff(map[string]int{"DescribeAddresses": 1, "DescribeInstances": 1, "DescribeInstanceStatus": 1}, a.Calls()); diff != "" {
		t.Error("calls:", diff)
	}
}

func TestReadsNothingWhenNothingIsAsked(t *testing.T) {
	a := account(simulator.Options{})
	addresses, instances, err := read(t.Context(), open(a), []netip.Addr{ip("2001:db8::1")}, failover.Selector{})
	if err != nil || len(addresses)+len(instances)+len(a.Calls()) != 0 {
		t.Errorf("got %v, %v, %v and the calls %v", addresses, instances, err, a.Calls())
	}
}

func TestSelectsInstancesByIDAndByAllTags(t *testing.T) {
	a := account(simulator.Options{})
	a.AddInstance(simulator.Instance{ID: "i-0e5", Private: ip("10.0.1.15"), Tags: map[string]string{"pool": "www"}})
	a.AddInstance(simulator.Instance{ID: "i-0f6", Private: ip("10.0.1.16"), State: "terminated", Tags: map[string]string{"pool": "www", "tier": "edge"}})
	a.AddInstance(simulator.Instance{ID: "i-0f7", Private: ip("10.0.1.17"), Tags: map[string]string{"pool": "w?w*", "tier": "edge"}})
	for name, test := range map[string]struct {
		sel  failover.Selector
		want []string
	}{
		"by id, one of which is gone":        {failover.Selector{IDs: []string{stopped, standby, "i-0gone"}}, []string{standby, stopped}},
		"by one tag":                         {failover.Selector{Tags: map[string]string{"pool": "www"}}, []string{first, second, standby, "i-0e5"}},
		"by two tags":                        {failover.Selector{Tags: map[string]string{"pool": "www", "tier": "edge"}}, []string{first, second, standby}},
		"by a tag that looks like a pattern": {failover.Selector{Tags: map[string]string{"pool": "w?w*"}}, []string{"i-0f7"}},
		"by both": {failover.Selector{IDs: []string{stopped, first}, Tags: map[string]string{"tier": "edge", "pool": "www"}},
			[]string{first, second, standby, stopped}},
	} {
		t.Run(name, func(t *testing.T) {
			_, instances, err := read(t.Context(), open(a), nil, test.sel)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, ids(instances)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadsManyInstancesAndAddressesInPages(t *testing.T) {
	const many = 1010
	a := simulator.New(simulator.Options{})
	var asked []netip.Addr
	for n := range many {
		id := fmt.Sprintf("i-%04d", n)
		a.AddInstance(simulator.Instance{ID: id, Private: netip.AddrFrom4([4]byte{10, 0, byte(n / 250), byte(n % 250)}), Tags: map[string]string{"pool": "www"}})
		if n%5 == 0 {
			asked = append(asked, netip.AddrFrom4([4]byte{203, 0, byte(n / 250), byte(n % 250)}))
			a.AddAddress(simulator.Address{IP: asked[len(asked)-1], Allocation: "eipalloc-" + id[2:], Instance: id})
		}
	}
	addresses, instances, err := read(t.Context(), open(a), asked, failover.Selector{Tags: map[string]string{"pool": "www"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(addresses) != len(asked) || len(instances) != many {
		t.Errorf("got %d addresses and %d instances, want %d and %d", len(addresses), len(instances), len(asked), many)
	}
	for _, i := range instances {
		if i.Status != "ok" {
			t.Fatalf("got the status %q of %s", i.Status, i.ID)
		}
	}
}

func TestAStatusThatCannotBeReadIsSaidInItsPlace(t *testing.T) {
	a := account(simulator.Options{})
	a.Deny("DescribeInstanceStatus")
	_, instances, err := read(t.Context(), open(a), []netip.Addr{ip("203.0.113.11")}, failover.Selector{IDs: []string{stopped}})
	if err != nil {
		t.Fatal(err)
	}
	if s := instances[0].Status; !strings.HasPrefix(s, "unknown: UnauthorizedOperation") {
		t.Errorf("got %q", s)
	}
	if i := instances[1]; i.State != "stopped" || i.Status != "" {
		t.Errorf("got %+v, want a stopped instance without a status", i)
	}
}

func TestAReadThatIsDeniedSaysSo(t *testing.T) {
	a := account(simulator.Options{})
	a.Deny("DescribeInstances")
	_, _, err := read(t.Context(), open(a), []netip.Addr{ip("203.0.113.11")}, failover.Selector{})
	wantText(t, err, "read instances", "not permitted", "ec2:DescribeInstances", "docs/permissions.md")
}
