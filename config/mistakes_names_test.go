package config

import "testing"

func TestReportsMistakesOfAddresses(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "a bad port",
			old:  "kind: http",
			new:  "{kind: http, port: 65536}",
			want: "8:28: pools[0].checks[0].port: wants a whole number from 1 to 65535, not 65536",
		},
		{
			name: "a bad listen address",
			old:  "mode: observe",
			new:  "mode: observe\nweb: {listen: \"8080\"}",
			want: `3:15: web.listen: wants a host and a port such as 127.0.0.1:8080, not "8080"`,
		},
		{
			name: "a bad listen port",
			old:  "mode: observe",
			new:  "mode: observe\nweb: {listen: \"127.0.0.1:99999\"}",
			want: `3:15: web.listen: wants a host and a port such as 127.0.0.1:8080, not "127.0.0.1:99999"`,
		},
		{
			name: "a bad reference",
			old:  "mode: observe",
			new:  "mode: observe\nreferences: [1.1.1.1, \"example.com:443\"]",
			want: "3:14: references[0]: wants an IP address and a port such as 192.0.2.1:443, not \"1.1.1.1\"\n" +
				`3:23: references[1]: wants an IP address and a port such as 192.0.2.1:443, not "example.com:443"`,
		},
		{
			name: "a reference without a port",
			old:  "mode: observe",
			new:  "mode: observe\nreferences: [\"1.1.1.1:0\"]",
			want: `3:14: references[0]: wants an IP address and a port such as 192.0.2.1:443, not "1.1.1.1:0"`,
		},
		{
			name: "a bad name server",
			old:  "    checks",
			new:  "    name_servers: [192.0.2.53]\n    checks",
			want: `7:20: pools[0].name_servers[0]: wants an IP address and a port such as 192.0.2.1:443, not "192.0.2.53"`,
		},
		{
			name: "a bad region",
			old:  "eu-central-1",
			new:  "eu-central",
			want: `1:9: region: wants an AWS region such as eu-central-1, not "eu-central"`,
		},
		{
			name: "a long value is cut",
			old:  "eu-central-1",
			new:  "eu-central-1-eu-central-1-eu-central-1-eu-central-1-eu-central-1-eu-central-1",
			want: `1:9: region: wants an AWS region such as eu-central-1, not "eu-central-1-eu-central-1-eu-central-1-eu-central-1-eu-centr…"`,
		},
		{
			name: "a bad pool name",
			old:  "name: www",
			new:  "name: WWW!",
			want: `4:11: pools[0].name: wants a name of at most 63 lower-case letters, digits and hyphens, not "WWW!"`,
		},
		{
			name: "a pool called all",
			old:  "name: www",
			new:  "name: all",
			want: "4:11: pools[0].name: a pool cannot be called all; write another name: all stands for every pool in maintenance",
		},
		{
			name: "a bad record",
			old:  "record: www.example.com",
			new:  "record: www",
			want: `5:13: pools[0].record: wants a DNS name such as www.example.com, not "www"`,
		},
		{
			name: "a bad zone",
			old:  "zone: example.com",
			new:  "zone: example",
			want: `6:11: pools[0].zone: wants a zone such as example.com, or its id such as Z0123456789ABCDEFGHIJ, not "example"`,
		},
		{
			name: "a record outside of the zone",
			old:  "record: www.example.com",
			new:  "record: www.example.org",
			want: `5:13: pools[0].record: "www.example.org" does not lie in the zone "example.com"; correct one of them`,
		},
		{
			name: "a record that only ends like the zone",
			old:  "record: www.example.com",
			new:  "record: www-example.com",
			want: `5:13: pools[0].record: "www-example.com" does not lie in the zone "example.com"; correct one of them`,
		},
	} {
		m.run(t)
	}
}

