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
	time.Sleep(spread(r, body))
	s.thaw()
	defer s.thaw()
	if s.touch(c.life, killBefore, change != nil) {
		return nil, errNobody
	}
	if change != nil {
		s.judge(c.life, change)
	}
	out, err := s.aws.Transport().RoundTrip(r)
	if change != nil {
		s.arrived(change, err == nil && out.StatusCode < 300, err)
	}
	if s.touch(c.life, killAfter, change != nil) || change != nil && s.touch(c.life, killAnswered, true) {
		return nil, errNobody
	}
	return out, err
}

// Where rrwatch is killed: before a touch of the world, after it but before it
// knows, or a moment after it knows.
const (
	killBefore   = "before"
	killAfter    = "after"
	killAnswered = "answered"
)

// trap says where rrwatch is to be killed: at its n-th touch of the world (a
// call of AWS or Slack, or a writing of the journal) from now on, or its n-th
// changing call of AWS.
type trap struct {
	where   string // empty: nowhere
	n       int
	changes bool
	away    time.Duration // until it is started again
}

// touch counts a touch of the world, and reports whether its rrwatch is dead,
// now or long since. The touch is held up while rrwatch is killed; at
// "answered" it goes on, and rrwatch is killed a moment later.
func (s *storm) touch(l *life, where string, change bool) bool {
	s.mu.Lock()
	here := s.trap.where == where && s.life == l && !l.dead && (change || !s.trap.changes)
	if here {
		s.trap.n--
		here = s.trap.n <= 0
	}
	if here {
		s.trap.where = ""
	}
	dead, away := l.dead, s.trap.away
	s.mu.Unlock()
	if !here {
		return dead && where != killAnswered
	}
	held := caught{l, away, make(chan struct{})}
	if where == killAnswered {
		go func() {
			time.Sleep(time.Millisecond)
			s.caught <- held
		}()
		return false
	}
	s.caught <- held
	<-held.goOn
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.dead
}

// setTrap has rrwatch killed; a trap with no place takes it away.
func (s *storm) setTrap(t trap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trap = t
}

// kill kills rrwatch in the middle of a call.
func (s *storm) kill(c caught) {
	s.mu.Lock()
	away, alive := c.away, c.life == s.life && !c.life.dead
	s.mu.Unlock()
	if alive {
		s.note("rrwatch is killed where it touches the world")
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
	s.setTrap(trap{})
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
