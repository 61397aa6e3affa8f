package failover

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/probe"
)

// Two members are withdrawn by one batch; the read that begins between the two
// answers knows of the first only.
func TestAReadThatKnowsNothingOfAWithdrawalIsReadAgain(t *testing.T) {
	s := newScene()
	s.withdrawn(simple(1, 2, 3), simple(3))
	first := s.h.Open[0]
	second := first
	second.ID, second.Member = 2, public(2)
	a := first.Actions[0]
	a.ID, a.Member, a.Incident = 8, public(2), 2
	r := *a.Reweigh
	r.Addr = public(2)
	a.Reweigh = &r
	second.Actions = []Action{a}

	o := newAdviser()
	o.open = map[string][]Incident{"www": {first, second}}
	o.wirings["www"].pool = s.pool
	short := *s.pool
	short.Members = []Member{s.pool.Members[0], s.pool.Members[2]}
	if !o.lacks(&short) {
		t.Error("the read lacks a withdrawn member, and is taken")
	}
	if o.lacks(s.pool) {
		t.Error("a whole read is not taken")
	}
	o.read(t.Context(), readingOf(o, &short))
	if o.wirings["www"].pool != s.pool || o.wirings["www"].due.After(time.Now()) {
		t.Error("the wiring is the short one, or is not read again at once")
	}
	s.down(public(2), probe.Refused)
	if text, over := o.over(s.spec, &short, s.snap, second); over {
		t.Errorf("its incident ends: %s", text)
	}
}

// A read that began before our own change is made again at once; but when the
// clock was put back, each would seem to, and AWS would be read without a pause.
func TestReadsNotWithoutAPauseWhenTheClockWasPutBack(t *testing.T) {
	for name, c := range map[string]struct {
		touched time.Duration // from now
		atOnce  bool
	}{
		"changed while it read":  {-time.Millisecond, true},
		"the clock was put back": {10 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.withdrawn(weighted(1, 10), weighted(1, 0))
			s.h.Open[0].Actions[0].Applied = time.Now().Add(c.touched)
			o := newAdviser()
			o.Discover, o.wirings["www"].pool = time.Minute, s.pool
			o.open = map[string][]Incident{"www": s.h.Open}
			o.watched = map[probe.Target]bool{}
			for _, w := range append(o.Specs[0].EndpointWatches(), Watches(o.Specs[0], s.pool)...) {
				o.watched[w.Target] = true
			}
			s.pool.Read = time.Now().Add(-time.Second)
			o.read(t.Context(), readingOf(o, s.pool))
			due := o.wirings["www"].due
			if atOnce := !due.After(time.Now()); atOnce != c.atOnce {
				t.Errorf("it is read again at once: %v", atOnce)
			}
		})
	}
}

func readingOf(o *adviser, pool *Pool) reading {
	return reading{[]survey{{spec: o.Specs[0]}}, time.Time{}, []*Pool{pool}, []error{nil}}
}

// halting is a Route 53 that answers for one name only when the call ends.
type halting struct {
	Records
	slow  string
	asked chan string
}

func (h halting) Read(ctx context.Context, _, name string) (Published, error) {
	h.asked <- name
	if name == h.slow {
		<-ctx.Done()
	}
	return Published{}, errors.New("no answer")
}

// A pool is read together with others of which one does not answer; when it gets
// an incident, or a swap of its lease has no clear answer, it does not wait for
// that one, and what the common read says in the end counts for it no more.
func TestWhoIsInAHurryDoesNotWaitForAPoolThatDoesNotAnswer(t *testing.T) {
	for name, hurry := range map[string]func(s *state){
		"an incident": func(s *state) { s.open = map[string][]Incident{"www": {{ID: 1, Pool: "www"}}} },
		"a lease":     func(s *state) { s.leases = map[string]*lease{"www": {since: time.Now()}} },
	} {
		t.Run(name, func(t *testing.T) { inAHurry(t, hurry) })
	}
}

func inAHurry(t *testing.T, hurry func(s *state)) {
	synctest.Test(t, func(t *testing.T) {
		www, api := &Spec{Name: "www", Record: "www"}, &Spec{Name: "api", Record: "api"}
		records := halting{slow: "api", asked: make(chan string, 9)}
		s := &state{
			Responder: New(Options{Specs: []*Spec{www, api}, Records: records, Discover: time.Minute, Log: slog.New(slog.DiscardHandler)}),
			wirings:   map[string]*wiring{"www": {}, "api": {}}, readings: make(chan reading),
		}
		s.discover(t.Context(), time.Now())
		synctest.Wait()
		hurry(s)
		s.wirings["www"].due = time.Time{}
		time.Sleep(time.Second)
		s.discover(t.Context(), time.Now())
		synctest.Wait()
		if n := len(records.asked); n != 2 {
			t.Errorf("after a second: %d reads, want the two of the common one", n)
		}
		time.Sleep(slowRound)
		s.discover(t.Context(), time.Now())
		s.read(t.Context(), <-s.readings)
		if n := len(records.asked); n != 3 || s.wirings["www"].reading || s.wirings["www"].trouble == "" || !s.wirings["api"].reading {
			t.Errorf("%d reads; www %+v, api %+v", n, s.wirings["www"], s.wirings["api"])
		}
		due := s.wirings["www"].due
		s.read(t.Context(), <-s.readings)
		if s.wirings["api"].reading || !s.wirings["www"].due.Equal(due) {
			t.Errorf("the common read: www %+v, api %+v", s.wirings["www"], s.wirings["api"])
		}
	})
}

func TestNobodyIsWaitedForWhenTheClockWasPutBack(t *testing.T) {
	for age, want := range map[time.Duration]bool{0: true, gatherZone - 1: true, gatherZone: false, -time.Second: false} {
		if got := (Incident{Opened: noon().Add(-age)}).justOpened(noon()); got != want {
			t.Errorf("an incident of %s: %v", age, got)
		}
	}
}
