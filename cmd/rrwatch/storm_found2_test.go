package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/simulator"
)

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
