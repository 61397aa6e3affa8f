package main

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/simulator"
)

// secondServer is a name server of the zone that answers what its own account has.
const secondServer = "127.99.0.54:53"

// twoServers makes a site whose second name server can be made to disagree.
func twoServers(t *testing.T, prepare func(*simulator.AWS)) (b *bubble, second *simulator.AWS) {
	t.Helper()
	b = newBubble(t, strings.NewReplacer(`"127.99.0.53:53"]`, `"127.99.0.53:53", "`+secondServer+`"]`), prepare)
	second = simulator.New(simulator.Options{})
	(&world{aws: second}).fill()
	network := simulator.NewNetwork(second)
	t.Cleanup(network.Close)
	network.AddDNS(netip.MustParseAddrPort(secondServer))
	b.dial = func(ctx context.Context, kind, address string) (net.Conn, error) {
		if address == secondServer {
			return network.DialContext(ctx, kind, address)
		}
		return b.network.DialContext(ctx, kind, address)
	}
	return b, second
}

// stray publishes an address in an account.
func stray(a *simulator.AWS, ttl int64) {
	a.SetRecord("Z0DEMO0EXAMPLE0COM00", simulator.RecordSet{
		Name: "www.example.com", Type: "A", TTL: ttl, SetIdentifier: "stray", Weight: new(int64(200)), Values: []string{"203.0.113.99"},
	})
}

func TestAServerThatAnswersAStrangerIsToldOnceAndItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, second := twoServers(t, nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.pass(5 * time.Minute)
		if got := b.told(failover.Drifted); len(got) != 0 {
			t.Fatalf("told without a disagreement: %q", got)
		}
		stray(second, 10)
		b.pass(100 * time.Second)
		if got := b.told(failover.Drifted); len(got) != 0 {
			t.Errorf("told after 100 s: %q", got)
		}
		b.until(5*time.Minute, "the drift", func() bool { return len(b.pool().Drifts) > 0 })
		const want = "www: 127.99.0.54:53 answers www.example.com with 203.0.113.99, which no record set has (since "
		b.pass(time.Hour)
		if got := b.told(failover.Drifted); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("told %q", got)
		}
		b.stop()
		b.start() // a restart does not tell it again
		b.pass(10 * time.Minute)
		if got := b.told(failover.Drifted); len(got) != 1 || len(b.pool().Drifts) != 1 {
			t.Errorf("after a restart told %q, shown %v", got, b.pool().Drifts)
		}
		second.RemoveRecord("Z0DEMO0EXAMPLE0COM00", "www.example.com", "A", "stray")
		b.until(5*time.Minute, "its end", func() bool { return len(b.pool().Drifts) == 0 })
		if got := b.told(failover.DriftOver); len(got) != 1 || !strings.Contains(got[0], "the disagreement is over: 127.99.0.54:53 answers") {
			t.Errorf("told %q", got)
		}
		if b.changes() != 0 || len(b.incidents()) != 0 {
			t.Errorf("%d changes, %d incidents\n%s", b.changes(), len(b.incidents()), b.story())
		}
	})
}

func TestSilentServersAreToldAndCountAgainstNoMember(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, _ := twoServers(t, nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.network.MuteDNS(true)
		b.until(6*time.Minute, "the drift", func() bool { return len(b.pool().Drifts) > 0 })
		if got := b.told(failover.Drifted); len(got) != 1 || !strings.HasPrefix(got[0], "www: 127.99.0.53:53 does not answer www.example.com at all: ") {
			t.Errorf("told %q", got)
		}
		b.network.MuteDNS(false)
		b.until(6*time.Minute, "its end", func() bool { return len(b.told(failover.DriftOver)) == 1 })
		if len(b.incidents()) != 0 {
			t.Error(b.story())
		}
	})
}

func TestNothingDriftsWhileTheWatcherIsBlind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, second := twoServers(t, nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.network.CutOff(true)
		stray(second, 10)
		b.pass(20 * time.Minute)
		if v := b.responder.View(); v.Blind == "" {
			t.Fatal("the watcher is not blind")
		}
		if got := b.told(failover.Drifted); len(got) != 0 {
			t.Errorf("told %q", got)
		}
	})
}

func TestAnOperatorsChangeIsTheNewTruth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, second := twoServers(t, nil)
		b.start()
		defer b.stop()
		b.healthy()
		for n, set := range b.aws.Records("www.example.com", "A") {
			if set.TTL = 30; n == 1 {
				set.Weight = new(int64(40))
			}
			b.aws.SetRecord("Z0DEMO0EXAMPLE0COM00", set)
			second.SetRecord("Z0DEMO0EXAMPLE0COM00", set)
		}
		b.pass(10 * time.Minute)
		if got := b.told(failover.Drifted); len(got) != 0 || b.changes() != 0 {
			t.Errorf("told %q, %d changes", got, b.changes())
		}
		const want = "pool www changed, by someone else's change: www.example.com A www-1: TTL 10 s → 30 s; www.example.com A www-2: weight 10 → 40, TTL 10 s → 30 s; www.example.com A www-3: TTL 10 s → 30 s"
		if got := b.told(failover.Wired); len(got) != 2 || got[1] != want {
			t.Errorf("told %q", got)
		}
	})
}
