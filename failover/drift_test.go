package failover

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func ns(n int) string {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(50 + n)}), 53).String()
}

// answers makes all servers answer A with these members, and AAAA with nothing.
func answers(ttl time.Duration, members ...int) []Answer {
	var list []Answer
	for n := range 3 {
		a := Answer{Server: ns(n), Type: "A", TTL: ttl}
		for _, m := range members {
			a.Addrs = append(a.Addrs, public(m))
		}
		list = append(list, a, Answer{Server: ns(n), Type: "AAAA"})
	}
	return list
}

// drifted is one disagreement.
type disagreement struct {
	change func(*scene, []Answer, *own)
	want   []string
}

// weighted answers 10 s with members 1 to 3, of sets with that TTL.
func weightedDisagreements() map[string]disagreement {
	return map[string]disagreement{
		"all agree":             {func(*scene, []Answer, *own) {}, nil},
		"some are not answered": {func(_ *scene, a []Answer, _ *own) { a[0].Addrs = a[0].Addrs[:1] }, nil},
		"a stranger of one server": {func(_ *scene, a []Answer, _ *own) { a[0].Addrs = append(a[0].Addrs, public(9)) }, []string{
			"192.0.2.50:53 answers www.example.com with 203.0.113.9, which no record set has",
		}},
		"a stranger of all": {func(_ *scene, a []Answer, _ *own) {
			for n := range a {
				if a[n].Type == "A" {
					a[n].Addrs = []netip.Addr{public(9)}
					a[n].TTL = time.Hour
				}
			}
		}, []string{"all 3 authoritative servers answer www.example.com with 203.0.113.9, which no record set has"}},
		"weight 0": {func(s *scene, a []Answer, _ *own) {
			s.edit(2, func(set *RecordSet) { set.Weight = new(int64(0)) })
			a[0].Addrs, a[2].Addrs = a[0].Addrs[:1], a[2].Addrs[:2]
			a[4].Addrs = a[4].Addrs[:2]
		}, []string{"192.0.2.51:53 and 192.0.2.52:53 answer www.example.com with 203.0.113.2, whose weight is 0"}},
		"all weights 0": {func(s *scene, _ []Answer, _ *own) {
			for n := range 3 {
				s.edit(n+1, func(set *RecordSet) { set.Weight = new(int64(0)) })
			}
		}, nil},
		"weight 0 beside a health check": {func(s *scene, _ []Answer, _ *own) {
			s.edit(2, func(set *RecordSet) { set.Weight = new(int64(0)) })
			s.edit(1, func(set *RecordSet) { set.HealthCheck = "hc-1" })
		}, nil},
		"another TTL": {func(_ *scene, a []Answer, _ *own) { a[2].TTL = 300 * time.Second }, []string{
			"192.0.2.51:53 answers www.example.com with the TTL 300 s; the record sets have 10 s",
		}},
		"no address": {func(_ *scene, a []Answer, _ *own) { a[2].Addrs = nil }, []string{
			"192.0.2.51:53 answers www.example.com A with no address, and its record sets have 3 addresses",
		}},
		"an address of a type without sets": {func(_ *scene, a []Answer, _ *own) { a[1].Addrs = []netip.Addr{netip.MustParseAddr("2001:db8::9")} }, []string{
			"192.0.2.50:53 answers www.example.com with 2001:db8::9, which no record set has",
		}},
		"an alias beside": {func(s *scene, a []Answer, _ *own) {
			s.pool.Sets = append(s.pool.Sets, RecordSet{Name: "www.example.com", Type: "A", Identifier: "lb", Foreign: "an alias"})
			a[0].Addrs = []netip.Addr{public(9)}
		}, nil},
		"an edit under way": {func(_ *scene, a []Answer, b *own) {
			a[0].Addrs = []netip.Addr{public(9)}
			b.busy["A"] = true
		}, nil},
		"one is silent": {func(_ *scene, a []Answer, _ *own) {
			a[2].Err, a[2].Addrs = errors.Join(errors.New("no answer by udp: timeout"), errors.New("no answer by udp: timeout")), nil
			a[3].Err = a[2].Err
		}, []string{"192.0.2.51:53 does not answer www.example.com at all: no answer by udp: timeout"}},
		"all are silent": {func(_ *scene, a []Answer, _ *own) {
			for n := range a {
				a[n].Err, a[n].Addrs = errors.New("no answer by udp: timeout"), nil
			}
		}, []string{"none of the 3 authoritative servers answers www.example.com: 192.0.2.50:53: no answer by udp: timeout"}},
	}
}

