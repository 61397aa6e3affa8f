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
	"rrwatch/simulator"
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

func TestPoolsMayBeReachedByARole(t *testing.T) {
	const arn = "arn:aws:iam::210987654321:role/ops/rrwatch"
	w, file := newTestWorld(t, "aws: {endpoint_url:", "aws: {role_arn: \""+arn+"\", external_id: geheim-7, endpoint_url:", "level: warn", "level: debug")
	w.aws.AddRole(simulator.Role{ARN: arn, ExternalID: "geheim-7"})
	a := rrwatch(t, "check", "--config", file)
	if a.code != 0 || !strings.Contains(a.out, "signed in as arn:aws:sts::210987654321:assumed-role/rrwatch/rrwatch") || strings.Contains(a.out+a.err, "geheim-7") {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
	if a := rrwatch(t, "iam-policy", "--config", file); a.code != 0 || strings.Count(a.err, "# for ") != 2 || !strings.Contains(a.out, "sts:AssumeRole") {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
	w.aws.AddRole(simulator.Role{ARN: arn, ExternalID: "another"})
	a = rrwatch(t, "check", "--config", file)
	if a.code != 1 || !strings.Contains(a.err, "AssumeRole "+arn) || !strings.Contains(a.err, "trust policy") || strings.Contains(a.out+a.err, "geheim-7") {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
}
