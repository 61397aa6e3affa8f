package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// isDNSName reports whether s is a name of at least two labels in which every label is one that a site may have
// (RFC 1035 section 2.3.4 sets the lengths); underscores pass, for records such as _site.example.com.
func isDNSName(s string) bool {
	if len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	label := regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)
	for _, l := range labels {
		if !label.MatchString(l) {
			return false
		}
	}
	_, err := netip.ParseAddr(s)
	return len(labels) > 1 && err != nil
}

// dnsName reads a DNS name; capitals and the dot at its end are taken away, for names that differ only by these
// are one.
func dnsName(v value) (string, bool) {
	got, ok := text(v)
	if !ok {
		return "", false
	}
	plain := strings.TrimSuffix(strings.ToLower(got), ".")
	if !isDNSName(plain) {
		v.wants("a DNS name such as www.example.com", "")
		return "", false
	}
	return plain, true
}

// addrPort reads an IP address with a port.
func addrPort(v value) (netip.AddrPort, bool) {
	got, err := netip.ParseAddrPort(v.text)
	if !v.isText() || err != nil || got.Port() == 0 {
		v.wants("an IP address and a port such as 192.0.2.1:443", "")
		return netip.AddrPort{}, false
	}
	return got, true
}

// sourceAddr reads an IP address of this machine.
func sourceAddr(v value) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(v.text)
	if err != nil || !v.isText() || addr.IsUnspecified() || addr.IsMulticast() {
		v.wants("an IP address of this machine, such as 192.0.2.7", "")
		return netip.Addr{}, false
	}
	return addr.Unmap(), true
}

// listenAddr reads an address to listen on. An empty host means every address, port 0 any free port.
func listenAddr(v value) (string, bool) {
	host, port, err := net.SplitHostPort(v.text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	_, bad := netip.ParseAddr(host)
	if !v.isText() || err != nil || bad != nil && host != "" && host != "localhost" && !isDNSName(strings.ToLower(host)) {
		v.wants("a host and a port such as 127.0.0.1:8080", "")
		return "", false
	}
	return v.text, true
}

// webURL reads the URL of a server. It is never shown: a webhook's URL is a secret, and others may hold one.
func webURL(v value) (string, bool) {
	u, err := url.Parse(v.text)
	switch {
	case !v.isText() || err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		v.fail("wants a URL that begins with https:// or http://", "")
	case u.User != nil:
		v.fail("holds a user or a password", "remove what stands before the @")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		v.fail("holds a query", "remove what stands after the ? or #")
	default:
		return v.text, true
	}
	return "", false
}
