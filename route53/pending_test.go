package route53_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/simulator"
)

// An account has five calls a second. The edits of one batch, which are confirmed side by side, have one change, and one of
// them asks for it.
func TestOneAsksForTheChangeOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Sync: 43 * time.Second})
		a.AddZone(simulator.Zone{ID: "Z0PRIVATE", Name: "internal.example", Private: true})
		a.SetRecord("Z0PRIVATE", simulator.RecordSet{Name: "www.internal.example", Type: "A", TTL: 60, Values: []string{"10.0.0.1", "10.0.0.2"}})
		was := failover.RecordSet{Name: "www.internal.example", Type: "A", TTL: 60, Values: []string{"10.0.0.1", "10.0.0.2"}}
		shall := was
		shall.Values = was.Values[:1]
		edit := failover.Reweigh{Zone: "Z0PRIVATE", Addr: ip("10.0.0.2"), Was: was, Shall: shall}
		c := open(a)
		change := must[string](t)(editOne(t, c, edit, ""))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := c.Confirm(t.Context(), edit, change); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := a.Calls()["GetChange"]; n > 25 { // alone it is about 18
			t.Errorf("GetChange was called %d times", n)
		}
	})
}
