package simulator

import (
	"encoding/xml"
	"net/netip"
	"slices"
)

// newInterface makes an interface in a zone with the private addresses that a call asks for. It is not in the world yet.
func (e *edit) newInterface(c call, zone string) (Interface, error) {
	n := Interface{ID: e.id("eni"), Zone: zone, Description: c.form.Get("Description")}
	primary, err := address(c, "PrivateIpAddress")
	if err != nil {
		return n, err
	}
	asked, err := e.askedPrivates(c)
	if err != nil {
		return n, err
	}
	if primary.IsValid() {
		asked = slices.Concat([]netip.Addr{primary}, slices.DeleteFunc(asked, func(ip netip.Addr) bool { return ip == primary }))
	}
	more, err := number(c, "SecondaryPrivateIpAddressCount", 0)
	if err != nil {
		return n, err
	}
	if len(asked) == 0 {
		more++
	}
	for _, ip := range asked {
		if err := e.mayHave(n, ip); err != nil {
			return n, err
		}
		n.Private = append(n.Private, ip)
	}
	return e.fill(n, more)
}

// askedPrivates reads PrivateIpAddresses, the primary one first. CreateNetworkInterface and RunInstances call it the same.
func (e *edit) askedPrivates(c call) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, item := range items(c, "PrivateIpAddresses") {
		ip, err := address(item, "PrivateIpAddress")
		if err != nil {
			return nil, err
		}
		primary, err := flag(item, "Primary", false)
		if err != nil {
			return nil, err
		}
		if primary {
			out = slices.Insert(out, 0, ip)
			continue
		}
		out = append(out, ip)
	}
	return out, nil
}

// mayHave refuses a private address that an interface cannot have. An interface that was put into the account with an
// address of no subnet may have any.
func (e *edit) mayHave(n Interface, ip netip.Addr) error {
	if subnet := e.aws.subnetRange(n.Zone); !subnet.Contains(ip) && (len(n.Private) == 0 || subnet.Contains(n.primary())) {
		return refuse("InvalidParameterValue", "Address %s does not fall within the subnet's address range", ip)
	}
	if e.usable(n.Zone, ip) && e.owner(ip) == "" && !slices.Contains(n.Private, ip) {
		return nil
	}
	return refuse("InvalidIPAddress.InUse", "Address %s is in use.", ip)
}

// usable says whether an address is not one of those that AWS keeps in each subnet: the first four and the last.
func (e *edit) usable(zone string, ip netip.Addr) bool {
	subnet := e.aws.subnetRange(zone)
	if !subnet.Contains(ip) {
		return true
	}
	reserved := subnet.Addr()
	for range 4 {
		if ip == reserved {
			return false
		}
		reserved = reserved.Next()
	}
	return subnet.Contains(ip.Next())
}

// owner returns the interface that has a private address, if any has.
func (e *edit) owner(ip netip.Addr) string {
	for _, n := range e.interfaces {
		if slices.Contains(n.Private, ip) {
			return n.ID
		}
	}
	return ""
}

// fill gives an interface n more private addresses of its subnet.
func (e *edit) fill(n Interface, more int) (Interface, error) {
	subnet := e.aws.subnetRange(n.Zone)
	for ip := subnet.Addr(); more > 0; ip = ip.Next() {
		if !subnet.Contains(ip) {
			return n, refuse("InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '%s' to satisfy the "+
				"requested number of instances.", subnetOf(n.Zone))
		}
		if e.usable(n.Zone, ip) && e.owner(ip) == "" && !slices.Contains(n.Private, ip) {
			n.Private = append(slices.Clip(n.Private), ip)
			more--
		}
	}
	return n, nil
}

type assignedXML struct {
	PrivateIP string `xml:"privateIpAddress"`
}

type assignPrivateAnswer struct {
	XMLName     xml.Name
	RequestID   string        `xml:"requestId"`
	InterfaceID string        `xml:"networkInterfaceId"`
	Assigned    []assignedXML `xml:"assignedPrivateIpAddressesSet>item"`
	Return      bool          `xml:"return"`
}

