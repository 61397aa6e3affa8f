package probe

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// bodyLimit bounds how much of an answer is read, in bytes: whatever the other
// side sends, a probe holds no more than this.
const bodyLimit = 1 << 20

// StatusRange is a range of HTTP status codes, both ends included.
type StatusRange struct{ From, To int }

// HTTPOptions say how a page is asked for and what is expected of the answer.
type HTTPOptions struct {
	TLS    *TLSOptions // nil: plain http; its Name and Dial are filled in from here
	Method string
	Host   string // the Host header, and with TLS the name
	Path   string // with a query, if any
	Header http.Header
	Status []StatusRange // the answer's status must lie in one of them
	Body   string        // text that the answer's body must contain; empty: whatever
	Dial   Dial
}

// HTTP passes when the address answers one request, over a connection of its
// own, as expected. Redirects are answers and are not followed.
func HTTP(o HTTPOptions) Func {
	return func(ctx context.Context, t Target) Answer {
		w := &httpProbe{HTTPOptions: o, start: time.Now()}
		return w.ask(ctx, t)
	}
}

// httpProbe is one request and answer on a fresh connection. It uses the
// library's wire format and not its Transport: no pool, no retry, no
// goroutine, and the deadline bounds every byte.
type httpProbe struct {
	HTTPOptions
	start  time.Time
	phases Phases
}

func (w *httpProbe) ask(ctx context.Context, t Target) Answer {
	conn, err := w.Dial(ctx, "tcp", t.Addr.String())
	w.phases.Connect = time.Since(w.start)
	if err != nil {
		w.phases.Connect = 0
		return w.failed(ctx, dialing, err)
	}
	defer abort(conn)
	stop := bound(ctx, conn)
	defer stop()
	stream := conn
	if w.TLS != nil {
		secured, err := handshake(ctx, conn, TLSOptions{Name: w.Host, Roots: w.TLS.Roots})
		if err != nil {
			return w.failed(ctx, handshaking, err)
		}
		w.phases.TLS = time.Since(w.start) - w.phases.Connect
		stream = secured
	}
	return w.exchange(ctx, stream)
}

// bound makes the connection give up at the context's deadline or end.
func bound(ctx context.Context, conn net.Conn) (stop func() bool) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}

func (w *httpProbe) exchange(ctx context.Context, stream net.Conn) Answer {
	request, err := w.request(ctx)
	if err != nil {
		return Answer{Verdict: Inconclusive, Reason: Internal, Detail: err.Error()}
	}
	if err := request.Write(stream); err != nil {
		return w.failed(ctx, asking, err)
	}
	sent := time.Now()
	// The reader is bounded, so that endless headers end too.
	reader := bufio.NewReader(io.LimitReader(stream, bodyLimit))
	if _, err := reader.Peek(1); err != nil {
		return w.failed(ctx, asking, err)
	}
	w.phases.FirstByte = time.Since(sent)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return w.failed(ctx, asking, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := w.read(response.Body)
	if err != nil {
		return w.failed(ctx, asking, err)
	}
	return w.judge(response, body)
}

func (w *httpProbe) request(ctx context.Context) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, w.Method, "http://address"+w.Path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("build the request: %w", err)
	}
	request.Host = w.Host
	request.Header = w.Header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "rrwatch")
	}
	request.Close = true
	return request, nil
}

// read takes the body as far as the expectation needs it: none of it when
// nothing is expected of it, so that a large page is not fetched every second.
func (w *httpProbe) read(body io.Reader) ([]byte, error) {
	if w.Body == "" {
		return nil, nil
	}
	return io.ReadAll(body)
}

func (w *httpProbe) judge(response *http.Response, body []byte) Answer {
	w.phases.Whole = time.Since(w.start)
	if !w.expected(response.StatusCode) {
		return Answer{Verdict: Fail, Reason: Status, Detail: "answered " + clip(response.Status), Phases: w.phases}
	}
	if w.Body != "" && !bytes.Contains(body, []byte(w.Body)) {
		detail := fmt.Sprintf("answered %s, but the body's %d bytes lack %q", clip(response.Status), len(body), w.Body)
		return Answer{Verdict: Fail, Reason: Body, Detail: detail, Phases: w.phases}
	}
	return Answer{Verdict: Pass, Detail: "answered " + clip(response.Status), Phases: w.phases}
}

func (w *httpProbe) expected(status int) bool {
	for _, r := range w.Status {
		if r.From <= status && status <= r.To {
			return true
		}
	}
	return false
}

func (w *httpProbe) failed(ctx context.Context, at stage, err error) Answer {
	w.phases.Whole = time.Since(w.start)
	return failed(ctx, at, err, w.phases)
}
