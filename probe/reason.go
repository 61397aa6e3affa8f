package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// stage is how far a probe had come when it failed.
type stage uint8

const (
	dialing stage = iota
	handshaking
	asking
)

// failed turns an error into an answer. The watcher's own trouble is
// Inconclusive: it says nothing about the target.
func failed(ctx context.Context, at stage, err error, p Phases) Answer {
	// A probe cut short by shutdown says nothing about the target; its own
	// deadline does.
	if errors.Is(ctx.Err(), context.Canceled) {
		return Answer{Verdict: Inconclusive, Reason: Cancelled, Detail: "the probe was cut short", Phases: p}
	}
	if reason, ok := ownTrouble(err); ok {
		return Answer{Verdict: Inconclusive, Reason: reason, Detail: plain(err), Phases: p}
	}
	if reason, ok := certificateTrouble(err); ok {
		return Answer{Verdict: Fail, Reason: reason, Detail: plain(err), Phases: p}
	}
	if versionTrouble(err) {
		return Answer{Verdict: Fail, Reason: TLSVersion, Detail: plain(err), Phases: p}
	}
	reason, detail := netTrouble(at, err, p)
	return Answer{Verdict: Fail, Reason: reason, Detail: detail, Phases: p}
}

// ownTrouble tells errors of the watcher's own machine. EHOSTUNREACH is not
// one of them: it is what a router, or ARP on the last hop, says of the target.
func ownTrouble(err error) (Reason, bool) {
	for _, e := range []error{syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EADDRNOTAVAIL, syscall.EACCES, syscall.EPERM} {
		if errors.Is(err, e) {
			return OwnNetwork, true
		}
	}
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EAGAIN, syscall.EADDRINUSE} {
		if errors.Is(err, e) {
			return OwnResources, true
		}
	}
	return "", false
}

func certificateTrouble(err error) (Reason, bool) {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return TLSExpired, true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return TLSName, true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return TLSUntrusted, true
	}
	return "", false
}

func netTrouble(at stage, err error, p Phases) (Reason, string) {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused, "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EHOSTDOWN), isolated(err):
		return Unreachable, "no route to this host"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Reset, "connection reset by the far side"
	case isTimeout(err) && at == dialing:
		return ConnectTimeout, "no connection within " + round(p.Whole)
	case isTimeout(err):
		return AnswerTimeout, "connected, but no whole answer within " + round(p.Whole)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, net.ErrClosed):
		return Closed, "connection closed by the far side before it answered"
	case at == handshaking, isAlert(err):
		return TLSHandshake, plain(err)
	}
	return Protocol, plain(err)
}

// versionTrouble tells that the two sides found no version of TLS that both
// want. crypto/tls has a type for none of the ways in which it says so.
func versionTrouble(err error) bool {
	if _, ok := errors.AsType[*versionError](err); ok {
		return true
	}
	const protocolVersion = tls.AlertError(70) // RFC 8446 section 6
	op, ok := errors.AsType[*net.OpError](err)
	return ok && isAlert(err) && op.Err.Error() == protocolVersion.Error() ||
		strings.HasPrefix(err.Error(), "tls: server selected unsupported protocol version")
}

// isAlert tells an alert that the far side sent in TLS. With TLS 1.3 the one
// about a missing client certificate comes only after our handshake.
func isAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error" // crypto/tls marks alerts so
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// plain is an error as people want to read it: without the two ends of the
// connection, which are known or mean nothing, and without the names of Go's
// own packages and of system calls.
func plain(err error) string {
	text := err.Error()
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil && !isAlert(err) {
		inner := op.Err
		if call, ok := errors.AsType[*os.SyscallError](inner); ok {
			inner = call.Err
		}
		text = strings.Replace(text, op.Error(), inner.Error(), 1)
	}
	text = strings.TrimPrefix(text, "tls: failed to verify certificate: ")
	return clip(strings.TrimPrefix(text, "x509: "))
}

// clip bounds what the other side can make us say: in bytes, and to characters
// that change nothing where they are shown.
func clip(s string) string { return clipTo(s, 200) }

// clipTo is clip with a limit of its own, in bytes.
func clipTo(s string, limit int) string {
	short := s[:min(len(s), limit)]
	short = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(short, ""))
	if len(s) > limit {
		short += "…"
	}
	return short
}

// round writes a time as people do; a time-out is met to a few milliseconds.
func round(d time.Duration) string {
	if d >= time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}

// plural writes a number of things: "1 server", "2 servers".
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
