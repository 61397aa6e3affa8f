package config

import "testing"

func TestReportsMistakesOfMaintenance(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "an unknown pool",
			old:  "mode: observe",
			new:  "mode: observe\nmaintenance: [{pools: [wwv], cron: \"@daily\", for: 1h}]",
			want: `3:24: maintenance[0].pools[0]: there is no pool "wwv"; did you mean www?`,
		},
		{
			name: "an unknown pool without a near miss",
			old:  "mode: observe",
			new:  "mode: observe\nmaintenance: [{pools: [www, mail], cron: \"@daily\", for: 1h}]",
			want: `3:29: maintenance[0].pools[1]: there is no pool "mail"; write the name of a pool, or all`,
		},
		{
			name: "the pool has a bad name",
			new:  "region: eu-central-1\nmode: act\nmaintenance: [{pools: [www], cron: \"@daily\", for: 1h}]\npools:\n  - {name: www., record: a.b.c, zone: b.c, checks: [{kind: tls}]}",
			want: `5:12: pools[0].name: wants a name of at most 63 lower-case letters, digits and hyphens, not "www."`,
		},
		{
			name: "keys are missing",
			old:  "mode: observe",
			new:  "mode: observe\nmaintenance: [{}]",
			want: "3:15: maintenance[0].cron: is missing; write minute, hour, day, month and weekday, such as cron: \"0 3 * * SUN\"\n" +
				"3:15: maintenance[0].for: is missing; write how long a window lasts, such as for: 1h\n" +
				"3:15: maintenance[0].pools: is missing; write the pools that the window is for, such as pools: [www], or pools: [all]",
		},
		{
			name: "a bad cron expression",
			old:  "mode: observe",
			new:  "mode: observe\nmaintenance: [{pools: [www], cron: \"0 25 * * *\", for: 1h}]",
			want: `3:36: maintenance[0].cron: bad cron expression "0 25 * * *": end of range (25) above maximum (23): 25; write minute, hour, day, month and weekday, such as "0 3 * * SUN"`,
		},
		{
			name: "a cron expression that makes the library panic",
			old:  "mode: observe",
			new:  "mode: observe\nretention: {cron: \"TZ=UTC\"}",
			want: `3:19: retention.cron: bad cron expression "TZ=UTC": a time zone does not belong in it; write minute, hour, day, month and weekday, such as "0 3 * * SUN"`,
		},
		{
			name: "a time zone in the cron expression",
			old:  "mode: observe",
			new:  "mode: observe\nretention: {cron: \"CRON_TZ=UTC 0 3 * * *\"}",
			want: `3:19: retention.cron: bad cron expression "CRON_TZ=UTC 0 3 * * *": a time zone does not belong in it; write minute, hour, day, month and weekday, such as "0 3 * * SUN"`,
		},
		{
			name: "every so often",
			old:  "mode: observe",
			new:  "mode: observe\nretention: {cron: \"@every 5m\"}",
			want: `3:19: retention.cron: bad cron expression "@every 5m": @every has no fixed time of day; write minute, hour, day, month and weekday, such as "0 3 * * SUN"`,
		},
		{
			name: "a day that never comes",
			old:  "mode: observe",
			new:  "mode: observe\nretention: {cron: \"0 0 30 2 *\"}",
			want: `3:19: retention.cron: bad cron expression "0 0 30 2 *": no day has this date; write minute, hour, day, month and weekday, such as "0 3 * * SUN"`,
		},
		{
			name: "four fields",
			old:  "mode: observe",
			new:  "mode: observe\nretention: {cron: \"0 0 1 2\"}",
			want: `3:19: retention.cron: bad cron expression "0 0 1 2": expected exactly 5 fields, found 4: [0 0 1 2]; write minute, hour, day, month and weekday, such as "0 3 * * SUN"`,
		},
		{
			name: "a bad time zone",
			old:  "mode: observe",
			new:  "mode: observe\nmaintenance: [{pools: [www], cron: \"@daily\", for: 1h, timezone: Europe/Bärlin}]",
			want: `3:65: maintenance[0].timezone: wants a time zone such as Europe/Berlin or UTC, not "Europe/Bärlin"`,
		},
		{
			name: "the local time zone",
			old:  "mode: observe",
			new:  "mode: observe\nmaintenance: [{pools: [www], cron: \"@daily\", for: 1h, timezone: Local}]",
			want: `3:65: maintenance[0].timezone: wants a time zone such as Europe/Berlin or UTC, not "Local"`,
		},
		{
			name: "a window that is too short",
			old:  "mode: observe",
			new:  "mode: observe\nmaintenance: [{pools: [www], cron: \"@daily\", for: 1s}]",
			want: `3:51: maintenance[0].for: wants a duration of at least 1m, not "1s"`,
		},
	} {
		m.run(t)
	}
}
