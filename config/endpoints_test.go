package config

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// withEndpoints is the smallest file with these endpoints.
func withEndpoints(list string) string { return smallest + "    endpoints: " + list + "\n" }

func TestFillsInTheDefaultsOfAnEndpoint(t *testing.T) {
	c := mustParse(t, withEndpoints("[{url: https://www.example.com/login}]"), noEnv)
	want := []Endpoint{{
		Name: "users", URL: "https://www.example.com/login", TLS: true, WarnDays: 14, Host: "www.example.com", Port: 443,
		HTTP:     HTTP{Path: "/login", Method: "GET", Status: []StatusRange{{200, 399}}},
		Interval: 30 * time.Second, Timeout: 5 * time.Second, Recheck: 5 * time.Second, Fall: 3, Clear: 1, Rise: 2,
	}}
	if diff := cmp.Diff(want, c.Pools[0].Endpoints, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		t.Error(diff)
	}
}

func TestReadsAnEndpointAsWritten(t *testing.T) {
	c := mustParse(t, withEndpoints(`[{url: "http://WWW.Example.com.:8080/a?token=${HIDDEN}", name: login, resolver: 192.0.2.53:53, method: POST,
      headers: {x-probe: "${HIDDEN}"}, status: [200], body: hello, interval: 10s, timeout: 4s, recheck: 1s, fall: 4, clear: 2, rise: 5}]`),
		envOf(map[string]string{"HIDDEN": "sesame"}))
	want := []Endpoint{{
		Name: "login", URL: "http://WWW.Example.com.:8080/a", Host: "www.example.com", Port: 8080, Resolver: netip.MustParseAddrPort("192.0.2.53:53"),
		HTTP:     HTTP{Path: "/a?token=sesame", Method: "POST", Headers: map[string]Secret{"X-Probe": "sesame"}, Status: []StatusRange{{200, 200}}, Body: "hello"},
		Interval: 10 * time.Second, Timeout: 4 * time.Second, Recheck: time.Second, Fall: 4, Clear: 2, Rise: 5,
	}}
	if diff := cmp.Diff(want, c.Pools[0].Endpoints, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		t.Error(diff)
	}
}

func TestTheTimesOfAnEndpointShrinkToItsInterval(t *testing.T) {
	e := mustParse(t, withEndpoints("[{url: http://www.example.com, interval: 2s}]"), noEnv).Pools[0].Endpoints[0]
	if e.Timeout != 2*time.Second || e.Recheck != 2*time.Second || e.Port != 80 || e.HTTP.Path != "/" {
		t.Errorf("got %+v", e)
	}
}

