package notify

import (
	"net/netip"
	"time"

	"rrwatch/failover"
	"rrwatch/probe"
)

// The entries of an outage as the responder journals them; each call is a
// fresh copy.

func at(seconds float64) time.Time {
	return time.Date(2026, 11, 21, 3, 4, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

func addr() netip.Addr { return netip.MustParseAddr("203.0.113.1") }

func entry(seconds float64, kind failover.EntryKind, text string) failover.Entry {
	return failover.Entry{At: at(seconds), Kind: kind, Pool: "www", Member: addr(), Incident: 7, Text: text}
}

func opened() failover.Entry {
	e := entry(1, failover.Opened, "www 203.0.113.1 is down: connection refused")
	target := probe.Target{Pool: "www", Check: "http", Addr: netip.AddrPortFrom(addr(), 80)}
	bad := probe.Answer{Verdict: probe.Fail, Reason: probe.Refused, Detail: "connect: connection refused"}
	e.Opening = &failover.Opening{
		FirstBad: at(0), Believed: at(1), Instance: "i-0a1", Zone: "eu-central-1a", SeenUp: true,
		Evidence: []probe.Result{{Target: target, At: at(0.5), Answer: bad}},
	}
	return e
}

func diagnosed() failover.Entry {
	e := entry(1.1, failover.Diagnosed, "the load balancer on i-0a1 does not answer")
	e.Diagnosis = &failover.Diagnosis{Cause: failover.CauseProcess, Evidence: []string{"i-0a1 is running and both status checks pass", "port 22 answers, port 80 refuses"}}
	return e
}

func heldBack() failover.Entry {
	e := entry(1.2, failover.HeldBack, "nothing is done: no standby passes the member's own checks")
	e.Held = []failover.Hold{
		{Member: addr(), Remedy: failover.RemedyRemap, Guard: failover.GuardWontHelp, Text: "no standby passes the member's own checks"},
		{Member: addr(), Remedy: failover.RemedyWithdraw, Guard: failover.GuardLastHealthy, Text: "www would lose its last healthy address", Action: "withdraw 203.0.113.1: www.example.com A lb-1: weight 10 → 0"},
	}
	return e
}

func remap(status failover.Status) *failover.Action {
	a := failover.Action{
		ID: 3, Kind: failover.KindRemap, Pool: "www", Member: addr(), Incident: 7, Why: "the load balancer on i-0a1 does not answer",
		Remap: &failover.Remap{Addr: addr(), From: "i-0a1", To: "i-0b2"}, Status: status, Begun: at(1.15),
	}
	if status != failover.Begun {
		a.Applied = at(1.5)
	}
	if status == failover.Proven {
		a.Served, a.Ended = at(1.8), at(2.8)
	}
	if status == failover.Unproven {
		a.Ended, a.Detail = at(31.5), "no check passed within 30s"
	}
	return &a
}

func withdrawal(status failover.Status) *failover.Action {
	was := failover.RecordSet{Name: "www.example.com", Type: "A", Identifier: "lb-1", Weight: new(int64(10)), Values: []string{"203.0.113.1"}}
	shall := was
	shall.Weight = new(int64(0))
	return &failover.Action{
		ID: 3, Kind: failover.KindWithdraw, Pool: "www", Member: addr(), Incident: 7, Status: status,
		Reweigh: &failover.Reweigh{Zone: "Z1", Addr: addr(), Was: was, Shall: shall}, Begun: at(1.15), Applied: at(1.6), Ended: at(33),
	}
}

func step1(seconds float64, kind failover.EntryKind, text string, a *failover.Action) failover.Entry {
	e := entry(seconds, kind, text)
	e.Action = a
	return e
}

func begun() failover.Entry {
	return step1(1.15, failover.ActionBegun, "moving 203.0.113.1 from i-0a1 to i-0b2", remap(failover.Begun))
}

func applied() failover.Entry {
	return step1(1.5, failover.ActionApplied, "AWS has moved 203.0.113.1 to i-0b2", remap(failover.Applied))
}

func proven() failover.Entry {
	return step1(2.8, failover.ActionEnded, "203.0.113.1 serves again from i-0b2", remap(failover.Proven))
}

func unproven() failover.Entry {
	return step1(31.5, failover.ActionEnded, "203.0.113.1 was moved to i-0b2 and still does not serve", remap(failover.Unproven))
}

func closed() failover.Entry {
	return entry(3, failover.Closed, "203.0.113.1 serves again, moved to i-0b2")
}

func latched() failover.Entry {
	return failover.Entry{At: at(60), Kind: failover.BrakeLatched, Text: "11 automatic actions within an hour, the budget allows 10"}
}

// outage is a whole outage of one member, in which other things happen too.
func outage() []failover.Entry {
	return []failover.Entry{
		{At: at(-9), Kind: failover.Started, Text: "rrwatch started"},
		opened(), diagnosed(), begun(), applied(), proven(), closed(),
	}
}

// of is the incident that the entries add up to.
func of(entries ...failover.Entry) failover.Incident {
	var i failover.Incident
	for n, e := range entries {
		e.Seq = int64(n + 1)
		i = i.Apply(e)
	}
	return i
}
