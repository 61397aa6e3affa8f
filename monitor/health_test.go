package monitor_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// epoch is when the results of these tests begin, one a second.
func epoch() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// results turns "pf?" into a pass, a fail and an inconclusive result.
func results(letters string) []probe.Result {
	list := make([]probe.Result, 0, len(letters))
	for i, letter := range letters {
		r := probe.Result{At: epoch().Add(time.Duration(i) * time.Second)}
		switch letter {
		case 'p':
			r.Verdict = probe.Pass
		case 'f':
			r.Verdict, r.Reason = probe.Fail, probe.Refused
		default:
			r.Reason = probe.Stalled
		}
		list = append(list, r)
	}
	return list
}

func TestBelievesByThreeThresholds(t *testing.T) {
	plain := monitor.Thresholds{Fall: 3, Clear: 1, Rise: 2}
	patient := monitor.Thresholds{Fall: 3, Clear: 2, Rise: 2}
	once := monitor.Thresholds{Fall: 1, Clear: 1, Rise: 1}
	for _, c := range []struct {
		th     monitor.Thresholds
		list   string
		states string // after each result: u unknown, U up, D down
		change string // what it says at the end
	}{
		{plain, "", "", "up after 1 pass, down after 3 more fails"},
		{plain, "p", "U", "down after 3 more fails"},
		{plain, "f", "u", "up after 1 pass, down after 2 more fails"},
		{plain, "fff", "uuD", "up after 2 more passes"},
		{plain, "ffp", "uuU", "down after 3 more fails"},
		{plain, "pff", "UUU", "down after 1 more fail"},
		{plain, "pfff", "UUUD", "up after 2 more passes"},
		{plain, "pffpffpff", "UUUUUUUUU", "down after 1 more fail"},
		{plain, "pf?f?f", "UUUUUD", "up after 2 more passes"},
		{plain, "????", "uuuu", "up after 1 pass, down after 3 more fails"},
		{plain, "fffp", "uuDD", "up after 1 more pass"},
		{plain, "fffpp", "uuDDU", "down after 3 more fails"},
		{plain, "fffp?p", "uuDDDU", "down after 3 more fails"},
		{plain, "fffpfp", "uuDDDD", "up after 1 more pass"},
		{plain, "fffppf", "uuDDUU", "down after 2 more fails"},
		{patient, "pfpfpf", "UUUUUD", "up after 2 more passes"},
		{patient, "pffppff", "UUUUUUU", "down after 1 more fail"},
		{patient, "ffpff", "uuUUU", "down after 1 more fail"},
		{once, "fpf", "DUD", "up after 1 more pass"},
	} {
		var h monitor.Health
		var states strings.Builder
		for _, r := range results(c.list) {
			h = h.Observe(r, c.th)
			states.WriteByte("uUD"[h.State])
		}
		if got := states.String(); got != c.states {
			t.Errorf("%+v, %s: got %s, want %s", c.th, c.list, got, c.states)
		}
		if got := h.ToChange(c.th); got != c.change {
			t.Errorf("%+v, %s: says %q, want %q", c.th, c.list, got, c.change)
		}
	}
}

// model says from the whole list of conclusive results what must be believed,
// without looking at what was believed before.
func model(list []probe.Result, th monitor.Thresholds) (h monitor.Health) {
	forgotten := 0 // results before this one count no more as fails
	for i, r := range list {
		run := 0 // passes in a row that end here
		for run <= i && list[i-run].Verdict == probe.Pass {
			run++
		}
		rises := h.State == monitor.Unknown || h.State == monitor.Down && run >= th.Rise
		if run > 0 && (rises || h.State == monitor.Up && run >= th.Clear) {
			forgotten = i + 1
		}
		if run > 0 && rises {
			h.State, h.Since, h.SeenUp = monitor.Up, r.Ended(), true
		}
		h.Fails, h.Passes, h.First, h.Streak, h.Asked = 0, run, time.Time{}, time.Time{}, r.At
		for _, earlier := range list[forgotten : i+1] {
			if earlier.Verdict == probe.Fail {
				if h.Fails++; h.Fails == 1 {
					h.First = earlier.At
				}
			}
		}
		if run > 0 {
			h.Streak = list[i-run+1].At
			continue
		}
		h.Why = r
		if h.State != monitor.Down && h.Fails >= th.Fall {
			h.State, h.Since, h.Fell = monitor.Down, r.Ended(), r.Ended()
		}
	}
	return h
}

