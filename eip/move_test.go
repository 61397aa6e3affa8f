package eip_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/eip"
	"rrwatch/failover"
	"rrwatch/simulator"
)

// plan moves the first carrier's address to the standby.
func plan() failover.Remap {
	return failover.Remap{Addr: ip("203.0.113.11"), Allocation: allocation, From: first, To: standby, Interface: "eni-0c3", Private: ip("10.0.1.13")}
}

func with(edit func(*failover.Remap)) failover.Remap {
	r := plan()
	edit(&r)
	return r
}

func TestRefusesToMoveWhenTheWorldIsNotAsPlanned(t *testing.T) {
	for name, test := range map[string]struct {
		plan    failover.Remap
		prepare func(*simulator.AWS)
		guard   failover.Guard
		text    string
	}{
		"another instance carries it": {plan(), func(a *simulator.AWS) { a.Associate(ip("203.0.113.11"), stopped) },
			failover.GuardChanged, "expects it carried by i-0a1, and now it is carried by i-0d4"},
		"no instance carries it": {plan(), func(a *simulator.AWS) { a.Associate(ip("203.0.113.11"), "") },
			failover.GuardChanged, "now it is carried by no instance"},
		"it was believed free": {with(func(r *failover.Remap) { r.From = "" }), nil,
			failover.GuardChanged, "expects it carried by no instance, and now it is carried by i-0a1"},
		"another allocation": {with(func(r *failover.Remap) { r.Allocation = "eipalloc-other" }), nil,
			failover.GuardChanged, "expects allocation eipalloc-other"},
		"no Elastic IP":     {with(func(r *failover.Remap) { r.Addr = ip("192.0.2.1") }), nil, failover.GuardNotOurs, "no Elastic IP of this account"},
		"a service owns it": {failover.Remap{Addr: ip("203.0.113.14"), To: standby}, nil, failover.GuardService, "alb"},
		"the target carries another": {with(func(r *failover.Remap) { r.To, r.Interface, r.Private = second, "eni-0b2", ip("10.0.2.12") }), nil,
			failover.GuardEviction, "carries 203.0.113.12, which would lose it"},
		"the target is stopped": {plan(), func(a *simulator.AWS) { a.SetInstanceState(standby, "stopped") },
			failover.GuardNotRunning, "the instance is stopped"},
		"the target is gone": {with(func(r *failover.Remap) { r.To = "i-0gone" }), nil, failover.GuardNotRunning, "no such instance"},
		"the target has another interface": {with(func(r *failover.Remap) { r.Interface = "eni-other" }), nil,
			failover.GuardChanged, "no longer has the network interface eni-other"},
		"the target has another private address": {with(func(r *failover.Remap) { r.Private = ip("10.9.9.9") }), nil,
			failover.GuardChanged, "no longer has the private address 10.9.9.9"},
		"no target": {with(func(r *failover.Remap) { r.To = "" }), nil, failover.GuardChanged, "names no instance"},
		"denied to read": {plan(), func(a *simulator.AWS) { a.Deny("DescribeInstances") },
			failover.GuardNotPermitted, "rrwatch needs ec2:DescribeInstances (docs/permissions.md)"},
	} {
		t.Run(name, func(t *testing.T) {
			a := account(simulator.Options{})
			if test.prepare != nil {
				test.prepare(a)
			}
			was := carrier(a, test.plan.Addr.String())
			wantRefusal(t, move(t.Context(), open(a), test.plan), test.guard, test.text)
			if n := a.Calls()["AssociateAddress"]; n != 0 {
				t.Errorf("AssociateAddress was called %d times", n)
			}
			if got := carrier(a, test.plan.Addr.String()); got != was {
				t.Errorf("the address went from %s to %s", was, got)
			}
		})
	}
}

func TestRefusesWhenItMayNotMove(t *testing.T) {
	a := account(simulator.Options{})
	a.Deny("AssociateAddress")
	wantRefusal(t, move(t.Context(), open(a), plan()), failover.GuardNotPermitted,
		"associate 203.0.113.11 with i-0c3: not permitted; rrwatch needs ec2:AssociateAddress on this allocation (docs/permissions.md)")
	if got := carrier(a, "203.0.113.11"); got != first {
		t.Errorf("carried by %s", got)
	}
}

func TestDoesNothingWhenTheAddressIsThereAlready(t *testing.T) {
	a := account(simulator.Options{})
	a.Associate(ip("203.0.113.11"), standby)
	if err := move(t.Context(), open(a), plan()); err != nil {
		t.Error(err)
	}
	if n := a.Calls()["AssociateAddress"]; n != 0 {
		t.Errorf("AssociateAddress was called %d times: the same move twice may be charged", n)
	}
}

func TestMovesAFreeAddressAndChoosesTheOnlyInterface(t *testing.T) {
	a := account(simulator.Options{})
	if err := move(t.Context(), open(a), failover.Remap{Addr: ip("203.0.113.13"), To: standby}); err != nil {
		t.Fatal(err)
	}
	if got := carrier(a, "203.0.113.13"); got != standby {
		t.Errorf("carried by %s, want %s", got, standby)
	}
}

