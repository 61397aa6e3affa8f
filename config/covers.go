package config

import "time"

// clockShift is more than any clock was ever put forward or back, the date line included.
const clockShift = 36 * time.Hour

// Covers reports whether a window is open at now, and when that window ends. A window lasts from its start
// (included) to its end (excluded), For later, whatever the clocks do meanwhile; of overlapping windows the one
// that started last counts.
//
// A window starts at the first moment at which the clock on the wall in Location shows a time of Cron or a later
// one. So a start at 02:30 happens once in the night in which that time comes twice, and when the clocks go
// forward in the night in which it never comes.
func (m Maintenance) Covers(now time.Time) (until time.Time, ok bool) {
	wall := wallClock(now.In(m.Location))
	for back := time.Hour; ; back *= 2 {
		start, found := m.lastStart(wall.Add(-back), now)
		if found {
			until = start.Add(m.For)
			break
		}
		if back > m.For+clockShift {
			break
		}
	}
	if !now.Before(until) {
		return time.Time{}, false
	}
	return until, true
}

// lastStart returns the last start that is not after now, of those later than from on the wall clock.
func (m Maintenance) lastStart(from, now time.Time) (start time.Time, found bool) {
	for wall := m.Schedule.Next(from); !wall.IsZero(); wall = m.Schedule.Next(wall) {
		next := firstMoment(wall, m.Location)
		if next.After(now) {
			break
		}
		start, found = next, true
	}
	return start, found
}

// wallClock returns what the clock on the wall shows at t, written as if it were UTC: a day of such times has 24
// hours, so no time is skipped and none comes twice.
func wallClock(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// firstMoment returns the first moment at which the clock on the wall in loc shows wall or later.
func firstMoment(wall time.Time, loc *time.Location) time.Time {
	// Between two changes of the clock the offset is constant: look through these spans in order of time.
	at := wall.Add(-clockShift).In(loc)
	for {
		start, end := at.ZoneBounds()
		_, offset := at.Zone()
		moment := wall.Add(-time.Duration(offset) * time.Second)
		if moment.Before(start) {
			moment = start
		}
		if end.IsZero() || moment.Before(end) {
			return moment.In(loc)
		}
		at = end
	}
}
