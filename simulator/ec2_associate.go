package simulator

import (
	"encoding/xml"
	"net/http"
	"slices"
)

// remaps counts the calls of AssociateAddress that AWS may charge for.
type remaps struct{ all, again int }

// Remaps returns how many calls of AssociateAddress took an address that was on some place already, which is what AWS counts
// as a remap, and how many of those named the very place on which it was: no error, nothing changed, and it may be charged.
func (a *AWS) Remaps() (all, again int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.remaps.all, a.remaps.again
}

type associateAddressAnswer struct {
	XMLName       xml.Name
	RequestID     string `xml:"requestId"`
	Return        bool   `xml:"return"`
	AssociationID string `xml:"associationId"`
}

// associateAddress moves an address in one call, whoever carries it. What the caller wants is checked against the truth,
// not against what describes still show.
func (a *AWS) associateAddress(c call) (any, error) {
	again, err := flag(c, "AllowReassociation", true)
	if err != nil {
		return nil, err
	}
	if c.form.Get("AllocationId") == "" && c.form.Get("PublicIp") != "" {
		return nil, refuse("InvalidParameterCombination", "You must specify an allocation id when mapping an address to a VPC instance")
	}
	return a.change(a.options.Move, func(e *edit) (any, error) {
		d, err := e.byAllocation(c.form.Get("AllocationId"))
		if err != nil {
			return nil, err
		}
		to, err := e.target(c)
		if err != nil {
			return nil, err
		}
		if err := a.mayCarry(d, e.interfaces[to.eni]); err != nil {
			return nil, err
		}
		there := d.Association != "" && spot{d.Interface, d.Private} == to
		if !there && !again {
			if err := e.free(d, to); err != nil {
				return nil, err
			}
		}
		a.remaps.count(d, there)
		if e.same = there; !there {
			e.wire(d.IP, to)
		}
		return associateAddressAnswer{XMLName: named(c), RequestID: c.requestID, Return: true, AssociationID: e.addresses[d.IP].Association}, nil
	})
}

func (r *remaps) count(d Address, there bool) {
	if d.Association != "" {
		r.all++
	}
	if there {
		r.again++
	}
}

// mayCarry refuses an interface on which an address can never be.
func (a *AWS) mayCarry(d Address, n Interface) error {
	if d.ServiceManaged != "" {
		return refuse("OperationNotPermitted", "The address %s is managed by %s and cannot be associated.", d.IP, d.ServiceManaged)
	}
	if group := a.borderGroup(n.Zone); group != d.BorderGroup {
		// The reference states the rule and no code.
		return refuse("InvalidParameterCombination", "You cannot associate an Elastic IP address with an interface in a different "+
			"network border group: %s is in %s, %s in %s.", d.Allocation, d.BorderGroup, n.ID, group)
	}
	return nil
}

// target returns the spot to which an address is to go, if it can.
func (e *edit) target(c call) (spot, error) {
	private, err := address(c, "PrivateIpAddress")
	if err != nil {
		return spot{}, err
	}
	n, err := e.targetInterface(c.form.Get("InstanceId"), c.form.Get("NetworkInterfaceId"))
	if err != nil {
		return spot{}, err
	}
	if !private.IsValid() {
		private = n.primary()
	}
	if !e.exists(spot{n.ID, private}) {
		return spot{}, refuse("InvalidParameterValue", "Value (%s) for parameter privateIpAddress is invalid. "+
			"%s has no such private IP address", private, n.ID)
	}
	return spot{n.ID, private}, nil
}

// targetInterface returns the interface that is named by an instance or by itself, if it can carry an address.
func (e *edit) targetInterface(id, eni string) (Interface, error) {
	switch {
	case id != "" && eni != "":
		return Interface{}, refuse("InvalidParameterCombination", "You may specify an instance ID or a network interface ID, but not both")
	case id != "":
		return e.onlyInterface(id)
	case eni == "":
		return Interface{}, refuse("MissingParameter", "Either 'InstanceId' or 'NetworkInterfaceId' must be specified")
	}
	n, ok := e.interfaces[eni]
	if !ok {
		return Interface{}, ofInterface().unknown(eni)
	}
	if i, attached := e.instances[n.Instance]; attached && !canCarry(i) {
		return Interface{}, refuse("IncorrectInstanceState",
			"The %s instance to which '%s' is attached is not in a valid state for this operation", i.State, eni)
	}
	return n, nil
}

// onlyInterface returns the interface of an instance that is named for it: there must be no other.
func (e *edit) onlyInterface(id string) (Interface, error) {
	i, ok := e.instances[id]
	if !ok {
		return Interface{}, ofInstance().unknown(id)
	}
	if !canCarry(i) {
		return Interface{}, refuse("InvalidInstanceID", "The %s instance '%s' is not in a valid state for this operation.", i.State, id)
	}
	list := e.attached(id)
	if len(list) != 1 {
		return Interface{}, refuse("InvalidInstanceID", "There are multiple interfaces attached to instance '%s'. "+
			"Please specify an interface ID for the operation instead.", id)
	}
	return list[0], nil
}

// canCarry says whether the state of an instance allows an address.
func canCarry(i Instance) bool {
	return slices.Contains([]string{stateRunning, stateStopping, stateStopped}, i.State)
}

// free refuses to take an address from its spot, or another address from the spot where it is to go.
func (e *edit) free(d Address, to spot) error {
	if d.Association != "" {
		return refuse("Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s", d.Allocation, d.Association)
	}
	if other, ok := e.carried(to); ok {
		return refuse("Resource.AlreadyAssociated", "resource %s and %s is already associated with public address %s",
			to.eni, to.private, other.IP)
	}
	return nil
}

func (a *AWS) disassociateAddress(c call) (any, error) {
	id := c.form.Get("AssociationId")
	if id == "" && c.form.Get("PublicIp") != "" {
		return nil, refuse("InvalidParameterValue", "You must specify an association id when unmapping an address from a VPC instance")
	}
	if id == "" {
		return nil, missing("AssociationId")
	}
	return a.change(a.options.Move, func(e *edit) (any, error) {
		for _, d := range e.addresses {
			if d.Association != id {
				continue
			}
			if err := e.mayLose(d); err != nil {
				return nil, err
			}
			e.unwire(d.IP)
			return done(c), nil
		}
		return nil, ofAssociation().unknown(id)
	})
}

// mayLose refuses to take an address off a spot that must keep it.
func (e *edit) mayLose(d Address) error {
	if d.ServiceManaged != "" {
		return notYours()
	}
	n := e.interfaces[d.Interface]
	others := slices.ContainsFunc(e.sortedAddresses(), func(o Address) bool { return o.Interface == d.Interface && o.IP != d.IP })
	if n.DualStack && d.Private == n.primary() && !others {
		// The rule is from the reference of DisassociateAddress, which names no code.
		return refuse("OperationNotPermitted", "The address %s cannot be disassociated: it is the last public IPv4 address of %s, "+
			"which has a public dual-stack DNS name.", d.IP, d.Interface)
	}
	return nil
}

// notYours is the answer about what a service of AWS manages in the account.
func notYours() error {
	return &refusal{http.StatusBadRequest, "AuthFailure", "You do not have permission to access the specified resource."}
}
