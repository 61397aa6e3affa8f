package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// readPools reads the list pools; mode and aws are those of pools that have none of their own.
func readPools(root *section, mode Mode, aws AWS) []Pool {
	names, records := map[string]place{}, map[string]place{}
	pools := need(root, "pools", "write at least one pool with its name, record, zone and one check",
		listOf(1, "{name: www, record: www.example.com, …}", func(v value) (Pool, bool) {
			s, ok := v.section()
			if !ok {
				return Pool{}, false
			}
			p := readPool(s, mode, aws)
			s.once("name", p.Name, "pools", names)
			s.once("record", p.Record, "pools", records)
			return p, true
		}))
	return pools
}

// place is where something was first seen.
type place struct{ line, column int }

// once reports a key whose value an earlier item has too; items is what the items are called.
func (s *section) once(key, got, items string, seen map[string]place) {
	if got == "" {
		return
	}
	node := s.node
	if e := find(s.entries, key); e != nil {
		node = resolve(e.node)
	}
	if first, twice := seen[got]; twice {
		s.at(key, fmt.Sprintf("two %s have the %s %q, the first at %d:%d",
			items, key, s.shownAs(key, got), first.line, first.column), "write another")
		return
	}
	seen[got] = place{node.Line, node.Column}
}

// readPool reads one pool.
func readPool(s *section, mode Mode, aws AWS) Pool {
	p := Pool{
		Name:         need(s, "name", "write a short name, such as name: www", poolName),
		Record:       need(s, "record", "write the published DNS name, such as record: www.example.com", dnsName),
		Mode:         read(s, "mode", mode, oneOf("mode", ModeObserve, ModePropose, ModeAct)),
		AWS:          readPoolAWS(s.sub("aws"), aws),
		NameServers:  read(s, "name_servers", nil, listOf(0, "192.0.2.53:53", addrPort)),
		Remedy:       read(s, "remedy", []Remedy{RemedyRemap, RemedyWithdraw}, remedies),
		VerifyWithin: read(s, "verify_within", 30*time.Second, duration(time.Second, time.Hour)),
		Cooldown:     read(s, "cooldown", 5*time.Minute, duration(0, century)),
		RestoreAfter: read(s, "restore_after", time.Minute, duration(0, century)),
		MinHealthy:   read(s, "min_healthy", 1, integer(1, mostBudget)),
	}
	readPolicy(s, &p)
	p.ZoneName, p.ZoneID = readZone(s, p.Record)
	p.Instances = readInstances(s.sub("instances"), p.Name)
	p.Checks = readChecks(s, p.Record)
	checkPublished(s, p)
	p.Endpoints = readEndpoints(s, p.Checks)
	s.done()
	return p
}

// poolName reads the name of a pool.
func poolName(v value) (string, bool) {
	got, ok := name(v)
	if !ok {
		return "", false
	}
	if got == allPools {
		v.fail("a pool cannot be called all", "write another name: all stands for every pool in maintenance")
		return "", false
	}
	if !v.isExpanded() {
		v.doc.poolNames = append(v.doc.poolNames, got)
	}
	return got, true
}

// readZone reads the hosted zone of a record: its name, in which the record must lie, or its id.
func readZone(s *section, record string) (zoneName, zoneID string) {
	got := need(s, "zone", "write the hosted zone, such as zone: example.com, or its id", zone)
	// Route 53 hands ids out in capitals with a Z in front; a zone name of rrwatch holds a dot.
	if !strings.Contains(got, ".") {
		return "", got
	}
	if record != "" && record != got && !strings.HasSuffix(record, "."+got) {
		s.at("record", fmt.Sprintf("%q does not lie in the zone %q", s.shownAs("record", ""), s.shownAs("zone", "")),
			"correct one of them")
	}
	return got, ""
}

// zone reads a zone's name or id; an id may have the prefix under which Route 53's API shows it.
func zone(v value) (string, bool) {
	got, ok := text(v)
	if !ok {
		return "", false
	}
	id := strings.TrimPrefix(got, "/hostedzone/")
	if regexp.MustCompile(`^Z[A-Z0-9]{3,31}$`).MatchString(id) {
		return id, true
	}
	plain := strings.TrimSuffix(strings.ToLower(got), ".")
	if !isDNSName(plain) {
		v.wants("a zone such as example.com, or its id such as Z0123456789ABCDEFGHIJ", "")
		return "", false
	}
	return plain, true
}

// remedies reads the list remedy.
func remedies(v value) ([]Remedy, bool) {
	all, ok := listOf(1, "remap, withdraw", oneOf("remedy", RemedyRemap, RemedyWithdraw))(v)
	return all, ok && unique(v, all)
}

// readInstances reads the section instances of the pool of that name.
func readInstances(s *section, pool string) Instances {
	i := Instances{
		IDs: read(s, "ids", nil, listOf(0, "i-0123456789abcdef0",
			matching(`i-[0-9a-f]{8}([0-9a-f]{9})?`, "an instance id such as i-0123456789abcdef0"))),
		Tags: read(s, "tags", nil, mapOf(func(_ string, v value) (string, bool) { return text(v) })),
		Address: read(s, "address", AddressAuto,
			oneOf("address", AddressAuto, AddressPublic, AddressPrivate)),
		SecondaryAddresses: read(s, "secondary_addresses", false, truth),
	}
	if len(i.IDs) == 0 && len(i.Tags) == 0 {
		i.Tags = map[string]string{"rrwatch": pool}
	}
	s.done()
	return i
}
