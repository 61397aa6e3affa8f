package probe

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
)

// The metrics that are read; HAProxy has them since its first Prometheus page (2.0).
const (
	metricActive = "haproxy_backend_active_servers"
	metricBackup = "haproxy_backend_backup_servers"
	metricStatus = "haproxy_server_status"
	metricCheck  = "haproxy_server_check_status"
)

// haproxySample is one line of a Prometheus page.
type haproxySample struct {
	metric, proxy, server, state string
	value                        float64
}

// readPrometheus reads HAProxy's Prometheus page, line by line: its text format, version 0.0.4.
func (c *census) readPrometheus(page io.Reader) (why string, err error) {
	lines := bufio.NewScanner(page)
	lines.Buffer(make([]byte, 0, 4096), haproxyRowLimit)
	begin, ours := "", false
	for lines.Scan() {
		line := lines.Bytes()
		if begin == "" {
			begin = string(line)
		}
		ours = ours || bytes.HasPrefix(line, []byte("haproxy_"))
		if s, ok := parseSample(line); ok {
			c.sample(s)
		}
		if c.settled() {
			return "", nil
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return "a line is longer than 64 KiB", nil
	case err != nil:
		return "", err
	case !ours:
		return noHAProxyPage(begin), nil
	}
	return "", nil
}

// sample takes in one line.
func (c *census) sample(s haproxySample) {
	b := c.backend(s.proxy)
	if b == nil {
		return
	}
	switch s.metric {
	case metricActive:
		b.active, b.counted = int(s.value), true
	case metricBackup:
		b.backup = int(s.value)
	case metricStatus:
		b.status(s)
	case metricCheck:
		if s.value == 1 {
			b.because(s.server, s.state)
		}
	}
}

// status takes in a server's state. Since HAProxy 2.4 there is a line for each state, of which one is 1; before that
// there was one line, which is 1 when the server is up.
func (b *haproxyBackend) status(s haproxySample) {
	old := s.state == ""
	switch {
	case !old && s.value != 1:
		return
	case old && s.value == 0, !old && s.state == "DOWN":
		b.fails(s.server, "")
	case !old && s.state != "UP":
		b.fails(s.server, s.state)
	}
	b.servers++
}

// parseSample reads a line of one of the metrics that matter.
func parseSample(line []byte) (s haproxySample, ok bool) {
	name, labels, _ := bytes.Cut(line, []byte("{"))
	switch string(name) { // most lines are others, and cost nothing
	case metricActive, metricBackup, metricStatus, metricCheck:
		s.metric = string(name)
	default:
		return haproxySample{}, false
	}
	rest, ok := s.labels(string(labels))
	if !ok || s.proxy == "" {
		return haproxySample{}, false
	}
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ") // a timestamp may follow
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(value) || value < 0 || value > math.MaxInt32 {
		return haproxySample{}, false
	}
	s.value = value
	return s, true
}

// labels reads name="value" pairs up to the closing brace, and returns what follows it.
func (s *haproxySample) labels(text string) (rest string, ok bool) {
	for {
		text = strings.TrimLeft(text, ", ")
		if rest, ok := strings.CutPrefix(text, "}"); ok {
			return rest, true
		}
		name, after, found := strings.Cut(text, `="`)
		if !found {
			return "", false
		}
		value, rest, closed := labelValue(after)
		if !closed {
			return "", false
		}
		switch name {
		case "proxy":
			s.proxy = value
		case "server":
			s.server = value
		case "state":
			s.state = value
		}
		text = rest
	}
}

// labelValue reads a label's value up to its closing quote, and returns what follows it. A backslash stands before a
// quote, a backslash, or the n of a line break.
func labelValue(text string) (value, rest string, closed bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return b.String(), text[i+1:], true
		case text[i] == '\\' && i+1 < len(text):
			i++
			if text[i] == 'n' {
				b.WriteByte('\n')
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return "", "", false
}
