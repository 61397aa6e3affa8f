package simulator

import (
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// defaultVPC is the only network of the account. Each zone has one subnet of it.
const defaultVPC = "vpc-00000000000000001"

// subnetOf names the subnet of a zone.
func subnetOf(zone string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(zone)) // which never fails
	return fmt.Sprintf("subnet-%017x", h.Sum64())
}

// subnet returns the zone of a subnet.
func (a *AWS) subnet(id string) (string, error) {
	for _, zone := range a.options.Zones {
		if subnetOf(zone) == id {
			return zone, nil
		}
	}
	return "", ofSubnet().unknown(id)
}

// subnetRange is where the private addresses of a zone come from: in the order of the zones, as in a default VPC, from
// 172.31.0.0/20 on. A zone that the account does not know has none.
func (a *AWS) subnetRange(zone string) netip.Prefix {
	n := slices.Index(a.options.Zones, zone)
	if n < 0 {
		return netip.Prefix{}
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 172<<24|31<<16+uint32(n)<<12)
	return netip.PrefixFrom(netip.AddrFrom4(b), 20)
}

// borderGroup names where the addresses of a zone are announced from: for an availability zone that is the Region, for a Local
// Zone (us-west-2-lax-1a) its group, for a Wavelength Zone (us-east-1-wl1-bos-wlz-1) the zone itself; from the EC2 user guide,
// Regions and Zones. A zone of another form counts as an availability zone.
func (a *AWS) borderGroup(zone string) string {
	if strings.Contains(zone, "-wlz-") {
		return zone
	}
	if m := regexp.MustCompile(`^([a-z]+(?:-[a-z]+)+-\d+-[a-z]+-\d+)[a-z]$`).FindStringSubmatch(zone); m != nil {
		return m[1]
	}
	return a.options.Region
}

func noZone(name string) error {
	return refuse("InvalidParameterValue", "Invalid availability zone: [%s]", name)
}

type regionXML struct {
	Name     string `xml:"regionName"`
	Endpoint string `xml:"regionEndpoint"`
	OptIn    string `xml:"optInStatus"`
}

type describeRegionsAnswer struct {
	XMLName   xml.Name
	RequestID string      `xml:"requestId"`
	Regions   []regionXML `xml:"regionInfo>item"`
}

// describeRegions shows the only Region that is pretended.
func (a *AWS) describeRegions(c call) (any, error) {
	all := []regionXML{{a.options.Region, "ec2." + a.options.Region + ".amazonaws.com", "opt-in-not-required"}}
	all, err := pick(all, list(c, "RegionName"), func(r regionXML) string { return r.Name }, kind{absent: "InvalidParameterValue", says: "Invalid region: '%s'"})
	if err != nil {
		return nil, err
	}
	all, err = filter(c, all, tagged[regionXML]{facts: facts[regionXML]{
		"endpoint":      one(func(r regionXML) string { return r.Endpoint }),
		"opt-in-status": one(func(r regionXML) string { return r.OptIn }),
		"region-name":   one(func(r regionXML) string { return r.Name }),
	}})
	if err != nil {
		return nil, err
	}
	return describeRegionsAnswer{XMLName: named(c), RequestID: c.requestID, Regions: all}, nil
}

type zoneOfEC2 struct {
	Name        string `xml:"zoneName"`
	ID          string `xml:"zoneId"`
	Region      string `xml:"regionName"`
	State       string `xml:"zoneState"`
	Group       string `xml:"groupName"`
	Kind        string `xml:"zoneType"`
	BorderGroup string `xml:"networkBorderGroup"`
	OptIn       string `xml:"optInStatus"`
}

type describeZonesAnswer struct {
	XMLName   xml.Name
	RequestID string      `xml:"requestId"`
	Zones     []zoneOfEC2 `xml:"availabilityZoneInfo>item"`
}

