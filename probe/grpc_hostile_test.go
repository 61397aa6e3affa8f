package probe_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"rrwatch/probe"
)

// grpcSide is a server of HTTP/2 frame by frame.
type grpcSide struct {
	net.Conn
	*http2.Framer
	stream uint32 // of the question
}

// grpcFrames greets as HTTP/2 does, waits for the question and lets then answer it.
func grpcFrames(then func(grpcSide)) func(net.Conn) {
	return func(conn net.Conn) {
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(conn, preface); err != nil {
			return
		}
		f := grpcSide{Conn: conn, Framer: http2.NewFramer(conn, conn)}
		_ = f.WriteSettings()
		for f.stream == 0 {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			if data, ok := frame.(*http2.DataFrame); ok && data.StreamEnded() {
				f.stream = data.StreamID
			}
		}
		then(f)
	}
}

// head sends headers; the last ones end the stream.
func (f grpcSide) head(end bool, pairs ...string) {
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: f.stream, BlockFragment: grpcBlock(pairs...), EndHeaders: true, EndStream: end})
}

func grpcBlock(pairs ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return b.Bytes()
}

func (f grpcSide) begin() { f.head(false, ":status", "200", "content-type", "application/grpc") }

func (f grpcSide) data(b string) { _ = f.WriteData(f.stream, false, []byte(b)) }

func (f grpcSide) finish(code string) { f.head(true, "grpc-status", code) }

// What a message looks like on the wire: a flag, a length, and a field with the
// state.
const (
	grpcServing = "\x00\x00\x00\x00\x02\x08\x01"
	grpcHuge    = "\x00\x7f\xff\xff\xff"
)

type hostility struct {
	talk   func(net.Conn)
	reason probe.Reason
}

// grpcStay holds the connection until the probe has left.
func grpcStay(do func(grpcSide)) func(net.Conn) {
	return grpcFrames(func(f grpcSide) {
		do(f)
		wait(f.Conn)
	})
}

// grpcLeave ends the connection in order.
func grpcLeave(do func(grpcSide)) func(net.Conn) {
	return grpcStay(func(f grpcSide) {
		do(f)
		_ = f.Conn.(*net.TCPConn).CloseWrite()
	})
}

