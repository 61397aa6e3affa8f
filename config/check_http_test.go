package config

import (
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// checkOf reads the one check of a file.
func httpCheck(t *testing.T, check string, vars map[string]string) Check {
	t.Helper()
	text := strings.Replace(smallest, "- kind: http", "- "+check, 1)
	return mustParse(t, text, envOf(vars)).Pools[0].Checks[0]
}

func TestReadsEveryKeyOfAnHTTPCheck(t *testing.T) {
	c := httpCheck(t, `{kind: http, version: auto, send: '{"password": "${PW}"}', headers: {content-type: application/json},
          basic_auth: {user: probe, password: "${PW}"}, follow: 3, max_body: 64KiB, expect_headers: {x-version: '^2\.'},
          body_regexp: '(?i)^ok$$', json: {status: ok, checks.db.up: true, items.0.n: 3, f: -1.50, t: "3", e: "${PW}"},
          excused: {header: x-maintenance, value: "yes", status: [503, 520-529], for: 2d}, min_tls: 1.3, warn_days: 0}`,
		map[string]string{"PW": "ge\"heim"})
	want := &HTTP{
		Path: "/", Method: "POST", Version: HTTPAuto, Headers: map[string]Secret{"Content-Type": "application/json"},
		BasicAuth: &BasicAuth{User: "probe", Password: `ge"heim`}, Send: `{"password": "ge"heim"}`, Follow: 3,
		Status: []StatusRange{{200, 399}}, ExpectHeaders: map[string]*regexp.Regexp{"X-Version": regexp.MustCompile(`^2\.`)},
		BodyRegexp: regexp.MustCompile(`(?i)^ok$`), MaxBody: 64 << 10,
		JSON: map[string]string{"status": `"ok"`, "checks.db.up": "true", "items.0.n": "3", "f": "-1.50", "t": `"3"`, "e": `"ge\"heim"`},
	}
	sameRegexp := cmp.Comparer(func(a, b *regexp.Regexp) bool { return a == b || a != nil && b != nil && a.String() == b.String() })
	if diff := cmp.Diff(want, c.HTTP, cmpopts.EquateEmpty(), sameRegexp, cmp.Transformer("reveal", Secret.Reveal)); diff != "" {
		t.Error(diff)
	}
	excuse := &Excused{Header: "X-Maintenance", Value: "yes", Status: []StatusRange{{503, 503}, {520, 529}}, For: 48 * time.Hour}
	if diff := cmp.Diff(excuse, c.Excused); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&TLS{Min: TLS13}, c.TLS); diff != "" {
		t.Error(diff)
	}
}

func TestLeavesOutWhatAnHTTPCheckDoesNotSay(t *testing.T) {
	c := httpCheck(t, "{kind: https, excused: {header: X-A}, version: 2}", nil)
	if diff := cmp.Diff(&Excused{Header: "X-A", Status: []StatusRange{{503, 503}}, For: 4 * time.Hour}, c.Excused); diff != "" {
		t.Error(diff)
	}
	if c.HTTP.Method != "GET" || c.HTTP.Version != HTTP2 || c.TLS == nil {
		t.Errorf("got %+v", c.HTTP)
	}
	if c := httpCheck(t, "{kind: http}", nil); c.TLS != nil || c.Excused != nil {
		t.Errorf("an http check has TLS %v, and excuses %v", c.TLS, c.Excused)
	}
}

