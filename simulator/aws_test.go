package simulator_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"rrwatch/simulator"
)

const (
	first, second = "i-0a000000000000001", "i-0b000000000000002"
	standby, dead = "i-0c000000000000003", "i-0d000000000000004"
	allocation    = "eipalloc-0a000000000000001"
	zoneID        = "Z0EXAMPLE"
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

// account returns an account with two carriers, a standby with an address of its own, and a stopped instance.
func account(o simulator.Options) *simulator.AWS {
	a := simulator.New(o)
	pool := map[string]string{"pool": "www"}
	a.AddInstance(simulator.Instance{ID: first, Name: "lb-1", Zone: "eu-central-1a", Private: ip("10.0.1.11"), Tags: pool})
	a.AddInstance(simulator.Instance{ID: second, Name: "lb-2", Zone: "eu-central-1b", Private: ip("10.0.2.12"), Tags: pool})
	a.AddInstance(simulator.Instance{ID: standby, Name: "lb-3", Private: ip("10.0.1.13"), Public: ip("198.51.100.3"), Tags: pool})
	a.AddInstance(simulator.Instance{ID: dead, Name: "old", Private: ip("10.0.1.14"), Public: ip("198.51.100.4"), State: "stopped"})
	a.AddAddress(simulator.Address{IP: ip("203.0.113.11"), Allocation: allocation, Instance: first, Tags: map[string]string{"site": "www"}})
	a.AddAddress(simulator.Address{IP: ip("203.0.113.12"), Instance: second})
	a.AddAddress(simulator.Address{IP: ip("203.0.113.13")})
	a.AddZone(simulator.Zone{ID: zoneID, Name: "Example.com."})
	return a
}

// sdk configures the real SDK for a simulator in memory.
func sdk(a *simulator.AWS) aws.Config {
	return aws.Config{
		Region:       "eu-central-1",
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "not a secret", ""),
		HTTPClient:   &http.Client{Transport: a.Transport()},
		BaseEndpoint: aws.String("http://aws.test"),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// overTCP configures the real SDK for a simulator behind a socket.
func overTCP(t *testing.T, a *simulator.AWS) aws.Config {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	c := sdk(a)
	c.HTTPClient, c.BaseEndpoint = server.Client(), aws.String(server.URL)
	return c
}

// wantCode fails the test unless AWS refused with a code.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok || refused.ErrorCode() != code {
		t.Errorf("got %v, want the code %s", err, code)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func carrier(a *simulator.AWS, address string) string {
	i, _ := a.Carrier(ip(address))
	return i.ID
}

func TestTheRealSDKReachesEveryServiceOverTCPAndInMemory(t *testing.T) {
	for name, config := range map[string]func(*simulator.AWS) aws.Config{
		"tcp":    func(a *simulator.AWS) aws.Config { return overTCP(t, a) },
		"memory": sdk,
	} {
		t.Run(name, func(t *testing.T) {
			c := config(account(simulator.Options{}))
			who := must[*sts.GetCallerIdentityOutput](t)(sts.NewFromConfig(c).GetCallerIdentity(t.Context(), nil))
			if *who.Account != "123456789012" || *who.Arn != "arn:aws:iam::123456789012:user/rrwatch" {
				t.Errorf("got %s, %s", *who.Account, *who.Arn)
			}
			eips := must[*ec2.DescribeAddressesOutput](t)(ec2.NewFromConfig(c).DescribeAddresses(t.Context(), nil))
			if len(eips.Addresses) != 3 {
				t.Errorf("got %d addresses, want 3", len(eips.Addresses))
			}
			zones := must[*route53.ListHostedZonesOutput](t)(route53.NewFromConfig(c).ListHostedZones(t.Context(), nil))
			if len(zones.HostedZones) != 1 || *zones.HostedZones[0].Name != "example.com." {
				t.Errorf("got %+v", zones.HostedZones)
			}
			_, err := ec2.NewFromConfig(c).DescribeVpcs(t.Context(), nil)
			wantCode(t, err, "InvalidAction")
			_, err = route53.NewFromConfig(c).ListHealthChecks(t.Context(), nil)
			wantCode(t, err, "UnknownOperationException")
		})
	}
}

func TestRefusesACallWithoutCredentials(t *testing.T) {
	a := account(simulator.Options{})
	for path, code := range map[string]string{
		"/?Action=DescribeAddresses&Version=2016-11-15": "<Code>MissingAuthenticationToken</Code>",
		"/2013-04-01/hostedzone":                        "<Code>MissingAuthenticationToken</Code>",
	} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != http.StatusForbidden || !contains(w.Body.String(), code) {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
	}
	c := sdk(a)
	c.Region = "us-west-2"
	_, err := ec2.NewFromConfig(c).DescribeAddresses(t.Context(), nil)
	wantCode(t, err, "AuthFailure")
	if got := a.Calls(); len(got) != 0 {
		t.Errorf("counted %v", got)
	}
}

func TestTheSDKWaitsOutThrottlingInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Latency: 100 * time.Millisecond})
		a.Throttle("DescribeAddresses", 2)
		c := sdk(a)
		c.Retryer = nil // the SDK's standard one: three attempts
		begun := time.Now()
		if _, err := ec2.NewFromConfig(c).DescribeAddresses(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took < 300*time.Millisecond {
			t.Errorf("three calls of 100 ms took %v", took)
		}
		if diff := cmp.Diff(map[string]int{"DescribeAddresses": 3}, a.Calls()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestALostAnswerTookEffect(t *testing.T) {
	for name, config := range map[string]func(*simulator.AWS) aws.Config{
		"tcp":    func(a *simulator.AWS) aws.Config { return overTCP(t, a) },
		"memory": sdk,
	} {
		t.Run(name, func(t *testing.T) {
			a := account(simulator.Options{})
			a.LoseAnswer("AssociateAddress", 1)
			_, err := associate(t, config(a), standby, true)
			if _, refused := errors.AsType[smithy.APIError](err); err == nil || refused {
				t.Errorf("got %v, want a broken connection", err)
			}
			if got := carrier(a, "203.0.113.11"); got != standby {
				t.Errorf("routed to %q", got)
			}
			if _, err := associate(t, config(a), standby, true); err != nil {
				t.Errorf("the second answer is not lost: %v", err)
			}
		})
	}
}

func TestFaultsAreSwitchable(t *testing.T) {
	a := account(simulator.Options{})
	c := sdk(a)
	eips, dns := ec2.NewFromConfig(c), route53.NewFromConfig(c)
	describe := func() error {
		_, err := eips.DescribeAddresses(t.Context(), nil)
		return err
	}
	zones := func() error {
		_, err := dns.ListHostedZones(t.Context(), nil)
		return err
	}

	a.Deny("DescribeAddresses")
	a.Deny("ListHostedZones")
	wantCode(t, describe(), "UnauthorizedOperation")
	wantCode(t, zones(), "AccessDenied")
	a.Allow("DescribeAddresses")
	a.Allow("ListHostedZones")

	a.Throttle("DescribeAddresses", 1)
	a.Throttle("ListHostedZones", 1)
	wantCode(t, describe(), "RequestLimitExceeded")
	wantCode(t, zones(), "Throttling")

	a.Down(true)
	wantCode(t, describe(), "Unavailable")
	wantCode(t, zones(), "ServiceUnavailable")
	a.Down(false)
	if err := errors.Join(describe(), zones()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]int{"DescribeAddresses": 4, "ListHostedZones": 4}, a.Calls()); diff != "" {
		t.Error(diff)
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Latency: time.Minute})
		ctx, cancel := contextWithTimeout(t, time.Second)
		defer cancel()
		begun := time.Now()
		_, err := ec2.NewFromConfig(sdk(a)).StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{first}})
		if err == nil || time.Since(begun) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(begun))
		}
		if i := a.Instances()[0]; i.State != "running" {
			t.Errorf("the call that was given up made it %s", i.State)
		}
	})
}

