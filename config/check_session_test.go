package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadsASessionCheck(t *testing.T) {
	reveal := cmp.Transformer("reveal", Secret.Reveal)
	c := checkOf(t, "{kind: session, port: 80, cookie: SRV, backend_header: X-Backend}", noEnv)
	want := &Session{Path: "/", Status: []StatusRange{{200, 399}}, Cookie: "SRV", BackendHeader: "X-Backend"}
	if c.Name != "session" || c.Port != 80 || c.Host != "www.example.com" {
		t.Errorf("got %+v", c)
	}
	if diff := cmp.Diff(want, c.Session, reveal); diff != "" {
		t.Error(diff)
	}
	c = checkOf(t, `{kind: session, port: 443, tls: true, host: a.example.com, path: "/cart?a=b", headers: {x-a: "${PW}"}, status: [200],
         cookie: JSESSIONID, backend_body: 'by ([\w-]+)', interval: 1m}`, envOf(map[string]string{"PW": "geheim"}))
	want = &Session{
		Path: "/cart?a=b", Headers: map[string]Secret{"X-A": "geheim"}, Status: []StatusRange{{200, 200}},
		Cookie: "JSESSIONID", BackendBody: `by ([\w-]+)`,
	}
	if diff := cmp.Diff(want, c.Session, reveal); diff != "" {
		t.Error(diff)
	}
	if c.TLS == nil {
		t.Error("no TLS")
	}
	if c = checkOf(t, "{kind: session, port: 1, cookie: a, backend_cookie: b}", noEnv); c.Session.BackendCookie != "b" {
		t.Errorf("got %+v", c.Session)
	}
}

func TestReportsMistakesOfASessionCheck(t *testing.T) {
	const at = "pools[0].checks[0]"
	for _, m := range []mistake{
		{
			name: "nothing that is needed", old: "kind: http", new: "{kind: session}",
			want: "8:9: " + at + ": does not say what names the backend; write backend_header, backend_cookie or backend_body\n" +
				"8:9: " + at + ".cookie: is missing; write the cookie that carries the session, such as cookie: SRV\n" +
				"8:9: " + at + ".port: is missing; write the port of a session check, such as port: 443",
		},
		{
			name: "two names of the backend", old: "kind: http",
			new: "{kind: session, port: 1, cookie: a, backend_header: b, backend_body: (c)}",
			want: "8:78: " + at + ".backend_body: another key names the backend already; " +
				"keep one of backend_header, backend_cookie and backend_body",
		},
		{
			name: "bad names", old: "kind: http", new: `{kind: session, port: 1, cookie: "a b", backend_header: "X:"}`,
			want: "8:42: " + at + `.cookie: wants the name of a cookie, such as SRV, not "a b"` + "\n" +
				"8:65: " + at + `.backend_header: wants the name of a header, such as X-Backend, not "X:"`,
		},
		{
			name: "no group", old: "kind: http", new: `{kind: session, port: 1, cookie: a, backend_body: served by}`,
			want: "8:59: " + at + `.backend_body: wants a regular expression with one group, not "served by"; write one such as 'served by (\w+)'; (?:…) groups without being one`,
		},
		{
			name: "two groups", old: "kind: http", new: `{kind: session, port: 1, cookie: a, backend_body: "(a)(b)"}`,
			want: "8:59: " + at + `.backend_body: wants a regular expression with one group, not "(a)(b)"; write one such as 'served by (\w+)'; (?:…) groups without being one`,
		},
		{
			name: "no expression", old: "kind: http", new: `{kind: session, port: 1, cookie: a, backend_body: "(a"}`,
			want: "8:59: " + at + `.backend_body: wants a regular expression, not "(a"; its syntax is that of RE2; put it in single quotes, so that a backslash is one`,
		},
		{
			name: "a key of other kinds", old: "kind: http", new: "{kind: session, port: 1, cookie: a, backend_cookie: a, servers: 2}",
			want: "8:64: " + at + ".servers: does not apply to a session check; remove it, or write kind: " + owners("servers"),
		},
	} {
		m.run(t)
	}
}
