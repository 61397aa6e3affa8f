package simulator

import (
	"encoding/xml"
	"maps"
	"net/netip"
	"slices"
	"strconv"
)

// Interface is one network interface.
type Interface struct {
	ID          string // eni-…, required but in Instance.More
	Description string
	Zone        string       // availability zone; an attached one is in that of its instance
	Instance    string       // the instance that has it; empty means none
	Device      int          // its device index there; 0 is the primary interface
	Attachment  string       // eni-attach-…; empty while no instance has it
	Private     []netip.Addr // its private addresses, the primary one first
	Keep        bool         // whether it stays when its instance is terminated
	DualStack   bool         // whether it has a public dual-stack DNS name
	Tags        map[string]string
}

// primary returns the primary private address.
func (n Interface) primary() netip.Addr {
	if len(n.Private) == 0 {
		return netip.Addr{}
	}
	return n.Private[0]
}

func (n Interface) clone() Interface {
	n.Private, n.Tags = slices.Clone(n.Private), maps.Clone(n.Tags)
	return n
}

// ec2Interface is an interface with all that shows of it.
type ec2Interface struct {
	Interface
	public map[netip.Addr]association // of its private addresses
}

// association is a public address on a private one.
type association struct {
	ip         netip.Addr
	owner      string // the account, or "amazon" if it came with the instance
	id         string // eipassoc-…; empty if it came with the instance
	allocation string
}

// view joins an interface with its instance, if it has one, and the public addresses on it.
func (a *AWS) view(n Interface, i Instance, carried func(spot) (Address, bool)) ec2Interface {
	out := ec2Interface{Interface: n, public: map[netip.Addr]association{}}
	if n.Instance != "" && n.Device == 0 && i.State == stateRunning && i.Public.IsValid() {
		out.public[n.primary()] = association{ip: i.Public, owner: "amazon"}
	}
	for _, ip := range n.Private {
		if d, ok := carried(spot{n.ID, ip}); ok {
			out.public[ip] = association{ip: d.IP, owner: a.options.Account, id: d.Association, allocation: d.Allocation}
		}
	}
	return out
}

func (n ec2Interface) status() string {
	if n.Instance == "" {
		return "available"
	}
	return "in-use"
}

// associations returns the public addresses on the private ones, in their order.
func (n ec2Interface) associations() []association {
	var out []association
	for _, ip := range n.Private {
		if s, ok := n.public[ip]; ok {
			out = append(out, s)
		}
	}
	return out
}

type associationXML struct {
	PublicIP      string `xml:"publicIp"`
	OwnerID       string `xml:"ipOwnerId"`
	AllocationID  string `xml:"allocationId,omitempty"`
	AssociationID string `xml:"associationId,omitempty"`
}

type privateXML struct {
	PrivateIP   string          `xml:"privateIpAddress"`
	Primary     bool            `xml:"primary"`
	Association *associationXML `xml:"association,omitempty"`
}

type attachmentXML struct {
	ID          string `xml:"attachmentId"`
	InstanceID  string `xml:"instanceId,omitempty"`
	OwnerID     string `xml:"instanceOwnerId,omitempty"`
	DeviceIndex int    `xml:"deviceIndex"`
	Status      string `xml:"status"`
	Delete      bool   `xml:"deleteOnTermination"`
}

// interfaceXML is how EC2 writes an interface, in an instance and alone. It writes the tags of the two under different names.
type interfaceXML struct {
	ID          string          `xml:"networkInterfaceId"`
	SubnetID    string          `xml:"subnetId"`
	VpcID       string          `xml:"vpcId"`
	Zone        string          `xml:"availabilityZone,omitempty"`
	Description string          `xml:"description"`
	OwnerID     string          `xml:"ownerId"`
	Status      string          `xml:"status"`
	Kind        string          `xml:"interfaceType"`
	PrivateIP   string          `xml:"privateIpAddress,omitempty"`
	SourceCheck bool            `xml:"sourceDestCheck"`
	Attachment  *attachmentXML  `xml:"attachment,omitempty"`
	Association *associationXML `xml:"association,omitempty"`
	Privates    []privateXML    `xml:"privateIpAddressesSet>item"`
	Tags        []tagXML        `xml:"tagSet>item,omitempty"`
}

