package simulator

import (
	"encoding/xml"
	"net/netip"
	"slices"
)

type addressXML struct {
	InstanceID         string     `xml:"instanceId,omitempty"`
	PublicIP           string     `xml:"publicIp"`
	AllocationID       string     `xml:"allocationId"`
	AssociationID      string     `xml:"associationId,omitempty"`
	Domain             string     `xml:"domain"`
	NetworkInterfaceID string     `xml:"networkInterfaceId,omitempty"`
	OwnerID            string     `xml:"networkInterfaceOwnerId,omitempty"`
	PrivateIP          string     `xml:"privateIpAddress,omitempty"`
	Tags               *tagSetXML `xml:"tagSet"`
	Pool               string     `xml:"publicIpv4Pool"`
	BorderGroup        string     `xml:"networkBorderGroup"`
	ServiceManaged     string     `xml:"serviceManaged,omitempty"`
}

type describeAddressesAnswer struct {
	XMLName   xml.Name
	RequestID string       `xml:"requestId"`
	Addresses []addressXML `xml:"addressesSet>item"`
}

// text writes an address, or nothing for the zero one.
func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// describeAddresses is not paged: AWS has no pages here either.
func (a *AWS) describeAddresses(c call) (any, error) {
	all := a.described().sortedAddresses()
	all, err := pick(all, list(c, "AllocationId"), func(d Address) string { return d.Allocation }, ofAllocation())
	if err != nil {
		return nil, err
	}
	all, err = pickPublic(all, list(c, "PublicIp"))
	if err != nil {
		return nil, err
	}
	all, err = filter(c, all, a.addressFacts())
	if err != nil {
		return nil, err
	}
	out := describeAddressesAnswer{XMLName: named(c), RequestID: c.requestID}
	for _, d := range all {
		out.Addresses = append(out.Addresses, a.addressXML(d))
	}
	return out, nil
}

// pickPublic keeps what was asked for by address, all if nothing was.
func pickPublic(all []Address, ips []string) ([]Address, error) {
	for _, ip := range ips {
		if _, err := netip.ParseAddr(ip); err != nil {
			return nil, refuse("InvalidParameterValue", "Invalid value '%s' for publicIp", ip)
		}
	}
	return pick(all, ips, func(d Address) string { return d.IP.String() }, kind{absent: "InvalidAddress.NotFound", says: "Address '%s' not found."})
}

func (a *AWS) addressFacts() tagged[Address] {
	return tagged[Address]{tags: func(d Address) map[string]string { return d.Tags }, facts: facts[Address]{
		"allocation-id":        one(func(d Address) string { return d.Allocation }),
		"association-id":       one(func(d Address) string { return d.Association }),
		"domain":               one(func(Address) string { return "vpc" }), // no longer in the reference, and still sent
		"instance-id":          one(func(d Address) string { return d.Instance }),
		"network-border-group": one(func(d Address) string { return d.BorderGroup }),
		"network-interface-id": one(func(d Address) string { return d.Interface }),
		"network-interface-owner-id": func(d Address) []string {
			if d.Interface == "" {
				return nil
			}
			return []string{a.options.Account}
		},
		"private-ip-address": one(func(d Address) string { return text(d.Private) }),
		"public-ip":          one(func(d Address) string { return text(d.IP) }),
	}}
}

func (a *AWS) addressXML(d Address) addressXML {
	out := addressXML{
		InstanceID: d.Instance, PublicIP: d.IP.String(), AllocationID: d.Allocation, AssociationID: d.Association,
		Domain: "vpc", NetworkInterfaceID: d.Interface, PrivateIP: text(d.Private), Tags: tagSet(d.Tags),
		Pool: "amazon", BorderGroup: d.BorderGroup, ServiceManaged: d.ServiceManaged,
	}
	if d.Association != "" {
		out.OwnerID = a.options.Account
	}
	return out
}

