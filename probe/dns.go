package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/miekg/dns"
)

// DNSTransport is what a question goes over.
type DNSTransport string

// The transports.
const (
	DNSOverUDP DNSTransport = "udp" // and over TCP when the answer does not fit
	DNSOverTCP DNSTransport = "tcp"
)

// DNSOptions say what DNS servers are asked, and what each must answer.
type DNSOptions struct {
	Name      string       // what is asked for, such as www.example.com
	Type      string       // of the records, such as MX; empty: A
	Recursion bool         // the server is asked to ask others
	Transport DNSTransport // empty: DNSOverUDP
	// Servers finds the servers to ask; nil: the probed address itself. When it
	// fails, the probe is Inconclusive (Resolver).
	Servers func(context.Context) ([]netip.AddrPort, error)

	Rcode   string   // the expected code; empty: NOERROR
	Answers []string // data of records that must all be there, as CheckRecord reads it
	Exactly bool     // and no other records of the type
	// ContainsAddress asks for the addresses of the probed address's own family,
	// whatever Type says; it must be among them.
	ContainsAddress bool
	Authoritative   bool // the answer must be authoritative (AA)
	Dial            Dial // for UDP and TCP
}

// DNS passes when every server answers the question as expected. Without
// expected records there must be one of the type, whatever its data. The error
// says which option cannot be used.
func DNS(o DNSOptions) (Func, error) {
	q := &dnsQuestion{DNSOptions: o, kind: dns.TypeA, rcode: dns.RcodeSuccess}
	known := true
	if o.Type != "" {
		q.kind, known = dns.StringToType[o.Type]
	}
	if !known {
		return nil, fmt.Errorf("%q is no type of a DNS record", o.Type)
	}
	if o.Rcode != "" {
		q.rcode, known = dns.StringToRcode[o.Rcode]
	}
	if !known {
		return nil, fmt.Errorf("%q is no code of a DNS answer", o.Rcode)
	}
	if _, ok := dns.IsDomainName(o.Name); !ok {
		return nil, fmt.Errorf("%q is no DNS name", o.Name)
	}
	for _, data := range o.Answers {
		w, err := parseRecord(dns.TypeToString[q.kind], data)
		if err != nil {
			return nil, err
		}
		q.want = append(q.want, w)
	}
	return q.ask, nil
}

// CheckRecord says what is wrong with the data of a record of a type. It is
// written as in a zone file, with every name in full; that of a TXT record is
// its text, in one piece and without quotes.
func CheckRecord(kind, data string) error {
	_, err := parseRecord(kind, data)
	return err
}

// wantedRecord is the data of a record that is expected.
type wantedRecord struct {
	text string // as it was given
	rr   dns.RR // nil: the text is that of a TXT record
}

func parseRecord(kind, data string) (wantedRecord, error) {
	if kind == "TXT" {
		return wantedRecord{text: data}, nil
	}
	err := errors.New("it is empty, or more than one line")
	if strings.TrimSpace(data) != "" && !strings.ContainsFunc(data, unicode.IsControl) {
		var rr dns.RR // of the root, so that names in it are taken as full
		if rr, err = dns.NewRR(". 0 IN " + kind + " " + data); err == nil && rr != nil {
			return wantedRecord{text: data, rr: rr}, nil
		}
	}
	return wantedRecord{}, fmt.Errorf("%q is no data of a record of type %s: %w", data, kind, err)
}

// is reports whether a record has that data.
func (w wantedRecord) is(rr dns.RR) bool {
	if txt, ok := rr.(*dns.TXT); ok && w.rr == nil {
		return unescaped(strings.Join(txt.Txt, "")) == w.text
	}
	if w.rr == nil {
		return false
	}
	rr = dns.Copy(rr)
	*rr.Header() = *w.rr.Header()
	return dns.IsDuplicate(w.rr, rr)
}

// unescaped undoes how the library writes text: \" and \\, and \DDD for a byte
// that cannot be printed (RFC 1035 section 5.1).
func unescaped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if n, err := strconv.ParseUint(s[i:min(i+3, len(s))], 10, 8); err == nil && i+3 <= len(s) {
			b.WriteByte(byte(n))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// dnsQuestion is what is asked, ready to be sent.
type dnsQuestion struct {
	DNSOptions
	kind  uint16
	rcode int
	want  []wantedRecord
}

// ask asks all servers side by side.
func (q *dnsQuestion) ask(ctx context.Context, t Target) Answer {
	start := time.Now()
	about := t.Addr.Addr().Unmap()
	if q.Servers == nil {
		return q.askOne(ctx, t.Addr, about)
	}
	servers, err := q.Servers(ctx)
	p := Phases{Whole: time.Since(start)}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return failed(ctx, asking, ctx.Err(), p)
	case err != nil:
		return Answer{Verdict: Inconclusive, Reason: Resolver, Detail: plain(err), Phases: p}
	case len(servers) == 0:
		return Answer{Verdict: Inconclusive, Reason: Resolver, Detail: "no server to ask is known", Phases: p}
	}
	answers := make([]Answer, len(servers))
	var wg sync.WaitGroup
	for n, server := range servers {
		wg.Go(func() { answers[n] = q.askOne(ctx, server, about) })
	}
	wg.Wait()
	a := ofAll(servers, answers)
	a.Phases.Whole = time.Since(start)
	return a
}

