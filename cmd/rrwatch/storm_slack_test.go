package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"rrwatch/failover"
	"rrwatch/notify"
	"rrwatch/store"
)

// stormSlack is a pretended Slack: chat.postMessage and chat.update. It keeps
// what people would read.
type stormSlack struct {
	mu     sync.Mutex
	down   bool
	lose   int // so many answers are lost
	posted int
	blank  bool              // nothing that is said is seen
	texts  map[string]string // by ts: the latest text of each message
	story  strings.Builder   // all that was ever said
}

// slackURL begins the links in Slack's messages.
const slackURL = "http://rrwatch.test"

// say takes one call, and answers as Slack does; an error is a broken connection.
func (s *stormSlack) say(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return slackAnswer(r, http.StatusServiceUnavailable, "down"), nil
	}
	ts := form.Get("ts")
	if ts == "" {
		s.posted++
		ts = fmt.Sprintf("1700000000.%06d", s.posted)
	}
	if s.blank {
		return slackAnswer(r, http.StatusOK, fmt.Sprintf(`{"ok":true,"channel":"C0OPS","ts":%q}`, ts)), nil
	}
	s.texts[ts] = form.Get("text") + " " + form.Get("blocks") + " " + form.Get("attachments")
	fmt.Fprintln(&s.story, s.texts[ts])
	if s.lose > 0 {
		s.lose--
		return nil, errors.New("connection reset by peer")
	}
	return slackAnswer(r, http.StatusOK, fmt.Sprintf(`{"ok":true,"channel":"C0OPS","ts":%q}`, ts)), nil
}

func slackAnswer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: r,
	}
}

func (s *stormSlack) set(down bool, lose int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.lose = down, lose
}

// deaf has Slack take what it is told, and show nobody anything.
func (s *stormSlack) deaf() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blank = true
}

// has reports whether a text was ever said.
func (s *stormSlack) has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.story.String(), text)
}

// shows reports whether a message shows all of these texts now.
func (s *stormSlack) shows(texts ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, message := range s.texts {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(message, text)
		}
		if all {
			return true
		}
	}
	return false
}

// slackCalls carries one life's calls to Slack.
type slackCalls struct {
	storm *storm
	life  *life
}

// RoundTrip does one call.
func (c slackCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	s := c.storm
	if s.touch(c.life, "before", false) {
		return nil, errNobody
	}
	timer := time.NewTimer(way(r.URL.Path))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	out, err := s.slack.say(r)
	if s.touch(c.life, "after", false) {
		return nil, errNobody
	}
	return out, err
}

// way is how long a call of Slack takes: not as long as any other thing, so
// that nothing happens at the same instant.
func way(path string) time.Duration { return 83*time.Millisecond + time.Duration(len(path))*1709 }

// tells has rrwatch tell Slack what happens, until ctx ends.
func (s *storm) tells(ctx context.Context, l *life, db *store.Store) {
	slack := notify.NewSlack(notify.SlackOptions{
		Token: "xoxb-of-the-storm", Channel: "ops", APIURL: "http://slack.simulated/api/", BaseURL: slackURL,
		HTTP: &http.Client{Transport: slackCalls{s, l}},
	})
	l.bubble.running.Go(func() {
		if err := notify.Follow(ctx, db, db, slack, slog.New(slog.DiscardHandler)); err != nil {
			s.fail("Slack is told nothing more: %v", err)
		}
	})
}

// judgeTold judges whether people were told of every incident, and of its end
// (I8).
func (s *storm) judgeTold() {
	for id, i := range s.ledger.incidents {
		link := fmt.Sprintf("%s/incidents/%d|", slackURL, id)
		if !s.slack.shows(link) {
			s.lack("I8: nobody was told of incident %d of %s", id, i.member)
		} else if i.closed && !s.slack.has(fmt.Sprintf("%d is over", id)) && !s.slack.shows(link, i.outcome) {
			s.lack("I8: nobody was told that incident %d of %s is over: %s", id, i.member, i.outcome)
		}
	}
}

// stormJournal is the store as one life writes it.
type stormJournal struct {
	*store.Store
	storm *storm
	life  *life
}

// Append writes, unless rrwatch is killed before; when it is killed after it,
// the entries are written and rrwatch never knows.
func (j stormJournal) Append(ctx context.Context, entries ...failover.Entry) ([]failover.Entry, error) {
	if j.storm.touch(j.life, "before", false) {
		return nil, errNobody
	}
	out, err := j.Store.Append(ctx, entries...)
	if j.storm.touch(j.life, "after", false) {
		return nil, errNobody
	}
	return out, err
}
