package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rrwatch/failover"
)

// BenchmarkAppend is a lone entry and a step of an incident of up to 20, beside
// what the disk asks for one small write that survives a power cut.
func BenchmarkAppend(b *testing.B) {
	b.Run("entry", func(b *testing.B) {
		s := benchmarked(b)
		for b.Loop() {
			if _, err := s.Append(b.Context(), note("a sentence of usual length about what happened")); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("step", func(b *testing.B) {
		s := benchmarked(b)
		var id int64
		for n := 0; b.Loop(); n++ {
			e := failover.Entry{At: morning(), Kind: failover.Noted, Incident: id, Text: "a step"}
			if n%20 == 0 {
				e = opening("www", morning())
			}
			written, err := s.Append(b.Context(), e)
			if err != nil {
				b.Fatal(err)
			}
			id = written[0].Incident
		}
	})
	b.Run("bare_fsync", func(b *testing.B) {
		file, err := os.Create(filepath.Join(b.TempDir(), "file"))
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		page := []byte(strings.Repeat("x", 4096))
		for b.Loop() {
			if _, err := file.Write(page); err != nil {
				b.Fatal(err)
			}
			if err := file.Sync(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPing(b *testing.B) {
	s := benchmarked(b)
	for b.Loop() {
		if err := s.Ping(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarked(b *testing.B) *Store {
	b.Helper()
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "rrwatch.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}
