package simulator

import (
	"cmp"
	"encoding/xml"
	"regexp"
	"slices"
	"time"
)

// maxRun bounds how many instances one call may run.
const maxRun = 1000

type runAnswer struct {
	XMLName xml.Name
	reservationXML
	RequestID string `xml:"requestId"`
}

// run is what RunInstances was asked for.
type run struct {
	call
	zone     string
	count    int
	networks []call // NetworkInterface.N; empty means one as the call itself asks for it
	public   bool   // whether AWS is to give a public address
	tags     map[string]string
	eniTags  map[string]string
}

// runInstances runs as many instances as the account has room for: that is MaxCount, for there is always room.
func (a *AWS) runInstances(c call) (any, error) {
	r, err := a.readRun(c)
	if err != nil {
		return nil, err
	}
	return a.change(0, func(e *edit) (any, error) {
		begun := launch{
			reservation: e.id("r"), image: c.form.Get("ImageId"), kind: cmp.Or(c.form.Get("InstanceType"), "m1.small"), at: time.Now(),
		}
		var started []ec2Instance
		for n := range r.count {
			i, err := e.run(r)
			if err != nil {
				return nil, err
			}
			begun.index = n
			e.launches[i.ID] = begun
			started = append(started, a.look(e.world, e.join(), i))
		}
		for _, i := range started {
			e.later(func(e *edit) { e.arrive(i.ID, statePending, stateRunning) })
		}
		return runAnswer{XMLName: named(c), reservationXML: a.reservations(started)[0], RequestID: c.requestID}, nil
	})
}

// readRun understands a call of RunInstances as far as it does not depend on what there is.
func (a *AWS) readRun(c call) (run, error) {
	r := run{call: c, networks: items(c, "NetworkInterface"), public: true}
	if err := readImage(c); err != nil {
		return r, err
	}
	if err := r.readCount(); err != nil {
		return r, err
	}
	var err error
	if r.tags, err = specified(c, "instance"); err != nil {
		return r, err
	}
	if r.eniTags, err = specified(c, "network-interface"); err != nil {
		return r, err
	}
	if r.zone, err = a.runZone(c); err != nil {
		return r, err
	}
	return r, r.readNetworks()
}

// readImage refuses an image that cannot be one. There are no launch templates that could name it.
func readImage(c call) error {
	if c.form.Has("LaunchTemplate.LaunchTemplateId") || c.form.Has("LaunchTemplate.LaunchTemplateName") {
		return refuse("InvalidLaunchTemplateId.NotFound", "The specified launch template does not exist.")
	}
	image := c.form.Get("ImageId")
	if image == "" {
		return missing("ImageId")
	}
	if !regexp.MustCompile("^ami-[0-9a-f]+$").MatchString(image) {
		return refuse("InvalidAMIID.Malformed", "Invalid id: \"%s\" (expecting \"ami-...\")", image)
	}
	return nil
}

func (r *run) readCount() error {
	least, err := number(r.call, "MinCount", 1)
	if err != nil {
		return err
	}
	if r.count, err = number(r.call, "MaxCount", 1); err != nil {
		return err
	}
	if least < 1 || least > r.count {
		return refuse("InvalidParameterValue", "Value (%d) for parameter minCount is invalid. It must be between 1 and maxCount (%d).", least, r.count)
	}
	if r.count > maxRun {
		return refuse("InstanceLimitExceeded", "You have requested more instances (%d) than your current instance limit of %d allows.", r.count, maxRun)
	}
	return nil
}

// runZone is where instances are to run: where the subnet is, or the zone that is named, or the first one.
func (a *AWS) runZone(c call) (string, error) {
	subnet := c.form.Get("SubnetId")
	for _, n := range items(c, "NetworkInterface") {
		subnet = cmp.Or(subnet, n.form.Get("SubnetId"))
	}
	asked := c.form.Get("Placement.AvailabilityZone")
	if subnet == "" {
		if asked != "" && !slices.Contains(a.options.Zones, asked) {
			return "", noZone(asked)
		}
		return cmp.Or(asked, a.options.Zones[0]), nil
	}
	zone, err := a.subnet(subnet)
	if err == nil && asked != "" && asked != zone {
		return "", refuse("InvalidParameterValue", "The availability zone '%s' is not that of subnet '%s'.", asked, subnet)
	}
	return zone, err
}

