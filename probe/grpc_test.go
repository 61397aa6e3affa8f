package probe_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"rrwatch/probe"
)

// healthOf is the question after the health of a service, in plain HTTP/2.
func healthOf(service string) probe.GRPCOptions {
	return probe.GRPCOptions{Host: "www.example.com", Service: service, Dial: dial()}
}

// serveGRPC runs a real gRPC server on a listener.
func serveGRPC(t *testing.T, l net.Listener, register func(*grpc.Server), options ...grpc.ServerOption) netip.AddrPort {
	t.Helper()
	server := grpc.NewServer(options...)
	if register != nil {
		register(server)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

// states is a health service that knows two services.
func states(server *grpc.Server) {
	h := health.NewServer()
	h.SetServingStatus("shop.Cart", grpc_health_v1.HealthCheckResponse_SERVING)
	h.SetServingStatus("shop.Stock", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	grpc_health_v1.RegisterHealthServer(server, h)
}

// answering is a health service that gives one answer.
type answering struct {
	grpc_health_v1.UnimplementedHealthServer
	state grpc_health_v1.HealthCheckResponse_ServingStatus
	err   error
	saw   chan<- metadata.MD
}

func (a answering) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	if a.saw != nil {
		md, _ := metadata.FromIncomingContext(ctx)
		a.saw <- md
	}
	return &grpc_health_v1.HealthCheckResponse{Status: a.state}, a.err
}

func (a answering) register(server *grpc.Server) { grpc_health_v1.RegisterHealthServer(server, a) }

func TestAsksARealServerForItsHealth(t *testing.T) {
	says := func(s grpc_health_v1.HealthCheckResponse_ServingStatus) func(*grpc.Server) {
		return answering{state: s}.register
	}
	refuses := func(code codes.Code, text string) func(*grpc.Server) {
		return answering{err: status.Error(code, text)}.register
	}
	for name, c := range map[string]struct {
		register func(*grpc.Server)
		service  string
		reason   probe.Reason
		detail   string
	}{
		"the whole server":        {states, "", "", "the server says SERVING"},
		"one service":             {states, "shop.Cart", "", "service shop.Cart says SERVING"},
		"a service that is down":  {states, "shop.Stock", probe.NotServing, "service shop.Stock says NOT_SERVING"},
		"a service it knows not":  {states, "shop.Nothing", probe.NotServing, `the server knows no service "shop.Nothing"`},
		"it does not know itself": {says(grpc_health_v1.HealthCheckResponse_UNKNOWN), "", probe.NotServing, "the server says UNKNOWN"},
		"a service unknown":       {says(grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN), "a", probe.NotServing, "service a says SERVICE_UNKNOWN"},
		"a state of the future":   {says(17), "", probe.NotServing, "the server says 17"},
		"no health service":       {nil, "", probe.NotServing, "the server has no health service (grpc.health.v1.Health)"},
		"a proxy without backend": {refuses(codes.Unavailable, "no healthy upstream"), "", probe.NotServing, "answered Unavailable: no healthy upstream"},
		"not let in":              {refuses(codes.Unauthenticated, ""), "", probe.NotServing, "answered Unauthenticated"},
		"broken":                  {refuses(codes.Internal, "oops\x1b[2J"), "", probe.NotServing, "answered Internal: oops [2J"},
		"gave up early":           {refuses(codes.DeadlineExceeded, "upstream"), "", probe.AnswerTimeout, ""},
	} {
		t.Run(name, func(t *testing.T) {
			addr := serveGRPC(t, listenOn(t, "127.0.0.1:0"), c.register)
			a := ask(t, probe.GRPC(healthOf(c.service)), addr, soon)
			if a.Reason != c.reason || c.detail != "" && a.Detail != c.detail {
				t.Errorf("got %s, %q: %s\nwant %q: %s", a.Verdict, a.Reason, a.Detail, c.reason, c.detail)
			}
			checkPhases(t, a.Phases, answered, false)
			checkHarmless(t, a.Detail)
		})
	}
}

func TestAsksForHealthOverTLSByTheName(t *testing.T) {
	ca := newAuthority(t)
	const name = "www.example.com"
	offers := func(c *tls.Config, protocols ...string) *tls.Config {
		c = c.Clone()
		c.NextProtos = protocols
		return c
	}
	good := offers(ca.config(name, time.Hour), "h2")
	mutual := offers(good, "h2")
	mutual.ClientAuth = tls.RequireAnyClientCert
	for title, c := range map[string]struct {
		config *tls.Config
		reason probe.Reason
		last   reached
	}{
		"passes":              {good, "", answered},
		"expired":             {offers(ca.config(name, -time.Hour), "h2"), probe.TLSExpired, connected},
		"another name":        {offers(ca.config("a.example.com", time.Hour), "h2"), probe.TLSName, connected},
		"another authority":   {offers(newAuthority(t).config(name, time.Hour), "h2"), probe.TLSUntrusted, connected},
		"HTTP/1.1 only":       {offers(good, "http/1.1"), probe.TLSHandshake, connected},
		"no ALPN":             {offers(good), probe.Protocol, secured},
		"wants a certificate": {mutual, probe.TLSHandshake, secured},
	} {
		t.Run(title, func(t *testing.T) {
			addr := serveGRPC(t, tls.NewListener(listenOn(t, "127.0.0.1:0"), c.config), states)
			o := healthOf("")
			o.TLS = &probe.TLSOptions{Roots: ca.roots, Name: "ignored.example.net", WarnDays: 1}
			a := ask(t, probe.GRPC(o), addr, soon)
			if warned := strings.Contains(a.Warning, "certificate"); warned != (c.last >= secured) {
				t.Errorf("warned: %v: %q", warned, a.Warning)
			}
			if a.Reason != c.reason {
				t.Errorf("got %s, %q (%s), want %q", a.Verdict, a.Reason, a.Detail, c.reason)
			}
			checkPhases(t, a.Phases, c.last, true)
			checkHarmless(t, a.Detail)
		})
	}
}

func TestAHealthQuestionNamesTheSite(t *testing.T) {
	ca := newAuthority(t)
	config := ca.config("www.example.com", time.Hour)
	config.NextProtos = []string{"h2"}
	seen := make(chan *http.Request, 1)
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen <- r
			w.WriteHeader(http.StatusServiceUnavailable)
		}),
		TLSConfig: config, ReadHeaderTimeout: soon,
	}
	l := listenOn(t, "127.0.0.1:0")
	go func() { _ = server.ServeTLS(l, "", "") }()
	defer server.Close()
	o := healthOf("")
	o.TLS = &probe.TLSOptions{Roots: ca.roots}
	a := ask(t, probe.GRPC(o), netip.MustParseAddrPort(l.Addr().String()), soon)
	if a.Reason != probe.Status || !strings.Contains(a.Detail, "503") {
		t.Errorf("got %+v, want the HTTP status", a)
	}
	r := <-seen
	if r.Host != "www.example.com" || r.TLS.ServerName != "www.example.com" || r.URL.Path != "/grpc.health.v1.Health/Check" ||
		!strings.HasPrefix(r.UserAgent(), "rrwatch ") || r.Header.Get("Content-Type") != "application/grpc" {
		t.Errorf("asked %s %s %v", r.Host, r.URL, r.Header)
	}
}

