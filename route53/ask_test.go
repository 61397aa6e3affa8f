package route53_test

import (
	"context"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/miekg/dns"

	"rrwatch/failover"
	"rrwatch/simulator"
)

func TestAsksEveryServerForBothKindsOfAddress(t *testing.T) {
	a := account(simulator.Options{})
	one, two := serve(t, a), serve(t, a)
	got := must[[]failover.Answer](t)(open(a, one, two).Ask(t.Context(), zone, "WWW.example.com.", 60))
	v4 := []netip.Addr{ip("203.0.113.11"), ip("203.0.113.12"), ip("203.0.113.13")} // one in each answer
	v6 := []netip.Addr{ip("2001:db8::11")}
	want := []failover.Answer{
		{Server: one.String(), Type: "A", Addrs: v4, TTL: time.Minute}, {Server: one.String(), Type: "AAAA", Addrs: v6, TTL: time.Minute},
		{Server: two.String(), Type: "A", Addrs: v4, TTL: time.Minute}, {Server: two.String(), Type: "AAAA", Addrs: v6, TTL: time.Minute},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Error(diff)
	}
}

func TestTellsTheLongestTTLOfManyAnswers(t *testing.T) {
	var asked atomic.Int64
	server := answering(t, func(q, m *dns.Msg) {
		if q.Question[0].Qtype != dns.TypeA {
			return
		}
		m.Answer = holding(q, "203.0.113.12")
		if asked.Add(1) == 3 {
			m.Answer[0].Header().Ttl = 300
		}
	})
	got := must[[]failover.Answer](t)(open(account(simulator.Options{}), server).Ask(t.Context(), zone, "www.example.com", 5))
	if asked.Load() != 5 || got[0].TTL != 5*time.Minute || len(got[0].Addrs) != 1 {
		t.Errorf("asked %d times, got %+v", asked.Load(), got[0])
	}
	if got[1].Err != nil || len(got[1].Addrs) != 0 || got[1].TTL != 0 {
		t.Errorf("of no address of the type it says %+v", got[1])
	}
}

func TestAServerThatDoesNotAnswerSaysWhy(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	refusing := answering(t, func(_, m *dns.Msg) { m.Rcode = dns.RcodeRefused })
	once := answering(t, func(q, m *dns.Msg) {
		if asked.Add(1) == 1 {
			m.Rcode = dns.RcodeServerFailure
		}
	})
	a := account(simulator.Options{})
	for _, answer := range must[[]failover.Answer](t)(open(a, refusing).Ask(t.Context(), zone, "www.example.com", 20)) {
		wantText(t, answer.Err, "REFUSED")
	}
	for _, answer := range must[[]failover.Answer](t)(open(a, once).Ask(t.Context(), zone, "www.example.com", 2)) {
		if answer.Err != nil {
			t.Errorf("one answer of two was lost, and it says %v", answer.Err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	a.AddZone(simulator.Zone{ID: "Z0NS", Name: "ns.example", NameServers: []string{"ns-1.invalid"}})
	for _, answer := range must[[]failover.Answer](t)(open(a).Ask(ctx, "Z0NS", "www.ns.example", 1)) {
		wantText(t, answer.Err, "find the address of the name server ns-1.invalid")
		if answer.Server != "ns-1.invalid:53" {
			t.Errorf("got the server %s", answer.Server)
		}
	}
}

func TestAPrivateZoneIsAskedForOnlyOfGivenServers(t *testing.T) {
	a := account(simulator.Options{})
	a.AddZone(simulator.Zone{ID: "Z0PRIVATE", Name: "internal.example", Private: true})
	if got := must[[]failover.Answer](t)(open(a).Ask(t.Context(), "Z0PRIVATE", "www.internal.example", 1)); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	server := answering(t, func(q, m *dns.Msg) { m.Answer = holding(q, "10.0.0.1") })
	if got := must[[]failover.Answer](t)(open(a, server).Ask(t.Context(), "Z0PRIVATE", "www.internal.example", 1)); len(got) != 2 || len(got[0].Addrs) != 1 {
		t.Errorf("got %+v", got)
	}
	a.Deny("GetHostedZone")
	_, err := open(a).Ask(t.Context(), "Z0PRIVATE", "www.internal.example", 1)
	wantText(t, err, "read the name servers of zone Z0PRIVATE", "route53:GetHostedZone")
}
