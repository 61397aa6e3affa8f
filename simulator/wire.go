package simulator

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// errLost says that a call took effect and its answer never arrives.
var errLost = errors.New("simulator: the answer is lost")

// maxBody bounds what is read of a request, in bytes; a full change batch of Route 53 is far smaller.
const maxBody = 1 << 20

// service is one of the pretended services.
type service string

const (
	serviceEC2     service = "ec2"
	serviceRoute53 service = "route53"
	serviceSTS     service = "sts"
	serviceSNS     service = "sns"
)

// call is one request on its way.
type call struct {
	service   service
	action    string           // empty if there is no such action
	asked     string           // what was asked for, for the error about it
	operation route53Operation // of Route 53
	caller    identity
	requestID string
	form      url.Values // parameters of the query protocol, or of the URL
	path      []string   // the parts of the path after the API version
	body      []byte
}

// refusal is an error as AWS answers it.
type refusal struct {
	status  int
	code    string
	message string
}

// Error makes a refusal an error.
func (r *refusal) Error() string { return r.code + ": " + r.message }

// refuse returns a refusal with status 400, the status of nearly all refusals.
func refuse(code, format string, args ...any) error {
	return &refusal{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// answer is a whole answer, ready to leave in one piece.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// pause is how long a finished answer is held back over a socket. AWS is never that near, and the SDK cannot bear it:
// it (smithy-go v1.28) closes the body of its request as soon as the head of the answer is there; if net/http still looks
// for the end of that body, it takes the closed body for a failed write and closes the connection, and what it has not yet
// read of the answer, all past the first 4 KiB, is lost. Measured on two busy cores under the race detector: one answer in
// four lost without a pause, one in 700 with 1 ms, none of 2,000 with 2 ms.
const pause = 2 * time.Millisecond

// ServeHTTP answers one call to any of the services.
func (a *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := a.answer(r)
	if err == nil {
		err = wait(r.Context(), pause)
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the way of net/http to break the connection without an answer
	}
	maps.Copy(w.Header(), out.header)
	w.WriteHeader(out.status)
	// With the length known and one Write, net/http sends head and body together. A failed write means that the client
	// went away, which is its own business.
	_, _ = w.Write(out.body)
}

// answer does one call. It returns an error only if no answer is to arrive: errLost, or that of the request's context.
func (a *AWS) answer(r *http.Request) (answer, error) {
	c, err := a.read(r)
	if err != nil {
		return a.encode(c, nil, err)
	}
	a.faults.count(c)
	if err := wait(r.Context(), a.latency()); err != nil {
		return answer{}, err
	}
	if err := a.faults.refuse(c); err != nil {
		return a.encode(c, nil, err)
	}
	if err := a.limit(c); err != nil {
		return a.encode(c, nil, err)
	}
	whole, err := a.perform(c)
	if a.faults.loses(c.action) {
		return answer{}, errLost
	}
	return whole, err
}

// perform does a call, or remembers what it answered a moment ago.
func (a *AWS) perform(c call) (answer, error) {
	if whole, ok := a.recall(c); ok {
		return whole, nil
	}
	generation := a.Generation()
	out, refused := a.do(c)
	whole, err := a.encode(c, out, refused)
	if refused == nil && err == nil {
		a.keep(c, generation, whole)
	}
	return whole, err
}

// do performs a call and returns what is to be written as XML.
func (a *AWS) do(c call) (any, error) {
	switch c.service {
	case serviceEC2:
		return a.doEC2(c)
	case serviceRoute53:
		return a.doRoute53(c)
	case serviceSTS:
		return a.stsOperations()[c.action](c)
	case serviceSNS:
		return a.snsOperations()[c.action](c)
	}
	return nil, fmt.Errorf("simulator: unknown service %q", c.service)
}

// read understands a request far enough to know what it asks for, and checks that it is signed.
func (a *AWS) read(r *http.Request) (call, error) {
	a.mu.Lock()
	n := a.next()
	a.mu.Unlock()
	c := call{service: serviceEC2, requestID: fmt.Sprintf("00000000-0000-4000-8000-%012x", n), form: r.URL.Query()}
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil {
			return c, refuse("MalformedInput", "The body of the request cannot be read: %v", err)
		}
		c.body = body
	}
	if path, ok := strings.CutPrefix(r.URL.Path, "/2013-04-01/"); ok {
		c.service = serviceRoute53
		c.path = strings.Split(strings.TrimSuffix(path, "/"), "/")
		c.operation, c.asked = route53Of(r.Method, c.path), r.Method+" "+r.URL.Path
		c.action = c.operation.action
	} else if err := a.readQuery(&c, r); err != nil {
		return c, err
	}
	if err := a.authenticate(&c, r.Header); err != nil {
		return c, err
	}
	if c.action == "" {
		return c, unknownAction(c)
	}
	return c, nil
}

// readQuery reads a request of the query protocol, by which EC2, STS and SNS are called: parameters as a form.
func (a *AWS) readQuery(c *call, r *http.Request) error {
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return refuse("MalformedQueryString", "The query string contains a syntax error.")
	}
	for k, v := range form {
		c.form[k] = append(c.form[k], v...)
	}
	c.asked = c.form.Get("Action")
	switch version := c.form.Get("Version"); {
	case r.URL.Path != "/" && r.URL.Path != "":
		c.asked = r.Method + " " + r.URL.Path
	case version == stsVersion:
		c.service = serviceSTS
		if _, ok := a.stsOperations()[c.asked]; ok {
			c.action = c.asked
		}
	case version == snsVersion:
		c.service = serviceSNS
		if _, ok := a.snsOperations()[c.asked]; ok {
			c.action = c.asked
		}
	case version != ec2Version:
		c.asked += " of version " + strconv.Quote(version)
	default:
		if _, ok := a.operations[c.asked]; ok {
			c.action = c.asked
		}
	}
	return nil
}

