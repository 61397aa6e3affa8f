package failover

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Drift is a disagreement between what should say the same: what the
// authoritative servers answer, what the record sets say, what EC2 says, and how
// rrwatch has left it. It moves nothing; one that lasts is told.
type Drift struct {
	Key     string   // what it is about: the same for as long as it lasts
	Text    string   // a sentence, without a full stop
	Type    string   // A or AAAA, if it is about answers
	Servers []string // that answered so
}

// typeOf is the type of the answers that a drift of this key is about; empty: of
// none.
func typeOf(key string) string {
	what, of, _ := strings.Cut(key, " ")
	if !slices.Contains([]string{"answered", "missing", "empty", "ttl"}, what) {
		return ""
	}
	addr, err := netip.ParseAddr(of)
	switch {
	case err != nil:
		return of
	case addr.Is4():
		return "A"
	}
	return "AAAA"
}

// own is what rrwatch holds to be so because it did it. What is not settled is
// not judged.
type own struct {
	moves map[netip.Addr]Remap    // the latest of each address that an open incident has moved
	sets  map[RecordKey]RecordSet // how the latest edit has left each set that an open incident has edited
	busy  map[string]bool         // types of which an edit is unfinished, or was while the servers were asked
	fresh map[string]bool         // ids of instances, and addresses, of which a move is unfinished or a minute young: EC2's answers lag
}

// drifts are all disagreements of a pool: those of answers first, then those of
// record sets and of EC2. Answers are judged by sets that were read after they
// were given.
func drifts(spec *Spec, pool *Pool, answers []Answer, b own) []Drift {
	list := append(silentDrifts(spec, answers), strained(pool)...)
	for _, kind := range []string{"A", "AAAA"} {
		if !b.busy[kind] {
			h := hearing{spec: spec, kind: kind, sets: pool.ofType(kind), answers: answersOf(answers, kind)}
			list = append(list, h.drifts()...)
		}
	}
	list = append(list, leftDrifts(pool, b)...)
	return append(list, carrierDrifts(pool, b)...)
}

// mostThrottled is how many throttled calls within 10 minutes are a bad moment. More
// mean that something else in the account uses up the requests that Route 53 takes.
const mostThrottled = 3

// strained tells that the account is near Route 53's limits, in which an edit of
// rrwatch would have to wait.
func strained(pool *Pool) []Drift {
	if pool.Throttled <= mostThrottled {
		return nil
	}
	return []Drift{{Key: "throttled", Text: "Route 53 throttles the calls of this account: something else in it makes too many; " +
		"rrwatch itself keeps to two a second, and an edit in an outage would have to wait"}}
}

// answersOf are the answers of one type that are answers.
func answersOf(answers []Answer, kind string) []Answer {
	return slices.DeleteFunc(slices.Clone(answers), func(a Answer) bool { return a.Type != kind || a.Err != nil })
}

// silentDrifts are the servers that do not answer.
func silentDrifts(spec *Spec, answers []Answer) []Drift {
	var servers []string
	why := map[string]error{}
	all := map[string]bool{}
	for _, a := range answers {
		all[a.Server] = true
		if a.Err != nil && why[a.Server] == nil {
			why[a.Server] = a.Err
			servers = append(servers, a.Server)
		}
	}
	if len(servers) > 1 && len(servers) == len(all) {
		return []Drift{{Key: "silent", Text: fmt.Sprintf("none of the %d authoritative servers answers %s: %s: %s",
			len(all), spec.Record, servers[0], firstLine(why[servers[0]]))}}
	}
	var list []Drift
	for _, server := range servers {
		list = append(list, Drift{Key: "silent " + server, Text: fmt.Sprintf("%s does not answer %s at all: %s", server, spec.Record, firstLine(why[server]))})
	}
	return list
}

