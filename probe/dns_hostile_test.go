package probe_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/dns/dnsmessage"

	"rrwatch/probe"
)

// packet is the right answer to a question, as bytes.
func packet(question []byte, change func(m *dns.Msg)) []byte {
	q := new(dns.Msg)
	if err := q.Unpack(question); err != nil {
		return nil
	}
	m := new(dns.Msg)
	m.SetReply(q)
	rr, _ := dns.NewRR("www.example.com. 60 IN A 192.0.2.1")
	m.Answer = []dns.RR{rr}
	if change != nil {
		change(m)
	}
	b, _ := m.Pack()
	return b
}

// serveUDP answers each question on the loopback with packets.
func serveUDP(t *testing.T, answers func(question []byte) [][]byte) netip.AddrPort {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			for _, b := range answers(bytes.Clone(buf[:n])) {
				_, _ = conn.WriteTo(b, from)
			}
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-ended
	})
	return netip.MustParseAddrPort(conn.LocalAddr().String())
}

func TestWhatIsNoAnswerOverUDPIsIgnored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		forge  func(question []byte) []byte
		detail string
	}{
		"nothing":          {func([]byte) []byte { return nil }, "0 bytes, which is no DNS message"},
		"garbage":          {func([]byte) []byte { return []byte("SSH-2.0-OpenSSH_9.2\r\n") }, "an answer with another id"},
		"another id":       {func(q []byte) []byte { q[0] ^= 1; return packet(q, nil) }, "an answer with another id"},
		"the question":     {func(q []byte) []byte { return q }, "a question instead of an answer"},
		"another question": {func(q []byte) []byte { return packet(q, func(m *dns.Msg) { m.Question[0].Name = "x.example.com." }) }, "an answer to another question"},
		"another type":     {func(q []byte) []byte { return packet(q, func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeTXT }) }, "an answer to another question"},
		"no question":      {func(q []byte) []byte { return packet(q, func(m *dns.Msg) { m.Question = nil }) }, "an answer to another question"},
		"another opcode":   {func(q []byte) []byte { return packet(q, func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }) }, "an answer to another question"},
		"cut short":        {func(q []byte) []byte { b := packet(q, nil); return b[:len(b)-3] }, "an answer that cannot be read"},
		"a loop of names": {func(q []byte) []byte {
			b := packet(q, nil)
			copy(b[12:], "\xc0\x0c") // a name that points to itself
			return b
		}, "an answer that cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			forged := serveUDP(t, func(q []byte) [][]byte { return [][]byte{c.forge(q)} })
			a := askDNS(t, query(), forged, 50*time.Millisecond)
			if a.Verdict != probe.Fail || a.Reason != probe.Protocol || !strings.Contains(a.Detail, c.detail) {
				t.Errorf("got %+v, want %s", a, c.detail)
			}
			both := serveUDP(t, func(q []byte) [][]byte { return [][]byte{c.forge(bytes.Clone(q)), packet(q, nil)} })
			if a := askDNS(t, query(), both, soon); a.Verdict != probe.Pass {
				t.Errorf("before the right answer: got %+v", a)
			}
		})
	}
}

func TestAServerThatLeavesTheQuestionOutMayStillRefuse(t *testing.T) {
	at := serveUDP(t, func(q []byte) [][]byte {
		return [][]byte{packet(q, func(m *dns.Msg) { m.Question, m.Answer, m.Rcode = nil, nil, dns.RcodeFormatError })}
	})
	if a := askDNS(t, query(), at, soon); a.Reason != probe.Rcode || a.Detail != "answers FORMERR, not NOERROR" {
		t.Errorf("got %+v", a)
	}
}