func TestReportsWhatIsThereTwice(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "two pools with one name",
			new:  "region: eu-central-1\nmode: act\npools:\n  - {name: a, record: a.b.c, zone: b.c, checks: [{kind: tls}]}\n  - {name: a, record: x.b.c, zone: b.c, checks: [{kind: tls}]}",
			want: `5:12: pools[1].name: two pools have the name "a", the first at 4:12; write another`,
		},
		{
			name: "two pools with one record",
			new:  "region: eu-central-1\nmode: act\npools:\n  - {name: a, record: a.b.c, zone: b.c, checks: [{kind: tls}]}\n  - {name: b, record: A.b.c., zone: b.c, checks: [{kind: tls}]}",
			want: `5:23: pools[1].record: two pools have the record "A.b.c.", the first at 4:23; write another`,
		},
		{
			name: "two checks with one name",
			old:  "- kind: http",
			new:  "- {kind: http, name: x}\n      - {kind: tls, name: x}",
			want: `9:27: pools[0].checks[1].name: two checks of this pool have the name "x", the first at 8:28; write another`,
		},
	} {
		m.run(t)
	}
}

func TestReportsMistakesOfInstancesAndRequests(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "a bad instance id",
			old:  "    checks",
			new:  "    instances: {ids: [i-1]}\n    checks",
			want: `7:23: pools[0].instances.ids[0]: wants an instance id such as i-0123456789abcdef0, not "i-1"`,
		},
		{
			name: "a bad tag",
			old:  "    checks",
			new:  "    instances: {tags: {a: 1}}\n    checks",
			want: "7:27: pools[0].instances.tags.a: wants text, not 1; put it in quotes",
		},
		{
			name: "a bad address",
			old:  "    checks",
			new:  "    instances: {address: outside}\n    checks",
			want: `7:26: pools[0].instances.address: unknown address "outside"; write auto, public or private`,
		},
		{
			name: "a bad path",
			old:  "kind: http",
			new:  "{kind: http, path: healthz}",
			want: `8:28: pools[0].checks[0].path: wants a path such as /healthz, not "healthz"`,
		},
		{
			name: "a bad method",
			old:  "kind: http",
			new:  "{kind: http, method: get}",
			want: `8:30: pools[0].checks[0].method: unknown method "get"; did you mean GET?`,
		},
		{
			name: "a bad status",
			old:  "kind: http",
			new:  "{kind: http, status: [99, 300-200, ok]}",
			want: "8:31: pools[0].checks[0].status[0]: wants a status code or a range within 100 to 599, such as 200 or 200-399, not 99\n" +
				"8:35: pools[0].checks[0].status[1]: wants a status code or a range within 100 to 599, such as 200 or 200-399, not \"300-200\"\n" +
				`8:44: pools[0].checks[0].status[2]: wants a status code or a range within 100 to 599, such as 200 or 200-399, not "ok"`,
		},
		{
			name: "a body for HEAD",
			old:  "kind: http",
			new:  "{kind: http, method: HEAD, body: x}",
			want: "8:42: pools[0].checks[0].body: an answer to HEAD has no body; remove it, or write method: GET",
		},
		{
			name: "a bad header name",
			old:  "kind: http",
			new:  `{kind: http, headers: {"a b": x}}`,
			want: `8:39: pools[0].checks[0].headers["a b"]: is no name of a header; write one such as X-Probe`,
		},
		{
			name: "a host header",
			old:  "kind: http",
			new:  "{kind: http, headers: {host: x}}",
			want: "8:38: pools[0].checks[0].headers.host: Host is not set here; write the key host of the check",
		},
		{
			name: "a header twice",
			old:  "kind: http",
			new:  `{kind: http, headers: {x-a: "1", X-A: "2"}}`,
			want: "8:31: pools[0].checks[0].headers: names a header twice; keep one of the two: capitals make no difference",
		},
		{
			name: "min_healthy 0",
			old:  "    checks",
			new:  "    min_healthy: 0\n    checks",
			want: "7:18: pools[0].min_healthy: wants a whole number from 1 to 100000, not 0",
		},
		{
			name: "a budget of nothing",
			old:  "mode: observe",
			new:  "mode: observe\nbudget: {per_hour: 0}",
			want: "3:20: budget.per_hour: wants a whole number from 1 to 100000, not 0",
		},
	} {
		m.run(t)
	}
}