func TestBelievesWhatANaiveModelDoes(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	for n := range 500 {
		th := monitor.Thresholds{Fall: 1 + random.IntN(5), Clear: 1 + random.IntN(4), Rise: 1 + random.IntN(4)}
		letters := make([]byte, 60)
		share := 1 + random.IntN(9) // of passes among the conclusive, in tenths
		for i := range letters {
			switch letter := random.IntN(10); {
			case random.IntN(6) == 0:
				letters[i] = '?'
			case letter < share:
				letters[i] = 'p'
			default:
				letters[i] = 'f'
			}
		}
		var h monitor.Health
		var conclusive []probe.Result
		for i, r := range results(string(letters)) {
			want := h
			if r.Verdict != probe.Inconclusive {
				conclusive = append(conclusive, r)
				want = model(conclusive, th)
			}
			want.Last = r
			if h = h.Observe(r, th); h != want {
				diff := cmp.Diff(want, h, cmpopts.EquateComparable(netip.AddrPort{}))
				t.Fatalf("seed %d, round %d, %+v, after %s: %s", seed, n, th, letters[:i+1], diff)
			}
		}
	}
}

func TestIsSuspectWhileTheNextResultCouldMatter(t *testing.T) {
	th := monitor.Thresholds{Fall: 3, Clear: 2, Rise: 2}
	for list, want := range map[string]bool{
		"": false, "?": false, "f": true, "f?": true, "p": false, "pf": true, "pfp": true, "pfpp": false,
		"fff": false, "fffp": true, "fffpf": false, "fffpp": false,
	} {
		var h monitor.Health
		for _, r := range results(list) {
			h = h.Observe(r, th)
		}
		if got := h.Suspect(); got != want {
			t.Errorf("%q: suspect is %v, want %v", list, got, want)
		}
	}
}

func TestHealthSurvivesJSON(t *testing.T) {
	th := monitor.Thresholds{Fall: 2, Clear: 2, Rise: 2}
	for _, list := range []string{"", "p", "ff", "pf?"} {
		var want monitor.Health
		for _, r := range results(list) {
			want = want.Observe(r, th)
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got monitor.Health
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
			t.Errorf("%q: %s", list, diff)
		}
		if state := fmt.Sprintf(`"state":%q`, want.State); !strings.Contains(string(text), state) {
			t.Errorf("%q: %s lacks %s", list, text, state)
		}
	}
	s := monitor.Down
	if err := s.UnmarshalText([]byte("sideways")); err != nil || s != monitor.Unknown {
		t.Errorf("got %s, %v, want unknown", s, err)
	}
}

func BenchmarkObserve(b *testing.B) {
	list := results("pppfpffp?fffppp")
	th := monitor.Thresholds{Fall: 3, Clear: 1, Rise: 2}
	var h monitor.Health
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h = h.Observe(list[i%len(list)], th)
	}
}

func TestABeliefBeginsWhenItsDecidingAnswerWasIn(t *testing.T) {
	th := monitor.Thresholds{Fall: 2, Clear: 1, Rise: 1}
	sent := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	fail := func(at time.Time) probe.Result {
		return probe.Result{At: at, Answer: probe.Answer{Verdict: probe.Fail, Phases: probe.Phases{Whole: time.Second}}}
	}
	h := monitor.Health{State: monitor.Up}.Observe(fail(sent), th).Observe(fail(sent.Add(time.Minute)), th)
	if want := sent.Add(time.Minute + time.Second); h.State != monitor.Down || !h.Since.Equal(want) || !h.First.Equal(sent) {
		t.Errorf("%s since %s after a first fail at %s; want since %s", h.State, h.Since, h.First, want)
	}
}

func TestAnExcuseIsTakenForItsTimeOnly(t *testing.T) {
	th := monitor.Thresholds{Fall: 2, Clear: 1, Rise: 1, Excused: time.Hour}
	start := time.Unix(1_700_000_000, 0)
	excused := func(after time.Duration) probe.Result {
		return probe.Result{At: start.Add(after), Answer: probe.Answer{Reason: probe.Excused, Detail: "answered 503"}}
	}
	h := monitor.Health{State: monitor.Up}
	for _, after := range []time.Duration{0, 30 * time.Minute, time.Hour} {
		if h = h.Observe(excused(after), th); h.State != monitor.Up || h.Fails != 0 {
			t.Fatalf("after %s: %+v", after, h)
		}
	}
	h = h.Observe(excused(time.Hour+1), th)
	if h.Fails != 1 || h.Why.Reason != probe.Status || !strings.Contains(h.Last.Detail, "answered 503, for longer than the 1h0m0s") {
		t.Errorf("a nanosecond too long: %+v", h)
	}
	if h = h.Observe(excused(2*time.Hour), th); h.State != monitor.Down {
		t.Errorf("for too long, %d times: %s", th.Fall, h.State)
	}
	h = h.Observe(probe.Result{At: start.Add(3 * time.Hour), Answer: probe.Answer{Verdict: probe.Pass}}, th).Observe(excused(4*time.Hour), th)
	if h.State != monitor.Up || h.Fails != 0 || !h.Excused.Equal(start.Add(4*time.Hour)) {
		t.Errorf("a pass does not begin it anew: %+v", h)
	}
}
