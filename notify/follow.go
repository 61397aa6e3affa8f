// Package notify tells people: it follows the journal by a cursor that is kept
// in the database, and tells a channel such as Slack what an on-call person
// must know.
//
// Everything is told at least once, and each incident in order. What the
// channel has accepted is recorded right after each call. So a crash, or an
// answer that was lost on its way, repeats at most the one call that was not
// recorded; an orderly end waits for the call's answer and repeats none.
package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"rrwatch/failover"
)

// Journal is what notify reads: the entries in order, and the incidents that
// they add up to.
type Journal interface {
	// Since returns at most limit entries with a higher sequence number than
	// after, in order.
	Since(ctx context.Context, after int64, limit int) ([]failover.Entry, error)
	// Changed returns a channel that is closed at the next append. Take it,
	// read, then wait, and no entry is missed.
	Changed() <-chan struct{}
	// Incident returns the incident as it is now.
	Incident(ctx context.Context, id int64) (failover.Incident, error)
}

// Cursors remembers how far each channel has been told, so that neither a
// crash nor an outage of the channel loses an alert.
type Cursors interface {
	// Cursor is the sequence number up to which the channel was told; 0 when
	// it never was.
	Cursor(ctx context.Context, channel string) (int64, error)
	// Thread is what Advance last kept of the incident; empty when nothing was.
	Thread(ctx context.Context, channel string, incident int64) (string, error)
	// Advance keeps the cursor and the incidents' threads in one transaction.
	// The cursor may be the one that is already kept.
	Advance(ctx context.Context, channel string, seq int64, threads map[int64]string) error
}

// Teller is one kind of channel. Each method makes at most one change that
// people see, so that it can be recorded before the next one. An error of type
// *Retry says when to try again; after any other the wait grows.
type Teller interface {
	// Name names the cursor: "slack".
	Name() string
	// Show posts the one message of an incident, or brings the one in thread up
	// to date, and returns its thread: an opaque text that Show and Step get
	// again. A channel that cannot change its messages does nothing.
	Show(ctx context.Context, thread string, i failover.Incident) (string, error)
	// Step tells the first of the steps, as many as fit into one message, and
	// returns the sequence number of the last step that is done with.
	Step(ctx context.Context, thread string, i failover.Incident, steps []failover.Entry) (int64, error)
	// Shout tells what belongs to no incident: one entry, or several of one kind
	// that are told together.
	Shout(ctx context.Context, entries ...failover.Entry) error
}

// Retry is the error of a teller that knows when another try makes sense.
type Retry struct {
	After time.Duration
	Fix   bool // a person must change something first; Err says what
	Err   error
}

// Error is the sentence of what went wrong.
func (r *Retry) Error() string { return r.Err.Error() }

// Unwrap is what went wrong.
func (r *Retry) Unwrap() error { return r.Err }

const (
	batch    = 200              // entries that are read at once
	firstTry = time.Second      // the first wait after a failure; it doubles
	lastTry  = 60 * time.Second // the longest wait that we choose ourselves
	longest  = time.Hour        // the longest wait that a channel may ask of us
	recordIn = 5 * time.Second  // what the database gets to record a call at the end
)

