//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"rrwatch/simulator"
)

// Where the fabric offers the simulated AWS.
const (
	apiAddress  = "10.99.0.1:4566"
	dnsAddress  = "10.99.0.1:53"
	zoneID      = "Z0LAB0EXAMPLE0COM000"
	sitePort    = 80
	siteName    = "www.example.com"
	siteZone    = "example.com"
	recordTTL   = 60
	eachWeight  = 10
	siteTag     = "rrwatch"
	siteTagName = "www"
)

// startCloud starts the simulated AWS with its DNS server, and has the fabric's routes follow it.
func (w *world) startCloud(ctx context.Context) error {
	w.aws = simulator.New(simulator.Options{})
	w.fill()
	if _, err := w.serve(ctx, fabric, apiAddress, w.aws); err != nil {
		return err
	}
	err := fabric.do(func() error {
		dns, err := simulator.ServeDNS(ctx, w.aws, dnsAddress)
		if err != nil {
			return err
		}
		w.atEnd(func() error { dns.Close(); return nil })
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.route(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() { w.follow(ctx) })
	w.atEnd(func() error {
		cancel()
		following.Wait()
		return nil
	})
	return nil
}

// fill wires the account: the first instances carry one address each.
func (w *world) fill() {
	for _, i := range w.instances {
		w.aws.AddInstance(simulator.Instance{
			ID: i.id, Name: string(i.net), Zone: i.zone, Private: i.private(), Tags: map[string]string{siteTag: siteTagName},
		})
	}
	w.aws.AddZone(simulator.Zone{ID: zoneID, Name: siteZone})
	for n, ip := range addresses() {
		w.aws.AddAddress(simulator.Address{IP: ip, Instance: w.instances[n].id})
		w.aws.SetRecord(zoneID, simulator.RecordSet{
			Name: siteName, Type: "A", TTL: recordTTL, SetIdentifier: fmt.Sprintf("www-%d", n+1),
			Weight: new(int64(eachWeight)), Values: []string{ip.String()},
		})
	}
}

// follow keeps the fabric's routes as the simulated AWS has them.
func (w *world) follow(ctx context.Context) {
	for {
		changed := w.aws.Changed()
		if err := w.route(ctx); err != nil {
			if ctx.Err() == nil {
				w.fail(err)
			}
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// route routes every address to the instance that carries it.
func (w *world) route(ctx context.Context) error {
	for _, ip := range addresses() {
		carrier, ok := w.aws.Carrier(ip)
		if !ok {
			return fmt.Errorf("route %s: nothing carries it", ip)
		}
		if w.routes[ip] == carrier.ID {
			continue
		}
		if err := fabric.ip(ctx, fmt.Sprintf("route replace %s/32 via %s", ip, carrier.Private)); err != nil {
			return errors.Join(fmt.Errorf("route %s to %s", ip, carrier.ID), err)
		}
		w.routes[ip] = carrier.ID
	}
	return nil
}
