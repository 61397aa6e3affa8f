package failover

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// The tests of judgement share one pool: members 1 to 3 on the instances i-1
// to i-3, the spares i-4 (in the zone of i-1) and i-5, all healthy, at noon.

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func public(n int) netip.Addr  { return netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}) }
func private(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}) }

// scene is one input of Decide, to be changed by a test.
type scene struct {
	spec *Spec
	pool *Pool
	snap *monitor.Snapshot
	h    *History
	now  time.Time
}

func newScene() *scene {
	s := &scene{
		spec: &Spec{
			Name: "www", Record: "www.example.com", Zone: "example.com",
			Checks: []Check{{Name: "http", Kind: "http", Port: 80, Interval: 5 * time.Second, Timeout: 2 * time.Second, Recheck: 500 * time.Millisecond, Thresholds: monitor.Thresholds{Fall: 3, Clear: 1, Rise: 2}}},
			Policy: Policy{
				Mode: Act, Remedies: []Remedy{RemedyRemap, RemedyWithdraw}, VerifyWithin: 30 * time.Second,
				Cooldown: 5 * time.Minute, RestoreAfter: time.Minute, MinHealthy: 1, Budget: Budget{4, 12},
			},
			Instances: Selector{Address: AddressAuto},
		},
		pool: &Pool{Name: "www", ZoneID: "Z1", Read: noon().Add(-10 * time.Second)},
		snap: monitor.NewSnapshot(noon(), nil),
		h:    &History{Total: Budget{10, 30}, StaleAt: 2 * time.Minute, Left: map[RecordKey]Left{}},
		now:  noon(),
	}
	for n := 1; n <= 5; n++ {
		i := Instance{ID: fmt.Sprintf("i-%d", n), Name: fmt.Sprintf("lb-%d", n), Zone: "a", State: running, Interface: fmt.Sprintf("eni-%d", n), Interfaces: 1, Private: private(n)}
		if n == 2 || n == 5 {
			i.Zone = "b"
		}
		if n <= 3 {
			i.Elastic, i.Public = public(n), public(n)
			s.pool.Members = append(s.pool.Members, Member{
				Addr: public(n), Published: true,
				Set:     RecordSet{Name: "www.example.com", Type: "A", TTL: 60, Identifier: fmt.Sprintf("www-%d", n), Weight: new(int64(10)), Values: []string{public(n).String()}},
				Address: &Address{IP: public(n), Allocation: fmt.Sprintf("eipalloc-%d", n), Association: "eipassoc-1", Instance: i.ID, Private: i.Private},
			})
			s.pool.Sets = append(s.pool.Sets, s.pool.Members[n-1].Set)
			s.up(public(n))
		} else {
			s.up(i.Private)
		}
		s.pool.Instances = append(s.pool.Instances, i)
	}
	return s
}

func (s *scene) target(a netip.Addr) probe.Target { return s.spec.Checks[0].Target("www", a) }

// up makes an address healthy for the last hour, asked a second ago.
func (s *scene) up(a netip.Addr) {
	last := probe.Result{Target: s.target(a), At: noon().Add(-time.Second), Answer: probe.Answer{Verdict: probe.Pass}}
	s.snap = s.snap.With(s.target(a), monitor.Health{
		State: monitor.Up, Since: noon().Add(-time.Hour), Streak: noon().Add(-time.Hour), Passes: 720, Last: last, Asked: last.At, SeenUp: true,
	})
}

// down makes an address fail for the last two seconds.
func (s *scene) down(a netip.Addr, why probe.Reason) {
	last := probe.Result{Target: s.target(a), At: noon().Add(-500 * time.Millisecond), Answer: probe.Answer{Verdict: probe.Fail, Reason: why, Detail: string(why)}}
	s.snap = s.snap.With(s.target(a), monitor.Health{
		State: monitor.Down, Since: noon().Add(-time.Second), First: noon().Add(-2 * time.Second), Fails: 3, Last: last, Why: last, Asked: last.At, SeenUp: true,
	})
}

// fails brings member n down and opens its incident.
func (s *scene) fails(n int, why probe.Reason) {
	s.down(public(n), why)
	s.h.Open = append(s.h.Open, Incident{
		ID: int64(n), Pool: "www", Member: public(n), Opened: noon().Add(-time.Second),
		Opening: Opening{FirstBad: noon().Add(-2 * time.Second), Believed: noon().Add(-time.Second), SeenUp: true},
	})
}

func (s *scene) plan() Plan { return Decide(s.spec, s.pool, s.snap, s.h, s.now) }

// wantHold fails unless the plan does nothing and holds member 1 with g.
func (s *scene) wantHold(t *testing.T, g Guard) Hold {
	t.Helper()
	plan := s.plan()
	if len(plan.Actions) > 0 {
		t.Errorf("the plan acts:\n%s", plan)
	}
	for _, h := range plan.Held {
		if h.Guard == g && h.Member == public(1) {
			return h
		}
	}
	t.Errorf("nothing is held by %s:\n%s", g, plan)
	return Hold{}
}

// wantAction fails unless the plan is this one action.
func (s *scene) wantAction(t *testing.T, want string) Action {
	t.Helper()
	plan := s.plan()
	if len(plan.Actions) != 1 || plan.Actions[0].String() != want {
		t.Fatalf("want %q, got\n%s", want, plan)
	}
	return plan.Actions[0]
}
