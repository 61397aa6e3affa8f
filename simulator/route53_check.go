package simulator

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The limits of Route 53: of a change batch and of a weighted group, from the developer guide's quotas; of a weight and a
// TTL, from the API reference, ResourceRecordSet.
const (
	maxElements   = 1000
	maxCharacters = 32000
	maxGroup      = 100
	maxWeight     = 255
	maxTTL        = 2147483647
	maxIdentifier = 128
)

// policies is how Route 53 lists what a set with an identifier needs one of.
const policies = "[Weight, Region, Failover, GeoLocation, GeoProximityLocation, CidrRoutingConfig, or MultiValueAnswer]"

// check refuses a change that is malformed by itself, whatever the zone holds.
func (c changeXML) check() error {
	x := c.Set
	where := fmt.Sprintf("Change with [Action=%s, Name=%s, Type=%s, SetIdentifier=%s]", c.Action, x.Name, x.Type, orNull(x.Identifier))
	if !slices.Contains([]string{"CREATE", "DELETE", "UPSERT"}, c.Action) {
		return refuse("InvalidInput", "Invalid XML ; cvc-enumeration-valid: Value '%s' is not one of [CREATE, DELETE, UPSERT]", c.Action)
	}
	types := []string{
		"SOA", "A", "TXT", "NS", "CNAME", "MX", "NAPTR", "PTR", "SRV", "SPF", "AAAA", "CAA", "DS", "TLSA", "SSHFP", "SVCB", "HTTPS",
	}
	if !slices.Contains(types, x.Type) {
		return refuse("InvalidInput", "Invalid XML ; cvc-enumeration-valid: Value '%s' is not one of [%s]", x.Type, strings.Join(types, ", "))
	}
	if x.otherPolicy() {
		return refuse("InvalidInput", "The simulator keeps simple, weighted and multivalue answer records only, found another in %s", where)
	}
	if x.Weight == nil && x.MultiValue == nil && x.Identifier != "" {
		return refuse("InvalidInput", "Invalid request: Expected exactly one of %s, but found none in %s", policies, where)
	}
	if err := x.checkPolicy(where); err != nil {
		return err
	}
	return x.checkContent(where)
}

// checkContent refuses a set that is not either an alias, or a TTL and values.
func (x recordXML) checkContent(where string) error {
	const either = "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or " +
		"TrafficPolicyInstanceId], but found %s in %s"
	switch {
	case x.Alias != nil && (x.TTL != nil || x.Values != nil):
		return refuse("InvalidInput", either, "more than one", where)
	case x.Alias == nil && (x.TTL == nil || x.Values == nil || len(x.Values.Values) == 0):
		return refuse("InvalidInput", either, "none", where)
	case x.TTL != nil && (*x.TTL < 0 || *x.TTL > maxTTL):
		return refuse("InvalidInput", "Invalid value '%d' for TTL in %s: it must be from 0 to %d", *x.TTL, where, maxTTL)
	}
	return nil
}

// otherPolicy says whether a set has a routing policy that is not pretended here.
func (x recordXML) otherPolicy() bool {
	return x.Region != "" || x.Failover != "" || x.Geo != nil || x.Proximity != nil || x.CIDR != nil
}

