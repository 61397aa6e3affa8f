package failover

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"rrwatch/monitor"
)

// together is within what time fails must have begun to have one cause. EC2's
// zones fail at once; to be seen failing takes an interval and some rechecks.
const together = 2 * time.Minute

// seat is one member with a known carrier, or one standby: what serves, or
// could, in a zone.
type seat struct {
	zone   string
	up     bool      // Up, without a fail that is not yet forgotten
	failed bool      // Down, or has such fails
	began  time.Time // when the first of them was sent
	asked  time.Time // when all of its checks have said something since
}

// seats are the members and standbys of a pool by their zones. A member that was
// moved while it failed says nothing of the zone that it is in now: it is left
// out.
func seats(spec *Spec, pool *Pool, snap *monitor.Snapshot, moved []netip.Addr) []seat {
	list := make([]seat, 0, len(pool.Members)+len(pool.Instances))
	places := make(map[string]int, len(pool.Instances)) // of instances, by id
	for n := range pool.Instances {
		places[pool.Instances[n].ID] = n
	}
	carries := make([]bool, len(pool.Instances))
	for n := range pool.Members {
		m := &pool.Members[n]
		if place, ok := places[m.Carrier()]; ok {
			carries[place] = true
			if slices.Contains(moved, m.Addr) {
				continue
			}
			list = append(list, newSeat(pool.Instances[place].Zone, believe(spec, m.Addr, snap)))
		}
	}
	for n := range pool.Instances {
		i := &pool.Instances[n]
		if at := i.ProbeAddr(spec.Instances.Address); !carries[n] && at.IsValid() {
			list = append(list, newSeat(i.Zone, believe(spec, at, snap)))
		}
	}
	return list
}

func newSeat(zone string, b belief) seat {
	return seat{zone: zone, up: b.State == monitor.Up && b.doubt == nil, failed: b.doubt != nil, began: b.began, asked: b.asked}
}

// zoneCount counts the seats in one zone, and those elsewhere.
type zoneCount struct{ in, elsewhere seatCount }

type seatCount struct{ fail, all int }

// countZone counts beside a fail that began at some moment. What had failed long
// before, and what was never asked, tells nothing of that moment: it is left
// out. So is elsewhere what was not asked since, and what failed only later.
func countZone(list []seat, zone string, began time.Time) zoneCount {
	var c zoneCount
	for n := range list {
		s := &list[n]
		count, passes := &c.elsewhere, s.up && !s.asked.Before(began)
		if s.zone == zone {
			count, passes = &c.in, s.up || s.failed && s.began.After(began)
		}
		if s.failed && s.began.Sub(began).Abs() <= together {
			count.fail++
			count.all++
		} else if passes {
			count.all++
		}
	}
	return c
}

// fails reports that the zone does: at least two and two thirds in it fail, and
// less than half elsewhere, where something passes.
func (c zoneCount) fails() bool {
	return c.in.fail >= 2 && 3*c.in.fail >= 2*c.in.all && 2*c.elsewhere.fail < c.elsewhere.all
}

// zoneFails reports whether the zone fails in which a member began to fail.
func zoneFails(spec *Spec, pool *Pool, snap *monitor.Snapshot, zone string, began time.Time) (string, bool) {
	if snap.Suspects(spec.Name) < 2 {
		return "", false
	}
	c := countZone(seats(spec, pool, snap, nil), zone, began)
	return fmt.Sprintf("in zone %s %d of %d members and standbys began to fail within 2 minutes, and in other zones %d of %d pass",
		zone, c.in.fail, c.in.all, c.elsewhere.all-c.elsewhere.fail, c.elsewhere.all), zone != "" && c.fails()
}

// zoneRecovers reports whether something in the zone has risen again within the
// hold-down: what still fails there may be about to.
func zoneRecovers(spec *Spec, pool *Pool, snap *monitor.Snapshot, zone string, now time.Time) bool {
	for n := range pool.Instances {
		if i := &pool.Instances[n]; i.Zone == zone && zone != "" {
			b := believe(spec, pool.askedAt(spec, i), snap)
			if b.State == monitor.Up && !b.fell.IsZero() && now.Sub(b.Since) < spec.Policy.RestoreAfter {
				return true
			}
		}
	}
	return false
}

// askedAt is the address at which an instance is probed: the member that it
// carries, else its own.
func (p *Pool) askedAt(spec *Spec, i *Instance) netip.Addr {
	at := slices.IndexFunc(p.Members, func(m Member) bool { return m.Carrier() == i.ID })
	if at >= 0 {
		return p.Members[at].Addr
	}
	return i.ProbeAddr(spec.Instances.Address)
}

// failingZones are the zones in which most members and standbys began to fail
// at nearly the same time while most elsewhere pass, sorted. A standby in one is
// no good place for an address, even if it still passes.
func failingZones(spec *Spec, pool *Pool, snap *monitor.Snapshot, moved []netip.Addr) []string {
	if snap.Suspects(spec.Name) < 2 {
		return nil // as in nearly all pools that have a fail, which this makes cheap
	}
	var zones []string
	list := seats(spec, pool, snap, moved)
	for n := range list {
		s := &list[n]
		if s.failed && s.zone != "" && !slices.Contains(zones, s.zone) && countZone(list, s.zone, s.began).fails() {
			zones = append(zones, s.zone)
		}
	}
	slices.Sort(zones)
	return zones
}
