package failover

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// sharedFault reports whether all published members, at least two, fail alike:
// then a move would not help, or the fault lies between them and us. Members
// are believed Down one after the other, so it is not waited for the last of
// them: one that has not passed since this one began to fail may be failing too.
func sharedFault(spec *Spec, pool *Pool, snap *monitor.Snapshot, addr netip.Addr) (string, bool) {
	b := believe(spec, addr, snap)
	published, same, unasked := 0, 0, 0
	for n := range pool.Members {
		m := &pool.Members[n]
		switch {
		case !m.Published:
			continue // out of the answers already, it says nothing of the rest
		case m.Addr.Is4() != addr.Is4() && unaskable(spec, m.Addr, snap):
			continue // an IPv6 address, and this host has none: nobody will ever know
		}
		published++
		if m.Addr == addr {
			continue
		}
		other := believe(spec, m.Addr, snap)
		switch other.sideWith(&b) {
		case failsAlike:
			same++
		case notAskedSince:
			unasked++
		case passes, failsOtherwise:
			return "", false
		}
	}
	switch {
	case published < 2:
		return "", false
	case unasked > 0:
		return fmt.Sprintf("not yet compared with %s: they or this one have not been asked since the other changed", otherMembers(unasked)), true
	case same > 0:
		return fmt.Sprintf("all %d published members %s: moving one would not help", published, doAlike(&b.bad.Why)), true
	}
	return "", false
}

func otherMembers(n int) string {
	if n == 1 {
		return "another member"
	}
	return fmt.Sprintf("%d other members", n)
}

// doAlike says what members do whose fails are alike: "answer 503".
func doAlike(r *probe.Result) string {
	switch {
	case r.Reason == probe.Status && statusOf(r.Detail) != "":
		return "answer " + statusOf(r.Detail)
	case r.Reason == probe.TLSExpired:
		if end, expired, ok := certificateEnd(r.Detail); ok {
			if expired {
				return "show a certificate that expired on " + end.Format(time.DateOnly)
			}
			return "show a certificate that is not valid before " + end.Format(time.DateOnly)
		}
	}
	return fmt.Sprintf("fail alike (%s)", r.Reason)
}

// alike reports whether two fails are of the same fault: of one reason, with one
// status code, by one expired certificate. What is not known of either counts as
// the same: to hold an action is the lesser mistake.
func alike(a, b *probe.Result) bool {
	if a.Reason != b.Reason {
		return false
	}
	x, y := particulars(a), particulars(b)
	return x == y || x == "" || y == ""
}

// particulars tell faults of one reason from each other; empty: nothing does.
func particulars(r *probe.Result) string {
	if r.Reason == probe.Status {
		return statusOf(r.Detail)
	}
	if r.Reason == probe.TLSExpired {
		return certificateLimit(r.Detail)
	}
	return ""
}

// statusOf is the status code of "answered 503 Service Unavailable"; empty if
// the detail has none.
func statusOf(detail string) string {
	_, after, ok := strings.Cut(detail, "answered ")
	if !ok || len(after) < 3 {
		return ""
	}
	for n := range 3 {
		if after[n] < '0' || after[n] > '9' {
			return ""
		}
	}
	return after[:3]
}

// certificateLimit is the moment, with "after" or "before", of crypto/x509's
// "… current time 2026-03-01T12:00:00Z is after 2026-02-28T00:00:00Z"; empty if
// the detail has none.
func certificateLimit(detail string) string {
	_, limit, ok := strings.Cut(detail, " is ")
	for ok && !strings.HasPrefix(limit, "after ") && !strings.HasPrefix(limit, "before ") {
		_, limit, ok = strings.Cut(limit, " is ")
	}
	word, rest, _ := strings.Cut(limit, " ")
	moment, _, _ := strings.Cut(rest, " ")
	return limit[:min(len(limit), len(word)+1+len(moment))]
}

// certificateEnd is when a certificate that is not valid now expired, or else
// begins to be valid.
func certificateEnd(detail string) (end time.Time, expired, ok bool) {
	word, moment, _ := strings.Cut(certificateLimit(detail), " ")
	end, err := time.Parse(time.RFC3339, moment)
	return end.UTC(), word == "after", err == nil
}
