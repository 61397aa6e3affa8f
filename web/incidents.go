package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rrwatch/failover"
)

// pageLength is how many closed incidents one page lists, and openLength how
// many open ones it lists at most.
const (
	pageLength = 50
	openLength = 200
)

// incidentRow is one incident in the list.
type incidentRow struct {
	ID     int64
	State  badge
	Pool   string
	Member string
	Cause  string
	Opened stamp
	Lasted string
	Story  string // how it ended, or what is being done about it
}

func (s *server) incidents(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	before, err := number(r.URL.Query(), "before", 0)
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	page := struct {
		frame
		Open   []incidentRow
		Closed []incidentRow
		Before int64 // shown from; 0: the newest
		Older  int64 // the next page's before; 0: there is none
	}{frame: s.frame(r, "incidents", "Incidents", now), Before: before}
	page.Live = before == 0
	if before == 0 {
		open, err := s.Incidents.Incidents(r.Context(), new(true), 0, openLength)
		if err != nil {
			s.broken(w, r, "list the open incidents", err)
			return
		}
		page.Open = rowsOf(open, now)
	}
	closed, err := s.Incidents.Incidents(r.Context(), new(false), before, pageLength+1)
	if err != nil {
		s.broken(w, r, "list the incidents", err)
		return
	}
	if len(closed) > pageLength {
		closed = closed[:pageLength]
		page.Older = closed[pageLength-1].ID
	}
	page.Closed = rowsOf(closed, now)
	s.render(w, r, http.StatusOK, "incidents", page)
}

func rowsOf(list []failover.Incident, now time.Time) []incidentRow {
	rows := make([]incidentRow, 0, len(list))
	for _, i := range list {
		rows = append(rows, incidentRow{
			ID: i.ID, State: incidentBadge(i), Pool: i.Pool, Member: i.Member.String(), Cause: causeName(i),
			Opened: stampAt(i.Opened, now), Lasted: lasted(i, now), Story: story(i),
		})
	}
	return rows
}

func incidentBadge(i failover.Incident) badge {
	switch {
	case i.Open() && i.Planned():
		return plannedBadge()
	case i.Planned():
		return badge{"done", good}
	case i.Open():
		return badge{"open", bad}
	}
	return badge{"closed", good}
}

func causeName(i failover.Incident) string {
	if i.Planned() {
		return "planned"
	}
	if i.Diagnosis.Cause == "" {
		return string(failover.CauseUnknown)
	}
	return string(i.Diagnosis.Cause)
}

// lasted counts from the first bad result: the outage began before we
// believed it.
func lasted(i failover.Incident, now time.Time) string {
	from, to := i.Opening.FirstBad, i.Closed
	if from.IsZero() || i.Planned() {
		from = i.Opened
	}
	if i.Open() {
		to = now
	}
	return short(max(to.Sub(from), 0).Round(time.Millisecond))
}

// story is the incident in one line.
func story(i failover.Incident) string {
	doing, unfinished := i.Unfinished()
	away := awayWords(i)
	switch {
	case !i.Open() && i.Outcome != "":
		return i.Outcome
	case unfinished:
		return doing.String() + ": " + string(doing.Status)
	case away != "":
		return away
	case i.Open() && waits(i) != "":
		return waits(i)
	case len(i.Actions) > 0:
		last := i.Actions[len(i.Actions)-1]
		return last.String() + ": " + string(last.Status)
	case len(i.Notes) > 0:
		return i.Notes[len(i.Notes)-1].Text
	}
	return ""
}

// awayWords says how a withdrawn member is; empty: it is not.
func awayWords(i failover.Incident) string {
	if now, full, returning := i.Returning(); returning {
		return fmt.Sprintf("comes back by steps: it has %d of its weight of %d", now, full)
	}
	if _, withdrawn := i.Withdrawn(); withdrawn {
		return "out of the answers; it comes back when it has recovered"
	}
	return ""
}

// waits says what the open incident waits for; empty: nothing.
func waits(i failover.Incident) string {
	switch {
	case i.Flapping:
		return "it comes and goes: nothing more is done until it is calm, and a person should look"
	case i.Proposal != nil:
		return "waits for approval: " + i.Proposal.Action
	case len(i.Held) > 0:
		return "held: " + i.Held[0].Text
	}
	return ""
}

// number reads a query parameter that is a whole number of at least 0; absent
// means otherwise.
func number(q url.Values, key string, otherwise int64) (int64, error) {
	text := q.Get(key)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, &badParameter{key}
	}
	return n, nil
}

// badParameter is a query parameter that is no number.
type badParameter struct{ key string }

func (b *badParameter) Error() string {
	return "the parameter " + b.key + " must be a whole number of at least 0"
}
