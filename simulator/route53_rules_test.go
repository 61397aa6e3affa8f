package simulator_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"rrwatch/simulator"
)

// with returns a set with something changed.
func with(s set, change func(*set)) set {
	change(&s)
	return s
}

func valued(typ types.RRType, label string, values ...string) set {
	return with(simple(label, 60, values...), func(s *set) { s.Type = typ })
}

func member(id, failover, check, value string) set {
	return with(simple("pair", 60, value), func(s *set) {
		s.SetIdentifier, s.Failover = aws.String(id), types.ResourceRecordSetFailover(failover)
		if check != "" {
			s.HealthCheckId = aws.String(check)
		}
	})
}

func alias(label, zone, target string) set {
	return set{Name: aws.String(label + ".example.com"), Type: "A", AliasTarget: &types.AliasTarget{HostedZoneId: aws.String(zone), DNSName: aws.String(target)}}
}

func lots(label string, n, length int) set {
	s := valued("TXT", label)
	for i := range n {
		s.ResourceRecords = append(s.ResourceRecords, types.ResourceRecord{Value: aws.String(fmt.Sprintf(`"%0*d"`, length-2, i))})
	}
	return s
}

func named(s set, name string) set { return with(s, func(s *set) { s.Name = aws.String(name) }) }

// judged is an account with something of each policy, and what it says to some changes.
func judged(t *testing.T, changes ...types.Change) (*simulator.AWS, error) {
	t.Helper()
	a := account(simulator.Options{})
	a.AddHealthCheck(simulator.HealthCheck{ID: "hc-1", Address: ip("203.0.113.11")})
	c := sdk(a)
	answer := with(simple("multi", 60, "192.0.2.5"), func(s *set) { s.SetIdentifier, s.MultiValueAnswer = aws.String("m"), aws.Bool(true) })
	must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, create(weighted("a", 10, 60, "192.0.2.1")), create(member("p", "PRIMARY", "hc-1", "192.0.2.3")),
		create(simple("one", 60, "192.0.2.4", "192.0.2.5")), create(answer), create(valued("CNAME", "c", "www.example.com"))))
	before := records(t, c, 100)
	_, err := edit(t, c, changes...)
	if after := records(t, c, 100); err != nil && !cmp.Equal(before, after) {
		t.Errorf("what was refused changed the zone:\n%s", cmp.Diff(before, after))
	}
	return a, err
}

