package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/simulator"
)

// simpleSite publishes the three addresses in one simple set and takes the
// standbys away.
func simpleSite(a *simulator.AWS) {
	alone(a)
	set := simulator.RecordSet{Name: "www.example.com", Type: "A", TTL: 60}
	for _, old := range a.Records("www.example.com", "A") {
		set.Values = append(set.Values, old.Values...)
		a.RemoveRecord("Z0DEMO0EXAMPLE0COM00", old.Name, old.Type, old.SetIdentifier)
	}
	a.SetRecord("Z0DEMO0EXAMPLE0COM00", set)
}

func TestARestartForgetsNotHowASharedSetWasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("cooldown: 5m", "cooldown: 1m"), simpleSite)
		b.start()
		b.healthy()
		published := func() int { return len(b.aws.Records("www.example.com", "A")[0].Values) }
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the first withdrawal", func() bool { return published() == 2 })
		b.pass(time.Minute)
		b.fault("lb-2", simulator.Fault503)
		b.until(time.Minute, "the second withdrawal", func() bool { return published() == 1 })
		b.heal("lb-1")
		b.until(5*time.Minute, "the first to come back", func() bool { return published() == 2 })
		b.pass(time.Minute)
		b.stop()
		b.start()
		defer b.stop()
		b.heal("lb-2")
		b.until(5*time.Minute, "the second to come back", func() bool { return published() == 3 })
	})
}

func TestTwoPoolsDoNotGiveOneStandbyTwoAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Describes lag, so that AWS itself does not yet tell.
		b := newBubbleAt(t, simulator.Options{Latency: 60 * time.Millisecond, Lag: 12 * time.Second}, nil, func(a *simulator.AWS) {
			a.SetInstanceState(demoInstances()[4].ID, "stopped")
			set := a.Records("www.example.com", "A")[2]
			a.RemoveRecord("Z0DEMO0EXAMPLE0COM00", set.Name, set.Type, set.SetIdentifier)
			set.Name = "api.example.com"
			a.SetRecord("Z0DEMO0EXAMPLE0COM00", set)
		})
		text := strings.Replace(bubbleConfig, "zone: example.com", "zone: example.com\n    remedy: [remap]", 1)
		_, pool, _ := strings.Cut(text, "pools:\n")
		pool = strings.NewReplacer("name: www", "name: api", "www.example.com", "api.example.com", "    checks:", "    instances: {tags: {rrwatch: www}}\n    checks:").Replace(pool)
		var err error
		if b.cfg, err = config.Parse("test.yaml", []byte(text+pool), func(string) (string, bool) { return "", false }); err != nil {
			t.Fatal(err)
		}
		b.start()
		defer b.stop()
		b.healthy()
		b.pass(10 * time.Second)
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" })
		b.pass(2 * time.Second)
		b.fault("lb-3", simulator.FaultKill)
		b.pass(30 * time.Second)
		if b.carrier(1) != "lb-4" || b.aws.Calls()["AssociateAddress"] != 1 {
			t.Errorf("%d moves, the first address on %q\n%s", b.aws.Calls()["AssociateAddress"], b.carrier(1), b.story())
		}
		for _, i := range b.incidents() {
			for _, a := range i.Actions {
				if a.Status == failover.Refused {
					t.Errorf("refused: %s\n%s", a.Detail, b.story())
				}
			}
		}
	})
}

func TestAnInstanceThatDidNotServeOnceIsAStandbyAgainAfterTheCoolDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("cooldown: 5m", "cooldown: 1m\n    remedy: [remap]"), func(a *simulator.AWS) {
			a.SetInstanceState(demoInstances()[4].ID, "stopped")
		})
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the call", func() bool { return b.aws.Calls()["AssociateAddress"] > 0 })
		b.fault("lb-4", simulator.FaultKill) // as it takes the address
		b.pass(time.Minute)
		b.heal("lb-1") // and stays dead, while the first is repaired
		b.until(5*time.Minute, "the move back", func() bool { return b.carrier(1) == "lb-1" })
	})
}

func TestAnAPIThatIsAwayForAMomentCostsNoCoolDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, func(a *simulator.AWS) { a.SetInstanceState(demoInstances()[4].ID, "stopped") })
		b.start()
		defer b.stop()
		b.healthy()
		b.aws.Down(true)
		b.fault("lb-1", simulator.FaultKill)
		b.pass(10 * time.Second) // until both remedies were refused
		b.aws.Down(false)
		b.until(20*time.Second, "the move", func() bool { return b.carrier(1) == "lb-4" })
	})
}
