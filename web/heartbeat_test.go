package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const heartToken = "sesame-open-7f3a-0123"

// ward hears the heartbeats of one check of one address.
type ward struct {
	mu    sync.Mutex
	heard []string
}

func (*ward) Token(pool, check string) string {
	if pool == "www" && check == "beat" {
		return heartToken
	}
	return ""
}

func (d *ward) Beat(pool, check string, addr netip.Addr, text string) error {
	if addr != netip.MustParseAddr("198.51.100.21") && addr != netip.MustParseAddr("2001:db8::1") {
		return fmt.Errorf("%s is neither a member nor a standby of pool %s", addr, pool)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heard = append(d.heard, pool+" "+check+" "+addr.String()+" "+text)
	return nil
}

func (d *ward) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.heard)
}

// withHeart is the site with a heartbeat check.
func withHeart(set ...func(*Options)) (Options, *ward) {
	o, d := newSite(time.Now()).options(), &ward{}
	o.Heart = d
	for _, f := range set {
		f(&o)
	}
	return o, d
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func comesFrom(addr string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = addr }
}

func TestAHeartbeatIsTakenFromItsSenderOrForTheAddressThatItNames(t *testing.T) {
	o, d := withHeart()
	h := handler(t, o)
	for _, c := range []struct{ query, from, body, want string }{
		{"", "198.51.100.21:4711", "", "www beat 198.51.100.21 "},
		{"", "[::ffff:198.51.100.21]:4711", " 12 servers up\n", "www beat 198.51.100.21 12 servers up"},
		{"?address=198.51.100.21", "127.0.0.1:4711", "a\nb", "www beat 198.51.100.21 a\nb"},
		{"?address=2001:db8::1%25eth0", "127.0.0.1:4711", "", "www beat 2001:db8::1 "},
		{"", "[2001:db8::1%eth0]:4711", strings.Repeat("x", heartbeatLimit), "www beat 2001:db8::1 " + strings.Repeat("x", heartbeatLimit)},
	} {
		before := len(d.all())
		answer, body := ask(t, h, http.MethodPost, "/heartbeat/www/beat"+c.query, c.body, bearer(heartToken), comesFrom(c.from))
		if answer.StatusCode != http.StatusNoContent || body != "" {
			t.Errorf("%+v: %s %s", c, answer.Status, body)
			continue
		}
		if diff := cmp.Diff([]string{c.want}, d.all()[before:]); diff != "" {
			t.Error(diff)
		}
	}
}

