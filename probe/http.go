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

// bodyLimit is what is read of an answer's body, in bytes, whatever the other
// side sends: expected text must lie within it.
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

	// judge, when set, has the last word on an answer with an expected status:
	// it sees the body's first bodyLimit bytes and says why the answer fails
	// (an empty reason: it passes) and what it found.
	judge func(response *http.Response, body []byte) (Reason, string)

	// look, when set, has the last word instead of Body and judge: it reads as
	// much of the body as it needs while that comes, and must bound what it
	// keeps. An error is one of reading.
	look func(response *http.Response, body io.Reader) (Answer, error)
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
	request, err := w.HTTPOptions.request(ctx)
	if err != nil {
		return Answer{Verdict: Inconclusive, Reason: Internal, Detail: err.Error()}
	}
	if err := request.Write(stream); err != nil {
		return w.failed(ctx, asking, err)
	}
	var head head
	response, err := w.head(&head, stream, request)
	if err != nil {
		return w.failed(ctx, asking, err)
	}
	if a, done := w.judgeHead(response); done {
		return w.judged(a.Verdict, a.Reason, a.Detail)
	}
	if w.look != nil {
		return w.looked(ctx, &head, stream, request)
	}
	body, err := w.read(&head, stream, request)
	if err != nil {
		return w.failed(ctx, asking, err)
	}
	if !bytes.Contains(body, []byte(w.Body)) {
		return w.judged(Fail, Body, fmt.Sprintf("answered %s, but the body's first %d bytes lack %q",
			clip(response.Status), len(body), clip(w.Body)))
	}
	if w.judge == nil {
		return w.judged(Pass, "", "answered "+clip(response.Status))
	}
	why, detail := w.judge(response, body)
	if why != "" {
		return w.judged(Fail, why, clip(detail))
	}
	return w.judged(Pass, "", clip(detail))
}

// Simple reports whether status and headers of one HTTP/1.1 answer over plain
// TCP decide: then an Engine can ask it too.
func (o HTTPOptions) Simple() bool {
	return o.TLS == nil && o.Body == "" && o.judge == nil && o.look == nil
}

// judgeHead judges status and headers. It is done unless the body decides.
func (o HTTPOptions) judgeHead(response *http.Response) (a Answer, done bool) {
	detail := "answered " + clip(response.Status)
	if !o.expected(response.StatusCode) {
		return Answer{Verdict: Fail, Reason: Status, Detail: detail}, true
	}
	return Answer{Verdict: Pass, Detail: detail}, o.Body == "" && o.judge == nil && o.look == nil
}

// head reads until the real answer's status and headers are there.
func (w *httpProbe) head(head *head, stream net.Conn, request *http.Request) (*http.Response, error) {
	sent := time.Now()
	data := make([]byte, 4096)
	for {
		n, ended := stream.Read(data)
		if n > 0 && w.phases.FirstByte == 0 {
			w.phases.FirstByte = time.Since(sent)
		}
		response, err := head.add(data[:n], request)
		switch {
		case response != nil || err != nil:
			return response, err
		case ended != nil:
			return nil, head.ended(ended, request)
		}
	}
}

func (o HTTPOptions) request(ctx context.Context) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, o.Method, "http://address"+o.Path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("build the request: %w", err)
	}
	request.Host = o.Host
	request.Header = o.Header.Clone()
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
func (w *httpProbe) read(head *head, stream net.Conn, request *http.Request) ([]byte, error) {
	if w.Body == "" && w.judge == nil {
		return nil, nil
	}
	source := &source{stream: io.MultiReader(bytes.NewReader(head.buf), stream)}
	response, err := http.ReadResponse(bufio.NewReader(source), request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, bodyLimit))
	source.over = true // else Close reads all that the other side still sends
	_ = response.Body.Close()
	return body, err
}

// source reads what the other side sends until it is over.
type source struct {
	stream io.Reader
	over   bool
}

// Read reads from the stream.
func (s *source) Read(b []byte) (int, error) {
	if s.over {
		return 0, io.EOF
	}
	return s.stream.Read(b)
}

func (w *httpProbe) judged(v Verdict, why Reason, detail string) Answer {
	w.phases.Whole = time.Since(w.start)
	return Answer{Verdict: v, Reason: why, Detail: detail, Phases: w.phases}
}

func (o HTTPOptions) expected(status int) bool {
	for _, r := range o.Status {
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
