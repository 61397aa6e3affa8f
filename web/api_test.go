package web

import (
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/failover"
)

// theDay is a fixed moment, for answers that are compared word for word.
func theDay() time.Time { return time.Date(2026, 3, 14, 3, 9, 26, 0, time.UTC) }

func TestAPIAnswersAsAgreed(t *testing.T) {
	h := handler(t, newSite(theDay()).options())
	for name, path := range map[string]string{
		"view": "/api/v1/view", "pools": "/api/v1/pools", "incidents": "/api/v1/incidents", "open": "/api/v1/incidents?open=true&before=12&limit=1",
		"incident": "/api/v1/incidents/9", "journal": "/api/v1/journal?after=2&limit=3",
	} {
		answer, body := ask(t, h, http.MethodGet, path, "")
		if answer.StatusCode != 200 || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %s %s", path, answer.Status, answer.Header.Get("Content-Type"))
		}
		file := filepath.Join("testdata", "api", name+".json")
		if flag.Lookup("update").Value.String() == "true" {
			if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), body); diff != "" {
			t.Errorf("%s (-want +got; -update rewrites):\n%s", path, diff)
		}
	}
}

func TestAPIListsAreNeverNull(t *testing.T) {
	s := newSite(theDay())
	s.journal.incidents, s.journal.entries = nil, nil
	h := handler(t, s.options())
	for path, want := range map[string]string{"/api/v1/incidents": `"incidents": []`, "/api/v1/journal": `"entries": []`} {
		if _, body := ask(t, h, http.MethodGet, path, ""); !strings.Contains(body, want) {
			t.Errorf("%s: %s", path, body)
		}
	}
}

func TestAPIErrorsAreJSON(t *testing.T) {
	s := newSite(theDay())
	h := handler(t, s.options())
	expect := func(method, path, body string, status int, sentence string, set ...func(*http.Request)) {
		t.Helper()
		answer, text := ask(t, h, method, path, body, set...)
		var got struct{ Error string }
		if err := json.Unmarshal([]byte(text), &got); err != nil || answer.StatusCode != status || !strings.Contains(got.Error, sentence) {
			t.Errorf("%s %s: %s %s (%v), want %d %q", method, path, answer.Status, text, err, status, sentence)
		}
	}
	asJSON := func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }
	expect("GET", "/api/v1/nowhere", "", 404, "There is no such page.")
	expect("GET", "/api/v1/incidents/77", "", 404, "There is no incident 77.")
	expect("GET", "/api/v1/incidents?open=maybe", "", 400, "true or false")
	expect("GET", "/api/v1/incidents?limit=-1", "", 400, "limit")
	expect("GET", "/api/v1/journal?after=x", "", 400, "after")
	expect("DELETE", "/api/v1/view", "", 405, "GET")
	expect("POST", "/api/v1/brake/release", "", 400, "Say who you are")
	expect("POST", "/api/v1/brake/release", `{"who":"alice"}`, 400, "unknown field", asJSON)
	expect("POST", "/api/v1/brake/release", `{"by":`, 400, "cannot be read", asJSON)
	expect("POST", "/api/v1/brake/release", "by="+strings.Repeat("x", 101), 400, "100 characters")
	expect("POST", "/api/v1/brake/release", "by=a%0Ab", 400, "one line")
	expect("POST", "/api/v1/brake/release", "by="+strings.Repeat("x", bodyLimit), 400, "too large")
	expect("POST", "/api/v1/brake/release", "x", 415, "application/json", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
	expect("POST", "/api/v1/incidents/10/approve", "by=alice", 400, "which action")
	expect("POST", "/api/v1/incidents/77/approve", "by=alice&action=x", 404, "no incident 77")
	expect("POST", "/api/v1/incidents/9/approve", "by=alice&action=x", 409, "closed")
	s.operator.err = errors.New("the brake is not latched")
	expect("POST", "/api/v1/brake/release", "by=alice", 409, "The brake is not latched.")
	s.view.Store(nil)
	expect("GET", "/api/v1/view", "", 503, "not looked")
	expect("GET", "/api/v1/pools", "", 503, "not looked")
}

func TestAPIDoesWhatAPersonAsksFor(t *testing.T) {
	s := newSite(theDay())
	h := handler(t, s.options())
	const action = "remap 198.51.100.21 from i-07 to i-08"
	post := func(path, body string) {
		t.Helper()
		answer, text := ask(t, h, http.MethodPost, path, body, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") })
		if answer.StatusCode != http.StatusOK || !strings.Contains(text, `"done"`) {
			t.Errorf("%s: %s %s", path, answer.Status, text)
		}
	}
	post("/api/v1/brake/release", `{"by": " alice "}`)
	post("/api/v1/incidents/10/approve", `{"by": "bob", "action": "`+action+`"}`)
	post("/api/v1/demo/break", `{"name": "lb-1", "fault": "kill"}`)
	post("/api/v1/demo/heal", `{"name": "lb-1"}`)
	if diff := cmp.Diff([]string{"release by alice", "10 " + action + " by bob"}, s.operator.did()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"break lb-1 kill", "heal lb-1"}, s.demo.did()); diff != "" {
		t.Error(diff)
	}
}

func TestFormsLeadBackToWhereTheyWere(t *testing.T) {
	s := newSite(time.Now())
	h := handler(t, s.options())
	for path, want := range map[string]string{"/brake/release": "/", "/incidents/10/approve": "/incidents/10", "/demo/break": "/demo", "/demo/heal": "/demo"} {
		answer, _ := ask(t, h, http.MethodPost, path, "by=alice&action=x&name=lb-1&fault=kill")
		if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != want {
			t.Errorf("%s: %s to %q", path, answer.Status, answer.Header.Get("Location"))
		}
	}
	s.operator.err = &failover.Refusal{Text: "the world has changed"}
	answer, page := ask(t, h, http.MethodPost, "/incidents/10/approve", "by=alice&action=x")
	if answer.StatusCode != http.StatusConflict {
		t.Errorf("refused: %s", answer.Status)
	}
	wants(t, part(t, page, "main"), "The world has changed.")
}
