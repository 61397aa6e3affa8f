package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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
