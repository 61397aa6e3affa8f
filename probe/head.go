package probe

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
)

// headLimit is what is read of an answer before its body, in bytes: status
// lines and headers, those of interim answers too.
const headLimit = 1 << 20

// interimLimit is how many interim answers (RFC 9110 section 15.2: 100, 102,
// 103) may come before the real one: servers send one or two.
const interimLimit = 5

var (
	errHeadTooLong = errors.New("the answer's headers are longer than 1 MiB")
	errInterim     = errors.New("more than 5 interim answers and no real one")
)

// head gathers what an HTTP server sends until status and headers of its real
// answer are there. It does no reading itself, so that a connection of any kind
// can feed it and the same bytes give the same answer.
type head struct {
	buf     []byte // what came, from the beginning of the answer that is read
	seen    int    // of buf: no end lies before it
	checked bool   // the first line was found to be HTTP's
	before  int    // bytes of interim answers
	interim int    // interim answers
	reader  *bufio.Reader
}

// reset makes the head ready for another answer.
func (h *head) reset() {
	*h = head{buf: h.buf[:0], reader: h.reader}
}

// add takes more of what came. It returns the real answer once its head is
// whole, without a body that could be read, and nil as long as it is not.
func (h *head) add(data []byte, asked *http.Request) (*http.Response, error) {
	h.buf = append(h.buf, data...)
	for {
		end := h.end()
		if end < 0 {
			return nil, h.check(asked)
		}
		response, err := h.parse(h.buf[:end], asked)
		if err != nil {
			return nil, err
		}
		// 101 is a real answer: nothing was asked to switch.
		if response.StatusCode >= 200 || response.StatusCode < 100 || response.StatusCode == http.StatusSwitchingProtocols {
			return response, nil
		}
		if h.interim++; h.interim > interimLimit {
			return nil, errInterim
		}
		h.before += end
		h.buf = h.buf[:copy(h.buf, h.buf[end:])]
		h.seen, h.checked = 0, false
	}
}

// ended is why there is no answer when the stream has ended with err before the
// head was whole. After an orderly end what was sent may still be no HTTP.
func (h *head) ended(err error, asked *http.Request) error {
	if !errors.Is(err, io.EOF) || len(h.buf) == 0 {
		return err
	}
	if _, parsing := h.parse(h.buf, asked); parsing != nil { //nolint:bodyclose // a head's body reads nothing
		return parsing
	}
	return io.ErrUnexpectedEOF
}

// end is where the head ends: after its first empty line. -1: not yet there.
func (h *head) end() int {
	for {
		i := bytes.IndexByte(h.buf[h.seen:], '\n')
		if i < 0 {
			return -1
		}
		after := h.buf[h.seen+i+1:]
		switch {
		case len(after) > 0 && after[0] == '\n':
			return h.seen + i + 2
		case len(after) > 1 && after[0] == '\r' && after[1] == '\n':
			return h.seen + i + 3
		case len(after) == 0, len(after) == 1 && after[0] == '\r':
			return -1 // the next bytes decide
		}
		h.seen += i + 1
	}
}

// check looks at what has come of a head that is not whole: what is no HTTP, or
// without end, is not waited for.
func (h *head) check(asked *http.Request) error {
	if !h.checked {
		if line := bytes.IndexByte(h.buf, '\n'); line >= 0 {
			h.checked = true
			first := append(bytes.Clone(bytes.TrimSuffix(h.buf[:line], []byte("\r"))), "\r\n\r\n"...)
			if _, err := h.parse(first, asked); err != nil { //nolint:bodyclose // a head's body reads nothing
				return err
			}
		}
	}
	if h.before+len(h.buf) >= headLimit {
		return errHeadTooLong
	}
	return nil
}

func (h *head) parse(text []byte, asked *http.Request) (*http.Response, error) {
	source := bytes.NewReader(text)
	if h.reader == nil {
		h.reader = bufio.NewReader(source)
	}
	h.reader.Reset(source)
	return http.ReadResponse(h.reader, asked)
}
