package probe_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rrwatch/probe"
)

func TestATargetNamesItselfAsPagesDo(t *testing.T) {
	if got, want := target(netip.MustParseAddrPort("203.0.113.1:443")).String(), "www/check 203.0.113.1:443"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := alone("2001:db8::1").String(), "www/check 2001:db8::1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAResultSurvivesJSON(t *testing.T) {
	for _, v := range []probe.Verdict{probe.Inconclusive, probe.Pass, probe.Fail} {
		want := probe.Result{
			Target: target(netip.MustParseAddrPort("[2001:db8::1]:443")), Vantage: "here", At: time.Unix(1700000000, 5).UTC(),
			Answer: probe.Answer{Verdict: v, Reason: probe.TLSName, Detail: "why", Phases: probe.Phases{Connect: 1, TLS: 2, FirstByte: 3, Whole: 4}},
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got probe.Result
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAnUnknownVerdictSaysNothing(t *testing.T) {
	v := probe.Fail
	if err := v.UnmarshalText([]byte("maybe")); err != nil || v != probe.Inconclusive {
		t.Errorf("got %s, %v, want inconclusive", v, err)
	}
	if got := probe.Verdict(99).String(); got != "inconclusive" {
		t.Errorf("a verdict out of range is called %q", got)
	}
}
