package failover

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// all has the check http of all members fail so.
func all(why probe.Reason, details ...string) func(*scene) {
	return func(s *scene) {
		for n := range 3 {
			s.breaks(public(n+1), "http", why, details[n%len(details)], justNow)
		}
	}
}

func expired(moment string) string {
	return "certificate has expired or is not yet valid: current time 2026-03-01T12:00:00Z is " + moment
}

func TestDiagnosesWhatAllMembersShare(t *testing.T) {
	const noHelp = ": moving one would not help"
	for name, d := range map[string]diagnosis{
		"one status": {"", all(probe.Status, "answered 503 Service Unavailable"), Diagnosis{CauseShared, []string{
			"all 3 published members answer 503" + noHelp,
		}}},
		"one status, after redirects": {"", all(probe.Status, "answered 500 (after 1 redirect, at /a)", "answered 500"), Diagnosis{CauseShared, []string{
			"all 3 published members answer 500" + noHelp,
		}}},
		"a status that is not told": {"", all(probe.Status, "answered 503 Service Unavailable", ""), Diagnosis{CauseShared, []string{
			"all 3 published members answer 503" + noHelp,
		}}},
		"one expired certificate": {"", all(probe.TLSExpired, expired("after 2026-02-28T23:59:59Z")), Diagnosis{CauseShared, []string{
			"all 3 published members show a certificate that expired on 2026-02-28" + noHelp,
		}}},
		"one certificate too early": {"", all(probe.TLSExpired, expired("before 2027-01-01T00:00:00Z (after 1 redirect, at /a)")), Diagnosis{CauseShared, []string{
			"all 3 published members show a certificate that is not valid before 2027-01-01" + noHelp,
		}}},
		"one reason": {"", all(probe.Refused, "connection refused"), Diagnosis{CauseShared, []string{
			"all 3 published members fail alike (refused)" + noHelp,
		}}},
		"the others begin to fail": {"", func(s *scene) {
			all(probe.Refused, "connection refused")(s)
			for n := 2; n <= 3; n++ {
				h := s.snap.Health(s.target(public(n)))
				h.State, h.Fails = monitor.Up, 1
				s.snap = s.snap.With(s.target(public(n)), h)
			}
		}, Diagnosis{CauseShared, []string{"all 3 published members fail alike (refused)" + noHelp}}},
		"a withdrawn one is not asked for": {"", func(s *scene) {
			s.breaks(public(1), "http", probe.Status, "answered 503", justNow)
			s.breaks(public(3), "http", probe.Status, "answered 503", justNow)
			s.pool.Members[1].Published = false
		}, Diagnosis{CauseShared, []string{"all 2 published members answer 503" + noHelp}}},
		"different status": {"", all(probe.Status, "answered 503 Service Unavailable", "answered 500 Internal Server Error"), Diagnosis{CauseProcess, []string{
			"check http: answered 503 Service Unavailable", ec2Fine, "its load balancer answers, but not as it should",
		}}},
		"different certificates": {"", all(probe.TLSExpired, expired("after 2026-02-28T23:59:59Z"), expired("after 2026-02-27T23:59:59Z")), Diagnosis{CauseProcess, []string{
			"check http: " + expired("after 2026-02-28T23:59:59Z"), ec2Fine, "its load balancer answers, but not as it should",
		}}},
		"one member alone": {"", func(s *scene) {
			all(probe.Refused, "connection refused")(s)
			s.pool.Members, s.pool.Instances = s.pool.Members[:1], s.pool.Instances[:1]
		}, Diagnosis{CauseProcess, []string{"check http: connection refused", ec2Fine, hostServes}}},
	} {
		t.Run(name, d.test)
	}
}

func TestDiagnosesTheWatcher(t *testing.T) {
	everything := func(why probe.Reason, detail string) func(*scene) {
		return func(s *scene) {
			for n := range 5 {
				s.breaks(s.at(n+1), "http", why, detail, justNow+time.Duration(n)*30*time.Second)
			}
		}
	}
	const doubt = ", so the fails may be the watcher's own"
	const nearlyAll = "5 of all 5 addresses that are watched began to fail within 2 minutes"
	for name, d := range map[string]diagnosis{
		"blind": {"", func(s *scene) {
			broken("http", probe.Refused, "connection refused")(s)
			s.snap.Blind = "2 of 3 references do not answer"
		}, Diagnosis{CauseWatcher, []string{"2 of 3 references do not answer" + doubt}}},
		"everything fails": {"", everything(probe.ConnectTimeout, noConnect), Diagnosis{CauseWatcher, []string{nearlyAll + doubt}}},
		"everything answers alike, so it is seen": {"", everything(probe.Status, "answered 503"), Diagnosis{CauseShared, []string{
			"all 3 published members answer 503: moving one would not help", nearlyAll,
		}}},
	} {
		t.Run(name, d.test)
	}
}

