package web

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
)

// poolModel is one pool as pages show it.
type poolModel struct {
	Name, Record string
	Mode         badge
	Lease        badge // zero: this watcher may act, or needs no lease
	ModeMeans    string
	Read         stamp
	Path         string // of its own page
	ScoreShort   string // "4×, 1 wrong"
	Score        string // what would have been done, and whether rightly; empty: nothing
	ScoreTone    tone
	Paused       *pauseModel // the whole pool is
	Trouble      string
	Lints        []lintModel
	LintsShort   string // "2 warnings, 1 piece of advice"; empty: there are none
	LintsTone    tone
	Drifts       []driftModel
	Maintenance  stamp
	Users        []usersModel
	Warnings     []warningModel
	Members      []memberModel
	Spares       []spareModel
	Up, Standbys int
	Do           []failover.Action
	Held         []holdModel
	Ring         []arc
}

type memberModel struct {
	Addr      string
	State     badge
	Since     stamp
	Doubted   stamp  // since when a check that matters says nothing that counts; zero: they do
	Carrier   string // the instance's name, or its id
	CarrierID string // its id, if it also has a name
	Zone      string
	Trouble   string // what is odd about the carrier
	DNS       string
	DNSDetail string
	Published bool
	Withdrawn bool
	Draining  stamp       // until when resolvers may give it, though it is out of the answers
	Returning int64       // the weight that it will have again; 0: it is not coming back by steps
	Paused    *pauseModel // it is, by itself
	Flapping  bool
	Planned   bool // its incident is no outage
	Incident  int64
	Checks    []checkModel
}

type spareModel struct {
	Name, ID, Zone string
	Probe          string
	State          badge
	Since          stamp
	Standby        bool
	Why            string
	Checks         []checkModel
}

type holdModel struct {
	Member, Guard, Text, Action, Remedy string

	Means string // when the guard holds
}

// arc is one member's part of the pool's ring, in hundredths of the circle.
type arc struct {
	Length, Offset float64
	Tone           tone
}

func poolOf(p failover.PoolView, pauses []failover.Pause, now time.Time) poolModel {
	m := poolModel{
		Path: poolPath(p.Name), Score: scoreWords(p.Score), ScoreShort: scoreShort(p.Score), ScoreTone: scoreTone(p.Score), Paused: pausedAlone(pauses, p.Name, netip.Addr{}, now),
		Name: p.Name, Record: p.Record, Read: stampAt(p.Read, now), Trouble: p.Trouble,
		Maintenance: stampAt(p.Maintenance, now), Do: p.Plan.Actions, Held: holdsOf(p.Plan.Held),
	}
	m.Users, m.Warnings = usersOf(p, now), warningsOf(p, now)
	m.Mode, m.ModeMeans = modeBadge(p.Policy.Mode)
	m.Lease = leaseBadge(p.Lease)
	m.Lints, m.Drifts = lintsOf(p.Lints), driftsOf(p.Drifts, now)
	m.LintsShort, m.LintsTone = lintsShort(p.Lints)
	for _, member := range p.Members {
		if member.State == monitor.Up {
			m.Up++
		}
		shown := memberOf(member, now)
		shown.Paused = pausedAlone(pauses, p.Name, member.Addr, now)
		m.Members = append(m.Members, shown)
	}
	for _, spare := range p.Spare {
		if spare.Standby {
			m.Standbys++
		}
		m.Spares = append(m.Spares, spareOf(spare, now))
	}
	m.Ring = ringOf(m.Members)
	return m
}

func memberOf(v failover.MemberView, now time.Time) memberModel {
	m := memberModel{
		Addr: v.Addr.String(), Since: stampAt(v.Since, now),
		Published: v.Published, Withdrawn: v.Withdrawn, Returning: v.Returning, Flapping: v.Flapping, Planned: v.Planned, Incident: v.Incident, Checks: checksOf(v.Checks, now),
	}
	m.State, m.Doubted = stateBadge(v.State, anySuspect(m.Checks)), stampAt(doubted(v.State, v.Checks, now), now)
	if m.Doubted.ISO != "" && m.State.Tone == good {
		m.State.Tone = warn
	}
	m.DNS, m.DNSDetail = dnsWords(v.Member)
	m.Draining = stampAt(v.Draining, now)
	m.Carrier, m.CarrierID, m.Zone = v.Carrier.ID, "", v.Carrier.Zone
	if v.Carrier.Name != "" {
		m.Carrier, m.CarrierID = v.Carrier.Name, v.Carrier.ID
	}
	m.Trouble = troubleOf(v)
	if m.Carrier == "" && v.Address != nil {
		m.Carrier = v.Address.Instance
	}
	return m
}

// troubleOf says why a member is not carried as it should be, or cannot be moved; empty: all is well.
func troubleOf(v failover.MemberView) string {
	switch {
	case v.Address == nil && !v.Addr.Unmap().Is4():
		return "IPv6: watched, never moved"
	case v.Address == nil:
		return "no Elastic IP of this account: watched, never moved"
	case v.Address.ServiceManaged != "":
		return "owned by the service " + v.Address.ServiceManaged + ": never moved"
	case v.Address.Instance == "":
		return "carried by no instance"
	case v.Carrier.State != "" && v.Carrier.State != "running":
		return v.Carrier.State
	}
	return ""
}

func spareOf(v failover.SpareView, now time.Time) spareModel {
	m := spareModel{
		Name: v.ID, Zone: v.Zone, Since: stampAt(v.Since, now), Standby: v.Standby, Why: v.Why, Checks: checksOf(v.Checks, now),
	}
	if v.Name != "" {
		m.Name, m.ID = v.Name, v.ID
	}
	if v.Probe.IsValid() {
		m.Probe = v.Probe.String()
	}
	m.State = stateBadge(v.State, anySuspect(m.Checks))
	return m
}

// dnsWords says how the name answers with the member.
func dnsWords(m failover.Member) (words, detail string) {
	set := m.Set
	if set.HealthCheck != "" {
		detail = "has a Route 53 health check"
	}
	switch {
	case !set.Exists():
		return "no record set", detail
	case set.Foreign != "":
		return "never edited", set.Foreign
	case set.Weight != nil:
		words = "weight " + strconv.FormatInt(*set.Weight, 10)
	case set.MultiValue:
		words = "multivalue answer"
	case set.Failover != "":
		words = "failover, " + strings.ToLower(set.Failover)
	default:
		words = "one of " + count(len(set.Values), "value")
	}
	if set.Identifier != "" {
		words += " · " + set.Identifier
	}
	return words, detail
}

func holdsOf(held []failover.Hold) []holdModel {
	models := make([]holdModel, 0, len(held))
	for _, h := range held {
		rule, _ := h.Guard.Rule()
		m := holdModel{Guard: string(h.Guard), Means: rule.Sentence, Text: h.Text, Action: h.Action, Remedy: string(h.Remedy)}
		if h.Member != (netip.Addr{}) {
			m.Member = h.Member.String()
		}
		models = append(models, m)
	}
	return models
}

// ringOf draws the members as equal parts of a circle, in their order.
func ringOf(members []memberModel) []arc {
	const gap = 4
	n := float64(len(members))
	arcs := make([]arc, 0, len(members))
	for i, m := range members {
		a := arc{Length: 100, Tone: m.State.Tone}
		if n > 1 {
			a.Length = max(100/n-gap, 1)
			a.Offset = -100 / n * float64(i)
		}
		if m.Withdrawn && m.State.Tone == good {
			a.Tone = warn
		}
		arcs = append(arcs, a)
	}
	return arcs
}
