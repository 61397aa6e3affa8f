package web

import (
	"context"
	"flag"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"rrwatch/failover"
	"rrwatch/monitor"
)

// browser starts one headless Chromium for a test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Chromium found: install the package chromium")
		}
		t.Skip("no Chromium found: install the package chromium to test the pages in a browser")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path))
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox) // Chromium refuses its sandbox to root
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}

// complaints collects what the page's console says.
type complaints struct {
	mu    sync.Mutex
	texts []string
}

func (c *complaints) list() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.texts)
}

// tab opens a tab of the given size whose console is listened to.
func tab(ctx context.Context, t *testing.T, width, height int64, dark bool) (context.Context, *complaints) {
	t.Helper()
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height)); err != nil {
		t.Fatal(err)
	}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		t.Fatal(err)
	}
	said := &complaints{}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			said.mu.Lock()
			said.texts = append(said.texts, string(m.Type)+": "+m.String())
			said.mu.Unlock()
		}
	}()
	return ctx, said
}

// until evaluates the expression until it is true.
func until(ctx context.Context, t *testing.T, expression string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("never became true: %s (%v)", expression, err)
		case <-tick.C:
		}
	}
}

func serve(t *testing.T, o Options) string {
	t.Helper()
	// Streams end with the server's context, as they do in the daemon.
	server := httptest.NewServer(handler(t, o))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

func TestPagesAreWholeInABrowserAtEverySize(t *testing.T) {
	ctx := browser(t)
	s := newSite(time.Now())
	s.view.Load().Brake = &failover.Brake{Latched: time.Now().Add(-time.Minute), Why: "7 actions within an hour; the budget is 6"}
	url := serve(t, s.options())
	calm := newSite(time.Now())
	calm.view.Store(calmView(time.Now()))
	calm.journal.incidents = calm.journal.incidents[:1]
	calmURL := serve(t, calm.options())
	unserved := newSite(time.Now())
	unserved.view.Store(unservedView(time.Now()))
	unservedURL := serve(t, unserved.options())
	judgedURL := serve(t, judgedSite(time.Now()).options())
	dir := ""
	if f := flag.Lookup("screenshots"); f != nil {
		dir = f.Value.String()
	}
	pages := map[string]string{
		"overview": url + "/", "incidents": url + "/incidents", "incident-closed": url + "/incidents/9",
		"judged": judgedURL + "/", "pool": judgedURL + "/pools/www", "guards": judgedURL + "/guards", "incident-planned": judgedURL + "/incidents/13",
		"wiring": url + "/pools/api", "incident-drained": serve(t, drainedSite(time.Now()).options()) + "/incidents/11",
		"incident-overridden": judgedURL + "/incidents/11",
		"incident-proposed":   judgedURL + "/incidents/10", "incident-open": url + "/incidents/12", "demo": url + "/demo", "error": url + "/incidents/999", "calm": calmURL + "/", "unserved": unservedURL + "/",
	}
	for _, size := range []struct {
		name          string
		width, height int64
		dark          bool
	}{{"desktop", 1280, 860, false}, {"dark", 1280, 860, true}, {"phone", 390, 844, false}, {"tablet", 800, 1000, false}} {
		for name, address := range pages {
			t.Run(size.name+" "+name, func(t *testing.T) {
				tabCtx, said := tab(ctx, t, size.width, size.height, size.dark)
				if err := chromedp.Do(tabCtx, chromedp.Navigate(address)); err != nil {
					t.Fatal(err)
				}
				if name != "error" && name != "guards" {
					until(tabCtx, t, `document.getElementById("live").dataset.state === "on"`)
				}
				wide, err := chromedp.Run(tabCtx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
				if err != nil || wide > 0 {
					t.Errorf("the page scrolls sideways by %d px (%v)", wide, err)
				}
				for _, line := range said.list() {
					if name != "error" || !strings.Contains(line, "404") {
						t.Errorf("console: %s", line)
					}
				}
				if dir != "" {
					shoot(tabCtx, t, filepath.Join(dir, name+"-"+size.name+".png"))
				}
			})
		}
	}
}

func shoot(ctx context.Context, t *testing.T, file string) {
	t.Helper()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o644); err != nil {
		t.Fatal(err)
	}
}

func calmView(now time.Time) *failover.View {
	v := richView(now)
	p := v.Pools[0]
	p.Members = p.Members[:1]
	for n, addr := range []string{suspectAddr, downAddr} {
		m := member(addr, 10, instance(n+2, "b"))
		m.State, m.Since, m.Checks = monitor.Up, now.Add(-5*time.Hour), p.Members[0].Checks[:1]
		p.Members = append(p.Members, m)
	}
	p.Plan = failover.Plan{Pool: "www", At: now}
	p.Endpoints, p.Advisories = p.Endpoints[:1], nil
	v.Pools = []failover.PoolView{p}
	return v
}

func TestABrowserSeesANewViewWithoutReloading(t *testing.T) {
	ctx := browser(t)
	s := newSite(time.Now())
	s.view.Store(calmView(time.Now()))
	s.view.Load().Brake = &failover.Brake{Latched: time.Now(), Why: "enough"}
	url := serve(t, s.options())
	tabCtx, said := tab(ctx, t, 1280, 860, false)
	if err := chromedp.Do(tabCtx, chromedp.Navigate(url+"/")); err != nil {
		t.Fatal(err)
	}
	until(tabCtx, t, `document.getElementById("live").dataset.state === "on"`)
	// What a person is typing must stay as the page changes under it.
	if err := chromedp.Do(tabCtx, chromedp.SendKeys(chromedp.ID("brake-by"), "ali"), chromedp.Evaluate[chromedp.Void](`window.same = 1`)); err != nil {
		t.Fatal(err)
	}
	worse := richView(time.Now())
	worse.Brake = s.view.Load().Brake
	s.view.Store(worse)
	until(tabCtx, t, `document.getElementById("headline").textContent.includes("are down")`)
	s.journal.append(failover.Entry{At: time.Now(), Kind: failover.Noted, Text: "a fresh sentence"})
	until(tabCtx, t, `document.getElementById("journal").textContent.includes("a fresh sentence")`)
	until(tabCtx, t, `window.same === 1 && document.getElementById("brake-by").value === "ali" && document.activeElement.id === "brake-by"`)
	until(tabCtx, t, `document.title.includes("are down")`)
	if list := said.list(); len(list) > 0 {
		t.Errorf("console: %s", list)
	}
}

func TestABrowserReleasesTheBrakeByAForm(t *testing.T) {
	ctx := browser(t)
	s := newSite(time.Now())
	s.view.Load().Brake = &failover.Brake{Latched: time.Now(), Why: "enough"}
	url := serve(t, s.options())
	tabCtx, said := tab(ctx, t, 390, 844, false)
	err := chromedp.Do(tabCtx, chromedp.Navigate(url+"/"), chromedp.SendKeys(chromedp.ID("brake-by"), "alice\r"))
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for len(s.operator.did()) == 0 {
		select {
		case <-deadline:
			t.Fatalf("the brake was not released; console: %s", said.list())
		case <-tick.C:
		}
	}
	if did := s.operator.did(); did[0] != "release by alice" {
		t.Errorf("did %q", did)
	}
	until(tabCtx, t, `location.pathname === "/"`)
}

func TestABrowserSaysThatTheServerIsGone(t *testing.T) {
	ctx := browser(t)
	s := newSite(time.Now())
	server := httptest.NewServer(handler(t, s.options()))
	tabCtx, _ := tab(ctx, t, 1280, 860, false)
	if err := chromedp.Do(tabCtx, chromedp.Navigate(server.URL+"/")); err != nil {
		t.Fatal(err)
	}
	until(tabCtx, t, `document.getElementById("live").dataset.state === "on"`)
	server.CloseClientConnections()
	server.Config.SetKeepAlivesEnabled(false)
	if err := server.Listener.Close(); err != nil {
		t.Fatal(err)
	}
	until(tabCtx, t, `!document.getElementById("offline").hidden && document.getElementById("offline").textContent.includes("What is shown is old")`)
}
