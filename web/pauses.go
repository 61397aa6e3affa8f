package web

import (
	"net/netip"
	"time"

	"rrwatch/failover"
)

// pauseModel is one pause as its banner shows it.
type pauseModel struct {
	Scope  string // "Pool www is"
	Why    string
	By     string
	Since  stamp
	Until  stamp
	Left   string // until then
	Pool   string
	Member string
	User   string // who would resume; empty: the form asks
	ID     string // of the banner, and part of the ids in it
}

// pausesOf are the pauses in force, the widest first.
func pausesOf(v *failover.View, now time.Time, user string) []pauseModel {
	if v == nil {
		return nil
	}
	var wide, pools, members []pauseModel
	for _, p := range v.Pauses {
		if !now.Before(p.Until) {
			continue
		}
		m := pauseOf(p, now)
		m.User = user
		switch {
		case p.Pool == "":
			wide = append(wide, m)
		case !p.Member.IsValid():
			pools = append(pools, m)
		default:
			members = append(members, m)
		}
	}
	return append(append(wide, pools...), members...)
}

func pauseOf(p failover.Pause, now time.Time) pauseModel {
	m := pauseModel{
		Why: p.Why, By: p.By, Since: stampAt(p.Since, now), Until: stampAt(p.Until, now),
		Left: long(p.Until.Sub(now) + time.Minute - 1), Pool: p.Pool,
	}
	switch {
	case p.Pool == "":
		m.Scope, m.ID = "All pools are", "paused-all" // no pool can be called all
	case !p.Member.IsValid():
		m.Scope, m.ID = "Pool "+p.Pool+" is", "paused-"+p.Pool
	default:
		m.Member = p.Member.String()
		m.Scope, m.ID = p.Pool+" "+m.Member+" is", "paused-"+p.Pool+"-"+m.Member
	}
	return m
}

// pausedAlone finds the pause of just that pool or, if member is valid, of just
// that member; nil: there is none.
func pausedAlone(pauses []failover.Pause, pool string, member netip.Addr, now time.Time) *pauseModel {
	for _, p := range pauses {
		if p.SameScope(failover.Pause{Pool: pool, Member: member}) && now.Before(p.Until) {
			m := pauseOf(p, now)
			return &m
		}
	}
	return nil
}

// pauseForm is what the form that pauses offers.
type pauseForm struct {
	ID      string
	Pool    string   // empty: all pools
	Members []string // of the pool, to choose one
	User    string   // who would pause; empty: the form asks
}