// Nobody can try out which pools and checks there are.
func TestAWrongTokenAndAnUnknownCheckAreAnsweredAlike(t *testing.T) {
	o, d := withHeart()
	h := handler(t, o)
	type whole struct {
		reply
		body string
	}
	var first *whole
	for name, c := range map[string]struct {
		path string
		set  func(*http.Request)
	}{
		"no token":         {"/heartbeat/www/beat", func(*http.Request) {}},
		"an empty token":   {"/heartbeat/www/beat", bearer("")},
		"a wrong token":    {"/heartbeat/www/beat", bearer("sesame-open-7f3a-0124")},
		"a longer token":   {"/heartbeat/www/beat", bearer(heartToken + "4")},
		"a shorter token":  {"/heartbeat/www/beat", bearer(heartToken[:8])},
		"another scheme":   {"/heartbeat/www/beat", func(r *http.Request) { r.Header.Set("Authorization", "Basic "+heartToken) }},
		"basic":            {"/heartbeat/www/beat", func(r *http.Request) { r.SetBasicAuth("x", heartToken) }},
		"in the query":     {"/heartbeat/www/beat?token=" + heartToken, func(*http.Request) {}},
		"an unknown check": {"/heartbeat/www/nothing", bearer(heartToken)},
		"an unknown pool":  {"/heartbeat/nothing/beat", bearer(heartToken)},
		"nobody's token":   {"/heartbeat/nothing/beat", bearer("")},
		"a wrong address":  {"/heartbeat/www/beat?address=x", bearer("")},
	} {
		answer, body := ask(t, h, http.MethodPost, c.path, "", c.set)
		got := &whole{answer, body}
		if first == nil {
			first = got
		}
		if diff := cmp.Diff(first, got, cmp.AllowUnexported(whole{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if first.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(first.Header.Get("WWW-Authenticate"), "Bearer ") ||
		!strings.HasPrefix(first.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%+v", first)
	}
	if n := len(d.all()); n > 0 {
		t.Errorf("%d were taken", n)
	}
}

func TestAHeartbeatThatCannotBeTakenIsToldWhy(t *testing.T) {
	o, d := withHeart()
	h := handler(t, o)
	for _, c := range []struct {
		path, body string
		status     int
		sentence   string
	}{
		{"/heartbeat/www/beat", "", 404, "192.0.2.1 is neither a member nor a standby of pool www."},
		{"/heartbeat/www/beat?address=", "", 400, "The parameter address must be an IP address such as 192.0.2.1."},
		{"/heartbeat/www/beat?address=lb-1", "", 400, "The parameter address must be an IP address such as 192.0.2.1."},
		{"/heartbeat/www/beat?address=198.51.100.21", strings.Repeat("x", heartbeatLimit+1), 413, "A heartbeat says at most 1024 bytes."},
	} {
		answer, body := ask(t, h, http.MethodPost, c.path, c.body, bearer(heartToken))
		if answer.StatusCode != c.status || strings.TrimSpace(body) != c.sentence {
			t.Errorf("%s: %s %q, want %d %q", c.path, answer.Status, body, c.status, c.sentence)
		}
	}
	s := newSite(time.Now())
	s.view.Store(nil)
	o.Views = s.view.Load
	if answer, body := ask(t, handler(t, o), http.MethodPost, "/heartbeat/www/beat", "", bearer(heartToken)); answer.StatusCode != 503 {
		t.Errorf("before the first look: %s %s", answer.Status, body)
	}
	if n := len(d.all()); n > 0 {
		t.Errorf("%d were taken", n)
	}
}

// A load balancer has neither the password nor a browser, and comes from
// elsewhere; everything else stays as guarded as it was.
func TestAHeartbeatNeedsNothingButItsToken(t *testing.T) {
	for name, set := range map[string]func(*Options){
		"with a password":              func(o *Options) { o.Password = "correct horse" },
		"off loopback, no password":    func(o *Options) { o.Listen = "0.0.0.0:8080" },
		"off loopback, with password":  func(o *Options) { o.Listen, o.Password = ":8080", "correct horse" },
		"on loopback, behind a proxy":  func(*Options) {},
		"on loopback, with a password": func(o *Options) { o.Password = "correct horse" },
	} {
		o, d := withHeart(set)
		h := handler(t, o)
		elsewhere := func(r *http.Request) { r.Host = "rrwatch.example.com" }
		answer, body := ask(t, h, http.MethodPost, "/heartbeat/www/beat", "", bearer(heartToken), comesFrom("198.51.100.21:1"), elsewhere)
		if answer.StatusCode != http.StatusNoContent || len(d.all()) != 1 {
			t.Errorf("%s: %s %s", name, answer.Status, body)
		}
		answer, _ = ask(t, h, http.MethodPost, "/heartbeat/www/beat", "", bearer(heartToken), comesFrom("198.51.100.21:1"), from("cross-site"))
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s, from another site's page: %s", name, answer.Status)
		}
		for _, path := range []string{
			"/brake/release", "/heartbeat/../brake/release", "/heartbeat/www/../../brake/release", "/heartbeat/%2e%2e/brake/release",
			"//heartbeat/www/beat/../../../brake/release", "/heartbeat/www/beat/more", "/heartbeat/", "/api/v1/brake/release",
		} {
			answer, _ := ask(t, h, http.MethodPost, path, "by=mallory", bearer(heartToken), elsewhere)
			if answer.StatusCode < 400 {
				t.Errorf("%s: POST %s: %s", name, path, answer.Status)
			}
		}
		answer, _ = ask(t, h, http.MethodGet, "/heartbeat/www/beat", "", bearer(heartToken), elsewhere)
		if answer.StatusCode < 400 {
			t.Errorf("%s: GET: %s", name, answer.Status)
		}
	}
}

func TestWithoutHeartbeatChecksNothingIsServedForThem(t *testing.T) {
	o, _ := withHeart(func(o *Options) { o.Heart = nil })
	if answer, _ := ask(t, handler(t, o), http.MethodPost, "/heartbeat/www/beat", "", bearer(heartToken)); answer.StatusCode != http.StatusNotFound {
		t.Errorf("got %s", answer.Status)
	}
}

func TestHeartbeatsAreLoggedAtDebugOnlyAndWithoutTheToken(t *testing.T) {
	var text strings.Builder
	o, _ := withHeart(func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	h := handler(t, o)
	ask(t, h, http.MethodPost, "/heartbeat/www/beat?address=198.51.100.21", "", bearer(heartToken))
	ask(t, h, http.MethodPost, "/heartbeat/www/beat?address=198.51.100.99", "", bearer(heartToken))
	ask(t, h, http.MethodPost, "/heartbeat/www/beat", "", bearer(heartToken+"x"))
	if n := strings.Count(text.String(), "level=DEBUG"); n != 3 || strings.Count(text.String(), "\n") != 3 || strings.Contains(text.String(), "sesame") {
		t.Errorf("%d lines at debug: %s", n, text.String())
	}
}
