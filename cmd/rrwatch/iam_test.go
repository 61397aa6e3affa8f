package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rrwatch/simulator"
)

// callsOf are the operations that a package of this repository calls: the fields
// of its type calls.
func callsOf(t *testing.T, file, service string) []string {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(syntax, func(n ast.Node) bool {
		of, ok := n.(*ast.TypeSpec)
		if !ok || of.Name.Name != "calls" {
			return true
		}
		for _, field := range of.Type.(*ast.StructType).Fields.List {
			for _, name := range field.Names {
				names = append(names, service+":"+name.Name)
			}
		}
		return false
	})
	if len(names) == 0 {
		t.Fatalf("%s has no type calls", file)
	}
	return names
}

// actionsIn are the actions that a policy allows, ordered.
func actionsIn(doc policyDocument) []string {
	var list []string
	for _, s := range doc.Statement {
		list = append(list, s.Action...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// printed is the policies that a configuration gives, as JSON, and the notes.
func printed(t *testing.T, grants []grant, offline bool) ([]policyDocument, string) {
	t.Helper()
	var out, notes bytes.Buffer
	if err := printPolicies(&out, &notes, identities(grants), policyNotes(grants, offline)); err != nil {
		t.Fatal(err)
	}
	var docs []policyDocument
	for from := json.NewDecoder(&out); from.More(); {
		var doc policyDocument
		from.DisallowUnknownFields()
		if err := from.Decode(&doc); err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	return docs, notes.String()
}

// This test keeps the policy true: what a package starts or ceases to call must
// start or cease to be in it.
func TestThePolicyAllowsAllThatIsCalledAndNothingElse(t *testing.T) {
	want := append(callsOf(t, "../../eip/eip.go", "ec2"), callsOf(t, "../../route53/route53.go", "route53")...)
	slices.Sort(want)
	g := grantOf(parsedPolicy(t, "lease: dns\n"), parsedPolicy(t, "lease: dns\n").Pools[0])
	g.checks = []string{"0a1b2c03-0000-0000-0000-000000000000"}
	docs, _ := printed(t, []grant{g}, true)
	if diff := cmp.Diff(want, actionsIn(docs[0])); diff != "" {
		t.Error(diff)
	}
}

func TestThePolicyIsOfWhatIsWiredNow(t *testing.T) {
	cfg, way, www, _ := twoAccounts(t)
	www.SetRecord("Z0WWW", simulator.RecordSet{Name: "www.example.com", Type: "A", TTL: 60, Values: []string{"192.0.2.1", "192.0.2.9"}, HealthCheck: "hc-1"})
	grants, err := cloudOf(cfg, way, nil).liveGrants(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	docs, notes := printed(t, grants, false)
	if len(docs) != 2 || strings.Count(notes, "# for ") != 2 {
		t.Fatalf("%d policies; %s", len(docs), notes)
	}
	const arn = "arn:aws:ec2:eu-central-1:123456789012:"
	zone := []string{"arn:aws:route53:::hostedzone/Z0WWW"}
	want := []statement{
		{Sid: "ReadAddressesAndInstances", Effect: "Allow", Action: []string{"ec2:DescribeAddresses", "ec2:DescribeInstances", "ec2:DescribeInstanceStatus"},
			Resource: []string{"*"}, Condition: map[string]map[string][]string{"StringEquals": {"aws:RequestedRegion": {"eu-central-1"}}}},
		{Sid: "MoveAddressesOfWww", Effect: "Allow", Action: []string{"ec2:AssociateAddress"}, Resource: []string{
			arn + "elastic-ip/eipalloc-1", arn + "instance/i-0a1b2c01", arn + "network-interface/" + grants[0].interfaces[0]}},
		{Sid: "FindZones", Effect: "Allow", Action: []string{"route53:ListHostedZonesByName"}, Resource: []string{"*"}},
		{Sid: "ReadZones", Effect: "Allow", Action: []string{"route53:GetHostedZone", "route53:ListResourceRecordSets"}, Resource: zone},
		{Sid: "ReadHealthChecks", Effect: "Allow", Action: []string{"route53:GetHealthCheck"}, Resource: []string{"arn:aws:route53:::healthcheck/hc-1"}},
		{Sid: "EditRecordsInZ0WWW", Effect: "Allow", Action: []string{"route53:ChangeResourceRecordSets"}, Resource: zone,
			Condition: map[string]map[string][]string{"ForAllValues:StringEquals": {
				"route53:ChangeResourceRecordSetsNormalizedRecordNames": {"_rrwatch.www.example.com", "www.example.com"},
				"route53:ChangeResourceRecordSetsRecordTypes":           {"A", "TXT"},
				"route53:ChangeResourceRecordSetsActions":               {"CREATE", "DELETE"},
			}}},
		{Sid: "FollowEdits", Effect: "Allow", Action: []string{"route53:GetChange"}, Resource: []string{"arn:aws:route53:::change/*"}},
	}
	if diff := cmp.Diff(policyDocument{"2012-10-17", want}, docs[0]); diff != "" {
		t.Error(diff)
	}
	// The other account's own, by which the role of the first one is assumed.
	last := docs[1].Statement[len(docs[1].Statement)-1]
	if diff := cmp.Diff(statement{"AssumeRoles", "Allow", []string{"sts:AssumeRole"}, []string{"arn:aws:iam::210987654321:role/rrwatch"}, nil}, last); diff != "" {
		t.Error(diff)
	}
}

func TestThePolicyAllowsNoMoreThanModesAndRemediesAskFor(t *testing.T) {
	const associate, change, follow = "ec2:AssociateAddress", "route53:ChangeResourceRecordSets", "route53:GetChange"
	for keys, want := range map[string][]string{
		"":                                {associate, change, follow},
		"    mode: observe\nlease: dns\n": nil,
		"    mode: propose\n    remedy: [remap]\n":                                                     {associate},
		"    remedy: [remap]\nlease: dns\n":                                                            {associate, change, follow},
		"    remedy: [withdraw]\n":                                                                     {change, follow},
		"    remedy: [withdraw]\n    remedy_when: {zone: [remap]}\n":                                   {associate, change, follow},
		"    mode: observe\n  - {name: b, record: b.example.com, zone: Z123, checks: [{kind: tls}]}\n": {associate, change, follow},
	} {
		cfg := parsedPolicy(t, keys)
		var grants []grant
		for _, p := range cfg.Pools {
			grants = append(grants, grantOf(cfg, p))
		}
		docs, _ := printed(t, grants, true)
		writes := slices.DeleteFunc(actionsIn(docs[0]), func(a string) bool { return !slices.Contains([]string{associate, change, follow}, a) })
		if !slices.Equal(writes, want) {
			t.Errorf("%q: may %v, want %v", keys, writes, want)
		}
	}
	lease := grantOf(parsedPolicy(t, "    remedy: [remap]\nlease: dns\n"), parsedPolicy(t, "    remedy: [remap]\nlease: dns\n").Pools[0])
	if !slices.Equal(lease.names, []string{"_rrwatch.www.example.com"}) || !slices.Equal(lease.types, []string{"TXT"}) {
		t.Errorf("for the lease alone, %v of %v may be edited", lease.types, lease.names)
	}
}

// Edits of a zone go together, and IAM allows a batch only by one statement.
func TestPoolsOfAZoneHaveOneStatementForTheirBatches(t *testing.T) {
	cfg := parsedPolicy(t, "  - {name: api, record: api.example.com, zone: example.com, checks: [{kind: tls}]}\n"+
		"  - {name: shop, record: shop.example.org, zone: Z0ORG, checks: [{kind: tls}]}\n")
	var grants []grant
	for _, p := range cfg.Pools {
		grants = append(grants, grantOf(cfg, p))
	}
	docs, _ := printed(t, grants, true)
	var names [][]string
	for _, s := range docs[0].Statement {
		if s.Action[0] == "route53:ChangeResourceRecordSets" {
			names = append(names, s.Condition["ForAllValues:StringEquals"]["route53:ChangeResourceRecordSetsNormalizedRecordNames"])
		}
	}
	if diff := cmp.Diff([][]string{{"api.example.com", "www.example.com"}, {"shop.example.org"}}, names); diff != "" {
		t.Error(diff)
	}
	some, err := only(cfg, []string{"www"})
	if notes := left(cfg, some); err != nil || len(notes) != 1 || !strings.Contains(notes[0], "--pool www,api") {
		t.Errorf("notes %q, %v", notes, err)
	}
	if _, err := only(cfg, []string{"wwv"}); err == nil || !strings.Contains(err.Error(), "did you mean www?") {
		t.Errorf("got %v", err)
	}
}

func TestOfflineThePolicyGoesByTags(t *testing.T) {
	cfg := parsedPolicy(t, "    instances: {tags: {team: web, env: prod}, ids: [i-0123456789abcdef0]}\n    aws: {region: cn-north-1}\n"+
		"  - {name: w-w-w, record: b.example.com, zone: Z123, checks: [{kind: tls}], aws: {region: cn-north-1}}\n")
	var grants []grant
	for _, p := range cfg.Pools {
		grants = append(grants, grantOf(cfg, p))
	}
	docs, notes := printed(t, grants, true)
	const arn = "arn:aws-cn:ec2:cn-north-1:*:"
	if diff := cmp.Diff([]statement{
		{Sid: "MoveAddressesOfWww", Effect: "Allow", Action: []string{"ec2:AssociateAddress"}, Resource: []string{arn + "elastic-ip/*", arn + "instance/i-0123456789abcdef0"}},
		{Sid: "MoveAddressesOfWwwToTagged", Effect: "Allow", Action: []string{"ec2:AssociateAddress"}, Resource: []string{arn + "instance/*", arn + "network-interface/*"},
			Condition: map[string]map[string][]string{"StringEquals": {"ec2:ResourceTag/team": {"web"}, "ec2:ResourceTag/env": {"prod"}}}},
	}, docs[0].Statement[1:3]); diff != "" {
		t.Error(diff)
	}
	sids := map[string]bool{}
	for _, s := range docs[0].Statement {
		if sids[s.Sid] {
			t.Errorf("the statement id %s is there twice", s.Sid)
		}
		sids[s.Sid] = true
	}
	for _, want := range []string{"every Elastic IP", "network interfaces", "hostedzone/*", "the account's number"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note of %s in:\n%s", want, notes)
		}
	}
}

func TestAPolicyThatIsTooLongForAWSIsTold(t *testing.T) {
	g := grantOf(parsedPolicy(t, ""), parsedPolicy(t, "").Pools[0])
	for range 100 {
		g.allocations = append(g.allocations, "eipalloc-0123456789abcdef0")
	}
	if _, notes := printed(t, []grant{g}, true); !strings.Contains(notes, "a managed policy takes 6144") {
		t.Errorf("notes:\n%s", notes)
	}
}

func TestThePolicyIsPrintedForAUser(t *testing.T) {
	w, file := newTestWorld(t)
	a := rrwatch(t, "iam-policy", "--config", file)
	var doc policyDocument
	if err := json.Unmarshal([]byte(a.out), &doc); a.code != 0 || err != nil || len(doc.Statement) != 6 {
		t.Errorf("exit %d, %v\n%s%s", a.code, err, a.out, a.err)
	}
	w.aws.Deny("DescribeAddresses")
	a = rrwatch(t, "iam-policy", "--config", file)
	if a.code != 1 || a.out != "" || !strings.Contains(a.err, "ec2:DescribeAddresses") || !strings.Contains(a.err, "--offline") {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
}

func TestThePolicyOfTheDocumentsIsWhatIsPrinted(t *testing.T) {
	text, err := os.ReadFile("../../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(text)
	var shown policyDocument
	if err := json.Unmarshal(block[1], &shown); err != nil {
		t.Fatal(err)
	}
	ids := func(kind string, n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("%s-0a1b2c3d4e5f6000%d", kind, i+1))
		}
		return list
	}
	cfg := parsedPolicy(t, "lease: dns\n")
	g := grantOf(cfg, cfg.Pools[0])
	g.account, g.zone, g.types, g.tags = "123456789012", "Z0123456789EXAMPLE", []string{"A", "TXT"}, nil
	g.allocations, g.instances, g.interfaces = ids("eipalloc", 2), ids("i", 3), ids("eni", 3)
	docs, _ := printed(t, []grant{g}, false)
	if diff := cmp.Diff(docs[0], shown); diff != "" {
		t.Errorf("docs/permissions.md shows another policy than iam-policy prints: %s", diff)
	}
	for _, action := range append(callsOf(t, "../../eip/eip.go", "ec2"), callsOf(t, "../../route53/route53.go", "route53")...) {
		if !bytes.Contains(text, []byte("\n| `"+action+"` |")) {
			t.Errorf("docs/permissions.md does not say what %s is for", action)
		}
	}
}
