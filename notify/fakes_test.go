package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"rrwatch/failover"
)

const (
	token   = "xoxb-1111-very-secret"
	webPath = "/services/T000/B000/webhooksecret"
)

// workspace is a Slack that keeps its messages and refuses as Slack does. The
// channel "#alerts" has the id C01.
type workspace struct {
	mu       sync.Mutex
	stamp    int
	messages []*message
	updates  int
	calls    int
	// upset may answer a call in Slack's place: it returns true if it has.
	upset func(call int, method string, w http.ResponseWriter) bool
}

type message struct {
	ts, thread, text, details string
	broadcast                 bool
}

func (s *workspace) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	method := strings.TrimPrefix(r.URL.Path, "/api/")
	if s.upset != nil && s.upset(s.calls, method, w) {
		return
	}
	if r.URL.Path == webPath {
		s.webhook(w, r)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	channel := r.Form.Get("channel")
	switch {
	case r.Form.Get("token") != token:
		refuse(w, "invalid_auth")
	case channel != "C01" && (method != "chat.postMessage" || channel != "#alerts"):
		refuse(w, "channel_not_found")
	case method == "chat.postMessage":
		s.accept(w, s.post(message{
			thread: r.Form.Get("thread_ts"), text: r.Form.Get("text"), details: details(r.Form.Get("attachments")),
			broadcast: r.Form.Get("reply_broadcast") == "true",
		}))
	case method == "chat.update":
		for _, m := range s.messages {
			if m.ts == r.Form.Get("ts") {
				m.text, m.details = r.Form.Get("text"), details(r.Form.Get("attachments"))
				s.updates++
				s.accept(w, m)
				return
			}
		}
		refuse(w, "message_not_found")
	default:
		refuse(w, "unknown_method")
	}
}

func (s *workspace) webhook(w http.ResponseWriter, r *http.Request) {
	var m slack.WebhookMessage
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	attached, _ := json.Marshal(m.Attachments)
	s.post(message{text: m.Text, details: details(string(attached))})
	fmt.Fprint(w, "ok")
}

func (s *workspace) post(m message) *message {
	s.stamp++
	m.ts = fmt.Sprintf("1700000000.%06d", s.stamp)
	s.messages = append(s.messages, &m)
	return &m
}

func (s *workspace) accept(w http.ResponseWriter, m *message) {
	fmt.Fprintf(w, `{"ok":true,"channel":"C01","ts":%q}`, m.ts)
}

func refuse(w http.ResponseWriter, code string) { fmt.Fprintf(w, `{"ok":false,"error":%q}`, code) }

// mains are the messages in the channel itself, replies those in threads.
func (s *workspace) mains() []message {
	return s.which(func(m *message) bool { return m.thread == "" })
}
func (s *workspace) replies() []message {
	return s.which(func(m *message) bool { return m.thread != "" })
}

func (s *workspace) which(want func(*message) bool) []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []message
	for _, m := range s.messages {
		if want(m) {
			list = append(list, *m)
		}
	}
	return list
}

func (s *workspace) remove(ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, m := range s.messages {
		if m.ts == ts {
			s.messages = append(s.messages[:n:n], s.messages[n+1:]...)
			return
		}
	}
}

// details are the texts of the blocks in a message's attachments, one a line,
// after the colour.
func details(attachments string) string {
	var list []slack.Attachment
	if err := json.Unmarshal([]byte(attachments), &list); err != nil {
		return attachments
	}
	var lines []string
	for _, a := range list {
		lines = append(lines, a.Color, blockTexts(a.Blocks.BlockSet))
	}
	return strings.Join(lines, "\n")
}

func blockTexts(blocks []slack.Block) string {
	var lines []string
	for _, b := range blocks {
		switch b := b.(type) {
		case *slack.SectionBlock:
			lines = append(lines, b.Text.Text)
		case *slack.ContextBlock:
			for _, e := range b.ContextElements.Elements {
				lines = append(lines, e.(*slack.TextBlockObject).Text)
			}
		default:
			lines = append(lines, fmt.Sprintf("%T", b))
		}
	}
	return strings.Join(lines, "\n")
}

// inMemory takes requests to a handler without a socket, for use in a bubble.
// The answer takes as long as the workspace is slow.
type inMemory struct {
	handler http.Handler
	slow    time.Duration
}

func (t inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	t.handler.ServeHTTP(w, r)
	select {
	case <-time.After(t.slow):
		return w.Result(), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// bubbled is a teller of the workspace, without a socket.
func bubbled(s *workspace) *Slack { return slowly(s, 0) }

func slowly(s *workspace, slow time.Duration) *Slack {
	return NewSlack(SlackOptions{
		Token: token, Channel: "#alerts", APIURL: "http://slack.test/api", BaseURL: "https://rr.example",
		HTTP: &http.Client{Transport: inMemory{s, slow}},
	})
}

// memory is the journal with its views, as the store keeps them.
type memory struct {
	mu        sync.Mutex
	entries   []failover.Entry
	incidents map[int64]failover.Incident
	changed   chan struct{}
	cursor    int64
	threads   map[int64]string
	advances  int
	// crash is asked before and after each Advance is kept; an error is
	// returned to the caller.
	crash func(advance int, kept bool) error
	// unread makes this many reads fail.
	unread int
}

func newMemory(entries ...failover.Entry) *memory {
	m := &memory{incidents: map[int64]failover.Incident{}, changed: make(chan struct{}), threads: map[int64]string{}}
	m.add(entries...)
	return m
}

func (m *memory) add(entries ...failover.Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range entries {
		e.Seq = int64(len(m.entries) + 1)
		m.entries = append(m.entries, e)
		if e.Incident != 0 {
			m.incidents[e.Incident] = m.incidents[e.Incident].Apply(e)
		}
	}
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *memory) Since(_ context.Context, after int64, limit int) ([]failover.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unread > 0 {
		m.unread--
		return nil, errors.New("the database is locked")
	}
	rest := m.entries[after:]
	return append([]failover.Entry(nil), rest[:min(limit, len(rest))]...), nil
}

func (m *memory) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

func (m *memory) Incident(_ context.Context, id int64) (failover.Incident, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.incidents[id]
	if !ok {
		return i, errors.New("no such incident")
	}
	return i, nil
}

func (m *memory) Cursor(context.Context, string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cursor, nil
}

func (m *memory) Thread(_ context.Context, _ string, incident int64) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.threads[incident], nil
}

func (m *memory) Advance(ctx context.Context, _ string, seq int64, threads map[int64]string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if seq < m.cursor {
		return fmt.Errorf("the cursor goes back from %d to %d", m.cursor, seq)
	}
	m.advances++
	if m.crash != nil {
		if err := m.crash(m.advances, false); err != nil {
			return err
		}
	}
	m.cursor = seq
	maps.Copy(m.threads, threads)
	if m.crash != nil {
		return m.crash(m.advances, true)
	}
	return nil
}

// logged collects a log that many goroutines write.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) has(t *testing.T, what string, times int) {
	t.Helper()
	if n := strings.Count(l.String(), what); n != times {
		t.Errorf("the log has %q %d times, want %d:\n%s", what, n, times, l)
	}
}
