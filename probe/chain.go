package probe

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"sync"
	"time"
)

// chain is what is known of a certificate that was found good: of the ways to
// a trusted authority, the one that lasts longest.
type chain struct {
	name    string
	ends    time.Time // when the first certificate of the chain is out of date
	ender   string    // which one that is: empty for the server's own
	issuers string    // who signed whom, up to the root
}

// detail says how long the certificate is valid.
func (c chain) detail(now time.Time) string {
	text := fmt.Sprintf("certificate for %s valid for %s, until %s", c.name, c.left(now, "more "), c.ends.UTC().Format(time.DateOnly))
	if c.issuers != "" {
		text += " (chain: " + c.issuers + ")"
	}
	return text
}

// warning says that the certificate ends within so many days; empty: it does not.
func (c chain) warning(now time.Time, days int) string {
	if days == 0 || c.ends.Sub(now) > time.Duration(days)*24*time.Hour {
		return ""
	}
	what := "the certificate"
	if c.ender != "" {
		what = "the chain's certificate of " + c.ender
	}
	return clip(fmt.Sprintf("%s expires in %s, on %s", what, c.left(now, ""), c.ends.UTC().Format(time.DateOnly)))
}

// left is the time that is left, in whole days.
func (c chain) left(now time.Time, more string) string {
	switch days := int(c.ends.Sub(now) / (24 * time.Hour)); days {
	case 0:
		return "less than a day"
	case 1:
		return "1 " + more + "day"
	default:
		return fmt.Sprintf("%d %sdays", days, more)
	}
}

// verify judges the certificates that a server presented as crypto/tls does,
// with the same errors. A good verdict is kept for the same name, roots and
// presented bytes; that the server has the key is no part of it and is proved
// in each handshake.
func (o TLSOptions) verify(presented []*x509.Certificate, now time.Time) (chain, error) {
	now = now.Round(0) // the wall clock, which certificates go by, even when it is set back
	if o.chains == nil {
		c, _, err := o.judge(presented, now)
		return c, err
	}
	key := o.key(presented)
	if c, ok := o.chains.find(key, now); ok {
		return c, nil
	}
	c, span, err := o.judge(presented, now)
	if err == nil {
		o.chains.keep(key, c, span)
	}
	return c, err
}

// judge finds the chains from the server's certificate to a root, and the span
// of time in which all of them are valid.
func (o TLSOptions) judge(presented []*x509.Certificate, now time.Time) (chain, span, error) {
	intermediates := x509.NewCertPool()
	for _, cert := range presented[1:] {
		intermediates.AddCert(cert)
	}
	found, err := presented[0].Verify(x509.VerifyOptions{
		Roots: o.Roots, CurrentTime: now, DNSName: o.Name, Intermediates: intermediates,
	})
	if err != nil {
		return chain{}, span{}, &tls.CertificateVerificationError{UnverifiedCertificates: presented, Err: err}
	}
	best := chain{name: o.Name}
	all := span{from: now, to: now.Add(verdictAge)}
	for _, certs := range found {
		c := chain{name: o.Name, ends: certs[0].NotAfter}
		var issuers []string
		for n, cert := range certs {
			all = all.within(cert)
			if n > 0 {
				issuers = append(issuers, called(cert))
			}
			if cert.NotAfter.Before(c.ends) {
				c.ends, c.ender = cert.NotAfter, called(cert)
			}
		}
		c.issuers = strings.Join(issuers, ", ")
		if best.ends.IsZero() || c.ends.After(best.ends) {
			best = c
		}
	}
	return best, all, nil
}

func called(cert *x509.Certificate) string {
	if cert.Subject.CommonName != "" {
		return cert.Subject.CommonName
	}
	return cert.Subject.String()
}

// verdictAge is how long a good verdict is kept at most. It bounds how late a
// change of this machine's own roots would be noticed, if they could change.
const verdictAge = 5 * time.Minute

// span is a stretch of time, both ends included.
type span struct{ from, to time.Time }

// within is the part of the span in which a certificate is valid.
func (s span) within(cert *x509.Certificate) span {
	if cert.NotBefore.After(s.from) {
		s.from = cert.NotBefore
	}
	if cert.NotAfter.Before(s.to) {
		s.to = cert.NotAfter
	}
	return s
}

func (s span) holds(t time.Time) bool { return !t.Before(s.from) && !t.After(s.to) }

// chains keeps good verdicts. Bad ones are found anew each time: a certificate
// that was repaired must pass at once, and what a server invents takes no room.
type chains struct {
	mu   sync.Mutex
	good map[chainKey]kept
}

// chainKey is all that a verdict depends on, beside the time.
type chainKey struct {
	name      string
	roots     *x509.CertPool
	presented [sha256.Size]byte
}

type kept struct {
	chain chain
	valid span
}

// chainsLimit is how many verdicts are kept: one for each certificate that the
// addresses of one check present, and these have one each at worst.
const chainsLimit = 1024

func newChains() *chains { return &chains{good: map[chainKey]kept{}} }

func (o TLSOptions) key(presented []*x509.Certificate) chainKey {
	hash := sha256.New()
	for _, cert := range presented {
		hash.Write(cert.Raw) // DER says its own length: no two lists give the same bytes
	}
	key := chainKey{name: o.Name, roots: o.Roots}
	hash.Sum(key.presented[:0])
	return key
}

func (c *chains) find(key chainKey, now time.Time) (chain, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.good[key]
	if ok && !k.valid.holds(now) {
		delete(c.good, key)
		return chain{}, false
	}
	return k.chain, ok
}

func (c *chains) keep(key chainKey, found chain, valid span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.good) >= chainsLimit {
		clear(c.good)
	}
	c.good[key] = kept{chain: found, valid: valid}
}
