package web

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"rrwatch/failover"
	"rrwatch/monitor"
)

// parse reads a page as a browser does.
func parse(t *testing.T, page string) *html.Node {
	t.Helper()
	n, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// words is all text below a node, with single spaces.
func words(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// row is the text of the table row that begins with the given words.
func row(t *testing.T, page, begins string) string {
	t.Helper()
	for n := range parse(t, page).Descendants() {
		if n.Type == html.ElementNode && n.Data == "tr" && strings.HasPrefix(words(n), begins) {
			return words(n)
		}
	}
	t.Fatalf("no row begins with %q", begins)
	return ""
}

// part is the text of the element with that id.
func part(t *testing.T, page, id string) string {
	t.Helper()
	for n := range parse(t, page).Descendants() {
		if attr(n, "id") == id {
			return words(n)
		}
	}
	t.Fatalf("no element has the id %q", id)
	return ""
}

func get(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	answer, body := ask(t, h, http.MethodGet, path, "")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s\n%s", path, answer.Status, body)
	}
	return body
}

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is missing in:\n%s", p, text)
		}
	}
}

func TestOverviewSaysOfEachMemberWhatAnOperatorAsks(t *testing.T) {
	page := get(t, handler(t, newSite(time.Now()).options()), "/")
	wants(t, row(t, page, upAddr), "up for 3 d 4 h", "lb-1", "i-0a1b2c301", "eu-central-1a", "weight 10", "https pass 12 ms", "tcp pass")
	wants(t, row(t, page, suspectAddr), "suspect", "status", "answered 503, expected 200", "down after 1 more fail")
	wants(t, row(t, page, downAddr), "down", "incident 12", "refused", "connect: connection refused", "up after 2 more passes")
	wants(t, row(t, page, withdrawnAddr), "up", "withdrawn", "incident 11", "weight 0", "not in the answers")
	wants(t, row(t, page, "198.51.100.22"), "no Elastic IP of this account", "one of 2 values")
	wants(t, row(t, page, "lb-5"), "ready", "asked at 10.0.1.5")
	wants(t, row(t, page, "lb-6"), "not a standby", "the instance is stopped")
	wants(t, part(t, page, "pool-www"), "do remap 203.0.113.13 from i-0a1b2c303 to i-0a1b2c305", "cool-down", "would otherwise restore 203.0.113.14", "act")
	wants(t, part(t, page, "pool-api"), "propose", "2 warnings, 1 piece of advice", "There is no instance that could take over")
	wants(t, part(t, page, "site-headline"), "2 of 6 members are down", "www 203.0.113.13, api 198.51.100.21", "1 suspect")
	wants(t, part(t, page, "journal"), "the load balancer on lb-3 is dead", "started")
}

func TestOverviewWarnsOfWhatHoldsEverything(t *testing.T) {
	now := time.Now()
	s := newSite(now)
	v := s.view.Load()
	v.Blind, v.NoRecord, v.At = "2 of 2 references do not answer", "the disk is full", now.Add(-time.Minute)
	v.Brake = &failover.Brake{Latched: now, Why: "7 actions within an hour"}
	v.Pools[0].Maintenance, v.Pools[0].Trouble = now.Add(time.Hour), "AWS does not answer"
	page := get(t, handler(t, s.options()), "/")
	wants(t, part(t, page, "banner-blind"), "blind", "2 of 2 references do not answer")
	wants(t, part(t, page, "banner-record"), "nothing is changed", "the disk is full")
	wants(t, part(t, page, "banner-stale"), "1 min old")
	wants(t, part(t, page, "banner-brake"), "latched", "7 actions within an hour", "Your name")
	wants(t, part(t, page, "pool-www"), "Maintenance until", "AWS does not answer")
}

func TestOverviewIsCalmWhenAllIsWell(t *testing.T) {
	s := newSite(time.Now())
	s.view.Store(calmView(time.Now()))
	page := get(t, handler(t, s.options()), "/")
	wants(t, part(t, page, "site-headline"), "All members are up", "3 of 3 members up", "1 standby")
	wants(t, part(t, page, "pool-www"), "Nothing to do.")
	if strings.Contains(page, `class="count"`) || strings.Contains(page, "banner") {
		t.Error("a calm page shows an alarm")
	}
}

func TestOverviewIsShownBeforeTheFirstLook(t *testing.T) {
	s := newSite(time.Now())
	s.view.Store(nil)
	wants(t, part(t, get(t, handler(t, s.options()), "/"), "main"), "rrwatch has not looked yet", "after the first look")
}

func TestOverviewIsShownWhenTheJournalCannotBeRead(t *testing.T) {
	s := newSite(time.Now())
	s.journal.fail(errors.New("disk I/O error"))
	page := get(t, handler(t, s.options()), "/")
	wants(t, part(t, page, "journal"), "The journal cannot be read.", "disk I/O error")
	wants(t, row(t, page, downAddr), "refused")
}

