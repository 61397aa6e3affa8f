package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func from(site string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", site) }
}

func TestEveryAnswerCarriesTheStrictPolicy(t *testing.T) {
	h := handler(t, newSite(time.Now()).options())
	for _, path := range []string{"/", "/incidents", "/nowhere", "/api/v1/view", "/assets/style.css", "/metrics", "/healthz"} {
		answer, _ := ask(t, h, http.MethodGet, path, "")
		csp := answer.Header.Get("Content-Security-Policy")
		wants(t, csp, "default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'")
		if strings.Contains(csp, "unsafe") || answer.Header.Get("X-Content-Type-Options") != "nosniff" || answer.Header.Get("Referrer-Policy") != "same-origin" { // see secure: no-referrer breaks our own forms
			t.Errorf("%s: headers %v", path, answer.Header)
		}
		if answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept: %q", path, answer.Header.Get("Cache-Control"))
		}
	}
}

func TestAssetsMayBeKeptOnlyUnderTheirDigest(t *testing.T) {
	s := newSite(time.Now())
	h := handler(t, s.options())
	page := get(t, h, "/")
	_, rest, _ := strings.Cut(page, `href="/assets/style.css?`)
	digest, _, _ := strings.Cut(rest, `"`)
	answer, body := ask(t, h, http.MethodGet, "/assets/style.css?"+digest, "")
	if !strings.Contains(answer.Header.Get("Cache-Control"), "immutable") || !strings.Contains(body, ":root") {
		t.Errorf("digest %q: %v", digest, answer.Header)
	}
	if answer, _ = ask(t, h, http.MethodGet, "/assets/web.go", ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown asset: %s", answer.Status)
	}
}

func TestRefusesAPostFromAnotherSite(t *testing.T) {
	s := newSite(time.Now())
	h := handler(t, s.options())
	for _, path := range []string{"/brake/release", "/incidents/10/approve", "/demo/break", "/api/v1/brake/release", "/api/v1/demo/heal"} {
		answer, body := ask(t, h, http.MethodPost, path, "by=mallory&name=lb-1&fault=kill&action=x", from("cross-site"))
		if answer.StatusCode != http.StatusForbidden || !strings.Contains(body, "nothing was changed") {
			t.Errorf("%s: %s", path, answer.Status)
		}
		origin := func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }
		if answer, _ = ask(t, h, http.MethodPost, path, "by=mallory", origin); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s from an older browser: %s", path, answer.Status)
		}
	}
	if did := append(s.operator.did(), s.demo.did()...); len(did) > 0 {
		t.Errorf("done nevertheless: %q", did)
	}
	if answer, _ := ask(t, h, http.MethodPost, "/brake/release", "by=alice", from("same-origin")); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("our own form: %s", answer.Status)
	}
}

func TestRefusesAForeignHostOnLoopback(t *testing.T) {
	s := newSite(time.Now())
	h := handler(t, s.options())
	for host, want := range map[string]int{
		"localhost:8080": 200, "127.0.0.1:8080": 200, "127.9.9.9": 200, "[::1]:8080": 200, "LOCALHOST": 200,
		"evil.example": 421, "evil.example:8080": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example:8080": 421, "10.0.0.1": 421, "": 421,
	} {
		answer, body := ask(t, h, http.MethodGet, "/", "", func(r *http.Request) { r.Host = host })
		if answer.StatusCode != want {
			t.Errorf("Host %q: %s, want %d", host, answer.Status, want)
		}
		if want != 200 && strings.Contains(body, downAddr) {
			t.Errorf("Host %q was told of the members", host)
		}
	}
	o := s.options()
	o.Listen, o.Password = "0.0.0.0:8080", "x"
	if answer, _ := ask(t, handler(t, o), http.MethodGet, "/healthz", "", func(r *http.Request) { r.Host = "monitor.example" }); answer.StatusCode != 200 {
		t.Errorf("off loopback any host is right: %s", answer.Status)
	}
}

func TestAsksForThePasswordEverywhereButHealthz(t *testing.T) {
	s := newSite(time.Now())
	o := s.options()
	o.Password = "correct horse"
	h := handler(t, o)
	for _, path := range []string{"/", "/incidents", "/incidents/9", "/demo", "/events", "/metrics", "/api/v1/view", "/assets/live.js", "/nowhere"} {
		for _, password := range []string{"", "wrong", "correct hors", "correct horse "} {
			answer, body := ask(t, h, http.MethodGet, path, "", func(r *http.Request) { r.SetBasicAuth("alice", password) })
			if answer.StatusCode != http.StatusUnauthorized || answer.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %q: %s", path, password, answer.Status)
			}
			if strings.Contains(body, "203.0.113") || strings.Contains(body, "correct horse") {
				t.Errorf("%s tells a stranger something:\n%s", path, body)
			}
		}
	}
	if answer, _ := ask(t, h, http.MethodGet, "/healthz", ""); answer.StatusCode != http.StatusOK {
		t.Errorf("/healthz: %s", answer.Status)
	}
	login := func(r *http.Request) { r.SetBasicAuth("alice", "correct horse") }
	if answer, _ := ask(t, h, http.MethodPost, "/brake/release", "by=mallory", login); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("release: %s", answer.Status)
	}
	if did := s.operator.did(); len(did) != 1 || did[0] != "release by alice" {
		t.Errorf("who logged in is who acted: %q", did)
	}
}

func TestChangesNothingOffLoopbackWithoutAPassword(t *testing.T) {
	s := newSite(time.Now())
	for _, listen := range []string{":8080", "0.0.0.0:8080", "10.1.2.3:80", "[::]:8080"} {
		o := s.options()
		o.Listen = listen
		h := handler(t, o)
		answer, body := ask(t, h, http.MethodPost, "/api/v1/brake/release", "by=alice")
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", listen, answer.Status)
		}
		wants(t, body, "Set the dashboard's password, or let it listen on 127.0.0.1.")
		get(t, h, "/")
	}
	if did := s.operator.did(); len(did) > 0 {
		t.Errorf("done nevertheless: %q", did)
	}
}

func TestHealthzSaysWhatIsWrong(t *testing.T) {
	now := time.Now()
	s := newSite(now)
	o := s.options()
	var failure error
	o.Health = func(context.Context) error { return failure }
	h := handler(t, o)
	expect := func(status int, sentence string) {
		t.Helper()
		answer, body := ask(t, h, http.MethodGet, "/healthz", "")
		if answer.StatusCode != status || !strings.Contains(body, sentence) {
			t.Errorf("%s %q, want %d %q", answer.Status, body, status, sentence)
		}
	}
	expect(200, "ok")
	failure = errors.New("the journal cannot be written: disk full")
	expect(503, "disk full")
	failure = nil
	s.view.Load().At = now.Add(-31 * time.Second)
	expect(503, "31 s ago")
	s.view.Store(nil)
	expect(503, "not looked")
}

func TestRefusesOptionsThatCannotWork(t *testing.T) {
	for name, spoil := range map[string]func(*Options){
		"listen": func(o *Options) { o.Listen = "127.0.0.1" }, "views": func(o *Options) { o.Views = nil },
		"journal": func(o *Options) { o.Journal = nil }, "log": func(o *Options) { o.Log = nil },
	} {
		o := newSite(time.Now()).options()
		spoil(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
