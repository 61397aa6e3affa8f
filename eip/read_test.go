package eip_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rrwatch/eip"
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
	same := cmp.Options{cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreFields(failover.Address{}, "Association"), cmpopts.IgnoreFields(failover.Instance{}, "Tags")}
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

// hundred is what five pools need of a hundred members, with a spare instance for each ten.
func hundred() (*simulator.AWS, []failover.Want) {
	a := simulator.New(simulator.Options{})
	var wants []failover.Want
	for pool := range 5 {
		w := failover.Want{Pool: fmt.Sprint(pool), Instances: failover.Selector{Tags: map[string]string{"pool": fmt.Sprintf("pool-%d", pool)}}}
		for n := range 22 {
			id := fmt.Sprintf("i-%d%02d", pool, n)
			a.AddInstance(simulator.Instance{ID: id, Private: netip.AddrFrom4([4]byte{10, 0, byte(pool), byte(n)}), Tags: w.Instances.Tags})
			if n < 20 {
				w.Addrs = append(w.Addrs, netip.AddrFrom4([4]byte{203, 0, byte(pool), byte(n)}))
				a.AddAddress(simulator.Address{IP: w.Addrs[n], Allocation: "eipalloc-" + id[2:], Instance: id})
			}
		}
		wants = append(wants, w)
	}
	return a, wants
}

func TestOneRoundForAllPoolsTakesFewCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, wants := hundred()
		c := open(a)
		for range 3 {
			before := a.Calls()
			for n, got := range c.Read(t.Context(), wants) {
				if got.Err != nil || len(got.Addresses) != 20 || len(got.Instances) != 22 || got.Instances[21].Status != "ok" {
					t.Fatalf("pool %d: got %d addresses and %d instances, %v", n, len(got.Addresses), len(got.Instances), got.Err)
				}
				if got.Addresses[0].IP != wants[n].Addrs[0] || got.Instances[0].ID != fmt.Sprintf("i-%d00", n) {
					t.Errorf("pool %d got what another one asked for: %+v", n, got.Addresses[0])
				}
			}
			calls := 0
			for action, n := range a.Calls() {
				calls += n - before[action]
			}
			if calls > 5 {
				t.Errorf("a round took %d calls: %v", calls, a.Calls())
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestTheReadsOfARoundThatNeedNotWaitDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, wants := hundred()
		a.SetLatency(time.Second)
		began := time.Now()
		open(a).Read(t.Context(), wants)
		if took := time.Since(began); took != 2*time.Second { // addresses and instances, then statuses
			t.Errorf("took %s, want the time of two calls", took)
		}
	})
}

func TestEachPoolGetsWhatItAskedFor(t *testing.T) {
	a := account(simulator.Options{})
	tags := func(pool, tier string) failover.Selector {
		return failover.Selector{Tags: map[string]string{"pool": pool, "tier": tier}}
	}
	for id, has := range map[string]failover.Selector{"i-0e5": tags("api", "core"), "i-0e6": tags("www", "core"), "i-0e7": tags("api", "edge")} {
		a.AddInstance(simulator.Instance{ID: id, Private: ip("10.0.9.9"), Tags: has.Tags})
	}
	got := open(a).Read(t.Context(), []failover.Want{
		{Instances: tags("www", "edge")}, {Instances: tags("api", "core"), Addrs: []netip.Addr{ip("::ffff:203.0.113.12")}},
		{Instances: failover.Selector{IDs: []string{"i-0e6", first}}}, {Addrs: []netip.Addr{ip("203.0.113.12"), ip("203.0.113.13")}},
	})
	for n, want := range [][]string{{first, second, standby}, {second, "i-0e5"}, {first, "i-0e6"}, {second}} {
		if diff := cmp.Diff(want, ids(got[n].Instances)); diff != "" || got[n].Err != nil {
			t.Errorf("want %d: %v %s", n, got[n].Err, diff)
		}
	}
	if len(got[0].Addresses) != 0 || len(got[1].Addresses) != 1 || len(got[3].Addresses) != 2 {
		t.Errorf("got the addresses %v", got)
	}
	if n := a.Calls()["DescribeInstances"]; n != 1 { // which finds all of them by their tags
		t.Errorf("%d calls of DescribeInstances", n)
	}
}

