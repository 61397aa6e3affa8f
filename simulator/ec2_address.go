package simulator

import (
	"encoding/xml"
	"net/netip"
	"slices"
	"time"
)

type addressXML struct {
	InstanceID         string   `xml:"instanceId,omitempty"`
	PublicIP           string   `xml:"publicIp"`
	AllocationID       string   `xml:"allocationId"`
	AssociationID      string   `xml:"associationId,omitempty"`
	Domain             string   `xml:"domain"`
	NetworkInterfaceID string   `xml:"networkInterfaceId,omitempty"`
	OwnerID            string   `xml:"networkInterfaceOwnerId,omitempty"`
	PrivateIP          string   `xml:"privateIpAddress,omitempty"`
	Tags               []tagXML `xml:"tagSet>item"`
	Pool               string   `xml:"publicIpv4Pool"`
	BorderGroup        string   `xml:"networkBorderGroup"`
	ServiceManaged     string   `xml:"serviceManaged,omitempty"`
}

type describeAddressesAnswer struct {
	XMLName   xml.Name     `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeAddressesResponse"`
	RequestID string       `xml:"requestId"`
	Addresses []addressXML `xml:"addressesSet>item"`
}

type associateAddressAnswer struct {
	XMLName       xml.Name `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ AssociateAddressResponse"`
	RequestID     string   `xml:"requestId"`
	Return        bool     `xml:"return"`
	AssociationID string   `xml:"associationId"`
}

func (a *AWS) describeAddresses(c call) (any, error) {
	all := a.described().sortedAddresses()
	all, err := pick(all, list(c, "AllocationId"), func(d Address) string { return d.Allocation },
		"InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist")
	if err != nil {
		return nil, err
	}
	all, err = pick(all, list(c, "PublicIp"), func(d Address) string { return d.IP.String() },
		"InvalidAddress.NotFound", "Address '%s' not found.")
	if err != nil {
		return nil, err
	}
	all, err = filter(c, all, addressFacts)
	if err != nil {
		return nil, err
	}
	out := describeAddressesAnswer{RequestID: c.requestID}
	for _, d := range all {
		out.Addresses = append(out.Addresses, a.addressXML(d))
	}
	return out, nil
}

// pick keeps what was asked for by identifier, all if nothing was, and refuses an identifier that nothing has.
func pick[T any](all []T, ids []string, id func(T) string, code, message string) ([]T, error) {
	if len(ids) == 0 {
		return all, nil
	}
	for _, want := range ids {
		if !slices.ContainsFunc(all, func(t T) bool { return id(t) == want }) {
			return nil, refuse(code, message, want)
		}
	}
	return slices.DeleteFunc(all, func(t T) bool { return !slices.Contains(ids, id(t)) }), nil
}

func addressFacts(d Address) facts {
	return func(name string) ([]string, bool) {
		switch name {
		case "allocation-id":
			return []string{d.Allocation}, true
		case "association-id":
			return []string{d.Association}, true
		case "instance-id":
			return []string{d.Instance}, true
		case "network-interface-id":
			return []string{d.Interface}, true
		case "private-ip-address":
			return []string{text(d.Private)}, true
		case "public-ip":
			return []string{text(d.IP)}, true
		}
		return tagFacts(d.Tags, name)
	}
}

func (a *AWS) addressXML(d Address) addressXML {
	out := addressXML{
		InstanceID: d.Instance, PublicIP: d.IP.String(), AllocationID: d.Allocation, AssociationID: d.Association,
		Domain: "vpc", NetworkInterfaceID: d.Interface, PrivateIP: text(d.Private), Tags: tagsXML(d.Tags),
		Pool: "amazon", BorderGroup: a.options.Region, ServiceManaged: d.ServiceManaged,
	}
	if d.Association != "" {
		out.OwnerID = a.options.Account
	}
	return out
}

// associateAddress moves an address in one call, whoever carries it. What the caller wants is checked against the truth,
// not against what describes still show.
func (a *AWS) associateAddress(c call) (any, error) {
	again, err := flag(c, "AllowReassociation", true)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.truth().clone()
	d, err := w.byAllocation(c.form.Get("AllocationId"))
	if err != nil {
		return nil, err
	}
	target, err := w.target(c)
	if err != nil {
		return nil, err
	}
	if d.ServiceManaged != "" {
		return nil, refuse("OperationNotPermitted", "The address %s is managed by %s and cannot be associated.", d.IP, d.ServiceManaged)
	}
	if d.Instance == target.ID {
		return associateAddressAnswer{RequestID: c.requestID, Return: true, AssociationID: d.Association}, nil
	}
	if !again {
		if err := w.free(d, target); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	a.move(w, d.IP, target.ID, now.Add(a.options.Move))
	a.publish(w, now.Add(a.lag()))
	a.signalAfter(a.options.Move)
	return associateAddressAnswer{RequestID: c.requestID, Return: true, AssociationID: w.addresses[d.IP].Association}, nil
}

func (w world) byAllocation(id string) (Address, error) {
	if id == "" {
		return Address{}, refuse("MissingParameter", "The request must contain the parameter AllocationId")
	}
	for _, d := range w.addresses {
		if d.Allocation == id {
			return d, nil
		}
	}
	return Address{}, refuse("InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", id)
}

// target returns the instance to which an address is to go, if it can.
func (w world) target(c call) (Instance, error) {
	id, eni := c.form.Get("InstanceId"), c.form.Get("NetworkInterfaceId")
	if id != "" && eni != "" {
		return Instance{}, refuse("InvalidParameterCombination", "You may specify an instance ID or a network interface ID, but not both")
	}
	if id == "" && eni == "" {
		return Instance{}, refuse("MissingParameter", "Either 'InstanceId' or 'NetworkInterfaceId' must be specified")
	}
	target, err := w.named(id, eni)
	if err != nil {
		return Instance{}, err
	}
	if err := canCarry(target, eni); err != nil {
		return Instance{}, err
	}
	if private := c.form.Get("PrivateIpAddress"); private != "" && private != text(target.Private) {
		return Instance{}, refuse("InvalidParameterValue", "Value (%s) for parameter privateIpAddress is invalid. "+
			"%s has no such private IP address", private, target.Interface)
	}
	return target, nil
}

// named returns the instance with an ID or, if that is empty, behind an interface.
func (w world) named(id, eni string) (Instance, error) {
	if id != "" {
		if i, ok := w.instances[id]; ok {
			return i, nil
		}
		return Instance{}, missingInstance(id)
	}
	for _, i := range w.instances {
		if i.Interface == eni {
			return i, nil
		}
	}
	return Instance{}, missingInterface(eni)
}

// canCarry refuses an instance whose state does not allow an address; eni is set if it was named by its interface.
func canCarry(i Instance, eni string) error {
	switch {
	case slices.Contains([]string{stateRunning, stateStopping, stateStopped}, i.State):
		return nil
	case eni == "":
		return refuse("InvalidInstanceID", "The %s instance '%s' is not in a valid state for this operation.", i.State, i.ID)
	case i.State == stateTerminated:
		return missingInterface(eni) // it went with the instance
	default:
		return refuse("IncorrectInstanceState",
			"The %s instance to which '%s' is attached is not in a valid state for this operation", i.State, eni)
	}
}

func missingInterface(eni string) error {
	return refuse("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", eni)
}

// free refuses to take an address from its carrier, or the target's address from the target.
func (w world) free(d Address, target Instance) error {
	if d.Association != "" {
		return refuse("Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s", d.Allocation, d.Association)
	}
	if other, ok := w.carried(target.ID); ok {
		return refuse("Resource.AlreadyAssociated", "resource %s and %s is already associated with public address %s",
			target.Interface, target.Private, other.IP)
	}
	return nil
}

func (a *AWS) disassociateAddress(c call) (any, error) {
	id := c.form.Get("AssociationId")
	if id == "" {
		return nil, refuse("MissingParameter", "The request must contain the parameter AssociationId")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.truth().clone()
	var ip netip.Addr
	for _, d := range w.addresses {
		if d.Association == id {
			ip = d.IP
		}
	}
	if !ip.IsValid() {
		return nil, refuse("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
	}
	now := time.Now()
	a.move(w, ip, "", now.Add(a.options.Move))
	a.publish(w, now.Add(a.lag()))
	a.signalAfter(a.options.Move)
	return answeredOnly{XMLName: xml.Name{Space: ec2Xmlns, Local: "DisassociateAddressResponse"}, RequestID: c.requestID, Return: true}, nil
}
