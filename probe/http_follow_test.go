package probe_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"rrwatch/probe"
)

// town is a site with a server on each of its ports, behind one address. Its
// Dial writes down which addresses were dialled.
type town struct {
	t      *testing.T
	ports  map[string]netip.AddrPort
	mu     sync.Mutex
	dialed []string
}

func (v *town) dial(ctx context.Context, network, address string) (net.Conn, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dialed = append(v.dialed, address)
	_, port, _ := net.SplitHostPort(address)
	server, ok := v.ports[port]
	if !ok {
		v.t.Errorf("%s was dialled", address)
	}
	return dial()(ctx, network, server.String())
}

func TestFollowsARedirectOnTheSameAddress(t *testing.T) {
	ca := newAuthority(t)
	saw := make(chan string, 10)
	handle := func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		saw <- strings.TrimSpace(fmt.Sprintf("%s %s%s %s%s", r.Method, r.Host, r.RequestURI, text, r.Header.Get("Authorization")))
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(302 + len(r.URL.Query().Get("more")))
			return
		}
		_, _ = io.WriteString(w, "arrived")
	}
	plain, secure := serveHTTP(t, nil, handle), serveHTTP(t, ca.config(site, time.Hour), handle)
	for name, c := range map[string]struct {
		path   string
		method string
		dialed string
		saw    string
	}{
		"to another page":      {"/?to=/a", "GET", "8080 8080", "GET www.example.com/a"},
		"relative":             {"/x/y?to=z", "GET", "8080 8080", "GET www.example.com/x/z"},
		"to https":             {"/?to=https://www.example.com/a%3Fb", "GET", "8080 443", "GET www.example.com/a?b"},
		"to https elsewhere":   {"/?to=https://www.example.com:8443/a", "GET", "8080 8443", "GET www.example.com/a"},
		"without a port":       {"/?to=http://www.example.com/a", "GET", "8080 8080", "GET www.example.com/a"},
		"with a port":          {"/?to=http://www.example.com:8081/a", "GET", "8080 8081", "GET www.example.com/a"},
		"in capitals":          {"/?to=HTTPS://WWW.Example.COM./", "GET", "8080 443", "GET www.example.com/"},
		"twice":                {"/?to=/%3Fto=https://www.example.com", "GET", "8080 8080 443", "GET www.example.com/"},
		"thrice":               {"/?to=/%3Fto=/%253Fto=/a", "GET", "8080 8080 8080 8080", "GET www.example.com/a"},
		"302 of POST is GET":   {"/?to=/a", "POST", "8080 8080", "GET www.example.com/a"},
		"303 of POST is GET":   {"/?to=/a&more=1", "POST", "8080 8080", "GET www.example.com/a"},
		"307 keeps POST":       {"/?to=/a&more=12345", "POST", "8080 8080", "POST www.example.com/a sent"},
		"308 keeps POST":       {"/?to=/a&more=123456", "POST", "8080 8080", "POST www.example.com/a sent"},
		"303 keeps HEAD":       {"/?to=/a&more=1", "HEAD", "8080 8080", "HEAD www.example.com/a"},
		"//name is a site":     {"/?to=//www.example.com/a", "GET", "8080 8080", "GET www.example.com/a"},
		"credentials are left": {"/?to=http://user:pw@www.example.com/a", "GET", "8080 8080", "GET www.example.com/a"},
	} {
		t.Run(name, func(t *testing.T) {
			v := &town{t: t, ports: map[string]netip.AddrPort{"8080": plain, "8081": plain, "443": secure, "8443": secure}}
			o := page()
			o.Method, o.Path, o.Follow, o.Dial = c.method, c.path, 3, v.dial
			o.FollowTLS = &probe.TLSOptions{Roots: ca.roots}
			if c.method == http.MethodPost {
				o.Send = "sent"
			}
			a := ask(t, probe.HTTP(o), netip.MustParseAddrPort("192.0.2.1:8080"), soon)
			if a.Verdict != probe.Pass || !strings.Contains(a.Detail, "answered 200 OK (after ") {
				t.Errorf("got %+v", a)
			}
			var last string
			for range v.dialed {
				last = <-saw
			}
			if last != c.saw {
				t.Errorf("the server saw %q, want %q", last, c.saw)
			}
			if got := strings.ReplaceAll(strings.Join(v.dialed, " "), "192.0.2.1:", ""); got != c.dialed {
				t.Errorf("dialled %s, want %s", got, c.dialed)
			}
		})
	}
}

