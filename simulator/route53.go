package simulator

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The protocol of Route 53, from its service description.
const (
	route53Xmlns        = "https://route53.amazonaws.com/doc/2013-04-01/"
	actionChangeRecords = "ChangeResourceRecordSets"
)

// route53Action names the action of a method and a path, empty if there is none.
func route53Action(method string, path []string) string {
	pattern := slices.Clone(path)
	if len(pattern) > 1 {
		pattern[1] = "*"
	}
	return map[string]string{
		"GET hostedzone":          "ListHostedZones",
		"GET hostedzonesbyname":   "ListHostedZonesByName",
		"GET hostedzone/*":        "GetHostedZone",
		"GET hostedzone/*/rrset":  "ListResourceRecordSets",
		"POST hostedzone/*/rrset": actionChangeRecords,
		"GET change/*":            "GetChange",
	}[method+" "+strings.Join(pattern, "/")]
}

func (a *AWS) doRoute53(c call) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch c.action {
	case "ListHostedZones":
		return a.listZones(c)
	case "ListHostedZonesByName":
		return a.listZonesByName(c)
	case "GetHostedZone":
		return a.getZone(c)
	case "ListResourceRecordSets":
		return a.listRecords(c)
	case actionChangeRecords:
		return a.changeRecords(c)
	case "GetChange":
		return a.getChange(c)
	}
	return nil, unknownAction(c)
}

type zoneXML struct {
	ID      string `xml:"Id"`
	Name    string
	Caller  string `xml:"CallerReference"`
	Private bool   `xml:"Config>PrivateZone"`
	Count   int    `xml:"ResourceRecordSetCount"`
}

func (z *zone) xml() zoneXML {
	return zoneXML{ID: "/hostedzone/" + z.ID, Name: wireName(z.Name), Caller: "simulator", Private: z.Private, Count: len(z.sets())}
}

// wireName writes a normalised name as Route 53 does: with a trailing dot and an escaped asterisk.
func wireName(name string) string { return strings.ReplaceAll(name, "*", `\052`) + "." }

// atMost reads the parameter maxitems, which Route 53 caps.
func atMost(c call, limit int) (int, error) {
	v := c.form.Get("maxitems")
	if v == "" {
		return limit, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return 0, refuse("InvalidInput", "Invalid value '%s' for maxItems", v)
	}
	return min(n, limit), nil
}

// zonesPage and recordsPage are the most items of one page, from the API reference of the two lists.
const (
	zonesPage   = 100
	recordsPage = 300
)

type listZonesAnswer struct {
	XMLName    xml.Name  `xml:"https://route53.amazonaws.com/doc/2013-04-01/ ListHostedZonesResponse"`
	Zones      []zoneXML `xml:"HostedZones>HostedZone"`
	Marker     string    `xml:",omitempty"`
	Truncated  bool      `xml:"IsTruncated"`
	NextMarker string    `xml:",omitempty"`
	MaxItems   string
}

func (a *AWS) listZones(c call) (any, error) {
	most, err := atMost(c, zonesPage)
	if err != nil {
		return nil, err
	}
	out := listZonesAnswer{Marker: c.form.Get("marker"), MaxItems: strconv.Itoa(most)}
	for _, z := range sortedValues(a.zones, func(a, b *zone) int { return strings.Compare(a.ID, b.ID) }) {
		switch {
		case z.ID < out.Marker:
		case len(out.Zones) < most:
			out.Zones = append(out.Zones, z.xml())
		case !out.Truncated:
			out.Truncated, out.NextMarker = true, z.ID
		}
	}
	return out, nil
}

type listZonesByNameAnswer struct {
	XMLName   xml.Name  `xml:"https://route53.amazonaws.com/doc/2013-04-01/ ListHostedZonesByNameResponse"`
	Zones     []zoneXML `xml:"HostedZones>HostedZone"`
	Name      string    `xml:"DNSName,omitempty"`
	ZoneID    string    `xml:"HostedZoneId,omitempty"`
	Truncated bool      `xml:"IsTruncated"`
	NextName  string    `xml:"NextDNSName,omitempty"`
	NextZone  string    `xml:"NextHostedZoneId,omitempty"`
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
	byName := func(a, b *zone) int {
		return recordKey{name: a.Name, typ: a.ID}.compare(recordKey{name: b.Name, typ: b.ID})
	}
	start := recordKey{name: normalName(out.Name), typ: zoneID(out.ZoneID)}
	for _, z := range sortedValues(a.zones, byName) {
		switch {
		case out.Name != "" && (recordKey{name: z.Name, typ: z.ID}).compare(start) < 0:
		case len(out.Zones) < most:
			out.Zones = append(out.Zones, z.xml())
		case !out.Truncated:
			out.Truncated, out.NextName, out.NextZone = true, wireName(z.Name), z.ID
		}
	}
	return out, nil
}

type getZoneAnswer struct {
	XMLName xml.Name `xml:"https://route53.amazonaws.com/doc/2013-04-01/ GetHostedZoneResponse"`
	Zone    zoneXML  `xml:"HostedZone"`
	Servers *servers `xml:"DelegationSet,omitempty"`
}

type servers struct {
	Names []string `xml:"NameServers>NameServer"`
}

func (a *AWS) getZone(c call) (any, error) {
	z, err := a.zone(c.path[1])
	if err != nil {
		return nil, err
	}
	out := getZoneAnswer{Zone: z.xml()}
	if !z.Private {
		out.Servers = &servers{Names: z.NameServers}
	}
	return out, nil
}

// zone returns a zone by the ID that a call named.
func (a *AWS) zone(id string) (*zone, error) {
	if z, ok := a.zones[zoneID(id)]; ok {
		return z, nil
	}
	return nil, &refusal{http.StatusNotFound, "NoSuchHostedZone", "No hosted zone found with ID: " + id}
}

func zoneID(id string) string { return strings.TrimPrefix(id, "/hostedzone/") }

type listRecordsAnswer struct {
	XMLName   xml.Name    `xml:"https://route53.amazonaws.com/doc/2013-04-01/ ListResourceRecordSetsResponse"`
	Sets      []recordXML `xml:"ResourceRecordSets>ResourceRecordSet"`
	Truncated bool        `xml:"IsTruncated"`
	NextName  string      `xml:"NextRecordName,omitempty"`
	NextType  string      `xml:"NextRecordType,omitempty"`
	NextID    string      `xml:"NextRecordIdentifier,omitempty"`
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
		out.Sets = append(out.Sets, r.xml())
	}
	return out, nil
}

type changeInfo struct {
	ID        string `xml:"Id"`
	Status    string
	Submitted string `xml:"SubmittedAt"`
	Comment   string `xml:",omitempty"`
}

func (c change) xml(now time.Time) changeInfo {
	status := "PENDING"
	if !c.insync.After(now) {
		status = "INSYNC"
	}
	return changeInfo{ID: "/change/" + c.id, Status: status, Submitted: c.submitted.UTC().Format("2006-01-02T15:04:05.000Z"), Comment: c.comment}
}

type getChangeAnswer struct {
	XMLName xml.Name   `xml:"https://route53.amazonaws.com/doc/2013-04-01/ GetChangeResponse"`
	Info    changeInfo `xml:"ChangeInfo"`
}

func (a *AWS) getChange(c call) (any, error) {
	done, ok := a.changes[c.path[1]]
	if !ok {
		return nil, &refusal{http.StatusNotFound, "NoSuchChange", "Could not find resource with ID: " + c.path[1]}
	}
	return getChangeAnswer{Info: done.xml(time.Now())}, nil
}
