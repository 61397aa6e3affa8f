package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// Step is one step of a conversation. Exactly one of its fields is set.
type Step struct {
	Expect string // a regular expression (RE2) that must match in what the far side says
	Send   string // bytes to send; may be a password, and is never in an answer
	TLS    bool   // make a handshake, and go on within TLS
}

// TalkOptions say what is said over a connection.
type TalkOptions struct {
	Steps []Step
	TLS   TLSOptions // for the step TLS; its Dial is not used
	Dial  Dial
}

// Talk passes when the address accepts a connection and a conversation goes as
// expected, step by step.
//
// An expectation is looked for in all that has come since the match before,
// whenever more comes, up to 64 KiB. ^ and $ match at the ends of lines, and a
// CR before an LF is not seen. A match takes with it all before it and the rest
// of its line, so the next expectation begins with the next line. What follows
// something that was sent begins a line, too: prompts end without one.
func Talk(o TalkOptions) Func {
	o.TLS.protocols = nil // mail servers refuse a client that offers to speak HTTP
	o.TLS.chains = newChains()
	patterns := make([]pattern, len(o.Steps))
	for i, step := range o.Steps {
		var err error
		if patterns[i], err = compilePattern(step.Expect, "m"); err != nil {
			return broken(err)
		}
	}
	return func(ctx context.Context, t Target) Answer {
		w := &talkProbe{TalkOptions: o, patterns: patterns, start: time.Now()}
		return w.ask(ctx, t)
	}
}

// broken answers that a question cannot be asked as it was put.
func broken(err error) Func {
	return func(context.Context, Target) Answer {
		return Answer{Verdict: Inconclusive, Reason: Internal, Detail: clip(err.Error())}
	}
}

// talkProbe is one conversation.
type talkProbe struct {
	TalkOptions
	patterns []pattern // of the steps that expect
	start    time.Time
	phases   Phases
	warning  string
	step     int       // the one that is being taken
	stream   net.Conn  // the connection, or TLS over it
	asked    time.Time // when the far side's turn began
	sent     strings.Builder
	heard    transcript
	data     []byte
}

func (w *talkProbe) ask(ctx context.Context, t Target) Answer {
	conn, err := w.Dial(ctx, "tcp", t.Addr.String())
	w.phases.Whole = time.Since(w.start)
	if err != nil {
		return failed(ctx, dialing, err, w.phases)
	}
	defer abort(conn)
	w.phases.Connect = w.phases.Whole
	stop := bound(ctx, conn)
	defer stop()
	w.stream, w.asked, w.data = conn, time.Now(), make([]byte, 4096)
	for w.step = range w.Steps {
		if a := w.take(ctx, w.Steps[w.step]); a.Verdict != Pass {
			return a
		}
	}
	return w.judged(Pass, "", "")
}

// take takes one step. Every answer but Pass ends the conversation.
func (w *talkProbe) take(ctx context.Context, step Step) Answer {
	switch {
	case step.TLS:
		return w.secure(ctx)
	case step.Send != "":
		return w.send(ctx, step.Send)
	}
	return w.expect(ctx, w.patterns[w.step])
}

func (w *talkProbe) send(ctx context.Context, text string) Answer {
	w.sent.WriteString(text)
	if _, err := io.WriteString(w.stream, text); err != nil {
		return w.failed(ctx, asking, err)
	}
	w.asked = time.Now()
	w.heard.skip = false
	return Answer{Verdict: Pass}
}

func (w *talkProbe) expect(ctx context.Context, p pattern) Answer {
	for {
		found, limit := w.heard.find(p)
		switch {
		case found:
			return Answer{Verdict: Pass}
		case limit != nil:
			return w.unmet(Text, p, limit.Error())
		}
		n, err := w.stream.Read(w.data)
		if n > 0 && w.phases.FirstByte == 0 {
			w.phases.FirstByte = time.Since(w.asked)
		}
		w.heard.add(w.data[:n])
		if n == 0 && err != nil {
			return w.ended(ctx, p, err)
		}
	}
}

// ended is what it means that nothing more comes.
func (w *talkProbe) ended(ctx context.Context, p pattern, err error) Answer {
	w.phases.Whole = time.Since(w.start)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
	case isTimeout(err) && len(w.heard.text) > 0:
		return w.unmet(Text, p, "within "+round(w.phases.Whole))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return w.unmet(Closed, p, "before the far side closed the connection")
	}
	return w.failed(ctx, asking, err)
}

// unmet says what came instead of what was expected.
func (w *talkProbe) unmet(why Reason, p pattern, where string) Answer {
	detail := fmt.Sprintf("nothing matched %s %s", p, where)
	if line := lastLine(w.heard.text); len(line) > 0 {
		detail += ", there came " + excerptOf(line, w.sent.String())
	}
	return w.judged(Fail, why, detail)
}

// secure goes on within TLS. What comes in plain text after the far side agreed
// to it was said by somebody else on the way, or the step before it expects too
// little: no client may take it for an answer within TLS (RFC 3207 section 5).
func (w *talkProbe) secure(ctx context.Context) Answer {
	if text := w.heard.text; len(text) > 0 {
		return w.judged(Fail, Protocol, "before TLS began there came "+excerptOf(lastLine(text), w.sent.String()))
	}
	stream := w.stream
	if w.heard.skip {
		stream = &lineEnder{Conn: stream}
	}
	began := time.Now()
	secured, err := handshake(ctx, stream, w.TLS)
	if err != nil {
		return w.failed(ctx, handshaking, err)
	}
	w.phases.TLS += time.Since(began)
	w.warning = secured.chain.warning(time.Now(), w.TLS.WarnDays)
	w.stream, w.asked, w.heard = secured, time.Now(), transcript{}
	return Answer{Verdict: Pass}
}

func (w *talkProbe) judged(v Verdict, why Reason, detail string) Answer {
	w.phases.Whole = time.Since(w.start)
	return w.placed(Answer{Verdict: v, Reason: why, Detail: detail, Phases: w.phases})
}

func (w *talkProbe) failed(ctx context.Context, at stage, err error) Answer {
	w.phases.Whole = time.Since(w.start)
	return w.placed(failed(ctx, at, err, w.phases))
}

// placed says in which step a conversation failed.
func (w *talkProbe) placed(a Answer) Answer {
	a.Warning = w.warning
	if a.Verdict == Fail {
		a.Detail = clip(fmt.Sprintf("step %d of %d: %s", w.step+1, len(w.Steps), a.Detail))
	}
	return a
}

// lineEnder drops the rest of a line that is still to come before TLS begins,
// when the expectation before it met only the line's beginning. There may be no
// rest: no line of text begins with the type of a TLS record (RFC 8446 section
// 5.1).
type lineEnder struct {
	net.Conn
	dropped int
	over    bool
}

// Read reads what comes after the line.
func (c *lineEnder) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if c.over || n == 0 || b[0] >= 20 && b[0] <= 23 {
			c.over = c.over || n > 0
			return n, err
		}
		var after []byte
		_, after, c.over = bytes.Cut(b[:n], []byte("\n"))
		if c.dropped += n; c.dropped > transcriptLimit {
			return 0, errLineLimit
		}
		if len(after) > 0 || err != nil {
			return copy(b, after), err
		}
	}
}
