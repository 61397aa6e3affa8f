package route53_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rrwatch/route53"
	"rrwatch/simulator"
)

func trial() route53.Trial {
	return route53.Trial{Zone: "example.com", Record: "www.example.com", Edits: true, Lease: true}
}

// editsOf lets through what a policy allows: the names.
func editsOf(a *simulator.AWS, allowed ...string) *route53.Client {
	return sending(a, func(body string) *http.Response {
		if slices.ContainsFunc(allowed, func(name string) bool { return strings.Contains(body, "<Name>"+name+"</Name>") }) {
			return nil
		}
		return written(http.StatusForbidden, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not this name</Message></Error></ErrorResponse>`)
	})
}

func TestCheckFindsThatAllIsAllowedAndNothingElse(t *testing.T) {
	a := account(simulator.Options{})
	before := a.Records("www.example.com", "")
	got := editsOf(a, "www.example.com", "_rrwatch.www.example.com").Check(t.Context(), trial())
	for _, p := range got {
		if p.OK != p.Needed || p.Detail != "" {
			t.Errorf("got %+v, want all to be well", p)
		}
	}
	var actions []string
	for _, p := range got {
		actions = append(actions, strings.TrimSpace(p.Action+" "+p.On))
	}
	want := []string{
		"route53:ListHostedZonesByName", "route53:GetHostedZone " + zone, "route53:ListResourceRecordSets " + zone, "route53:GetChange",
		"route53:ChangeResourceRecordSets www.example.com A", "route53:ChangeResourceRecordSets www.example.com AAAA",
		"route53:ChangeResourceRecordSets _rrwatch.www.example.com TXT", "route53:ChangeResourceRecordSets rrwatch-check.example.com A",
	}
	if diff := cmp.Diff(want, actions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, a.Records("www.example.com", "")); diff != "" {
		t.Errorf("the check has changed something: %s", diff)
	}
}

func TestCheckChangesNothingAndNamesWhatIsNotNeeded(t *testing.T) {
	a := account(simulator.Options{})
	got := open(a).Check(t.Context(), trial())
	last := got[len(got)-1]
	if !last.OK || last.Needed || !strings.Contains(last.Detail, "not needed") {
		t.Errorf("got %+v, want it permitted and not needed", last)
	}
	if left := a.Records("rrwatch-check.example.com", ""); len(left) != 0 {
		t.Errorf("the check has made %+v", left)
	}
	if sets := a.Records("www.example.com", ""); len(sets) != 4 {
		t.Errorf("the check has left %+v", sets)
	}
	watching := trial()
	watching.Edits, watching.Lease = false, false
	for _, p := range open(a).Check(t.Context(), watching) {
		if edits := p.Action == "route53:ChangeResourceRecordSets" || p.Action == "route53:GetChange"; edits == p.Needed || !p.OK {
			t.Errorf("of a pool that is only watched: %+v", p)
		}
		if strings.HasPrefix(p.On, "_rrwatch.") {
			t.Errorf("a pool that is only watched has no lease: %+v", p)
		}
	}
}

func TestALeaseIsEditedWhereTheRecordIsNot(t *testing.T) {
	moving := trial()
	moving.Edits = false
	for _, p := range editsOf(account(simulator.Options{}), "_rrwatch.www.example.com").Check(t.Context(), moving) {
		if p.OK != p.Needed || p.Detail != "" {
			t.Errorf("got %+v, want it to be well", p)
		}
	}
}

func TestCheckTriesAnEditThatRoute53RefusesForTwoReasons(t *testing.T) {
	a := account(simulator.Options{})
	var sent []string
	c := sending(a, func(body string) *http.Response {
		sent = append(sent, body)
		return written(http.StatusNotFound, `<ErrorResponse><Error><Code>NoSuchHealthCheck</Code><Message>none</Message></Error></ErrorResponse>`)
	})
	for _, p := range c.Check(t.Context(), trial()) {
		if !p.OK {
			t.Errorf("got %+v, want it permitted", p)
		}
	}
	for _, body := range sent {
		create := strings.Index(body, "CREATE")
		if !strings.Contains(body[:max(create, 0)], "DELETE") || !strings.Contains(body[max(create, 0):], "<HealthCheckId>") || strings.Count(body, "<SetIdentifier>rrwatch-check-") != 2 {
			t.Errorf("sent %s", body)
		}
	}
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	a := account(simulator.Options{})
	for _, action := range []string{"GetHostedZone", "ListResourceRecordSets", "GetChange", "ChangeResourceRecordSets"} {
		a.Deny(action)
	}
	byID := trial()
	byID.Zone = zone
	for _, p := range open(a).Check(t.Context(), byID) {
		if p.OK || !p.Needed || !strings.Contains(p.Detail, "not permitted (docs/permissions.md)") {
			t.Errorf("got %+v, want it denied", p)
		}
	}
	a.Deny("ListHostedZonesByName")
	if got := open(a).Check(t.Context(), trial()); len(got) != 1 || got[0].OK {
		t.Errorf("got %+v, want only the zone's lookup, denied", got)
	}
}