func TestARedirectMayLeadNowhere(t *testing.T) {
	ca := newAuthority(t)
	for name, c := range map[string]struct {
		location string
		secure   bool
		reason   probe.Reason
		detail   string
	}{
		"to another site":      {"https://login.example.net/start?token=sesame#x", false, probe.Redirect, "answered 302 Found, to https://login.example.net/start, another site"},
		"to a site below":      {"http://a.www.example.com/", false, probe.Redirect, "another site"},
		"to an address":        {"http://127.0.0.1/", false, probe.Redirect, "another site"},
		"to itself, endlessly": {"/", false, probe.Redirect, "answered 302 Found, to http://www.example.com/, after 2 redirects already"},
		"from https to http":   {"http://www.example.com/", true, probe.Redirect, "from https back to http"},
		"to no page":           {"mailto:a@example.com", false, probe.Redirect, "which is no page"},
		"to no URL":            {"http://[::1", false, probe.Redirect, "a Location that is no URL"},
		"to no port":           {"http://www.example.com:99999/", false, probe.Redirect, "no right port"},
		"to port 0":            {"http://www.example.com:0/", false, probe.Redirect, "no right port"},
		"with a user":          {"https://joe:sesame@example.net/", false, probe.Redirect, "to https://example.net/, another site"},
		"without a Location":   {"", false, probe.Status, "answered 302 Found"},
	} {
		t.Run(name, func(t *testing.T) {
			o := page()
			o.Follow = 2
			talk := answer("HTTP/1.1 302 Found\r\nLocation: " + c.location + "\r\nContent-Length: 0\r\n\r\n")
			addr := serve(t, talk)
			if c.secure {
				o.TLS = &probe.TLSOptions{Roots: ca.roots}
				addr = serveTLS(t, ca.config(site, time.Hour), talk)
			}
			a := ask(t, probe.HTTP(o), addr, soon)
			if a.Verdict != probe.Fail || a.Reason != c.reason || !strings.Contains(a.Detail, c.detail) || strings.Contains(a.Detail, "sesame") {
				t.Errorf("got %+v, want %q, %q", a, c.reason, c.detail)
			}
			checkHarmless(t, a.Detail)
		})
	}
}

func TestTheTimesOfRedirectsAddUp(t *testing.T) {
	ca := newAuthority(t)
	secure := serveTLS(t, ca.config(site, time.Hour), answer(ok))
	plain := serve(t, answer(fmt.Sprintf("HTTP/1.1 301 X\r\nLocation: https://www.example.com:%d/\r\n\r\n", secure.Port())))
	o := page()
	o.Follow, o.FollowTLS = 1, &probe.TLSOptions{Roots: ca.roots, WarnDays: 1}
	a := ask(t, probe.HTTP(o), plain, soon)
	if a.Verdict != probe.Pass || a.Warning == "" {
		t.Errorf("got %+v, want a pass with a warning", a)
	}
	checkPhases(t, a.Phases, answered, true)
}

func TestWhereARedirectLeadsIsAskedWithinTheSameTime(t *testing.T) {
	addr := serve(t, func(conn net.Conn) {
		if r := request(conn); r != nil && r.URL.Path == "/" {
			_, _ = io.WriteString(conn, "HTTP/1.1 301 X\r\nLocation: /silent\r\n\r\n")
		}
		wait(conn)
	})
	o := page()
	o.Follow = 5
	a := ask(t, probe.HTTP(o), addr, 200*time.Millisecond)
	if a.Reason != probe.AnswerTimeout || !strings.Contains(a.Detail, "(after 1 redirect, at http://www.example.com/silent)") {
		t.Errorf("got %+v", a)
	}
}

func FuzzWhereARedirectLeads(f *testing.F) {
	for _, location := range []string{
		"/", "a", "//www.example.com", "https://www.example.com:1/", "http://www.example.com@evil.example/", "http://evil.example\\@www.example.com/",
		"HTTP://WWW.EXAMPLE.COM.", "?", "#", "http:www.example.com", "https:///x", "//", "http://www.example.com:80:80/", "\x00",
	} {
		f.Add(location, 302)
	}
	f.Fuzz(func(t *testing.T, location string, status int) {
		o := page()
		o.Follow = 1
		to, port, why, err := probe.Onward(o, status, location)
		if err != nil {
			t.Fatal(err)
		}
		if why != "" {
			return
		}
		name := strings.ToLower(strings.TrimSuffix(to.Hostname(), "."))
		if name != site || to.Scheme != "http" && to.Scheme != "https" || to.Scheme == "https" && port == 0 {
			t.Errorf("%q leads to %s, port %d", location, to, port)
		}
	})
}

func TestAnotherAuthorityAfterARedirectFails(t *testing.T) {
	secure := serveTLS(t, newAuthority(t).config(site, time.Hour), answer(ok))
	o := page()
	o.Follow, o.FollowTLS = 1, &probe.TLSOptions{Roots: newAuthority(t).roots, MinVersion: tls.VersionTLS12}
	plain := serve(t, answer(fmt.Sprintf("HTTP/1.1 301 X\r\nLocation: https://www.example.com:%d/\r\n\r\n", secure.Port())))
	if a := ask(t, probe.HTTP(o), plain, soon); a.Reason != probe.TLSUntrusted {
		t.Errorf("got %+v", a)
	}
}
