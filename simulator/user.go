package simulator

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// recovered is how many good answers in a row end an outage.
const recovered = 10

// User is a user of the site who asks for its page again and again, each time on a fresh connection. It resolves the name
// for every request and remembers nothing, or it sticks to one address, as somebody does whose resolver gave him that one.
// Requests do not wait for each other, so an outage is measured to about Every.
type User struct {
	Name   string         // of the site, as in the address bar: www.example.com
	Port   int            // TCP port of the site, 1 to 65535
	DNS    netip.AddrPort // the DNS server that is asked for Name; not used with Sticky
	Sticky netip.Addr     // the only address that is used; the zero Addr means what DNS answers

	Every   time.Duration // from one request to the next; 0 means 20 ms
	Timeout time.Duration // for one try, the resolving included; 0 means 1 s

	// Dial connects to an address:port, as the method of net.Dialer or Network; nil means the real network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	tally tally
}

// Report is what a user saw. All times are those of the user's own requests.
type Report struct {
	Requests int // answered or failed; those under way are not counted
	Failed   int // no answer in time, a refused or broken connection, or a status of 400 and more
	Outages  int // the outages that have begun

	// Outage is the time from the start of the first failed request (From) to the answer of the first of ten good ones in a
	// row (To). Of several outages it is the longest; one that has not ended counts to the latest answer and has a zero To.
	Outage   time.Duration
	From, To time.Time

	MaxGap time.Duration // the longest time between a good answer and the next one
	Reason string        // why the latest failed request failed
}

// Run makes requests until ctx ends, and returns when all of them are over. A request that is cut short by that is not counted.
func (u *User) Run(ctx context.Context) {
	every := time.NewTicker(cmp.Or(u.Every, 20*time.Millisecond))
	defer every.Stop()
	tries := make(chan try)
	late := map[int]try{} // answered before an earlier one
	next, asked, under := 0, 0, 0
	ask := func() {
		n := asked
		asked++
		under++
		go func() { tries <- u.try(ctx, n) }()
	}
	ask()
	take := func(t try) {
		under--
		late[t.n] = t
		for t, ok := late[next]; ok; t, ok = late[next] {
			delete(late, next)
			next++
			u.count(ctx, t)
		}
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-every.C:
			ask()
		case t := <-tries:
			take(t)
		}
	}
	for under > 0 {
		take(<-tries)
	}
}

// Report returns what was seen so far. It may be called while Run runs.
func (u *User) Report() Report {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.tally.report()
}

// try is one request and how it went.
type try struct {
	n        int
	from, to time.Time
	err      error
}

func (u *User) try(ctx context.Context, n int) try {
	t := try{n: n, from: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(u.Timeout, time.Second))
	defer cancel()
	t.err = u.fetch(ctx)
	t.to = time.Now()
	return t
}

func (u *User) count(ctx context.Context, t try) {
	if t.err != nil && ctx.Err() != nil {
		return // cut short by the end of Run, which says nothing about the site
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.tally.add(t)
}

// fetch asks for the page once.
func (u *User) fetch(ctx context.Context) error {
	conn, err := u.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if by, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(by) // fails only when the connection is over, and the write says so
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // Run may end before the deadline
	defer stop()

	host := net.JoinHostPort(u.Name, strconv.Itoa(u.Port))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask for the page of %s: %w", host, err)
	}
	r.Close = true
	if err := r.Write(conn); err != nil {
		return fmt.Errorf("send the request to %s: %w", conn.RemoteAddr(), err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", conn.RemoteAddr(), err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return fmt.Errorf("read the page of %s: %w", conn.RemoteAddr(), err)
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("the answer of %s is %s", conn.RemoteAddr(), answer.Status)
	}
	return nil
}

// connect connects to the first address that lets it, in the order in which they were answered, as a browser does.
func (u *User) connect(ctx context.Context) (net.Conn, error) {
	addrs := []netip.Addr{u.Sticky}
	if !u.Sticky.IsValid() {
		var err error
		if addrs, err = u.lookUp(ctx); err != nil {
			return nil, err
		}
	}
	dial := u.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	var errs []error
	for _, ip := range addrs {
		conn, err := dial(ctx, "tcp", net.JoinHostPort(ip.String(), strconv.Itoa(u.Port)))
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// lookUp asks the DNS server for the addresses of the site.
func (u *User) lookUp(ctx context.Context) ([]netip.Addr, error) {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(u.Name), dns.TypeA)
	m, _, err := new(dns.Client).ExchangeContext(ctx, q, u.DNS.String())
	if err != nil {
		return nil, fmt.Errorf("resolve %s at %s: %w", u.Name, u.DNS, err)
	}
	var addrs []netip.Addr
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			if ip, ok := netip.AddrFromSlice(a.A.To4()); ok {
				addrs = append(addrs, ip)
			}
		}
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("resolve %s at %s: no address in the answer %s", u.Name, u.DNS, dns.RcodeToString[m.Rcode])
	}
	return addrs, nil
}

// tally counts tries in the order in which they began.
type tally struct {
	requests, failed, outages int

	longest outage
	current outage // zero unless one is on
	good    int    // good answers in a row during the current outage

	lastGood, lastEnd time.Time
	maxGap            time.Duration
	reason            error
}

type outage struct{ from, to time.Time }

func (o outage) lasted() time.Duration { return o.to.Sub(o.from) }

func (c *tally) add(t try) {
	c.requests++
	if t.to.After(c.lastEnd) {
		c.lastEnd = t.to
	}
	if t.err != nil {
		c.fail(t)
		return
	}
	if !c.lastGood.IsZero() {
		c.maxGap = max(c.maxGap, t.to.Sub(c.lastGood))
	}
	if t.to.After(c.lastGood) {
		c.lastGood = t.to
	}
	if c.current.from.IsZero() {
		return
	}
	c.good++
	if c.good == 1 {
		c.current.to = t.to
	}
	if c.good == recovered {
		if c.current.lasted() > c.longest.lasted() {
			c.longest = c.current
		}
		c.current = outage{}
	}
}

func (c *tally) fail(t try) {
	c.failed++
	c.reason = t.err
	c.good = 0
	if c.current.from.IsZero() {
		c.current = outage{from: t.from}
		c.outages++
	}
}

func (c *tally) report() Report {
	r := Report{Requests: c.requests, Failed: c.failed, Outages: c.outages, MaxGap: c.maxGap}
	if c.reason != nil {
		r.Reason = c.reason.Error()
	}
	o := c.longest
	if on := (outage{c.current.from, c.lastEnd}); !on.from.IsZero() && on.lasted() > o.lasted() {
		r.From, r.Outage = on.from, on.lasted()
		return r
	}
	r.From, r.To, r.Outage = o.from, o.to, o.lasted()
	return r
}
