package failover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func contestBegan() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// register is the TXT set as Route 53 keeps it.
type register struct{ set RecordSet }

func (r *register) swap(s Swap) bool {
	if !r.set.Equal(s.Was) {
		return false
	}
	r.set = s.Shall
	return true
}

// contender is one watcher on its own clock.
type contender struct {
	lease
	offset time.Duration // of its clock
	pace   float64       // of its clock: near 1
	alive  bool
	cut    bool      // off from Route 53
	life   int       // one more at each start
	looks  time.Time // true time of its next read
}

// letter is a swap on its way to Route 53, or its answer on the way back.
type letter struct {
	to     *contender
	life   int // in which it was sent
	swap   Swap
	lands  time.Time // true time; zero: it has, or never will
	answer time.Time // true time
	lost   bool      // the answer
	err    error
}

func (c *contender) clock(at time.Time) time.Time {
	return contestBegan().Add(time.Duration(float64(at.Sub(contestBegan())) * c.pace)).Add(c.offset)
}

var errLost = errors.New("no clear answer")

// Two watchers (or three), each with its own clock, and a Route 53 that takes its
// time, whose answers are lost, from which they are cut off; they are killed and
// started again at any moment. At no moment do two hold the lease, and when all is
// well again one of them does.
func TestNeverDoTwoWatchersHoldALease(t *testing.T) {
	for seed := range uint64(300) {
		world := &contest{rng: rand.New(rand.NewPCG(seed, 1)), now: contestBegan()}
		for n := range 2 + int(seed%2) {
			world.join(n)
		}
		for world.now.Sub(contestBegan()) < 40*time.Minute {
			world.step(t, world.now.Sub(contestBegan()) < 30*time.Minute)
			if t.Failed() {
				t.Fatalf("seed %d, %s after the beginning", seed, world.now.Sub(contestBegan()))
			}
		}
		if holders := world.holders(0); len(holders) != 1 {
			t.Fatalf("seed %d: %v hold the lease when all is well", seed, holders)
		}
	}
}

type contest struct {
	rng   *rand.Rand
	now   time.Time
	route register
	all   []*contender
	mail  []*letter
}

func (w *contest) join(n int) {
	id := fmt.Sprintf("id-%d", n)
	w.all = append(w.all, &contender{
		lease: lease{name: "_rrwatch.www.example.com", id: id, people: id}, alive: true,
		offset: time.Duration(w.rng.IntN(60)-30) * time.Second, pace: 1 + (w.rng.Float64()-0.5)/500,
	})
}

func (w *contest) chance(one int) bool { return w.rng.IntN(one) == 0 }

func (w *contest) upTo(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d))) }

func (w *contest) holders(forLong time.Duration) (list []string) {
	for _, c := range w.all {
		if c.alive && c.held(c.clock(w.now), forLong) {
			list = append(list, c.id)
		}
	}
	return list
}

// step is a second of true time.
func (w *contest) step(t *testing.T, faults bool) {
	w.now = w.now.Add(time.Second)
	for _, c := range w.all {
		if faults {
			w.trouble(c)
		} else {
			c.cut = false
			if !c.alive {
				w.restart(c)
			}
		}
		if c.alive {
			w.live(c, faults)
		}
	}
	w.deliver()
	if holders := w.holders(0); len(holders) > 1 {
		t.Errorf("%v hold the lease at once", holders)
	}
}

func (w *contest) trouble(c *contender) {
	switch {
	case w.chance(400):
		c.cut = !c.cut
	case c.alive && w.chance(900):
		c.alive = false // what is on its way still lands
	case !c.alive && w.chance(60):
		w.restart(c)
	}
}

// restart is a new process with the same journal: it has its id, and nothing else.
func (w *contest) restart(c *contender) {
	c.lease = lease{name: c.name, id: c.id, people: c.people}
	c.alive, c.looks = true, w.now
	c.life++
}

// deliver has swaps land, and their answers arrive.
func (w *contest) deliver() {
	w.mail = slices.DeleteFunc(w.mail, func(m *letter) bool {
		if !m.lands.IsZero() && !w.now.Before(m.lands) {
			m.lands = time.Time{}
			if m.err = error(&Refusal{GuardChanged, "changed"}); w.route.swap(m.swap) {
				m.err = nil
			}
			if m.lost {
				m.err = errLost
			}
		}
		if w.now.Before(m.answer) {
			return false
		}
		if m.to.alive && m.to.life == m.life && m.to.busy {
			m.to.answered(m.err, m.to.clock(w.now))
			if !m.to.sure {
				m.to.looks = w.now
			}
		}
		m.answer = m.answer.Add(time.Hour)
		return m.lands.IsZero() // a request may land after its sender has given it up
	})
}

// live is what a watcher does in a second.
func (w *contest) live(c *contender, faults bool) {
	now := c.clock(w.now)
	if !c.cut && !w.now.Before(c.looks) {
		c.looks = w.now.Add(5*time.Second + w.upTo(time.Minute))
		c.read(w.route.set, now, now)
	}
	swap, ok := c.wants(now)
	if !ok {
		return
	}
	c.send(swap, now)
	m := &letter{to: c, life: c.life, swap: swap, lost: faults && w.chance(10), err: errLost}
	w.mail = append(w.mail, m)
	if c.cut {
		m.answer = w.now.Add(10 * time.Second)
		return
	}
	m.lands = w.now.Add(w.upTo(12 * time.Second))
	m.answer = m.lands.Add(w.upTo(12 * time.Second))
	if faults && w.chance(20) { // given up before it landed
		m.answer, m.lost = w.now.Add(10*time.Second), true
	}
}

// A lease that rrwatch may not take is asked for seldom, and nothing is kept of
// what was refused: else many pools would use up the calls of Route 53, and the
// memory, for ever.
func TestALeaseThatIsNotPermittedIsAskedForOnceAMinute(t *testing.T) {
	l := lease{name: "_rrwatch.www.example.com", id: "me", people: "me"}
	l.read(RecordSet{}, contestBegan(), contestBegan())
	asked := 0
	for at := range 600 {
		now := contestBegan().Add(time.Duration(at) * time.Second)
		if swap, ok := l.wants(now); ok {
			asked++
			l.send(swap, now)
			l.answered(&Refusal{GuardNotPermitted, "rrwatch needs a permission"}, now)
		}
	}
	if asked != 10 || len(l.tried) != 0 {
		t.Errorf("asked %d times in ten minutes, and keeps %d of it", asked, len(l.tried))
	}
	if why := l.why(contestBegan().Add(time.Hour)); why != "the lease of this pool is being taken; rrwatch needs a permission" {
		t.Errorf("people are told: %s", why)
	}
}

// mute is a Route 53 that never answers an edit.
type mute struct{ Records }

func (mute) Edit(ctx context.Context, edits []Reweigh, _ string) []Edited {
	<-ctx.Done()
	return slices.Repeat([]Edited{{Err: ctx.Err()}}, len(edits))
}

func TestAStopDoesNotWaitLongForALeaseToBeGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &state{
			Responder: New(Options{Records: mute{}, Log: slog.New(slog.DiscardHandler)}),
			wirings:   map[string]*wiring{"www": {pool: &Pool{}}, "api": {pool: &Pool{}}}, leases: map[string]*lease{},
		}
		for pool := range s.wirings {
			s.leases[pool] = &lease{name: LeaseName(pool), sure: true, from: began}
		}
		s.release()
		if took := time.Since(began); took != releaseTimeout || took > 10*time.Second {
			t.Errorf("it waits for %s", took)
		}
	})
}
