package probe

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"
)

// FuzzAHeadIsTheSameHoweverItComes gives the same bytes at once and one by one,
// and beside it to the library's own reader of answers.
func FuzzAHeadIsTheSameHoweverItComes(f *testing.F) {
	for _, text := range []string{
		"", "\n", "\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", "HTTP/1.0 200 OK\n\nbody", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\n",
		"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"HTTP/1.1 200", "HTTP/1.1 200 OK\r\nA", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 099 X\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		asked := &http.Request{Method: http.MethodGet}
		whole, wholeErr := read(&head{}, text, len(text)+1, asked) //nolint:bodyclose // a head's body reads nothing
		single, singleErr := read(&head{}, text, 1, asked)         //nolint:bodyclose // a head's body reads nothing
		if (whole == nil) != (single == nil) || (wholeErr == nil) != (singleErr == nil) {
			t.Fatalf("at once %v, %v; byte by byte %v, %v", whole, wholeErr, single, singleErr)
		}
		if wholeErr != nil && wholeErr.Error() != singleErr.Error() {
			t.Errorf("at once %q, byte by byte %q", wholeErr, singleErr)
		}
		if whole == nil {
			return
		}
		if whole.Status != single.Status {
			t.Errorf("at once %q, byte by byte %q", whole.Status, single.Status)
		}
		if library := byLibrary(text, asked); library == nil || library.Status != whole.Status || len(library.Header) != len(whole.Header) { //nolint:bodyclose // a head's body reads nothing
			t.Errorf("the library says %v, we say %s with %v", library, whole.Status, whole.Header)
		}
	})
}

// read feeds a head piece by piece, up to the end of the stream.
func read(h *head, text []byte, piece int, asked *http.Request) (*http.Response, error) {
	for len(text) > 0 {
		n := min(piece, len(text))
		if response, err := h.add(text[:n], asked); response != nil || err != nil {
			return response, err
		}
		text = text[n:]
	}
	return nil, h.ended(io.EOF, asked)
}

// byLibrary is the first answer that is no interim one, read by the library alone.
func byLibrary(text []byte, asked *http.Request) *http.Response {
	reader := bufio.NewReader(bytes.NewReader(text))
	for {
		response, err := http.ReadResponse(reader, asked)
		if err != nil {
			return nil
		}
		if response.StatusCode < 100 || response.StatusCode > 199 || response.StatusCode == http.StatusSwitchingProtocols {
			return response
		}
	}
}
