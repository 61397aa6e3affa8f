package web

import (
	"slices"
	"strconv"
	"time"

	"rrwatch/failover"
)

// overrideModel is one override as the incident's page tells it.
type overrideModel struct {
	Guard, Why, By string
	At, Until      stamp
	Over           bool // its time is over
}

// breakModel is one guard that holds the incident back now and that a person
// may override.
type breakModel struct {
	Guard, Text, Action string
	Path                string
	User                string // who would override; empty: the form asks
}

func overridesOf(i failover.Incident, now time.Time) []overrideModel {
	models := make([]overrideModel, 0, len(i.Overrides))
	for _, o := range i.Overrides {
		models = append(models, overrideModel{
			Guard: string(o.Guard), Why: o.Why, By: o.By, At: stampAt(o.At, now), Until: stampAt(o.Until, now),
			Over: !now.Before(o.Until) || !i.Open(),
		})
	}
	return models
}

// breaksOf are the guards that could be overridden and are not. What only waits
// for an approval is approved instead.
func breaksOf(i failover.Incident, v *failover.View, user string, now time.Time) []breakModel {
	var models []breakModel
	for _, h := range holdsNow(i, v) {
		known := slices.ContainsFunc(models, func(m breakModel) bool { return m.Guard == string(h.Guard) })
		done := slices.ContainsFunc(i.Overrides, func(o failover.Override) bool { return o.Guard == h.Guard && now.Before(o.Until) })
		if known || done || !h.Guard.Overridable() || h.Guard == failover.GuardMode && proposes(v, i.Pool) {
			continue
		}
		models = append(models, breakModel{
			Guard: string(h.Guard), Text: h.Text, Action: h.Action, User: user,
			Path: "/incidents/" + strconv.FormatInt(i.ID, 10) + "/override",
		})
	}
	return models
}

// holdsNow are what holds the open incident back in the present plan, which may
// be less than what was written down last.
func holdsNow(i failover.Incident, v *failover.View) []failover.Hold {
	if v == nil || !i.Open() {
		return nil
	}
	for _, p := range v.Pools {
		if p.Name != i.Pool {
			continue
		}
		return slices.DeleteFunc(slices.Clone(p.Plan.Held), func(h failover.Hold) bool { return h.Member != i.Member })
	}
	return nil
}
