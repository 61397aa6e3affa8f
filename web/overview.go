package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"rrwatch/failover"
)

// recent is how many entries of the journal the overview shows.
const recent = 12

// staleAfter is the age from which a view is called old, here and by /healthz.
const staleAfter = 30 * time.Second

// siteModel is the present state of everything, as the overview and the demo
// show it.
type siteModel struct {
	Looked   bool // there has been a first look
	At       stamp
	Stale    bool
	Headline headline
	Blind    string
	NoRecord string
	Brake    *brakeModel
	Pools    []poolModel
	Pause    pauseForm // of everything
}

type brakeModel struct {
	Why  string
	When stamp
	User string // who would release it; empty: the form asks
}

// entryModel is one entry of the journal, or one step of an incident.
type entryModel struct {
	At       stamp
	After    string // since the first bad result; on an incident's page only
	Kind     badge
	Pool     string
	Member   string
	Incident int64
	Text     string
}

func (s *server) overview(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	page := struct {
		frame
		siteModel
		Journal        []entryModel
		JournalTrouble string
	}{frame: s.frame(r, "overview", "", now), siteModel: siteOf(s.Views(), now, s.user(r))}
	page.Live = true
	page.Title = page.Headline.Text
	var err error
	if page.Journal, err = s.newest(r.Context(), now); err != nil {
		// The state of the site must be seen all the more when the database
		// has failed.
		s.Log.ErrorContext(r.Context(), "the journal could not be read for the overview", "error", err)
		page.JournalTrouble = err.Error()
	}
	s.render(w, r, http.StatusOK, "overview", page)
}

// newest reads the last entries of the journal, the newest first.
func (s *server) newest(ctx context.Context, now time.Time) ([]entryModel, error) {
	last, err := s.Journal.Last(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := s.Journal.Since(ctx, max(last-recent, 0), recent)
	if err != nil {
		return nil, err
	}
	models := make([]entryModel, 0, len(entries))
	for _, e := range slices.Backward(entries) {
		models = append(models, entryOf(e, now))
	}
	return models, nil
}

func entryOf(e failover.Entry, now time.Time) entryModel {
	m := entryModel{At: stampAt(e.At, now), Kind: kindBadge(e.Kind), Pool: e.Pool, Incident: e.Incident, Text: e.Text}
	if e.Opening != nil && e.Opening.Failback {
		m.Kind = plannedBadge()
	}
	if e.Member.IsValid() {
		m.Member = e.Member.String()
	}
	return m
}

func siteOf(v *failover.View, now time.Time, user string) siteModel {
	if v == nil {
		return siteModel{Headline: headline{Tone: mute, Text: "rrwatch has not looked yet"}}
	}
	m := siteModel{
		Looked: true, At: stampAt(v.At, now), Stale: now.Sub(v.At) > staleAfter,
		Headline: headlineOf(v), Blind: v.Blind, NoRecord: v.NoRecord, Pause: pauseForm{ID: "all", User: user},
	}
	if v.Brake != nil {
		m.Brake = &brakeModel{Why: v.Brake.Why, When: stampAt(v.Brake.Latched, now), User: user}
	}
	for _, p := range v.Pools {
		m.Pools = append(m.Pools, poolOf(p, v.Pauses, now))
	}
	return m
}
