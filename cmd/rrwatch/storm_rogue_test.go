package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"rrwatch/eip"
	"rrwatch/failover"
	"rrwatch/route53"
)

// rogue does by rrwatch's own hands what rrwatch must never do.
type rogue struct {
	s       *storm
	ec2     *ec2.Client
	records *awsroute53.Client
}

func newRogue(s *storm) *rogue {
	account := s.account(s.life)
	_, act := eip.Clients(account)
	return &rogue{s, act, route53.SDK(account)}
}

// write writes an entry as rrwatch does.
func (r *rogue) write(e failover.Entry) failover.Entry {
	e.At = time.Now().UTC()
	out, err := r.s.store.Append(r.s.t.Context(), e)
	if err != nil {
		r.s.t.Fatal(err)
	}
	return out[0]
}

// opens opens an incident of a member that was healthy before.
func (r *rogue) opens(member netip.Addr) int64 {
	return r.write(failover.Entry{Kind: failover.Opened, Pool: "www", Member: member, Text: "opened", Opening: &failover.Opening{SeenUp: true}}).Incident
}

func (r *rogue) closes(incident int64, member netip.Addr) {
	r.write(failover.Entry{Kind: failover.Closed, Pool: "www", Member: member, Incident: incident, Text: "closed"})
}

// begins begins an action of an incident.
func (r *rogue) begins(incident int64, member netip.Addr, a failover.Action) failover.Action {
	a.Pool, a.Member, a.Incident, a.Status, a.Begun = "www", member, incident, failover.Begun, time.Now().UTC()
	return *r.write(failover.Entry{Kind: failover.ActionBegun, Pool: "www", Member: member, Incident: incident, Text: "begun", Action: &a}).Action
}

func (r *rogue) ends(a failover.Action) {
	a.Status, a.Ended = failover.Proven, time.Now().UTC()
	r.write(failover.Entry{Kind: failover.ActionEnded, Pool: "www", Member: a.Member, Incident: a.Incident, Text: "ended", Action: &a})
}

// moves calls AWS.
func (r *rogue) moves(member netip.Addr, to string) {
	for _, a := range r.s.aws.Addresses() {
		for _, i := range r.s.aws.Instances() {
			if a.IP == member && i.Name == to {
				// What comes of it is the judge's business.
				_, _ = r.ec2.AssociateAddress(r.s.t.Context(), &ec2.AssociateAddressInput{
					AllocationId: aws.String(a.Allocation), InstanceId: aws.String(i.ID), AllowReassociation: aws.Bool(true),
				})
			}
		}
	}
}

// remaps begins a move and makes it.
func (r *rogue) remaps(member netip.Addr, from, to string) failover.Action {
	a := r.begins(r.opens(member), member, failover.Action{Kind: failover.KindRemap, Remap: &failover.Remap{
		Addr: member, From: r.s.id(from), To: r.s.id(to), FromName: from, ToName: to,
	}})
	r.moves(member, to)
	return a
}

// edits gives the set of a member another weight.
func (r *rogue) edits(name, identifier string, value netip.Addr, was, shall int64) {
	set := func(weight int64) *types.ResourceRecordSet {
		return &types.ResourceRecordSet{
			Name: aws.String(name), Type: types.RRTypeA, TTL: aws.Int64(60), SetIdentifier: aws.String(identifier), Weight: aws.Int64(weight),
			ResourceRecords: []types.ResourceRecord{{Value: aws.String(value.String())}},
		}
	}
	_, _ = r.records.ChangeResourceRecordSets(r.s.t.Context(), &awsroute53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String(stormZone), ChangeBatch: &types.ChangeBatch{Changes: []types.Change{
			{Action: types.ChangeActionDelete, ResourceRecordSet: set(was)}, {Action: types.ChangeActionCreate, ResourceRecordSet: set(shall)},
		}},
	})
}

// weighs begins an edit of a weight and makes it.
func (r *rogue) weighs(kind failover.ActionKind, member netip.Addr, was, shall int64) {
	identifier := "set-" + member.String()
	set := func(weight int64) failover.RecordSet {
		return failover.RecordSet{Name: "www.example.com", Type: "A", Identifier: identifier, TTL: 60, Weight: &weight, Values: []string{member.String()}}
	}
	r.begins(r.opens(member), member, failover.Action{Kind: kind, Reweigh: &failover.Reweigh{
		Zone: stormZone, Addr: member, Was: set(was), Shall: set(shall),
	}})
	r.edits("www.example.com", identifier, member, was, shall)
}

