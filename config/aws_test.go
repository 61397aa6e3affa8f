package config

import (
	"strings"
	"testing"
)

// poolAWS is the smallest file with sections aws of the file and of its pool.
func poolAWS(file, pool string) string {
	return strings.Replace("aws: "+file+"\n"+smallest, "    checks", "    aws: "+pool+"\n    checks", 1)
}

func TestTheRegionMayStandInEitherPlace(t *testing.T) {
	for _, text := range []string{
		smallest,
		strings.Replace(smallest, "region: eu-central-1", "aws: {region: eu-central-1}", 1),
		smallest + "aws: {region: eu-central-1}\n",
	} {
		if c := mustParse(t, text, noEnv); c.AWS.Region != "eu-central-1" || c.Pools[0].AWS != c.AWS {
			t.Errorf("got %+v and %+v of\n%s", c.AWS, c.Pools[0].AWS, text)
		}
	}
}

func TestAPoolTakesFromTheFileWhatItDoesNotSay(t *testing.T) {
	const ours, theirs = "arn:aws:iam::123456789012:role/rrwatch", "arn:aws:iam::210987654321:role/rrwatch"
	const file = "{profile: ops, role_arn: " + ours + ", external_id: ours, endpoint_url: http://127.0.0.1:1}"
	all := AWS{Region: "eu-central-1", Profile: "ops", RoleARN: ours, ExternalID: "ours", EndpointURL: "http://127.0.0.1:1"}
	for pool, change := range map[string]func(*AWS){
		"{region: eu-west-1}":                             func(a *AWS) { a.Region = "eu-west-1" },
		"{endpoint_url: http://127.0.0.1:2/}":             func(a *AWS) { a.EndpointURL = "http://127.0.0.1:2" },
		"{external_id: theirs}":                           func(a *AWS) { a.ExternalID = "theirs" },
		"{role_arn: " + theirs + "}":                      func(a *AWS) { a.RoleARN, a.ExternalID = theirs, "" },
		"{profile: shop}":                                 func(a *AWS) { a.Profile, a.RoleARN, a.ExternalID = "shop", "", "" },
		"{profile: shop, role_arn: " + ours + "}":         func(a *AWS) { a.Profile, a.ExternalID = "shop", "" },
		"{role_arn: " + theirs + ", external_id: theirs}": func(a *AWS) { a.RoleARN, a.ExternalID = theirs, "theirs" },
	} {
		want := all
		change(&want)
		c := mustParse(t, poolAWS(file, pool), noEnv)
		if c.AWS != all || c.Pools[0].AWS != want {
			t.Errorf("%s: got %+v, want %+v", pool, c.Pools[0].AWS, want)
		}
	}
}

func TestKnowsThePartitionOfARegion(t *testing.T) {
	for region, want := range map[string]string{
		"eu-central-1": "aws", "us-east-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "us-iso-east-1": "aws-iso",
		"us-isob-east-1": "aws-iso-b", "eu-isoe-west-1": "aws-iso-e", "us-isof-south-1": "aws-iso-f", "eusc-de-east-1": "aws-eusc",
	} {
		if got := (AWS{Region: region}).Partition(); got != want {
			t.Errorf("%s is of %s, want %s", region, got, want)
		}
	}
}

func TestReportsMistakesOfAWS(t *testing.T) {
	const role = "role_arn: arn:aws:iam::123456789012:role/rrwatch"
	const wantsRole = "wants the ARN of a role such as arn:aws:iam::123456789012:role/rrwatch, not "
	for _, m := range []mistake{
		{
			name: "two Regions", old: "mode: observe", new: "mode: observe\naws: {region: eu-west-1}",
			want: "3:15: aws.region: is another one than region: eu-central-1; keep one of the two",
		},
		{
			name: "no Region", old: "region: eu-central-1\n", new: "",
			want: "1:1: region: is missing; write the AWS region, such as region: eu-central-1",
		},
		{
			name: "a Region that is a zone", old: "region: eu-central-1\n", new: "aws: {region: eu-central-1a}\n",
			want: `1:15: aws.region: wants an AWS region such as eu-central-1, not "eu-central-1a"`,
		},
		{
			name: "an instance profile", old: "mode: observe",
			new: "mode: observe\naws: {role_arn: \"arn:aws:iam::123456789012:instance-profile/rrwatch\"}",
			want: "3:17: aws.role_arn: " + wantsRole + `"arn:aws:iam::123456789012:instance-profile/rrwatch"; ` +
				"an instance profile holds a role: write the role's own ARN",
		},
		{
			name: "a session of a role", old: "mode: observe",
			new: "mode: observe\naws: {role_arn: \"arn:aws:sts::123456789012:assumed-role/rrwatch/x\"}",
			want: "3:17: aws.role_arn: " + wantsRole + `"arn:aws:sts::123456789012:assumed-role/rrwatch/x"; ` +
				"that is a session of a role: write the role's own ARN",
		},
		{
			name: "the name of a role", old: "mode: observe", new: "mode: observe\naws: {role_arn: rrwatch}",
			want: "3:17: aws.role_arn: " + wantsRole + `"rrwatch"`,
		},
		{
			name: "an external id that is a number", old: "mode: observe", new: "mode: observe\naws: {" + role + ", external_id: 12345}",
			want: "3:70: aws.external_id: wants text of 2 to 1224 letters, digits and _+=,.@:/-; put it in quotes",
		},
		{
			name: "an external id with a space, which is not shown", old: "mode: observe",
			new:  "mode: observe\naws: {" + role + ", external_id: \"${HIDDEN} sesame\"}",
			want: "3:70: aws.external_id: wants text of 2 to 1224 letters, digits and _+=,.@:/-",
		},
		{
			name: "an external id without a role", old: "mode: observe", new: "mode: observe\naws: {external_id: example}",
			want: "3:20: aws.external_id: is of no use without a role; write role_arn, or remove it",
		},
		{
			name: "a role of another partition", old: "    checks", new: "    aws: {region: cn-north-1, " + role + "}\n    checks",
			want: "7:41: pools[0].aws.role_arn: the role is of the partition aws, and the region of aws-cn; " +
				"write a role of an account in the region's partition",
		},
		{
			name: "a pool that looks elsewhere for the lease", old: "    checks", new: "    aws: {lease: dns}\n    checks",
			want: "7:11: pools[0].aws.lease: unknown key; the keys here are region, profile, role_arn, external_id, endpoint_url",
		},
		{
			name: "an unknown lease", old: "mode: observe", new: "mode: observe\nlease: etcd",
			want: `3:8: lease: unknown lease "etcd"; write none or dns`,
		},
		{
			name: "secondary addresses in quotes", old: "    checks", new: "    instances: {secondary_addresses: \"true\"}\n    checks",
			want: `7:38: pools[0].instances.secondary_addresses: wants true or false, not "true"; remove the quotes`,
		},
	} {
		m.run(t)
	}
}
