package probe

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// tokenSize is how many random bytes tell the reply to an echo from a forged
// one. They fill its payload, again and again.
const tokenSize = 8

// lineLife is for how long one socket, and with it one id, takes new echoes.
// There are firewalls that go on dropping an id that they have dropped once.
const lineLife = 10 * time.Second

var (
	errPingerClosed = errors.New("the pinger was closed")
	errLineBroke    = errors.New("the ICMP socket broke")
	errLineBusy     = errors.New("65536 echoes are under way over one ICMP socket")
	errNoICMP       = errors.New("this machine allows rrwatch no ICMP socket: widen net.ipv4.ping_group_range to its group, or grant CAP_NET_RAW")
)

// Pinger sends the echoes of all targets over one socket an address family
// (and source address), and tells the replies apart: an echo costs a tenth of
// what it would with a socket of its own. A socket is opened when it is first
// needed, gives way to one with another id after 10 seconds of use, and is
// closed when nobody waits for a reply over it any more, so that an idle Pinger
// holds none. The zero value is ready.
type Pinger struct {
	open func(v6 bool, source netip.Addr) (icmpSocket, uint16, error) // nil: openICMP

	mu      sync.Mutex // protects the following
	closed  bool
	current map[lineKey]*line  // those that take new echoes
	lines   map[*line]struct{} // all whose socket is open
	readers sync.WaitGroup
}

// icmpSocket carries ICMP messages of one family.
type icmpSocket interface {
	// send sends an echo request and never waits.
	send(message []byte, to netip.Addr) error
	// receive waits for the next message. One that is about no echo has no
	// about; what it returns is valid until the next call.
	receive() (heard, error)
	Close() error
}

// lineKey is what echoes must have in common to share a socket.
type lineKey struct {
	v6     bool
	source netip.Addr // invalid: the system's choice
}

// line is an open socket, with the echoes that wait for a reply over it. Each
// of them has the line's id and a number of its own.
type line struct {
	socket icmpSocket
	v6     bool
	id     uint16
	users  int         // protected by Pinger.mu, as are the next two
	ended  bool        // it takes no new echoes
	end    *time.Timer // sets ended

	mu      sync.Mutex // protects the following
	waiting map[uint16]*echo
	next    uint16
	drops   uint32 // messages for which the kernel had no buffer
	broken  error  // why nothing is received any more
}

// echo is one question under way.
type echo struct {
	to    netip.Addr
	seq   uint16
	token [tokenSize]byte
	size  int
	sent  time.Time
	lost  uint32       // the line's drops when it was sent
	heard chan outcome // takes one without waiting
}

// outcome is what is known of an echo that waits no more.
type outcome struct {
	took    time.Duration
	says    netip.Addr
	trouble string // why there is no reply; empty: there is one
	size    int    // the reply's payload, in bytes
	altered bool   // and it is not what was sent
	err     error  // the line broke
}

// take finds or opens the line for a key; giveBack must follow.
func (p *Pinger) take(key lineKey) (*line, error) {
	if key.source.IsValid() && key.source.Is6() != key.v6 {
		return nil, fmt.Errorf("the address to send from, %s, is of the other IP version", key.source)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errPingerClosed
	}
	if l := p.current[key]; l != nil {
		l.users++
		return l, nil
	}
	open := p.open
	if open == nil {
		open = openICMP
	}
	socket, id, err := open(key.v6, key.source)
	if err != nil {
		return nil, err
	}
	if p.lines == nil {
		p.current, p.lines = map[lineKey]*line{}, map[*line]struct{}{}
	}
	l := &line{socket: socket, v6: key.v6, id: id, users: 1, waiting: map[uint16]*echo{}}
	p.current[key], p.lines[l] = l, struct{}{}
	l.end = time.AfterFunc(lineLife, func() { p.retire(key, l) })
	p.readers.Go(func() {
		l.listen()
		p.retire(key, l)
	})
	return l, nil
}

