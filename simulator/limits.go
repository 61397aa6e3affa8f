package simulator

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// limits are the token buckets of the account, and whether calls draw from them.
type limits struct {
	on atomic.Bool
	buckets
}

// SetLimits has calls draw from AWS's token buckets from now on, which are full then, or no longer.
func (a *AWS) SetLimits(on bool) {
	a.limits.reset()
	a.limits.on.Store(on)
}

// limit refuses a call for which a bucket has no token, and draws one otherwise.
func (a *AWS) limit(c call) error {
	if !a.limits.on.Load() || a.limits.take(time.Now(), allowances(c)...) {
		return nil
	}
	return throttled(c)
}

// allowances says which buckets a call draws from. A service that publishes no numbers has none.
func allowances(c call) []allowance {
	switch c.service {
	case serviceEC2:
		return []allowance{ec2Allowance(c)}
	case serviceRoute53:
		return route53Allowances(c)
	case serviceSTS, serviceSNS:
	}
	return nil
}

// ec2Allowance is the bucket of an action in a Region, by the guide "Request throttling for the Amazon EC2 API": each action
// has its own, by its kind.
func ec2Allowance(c call) allowance {
	switch {
	case wide(c):
		return allowance{bucket: c.action + " of all", rate: rate{size: 50, refill: 10}}
	case strings.HasPrefix(c.action, "Describe"):
		return allowance{bucket: c.action, rate: rate{size: 100, refill: 20}}
	}
	return allowance{bucket: c.action, rate: rate{size: 50, refill: 5}}
}

// wide says whether a call asks for everything at once, neither by page nor by filter: some actions have a smaller bucket
// then.
func wide(c call) bool {
	if !slices.Contains([]string{"DescribeInstances", "DescribeInstanceStatus", "DescribeNetworkInterfaces"}, c.action) {
		return false
	}
	for key := range c.form {
		name, _, _ := strings.Cut(key, ".")
		if slices.Contains([]string{"Filter", "MaxResults", "InstanceId", "NetworkInterfaceId"}, name) {
			return false
		}
	}
	return true
}

// route53Allowances are the bucket of the account, which all its calls share, and that of the action, by the guide "Throttling
// API requests" of Route 53. The bucket for single record changes is not here: its numbers are not published.
func route53Allowances(c call) []allowance {
	published := rate{size: 50, refill: 10}
	own := published
	if c.action == "CreateHealthCheck" {
		own.refill = 0.5
	}
	return []allowance{{bucket: "Route 53", rate: published}, {bucket: "Route 53 " + c.action, rate: own}}
}
