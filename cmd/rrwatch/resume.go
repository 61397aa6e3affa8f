package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rrwatch/failover"
)

func newResume() *cobra.Command {
	c := &cobra.Command{
		Use:     "resume [POOL [MEMBER]]",
		Short:   "End a pause before its time",
		Long:    "Ends the pause of all pools, of one pool, or of one member: the one that was made with the same words.",
		Example: "  rrwatch resume www\n  rrwatch resume www 203.0.113.1\n  rrwatch resume",
		Args:    atMost(2),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := asPerson(c)
			if err != nil {
				return err
			}
			view, err := r.view(c.Context())
			if err != nil {
				return err
			}
			scope, err := scopeOf(view, args)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(view.Pauses, scope.SameScope) {
				return fmt.Errorf("%s: that is not paused by itself; %s", scope.Scope(), pausedText(view.Pauses))
			}
			return r.order(c, "/api/v1/resume", named(scope))
		},
		ValidArgsFunction: completePools,
	}
	addBy(c)
	return c
}

// pausedText says what is paused, and with which words each is resumed.
func pausedText(pauses []failover.Pause) string {
	var list []string
	for _, p := range pauses {
		words := []string{"rrwatch resume"}
		if p.Pool != "" {
			words = append(words, p.Pool)
		}
		if p.Member.IsValid() {
			words = append(words, p.Member.String())
		}
		list = append(list, fmt.Sprintf("%s (by %s; `%s` ends it)", p.Scope(), p.By, strings.Join(words, " ")))
	}
	if len(list) == 0 {
		return "nothing is paused"
	}
	return "paused are " + strings.Join(list, ", ")
}
