package simulator

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The protocol of Route 53, from its service description.
const (
	route53Xmlns        = "https://route53.amazonaws.com/doc/2013-04-01/"
	actionChangeRecords = "ChangeResourceRecordSets"
)

// route53Operation is one action of Route 53, done with the lock held.
type route53Operation struct {
	action string
	do     func(*AWS, call) (any, error)
}

// route53Operations returns the actions by method and path, with an asterisk for each identifier.
func route53Operations() map[string]route53Operation {
	return map[string]route53Operation{
		"POST hostedzone":         {"CreateHostedZone", (*AWS).createZone},
		"GET hostedzone":          {"ListHostedZones", (*AWS).listZones},
		"GET hostedzonesbyname":   {"ListHostedZonesByName", (*AWS).listZonesByName},
		"GET hostedzone/*":        {"GetHostedZone", (*AWS).getZone},
		"DELETE hostedzone/*":     {"DeleteHostedZone", (*AWS).deleteZone},
		"GET hostedzone/*/rrset":  {"ListResourceRecordSets", (*AWS).listRecords},
		"POST hostedzone/*/rrset": {actionChangeRecords, (*AWS).changeRecords},
		"GET change/*":            {"GetChange", (*AWS).getChange},
		"POST healthcheck":        {"CreateHealthCheck", (*AWS).createHealthCheck},
		"GET healthcheck/*":       {"GetHealthCheck", (*AWS).getHealthCheck},
		"DELETE healthcheck/*":    {"DeleteHealthCheck", (*AWS).deleteHealthCheck},
	}
}

// route53Of returns the action of a method and a path; its name is empty if there is none.
func route53Of(method string, path []string) route53Operation {
	pattern := slices.Clone(path)
	if len(pattern) > 1 {
		pattern[1] = "*"
	}
	return route53Operations()[method+" "+strings.Join(pattern, "/")]
}

func (a *AWS) doRoute53(c call) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return c.operation.do(a, c)
}

// atMost reads the parameter maxitems, which Route 53 caps.
func atMost(c call, limit int) (int, error) {
	v := c.form.Get("maxitems")
	if v == "" {
		return limit, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return 0, refuse("InvalidInput", "Invalid value '%s' for maxItems", v)
	}
	return min(n, limit), nil
}

type changeInfo struct {
	ID        string `xml:"Id"`
	Status    string
	Submitted string `xml:"SubmittedAt"`
	Comment   string `xml:",omitempty"`
}

// newChange begins a change that is INSYNC after the time of Options.Sync. The caller holds the lock.
func (a *AWS) newChange(comment string) change {
	now := time.Now()
	done := change{id: fmt.Sprintf("C%020X", a.next()), comment: comment, submitted: now, insync: now.Add(a.sync())}
	a.changes[done.id] = done
	return done
}

// free refuses when changes are done one at a time and a zone has one that is PENDING.
func (a *AWS) free(z *zone) error {
	if a.faults.oneAtATime() && z.versions[len(z.versions)-1].at.After(time.Now()) {
		return busy()
	}
	return nil
}

func (c change) xml(now time.Time) changeInfo {
	status := "PENDING"
	if !c.insync.After(now) {
		status = "INSYNC"
	}
	return changeInfo{ID: "/change/" + c.id, Status: status, Submitted: c.submitted.UTC().Format("2006-01-02T15:04:05.000Z"), Comment: c.comment}
}

type getChangeAnswer struct {
	XMLName xml.Name   `xml:"https://route53.amazonaws.com/doc/2013-04-01/ GetChangeResponse"`
	Info    changeInfo `xml:"ChangeInfo"`
}

func (a *AWS) getChange(c call) (any, error) {
	done, ok := a.changes[c.path[1]]
	if !ok {
		return nil, &refusal{http.StatusNotFound, "NoSuchChange", "Could not find resource with ID: " + c.path[1]}
	}
	return getChangeAnswer{Info: done.xml(time.Now())}, nil
}