func TestReportsMistakesOfHTTPRequests(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "an unknown version", old: "kind: http", new: "{kind: http, version: 3}",
			want: "8:31: pools[0].checks[0].version: wants 1.1, 2 or auto, not 3",
		},
		{
			name: "a body that is sent by GET", old: "kind: http", new: "{kind: http, method: GET, send: geheim}",
			want: "8:41: pools[0].checks[0].send: GET sends no body; remove it, or write method: POST",
		},
		{
			name: "a body that is no text", old: "kind: http", new: "{kind: http, send: {geheim: 1}}",
			want: "8:28: pools[0].checks[0].send: wants text; put it in quotes",
		},
		{
			name: "a body that is too long", old: "kind: http", new: "{kind: http, send: " + strings.Repeat("x", 64<<10+1) + "}",
			want: "8:28: pools[0].checks[0].send: is longer than 64 KiB; shorten it",
		},
		{
			name: "a user without a password", old: "kind: http", new: "{kind: http, basic_auth: {user: a}}",
			want: "8:34: pools[0].checks[0].basic_auth.password: is missing; write password or password_file",
		},
		{
			name: "a password without a user", old: "kind: http", new: "{kind: http, basic_auth: {password: geheim}}",
			want: "8:34: pools[0].checks[0].basic_auth.user: is missing; write the user's name",
		},
		{
			name: "a user with a colon", old: "kind: http", new: `{kind: http, basic_auth: {user: "a:geheim", password: b}}`,
			want: "8:41: pools[0].checks[0].basic_auth.user: holds a colon or a control character; remove it: no user's name has one",
		},
		{
			name: "a user that is no mapping", old: "kind: http", new: `{kind: http, basic_auth: "a:b"}`,
			want: `8:34: pools[0].checks[0].basic_auth: wants keys and their values, such as name: www, not "a:b"`,
		},
		{
			name: "two authorizations", old: "kind: http", new: "{kind: http, basic_auth: {user: a, password: b}, headers: {authorization: c}}",
			want: "8:34: pools[0].checks[0].basic_auth: the headers have an Authorization already; keep one of the two",
		},
		{
			name: "too many redirects", old: "kind: http", new: "{kind: http, follow: 11}",
			want: "8:30: pools[0].checks[0].follow: wants a whole number from 0 to 10, not 11",
		},
		{
			name: "keys of TLS without TLS", old: "kind: http", new: "{kind: http, warn_days: 3}",
			want: "8:22: pools[0].checks[0].warn_days: does not apply to an http check that follows no redirects; remove it, or write kind: https",
		},
	} {
		m.run(t)
	}
}

