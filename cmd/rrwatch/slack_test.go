package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// slackServer speaks as much of Slack's API as rrwatch uses: chat.postMessage
// and chat.update. While it is down it answers 503.
type slackServer struct {
	mu       sync.Mutex
	down     bool
	refused  int
	posted   []string // texts of messages in the channel
	replies  []string // in threads
	updated  int
	mistaken string
}

const slackToken = "xoxb-secret-of-the-test"

func (s *slackServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		s.refused++
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	if got := r.Header.Get("Authorization"); got != "Bearer "+slackToken && r.FormValue("token") != slackToken {
		s.mistaken = "a call without the token"
	}
	ts := fmt.Sprintf("1700000000.%06d", len(s.posted)+len(s.replies)+1)
	switch {
	case r.URL.Path == "/api/chat.update":
		s.updated++
		ts = r.FormValue("ts")
	case r.FormValue("thread_ts") != "":
		s.replies = append(s.replies, r.FormValue("text")+r.FormValue("blocks")+r.FormValue("attachments"))
	default:
		s.posted = append(s.posted, r.FormValue("text")+r.FormValue("blocks")+r.FormValue("attachments"))
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"ok":true,"channel":"C0OPS","ts":%q}`, ts)
}

func (s *slackServer) state() slackServer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slackServer{refused: s.refused, posted: s.posted, replies: s.replies, updated: s.updated, mistaken: s.mistaken}
}

// Slack is down while the outage happens: the incident goes on, and all of it
// is told when Slack is back, in one message with a thread. The log, at its
// most talkative, holds no secret.
func TestAnOutageIsToldWhenSlackIsBack(t *testing.T) {
	slack := &slackServer{down: true}
	server := httptest.NewServer(slack)
	defer server.Close()
	at := freePort(t)
	w, file := newTestWorld(t, "127.0.0.1:0", at, "level: warn", "level: debug",
		"references:", "slack: {token_file: token, channel: ops, api_url: "+server.URL+"/api/}\nreferences:")
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "token"), []byte(slackToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := "http://" + at
	log := startedIn(t, filepath.Dir(file), url, "run", "--config", file)
	if !within(t, 20*time.Second, func() bool { return membersUp(t, url) == 3 }) {
		t.Fatal("the site is not watched")
	}
	if err := w.site.Break("lb-1", "kill"); err != nil {
		t.Fatal(err)
	}
	if !within(t, 20*time.Second, func() bool { return pool(t, url).Members[0].Carrier.Name == "lb-4" && slack.state().refused > 0 }) {
		t.Fatal("with Slack down, the address was not moved")
	}
	slack.mu.Lock()
	slack.down = false
	slack.mu.Unlock()
	if !within(t, 30*time.Second, func() bool { return strings.Contains(strings.Join(slack.state().replies, "\n"), "served again") }) {
		t.Fatalf("the end of the outage was not told: %v", slack.state().replies)
	}
	got := slack.state()
	if len(got.posted) != 1 || !strings.Contains(got.posted[0], "127.113.0.11") || got.mistaken != "" {
		t.Errorf("%d messages in the channel, want 1; %s\n%v", len(got.posted), got.mistaken, got.posted)
	}
	if text := log(); strings.Contains(text, slackToken) || !strings.Contains(text, "Slack") {
		t.Errorf("the log holds the token, or nothing of Slack's trouble:\n%s", text)
	}
}
