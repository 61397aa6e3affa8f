package main

import "context"

// https compares the CPU time of an HTTPS probe at 100 a second with that of HAProxy's checker. Both make a full handshake
// and verify the chain and the name, each time.
func (b bench) https(ctx context.Context) ([]figure, error) {
	const targets = 200 // at contestInterval
	return b.besideHAProxy(ctx, "https", proberOptions{kind: kindHTTPS, targets: targets, interval: contestInterval}, 0.75)
}