// readNetworks understands the interfaces that are asked for: one as the call itself says, or as NetworkInterface.N say.
func (r *run) readNetworks() error {
	for _, n := range r.networks {
		given, err := flag(n, "AssociatePublicIpAddress", len(r.networks) == 1)
		if err != nil {
			return err
		}
		r.public = r.public && given
		if n.form.Get("DeviceIndex") == "" {
			return missing("DeviceIndex")
		}
	}
	if len(r.networks) > 0 && (r.form.Get("SubnetId") != "" || r.form.Get("PrivateIpAddress") != "") {
		return refuse("InvalidParameterCombination", "Network interfaces and an instance-level subnet ID or private IP address may not be specified on the same request")
	}
	if len(r.networks) == 0 {
		r.networks = []call{r.call}
	}
	particular := func(n call) bool {
		return n.form.Get("PrivateIpAddress") != "" || n.form.Get("NetworkInterfaceId") != ""
	}
	if r.count > 1 && slices.ContainsFunc(r.networks, particular) {
		return refuse("InvalidParameterCombination", "A network interface or a private IP address cannot be specified for more than one instance.")
	}
	return nil
}

// run makes one instance. It is pending.
func (e *edit) run(r run) (Instance, error) {
	i := Instance{ID: e.id("i"), Zone: r.zone, State: statePending, Tags: tagsOf(r.tags, "")}
	i.Name = i.Tags["Name"]
	e.instances[i.ID] = i
	for at, c := range r.networks {
		device, err := number(c, "DeviceIndex", at)
		if err != nil {
			return i, err
		}
		n, err := e.network(c, r)
		if err != nil {
			return i, err
		}
		if err := e.mayAttach(n, Instance{ID: i.ID, Zone: r.zone, State: stateRunning}, device); err != nil {
			return i, err
		}
		e.interfaces[n.ID] = n
		e.attach(n.ID, i.ID, device)
	}
	if list := e.attached(i.ID); list[0].Device != 0 {
		return i, refuse("InvalidParameterCombination", "Each instance must have a network interface at device index 0.")
	}
	if r.public {
		i.Public = e.freePublic(publicPool())
	}
	e.instances[i.ID] = i
	return i, nil
}

// network makes one interface of an instance that is run, or finds the one that is named.
func (e *edit) network(c call, r run) (Interface, error) {
	if c.form.Get("NetworkInterfaceId") != "" {
		return e.eni(c)
	}
	n, err := e.newInterface(c, r.zone)
	if err != nil {
		return n, err
	}
	drop, err := flag(c, "DeleteOnTermination", true)
	n.Keep, n.Tags = !drop, r.eniTags
	return n, err
}

// arrive ends the change of an instance's state, unless something else has come to it meanwhile.
func (e *edit) arrive(id, from, to string) {
	if e.instances[id].State == from {
		e.setState(id, to)
		return
	}
	e.same = true
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

func (a *AWS) terminateInstances(c call) (any, error) {
	return a.changeState(c, stateShuttingDown, stateTerminated)
}

// changeState sets all instances of a call on their way to a state, or none of them.
func (a *AWS) changeState(c call, onTheWay, to string) (any, error) {
	return a.change(0, func(e *edit) (any, error) {
		picked, err := pick(e.sortedInstances(), list(c, "InstanceId"), func(i Instance) string { return i.ID }, ofInstance())
		if err != nil {
			return nil, err
		}
		out := stateChangeAnswer{XMLName: named(c), RequestID: c.requestID}
		for _, i := range picked {
			if err := canChange(i, to); err != nil {
				return nil, err
			}
			current := onTheWay
			if i.State == to {
				current = to
			}
			out.Changes = append(out.Changes, stateChangeXML{ID: i.ID, Current: stateOf(current), Previous: stateOf(i.State)})
			if i.State == to || i.State == onTheWay {
				continue
			}
			e.setState(i.ID, onTheWay)
			e.later(func(e *edit) { e.arrive(i.ID, onTheWay, to) })
		}
		return out, nil
	})
}

func canChange(i Instance, to string) error {
	switch {
	case to == stateTerminated:
		return nil // also what is terminated already
	case i.State == stateTerminated || i.State == stateShuttingDown || to == stateRunning && i.State == stateStopping:
		return refuse("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s.", i.ID,
			map[string]string{stateRunning: "started", stateStopped: "stopped"}[to])
	case to == stateStopped && i.State == statePending:
		return refuse("IncorrectInstanceState", "Instance '%s' cannot be stopped as it has never reached the 'running' state.", i.ID)
	}
	return nil
}
