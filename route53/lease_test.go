package route53_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"rrwatch/failover"
	"rrwatch/route53"
	"rrwatch/simulator"
)

// leaseText is a lease's TXT set as Route 53 lists it.
func leaseText(record string, number int) failover.RecordSet {
	return failover.RecordSet{
		Name: failover.LeaseName(record), Type: "TXT", TTL: 60, Values: []string{fmt.Sprintf(`"rrwatch lease; holder=a; id=x; fence=%d; until=never"`, number)},
	}
}

func put(a *simulator.AWS, set failover.RecordSet) {
	a.SetRecord(zone, simulator.RecordSet{
		Name: set.Name, Type: set.Type, TTL: set.TTL, SetIdentifier: set.Identifier, Weight: set.Weight, MultiValue: set.MultiValue, Values: set.Values,
	})
}

// holds returns which number the lease of www has; 0: there is none.
func holds(t *testing.T, a *simulator.AWS, record string) string {
	t.Helper()
	list := a.Records(failover.LeaseName(record), "TXT")
	if len(list) == 0 {
		return ""
	}
	return list[0].Values[0]
}

// fenced is an edit that carries a lease from one number to another; 0: no lease.
func fenced(r failover.Reweigh, was, shall int) failover.Reweigh {
	r.Fence = &failover.Swap{Shall: leaseText(r.Was.Name, shall)}
	if was > 0 {
		r.Fence.Was = leaseText(r.Was.Name, was)
	}
	return r
}

func TestALeaseIsReadWithItsName(t *testing.T) {
	a := account(simulator.Options{})
	for _, below := range []string{"*", "0", "_acme-challenge", "_dmarc", "a"} {
		a.SetRecord(zone, simulator.RecordSet{Name: below + ".www.example.com", Type: "TXT", TTL: 60, Values: []string{`"x"`}})
	}
	want := leaseText("www.example.com", 7)
	put(a, want)
	got := must[failover.Published](t)(open(a).Read(t.Context(), zone, "www.example.com"))
	if diff := cmp.Diff(want, got.Lease); diff != "" {
		t.Error(diff)
	}
	if n := a.Calls()["ListResourceRecordSets"]; n != 1 {
		t.Errorf("it took %d pages", n)
	}
	got = must[failover.Published](t)(open(a).Read(t.Context(), zone, "shop.example.com"))
	if got.Lease.Exists() {
		t.Errorf("shop has the lease %+v", got.Lease)
	}
}

func TestALeaseBehindManyNamesIsAskedForOnlyWhenItIsNeeded(t *testing.T) {
	for name, test := range map[string]struct {
		below  int
		there  bool
		reads  int
		leases []route53.Option
	}{
		"not needed":            {400, true, 1, nil},
		"needed":                {400, true, 2, []route53.Option{route53.WithLeases()}},
		"needed, in the page":   {100, true, 1, []route53.Option{route53.WithLeases()}},
		"needed, and not there": {100, false, 1, []route53.Option{route53.WithLeases()}},
		"nobody has it":         {400, false, 2, []route53.Option{route53.WithLeases()}},
	} {
		t.Run(name, func(t *testing.T) {
			a := account(simulator.Options{})
			for n := range test.below {
				a.SetRecord(zone, simulator.RecordSet{Name: fmt.Sprintf("%03d.www.example.com", n), Type: "A", TTL: 60, Values: []string{"192.0.2.1"}})
			}
			if test.there {
				put(a, leaseText("www.example.com", 1))
			}
			got := must[failover.Published](t)(route53.New(route53.SDK(config(a.Transport())), nil, nil, test.leases...).Read(t.Context(), zone, "www.example.com"))
			seen := test.there && name != "not needed"
			if got.Lease.Exists() != seen || len(got.Sets) != 4 {
				t.Errorf("got the lease %+v and %d sets", got.Lease, len(got.Sets))
			}
			if n := a.Calls()["ListResourceRecordSets"]; n != test.reads {
				t.Errorf("it took %d pages, want %d", n, test.reads)
			}
		})
	}
}

func TestALeaseIsTakenRenewedAndGivenBackBySwap(t *testing.T) {
	a := account(simulator.Options{})
	c := open(a)
	const www = "www.example.com"
	take := failover.Reweigh{Zone: zone, Shall: leaseText(www, 1)}
	must[string](t)(editOne(t, c, take, ""))
	_, err := editOne(t, c, failover.Reweigh{Zone: zone, Shall: leaseText(www, 2)}, "")
	wantRefusal(t, err, failover.GuardChanged, "expects no such set, and now there is")
	must[string](t)(editOne(t, c, failover.Reweigh{Zone: zone, Was: leaseText(www, 1), Shall: leaseText(www, 3)}, ""))
	_, err = editOne(t, c, failover.Reweigh{Zone: zone, Was: leaseText(www, 1), Shall: leaseText(www, 4)}, "")
	wantRefusal(t, err, failover.GuardChanged, "fence=3")
	must[string](t)(editOne(t, c, failover.Reweigh{Zone: zone, Was: leaseText(www, 3)}, ""))
	if got := holds(t, a, www); got != "" {
		t.Errorf("there is %s", got)
	}
}

