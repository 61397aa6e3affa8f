package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rrwatch/failover"
)

// guardConstants reads the guards from the source of package failover.
func guardConstants(t *testing.T) []failover.Guard {
	t.Helper()
	files, err := filepath.Glob("../../failover/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []failover.Guard
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			kind, named := spec.Type.(*ast.Ident)
			value, literal := spec.Values[0].(*ast.BasicLit)
			if named && literal && kind.Name == "Guard" {
				text, err := strconv.Unquote(value.Value)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, failover.Guard(text))
			}
			return true
		})
	}
	return found
}

func TestEveryGuardIsListedAndExplained(t *testing.T) {
	page, err := os.ReadFile("../../docs/guards.md")
	if err != nil {
		t.Fatal(err)
	}
	architecture, err := os.ReadFile("../../docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	guards := guardConstants(t)
	if len(guards) < 20 {
		t.Fatalf("only %d guards were found", len(guards))
	}
	rows := regexp.MustCompile(`(?m)^\| ([a-z-]+) \| (I\d+)? ?\| (yes|no) \| ([^|]+) \| ([^|]+) \|$`).FindAllStringSubmatch(string(page), -1)
	for _, g := range guards {
		rule, listed := g.Rule()
		if !listed || rule.Sentence == "" {
			t.Errorf("failover.Guards does not list %s", g)
		}
		n := slices.IndexFunc(rows, func(row []string) bool { return row[1] == string(g) })
		if n < 0 {
			t.Errorf("docs/guards.md has no row for %s", g)
			continue
		}
		if row := rows[n]; row[2] != string(rule.Invariant) || (row[3] == "yes") != rule.Overridable {
			t.Errorf("docs/guards.md says of %s: keeps %q, override %s; the list says %q, %v", g, row[2], row[3], rule.Invariant, rule.Overridable)
		}
		if i := rule.Invariant; i != "" && !strings.Contains(string(architecture), "| "+string(i)+" |") {
			t.Errorf("%s keeps %s, which docs/ARCHITECTURE.md does not have", g, i)
		}
	}
	if len(rows) != len(guards) || len(failover.Guards()) != len(guards) {
		t.Errorf("%d guards, %d rows, %d in the list", len(guards), len(rows), len(failover.Guards()))
	}
}

func TestNoGuardOfWhatMustAlwaysHoldIsOverridable(t *testing.T) {
	for _, rule := range failover.Guards() {
		switch rule.Invariant {
		case failover.KeepsServed, failover.TargetServes, failover.AsPlanned, failover.Recorded, failover.OnlyOurs:
			if rule.Overridable {
				t.Errorf("%s keeps %s and can be overridden", rule.Guard, rule.Invariant)
			}
		case failover.SeesClearly, failover.WithinBudget, failover.CoolsDown, failover.WouldHelp:
		}
		if rule.Invariant.Promise() == failover.Invariant("").Promise() && rule.Invariant != "" {
			t.Errorf("%s says nothing", rule.Invariant)
		}
	}
}
