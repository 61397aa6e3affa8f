package failover

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The lints of record sets.
const (
	LintForeignSet     LintName = "foreign-set"
	LintPublishedTwice LintName = "published-twice"
	LintSeveralValues  LintName = "several-values"
	LintAllZero        LintName = "all-weights-zero"
	LintZeroWeight     LintName = "weight-zero"
	LintMixedTTL       LintName = "mixed-ttl"
	LintTTLZero        LintName = "ttl-zero"
	LintTTLDetection   LintName = "ttl-above-detection"
	LintTTLHealthCheck LintName = "ttl-health-check"
	LintManyValues     LintName = "many-values"
	LintLongAnswer     LintName = "long-answer"
	LintFailoverPair   LintName = "failover-pair"
	LintPrivateZone    LintName = "private-zone"
)

// Limits of Route 53 and of DNS.
const (
	// mostAnswers is how many multivalue sets one answer has (Route 53 developer
	// guide, Multivalue answer routing).
	mostAnswers = 8
	// mostBytes is what one UDP answer holds without EDNS (RFC 1035, section 2.3.4).
	mostBytes = 512
	// healthCheckTTL is the longest TTL in seconds that AWS advises beside a
	// health check (Route 53 developer guide, Values for simple records, TTL).
	healthCheckTTL = 60
)

// label names a set for people: "www.example.com A www-1".
func (k RecordKey) label() string {
	return strings.TrimSpace(k.Name + " " + k.Type + " " + k.Identifier)
}

// types are the types of which the name has sets, in order.
func (p *Pool) types() []string {
	var list []string
	for _, set := range p.Sets {
		if !slices.Contains(list, set.Type) {
			list = append(list, set.Type)
		}
	}
	slices.Sort(list)
	return list
}

// ofType are the sets of one type.
func (p *Pool) ofType(kind string) []RecordSet {
	return slices.DeleteFunc(slices.Clone(p.Sets), func(s RecordSet) bool { return s.Type != kind })
}

// each asks a question of every set that rrwatch may edit.
func (l *linted) each(ask func(RecordSet) string) []Lint {
	var list []Lint
	for _, set := range l.pool.Sets {
		if set.Foreign != "" {
			continue
		}
		if text := ask(set); text != "" {
			found := Lint{Sentence: text, Set: set.Key()}
			if addrs := set.Addrs(); len(addrs) == 1 {
				found.Addr = addrs[0]
			}
			list = append(list, found)
		}
	}
	return list
}

func foreignSets(l *linted) []Lint {
	var list []Lint
	for _, set := range l.pool.Sets {
		if set.Foreign != "" {
			list = append(list, Lint{Sentence: fmt.Sprintf("rrwatch never edits the record set %s: %s", set.Key().label(), set.Foreign), Set: set.Key()})
		}
	}
	return list
}

func publishedTwice(l *linted) []Lint {
	var list []Lint
	for _, m := range l.pool.Members {
		var in []string
		for _, set := range l.pool.Sets {
			if set.Holds(m.Addr) {
				in = append(in, set.Key().label())
			}
		}
		if len(in) > 1 {
			list = append(list, Lint{Addr: m.Addr, Sentence: fmt.Sprintf(
				"%s is in %d record sets (%s): taken out of one, it is still answered by the other", m.Addr, len(in), strings.Join(in, ", "))})
		}
	}
	return list
}

func severalValues(l *linted) []Lint {
	return l.each(func(set RecordSet) string {
		if len(set.Values) < 2 || set.Simple() {
			return ""
		}
		return fmt.Sprintf("the record set %s holds %d addresses, which come and go together: they are never withdrawn; give each address a set of its own",
			set.Key().label(), len(set.Values))
	})
}

func allZero(l *linted) []Lint {
	var list []Lint
	for _, kind := range l.pool.types() {
		if l.allZero(kind) {
			list = append(list, Lint{Set: RecordKey{Name: l.spec.Record, Type: kind}, Sentence: fmt.Sprintf(
				"all weights of %s %s are 0, so that Route 53 answers with all of them alike", l.spec.Record, kind)})
		}
	}
	return list
}

