package web

import (
	"strings"
	"testing"

	"rrwatch/failover"
)

func TestSaysWhoActs(t *testing.T) {
	for name, c := range map[string]struct {
		lease  *failover.LeaseView
		says   string
		marked bool
	}{
		"no lease":    {nil, "", false},
		"held":        {&failover.LeaseView{Held: true, Holder: "here", Number: 3}, "this watcher: it holds the lease, number 3", false},
		"another has": {&failover.LeaseView{Holder: "there", Number: 4, Why: "there holds the lease"}, "not this watcher, which watches and tells: there holds the lease", true},
		"nearly over": {&failover.LeaseView{Held: true, Holder: "here", Number: 3, Why: "could not be renewed"}, "not this watcher, which watches and tells: could not", true},
	} {
		says := ""
		for _, f := range leaseOf(c.lease) {
			says = f.Text
		}
		if !strings.HasPrefix(says, c.says) || (says == "") != (c.says == "") {
			t.Errorf("%s: %s", name, says)
		}
		if marked := leaseBadge(c.lease) != (badge{}); marked != c.marked {
			t.Errorf("%s: marked: %v", name, marked)
		}
	}
}
