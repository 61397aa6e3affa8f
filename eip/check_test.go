package eip_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/eip"
	"rrwatch/failover"
	"rrwatch/simulator"
)

// trial asks about two addresses and three instances.
func trial() eip.Trial {
	return eip.Trial{
		Moves: true,
		Addresses: []failover.Address{
			{IP: ip("203.0.113.11"), Allocation: allocation}, {IP: ip("203.0.113.12"), Allocation: "eipalloc-0b2"},
			{IP: ip("203.0.113.14"), Allocation: "eipalloc-0d4", ServiceManaged: "alb"},
		},
		Instances: []failover.Instance{
			{ID: first, Name: "lb-1", Interface: "eni-0a1"}, {ID: second, Interface: "eni-0b2"}, {ID: standby, Interface: "eni-0c3"}, {ID: stopped},
		},
	}
}

func moves(list []eip.Permission) []eip.Permission {
	var out []eip.Permission
	for _, p := range list {
		if p.Action == "ec2:AssociateAddress" {
			out = append(out, p)
		}
	}
	return out
}

func TestCheckTriesEachAddressAndEachInstanceAndChangesNothing(t *testing.T) {
	a := account(simulator.Options{})
	list := moves(open(a).Check(t.Context(), trial()))
	for n, want := range []string{
		"203.0.113.11 (eipalloc-0a1) to eni-0a1 of lb-1 (i-0a1)", "203.0.113.12 (eipalloc-0b2) to eni-0b2 of i-0b2", "203.0.113.11 (eipalloc-0a1) to eni-0c3 of i-0c3",
	} {
		if len(list) != 3 || list[n].On != want || !list[n].OK || !list[n].Needed || list[n].Detail != "" {
			t.Fatalf("got %+v, want three, and of %s that it is permitted", list, want)
		}
	}
	if got := carrier(a, "203.0.113.11"); got != first {
		t.Errorf("the check moved the address to %s", got)
	}
}

func TestCheckTellsWhatIsDenied(t *testing.T) {
	a := account(simulator.Options{})
	a.Deny("AssociateAddress")
	a.Deny("DescribeInstanceStatus")
	for _, p := range open(a).Check(t.Context(), trial()) {
		denied := p.Action == "ec2:AssociateAddress" || p.Action == "ec2:DescribeInstanceStatus"
		if p.Needed && p.OK == denied {
			t.Errorf("got %+v, want OK %v", p, !denied)
		}
		if p.Needed && denied && (!strings.Contains(p.Detail, "docs/permissions.md") || !strings.Contains(p.Detail, "UnauthorizedOperation")) {
			t.Errorf("got %+v, want it to say why and where to look", p)
		}
	}
}

func TestCheckSaysWhatItCannotTry(t *testing.T) {
	c := open(account(simulator.Options{}))
	for want, trial := range map[string]eip.Trial{
		"not tried: there is no Elastic IP":        {Moves: true, Instances: trial().Instances},
		"not tried: there is no network interface": {Moves: true, Addresses: trial().Addresses, Instances: trial().Instances[3:]},
	} {
		list := moves(c.Check(t.Context(), trial))
		if len(list) != 1 || list[0].OK || !list[0].Needed || !strings.HasPrefix(list[0].Detail, want) {
			t.Errorf("got %+v, want %s", list, want)
		}
	}
}

// answers has the answer of EC2 to some actions, as a code, and of the simulator to all others. It says whether the call
// could have done harm if it were no dry run.
func answers(a *simulator.AWS, codes map[string]string, harm *bool) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		form := formOf(r)
		code := codes[form.Get("Action")]
		if code == "" {
			return a.Transport().RoundTrip(r)
		}
		*harm = *harm || form.Get("DryRun") != "true" || !strings.Contains(form.Encode(), "-00000000000000000")
		return answered(r, http.StatusBadRequest, code), nil
	})
}

func TestCheckNamesWhatIsPermittedAndNotNeeded(t *testing.T) {
	a, harm := account(simulator.Options{}), false
	codes := map[string]string{
		"DisassociateAddress": "DryRunOperation", "ReleaseAddress": "InvalidAllocationID.NotFound", "StopInstances": "UnauthorizedOperation",
		"TerminateInstances": "InternalError",
	}
	observe := trial()
	observe.Moves = false
	list := eip.New(eip.Clients(config(answers(a, codes, &harm)))).Check(t.Context(), observe)
	got := map[string]eip.Permission{}
	for _, p := range list {
		got[p.Action] = p
	}
	if len(list) != 3+1+len(codes) {
		t.Errorf("got %d permissions: %+v", len(list), list)
	}
	const more = "permitted and not needed"
	for action, want := range map[string]string{
		"AssociateAddress": more, "DisassociateAddress": more, "ReleaseAddress": more, "StopInstances": "", "TerminateInstances": "not known: ",
	} {
		p := got["ec2:"+action]
		if p.Needed || p.OK != (want == more) || !strings.HasPrefix(p.Detail, want) || want == "" && p.Detail != "" {
			t.Errorf("got %+v of %s, want %q", p, action, want)
		}
	}
	if got := carrier(a, "203.0.113.11"); got != first || harm {
		t.Errorf("the check took the address to %s, or tried what could do harm: %v", got, harm)
	}
}

// The bucket that dry runs draw on is the one of real moves.
func TestCheckLeavesRoomForMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		many := trial()
		for n := range 50 {
			many.Addresses = append(many.Addresses, failover.Address{IP: ip(fmt.Sprintf("198.51.100.%d", n)), Allocation: allocation})
		}
		began := time.Now()
		list := moves(open(account(simulator.Options{})).Check(t.Context(), many))
		if took := time.Since(began); len(list) != 52 || took < 10*time.Second || took > 11*time.Second {
			t.Errorf("%d dry runs took %s, want 52 in about 10.5s", len(list), took)
		}
	})
}
