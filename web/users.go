package web

import (
	"strings"
	"time"

	"rrwatch/failover"
	"rrwatch/probe"
)

// usersModel is how users fare who ask for one page by its name.
type usersModel struct {
	Name, URL string
	State     badge
	Since     stamp
	Answer    string // what the last question heard
	Bad       bool
	Took      string
	Asked     stamp
	Suspect   bool
	ToChange  string
	Clear     stamp // when the last answer that counts was asked, if that is long ago
}

// warningModel is one warning that lasts.
type warningModel struct {
	Check, Text string
	Since       stamp
	Gone        stamp // since when it is not seen any more; zero: it is
}

func usersOf(p failover.PoolView, now time.Time) []usersModel {
	models := make([]usersModel, 0, len(p.Endpoints))
	for _, e := range p.Endpoints {
		last := e.Health.Last
		m := usersModel{
			Name: e.Name, URL: e.URL, State: unconfirmed(serviceBadge(e), e.Health, false, now), Since: stampAt(servedSo(p, e), now),
			Answer: last.Detail, Bad: last.Verdict == probe.Fail, Asked: stampAt(last.At, now),
			Suspect: e.Health.Suspect(), ToChange: e.ToChange,
		}
		if doubtful(e.Health, now) {
			m.Clear = stampAt(e.Health.Asked, now)
		}
		if m.Answer == "" {
			m.Answer = answer(last)
		}
		if last.Phases.Whole > 0 {
			m.Took = short(last.Phases.Whole)
		}
		models = append(models, m)
	}
	return models
}

// servedSo is since when users fare as they do. Whether the page is served is
// believed; that it is served elsewhere is a warning, which has its own beginning.
func servedSo(p failover.PoolView, e failover.EndpointView) time.Time {
	if e.Service != failover.ServedElsewhere {
		return e.Health.Since
	}
	for _, a := range p.Advisories {
		if a.Check == e.Name && a.Gone.IsZero() {
			return a.Begun
		}
	}
	return time.Time{}
}

func serviceBadge(e failover.EndpointView) badge {
	switch e.Service {
	case failover.Served:
		if e.Health.Suspect() {
			return badge{"served, with failures", warn}
		}
		return badge{"served", good}
	case failover.ServedElsewhere:
		which, _, _ := strings.Cut(e.Health.Last.Detail, ",") // "served at the second address, 203.0.113.2: …"
		return badge{which, warn}
	case failover.ServiceNotServed:
		return badge{"not served", bad}
	case failover.ServiceUnknown:
	}
	return badge{"not known yet", mute}
}

// warningsOf leaves out what the line of an endpoint says already.
func warningsOf(p failover.PoolView, now time.Time) []warningModel {
	said := map[string]string{}
	for _, e := range p.Endpoints {
		said[e.Name] = e.Health.Last.Detail
	}
	var models []warningModel
	for _, a := range p.Advisories {
		if a.Text != said[a.Check] || !a.Gone.IsZero() {
			models = append(models, warningModel{a.Check, a.Text, stampAt(a.Begun, now), stampAt(a.Gone, now)})
		}
	}
	return models
}
