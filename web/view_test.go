package web

import (
	"net/netip"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

const (
	upAddr        = "203.0.113.11"
	suspectAddr   = "203.0.113.12"
	downAddr      = "203.0.113.13"
	withdrawnAddr = "203.0.113.14"
	heldAddr      = "198.51.100.21"
)

func remapOf(member, from, to string) failover.Action {
	a := netip.MustParseAddr(member)
	return failover.Action{
		Kind: failover.KindRemap, Pool: "www", Member: a, Incident: 12, Why: "lb-3 does not answer; lb-5 passes all checks",
		Remap: &failover.Remap{Addr: a, Allocation: "eipalloc-0lb-3", From: from, To: to},
	}
}

func richView(now time.Time) *failover.View {
	return &failover.View{At: now.Add(-300 * time.Millisecond), Vantage: "mon-1", Pools: []failover.PoolView{www(now), api(now)}}
}

func www(now time.Time) failover.PoolView {
	up := member(upAddr, 10, instance(1, "a"))
	up.State, up.Since, up.ToChange = monitor.Up, now.Add(-76*time.Hour), "down after 3 more fails"
	up.Checks = []failover.CheckView{
		checkView("https", upAddr, monitor.Up, 0, result("https", upAddr, now.Add(-time.Second), "", "status 200"), "down after 3 more fails"),
		checkView("tcp", upAddr, monitor.Up, 0, result("tcp", upAddr, now.Add(-2*time.Second), "", ""), "down after 3 more fails"),
	}
	suspect := member(suspectAddr, 10, instance(2, "b"))
	suspect.State, suspect.Since, suspect.ToChange = monitor.Up, now.Add(-26*time.Minute), "down after 1 more fail"
	suspect.Checks = []failover.CheckView{checkView("https", suspectAddr, monitor.Up, 2,
		result("https", suspectAddr, now.Add(-time.Second), probe.Status, "answered 503, expected 200"), "down after 1 more fail")}
	down := member(downAddr, 10, instance(3, "a"))
	down.State, down.Since, down.Incident, down.ToChange = monitor.Down, now.Add(-4*time.Second), 12, "up after 2 more passes"
	down.Checks = []failover.CheckView{checkView("https", downAddr, monitor.Down, 5,
		result("https", downAddr, now.Add(-time.Second), probe.Refused, "connect: connection refused"), "up after 2 more passes")}
	away := member(withdrawnAddr, 0, instance(4, "b"))
	away.State, away.Since, away.Withdrawn, away.Incident = monitor.Up, now.Add(-40*time.Second), true, 11
	away.Checks = []failover.CheckView{checkView("https", withdrawnAddr, monitor.Up, 0,
		result("https", withdrawnAddr, now.Add(-time.Second), "", "status 200"), "down after 3 more fails")}
	endpoints, advisories := pages(now)
	return failover.PoolView{
		Name: "www", Record: "www.example.com", Read: now.Add(-3 * time.Second), Members: []failover.MemberView{up, suspect, down, away},
		Endpoints: endpoints, Advisories: advisories,
		Policy: failover.Policy{Mode: failover.Act, Remedies: []failover.Remedy{failover.RemedyRemap, failover.RemedyWithdraw}},
		Spare:  spares(now),
		Plan: failover.Plan{
			Pool: "www", At: now, Actions: []failover.Action{remapOf(downAddr, down.Carrier.ID, instance(5, "b").ID)},
			Held: []failover.Hold{{Member: netip.MustParseAddr(withdrawnAddr), Guard: failover.GuardCooldown,
				Text: "touched 40 s ago; the cool-down is 5 min", Action: "restore " + withdrawnAddr}},
		},
	}
}

func spares(now time.Time) []failover.SpareView {
	ready := failover.SpareView{
		Instance: instance(5, "b"), Probe: netip.MustParseAddr("10.0.1.5"), State: monitor.Up, Since: now.Add(-9 * time.Hour), Standby: true,
		Checks: []failover.CheckView{checkView("https", "10.0.1.5", monitor.Up, 0,
			result("https", "10.0.1.5", now.Add(-time.Second), "", "status 200"), "down after 3 more fails")},
	}
	stopped := failover.SpareView{Instance: instance(6, "a"), State: monitor.Unknown, Why: "the instance is stopped"}
	stopped.Instance.State = "stopped"
	return []failover.SpareView{ready, stopped}
}

func api(now time.Time) failover.PoolView {
	m := member(heldAddr, 1, instance(7, "a"))
	m.Set = failover.RecordSet{Name: "api.example.com", Type: "A", TTL: 30, Values: []string{heldAddr, "198.51.100.22"}}
	m.State, m.Since, m.Incident = monitor.Down, now.Add(-95*time.Second), 10
	m.Checks = []failover.CheckView{checkView("tls", heldAddr, monitor.Down, 40,
		result("tls", heldAddr, now.Add(-time.Second), probe.TLSExpired, "the certificate expired on 20 Nov"), "up after 2 more passes")}
	foreign := member("198.51.100.22", 1, failover.Instance{})
	foreign.Set, foreign.Address = m.Set, nil
	foreign.State, foreign.Since = monitor.Up, now.Add(-3*time.Hour)
	foreign.Checks = []failover.CheckView{checkView("tls", "198.51.100.22", monitor.Up, 0,
		result("tls", "198.51.100.22", now.Add(-time.Second), "", ""), "down after 3 more fails")}
	return failover.PoolView{
		Name: "api", Record: "api.example.com", Read: now.Add(-3 * time.Second), Members: []failover.MemberView{m, foreign},
		Policy: failover.Policy{Mode: failover.Propose, Remedies: []failover.Remedy{failover.RemedyRemap}},
		Lints:  lintsAt(), Drifts: driftsAt(now),
		Plan: failover.Plan{Pool: "api", At: now, Held: []failover.Hold{{
			Member: netip.MustParseAddr(heldAddr), Guard: failover.GuardMode, Remedy: failover.RemedyRemap,
			Text: "the mode is propose: a person must approve it", Action: "remap " + heldAddr + " from i-07 to i-08",
		}}},
	}
}

// entriesAt is the journal of the incident that goes on now.
func entriesAt(now time.Time) []failover.Entry {
	at := func(s float64) time.Time { return now.Add(-time.Duration(s * float64(time.Second))) }
	down := netip.MustParseAddr(downAddr)
	return []failover.Entry{
		{At: at(3600), Kind: failover.Started, Text: "rrwatch v1.2.3 started at mon-1"},
		{At: at(3599), Kind: failover.Wired, Pool: "www", Text: "the wiring of www was first read: 4 members, 6 instances"},
		{At: at(5), Kind: failover.Believed, Pool: "www", Member: down, Text: downAddr + " https is down: refused"},
		{At: at(4.99), Kind: failover.Opened, Pool: "www", Member: down, Incident: 12, Text: downAddr + " of www is down"},
		{At: at(4.98), Kind: failover.Diagnosed, Pool: "www", Member: down, Incident: 12, Text: "the load balancer on lb-3 is dead"},
		{At: at(4.9), Kind: failover.ActionBegun, Pool: "www", Member: down, Incident: 12, Text: "remap " + downAddr + " from lb-3 to lb-5"},
	}
}

func incidentsAt(now time.Time) []failover.Incident {
	at := func(s float64) time.Time { return now.Add(-time.Duration(s * float64(time.Second))) }
	step := func(seq int64, s float64, k failover.EntryKind, text string) failover.Note {
		return failover.Note{Seq: seq, At: at(s), Kind: k, Text: text}
	}
	closed := failover.Incident{
		ID: 9, Pool: "www", Member: netip.MustParseAddr(upAddr), Opened: at(7200), Closed: at(7190),
		Opening: failover.Opening{FirstBad: at(7201.2), Believed: at(7200), Instance: "i-0a1b2c309", Zone: "eu-central-1a", SeenUp: true, Evidence: []probe.Result{
			result("https", upAddr, at(7202), "", "status 200"),
			result("https", upAddr, at(7201.2), probe.Refused, "connect: connection refused"),
			result("https", upAddr, at(7200.9), probe.Refused, "connect: connection refused"),
			result("https", upAddr, at(7200.6), probe.Refused, "connect: connection refused"),
		}},
		Diagnosis: failover.Diagnosis{Cause: failover.CauseProcess, Evidence: []string{"port 443 refuses", "the instance is running and passes EC2's status checks"}},
		Outcome:   "served again by lb-1 after 11.2 s",
		Notes: []failover.Note{
			step(20, 7200, failover.Opened, upAddr+" of www is down"),
			step(21, 7199.95, failover.Diagnosed, "the load balancer on lb-9 is dead"),
			step(22, 7199.9, failover.ActionBegun, "remap "+upAddr+" from lb-9 to lb-1"),
			step(23, 7198.7, failover.ActionApplied, "AWS accepted it"),
			step(24, 7190, failover.ActionEnded, "proven: "+upAddr+" is served by lb-1"),
			step(25, 7190, failover.Closed, "served again by lb-1 after 11.2 s"),
		},
	}
	move := remapOf(upAddr, "i-0a1b2c309", instance(1, "a").ID)
	move.ID, move.Status, move.Begun, move.Applied, move.Served, move.Ended = 22, failover.Proven, at(7199.9), at(7198.7), at(7192), at(7190)
	move.Detail = "two results in a row passed on the public address"
	closed.Actions = []failover.Action{move}

	held := failover.Incident{
		ID: 10, Pool: "api", Member: netip.MustParseAddr(heldAddr), Opened: at(95), Opening: failover.Opening{FirstBad: at(97), Believed: at(95)},
		Diagnosis: failover.Diagnosis{Cause: failover.CauseInstance, Evidence: []string{"no check of the instance answers"}},
		Held: []failover.Hold{
			{Member: netip.MustParseAddr(heldAddr), Guard: failover.GuardMode, Text: "the mode is propose: a person must approve it", Action: "remap " + heldAddr + " from i-07 to i-08"},
			{Member: netip.MustParseAddr(heldAddr), Guard: failover.GuardLastHealthy, Remedy: failover.RemedyWithdraw, Text: "the name would lose its last healthy address", Action: "withdraw " + heldAddr},
		},
		Notes: []failover.Note{step(30, 95, failover.Opened, heldAddr+" of api is down"), step(31, 94, failover.HeldBack, "held: the mode is propose")},
	}
	away := failover.Incident{ID: 11, Pool: "www", Member: netip.MustParseAddr(withdrawnAddr), Opened: at(50), Opening: failover.Opening{FirstBad: at(52), Believed: at(50)}}
	going := remapOf(downAddr, instance(3, "a").ID, instance(5, "b").ID)
	going.ID, going.Status, going.Begun = 6, failover.Begun, at(4.9)
	open := failover.Incident{
		ID: 12, Pool: "www", Member: netip.MustParseAddr(downAddr), Opened: at(4.99), Opening: failover.Opening{FirstBad: at(6), Believed: at(5)},
		Diagnosis: failover.Diagnosis{Cause: failover.CauseProcess}, Actions: []failover.Action{going},
		Notes: []failover.Note{step(4, 4.99, failover.Opened, downAddr+" of www is down")},
	}
	return []failover.Incident{closed, held, away, open}
}
