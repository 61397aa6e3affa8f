package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// mode is what this program does in a process of its own, so that what it uses can be read from outside.
type mode func(ctx context.Context, args []string, in io.Reader, out io.Writer) error

// modeOf finds a mode by the name that talk gives.
func modeOf(name string) (mode, bool) {
	switch name {
	case "prober":
		return prober, true
	case "loop":
		return loop, true
	case "victim":
		return victim, true
	}
	return nil, false
}

// speaker says words to the one who started this process.
type speaker struct {
	mu  sync.Mutex // protects the following
	out *json.Encoder
}

func newSpeaker(out io.Writer) *speaker { return &speaker{out: json.NewEncoder(out)} }

func (s *speaker) say(w word) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.out.Encode(w); err != nil {
		return fmt.Errorf("say what was measured: %w", err)
	}
	return nil
}

// obey hands over each line that comes in, until the input or ctx ends.
func obey(ctx context.Context, in io.Reader, do func(line string) error) error {
	lines := make(chan string)
	ended := make(chan error, 1)
	go func() {
		scanner := bufio.NewScanner(in)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
		ended <- scanner.Err()
	}()
	for {
		select {
		case line := <-lines:
			if err := do(line); err != nil {
				return err
			}
		case err := <-ended:
			return err
		case <-ctx.Done():
			return nil // asked to end
		}
	}
}
