package config

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// firstCheck is the one check of the smallest file, written so.
func firstCheck(t *testing.T, check string) Check {
	t.Helper()
	return mustParse(t, strings.Replace(smallest, "kind: http", check, 1), noEnv).Pools[0].Checks[0]
}

func TestReadsAnICMPCheck(t *testing.T) {
	c := firstCheck(t, "kind: icmp")
	if c.Kind != KindICMP || c.Name != "icmp" || c.Port != 0 || c.Host != "" || c.Tripwire {
		t.Errorf("got %+v", c)
	}
	if diff := cmp.Diff(&ICMP{Size: 56}, c.ICMP); diff != "" {
		t.Error(diff)
	}
	c = firstCheck(t, "{kind: icmp, size: 1472, source: 192.0.2.7}")
	if diff := cmp.Diff(&ICMP{Size: 1472}, c.ICMP); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(netip.MustParseAddr("192.0.2.7"), c.Source, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Error(diff)
	}
}

func TestReportsMistakesOfICMPChecks(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "a payload without room for the token",
			old:  "kind: http",
			new:  "{kind: icmp, size: 7}",
			want: "8:28: pools[0].checks[0].size: wants a whole number from 8 to 1472, not 7",
		},
		{
			name: "a payload of more than a frame",
			old:  "kind: http",
			new:  "{kind: icmp, size: 1473}",
			want: "8:28: pools[0].checks[0].size: wants a whole number from 8 to 1472, not 1473",
		},
		{
			name: "a port",
			old:  "kind: http",
			new:  "{kind: icmp, port: 7}",
			want: "8:22: pools[0].checks[0].port: does not apply to an icmp check; remove it, or write kind: " + owners("port"),
		},
		{
			name: "a tripwire",
			old:  "kind: http",
			new:  "{kind: icmp, tripwire: true}",
			want: "8:22: pools[0].checks[0].tripwire: does not apply to an icmp check; remove it, or write kind: " + owners("tripwire"),
		},
		{
			name: "a source that is none",
			old:  "kind: http",
			new:  "{kind: icmp, source: eth0}",
			want: `8:30: pools[0].checks[0].source: wants an IP address of this machine, such as 192.0.2.7, not "eth0"`,
		},
		{
			name: "a size of another kind",
			old:  "kind: http",
			new:  "{kind: http, size: 100}",
			want: "8:22: pools[0].checks[0].size: does not apply to a http check; remove it, or write kind: " + owners("size"),
		},
	} {
		m.run(t)
	}
}
