package probe

import (
	"bytes"
	"errors"
)

const (
	// transcriptLimit is how much may come, in bytes, before an expectation is met.
	transcriptLimit = 64 << 10
	// searchLimit is how much may be searched, in bytes, for one expectation.
	// All is searched again whenever more comes: in pieces of one byte, 64 KiB
	// would cost a minute of a processor. In whole segments they cost 1.5 MiB.
	searchLimit = 4 << 20
)

var (
	errTranscriptLimit = errors.New("in 64 KiB")
	errSearchLimit     = errors.New("in very many small pieces")
	errLineLimit       = errors.New("plain text instead of TLS")
)

// transcript is what the far side has said and what met no expectation yet.
type transcript struct {
	text     []byte // with each CR LF as LF
	cr       bool   // the last byte was a CR, which is not in text yet
	skip     bool   // the rest of the line is over with, when it comes
	taken    int    // bytes that came since the last match
	searched int    // bytes that were searched since the last match
}

// add takes what came.
func (h *transcript) add(data []byte) {
	h.taken += len(data)
	for _, b := range data {
		if h.skip {
			h.skip = b != '\n'
			continue
		}
		if h.cr && b != '\n' {
			h.text = append(h.text, '\r')
		}
		if h.cr = b == '\r'; !h.cr {
			h.text = append(h.text, b)
		}
	}
}

// find reports whether the expression matches in what came. A match is over
// with, and with it all before it and the rest of the line that it ends in. The
// error says that there is no use in waiting for more.
func (h *transcript) find(p pattern) (bool, error) {
	if len(h.text) == 0 {
		return false, h.limit()
	}
	h.searched += len(h.text)
	at := p.find(h.text)
	if at == nil {
		return false, h.limit()
	}
	end := at[1]
	if end == at[0] || h.text[end-1] != '\n' {
		length := bytes.IndexByte(h.text[end:], '\n')
		h.skip = length < 0
		end += length + 1
	}
	if h.skip {
		end, h.cr = len(h.text), false
	}
	h.text = h.text[:copy(h.text, h.text[end:])]
	h.taken, h.searched = len(h.text), 0
	return true, nil
}

func (h *transcript) limit() error {
	switch {
	case h.taken >= transcriptLimit:
		return errTranscriptLimit
	case h.searched >= searchLimit:
		return errSearchLimit
	}
	return nil
}