type allocateAddressAnswer struct {
	XMLName      xml.Name
	RequestID    string `xml:"requestId"`
	PublicIP     string `xml:"publicIp"`
	AllocationID string `xml:"allocationId"`
	Domain       string `xml:"domain"`
	Pool         string `xml:"publicIpv4Pool"`
	BorderGroup  string `xml:"networkBorderGroup"`
}

// allocateAddress gives the account one more Elastic IP. A particular one may be asked for: AWS allows that for one that the
// account had before, here any is as good as that.
func (a *AWS) allocateAddress(c call) (any, error) {
	for _, name := range []string{"PublicIpv4Pool", "IpamPoolId", "CustomerOwnedIpv4Pool"} {
		if v := c.form.Get(name); v != "" && v != "amazon" {
			return nil, refuse("InvalidPublicIpv4PoolID.NotFound", "The pool ID '%s' does not exist", v)
		}
	}
	asked, err := address(c, "Address")
	if err != nil {
		return nil, err
	}
	group := c.form.Get("NetworkBorderGroup")
	if group == "" {
		group = a.options.Region
	}
	if !slices.ContainsFunc(a.options.Zones, func(zone string) bool { return a.borderGroup(zone) == group }) {
		return nil, refuse("InvalidParameterValue", "Invalid value '%s' for NetworkBorderGroup.", group)
	}
	tags, err := specified(c, "elastic-ip")
	if err != nil {
		return nil, err
	}
	return a.change(0, func(e *edit) (any, error) {
		if a.options.Quota > 0 && len(e.addresses) >= a.options.Quota {
			return nil, refuse("AddressLimitExceeded", "The maximum number of addresses has been reached.")
		}
		if _, taken := e.addresses[asked]; taken {
			return nil, refuse("InvalidAddress.NotFound", "Address %s was not found or is not available.", asked)
		}
		if !asked.IsValid() {
			asked = e.freePublic(elasticPool())
		}
		d := Address{IP: asked, Allocation: e.id("eipalloc"), BorderGroup: group, Tags: tags}
		e.addresses[d.IP] = d
		return allocateAddressAnswer{
			XMLName: named(c), RequestID: c.requestID, PublicIP: d.IP.String(), AllocationID: d.Allocation,
			Domain: "vpc", Pool: "amazon", BorderGroup: d.BorderGroup,
		}, nil
	})
}

// releaseAddress gives an Elastic IP back, which nothing may carry any more.
func (a *AWS) releaseAddress(c call) (any, error) {
	id := c.form.Get("AllocationId")
	if id == "" && c.form.Get("PublicIp") != "" {
		return nil, refuse("InvalidParameterValue", "You must specify an allocation id when releasing a VPC elastic IP address")
	}
	if c.form.Get("PublicIp") != "" {
		return nil, refuse("InvalidParameterCombination", "You may specify public IP or allocation id, but not both in the same call")
	}
	return a.change(0, func(e *edit) (any, error) {
		d, err := e.byAllocation(id)
		if err != nil {
			return nil, err
		}
		// The code is from the reference of ReleaseAddress.
		if group := c.form.Get("NetworkBorderGroup"); group != "" && group != d.BorderGroup {
			return nil, refuse("InvalidAddress.NotFound", "Address '%s' not found.", d.IP)
		}
		if d.ServiceManaged != "" {
			return nil, notYours()
		}
		if d.Association != "" {
			return nil, refuse("InvalidIPAddress.InUse", "Address %s is in use.", d.IP)
		}
		delete(e.addresses, d.IP)
		return done(c), nil
	})
}

// byAllocation finds an Elastic IP by its allocation.
func (w world) byAllocation(id string) (Address, error) {
	if id == "" {
		return Address{}, missing("AllocationId")
	}
	for _, d := range w.addresses {
		if d.Allocation == id {
			return d, nil
		}
	}
	return Address{}, ofAllocation().unknown(id)
}
