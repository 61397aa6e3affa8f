package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rrwatch/failover"
	"rrwatch/probe"
)

// incidentModel is one incident as its page shows it.
type incidentModel struct {
	incidentRow
	Closed    stamp
	Began     stamp // the first bad result
	Instance  string
	Zone      string
	CauseText string
	Evidence  []string
	Results   []resultModel
	Held      []holdModel
	Approved  string
	By        string
	Asks      []proposal
	Actions   []actionModel
	Clock     clockModel
	Steps     []entryModel
	Planned   bool   // no outage: a change that was planned
	Flapping  string // how often it fell; empty: it is calm
	Overrides []overrideModel
	Breaks    []breakModel // guards that could be overridden now
	Shadow    *shadowModel // what would have been done
	Ramp      []rampModel  // steps by which it comes back
}

// resultModel is one result of the evidence.
type resultModel struct {
	At      stamp
	After   string // since the first bad result
	Target  string
	Verdict badge
	Answer  string
	Detail  string
	Took    string
}

// actionModel is one action with its times.
type actionModel struct {
	What, Why, By string
	Status        badge
	Begun         stamp
	Applied       string // after Begun
	Served        string // after Begun
	Ended         string // after Begun
	Change        string
	Detail        string
	Drain         string // until when resolvers may give the address, or since when not; empty: nothing is to say
}

// proposal is an action that waits for a person.
type proposal struct {
	Action string
	Text   string
	User   string // who would approve; empty: the form asks
	Path   string
	Until  stamp  // unanswered by then, it expires; zero: not known
	Left   string // until then
}

func (s *server) incident(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	i, ok := s.find(w, r)
	if !ok {
		return
	}
	page := struct {
		frame
		Incident incidentModel
	}{frame: s.frame(r, "incidents", "Incident "+strconv.FormatInt(i.ID, 10), now), Incident: incidentOf(i, now)}
	page.Live = true
	view, user := s.Views(), s.user(r)
	page.Incident.Asks, page.Incident.Breaks = proposals(i, view, user, now), breaksOf(i, view, user, now)
	page.Incident.Ramp = rampOf(i, view)
	s.render(w, r, http.StatusOK, "incident", page)
}

// find reads the incident that the path names. It answers the request itself
// when there is none.
func (s *server) find(w http.ResponseWriter, r *http.Request) (failover.Incident, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		s.fail(w, r, http.StatusNotFound, "An incident is named by its number, such as /incidents/1.")
		return failover.Incident{}, false
	}
	i, err := s.Incidents.Incident(r.Context(), id)
	switch {
	case err == nil:
		return i, true
	case s.NotFound != nil && errors.Is(err, s.NotFound):
		s.fail(w, r, http.StatusNotFound, "There is no incident "+strconv.FormatInt(id, 10)+". It may have been removed at the end of its retention.")
	default:
		s.broken(w, r, "read the incident", err)
	}
	return failover.Incident{}, false
}

func incidentOf(i failover.Incident, now time.Time) incidentModel {
	m := incidentModel{
		incidentRow: rowsOf([]failover.Incident{i}, now)[0],
		Closed:      stampAt(i.Closed, now), Began: stampAt(i.Opening.FirstBad, now),
		Instance: failover.Instance{ID: i.Opening.Instance, Name: i.Opening.Name}.Label(), Zone: i.Opening.Zone,
		CauseText: causeWords(i.Diagnosis.Cause), Evidence: i.Diagnosis.Evidence,
		Held: holdsOf(i.Held), Approved: i.Approved, By: i.By, Clock: clockOf(i, now),
		Planned: i.Planned(), Flapping: flappingWords(i), Overrides: overridesOf(i, now), Shadow: shadowOf(i, now),
	}
	for _, r := range i.Opening.Evidence {
		result := resultOf(r, now)
		result.After = offset(i.Opening.FirstBad, r.At)
		m.Results = append(m.Results, result)
	}
	for _, a := range i.Actions {
		m.Actions = append(m.Actions, actionOf(a, now))
		m.Actions[len(m.Actions)-1].Drain = i.DrainWords(a, now)
	}
	for _, n := range i.Notes {
		step := entryModel{At: stampAt(n.At, now), After: offset(i.Opening.FirstBad, n.At), Kind: kindBadge(n.Kind), Text: n.Text}
		if i.Planned() && n.Kind == failover.Opened {
			step.Kind = plannedBadge()
		}
		m.Steps = append(m.Steps, step)
	}
	return m
}

func resultOf(r probe.Result, now time.Time) resultModel {
	m := resultModel{At: stampAt(r.At, now), Target: r.Target.Check + " " + r.Target.Where(), Answer: answer(r), Detail: r.Detail}
	if r.Phases.Whole > 0 {
		m.Took = short(r.Phases.Whole)
	}
	m.Verdict = badge{r.Verdict.String(), mute}
	switch r.Verdict {
	case probe.Pass:
		m.Verdict.Tone = good
	case probe.Fail:
		m.Verdict.Tone = bad
	case probe.Inconclusive:
	}
	return m
}

func actionOf(a failover.Action, now time.Time) actionModel {
	return actionModel{
		What: a.String(), Why: a.Why, By: a.By, Status: badge{string(a.Status), statusTone(a.Status)},
		Begun: stampAt(a.Begun, now), Applied: offset(a.Begun, a.Applied), Served: offset(a.Begun, a.Served), Ended: offset(a.Begun, a.Ended),
		Change: a.Change, Detail: a.Detail,
	}
}

// proposals are the actions that only a person's approval holds back: the
// pool's mode is propose and the guard is the mode.
func proposals(i failover.Incident, v *failover.View, user string, now time.Time) []proposal {
	if !i.Open() || !proposes(v, i.Pool) {
		return nil
	}
	var asks []proposal
	for _, h := range i.Held {
		if h.Guard == failover.GuardMode && h.Action != "" && h.Action != i.Approved {
			ask := proposal{
				Action: h.Action, Text: strings.TrimSuffix(sentenceOf(h.Text), "."), User: user,
				Path: "/incidents/" + strconv.FormatInt(i.ID, 10) + "/approve",
			}
			if p := i.Proposal; p != nil && p.Action == h.Action {
				ask.Until, ask.Left = stampAt(p.Until, now), long(p.Until.Sub(now)+time.Minute-1)
			}
			asks = append(asks, ask)
		}
	}
	return asks
}

// flappingWords says how often a member that comes and goes fell.
func flappingWords(i failover.Incident) string {
	if !i.Flapping {
		return ""
	}
	return "checks fell " + count(len(i.Falls), "time") + " more while this incident was open"
}

func proposes(v *failover.View, pool string) bool {
	if v == nil {
		return false
	}
	for _, p := range v.Pools {
		if p.Name == pool {
			return p.Policy.Mode == failover.Propose
		}
	}
	return false
}
