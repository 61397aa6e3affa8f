package probe_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"rrwatch/probe"
)

// resolver is a DNS server on the loopback, UDP and TCP.
type resolver struct {
	at      netip.AddrPort
	byUDP   atomic.Int64 // questions
	byTCP   atomic.Int64
	respond func(m *dns.Msg, udp bool) // fills in the answer; a nil Question means silence
}

func newResolver(t *testing.T, respond func(m *dns.Msg, udp bool)) *resolver {
	t.Helper()
	r := &resolver{respond: respond}
	var lc net.ListenConfig
	tcp, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	udp, err := lc.ListenPacket(t.Context(), "udp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r.at = netip.MustParseAddrPort(tcp.Addr().String())
	var wg, started sync.WaitGroup
	servers := []*dns.Server{{Listener: tcp, Handler: r}, {PacketConn: udp, Handler: r}}
	for _, s := range servers {
		started.Add(1)
		s.NotifyStartedFunc = started.Done
		wg.Go(func() { _ = s.ActivateAndServe() })
	}
	started.Wait()
	t.Cleanup(func() {
		for _, s := range servers {
			_ = s.Shutdown()
		}
		wg.Wait()
	})
	return r
}

func (r *resolver) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	_, udp := w.RemoteAddr().(*net.UDPAddr)
	if udp {
		r.byUDP.Add(1)
	} else {
		r.byTCP.Add(1)
	}
	if r.respond(m, udp); m.Question != nil {
		_ = w.WriteMsg(m)
	}
}

// zone answers with these records, each "A 203.0.113.1" or "AAAA 2001:db8::1".
func zoneFile(records ...string) func(*dns.Msg, bool) {
	return func(m *dns.Msg, _ bool) {
		for _, r := range records {
			kind, value, _ := strings.Cut(r, " ")
			name := m.Question[0].Name
			if kind == "CNAME" || dns.StringToType[kind] == m.Question[0].Qtype {
				rr, err := dns.NewRR(name + " 60 IN " + kind + " " + value)
				if err != nil {
					panic(err)
				}
				m.Answer = append(m.Answer, rr)
			}
		}
	}
}

func code(rcode int) func(*dns.Msg, bool) {
	return func(m *dns.Msg, _ bool) { m.Rcode = rcode }
}

// only answers one kind of question by first and the other by second.
func only(kind uint16, first, second func(*dns.Msg, bool)) func(*dns.Msg, bool) {
	return func(m *dns.Msg, udp bool) {
		if m.Question[0].Qtype == kind {
			first(m, udp)
			return
		}
		second(m, udp)
	}
}

func silent(m *dns.Msg, _ bool) { m.Question = nil }

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestFindsTheAddressesOfBothFamiliesInTurns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		respond func(*dns.Msg, bool)
		want    []string
	}{
		"the answer's order": {zoneFile("A 203.0.113.9", "A 203.0.113.1", "A 203.0.113.5"), []string{"203.0.113.9", "203.0.113.1", "203.0.113.5"}},
		"both families": {
			zoneFile("A 203.0.113.2", "AAAA 2001:db8::2", "A 203.0.113.1", "AAAA 2001:db8::1", "A 203.0.113.3"),
			[]string{"2001:db8::2", "203.0.113.2", "2001:db8::1", "203.0.113.1", "203.0.113.3"},
		},
		"only IPv6":             {zoneFile("AAAA 2001:db8::2"), []string{"2001:db8::2"}},
		"through a CNAME":       {zoneFile("CNAME lb.example.net.", "A 203.0.113.1"), []string{"203.0.113.1"}},
		"IPv6 is refused":       {only(dns.TypeAAAA, code(dns.RcodeServerFailure), zoneFile("A 203.0.113.1")), []string{"203.0.113.1"}},
		"IPv6 is not answered":  {only(dns.TypeAAAA, silent, zoneFile("A 203.0.113.1")), []string{"203.0.113.1"}},
		"IPv4 does not exist":   {only(dns.TypeA, code(dns.RcodeNameError), zoneFile("AAAA 2001:db8::1")), []string{"2001:db8::1"}},
		"a record too many":     {only(dns.TypeA, zoneFile("A 203.0.113.1"), func(m *dns.Msg, _ bool) { m.Question[0].Qtype = dns.TypeA; zoneFile("A 203.0.113.1")(m, true) }), []string{"203.0.113.1"}},
		"an answer of no class": {func(m *dns.Msg, udp bool) { zoneFile("A 203.0.113.1")(m, udp); m.RecursionAvailable = false }, []string{"203.0.113.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newResolver(t, c.respond)
			got, err := probe.ServerResolver(r.at, dial())(within(t, 500*time.Millisecond), "www.example.com")
			if diff := cmp.Diff(c.want, texts(got)); diff != "" || err != nil {
				t.Errorf("%v: %s", err, diff)
			}
		})
	}
}

func texts(addrs []netip.Addr) []string {
	var list []string
	for _, a := range addrs {
		list = append(list, a.String())
	}
	return list
}

