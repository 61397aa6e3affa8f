package failover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// notebook is a journal of the texts that were told.
type notebook struct {
	told   []string
	broken bool
}

func (n *notebook) Append(_ context.Context, entries ...Entry) ([]Entry, error) {
	if n.broken {
		return nil, errors.New("the disk is full")
	}
	for _, e := range entries {
		n.told = append(n.told, string(e.Kind)+" "+e.Text)
	}
	return entries, nil
}

func (*notebook) Recall(context.Context) (Memory, error) { return Memory{}, nil }

// adviser is a responder's state that watches members 1 to 3 of www by https,
// and an endpoint.
type adviser struct {
	*state
	notes *notebook
	texts map[probe.Target]probe.Answer // the latest answers
	now   time.Time
}

func newAdviser(known ...Advisory) *adviser {
	a := &adviser{notes: &notebook{}, texts: map[probe.Target]probe.Answer{}, now: noon()}
	spec := newScene().spec
	spec.Endpoints = []Endpoint{{Name: "login", URL: loginURL}}
	a.state = &state{
		Responder: &Responder{Options: Options{Specs: []*Spec{spec}, Journal: a.notes, Log: slog.New(slog.DiscardHandler)}},
		wirings:   map[string]*wiring{"www": {pool: &Pool{}}}, advice: recalled(known), watched: map[probe.Target]bool{{Pool: "www", Check: "login"}: true},
	}
	for n := 1; n <= 3; n++ {
		a.watched[https(n)] = true
	}
	return a
}

func https(n int) probe.Target {
	return probe.Target{Pool: "www", Check: "https", Addr: netip.AddrPortFrom(public(n), 443)}
}

// minutes lets time go by with a look every 20 seconds.
func (a *adviser) minutes(n int) {
	for range 3 * n {
		a.now = a.now.Add(20 * time.Second)
		health := map[probe.Target]monitor.Health{}
		for t, answer := range a.texts {
			health[t] = monitor.Health{State: monitor.Up, Since: noon(), Last: probe.Result{Target: t, At: a.now, Answer: answer}}
		}
		a.advise(context.Background(), monitor.NewSnapshot(a.now, health), a.now)
	}
}

func pass(warning string) probe.Answer { return probe.Answer{Verdict: probe.Pass, Warning: warning} }

const (
	soonOver = "warning www/https: the certificate expires in 9 days, on 2026-03-10 (3 addresses)"
	itIsOver = "warning-over www/https: the warning is over: the certificate expires in 9 days, on 2026-03-10 (3 addresses)"
)

func TestAWarningIsWrittenDownOnceAndItsEndToo(t *testing.T) {
	a := newAdviser()
	for n := 1; n <= 3; n++ {
		a.texts[https(n)] = pass(expires(9))
	}
	a.minutes(300)
	wantTold(t, a.notes.told, soonOver)
	if list := a.advice.of("www"); len(list) != 1 || list[0].Check != "https" || len(a.advice.of("api")) != 0 {
		t.Errorf("shown: %+v", list)
	}
	for n := 1; n <= 3; n++ {
		a.texts[https(n)] = pass("")
	}
	a.minutes(59)
	if list := a.advice.of("www"); len(list) != 1 || list[0].Gone.IsZero() || len(a.notes.told) != 1 {
		t.Errorf("shown: %+v, told %q", list, a.notes.told)
	}
	a.minutes(300)
	wantTold(t, a.notes.told, soonOver, itIsOver)
	if list := a.advice.of("www"); len(list) > 0 {
		t.Errorf("shown: %+v", list)
	}
}

func TestOnlyAPassTakesAWarningBack(t *testing.T) {
	for name, c := range map[string]struct {
		then probe.Answer
		over bool
	}{
		"a fail":       {probe.Answer{Verdict: probe.Fail, Reason: probe.Refused}, false},
		"inconclusive": {probe.Answer{Verdict: probe.Inconclusive, Reason: probe.OwnNetwork}, false},
		"a pass":       {pass(""), true},
	} {
		a := newAdviser()
		a.texts[https(1)] = pass(expires(9))
		a.minutes(5)
		a.texts[https(1)] = c.then
		a.minutes(200)
		if told := len(a.notes.told); (told == 2) != c.over {
			t.Errorf("%s: told %q", name, a.notes.told)
		}
	}
}

func TestAFailThatWarnsIsHeardAndAnInconclusiveAnswerIsNot(t *testing.T) {
	a := newAdviser()
	a.texts[https(1)] = probe.Answer{Verdict: probe.Fail, Reason: probe.Status, Warning: expires(9)}
	a.texts[https(2)] = probe.Answer{Verdict: probe.Inconclusive, Reason: probe.Excused, Warning: expires(9)}
	a.minutes(2)
	wantTold(t, a.notes.told, "warning www/https: the certificate expires in 9 days, on 2026-03-10 (203.0.113.1)")
}

