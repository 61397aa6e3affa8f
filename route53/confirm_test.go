package route53_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"rrwatch/failover"
	"rrwatch/route53"
	"rrwatch/simulator"
)

// patience is how long a test waits for a server that never answers as it shall: more than one round of questions.
const patience = 2500 * time.Millisecond

// serve answers for the zones of a, and returns where.
func serve(t *testing.T, a *simulator.AWS) netip.AddrPort {
	t.Helper()
	d, err := simulator.ServeDNS(t.Context(), a, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d.Addr()
}

// answering is a DNS server that answers all questions with what a function says.
func answering(t *testing.T, answer func(q, m *dns.Msg)) netip.AddrPort {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	s := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Authoritative = true
		answer(q, m)
		if err := w.WriteMsg(m); err != nil {
			t.Error(err)
		}
	})}
	go func() {
		if err := s.ActivateAndServe(); err != nil {
			t.Error(err)
		}
	}()
	<-started
	t.Cleanup(func() { s.Shutdown() })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func holding(q *dns.Msg, values ...string) []dns.RR {
	var list []dns.RR
	for _, v := range values {
		list = append(list, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.ParseIP(v)})
	}
	return list
}

func TestConfirmsEditsThatTheServersAnswer(t *testing.T) {
	for name, edit := range map[string]failover.Reweigh{
		"weight 0":            withdraw(),
		"a value leaves":      {Zone: zone, Addr: ip("203.0.113.12"), Was: simple("203.0.113.11", "203.0.113.12"), Shall: simple("203.0.113.11")},
		"a value joins":       {Zone: zone, Addr: ip("203.0.113.13"), Was: simple("203.0.113.11", "203.0.113.12"), Shall: simple("203.0.113.11", "203.0.113.12", "203.0.113.13")},
		"a multivalue leaves": {Zone: zone, Addr: ip("203.0.113.11"), Was: multi("lb-1", "203.0.113.11")},
	} {
		t.Run(name, func(t *testing.T) {
			a := account(simulator.Options{})
			c := open(a, serve(t, a), serve(t, a))
			change := must[string](t)(editOne(t, c, edit, ""))
			if err := c.Confirm(t.Context(), edit, change); err != nil {
				t.Error(err)
			}
			if n := a.Calls()["GetChange"]; n != 1 {
				t.Errorf("GetChange was called %d times", n)
			}
			// And without a change id, as after a lost answer.
			if err := c.Confirm(t.Context(), edit, ""); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDoesNotConfirmWhatOneServerStillAnswers(t *testing.T) {
	t.Parallel()
	edited, behind := account(simulator.Options{}), account(simulator.Options{})
	// Hardly any answer of 20 is without it.
	behind.SetRecord(zone, simulator.RecordSet{Name: "www.example.com", Type: "A", TTL: 60, SetIdentifier: "lb-1", Weight: new(int64(250)), Values: []string{"203.0.113.11"}})
	for name, edit := range map[string]failover.Reweigh{
		"weighted":   withdraw(),
		"simple":     {Zone: zone, Addr: ip("203.0.113.12"), Was: simple("203.0.113.11", "203.0.113.12"), Shall: simple("203.0.113.11")},
		"multivalue": {Zone: zone, Addr: ip("203.0.113.11"), Was: multi("lb-1", "203.0.113.11")},
		"joining":    {Zone: zone, Addr: ip("203.0.113.13"), Was: simple("203.0.113.11"), Shall: simple("203.0.113.11", "203.0.113.12", "203.0.113.13")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name != "joining" {
				must[string](t)(editOne(t, open(edited), edit, ""))
			}
			slow := serve(t, behind)
			c := open(edited, serve(t, edited), slow)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			err := c.Confirm(ctx, edit, "")
			wantText(t, err, "not all authoritative servers answer as they shall", slow.String())
		})
	}
}

// What else was edited together with it, or since, is another edit's to confirm.
func TestConfirmsTheAddressOfTheEditAlone(t *testing.T) {
	a := account(simulator.Options{})
	c := open(a, serve(t, a))
	for name, edit := range map[string]failover.Reweigh{
		"another has come back since": {Zone: zone, Addr: ip("203.0.113.13"), Was: simple("203.0.113.11", "203.0.113.12", "203.0.113.13"), Shall: simple("203.0.113.11")},
		"another has left since":      {Zone: zone, Addr: ip("203.0.113.12"), Was: simple("203.0.113.11"), Shall: simple("203.0.113.11", "203.0.113.12", "203.0.113.13")},
	} {
		if err := c.Confirm(t.Context(), edit, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A withdrawn set of a large group is seldom in an answer: one question would often miss it.
func TestAsksAWeightedGroupOften(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var asked atomic.Int64
	server := answering(t, func(q, m *dns.Msg) {
		m.Answer = holding(q, "203.0.113.12")
		switch asked.Add(1) {
		case 20:
			m.Answer = holding(q, "203.0.113.11")
		case 21: // the second round; without an end it would be content with all of it
			cancel()
		}
	})
	err := open(account(simulator.Options{}), server).Confirm(ctx, withdraw(), "")
	if err == nil {
		t.Fatal("confirmed, and one of 20 answers held the withdrawn address")
	}
	wantText(t, err, fmt.Sprintf("%s still answers www.example.com with 203.0.113.11", server))
}

func TestAsksAgainUntilTheServerAnswersSo(t *testing.T) {
	t.Parallel()
	a := account(simulator.Options{Sync: 300 * time.Millisecond})
	edit := failover.Reweigh{Zone: zone, Addr: ip("203.0.113.12"), Was: simple("203.0.113.11", "203.0.113.12"), Shall: simple("203.0.113.11")}
	c := open(a, serve(t, a))
	must[string](t)(editOne(t, c, edit, ""))
	if err := c.Confirm(t.Context(), edit, ""); err != nil { // without the change, so that only the answers tell
		t.Error(err)
	}
}

func TestAsksByTCPWhenTheAnswerIsTruncated(t *testing.T) {
	a := account(simulator.Options{})
	var many []string
	for n := range 60 { // more than 512 bytes
		many = append(many, fmt.Sprintf("198.51.100.%d", n))
	}
	a.SetRecord(zone, simulator.RecordSet{Name: "shop.example.com", Type: "A", TTL: 60, Values: many})
	edit := failover.Reweigh{Zone: zone, Addr: ip(many[59]), Was: simple(many[:59]...), Shall: simple(many...)}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := open(a, serve(t, a)).Confirm(ctx, edit, ""); err != nil {
		t.Error(err)
	}
}

func TestBelievesOnlyAuthoritativeAnswers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(q, m *dns.Msg)
		want   string
	}{
		"a resolver": {func(_, m *dns.Msg) { m.Authoritative = false }, "not authoritative"},
		"a refusal":  {func(_, m *dns.Msg) { m.Rcode = dns.RcodeRefused }, "REFUSED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			err := open(account(simulator.Options{}), answering(t, test.answer)).Confirm(ctx, withdraw(), "")
			wantText(t, err, test.want)
		})
	}
}

// confirmInBubble confirms a change for a private zone, which has no servers to ask: only GetChange tells.
func confirmInBubble(ctx context.Context, t *testing.T, a *simulator.AWS, c *route53.Client) (took time.Duration, err error) {
	t.Helper()
	a.AddZone(simulator.Zone{ID: "Z0PRIVATE", Name: "internal.example", Private: true})
	was := failover.RecordSet{Name: "www.internal.example", Type: "A", TTL: 60, Values: []string{"10.0.0.1", "10.0.0.2"}}
	a.SetRecord("Z0PRIVATE", simulator.RecordSet{Name: was.Name, Type: was.Type, TTL: was.TTL, Values: was.Values})
	shall := was
	shall.Values = was.Values[:1]
	edit := failover.Reweigh{Zone: "Z0PRIVATE", Addr: ip("10.0.0.2"), Was: was, Shall: shall}
	change := must[string](t)(editOne(t, c, edit, ""))
	began := time.Now()
	err = c.Confirm(ctx, edit, change)
	return time.Since(began), err
}

func TestWaitsForInsyncEveryTwoSecondsThenEveryFive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Sync: 43 * time.Second})
		a.Throttle("GetChange", 1) // passes
		took, err := confirmInBubble(t.Context(), t, a, open(a))
		if err != nil {
			t.Fatal(err)
		}
		if took < 43*time.Second || took > 50*time.Second {
			t.Errorf("took %s", took)
		}
		if n := a.Calls()["GetChange"]; n < 17 || n > 21 { // 15 within 30 seconds, then 3 or 4, and a throttled one
			t.Errorf("GetChange was called %d times", n)
		}
	})
}

func TestGivesUpWaitingForInsyncWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Sync: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		_, err := confirmInBubble(ctx, t, a, open(a))
		wantText(t, err, "was not INSYNC after 3m0s", "deadline exceeded")
	})
}

func TestSaysAtOnceWhenItMayNotReadTheChange(t *testing.T) {
	a := account(simulator.Options{Sync: time.Hour})
	a.Deny("GetChange")
	_, err := confirmInBubble(t.Context(), t, a, open(a))
	wantText(t, err, "rrwatch needs route53:GetChange (docs/permissions.md)")
}

func TestAsksTheServersOfTheDelegationSet(t *testing.T) {
	t.Parallel()
	a := account(simulator.Options{})
	a.AddZone(simulator.Zone{ID: "Z0NS", Name: "ns.example", NameServers: []string{"ns-1.invalid"}})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	edit := failover.Reweigh{Zone: "Z0NS", Was: simple("203.0.113.11", "203.0.113.12"), Shall: simple("203.0.113.11")}
	wantText(t, open(a).Confirm(ctx, edit, ""), "find the address of the name server ns-1.invalid")
}
