package web

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"rrwatch/failover"
)

// judgedSite is newSite on a day on which people have said much: pauses, an
// override, a proposal, a score, a member that comes and goes, one that comes
// back by steps, and a planned change.
func judgedSite(now time.Time) *site {
	s := newSite(now)
	v := s.view.Load()
	v.Pauses = []failover.Pause{
		{Pool: "www", Member: netip.MustParseAddr(upAddr), Why: "a new kernel", By: "bob", Since: now.Add(-time.Minute), Until: now.Add(14 * time.Minute)},
		{Why: "the network is being rebuilt", By: "alice", Since: now.Add(-6 * time.Minute), Until: now.Add(54 * time.Minute)},
		{Pool: "api", Why: "over already", By: "bob", Since: now.Add(-time.Hour), Until: now.Add(-time.Second)},
	}
	p := &v.Pools[0]
	p.Members[3].Returning = 10
	p.Members[1].Flapping, p.Members[0].Planned, p.Members[0].Incident = true, true, 13
	p.Policy = failover.Policy{
		Mode: failover.Act, Remedies: []failover.Remedy{failover.RemedyRemap, failover.RemedyWithdraw},
		VerifyWithin: 30 * time.Second, Cooldown: 10 * time.Minute, RestoreAfter: 5 * time.Minute, MinHealthy: 1,
		Budget: failover.Budget{PerHour: 6, PerDay: 20}, MemberBudget: failover.Budget{PerHour: 2, PerDay: 4},
		RemedyWhen: map[failover.Cause][]failover.Remedy{failover.CauseZone: {failover.RemedyWithdraw}, failover.CausePartial: {}},
		Ramp:       []failover.RampStep{{Percent: 10, For: 5 * time.Minute}, {Percent: 50, For: 90 * time.Second}, {Percent: 100}},
		Failback:   30 * time.Minute, Flaps: failover.FlapLimit{Falls: 4, Within: time.Hour},
	}
	p.Plan.Held = append(p.Plan.Held, failover.Hold{Member: netip.MustParseAddr(withdrawnAddr), Guard: failover.GuardFlapping, Text: "the member comes and goes"})
	api := &v.Pools[1]
	api.Score = failover.Score{Right: 3, Wrong: 1, Open: 1}
	api.Plan.Held = append(api.Plan.Held, failover.Hold{Member: netip.MustParseAddr(heldAddr), Guard: failover.GuardWarmUp, Text: "the member was never seen healthy", Action: "withdraw " + heldAddr})
	s.journal.incidents = judgedIncidents(s.journal.incidents, now)
	s.journal.append(failover.Entry{At: now, Kind: failover.Paused, By: "alice", Text: "alice paused all pools: the network is being rebuilt"})
	s.journal.append(failover.Entry{
		At: now, Kind: failover.Opened, Pool: "www", Incident: 13, Opening: &failover.Opening{Failback: true}, Text: upAddr + " goes back to lb-9",
	})
	return s
}

func judgedIncidents(list []failover.Incident, now time.Time) []failover.Incident {
	held, away := &list[1], &list[2]
	held.Proposal = &failover.Proposal{Action: held.Held[0].Action, At: now.Add(-18 * time.Minute), Until: now.Add(12 * time.Minute)}
	held.Shadow = &failover.Shadow{Action: held.Held[0].Action, At: now.Add(-90 * time.Second), Takes: 8 * time.Second}
	away.Overrides = []failover.Override{
		{Guard: failover.GuardFlapping, Why: "another cause", By: "carol", At: now.Add(-2 * time.Minute), Until: now.Add(13 * time.Minute)},
		{Guard: failover.GuardWarmUp, Why: "it did serve", By: "bob", At: now.Add(-time.Hour), Until: now.Add(-45 * time.Minute)},
	}
	away.Flapping = true
	away.Falls = []failover.Fall{{Check: "https", At: now.Add(-time.Minute)}, {Check: "https", At: now.Add(-time.Second)}}
	away.Actions = []failover.Action{
		reweighed(failover.KindWithdraw, 10, 0, now.Add(-8*time.Minute)), reweighed(failover.KindRestore, 0, 1, now.Add(-time.Minute)),
	}
	planned := failover.Incident{
		ID: 13, Pool: "www", Member: netip.MustParseAddr(upAddr), Opened: now.Add(-30 * time.Second),
		Opening: failover.Opening{Failback: true, Believed: now.Add(-30 * time.Second), FirstBad: now.Add(-30 * time.Second)},
		Notes:   []failover.Note{{Seq: 40, At: now.Add(-30 * time.Second), Kind: failover.Opened, Text: upAddr + " goes back to lb-9"}},
	}
	return append(list, planned)
}

