package web

import (
	"fmt"

	"rrwatch/failover"
)

// rampModel is one step by which a withdrawn member comes back.
type rampModel struct {
	Share string // "10 %"
	For   string // how long it stays there; empty: it is the last one
	State badge
}

// rampOf are the steps of the member's pool, and how far the latest return has
// come; none when the member was not withdrawn or comes back at once.
func rampOf(i failover.Incident, v *failover.View) []rampModel {
	ramp := rampIn(i.Pool, v)
	full, weight, began := returning(i)
	if len(ramp) == 0 || full == 0 {
		return nil
	}
	models := make([]rampModel, 0, len(ramp))
	next := true // the first step that was not reached
	for n, step := range ramp {
		m := rampModel{Share: fmt.Sprintf("%d %%", step.Percent), State: badge{"later", mute}}
		if n < len(ramp)-1 && step.For > 0 {
			m.For = span(step.For)
		}
		reached := began && weight >= shareOf(full, step.Percent)
		last := n == len(ramp)-1 || weight < shareOf(full, ramp[n+1].Percent)
		switch {
		case reached && last && i.Open():
			m.State = badge{"now", info}
		case reached:
			m.State = badge{"done", good}
		case next:
			m.State, next = badge{"next", mute}, false
		}
		models = append(models, m)
	}
	return models
}

func rampIn(pool string, v *failover.View) []failover.RampStep {
	if v == nil {
		return nil
	}
	for _, p := range v.Pools {
		if p.Name == pool {
			return p.Policy.Ramp
		}
	}
	return nil
}

// shareOf is a part of a weight: at least 1, or the member would get nobody.
func shareOf(full int64, percent int) int64 { return max(full*int64(percent)/100, 1) }

// returning is the weight that the member had before it was withdrawn, the one
// that it has by rrwatch's hand, and whether it has begun to come back.
func returning(i failover.Incident) (full, weight int64, began bool) {
	for _, a := range i.Actions {
		took := a.Status == failover.Applied || a.Status == failover.Proven || a.Status == failover.Unproven
		if !took || a.Reweigh == nil || a.Reweigh.Was.Weight == nil || a.Reweigh.Shall.Weight == nil {
			continue
		}
		weight = *a.Reweigh.Shall.Weight
		switch a.Kind {
		case failover.KindWithdraw:
			full, began = max(full, *a.Reweigh.Was.Weight), false
		case failover.KindRestore:
			began = true
		case failover.KindRemap:
		}
	}
	return full, weight, began
}
