package failover

import "time"

// Shadow is what would have been done for an incident in mode act, and whether
// that would have been right: whether the member stayed down for longer than the
// failover would have taken.
type Shadow struct {
	Action string        `json:"action"` // Action.String
	At     time.Time     `json:"at"`     // when it would have begun
	Takes  time.Duration `json:"takes"`  // until users would have been served again
	Judged bool          `json:"judged"`
	Right  bool          `json:"right"`
}

// Score counts what would have been done.
type Score struct {
	Right int `json:"right"` // the member stayed down for longer than the failover would have taken
	Wrong int `json:"wrong"` // it came back sooner by itself
	Open  int `json:"open"`  // not known yet
}

// Of is how often rrwatch would have acted.
func (s Score) Of() int { return s.Right + s.Wrong + s.Open }

// Add is the score with one more incident in it.
func (s Score) Add(i Incident) Score {
	switch {
	case i.Shadow == nil:
	case !i.Shadow.Judged && i.Open():
		s.Open++
	case !i.Shadow.Judged:
	case i.Shadow.Right:
		s.Right++
	default:
		s.Wrong++
	}
	return s
}

// score is of the pool's incidents, open ones too.
func (s *state) score(pool string) Score {
	score := s.scores[pool]
	for _, i := range s.open[pool] {
		score = score.Add(i)
	}
	return score
}

// shadowed is the incident after a hold by the mode alone: from the first one on
// it is judged what would have been done. What people then do by rrwatch's hand
// is no shadow any more.
func (i Incident) shadowed(holds []Hold, at time.Time) *Shadow {
	if i.Shadow != nil {
		return i.Shadow
	}
	for _, h := range holds {
		if h.Guard == GuardMode && h.Action != "" && h.Takes > 0 {
			return &Shadow{Action: h.Action, At: at, Takes: h.Takes}
		}
	}
	return nil
}

// judged is the shadow of an incident that closes at a time.
func (i Incident) judged(at time.Time) *Shadow {
	if i.Shadow == nil || len(i.Actions) > 0 {
		return nil
	}
	s := *i.Shadow
	s.Judged, s.Right = true, at.Sub(s.At) > s.Takes
	return &s
}

// How long users would have waited for an action. A move: the call, and five to
// six seconds until the address is carried, which is what users of the same call
// report. An edit: Route 53 says within 60 seconds at its servers, and the old
// answer lives for its TTL.
const (
	moveTakes = 8 * time.Second
	editTakes = time.Minute
)

// takes is how long users would wait for the action.
func (a Action) takes() time.Duration {
	if a.Reweigh != nil {
		return editTakes + time.Duration(max(a.Reweigh.Was.TTL, a.Reweigh.Shall.TTL))*time.Second
	}
	return moveTakes
}
