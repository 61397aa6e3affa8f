package main

import (
	"encoding/xml"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/simulator"
)

// stormCall is a call that changes something.
type stormCall struct {
	action           string
	form             url.Values // of EC2
	deleted, created []simulator.RecordSet
	upserts          int
	edits            []setEdit     // the same, set by set
	of               []*actionSeen // whose call it is; empty: nobody's
}

// setEdit is what a call does to one record set.
type setEdit struct {
	key              string
	deleted, created []simulator.RecordSet // at most one each
	of               []*actionSeen         // that want it
}

// readChange understands a changing call; nil: it changes nothing.
func readChange(r *http.Request, body []byte) *stormCall {
	if r.Method == http.MethodPost && strings.HasSuffix(strings.TrimSuffix(r.URL.Path, "/"), "/rrset") {
		return readEdit(body)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") == "" || strings.HasPrefix(form.Get("Action"), "Describe") || form.Get("DryRun") == "true" {
		return nil
	}
	return &stormCall{action: form.Get("Action"), form: form}
}

func readEdit(body []byte) *stormCall {
	var request struct {
		Changes []struct {
			Action string
			Set    struct {
				Name, Type, SetIdentifier string
				Weight                    *int64
				MultiValueAnswer          bool
				TTL                       int64
				Values                    []string `xml:"ResourceRecords>ResourceRecord>Value"`
			} `xml:"ResourceRecordSet"`
		} `xml:"ChangeBatch>Changes>Change"`
	}
	c := &stormCall{action: "ChangeResourceRecordSets"}
	if err := xml.Unmarshal(body, &request); err != nil {
		c.action = "an edit that cannot be read: " + err.Error()
		return c
	}
	for _, change := range request.Changes {
		set := simulator.RecordSet{
			Name: strings.TrimSuffix(change.Set.Name, "."), Type: change.Set.Type, SetIdentifier: change.Set.SetIdentifier,
			Weight: change.Set.Weight, MultiValue: change.Set.MultiValueAnswer, TTL: change.Set.TTL, Values: change.Set.Values,
		}
		switch change.Action {
		case "DELETE":
			c.deleted = append(c.deleted, set)
		case "CREATE":
			c.created = append(c.created, set)
		default:
			c.upserts++
		}
	}
	return c
}

// soon is how long something may be otherwise before rrwatch must know, beside
// the time between two probes: a read and a call that are repeated.
func (s *storm) soon() time.Duration { return 5*time.Second + 6*s.slow + s.pausedFor() }

// belief is how old what is believed may be: two intervals, and a probe.
func (s *storm) belief() time.Duration { return 2*s.site.interval + time.Second + s.soon() }

func (s *storm) lifeBegan() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.life.began
}

// judge judges a changing call when it arrives.
func (s *storm) judge(l *life, c *stormCall) {
	s.ledger.follow(l.bubble.store)
	switch c.action {
	case "AssociateAddress":
		s.judgeMove(c)
	case "ChangeResourceRecordSets":
		s.judgeEdit(l, c)
	default:
		s.fail("I10: rrwatch calls %s", c.action)
	}
	if len(c.of) == 0 {
		s.fail("I5: %s is called, and no action of the journal has begun that does: %v %v %v", c.action, c.form, c.deleted, c.created)
	}
	for _, a := range c.of {
		if s.site.mode == config.ModeObserve || s.site.mode == config.ModePropose && a.By == "" {
			s.fail("I2: %s, which nobody has approved, in mode %s", a, s.site.mode)
		}
		s.judgeTime(a)
	}
}

// judgeTime judges whether now is a time to change anything for the member.
func (s *storm) judgeTime(a *actionSeen) {
	s.truth.mu.Lock()
	cut := s.truth.cut
	s.truth.mu.Unlock()
	if cut.so && time.Since(cut.since) > s.soon() {
		s.fail("I2: %s, and the watcher is cut off since %s", a, cut.since.Format("15:04:05.000"))
	}
	served := s.truth.served(a.Member)
	s.ledger.mu.Lock()
	i := s.ledger.incidents[a.Incident]
	first := i.life
	s.ledger.mu.Unlock()
	if served.first.IsZero() || !served.so && served.since.Before(first.Add(-s.soon())) && !s.seenUpBefore(a) {
		s.fail("I2: %s, and the member was never healthy since rrwatch was started at %s", a, first.Format("15:04:05.000"))
	}
	// The longest time from a real fail to the last call for it.
	if failing := 45*time.Second + 6*s.slow + s.pausedFor(); (a.Kind == failover.KindRemap || a.Kind == failover.KindWithdraw) && !served.notWithin(failing) {
		s.fail("I12: %s, and the member is served since %s", a, served.since.Format("15:04:05.000"))
	}
	if a.Kind == failover.KindRemap || a.Kind == failover.KindWithdraw {
		if since, alike := s.truth.allAlike(s.site.membersOf(a.Pool)); alike && time.Since(since) > s.belief()+s.site.verify+6*s.slow+s.pausedFor() {
			s.fail("I11: %s, and all members fail alike since %s", a, since.Format("15:04:05.000"))
		}
	}
	if a.Kind == failover.KindRestore && !served.within(s.belief()) {
		s.fail("I9: %s, and the member is not served since %s", a, served.since.Format("15:04:05.000"))
	}
}

