package web

import (
	"fmt"
	"net/http"

	"rrwatch/failover"
)

// override breaks the glass: the named guard holds the incident back no more,
// for a while.
func (s *server) override(r *http.Request, o order) (string, error) {
	by, err := s.who(r, o.By)
	if err != nil {
		return "", err
	}
	rule, known := failover.Guard(o.Guard).Rule()
	switch {
	case o.Guard == "":
		return "", problemf(http.StatusBadRequest, "say which guard is overridden: give its name as guard")
	case !known:
		return "", problemf(http.StatusBadRequest, "there is no guard %q; the page /guards lists them", o.Guard)
	case !rule.Overridable:
		return "", problemf(http.StatusConflict, "the guard %s cannot be overridden: %s", rule.Guard, because(rule))
	}
	why, err := reason(o.Why)
	if err != nil {
		return "", err
	}
	i, err := s.concerned(r, "override")
	if err != nil {
		return "", err
	}
	if err := s.Operator.Override(r.Context(), i.ID, rule.Guard, why, by); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s overrides the guard %s for incident %d: %s", by, rule.Guard, i.ID, why), nil
}

// because says why a guard cannot be overridden.
func because(rule failover.GuardRule) string {
	if rule.Invariant == "" {
		return "there is nothing that rrwatch could do instead"
	}
	return "it keeps what must always hold, " + rule.Invariant.Promise()
}
