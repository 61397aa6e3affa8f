package probe_test

import (
	"net/netip"
	"slices"
	"sync"
	"testing"

	"rrwatch/probe"
)

// addrs are these addresses, by their last number.
func addrs(last ...byte) []netip.Addr {
	var list []netip.Addr
	for _, n := range last {
		list = append(list, netip.AddrFrom4([4]byte{203, 0, 113, n}))
	}
	return list
}

func TestThePeersOfAnAddressFollowItInTheList(t *testing.T) {
	var r probe.Roster
	list := addrs(3, 1, 2)
	r.Set("www", list)
	list[0] = netip.Addr{} // the roster has its own
	r.Set("api", addrs(9))
	for _, c := range []struct {
		pool string
		last byte
		want []netip.Addr
	}{
		{"www", 3, addrs(1, 2)},
		{"www", 1, addrs(2, 3)},
		{"www", 2, addrs(3, 1)},
		{"www", 7, addrs(3, 1, 2)}, // not in the list
		{"api", 9, nil},
		{"ftp", 1, nil},
	} {
		at := addrs(c.last)[0]
		var got []netip.Addr
		for _, peer := range r.Peers(probe.Target{Pool: c.pool, Addr: netip.AddrPortFrom(at, 8443)}) {
			if peer.Port() != 8443 {
				t.Errorf("a peer of %s %s has port %d", c.pool, at, peer.Port())
			}
			got = append(got, peer.Addr())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("the peers of %s %s are %v, want %v", c.pool, at, got, c.want)
		}
	}
}

func TestARosterIsReadWhileItIsWritten(t *testing.T) {
	var r probe.Roster
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				r.Set("www", addrs(1, 2, 3))
				got := r.Peers(probe.Target{Pool: "www", Addr: netip.AddrPortFrom(addrs(2)[0], 80)})
				if len(got) != 2 || got[0].Addr() != addrs(3)[0] {
					t.Errorf("got %v", got)
				}
			}
		})
	}
	wg.Wait()
}