// retire lets a line take no new echoes, and closes it once it is unused.
func (p *Pinger) retire(key lineKey, l *line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current[key] == l {
		delete(p.current, key)
	}
	l.ended = true
	p.closeUnused(l)
}

// giveBack ends a use of a line.
func (p *Pinger) giveBack(l *line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.users--
	p.closeUnused(l)
}

func (p *Pinger) closeUnused(l *line) {
	if l.ended && l.users == 0 {
		l.end.Stop()
		delete(p.lines, l)
		_ = l.socket.Close()
	}
}

// Close closes the sockets. What is under way and what is asked later is
// Inconclusive (Cancelled).
func (p *Pinger) Close() {
	p.mu.Lock()
	p.closed = true
	for l := range p.lines {
		l.end.Stop()
		l.breakDown(errPingerClosed)
		delete(p.lines, l)
		_ = l.socket.Close()
	}
	p.mu.Unlock()
	p.readers.Wait()
}

// listen hands what comes in to those who wait, until the socket is closed.
func (l *line) listen() {
	for {
		h, err := l.socket.receive()
		if err != nil {
			l.breakDown(fmt.Errorf("%w: %w", errLineBroke, err))
			return
		}
		l.deliver(h)
	}
}

// deliver hands a message to the echo that it is about. What matches no echo
// that waits now is not ours, or too late, or forged.
func (l *line) deliver(h heard) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drops = max(l.drops, h.drops)
	e := l.waiting[h.seq]
	if e == nil || h.id != l.id || h.about != e.to || !e.owns(h) {
		return
	}
	delete(l.waiting, h.seq)
	o := outcome{took: time.Since(e.sent), says: h.says, trouble: h.trouble, size: len(h.data)}
	// The kernel's clock stopped when the packet came in, and not when this
	// goroutine ran; it is believed if it was not set in between.
	if kernel := h.at.Sub(e.sent); !h.at.IsZero() && kernel > 0 && kernel < o.took {
		o.took = kernel
	}
	for i, b := range h.data {
		o.altered = o.altered || b != e.token[i%tokenSize]
	}
	e.heard <- o
}

// owns reports whether what came holds the echo's token. A router must repeat
// only 8 bytes of what it could not deliver (RFC 792), which have none.
func (e *echo) owns(h heard) bool {
	if h.trouble != "" && len(h.data) < tokenSize {
		return true
	}
	return bytes.HasPrefix(h.data, e.token[:])
}

// send sends an echo to an address and waits for nothing.
func (l *line) send(to netip.Addr, size int) (*echo, error) {
	e := &echo{to: to.WithZone(""), size: size, heard: make(chan outcome, 1)}
	_, _ = rand.Read(e.token[:]) // it never fails
	if err := l.add(e); err != nil {
		return nil, err
	}
	message := echoRequest(l.v6, l.id, e.seq, e.token, size)
	if err := l.socket.send(message, to); err != nil {
		l.forget(e)
		return nil, err
	}
	return e, nil
}

// add gives an echo its number.
func (l *line) add(e *echo) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if len(l.waiting) == 1<<16 {
		return errLineBusy
	}
	for l.waiting[l.next] != nil {
		l.next++
	}
	e.seq, e.lost, e.sent = l.next, l.drops, time.Now()
	l.next++
	l.waiting[e.seq] = e
	return nil
}

// forget lets an echo wait no more.
func (l *line) forget(e *echo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting[e.seq] == e {
		delete(l.waiting, e.seq)
	}
}

// lost is how many messages the kernel is known to have dropped.
func (l *line) lost() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.drops
}

// breakDown tells all who wait that nothing is received any more.
func (l *line) breakDown(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.broken = err
	}
	for seq, e := range l.waiting {
		delete(l.waiting, seq)
		e.heard <- outcome{took: time.Since(e.sent), err: l.broken}
	}
}

// randomID is an id that no firewall has seen lately.
func randomID() uint16 {
	var b [2]byte
	_, _ = rand.Read(b[:]) // it never fails
	return binary.BigEndian.Uint16(b[:])
}
