package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// policy lets a page load its own style, script and pictures, and nothing
// else from anywhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// listens splits the listen address and says whether only this machine can
// reach it.
func listens(listen string) (host string, loopback bool, err error) {
	host, _, err = net.SplitHostPort(listen)
	if err != nil {
		return "", false, fmt.Errorf("start the dashboard: listen address %q: write it as host:port, such as 127.0.0.1:8080: %w", listen, err)
	}
	return host, isLoopback(host), nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// secure is the handler behind everything that a request must pass.
func (s *server) secure(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, http.StatusForbidden, "This request came from another site, so nothing was changed. Open rrwatch's own page and try again.")
	}))
	guarded := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		// Not no-referrer: with it a browser says "Origin: null" when it posts
		// our own forms, and over plain HTTP the origin is all that tells them
		// from another site's.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if s.admit(w, r) {
			guarded.ServeHTTP(w, r)
		}
	})
}

// admit checks the host, the password and whether changes are allowed at all.
// It answers the request itself when it returns false. A heartbeat brings a
// token of its own instead.
func (s *server) admit(w http.ResponseWriter, r *http.Request) bool {
	if s.isHeartbeat(r) {
		return true
	}
	if s.loopback && !s.knownHost(r.Host) {
		s.fail(w, r, http.StatusMisdirectedRequest,
			"rrwatch listens on this machine only and does not answer to this host name. Use localhost or 127.0.0.1; a proxy in front must send one of these as Host.")
		return false
	}
	if s.Password == "" {
		if !s.loopback && !readOnly(r.Method) {
			s.fail(w, r, http.StatusForbidden,
				"Nothing can be changed here: rrwatch listens on more than this machine and has no password. Set the dashboard's password, or let it listen on 127.0.0.1.")
			return false
		}
		return true
	}
	if r.URL.Path == "/healthz" || s.knowsPassword(r) {
		return true
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="rrwatch", charset="UTF-8"`)
	s.fail(w, r, http.StatusUnauthorized, "Log in with your own name and the dashboard's password.")
	return false
}

func readOnly(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// knownHost keeps out pages of other names that were made to resolve to this
// machine.
func (s *server) knownHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	return isLoopback(host) || strings.EqualFold(host, s.host)
}

// knowsPassword compares digests, so that the time it takes tells neither the
// password nor its length.
func (s *server) knowsPassword(r *http.Request) bool {
	_, given, ok := r.BasicAuth()
	want, got := sha256.Sum256([]byte(s.Password)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && ok
}

// user is who logged in; empty when no password is asked for.
func (s *server) user(r *http.Request) string {
	if s.Password == "" {
		return ""
	}
	name, _, _ := r.BasicAuth()
	return strings.TrimSpace(name)
}