// One pool's selection that EC2 refuses is its own trouble.
func TestWhatOnePoolAsksForWronglyDoesNotFailTheOthers(t *testing.T) {
	a := account(simulator.Options{})
	bad, harm := "no such tag", false
	c := eip.New(eip.Clients(config(roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(formOf(r).Encode(), url.QueryEscape(bad)) {
			return answers(a, map[string]string{"DescribeInstances": "InvalidParameterValue"}, &harm).RoundTrip(r)
		}
		return a.Transport().RoundTrip(r)
	}))))
	got := c.Read(t.Context(), []failover.Want{
		{Instances: failover.Selector{Tags: map[string]string{"pool": "www"}}}, {Instances: failover.Selector{Tags: map[string]string{"pool": bad}}},
		{Addrs: []netip.Addr{ip("203.0.113.11")}},
	})
	wantText(t, got[1].Err, "read instances", "InvalidParameterValue")
	if got[0].Err != nil || got[2].Err != nil || len(got[0].Instances) != 3 || len(got[2].Addresses) != 1 {
		t.Errorf("got %+v and %+v", got[0], got[2])
	}
}

func TestWhatFailsForAllIsToldToAllAndAskedOnce(t *testing.T) {
	a := account(simulator.Options{})
	a.Deny("DescribeAddresses")
	got := open(a).Read(t.Context(), []failover.Want{{Addrs: []netip.Addr{ip("203.0.113.11")}}, {Addrs: []netip.Addr{ip("203.0.113.12")}}})
	for _, g := range got {
		wantText(t, g.Err, "read Elastic IPs", "rrwatch needs ec2:DescribeAddresses")
	}
	if n := a.Calls()["DescribeAddresses"]; n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestStatusesAreReadAgainAfterHalfAMinuteAndForNewInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		c := open(a)
		step := func(what string, calls int, ids ...string) []failover.Instance {
			t.Helper()
			_, list, err := read(t.Context(), c, nil, failover.Selector{IDs: ids})
			if n := a.Calls()["DescribeInstanceStatus"]; err != nil || n != calls {
				t.Errorf("%s: %d reads of statuses, want %d (%v)", what, n, calls, err)
			}
			return list
		}
		step("at first", 1, first)
		time.Sleep(29 * time.Second)
		if list := step("a little later", 1, first); list[0].Status != "ok" {
			t.Errorf("got %+v", list)
		}
		step("a new one", 2, first, second)
		time.Sleep(time.Second)
		step("after half a minute", 3, first, second)

		a.SetInstanceState(first, "stopped")
		if list := step("one is stopped", 3, first, second); list[0].Status != "" {
			t.Errorf("got %+v, want no status of what does not run", list[0])
		}
		a.SetInstanceState(first, "running")
		step("and runs again", 4, first, second)

		a.Deny("DescribeInstanceStatus")
		time.Sleep(statusKept - time.Second)
		if list := step("it cannot be read", 5, first, second); list[0].Status != "ok" {
			t.Errorf("got %+v, want what was read before", list[0])
		}
		time.Sleep(time.Second)
		if list := step("for long", 6, first, second); !strings.HasPrefix(list[0].Status, "unknown: Unauth") {
			t.Errorf("got %+v, want that it is not known", list[0])
		}
	})
}

// statusKept is how long a status is believed that cannot be read again.
const statusKept = 2 * time.Minute

// What an address shows that is carried there goes before the zone's name.
func TestACarriedAddressProvesTheBorderGroupOfItsZone(t *testing.T) {
	a := account(simulator.Options{Region: "eu-central-9"})
	cfg := config(a.Transport())
	cfg.Region = "eu-central-9"
	_, list, err := read(t.Context(), eip.New(eip.Clients(cfg)), []netip.Addr{ip("203.0.113.11")}, failover.Selector{IDs: []string{second, standby}})
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	for _, i := range list {
		if want := map[bool]string{true: "eu-central-9", false: "eu-central-1"}[i.Zone == "eu-central-1a"]; i.BorderGroup != want {
			t.Errorf("%s in %s: got %s, want %s", i.ID, i.Zone, i.BorderGroup, want)
		}
	}
}

func TestAReadThatIsDeniedSaysSo(t *testing.T) {
	a := account(simulator.Options{})
	a.Deny("DescribeInstances")
	_, _, err := read(t.Context(), open(a), []netip.Addr{ip("203.0.113.11")}, failover.Selector{})
	wantText(t, err, "read instances", "not permitted", "ec2:DescribeInstances", "docs/permissions.md")
}
