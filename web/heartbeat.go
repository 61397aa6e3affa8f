package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
)

// Heart takes the heartbeats that load balancers post.
type Heart interface {
	// Token is what a heartbeat for this check must bring; empty: there is no
	// such check.
	Token(pool, check string) string
	// Beat notes a heartbeat of an address, with what it says. Its error tells
	// the sender why the address is not one of the pool's.
	Beat(pool, check string, addr netip.Addr, text string) error
}

const (
	heartbeats     = "/heartbeat/"
	heartbeatRoute = "POST " + heartbeats + "{pool}/{check}"
)

// heartbeatLimit is the most that a heartbeat may say, in bytes.
const heartbeatLimit = 1 << 10

// isHeartbeat reports whether it is heartbeat that will answer the request: the
// route says so, not the path, of which a client may write many forms.
func (s *server) isHeartbeat(r *http.Request) bool {
	if !strings.HasPrefix(r.URL.Path, heartbeats) {
		return false
	}
	_, route := s.routes.Handler(r)
	return route == heartbeatRoute
}

// heartbeat notes that a load balancer lives. A wrong token and a check that
// does not exist are answered alike, so that nobody can try out names.
func (s *server) heartbeat(w http.ResponseWriter, r *http.Request) {
	pool, check := r.PathValue("pool"), r.PathValue("check")
	if !bringsToken(r, s.Heart.Token(pool, check)) {
		s.Log.DebugContext(r.Context(), "a heartbeat was refused", "from", r.RemoteAddr)
		w.Header().Set("WWW-Authenticate", `Bearer realm="rrwatch heartbeat"`)
		s.fail(w, r, http.StatusUnauthorized, "send the token of a heartbeat check of this pool, as the header Authorization: Bearer TOKEN")
		return
	}
	addr, text, err := readHeartbeat(w, r)
	if err == nil && s.Views() == nil {
		err = problemf(http.StatusServiceUnavailable, notYet)
	}
	if err == nil {
		err = s.Heart.Beat(pool, check, addr, text)
	}
	if err != nil {
		status := http.StatusNotFound
		if p, ok := errors.AsType[*problem](err); ok {
			status = p.status
		}
		s.Log.DebugContext(r.Context(), "a heartbeat was not taken", "pool", pool, "check", check, "from", r.RemoteAddr, "error", err)
		s.fail(w, r, status, err.Error())
		return
	}
	s.Log.DebugContext(r.Context(), "a heartbeat came", "pool", pool, "check", check, "address", addr)
	w.WriteHeader(http.StatusNoContent)
}

// bringsToken compares digests, so that the time it takes tells neither the
// token nor its length, nor that there is none.
func bringsToken(r *http.Request, token string) bool {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	want, got := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(given))
	same := subtle.ConstantTimeCompare(want[:], got[:]) == 1
	return same && token != "" && strings.EqualFold(scheme, "Bearer")
}

// readHeartbeat reads whose heartbeat it is, without a word the sender's own,
// and what it says.
func readHeartbeat(w http.ResponseWriter, r *http.Request) (netip.Addr, string, error) {
	addr, err := netip.ParseAddr(r.URL.Query().Get("address"))
	if !r.URL.Query().Has("address") {
		var from netip.AddrPort
		from, err = netip.ParseAddrPort(r.RemoteAddr)
		addr = from.Addr()
	}
	if err != nil {
		return netip.Addr{}, "", problemf(http.StatusBadRequest, "the parameter address must be an IP address such as 192.0.2.1")
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, heartbeatLimit))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return netip.Addr{}, "", problemf(http.StatusRequestEntityTooLarge, "a heartbeat says at most %d bytes", heartbeatLimit)
	}
	if err != nil {
		return netip.Addr{}, "", problemf(http.StatusBadRequest, "the text could not be read: %v", err)
	}
	return addr.Unmap().WithZone(""), strings.TrimSpace(string(text)), nil
}
