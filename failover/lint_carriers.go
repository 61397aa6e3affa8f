package failover

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// The lints of health checks, of Elastic IPs, of instances and of the pool.
const (
	LintHealthCheck          LintName = "health-check"
	LintHealthCheckOff       LintName = "health-check-disabled"
	LintHealthCheckElsewhere LintName = "health-check-elsewhere"
	LintHealthCheckUnread    LintName = "health-check-unread"
	LintNotElastic           LintName = "not-elastic"
	LintServiceManaged       LintName = "service-managed"
	LintUnassociated         LintName = "unassociated"
	LintNoInstance           LintName = "no-instance"
	LintOutside              LintName = "outside-selection"
	LintNoRemedy             LintName = "no-remedy"
	LintUnasked              LintName = "not-asked"
	LintScheduledEvent       LintName = "scheduled-event"
	LintBorderGroup          LintName = "border-group"
	LintStandbyUnasked       LintName = "standby-not-asked"
	LintNoStandby            LintName = "no-standby"
	LintFewStandbys          LintName = "few-standbys"
	LintOneZone              LintName = "one-zone"
	LintOneMember            LintName = "one-member"
)

func healthChecked(l *linted) []Lint {
	return l.each(func(set RecordSet) string {
		if set.HealthCheck == "" {
			return ""
		}
		return fmt.Sprintf("%s has the Route 53 health check %s: two controllers decide what the name answers", set.Key().label(), set.HealthCheck)
	})
}

// checks asks a question of each health check that the sets have.
func (l *linted) checks(ask func(HealthCheck) string) []Lint {
	var list []Lint
	for _, hc := range l.pool.HealthChecks {
		if text := ask(hc); text != "" {
			list = append(list, Lint{Sentence: "the Route 53 health check " + hc.ID + " " + text, Addr: hc.Addr})
		}
	}
	return list
}

func healthCheckOff(l *linted) []Lint {
	return l.checks(func(hc HealthCheck) string {
		if !hc.Disabled {
			return ""
		}
		return "is disabled, so that Route 53 takes it for healthy whatever happens"
	})
}

func healthCheckElsewhere(l *linted) []Lint {
	return l.checks(func(hc HealthCheck) string {
		m, there := l.pool.Member(hc.Addr)
		switch {
		case !hc.Addr.IsValid() || hc.Err != "":
			return ""
		case !there:
			return fmt.Sprintf("asks %s, which the name does not publish: it may be a stranger's by now", hc.Addr)
		case m.Address == nil && hc.Addr.Is4():
			return fmt.Sprintf("asks %s, which is no Elastic IP of this account and Region: it may be a stranger's by now", hc.Addr)
		}
		return ""
	})
}

func healthCheckUnread(l *linted) []Lint {
	return l.checks(func(hc HealthCheck) string {
		if hc.Err == "" {
			return ""
		}
		return "could not be read: " + hc.Err
	})
}

// eachMember asks a question of every member.
func (l *linted) eachMember(ask func(Member) string) []Lint {
	var list []Lint
	for _, m := range l.pool.Members {
		if text := ask(m); text != "" {
			list = append(list, Lint{Sentence: fmt.Sprintf("%s %s", m.Addr, text), Addr: m.Addr, Instance: m.Carrier()})
		}
	}
	return list
}

func notElastic(l *linted) []Lint {
	return l.eachMember(func(m Member) string {
		if m.Address != nil || !m.Addr.Is4() {
			return ""
		}
		return "is no Elastic IP of this account and Region: it is watched and never moved"
	})
}

func ownedByService(l *linted) []Lint {
	return l.eachMember(func(m Member) string {
		if m.Address == nil || m.Address.ServiceManaged == "" {
			return ""
		}
		return fmt.Sprintf("(%s) is owned by the AWS service %s: it is watched and never moved", m.Address.Allocation, m.Address.ServiceManaged)
	})
}

func unassociated(l *linted) []Lint {
	return l.eachMember(func(m Member) string {
		if m.Address == nil || m.Address.Association != "" || m.Address.Instance != "" {
			return ""
		}
		return fmt.Sprintf("(%s) is associated with nothing", m.Address.Allocation)
	})
}

func noInstance(l *linted) []Lint {
	return l.eachMember(func(m Member) string {
		a := m.Address
		if a == nil || a.ServiceManaged != "" || a.Association == "" {
			return ""
		}
		if _, known := l.pool.Instance(a.Instance); known {
			return ""
		}
		if a.Instance == "" {
			return fmt.Sprintf("is on the interface %s, which is no instance's", a.Interface)
		}
		return fmt.Sprintf("is carried by the instance %s, which EC2 does not show", a.Instance)
	})
}

