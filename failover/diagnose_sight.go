package failover

import (
	"fmt"
	"strings"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// layer is how far up a check asks: one that passes shows that everything below
// it works. A heartbeat shows only that the host lives.
type layer uint8

const (
	layerNone      layer = iota // no check
	layerHost                   // the host and the way to it: icmp, heartbeat
	layerTransport              // tcp, udp
	layerTLS                    // tls
	layerService                // all others: somebody answers a question
)

// layerOf is the layer of a kind of check.
func layerOf(kind string) layer {
	switch kind {
	case "icmp", "heartbeat":
		return layerHost
	case "tcp", "udp":
		return layerTransport
	case "tls":
		return layerTLS
	}
	return layerService
}

// sight is what the checks of a member that is Down show of it together.
type sight struct {
	evidence []string // what fails and how, then what passes

	fails, passes layer // the highest one at which a check is Down, and passes since it fails
	mute          int   // checks that heard nothing at all
	told          int   // checks that heard something and fail
	rest          int   // checks whose fails tell nothing of the host: it was not asked, or by another program
	worst         probe.Reason
}

// sightOf sums up the checks of a member that is Down.
func sightOf(b *belief) sight {
	s := sight{worst: b.reason()}
	var pass []string
	for _, c := range b.Checks {
		h := c.Health
		switch {
		case h.State == monitor.Down:
			s.evidence = append(s.evidence, fmt.Sprintf("check %s: %s", c.Name, detailOf(&h.Why)))
			s.fails = max(s.fails, layerOf(c.Kind))
			s.hear(c)
		case h.Fails > 0:
			s.hear(c)
		case h.State == monitor.Up && h.Last.Verdict == probe.Pass && !h.Asked.Before(b.FirstBad):
			pass = append(pass, c.Name)
			s.passes = max(s.passes, layerOf(c.Kind))
		}
	}
	switch len(pass) {
	case 0:
	case 1:
		s.evidence = append(s.evidence, "check "+pass[0]+" passes")
	default:
		s.evidence = append(s.evidence, "checks "+strings.Join(pass, ", ")+" pass")
	}
	return s
}

func detailOf(r *probe.Result) string {
	if r.Detail == "" {
		return string(r.Reason)
	}
	return r.Detail
}

// hear takes in what a check that fails heard of the host. Only of a question
// without a connection does an answer time-out mean that nothing was heard.
func (s *sight) hear(c asking) {
	why := &c.Health.Why
	connected := c.Kind != "icmp" && c.Kind != "udp" && c.Kind != "dns" || why.Phases.Connect > 0
	switch {
	case why.Reason == probe.Overdue, c.Kind == "exec":
		s.rest++
	case silent(why.Reason), why.Reason == probe.AnswerTimeout && !connected:
		s.mute++
	default:
		s.told++
	}
}

// silent reports that nothing came back: no connection, and no refusal of one.
func silent(r probe.Reason) bool { return r == probe.ConnectTimeout || r == probe.Unreachable }

// silent reports that the host was asked and gave no sign of life.
func (s *sight) silent() bool { return s.mute > 0 && s.told == 0 && s.passes == layerNone }

// partial reports that the member still serves something: a check passes that
// asks as far up as the failing ones do, or further. One that asks less far
// shows only that the host lives below the failing process.
func (s *sight) partial() bool { return s.passes >= s.fails && s.fails != layerNone }

// host says what the checks show of the host and its load balancer.
func (s *sight) host() string {
	switch {
	case s.partial():
		return "only a part of what it serves fails"
	case s.silent():
		return "the host is silent"
	case s.mute+s.told == 0 && s.passes == layerNone:
		return "its host was not asked, and may be silent, too"
	case s.told > 0 && s.worst == probe.AnswerTimeout:
		return "the host takes connections, its load balancer does not answer"
	case s.told > 0 && spoken(s.worst):
		return "its load balancer answers, but not as it should"
	}
	return "the host answers, its load balancer does not serve"
}

// spoken reports that the far side has answered, and its answer is the fault.
func spoken(r probe.Reason) bool {
	switch r {
	case probe.Status, probe.Body, probe.Header, probe.Protocol, probe.Redirect, probe.TooLarge, probe.Text, probe.Rcode, probe.Records,
		probe.NotServing, probe.Servers, probe.Session, probe.TLSExpired, probe.TLSName, probe.TLSUntrusted, probe.TLSHandshake, probe.TLSVersion:
		return true
	case probe.Refused, probe.Reset, probe.Closed, probe.ConnectTimeout, probe.AnswerTimeout, probe.Unreachable, probe.Exit, probe.Overdue, probe.NotServed,
		probe.OwnNetwork, probe.OwnResources, probe.Cancelled, probe.Blind, probe.Stalled, probe.Internal, probe.Resolver, probe.Excused, probe.NoPeer, probe.Waiting:
	}
	return false
}
