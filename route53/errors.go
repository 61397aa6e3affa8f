package route53

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// codeOf is Route 53's own error code; empty if the error is no answer of Route 53.
func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// denied reports whether Route 53 says that rrwatch may not.
func denied(err error) bool {
	return slices.Contains([]string{"AccessDenied", "AccessDeniedException"}, codeOf(err))
}

// refused reports whether Route 53 itself blames the call. After a retry that is no proof that nothing was done: the
// retry of a call whose answer was lost is refused because the first one has been done.
func refused(err error) bool {
	var response *smithyhttp.ResponseError
	_, slow := retry.DefaultThrottleErrorCodes[codeOf(err)]
	return codeOf(err) != "" && !slow && errors.As(err, &response) && response.HTTPStatusCode() >= 400 && response.HTTPStatusCode() < 500
}

// said is what Route 53 itself said, for people, without the SDK's words around it. An invalid change batch carries its
// text in one of two places.
func said(err error) string {
	var batch *types.InvalidChangeBatch
	if errors.As(err, &batch) && len(batch.Messages) > 0 {
		return "InvalidChangeBatch: " + strings.Join(batch.Messages, "; ")
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode() + ": " + strings.TrimRight(strings.TrimSpace(e.ErrorMessage()), ".")
	}
	return err.Error()
}

// needs names the permission that the refused call needs.
func needs(err error) string {
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		return "route53:" + op.Operation()
	}
	return "another permission"
}

// explain puts the next step before the errors whose own text does not tell it.
func explain(err error) error {
	var dns *net.DNSError
	switch {
	case strings.Contains(err.Error(), "AssumeRole"): // and not what was asked of the service itself
		return fmt.Errorf("no AWS credentials: the role is not to be had (docs/permissions.md): %w", err)
	case strings.Contains(err.Error(), "get identity:"): // the SDK has no type for it
		return fmt.Errorf("no AWS credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile (aws.profile), "+
			"or run on a host with a role: %w", err)
	case errors.As(err, &dns):
		return fmt.Errorf("cannot resolve host %s: check the region (aws.region) and the name service of this host: %w", dns.Name, err)
	case unreachable(err):
		return fmt.Errorf("AWS cannot be reached: check this host's network and, if it is set, aws.endpoint_url: %w", err)
	case codeOf(err) == "NoSuchHostedZone":
		return fmt.Errorf("there is no hosted zone of this id in this account: check the id (zone), and with which credentials rrwatch runs: %w", err)
	case denied(err):
		return fmt.Errorf("not permitted; rrwatch needs %s (docs/permissions.md): %w", needs(err), err)
	case slices.Contains([]string{"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "ExpiredToken",
		"RequestExpired", "AuthFailure"}, codeOf(err)):
		return fmt.Errorf("AWS does not accept the credentials: check them, the region (aws.region) and this host's clock: %w", err)
	}
	return err
}

// unreachable reports whether there was nobody to connect to.
func unreachable(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}
