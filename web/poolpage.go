package web

import (
	"net/http"
	"time"

	"rrwatch/failover"
)

// poolPage is one pool with its policy and what a person can do about it.
type poolPage struct {
	frame
	Pool   poolModel
	Policy []fact
	Score  failover.Score
	Pause  pauseForm
}

func (s *server) pool(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	v, name := s.Views(), r.PathValue("name")
	if v == nil {
		s.fail(w, r, http.StatusServiceUnavailable, notYet)
		return
	}
	for _, p := range v.Pools {
		if p.Name != name {
			continue
		}
		page := poolPage{
			frame: s.frame(r, "pool", "Pool "+name, now), Pool: poolOf(p, v.Pauses, now), Policy: append(policyOf(p.Policy), leaseOf(p.Lease)...), Score: p.Score,
			Pause: pauseForm{ID: "pool", Pool: name, User: s.user(r)},
		}
		for _, m := range page.Pool.Members {
			page.Pause.Members = append(page.Pause.Members, m.Addr)
		}
		page.Live = true
		s.render(w, r, http.StatusOK, "pool", page)
		return
	}
	s.fail(w, r, http.StatusNotFound, "there is no pool "+name)
}
