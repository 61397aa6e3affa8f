package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// udpSize is the answer over UDP that is asked for, in bytes: what crosses
	// every network in one piece (DNS flag day 2020).
	udpSize = 1232
	// udpRoom is what is read of an answer over UDP: some servers send more
	// than they were asked for.
	udpRoom = 4096
	// dnsHeader is the length of a DNS message's header (RFC 1035 section 4.1.1).
	dnsHeader = 12
)

// dnsExchange is one question to one server, over connections of its own.
type dnsExchange struct {
	dial      Dial
	server    netip.AddrPort
	asked     *dns.Msg
	start     time.Time
	stage     stage
	phases    Phases
	truncated bool // what came over UDP was not all
}

// do asks over UDP, and over TCP when the answer does not fit; or over TCP only.
func (e *dnsExchange) do(ctx context.Context, over DNSTransport) (*dns.Msg, error) {
	question, err := e.asked.Pack()
	if err != nil {
		return nil, fmt.Errorf("write the question: %w", err)
	}
	if over != DNSOverTCP {
		in, err := e.overUDP(ctx, question)
		if err != nil || !in.Truncated {
			return in, err
		}
		e.truncated = true
	}
	in, err := e.overTCP(ctx, question)
	if err == nil && in.Truncated {
		return nil, errors.New("the answer is cut short even over TCP")
	}
	return in, err
}

// overUDP waits for the answer. What is none to this question may come from
// anybody who forges the server's address: it is ignored, and told of only when
// nothing better came.
func (e *dnsExchange) overUDP(ctx context.Context, question []byte) (*dns.Msg, error) {
	e.stage = dialing
	conn, err := e.dial(ctx, "udp", e.server.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer bound(ctx, conn)()
	e.stage = asking
	if _, err := conn.Write(question); err != nil {
		return nil, err
	}
	sent := time.Now()
	buf := make([]byte, udpRoom)
	var foreign error
	for {
		n, err := conn.Read(buf)
		switch {
		case err != nil && foreign != nil && isTimeout(err):
			return nil, fmt.Errorf("no answer came to what was asked: %w", foreign)
		case err != nil:
			return nil, err
		}
		in, err := e.read(buf[:n])
		if err == nil {
			e.phases.FirstByte = time.Since(sent)
			return in, nil
		}
		foreign = err
	}
}

// overTCP reads one answer: its length, and no more than that (RFC 1035
// section 4.2.2), which is at most 64 KiB.
func (e *dnsExchange) overTCP(ctx context.Context, question []byte) (*dns.Msg, error) {
	e.stage = dialing
	began := time.Now()
	conn, err := e.dial(ctx, "tcp", e.server.String())
	if err != nil {
		return nil, err
	}
	defer abort(conn)
	defer bound(ctx, conn)()
	e.phases.Connect = time.Since(began)
	e.stage = asking
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(question))), question...)); err != nil {
		return nil, err
	}
	sent := time.Now()
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	e.phases.FirstByte = time.Since(sent)
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, message); err != nil {
		return nil, err
	}
	return e.read(message)
}

// read reads a message; the error says why it is no answer to the question.
func (e *dnsExchange) read(message []byte) (*dns.Msg, error) {
	switch {
	case len(message) < dnsHeader:
		return nil, fmt.Errorf("%d bytes, which is no DNS message", len(message))
	case binary.BigEndian.Uint16(message) != e.asked.Id:
		return nil, errors.New("an answer with another id")
	case message[2]&0x80 == 0: // QR
		return nil, errors.New("a question instead of an answer")
	}
	in := new(dns.Msg)
	if err := in.Unpack(message); err != nil {
		return nil, fmt.Errorf("an answer that cannot be read: %w", err)
	}
	if in.Opcode != e.asked.Opcode || !e.repeats(in) {
		return nil, errors.New("an answer to another question")
	}
	return in, nil
}

// repeats reports whether an answer repeats the question. A server that did not
// understand it, or will not have it, may leave it out.
func (e *dnsExchange) repeats(in *dns.Msg) bool {
	if len(in.Question) == 0 {
		return in.Rcode != dns.RcodeSuccess
	}
	is, was := in.Question[0], e.asked.Question[0]
	return len(in.Question) == 1 && is.Qtype == was.Qtype && is.Qclass == was.Qclass && strings.EqualFold(is.Name, was.Name)
}
