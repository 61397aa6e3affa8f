package eip_test

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/simulator"
)

// roomy is an account whose second carrier has a private address to spare, and whose standby has two interfaces.
func roomy() *simulator.AWS {
	a := account(simulator.Options{})
	a.AddInstance(simulator.Instance{ID: "i-0e5", Zone: "eu-central-1b", Private: ip("10.0.5.15"), Secondary: []netip.Addr{ip("10.0.5.116"), ip("10.0.5.115")}})
	a.AddInstance(simulator.Instance{ID: "i-0f6", Private: ip("10.0.6.16"), More: []simulator.Interface{{ID: "eni-more", Private: []netip.Addr{ip("10.0.6.26")}}}})
	a.AddAddress(simulator.Address{IP: ip("203.0.113.15"), Allocation: "eipalloc-0e5", Instance: "i-0e5"})
	return a
}

func TestAnInstanceTakesFurtherAddressesOnItsSecondaryPrivateAddresses(t *testing.T) {
	a := roomy()
	c := open(a)
	_, list, err := read(t.Context(), c, nil, failover.Selector{IDs: []string{"i-0e5"}})
	if err != nil || !slices.Equal(list[0].Free, []netip.Addr{ip("10.0.5.115"), ip("10.0.5.116")}) {
		t.Fatalf("got %+v, %v", list, err)
	}
	to := func(addr, allocation, from, private string) error {
		r := failover.Remap{Addr: ip(addr), Allocation: allocation, From: from, To: "i-0e5", Interface: "eni-0e5"}
		r.Private, _ = netip.ParseAddr(private)
		return move(t.Context(), c, r)
	}
	wantRefusal(t, to("203.0.113.11", allocation, first, ""), failover.GuardEviction, "carries 203.0.113.15, which would lose it")
	if err := to("203.0.113.11", allocation, first, "10.0.5.115"); err != nil {
		t.Error(err)
	}
	wantRefusal(t, to("203.0.113.12", "eipalloc-0b2", second, "10.0.5.115"), failover.GuardEviction, "carries 203.0.113.11, which would lose it")
	if err := to("203.0.113.12", "eipalloc-0b2", second, "10.0.5.116"); err != nil {
		t.Error(err)
	}
	addresses, list, err := read(t.Context(), c, []netip.Addr{ip("203.0.113.11"), ip("203.0.113.12"), ip("203.0.113.15")}, failover.Selector{})
	if err != nil || len(addresses) != 3 || len(list) != 1 || len(list[0].Free) != 0 || list[0].Elastic != ip("203.0.113.15") {
		t.Fatalf("got %+v on %+v, %v", addresses, list, err)
	}
	for n, private := range []string{"10.0.5.115", "10.0.5.116", "10.0.5.15"} {
		if addresses[n].Instance != "i-0e5" || addresses[n].Private != ip(private) {
			t.Errorf("%s is on %s of %s", addresses[n].IP, addresses[n].Private, addresses[n].Instance)
		}
	}
}

func TestAnInstanceOfSeveralInterfacesNeedsAChoice(t *testing.T) {
	a := roomy()
	c := open(a)
	r := with(func(r *failover.Remap) { r.To, r.Interface, r.Private = "i-0f6", "", netip.Addr{} })
	wantRefusal(t, move(t.Context(), c, r), failover.GuardInterfaces, "has 2 network interfaces")
	r.Interface = "eni-more"
	if err := move(t.Context(), c, r); err != nil {
		t.Error(err)
	}
	for _, d := range a.Addresses() {
		if d.IP == r.Addr && (d.Interface != "eni-more" || d.Private != ip("10.0.6.26")) {
			t.Errorf("got %+v", d)
		}
	}
}

func TestAnAddressIsNotMovedToAnotherBorderGroup(t *testing.T) {
	a := account(simulator.Options{})
	a.AddInstance(simulator.Instance{ID: "i-0e5", Zone: "eu-central-1-ham-1a", Private: ip("10.0.5.15")})
	a.AddInstance(simulator.Instance{ID: "i-0f6", Zone: "elsewhere", Private: ip("10.0.6.16")})
	a.AddAddress(simulator.Address{IP: ip("203.0.113.15"), Allocation: "eipalloc-0e5", BorderGroup: "eu-central-1-ham-1"})
	c := open(a)
	wantRefusal(t, move(t.Context(), c, with(func(r *failover.Remap) { r.To, r.Interface, r.Private = "i-0e5", "", netip.Addr{} })),
		failover.GuardBorderGroup, "eu-central-1-ham-1a, which is of the network border group eu-central-1-ham-1, and the address belongs to eu-central-1")
	if n := a.Calls()["AssociateAddress"]; n != 0 {
		t.Errorf("AssociateAddress was called %d times", n)
	}
	if err := move(t.Context(), c, failover.Remap{Addr: ip("203.0.113.15"), To: "i-0e5"}); err != nil {
		t.Error(err)
	}
}

func TestTellsImpairedChecksAndScheduledEvents(t *testing.T) {
	a := account(simulator.Options{})
	a.SetStatus(first, simulator.Status{System: "impaired", Events: []simulator.Event{
		{ID: "instance-event-1", Code: "instance-retirement", NotBefore: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)},
		{ID: "instance-event-2", Code: "system-reboot", Description: "[Completed] reboot"},
	}})
	_, list, err := read(t.Context(), open(a), []netip.Addr{ip("203.0.113.11")}, failover.Selector{})
	if err != nil || list[0].Status != "impaired" || !slices.Equal(list[0].Events, []string{"instance-retirement not before 2026-03-01 12:00 UTC"}) {
		t.Errorf("got %+v, %v", list, err)
	}
}

// With AWS's limits, an outage of a whole zone takes no longer than those cost.
func TestABigOutageIsAnsweredWithoutAThrottledCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const latency = 300 * time.Millisecond
		a, moves := fleet(70, simulator.Options{Latency: latency, Limits: true})
		ends := batch(t.Context(), t, open(a), moves)
		for n, e := range ends {
			limit := max(0, time.Duration(n-49)*200*time.Millisecond) // when EC2's bucket has a token for it
			if e.err != nil || e.after > limit+2*latency {
				t.Errorf("move %d ended after %s: %v", n, e.after, e.err)
			}
		}
		if got := a.Calls(); got["AssociateAddress"] != 70 {
			t.Errorf("made the calls %v: some were throttled", got)
		}
	})
}

func TestCheckTellsAllPermissionsOfAnAccount(t *testing.T) {
	a := account(simulator.Options{})
	for _, action := range []string{"ReleaseAddress", "TerminateInstances"} {
		a.Deny(action)
	}
	for _, p := range open(a).Check(t.Context(), trial()) {
		denied := p.Action == "ec2:ReleaseAddress" || p.Action == "ec2:TerminateInstances"
		if p.OK == denied || p.Needed && p.Detail != "" {
			t.Errorf("got %+v", p)
		}
	}
	if len(a.Instances()) != 4 || carrier(a, "203.0.113.11") != first {
		t.Error("the check changed the account")
	}
}
