package simulator

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Fault is one way in which an instance of the pretend site can fail.
type Fault string

const (
	// FaultNone is the absence of a fault: the instance serves.
	FaultNone Fault = ""
	// FaultKill is the death of the load balancer's process: its connections are reset and new ones are refused.
	FaultKill Fault = "kill"
	// FaultHang is a process that is alive and does nothing: connections are accepted and never answered.
	FaultHang Fault = "hang"
	// Fault503 is a load balancer without servers: every page is 503 Service Unavailable.
	Fault503 Fault = "503"
	// FaultSlow is a load balancer that answers every request after 10 s.
	FaultSlow Fault = "slow"
	// FaultStop is an instance that EC2 reports as stopped: its addresses stay its own and are silent.
	FaultStop Fault = "stop"
	// FaultLink is an instance whose network link is down: its addresses are silent, and EC2 says that it runs.
	FaultLink Fault = "link"
	// FaultFlap is a load balancer that answers every second request with 503.
	FaultFlap Fault = "flap"
)

// slowness is how long FaultSlow keeps a request waiting: longer than any sensible probe waits.
const slowness = 10 * time.Second

// ParseFault reads a fault as people write it (kill, hang, 503, slow, stop). Anything else is an error that names the choices.
func ParseFault(s string) (Fault, error) {
	all := []Fault{FaultKill, FaultHang, Fault503, FaultSlow, FaultStop}
	if f := Fault(strings.ToLower(strings.TrimSpace(s))); slices.Contains(all, f) {
		return f, nil
	}
	return FaultNone, fmt.Errorf("parse the fault %q: not known; write kill, hang, 503, slow or stop", s)
}

// alive tells whether a process of the instance still holds its listeners open.
func (f Fault) alive() bool { return f != FaultKill }

// silent tells whether the instance's connections go unanswered.
func (f Fault) silent() bool { return f == FaultHang || f.unreachable() }

// unreachable tells whether nobody answers a connection to the instance either.
func (f Fault) unreachable() bool { return f == FaultStop || f == FaultLink }

// An lb is the load balancer that one instance runs: one HTTP server behind all doors that lead to the instance.
type lb struct {
	instance Instance // as it was seen last
	asked    Fault    // by Break; guarded by fleet.mu
	now      atomic.Pointer[Fault]
	requests atomic.Uint64 // that came while it flaps
	server   *http.Server
}

func newLB(i Instance, log *slog.Logger) *lb {
	b := &lb{instance: i}
	b.turn(FaultNone)
	id, name, zone := i.ID, i.Name, i.Zone
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "served by %s (%s) in %s\n", name, id, zone) // the client has gone: nobody to tell
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, "ok")
	})
	b.server = &http.Server{
		Handler:  b.faulty(mux),
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return b
}

// faulty is the handler with the faults that live above the connection.
func (b *lb) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch b.fault() {
		case FaultFlap:
			if b.requests.Add(1)%2 == 1 {
				http.Error(w, "No server is available to handle this request.", http.StatusServiceUnavailable)
				return
			}
		case Fault503:
			http.Error(w, "No server is available to handle this request.", http.StatusServiceUnavailable)
			return
		case FaultSlow:
			late := time.NewTimer(slowness)
			defer late.Stop()
			select {
			case <-late.C:
			case <-r.Context().Done():
				return
			}
		case FaultNone, FaultKill, FaultHang, FaultStop, FaultLink: // nothing to do here: these live in the doors and connections
		}
		next.ServeHTTP(w, r)
	})
}

// fault is what ails the instance now, whether Break or the EC2 API brought it about.
func (b *lb) fault() Fault { return *b.now.Load() }

func (b *lb) turn(f Fault) { b.now.Store(&f) }
