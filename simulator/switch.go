package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// FaultsPath is where the handler of Switchable shows and switches faults. No service of AWS has such a path.
const FaultsPath = "/_simulator/faults"

// ownPaths begins every path that is the simulator's and not AWS's.
const ownPaths = "/_simulator/"

// Switchable is the AWS with its faults at FaultsPath, for programs and people: GET shows them as JSON, POST switches those
// that it names and leaves the others as they are, DELETE ends them all. A mistake is answered with status 400 and one
// sentence each, and then nothing is switched. Only this machine is listened to, and no page of another site: faults need
// no credentials.
func (a *AWS) Switchable() http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuseFaults(w, http.StatusForbidden, errors.New("this request came from another site's page"))
	}))
	own := cross.Handler(http.HandlerFunc(a.serveOwn))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, ownPaths) {
			own.ServeHTTP(w, r)
			return
		}
		a.ServeHTTP(w, r)
	})
}

func (a *AWS) serveOwn(w http.ResponseWriter, r *http.Request) {
	switch {
	case !fromHere(r):
		refuseFaults(w, http.StatusForbidden, errors.New("faults are shown to this machine only, by the name localhost or by address"))
		return
	case r.URL.Path != FaultsPath:
		refuseFaults(w, http.StatusNotFound, fmt.Errorf("there is nothing at %s; the faults are at %s", r.URL.Path, FaultsPath))
		return
	}
	switch r.Method {
	case http.MethodGet:
	case http.MethodDelete:
		a.endFaults()
	case http.MethodPost:
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err == nil {
			err = a.switchFaults(body)
		}
		if err != nil {
			refuseFaults(w, http.StatusBadRequest, err)
			return
		}
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		refuseFaults(w, http.StatusMethodNotAllowed, errors.New("GET shows the faults, POST switches those that it names, DELETE ends them all"))
		return
	}
	answerFaults(w, http.StatusOK, a.showFaults())
}

// fromHere says whether a request comes from this machine and, so that no name server of a stranger can send a browser
// here, names it by an address or as localhost.
func fromHere(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	_, err = netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || strings.EqualFold(host, "localhost")
}

func refuseFaults(w http.ResponseWriter, status int, why error) {
	answerFaults(w, status, map[string][]string{"errors": strings.Split(why.Error(), "\n")})
}

func answerFaults(w http.ResponseWriter, status int, v any) {
	text, err := json.MarshalIndent(v, "", "    ")
	if err != nil { // what is shown has no type that could fail
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client went away: its own business
}

func (a *AWS) showFaults() map[string]any {
	shown := map[string]any{}
	for name, s := range a.faultSwitches() {
		shown[name] = s.show()
	}
	return shown
}

// switchFaults does what a JSON object of faults says, all of it or, with all its mistakes as one error, nothing.
func (a *AWS) switchFaults(body []byte) error {
	var asked map[string]json.RawMessage
	var compact bytes.Buffer // so that what a sentence repeats of it is on one line
	err := json.Compact(&compact, body)
	if err == nil {
		err = json.Unmarshal(compact.Bytes(), &asked)
	}
	if err != nil || asked == nil {
		return errors.New(`write the faults as a JSON object, such as {"down": true, "throttle": {"AssociateAddress": 3}}`)
	}
	switches := a.faultSwitches()
	var turns []func()
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		s, ok := switches[name]
		if !ok {
			mistakes = append(mistakes, fmt.Errorf("%q: there is no such fault; there are %s", name,
				strings.Join(slices.Sorted(maps.Keys(switches)), ", ")))
			continue
		}
		turn, err := s.read(asked[name])
		if err != nil {
			for sentence := range strings.SplitSeq(err.Error(), "\n") {
				mistakes = append(mistakes, fmt.Errorf("%q: %s", name, sentence))
			}
			continue
		}
		turns = append(turns, turn)
	}
	if len(mistakes) > 0 {
		return errors.Join(mistakes...)
	}
	for _, turn := range turns {
		turn()
	}
	return nil
}
