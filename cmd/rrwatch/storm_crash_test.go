package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"testing/synctest"
	"time"

	"rrwatch/store"
)

// errNobody is what a killed rrwatch hears of its calls.
var errNobody = errors.New("the caller was killed")

// stormCalls carries the calls of one life to AWS, and judges those that
// change something.
type stormCalls struct {
	storm *storm
	life  *life
}

var _ http.RoundTripper = stormCalls{}

// RoundTrip judges and does one call.
func (c stormCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	s := c.storm
	if c.dead() {
		return nil, errNobody
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	change := readChange(r, body)
	if change == nil {
		return s.aws.Transport().RoundTrip(r)
	}
	s.judge(c.life, change)
	if c.caught("before") {
		return nil, errNobody
	}
	out, err := s.aws.Transport().RoundTrip(r)
	s.arrived(change, err == nil && out.StatusCode < 300, err)
	if c.caught("after") || c.caught("answered") && c.dead() {
		return nil, errNobody
	}
	return out, err
}

func (c stormCalls) dead() bool {
	c.storm.mu.Lock()
	defer c.storm.mu.Unlock()
	return c.life.dead
}

// caught holds the call up and has rrwatch killed, if that is to be here. At
// "answered" the call goes on, and rrwatch is killed a moment later.
func (c stormCalls) caught(where string) bool {
	s := c.storm
	s.mu.Lock()
	here := s.trapAt == where && s.life == c.life && !c.life.dead
	if here {
		s.trapAt = ""
	}
	s.mu.Unlock()
	if !here {
		return false
	}
	held := caught{c.life, make(chan struct{})}
	if where == "answered" {
		go func() {
			time.Sleep(time.Millisecond)
			s.caught <- held
		}()
		return true
	}
	s.caught <- held
	<-held.goOn
	return true
}

// trap has rrwatch killed at its next changing call.
func (s *storm) trap(where string, away time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trapAt, s.trapFor = where, away
}

// kill kills rrwatch in the middle of a call.
func (s *storm) kill(c caught) {
	s.mu.Lock()
	away, alive := s.trapFor, c.life == s.life && !c.life.dead
	s.mu.Unlock()
	if alive {
		s.note("rrwatch is killed in the middle of a change")
		s.crash(away)
	}
	close(c.goOn)
}

// crash ends rrwatch as a power cut does: what is in its database is all that
// is left of it, and no call of it reaches AWS any more, but the one on its way.
func (s *storm) crash(away time.Duration) {
	if s.away() {
		return
	}
	synctest.Wait() // nothing is being written
	s.check()
	s.mu.Lock()
	l := s.life
	l.dead = true
	s.gone = append(s.gone, l)
	s.mu.Unlock()
	next := s.path + "."
	for _, file := range []string{"", "-wal"} {
		data, err := os.ReadFile(s.path + file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(next+file, data, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	s.path = next
	s.back = time.Now().Add(away)
	l.bubble.cancel()
}

// restart stops rrwatch in order and starts it again. A call that is held up
// has its answer lost.
func (s *storm) restart(away time.Duration) {
	if s.away() {
		return
	}
	s.trap("", 0)
	s.release()
	s.stopLife(s.life)
	db, err := store.Open(s.t.Context(), s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	s.ledger.follow(db)
	if err := db.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.back = time.Now().Add(away)
}

// release lets calls go on that are held up.
func (s *storm) release() {
	for {
		select {
		case c := <-s.caught:
			close(c.goOn)
		default:
			return
		}
	}
}
