package web

import (
	"strings"
	"testing"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

// unclearFor is a check that was up, and of which nothing was learnt since.
func unclearFor(ago time.Duration, reason probe.Reason, now time.Time) failover.CheckView {
	last := result("https", upAddr, now.Add(-time.Second), "", "no route to it from here")
	last.Verdict, last.Reason = probe.Inconclusive, reason
	c := checkView("https", upAddr, monitor.Up, 0, last, "down after 3 more fails")
	c.Health.Asked = now.Add(-ago)
	return c
}

// pageWith is the overview of a site with one member that has these checks.
func pageWith(t *testing.T, now time.Time, checks ...failover.CheckView) string {
	t.Helper()
	s := newSite(now)
	v := calmView(now)
	v.Pools = v.Pools[:1]
	v.Pools[0].Members = v.Pools[0].Members[:1]
	v.Pools[0].Members[0].State, v.Pools[0].Members[0].Checks = monitor.Up, checks
	s.view.Store(v)
	return get(t, handler(t, s.options()), "/")
}

func TestABeliefThatIsOldIsNotShownAsGreen(t *testing.T) {
	now := time.Now()
	page := pageWith(t, now, unclearFor(4*time.Minute, probe.OwnNetwork, now))
	wants(t, row(t, page, upAddr), "up", "unconfirmed for 4 min", "inconclusive: own network", "no route to it from here", "the last answer that counts came 4 min ago")
	wants(t, page, upAddr+" is unconfirmed: a check says nothing that counts")
	if strings.Contains(page, "All members are up") {
		t.Error("the headline says that all is well")
	}
}

func TestASingleInconclusiveAnswerIsNoNews(t *testing.T) {
	now := time.Now()
	page := pageWith(t, now, unclearFor(6*time.Second, probe.Waiting, now))
	wants(t, row(t, page, upAddr), "inconclusive: waiting", "the last answer that counts came 6 s ago")
	if strings.Contains(page, "unconfirmed") {
		t.Error("one answer without a meaning is shown as doubt")
	}
}

func TestSaysSinceWhenASiteExcusesItselfAndUntilWhenThatIsTaken(t *testing.T) {
	now := time.Date(2026, 11, 21, 15, 0, 0, 0, time.UTC)
	c := unclearFor(6*time.Second, probe.Excused, now)
	c.Health.Excused = now.Add(-6 * time.Second)
	c.ExcusedUntil = c.Health.Excused.Add(4 * time.Hour)
	m := checksOf([]failover.CheckView{c}, now)[0]
	if m.Excused.Text != "14:59:54" || m.Until.Text != "18:59:54" || m.State != (badge{"up, unconfirmed", warn}) {
		t.Errorf("excused since %q until %q, shown as %v", m.Excused.Text, m.Until.Text, m.State)
	}
	c = unclearFor(6*time.Second, probe.Excused, time.Now())
	c.Health.Excused, c.ExcusedUntil = time.Now().Add(-6*time.Second), time.Now().Add(4*time.Hour)
	wants(t, row(t, pageWith(t, time.Now(), c), upAddr), "inconclusive: excused", "excused since", "believed until")
}

func TestAWarningStandsBesideTheCheckThatHasIt(t *testing.T) {
	now := time.Now()
	last := result("https", upAddr, now, "", "answered 200 OK")
	last.Warning = "the certificate expires in 5 days, on 2026-11-26"
	page := pageWith(t, now, checkView("https", upAddr, monitor.Up, 0, last, "down after 3 more fails"))
	wants(t, row(t, page, upAddr), "pass with a warning", "answered 200 OK", last.Warning)
}

func TestAnEndpointWhoseResolverIsSilentIsUnconfirmed(t *testing.T) {
	now := time.Now()
	e := endpoint(now, "login", shopURL, failover.Served, "ask the resolver 192.0.2.53:53: no answer")
	e.Health.Last.Verdict, e.Health.Last.Reason = probe.Inconclusive, probe.Resolver
	e.Health.Asked = now.Add(-10 * time.Minute)
	m := usersOf(failover.PoolView{Endpoints: []failover.EndpointView{e}}, now)[0]
	if m.State != (badge{"served, unconfirmed", warn}) || m.Clear.Ago != "10 min" {
		t.Errorf("shown as %v, last clear answer %q ago", m.State, m.Clear.Ago)
	}
}

func TestOneSureFailIsEnoughToBeSureOfDown(t *testing.T) {
	now := time.Now()
	down := unclearFor(4*time.Minute, probe.OwnNetwork, now)
	down.Health.State = monitor.Down
	sure := checkView("tcp", upAddr, monitor.Down, 3, result("tcp", upAddr, now, probe.Refused, ""), "up after 2 more passes")
	if at := doubted(monitor.Down, []failover.CheckView{down, sure}, now); !at.IsZero() {
		t.Errorf("in doubt since %s, though a check fails now", at)
	}
	if at := doubted(monitor.Down, []failover.CheckView{down}, now); !at.Equal(down.Health.Asked) {
		t.Errorf("in doubt since %s, want %s", at, down.Health.Asked)
	}
}
