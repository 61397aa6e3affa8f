package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/failover"
)

// following runs Follow until the returned function is called, which waits
// for its end.
func following(t *testing.T, m *memory, teller Teller) (log *logged, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	log = &logged{}
	done := make(chan error, 1)
	go func() {
		done <- Follow(ctx, m, m, teller, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	}()
	return log, func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Follow returned %v, want nil", err)
		}
	}
}

func TestAnOutageIsOneMessageThatGoesOnWithItsStepsInTheThread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &workspace{}, newMemory()
		log, stop := following(t, m, bubbled(s))
		var titles []string
		for _, e := range outage() {
			m.add(e)
			time.Sleep(5 * time.Second)
			for _, main := range s.mains() {
				titles = append(titles, main.text)
			}
		}
		stop()
		if len(s.mains()) != 1 {
			t.Fatalf("%d messages in the channel, want 1: %v", len(s.mains()), s.mains())
		}
		titles = slices.Compact(titles)
		if len(titles) != 5 || !strings.Contains(titles[0], "is down*") || !strings.Contains(titles[4], "was down for 3.0 s") {
			t.Errorf("the message went through:\n%s", strings.Join(titles, "\n"))
		}
		var told []string
		for _, r := range s.replies() {
			if r.thread != s.mains()[0].ts {
				t.Errorf("a reply is in the thread %q, want %q", r.thread, s.mains()[0].ts)
			}
			told = append(told, r.text)
		}
		want := []string{
			"`03:04:01` :mag: the load balancer on i-0a1 does not answer",
			"`03:04:01` :wrench: moving 203.0.113.1 from i-0a1 to i-0b2",
			"`03:04:01` :wrench: AWS has moved 203.0.113.1 to i-0b2",
			"`03:04:02` :white_check_mark: 203.0.113.1 serves again from i-0b2",
			"`03:04:03` :large_green_circle: 203.0.113.1 serves again, moved to i-0b2",
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("the thread (-want +got):\n%s", diff)
		}
		if m.cursor != int64(len(m.entries)) {
			t.Errorf("the cursor is at %d of %d", m.cursor, len(m.entries))
		}
		if log.String() != "" {
			t.Errorf("the log should be empty:\n%s", log)
		}
	})
}

func TestStepsThatArriveTogetherAreOneUpdateAndOneReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &workspace{}, newMemory(opened())
		_, stop := following(t, m, bubbled(s))
		time.Sleep(3 * time.Second)
		m.add(diagnosed(), begun(), applied(), proven(), closed())
		time.Sleep(10 * time.Second)
		stop()
		if s.calls != 3 || s.updates != 1 || len(s.replies()) != 1 {
			t.Fatalf("%d calls, %d updates, %d replies, want 3, 1, 1", s.calls, s.updates, len(s.replies()))
		}
		if n := strings.Count(s.replies()[0].text, "\n") + 1; n != 5 {
			t.Errorf("the reply has %d lines, want 5:\n%s", n, s.replies()[0].text)
		}
	})
}

func TestNoMoreThanOneMessageASecondAndAlertsBeforeHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var times []time.Time
		s, m := &workspace{}, newMemory()
		s.upset = func(int, string, http.ResponseWriter) bool { times = append(times, time.Now()); return false }
		for _, make := range []func() failover.Entry{opened, diagnosed, closed} {
			for n := range int64(10) {
				e := make()
				e.Incident, e.Member = n+1, netip.AddrFrom4([4]byte{203, 0, 113, byte(n)})
				m.add(e)
			}
		}
		_, stop := following(t, m, bubbled(s))
		time.Sleep(time.Minute)
		stop()
		for n := 1; n < len(times); n++ {
			if gap := times[n].Sub(times[n-1]); gap < perMessage {
				t.Errorf("calls %d and %d are %s apart", n, n+1, gap)
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.messages) != 20 {
			t.Fatalf("%d messages, want 10 alerts and 10 replies", len(s.messages))
		}
		for n, msg := range s.messages {
			if isReply := msg.thread != ""; isReply != (n >= 10) {
				t.Errorf("message %d: reply is %v", n+1, isReply)
			}
		}
	})
}