func TestNamesWhyADNSServerDoesNotAnswer(t *testing.T) {
	silent := serveUDP(t, func([]byte) [][]byte { return nil })
	for name, c := range map[string]struct {
		at      netip.AddrPort
		dial    probe.Dial
		timeout time.Duration
		verdict probe.Verdict
		reason  probe.Reason
		detail  string
	}{
		"silence":        {silent, dial(), 50 * time.Millisecond, probe.Fail, probe.AnswerTimeout, "no whole answer within "},
		"nobody listens": {closedPort(t), dial(), soon, probe.Fail, probe.Refused, "connection refused"},
		"no network":     {silent, failing(connect(syscall.ENETUNREACH)), soon, probe.Inconclusive, probe.OwnNetwork, ""},
		"no descriptor":  {silent, failing(connect(syscall.EMFILE)), soon, probe.Inconclusive, probe.OwnResources, ""},
	} {
		o := query()
		o.Dial = c.dial
		a := askDNS(t, o, c.at, c.timeout)
		if a.Verdict != c.verdict || a.Reason != c.reason || !strings.Contains(a.Detail, c.detail) {
			t.Errorf("%s: got %+v", name, a)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	f, err := probe.DNS(query())
	if err != nil {
		t.Fatal(err)
	}
	cut := serveUDP(t, func([]byte) [][]byte { cancel(); return nil })
	if a := f(ctx, target(cut)); a.Verdict != probe.Inconclusive || a.Reason != probe.Cancelled {
		t.Errorf("cut short: got %+v", a)
	}
}

// overTCP hands the question over TCP, without its length, to answer.
func overTCP(answer func(conn net.Conn, question []byte)) func(net.Conn) {
	return func(conn net.Conn) {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, question); err == nil {
			answer(conn, question)
		}
	}
}

// say writes a message with its length, and waits.
func say(change func(m *dns.Msg)) func(net.Conn, []byte) {
	return func(conn net.Conn, question []byte) {
		b := packet(question, change)
		_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
		wait(conn)
	}
}

func TestEndsWhateverAHostileDNSServerSendsOverTCP(t *testing.T) {
	t.Parallel()
	tell := func(text string) func(net.Conn, []byte) {
		return func(conn net.Conn, _ []byte) { _, _ = io.WriteString(conn, text); wait(conn) }
	}
	const short = 100 * time.Millisecond
	for name, c := range map[string]struct {
		talk    func(net.Conn, []byte)
		timeout time.Duration
		reason  probe.Reason
	}{
		"the right answer":  {say(nil), soon, ""},
		"an early end":      {func(net.Conn, []byte) {}, soon, probe.Closed},
		"a reset":           {func(conn net.Conn, _ []byte) { reset(conn) }, soon, probe.Reset},
		"nothing":           {tell(""), short, probe.AnswerTimeout},
		"half a length":     {tell("\x00"), short, probe.AnswerTimeout},
		"a length, no more": {tell("\xff\xff"), short, probe.AnswerTimeout},
		"a length, and end": {func(conn net.Conn, _ []byte) { _, _ = io.WriteString(conn, "\x10\x00abc") }, soon, probe.Closed},
		"an empty message":  {tell("\x00\x00"), soon, probe.Protocol},
		"another protocol":  {tell("SSH-2.0-x\r\n" + strings.Repeat("x", 1<<16)), soon, probe.Protocol},
		"endless":           {func(conn net.Conn, _ []byte) { endless(conn, "\xff") }, soon, probe.Protocol},
		"another id":        {say(func(m *dns.Msg) { m.Id++ }), soon, probe.Protocol},
		"another question":  {say(func(m *dns.Msg) { m.Question[0].Name = "x." }), soon, probe.Protocol},
		"cut short":         {say(func(m *dns.Msg) { m.Truncated = true }), soon, probe.Protocol},
		"a drip":            {drips, short, probe.AnswerTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			o := query()
			o.Transport = probe.DNSOverTCP
			a := askDNS(t, o, serve(t, overTCP(c.talk)), c.timeout)
			if a.Reason != c.reason || a.Verdict == probe.Inconclusive {
				t.Errorf("got %+v, want %q", a, c.reason)
			}
		})
	}
}

// drips sends an answer a byte at a time.
func drips(conn net.Conn, question []byte) {
	b := packet(question, nil)
	b = append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for i := range b {
		if _, err := conn.Write(b[i : i+1]); err != nil {
			return
		}
		<-ticks.C
	}
}

func TestSaysWhenTheRestCannotBeHadOverTCP(t *testing.T) {
	at := serveUDP(t, func(q []byte) [][]byte { return [][]byte{packet(q, func(m *dns.Msg) { m.Truncated = true })} })
	a := askDNS(t, query(), at, soon)
	if a.Reason != probe.Refused || a.Detail != "the answer does not fit into UDP, and over TCP: connection refused" {
		t.Errorf("got %+v", a)
	}
}