// hostileGRPC are servers that end a question, but not as they should. The
// empty reason: they may.
func hostileGRPC() map[string]hostility {
	page := func(status, kind string) func(net.Conn) {
		return grpcStay(func(f grpcSide) {
			f.head(false, ":status", status, "content-type", kind)
			_ = f.WriteData(f.stream, true, []byte("<h1>hello</h1>"))
		})
	}
	rst := func(code http2.ErrCode) func(net.Conn) {
		return grpcStay(func(f grpcSide) { _ = f.WriteRSTStream(f.stream, code) })
	}
	return map[string]hostility{
		"a plain answer":         {grpcStay(func(f grpcSide) { f.begin(); f.data(grpcServing); f.finish("0") }), ""},
		"closes at once":         {answerAnything(""), probe.Closed},
		"closes after settings":  {grpcLeave(func(grpcSide) {}), probe.Closed},
		"closes in the answer":   {grpcLeave(func(f grpcSide) { f.begin(); f.data(grpcServing[:3]) }), probe.Closed},
		"resets at once":         {reset, probe.Reset},
		"resets after settings":  {grpcFrames(func(f grpcSide) { reset(f.Conn) }), probe.Reset},
		"resets the stream":      {rst(http2.ErrCodeInternal), probe.Reset},
		"cancels the stream":     {rst(http2.ErrCodeCancel), probe.Reset},
		"refuses the stream":     {refusing, probe.Reset},
		"goes away":              {grpcStay(func(f grpcSide) { _ = f.WriteGoAway(0, http2.ErrCodeNo, nil) }), probe.Closed},
		"goes away in anger":     {grpcStay(func(f grpcSide) { _ = f.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, []byte("too_many")) }), probe.Closed},
		"a page instead":         {page("200", "text/html"), probe.Protocol},
		"an error page":          {page("503", "text/html"), probe.Status},
		"not found":              {page("404", "text/plain"), probe.Status},
		"ends without a message": {grpcStay(func(f grpcSide) { f.begin(); f.finish("0") }), probe.Protocol},
		"ends without a status":  {grpcStay(func(f grpcSide) { f.begin(); f.head(true, "a", "b") }), probe.NotServing},
		"two messages":           {grpcStay(func(f grpcSide) { f.begin(); f.data(grpcServing + grpcServing); f.finish("0") }), probe.Protocol},
		"a message of gigabytes": {grpcStay(func(f grpcSide) { f.begin(); f.data(grpcHuge) }), probe.TooLarge},
		"a message of garbage":   {grpcStay(func(f grpcSide) { f.begin(); f.data("\x00\x00\x00\x00\x02\xff\xff"); f.finish("0") }), probe.Protocol},
		"compressed":             {grpcStay(func(f grpcSide) { f.begin(); f.data("\x01" + grpcServing[1:]); f.finish("0") }), probe.Protocol},
		"a status of letters":    {grpcStay(func(f grpcSide) { f.begin(); f.data(grpcServing); f.finish("ok") }), probe.Protocol},
		"a status of the future": {grpcStay(func(f grpcSide) {
			f.head(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "99")
		}), probe.NotServing},
		"a length beyond frames": {grpcStay(func(f grpcSide) { _, _ = f.Write([]byte("\xff\xff\xff\x00\x00\x00\x00\x00\x01")) }), probe.Protocol},
		"headers of megabytes":   {grpcStay(func(f grpcSide) { f.longHead() }), probe.Protocol},
		"endless headers":        {grpcStay(func(f grpcSide) { f.endlessHead() }), probe.Protocol},
		"speaks HTTP/1":          {answerAnything("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), probe.Protocol},
		"speaks TLS":             {answerAnything("\x15\x03\x03\x00\x02\x02\x46"), probe.Protocol},
		"speaks SSH":             {func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.9\r\n"); wait(c) }, probe.Protocol},
		"speaks first, no HTTP":  {func(c net.Conn) { endless(c, "\x00\xff\x1b\n") }, probe.Protocol},
		"zeros":                  {func(c net.Conn) { endless(c, "\x00") }, probe.Protocol},
		"speaks a little SSH":    {func(c net.Conn) { _, _ = io.WriteString(c, "S"); wait(c) }, probe.Protocol},
		"an acknowledgement":     {func(c net.Conn) { _, _ = io.WriteString(c, "\x00\x00\x00\x04\x01\x00\x00\x00\x00"); wait(c) }, probe.Protocol},
	}
}

// refusing refuses every stream, for the library tries a refused one again.
func refusing(conn net.Conn) {
	grpcFrames(func(f grpcSide) {
		for {
			_ = f.WriteRSTStream(f.stream, http2.ErrCodeRefusedStream)
			for {
				frame, err := f.ReadFrame()
				if err != nil {
					return
				}
				if data, ok := frame.(*http2.DataFrame); ok && data.StreamEnded() {
					f.stream = data.StreamID
					break
				}
			}
		}
	})(conn)
}

func (f grpcSide) longHead() {
	const frame = 16 << 10
	b := grpcBlock(":status", "200", "content-type", "application/grpc", "a", strings.Repeat("\x01", 1<<20))
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: f.stream, BlockFragment: b[:frame]})
	for b = b[frame:]; len(b) > frame; b = b[frame:] {
		_ = f.WriteContinuation(f.stream, false, b[:frame])
	}
	_ = f.WriteContinuation(f.stream, true, b)
}

func (f grpcSide) endlessHead() {
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: f.stream, BlockFragment: grpcBlock(":status", "200")})
	more := bytes.Repeat(grpcBlock("a", "b"), 1000)
	for f.WriteContinuation(f.stream, false, more) == nil {
	}
}

func TestNamesWhyAHostileServerHasNoHealth(t *testing.T) {
	for name, c := range hostileGRPC() {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			a := ask(t, probe.GRPC(healthOf("")), serve(t, c.talk), soon)
			if took := time.Since(start); took > soon/2 {
				t.Errorf("took %s, although all was known", took)
			}
			if a.Reason != c.reason || a.Verdict == probe.Inconclusive {
				t.Errorf("got %s, %q (%s), want %q", a.Verdict, a.Reason, a.Detail, c.reason)
			}
			if a.Detail == "" {
				t.Error("no detail")
			}
			checkHarmless(t, a.Detail)
		})
	}
}