func (a *AWS) describeZones(c call) (any, error) {
	var all []zoneOfEC2
	for n, name := range a.options.Zones {
		z := zoneOfEC2{
			Name: name, ID: fmt.Sprintf("sim1-az%d", n+1), Region: a.options.Region, State: "available", Group: a.borderGroup(name),
			Kind: "availability-zone", BorderGroup: a.borderGroup(name), OptIn: "opt-in-not-required",
		}
		switch {
		case strings.Contains(name, "-wlz-"):
			z.Kind, z.OptIn = "wavelength-zone", "opted-in"
		case z.BorderGroup != a.options.Region:
			z.Kind, z.OptIn = "local-zone", "opted-in"
		}
		all = append(all, z)
	}
	all, err := pick(all, list(c, "ZoneName"), func(z zoneOfEC2) string { return z.Name }, kind{absent: "InvalidParameterValue", says: "Invalid availability zone: [%s]"})
	if err != nil {
		return nil, err
	}
	all, err = pick(all, list(c, "ZoneId"), func(z zoneOfEC2) string { return z.ID }, kind{absent: "InvalidParameterValue", says: "Invalid availability zone-id: [%s]"})
	if err != nil {
		return nil, err
	}
	all, err = filter(c, all, tagged[zoneOfEC2]{facts: facts[zoneOfEC2]{
		"group-name":    one(func(z zoneOfEC2) string { return z.Group }),
		"opt-in-status": one(func(z zoneOfEC2) string { return z.OptIn }),
		"region-name":   one(func(z zoneOfEC2) string { return z.Region }),
		"state":         one(func(z zoneOfEC2) string { return z.State }),
		"zone-id":       one(func(z zoneOfEC2) string { return z.ID }),
		"zone-name":     one(func(z zoneOfEC2) string { return z.Name }),
		"zone-type":     one(func(z zoneOfEC2) string { return z.Kind }),
	}})
	if err != nil {
		return nil, err
	}
	return describeZonesAnswer{XMLName: named(c), RequestID: c.requestID, Zones: all}, nil
}

type subnetXML struct {
	ID      string `xml:"subnetId"`
	VpcID   string `xml:"vpcId"`
	OwnerID string `xml:"ownerId"`
	State   string `xml:"state"`
	Zone    string `xml:"availabilityZone"`
	Range   string `xml:"cidrBlock"`
	Default bool   `xml:"defaultForAz"`
	Public  bool   `xml:"mapPublicIpOnLaunch"`
}

type describeSubnetsAnswer struct {
	XMLName   xml.Name
	RequestID string      `xml:"requestId"`
	Subnets   []subnetXML `xml:"subnetSet>item"`
	NextToken string      `xml:"nextToken,omitempty"`
}

func (a *AWS) describeSubnets(c call) (any, error) {
	var all []subnetXML
	for _, zone := range a.options.Zones {
		all = append(all, subnetXML{subnetOf(zone), defaultVPC, a.options.Account, "available", zone, a.subnetRange(zone).String(), true, true})
	}
	all, err := pick(all, list(c, "SubnetId"), func(s subnetXML) string { return s.ID }, ofSubnet())
	if err != nil {
		return nil, err
	}
	all, err = filter(c, all, tagged[subnetXML]{tags: func(subnetXML) map[string]string { return nil }, facts: facts[subnetXML]{
		"availability-zone": one(func(s subnetXML) string { return s.Zone }),
		"cidr-block":        one(func(s subnetXML) string { return s.Range }),
		"default-for-az":    one(func(s subnetXML) string { return yes(s.Default) }),
		"owner-id":          one(func(s subnetXML) string { return s.OwnerID }),
		"state":             one(func(s subnetXML) string { return s.State }),
		"subnet-id":         one(func(s subnetXML) string { return s.ID }),
		"vpc-id":            one(func(s subnetXML) string { return s.VpcID }),
	}})
	if err != nil {
		return nil, err
	}
	shown, next, err := page(c, "SubnetId", all)
	if err != nil {
		return nil, err
	}
	return describeSubnetsAnswer{XMLName: named(c), RequestID: c.requestID, Subnets: shown, NextToken: next}, nil
}
