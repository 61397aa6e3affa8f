package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// udpLimit is how much of an answer is looked at, in bytes: more than fits into
// a packet of any common network, and little enough for thousands of probes.
const udpLimit = 4 << 10

// UDPOptions say what is sent and what must come back.
type UDPOptions struct {
	Send   string // the datagram's bytes; may be a password, and is never in an answer
	Expect string // a regular expression (RE2) that must match in the answer's first 4 KiB; empty: any answer passes
	Tries  int    // how often the datagram is sent, spread evenly over the time until the deadline; at least 1
	Dial   Dial   // called with the network "udp"
}

// UDP passes when the address answers a datagram as expected. The first answer
// decides. The expression sees bytes: ^ and $ are the ends of the datagram, and
// a dot is any byte.
func UDP(o UDPOptions) Func {
	p, err := compilePattern(o.Expect, "s")
	if err != nil {
		return broken(err)
	}
	return func(ctx context.Context, t Target) Answer {
		w := &udpProbe{UDPOptions: o, pattern: p, start: time.Now()}
		return w.ask(ctx, t)
	}
}

// udpProbe is one question and its answer, from a socket of its own: what comes
// late is nobody's answer.
type udpProbe struct {
	UDPOptions
	pattern pattern
	start   time.Time
	sent    int // datagrams
	phases  Phases
}

func (w *udpProbe) ask(ctx context.Context, t Target) Answer {
	conn, err := w.Dial(ctx, "udp", t.Addr.String())
	if err != nil {
		return w.failed(ctx, dialing, err)
	}
	defer conn.Close()
	stop := bound(ctx, conn)
	defer stop()
	data := make([]byte, udpLimit)
	asked := time.Now()
	n, err := w.exchange(ctx, conn, data)
	if err != nil {
		return w.failed(ctx, asking, err)
	}
	w.phases.FirstByte = time.Since(asked)
	if w.pattern.find(data[:n]) == nil {
		return w.judged(Fail, Text, fmt.Sprintf("nothing matched %s, there came %s", w.pattern, excerptOf(data[:n], w.Send)))
	}
	return w.judged(Pass, "", fmt.Sprintf("answered %d bytes", n))
}

// exchange sends until an answer comes.
func (w *udpProbe) exchange(ctx context.Context, conn net.Conn, data []byte) (int, error) {
	for {
		if _, err := conn.Write([]byte(w.Send)); err != nil {
			return 0, err
		}
		w.sent++
		if err := w.patience(ctx, conn); err != nil {
			return 0, err
		}
		n, err := conn.Read(data)
		if err == nil || !isTimeout(err) || w.sent >= w.Tries {
			return n, err
		}
	}
}

// patience sets how long the answer is waited for before the next try.
func (w *udpProbe) patience(ctx context.Context, conn net.Conn) error {
	if until, ok := ctx.Deadline(); ok {
		if left := w.Tries - w.sent; left > 0 {
			until = until.Add(-until.Sub(w.start) / time.Duration(w.Tries) * time.Duration(left))
		}
		if err := conn.SetReadDeadline(until); err != nil {
			return err
		}
	}
	return ctx.Err() // its end may just have set an earlier one
}

func (w *udpProbe) judged(v Verdict, why Reason, detail string) Answer {
	w.phases.Whole = time.Since(w.start)
	return Answer{Verdict: v, Reason: why, Detail: clip(detail), Phases: w.phases}
}

func (w *udpProbe) failed(ctx context.Context, at stage, err error) Answer {
	w.phases.Whole = time.Since(w.start)
	a := failed(ctx, at, err, w.phases)
	switch {
	case errors.Is(err, syscall.EMSGSIZE):
		return w.judged(Inconclusive, OwnNetwork, fmt.Sprintf("our own network sends no datagram of %d bytes", len(w.Send)))
	case a.Reason == Refused:
		a.Detail = "nobody listens on the port (ICMP port unreachable)"
	case a.Reason == AnswerTimeout:
		a.Detail = fmt.Sprintf("no answer to %s within %s; with UDP a lost one looks like a dead server",
			datagrams(w.sent), round(w.phases.Whole))
	}
	return a
}

func datagrams(n int) string {
	if n == 1 {
		return "a datagram"
	}
	return fmt.Sprintf("%d datagrams", n)
}
