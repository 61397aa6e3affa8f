package notify

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
)

const move = "remap 203.0.113.1 from lb-1 (i-0a1) to lb-2 (i-0b2)"

func proposal(seconds float64) failover.Entry {
	e := entry(seconds, failover.Proposed, "proposed until 03:34 UTC: "+move)
	e.Proposal = &failover.Proposal{Action: move, At: at(seconds), Until: at(seconds + 1800)}
	return e
}

func waiting() failover.Entry {
	e := entry(1.2, failover.HeldBack, "held back: mode is propose: this waits for a person's approval (would "+move+")")
	e.Held = []failover.Hold{{Member: addr(), Guard: failover.GuardMode, Text: "mode is propose: this waits for a person's approval", Action: move}}
	return e
}

func proposalOver() failover.Entry {
	return entry(1801, failover.ProposalOver, "nobody answered the proposal in 30m0s: "+move)
}

func overridden() failover.Entry {
	e := entry(90, failover.Overridden, "carol overrides the guard cool-down for 15m0s: the second fault has another cause")
	e.By, e.Override = "carol", &failover.Override{Guard: failover.GuardCooldown, Why: "the second fault has another cause", By: "carol", At: at(90), Until: at(990)}
	return e
}

func flaps() failover.Entry {
	return entry(120, failover.Flapping, "203.0.113.1 comes and goes: it fell 4 times within 1h0m0s; nothing more is done until it is calm, and a person should look")
}

func calm() failover.Entry {
	return entry(4000, failover.Calm, "203.0.113.1 is calm: it fell 2 times within 1h0m0s")
}

func pause(kind failover.EntryKind, p failover.Pause, by, text string) failover.Entry {
	return failover.Entry{At: at(60), Kind: kind, Pool: p.Pool, Member: p.Member, By: by, Pause: &p, Text: text}
}

func paused() failover.Entry {
	return pause(failover.Paused, failover.Pause{Pool: "www"}, "alice", "alice paused pool www until 2026-11-21 04:05 UTC: a new HAProxy")
}

func goesBack() failover.Entry {
	e := entry(1, failover.Opened, "203.0.113.1 goes back to lb-1 (i-0a1), which has been healthy for 30m0s")
	e.Opening = &failover.Opening{Failback: true, Instance: "i-0b2", Zone: "eu-central-1a", SeenUp: true}
	return e
}

// returning is the first step back.
func returning() failover.Entry {
	a := withdrawal(failover.Proven)
	was := a.Reweigh.Shall
	a.ID, a.Kind, a.Reweigh.Was, a.Reweigh.Shall.Weight = 9, failover.KindRestore, was, new(int64(1))
	return step1(400, failover.ActionEnded, "203.0.113.1 has a part of its weight", a)
}

func TestJudgementReadsAsWritten(t *testing.T) {
	over := pause(failover.Resumed, failover.Pause{Pool: "www", Member: addr()}, "", "the pause of www 203.0.113.1 is over; alice had said: a new HAProxy")
	everything := pause(failover.Paused, failover.Pause{}, "alice", "alice paused all pools until 2026-11-21 04:05 UTC: the network is being rebuilt")
	arrived := closed()
	arrived.Text = "203.0.113.1 is carried by lb-1 (i-0a1) again"
	for name, m := range map[string]Message{
		"proposed":         Render(of(opened(), diagnosed(), waiting(), proposal(2)), base),
		"proposed-step":    RenderStep(of(opened(), proposal(2)), proposal(2), base),
		"overridden":       Render(of(opened(), diagnosed(), heldBack(), overridden()), base),
		"overridden-step":  RenderStep(of(opened(), overridden()), overridden(), base),
		"flapping":         Render(of(opened(), diagnosed(), flaps()), base),
		"flapping-step":    RenderStep(of(opened(), flaps()), flaps(), base),
		"paused":           RenderShout(paused(), base),
		"paused-all":       RenderShout(everything, ""),
		"resumed":          RenderShout(over, base),
		"planned":          Render(of(goesBack()), base),
		"planned-moving":   Render(of(goesBack(), begun(), applied()), base),
		"planned-done":     Render(of(goesBack(), begun(), applied(), proven(), arrived), base),
		"planned-unproven": Render(of(goesBack(), begun(), applied(), unproven()), base),
		"returning":        Render(of(opened(), diagnosed(), step1(33, failover.ActionEnded, "203.0.113.1 has left the answers", withdrawal(failover.Proven)), returning()), base),
		"planned-step":     RenderStep(of(goesBack(), begun(), applied(), proven(), arrived), arrived, base),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, m.Text+"\n"+m.Colour+"\n"+blockTexts(m.Blocks)+"\n") })
	}
}