func TestRefusesByEachRuleOfSets(t *testing.T) {
	const batch, input = "InvalidChangeBatch", "InvalidInput"
	a2 := weighted("a2", 1, 60, "192.0.2.9")
	for name, tt := range map[string]struct {
		change types.Change
		code   string
		says   string
	}{
		"weight below 0":             {create(weighted("n", -1, 60, "192.0.2.9")), input, "minInclusive '0' for type 'ResourceRecordSetWeight'"},
		"weight above 255":           {create(weighted("n", 256, 60, "192.0.2.9")), input, "maxInclusive '255' for type 'ResourceRecordSetWeight'"},
		"TTL below 0":                {create(simple("n", -1, "192.0.2.9")), input, "minInclusive '0' for type 'TTL'"},
		"TTL above 2147483647":       {create(simple("n", 2147483648, "192.0.2.9")), input, "maxInclusive '2147483647' for type 'TTL'"},
		"identifier empty":           {create(weighted("", 1, 60, "192.0.2.9")), input, "minLength '1' for type 'ResourceRecordSetIdentifier'"},
		"identifier of 129":          {create(weighted(strings.Repeat("i", 129), 1, 60, "192.0.2.9")), input, "maxLength '128'"},
		"a value of 4001":            {create(valued("TXT", "n", `"`+strings.Repeat("v", 3999)+`"`)), input, "maxLength '4000' for type 'RData'"},
		"an unknown failover":        {create(member("x", "TERTIARY", "", "192.0.2.9")), input, "enumeration '[PRIMARY, SECONDARY]'"},
		"an unknown type":            {create(valued("LOC", "n", "x")), input, "for type 'RRType'"},
		"failover and weight":        {create(with(a2, func(s *set) { s.Failover = "PRIMARY" })), input, "found more than one"},
		"an alias with a TTL":        {create(with(alias("n", "Z2", "x.test"), func(s *set) { s.TTL = aws.Int64(1) })), input, "found more than one"},
		"failover beside weighted":   {create(named(member("s", "SECONDARY", "", "192.0.2.9"), "www.example.com")), batch, "a non-failover set exists with the same name and type."},
		"weighted beside failover":   {create(named(a2, "pair.example.com")), batch, "cannot be created as a non-weighted set exists with the same name and type."},
		"weighted beside simple":     {create(named(a2, "one.example.com")), batch, "cannot be created as a non-weighted set exists with the same name and type."},
		"simple beside multivalue":   {create(simple("multi", 60, "192.0.2.9")), batch, "type A cannot be created as other RRSets exist with the same name and type.]"},
		"weighted of another TTL":    {create(weighted("b", 1, 61, "192.0.2.9")), batch, "SetIdentifier b cannot be created as weighted sets must contain the same TTL."},
		"a second primary":           {create(member("q", "PRIMARY", "hc-1", "192.0.2.9")), batch, "Failover PRIMARY cannot be created because a failover RRSet"},
		"a primary unchecked":        {create(named(member("q", "PRIMARY", "", "192.0.2.9"), "n.example.com")), batch, "A non-alias primary ResourceRecordSet must have an associated health check."},
		"an unknown health check":    {create(member("s", "SECONDARY", "hc-9", "192.0.2.9")), "NoSuchHealthCheck", "A health check with id hc-9 does not exist."},
		"A beside a CNAME":           {create(simple("c", 60, "192.0.2.9")), batch, "RRSet of type A with DNS name c.example.com. is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone example.com."},
		"a CNAME beside A":           {create(valued("CNAME", "one", "x.test")), batch, "RRSet of type CNAME with DNS name one.example.com. is not permitted as it conflicts with other records with the same DNS name in zone example.com."},
		"a CNAME at the apex":        {create(named(valued("CNAME", "", "x.test"), "example.com")), batch, "is not permitted at apex in zone example.com."},
		"a CNAME of two":             {create(valued("CNAME", "n", "x.test", "y.test")), batch, "MultipleCNAMEValues"},
		"outside the zone":           {create(named(simple("", 60, "192.0.2.9"), "wwwexample.com")), batch, "RRSet with DNS name wwwexample.com. is not permitted in zone example.com."},
		"an empty label":             {create(simple("a.", 60, "192.0.2.9")), batch, "DomainLabelEmpty (Domain label is empty)"},
		"a label of 64":              {create(simple(strings.Repeat("l", 64), 60, "192.0.2.9")), batch, "DomainLabelTooLong (Domain label is too long)"},
		"an IPv6 address in A":       {create(simple("n", 60, "2001:db8::1")), batch, "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '2001:db8::1'"},
		"an IPv4 address in AAAA":    {create(valued("AAAA", "n", "192.0.2.1")), batch, "AAAARRDATAIllegalIPv6Address"},
		"a text without quotes":      {create(valued("TXT", "n", "text")), batch, "InvalidCharacterString (Value should be enclosed in quotation marks) encountered with 'text'"},
		"a text half in quotes":      {create(valued("TXT", "n", `"text" more`)), batch, "InvalidCharacterString"},
		"a text never closed":        {create(valued("TXT", "n", `"text\"`)), batch, "InvalidCharacterString"},
		"a text of 256":              {create(valued("TXT", "n", `"`+strings.Repeat("t", 256)+`"`)), batch, "CharacterStringTooLong (Value is too long)"},
		"MX without preference":      {create(valued("MX", "n", "mail.example.com")), batch, "MXRRDATANotTwoFields (MX record doesn't have 2 fields)"},
		"no name in NS":              {create(valued("NS", "n", "a b")), batch, "FATAL problem"},
		"the zone's own NS":          {remove(named(valued("NS", "", "x.test"), "example.com")), batch, "A HostedZone must contain at least one NS record for the zone itself"},
		"delete by its name only":    {remove(member("p", "PRIMARY", "", "192.0.2.3")), batch, "type='A', set-identifier='p'] but the values provided do not match the current values]"},
		"delete with a value less":   {remove(simple("one", 60, "192.0.2.4")), batch, "but the values provided do not match the current values"},
		"delete of another policy":   {remove(with(weighted("a", 0, 60, "192.0.2.1"), func(s *set) { s.Weight, s.MultiValueAnswer = nil, aws.Bool(true) })), batch, "do not match"},
		"delete what is not there":   {remove(simple("none", 60, "192.0.2.4")), batch, "[Tried to delete resource record set [name='none.example.com.', type='A'] but it was not found]"},
		"create what is there":       {create(simple("one", 60, "192.0.2.9")), batch, "[Tried to create resource record set [name='one.example.com.', type='A'] but it already exists]"},
		"an alias of nothing":        {create(alias("n", zoneID, "none.example.com")), batch, "Tried to create an alias that targets none.example.com., type A in zone " + zoneID + ", but that target was not found"},
		"an alias outside its zone":  {create(alias("n", zoneID, "www.example.net")), batch, "but the alias target name does not lie within the target zone"},
		"1,001 elements":             {create(lots("n", 1001, 6)), batch, "Number of records limit of 1000 exceeded."},
		"501 elements, but UPSERTed": {upsert(lots("n", 501, 6)), batch, "Number of records limit of 1000 exceeded."},
		"32,032 characters":          {create(lots("n", 143, 224)), batch, "Number of characters limit of 32000 exceeded."},
		"16,128, but UPSERTed":       {upsert(lots("n", 72, 224)), batch, "Number of characters limit of 32000 exceeded."},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := judged(t, tt.change)
			wantCode(t, err, tt.code)
			if err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v\nwant it to say %s", err, tt.says)
			}
		})
	}
}

