package failover

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// Endpoint is a page of the pool that is asked for as its users do, by its
// name. What is believed of it is shown and told, and is no part of what is
// believed of the members: it moves nothing.
type Endpoint struct {
	Name       string // unique among the pool's checks and endpoints
	URL        string // for people; never with a secret
	Probe      probe.Func
	Interval   time.Duration
	Timeout    time.Duration
	Recheck    time.Duration
	Thresholds monitor.Thresholds
}

// Target is the endpoint as the monitor knows it: a target without an address.
func (e Endpoint) Target(pool string) probe.Target {
	return probe.Target{Pool: pool, Check: e.Name, Addr: netip.AddrPort{}}
}

// EndpointWatches lists what the monitor needs to ask the pool's endpoints.
// They are known without reading AWS.
func (s *Spec) EndpointWatches() []monitor.Watch {
	list := make([]monitor.Watch, 0, len(s.Endpoints))
	for _, e := range s.Endpoints {
		list = append(list, monitor.Watch{
			Target: e.Target(s.Name), Probe: e.Probe,
			Interval: e.Interval, Timeout: e.Timeout, Recheck: e.Recheck, Thresholds: e.Thresholds,
		})
	}
	return list
}

// Service says how users fare who ask for a page.
type Service string

// The services.
const (
	ServiceUnknown   Service = "unknown"
	Served           Service = "served"
	ServedElsewhere  Service = "served elsewhere" // at another address than the first that was tried
	ServiceNotServed Service = "not served"
)

// serviceOf is what is believed of an endpoint, in the users' words.
func serviceOf(h monitor.Health) Service {
	switch h.State {
	case monitor.Up:
		if probe.Elsewhere(h.Last.Answer) {
			return ServedElsewhere
		}
		return Served
	case monitor.Down:
		return ServiceNotServed
	case monitor.Unknown:
	}
	return ServiceUnknown
}

func showEndpoints(spec *Spec, snap *monitor.Snapshot) []EndpointView {
	var list []EndpointView
	for _, e := range spec.Endpoints {
		h := snap.Health(e.Target(spec.Name))
		next := strings.NewReplacer("down after", "not served after", "up after", "served after").Replace(h.ToChange(e.Thresholds))
		list = append(list, EndpointView{e.Name, e.URL, serviceOf(h), h, next})
	}
	return list
}

// servedFor is how long users must have been served again until that is told: a
// site that comes and goes is one story.
const servedFor = time.Minute

// serve is the news of an endpoint, if there is any: that its page is not
// served, or is again. While the watcher does not trust its own fails there is
// none.
func serve(spec *Spec, e Endpoint, told *Advisory, snap *monitor.Snapshot, now time.Time) (news, bool) {
	h := snap.Health(e.Target(spec.Name))
	believed := snap.Blind == "" && (snap.References == 0 || !snap.Sighted.Before(h.First))
	switch {
	case told == nil && h.State == monitor.Down && believed:
		why := h.Why.Detail
		if why == "" {
			why = string(h.Why.Reason)
		}
		a := Advisory{Kind: AdviseNotServed, Pool: spec.Name, Check: e.Name, Text: e.URL + ": " + why, Begun: h.First.UTC(), Told: now.UTC()}
		return news{lasting{Advisory: a}, NotServed, fmt.Sprintf("%s: the site is not served to users: %s", spec.Name, a.Text)}, true
	case told != nil && h.State == monitor.Up && now.Sub(h.Since) >= servedFor:
		text := fmt.Sprintf("%s: the site is served to users again: %s: %s; it was not for %s",
			spec.Name, e.URL, h.Last.Detail, h.Since.Sub(told.Begun).Round(time.Second))
		return news{lasting{Advisory: *told}, ServedAgain, text}, true
	}
	return news{}, false
}
