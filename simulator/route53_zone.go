package simulator

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// registry is what Route 53 keeps beside the zones. The zero value is ready; the lock of the AWS guards it.
type registry struct {
	callers map[string]bool // the caller references of zones, for ever
	checks  map[string]*healthCheck
}

// maxComment and maxCaller bound free text, in characters (service description: ResourceDescription and Nonce).
const (
	maxComment = 256
	maxCaller  = 128
)

type zoneXML struct {
	ID     string        `xml:"Id"`
	Name   string        `xml:"Name"`
	Caller string        `xml:"CallerReference"`
	Config zoneConfigXML `xml:"Config"`
	Count  int           `xml:"ResourceRecordSetCount"`
}

type zoneConfigXML struct {
	Comment string `xml:",omitempty"`
	Private bool   `xml:"PrivateZone"`
}

type vpcXML struct {
	Region string `xml:"VPCRegion"`
	ID     string `xml:"VPCId"`
}

type vpcsXML struct {
	VPCs []vpcXML `xml:"VPC"`
}

type servers struct {
	Names []string `xml:"NameServers>NameServer"`
}

func (z *zone) xml() zoneXML {
	return zoneXML{
		ID: "/hostedzone/" + z.ID, Name: wireName(z.Name), Caller: z.caller, Config: zoneConfigXML{z.comment, z.Private}, Count: len(z.sets()),
	}
}

// servers returns the delegation set of a public zone; a private one has none.
func (z *zone) servers() *servers {
	if z.Private {
		return nil
	}
	return &servers{Names: z.NameServers}
}

type createZoneRequest struct {
	Name       string
	VPC        *vpcXML
	Caller     string         `xml:"CallerReference"`
	Config     *zoneConfigXML `xml:"HostedZoneConfig"`
	Delegation string         `xml:"DelegationSetId"`
}

type createZoneAnswer struct {
	XMLName xml.Name   `xml:"https://route53.amazonaws.com/doc/2013-04-01/ CreateHostedZoneResponse"`
	Zone    zoneXML    `xml:"HostedZone"`
	Info    changeInfo `xml:"ChangeInfo"`
	Servers *servers   `xml:"DelegationSet,omitempty"`
	VPC     *vpcXML    `xml:",omitempty"`
}

// location is where what was created is found.
func (c createZoneAnswer) location() string {
	return "https://route53.amazonaws.com/2013-04-01" + c.Zone.ID
}

// createZone makes a zone with the records that Route 53 makes by itself: public, or private when a VPC is named. DNS
// answers for it when the change is INSYNC.
func (a *AWS) createZone(c call) (any, error) {
	var request createZoneRequest
	if err := xml.Unmarshal(c.body, &request); err != nil {
		return nil, refuse("InvalidInput", "Invalid XML ; %v", err)
	}
	if err := a.checkZone(request); err != nil {
		return nil, err
	}
	n := a.next()
	z := newZone(Zone{ID: fmt.Sprintf("Z%020X", n), Name: request.Name, Private: request.VPC != nil, NameServers: delegation(n)})
	z.caller = request.Caller
	if request.Config != nil {
		z.comment = request.Config.Comment
	}
	if request.VPC != nil {
		z.vpcs = []vpcXML{*request.VPC}
	}
	done := a.newChange("")
	z.live = done.insync
	set(&a.registry.callers, request.Caller, true)
	a.zones[z.ID] = z
	a.signalAfter(a.sync())
	return createZoneAnswer{Zone: z.xml(), Info: done.xml(time.Now()), Servers: z.servers(), VPC: request.VPC}, nil
}

// checkZone refuses a zone that cannot be made.
func (a *AWS) checkZone(r createZoneRequest) error {
	if message := badName(r.Name); message != "" {
		return refuse("InvalidDomainName", "%s", message)
	}
	if err := checkLength("Nonce", r.Caller, 1, maxCaller); err != nil {
		return err
	}
	private := false
	if r.Config != nil {
		private = r.Config.Private
		if err := checkLength("ResourceDescription", r.Config.Comment, 0, maxComment); err != nil {
			return err
		}
	}
	switch {
	case r.Delegation != "":
		return refuse("NoSuchDelegationSet", "No delegation set found with ID: %s", r.Delegation)
	case a.registry.callers[r.Caller]:
		return &refusal{http.StatusConflict, "HostedZoneAlreadyExists", "A hosted zone has already been created with the specified caller reference."}
	case r.VPC != nil:
		return a.checkVPC(normalName(r.Name), *r.VPC)
	case private:
		return refuse("InvalidInput", "When you're creating a private hosted zone (when you specify true for PrivateZone), "+
			"you must also specify values for VPCId and VPCRegion.")
	}
	return nil
}

// checkVPC refuses a network that cannot have a private zone of a name. Any other counts as there.
func (a *AWS) checkVPC(name string, vpc vpcXML) error {
	if !strings.HasPrefix(vpc.ID, "vpc-") || vpc.Region == "" {
		return refuse("InvalidVPCId", "The VPC %s in region %s that you provided is not authorized to make the association.", vpc.ID, vpc.Region)
	}
	for _, z := range a.zones {
		if z.Name == name && slices.Contains(z.vpcs, vpc) {
			return refuse("ConflictingDomainExists", "The VPC %s in region %s has already been associated with the hosted zone %s "+
				"with the same domain name.", vpc.ID, vpc.Region, z.ID)
		}
	}
	return nil
}

// delegation returns four name servers, one under each of the top-level domains that Route 53 takes them from, numbered
// as it numbers them.
func delegation(n uint64) []string {
	n %= 512
	name := func(from uint64, top string) string {
		return fmt.Sprintf("ns-%d.awsdns-%02d.%s", from+n, n/8, top)
	}
	return []string{name(0, "com"), name(512, "net"), name(1024, "org"), name(1536, "co.uk")}
}

type deleteZoneAnswer struct {
	XMLName xml.Name   `xml:"https://route53.amazonaws.com/doc/2013-04-01/ DeleteHostedZoneResponse"`
	Info    changeInfo `xml:"ChangeInfo"`
}

// deleteZone deletes a zone that has nothing but what Route 53 made, at once, also in DNS.
func (a *AWS) deleteZone(c call) (any, error) {
	z, err := a.zone(c.path[1])
	if err != nil {
		return nil, err
	}
	if err := a.free(z); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(z.sets(), func(r RecordSet) bool { return !z.requires(r) }) {
		return nil, refuse("HostedZoneNotEmpty", "The specified hosted zone contains non-required resource record sets  and so cannot be deleted.")
	}
	delete(a.zones, z.ID)
	done := a.newChange("")
	a.signal()
	return deleteZoneAnswer{Info: done.xml(time.Now())}, nil
}

// requires says whether a record set is one that every zone must have.
func (z *zone) requires(r RecordSet) bool {
	return r.Name == z.Name && (r.Type == "SOA" || r.Type == "NS")
}

type getZoneAnswer struct {
	XMLName xml.Name `xml:"https://route53.amazonaws.com/doc/2013-04-01/ GetHostedZoneResponse"`
	Zone    zoneXML  `xml:"HostedZone"`
	Servers *servers `xml:"DelegationSet,omitempty"`
	VPCs    *vpcsXML `xml:",omitempty"`
}

func (a *AWS) getZone(c call) (any, error) {
	z, err := a.zone(c.path[1])
	if err != nil {
		return nil, err
	}
	out := getZoneAnswer{Zone: z.xml(), Servers: z.servers()}
	if z.Private {
		out.VPCs = &vpcsXML{z.vpcs}
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
