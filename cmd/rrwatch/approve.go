package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rrwatch/failover"
)

func newApprove() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "approve INCIDENT",
		Short: "Approve the action that waits for a person, in the mode propose",
		Long: `Shows the action that the running rrwatch proposes for an incident, asks, and
approves it. An approval is for that action only: if the plan has changed since,
nothing is approved.`,
		Example: "  rrwatch approve 12\n  rrwatch approve 12 --yes --by alice",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := asPerson(c)
			if err != nil {
				return err
			}
			i, err := r.incident(c.Context(), args[0])
			if err != nil {
				return err
			}
			action, err := proposedFor(i)
			if err != nil {
				return err
			}
			fmt.Fprint(c.OutOrStdout(), proposalText(i, action))
			if !yes && !agrees(c.InOrStdin(), c.OutOrStdout(), "Approve as "+r.by+"?") {
				return errors.New("nothing was approved; answer y, or give --yes")
			}
			return r.order(c, fmt.Sprintf("/api/v1/incidents/%d/approve", i.ID), map[string]string{"action": action})
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	addBy(c)
	return c
}

// incident reads one incident, which a person names by its number.
func (r running) incident(ctx context.Context, number string) (failover.Incident, error) {
	var i failover.Incident
	id, err := strconv.ParseInt(strings.TrimPrefix(number, "#"), 10, 64)
	if err != nil || id < 1 {
		return i, fmt.Errorf("%s is no incident: write its number, as it stands on the dashboard and in Slack", number)
	}
	return i, r.do(ctx, http.MethodGet, fmt.Sprintf("/api/v1/incidents/%d", id), nil, &i)
}

// proposedFor is the action that waits for an approval.
func proposedFor(i failover.Incident) (string, error) {
	switch {
	case !i.Open():
		return "", fmt.Errorf("incident %d is closed, so nothing is left to approve: %s", i.ID, i.Outcome)
	case i.Proposal != nil:
		return i.Proposal.Action, nil
	case len(i.Held) > 0:
		return "", fmt.Errorf("incident %d has no action that waits for approval; it is held back: %s [%s]", i.ID, i.Held[0].Text, i.Held[0].Guard)
	}
	return "", fmt.Errorf("incident %d has no action that waits for approval", i.ID)
}

func proposalText(i failover.Incident, action string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Incident %d: %s of %s", i.ID, i.Member, i.Pool)
	if i.Diagnosis.Cause != "" {
		fmt.Fprintf(&b, ", cause %s", i.Diagnosis.Cause)
	}
	for _, e := range i.Diagnosis.Evidence {
		fmt.Fprintf(&b, "\n  %s", e)
	}
	fmt.Fprintf(&b, "\nrrwatch proposes: %s\n", action)
	if i.Proposal != nil {
		fmt.Fprintf(&b, "The proposal expires at %s.\n", i.Proposal.Until.UTC().Format("15:04 MST"))
	}
	return b.String()
}

// agrees asks a question, to which only y and yes are a yes.
func agrees(in io.Reader, out io.Writer, question string) bool {
	fmt.Fprint(out, question+" [y/N] ")
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		fmt.Fprintln(out) // nobody ended the line
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
