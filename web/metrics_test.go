package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"rrwatch/failover"
	"rrwatch/monitor"
)

func TestMetricsSayWhatTheViewSays(t *testing.T) {
	s := newSite(time.Now())
	v := s.view.Load()
	v.Brake = &failover.Brake{}
	v.Probes = monitor.Tally{Pass: 7, Fail: 2, Inconclusive: 1}
	// Two instances that are asked at one address must not spoil the scrape.
	v.Pools[0].Spare = append(v.Pools[0].Spare, v.Pools[0].Spare[0])
	h := handler(t, s.options())
	text := get(t, h, "/metrics")
	wants(t, text,
		`rrwatch_target_up{addr="203.0.113.11",check="https",pool="www"} 1`,
		`rrwatch_target_up{addr="203.0.113.13",check="https",pool="www"} 0`,
		`rrwatch_target_up{addr="10.0.1.5",check="https",pool="www"} 1`,
		`rrwatch_member_up{addr="203.0.113.13",pool="www"} 0`,
		`rrwatch_member_withdrawn{addr="203.0.113.14",pool="www"} 1`,
		`rrwatch_standbys{pool="www"} 2`, `rrwatch_standbys{pool="api"} 0`,
		`rrwatch_incidents_open{pool="www"} 2`, `rrwatch_incidents_open{pool="api"} 1`,
		`rrwatch_brake_latched 1`, `rrwatch_blind 0`, `rrwatch_journal_broken 0`, `rrwatch_journal_seq 6`,
		`rrwatch_probes_total{verdict="pass"} 7`, `rrwatch_probes_total{verdict="fail"} 2`, `rrwatch_probes_total{verdict="inconclusive"} 1`,
		`rrwatch_probe_duration_seconds{addr="203.0.113.11",check="https",pool="www"} 0.`,
		`rrwatch_build_info{go_version="go`, `version="v1.2.3"} 1`, "go_goroutines", "process_open_fds",
	)
	s.view.Store(nil)
	if text = get(t, h, "/metrics"); strings.Contains(text, "rrwatch_member_up{") || !strings.Contains(text, "rrwatch_build_info{") {
		t.Error("before the first look there is nothing to say of members")
	}
}

func TestMetricsPassPrometheusOwnLint(t *testing.T) {
	text := get(t, handler(t, newSite(time.Now()).options()), "/metrics")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "rrwatch_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestMetricsTakeOnlyGet(t *testing.T) {
	answer, _ := ask(t, handler(t, newSite(time.Now()).options()), http.MethodPost, "/metrics", "")
	if answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /metrics: %s", answer.Status)
	}
}
