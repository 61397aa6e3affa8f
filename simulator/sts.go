package simulator

import "encoding/xml"

// The protocol of STS, from its service description: version, name space and the one action that is pretended.
const (
	stsVersion              = "2011-06-15"
	stsXmlns                = "https://sts.amazonaws.com/doc/2011-06-15/"
	actionGetCallerIdentity = "GetCallerIdentity"
)

type callerIdentityAnswer struct {
	XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
	Arn       string   `xml:"GetCallerIdentityResult>Arn"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

func (a *AWS) doSTS(c call) (any, error) {
	return callerIdentityAnswer{
		Arn:       callerARN(a.options.Account),
		UserID:    "AIDASIMULATORRRWATCH0",
		Account:   a.options.Account,
		RequestID: c.requestID,
	}, nil
}

// callerARN names the user as whom everybody calls.
func callerARN(account string) string { return "arn:aws:iam::" + account + ":user/rrwatch" }
