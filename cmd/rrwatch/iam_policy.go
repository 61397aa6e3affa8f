package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rrwatch/config"
)

func newIAMPolicy() *cobra.Command {
	c := &cobra.Command{
		Use:   "iam-policy",
		Short: "Print the least IAM policy for this configuration",
		Long: `Prints, as JSON, the least policy that this configuration needs: no write in mode
observe, no move or edit that no remedy asks for, and only these addresses,
instances, record names, types and actions. AWS is read to know the ids, with any
credentials that may read, such as your own; nothing is changed.

With --offline nothing is read: the policy then goes by the tags of instances and
network interfaces, and has a * where only AWS knows the id.

Pools that are looked after by different roles or profiles need a policy each. They
are printed one after the other, and standard error says before each whose it is.`,
		Example: `  rrwatch iam-policy --config rrwatch.yaml > policy.json
  rrwatch iam-policy --pool www --offline`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			whole, err := loadConfig(c)
			if err != nil {
				return err
			}
			names, _ := c.Flags().GetStringSlice("pool")
			cfg, err := only(whole, names)
			if err != nil {
				return err
			}
			offline, _ := c.Flags().GetBool("offline")
			grants, err := grantsOf(c.Context(), cfg, offline)
			if err != nil {
				return err
			}
			return printPolicies(c.OutOrStdout(), c.ErrOrStderr(), identities(grants), append(policyNotes(grants, offline), left(whole, cfg)...))
		},
	}
	c.Flags().StringSlice("pool", nil, "only for these pools (default: all)")
	c.Flags().Bool("offline", false, "read nothing from AWS, and go by the tags")
	if err := c.RegisterFlagCompletionFunc("pool", completePools); err != nil {
		panic(err) // the flag was defined above
	}
	return c
}

// grantsOf are what the pools need, as they are wired now or, offline, as far as
// the configuration says.
func grantsOf(ctx context.Context, cfg *config.Config, offline bool) ([]grant, error) {
	var grants []grant
	if offline {
		for _, p := range cfg.Pools {
			grants = append(grants, grantOf(cfg, p))
		}
		return grants, nil
	}
	c, err := openCloud(ctx, cfg)
	if err == nil {
		grants, err = c.liveGrants(ctx, cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("%w\nwithout credentials that may read, print a policy that goes by the tags: --offline", err)
	}
	return grants, nil
}

// only is the configuration with these pools; without names all of them.
func only(cfg *config.Config, names []string) (*config.Config, error) {
	some := *cfg
	some.Pools = nil
	known := make([]string, 0, len(cfg.Pools))
	for _, p := range cfg.Pools {
		known = append(known, p.Name)
		if len(names) == 0 || slices.Contains(names, allPools) || slices.Contains(names, p.Name) {
			some.Pools = append(some.Pools, p)
		}
	}
	for _, name := range names {
		if name != allPools && !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no pool %s; %s", name, suggest(name, known))
		}
	}
	return &some, nil
}

// identity is who needs a policy.
type identity struct {
	profile, role string // empty: what the AWS SDK finds; no role
	grants        []grant
	roles         []string // that it assumes
}

// String says who it is, for people.
func (i identity) String() string {
	switch {
	case i.role != "":
		return "the role " + i.role
	case i.profile != "":
		return "whom the profile " + i.profile + " signs in"
	}
	return "whom the credentials of this machine sign in"
}

// identities divides the grants by who needs them: roles, and those who assume
// them.
func identities(grants []grant) []identity {
	var list []identity
	find := func(profile, role string) *identity {
		for n := range list {
			if list[n].profile == profile && list[n].role == role {
				return &list[n]
			}
		}
		list = append(list, identity{profile: profile, role: role})
		return &list[len(list)-1]
	}
	for _, g := range grants {
		who := find(g.at.Profile, g.at.RoleARN)
		who.grants = append(who.grants, g)
	}
	for _, g := range grants {
		if who := find(g.at.Profile, ""); g.at.RoleARN != "" && !slices.Contains(who.roles, g.at.RoleARN) {
			who.roles = append(who.roles, g.at.RoleARN)
		}
	}
	return slices.DeleteFunc(list, func(i identity) bool { return len(i.grants)+len(i.roles) == 0 })
}

// longestPolicy is how many characters AWS takes of a managed policy, white space
// not counted (IAM User Guide, IAM and AWS STS quotas).
const longestPolicy = 6144

// printPolicies prints the policy of each on out, and what is to be said on notes.
func printPolicies(out, notes io.Writer, list []identity, more []string) error {
	for _, who := range list {
		doc := leastPolicy(who.grants, who.roles)
		if len(list) > 1 {
			fmt.Fprintf(notes, "# for %s\n", who)
		}
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(doc); err != nil {
			return fmt.Errorf("write the policy: %w", err)
		}
		if n := text.Len() - 1; n > longestPolicy {
			more = append(more, fmt.Sprintf("the policy for %s has %d characters, and a managed policy takes %d: divide its statements among several, or use --offline", who, n, longestPolicy))
		}
		encoder = json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(doc); err != nil {
			return fmt.Errorf("print the policy: %w", err)
		}
	}
	for _, note := range more {
		fmt.Fprintln(notes, "note  "+note)
	}
	return nil
}

// policyNotes say what a reader of the policies must know.
func policyNotes(grants []grant, offline bool) []string {
	var notes []string
	moves := slices.ContainsFunc(grants, func(g grant) bool { return g.moves })
	switch {
	case !offline && moves:
		notes = append(notes, "instances that come later are not in it: print it again then, or print one that goes by tags with --offline")
	case offline && moves:
		notes = append(notes, "nothing was read, so that every Elastic IP of the account may be moved: print it without --offline, or write the allocations in the place of elastic-ip/*")
	}
	if offline && slices.ContainsFunc(grants, func(g grant) bool { return g.moves && len(g.tags) > 0 }) {
		notes = append(notes, "it goes by the tags of the instances, and of their network interfaces, which need the same tags")
	}
	if offline && slices.ContainsFunc(grants, func(g grant) bool { return g.zone == everything }) {
		notes = append(notes, "a zone that the configuration has by its name stands as hostedzone/*: write its id there")
	}
	if slices.ContainsFunc(grants, func(g grant) bool { return g.account == everything && g.moves }) {
		notes = append(notes, "the account's number is not known: write it in the place of the * in the ARNs of EC2")
	}
	return notes
}

// left notes the pools that were left out although their edits go together with
// those of pools that were not.
func left(whole, some *config.Config) []string {
	var notes []string
	for _, p := range whole.Pools {
		if slices.ContainsFunc(some.Pools, func(q config.Pool) bool { return q.Name == p.Name }) || len(grantOf(whole, p).names) == 0 {
			continue
		}
		same := func(q config.Pool) bool {
			return everywhere(q.AWS) == everywhere(p.AWS) && q.ZoneID == p.ZoneID && q.ZoneName == p.ZoneName && len(grantOf(whole, q).names) > 0
		}
		if slices.ContainsFunc(some.Pools, same) {
			notes = append(notes, fmt.Sprintf("pool %s edits the same zone, in the same batches, and a batch needs one statement that allows all of it: one rrwatch for both needs a policy for both (--pool %s)",
				p.Name, strings.Join(append(poolNames(some), p.Name), ",")))
		}
	}
	return notes
}
