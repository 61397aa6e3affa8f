package probe

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// bodyLimit is what is read of an answer's body, in bytes, whatever the other
// side sends: expected text must lie within it.
const bodyLimit = 1 << 20

// exchange1 sends the request as HTTP/1.1 and reads until the real answer's
// status and headers are there.
func (p *httpProbe) exchange1(stream net.Conn, h *hop) (*exchange, error) {
	if _, err := stream.Write(h.text); err != nil {
		return nil, err
	}
	var head head
	sent := time.Now()
	data := make([]byte, 4096)
	for first := true; ; {
		n, ended := stream.Read(data)
		if n > 0 && first {
			p.phases.FirstByte += time.Since(sent)
			first = false
		}
		response, err := head.add(data[:n], h.request) //nolint:bodyclose // a head's body reads nothing
		switch {
		case err != nil:
			return nil, err
		case response != nil:
			return openable(response, &head, stream, h.request), nil
		case ended != nil:
			return nil, head.ended(ended, h.request)
		}
	}
}

// openable is an answer whose body is read from the stream when it is asked for.
func openable(response *http.Response, head *head, stream net.Conn, request *http.Request) *exchange {
	x := &exchange{response: response, end: func() {}}
	x.body = func() (io.Reader, error) {
		source := &source{stream: io.MultiReader(bytes.NewReader(head.buf), stream)}
		whole, err := http.ReadResponse(bufio.NewReader(source), request) //nolint:bodyclose // closed at the end
		if err != nil {
			return nil, err
		}
		x.end = func() {
			source.over = true // else Close reads all that the other side still sends
			_ = whole.Body.Close()
		}
		return whole.Body, nil
	}
	return x
}

// source reads what the other side sends until it is over.
type source struct {
	stream io.Reader
	over   bool
}

// Read reads from the stream.
func (s *source) Read(b []byte) (int, error) {
	if s.over {
		return 0, io.EOF
	}
	return s.stream.Read(b)
}

// read takes the body as far as the expectations need it, and reports whether
// there is more. It is not called when nothing is expected of the body, so that
// a large page is not fetched every second.
func (p *httpProbe) read(x *exchange) (body []byte, more bool, err error) {
	limit := int64(bodyLimit)
	if p.MaxBody > 0 {
		limit = p.MaxBody
		if x.response.ContentLength > limit {
			return nil, true, nil
		}
	}
	source, err := x.body()
	if err != nil {
		return nil, false, err
	}
	body, err = io.ReadAll(io.LimitReader(source, limit))
	if err != nil || int64(len(body)) < limit || p.MaxBody == 0 && len(p.JSON) == 0 {
		return body, false, err
	}
	// One byte more tells whether that was all of it.
	_, err = io.ReadFull(source, make([]byte, 1))
	if errors.Is(err, io.EOF) {
		return body, false, nil
	}
	return body, true, err
}
