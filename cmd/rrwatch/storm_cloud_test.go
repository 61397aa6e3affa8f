package main

import (
	"context"
	"hash/fnv"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"

	"rrwatch/config"
	"rrwatch/eip"
	"rrwatch/probe"
	"rrwatch/route53"
)

// What a storm does to be lived again exactly: nothing in it is random that is
// not drawn from the seed, and no two things happen at one instant, for then
// the order of goroutines would decide.

// cloud is AWS as one life uses it: as rrwatch does, but for the random part of
// the waits between the SDK's tries.
func (s *storm) cloud(l *life) *cloud {
	account := s.account(l)
	even := func(c *ec2.Client) *ec2.Client {
		return ec2.New(c.Options(), func(o *ec2.Options) { o.Retryer = evenly{o.Retryer} })
	}
	read, act := eip.Clients(account)
	records := awsroute53.New(route53.SDK(account).Options(), func(o *awsroute53.Options) { o.Retryer = evenly{o.Retryer} })
	c := &cloud{eips: eips{}, records: newZones(s.cfg, func(config.AWS) *awsroute53.Client { return records }, s.network.DialContext)}
	client := eip.New(even(read), even(act))
	for _, p := range s.cfg.Pools {
		c.eips[p.Name] = client
	}
	return c
}

// account is how one life reaches AWS.
func (s *storm) account(l *life) aws.Config {
	return aws.Config{
		Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: &http.Client{Transport: stormCalls{s, l}}, BaseEndpoint: aws.String("http://aws.simulated"),
	}
}

// evenly is the SDK's retryer with waits that are half of the longest it would
// choose.
type evenly struct{ aws.Retryer }

// RetryDelay is how long to wait after the attempt, which counts from 1.
func (e evenly) RetryDelay(attempt int, _ error) (time.Duration, error) {
	return min(time.Second<<min(attempt, 5), 5*time.Second) / 2, nil
}

// apart asks each target a little later than it is told, and each at another
// time.
func apart(ask probe.Func) probe.Func {
	return func(ctx context.Context, t probe.Target) probe.Answer {
		h := fnv.New32a()
		_, _ = h.Write([]byte(t.String()))
		timer := time.NewTimer(time.Duration(h.Sum32() % 999_983))
		defer timer.Stop()
		<-timer.C
		return ask(ctx, t)
	}
}

// spread is a wait for a call, below a millisecond and for each call another
// one, so that calls that were made at one instant do not arrive at one.
func spread(r *http.Request, body []byte) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(r.URL.String()))
	_, _ = h.Write(body)
	return time.Duration(h.Sum32() % 999_983)
}
