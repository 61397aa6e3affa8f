package probe

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// asked is an echo under way to the site, in either family.
func asked(v6 bool) (*line, *echo) {
	e := &echo{to: site(), seq: 0x0102, size: 16, token: [tokenSize]byte([]byte("rrwatch!")), heard: make(chan outcome, 1), sent: time.Now()}
	if v6 {
		e.to = netip.MustParseAddr("2001:db8::1")
	}
	return &line{id: 0x0304, v6: v6, waiting: map[uint16]*echo{e.seq: e}}, e
}

// packets are ICMP messages as another implementation writes them: the right
// reply, and the trouble of a router.
func packets(t testing.TB, v6 bool) (reply, unreachable []byte) {
	t.Helper()
	l, e := asked(v6)
	request := echoRequest(v6, l.id, e.seq, e.token, e.size)
	header := append([]byte{0x45, 0, 0, 44, 0, 0, 0x40, 0, 64, 1, 0, 0, 10, 0, 0, 1}, e.to.AsSlice()...)
	kinds := [2]icmp.Type{ipv4.ICMPTypeEchoReply, ipv4.ICMPTypeDestinationUnreachable}
	if v6 {
		header = append([]byte{0x60, 0, 0, 0, 0, 24, 58, 64}, append(make([]byte, 16), e.to.AsSlice()...)...)
		kinds = [2]icmp.Type{ipv6.ICMPTypeEchoReply, ipv6.ICMPTypeDestinationUnreachable}
	}
	marshal := func(m icmp.Message) []byte {
		b, err := m.Marshal(nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	reply = marshal(icmp.Message{Type: kinds[0], Body: &icmp.Echo{ID: int(l.id), Seq: int(e.seq), Data: request[8:]}})
	unreachable = marshal(icmp.Message{Type: kinds[1], Code: 1, Body: &icmp.DstUnreach{Data: append(header, request...)}})
	return reply, unreachable
}

func TestReadsWhatAnotherImplementationWrites(t *testing.T) {
	router := netip.MustParseAddr("198.51.100.1")
	for _, v6 := range []bool{false, true} {
		reply, unreachable := packets(t, v6)
		l, e := asked(v6)
		h, ok := parseMessage(v6, reply, e.to)
		if !ok || h.trouble != "" {
			t.Fatalf("the reply: %v, %+v", ok, h)
		}
		l.deliver(h)
		if o := <-e.heard; o.trouble != "" || o.altered || o.size != e.size {
			t.Errorf("the reply: %+v", o)
		}
		l, e = asked(v6)
		for _, cut := range []int{0, e.size} { // a router repeats all, or 8 bytes of the message
			h, ok = parseMessage(v6, unreachable[:len(unreachable)-cut], router)
			if !ok {
				t.Fatalf("the trouble, less %d bytes, cannot be read", cut)
			}
			l.waiting[e.seq] = e
			l.deliver(h)
			if o := <-e.heard; o.trouble == "" || o.says != router {
				t.Errorf("the trouble, less %d bytes: %+v", cut, o)
			}
		}
	}
}

func TestWhatIsAboutNoEchoOfOursIsNotRead(t *testing.T) {
	from := site()
	for name, change := range map[string]func(reply, unreachable, six []byte) ([]byte, bool){
		"a wrong checksum":        func(r, _, _ []byte) ([]byte, bool) { r[2] ^= 1; return r, false },
		"a reply with a code":     func(r, _, _ []byte) ([]byte, bool) { r[1], r[3] = 1, r[3]-1; return r, false },
		"a header cut short":      func(r, _, _ []byte) ([]byte, bool) { return r[:7], false },
		"a redirect":              func(_, u, _ []byte) ([]byte, bool) { u[0] = 5; return u, false },
		"about UDP":               func(_, u, _ []byte) ([]byte, bool) { u[8+9] = 17; return u, false },
		"about a later fragment":  func(_, u, _ []byte) ([]byte, bool) { u[8+7] = 1; return u, false },
		"about a reply":           func(_, u, _ []byte) ([]byte, bool) { u[8+20] = 0; return u, false },
		"about another version":   func(_, u, _ []byte) ([]byte, bool) { u[8] = 0x65; return u, false },
		"a header of 16 bytes":    func(_, u, _ []byte) ([]byte, bool) { u[8] = 0x44; return u, false },
		"a header beyond the end": func(_, u, _ []byte) ([]byte, bool) { u[8] = 0x4f; return u[:8+40], false },
		"too little of the echo":  func(_, u, _ []byte) ([]byte, bool) { return u[:8+20+7], false },
		"about UDP, IPv6":         func(_, _, u []byte) ([]byte, bool) { u[8+6] = 17; return u, true },
		"another version, IPv6":   func(_, _, u []byte) ([]byte, bool) { u[8] = 0x45; return u, true },
		"a short header, IPv6":    func(_, _, u []byte) ([]byte, bool) { return u[:8+39], true },
	} {
		reply, unreachable := packets(t, false)
		_, six := packets(t, true)
		m, v6 := change(reply, unreachable, six)
		if h, ok := parseMessage(v6, m, from); ok {
			t.Errorf("%s: got %+v", name, h)
		}
	}
}

func TestAReplyThatComesTwiceIsTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which a wait without end is a failure
		l, e := asked(false)
		reply, _ := packets(t, false)
		h, _ := parseMessage(false, reply, e.to)
		l.deliver(h)
		l.deliver(h)
		if o := <-e.heard; o.trouble != "" || len(l.waiting) > 0 {
			t.Errorf("got %+v, and %d wait", o, len(l.waiting))
		}
	})
}

