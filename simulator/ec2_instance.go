package simulator

import (
	"encoding/xml"
	"net/http"
	"strings"
	"time"
)

type stateXML struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

type associationXML struct {
	PublicIP string `xml:"publicIp"`
	OwnerID  string `xml:"ipOwnerId"`
}

type privateXML struct {
	PrivateIP   string          `xml:"privateIpAddress"`
	Primary     bool            `xml:"primary"`
	Association *associationXML `xml:"association,omitempty"`
}

type interfaceXML struct {
	ID          string          `xml:"networkInterfaceId"`
	OwnerID     string          `xml:"ownerId"`
	Status      string          `xml:"status"`
	PrivateIP   string          `xml:"privateIpAddress"`
	Association *associationXML `xml:"association,omitempty"`
	Privates    []privateXML    `xml:"privateIpAddressesSet>item"`
}

type instanceXML struct {
	ID         string         `xml:"instanceId"`
	ImageID    string         `xml:"imageId"`
	State      stateXML       `xml:"instanceState"`
	Type       string         `xml:"instanceType"`
	Zone       string         `xml:"placement>availabilityZone"`
	PrivateIP  string         `xml:"privateIpAddress,omitempty"`
	PublicIP   string         `xml:"ipAddress,omitempty"`
	Interfaces []interfaceXML `xml:"networkInterfaceSet>item"`
	Tags       []tagXML       `xml:"tagSet>item"`
}

type reservationXML struct {
	ID        string        `xml:"reservationId"`
	OwnerID   string        `xml:"ownerId"`
	Instances []instanceXML `xml:"instancesSet>item"`
}

type describeInstancesAnswer struct {
	XMLName      xml.Name         `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeInstancesResponse"`
	RequestID    string           `xml:"requestId"`
	Reservations []reservationXML `xml:"reservationSet>item"`
	NextToken    string           `xml:"nextToken,omitempty"`
}

// instances returns one page of the instances that a describe asks for.
func (a *AWS) instances(c call, all []Instance) ([]Instance, string, error) {
	all, err := pickInstances(all, list(c, "InstanceId"))
	if err != nil {
		return nil, "", err
	}
	all, err = filter(c, all, instanceFacts)
	if err != nil {
		return nil, "", err
	}
	return page(c, all)
}

func (a *AWS) describeInstances(c call) (any, error) {
	world := a.described()
	shown, next, err := a.instances(c, world.sortedInstances())
	if err != nil {
		return nil, err
	}
	out := describeInstancesAnswer{RequestID: c.requestID, NextToken: next}
	for _, i := range shown {
		out.Reservations = append(out.Reservations, reservationXML{
			ID: "r-" + trimKind(i.ID), OwnerID: a.options.Account, Instances: []instanceXML{a.instanceXML(i, a.publicOwner(world, i))},
		})
	}
	return out, nil
}

// pickInstances keeps the instances that were asked for, all if none were, and names all that there are not.
func pickInstances(all []Instance, ids []string) ([]Instance, error) {
	if len(ids) == 0 {
		return all, nil
	}
	byID := map[string]Instance{}
	for _, i := range all {
		byID[i.ID] = i
	}
	var picked []Instance
	var missing []string
	for _, id := range ids {
		i, ok := byID[id]
		if !strings.HasPrefix(id, "i-") {
			return nil, refuse("InvalidInstanceID.Malformed", "Invalid id: \"%s\"", id)
		}
		if !ok {
			missing = append(missing, id)
			continue
		}
		picked = append(picked, i)
		delete(byID, id)
	}
	if len(missing) > 0 {
		return nil, missingInstance(missing...)
	}
	return picked, nil
}

func missingInstance(ids ...string) error {
	if len(ids) == 1 {
		return refuse("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", ids[0])
	}
	return refuse("InvalidInstanceID.NotFound", "The instance IDs '%s' do not exist", strings.Join(ids, ", "))
}

func instanceFacts(i Instance) facts {
	return func(name string) ([]string, bool) {
		switch name {
		case "instance-id":
			return []string{i.ID}, true
		case "instance-state-name":
			return []string{i.State}, true
		case "availability-zone":
			return []string{i.Zone}, true
		case "private-ip-address":
			return []string{text(i.Private)}, true
		case "ip-address":
			return []string{text(i.Public)}, true
		}
		return tagFacts(i.Tags, name)
	}
}

// publicOwner is who owns the public address that an instance shows: the
// account its Elastic IP, "amazon" one that came with the instance.
func (a *AWS) publicOwner(w world, i Instance) string {
	if _, elastic := w.carried(i.ID); elastic {
		return a.options.Account
	}
	return "amazon"
}

