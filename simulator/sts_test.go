package simulator_test

import (
	"encoding/base64"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"rrwatch/simulator"
)

const roleARN = "arn:aws:iam::210987654321:role/watchers/rrwatch"

// whoami returns the ARN and the account that STS calls the caller by.
func whoami(t *testing.T, c aws.Config) (arn, account string) {
	t.Helper()
	out := must[*sts.GetCallerIdentityOutput](t)(sts.NewFromConfig(c).GetCallerIdentity(t.Context(), nil))
	return *out.Arn, *out.Account
}

func TestAnAssumedRoleWorksUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		a.AddRole(simulator.Role{ARN: roleARN, ExternalID: "site-7"})
		c := sdk(a)
		provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(c), roleARN, func(o *stscreds.AssumeRoleOptions) {
			o.ExternalID, o.RoleSessionName = aws.String("site-7"), "rrwatch-1"
		})
		handed, err := provider.Retrieve(t.Context())
		if err != nil || !handed.CanExpire || time.Until(handed.Expires) != 15*time.Minute {
			t.Fatalf("got %v, until %v", err, handed.Expires)
		}
		c.Credentials = credentials.NewStaticCredentialsProvider(handed.AccessKeyID, handed.SecretAccessKey, handed.SessionToken)
		if arn, account := whoami(t, c); arn != "arn:aws:sts::210987654321:assumed-role/rrwatch/rrwatch-1" || account != "210987654321" {
			t.Errorf("called %s of %s", arn, account)
		}
		zones := func() error {
			_, err := route53.NewFromConfig(c).ListHostedZones(t.Context(), nil)
			return err
		}
		eips := func() error {
			_, err := ec2.NewFromConfig(c).DescribeAddresses(t.Context(), nil)
			return err
		}
		if err := zones(); err != nil {
			t.Error(err)
		}
		if err := eips(); err != nil {
			t.Error(err)
		}
		a.Deny("ListHostedZones")
		wantSays(t, zones(), "AccessDenied", "User: arn:aws:sts::210987654321:assumed-role/rrwatch/rrwatch-1 is not authorized to perform: route53:ListHostedZones")
		a.Allow("ListHostedZones")
		time.Sleep(15 * time.Minute)
		wantCode(t, zones(), "ExpiredToken")
		wantCode(t, eips(), "RequestExpired")
		c.Credentials = credentials.NewStaticCredentialsProvider(handed.AccessKeyID, handed.SecretAccessKey, "another")
		wantCode(t, zones(), "InvalidClientTokenId")
		wantCode(t, eips(), "AuthFailure")
	})
}

func TestARoleIsRefusedToWhoMayNotAssumeIt(t *testing.T) {
	a := account(simulator.Options{})
	c := sts.NewFromConfig(sdk(a))
	assume := func(in sts.AssumeRoleInput) error {
		if in.RoleSessionName == nil {
			in.RoleSessionName = aws.String("rrwatch")
		}
		_, err := c.AssumeRole(t.Context(), &in)
		return err
	}
	if err := assume(sts.AssumeRoleInput{RoleArn: aws.String(roleARN)}); err != nil {
		t.Errorf("while there is no role at all: %v", err)
	}
	a.AddRole(simulator.Role{ARN: roleARN, ExternalID: "site-7", Longest: 2 * time.Hour})
	const denied = "User: arn:aws:iam::123456789012:user/rrwatch is not authorized to perform: sts:AssumeRole on resource: "
	wantSays(t, assume(sts.AssumeRoleInput{RoleArn: aws.String(roleARN)}), "AccessDenied", denied+roleARN)
	wantSays(t, assume(sts.AssumeRoleInput{RoleArn: aws.String(roleARN), ExternalId: aws.String("site-8")}), "AccessDenied", denied+roleARN)
	wantSays(t, assume(sts.AssumeRoleInput{RoleArn: aws.String(roleARN + "2")}), "AccessDenied", denied+roleARN+"2")
	wantSays(t, assume(sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::1:role/short")}), "ValidationError", "arn:aws:iam::1:role/short is invalid")
	good := sts.AssumeRoleInput{RoleArn: aws.String(roleARN), ExternalId: aws.String("site-7")}
	good.DurationSeconds = aws.Int32(899)
	wantCode(t, assume(good), "ValidationError")
	good.DurationSeconds = aws.Int32(7201)
	wantSays(t, assume(good), "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	good.DurationSeconds, good.RoleSessionName = aws.Int32(7200), aws.String("with space")
	wantCode(t, assume(good), "ValidationError")
	good.RoleSessionName = aws.String("rrwatch")
	if err := assume(good); err != nil {
		t.Error(err)
	}
}

// token returns a token of an OpenID provider with some claims.
func token(t *testing.T, claims map[string]any) string {
	t.Helper()
	part := func(v any) string {
		b := must[[]byte](t)(json.Marshal(v))
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return part(map[string]string{"alg": "RS256"}) + "." + part(claims) + ".signature"
}

func TestAWebIdentityNeedsNoCredentials(t *testing.T) {
	a := account(simulator.Options{})
	a.AddRole(simulator.Role{ARN: roleARN, Issuer: "https://id.example", Audience: "sts.amazonaws.com", Subject: "host:monitor"})
	anonymous := sdk(a)
	anonymous.Credentials = aws.AnonymousCredentials{}
	claims := func(change func(map[string]any)) string {
		all := map[string]any{"iss": "https://id.example", "sub": "host:monitor", "aud": []string{"sts.amazonaws.com"}, "exp": time.Now().Add(time.Minute).Unix()}
		change(all)
		return token(t, all)
	}
	assume := func(web string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
		return sts.NewFromConfig(anonymous).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(roleARN), RoleSessionName: aws.String("rrwatch"), WebIdentityToken: aws.String(web),
		})
	}
	out := must[*sts.AssumeRoleWithWebIdentityOutput](t)(assume(claims(func(map[string]any) {})))
	if *out.SubjectFromWebIdentityToken != "host:monitor" || *out.Provider != "https://id.example" || *out.Audience != "sts.amazonaws.com" {
		t.Errorf("got %+v", out)
	}
	c := sdk(a)
	c.Credentials = credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	if arn, _ := whoami(t, c); arn != *out.AssumedRoleUser.Arn {
		t.Errorf("called %s, want %s", arn, *out.AssumedRoleUser.Arn)
	}
	for name, tt := range map[string]struct{ token, code string }{
		"no token":         {"nonsense", "InvalidIdentityToken"},
		"no claims":        {"a.!.c", "InvalidIdentityToken"},
		"no subject":       {claims(func(m map[string]any) { delete(m, "sub") }), "InvalidIdentityToken"},
		"expired":          {claims(func(m map[string]any) { m["exp"] = 1 }), "ExpiredTokenException"},
		"another issuer":   {claims(func(m map[string]any) { m["iss"] = "https://other.example" }), "AccessDenied"},
		"another subject":  {claims(func(m map[string]any) { m["sub"] = "host:other" }), "AccessDenied"},
		"another audience": {claims(func(m map[string]any) { m["aud"] = "other" }), "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := assume(tt.token)
			wantCode(t, err, tt.code)
		})
	}
	_, err := sts.NewFromConfig(sdk(a)).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(roleARN), RoleSessionName: aws.String("rrwatch")})
	wantCode(t, err, "AccessDenied")
}

func wantSays(t *testing.T, err error, code, says string) {
	t.Helper()
	wantCode(t, err, code)
	if err != nil && !contains(err.Error(), says) {
		t.Errorf("got %v\nwant it to say %s", err, says)
	}
}
