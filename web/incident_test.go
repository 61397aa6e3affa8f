package web

import (
	"strings"
	"testing"
	"time"

	"rrwatch/failover"
)

func TestTheLineOfAnIncidentSaysWhatMattersNow(t *testing.T) {
	held := []failover.Hold{{Text: "no standby would help"}}
	withdrawal := failover.Action{ID: 1, Kind: failover.KindWithdraw, Status: failover.Proven, Reweigh: &failover.Reweigh{}}
	begun := failover.Action{ID: 2, Kind: failover.KindRestore, Status: failover.Begun}
	for name, c := range map[string]struct {
		incident failover.Incident
		want     string
	}{
		"held":       {failover.Incident{Held: held}, "held: no standby would help"},
		"withdrawn":  {failover.Incident{Held: held, Actions: []failover.Action{withdrawal}}, "out of the answers"},
		"being done": {failover.Incident{Held: held, Actions: []failover.Action{withdrawal, begun}}, "restore"},
		"over":       {failover.Incident{Held: held, Closed: time.Now(), Outcome: "served again"}, "served again"},
	} {
		if got := story(c.incident); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
