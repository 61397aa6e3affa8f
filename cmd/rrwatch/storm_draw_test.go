package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"rrwatch/config"
	"rrwatch/simulator"
)

func pick[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

func between(rng *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(rng.Int64N(int64(high-low)+1)).Round(time.Millisecond)
}

// drawOutage draws a random outage.
func drawOutage(seed uint64) outage {
	rng := rand.New(rand.NewPCG(seed, 0))
	site := drawSite(rng)
	site.poolLines = drawPolicy(rand.New(rand.NewPCG(seed, 1)))
	if err := site.build(); err != nil {
		panic(err)
	}
	return outage{
		prose: []string{fmt.Sprintf("Drawn from the seed %d.", seed)}, site: site, events: drawEvents(rng, site),
	}
}

// drawPolicy draws what a policy may have beside the words of an outage: nothing,
// in half of the storms.
func drawPolicy(rng *rand.Rand) []string {
	var lines []string
	if rng.IntN(2) == 0 {
		return nil
	}
	if rng.IntN(2) == 0 {
		lines = append(lines, pick(rng, "restore: [{weight: 20%, for: 20s}, {weight: 60%, for: 15s}, {weight: 100%}]", "restore: [{weight: 1%, for: 5s}, {weight: 100%}]"))
	}
	if rng.IntN(2) == 0 {
		lines = append(lines, "failback: {after: 1m}")
	}
	if rng.IntN(3) == 0 {
		lines = append(lines, pick(rng, "flapping: never", "flapping: {falls: 2, within: 10m}", "flapping: {falls: 3, within: 3m}"))
	}
	if rng.IntN(3) == 0 {
		lines = append(lines, pick(rng, "remedy_when: {process: [withdraw]}", "remedy_when: {zone: []}", "remedy_when: {instance: [withdraw, remap]}"))
	}
	return lines
}

// drawSite draws a site and a policy.
func drawSite(rng *rand.Rand) *stormSite {
	s := defaultSite()
	s.kind = pick(rng, weighted, weighted, simple, simple, multivalue)
	s.mode = config.ModeAct
	if rng.IntN(5) == 0 {
		s.mode = pick(rng, config.ModeObserve, config.ModePropose)
	}
	s.zones = []string{"a", "b", "c"}[:1+rng.IntN(3)]
	s.options = simulator.Options{
		Latency: between(rng, 20*time.Millisecond, 300*time.Millisecond),
		Lag:     pick(rng, 0, time.Second, 3*time.Second, 12*time.Second),
		Sync:    pick(rng, 0, 2*time.Second, 30*time.Second),
		Move:    pick(rng, 0, 500*time.Millisecond, 5*time.Second),
	}
	s.remedies = pick(rng, "remap, withdraw", "remap, withdraw", "remap", "withdraw", "withdraw, remap")
	s.interval = pick(rng, 3*time.Second, 5*time.Second, 5*time.Second, 10*time.Second)
	s.cooldown = pick(rng, 30*time.Second, 45*time.Second, time.Minute)
	s.verify = pick(rng, 10*time.Second, 20*time.Second)
	s.restore = pick(rng, 10*time.Second, 30*time.Second)
	s.clear = pick(rng, 0, 0, 2)
	s.discover = pick(rng, 10*time.Second, 30*time.Second, 30*time.Second, 30*time.Second, 30*time.Second, 30*time.Second)
	s.ask = askDirectly
	if rng.IntN(8) == 0 {
		s.ask = askReal
	}
	if rng.IntN(40) == 0 {
		s.end = endLong
	}
	s.minHealthy = pick(rng, 1, 1, 1, 2)
	s.perHour = pick(rng, 3, 8, 50, 50)
	s.total = pick(rng, 5, 50, 50)
	s.howMany, s.members = 1, 2+rng.IntN(4)
	if s.kind == simple && rng.IntN(3) > 0 {
		s.howMany, s.members = 2, 2+rng.IntN(3)
	}
	s.standbys = pick(rng, 0, 1, 2, 3, 3)
	shared := rng.IntN(4) > 0 // the standbys, by both pools
	for n := 1; n <= s.size(); n++ {
		p := placed{n: n, zone: pick(rng, s.zones...), own: rng.IntN(4) == 0}
		switch carrier := n <= s.howMany*s.members; {
		case carrier:
			p.pools = []string{"www", "api"}[(n-1)/s.members]
		case shared || s.howMany == 1:
			p.pools = strings.Join([]string{"www", "api"}[:s.howMany], " ")
		default:
			p.pools = []string{"www", "api"}[n%2]
		}
		s.placed = append(s.placed, p)
	}
	return s
}

// stormWarmUp is how long the site is left alone at first.
const stormWarmUp = 30 * time.Second

// drawEvents draws what happens, in order.
func drawEvents(rng *rand.Rand, site *stormSite) []event {
	d := &drawing{rng: rng, site: site, length: between(rng, 90*time.Second, 5*time.Minute)}
	if rng.IntN(40) == 0 {
		d.length = between(rng, 10*time.Minute, 40*time.Minute)
	}
	if rng.IntN(8) > 0 {
		d.start = stormWarmUp
	}
	for n := 8 + rng.IntN(18); len(d.events) < n; {
		d.draw()
	}
	slices.SortStableFunc(d.events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return d.events
}

// drawing is a schedule that is being drawn.
type drawing struct {
	rng           *rand.Rand
	site          *stormSite
	start, length time.Duration
	events        []event
}

// add draws an event; what happens is written as in a text, so that only what
// can be written is drawn.
func (d *drawing) add(at time.Duration, format string, filled ...any) {
	e, err := d.site.readEvent(fmt.Sprintf(format, filled...))
	if err != nil {
		panic(err)
	}
	e.at = at
	d.events = append(d.events, e)
}

// draw adds one event, which may be several steps.
func (d *drawing) draw() {
	at := d.start + between(d.rng, 0, d.length)
	for _, e := range d.events {
		if d.rng.IntN(12) == 0 {
			at = e.at + between(d.rng, 0, 20*time.Second) // trouble does not come alone
			break
		}
	}
	switch n := d.rng.IntN(100); {
	case n < 34:
		d.breakSome(at, 1)
	case n < 38:
		d.breakSome(at, 2+d.rng.IntN(len(d.site.instances)))
	case n < 41:
		d.zoneDown(at)
	case n < 43:
		d.breakSome(at, len(d.site.instances))
	case n < 54:
		d.add(at, "all heal")
	case n < 60:
		d.cutOff(at)
	case n < 63:
		d.add(at, "operator releases the brake")
	case n < 78:
		d.aws(at)
	case n < 88:
		d.operator(at)
	case n < 91:
		d.self(at)
	default:
		d.restart(at)
	}
}

// self takes what rrwatch itself stands on.
func (d *drawing) self(at time.Duration) {
	lasts := between(d.rng, 5*time.Second, 5*time.Minute)
	switch d.rng.IntN(3) {
	case 0:
		d.add(at, "Slack is down")
		d.add(at+lasts, "Slack is back")
	case 1:
		d.add(at, "Slack loses %d answers", 1+d.rng.IntN(3))
	case 2:
		d.add(at, "the disk is full")
		d.add(at+lasts, "the disk has room again")
	}
}

// breakSome breaks n random instances in one way, for a while or until all heal.
func (d *drawing) breakSome(at time.Duration, n int) {
	list := d.site.instanceNames()
	d.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	d.breakThese(at, list[:min(n, len(list))])
}

func (d *drawing) breakThese(at time.Duration, list []string) {
	fault := pick(d.rng, "dies", "dies", "hangs", "answers 503", "answers 503", "is slow", "is stopped", "loses its link", "flaps")
	short := d.rng.IntN(3) == 0
	lasts := between(d.rng, 200*time.Millisecond, 10*time.Second)
	if !short {
		lasts = between(d.rng, 10*time.Second, max(d.length/2, 20*time.Second))
	}
	apart := pick(d.rng, 0, 0, 300*time.Millisecond, 2*time.Second)
	for n, name := range list {
		at := at + time.Duration(n)*apart
		d.add(at, "%s %s", name, fault)
		if short || d.rng.IntN(4) > 0 {
			d.add(at+lasts, "%s heals", name)
		}
	}
}

func (d *drawing) zoneDown(at time.Duration) {
	zone := pick(d.rng, d.site.zones...)
	if d.rng.IntN(2) == 0 {
		d.add(at, "zone %s goes down", zone)
		d.add(at+between(d.rng, time.Second, 5*time.Minute), "zone %s comes back", zone)
		return
	}
	var list []string
	for _, i := range d.site.instances {
		if strings.HasSuffix(i.Zone, zone) {
			list = append(list, i.Name)
		}
	}
	d.breakThese(at, list)
}

// cutOff takes the watcher's sight.
func (d *drawing) cutOff(at time.Duration) {
	lasts := between(d.rng, time.Second, 2*time.Minute)
	switch d.rng.IntN(5) {
	case 4:
		d.add(at, "the watcher is paused for %s", min(lasts, 30*time.Second))
	case 0, 1:
		d.add(at, "the watcher is cut off")
		d.add(at+lasts, "the watcher is connected again")
	case 2:
		d.add(at, "the watcher is cut off from zone %s", pick(d.rng, d.site.zones...))
		d.add(at+lasts, "the watcher is connected again")
	case 3:
		d.add(at, "%d references fail", 1+d.rng.IntN(3))
		d.add(at+lasts, "the references answer again")
	}
}

// aws makes AWS difficult.
func (d *drawing) aws(at time.Duration) {
	changing := []string{"AssociateAddress", "ChangeResourceRecordSets"}
	every := append(changing, "DescribeAddresses", "DescribeInstances", "ListResourceRecordSets", "GetChange")
	lasts := between(d.rng, 5*time.Second, 5*time.Minute)
	switch d.rng.IntN(8) {
	case 0:
		d.add(at, "AWS is down")
		d.add(at+lasts, "AWS is back")
	case 1:
		d.add(at, "AWS throttles %s %d times", pick(d.rng, every...), 1+d.rng.IntN(8))
	case 2, 3:
		d.add(at, "AWS loses %d answers to %s", 1+d.rng.IntN(2), pick(d.rng, changing...))
	case 4:
		action := pick(d.rng, every...)
		d.add(at, "AWS refuses %s", action)
		d.add(at+lasts, "AWS allows %s", action)
	case 5:
		d.add(at, "Route 53 is busy %d times", 1+d.rng.IntN(6))
	case 6:
		d.add(at, "AWS takes %s for a call", between(d.rng, time.Second, 8*time.Second))
		d.add(at+lasts, "AWS takes 0s for a call")
	case 7:
		d.add(at, "AWS shows the state of %s ago", between(d.rng, time.Second, 20*time.Second))
		d.add(at+lasts, "AWS shows the state of 0s ago")
	}
}

// operator does something by hand.
func (d *drawing) operator(at time.Duration) {
	p := d.rng.IntN(len(d.site.pools))
	pool := d.site.pools[p]
	member := pool.name + "-" + strconv.Itoa(1+d.rng.IntN(len(pool.members)))
	if d.site.mode == config.ModePropose && d.rng.IntN(2) == 0 {
		d.add(at, "operator approves what is proposed for %s", member)
		return
	}
	switch d.rng.IntN(7) {
	case 0, 1:
		d.add(at, "operator moves %s to %s", member, pick(d.rng, pool.instances...))
	case 2:
		d.add(at, "operator takes %s off its instance", member)
	case 3:
		d.add(at, "operator sets the TTL of %s to %d", pool.name, 30+d.rng.IntN(100))
	case 4:
		d.add(at, "operator takes %s out of DNS", member)
		if d.rng.IntN(2) == 0 {
			d.add(at+between(d.rng, 10*time.Second, 10*time.Minute), "operator publishes %s", member)
		}
	case 5:
		d.add(at, "operator publishes the spare address in %s on %s", pool.name, pick(d.rng, pool.instances...))
	case 6:
		d.add(at, "%s is terminated", pick(d.rng, pool.instances...))
	}
}

// restart stops and starts rrwatch, or crashes it.
func (d *drawing) restart(at time.Duration) {
	away := pick(d.rng, 0, time.Second, 20*time.Second, 2*time.Minute)
	switch how := pick(d.rng, "stop", "kill", "before", "after", "answered", "touch", "touch", "touch"); how {
	case "stop":
		d.add(at, "rrwatch is stopped for %s", away)
	case "kill":
		d.add(at, "rrwatch is killed for %s", away)
	case "touch":
		d.add(at, "rrwatch is killed for %s %s touch %d", away, pick(d.rng, killBefore, killAfter), 1+d.rng.IntN(40))
	default:
		d.add(at, "rrwatch is killed for %s %s its next change", away, how)
	}
}
