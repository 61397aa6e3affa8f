package simulator

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// What the schema of Route 53 bounds, from its service description: a weight, a TTL in seconds, a set identifier, a name, a
// value and the ID of an alias's zone in characters.
const (
	maxWeight     = 255
	maxTTL        = 2147483647
	maxIdentifier = 128
	maxDNSName    = 1024
	maxValue      = 4000
	maxResourceID = 32
)

// policies is how Route 53 lists what a set with an identifier needs one of.
const policies = "[Weight, Region, Failover, GeoLocation, GeoProximityLocation, CidrRoutingConfig, or MultiValueAnswer]"

// check refuses a batch that is malformed by itself, whatever the zone holds.
func (r changeRequest) check() error {
	if len(r.Changes) == 0 {
		return incomplete("Changes", "Change")
	}
	if err := checkLength("ResourceDescription", r.Comment, 0, maxComment); err != nil {
		return err
	}
	for _, change := range r.Changes {
		if err := change.check(); err != nil {
			return err
		}
	}
	return nil
}

// check refuses a change that is malformed by itself.
func (c changeXML) check() error {
	x := c.Set
	where := fmt.Sprintf("Change with [Action=%s, Name=%s, Type=%s, SetIdentifier=%s]", c.Action, x.Name, x.Type, orNull(x.identifier()))
	types := []string{
		"SOA", "A", "TXT", "NS", "CNAME", "MX", "NAPTR", "PTR", "SRV", "SPF", "AAAA", "CAA", "DS", "TLSA", "SSHFP", "SVCB", "HTTPS",
	}
	if err := checkOneOf("ChangeAction", c.Action, "CREATE", "DELETE", "UPSERT"); err != nil {
		return err
	}
	if err := checkOneOf("RRType", x.Type, types...); err != nil {
		return err
	}
	if err := x.checkSchema(); err != nil {
		return err
	}
	if err := x.checkPolicy(where); err != nil {
		return err
	}
	return x.checkContent(where)
}

// checkSchema refuses what is longer, shorter, less or more than may be.
func (x recordXML) checkSchema() error {
	if err := checkLength("DNSName", x.Name, 0, maxDNSName); err != nil {
		return err
	}
	if x.Identifier != nil {
		if err := checkLength("ResourceRecordSetIdentifier", *x.Identifier, 1, maxIdentifier); err != nil {
			return err
		}
	}
	if err := checkRange("ResourceRecordSetWeight", x.Weight, maxWeight); err != nil {
		return err
	}
	if err := checkRange("TTL", x.TTL, maxTTL); err != nil {
		return err
	}
	if x.Failover != "" {
		if err := checkOneOf("ResourceRecordSetFailover", x.Failover, "PRIMARY", "SECONDARY"); err != nil {
			return err
		}
	}
	if x.Alias != nil {
		return checkLength("ResourceId", x.Alias.Zone, 0, maxResourceID)
	}
	if x.Values == nil {
		return nil
	}
	for _, v := range x.Values.Values {
		if err := checkLength("RData", v.Value, 0, maxValue); err != nil {
			return err
		}
	}
	return nil
}

// checkContent refuses a set that is not either an alias, or a TTL and values.
func (x recordXML) checkContent(where string) error {
	const either = "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or " +
		"TrafficPolicyInstanceId], but found %s in %s"
	switch {
	case x.Values != nil && len(x.Values.Values) == 0:
		return incomplete("ResourceRecords", "ResourceRecord")
	case x.Alias != nil && (x.TTL != nil || x.Values != nil):
		return refuse("InvalidInput", either, "more than one", where)
	case x.Alias == nil && (x.TTL == nil || x.Values == nil):
		return refuse("InvalidInput", either, "none", where)
	}
	return nil
}

// checkPolicy refuses a routing policy that is incomplete, doubled or not pretended here; a simple set has none.
func (x recordXML) checkPolicy(where string) error {
	const exactly = "Invalid request: Expected exactly one of %s, but found %s in %s"
	given := x.policies()
	switch {
	case x.otherPolicy():
		return refuse("InvalidInput", "The simulator keeps simple, weighted, multivalue answer and failover records only, found another in %s", where)
	case given > 1:
		return refuse("InvalidInput", exactly, policies, "more than one", where)
	case given == 0 && x.Identifier != nil:
		return refuse("InvalidInput", exactly, policies, "none", where)
	case given == 1 && x.Identifier == nil:
		return refuse("InvalidInput", "Invalid request: Missing field 'SetIdentifier' in %s", where)
	case x.MultiValue != nil && x.Alias != nil:
		return refuse("InvalidInput", "Invalid request: a multivalue answer cannot be an alias in %s", where)
	}
	return nil
}

// policies counts the routing policies that a set names.
func (x recordXML) policies() int {
	given := 0
	for _, has := range []bool{x.Weight != nil, x.MultiValue != nil, x.Failover != ""} {
		if has {
			given++
		}
	}
	return given
}

// otherPolicy says whether a set has a routing policy that is not pretended here.
func (x recordXML) otherPolicy() bool {
	return x.Region != "" || x.Geo != nil || x.Proximity != nil || x.CIDR != nil
}

func (x recordXML) identifier() string {
	if x.Identifier == nil {
		return ""
	}
	return *x.Identifier
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

// incomplete refuses an element that has none of what it must contain, in the words of the XML schema.
func incomplete(element, wants string) error {
	return refuse("InvalidInput", "Invalid XML ; cvc-complex-type.2.4.b: The content of element '%s' is not complete. "+
		`One of '{"%s":%s}' is expected.`, element, route53Xmlns, wants)
}

// checkLength refuses a text with too few or too many characters, in the words of the XML schema.
func checkLength(kind, text string, least, most int) error {
	n := utf8.RuneCountInString(text)
	switch {
	case n < least:
		return refuse("InvalidInput", "Invalid XML ; cvc-minLength-valid: Value '%s' with length = '%d' is not facet-valid with respect to "+
			"minLength '%d' for type '%s'.", text, n, least, kind)
	case n > most:
		return refuse("InvalidInput", "Invalid XML ; cvc-maxLength-valid: Value '%s' with length = '%d' is not facet-valid with respect to "+
			"maxLength '%d' for type '%s'.", text, n, most, kind)
	}
	return nil
}

// checkRange refuses a number below 0 or above most, in the words of the XML schema.
func checkRange(kind string, n *int64, most int64) error {
	const invalid = "Invalid XML ; cvc-%[1]s-valid: Value '%[2]d' is not facet-valid with respect to %[1]s '%[3]d' for type '%[4]s'."
	switch {
	case n == nil:
		return nil
	case *n < 0:
		return refuse("InvalidInput", invalid, "minInclusive", *n, 0, kind)
	case *n > most:
		return refuse("InvalidInput", invalid, "maxInclusive", *n, most, kind)
	}
	return nil
}

// checkOneOf refuses a text that is none of some, in the words of the XML schema.
func checkOneOf(kind, text string, of ...string) error {
	if slices.Contains(of, text) {
		return nil
	}
	return refuse("InvalidInput", "Invalid XML ; cvc-enumeration-valid: Value '%s' is not facet-valid with respect to enumeration '[%s]' "+
		"for type '%s'. It must be a value from the enumeration.", text, strings.Join(of, ", "), kind)
}
