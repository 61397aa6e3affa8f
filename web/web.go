// Package web shows what rrwatch believes and did: a server-rendered
// dashboard, a JSON API of the same, a live stream that follows the journal,
// and metrics. It needs no JavaScript and loads nothing from elsewhere.
package web

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"

	"rrwatch/failover"
)

// Journal is what the pages and the live stream read of the journal.
type Journal interface {
	// Since returns at most limit entries whose sequence number is above
	// after, in order.
	Since(ctx context.Context, after int64, limit int) ([]failover.Entry, error)
	// Last is the newest sequence number; 0 while the journal is empty.
	Last(ctx context.Context) (int64, error)
	// Changed is closed at the next entry: take it, read, then wait for it.
	Changed() <-chan struct{}
}

// Incidents is the journal's view of the outages.
type Incidents interface {
	// Incident returns one incident; its error is Options.NotFound if there is
	// no such incident.
	Incident(ctx context.Context, id int64) (failover.Incident, error)
	// Incidents returns at most limit incidents, newest first: those whose id
	// is below before (0: all), the open or the closed ones only if open is
	// not nil.
	Incidents(ctx context.Context, open *bool, before int64, limit int) ([]failover.Incident, error)
}

// Operator is a person's hand. Its errors are shown to that person.
type Operator interface {
	// Approve allows a proposed action: action is the text of Hold.Action.
	Approve(ctx context.Context, incident int64, action, by string) error
	// ReleaseBrake lets automatic action go on.
	ReleaseBrake(ctx context.Context, by string) error
	// Override lets the guard hold the incident back no more, for 15 minutes.
	Override(ctx context.Context, incident int64, guard failover.Guard, why, by string) error
}

// Pauser stops automatic action for a while. Its errors are shown to the
// person who asked.
type Pauser interface {
	// Pause stops it until p.Until; a pause of the same scope is replaced.
	Pause(ctx context.Context, p failover.Pause) error
	// Resume ends the pause of the scope of p.
	Resume(ctx context.Context, p failover.Pause, by string) error
}

// Demo is the pretended site, whose instances can be broken by hand.
type Demo interface {
	Things() []Thing
	// Break does one of the thing's faults to it; name is a Thing's Name or ID.
	Break(name, fault string) error
	Heal(name string) error
}

// Thing is one instance of the demo.
type Thing struct {
	Name    string       `json:"name"`
	ID      string       `json:"id"`
	Zone    string       `json:"zone"`
	State   string       `json:"state"`             // in a word: "well", or the fault it has
	Broken  bool         `json:"broken"`            // it has a fault
	Carries []netip.Addr `json:"carries,omitempty"` // the addresses that it carries now
	Faults  []string     `json:"faults"`            // what can be done to it
}

// Options are what the pages need.
type Options struct {
	// Views returns the present view; nil before the first look.
	Views     func() *failover.View
	Journal   Journal
	Incidents Incidents
	// NotFound is what Incidents.Incident's error wraps when there is no such
	// incident.
	NotFound error
	Operator Operator
	Pauser   Pauser
	Log      *slog.Logger
	// Listen is the address that the server listens on, "127.0.0.1:8080". On
	// loopback, requests that name another host are refused (DNS rebinding).
	// Anywhere else, nothing can be changed through the pages without a
	// Password.
	Listen string
	// Password, if not empty, is asked for by HTTP basic authentication on
	// everything but /healthz. The user's name is free: it is who acted.
	Password string
	Version  string
	// Heart takes heartbeats; nil: none are waited for.
	Heart Heart
	// Demo is nil unless this is the demo.
	Demo Demo
	// Health says why rrwatch cannot do its work; nil: it can. Optional.
	Health func(ctx context.Context) error
}

// server answers all requests. It never changes after New; what it shows it
// asks for at each request.
type server struct {
	Options
	loopback bool
	host     string // of Listen
	assets   map[string]asset
	pages    map[string]*template.Template
	routes   *http.ServeMux
}