func (l *linted) allZero(kind string) bool { return weightless(l.pool.ofType(kind)) }

// weightless reports whether sets of one type are weighted, and all with 0.
func weightless(sets []RecordSet) bool {
	return len(sets) > 0 && !slices.ContainsFunc(sets, func(s RecordSet) bool { return s.Weight == nil || *s.Weight > 0 })
}

func zeroWeight(l *linted) []Lint {
	return l.each(func(set RecordSet) string {
		ours := slices.ContainsFunc(l.pool.withdrawn, func(r Reweigh) bool { return r.key() == set.Key() })
		if set.Weight == nil || *set.Weight > 0 || ours || l.allZero(set.Type) {
			return ""
		}
		return fmt.Sprintf("%s has the weight 0, so that the name never answers with %s", set.Key().label(), strings.Join(set.Values, ", "))
	})
}

func mixedTTL(l *linted) []Lint {
	var list []Lint
	for _, kind := range l.pool.types() {
		ttls := ttlsOf(slices.DeleteFunc(l.pool.ofType(kind), func(s RecordSet) bool { return s.Foreign != "" || s.Weight == nil && !s.MultiValue }))
		if len(ttls) > 1 {
			list = append(list, Lint{Set: RecordKey{Name: l.spec.Record, Type: kind}, Sentence: fmt.Sprintf(
				"the record sets of %s %s have the TTLs %s; Route 53 wants one for all of a group", l.spec.Record, kind, ttlWords(ttls))})
		}
	}
	return list
}

// ttlsOf are the TTLs of sets in seconds, each once, the shortest first.
func ttlsOf(sets []RecordSet) []int64 {
	var ttls []int64
	for _, set := range sets {
		ttls = append(ttls, set.TTL)
	}
	slices.Sort(ttls)
	return slices.Compact(ttls)
}

// ttlWords is "30 s, 60 s and 300 s".
func ttlWords(ttls []int64) string {
	var words []string
	for _, ttl := range ttls {
		words = append(words, fmt.Sprintf("%d s", ttl))
	}
	return sequence(words)
}

