package failover

import (
	"context"
	"log/slog"
	"strings"
	"testing"
)

// A pool was renamed while one of its members was down: nobody would ever see to
// its incident again, nor to its unfinished move.
func TestWhatAPoolThatIsGoneLeftBehindEnds(t *testing.T) {
	s := newScene()
	s.fails(1, "refused")
	moving := s.h.Open[0]
	moving.Pool = "old"
	moving.Actions = []Action{{ID: 7, Kind: KindRemap, Pool: "old", Member: public(1), Incident: 1, Status: Applied, Begun: noon(), Applied: noon(), Remap: &Remap{To: "i-4"}}}
	s = newScene()
	s.withdrawn(weighted(1, 10), weighted(1, 0))
	out := s.h.Open[0]
	out.ID, out.Pool = 2, "old"
	out.Actions[0].Incident = 2
	mine := s.h.Open[0]
	mine.ID, mine.Pool, mine.Actions = 3, "www", nil

	notes := &notebook{}
	r := New(Options{Specs: []*Spec{s.spec}, Journal: remembering{notes, Memory{Incidents: []Incident{moving, out, mine}}}, Log: slog.New(slog.DiscardHandler)})
	o, err := r.recall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o.abandon(t.Context())
	o.abandon(t.Context())
	var open []int64
	for _, id := range []int64{1, 2, 3} {
		if o.incidents[id].Open() {
			open = append(open, id)
		}
		if a, unfinished := o.incidents[id].Unfinished(); unfinished {
			t.Errorf("unfinished: %s", a)
		}
	}
	if len(open) != 2 || open[0] != 2 {
		t.Errorf("open are %v, want 2, which is out of the answers, and 3", open)
	}
	if told := strings.Join(notes.told, "\n"); strings.Count(told, "put it back by hand") != 1 || len(notes.told) != 3 {
		t.Errorf("told:\n%s", told)
	}
	if h := o.history(s.spec, noon()); len(h.InFlight) != 0 {
		t.Errorf("in flight: %v", h.InFlight)
	}
}

// remembering is a notebook that was written in before.
type remembering struct {
	*notebook
	memory Memory
}

func (r remembering) Recall(context.Context) (Memory, error) { return r.memory, nil }
