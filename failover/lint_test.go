package failover

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// clean is a scene without a lint: its TTL is the advised one, and each zone has
// a standby for each address that others carry.
func clean() *scene {
	s := newScene()
	for n := range s.pool.Members {
		s.edit(n+1, func(set *RecordSet) { set.TTL = 10 })
	}
	s.pool.Instances = append(s.pool.Instances, s.pool.Instances[4])
	s.pool.Instances[5].ID, s.pool.Instances[5].Name, s.pool.Instances[5].Private = "i-6", "lb-6", private(6)
	return s
}

// edit changes member n's set.
func (s *scene) edit(n int, change func(*RecordSet)) {
	change(&s.pool.Members[n-1].Set)
	s.pool.Sets[n-1] = s.pool.Members[n-1].Set
}

// simple makes one set of all members.
func (s *scene) simple(change func(*RecordSet)) {
	set := RecordSet{Name: "www.example.com", Type: "A", TTL: 10}
	for _, m := range s.pool.Members {
		set.Values = append(set.Values, m.Addr.String())
	}
	if change != nil {
		change(&set)
	}
	s.pool.Sets = []RecordSet{set}
	for n := range s.pool.Members {
		s.pool.Members[n].Set = set
	}
}

// linting is one wiring, with what is found of it.
type linting struct {
	change func(*scene)
	want   []string // "name, severity: sentence"
}

func found(list []Lint) []string {
	var texts []string
	for _, l := range list {
		texts = append(texts, fmt.Sprintf("%s, %s: %s", l.Name, l.Severity, l.Sentence))
	}
	return texts
}

func recordLintings() map[string]linting {
	return map[string]linting{
		"clean": {func(*scene) {}, nil},
		"an alias beside": {func(s *scene) {
			s.pool.Sets = append(s.pool.Sets, RecordSet{Name: "www.example.com", Type: "A", Identifier: "lb", Weight: new(int64(5)), Foreign: "it is an alias"})
		}, []string{"foreign-set, warning: rrwatch never edits the record set www.example.com A lb: it is an alias"}},
		"published twice": {func(s *scene) {
			twin := s.pool.Sets[0]
			twin.Identifier = "again"
			s.pool.Sets = append(s.pool.Sets, twin)
		}, []string{"published-twice, warning: 203.0.113.1 is in 2 record sets (www.example.com A www-1, www.example.com A again): taken out of one, it is still answered by the other"}},
		"several values": {func(s *scene) {
			s.edit(1, func(set *RecordSet) { set.Values = []string{"203.0.113.1", "203.0.113.9"} })
		}, []string{"several-values, warning: the record set www.example.com A www-1 holds 2 addresses, which come and go together: they are never withdrawn; give each address a set of its own"}},
		"all weights zero": {func(s *scene) {
			for n := range 3 {
				s.edit(n+1, func(set *RecordSet) { set.Weight = new(int64(0)) })
			}
		}, []string{"all-weights-zero, warning: all weights of www.example.com A are 0, so that Route 53 answers with all of them alike"}},
		"weight 0 by hand": {func(s *scene) {
			s.edit(2, func(set *RecordSet) { set.Weight = new(int64(0)) })
		}, []string{"weight-zero, advice: www.example.com A www-2 has the weight 0, so that the name never answers with 203.0.113.2"}},
		"weight 0 by rrwatch": {func(s *scene) {
			was := s.pool.Sets[1]
			s.edit(2, func(set *RecordSet) { set.Weight = new(int64(0)) })
			s.pool.withdrawn = []Reweigh{{Addr: public(2), Was: was, Shall: s.pool.Sets[1]}}
		}, nil},
		"mixed TTLs": {func(s *scene) {
			s.edit(2, func(set *RecordSet) { set.TTL = 5 })
		}, []string{"mixed-ttl, warning: the record sets of www.example.com A have the TTLs 5 s and 10 s; Route 53 wants one for all of a group"}},
		"TTL 0": {func(s *scene) {
			s.simple(func(set *RecordSet) { set.TTL = 0 })
		}, []string{"ttl-zero, warning: www.example.com A has the TTL 0: every look-up of every client goes to Route 53, and some resolvers keep the answer all the same"}},
		"TTL above detection": {func(s *scene) {
			s.simple(func(set *RecordSet) { set.TTL = 60 })
		}, []string{"ttl-above-detection, advice: www.example.com A has the TTL 60 s: an outage is noticed within 6.5s, and resolvers give a withdrawn address for 60 s more; a TTL of 10 s is advised"}},
		"TTL far above detection": {func(s *scene) {
			s.simple(func(set *RecordSet) { set.TTL = 300 })
			s.spec.Checks[0].Interval = time.Minute
		}, []string{"ttl-above-detection, warning: www.example.com A has the TTL 300 s: an outage is noticed within 1m1.5s, and resolvers give a withdrawn address for 300 s more; a TTL of 60 s is advised"}},
		"a TTL that no withdrawal waits for": {func(s *scene) {
			s.simple(func(set *RecordSet) { set.TTL = 300 })
			s.spec.Policy.Remedies = []Remedy{RemedyRemap}
		}, nil},
		"a health check and its TTL": {func(s *scene) {
			s.simple(func(set *RecordSet) { set.TTL, set.HealthCheck = 61, "hc-1" })
			s.spec.Policy.Remedies = []Remedy{RemedyRemap}
		}, []string{
			"ttl-health-check, warning: www.example.com A has the TTL 61 s beside a Route 53 health check; AWS advises 60 s or less",
			"health-check, warning: www.example.com A has the Route 53 health check hc-1: two controllers decide what the name answers",
		}},
		"half a failover pair": {func(s *scene) {
			s.edit(1, func(set *RecordSet) { set.Weight, set.Failover = nil, "PRIMARY" })
			s.pool.Sets, s.pool.Members = s.pool.Sets[:1], s.pool.Members[:1]
		}, []string{
			"failover-pair, warning: the failover pair of www.example.com A has no SECONDARY set, so that Route 53 has nothing to fail over to",
			"one-member, warning: www.example.com A has only one address, which is never withdrawn",
		}},
		"a whole failover pair": {func(s *scene) {
			for n, role := range []string{"PRIMARY", "SECONDARY"} {
				s.edit(n+1, func(set *RecordSet) { set.Weight, set.Failover = nil, role })
			}
			s.pool.Sets, s.pool.Members = s.pool.Sets[:2], s.pool.Members[:2]
		}, nil},
		"a private zone": {func(s *scene) { s.pool.Private = true }, []string{
			"private-zone, advice: the zone of www.example.com is private: that an edit is INSYNC is all that proves it, unless name_servers say whom to ask",
		}},
	}
}

