package web

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAPersonPausesResumesAndOverrides(t *testing.T) {
	s := newSite(time.Now())
	h := handler(t, s.options())
	for _, c := range []struct{ path, form, back string }{
		{"/pause", "by=alice&why=a+deployment&for=1h&until=", "/"},
		{"/pause", "by=alice&why=a+deployment&for=1h&pool=www&member=&until=90m", "/pools/www"},
		{"/pause", "by=alice&why=a+deployment&for=1d&pool=www&member=203.0.113.11", "/pools/www"},
		{"/resume", "by=bob", "/"},
		{"/resume", "by=bob&pool=www", "/pools/www"},
		{"/incidents/10/override", "by=carol&guard=warm-up&why=it+did+serve", "/incidents/10"},
	} {
		answer, body := ask(t, h, http.MethodPost, c.path, c.form)
		if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != c.back {
			t.Errorf("%s %s: %s to %q\n%s", c.path, c.form, answer.Status, answer.Header.Get("Location"), body)
		}
	}
	want := []string{
		"pause all pools for 1h0m0s by alice: a deployment", "pause pool www for 1h30m0s by alice: a deployment",
		"pause www 203.0.113.11 for 24h0m0s by alice: a deployment", "resume all pools by bob", "resume pool www by bob",
		"override warm-up for 10 by carol: it did serve",
	}
	if diff := cmp.Diff(want, s.operator.did()); diff != "" {
		t.Error(diff)
	}
}

func TestTheAPIPausesResumesAndOverrides(t *testing.T) {
	s := newSite(time.Now())
	h := handler(t, s.options())
	for path, body := range map[string]string{
		"/api/v1/pause":                 `{"by": "alice", "why": "a deployment", "pool": "www", "for": "15m"}`,
		"/api/v1/resume":                `{"by": "alice", "pool": "www"}`,
		"/api/v1/incidents/10/override": `{"by": "alice", "why": "seen it", "guard": "blind"}`,
	} {
		answer, text := ask(t, h, http.MethodPost, path, body, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") })
		if answer.StatusCode != http.StatusOK || !strings.Contains(text, `"done": "alice `) {
			t.Errorf("%s: %s %s", path, answer.Status, text)
		}
	}
	if did := s.operator.did(); len(did) != 3 {
		t.Errorf("did %q", did)
	}
}

func TestRefusesAPauseOrAnOverrideThatSaysTooLittle(t *testing.T) {
	s := newSite(time.Now())
	h := handler(t, s.options())
	for _, c := range []struct {
		path, form, want string
		status           int
	}{
		{"/api/v1/pause", "why=x&for=1h", "Say who you are", 400},
		{"/api/v1/pause", "by=alice&for=1h", "Say why", 400},
		{"/api/v1/pause", "by=alice&why=%20&for=1h", "Say why", 400},
		{"/api/v1/pause", "by=alice&why=a%0Ab&for=1h", "one line", 400},
		{"/api/v1/pause", "by=alice&for=1h&why=" + strings.Repeat("x", whyLimit+1), "300 characters", 400},
		{"/api/v1/pause", "by=alice&why=x", "Say for how long", 400},
		{"/api/v1/pause", "by=alice&why=x&for=soon", "write how long (90m, 4h, 1d)", 400},
		{"/api/v1/pause", "by=alice&why=x&for=1h&member=203.0.113.11", "to which pool", 400},
		{"/api/v1/pause", "by=alice&why=x&for=1h&pool=www&member=lb-1", "is no address", 400},
		{"/api/v1/resume", "pool=www", "Say who you are", 400},
		{"/api/v1/incidents/10/override", "by=alice&why=x", "which guard", 400},
		{"/api/v1/incidents/10/override", "by=alice&why=x&guard=cooldown", "no guard", 400},
		{"/api/v1/incidents/10/override", "by=alice&why=x&guard=last-healthy", "cannot be overridden: it keeps what must always hold, a published name never loses", 409},
		{"/api/v1/incidents/10/override", "by=alice&guard=blind", "Say why", 400},
		{"/api/v1/incidents/9/override", "by=alice&why=x&guard=blind", "nothing is left to override", 409},
		{"/api/v1/incidents/77/override", "by=alice&why=x&guard=blind", "no incident 77", 404},
	} {
		if answer, body := ask(t, h, http.MethodPost, c.path, c.form); answer.StatusCode != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %s: %s %s, want %d %q", c.path, c.form, answer.Status, body, c.status, c.want)
		}
	}
	if did := s.operator.did(); len(did) > 0 {
		t.Errorf("done nevertheless: %q", did)
	}
	s.operator.err = errors.New("there is no such pool: \"wwww\"")
	if answer, body := ask(t, h, http.MethodPost, "/api/v1/pause", "by=alice&why=x&for=1h&pool=wwww"); answer.StatusCode != http.StatusConflict || !strings.Contains(body, "There is no such pool") {
		t.Errorf("%s %s", answer.Status, body)
	}
}

func TestAnotherSiteCannotPauseOrOverride(t *testing.T) {
	s := newSite(time.Now())
	h := handler(t, s.options())
	for _, path := range []string{"/pause", "/resume", "/incidents/10/override", "/api/v1/pause", "/api/v1/resume", "/api/v1/incidents/10/override"} {
		if answer, _ := ask(t, h, http.MethodPost, path, "by=mallory&why=x&for=1h&guard=blind", from("cross-site")); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
	if did := s.operator.did(); len(did) > 0 {
		t.Errorf("done nevertheless: %q", did)
	}
}

func TestTheEndOfAPauseMayBeTypedInSeveralWays(t *testing.T) {
	now := theDay() // 03:09:26 UTC
	for text, want := range map[string]time.Time{
		"15m": now.Add(15 * time.Minute), "1d": now.Add(24 * time.Hour), "1d12h": now.Add(36 * time.Hour), "1h30m": now.Add(90 * time.Minute),
		"18:30": time.Date(2026, 3, 14, 18, 30, 0, 0, time.UTC), "02:00": time.Date(2026, 3, 15, 2, 0, 0, 0, time.UTC),
		"2026-03-20 08:00": time.Date(2026, 3, 20, 8, 0, 0, 0, time.UTC), "2026-03-20 08:00 UTC": time.Date(2026, 3, 20, 8, 0, 0, 0, time.UTC),
		"2026-03-20T09:00:00+01:00": time.Date(2026, 3, 20, 8, 0, 0, 0, time.UTC),
	} {
		if got, err := endOf(order{For: "4h", Until: text}, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"tomorrow", "d", "1w", "25:00", "1d2d", "999d"} {
		if got, err := endOf(order{For: text}, now); err == nil {
			t.Errorf("%q was taken as %s", text, got)
		}
	}
}
