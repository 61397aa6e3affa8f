package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"rrwatch/failover"
)

const (
	viewEvery  = time.Second      // a new view is told at most this often
	beatEvery  = 15 * time.Second // a silent stream says something, so that proxies keep it
	writeLimit = 10 * time.Second // a reader that takes nothing for so long is let go
	batch      = 200              // entries read from the journal at once
)

// events streams every entry of the journal after the one that the reader saw
// last, each with its sequence number as the event's id, and says when the
// view has changed. A reader that comes back with Last-Event-ID misses none.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	after, err := s.resume(r)
	if err != nil {
		if _, ok := errors.AsType[*badParameter](err); ok {
			s.fail(w, r, http.StatusBadRequest, err.Error())
			return
		}
		s.broken(w, r, "read the journal", err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold the events back
	st := &stream{w: w, rc: http.NewResponseController(w), after: after, view: s.Views()}
	err = st.send(fmt.Sprintf("retry: 1000\nid: %d\nevent: view\ndata: {}\n\n", after))
	if err == nil {
		err = s.follow(r.Context(), st)
	}
	if r.Context().Err() == nil {
		s.Log.DebugContext(r.Context(), "a live stream ended", "error", err)
	}
}

// stream is one reader's connection.
type stream struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	after int64          // the last entry that was sent
	view  *failover.View // the last one that was told
}

// resume is the sequence number after which the reader wants to hear. One
// beyond the journal's end comes from another database: it starts anew.
func (s *server) resume(r *http.Request) (int64, error) {
	last, err := s.Journal.Last(r.Context())
	if err != nil {
		return 0, err
	}
	after, err := number(r.URL.Query(), "after", last)
	if err != nil {
		return 0, err
	}
	if id, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64); err == nil && id >= 0 {
		after = id
	}
	return min(after, last), nil
}

// follow sends until the reader goes or something breaks.
func (s *server) follow(ctx context.Context, st *stream) error {
	look, beat := time.NewTicker(viewEvery), time.NewTicker(beatEvery)
	defer look.Stop()
	defer beat.Stop()
	for {
		changed := s.Journal.Changed() // before reading: what comes in between is not missed
		more, err := s.sendEntries(ctx, st)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-look.C:
			err = s.sendView(st)
		case <-beat.C:
			err = st.send(": still here\n\n")
		}
		if err != nil {
			return err
		}
	}
}

// sendEntries sends the next entries and reports whether there may be more.
func (s *server) sendEntries(ctx context.Context, st *stream) (more bool, err error) {
	entries, err := s.Journal.Since(ctx, st.after, batch)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		data, err := json.Marshal(e)
		if err != nil {
			return false, err
		}
		if err := st.send(fmt.Sprintf("id: %d\nevent: entry\ndata: %s\n\n", e.Seq, data)); err != nil {
			return false, err
		}
		st.after = e.Seq
	}
	return len(entries) == batch, nil
}

func (s *server) sendView(st *stream) error {
	v := s.Views()
	if v == st.view {
		return nil
	}
	st.view = v
	return st.send("event: view\ndata: {}\n\n")
}

// send writes one event and sees it off.
func (st *stream) send(event string) error {
	err := st.rc.SetWriteDeadline(time.Now().Add(writeLimit))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := st.w.Write([]byte(event)); err != nil {
		return err
	}
	return st.rc.Flush()
}
