package simulator

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// zonesPage and recordsPage are the most items of one page, from the API reference of the two lists.
const (
	zonesPage   = 100
	recordsPage = 300
)

// zonesXML and recordsXML are lists that are written also when they are empty, as Route 53 does.
type zonesXML struct {
	Zones []zoneXML `xml:"HostedZone"`
}

type recordsXML struct {
	Sets []recordXML `xml:"ResourceRecordSet"`
}

type listZonesAnswer struct {
	XMLName    xml.Name `xml:"https://route53.amazonaws.com/doc/2013-04-01/ ListHostedZonesResponse"`
	Zones      zonesXML `xml:"HostedZones"`
	Marker     string   `xml:",omitempty"`
	Truncated  bool     `xml:"IsTruncated"`
	NextMarker string   `xml:",omitempty"`
	MaxItems   string
}

func (a *AWS) listZones(c call) (any, error) {
	most, err := atMost(c, zonesPage)
	if err != nil {
		return nil, err
	}
	kind := c.form.Get("hostedzonetype")
	if kind != "" && kind != "PrivateHostedZone" {
		return nil, refuse("InvalidInput", "Invalid value '%s' for hostedZoneType", kind)
	}
	out := listZonesAnswer{Marker: c.form.Get("marker"), MaxItems: strconv.Itoa(most)}
	for _, z := range sortedValues(a.zones, func(a, b *zone) int { return strings.Compare(a.ID, b.ID) }) {
		switch {
		case z.ID < out.Marker, kind != "" && !z.Private:
		case len(out.Zones.Zones) < most:
			out.Zones.Zones = append(out.Zones.Zones, z.xml())
		case !out.Truncated:
			out.Truncated, out.NextMarker = true, z.ID
		}
	}
	return out, nil
}

type listZonesByNameAnswer struct {
	XMLName   xml.Name `xml:"https://route53.amazonaws.com/doc/2013-04-01/ ListHostedZonesByNameResponse"`
	Zones     zonesXML `xml:"HostedZones"`
	Name      string   `xml:"DNSName,omitempty"`
	ZoneID    string   `xml:"HostedZoneId,omitempty"`
	Truncated bool     `xml:"IsTruncated"`
	NextName  string   `xml:"NextDNSName,omitempty"`
	NextZone  string   `xml:"NextHostedZoneId,omitempty"`
	MaxItems  string
}

func (a *AWS) listZonesByName(c call) (any, error) {
	most, err := atMost(c, zonesPage)
	if err != nil {
		return nil, err
	}
	out := listZonesByNameAnswer{Name: c.form.Get("dnsname"), ZoneID: c.form.Get("hostedzoneid"), MaxItems: strconv.Itoa(most)}
	if out.ZoneID != "" && out.Name == "" {
		return nil, refuse("InvalidInput", "The DNS name is missing: a hosted zone ID can be specified only with a DNS name")
	}
	if err := checkStart(out.Name); err != nil {
		return nil, err
	}
	byName := func(a, b *zone) int {
		return recordKey{name: a.Name, typ: a.ID}.compare(recordKey{name: b.Name, typ: b.ID})
	}
	start := recordKey{name: normalName(out.Name), typ: zoneID(out.ZoneID)}
	for _, z := range sortedValues(a.zones, byName) {
		switch {
		case out.Name != "" && (recordKey{name: z.Name, typ: z.ID}).compare(start) < 0:
		case len(out.Zones.Zones) < most:
			out.Zones.Zones = append(out.Zones.Zones, z.xml())
		case !out.Truncated:
			out.Truncated, out.NextName, out.NextZone = true, wireName(z.Name), z.ID
		}
	}
	return out, nil
}

type listRecordsAnswer struct {
	XMLName   xml.Name   `xml:"https://route53.amazonaws.com/doc/2013-04-01/ ListResourceRecordSetsResponse"`
	Sets      recordsXML `xml:"ResourceRecordSets"`
	Truncated bool       `xml:"IsTruncated"`
	NextName  string     `xml:"NextRecordName,omitempty"`
	NextType  string     `xml:"NextRecordType,omitempty"`
	NextID    string     `xml:"NextRecordIdentifier,omitempty"`
	MaxItems  string
}

// listRecords shows the records as they were last changed, PENDING or not, from a name, type and identifier on.
func (a *AWS) listRecords(c call) (any, error) {
	z, err := a.zone(c.path[1])
	if err != nil {
		return nil, err
	}
	most, err := atMost(c, recordsPage)
	if err != nil {
		return nil, err
	}
	name, typ, id := c.form.Get("name"), c.form.Get("type"), c.form.Get("identifier")
	if typ != "" && name == "" || id != "" && typ == "" {
		return nil, refuse("InvalidInput", "The specified start is incomplete: a type needs a name, an identifier needs a type")
	}
	if err := checkStart(name); err != nil {
		return nil, err
	}
	sets := z.sets()
	if name != "" {
		start, _ := find(sets, recordKey{normalName(name), typ, id})
		sets = sets[start:]
	}
	out := listRecordsAnswer{MaxItems: strconv.Itoa(most)}
	if len(sets) > most {
		next := sets[most]
		out.Truncated, out.NextName, out.NextType, out.NextID = true, wireName(next.Name), next.Type, next.SetIdentifier
		sets = sets[:most]
	}
	for _, r := range sets {
		out.Sets.Sets = append(out.Sets.Sets, r.xml())
	}
	return out, nil
}

// checkStart refuses a name that no list can start at; an empty one is none.
func checkStart(name string) error {
	if message := badName(name); name != "" && message != "" {
		return refuse("InvalidInput", "%s", message)
	}
	return nil
}
