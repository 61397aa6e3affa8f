package main_test

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "rrwatch"

// rule says what one room, a folder at the top of the repository with all below it, may import beside the standard
// library and itself.
type rule struct {
	rooms    []string // rooms of this module
	anything bool     // any other module
	modules  []string // without anything: the other modules
}

// drawing is the drawing in docs/ARCHITECTURE.md, and these tests keep it true: imports point one way, down to probe.
func drawing() map[string]rule {
	core := []string{"failover", "monitor", "probe"}
	adapter := rule{rooms: core, anything: true}
	all := slices.Concat(core, []string{"config", "eip", "route53", "store", "notify", "web", "simulator"})
	return map[string]rule{
		"cmd":       {rooms: all, anything: true},
		"config":    adapter,
		"eip":       adapter,
		"route53":   adapter,
		"store":     adapter,
		"notify":    adapter,
		"web":       adapter,
		"simulator": adapter,
		"failover":  {rooms: []string{"monitor", "probe"}}, // docs/decisions/0008
		"monitor":   {rooms: []string{"probe"}},
		"probe": {modules: []string{
			"golang.org/x/net", "golang.org/x/sys",
			"github.com/miekg/dns", "google.golang.org/grpc", "github.com/expr-lang/expr",
		}},
		"lab":     {rooms: all, anything: true},
		"scripts": {rooms: core, anything: true},
	}
}

func TestImportsFollowTheDrawing(t *testing.T) {
	rules := drawing()
	for _, f := range goFiles(t) {
		for _, spec := range f.syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatalf("%s: import %s: %v", f.path, spec.Path.Value, err)
			}
			if why := forbidden(rules, f.path, imported); why != "" {
				t.Errorf("%s imports %q: %s", f.path, imported, why)
			}
		}
	}
}

func TestTheDrawingRefusesWhatItDoesNotShow(t *testing.T) {
	rules := drawing()
	for _, c := range []struct {
		file, imports string
		allowed       bool
	}{
		{"eip/eip.go", "rrwatch/failover", true},
		{"eip/eip.go", "rrwatch/probe", true},
		{"eip/eip.go", "github.com/aws/aws-sdk-go-v2/service/ec2", true},
		{"eip/eip.go", "rrwatch/route53", false},
		{"eip/eip.go", "rrwatch/simulator", false},
		{"eip/eip_test.go", "rrwatch/simulator", true},
		{"eip/eip_test.go", "rrwatch/store", false},
		{"simulator/site.go", "rrwatch/eip", false},
		{"failover/respond.go", "rrwatch/monitor", true},
		{"failover/respond.go", "rrwatch/store", false},
		{"failover/respond.go", "golang.org/x/sync/errgroup", false},
		{"failover/respond_test.go", "github.com/google/go-cmp/cmp", true},
		{"failover/failovertest/eips.go", "rrwatch/failover", true},
		{"monitor/monitor.go", "rrwatch/failover", false},
		{"monitor/monitor.go", "testing/synctest", true},
		{"probe/icmp.go", "golang.org/x/net/icmp", true},
		{"probe/icmp.go", "golang.org/x/network", false},
		{"probe/icmp.go", "rrwatch/monitor", false},
		{"cmd/rrwatch/run.go", "rrwatch/store", true},
		{"newroom/x.go", "fmt", false},
	} {
		if why := forbidden(rules, c.file, c.imports); (why == "") != c.allowed {
			t.Errorf("%s imports %q: allowed is %v, want %v (%s)", c.file, c.imports, why == "", c.allowed, why)
		}
	}
}

func TestTheDrawingHasNoCircle(t *testing.T) {
	rules := drawing()
	var visit func(room string, way []string)
	visit = func(room string, way []string) {
		if slices.Contains(way, room) {
			t.Fatalf("the drawing goes in a circle: %s", strings.Join(append(way, room), " imports "))
		}
		for _, next := range rules[room].rooms {
			visit(next, append(slices.Clone(way), room))
		}
	}
	for _, room := range slices.Sorted(maps.Keys(rules)) {
		visit(room, nil)
	}
}

// forbidden says why a file (its path from the repository's root) may not import something, or nothing if it may.
// A test may import every other module, and the simulator: that is what the simulator is for.
func forbidden(rules map[string]rule, file, imported string) string {
	room := topFolder(file)
	r, known := rules[room]
	if !known {
		return fmt.Sprintf("the room %q is not in the drawing: add it here and to docs/ARCHITECTURE.md", room)
	}
	test := strings.HasSuffix(file, "_test.go")
	if rest, ours := strings.CutPrefix(imported, module+"/"); ours {
		to := topFolder(rest)
		if to == room || slices.Contains(r.rooms, to) || test && to == "simulator" {
			return ""
		}
		return fmt.Sprintf("%s may import of this module only %v", room, r.rooms)
	}
	if test || r.anything || standard(imported) {
		return ""
	}
	for _, m := range r.modules {
		if imported == m || strings.HasPrefix(imported, m+"/") {
			return ""
		}
	}
	return fmt.Sprintf("%s may import the standard library and %v, no other module", room, r.modules)
}

// standard tells the standard library's packages by their first element, which has no dot.
func standard(imported string) bool {
	return !strings.Contains(topFolder(imported), ".")
}

func topFolder(file string) string {
	top, _, _ := strings.Cut(path.Clean(file), "/")
	return top
}
