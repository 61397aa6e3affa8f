package main

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/simulator"
)

func TestAnAddressThatIsNoElasticIPIsWatchedAndNeverMoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stranger := netip.MustParseAddr("127.113.0.99")
		b := newBubble(t, nil, func(a *simulator.AWS) {
			a.SetRecord("Z0DEMO0EXAMPLE0COM00", simulator.RecordSet{
				Name: "www.example.com", Type: "A", TTL: 60, SetIdentifier: "www-99", Weight: new(int64(10)), Values: []string{stranger.String()},
			})
		})
		b.start()
		defer b.stop()
		h := b.holdsWith(stranger, failover.GuardNotOurs)
		if h.Remedy != failover.RemedyRemap || !strings.Contains(h.Text, "no Elastic IP of this account") {
			t.Errorf("held with %+v", h)
		}
		// It was never seen healthy, so it is not taken out of DNS either.
		b.holdsWith(stranger, failover.GuardWarmUp)
		b.pass(10 * time.Minute)
		if b.changes() != 0 || !slices.ContainsFunc(b.pool().Notices, func(n string) bool { return strings.HasPrefix(n, stranger.String()) }) {
			t.Errorf("%d changes, notices %q\n%s", b.changes(), b.pool().Notices, b.story())
		}
	})
}

func TestAnAddressOnNothingIsHeldAndTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, func(a *simulator.AWS) { a.Associate(demoAddress(1), "") })
		b.start()
		defer b.stop()
		h := b.holdsWith(demoAddress(1), failover.GuardWarmUp)
		if !strings.Contains(h.Action, "carried by no instance") {
			t.Errorf("held with %+v", h)
		}
		if i := b.incident(); i.Diagnosis.Cause != failover.CauseUnknown || b.changes() != 0 {
			t.Errorf("cause %s, %d changes\n%s", i.Diagnosis.Cause, b.changes(), b.story())
		}
	})
}

func TestTheAddressOfAStoppedInstanceIsMoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-2", simulator.FaultStop)
		b.until(time.Minute, "the move", func() bool { return b.carrier(2) == "lb-5" })
		if i := b.incident(); i.Diagnosis.Cause != failover.CauseInstance {
			t.Errorf("cause %s\n%s", i.Diagnosis.Cause, b.story())
		}
		b.until(time.Minute, "the stopped instance to be no standby", func() bool {
			return slices.ContainsFunc(b.pool().Spare, func(s failover.SpareView) bool {
				return s.Name == "lb-2" && !s.Standby && s.Why == "is stopped"
			})
		})
	})
}

func TestInMaintenanceAPoolIsWatchedAndNothingIsChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// The bubble begins at midnight UTC, 2000-01-01.
		b := newBubble(t, strings.NewReplacer("interval: 1s", "interval: 10s", "discover: 10s", "discover: 10s\nmaintenance: [{pools: [www], cron: \"0 0 * * *\", for: 1h}]"), nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.holdsWith(demoAddress(1), failover.GuardMaintenance)
		b.pass(30 * time.Minute)
		if b.changes() != 0 || b.pool().Maintenance.IsZero() {
			t.Fatalf("%d changes in the window\n%s", b.changes(), b.story())
		}
		b.until(40*time.Minute, "the move after the window", func() bool { return b.carrier(1) == "lb-4" })
	})
}

func TestWhileAWSDoesNotAnswerTheWatchGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.aws.Down(true)
		b.pass(5 * time.Minute)
		b.fault("lb-1", simulator.FaultKill)
		b.holdsWith(demoAddress(1), failover.GuardStale)
		if p := b.pool(); p.Trouble == "" || b.member(1).State != monitor.Down {
			t.Errorf("trouble %q, member %s", p.Trouble, b.member(1).State)
		}
		b.aws.Down(false)
		b.until(time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" })
	})
}

func TestWithoutAJournalNothingIsChangedAndPeopleAreToldDirectly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		b.start()
		defer b.stop()
		b.healthy()
		// A database that is gone cannot be written.
		if err := os.Rename(b.path, b.path+".away"); err != nil {
			t.Fatal(err)
		}
		b.fault("lb-1", simulator.FaultKill)
		b.pass(5 * time.Minute)
		if v := b.responder.View(); v.NoRecord == "" || b.changes() != 0 || b.member(1).State != monitor.Down {
			t.Errorf("no record: %q; %d changes; member %s", v.NoRecord, b.changes(), b.member(1).State)
		}
		if n := len(b.alarms); n != 1 || !strings.Contains(b.alarms[0], "holds all actions") {
			t.Errorf("%d alarms, want 1: %q", n, b.alarms)
		}
		if err := os.Rename(b.path+".away", b.path); err != nil {
			t.Fatal(err)
		}
		b.until(time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" })
		if !strings.Contains(b.story(), "127.113.0.11:8080 is down") {
			t.Errorf("what happened meanwhile is not in the journal\n%s", b.story())
		}
	})
}
