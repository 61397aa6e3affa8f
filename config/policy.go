package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// RestoreStep is one step by which a withdrawn address comes back.
type RestoreStep struct {
	Weight int           // percent of the weight that it had, 1 to 100; rising from step to step, 100 in the last one
	For    time.Duration // how long it must be up with this weight before the next step, 1 s to 24 h; 0 in the last one
}

// Flapping says how often an address may fall until it counts as flapping.
type Flapping struct {
	Falls  int           // so many falls within the time are flapping, 2 to 32; 0: an address never counts as flapping
	Within time.Duration // 1 minute to 24 hours; 0 when Falls is
}

// Cause is why an address failed, as far as it decides what is done.
type Cause string

// The causes for which remedies may be given.
const (
	CauseProcess  Cause = "process"  // the load balancer on the instance
	CauseInstance Cause = "instance" // the instance itself
	CauseZone     Cause = "zone"     // the availability zone
	CausePartial  Cause = "partial"  // only a part of what the address serves
	CauseUnknown  Cause = "unknown"  // none of them for sure
)

// longestFailback is how long rrwatch remembers where an address was before it was moved.
const longestFailback = 7 * 24 * time.Hour

// memberBudget is how many automatic actions there may be on one address, unless the file or a lower budget of the pool
// says otherwise: a withdrawal, three steps back, and the same again twice a day.
const (
	memberPerHour = 4
	memberPerDay  = 8
)

// readPolicy reads what else is asked of the answers to an incident.
func readPolicy(s *section, p *Pool) {
	p.RemedyWhen = readRemedyWhen(s)
	p.Restore = read(s, "restore", nil, restoreSteps)
	p.Failback = read(s, "failback", 0, failback)
	p.Flapping = read(s, "flapping", Flapping{Falls: 4, Within: 30 * time.Minute}, flapping)
	p.Budget, p.MemberBudget = readBudgets(s)
}

// readBudgets reads the budget of the pool, and that of each of its addresses, which is not above it.
func readBudgets(s *section) (pool, member Budget) {
	before := len(s.doc.errs)
	of := s.sub("budget")
	pool = readBudget(of, Budget{PerHour: 4, PerDay: 12})
	each := s.sub("member_budget")
	member = readBudget(each, Budget{PerHour: min(memberPerHour, pool.PerHour), PerDay: min(memberPerDay, pool.PerDay)})
	if len(s.doc.errs) > before {
		return pool, member
	}
	for _, b := range []struct {
		key       string
		own, pool int
		usual     string // the pool's number when the file does not give it
	}{{"per_hour", member.PerHour, pool.PerHour, "4"}, {"per_day", member.PerDay, pool.PerDay, "12"}} {
		if b.own > b.pool {
			each.at(b.key, fmt.Sprintf("is more than the pool's %s of %s", b.key, of.shownAs(b.key, b.usual)),
				"lower it, or raise budget."+b.key+" of the pool")
		}
	}
	return pool, member
}

// restoreSteps reads the steps by which a withdrawn address comes back.
func restoreSteps(v value) ([]RestoreStep, bool) {
	before := len(v.doc.errs)
	var sections []*section
	steps, ok := listOf(1, "{weight: 10%, for: 5m}, {weight: 100%}", func(item value) (RestoreStep, bool) {
		s, ok := item.section()
		if !ok {
			return RestoreStep{}, false
		}
		sections = append(sections, s)
		return readStep(s, len(sections) == len(v.node.Content)), true
	})(v)
	if !ok || len(v.doc.errs) > before {
		return nil, false
	}
	last := len(steps) - 1
	for i, step := range steps {
		switch {
		case i > 0 && step.Weight <= steps[i-1].Weight:
			sections[i].at("weight", "is not more than the weight of the step before", "write the steps with rising weights, up to 100%")
		case i == last && step.Weight != 100:
			sections[i].at("weight", "the last step does not bring all of the weight back", "write weight: 100%, or one more step with it")
		}
	}
	return steps, len(v.doc.errs) == before
}

// readStep reads one step. Nothing comes after the last one, so it waits for nothing.
func readStep(s *section, last bool) RestoreStep {
	step := RestoreStep{Weight: need(s, "weight", "write the part of its weight that the address gets, such as weight: 10%", percent)}
	if last {
		s.refuse([]string{"for"}, "no step comes after the last one", "remove it, or add a step")
		s.known = append(s.known, "for")
	} else {
		step.For = need(s, "for", "write how long the address must be up before the next step, such as for: 5m",
			duration(time.Second, 24*time.Hour))
	}
	s.done()
	return step
}

// percent reads a part of a whole, 1% to 100%.
func percent(v value) (int, bool) {
	digits, signed := strings.CutSuffix(v.text, "%")
	n, err := strconv.Atoi(digits)
	within := v.node.Kind == yaml.ScalarNode && err == nil && n >= 1 && n <= 100 && strconv.Itoa(n) == digits
	if within && signed {
		return n, true
	}
	hint := ""
	switch {
	case within && v.isExpanded():
		hint = "write the sign: %"
	case within:
		hint = "write " + digits + "%"
	}
	v.wants("a part from 1% to 100%", hint)
	return 0, false
}

// failback reads never, or after how long an address goes back.
func failback(v value) (time.Duration, bool) {
	return orNever(v, "{after: 30m}", func(s *section) time.Duration {
		return need(s, "after", "write how long the instance must have been healthy, such as after: 30m",
			duration(time.Minute, longestFailback))
	})
}

// flapping reads never, or how many falls within which time are too many.
func flapping(v value) (Flapping, bool) {
	return orNever(v, "{falls: 4, within: 30m}", func(s *section) Flapping {
		return Flapping{
			Falls: need(s, "falls", "write how many falls are too many, such as falls: 4", integer(2, 32)),
			Within: need(s, "within", "write the time within which the falls are counted, such as within: 30m",
				duration(time.Minute, 24*time.Hour)),
		}
	})
}

// orNever reads the word never as the zero value, and else a mapping, for which example stands.
func orNever[T any](v value, example string, parse func(*section) T) (got T, ok bool) {
	switch {
	case v.isText() && v.text == "never":
		return got, true
	case v.node.Kind != yaml.MappingNode:
		v.wants("never or "+example, "")
		return got, false
	}
	s, ok := v.section()
	if !ok {
		return got, false
	}
	before := len(s.doc.errs)
	got = parse(s)
	s.done()
	return got, len(s.doc.errs) == before
}

// readRemedyWhen reads the section remedy_when: the remedies for a cause, where they are others than remedy. An empty
// list is an answer, too: nothing is done.
func readRemedyWhen(pool *section) map[Cause][]Remedy {
	s := pool.sub("remedy_when")
	s.refuse([]string{"shared", "watcher"}, "for the causes shared and watcher nothing is ever done, since it would not help", "remove it")
	when := map[Cause][]Remedy{}
	for _, cause := range []Cause{CauseProcess, CauseInstance, CauseZone, CausePartial, CauseUnknown} {
		if got := read(s, string(cause), nil, remediesOrNone); got != nil {
			when[cause] = got
		}
	}
	s.done()
	return when
}

// remediesOrNone reads a list of remedies that may be empty; it is never nil.
func remediesOrNone(v value) ([]Remedy, bool) {
	all, ok := listOf(0, "remap, withdraw", oneOf("remedy", RemedyRemap, RemedyWithdraw))(v)
	return append([]Remedy{}, all...), ok && unique(v, all)
}
