package main

import (
	"time"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

// tools are what all questions are asked with.
type tools struct {
	dial   probe.Dial
	pinger *probe.Pinger
	roster *probe.Roster     // the members of each pool, for those questions that need another one
	beats  *probe.Heartbeats // what was heard; nil for a command that asks once, and hears nothing
}

// newTools makes them; close gives back what they hold.
func newTools() tools { return tools{dial: dialer(), pinger: &probe.Pinger{}, roster: &probe.Roster{}} }

func (t tools) close() { t.pinger.Close() }

// checkOf turns a pool's configured check into one that can be asked.
func checkOf(p config.Pool, c config.Check, with tools) failover.Check {
	check := failover.Check{
		Name: c.Name, Kind: string(c.Kind), Port: c.Port, Probe: questionOf(p, c, with),
		Interval: c.Interval, Timeout: c.Timeout, Recheck: c.Recheck,
		Thresholds: monitor.Thresholds{Fall: c.Fall, Clear: c.Clear, Rise: c.Rise, Excused: excusedFor(c)},
	}
	if c.Tripwire {
		check.Tripwire = probe.PlainTCP(c.Source).Announced(proxyOf(c))
	}
	check.Plain = plainOf(c).Announced(proxyOf(c))
	return check
}

// plainOf is the question as an engine asks it; nil when it needs more.
func plainOf(c config.Check) *probe.Plain {
	switch c.Kind {
	case config.KindTCP:
		return plainTCPOf(c)
	case config.KindHTTP:
		return probe.PlainHTTP(httpOptions(c, nil), c.Source)
	case config.KindHTTPS, config.KindTLS, config.KindICMP, config.KindDNS, config.KindHAProxy, config.KindSession, config.KindUDP,
		config.KindGRPC, config.KindExec, config.KindHeartbeat:
	}
	return nil
}

// questionOf is how a check of this kind is asked.
func questionOf(p config.Pool, c config.Check, with tools) probe.Func {
	dial := lineOf(c, with.dial)
	switch c.Kind {
	case config.KindHTTP, config.KindHTTPS:
		return probe.HTTP(httpOptions(c, dial))
	case config.KindTCP:
		return tcpOf(c, dial)
	case config.KindTLS:
		return probe.TLS(tlsOptions(c, dial))
	case config.KindICMP:
		return with.pinger.ICMP(icmpOptions(c))
	case config.KindDNS:
		return dnsOf(p, c, dial)
	case config.KindHAProxy:
		return probe.HAProxy(haproxyOptions(c, dial))
	case config.KindSession:
		return probe.Journey(journeyOptions(c, dial, with.roster))
	case config.KindUDP:
		return udpOf(c, dial)
	case config.KindGRPC:
		return probe.GRPC(grpcOptions(c, dial))
	case config.KindExec:
		return probe.Exec(execOptions(c))
	case config.KindHeartbeat:
		return heartbeatQuestion(c, with.beats)
	}
	panic("no probe for a check of kind " + string(c.Kind)) // the configuration knows no other
}

// excusedFor is how long a site's own excuse is taken.
func excusedFor(c config.Check) time.Duration {
	if c.Excused == nil {
		return 0
	}
	return c.Excused.For
}