func TestAnswersOfAWeightedGroupDisagree(t *testing.T) {
	for name, c := range weightedDisagreements() {
		s, a, b := clean(), answers(10*time.Second, 1, 2, 3), &own{busy: map[string]bool{}}
		c.change(s, a, b)
		if diff := cmp.Diff(c.want, texts(drifts(s.spec, s.pool, a, *b))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func texts(list []Drift) []string {
	var texts []string
	for _, d := range list {
		texts = append(texts, d.Text)
	}
	return texts
}

func TestOnlyWhatIsAnsweredWholeIsMissed(t *testing.T) {
	const missing = "192.0.2.50:53 does not answer www.example.com with 203.0.113.3, which the record set has"
	multivalue := func(n int) func(*scene) {
		return func(s *scene) {
			s.many(n, true)
			for n := range s.pool.Members {
				s.pool.Members[n].Address = nil
			}
		}
	}
	for name, c := range map[string]struct {
		make func(*scene)
		want []string
	}{
		"weighted":     {func(*scene) {}, nil},
		"simple":       {func(s *scene) { s.simple(nil) }, []string{missing}},
		"multivalue":   {multivalue(3), []string{missing}},
		"multivalue 9": {multivalue(9), nil},
		"multivalue with a health check": {func(s *scene) {
			multivalue(3)(s)
			s.pool.Sets[0].HealthCheck = "hc-1"
		}, nil},
		"a failover pair": {func(s *scene) {
			for n := range 3 {
				s.edit(n+1, func(set *RecordSet) { set.Weight, set.Failover = nil, "SECONDARY" })
			}
		}, nil},
	} {
		s, a := clean(), answers(10*time.Second, 1, 2, 3)
		c.make(s)
		a[0].Addrs = a[0].Addrs[:2]
		if diff := cmp.Diff(c.want, texts(drifts(s.spec, s.pool, a, own{}))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestEC2AndTheSetsDisagreeWithWhatRrwatchDid(t *testing.T) {
	move := func(b *own) {
		b.moves = map[netip.Addr]Remap{public(1): {Addr: public(1), From: "i-1", To: "i-4", ToName: "lb-4"}}
	}
	for name, c := range map[string]disagreement{
		"moved on by someone": {func(_ *scene, _ []Answer, b *own) { move(b) }, []string{
			"EC2 has 203.0.113.1 on lb-1 (i-1), by someone else's change; rrwatch had moved it to lb-4 (i-4), and leaves it as it is",
		}},
		"a move that is young": {func(_ *scene, _ []Answer, b *own) {
			move(b)
			b.fresh = map[string]bool{public(1).String(): true}
		}, nil},
		"as moved": {func(s *scene, _ []Answer, b *own) {
			move(b)
			s.pool.moved(b.moves[public(1)])
			s.pool.Members[0].Address.Private = private(4)
		}, nil},
		"two instances": {func(s *scene, _ []Answer, _ *own) {
			s.pool.Members[0].Address.Instance, s.pool.Members[0].Address.Private = "i-4", private(4)
		}, []string{
			"EC2 says two things: DescribeAddresses has 203.0.113.1 on lb-4 (i-4), and DescribeInstances has it on lb-1 (i-1)",
		}},
		"none there": {func(s *scene, _ []Answer, _ *own) { s.pool.Instances[0].Elastic = netip.Addr{} }, []string{
			"EC2 says two things: DescribeAddresses has 203.0.113.1 on lb-1 (i-1), and DescribeInstances has no Elastic IP there",
		}},
		"another there": {func(s *scene, _ []Answer, _ *own) { s.pool.Instances[0].Elastic = public(9) }, []string{
			"EC2 says two things: DescribeAddresses has 203.0.113.1 on lb-1 (i-1), and DescribeInstances has 203.0.113.9 there",
		}},
		"on a secondary private address": {func(s *scene, _ []Answer, _ *own) {
			s.pool.Members[0].Address.Private = private(99)
			s.pool.Instances[0].Elastic = public(9)
		}, nil},
		"a set that someone gave its weight back": {func(s *scene, _ []Answer, b *own) {
			left := s.pool.Sets[0]
			left.Weight = new(int64(0))
			b.sets = map[RecordKey]RecordSet{left.Key(): left}
		}, []string{"the record set www.example.com A www-1 is not as rrwatch has left it: weight 0 → 10; whoever changed it has the last word"}},
		"a set that came back": {func(s *scene, _ []Answer, b *own) {
			b.sets = map[RecordKey]RecordSet{s.pool.Sets[0].Key(): {}}
		}, []string{"the record set www.example.com A www-1 is not as rrwatch has left it: it is there again with the weight 10; whoever changed it has the last word"}},
		"a set as left": {func(s *scene, _ []Answer, b *own) {
			b.sets = map[RecordKey]RecordSet{s.pool.Sets[0].Key(): s.pool.Sets[0]}
		}, nil},
	} {
		s, a, b := clean(), answers(10*time.Second, 1, 2, 3), &own{}
		c.change(s, a, b)
		if diff := cmp.Diff(c.want, texts(drifts(s.spec, s.pool, a, *b))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