// firstLine is the first of several errors that are joined: the others, of the
// same server, are alike.
func firstLine(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// hearing is what all servers answer of one type, beside the sets of that type.
type hearing struct {
	spec    *Spec
	kind    string
	sets    []RecordSet
	answers []Answer
}

// drifts are the disagreements of one type. Beside a set that rrwatch does not
// know to the end, such as an alias, any answer may be right.
func (h *hearing) drifts() []Drift {
	if slices.ContainsFunc(h.sets, func(s RecordSet) bool { return s.Foreign != "" }) {
		return nil
	}
	var list []Drift
	for _, addr := range h.heard() {
		if !h.mayAnswer(addr) {
			list = append(list, h.stranger(addr))
		}
	}
	return slices.Concat(list, h.missing(), h.empty(), h.otherTTLs())
}

// heard are the addresses in all answers, in order.
func (h *hearing) heard() []netip.Addr {
	var list []netip.Addr
	for _, a := range h.answers {
		list = append(list, a.Addrs...)
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return slices.Compact(list)
}

// mayAnswer reports whether a server may answer with the address. Sets of weight 0
// are answered when all have it, or when health checks say so.
func (h *hearing) mayAnswer(addr netip.Addr) bool {
	all := weightless(h.sets) || h.checked()
	return slices.ContainsFunc(h.sets, func(s RecordSet) bool { return s.Holds(addr) && (all || s.Answers()) })
}

func (h *hearing) checked() bool {
	return slices.ContainsFunc(h.sets, func(s RecordSet) bool { return s.HealthCheck != "" })
}

func (h *hearing) stranger(addr netip.Addr) Drift {
	servers := h.serversWith(func(a Answer) bool { return slices.Contains(a.Addrs, addr) })
	which := "which no record set has"
	if slices.ContainsFunc(h.sets, func(s RecordSet) bool { return s.Holds(addr) }) {
		which = "whose weight is 0"
	}
	return Drift{Key: fmt.Sprintf("answered %s", addr), Type: h.kind, Servers: servers,
		Text: fmt.Sprintf("%s %s with %s, %s", h.who(servers, "answers", "answer"), h.spec.Record, addr, which)}
}

// whole reports whether every answer must have every address: a weighted group is
// answered at random, and of multivalue sets at most 8 are given.
func (h *hearing) whole() bool {
	if h.checked() || len(h.sets) == 0 {
		return false
	}
	if len(h.sets) == 1 && h.sets[0].Simple() {
		return true
	}
	multi := !slices.ContainsFunc(h.sets, func(s RecordSet) bool { return !s.MultiValue })
	return multi && len(h.sets) <= mostAnswers
}

func (h *hearing) missing() []Drift {
	if !h.whole() {
		return nil
	}
	var list []Drift
	for _, set := range h.sets {
		for _, addr := range set.Addrs() {
			servers := h.serversWith(func(a Answer) bool { return len(a.Addrs) > 0 && !slices.Contains(a.Addrs, addr) })
			if len(servers) > 0 {
				list = append(list, Drift{Key: fmt.Sprintf("missing %s", addr), Type: h.kind, Servers: servers,
					Text: fmt.Sprintf("%s %s with %s, which the record set has", h.who(servers, "does not answer", "do not answer"), h.spec.Record, addr)})
			}
		}
	}
	return list
}

func (h *hearing) empty() []Drift {
	n := 0
	for _, set := range h.sets {
		if set.Answers() {
			n += len(set.Addrs())
		}
	}
	servers := h.serversWith(func(a Answer) bool { return len(a.Addrs) == 0 })
	if n == 0 || len(servers) == 0 {
		return nil
	}
	have := fmt.Sprintf("%d addresses", n)
	if n == 1 {
		have = "one"
	}
	return []Drift{{Key: "empty " + h.kind, Type: h.kind, Servers: servers, Text: fmt.Sprintf(
		"%s %s %s with no address, and its record sets have %s", h.who(servers, "answers", "answer"), h.spec.Record, h.kind, have)}}
}

// otherTTLs are the answers with a TTL that no set has. An answer with a stranger
// in it has the stranger's.
func (h *hearing) otherTTLs() []Drift {
	answering := slices.DeleteFunc(slices.Clone(h.sets), func(s RecordSet) bool { return !h.checked() && !weightless(h.sets) && !s.Answers() })
	ttls := ttlsOf(answering)
	other := func(a Answer) bool {
		stranger := slices.ContainsFunc(a.Addrs, func(addr netip.Addr) bool { return !h.mayAnswer(addr) })
		return len(a.Addrs) > 0 && !stranger && !slices.Contains(ttls, int64(a.TTL/time.Second))
	}
	servers := h.serversWith(other)
	if len(servers) == 0 {
		return nil
	}
	got := h.answers[slices.IndexFunc(h.answers, other)].TTL
	have := "the record set has"
	if len(answering) > 1 {
		have = "the record sets have"
	}
	return []Drift{{Key: "ttl " + h.kind, Type: h.kind, Servers: servers, Text: fmt.Sprintf(
		"%s %s with the TTL %d s; %s %s", h.who(servers, "answers", "answer"), h.spec.Record, got/time.Second, have, ttlWords(ttls))}}
}

// serversWith are the servers that gave such an answer, in order.
func (h *hearing) serversWith(so func(Answer) bool) []string {
	var servers []string
	for _, a := range h.answers {
		if so(a) {
			servers = append(servers, a.Server)
		}
	}
	slices.Sort(servers)
	return slices.Compact(servers)
}

// who names servers with what they do: "192.0.2.53:53 answers", "all 4
// authoritative servers answer".
func (h *hearing) who(servers []string, one, many string) string {
	all := len(h.serversWith(func(Answer) bool { return true }))
	switch {
	case len(servers) == 1:
		return servers[0] + " " + one
	case len(servers) == all:
		return fmt.Sprintf("all %d authoritative servers %s", all, many)
	}
	return sequence(servers) + " " + many
}

// leftDrifts are the sets that are not as rrwatch has left them.
func leftDrifts(pool *Pool, b own) []Drift {
	var list []Drift
	for _, key := range sortedSets(b.sets) {
		left, is := b.sets[key], pool.set(key)
		if is.Equal(left) {
			continue
		}
		list = append(list, Drift{Key: "left " + key.label(), Text: fmt.Sprintf(
			"the record set %s is not as rrwatch has left it: %s; whoever changed it has the last word", key.label(), setChange(left, is))})
	}
	return list
}

func sortedSets(sets map[RecordKey]RecordSet) []RecordKey {
	var keys []RecordKey
	for key := range sets {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b RecordKey) int { return strings.Compare(a.label(), b.label()) })
	return keys
}

// carrierDrifts are the addresses that are not where rrwatch has left them, and
// those of which EC2 says two things.
func carrierDrifts(pool *Pool, b own) []Drift {
	var list []Drift
	for _, m := range pool.Members {
		if m.Address == nil || b.fresh[m.Addr.String()] {
			continue
		}
		if move, moved := b.moves[m.Addr]; moved && m.Carrier() != move.To {
			list = append(list, Drift{Key: fmt.Sprintf("carrier %s", m.Addr), Text: fmt.Sprintf(
				"EC2 has %s on %s, by someone else's change; rrwatch had moved it to %s, and leaves it as it is", m.Addr, carrierName(pool, m), label(move.To, move.ToName))})
		}
		if text := twoTruths(pool, m, b); text != "" {
			list = append(list, Drift{Key: fmt.Sprintf("ec2 %s", m.Addr), Text: text})
		}
	}
	return list
}

// twoTruths compares what DescribeAddresses says of an address with what
// DescribeInstances says of the instances.
func twoTruths(pool *Pool, m Member, b own) string {
	if !m.Address.Private.IsValid() && m.Address.Instance != "" {
		return "" // EC2 does not say on which private address
	}
	for n := range pool.Instances {
		i := &pool.Instances[n]
		if b.fresh[i.ID] || i.State == "terminated" {
			continue
		}
		if there := i.otherTruth(m); there != "" {
			return fmt.Sprintf("EC2 says two things: DescribeAddresses has %s on %s, and DescribeInstances has %s", m.Addr, carrierName(pool, m), there)
		}
	}
	return ""
}

// otherTruth is what DescribeInstances says of the instance, where that is not
// what DescribeAddresses says of the member.
func (i *Instance) otherTruth(m Member) string {
	at := m.Address.Instance == i.ID && m.Address.Private == i.Private // on its primary private address
	switch {
	case at && !i.Elastic.IsValid():
		return "no Elastic IP there"
	case at && i.Elastic != m.Addr:
		return i.Elastic.String() + " there"
	case !at && i.Elastic == m.Addr:
		return "it on " + i.Label()
	}
	return ""
}
