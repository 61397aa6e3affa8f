package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rrwatch/failover"
)

func newOverride() *cobra.Command {
	var why string
	c := &cobra.Command{
		Use:   "override INCIDENT GUARD",
		Short: "Break the glass: let a guard hold an incident back no more, for 15 minutes",
		Long: `The guard that is named does not hold the incident back for 15 minutes, or until
the incident ends. All other guards still hold; if none does, the running rrwatch
acts at once. What must always hold cannot be overridden: the page /guards of the
dashboard, and docs/guards.md, say which guards a person may override.`,
		Example: `  rrwatch override 12 cool-down --why "the second fault has another cause"`,
		Args:    exactly(2),
		RunE: func(c *cobra.Command, args []string) error {
			rule, err := overridable(args[1])
			if err != nil {
				return err
			}
			if why == "" {
				return errors.New(`say why, such as --why "the second fault has another cause"; the journal keeps it`)
			}
			r, err := asPerson(c)
			if err != nil {
				return err
			}
			i, err := r.incident(c.Context(), args[0])
			if err != nil {
				return err
			}
			return r.order(c, fmt.Sprintf("/api/v1/incidents/%d/override", i.ID), map[string]string{"guard": string(rule.Guard), "why": why})
		},
		ValidArgsFunction: completeGuards,
	}
	c.Flags().StringVar(&why, "why", "", "the reason")
	addBy(c)
	return c
}

// overridable finds a guard that a person may override.
func overridable(name string) (failover.GuardRule, error) {
	rule, known := failover.Guard(name).Rule()
	if !known {
		return rule, fmt.Errorf("there is no guard %s; %s", name, suggest(name, guardNames(func(failover.GuardRule) bool { return true })))
	}
	if !rule.Overridable && rule.Invariant != "" {
		return rule, fmt.Errorf("the guard %s cannot be overridden: %s", name, rule.Invariant.Promise())
	}
	if !rule.Overridable {
		return rule, fmt.Errorf("the guard %s cannot be overridden, since there is nothing that rrwatch could do instead", name)
	}
	return rule, nil
}

func guardNames(which func(failover.GuardRule) bool) []string {
	var names []string
	for _, rule := range failover.Guards() {
		if which(rule) {
			names = append(names, string(rule.Guard))
		}
	}
	return names
}

// completeGuards offers the guards that a person may override.
func completeGuards(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return guardNames(func(r failover.GuardRule) bool { return r.Overridable }), cobra.ShellCompDirectiveNoFileComp
}
