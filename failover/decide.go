package failover

import (
	"fmt"
	"strings"
	"time"
)

// Plan is what the present state of one pool calls for: actions, and whatever
// is held back with the reason. The same input gives the same plan, in a
// stable order.
type Plan struct {
	Pool    string    `json:"pool"`
	At      time.Time `json:"at"`
	Actions []Action  `json:"actions,omitempty"`
	Held    []Hold    `json:"held,omitempty"`
}

// String prints the plan, one line an action or a hold.
func (p Plan) String() string {
	if len(p.Actions) == 0 && len(p.Held) == 0 {
		return fmt.Sprintf("pool %s: nothing to do\n", p.Pool)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "pool %s:\n", p.Pool)
	for _, a := range p.Actions {
		fmt.Fprintf(&b, "  do    %s (%s)\n", a, a.Why)
	}
	for _, h := range p.Held {
		fmt.Fprintf(&b, "  hold  %s: %s", h.Member, h.Text)
		if h.Action != "" {
			fmt.Fprintf(&b, "; would %s", h.Action)
		}
		fmt.Fprintf(&b, " [%s]\n", h.Guard)
	}
	return b.String()
}
