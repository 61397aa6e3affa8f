package eip

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// answer says what an error of a call tells about its effect.
type answer int

const (
	unclear      answer = iota // it may have taken effect
	throttled                  // EC2 did nothing, this time
	notPermitted               // EC2 did nothing: rrwatch may not
	refused                    // EC2 did nothing: something is wrong with the call
)

// answerOf reads the answer out of an error. Only an answer of EC2 itself that blames the caller is proof that nothing
// was done.
func answerOf(err error) answer {
	code := codeOf(err)
	_, slow := retry.DefaultThrottleErrorCodes[code]
	var response *smithyhttp.ResponseError
	switch {
	case code == "":
		return unclear
	case slow:
		return throttled
	case slices.Contains([]string{"UnauthorizedOperation", "AccessDenied", "AuthFailure"}, code):
		return notPermitted
	case errors.As(err, &response) && response.HTTPStatusCode() >= 400 && response.HTTPStatusCode() < 500:
		return refused
	}
	return unclear
}

// codeOf is EC2's own error code; empty if the error is no answer of EC2.
func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// said is what EC2 itself said, for people: without the SDK's words around it, nor the encoded text that only AWS can read.
func said(err error) string {
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err.Error()
	}
	message, _, _ := strings.Cut(e.ErrorMessage(), "Encoded authorization failure message")
	return e.ErrorCode() + ": " + strings.TrimRight(strings.TrimSpace(message), ".")
}

// needs names the permission that the refused call needs.
func needs(err error) string {
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		return "ec2:" + op.Operation()
	}
	return "another permission"
}

// explain puts the next step before the errors whose own text does not tell it.
func explain(err error) error {
	var dns *net.DNSError
	switch {
	case strings.Contains(err.Error(), "get identity:"): // the SDK has no type for it
		return fmt.Errorf("no AWS credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile (aws.profile), "+
			"or run on a host with a role: %w", err)
	case errors.As(err, &dns):
		return fmt.Errorf("cannot resolve host %s: check the region (aws.region) and the name service of this host: %w", dns.Name, err)
	case slices.Contains([]string{"UnauthorizedOperation", "AccessDenied"}, codeOf(err)):
		return fmt.Errorf("not permitted; rrwatch needs %s (docs/permissions.md): %w", needs(err), err)
	case slices.Contains([]string{"AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch",
		"ExpiredToken", "RequestExpired", "OptInRequired"}, codeOf(err)):
		return fmt.Errorf("AWS does not accept the credentials in this region: check them, the region (aws.region), which must be "+
			"enabled for the account, and this host's clock: %w", err)
	}
	return err
}
