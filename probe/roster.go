package probe

import (
	"net/netip"
	"slices"
	"sync"
)

// Roster knows which addresses are watched of each pool, for questions that
// need another one of the pool. Its zero value knows none. It may be used from
// anywhere.
type Roster struct {
	mu    sync.Mutex
	pools map[string][]netip.Addr // a list is never changed once it is here
}

// Set gives the whole list of a pool's addresses; the order is kept.
func (r *Roster) Set(pool string, addrs []netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pools == nil {
		r.pools = map[string][]netip.Addr{}
	}
	r.pools[pool] = slices.Clone(addrs)
}

// Peers are the other addresses of the target's pool, with its port: first
// those that follow it in the list, then those from the beginning. So each
// address has another first peer, and always the same one.
func (r *Roster) Peers(t Target) []netip.AddrPort {
	r.mu.Lock()
	addrs := r.pools[t.Pool]
	r.mu.Unlock()
	own := slices.Index(addrs, t.Addr.Addr())
	peers := make([]netip.AddrPort, 0, len(addrs))
	for _, addr := range slices.Concat(addrs[own+1:], addrs[:max(own, 0)]) {
		peers = append(peers, netip.AddrPortFrom(addr, t.Addr.Port()))
	}
	return peers
}
