package probe_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"rrwatch/probe"
)

// body is an answer with a body.
func body(text string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
}

func TestExpectsHeaders(t *testing.T) {
	for name, c := range map[string]struct {
		headers string
		reason  probe.Reason
		detail  string
	}{
		"it matches":              {"X-Version: 2.1\r\n", "", "answered 200 OK"},
		"one of several matches":  {"X-Version: 1.0\r\nx-version: 2.0\r\n", "", "answered 200 OK"},
		"it does not match":       {"X-Version: 1.9\r\n", probe.Header, `answered 200 OK, but X-Version is "1.9", which does not match "^2\\."`},
		"it is missing":           {"X-Other: 2.\r\n", probe.Header, "answered 200 OK, but without the header X-Version"},
		"it is empty":             {"X-Version:\r\n", probe.Header, `answered 200 OK, but X-Version is "", which does not match "^2\\."`},
		"control characters":      {"X-Version: a\x1b[2J\r\n", probe.Protocol, ""},
		"it is very long":         {"X-Version: " + strings.Repeat("1", 5000) + "\r\n", probe.Header, ""},
		"the value is not quoted": {"X-Version: \u202e\r\n", probe.Header, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := page()
			o.ExpectHeader = map[string]*regexp.Regexp{"X-Version": regexp.MustCompile(`^2\.`)}
			a := ask(t, probe.HTTP(o), serve(t, answer("HTTP/1.1 200 OK\r\n"+c.headers+"\r\n")), soon)
			if a.Reason != c.reason || c.detail != "" && a.Detail != c.detail {
				t.Errorf("got %+v, want %q, %q", a, c.reason, c.detail)
			}
			checkHarmless(t, a.Detail)
		})
	}
}

func TestASessionIsNeverShown(t *testing.T) {
	o := page()
	o.ExpectHeader = map[string]*regexp.Regexp{"Set-Cookie": regexp.MustCompile(`^SRV=web`)}
	a := ask(t, probe.HTTP(o), serve(t, answer("HTTP/1.1 200 OK\r\nSet-Cookie: SRV=sesame\r\n\r\n")), soon)
	if a.Reason != probe.Header || strings.Contains(a.Detail, "sesame") {
		t.Errorf("got %+v", a)
	}
}

func TestExpectsABody(t *testing.T) {
	const document = `{"status":"ok","checks":{"db":{"up":true,"n":3.0}},"items":[{"n":3},{"n":-0.5e1}],"a.b":"c"}`
	for name, c := range map[string]struct {
		body   string
		set    func(*probe.HTTPOptions)
		reason probe.Reason
		detail string
	}{
		"the text is there":       {document, func(o *probe.HTTPOptions) { o.Body = `"up":true` }, "", ""},
		"the regexp matches":      {document, func(o *probe.HTTPOptions) { o.BodyRegexp = regexp.MustCompile(`"n":\s*3\b`) }, "", ""},
		"the regexp does not":     {"starting", func(o *probe.HTTPOptions) { o.BodyRegexp = regexp.MustCompile(`^ok$`) }, probe.Body, `the body's first 8 bytes do not match "^ok$"`},
		"both, one is missing":    {"ok", func(o *probe.HTTPOptions) { o.Body, o.BodyRegexp = "ok", regexp.MustCompile(`^oh$`) }, probe.Body, ""},
		"the values are there":    {document, values("status", `"ok"`, "checks.db.up", "true", "items.0.n", "3", "items.1.n", "-5", "a.b", `"c"`), "", ""},
		"a number is another way": {document, values("checks.db.n", "3"), "", ""},
		"a value is another":      {document, values("status", `"up"`), probe.Body, `answered 200 OK, but status is "ok", not "up"`},
		"a value is of a type":    {document, values("checks.db.up", `"true"`), probe.Body, `answered 200 OK, but checks.db.up is true, not "true"`},
		"a value is missing":      {document, values("checks.cache.up", "true"), probe.Body, "answered 200 OK, but the JSON has nothing at checks.cache.up"},
		"a value is an object":    {document, values("checks", "true"), probe.Body, "answered 200 OK, but checks is an object, not true"},
		"a value is a list":       {document, values("items", "true"), probe.Body, "answered 200 OK, but items is a list, not true"},
		"it is not JSON":          {"<html>", values("status", `"ok"`), probe.Body, "answered 200 OK, but the body is not JSON: invalid character '<' looking for beginning of value"},
		"it is half of JSON":      {document[:20], values("status", `"ok"`), probe.Body, "answered 200 OK, but the body is not JSON: unexpected EOF"},
		"more follows":            {document + "{}", values("status", `"ok"`), probe.Body, "answered 200 OK, but the body is not JSON: something follows it"},
	} {
		t.Run(name, func(t *testing.T) {
			o := page()
			c.set(&o)
			a := ask(t, probe.HTTP(o), serve(t, answer(body(c.body))), soon)
			if a.Reason != c.reason || !strings.Contains(a.Detail, c.detail) {
				t.Errorf("got %+v, want %q, %q", a, c.reason, c.detail)
			}
		})
	}
}

// values expects scalars at paths.
func values(pairs ...string) func(*probe.HTTPOptions) {
	return func(o *probe.HTTPOptions) {
		o.JSON = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			o.JSON[pairs[i]] = pairs[i+1]
		}
	}
}

func TestComparesLargeNumbersExactly(t *testing.T) {
	for text, same := range map[string]bool{"9007199254740993": true, "9007199254740992": false, "9007199254740993.0": true} {
		wrong, err := probe.JudgeJSON(`{"n":9007199254740993}`, map[string]string{"n": text})
		if err != nil {
			t.Fatal(err)
		}
		if (wrong == "") != same {
			t.Errorf("%s: %q, want it to be the same: %v", text, wrong, same)
		}
	}
	if wrong, err := probe.JudgeJSON(`{"n":1e999999999}`, map[string]string{"n": "1"}); err != nil || wrong == "" {
		t.Errorf("a huge number: %q, %v", wrong, err)
	}
}

