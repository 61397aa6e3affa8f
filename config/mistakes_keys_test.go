package config

import "testing"

func TestReportsMistakesOfKeys(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "an unknown key with a near miss",
			old:  "kind: http",
			new:  "kind: http\n        intervall: 5s",
			want: "9:9: pools[0].checks[0].intervall: unknown key; did you mean interval?",
		},
		{
			name: "an unknown key with swapped letters",
			old:  "kind: http",
			new:  "kind: http\n        tiemout: 5s",
			want: "9:9: pools[0].checks[0].tiemout: unknown key; did you mean timeout?",
		},
		{
			name: "a short unknown key with swapped letters",
			old:  "    zone: example.com",
			new:  "    zone: example.com\n    mdoe: act",
			want: "7:5: pools[0].mdoe: unknown key; did you mean mode?",
		},
		{
			name: "an unknown key without a near miss",
			old:  "mode: observe",
			new:  "mode: observe\nbudget: {weekly: 5}",
			want: "3:10: budget.weekly: unknown key; the keys here are per_hour, per_day",
		},
		{
			name: "a duplicate key",
			old:  "mode: observe",
			new:  "mode: observe\nmode: act",
			want: "3:1: mode: was given at 2:1 already; keep one of the two",
		},
		{
			name: "a key that is no text",
			old:  "mode: observe",
			new:  "mode: observe\n5: x",
			want: "3:1: wants text as a key; put the key in quotes",
		},
		{
			name: "a null key",
			old:  "mode: observe",
			new:  "mode: observe\nlog:",
			want: "3:5: log: has no value; write one, or remove it",
		},
	} {
		m.run(t)
	}
}

func TestReportsWhatIsMissing(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "everything required is missing",
			new:  "log: {level: info}",
			want: "1:1: mode: is missing; there is no default: write mode: observe, mode: propose or mode: act\n" +
				"1:1: pools: is missing; write at least one pool with its name, record, zone and one check\n" +
				"1:1: region: is missing; write the AWS region, such as region: eu-central-1",
		},
		{
			name: "required keys of a pool are missing",
			old:  "    record: www.example.com\n    zone: example.com\n    checks:\n      - kind: http",
			new:  "    cooldown: 1m",
			want: "4:5: pools[0].checks: is missing; write at least one check, such as checks: [{kind: http}]\n" +
				"4:5: pools[0].record: is missing; write the published DNS name, such as record: www.example.com\n" +
				"4:5: pools[0].zone: is missing; write the hosted zone, such as zone: example.com, or its id",
		},
		{
			name: "a port for tcp is missing",
			old:  "kind: http",
			new:  "kind: tcp",
			want: "8:9: pools[0].checks[0].port: is missing; write the port of a tcp check, such as port: 443",
		},
		{
			name: "a kind is missing",
			old:  "kind: http",
			new:  "name: x",
			want: "8:9: pools[0].checks[0].kind: is missing; write " + kindList(),
		},
		{
			name: "no pools",
			new:  "region: eu-central-1\nmode: act\npools: []",
			want: "3:8: pools: is an empty list; write at least one, such as [{name: www, record: www.example.com, …}]",
		},
		{
			name: "no checks",
			old:  "checks:\n      - kind: http",
			new:  "checks: []",
			want: "7:13: pools[0].checks: is an empty list; write at least one, such as [{kind: http}]",
		},
	} {
		m.run(t)
	}
}

func TestReportsKeysThatDoNotApply(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "path on tcp",
			old:  "kind: http",
			new:  "{kind: tcp, port: 80, path: /, host: a.b}",
			want: "8:31: pools[0].checks[0].path: does not apply to a tcp check; remove it, or write kind: " + owners("path") + "\n" +
				"8:40: pools[0].checks[0].host: is for TLS, and this check has none; remove it, or write a step {tls: true} into talk",
		},
		{
			name: "path on tls",
			old:  "kind: http",
			new:  "{kind: tls, path: /}",
			want: "8:21: pools[0].checks[0].path: does not apply to a tls check; remove it, or write kind: " + owners("path"),
		},
	} {
		m.run(t)
	}
}

func TestReportsMistakesOfKeysTogether(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "several at once are sorted by place",
			old:  "kind: http",
			new:  "kind: htpp\n        fall: 0\nreggion: x\ndiscover: 5",
			want: "8:15: pools[0].checks[0].kind: unknown kind \"htpp\"; did you mean http?\n" +
				"9:15: pools[0].checks[0].fall: wants a whole number from 1 to 100, not 0\n" +
				"10:1: reggion: unknown key; did you mean region?\n" +
				"11:11: discover: wants a duration such as 5s, not 5; write the unit, as in 5s",
		},
	} {
		m.run(t)
	}
}

func TestReportsMistakesOfMerges(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "an unknown key in a merged mapping",
			old:  "kind: http",
			new:  "{<<: {kind: http, porrt: 5}}",
			want: "8:27: pools[0].checks[0].porrt: unknown key; did you mean port?",
		},
		{
			name: "a merge into itself",
			old:  "- kind: http",
			new:  "- &a\n        kind: http\n        <<: *a",
			want: "8:9: pools[0].checks[0]: is merged into itself; remove the << that leads back here",
		},
		{
			name: "a mistake in a mapping that is merged twice",
			old:  "- kind: http",
			new:  "- &a {kind: http, kind: tls}\n      - {<<: [*a, *a], name: x}",
			want: "8:25: pools[0].checks[0].kind: was given at 8:13 already; keep one of the two\n" +
				"8:25: pools[0].checks[1].kind: was given at 8:13 already; keep one of the two",
		},
		{
			name: "a merge of text",
			old:  "kind: http",
			new:  "{kind: http, <<: x}",
			want: "8:26: pools[0].checks[0]: wants a mapping after <<; write <<: *name, with an anchor &name at a mapping",
		},
	} {
		m.run(t)
	}
}
