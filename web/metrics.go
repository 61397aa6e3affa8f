package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rrwatch/failover"
	"rrwatch/monitor"
)

// metrics is the handler of /metrics, with a registry of its own.
func (s *server) metrics() (http.Handler, error) {
	reg := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newCollector(s.Views, s.Journal, s.Version),
	} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("start the dashboard: register the metrics: %w", err)
		}
	}
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{ErrorLog: promLog{s.Log}, Timeout: 10 * time.Second}), nil
}

// promLog hands the collector's complaints to our logger.
type promLog struct{ log *slog.Logger }

func (p promLog) Println(v ...any) {
	p.log.Error("the metrics could not be gathered", "error", strings.TrimSpace(fmt.Sprintln(v...)))
}

// collector reads the view at each scrape, so that no number is ever older
// than the view.
type collector struct {
	views   func() *failover.View
	journal Journal
	version string

	target, member, withdrawn, standbys, incidents *prometheus.Desc
	served, elsewhere, warning, drift, lints       *prometheus.Desc
	paused, memberPaused, flapping, shadow         *prometheus.Desc
	brake, blind, noRecord, viewAt, seq, build     *prometheus.Desc
	probes, duration                               *prometheus.Desc
}

func newCollector(views func() *failover.View, j Journal, version string) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("rrwatch_"+name, help, labels, nil)
	}
	return &collector{
		views: views, journal: j, version: version,
		target:       desc("target_up", "1 if the check of the address is believed up, 0 if down; absent while unknown.", "pool", "check", "addr"),
		member:       desc("member_up", "1 if the published address is believed up, 0 if down; absent while unknown.", "pool", "addr"),
		withdrawn:    desc("member_withdrawn", "1 while rrwatch keeps the address out of the DNS answers.", "pool", "addr"),
		standbys:     desc("standbys", "Healthy instances that carry no member and could take one.", "pool"),
		incidents:    desc("incidents_open", "Members with an open incident.", "pool"),
		served:       desc("endpoint_served", "1 if users who ask for the page by its name are served, 0 if not; absent while unknown.", "pool", "endpoint"),
		elsewhere:    desc("endpoint_served_elsewhere", "1 while they are served at another address than the first that is tried.", "pool", "endpoint"),
		warning:      desc("warning", "1 while answers of the check warn of something that will fail.", "pool", "check"),
		drift:        desc("drift", "Disagreements that last between the authoritative servers, the record sets, EC2 and what rrwatch has done.", "pool"),
		lints:        desc("lints", "What could be wired better in the pool, by severity.", "pool", "severity"),
		paused:       desc("paused", "1 while a person keeps rrwatch from acting on any member of the pool.", "pool"),
		memberPaused: desc("member_paused", "1 while a person keeps rrwatch from acting on the address.", "pool", "addr"),
		flapping:     desc("member_flapping", "1 while the address comes and goes, so that nothing more is done.", "pool", "addr"),
		shadow:       desc("shadow_actions", "What would have been done within the last 30 days, by whether that would have been right.", "pool", "verdict"),
		brake:        desc("brake_latched", "1 while all automatic action is stopped until a person releases it."),
		blind:        desc("blind", "1 while the watcher trusts none of its own fails."),
		noRecord:     desc("journal_broken", "1 while the journal cannot be written, which holds all action."),
		viewAt:       desc("view_timestamp_seconds", "When the pools were last looked at, in Unix time."),
		seq:          desc("journal_seq", "Sequence number of the journal's newest entry."),
		probes:       desc("probes_total", "Probes that were answered since the start, by their verdict.", "verdict"),
		duration:     desc("probe_duration_seconds", "How long the latest probe of the check and address took.", "pool", "check", "addr"),
		build:        desc("build_info", "Always 1; its labels say what is running.", "version", "go_version"),
	}
}

// Describe sends what Collect may send.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.target, c.member, c.withdrawn, c.standbys, c.incidents, c.served, c.elsewhere, c.warning, c.drift, c.lints,
		c.paused, c.memberPaused, c.flapping, c.shadow, c.brake, c.blind, c.noRecord, c.viewAt, c.seq, c.build, c.probes, c.duration,
	} {
		ch <- d
	}
}

