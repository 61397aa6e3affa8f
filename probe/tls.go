package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

var errNoName = errors.New("there is no name that the certificate must be valid for")

// TLSOptions say how a handshake is made and what is expected of it.
type TLSOptions struct {
	Name       string           // sent as SNI, and what the certificate must be valid for
	Roots      *x509.CertPool   // nil: the system's
	MinVersion uint16           // tls.VersionTLS12 or tls.VersionTLS13; 0: TLS 1.2
	Client     *tls.Certificate // shown to a server that asks for one; nil: none
	WarnDays   int              // an end of the certificate within so many days is a warning; 0: never
	Dial       Dial

	protocols []string // offered by ALPN; none: not spoken of
	chains    *chains  // the verdicts that are kept; nil: none
}

// TLS passes when the address completes a handshake with a certificate that is
// trusted, in time and valid for the name.
func TLS(o TLSOptions) Func {
	o.chains = newChains()
	return func(ctx context.Context, t Target) Answer {
		start := time.Now()
		conn, err := o.Dial(ctx, "tcp", t.Addr.String())
		p := Phases{Whole: time.Since(start)}
		if err != nil {
			return failed(ctx, dialing, err, p)
		}
		defer abort(conn)
		p.Connect = p.Whole
		secured, err := handshake(ctx, conn, o)
		p.Whole = time.Since(start)
		if err != nil {
			return failed(ctx, handshaking, err, p)
		}
		p.TLS = p.Whole - p.Connect
		now := time.Now()
		return Answer{
			Verdict: Pass, Phases: p, Warning: secured.chain.warning(now, o.WarnDays),
			Detail: clip(tls.VersionName(secured.ConnectionState().Version) + ", " + secured.chain.detail(now)),
		}
	}
}

// secured is a connection after its handshake.
type secured struct {
	*tls.Conn
	chain chain
}

// handshake speaks to the name over a connection to the address. It is a whole
// handshake each time: no session is resumed, the server proves each time that
// it has the certificate's key, and the certificate is looked at again.
//
// The key exchange is X25519 alone or a curve of NIST, without the post-quantum
// hybrids that Go prefers: these protect for decades what is sent, and a probe
// sends nothing that is worth it. A handshake costs 1,273 µs by Go's defaults,
// and 889 µs with X25519 and the chain's verdict kept. A server that accepts
// nothing but hybrids fails, and docs/checks.md says so.
func handshake(ctx context.Context, conn net.Conn, o TLSOptions) (*secured, error) {
	if o.Name == "" {
		return nil, errNoName // x509 would let any name pass
	}
	s := &secured{}
	config := &tls.Config{
		ServerName:       o.Name,
		NextProtos:       o.protocols,
		MinVersion:       tls.VersionTLS12,
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
		// The chain is verified below, by the same rules and with the same errors,
		// so that a verdict can be kept. Without a verdict there is no connection.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			var err error
			s.chain, err = o.verify(state.PeerCertificates, time.Now())
			return err
		},
	}
	if o.Client != nil {
		// Shown whatever authorities the server names, so that its own refusal is
		// what is told.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return o.Client, nil }
	}
	s.Conn = tls.Client(conn, config)
	if err := s.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	// TLS 1.2 is offered even where it is too old, to be able to say that it is
	// what the server speaks.
	if got := s.ConnectionState().Version; got < o.MinVersion {
		return nil, &versionError{got: got, want: o.MinVersion}
	}
	return s, nil
}

// versionError says that the server agreed to a version that is too old.
type versionError struct{ got, want uint16 }

// Error names both versions.
func (e *versionError) Error() string {
	return fmt.Sprintf("the server agreed to %s, and %s is wanted", tls.VersionName(e.got), tls.VersionName(e.want))
}
