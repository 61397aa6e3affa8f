package main

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/config"
	"rrwatch/failover"
)

// policyText is a file whose only pool has these keys, one a line.
func policyText(keys string) []byte {
	return []byte("region: eu-central-1\nmode: act\npools:\n  - name: www\n    record: www.example.com\n    zone: example.com\n" +
		"    checks: [{kind: http}]\n" + keys)
}

func parsedPolicy(t *testing.T, keys string) *config.Config {
	t.Helper()
	cfg, err := config.Parse("rrwatch.yaml", policyText(keys), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestThePolicyIsWhatTheFileSays(t *testing.T) {
	cfg := parsedPolicy(t, `
    remedy: [withdraw]
    remedy_when: {partial: [withdraw, remap], process: []}
    verify_within: 1m
    cooldown: 2m
    restore_after: 3m
    restore: [{weight: 10%, for: 5m}, {weight: 100%}]
    failback: {after: 30m}
    flapping: {falls: 5, within: 20m}
    min_healthy: 2
    budget: {per_hour: 3, per_day: 6}
    member_budget: {per_hour: 1, per_day: 2}
`)
	want := failover.Policy{
		Mode: failover.Act, Remedies: []failover.Remedy{failover.RemedyWithdraw},
		VerifyWithin: time.Minute, Cooldown: 2 * time.Minute, RestoreAfter: 3 * time.Minute, MinHealthy: 2,
		Budget: failover.Budget{PerHour: 3, PerDay: 6}, MemberBudget: failover.Budget{PerHour: 1, PerDay: 2},
		RemedyWhen: map[failover.Cause][]failover.Remedy{
			failover.CausePartial: {failover.RemedyWithdraw, failover.RemedyRemap}, failover.CauseProcess: {},
		},
		Ramp:     []failover.RampStep{{Percent: 10, For: 5 * time.Minute}, {Percent: 100}},
		Failback: 30 * time.Minute, Flaps: failover.FlapLimit{Falls: 5, Within: 20 * time.Minute},
	}
	if diff := cmp.Diff(want, specs(cfg, newTools())[0].Policy); diff != "" {
		t.Error(diff)
	}
}

func TestEveryCauseOfTheFileIsOneOfTheJudgement(t *testing.T) {
	for of, is := range map[config.Cause]failover.Cause{
		config.CauseProcess: failover.CauseProcess, config.CauseInstance: failover.CauseInstance, config.CauseZone: failover.CauseZone,
		config.CausePartial: failover.CausePartial, config.CauseUnknown: failover.CauseUnknown,
	} {
		if failover.Cause(of) != is {
			t.Errorf("the file's %q is %q", of, is)
		}
	}
}

func TestCheckTellsOfPoliciesThatCannotBe(t *testing.T) {
	const steps = "    restore: [{weight: 1%, for: 5m}, {weight: 2%, for: 5m}, {weight: 3%, for: 5m}, {weight: 100%}]\n"
	const tooMany = "note  pool www: a withdrawal and the steps back (restore: 4) are 5 actions, and member_budget.per_hour is 4: " +
		"raise it, or write fewer steps\n"
	const notBack = "note  pool www: in mode %s rrwatch moves no address back by itself; write failback: never, or mode: act\n"
	for keys, want := range map[string]string{
		"":    "",
		steps: tooMany,
		steps + "    budget: {per_hour: 5}\n    member_budget: {per_hour: 5}\n": "",
		"    failback: {after: 1h}\n":                                           "",
		"    failback: {after: 1h}\n    mode: propose\n":                        fmt.Sprintf(notBack, "propose"),
		"    failback: {after: 1h}\n    mode: observe\n":                        fmt.Sprintf(notBack, "observe"),
		"    failback: never\n    mode: observe\n":                              "",
	} {
		var out bytes.Buffer
		found := &findings{out: &out}
		advisePolicies(found, parsedPolicy(t, keys))
		if out.String() != want || found.bad {
			t.Errorf("%s\ngot  %q\nwant %q", keys, out.String(), want)
		}
	}
}
