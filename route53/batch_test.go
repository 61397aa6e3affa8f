package route53_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/route53"
	"rrwatch/simulator"
)

// crowd publishes n sets of a weight of 10 each in a zone, under one name or each under its own, and returns the edits that
// withdraw all of them.
func crowd(a *simulator.AWS, zone string, n int, name func(int) string) []failover.Reweigh {
	var edits []failover.Reweigh
	for i := range n {
		was := failover.RecordSet{
			Name: name(i), Type: "A", TTL: 60, Identifier: fmt.Sprintf("lb-%d", i), Weight: new(int64(10)), Values: []string{fmt.Sprintf("198.51.100.%d", i)},
		}
		a.SetRecord(zone, simulator.RecordSet{Name: was.Name, Type: was.Type, TTL: was.TTL, SetIdentifier: was.Identifier, Weight: was.Weight, Values: was.Values})
		shall := was
		shall.Weight = new(int64(0))
		edits = append(edits, failover.Reweigh{Zone: zone, Addr: ip(was.Values[0]), Was: was, Shall: shall})
	}
	return edits
}

func inOneName(int) string { return "crowd.example.com" }

// ownName is a name that a set shares with one that stays.
func ownName(a *simulator.AWS) func(int) string {
	return func(i int) string {
		name := fmt.Sprintf("pool-%d.example.com", i)
		a.SetRecord(zone, simulator.RecordSet{Name: name, Type: "A", TTL: 60, SetIdentifier: "stays", Weight: new(int64(1)), Values: []string{"192.0.2.1"}})
		return name
	}
}

// weights counts the sets of all names by their weight.
func weights(a *simulator.AWS, edits []failover.Reweigh) map[int64]int {
	count := map[int64]int{}
	for _, e := range edits {
		for _, r := range a.Records(e.Was.Name, "A") {
			if r.SetIdentifier == e.Was.Identifier {
				count[*r.Weight]++
			}
		}
	}
	return count
}

func wantDone(t *testing.T, done []failover.Edited) {
	t.Helper()
	for n, d := range done {
		if d.Err != nil {
			t.Errorf("edit %d: %v", n, d.Err)
		}
	}
}

func wantCalls(t *testing.T, a *simulator.AWS, changes, reads int) {
	t.Helper()
	if c := a.Calls(); c["ChangeResourceRecordSets"] != changes || c["ListResourceRecordSets"] != reads {
		t.Errorf("calls %v, want %d changes and %d reads", c, changes, reads)
	}
}

func TestFiftyEditsAreOneCall(t *testing.T) {
	a := account(simulator.Options{})
	edits := crowd(a, zone, 51, inOneName)[:50] // one stays
	done := open(a).Edit(t.Context(), edits, "an outage of a zone")
	wantDone(t, done)
	for _, d := range done {
		if d.Change == "" || d.Change != done[0].Change {
			t.Errorf("change %q, the first edit has %q", d.Change, done[0].Change)
		}
	}
	wantCalls(t, a, 1, 1)
	if got := weights(a, edits); got[0] != 50 {
		t.Errorf("sets by weight: %v", got)
	}
}

func TestEditsOfSeveralNamesOfAZoneAreOneCall(t *testing.T) {
	a := account(simulator.Options{})
	edits := append(crowd(a, zone, 20, ownName(a)), withdraw(),
		failover.Reweigh{Zone: "/hostedzone/" + zone, Addr: ip("203.0.113.11"), Was: multi("lb-1", "203.0.113.11")})
	done := open(a).Edit(t.Context(), edits, "")
	wantDone(t, done)
	wantCalls(t, a, 1, 1) // the zone has one page
	if got := weights(a, edits[:21]); got[0] != 21 || len(a.Records("api.example.com", "A")) != 2 {
		t.Errorf("sets by weight: %v", got)
	}
}

