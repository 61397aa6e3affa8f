package store

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rrwatch/failover"
)

// advised is an entry that tells of an advisory, or of its end.
func advised(kind failover.EntryKind, about failover.AdvisoryKind, check, text string) failover.Entry {
	at := netip.AddrPortFrom(addr(), 443)
	a := &failover.Advisory{Kind: about, Pool: "www", Check: check, Text: text, Begun: morning().UTC(), Told: morning().UTC()}
	if about == failover.AdviseWarning {
		a.Warnings = []failover.Warning{{Text: text, Addrs: []netip.AddrPort{at}}}
	}
	return failover.Entry{At: morning(), Kind: kind, Pool: "www", Text: "www/" + check + ": " + text, Advisory: a}
}

func TestWhatPeopleWereAdvisedOfIsKnownAfterARestart(t *testing.T) {
	s, path := opened(t)
	old := advised(failover.Warned, failover.AdviseWarning, "https", "the certificate expires in 9 days")
	warned := advised(failover.Warned, failover.AdviseWarning, "https", "the certificate expires in 7 days")
	over := advised(failover.Warned, failover.AdviseWarning, "tls", "the certificate expires in 2 days")
	unserved := advised(failover.NotServed, failover.AdviseNotServed, "https", "203.0.113.1 refused")
	again := advised(failover.NotServed, failover.AdviseNotServed, "login", "203.0.113.1 refused")
	end := func(e failover.Entry, kind failover.EntryKind) failover.Entry { e.Kind = kind; return e }
	mustAppend(t, s, old, over, unserved, again)
	mustAppend(t, s, warned, end(over, failover.WarningOver), end(again, failover.ServedAgain))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := reopened(t, path).Recall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []failover.Advisory{*unserved.Advisory, *warned.Advisory}
	if diff := cmp.Diff(want, m.Advisories, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		t.Error(diff)
	}
}

func TestRetentionForgetsNoAdvisoryThatLasts(t *testing.T) {
	s, _ := opened(t)
	mustAppend(t, s, advised(failover.Warned, failover.AdviseWarning, "https", "the certificate expires in 9 days"))
	if _, err := s.Retain(t.Context(), morning().Add(365*24*time.Hour), Retention{Journal: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if m, err := s.Recall(t.Context()); err != nil || len(m.Advisories) != 1 || len(all(t, s)) != 0 {
		t.Errorf("got %+v, %v, and %d entries", m.Advisories, err, len(all(t, s)))
	}
}
