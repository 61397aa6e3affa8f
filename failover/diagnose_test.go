package failover

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// asks gives the pool one check of each kind, named by it, all of which pass.
func (s *scene) asks(kinds ...string) {
	s.spec.Checks = nil
	for n, kind := range kinds {
		s.spec.Checks = append(s.spec.Checks, Check{
			Name: kind, Kind: kind, Port: 80 + uint16(n), Interval: 5 * time.Second, Timeout: 2 * time.Second,
			Thresholds: monitor.Thresholds{Fall: 3, Clear: 1, Rise: 2},
		})
	}
	health := map[probe.Target]monitor.Health{}
	for n := range 5 {
		for _, c := range s.spec.Checks {
			t := c.Target("www", s.at(n+1))
			health[t] = healthOf(t, false)
		}
	}
	s.snap = monitor.NewSnapshot(noon(), health)
}

// at is where instance n is asked.
func (s *scene) at(n int) netip.Addr {
	if n <= 3 {
		return public(n)
	}
	return private(n)
}

// breaks has a check of an address fail, the first time so long before noon.
func (s *scene) breaks(a netip.Addr, check string, why probe.Reason, detail string, before time.Duration) {
	for _, c := range s.spec.Checks {
		if c.Name != check {
			continue
		}
		h := healthOf(c.Target("www", a), true)
		h.First, h.Why.Reason, h.Why.Detail = noon().Add(-before), why, detail
		h.Last = h.Why
		s.snap = s.snap.With(c.Target("www", a), h)
	}
}

const (
	ec2Fine    = "EC2 says that lb-1 (i-1) is running and its status checks are ok"
	hostServes = "the host answers, its load balancer does not serve"
	noConnect  = "no connection within 2s"
	justNow    = 2 * time.Second
)

// diagnosis is a pool that asks these checks, what happens to it, and what is
// said of its first member.
type diagnosis struct {
	checks string
	happen func(*scene)
	want   Diagnosis
}

func (d diagnosis) test(t *testing.T) {
	t.Helper()
	s := newScene()
	kinds := map[string][]string{
		"":        {"http"},
		"+icmp":   {"http", "icmp"},
		"+tcp":    {"http", "tcp"},
		"+https":  {"http", "https"},
		"layers":  {"icmp", "tcp", "tls", "https", "grpc"},
		"beat":    {"http", "heartbeat"},
		"network": {"icmp", "udp", "dns"},
	}[d.checks]
	s.asks(kinds...)
	for n := range s.pool.Instances {
		s.pool.Instances[n].Status = "ok"
	}
	d.happen(s)
	if diff := cmp.Diff(d.want, Diagnose(s.spec, s.pool, s.snap, public(1))); diff != "" {
		t.Error(diff)
	}
}

func broken(check string, why probe.Reason, detail string) func(*scene) {
	return func(s *scene) { s.breaks(public(1), check, why, detail, justNow) }
}

func TestDiagnosesTheProcess(t *testing.T) {
	for name, d := range map[string]diagnosis{
		"refused": {"", broken("http", probe.Refused, "connection refused"), Diagnosis{CauseProcess, []string{
			"check http: connection refused", ec2Fine, hostServes,
		}}},
		"an error": {"", broken("http", probe.Status, "answered 503 Service Unavailable"), Diagnosis{CauseProcess, []string{
			"check http: answered 503 Service Unavailable", ec2Fine, "its load balancer answers, but not as it should",
		}}},
		"it hangs": {"", broken("http", probe.AnswerTimeout, "connected, but no whole answer within 2s"), Diagnosis{CauseProcess, []string{
			"check http: connected, but no whole answer within 2s", ec2Fine, "the host takes connections, its load balancer does not answer",
		}}},
		"no connection, but the host answers": {"+icmp", broken("http", probe.ConnectTimeout, noConnect), Diagnosis{CauseProcess, []string{
			"check http: " + noConnect, "check icmp passes", ec2Fine, hostServes,
		}}},
		"only lower checks pass": {"layers", func(s *scene) {
			broken("https", probe.Reset, "connection reset by the far side")(s)
			broken("grpc", probe.Reset, "")(s)
		}, Diagnosis{CauseProcess, []string{
			"check https: connection reset by the far side", "check grpc: reset", "checks icmp, tcp, tls pass", ec2Fine, hostServes,
		}}},
		"its heartbeat is heard": {"beat", broken("http", probe.ConnectTimeout, noConnect), Diagnosis{CauseProcess, []string{
			"check http: " + noConnect, "check heartbeat passes", ec2Fine, hostServes,
		}}},
		"one check is silent, another one is not": {"+tcp", func(s *scene) {
			broken("http", probe.ConnectTimeout, noConnect)(s)
			broken("tcp", probe.Refused, "connection refused")(s)
		}, Diagnosis{CauseProcess, []string{"check http: " + noConnect, "check tcp: connection refused", ec2Fine, hostServes}}},
		"only its heartbeat is asked for": {"beat", func(s *scene) {
			s.spec.Checks = s.spec.Checks[1:]
			broken("heartbeat", probe.Overdue, "no heartbeat for 2m")(s)
		}, Diagnosis{CauseProcess, []string{
			"check heartbeat: no heartbeat for 2m", ec2Fine, "its host was not asked, and may be silent, too",
		}}},
	} {
		t.Run(name, d.test)
	}
}

