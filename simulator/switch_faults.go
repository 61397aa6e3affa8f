package simulator

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
)

// faultSwitch shows one fault, and reads what it shall be: what read returns switches it.
type faultSwitch struct {
	show func() any
	read func(json.RawMessage) (turn func(), err error)
}

// faultSwitches are the faults by the names that they have over HTTP.
func (a *AWS) faultSwitches() map[string]faultSwitch {
	f := &a.faults
	return map[string]faultSwitch{
		"down":     {locked(f, func() any { return f.down }), reader(yesOrNo, a.Down)},
		"busy":     {locked(f, func() any { return f.busy }), reader(count, a.Busy)},
		"deny":     {locked(f, func() any { return present(f.denied) }), reader(byName(a.knowsAction, yesOrNo), eachOf(a.setDenied))},
		"throttle": {locked(f, func() any { return present(f.throttle) }), reader(byName(a.knowsAction, count), eachOf(a.Throttle))},
		"lose":     {locked(f, func() any { return present(f.lose) }), reader(byName(a.knowsAction, count), eachOf(a.LoseAnswer))},
		"latency":  {func() any { return a.latency().String() }, reader(duration, a.SetLatency)},
		"lag":      {func() any { return a.lag().String() }, reader(duration, a.SetLag)},
		"sync":     {func() any { return a.sync().String() }, reader(duration, a.SetSync)},

		"one_at_a_time": {locked(f, func() any { return f.serial }), reader(yesOrNo, a.OneAtATime)},
		"limits":        {func() any { return a.limits.on.Load() }, reader(yesOrNo, a.SetLimits)},
		"impaired":      {func() any { return a.impaired() }, reader(byName(a.knowsInstance, yesOrNo), eachOf(a.setImpaired))},
		"unhealthy":     {func() any { return a.unhealthy() }, reader(byName(a.knowsHealthCheck, yesOrNo), eachOf(a.setUnhealthy))},
	}
}

func (a *AWS) setDenied(action string, denied bool) {
	if denied {
		a.Deny(action)
		return
	}
	a.Allow(action)
}

// endFaults ends all faults. Whether calls are limited is again as Options.Limits says.
func (a *AWS) endFaults() {
	for id := range a.impaired() {
		a.setImpaired(id, false)
	}
	for id := range a.unhealthy() {
		a.setUnhealthy(id, false)
	}
	a.SetLimits(a.options.Limits)
	f := &a.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down, f.denied, f.throttle, f.lose, f.busy = false, nil, nil, nil, 0
	f.latency, f.lag, f.sync, f.serial = 0, 0, 0, false
}

func (a *AWS) knowsAction(name string) error {
	if !slices.Contains(a.actions(), name) {
		return errors.New("there is no such action, or it is not pretended")
	}
	return nil
}

// actions are the names of all calls that are pretended.
func (a *AWS) actions() []string {
	list := slices.Collect(maps.Keys(a.ec2Operations()))
	for _, o := range route53Operations() {
		list = append(list, o.action)
	}
	list = slices.AppendSeq(list, maps.Keys(a.stsOperations()))
	list = slices.AppendSeq(list, maps.Keys(a.snsOperations()))
	slices.Sort(list)
	return list
}

const statusImpaired = "impaired"

// impaired are the instances whose own status check is said to fail.
func (a *AWS) impaired() map[string]bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[string]bool{}
	for id, s := range a.truth().statuses {
		if s.Instance == statusImpaired {
			out[id] = true
		}
	}
	return out
}

func (a *AWS) knowsInstance(id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.truth().instances[id]; !ok {
		return errors.New("there is no such instance")
	}
	return nil
}

// setImpaired has the status check of an instance fail, or say again what its state calls for.
func (a *AWS) setImpaired(id string, impaired bool) {
	a.mu.Lock()
	s := a.truth().statuses[id]
	a.mu.Unlock()
	s.Instance = ""
	if impaired {
		s.Instance = statusImpaired
	}
	a.SetStatus(id, s)
}

// unhealthy are the health checks that find their endpoint broken.
func (a *AWS) unhealthy() map[string]bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[string]bool{}
	for id, h := range a.registry.checks {
		if h.sick {
			out[id] = true
		}
	}
	return out
}

func (a *AWS) knowsHealthCheck(id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.registry.checks[id]; !ok {
		return errors.New("there is no such health check")
	}
	return nil
}

func (a *AWS) setUnhealthy(id string, sick bool) { a.SetHealthy(id, !sick) }
