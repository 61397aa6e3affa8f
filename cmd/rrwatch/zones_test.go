package main

import (
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"rrwatch/failover"
	"rrwatch/route53"
	"rrwatch/simulator"
)

// Pools of one zone may have name servers of their own to ask; their edits go together all the same.
func TestEditsOfAllPoolsOfAZoneAreOneCall(t *testing.T) {
	a := simulator.New(simulator.Options{})
	a.AddZone(simulator.Zone{ID: "Z0EXAMPLE", Name: "example.com"})
	cfg := parsedPolicy(t, "    name_servers: [192.0.2.53:53]\n"+
		"  - {name: api, record: api.example.com, zone: example.com, checks: [{kind: tls}]}\n")
	z := newZones(cfg, route53.SDK(aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "not a secret", ""),
		HTTPClient: &http.Client{Transport: a.Transport()}, BaseEndpoint: aws.String("http://aws.test"),
	}), nil)
	leave := func(name string) failover.Reweigh {
		was := failover.RecordSet{Name: name, Type: "A", TTL: 60, Values: []string{"192.0.2.1", "192.0.2.2"}}
		a.SetRecord("Z0EXAMPLE", simulator.RecordSet{Name: name, Type: "A", TTL: 60, Values: was.Values})
		shall := was
		shall.Values = was.Values[1:]
		return failover.Reweigh{Zone: "Z0EXAMPLE", Was: was, Shall: shall}
	}
	done := z.Edit(t.Context(), []failover.Reweigh{leave("mail.example.com"), leave("www.example.com"), leave("api.example.com")}, "")
	if refusal, ok := errors.AsType[*failover.Refusal](done[0].Err); !ok || refusal.Guard != failover.GuardNotOurs {
		t.Errorf("of a name that no pool has: %+v", done[0])
	}
	if done[1].Err != nil || done[1].Change == "" || done[1] != done[2] {
		t.Errorf("got %+v", done[1:])
	}
	if n := a.Calls()["ChangeResourceRecordSets"]; n != 1 {
		t.Errorf("%d calls", n)
	}
	if left := a.Records("mail.example.com", "A")[0].Values; len(left) != 2 {
		t.Errorf("the set of somebody else has %v", left)
	}
}