func TestWhatBelongsToNoIncidentIsToldInItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		released := failover.Entry{Kind: failover.BrakeReleased, Text: "the brake is released", By: "anna"}
		blind := failover.Entry{Kind: failover.WentBlind, Text: "3 of 3 references do not answer"}
		saw := failover.Entry{Kind: failover.SawAgain, Text: "3 of 3 references answer"}
		noted := failover.Entry{Kind: failover.Noted, Text: "of no incident"}
		s, m := &workspace{}, newMemory(noted, opened(), latched(), closed(), released, blind, saw)
		_, stop := following(t, m, bubbled(s))
		time.Sleep(time.Minute)
		stop()
		var starts []string
		for _, msg := range s.mains() {
			starts = append(starts, strings.TrimSpace(strings.Split(msg.text, "*")[0]))
		}
		want := []string{":large_green_circle:", ":rotating_light: <!channel>", ":large_green_circle:", ":see_no_evil:", ":large_green_circle:"}
		if diff := cmp.Diff(want, starts); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		if !strings.Contains(s.mains()[2].text, "(by anna)") {
			t.Errorf("who released the brake is not told: %s", s.mains()[2].text)
		}
		if m.cursor != 7 {
			t.Errorf("the cursor is at %d, want 7", m.cursor)
		}
	})
}

// TestACrashAnywhereLosesNothingAndRepeatsOneCallAtMost ends Follow at each
// write to the database, before or after it is kept, and starts it again.
func TestACrashAnywhereLosesNothingAndRepeatsOneCallAtMost(t *testing.T) {
	story := func() []failover.Entry {
		other := opened()
		other.Incident, other.Member = 8, netip.MustParseAddr("203.0.113.2")
		note := entry(2, failover.Noted, "a note on the other")
		note.Incident = 8
		return append(outage(), other, latched(), note)
	}
	crashes := 0
	for point := 1; ; point++ {
		for _, kept := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				s, m := &workspace{}, newMemory(story()...)
				crashed := false
				ctx, crash := context.WithCancel(t.Context())
				m.crash = func(advance int, isKept bool) error {
					if crashed || advance != point || isKept != kept {
						return nil
					}
					crashed = true
					crash()
					return errors.New("crashed")
				}
				go func() {
					time.Sleep(time.Minute)
					crash()
				}()
				if err := Follow(ctx, m, m, bubbled(s), slog.New(slog.DiscardHandler)); err != nil {
					t.Fatal(err)
				}
				_, stop := following(t, m, bubbled(s))
				time.Sleep(time.Minute)
				stop()
				if crashed {
					crashes++
				}
				checkStory(t, s, fmt.Sprintf("crash at write %d, kept %v", point, kept), crashed && !kept)
			})
		}
		if crashes < 2*point {
			break
		}
	}
	if crashes < 12 {
		t.Errorf("only %d crashes were tried", crashes)
	}
}

// checkStory checks that all is told, once, or but for one message twice.
func checkStory(t *testing.T, s *workspace, name string, oneTwice bool) {
	t.Helper()
	counts := map[string]int{}
	for _, m := range s.mains() {
		for _, what := range []string{"203.0.113.1 ", "203.0.113.2 ", "<!channel>"} {
			if strings.Contains(strings.Split(m.text, "*: ")[0]+" ", what) {
				counts[what]++
			}
		}
	}
	for _, r := range s.replies() {
		for line := range strings.SplitSeq(r.text, "\n") {
			counts[line]++
		}
	}
	if len(counts) != 3+5+1 {
		t.Errorf("%s: %d things are told, want 9: %v", name, len(counts), counts)
	}
	if extra := len(s.mains()) + len(s.replies()) - 5; extra != 0 && (extra != 1 || !oneTwice) {
		t.Errorf("%s: %d messages too many: %v", name, extra, counts)
	}
}

func TestAnOrderlyEndInTheMiddleOfACallRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &workspace{}, newMemory(opened())
		_, stop := following(t, m, slowly(s, 2*time.Second))
		time.Sleep(time.Second)
		stop()
		_, stop = following(t, m, bubbled(s))
		time.Sleep(time.Minute)
		stop()
		if len(s.mains()) != 1 {
			t.Errorf("the incident is posted %d times", len(s.mains()))
		}
	})
}

func TestASlackThatHangsDelaysTheEndByTheGraceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, stop := following(t, newMemory(opened()), slowly(&workspace{}, time.Hour))
		time.Sleep(time.Second)
		start := time.Now()
		stop()
		if d := time.Since(start); d > graceIn {
			t.Errorf("the end took %s, want at most %s", d, graceIn)
		}
	})
}

func TestARunningBackOffDoesNotDelayTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &workspace{upset: func(_ int, _ string, w http.ResponseWriter) bool { refuse(w, "invalid_auth"); return true }}
		_, stop := following(t, newMemory(opened()), bubbled(s))
		time.Sleep(time.Second)
		start := time.Now()
		stop()
		if d := time.Since(start); d > 0 {
			t.Errorf("the end took %s", d)
		}
	})
}

func TestADatabaseThatCannotBeReadDelaysTheAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &workspace{}, newMemory(opened())
		m.unread = 3
		at, log := tries(t, s, m, bubbled(s), time.Minute)
		if diff := cmp.Diff(seconds(7), at); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		log.has(t, "read the journal after entry 0: the database is locked", 1)
		log.has(t, "people are told again", 1)
	})
}
