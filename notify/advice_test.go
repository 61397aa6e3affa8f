package notify

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
)

func adviceEntry(kind failover.EntryKind, text string) failover.Entry {
	return failover.Entry{At: at(60), Kind: kind, Pool: "www", Text: text}
}

func unserved() failover.Entry {
	return adviceEntry(failover.NotServed, "www: the site is not served to users: https://www.example.com/login: 203.0.113.1 refused; 203.0.113.2 connect timeout")
}

func servedAgain() failover.Entry {
	return adviceEntry(failover.ServedAgain, "www: the site is served to users again: https://www.example.com/login: served by 203.0.113.1: answered 200 OK; it was not for 4m12s")
}

func warned(pool string) failover.Entry {
	return adviceEntry(failover.Warned, pool+"/https: the certificate expires in 9 days, on 2026-11-30 (3 addresses)")
}

func TestAdviceReadsAsWritten(t *testing.T) {
	over := adviceEntry(failover.WarningOver, "www/https: the warning is over: the certificate expires in 9 days, on 2026-11-30 (3 addresses)")
	for name, entries := range map[string][]failover.Entry{
		"not-served": {unserved()}, "served-again": {servedAgain()}, "warning": {warned("www")}, "warning-over": {over},
		"warnings": {warned("www"), warned("api"), warned("shop")},
	} {
		t.Run(name, func(t *testing.T) {
			m := RenderAdvice(entries, base)
			golden(t, name, m.Text+"\n"+m.Colour+"\n"+blockTexts(m.Blocks)+"\n")
		})
	}
}

// A certificate that many pools share must not hold up the alert that follows.
func TestAdviceOfOneKindIsToldInOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &workspace{}
		var entries []failover.Entry
		for n := range 60 {
			entries = append(entries, warned(fmt.Sprint("pool-", n)))
		}
		entries = append(entries, unserved(), latched(), warned("last"), opened())
		_, stop := following(t, newMemory(entries...), bubbled(s))
		time.Sleep(10 * time.Second)
		stop()
		got := s.mains()
		if len(got) != 5 {
			t.Fatalf("%d messages within 10 s", len(got))
		}
		for n, want := range []string{":warning: *60 warnings*", ":rotating_light: *www*: the site is not served", "*The brake is latched", ":warning: *last/https*: ", ":red_circle: *www 203.0.113.1 is down*"} {
			if !strings.Contains(got[n].text, want) {
				t.Errorf("message %d is %q, want %q", n, got[n].text, want)
			}
		}
		if d := got[0].details; !strings.Contains(d, "*pool-0/https*: ") || !strings.Contains(d, "\nand 40 more\n") || strings.Contains(d, "pool-20/") {
			t.Errorf("details:\n%s", d)
		}
	})
}

func TestAdviceCallsNobodyAndLinksNowhere(t *testing.T) {
	e := adviceEntry(failover.NotServed, "www: <!channel> <https://evil.example|log in>: "+strings.Repeat("&", 5000))
	m := RenderAdvice([]failover.Entry{e, e}, base)
	one := RenderAdvice([]failover.Entry{e}, base)
	whole := m.Text + blockTexts(m.Blocks) + one.Text
	for _, bad := range []string{"<!", "<https://evil"} {
		if strings.Contains(whole, bad) {
			t.Errorf("%q is in the message", bad)
		}
	}
	if len(one.Text) > 1000 || len(whole) > 4000 {
		t.Errorf("%d bytes, and %d of them all", len(one.Text), len(whole))
	}
}
