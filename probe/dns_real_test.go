package probe_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rrwatch/probe"
)

// started starts a real DNS server with a configuration made for an address
// and a folder, and waits until it answers.
func started(t *testing.T, program, config string, args ...string) netip.AddrPort {
	t.Helper()
	path := installed(t, program)
	dir, at := t.TempDir(), closedPort(t)
	config = strings.NewReplacer("{dir}", dir, "{port}", fmt.Sprint(at.Port())).Replace(config)
	for name, text := range map[string]string{"server.conf": config, "zone": zone + distinct()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	start(t, nil, path, append(args, "-c", filepath.Join(dir, "server.conf"))...)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 400 {
		if a := askDNS(t, query(), at, time.Second); a.Verdict == probe.Pass {
			return at
		}
		<-tick.C
	}
	t.Errorf("%s does not answer", program)
	return at
}

// distinct are texts that do not fit into an answer over UDP together.
func distinct() string {
	var b strings.Builder
	for n := range 60 {
		fmt.Fprintf(&b, "many.example.com. 60 IN TXT text-%d-%s\n", n, strings.Repeat("x", 60))
	}
	return b.String()
}

func TestAnAuthoritativeServerIsUnderstood(t *testing.T) {
	at := started(t, "knotd", `
server:
  listen: 127.0.0.1@{port}
  rundir: {dir}
database:
  storage: {dir}
log:
  - target: stderr
    any: info
zone:
  - domain: example.com
    storage: {dir}
    file: zone
`)
	for name, c := range map[string]struct {
		o      probe.DNSOptions
		reason probe.Reason
	}{
		"addresses":          {probe.DNSOptions{Name: "www.example.com", Answers: []string{"127.0.0.1", "192.0.2.2"}, Exactly: true, Authoritative: true}, ""},
		"this address":       {probe.DNSOptions{Name: "www.example.com", ContainsAddress: true, Authoritative: true}, ""},
		"not this address":   {probe.DNSOptions{Name: "empty.example.com", ContainsAddress: true}, probe.Records},
		"aliases":            {probe.DNSOptions{Name: "alias.example.com", Answers: []string{"192.0.2.2"}}, ""},
		"text":               {probe.DNSOptions{Name: "example.com", Type: "TXT", Answers: []string{"v=spf1 include:example.net -all"}, Exactly: true}, ""},
		"quoted text":        {probe.DNSOptions{Name: "quoted.example.com", Type: "TXT", Answers: []string{`say "a\b" ä`}, Exactly: true}, ""},
		"a large answer":     {probe.DNSOptions{Name: "many.example.com", Type: "TXT", Answers: []string{"text-59-" + strings.Repeat("x", 60)}}, ""},
		"no such name":       {probe.DNSOptions{Name: "nowhere.example.com", Rcode: "NXDOMAIN", Authoritative: true}, ""},
		"no such type":       {probe.DNSOptions{Name: "www.example.com", Type: "MX"}, probe.Records},
		"not its own zone":   {probe.DNSOptions{Name: "www.example.net", Rcode: "REFUSED"}, ""},
		"not its own, again": {probe.DNSOptions{Name: "www.example.net"}, probe.Rcode},
	} {
		c.o.Dial = dial()
		if a := askDNS(t, c.o, at, soon); a.Verdict == probe.Inconclusive || a.Reason != c.reason {
			t.Errorf("%s: got %+v, want %q", name, a, c.reason)
		}
	}
}

func TestAResolverIsUnderstood(t *testing.T) {
	at := started(t, "unbound", `
server:
  interface: 127.0.0.1
  port: {port}
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "{dir}"
  pidfile: "{dir}/pid"
  num-threads: 1
  do-not-query-localhost: no
  local-zone: "example.com." static
  local-data: "www.example.com. 60 IN A 127.0.0.1"
  local-data: "www.example.com. 60 IN A 192.0.2.2"
  local-zone: "refused.example.net." refuse
remote-control:
  control-enable: no
`, "-d")
	for name, c := range map[string]struct {
		o      probe.DNSOptions
		reason probe.Reason
	}{
		"addresses":         {probe.DNSOptions{Name: "www.example.com", Answers: []string{"127.0.0.1", "192.0.2.2"}, Exactly: true}, ""},
		"over TCP":          {probe.DNSOptions{Name: "www.example.com", Transport: probe.DNSOverTCP}, ""},
		"no such name":      {probe.DNSOptions{Name: "nowhere.example.com"}, probe.Rcode},
		"refused":           {probe.DNSOptions{Name: "refused.example.net", Recursion: true, Rcode: "REFUSED"}, ""},
		"without recursion": {probe.DNSOptions{Name: "www.example.org", Rcode: "REFUSED"}, ""},
	} {
		c.o.Dial = dial()
		if a := askDNS(t, c.o, at, soon); a.Verdict == probe.Inconclusive || a.Reason != c.reason {
			t.Errorf("%s: got %+v, want %q", name, a, c.reason)
		}
	}
}