func TestAnExpectationThatIsNoScalarIsInconclusive(t *testing.T) {
	for _, text := range []string{"", "{}", "[", "[]", "ok", "1 2"} {
		o := page()
		o.JSON = map[string]string{"a": text}
		a := ask(t, probe.HTTP(o), serve(t, answer(ok)), soon)
		if a.Verdict != probe.Inconclusive || a.Reason != probe.Internal {
			t.Errorf("%q: got %+v", text, a)
		}
	}
}

func TestABodyMayBeTooLarge(t *testing.T) {
	const most = 1000
	exact, over := strings.Repeat("x", most), strings.Repeat("x", most+1)
	for name, c := range map[string]struct {
		text   string
		reason probe.Reason
	}{
		"as long as it may be":        {body(exact), ""},
		"as long, in chunks":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(exact, 100), ""},
		"as long, until the end":      {"HTTP/1.0 200 OK\r\n\r\n" + exact, ""},
		"empty":                       {body(""), ""},
		"longer":                      {body(over), probe.TooLarge},
		"longer, in chunks":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(over, 100), probe.TooLarge},
		"longer, until the end":       {"HTTP/1.0 200 OK\r\n\r\n" + over, probe.TooLarge},
		"longer, so it says":          {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", probe.TooLarge},
		"cut off":                     {"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nx", probe.Closed},
		"cut off where it is longest": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + exact, probe.Closed},
	} {
		t.Run(name, func(t *testing.T) {
			o := page()
			o.MaxBody = most
			addr := serve(t, func(conn net.Conn) {
				if request(conn) != nil {
					_, _ = io.WriteString(conn, c.text)
				}
			})
			if a := ask(t, probe.HTTP(o), addr, soon); a.Reason != c.reason {
				t.Errorf("got %+v, want %q", a, c.reason)
			}
		})
	}
}

func TestAMaximumSizeLetsMoreThanAMebibyteBeLookedAt(t *testing.T) {
	long := `{"filler":"` + strings.Repeat("x", 1<<20) + `","status":"ok"}`
	for most, want := range map[int64]probe.Reason{0: probe.Body, 2 << 20: ""} {
		o := page()
		o.MaxBody = most
		o.JSON = map[string]string{"status": `"ok"`}
		if a := ask(t, probe.HTTP(o), serve(t, answer(body(long))), soon); a.Reason != want {
			t.Errorf("JSON, at most %d: got %+v, want %q", most, a, want)
		}
		o.JSON, o.Body = nil, "status"
		if a := ask(t, probe.HTTP(o), serve(t, answer(body(long))), soon); a.Reason != want {
			t.Errorf("text, at most %d: got %+v, want %q", most, a, want)
		}
	}
}

// Bodies that are made to cost time: the probe still ends by its deadline.
func TestAnEndlessJudgementIsCutOff(t *testing.T) {
	deep := strings.Repeat("[", 1<<20)
	wide := "[" + strings.Repeat("0,", 8<<20) + "0]"
	nine := values("a", "1", "b", "1", "c", "1", "d", "1", "e", "1", "f", "1", "g", "1", "h", "1", "i", "1") // fewer are told apart by their length
	for name, c := range map[string]struct {
		body   string
		set    func(*probe.HTTPOptions)
		reason probe.Reason
	}{
		"nested deeply": {deep, values("a", "1"), probe.Body},
		"a long key":    {`{"` + strings.Repeat("k", 4<<20) + `":[` + strings.Repeat("0,", 1<<16) + "0]}", nine, probe.Body},
		"a wide list":   {wide, values("a", "1"), probe.AnswerTimeout},
		"a slow regexp": {strings.Repeat("a", 4<<20), func(o *probe.HTTPOptions) { o.BodyRegexp = regexp.MustCompile(`(a?){30}(a?){30}b`) }, probe.AnswerTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			o := page()
			o.MaxBody = 32 << 20
			c.set(&o)
			timeout := 5 * time.Second // a long key that was looked up for each of its values would take longer
			if c.reason == probe.AnswerTimeout {
				timeout = 500 * time.Millisecond
			}
			if a := ask(t, probe.HTTP(o), serve(t, answer(body(c.body))), timeout); a.Reason != c.reason {
				t.Errorf("got %+v, want %q", a, c.reason)
			}
		})
	}
}

func TestSendsABody(t *testing.T) {
	for _, version := range []probe.HTTPVersion{probe.HTTP1, probe.HTTP2} {
		ca := newAuthority(t)
		got := make(chan string, 1)
		addr := serveHTTP(t, ca.config(site, time.Hour), func(w http.ResponseWriter, r *http.Request) {
			text, err := io.ReadAll(r.Body)
			got <- fmt.Sprintf("%s %s %s %d %v", r.Method, r.Header.Get("Content-Type"), text, r.ContentLength, err)
			w.WriteHeader(http.StatusNoContent)
		})
		o := page()
		o.TLS = &probe.TLSOptions{Roots: ca.roots}
		o.Version, o.Method, o.Send = version, http.MethodPost, `{"user":"probe"}`
		o.Header = http.Header{"Content-Type": {"application/json"}}
		f := probe.HTTP(o)
		for range 2 {
			if a := ask(t, f, addr, soon); a.Verdict != probe.Pass {
				t.Fatalf("got %+v", a)
			}
			if text, want := <-got, `POST application/json {"user":"probe"} 16 <nil>`; text != want {
				t.Errorf("got %s, want %s", text, want)
			}
		}
	}
}
