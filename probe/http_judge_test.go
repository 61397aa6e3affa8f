package probe_test

import (
	"bufio"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rrwatch/probe"
)

func TestTheSiteMayExcuseAnAnswer(t *testing.T) {
	only := []probe.StatusRange{{From: 503, To: 503}}
	for name, c := range map[string]struct {
		answer string
		value  string
		reason probe.Reason
		detail string
	}{
		"it says so":               {"503 X\r\nx-maintenance: until ten", "", probe.Excused, "the site says that it is meant: X-Maintenance: until ten"},
		"with an empty header":     {"503 X\r\nX-Maintenance:", "", probe.Excused, "the site says that it is meant: X-Maintenance"},
		"with the value":           {"503 X\r\nX-Maintenance: yes", "yes", probe.Excused, "the site says that it is meant: X-Maintenance: yes"},
		"with another value":       {"503 X\r\nX-Maintenance: no", "yes", probe.Status, "answered 503 X"},
		"with the second":          {"503 X\r\nX-Maintenance: no\r\nX-Maintenance: yes", "yes", probe.Excused, "the site says that it is meant: X-Maintenance: yes"},
		"without the header":       {"503 X\r\nX-Other: yes", "", probe.Status, "answered 503 X"},
		"with another status":      {"502 X\r\nX-Maintenance: yes", "", probe.Status, "answered 502 X"},
		"while all is well":        {"200 X\r\nX-Maintenance: yes", "", "", "answered 200 X"},
		"with something malicious": {"503 X\r\nX-Maintenance: \u202e" + strings.Repeat("a", 5000), "", probe.Excused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := page()
			o.Excuse = &probe.Excuse{Header: "X-Maintenance", Value: c.value, Status: only}
			a := ask(t, probe.HTTP(o), serve(t, answer("HTTP/1.1 "+c.answer+"\r\n\r\n")), soon)
			if a.Reason != c.reason || c.detail != "" && a.Detail != c.detail {
				t.Errorf("got %+v, want %q, %q", a, c.reason, c.detail)
			}
			if (a.Verdict == probe.Inconclusive) != (c.reason == probe.Excused) {
				t.Errorf("the verdict is %s", a.Verdict)
			}
			checkHarmless(t, a.Detail)
		})
	}
}

