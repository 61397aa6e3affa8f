package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
)

func TestTheDemoMendsOneOutageAndSaysSo(t *testing.T) {
	t.Parallel()
	a := rrwatch(t, "demo", "--once")
	for _, want := range []string{"proven from outside", "detect", "propagate", "requests failed"} {
		if !strings.Contains(a.out, want) {
			t.Errorf("the demo does not print %q", want)
		}
	}
	if a.code != 0 || a.err != "" {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
}

func TestTheDemosFiguresAddUp(t *testing.T) {
	t.Parallel()
	a := rrwatch(t, "demo", "--once", "--json")
	var f figures
	if err := json.Unmarshal([]byte(a.out), &f); err != nil || a.code != 0 {
		t.Fatalf("exit %d, %v\n%s%s", a.code, err, a.out, a.err)
	}
	if !f.Served || f.KillToCall <= 0 || f.KillToServed < f.KillToCall || f.Failed == 0 || f.Requests <= f.Failed || f.Clock["detect"] <= 0 {
		t.Errorf("got %+v", f)
	}
}

// started starts a program and waits until its pages answer.
func started(t *testing.T, url string, args ...string) {
	t.Helper()
	startedIn(t, t.TempDir(), url, args...)
}

// startedIn is started in a folder; it returns what the program has logged.
func startedIn(t *testing.T, dir, url string, args ...string) (log func() string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := program(ctx, t, args...)
	c.Dir = dir
	errs := &lockedBuffer{}
	c.Stderr = errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = c.Wait()
		if code := c.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit %d after an interrupt\n%s", code, errs)
		}
	})
	if !within(t, 30*time.Second, func() bool { return get(t, url+"/healthz") == http.StatusOK }) {
		t.Fatalf("no answer at %s\n%s", url, errs)
	}
	return errs.String
}

// lockedBuffer is written by a process and read while it runs.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func within(t *testing.T, d time.Duration, so func() bool) bool {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		if so() {
			return true
		}
		if !wait(t.Context(), 20*time.Millisecond) {
			return false
		}
	}
	return false
}

func get(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

func fetch(t *testing.T, url string, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestTheDemoIsBrokenAndHealedByHand(t *testing.T) {
	at := freePort(t)
	url := "http://" + at
	started(t, url, "demo", "--listen", at)
	if !within(t, 30*time.Second, func() bool { return membersUp(t, url) == 3 }) {
		t.Fatal("the site is not watched")
	}
	if a := rrwatch(t, "demo", "break", "lb-9", "kill", "--url", url); a.code != 1 || !strings.Contains(a.err, "lb-9") {
		t.Errorf("an unknown instance was broken: exit %d\n%s", a.code, a.err)
	}
	if a := rrwatch(t, "demo", "break", "lb-2", "smash", "--url", url); a.code != 1 || !strings.Contains(a.err, "kill, hang, 503, slow or stop") {
		t.Errorf("an unknown fault was taken: exit %d\n%s", a.code, a.err)
	}
	if a := rrwatch(t, "demo", "break", "lb-2", "503", "--url", url); a.code != 0 {
		t.Fatalf("exit %d\n%s", a.code, a.err)
	}
	if !within(t, 30*time.Second, func() bool { return pool(t, url).Members[1].Carrier.Name == "lb-5" }) {
		t.Error("the address was not moved to lb-5")
	}
	if a := rrwatch(t, "demo", "heal", "lb-2", "--url", url); a.code != 0 {
		t.Errorf("exit %d\n%s", a.code, a.err)
	}
}

// The daemon as it is run for real, on a site that loses all its standbys: the
// address is withdrawn from DNS, and restored when it has recovered.
func TestRunWithdrawsAndRestoresAnAddress(t *testing.T) {
	at := freePort(t)
	w, file := newTestWorld(t, "127.0.0.1:0", at, "interval: 1s", "interval: 250ms", "timeout: 1s", "timeout: 250ms",
		"cooldown: 20s", "cooldown: 1s", "restore_after: 10s", "restore_after: 500ms", "level: warn", "level: debug")
	started(t, "http://"+at, "run", "--config", file)
	for _, lb := range []string{"lb-4", "lb-5"} {
		if err := w.site.Break(lb, "kill"); err != nil {
			t.Fatal(err)
		}
	}
	weight := func() int64 { return *w.aws.Records("www.example.com", "A")[0].Weight }
	url := "http://" + at
	member := func() failover.MemberView { return pool(t, url).Members[0] }
	if !within(t, 20*time.Second, func() bool { return membersUp(t, url) == 3 && spareDown(t, url) == 2 }) {
		t.Fatal("the site is not watched")
	}
	if err := w.site.Break("lb-1", "kill"); err != nil {
		t.Fatal(err)
	}
	if !within(t, 30*time.Second, func() bool { return weight() == 0 && member().Withdrawn }) {
		t.Fatal("the address was not withdrawn")
	}
	if err := w.site.Heal("lb-1"); err != nil {
		t.Fatal(err)
	}
	if !within(t, 40*time.Second, func() bool { return weight() == 10 && member().Incident == 0 }) {
		t.Fatal("the address was not restored as it was")
	}
	var i failover.Incident
	fetch(t, url+"/api/v1/incidents/1", &i)
	if len(i.Actions) != 2 || i.Actions[0].Status != failover.Proven || i.Actions[1].Status != failover.Proven || i.Open() {
		t.Errorf("got %+v", i)
	}
	if a := rrwatch(t, "plan", "--config", file); a.code != 0 || a.out != "pool www: nothing to do\n" || a.err != "" {
		t.Errorf("the plan of the running rrwatch: exit %d\n%s%s", a.code, a.out, a.err)
	}
	if a := rrwatch(t, "run", "--config", file); a.code != 1 || !strings.Contains(a.err, filepath.Base(file[:len(file)-5])) {
		t.Errorf("a second rrwatch on the same database: exit %d\n%s", a.code, a.err)
	}
}

// pool is the only pool of the running rrwatch.
func pool(t *testing.T, url string) failover.PoolView {
	t.Helper()
	var v failover.View
	fetch(t, url+"/api/v1/view", &v)
	if len(v.Pools) == 0 {
		return failover.PoolView{}
	}
	return v.Pools[0]
}

func membersUp(t *testing.T, url string) int {
	t.Helper()
	n := 0
	for _, m := range pool(t, url).Members {
		if m.State == monitor.Up {
			n++
		}
	}
	return n
}

func spareDown(t *testing.T, url string) int {
	t.Helper()
	n := 0
	for _, s := range pool(t, url).Spare {
		if s.State == monitor.Down {
			n++
		}
	}
	return n
}

func TestSiteOnlyWritesAConfigurationThatWorks(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	file := filepath.Join(t.TempDir(), "rrwatch.yaml")
	c := program(ctx, t, "demo", "--site-only", "--config-out", file)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = c.Wait()
	}()
	if !within(t, 10*time.Second, func() bool {
		text, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(text), "restore_after")
	}) {
		t.Fatal("no configuration was written")
	}
	if a := rrwatch(t, "probe", "--config", file); a.code != 0 {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
}
