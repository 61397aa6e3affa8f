package notify

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"rrwatch/failover"
)

// Message is what people see in Slack: a title that is also the text of the
// notification, and the details beside a coloured bar.
type Message struct {
	Text   string        // in Slack's mrkdwn; escaped
	Colour string        // of the bar, "#rrggbb"
	Blocks []slack.Block // the details; none: the title says all

	broadcast bool // a reply that is shown in the channel too
}

// The colours of Slack's own palette.
const (
	red    = "#e01e5a"
	yellow = "#ecb22e"
	green  = "#2eb67d"
	grey   = "#868686"
)

// How much is told: Slack takes 3000 characters in a section
// (docs.slack.dev/reference/block-kit/blocks/section-block).
const (
	sentence   = 400  // bytes of one sentence, escaped
	section    = 2900 // bytes of one section
	maxListed  = 4    // evidence and holds
	maxActions = 5    // the latest ones
)

// Render is an incident's message as the incident is now. Links begin with
// baseURL; without one there are none.
func Render(i failover.Incident, baseURL string) Message {
	f := faceOf(i)
	m := Message{Text: f.emoji + " *" + title(i) + " " + f.says + "*", Colour: f.colour}
	if f.because != "" {
		m.Text += ": " + say(f.because)
	}
	for _, text := range []string{proposed(i, baseURL), failing(i), cause(i), actions(i), overrides(i), held(i), clock(i)} {
		if text != "" {
			m.Blocks = append(m.Blocks, slack.NewSectionBlock(markdown(text), nil, nil))
		}
	}
	m.Blocks = append(m.Blocks, slack.NewContextBlock("", markdown(footer(i, baseURL))))
	return m
}

// RenderStep is one step of an incident as a message of its own, for channels
// that cannot change a message. The first one is the whole incident.
func RenderStep(i failover.Incident, e failover.Entry, baseURL string) Message {
	if e.Kind == failover.Opened {
		return Render(i, baseURL)
	}
	m := Message{Text: icon(e) + " *" + title(i) + "*: " + sentenceOf(e), Colour: grey}
	var text string
	switch {
	case e.Kind == failover.Closed:
		m.Colour, text = green, clock(i)
	case useless(e):
		m.Colour = red
	case e.Kind == failover.HeldBack:
		m.Colour, text = red, holds(e.Held)
	case e.Kind == failover.Proposed:
		m.Colour, text = red, howToApprove(i.ID, baseURL)
	case e.Kind == failover.Overridden, e.Kind == failover.Flapping:
		m.Colour = yellow
	}
	if text != "" {
		m.Blocks = append(m.Blocks, slack.NewSectionBlock(markdown(text), nil, nil))
	}
	m.Blocks = append(m.Blocks, slack.NewContextBlock("", markdown(footer(i, baseURL))))
	return m
}

// RenderShout is an entry that concerns rrwatch as a whole. The brake calls
// everyone: from then on nobody but people repairs the site.
func RenderShout(e failover.Entry, baseURL string) Message {
	m := Message{Text: icon(e) + " *rrwatch*", Colour: grey}
	next := ""
	switch e.Kind {
	case failover.BrakeLatched:
		m.Text, m.Colour = ":rotating_light: <!channel> *The brake is latched: rrwatch repairs nothing by itself any more*", red
		next = "Find out why so much had to be repaired, then release the brake on " + link(baseURL, "/", "the dashboard") + "."
	case failover.BrakeReleased:
		m.Text, m.Colour = ":large_green_circle: *The brake is released: rrwatch may act again*", green
	case failover.WentBlind:
		m.Text, m.Colour = ":see_no_evil: *rrwatch does not trust its own eyes and changes nothing*", yellow
		next = "Check the network of the machine that rrwatch runs on."
	case failover.SawAgain:
		m.Text, m.Colour = ":large_green_circle: *rrwatch sees again*", green
	case failover.Paused:
		m.Text, m.Colour = icon(e)+" *rrwatch is paused for "+scope(e)+", and changes nothing there*", yellow
		next = "It watches and tells as before. To end the pause sooner: the button on " + link(baseURL, "/", "the dashboard") + ", or `" + resume(e) + "`."
	case failover.Resumed:
		m.Text, m.Colour = icon(e)+" *The pause of "+scope(e)+" is over: rrwatch may act there again*", green
	case failover.Started, failover.Stopped, failover.Wired, failover.Believed, failover.Opened, failover.Diagnosed,
		failover.HeldBack, failover.Approved, failover.ActionBegun, failover.ActionApplied, failover.ActionEnded,
		failover.Noted, failover.Closed, failover.NotServed, failover.ServedAgain, failover.Warned, failover.WarningOver,
		failover.Overridden, failover.Proposed, failover.ProposalOver, failover.Flapping, failover.Calm,
		failover.Drifted, failover.DriftOver, failover.Drained:
	case failover.LeaseLost:
		m.Text, m.Colour = ":warning: *rrwatch may not act*", yellow
		next = "It goes on to watch and to tell. If no other rrwatch is meant to act, see " + link(baseURL, "/", "the dashboard") + " for why."
	case failover.LeaseTaken:
		m.Text, m.Colour = ":key: *rrwatch may act*", grey
	}
	m.Text += ": " + sentenceOf(e)
	if next != "" {
		m.Blocks = append(m.Blocks, slack.NewSectionBlock(markdown(next), nil, nil))
	}
	m.Blocks = append(m.Blocks, slack.NewContextBlock("", markdown(moment(e.At))))
	return m
}

