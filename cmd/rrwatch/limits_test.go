package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/simulator"
)

const callTakes = 300 * time.Millisecond

// fiveZones is the configuration of five sites in five hosted zones.
func fiveZones(remedy, interval string) *strings.Replacer {
	text := strings.Replace(bubbleConfig[:strings.Index(bubbleConfig, "pools:")], "discover: 10s\n", "", 1) +
		"budget: {per_hour: 999, per_day: 999}\npools:\n"
	for n := range 5 {
		text += fmt.Sprintf(`
  - name: site%[1]d
    record: www.site%[1]d.example
    zone: site%[1]d.example
    name_servers: ["127.99.0.53:53"]
    checks: [{kind: http, port: 8080, path: /healthz, interval: %[3]s, timeout: 1s, recheck: 250ms}]
    remedy: [%[2]s]
    budget: {per_hour: 99, per_day: 99}
`, n, remedy, interval)
	}
	return strings.NewReplacer(bubbleConfig, text)
}

// fillSites adds 20 members to each of the five sites, ten of them in the
// availability zone c, and ten standbys in b.
func fillSites(a *simulator.AWS) {
	for site := range 5 {
		name := fmt.Sprintf("site%d", site)
		zone := fmt.Sprintf("Z0SITE%d0EXAMPLE00000", site)
		a.AddZone(simulator.Zone{ID: zone, Name: name + ".example"})
		for n := range 30 {
			i := simulator.Instance{
				ID: fmt.Sprintf("i-0a1b%x%02x", site, n), Name: fmt.Sprintf("%s-%02d", name, n), Zone: "eu-central-1" + string("acb"[n/10]),
				Private: netip.AddrFrom4([4]byte{127, 20, byte(site), byte(n + 1)}), Tags: map[string]string{"rrwatch": name},
			}
			a.AddInstance(i)
			if n >= 20 {
				continue // a standby
			}
			ip := netip.AddrFrom4([4]byte{127, 120, byte(site), byte(n + 1)})
			a.AddAddress(simulator.Address{IP: ip, Allocation: fmt.Sprintf("eipalloc-0%x%02x", site, n), Instance: i.ID})
			a.SetRecord(zone, simulator.RecordSet{
				Name: "www." + name + ".example", Type: "A", TTL: 60, SetIdentifier: i.Name, Weight: new(int64(10)), Values: []string{ip.String()},
			})
		}
	}
}

// sites starts a watcher of the five sites with AWS's limits and calls of 300 ms.
func sites(t *testing.T, remedy, interval string) *bubble {
	t.Helper()
	if underRace {
		t.Skip("150 targets are too many for the race detector; make test runs this without it")
	}
	o := simulator.Options{Latency: callTakes, Lag: 3 * time.Second, Move: time.Second, Limits: true}
	b := newBubbleAt(t, o, fiveZones(remedy, interval), fillSites)
	b.start()
	b.until(3*time.Minute, "the healthy sites", func() bool {
		v := b.responder.View()
		return v != nil && !slices.ContainsFunc(v.Pools, func(p failover.PoolView) bool {
			return len(p.Members) != 20 || slices.ContainsFunc(p.Members, func(m failover.MemberView) bool { return m.State != monitor.Up })
		})
	})
	return b
}

func (b *bubble) calls() (all int) {
	for _, n := range b.aws.Calls() {
		all += n
	}
	return all
}

// A quiet rrwatch costs few calls: 100 members of five hosted zones, read
// whole, in ten calls a minute.
func TestAQuietWatcherCallsAWSTenTimesAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := sites(t, "remap", "10s")
		defer b.stop()
		before, byAction := b.calls(), b.aws.Calls()
		b.pass(20 * time.Minute)
		n := b.calls() - before
		t.Logf("%d calls in 20 minutes", n)
		if n > 200 {
			t.Errorf("%d calls in 20 minutes: %v, before %v", n, b.aws.Calls(), byAction)
		}
	})
}

// An availability zone with 50 members of five hosted zones fails. What is done
// takes hardly longer than AWS's own limits would have it, and no call is throttled.
func TestAZoneOf50IsAnsweredWithinTheLimitsOfAWS(t *testing.T) {
	for remedy, call := range map[string]string{"remap": "AssociateAddress", "withdraw": "ChangeResourceRecordSets"} {
		t.Run(remedy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := sites(t, remedy, "1s")
				defer b.stop()
				failed := time.Now()
				for site := range 5 {
					for n := 10; n < 20; n++ {
						b.fault(fmt.Sprintf("site%d-%02d", site, n), simulator.FaultLink)
					}
				}
				b.until(time.Minute, "50 answers", func() bool { return b.done() >= 50 })
				first, last := b.span()
				t.Logf("%s: %d calls; the first action began %s after the failure, the last answer came %s after that; %v", remedy,
					b.aws.Calls()[call], first.Sub(failed), last.Sub(first), b.aws.Calls())
				if most := map[string]int{"remap": 50, "withdraw": 5}[remedy]; b.aws.Calls()[call] > most {
					t.Errorf("%d calls of %s, want at most %d", b.aws.Calls()[call], call, most)
				}
				for _, i := range b.incidents() {
					for _, a := range i.Actions {
						// One call to look whether the world is as planned, and the call itself.
						if took := a.Applied.Sub(a.Begun); took > 2*callTakes {
							t.Errorf("%s took %s", a, took)
						}
					}
				}
				if log := b.log.String(); strings.Contains(log, "RequestLimitExceeded") || strings.Contains(log, "Rate exceeded") {
					t.Error("AWS has throttled a call")
				}
			})
		})
	}
}

// done is how many actions AWS has accepted.
func (b *bubble) done() (n int) {
	for _, i := range b.incidents() {
		for _, a := range i.Actions {
			if !a.Applied.IsZero() {
				n++
			}
		}
	}
	return n
}

// span is when the first action began, and when the last one was accepted.
func (b *bubble) span() (first, last time.Time) {
	for _, i := range b.incidents() {
		for _, a := range i.Actions {
			if first.IsZero() || a.Begun.Before(first) {
				first = a.Begun
			}
			if a.Applied.After(last) {
				last = a.Applied
			}
		}
	}
	return first, last
}
