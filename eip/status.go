package eip

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// How often statuses are read.
const (
	maxStatuses = 100 // instances of one call, from the EC2 API reference (DescribeInstanceStatus, InstanceIds)
	// statusFresh is how long what was read is not read again: AWS's own checks run once a minute (EC2 user guide, "Status
	// checks"), so asking at each read of an open incident would tell nothing new.
	statusFresh = 30 * time.Second
	// statusKept is how long what was read is believed when it cannot be read again: two of AWS's checks.
	statusKept = 2 * time.Minute
)

// status is what EC2 said of a running instance, and when.
type status struct {
	text   string
	events []string
	read   time.Time
}

// statuses remembers what EC2 said. The zero value is ready, and safe for concurrent use.
type statuses struct {
	mu    sync.Mutex
	known map[string]status // by instance id: running ones only
}

// of returns the status of those of the instances that run. It is told to people, and tells which standby not to choose,
// so a failure to read it hides nothing else: it stands in the status' place.
func (s *statuses) of(ctx context.Context, from calls, found map[string]types.Instance) map[string]status {
	now := time.Now()
	all, stale := s.recall(found, now)
	chunks := slices.Collect(slices.Chunk(stale, maxStatuses))
	outs, errs := make([]*ec2.DescribeInstanceStatusOutput, len(chunks)), make([]error, len(chunks))
	var wg sync.WaitGroup
	for n, ids := range chunks {
		wg.Go(func() {
			outs[n], errs[n] = within(ctx, from.DescribeInstanceStatus, &ec2.DescribeInstanceStatusInput{InstanceIds: ids})
		})
	}
	wg.Wait()
	learned := map[string]status{}
	for n, ids := range chunks {
		if errs[n] == nil {
			for _, i := range outs[n].InstanceStatuses {
				learned[aws.ToString(i.InstanceId)] = status{statusOf(i), eventsOf(i), now}
			}
			continue
		}
		for _, id := range ids {
			if _, kept := all[id]; !kept {
				all[id] = status{text: "unknown: " + said(errs[n])}
			}
		}
	}
	maps.Copy(all, learned)
	s.remember(learned)
	return all
}

// recall returns what is known of the instances that run, and the ids of those of which nothing is known lately. One that
// did not run in between is new.
func (s *statuses) recall(found map[string]types.Instance, now time.Time) (known map[string]status, stale []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.known, func(_ string, k status) bool { return now.Sub(k.read) >= statusKept })
	known = map[string]status{}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if stateOf(found[id]) != types.InstanceStateNameRunning {
			delete(s.known, id)
			continue
		}
		k, ok := s.known[id]
		if ok {
			known[id] = k
		}
		if !ok || now.Sub(k.read) >= statusFresh {
			stale = append(stale, id)
		}
	}
	return known, stale
}

func (s *statuses) remember(learned map[string]status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]status{}
	}
	maps.Copy(s.known, learned)
}

// statusOf is the worst of AWS's checks of the host, the instance and its disks. What AWS reports of applications and of
// performance is left out: rrwatch asks the application itself.
func statusOf(s types.InstanceStatus) string {
	seen := map[string]bool{}
	for _, checks := range []*types.InstanceStatusSummary{s.InstanceStatus, s.SystemStatus} {
		if checks != nil {
			seen[string(checks.Status)] = true
		}
	}
	if s.AttachedEbsStatus != nil {
		seen[string(s.AttachedEbsStatus.Status)] = true
	}
	for _, worst := range []string{"impaired", "insufficient-data", "initializing", "ok"} {
		if seen[worst] {
			return worst
		}
	}
	return "unknown"
}

// eventsOf are the scheduled events that are not over, the next one first: "instance-retirement not before 2026-03-01
// 12:00 UTC".
func eventsOf(s types.InstanceStatus) []string {
	// EC2 goes on to show events that are over for a week, with that in the description.
	coming := slices.DeleteFunc(slices.Clone(s.Events), func(e types.InstanceStatusEvent) bool {
		d := aws.ToString(e.Description)
		return strings.HasPrefix(d, "[Completed]") || strings.HasPrefix(d, "[Canceled]")
	})
	slices.SortStableFunc(coming, func(a, b types.InstanceStatusEvent) int {
		return cmp.Or(aws.ToTime(a.NotBefore).Compare(aws.ToTime(b.NotBefore)), cmp.Compare(a.Code, b.Code))
	})
	var list []string
	for _, e := range coming {
		text := string(e.Code)
		if e.NotBefore != nil {
			text += " not before " + e.NotBefore.UTC().Format("2006-01-02 15:04 UTC")
		}
		list = append(list, text)
	}
	return list
}
