package web

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"rrwatch/failover"
)

// lintModel is one lint as the pool's page shows it.
type lintModel struct {
	Severity badge
	Text     string // a sentence
	Name     string
	Means    string // when it is found
}

// driftModel is one disagreement that lasts.
type driftModel struct {
	Text  string // a sentence
	Since stamp
	Gone  stamp // since when it is not seen any more; zero: it is
}

func lintsOf(list []failover.Lint) []lintModel {
	rules := failover.LintRules()
	models := make([]lintModel, 0, len(list))
	for _, l := range list {
		m := lintModel{Severity: severityBadge(l.Severity), Text: asSentence(l.Sentence), Name: string(l.Name)}
		if n := slices.IndexFunc(rules, func(r failover.LintRule) bool { return r.Name == l.Name }); n >= 0 {
			m.Means = asSentence(rules[n].Sentence)
		}
		models = append(models, m)
	}
	return models
}

// asSentence makes a text a sentence, as sentenceOf does, but leaves a name or an
// address that it begins with as it is.
func asSentence(text string) string {
	first, _, _ := strings.Cut(text, " ")
	if strings.ContainsFunc(first, func(r rune) bool { return !unicode.IsLetter(r) }) {
		return strings.TrimSuffix(text, ".") + "."
	}
	return sentenceOf(text)
}

func severityBadge(s failover.Severity) badge {
	switch s {
	case failover.SeverityWarning:
		return badge{"warning", warn}
	case failover.SeverityAdvice:
	}
	return badge{string(s), info}
}

// severities counts lints.
func severities(list []failover.Lint) (warnings, advice int) {
	for _, l := range list {
		switch l.Severity {
		case failover.SeverityWarning:
			warnings++
		case failover.SeverityAdvice:
			advice++
		}
	}
	return warnings, advice
}

// lintsShort is "2 warnings, 1 piece of advice"; empty: there are no lints.
func lintsShort(list []failover.Lint) (string, tone) {
	warnings, advice := severities(list)
	var parts []string
	if warnings > 0 {
		parts = append(parts, count(warnings, "warning"))
	}
	switch {
	case advice == 1:
		parts = append(parts, "1 piece of advice")
	case advice > 1:
		parts = append(parts, fmt.Sprintf("%d pieces of advice", advice))
	}
	t := mute
	if warnings > 0 {
		t = warn
	}
	return strings.Join(parts, ", "), t
}

func driftsOf(list []failover.Advisory, now time.Time) []driftModel {
	models := make([]driftModel, 0, len(list))
	for _, a := range list {
		models = append(models, driftModel{asSentence(a.Text), stampAt(a.Begun, now), stampAt(a.Gone, now)})
	}
	return models
}

// drainOf says until when resolvers may give the address that the incident's
// latest withdrawal took out, or since when they have forgotten it; empty: none
// did, or it is back.
func drainOf(i failover.Incident, now time.Time) string {
	for _, a := range slices.Backward(i.Actions) {
		if !a.Drained.IsZero() {
			return i.DrainWords(a, now)
		}
	}
	return ""
}
