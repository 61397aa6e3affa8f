package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pooled is a mistake in keys of the pool, each line of which stands from line 7 on.
func pooled(name, keys, want string) mistake {
	return mistake{name: name, old: "    checks:", new: "    " + strings.ReplaceAll(keys, "\n", "\n    ") + "\n    checks:", want: want}
}

func TestReportsMistakesOfTheStepsBack(t *testing.T) {
	for _, m := range []mistake{
		pooled("no list", "restore: 10%",
			`7:14: pools[0].restore: wants a list such as [{weight: 10%, for: 5m}, {weight: 100%}], not "10%"`),
		pooled("no step", "restore: []",
			"7:14: pools[0].restore: is an empty list; write at least one, such as [{weight: 10%, for: 5m}, {weight: 100%}]"),
		pooled("steps that are no mappings", "restore: [10%, 100%]",
			`7:15: pools[0].restore[0]: wants keys and their values, such as name: www, not "10%"`+"\n"+
				`7:20: pools[0].restore[1]: wants keys and their values, such as name: www, not "100%"`),
		pooled("no sign", "restore: [{weight: 10, for: 5m}, {weight: 100%}]",
			"7:24: pools[0].restore[0].weight: wants a part from 1% to 100%, not 10; write 10%"),
		pooled("no sign in a variable", "restore: [{weight: \"${TEN}\", for: 5m}, {weight: 100%}]",
			`7:24: pools[0].restore[0].weight: wants a part from 1% to 100%, not "${TEN}"; write the sign: %`),
		pooled("parts that are none", "restore:\n- {weight: 0%, for: 5m}\n- {weight: half, for: 5m}\n- {weight: 010%, for: 5m}\n- {weight: 101%}",
			`8:16: pools[0].restore[0].weight: wants a part from 1% to 100%, not "0%"`+"\n"+
				`9:16: pools[0].restore[1].weight: wants a part from 1% to 100%, not "half"`+"\n"+
				`10:16: pools[0].restore[2].weight: wants a part from 1% to 100%, not "010%"`+"\n"+
				`11:16: pools[0].restore[3].weight: wants a part from 1% to 100%, not "101%"`),
		pooled("weights that do not rise", "restore: [{weight: 50%, for: 5m}, {weight: 50%, for: 5m}, {weight: 100%}]",
			"7:48: pools[0].restore[1].weight: is not more than the weight of the step before; write the steps with rising weights, up to 100%"),
		pooled("a last step that falls", "restore: [{weight: 50%, for: 5m}, {weight: 20%}]",
			"7:48: pools[0].restore[1].weight: is not more than the weight of the step before; write the steps with rising weights, up to 100%"),
		pooled("a last step that leaves a part out", "restore: [{weight: 10%, for: 5m}, {weight: 90%}]",
			"7:48: pools[0].restore[1].weight: the last step does not bring all of the weight back; write weight: 100%, or one more step with it"),
		pooled("what is missing", "restore: [{for: 5m}, {weight: 50%}, {}]",
			"7:15: pools[0].restore[0].weight: is missing; write the part of its weight that the address gets, such as weight: 10%\n"+
				"7:26: pools[0].restore[1].for: is missing; write how long the address must be up before the next step, such as for: 5m\n"+
				"7:41: pools[0].restore[2].weight: is missing; write the part of its weight that the address gets, such as weight: 10%"),
		pooled("a wait after the last step", "restore: [{weight: 100%, for: 5m}]",
			"7:30: pools[0].restore[0].for: no step comes after the last one; remove it, or add a step"),
		pooled("waits that are too short or too long", "restore: [{weight: 10%, for: 1ms}, {weight: 20%, for: 25h}, {weight: 100%}]",
			`7:34: pools[0].restore[0].for: wants a duration of at least 1s, not "1ms"`+"\n"+
				`7:59: pools[0].restore[1].for: wants a duration of at most 1d, not "25h"`),
		pooled("an unknown key", "restore: [{weight: 100%, percent: 5}]",
			"7:30: pools[0].restore[0].percent: unknown key; the keys here are weight, for"),
	} {
		m.run(t)
	}
}

