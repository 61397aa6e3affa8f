package simulator

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// RecordSet is one resource record set. A set without SetIdentifier is simple; with one it is weighted (Weight), a
// multivalue answer (MultiValue) or one of a failover pair (Failover).
type RecordSet struct {
	Name          string // normalised in what AWS returns: lower case, no trailing dot
	Type          string // A, AAAA, CNAME…
	TTL           int64  // seconds; 0 for an alias
	SetIdentifier string
	Weight        *int64 // 0 to 255
	MultiValue    bool
	Failover      string // PRIMARY or SECONDARY
	HealthCheck   string // ID of a health check; without one the set counts as healthy
	Alias         string // the DNS name of an alias target; an alias has no TTL and no Values
	AliasZone     string // the hosted zone ID of the alias target
	AliasHealth   bool   // EvaluateTargetHealth of the alias
	Values        []string
}

// zone is a hosted zone and its records, oldest first; the last is what the API shows, DNS may still answer an older one.
type zone struct {
	Zone
	caller   string // the caller reference it was made with
	comment  string
	vpcs     []vpcXML  // of a private zone
	live     time.Time // when DNS begins to answer for it
	versions []recordsAt
}

type recordsAt struct {
	sets []RecordSet // in the order of the API
	at   time.Time   // when DNS begins to answer them
}

// AddZone puts a hosted zone into the account, with the NS and SOA records that Route 53 makes by itself.
func (a *AWS) AddZone(z Zone) {
	made := newZone(z)
	made.caller = "simulator"
	if z.Private {
		made.vpcs = []vpcXML{{a.options.Region, "vpc-0a000000000000001"}}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.zones[z.ID] = made
	a.signal()
}

// newZone returns a zone with the records that Route 53 makes by itself.
func newZone(z Zone) *zone {
	z.Name = normalName(z.Name)
	if len(z.NameServers) == 0 {
		z.NameServers = []string{"ns-1.awsdns-01.org", "ns-2.awsdns-02.co.uk", "ns-3.awsdns-03.com", "ns-4.awsdns-04.net"}
	}
	z.NameServers = slices.Clone(z.NameServers)
	servers := make([]string, len(z.NameServers))
	for i, s := range z.NameServers {
		servers[i] = normalName(s) + "."
	}
	// The values are those of a new zone in Route 53, from the developer guide, "NS and SOA records".
	soa := servers[0] + " awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
	sets := []RecordSet{
		{Name: z.Name, Type: "NS", TTL: 172800, Values: servers},
		{Name: z.Name, Type: "SOA", TTL: 900, Values: []string{soa}},
	}
	return &zone{Zone: z, versions: []recordsAt{{sets: sets}}}
}

// SetRecord puts a record set into a zone, or replaces the one with the same name, type and set identifier: at once, in
// the API and in DNS. It checks nothing, so it can make what Route 53 would refuse. It panics without such a zone.
func (a *AWS) SetRecord(zoneID string, r RecordSet) {
	r.Name, r.Alias = normalName(r.Name), normalName(r.Alias)
	r = r.clone()
	a.byHand(zoneID, func(sets []RecordSet) []RecordSet {
		if r.HealthCheck != "" && a.registry.checks[r.HealthCheck] == nil {
			set(&a.registry.checks, r.HealthCheck, checkOf(r))
		}
		return insert(remove(sets, r.key()), r)
	})
}

// RemoveRecord takes a record set out of a zone at once, if it is there. It panics without such a zone.
func (a *AWS) RemoveRecord(zoneID, name, typ, setIdentifier string) {
	key := recordKey{normalName(name), typ, setIdentifier}
	a.byHand(zoneID, func(sets []RecordSet) []RecordSet { return remove(sets, key) })
}

func (a *AWS) byHand(zoneID string, edit func([]RecordSet) []RecordSet) {
	a.mu.Lock()
	defer a.mu.Unlock()
	z, ok := a.zones[zoneID]
	if !ok {
		panic(fmt.Sprintf("simulator: edit zone %q: no such zone; add it with AddZone first", zoneID))
	}
	z.publish(edit(slices.Clone(z.sets())), time.Now())
	a.signal()
}

// Zones returns all hosted zones by ID, with normalised names.
func (a *AWS) Zones() []Zone {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []Zone
	for _, z := range sortedValues(a.zones, func(a, b *zone) int { return cmp.Compare(a.ID, b.ID) }) {
		c := z.Zone
		c.NameServers = slices.Clone(c.NameServers)
		list = append(list, c)
	}
	return list
}

// Records returns the record sets of a name and type, all types if typ is empty, as the authoritative servers of the
// public zone answer them at this moment. Wildcards are not expanded: ask for the name with the asterisk.
func (a *AWS) Records(name, typ string) []RecordSet {
	name = normalName(name)
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	z := a.zoneOf(name)
	if z == nil {
		return nil
	}
	var found []RecordSet
	for _, r := range at(z.answered(now), name) {
		if typ == "" || r.Type == typ {
			found = append(found, r.clone())
		}
	}
	return found
}

// zoneOf returns the public zone that answers for a name: the one with the longest name above it.
func (a *AWS) zoneOf(name string) *zone {
	var best *zone
	now := time.Now()
	for _, z := range sortedValues(a.zones, func(a, b *zone) int { return cmp.Compare(a.ID, b.ID) }) {
		if !z.Private && !z.live.After(now) && within(name, z.Name) && (best == nil || len(z.Name) > len(best.Name)) {
			best = z
		}
	}
	return best
}

// sets returns the records that the API shows, PENDING ones too.
func (z *zone) sets() []RecordSet { return z.versions[len(z.versions)-1].sets }

// answered returns the records that DNS answers at a moment.
func (z *zone) answered(now time.Time) []RecordSet {
	for i := len(z.versions) - 1; i > 0; i-- {
		if !z.versions[i].at.After(now) {
			return z.versions[i].sets
		}
	}
	return z.versions[0].sets
}

// publish shows sets in the API at once, and in DNS from a moment on.
func (z *zone) publish(sets []RecordSet, at time.Time) {
	now := time.Now()
	for len(z.versions) > 1 && !z.versions[1].at.After(now) {
		z.versions = z.versions[1:]
	}
	z.versions = append(z.versions, recordsAt{sets: sets, at: at})
}

// recordKey names one record set of a zone.
type recordKey struct{ name, typ, id string }

func (r RecordSet) key() recordKey { return recordKey{r.Name, r.Type, r.SetIdentifier} }

func (r RecordSet) clone() RecordSet {
	r.Values = slices.Clone(r.Values)
	if r.Weight != nil {
		r.Weight = new(*r.Weight)
	}
	return r
}

// compare orders record sets as ListResourceRecordSets does: by name with its labels reversed, type, set identifier.
func (k recordKey) compare(o recordKey) int {
	return cmp.Or(compareNames(k.name, o.name), cmp.Compare(k.typ, o.typ), cmp.Compare(k.id, o.id))
}

func find(sets []RecordSet, k recordKey) (int, bool) {
	return slices.BinarySearchFunc(sets, k, func(r RecordSet, k recordKey) int { return r.key().compare(k) })
}

func insert(sets []RecordSet, r RecordSet) []RecordSet {
	i, _ := find(sets, r.key())
	return slices.Insert(sets, i, r)
}

func remove(sets []RecordSet, k recordKey) []RecordSet {
	if i, ok := find(sets, k); ok {
		return slices.Delete(sets, i, i+1)
	}
	return sets
}

// change is one accepted change batch.
type change struct {
	id        string
	comment   string
	submitted time.Time
	insync    time.Time
}
