package eip

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"rrwatch/failover"
)

// Read implements failover.EIPs: one DescribeAddresses for all wants, side by side with one DescribeInstances for all
// selections by the same tag keys, then one for the instances that are only known by id, then DescribeInstanceStatus.
// Every describe is filtered: unfiltered ones draw on a smaller bucket of requests. Statuses are read when they are older
// than 30 seconds. An instance that is selected by tags is left out once it is terminated; one selected by id is shown as
// terminated for as long as EC2 remembers it. Without IPv4 addresses and without a selection nothing is called.
func (c *Client) Read(ctx context.Context, wants []failover.Want) []failover.Got {
	got := make([]failover.Got, len(wants))
	seen, err := c.see(ctx, wants)
	for n, w := range wants {
		switch {
		case err == nil:
			got[n] = seen.of(w)
		case len(wants) > 1 && answerOf(err) == refused:
			got[n] = c.Read(ctx, wants[n:n+1])[0] // EC2 refuses what one of them asks for: the others shall not suffer
		default:
			got[n].Err = err
		}
	}
	return got
}

// sight is what EC2 said in one round of reads.
type sight struct {
	addresses []failover.Address // by IP
	instances map[string]types.Instance
	statuses  map[string]status
	groups    map[string]string // by zone: its network border group, as an address proves that an instance there carries
}

// see reads what all wants need.
func (c *Client) see(ctx context.Context, wants []failover.Want) (sight, error) {
	s := sight{instances: map[string]types.Instance{}}
	selections := selectionsOf(wants)
	tagged := make([][]types.Instance, len(selections))
	errs := make([]error, len(selections)+1)
	var wg sync.WaitGroup
	wg.Go(func() { s.addresses, errs[0] = addressesBy(ctx, c.read, "public-ip", addrsOf(wants)) })
	for n, all := range selections {
		wg.Go(func() { tagged[n], errs[n+1] = instancesBy(ctx, c.read, all) })
	}
	wg.Wait()
	if err := cmp.Or(errs...); err != nil { // the first: when all fail, they fail alike
		return s, err
	}
	for _, i := range slices.Concat(tagged...) {
		s.instances[aws.ToString(i.InstanceId)] = i
	}
	named, err := instancesByID(ctx, c.read, s.unknown(wants))
	if err != nil {
		return s, err
	}
	maps.Copy(s.instances, named)
	s.groups = groupsOf(s.addresses, s.instances)
	s.statuses = c.statuses.of(ctx, c.read, s.instances)
	if ctx.Err() != nil { // without it a status would say the same, as if something were wrong with EC2
		return s, fmt.Errorf("read the status of instances: %w", ctx.Err())
	}
	return s, nil
}

// unknown are the ids of the instances that wants name, and of those that carry addresses, of which nothing was read.
func (s sight) unknown(wants []failover.Want) []string {
	var ids []string
	for _, w := range wants {
		ids = append(ids, w.Instances.IDs...)
	}
	for _, a := range s.addresses {
		ids = append(ids, a.Instance)
	}
	return slices.DeleteFunc(unique(ids), func(id string) bool {
		_, known := s.instances[id]
		return known || id == ""
	})
}

// of picks out what one want asked for. What it returns is its own: nobody else's answer shares memory with it.
func (s sight) of(w failover.Want) failover.Got {
	var got failover.Got
	asked := map[netip.Addr]bool{}
	for _, a := range w.Addrs {
		asked[a.Unmap()] = true
	}
	meant := map[string]bool{}
	for _, id := range w.Instances.IDs {
		meant[id] = true
	}
	for _, a := range s.addresses {
		if asked[a.IP] {
			got.Addresses = append(got.Addresses, a)
			meant[a.Instance] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.instances)) {
		i := s.instances[id]
		if !meant[id] && !selected(i, w.Instances.Tags) {
			continue
		}
		one := instanceOf(i)
		one.BorderGroup = cmp.Or(s.groups[one.Zone], one.BorderGroup)
		one.Status, one.Events = s.statuses[id].text, slices.Clone(s.statuses[id].events)
		got.Instances = append(got.Instances, one)
	}
	return got
}

// selected reports whether an instance that is not terminated has all the tags, of which there are some.
func selected(i types.Instance, tags map[string]string) bool {
	has := map[string]string{}
	for _, t := range i.Tags {
		has[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	for key, value := range tags {
		if v, ok := has[key]; !ok || v != value {
			return false
		}
	}
	return len(tags) > 0 && stateOf(i) != types.InstanceStateNameTerminated
}

// selectionsOf are the filters of as few calls as find all that wants select by tags: those that select by the same keys
// are found together, with some that nobody selects if there are several keys.
func selectionsOf(wants []failover.Want) [][]types.Filter {
	byKeys := map[string][]map[string]string{}
	for _, w := range wants {
		if tags := w.Instances.Tags; len(tags) > 0 {
			keys := strings.Join(slices.Sorted(maps.Keys(tags)), "\x00")
			byKeys[keys] = append(byKeys[keys], tags)
		}
	}
	var list [][]types.Filter
	for _, keys := range slices.Sorted(maps.Keys(byKeys)) {
		for some := range slices.Chunk(byKeys[keys], maxValues) {
			var all []types.Filter
			for key := range strings.SplitSeq(keys, "\x00") {
				var values []string
				for _, tags := range some {
					values = append(values, tags[key])
				}
				all = append(all, filters("tag:"+key, unique(values)...)...)
			}
			list = append(list, all)
		}
	}
	return list
}

// addrsOf are all addresses of wants that can be Elastic IPs, which are IPv4 only.
func addrsOf(wants []failover.Want) []string {
	var list []string
	for _, w := range wants {
		for _, a := range w.Addrs {
			if a = a.Unmap(); a.Is4() {
				list = append(list, a.String())
			}
		}
	}
	return unique(list)
}