func TestAReplyTellsWhatPeopleSaid(t *testing.T) {
	steps := []failover.Entry{waiting(), proposal(2), proposalOver(), overridden(), flaps(), calm()}
	for n := range steps {
		steps[n].Seq = int64(n + 1)
	}
	text, told := replyText(steps)
	golden(t, "reply-judgement", text+"\n")
	if told != int64(len(steps)) {
		t.Errorf("told up to %d, want %d", told, len(steps))
	}
}

func TestAPauseIsAMessageOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &workspace{}
		_, stop := following(t, newMemory(opened(), paused(), pause(failover.Resumed, failover.Pause{Pool: "www"}, "bob", "bob resumed pool www"), closed()), bubbled(s))
		time.Sleep(20 * time.Second)
		stop()
		got := s.mains()
		if len(got) != 3 || !strings.Contains(got[1].text, "*rrwatch is paused for pool www, and changes nothing there*") || !strings.Contains(got[2].text, "*The pause of pool www is over") {
			t.Errorf("%d messages: %v", len(got), got)
		}
	})
}

// A message that is changed rings nobody: what needs a person later is shown to
// the channel.
func TestWhatNeedsAPersonLaterIsShownToTheChannel(t *testing.T) {
	for name, c := range map[string]struct {
		later     failover.Entry
		broadcast bool
	}{
		"a proposal with the opening": {proposal(2), false},
		"a proposal later":            {proposal(1802), true},
		"flapping":                    {flaps(), true},
		"an override":                 {overridden(), false},
		"calm":                        {calm(), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, m := &workspace{}, newMemory(opened())
				_, stop := following(t, m, bubbled(s))
				time.Sleep(5 * time.Second)
				m.add(c.later)
				time.Sleep(5 * time.Second)
				stop()
				if got := s.replies(); len(got) != 1 || got[0].broadcast != c.broadcast {
					t.Errorf("replies %v, want broadcast %v", got, c.broadcast)
				}
			})
		})
	}
}

func TestAWebhookIsToldOfWhatAPersonMustDecide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &workspace{}
		teller := NewSlack(SlackOptions{Webhook: "http://slack.test" + webPath, HTTP: &http.Client{Transport: inMemory{s, 0}}})
		_, stop := following(t, newMemory(opened(), proposal(2), proposalOver(), overridden(), flaps(), calm()), teller)
		time.Sleep(time.Minute)
		stop()
		var told []string
		for _, m := range s.mains() {
			told = append(told, m.text)
		}
		all := strings.Join(told, "\n")
		if len(told) != 4 || !strings.Contains(all, "proposed until") || !strings.Contains(all, "carol overrides") || !strings.Contains(all, "comes and goes") {
			t.Errorf("%d messages:\n%s", len(told), all)
		}
	})
}

func TestWhatPeopleTypeCallsNobody(t *testing.T) {
	p := paused()
	p.Text, p.By, p.Pause.Pool = "<!channel>", "<@U1>", "<!here>"
	o := overridden()
	o.Override.Why, o.Override.By = "<!channel> "+strings.Repeat("&", 5000), "<@U1>"
	q := proposal(2)
	q.Proposal.Action = "<!everyone>"
	i := of(opened(), o, o, o, o, o, o, q)
	m, shout := Render(i, base), RenderShout(p, base)
	for _, bad := range []string{"<!", "<@"} {
		if whole := m.Text + blockTexts(m.Blocks) + shout.Text + blockTexts(shout.Blocks); strings.Contains(whole, bad) {
			t.Errorf("%q is in the message:\n%s", bad, whole)
		}
	}
	for _, text := range []string{overrides(i), proposed(i, base)} {
		if len(text) > section {
			t.Errorf("a section of %d bytes", len(text))
		}
	}
}
