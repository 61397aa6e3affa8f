package failover

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// wired says how a wiring differs from the one before, and what of it was
// someone else's change; "" when it does not differ. acted are rrwatch's own
// actions, in the order in which they began.
func wired(before, now *Pool, acted []Action) string {
	if before == nil {
		return fmt.Sprintf("pool %s has %s and %s", now.Name, counted(len(now.Members), "member"), counted(len(now.Instances), "instance"))
	}
	w := &rewiring{before: before, now: now, acted: acted}
	w.members()
	w.sets()
	ours, theirs := strings.Join(w.ours, "; "), strings.Join(w.theirs, "; ")
	switch {
	case ours == "" && theirs == "":
		return ""
	case theirs == "":
		return "pool " + now.Name + " changed: " + ours
	case ours == "":
		return "pool " + now.Name + " changed, by someone else's change: " + theirs
	}
	return "pool " + now.Name + " changed: " + ours + "; and by someone else's change: " + theirs
}

// rewiring gathers what has changed between two wirings.
type rewiring struct {
	before, now  *Pool
	acted        []Action
	ours, theirs []string
}

func (w *rewiring) say(ours bool, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if ours {
		w.ours = append(w.ours, text)
		return
	}
	w.theirs = append(w.theirs, text)
}

func (w *rewiring) members() {
	for _, m := range w.now.Members {
		old, known := w.before.Member(m.Addr)
		switch {
		case !known:
			w.say(w.edited(m.Set.Key()), "%s joined%s", m.Addr, standing(w.now, m))
		case old.Carrier() != m.Carrier():
			w.say(w.moved(m), "%s is carried by %s, before by %s", m.Addr, carrierName(w.now, m), carrierName(w.before, old))
		}
	}
	for _, m := range w.before.Members {
		if _, there := w.now.Member(m.Addr); there {
			continue
		}
		if m.Published {
			w.say(w.edited(m.Set.Key()), "%s left%s", m.Addr, standing(w.before, m))
			continue
		}
		w.say(!w.before.set(m.Set.Key()).Exists() || w.edited(m.Set.Key()), "%s is watched no more: nothing publishes it", m.Addr)
	}
}

// standing is how a member stands in the pool: " (weight 10, carried by lb-1 (i-1))".
func standing(p *Pool, m Member) string {
	var parts []string
	if m.Set.Weight != nil {
		parts = append(parts, "weight "+weightOf(m.Set))
	}
	if m.Carrier() != "" {
		parts = append(parts, "carried by "+carrierName(p, m))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// moved reports whether the latest of our moves took the address to where it is.
func (w *rewiring) moved(m Member) bool {
	for _, a := range slices.Backward(w.acted) {
		if a.Remap != nil && a.Member == m.Addr && (a.Status == Begun || a.Status.tookEffect()) {
			return a.Remap.To == m.Carrier()
		}
	}
	return false
}

// edited reports whether the latest of our edits left the set as it is.
func (w *rewiring) edited(key RecordKey) bool {
	for _, a := range slices.Backward(w.acted) {
		if a.Reweigh != nil && a.Reweigh.key() == key && (a.Status == Begun || a.Status.tookEffect()) {
			return w.now.set(key).Equal(a.Reweigh.Shall)
		}
	}
	return false
}

// sets tells what has changed of the sets, but for addresses that joined or left
// the pool with it.
func (w *rewiring) sets() {
	for _, is := range w.now.Sets {
		key := is.Key()
		was := w.before.set(key)
		switch {
		case was.Equal(is):
		case was.Exists():
			if text := setChange(w.without(was), w.without(is)); text != "" {
				w.say(w.edited(key), "%s: %s", key.label(), text)
			}
		case len(w.without(is).Values) > 0 || len(is.Values) == 0:
			w.say(w.edited(key), "the record set %s came%s", key.label(), heldWords(is))
		}
	}
	for _, was := range w.before.Sets {
		gone := !w.now.set(was.Key()).Exists()
		if gone && (len(w.without(was).Values) > 0 || len(was.Values) == 0) {
			w.say(w.edited(was.Key()), "the record set %s left%s", was.Key().label(), heldWords(was))
		}
	}
}

// without is a set without the addresses that have joined or left the pool.
func (w *rewiring) without(set RecordSet) RecordSet {
	set.Values = slices.DeleteFunc(slices.Clone(set.Values), func(v string) bool {
		a, err := netip.ParseAddr(v)
		if err != nil {
			return false
		}
		_, before := w.before.Member(a)
		_, now := w.now.Member(a)
		return before != now
	})
	return set
}

func heldWords(set RecordSet) string {
	if len(set.Values) == 0 {
		return ""
	}
	return " with " + sequence(set.Values)
}

// setChange says what two sets of one key differ in, "weight 10 → 20, TTL 60 s →
// 300 s"; "" if in nothing.
func setChange(was, is RecordSet) string {
	switch {
	case !was.Exists() && !is.Exists():
		return ""
	case !is.Exists():
		return "there is none any more"
	case !was.Exists():
		if is.Weight != nil {
			return "it is there again with the weight " + weightOf(is)
		}
		return "it is there again" + heldWords(is)
	}
	var parts []string
	differ := func(what, a, b string) {
		if a != b {
			parts = append(parts, fmt.Sprintf("%s %s → %s", what, a, b))
		}
	}
	differ("routing", routing(was), routing(is))
	differ("weight", weightOf(was), weightOf(is))
	differ("TTL", ttlWords([]int64{was.TTL}), ttlWords([]int64{is.TTL}))
	differ("health check", named(was.HealthCheck), named(is.HealthCheck))
	for _, v := range is.Values {
		if !slices.Contains(was.Values, v) {
			parts = append(parts, v+" joins")
		}
	}
	for _, v := range was.Values {
		if !slices.Contains(is.Values, v) {
			parts = append(parts, v+" leaves")
		}
	}
	return strings.Join(parts, ", ")
}

// routing names a set's routing policy.
func routing(set RecordSet) string {
	switch {
	case set.Foreign != "":
		return "another (" + set.Foreign + ")"
	case set.Weight != nil:
		return "weighted"
	case set.MultiValue:
		return "multivalue"
	case set.Failover != "":
		return "failover " + set.Failover
	}
	return "simple"
}

func weightOf(set RecordSet) string {
	if set.Weight == nil {
		return "none"
	}
	return fmt.Sprint(*set.Weight)
}

func named(id string) string {
	if id == "" {
		return "none"
	}
	return id
}
