package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rrwatch/failover"
)

// expectation is one thing that can be expected.
type expectation struct {
	words words
	means string // for README.txt, where a test looks for it
	// so reports whether it is so now, and what is so instead.
	so func(s *storm, a args) (bool, string)
}

// hope is an expectation that is not known yet.
type hope struct {
	event
	by    time.Time // until when it must have become so
	until time.Time // until when it must stay so
}

// facts are all that can be expected.
func facts() []expectation { return slices.Concat(worldFacts(), deedFacts(), wordFacts()) }

func worldFacts() []expectation {
	return []expectation{
		{"<member> is served by <instance>", "the network leads to the instance, and it serves", func(s *storm, a args) (bool, string) {
			i, _ := s.aws.Carrier(s.memberAddr(a[0]))
			so := s.truth.served(s.memberAddr(a[0])).so
			return so && i.Name == a[1], fmt.Sprintf("it is on %q, served: %v", i.Name, so)
		}},
		{"<member> is served", "the instance that carries the address serves", func(s *storm, a args) (bool, string) {
			i, _ := s.aws.Carrier(s.memberAddr(a[0]))
			return s.truth.served(s.memberAddr(a[0])).so, fmt.Sprintf("it is on %q", i.Name)
		}},
		{"<member> is on <instance>", "whether that serves or not", func(s *storm, a args) (bool, string) {
			i, _ := s.aws.Carrier(s.memberAddr(a[0]))
			return i.Name == a[1], fmt.Sprintf("it is on %q", i.Name)
		}},
		{"<member> is published", "the name's record sets can answer with it", func(s *storm, a args) (bool, string) {
			addr, pool := s.site.member(a[0])
			list := answering(s.truth.published(pool.record))
			return slices.Contains(list, addr), fmt.Sprintf("published: %v", list)
		}},
		{"<member> is withdrawn", "they cannot", func(s *storm, a args) (bool, string) {
			addr, pool := s.site.member(a[0])
			list := answering(s.truth.published(pool.record))
			return !slices.Contains(list, addr), fmt.Sprintf("published: %v", list)
		}},
		{"<member> has weight <count>", "of its record set", func(s *storm, a args) (bool, string) {
			addr, pool := s.site.member(a[0])
			for _, set := range s.truth.published(pool.record) {
				if slices.Contains(set.Values, addr.String()) && set.Weight != nil {
					return *set.Weight == int64(a.count(1)), fmt.Sprintf("it has weight %d", *set.Weight)
				}
			}
			return false, "it has none"
		}},
		{"the answers of <pool> are <count>", "so many addresses are published", func(s *storm, a args) (bool, string) {
			list := answering(s.truth.published(s.poolNamed(a[0]).record))
			return len(list) == a.count(1), fmt.Sprintf("published: %v", list)
		}},
	}
}

func deedFacts() []expectation {
	tally := func(w words, means string, of func(*storm) int) expectation {
		return expectation{w, means, func(s *storm, a args) (bool, string) {
			n := of(s)
			return n == a.count(0), fmt.Sprintf("there are %d", n)
		}}
	}
	none := func(w words, means string, of func(*storm) int) expectation {
		return expectation{w, means, func(s *storm, _ args) (bool, string) {
			n := of(s)
			return n == 0, fmt.Sprintf("there are %d", n)
		}}
	}
	actions := func(kinds ...failover.ActionKind) func(*storm) int {
		return func(s *storm) int {
			n := 0
			for _, a := range s.ledger.actions {
				if len(kinds) == 0 || slices.Contains(kinds, a.Kind) {
					n++
				}
			}
			return n
		}
	}
	incidents := func(open bool) func(*storm) int {
		return func(s *storm) int {
			n := 0
			for _, i := range s.ledger.incidents {
				if !open || !i.closed {
					n++
				}
			}
			return n
		}
	}
	return []expectation{
		none("no action", "rrwatch has begun none since the outage text began", actions()),
		tally("<count> action|actions", "so many have begun", actions()),
		tally("<count> move|moves", "so many were to move an address", actions(failover.KindRemap)),
		tally("<count> withdrawal|withdrawals", "so many were to take an address out of DNS", actions(failover.KindWithdraw)),
		tally("<count> restore|restores", "so many were to put one back", actions(failover.KindRestore)),
		none("no incident", "none was opened", incidents(false)),
		tally("<count> incident|incidents", "so many were opened", incidents(false)),
		tally("<count> open incident|incidents", "so many are open", incidents(true)),
		none("all incidents closed", "as far as any were opened", incidents(true)),
	}
}