func TestTheZoneSaysThatThereIsNoAddress(t *testing.T) {
	for name, c := range map[string]struct {
		respond func(*dns.Msg, bool)
		want    string
	}{
		"no such name":              {code(dns.RcodeNameError), "www.example.com does not exist: no address to ask"},
		"no such name, by one only": {only(dns.TypeAAAA, code(dns.RcodeServerFailure), code(dns.RcodeNameError)), "www.example.com does not exist: no address to ask"},
		"no address":                {zoneFile(), "www.example.com exists and has no address: no address to ask"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newResolver(t, c.respond)
			_, err := probe.ServerResolver(r.at, dial())(within(t, soon), "www.example.com")
			if !errors.Is(err, probe.ErrNoAddress) || err.Error() != c.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAResolverThatDoesNotSayIsNoMissingAddress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		respond func(*dns.Msg, bool)
		want    string
	}{
		"a failure":              {code(dns.RcodeServerFailure), "it answers SERVFAIL"},
		"a refusal":              {code(dns.RcodeRefused), "it answers REFUSED"},
		"an odd code":            {code(13), "it answers the code 13"},
		"nothing":                {silent, "it does not answer in time"},
		"one family only failed": {only(dns.TypeA, code(dns.RcodeServerFailure), zoneFile()), "for www.example.com A: it answers SERVFAIL"},
		"another name":           {func(m *dns.Msg, _ bool) { m.Question[0].Name = "evil.example." }, "it answers another question"},
		"another kind":           {func(m *dns.Msg, _ bool) { m.Question[0].Qtype = dns.TypeTXT }, "it answers another question"},
		"a question":             {func(m *dns.Msg, _ bool) { m.Response = false }, "it answers another question"},
		"a referral":             {func(m *dns.Msg, _ bool) { m.RecursionAvailable = false }, "name a resolver that does"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newResolver(t, c.respond)
			start := time.Now()
			_, err := probe.ServerResolver(r.at, dial())(within(t, 400*time.Millisecond), "www.example.com")
			if err == nil || errors.Is(err, probe.ErrNoAddress) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestAResolverIsAskedAgainWhenADatagramIsLost(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	r := newResolver(t, func(m *dns.Msg, udp bool) {
		if asked.Add(1) <= 2 { // the first question of each family
			silent(m, udp)
			return
		}
		zoneFile("A 203.0.113.1")(m, udp)
	})
	got, err := probe.ServerResolver(r.at, dial())(within(t, time.Second), "www.example.com")
	if diff := cmp.Diff([]string{"203.0.113.1"}, texts(got)); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
}

func TestAnAnswerThatDoesNotFitIsFetchedByTCP(t *testing.T) {
	r := newResolver(t, func(m *dns.Msg, udp bool) {
		if m.Truncated = udp; !udp {
			zoneFile("A 203.0.113.1", "AAAA 2001:db8::1")(m, udp)
		}
	})
	got, err := probe.ServerResolver(r.at, dial())(within(t, soon), "www.example.com")
	if diff := cmp.Diff([]string{"2001:db8::1", "203.0.113.1"}, texts(got)); diff != "" || err != nil || r.byTCP.Load() != 2 {
		t.Errorf("%v, %d by TCP: %s", err, r.byTCP.Load(), diff)
	}
}

func TestAResolverThatIsGoneIsToldFromAMachineWithoutAWay(t *testing.T) {
	for _, cause := range []error{syscall.ECONNREFUSED, syscall.ENETUNREACH} {
		_, err := probe.ServerResolver(netip.MustParseAddrPort("192.0.2.53:53"), failing(cause))(within(t, soon), "www.example.com")
		if !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
	}
}

func TestAResolutionEndsWhenItIsCutShort(t *testing.T) {
	r := newResolver(t, silent)
	ctx, cancel := context.WithCancel(within(t, soon))
	time.AfterFunc(20*time.Millisecond, cancel)
	start := time.Now()
	_, err := probe.ServerResolver(r.at, dial())(ctx, "www.example.com")
	if took := time.Since(start); err == nil || took > soon/2 {
		t.Errorf("got %v after %s", err, took)
	}
}

func TestTheSystemsResolverFindsThisMachine(t *testing.T) {
	got, err := probe.SystemResolver()(within(t, soon), "localhost")
	loopback := func(a netip.Addr) bool { return a.IsLoopback() }
	if err != nil || len(got) == 0 || !loopback(got[0]) {
		t.Errorf("got %v, %v", got, err)
	}
}

// FuzzAResolversAnswer feeds what a resolver sends to a question.
func FuzzAResolversAnswer(f *testing.F) {
	for _, respond := range []func(*dns.Msg, bool){zoneFile("A 203.0.113.1", "CNAME x."), zoneFile("AAAA 2001:db8::1"), code(3), code(2), zoneFile()} {
		m := new(dns.Msg).SetReply(new(dns.Msg).SetQuestion("www.example.com.", dns.TypeA))
		respond(m, true)
		packed, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		near, far := net.Pipe()
		far.Close()
		d := func(context.Context, string, string) (net.Conn, error) {
			return &canned{Conn: near, answer: answer}, nil
		}
		got, err := probe.ServerResolver(netip.MustParseAddrPort("192.0.2.53:53"), d)(t.Context(), "www.example.com")
		if (err == nil) != (len(got) > 0) {
			t.Errorf("got %v, %v", got, err)
		}
		for _, a := range got {
			if !a.IsValid() || a.Is4In6() {
				t.Errorf("an odd address: %v", a)
			}
		}
	})
}

// canned is a connection on which an answer to whatever is asked waits, as a
// stream: with its length before it and the question's id in it.
type canned struct {
	net.Conn
	answer []byte
	stream []byte
}

func (c *canned) Write(b []byte) (int, error) {
	if len(b) < 4 {
		return len(b), nil
	}
	answer := append([]byte(nil), c.answer...)
	if len(answer) >= 2 {
		copy(answer, b[2:4])
	}
	c.stream = append([]byte{byte(len(answer) >> 8), byte(len(answer))}, answer...)
	return len(b), nil
}

func (c *canned) Read(b []byte) (int, error) {
	if len(c.stream) == 0 {
		return 0, net.ErrClosed
	}
	n := copy(b, c.stream)
	c.stream = c.stream[n:]
	return n, nil
}

func (*canned) SetDeadline(time.Time) error      { return nil }
func (*canned) SetReadDeadline(time.Time) error  { return nil }
func (*canned) SetWriteDeadline(time.Time) error { return nil }
