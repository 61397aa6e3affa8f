package notify

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"rrwatch/failover"
)

// mostAdvice is how many pieces of advice one message tells in words.
const mostAdvice = 20

// advice reports whether an entry tells people of what rrwatch does nothing
// about. Those of one kind that follow each other are told in one message: a
// certificate that fifty pools share is one thing to look at, and must not keep
// an incident's alert waiting for a minute.
func advice(e failover.Entry) bool {
	switch e.Kind {
	case failover.NotServed, failover.ServedAgain, failover.Warned, failover.WarningOver, failover.Drifted, failover.DriftOver:
		return true
	case failover.Started, failover.Stopped, failover.Wired, failover.Believed, failover.Opened, failover.Diagnosed,
		failover.HeldBack, failover.Approved, failover.ActionBegun, failover.ActionApplied, failover.ActionEnded,
		failover.Noted, failover.Closed, failover.BrakeLatched, failover.BrakeReleased, failover.WentBlind, failover.SawAgain,
		failover.Paused, failover.Resumed, failover.Overridden, failover.Proposed, failover.ProposalOver, failover.Flapping, failover.Calm,
		failover.LeaseTaken, failover.LeaseLost, failover.Drained:
	}
	return false
}

// advised is how a piece of advice looks at first sight.
type advised struct {
	emoji, colour string
	many          string // the title of several, after their number
	next          string // what to do; empty: nothing
}

func adviceOf(k failover.EntryKind, baseURL string) advised {
	switch k {
	case failover.NotServed:
		return advised{":rotating_light:", red, "pages are not served to users",
			"By itself this moves nothing: the members' own checks decide. See " + link(baseURL, "/", "the dashboard") + "."}
	case failover.ServedAgain:
		return advised{":large_green_circle:", green, "pages are served to users again", ""}
	case failover.WarningOver:
		return advised{":large_green_circle:", green, "warnings are over", ""}
	case failover.Drifted:
		return advised{":twisted_rightwards_arrows:", yellow, "disagreements", "It has lasted for two minutes or more. rrwatch changes nothing because of it."}
	case failover.DriftOver:
		return advised{":large_green_circle:", green, "disagreements are over", ""}
	case failover.Warned:
		return advised{":warning:", yellow, "warnings", "Look at it before it fails. rrwatch changes nothing because of it."}
	case failover.Started, failover.Stopped, failover.Wired, failover.Believed, failover.Opened, failover.Diagnosed,
		failover.HeldBack, failover.Approved, failover.ActionBegun, failover.ActionApplied, failover.ActionEnded,
		failover.Noted, failover.Closed, failover.BrakeLatched, failover.BrakeReleased, failover.WentBlind, failover.SawAgain,
		failover.Paused, failover.Resumed, failover.Overridden, failover.Proposed, failover.ProposalOver, failover.Flapping, failover.Calm,
		failover.LeaseTaken, failover.LeaseLost, failover.Drained:
	}
	return advised{":memo:", grey, string(k), ""}
}

// RenderAdvice is a message of one piece of advice, or of several of one kind.
func RenderAdvice(entries []failover.Entry, baseURL string) Message {
	look := adviceOf(entries[0].Kind, baseURL)
	m := Message{Text: look.emoji + " " + named(entries[0]), Colour: look.colour}
	if n := len(entries); n > 1 {
		m.Text = fmt.Sprintf("%s *%d %s*", look.emoji, n, look.many)
		var lines []string
		for _, e := range firstOf(entries, mostAdvice) {
			lines = append(lines, "• "+named(e))
		}
		list := within(strings.Join(lines, "\n"))
		if shown := strings.Count(list, "\n") + 1; shown < n {
			list += fmt.Sprintf("\nand %d more", n-shown)
		}
		m.Blocks = append(m.Blocks, slack.NewSectionBlock(markdown(list), nil, nil))
	}
	if look.next != "" {
		m.Blocks = append(m.Blocks, slack.NewSectionBlock(markdown(look.next), nil, nil))
	}
	m.Blocks = append(m.Blocks, slack.NewContextBlock("", markdown(moment(entries[0].At))))
	return m
}

// named is an entry's sentence with the name that it begins with in bold.
func named(e failover.Entry) string {
	name, rest, found := strings.Cut(e.Text, ": ")
	if !found {
		return sentenceOf(e)
	}
	return "*" + say(name) + "*: " + say(rest)
}
