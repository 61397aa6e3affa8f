package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rrwatch/failover"
)

// fact is one line of a list.
type fact struct{ Name, Text string }

// policyOf is what the pool's owner allows and asks for, in words.
func policyOf(p failover.Policy) []fact {
	facts := []fact{{"When a member fails", remedyWords(p.Remedies)}}
	causes := make([]failover.Cause, 0, len(p.RemedyWhen))
	for c := range p.RemedyWhen {
		causes = append(causes, c)
	}
	slices.Sort(causes)
	for _, c := range causes {
		facts = append(facts, fact{"When the cause is " + string(c), remedyWords(p.RemedyWhen[c])})
	}
	return append(facts,
		fact{"Proof", "an action must be proven from outside within " + span(p.VerifyWithin)},
		fact{"Cool-down", span(p.Cooldown) + " until a member is touched again"},
		fact{"Coming back", comingBack(p)},
		fact{"Failback", failbackWords(p.Failback)},
		fact{"Flapping", flapWords(p.Flaps)},
		fact{"Never below", count(p.MinHealthy, "healthy member")},
		fact{"Budget of the pool", budgetWords(p.Budget)},
		fact{"Budget of a member", budgetWords(p.MemberBudget)},
	)
}

func remedyWords(list []failover.Remedy) string {
	if len(list) == 0 {
		return "people are told, and nothing is done"
	}
	words := make([]string, 0, len(list))
	for _, r := range list {
		switch r {
		case failover.RemedyRemap:
			words = append(words, "remap: its address moves to a standby")
		case failover.RemedyWithdraw:
			words = append(words, "withdraw: it leaves the answers")
		}
	}
	return strings.Join(words, "; else ")
}

// comingBack says how a withdrawn member returns.
func comingBack(p failover.Policy) string {
	text := "after it was up for " + span(p.RestoreAfter)
	if len(p.Ramp) == 0 {
		return text + ", with all of its weight at once"
	}
	return text + ", by steps: " + rampWords(p.Ramp)
}

// rampWords is "10 % for 5 min, 50 % for 5 min, then all".
func rampWords(ramp []failover.RampStep) string {
	words := make([]string, 0, len(ramp))
	for _, step := range ramp {
		if step.Percent == 100 {
			words = append(words, "then all of its weight")
			continue
		}
		words = append(words, fmt.Sprintf("%d %% for %s", step.Percent, span(step.For)))
	}
	return strings.Join(words, ", ")
}

func failbackWords(after time.Duration) string {
	if after == 0 {
		return "never: a moved address stays, and the repaired instance is a standby"
	}
	return "an address goes back when the instance that carried it was healthy for " + span(after)
}

func flapWords(l failover.FlapLimit) string {
	if l.Falls == 0 {
		return "not watched for"
	}
	return fmt.Sprintf("%s within %s; then it waits until the member is calm", count(l.Falls, "fall"), span(l.Within))
}

func budgetWords(b failover.Budget) string {
	if b.PerHour == 0 && b.PerDay == 0 {
		return "none of its own"
	}
	return fmt.Sprintf("%s an hour, %d a day", count(b.PerHour, "action"), b.PerDay)
}

// span is a length that somebody wrote down: "30 s", "1 min 30 s", "4 h".
func span(d time.Duration) string {
	if d < time.Minute && d%time.Second == 0 {
		return long(d)
	}
	return short(d)
}
