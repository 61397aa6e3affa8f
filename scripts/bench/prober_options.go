package main

import (
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"time"

	"rrwatch/probe"
)

// kind is the kind of question that is measured.
type kind string

const (
	kindTCP   kind = "tcp"
	kindHTTP  kind = "http"
	kindHTTPS kind = "https"
)

// siteName is what all targets are asked about; the certificates of the https servers are made for it (RFC 2606).
const siteName = "www.example.com"

// sitePath is the page that is asked for.
const sitePath = "/healthz"

// proberOptions say what a prober probes. They cross to its process as flags.
type proberOptions struct {
	kind     kind
	targets  int
	first    netip.Addr // of the targets' addresses; single: all of one target are here
	port     int
	interval time.Duration
	timeout  time.Duration
	recheck  time.Duration
	roots    string // a file of PEM; https trusts these
	tripwire bool   // hold an idle connection to each target
	changes  bool   // say each change of belief
}

// args are the flags that parseProber reads.
func (o proberOptions) args() []string {
	return []string{
		"-kind", string(o.kind), "-targets", strconv.Itoa(o.targets), "-first", o.first.String(), "-port", strconv.Itoa(o.port),
		"-interval", o.interval.String(), "-timeout", o.timeout.String(), "-recheck", o.recheck.String(), "-roots", o.roots,
		"-tripwire=" + strconv.FormatBool(o.tripwire), "-changes=" + strconv.FormatBool(o.changes),
	}
}

func parseProber(args []string) (proberOptions, error) {
	o := proberOptions{first: firstTarget()}
	flags := flag.NewFlagSet("prober", flag.ContinueOnError)
	flags.StringVar((*string)(&o.kind), "kind", string(kindHTTP), "tcp, http or https")
	flags.IntVar(&o.targets, "targets", 1000, "how many addresses are probed")
	flags.TextVar(&o.first, "first", o.first, "the first of the addresses")
	flags.IntVar(&o.port, "port", 0, "the port of all targets")
	flags.DurationVar(&o.interval, "interval", 2*time.Second, "of each target")
	flags.DurationVar(&o.timeout, "timeout", time.Second, "of a probe")
	flags.DurationVar(&o.recheck, "recheck", 500*time.Millisecond, "after a first fail")
	flags.StringVar(&o.roots, "roots", "", "certificates to trust, a file of PEM")
	flags.BoolVar(&o.tripwire, "tripwire", false, "hold an idle connection to each target")
	flags.BoolVar(&o.changes, "changes", false, "say each change of belief")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.targets < 1 || o.port < 1 || o.interval <= 0 {
		return o, errors.New("prober: -targets, -port and -interval must be above 0")
	}
	return o, nil
}

// firstTarget is where the targets' addresses begin. Linux answers on all of 127.0.0.0/8, so one listener on the
// wildcard address is as many targets as are wanted.
func firstTarget() netip.Addr { return netip.AddrFrom4([4]byte{127, 1, 0, 0}) }

// targetNet holds all targets that are measured, up to 65,536 of them.
func targetNet() netip.Prefix { return netip.PrefixFrom(firstTarget(), 16) }

// noiseTarget is where the targets begin of those that probe beside what is measured.
func noiseTarget() netip.Addr { return netip.AddrFrom4([4]byte{127, 200, 0, 0}) }

// addresses are n of them in a row.
func addresses(first netip.Addr, n int) []netip.Addr {
	list := make([]netip.Addr, n)
	for i := range list {
		list[i] = first
		first = first.Next()
	}
	return list
}

// question is what each target is asked, as the daemon makes it of a check that says no more than its kind.
func (o proberOptions) question(dial probe.Dial) (probe.Func, *probe.Plain, error) {
	options := probe.HTTPOptions{
		Method: "GET", Host: siteName, Path: sitePath, Status: []probe.StatusRange{{From: 200, To: 399}}, Dial: dial,
	}
	switch o.kind {
	case kindTCP:
		return probe.TCP(dial), probe.PlainTCP(netip.Addr{}), nil
	case kindHTTP:
		return probe.HTTP(options), probe.PlainHTTP(options, netip.Addr{}), nil
	case kindHTTPS:
		text, err := os.ReadFile(o.roots)
		if err != nil {
			return nil, nil, fmt.Errorf("read the certificates to trust: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return nil, nil, fmt.Errorf("read the certificates to trust: %s holds none", o.roots)
		}
		options.TLS = &probe.TLSOptions{Roots: roots}
		return probe.HTTP(options), nil, nil
	}
	return nil, nil, fmt.Errorf("prober: unknown kind %q; want tcp, http or https", o.kind)
}
