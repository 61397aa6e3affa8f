package probe_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"rrwatch/probe"
)

// More answers than the engine takes at a time are there when the time-out has
// long been over: the machine was busy, and the targets answered in time.
func TestAnEngineThatWasHeldUpTakesNoAnswerForTooLate(t *testing.T) {
	e := engine(t)
	addr := serve(t, wait)
	const n, timeout = 600, 100 * time.Millisecond
	held, cancel := context.WithTimeout(t.Context(), 3*timeout)
	defer cancel()
	for i := range n {
		e.Ask(probe.Job{Ticket: i, Addr: addr, Plain: probe.PlainTCP(netip.Addr{}), Timeout: timeout})
	}
	<-held.Done()
	failed := 0
	for taken := 0; taken < n; {
		list, err := e.Wait(time.Now().Add(soon))
		if err != nil || len(list) == 0 {
			t.Fatalf("%d answers of %d: %v", taken, n, err)
		}
		taken += len(list)
		for _, a := range list {
			if a.Verdict != probe.Pass {
				failed++
			}
		}
	}
	if failed > 0 {
		t.Errorf("%d of %d answers that had come were taken for none", failed, n)
	}
}
