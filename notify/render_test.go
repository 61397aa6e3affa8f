package notify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"rrwatch/failover"
	"rrwatch/probe"
)

const base = "https://rr.example"

func TestMessagesReadAsWritten(t *testing.T) {
	withdrawn := step1(33, failover.ActionEnded, "203.0.113.1 has left the answers", withdrawal(failover.Proven))
	for name, m := range map[string]Message{
		"opened":    Render(of(opened()), base),
		"held":      Render(of(opened(), diagnosed(), heldBack()), base),
		"acting":    Render(of(opened(), diagnosed(), begun(), applied()), base),
		"closed":    Render(of(opened(), diagnosed(), begun(), applied(), proven(), closed()), base),
		"withdrawn": Render(of(opened(), diagnosed(), withdrawn), base),
		"unproven":  Render(of(opened(), diagnosed(), begun(), applied(), unproven()), base),
		"brake":     RenderShout(latched(), base),
		"step":      RenderStep(of(opened(), heldBack()), heldBack(), base),
		"no-link":   Render(of(opened()), ""),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, m.Text+"\n"+m.Colour+"\n"+blockTexts(m.Blocks)+"\n") })
	}
}

func TestAReplyHasALineForEachStep(t *testing.T) {
	steps := []failover.Entry{opened(), diagnosed(), heldBack(), begun(), applied(), unproven(), closed()}
	for n := range steps {
		steps[n].Seq = int64(n + 1)
	}
	text, told := replyText(steps)
	golden(t, "reply", text+"\n")
	if told != 7 {
		t.Errorf("told up to %d, want 7", told)
	}
}

// golden compares with testdata; UPDATE_GOLDEN=1 writes what is.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; UPDATE_GOLDEN=1 go test writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}

func TestTextsFromElsewhereCallNobodyAndLinkNowhere(t *testing.T) {
	e := opened()
	e.Opening.Evidence[0].Detail = "<!channel> <https://evil.example|log in>\nand a second line & more"
	e.Text, e.Pool = "<!here>", "<@U1>"
	i := of(e)
	i.Outcome, i.Closed = "<!everyone>", at(9)
	m := Render(i, base)
	whole := m.Text + blockTexts(m.Blocks) + RenderShout(e, base).Text
	for _, bad := range []string{"<!", "<@", "<https://evil", "\nand"} {
		if strings.Contains(whole, bad) {
			t.Errorf("%q is in the message:\n%s", bad, whole)
		}
	}
	if want := "&lt;!channel&gt; &lt;https://evil.example|log in&gt; and a second line &amp; more"; !strings.Contains(whole, want) {
		t.Errorf("%q is not in the message:\n%s", want, whole)
	}
}

func TestHugeIncidentsFitIntoSlacksLimits(t *testing.T) {
	long := strings.Repeat("&ü", 5000)
	i := of(opened(), diagnosed())
	i.Outcome = long
	for range 60 {
		i.Held = append(i.Held, failover.Hold{Remedy: failover.RemedyRemap, Guard: failover.Guard(long), Text: long, Action: long})
		i.Diagnosis.Evidence = append(i.Diagnosis.Evidence, long)
		i.Actions = append(i.Actions, failover.Action{Kind: failover.KindRemap, Member: addr(), Detail: long, Status: failover.Proven})
		i.Opening.Evidence = append(i.Opening.Evidence, probe.Result{Answer: probe.Answer{Verdict: probe.Fail, Detail: long, Reason: probe.Reason(long)}})
	}
	m := Render(i, base)
	if n := len(m.Text); n == 0 || n > 4000 {
		t.Errorf("the title has %d bytes", n)
	}
	if len(m.Blocks) > 50 {
		t.Errorf("%d blocks, Slack takes 50", len(m.Blocks))
	}
	for _, b := range m.Blocks {
		if s, ok := b.(*slack.SectionBlock); ok {
			if err := s.Text.Validate(); err != nil {
				t.Errorf("%v: %.80s", err, s.Text.Text)
			}
		}
	}
}

func TestALongHistoryIsToldInSeveralReplies(t *testing.T) {
	var steps []failover.Entry
	for n := range 40 {
		e := entry(float64(n), failover.Noted, strings.Repeat("x", 300))
		e.Seq = int64(n + 1)
		steps = append(steps, e)
	}
	lines, replies := 0, 0
	for len(steps) > 0 {
		text, told := replyText(steps)
		if len(text) > section {
			t.Fatalf("a reply has %d bytes", len(text))
		}
		lines += strings.Count(text, "\n") + 1
		replies++
		steps = steps[told-steps[0].Seq+1:]
	}
	if lines != 40 || replies < 4 {
		t.Errorf("%d lines in %d replies, want 40 in some", lines, replies)
	}
}

func TestSpansReadAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 ms", 350 * time.Millisecond: "350 ms", 4200 * time.Millisecond: "4.2 s",
		125 * time.Second: "2 min 5 s", 90 * time.Minute: "1 h 30 min",
		999_900 * time.Microsecond: "1.0 s", 59_960 * time.Millisecond: "1 min 0 s",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%s) = %q, want %q", d, got, want)
		}
	}
}
