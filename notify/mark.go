package notify

import (
	"strconv"
	"strings"
)

// mark is how far one incident was told: the channel's thread, and the
// sequence number of the last step in it. It is kept as the incident's thread,
// so that a crash between two calls of one round repeats neither.
type mark struct {
	told   int64
	thread string
}

// String is the mark as it is kept: "17 C0123 1700000000.000100".
func (m mark) String() string { return strconv.FormatInt(m.told, 10) + " " + m.thread }

// readMark reads what String wrote; from anything else it begins anew, since
// telling twice is better than not at all.
func readMark(text string) mark {
	number, thread, _ := strings.Cut(text, " ")
	told, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return mark{}
	}
	return mark{told, thread}
}
