package simulator

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/probe"
)

// The short cut says what the real question says, for every fault.
func TestTheQuestionWithoutAConnectionSaysWhatTheRealOneSays(t *testing.T) {
	faults := []Fault{FaultNone, FaultKill, FaultHang, Fault503, FaultSlow, FaultStop, FaultLink, FaultFlap}
	type trouble struct {
		name  string
		bring func(n *Network)
		ends  func(n *Network)
	}
	all := []trouble{
		{"cut off", func(n *Network) { n.CutOff(true) }, func(n *Network) { n.CutOff(false) }},
		{"cut off from the zone", func(n *Network) { n.CutOffZone("eu-central-1a", true) }, func(n *Network) { n.CutOffZone("eu-central-1a", false) }},
		{"address on nothing", func(n *Network) { n.aws.Associate(netip.MustParseAddr("127.113.0.11"), "") }, func(n *Network) { n.aws.Associate(netip.MustParseAddr("127.113.0.11"), "i-1") }},
	}
	for _, f := range faults {
		all = append(all, trouble{
			fmt.Sprintf("fault %q", f), func(n *Network) { _ = n.Break("i-1", f) }, func(n *Network) { _ = n.Heal("i-1") },
		})
	}
	for _, x := range all {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := New(Options{})
				a.AddInstance(Instance{ID: "i-1", Private: netip.MustParseAddr("127.10.0.1")})
				a.AddAddress(Address{IP: netip.MustParseAddr("127.113.0.11"), Instance: "i-1"})
				n := NewNetwork(a)
				defer n.Close()
				asked := probe.HTTP(probe.HTTPOptions{Host: "www.example.com", Path: "/healthz", Status: []probe.StatusRange{{From: 200, To: 200}}, Dial: n.DialContext})
				x.bring(n)
				var want []probe.Answer
				for range 2 { // a flapping one has two answers
					want = append(want, askOnce(t, asked))
				}
				for k := range 2 {
					if got, want := askOnce(t, n.Question()), want[k]; got.Verdict != want.Verdict || got.Reason != want.Reason || got.Detail != want.Detail {
						t.Errorf("it says %+v, the real one %+v", got, want)
					}
				}
				knock, dial := askOnce(t, probe.TCP(n.Knock)), askOnce(t, probe.TCP(n.DialContext))
				if knock.Verdict != dial.Verdict || knock.Reason != dial.Reason || knock.Detail != dial.Detail {
					t.Errorf("who knocks hears %+v, who connects %+v", knock, dial)
				}
				x.ends(n)
				if got := askOnce(t, n.Question()); got.Verdict != probe.Pass {
					t.Errorf("healed, it says %+v", got)
				}
			})
		})
	}
}

func askOnce(t *testing.T, ask probe.Func) probe.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	return ask(ctx, probe.Target{Pool: "www", Check: "http", Addr: netip.AddrPortFrom(netip.MustParseAddr("127.113.0.11"), 8080)})
}
