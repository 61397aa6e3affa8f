// Package probe asks one address one question and answers truthfully: a
// verdict of three values, a typed reason, a sentence for humans and the time
// of each phase. It dials the address and speaks to the name.
//
// Each kind of check has a function that makes a Func of its options: HTTP, TCP,
// Talk, TLS, Pinger.ICMP, DNS, UDP, GRPC, HAProxy, Journey (sessions), Exec and
// Heartbeats.Func (which is told instead of asking); Endpoint asks as users do,
// by the name. Those over TCP connect by a Dial, which From and Announce
// decorate. On Linux an Engine asks the plain ones of them at a fraction of the
// cost, with the same answers.
package probe

import (
	"context"
	"net/netip"
	"time"
)

// Target is one check of one address: the unit that is probed. It is
// comparable and serves as a map key.
type Target struct {
	Pool  string         `json:"pool"`
	Check string         `json:"check"` // the check's name, unique in its pool
	Addr  netip.AddrPort `json:"addr"`  // port 0 for checks that have none; zero for an endpoint, which is asked by name
}

// String names a target as pages and logs do: "www/https 203.0.113.1:443", an
// endpoint "www/login".
func (t Target) String() string {
	if !t.Addr.Addr().IsValid() {
		return t.Pool + "/" + t.Check
	}
	return t.Pool + "/" + t.Check + " " + t.Where()
}

// Where is the target's address, with the port that its check has, if it has one.
func (t Target) Where() string {
	if t.Addr.Port() == 0 {
		return t.Addr.Addr().String()
	}
	return t.Addr.String()
}

// Verdict says what an answer means.
type Verdict uint8

// The verdicts. Inconclusive is the zero value: whatever was not answered says
// nothing about the target and never advances a streak.
const (
	Inconclusive Verdict = iota // the watcher itself could not ask
	Pass
	Fail
)

// String is the verdict's lower-case name.
func (v Verdict) String() string {
	switch v {
	case Pass:
		return "pass"
	case Fail:
		return "fail"
	case Inconclusive:
	}
	return "inconclusive"
}

// MarshalText writes the verdict's name, so that JSON is readable.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText wrote; an unknown name is Inconclusive.
func (v *Verdict) UnmarshalText(b []byte) error {
	switch string(b) {
	case "pass":
		*v = Pass
	case "fail":
		*v = Fail
	default:
		*v = Inconclusive
	}
	return nil
}

// Reason is a typed code for why a verdict is not Pass.
type Reason string

// The reasons of a Fail.
const (
	Refused        Reason = "refused"
	Reset          Reason = "reset"
	Closed         Reason = "closed" // the far side ended the connection before it answered
	ConnectTimeout Reason = "connect timeout"
	AnswerTimeout  Reason = "answer timeout" // connected, but no whole answer in time
	Unreachable    Reason = "unreachable"    // a router on the way says that there is no such host
	TLSExpired     Reason = "tls expired"
	TLSName        Reason = "tls name"
	TLSUntrusted   Reason = "tls untrusted"
	TLSHandshake   Reason = "tls handshake"
	Status         Reason = "status"
	Body           Reason = "body"
	Protocol       Reason = "protocol" // the answer is not of the protocol
	TLSVersion     Reason = "tls version"
	Redirect       Reason = "redirect" // led nowhere, or too far
	Header         Reason = "header"
	TooLarge       Reason = "too large"
	Text           Reason = "text"        // what came is not what was expected
	Rcode          Reason = "rcode"       // a DNS server answered with an unexpected code
	Records        Reason = "records"     // a DNS server answered with unexpected records
	NotServing     Reason = "not serving" // the service says so itself
	Exit           Reason = "exit status" // a command ended with an unexpected one
	Servers        Reason = "servers"     // too few servers of a backend are up
	Overdue        Reason = "overdue"     // no heartbeat came in time
	Session        Reason = "session"     // the session led to another backend
	NotServed      Reason = "not served"  // no address of the name served the page
)

// The reasons of an Inconclusive answer: our own trouble, not the target's.
const (
	OwnNetwork   Reason = "own network"   // no route or no address to send from
	OwnResources Reason = "own resources" // no descriptor, port or memory left
	Cancelled    Reason = "cancelled"     // cut short by our own shutdown
	Blind        Reason = "blind"         // the references did not answer either
	Stalled      Reason = "stalled"       // the watcher itself was paused
	Internal     Reason = "internal"      // the probe itself broke
	Resolver     Reason = "resolver"      // our own resolver did not answer
	Excused      Reason = "excused"       // the site itself says that its failing is meant
	NoPeer       Reason = "no peer"       // the question needs another member, and none answered
	Waiting      Reason = "waiting"       // nothing was heard yet, and it is too soon to fail
)

// Phases are the times that the parts of a probe took; zero where a phase was
// not reached or does not exist.
type Phases struct {
	Connect   time.Duration `json:"connect,omitempty"`
	TLS       time.Duration `json:"tls,omitempty"`
	FirstByte time.Duration `json:"first_byte,omitempty"` // from the request's last byte to the answer's first
	Whole     time.Duration `json:"whole"`
}

// Answer is what a probe function says of one question.
type Answer struct {
	Verdict Verdict `json:"verdict"`
	Reason  Reason  `json:"reason,omitempty"`  // empty on Pass
	Detail  string  `json:"detail,omitempty"`  // a sentence for humans; never a secret
	Warning string  `json:"warning,omitempty"` // what should be looked at before it fails; moves nothing
	Phases  Phases  `json:"phases"`
}

// Result is one answered question. It is never changed.
type Result struct {
	Target  Target    `json:"target"`
	Vantage string    `json:"vantage,omitempty"` // where it was sent from
	At      time.Time `json:"at"`                // when it was sent
	Answer
}

// Ended is when the answer was in.
func (r Result) Ended() time.Time { return r.At.Add(r.Phases.Whole) }

// Func asks one target one question and returns by the context's deadline,
// whatever the other side does.
type Func func(ctx context.Context, t Target) Answer
