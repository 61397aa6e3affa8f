//go:build !race

package main

// underRace reports whether the race detector watches, which makes everything
// several times slower.
const underRace = false
