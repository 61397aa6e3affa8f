package probe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"time"
)

// What is read of an answer, in bytes: whatever the other side sends, a probe
// holds no more than this.
const (
	headLimit = 1 << 20 // status lines and headers, those of interim answers too
	bodyLimit = 1 << 20 // expected text must lie within it
)

// interimLimit is how many interim answers (RFC 9110 section 15.2: 100, 102,
// 103) may come before the real one: servers send one or two.
const interimLimit = 5

var (
	errHeadTooLong = errors.New("the answer's headers are longer than 1 MiB")
	errInterim     = errors.New("more than 5 interim answers and no real one")
)

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
	source := &source{stream: stream, left: headLimit}
	response, err := w.head(bufio.NewReader(source), request)
	if err != nil {
		return w.failed(ctx, asking, source.cause(err))
	}
	source.left = math.MaxInt64 // read bounds the body
	defer func() {
		source.left = 0 // else Close reads all that the other side still sends
		_ = response.Body.Close()
	}()
	if !w.expected(response.StatusCode) {
		return w.judged(Fail, Status, "answered "+clip(response.Status))
	}
	body, err := w.read(response.Body)
	if err != nil {
		return w.failed(ctx, asking, err)
	}
	if !bytes.Contains(body, []byte(w.Body)) {
		return w.judged(Fail, Body, fmt.Sprintf("answered %s, but the body's first %d bytes lack %q",
			clip(response.Status), len(body), clip(w.Body)))
	}
	return w.judged(Pass, "", "answered "+clip(response.Status))
}

// source reads what the other side sends, up to a limit in bytes, and keeps the
// error that ended it.
type source struct {
	stream io.Reader
	left   int64
	err    error
}

// Read reads from the stream while something is left of the limit.
func (s *source) Read(b []byte) (int, error) {
	if s.left <= 0 {
		s.err = errHeadTooLong
		return 0, s.err
	}
	n, err := s.stream.Read(b[:min(int64(len(b)), s.left)])
	s.left -= int64(n)
	s.err = err
	return n, err
}

// cause is why a head could not be read. A line that the stream's end cut short
// is parsed as if it were whole, so what ended the stream comes first; after an
// orderly end what was sent may still be no HTTP.
func (s *source) cause(parsing error) error {
	if s.err != nil && !errors.Is(s.err, io.EOF) {
		return s.err
	}
	return parsing
}

// head reads the status and headers of the real answer, and those of the
// interim ones before it. 101 is a real one: nothing was asked to switch.
func (w *httpProbe) head(reader *bufio.Reader, request *http.Request) (*http.Response, error) {
	sent := time.Now()
	for range interimLimit + 1 {
		if _, err := reader.Peek(1); err != nil {
			return nil, err
		}
		w.phases.FirstByte = time.Since(sent)
		response, err := http.ReadResponse(reader, request)
		if err != nil {
			return nil, err
		}
		interim := 100 <= response.StatusCode && response.StatusCode <= 199
		if !interim || response.StatusCode == http.StatusSwitchingProtocols {
			return response, nil
		}
		_ = response.Body.Close() // it has none
	}
	return nil, errInterim
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
// nothing is expected of it, so that a large page is not fetched every second,
// and else no more than bodyLimit.
func (w *httpProbe) read(body io.Reader) ([]byte, error) {
	if w.Body == "" {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(body, bodyLimit))
}

func (w *httpProbe) judged(v Verdict, why Reason, detail string) Answer {
	w.phases.Whole = time.Since(w.start)
	return Answer{Verdict: v, Reason: why, Detail: detail, Phases: w.phases}
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
