package web

import (
	"net/http"
	"time"
)

// thingModel is one instance of the demo with what can be done to it.
type thingModel struct {
	Thing
	Badge badge
}

func (s *server) demo(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	page := struct {
		frame
		siteModel
		Things []thingModel
	}{frame: s.frame(r, "demo", "Break something", now), siteModel: siteOf(s.Views(), now, s.user(r))}
	page.Live = true
	for _, t := range s.Demo.Things() {
		m := thingModel{Thing: t, Badge: badge{t.State, good}}
		if t.Broken {
			m.Badge.Tone = bad
		}
		page.Things = append(page.Things, m)
	}
	s.render(w, r, http.StatusOK, "demo", page)
}
