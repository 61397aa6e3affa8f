package probe

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// JudgeHead judges an answer as an engine does that has read its head only.
func JudgeHead(o HTTPOptions, r *http.Response) (Answer, bool) { return o.judgeHead(r) }

// Judging lets a question's last word be given by a function.
func Judging(o HTTPOptions, judge func(*http.Response, []byte) (Reason, string)) HTTPOptions {
	o.judge = judge
	return o
}

// Looking lets a question's last word be given by a function that reads the
// body itself.
func Looking(o HTTPOptions, look func(*http.Response, io.Reader) (Answer, error)) HTTPOptions {
	o.look = look
	return o
}

// JudgeJSON says what is wrong with a body; empty: nothing.
func JudgeJSON(body string, wants map[string]string) (string, error) {
	list, err := jsonWants(wants)
	if err != nil {
		return "", err
	}
	return judgeJSON(strings.NewReader(body), list), nil
}

// Onward is where an answer of a status leads with a Location: the URL and the
// port of the address, or why it is not asked.
func Onward(o HTTPOptions, status int, location string) (to *url.URL, port uint16, why string, err error) {
	first, err := o.firstHop()
	if err != nil {
		return nil, 0, "", err
	}
	r := &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Location": {location}}}
	next, why := o.onward(first, r)
	if why != "" {
		return nil, 0, why, nil
	}
	return next.at, next.port, "", nil
}

// Verdicts are the chains' verdicts that one question keeps.
type Verdicts struct{ o TLSOptions }

// NewVerdicts keeps none yet.
func NewVerdicts(o TLSOptions) Verdicts {
	o.chains = newChains()
	return Verdicts{o}
}

// Verify judges what a server presents at a time.
func (v Verdicts) Verify(presented []*x509.Certificate, now time.Time) error {
	_, err := v.o.verify(presented, now)
	return err
}

// As is another question that shares the verdicts.
func (v Verdicts) As(name string, roots *x509.CertPool) Verdicts {
	v.o.Name, v.o.Roots = name, roots
	return v
}

// Kept is how many verdicts are kept.
func (v Verdicts) Kept() int { return len(v.o.chains.good) }
