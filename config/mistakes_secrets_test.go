package config

import "testing"

func TestReportsMistakesOfVariables(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "an unset variable",
			old:  "eu-central-1",
			new:  "${REGION}",
			want: "1:9: region: the environment variable REGION is not set; set it, or write the value here",
		},
		{
			name: "an unset variable in brackets",
			old:  "mode: observe",
			new:  "mode: observe\nreferences: [\"${REF}\"]",
			want: "3:14: references[0]: the environment variable REF is not set; set it, or write the value here",
		},
		{
			name: "a dollar",
			old:  "eu-central-1",
			new:  "$REGION",
			want: "1:9: region: holds a $ that begins no ${NAME}; write ${NAME} for an environment variable, $$ for a dollar",
		},
		{
			name: "a variable without an end",
			old:  "eu-central-1",
			new:  "${REGION",
			want: "1:9: region: holds a $ that begins no ${NAME}; write ${NAME} for an environment variable, $$ for a dollar",
		},
		{
			name: "a variable that begins with a digit",
			old:  "eu-central-1",
			new:  "${1A}",
			want: "1:9: region: holds a $ that begins no ${NAME}; write ${NAME} for an environment variable, $$ for a dollar",
		},
		{
			name: "a variable with a bad value",
			old:  "kind: http",
			new:  `{kind: "${HIDDEN}"}`,
			want: `8:16: pools[0].checks[0].kind: unknown kind "${HIDDEN}"; write ` + kindList(),
		},
		{
			name: "a variable with a bad duration",
			old:  "kind: http",
			new:  `{kind: http, interval: "${HIDDEN}"}`,
			want: `8:32: pools[0].checks[0].interval: wants a duration such as 5s, not "${HIDDEN}"; units are ms, s, m, h and d`,
		},
		{
			name: "a variable with a bad number",
			old:  "kind: http",
			new:  `{kind: http, port: "${HIDDEN}"}`,
			want: `8:28: pools[0].checks[0].port: wants a whole number from 1 to 65535, not "${HIDDEN}"`,
		},
		{
			name: "a variable with a bad cron expression",
			old:  "mode: observe",
			new:  "mode: observe\nretention: {cron: \"${HIDDEN}\"}",
			want: `3:19: retention.cron: bad cron expression "${HIDDEN}"; write minute, hour, day, month and weekday, such as "0 3 * * SUN"`,
		},
		{
			name: "a variable with a bad name of a pool",
			old:  "mode: observe",
			new:  "mode: observe\nmaintenance: [{pools: [\"${HIDDEN}\"], cron: \"@daily\", for: 1h}]",
			want: `3:24: maintenance[0].pools[0]: there is no pool "${HIDDEN}"; write the name of a pool, or all`,
		},
		{
			name: "a variable with a bad URL",
			old:  "mode: observe",
			new:  "mode: observe\nweb: {url: \"${HIDDEN}\"}",
			want: "3:12: web.url: wants a URL that begins with https:// or http://",
		},
		{
			name: "a name from a variable is not proposed",
			new:  "region: eu-central-1\nmode: act\nmaintenance: [{pools: [sesam], cron: \"@daily\", for: 1h}]\npools:\n  - {name: \"${HIDDEN}\", record: a.b.c, zone: b.c, checks: [{kind: tls}]}",
			want: `3:24: maintenance[0].pools[0]: there is no pool "sesam"; write the name of a pool, or all`,
		},
		{
			name: "two names from a variable",
			new:  "region: eu-central-1\nmode: act\npools:\n  - {name: \"${HIDDEN}\", record: a.b.c, zone: b.c, checks: [{kind: tls}]}\n  - {name: \"${HIDDEN}\", record: x.b.c, zone: b.c, checks: [{kind: tls}]}",
			want: `5:12: pools[1].name: two pools have the name "${HIDDEN}", the first at 4:12; write another`,
		},
		{
			name: "an empty variable as a secret",
			old:  "mode: observe",
			new:  "mode: observe\nweb: {password: \"${EMPTY}\"}",
			want: "3:17: web.password: the environment variable is set but empty; set it, or remove the key",
		},
	} {
		m.run(t)
	}
}

