package failover

import (
	"net/netip"
	"strings"
	"testing"

	"rrwatch/probe"
)

// Where instances answer on secondary private addresses, one may carry several
// addresses: a spare one whose own address is taken, and if there is none, one
// that carries a healthy member.
func TestAnInstanceWithRoomTakesOneMoreAddress(t *testing.T) {
	free := []netip.Addr{private(44), private(45)}
	for name, c := range map[string]struct {
		change  func(*scene)
		want    string
		private netip.Addr
	}{
		"a spare one, on its own private address": {func(s *scene) { s.pool.Instances[3].Free = free }, toLB4, private(4)},
		"a spare one that has an address of its own": {func(s *scene) {
			s.pool.Instances[3].Elastic, s.pool.Instances[3].Free = public(99), free
		}, toLB4, private(44)},
		"none is spare": {func(s *scene) {
			s.pool.Instances = s.pool.Instances[:3]
			s.pool.Instances[1].Free = free
		}, "remap 203.0.113.1 from lb-1 (i-1) to lb-2 (i-2)", private(44)},
		"the spare one fails": {func(s *scene) {
			s.down(private(4), probe.Refused)
			s.down(private(5), probe.Refused)
			s.pool.Instances[2].Free = free
		}, "remap 203.0.113.1 from lb-1 (i-1) to lb-3 (i-3)", private(44)},
		"who has room fails, too": {func(s *scene) {
			s.pool.Instances = s.pool.Instances[:3]
			s.pool.Instances[1].Free = free
			s.down(public(2), probe.Refused)
		}, withdrawLB1, netip.Addr{}},
	} {
		s := newScene()
		s.spec.Instances.Secondary = true
		c.change(s)
		s.fails(1, probe.Refused)
		if a := s.wantAction(t, c.want); a.Remap != nil && a.Remap.Private != c.private {
			t.Errorf("%s: it lands on %s, want %s", name, a.Remap.Private, c.private)
		}
		s.spec.Instances.Secondary = false
		for _, a := range s.plan().Actions {
			if a.Remap != nil && a.Remap.Private == private(44) {
				t.Errorf("%s: it lands on a secondary address without being told that the instance answers there", name)
			}
		}
	}
}

const withdrawLB1 = "withdraw 203.0.113.1: www.example.com A www-1: weight 10 → 0"

func TestTheFreeAddressIsTakenOnce(t *testing.T) {
	s := newScene()
	s.pool.Instances[3].Free, s.pool.Instances[3].Elastic = []netip.Addr{private(44), private(45)}, public(99)
	s.pool.moved(Remap{Addr: public(1), From: "i-1", To: "i-4", Interface: "eni-4", Private: private(44)})
	if got := s.pool.Instances[3]; got.Elastic != public(99) || len(got.Free) != 1 || got.Free[0] != private(45) {
		t.Errorf("the instance carries %s, and %v are free", got.Elastic, got.Free)
	}
}

func TestAnInstanceThatIsToBeRetiredIsTheLastChoice(t *testing.T) {
	s := newScene()
	s.fails(1, probe.Refused)
	s.pool.Instances[3].Events = []string{"instance-retirement not before 2026-03-01 12:00 UTC"}
	s.wantAction(t, "remap 203.0.113.1 from lb-1 (i-1) to lb-5 (i-5)")
	s.pool.Instances = s.pool.Instances[:4]
	s.wantAction(t, toLB4)
}

func TestAnAddressStaysInItsBorderGroup(t *testing.T) {
	s := newScene()
	s.fails(1, probe.Refused)
	s.pool.Members[0].Address.BorderGroup = "eu-central-1"
	s.pool.Instances[3].BorderGroup = "eu-central-1-ham-1"
	s.wantAction(t, "remap 203.0.113.1 from lb-1 (i-1) to lb-5 (i-5)") // whose group is not known
	s.pool.Instances = s.pool.Instances[:4]
	s.spec.Policy.Remedies = []Remedy{RemedyRemap}
	if h := s.wantHold(t, GuardWontHelp); !strings.Contains(h.Text, "border group eu-central-1-ham-1, and the address belongs to eu-central-1") {
		t.Errorf("it says %s", h.Text)
	}
}

// The primary of a failover pair leaves while its secondary is healthy; the
// secondary is not taken out while the primary answers.
func TestTheSecondaryOfAPairAnswersForItsPrimary(t *testing.T) {
	s := newScene()
	s.pool.Instances, s.pool.Members = s.pool.Instances[:3], s.pool.Members[:2]
	for n, role := range []string{"PRIMARY", "SECONDARY"} {
		set := s.pool.Members[n].Set
		set.Weight, set.Failover = nil, role
		s.pool.Members[n].Set, s.pool.Sets[n] = set, set
	}
	s.spec.Policy.Remedies = []Remedy{RemedyWithdraw}
	s.fails(1, probe.Refused)
	if a := s.wantAction(t, "withdraw 203.0.113.1: www.example.com A www-1: the set leaves"); a.Reweigh.Shall.Exists() {
		t.Errorf("it leaves %+v", a.Reweigh.Shall)
	}
	s.down(public(2), probe.Status)
	s.wantHold(t, GuardLastHealthy)

	s.up(public(1))
	s.h.Open = nil
	s.fails(2, probe.Refused)
	plan := s.plan()
	if len(plan.Actions) != 0 || len(plan.Held) != 1 || plan.Held[0].Guard != GuardWontHelp {
		t.Errorf("got\n%s", plan)
	}
}