func wordFacts() []expectation {
	return []expectation{
		{"held by <guard>", "the plan of any pool holds an action back by this guard", func(s *storm, a args) (bool, string) {
			list := s.holds("")
			return slices.Contains(list, a.guard(0)), fmt.Sprintf("held by %v", list)
		}},
		{"<member> is held by <guard>", "the plan holds an action for the member back by this guard", func(s *storm, a args) (bool, string) {
			list := s.holds(a[0])
			return slices.Contains(list, a.guard(1)), fmt.Sprintf("held by %v", list)
		}},
		{"cause <cause>", "the latest diagnosis of any incident", func(s *storm, a args) (bool, string) {
			return string(s.ledger.cause) == a[0], fmt.Sprintf("the cause is %q", s.ledger.cause)
		}},
		{"<member> has cause <cause>", "the latest diagnosis of the member's latest incident", func(s *storm, a args) (bool, string) {
			cause := s.ledger.causes[s.memberAddr(a[0])]
			return string(cause) == a[1], fmt.Sprintf("the cause is %q", cause)
		}},
		{"the brake is latched", "not: it is released", func(s *storm, _ args) (bool, string) { return s.ledger.latched, "it is released" }},
		{"the watcher is blind", "rrwatch says so", func(s *storm, _ args) (bool, string) {
			v := s.view()
			return v.Blind != "", "it sees"
		}},
		{"the plan says <text>", "what any pool's plan does or holds back, as text", func(s *storm, a args) (bool, string) {
			var all strings.Builder
			for _, p := range s.view().Pools {
				fmt.Fprintln(&all, p.Plan)
			}
			return strings.Contains(all.String(), a.text(0)), all.String()
		}},
		{"slack has <text>", "in any message that was ever seen there", func(s *storm, a args) (bool, string) {
			return s.slack.has(a.text(0)), "it has not"
		}},
		{"journal has <text>", "in the sentence of any entry", func(s *storm, a args) (bool, string) {
			return strings.Contains(s.ledger.story.String(), a.text(0)), "it does not"
		}},
	}
}

// view is what rrwatch shows; empty while none runs.
func (s *storm) view() *failover.View {
	if !s.away() {
		if v := s.responder.View(); v != nil {
			return v
		}
	}
	return &failover.View{}
}

// holds are the guards that hold something back now; of one member, or of any.
func (s *storm) holds(member string) []failover.Guard {
	var list []failover.Guard
	for _, p := range s.view().Pools {
		for _, h := range p.Plan.Held {
			if member == "" || h.Member == s.memberAddr(member) {
				list = append(list, h.Guard)
			}
		}
	}
	return list
}

// expect takes in what is expected from now on.
func (s *storm) expect(e event) {
	now := time.Now()
	s.hopes = append(s.hopes, hope{event: e, by: now.Add(e.within), until: now.Add(e.within + e.lasts)})
	s.look()
}

// look looks at what is expected: what was to become so by now and is not, and
// what was to stay so and has not, is a fault.
func (s *storm) look() {
	s.check()
	s.hopes = slices.DeleteFunc(s.hopes, func(h hope) bool { return s.known(&h) })
}

// known reports whether a hope was fulfilled or disappointed.
func (s *storm) known(h *hope) bool {
	now := time.Now()
	so, instead := s.isSo(h.event)
	switch {
	case so && h.lasts == 0:
		return true
	case so:
		return !now.Before(h.until)
	case now.Before(h.by):
		return false
	}
	s.fail("expected at %s: %s, but %s", clockOf(h.at), h, instead)
	return true
}

func (s *storm) isSo(e event) (bool, string) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	for _, f := range facts() {
		if f.words == e.verb {
			so, instead := f.so(s, e.args)
			if e.not && so {
				instead = "it is so"
			}
			return so != e.not, instead
		}
	}
	return false, "nobody knows"
}

// lastHope is when all that is expected will be known.
func (s *storm) lastHope() time.Time {
	last := time.Now()
	for _, h := range s.hopes {
		if h.until.After(last) {
			last = h.until
		}
	}
	return last
}

// passUntil lets time pass, and looks often at what is expected.
func (s *storm) passUntil(t time.Time) {
	const often = 250 * time.Millisecond
	for len(s.hopes) > 0 && time.Until(t) > often && !s.failed() {
		s.sleep(often)
		s.look()
	}
	s.sleep(time.Until(t))
	s.look()
}
