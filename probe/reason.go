package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
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
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return Answer{Verdict: Inconclusive, Reason: Cancelled, Detail: "the probe was cut short", Phases: p}
	}
	if reason, ok := ownTrouble(err); ok {
		return Answer{Verdict: Inconclusive, Reason: reason, Detail: clip(err.Error()), Phases: p}
	}
	if at == handshaking {
		if reason, ok := tlsTrouble(err); ok {
			return Answer{Verdict: Fail, Reason: reason, Detail: clip(err.Error()), Phases: p}
		}
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
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EAGAIN} {
		if errors.Is(err, e) {
			return OwnResources, true
		}
	}
	return "", false
}

func tlsTrouble(err error) (Reason, bool) {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		return TLSExpired, true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return TLSName, true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return TLSUntrusted, true
	}
	if isTimeout(err) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) {
		return "", false
	}
	return TLSHandshake, true
}

func netTrouble(at stage, err error, p Phases) (Reason, string) {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused, "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH):
		return Unreachable, "no route to this host"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Reset, "connection reset by the far side"
	case isTimeout(err) && at == dialing:
		return ConnectTimeout, "no connection within " + round(p.Whole)
	case isTimeout(err):
		return AnswerTimeout, "connected, but no whole answer within " + round(p.Whole)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return Closed, "connection closed by the far side before it answered"
	}
	return Protocol, clip(err.Error())
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// clip bounds what the other side can make us say, in bytes.
func clip(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

func round(d time.Duration) string { return d.Round(time.Millisecond).String() }
