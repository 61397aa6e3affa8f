package main

import (
	"context"
	"io"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// prober is rrwatch's probing in a process of its own: questions, schedule, belief, counters, and one who follows the
// changes of belief as the daemon's responder does. Results are not stored, for rrwatch stores no samples: when it does,
// in batches, it belongs in here.
//
// "report" on its input has it say how the probing goes; "ask" has all targets asked now.
func prober(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	o, err := parseProber(args)
	if err != nil {
		return err
	}
	m, watches, err := o.watching()
	if err != nil {
		return err
	}
	if err := m.Replace(watches); err != nil {
		return err
	}
	targets := make([]probe.Target, 0, len(watches))
	for _, w := range watches {
		targets = append(targets, w.Target)
	}

	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	debug.SetGCPercent(daemonHeapGrowth)
	lean := time.AfterFunc(daemonGivesBack, giveBack)
	defer lean.Stop()
	say := newSpeaker(out)
	running.Go(func() { _ = m.Run(ctx) })
	running.Go(func() { follow(ctx, m, o.changes, say) })
	return obey(ctx, in, func(line string) error {
		switch line {
		case "ask":
			m.Ask(targets)
		case "report":
			return say.say(word{Report: reportOf(m.Snapshot())})
		}
		return nil
	})
}

// daemonHeapGrowth is how the daemon sets Go's collector.
const daemonHeapGrowth = 40

// daemonGivesBack is when the daemon returns the memory that only its start needed; the prober does as it does.
const daemonGivesBack = 10 * time.Second

func giveBack() {
	runtime.GC()
	debug.FreeOSMemory()
}

// follow takes the changes of belief, and says them when somebody wants to hear.
func follow(ctx context.Context, m *monitor.Monitor, aloud bool, say *speaker) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.Nudges():
		}
		told := time.Now()
		for _, t := range m.Transitions() {
			if !aloud {
				continue
			}
			if err := say.say(word{Change: changeOf(t, told)}); err != nil {
				return // nobody listens any more
			}
		}
	}
}

// changeOf finds the first of the fails that have led to Down: with `clear` 1, those in a row at the evidence's end.
func changeOf(t monitor.Transition, told time.Time) *change {
	c := &change{To: t.To.String(), Told: told.UnixNano()}
	if t.To != monitor.Down {
		return c
	}
	for i := len(t.Evidence) - 1; i >= 0 && t.Evidence[i].Verdict != probe.Pass; i-- {
		if t.Evidence[i].Verdict == probe.Fail {
			c.FirstFail = t.Evidence[i].Ended().UnixNano()
		}
	}
	return c
}

func reportOf(s *monitor.Snapshot) *report {
	r := &report{Targets: s.Len(), Pass: s.Tally.Pass, Fail: s.Tally.Fail, Inconclusive: s.Tally.Inconclusive}
	for _, h := range s.All() {
		if h.State == monitor.Up {
			r.Up++
		}
	}
	return r
}