// sequence is "a", "a and b", "a, b and c".
func sequence(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// byTTL groups what the name answers by TTL, and asks a question of each: sets of
// one type and one TTL are one matter.
func (l *linted) byTTL(sets []RecordSet, ask func(ttl int64) (string, Severity)) []Lint {
	var list []Lint
	for _, kind := range l.pool.types() {
		of := slices.DeleteFunc(slices.Clone(sets), func(s RecordSet) bool { return s.Type != kind || s.Foreign != "" })
		for _, ttl := range ttlsOf(of) {
			if text, severity := ask(ttl); text != "" {
				list = append(list, Lint{Set: RecordKey{Name: l.spec.Record, Type: kind}, Severity: severity, Sentence: l.spec.Record + " " + kind + text})
			}
		}
	}
	return list
}

func ttlZero(l *linted) []Lint {
	return l.byTTL(l.pool.Sets, func(ttl int64) (string, Severity) {
		if ttl > 0 {
			return "", ""
		}
		return " has the TTL 0: every look-up of every client goes to Route 53, and some resolvers keep the answer all the same", ""
	})
}

// detection is how soon the pool's fastest check believes an outage.
func (s *Spec) detection() time.Duration {
	soonest := time.Duration(0)
	for _, c := range s.Checks {
		took := c.Interval + time.Duration(c.Thresholds.Fall)*c.Recheck
		if soonest == 0 || took < soonest {
			soonest = took
		}
	}
	return soonest
}

// advisedTTL is the shortest usual TTL in seconds that is not shorter than an
// outage takes to be noticed, and 60 at most. Less than 10 would gain little: an
// edit takes seconds to reach all of Route 53's servers.
func advisedTTL(detection time.Duration) int64 {
	for _, ttl := range []int64{10, 15, 20, 30} {
		if detection <= time.Duration(ttl)*time.Second {
			return ttl
		}
	}
	return healthCheckTTL
}

func ttlDetection(l *linted) []Lint {
	detection := l.spec.detection()
	if detection == 0 || !slices.Contains(l.spec.Policy.Remedies, RemedyWithdraw) {
		return nil
	}
	return l.byTTL(l.pool.Sets, func(ttl int64) (string, Severity) {
		advised := advisedTTL(detection)
		if ttl <= advised {
			return "", ""
		}
		severity := SeverityAdvice
		if ttl > healthCheckTTL {
			severity = SeverityWarning
		}
		return fmt.Sprintf(" has the TTL %d s: an outage is noticed within %s, and resolvers give a withdrawn address for %d s more; a TTL of %d s is advised",
			ttl, detection, ttl, advised), severity
	})
}

func ttlHealthCheck(l *linted) []Lint {
	checked := slices.DeleteFunc(slices.Clone(l.pool.Sets), func(s RecordSet) bool { return s.HealthCheck == "" })
	return l.byTTL(checked, func(ttl int64) (string, Severity) {
		if ttl <= healthCheckTTL {
			return "", ""
		}
		return fmt.Sprintf(" has the TTL %d s beside a Route 53 health check; AWS advises %d s or less", ttl, healthCheckTTL), ""
	})
}

func manyValues(l *linted) []Lint {
	var list []Lint
	for _, kind := range l.pool.types() {
		sets := slices.DeleteFunc(l.pool.ofType(kind), func(s RecordSet) bool { return !s.MultiValue || s.Foreign != "" })
		if n := len(sets); n > mostAnswers {
			list = append(list, Lint{Set: RecordKey{Name: l.spec.Record, Type: kind}, Sentence: fmt.Sprintf(
				"%s %s has %d multivalue sets: each answer has %d of them, chosen at random", l.spec.Record, kind, n, mostAnswers)})
		}
	}
	return append(list, l.each(func(set RecordSet) string {
		if n := len(set.Values); n > mostAnswers && set.Simple() {
			return fmt.Sprintf("%s answers with all of its %d addresses; many clients try only the first few of more than %d", set.Key().label(), n, mostAnswers)
		}
		return ""
	})...)
}

func longAnswer(l *linted) []Lint {
	return l.each(func(set RecordSet) string {
		if size := answerSize(set); size > mostBytes {
			return fmt.Sprintf("the answer of %s takes %d bytes; above %d, resolvers without EDNS have to ask again by TCP", set.Key().label(), size, mostBytes)
		}
		return ""
	})
}

// answerSize is how many bytes an answer with all values of a set takes: header,
// question, and records whose name is a pointer (RFC 1035, section 4.1).
func answerSize(set RecordSet) int {
	size := 12 + len(set.Name) + 2 + 4
	for _, a := range set.Addrs() {
		size += 12 + a.BitLen()/8
	}
	return size
}

func failoverPair(l *linted) []Lint {
	var list []Lint
	for _, kind := range l.pool.types() {
		sets := l.pool.ofType(kind)
		has := func(role string) bool {
			return slices.ContainsFunc(sets, func(s RecordSet) bool { return s.Failover == role })
		}
		taken := slices.ContainsFunc(l.pool.withdrawn, func(r Reweigh) bool { return r.Was.Failover != "" && r.Was.Type == kind })
		if has(rolePrimary) == has(roleSecondary) || taken {
			continue
		}
		missing := roleSecondary
		if has(roleSecondary) {
			missing = rolePrimary
		}
		list = append(list, Lint{Set: RecordKey{Name: l.spec.Record, Type: kind}, Sentence: fmt.Sprintf(
			"the failover pair of %s %s has no %s set, so that Route 53 has nothing to fail over to", l.spec.Record, kind, missing)})
	}
	return list
}

// The two of a failover pair.
const (
	rolePrimary   = "PRIMARY"
	roleSecondary = "SECONDARY"
)

func privateZone(l *linted) []Lint {
	if !l.pool.Private {
		return nil
	}
	return []Lint{{Sentence: fmt.Sprintf("the zone of %s is private: that an edit is INSYNC is all that proves it, unless name_servers say whom to ask", l.spec.Record)}}
}