// seenUpBefore reports whether an open incident knew the member healthy.
func (s *storm) seenUpBefore(a *actionSeen) bool {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return s.ledger.incidents[a.Incident].seenUp
}

// judgeMove judges a move: I3, I4, I10.
func (s *storm) judgeMove(c *stormCall) {
	allocation, eni := c.form.Get("AllocationId"), c.form.Get("NetworkInterfaceId")
	var addr simulator.Address
	for _, a := range s.aws.Addresses() {
		if a.Allocation == allocation {
			addr = a
		}
	}
	var to simulator.Instance
	for _, i := range s.aws.Instances() {
		if i.Interface == eni || i.ID == c.form.Get("InstanceId") {
			to = i
		}
	}
	c.of = s.ledger.unfinished(func(a *failover.Action) bool {
		return a.Remap != nil && a.Remap.Addr == addr.IP && a.Remap.To == to.ID
	})
	if len(c.of) == 0 {
		return
	}
	a := c.of[0]
	pool := s.site.pools[slices.IndexFunc(s.site.pools, func(p stormPool) bool { return p.name == a.Pool })]
	if !slices.Contains(pool.members, addr.IP) && addr.IP != spareAddress() {
		s.fail("I10: %s, which is no member of the pool", a)
	}
	if !slices.Contains(pool.instances, to.Name) {
		s.fail("I3: %s, which does not belong to the pool", a)
	}
	if !s.truth.runs(to.ID).within(s.soon() + s.lag) {
		s.fail("I3: %s, which does not run", a)
	}
	if !s.truth.free(to.ID).within(s.soon() + s.lag) {
		s.fail("I3: %s, which carries another address", a)
	}
	if f := s.truth.isWell(to.ID); !f.within(s.belief()) {
		s.fail("I3: %s, which fails since %s", a, f.since.Format("15:04:05.000"))
	}
	if from := s.truth.on(addr.IP, a.Remap.From); addr.Instance != a.Remap.From && addr.Instance != to.ID && !from.within(s.soon()+s.site.options.Lag+s.lag) {
		s.fail("I4: %s, and it is on %q since %s", a, addr.Instance, from.since.Format("15:04:05.000"))
	}
	if a.Remap.From == "" && c.form.Get("AllowReassociation") != "false" {
		s.fail("I4: %s would take the address from anybody", a)
	}
}

func count[T any](list []T, so func(T) bool) (n int) {
	for _, t := range list {
		if so(t) {
			n++
		}
	}
	return n
}

// healthy reports whether an address serves by truth or is believed to, or was
// when the edit was planned.
func (s *storm) healthy(l *life, pool string, a netip.Addr, planned time.Duration) bool {
	if s.truth.served(a).within(s.belief() + planned) {
		return true
	}
	for target, h := range l.bubble.monitor.Snapshot().All() {
		if target.Pool == pool && target.Addr.Addr() == a && h.State == monitor.Up {
			return true
		}
	}
	return false
}

// arrived takes in what a call did.
func (s *storm) arrived(c *stormCall, accepted bool, err error) {
	lost := err != nil && strings.Contains(err.Error(), "reset")
	s.truth.look()
	changed := false
	switch {
	case c.action == "AssociateAddress":
		for _, a := range s.aws.Addresses() {
			now := s.truth.on(a.IP, a.Instance).since.Equal(time.Now())
			switch {
			case !now || len(c.of) == 0 || s.truth.movedSince(a.IP, time.Now().Add(-1)):
			case a.IP == c.of[0].Member:
				changed = a.Instance == c.of[0].Remap.To
			case a.Instance == "" && !s.truth.movedSince(a.IP, time.Now().Add(-s.soon()-s.lag)): // AWS itself does not refuse it
				s.fail("I3: %s has evicted %s", c.of[0], a.IP)
			}
		}
	case accepted || lost:
		changed = s.truth.apply(c.deleted, c.created)
	}
	if !changed {
		return
	}
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	for _, a := range c.of {
		a.effect = time.Now()
		if a.effects++; a.effects > 1 {
			s.fail("I5: %s has changed the world %d times", a, a.effects)
		}
	}
}