func TestTakesWhatIsJustWithinTheRules(t *testing.T) {
	for name, changes := range map[string][]types.Change{
		"weights 0 and 255":            {create(weighted("n", 0, 60, "192.0.2.9")), create(weighted("o", 255, 60, "192.0.2.9"))},
		"a TTL of 0":                   {create(simple("n", 0, "192.0.2.9"))},
		"the longest TTL":              {create(simple("n", 2147483647, "192.0.2.9"))},
		"an identifier of 128":         {create(weighted(strings.Repeat("ü", 128), 1, 60, "192.0.2.9"))},
		"1,000 elements":               {create(lots("n", 1000, 6))},
		"500 elements UPSERTed":        {upsert(lots("n", 500, 6))},
		"31,808 characters":            {create(lots("n", 142, 224))},
		"a text of 255 and another":    {create(valued("TXT", "n", `"`+strings.Repeat("t", 253)+`\"\303" "b"`))},
		"several values in one weight": {create(with(weighted("n", 1, 60, "192.0.2.9"), func(s *set) { s.ResourceRecords = simple("", 0, "192.0.2.1", "192.0.2.2").ResourceRecords }))},
		"another TTL for the group":    {upsert(weighted("a", 10, 30, "192.0.2.1")), create(weighted("b", 10, 30, "192.0.2.2"))},
		"a secondary, unchecked":       {create(member("s", "SECONDARY", "", "192.0.2.9"))},
		"primary and secondary change": {upsert(member("p", "SECONDARY", "hc-1", "192.0.2.3")), create(member("s", "PRIMARY", "hc-1", "192.0.2.9"))},
		"an alias of what comes with":  {create(alias("n", zoneID, "later.example.com")), create(simple("later", 60, "192.0.2.9"))},
		"an alias elsewhere":           {create(alias("n", "Z35SXDOTRQ7X7K", "lb.elb.test"))},
		"AAAA beside A":                {create(valued("AAAA", "one", "2001:db8::1"))},
		"values in another order":      {remove(simple("ONE", 60, "192.0.2.5", "192.0.2.4"))},
		"the name with an escape":      {remove(simple(`\117ne`, 60, "192.0.2.5", "192.0.2.4"))},
		"new name servers":             {upsert(named(valued("NS", "", "ns1.test", "ns2.test"), "example.com"))},
		"many types": {create(valued("MX", "n", "10 mail.test.")), create(valued("SRV", "n", "1 2 443 www.test")), create(valued("CAA", "n", `0 issue "ca.test"`)),
			create(valued("HTTPS", "n", "1 . alpn=h2"))},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := judged(t, changes...); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAGroupHasAtMostAHundredSets(t *testing.T) {
	var changes []types.Change
	for n := range 99 {
		changes = append(changes, create(weighted(fmt.Sprintf("n%d", n), 1, 60, "192.0.2.9")))
	}
	if _, err := judged(t, changes...); err != nil {
		t.Error(err)
	}
	_, err := judged(t, append(changes, create(weighted("last", 1, 60, "192.0.2.9")))...)
	wantCode(t, err, "InvalidChangeBatch")
}

func TestASetIsChangedOnceInABatch(t *testing.T) {
	one := simple("one", 60, "192.0.2.4", "192.0.2.5")
	for name, changes := range map[string][]types.Change{
		"deleted twice":      {remove(one), remove(one)},
		"upserted twice":     {upsert(one), upsert(one)},
		"created twice":      {create(simple("n", 60, "192.0.2.1")), create(simple("N", 30, "192.0.2.2"))},
		"created, deleted":   {create(simple("n", 60, "192.0.2.1")), remove(simple("n", 60, "192.0.2.1"))},
		"deleted, made anew": {remove(one), create(one), remove(one)},
	} {
		_, err := judged(t, changes...)
		wantCode(t, err, "InvalidChangeBatch")
		if err == nil || !strings.Contains(err.Error(), "The request contains an invalid set of changes for a resource record set 'A ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := judged(t, remove(one), create(simple("one", 30, "192.0.2.4"))); err != nil {
		t.Errorf("deleted and created: %v", err)
	}
}

func TestABatchIsWhole(t *testing.T) {
	c := sdk(account(simulator.Options{}))
	_, err := edit(t, c, []types.Change{}...)
	wantCode(t, err, "InvalidInput")
	in := &route53.ChangeResourceRecordSetsInput{HostedZoneId: aws.String("ZNONE"), ChangeBatch: &types.ChangeBatch{Changes: []types.Change{create(simple("n", 60, "192.0.2.1"))}}}
	_, err = route53.NewFromConfig(c).ChangeResourceRecordSets(t.Context(), in)
	wantCode(t, err, "NoSuchHostedZone")
	in.HostedZoneId, in.ChangeBatch.Comment = aws.String(zoneID), aws.String(strings.Repeat("c", 257))
	_, err = route53.NewFromConfig(c).ChangeResourceRecordSets(t.Context(), in)
	wantCode(t, err, "InvalidInput")
	_, err = edit(t, c, create(with(simple("n", 60), func(s *set) { s.ResourceRecords = []types.ResourceRecord{} })))
	if wantCode(t, err, "InvalidInput"); !strings.Contains(err.Error(), "The content of element 'ResourceRecords' is not complete.") {
		t.Errorf("got %v", err)
	}
}

func TestAZoneMayTakeOneChangeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Sync: time.Hour})
		a.AddZone(simulator.Zone{ID: "ZOTHER", Name: "example.net"})
		c := sdk(a)
		a.SetSync(30 * time.Second)
		a.OneAtATime(true)
		must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, create(simple("a", 60, "192.0.2.1"))))
		_, err := edit(t, c, create(simple("b", 60, "192.0.2.1")))
		if _, ok := errors.AsType[*types.PriorRequestNotComplete](err); !ok {
			t.Errorf("got %v", err)
		}
		other := named(simple("", 60, "192.0.2.1"), "www.example.net")
		must[*route53.ChangeResourceRecordSetsOutput](t)(route53.NewFromConfig(c).ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
			HostedZoneId: aws.String("ZOTHER"), ChangeBatch: &types.ChangeBatch{Changes: []types.Change{create(other)}},
		}))
		time.Sleep(30 * time.Second)
		must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, create(simple("b", 60, "192.0.2.1"))))
		a.OneAtATime(false)
		must[*route53.ChangeResourceRecordSetsOutput](t)(edit(t, c, create(simple("c", 60, "192.0.2.1"))))
	})
}
