package simulator

import "encoding/xml"

// The protocol of STS, from its service description: version, name space and the actions that are pretended.
const (
	stsVersion        = "2011-06-15"
	stsXmlns          = "https://sts.amazonaws.com/doc/2011-06-15/"
	actionWebIdentity = "AssumeRoleWithWebIdentity"
)

func (a *AWS) stsOperations() map[string]func(call) (any, error) {
	return map[string]func(call) (any, error){
		"GetCallerIdentity": a.getCallerIdentity,
		"AssumeRole":        a.assumeRole,
		actionWebIdentity:   a.assumeRoleWithWebIdentity,
	}
}

type callerIdentityAnswer struct {
	XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
	Arn       string   `xml:"GetCallerIdentityResult>Arn"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

func (a *AWS) getCallerIdentity(c call) (any, error) {
	return callerIdentityAnswer{Arn: c.caller.arn, UserID: c.caller.user, Account: c.caller.account, RequestID: c.requestID}, nil
}