func TestDiagnosesTheInstance(t *testing.T) {
	ec2 := func(state, status string) func(*scene) {
		return func(s *scene) {
			s.pool.Instances[0].State, s.pool.Instances[0].Status = state, status
			broken("http", probe.Refused, "connection refused")(s)
		}
	}
	for name, d := range map[string]diagnosis{
		"silent, and EC2 does not know yet": {"+icmp", func(s *scene) {
			broken("http", probe.ConnectTimeout, noConnect)(s)
			broken("icmp", probe.AnswerTimeout, "no echo within 2s")(s)
		}, Diagnosis{CauseInstance, []string{
			"check http: " + noConnect, "check icmp: no echo within 2s", ec2Fine, "the host is silent", "EC2 lags by a minute or two",
		}}},
		"a pass before the first fail shows nothing": {"+icmp", func(s *scene) {
			broken("http", probe.Unreachable, "no route to this host")(s)
			h := s.snap.Health(s.spec.Checks[1].Target("www", public(1)))
			h.Asked = noon().Add(-3 * time.Second)
			s.snap = s.snap.With(s.spec.Checks[1].Target("www", public(1)), h)
		}, Diagnosis{CauseInstance, []string{
			"check http: no route to this host", ec2Fine, "the host is silent", "EC2 lags by a minute or two",
		}}},
		"datagrams without an answer": {"network", func(s *scene) {
			for _, check := range []string{"icmp", "udp", "dns"} {
				broken(check, probe.AnswerTimeout, "no answer")(s)
			}
		}, Diagnosis{CauseInstance, []string{
			"check icmp: no answer", "check udp: no answer", "check dns: no answer", ec2Fine, "the host is silent", "EC2 lags by a minute or two",
		}}},
		"a missed heartbeat beside": {"beat", func(s *scene) {
			broken("http", probe.ConnectTimeout, noConnect)(s)
			broken("heartbeat", probe.Overdue, "no heartbeat for 2m")(s)
		}, Diagnosis{CauseInstance, []string{
			"check http: " + noConnect, "check heartbeat: no heartbeat for 2m", ec2Fine, "the host is silent", "EC2 lags by a minute or two",
		}}},
		"stopped": {"", ec2("stopped", ""), Diagnosis{CauseInstance, []string{
			"check http: connection refused", "EC2 says that lb-1 (i-1) is stopped", hostServes,
		}}},
		"ending, while a part still passes": {"+https", ec2("shutting-down", "ok"), Diagnosis{CauseInstance, []string{
			"check http: connection refused", "check https passes", "EC2 says that lb-1 (i-1) is shutting-down and its status checks are ok",
			"only a part of what it serves fails",
		}}},
		"impaired": {"", ec2("running", "impaired"), Diagnosis{CauseInstance, []string{
			"check http: connection refused", "EC2 says that lb-1 (i-1) is running and its status checks are impaired", hostServes,
		}}},
		"to be retired": {"", func(s *scene) {
			ec2("running", "ok")(s)
			s.pool.Instances[0].Events = []string{"instance-retirement not before 2026-03-01 12:00 UTC"}
		}, Diagnosis{CauseProcess, []string{
			"check http: connection refused", ec2Fine + "; AWS has scheduled instance-retirement not before 2026-03-01 12:00 UTC", hostServes,
		}}},
	} {
		t.Run(name, d.test)
	}
}

func TestDiagnosesAPart(t *testing.T) {
	for name, d := range map[string]diagnosis{
		"another service passes": {"+https", broken("https", probe.TLSName, "certificate is valid for a.example.com, not www.example.com"), Diagnosis{CausePartial, []string{
			"check https: certificate is valid for a.example.com, not www.example.com", "check http passes", ec2Fine, "only a part of what it serves fails",
		}}},
		"only a lower check fails": {"+icmp", broken("icmp", probe.AnswerTimeout, "no echo within 2s"), Diagnosis{CausePartial, []string{
			"check icmp: no echo within 2s", "check http passes", ec2Fine, "only a part of what it serves fails",
		}}},
		"what passes weighs more than status checks": {"+https", func(s *scene) {
			s.pool.Instances[0].Status = impaired
			broken("http", probe.Refused, "connection refused")(s)
		}, Diagnosis{CausePartial, []string{
			"check http: connection refused", "check https passes", "EC2 says that lb-1 (i-1) is running and its status checks are impaired",
			"only a part of what it serves fails",
		}}},
		"of two ports": {"layers", func(s *scene) {
			s.spec.Checks = s.spec.Checks[1:2]
			s.spec.Checks = append(s.spec.Checks, s.spec.Checks[0])
			s.spec.Checks[0].Name, s.spec.Checks[0].Port = "smtp", 25
			for n := range 5 {
				a := s.at(n + 1)
				s.snap = s.snap.With(s.target(a), healthOf(s.target(a), false))
			}
			broken("smtp", probe.Refused, "connection refused")(s)
		}, Diagnosis{CausePartial, []string{"check smtp: connection refused", "check tcp passes", ec2Fine, "only a part of what it serves fails"}}},
	} {
		t.Run(name, d.test)
	}
}

func TestDiagnosesNothingWithoutACarrier(t *testing.T) {
	unwired := func(check string, why probe.Reason, detail string) func(*scene) {
		return func(s *scene) {
			s.pool.Members[0].Address = nil
			broken(check, why, detail)(s)
		}
	}
	const unknown = "which instance carries the address is not known"
	for name, d := range map[string]diagnosis{
		"refused": {"", unwired("http", probe.Refused, "connection refused"), Diagnosis{CauseUnknown, []string{
			"check http: connection refused", unknown, hostServes,
		}}},
		"silent": {"", unwired("http", probe.ConnectTimeout, noConnect), Diagnosis{CauseUnknown, []string{
			"check http: " + noConnect, unknown, "the host is silent",
		}}},
		"a part": {"+https", unwired("http", probe.Refused, "connection refused"), Diagnosis{CausePartial, []string{
			"check http: connection refused", "check https passes", unknown, "only a part of what it serves fails",
		}}},
	} {
		t.Run(name, d.test)
	}
}
