package eip

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"rrwatch/failover"
)

// answer says what an error of a call tells about its effect, and so what is to be done about it.
type answer int

const (
	unclear      answer = iota // it may have taken effect: the world is read until that is known, and nothing is repeated
	throttled                  // EC2 did nothing, this time: it is tried again, by the SDK and then by a new plan
	refused                    // EC2 did nothing, since the world is not as it was read: it is read again
	notPermitted               // EC2 did nothing: a person must give rrwatch the permission
	notAccepted                // EC2 did nothing: a person must see to the credentials or the account
)

// meaning is what a code of EC2 tells.
type meaning struct {
	answer answer
	guard  failover.Guard // of a refused move that a fresh read does not explain
}

// meanings are those of the codes that AssociateAddress and the describes answer with, from the page "Error codes" of the
// EC2 API reference. Those by which EC2 limits rates come from the SDK (retry.DefaultThrottleErrorCodes). Any other code
// is judged by its HTTP status.
func meanings() map[string]meaning {
	const changed, permission = failover.GuardChanged, failover.GuardNotPermitted
	return map[string]meaning{
		"UnauthorizedOperation": {notPermitted, permission},
		"AccessDenied":          {notPermitted, permission},
		"AccessDeniedException": {notPermitted, permission},

		"AuthFailure":                 {notAccepted, permission},
		"InvalidClientTokenId":        {notAccepted, permission},
		"UnrecognizedClientException": {notAccepted, permission},
		"SignatureDoesNotMatch":       {notAccepted, permission},
		"IncompleteSignature":         {notAccepted, permission},
		"ExpiredToken":                {notAccepted, permission},
		"ExpiredTokenException":       {notAccepted, permission},
		"RequestExpired":              {notAccepted, permission},
		"OptInRequired":               {notAccepted, permission},
		"PendingVerification":         {notAccepted, permission},
		"Blocked":                     {notAccepted, permission},

		"InvalidInstanceID":          {refused, failover.GuardNotRunning},
		"InvalidInstanceID.NotFound": {refused, failover.GuardNotRunning},
		"IncorrectInstanceState":     {refused, failover.GuardNotRunning},
		"OperationNotPermitted":      {refused, failover.GuardService}, // how it refuses to touch what an AWS service manages

		"Resource.AlreadyAssociated":         {refused, changed},
		"InvalidAllocationID.NotFound":       {refused, changed},
		"InvalidAssociationID.NotFound":      {refused, changed},
		"InvalidNetworkInterfaceID.NotFound": {refused, changed},
		"InvalidParameterValue":              {refused, changed}, // such as a private address that the interface has no more
		"InvalidParameterCombination":        {refused, changed},
		"InvalidIPAddress.InUse":             {refused, changed},
		"IncorrectState":                     {refused, changed},
		"Gateway.NotAttached":                {refused, changed},
		"RequestTimeout":                     {unclear, ""}, // a 400 that blames nobody
		"InternalError":                      {unclear, ""},
		"InternalFailure":                    {unclear, ""},
		"ServiceUnavailable":                 {unclear, ""},
		"Unavailable":                        {unclear, ""},
	}
}

// meaningOf reads the meaning out of an error. Only an answer of EC2 itself that blames the caller is proof that nothing
// was done.
func meaningOf(err error) meaning {
	code := codeOf(err)
	if m, known := meanings()[code]; known {
		return m
	}
	_, slow := retry.DefaultThrottleErrorCodes[code]
	response, answered := errors.AsType[*smithyhttp.ResponseError](err)
	switch {
	case slow:
		return meaning{throttled, failover.GuardThrottled}
	case code != "" && answered && response.HTTPStatusCode() >= 400 && response.HTTPStatusCode() < 500:
		return meaning{refused, failover.GuardChanged}
	}
	return meaning{}
}

func answerOf(err error) answer { return meaningOf(err).answer }

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

// forPeople is the next step of an error that only a person can mend; empty for any other.
func forPeople(err error) string {
	switch answerOf(err) {
	case notPermitted:
		return fmt.Sprintf("not permitted; rrwatch needs %s (docs/permissions.md)", needs(err))
	case notAccepted:
		return "AWS does not accept the credentials in this region: check them, the region (aws.region), which must be " +
			"enabled for the account, and this host's clock"
	case unclear, throttled, refused:
	}
	return ""
}

// explain puts the next step before the errors whose own text does not tell it.
func explain(err error) error {
	dns, unresolved := errors.AsType[*net.DNSError](err)
	switch {
	case strings.Contains(err.Error(), "AssumeRole"): // and not what was asked of the service itself
		return fmt.Errorf("no AWS credentials: the role is not to be had (docs/permissions.md): %w", err)
	case strings.Contains(err.Error(), "get identity:"): // the SDK has no type for it
		return fmt.Errorf("no AWS credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile (aws.profile), "+
			"or run on a host with a role: %w", err)
	case unresolved:
		return fmt.Errorf("cannot resolve host %s: check the region (aws.region) and the name service of this host: %w", dns.Name, err)
	case unreachable(err):
		return fmt.Errorf("AWS cannot be reached: check this host's network and, if it is set, aws.endpoint_url: %w", err)
	case forPeople(err) != "":
		return fmt.Errorf("%s: %w", forPeople(err), err)
	}
	return err
}

// unreachable reports whether there was nobody to connect to.
func unreachable(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}
