package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rrwatch/failover"
)

// says expects one sentence, or more lines, of a command that ends so.
func (a answer) says(t *testing.T, code int, want ...string) {
	t.Helper()
	for _, w := range want {
		if a.code != code || !strings.Contains(a.out+a.err, w) {
			t.Errorf("exit %d, said:\n%s%s\nwant exit %d and %q", a.code, a.out, a.err, code, w)
		}
	}
}

// proposing is a whole rrwatch that proposes, and its site.
func proposing(t *testing.T) (w *world, file, url string) {
	t.Helper()
	at := freePort(t)
	w, file = newTestWorld(t, "127.0.0.1:0", at, "mode: act", "mode: propose")
	url = "http://" + at
	startedIn(t, filepath.Dir(file), url, "run", "--config", file)
	if !within(t, 20*time.Second, func() bool { return membersUp(t, url) == 3 }) {
		t.Fatal("the site is not watched")
	}
	return w, file, url
}

func view(t *testing.T, url string) failover.View {
	t.Helper()
	var v failover.View
	fetch(t, url+"/api/v1/view", &v)
	return v
}

func TestAPersonPausesAndResumesFromTheCommandLine(t *testing.T) {
	_, file, url := proposing(t)
	run := func(args ...string) answer { return rrwatch(t, append(args, "--config", file, "--by", "alice")...) }
	why := []string{"--for", "1h", "--why", "a new HAProxy"}
	run(append([]string{"pause", "www"}, why...)...).says(t, 0, "alice paused pool www until ", ": a new HAProxy\n")
	run("pause", "www", "127.113.0.11", "--until", "18:30", "--why", "x").says(t, 0, "alice paused www 127.113.0.11 until ", " 18:30 UTC")
	if !within(t, 5*time.Second, func() bool { return len(view(t, url).Pauses) == 2 }) {
		t.Errorf("pauses %v", view(t, url).Pauses)
	}
	run(append([]string{"pause", "wwww"}, why...)...).says(t, 1, "there is no pool wwww; did you mean www?")
	run(append([]string{"pause", "www", "127.113.0.99"}, why...)...).says(t, 1, "pool www has no member 127.113.0.99; ")
	run(append([]string{"pause", "www", "lb-2"}, why...)...).says(t, 1, "lb-2 is an instance; a member is named by its address: it carries 127.113.0.12 now")
	run("pause", "www", "--for", "soon", "--why", "x").says(t, 1, `refused: "soon" is no end; write how long (90m, 4h, 1d)`)
	run("pause", "www", "--for", "99d", "--why", "x").says(t, 1, "at most 31 days")
	run("resume", "all").says(t, 1, "all pools: that is not paused by itself; paused are pool www (by alice; `rrwatch resume www` ends it), www 127.113.0.11 (by alice; ")
	run("resume", "www").says(t, 0, "alice resumed pool www\n")
	run("resume", "www", "127.113.0.11").says(t, 0, "alice resumed www 127.113.0.11\n")
	if !within(t, 5*time.Second, func() bool { return len(view(t, url).Pauses) == 0 }) {
		t.Errorf("pauses %v", view(t, url).Pauses)
	}
	run("resume").says(t, 1, "nothing is paused")
	run("release-brake").says(t, 1, "refused: The brake is not latched")
}

func TestAPersonApprovesAndOverridesFromTheCommandLine(t *testing.T) {
	w, file, url := proposing(t)
	run := func(args ...string) answer { return rrwatch(t, append(args, "--config", file, "--by", "alice")...) }
	run("approve", "1").says(t, 1, "There is no incident 1")
	if err := w.site.Break("lb-1", "kill"); err != nil {
		t.Fatal(err)
	}
	incident := func(id int) (i failover.Incident) {
		fetch(t, fmt.Sprintf("%s/api/v1/incidents/%d", url, id), &i)
		return i
	}
	proposed := func(id int) func() bool { return func() bool { return incident(id).Proposal != nil } }
	if !within(t, 20*time.Second, proposed(1)) {
		t.Fatalf("nothing is proposed: %+v", incident(1))
	}
	unasked := run("approve", "1")
	unasked.says(t, 1, "Incident 1: 127.113.0.11 of www", "rrwatch proposes: remap 127.113.0.11 from lb-1 (i-0a1b2c01) to lb-4 (i-0a1b2c04)\n",
		"The proposal expires at ", "Approve as alice? [y/N]", "nothing was approved; answer y, or give --yes")
	run("override", "1", "blind", "--why", "x").says(t, 1, "refused: Blind: that guard does not hold this incident back now")
	c := program(t.Context(), t, "approve", "1", "--config", file, "--by", "alice")
	c.Stdin = strings.NewReader("y\n")
	ended(t, c).says(t, 0, "alice approved: remap 127.113.0.11 from lb-1")
	carried := func(n int, by string) func() bool {
		return func() bool { return pool(t, url).Members[n].Carrier.Name == by }
	}
	if !within(t, 20*time.Second, carried(0, "lb-4")) {
		t.Fatalf("carried by %s", pool(t, url).Members[0].Carrier.Name)
	}
	if err := w.site.Break("lb-2", "kill"); err != nil {
		t.Fatal(err)
	}
	if !within(t, 20*time.Second, proposed(2)) {
		t.Fatalf("nothing is proposed: %+v", incident(2))
	}
	run("override", "2", "mode", "--why", "nobody else is awake").says(t, 0, "alice overrides the guard mode for incident 2: nobody else is awake")
	if !within(t, 20*time.Second, carried(1, "lb-5")) {
		t.Fatalf("carried by %s", pool(t, url).Members[1].Carrier.Name)
	}
	if !within(t, 20*time.Second, func() bool { return !incident(1).Open() }) {
		t.Fatal("incident 1 is open")
	}
	run("approve", "1", "--yes").says(t, 1, "incident 1 is closed, so nothing is left to approve: 127.113.0.11 is served again")
}

