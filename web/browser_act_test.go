package web

import (
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"rrwatch/failover"
)

// A person who fills in a form must not lose it to the page's next renewal.
func TestABrowserPausesByAFormThatStaysUnfolded(t *testing.T) {
	ctx := browser(t)
	s := newSite(time.Now())
	url := serve(t, s.options())
	tabCtx, said := tab(ctx, t, 390, 844, false)
	err := chromedp.Do(tabCtx, chromedp.Navigate(url+"/"), chromedp.Evaluate[chromedp.Void](`document.getElementById("pause-all-details").open = true`),
		chromedp.SendKeys(chromedp.ID("pause-all-why"), "a deployment"))
	if err != nil {
		t.Fatal(err)
	}
	s.journal.append(failover.Entry{At: time.Now(), Kind: failover.Noted, Text: "a fresh sentence"})
	until(tabCtx, t, `document.getElementById("journal").textContent.includes("a fresh sentence")`)
	until(tabCtx, t, `document.getElementById("pause-all-details").open && document.getElementById("pause-all-why").value === "a deployment"`)
	if err := chromedp.Do(tabCtx, chromedp.SendKeys(chromedp.ID("pause-all-by"), "alice\r")); err != nil {
		t.Fatal(err)
	}
	acted(t, s, "pause all pools for 1h0m0s by alice: a deployment", said)
}

func TestABrowserOverridesAGuardAndResumes(t *testing.T) {
	ctx := browser(t)
	s := judgedSite(time.Now())
	url := serve(t, s.options())
	tabCtx, said := tab(ctx, t, 1280, 860, false)
	err := chromedp.Do(tabCtx, chromedp.Navigate(url+"/incidents/11"), chromedp.Evaluate[chromedp.Void](`document.getElementById("break-cool-down").open = true`),
		chromedp.SendKeys(chromedp.ID("break-cool-down-why"), "another cause"), chromedp.SendKeys(chromedp.ID("break-cool-down-by"), "carol\r"))
	if err != nil {
		t.Fatal(err)
	}
	acted(t, s, "override cool-down for 11 by carol: another cause", said)
	until(tabCtx, t, `location.pathname === "/incidents/11" && document.getElementById("paused-all-by") !== null`)
	if err := chromedp.Do(tabCtx, chromedp.Click(chromedp.CSS("#paused-all-ask summary")), chromedp.SendKeys(chromedp.ID("paused-all-by"), "bob\r")); err != nil {
		t.Fatal(err)
	}
	acted(t, s, "resume all pools by bob", said)
}

// acted waits until a person's order has come.
func acted(t *testing.T, s *site, want string, said *complaints) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !slices.Contains(s.operator.did(), want) {
		select {
		case <-deadline:
			t.Fatalf("did %q, want %q; console: %s", s.operator.did(), want, said.list())
		case <-tick.C:
		}
	}
}
