package main

import (
	"context"
	"fmt"

	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/probe"
	"rrwatch/route53"
)

// zones sends each pool's record sets to the client that knows its account, and
// the name servers to ask for them.
type zones struct {
	byName map[string]zone // by record, and by the name of the lease that stands beside it
}

// zone is how the record sets of one pool are reached. One client makes all
// edits of an account, so that those of a zone go together, and never two at
// once.
type zone struct {
	record string
	asker  *route53.Client
	editor *route53.Client
}

var _ failover.Records = (*zones)(nil)

// newZones opens one Route 53 client for each account.
func newZones(cfg *config.Config, open func(config.AWS) *awsroute53.Client, dial probe.Dial) *zones {
	type account struct {
		sdk    *awsroute53.Client
		editor *route53.Client
		askers map[string]*route53.Client // by the name servers that they ask
	}
	var options []route53.Option
	if cfg.Lease == config.LeaseDNS {
		options = append(options, route53.WithLeases())
	}
	accounts := map[config.AWS]*account{}
	z := &zones{byName: map[string]zone{}}
	for _, p := range cfg.Pools {
		a := accounts[everywhere(p.AWS)]
		if a == nil {
			sdk := open(p.AWS)
			a = &account{sdk: sdk, editor: route53.New(sdk, nil, dial), askers: map[string]*route53.Client{}}
			accounts[everywhere(p.AWS)] = a
		}
		servers := fmt.Sprint(p.NameServers)
		if a.askers[servers] == nil {
			a.askers[servers] = route53.New(a.sdk, p.NameServers, dial, options...)
		}
		z.byName[p.Record] = zone{p.Record, a.askers[servers], a.editor}
	}
	if cfg.Lease == config.LeaseDNS {
		for _, p := range cfg.Pools {
			z.byName[failover.LeaseName(p.Record)] = z.byName[p.Record]
		}
	}
	return z
}

// Read reads the sets of a configured name.
func (z *zones) Read(ctx context.Context, zone, name string) (failover.Published, error) {
	return z.byName[name].asker.Read(ctx, zone, name)
}

// Edit edits sets of configured names, those of each account in one go.
func (z *zones) Edit(ctx context.Context, edits []failover.Reweigh, comment string) []failover.Edited {
	return inGroups(edits, func(r failover.Reweigh) *route53.Client {
		of, err := z.of(r)
		if err != nil {
			return nil
		}
		return of.editor
	}, func(editor *route53.Client, theirs []failover.Reweigh) []failover.Edited {
		if editor != nil {
			return editor.Edit(ctx, theirs, comment)
		}
		refused := make([]failover.Edited, len(theirs))
		for n, r := range theirs {
			_, refused[n].Err = z.of(r)
		}
		return refused
	})
}

// Confirm waits until the authoritative servers answer so.
func (z *zones) Confirm(ctx context.Context, r failover.Reweigh, change string) error {
	of, err := z.of(r)
	if err != nil {
		return err
	}
	return of.asker.Confirm(ctx, r, change)
}

// Ask asks the authoritative servers for a configured name.
func (z *zones) Ask(ctx context.Context, zone, name string, times int) ([]failover.Answer, error) {
	return z.byName[name].asker.Ask(ctx, zone, name, times)
}

// of finds the pool's zone by the name that is edited: a name that no pool has
// belongs to somebody else (I10), and a fence must be of the same pool.
func (z *zones) of(r failover.Reweigh) (zone, error) {
	name := nameOf(r.Was, r.Shall)
	of, ours := z.byName[name]
	if ours && r.Fence != nil {
		name = nameOf(r.Fence.Was, r.Fence.Shall)
		ours = name == failover.LeaseName(of.record)
	}
	if !ours {
		return zone{}, &failover.Refusal{Guard: failover.GuardNotOurs, Text: fmt.Sprintf("edit %s: no configured pool has this name", name)}
	}
	return of, nil
}

// nameOf is the name of the sets that one replaces the other of.
func nameOf(was, shall failover.RecordSet) string {
	if was.Exists() {
		return was.Name
	}
	return shall.Name
}
