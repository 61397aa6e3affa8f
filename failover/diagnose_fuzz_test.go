package failover

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// chance draws a situation from a seed.
type chance struct{ *rand.Rand }

func (c chance) one(of int) bool { return c.IntN(of) == 0 }

// health is any belief of a target.
func (c chance) health(t probe.Target) monitor.Health {
	h := healthOf(t, c.one(2))
	if h.State == monitor.Down {
		h.First = noon().Add(-time.Duration(c.IntN(6)) * 50 * time.Second)
		reasons := []probe.Reason{probe.Refused, probe.ConnectTimeout, probe.Status, probe.TLSExpired, probe.AnswerTimeout, probe.Overdue}
		details := []string{"", "answered 503", "answered 500 Internal", "answered", "this is x", "x is after", expired("after 2026-02-28T23:59:59Z")}
		h.Why.Reason, h.Why.Detail = reasons[c.IntN(len(reasons))], details[c.IntN(len(details))]
		h.Last = h.Why
		if c.one(4) {
			h.State = monitor.State(c.IntN(2)) // suspect
		}
	}
	if c.one(6) {
		h.Asked = noon().Add(-time.Duration(c.IntN(300)) * time.Second)
	}
	return h
}

// scene is any pool, in no order, and what is believed of it.
func (c chance) scene() *scene {
	s := newScene()
	kinds := []string{"http", "https", "tcp", "udp", "icmp", "tls", "dns", "heartbeat", "exec"}
	c.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	s.asks(kinds[:c.IntN(4)]...)
	s.pool.Members, s.pool.Instances = nil, nil
	health := map[probe.Target]monitor.Health{}
	watch := func(a netip.Addr) {
		for _, check := range s.spec.Checks {
			if t := check.Target("www", a); !c.one(8) {
				health[t] = c.health(t)
			}
		}
	}
	for n := range c.IntN(8) {
		i := Instance{ID: fmt.Sprintf("i-%d", n), Zone: []string{"a", "b", ""}[c.IntN(3)], State: []string{running, running, "stopped"}[c.IntN(3)]}
		i.Status = []string{"", "ok", impaired}[c.IntN(3)]
		if !c.one(5) {
			i.Private = private(n)
			watch(i.Private)
		}
		s.pool.Instances = append(s.pool.Instances, i)
	}
	for n := range c.IntN(6) {
		m := Member{Addr: public(n), Published: !c.one(5)}
		if !c.one(4) {
			m.Address = &Address{Instance: fmt.Sprintf("i-%d", c.IntN(8))} // which may carry two, or not exist
		}
		watch(m.Addr)
		s.pool.Members = append(s.pool.Members, m)
	}
	s.snap = monitor.NewSnapshot(noon(), health)
	if c.one(20) {
		s.snap.Blind = "no reference answers"
	}
	return s
}

// judged is all that diagnosis says of a scene.
func (s *scene) judged() map[string]Diagnosis {
	text, _ := everythingFails(s.snap)
	all := map[string]Diagnosis{"zones": {Evidence: failingZones(s.spec, s.pool, s.snap, nil)}, "everything": {Evidence: []string{text}}}
	for n := range 7 { // the last one is no member
		all[public(n).String()] = Diagnose(s.spec, s.pool, s.snap, public(n))
	}
	return all
}

func FuzzDiagnose(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		c := chance{rand.New(rand.NewPCG(seed, 1))}
		s := c.scene()
		once := s.judged()
		c.Shuffle(len(s.pool.Members), func(i, j int) {
			s.pool.Members[i], s.pool.Members[j] = s.pool.Members[j], s.pool.Members[i]
		})
		c.Shuffle(len(s.pool.Instances), func(i, j int) {
			s.pool.Instances[i], s.pool.Instances[j] = s.pool.Instances[j], s.pool.Instances[i]
		})
		if diff := cmp.Diff(once, s.judged()); diff != "" {
			t.Fatalf("another order gives another diagnosis: %s", diff)
		}
		published := 0
		for _, m := range s.pool.Members {
			if m.Published {
				published++
			}
		}
		for n := range 7 {
			s.holds(t, public(n), once[public(n).String()], once["zones"].Evidence, published)
		}
	})
}

// holds checks what is true of every diagnosis.
func (s *scene) holds(t *testing.T, addr netip.Addr, d Diagnosis, zones []string, published int) {
	t.Helper()
	member, _ := s.pool.Member(addr)
	carrier, known := s.pool.Instance(member.Carrier())
	switch {
	case s.snap.Blind != "" && d.Cause != CauseWatcher:
		t.Errorf("%s: the watcher is blind, and the cause is %s", addr, d.Cause)
	case d.Cause == CauseShared && published < 2:
		t.Errorf("%s: shared by %d published members", addr, published)
	case d.Cause == CauseZone && !slices.Contains(zones, carrier.Zone):
		t.Errorf("%s: zone %q fails, and is not in %q", addr, carrier.Zone, zones)
	case !known && slices.Contains([]Cause{CauseZone, CauseInstance, CauseProcess}, d.Cause):
		t.Errorf("%s: without a carrier the cause is %s", addr, d.Cause)
	case d.Cause == CauseUnknown && known:
		t.Errorf("%s: nothing is known of %s", addr, carrier.ID)
	case len(d.Evidence) == 0:
		t.Errorf("%s: %s without evidence", addr, d.Cause)
	}
	for _, text := range d.Evidence {
		if strings.TrimSpace(text) != text || text == "" || strings.HasSuffix(text, ".") {
			t.Errorf("%s: %q is no sentence", addr, text)
		}
	}
}

func TestDiagnosesAnEmptyPool(t *testing.T) {
	d := Diagnose(&Spec{Name: "www"}, &Pool{Name: "www"}, monitor.NewSnapshot(noon(), nil), public(1))
	want := Diagnosis{CauseUnknown, []string{"which instance carries the address is not known", "its host was not asked, and may be silent, too"}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
}
