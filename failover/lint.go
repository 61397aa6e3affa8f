package failover

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"rrwatch/monitor"
)

// Severity says how much a lint matters.
type Severity string

// The severities.
const (
	SeverityWarning Severity = "warning" // it hurts now, or will when something fails
	SeverityAdvice  Severity = "advice"  // it would be better otherwise
)

// LintName names a lint: "ttl-zero". docs/lints.md has a row for each.
type LintName string

// Lint is something in the wiring of a pool that an operator should change, or
// know of, while nothing fails. It keeps rrwatch from nothing.
type Lint struct {
	Name     LintName   `json:"name"`
	Severity Severity   `json:"severity"`
	Sentence string     `json:"sentence"`           // without a full stop; names the address, set or instance
	Addr     netip.Addr `json:"addr,omitzero"`      // that it is about; invalid: not of one address
	Set      RecordKey  `json:"set,omitzero"`       // that it is about; zero: not of one record set
	Instance string     `json:"instance,omitempty"` // id that it is about; empty: not of one instance
}

// LintRule is what there is to know of one lint.
type LintRule struct {
	Name     LintName
	Severity Severity
	Sentence string // when it is found, without a full stop

	find func(*linted) []Lint
}

// linted is what the rules look at.
type linted struct {
	spec *Spec
	pool *Pool
	snap *monitor.Snapshot // nil: nothing was asked
}

// Lints are all lints of a pool as it is wired: the warnings first, else in the
// order of LintRules. That a host cannot ask an address is told by LintsSeen.
func Lints(spec *Spec, pool *Pool) []Lint { return LintsSeen(spec, pool, nil) }

// LintsSeen are the lints of a pool as it is wired and as its targets answer.
func LintsSeen(spec *Spec, pool *Pool, snap *monitor.Snapshot) []Lint {
	return (&linted{spec, pool, snap}).all(LintRules())
}

func (l *linted) all(rules []LintRule) []Lint {
	var list []Lint
	for _, rule := range rules {
		for _, found := range rule.find(l) {
			found.Name = rule.Name
			found.Severity = cmp.Or(found.Severity, rule.Severity)
			list = append(list, found)
		}
	}
	slices.SortStableFunc(list, func(a, b Lint) int { return cmp.Compare(b.Severity, a.Severity) }) // "warning" before "advice"
	return list
}

// LintRules lists all lints: those of the record sets first, then those of
// Elastic IPs, of instances and of the pool.
func LintRules() []LintRule {
	return []LintRule{
		{LintForeignSet, SeverityWarning, "the name has a record set that rrwatch never edits: an alias, or a routing policy that it does not know", foreignSets},
		{LintPublishedTwice, SeverityWarning, "two record sets publish the same address: taking it out of one leaves it in the other", publishedTwice},
		{LintSeveralValues, SeverityWarning, "a weighted, multivalue or failover set holds several addresses, which come and go together", severalValues},
		{LintAllZero, SeverityWarning, "all weights of the name are 0, which Route 53 answers as if all were alike", allZero},
		{LintZeroWeight, SeverityAdvice, "a set has the weight 0, and rrwatch has not withdrawn it", zeroWeight},
		{LintMixedTTL, SeverityWarning, "the sets of one group have different TTLs; Route 53 wants one for all", mixedTTL},
		{LintTTLZero, SeverityWarning, "the TTL is 0: no resolver keeps the answer", ttlZero},
		{LintTTLDetection, SeverityAdvice, "the TTL is longer than rrwatch takes to notice an outage; a warning above 60 s", ttlDetection},
		{LintTTLHealthCheck, SeverityWarning, "a set with a Route 53 health check has a TTL above 60 s", ttlHealthCheck},
		{LintManyValues, SeverityAdvice, "the name has more than 8 addresses: Route 53 answers with at most 8 multivalue sets, and a simple set grows long", manyValues},
		{LintLongAnswer, SeverityWarning, "an answer is longer than 512 bytes", longAnswer},
		{LintFailoverPair, SeverityWarning, "a failover pair has only one of its two sets", failoverPair},
		{LintPrivateZone, SeverityAdvice, "the zone is private, so that what its servers answer is not seen", privateZone},

		{LintHealthCheck, SeverityWarning, "a set has a Route 53 health check: two controllers", healthChecked},
		{LintHealthCheckOff, SeverityWarning, "a health check is disabled, which Route 53 takes for healthy", healthCheckOff},
		{LintHealthCheckElsewhere, SeverityWarning, "a health check asks an address that no member has, or that is not the account's", healthCheckElsewhere},
		{LintHealthCheckUnread, SeverityAdvice, "a health check could not be read", healthCheckUnread},

		{LintNotElastic, SeverityWarning, "a published address is no Elastic IP of the account and Region", notElastic},
		{LintServiceManaged, SeverityWarning, "a published address is owned by an AWS service", ownedByService},
		{LintUnassociated, SeverityWarning, "a published address is associated with nothing", unassociated},
		{LintNoInstance, SeverityWarning, "a published address is on an interface of no instance that is known", noInstance},
		{LintOutside, SeverityAdvice, "a published address is carried by an instance that the configuration does not select", outside},
		{LintNoRemedy, SeverityWarning, "none of the policy's remedies can help an address", noRemedy},
		{LintUnasked, SeverityWarning, "the watcher's host cannot ask an address, so that nobody watches it", unasked},

		{LintScheduledEvent, SeverityWarning, "AWS has scheduled an event for an instance", scheduledEvents},
		{LintBorderGroup, SeverityWarning, "no standby lies in an address's network border group, which it cannot leave", borderGroups},
		{LintStandbyUnasked, SeverityAdvice, "an instance has no address to ask it at, so it is no standby", standbyUnasked},
		{LintNoStandby, SeverityWarning, "no instance could take over an address", noStandby},
		{LintFewStandbys, SeverityAdvice, "a zone carries more addresses than standbys outside it could take over", fewStandbys},
		{LintOneZone, SeverityAdvice, "one availability zone carries all addresses", oneZone},
		{LintOneMember, SeverityWarning, "the name has only one address, which is never withdrawn", oneMember},
	}
}

// lint remembers the lints of a pool that was just read.
func (p *Pool) lint(spec *Spec) {
	p.lints, p.Notices = Lints(spec, p), nil
	for _, l := range p.lints {
		p.Notices = append(p.Notices, l.Sentence)
	}
}

// lintsAt are the pool's lints, with those that its targets' answers tell.
func (p *Pool) lintsAt(spec *Spec, snap *monitor.Snapshot) []Lint {
	if !slices.ContainsFunc(p.Members, func(m Member) bool { return unaskable(spec, m.Addr, snap) }) {
		return p.lints
	}
	return LintsSeen(spec, p, snap)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
