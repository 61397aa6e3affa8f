package web

import (
	"net/http"
	"time"

	"rrwatch/failover"
)

// guardsPage lists every guard.
type guardsPage struct {
	frame
	Rules []failover.GuardRule
}

func (s *server) guards(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "guards", guardsPage{s.frame(r, "guards", "Guards", time.Now()), failover.Guards()})
}
