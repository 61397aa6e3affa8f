package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

// fill sets every field below v to something that is not zero, every time to
// one that is not in UTC.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		berlin := time.FixedZone("", 3600)
		v.Set(reflect.ValueOf(morning().Add(time.Duration(*n) * time.Nanosecond).In(berlin)))
		return
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.AddrFrom4([4]byte{203, 0, 113, byte(*n)})))
		return
	case netip.AddrPort:
		v.Set(reflect.ValueOf(netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), uint16(*n))))
		return
	case monitor.State:
		v.Set(reflect.ValueOf(monitor.Down))
		return
	case probe.Verdict:
		v.Set(reflect.ValueOf(probe.Fail))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d with \"quotes\", <b> and →", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(1)
	default:
		v.SetInt(int64(*n))
	}
}

// unfilled lists what is zero below v, and the times that are not in UTC.
func unfilled(v reflect.Value, path string) []string {
	if at, ok := reflect.TypeAssert[time.Time](v); ok && at.Location() != time.UTC {
		return []string{path + " is not in UTC"}
	}
	if v.IsZero() {
		return []string{path + " is lost"}
	}
	var list []string
	switch v.Interface().(type) {
	case time.Time, netip.Addr, netip.AddrPort:
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		for name, field := range v.Fields() {
			list = append(list, unfilled(field, path+"."+name.Name)...)
		}
	case reflect.Pointer:
		list = unfilled(v.Elem(), path)
	case reflect.Slice:
		for i := range v.Len() {
			list = append(list, unfilled(v.Index(i), fmt.Sprintf("%s[%d]", path, i))...)
		}
	}
	return list
}

func TestEveryFieldOfAnEntryIsReadBackAsItWasWritten(t *testing.T) {
	s, _ := opened(t)
	var e failover.Entry
	fill(reflect.ValueOf(&e).Elem(), new(int))
	e.Kind = failover.Opened
	written := mustAppend(t, s, e)
	read := all(t, s)
	if !reflect.DeepEqual(written, read) {
		t.Errorf("append returned\n%+v\nand the journal says\n%+v", written, read)
	}
	for _, lost := range unfilled(reflect.ValueOf(read[0]), "entry") {
		t.Error(lost)
	}
	if !read[0].At.Equal(e.At) || !read[0].Action.Served.Equal(e.Action.Served) {
		t.Error("an instant has moved")
	}
}

func TestEntriesAreNotSharedWithTheCaller(t *testing.T) {
	s, _ := opened(t)
	mine := opening("www", morning())
	written := mustAppend(t, s, mine)[0]
	mine.Opening.Evidence[0].Detail = "changed later"
	mine.Opening.Instance = "i-other"
	if written.Opening.Evidence[0].Detail != "connection refused" || written.Opening.Instance != "i-1" {
		t.Errorf("the caller's change reached the returned entry: %+v", written.Opening)
	}
	action := failover.Action{Kind: failover.KindRemap}
	got := mustAppend(t, s, failover.Entry{At: morning(), Kind: failover.ActionBegun, Action: &action})[0]
	if action.ID != 0 || got.Action.ID != got.Seq {
		t.Errorf("the caller's action got number %d, the returned one %d of entry %d", action.ID, got.Action.ID, got.Seq)
	}
}

func TestNumbersEntriesIncidentsAndActions(t *testing.T) {
	s, _ := opened(t)
	begun := func(id int64) failover.Entry {
		return failover.Entry{At: morning(), Kind: failover.ActionBegun, Text: "begun", Action: &failover.Action{ID: id}}
	}
	got := mustAppend(t, s, note("a"), opening("www", morning()), opening("api", morning()), begun(0), begun(2))
	for i, e := range got {
		if e.Seq != int64(i+1) {
			t.Errorf("entry %d got number %d", i+1, e.Seq)
		}
	}
	if got[0].Incident != 0 || got[1].Incident != 1 || got[2].Incident != 2 {
		t.Errorf("incidents got numbers %d, %d, %d", got[0].Incident, got[1].Incident, got[2].Incident)
	}
	if got[3].Action.ID != 4 || got[4].Action.ID != 2 {
		t.Errorf("actions got numbers %d and %d, want 4 and the 2 it had", got[3].Action.ID, got[4].Action.ID)
	}
	last, err := s.Last(t.Context())
	if err != nil || last != 5 {
		t.Errorf("last is %d, %v", last, err)
	}
}

