package notify

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"

	"rrwatch/failover"
)

// tries runs Follow against a workspace for a while and returns when, after
// the start, each call was made.
func tries(t *testing.T, s *workspace, m *memory, teller Teller, lasting time.Duration) (at []time.Duration, log *logged) {
	t.Helper()
	start := time.Now()
	upset := s.upset
	s.upset = func(call int, method string, w http.ResponseWriter) bool {
		at = append(at, time.Since(start))
		return upset != nil && upset(call, method, w)
	}
	log, stop := following(t, m, teller)
	time.Sleep(lasting)
	stop()
	return at, log
}

func seconds(list ...int) []time.Duration {
	var all []time.Duration
	for _, n := range list {
		all = append(all, time.Duration(n)*time.Second)
	}
	return all
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &workspace{}, newMemory(opened())
		s.upset = func(call int, _ string, w http.ResponseWriter) bool {
			if call == 1 {
				w.Header().Set("Retry-After", "90")
				w.WriteHeader(http.StatusTooManyRequests)
			}
			return call == 1
		}
		at, log := tries(t, s, m, bubbled(s), 5*time.Minute)
		if diff := cmp.Diff(seconds(0, 90), at); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		log.has(t, "level=WARN", 1)
		log.has(t, "people are told again", 1)
	})
}

func TestASenselessRetryAfterDoesNotSilenceTheChannel(t *testing.T) {
	for _, header := range []string{"-5", "0", "9223372036854775807", "99999999", "soon"} {
		synctest.Test(t, func(t *testing.T) {
			s, m := &workspace{}, newMemory(opened())
			s.upset = func(call int, _ string, w http.ResponseWriter) bool {
				if call == 1 {
					w.Header().Set("Retry-After", header)
					w.WriteHeader(http.StatusTooManyRequests)
				}
				return call == 1
			}
			at, _ := tries(t, s, m, bubbled(s), 2*time.Hour)
			if len(at) != 2 || at[1] < time.Second || at[1] > time.Hour {
				t.Errorf("Retry-After %s: calls at %v", header, at)
			}
		})
	}
}

func TestTheWaitGrowsToAMinuteAndTheLogWarnsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &workspace{}, newMemory(opened())
		s.upset = func(call int, _ string, w http.ResponseWriter) bool {
			if call <= 9 {
				http.Error(w, "<html>Slack is down</html>", http.StatusInternalServerError)
			}
			return call <= 9
		}
		at, log := tries(t, s, m, bubbled(s), time.Hour)
		if diff := cmp.Diff(seconds(0, 1, 3, 7, 15, 31, 63, 123, 183, 243), at); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		log.has(t, "level=WARN", 1)
		log.has(t, "people are told again", 1)
		if len(s.mains()) != 1 || m.cursor != 1 {
			t.Errorf("%d messages, cursor %d, want 1 and 1", len(s.mains()), m.cursor)
		}
	})
}

func TestASlackThatHangsIsGivenUpAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &workspace{}
		at, log := tries(t, s, newMemory(opened()), slowly(s, time.Hour), 30*time.Second)
		if diff := cmp.Diff(seconds(0, 11, 23), at); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		log.has(t, "no answer within 10s", 1)
	})
}

func TestAWrongConfigurationSaysWhatToDoAndIsTriedEveryMinute(t *testing.T) {
	for code, advice := range map[string]string{
		"invalid_auth":      "put its new bot token into slack.token",
		"missing_scope":     "give the Slack app the scope chat:write",
		"channel_not_found": `Slack shows this bot no channel`,
		"not_in_channel":    `invite it there`,
		"is_archived":       "unarchive it or set slack.channel",
		"restricted_action": "ask its administrators",
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, m := &workspace{}, newMemory(outage()...)
				s.upset = func(call int, _ string, w http.ResponseWriter) bool {
					if call <= 3 {
						refuse(w, code)
					}
					return call <= 3
				}
				at, log := tries(t, s, m, bubbled(s), time.Hour)
				if diff := cmp.Diff(seconds(0, 60, 120, 180, 181), at); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				log.has(t, advice, 1)
				log.has(t, "level=WARN", 1)
				if len(s.mains()) != 1 || len(s.replies()) != 1 || m.cursor != 7 {
					t.Errorf("%d messages, %d replies, cursor %d after the fix, want 1, 1, 7", len(s.mains()), len(s.replies()), m.cursor)
				}
			})
		})
	}
}

func TestAMessageDeletedByHandIsPostedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &workspace{}, newMemory(opened())
		_, stop := following(t, m, bubbled(s))
		time.Sleep(5 * time.Second)
		first := s.mains()[0].ts
		s.remove(first)
		m.add(diagnosed(), begun())
		time.Sleep(10 * time.Second)
		m.add(applied())
		time.Sleep(10 * time.Second)
		stop()
		mains, replies := s.mains(), s.replies()
		if len(mains) != 1 || mains[0].ts == first {
			t.Fatalf("the messages are %v, want one new one", mains)
		}
		if len(replies) != 2 || replies[0].thread != mains[0].ts || replies[1].thread != mains[0].ts {
			t.Errorf("the replies are %v, want two in the new thread", replies)
		}
	})
}

func TestAMessageThatMayNotBeEditedStillGetsItsSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &workspace{}, newMemory(opened())
		s.upset = func(_ int, method string, w http.ResponseWriter) bool {
			if method == "chat.update" {
				refuse(w, "edit_window_closed")
			}
			return method == "chat.update"
		}
		_, stop := following(t, m, bubbled(s))
		time.Sleep(5 * time.Second)
		m.add(closed())
		time.Sleep(time.Minute)
		stop()
		if len(s.mains()) != 1 || len(s.replies()) != 1 {
			t.Errorf("%d messages and %d replies, want 1 and 1", len(s.mains()), len(s.replies()))
		}
	})
}

func TestALockedThreadDoesNotStopTheAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &workspace{}, newMemory(opened(), closed(), latched())
		s.upset = func(call int, _ string, w http.ResponseWriter) bool {
			if call == 2 {
				refuse(w, "restricted_action_thread_locked")
			}
			return call == 2
		}
		_, stop := following(t, m, bubbled(s))
		time.Sleep(time.Minute)
		stop()
		if mains := s.mains(); len(mains) != 3 || !strings.HasPrefix(mains[1].text, "www 203.0.113.1\n`03:04:03`") {
			t.Errorf("the messages are %v, want the incident, its steps and the brake", mains)
		}
	})
}

func TestAMessageWhoseShapeSlackRefusesIsSentAsBareText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &workspace{}, newMemory(opened())
		s.upset = func(call int, _ string, w http.ResponseWriter) bool {
			if call == 1 {
				refuse(w, "invalid_blocks")
			}
			return call == 1
		}
		log, stop := following(t, m, bubbled(s))
		time.Sleep(time.Minute)
		stop()
		want := []message{{ts: "1700000000.000001", text: ":red_circle: *www 203.0.113.1 is down*"}}
		if diff := cmp.Diff(want, s.mains(), cmp.AllowUnexported(message{})); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		log.has(t, "WARN", 0)
	})
}

func TestAnAnswerThatIsNotSlacksIsNoSuccess(t *testing.T) {
	for _, answer := range []string{`{}`, `{"ok":false}`, `<html>log in</html>`, ``, `{"ok":true}`} {
		synctest.Test(t, func(t *testing.T) {
			s, m := &workspace{}, newMemory(opened())
			s.upset = func(call int, _ string, w http.ResponseWriter) bool { fmt.Fprint(w, answer); return true }
			_, log := tries(t, s, m, bubbled(s), time.Minute)
			if m.cursor != 0 || len(m.threads) != 0 {
				t.Errorf("%s: it was taken for success", answer)
			}
			log.has(t, "level=WARN", 1)
		})
	}
}

func TestAnActionThatDidNotHelpIsShownInTheChannelToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &workspace{}, newMemory(opened(), begun(), applied())
		_, stop := following(t, m, bubbled(s))
		time.Sleep(5 * time.Second)
		m.add(unproven())
		time.Sleep(5 * time.Second)
		stop()
		if r := s.replies(); len(r) != 2 || r[0].broadcast || !r[1].broadcast {
			t.Errorf("the replies are %v, want the second one shown in the channel", r)
		}
	})
}

func TestAWebhookGetsWhatMattersMostOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again, freed := heldBack(), entry(1.3, failover.HeldBack, "nothing is held back any more")
		s, m := &workspace{}, newMemory()
		log, stop := following(t, m, NewSlack(SlackOptions{
			Webhook: "https://hooks.test" + webPath, BaseURL: "https://rr.example/", HTTP: &http.Client{Transport: inMemory{handler: s}},
		}))
		for _, e := range []failover.Entry{opened(), diagnosed(), heldBack(), again, freed, begun(), applied(), proven(), closed(), latched()} {
			m.add(e)
			time.Sleep(3 * time.Second)
		}
		stop()
		var starts []string
		for _, msg := range s.mains() {
			starts = append(starts, strings.Split(msg.text, " ")[0])
			if strings.Contains(msg.text, "Recovery") {
				t.Errorf("details in the title: %s", msg.text)
			}
		}
		want := []string{":red_circle:", ":no_entry:", ":white_check_mark:", ":large_green_circle:", ":rotating_light:"}
		if diff := cmp.Diff(want, starts); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		if d := s.mains()[3].details; !strings.Contains(d, "Recovery clock") || !strings.Contains(d, "https://rr.example/incidents/7|") {
			t.Errorf("the last message lacks the clock or the link:\n%s", d)
		}
		if m.cursor != 10 || log.String() != "" {
			t.Errorf("cursor %d, log %s", m.cursor, log)
		}
	})
}

// TestAnOutageOfSlackDelaysTheAlert speaks over real sockets: nothing listens
// at first.
func TestAnOutageOfSlackDelaysTheAlert(t *testing.T) {
	var sockets net.ListenConfig
	listener, err := sockets.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	s, m := &workspace{}, newMemory(opened())
	teller := NewSlack(SlackOptions{Token: token, Channel: "#alerts", APIURL: "http://" + address + "/api/"})
	teller.limit = rate.NewLimiter(rate.Inf, 1)
	log, stop := following(t, m, teller)
	until(t, func() bool { return strings.Contains(log.String(), "connection refused") })
	if listener, err = sockets.Listen(t.Context(), "tcp", address); err != nil {
		t.Skipf("someone else took the port in between: %v", err)
	}
	server := httptest.NewUnstartedServer(s)
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	defer server.Close()
	until(t, func() bool { return strings.Contains(log.String(), "people are told again") })
	stop()
	if len(s.mains()) != 1 {
		t.Errorf("%d messages, want 1", len(s.mains()))
	}
	log.has(t, "level=WARN", 1)
}

// until polls for at most 20 s.
func until(t *testing.T, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("it did not happen within 20 s")
		}
	}
}

func TestNoSecretIsLogged(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed to %s", r.URL)
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/gone"):
			http.Error(w, "no_service", http.StatusNotFound)
		case strings.HasPrefix(r.URL.Path, "/moved"):
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusPermanentRedirect)
		case strings.HasPrefix(r.URL.Path, "/echo"):
			refuse(w, "bad token "+token)
		default:
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	hooked := func(url string) SlackOptions { return SlackOptions{Webhook: url + webPath} }
	for name, o := range map[string]SlackOptions{
		"refused":      hooked("http://127.0.0.1:1"),
		"no such host": hooked("http://slack.invalid"),
		"cut off":      hooked(server.URL),
		"gone":         hooked(server.URL + "/gone"),
		"moved":        hooked(server.URL + "/moved"),
		"bad escape":   hooked("http://slack.invalid/%zz"),
		"bad port":     {Webhook: "http://slack.invalid:webhooksecret"},
		"no scheme":    {Webhook: "webhooksecret"},
		"API echoes":   {Token: token, Channel: "C01", APIURL: server.URL + "/echo"},
		"API moved":    {Token: token, Channel: "C01", APIURL: server.URL + "/moved"},
		"API cut off":  {Token: token, Channel: "C01", APIURL: server.URL},
	} {
		t.Run(name, func(t *testing.T) {
			log, stop := following(t, newMemory(opened()), NewSlack(o))
			until(t, func() bool { return strings.Contains(log.String(), "level=WARN") })
			stop()
			for _, secret := range []string{"secret-", "-secret", "webhooksecret", "B000", "Post "} {
				if strings.Contains(log.String(), secret) {
					t.Errorf("%q is in the log:\n%s", secret, log)
				}
			}
			t.Log(log)
		})
	}
}

func TestAMarkReadsAsItWasWritten(t *testing.T) {
	for _, m := range []mark{{}, {17, "C01 1700000000.000100"}, {3, ""}} {
		if got := readMark(m.String()); got != m {
			t.Errorf("%v became %v", m, got)
		}
	}
	for _, text := range []string{"", "x", "1700000000.000100"} {
		if got := readMark(text); got != (mark{}) {
			t.Errorf("%q became %v, want none", text, got)
		}
	}
}
