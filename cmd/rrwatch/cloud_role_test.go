package main

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"rrwatch/config"
	"rrwatch/failover"
)

// An outage of STS must not become an outage of what the role may still do.
func TestARoleOutlivesAnOutageOfSTS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down, asked := false, 0
		cache := aws.NewCredentialsCache(&assumed{arn: "arn:aws:iam::123456789012:role/rrwatch", assume: aws.CredentialsProviderFunc(
			func(ctx context.Context) (aws.Credentials, error) {
				asked++
				if down {
					<-ctx.Done() // which a call without an end would not see
					return aws.Credentials{}, errors.New("no answer")
				}
				return aws.Credentials{AccessKeyID: "ASIA", SecretAccessKey: "x", CanExpire: true, Expires: time.Now().Add(roleFor)}, nil
			})})
		get := func() error {
			_, err := cache.Retrieve(t.Context())
			return err
		}
		began := time.Now()
		if err := errors.Join(get(), get()); err != nil || asked != 1 {
			t.Fatalf("asked %d times: %v", asked, err)
		}
		down = true
		for time.Since(began) < roleFor-time.Minute {
			if err := get(); err != nil {
				t.Fatalf("after %s: %v", time.Since(began), err)
			}
			time.Sleep(10 * time.Second)
		}
		if most := int((roleSpare)/roleRetry) + 2; asked < 2 || asked > most {
			t.Errorf("asked %d times, want 2 to %d", asked, most)
		}
		time.Sleep(2 * time.Minute)
		if err := get(); err == nil {
			t.Error("a session that has ended is used")
		}
		down = false
		if err := get(); err != nil {
			t.Errorf("STS is back: %v", err)
		}
	})
}

func TestARoleThatMayNotBeAssumedIsNoMissingKey(t *testing.T) {
	cfg, way, www, _ := twoAccounts(t)
	denied := func(at config.AWS) aws.Config {
		account := way(at)
		if at.RoleARN != "" {
			account.Credentials = aws.NewCredentialsCache(&assumed{arn: at.RoleARN, assume: aws.CredentialsProviderFunc(
				func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{}, &smithy.GenericAPIError{Code: "AccessDenied", Message: "is not authorized to perform: sts:AssumeRole"}
				})})
		}
		return account
	}
	c := cloudOf(cfg, denied, nil)
	_, errs := failover.DiscoverAll(t.Context(), specs(cfg, newTools()), c.eips, c.records)
	for name, err := range map[string]error{
		"the daemon": errs["www"], "a command": c.signIn(t.Context()), "EC2": c.eips.Read(t.Context(), []failover.Want{{Pool: "www", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}})[0].Err,
	} {
		if err == nil || !strings.Contains(err.Error(), "trust policy") || !strings.Contains(err.Error(), "210987654321:role/rrwatch") ||
			strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") || strings.Contains(err.Error(), "rrwatch needs") {
			t.Errorf("%s is told: %v", name, err)
		}
	}
	if n := len(www.Calls()); n != 0 {
		t.Errorf("calls without credentials: %v", www.Calls())
	}
}