func TestLargeAnswersArriveWholeAndAtOnce(t *testing.T) {
	a := simulator.New(simulator.Options{})
	for n := range 20 {
		a.AddInstance(simulator.Instance{ID: "i-" + strconv.Itoa(n), Private: ip("10.0.0.1")})
	}
	c := overTCP(t, a)
	c.Retryer = nil // the SDK's standard one: it repeats a call whose answer is lost
	client := ec2.NewFromConfig(c)
	for range 100 {
		out := must[*ec2.DescribeInstancesOutput](t)(client.DescribeInstances(t.Context(), nil))
		if len(out.Reservations) != 20 {
			t.Fatalf("got %d instances, want 20", len(out.Reservations))
		}
	}
	if lost := a.Calls()["DescribeInstances"] - 100; lost > 5 {
		t.Errorf("the SDK lost %d of 100 answers", lost)
	}
}

func TestChangedIsClosedByEveryChangeThatShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Move: 5 * time.Second, Sync: time.Minute})
		within := func(what string, want time.Duration, change func()) {
			t.Helper()
			changed, begun := a.Changed(), time.Now()
			change()
			<-changed
			if took := time.Since(begun); took != want {
				t.Errorf("%s showed after %v, want %v", what, took, want)
			}
		}
		within("a wiring by hand", 0, func() { a.Associate(ip("203.0.113.13"), standby) })
		within("a state", 0, func() { a.SetInstanceState(first, "stopped") })
		within("a record by hand", 0, func() { a.SetRecord(zoneID, simulator.RecordSet{Name: "www.example.com", Type: "A"}) })
		within("a move", 5*time.Second, func() { must[*ec2.AssociateAddressOutput](t)(associate(t, sdk(a), second, true)) })
		within("a record", time.Minute, func() {
			must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, sdk(a), upsert(simple("a", 60, "192.0.2.1"))))
		})
	})
}

func TestMistakesInTheWiringPanic(t *testing.T) {
	a := account(simulator.Options{})
	for name, mistake := range map[string]func(){
		"address":  func() { a.Associate(ip("192.0.2.1"), first) },
		"instance": func() { a.Associate(ip("203.0.113.11"), "i-none") },
		"state":    func() { a.SetInstanceState("i-none", "stopped") },
		"zone":     func() { a.SetRecord("ZNONE", simulator.RecordSet{}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("did not panic")
				}
			}()
			mistake()
		})
	}
	if got := carrier(a, "203.0.113.11"); got != first { // and holds no lock afterwards
		t.Errorf("routed to %q", got)
	}
}

func associate(t *testing.T, c aws.Config, to string, again bool) (*ec2.AssociateAddressOutput, error) {
	return ec2.NewFromConfig(c).AssociateAddress(t.Context(), &ec2.AssociateAddressInput{
		AllocationId: aws.String(allocation), InstanceId: aws.String(to), AllowReassociation: aws.Bool(again),
	})
}

func filters(name string, values ...string) []ec2types.Filter {
	return []ec2types.Filter{{Name: aws.String(name), Values: values}}
}

// wantMessage fails the test unless AWS refused with a message.
func wantMessage(t *testing.T, err error, message string) {
	t.Helper()
	if refused, ok := errors.AsType[smithy.APIError](err); !ok || refused.ErrorMessage() != message {
		t.Errorf("got %v, want the message %q", err, message)
	}
}