func TestEditsNoTXTRecordsButLeases(t *testing.T) {
	other := leaseText("www.example.com", 1)
	other.Name = "rrwatch.www.example.com"
	bare := leaseText("", 1)
	weighted := leaseText("www.example.com", 1)
	weighted.Weight, weighted.Identifier = new(int64(1)), "a"
	empty := leaseText("www.example.com", 1)
	empty.Values = nil
	a := account(simulator.Options{})
	for name, test := range map[string]struct {
		edit  failover.Reweigh
		guard failover.Guard
		text  string
	}{
		"another name":      {failover.Reweigh{Zone: zone, Shall: other}, failover.GuardNotOurs, "A and AAAA records only"},
		"no name":           {failover.Reweigh{Zone: zone, Shall: bare}, failover.GuardNotOurs, "A and AAAA records only"},
		"a weighted one":    {failover.Reweigh{Zone: zone, Shall: weighted}, failover.GuardNotOurs, "A and AAAA records only"},
		"without values":    {failover.Reweigh{Zone: zone, Shall: empty}, failover.GuardLastHealthy, "no value left"},
		"a fenced lease":    {failover.Reweigh{Zone: zone, Shall: other, Fence: &failover.Swap{Shall: other}}, failover.GuardNotOurs, ""},
		"another's fence":   {with(func(r *failover.Reweigh) { r.Fence = &failover.Swap{Shall: leaseText("shop.example.com", 1)} }), failover.GuardNotOurs, "its fence is _rrwatch.shop.example.com TXT, and not _rrwatch.www.example.com TXT"},
		"an empty fence":    {with(func(r *failover.Reweigh) { r.Fence = &failover.Swap{} }), failover.GuardNotOurs, "its fence is"},
		"a fence of a name": {with(func(r *failover.Reweigh) { r.Fence = &failover.Swap{Shall: r.Was} }), failover.GuardNotOurs, "its fence is"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := editOne(t, open(a), test.edit, "")
			wantRefusal(t, err, test.guard, test.text)
		})
	}
	if n := a.Calls()["ChangeResourceRecordSets"]; n != 0 {
		t.Errorf("%d batches were sent", n)
	}
}

func TestAFenceGoesWithItsEditsInOneBatch(t *testing.T) {
	a := account(simulator.Options{})
	const crowded = "crowd.example.com"
	put(a, leaseText(crowded, 4))
	edits := crowd(a, zone, 11, inOneName)[:10]
	for n := range edits {
		edits[n] = fenced(edits[n], 4, 5)
	}
	wantDone(t, open(a).Edit(t.Context(), append(edits, withdraw()), ""))
	wantCalls(t, a, 1, 1)
	if got := holds(t, a, crowded); got != leaseText(crowded, 5).Values[0] || weights(a, edits)[0] != 10 {
		t.Errorf("the lease is %s, the weights %v", got, weights(a, edits))
	}
}

func TestWhoHasLostTheLeaseEditsNothingAndTheOthersGo(t *testing.T) {
	for name, lease := range map[string]failover.RecordSet{
		"another rrwatch has taken the lease: at _rrwatch.www.example.com": leaseText("www.example.com", 9),
		"the lease is gone": {},
	} {
		a := account(simulator.Options{})
		if lease.Exists() {
			put(a, lease)
		}
		other := failover.Reweigh{Zone: zone, Addr: ip("203.0.113.11"), Was: multi("lb-1", "203.0.113.11")}
		done := open(a).Edit(t.Context(), []failover.Reweigh{fenced(withdraw(), 4, 5), other}, "")
		wantRefusal(t, done[0].Err, failover.GuardLease, name)
		wantDone(t, done[1:])
		if w := weightOf(t, a, "lb-1"); w != 10 {
			t.Errorf("the weight is %d", w)
		}
	}
}

// The lease is taken between the read and the batch: Route 53 refuses all of it.
func TestALeaseThatIsTakenMeanwhileStopsItsEdits(t *testing.T) {
	a := account(simulator.Options{})
	put(a, leaseText("www.example.com", 4))
	c := beforeEdit(a, func() { put(a, leaseText("www.example.com", 6)) })
	other := failover.Reweigh{Zone: zone, Addr: ip("203.0.113.11"), Was: multi("lb-1", "203.0.113.11")}
	done := c.Edit(t.Context(), []failover.Reweigh{fenced(withdraw(), 4, 5), other}, "")
	wantRefusal(t, done[0].Err, failover.GuardLease, "another rrwatch has taken the lease")
	wantDone(t, done[1:])
	alone := c.Edit(t.Context(), []failover.Reweigh{fenced(withdraw(), 6, 7)}, "") // the hook has no effect
	wantDone(t, alone)
}

func TestALeaseThatIsTakenMeanwhileStopsASingleEdit(t *testing.T) {
	a := account(simulator.Options{})
	put(a, leaseText("www.example.com", 4))
	c := beforeEdit(a, func() { put(a, leaseText("www.example.com", 6)) })
	_, err := editOne(t, c, fenced(withdraw(), 4, 5), "")
	wantRefusal(t, err, failover.GuardLease, "fence=4")
}

