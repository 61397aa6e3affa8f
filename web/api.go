package web

import (
	"net/http"
	"strconv"
	"time"

	"rrwatch/failover"
)

// The API answers with the same types that the journal keeps: times in
// RFC 3339, durations in nanoseconds. A list stands under a name, so that
// something can be said beside it later.

// notYet is said before the first look.
const notYet = "rrwatch has not looked at its pools yet; ask again in a second"

// listLimit is the most that one answer lists.
const listLimit = 1000

func (s *server) apiView(w http.ResponseWriter, r *http.Request) {
	v := s.Views()
	if v == nil {
		s.fail(w, r, http.StatusServiceUnavailable, notYet)
		return
	}
	s.json(w, r, http.StatusOK, v)
}

func (s *server) apiPools(w http.ResponseWriter, r *http.Request) {
	v := s.Views()
	if v == nil {
		s.fail(w, r, http.StatusServiceUnavailable, notYet)
		return
	}
	s.json(w, r, http.StatusOK, map[string]any{"at": v.At, "pools": v.Pools})
}

// timedIncident is an incident with its recovery clock.
type timedIncident struct {
	failover.Incident
	Clock failover.Clock `json:"clock"`
	Drain string         `json:"drain,omitempty"` // until when resolvers may give its address, or since when they have forgotten it
}

func timed(i failover.Incident) timedIncident {
	return timedIncident{i, i.Clock(), drainOf(i, time.Now())}
}

func (s *server) apiIncidents(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	before, err := number(q, "before", 0)
	limit, errLimit := number(q, "limit", pageLength)
	var open *bool
	if text := q.Get("open"); text != "" {
		b, errOpen := strconv.ParseBool(text)
		if errOpen != nil {
			s.fail(w, r, http.StatusBadRequest, "the parameter open must be true or false")
			return
		}
		open = &b
	}
	if err != nil || errLimit != nil {
		s.fail(w, r, http.StatusBadRequest, firstError(err, errLimit))
		return
	}
	list, err := s.Incidents.Incidents(r.Context(), open, before, clampLimit(limit))
	if err != nil {
		s.broken(w, r, "list the incidents", err)
		return
	}
	all := make([]timedIncident, 0, len(list))
	for _, i := range list {
		all = append(all, timed(i))
	}
	s.json(w, r, http.StatusOK, map[string]any{"incidents": all})
}

func (s *server) apiIncident(w http.ResponseWriter, r *http.Request) {
	if i, ok := s.find(w, r); ok {
		s.json(w, r, http.StatusOK, timed(i))
	}
}

func (s *server) apiJournal(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, err := number(q, "after", 0)
	limit, errLimit := number(q, "limit", 100)
	if err != nil || errLimit != nil {
		s.fail(w, r, http.StatusBadRequest, firstError(err, errLimit))
		return
	}
	last, err := s.Journal.Last(r.Context())
	if err != nil {
		s.broken(w, r, "read the journal", err)
		return
	}
	entries, err := s.Journal.Since(r.Context(), after, clampLimit(limit))
	if err != nil {
		s.broken(w, r, "read the journal", err)
		return
	}
	if entries == nil {
		entries = []failover.Entry{}
	}
	s.json(w, r, http.StatusOK, map[string]any{"entries": entries, "last": last})
}

func clampLimit(limit int64) int { return int(min(max(limit, 1), listLimit)) }

func firstError(errs ...error) string {
	for _, err := range errs {
		if err != nil {
			return err.Error()
		}
	}
	return ""
}
