package config

import (
	"testing"
	"time"
)

// window is the maintenance window of one expression.
func window(t *testing.T, expression string, length time.Duration, zone string) Maintenance {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := parseCron(expression)
	if err != nil {
		t.Fatal(err)
	}
	return Maintenance{Pools: []string{"www"}, Cron: expression, For: length, Location: loc, Schedule: schedule}
}

func TestCoversTheTimeFromAStartToItsEnd(t *testing.T) {
	for _, c := range []struct {
		name, cron, length, zone, now, until string // until "": not covered
	}{
		{"before the start", "0 3 * * SUN", "1h", "UTC", "2026-03-01T02:59:59Z", ""},
		{"at the start", "0 3 * * SUN", "1h", "UTC", "2026-03-01T03:00:00Z", "2026-03-01T04:00:00Z"},
		{"just after the start", "0 3 * * SUN", "1h", "UTC", "2026-03-01T03:00:00.5Z", "2026-03-01T04:00:00Z"},
		{"before the end", "0 3 * * SUN", "1h", "UTC", "2026-03-01T03:59:59.999Z", "2026-03-01T04:00:00Z"},
		{"at the end", "0 3 * * SUN", "1h", "UTC", "2026-03-01T04:00:00Z", ""},
		{"another day", "0 3 * * SUN", "1h", "UTC", "2026-03-02T03:30:00Z", ""},
		{"over midnight", "30 23 * * *", "2h", "UTC", "2026-03-02T00:30:00Z", "2026-03-02T01:30:00Z"},
		{"days long", "0 0 1 * *", "240h", "UTC", "2026-03-09T12:00:00Z", "2026-03-11T00:00:00Z"},
		{"a month long", "0 0 1 1 *", "744h", "UTC", "2026-01-31T23:59:00Z", "2026-02-01T00:00:00Z"},
		{"the last of overlapping windows", "*/10 * * * *", "1h", "UTC", "2026-03-01T03:15:00Z", "2026-03-01T04:10:00Z"},
		{"every minute", "* * * * *", "1m", "UTC", "2026-03-01T03:15:59Z", "2026-03-01T03:16:00Z"},
		{"in winter in Berlin", "0 3 * * *", "1h", "Europe/Berlin", "2026-01-10T02:30:00Z", "2026-01-10T03:00:00Z"},
		{"in summer in Berlin", "0 3 * * *", "1h", "Europe/Berlin", "2026-07-10T01:30:00Z", "2026-07-10T02:00:00Z"},
		{"on a leap day", "0 3 29 2 *", "1h", "UTC", "2028-02-29T03:30:00Z", "2028-02-29T04:00:00Z"},
		{"half an hour off", "0 3 * * *", "1h", "Asia/Kolkata", "2026-01-09T21:45:00Z", "2026-01-09T22:30:00Z"},
		// On 2026-03-29 at 01:00 UTC the clocks of Berlin go from 02:00 to 03:00.
		{"a start that is skipped", "30 2 * * *", "1h", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"},
		{"before a start that is skipped", "30 2 * * *", "1h", "Europe/Berlin", "2026-03-29T00:59:59Z", ""},
		{"after a start that is skipped", "30 2 * * *", "1h", "Europe/Berlin", "2026-03-29T02:00:00Z", ""},
		{"through the lost hour", "30 1 * * *", "1h", "Europe/Berlin", "2026-03-29T01:15:00Z", "2026-03-29T01:30:00Z"},
		// On 2026-10-25 at 01:00 UTC they go from 03:00 back to 02:00.
		{"the first of two starts", "30 2 * * *", "1h", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
		{"into the hour that comes again", "30 2 * * *", "1h", "Europe/Berlin", "2026-10-25T01:15:00Z", "2026-10-25T01:30:00Z"},
		{"the second of two starts", "30 2 * * *", "1h", "Europe/Berlin", "2026-10-25T01:30:00Z", ""},
		{"after both starts", "30 2 * * *", "1h", "Europe/Berlin", "2026-10-25T02:15:00Z", ""},
		// Samoa went over the date line: it had no 2011-12-30.
		{"a day that is skipped", "0 12 30 12 *", "1h", "Pacific/Apia", "2011-12-30T10:30:00Z", "2011-12-30T11:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			length, err := time.ParseDuration(c.length)
			if err != nil {
				t.Fatal(err)
			}
			now, err := time.Parse(time.RFC3339Nano, c.now)
			if err != nil {
				t.Fatal(err)
			}
			until, ok := window(t, c.cron, length, c.zone).Covers(now)
			got := ""
			if ok {
				got = until.UTC().Format(time.RFC3339Nano)
			}
			if got != c.until || !ok && !until.IsZero() {
				t.Errorf("covered until %q (%v), want %q", got, until, c.until)
			}
		})
	}
}

// TestCoversOncePerStart counts the windows of the days around a change of the clocks, minute by minute: one a day,
// each of its full length.
func TestCoversOncePerStart(t *testing.T) {
	m := window(t, "30 2 * * *", 20*time.Minute, "Europe/Berlin")
	for _, begin := range []time.Time{
		time.Date(2026, 3, 28, 0, 0, 0, 0, m.Location),
		time.Date(2026, 10, 24, 0, 0, 0, 0, m.Location),
	} {
		minutes := 0
		for at := begin; at.Before(begin.AddDate(0, 0, 3)); at = at.Add(time.Minute) {
			if _, ok := m.Covers(at); ok {
				minutes++
			}
		}
		if minutes != 3*20 {
			t.Errorf("from %v on, %d minutes are covered, want %d", begin, minutes, 3*20)
		}
	}
}

func TestIncludesThePoolsThatItNames(t *testing.T) {
	some, all := Maintenance{Pools: []string{"www", "api"}}, Maintenance{Pools: []string{"all"}}
	if !some.Includes("api") || some.Includes("mail") || !all.Includes("mail") {
		t.Error("the wrong pools are included")
	}
}

func BenchmarkCovers(b *testing.B) {
	schedule, err := parseCron("0 3 * * SUN")
	if err != nil {
		b.Fatal(err)
	}
	m := Maintenance{For: 31 * 24 * time.Hour, Location: time.UTC, Schedule: schedule}
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for b.Loop() {
		m.Covers(now)
	}
}
