package main

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"rrwatch/config"
	"rrwatch/failover"
)

// allPools is the word for every pool, as in the configuration's maintenance.
const allPools = "all"

// scopeOf is what POOL and MEMBER name: nothing is all pools.
func scopeOf(view *failover.View, args []string) (failover.Pause, error) {
	if len(args) == 0 || args[0] == allPools && len(args) == 1 {
		return failover.Pause{}, nil
	}
	var names []string
	for _, p := range view.Pools {
		names = append(names, p.Name)
		if p.Name != args[0] {
			continue
		}
		if len(args) == 1 {
			return failover.Pause{Pool: p.Name}, nil
		}
		return memberOf(p, args[1])
	}
	return failover.Pause{}, fmt.Errorf("there is no pool %s; %s", args[0], suggest(args[0], names))
}

// memberOf finds a member of the pool by its address.
func memberOf(p failover.PoolView, text string) (failover.Pause, error) {
	addr, err := netip.ParseAddr(text)
	var names []string
	for _, m := range p.Members {
		names = append(names, m.Addr.String())
		switch {
		case err == nil && m.Addr == addr.Unmap():
			return failover.Pause{Pool: p.Name, Member: m.Addr}, nil
		case m.Carrier.ID != "" && (text == m.Carrier.ID || text == m.Carrier.Name):
			return failover.Pause{}, fmt.Errorf("%s is an instance; a member is named by its address: it carries %s now", text, m.Addr)
		}
	}
	return failover.Pause{}, fmt.Errorf("pool %s has no member %s; %s", p.Name, text, suggest(text, names))
}

// suggest says what a person may have meant.
func suggest(typed string, names []string) string {
	if near := config.Nearest(typed, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "there is " + strings.Join(names, ", ")
}

// named is the scope as the API takes it.
func named(p failover.Pause) map[string]string {
	order := map[string]string{"pool": p.Pool}
	if p.Member.IsValid() {
		order["member"] = p.Member.String()
	}
	return order
}

// atMost asks for n arguments or fewer and shows how they are written.
func atMost(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		return exactly(n)(c, args)
	}
}

// completePools offers the configuration's pools as the first argument.
func completePools(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	cfg, err := loadConfig(c)
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := []string{allPools}
	for _, p := range cfg.Pools {
		names = append(names, p.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
