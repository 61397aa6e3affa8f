package main

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/miekg/dns"
)

// simulated is a `rrwatch simulator` that runs until the test ends, which must
// be with exit status 0.
type simulated struct {
	url string
	dns string
	sdk aws.Config
}

func newSimulated(t *testing.T, args ...string) simulated {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := program(ctx, t, append([]string{"simulator", "--listen", "127.0.0.1:0", "--dns", "127.0.0.1:0"}, args...)...)
	out, errs := &lockedBuffer{}, &lockedBuffer{}
	c.Stdout, c.Stderr = out, errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = c.Wait()
		if code := c.ProcessState.ExitCode(); code != 0 || errs.String() != "" {
			t.Errorf("exit %d after an interrupt\n%s", code, errs)
		}
	})
	if !within(t, 30*time.Second, func() bool { return strings.Contains(out.String(), "Ctrl-C") }) {
		t.Fatalf("it did not start\n%s", errs)
	}
	said := regexp.MustCompile(`(?s)is at (http://[0-9.:]+): EC2 in ([a-z0-9-]+),.*name server: +([0-9.:]+)`).FindStringSubmatch(out.String())
	if said == nil {
		t.Fatalf("it does not say what there is:\n%s", out)
	}
	return simulated{said[1], said[3], aws.Config{
		Region: said[2], BaseEndpoint: aws.String(said[1]), Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	}}
}

func TestTheSimulatorIsAnEmptyAccountThatClientsFill(t *testing.T) {
	t.Parallel()
	s := newSimulated(t, "--region", "us-west-2", "--account", "210987654321")
	who, err := sts.NewFromConfig(s.sdk).GetCallerIdentity(t.Context(), nil)
	if err != nil || *who.Account != "210987654321" {
		t.Errorf("got %v, %v", who, err)
	}
	all, err := ec2.NewFromConfig(s.sdk).DescribeAddresses(t.Context(), nil)
	if err != nil || len(all.Addresses) != 0 {
		t.Errorf("got %v, %v", all, err)
	}
	if status := get(t, s.url+"/_simulator/faults"); status != 200 {
		t.Errorf("the faults are not shown: status %d", status)
	}
	if _, err := netip.ParseAddrPort(s.dns); err != nil {
		t.Error(err)
	}
	answer, _, err := (&dns.Client{}).ExchangeContext(t.Context(), new(dns.Msg).SetQuestion("example.com.", dns.TypeA), s.dns)
	if err != nil || answer.Rcode != dns.RcodeRefused {
		t.Errorf("a zone that is not there: %v, %v", answer, err)
	}
}

// The first steps of docs/simulator.md, with the SDK in place of the AWS CLI.
func TestRrwatchSeesWhatClientsPutIntoTheSimulator(t *testing.T) {
	t.Parallel()
	s := newSimulated(t)
	eips, records := ec2.NewFromConfig(s.sdk), route53.NewFromConfig(s.sdk)
	ran, err := eips.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String("ami-00000001"), MinCount: aws.Int32(2), MaxCount: aws.Int32(2),
		TagSpecifications: []ec2types.TagSpecification{{
			ResourceType: "instance", Tags: []ec2types.Tag{{Key: aws.String("rrwatch"), Value: aws.String("www")}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	address, err := eips.AllocateAddress(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := eips.AssociateAddress(t.Context(), &ec2.AssociateAddressInput{
		AllocationId: address.AllocationId, InstanceId: ran.Instances[0].InstanceId,
	}); err != nil {
		t.Fatal(err)
	}
	zone, err := records.CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{
		Name: aws.String("example.com"), CallerReference: aws.String("1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := records.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: zone.HostedZone.Id, ChangeBatch: &route53types.ChangeBatch{Changes: []route53types.Change{{
			Action: "CREATE", ResourceRecordSet: &route53types.ResourceRecordSet{
				Name: aws.String("www.example.com"), Type: "A", TTL: aws.Int64(60),
				ResourceRecords: []route53types.ResourceRecord{{Value: address.PublicIp}},
			},
		}}},
	}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rrwatch.yaml")
	if err := os.WriteFile(file, []byte(documentedConfig(t, s)), 0o600); err != nil {
		t.Fatal(err)
	}
	if a := rrwatch(t, "check", "--config", file); a.code != 0 || !strings.Contains(a.out, *address.PublicIp) {
		t.Errorf("exit %d, want %s in:\n%s%s", a.code, *address.PublicIp, a.out, a.err)
	}
}

// documentedConfig is the configuration of docs/simulator.md with the places of s.
func documentedConfig(t *testing.T, s simulated) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/simulator.md has no configuration")
	}
	return strings.NewReplacer("http://127.0.0.1:4566", s.url, "127.0.0.1:5353", s.dns).Replace(string(block[1]))
}

func TestTheSimulatorIsForThisMachineUnlessToldOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		args string
		want string
	}{
		"all addresses":      {"--listen 0.0.0.0:4566", "--listen 0.0.0.0:4566: other machines reach it"},
		"all, by IPv6":       {"--listen [::]:4566", "--listen [::]:4566: other machines reach it"},
		"a name server":      {"--dns 192.0.2.1:53", "--dns 192.0.2.1:53: other machines reach it"},
		"no address":         {"--listen :4566", `--listen ":4566": write an address and a port`},
		"a negative time":    {"--lag -5s", "--lag -5s: a time cannot be negative"},
		"no Region":          {"--region Frankfurt", `--region "Frankfurt": write a Region such as eu-central-1`},
		"a short account":    {"--account 12", `--account "12": write twelve digits`},
		"both, at once":      {"--latency -1s --change -1s", "--change -1s: a time cannot be negative"},
		"a negative quota":   {"--quota -1", "--quota -1: write how many Elastic IPs can be allocated"},
		"an address of ours": {"--listen 127.0.0.1:1x", "write an address and a port"},
	} {
		if a := rrwatch(t, append([]string{"simulator"}, strings.Fields(c.args)...)...); a.code != 1 || !strings.Contains(a.err, c.want) {
			t.Errorf("%s: exit %d, want %q in:\n%s", name, a.code, c.want, a.err)
		}
	}
	taken := newSimulated(t, "--public")
	at := strings.TrimPrefix(taken.url, "http://")
	if a := rrwatch(t, "simulator", "--listen", at); a.code != 1 || !strings.Contains(a.err, "choose a free address with --listen") {
		t.Errorf("the port is taken: exit %d\n%s", a.code, a.err)
	}
}