// many are n addresses in as many multivalue sets, or in one set.
func (s *scene) many(n int, multivalue bool) {
	s.simple(nil)
	all := RecordSet{Name: "www.example.com", Type: "A", TTL: 10}
	s.pool.Sets, s.pool.Members = nil, nil
	for n := range n {
		one := RecordSet{Name: "www.example.com", Type: "A", TTL: 10, Identifier: fmt.Sprint(n), MultiValue: true, Values: []string{public(n + 1).String()}}
		all.Values = append(all.Values, one.Values...)
		s.pool.Sets = append(s.pool.Sets, one)
		s.pool.Members = append(s.pool.Members, Member{Addr: public(n + 1), Published: true, Set: one, Address: &Address{Association: "eipassoc-1", Instance: "i-1"}})
	}
	if !multivalue {
		s.pool.Sets = []RecordSet{all}
	}
}

func TestAnswersThatAreTooLargeAreLinted(t *testing.T) {
	for name, c := range map[string]struct {
		n     int
		multi bool
		want  []LintName
	}{
		"8 multivalue sets": {8, true, nil},
		"9 multivalue sets": {9, true, []LintName{LintManyValues}},
		"8 values":          {8, false, nil},
		"9 values":          {9, false, []LintName{LintManyValues}},
		"29 values":         {29, false, []LintName{LintManyValues}},
		"30 values":         {30, false, []LintName{LintLongAnswer, LintManyValues}},
	} {
		s := clean()
		s.many(c.n, c.multi)
		var got []LintName
		for _, l := range Lints(s.spec, s.pool) {
			if l.Name == LintManyValues || l.Name == LintLongAnswer {
				got = append(got, l.Name)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	s := clean()
	s.many(30, false)
	got := strings.Join(found(Lints(s.spec, s.pool)), "\n")
	for _, want := range []string{
		"many-values, advice: www.example.com A answers with all of its 30 addresses; many clients try only the first few of more than 8",
		"long-answer, warning: the answer of www.example.com A takes 513 bytes; above 512, resolvers without EDNS have to ask again by TCP",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("want %s in\n%s", want, got)
		}
	}
}

func TestWiringIsLinted(t *testing.T) {
	all := recordLintings()
	maps.Copy(all, carrierLintings())
	maps.Copy(all, instanceLintings())
	seen := map[LintName]bool{LintManyValues: true, LintLongAnswer: true} // have a test of their own
	for name, c := range all {
		s := clean()
		c.change(s)
		list := LintsSeen(s.spec, s.pool, s.snap)
		if diff := cmp.Diff(c.want, found(list)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for _, l := range list {
			seen[l.Name] = true
			if strings.HasSuffix(l.Sentence, ".") {
				t.Errorf("%q ends with a full stop", l.Sentence)
			}
		}
	}
	for _, rule := range LintRules() {
		if !seen[rule.Name] {
			t.Errorf("no test finds %s", rule.Name)
		}
	}
}

func TestALintKnowsWhatItIsAbout(t *testing.T) {
	s := clean()
	s.edit(2, func(set *RecordSet) { set.Weight = new(int64(0)) })
	s.pool.Members[0].Address.Association, s.pool.Members[0].Address.Instance = "", ""
	got := Lints(s.spec, s.pool)
	if len(got) != 2 || got[0].Addr != public(1) || got[1].Addr != public(2) || got[1].Set != s.pool.Sets[1].Key() {
		t.Errorf("got %+v", got)
	}
}

// unreachable makes an address one that the host has no way to.
func (s *scene) unreachable(a netip.Addr) {
	last := probe.Result{Target: s.target(a), At: noon(), Answer: probe.Answer{Verdict: probe.Inconclusive, Reason: probe.OwnNetwork}}
	s.snap = s.snap.With(s.target(a), monitor.Health{Last: last})
}
