package config

import (
	"errors"
	"testing"
	"time"
)

// FuzzParse checks that no text makes the reader panic, that every mistake has a place, and that what is read
// keeps what Config promises.
func FuzzParse(f *testing.F) {
	f.Add([]byte(smallest))
	f.Add([]byte(everything))
	f.Add([]byte("a: &a [*a]\n<<: *a\n"))
	f.Add([]byte("maintenance: [{pools: [all], cron: \"TZ=UTC\", for: 1h}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		env := func(name string) (string, bool) { return "1", name != "UNSET" }
		c, err := Parse("x", data, env)
		if err != nil {
			var all Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("%v is a %T", err, err)
			}
			for _, e := range all {
				if e.Line < 1 || e.Column < 1 || e.Message == "" {
					t.Fatalf("%#v has no place or no message", e)
				}
			}
			return
		}
		if c.AWS.Region == "" || c.Mode == "" || len(c.Pools) == 0 || c.Vantage == "" {
			t.Fatalf("%+v lacks what is required", c)
		}
		for _, p := range c.Pools {
			if last := len(p.Restore) - 1; last >= 0 && p.Restore[last] != (RestoreStep{Weight: 100}) || p.MemberBudget.PerHour > p.Budget.PerHour {
				t.Fatalf("%+v breaks a promise", p)
			}
			for _, k := range p.Checks {
				if k.Name == "" || k.Port == 0 || k.Timeout > k.Interval || k.Recheck > k.Interval || k.Fall < 1 {
					t.Fatalf("%+v breaks a promise", k)
				}
			}
		}
		for _, m := range c.Maintenance {
			m.Covers(time.Unix(1_700_000_000, 0))
		}
	})
}
