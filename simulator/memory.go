package simulator

import (
	"bytes"
	"maps"
	"strings"
	"sync"
	"time"
)

// memory is what was answered to questions that are asked again and again: writing the XML is most of the work of an
// answer, and it is the same until something changes.
type memory struct {
	mu         sync.Mutex
	generation uint64
	answers    map[string]remembered
}

type remembered struct {
	answer
	id string // of the request that it answered
}

// question is what tells one call that only reads from another; empty: the call writes, or its answer changes with time.
func question(c call) string {
	if !strings.HasPrefix(c.action, "Describe") && !strings.HasPrefix(c.action, "List") {
		return ""
	}
	return string(c.service) + " " + c.asked + " " + c.form.Encode() // which Go sorts
}

// recall returns what was answered to the same question while nothing has changed since.
func (a *AWS) recall(c call) (answer, bool) {
	q := question(c)
	if q == "" || !a.shows() {
		return answer{}, false
	}
	a.said.mu.Lock()
	defer a.said.mu.Unlock()
	r, ok := a.said.answers[q]
	if !ok || a.said.generation != a.Generation() {
		return answer{}, false
	}
	out := answer{status: r.status, header: maps.Clone(r.header), body: bytes.ReplaceAll(r.body, []byte(r.id), []byte(c.requestID))}
	out.header.Set("X-Amzn-Requestid", c.requestID)
	return out, true
}

// keep remembers an answer that was made of what there was at a generation.
func (a *AWS) keep(c call, generation uint64, out answer) {
	q := question(c)
	if q == "" || !a.shows() {
		return
	}
	a.said.mu.Lock()
	defer a.said.mu.Unlock()
	if a.said.generation != generation || a.said.answers == nil {
		a.said.generation, a.said.answers = generation, map[string]remembered{}
	}
	a.said.answers[q] = remembered{out, c.requestID}
}

// shows reports whether describes show all that was written.
func (a *AWS) shows() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.worlds[len(a.worlds)-1].at.After(time.Now())
}