// Follow tells the journal to one channel until ctx ends, and then returns
// nil: no failure of the channel or of the database ends it, since people must
// be told later. A streak of failures is one warning in the log. On the first
// start of all it begins at the journal's first entry.
func Follow(ctx context.Context, journal Journal, cursors Cursors, teller Teller, log *slog.Logger) error {
	f := follower{journal: journal, cursors: cursors, teller: teller}
	s := streak{log: log.With("channel", teller.Name())}
	for {
		changed := journal.Changed()
		more, err := f.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		var wait <-chan time.Time
		switch {
		case err != nil:
			changed, wait = nil, time.After(s.failed(err))
		default:
			s.succeeded()
			if more {
				continue
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-wait:
		}
	}
}

// follower holds no state of its own: each round starts from what the
// database has recorded.
type follower struct {
	journal Journal
	cursors Cursors
	teller  Teller
}

// round tells what comes next after the cursor and moves the cursor behind it.
// It reports whether there was anything.
func (f follower) round(ctx context.Context) (bool, error) {
	after, err := f.cursors.Cursor(ctx, f.teller.Name())
	if err != nil {
		return false, fmt.Errorf("read how far the channel was told: %w", err)
	}
	entries, err := f.journal.Since(ctx, after, batch)
	if err != nil {
		return false, fmt.Errorf("read the journal after entry %d: %w", after, err)
	}
	if len(entries) == 0 {
		return false, nil
	}
	entries = together(entries)
	if shouted(entries[0]) {
		err = f.teller.Shout(ctx, entries...)
	} else {
		err = f.tell(ctx, after, entries)
	}
	if err != nil {
		return false, err
	}
	return true, f.record(ctx, entries[len(entries)-1].Seq, nil)
}

// together is the part of the entries that is told in one round: a shout
// alone, advice of one kind, or everything up to the next shout.
func together(entries []failover.Entry) []failover.Entry {
	if advice(entries[0]) {
		other := func(e failover.Entry) bool { return e.Kind != entries[0].Kind }
		if n := slices.IndexFunc(entries, other); n > 0 {
			return entries[:n]
		}
		return entries
	}
	if shouted(entries[0]) {
		return entries[:1]
	}
	if n := slices.IndexFunc(entries, shouted); n > 0 {
		return entries[:n]
	}
	return entries
}

// shouted reports whether an entry is told by itself: it concerns rrwatch as a
// whole, or is advice.
func shouted(e failover.Entry) bool {
	switch e.Kind {
	case failover.BrakeLatched, failover.BrakeReleased, failover.WentBlind, failover.SawAgain,
		failover.NotServed, failover.ServedAgain, failover.Warned, failover.WarningOver, failover.Paused, failover.Resumed,
		failover.LeaseLost, failover.Drifted, failover.DriftOver:
		return true
	case failover.LeaseTaken: // at a start it is as it should be
		return e.Holding != nil && e.Holding.After != ""
	case failover.Started, failover.Stopped, failover.Wired, failover.Believed, failover.Opened, failover.Diagnosed,
		failover.HeldBack, failover.Approved, failover.ActionBegun, failover.ActionApplied, failover.ActionEnded,
		failover.Noted, failover.Closed, failover.Overridden, failover.Proposed, failover.ProposalOver, failover.Flapping, failover.Calm, failover.Drained:
	}
	return false
}

// step reports whether an entry is a step of an incident that people are told.
func step(e failover.Entry) bool {
	switch e.Kind {
	case failover.Opened, failover.Diagnosed, failover.HeldBack, failover.Approved, failover.ActionBegun,
		failover.ActionApplied, failover.ActionEnded, failover.Noted, failover.Closed,
		failover.Overridden, failover.Proposed, failover.ProposalOver, failover.Flapping, failover.Calm, failover.Drained:
		return e.Incident != 0
	case failover.Started, failover.Stopped, failover.Wired, failover.Believed,
		failover.BrakeLatched, failover.BrakeReleased, failover.WentBlind, failover.SawAgain,
		failover.NotServed, failover.ServedAgain, failover.Warned, failover.WarningOver, failover.Paused, failover.Resumed,
		failover.LeaseTaken, failover.LeaseLost, failover.Drifted, failover.DriftOver:
	}
	return false
}

// news is what is told of one incident in one round.
type news struct {
	incident failover.Incident
	mark     mark
	steps    []failover.Entry
}

// tell tells the steps of incidents. All messages come before all steps: when
// a whole zone fails, the last member's alert does not wait for the history of
// the first.
func (f follower) tell(ctx context.Context, after int64, entries []failover.Entry) error {
	all, err := f.gather(ctx, entries)
	if err != nil {
		return err
	}
	for n := range all {
		if err := f.show(ctx, after, &all[n]); err != nil {
			return err
		}
	}
	for n := range all {
		if err := f.step(ctx, after, &all[n]); err != nil {
			return err
		}
	}
	return nil
}

// gather groups the steps by incident, in the order of their first step, and
// leaves out what was told before a crash.
func (f follower) gather(ctx context.Context, entries []failover.Entry) ([]news, error) {
	var all []news
	for _, id := range incidents(entries) {
		text, err := f.cursors.Thread(ctx, f.teller.Name(), id)
		if err != nil {
			return nil, fmt.Errorf("read the thread of incident %d: %w", id, err)
		}
		n := news{mark: readMark(text)}
		for _, e := range entries {
			if step(e) && e.Incident == id && e.Seq > n.mark.told {
				n.steps = append(n.steps, e)
			}
		}
		if len(n.steps) == 0 {
			continue
		}
		if n.incident, err = f.journal.Incident(ctx, id); err != nil {
			return nil, fmt.Errorf("read incident %d: %w", id, err)
		}
		all = append(all, n)
	}
	return all, nil
}

// incidents lists the incidents of which there is something to tell.
func incidents(entries []failover.Entry) []int64 {
	var ids []int64
	for _, e := range entries {
		if step(e) && !slices.Contains(ids, e.Incident) {
			ids = append(ids, e.Incident)
		}
	}
	return ids
}

func (f follower) show(ctx context.Context, after int64, n *news) error {
	thread, err := f.teller.Show(ctx, n.mark.thread, n.incident)
	if err != nil {
		return err
	}
	if thread == n.mark.thread {
		return nil
	}
	n.mark.thread = thread
	return f.record(ctx, after, map[int64]string{n.incident.ID: n.mark.String()})
}

func (f follower) step(ctx context.Context, after int64, n *news) error {
	for len(n.steps) > 0 {
		told, err := f.teller.Step(ctx, n.mark.thread, n.incident, n.steps)
		if err != nil {
			return err
		}
		// A teller that got nowhere would keep us here for ever.
		n.mark.told = max(told, n.steps[0].Seq)
		n.steps = slices.DeleteFunc(n.steps, func(e failover.Entry) bool { return e.Seq <= n.mark.told })
		if err := f.record(ctx, after, map[int64]string{n.incident.ID: n.mark.String()}); err != nil {
			return err
		}
	}
	return nil
}

// record keeps what the channel has accepted, even if ctx has just ended: the
// call is made and would be repeated by the next start.
func (f follower) record(ctx context.Context, seq int64, threads map[int64]string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordIn)
	defer cancel()
	if err := f.cursors.Advance(ctx, f.teller.Name(), seq, threads); err != nil {
		return fmt.Errorf("record that the channel was told up to entry %d: %w", seq, err)
	}
	return nil
}

// streak counts failures in a row, and makes one warning of them.
type streak struct {
	log   *slog.Logger
	fails int
	fix   bool
}

// failed is how long to wait before the next try.
func (s *streak) failed(err error) time.Duration {
	retry, told := errors.AsType[*Retry](err)
	wait := min(firstTry<<min(s.fails, 10), lastTry)
	if told {
		wait = min(max(retry.After, firstTry), longest)
	}
	fix := told && retry.Fix
	if s.fails == 0 || fix != s.fix {
		s.log.Warn("people are not told now; they will be told later", "error", err, "retry_in", wait)
	}
	s.fails, s.fix = s.fails+1, fix
	return wait
}

func (s *streak) succeeded() {
	if s.fails > 0 {
		s.log.Info("people are told again", "failures", s.fails)
	}
	s.fails, s.fix = 0, false
}