func TestASlowHealthServerIsGivenUpAtTheDeadline(t *testing.T) {
	t.Parallel()
	const timeout = 300 * time.Millisecond
	for name, talk := range map[string]func(net.Conn){
		"says nothing":     wait,
		"only settings":    grpcFrames(func(f grpcSide) { wait(f.Conn) }),
		"no end":           grpcStay(func(f grpcSide) { f.begin(); f.data(grpcServing) }),
		"endless pings":    grpcFrames(func(f grpcSide) { grpcForever(func() error { return f.WritePing(false, [8]byte{}) }) }),
		"endless settings": grpcFrames(func(f grpcSide) { grpcForever(func() error { return f.WriteSettings() }) }),
		"endless interim": grpcFrames(func(f grpcSide) {
			grpcForever(func() error {
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: f.stream, BlockFragment: grpcBlock(":status", "103"), EndHeaders: true})
			})
		}),
		"endless empty data": grpcFrames(func(f grpcSide) {
			f.begin()
			grpcForever(func() error { return f.WriteData(f.stream, false, nil) })
		}),
		"endless unknown frames": grpcFrames(func(f grpcSide) {
			grpcForever(func() error { return f.WriteRawFrame(0xbe, 0, 0, make([]byte, 1000)) })
		}),
		"a page without end": grpcStay(func(f grpcSide) { f.head(false, ":status", "200", "content-type", "text/html") }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			a := ask(t, probe.GRPC(healthOf("")), serve(t, talk), timeout)
			if a.Reason != probe.AnswerTimeout || time.Since(start) < timeout {
				t.Errorf("got %s, %q (%s) after %s, want %q", a.Verdict, a.Reason, a.Detail, time.Since(start), probe.AnswerTimeout)
			}
		})
	}
}

func grpcForever(write func() error) {
	for write() == nil {
	}
}

// A far side that reads nothing must not hold the probe with what it did not
// take: a pipe takes nothing that is not read.
func TestAHealthServerThatReadsNothingIsGivenUp(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	o := healthOf("")
	o.Dial = func(context.Context, string, string) (net.Conn, error) { return near, nil }
	if a := ask(t, probe.GRPC(o), netip.AddrPort{}, 100*time.Millisecond); a.Reason != probe.AnswerTimeout {
		t.Errorf("got %+v", a)
	}
}

// torn is a connection that was reset when the first is written to it, though
// something may be left to be read: here after the second try.
type torn struct {
	net.Conn
	left  io.Reader
	tries chan struct{}
	gone  context.Context
	close context.CancelFunc
}

func (c torn) Read(b []byte) (int, error) {
	for range 2 {
		select {
		case <-c.tries:
		case <-c.gone.Done():
			return 0, net.ErrClosed
		}
	}
	return c.left.Read(b)
}

func (c torn) Write([]byte) (int, error) {
	select {
	case c.tries <- struct{}{}:
	default:
	}
	return 0, connect(syscall.ECONNRESET)
}

func (c torn) Close() error {
	c.close()
	return nil
}

func TestWhatAServerSaidBeforeItLeftIsHeard(t *testing.T) {
	for left, want := range map[string]string{
		"":                                 "connection reset by the far side", // though the kernel tells a reset once, and a Read finds the end
		"HTTP/1.1 400 Bad Request\r\n\r\n": "the server speaks HTTP/1, not HTTP/2: HTTP/1.1 400 Bad Request",
	} {
		near, far := net.Pipe()
		gone, cancel := context.WithCancel(t.Context())
		o := healthOf("")
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			return torn{near, strings.NewReader(left), make(chan struct{}, 2), gone, cancel}, nil
		}
		if a := ask(t, probe.GRPC(o), netip.AddrPort{}, soon); a.Detail != want {
			t.Errorf("%q: got %+v, want %q", left, a, want)
		}
		cancel()
		far.Close()
	}
}

func FuzzAHealthAnswerIsJudged(f *testing.F) {
	record := func(do func(grpcSide)) []byte {
		var b bytes.Buffer
		side := grpcSide{Framer: http2.NewFramer(&b, nil), stream: 1}
		_ = side.WriteSettings()
		do(side)
		return b.Bytes()
	}
	for _, do := range []func(grpcSide){
		func(s grpcSide) { s.begin(); s.data(grpcServing); s.finish("0") },
		func(s grpcSide) {
			s.head(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "12")
		},
		func(s grpcSide) { s.head(true, ":status", "503") },
		func(s grpcSide) { _ = s.WriteGoAway(0, http2.ErrCodeNo, nil) },
		func(s grpcSide) { _ = s.WriteRSTStream(1, http2.ErrCodeCancel) },
		func(s grpcSide) { _ = s.WritePing(false, [8]byte{}) },
	} {
		f.Add(record(do))
	}
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			go wait(far)
			_, _ = far.Write(text)
		}()
		o := healthOf("")
		o.Dial = func(context.Context, string, string) (net.Conn, error) { return near, nil }
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		a := probe.GRPC(o)(ctx, target(netip.AddrPort{}))
		checkHarmless(t, a.Detail)
		if a.Verdict == probe.Inconclusive || a.Detail == "" || (a.Verdict == probe.Pass) != (a.Reason == "") {
			t.Errorf("got %+v", a)
		}
		if a.Verdict == probe.Pass && !bytes.Contains(text, []byte("\x08\x01")) {
			t.Errorf("passed: %q", text)
		}
	})
}
