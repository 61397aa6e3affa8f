package main

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/simulator"
)

// withEndpoint gives the bubble's pool a page that is asked for by its name.
func withEndpoint(more string) *strings.Replacer {
	return strings.NewReplacer("    cooldown: 5m", `    endpoints: [{name: front, url: "http://www.example.com:8080/", resolver: 127.99.0.53:53, interval: 10s, timeout: 2s, recheck: 1s`+more+`}]
    cooldown: 5m`)
}

// everyAddress publishes all three addresses in each answer.
func everyAddress(a *simulator.AWS) {
	sets := a.Records("www.example.com", "A")
	all := simulator.RecordSet{Name: "www.example.com", Type: "A", TTL: 60}
	for _, set := range sets {
		all.Values = append(all.Values, set.Values...)
		a.RemoveRecord("Z0DEMO0EXAMPLE0COM00", set.Name, set.Type, set.SetIdentifier)
	}
	a.SetRecord("Z0DEMO0EXAMPLE0COM00", all)
}

// told are the journal's entries of a kind.
func (b *bubble) told(kind failover.EntryKind) []string {
	b.t.Helper()
	entries, err := b.store.Since(b.t.Context(), 0, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	var texts []string
	for _, e := range entries {
		if e.Kind == kind {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

func (b *bubble) service() failover.Service {
	if p := b.pool(); len(p.Endpoints) > 0 {
		return p.Endpoints[0].Service
	}
	return ""
}

func TestAPageThatIsNotServedMovesNothingAndIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, withEndpoint(", body: sesame"), nil)
		b.start()
		b.healthy()
		b.until(time.Minute, "the users not to be served", func() bool { return b.service() == failover.ServiceNotServed })
		b.pass(5 * time.Minute)
		b.stop()
		b.start()
		b.pass(5 * time.Minute)
		defer b.stop()
		if b.changes() != 0 || len(b.incidents()) != 0 || len(b.pool().Plan.Held) > 0 {
			t.Errorf("%d changes, %d incidents, and the plan:\n%s", b.changes(), len(b.incidents()), b.pool().Plan)
		}
		told := b.told(failover.NotServed)
		if len(told) != 1 || !strings.HasPrefix(told[0], "www: the site is not served to users: http://www.example.com:8080/: 127.113.0.1") || !strings.HasSuffix(told[0], `lack "sesame"`) {
			t.Errorf("told %q\n%s", told, b.story())
		}
	})
}

func TestUsersWhoAreServedAtAnotherAddressAreAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, withEndpoint(""), func(a *simulator.AWS) { alone(a); everyAddress(a) })
		b.cfg.Pools[0].MinHealthy = 3 // so that the dead address stays in the answers
		b.start()
		defer b.stop()
		b.healthy()
		b.until(time.Minute, "the users to be served", func() bool { return b.service() == failover.Served })
		b.fault("lb-1", simulator.FaultKill)
		b.until(10*time.Minute, "users who are served elsewhere", func() bool { return b.service() == failover.ServedElsewhere })
		b.pass(6 * time.Minute)
		warned := b.told(failover.Warned)
		if len(warned) != 1 || !strings.HasPrefix(warned[0], "www/front: served at the second address, 127.113.0.1") || !strings.HasSuffix(warned[0], ": 127.113.0.11 refused") {
			t.Errorf("told %q\n%s", warned, b.story())
		}
		b.heal("lb-1")
		b.until(time.Minute, "the end of the warning", func() bool { return !b.pool().Advisories[0].Gone.IsZero() })
		if told := b.told(failover.NotServed); len(told) > 0 {
			t.Errorf("told %q\n%s", told, b.story())
		}
	})
}

func TestUsersAreNotServedWhileAllMembersFailAndAreAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, withEndpoint(""), everyAddress)
		b.start()
		b.healthy()
		for _, i := range demoInstances() {
			b.fault(i.Name, simulator.FaultHang)
		}
		b.until(time.Minute, "the users not to be served", func() bool { return len(b.told(failover.NotServed)) == 1 })
		b.pass(5 * time.Minute)
		b.stop()
		for _, i := range demoInstances() {
			b.heal(i.Name)
		}
		b.start()
		defer b.stop()
		b.until(3*time.Minute, "the news that users are served again", func() bool { return len(b.told(failover.ServedAgain)) == 1 })
		if again := b.told(failover.ServedAgain)[0]; !strings.Contains(again, "served by 127.113.0.1") || !strings.Contains(again, "it was not for 5m") {
			t.Errorf("told %q", again)
		}
		if b.changes() != 0 {
			t.Errorf("%d changes\n%s", b.changes(), b.story())
		}
	})
}

func TestTheCommandsSayHowUsersFare(t *testing.T) {
	w, file := newTestWorld(t)
	says := func(command string, code int, want string) {
		t.Helper()
		if a := rrwatch(t, command, "--config", file); a.code != code || !strings.Contains(a.out, want) {
			t.Errorf("%s: exit %d, want %d and %q in\n%s%s", command, a.code, code, want, a.out, a.err)
		}
	}
	page := "http://www.example.com:" + strconv.Itoa(w.site.Port()) + "/"
	says("check", 0, "ok      users ask for "+page+" (users): served by 127.113.0.1")
	for _, i := range demoInstances() {
		if err := w.site.Break(i.Name, simulator.Fault503); err != nil {
			t.Fatal(err)
		}
	}
	says("probe", 1, "fail  www  "+page)
	says("check", 0, "note    users ask for "+page+" (users): 127.113.0.1")
	says("plan", 0, "  users not served: "+page+" (127.113.0.1")
}

// The pages are asked for while AWS cannot be read at all.
func TestPagesAreWatchedBeforeAWSIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, withEndpoint(""), nil)
		b.aws.Deny("ListResourceRecordSets")
		b.start()
		defer b.stop()
		b.until(time.Minute, "the users to be served", func() bool { return b.service() == failover.Served })
		if p := b.pool(); len(p.Members) != 0 || p.Trouble == "" {
			t.Errorf("AWS was read: %+v", p)
		}
	})
}