func TestDiagnosesTheZone(t *testing.T) {
	silent := func(before time.Duration, instances ...int) func(*scene) {
		return func(s *scene) {
			for _, n := range instances {
				s.breaks(s.at(n), "http", probe.ConnectTimeout, noConnect, before)
			}
		}
	}
	instance := Diagnosis{CauseInstance, []string{"check http: " + noConnect, ec2Fine, "the host is silent", "EC2 lags by a minute or two"}}
	zone := func(text string) Diagnosis {
		return Diagnosis{CauseZone, []string{"check http: " + noConnect, text, ec2Fine}}
	}
	// The scene has i-1, i-3 and i-4 in zone a, i-2 and i-5 in zone b.
	for name, d := range map[string]diagnosis{
		"all of it":  {"", silent(justNow, 1, 3, 4), zone("in zone a 3 of 3 members and standbys began to fail within 2 minutes, and in other zones 2 of 2 pass")},
		"most of it": {"", silent(justNow, 1, 4), zone("in zone a 2 of 3 members and standbys began to fail within 2 minutes, and in other zones 2 of 2 pass")},
		"a suspect counts": {"", func(s *scene) {
			silent(justNow, 1, 3)(s)
			h := s.snap.Health(s.target(public(3)))
			h.State = monitor.Up
			s.snap = s.snap.With(s.target(public(3)), h)
		}, zone("in zone a 2 of 3 members and standbys began to fail within 2 minutes, and in other zones 2 of 2 pass")},
		"what failed for long is not counted": {"", func(s *scene) {
			silent(time.Hour, 4)(s)
			silent(justNow, 1, 3)(s)
		}, zone("in zone a 2 of 2 members and standbys began to fail within 2 minutes, and in other zones 2 of 2 pass")},
		"one of it":                   {"", silent(justNow, 1), instance},
		"one after the other":         {"", func(s *scene) { silent(justNow, 1)(s); silent(justNow+together+1, 3, 4)(s) }, instance},
		"half of the rest fails, too": {"", silent(justNow, 1, 3, 4, 5), instance},
		"the rest was not asked since": {"", func(s *scene) {
			silent(500*time.Millisecond, 1, 3, 4)(s)
			s.pool.Members = slices.Delete(s.pool.Members, 1, 2)
			h := s.snap.Health(s.target(private(5)))
			h.Asked = noon().Add(-time.Minute)
			s.snap = s.snap.With(s.target(private(5)), h)
			s.pool.Instances = slices.Delete(s.pool.Instances, 1, 2)
			s.pool.Members[1].Published = false
		}, instance},
	} {
		t.Run(name, d.test)
	}
}

func TestNamesTheZonesThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		fails map[int]time.Duration // instances, and since when
		want  []string
	}{
		"none":                                   {nil, nil},
		"one instance":                           {map[int]time.Duration{1: justNow}, nil},
		"most of a":                              {map[int]time.Duration{1: justNow, 3: time.Minute}, []string{"a"}},
		"all of b":                               {map[int]time.Duration{2: justNow, 5: justNow}, []string{"b"}},
		"all of b, and one of a at its own":      {map[int]time.Duration{2: time.Hour, 5: time.Hour, 4: justNow}, []string{"b"}},
		"one of b after the other":               {map[int]time.Duration{2: time.Hour, 5: justNow}, nil},
		"everything":                             {map[int]time.Duration{1: justNow, 2: justNow, 3: justNow, 4: justNow, 5: justNow}, nil},
		"a long after b, so that nothing passes": {map[int]time.Duration{2: time.Hour, 5: time.Hour, 1: justNow, 3: justNow, 4: justNow}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.asks("http")
			for n, before := range c.fails {
				s.breaks(s.at(n), "http", probe.ConnectTimeout, noConnect, before)
			}
			if diff := cmp.Diff(c.want, failingZones(s.spec, s.pool, s.snap, nil)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNamesFailingZonesInOrder(t *testing.T) {
	s := newScene()
	s.asks("http")
	for n, zone := range []string{"c", "c", "b", "b", "a"} {
		s.pool.Instances[n].Zone = zone
	}
	for n, before := range []time.Duration{time.Hour, time.Hour, justNow, justNow} {
		s.breaks(s.at(n+1), "http", probe.ConnectTimeout, noConnect, before)
	}
	if diff := cmp.Diff([]string{"b", "c"}, failingZones(s.spec, s.pool, s.snap, nil)); diff != "" {
		t.Error(diff)
	}
}

func TestAZoneFailsByTwoThirds(t *testing.T) {
	const fails, passes = 0, -1
	at := func(zone string, ago ...time.Duration) []seat {
		var list []seat
		for _, d := range ago {
			s := seat{zone: zone, up: d == passes, failed: d != passes, asked: noon()}
			if s.failed {
				s.began = noon().Add(-d)
			}
			list = append(list, s)
		}
		return list
	}
	for name, c := range map[string]struct {
		zone, rest []time.Duration // since when each fails
		want       bool
	}{
		"two of three":                   {[]time.Duration{fails, fails, passes}, []time.Duration{passes}, true},
		"three of five":                  {[]time.Duration{fails, fails, fails, passes, passes}, []time.Duration{passes}, false},
		"one of one":                     {[]time.Duration{fails}, []time.Duration{passes}, false},
		"two, and one fell later":        {[]time.Duration{fails, fails, -3 * time.Minute}, []time.Duration{passes}, true},
		"two, and two fell later":        {[]time.Duration{fails, fails, -3 * time.Minute, -3 * time.Minute}, []time.Duration{passes}, false},
		"nothing passes elsewhere":       {[]time.Duration{fails, fails}, []time.Duration{time.Hour}, false},
		"half of the rest fails":         {[]time.Duration{fails, fails}, []time.Duration{fails, passes}, false},
		"less than half of it":           {[]time.Duration{fails, fails}, []time.Duration{fails, passes, passes}, true},
		"at the end of the two minutes":  {[]time.Duration{fails, together}, []time.Duration{passes}, true},
		"after the end, so failed alone": {[]time.Duration{fails, together + 1}, []time.Duration{passes}, false},
	} {
		count := countZone(append(at("a", c.zone...), at("b", c.rest...)...), "a", noon())
		if got := count.fails(); got != c.want {
			t.Errorf("%s: %v of %+v, want %v", name, got, count, c.want)
		}
	}
}

func TestSaysWhenNearlyEverythingFails(t *testing.T) {
	since := func(s string, n int) []string { return slices.Repeat([]string{s}, n) }
	for name, c := range map[string]struct {
		began []string // of each address, how long before noon; "": it passes
		want  string
	}{
		"all of five":             {since("2s", 5), "5 of all 5 addresses that are watched began to fail within 2 minutes"},
		"all of too few":          {since("2s", 4), ""},
		"four of five":            {append(since("2s", 4), ""), ""},
		"nine of ten":             {append(since("2s", 9), ""), "9 of all 10 addresses that are watched began to fail within 2 minutes"},
		"eight of nine":           {append(since("2s", 8), ""), ""},
		"the last two minutes on": {append(since("2s", 5), "2m2s"), "6 of all 6 addresses that are watched began to fail within 2 minutes"},
		"one at its own":          {append(since("2s", 9), "1h"), "9 of all 10 addresses that are watched began to fail within 2 minutes"},
		"two at their own":        {append(since("2s", 9), "1h", "2h"), ""},
		"one after the other":     {[]string{"1m", "3m", "5m", "7m", "9m", "11m"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			health := map[probe.Target]monitor.Health{
				{Pool: "www", Check: "login"}: {State: monitor.Up, Asked: noon()}, // an endpoint is no address
			}
			for n, before := range c.began {
				pool := fmt.Sprintf("pool-%d", n%2)
				for _, check := range []Check{{Name: "http", Port: 80}, {Name: "icmp"}} {
					target := check.Target(pool, public(n))
					health[target] = healthOf(target, false)
					if d, err := time.ParseDuration(before); err == nil {
						h := healthOf(target, true)
						h.First = noon().Add(-d)
						health[target] = h
					}
				}
			}
			never := Check{Name: "http"}.Target("www", private(9))
			health[never] = monitor.Health{} // asked never
			if text, so := everythingFails(monitor.NewSnapshot(noon(), health)); text != c.want || so != (c.want != "") {
				t.Errorf("says %q, %v, want %q", text, so, c.want)
			}
		})
	}
}