func TestAWarningOfAnAddressThatIsWatchedNoMoreEnds(t *testing.T) {
	a := newAdviser()
	a.texts[https(1)] = pass(expires(9))
	a.minutes(2)
	delete(a.watched, https(1))
	delete(a.texts, https(1))
	a.minutes(61)
	if len(a.notes.told) != 2 {
		t.Errorf("told %q", a.notes.told)
	}
}

func TestARestartTellsNothingAgain(t *testing.T) {
	texts := ofHTTPS(map[int]string{1: expires(9), 2: expires(9), 3: expires(9)})
	known := []Advisory{
		{Kind: AdviseWarning, Pool: "www", Check: "https", Text: sentence(texts), Warnings: texts, Begun: noon().Add(-time.Hour), Told: noon().Add(-50 * time.Minute)},
		{Kind: AdviseNotServed, Pool: "www", Check: "login", Text: loginURL + ": 203.0.113.1 refused", Begun: noon().Add(-time.Hour), Told: noon().Add(-time.Hour)},
	}
	a := newAdviser(known...)
	a.wirings["www"].pool, a.watched = nil, map[probe.Target]bool{{Pool: "www", Check: "login"}: true} // AWS was not read yet
	a.minutes(200)
	if len(a.notes.told) > 0 {
		t.Fatalf("before anything was asked: %q", a.notes.told)
	}
	a.wirings["www"].pool = &Pool{}
	for n := 1; n <= 3; n++ {
		a.watched[https(n)], a.texts[https(n)] = true, pass(expires(9))
	}
	a.minutes(200)
	if len(a.notes.told) > 0 {
		t.Fatalf("told again: %q", a.notes.told)
	}
	for n := 1; n <= 3; n++ {
		a.texts[https(n)] = pass("")
	}
	a.texts[probe.Target{Pool: "www", Check: "login"}] = probe.Answer{Verdict: probe.Pass, Detail: "served by 203.0.113.1: answered 200 OK"}
	a.minutes(70)
	wantTold(t, a.notes.told, "served-again www: the site is served to users again: https://www.example.com/login: served by 203.0.113.1: answered 200 OK; it was not for 1h0m0s", itIsOver)
}

func TestWhatIsNoLongerConfiguredEnds(t *testing.T) {
	a := newAdviser(
		Advisory{Kind: AdviseNotServed, Pool: "www", Check: "basket", Text: "https://www.example.com/basket: 203.0.113.1 refused", Begun: noon(), Told: noon()},
		Advisory{Kind: AdviseWarning, Pool: "gone", Check: "https", Text: expires(9), Warnings: ofHTTPS(map[int]string{1: expires(9)}), Begun: noon(), Told: noon()},
		Advisory{Kind: AdviseWarning, Pool: "www", Check: "basket", Text: "x", Warnings: []Warning{{Text: "x"}}, Begun: noon(), Told: noon()},
	)
	a.minutes(61)
	wantTold(t, a.notes.told,
		"served-again www: the endpoint basket is gone from the configuration: https://www.example.com/basket: 203.0.113.1 refused",
		"warning-over gone/https: the warning is over: "+expires(9), "warning-over www/basket: the warning is over: x")
}

func TestAWarningIsToldWhenTheJournalCanBeWrittenAgain(t *testing.T) {
	a := newAdviser()
	a.notes.broken = true
	for n := 1; n <= 3; n++ {
		a.texts[https(n)] = pass(expires(9))
	}
	a.minutes(10)
	if list := a.advice.of("www"); len(list) != 1 || !list[0].Told.IsZero() {
		t.Errorf("shown: %+v", list)
	}
	a.notes.broken = false
	a.minutes(10)
	wantTold(t, a.notes.told, soonOver)
}

// What a look costs beside everything else that it does.
func BenchmarkALookAtTenThousandTargets(b *testing.B) {
	for name, text := range map[string]string{"quiet": "", "all warn": expires(9)} {
		b.Run(name, func(b *testing.B) {
			a := newAdviser()
			health := map[probe.Target]monitor.Health{}
			for n := range 10_000 {
				t := probe.Target{Pool: fmt.Sprint("pool-", n/100), Check: "https", Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(n / 256), byte(n)}), 443)}
				a.watched[t] = true
				a.wirings[t.Pool] = &wiring{pool: &Pool{}}
				health[t] = monitor.Health{State: monitor.Up, Last: probe.Result{Target: t, At: noon(), Answer: pass(text)}}
			}
			snap := monitor.NewSnapshot(noon(), health)
			for b.Loop() {
				a.advice.seen = nil
				a.advise(b.Context(), snap, noon())
			}
		})
	}
}
