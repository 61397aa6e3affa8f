package route53_test

import (
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/route53"
	"rrwatch/simulator"
)

func TestOfSeveralZonesOfANameTheOnlyPublicOneIsMeant(t *testing.T) {
	a := account(simulator.Options{})
	a.AddZone(simulator.Zone{ID: "Z0AINSIDE", Name: "example.com", Private: true})
	a.AddZone(simulator.Zone{ID: "Z0ZINSIDE", Name: "example.com", Private: true})
	got := must[failover.Published](t)(open(a).Read(t.Context(), "example.com", "www.example.com"))
	if got.ZoneID != zone || got.Private {
		t.Errorf("read %+v", got)
	}
	a.SetRecord("Z0ZINSIDE", simulator.RecordSet{Name: "www.example.com", Type: "A", TTL: 60, Values: []string{"10.0.0.1"}})
	got = must[failover.Published](t)(open(a).Read(t.Context(), "Z0ZINSIDE", "www.example.com"))
	if !got.Private || got.Sets[0].Values[0] != "10.0.0.1" {
		t.Errorf("read %+v", got)
	}
}

func TestAPrivateZoneThatIsTheOnlyOneOfItsNameIsMeant(t *testing.T) {
	a := account(simulator.Options{})
	a.AddZone(simulator.Zone{ID: "Z0INSIDE", Name: "internal.example", Private: true})
	a.SetRecord("Z0INSIDE", simulator.RecordSet{Name: "www.internal.example", Type: "A", TTL: 60, Values: []string{"10.0.0.1"}})
	got := must[failover.Published](t)(open(a).Read(t.Context(), "internal.example", "www.internal.example"))
	if got.ZoneID != "Z0INSIDE" || !got.Private {
		t.Errorf("read %+v", got)
	}
}

func TestWhatAZoneIsIsReadOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		a.AddZone(simulator.Zone{ID: "Z0INSIDE", Name: "internal.example", Private: true})
		a.SetRecord("Z0INSIDE", simulator.RecordSet{Name: "www.internal.example", Type: "A", TTL: 60, Values: []string{"10.0.0.1"}})
		c := open(a)
		read := func(times int, want int) {
			t.Helper()
			for range times {
				if got := must[failover.Published](t)(c.Read(t.Context(), "Z0INSIDE", "www.internal.example")); !got.Private {
					t.Errorf("got %+v", got)
				}
				time.Sleep(time.Minute)
			}
			if n := a.Calls()["GetHostedZone"]; n != want {
				t.Errorf("GetHostedZone was called %d times, want %d", n, want)
			}
		}
		read(59, 1)
		read(2, 2)
		time.Sleep(time.Hour)
		a.Throttle("GetHostedZone", 100)
		if got := must[failover.Published](t)(c.Read(t.Context(), "Z0INSIDE", "www.internal.example")); !got.Private || a.Calls()["GetHostedZone"] < 3 {
			t.Errorf("when it cannot be read anew: %+v, after %v", got, a.Calls())
		}
		time.Sleep(time.Minute)
		a.Throttle("GetHostedZone", 0)
		read(1, a.Calls()["GetHostedZone"]+1)
	})
}

func TestReadsWithoutThePermissionToReadTheZone(t *testing.T) {
	a := account(simulator.Options{})
	a.Deny("GetHostedZone")
	c := open(a)
	for range 3 {
		if got := must[failover.Published](t)(c.Read(t.Context(), zone, "www.example.com")); got.Private || len(got.Sets) != 4 {
			t.Errorf("got %+v", got)
		}
	}
	if n := a.Calls()["GetHostedZone"]; n != 1 {
		t.Errorf("GetHostedZone was called %d times", n)
	}
}

// A private zone is confirmed by INSYNC, and by the servers that were given.
func TestConfirmsAPrivateZoneByGivenServersOnly(t *testing.T) {
	a := account(simulator.Options{})
	a.AddZone(simulator.Zone{ID: "Z0INSIDE", Name: "internal.example", Private: true})
	was := failover.RecordSet{Name: "www.internal.example", Type: "A", TTL: 60, Values: []string{"10.0.0.1", "10.0.0.2"}}
	a.SetRecord("Z0INSIDE", simulator.RecordSet{Name: was.Name, Type: was.Type, TTL: was.TTL, Values: was.Values})
	edit := failover.Reweigh{Zone: "Z0INSIDE", Addr: ip("10.0.0.2"), Was: was, Shall: was}
	edit.Shall.Values = was.Values[:1]
	change := must[string](t)(editOne(t, open(a), edit, ""))
	if err := open(a).Confirm(t.Context(), edit, change); err != nil {
		t.Error(err)
	}
	wantNotConfirmed(t, open(a, serve(t, a)), edit, "REFUSED") // the public DNS does not know it
}

func TestAReadThatCannotSucceedSaysWhatToCheck(t *testing.T) {
	_, err := open(account(simulator.Options{})).Read(t.Context(), "Z0NOWHERE", "www.example.com")
	wantText(t, err, "there is no hosted zone of this id in this account: check the id (zone)", "NoSuchHostedZone")
	synctest.Test(t, func(t *testing.T) {
		nobody := roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		})
		_, err := route53.New(route53.SDK(config(nobody)), nil, nil).Read(t.Context(), zone, "www.example.com")
		wantText(t, err, "AWS cannot be reached: check this host's network", "connection refused")
	})
}
