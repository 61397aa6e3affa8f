package simulator

import (
	"encoding/xml"
	"slices"
)

type createInterfaceAnswer struct {
	XMLName   xml.Name
	RequestID string       `xml:"requestId"`
	Interface interfaceXML `xml:"networkInterface"`
}

func (a *AWS) createInterface(c call) (any, error) {
	zone, err := a.subnet(c.form.Get("SubnetId"))
	if err != nil {
		return nil, err
	}
	tags, err := specified(c, "network-interface")
	if err != nil {
		return nil, err
	}
	return a.change(0, func(e *edit) (any, error) {
		n, err := e.newInterface(c, zone)
		if err != nil {
			return nil, err
		}
		n.Keep, n.Tags = true, tags // what is made alone stays when its instance goes
		e.interfaces[n.ID] = n
		return createInterfaceAnswer{XMLName: named(c), RequestID: c.requestID, Interface: a.interfaceXML(a.view(n, Instance{}, e.carried))}, nil
	})
}

func (a *AWS) deleteInterface(c call) (any, error) {
	return a.change(0, func(e *edit) (any, error) {
		n, err := e.eni(c)
		if err != nil {
			return nil, err
		}
		if n.Instance != "" {
			return nil, refuse("InvalidParameterValue", "Network interface '%s' is currently in use.", n.ID)
		}
		e.remove(n.ID)
		return done(c), nil
	})
}

// eni returns the interface that a call names.
func (e *edit) eni(c call) (Interface, error) {
	id := c.form.Get("NetworkInterfaceId")
	n, ok := e.interfaces[id]
	if !ok {
		return Interface{}, ofInterface().unknown(id)
	}
	return n, nil
}

type attachInterfaceAnswer struct {
	XMLName      xml.Name
	RequestID    string `xml:"requestId"`
	AttachmentID string `xml:"attachmentId"`
	Card         int    `xml:"networkCardIndex"`
}

func (a *AWS) attachInterface(c call) (any, error) {
	device, err := number(c, "DeviceIndex", 0)
	if err != nil {
		return nil, err
	}
	return a.change(a.options.Move, func(e *edit) (any, error) {
		n, err := e.eni(c)
		if err != nil {
			return nil, err
		}
		i, ok := e.instances[c.form.Get("InstanceId")]
		if !ok {
			return nil, ofInstance().unknown(c.form.Get("InstanceId"))
		}
		if err := e.mayAttach(n, i, device); err != nil {
			return nil, err
		}
		e.attach(n.ID, i.ID, device)
		return attachInterfaceAnswer{XMLName: named(c), RequestID: c.requestID, AttachmentID: e.interfaces[n.ID].Attachment}, nil
	})
}

func (e *edit) mayAttach(n Interface, i Instance, device int) error {
	switch {
	case n.Instance != "":
		return refuse("InvalidNetworkInterface.InUse", "Interface: [%s] in use.", n.ID)
	case i.State != stateRunning && i.State != stateStopped:
		return refuse("IncorrectState", "Instance '%s' is not 'running' or 'stopped'.", i.ID)
	case n.Zone != i.Zone:
		return refuse("InvalidParameterCombination",
			"You may not attach a network interface to an instance if they are not in the same availability zone")
	case slices.ContainsFunc(e.attached(i.ID), func(o Interface) bool { return o.Device == device }):
		return refuse("InvalidParameterValue", "Instance '%s' already has an interface attached at device index '%d'.", i.ID, device)
	}
	return nil
}

func (a *AWS) detachInterface(c call) (any, error) {
	id := c.form.Get("AttachmentId")
	return a.change(a.options.Move, func(e *edit) (any, error) {
		for _, n := range e.interfaces {
			if n.Attachment != id {
				continue
			}
			if n.Device == 0 {
				return nil, refuse("OperationNotPermitted", "The network interface at device index 0 and networkCard index 0 cannot be detached.")
			}
			e.attach(n.ID, "", 0)
			return done(c), nil
		}
		return nil, ofAttachment().unknown(id)
	})
}

type modifyDNSNameAnswer struct {
	XMLName    xml.Name
	RequestID  string `xml:"requestId"`
	Successful bool   `xml:"successful"`
}

// modifyDNSName chooses which public name an interface has. One of both protocols holds its last public IPv4 address.
func (a *AWS) modifyDNSName(c call) (any, error) {
	kind := c.form.Get("HostnameType")
	if !slices.Contains([]string{"public-dual-stack-dns-name", "public-ipv4-dns-name", "public-ipv6-dns-name"}, kind) {
		return nil, refuse("InvalidParameterValue", "Invalid value '%s' for HostnameType.", kind)
	}
	return a.change(0, func(e *edit) (any, error) {
		n, err := e.eni(c)
		if err != nil {
			return nil, err
		}
		n.DualStack = kind == "public-dual-stack-dns-name"
		e.interfaces[n.ID] = n
		return modifyDNSNameAnswer{XMLName: named(c), RequestID: c.requestID, Successful: true}, nil
	})
}
