package web

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// healthz answers 200 "ok", or 503 with the sentence that says what is wrong.
func (s *server) healthz(w http.ResponseWriter, r *http.Request) {
	if why := s.unwell(r.Context(), time.Now()); why != "" {
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	s.write(w, r, []byte("ok\n"))
}

func (s *server) unwell(ctx context.Context, now time.Time) string {
	v := s.Views()
	switch {
	case v == nil:
		return "rrwatch has not looked at its pools yet"
	case now.Sub(v.At) > staleAfter:
		return fmt.Sprintf("the last look at the pools was %s ago; it should be some seconds", long(now.Sub(v.At)))
	case s.Health == nil:
		return ""
	}
	// A check that hangs is a failed one: whoever asks waits only so long.
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := s.Health(ctx); err != nil {
		return err.Error()
	}
	return ""
}