func TestTheRequestIsWhatAnotherImplementationReads(t *testing.T) {
	for _, size := range []int{8, 13, 1472} {
		m, err := icmp.ParseMessage(protocolV4, echoRequest(false, 5, 6, [tokenSize]byte([]byte("rrwatch!")), size))
		if err != nil {
			t.Fatal(err)
		}
		echo, ok := m.Body.(*icmp.Echo)
		if !ok || m.Type != ipv4.ICMPTypeEcho || echo.ID != 5 || echo.Seq != 6 || len(echo.Data) != size {
			t.Errorf("got %+v", m)
		}
		if want := strings.Repeat("rrwatch!", 200)[:size]; string(echo.Data) != want {
			t.Errorf("got %q", echo.Data)
		}
		if whole, err := m.Marshal(nil); err != nil || !bytes.Equal(whole[:4], echoRequest(false, 5, 6, [tokenSize]byte(echo.Data), size)[:4]) {
			t.Errorf("another checksum than % x (%v)", whole[:4], err)
		}
	}
}

func TestSaysInWordsWhatEveryCodeMeans(t *testing.T) {
	for _, c := range []struct {
		v6         bool
		kind, code byte
		want       string
	}{
		{false, 3, 0, "network unreachable"},
		{false, 3, 3, "port unreachable"},
		{false, 3, 13, "administratively prohibited by a filter"},
		{false, 3, 15, "precedence cutoff in effect"},
		{false, 3, 16, "destination unreachable (code 16)"},
		{false, 11, 0, timeExceeded},
		{false, 12, 0, parameterProblem},
		{false, 8, 0, ""},
		{false, 5, 1, ""}, // a redirect is no trouble
		{true, 1, 0, "no route to the address"},
		{true, 1, 4, "port unreachable"},
		{true, 1, 200, "destination unreachable (code 200)"},
		{true, 2, 0, "packet too large for the way"},
		{true, 3, 0, timeExceeded},
		{true, 4, 1, parameterProblem},
		{true, 128, 0, ""},
	} {
		if got := meaning(c.v6, c.kind, c.code); got != c.want {
			t.Errorf("%v %d/%d: got %q, want %q", c.v6, c.kind, c.code, got, c.want)
		}
	}
}

// Whatever comes, it ends no echo but the one that it is really about.
func FuzzOnlyWhatIsOursIsTaken(f *testing.F) {
	for _, v6 := range []bool{false, true} {
		_, e := asked(v6)
		reply, unreachable := packets(f, v6)
		for _, m := range [][]byte{reply, unreachable} {
			f.Add(v6, m, e.to.AsSlice())
			f.Add(v6, m, netip.MustParseAddr("198.51.100.1").AsSlice())
			f.Add(v6, m[:8], e.to.AsSlice())
		}
	}
	f.Fuzz(func(t *testing.T, v6 bool, m, who []byte) {
		from, _ := netip.AddrFromSlice(who)
		if !v6 { // as on a raw socket, which has the packet's header too
			if body, ok := inIPv4(m); ok {
				m = body
			}
		}
		l, e := asked(v6)
		h, ok := parseMessage(v6, m, from)
		if !ok {
			return
		}
		l.deliver(h)
		select {
		case o := <-e.heard:
			id := binary.BigEndian.AppendUint16(nil, l.id)
			number := binary.BigEndian.AppendUint16(nil, e.seq)
			if !bytes.Contains(m, append(id, number...)) {
				t.Errorf("% x does not hold the id and number", m)
			}
			isReply := m[0] == 0 && !v6 || m[0] == 129 && v6
			if o.trouble == "" && (!isReply || from != e.to || !bytes.Contains(m, e.token[:])) {
				t.Errorf("% x from %s was taken for the reply", m, from)
			}
			if o.trouble != "" && (isReply || !bytes.Contains(m, e.to.AsSlice())) {
				t.Errorf("% x from %s was taken for trouble", m, from)
			}
		default:
		}
	})
}
