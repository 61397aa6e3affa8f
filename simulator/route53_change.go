package simulator

import (
	"encoding/xml"
	"fmt"
	"reflect"
	"slices"
	"time"
)

type recordXML struct {
	Name        string
	Type        string
	Identifier  *string         `xml:"SetIdentifier,omitempty"`
	Weight      *int64          `xml:",omitempty"`
	Region      string          `xml:",omitempty"`
	Failover    string          `xml:",omitempty"`
	Geo         *struct{}       `xml:"GeoLocation,omitempty"`
	Proximity   *struct{}       `xml:"GeoProximityLocation,omitempty"`
	CIDR        *struct{}       `xml:"CidrRoutingConfig,omitempty"`
	MultiValue  *bool           `xml:"MultiValueAnswer,omitempty"`
	TTL         *int64          `xml:",omitempty"`
	Values      *valuesXML      `xml:"ResourceRecords,omitempty"`
	Alias       *aliasTargetXML `xml:"AliasTarget,omitempty"`
	HealthCheck string          `xml:"HealthCheckId,omitempty"`
}

type valuesXML struct {
	Values []valueXML `xml:"ResourceRecord"`
}

type valueXML struct{ Value string }

type aliasTargetXML struct {
	Zone   string `xml:"HostedZoneId"`
	Name   string `xml:"DNSName"`
	Health bool   `xml:"EvaluateTargetHealth"`
}

func (r RecordSet) xml() recordXML {
	out := recordXML{
		Name: wireName(r.Name), Type: r.Type, Weight: r.Weight, Failover: r.Failover,
		HealthCheck: r.HealthCheck,
	}
	if r.SetIdentifier != "" {
		out.Identifier = &r.SetIdentifier
	}
	if r.MultiValue {
		out.MultiValue = new(true)
	}
	if r.Alias != "" {
		out.Alias = &aliasTargetXML{Zone: r.AliasZone, Name: wireName(normalName(r.Alias)), Health: r.AliasHealth}
		return out
	}
	out.TTL, out.Values = new(r.TTL), &valuesXML{}
	for _, v := range r.Values {
		out.Values.Values = append(out.Values.Values, valueXML{v})
	}
	return out
}

func (x recordXML) set() RecordSet {
	r := RecordSet{
		Name: normalName(x.Name), Type: x.Type, SetIdentifier: x.identifier(), Weight: x.Weight, HealthCheck: x.HealthCheck,
		MultiValue: x.MultiValue != nil && *x.MultiValue, Failover: x.Failover,
	}
	if x.TTL != nil {
		r.TTL = *x.TTL
	}
	if x.Alias != nil {
		r.Alias, r.AliasZone, r.AliasHealth = normalName(x.Alias.Name), x.Alias.Zone, x.Alias.Health
	}
	if x.Values != nil {
		for _, v := range x.Values.Values {
			r.Values = append(r.Values, v.Value)
		}
	}
	return r
}

type changeRequest struct {
	Comment string      `xml:"ChangeBatch>Comment"`
	Changes []changeXML `xml:"ChangeBatch>Changes>Change"`
}

type changeXML struct {
	Action string
	Set    recordXML `xml:"ResourceRecordSet"`
}

type changeRecordsAnswer struct {
	XMLName xml.Name   `xml:"https://route53.amazonaws.com/doc/2013-04-01/ ChangeResourceRecordSetsResponse"`
	Info    changeInfo `xml:"ChangeInfo"`
}

// changeRecords applies a whole change batch, or none of it and says all that is wrong with it.
func (a *AWS) changeRecords(c call) (any, error) {
	z, err := a.zone(c.path[1])
	if err != nil {
		return nil, err
	}
	var request changeRequest
	if err := xml.Unmarshal(c.body, &request); err != nil {
		return nil, refuse("InvalidInput", "Invalid XML ; %v", err)
	}
	if err := request.check(); err != nil {
		return nil, err
	}
	if err := a.free(z); err != nil {
		return nil, err
	}
	if err := a.knowChecks(request.Changes); err != nil {
		return nil, err
	}
	for _, change := range request.Changes {
		if message := badName(change.Set.Name); message != "" {
			return nil, refuse("InvalidChangeBatch", "%s", message)
		}
	}
	sets, wrong := a.apply(z, request.Changes)
	if len(wrong) > 0 {
		return nil, refuse("InvalidChangeBatch", "%s", inBrackets(wrong))
	}
	done := a.newChange(request.Comment)
	z.publish(sets, done.insync)
	a.signalAfter(a.sync())
	return changeRecordsAnswer{Info: done.xml(time.Now())}, nil
}

// apply returns the records of the zone after all changes, or what is wrong with the batch.
func (a *AWS) apply(z *zone, changes []changeXML) (sets []RecordSet, wrong []string) {
	if wrong = append(tooLarge(changes), twice(changes)...); len(wrong) > 0 {
		return nil, wrong
	}
	sets = slices.Clone(z.sets())
	for _, change := range changes {
		r := change.Set.set()
		message := z.checkSet(r, change.Action)
		if message == "" {
			sets, message = edited(sets, change.Action, r)
		}
		if message != "" {
			wrong = append(wrong, message)
		}
	}
	for _, change := range changes {
		if r := change.Set.set(); change.Action != "DELETE" {
			wrong = append(wrong, z.conflicts(sets, r)...)
			if message := a.lost(z, sets, r); message != "" {
				wrong = append(wrong, message)
			}
		}
	}
	return sets, wrong
}

// edited returns sets after one change, or why that cannot be.
func edited(sets []RecordSet, action string, r RecordSet) (after []RecordSet, wrong string) {
	i, exists := find(sets, r.key())
	if action != "DELETE" {
		if action == "CREATE" && exists {
			return sets, "Tried to create resource record set " + quoted(r) + " but it already exists"
		}
		return insert(remove(sets, r.key()), r), ""
	}
	if !exists {
		return sets, "Tried to delete resource record set " + quoted(r) + " but it was not found"
	}
	if !r.same(sets[i]) {
		return sets, "Tried to delete resource record set " + quoted(r) + " but the values provided do not match the current values"
	}
	return remove(sets, r.key()), ""
}

// quoted names a record set as Route 53 does in its messages.
func quoted(r RecordSet) string {
	if r.SetIdentifier == "" {
		return fmt.Sprintf("[name='%s', type='%s']", wireName(r.Name), r.Type)
	}
	return fmt.Sprintf("[name='%s', type='%s', set-identifier='%s']", wireName(r.Name), r.Type, r.SetIdentifier)
}

// same says whether a set is what another is in all that DELETE must repeat. The order of values does not matter.
func (r RecordSet) same(o RecordSet) bool {
	return reflect.DeepEqual(r.sorted(), o.sorted())
}

// sorted returns a copy with its values in order and its alias normalised.
func (r RecordSet) sorted() RecordSet {
	r.Values = slices.Sorted(slices.Values(r.Values))
	r.Alias = normalName(r.Alias)
	return r
}
