package failover

import (
	"fmt"
	"net/netip"
	"slices"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// Diagnose says why a member is Down, from what is believed of everything in
// its pool and what EC2 says of its instance. EC2's status is evidence, not
// the judge: it lags by a minute or two.
func Diagnose(spec *Spec, pool *Pool, snap *monitor.Snapshot, addr netip.Addr) Diagnosis {
	if snap.Blind != "" {
		return Diagnosis{CauseWatcher, []string{snap.Blind + ", so the fails may be the watcher's own"}}
	}
	if text, ok := sharedFault(spec, pool, snap, addr); ok {
		return Diagnosis{CauseShared, []string{text}}
	}
	b := believe(spec, addr, snap)
	var evidence []string
	for _, r := range b.evidence() {
		evidence = append(evidence, fmt.Sprintf("check %s: %s", r.Target.Check, r.Detail))
	}
	member, _ := pool.Member(addr)
	carrier, known := pool.Instance(member.Carrier())
	if !known {
		return Diagnosis{CauseUnknown, append(evidence, "which instance carries the address is not known")}
	}
	if text, ok := zoneFault(spec, pool, snap, carrier.Zone); ok {
		return Diagnosis{CauseZone, append(evidence, text)}
	}
	said := fmt.Sprintf("EC2 says that %s is %s", carrier.Label(), carrier.State)
	if carrier.Status != "" {
		said += ", its status checks " + carrier.Status
	}
	evidence = append(evidence, said)
	switch {
	case carrier.State != running || carrier.Status == "impaired":
		return Diagnosis{CauseInstance, evidence}
	case silent(b.reason()):
		return Diagnosis{CauseInstance, append(evidence, "the host is silent")}
	case b.reason() == probe.Overdue:
		return Diagnosis{CauseProcess, append(evidence, "its host was not asked, and may be silent, too")}
	}
	return Diagnosis{CauseProcess, append(evidence, "the host answers, its load balancer does not serve")}
}

// running is EC2's name of the only state in which an instance can carry traffic.
const running = "running"

func silent(r probe.Reason) bool { return r == probe.ConnectTimeout || r == probe.Unreachable }

// sharedFault reports whether all published members, at least two, fail alike:
// then a move would not help, or the fault lies between them and us. Members
// are believed Down one after the other, so it is not waited for the last of
// them: one that has not passed since this one began to fail may be failing too.
func sharedFault(spec *Spec, pool *Pool, snap *monitor.Snapshot, addr netip.Addr) (string, bool) {
	b := believe(spec, addr, snap)
	alike, unasked := 0, 0
	for _, m := range pool.Members {
		if !m.Published || m.Addr == addr {
			continue // out of the answers already, it says nothing of the rest
		}
		switch other := believe(spec, m.Addr, snap); other.sideWith(&b) {
		case failsAlike:
			alike++
		case notAskedSince:
			unasked++
		case passes, failsOtherwise:
			return "", false
		}
	}
	switch {
	case unasked > 0:
		return fmt.Sprintf("not yet compared with %s: they or this one have not been asked since the other changed", otherMembers(unasked)), true
	case alike > 0:
		return fmt.Sprintf("all %d published members fail alike (%s): moving one would not help", alike+1, b.reason()), true
	}
	return "", false
}

func otherMembers(n int) string {
	if n == 1 {
		return "another member"
	}
	return fmt.Sprintf("%d other members", n)
}

// zoneFault reports whether everything in a zone, at least two instances, is
// Down while something elsewhere is Up.
func zoneFault(spec *Spec, pool *Pool, snap *monitor.Snapshot, zone string) (string, bool) {
	down, elsewhere := 0, false
	for _, i := range pool.Instances {
		state := believe(spec, pool.askedAt(spec, i), snap).State
		switch {
		case i.Zone != zone:
			elsewhere = elsewhere || state == monitor.Up
		case state == monitor.Down:
			down++
		default:
			return "", false
		}
	}
	if down < 2 || !elsewhere {
		return "", false
	}
	return fmt.Sprintf("all %d instances in zone %s fail, and others elsewhere do not", down, zone), true
}

// askedAt is the address at which an instance is probed: the member that it
// carries, else its own.
func (p *Pool) askedAt(spec *Spec, i Instance) netip.Addr {
	at := slices.IndexFunc(p.Members, func(m Member) bool { return m.Carrier() == i.ID })
	if at >= 0 {
		return p.Members[at].Addr
	}
	return i.ProbeAddr(spec.Instances.Address)
}
