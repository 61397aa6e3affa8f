//go:build linux

package lab

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rrwatch/simulator"
)

// Outcome is what one trial showed.
type Outcome struct {
	Fault Fault
	// User and Bystander are what two users saw: of the first address, whose carrier is broken, and of the second.
	User, Bystander simulator.Report
	Carriers        []string       // the instances, by name, that carry the two addresses at the end
	Changes         map[string]int // calls that arrived at AWS to change something, by action
	Incidents       []Incident     // all that rrwatch remembers
	Blind           string         // why rrwatch distrusted itself; empty if it did not
	Noticed         bool           // with a fault of the watcher: no member answered it
	Log             string         // the end of what rrwatch wrote
}

// String is the outcome in one line.
func (o Outcome) String() string {
	var line strings.Builder
	fmt.Fprintf(&line, "%-18s outage %.2f s  failed %3d  moves %d  other changes %d", o.Fault.Name,
		o.User.Outage.Seconds(), o.User.Failed, o.moves(), o.changes()-o.moves())
	for _, i := range o.Incidents {
		fmt.Fprintf(&line, "  (rrwatch: %s, cause %s, detected in %.2f s, proven after %.2f s)",
			i.Member, i.Diagnosis.Cause, i.Clock.Detect.Seconds(), i.Clock.Whole.Seconds())
	}
	if o.Blind != "" {
		fmt.Fprintf(&line, "  (rrwatch: %s)", o.Blind)
	}
	return line.String()
}

func (o Outcome) moves() int { return o.Changes["AssociateAddress"] }

func (o Outcome) changes() int {
	sum := 0
	for _, n := range o.Changes {
		sum += n
	}
	return sum
}

// Judge says what rrwatch did wrong; nil if it did right. It does not judge how long anything took.
func (o Outcome) Judge() error {
	carriers, changes, incidents := []string{"lb-1", "lb-2"}, map[string]int{}, len(o.Incidents)
	if o.Fault.Moves {
		carriers, changes, incidents = []string{"lb-3", "lb-2"}, map[string]int{"AssociateAddress": 1}, 1
	}
	var errs []error
	if !slices.Equal(o.Carriers, carriers) {
		errs = append(errs, fmt.Errorf("the addresses are carried by %v, want %v", o.Carriers, carriers))
	}
	if !maps.Equal(o.Changes, changes) {
		errs = append(errs, fmt.Errorf("AWS was asked for the changes %v, want %v", o.Changes, changes))
	}
	if len(o.Incidents) != incidents {
		errs = append(errs, fmt.Errorf("rrwatch remembers %d incidents, want %d", len(o.Incidents), incidents))
	}
	for _, i := range o.Incidents {
		errs = append(errs, o.judgeIncident(i))
	}
	switch {
	case o.Fault.Moves && o.User.Outages == 0:
		errs = append(errs, errors.New("the user noticed nothing, so nothing was broken"))
	case !o.Fault.Moves && !o.Noticed:
		errs = append(errs, errors.New("a member still answered rrwatch, so its sight was not cut"))
	}
	return errors.Join(errs...)
}

func (o Outcome) judgeIncident(i Incident) error {
	var errs []error
	if i.Closed.IsZero() {
		errs = append(errs, fmt.Errorf("the incident of %s is still open", i.Member))
	}
	if broken := addresses()[0].String(); o.Fault.Moves && i.Member != broken {
		errs = append(errs, fmt.Errorf("there is an incident of %s, and only %s was broken", i.Member, broken))
	}
	for _, a := range i.Actions {
		if !o.Fault.Moves || a.Kind != "remap" || a.Status != "proven" {
			errs = append(errs, fmt.Errorf("the incident of %s has the action %s, %s", i.Member, a.Kind, a.Status))
		}
	}
	return errors.Join(errs...)
}
