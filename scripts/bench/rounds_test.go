package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// actor is a subject that is this process.
type actor struct {
	ill   error
	ended *int
}

func (a actor) pid() int                                   { return os.Getpid() }
func (a actor) stays(context.Context, time.Duration) error { return nil }
func (a actor) healthy(context.Context) error              { return a.ill }
func (a actor) end()                                       { *a.ended++ }

// stage is a match whose server counts ten probes in each window, and the contenders that were started, in their order.
func stage(t *testing.T, rounds int) (m *match, started *[]string, act func(name string, ill ...error) contender, ended *int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("reads a process's use of the machine on Linux only")
	}
	var counted int64
	m = &match{b: bench{log: io.Discard}, name: "test", rounds: rounds, counts: func(context.Context) (int64, error) {
		counted += 10
		return counted, nil
	}}
	started, ended = new([]string), new(int)
	act = func(name string, ill ...error) contender {
		return contender{name: name, rate: 1000, window: 10 * time.Millisecond, start: func(context.Context) (subject, error) {
			*started = append(*started, name)
			a := actor{ended: ended}
			if len(ill) > 0 {
				a.ill, ill = ill[0], ill[1:]
			}
			return a, nil
		}}
	}
	return m, started, act, ended
}

func TestContendersTakeTurns(t *testing.T) {
	m, started, act, ended := stage(t, 3)
	costs, err := m.play(t.Context(), []contender{act("a"), act("b")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "b", "a", "a", "b"}, *started); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if *ended != 6 || len(costs["a"]) != 3 || len(costs["b"]) != 3 || costs["a"][0].probes != 10 {
		t.Errorf("%d ended; costs are %+v", *ended, costs)
	}
	if got := m.thrown(); len(got) != 0 {
		t.Errorf("runs were thrown away: %v", got)
	}
}

func TestASpoiledRunIsPlayedAgainAndTold(t *testing.T) {
	m, started, act, ended := stage(t, 1)
	ill := errors.New("one target is down")
	costs, err := m.play(t.Context(), []contender{act("a"), act("b", ill, ill)})
	if err != nil {
		t.Fatal(err)
	}
	if len(*started) != 4 || *ended != 4 || len(costs["b"]) != 1 {
		t.Errorf("started %v, %d ended; want b three times", *started, *ended)
	}
	want := []figure{{Name: "test_discarded_b", Value: 2, Unit: "runs"}}
	if diff := cmp.Diff(want, m.thrown()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAContenderThatIsAlwaysSpoiledIsAnError(t *testing.T) {
	m, started, act, _ := stage(t, 1)
	ill := errors.New("one target is down")
	if _, err := m.play(t.Context(), []contender{act("a", ill, ill, ill, ill)}); !errors.Is(err, ill) || len(*started) != attempts {
		t.Errorf("started %d times, error %v", len(*started), err)
	}
}

func TestAnExtraContenderThatIsAlwaysSpoiledIsLeftOut(t *testing.T) {
	m, started, act, _ := stage(t, 3)
	ill := errors.New("one target is down")
	extra := act("b", nil, ill, ill, ill)
	extra.extra = true
	costs, err := m.play(t.Context(), []contender{act("a"), extra})
	if err != nil {
		t.Fatal(err)
	}
	if _, there := costs["b"]; there || len(costs["a"]) != 3 {
		t.Errorf("costs are %+v, want three of a alone", costs)
	}
	if diff := cmp.Diff([]string{"a", "b", "b", "b", "b", "a", "a"}, *started); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWhoDoesLessThanAskedIsNotCheap(t *testing.T) {
	m, _, act, _ := stage(t, 1)
	lazy := act("lazy")
	lazy.rate = 2000
	if _, err := m.play(t.Context(), []contender{lazy}); !errors.Is(err, errSpoiled) {
		t.Errorf("got %v, want that 10 probes are not 20", err)
	}
}

func TestWhatCannotStartIsNotTriedAgain(t *testing.T) {
	m, _, _, _ := stage(t, 1)
	tries := 0
	missing := contender{name: "haproxy", start: func(context.Context) (subject, error) {
		tries++
		return nil, errNoHAProxy
	}}
	if _, err := m.play(t.Context(), []contender{missing}); !errors.Is(err, errNoHAProxy) || tries != 1 {
		t.Errorf("%d tries, error %v", tries, err)
	}
}

func TestTheRecorderCountsOnlyWhatIsMeasured(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs all of 127.0.0.0/8")
	}
	server, err := record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.close()
	var hits []hit
	for _, to := range []netip.Addr{firstTarget(), noiseTarget()} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", net.JoinHostPort(to.String(), strconv.Itoa(server.port)))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		began := len(hits)
		for end := time.Now().Add(answerWithin); len(hits) == began && time.Now().Before(end); hits = append(hits, server.take()...) {
			runtime.Gosched()
		}
	}
	if len(hits) != 2 || hits[0].to != firstTarget() || hits[1].to != noiseTarget() {
		t.Errorf("recorded %v", hits)
	}
	if n, err := server.count(t.Context()); n != 1 || err != nil {
		t.Errorf("counted %d, error %v; want 1", n, err)
	}
}