// Between the fresh read and the call somebody else is faster.
func TestNeverTakesAnAddressThatWasBelievedFree(t *testing.T) {
	a := account(simulator.Options{})
	hook := before(a, func(action string) {
		if action == "AssociateAddress" {
			a.Associate(ip("203.0.113.13"), stopped)
		}
	})
	c := eip.New(eip.Clients(config(hook)))
	err := move(t.Context(), c, failover.Remap{Addr: ip("203.0.113.13"), Allocation: "eipalloc-0c3", To: standby})
	wantRefusal(t, err, failover.GuardChanged, "now it is carried by i-0d4")
	if got := carrier(a, "203.0.113.13"); got != stopped {
		t.Errorf("carried by %s: it was taken from %s", got, stopped)
	}
}

// Between the fresh read and the call the target takes another address, or ends.
func TestBelievesARefusalOnlyAfterAFreshRead(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(*simulator.AWS)
		guard     failover.Guard
		text      string
	}{
		"the target took another address": {func(a *simulator.AWS) { a.Associate(ip("203.0.113.12"), standby) }, failover.GuardEviction, "carries 203.0.113.12"},
		"the target ends":                 {func(a *simulator.AWS) { a.SetInstanceState(standby, "shutting-down") }, failover.GuardNotRunning, "the instance is shutting-down"},
	} {
		t.Run(name, func(t *testing.T) {
			a := account(simulator.Options{})
			c := eip.New(eip.Clients(config(before(a, func(action string) {
				if action == "AssociateAddress" {
					test.meanwhile(a)
				}
			}))))
			err := move(t.Context(), c, failover.Remap{Addr: ip("203.0.113.13"), Allocation: "eipalloc-0c3", To: standby})
			wantRefusal(t, err, test.guard, test.text)
		})
	}
}

func TestAStaleReadIsToldByWhatEC2Refuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Lag: 10 * time.Second})
		c := open(a)
		if err := move(t.Context(), c, plan()); err != nil {
			t.Fatal(err)
		}
		// Describes still show the standby without an address.
		err := move(t.Context(), c, failover.Remap{Addr: ip("203.0.113.13"), Allocation: "eipalloc-0c3", To: standby})
		wantRefusal(t, err, failover.GuardChanged, "Resource.AlreadyAssociated")
		if got := carrier(a, "203.0.113.11"); got != standby {
			t.Errorf("carried by %s: it was evicted", got)
		}
	})
}

func TestALostAnswerIsSettledByReadingAndNotRepeated(t *testing.T) {
	for name, lag := range map[string]time.Duration{"at once": 0, "after three seconds": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := account(simulator.Options{Lag: lag})
				a.LoseAnswer("AssociateAddress", 1)
				if err := move(t.Context(), open(a), plan()); err != nil {
					t.Error(err)
				}
				if n := a.Calls()["AssociateAddress"]; n != 1 {
					t.Errorf("AssociateAddress was called %d times, want once", n)
				}
			})
		})
	}
}

func TestALostAnswerThatCannotBeSettledIsNoRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Lag: time.Minute})
		a.LoseAnswer("AssociateAddress", 1)
		began := time.Now()
		err := move(t.Context(), open(a), plan())
		wantText(t, err, "no clear answer, and the address is still seen carried by i-0a1", "connection reset")
		if _, ok := errors.AsType[*failover.Refusal](err); ok {
			t.Errorf("got the refusal %v, and the address was moved", err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("settling took %s", took)
		}
		if n := a.Calls()["AssociateAddress"]; n != 1 {
			t.Errorf("AssociateAddress was called %d times, want once", n)
		}
	})
}

func TestThrottledCallsAreRetriedByTheSDK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		a.Throttle("DescribeAddresses", 1)
		a.Throttle("AssociateAddress", 2)
		began := time.Now()
		if err := move(t.Context(), open(a), plan()); err != nil {
			t.Fatal(err)
		}
		if got := carrier(a, "203.0.113.11"); got != standby {
			t.Errorf("carried by %s", got)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("three throttled answers took %s: the back-off is not capped", took)
		}
	})
}

func TestSaysThatAThrottledMoveChangedNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		a.Throttle("AssociateAddress", 100)
		wantText(t, move(t.Context(), open(a), plan()), "throttles", "nothing was changed")
		if n := a.Calls()["AssociateAddress"]; n != 3 {
			t.Errorf("AssociateAddress was called %d times, want 3", n)
		}
	})
}

func TestRefusesToMoveBlindly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		a.Down(true)
		wantRefusal(t, move(t.Context(), open(a), plan()), failover.GuardStale, "could not be read")
	})
}

// EC2 fails with 503 after the fresh read: whether it did anything is not known.
func TestA503IsNotRepeatedAndSettledByReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		c := eip.New(eip.Clients(config(before(a, func(action string) { a.Down(action == "AssociateAddress") }))))
		wantText(t, move(t.Context(), c, plan()), "no clear answer", "carried by i-0a1")
		if n := a.Calls()["AssociateAddress"]; n != 1 {
			t.Errorf("AssociateAddress was called %d times, want once", n)
		}
	})
}

func TestASlowCallEndsAtItsDeadlineAndSettlingWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Latency: time.Minute})
		began := time.Now()
		wantRefusal(t, move(t.Context(), open(a), plan()), failover.GuardStale, "deadline")
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("took %s, want the call's deadline of 10s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		wantRefusal(t, move(ctx, open(a), plan()), failover.GuardStale, "deadline")
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %s, want the context's second", took)
		}
	})
}
