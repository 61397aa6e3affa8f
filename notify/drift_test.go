package notify

import (
	"testing"
	"time"

	"rrwatch/failover"
)

func TestDriftReadsAsWritten(t *testing.T) {
	stranger := adviceEntry(failover.Drifted, "www: 192.0.2.53:53 answers www.example.com with 203.0.113.9, which no record set has (since 03:02:10)")
	silent := adviceEntry(failover.Drifted, "api: 192.0.2.54:53 does not answer api.example.com at all: no answer by udp: i/o timeout (since 03:01:40)")
	over := adviceEntry(failover.DriftOver, "www: the disagreement is over: 192.0.2.53:53 answers www.example.com with 203.0.113.9, which no record set has (from 03:02:10 until 03:40:10)")
	for name, entries := range map[string][]failover.Entry{"drift": {stranger}, "drifts": {stranger, silent}, "drift-over": {over}} {
		t.Run(name, func(t *testing.T) {
			m := RenderAdvice(entries, base)
			golden(t, name, m.Text+"\n"+m.Colour+"\n"+blockTexts(m.Blocks)+"\n")
		})
	}
}

func TestTheMessageSaysUntilWhenResolversMayGiveTheAddress(t *testing.T) {
	a := withdrawal(failover.Proven)
	a.Ended, a.Drained = at(33), at(33).Add(30*time.Second)
	a.Reweigh.Was.TTL, a.Reweigh.Shall.TTL = 30, 30
	proven := step1(33, failover.ActionEnded, "proven from outside: "+a.String()+"; resolvers may give 203.0.113.1 until 03:05:03 (TTL 30 s)", a)
	forgotten := entry(63, failover.Drained, "resolvers have forgotten 203.0.113.1 since 03:05:03")
	for name, m := range map[string]Message{
		"draining": Render(of(opened(), diagnosed(), proven), base), "drained": Render(of(opened(), diagnosed(), proven, forgotten), base),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, m.Text+"\n"+m.Colour+"\n"+blockTexts(m.Blocks)+"\n") })
	}
	if text, _ := replyText([]failover.Entry{forgotten}); text != "`03:05:03` :droplet: resolvers have forgotten 203.0.113.1 since 03:05:03" {
		t.Errorf("got %s", text)
	}
}
