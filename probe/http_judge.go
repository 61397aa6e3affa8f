package probe

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
)

// needsBody reports that the status and headers alone decide nothing.
func (o HTTPOptions) needsBody() bool {
	return o.Body != "" || o.BodyRegexp != nil || len(o.JSON) > 0 || o.MaxBody > 0 || o.judge != nil || o.look != nil
}

// judgeHead judges an answer by its status and headers. It returns false when
// these are as expected and do not decide alone: there is a body to judge or a
// redirect to follow. It always decides a question that is Simple. The answer's
// phases are left to the caller.
func (o HTTPOptions) judgeHead(r *http.Response) (Answer, bool) {
	if said, ok := o.excused(r); ok {
		return Answer{Verdict: Inconclusive, Reason: Excused, Detail: clip("the site says that it is meant: " + said)}, true
	}
	if o.follows(r) {
		return Answer{}, false
	}
	detail := "answered " + clip(r.Status)
	if !inRanges(o.Status, r.StatusCode) {
		return Answer{Verdict: Fail, Reason: Status, Detail: detail}, true
	}
	for _, name := range slices.Sorted(maps.Keys(o.ExpectHeader)) {
		if wrong := wrongHeader(r.Header, name, o.ExpectHeader[name]); wrong != "" {
			return Answer{Verdict: Fail, Reason: Header, Detail: clip(detail + ", but " + wrong)}, true
		}
	}
	return Answer{Verdict: Pass, Detail: detail}, !o.needsBody()
}

// excused reports that the site says of an answer that it is meant, and how.
func (o HTTPOptions) excused(r *http.Response) (string, bool) {
	if o.Excuse == nil || !inRanges(o.Excuse.Status, r.StatusCode) {
		return "", false
	}
	for _, value := range r.Header.Values(o.Excuse.Header) {
		switch {
		case o.Excuse.Value != "" && value != o.Excuse.Value:
		case value == "":
			return o.Excuse.Header, true
		default:
			return o.Excuse.Header + ": " + value, true
		}
	}
	return "", false
}

// wrongHeader says what is wrong with a header; empty: nothing.
func wrongHeader(given http.Header, name string, want *regexp.Regexp) string {
	values := given.Values(name)
	switch {
	case slices.ContainsFunc(values, want.MatchString):
		return ""
	case len(values) == 0:
		return "without the header " + name
	case name == "Set-Cookie": // a session is somebody's secret
		return fmt.Sprintf("%s does not match %q", name, want)
	}
	return fmt.Sprintf("%s is %q, which does not match %q", name, clip(values[0]), want)
}

func inRanges(ranges []StatusRange, status int) bool {
	return slices.ContainsFunc(ranges, func(r StatusRange) bool { return r.From <= status && status <= r.To })
}

// judgeBody judges the body of an answer whose head is as expected; more says
// that it is longer than what was read. It returns why the answer fails, if it
// does, and what was found. An error is the context's end.
func (p *httpProbe) judgeBody(ctx context.Context, r *http.Response, body []byte, more bool) (Reason, string, error) {
	answered := "answered " + clip(r.Status)
	if p.MaxBody > 0 && more {
		return TooLarge, fmt.Sprintf("%s, but the body is longer than %d bytes", answered, p.MaxBody), nil
	}
	if !bytes.Contains(body, []byte(p.Body)) {
		return Body, fmt.Sprintf("%s, but the body's first %d bytes lack %q", answered, len(body), clip(p.Body)), nil
	}
	if p.BodyRegexp != nil {
		found := p.BodyRegexp.MatchReader(bufio.NewReader(until{ctx, bytes.NewReader(body)}))
		if err := ctx.Err(); err != nil {
			return "", "", err
		}
		if !found {
			return Body, fmt.Sprintf("%s, but the body's first %d bytes do not match %q", answered, len(body), clip(p.BodyRegexp.String())), nil
		}
	}
	if len(p.json) > 0 {
		wrong := "the body is longer than 1 MiB, which is all that is read of JSON without a maximum size"
		if !more {
			wrong = judgeJSON(until{ctx, bytes.NewReader(body)}, p.json)
		}
		if err := ctx.Err(); err != nil {
			return "", "", err
		}
		if wrong != "" {
			return Body, answered + ", but " + wrong, nil
		}
	}
	if p.judge == nil {
		return "", answered, nil
	}
	why, detail := p.judge(r, body[:min(len(body), bodyLimit)])
	return why, detail, nil
}

// until reads until a context ends, for work that the other side can make long.
type until struct {
	ctx context.Context
	io.Reader
}

// Read reads, or returns the context's error.
func (u until) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Reader.Read(b)
}