func TestAStaleEditIsRefusedAlone(t *testing.T) {
	a := account(simulator.Options{})
	edits := crowd(a, zone, 6, inOneName)[:5]
	edits[2].Was.Weight = new(int64(11))
	done := open(a).Edit(t.Context(), edits, "")
	wantRefusal(t, done[2].Err, failover.GuardChanged, "weight 11, and now there is")
	wantDone(t, append(done[:2:2], done[3:]...))
	wantCalls(t, a, 1, 1)
	if got := weights(a, edits); got[0] != 4 || got[10] != 1 {
		t.Errorf("sets by weight: %v", got)
	}
}

// Between the read and the batch somebody else edits one of the sets: Route 53 refuses all of the batch.
func TestWhatOneEditSpoilsIsMadeAgainForTheOthers(t *testing.T) {
	a := account(simulator.Options{})
	edits := crowd(a, zone, 6, inOneName)[:5]
	c := beforeEdit(a, func() {
		a.SetRecord(zone, simulator.RecordSet{Name: "crowd.example.com", Type: "A", TTL: 60, SetIdentifier: "lb-3", Weight: new(int64(77)), Values: []string{"198.51.100.3"}})
	})
	done := c.Edit(t.Context(), edits, "")
	wantRefusal(t, done[3].Err, failover.GuardChanged, "now there is [198.51.100.3] with TTL 60 and weight 77")
	wantDone(t, append(done[:3:3], done[4:]...))
	wantCalls(t, a, 3, 3)
	if got := weights(a, edits); got[0] != 4 || got[77] != 1 {
		t.Errorf("sets by weight: %v", got)
	}
}

// What Route 53 refuses, and the zone does not explain, is found by halves.
func TestABadEditIsFoundAmongMany(t *testing.T) {
	a := account(simulator.Options{})
	edits := crowd(a, zone, 33, inOneName)[:32]
	edits[17].Shall.Weight = new(int64(256))
	done := open(a).Edit(t.Context(), edits, "")
	wantRefusal(t, done[17].Err, failover.GuardChanged, "Route 53 refuses: InvalidInput: ")
	wantDone(t, append(done[:17:17], done[18:]...))
	wantCalls(t, a, 11, 12) // two of each for each of 5 halvings, one before, and one read after
}

func TestALostAnswerOfABatchIsSettledByReading(t *testing.T) {
	for lost, changes := range map[int]int{1: 2, 10: 5} {
		synctest.Test(t, func(t *testing.T) {
			a := account(simulator.Options{})
			edits := append(crowd(a, zone, 4, inOneName)[:3], withdraw())
			a.LoseAnswer("ChangeResourceRecordSets", lost)
			done := open(a).Edit(t.Context(), edits, "")
			wantDone(t, done)
			if n := a.Calls()["ChangeResourceRecordSets"]; n != changes || done[0].Change != "" {
				t.Errorf("%d calls, want %d; change %q", n, changes, done[0].Change)
			}
			if got := weights(a, edits); got[0] != 4 {
				t.Errorf("sets by weight: %v", got)
			}
		})
	}
}

func TestABatchWithoutAClearAnswerIsNoRefusalAndNotMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		edits := append(crowd(a, zone, 4, inOneName)[:3], withdraw())
		calls := 0
		c := beforeEdit(a, func() {
			if calls++; calls == 5 { // the last of the SDK's tries; somebody else has done one of the edits meanwhile
				a.SetRecord(zone, simulator.RecordSet{Name: "www.example.com", Type: "A", TTL: 60, SetIdentifier: "lb-1", Weight: new(int64(0)), Values: []string{"203.0.113.11"}})
			}
		})
		a.Throttle("ChangeResourceRecordSets", 5)
		began := time.Now()
		done := c.Edit(t.Context(), edits, "")
		for _, d := range done[:3] {
			wantText(t, d.Err, "no clear answer, and there is still [198.51.100.")
			if _, ok := errors.AsType[*failover.Refusal](d.Err); ok {
				t.Errorf("got a refusal: %v", d.Err)
			}
		}
		wantDone(t, done[3:])
		if took := time.Since(began); calls != 5 || took > 13*time.Second {
			t.Errorf("%d calls within %s", calls, took)
		}
	})
}