func reweighed(kind failover.ActionKind, was, shall int64, at time.Time) failover.Action {
	set := failover.RecordSet{Name: "www.example.com", Type: "A", Identifier: "lb-4", Weight: new(was), Values: []string{withdrawnAddr}}
	next := set
	next.Weight = new(shall)
	return failover.Action{
		ID: at.Unix(), Kind: kind, Pool: "www", Member: netip.MustParseAddr(withdrawnAddr), Incident: 11, Status: failover.Proven,
		Begun: at, Applied: at, Ended: at, Reweigh: &failover.Reweigh{Zone: "Z1", Addr: netip.MustParseAddr(withdrawnAddr), Was: set, Shall: next},
	}
}

// labelled reports whether a page has a label for the input.
func labelled(t *testing.T, h http.Handler, path, id string) bool {
	t.Helper()
	return strings.Contains(get(t, h, path), `<label for="`+id+`"`)
}

func TestEveryPageSaysThatSomethingIsPaused(t *testing.T) {
	h := handler(t, judgedSite(time.Now()).options())
	for _, path := range []string{"/", "/incidents", "/incidents/9", "/pools/www", "/guards", "/demo"} {
		page := get(t, h, path)
		wants(t, part(t, page, "paused-all"), "All pools are paused by alice until", "for 54 min more", "the network is being rebuilt", "Your name", "Resume")
		wants(t, part(t, page, "paused-www-"+upAddr), "www "+upAddr+" is paused by bob", "a new kernel")
		if strings.Index(page, `id="paused-all"`) > strings.Index(page, `id="paused-www-`) || strings.Contains(page, "over already") {
			t.Errorf("%s: the widest pause is not the first, or one that is over is shown", path)
		}
	}
}

func TestAStrangerIsNotToldOfPauses(t *testing.T) {
	o := judgedSite(time.Now()).options()
	o.Password = "correct horse"
	if _, body := ask(t, handler(t, o), http.MethodGet, "/", ""); strings.Contains(body, "alice") || strings.Contains(body, "rebuilt") {
		t.Error("who did not log in reads the pauses")
	}
}

func TestPoolPageTellsItsPolicyAndScore(t *testing.T) {
	h := handler(t, judgedSite(time.Now()).options())
	page := get(t, h, "/pools/www")
	wants(t, part(t, page, "policy"),
		"remap: its address moves to a standby; else withdraw: it leaves the answers", "When the cause is zone withdraw", "When the cause is partial people are told, and nothing is done",
		"within 30 s", "10 min until", "after it was up for 5 min, by steps: 10 % for 5 min, 50 % for 1 min 30 s, then all of its weight",
		"was healthy for 30 min", "4 falls within 1 h", "1 healthy member", "6 actions an hour, 20 a day", "2 actions an hour, 4 a day")
	wants(t, part(t, page, "pause"), "the whole pool", upAddr+" only", "1 hour", "or until", "Your name")
	wants(t, part(t, page, "score"), "Nothing in the last 30 days")
	wants(t, row(t, page, suspectAddr), "comes and goes")
	wants(t, row(t, page, withdrawnAddr), "coming back to weight 10")
	wants(t, row(t, page, upAddr), "planned change 13", "paused for 14 min")
	page = get(t, h, "/pools/api")
	wants(t, part(t, page, "score"), "it would have acted 5×: 3 right, 1 wrong, 1 not known yet .")
	wants(t, part(t, get(t, h, "/"), "pool-api"), "Would have acted 5×, 1 wrong")
	if answer, body := ask(t, h, http.MethodGet, "/pools/nowhere", ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("%s %s", answer.Status, body)
	}
}

func TestIncidentTellsWhatPeopleSaid(t *testing.T) {
	s := judgedSite(time.Now())
	h := handler(t, s.options())
	page := get(t, h, "/incidents/10")
	wants(t, part(t, page, "approve"), "The proposal expires at", "(in 12 min)")
	wants(t, part(t, page, "shadow"), "not known yet", "In the mode act it would have begun at", "It takes about 8 s")
	if strings.Contains(page, `id="break-mode"`) {
		t.Error("what only waits for an approval can be overridden")
	}
	wants(t, part(t, page, "break-warm-up"), "Override warm-up", "the member was never seen healthy", "will withdraw "+heldAddr, "All other guards still hold")
	page = get(t, h, "/incidents/11")
	wants(t, part(t, page, "overrides"), "in force carol overrode flapping : another cause", "over bob overrode warm-up : it did serve")
	wants(t, part(t, page, "flapping"), "checks fell 2 times more")
	wants(t, part(t, page, "ramp"), "now 10 % of its weight for 5 min", "next 50 %", "later 100 %")
	wants(t, part(t, page, "break-cool-down"), "Override cool-down")
	if strings.Contains(page, `id="break-flapping"`) {
		t.Error("a guard that is overridden already can be overridden")
	}
}