func (a *AWS) interfaceXML(n ec2Interface) interfaceXML {
	out := interfaceXML{
		ID: n.ID, SubnetID: subnetOf(n.Zone), VpcID: defaultVPC, Zone: n.Zone, Description: n.Description, OwnerID: a.options.Account,
		Status: n.status(), Kind: "interface", PrivateIP: text(n.primary()), SourceCheck: true, Tags: tagsXML(n.Tags),
	}
	if n.Attachment != "" {
		out.Attachment = &attachmentXML{
			ID: n.Attachment, InstanceID: n.Instance, OwnerID: a.options.Account, DeviceIndex: n.Device, Status: "attached", Delete: !n.Keep,
		}
	}
	for at, ip := range n.Private {
		private := privateXML{PrivateIP: text(ip), Primary: at == 0}
		if s, ok := n.public[ip]; ok {
			private.Association = &associationXML{PublicIP: text(s.ip), OwnerID: s.owner, AllocationID: s.allocation, AssociationID: s.id}
		}
		if at == 0 {
			out.Association = private.Association
		}
		out.Privates = append(out.Privates, private)
	}
	return out
}

func (a *AWS) interfaceFacts() tagged[ec2Interface] {
	privates := func(n ec2Interface) []netip.Addr { return n.Private }
	known := facts[ec2Interface]{
		"addresses.association.owner-id":   each(ec2Interface.associations, func(s association) string { return s.owner }),
		"addresses.association.public-ip":  each(ec2Interface.associations, func(s association) string { return text(s.ip) }),
		"addresses.primary":                each(privates, func(netip.Addr) string { return "true" }),
		"addresses.private-ip-address":     each(privates, text),
		"association.allocation-id":        each(ec2Interface.associations, func(s association) string { return s.allocation }),
		"association.association-id":       each(ec2Interface.associations, func(s association) string { return s.id }),
		"association.ip-owner-id":          each(ec2Interface.associations, func(s association) string { return s.owner }),
		"association.public-ip":            each(ec2Interface.associations, func(s association) string { return text(s.ip) }),
		"attachment.attachment-id":         one(func(n ec2Interface) string { return n.Attachment }),
		"attachment.delete-on-termination": one(func(n ec2Interface) string { return yes(!n.Keep) }),
		"attachment.device-index":          one(func(n ec2Interface) string { return strconv.Itoa(n.Device) }),
		"attachment.instance-id":           one(func(n ec2Interface) string { return n.Instance }),
		"availability-zone":                one(func(n ec2Interface) string { return n.Zone }),
		"description":                      one(func(n ec2Interface) string { return n.Description }),
		"interface-type":                   one(func(ec2Interface) string { return "interface" }),
		"network-interface-id":             one(func(n ec2Interface) string { return n.ID }),
		"owner-id":                         one(func(ec2Interface) string { return a.options.Account }),
		"private-ip-address":               each(privates, text),
		"status":                           one(ec2Interface.status),
		"subnet-id":                        one(func(n ec2Interface) string { return subnetOf(n.Zone) }),
		"vpc-id":                           one(func(ec2Interface) string { return defaultVPC }),
	}
	return tagged[ec2Interface]{facts: known, tags: func(n ec2Interface) map[string]string { return n.Tags }}
}

type describeInterfacesAnswer struct {
	XMLName    xml.Name
	RequestID  string         `xml:"requestId"`
	Interfaces []interfaceXML `xml:"networkInterfaceSet>item"`
	NextToken  string         `xml:"nextToken,omitempty"`
}

func (a *AWS) describeInterfaces(c call) (any, error) {
	w := a.described()
	j := w.join()
	var all []ec2Interface
	for _, n := range w.sortedInterfaces() {
		all = append(all, a.view(n, w.instances[n.Instance], j.carried))
	}
	all, err := pick(all, list(c, "NetworkInterfaceId"), func(n ec2Interface) string { return n.ID }, ofInterface())
	if err != nil {
		return nil, err
	}
	all, err = filter(c, all, a.interfaceFacts())
	if err != nil {
		return nil, err
	}
	shown, next, err := page(c, "NetworkInterfaceId", all)
	if err != nil {
		return nil, err
	}
	out := describeInterfacesAnswer{XMLName: named(c), RequestID: c.requestID, NextToken: next}
	for _, n := range shown {
		out.Interfaces = append(out.Interfaces, a.interfaceXML(n))
	}
	return out, nil
}