func TestIncidentsListsTheOpenOnesFirstAndPages(t *testing.T) {
	now := time.Now()
	s := newSite(now)
	for id := int64(100); id < 161; id++ {
		i := s.journal.incidents[0]
		i.ID = id
		s.journal.incidents = append(s.journal.incidents, i)
	}
	h := handler(t, s.options())
	page := get(t, h, "/incidents")
	wants(t, part(t, page, "open"), "12 203.0.113.13", "11 203.0.113.14", "10 198.51.100.21", "a person must approve it")
	closed := part(t, page, "closed")
	wants(t, closed, "160 203.0.113.11", "111 203.0.113.11", "served again by lb-1", "11.2 s")
	if strings.Contains(closed, "110 203") {
		t.Error("the first page lists more than its length")
	}
	wants(t, page, `href="/incidents?before=111"`)
	page = get(t, h, "/incidents?before=111")
	wants(t, part(t, page, "closed"), "110 203", "9 203.0.113.11")
	if strings.Contains(page, `id="open"`) || strings.Contains(page, "Older") {
		t.Error("the last page lists open incidents or leads on")
	}
}

func TestIncidentTellsTheWholeOutage(t *testing.T) {
	page := get(t, handler(t, newSite(time.Now()).options()), "/incidents/9")
	wants(t, part(t, page, "site-headline"), "Incident 9 is closed", upAddr, "served again by lb-1 after 11.2 s")
	wants(t, part(t, page, "cause"), "the load balancer on the instance", "port 443 refuses")
	wants(t, part(t, page, "clock"), "11.2 s", "detect 1.20 s", "decide 100 ms", "api 1.20 s", "propagate 6.70 s", "verify 2.00 s")
	wants(t, part(t, page, "actions"), "remap 203.0.113.11", "proven", "+1.20 s", "+7.90 s", "+9.90 s")
	wants(t, part(t, page, "timeline"), "opened", "AWS accepted it", "closed", "+11.2 s")
	wants(t, part(t, page, "evidence"), "refused", "connect: connection refused", "−800 ms")
}

func TestIncidentAsksForApprovalOnlyInProposeMode(t *testing.T) {
	s := newSite(time.Now())
	h := handler(t, s.options())
	page := get(t, h, "/incidents/10")
	wants(t, part(t, page, "approve"), "rrwatch proposes to remap 198.51.100.21 from i-07 to i-08.", "Your name", "Approve")
	wants(t, part(t, page, "held"), "mode", "last-healthy", "the name would lose its last healthy address")
	if strings.Count(page, "/approve") != 1 {
		t.Error("an action that another guard holds can be approved")
	}
	s.view.Load().Pools[1].Policy.Mode = failover.Observe
	if strings.Contains(get(t, h, "/incidents/10"), "/approve") {
		t.Error("an action can be approved in observe mode")
	}
}

func TestPagesLetNoForeignTextBecomeMarkup(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	s := newSite(time.Now())
	v := s.view.Load()
	p := &v.Pools[0]
	p.Lints, p.Drifts = []failover.Lint{{Name: failover.LintName(evil), Severity: failover.Severity(evil), Sentence: evil}}, []failover.Advisory{{Text: evil}}
	p.Trouble, p.Record = evil, evil
	p.Members[0].Carrier.Name, p.Members[0].Set.Identifier = evil, evil
	p.Members[0].Checks[0].Health.Last.Detail, p.Members[0].Checks[0].Name = evil, evil
	p.Spare[0].Name, p.Spare[1].Why, p.Plan.Held[0].Text = evil, evil, evil
	v.Blind, v.Vantage, v.Brake = evil, evil, &failover.Brake{Why: evil}
	i := &s.journal.incidents[1]
	i.Diagnosis.Evidence, i.Held[0].Action, i.Notes[0].Text, i.Outcome, i.Pool = []string{evil}, evil, evil, evil, "api"
	s.journal.append(failover.Entry{At: time.Now(), Kind: failover.Noted, Text: evil})
	h := handler(t, s.options())
	for _, path := range []string{"/", "/incidents", "/incidents/10", "/demo"} {
		page := get(t, h, path)
		for n := range parse(t, page).Descendants() {
			if n.Data == "script" && n.Type == html.ElementNode && attr(n, "src") == "" || attr(n, "onerror") != "" {
				t.Errorf("%s: foreign text has become markup", path)
			}
		}
		if path != "/demo" {
			wants(t, page, "&lt;script&gt;")
		}
	}
}