func outside(l *linted) []Lint {
	return l.eachMember(func(m Member) string {
		carrier, known := l.pool.Instance(m.Carrier())
		if !known || l.spec.Instances.selects(carrier) {
			return ""
		}
		return fmt.Sprintf("is carried by %s, which the pool's instances: does not select: once another one carries the address, that instance is no standby",
			carrier.Label())
	})
}

// selects reports whether an instance is selected, as far as it can be told.
func (s Selector) selects(i Instance) bool {
	switch {
	case len(s.IDs) == 0 && len(s.Tags) == 0, slices.Contains(s.IDs, i.ID):
		return true
	case len(s.Tags) == 0:
		return false
	case i.Tags == nil:
		return true // its tags were not read
	}
	for key, value := range s.Tags {
		if has, tagged := i.Tags[key]; !tagged || has != value {
			return false
		}
	}
	return true
}

func noRemedy(l *linted) []Lint {
	remedies := l.spec.Policy.Remedies
	return l.eachMember(func(m Member) string {
		if !m.Published || len(remedies) == 0 {
			return ""
		}
		moves := slices.Contains(remedies, RemedyRemap) && m.Address != nil && m.Address.ServiceManaged == ""
		leaves := slices.Contains(remedies, RemedyWithdraw) && m.Set.Foreign == "" && (m.Set.Simple() || len(m.Set.Values) == 1)
		if moves || leaves {
			return ""
		}
		why := "it cannot be moved"
		if slices.Contains(remedies, RemedyWithdraw) {
			why += ", and its record set is not edited"
		}
		return "can be helped by none of the policy's remedies: " + why
	})
}

// unasked finds what the host has no way to: a host without IPv6 publishes no
// verdict on an AAAA record.
func unasked(l *linted) []Lint {
	return l.eachMember(func(m Member) string {
		if l.snap == nil || !unaskable(l.spec, m.Addr, l.snap) {
			return ""
		}
		kind := "address"
		if m.Addr.Is6() {
			kind = "IPv6 address"
		}
		return "is published, and this host has no way to ask an " + kind + " like it: nobody watches it"
	})
}

// unaskable reports whether no check of the address has ever found a way to it.
func unaskable(spec *Spec, addr netip.Addr, snap *monitor.Snapshot) bool {
	for n := range spec.Checks {
		h := snap.Of(spec.Checks[n].Target(spec.Name, addr))
		if h == nil || h.State != monitor.Unknown || h.Last.Verdict != probe.Inconclusive || h.Last.Reason != probe.OwnNetwork {
			return false
		}
	}
	return len(spec.Checks) > 0
}

func scheduledEvents(l *linted) []Lint {
	var list []Lint
	for _, i := range l.pool.Instances {
		for _, event := range i.Events {
			does := "carries no address of the pool"
			if carried := l.carriedBy(i.ID); len(carried) > 0 {
				does = "carries " + sequence(carried)
			}
			list = append(list, Lint{Instance: i.ID, Sentence: fmt.Sprintf("AWS has scheduled for %s: %s; it %s", i.Label(), event, does)})
		}
	}
	return list
}

func (l *linted) carriedBy(id string) []string {
	var addrs []string
	for _, m := range l.pool.Members {
		if m.Carrier() == id {
			addrs = append(addrs, m.Addr.String())
		}
	}
	return addrs
}

// takers are the instances that could take an address over, as EC2 tells it.
func (l *linted) takers() []Instance {
	var list []Instance
	for _, i := range l.pool.Instances {
		asked := i.ProbeAddr(l.spec.Instances.Address).IsValid() || len(l.carriedBy(i.ID)) > 0
		if asked && l.room(i) > 0 && unfit(&i, l.spec.Instances.Secondary) == "" {
			list = append(list, i)
		}
	}
	return list
}

// room is how many addresses an instance could take over: one if it carries none,
// and one on each secondary private address that is free, where it answers on
// those.
func (l *linted) room(i Instance) int {
	room := 0
	if l.spec.Instances.Secondary {
		room = len(i.Free)
	}
	if !i.Elastic.IsValid() && len(l.carriedBy(i.ID)) == 0 {
		room++
	}
	return room
}

