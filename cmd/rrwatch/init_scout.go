package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"rrwatch/config"
	"rrwatch/eip"
	"rrwatch/failover"
	"rrwatch/probe"
	"rrwatch/route53"
)

// scout looks at an account to write a first configuration for a name.
type scout struct {
	name  string // the published name
	zone  string // the hosted zone's name or id; empty: to be found
	at    config.AWS
	ports [2]uint16 // that are asked with and without TLS

	sdk       aws.Config
	published failover.Published
	addresses []failover.Address  // the Elastic IPs among the published addresses
	carriers  []failover.Instance // that carry them
	tags      map[string]string   // that all carriers have
	family    []failover.Instance // that have them, the carriers included
	tooMany   int                 // so many instances have the tags that these say nothing; 0: not so
	tried     []attempted         // ways to check the addresses, the best first
}

// signIn finds the Region and the credentials.
func (s *scout) signIn(ctx context.Context) error {
	name := strings.TrimSuffix(strings.ToLower(s.name), ".")
	if name == "" || !strings.Contains(name, ".") || strings.ContainsAny(name, "*/: ") {
		return notPublished(s.name)
	}
	s.name = name
	if s.at.Region != "" && !regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`).MatchString(s.at.Region) {
		return fmt.Errorf("%q is no AWS Region: write one such as --region eu-central-1", s.at.Region)
	}
	var err error
	if s.sdk, err = signInto(ctx, s.at, nil); err != nil {
		return err
	}
	if s.sdk.Region == "" {
		return errors.New("the Region of the addresses is not known: name it, as in --region eu-central-1")
	}
	s.at.Region = s.sdk.Region
	return (&cloud{accounts: []account{{sdk: s.sdk}}}).signIn(ctx)
}

func notPublished(name string) error {
	return fmt.Errorf("%q is no published DNS name: write one such as --name www.example.com", name)
}

// findZone finds the zone that holds the name, which is the one with the longest
// name, and what the name publishes there.
func (s *scout) findZone(ctx context.Context) error {
	records := route53.New(route53.SDK(s.sdk), nil, dialer())
	zones := []string{s.zone}
	if s.zone == "" {
		zones = suffixes(s.name)
	}
	for _, zone := range zones {
		got, err := records.Read(ctx, zone, s.name)
		if s.zone == "" && errors.Is(err, route53.ErrNoZone) {
			continue
		}
		if err != nil {
			return err
		}
		s.zone, s.published = zone, got
		return nil
	}
	return fmt.Errorf("no hosted zone of this account holds %s (looked for %s): name the account with --profile", s.name, strings.Join(zones, ", "))
}

// suffixes are the names of the zones that could hold a name, the longest first.
// A top-level domain is nobody's zone.
func suffixes(name string) []string {
	var list []string
	for strings.Contains(name, ".") {
		list = append(list, name)
		_, name, _ = strings.Cut(name, ".")
	}
	return list
}

// findCarriers finds the Elastic IPs among the published addresses, and the
// instances that carry them.
func (s *scout) findCarriers(ctx context.Context) error {
	addrs := s.addrs()
	if len(addrs) == 0 {
		return fmt.Errorf("%s publishes no address that rrwatch could look after: %s; name a record that has addresses of its own", s.name, s.foreign())
	}
	got, err := s.read(ctx, failover.Want{Addrs: addrs})
	if err != nil {
		return err
	}
	if len(got.Addresses) == 0 {
		return fmt.Errorf("%s publishes %s, and none of them is an Elastic IP of this account in %s: name their Region with --region, or their account with --profile",
			s.name, listed(addrs), s.at.Region)
	}
	s.addresses = got.Addresses
	for _, i := range got.Instances {
		if slices.ContainsFunc(s.addresses, func(a failover.Address) bool { return a.Instance == i.ID }) {
			s.carriers = append(s.carriers, i)
		}
	}
	return nil
}

// addrs are the addresses in the sets that rrwatch may edit.
func (s *scout) addrs() []netip.Addr {
	var list []netip.Addr
	for _, set := range s.published.Sets {
		for _, a := range set.Addrs() {
			if set.Foreign == "" && !slices.Contains(list, a) {
				list = append(list, a)
			}
		}
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return list
}

// foreign says what the name has in the place of addresses.
func (s *scout) foreign() string {
	var list []string
	for _, set := range s.published.Sets {
		if set.Foreign != "" {
			list = append(list, set.Type+" is "+set.Foreign)
		}
	}
	return strings.Join(list, ", ")
}

// read asks EC2.
func (s *scout) read(ctx context.Context, want failover.Want) (failover.Got, error) {
	client := eip.New(eip.Clients(s.sdk))
	got := client.Read(ctx, []failover.Want{want})[0]
	return got, got.Err
}

// mostFamily is how many instances may have the carriers' tags for each carrier,
// for these to say which ones are meant.
const mostFamily = 5

// findFamily finds what tags the carriers share, and who else has these.
func (s *scout) findFamily(ctx context.Context) error {
	if s.tags = sharedTags(s.carriers); len(s.tags) == 0 {
		return nil
	}
	got, err := s.read(ctx, failover.Want{Instances: failover.Selector{Tags: s.tags}})
	if err != nil {
		return err
	}
	s.family = got.Instances
	if n := len(got.Instances); n > mostFamily*len(s.carriers) {
		s.tags, s.family, s.tooMany = nil, nil, n
	}
	return nil
}

// sharedTags are the tags that all instances have, but for those that only name
// one, and those of AWS itself: a stack or a group is gone when it is replaced.
func sharedTags(instances []failover.Instance) map[string]string {
	if len(instances) == 0 {
		return nil
	}
	shared := maps.Clone(instances[0].Tags)
	maps.DeleteFunc(shared, func(key, value string) bool {
		return key == "Name" || strings.HasPrefix(key, "aws:") ||
			slices.ContainsFunc(instances, func(i failover.Instance) bool { has, tagged := i.Tags[key]; return !tagged || has != value })
	})
	return shared
}

// attempted is one way to check the addresses, and what came of it.
type attempted struct {
	kind   config.Kind
	port   uint16
	usual  bool // it is the kind's own port
	passed int  // addresses that answered as they should
	failed int
	said   string // of the first address that failed, or of the first one
}

// tryWithin is how long an address may take to answer.
const tryWithin = 3 * time.Second

// findCheck asks each address in several ways. The way that most of them answer is
// the first then; of equal ones the one that asks for most.
func (s *scout) findCheck(ctx context.Context) error {
	s.tried = []attempted{
		{kind: config.KindHTTPS, port: s.ports[0], usual: s.ports[0] == 443},
		{kind: config.KindHTTP, port: s.ports[1], usual: s.ports[1] == 80},
		{kind: config.KindTLS, port: s.ports[0], usual: s.ports[0] == 443},
		{kind: config.KindTCP, port: s.ports[0]}, {kind: config.KindTCP, port: s.ports[1]},
	}
	with := newTools()
	defer with.close()
	spec, err := s.trial(with)
	if err != nil {
		return err
	}
	addrs := s.addrs()
	answers := askOnce(ctx, failover.Watches(spec, &failover.Pool{Name: spec.Name, Members: members(addrs)}))
	for n, a := range answers { // the checks of the first address, then those of the next one
		s.tried[n%len(s.tried)].heed(addrs[n/len(s.tried)], a)
	}
	slices.SortStableFunc(s.tried, func(a, b attempted) int { return b.passed - a.passed })
	return ctx.Err()
}

// heed takes in an answer.
func (t *attempted) heed(addr netip.Addr, a probe.Answer) {
	pass := a.Verdict == probe.Pass
	if t.said == "" || !pass && t.failed == 0 {
		t.said = fmt.Sprintf("%s: %s", addr, cmp.Or(a.Detail, "connected")) // tcp has no more to say
	}
	if pass {
		t.passed++
	} else {
		t.failed++
	}
}

// trial is a pool with all the checks that are tried.
func (s *scout) trial(with tools) (*failover.Spec, error) {
	text := fmt.Appendf(nil, "region: us-east-1\nmode: observe\npools:\n  - name: trial\n    record: %q\n    zone: Z0TRIAL\n    checks:\n", s.name)
	for n, t := range s.tried {
		text = fmt.Appendf(text, "      - {name: c%d, kind: %s, port: %d, timeout: %s}\n", n, t.kind, t.port, tryWithin)
	}
	cfg, err := config.Parse("trial", text, func(string) (string, bool) { return "", false })
	if err != nil {
		return nil, notPublished(s.name)
	}
	return specs(cfg, with)[0], nil
}

func members(addrs []netip.Addr) []failover.Member {
	var list []failover.Member
	for _, a := range addrs {
		list = append(list, failover.Member{Addr: a, Published: true})
	}
	return list
}

// listed writes addresses for people.
func listed(addrs []netip.Addr) string {
	words := make([]string, 0, len(addrs))
	for _, a := range addrs {
		words = append(words, a.String())
	}
	return strings.Join(words, ", ")
}
