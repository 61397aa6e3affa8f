package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// loopOptions say what a bare loop does: the least that a Go program needs to know that many addresses accept connections.
type loopOptions struct {
	targets  int
	first    netip.Addr
	port     int
	interval time.Duration
	tick     time.Duration // starts are rounded up to whole ticks; 0: not rounded
}

func (o loopOptions) args() []string {
	return []string{
		"-targets", strconv.Itoa(o.targets), "-first", o.first.String(), "-port", strconv.Itoa(o.port),
		"-interval", o.interval.String(), "-tick", o.tick.String(),
	}
}

func parseLoop(args []string) (loopOptions, error) {
	o := loopOptions{first: firstTarget()}
	flags := flag.NewFlagSet("loop", flag.ContinueOnError)
	flags.IntVar(&o.targets, "targets", 1000, "how many addresses are dialled")
	flags.TextVar(&o.first, "first", o.first, "the first of the addresses")
	flags.IntVar(&o.port, "port", 0, "the port of all targets")
	flags.DurationVar(&o.interval, "interval", 2*time.Second, "of each target")
	flags.DurationVar(&o.tick, "tick", 0, "starts are rounded up to whole ticks")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.targets < 1 || o.port < 1 || o.interval <= 0 {
		return o, errors.New("loop: -targets, -port and -interval must be above 0")
	}
	return o, nil
}

// loop dials each target at its interval with a net.Dialer and a timer of its own, and does nothing else. "report" on its
// input has it say how many connections were accepted.
func loop(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	o, err := parseLoop(args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	var pass, fail atomic.Uint64
	began := time.Now()
	for i, addr := range addresses(o.first, o.targets) {
		running.Go(func() {
			at := o.interval * time.Duration(i) / time.Duration(o.targets) // spread evenly
			o.knock(ctx, netip.AddrPortFrom(addr, uint16(o.port)).String(), began, at, &pass, &fail)
		})
	}
	say := newSpeaker(out)
	return obey(ctx, in, func(line string) error {
		if line != "report" {
			return nil
		}
		r := &report{Targets: o.targets, Pass: pass.Load(), Fail: fail.Load()}
		if r.Fail == 0 {
			r.Up = o.targets
		}
		return say.say(word{Report: r})
	})
}

// knock dials one target for ever. at is the first start, after began.
func (o loopOptions) knock(ctx context.Context, addr string, began time.Time, at time.Duration, pass, fail *atomic.Uint64) {
	dialer := net.Dialer{Timeout: time.Second, KeepAlive: -1}
	timer := time.NewTimer(time.Until(began.Add(roundUp(at, o.tick))))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err != nil {
			fail.Add(1)
		} else {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
			pass.Add(1)
		}
		at += o.interval
		timer.Reset(time.Until(began.Add(roundUp(at, o.tick))))
	}
}

func roundUp(d, tick time.Duration) time.Duration {
	if tick <= 0 {
		return d
	}
	return (d + tick - 1) / tick * tick
}