// replyText is one reply with a line for each of the first steps, as many as
// fit, and the sequence number of the last of them. The opening is the
// message itself and has no line.
func replyText(steps []failover.Entry) (text string, told int64) {
	var b strings.Builder
	for _, e := range steps {
		if e.Kind != failover.Opened {
			line := "`" + e.At.UTC().Format(time.TimeOnly) + "` " + icon(e) + " " + sentenceOf(e) + "\n"
			if len(e.Held) > 0 {
				line += holds(e.Held) + "\n"
			}
			if b.Len() > 0 && b.Len()+len(line) > section {
				break
			}
			b.WriteString(line)
		}
		told = e.Seq
	}
	return strings.TrimSuffix(b.String(), "\n"), told
}

func footer(i failover.Incident, baseURL string) string {
	name := "Incident " + strconv.FormatInt(i.ID, 10)
	return link(baseURL, "/incidents/"+strconv.FormatInt(i.ID, 10), name) + " · since " + moment(began(i))
}

// link is a link in Slack's mrkdwn, or its bare text when there is no
// dashboard to link to.
func link(baseURL, path, text string) string {
	if baseURL == "" {
		return text
	}
	url := strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", "&", "&amp;").Replace(baseURL + path)
	return "<" + url + "|" + text + ">"
}

// say is a text from elsewhere as one line of Slack's mrkdwn: it cannot call
// people, make links or go on for ever.
func say(text string) string {
	var b strings.Builder
	for _, r := range text {
		next := string(r)
		switch {
		case r == '&':
			next = "&amp;"
		case r == '<':
			next = "&lt;"
		case r == '>':
			next = "&gt;"
		case r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029:
			next = " "
		}
		if b.Len()+len(next) > sentence {
			b.WriteString("…")
			break
		}
		b.WriteString(next)
	}
	return b.String()
}

func markdown(text string) *slack.TextBlockObject {
	// Verbatim: Slack makes no link of what merely looks like one.
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, true)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// span is a duration as people say it: "350 ms", "4.2 s", "2 min 5 s".
func span(d time.Duration) string {
	d = max(d, 0)
	if ms := d.Round(time.Millisecond); ms < time.Second {
		return fmt.Sprintf("%d ms", ms.Milliseconds())
	}
	if tenths := d.Round(time.Second / 10); tenths < time.Minute {
		return fmt.Sprintf("%.1f s", tenths.Seconds())
	}
	d = d.Round(time.Second)
	if d < time.Hour {
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// options is the message for Slack's API.
func (m Message) options() slack.MsgOption {
	return slack.MsgOptionCompose(m.plain(), slack.MsgOptionAttachments(m.attachments()...))
}

// plain is the message for Slack's API without the details. Their empty list
// removes those that an earlier message had.
func (m Message) plain() slack.MsgOption {
	return slack.MsgOptionCompose(
		slack.MsgOptionText(m.Text, false),
		slack.MsgOptionParse(false),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionAttachments([]slack.Attachment{}...),
	)
}

// webhook is the message for an incoming webhook.
func (m Message) webhook() *slack.WebhookMessage {
	return &slack.WebhookMessage{Text: m.Text, Attachments: m.attachments(), UnfurlLinks: new(false), UnfurlMedia: new(false)}
}

func (m Message) attachments() []slack.Attachment {
	if len(m.Blocks) == 0 {
		return []slack.Attachment{}
	}
	return []slack.Attachment{{Color: m.Colour, Blocks: slack.Blocks{BlockSet: m.Blocks}, Fallback: m.Text}}
}
