package config

import (
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// Bounds of the numbers in the file.
const (
	century    = longestDays * 24 * time.Hour
	mostBudget = 100_000
)

// readConfig reads the whole file. What it returns is of use only if the document has no errors.
func readConfig(root value) *Config {
	s, ok := root.section()
	if !ok {
		return nil
	}
	c := &Config{
		AWS: readAWS(s),
		Mode: need(s, "mode", "there is no default: write mode: observe, mode: propose or mode: act",
			oneOf("mode", ModeObserve, ModePropose, ModeAct)),
		Database:   read(s, "database", "rrwatch.db", text),
		Vantage:    read(s, "vantage", "", text),
		Discover:   read(s, "discover", time.Minute, duration(100*time.Millisecond, time.Hour)),
		Lease:      read(s, "lease", LeaseNone, oneOf("lease", LeaseNone, LeaseDNS)),
		Log:        readLog(s.sub("log")),
		Web:        readWeb(s.sub("web")),
		Slack:      read(s, "slack", nil, readSlack),
		References: read(s, "references", nil, listOf(0, "192.0.2.1:443", addrPort)),
		Budget:     readBudget(s.sub("budget"), Budget{PerHour: 10, PerDay: 30}),
		Retention:  readRetention(s.sub("retention")),
	}
	c.Pools = readPools(s, c.Mode, c.AWS)
	c.Maintenance = read(s, "maintenance", nil, listOf(0, "{pools: [www], cron: …}", readMaintenance(c.Pools)))
	if c.Vantage == "" {
		c.Vantage = hostName(s)
	}
	s.done()
	return c
}

// hostName is the name of the machine.
func hostName(s *section) string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		s.at("vantage", "the name of this machine cannot be read", "write vantage: and a name")
	}
	return host
}

// readLog reads the section log.
func readLog(s *section) Log {
	l := Log{Format: LogText}
	switch read(s, "level", "info", oneOf("level", "debug", "info", "warn", "error")) {
	case "debug":
		l.Level = slog.LevelDebug
	case "warn":
		l.Level = slog.LevelWarn
	case "error":
		l.Level = slog.LevelError
	}
	l.Format = read(s, "format", LogText, oneOf("format", LogText, LogJSON))
	s.done()
	return l
}

// readWeb reads the section web.
func readWeb(s *section) Web {
	w := Web{
		Listen:   read(s, "listen", "127.0.0.1:8080", listenAddr),
		URL:      strings.TrimRight(read(s, "url", "", webURL), "/"),
		Password: s.secret("password"),
	}
	if w.URL == "" {
		w.URL = "http://" + reachable(w.Listen)
	}
	s.done()
	return w
}

// reachable is an address that a browser on this machine can open: who listens on every address is on localhost.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		return net.JoinHostPort("localhost", port)
	}
	return listen
}

// readBudget reads a section budget.
func readBudget(s *section, fallback Budget) Budget {
	b := Budget{
		PerHour: read(s, "per_hour", fallback.PerHour, integer(1, mostBudget)),
		PerDay:  read(s, "per_day", fallback.PerDay, integer(1, mostBudget)),
	}
	s.done()
	return b
}

// readRetention reads the section retention.
func readRetention(s *section) Retention {
	const nightly = "17 3 * * *"
	r := Retention{
		Incidents: read(s, "incidents", 0, duration(0, century)),
		Journal:   read(s, "journal", 90*24*time.Hour, duration(0, century)),
	}
	expression, schedule := readCron(s, "cron", nightly)
	r.Cron, r.Schedule = expression, schedule
	s.done()
	return r
}
