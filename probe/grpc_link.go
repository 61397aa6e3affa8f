package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
)

var (
	errUsed     = errors.New("the one connection of this probe has ended")
	errStranger = errors.New("the far side does not speak HTTP/2")
)

// link is the one connection that a gRPC client is given. It remembers what the
// library forgets: how the far side began, and how the connection ended.
type link struct {
	net.Conn

	mu     sync.Mutex // protects the following
	taken  bool
	sent   time.Time // when the request's headers went out
	unsent error     // why something could not be written
	sight
}

// sight is what was seen of a connection and the call on it.
type sight struct {
	again     bool          // the library wanted another connection: the far side wants no more of this one
	first     []byte        // what the far side said first
	ended     error         // how the far side ended the connection
	trailers  bool          // the far side itself ended the call with a status
	firstByte time.Duration // from the request to the answer's first headers
}

// take gives the connection to the library, once.
func (l *link) take(context.Context, string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.taken {
		l.again = true
		return nil, errUsed
	}
	l.taken = true
	return l, nil
}

// seen is what was seen until now.
func (l *link) seen() sight {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sight
}

// firstKept is how much of the far side's first words is kept, in bytes: a
// frame's header, or enough of another protocol to recognize it.
const firstKept = 64

// Read reads from the connection. What is no HTTP/2 is not waited for.
func (l *link) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.mu.Lock()
	defer l.mu.Unlock()
	if kept := len(l.first); kept < firstKept {
		l.first = append(l.first, b[:min(n, firstKept-kept)]...)
	}
	if !beginsHTTP2(l.first) {
		return 0, errStranger
	}
	switch {
	case err == nil, errors.Is(err, net.ErrClosed):
	case errors.Is(err, io.EOF) && l.unsent != nil:
		l.ended = l.unsent // the kernel tells a reset once, and has told it to a write
	default:
		l.ended = err
	}
	return n, err
}

// Write writes to the connection. That it cannot is kept back: the library
// would close the connection at once, and what the far side said before it left
// (an alert, an error page) would never be read. The next Read meets the end.
func (l *link) Write(b []byte) (int, error) {
	if _, err := l.Conn.Write(b); err != nil && !errors.Is(err, net.ErrClosed) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.unsent = err
	}
	return len(b), nil
}

// TagRPC and TagConn are asked by the library for a context of its events.
func (l *link) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// TagConn is TagRPC for connections.
func (l *link) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn is told what the connection itself has seen already.
func (l *link) HandleConn(context.Context, stats.ConnStats) {}

// HandleRPC is told how the call goes.
func (l *link) HandleRPC(_ context.Context, event stats.RPCStats) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch event.(type) {
	case *stats.Begin:
		l.sent = now // until it is known better: a fast answer may be told of before its request
	case *stats.OutHeader:
		l.sent = now
	case *stats.InHeader:
		l.answered(now)
	case *stats.InTrailer:
		l.answered(now)
		l.trailers = true
	}
}

func (l *link) answered(now time.Time) {
	if l.firstByte == 0 && !l.sent.IsZero() {
		l.firstByte = now.Sub(l.sent)
	}
}

// stranger says what the far side speaks if its first words are no HTTP/2;
// nothing if they are, or if it said nothing.
func (s sight) stranger() string {
	switch {
	case beginsHTTP2(s.first):
		return ""
	case bytes.HasPrefix(s.first, []byte("HTTP/1.")):
		line, _, _ := bytes.Cut(s.first, []byte("\r\n"))
		return "the server speaks HTTP/1, not HTTP/2: " + clip(string(line))
	case s.first[0] == 21: // a TLS alert (RFC 8446 section 5.1)
		return "the server speaks TLS: write tls: true"
	}
	return fmt.Sprintf("the server does not speak HTTP/2: it began with %q", s.first[:min(len(s.first), 24)])
}

// beginsHTTP2 reports whether b could be the beginning of what an HTTP/2 server
// says first: a SETTINGS frame, no acknowledgement, on stream 0 (RFC 9113
// sections 3.4, 4.1 and 6.5), of a length that need not be agreed.
func beginsHTTP2(b []byte) bool {
	const (
		longest = 1 << 14 >> 8 // of the length's middle byte
		kind    = 4
		ack     = 1
	)
	for i, c := range b[:min(len(b), 9)] {
		var good bool
		switch i {
		case 0:
			good = c == 0
		case 1:
			good = c <= longest
		case 2:
			good = true
		case 3:
			good = c == kind
		case 4:
			good = c&ack == 0
		default:
			good = c == 0
		}
		if !good {
			return false
		}
	}
	return true
}
