package route53

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rrwatch/failover"
)

// judge refuses edits that are wrong whatever the zone holds.
func judge(r failover.Reweigh) *failover.Refusal {
	if _, isID := asID(r.Zone); !isID {
		return refuse(r, failover.GuardNotOurs, "the plan names no hosted zone by its id: %q", r.Zone)
	}
	if !set(r).Exists() {
		return refuse(r, failover.GuardChanged, "the plan says neither what is there nor what shall be")
	}
	if why := odd(r.Was, r.Shall); why != "" {
		return refuse(r, failover.GuardNotOurs, "%s", why)
	}
	if r.Shall.Exists() && len(r.Shall.Values) == 0 {
		return refuse(r, failover.GuardLastHealthy, "the set would have no value left")
	}
	if why := oddFence(r); why != "" {
		return refuse(r, failover.GuardNotOurs, "%s", why)
	}
	return nil
}

// odd says why rrwatch never replaces a set by another one; empty if it may. Of TXT sets it edits those of leases only.
func odd(was, shall failover.RecordSet) string {
	one := set(failover.Reweigh{Was: was, Shall: shall})
	switch {
	case was.Exists() && shall.Exists() && was.Key() != shall.Key():
		return "the plan would replace it by another one, " + strings.Join(strings.Fields(shall.Name+" "+shall.Type+" "+shall.Identifier), " ")
	case was.Foreign != "" || shall.Foreign != "":
		return "the set is not rrwatch's to edit: " + was.Foreign + shall.Foreign
	case one.Type == "TXT" && isLease(normal(one.Name)) && plain(was) && plain(shall):
		return ""
	case one.Type != "A" && one.Type != "AAAA":
		return "rrwatch edits A and AAAA records only, and the TXT records of its leases"
	}
	return ""
}

// oddFence says why an edit's fence is none; empty if it is one: the lease of the name that is edited.
func oddFence(r failover.Reweigh) string {
	if r.Fence == nil {
		return ""
	}
	f := swapped(r.Fence)
	switch lease := normal(failover.LeaseName(nameOf(r))); {
	case set(r).Type == "TXT":
		return "a lease has no fence"
	case nameOf(f) != lease || set(f).Type != "TXT":
		return fmt.Sprintf("its fence is %s %s, and not %s TXT", set(f).Name, set(f).Type, lease)
	case f.Shall.Exists() && len(f.Shall.Values) == 0:
		return "its fence has no value"
	}
	return odd(f.Was, f.Shall)
}

// judgeIn refuses edits that are wrong in the zone as it is before them: the set must be what the plan expects, and some set
// of the name and type must still answer after the edit. Weights of 0 everywhere would answer with all addresses alike.
func judgeIn(r failover.Reweigh, before []failover.RecordSet) *failover.Refusal {
	now := find(before, r)
	if !now.Equal(r.Was) {
		return refuse(r, failover.GuardChanged, "the plan expects %s, and now there is %s", text(r.Was), text(now))
	}
	if set(r).Type == "TXT" { // a lease: nobody resolves it
		return nil
	}
	left, answers := 0, r.Shall.Answers()
	for _, s := range before {
		if s.Type == set(r).Type && s.Key() != set(r).Key() {
			left++
			answers = answers || s.Answers()
		}
	}
	switch {
	case answers:
		return nil
	case left == 0 && !r.Shall.Exists():
		return refuse(r, failover.GuardLastHealthy, "it is the last set of its name and type")
	}
	return refuse(r, failover.GuardAllZero, "all weights would be 0, which Route 53 answers as if all were alike")
}

// unread is the refusal of an edit before which the zone could not be read.
func unread(r failover.Reweigh, err error) *failover.Refusal {
	switch {
	case denied(err):
		return refuse(r, failover.GuardNotPermitted, "not permitted to read; rrwatch needs %s (docs/permissions.md); Route 53 says: %s", needs(err), said(err))
	case codeOf(err) == "NoSuchHostedZone":
		return refuse(r, failover.GuardNotOurs, "there is no hosted zone %s in this account", r.Zone)
	case errors.Is(err, errBudget) && !errors.Is(err, context.Canceled):
		return refuse(r, failover.GuardThrottled, "nothing was changed: %v", err)
	case errors.Is(err, context.Canceled):
		return refuse(r, failover.GuardStale, "nothing was changed: stopped before the zone was read")
	}
	return refuse(r, failover.GuardStale, "nothing was changed, because the zone could not be read: %v", err)
}

// set is the record set that an edit is about: what is there, or else what shall be.
func set(r failover.Reweigh) failover.RecordSet {
	if r.Was.Exists() {
		return r.Was
	}
	return r.Shall
}

// find returns the set that an edit is about as it is among sets; the zero one if it is not.
func find(sets []failover.RecordSet, r failover.Reweigh) failover.RecordSet {
	for _, s := range sets {
		if s.Key() == set(r).Key() {
			return s
		}
	}
	return failover.RecordSet{}
}

// text describes what a set says, in one clause.
func text(s failover.RecordSet) string {
	if !s.Exists() {
		return "no such set"
	}
	out := fmt.Sprintf("[%s] with TTL %d", strings.Join(s.Values, " "), s.TTL)
	if s.Weight != nil {
		out += fmt.Sprintf(" and weight %d", *s.Weight)
	}
	if s.Failover != "" {
		out += " as " + strings.ToLower(s.Failover)
	}
	if s.Foreign != "" {
		out += ", " + s.Foreign
	}
	return out
}

func refuse(r failover.Reweigh, guard failover.Guard, format string, args ...any) *failover.Refusal {
	return &failover.Refusal{Guard: guard, Text: fmt.Sprintf("edit %s: ", r) + fmt.Sprintf(format, args...)}
}
