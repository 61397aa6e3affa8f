package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func newPause() *cobra.Command {
	var length, until, why string
	c := &cobra.Command{
		Use:   "pause [POOL [MEMBER]]",
		Short: "Stop automatic action for a while: of all pools, of one, or of one member",
		Long: `Asks the rrwatch that runs with this configuration to change nothing for a while,
in all pools, in one pool, or of one member (by its address). It watches and tells
as before. A pause ends by itself; a second one of the same replaces the first.`,
		Example: `  rrwatch pause www --for 1h --why "a new HAProxy"
  rrwatch pause www 203.0.113.1 --for 15m --why "lb-1 is restarted"
  rrwatch pause --until 18:30 --why "the network is rebuilt"`,
		Args: atMost(2),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case length == "" && until == "":
				return errors.New("say for how long, such as --for 1h, or --until 18:30 (UTC); a pause ends by itself")
			case length != "" && until != "":
				return errors.New("--for and --until both say when the pause ends; give one of them")
			case why == "":
				return errors.New(`say why, such as --why "a new HAProxy"; others read it while rrwatch is paused`)
			}
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
			order := named(scope)
			order["for"], order["until"], order["why"] = length, until, why
			return r.order(c, "/api/v1/pause", order)
		},
		ValidArgsFunction: completePools,
	}
	c.Flags().StringVar(&length, "for", "", "how long: 15m, 4h, 1d")
	c.Flags().StringVar(&until, "until", "", `until when, in UTC: 18:30, or "2026-03-14 18:30"`)
	c.Flags().StringVar(&why, "why", "", "the reason")
	addBy(c)
	return c
}
