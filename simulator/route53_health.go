package simulator

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"
)

// HealthCheck is one health check of Route 53. Nothing is asked: it finds its endpoint healthy until SetHealthy says
// otherwise.
type HealthCheck struct {
	ID       string     // required
	Type     string     // HTTP, HTTPS, HTTP_STR_MATCH, HTTPS_STR_MATCH or TCP; empty means TCP
	Address  netip.Addr // what is checked; the zero Addr when it is looked up
	Domain   string     // the name that is looked up, or given as the Host
	Port     int        // 0 means the usual one of the type, 80 for TCP
	Path     string     // of HTTP, with a slash in front
	Inverted bool       // counts the endpoint as healthy when it is not
	Disabled bool       // counts the endpoint as healthy whatever it is
}

// healthCheck is a health check and what it was made with.
type healthCheck struct {
	config healthConfigXML
	id     string
	caller string
	sick   bool // its endpoint
}

type healthConfigXML struct {
	Address   string      `xml:"IPAddress,omitempty"`
	Port      int         `xml:",omitempty"`
	Type      string      `xml:"Type"`
	Path      string      `xml:"ResourcePath,omitempty"`
	Domain    string      `xml:"FullyQualifiedDomainName,omitempty"`
	Search    string      `xml:"SearchString,omitempty"`
	Interval  int         `xml:"RequestInterval,omitempty"`
	Threshold int         `xml:"FailureThreshold,omitempty"`
	Latency   bool        `xml:"MeasureLatency"`
	Inverted  bool        `xml:"Inverted"`
	Disabled  bool        `xml:"Disabled"`
	SNI       *bool       `xml:"EnableSNI,omitempty"`
	Regions   *regionsXML `xml:",omitempty"`
}

type regionsXML struct {
	Regions []string `xml:"Region"`
}