func (a *AWS) instanceXML(i Instance, publicOwner string) instanceXML {
	out := instanceXML{
		ID: i.ID, ImageID: "ami-00000000000000001", State: stateOf(i.State), Type: "t3.small", Zone: i.Zone, Tags: tagsXML(i.Tags),
	}
	if i.State == stateTerminated {
		return out // it has neither an interface nor an address any more
	}
	out.PrivateIP, out.PublicIP = text(i.Private), text(i.Public)
	var association *associationXML
	if i.Public.IsValid() {
		association = &associationXML{PublicIP: text(i.Public), OwnerID: publicOwner}
	}
	out.Interfaces = []interfaceXML{{
		ID: i.Interface, OwnerID: a.options.Account, Status: "in-use", PrivateIP: text(i.Private), Association: association,
		Privates: []privateXML{{PrivateIP: text(i.Private), Primary: true, Association: association}},
	}}
	return out
}

// stateOf returns a state with its code, from the EC2 API reference, InstanceState.
func stateOf(name string) stateXML {
	codes := map[string]int{
		statePending: 0, stateRunning: 16, stateShuttingDown: 32, stateTerminated: 48, stateStopping: 64, stateStopped: 80,
	}
	return stateXML{Code: codes[name], Name: name}
}

type statusXML struct {
	Status string `xml:"status"`
}

type instanceStatusXML struct {
	ID       string    `xml:"instanceId"`
	Zone     string    `xml:"availabilityZone"`
	State    stateXML  `xml:"instanceState"`
	System   statusXML `xml:"systemStatus"`
	Instance statusXML `xml:"instanceStatus"`
	Volumes  statusXML `xml:"attachedEbsStatus"`
}

type describeInstanceStatusAnswer struct {
	XMLName   xml.Name            `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeInstanceStatusResponse"`
	RequestID string              `xml:"requestId"`
	Statuses  []instanceStatusXML `xml:"instanceStatusSet>item"`
	NextToken string              `xml:"nextToken,omitempty"`
}

// describeInstanceStatus shows running instances only, unless all are asked for.
func (a *AWS) describeInstanceStatus(c call) (any, error) {
	all, err := flag(c, "IncludeAllInstances", false)
	if err != nil {
		return nil, err
	}
	shown, next, err := a.instances(c, a.described().sortedInstances())
	if err != nil {
		return nil, err
	}
	out := describeInstanceStatusAnswer{RequestID: c.requestID, NextToken: next}
	for _, i := range shown {
		if !all && i.State != stateRunning {
			continue
		}
		status := statusXML{"ok"}
		if i.State != stateRunning {
			status = statusXML{"not-applicable"}
		}
		out.Statuses = append(out.Statuses, instanceStatusXML{
			ID: i.ID, Zone: i.Zone, State: stateOf(i.State), System: status, Instance: status, Volumes: status,
		})
	}
	return out, nil
}

type stateChangeXML struct {
	ID       string   `xml:"instanceId"`
	Current  stateXML `xml:"currentState"`
	Previous stateXML `xml:"previousState"`
}

type stateChangeAnswer struct {
	XMLName   xml.Name
	RequestID string           `xml:"requestId"`
	Changes   []stateChangeXML `xml:"instancesSet>item"`
}

func (a *AWS) stopInstances(c call) (any, error) {
	return a.changeState(c, stateStopping, stateStopped)
}
func (a *AWS) startInstances(c call) (any, error) {
	return a.changeState(c, statePending, stateRunning)
}

// changeState answers as if instances were on their way to a state, and puts them there at once.
func (a *AWS) changeState(c call, onTheWay, to string) (any, error) {
	ids := list(c, "InstanceId")
	if len(ids) == 0 {
		return nil, refuse("MissingParameter", "The request must contain the parameter InstanceId")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.truth().clone()
	picked, err := pickInstances(w.sortedInstances(), ids)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	out := stateChangeAnswer{XMLName: xml.Name{Space: ec2Xmlns, Local: c.action + "Response"}, RequestID: c.requestID}
	for _, i := range picked {
		if err := canChange(i, to); err != nil {
			return nil, err
		}
		current := onTheWay
		if i.State == to {
			current = to
		}
		out.Changes = append(out.Changes, stateChangeXML{ID: i.ID, Current: stateOf(current), Previous: stateOf(i.State)})
		a.setState(w, i.ID, to, now)
	}
	a.publish(w, now.Add(a.lag()))
	a.signal()
	return out, nil
}

func canChange(i Instance, to string) error {
	switch {
	case i.State == stateTerminated || i.State == stateShuttingDown || to == stateRunning && i.State == stateStopping:
		return refuse("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s.", i.ID,
			map[string]string{stateRunning: "started", stateStopped: "stopped"}[to])
	case to == stateStopped && i.State == statePending:
		return &refusal{http.StatusBadRequest, "IncorrectInstanceState",
			"Instance '" + i.ID + "' cannot be stopped as it has never reached the 'running' state."}
	}
	return nil
}