// Collect computes every number from the present view.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	out := sink{ch: ch, seen: map[string]bool{}}
	out.gauge(c.build, 1, c.version, runtime.Version())
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if seq, err := c.journal.Last(ctx); err == nil {
		out.gauge(c.seq, float64(seq))
	}
	v := c.views()
	if v == nil {
		return
	}
	out.gauge(c.brake, truth(v.Brake != nil))
	out.gauge(c.blind, truth(v.Blind != ""))
	out.gauge(c.noRecord, truth(v.NoRecord != ""))
	out.gauge(c.viewAt, float64(v.At.UnixMilli())/1000)
	out.counter(c.probes, float64(v.Probes.Pass), "pass")
	out.counter(c.probes, float64(v.Probes.Fail), "fail")
	out.counter(c.probes, float64(v.Probes.Inconclusive), "inconclusive")
	for _, p := range v.Pools {
		c.pool(out, p)
		c.said(out, p, v.Pauses, v.At)
	}
}

func (c *collector) pool(out sink, p failover.PoolView) {
	var open, standbys float64
	for _, m := range p.Members {
		addr := m.Addr.String()
		out.state(c.member, m.State, p.Name, addr)
		out.gauge(c.withdrawn, truth(m.Withdrawn), p.Name, addr)
		open += truth(m.Incident != 0 && !m.Planned)
		for _, check := range m.Checks {
			c.check(out, check, p.Name, addr)
		}
	}
	for _, s := range p.Spare {
		standbys += truth(s.Standby)
		for _, check := range s.Checks {
			if s.Probe.IsValid() {
				c.check(out, check, p.Name, s.Probe.String())
			}
		}
	}
	for _, e := range p.Endpoints {
		out.state(c.served, e.Health.State, p.Name, e.Name)
		out.gauge(c.elsewhere, truth(e.Service == failover.ServedElsewhere), p.Name, e.Name)
	}
	for _, a := range p.Advisories {
		out.gauge(c.warning, truth(a.Gone.IsZero()), p.Name, a.Check)
	}
	warnings, advice := severities(p.Lints)
	out.gauge(c.lints, float64(warnings), p.Name, string(failover.SeverityWarning))
	out.gauge(c.lints, float64(advice), p.Name, string(failover.SeverityAdvice))
	out.gauge(c.drift, float64(len(p.Drifts)), p.Name)
	out.gauge(c.incidents, open, p.Name)
	out.gauge(c.standbys, standbys, p.Name)
}

// said tells what people have said, and what would have been done.
func (c *collector) said(out sink, p failover.PoolView, pauses []failover.Pause, now time.Time) {
	whole := slices.ContainsFunc(pauses, func(s failover.Pause) bool { return !s.Member.IsValid() && s.Covers(p.Name, netip.Addr{}, now) })
	out.gauge(c.paused, truth(whole), p.Name)
	for _, m := range p.Members {
		addr := m.Addr.String()
		covers := func(s failover.Pause) bool { return s.Covers(p.Name, m.Addr, now) }
		out.gauge(c.memberPaused, truth(slices.ContainsFunc(pauses, covers)), p.Name, addr)
		out.gauge(c.flapping, truth(m.Flapping), p.Name, addr)
	}
	out.gauge(c.shadow, float64(p.Score.Right), p.Name, "right")
	out.gauge(c.shadow, float64(p.Score.Wrong), p.Name, "wrong")
	out.gauge(c.shadow, float64(p.Score.Open), p.Name, "open")
}

func (c *collector) check(out sink, check failover.CheckView, pool, addr string) {
	out.state(c.target, check.Health.State, pool, check.Name, addr)
	if last := check.Health.Last; !last.At.IsZero() {
		out.gauge(c.duration, last.Phases.Whole.Seconds(), pool, check.Name, addr)
	}
}

// sink sends each series once: two instances that are asked at one address
// are one target, and a doubled series would fail the whole scrape.
type sink struct {
	ch   chan<- prometheus.Metric
	seen map[string]bool
}

func (s sink) gauge(d *prometheus.Desc, value float64, labels ...string) {
	s.send(d, prometheus.GaugeValue, value, labels)
}

func (s sink) counter(d *prometheus.Desc, value float64, labels ...string) {
	s.send(d, prometheus.CounterValue, value, labels)
}

func (s sink) send(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels []string) {
	key := d.String() + "\x00" + strings.Join(labels, "\x00")
	if s.seen[key] {
		return
	}
	s.seen[key] = true
	m, err := prometheus.NewConstMetric(d, kind, value, labels...)
	if err != nil {
		m = prometheus.NewInvalidMetric(d, err)
	}
	s.ch <- m
}

func (s sink) state(d *prometheus.Desc, state monitor.State, labels ...string) {
	switch state {
	case monitor.Up:
		s.gauge(d, 1, labels...)
	case monitor.Down:
		s.gauge(d, 0, labels...)
	case monitor.Unknown:
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
