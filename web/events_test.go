package web

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"rrwatch/failover"
)

// event is one event as a browser gets it.
type event struct{ id, kind, data string }

// reader opens the stream on a real connection and reads event by event.
func reader(t *testing.T, url, path, last string) (next func() event, closed func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("%s %s", answer.Status, kind)
	}
	lines := bufio.NewReader(answer.Body)
	next = func() event {
		t.Helper()
		var e event
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("the stream ended: %v", err)
			}
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch key {
			case "id":
				e.id = value
			case "event":
				e.kind = value
			case "data":
				e.data = value
			case "":
				if e.kind != "" {
					return e
				}
			}
		}
	}
	closed = func() {
		t.Helper()
		if _, err := io.Copy(io.Discard, lines); err != nil && ctx.Err() != nil {
			t.Fatalf("the stream did not end: %v", err)
		}
	}
	return next, closed
}

func noted(text string) failover.Entry {
	return failover.Entry{At: time.Now(), Kind: failover.Noted, Text: text}
}

func TestStreamGoesOnAfterTheLastEventThatWasSeen(t *testing.T) {
	s := newSite(time.Now())
	url := serve(t, s.options())
	next, _ := reader(t, url, "/events?after=1", "4")
	if e := next(); e.kind != "view" || e.id != "4" {
		t.Errorf("the first event is %+v", e)
	}
	for want := 5; want <= 6; want++ {
		if e := next(); e.kind != "entry" || e.id != strconv.Itoa(want) {
			t.Errorf("got %+v, want entry %d", e, want)
		}
	}
	s.journal.append(noted("seven\nlines"))
	if e := next(); e.id != "7" || !strings.Contains(e.data, `seven\nlines`) {
		t.Errorf("got %+v", e)
	}
}

func TestStreamMissesNothingOfALongJournal(t *testing.T) {
	s := newSite(time.Now())
	for range 3*batch + 7 {
		s.journal.append(noted("x"))
	}
	next, _ := reader(t, serve(t, s.options()), "/events?after=0", "")
	next() // the view
	for want := range 3*batch + 13 {
		if e := next(); e.id != strconv.Itoa(want+1) {
			t.Fatalf("got %s, want %d", e.id, want+1)
		}
	}
}

func TestStreamTellsOnlyNewsToANewReader(t *testing.T) {
	s := newSite(time.Now())
	url := serve(t, s.options())
	for _, last := range []string{"", "9999", "nonsense"} { // 9999 is of another database
		next, _ := reader(t, url, "/events", last)
		seq, err := s.journal.Last(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if e := next(); e.id != strconv.FormatInt(seq, 10) {
			t.Errorf("Last-Event-ID %q: begins at %s, want %d", last, e.id, seq)
		}
		s.journal.append(noted("news"))
		if e := next(); e.kind != "entry" || e.id != strconv.FormatInt(seq+1, 10) {
			t.Errorf("got %+v, want entry %d", e, seq+1)
		}
	}
}

func TestStreamTellsOfANewView(t *testing.T) {
	s := newSite(time.Now())
	next, _ := reader(t, serve(t, s.options()), "/events", "")
	next()
	s.view.Store(richView(time.Now()))
	if e := next(); e.kind != "view" {
		t.Errorf("got %+v", e)
	}
}

func TestStreamEndsWithTheServersContext(t *testing.T) {
	s := newSite(time.Now())
	ctx, cancel := context.WithCancel(t.Context())
	h := handler(t, s.options())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		both, stop := context.WithCancel(r.Context())
		defer stop()
		defer context.AfterFunc(ctx, stop)()
		h.ServeHTTP(w, r.WithContext(both))
	}))
	t.Cleanup(server.Close)
	next, closed := reader(t, server.URL, "/events", "")
	next()
	cancel()
	closed()
}
