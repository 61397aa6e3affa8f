package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"rrwatch/failover"
)

//go:embed *.html
var pageFiles embed.FS

// frame is what the layout shows around every page.
type frame struct {
	Title   string
	Page    string // which link of the navigation is the present one
	Now     stamp
	Vantage string
	Version string
	User    string // who logged in; empty without a password
	Seq     int64  // the newest entry of the journal before the page was made
	Alarms  int    // open incidents
	Live    bool   // the page follows the live stream
	Demo    bool
	Pauses  []pauseModel // in force
	Build   string       // digest of what the page loads: another one means another program
}

// loadPages parses each page together with the layout and the shared parts.
func (s *server) loadPages() (map[string]*template.Template, error) {
	base, err := template.New("").Funcs(template.FuncMap{"asset": s.assetPath}).ParseFS(pageFiles, "layout.html", "parts.html")
	if err != nil {
		return nil, fmt.Errorf("start the dashboard: parse the layout: %w", err)
	}
	pages := map[string]*template.Template{}
	for _, name := range []string{"overview", "pool", "incidents", "incident", "guards", "demo", "error"} {
		page, err := base.Clone()
		if err == nil {
			page, err = page.ParseFS(pageFiles, name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("start the dashboard: parse page %s: %w", name, err)
		}
		pages[name] = page
	}
	return pages, nil
}

// frame gathers what the layout shows. Trouble with the journal is not told
// here: the pages that need the journal tell it.
func (s *server) frame(r *http.Request, page, title string, now time.Time) frame {
	f := frame{
		Title: title, Page: page, Now: stampAt(now, now), Version: s.Version, User: s.user(r), Demo: s.Demo != nil,
		Build: s.assets["style.css"].digest + s.assets["live.js"].digest + s.Version,
	}
	if v := s.Views(); v != nil {
		f.Vantage, f.Alarms, f.Pauses = v.Vantage, openIncidents(v), pausesOf(v, now, f.User)
	}
	if seq, err := s.Journal.Last(r.Context()); err == nil {
		f.Seq = seq
	}
	return f
}

// openIncidents counts the outages of the members in view.
func openIncidents(v *failover.View) int {
	n := 0
	for _, p := range v.Pools {
		for _, m := range p.Members {
			if m.Incident != 0 && !m.Planned {
				n++
			}
		}
	}
	return n
}

// render makes the whole page before the first byte is sent, so that a
// mistake in a template is an error page and no half page.
func (s *server) render(w http.ResponseWriter, r *http.Request, status int, page string, data any) {
	var b bytes.Buffer
	if err := s.pages[page].ExecuteTemplate(&b, "layout", data); err != nil {
		s.Log.ErrorContext(r.Context(), "a page could not be made", "page", page, "error", err)
		http.Error(w, "This page could not be made; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	s.write(w, r, b.Bytes())
}

// write sends a body. That the reader has gone is no news.
func (s *server) write(w http.ResponseWriter, r *http.Request, b []byte) {
	if _, err := w.Write(b); err != nil {
		s.Log.DebugContext(r.Context(), "an answer was not read to its end", "path", r.URL.Path, "error", err)
	}
}

// fail answers with what is wrong as a sentence: as JSON under /api/, as plain
// text where no person looks, as a page elsewhere.
func (s *server) fail(w http.ResponseWriter, r *http.Request, status int, wrong string) {
	sentence := sentenceOf(wrong)
	switch {
	case strings.HasPrefix(r.URL.Path, "/api/"):
		s.json(w, r, status, map[string]string{"error": sentence})
	case strings.HasPrefix(r.URL.Path, "/events"), strings.HasPrefix(r.URL.Path, heartbeats), r.URL.Path == "/healthz", r.URL.Path == "/metrics":
		http.Error(w, sentence, status)
	default:
		around := s.frame(r, "", http.StatusText(status), time.Now())
		around.Pauses = nil // it may be a stranger who reads this
		s.render(w, r, status, "error", struct {
			frame
			Status   int
			Name     string
			Sentence string
		}{around, status, http.StatusText(status), sentence})
	}
}

// broken answers that something of ours did not work, and logs it.
func (s *server) broken(w http.ResponseWriter, r *http.Request, what string, err error) {
	if r.Context().Err() != nil {
		return // the reader has gone, and that is all that went wrong
	}
	s.Log.ErrorContext(r.Context(), "a request could not be answered", "path", r.URL.Path, "doing", what, "error", err)
	s.fail(w, r, http.StatusInternalServerError, fmt.Sprintf("could not %s: %v", what, err))
}

func (s *server) json(w http.ResponseWriter, r *http.Request, status int, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		s.Log.ErrorContext(r.Context(), "an answer could not be written as JSON", "path", r.URL.Path, "error", err)
		status, b = http.StatusInternalServerError, []byte(`{"error": "The answer could not be written as JSON; the log says why."}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	s.write(w, r, append(b, '\n'))
}
