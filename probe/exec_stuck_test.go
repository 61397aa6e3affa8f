package probe

import (
	"net/netip"
	"strings"
	"testing"
)

// A process that cannot be killed (another user's, or one that waits for a disk)
// cannot be made in a test, so its count is set here.
func TestStartsNoMoreCommandsThanCannotBeEnded(t *testing.T) {
	e := &execs{ExecOptions: ExecOptions{Command: []string{"/bin/true"}, Exit: []int{0}}}
	target := Target{Addr: netip.MustParseAddrPort("192.0.2.1:1")}
	e.stuck.Store(stuckLimit - 1)
	if a := e.ask(t.Context(), target); a.Verdict != Pass {
		t.Errorf("below the limit: got %+v", a)
	}
	e.stuck.Store(stuckLimit)
	if a := e.ask(t.Context(), target); a.Verdict != Inconclusive || a.Reason != OwnResources || !strings.Contains(a.Detail, "8 commands") {
		t.Errorf("at the limit: got %+v", a)
	}
}
