package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rrwatch/failover"
)

func TestEveryLintIsListedAndExplained(t *testing.T) {
	page, err := os.ReadFile("../../docs/lints.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := failover.LintRules()
	if len(rules) < 25 {
		t.Fatalf("only %d lints were found", len(rules))
	}
	rows := regexp.MustCompile(`(?m)^\| ([a-z-]+) \| (warning|advice) \| ([^|]+) \| ([^|]+) \|$`).FindAllStringSubmatch(string(page), -1)
	seen := map[failover.LintName]bool{}
	for _, rule := range rules {
		if rule.Sentence == "" || strings.HasSuffix(rule.Sentence, ".") || seen[rule.Name] {
			t.Errorf("%s says %q, or is listed twice", rule.Name, rule.Sentence)
		}
		seen[rule.Name] = true
		n := slices.IndexFunc(rows, func(row []string) bool { return row[1] == string(rule.Name) })
		if n < 0 {
			t.Errorf("docs/lints.md has no row for %s", rule.Name)
			continue
		}
		if rows[n][2] != string(rule.Severity) {
			t.Errorf("docs/lints.md says of %s: %s; the list says %s", rule.Name, rows[n][2], rule.Severity)
		}
	}
	if len(rows) != len(rules) {
		t.Errorf("%d lints, %d rows", len(rules), len(rows))
	}
}
