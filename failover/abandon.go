package failover

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// abandon ends what a pool has left behind that is configured no more: no look
// sees to it, and what is unfinished for ever keeps its instance and its record
// set from others. An incident whose member is out of the answers stays open: it
// goes on if the pool is configured again, and a person should know of it.
func (s *state) abandon(ctx context.Context) {
	for _, id := range slices.Sorted(maps.Keys(s.incidents)) {
		i := s.incidents[id]
		if _, configured := s.wirings[i.Pool]; configured || !i.Open() {
			continue
		}
		gone := fmt.Sprintf("the pool %s is not in the configuration any more", i.Pool)
		var entries []Entry
		if a, unfinished := i.Unfinished(); unfinished {
			a.Status, a.Ended, a.Detail = Unproven, time.Now().UTC(), gone+", so what became of it was not read"
			e := i.entry(ActionEnded, endText(a))
			e.Action = &a
			entries = append(entries, e)
			i = i.Apply(e)
		}
		if _, withdrawn := i.Withdrawn(); !withdrawn {
			entries = append(entries, i.entry(Closed, gone))
		} else if text := fmt.Sprintf("%s, and %s is still out of its answers: put it back by hand, or configure the pool again", gone, i.Member); !i.noted(text) {
			entries = append(entries, i.entry(Noted, text))
		}
		s.record(ctx, entries...)
	}
}

// noted reports whether the incident has a note of that text.
func (i Incident) noted(text string) bool {
	return slices.ContainsFunc(i.Notes, func(n Note) bool { return n.Text == text })
}
