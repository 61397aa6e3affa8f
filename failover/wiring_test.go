package failover

import (
	"net/netip"
	"testing"
)

// A read of the minute after our move may be an old one; but an association that
// was not there before our move is somebody's move back, and the truth.
func TestAMoveBackByHandIsBelieved(t *testing.T) {
	move := Remap{Addr: public(1), From: "i-1", To: "i-4", Association: "eipassoc-1", Interface: "eni-4", Private: private(4)}
	for name, c := range map[string]struct {
		association, carrier string
		elastic              netip.Addr // of i-4 afterwards
	}{
		"an old read": {"eipassoc-1", "i-4", public(1)},
		"moved back":  {"eipassoc-9", "i-1", netip.Addr{}},
	} {
		s := newScene()
		s.pool.Members[0].Address.Association = c.association
		s.pool.moved(move)
		if m := s.pool.Members[0]; m.Carrier() != c.carrier || s.pool.Instances[3].Elastic != c.elastic {
			t.Errorf("%s: it is on %s, and i-4 carries %s", name, m.Carrier(), s.pool.Instances[3].Elastic)
		}
	}
}