func TestReportsMistakesOfSecrets(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "a secret that is no text",
			old:  "mode: observe",
			new:  "mode: observe\nweb: {password: 12345}",
			want: "3:17: web.password: wants text; put it in quotes",
		},
		{
			name: "a secret with a dollar",
			old:  "mode: observe",
			new:  "mode: observe\nweb: {password: geh$im}",
			want: "3:17: web.password: holds a $ that begins no ${NAME}; write ${NAME} for an environment variable, $$ for a dollar",
		},
		{
			name: "a secret twice",
			old:  "mode: observe",
			new:  "mode: observe\nweb: {password: a, password_file: b}",
			want: "3:35: web.password_file: password and password_file are both given; keep one of them",
		},
		{
			name: "a secret's file is missing",
			old:  "mode: observe",
			new:  "mode: observe\nweb: {password_file: /nonexistent/password}",
			want: `3:22: web.password_file: "/nonexistent/password" does not exist; write the secret to that file, or correct the path`,
		},
		{
			name: "a secret's file is a device",
			old:  "mode: observe",
			new:  "mode: observe\nweb: {password_file: /dev/null}",
			want: `3:22: web.password_file: "/dev/null" is no file of at most 64 KiB; name the file that holds the secret`,
		},
		{
			name: "a secret's file from a variable",
			old:  "mode: observe",
			new:  "mode: observe\nweb: {password_file: \"/nonexistent/${HIDDEN}\"}",
			want: `3:22: web.password_file: "/nonexistent/${HIDDEN}" does not exist; write the secret to that file, or correct the path`,
		},
		{
			name: "a header that is no text",
			old:  "kind: http",
			new:  "{kind: http, headers: {x-a: 77}}",
			want: "8:37: pools[0].checks[0].headers.x-a: wants text; put it in quotes",
		},
		{
			name: "a header with a line break",
			old:  "kind: http",
			new:  `{kind: http, headers: {x-a: "geheim\nx"}}`,
			want: "8:37: pools[0].checks[0].headers.x-a: holds a line break or another control character; remove it",
		},
	} {
		m.run(t)
	}
}

func TestReportsMistakesOfSlackAndURLs(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "token and webhook",
			old:  "mode: observe",
			new:  "mode: observe\nslack: {token: a, channel: c, webhook: \"https://x\"}",
			want: "3:8: slack: token and webhook are both given; keep one of them",
		},
		{
			name: "neither token nor webhook",
			old:  "mode: observe",
			new:  "mode: observe\nslack: {channel: c}",
			want: "3:8: slack: has neither a token nor a webhook; write one of them, or remove the section",
		},
		{
			name: "a token without a channel",
			old:  "mode: observe",
			new:  "mode: observe\nslack: {token: a}",
			want: "3:8: slack.channel: is missing; write the channel that the token posts to, such as channel: alerts",
		},
		{
			name: "a webhook with a channel",
			old:  "mode: observe",
			new:  "mode: observe\nslack: {webhook: \"https://x\", channel: c}",
			want: "3:31: slack.channel: does not apply to a webhook; remove it: a webhook has its own channel",
		},
		{
			name: "a webhook that is no URL",
			old:  "mode: observe",
			new:  "mode: observe\nslack: {webhook: geheim}",
			want: "3:18: slack.webhook: wants a URL that begins with https:// or http://; copy the whole URL",
		},
		{
			name: "a URL with a password",
			old:  "mode: observe",
			new:  "mode: observe\naws: {endpoint_url: \"http://a:geheim@b\"}",
			want: "3:21: aws.endpoint_url: holds a user or a password; remove what stands before the @",
		},
		{
			name: "a URL with a query",
			old:  "mode: observe",
			new:  "mode: observe\nweb: {url: \"http://a?geheim\"}",
			want: "3:12: web.url: holds a query; remove what stands after the ? or #",
		},
	} {
		m.run(t)
	}
}
