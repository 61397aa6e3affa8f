package failover

import "testing"

func TestTheWiringsChangeIsToldWithWhoseItIs(t *testing.T) {
	remap := func(status Status) Action {
		return Action{Member: public(1), Status: status, Remap: &Remap{Addr: public(1), From: "i-1", To: "i-4"}}
	}
	carriedBy4 := func(s *scene) { s.pool.Members[0].Address.Instance = "i-4" }
	weight := func(n int, w int64) func(*scene) {
		return func(s *scene) { s.edit(n, func(set *RecordSet) { set.Weight = &w }) }
	}
	withdrawn := clean().pool.Sets[0]
	withdrawn.Weight = new(int64(0))
	withdraw := Action{Member: public(1), Status: Applied, Reweigh: &Reweigh{Addr: public(1), Was: clean().pool.Sets[0], Shall: withdrawn}}
	for name, c := range map[string]struct {
		change func(*scene)
		acted  []Action
		want   string
	}{
		"nothing":           {func(*scene) {}, nil, ""},
		"moved by someone":  {carriedBy4, nil, "pool www changed, by someone else's change: 203.0.113.1 is carried by lb-4 (i-4), before by lb-1 (i-1)"},
		"moved by us":       {carriedBy4, []Action{remap(Begun)}, "pool www changed: 203.0.113.1 is carried by lb-4 (i-4), before by lb-1 (i-1)"},
		"refused, but done": {carriedBy4, []Action{remap(Refused)}, "pool www changed, by someone else's change: 203.0.113.1 is carried by lb-4 (i-4), before by lb-1 (i-1)"},
		"on nothing":        {func(s *scene) { s.pool.Members[0].Address.Instance = "" }, nil, "pool www changed, by someone else's change: 203.0.113.1 is carried by nothing, before by lb-1 (i-1)"},
		"a weight":          {weight(2, 20), nil, "pool www changed, by someone else's change: www.example.com A www-2: weight 10 → 20"},
		"our weight":        {weight(1, 0), []Action{withdraw}, "pool www changed: www.example.com A www-1: weight 10 → 0"},
		"ours and theirs": {func(s *scene) { weight(1, 0)(s); weight(2, 20)(s) }, []Action{withdraw},
			"pool www changed: www.example.com A www-1: weight 10 → 0; and by someone else's change: www.example.com A www-2: weight 10 → 20"},
		"theirs after ours": {weight(1, 7), []Action{withdraw}, "pool www changed, by someone else's change: www.example.com A www-1: weight 10 → 7"},
		"TTL and health check": {func(s *scene) {
			s.edit(3, func(set *RecordSet) { set.TTL, set.HealthCheck = 300, "hc-1" })
		}, nil, "pool www changed, by someone else's change: www.example.com A www-3: TTL 10 s → 300 s, health check none → hc-1"},
		"left": {func(s *scene) { s.pool.Members, s.pool.Sets = s.pool.Members[:2], s.pool.Sets[:2] }, nil,
			"pool www changed, by someone else's change: 203.0.113.3 left (weight 10, carried by lb-3 (i-3))"},
		"another routing": {func(s *scene) {
			s.edit(1, func(set *RecordSet) { set.Weight, set.MultiValue = nil, true })
		}, nil, "pool www changed, by someone else's change: www.example.com A www-1: routing weighted → multivalue, weight 10 → none"},
		"another address in the set": {func(s *scene) {
			s.edit(1, func(set *RecordSet) { set.Values = []string{public(9).String()} })
			s.pool.Members[0].Addr = public(9)
		}, nil, "pool www changed, by someone else's change: 203.0.113.9 joined (weight 10, carried by lb-1 (i-1)); 203.0.113.1 left (weight 10, carried by lb-1 (i-1))"},
		"another identifier": {func(s *scene) { s.edit(1, func(set *RecordSet) { set.Identifier = "new" }) }, nil,
			"pool www changed, by someone else's change: the record set www.example.com A new came with 203.0.113.1; the record set www.example.com A www-1 left with 203.0.113.1"},
	} {
		before, now := clean(), clean()
		c.change(now)
		if got := wired(before.pool, now.pool, c.acted); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

func TestAMultivalueAnswerThatWeTookOutIsOurs(t *testing.T) {
	before, now := clean(), clean()
	for _, s := range []*scene{before, now} {
		s.many(3, true)
	}
	gone := now.pool.Sets[0]
	now.pool.Sets = now.pool.Sets[1:]
	now.pool.Members[0].Published = false
	ours := Action{Member: public(1), Status: Applied, Reweigh: &Reweigh{Addr: public(1), Was: gone}}
	if got, want := wired(before.pool, now.pool, []Action{ours}), "pool www changed: the record set www.example.com A 0 left with 203.0.113.1"; got != want {
		t.Errorf("got %s", got)
	}
	forgotten := clean()
	forgotten.many(3, true)
	forgotten.pool.Sets, forgotten.pool.Members = forgotten.pool.Sets[1:], forgotten.pool.Members[1:]
	if got, want := wired(now.pool, forgotten.pool, nil), "pool www changed: 203.0.113.1 is watched no more: nothing publishes it"; got != want {
		t.Errorf("got %s", got)
	}
}
