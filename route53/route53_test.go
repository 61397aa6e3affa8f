package route53_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"rrwatch/failover"
	"rrwatch/route53"
	"rrwatch/simulator"
)

const zone = "Z0EXAMPLE"

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

// account publishes www as a weighted group, shop as a simple set, api as multivalue answers and cdn as an alias.
func account(o simulator.Options) *simulator.AWS {
	a := simulator.New(o)
	a.AddZone(simulator.Zone{ID: zone, Name: "Example.com."})
	for n, value := range []string{"203.0.113.11", "203.0.113.12", "203.0.113.13"} {
		id := fmt.Sprintf("lb-%d", n+1)
		a.SetRecord(zone, simulator.RecordSet{Name: "www.example.com", Type: "A", TTL: 60, SetIdentifier: id, Weight: new(int64(10)), Values: []string{value}})
		a.SetRecord(zone, simulator.RecordSet{Name: "api.example.com", Type: "A", TTL: 30, SetIdentifier: id, MultiValue: true, HealthCheck: "hc-" + id, Values: []string{value}})
	}
	a.SetRecord(zone, simulator.RecordSet{Name: "www.example.com", Type: "AAAA", TTL: 60, Values: []string{"2001:db8::11"}})
	a.SetRecord(zone, simulator.RecordSet{Name: "shop.example.com", Type: "A", TTL: 60, Values: []string{"203.0.113.11", "203.0.113.12"}})
	a.SetRecord(zone, simulator.RecordSet{Name: "cdn.example.com", Type: "A", Alias: "d111.cloudfront.net"})
	a.SetRecord(zone, simulator.RecordSet{Name: "old.example.com", Type: "CNAME", TTL: 60, Values: []string{"www.example.com"}})
	return a
}

// config is the real SDK's configuration for a simulator in memory.
func config(a http.RoundTripper) aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "not a secret", ""),
		HTTPClient:   &http.Client{Transport: a},
		BaseEndpoint: aws.String("http://aws.test"),
	}
}

func open(a *simulator.AWS, servers ...netip.AddrPort) *route53.Client {
	return route53.New(route53.SDK(config(a.Transport())), servers, nil)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// beforeEdit calls a hook ahead of every ChangeResourceRecordSets.
func beforeEdit(a *simulator.AWS, hook func()) *route53.Client {
	return route53.New(route53.SDK(config(roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			hook()
		}
		return a.Transport().RoundTrip(r)
	}))), nil, nil)
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

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestReadsAndEditsOverTCP(t *testing.T) {
	a := account(simulator.Options{})
	server := httptest.NewServer(a)
	defer server.Close()
	cfg := config(server.Client().Transport)
	cfg.BaseEndpoint = aws.String(server.URL)
	c := route53.New(route53.SDK(cfg), nil, nil)
	must[failover.Published](t)(c.Read(t.Context(), "example.com", "www.example.com"))
	if change := must[string](t)(editOne(t, c, withdraw(), "incident 7")); change == "" || strings.Contains(change, "/") {
		t.Errorf("got the change %q", change)
	}
	if w := weightOf(t, a, "lb-1"); w != 0 {
		t.Errorf("got weight %d, want 0", w)
	}
}

func TestSaysWhatToDoWithoutCredentials(t *testing.T) {
	cfg := config(account(simulator.Options{}).Transport())
	cfg.Credentials = aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no EC2 IMDS role found")
	}))
	_, err := route53.New(route53.SDK(cfg), nil, nil).Read(t.Context(), "example.com", "www.example.com")
	wantText(t, err, "no AWS credentials found", "AWS_ACCESS_KEY_ID", "aws.profile")
}

// sending calls a hook with the body of every ChangeResourceRecordSets; what it returns is the answer, unless it is nil.
func sending(a *simulator.AWS, hook func(body string) *http.Response) *route53.Client {
	return route53.New(route53.SDK(config(roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodPost {
			return a.Transport().RoundTrip(r)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if answer := hook(string(body)); answer != nil {
			return answer, nil
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		return a.Transport().RoundTrip(r)
	}))), nil, nil)
}
