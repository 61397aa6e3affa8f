package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/simulator"
)

// stage plays the demo: it breaks the first load balancer and tells in the
// terminal what rrwatch does about it.
type stage struct {
	world  *world
	daemon *daemon
	users  *users
	out    io.Writer
}

// victim is the load balancer that the demo kills.
const victim = "lb-1"

// goOn plays one outage and then tells whatever happens until ctx ends.
func (s *stage) goOn(ctx context.Context) error {
	url := "http://" + s.daemon.listener.Addr().String()
	fmt.Fprintf(s.out, `rrwatch demo: www.example.com, three Elastic IPs on five load balancers in two zones.

  dashboard   %s
  break it    %s/demo   or:  rrwatch demo break lb-2 hang
  heal it     rrwatch demo heal lb-2

In %s %s dies. Ctrl-C ends the demo.

`, url, url, demoMoment, victim)
	told := make(chan error, 1)
	go func() { told <- s.tell(ctx) }()
	if err := s.ready(ctx); err != nil && ctx.Err() == nil {
		s.line(time.Now(), "something is broken already, so the demo leaves its own outage out")
		return <-told
	}
	if !wait(ctx, demoMoment) {
		return <-told
	}
	if err := s.kill(); err != nil {
		return err
	}
	return <-told
}

// interrupted forgets an error that is only the end of the demo.
func (s *stage) interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *stage) kill() error {
	s.line(time.Now(), "the demo kills "+victim)
	return s.world.site.Break(victim, simulator.FaultKill)
}

// ready waits until every member is Up and a standby is there.
func (s *stage) ready(ctx context.Context) error {
	return s.until(ctx, "the watch of the healthy site to begin", func(v *failover.View) bool {
		if len(v.Pools) == 0 || len(v.Pools[0].Members) != 3 {
			return false
		}
		for _, m := range v.Pools[0].Members {
			if m.State != monitor.Up {
				return false
			}
		}
		standbys := 0
		for _, i := range v.Pools[0].Spare {
			if i.Standby {
				standbys++
			}
		}
		return standbys == 2
	})
}

// until waits for the view to be so.
func (s *stage) until(ctx context.Context, what string, so func(*failover.View) bool) error {
	ctx, cancel := context.WithTimeout(ctx, demoWithin)
	defer cancel()
	for {
		if v := s.daemon.responder.View(); v != nil && so(v) {
			return nil
		}
		if !wait(ctx, 20*time.Millisecond) {
			return fmt.Errorf("waited for %s: %w", what, errNotServed)
		}
	}
}

// wait reports whether d passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// tell follows the journal and prints it for a reader.
func (s *stage) tell(ctx context.Context) error {
	after := int64(0)
	for {
		changed := s.daemon.store.Changed()
		entries, err := s.daemon.store.Since(ctx, after, 100)
		if err != nil {
			return s.interrupted(ctx, err)
		}
		for _, e := range entries {
			after = e.Seq
			s.line(e.At, e.Text)
			if e.Kind == failover.Closed {
				if err := s.sum(ctx, e.Incident); err != nil {
					return s.interrupted(ctx, err)
				}
			}
		}
		if len(entries) > 0 {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *stage) line(at time.Time, text string) {
	fmt.Fprintf(s.out, "%s  %s\n", at.Local().Format("15:04:05.000"), text)
}

// sum prints an ended incident's recovery clock and what the users saw.
func (s *stage) sum(ctx context.Context, id int64) error {
	i, err := s.daemon.store.Incident(ctx, id)
	if err != nil {
		return err
	}
	_, requests, failed := s.users.worst()
	fmt.Fprintf(s.out, "\n%s\n              users: %d of %d requests failed so far\n\n", clockText(i.Clock()), failed, requests)
	return nil
}

func clockText(c failover.Clock) string {
	var b strings.Builder
	for _, p := range phases(c) {
		fmt.Fprintf(&b, "              %-10s %6.2f s\n", p.name, p.took.Seconds())
	}
	fmt.Fprintf(&b, "              %-10s %6.2f s", "whole", c.Whole.Seconds())
	return b.String()
}

type phase struct {
	name string
	took time.Duration
}

func phases(c failover.Clock) []phase {
	return []phase{{"detect", c.Detect}, {"decide", c.Decide}, {"api", c.API}, {"propagate", c.Propagate}, {"verify", c.Verify}}
}

// figures are what one outage of the demo cost; times in seconds.
type figures struct {
	Served       bool               `json:"served"`
	Clock        map[string]float64 `json:"clock"`
	KillToCall   float64            `json:"kill_to_call"`   // to the AssociateAddress
	KillToServed float64            `json:"kill_to_served"` // to the first answer that the users of the address got again
	Requests     int                `json:"requests"`
	Failed       int                `json:"failed"`
}

// once plays one outage and reports whether the site was served again.
func (s *stage) once(ctx context.Context, asJSON bool) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	// At a random place between two probes, so that many runs measure the mean
	// and not the luck of the start.
	if !wait(ctx, time.Second+rand.N(time.Second)) {
		return errNotServed
	}
	killed := time.Now()
	if err := s.world.site.Break(victim, simulator.FaultKill); err != nil {
		return err
	}
	i, err := s.closed(ctx)
	if err != nil {
		return err
	}
	wait(ctx, time.Second) // the users have to see that it lasts
	s.users.end()
	worst, requests, failed := s.users.worst()
	f := figures{
		Served: !worst.To.IsZero() && i.Actions[0].Status == failover.Proven, Clock: map[string]float64{},
		KillToCall: s.world.moved(killed).Sub(killed).Seconds(), KillToServed: worst.To.Sub(killed).Seconds(),
		Requests: requests, Failed: failed,
	}
	for _, p := range phases(i.Clock()) {
		f.Clock[p.name] = p.took.Seconds()
	}
	if err := s.report(f, i, asJSON); err != nil {
		return err
	}
	if !f.Served {
		return errNotServed
	}
	return nil
}

// closed waits until the outage is over and returns its incident.
func (s *stage) closed(ctx context.Context) (failover.Incident, error) {
	if err := s.until(ctx, "the outage to be noticed", func(v *failover.View) bool {
		return v.Pools[0].Members[0].Incident != 0
	}); err != nil {
		return failover.Incident{}, err
	}
	if err := s.until(ctx, "the outage to end", func(v *failover.View) bool {
		return v.Pools[0].Members[0].Incident == 0
	}); err != nil {
		return failover.Incident{}, err
	}
	return s.daemon.store.Incident(ctx, 1)
}

func (s *stage) report(f figures, i failover.Incident, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(s.out).Encode(f)
	}
	for _, n := range i.Notes {
		s.line(n.At, n.Text)
	}
	_, err := fmt.Fprintf(s.out, `
the recovery clock, from the first bad answer
%s

from the kill     to the API call %.2f s, to the users' first good answer %.2f s
the users         %d of %d requests failed
`, clockText(i.Clock()), f.KillToCall, f.KillToServed, f.Failed, f.Requests)
	return err
}
