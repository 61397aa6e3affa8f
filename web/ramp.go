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
	reached := 0 // how many steps were
	for began && reached < len(ramp) && weight >= ramp[reached].Weight(full) {
		reached++
	}
	models := make([]rampModel, 0, len(ramp))
	for n, step := range ramp {
		m := rampModel{Share: fmt.Sprintf("%d %%", step.Percent), State: badge{"later", mute}}
		if n < len(ramp)-1 {
			m.For = span(step.For)
		}
		switch {
		case n == reached-1 && i.Open():
			m.State = badge{"now", info}
		case n < reached:
			m.State = badge{"done", good}
		case n == reached:
			m.State = badge{"next", mute}
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
		case failover.KindRemap, failover.KindFailback:
		}
	}
	return full, weight, began
}
