package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// identity is who calls.
type identity struct {
	arn     string
	user    string // the unique identifier
	account string
}

// identities is what IAM and STS know. The zero value is ready; the lock of the AWS guards it.
type identities struct {
	roles    map[string]Role    // by ARN
	sessions map[string]session // by access key
}

// session is a set of temporary credentials that was handed out.
type session struct {
	identity
	token   string
	expires time.Time
}

// keyOf returns the access key and the scope of a header of Signature Version 4.
func keyOf(header string) (key string, scope []string, ok bool) {
	rest, ok := strings.CutPrefix(header, "AWS4-HMAC-SHA256 ")
	var credential string
	for part := range strings.SplitSeq(rest, ",") {
		if v, found := strings.CutPrefix(strings.TrimSpace(part), "Credential="); found {
			credential = v
		}
	}
	scope = strings.Split(credential, "/")
	return scope[0], scope, ok && len(scope) == 5 && strings.Contains(rest, "Signature=")
}

// authenticate finds out who calls. It refuses what carries no credentials of Signature Version 4, credentials for another
// Region or service, and temporary ones that are not whole or no longer valid. Any other access key is that of the
// account's user. The signature itself is not checked.
func (a *AWS) authenticate(c *call, header http.Header) error {
	if c.service == serviceSTS && c.action == actionWebIdentity {
		return nil // its token is all it needs
	}
	authorization := header.Get("Authorization")
	if authorization == "" {
		return &refusal{http.StatusForbidden, "MissingAuthenticationToken", "Missing Authentication Token"}
	}
	key, scope, ok := keyOf(authorization)
	switch {
	case !ok:
		return refuse("IncompleteSignature", "The request signature does not conform to AWS standards.")
	case key == "":
		return invalidToken()
	}
	if err := a.checkScope(c.service, scope); err != nil {
		return err
	}
	who, err := a.identify(c.service, key, header.Get("X-Amz-Security-Token"))
	c.caller = who
	return err
}

// checkScope refuses credentials that are for another Region, or another service, than the regional one that is called.
func (a *AWS) checkScope(called service, scope []string) error {
	if scope[2] == a.options.Region && scope[3] == string(called) {
		return nil
	}
	switch called {
	case serviceEC2:
		return &refusal{http.StatusUnauthorized, "AuthFailure", fmt.Sprintf("AWS was not able to validate the provided access "+
			"credentials: they are scoped to %s in %s, this is ec2 in %s", scope[3], scope[2], a.options.Region)}
	case serviceSNS:
		return &refusal{http.StatusForbidden, "SignatureDoesNotMatch", fmt.Sprintf("Credential should be scoped to a valid Region, "+
			"not '%s' of '%s'.", scope[2], scope[3])}
	case serviceRoute53, serviceSTS: // global ones
	}
	return nil
}

// identify returns whose access key it is.
func (a *AWS) identify(called service, key, token string) (identity, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, temporary := a.identities.sessions[key]
	switch {
	case !temporary:
		return identity{userARN(a.options.Account), "AIDASIMULATORRRWATCH0", a.options.Account}, nil
	case s.token != token && called == serviceEC2:
		return identity{}, &refusal{http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials"}
	case s.token != token:
		return identity{}, invalidToken()
	case s.expires.After(time.Now()):
		return s.identity, nil
	case called == serviceEC2:
		return identity{}, refuse("RequestExpired", "Request has expired.")
	}
	return identity{}, &refusal{http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired"}
}

func invalidToken() error {
	return &refusal{http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid."}
}

// userARN names the user as whom everybody calls who has assumed no role.
func userARN(account string) string { return "arn:aws:iam::" + account + ":user/rrwatch" }
