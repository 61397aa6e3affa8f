package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// GRPCOptions say how a server is asked for its health.
type GRPCOptions struct {
	TLS     *TLSOptions // nil: plain HTTP/2; its Name and Dial are filled in from here
	Host    string      // the :authority, and with TLS the name
	Service string      // the service that is asked for; empty: the server as a whole
	Dial    Dial
}

// GRPC passes when the server says by gRPC's standard health protocol that the
// service is serving (github.com/grpc/grpc, doc/health-checking.md).
func GRPC(o GRPCOptions) Func {
	if o.TLS != nil {
		secure := *o.TLS
		secure.Name, secure.protocols, secure.chains = o.Host, []string{"h2"}, newChains()
		o.TLS = &secure
	}
	return func(ctx context.Context, t Target) Answer {
		w := &grpcProbe{GRPCOptions: o, start: time.Now()}
		a := w.ask(ctx, t)
		a.Warning = w.warning
		return a
	}
}

// grpcProbe is one question over a connection of its own. It dials and shakes
// hands itself, before the library is there, so that the phases and the reasons
// are those of every other kind.
type grpcProbe struct {
	GRPCOptions
	start   time.Time
	phases  Phases
	warning string
}

func (w *grpcProbe) ask(ctx context.Context, t Target) Answer {
	conn, err := w.Dial(ctx, "tcp", t.Addr.String())
	if err != nil {
		return w.failed(ctx, dialing, err)
	}
	defer abort(conn)
	w.phases.Connect = time.Since(w.start)
	stream := conn
	if w.TLS != nil {
		secured, err := handshake(ctx, conn, *w.TLS)
		if err != nil {
			return w.failed(ctx, handshaking, err)
		}
		w.phases.TLS = time.Since(w.start) - w.phases.Connect
		w.warning = secured.chain.warning(time.Now(), w.TLS.WarnDays)
		// Every gRPC client refuses such a server (RFC 9113 section 3.3).
		if got := secured.ConnectionState().NegotiatedProtocol; got != "h2" {
			return w.judged(Fail, Protocol, fmt.Sprintf("the server does not agree to HTTP/2 in TLS (ALPN h2), but to %q", got))
		}
		stream = secured.Conn
	}
	return w.check(ctx, conn, &link{Conn: stream})
}

// check makes the one call over the connection.
func (w *grpcProbe) check(ctx context.Context, conn net.Conn, l *link) Answer {
	client, err := grpc.NewClient("passthrough:///"+w.Host, w.options(l)...)
	if err != nil {
		return w.judged(Inconclusive, Internal, clip(err.Error()))
	}
	// The connection ends first: the library would wait seconds for a far side
	// that does not take its farewell.
	defer func() {
		abort(conn)
		_ = client.Close()
	}()
	question := &grpc_health_v1.HealthCheckRequest{Service: w.Service}
	response, err := grpc_health_v1.NewHealthClient(client).Check(ctx, question)
	seen := l.seen()
	w.phases.FirstByte = seen.firstByte
	if err != nil {
		return w.explain(ctx, status.Convert(err), seen)
	}
	if state := response.GetStatus(); state != grpc_health_v1.HealthCheckResponse_SERVING {
		return w.judged(Fail, NotServing, w.named()+" says "+state.String())
	}
	return w.judged(Pass, "", w.named()+" says SERVING")
}

// What a health server may send: the library's own limits are for real work.
const (
	grpcMessageLimit = 64 << 10 // bytes of one message
	grpcHeadLimit    = 64 << 10 // bytes of headers or trailers
	grpcBuffer       = 4 << 10  // bytes; the library takes 32 KiB each way
)

// options leave the library one connection, one attempt and nothing that the
// environment, a resolver or the server could add.
func (w *grpcProbe) options(l *link) []grpc.DialOption {
	already := established{TransportCredentials: insecure.NewCredentials(), protocol: "insecure"}
	if w.TLS != nil {
		already.protocol = "tls"
	}
	return []grpc.DialOption{
		grpc.WithTransportCredentials(already),
		grpc.WithContextDialer(l.take),
		grpc.WithAuthority(w.Host),
		grpc.WithUserAgent("rrwatch"),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithDisableHealthCheck(),
		grpc.WithIdleTimeout(0),
		grpc.WithStatsHandler(l),
		grpc.WithReadBufferSize(grpcBuffer),
		grpc.WithWriteBufferSize(grpcBuffer),
		grpc.WithMaxHeaderListSize(grpcHeadLimit),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(grpcMessageLimit)),
	}
}