func TestReportsMistakesOfNeverOrHow(t *testing.T) {
	for _, m := range []mistake{
		pooled("a failback of another word", "failback: always",
			`7:15: pools[0].failback: wants never or {after: 30m}, not "always"`),
		pooled("a failback that is a time", "failback: 30m",
			`7:15: pools[0].failback: wants never or {after: 30m}, not "30m"`),
		pooled("a failback that is off", "failback: false",
			`7:15: pools[0].failback: wants never or {after: 30m}, not false`),
		pooled("a failback without a time", "failback: {}",
			"7:15: pools[0].failback.after: is missing; write how long the instance must have been healthy, such as after: 30m"),
		pooled("a failback too soon", "failback: {after: 59s}",
			`7:23: pools[0].failback.after: wants a duration of at least 1m, not "59s"`),
		pooled("a failback after all is forgotten", "failback: {after: 8d}",
			`7:23: pools[0].failback.after: wants a duration of at most 7d, not "8d"`),
		pooled("an unknown key of failback", "failback: {after: 30m, to: i-1}",
			"7:28: pools[0].failback.to: unknown key; the keys here are after"),
		pooled("a flapping of another kind", "flapping: [4, 30m]",
			"7:15: pools[0].flapping: wants never or {falls: 4, within: 30m}, not a list"),
		pooled("a flapping without numbers", "flapping: {}",
			"7:15: pools[0].flapping.falls: is missing; write how many falls are too many, such as falls: 4\n"+
				"7:15: pools[0].flapping.within: is missing; write the time within which the falls are counted, such as within: 30m"),
		pooled("a flapping that is too small", "flapping: {falls: 1, within: 59s}",
			"7:23: pools[0].flapping.falls: wants a whole number from 2 to 32, not 1\n"+
				`7:34: pools[0].flapping.within: wants a duration of at least 1m, not "59s"`),
		pooled("a flapping that is too large", "flapping: {falls: 33, within: 25h}",
			"7:23: pools[0].flapping.falls: wants a whole number from 2 to 32, not 33\n"+
				`7:35: pools[0].flapping.within: wants a duration of at most 1d, not "25h"`),
		pooled("an unknown key of flapping", "flapping: {falls: 4, withn: 30m}",
			"7:15: pools[0].flapping.within: is missing; write the time within which the falls are counted, such as within: 30m\n"+
				"7:26: pools[0].flapping.withn: unknown key; did you mean within?"),
	} {
		m.run(t)
	}
}

func TestReportsMistakesOfTheMembersBudget(t *testing.T) {
	const hint = "; lower it, or raise budget."
	for _, m := range []mistake{
		pooled("more than the pool's default", "member_budget: {per_hour: 5, per_day: 13}",
			"7:31: pools[0].member_budget.per_hour: is more than the pool's per_hour of 4"+hint+"per_hour of the pool\n"+
				"7:43: pools[0].member_budget.per_day: is more than the pool's per_day of 12"+hint+"per_day of the pool"),
		pooled("more than the pool's own", "budget: {per_day: 3}\nmember_budget: {per_day: 4}",
			"8:30: pools[0].member_budget.per_day: is more than the pool's per_day of 3"+hint+"per_day of the pool"),
		pooled("the pool's number is in a variable", "budget: {per_hour: \"${TEN}\"}\nmember_budget: {per_hour: 11}",
			"8:31: pools[0].member_budget.per_hour: is more than the pool's per_hour of ${TEN}"+hint+"per_hour of the pool"),
		pooled("a bad budget of the pool does not make the member's wrong", "budget: {per_hour: 0}\nmember_budget: {per_hour: 5}",
			"7:24: pools[0].budget.per_hour: wants a whole number from 1 to 100000, not 0"),
		pooled("nothing", "member_budget: {per_hour: 0}",
			"7:31: pools[0].member_budget.per_hour: wants a whole number from 1 to 100000, not 0"),
		pooled("an unknown key", "member_budget: {per_week: 1}",
			"7:21: pools[0].member_budget.per_week: unknown key; the keys here are per_hour, per_day"),
		pooled("no mapping", "member_budget: 4",
			"7:20: pools[0].member_budget: wants keys and their values, such as name: www, not 4"),
	} {
		m.run(t)
	}
}