// Over TLS the scheme is https: proxies refuse another (RFC 9113 section 8.3.1).
func TestAHealthQuestionSaysWhichSchemeItUses(t *testing.T) {
	ca := newAuthority(t)
	config := ca.config("www.example.com", time.Hour)
	config.NextProtos = []string{"h2"}
	schemes := make(chan string, 2)
	talk := func(conn net.Conn) {
		_, _ = io.ReadFull(conn, make([]byte, len(http2.ClientPreface)))
		f := http2.NewFramer(conn, conn)
		f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		_ = f.WriteSettings()
		for {
			switch frame, err := f.ReadFrame(); head := frame.(type) {
			case *http2.MetaHeadersFrame:
				schemes <- head.PseudoValue("scheme")
				return
			default:
				if err != nil {
					return
				}
			}
		}
	}
	o := healthOf("")
	ask(t, probe.GRPC(o), serve(t, talk), soon)
	o.TLS = &probe.TLSOptions{Roots: ca.roots}
	ask(t, probe.GRPC(o), serveTLS(t, config, talk), soon)
	if plain, secure := <-schemes, <-schemes; plain != "http" || secure != "https" {
		t.Errorf("plain says %q, TLS says %q", plain, secure)
	}
}

func TestAHealthQuestionGoesOverIPv6(t *testing.T) {
	addr := serveGRPC(t, listenOn(t, "[::1]:0"), states)
	if a := ask(t, probe.GRPC(healthOf("")), addr, soon); a.Verdict != probe.Pass {
		t.Errorf("got %+v", a)
	}
}

// Proxies and settings of the environment would ask somebody else.
func TestAHealthQuestionIgnoresTheEnvironment(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	saw := make(chan metadata.MD, 1)
	addr := serveGRPC(t, listenOn(t, "127.0.0.1:0"), answering{state: grpc_health_v1.HealthCheckResponse_SERVING, saw: saw}.register)
	if a := ask(t, probe.GRPC(healthOf("")), addr, soon); a.Verdict != probe.Pass {
		t.Errorf("got %+v", a)
	}
	if md := <-saw; md.Get(":authority")[0] != "www.example.com" {
		t.Errorf("the authority is %v", md)
	}
}

// The library's logger is made before a test can take its place: only a program
// of its own shows what it says.
func TestTheGRPCLibraryLogsNothing(t *testing.T) {
	if os.Getenv("RRWATCH_TEST_QUIET") != "" {
		for _, talk := range hostileGRPC() {
			ask(t, probe.GRPC(healthOf("")), serve(t, talk.talk), 200*time.Millisecond)
		}
		return
	}
	program := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheGRPCLibraryLogsNothing$")
	program.Env = append(os.Environ(), "RRWATCH_TEST_QUIET=1", "GRPC_GO_LOG_SEVERITY_LEVEL=")
	var said strings.Builder
	program.Stderr = &said
	if err := program.Run(); err != nil {
		t.Fatal(err)
	}
	if said.Len() > 0 {
		t.Errorf("it says %s", said.String())
	}
}
