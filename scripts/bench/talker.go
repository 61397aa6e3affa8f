package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// talker is this program in one of its modes (prober, loop, victim), in a process of its own. It is told things by lines
// of text on its standard input, and says things by lines of JSON on its standard output. It ends when its input does, so
// that none outlives the one who started it.
type talker struct {
	*process
	in   io.WriteCloser
	says chan word
}

// word is one line that a talker says: one of its fields.
type word struct {
	Report *report `json:"report,omitempty"` // the answer to "report"
	Change *change `json:"change,omitempty"` // a belief has changed
	Ready  bool    `json:"ready,omitempty"`  // a victim listens
	Idle   bool    `json:"idle,omitempty"`   // somebody holds a connection to a victim, and says nothing
}

// report is how the probing of a talker has gone so far.
type report struct {
	Targets      int    `json:"targets"`
	Up           int    `json:"up"` // of them; a bare loop believes nothing and counts those whose last probe passed
	Pass         uint64 `json:"pass"`
	Fail         uint64 `json:"fail"`
	Inconclusive uint64 `json:"inconclusive"`
}

// change is a target that came Up or went Down. Its times are of the wall clock, in nanoseconds since 1970: all processes
// of a machine have the same one.
type change struct {
	To        string `json:"to"`
	FirstFail int64  `json:"first_fail,omitempty"` // when the first of the fails that led to Down was known
	Told      int64  `json:"told"`                 // when one who follows the monitor has heard of it
}

// answerWithin is how long a talker may think.
const answerWithin = 5 * time.Second

// talk starts this program in a mode.
func talk(ctx context.Context, mode string, args ...string) (*talker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	t := &talker{process: prepare(ctx, self, append([]string{mode}, args...)...), says: make(chan word, 64)}
	if t.in, err = t.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", t.name, err)
	}
	heard, said := io.Pipe()
	t.cmd.Stdout = said
	if err := t.begin(); err != nil {
		return nil, err
	}
	go func() {
		<-t.gone
		_ = said.Close()
	}()
	go t.listen(heard)
	return t, nil
}

// listen takes what the talker says until it ends. What nobody waits for any more is dropped, oldest first.
func (t *talker) listen(heard io.Reader) {
	defer close(t.says)
	lines := bufio.NewScanner(heard)
	for lines.Scan() {
		var w word
		if err := json.Unmarshal(lines.Bytes(), &w); err != nil {
			fmt.Fprintf(t.output, "said %q: %v\n", lines.Text(), err)
			continue
		}
		for sent := false; !sent; {
			select {
			case t.says <- w:
				sent = true
			default:
				select {
				case <-t.says:
				default:
				}
			}
		}
	}
}

func (t *talker) tell(line string) error {
	if _, err := io.WriteString(t.in, line+"\n"); err != nil {
		return fmt.Errorf("tell %s %q: %w", t.name, line, err)
	}
	return nil
}

// errSilent is that a talker did not say in time what was waited for.
var errSilent = errors.New("nothing came in time")

// hear waits for a word that is wanted; others are dropped.
func (t *talker) hear(ctx context.Context, within time.Duration, wanted func(word) bool) (word, error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		select {
		case w, open := <-t.says:
			if !open {
				return word{}, t.ended()
			}
			if wanted(w) {
				return w, nil
			}
		case <-timer.C:
			return word{}, fmt.Errorf("%s: %w (%s): %s", t.name, errSilent, within, lastLine(t.output.String()))
		case <-ctx.Done():
			return word{}, ctx.Err()
		}
	}
}

// healthy reports an error unless all that it probed so far has passed, and it soon believes that all targets are up: what
// it believes is published a moment later.
func (t *talker) healthy(ctx context.Context) error {
	const again = 50 * time.Millisecond
	for end := time.Now().Add(answerWithin); ; {
		r, err := t.report(ctx)
		if err != nil {
			return err
		}
		if r.Up == r.Targets && r.Pass > 0 && r.Fail+r.Inconclusive == 0 {
			return nil
		}
		if r.Fail+r.Inconclusive > 0 || time.Now().After(end) {
			return fmt.Errorf("%s: %d of %d targets are up after %d passed, %d failed and %d inconclusive probes; want all to pass",
				t.name, r.Up, r.Targets, r.Pass, r.Fail, r.Inconclusive)
		}
		if err := t.stays(ctx, again); err != nil {
			return err
		}
	}
}

func (t *talker) report(ctx context.Context) (*report, error) {
	if err := t.tell("report"); err != nil {
		return nil, err
	}
	w, err := t.hear(ctx, answerWithin, func(w word) bool { return w.Report != nil })
	return w.Report, err
}