// assignPrivate gives an interface more private addresses. One of another interface moves with the Elastic IP on it.
func (a *AWS) assignPrivate(c call) (any, error) {
	if c.form.Has("Ipv4Prefix.1") || c.form.Has("Ipv4PrefixCount") {
		return nil, refuse("UnsupportedOperation", "Prefixes are not simulated; assign single addresses.")
	}
	again, err := flag(c, "AllowReassignment", false)
	if err != nil {
		return nil, err
	}
	more, err := number(c, "SecondaryPrivateIpAddressCount", 0)
	if err != nil {
		return nil, err
	}
	asked := list(c, "PrivateIpAddress")
	if (len(asked) > 0) == (more > 0) {
		return nil, refuse("InvalidParameterCombination", "Either privateIpAddress or secondaryPrivateIpAddressCount must be specified, but not both")
	}
	return a.change(a.options.Move, func(e *edit) (any, error) {
		n, err := e.eni(c)
		if err != nil {
			return nil, err
		}
		had := len(n.Private)
		for _, s := range asked {
			if n, err = e.assign(n, s, again); err != nil {
				return nil, err
			}
		}
		if n, err = e.fill(n, more); err != nil {
			return nil, err
		}
		e.interfaces[n.ID] = n
		out := assignPrivateAnswer{XMLName: named(c), RequestID: c.requestID, InterfaceID: n.ID, Return: true}
		for _, ip := range n.Private[had:] {
			out.Assigned = append(out.Assigned, assignedXML{text(ip)})
		}
		return out, nil
	})
}

// assign gives an interface a private address, taken from another interface if that is allowed.
func (e *edit) assign(n Interface, asked string, again bool) (Interface, error) {
	ip, err := netip.ParseAddr(asked)
	if err != nil {
		return n, refuse("InvalidParameterValue", "Value (%s) for parameter privateIpAddress is invalid. Invalid IPv4 address.", asked)
	}
	if slices.Contains(n.Private, ip) {
		return n, nil
	}
	other, taken := e.interfaces[e.owner(ip)]
	if taken {
		err = mayTake(n, other, ip, again)
	} else {
		err = e.mayHave(n, ip)
	}
	if err != nil {
		return n, err
	}
	n.Private = append(slices.Clip(n.Private), ip)
	e.interfaces[n.ID] = n
	if taken {
		e.give(other, n, ip)
	}
	return n, nil
}

// mayTake refuses to move a private address from one interface to another.
func mayTake(n, other Interface, ip netip.Addr, again bool) error {
	switch {
	case !again:
		return refuse("InvalidParameterValue", "[%s] assigned, but move is not allowed.", ip)
	case other.primary() == ip:
		return refuse("InvalidParameterValue", "The primary private address %s of %s cannot be moved.", ip, other.ID)
	case other.Zone != n.Zone:
		return refuse("InvalidParameterValue", "Address %s does not fall within the subnet's address range", ip)
	}
	return nil
}

// give takes a private address off an interface after another one has got it. The Elastic IP on it goes with it.
func (e *edit) give(other, n Interface, ip netip.Addr) {
	other.Private = slices.DeleteFunc(slices.Clone(other.Private), func(o netip.Addr) bool { return o == ip })
	e.interfaces[other.ID] = other
	if d, ok := e.carried(spot{other.ID, ip}); ok {
		e.wire(d.IP, spot{n.ID, ip})
	}
}

func (a *AWS) unassignPrivate(c call) (any, error) {
	return a.change(a.options.Move, func(e *edit) (any, error) {
		n, err := e.eni(c)
		if err != nil {
			return nil, err
		}
		for _, s := range list(c, "PrivateIpAddress") {
			ip, err := netip.ParseAddr(s)
			if err != nil || !slices.Contains(n.Private, ip) {
				return nil, refuse("InvalidParameterValue", "Some of the specified addresses are not assigned to interface %s", n.ID)
			}
			if ip == n.primary() {
				return nil, refuse("InvalidParameterValue", "The primary private address %s cannot be unassigned.", ip)
			}
			if d, ok := e.carried(spot{n.ID, ip}); ok {
				e.unwire(d.IP)
			}
			n.Private = slices.DeleteFunc(slices.Clone(n.Private), func(o netip.Addr) bool { return o == ip })
			e.interfaces[n.ID] = n
		}
		return done(c), nil
	})
}
