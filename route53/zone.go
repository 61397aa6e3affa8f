package route53

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// How long is kept what hardly ever changes. A zone's id never does as long as there is one.
const (
	keepZone   = time.Hour
	keepDenied = 10 * time.Minute // that it may not be read
	keepID     = 1 << 62          // for ever
)

// zoneFacts is what is known of a hosted zone.
type zoneFacts struct {
	name    string
	private bool
	servers []string // names of its delegation set; a private zone has none
	denied  error    // why none of it is known
}

// zoneID is the id of a zone that is given by name or id. A name is looked up once.
func (c *Client) zoneID(ctx context.Context, zone string) (string, error) {
	if id, ok := asID(zone); ok {
		return id, nil
	}
	name := normal(zone)
	return c.account.zones.get(ctx, name, func(ctx context.Context) (string, time.Duration, error) {
		found, err := c.zonesNamed(ctx, name)
		if err != nil {
			return "", 0, fmt.Errorf("find the hosted zone %s: %w", zone, err)
		}
		id, err := theOne(zone, found)
		return id, keepID, err
	})
}

// ErrNoZone is the error of a read in a zone that is given by a name which none of the account's zones has.
var ErrNoZone = errors.New("there is no hosted zone")

// theOne is the zone that is meant by a name: of several the only public one, which is the one that the world sees.
func theOne(zone string, found []types.HostedZone) (string, error) {
	var public []types.HostedZone
	for _, z := range found {
		if !isPrivate(z) {
			public = append(public, z)
		}
	}
	switch {
	case len(found) == 0:
		return "", fmt.Errorf("%w %s in this account: check its name, and with which credentials rrwatch runs", ErrNoZone, zone)
	case len(public) == 1:
		found = public
	case len(found) > 1:
		return "", fmt.Errorf("zone %s exists %d times (%s): give the id of the one that is meant", zone, len(found), describe(found))
	}
	id, _ := asID(aws.ToString(found[0].Id))
	return id, nil
}

// zonesNamed lists the hosted zones that have exactly this normalised name.
func (c *Client) zonesNamed(ctx context.Context, name string) ([]types.HostedZone, error) {
	var found []types.HostedZone
	in := &awsroute53.ListHostedZonesByNameInput{DNSName: aws.String(name)}
	for {
		out, err := within(ctx, c.account, c.api.ListHostedZonesByName, in)
		if err != nil {
			return nil, err
		}
		for _, z := range out.HostedZones {
			if normal(aws.ToString(z.Name)) != name {
				return found, nil // names come in order
			}
			found = append(found, z)
		}
		if !out.IsTruncated {
			return found, nil
		}
		in.DNSName, in.HostedZoneId = out.NextDNSName, out.NextHostedZoneId
	}
}

func isPrivate(z types.HostedZone) bool { return z.Config != nil && z.Config.PrivateZone }

func describe(zones []types.HostedZone) string {
	var list []string
	for _, z := range zones {
		id, _ := asID(aws.ToString(z.Id))
		kind := "public"
		if isPrivate(z) {
			kind = "private"
		}
		list = append(list, id+" "+kind)
	}
	return strings.Join(list, ", ")
}

// asID is the bare id of a hosted zone, if zone is one: Z and capital letters and digits, with or without a path before
// it. A name has a dot or is not in capitals.
func asID(zone string) (string, bool) {
	id := strings.TrimPrefix(zone, "/hostedzone/")
	return id, regexp.MustCompile(`^Z[0-9A-Z]{1,31}$`).MatchString(id)
}

// factsOf is what is known of a zone.
func (c *Client) factsOf(ctx context.Context, id string) (zoneFacts, error) {
	id, _ = asID(id)
	facts, err := c.account.facts.get(ctx, id, func(ctx context.Context) (zoneFacts, time.Duration, error) {
		out, err := within(ctx, c.account, c.api.GetHostedZone, &awsroute53.GetHostedZoneInput{Id: aws.String(id)})
		switch {
		case denied(err):
			return zoneFacts{denied: err}, keepDenied, nil
		case err != nil:
			return zoneFacts{}, 0, err
		}
		var facts zoneFacts
		if z := out.HostedZone; z != nil {
			facts.name, facts.private = normal(aws.ToString(z.Name)), isPrivate(*z)
		}
		if out.DelegationSet != nil {
			facts.servers = out.DelegationSet.NameServers
		}
		return facts, keepZone, nil
	})
	if err == nil {
		err = facts.denied
	}
	return facts, err
}

// server is one authoritative server.
type server struct {
	at  netip.AddrPort
	as  string // host:port
	err error  // why its address is not known
}

// serversOf lists the servers to ask: those that were given, or one address of each server of the zone's delegation set.
// A private zone has none, and nothing outside its network could ask them.
func (c *Client) serversOf(ctx context.Context, zone string) ([]server, error) {
	var list []server
	for _, at := range c.servers {
		list = append(list, server{at: at, as: at.String()})
	}
	if len(list) > 0 {
		return list, nil
	}
	facts, err := c.factsOf(ctx, zone)
	if err != nil {
		return nil, fmt.Errorf("read the name servers of zone %s: %w", zone, err)
	}
	for _, name := range facts.servers {
		at, err := c.account.addrs.get(ctx, name, func(ctx context.Context) (netip.AddrPort, time.Duration, error) {
			at, err := lookUp(ctx, name)
			return at, keepZone, err
		})
		s := server{at: at, as: at.String(), err: err}
		if err != nil {
			s.as = name + ":53"
		}
		list = append(list, s)
	}
	return list, nil
}
