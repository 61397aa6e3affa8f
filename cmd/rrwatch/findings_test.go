package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"rrwatch/eip"
	"rrwatch/failover"
)

// tried is an outcome of every kind.
func tried() []eip.Permission {
	return []eip.Permission{
		{Action: "ec2:DescribeAddresses", OK: true, Needed: true},
		{Action: "ec2:AssociateAddress", On: "192.0.2.1", OK: true, Needed: true},
		{Action: "ec2:AssociateAddress", On: "192.0.2.2", OK: true, Needed: true},
		{Action: "ec2:AssociateAddress", On: "192.0.2.3", Needed: true, Detail: "not permitted (docs/permissions.md): UnauthorizedOperation"},
		{Action: "ec2:ReleaseAddress"},
		{Action: "ec2:StopInstances", OK: true, Detail: "permitted and not needed"},
		{Action: "ec2:TerminateInstances", Detail: "not known: no answer"},
		{Action: "route53:ChangeResourceRecordSets", On: "rrwatch-check.example.com A", OK: true},
	}
}

func TestPermissionsAreToldTogetherUnlessSomethingIsWrong(t *testing.T) {
	var out bytes.Buffer
	f := &findings{out: &out}
	f.of("www")
	f.permissions("one account", tried())
	f.of("api")
	f.permissions("one account", tried()[:1])
	f.permissions("another account", tried()[:1])
	const want = `ok      permitted, as needed: ec2:DescribeAddresses, ec2:AssociateAddress (2 tries)
ok      not permitted, nor needed: ec2:ReleaseAddress
warn    permitted, and not needed: ec2:StopInstances, route53:ChangeResourceRecordSets on names of no pool, such as rrwatch-check.example.com A; whoever gets hold of rrwatch's credentials may do it, too: rrwatch iam-policy prints the least policy (docs/permissions.md)
FAIL    ec2:AssociateAddress on 192.0.2.3: not permitted (docs/permissions.md): UnauthorizedOperation
note    ec2:TerminateInstances: not known: no answer
ok      permitted, as needed: ec2:DescribeAddresses
`
	if got := out.String(); got != want || !f.bad {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := f.end(); err == nil {
		t.Error("the check ends well although a permission is missing")
	}
}

func TestWhatCameToNothingForOneCauseIsOneLine(t *testing.T) {
	sdk := func(operation, id string) string {
		return "not known: check the region: operation error EC2: " + operation + ", https response error StatusCode: 401, RequestID: " + id + ", api error AuthFailure: wrong region"
	}
	list := []eip.Permission{
		{Action: "ec2:DescribeAddresses", Needed: true, Detail: sdk("DescribeAddresses", "a-1")},
		{Action: "route53:GetChange", Needed: true, Detail: "not permitted (docs/permissions.md): AccessDenied"},
		{Action: "ec2:StopInstances", Detail: sdk("StopInstances", "a-2")},
		{Action: "route53:GetHostedZone", On: "Z1", Needed: true, Detail: "not known: operation error Route 53: GetHostedZone, exceeded maximum number of attempts, 5, " +
			`https response error StatusCode: 0, RequestID: , request send failed, Get "http://192.0.2.1/zone": connection refused`},
	}
	var out bytes.Buffer
	(&findings{out: &out}).permissions("", list)
	const want = `note  ec2:DescribeAddresses, ec2:StopInstances: not known: check the region: api error AuthFailure: wrong region
FAIL  route53:GetChange: not permitted (docs/permissions.md): AccessDenied
note  route53:GetHostedZone on Z1: not known: connection refused
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	program := &findings{asJSON: true}
	program.permissions("", list)
	if len(program.list) != len(list) || !strings.Contains(program.list[2].Text, "RequestID: a-2") {
		t.Errorf("a program is not told all of it: %+v", program.list)
	}
}

func TestFindingsAsJSONHaveEachPermissionAndLint(t *testing.T) {
	var out bytes.Buffer
	f := &findings{out: &out, asJSON: true}
	f.say(true, "the file is right")
	f.of("www")
	f.permissions("", tried()[:2])
	f.lints([]failover.Lint{
		{Name: "ttl-zero", Severity: failover.SeverityWarning, Sentence: "the TTL is 0"},
		{Name: "one-zone", Severity: failover.SeverityAdvice, Sentence: "one zone carries all"},
	})
	if err := f.end(); err != nil {
		t.Fatal(err)
	}
	var got struct {
		OK       bool
		Findings []finding
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || !got.OK || len(got.Findings) != 5 {
		t.Fatalf("%v: %+v", err, got)
	}
	for n, result := range []verdict{findingOK, findingOK, findingOK, findingWarn, findingNote} {
		if one := got.Findings[n]; one.Result != result || (one.Pool == "www") != (n > 0) {
			t.Errorf("finding %d is %+v", n, one)
		}
	}
	if p := got.Findings[2].Permission; p == nil || p.On != "192.0.2.1" || !p.Needed || !p.Permitted {
		t.Errorf("got %+v", p)
	}
	if l := got.Findings[3].Lint; l == nil || l.Name != "ttl-zero" {
		t.Errorf("got %+v", l)
	}
}

func TestACheckAsJSONIsJSONWhateverIsWrong(t *testing.T) {
	for name, edit := range map[string][]string{"mistakes of the file": {"mode: act", "mode: atc", "    checks:", "    chekcs:"}, "nothing": nil} {
		_, file := newTestWorld(t, edit...)
		a := rrwatch(t, "check", "--json", "--config", file)
		var got struct {
			OK       bool
			Findings []finding
		}
		err := json.Unmarshal([]byte(a.out), &got)
		if err != nil || got.OK != (a.code == 0) || got.OK != (edit == nil) || a.err != "" || len(got.Findings) < 2 {
			t.Errorf("%s: exit %d, %v\n%s%s", name, a.code, err, a.out, a.err)
		}
		if edit != nil && !strings.Contains(got.Findings[0].Text, "did you mean act?") {
			t.Errorf("got %+v", got.Findings)
		}
	}
}