func TestReportsMistakesOfHTTPExpectations(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "a bad regexp", old: "kind: http", new: `{kind: http, body_regexp: "a("}`,
			want: `8:35: pools[0].checks[0].body_regexp: wants a regular expression, not "a("; it has: missing closing )`,
		},
		{
			name: "a bad regexp in a variable", old: "kind: http", new: `{kind: http, body_regexp: "(${HIDDEN}"}`,
			want: `8:35: pools[0].checks[0].body_regexp: wants a regular expression, not "(${HIDDEN}"; it has: missing closing )`,
		},
		{
			name: "a bad regexp of a header", old: "kind: http", new: `{kind: http, expect_headers: {x-a: "["}}`,
			want: `8:44: pools[0].checks[0].expect_headers.x-a: wants a regular expression, not "["; it has: missing closing ]`,
		},
		{
			name: "no name of a header", old: "kind: http", new: `{kind: http, expect_headers: {"x a": b}}`,
			want: `8:46: pools[0].checks[0].expect_headers["x a"]: is no name of a header; write one such as X-Probe`,
		},
		{
			name: "a header twice", old: "kind: http", new: `{kind: http, expect_headers: {x-a: b, X-A: c}}`,
			want: `8:38: pools[0].checks[0].expect_headers: names a header twice; keep one of the two: capitals make no difference`,
		},
		{
			name: "an object in JSON", old: "kind: http", new: `{kind: http, json: {checks: {db: true}}}`,
			want: "8:37: pools[0].checks[0].json.checks: wants text, a number, true or false, not a mapping; write the path down to one, such as checks.db.up",
		},
		{
			name: "a number that JSON does not have", old: "kind: http", new: `{kind: http, json: {n: 0x1F}}`,
			want: "8:32: pools[0].checks[0].json.n: wants a value as JSON writes it, not 0x1F; put it in quotes if it is text",
		},
		{
			name: "no path", old: "kind: http", new: `{kind: http, json: {"": ok}}`,
			want: `8:33: pools[0].checks[0].json[""]: has no path; write the path of a value, such as checks.db.up`,
		},
		{
			name: "a size without a unit", old: "kind: http", new: `{kind: http, max_body: 64}`,
			want: "8:32: pools[0].checks[0].max_body: wants a size such as 64KiB, not 64; write the unit, as in 64KiB",
		},
		{
			name: "a size of another unit", old: "kind: http", new: `{kind: http, max_body: 64kB}`,
			want: `8:32: pools[0].checks[0].max_body: wants a size such as 64KiB, not "64kB"; units are B, KiB and MiB`,
		},
		{
			name: "a size of nothing", old: "kind: http", new: `{kind: http, max_body: 0B}`,
			want: `8:32: pools[0].checks[0].max_body: wants a size of at least 1B, not "0B"`,
		},
		{
			name: "a size beyond memory", old: "kind: http", new: `{kind: http, max_body: 17MiB}`,
			want: `8:32: pools[0].checks[0].max_body: wants a size of at most 16MiB, not "17MiB"`,
		},
		{
			name: "a body of HEAD", old: "kind: http", new: `{kind: http, method: HEAD, json: {a: b}, max_body: 1KiB}`,
			want: "8:42: pools[0].checks[0].json: an answer to HEAD has no body; remove it, or write method: GET\n" +
				"8:60: pools[0].checks[0].max_body: an answer to HEAD has no body; remove it, or write method: GET",
		},
		{
			name: "an excuse without a header", old: "kind: http", new: `{kind: http, excused: {for: 1h}}`,
			want: "8:31: pools[0].checks[0].excused.header: is missing; write the header by which the site says so, such as header: X-Maintenance",
		},
		{
			name: "an excuse with nonsense", old: "kind: http", new: `{kind: http, excused: {header: "a b", status: [99], for: 1s, until: x}}`,
			want: `8:40: pools[0].checks[0].excused.header: wants the name of a header such as X-Maintenance, not "a b"` + "\n" +
				"8:56: pools[0].checks[0].excused.status[0]: wants a status code or a range within 100 to 599, such as 200 or 200-399, not 99\n" +
				`8:66: pools[0].checks[0].excused.for: wants a duration of at least 1m, not "1s"` + "\n" +
				"8:70: pools[0].checks[0].excused.until: unknown key; the keys here are header, value, status, for",
		},
	} {
		m.run(t)
	}
}

func TestWhatIsSentIsNeverShown(t *testing.T) {
	_, err := Parse("x", []byte(strings.Replace(smallest, "kind: http",
		`{kind: http, send: "sesame", basic_auth: {user: a, password: sesame}, headers: {a: sesame}, body_regexp: "${PW}", json: {a: "${PW}"}, port: x}`, 1)),
		envOf(map[string]string{"PW": "sesame("}))
	if err == nil || strings.Contains(err.Error(), "sesame") {
		t.Errorf("got %v", err)
	}
}

func FuzzASizeIsRead(f *testing.F) {
	for _, s := range []string{"1B", "64KiB", "16MiB", "9223372036854775807B", "9007199254740992KiB", "8796093022208MiB", "-1B", "+1B", "1", "KiB", "1 KiB", "1kiB", "0x1B", "1.5MiB"} {
		f.Add(s)
	}
	units := map[string]int64{"MiB": 1 << 20, "KiB": 1 << 10, "B": 1}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseSize(s)
		parts := regexp.MustCompile(`^([0-9]+)(MiB|KiB|B)$`).FindStringSubmatch(s)
		if parts == nil {
			if ok {
				t.Errorf("%q is read as %d", s, got)
			}
			return
		}
		want, _ := new(big.Int).SetString(parts[1], 10)
		want.Mul(want, big.NewInt(units[parts[2]]))
		if ok != want.IsInt64() || ok && got != want.Int64() {
			t.Errorf("%q is read as %d, %v; want %s", s, got, ok, want)
		}
		if ok && got > 0 {
			if again, ok := parseSize(shortSize(got)); !ok || again != got {
				t.Errorf("%d is shown as %s", got, shortSize(got))
			}
		}
	})
}
