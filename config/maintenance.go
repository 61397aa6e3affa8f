package config

import (
	"fmt"
	"slices"
	"time"
)

// readMaintenance reads one window of the list maintenance.
func readMaintenance(pools []Pool) func(value) (Maintenance, bool) {
	return func(v value) (Maintenance, bool) {
		s, ok := v.section()
		if !ok {
			return Maintenance{}, false
		}
		m := Maintenance{
			Pools: need(s, "pools", "write the pools that the window is for, such as pools: [www], or pools: [all]",
				listOf(1, "www", poolNamed(pools))),
			For: need(s, "for", "write how long a window lasts, such as for: 1h",
				duration(time.Minute, 31*24*time.Hour)),
			Location: read(s, "timezone", time.UTC, timeZone),
		}
		m.Cron, m.Schedule = readCron(s, "cron", "")
		s.done()
		return m, true
	}
}

// timeZone reads the name of a time zone.
func timeZone(v value) (*time.Location, bool) {
	name, ok := text(v)
	if !ok {
		return nil, false
	}
	loc, err := time.LoadLocation(name)
	// Local would mean another hour on every machine.
	if err != nil || name == "Local" {
		v.wants("a time zone such as Europe/Berlin or UTC", "")
		return nil, false
	}
	return loc, true
}

// poolNamed reads the name of one of the pools, or the word all.
func poolNamed(pools []Pool) func(value) (string, bool) {
	return func(v value) (string, bool) {
		name, ok := text(v)
		if !ok {
			return "", false
		}
		exists := name == allPools || slices.ContainsFunc(pools, func(p Pool) bool { return p.Name == name })
		// A pool without a name has an error of its own, and may be the one that is meant.
		if exists || slices.ContainsFunc(pools, func(p Pool) bool { return p.Name == "" }) {
			return name, true
		}
		hint := "write the name of a pool, or all"
		if near := nearest(v.node.Value, v.doc.poolNames); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		v.fail("there is no pool "+v.shown(), hint)
		return "", false
	}
}