// ofAll is the answer of several servers: a fail is the worst, a pass of all
// the best. Its phases are those of the server that it speaks of, or of the slowest.
func ofAll(servers []netip.AddrPort, answers []Answer) Answer {
	rank := func(a Answer) int { return slices.Index([]Verdict{Pass, Inconclusive, Fail}, a.Verdict) }
	worst := 0
	for n, a := range answers {
		if d := rank(a) - rank(answers[worst]); d > 0 || d == 0 && a.Verdict == Pass && a.Phases.Whole > answers[worst].Phases.Whole {
			worst = n
		}
	}
	a := answers[worst]
	if a.Verdict == Pass && len(servers) > 1 {
		a.Detail = fmt.Sprintf("all of %d servers answer as expected; %s: %s", len(servers), servers[worst], a.Detail)
	} else {
		a.Detail = fmt.Sprintf("%s: %s", servers[worst], a.Detail)
	}
	a.Detail = clip(a.Detail)
	return a
}

// askOne asks one server.
func (q *dnsQuestion) askOne(ctx context.Context, server netip.AddrPort, about netip.Addr) Answer {
	e := &dnsExchange{dial: q.Dial, server: server, start: time.Now(), asked: new(dns.Msg)}
	kind := q.kind
	if q.ContainsAddress {
		kind = dns.TypeA
		if about.Is6() {
			kind = dns.TypeAAAA
		}
	}
	e.asked.SetQuestion(dns.Fqdn(q.Name), kind)
	e.asked.RecursionDesired = q.Recursion
	e.asked.SetEdns0(udpSize, false)
	in, err := e.do(ctx, q.Transport)
	e.phases.Whole = time.Since(e.start)
	if err != nil {
		a := failed(ctx, e.stage, err, e.phases)
		if a.Reason == AnswerTimeout {
			a.Detail = "no whole answer within " + round(e.phases.Whole)
		}
		if e.truncated && a.Verdict == Fail {
			a.Detail = "the answer does not fit into UDP, and over TCP: " + a.Detail
		}
		return a
	}
	why, detail := q.judge(in, kind, about)
	verdict := Pass
	if why != "" {
		verdict = Fail
	}
	return Answer{Verdict: verdict, Reason: why, Detail: clip(detail), Phases: e.phases}
}

// judge compares an answer to the question with what is expected.
func (q *dnsQuestion) judge(in *dns.Msg, kind uint16, about netip.Addr) (Reason, string) {
	code := codeName(in)
	switch {
	case in.Rcode != q.rcode:
		return Rcode, "answers " + code + ", not " + dns.RcodeToString[q.rcode]
	case q.Authoritative && !in.Authoritative:
		return Records, "the server is not authoritative for " + q.Name
	case q.rcode != dns.RcodeSuccess:
		return "", "answers " + code
	}
	return q.judgeRecords(recordsOf(in, q.Name, kind), about)
}

func (q *dnsQuestion) judgeRecords(found []dns.RR, about netip.Addr) (Reason, string) {
	text := "answers " + listRecords(found)
	for _, w := range q.want {
		if !slices.ContainsFunc(found, w.is) {
			return Records, fmt.Sprintf("%s is missing; %s", w.text, text)
		}
	}
	for _, rr := range found {
		if q.Exactly && !slices.ContainsFunc(q.want, func(w wantedRecord) bool { return w.is(rr) }) {
			return Records, fmt.Sprintf("%s is not expected; %s", dataOf(rr), text)
		}
	}
	if q.ContainsAddress && !slices.ContainsFunc(found, func(rr dns.RR) bool { return dataOf(rr) == about.String() }) {
		return Records, fmt.Sprintf("%s is missing; %s", about, text)
	}
	if len(found) == 0 && !q.Exactly {
		return Records, text
	}
	return "", text
}

// codeName is the code of an answer, with what the server says of it (RFC 8914).
func codeName(in *dns.Msg) string {
	name, known := dns.RcodeToString[in.Rcode]
	if !known {
		name = fmt.Sprintf("code %d", in.Rcode)
	}
	if opt := in.IsEdns0(); opt != nil {
		for _, option := range opt.Option {
			if ede, ok := option.(*dns.EDNS0_EDE); ok {
				return fmt.Sprintf("%s (%s)", name, strings.TrimSpace(dns.ExtendedErrorCodeToString[ede.InfoCode]+" "+ede.ExtraText))
			}
		}
	}
	return name
}

// recordsOf are the records of a type that an answer has for a name, or for
// what the name is an alias of.
func recordsOf(in *dns.Msg, name string, kind uint16) []dns.RR {
	const mostAliases = 16 // in a chain, in the worst order
	names := map[string]bool{dns.CanonicalName(name): true}
	for range mostAliases {
		known := len(names)
		for _, rr := range in.Answer {
			if alias, ok := rr.(*dns.CNAME); ok && kind != dns.TypeCNAME && names[dns.CanonicalName(alias.Hdr.Name)] {
				names[dns.CanonicalName(alias.Target)] = true
			}
		}
		if len(names) == known {
			break
		}
	}
	var found []dns.RR
	for _, rr := range in.Answer {
		if h := rr.Header(); h.Rrtype == kind && h.Class == dns.ClassINET && names[dns.CanonicalName(h.Name)] {
			found = append(found, rr)
		}
	}
	return found
}

// listRecords names records by their data, or says that there are none.
func listRecords(found []dns.RR) string {
	const most = 8
	var list []string
	for _, rr := range found[:min(len(found), most)] {
		list = append(list, dataOf(rr))
	}
	switch {
	case len(found) == 0:
		return "no such record"
	case len(found) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(list, ", "), len(found)-most)
	}
	return strings.Join(list, ", ")
}

// dataOf is a record's data, as a zone file writes it.
func dataOf(rr dns.RR) string { return strings.TrimPrefix(rr.String(), rr.Header().String()) }