func TestPagesAreAccessibleAndNeedNoInlineStyle(t *testing.T) {
	h := handler(t, judgedSite(time.Now()).options())
	for _, path := range []string{"/", "/incidents", "/incidents/9", "/incidents/10", "/incidents/11", "/incidents/13", "/pools/www", "/guards", "/demo"} {
		seen := map[string]bool{}
		landmarks := map[string]int{}
		for n := range parse(t, get(t, h, path)).Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			landmarks[n.Data]++
			if id := attr(n, "id"); id != "" {
				if seen[id] {
					t.Errorf("%s: two elements have the id %q", path, id)
				}
				seen[id] = true
			}
			if attr(n, "style") != "" || n.Data == "style" {
				t.Errorf("%s: an inline style, which the policy forbids", path)
			}
			if n.Data == "th" && attr(n, "scope") == "" {
				t.Errorf("%s: a table header without scope: %s", path, words(n))
			}
			if n.Data == "time" && attr(n, "datetime") == "" {
				t.Errorf("%s: a time without datetime: %s", path, words(n))
			}
			if n.Data == "input" && attr(n, "type") != "hidden" && !labelled(t, h, path, attr(n, "id")) {
				t.Errorf("%s: an input without a label: %s", path, attr(n, "id"))
			}
			if n.Data == "svg" && attr(n, "aria-hidden") != "true" {
				t.Errorf("%s: a picture that is read out", path)
			}
		}
		if landmarks["main"] != 1 || landmarks["header"] < 1 || landmarks["nav"] < 1 || landmarks["footer"] != 1 || landmarks["h1"] != 1 {
			t.Errorf("%s: landmarks %v", path, landmarks)
		}
	}
}

func TestDemoPanelOffersWhatCanBeDone(t *testing.T) {
	s := newSite(time.Now())
	page := get(t, handler(t, s.options()), "/demo")
	wants(t, row(t, page, "lb-1"), "well", "127.113.0.11", "kill", "hang", "503", "slow", "stop")
	wants(t, row(t, page, "lb-2"), "kill", "heal")
	wants(t, row(t, page, "lb-3"), "nothing: a standby")
	o := s.options()
	o.Demo = nil
	h := handler(t, o)
	if answer, _ := ask(t, h, http.MethodGet, "/demo", ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("without a demo /demo answers %s", answer.Status)
	}
	if strings.Contains(get(t, h, "/"), "/demo") {
		t.Error("without a demo the pages lead to it")
	}
}

func TestErrorsArePagesWithASentence(t *testing.T) {
	s := newSite(time.Now())
	h := handler(t, s.options())
	for path, want := range map[string]string{
		"/nowhere": "There is no such page.", "/incidents/999": "There is no incident 999.", "/incidents/x": "named by its number",
		"/incidents?before=x": "The parameter before must be a whole number",
	} {
		answer, page := ask(t, h, http.MethodGet, path, "")
		if answer.StatusCode < 400 {
			t.Errorf("%s: %s", path, answer.Status)
		}
		wants(t, part(t, page, "main"), want)
	}
	answer, page := ask(t, h, http.MethodPost, "/incidents", "")
	if answer.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(answer.Header.Get("Allow"), "GET") {
		t.Errorf("POST /incidents: %s, Allow %q", answer.Status, answer.Header.Get("Allow"))
	}
	wants(t, part(t, page, "main"), "answers GET, HEAD only")
	s.journal.fail(errors.New("disk I/O error"))
	if answer, page = ask(t, h, http.MethodGet, "/incidents", ""); answer.StatusCode != http.StatusInternalServerError {
		t.Errorf("a broken journal: %s", answer.Status)
	}
	wants(t, part(t, page, "main"), "Could not list the open incidents: disk I/O error.")
}

func TestHeadlineSaysTheWorstFirst(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		change func(*failover.PoolView)
		want   string
		tone   tone
	}{
		"all up":      {func(*failover.PoolView) {}, "All members are up", good},
		"one down":    {func(p *failover.PoolView) { p.Members[1].State = monitor.Down }, "www 203.0.113.12 is down", bad},
		"one suspect": {func(p *failover.PoolView) { p.Members[0].Checks[0].Health.Fails = 1 }, "www 203.0.113.11 is suspect", warn},
		"one unknown": {func(p *failover.PoolView) { p.Members[2].State = monitor.Unknown }, "1 member not yet seen to answer", warn},
		"no members":  {func(p *failover.PoolView) { p.Members = nil }, "No member is known yet", warn},
	} {
		t.Run(name, func(t *testing.T) {
			v := calmView(now)
			for k := range v.Pools[0].Members { // each with checks of its own
				v.Pools[0].Members[k].Checks = append([]failover.CheckView(nil), v.Pools[0].Members[k].Checks...)
			}
			c.change(&v.Pools[0])
			if h := headlineOf(v); h.Text != c.want || h.Tone != c.tone {
				t.Errorf("got %q (%s), want %q (%s)", h.Text, h.Tone, c.want, c.tone)
			}
		})
	}
}

func TestDurationsReadAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 4900 * time.Millisecond: "4 s", 12 * time.Minute: "12 min",
		3*time.Hour + 5*time.Minute: "3 h 5 min", 3 * time.Hour: "3 h", 52 * time.Hour: "2 d 4 h",
	} {
		if got := long(d); got != want {
			t.Errorf("long(%v) = %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		420 * time.Microsecond: "0.42 ms", 12300 * time.Microsecond: "12 ms", 1310 * time.Millisecond: "1.31 s",
		11200 * time.Millisecond: "11.2 s", 95 * time.Second: "1 min 35 s",
	} {
		if got := short(d); got != want {
			t.Errorf("short(%v) = %q, want %q", d, got, want)
		}
	}
}