func TestKnowsWhichQuestionsAreSimple(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(*probe.HTTPOptions)
		want bool
	}{
		"a status":          {func(*probe.HTTPOptions) {}, true},
		"headers":           {func(o *probe.HTTPOptions) { o.ExpectHeader = map[string]*regexp.Regexp{"A": regexp.MustCompile("b")} }, true},
		"an excuse":         {func(o *probe.HTTPOptions) { o.Excuse = &probe.Excuse{Header: "A"} }, true},
		"either version":    {func(o *probe.HTTPOptions) { o.Version = probe.HTTPAuto }, true},
		"HTTP/2":            {func(o *probe.HTTPOptions) { o.Version = probe.HTTP2 }, false},
		"TLS":               {func(o *probe.HTTPOptions) { o.TLS = &probe.TLSOptions{} }, false},
		"a body to send":    {func(o *probe.HTTPOptions) { o.Send = "a" }, false},
		"a text":            {func(o *probe.HTTPOptions) { o.Body = "a" }, false},
		"a regexp":          {func(o *probe.HTTPOptions) { o.BodyRegexp = regexp.MustCompile("a") }, false},
		"JSON":              {func(o *probe.HTTPOptions) { o.JSON = map[string]string{"a": "1"} }, false},
		"a maximum size":    {func(o *probe.HTTPOptions) { o.MaxBody = 1 }, false},
		"a look at bodies":  {func(o *probe.HTTPOptions) { *o = probe.Looking(*o, lookAway) }, false},
		"redirects":         {func(o *probe.HTTPOptions) { o.Follow = 1 }, false},
		"a judge of bodies": {func(o *probe.HTTPOptions) { *o = probe.Judging(*o, last) }, false},
	} {
		o := page()
		c.set(&o)
		if got := o.Simple(); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func lookAway(*http.Response, io.Reader) (probe.Answer, error) { return probe.Answer{}, nil }

func last(r *http.Response, body []byte) (probe.Reason, string) {
	if r.Header.Get("X-Servers") == "" {
		return probe.Servers, "no servers in " + string(body)
	}
	return "", "servers: " + r.Header.Get("X-Servers")
}

func TestAnotherKindMayHaveTheLastWord(t *testing.T) {
	for text, want := range map[string]probe.Answer{
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnone":                 {Verdict: probe.Fail, Reason: probe.Servers, Detail: "no servers in none"},
		"HTTP/1.1 200 OK\r\nX-Servers: 3\r\nContent-Length: 4\r\n\r\nsome": {Verdict: probe.Pass, Detail: "servers: 3"},
		"HTTP/1.1 500 No\r\nX-Servers: 3\r\nContent-Length: 4\r\n\r\nsome": {Verdict: probe.Fail, Reason: probe.Status, Detail: "answered 500 No"},
	} {
		a := ask(t, probe.HTTP(probe.Judging(page(), last)), serve(t, answer(text)), soon)
		a.Phases = probe.Phases{}
		if diff := cmp.Diff(want, a); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAnotherKindMayReadTheBodyItself(t *testing.T) {
	look := func(r *http.Response, body io.Reader) (probe.Answer, error) {
		some, err := io.ReadAll(io.LimitReader(body, 3))
		if string(some) == "bad" {
			return probe.Answer{Verdict: probe.Fail, Reason: probe.Servers, Detail: string(some), Warning: r.Status}, nil
		}
		return probe.Answer{Verdict: probe.Pass, Detail: string(some)}, err
	}
	for text, want := range map[string]probe.Answer{
		"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\ngood":    {Verdict: probe.Pass, Detail: "goo"},
		"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nbad one": {Verdict: probe.Fail, Reason: probe.Servers, Detail: "bad", Warning: "200 OK"},
		"HTTP/1.1 500 No\r\nContent-Length: 400\r\n\r\ngood":    {Verdict: probe.Fail, Reason: probe.Status, Detail: "answered 500 No"},
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx": {Verdict: probe.Fail, Reason: probe.Protocol,
			Detail: "invalid byte in chunk length"},
	} {
		a := ask(t, probe.HTTP(probe.Looking(page(), look)), serve(t, answer(text+"\r\n")), soon)
		a.Phases = probe.Phases{}
		if diff := cmp.Diff(want, a); diff != "" {
			t.Error(diff)
		}
	}
}

// What an engine says that reads heads only is what the probe says.
func TestAHeadIsJudgedAsTheProbeJudgesIt(t *testing.T) {
	o := page()
	o.ExpectHeader = map[string]*regexp.Regexp{"X-Version": regexp.MustCompile("^2")}
	o.Excuse = &probe.Excuse{Header: "X-Maintenance", Status: []probe.StatusRange{{From: 503, To: 503}}}
	if !o.Simple() {
		t.Fatal("the question is not simple")
	}
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nX-Version: 2\r\n\r\n", "HTTP/1.1 200 OK\r\nX-Version: 1\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
		"HTTP/1.1 503 X\r\nX-Maintenance: yes\r\n\r\n", "HTTP/1.1 503 X\r\n\r\n", "HTTP/1.0 204 \r\nX-Version: 2\r\n\r\n",
	} {
		want := ask(t, probe.HTTP(o), serve(t, answer(text)), soon)
		want.Phases = probe.Phases{}
		r, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, done := probe.JudgeHead(o, r)
		r.Body.Close()
		if diff := cmp.Diff(want, got); diff != "" || !done {
			t.Errorf("%q, decided %v: %s", text, done, diff)
		}
	}
}
