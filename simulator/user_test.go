package simulator

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// runUser runs a user until the test calls the returned function, which gives the last report.
func runUser(t *testing.T, u *User) (stop func() Report) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { u.Run(ctx) })
	return func() Report {
		cancel()
		wg.Wait()
		return u.Report()
	}
}

func TestAUserMeasuresAnOutage(t *testing.T) {
	for _, fault := range []Fault{FaultKill, FaultHang, FaultStop, Fault503} {
		t.Run(string(fault), func(t *testing.T) {
			inNetwork(t, func(t *testing.T, _ *AWS, n *Network) {
				u := &User{Name: "www.example.test", Port: 80, Sticky: netip.MustParseAddr(eip1), Dial: n.DialContext}
				stop := runUser(t, u)
				start := time.Now()
				time.Sleep(2*time.Second - 10*time.Millisecond) // requests start at every even 20 ms
				if err := n.Break("lb-a1", fault); err != nil {
					t.Fatal(err)
				}
				time.Sleep(4 * time.Second)
				if err := n.Heal("lb-a1"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(4*time.Second + 11*time.Millisecond)
				got := stop()
				if got.Reason == "" {
					t.Error("no reason")
				}
				got.Reason = ""
				want := Report{
					Requests: 501, Failed: 200, Outages: 1, Outage: 4 * time.Second, MaxGap: 4*time.Second + 20*time.Millisecond,
					From: start.Add(2 * time.Second), To: start.Add(6 * time.Second),
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

func TestTenGoodAnswersInARowEndAnOutage(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	var c tally
	// x fails, o is answered; one a second.
	for n, r := range "ooxxooooxoooooooooooox" {
		var err error
		if r == 'x' {
			err = errors.New("refused")
		}
		c.add(try{n: n, from: at(n), to: at(n), err: err})
	}
	want := Report{
		Requests: 22, Failed: 4, Outages: 2, Outage: 7 * time.Second, From: at(2), To: at(9), MaxGap: 3 * time.Second, Reason: "refused",
	}
	if d := cmp.Diff(want, c.report()); d != "" {
		t.Error(d)
	}
	// The second outage goes on and becomes the longest.
	c.add(try{n: 22, from: at(22), to: at(32), err: errors.New("timeout")})
	want = Report{Requests: 23, Failed: 5, Outages: 2, Outage: 11 * time.Second, From: at(21), MaxGap: 3 * time.Second, Reason: "timeout"}
	if d := cmp.Diff(want, c.report()); d != "" {
		t.Error(d)
	}
}

func TestAUserDoesNotCountWhatTheEndCutShort(t *testing.T) {
	inNetwork(t, func(t *testing.T, _ *AWS, n *Network) {
		if err := n.Break("lb-a1", FaultHang); err != nil {
			t.Fatal(err)
		}
		u := &User{Name: "www.example.test", Port: 80, Sticky: netip.MustParseAddr(eip1), Dial: n.DialContext}
		stop := runUser(t, u)
		time.Sleep(1500*time.Millisecond + time.Millisecond)
		synctest.Wait()
		start := time.Now()
		// Those of the first 500 ms have had their second.
		if got := stop(); got.Requests != 26 || got.Failed != 26 || time.Since(start) != 0 {
			t.Errorf("counted %+v, stopped in %s", got, time.Since(start))
		}
	})
}

func TestUsersOnRealSockets(t *testing.T) {
	leftOver := goleak.IgnoreCurrent()
	a := twoZones()
	a.AddZone(Zone{ID: "Z1", Name: "example.test"})
	a.SetRecord("Z1", weightedA(eip1, 1))
	a.SetRecord("Z1", weightedA(eip2, 1))
	s := openSite(t, a)
	d, err := ServeDNS(t.Context(), a, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sticky := &User{Name: "www.example.test", Port: s.Port(), Sticky: netip.MustParseAddr(eip1), Every: 5 * time.Millisecond}
	roaming := &User{Name: "www.example.test", Port: s.Port(), DNS: d.Addr(), Every: 5 * time.Millisecond}
	stopSticky, stopRoaming := runUser(t, sticky), runUser(t, roaming)

	requests := func(n int) func() bool {
		from := sticky.Report().Requests
		return func() bool { return sticky.Report().Requests >= from+n }
	}
	eventually(t, "both are served", func() bool { return sticky.Report().Requests > 20 && roaming.Report().Requests > 20 })
	if err := s.Break("lb-a1", FaultKill); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both have seen it", func() bool { return sticky.Report().Failed > 20 && roaming.Report().Failed > 5 })
	a.RemoveRecord("Z1", "www.example.test", "A", eip1)
	eventually(t, "the roaming one goes elsewhere", func() bool { return !roaming.Report().To.IsZero() })
	a.Associate(netip.MustParseAddr(eip1), "i-0a2")
	eventually(t, "the sticky one is served again", func() bool { return !sticky.Report().To.IsZero() })
	failed := sticky.Report().Failed
	eventually(t, "it goes on", requests(20))

	r := stopSticky()
	if r.Failed != failed || r.Outages != 1 || r.Outage <= 0 || r.MaxGap < r.Outage || !strings.Contains(r.Reason, "refused") {
		t.Errorf("the sticky one saw %+v", r)
	}
	if r := stopRoaming(); r.Requests == 0 || r.Failed == r.Requests {
		t.Errorf("the roaming one saw %+v", r)
	}
	d.Close()
	s.Close()
	goleak.VerifyNone(t, leftOver)
}

func TestAUserConnectsToTheNextAddressAsABrowserDoes(t *testing.T) {
	a := twoZones()
	a.AddZone(Zone{ID: "Z1", Name: "example.test"})
	a.SetRecord("Z1", RecordSet{Name: "www.example.test", Type: "A", TTL: 30, Values: []string{eip1, eip2}})
	s := openSite(t, a)
	d, err := ServeDNS(t.Context(), a, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := s.Break("lb-a1", FaultKill); err != nil {
		t.Fatal(err)
	}
	u := &User{Name: "www.example.test", Port: s.Port(), DNS: d.Addr(), Every: 2 * time.Millisecond}
	stop := runUser(t, u)
	eventually(t, "some requests", func() bool { return u.Report().Requests > 30 })
	if r := stop(); r.Failed != 0 {
		t.Errorf("a dead address among living ones fails %d of %d requests: %s", r.Failed, r.Requests, r.Reason)
	}
}
