package probe

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// wire is an ICMP socket whose far side is the test.
type wire struct {
	sent   chan []byte
	came   chan heard
	closed chan struct{}
	once   sync.Once
	refuse error // what send says
}

func newWire() *wire {
	return &wire{sent: make(chan []byte, 100), came: make(chan heard), closed: make(chan struct{})}
}

func (w *wire) send(message []byte, _ netip.Addr) error {
	w.sent <- message
	return w.refuse
}

func (w *wire) receive() (heard, error) {
	select {
	case h := <-w.came:
		return h, nil
	case <-w.closed:
		return heard{}, net.ErrClosed
	}
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

// reply is the reply to a request, from an address.
func reply(t *testing.T, request []byte, from netip.Addr) heard {
	t.Helper()
	m := append([]byte(nil), request...)
	m[0], m[2], m[3] = 0, 0, 0
	binary.BigEndian.PutUint16(m[2:], checksum(m))
	h, ok := parseMessage(false, m, from)
	if !ok {
		t.Fatal("the reply cannot be read")
	}
	return h
}

func site() netip.Addr { return netip.MustParseAddr("192.0.2.1") }

// pinger opens the wires in turn.
func pinger(wires ...*wire) *Pinger {
	id := uint16(99)
	return &Pinger{open: func(bool, netip.Addr) (icmpSocket, uint16, error) {
		w := wires[0]
		wires = wires[1:]
		id++
		return w, id, nil
	}}
}

// pingOnce asks in the background; the channel has the answer.
func pingOnce(ctx context.Context, p *Pinger, timeout time.Duration) <-chan Answer {
	answer := make(chan Answer, 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		answer <- p.ICMP(ICMPOptions{})(ctx, Target{Addr: netip.AddrPortFrom(site(), 0)})
	}()
	return answer
}

func TestNoStrayOrForgedReplyIsTaken(t *testing.T) {
	for name, forge := range map[string]func(h *heard){
		"another id":             func(h *heard) { h.id++ },
		"another number":         func(h *heard) { h.seq++ },
		"another address":        func(h *heard) { h.about = h.about.Next() },
		"another token":          func(h *heard) { h.data = append([]byte{h.data[0] ^ 1}, h.data[1:]...) },
		"no token":               func(h *heard) { h.data = h.data[:tokenSize-1] },
		"trouble of another":     func(h *heard) { h.trouble, h.about = "host unreachable", h.about.Next() },
		"trouble with no number": func(h *heard) { h.trouble, h.data, h.seq = "host unreachable", nil, h.seq+1 },
		"trouble, other token":   func(h *heard) { h.trouble, h.data = "host unreachable", make([]byte, tokenSize) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire()
				p := pinger(w)
				defer p.Close()
				answer := pingOnce(t.Context(), p, time.Second)
				h := reply(t, <-w.sent, site())
				forge(&h)
				w.came <- h
				if a := <-answer; a.Verdict != Fail || a.Reason != AnswerTimeout || a.Detail != "no echo within 1s" {
					t.Errorf("got %+v", a)
				}
			})
		})
	}
}

func TestTheRightReplyIsTakenAfterAForgedOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		p := pinger(w)
		defer p.Close()
		answer := pingOnce(t.Context(), p, time.Second)
		h := reply(t, <-w.sent, site())
		forged := h
		forged.data = make([]byte, len(h.data))
		w.came <- forged
		w.came <- h
		if a := <-answer; a.Verdict != Pass || a.Reason != "" {
			t.Errorf("got %+v", a)
		}
		w.came <- h // one more of the same means nothing to anybody
	})
}

func TestAReplyMustRepeatAllThatWasSent(t *testing.T) {
	for name, alter := range map[string]func(data []byte) []byte{
		"cut short": func(data []byte) []byte { return data[:tokenSize] },
		"altered":   func(data []byte) []byte { data[20] ^= 1; return data },
		"longer":    func(data []byte) []byte { return append(data, 1) },
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWire()
			p := pinger(w)
			defer p.Close()
			answer := pingOnce(t.Context(), p, time.Second)
			h := reply(t, <-w.sent, site())
			h.data = alter(h.data)
			w.came <- h
			if a := <-answer; a.Verdict != Fail || a.Reason != Protocol {
				t.Errorf("%s: got %+v", name, a)
			}
		})
	}
}

func TestEachEchoHasANumberAndATokenOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		p := pinger(w)
		defer p.Close()
		seen := map[string]bool{}
		for range 20 {
			pingOnce(t.Context(), p, time.Second)
			m := <-w.sent
			number, token := string(m[4:8]), string(m[8:16])
			if seen[number] || seen[token] {
				t.Errorf("%x or %x came twice", number, token)
			}
			seen[number], seen[token] = true, true
		}
		time.Sleep(2 * time.Second)
	})
}

