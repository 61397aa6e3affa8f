package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/smithy-go/logging"

	"rrwatch/config"
	"rrwatch/eip"
	"rrwatch/probe"
	"rrwatch/route53"
)

// cloud is AWS as rrwatch uses it: the accounts and Regions of all pools behind
// one door.
type cloud struct {
	eips     eips
	records  *zones
	accounts []account
}

// account is one way into AWS.
type account struct {
	pools []string // that take it
	sdk   aws.Config
}

// ways gives what the AWS SDK needs to know of an account in a Region.
type ways func(config.AWS) aws.Config

// openCloud is newCloud for a command that asks once and ends: without
// credentials it says so, and not once a call.
func openCloud(ctx context.Context, cfg *config.Config) (*cloud, error) {
	c, err := newCloud(ctx, cfg, nil)
	if err != nil {
		return nil, err
	}
	return c, c.signIn(ctx)
}

// signInWithin bounds the search for credentials, which may ask a host's role.
const signInWithin = 10 * time.Second

// signIn finds the credentials of every account.
func (c *cloud) signIn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, signInWithin)
	defer cancel()
	var errs []error
	for _, a := range c.accounts {
		_, err := a.sdk.Credentials.Retrieve(ctx)
		switch {
		case err == nil:
			continue
		case !strings.Contains(err.Error(), "AssumeRole"): // whose error says itself what to do
			err = fmt.Errorf("no AWS credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile (aws.profile), or run on a host with a role: %w", err)
		}
		if len(c.accounts) > 1 {
			err = fmt.Errorf("pools %s: %w", strings.Join(a.pools, ", "), err)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// newCloud makes the clients. It makes no call yet, but reads the machine's
// AWS configuration.
func newCloud(ctx context.Context, cfg *config.Config, credentials aws.CredentialsProvider) (*cloud, error) {
	known := map[config.AWS]aws.Config{}
	for _, p := range cfg.Pools {
		if _, twice := known[everywhere(p.AWS)]; twice {
			continue
		}
		account, err := signInto(ctx, p.AWS, credentials)
		if err != nil {
			return nil, err
		}
		known[everywhere(p.AWS)] = account
	}
	return cloudOf(cfg, func(at config.AWS) aws.Config {
		account := known[everywhere(at)].Copy()
		account.Region = at.Region
		return account
	}, dialer()), nil
}

// everywhere is what is the same of an account in all Regions: its credentials,
// and Route 53. In the place of the Region stands the partition, for nothing is
// the same in two of them.
func everywhere(at config.AWS) config.AWS {
	at.Region = at.Partition()
	return at
}

// signInto reads what this machine knows of an account; with credentials it uses
// these.
func signInto(ctx context.Context, at config.AWS, credentials aws.CredentialsProvider) (aws.Config, error) {
	options := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithRegion(at.Region),
		awsconfig.WithRetryMode(aws.RetryModeStandard), // whatever the environment says
		awsconfig.WithAppID("rrwatch"),
		awsconfig.WithLogger(logging.StandardLogger{Logger: log.Default()}),
	}
	if at.Profile != "" {
		options = append(options, awsconfig.WithSharedConfigProfile(at.Profile))
	}
	if at.EndpointURL != "" {
		options = append(options, awsconfig.WithBaseEndpoint(at.EndpointURL))
	}
	if credentials != nil {
		options = append(options, awsconfig.WithCredentialsProvider(credentials))
	}
	account, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("read this machine's AWS configuration: %w; correct aws.profile or the files in ~/.aws", err)
	}
	if at.RoleARN != "" {
		account.Credentials = assume(account, at.RoleARN, at.ExternalID.Reveal())
	}
	return account, nil
}

// cloudOf makes the clients for every pool: one of EC2 for an account in a
// Region, one of Route 53 for an account.
func cloudOf(cfg *config.Config, way ways, dial probe.Dial) *cloud {
	c := &cloud{eips: eips{}, records: newZones(cfg, func(at config.AWS) *awsroute53.Client { return route53.SDK(way(at)) }, dial)}
	clients := map[config.AWS]*eip.Client{}
	at := map[config.AWS]int{}
	for _, p := range cfg.Pools {
		if clients[p.AWS] == nil {
			clients[p.AWS] = eip.New(eip.Clients(way(p.AWS)))
		}
		c.eips[p.Name] = clients[p.AWS]
		n, known := at[everywhere(p.AWS)]
		if !known {
			n = len(c.accounts)
			at[everywhere(p.AWS)] = n
			c.accounts = append(c.accounts, account{sdk: way(p.AWS)})
		}
		c.accounts[n].pools = append(c.accounts[n].pools, p.Name)
	}
	return c
}