// The largest message is made of names that point to one long name.
func TestTheLargestAnswerTakesLittleMemory(t *testing.T) {
	bomb := func(conn net.Conn, question []byte) {
		m := bytes.Clone(question[:12+len("\x03www\x07example\x03com\x00")+4])
		m[2], m[10], m[11] = 0x80, 0, 0 // an answer without additional records
		long := len(m)
		alias := []byte{0, 5, 0, 1, 0, 0, 0, 60}
		name := append(bytes.Repeat(append([]byte{63}, bytes.Repeat([]byte{1}, 63)...), 3), 0)
		m = append(append(append(m, name...), alias...), 0, 1, 0)
		n := 1
		for ; len(m) < 1<<16-20; n++ {
			m = append(append(m, 0xc0, byte(long)), alias...)
			m = append(m, 0, 2, 0xc0, byte(long))
		}
		binary.BigEndian.PutUint16(m[6:], uint16(n))
		_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
		wait(conn)
	}
	o := query()
	o.Transport = probe.DNSOverTCP
	at := serve(t, overTCP(bomb))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	a := askDNS(t, o, at, soon)
	runtime.ReadMemStats(&after)
	if a.Reason != probe.Records {
		t.Errorf("got %+v", a)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20 {
		t.Errorf("it took %d bytes", took)
	}
}

func TestADNSProbeLeavesNoDescriptorBehind(t *testing.T) {
	before := descriptors(t)
	t.Run("probes", func(t *testing.T) {
		silent := serveUDP(t, func([]byte) [][]byte { return nil })
		truncated := serve(t, overTCP(say(nil)))
		for range 20 {
			o := query()
			askDNS(t, o, silent, 5*time.Millisecond)
			askDNS(t, o, closedPort(t), soon)
			o.Transport = probe.DNSOverTCP
			askDNS(t, o, truncated, soon)
		}
	})
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// tape is a connection whose far side sends one text with the question's id.
type tape struct {
	net.Conn
	id   *atomic.Uint32
	udp  bool
	text []byte
}

func (c *tape) Write(b []byte) (int, error) {
	id := b
	if !c.udp {
		id = b[2:]
	}
	c.id.Store(uint32(binary.BigEndian.Uint16(id)))
	return len(b), nil
}

func (c *tape) Read(b []byte) (int, error) {
	if c.text == nil {
		return 0, context.DeadlineExceeded
	}
	at, text := 0, bytes.Clone(c.text)
	if !c.udp {
		at = 2
	}
	if len(text) >= at+2 {
		binary.BigEndian.PutUint16(text[at:], uint16(c.id.Load()))
	}
	n := copy(b, text)
	if c.text = c.text[n:]; c.udp || len(c.text) == 0 {
		c.text = nil
	}
	return n, nil
}

func (c *tape) SetDeadline(time.Time) error { return nil }
func (c *tape) Close() error                { return nil }

// What passes must be an answer for another reader of DNS, too.
func FuzzADNSAnswerIsJudged(f *testing.F) {
	q := new(dns.Msg)
	q.SetQuestion("www.example.com.", dns.TypeA)
	question, err := q.Pack()
	if err != nil {
		f.Fatal(err)
	}
	for _, change := range []func(m *dns.Msg){
		nil,
		func(m *dns.Msg) { m.Truncated = true },
		func(m *dns.Msg) { m.Answer = nil },
		func(m *dns.Msg) { m.Rcode = dns.RcodeNameError },
		func(m *dns.Msg) { m.SetEdns0(1232, true) },
		func(m *dns.Msg) { m.Authoritative, m.Compress = true, true },
	} {
		f.Add(packet(question, change), true)
		f.Add(packet(question, change), false)
	}
	f.Add([]byte("garbage"), true)
	f.Fuzz(func(t *testing.T, message []byte, udp bool) {
		o := query()
		o.Answers = []string{"192.0.2.1"}
		var id atomic.Uint32
		o.Dial = func(_ context.Context, network, _ string) (net.Conn, error) {
			switch {
			case network == "udp":
				return &tape{id: &id, udp: true, text: message}, nil
			case len(message) > 1<<16-1:
				return nil, errors.New("too long")
			}
			return &tape{id: &id, text: append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)}, nil
		}
		if !udp {
			o.Transport = probe.DNSOverTCP
		}
		a := askDNS(t, o, netip.AddrPort{}, soon)
		if a.Verdict == probe.Inconclusive {
			t.Errorf("an answer is never our own trouble: %+v", a)
		}
		if a.Verdict != probe.Pass {
			return
		}
		var p dnsmessage.Parser
		h, err := p.Start(message)
		if err != nil || !h.Response || h.RCode != dnsmessage.RCodeSuccess || p.SkipAllQuestions() != nil {
			t.Fatalf("passed: %+v (%v)", h, err)
		}
		if !bytes.Contains(message, []byte{192, 0, 2, 1}) {
			t.Errorf("passed without the address: %+v", a)
		}
	})
}