// movable reports whether the policy moves addresses and this one can be.
func (l *linted) movable(m Member) bool {
	return slices.Contains(l.spec.Policy.Remedies, RemedyRemap) && m.Address != nil && m.Address.ServiceManaged == ""
}

func borderGroups(l *linted) []Lint {
	standbys := l.takers()
	return l.eachMember(func(m Member) string {
		if len(standbys) == 0 || !l.movable(m) || m.Address.BorderGroup == "" {
			return ""
		}
		var groups []string
		for _, i := range standbys {
			if i.BorderGroup == "" || i.BorderGroup == m.Address.BorderGroup {
				return ""
			}
			if !slices.Contains(groups, i.BorderGroup) {
				groups = append(groups, i.BorderGroup)
			}
		}
		slices.Sort(groups)
		return fmt.Sprintf("belongs to the network border group %s, and every standby lies in another one (%s): none can take it", m.Address.BorderGroup, strings.Join(groups, ", "))
	})
}

func standbyUnasked(l *linted) []Lint {
	var list []Lint
	for _, i := range l.pool.Spare() {
		use := l.spec.Instances.Address
		if unfit(&i, false) != "" || i.ProbeAddr(use).IsValid() {
			continue
		}
		which := "no " + string(use) + " address"
		if use == AddressAuto || use == "" {
			which = "no address"
		}
		list = append(list, Lint{Instance: i.ID, Sentence: fmt.Sprintf("%s has %s to ask it at, so it is no standby", i.Label(), which)})
	}
	return list
}

func noStandby(l *linted) []Lint {
	if !slices.ContainsFunc(l.pool.Members, l.movable) || len(l.takers()) > 0 {
		return nil
	}
	text, severity := "no instance could take over an address", SeverityWarning
	if slices.Contains(l.spec.Policy.Remedies, RemedyWithdraw) {
		text, severity = text+", so that a failed one can only be withdrawn", SeverityAdvice
	}
	return []Lint{{Sentence: text, Severity: severity}}
}

func fewStandbys(l *linted) []Lint {
	carried := l.byZone()
	standbys := l.takers()
	if len(standbys) == 0 || len(carried) < 2 {
		return nil
	}
	var list []Lint
	for _, zone := range sortedKeys(carried) {
		elsewhere := 0
		for _, i := range standbys {
			if i.Zone != zone {
				elsewhere += l.room(i)
			}
		}
		if n := len(carried[zone]); n > elsewhere {
			list = append(list, Lint{Sentence: fmt.Sprintf("the zone %s carries %d addresses, and there are standbys for %d of them outside it, should it fail", zone, n, elsewhere)})
		}
	}
	return list
}

// byZone are the addresses that can be moved, by the zone that carries them.
func (l *linted) byZone() map[string][]netip.Addr {
	zones := map[string][]netip.Addr{}
	for _, m := range l.pool.Members {
		if carrier, known := l.pool.Instance(m.Carrier()); known && carrier.Zone != "" && l.movable(m) {
			zones[carrier.Zone] = append(zones[carrier.Zone], m.Addr)
		}
	}
	return zones
}

func oneZone(l *linted) []Lint {
	zones := map[string]bool{}
	carried := 0
	for _, m := range l.pool.Members {
		if carrier, known := l.pool.Instance(m.Carrier()); known {
			zones[carrier.Zone] = true
			carried++
		}
	}
	if len(zones) != 1 || carried < max(2, len(l.pool.Members)) {
		return nil
	}
	return []Lint{{Sentence: fmt.Sprintf("all addresses are carried in the availability zone %s: when it fails, all do", sortedKeys(zones)[0])}}
}

func oneMember(l *linted) []Lint {
	var list []Lint
	for _, kind := range l.pool.types() {
		addrs := map[netip.Addr]bool{}
		for _, set := range l.pool.ofType(kind) {
			for _, a := range set.Addrs() {
				addrs[a] = true
			}
			if set.Foreign != "" {
				return list
			}
		}
		if len(addrs) == 1 && !l.withdrew(kind) {
			list = append(list, Lint{Set: RecordKey{Name: l.spec.Record, Type: kind}, Sentence: fmt.Sprintf(
				"%s %s has only one address, which is never withdrawn", l.spec.Record, kind)})
		}
	}
	return list
}

// withdrew reports whether rrwatch has taken an address of a type out.
func (l *linted) withdrew(kind string) bool {
	return slices.ContainsFunc(l.pool.withdrawn, func(r Reweigh) bool { return r.key().Type == kind })
}
