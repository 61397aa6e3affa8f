package config

import "testing"

func TestReportsMistakesOfTypes(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "a number where text belongs",
			old:  "region: eu-central-1",
			new:  "region: 5",
			want: "1:9: region: wants text, not 5; put it in quotes",
		},
		{
			name: "a list where text belongs",
			old:  "region: eu-central-1",
			new:  "region: [a]",
			want: "1:9: region: wants text, not a list",
		},
		{
			name: "text where a mapping belongs",
			old:  "mode: observe",
			new:  "mode: observe\nlog: debug",
			want: `3:6: log: wants keys and their values, such as name: www, not "debug"`,
		},
		{
			name: "a mapping where a list belongs",
			old:  "- kind: http",
			new:  "  kind: http",
			want: "8:9: pools[0].checks: wants a list such as [{kind: http}], not a mapping",
		},
	} {
		m.run(t)
	}
}

func TestReportsMistakesOfNumbers(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "a duration without a unit",
			old:  "kind: http",
			new:  "{kind: http, interval: 5}",
			want: "8:32: pools[0].checks[0].interval: wants a duration such as 5s, not 5; write the unit, as in 5s",
		},
		{
			name: "a duration of nonsense",
			old:  "kind: http",
			new:  "{kind: http, interval: soon}",
			want: `8:32: pools[0].checks[0].interval: wants a duration such as 5s, not "soon"; units are ms, s, m, h and d`,
		},
		{
			name: "more days than fit",
			old:  "mode: observe",
			new:  "mode: observe\nretention: {journal: 200000d}",
			want: `3:22: retention.journal: wants a duration such as 5s, not "200000d"; units are ms, s, m, h and d`,
		},
		{
			name: "a negative duration",
			old:  "mode: observe",
			new:  "mode: observe\ndiscover: -5s",
			want: `3:11: discover: wants a duration such as 5s, not "-5s"; units are ms, s, m, h and d`,
		},
		{
			name: "a short duration",
			old:  "kind: http",
			new:  "{kind: http, interval: 1ms}",
			want: `8:32: pools[0].checks[0].interval: wants a duration of at least 10ms, not "1ms"`,
		},
		{
			name: "a long duration",
			old:  "mode: observe",
			new:  "mode: observe\ndiscover: 2d",
			want: `3:11: discover: wants a duration of at most 1h, not "2d"`,
		},
		{
			name: "an interval shorter than the timeout",
			old:  "kind: http",
			new:  "{kind: http, interval: 1s, timeout: 2s}",
			want: "8:45: pools[0].checks[0].timeout: is longer than the interval of 1s; shorten it, or write a longer interval",
		},
		{
			name: "a timeout longer than the default interval",
			old:  "kind: http",
			new:  "{kind: http, timeout: 6s}",
			want: "8:31: pools[0].checks[0].timeout: is longer than the interval of 5s; shorten it, or write a longer interval",
		},
		{
			name: "a bad interval does not make the timeout wrong",
			old:  "kind: http",
			new:  "kind: http\n        interval: 9\n        timeout: 8s",
			want: "9:19: pools[0].checks[0].interval: wants a duration such as 5s, not 9; write the unit, as in 9s",
		},
		{
			name: "a recheck longer than the interval",
			old:  "kind: http",
			new:  "{kind: http, interval: 1s, recheck: 2s}",
			want: "8:45: pools[0].checks[0].recheck: is longer than the interval of 1s; shorten it, or write a longer interval",
		},
		{
			name: "thresholds below 1",
			old:  "kind: http",
			new:  "{kind: http, fall: 0, clear: -1, rise: 0}",
			want: "8:28: pools[0].checks[0].fall: wants a whole number from 1 to 100, not 0\n" +
				"8:38: pools[0].checks[0].clear: wants a whole number from 1 to 100, not -1\n" +
				"8:48: pools[0].checks[0].rise: wants a whole number from 1 to 100, not 0",
		},
		{
			name: "a threshold in quotes",
			old:  "kind: http",
			new:  `{kind: http, fall: "3"}`,
			want: `8:28: pools[0].checks[0].fall: wants a whole number from 1 to 100, not "3"; remove the quotes`,
		},
		{
			name: "a threshold in octal",
			old:  "kind: http",
			new:  "{kind: http, fall: 010}",
			want: "8:28: pools[0].checks[0].fall: wants a whole number from 1 to 100, not 010",
		},
	} {
		m.run(t)
	}
}

func TestReportsMistakesOfWords(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "an unknown kind with a near miss",
			old:  "kind: http",
			new:  "kind: htps",
			want: `8:15: pools[0].checks[0].kind: unknown kind "htps"; did you mean https?`,
		},
		{
			name: "an unknown kind",
			old:  "kind: http",
			new:  "kind: carrier-pigeon",
			want: `8:15: pools[0].checks[0].kind: unknown kind "carrier-pigeon"; write ` + kindList(),
		},
		{
			name: "an unknown mode",
			old:  "mode: observe",
			new:  "mode: auto",
			want: `2:7: mode: unknown mode "auto"; write observe, propose or act`,
		},
		{
			name: "a near miss of a mode",
			old:  "mode: observe",
			new:  "mode: Observe",
			want: `2:7: mode: unknown mode "Observe"; did you mean observe?`,
		},
		{
			name: "an unknown remedy",
			old:  "    checks",
			new:  "    remedy: [remap, reboot]\n    checks",
			want: `7:21: pools[0].remedy[1]: unknown remedy "reboot"; write remap or withdraw`,
		},
		{
			name: "a remedy twice",
			old:  "    checks",
			new:  "    remedy: [remap, remap]\n    checks",
			want: `7:21: pools[0].remedy[1]: "remap" is in the list twice; remove one`,
		},
		{
			name: "no remedy",
			old:  "    checks",
			new:  "    remedy: []\n    checks",
			want: "7:13: pools[0].remedy: is an empty list; write at least one, such as [remap, withdraw]",
		},
	} {
		m.run(t)
	}
}
