package simulator

import (
	"fmt"
	"slices"
	"strings"
)

// The limits of a change batch, in ResourceRecord elements and in characters of their values, and of the sets of one name
// and type (Route 53 developer guide, "Quotas").
const (
	maxElements   = 1000
	maxCharacters = 32000
	maxGroup      = 100
)

// checkSet returns what is wrong with a set in this zone, empty if nothing is.
func (z *zone) checkSet(r RecordSet, action string) string {
	if !within(r.Name, z.Name) {
		return fmt.Sprintf("RRSet with DNS name %s is not permitted in zone %s", wireName(r.Name), wireName(z.Name))
	}
	if action == "DELETE" {
		if z.requires(r) {
			return "A HostedZone must contain at least one NS record for the zone itself, and exactly one SOA record."
		}
		return ""
	}
	switch {
	case r.Type == "CNAME" && r.Name == z.Name:
		return fmt.Sprintf("RRSet of type CNAME with DNS name %s is not permitted at apex in zone %s", wireName(r.Name), wireName(z.Name))
	case r.Type == "SOA" && r.Name != z.Name:
		return fmt.Sprintf("RRSet of type SOA with DNS name %s is permitted only at apex in zone %s", wireName(r.Name), wireName(z.Name))
	case r.Failover == "PRIMARY" && r.Alias == "" && r.HealthCheck == "":
		return "A non-alias primary ResourceRecordSet must have an associated health check. No changes made."
	}
	return r.checkValues()
}

// conflicts returns why a set cannot stand beside the others that a batch would leave at its name: the first reason only.
func (z *zone) conflicts(sets []RecordSet, r RecordSet) []string {
	group := 0
	for _, o := range at(sets, r.Name) {
		if o.key() == r.key() {
			continue
		}
		if o.Type == r.Type {
			group++
		}
		if message := z.conflict(r, o); message != "" {
			return []string{message}
		}
	}
	if group >= maxGroup {
		return []string{fmt.Sprintf("RRSet with DNS name %s, type %s cannot be created: %d sets is the limit of a name and type",
			wireName(r.Name), r.Type, maxGroup)}
	}
	return nil
}

// at returns the sets of one name. They are in order.
func at(sets []RecordSet, name string) []RecordSet {
	from, _ := find(sets, recordKey{name: name})
	to := from
	for to < len(sets) && sets[to].Name == name {
		to++
	}
	return sets[from:to]
}

// conflict returns why a set cannot stand beside another one of the same name, empty if it can.
func (z *zone) conflict(r, o RecordSet) string {
	name := wireName(r.Name)
	switch {
	case r.Type == o.Type:
		return conflictAlike(r, o)
	case r.Type == "CNAME":
		return fmt.Sprintf("RRSet of type CNAME with DNS name %s is not permitted as it conflicts with other records "+
			"with the same DNS name in zone %s", name, wireName(z.Name))
	case o.Type == "CNAME":
		return fmt.Sprintf("RRSet of type %s with DNS name %s is not permitted because a conflicting RRSet of type CNAME "+
			"with the same DNS name already exists in zone %s", r.Type, name, wireName(z.Name))
	}
	return ""
}

// conflictAlike returns why a set cannot stand beside another one of the same name and type, empty if it can.
func conflictAlike(r, o RecordSet) string {
	name := fmt.Sprintf("RRSet with DNS name %s, type %s", wireName(r.Name), r.Type)
	with := name + ", SetIdentifier " + r.SetIdentifier
	switch {
	case r.SetIdentifier == "":
		return name + " cannot be created as other RRSets exist with the same name and type."
	case r.Weight != nil && o.Weight == nil:
		return with + " cannot be created as a non-weighted set exists with the same name and type."
	case r.MultiValue && !o.MultiValue:
		return with + " cannot be created because a non multivalue answer rrset exists with the same name and type."
	case r.Failover != "" && o.Failover == "":
		return with + " cannot be created as a non-failover set exists with the same name and type."
	case r.Failover != "" && r.Failover == o.Failover:
		return with + ", and Failover " + r.Failover + " cannot be created because a failover RRSet with the same name, type " +
			"and failover value already exists."
	case weightedApart(r, o):
		return with + " cannot be created as weighted sets must contain the same TTL."
	}
	return ""
}

// weightedApart says whether two weighted sets have TTLs that differ; an alias has none.
func weightedApart(r, o RecordSet) bool {
	return r.Weight != nil && r.Alias == "" && o.Alias == "" && r.TTL != o.TTL
}

// lost returns why an alias leads nowhere, empty if it does not. Only zones of the account can be looked into; the target
// may come with the same batch.
func (a *AWS) lost(z *zone, sets []RecordSet, r RecordSet) string {
	target := a.zones[zoneID(r.AliasZone)]
	if r.Alias == "" || target == nil {
		return ""
	}
	tried := fmt.Sprintf("Tried to create an alias that targets %s, type %s in zone %s, but ", wireName(r.Alias), r.Type, target.ID)
	if !within(r.Alias, target.Name) {
		return tried + "the alias target name does not lie within the target zone"
	}
	if target != z {
		sets = target.sets()
	}
	if !slices.ContainsFunc(at(sets, r.Alias), func(o RecordSet) bool { return o.Type == r.Type }) {
		return tried + "that target was not found"
	}
	return ""
}

// tooLarge returns why a batch is larger than one may be. An UPSERT counts twice.
func tooLarge(changes []changeXML) []string {
	elements, characters := 0, 0
	for _, c := range changes {
		times := 1
		if c.Action == "UPSERT" {
			times = 2
		}
		for _, v := range c.Set.set().Values {
			elements += times
			characters += times * len(v)
		}
	}
	var wrong []string
	if elements > maxElements {
		wrong = append(wrong, fmt.Sprintf("Number of records limit of %d exceeded.", maxElements))
	}
	if characters > maxCharacters {
		wrong = append(wrong, fmt.Sprintf("Number of characters limit of %d exceeded.", maxCharacters))
	}
	return wrong
}

// twice names the sets that a batch changes more than once, other than by deleting and making them anew.
func twice(changes []changeXML) []string {
	actions := map[recordKey][]string{}
	var order []recordKey
	for _, c := range changes {
		key := c.Set.set().key()
		if actions[key] == nil {
			order = append(order, key)
		}
		actions[key] = append(actions[key], c.Action)
	}
	var wrong []string
	for _, key := range order {
		if a := actions[key]; len(a) > 1 && !slices.Equal(a, []string{"DELETE", "CREATE"}) {
			wrong = append(wrong, fmt.Sprintf("The request contains an invalid set of changes for a resource record set '%s %s'",
				key.typ, wireName(key.name)))
		}
	}
	return wrong
}

// inBrackets writes what is wrong with a batch as Route 53 does.
func inBrackets(wrong []string) string { return "[" + strings.Join(wrong, ", ") + "]" }