// checkPolicy refuses a routing policy that is incomplete, doubled or out of range; a simple set has none.
func (x recordXML) checkPolicy(where string) error {
	if x.Weight == nil && x.MultiValue == nil {
		return nil
	}
	switch {
	case x.Weight != nil && x.MultiValue != nil:
		return refuse("InvalidInput", "Invalid request: Expected exactly one of %s, but found more than one in %s", policies, where)
	case x.Identifier == "":
		return refuse("InvalidInput", "Invalid request: Missing field 'SetIdentifier' in %s", where)
	case len(x.Identifier) > maxIdentifier:
		return refuse("InvalidInput", "Invalid request: SetIdentifier is longer than %d characters in %s", maxIdentifier, where)
	case x.MultiValue != nil && x.Alias != nil:
		return refuse("InvalidInput", "Invalid request: a multivalue answer cannot be an alias in %s", where)
	}
	if w := x.Weight; w != nil && (*w < 0 || *w > maxWeight) {
		return refuse("InvalidInput", "Invalid value '%d' for Weight in %s: it must be from 0 to %d", *w, where, maxWeight)
	}
	return nil
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

// checkSet returns what is wrong with a set in this zone, empty if nothing is.
func (z *zone) checkSet(r RecordSet, action string) string {
	if !within(r.Name, z.Name) {
		return fmt.Sprintf("RRSet with DNS name %s is not permitted in zone %s", wireName(r.Name), wireName(z.Name))
	}
	if action == "DELETE" {
		if r.Name == z.Name && (r.Type == "SOA" || r.Type == "NS") {
			return "A HostedZone must contain at least one NS record for the zone itself, and exactly one SOA record."
		}
		return ""
	}
	if r.Type == "CNAME" && r.Name == z.Name {
		return fmt.Sprintf("RRSet of type CNAME with DNS name %s is not permitted at apex in zone %s", wireName(r.Name), wireName(z.Name))
	}
	return r.checkValues()
}

// checkValues returns what is wrong with the values of a set, empty if nothing is.
func (r RecordSet) checkValues() string {
	if r.Type == "CNAME" && len(r.Values) > 1 {
		return "Invalid Resource Record: 'FATAL problem: MultipleCNAMEValues encountered'"
	}
	for i, v := range r.Values {
		if slices.Contains(r.Values[:i], v) {
			return fmt.Sprintf("Duplicate Resource Record: '%s'", v)
		}
		ip, _ := netip.ParseAddr(v)
		if r.Type == "A" && !ip.Is4() {
			return fmt.Sprintf("Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) "+
				"encountered with '%s''", v)
		}
		if r.Type == "AAAA" && (!ip.Is6() || ip.Is4In6()) {
			return fmt.Sprintf("Invalid Resource Record: 'FATAL problem: AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address) "+
				"encountered with '%s''", v)
		}
	}
	return ""
}

// conflicts returns why a set cannot stand beside the others that a batch would leave at its name: the first reason only.
func conflicts(sets []RecordSet, r RecordSet) []string {
	group := 0
	for _, o := range sets {
		if o.Name != r.Name || o.key() == r.key() {
			continue
		}
		if o.Type == r.Type {
			group++
		}
		if message := conflict(r, o); message != "" {
			return []string{message}
		}
	}
	if group >= maxGroup {
		return []string{fmt.Sprintf("RRSet with DNS name %s, type %s cannot be created: %d sets is the limit of a name and type",
			wireName(r.Name), r.Type, maxGroup)}
	}
	return nil
}

// conflict returns why a set cannot stand beside another one of the same name, empty if it can.
func conflict(r, o RecordSet) string {
	if o.Type != r.Type {
		if o.Type != "CNAME" && r.Type != "CNAME" {
			return ""
		}
		return fmt.Sprintf("RRSet of type %s with DNS name %s is not permitted as it conflicts with other records "+
			"with the same DNS name", r.Type, wireName(r.Name))
	}
	name := fmt.Sprintf("RRSet with DNS name %s, type %s", wireName(r.Name), r.Type)
	with := name + ", SetIdentifier " + r.SetIdentifier + " cannot be created as"
	switch {
	case r.SetIdentifier == "":
		return name + " cannot be created as other RRSets exist with the same name and type."
	case r.Weight != nil && o.Weight == nil:
		return with + " a non-weighted set exists with the same name and type."
	case r.MultiValue && !o.MultiValue:
		return with + " a non-multivalue answer set exists with the same name and type."
	case r.Weight != nil && r.Alias+o.Alias == "" && r.TTL != o.TTL:
		return with + " weighted sets must contain the same TTL."
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
