package route53_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/failover"
	"rrwatch/route53"
	"rrwatch/simulator"
)

func written(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(body))}
}

func weighted(id, value string, weight int64) failover.RecordSet {
	return failover.RecordSet{Name: "www.example.com", Type: "A", TTL: 60, Identifier: id, Weight: &weight, Values: []string{value}}
}

// withdraw sets the weight of lb-1 to 0.
func withdraw() failover.Reweigh {
	return failover.Reweigh{Zone: zone, Addr: ip("203.0.113.11"), Was: weighted("lb-1", "203.0.113.11", 10), Shall: weighted("lb-1", "203.0.113.11", 0)}
}

func with(edit func(*failover.Reweigh)) failover.Reweigh {
	r := withdraw()
	edit(&r)
	return r
}

func multi(id, value string) failover.RecordSet {
	return failover.RecordSet{Name: "api.example.com", Type: "A", TTL: 30, Identifier: id, MultiValue: true, HealthCheck: "hc-" + id, Values: []string{value}}
}

func simple(values ...string) failover.RecordSet {
	return failover.RecordSet{Name: "shop.example.com", Type: "A", TTL: 60, Values: values}
}

func weightOf(t *testing.T, a *simulator.AWS, id string) int64 {
	t.Helper()
	for _, r := range a.Records("www.example.com", "A") {
		if r.SetIdentifier == id {
			return *r.Weight
		}
	}
	t.Fatalf("there is no set %s", id)
	return -1
}

func TestWithdrawsAndRestoresExactly(t *testing.T) {
	for name, edit := range map[string]failover.Reweigh{
		"weighted":   withdraw(),
		"simple":     {Zone: zone, Addr: ip("203.0.113.12"), Was: simple("203.0.113.12", "203.0.113.11"), Shall: simple("203.0.113.11")},
		"multivalue": {Zone: zone, Addr: ip("203.0.113.11"), Was: multi("lb-1", "203.0.113.11")},
	} {
		t.Run(name, func(t *testing.T) {
			a := account(simulator.Options{})
			c := open(a)
			dnsName := edit.Was.Name
			before := must[failover.Published](t)(c.Read(t.Context(), zone, dnsName))
			must[string](t)(editOne(t, c, edit, "out"))
			between := must[failover.Published](t)(c.Read(t.Context(), zone, dnsName))
			if cmp.Equal(before.Sets, between.Sets) {
				t.Error("nothing was changed")
			}
			edit.Was, edit.Shall = edit.Shall, edit.Was
			must[string](t)(editOne(t, c, edit, "back"))
			after := must[failover.Published](t)(c.Read(t.Context(), zone, dnsName))
			for n := range after.Sets {
				if len(before.Sets) != len(after.Sets) || !after.Sets[n].Equal(before.Sets[n]) {
					t.Errorf("not restored: %s", cmp.Diff(before.Sets, after.Sets))
				}
			}
			if n := a.Calls()["ChangeResourceRecordSets"]; n != 2 {
				t.Errorf("%d batches, want 2", n)
			}
		})
	}
}

func TestRefusesEditsThatNoPlanMayAskFor(t *testing.T) {
	for name, test := range map[string]struct {
		edit  failover.Reweigh
		guard failover.Guard
		text  string
	}{
		"nothing":      {failover.Reweigh{Zone: zone}, failover.GuardChanged, "neither what is there nor what shall be"},
		"a zone name":  {with(func(r *failover.Reweigh) { r.Zone = "example.com" }), failover.GuardNotOurs, "by its id"},
		"another name": {with(func(r *failover.Reweigh) { r.Shall.Name = "mail.example.com" }), failover.GuardNotOurs, "mail.example.com"},
		"another type": {with(func(r *failover.Reweigh) { r.Shall.Type = "AAAA" }), failover.GuardNotOurs, "AAAA"},
		"another set":  {with(func(r *failover.Reweigh) { r.Shall.Identifier = "lb-2" }), failover.GuardNotOurs, "lb-2"},
		"a type that is not ours": {with(func(r *failover.Reweigh) { r.Was.Type, r.Shall.Type = "CNAME", "CNAME" }),
			failover.GuardNotOurs, "A and AAAA records only"},
		"a foreign set":  {with(func(r *failover.Reweigh) { r.Was.Foreign = "latency routing" }), failover.GuardNotOurs, "latency routing"},
		"no value":       {with(func(r *failover.Reweigh) { r.Shall.Values = nil }), failover.GuardLastHealthy, "no value left"},
		"the only set":   {failover.Reweigh{Zone: zone, Was: simple("203.0.113.11", "203.0.113.12")}, failover.GuardLastHealthy, "last set"},
		"an absent set":  {with(func(r *failover.Reweigh) { r.Was.Identifier, r.Shall.Identifier = "lb-9", "lb-9" }), failover.GuardChanged, "there is no such set"},
		"another weight": {with(func(r *failover.Reweigh) { *r.Was.Weight = 11 }), failover.GuardChanged, "weight 11, and now there is [203.0.113.11] with TTL 60 and weight 10"},
		"no such zone":   {with(func(r *failover.Reweigh) { r.Zone = "Z0NOSUCH" }), failover.GuardNotOurs, "no hosted zone Z0NOSUCH"},
	} {
		t.Run(name, func(t *testing.T) {
			a := account(simulator.Options{})
			_, err := editOne(t, open(a), test.edit, "")
			wantRefusal(t, err, test.guard, test.text)
			if n := a.Calls()["ChangeResourceRecordSets"]; n != 0 {
				t.Errorf("ChangeResourceRecordSets was called %d times", n)
			}
		})
	}
}

