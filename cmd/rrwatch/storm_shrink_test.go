package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rrwatch/failover"
)

// offence is the invariant that a storm broke first: "I5", "end", "expected".
func offence(wrong []string) string {
	if len(wrong) == 0 {
		return ""
	}
	found := regexp.MustCompile(`I[0-9]+|end|expected`).FindString(wrong[0])
	if found == "" {
		found = strings.Join(strings.Fields(wrong[0])[1:min(4, len(strings.Fields(wrong[0])))], " ")
	}
	return found
}

// shrink drops as many events of an outage as it can while the same invariant
// is broken (delta debugging: halves first, then quarters, down to single
// events), for about as long as it may take in real time.
func shrink(o outage, within time.Duration, offends func(outage) bool) outage {
	until := time.Now().Add(within)
	for parts := 2; len(o.events) > 0; {
		size := (len(o.events) + parts - 1) / parts
		smaller := false
		for from := 0; from < len(o.events) && time.Now().Before(until); {
			less := o
			less.events = slices.Delete(slices.Clone(o.events), from, min(from+size, len(o.events)))
			if offends(less) {
				o, smaller = less, true
				continue
			}
			from += size
		}
		switch {
		case !time.Now().Before(until) || size == 1 && !smaller:
			return o
		case size > 1:
			parts = min(2*parts, len(o.events))
		}
	}
	return o
}

// shrinkFor is how long a failing storm may be made smaller for.
const shrinkFor = 40 * time.Second

// smallest is the smallest outage that is found to break the same invariant,
// as a text for testdata/outages.
func smallest(t *testing.T, o outage, wrong []string, prepare func(*storm)) outage {
	t.Helper()
	small := shrink(o, shrinkFor, func(less outage) bool {
		return offence(liveQuietly(t, less, prepare).wrong) == offence(wrong)
	})
	small.prose = append(slices.Clone(small.prose), fmt.Sprintf("Of %d events these break %s.", len(o.events), offence(wrong)))
	return small
}

// A rrwatch that gives addresses to another standby than it says is caught, and
// of all that happened in the storm only the death that leads to the move is left.
func TestAFailingStormIsMadeSmall(t *testing.T) {
	o, err := parseOutage("planted.txt", `# One death among much else.
site: weighted, 3 members, 2 standbys, zones a b
policy: remap; discover 30s
ask: directly
0:05 Slack is down
0:10 operator sets the TTL of www to 90
0:12 AWS throttles DescribeInstances 2 times
0:20 lb-4, lb-5 die
0:40 lb-5 heals
0:45 Slack is back
1:00 Route 53 is busy 2 times
1:10 lb-2 flaps
1:20 lb-2 heals
1:30 rrwatch is stopped for 1s
2:00 lb-1 dies
2:30 lb-1 heals
2:40 AWS is down
2:50 AWS is back
`)
	if err != nil {
		t.Fatal(err)
	}
	plant := func(s *storm) { s.plant.eips = func(e failover.EIPs) failover.EIPs { return astray{e} } }
	found := liveQuietly(t, o, plant)
	if offence(found.wrong) != "I5" {
		t.Fatalf("a move astray breaks %q\n%s\n%s", offence(found.wrong), strings.Join(found.wrong, "\n"), found.story)
	}
	small := smallest(t, o, found.wrong, plant)
	var left []string // the last event stays, for everything heals after it
	for _, e := range small.events {
		left = append(left, e.String())
	}
	if want := []string{"lb-1 dies", "AWS is back"}; !slices.Equal(left, want) {
		t.Errorf("left are\n%s\nwant %q", small, want)
	}
}

func TestShrinkingFindsTheEventsThatMatter(t *testing.T) {
	o := drawOutage(7)
	matter := []event{o.events[1], o.events[len(o.events)-1]}
	asked := 0
	small := shrink(o, time.Minute, func(less outage) bool {
		asked++
		has := func(e event) bool {
			return slices.ContainsFunc(less.events, func(x event) bool { return x.at == e.at && x.String() == e.String() })
		}
		return has(matter[0]) && has(matter[1])
	})
	if len(small.events) != 2 || asked > 4*len(o.events) {
		t.Errorf("%d of %d events are left after %d tries:\n%s", len(small.events), len(o.events), asked, small)
	}
}
