package main

import (
	"context"
	"slices"
	"sync"

	"rrwatch/eip"
	"rrwatch/failover"
)

// eips sends each pool's questions and moves to its own account and Region; by
// the pool's name.
type eips map[string]*eip.Client

var _ failover.EIPs = eips{}

// Read asks all accounts side by side, each for all of its pools together.
func (e eips) Read(ctx context.Context, wants []failover.Want) []failover.Got {
	return inGroups(wants, func(w failover.Want) *eip.Client { return e[w.Pool] },
		func(client *eip.Client, theirs []failover.Want) []failover.Got { return client.Read(ctx, theirs) })
}

// Move moves addresses of a pool.
func (e eips) Move(ctx context.Context, pool string, moves []failover.Remap, ended func(n int, err error)) {
	e[pool].Move(ctx, pool, moves, ended)
}

// inGroups does the items of each group in one go, the groups side by side, and
// returns what came of each item, in their order.
func inGroups[G comparable, Item, Result any](items []Item, of func(Item) G, do func(G, []Item) []Result) []Result {
	var groups []G // in the order of their first items
	at := map[G][]int{}
	for n, item := range items {
		g := of(item)
		if !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
		at[g] = append(at[g], n)
	}
	results := make([]Result, len(items))
	var wg sync.WaitGroup
	for _, g := range groups {
		wg.Go(func() {
			theirs := make([]Item, len(at[g]))
			for i, n := range at[g] {
				theirs[i] = items[n]
			}
			for i, result := range do(g, theirs) {
				results[at[g][i]] = result
			}
		})
	}
	wg.Wait()
	return results
}