func TestNeverSetsTheLastWeightToZero(t *testing.T) {
	a := account(simulator.Options{})
	c := open(a)
	must[string](t)(editOne(t, c, withdraw(), ""))
	must[string](t)(editOne(t, c, failover.Reweigh{Zone: zone, Was: weighted("lb-2", "203.0.113.12", 10), Shall: weighted("lb-2", "203.0.113.12", 0)}, ""))
	_, err := editOne(t, c, failover.Reweigh{Zone: zone, Was: weighted("lb-3", "203.0.113.13", 10), Shall: weighted("lb-3", "203.0.113.13", 0)}, "")
	wantRefusal(t, err, failover.GuardAllZero, "all weights would be 0")
	_, err = editOne(t, c, failover.Reweigh{Zone: zone, Was: weighted("lb-3", "203.0.113.13", 10)}, "")
	wantRefusal(t, err, failover.GuardAllZero, "all weights would be 0")
}

func TestDoesNothingWhenTheSetIsAsWantedAlready(t *testing.T) {
	a := account(simulator.Options{})
	a.SetRecord(zone, simulator.RecordSet{Name: "www.example.com", Type: "A", TTL: 60, SetIdentifier: "lb-1", Weight: new(int64(0)), Values: []string{"203.0.113.11"}})
	if change := must[string](t)(editOne(t, open(a), withdraw(), "")); change != "" || a.Calls()["ChangeResourceRecordSets"] != 0 {
		t.Errorf("got the change %q and the calls %v", change, a.Calls())
	}
}

// Between the fresh read and the batch somebody else edits the set.
func TestAnotherEditorWinsAndNothingIsChanged(t *testing.T) {
	a := account(simulator.Options{})
	c := beforeEdit(a, func() {
		a.SetRecord(zone, simulator.RecordSet{Name: "www.example.com", Type: "A", TTL: 60, SetIdentifier: "lb-1", Weight: new(int64(77)), Values: []string{"203.0.113.11"}})
	})
	_, err := editOne(t, c, withdraw(), "")
	wantRefusal(t, err, failover.GuardChanged, "now there is [203.0.113.11] with TTL 60 and weight 77")
	if w := weightOf(t, a, "lb-1"); w != 77 {
		t.Errorf("the other's weight became %d", w)
	}
}

func TestRefusesWhenItMayNotEdit(t *testing.T) {
	a := account(simulator.Options{})
	a.Deny("ChangeResourceRecordSets")
	_, err := editOne(t, open(a), withdraw(), "")
	wantRefusal(t, err, failover.GuardNotPermitted, "rrwatch needs route53:ChangeResourceRecordSets on www.example.com in this zone (docs/permissions.md)")
	a = account(simulator.Options{})
	a.Deny("ListResourceRecordSets")
	_, err = editOne(t, open(a), withdraw(), "")
	wantRefusal(t, err, failover.GuardNotPermitted, "rrwatch needs route53:ListResourceRecordSets")
}

func TestALostAnswerIsSettledByReading(t *testing.T) {
	for name, prepare := range map[string]func(*simulator.AWS){
		"and the retry is refused": func(a *simulator.AWS) { a.LoseAnswer("ChangeResourceRecordSets", 1) },
		"again and again":          func(a *simulator.AWS) { a.LoseAnswer("ChangeResourceRecordSets", 10) },
	} {
		for kind, edit := range map[string]failover.Reweigh{
			"withdraw": withdraw(),
			"delete":   {Zone: zone, Addr: ip("203.0.113.11"), Was: multi("lb-1", "203.0.113.11")},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := account(simulator.Options{})
					prepare(a)
					if change, err := editOne(t, open(a), edit, ""); change != "" || err != nil {
						t.Errorf("got %q, %v: it was done", change, err)
					}
				})
			})
		}
	}
}