func TestReportsMistakesOfRemediesForCauses(t *testing.T) {
	const never = ": for the causes shared and watcher nothing is ever done, since it would not help; remove it"
	for _, m := range []mistake{
		pooled("no mapping", "remedy_when: [withdraw]",
			"7:18: pools[0].remedy_when: wants keys and their values, such as name: www, not a list"),
		pooled("no list", "remedy_when: {zone: withdraw}",
			`7:25: pools[0].remedy_when.zone: wants a list such as [remap, withdraw], not "withdraw"`),
		pooled("an unknown remedy", "remedy_when: {zone: [withdrawn]}",
			`7:26: pools[0].remedy_when.zone[0]: unknown remedy "withdrawn"; did you mean withdraw?`),
		pooled("a remedy twice", "remedy_when: {zone: [remap, remap]}",
			`7:33: pools[0].remedy_when.zone[1]: "remap" is in the list twice; remove one`),
		pooled("causes that are never answered", "remedy_when: {shared: [withdraw], watcher: []}",
			"7:19: pools[0].remedy_when.shared"+never+"\n7:39: pools[0].remedy_when.watcher"+never),
		pooled("an unknown cause", "remedy_when: {network: [remap]}",
			"7:19: pools[0].remedy_when.network: unknown key; the keys here are process, instance, zone, partial, unknown"),
		pooled("a near miss of a cause", "remedy_when: {zones: [remap]}",
			"7:19: pools[0].remedy_when.zones: unknown key; did you mean zone?"),
		pooled("a cause without a value", "remedy_when: {zone: }",
			"7:25: pools[0].remedy_when.zone: has no value; write one, or remove it"),
	} {
		m.run(t)
	}
}

func TestTheMembersBudgetIsAtMostThePools(t *testing.T) {
	for keys, want := range map[string]Budget{
		"budget: {per_hour: 2}":                                  {PerHour: 2, PerDay: 8},
		"budget: {per_hour: 2, per_day: 5}":                      {PerHour: 2, PerDay: 5},
		"budget: {per_hour: 90, per_day: 90}":                    {PerHour: 4, PerDay: 8},
		"budget: {per_hour: 2}\n    member_budget: {per_day: 9}": {PerHour: 2, PerDay: 9},
		"member_budget: {per_hour: 4, per_day: 12}":              {PerHour: 4, PerDay: 12},
	} {
		c := mustParse(t, strings.Replace(smallest, "    checks:", "    "+keys+"\n    checks:", 1), noEnv)
		if got := c.Pools[0].MemberBudget; got != want {
			t.Errorf("%s: got %+v, want %+v", keys, got, want)
		}
	}
}

func TestReadsTheOtherWaysToAnswer(t *testing.T) {
	keys := "    failback: never\n    flapping: never\n    restore: [{weight: 100%}]\n    remedy_when: {unknown: []}\n"
	p := mustParse(t, strings.Replace(smallest, "    checks:", keys+"    checks:", 1), noEnv).Pools[0]
	got := Pool{Failback: p.Failback, Flapping: p.Flapping, Restore: p.Restore, RemedyWhen: p.RemedyWhen}
	want := Pool{Restore: []RestoreStep{{Weight: 100}}, RemedyWhen: map[Cause][]Remedy{CauseUnknown: {}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	p = mustParse(t, strings.Replace(smallest, "    checks:", "    flapping: {falls: 32, within: 1m}\n    failback: {after: 1m}\n    checks:", 1), noEnv).Pools[0]
	if p.Flapping != (Flapping{Falls: 32, Within: time.Minute}) || p.Failback != time.Minute {
		t.Errorf("got %+v and %s", p.Flapping, p.Failback)
	}
}
