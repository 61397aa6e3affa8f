package eip_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"rrwatch/eip"
	"rrwatch/failover"
	"rrwatch/simulator"
)

const (
	first, second, standby, stopped = "i-0a1", "i-0b2", "i-0c3", "i-0d4"

	allocation = "eipalloc-0a1"
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

// account has two carriers, a standby, a stopped instance, an address that nothing carries and one that a service owns.
func account(o simulator.Options) *simulator.AWS {
	a := simulator.New(o)
	pool := map[string]string{"pool": "www", "tier": "edge"}
	a.AddInstance(simulator.Instance{ID: first, Name: "lb-1", Zone: "eu-central-1a", Private: ip("10.0.1.11"), Tags: pool})
	a.AddInstance(simulator.Instance{ID: second, Name: "lb-2", Zone: "eu-central-1b", Private: ip("10.0.2.12"), Tags: pool})
	a.AddInstance(simulator.Instance{ID: standby, Name: "lb-3", Zone: "eu-central-1a", Private: ip("10.0.1.13"), Tags: pool})
	a.AddInstance(simulator.Instance{ID: stopped, Name: "old", Private: ip("10.0.1.14"), State: "stopped"})
	a.AddAddress(simulator.Address{IP: ip("203.0.113.11"), Allocation: allocation, Instance: first})
	a.AddAddress(simulator.Address{IP: ip("203.0.113.12"), Allocation: "eipalloc-0b2", Instance: second})
	a.AddAddress(simulator.Address{IP: ip("203.0.113.13"), Allocation: "eipalloc-0c3"})
	a.AddAddress(simulator.Address{IP: ip("203.0.113.14"), Allocation: "eipalloc-0d4", ServiceManaged: "alb"})
	return a
}

// config is the real SDK's configuration for a simulator in memory.
func config(a http.RoundTripper) aws.Config {
	return aws.Config{
		Region:       "eu-central-1",
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "not a secret", ""),
		HTTPClient:   &http.Client{Transport: a},
		BaseEndpoint: aws.String("http://aws.test"),
	}
}

func open(a *simulator.AWS) *eip.Client { return eip.New(eip.Clients(config(a.Transport()))) }

// change is a hook before a call: it can change the world between what is read and what is done.
type change func(action string)

// before calls a hook ahead of every call of the SDK.
func before(a *simulator.AWS, hook change) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		hook(formOf(r).Get("Action"))
		return a.Transport().RoundTrip(r)
	})
}

// formOf is what a request asks, which can still be sent on; nothing if it cannot be read.
func formOf(r *http.Request) url.Values {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	return form
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func carrier(a *simulator.AWS, addr string) string {
	for _, d := range a.Addresses() {
		if d.IP == ip(addr) {
			return d.Instance
		}
	}
	return "no such address"
}

// wantRefusal fails the test unless err is a refusal by guard that says text.
func wantRefusal(t *testing.T, err error, guard failover.Guard, text string) {
	t.Helper()
	refusal, ok := errors.AsType[*failover.Refusal](err)
	if !ok {
		t.Fatalf("got %v, want a refusal by %s", err, guard)
	}
	if refusal.Guard != guard || !strings.Contains(refusal.Text, text) {
		t.Errorf("got %s: %s\nwant %s: …%s…", refusal.Guard, refusal.Text, guard, text)
	}
}

func wantText(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("got no error")
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got %v\nwant …%s…", err, text)
		}
	}
}

func TestMovesAnAddressOverTCPAndInMemory(t *testing.T) {
	for name, connect := range map[string]func(*simulator.AWS) aws.Config{
		"memory": func(a *simulator.AWS) aws.Config { return config(a.Transport()) },
		"tcp": func(a *simulator.AWS) aws.Config {
			server := httptest.NewServer(a)
			t.Cleanup(server.Close)
			c := config(server.Client().Transport)
			c.BaseEndpoint = aws.String(server.URL)
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := account(simulator.Options{})
			c := eip.New(eip.Clients(connect(a)))
			if err := move(t.Context(), c, plan()); err != nil {
				t.Fatal(err)
			}
			if got := carrier(a, "203.0.113.11"); got != standby {
				t.Errorf("carried by %s, want %s", got, standby)
			}
			if n := a.Calls()["AssociateAddress"]; n != 1 {
				t.Errorf("%d calls of AssociateAddress, want 1", n)
			}
		})
	}
}

func TestSaysWhatToDoWithoutCredentials(t *testing.T) {
	cfg := config(account(simulator.Options{}).Transport())
	cfg.Credentials = aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no EC2 IMDS role found")
	}))
	_, _, err := read(t.Context(), eip.New(eip.Clients(cfg)), []netip.Addr{ip("203.0.113.11")}, failover.Selector{})
	wantText(t, err, "no AWS credentials found", "AWS_ACCESS_KEY_ID", "aws.profile")
	if strings.Contains(err.Error(), "not a secret") {
		t.Errorf("the error tells the secret: %v", err)
	}
}

func TestSaysWhatToDoInAWrongRegion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(roundTrip(func(r *http.Request) (*http.Response, error) {
			return nil, &net.DNSError{Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true}
		}))
		cfg.Region, cfg.BaseEndpoint = "eu-nowhere-1", nil
		_, _, err := read(t.Context(), eip.New(eip.Clients(cfg)), []netip.Addr{ip("203.0.113.11")}, failover.Selector{})
		wantText(t, err, "cannot resolve host ec2.eu-nowhere-1.amazonaws.com", "aws.region")
	})
}

func TestTheEnvironmentDoesNotChangeTheRetries(t *testing.T) {
	t.Setenv("AWS_NEW_RETRIES_2026", "true")
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		cfg := config(a.Transport())
		cfg.RetryMaxAttempts, cfg.RetryMode = 1, aws.RetryModeAdaptive
		a.Throttle("DescribeAddresses", 1)
		if _, _, err := read(t.Context(), eip.New(eip.Clients(cfg)), []netip.Addr{ip("203.0.113.11")}, failover.Selector{}); err != nil {
			t.Errorf("one throttled answer was not retried: %v", err)
		}
	})
}

// move makes one move alone.
func move(ctx context.Context, c *eip.Client, r failover.Remap) (err error) {
	c.Move(ctx, "www", []failover.Remap{r}, func(_ int, e error) { err = e })
	return err
}

// read answers one want alone.
func read(ctx context.Context, c *eip.Client, addrs []netip.Addr, sel failover.Selector) ([]failover.Address, []failover.Instance, error) {
	got := c.Read(ctx, []failover.Want{{Pool: "www", Addrs: addrs, Instances: sel}})[0]
	return got.Addresses, got.Instances, got.Err
}
