package monitor

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A wheel does what a plain list of times would, whatever is set, moved and removed.
func TestTheWheelGivesEveryEntryAtItsTickAndOnce(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		began := time.Now()
		w := wheel{began: began}
		entries := make([]*entry, 200)
		planned := map[*entry]int64{}
		for i := range entries {
			entries[i] = &entry{}
		}
		now := began
		for range 2000 {
			e := entries[r.IntN(len(entries))]
			switch r.IntN(4) {
			case 0:
				w.remove(e)
				delete(planned, e)
			case 1: // up to three turns ahead, or in the past
				n := w.ceil(now.Add(time.Duration(r.Int64N(3*turn*int64(tick))) - time.Second))
				w.set(e, n)
				planned[e] = max(n, w.cursor)
			default:
				now = now.Add(time.Duration(r.Int64N(int64(300 * time.Millisecond))))
				if r.IntN(200) == 0 {
					now = now.Add(2 * turn * tick) // as if it had slept
				}
				checkDue(t, &w, planned, now)
			}
			checkFirst(t, &w, planned)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

func checkDue(t *testing.T, w *wheel, planned map[*entry]int64, now time.Time) {
	t.Helper()
	current, before := w.floor(now), w.cursor
	last := int64(0)
	for _, e := range w.due(now, nil) {
		at, ok := planned[e]
		if !ok || at > current {
			t.Errorf("an entry is due at tick %d (planned %v) in tick %d", at, ok, current)
		}
		if at < last && current-before < turn {
			t.Error("a later entry came first")
		}
		last = at
		delete(planned, e)
	}
	for _, at := range planned {
		if at <= current {
			t.Errorf("an entry of tick %d was not due in tick %d", at, current)
		}
	}
}

func checkFirst(t *testing.T, w *wheel, planned map[*entry]int64) {
	t.Helper()
	const ahead = 100
	want, ok := int64(0), false
	for _, at := range planned {
		if at < w.cursor+ahead && (!ok || at < want) {
			want, ok = at, true
		}
	}
	if got, found := w.first(ahead); found != ok || ok && !got.Equal(w.start(want)) {
		t.Errorf("first is %s, %v; want tick %d, %v", got.Sub(w.began), found, want, ok)
	}
}

func TestNothingIsDueBeforeItsTick(t *testing.T) {
	now := time.Now()
	w := wheel{began: now}
	at := now.Add(25 * time.Millisecond) // within the third tick
	for n, want := range map[int64]time.Duration{w.ceil(at): 30 * time.Millisecond, w.floor(at): 20 * time.Millisecond} {
		w = wheel{began: now}
		w.set(&entry{}, n)
		if list := w.due(now.Add(want-1), nil); len(list) != 0 {
			t.Errorf("tick %d: due a nanosecond early", n)
		}
		if list := w.due(now.Add(want), nil); len(list) != 1 {
			t.Errorf("tick %d: not due after %s", n, want)
		}
	}
}