func TestTheIDIsChangedAndASocketIsNotHeldForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newWire(), newWire()
		p := pinger(first, second)
		defer p.Close()
		time.Sleep(time.Hour) // nothing is opened before it is needed
		early := pingOnce(t.Context(), p, time.Second)
		was := <-first.sent
		<-early
		time.Sleep(lineLife - 2*time.Second)
		early = pingOnce(t.Context(), p, 5*time.Second) // under way while the id changes
		late := <-first.sent
		time.Sleep(2 * time.Second)
		answer := pingOnce(t.Context(), p, time.Second)
		is := <-second.sent
		if string(was[4:6]) == string(is[4:6]) {
			t.Error("the id is the same")
		}
		first.came <- reply(t, late, site())
		second.came <- reply(t, is, site())
		if a := <-early; a.Verdict != Pass {
			t.Errorf("the reply to the old id was lost: %+v", a)
		}
		if a := <-answer; a.Verdict != Pass {
			t.Errorf("the reply to the new id was lost: %+v", a)
		}
		synctest.Wait()
		select {
		case <-first.closed:
		default:
			t.Error("the old socket is still open")
		}
		time.Sleep(lineLife)
		synctest.Wait()
		select {
		case <-second.closed:
		default:
			t.Error("an idle pinger holds a socket")
		}
	})
}

func TestClosingCutsShortWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		p := pinger(w)
		answer := pingOnce(t.Context(), p, time.Hour)
		<-w.sent
		p.Close()
		for _, a := range []Answer{<-answer, <-pingOnce(t.Context(), p, time.Second)} {
			if a.Verdict != Inconclusive || a.Reason != Cancelled {
				t.Errorf("got %+v", a)
			}
		}
	})
}

func TestSilenceIsNoFailWhenRepliesWereDroppedHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		p := pinger(w)
		defer p.Close()
		answer := pingOnce(t.Context(), p, time.Second)
		<-w.sent
		w.came <- heard{drops: 3}
		if a := <-answer; a.Verdict != Inconclusive || a.Reason != OwnResources || !strings.Contains(a.Detail, "rmem_max") {
			t.Errorf("got %+v", a)
		}
		answer = pingOnce(t.Context(), p, time.Second) // those were dropped before
		<-w.sent
		if a := <-answer; a.Verdict != Fail || a.Reason != AnswerTimeout {
			t.Errorf("got %+v", a)
		}
	})
}

func TestWhatCannotBeSentIsJudgedByItsError(t *testing.T) {
	for _, c := range []struct {
		err     syscall.Errno
		verdict Verdict
		reason  Reason
	}{
		{syscall.ENETUNREACH, Inconclusive, OwnNetwork},
		{syscall.EPERM, Inconclusive, OwnNetwork},
		{syscall.EACCES, Inconclusive, OwnNetwork},
		{syscall.EINVAL, Inconclusive, OwnNetwork},
		{syscall.EMSGSIZE, Inconclusive, OwnNetwork},
		{syscall.ENOBUFS, Inconclusive, OwnResources},
		{syscall.EAGAIN, Inconclusive, OwnResources},
		{syscall.EHOSTUNREACH, Fail, Unreachable},
	} {
		w := newWire()
		w.refuse = c.err
		p := pinger(w)
		a := <-pingOnce(t.Context(), p, time.Second)
		if a.Verdict != c.verdict || a.Reason != c.reason || a.Detail == "" {
			t.Errorf("%v: got %+v", c.err, a)
		}
		p.Close()
	}
	p := &Pinger{open: func(bool, netip.Addr) (icmpSocket, uint16, error) { return nil, 0, syscall.EMFILE }}
	if a := <-pingOnce(t.Context(), p, time.Second); a.Verdict != Inconclusive || a.Reason != OwnResources {
		t.Errorf("without a descriptor: got %+v", a)
	}
}

func TestABrokenSocketIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newWire(), newWire()
		p := pinger(first, second)
		defer p.Close()
		answer := pingOnce(t.Context(), p, time.Second)
		<-first.sent
		first.Close()
		if a := <-answer; a.Verdict != Inconclusive || a.Reason != OwnResources {
			t.Errorf("got %+v", a)
		}
		answer = pingOnce(t.Context(), p, time.Second)
		second.came <- reply(t, <-second.sent, site())
		if a := <-answer; a.Verdict != Pass {
			t.Errorf("got %+v", a)
		}
	})
}

func TestTheKernelsClockIsBelievedWithinReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		p := pinger(w)
		defer p.Close()
		for _, c := range []struct{ stamp, want time.Duration }{
			{20 * time.Millisecond, 20 * time.Millisecond},  // this goroutine ran late
			{-20 * time.Millisecond, 50 * time.Millisecond}, // the clock was set back
			{time.Hour, 50 * time.Millisecond},              // or forward
		} {
			sent := time.Now()
			answer := pingOnce(t.Context(), p, time.Second)
			h := reply(t, <-w.sent, site())
			time.Sleep(50 * time.Millisecond)
			h.at = sent.Add(c.stamp).Round(0)
			w.came <- h
			if a := <-answer; a.Phases.FirstByte != c.want || a.Phases.Whole != c.want {
				t.Errorf("got %+v, want %s", a.Phases, c.want)
			}
		}
	})
}