// TestTheJudgeSeesEveryKindOfOffence does what each invariant forbids, and
// demands that it is seen. A judge who sees nothing is no proof of innocence.
func TestTheJudgeSeesEveryKindOfOffence(t *testing.T) {
	one, two, three := demoAddress(1), demoAddress(2), demoAddress(3)
	for _, x := range []struct {
		seen   string // in what is told
		before string // what happens before; the site is watched since 0:00
		does   func(r *rogue)
	}{
		{"I1: the name www.example.com would have no answer", "", func(r *rogue) {
			r.weighs(failover.KindWithdraw, one, 10, 0)
			r.weighs(failover.KindWithdraw, two, 15, 0)
			r.weighs(failover.KindWithdraw, three, 20, 0)
		}},
		{"I1: www.example.com would be left with [127.113.0.12 127.113.0.13], and none of them is healthy", "0:20 lb-2, lb-3 die",
			func(r *rogue) { r.weighs(failover.KindWithdraw, one, 10, 0) }},
		{"I2: remap 127.113.0.11 from lb-1 (i-0a1b2c01) to lb-4 (i-0a1b2c04), and the watcher is cut off", "0:20 the watcher is cut off",
			func(r *rogue) { r.remaps(one, "lb-1", "lb-4") }},
		{"which nobody has approved, in mode observe", "0:20 lb-1 dies", func(r *rogue) { r.remaps(one, "lb-1", "lb-4") }},
		{"while pool www is paused", "0:20 operator pauses www for 1h", func(r *rogue) { r.remaps(one, "lb-1", "lb-4") }},
		{"I3: remap 127.113.0.11 from lb-1 (i-0a1b2c01) to lb-2 (i-0a1b2c02), which carries another address", "",
			func(r *rogue) { r.remaps(one, "lb-1", "lb-2") }},
		{"I3: remap 127.113.0.11 from lb-1 (i-0a1b2c01) to lb-2 (i-0a1b2c02) has evicted 127.113.0.12", "",
			func(r *rogue) { r.remaps(one, "lb-1", "lb-2") }},
		{"I3: remap 127.113.0.11 from lb-1 (i-0a1b2c01) to lb-4 (i-0a1b2c04), which fails since", "0:20 lb-4 dies",
			func(r *rogue) { r.remaps(one, "lb-1", "lb-4") }},
		{"I3: remap 127.113.0.11 from lb-1 (i-0a1b2c01) to lb-4 (i-0a1b2c04), which does not run", "0:20 lb-4 is stopped",
			func(r *rogue) { r.remaps(one, "lb-1", "lb-4") }},
		{"I4: remap 127.113.0.11 from lb-3 (i-0a1b2c03) to lb-4 (i-0a1b2c04), and it is on", "", func(r *rogue) { r.remaps(one, "lb-3", "lb-4") }},
		{"I5: AssociateAddress is called, and no action of the journal has begun that does", "", func(r *rogue) { r.moves(one, "lb-4") }},
		{"I5: remap 127.113.0.11 from lb-1 (i-0a1b2c01) to lb-4 (i-0a1b2c04) has changed the world 2 times", "", func(r *rogue) {
			r.remaps(one, "lb-1", "lb-4")
			r.s.sleep(5 * time.Second)
			r.s.truth.move(one, r.s.id("lb-1"))
			r.s.sleep(5 * time.Second)
			r.moves(one, "lb-4")
		}},
		{"ends as failed, and it did change the world", "", func(r *rogue) {
			a := r.remaps(one, "lb-1", "lb-4")
			a.Status, a.Ended = failover.Failed, time.Now().UTC()
			r.write(failover.Entry{Kind: failover.ActionEnded, Pool: "www", Member: one, Incident: a.Incident, Text: "ended", Action: &a})
		}},
		{"I6: action", "", func(r *rogue) {
			r.write(failover.Entry{Kind: failover.BrakeLatched, Pool: "www", Member: one, Text: "latched"})
			r.remaps(one, "lb-1", "lb-4")
		}},
		{"is over the budget", "", func(r *rogue) {
			for range 4 {
				r.ends(r.begins(r.opens(one), one, failover.Action{Kind: failover.KindRemap, Remap: &failover.Remap{Addr: one}}))
			}
		}},
		{"I7: action", "", func(r *rogue) {
			a := r.remaps(one, "lb-1", "lb-4")
			r.ends(a)
			r.closes(a.Incident, one)
			r.remaps(one, "lb-4", "lb-1")
		}},
		{"I8: incident 2 of 127.113.0.11 is opened while 1 is open", "", func(r *rogue) {
			r.opens(one)
			r.opens(one)
		}},
		{"belongs to incident 1, which is closed", "", func(r *rogue) {
			i := r.opens(one)
			r.closes(i, one)
			r.closes(i, one)
		}},
		{"I8: nobody was told of incident 1", "", func(r *rogue) {
			r.s.slack.deaf()
			r.closes(r.opens(one), one)
		}},
		{"I9: restore 127.113.0.11: www.example.com A set-127.113.0.11: weight 10 → 20, and nothing was withdrawn", "",
			func(r *rogue) { r.weighs(failover.KindRestore, one, 10, 20) }},
		{"I10: rrwatch calls DisassociateAddress", "", func(r *rogue) {
			for _, a := range r.s.aws.Addresses() {
				if a.IP == one {
					_, _ = r.ec2.DisassociateAddress(r.s.t.Context(), &ec2.DisassociateAddressInput{AssociationId: aws.String(a.Association)})
				}
			}
		}},
		{"I10: an edit of mail.example.com A", "", func(r *rogue) { r.edits(foreignRecord, "x", foreignAddress(), 1, 2) }},
		{"I11: remap 127.113.0.11 from lb-1 (i-0a1b2c01) to lb-4 (i-0a1b2c04), and all members fail alike", "0:20 lb-1, lb-2, lb-3 answer 503",
			func(r *rogue) { r.remaps(one, "lb-1", "lb-4") }},
		{"I12: remap 127.113.0.11 from lb-1 (i-0a1b2c01) to lb-4 (i-0a1b2c04), and the member is served since", "",
			func(r *rogue) { r.remaps(one, "lb-1", "lb-4") }},
	} {
		t.Run(x.seen, func(t *testing.T) {
			t.Parallel()
			o, err := parseOutage("rogue.txt", "site: weighted, 3 members, 1 standby, zones a\npolicy: observe; per hour 3; cooldown 2m\n"+
				"ask: directly\n"+x.before+"\n2:00 Route 53 is busy 0 times\n")
			if err != nil {
				t.Fatal(err)
			}
			found := liveQuietly(t, o, func(s *storm) {
				s.plant.rogue = func(s *storm) { x.does(newRogue(s)) }
			})
			if !slices.ContainsFunc(found.wrong, func(w string) bool { return strings.Contains(w, x.seen) }) {
				t.Errorf("not seen: %s\nseen:\n%s\n%s", x.seen, strings.Join(found.wrong, "\n"), found.told)
			}
		})
	}
}
