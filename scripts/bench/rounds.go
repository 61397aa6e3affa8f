package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// contender is one of those that are compared: a program that probes, and what it shall do.
type contender struct {
	name   string
	start  func(context.Context) (subject, error)
	rate   float64       // probes a second that it makes when it does what it shall
	warm   time.Duration // from its start until it is measured
	window time.Duration // for so long it is measured
	extra  bool          // nothing is lost without it: left out when its runs are spoiled again and again

	// ended, when set, looks at what else a run has shown, before the process ends. began is just before its start.
	ended func(began time.Time) error
}

// subject is a contender's process.
type subject interface {
	pid() int
	stays(ctx context.Context, d time.Duration) error
	healthy(ctx context.Context) error // an error unless all its probes so far have passed
	end()
}

var (
	_ subject = (*talker)(nil)
	_ subject = (*haproxy)(nil)
)

// cost is what a contender used in one window.
type cost struct {
	cpu      time.Duration
	probes   int64 // counted at the server
	resident int64 // the most that was seen, in bytes
	share    int64
}

// each is the CPU time of one probe in µs.
func (c cost) each() float64 { return float64(c.cpu) / float64(time.Microsecond) / float64(c.probes) }

// match has contenders take turns: each is started alone, warms up, is measured and ended, round after round. What else
// goes on on the machine changes from minute to minute; those that are compared are measured within seconds.
type match struct {
	b      bench
	name   string
	counts func(context.Context) (int64, error) // how many probes the server has seen
	rounds int

	discarded map[string]int // runs that were spoiled and played again, by contender
}

// errSpoiled is that a contender did not do what it shall while it was measured: it, or the machine, was held up.
var errSpoiled = errors.New("the run is spoiled")

// attempts are how often a run is played until it is not spoiled. How many were thrown away is a figure of its own: a
// contender that fails every third time must not look well.
const attempts = 3

// play returns each contender's costs, in the order of the rounds; of an extra one that was left out, none.
func (m *match) play(ctx context.Context, contenders []contender) (map[string][]cost, error) {
	costs := map[string][]cost{}
	m.discarded = map[string]int{}
	left := slices.Clone(contenders)
	for round := range m.rounds {
		line := slices.Clone(left)
		if round%2 == 1 {
			slices.Reverse(line) // no one always follows the same one
		}
		for _, c := range line {
			used, err := m.try(ctx, c)
			if c.extra && errors.Is(err, errSpoiled) {
				m.b.say("%s: round %d: %s: left out, for %v", m.name, round+1, c.name, err)
				left = slices.DeleteFunc(left, func(o contender) bool { return o.name == c.name })
				delete(costs, c.name)
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: round %d: %s: %w", m.name, round+1, c.name, err)
			}
			costs[c.name] = append(costs[c.name], used)
			m.b.say("%s: round %d of %d: %s: %.1f µs of CPU a probe, %d probes, %.1f MiB",
				m.name, round+1, m.rounds, c.name, used.each(), used.probes, mebibytes(used.resident))
		}
	}
	return costs, nil
}

// try runs a contender until the run is not spoiled, but not for ever.
func (m *match) try(ctx context.Context, c contender) (cost, error) {
	used, err := m.run(ctx, c)
	for again := 1; again < attempts && errors.Is(err, errSpoiled); again++ {
		m.discarded[c.name]++
		m.b.say("%s: %s: once more, for %v", m.name, c.name, err)
		used, err = m.run(ctx, c)
	}
	return used, err
}

// thrown are the figures of runs that were played again: none when all went well.
func (m *match) thrown() []figure {
	var figures []figure
	for _, who := range slices.Sorted(maps.Keys(m.discarded)) {
		figures = append(figures, figure{Name: m.name + "_discarded_" + who, Value: float64(m.discarded[who]), Unit: "runs"})
	}
	return figures
}

func (m *match) run(ctx context.Context, c contender) (cost, error) {
	began := time.Now()
	s, err := c.start(ctx)
	if err != nil {
		return cost{}, err
	}
	defer s.end()
	if err := s.stays(ctx, c.warm-time.Since(began)); err != nil {
		return cost{}, err
	}
	used, err := m.measure(ctx, s, c.window)
	if err != nil {
		return cost{}, err
	}
	var spoiled []error
	if want := c.rate * c.window.Seconds(); math.Abs(float64(used.probes)-want) > 0.1*want {
		spoiled = append(spoiled, fmt.Errorf("it made %d probes in %s, want about %.0f", used.probes, c.window, want))
	}
	if c.ended != nil {
		spoiled = append(spoiled, c.ended(began))
	}
	if err := errors.Join(append(spoiled, s.healthy(ctx))...); err != nil {
		return cost{}, fmt.Errorf("%w: %w", errSpoiled, err)
	}
	return used, nil
}

// memoryEvery is how often a contender's memory is looked at: the most of it counts, not what a collection has just left.
const memoryEvery = time.Second

// measure reads what a subject uses in a window.
func (m *match) measure(ctx context.Context, s subject, window time.Duration) (cost, error) {
	seen, err := m.counts(ctx)
	if err != nil {
		return cost{}, err
	}
	before, err := readUsage(s.pid())
	if err != nil {
		return cost{}, err
	}
	used := cost{resident: before.resident, share: before.share}
	end := time.Now().Add(window)
	for now := before; time.Until(end) > 0; {
		if err := s.stays(ctx, min(memoryEvery, time.Until(end))); err != nil {
			return cost{}, err
		}
		if now, err = readUsage(s.pid()); err != nil {
			return cost{}, err
		}
		used.cpu = now.cpu - before.cpu
		used.resident, used.share = max(used.resident, now.resident), max(used.share, now.share)
	}
	after, err := m.counts(ctx)
	used.probes = max(after-seen, 1)
	return used, err
}

// each lists a contender's costs of a probe, in µs.
func each(costs []cost) []float64 {
	list := make([]float64, len(costs))
	for i, c := range costs {
		list[i] = c.each()
	}
	return list
}

// ratio is the median of the rounds' ratios: what changed between two rounds has changed both sides of each. It needs as
// many values above as below, and at least one.
func ratio(above, below []float64) float64 {
	list := make([]float64, len(above))
	for i := range above {
		list[i] = above[i] / below[i]
	}
	return median(list)
}

func mebibytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }
