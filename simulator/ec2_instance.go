package simulator

import (
	"cmp"
	"encoding/xml"
	"net/netip"
	"strconv"
)

type stateXML struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

type instanceXML struct {
	ID           string         `xml:"instanceId"`
	ImageID      string         `xml:"imageId"`
	State        stateXML       `xml:"instanceState"`
	Type         string         `xml:"instanceType"`
	LaunchIndex  int            `xml:"amiLaunchIndex"`
	LaunchTime   string         `xml:"launchTime"`
	Zone         string         `xml:"placement>availabilityZone"`
	Architecture string         `xml:"architecture"`
	SubnetID     string         `xml:"subnetId,omitempty"`
	VpcID        string         `xml:"vpcId,omitempty"`
	PrivateIP    string         `xml:"privateIpAddress,omitempty"`
	PublicIP     string         `xml:"ipAddress,omitempty"`
	Interfaces   []interfaceXML `xml:"networkInterfaceSet>item"`
	Tags         *tagSetXML     `xml:"tagSet"`
}

type reservationXML struct {
	ID        string        `xml:"reservationId"`
	OwnerID   string        `xml:"ownerId"`
	Instances []instanceXML `xml:"instancesSet>item"`
}

type describeInstancesAnswer struct {
	XMLName      xml.Name
	RequestID    string           `xml:"requestId"`
	Reservations []reservationXML `xml:"reservationSet>item"`
	NextToken    string           `xml:"nextToken,omitempty"`
}

// ec2Instance is an instance with all that shows of it.
type ec2Instance struct {
	Instance
	launch
	status     Status
	interfaces []ec2Interface
}

// look joins what there is to know about an instance.
func (a *AWS) look(w world, j joined, i Instance) ec2Instance {
	list := j.interfaces[i.ID]
	out := ec2Instance{Instance: show(i, list, j.carried), launch: w.launches[i.ID], status: w.statuses[i.ID]}
	for _, n := range list {
		out.interfaces = append(out.interfaces, a.view(n, i, j.carried))
	}
	return out
}

// instances returns those that a describe asks for, of those of which are is true; nil means all.
func (a *AWS) instances(c call, known tagged[ec2Instance], are func(Instance) bool) ([]ec2Instance, string, error) {
	w := a.described()
	all, err := pick(sortedValues(w.instances, func(a, b Instance) int { return cmp.Compare(a.ID, b.ID) }),
		list(c, "InstanceId"), func(i Instance) string { return i.ID }, ofInstance())
	if err != nil {
		return nil, "", err
	}
	j := w.join()
	var looked []ec2Instance
	for _, i := range all {
		if are == nil || are(i) {
			looked = append(looked, a.look(w, j, i))
		}
	}
	if looked, err = filter(c, looked, known); err != nil {
		return nil, "", err
	}
	return page(c, "InstanceId", looked)
}

func (a *AWS) describeInstances(c call) (any, error) {
	shown, next, err := a.instances(c, a.instanceFacts(), nil)
	if err != nil {
		return nil, err
	}
	return describeInstancesAnswer{XMLName: named(c), RequestID: c.requestID, NextToken: next, Reservations: a.reservations(shown)}, nil
}

// reservations gathers instances that were launched together.
func (a *AWS) reservations(shown []ec2Instance) []reservationXML {
	var out []reservationXML
	at := map[string]int{}
	for _, i := range shown {
		n, ok := at[i.reservation]
		if !ok {
			n = len(out)
			at[i.reservation] = n
			out = append(out, reservationXML{ID: i.reservation, OwnerID: a.options.Account})
		}
		out[n].Instances = append(out[n].Instances, a.instanceXML(i))
	}
	return out
}

func (a *AWS) instanceFacts() tagged[ec2Instance] {
	interfaces := func(i ec2Instance) []ec2Interface { return i.interfaces }
	associations := func(i ec2Instance) []association {
		var out []association
		for _, n := range i.interfaces {
			out = append(out, n.associations()...)
		}
		return out
	}
	privates := func(i ec2Instance) []netip.Addr {
		var out []netip.Addr
		for _, n := range i.interfaces {
			out = append(out, n.Private...)
		}
		return out
	}
	const eni = "network-interface."
	known := facts[ec2Instance]{
		"architecture":        one(func(ec2Instance) string { return architecture }),
		"availability-zone":   one(func(i ec2Instance) string { return i.Zone }),
		"image-id":            one(func(i ec2Instance) string { return i.image }),
		"instance-id":         one(func(i ec2Instance) string { return i.ID }),
		"instance-state-code": one(func(i ec2Instance) string { return strconv.Itoa(stateOf(i.State).Code) }),
		"instance-state-name": one(func(i ec2Instance) string { return i.State }),
		"instance-type":       one(func(i ec2Instance) string { return i.kind }),
		"ip-address":          one(func(i ec2Instance) string { return text(i.Public) }),
		"launch-index":        one(func(i ec2Instance) string { return strconv.Itoa(i.index) }),
		"launch-time":         one(func(i ec2Instance) string { return moment(i.at) }),
		"owner-id":            one(func(ec2Instance) string { return a.options.Account }),
		"private-ip-address":  one(func(i ec2Instance) string { return text(i.Private) }),
		"reservation-id":      one(func(i ec2Instance) string { return i.reservation }),
		"subnet-id":           one(func(i ec2Instance) string { return subnetOf(i.Zone) }),
		"vpc-id":              one(func(ec2Instance) string { return defaultVPC }),

		eni + "addresses.association.allocation-id":  each(associations, func(s association) string { return s.allocation }),
		eni + "addresses.association.association-id": each(associations, func(s association) string { return s.id }),
		eni + "addresses.association.public-ip":      each(associations, func(s association) string { return text(s.ip) }),
		eni + "addresses.private-ip-address":         each(privates, text),
		eni + "association.allocation-id":            each(associations, func(s association) string { return s.allocation }),
		eni + "association.association-id":           each(associations, func(s association) string { return s.id }),
		eni + "association.public-ip":                each(associations, func(s association) string { return text(s.ip) }),
		eni + "attachment.attachment-id":             each(interfaces, func(n ec2Interface) string { return n.Attachment }),
		eni + "network-interface-id":                 each(interfaces, func(n ec2Interface) string { return n.ID }),
		eni + "private-ip-address":                   each(interfaces, func(n ec2Interface) string { return text(n.primary()) }),
		eni + "subnet-id":                            each(interfaces, func(n ec2Interface) string { return subnetOf(n.Zone) }),
	}
	return tagged[ec2Instance]{facts: known, tags: func(i ec2Instance) map[string]string { return i.Tags }}
}

// architecture is that of all instances.
const architecture = "x86_64"

func (a *AWS) instanceXML(i ec2Instance) instanceXML {
	out := instanceXML{
		ID: i.ID, ImageID: i.image, State: stateOf(i.State), Type: i.kind, LaunchIndex: i.index, LaunchTime: moment(i.at),
		Zone: i.Zone, Architecture: architecture, Tags: tagSet(i.Tags),
	}
	if i.State == stateTerminated {
		return out // it has neither an interface nor an address any more
	}
	out.SubnetID, out.VpcID = subnetOf(i.Zone), defaultVPC
	out.PrivateIP, out.PublicIP = text(i.Private), text(i.Public)
	for _, n := range i.interfaces {
		shown := a.interfaceXML(n)
		shown.Zone, shown.Tags = "", nil // which EC2 shows of an interface alone
		out.Interfaces = append(out.Interfaces, shown)
	}
	return out
}

// stateOf returns a state with its code, from the EC2 API reference, InstanceState.
func stateOf(name string) stateXML {
	codes := map[string]int{
		statePending: 0, stateRunning: 16, stateShuttingDown: 32, stateTerminated: 48, stateStopping: 64, stateStopped: 80,
	}
	return stateXML{Code: codes[name], Name: name}
}
