package main

import (
	"net/netip"
	"regexp"
	"slices"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

func journeyOptions(c config.Check, dial probe.Dial, roster *probe.Roster) probe.JourneyOptions {
	s := c.Session
	o := probe.JourneyOptions{
		TLS:  securedOf(c, dial),
		Host: c.Host, Path: s.Path, Header: headerOf(s.Headers, nil), Status: statusRanges(s.Status), Cookie: s.Cookie,
		BackendHeader: s.BackendHeader, BackendCookie: s.BackendCookie,
		Peers: roster.Peers, Dial: dial,
	}
	if s.BackendBody != "" {
		o.BackendBody = regexp.MustCompile(s.BackendBody) // the configuration has compiled it before
	}
	return o
}

// enroll tells the roster which addresses are watched of each pool: members
// first, then standbys, as failover.Watches lists them. Standbys can begin a
// session too, and the one of a pool with one member is its only peer.
func enroll(roster *probe.Roster, watches []monitor.Watch) {
	pools := map[string][]netip.Addr{}
	for _, w := range watches {
		pool, addr := w.Target.Pool, w.Target.Addr.Addr()
		if addr.IsValid() && !slices.Contains(pools[pool], addr) { // an endpoint has none
			pools[pool] = append(pools[pool], addr)
		}
	}
	for pool, addrs := range pools {
		roster.Set(pool, addrs)
	}
}

// enrolling is a watcher whose roster knows of every list of targets before
// they are asked.
type enrolling struct {
	failover.Watcher
	roster *probe.Roster
}

// Replace tells the roster, and watches the list from now on.
func (e enrolling) Replace(watches []monitor.Watch) error {
	enroll(e.roster, watches)
	return e.Watcher.Replace(watches)
}