// New returns the handler of all pages, the API, the live stream, /healthz and
// /metrics. It fails if an option is missing or Listen is no host:port.
//
// A live stream ends with its request's context: give the http.Server a
// BaseContext that ends before Shutdown, and no WriteTimeout is needed.
func New(o Options) (http.Handler, error) {
	if o.Views == nil || o.Journal == nil || o.Incidents == nil || o.Operator == nil || o.Pauser == nil || o.Log == nil {
		return nil, errors.New("start the dashboard: Views, Journal, Incidents, Operator, Pauser and Log must be given")
	}
	host, loopback, err := listens(o.Listen)
	if err != nil {
		return nil, err
	}
	s := &server{Options: o, loopback: loopback, host: host}
	if s.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if s.pages, err = s.loadPages(); err != nil {
		return nil, err
	}
	metrics, err := s.metrics()
	if err != nil {
		return nil, err
	}
	s.routes = s.route(metrics)
	return s.secure(http.HandlerFunc(s.dispatch)), nil
}

func (s *server) route(metrics http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	to := func(path string) func(*http.Request) string { return func(*http.Request) string { return path } }
	mux.HandleFunc("GET /{$}", s.overview)
	mux.HandleFunc("GET /incidents", s.incidents)
	mux.HandleFunc("GET /incidents/{id}", s.incident)
	incident := func(r *http.Request) string { return "/incidents/" + r.PathValue("id") }
	mux.HandleFunc("POST /incidents/{id}/approve", s.byForm(s.approve, incident))
	mux.HandleFunc("POST /incidents/{id}/override", s.byForm(s.override, incident))
	mux.HandleFunc("GET /pools/{name}", s.pool)
	mux.HandleFunc("GET /guards", s.guards)
	mux.HandleFunc("POST /pause", s.byForm(s.pausePool, backToPool))
	mux.HandleFunc("POST /resume", s.byForm(s.resumePool, backToPool))
	mux.HandleFunc("POST /brake/release", s.byForm(s.release, to("/")))
	mux.HandleFunc("GET /assets/{name}", s.asset)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.Handle("GET /metrics", metrics)

	mux.HandleFunc("GET /api/v1/view", s.apiView)
	mux.HandleFunc("GET /api/v1/pools", s.apiPools)
	mux.HandleFunc("GET /api/v1/incidents", s.apiIncidents)
	mux.HandleFunc("GET /api/v1/incidents/{id}", s.apiIncident)
	mux.HandleFunc("GET /api/v1/journal", s.apiJournal)
	mux.HandleFunc("POST /api/v1/incidents/{id}/approve", s.byAPI(s.approve))
	mux.HandleFunc("POST /api/v1/incidents/{id}/override", s.byAPI(s.override))
	mux.HandleFunc("POST /api/v1/pause", s.byAPI(s.pausePool))
	mux.HandleFunc("POST /api/v1/resume", s.byAPI(s.resumePool))
	mux.HandleFunc("POST /api/v1/brake/release", s.byAPI(s.release))

	if s.Heart != nil {
		mux.HandleFunc(heartbeatRoute, s.heartbeat)
	}
	if s.Demo != nil {
		mux.HandleFunc("GET /demo", s.demo)
		mux.HandleFunc("POST /demo/break", s.byForm(s.breakThing, to("/demo")))
		mux.HandleFunc("POST /demo/heal", s.byForm(s.healThing, to("/demo")))
		mux.HandleFunc("POST /api/v1/demo/break", s.byAPI(s.breakThing))
		mux.HandleFunc("POST /api/v1/demo/heal", s.byAPI(s.healThing))
	}
	return mux
}

// dispatch is the ServeMux with its own 404 and 405 answers put into our
// words.
func (s *server) dispatch(w http.ResponseWriter, r *http.Request) {
	h, pattern := s.routes.Handler(r)
	if pattern != "" {
		s.routes.ServeHTTP(w, r)
		return
	}
	said := &statusOnly{header: http.Header{}}
	h.ServeHTTP(said, r)
	if allow := said.header.Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
		s.fail(w, r, http.StatusMethodNotAllowed, "this address answers "+allow+" only")
		return
	}
	s.fail(w, r, http.StatusNotFound, "there is no such page")
}

// statusOnly takes an answer and keeps its header.
type statusOnly struct{ header http.Header }

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
func (s *statusOnly) WriteHeader(int)             {}
