package failover

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"rrwatch/monitor"
)

// standby chooses where to: an instance of the pool that carries no address,
// runs, lies in no failing zone, and passes the member's own checks now; one for
// which AWS has nothing scheduled first, then in the same zone, then the one that
// has been healthy longest, then by id. Or it says why there is none, and whether
// one has only to be waited for. Where instances answer on secondary addresses,
// one that carries an address may take another one, if there is no other way.
func (s *situation) standby() (chosen Instance, hold *Hold, wait bool) {
	best, whyNot := s.best(s.spares())
	for _, u := range whyNot {
		wait = wait || u.why == notAskedSinceThen
	}
	if best == nil && !wait && s.spec.Instances.Secondary {
		best, _ = s.best(s.carriers())
	}
	if best != nil {
		return *best, nil, false
	}
	text := "the pool has no instance without an address"
	if len(whyNot) > 0 {
		text = "no standby would help: " + unfitText(whyNot)
	}
	return Instance{}, &Hold{Guard: GuardWontHelp, Text: text}, wait
}

// best chooses among instances; nil: none may take the address, and why.
func (s *situation) best(among []*Instance) (best *Instance, whyNot []unfitness) {
	var since time.Time
	carrier, _ := s.pool.Instance(s.member.Carrier())
	for _, i := range among {
		healthy, why := s.fit(i)
		if why != "" {
			whyNot = append(whyNot, unfitness{i, why})
			continue
		}
		near := 0
		if best != nil {
			near = cmp.Or(cmp.Compare(min(len(i.Events), 1), min(len(best.Events), 1)), sameZone(i.Zone, best.Zone, carrier.Zone))
		}
		if best == nil || near < 0 || near == 0 && healthy.Before(since) {
			best, since = i, healthy
		}
	}
	return best, whyNot
}

// carriers are the instances that carry another member of the pool and have room
// for one more address.
func (s *situation) carriers() []*Instance {
	var list []*Instance
	for n := range s.pool.Instances {
		i := &s.pool.Instances[n]
		if i.ID != s.member.Carrier() && i.Elastic.IsValid() && len(i.Free) > 0 && !slices.Contains(s.spares(), i) {
			list = append(list, i)
		}
	}
	return list
}

// landing is the private address on which the instance takes the next address.
func (i *Instance) landing() netip.Addr {
	if i.Elastic.IsValid() && len(i.Free) > 0 {
		return i.Free[0]
	}
	return i.Private
}

// unfitness is why an instance may not take the address.
type unfitness struct {
	*Instance
	why string
}

// unfitText says why none may take it; of many that are alike only one is named.
func unfitText(list []unfitness) string {
	var texts []string
	for n, first := range list {
		alike := func(o unfitness) bool { return o.why == first.why }
		if slices.ContainsFunc(list[:n], alike) {
			continue
		}
		text := first.Label() + " " + first.why
		others := 0
		for _, o := range list[n+1:] {
			if alike(o) {
				others++
			}
		}
		switch others {
		case 0:
		case 1:
			text += " (and another one alike)"
		default:
			text += fmt.Sprintf(" (and %d others alike)", others)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

func sameZone(a, b, zone string) int {
	switch {
	case a == b:
		return 0
	case a == zone:
		return -1
	case b == zone:
		return 1
	}
	return 0
}

// notAskedSinceThen is why an instance whose latest answer is good may not take
// the address yet: it may have died with the member. It is being asked.
const notAskedSinceThen = "has not been asked since the member began to fail"

// fit says why a spare instance may not take the address; "" when it may, and
// since when it has been healthy (I3).
func (s *situation) fit(i *Instance) (since time.Time, why string) {
	if why := s.unsuitable(i); why != "" {
		return time.Time{}, why
	}
	at := i.ProbeAddr(s.spec.Instances.Address)
	if _, carries := s.pool.Member(i.Elastic); carries {
		at = i.Elastic
	}
	if !at.IsValid() {
		return time.Time{}, "has no address to ask it at"
	}
	b := believe(s.spec, at, s.snap)
	if !b.passing(s.now) {
		return time.Time{}, "does not pass the member's own checks now"
	}
	failed := !b.fell.IsZero() || s.h.Vacated[i.ID]
	if up := s.now.Sub(b.Since); failed && up < s.spec.Policy.RestoreAfter {
		return time.Time{}, fmt.Sprintf("passes again for %s only, and is trusted after %s", up.Round(time.Second), s.spec.Policy.RestoreAfter)
	}
	return b.Since, s.untimely(b)
}

// unsuitable says why an instance may not take the address, however it answers; ""
// when it may.
func (s *situation) unsuitable(i *Instance) string {
	a := s.member.Address
	if why := unfit(i, s.spec.Instances.Secondary); why != "" {
		return why
	}
	switch {
	case a != nil && a.BorderGroup != "" && i.BorderGroup != "" && a.BorderGroup != i.BorderGroup:
		return fmt.Sprintf("lies in the network border group %s, and the address belongs to %s", i.BorderGroup, a.BorderGroup)
	case s.taken[i.ID]:
		return "is being given another address"
	case s.disappointed(i):
		return "was tried for this address a short while ago"
	case s.inFailingZone(i):
		return "is in the zone " + i.Zone + ", where most fails"
	}
	return ""
}

// untimely says why passes of an instance are no answer to the member's fails;
// "" when they are.
func (s *situation) untimely(b belief) string {
	switch {
	case s.belief.State != monitor.Down:
		return ""
	case !b.askedSince(s.belief.lately()):
		return notAskedSinceThen
	case s.belief.lastFail().Before(b.Streak):
		return "passes again only since the member was last asked"
	}
	return ""
}

// disappointed reports whether an instance has lately been given the address in
// vain, had it before that, or was refused by AWS as what may have it.
func (s *situation) disappointed(i *Instance) bool {
	return slices.ContainsFunc(s.incident.Actions, func(a Action) bool {
		if a.Remap == nil || s.now.Sub(a.Ended) >= s.again() {
			return false
		}
		switch a.Status {
		case Unproven:
			return a.Remap.To == i.ID || a.Kind == KindRemap && a.Remap.From == i.ID
		case Refused:
			return a.Remap.To == i.ID && slices.Contains([]Guard{GuardEviction, GuardNotRunning, GuardInterfaces, GuardBorderGroup}, a.Guard)
		case Begun, Applied, Proven, Failed:
		}
		return false
	})
}

// vacate remembers an instance from which an address was moved because it failed
// there: what is asked at its own address since is a new target, of which no fail
// is remembered.
func (h *History) vacate(id string) {
	if h.Vacated == nil {
		h.Vacated = map[string]bool{}
	}
	h.Vacated[id] = true
}

// inFailingZone reports whether most of what is in the instance's zone fails.
func (s *situation) inFailingZone(i *Instance) bool {
	if s.failing == nil {
		var moved []netip.Addr
		for _, i := range s.h.Open {
			if i.moved() {
				moved = append(moved, i.Member)
			}
		}
		s.failing = append(failingZones(s.spec, s.pool, s.snap, moved), "") // not nil: worked out
	}
	return i.Zone != "" && slices.Contains(s.failing, i.Zone)
}

// unfit says, from what EC2 tells, why an instance can be no standby. One that
// carries an address can be where instances answer on secondary addresses.
func unfit(i *Instance, secondary bool) string {
	switch {
	case i.State != running:
		return "is " + i.State
	case i.Elastic.IsValid() && (!secondary || len(i.Free) == 0):
		return "carries " + i.Elastic.String()
	case i.Status == "impaired":
		return "has impaired status checks"
	}
	return ""
}
