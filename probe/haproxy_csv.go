package probe

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// csvBegin is how HAProxy's statistics as CSV begin (its management guide, section 9.1).
const csvBegin = "# pxname"

// errRowTooLong stops a row without end.
var errRowTooLong = errors.New("a row is longer than 64 KiB")

// haproxyColumns are the places of the columns that are read, by the names in the first row; -1: not there. New versions of
// HAProxy add columns.
type haproxyColumns struct {
	proxy, server, status, weight, active, backup, check int
}

// readCSV reads HAProxy's statistics as CSV, row by row.
func (c *census) readCSV(page io.Reader) (why string, err error) {
	bounded := &rowReader{source: page, left: haproxyRowLimit}
	rows := csv.NewReader(bounded)
	rows.FieldsPerRecord, rows.LazyQuotes, rows.ReuseRecord = -1, true, true
	first, err := rows.Read()
	if err != nil {
		return rowTrouble(err)
	}
	at, missing := findColumns(first)
	if missing != "" {
		return "the CSV has no column " + missing, nil
	}
	for {
		bounded.left = haproxyRowLimit
		row, err := rows.Read()
		if err != nil {
			return rowTrouble(err)
		}
		if why := c.row(row, at); why != "" {
			return why, nil
		}
		// A proxy's rows stand together, its BACKEND last.
		if c.want != "" && len(c.backends) > 0 && c.backends[0].counted {
			return "", nil
		}
	}
}

// rowTrouble tells the end of the rows, and rows that are none, from a page that did not come.
func rowTrouble(err error) (why string, _ error) {
	_, malformed := errors.AsType[*csv.ParseError](err)
	switch {
	case errors.Is(err, io.EOF):
		return "", nil
	case malformed, errors.Is(err, errRowTooLong):
		return "the CSV cannot be read: " + err.Error(), nil
	}
	return "", err
}

// findColumns finds the columns by their names; missing is one that must be there.
func findColumns(names []string) (at haproxyColumns, missing string) {
	places := map[string]int{}
	for i, name := range names {
		places[strings.TrimPrefix(name, "# ")] = i
	}
	place := func(name string, must bool) int {
		i, ok := places[name]
		switch {
		case ok:
			return i
		case must && missing == "":
			missing = name
		}
		return -1
	}
	return haproxyColumns{
		proxy: place("pxname", true), server: place("svname", true), status: place("status", true),
		active: place("act", true), backup: place("bck", true),
		weight: place("weight", false), check: place("check_status", false),
	}, missing
}

// row takes in one row: a frontend, a listener, a server or a backend. why is what is wrong with it.
func (c *census) row(row []string, at haproxyColumns) (why string) {
	field := func(i int) string {
		if i < 0 || i >= len(row) {
			return ""
		}
		return row[i]
	}
	name := field(at.server)
	switch {
	case name == "FRONTEND", name == "", field(at.active) == "":
		return "" // listeners have no act
	case name != "BACKEND":
		if b := c.backend(field(at.proxy)); b != nil {
			b.servers++
			if why, down := whyDown(field(at.status), field(at.check), field(at.weight)); down {
				b.fails(name, why)
			}
		}
		return ""
	}
	b := c.backend(field(at.proxy))
	if b == nil {
		return ""
	}
	active, errActive := strconv.ParseUint(field(at.active), 10, 31)
	backup, errBackup := strconv.ParseUint(field(at.backup), 10, 31)
	if errActive != nil || errBackup != nil {
		return fmt.Sprintf("the CSV counts %q active and %q backup servers", clip(field(at.active)), clip(field(at.backup)))
	}
	b.active, b.backup, b.counted = int(active), int(backup), true
	return ""
}

// whyDown says in a word why a server takes no traffic, if it does not. The statuses are UP, "UP 1/3" (it begins to
// fail), "no check", and DOWN, DRAIN, NOLB and MAINT with more behind them.
func whyDown(status, check, weight string) (why string, down bool) {
	word, _, _ := strings.Cut(status, " ")
	switch {
	case word == "DOWN" && strings.HasSuffix(status, "(agent)"):
		return "agent", true
	case word == "DOWN":
		return strings.TrimPrefix(check, "* "), true // with the star a check is under way
	case word != "UP" && status != "no check":
		return word, true
	case weight == "0":
		return "weight 0", true
	}
	return "", false
}

// rowReader reads no further than left bytes, so that a row without end costs no memory.
type rowReader struct {
	source io.Reader
	left   int
}

// Read reads from the source.
func (r *rowReader) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, errRowTooLong
	}
	n, err := r.source.Read(b[:min(len(b), r.left)])
	r.left -= n
	return n, err
}
