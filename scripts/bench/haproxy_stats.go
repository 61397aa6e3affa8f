package main

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
)

// stat is a row of HAProxy's statistics, as far as it is needed
// (management guide, section 9.1 "CSV format").
type stat struct {
	proxy        string // pxname
	name         string // svname: a server's, or FRONTEND or BACKEND
	status       string
	lastCheck    string // check_status: L4OK, L6OK, L7OK and others; a star before it: a check is under way
	failedChecks int64  // chkfail
	connections  int64  // conn_tot: taken by a frontend
}

// checkedUp reports whether the server is up because a check said so, and not because none has said anything yet.
func (s stat) checkedUp() bool {
	check := strings.TrimPrefix(s.lastCheck, "* ")
	return s.status == "UP" && (check == "L4OK" || check == "L6OK" || check == "L7OK")
}

// parseStats reads what "show stat" answers.
func parseStats(text string) ([]stat, error) {
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "# "))).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read HAProxy's statistics: %w", err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("read HAProxy's statistics: there is no header in %q", firstLine(text))
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for _, name := range []string{"pxname", "svname", "status", "check_status", "chkfail", "conn_tot"} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("read HAProxy's statistics: there is no column %s in %q", name, firstLine(text))
		}
	}
	stats := make([]stat, 0, len(rows)-1)
	for _, row := range rows[1:] {
		s := stat{
			proxy: row[column["pxname"]], name: row[column["svname"]],
			status: row[column["status"]], lastCheck: row[column["check_status"]],
		}
		if s.failedChecks, err = number(row[column["chkfail"]]); err != nil {
			return nil, fmt.Errorf("read HAProxy's statistics: chkfail of %s/%s: %w", s.proxy, s.name, err)
		}
		if s.connections, err = number(row[column["conn_tot"]]); err != nil {
			return nil, fmt.Errorf("read HAProxy's statistics: conn_tot of %s/%s: %w", s.proxy, s.name, err)
		}
		stats = append(stats, s)
	}
	return stats, nil
}

// number reads a field; one that does not apply is empty.
func number(field string) (int64, error) {
	if field == "" {
		return 0, nil
	}
	return strconv.ParseInt(field, 10, 64)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
