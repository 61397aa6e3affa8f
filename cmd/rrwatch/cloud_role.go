package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// How a role is assumed. An hour is what every role allows, and one that was
// itself assumed by a role. What is left of it when the next one is asked for is
// how long STS may be out without harm.
const (
	roleSession = "rrwatch" // the name under which AWS's audit trail has it
	roleFor     = time.Hour
	roleSpare   = 20 * time.Minute
	roleWithin  = 5 * time.Second // one try; calls of AWS wait for it
	roleRetry   = time.Minute
)

// assume returns the credentials of a role, which is assumed with those of the
// account.
func assume(account aws.Config, arn, externalID string) aws.CredentialsProvider {
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(account), arn, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName, o.Duration = roleSession, roleFor
		if externalID != "" {
			o.ExternalID = aws.String(externalID)
		}
	})
	return aws.NewCredentialsCache(&assumed{arn: arn, assume: provider})
}

// assumed is a role that is assumed before its last session ends. The cache around
// it never calls it twice at a time.
type assumed struct {
	arn    string
	assume aws.CredentialsProvider
	ends   time.Time // of the session
}

var (
	_ aws.CredentialsProvider                       = (*assumed)(nil)
	_ aws.HandleFailRefreshCredentialsCacheStrategy = (*assumed)(nil)
)

// Retrieve assumes the role. What it returns is to be renewed before it ends.
func (r *assumed) Retrieve(ctx context.Context) (aws.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, roleWithin)
	defer cancel()
	got, err := r.assume.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("AssumeRole %s: %w; its trust policy must name the credentials that are found here, and the external id if it asks for one (docs/permissions.md)", r.arn, err)
	}
	if got.CanExpire {
		r.ends = got.Expires
		got.Expires = got.Expires.Add(-roleSpare)
	}
	return got, nil
}

// HandleFailToRefresh goes on with the session that there is while it lasts.
func (r *assumed) HandleFailToRefresh(_ context.Context, last aws.Credentials, err error) (aws.Credentials, error) {
	now := time.Now()
	if !last.HasKeys() || !now.Before(r.ends) {
		return aws.Credentials{}, err
	}
	last.Expires = now.Add(roleRetry)
	if r.ends.Before(last.Expires) {
		last.Expires = r.ends
	}
	return last, nil
}
