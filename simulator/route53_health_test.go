package simulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"rrwatch/simulator"
)

func TestMakesReadsAndDeletesAHealthCheck(t *testing.T) {
	a := account(simulator.Options{})
	c := route53.NewFromConfig(sdk(a))
	in := &route53.CreateHealthCheckInput{CallerReference: aws.String("1"), HealthCheckConfig: &types.HealthCheckConfig{
		Type: "HTTPS", IPAddress: aws.String("203.0.113.11"), FullyQualifiedDomainName: aws.String("www.example.com"), ResourcePath: aws.String("/up"),
	}}
	out := must[*route53.CreateHealthCheckOutput](t)(c.CreateHealthCheck(t.Context(), in))
	again := must[*route53.CreateHealthCheckOutput](t)(c.CreateHealthCheck(t.Context(), in))
	if *again.HealthCheck.Id != *out.HealthCheck.Id || *out.Location != "https://route53.amazonaws.com/2013-04-01/healthcheck/"+*out.HealthCheck.Id {
		t.Errorf("made %s at %s, and again %s", *out.HealthCheck.Id, *out.Location, *again.HealthCheck.Id)
	}
	read := func() (*route53.GetHealthCheckOutput, error) {
		return c.GetHealthCheck(t.Context(), &route53.GetHealthCheckInput{HealthCheckId: out.HealthCheck.Id})
	}
	got := must[*route53.GetHealthCheckOutput](t)(read()).HealthCheck.HealthCheckConfig
	if *got.IPAddress != "203.0.113.11" || *got.Port != 443 || got.Type != "HTTPS" || *got.ResourcePath != "/up" || *got.RequestInterval != 30 || !*got.EnableSNI {
		t.Errorf("got %+v", got)
	}
	in.HealthCheckConfig.ResourcePath = aws.String("/other")
	_, err := c.CreateHealthCheck(t.Context(), in)
	wantCode(t, err, "HealthCheckAlreadyExists")
	must[*route53.DeleteHealthCheckOutput](t)(c.DeleteHealthCheck(t.Context(), &route53.DeleteHealthCheckInput{HealthCheckId: out.HealthCheck.Id}))
	_, err = read()
	wantCode(t, err, "NoSuchHealthCheck")
	_, err = c.DeleteHealthCheck(t.Context(), &route53.DeleteHealthCheckInput{HealthCheckId: out.HealthCheck.Id})
	wantCode(t, err, "NoSuchHealthCheck")
}

func TestRefusesHealthChecksOfNothing(t *testing.T) {
	c := route53.NewFromConfig(sdk(account(simulator.Options{})))
	address := aws.String("203.0.113.11")
	for name, config := range map[string]types.HealthCheckConfig{
		"no endpoint":       {Type: "HTTP"},
		"no port":           {Type: "TCP", IPAddress: address},
		"a port too high":   {Type: "TCP", IPAddress: address, Port: aws.Int32(65536)},
		"not an address":    {Type: "HTTP", IPAddress: aws.String("203.0.113")},
		"a private address": {Type: "HTTP", IPAddress: aws.String("10.0.0.1")},
		"every 20 seconds":  {Type: "HTTP", IPAddress: address, RequestInterval: aws.Int32(20)},
		"after 11 fails":    {Type: "HTTP", IPAddress: address, FailureThreshold: aws.Int32(11)},
		"nothing to search": {Type: "HTTP_STR_MATCH", IPAddress: address},
		"an alarm":          {Type: "CLOUDWATCH_METRIC"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{CallerReference: aws.String(name), HealthCheckConfig: &config})
			wantCode(t, err, "InvalidInput")
		})
	}
}

func TestAHealthCheckSetByHandCanBeRead(t *testing.T) {
	a := account(simulator.Options{})
	a.SetRecord(zoneID, simulator.RecordSet{Name: "www.example.com", Type: "A", TTL: 60, SetIdentifier: "a", MultiValue: true, HealthCheck: "hc-a", Values: []string{"203.0.113.11"}})
	got := must[*route53.GetHealthCheckOutput](t)(route53.NewFromConfig(sdk(a)).GetHealthCheck(t.Context(), &route53.GetHealthCheckInput{HealthCheckId: aws.String("hc-a")}))
	if config := got.HealthCheck.HealthCheckConfig; *config.IPAddress != "203.0.113.11" || config.Type != "TCP" {
		t.Errorf("got %+v", config)
	}
}

func TestRoute53ThrottlesByItsBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Limits: true})
		c := route53.NewFromConfig(sdk(a))
		zones := func() error {
			_, err := c.ListHostedZones(t.Context(), nil)
			return err
		}
		zone := func() error {
			_, err := c.GetHostedZone(t.Context(), &route53.GetHostedZoneInput{Id: aws.String(zoneID)})
			return err
		}
		for range 50 {
			if err := zones(); err != nil {
				t.Fatal(err)
			}
		}
		wantCode(t, zones(), "Throttling")
		wantCode(t, zone(), "Throttling") // its own bucket is full, that of the account is empty
		time.Sleep(time.Second)
		for range 10 {
			if err := zone(); err != nil {
				t.Fatal(err)
			}
		}
		wantCode(t, zones(), "Throttling")
		time.Sleep(5 * time.Second)
		check := func() error {
			_, err := c.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{
				CallerReference: aws.String("1"), HealthCheckConfig: &types.HealthCheckConfig{Type: "HTTP", IPAddress: aws.String("203.0.113.11")},
			})
			return err
		}
		for range 50 {
			if err := check(); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		wantCode(t, check(), "Throttling") // only every other second brings one more
		if err := zones(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if err := check(); err != nil {
			t.Error(err)
		}
	})
}