// What is too large for one batch, or is about one set twice, goes in several, each with the lease.
func TestEveryBatchOfALeaseCarriesIt(t *testing.T) {
	a := account(simulator.Options{})
	put(a, leaseText("www.example.com", 4))
	first := fenced(withdraw(), 4, 5)
	back := first
	back.Was, back.Shall = first.Shall, first.Was
	var fences []string
	c := sending(a, func(body string) *http.Response {
		fences = append(fences, body)
		return nil
	})
	done := c.Edit(t.Context(), []failover.Reweigh{first, back}, "")
	wantDone(t, done)
	wantCalls(t, a, 2, 2)
	for n, want := range []int{2, 2} { // a DELETE and a CREATE of the TXT set
		if got := strings.Count(fences[n], "<Type>TXT</Type>"); got != want {
			t.Errorf("batch %d has %d of the lease: %s", n, got, fences[n])
		}
	}
	if got := holds(t, a, "www.example.com"); got != leaseText("www.example.com", 5).Values[0] {
		t.Errorf("the lease is %s", got)
	}
}

// A lease has two elements, which count in the limit of 1,000 of a batch.
func TestAFenceCountsInTheSizeOfABatch(t *testing.T) {
	for name, test := range map[string]struct {
		number  int
		batches int
	}{"without": {0, 1}, "with": {1, 2}} {
		t.Run(name, func(t *testing.T) {
			a := account(simulator.Options{})
			var edits []failover.Reweigh
			for n := range 2 {
				was := failover.RecordSet{Name: fmt.Sprintf("big-%d.example.com", n), Type: "A", TTL: 60}
				for v := range 250 {
					was.Values = append(was.Values, fmt.Sprintf("10.0.%d.%d", n, v))
				}
				put(a, was)
				shall := was
				shall.Values = append([]string{"10.0.9.9"}, was.Values[1:]...)
				edits = append(edits, failover.Reweigh{Zone: zone, Addr: ip(was.Values[0]), Was: was, Shall: shall})
			}
			if put(a, leaseText(edits[0].Was.Name, 1)); test.number > 0 {
				edits[0] = fenced(edits[0], 1, 2)
			}
			wantDone(t, open(a).Edit(t.Context(), edits, ""))
			wantCalls(t, a, test.batches, test.batches)
		})
	}
}

// A renewal is made often: it is one call, and what stands there is read only after
// Route 53 has refused it.
func TestARenewalIsOneCall(t *testing.T) {
	for name, c := range map[string]struct {
		was  int
		want []string
	}{
		"as expected":       {1, []string{"POST "}},
		"taken by somebody": {2, []string{"POST ", "GET maxitems=1&name=_rrwatch.www.example.com&type=TXT"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := account(simulator.Options{})
			put(a, leaseText("www.example.com", 1))
			var asked []string
			client := route53.New(route53.SDK(config(roundTrip(func(r *http.Request) (*http.Response, error) {
				asked = append(asked, r.Method+" "+r.URL.RawQuery)
				return a.Transport().RoundTrip(r)
			}))), nil, nil)
			_, err := editOne(t, client, failover.Reweigh{Zone: zone, Was: leaseText("www.example.com", c.was), Shall: leaseText("www.example.com", 3)}, "")
			if !slices.Equal(asked, c.want) || (err == nil) != (c.was == 1) {
				t.Errorf("asked %q, want %q: %v", asked, c.want, err)
			}
		})
	}
}

// Who is told that all is well takes the lease for renewed.
func TestAFenceIsMadeEvenWhenTheSetIsAsWanted(t *testing.T) {
	a := account(simulator.Options{})
	put(a, leaseText("www.example.com", 4))
	put(a, withdraw().Shall)
	for range 2 { // the second time the fence is there, too
		if change := must[string](t)(editOne(t, open(a), fenced(withdraw(), 4, 5), "")); change != "" {
			t.Errorf("got the change %s", change)
		}
		if got := holds(t, a, "www.example.com"); got != leaseText("www.example.com", 5).Values[0] {
			t.Errorf("the lease is %s", got)
		}
	}
	wantCalls(t, a, 1, 2)
	put(a, leaseText("www.example.com", 9))
	_, err := editOne(t, open(a), fenced(withdraw(), 4, 5), "")
	wantText(t, err, "the set is as it shall be, but another rrwatch has taken the lease")
}

func TestALostAnswerOfAFencedEditIsSettledByReading(t *testing.T) {
	for name, lost := range map[string]int{"and the retry is refused": 1, "again and again": 10} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := account(simulator.Options{})
				put(a, leaseText("www.example.com", 4))
				a.LoseAnswer("ChangeResourceRecordSets", lost)
				must[string](t)(editOne(t, open(a), fenced(withdraw(), 4, 5), ""))
				if got := holds(t, a, "www.example.com"); got != leaseText("www.example.com", 5).Values[0] {
					t.Errorf("the lease is %s", got)
				}
			})
		})
	}
}
