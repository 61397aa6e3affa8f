package failover

import "net/netip"

// Severity says how much a lint matters.
type Severity string

// The severities.
const (
	SeverityWarning Severity = "warning" // it will hurt when something fails, or hurts now
	SeverityAdvice  Severity = "advice"  // it would be better otherwise
)

// LintName names a lint: "ttl-above-detection". docs/lints.md has a row for each.
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

// Lints are all lints of a pool as it is wired, the warnings first.
func Lints(spec *Spec, pool *Pool) []Lint {
	return nil
}
