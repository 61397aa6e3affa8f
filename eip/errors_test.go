package eip_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"rrwatch/eip"
	"rrwatch/failover"
	"rrwatch/simulator"
)

// answered is an error of EC2's.
func answered(r *http.Request, status int, code string) *http.Response {
	text := "<Response><Errors><Error><Code>" + code + "</Code><Message>Said so. Encoded authorization failure message: abc</Message></Error></Errors></Response>"
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}
}

// What a code means: whether the call is made again, whether the world is read again, and what people are told.
func TestEachErrorOfEC2HasItsAnswer(t *testing.T) {
	const (
		permission = "rrwatch needs ec2:AssociateAddress on this allocation (docs/permissions.md); EC2 says: "
		accept     = "AWS does not accept the credentials in this region: check them"
	)
	for code, row := range map[string]struct {
		status, calls, looks int
		guard                failover.Guard // "": it is not known what became of it
		text                 string
	}{
		"RequestLimitExceeded":  {503, 3, 1, failover.GuardThrottled, "nothing was changed"},
		"Throttling":            {400, 3, 1, failover.GuardThrottled, "nothing was changed"},
		"EC2ThrottledException": {400, 3, 1, failover.GuardThrottled, "nothing was changed"},

		"UnauthorizedOperation": {403, 1, 1, failover.GuardNotPermitted, permission + "UnauthorizedOperation: Said so"},
		"AccessDenied":          {403, 1, 1, failover.GuardNotPermitted, permission + "AccessDenied: Said so"},
		"AccessDeniedException": {400, 1, 1, failover.GuardNotPermitted, permission + "AccessDeniedException: Said so"},

		"AuthFailure":                 {401, 1, 1, failover.GuardNotPermitted, "may belong to an AWS service or to another account"},
		"InvalidClientTokenId":        {403, 1, 1, failover.GuardNotPermitted, accept},
		"UnrecognizedClientException": {403, 1, 1, failover.GuardNotPermitted, accept},
		"SignatureDoesNotMatch":       {403, 1, 1, failover.GuardNotPermitted, accept},
		"IncompleteSignature":         {403, 1, 1, failover.GuardNotPermitted, accept},
		"ExpiredToken":                {400, 1, 1, failover.GuardNotPermitted, accept},
		"ExpiredTokenException":       {400, 1, 1, failover.GuardNotPermitted, accept},
		"RequestExpired":              {400, 1, 1, failover.GuardNotPermitted, accept},
		"OptInRequired":               {401, 1, 1, failover.GuardNotPermitted, accept},
		"PendingVerification":         {400, 1, 1, failover.GuardNotPermitted, accept},
		"Blocked":                     {400, 1, 1, failover.GuardNotPermitted, accept},

		"InvalidInstanceID":          {400, 1, 2, failover.GuardNotRunning, "EC2 refuses: InvalidInstanceID: Said so"},
		"InvalidInstanceID.NotFound": {400, 1, 2, failover.GuardNotRunning, "EC2 refuses"},
		"IncorrectInstanceState":     {400, 1, 2, failover.GuardNotRunning, "EC2 refuses"},
		"OperationNotPermitted":      {400, 1, 2, failover.GuardService, "EC2 refuses"},

		"Resource.AlreadyAssociated":         {400, 1, 2, failover.GuardChanged, "EC2 refuses"},
		"InvalidAllocationID.NotFound":       {400, 1, 2, failover.GuardChanged, "EC2 refuses"},
		"InvalidAssociationID.NotFound":      {400, 1, 2, failover.GuardChanged, "EC2 refuses"},
		"InvalidNetworkInterfaceID.NotFound": {400, 1, 2, failover.GuardChanged, "EC2 refuses"},
		"InvalidParameterValue":              {400, 1, 2, failover.GuardChanged, "EC2 refuses"},
		"InvalidParameterCombination":        {400, 1, 2, failover.GuardChanged, "EC2 refuses"},
		"InvalidIPAddress.InUse":             {400, 1, 2, failover.GuardChanged, "EC2 refuses"},
		"IncorrectState":                     {400, 1, 2, failover.GuardChanged, "EC2 refuses"},
		"Gateway.NotAttached":                {400, 1, 2, failover.GuardChanged, "EC2 refuses"},
		"SomethingNobodyKnows":               {400, 1, 2, failover.GuardChanged, "EC2 refuses"},

		"RequestTimeout":      {400, 1, 6, "", "no clear answer"},
		"InternalError":       {500, 1, 6, "", "no clear answer"},
		"InternalFailure":     {500, 1, 6, "", "no clear answer"},
		"ServiceUnavailable":  {503, 1, 6, "", "no clear answer"},
		"Unavailable":         {503, 1, 6, "", "no clear answer"},
		"SomethingElse.Broke": {500, 1, 6, "", "no clear answer"},
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := account(simulator.Options{})
				calls, looks := 0, 0
				count := roundTrip(func(r *http.Request) (*http.Response, error) {
					switch form := formOf(r); {
					case form.Get("Action") == "AssociateAddress":
						calls++
						return answered(r, row.status, code), nil
					case form.Get("Filter.1.Name") == "public-ip":
						looks++
					}
					return a.Transport().RoundTrip(r)
				})
				err := move(t.Context(), eip.New(eip.Clients(config(count))), plan())
				if row.guard != "" {
					wantRefusal(t, err, row.guard, row.text)
				} else if _, refusal := errors.AsType[*failover.Refusal](err); refusal {
					t.Errorf("got the refusal %v, and it is not known", err)
				}
				wantText(t, err, row.text, code)
				if strings.Contains(err.Error(), "Encoded") && row.guard != "" {
					t.Errorf("got what only AWS can read: %v", err)
				}
				if calls != row.calls || looks != row.looks {
					t.Errorf("called %d times and looked %d times, want %d and %d", calls, looks, row.calls, row.looks)
				}
			})
		})
	}
}

func TestAReadThatReachesNobodySaysWhatToCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nobody := roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		})
		got := eip.New(eip.Clients(config(nobody))).Read(t.Context(), []failover.Want{{Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}})
		wantText(t, got[0].Err, "AWS cannot be reached: check this host's network", "connection refused")
	})
}
