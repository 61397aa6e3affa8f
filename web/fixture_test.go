package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

var errNoIncident = errors.New("no such incident")

// site is everything that the pages are given in a test.
type site struct {
	view     atomic.Pointer[failover.View]
	journal  *memory
	operator *hand
	demo     *toys
}

// newSite is a rich day: one member in every state, and a second pool that
// waits for a person.
func newSite(now time.Time) *site {
	s := &site{journal: &memory{changed: make(chan struct{})}, operator: &hand{}, demo: &toys{}}
	s.view.Store(richView(now))
	s.journal.incidents = incidentsAt(now)
	for _, e := range entriesAt(now) {
		s.journal.append(e)
	}
	return s
}

func (s *site) options() Options {
	return Options{
		Views: s.view.Load, Journal: s.journal, Incidents: s.journal, NotFound: errNoIncident, Operator: s.operator, Pauser: s.operator,
		Log: slog.New(slog.DiscardHandler), Listen: "127.0.0.1:8080", Version: "v1.2.3", Demo: s.demo,
	}
}

func handler(t *testing.T, o Options) http.Handler {
	t.Helper()
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// reply is an answer without its body.
type reply struct {
	StatusCode int
	Status     string
	Header     http.Header
}

// ask makes one request to a handler and returns the answer with its body.
func ask(t *testing.T, h http.Handler, method, target, body string, set ...func(*http.Request)) (reply, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // an answer that is a stream has an end
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:8080"
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, f := range set {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answer := w.Result()
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Status, answer.Header}, string(b)
}

// memory is a journal that forgets.
type memory struct {
	mu        sync.Mutex
	entries   []failover.Entry
	incidents []failover.Incident
	changed   chan struct{}
	err       error
}

func (m *memory) append(e failover.Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e.Seq = int64(len(m.entries)) + 1
	m.entries = append(m.entries, e)
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *memory) Since(_ context.Context, after int64, limit int) ([]failover.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	rest := m.entries[min(int(after), len(m.entries)):]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

func (m *memory) Last(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.entries)), m.err
}

func (m *memory) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

func (m *memory) Incident(_ context.Context, id int64) (failover.Incident, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, i := range m.incidents {
		if i.ID == id {
			return i, m.err
		}
	}
	return failover.Incident{}, fmt.Errorf("read incident %d: %w", id, errNoIncident)
}

func (m *memory) Incidents(_ context.Context, open *bool, before int64, limit int) ([]failover.Incident, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []failover.Incident
	for _, i := range slices.Backward(m.incidents) {
		if (open == nil || *open == i.Open()) && (before == 0 || i.ID < before) && len(list) < limit {
			list = append(list, i)
		}
	}
	return list, m.err
}

// hand remembers what a person did.
type hand struct {
	mu   sync.Mutex
	done []string
	err  error
}

func (h *hand) do(what string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		h.done = append(h.done, what)
	}
	return h.err
}

func (h *hand) Approve(_ context.Context, incident int64, action, by string) error {
	return h.do(fmt.Sprintf("%d %s by %s", incident, action, by))
}

func (h *hand) ReleaseBrake(_ context.Context, by string) error { return h.do("release by " + by) }

func (h *hand) Override(_ context.Context, incident int64, guard failover.Guard, why, by string) error {
	return h.do(fmt.Sprintf("override %s for %d by %s: %s", guard, incident, by, why))
}

func (h *hand) Pause(_ context.Context, p failover.Pause) error {
	return h.do(fmt.Sprintf("pause %s for %s by %s: %s", p.Scope(), time.Until(p.Until).Round(time.Minute), p.By, p.Why))
}

func (h *hand) Resume(_ context.Context, p failover.Pause, by string) error {
	return h.do("resume " + p.Scope() + " by " + by)
}

func (h *hand) did() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.done)
}

// toys is a demo whose instances are words.
type toys struct{ hand }

func (*toys) Things() []Thing {
	faults := []string{"kill", "hang", "503", "slow", "stop"}
	return []Thing{
		{Name: "lb-1", ID: "i-0a11", Zone: "eu-central-1a", State: "well", Carries: addrs("127.113.0.11"), Faults: faults},
		{Name: "lb-2", ID: "i-0a22", Zone: "eu-central-1b", State: "kill", Broken: true, Carries: addrs("127.113.0.12"), Faults: faults},
		{Name: "lb-3", ID: "i-0a33", Zone: "eu-central-1a", State: "well", Faults: faults},
	}
}

func (d *toys) Break(name, fault string) error { return d.do("break " + name + " " + fault) }
func (d *toys) Heal(name string) error         { return d.do("heal " + name) }

func addrs(texts ...string) []netip.Addr {
	var list []netip.Addr
	for _, t := range texts {
		list = append(list, netip.MustParseAddr(t))
	}
	return list
}

// result is one answer of a check, sent some time before now.
func result(check, addr string, at time.Time, reason probe.Reason, detail string) probe.Result {
	r := probe.Result{
		Target: probe.Target{Pool: "www", Check: check, Addr: netip.AddrPortFrom(netip.MustParseAddr(addr), 443)},
		At:     at, Vantage: "mon-1",
		Answer: probe.Answer{Verdict: probe.Pass, Phases: probe.Phases{Whole: 12300 * time.Microsecond}, Detail: detail},
	}
	if reason != "" {
		r.Verdict, r.Reason = probe.Fail, reason
	}
	return r
}

func checkView(name, addr string, state monitor.State, fails int, last probe.Result, toChange string) failover.CheckView {
	return failover.CheckView{
		Name: name, Kind: "https", ToChange: toChange,
		Health: monitor.Health{State: state, Since: last.At.Add(-time.Hour), Fails: fails, Last: last, Asked: last.At, SeenUp: true},
	}
}

func instance(n int, zone string) failover.Instance {
	return failover.Instance{
		ID: fmt.Sprintf("i-0%08x", 0xa1b2c300+n), Name: fmt.Sprintf("lb-%d", n), Zone: "eu-central-1" + zone, State: "running",
		Private: netip.AddrFrom4([4]byte{10, 0, 1, byte(n)}), Interfaces: 1,
	}
}

func member(addr string, weight int64, on failover.Instance) failover.MemberView {
	return failover.MemberView{
		Member: failover.Member{
			Addr: netip.MustParseAddr(addr), Published: weight > 0,
			Set:     failover.RecordSet{Name: "www.example.com", Type: "A", TTL: 60, Identifier: on.Name, Weight: new(weight), Values: []string{addr}},
			Address: &failover.Address{IP: netip.MustParseAddr(addr), Allocation: "eipalloc-0" + on.Name, Instance: on.ID},
		},
		Carrier: on,
	}
}
