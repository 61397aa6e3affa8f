package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"time"
)

var (
	errNoHTTP2  = errors.New("the server did not agree to HTTP/2")
	errOwnHTTP2 = errors.New("rrwatch itself cannot speak HTTP/2") // switched off by GODEBUG=http2client=0
)

// exchange2 sends the request as HTTP/2 over a connection that is there
// already, and waits for the head of the answer. The library's client runs a
// goroutine for the connection and one for the request: both end when the
// connection is closed, which is done before the probe returns.
func (p *httpProbe) exchange2(ctx context.Context, stream net.Conn, h *hop) (*exchange, error) {
	conn := &spoken{Conn: stream, asked: make(chan struct{})}
	client, err := client2(ctx, conn)
	if err != nil {
		return nil, cmp.Or(conn.failure(), fmt.Errorf("%w: %w", errOwnHTTP2, err))
	}
	hangUp := func() {
		_ = conn.Close()
		_ = client.Close()
	}
	var came time.Time
	interim := 0
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders:         conn.listen,
		GotFirstResponseByte: func() { came = time.Now() },
		Got1xxResponse: func(int, textproto.MIMEHeader) error {
			if interim++; interim > interimLimit {
				return errInterim
			}
			return nil
		},
	})
	request := h.request.WithContext(traced)
	if h.send != "" {
		request.Body = io.NopCloser(strings.NewReader(h.send))
	}
	sent := time.Now()
	response, err := client.RoundTrip(request) //nolint:bodyclose // closed at the exchange's end
	if err != nil {
		hangUp()
		return nil, cmp.Or(conn.failure(), err)
	}
	p.phases.FirstByte += max(0, came.Sub(sent))
	end := func() {
		hangUp()
		_ = response.Body.Close()
	}
	return &exchange{response: response, end: end, body: func() (io.Reader, error) { return response.Body, nil }}, nil
}

// client2 is the library's HTTP/2 over a connection, which to it is a plain one
// also where it is within TLS. What it holds of the other side's is bounded:
// 1 MiB of headers, as with HTTP/1.1, and a quarter of that of a body that is
// not read yet.
func client2(ctx context.Context, conn net.Conn) (*http.ClientConn, error) {
	transport := &http.Transport{
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableCompression:     true,
		MaxResponseHeaderBytes: headLimit,
		Protocols:              &http.Protocols{},
		HTTP2:                  &http.HTTP2Config{MaxReceiveBufferPerConnection: 256 << 10, MaxReceiveBufferPerStream: 256 << 10},
		// The library remembers a closed connection for this long, and 5 s by default.
		IdleConnTimeout: time.Second,
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	return transport.NewClientConn(ctx, "http", "address:80")
}

// spoken is a connection that is listened to only once the request is on its
// way: or else the library could see its end first, and would then only say
// that there is no connection, and not why.
type spoken struct {
	net.Conn
	asked chan struct{}
	once  sync.Once

	mu  sync.Mutex
	err error // why nothing more could be written
}

func (s *spoken) listen() { s.once.Do(func() { close(s.asked) }) }

// Read waits for the request, and reads.
func (s *spoken) Read(b []byte) (int, error) {
	<-s.asked
	return s.Conn.Read(b)
}

// Write writes, and remembers why it could not. A reset is told once only, to
// whoever asks first: the library may have seen no more than the end.
func (s *spoken) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	if err != nil && !errors.Is(err, net.ErrClosed) { // closed by the library, which says why
		s.mu.Lock()
		s.err = cmp.Or(s.err, err)
		s.mu.Unlock()
	}
	return n, err
}

func (s *spoken) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close ends the socket first: to end HTTP/2 or TLS in order could mean to wait
// for a far side that does not read.
func (s *spoken) Close() error {
	s.listen()
	if secured, ok := s.Conn.(*tls.Conn); ok {
		abort(secured.NetConn())
	}
	abort(s.Conn)
	return nil
}
