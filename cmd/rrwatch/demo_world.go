package main

import (
	"bytes"
	"context"
	_ "embed" // the demo's configuration
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"rrwatch/config"
	"rrwatch/simulator"
	"rrwatch/web"
)

//go:embed demo.yaml
var demoConfig []byte

// The pretended site: five load balancers in two zones, of which three carry
// an Elastic IP. All addresses are on loopback.
func demoInstances() []simulator.Instance {
	tags := map[string]string{"rrwatch": "www"}
	lb := func(n int, zone string) simulator.Instance {
		return simulator.Instance{
			ID: fmt.Sprintf("i-0a1b2c0%d", n), Name: fmt.Sprintf("lb-%d", n), Zone: zone,
			Private: netip.AddrFrom4([4]byte{127, 10, 1, byte(10 + n)}), Tags: tags,
		}
	}
	const a, b = "eu-central-1a", "eu-central-1b"
	return []simulator.Instance{lb(1, a), lb(2, b), lb(3, a), lb(4, a), lb(5, b)}
}

func demoAddress(n int) netip.Addr { return netip.AddrFrom4([4]byte{127, 113, 0, byte(10 + n)}) }

// How slow the pretended AWS is: an API call takes about as long as from
// another Region, and the network follows a move after a moment.
const (
	demoLatency = 60 * time.Millisecond
	demoLag     = 2 * time.Second
	demoSync    = 3 * time.Second
	demoMove    = 400 * time.Millisecond
)

// world is a simulated AWS, its DNS server and its site, on loopback.
type world struct {
	aws  *simulator.AWS
	dns  *simulator.DNS
	site *simulator.Site
	url  string // of the AWS
	api  *http.Server

	mu    sync.Mutex
	moves []time.Time // when an AssociateAddress arrived
}

func newWorld(ctx context.Context, log *slog.Logger) (*world, error) {
	w := &world{aws: simulator.New(simulator.Options{Latency: demoLatency, Lag: demoLag, Sync: demoSync, Move: demoMove})}
	w.fill()
	var err error
	if w.dns, err = simulator.ServeDNS(ctx, w.aws, "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start the demo's DNS server: %w", err)
	}
	if w.site, err = simulator.NewSite(ctx, w.aws, 0, log); err != nil {
		w.dns.Close()
		return nil, fmt.Errorf("start the demo's site: %w (it needs all of 127.0.0.0/8 on loopback, as Linux has it)", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		w.site.Close()
		w.dns.Close()
		return nil, fmt.Errorf("start the demo's AWS: %w", err)
	}
	w.url = "http://" + listener.Addr().String()
	w.api = &http.Server{Handler: http.HandlerFunc(w.serve), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = w.api.Serve(listener) }() // ends by Close with ErrServerClosed, which says nothing new
	return w, nil
}

// fill wires the account: three weighted record sets, one an address.
func (w *world) fill() {
	instances := demoInstances()
	for _, i := range instances {
		w.aws.AddInstance(i)
	}
	w.aws.AddZone(simulator.Zone{ID: "Z0DEMO0EXAMPLE0COM00", Name: "example.com"})
	for n := 1; n <= 3; n++ {
		ip := demoAddress(n)
		w.aws.AddAddress(simulator.Address{IP: ip, Allocation: fmt.Sprintf("eipalloc-0demo%d", n), Instance: instances[n-1].ID})
		w.aws.SetRecord("Z0DEMO0EXAMPLE0COM00", simulator.RecordSet{
			Name: "www.example.com", Type: "A", TTL: 10, SetIdentifier: fmt.Sprintf("www-%d", n),
			Weight: new(int64(10)), Values: []string{ip.String()},
		})
	}
}

// serve notes when a move is asked for, and hands on.
func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err == nil && bytes.Contains(body, []byte("Action=AssociateAddress")) {
		w.mu.Lock()
		w.moves = append(w.moves, time.Now())
		w.mu.Unlock()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.aws.ServeHTTP(rw, r)
}

// moved is when the first move after t was asked for; zero if none was.
func (w *world) moved(t time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, at := range w.moves {
		if at.After(t) {
			return at
		}
	}
	return time.Time{}
}

func (w *world) close() error {
	w.site.Close()
	w.dns.Close()
	return w.api.Close()
}

// yaml is the demo's configuration with its places filled in.
func (w *world) yaml(database, listen string) []byte {
	return []byte(os.Expand(string(demoConfig), func(name string) string {
		value, _ := w.place(database, listen)(name)
		return value
	}))
}

func (w *world) config(database, listen string) (*config.Config, error) {
	return config.Parse("demo.yaml", demoConfig, w.place(database, listen))
}

func (w *world) place(database, listen string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := map[string]string{
			"DEMO_DATABASE": database,
			"DEMO_LISTEN":   listen,
			"DEMO_AWS":      w.url,
			"DEMO_DNS":      w.dns.Addr().String(),
			"DEMO_PORT":     strconv.Itoa(w.site.Port()),
		}[name]
		return value, ok
	}
}

// panel is the site as the dashboard's demo page shows and breaks it.
type panel struct{ site *simulator.Site }

var _ web.Demo = panel{}

// Things lists the instances.
func (p panel) Things() []web.Thing {
	var list []web.Thing
	for _, s := range p.site.State() {
		t := web.Thing{Name: s.Name, ID: s.ID, Zone: s.Zone, State: "well", Carries: s.Carries, Faults: demoFaults()}
		if s.Fault != simulator.FaultNone {
			t.State, t.Broken = string(s.Fault), true
		}
		list = append(list, t)
	}
	return list
}

func demoFaults() []string {
	return []string{
		string(simulator.FaultKill), string(simulator.FaultHang), string(simulator.Fault503),
		string(simulator.FaultSlow), string(simulator.FaultStop),
	}
}

// Break does a fault to an instance.
func (p panel) Break(name, fault string) error {
	f, err := simulator.ParseFault(fault)
	if err != nil {
		return err
	}
	return p.site.Break(name, f)
}

// Heal ends an instance's fault.
func (p panel) Heal(name string) error { return p.site.Heal(name) }

// users are people whose resolvers gave each of them one of the addresses.
type users struct {
	list []*simulator.User
	wg   sync.WaitGroup
	stop context.CancelFunc
}

func newUsers(ctx context.Context, port int) *users {
	ctx, cancel := context.WithCancel(ctx)
	u := &users{stop: cancel}
	for n := 1; n <= 3; n++ {
		user := &simulator.User{Name: "www.example.com", Port: port, Sticky: demoAddress(n)}
		u.list = append(u.list, user)
		u.wg.Go(func() { user.Run(ctx) })
	}
	return u
}

func (u *users) end() {
	u.stop()
	u.wg.Wait()
}

// worst is the report of the user that fared worst, with the requests of all.
func (u *users) worst() (worst simulator.Report, requests, failed int) {
	for _, user := range u.list {
		r := user.Report()
		requests += r.Requests
		failed += r.Failed
		if r.Failed > worst.Failed || worst.Requests == 0 {
			worst = r
		}
	}
	return worst, requests, failed
}

var errNotServed = errors.New("the site was not served again in time")
