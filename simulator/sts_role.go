package simulator

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The limits of a session, in seconds (API reference of STS, AssumeRole); the last is what a new role allows.
const (
	minSession   = 900
	maxSession   = 43200
	usualSession = 3600
)

// Role is one IAM role, and who may assume it. Every caller with credentials may, unless Issuer is set.
type Role struct {
	ARN        string        // arn:aws:iam::…:role/…, required; the account need not be this one
	ExternalID string        // AssumeRole must give it when it is set
	Issuer     string        // https://…; when it is set, only web identities of this OpenID provider may assume the role
	Audience   string        // the audience that a web identity must have; empty means any
	Subject    string        // the subject that a web identity must have; empty means any
	Longest    time.Duration // the longest session; 0 means one hour
}

// AddRole puts a role into the account, or replaces the one with the same ARN. While there is none at all, any role can be
// assumed, as any access key is good.
func (a *AWS) AddRole(r Role) {
	a.mu.Lock()
	defer a.mu.Unlock()
	set(&a.identities.roles, r.ARN, r)
}

// role returns a role by ARN. While the account has none, it makes one up that trusts like.
func (a *AWS) role(arn string, like Role) (Role, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.identities.roles) == 0 {
		like.ARN = arn
		return like, true
	}
	r, ok := a.identities.roles[arn]
	return r, ok
}

type credentialsXML struct {
	Key     string `xml:"AccessKeyId"`
	Secret  string `xml:"SecretAccessKey"`
	Token   string `xml:"SessionToken"`
	Expires string `xml:"Expiration"`
}

type assumedUserXML struct {
	ID  string `xml:"AssumedRoleId"`
	ARN string `xml:"Arn"`
}

// assumedXML is what both actions return.
type assumedXML struct {
	Subject     string         `xml:"SubjectFromWebIdentityToken,omitempty"`
	Audience    string         `xml:",omitempty"`
	Provider    string         `xml:",omitempty"`
	User        assumedUserXML `xml:"AssumedRoleUser"`
	Credentials credentialsXML
}

type assumeRoleAnswer struct {
	XMLName   xml.Name   `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleResponse"`
	Result    assumedXML `xml:"AssumeRoleResult"`
	RequestID string     `xml:"ResponseMetadata>RequestId"`
}

func (a *AWS) assumeRole(c call) (any, error) {
	arn := c.form.Get("RoleArn")
	if err := checkRoleSession(c); err != nil {
		return nil, err
	}
	r, ok := a.role(arn, Role{})
	if given := c.form.Get("ExternalId"); !ok || r.Issuer != "" || r.ExternalID != "" && r.ExternalID != given {
		return nil, &refusal{http.StatusForbidden, "AccessDenied",
			fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.caller.arn, arn)}
	}
	out, err := a.handOut(c, r)
	return assumeRoleAnswer{Result: out, RequestID: c.requestID}, err
}

type webIdentityAnswer struct {
	XMLName   xml.Name   `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleWithWebIdentityResponse"`
	Result    assumedXML `xml:"AssumeRoleWithWebIdentityResult"`
	RequestID string     `xml:"ResponseMetadata>RequestId"`
}

func (a *AWS) assumeRoleWithWebIdentity(c call) (any, error) {
	if err := checkRoleSession(c); err != nil {
		return nil, err
	}
	who, err := readWebIdentity(c.form.Get("WebIdentityToken"))
	if err != nil {
		return nil, err
	}
	r, ok := a.role(c.form.Get("RoleArn"), Role{Issuer: who.Issuer})
	if !ok || r.Issuer != who.Issuer || r.Subject != "" && r.Subject != who.Subject || r.Audience != "" && r.Audience != string(who.Audience) {
		return nil, &refusal{http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	}
	out, err := a.handOut(c, r)
	out.Subject, out.Audience, out.Provider = who.Subject, string(who.Audience), who.Issuer
	return webIdentityAnswer{Result: out, RequestID: c.requestID}, err
}

// checkRoleSession refuses a role's ARN and a session's name that cannot be such.
func checkRoleSession(c call) error {
	arn, name := c.form.Get("RoleArn"), c.form.Get("RoleSessionName")
	if !regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/.+$`).MatchString(arn) {
		return refuse("ValidationError", "%s is invalid", arn)
	}
	if !regexp.MustCompile(`^[\w+=,.@-]{2,64}$`).MatchString(name) {
		return refuse("ValidationError", "1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: "+
			`Member must satisfy regular expression pattern: [\w+=,.@-]{2,64}`, name)
	}
	return nil
}

// handOut makes temporary credentials for a role.
func (a *AWS) handOut(c call, r Role) (assumedXML, error) {
	longest := int(cmp.Or(r.Longest, usualSession*time.Second) / time.Second)
	seconds, err := strconv.Atoi(cmp.Or(c.form.Get("DurationSeconds"), strconv.Itoa(min(usualSession, longest))))
	switch {
	case err != nil || seconds < minSession || seconds > maxSession:
		return assumedXML{}, refuse("ValidationError", "1 validation error detected: Value '%s' at 'durationSeconds' failed to satisfy "+
			"constraint: Member must have value from %d to %d", c.form.Get("DurationSeconds"), minSession, maxSession)
	case seconds > longest:
		return assumedXML{}, refuse("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	account := strings.Split(r.ARN, ":")[4]
	role, name := r.ARN[strings.LastIndexByte(r.ARN, '/')+1:], c.form.Get("RoleSessionName")

	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.next()
	key := fmt.Sprintf("ASIA%016X", n)
	s := session{
		identity: identity{
			arn:     fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", account, role, name),
			user:    "AROASIMULATORRRWATCH0:" + name,
			account: account,
		},
		token:   fmt.Sprintf("session-%016x", n),
		expires: time.Now().Add(time.Duration(seconds) * time.Second),
	}
	set(&a.identities.sessions, key, s)
	return assumedXML{
		User: assumedUserXML{s.user, s.arn},
		Credentials: credentialsXML{
			Key: key, Secret: fmt.Sprintf("pretended%031x", n), Token: s.token, Expires: s.expires.UTC().Format("2006-01-02T15:04:05Z"),
		},
	}, nil
}

// webIdentity is what a token of an OpenID provider says (RFC 7519, section 4.1).
type webIdentity struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Expires  int64    `json:"exp"` // Unix seconds
}

// audience is the first one of a token, which may name one or a list.
type audience string

// UnmarshalJSON reads one audience, or the first of a list.
func (u *audience) UnmarshalJSON(b []byte) error {
	var list []string
	if err := json.Unmarshal(b, &list); err == nil && len(list) > 0 {
		*u = audience(list[0])
		return nil
	}
	return json.Unmarshal(b, (*string)(u))
}

// readWebIdentity reads a token. Its signature is not checked.
func readWebIdentity(token string) (webIdentity, error) {
	var who webIdentity
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return who, refuse("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(claims, &who)
	}
	switch now := time.Now(); {
	case err != nil:
		return who, refuse("InvalidIdentityToken", "Couldn't parse the token's claims")
	case who.Issuer == "" || who.Subject == "":
		return who, refuse("InvalidIdentityToken", "Missing a required claim: iss or sub")
	case !time.Unix(who.Expires, 0).After(now):
		return who, refuse("ExpiredTokenException", "Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), who.Expires)
	}
	return who, nil
}