// established are credentials for a connection whose handshake is over. The
// protocol decides the :scheme, which over TLS must be https.
type established struct {
	credentials.TransportCredentials
	protocol string
}

// Info says which protocol the connection speaks.
func (e established) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: e.protocol}
}

// Clone returns a copy.
func (e established) Clone() credentials.TransportCredentials { return e }

// What the library's own errors begin with: they are told from the server's by
// nothing else. Each has a test that fails when the library rewords it.
const (
	grpcOwn         = "grpc: "
	grpcTooLarge    = "grpc: received message larger than max"
	grpcCardinality = "cardinality violation"
	grpcHTTPStatus  = "unexpected HTTP status code received from server: "
	grpcReset       = "stream terminated by RST_STREAM"
)

// explain says why the answer is none, or no good one. What the connection saw
// tells more than the library does, which calls most of it Unavailable.
func (w *grpcProbe) explain(ctx context.Context, said *status.Status, seen sight) Answer {
	stranger := seen.stranger()
	switch code, text := said.Code(), said.Message(); {
	case stranger != "" && !errors.Is(ctx.Err(), context.Canceled):
		return w.judged(Fail, Protocol, stranger)
	case ctx.Err() != nil, code == codes.DeadlineExceeded:
		return w.failed(ctx, asking, context.DeadlineExceeded)
	case seen.trailers && !strings.HasPrefix(text, grpcOwn) && !strings.HasPrefix(text, grpcCardinality):
		return w.judged(Fail, NotServing, w.refusal(code, text))
	}
	return w.unanswered(ctx, said, seen)
}

// unanswered says why the library found no answer in what came.
func (w *grpcProbe) unanswered(ctx context.Context, said *status.Status, seen sight) Answer {
	lost := said.Code() == codes.Unavailable
	switch text := said.Message(); {
	case strings.HasPrefix(text, grpcTooLarge):
		return w.judged(Fail, TooLarge, clip(text))
	case strings.HasPrefix(text, grpcHTTPStatus):
		return w.judged(Fail, pageReason(text), clip("answered without gRPC, with HTTP status "+text[len(grpcHTTPStatus):]))
	case strings.HasPrefix(text, grpcReset):
		return w.judged(Fail, Reset, clip(text))
	case lost && seen.ended != nil:
		return w.failed(ctx, asking, seen.ended)
	case lost && seen.again:
		return w.judged(Fail, Closed, "the server said farewell (GOAWAY) before it answered")
	}
	return w.judged(Fail, Protocol, clip(said.Message()))
}

// pageReason tells an error page from one that should not be there at all.
func pageReason(text string) Reason {
	if strings.HasPrefix(text, grpcHTTPStatus+"200") {
		return Protocol
	}
	return Status
}

// refusal is a status that the server itself has sent.
func (w *grpcProbe) refusal(code codes.Code, text string) string {
	switch {
	case code == codes.NotFound:
		return fmt.Sprintf("the server knows no service %q", clip(w.Service))
	case code == codes.Unimplemented:
		return "the server has no health service (grpc.health.v1.Health)"
	case text == "":
		return "answered " + code.String()
	}
	return "answered " + code.String() + ": " + clip(text)
}

func (w *grpcProbe) named() string {
	if w.Service == "" {
		return "the server"
	}
	return "service " + clip(w.Service)
}

func (w *grpcProbe) judged(v Verdict, why Reason, detail string) Answer {
	w.phases.Whole = time.Since(w.start)
	return Answer{Verdict: v, Reason: why, Detail: detail, Phases: w.phases}
}

func (w *grpcProbe) failed(ctx context.Context, at stage, err error) Answer {
	w.phases.Whole = time.Since(w.start)
	return failed(ctx, at, err, w.phases)
}
