package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Plain is a question that needs no more than one TCP connection and, perhaps,
// one request whose answer is judged by its head: what an Engine can ask. It
// gives the same answers as the Func of the same question.
type Plain struct {
	source  netip.Addr   // sent from here; invalid: the system's choice
	proxy   ProxyVersion // whose header comes first; 0: none does
	options *HTTPOptions
	asked   *http.Request
	request []byte // as it goes over the wire; empty: the connection is all
}

// PlainTCP is what TCP asks, sent from the source if that is valid.
func PlainTCP(source netip.Addr) *Plain { return &Plain{source: source} }

// PlainHTTP is what HTTP asks, sent from the source if that is valid; nil when
// it needs more than an Engine does.
func PlainHTTP(o HTTPOptions, source netip.Addr) *Plain {
	if !o.Simple() {
		return nil
	}
	first, err := o.firstHop()
	if err != nil {
		return nil // HTTP says what is wrong, each time it is asked
	}
	return &Plain{source: source, options: &o, asked: first.request, request: first.text}
}

// Announced is the same question over a connection that begins as Announce lets
// it begin; version 0 lets it begin with nothing. nil stays nil.
func (p *Plain) Announced(version ProxyVersion) *Plain {
	if p == nil {
		return nil
	}
	announced := *p
	announced.proxy = version
	return &announced
}

// Job is one order to an Engine.
type Job struct {
	Ticket  any // given back with the answer; for a connection that is held, it must be comparable and its own
	Addr    netip.AddrPort
	Plain   *Plain        // what is asked; of a held connection only its source and its header matter
	Hold    bool          // ask nothing: hold an idle connection open until it ends
	Timeout time.Duration // of the whole question, or of the held connection's beginning
}

// Asked is the answer to one order. That of a held connection comes when it has
// ended, with Phases.Connect unless it never stood, and with how long it stood
// as Phases.Whole.
type Asked struct {
	Ticket any
	Answer
}

// How a held connection notices that the far side is silent: after a second of
// silence the system asks once a second, and gives up after two questions (Linux
// tcp(7), TCP_KEEPIDLE and its neighbours).
const (
	holdIdle     = time.Second
	holdInterval = time.Second
	holdCount    = 2
)

// holdLimit is how much the far side of a held connection may say, in bytes: a
// greeting, or a complaint that nothing is asked. One that talks on and on would
// keep the watcher reading.
const holdLimit = 64 << 10

var errTalks = errors.New("the far side says more than 64 KiB to a connection that asks nothing")

// Hold opens an idle connection to an address, within the timeout, and holds it
// until it or ctx ends. It answers as an Engine does for a held connection.
func Hold(ctx context.Context, dial Dial, addr netip.AddrPort, timeout time.Duration) Answer {
	start := time.Now()
	conn, err := dialWithin(ctx, dial, addr, timeout)
	if err != nil {
		return failed(ctx, dialing, err, Phases{Whole: time.Since(start)})
	}
	defer func() { _ = conn.Close() }()
	p := Phases{Connect: max(time.Since(start), 1)} // 0 says that it never stood
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: holdIdle, Interval: holdInterval, Count: holdCount})
	}
	defer bound(ctx, conn)()
	if _, err = io.CopyN(io.Discard, conn, holdLimit); err == nil {
		err = errTalks
	}
	p.Whole = time.Since(start)
	return failed(ctx, asking, err, p)
}

func dialWithin(ctx context.Context, dial Dial, addr netip.AddrPort, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return dial(ctx, "tcp", addr.String())
}
