package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"rrwatch/failover"
)

// bodyLimit is the most that a request for a change may say, in bytes.
const bodyLimit = 16 << 10

// order is what a request for a change says: each kind of change needs some of
// it.
type order struct {
	By     string `json:"by"`     // who acts; not needed by one who logged in
	Action string `json:"action"` // approve: the proposed action, word for word
	Why    string `json:"why"`    // pause, override: the reason
	Pool   string `json:"pool"`   // pause, resume: empty: all pools
	Member string `json:"member"` // pause, resume: empty: the whole pool
	For    string `json:"for"`    // pause: how long, "1h"
	Until  string `json:"until"`  // pause: how long or until when; wins over For
	Guard  string `json:"guard"`  // override: its name
	Name   string `json:"name"`   // demo: the instance
	Fault  string `json:"fault"`  // demo: what to do to it
}

// deed makes one change and says what was done.
type deed func(r *http.Request, o order) (done string, err error)

// problem is an error with the status that tells a client whose fault it is.
type problem struct {
	status int
	text   string
}

func (p *problem) Error() string { return p.text }

func problemf(status int, format string, args ...any) *problem {
	return &problem{status, fmt.Sprintf(format, args...)}
}

func (s *server) release(r *http.Request, o order) (string, error) {
	by, err := s.who(r, o.By)
	if err != nil {
		return "", err
	}
	if err := s.Operator.ReleaseBrake(r.Context(), by); err != nil {
		return "", err
	}
	return "the brake was released by " + by, nil
}

func (s *server) approve(r *http.Request, o order) (string, error) {
	by, err := s.who(r, o.By)
	if err != nil {
		return "", err
	}
	if o.Action == "" {
		return "", problemf(http.StatusBadRequest, "say which action is approved: give the held action's text as action")
	}
	i, err := s.concerned(r, "approve")
	if err != nil {
		return "", err
	}
	if err := s.Operator.Approve(r.Context(), i.ID, o.Action, by); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s approved: %s", by, o.Action), nil
}

// concerned is the open incident that the path names.
func (s *server) concerned(r *http.Request, to string) (failover.Incident, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return failover.Incident{}, problemf(http.StatusNotFound, "an incident is named by its number")
	}
	i, err := s.Incidents.Incident(r.Context(), id)
	switch {
	case s.NotFound != nil && errors.Is(err, s.NotFound):
		return i, problemf(http.StatusNotFound, "there is no incident %d", id)
	case err != nil:
		return i, problemf(http.StatusInternalServerError, "could not read the incident: %v", err)
	case !i.Open():
		return i, problemf(http.StatusConflict, "incident %d is closed, so nothing is left to %s", id, to)
	}
	return i, nil
}

func (s *server) breakThing(_ *http.Request, o order) (string, error) {
	if o.Name == "" || o.Fault == "" {
		return "", problemf(http.StatusBadRequest, "say what to break and how: give name and fault")
	}
	if err := s.Demo.Break(o.Name, o.Fault); err != nil {
		return "", err
	}
	return o.Name + " is broken: " + o.Fault, nil
}

func (s *server) healThing(_ *http.Request, o order) (string, error) {
	if o.Name == "" {
		return "", problemf(http.StatusBadRequest, "say what to heal: give name")
	}
	if err := s.Demo.Heal(o.Name); err != nil {
		return "", err
	}
	return o.Name + " is healed", nil
}

// who is the person that acts: the one who logged in, else the one named.
func (s *server) who(r *http.Request, named string) (string, error) {
	name := s.user(r)
	if name == "" {
		name = strings.TrimSpace(named)
	}
	switch {
	case name == "":
		return "", problemf(http.StatusBadRequest, "say who you are: give your name as by; the journal keeps it")
	case utf8.RuneCountInString(name) > 100 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "", problemf(http.StatusBadRequest, "a name has at most 100 characters and stands on one line")
	}
	return name, nil
}

// byAPI is the deed answered as JSON.
func (s *server) byAPI(do deed) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if done, ok := s.perform(w, r, do); ok {
			s.json(w, r, http.StatusOK, map[string]string{"done": done})
		}
	}
}

// byForm is the deed after which the browser goes back to where the form was,
// so that a reload does not repeat it.
func (s *server) byForm(do deed, back func(*http.Request) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, ok := s.perform(w, r, do); ok {
			http.Redirect(w, r, back(r), http.StatusSeeOther)
		}
	}
}

// perform reads the order and does the deed. It answers the request itself
// when it returns false.
func (s *server) perform(w http.ResponseWriter, r *http.Request, do deed) (string, bool) {
	o, err := readOrder(w, r)
	if err == nil {
		var done string
		if done, err = do(r, o); err == nil {
			s.Log.InfoContext(r.Context(), "a person acted through the pages", "done", done, "from", r.RemoteAddr)
			return done, true
		}
	}
	// What an operator or the demo refuses, it refuses for the state that
	// things are in.
	status := http.StatusConflict
	if p, ok := errors.AsType[*problem](err); ok {
		status = p.status
	}
	s.Log.WarnContext(r.Context(), "a person's request was refused", "path", r.URL.Path, "from", r.RemoteAddr, "error", err)
	s.fail(w, r, status, err.Error())
	return "", false
}

// readOrder reads JSON or a form, strictly: an unknown key is more likely a
// mistake than a wish.
func readOrder(w http.ResponseWriter, r *http.Request) (order, error) {
	var o order
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.ContentLength == 0:
	case err != nil:
		return o, problemf(http.StatusUnsupportedMediaType, "send JSON with Content-Type: application/json")
	case kind == "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return o, problemf(http.StatusBadRequest, "the form cannot be read: %v", err)
		}
		f := r.PostForm
		return order{
			By: f.Get("by"), Action: f.Get("action"), Why: f.Get("why"), Pool: f.Get("pool"), Member: f.Get("member"),
			For: f.Get("for"), Until: f.Get("until"), Guard: f.Get("guard"), Name: f.Get("name"), Fault: f.Get("fault"),
		}, nil
	case kind == "application/json":
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(&o); err != nil && !errors.Is(err, io.EOF) {
			return o, problemf(http.StatusBadRequest, "the JSON cannot be read: %v", err)
		}
	default:
		return o, problemf(http.StatusUnsupportedMediaType, "send JSON with Content-Type: application/json, not %s", kind)
	}
	return o, nil
}
