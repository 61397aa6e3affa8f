package failover

import (
	"fmt"
	"net/netip"
	"strings"

	"rrwatch/monitor"
)

// Diagnose says why a member is Down, from what is believed of everything that
// is watched and what EC2 says of its instance. Its evidence are sentences for
// people, without a final full stop.
func Diagnose(spec *Spec, pool *Pool, snap *monitor.Snapshot, addr netip.Addr) Diagnosis {
	text, _ := everythingFails(snap)
	return diagnose(spec, pool, snap, addr, text)
}

// diagnose is Diagnose with what everythingFails says of the snapshot, which is
// the same for all members. The causes that make the rest meaningless come
// first: our own eyes, then what all members share, then the zone.
func diagnose(spec *Spec, pool *Pool, snap *monitor.Snapshot, addr netip.Addr, everything string) Diagnosis {
	if snap.Blind != "" {
		return Diagnosis{CauseWatcher, []string{snap.Blind + ", so the fails may be the watcher's own"}}
	}
	b := believe(spec, addr, snap)
	shared, alike := sharedFault(spec, pool, snap, addr)
	switch {
	case everything != "" && alike && b.bad != nil && spoken(b.bad.Why.Reason):
		// They answer: we do see them, and what we see is a fault of theirs.
		return Diagnosis{CauseShared, []string{shared, everything}}
	case everything != "":
		return Diagnosis{CauseWatcher, []string{everything + ", so the fails may be the watcher's own"}}
	case alike:
		return Diagnosis{CauseShared, []string{shared}}
	}
	seen := sightOf(&b)
	member, _ := pool.Member(addr)
	carrier, known := pool.Instance(member.Carrier())
	if !known {
		d := Diagnosis{CauseUnknown, append(seen.evidence, "which instance carries the address is not known", seen.host())}
		if seen.partial() {
			d.Cause = CausePartial
		}
		return d
	}
	if text, ok := zoneFails(spec, pool, snap, carrier.Zone, b.began); ok {
		return Diagnosis{CauseZone, append(seen.evidence, text, ec2Says(carrier))}
	}
	return alone(carrier, seen)
}

// alone says why a member fails whose fault is its own. That EC2 has ended an
// instance is a fact, even while it still answers; its status checks are only
// evidence, and what passes now weighs more than they do.
func alone(carrier Instance, seen sight) Diagnosis {
	evidence := append(seen.evidence, ec2Says(carrier))
	switch {
	case carrier.State != running:
		return Diagnosis{CauseInstance, append(evidence, seen.host())}
	case seen.partial():
		return Diagnosis{CausePartial, append(evidence, seen.host())}
	case carrier.Status == impaired:
		return Diagnosis{CauseInstance, append(evidence, seen.host())}
	case seen.silent():
		return Diagnosis{CauseInstance, append(evidence, seen.host(), "EC2 lags by a minute or two")}
	}
	return Diagnosis{CauseProcess, append(evidence, seen.host())}
}

// EC2's names of what matters here.
const (
	running  = "running"  // the only state in which an instance can carry traffic
	impaired = "impaired" // status checks of an instance that fail
)

// ec2Says is a sentence of an instance's state, its status checks and what AWS
// has scheduled for it.
func ec2Says(i Instance) string {
	text := fmt.Sprintf("EC2 says that %s is %s", i.Label(), i.State)
	if i.Status != "" {
		text += " and its status checks are " + i.Status
	}
	if len(i.Events) > 0 {
		text += "; AWS has scheduled " + strings.Join(i.Events, ", ")
	}
	return text
}
