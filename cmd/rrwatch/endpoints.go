package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

// printEndpoints asks a pool's endpoints once and prints the answers as rows of
// the table of `rrwatch probe`. It reports whether all passed.
func printEndpoints(ctx context.Context, table io.Writer, spec *failover.Spec) bool {
	good := true
	for n, a := range askOnce(ctx, spec.EndpointWatches()) {
		e := spec.Endpoints[n]
		good = good && a.Verdict == probe.Pass
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", a.Verdict, spec.Name, e.URL, "for users",
			e.Name, took(a), said(a))
	}
	return good
}

// checkEndpoints says what users find now. That a page is not served is no
// mistake of the configuration's.
func checkEndpoints(ctx context.Context, out *findings, spec *failover.Spec) {
	for n, a := range askOnce(ctx, spec.EndpointWatches()) {
		text := fmt.Sprintf("  users ask for %s (%s): %s", spec.Endpoints[n].URL, spec.Endpoints[n].Name, a.Detail)
		if a.Verdict == probe.Pass && a.Warning == "" {
			out.say(true, "%s", text)
			continue
		}
		out.note(text)
	}
}

// askUsers asks a pool's endpoints once, and says what usersText says.
func askUsers(ctx context.Context, spec *failover.Spec) string {
	p := failover.PoolView{}
	for n, a := range askOnce(ctx, spec.EndpointWatches()) {
		e := failover.EndpointView{URL: spec.Endpoints[n].URL, Health: monitor.Health{Last: probe.Result{Answer: a}}}
		switch {
		case a.Verdict == probe.Fail:
			e.Service = failover.ServiceNotServed
		case probe.Elsewhere(a):
			e.Service = failover.ServedElsewhere
		}
		p.Endpoints = append(p.Endpoints, e)
	}
	return usersText(p)
}

// usersText says, beside a pool's plan, which of its pages are not served as
// they should be; empty: all are.
func usersText(p failover.PoolView) string {
	var b strings.Builder
	for _, e := range p.Endpoints {
		switch e.Service {
		case failover.ServiceNotServed, failover.ServedElsewhere:
			fmt.Fprintf(&b, "  users %s: %s (%s)\n", e.Service, e.URL, e.Health.Last.Detail)
		case failover.Served, failover.ServiceUnknown:
		}
	}
	return b.String()
}
