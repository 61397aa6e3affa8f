package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"time"
)

// TLSOptions say how a handshake is made and what is expected of it.
type TLSOptions struct {
	Name  string         // sent as SNI, and what the certificate must be valid for
	Roots *x509.CertPool // nil: the system's
	Dial  Dial

	protocols []string // offered by ALPN; nil: HTTP/1.1
}

// TLS passes when the address completes a handshake with a certificate that is
// trusted, in time and valid for the name.
func TLS(o TLSOptions) Func {
	return func(ctx context.Context, t Target) Answer {
		start := time.Now()
		conn, err := o.Dial(ctx, "tcp", t.Addr.String())
		p := Phases{Whole: time.Since(start)}
		if err != nil {
			return failed(ctx, dialing, err, p)
		}
		defer abort(conn)
		p.Connect = p.Whole
		_, err = handshake(ctx, conn, o)
		p.Whole = time.Since(start)
		if err != nil {
			return failed(ctx, handshaking, err, p)
		}
		p.TLS = p.Whole - p.Connect
		return Answer{Verdict: Pass, Phases: p}
	}
}

// handshake speaks to the name over a connection to the address. It never
// resumes a session: each probe looks at the certificate again.
func handshake(ctx context.Context, conn net.Conn, o TLSOptions) (*tls.Conn, error) {
	protocols := o.protocols
	if protocols == nil {
		protocols = []string{"http/1.1"}
	}
	client := tls.Client(conn, &tls.Config{
		ServerName: o.Name,
		RootCAs:    o.Roots,
		NextProtos: protocols,
		MinVersion: tls.VersionTLS12,
	})
	return client, client.HandshakeContext(ctx)
}
