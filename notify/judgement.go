package notify

import (
	"strconv"
	"strings"
	"time"

	"rrwatch/failover"
)

// plannedFace is how a change looks that was planned: it is no outage.
func plannedFace(i failover.Incident) face {
	switch last := latest(i); {
	case !i.Open():
		return face{":large_green_circle:", green, "has gone back, as planned", i.Outcome}
	case last.Status == failover.Failed:
		return face{":warning:", yellow, "has not gone back: a planned change failed, and it is served where it was", last.String()}
	case last.Status == failover.Unproven:
		return face{":rotating_light:", red, "needs you, it went back as planned and is not seen to serve there", last.String()}
	case last.Status == failover.Applied:
		return face{":leftwards_arrow_with_hook:", grey, "has gone back as planned, waiting for the proof from outside", last.String()}
	case last.Status == failover.Begun:
		return face{":leftwards_arrow_with_hook:", grey, "goes back to where it was, a planned change and no outage", last.String()}
	case len(i.Held) > 0:
		return face{":leftwards_arrow_with_hook:", grey, "will go back to where it was, a planned change that waits", i.Held[0].Text}
	}
	because := ""
	if len(i.Notes) > 0 {
		because = i.Notes[0].Text
	}
	return face{":leftwards_arrow_with_hook:", grey, "goes back to where it was, a planned change and no outage", because}
}

// judgementIcons are the icons of what people say, and of what is said to them.
func judgementIcons() map[failover.EntryKind]string {
	return map[failover.EntryKind]string{
		failover.Approved: ":+1:", failover.Proposed: ":raised_hand:", failover.ProposalOver: ":hourglass:", failover.Overridden: ":unlock:",
		failover.Flapping: ":repeat:", failover.Calm: ":relieved:", failover.Paused: ":double_vertical_bar:", failover.Resumed: ":arrow_forward:", failover.Drained: ":droplet:",
	}
}

// proposed says until when the action waits for a person, and how to approve it.
func proposed(i failover.Incident, baseURL string) string {
	if i.Proposal == nil {
		return ""
	}
	return "*Waits for your approval* until " + i.Proposal.Until.UTC().Format("15:04 MST") + ". " + howToApprove(i.ID, baseURL)
}

func howToApprove(id int64, baseURL string) string {
	number := strconv.FormatInt(id, 10)
	return "Approve it on " + link(baseURL, "/incidents/"+number, "the incident's page") + " or with `rrwatch approve " + number + "`; if it still holds when its time is over, it is proposed anew."
}

// overrides lists who broke the glass, why, and until when.
func overrides(i failover.Incident) string {
	var lines []string
	for _, o := range i.Overrides[max(0, len(i.Overrides)-maxListed):] {
		lines = append(lines, "• "+say(o.By)+" overrode [`"+say(string(o.Guard))+"`] until "+o.Until.UTC().Format("15:04 MST")+": "+say(o.Why))
	}
	if len(lines) == 0 {
		return ""
	}
	return within("*Overridden*\n" + strings.Join(lines, "\n"))
}

// fresh is how long the message of an incident is new: what comes then needs no
// message of its own.
const fresh = time.Minute

// calls reports whether a step is shown to the whole channel, because from then
// on a person is needed: an action that did not help, a member that comes and
// goes, and a proposal that the incident's first message did not tell of.
func calls(i failover.Incident, e failover.Entry) bool {
	return useless(e) || e.Kind == failover.Flapping || e.Kind == failover.Proposed && e.At.Sub(i.Opened) > fresh
}

// scope names what was paused or resumed.
func scope(e failover.Entry) string {
	if e.Pause == nil {
		return "all pools"
	}
	return say(e.Pause.Scope())
}

// resume is the command that ends a pause.
func resume(e failover.Entry) string {
	words := []string{"rrwatch resume"}
	if e.Pause != nil && e.Pause.Pool != "" {
		words = append(words, say(e.Pause.Pool))
	}
	if e.Pause != nil && e.Pause.Member.IsValid() {
		words = append(words, e.Pause.Member.String())
	}
	return strings.Join(words, " ")
}