// The first answer is lost and all retries are throttled: the error is of the last one.
func TestAThrottledRetryOfALostAnswerIsSettledToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		a.LoseAnswer("ChangeResourceRecordSets", 1)
		calls := 0
		c := beforeEdit(a, func() {
			if calls++; calls == 2 {
				a.Throttle("ChangeResourceRecordSets", 100)
			}
		})
		if _, err := editOne(t, c, withdraw(), ""); err != nil {
			t.Error(err)
		}
	})
}

func TestThrottledAndBusyZonesAreRetriedByTheSDK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		a.Throttle("ChangeResourceRecordSets", 2)
		a.Busy(2)
		if change := must[string](t)(editOne(t, open(a), withdraw(), "")); change == "" {
			t.Error("got no change id")
		}
	})
}

func TestAnEditWithoutAClearAnswerIsNoRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		a.Throttle("ChangeResourceRecordSets", 100)
		_, err := editOne(t, open(a), withdraw(), "")
		wantText(t, err, "no clear answer, and there is still [203.0.113.11] with TTL 60 and weight 10")
		if _, ok := errors.AsType[*failover.Refusal](err); ok {
			t.Errorf("got a refusal: %v", err)
		}
	})
}

// The calls fail, and the edit comes through three seconds after the last, which is longer than any back-off.
func TestAnEditThatComesThroughLateIsSettledByReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		var late *time.Timer
		c := beforeEdit(a, func() {
			if late != nil {
				late.Stop()
			}
			late = time.AfterFunc(3*time.Second, func() {
				a.SetRecord(zone, simulator.RecordSet{Name: "www.example.com", Type: "A", TTL: 60, SetIdentifier: "lb-1", Weight: new(int64(0)), Values: []string{"203.0.113.11"}})
			})
		})
		a.Throttle("ChangeResourceRecordSets", 100)
		if _, err := editOne(t, c, withdraw(), ""); err != nil {
			t.Error(err)
		}
	})
}

func TestRefusesToEditBlindly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		a.Down(true)
		_, err := editOne(t, open(a), withdraw(), "")
		wantRefusal(t, err, failover.GuardStale, "could not be read")
	})
}

func TestEditsRunOneAtATimeAndWaitNoLongerThanTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Latency: time.Second})
		var running, most int
		var mu sync.Mutex
		c := counted(a, func(step int) {
			mu.Lock()
			defer mu.Unlock()
			running += step
			most = max(most, running)
		})
		var wg sync.WaitGroup
		for _, id := range []string{"lb-1", "lb-2"} {
			value := "203.0.113.1" + strings.TrimPrefix(id, "lb-")
			wg.Go(func() {
				if _, err := editOne(t, c, failover.Reweigh{Zone: zone, Was: weighted(id, value, 10), Shall: weighted(id, value, 5)}, ""); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		err := c.Edit(ctx, []failover.Reweigh{withdraw()}, "")[0].Err
		wantRefusal(t, err, failover.GuardStale, "another edit was still running")
		wg.Wait()
		if most != 1 {
			t.Errorf("%d edits ran at once", most)
		}
	})
}

// counted calls step with 1 before and -1 after every call.
func counted(a *simulator.AWS, step func(int)) *route53.Client {
	return route53.New(route53.SDK(config(roundTrip(func(r *http.Request) (*http.Response, error) {
		step(1)
		defer step(-1)
		return a.Transport().RoundTrip(r)
	}))), nil, nil)
}

// Route 53 puts the text of an invalid batch into Message or into Messages. This answer is of the second kind.
func TestReadsTheTextOfAnInvalidBatchWhereverItIs(t *testing.T) {
	a := account(simulator.Options{})
	c := route53.New(route53.SDK(config(roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodPost {
			return a.Transport().RoundTrip(r)
		}
		return written(http.StatusBadRequest, `<InvalidChangeBatch xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Messages>`+
			`<Message>the group is too large</Message></Messages><RequestId>1</RequestId></InvalidChangeBatch>`), nil
	}))), nil, nil)
	_, err := editOne(t, c, withdraw(), "")
	wantRefusal(t, err, failover.GuardChanged, "Route 53 refuses: InvalidChangeBatch: the group is too large")
}

// editOne makes one edit.
func editOne(t *testing.T, c *route53.Client, edit failover.Reweigh, comment string) (string, error) {
	t.Helper()
	done := c.Edit(t.Context(), []failover.Reweigh{edit}, comment)
	return done[0].Change, done[0].Err
}
