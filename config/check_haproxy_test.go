package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkOf reads the smallest file with this check instead of its own.
func checkOf(t *testing.T, check string, env func(string) (string, bool)) Check {
	t.Helper()
	return mustParse(t, strings.Replace(smallest, "kind: http", check, 1), env).Pools[0].Checks[0]
}

func TestReadsAHAProxyCheck(t *testing.T) {
	reveal := cmp.Transformer("reveal", Secret.Reveal)
	c := checkOf(t, "{kind: haproxy, port: 8404}", noEnv)
	if diff := cmp.Diff(&HAProxy{Path: "/;csv", Servers: 1, Backups: true}, c.HAProxy, reveal); diff != "" {
		t.Error(diff)
	}
	if c.Name != "haproxy" || c.Port != 8404 || c.Host != "www.example.com" || !c.Tripwire {
		t.Errorf("got %+v", c)
	}
	c = checkOf(t, `{kind: haproxy, port: 8405, host: lb.example.com, tls: true, path: /metrics, backend: "a_b.c:d-e",
         servers: 3, backups: false, headers: {x-token: "${PW}"}, basic_auth: {user: ops, password: "${PW}"}}`, envOf(map[string]string{"PW": "geheim"}))
	want := &HAProxy{
		Path: "/metrics", Headers: map[string]Secret{"X-Token": "geheim"}, BasicAuth: &BasicAuth{User: "ops", Password: "geheim"},
		Backend: "a_b.c:d-e", Servers: 3,
	}
	if diff := cmp.Diff(want, c.HAProxy, reveal); diff != "" {
		t.Error(diff)
	}
	if c.Host != "lb.example.com" || c.TLS == nil {
		t.Errorf("got %+v", c)
	}
	if text := fmt.Sprintf("%+v %+v", c, *c.HAProxy.BasicAuth); strings.Contains(text, "geheim") {
		t.Errorf("the password is printed: %s", text)
	}
}

func TestReportsMistakesOfAHAProxyCheck(t *testing.T) {
	const at = "pools[0].checks[0]."
	for _, m := range []mistake{
		{
			name: "no port", old: "kind: http", new: "{kind: haproxy}",
			want: "8:9: " + at + "port: is missing; write the port of a haproxy check, such as port: 443",
		},
		{
			name: "bad values", old: "kind: http", new: "{kind: haproxy, port: 1, tls: 1, backend: a b, servers: 0, backups: never}",
			want: "8:39: " + at + "tls: wants true or false, not 1\n" +
				`8:51: ` + at + `backend: wants the name of a backend in HAProxy, such as app, not "a b"` + "\n" +
				"8:65: " + at + "servers: wants a whole number from 1 to 10000, not 0\n" +
				`8:77: ` + at + `backups: wants true or false, not "never"`,
		},
		{
			name: "TLS without TLS", old: "kind: http", new: "{kind: haproxy, port: 1, warn_days: 3}",
			want: "8:34: " + at + "warn_days: does not apply to a haproxy check without TLS; remove it, or write tls: true",
		},
		{
			name: "the page for people", old: "kind: http", new: "{kind: haproxy, port: 1, path: /haproxy?stats}",
			want: "8:40: " + at + "path: is the page for people; write /haproxy?stats;csv",
		},
		{
			name: "a user alone", old: "kind: http", new: "{kind: haproxy, port: 1, basic_auth: {user: ops}}",
			want: "8:46: " + at + "basic_auth.password: is missing; write password or password_file",
		},
		{
			name: "a password alone", old: "kind: http", new: "{kind: haproxy, port: 1, basic_auth: {password: geheim}}",
			want: "8:46: " + at + "basic_auth.user: is missing; write the user's name",
		},
		{
			name: "a user with a colon", old: "kind: http", new: `{kind: haproxy, port: 1, basic_auth: {user: "a:b", password: c, realm: d}}`,
			want: "8:53: " + at + "basic_auth.user: holds a colon or a control character; remove it: no user's name has one" + "\n" +
				"8:73: " + at + "basic_auth.realm: unknown key; the keys here are user, password_file, password",
		},
		{
			name: "an empty password", old: "kind: http", new: `{kind: haproxy, port: 1, basic_auth: {user: a, password: "${EMPTY}"}}`,
			want: "8:66: " + at + "basic_auth.password: the environment variable is set but empty; set it, or remove the key",
		},
		{
			name: "no mapping", old: "kind: http", new: `{kind: haproxy, port: 1, basic_auth: "a:b"}`,
			want: "8:46: " + at + `basic_auth: wants keys and their values, such as name: www, not "a:b"`,
		},
		{
			name: "two authorizations", old: "kind: http",
			new:  `{kind: haproxy, port: 1, headers: {authorization: x}, basic_auth: {user: a, password: b}}`,
			want: "8:75: " + at + "basic_auth: the headers have an Authorization already; keep one of the two",
		},
		{
			name: "a key of other kinds", old: "kind: http", new: "{kind: haproxy, port: 1, body: ok}",
			want: "8:34: " + at + "body: does not apply to a haproxy check; remove it, or write kind: " + owners("body"),
		},
	} {
		m.run(t)
	}
}
