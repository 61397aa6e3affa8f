package main

import (
	"context"
	"net/netip"
	"slices"

	"rrwatch/failover"
)

// plant is a fault in rrwatch itself, to see that the judge sees it.
type plant struct {
	eips  func(failover.EIPs) failover.EIPs // nil: those that there are
	rogue func(*storm)                      // does something of its own, when all that was to happen has
}

func (p plant) eipsOf(e failover.EIPs) failover.EIPs {
	if p.eips == nil {
		return e
	}
	return p.eips(e)
}

// astray moves addresses to lb-4, whatever it is told.
type astray struct{ failover.EIPs }

// Move moves the address elsewhere.
func (a astray) Move(ctx context.Context, pool string, moves []failover.Remap, ended func(int, error)) {
	moves = slices.Clone(moves)
	for n := range moves {
		r := &moves[n]
		r.To, r.Interface, r.Private = "i-0a1b2c04", "eni-0a1b2c04", netip.AddrFrom4([4]byte{127, 10, 1, 14})
	}
	a.EIPs.Move(ctx, pool, moves, ended)
}