func TestAGuardThatHoldsNoMoreCannotBeOverriddenOnThePage(t *testing.T) {
	s := judgedSite(time.Now())
	s.view.Load().Pools[0].Plan.Held = []failover.Hold{{Member: netip.MustParseAddr(withdrawnAddr), Guard: failover.GuardLastHealthy, Text: "x"}}
	if page := get(t, handler(t, s.options()), "/incidents/11"); strings.Contains(page, `action="/incidents/11/override"`) {
		t.Error("the page offers to override what does not hold, or what must always hold")
	}
}

func TestAPlannedChangeIsNoOutage(t *testing.T) {
	h := handler(t, judgedSite(time.Now()).options())
	page := get(t, h, "/incidents/13")
	wants(t, part(t, page, "site-headline"), "Planned change 13: ", "goes back to lb-9")
	wants(t, part(t, page, "main"), "This is no outage")
	wants(t, part(t, page, "timeline"), "planned "+upAddr+" goes back")
	for _, wrong := range []string{`id="clock"`, `id="cause"`, "incident 13 is", `class="badge bad"`, `headline bad`} {
		if strings.Contains(page, wrong) {
			t.Errorf("%q makes an outage of it", wrong)
		}
	}
	wants(t, row(t, get(t, h, "/incidents"), "13 "+upAddr), upAddr+" www planned ")
	wants(t, part(t, get(t, h, "/"), "journal"), "planned "+upAddr+" goes back to lb-9")
	wants(t, part(t, get(t, h, "/"), "nav"), "3 open")
}

func TestTheShadowsVerdictReadsAsASentence(t *testing.T) {
	at := theDay()
	for name, c := range map[string]struct {
		after time.Duration
		right bool
		want  string
	}{
		"right": {4*time.Minute + 2*time.Second, true, "The member stayed down for 4 min 2 s after that, and it takes about 8 s until users are served again: it would have been right."},
		"wrong": {3 * time.Second, false, "The member came back by itself 3.00 s after that, and it takes about 8 s until users are served again: it would have been wrong."},
	} {
		i := failover.Incident{Closed: at.Add(c.after), Shadow: &failover.Shadow{Action: "remap", At: at, Takes: 8 * time.Second, Judged: true, Right: c.right}}
		if m := shadowOf(i, at); m.Because != c.want || m.Verdict.Word != name {
			t.Errorf("%s: %q", m.Verdict.Word, m.Because)
		}
	}
}

func TestTheGuardsPageListsThemAll(t *testing.T) {
	page := get(t, handler(t, newSite(time.Now()).options()), "/guards")
	for _, rule := range failover.Guards() {
		wants(t, part(t, page, string(rule.Guard)), rule.Sentence, rule.Invariant.Promise())
	}
	wants(t, row(t, page, "last-healthy"), "never", "I1")
	wants(t, row(t, page, "cool-down"), "a person may", "I7")
}

func TestMetricsSayWhatIsPausedAndWhatWouldHaveBeenDone(t *testing.T) {
	wants(t, get(t, handler(t, judgedSite(time.Now()).options()), "/metrics"),
		`rrwatch_paused{pool="www"} 1`, `rrwatch_paused{pool="api"} 1`,
		`rrwatch_member_paused{addr="203.0.113.11",pool="www"} 1`, `rrwatch_member_flapping{addr="203.0.113.12",pool="www"} 1`,
		`rrwatch_member_flapping{addr="203.0.113.11",pool="www"} 0`,
		`rrwatch_shadow_actions{pool="api",verdict="right"} 3`, `rrwatch_shadow_actions{pool="api",verdict="wrong"} 1`, `rrwatch_shadow_actions{pool="api",verdict="open"} 1`,
		`rrwatch_incidents_open{pool="www"} 2`)
	wants(t, get(t, handler(t, newSite(time.Now()).options()), "/metrics"), `rrwatch_paused{pool="www"} 0`)
}
