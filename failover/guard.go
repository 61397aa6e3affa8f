package failover

// The guards. Each is a reason not to act; its name stands in pages, logs and
// the journal.
const (
	GuardMode         Guard = "mode"            // the mode does not allow it
	GuardMaintenance  Guard = "maintenance"     // a maintenance window
	GuardBrake        Guard = "brake"           // the brake is latched
	GuardBlind        Guard = "blind"           // the watcher does not trust its own eyes
	GuardStalled      Guard = "stalled"         // the watcher was paused and has not asked again
	GuardWarmUp       Guard = "warm-up"         // the member was never seen healthy
	GuardShared       Guard = "shared"          // all members fail alike
	GuardWontHelp     Guard = "would-not-help"  // no standby passes the member's own checks
	GuardLastHealthy  Guard = "last-healthy"    // the name would lose its last healthy address
	GuardAllZero      Guard = "all-zero"        // all weights would be 0
	GuardCooldown     Guard = "cool-down"       // the member was touched a short while ago
	GuardBudget       Guard = "budget"          // too many actions; latches the brake
	GuardInFlight     Guard = "in-flight"       // an unfinished action touches the same thing
	GuardNotOurs      Guard = "not-ours"        // no EIP of the account, or a foreign record set
	GuardChanged      Guard = "changed"         // the world is not as the plan expects
	GuardNoRecord     Guard = "no-record"       // the journal cannot be written
	GuardEviction     Guard = "eviction"        // the target carries another address
	GuardNotRunning   Guard = "not-running"     // the target does not run
	GuardService      Guard = "service-managed" // an AWS service owns the address
	GuardNotPermitted Guard = "not-permitted"   // AWS says that rrwatch may not
	GuardStale        Guard = "stale"           // the wiring was not read lately
)
