package store

import (
	"path/filepath"
	"strconv"
	"testing"
)

func TestNothingAcknowledgedIsLostWhenTheProcessIsKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rrwatch.db")
	var acknowledged int64
	for _, after := range []int{1, 7, 40} { // each on what the one before has left
		writer := started(t, "writer", path)
		if got := writer.says(); got != "open" {
			t.Fatalf("the writer says %q", got)
		}
		for n := 0; ; n++ {
			if n == after {
				writer.killed(t) // and read what it said until then
			}
			line := writer.says()
			if line == "" {
				break
			}
			seq, err := strconv.ParseInt(line, 10, 64)
			if err != nil {
				t.Fatalf("the writer says %q", line)
			}
			acknowledged = seq
		}
		if exit := writer.ended(t); exit.Exited() {
			t.Fatalf("the writer ended by itself: %v", exit)
		}
		left(t, path, acknowledged)
	}
}

// left checks what a killed writer has left behind.
func left(t *testing.T, path string, acknowledged int64) {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	entries := all(t, s)
	for i, e := range entries {
		if e.Seq != int64(i+1) {
			t.Fatalf("entry %d of the journal has number %d", i+1, e.Seq)
		}
	}
	if n := int64(len(entries)); n < acknowledged || n%2 != 0 {
		t.Errorf("%d entries are left; %d were acknowledged, always two at once", n, acknowledged)
	}
	checkFolds(t, s)
}
