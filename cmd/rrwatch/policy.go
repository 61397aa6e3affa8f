package main

import (
	"fmt"

	"rrwatch/config"
	"rrwatch/failover"
)

// policyOf is what the configuration allows and asks for in a pool.
func policyOf(p config.Pool) failover.Policy {
	policy := failover.Policy{
		Mode: failover.Mode(p.Mode), Remedies: remediesOf(p.Remedy), VerifyWithin: p.VerifyWithin, Cooldown: p.Cooldown,
		RestoreAfter: p.RestoreAfter, MinHealthy: p.MinHealthy,
		Budget: failover.Budget(p.Budget), MemberBudget: failover.Budget(p.MemberBudget),
		Failback: p.Failback, Flaps: failover.FlapLimit(p.Flapping),
	}
	for _, step := range p.Restore {
		policy.Ramp = append(policy.Ramp, failover.RampStep{Percent: step.Weight, For: step.For})
	}
	if len(p.RemedyWhen) > 0 {
		policy.RemedyWhen = make(map[failover.Cause][]failover.Remedy, len(p.RemedyWhen))
	}
	for cause, remedies := range p.RemedyWhen {
		policy.RemedyWhen[failover.Cause(cause)] = remediesOf(remedies)
	}
	return policy
}

func remediesOf(list []config.Remedy) []failover.Remedy {
	remedies := make([]failover.Remedy, 0, len(list))
	for _, r := range list {
		remedies = append(remedies, failover.Remedy(r))
	}
	return remedies
}

// advisePolicies notes what pools ask for and cannot get.
func advisePolicies(out *findings, cfg *config.Config) {
	for _, p := range cfg.Pools {
		if steps := len(p.Restore); steps+1 > p.MemberBudget.PerHour {
			out.note(fmt.Sprintf("pool %s: a withdrawal and the steps back (restore: %d) are %d actions, and member_budget.per_hour is %d: "+
				"raise it, or write fewer steps", p.Name, steps, steps+1, p.MemberBudget.PerHour))
		}
		if p.Failback > 0 && p.Mode != config.ModeAct {
			out.note(fmt.Sprintf("pool %s: in mode %s rrwatch moves no address back by itself; write failback: never, or mode: act", p.Name, p.Mode))
		}
	}
}
