package simulator

import (
	"cmp"
	"encoding/xml"
	"strconv"
	"time"
)

// Status is what AWS's own checks say about an instance. The zero value is what its state calls for: ok while it runs,
// not-applicable otherwise.
type Status struct {
	System   string // ok, impaired, initializing, insufficient-data or not-applicable; empty means what its state calls for
	Instance string // likewise
	Volumes  string // likewise, of the attached volumes
	Events   []Event
}

// Event is something that AWS means to do to an instance.
type Event struct {
	ID          string // instance-event-…
	Code        string // instance-reboot, system-reboot, system-maintenance, instance-retirement or instance-stop
	Description string // AWS begins it with [Completed] or [Canceled] when it is over, and shows it for a week
	NotBefore   time.Time
	NotAfter    time.Time // zero means that AWS does not say
	Deadline    time.Time // to which NotBefore may be put off; zero means that it may not
}

type detailXML struct {
	Name   string `xml:"name"`
	Status string `xml:"status"`
}

type statusXML struct {
	Status  string      `xml:"status"`
	Details []detailXML `xml:"details>item"`
}

type eventXML struct {
	ID          string `xml:"instanceEventId"`
	Code        string `xml:"code"`
	Description string `xml:"description"`
	NotBefore   string `xml:"notBefore,omitempty"`
	NotAfter    string `xml:"notAfter,omitempty"`
	Deadline    string `xml:"notBeforeDeadline,omitempty"`
}

type instanceStatusXML struct {
	ID       string     `xml:"instanceId"`
	Zone     string     `xml:"availabilityZone"`
	State    stateXML   `xml:"instanceState"`
	System   statusXML  `xml:"systemStatus"`
	Instance statusXML  `xml:"instanceStatus"`
	Volumes  statusXML  `xml:"attachedEbsStatus"`
	Events   []eventXML `xml:"eventsSet>item"`
}

type describeInstanceStatusAnswer struct {
	XMLName   xml.Name
	RequestID string              `xml:"requestId"`
	Statuses  []instanceStatusXML `xml:"instanceStatusSet>item"`
	NextToken string              `xml:"nextToken,omitempty"`
}

// maxStatusIDs is how many instances DescribeInstanceStatus may be asked for by identifier, from its reference.
const maxStatusIDs = 100

// describeInstanceStatus shows running instances only, unless all are asked for.
func (a *AWS) describeInstanceStatus(c call) (any, error) {
	all, err := flag(c, "IncludeAllInstances", false)
	if err != nil {
		return nil, err
	}
	if n := len(list(c, "InstanceId")); n > maxStatusIDs {
		return nil, refuse("InvalidParameterValue", "Value ( %d ) for parameter instancesSet is invalid. "+
			"At most %d instance IDs may be specified.", n, maxStatusIDs)
	}
	shown, next, err := a.instances(c, statusFacts(), func(i Instance) bool { return all || i.State == stateRunning })
	if err != nil {
		return nil, err
	}
	out := describeInstanceStatusAnswer{XMLName: named(c), RequestID: c.requestID, NextToken: next}
	for _, i := range shown {
		s := instanceStatusXML{
			ID: i.ID, Zone: i.Zone, State: stateOf(i.State),
			System: checked(i.system()), Instance: checked(i.inner()), Volumes: checked(i.volumes()),
		}
		for _, e := range i.status.Events {
			s.Events = append(s.Events, eventXML{e.ID, e.Code, e.Description, moment(e.NotBefore), moment(e.NotAfter), moment(e.Deadline)})
		}
		out.Statuses = append(out.Statuses, s)
	}
	return out, nil
}

func (i ec2Instance) usual() string {
	if i.State == stateRunning {
		return "ok"
	}
	return "not-applicable"
}

func (i ec2Instance) system() string  { return cmp.Or(i.status.System, i.usual()) }
func (i ec2Instance) inner() string   { return cmp.Or(i.status.Instance, i.usual()) }
func (i ec2Instance) volumes() string { return cmp.Or(i.status.Volumes, i.usual()) }

// checked is a status with its only detail, reachability.
func checked(status string) statusXML {
	if status == "not-applicable" {
		return statusXML{Status: status}
	}
	return statusXML{status, []detailXML{{"reachability", reachability(status)}}}
}

// reachability is what the detail of a status is called when the status is called so.
func reachability(status string) string {
	switch status {
	case "ok":
		return "passed"
	case "impaired":
		return "failed"
	}
	return status
}

func statusFacts() tagged[ec2Instance] {
	events := func(i ec2Instance) []Event { return i.status.Events }
	return tagged[ec2Instance]{facts: facts[ec2Instance]{
		"attached-ebs-status.status":   one(ec2Instance.volumes),
		"availability-zone":            one(func(i ec2Instance) string { return i.Zone }),
		"event.code":                   each(events, func(e Event) string { return e.Code }),
		"event.description":            each(events, func(e Event) string { return e.Description }),
		"event.instance-event-id":      each(events, func(e Event) string { return e.ID }),
		"event.not-after":              each(events, func(e Event) string { return moment(e.NotAfter) }),
		"event.not-before":             each(events, func(e Event) string { return moment(e.NotBefore) }),
		"event.not-before-deadline":    each(events, func(e Event) string { return moment(e.Deadline) }),
		"instance-state-code":          one(func(i ec2Instance) string { return strconv.Itoa(stateOf(i.State).Code) }),
		"instance-state-name":          one(func(i ec2Instance) string { return i.State }),
		"instance-status.reachability": one(func(i ec2Instance) string { return reachability(i.inner()) }),
		"instance-status.status":       one(ec2Instance.inner),
		"system-status.reachability":   one(func(i ec2Instance) string { return reachability(i.system()) }),
		"system-status.status":         one(ec2Instance.system),
	}}
}