func TestRefusesEntriesThatCannotBeRightAndWritesNothing(t *testing.T) {
	s, _ := opened(t)
	mustAppend(t, s, opening("www", morning()))
	again := opening("www", morning())
	again.Incident = 1
	for _, c := range []struct {
		name  string
		entry failover.Entry
		want  string
	}{
		{"no time", failover.Entry{Kind: failover.Noted, Text: "x"}, "needs a time"},
		{"no kind", failover.Entry{At: morning(), Text: "x"}, "and a kind"},
		{"unknown incident", closing(7, morning()), "incident 7: no such incident"},
		{"opened twice", again, "incident 1 was opened before"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Append(t.Context(), note("goes with it"), opening("api", morning()), c.entry)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	if _, err := s.Append(t.Context(), closing(7, morning())); !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v is not ErrNotFound", err)
	}
	if got := all(t, s); len(got) != 1 {
		t.Errorf("%d entries, want only the first", len(got))
	}
	if got := mustAppend(t, s, opening("api", morning()))[0]; got.Seq != 2 || got.Incident != 2 {
		t.Errorf("the next entry got numbers %d and %d: a refused one has used them up", got.Seq, got.Incident)
	}
}

func TestAnEmptyJournal(t *testing.T) {
	s, _ := opened(t)
	changed := s.Changed()
	if got, err := s.Append(t.Context()); err != nil || got != nil {
		t.Errorf("append of nothing: %v, %v", got, err)
	}
	select {
	case <-changed:
		t.Error("append of nothing is announced")
	default:
	}
	if last, err := s.Last(t.Context()); err != nil || last != 0 {
		t.Errorf("last is %d, %v", last, err)
	}
	if got := all(t, s); len(got) != 0 {
		t.Errorf("entries %v", got)
	}
	if _, err := s.Incident(t.Context(), 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("incident 1: %v", err)
	}
	if m, err := s.Recall(t.Context()); err != nil || m.Brake != nil || len(m.Incidents) != 0 {
		t.Errorf("recalled %+v, %v", m, err)
	}
}

func TestSinceReadsPages(t *testing.T) {
	s, _ := opened(t)
	for range 5 {
		mustAppend(t, s, note("x"))
	}
	for _, c := range []struct {
		after int64
		limit int
		want  string
	}{{0, 2, "[1 2]"}, {2, 2, "[3 4]"}, {4, 2, "[5]"}, {5, 2, "[]"}, {99, 2, "[]"}, {1, 0, "[2 3 4 5]"}, {-1, 1, "[1]"}} {
		got, err := s.Since(t.Context(), c.after, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		seqs := []int64{}
		for _, e := range got {
			seqs = append(seqs, e.Seq)
		}
		if fmt.Sprint(seqs) != c.want {
			t.Errorf("since %d, at most %d: %v, want %s", c.after, c.limit, seqs, c.want)
		}
	}
}

func TestTheJournalIsGaplessUnderManyWritersAndFollowers(t *testing.T) {
	s, _ := opened(t)
	const writers, each, total = 4, 25, 4 * 25 * 2
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if _, err := s.Append(t.Context(), note(fmt.Sprint(w, i)), opening("www", morning())); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 3 {
		wg.Go(func() { follow(t, s, total) })
	}
	wg.Wait()
	checkFolds(t, s)
}

// follow reads the journal as channels do and checks that it sees every entry
// once, in order.
func follow(t *testing.T, s *Store, until int64) {
	var cursor int64
	for cursor < until {
		changed := s.Changed()
		entries, err := s.Since(t.Context(), cursor, 7)
		if err != nil {
			t.Error(err)
			return
		}
		for _, e := range entries {
			if e.Seq != cursor+1 {
				t.Errorf("entry %d follows %d", e.Seq, cursor)
				return
			}
			cursor = e.Seq
		}
		if len(entries) > 0 {
			continue
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Error("the test ended before the journal did")
			return
		}
	}
}

func TestTheSchemaForbidsToChangeTheJournal(t *testing.T) {
	s, _ := opened(t)
	mustAppend(t, s, note("a"), opening("www", morning()))
	entry, err := json.Marshal(note("forged"))
	if err != nil {
		t.Fatal(err)
	}
	const insert = ` INTO journal (seq, at, kind, pool, member, incident, data) VALUES `
	for statement, want := range map[string]string{
		`UPDATE journal SET kind = 'x'`:                              "never changed",
		`DELETE FROM journal WHERE seq = 1`:                          "only retention",
		`INSERT` + insert + `(7, 0, 'x', '', '', NULL, ?)`:           "no gaps",
		`INSERT OR REPLACE` + insert + `(1, 0, '', '', '', NULL, ?)`: "no gaps",
		`INSERT` + insert + `(3, 0, 'x', '', '', 99, ?)`:             "FOREIGN KEY",
		`DELETE FROM incidents`:                                      "FOREIGN KEY",
	} {
		var args []any
		if strings.Contains(statement, "?") {
			args = []any{string(entry)}
		}
		_, err := s.writer.ExecContext(t.Context(), statement, args...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", statement, err, want)
		}
	}
	// Not even retention may take an open incident apart.
	tx, err := s.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), `INSERT INTO retention VALUES (1)`); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `DELETE FROM journal WHERE seq = 2`); err == nil || !strings.Contains(err.Error(), "open incident") {
		t.Errorf("an open incident's entry is removed: %v", err)
	}
	if _, err := tx.ExecContext(t.Context(), `DELETE FROM journal WHERE seq = 1`); err != nil {
		t.Errorf("retention is kept from its work: %v", err)
	}
}
