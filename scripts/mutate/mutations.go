package main

// mutation is one fault: old, which stands once in file, becomes planted.
type mutation struct{ name, file, old, planted string }

// mutations are faults of the kind that a tired person makes: a guard that is not
// asked, a counter that is not reset, a comparison the wrong way round.
func mutations() []mutation {
	const (
		guard   = "failover/guard.go"
		standby = "failover/standby.go"
		edit    = "failover/edit.go"
		restore = "failover/restore.go"
		look    = "failover/look.go"
		settle  = "failover/settle.go"
		belief  = "failover/belief.go"
		health  = "monitor/health.go"
	)
	return []mutation{
		{"the guard `shared` is not asked", guard, "\t\t{GuardShared, shared},\n", ""},
		{"the guard `blind` is not asked", guard, "\t\t{GuardBlind, blind},\n", ""},
		{"the guard `warm-up` is not asked", guard, "\t\t{GuardWarmUp, warmUp},\n", ""},
		{"the guard `cool-down` is not asked", guard, "\t\t{GuardCooldown, coolDown},\n", ""},
		{"the guard `in-flight` is not asked", guard, "\t\t{GuardInFlight, inFlight},\n", ""},
		{"the guard `mode` is not asked", guard, "\t\t{GuardMode, mode},\n", ""},
		{"the guard `brake` is not asked", guard, "\t\t{GuardBrake, braked},\n", ""},
		{"the guard `paused` is not asked", guard, "\t\t{GuardPaused, paused},\n", ""},
		{"a budget allows one action more", guard, "b.spent.PerHour >= b.budget.PerHour", "b.spent.PerHour > b.budget.PerHour"},
		{"the brake is never latched", look, "if h.Guard == GuardBudget && s.brake == nil {", "if false {"},
		{"a standby need not pass the checks", standby, "if !b.passing(s.now) {", "if b.State == 99 {"},
		{"a standby need not have been asked since the member fails", standby, "case !b.askedSince(s.belief.lately()):", "case b.State == 99:"},
		{"a standby is given to two members of one plan", "failover/remedy.go", "\t\tp.taken[a.Remap.To] = true\n", ""},
		{"one healthy address too few is left", edit, "healthy < least", "healthy+1 < least"},
		{"what is withdrawn in the same plan counts as healthy", edit, "slices.ContainsFunc(s.plan.Actions, leaves) ||", ""},
		{"what was withdrawn since the read counts as healthy", edit, "|| slices.ContainsFunc(s.h.Changes, left)", "|| false && slices.ContainsFunc(s.h.Changes, left)"},
		{"a record set is restored whatever is there", restore, "!present.Equal(left.Set) || ", ""},
		{"a member comes back that does not pass now", restore, "case !s.belief.passing(s.now) || s.belief.doubt != nil:", "case false:"},
		{"a member that a read does not know was unpublished by someone", look, "by someone else's change\", !withdrawn", "by someone else's change\", withdrawn || true"},
		{"an action is begun though its beginning could not be written", look, "if !s.record(ctx, entries...) {\n\t\t\tcontinue\n\t\t}", "s.record(ctx, entries...)"},
		{"an action without a clear answer has failed at once", settle, "case pool.Read.Sub(last.at) > describeLag:", "default:"},
		{"an old belief counts as now", belief, "b.State != monitor.Up || now.After(b.stale)", "b.State != monitor.Up"},
		{"fails are not forgotten by a pass", health, "if h.Passes >= th.Clear && h.State != Down {", "if false {"},
		{"one pass is enough to be Up again", health, "(h.State == Down && h.Passes >= th.Rise)", "h.State == Down"},
	}
}
