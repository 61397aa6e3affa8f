package main

import (
	"rrwatch/config"
	"rrwatch/probe"
)

// plainTCPOf is what tcpOf asks, as an engine asks it; nil when there is more to
// it than the connection.
func plainTCPOf(c config.Check) *probe.Plain {
	if len(c.Talk) > 0 {
		return nil
	}
	return probe.PlainTCP(c.Source)
}

// tcpOf only connects, unless the check has something to say.
func tcpOf(c config.Check, dial probe.Dial) probe.Func {
	if len(c.Talk) == 0 {
		return probe.TCP(dial)
	}
	o := probe.TalkOptions{Dial: dial}
	if c.TLS != nil {
		o.TLS = tlsOptions(c, nil)
	}
	for _, step := range c.Talk {
		o.Steps = append(o.Steps, probe.Step{Expect: step.Expect, Send: step.Send.Reveal(), TLS: step.TLS})
	}
	return probe.Talk(o)
}