// AddHealthCheck puts a health check into the account, or replaces the one with the same ID. SetRecord adds by itself
// those that a set names and that are not there.
func (a *AWS) AddHealthCheck(h HealthCheck) {
	config := healthConfigXML{
		Type: cmp.Or(h.Type, "TCP"), Address: text(h.Address), Domain: h.Domain, Port: cmp.Or(h.Port, usualPort(h.Type), 80), Path: h.Path,
		Inverted: h.Inverted, Disabled: h.Disabled,
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	set(&a.registry.checks, h.ID, &healthCheck{config: config.filled(), id: h.ID, caller: h.ID})
	a.signal()
}

// checkOf returns a health check for a record set that names one: by TCP, of its first value.
func checkOf(r RecordSet) *healthCheck {
	config := healthConfigXML{Type: "TCP", Port: 80, Domain: r.Name}
	if len(r.Values) > 0 {
		if ip, err := netip.ParseAddr(r.Values[0]); err == nil {
			config.Address, config.Domain = text(ip), ""
		}
	}
	return &healthCheck{config: config.filled(), id: r.HealthCheck, caller: r.HealthCheck}
}

// SetHealthy says what a health check finds its endpoint to be. DNS heeds it at once. It panics when the account has no
// such health check.
func (a *AWS) SetHealthy(id string, healthy bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h, ok := a.registry.checks[id]
	if !ok {
		panic(fmt.Sprintf("simulator: set the health of %q: no such health check; add it with AddHealthCheck first", id))
	}
	h.sick = !healthy
	a.signal()
}

// healthy says what a health check makes of its endpoint (Route 53 developer guide, "How Route 53 determines the status of
// health checks", and API reference, HealthCheckConfig).
func (h *healthCheck) healthy() bool {
	return (!h.sick || h.config.Disabled) != h.config.Inverted
}

// healthy says whether a record set counts as healthy: by its health check, and an alias that asks for it also by whether
// its target has anything healthy. The caller holds the lock.
func (a *AWS) healthy(r RecordSet, now time.Time, aliases int) bool {
	if h, ok := a.registry.checks[r.HealthCheck]; ok && !h.healthy() {
		return false
	}
	z := a.zoneOf(r.Alias)
	if !r.AliasHealth || z == nil || aliases == 0 {
		return true
	}
	some := false
	for _, target := range at(z.answered(now), r.Alias) {
		if target.Type == r.Type {
			if a.healthy(target, now, aliases-1) {
				return true
			}
			some = true
		}
	}
	return !some
}

// knowChecks refuses a batch that makes a record set with a health check that is not there.
func (a *AWS) knowChecks(changes []changeXML) error {
	for _, c := range changes {
		if id := c.Set.HealthCheck; c.Action != "DELETE" && id != "" && a.registry.checks[id] == nil {
			return noSuchCheck(id)
		}
	}
	return nil
}

func noSuchCheck(id string) error {
	return &refusal{http.StatusNotFound, "NoSuchHealthCheck", "A health check with id " + id + " does not exist."}
}

type createHealthCheckRequest struct {
	Caller string          `xml:"CallerReference"`
	Config healthConfigXML `xml:"HealthCheckConfig"`
}

type healthCheckXML struct {
	ID      string          `xml:"Id"`
	Caller  string          `xml:"CallerReference"`
	Config  healthConfigXML `xml:"HealthCheckConfig"`
	Version int             `xml:"HealthCheckVersion"`
}

type createHealthCheckAnswer struct {
	XMLName xml.Name       `xml:"https://route53.amazonaws.com/doc/2013-04-01/ CreateHealthCheckResponse"`
	Check   healthCheckXML `xml:"HealthCheck"`
}

// location is where what was created is found.
func (c createHealthCheckAnswer) location() string {
	return "https://route53.amazonaws.com/2013-04-01/healthcheck/" + c.Check.ID
}

// createHealthCheck makes a health check of an endpoint. The same caller reference with the same settings returns the one
// that is there.
func (a *AWS) createHealthCheck(c call) (any, error) {
	var request createHealthCheckRequest
	if err := xml.Unmarshal(c.body, &request); err != nil {
		return nil, refuse("InvalidInput", "Invalid XML ; %v", err)
	}
	config := request.Config.filled()
	if err := checkLength("HealthCheckNonce", request.Caller, 1, 64); err != nil {
		return nil, err
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	for _, h := range a.registry.checks {
		switch {
		case h.caller != request.Caller:
		case reflect.DeepEqual(h.config, config):
			return createHealthCheckAnswer{Check: h.xml()}, nil
		default:
			return nil, &refusal{http.StatusConflict, "HealthCheckAlreadyExists",
				"A health check with the caller reference " + request.Caller + " already exists with other settings."}
		}
	}
	h := &healthCheck{config: config, id: fmt.Sprintf("00000000-0000-4000-9000-%012x", a.next()), caller: request.Caller}
	set(&a.registry.checks, h.id, h)
	a.signal()
	return createHealthCheckAnswer{Check: h.xml()}, nil
}

func (h *healthCheck) xml() healthCheckXML {
	return healthCheckXML{ID: h.id, Caller: h.caller, Config: h.config, Version: 1}
}

// filled returns a configuration with what Route 53 fills in (API reference, HealthCheckConfig).
func (h healthConfigXML) filled() healthConfigXML {
	h.Port = cmp.Or(h.Port, usualPort(h.Type))
	h.Interval = cmp.Or(h.Interval, 30)
	h.Threshold = cmp.Or(h.Threshold, 3)
	if h.SNI == nil {
		h.SNI = new(strings.HasPrefix(h.Type, "HTTPS"))
	}
	return h
}

func usualPort(kind string) int {
	switch kind {
	case "HTTP", "HTTP_STR_MATCH":
		return 80
	case "HTTPS", "HTTPS_STR_MATCH":
		return 443
	}
	return 0
}

// check refuses a configuration that is not whole, or of a kind that has no endpoint.
func (h healthConfigXML) check() error {
	const invalid = "Invalid parameter : "
	switch {
	case !slices.Contains([]string{"HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"}, h.Type):
		return refuse("InvalidInput", "The simulator keeps health checks of endpoints only, by HTTP, HTTPS, HTTP_STR_MATCH, HTTPS_STR_MATCH or TCP; "+
			"found the Type '%s'", h.Type)
	case h.Address == "" && h.Domain == "":
		return refuse("InvalidInput", invalid+"a health check of an endpoint needs an IPAddress or a FullyQualifiedDomainName")
	case h.Address != "" && !public(h.Address):
		return refuse("InvalidInput", invalid+"the IPAddress '%s' cannot be reached from the internet", h.Address)
	case !between(h.Port, 1, 65535):
		return refuse("InvalidInput", invalid+"the Port must be from 1 to 65535")
	case h.Interval != 10 && h.Interval != 30:
		return refuse("InvalidInput", invalid+"the RequestInterval must be 10 or 30")
	case !between(h.Threshold, 1, 10):
		return refuse("InvalidInput", invalid+"the FailureThreshold must be from 1 to 10")
	case strings.HasSuffix(h.Type, "_STR_MATCH") != (h.Search != ""):
		return refuse("InvalidInput", invalid+"a SearchString is for HTTP_STR_MATCH and HTTPS_STR_MATCH, which need one")
	}
	return nil
}

func between(n, least, most int) bool { return least <= n && n <= most }

// public says whether s is an address that health checkers could reach. Those of documents count as such.
func public(s string) bool {
	ip, err := netip.ParseAddr(s)
	return err == nil && ip.IsGlobalUnicast() && !ip.IsPrivate()
}

type getHealthCheckAnswer struct {
	XMLName xml.Name       `xml:"https://route53.amazonaws.com/doc/2013-04-01/ GetHealthCheckResponse"`
	Check   healthCheckXML `xml:"HealthCheck"`
}

func (a *AWS) getHealthCheck(c call) (any, error) {
	h, ok := a.registry.checks[c.path[1]]
	if !ok {
		return nil, noSuchCheck(c.path[1])
	}
	return getHealthCheckAnswer{Check: h.xml()}, nil
}

type deleteHealthCheckAnswer struct {
	XMLName xml.Name `xml:"https://route53.amazonaws.com/doc/2013-04-01/ DeleteHealthCheckResponse"`
}

// deleteHealthCheck deletes a health check, also one that record sets name: from then on those count as healthy.
func (a *AWS) deleteHealthCheck(c call) (any, error) {
	if _, ok := a.registry.checks[c.path[1]]; !ok {
		return nil, noSuchCheck(c.path[1])
	}
	delete(a.registry.checks, c.path[1])
	a.signal()
	return deleteHealthCheckAnswer{}, nil
}