func TestPeoplesMistakesGiveOneClearSentence(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no end":                 {[]string{"pause", "www", "--why", "x"}, "say for how long, such as --for 1h"},
		"two ends":               {[]string{"pause", "--why", "x", "--for", "1h", "--until", "18:30"}, "give one of them"},
		"no reason":              {[]string{"pause", "www", "--for", "1h"}, "say why"},
		"too many words":         {[]string{"pause", "www", "1.2.3.4", "x"}, "write it as in: rrwatch pause www --for 1h"},
		"no incident":            {[]string{"approve"}, "write it as in: rrwatch approve 12"},
		"no number":              {[]string{"approve", "www", "--by", "a"}, "www is no incident: write its number"},
		"no guard":               {[]string{"override", "12"}, "write it as in: rrwatch override 12 cool-down"},
		"an unknown guard":       {[]string{"override", "12", "cooldown", "--why", "x"}, "there is no guard cooldown; did you mean cool-down?"},
		"what must always hold":  {[]string{"override", "12", "last-healthy", "--why", "x"}, "cannot be overridden: a published name never loses its last healthy address"},
		"nothing to do instead":  {[]string{"override", "12", "no-remedy", "--why", "x"}, "there is nothing that rrwatch could do instead"},
		"no reason to override":  {[]string{"override", "12", "blind"}, "say why"},
		"a name that has none":   {[]string{"release-brake", "--by", "a:b"}, "a name has no colon"},
		"nobody":                 {[]string{"release-brake"}, "say who you are: --by NAME"},
		"no rrwatch runs":        {[]string{"release-brake", "--by", "a"}, "no rrwatch runs at http://127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused; start it with `rrwatch run`"},
		"no rrwatch to pause":    {[]string{"pause", "--for", "1h", "--why", "x", "--by", "a"}, "no rrwatch runs at"},
		"an unknown flag of one": {[]string{"pause", "--fro", "1h"}, `unknown flag: --fro; "rrwatch pause --help" lists what there is`},
	} {
		t.Run(name, func(t *testing.T) {
			_, file := newTestWorld(t, "127.0.0.1:0", "127.0.0.1:1")
			a := rrwatch(t, append(c.args, "--config", file)...)
			a.says(t, 1, c.want)
			if strings.Count(a.err, "\n") != 1 {
				t.Errorf("said more than one sentence:\n%s", a.err)
			}
		})
	}
}

// pretending is a configuration whose rrwatch is this handler.
func pretending(t *testing.T, password string, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	web := strings.TrimPrefix(server.URL, "http://")
	if password != "" {
		secret := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
		web += `", password_file: "` + secret
	}
	_, file := newTestWorld(t, "127.0.0.1:0", web)
	return file
}

func TestThePersonLogsInWithTheirName(t *testing.T) {
	var user, given, path string
	file := pretending(t, "correct horse", func(w http.ResponseWriter, r *http.Request) {
		user, given, _ = r.BasicAuth()
		path = r.URL.Path
		if given != "correct horse" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		fmt.Fprint(w, `{"done": "the brake was released by alice"}`)
	})
	c := program(t.Context(), t, "release-brake", "--config", file)
	c.Env = append(c.Env, "USER=root", "SUDO_USER=alice")
	ended(t, c).says(t, 0, "the brake was released by alice\n")
	if user != "alice" || given != "correct horse" || path != "/api/v1/brake/release" {
		t.Errorf("asked %s as %q with %q", path, user, given)
	}
}

func TestAnotherPasswordOrAnotherServerIsNamed(t *testing.T) {
	refuses := pretending(t, "wrong", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	a := rrwatch(t, "release-brake", "--by", "alice", "--config", refuses)
	a.says(t, 1, "has another password than web.password of this file")
	if strings.Contains(a.err, "wrong") {
		t.Errorf("the password is told: %s", a.err)
	}
	other := pretending(t, "", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })
	rrwatch(t, "release-brake", "--by", "alice", "--config", other).says(t, 1, "answered 200 OK, but not as rrwatch does")
}
