package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rrwatch/failover"
)

// whyLimit is how long a reason may be, in characters: it stands in banners,
// messages and the journal.
const whyLimit = 300

func (s *server) pausePool(r *http.Request, o order) (string, error) {
	by, err := s.who(r, o.By)
	if err != nil {
		return "", err
	}
	why, err := reason(o.Why)
	if err != nil {
		return "", err
	}
	p, err := scopeOf(o)
	if err != nil {
		return "", err
	}
	p.By, p.Why = by, why
	if p.Until, err = endOf(o, time.Now()); err != nil {
		return "", err
	}
	if err := s.Pauser.Pause(r.Context(), p); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s paused %s until %s: %s", by, p.Scope(), p.Until.UTC().Format(minuteUTC), why), nil
}

func (s *server) resumePool(r *http.Request, o order) (string, error) {
	by, err := s.who(r, o.By)
	if err != nil {
		return "", err
	}
	p, err := scopeOf(o)
	if err != nil {
		return "", err
	}
	if err := s.Pauser.Resume(r.Context(), p, by); err != nil {
		return "", err
	}
	return by + " resumed " + p.Scope(), nil
}

// minuteUTC is how an end is shown, and may be typed.
const minuteUTC = "2006-01-02 15:04 UTC"

// reason is why a person acts, on one line.
func reason(text string) (string, error) {
	why := strings.TrimSpace(text)
	switch {
	case why == "":
		return "", problemf(http.StatusBadRequest, "say why: give a reason as why; others read it beside what you did")
	case utf8.RuneCountInString(why) > whyLimit || !utf8.ValidString(why) || strings.ContainsFunc(why, unicode.IsControl):
		return "", problemf(http.StatusBadRequest, "a reason has at most %d characters and stands on one line", whyLimit)
	}
	return why, nil
}

// scopeOf is a pause of what the order names: a member, a pool, everything.
func scopeOf(o order) (failover.Pause, error) {
	p := failover.Pause{Pool: strings.TrimSpace(o.Pool)}
	text := strings.TrimSpace(o.Member)
	if text == "" {
		return p, nil
	}
	if p.Pool == "" {
		return p, problemf(http.StatusBadRequest, "say to which pool the member belongs: give pool beside member")
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return p, problemf(http.StatusBadRequest, "%q is no address; a member is named by its address, such as 192.0.2.1", text)
	}
	p.Member = addr.Unmap()
	return p, nil
}

// endOf is when a pause ends. What was typed wins over what was chosen.
func endOf(o order, now time.Time) (time.Time, error) {
	text := strings.TrimSpace(o.Until)
	if text == "" {
		text = strings.TrimSpace(o.For)
	}
	if text == "" {
		return time.Time{}, problemf(http.StatusBadRequest, "say for how long: give for, such as 15m, 4h or 1d, or until; a pause ends by itself")
	}
	if d, ok := lengthOf(text); ok {
		return now.Add(d), nil
	}
	for _, layout := range []string{time.RFC3339, minuteUTC, "2006-01-02 15:04", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse("15:04", text); err == nil {
		end := now.UTC().Truncate(24 * time.Hour).Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute)
		if !end.After(now) {
			end = end.Add(24 * time.Hour)
		}
		return end, nil
	}
	return time.Time{}, problemf(http.StatusBadRequest, "%q is no end; write how long (90m, 4h, 1d) or until when in UTC (18:30, or 2026-03-14 18:30)", text)
}

// lengthOf reads "90m", "4h", "1h30m", "2d", "1d12h".
func lengthOf(text string) (time.Duration, bool) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 8)
	if err != nil {
		return 0, false
	}
	if rest == "" {
		rest = "0"
	}
	d, err := time.ParseDuration(rest)
	return time.Duration(n)*24*time.Hour + d, err == nil
}

// backToPool is the page of the pool that a form named, else the overview.
func backToPool(r *http.Request) string {
	if pool := r.PostForm.Get("pool"); pool != "" {
		return poolPath(pool)
	}
	return "/"
}

func poolPath(name string) string { return "/pools/" + url.PathEscape(name) }
