package monitor

import (
	"math"
	"time"

	"rrwatch/probe"
)

// recorderSize is how many of a target's last results are kept.
const recorderSize = 16

// recorder is the flight recorder of one target: a ring of its last results,
// small because there are thousands of targets.
type recorder struct {
	ring [recorderSize]trace
	n    uint32 // results added, round and round
}

// trace is a result without what the target's other results say too.
type trace struct {
	at                             int64 // Unix time in nanoseconds
	connect, tls, firstByte, whole span
	said                           *said
}

// span is a time in 16 bits, to a thousandth of itself: microseconds, shifted
// right (5 bits say how far) until 11 bits hold them. The longest is 50 days.
type span uint16

func spanOf(d time.Duration) span {
	us, shift := max(d.Microseconds(), 0), 0
	for us >= 1<<11 && shift < 31 {
		us, shift = us>>1, shift+1
	}
	return span(shift<<11) | span(min(us, 1<<11-1))
}

func (s span) duration() time.Duration {
	return time.Duration(s&(1<<11-1)) << (s >> 11) * time.Microsecond
}

// said is what an answer says, shared by the answers that say the same.
type said struct {
	verdict                  probe.Verdict
	reason                   probe.Reason
	detail, warning, vantage string
}

// add keeps a result. latest is what any target's latest answer said, for all
// that are well say the same.
func (c *recorder) add(r probe.Result, latest **said) {
	says := said{r.Verdict, r.Reason, r.Detail, r.Warning, r.Vantage}
	t := trace{
		at: r.At.UnixNano(), connect: spanOf(r.Phases.Connect), tls: spanOf(r.Phases.TLS),
		firstByte: spanOf(r.Phases.FirstByte), whole: spanOf(r.Phases.Whole),
	}
	if c.n > 0 {
		if last := c.ring[(c.n-1)%recorderSize].said; *last == says {
			t.said = last
		}
	}
	if t.said == nil && *latest != nil && **latest == says {
		t.said = *latest
	}
	if t.said == nil {
		t.said = &says
	}
	*latest = t.said
	c.ring[c.n%recorderSize] = t
	if c.n++; c.n == 0 {
		c.n = recorderSize // all of them are in use, and will be
	}
}

// results are the kept ones, oldest first. Their phases are to a thousandth.
func (c *recorder) results(t probe.Target) []probe.Result {
	kept := min(c.n, recorderSize)
	list := make([]probe.Result, 0, kept)
	for i := c.n - kept; i < c.n; i++ {
		trace := c.ring[i%recorderSize]
		list = append(list, probe.Result{
			Target: t, Vantage: trace.said.vantage, At: time.Unix(0, trace.at),
			Answer: probe.Answer{
				Verdict: trace.said.verdict, Reason: trace.said.reason, Detail: trace.said.detail, Warning: trace.said.warning,
				Phases: probe.Phases{
					Connect: trace.connect.duration(), TLS: trace.tls.duration(),
					FirstByte: trace.firstByte.duration(), Whole: trace.whole.duration(),
				},
			},
		})
	}
	return list
}

// habit is how long a target takes to answer, as counts of its passes by their
// time: of recent ones more than of old ones, for all counts are halved when one
// is full.
type habit [habitSteps]uint8

// The steps of a habit: the first is of answers within habitLeast, each further
// one of half as long again; the last, from half a minute on, has no end.
const (
	habitSteps = 28
	habitLeast = time.Millisecond
)

// add counts an answer that took so long.
func (h *habit) add(took time.Duration) {
	step, end := 0, habitLeast
	for step < habitSteps-1 && took > end {
		step, end = step+1, end+end/2
	}
	if h[step] == math.MaxUint8 {
		for i := range h {
			h[i] /= 2
		}
	}
	h[step]++
}

// usual is the time within which 99 % of the recent answers came, rounded up to
// the end of its step; 0 before the first answer.
func (h *habit) usual() time.Duration {
	total := 0
	for _, n := range h {
		total += int(n)
	}
	seen, end := 0, habitLeast
	for _, n := range h {
		seen += int(n)
		if seen*100 >= total*99 {
			break
		}
		end += end / 2
	}
	if total == 0 {
		return 0
	}
	return end
}
