package config

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// AWS says which account is asked in which Region, and how it is reached. Empty fields leave the choice to the AWS SDK.
// It is comparable: pools whose values are equal share an account.
type AWS struct {
	Region      string // of the addresses and instances, such as eu-central-1; never empty
	Profile     string // profile of the shared AWS configuration files; empty: the SDK's own choice
	RoleARN     string // role that is assumed with the credentials that were found; empty: none
	ExternalID  Secret // what the role's trust policy asks for; empty: nothing. AWS takes it for no secret; it is not shown all the same
	EndpointURL string // base URL of every AWS service, without a slash at its end; empty: the real AWS
}

// Partition is the part of AWS that the Region lies in, as it stands in ARNs: aws, aws-cn, aws-us-gov…
func (a AWS) Partition() string { return partition(a.Region) }

// partition finds the partition by how the Region's name begins, as the AWS SDKs' partitions.json does.
func partition(region string) string {
	for _, p := range []struct{ prefix, name string }{
		{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"us-iso-", "aws-iso"}, {"us-isob-", "aws-iso-b"},
		{"eu-isoe-", "aws-iso-e"}, {"us-isof-", "aws-iso-f"}, {"eusc-", "aws-eusc"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return p.name
		}
	}
	return "aws"
}

// region reads the name of an AWS Region.
func region(v value) (string, bool) {
	return matching(`[a-z]{2,}(-[a-z]+)+-[0-9]+`, "an AWS region such as eu-central-1")(v)
}

// readAWS reads the section aws of the file. The Region stands at the top of the file, or in the section.
func readAWS(file *section) AWS {
	s := file.sub("aws")
	var a AWS
	if s.gives("region") {
		a.Region = read(s, "region", "", region)
		if top := read(file, "region", a.Region, region); a.Region != "" && top != a.Region {
			s.at("region", fmt.Sprintf("is another one than region: %s", file.shownAs("region", "")), "keep one of the two")
		}
	} else {
		s.known = append(s.known, "region")
		a.Region = need(file, "region", "write the AWS region, such as region: eu-central-1", region)
	}
	return a.with(s)
}

// readPoolAWS reads the section aws of a pool; what it leaves out is as in the file.
func readPoolAWS(s *section, file AWS) AWS {
	a := file
	a.Region = read(s, "region", a.Region, region)
	return a.with(s)
}

// with is a with what the section says but for the Region. Profile, role and external id are steps of one way into an
// account: who names one goes another way from there on, so the later steps of the file are not taken.
func (a AWS) with(s *section) AWS {
	before := len(s.doc.errs)
	if s.gives("profile") {
		a.RoleARN, a.ExternalID = "", ""
	}
	if s.gives("role_arn") {
		a.ExternalID = ""
	}
	a.Profile = read(s, "profile", a.Profile, text)
	a.RoleARN = read(s, "role_arn", a.RoleARN, roleARN)
	a.ExternalID = read(s, "external_id", a.ExternalID, externalID)
	a.EndpointURL = strings.TrimRight(read(s, "endpoint_url", a.EndpointURL, webURL), "/")
	s.done()
	if len(s.doc.errs) > before {
		return a
	}
	if s.gives("external_id") && a.RoleARN == "" {
		s.at("external_id", "is of no use without a role", "write role_arn, or remove it")
	}
	key := "region"
	if s.gives("role_arn") {
		key = "role_arn"
	}
	if of := partitionOf(a.RoleARN); s.gives(key) && of != "" && a.Region != "" && of != a.Partition() {
		s.at(key, fmt.Sprintf("the role is of the partition %s, and the region of %s", of, a.Partition()),
			"write a role of an account in the region's partition")
	}
	return a
}

// partitionOf is the partition that an ARN names; empty for an empty one.
func partitionOf(arn string) string {
	_, after, _ := strings.Cut(arn, ":")
	of, _, _ := strings.Cut(after, ":")
	return of
}

// roleARN reads the ARN of an IAM role; names and paths are as the API reference of IAM's CreateRole has them.
func roleARN(v value) (string, bool) {
	got, ok := text(v)
	if !ok {
		return "", false
	}
	if regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/([!-~]{1,510}/)?[A-Za-z0-9_+=,.@-]{1,64}$`).MatchString(got) {
		return got, true
	}
	hint := ""
	switch {
	case v.isExpanded():
	case strings.Contains(got, ":instance-profile/"):
		hint = "an instance profile holds a role: write the role's own ARN"
	case strings.Contains(got, ":assumed-role/"):
		hint = "that is a session of a role: write the role's own ARN"
	}
	v.wants("the ARN of a role such as arn:aws:iam::123456789012:role/rrwatch", hint)
	return "", false
}

// externalID reads the external id of a role's trust policy, as the API reference of STS's AssumeRole has it. It is never
// shown.
func externalID(v value) (Secret, bool) {
	if !v.isText() || len(v.text) > 1224 || !regexp.MustCompile(`^[A-Za-z0-9_+=,.@:/-]{2,}$`).MatchString(v.text) {
		v.fail("wants text of 2 to 1224 letters, digits and _+=,.@:/-", quotes(v))
		return "", false
	}
	return Secret(v.text), true
}

// quotes is the hint for a value that is no text because it has no quotes around it.
func quotes(v value) string {
	if v.node.Kind == yaml.ScalarNode && !v.isText() {
		return "put it in quotes"
	}
	return ""
}
