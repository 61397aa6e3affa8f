package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// hit is a connection that came in.
type hit struct {
	to netip.Addr // which of this machine's addresses it was made to: the target
	at time.Time
}

// recorder is a server that remembers when which of its addresses was asked, so that a schedule is judged by what is seen of
// it from outside, whoever keeps it. It runs in the bench's own process, whose use of the machine nobody counts.
type recorder struct {
	listener net.Listener
	port     int

	mu    sync.Mutex // protects the following
	hits  []hit
	total int64 // hits on the targets that are measured
}

func record(ctx context.Context) (*recorder, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp4", "0.0.0.0:0")
	if err != nil {
		return nil, fmt.Errorf("listen for probes: %w", err)
	}
	r := &recorder{listener: listener, port: listener.Addr().(*net.TCPAddr).Port}
	go r.serve()
	return r, nil
}

func (r *recorder) close() { _ = r.listener.Close() }

// recordWithin bounds a connection to the recorder.
const recordWithin = 5 * time.Second

func (r *recorder) serve() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		now := time.Now()
		to := conn.LocalAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
		r.mu.Lock()
		r.hits = append(r.hits, hit{to: to, at: now})
		if targetNet().Contains(to) {
			r.total++
		}
		r.mu.Unlock()
		_ = conn.SetDeadline(now.Add(recordWithin))
		go respond(conn)
	}
}

// take returns the hits since it was last called.
func (r *recorder) take() []hit {
	r.mu.Lock()
	defer r.mu.Unlock()
	hits := r.hits
	r.hits = make([]hit, 0, cap(hits))
	return hits
}

// count is how many connections to the measured targets ever came in.
func (r *recorder) count(context.Context) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total, nil
}
