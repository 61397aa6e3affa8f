//go:build linux

package lab

import (
	"context"
	"syscall"
)

// Fault is one thing that the lab breaks.
type Fault struct {
	Name string // as it is printed, and chosen by
	// Moves tells what is right: the first address must move to the standby, once, and nothing else may change.
	// Without it the watcher is to blame: nothing at all may change, and the lab mends the fault after a while.
	Moves bool

	begin func(context.Context, *world) error
	end   func(context.Context, *world) error // only without Moves
}

// Faults returns all faults, in the order in which they are run.
func Faults() []Fault {
	carrier := func(f func(*instance) error) func(context.Context, *world) error {
		return func(_ context.Context, w *world) error { return f(w.instances[0]) }
	}
	fabricDoes := func(commands ...string) func(context.Context, *world) error {
		return func(ctx context.Context, _ *world) error { return fabric.ip(ctx, commands...) }
	}
	return []Fault{
		{Name: "kill", Moves: true, begin: carrier(func(i *instance) error { return i.balancer.kill() })},
		{Name: "stop", Moves: true, begin: carrier(func(i *instance) error { return i.balancer.signal(syscall.SIGSTOP) })},
		{Name: "503", Moves: true, begin: carrier((*instance).killBackends)},
		{Name: "link", Moves: true, begin: func(ctx context.Context, w *world) error {
			return w.instances[0].net.ip(ctx, "link set eth0 down")
		}},
		{
			Name:  "watcher-cut",
			begin: fabricDoes("link set watcher down"),
			end:   fabricDoes("link set watcher up"),
		},
		{ // AWS and DNS answer, for they are the fabric's own addresses, which are looked up before any rule.
			Name:  "watcher-blackhole",
			begin: fabricDoes("rule add iif watcher pref 100 blackhole"),
			end:   fabricDoes("rule del iif watcher pref 100 blackhole"),
		},
		{ // The references answer too: the watcher sees all of the site dead and the rest of the world well.
			Name:  "path-cut",
			begin: fabricDoes("rule add iif watcher to 203.0.113.0/24 pref 100 blackhole", "rule add iif watcher to 10.99.0.0/16 pref 101 blackhole"),
			end:   fabricDoes("rule del iif watcher to 203.0.113.0/24 pref 100 blackhole", "rule del iif watcher to 10.99.0.0/16 pref 101 blackhole"),
		},
	}
}
