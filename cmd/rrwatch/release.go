package main

import (
	"github.com/spf13/cobra"
)

func newReleaseBrake() *cobra.Command {
	c := &cobra.Command{
		Use:   "release-brake",
		Short: "Release the brake, so that automatic action goes on",
		Long: `The brake latches when more was done than the budgets allow. Release it when it is
known why so much had to be repaired; the budgets then begin anew.`,
		Example: "  rrwatch release-brake\n  rrwatch release-brake --by alice",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := asPerson(c)
			if err != nil {
				return err
			}
			return r.order(c, "/api/v1/brake/release", map[string]string{})
		},
	}
	addBy(c)
	return c
}
