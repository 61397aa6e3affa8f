package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"rrwatch/simulator"
)

// step is one thing that happens in a storm.
type step struct {
	at   time.Duration // since rrwatch was first started
	text string
	do   func(s *storm)
}

// stormWarmUp is how long the site is left alone at first.
const stormWarmUp = 30 * time.Second

// schedule draws what happens, in order.
func schedule(rng *rand.Rand, site *stormSite) []step {
	d := &drawing{rng: rng, site: site, length: between(rng, 10*time.Minute, 40*time.Minute)}
	if rng.IntN(8) > 0 {
		d.start = stormWarmUp
	}
	for n := 20 + rng.IntN(21); len(d.steps) < n; {
		d.draw()
	}
	slices.SortStableFunc(d.steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return d.steps
}

// drawing is a schedule that is being drawn.
type drawing struct {
	rng           *rand.Rand
	site          *stormSite
	start, length time.Duration
	steps         []step
}

func (d *drawing) add(at time.Duration, do func(*storm), format string, args ...any) {
	d.steps = append(d.steps, step{at, fmt.Sprintf(format, args...), do})
}

// draw adds one event, which may be several steps.
func (d *drawing) draw() {
	at := d.start + between(d.rng, 0, d.length)
	for _, s := range d.steps {
		if d.rng.IntN(12) == 0 {
			at = s.at + between(d.rng, 0, 20*time.Second) // trouble does not come alone
			break
		}
	}
	switch n := d.rng.IntN(100); {
	case n < 36:
		d.breakSome(at, 1)
	case n < 40:
		d.breakSome(at, 2+d.rng.IntN(len(d.site.instances)))
	case n < 43:
		d.zoneDown(at)
	case n < 45:
		d.breakSome(at, len(d.site.instances))
	case n < 57:
		d.add(at, (*storm).healAll, "all instances heal")
	case n < 61:
		d.cutOff(at)
	case n < 64:
		d.add(at, (*storm).releaseBrake, "Ada releases the brake if it is latched")
	case n < 78:
		d.aws(at)
	case n < 88:
		d.operator(at)
	default:
		d.restart(at)
	}
}

// breakSome breaks n random instances in one way, for a while or until all heal.
func (d *drawing) breakSome(at time.Duration, n int) {
	list := slices.Clone(d.site.instances)
	d.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	list = list[:min(n, len(list))]
	d.breakThese(at, list)
}

func (d *drawing) breakThese(at time.Duration, list []simulator.Instance) {
	fault := pick(d.rng, simulator.FaultKill, simulator.FaultHang, simulator.Fault503, simulator.FaultSlow, simulator.FaultStop)
	short := d.rng.IntN(3) == 0
	lasts := between(d.rng, 200*time.Millisecond, 10*time.Second)
	if !short {
		lasts = between(d.rng, 10*time.Second, 10*time.Minute)
	}
	apart := pick(d.rng, 0, 0, 300*time.Millisecond, 2*time.Second)
	for n, i := range list {
		at := at + time.Duration(n)*apart
		d.add(at, func(s *storm) { s.breakOne(i, fault) }, "%s: %s", i.Name, fault)
		if short || d.rng.IntN(4) > 0 {
			d.add(at+lasts, func(s *storm) { s.breakOne(i, simulator.FaultNone) }, "%s heals", i.Name)
		}
	}
}

func (d *drawing) zoneDown(at time.Duration) {
	zone := pick(d.rng, d.site.zones...)
	d.breakThese(at, slices.DeleteFunc(slices.Clone(d.site.instances), func(i simulator.Instance) bool { return i.Zone != zone }))
}

func (d *drawing) cutOff(at time.Duration) {
	lasts := between(d.rng, time.Second, 2*time.Minute)
	d.add(at, func(s *storm) { s.cutOff(true) }, "the watcher is cut off for %s", lasts)
	d.add(at+lasts, func(s *storm) { s.cutOff(false) }, "the watcher is connected again")
}

// aws makes AWS difficult.
func (d *drawing) aws(at time.Duration) {
	changing := []string{"AssociateAddress", "ChangeResourceRecordSets"}
	every := append(changing, "DescribeAddresses", "DescribeInstances", "ListResourceRecordSets", "GetChange")
	lasts := between(d.rng, 5*time.Second, 5*time.Minute)
	switch d.rng.IntN(6) {
	case 0:
		d.add(at, func(s *storm) { s.aws.Down(true) }, "AWS is down for %s", lasts)
		d.add(at+lasts, func(s *storm) { s.aws.Down(false) }, "AWS is back")
	case 1:
		action, n := pick(d.rng, every...), 1+d.rng.IntN(8)
		d.add(at, func(s *storm) { s.aws.Throttle(action, n) }, "AWS throttles %s %d times", action, n)
	case 2, 3:
		action, n := pick(d.rng, changing...), 1+d.rng.IntN(2)
		d.add(at, func(s *storm) { s.aws.LoseAnswer(action, n) }, "AWS loses %d answers to %s", n, action)
	case 4:
		action := pick(d.rng, every...)
		d.add(at, func(s *storm) { s.aws.Deny(action) }, "AWS denies %s for %s", action, lasts)
		d.add(at+lasts, func(s *storm) { s.aws.Allow(action) }, "AWS allows %s", action)
	case 5:
		n := 1 + d.rng.IntN(6)
		d.add(at, func(s *storm) { s.aws.Busy(n) }, "Route 53 is busy %d times", n)
	}
}

// operator does something by hand.
func (d *drawing) operator(at time.Duration) {
	pool := pick(d.rng, d.site.pools...)
	member := pick(d.rng, pool.members...)
	switch d.rng.IntN(6) {
	case 0, 1:
		to := pick(d.rng, pool.instances...)
		d.add(at, func(s *storm) { s.truth.move(member, s.id(to)) }, "operator moves %s to %s", member, to)
	case 2:
		d.add(at, func(s *storm) { s.truth.move(member, "") }, "operator disassociates %s", member)
	case 3:
		ttl := int64(30 + d.rng.IntN(100))
		d.add(at, func(s *storm) { // of all: Route 53 wants one TTL in a group
			for _, set := range s.truth.published(pool.record) {
				set.TTL = ttl
				s.truth.byHand(set, &set)
			}
		}, "operator sets the TTL of pool %s to %d", pool.name, ttl)
	case 4:
		d.add(at, func(s *storm) { s.unpublish(pool, member.String()) }, "operator takes %s out of the answers", member)
		if d.rng.IntN(2) == 0 {
			later := at + between(d.rng, 10*time.Second, 10*time.Minute)
			d.add(later, func(s *storm) { s.publish(pool, member) }, "operator publishes %s", member)
		}
	case 5:
		to := pick(d.rng, pool.instances...)
		d.add(at, func(s *storm) { s.addMember(pool, to) }, "operator publishes %s, carried by %s if that is free", spareAddress(), to)
	}
}

// restart stops and starts rrwatch, or crashes it.
func (d *drawing) restart(at time.Duration) {
	away := pick(d.rng, 0, time.Second, 20*time.Second, 2*time.Minute)
	switch how := pick(d.rng, "stop", "kill", "before", "after", "answered"); how {
	case "stop":
		d.add(at, func(s *storm) { s.restart(away) }, "rrwatch is stopped for %s", away)
	case "kill":
		d.add(at, func(s *storm) { s.crash(away) }, "rrwatch is killed for %s", away)
	default:
		d.add(at, func(s *storm) { s.trap(how, away) }, "rrwatch is killed for %s at its next change (%s)", away, how)
	}
}

func (s *storm) id(name string) string {
	for _, i := range s.site.instances {
		if i.Name == name {
			return i.ID
		}
	}
	return name
}

func (s *storm) breakOne(i simulator.Instance, f simulator.Fault) {
	s.fault(i.ID, f)
	s.truth.fault(i.ID, f != simulator.FaultNone)
}

func (s *storm) healAll() {
	for _, i := range s.site.instances {
		s.breakOne(i, simulator.FaultNone)
	}
}

func (s *storm) cutOff(cut bool) {
	s.network.CutOff(cut)
	s.truth.mu.Lock()
	s.truth.cut.set(cut, time.Now())
	s.truth.mu.Unlock()
}

// edit is an operator's edit of the set that holds a value, if there is one.
func (s *storm) edit(p stormPool, value string, change func(simulator.RecordSet) *simulator.RecordSet) {
	for _, old := range s.truth.published(p.record) {
		if slices.Contains(old.Values, value) {
			old.Values = slices.Clone(old.Values)
			s.truth.byHand(old, change(old))
			return
		}
	}
}

// unpublish takes an address away, unless it is the last.
func (s *storm) unpublish(p stormPool, value string) {
	rest := slices.DeleteFunc(answering(s.truth.published(p.record)), func(a netip.Addr) bool { return a.String() == value })
	if len(rest) == 0 {
		return
	}
	s.edit(p, value, func(set simulator.RecordSet) *simulator.RecordSet {
		if len(set.Values) == 1 {
			return nil
		}
		set.Values = slices.DeleteFunc(slices.Clone(set.Values), func(v string) bool { return v == value })
		return &set
	})
}

// publish puts an address into the answers, if it is not there.
func (s *storm) publish(p stormPool, addr netip.Addr) {
	sets := s.truth.published(p.record)
	for _, set := range sets {
		if slices.Contains(set.Values, addr.String()) {
			return
		}
	}
	if s.site.kind != simple {
		set := s.site.set(p, addr, 12)
		if len(sets) > 0 {
			set.TTL = sets[0].TTL
		}
		s.truth.byHand(simulator.RecordSet{Name: set.Name, Type: set.Type, SetIdentifier: set.SetIdentifier}, &set)
		return
	}
	old := sets[0]
	set := old
	set.Values = append(slices.Clone(old.Values), addr.String())
	s.truth.byHand(old, &set)
}

// addMember publishes one more address.
func (s *storm) addMember(p stormPool, to string) {
	id := s.id(to)
	if s.truth.get("free", id).so {
		s.truth.move(spareAddress(), id)
	}
	for _, other := range s.site.pools { // of one pool only
		if strings.Contains(fmt.Sprint(s.truth.published(other.record)), spareAddress().String()) {
			return
		}
	}
	s.publish(p, spareAddress())
}
