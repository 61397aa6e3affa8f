package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rrwatch/config"
)

// grant is what rrwatch must be allowed for one pool. A "*" stands for what is
// not known, and so for all there is.
type grant struct {
	pool    string
	at      config.AWS
	account string   // its number
	zone    string   // the hosted zone's id
	named   bool     // the zone is given by its name, by which it must be found
	checks  []string // ids of the Route 53 health checks that its record sets have
	names   []string // whose record sets are edited; none: nothing is
	types   []string // of these sets
	moves   bool     // its addresses are moved

	allocations, instances, interfaces []string // ids of what a move touches

	tags map[string]string // by which more instances and interfaces are known; none: there are no more
}

// policyDocument is an IAM policy.
type policyDocument struct {
	Version   string      `json:"Version"`
	Statement []statement `json:"Statement"`
}

// statement is one statement of a policy. The order of its keys is the one in
// which AWS's documents write them.
type statement struct {
	Sid       string                         `json:"Sid"`
	Effect    string                         `json:"Effect"`
	Action    []string                       `json:"Action"`
	Resource  []string                       `json:"Resource"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
}

func allow(sid string, actions, resources []string) statement {
	return statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources}
}

// when is the statement under a condition.
func (s statement) when(operator string, keys map[string][]string) statement {
	s.Condition = map[string]map[string][]string{operator: keys}
	return s
}

// leastPolicy is the least policy for pools that one identity looks after, which
// may assume these roles for others.
func leastPolicy(grants []grant, roles []string) policyDocument {
	doc := policyDocument{Version: "2012-10-17"}
	add := func(list ...statement) { doc.Statement = append(doc.Statement, list...) }
	if len(grants) > 0 {
		add(allow("ReadAddressesAndInstances",
			[]string{"ec2:DescribeAddresses", "ec2:DescribeInstances", "ec2:DescribeInstanceStatus"}, // which know no resources
			[]string{everything}).when("StringEquals", map[string][]string{
			"aws:RequestedRegion": each(grants, func(g grant) []string { return []string{g.at.Region} }),
		}))
		add(moveStatements(grants)...)
		add(recordStatements(grants)...)
	}
	if len(roles) > 0 {
		add(allow("AssumeRoles", []string{"sts:AssumeRole"}, roles))
	}
	return doc
}

// moveStatements allow the moves of each pool in a statement of its own: an
// address may go to an instance of its own pool only.
func moveStatements(grants []grant) []statement {
	var list []statement
	sids := map[string]bool{}
	for _, g := range grants {
		if !g.moves {
			continue
		}
		sid := "MoveAddressesOf" + camel(g.pool)
		for n := 2; sids[sid]; n++ {
			sid = fmt.Sprintf("MoveAddressesOf%s%d", camel(g.pool), n)
		}
		sids[sid] = true
		action := []string{"ec2:AssociateAddress"}
		touched := slices.Concat(g.arns("elastic-ip", g.allocations), g.arns("instance", g.instances), g.arns("network-interface", g.interfaces))
		if len(g.tags) == 0 {
			list = append(list, allow(sid, action, touched))
			continue
		}
		// A condition holds for all of its statement, and addresses need no tags.
		tagged := map[string][]string{}
		for key, value := range g.tags {
			tagged["ec2:ResourceTag/"+key] = []string{value}
		}
		list = append(list, allow(sid, action, touched),
			allow(sid+"ToTagged", action, slices.Concat(g.arns("instance", []string{everything}), g.arns("network-interface", []string{everything}))).when("StringEquals", tagged))
	}
	return list
}

// recordStatements allow what is done in Route 53.
func recordStatements(grants []grant) []statement {
	var list []statement
	if slices.ContainsFunc(grants, func(g grant) bool { return g.named }) {
		list = append(list, allow("FindZones", []string{"route53:ListHostedZonesByName"}, []string{everything}))
	}
	zones := each(grants, func(g grant) []string { return []string{g.zone} })
	list = append(list, allow("ReadZones", []string{"route53:GetHostedZone", "route53:ListResourceRecordSets"}, grants[0].global("hostedzone", zones)))
	if checks := each(grants, func(g grant) []string { return g.checks }); len(checks) > 0 {
		list = append(list, allow("ReadHealthChecks", []string{"route53:GetHealthCheck"}, grants[0].global("healthcheck", checks)))
	}
	edits := slices.DeleteFunc(slices.Clone(grants), func(g grant) bool { return len(g.names) == 0 })
	if len(edits) == 0 {
		return list
	}
	for _, zone := range each(edits, func(g grant) []string { return []string{g.zone} }) {
		here := slices.DeleteFunc(slices.Clone(edits), func(g grant) bool { return g.zone != zone })
		list = append(list, editStatement(zone, here))
	}
	return append(list, allow("FollowEdits", []string{"route53:GetChange"}, grants[0].global("change", []string{everything})))
}

// editStatement allows the edits of one zone. It is one statement, since all edits
// of a zone go in one batch with the leases, and a batch is allowed only if one
// statement allows all that is in it.
func editStatement(zone string, grants []grant) statement {
	sid := "EditRecords"
	if zone != everything {
		sid += "In" + zone
	}
	const key = "route53:ChangeResourceRecordSets"
	return allow(sid, []string{"route53:ChangeResourceRecordSets"}, grants[0].global("hostedzone", []string{zone})).
		when("ForAllValues:StringEquals", map[string][]string{
			key + "NormalizedRecordNames": each(grants, func(g grant) []string { return g.names }),
			key + "RecordTypes":           each(grants, func(g grant) []string { return g.types }),
			key + "Actions":               {"CREATE", "DELETE"}, // never UPSERT, which would overwrite what was not read
		})
}

// arns are the ARNs of EC2's resources.
func (g grant) arns(kind string, ids []string) []string {
	list := make([]string, 0, len(ids))
	for _, id := range ids {
		list = append(list, fmt.Sprintf("arn:%s:ec2:%s:%s:%s/%s", g.at.Partition(), g.at.Region, g.account, kind, id))
	}
	return list
}

// global are the ARNs of Route 53's resources, which name no Region and no account.
func (g grant) global(kind string, ids []string) []string {
	list := make([]string, 0, len(ids))
	for _, id := range ids {
		list = append(list, fmt.Sprintf("arn:%s:route53:::%s/%s", g.at.Partition(), kind, id))
	}
	return list
}

// each is what the grants have, in order and none twice.
func each(grants []grant, of func(grant) []string) []string {
	found := map[string]bool{}
	for _, g := range grants {
		for _, one := range of(g) {
			found[one] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// camel writes a pool's name as it may stand in a Sid, which has letters and
// digits only: front-page is FrontPage.
func camel(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "-") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}
