package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
)

// headline is the state of everything in one sentence.
type headline struct {
	Tone   tone
	Text   string
	Detail string
}

// tally counts the members of all pools and names those in trouble.
type tally struct {
	members, up, standbys int
	pages, warnings       int
	drifts                int
	down, suspect         []string
	doubted               []string // up as far as is known, and that is old
	flapping              []string // that come and go
	unserved, elsewhere   []string // pools, by page
}

// headlineOf says first what is worst.
func headlineOf(v *failover.View) headline {
	var t tally
	for _, p := range v.Pools {
		t.add(p, v.At)
	}
	h := headline{Detail: t.detail()}
	h.Tone, h.Text = t.worst()
	return h
}

func (t *tally) add(p failover.PoolView, now time.Time) {
	for _, m := range p.Members {
		name := p.Name + " " + m.Addr.String()
		t.members++
		if m.State == monitor.Up {
			t.up++
		}
		switch {
		case m.State == monitor.Down:
			t.down = append(t.down, name)
		case m.Flapping:
			t.flapping = append(t.flapping, name)
		case slices.ContainsFunc(m.Checks, func(c failover.CheckView) bool { return c.Health.Suspect() }):
			t.suspect = append(t.suspect, name)
		case !doubted(m.State, m.Checks, now).IsZero():
			t.doubted = append(t.doubted, name)
		}
	}
	for _, s := range p.Spare {
		if s.Standby {
			t.standbys++
		}
	}
	t.addPages(p)
}

// addPages counts how the users fare, and what is warned of.
func (t *tally) addPages(p failover.PoolView) {
	t.pages += len(p.Endpoints)
	for _, e := range p.Endpoints {
		switch e.Service {
		case failover.ServiceNotServed:
			t.unserved = append(t.unserved, p.Name)
		case failover.ServedElsewhere:
			t.elsewhere = append(t.elsewhere, p.Name)
		case failover.Served, failover.ServiceUnknown:
		}
	}
	for _, a := range p.Advisories {
		if a.Gone.IsZero() {
			t.warnings++
		}
	}
	t.drifts += len(p.Drifts)
}

func (t *tally) worst() (tone, string) {
	switch {
	case len(t.unserved) == 1:
		return bad, t.unserved[0] + " is not served to users"
	case len(t.unserved) > 1:
		return bad, fmt.Sprintf("%d of %s are not served to users", len(t.unserved), count(t.pages, "page"))
	case t.members == 0:
		return warn, "No member is known yet"
	case len(t.down) > 0:
		return bad, t.these(t.down) + " down"
	case len(t.suspect) > 0:
		return warn, t.these(t.suspect) + " suspect"
	case len(t.flapping) == 1:
		return warn, t.flapping[0] + " comes and goes"
	case len(t.flapping) > 1:
		return warn, fmt.Sprintf("%d of %s come and go", len(t.flapping), count(t.members, "member"))
	case len(t.doubted) > 0:
		return warn, t.these(t.doubted) + " unconfirmed: a check says nothing that counts"
	case len(t.elsewhere) > 0:
		return warn, t.elsewhere[0] + " is served to users, but not at the first address"
	case t.up < t.members:
		return warn, count(t.members-t.up, "member") + " not yet seen to answer"
	}
	return good, "All members are up"
}

// these names a single member, and counts more of them.
func (t *tally) these(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return fmt.Sprintf("%d of %s are", len(names), count(t.members, "member"))
}

// detail names the worst members, if they are few, and counts the rest.
func (t *tally) detail() string {
	text := fmt.Sprintf("%d of %s up · %s", t.up, count(t.members, "member"), count(t.standbys, "standby"))
	if len(t.down) > 0 && len(t.suspect) > 0 {
		text += fmt.Sprintf(" · %d suspect", len(t.suspect))
	}
	if t.warnings > 0 {
		text += " · " + count(t.warnings, "warning")
	}
	if t.drifts > 0 {
		text += " · " + count(t.drifts, "disagreement")
	}
	worst, said, are := t.down, 1, "" // the headline says a single one, and what it is
	if len(worst) == 0 {
		worst = t.suspect
	}
	if len(t.unserved) > 0 && len(t.down) > 0 {
		said, are = 0, " down" // the headline speaks of the users
	}
	if len(worst) > said && len(worst) <= 4 {
		text = strings.Join(worst, ", ") + are + " · " + text
	}
	return text
}
