package failover

import (
	"net/netip"
	"slices"
)

// RecordSet is one A or AAAA record set as Route 53 holds it, with all that is
// needed to delete exactly this one.
type RecordSet struct {
	Name        string   `json:"name"` // lower case, no trailing dot
	Type        string   `json:"type"` // A or AAAA
	TTL         int64    `json:"ttl"`  // seconds
	Identifier  string   `json:"identifier,omitempty"`
	Weight      *int64   `json:"weight,omitempty"`      // 0–255 of a weighted set; nil: not weighted
	MultiValue  bool     `json:"multivalue,omitempty"`  // a multivalue answer
	Failover    string   `json:"failover,omitempty"`    // PRIMARY or SECONDARY of a failover pair; empty: of none
	HealthCheck string   `json:"healthcheck,omitempty"` // id of a Route 53 health check attached to it
	Values      []string `json:"values"`                // as read, in order
	// Foreign says why rrwatch never edits this set: an alias, or a routing
	// policy that it does not know (latency, geolocation…). Empty: it may.
	Foreign string `json:"foreign,omitempty"`
}

// RecordKey is what makes a record set unique in its zone.
type RecordKey struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	Identifier string `json:"identifier,omitempty"`
}

// Key is the set's identity.
func (r RecordSet) Key() RecordKey { return RecordKey{r.Name, r.Type, r.Identifier} }

// Exists reports whether this stands for a set at all; the zero value means
// that there is none.
func (r RecordSet) Exists() bool { return r.Name != "" }

// Simple reports whether it is a plain set, whose values share one fate.
func (r RecordSet) Simple() bool {
	return r.Weight == nil && !r.MultiValue && r.Failover == "" && r.Foreign == ""
}

// Equal reports whether two sets say the same. The order of the values says
// nothing.
func (r RecordSet) Equal(o RecordSet) bool {
	if r.Key() != o.Key() || r.TTL != o.TTL || r.MultiValue != o.MultiValue || r.Failover != o.Failover || r.HealthCheck != o.HealthCheck || r.Foreign != o.Foreign {
		return false
	}
	if (r.Weight == nil) != (o.Weight == nil) || r.Weight != nil && *r.Weight != *o.Weight {
		return false
	}
	a, b := slices.Clone(r.Values), slices.Clone(o.Values)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// Addrs are the addresses among its values, in order.
func (r RecordSet) Addrs() []netip.Addr {
	var addrs []netip.Addr
	for _, v := range r.Values {
		if a, err := netip.ParseAddr(v); err == nil {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

// Holds reports whether addr is among its values.
func (r RecordSet) Holds(addr netip.Addr) bool { return slices.Contains(r.Addrs(), addr) }

// Answers reports whether the name can answer with this set's values: it
// exists and has a weight above 0, if it has one.
func (r RecordSet) Answers() bool { return r.Exists() && (r.Weight == nil || *r.Weight > 0) }

// Published is what one read of a zone says of one name.
type Published struct {
	ZoneID       string
	Private      bool        // a private zone: the public DNS does not answer for it
	Sets         []RecordSet // A and AAAA, in the zone's order
	Lease        RecordSet   // the TXT set of LeaseName; zero: there is none
	HealthChecks []HealthCheck
	Throttled    int // how many of rrwatch's calls Route 53 has refused for the account's rate within the last 10 minutes
}

// HealthCheck is a Route 53 health check that one of the sets has.
type HealthCheck struct {
	ID       string
	Addr     netip.Addr // that it asks; invalid: it asks a name, or follows others
	Disabled bool       // then Route 53 takes it for healthy
	Err      string     // why it could not be read; empty: it was
}
