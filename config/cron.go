package config

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // so that a time zone that is right here is right in a container without zone files

	"github.com/robfig/cron/v3"
)

// readCron reads the cron expression of a key; fallback is the expression when the key is left out, and "" means
// that the key must be given.
func readCron(s *section, key, fallback string) (string, cron.Schedule) {
	if fallback == "" && !s.gives(key) {
		need(s, key, `write minute, hour, day, month and weekday, such as cron: "0 3 * * SUN"`, text)
		return "", nil
	}
	expression := read(s, key, fallback, text)
	if expression == "" {
		return "", nil
	}
	schedule, err := parseCron(expression)
	if err == nil {
		return expression, schedule
	}
	problem := fmt.Sprintf("bad cron expression %q", s.shownAs(key, fallback))
	// The library's reason repeats parts of the expression, which may come from a variable.
	if expression == s.shownAs(key, fallback) {
		problem += ": " + err.Error()
	}
	s.at(key, problem, `write minute, hour, day, month and weekday, such as "0 3 * * SUN"`)
	return "", nil
}

// parseCron parses five fields, or a name such as @daily, for a clock in UTC.
func parseCron(expression string) (schedule cron.Schedule, err error) {
	// The library panics on some texts, such as a time zone without fields.
	defer func() {
		if p := recover(); p != nil {
			schedule, err = nil, fmt.Errorf("it cannot be parsed: %v", p)
		}
	}()
	if strings.Contains(expression, "TZ=") {
		return nil, fmt.Errorf("a time zone does not belong in it")
	}
	if strings.HasPrefix(expression, "@every") {
		return nil, fmt.Errorf("@every has no fixed time of day")
	}
	schedule, err = cron.ParseStandard("CRON_TZ=UTC " + expression)
	if err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	// The library looks five years ahead. From 2000 on these hold a 29 February on any weekday but not a 30th.
	if schedule.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("no day has this date")
	}
	return schedule, nil
}