func unknownAction(c call) error {
	switch c.service {
	case serviceRoute53:
		return &refusal{http.StatusNotFound, "UnknownOperationException", "There is no operation " + c.asked + "."}
	case serviceSTS:
		return refuse("InvalidAction", "Could not find operation %s for version %s", c.asked, stsVersion)
	case serviceSNS:
		return refuse("InvalidAction", "Could not find operation %s for version %s", c.asked, snsVersion)
	case serviceEC2:
	}
	return refuse("InvalidAction", "The action %s is not valid for this web service.", c.asked)
}

// encode writes an answer, or the error, as the service does.
func (a *AWS) encode(c call, out any, err error) (answer, error) {
	status, header := http.StatusOK, http.Header{}
	if made, ok := out.(interface{ location() string }); ok && err == nil {
		status = http.StatusCreated
		header.Set("Location", made.location())
	}
	if err != nil {
		refused, ok := errors.AsType[*refusal](err)
		if !ok {
			refused = &refusal{http.StatusInternalServerError, "InternalError", err.Error()}
		}
		status = refused.status
		out = errorAnswer(c, refused)
	}
	body, err := xml.Marshal(out)
	if err != nil {
		return answer{}, fmt.Errorf("simulator: write the answer to %s: %w", c.action, err)
	}
	body = slices.Concat([]byte(xml.Header), body)
	header.Set("Content-Type", "text/xml;charset=UTF-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("X-Amzn-Requestid", c.requestID)
	return answer{status: status, header: header, body: body}, nil
}

type wireError struct {
	Type    string `xml:",omitempty"`
	Code    string
	Message string
}

type ec2ErrorAnswer struct {
	XMLName   xml.Name    `xml:"Response"`
	Errors    []wireError `xml:"Errors>Error"`
	RequestID string
}

type restErrorAnswer struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Xmlns     string   `xml:"xmlns,attr"`
	Error     wireError
	RequestID string `xml:"RequestId"`
}

func errorAnswer(c call, r *refusal) any {
	if c.service == serviceEC2 {
		return ec2ErrorAnswer{Errors: []wireError{{Code: r.code, Message: r.message}}, RequestID: c.requestID}
	}
	xmlns, blame := route53Xmlns, "Sender"
	switch c.service {
	case serviceSTS:
		xmlns = stsXmlns
	case serviceSNS:
		xmlns = snsXmlns
	case serviceEC2, serviceRoute53:
	}
	if r.status >= http.StatusInternalServerError {
		blame = "Receiver"
	}
	return restErrorAnswer{Xmlns: xmlns, Error: wireError{blame, r.code, r.message}, RequestID: c.requestID}
}

// wait returns after d, or earlier with the error of ctx.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
