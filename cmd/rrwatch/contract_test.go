package main_test

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// contracts names, for each call of AWS that rrwatch makes or may come to make, the test in simulator that makes it with the
// real SDK and looks at the answer: so the simulator that all other tests stand on is held to what the SDK understands.
func contracts() map[string]string {
	return map[string]string{
		"ec2.AssociateAddress":             "TestMovesAnAddressInOneCall",
		"ec2.DescribeAddresses":            "TestDescribesAnAddressInFull",
		"ec2.DescribeInstances":            "TestDescribesInstances",
		"ec2.DescribeInstanceStatus":       "TestStatusShowsRunningInstancesUnlessAllAreAskedFor",
		"ec2.DisassociateAddress":          "TestMovesAnAddressInOneCall",
		"ec2.ReleaseAddress":               "TestAddressesAreAllocatedAndReleased",
		"ec2.StopInstances":                "TestStatesTakeTheirTime",
		"ec2.TerminateInstances":           "TestStatesTakeTheirTime",
		"route53.ChangeResourceRecordSets": "TestRefusesWhatRoute53Refuses",
		"route53.GetChange":                "TestRecordsAreListedAtOnceAndAnsweredWhenInSync",
		"route53.GetHostedZone":            "TestFindsZones",
		"route53.ListHostedZonesByName":    "TestFindsZones",
		"route53.GetHealthCheck":           "TestMakesReadsAndDeletesAHealthCheck",
		"route53.ListResourceRecordSets":   "TestListsRecordsInOrderAndInPages",
		"sts.AssumeRole":                   "TestAnAssumedRoleWorksUntilItExpires",
		"sts.AssumeRoleWithWebIdentity":    "TestAWebIdentityNeedsNoCredentials",
		"sts.GetCallerIdentity":            "TestAnAssumedRoleWorksUntilItExpires",
	}
}

// serviceModules begins the import path of each service of the SDK.
const serviceModules = "github.com/aws/aws-sdk-go-v2/service/"

func TestEveryCallOfAWSHasAContractTest(t *testing.T) {
	files := goFiles(t)
	tests := map[string]*ast.FuncDecl{} // and helpers, of simulator's tests
	for _, f := range files {
		if topFolder(f.path) != "simulator" || !f.test() {
			continue
		}
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				tests[fn.Name.Name] = fn
			}
		}
	}
	made := map[string]string{} // by call: a file that makes it
	for _, f := range files {
		if topFolder(f.path) == "simulator" || f.test() {
			continue
		}
		for _, call := range callsOfAWS(f) {
			made[call] = f.path
		}
	}
	for _, call := range []string{"ec2.AssociateAddress", "route53.ChangeResourceRecordSets"} {
		if made[call] == "" {
			t.Errorf("%s was not found: does this test still know how rrwatch names its calls?", call)
		}
	}
	for call, file := range made {
		if contracts()[call] == "" {
			t.Errorf("%s calls %s, which has no contract test: write one in simulator with the real SDK, and name it here", file, call)
		}
	}
	for call, test := range contracts() {
		_, action, _ := strings.Cut(call, ".")
		switch fn := tests[test]; {
		case fn == nil:
			t.Errorf("%s: there is no test %s in simulator", call, test)
		case !makes(fn, action, tests, map[string]bool{}):
			t.Errorf("%s: simulator's %s does not call it", call, test)
		}
	}
}

// callsOfAWS are the calls whose input types a file names, such as ec2.DescribeAddresses. The type calls of eip and that of
// route53, through which all of theirs go, name them all.
func callsOfAWS(f goFile) []string {
	services := map[string]string{} // by the name of the package in this file
	for _, spec := range f.syntax.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value) // the parser has read it
		service, ok := strings.CutPrefix(imported, serviceModules)
		if !ok || strings.Contains(service, "/") {
			continue
		}
		name := path.Base(service)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		services[name] = service
	}
	var calls []string
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if selector.Sel.Name == "NewAssumeRoleProvider" { // which calls for its user
			calls = append(calls, "sts.AssumeRole")
		}
		x, ok := selector.X.(*ast.Ident)
		if !ok {
			return true
		}
		if action, ok := strings.CutSuffix(selector.Sel.Name, "Input"); ok && services[x.Name] != "" {
			calls = append(calls, services[x.Name]+"."+action)
		}
		return true
	})
	return calls
}

// makes says whether a function, or a helper that it calls, makes a call of the SDK.
func makes(fn *ast.FuncDecl, action string, helpers map[string]*ast.FuncDecl, seen map[string]bool) bool {
	seen[fn.Name.Name] = true
	ways := []string{action, "New" + action + "Paginator", "New" + action + "Provider"}
	found := false
	ast.Inspect(fn, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.SelectorExpr:
			found = found || slices.Contains(ways, x.Sel.Name)
		case *ast.Ident:
			if helper := helpers[x.Name]; helper != nil && !seen[x.Name] {
				found = found || makes(helper, action, helpers, seen)
			}
		}
		return !found
	})
	return found
}
