package simulator

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
)

// transport carries requests to an AWS without a network.
type transport struct{ aws *AWS }

var _ http.RoundTripper = transport{}

// Transport returns the handler as an HTTP client's transport: calls are done in the caller's goroutine, in memory, and
// leave nothing running behind, so that it works inside a testing/synctest bubble. A lost answer is a reset connection.
func (a *AWS) Transport() http.RoundTripper { return transport{a} }

// RoundTrip does one call.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	out, err := t.aws.answer(r)
	if errors.Is(err, errLost) {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status:        http.StatusText(out.status),
		StatusCode:    out.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        out.header,
		Body:          io.NopCloser(bytes.NewReader(out.body)),
		ContentLength: int64(len(out.body)),
		Request:       r,
	}, nil
}