// The answer of the batch is lost, its retry is refused, and then the zone cannot be read: it may be done.
func TestWhatMayBeDoneIsNotSaidToBeRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		edits := crowd(a, zone, 4, inOneName)[:3]
		a.LoseAnswer("ChangeResourceRecordSets", 1)
		posts := 0
		c := route53.New(route53.SDK(config(roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				posts++
			} else if posts == 2 {
				a.Down(true)
			}
			return a.Transport().RoundTrip(r)
		}))), nil, nil)
		for _, d := range c.Edit(t.Context(), edits, "") {
			wantText(t, d.Err, "no clear answer, and the zone could not be read")
			if _, ok := errors.AsType[*failover.Refusal](d.Err); ok {
				t.Errorf("got a refusal: %v", d.Err)
			}
		}
	})
}

func TestWhatIsNotPermittedKeepsNoOtherNameBack(t *testing.T) {
	a := account(simulator.Options{})
	c := sending(a, func(body string) *http.Response {
		if !strings.Contains(body, "crowd.example.com") {
			return nil
		}
		return written(http.StatusForbidden, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not crowd</Message></Error></ErrorResponse>`)
	})
	edits := append(crowd(a, zone, 4, inOneName)[:3], withdraw())
	done := c.Edit(t.Context(), edits, "")
	for _, d := range done[:3] {
		wantRefusal(t, d.Err, failover.GuardNotPermitted, "Route 53 says: AccessDenied: not crowd")
	}
	wantDone(t, done[3:])
	wantCalls(t, a, 1, 3)
}

func TestABatchLeavesEachNameAnAnswer(t *testing.T) {
	a := account(simulator.Options{})
	var edits []failover.Reweigh
	for n := range 3 {
		id, value := fmt.Sprintf("lb-%d", n+1), fmt.Sprintf("203.0.113.%d", n+11)
		edits = append(edits, failover.Reweigh{Zone: zone, Addr: ip(value), Was: weighted(id, value, 10), Shall: weighted(id, value, 0)},
			failover.Reweigh{Zone: zone, Addr: ip(value), Was: multi(id, value)})
	}
	done := open(a).Edit(t.Context(), edits, "")
	wantDone(t, done[:4])
	wantRefusal(t, done[4].Err, failover.GuardAllZero, "all weights would be 0")
	wantRefusal(t, done[5].Err, failover.GuardLastHealthy, "last set")
	wantCalls(t, a, 1, 1)
	if w := weightOf(t, a, "lb-3"); w != 10 || len(a.Records("api.example.com", "A")) != 1 {
		t.Errorf("the last weight is %d, and api has %v", w, a.Records("api.example.com", "A"))
	}
}

func TestMembersThatLeaveASimpleSetTogetherAreOneEdit(t *testing.T) {
	a := account(simulator.Options{})
	was := simple("203.0.113.11", "203.0.113.12", "203.0.113.13")
	a.SetRecord(zone, simulator.RecordSet{Name: was.Name, Type: was.Type, TTL: was.TTL, Values: was.Values})
	first := failover.Reweigh{Zone: zone, Addr: ip("203.0.113.11"), Was: was, Shall: simple("203.0.113.13")}
	second := first
	second.Addr, second.Was = ip("203.0.113.12"), simple("203.0.113.12", "203.0.113.11", "203.0.113.13")
	done := open(a).Edit(t.Context(), []failover.Reweigh{first, second}, "")
	wantDone(t, done)
	if done[0].Change == "" || done[0] != done[1] {
		t.Errorf("told %+v", done)
	}
	wantCalls(t, a, 1, 1)
	if got := a.Records(was.Name, "A")[0].Values; len(got) != 1 || got[0] != "203.0.113.13" {
		t.Errorf("the set has %v", got)
	}
}

func TestOfTwoWordsOnOneSetTheFirstIsDone(t *testing.T) {
	a := account(simulator.Options{})
	other := with(func(r *failover.Reweigh) { r.Shall.Weight = new(int64(5)) })
	follows := failover.Reweigh{Zone: zone, Addr: other.Addr, Was: other.Was, Shall: other.Was}
	follows.Was.Weight, follows.Shall.Weight = new(int64(0)), new(int64(3))
	done := open(a).Edit(t.Context(), []failover.Reweigh{withdraw(), other, follows}, "")
	wantDone(t, done[:1])
	wantRefusal(t, done[1].Err, failover.GuardChanged, "and now there is [203.0.113.11] with TTL 60 and weight 0")
	wantDone(t, done[2:]) // in a batch of its own: one takes each set once
	wantCalls(t, a, 2, 2)
	if w := weightOf(t, a, "lb-1"); w != 3 {
		t.Errorf("the weight is %d", w)
	}
}

func TestTwoPlansOfOneEndAreJudgedEachForItself(t *testing.T) {
	a := account(simulator.Options{})
	stale := with(func(r *failover.Reweigh) { r.Was.Weight = new(int64(11)) })
	done := open(a).Edit(t.Context(), []failover.Reweigh{stale, withdraw()}, "")
	wantRefusal(t, done[0].Err, failover.GuardChanged, "weight 11, and now there is")
	wantDone(t, done[1:])
}

func TestABatchIsNoLargerThanRoute53Takes(t *testing.T) {
	for kind, test := range map[string]struct {
		edits   int
		value   string // with the numbers of the set and of the value
		changes int
	}{
		// Each edit has 21 values that were and 20 that shall be.
		"elements":   {60, "10.0.%d.%d", 3},                                 // 2,460
		"characters": {24, "2001:db8:1111:2222:3333:44%02d:5555:66%02d", 2}, // 37,392
	} {
		t.Run(kind, func(t *testing.T) {
			a := account(simulator.Options{})
			var edits []failover.Reweigh
			for i := range test.edits {
				was := failover.RecordSet{Name: fmt.Sprintf("pool-%d.example.com", i), Type: "A", TTL: 60}
				if kind == "characters" {
					was.Type = "AAAA"
				}
				for v := range 21 {
					was.Values = append(was.Values, fmt.Sprintf(test.value, i, v))
				}
				a.SetRecord(zone, simulator.RecordSet{Name: was.Name, Type: was.Type, TTL: 60, Values: was.Values})
				shall := was
				shall.Values = was.Values[1:]
				edits = append(edits, failover.Reweigh{Zone: zone, Addr: ip(was.Values[0]), Was: was, Shall: shall})
			}
			wantDone(t, open(a).Edit(t.Context(), edits, ""))
			if n := a.Calls()["ChangeResourceRecordSets"]; n != test.changes {
				t.Errorf("%d calls, want %d", n, test.changes)
			}
		})
	}
}

func TestZonesAreEditedSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Latency: time.Second})
		a.AddZone(simulator.Zone{ID: "Z0OTHER", Name: "example.net"})
		elsewhere := crowd(a, "Z0OTHER", 3, func(int) string { return "www.example.net" })[:2]
		c := open(a)
		began := time.Now()
		wantDone(t, c.Edit(t.Context(), append(elsewhere[:1:1], withdraw()), ""))
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("two zones in one call took %s, and one takes 2s", took)
		}
		wait := make(chan []failover.Edited)
		began = time.Now()
		go func() { wait <- c.Edit(t.Context(), elsewhere[1:], "") }()
		back := withdraw()
		back.Was, back.Shall = back.Shall, back.Was
		wantDone(t, c.Edit(t.Context(), []failover.Reweigh{back}, ""))
		wantDone(t, <-wait)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("two zones in two calls took %s, and one takes 2s", took)
		}
	})
}

func TestThePlansCommentReachesRoute53CutToItsLength(t *testing.T) {
	a := account(simulator.Options{})
	var sent string
	c := sending(a, func(body string) *http.Response {
		sent = body
		return nil
	})
	wantDone(t, c.Edit(t.Context(), []failover.Reweigh{withdraw()}, strings.Repeat("ü", 300)))
	if !strings.Contains(sent, "<Comment>"+strings.Repeat("ü", 256)+"</Comment>") {
		t.Errorf("sent %s", sent)
	}
}