func TestEndpointsWithoutANameGetOneThatIsFree(t *testing.T) {
	text := strings.Replace(smallest, "kind: http", "{kind: http, name: users-2}", 1) +
		"    endpoints: [{url: https://a.example.com}, {url: https://b.example.com, name: users}, {url: https://c.example.com}]\n"
	var names []string
	for _, e := range mustParse(t, text, noEnv).Pools[0].Endpoints {
		names = append(names, e.Name)
	}
	if diff := cmp.Diff([]string{"users-3", "users", "users-4"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestReportsMistakesOfEndpoints(t *testing.T) {
	const url = "pools[0].endpoints[0].url: "
	with := func(list string) string { return "kind: http\n    endpoints: " + list }
	ofURL := func(name, written, want string) mistake {
		return mistake{name: name, old: "kind: http", new: with("[{url: " + written + "}]"), want: "9:23: " + url + want}
	}
	for _, m := range []mistake{
		{name: "no list", old: "kind: http", new: with("{url: x}"), want: "9:16: pools[0].endpoints: wants a list such as [{url: https://www.example.com/login}], not a mapping"},
		{name: "no url", old: "kind: http", new: with("[{name: login}]"),
			want: "9:17: " + url + "is missing; write the page that users ask for, such as url: https://www.example.com/"},
		ofURL("no scheme", "www.example.com", "wants a URL that begins with https:// or http://"),
		ofURL("another scheme", "ftp://www.example.com", "wants a URL that begins with https:// or http://"),
		ofURL("a number", "7", "wants a URL that begins with https:// or http://"),
		ofURL("an address", "https://203.0.113.1/", "wants a URL with a name such as www.example.com in it, for its addresses are looked up"),
		ofURL("an IPv6 address", `"https://[2001:db8::1]/"`, "wants a URL with a name such as www.example.com in it, for its addresses are looked up"),
		ofURL("one label", "https://www/", "wants a URL with a name such as www.example.com in it, for its addresses are looked up"),
		ofURL("a password", `"https://me:${HIDDEN}@www.example.com/"`, "holds a user or a password; remove what stands before the @, and write it as a header"),
		ofURL("a fragment", `"https://www.example.com/#a"`, "holds a part after #, which browsers do not send; remove it"),
		ofURL("a bad port", "https://www.example.com:70000/", "wants a port from 1 to 65535 in the URL, or none"),
		ofURL("port 0", "https://www.example.com:0/", "wants a port from 1 to 65535 in the URL, or none"),
		ofURL("a port that is left out", `"https://www.example.com:"`, "wants a port from 1 to 65535 in the URL, or none"),
		ofURL("a space", "https://www.example.com/a b", "holds a space; write %20 instead"),
		ofURL("a hidden mistake", `"${HIDDEN}"`, "wants a URL that begins with https:// or http://"),
		{name: "the name of a check", old: "kind: http", new: with("[{url: https://www.example.com/, name: http}]"),
			want: `9:55: pools[0].endpoints[0].name: a check of this pool has the name "http"; write another`},
		{name: "a name twice", old: "kind: http", new: with("[{url: https://a.example.com, name: x}, {url: https://b.example.com, name: x}]"),
			want: `9:91: pools[0].endpoints[1].name: two endpoints of this pool have the name "x", the first at 9:52; write another`},
		{name: "a bad resolver", old: "kind: http", new: with("[{url: https://www.example.com/, resolver: 192.0.2.53}]"),
			want: `9:59: pools[0].endpoints[0].resolver: wants an IP address and a port such as 192.0.2.1:443, not "192.0.2.53"`},
		{name: "a body of HEAD", old: "kind: http", new: with("[{url: https://www.example.com/, method: HEAD, body: x}]"),
			want: "9:69: pools[0].endpoints[0].body: an answer to HEAD has no body; remove it, or write method: GET"},
		{name: "a long time-out", old: "kind: http", new: with("[{url: https://www.example.com/, interval: 2s, timeout: 3s, recheck: 4s}]"),
			want: "9:72: pools[0].endpoints[0].timeout: is longer than the interval of 2s; shorten it, or write a longer interval\n" +
				"9:85: pools[0].endpoints[0].recheck: is longer than the interval of 2s; shorten it, or write a longer interval"},
		{name: "a key of a check", old: "kind: http", new: with("[{url: https://www.example.com/, port: 443}]"),
			want: "9:49: pools[0].endpoints[0].port: unknown key; the keys here are url, name, resolver, method, headers, status, body, fall, clear, rise, warn_days, interval, timeout, recheck"},
	} {
		m.run(t)
	}
}

func TestTheDocumentsExplainEveryKeyOfAnEndpoint(t *testing.T) {
	_, err := Parse("x", []byte(withEndpoints("[{url: https://www.example.com/, zzzzzzzzzzzz: 1}]")), noEnv)
	_, list, _ := strings.Cut(errorsOf(t, err)[0].Hint, "the keys here are ")
	text, readErr := readFile("../docs/checks.md")
	if readErr != nil {
		t.Fatal(readErr)
	}
	_, section, found := strings.Cut(string(text), "\n## Endpoints by name\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !found || list == "" {
		t.Fatalf("the section or the keys are not found: %v", err)
	}
	for key := range strings.SplitSeq(list, ", ") {
		if !strings.Contains(section, "`"+key+"`") {
			t.Errorf("docs/checks.md does not explain %s", key)
		}
	}
}
