package probe

import (
	"fmt"
	"slices"
	"strings"
)

// How much of a page is kept, whatever it holds.
const (
	maxBackends = 16 // while none is named: more are too many to guess from
	maxNames    = 5  // of backends and servers in a detail
)

// census is what a page says of backends and their servers: of the one that is wanted, or of all.
type census struct {
	want    string // empty: the only backend that has servers
	needed  int    // servers
	backups bool   // they count when nothing else is up

	backends []*haproxyBackend // the wanted one, or the first ones
	more     bool              // there are more backends
	others   []string          // names of some that are not wanted
}

// haproxyBackend is what is known of one backend.
type haproxyBackend struct {
	name    string
	counted bool // HAProxy's own count was seen
	active  int  // servers that take traffic
	backup  int  // servers that would if there were no active ones
	servers int  // all that the page names, up or not
	down    []downServer
	hidden  int // servers that are not up beside those
}

// downServer is one that takes no traffic, and why.
type downServer struct{ name, why string }

// backend finds a backend, or begins one; nil if it does not matter.
func (c *census) backend(name string) *haproxyBackend {
	at := slices.IndexFunc(c.backends, func(b *haproxyBackend) bool { return b.name == name })
	switch {
	case at >= 0:
		return c.backends[at]
	case c.want != "" && name != c.want:
		c.pass(name)
		return nil
	case len(c.backends) == maxBackends:
		c.more = true
		return nil
	}
	b := &haproxyBackend{name: strings.Clone(name)} // name may be a piece of a long row
	c.backends = append(c.backends, b)
	return b
}

// pass notes a backend that is not wanted.
func (c *census) pass(name string) {
	switch {
	case slices.Contains(c.others, name):
	case len(c.others) == maxNames:
		c.more = true
	default:
		c.others = append(c.others, strings.Clone(name))
	}
}

// fails notes a server that takes no traffic.
func (b *haproxyBackend) fails(name, why string) {
	if len(b.down) == maxNames {
		b.hidden++
		return
	}
	b.down = append(b.down, downServer{strings.Clone(name), strings.Clone(why)})
}

// because notes why a server is down, if that is not known yet.
func (b *haproxyBackend) because(name, why string) {
	if at := slices.IndexFunc(b.down, func(s downServer) bool { return s.name == name && s.why == "" }); at >= 0 {
		b.down[at].why = strings.Clone(why)
	}
}

// up is how many servers take traffic: the backups do once no other server does.
func (c *census) up(b *haproxyBackend) int {
	if b.active > 0 || !c.backups {
		return b.active
	}
	return b.backup
}

// settled reports whether the wanted backend is known to have enough servers, whatever follows.
func (c *census) settled() bool {
	return c.want != "" && len(c.backends) > 0 && c.backends[0].counted && c.up(c.backends[0]) >= c.needed
}

// answer judges a page that was read.
func (c *census) answer() Answer {
	list := c.candidates()
	switch {
	case len(list) == 0 && c.want != "":
		return Answer{Verdict: Fail, Reason: Servers, Detail: "the page has no backend " + c.want + c.instead()}
	case len(list) == 0:
		return Answer{Verdict: Fail, Reason: Servers, Detail: "the page has no backend"}
	case len(list) > 1, c.want == "" && c.more:
		return Answer{Verdict: Inconclusive, Reason: Internal, Detail: "the page has several backends, write one of them as the check's backend: " + c.some(list)}
	}
	b := list[0]
	switch up := c.up(b); {
	case !b.counted:
		return Answer{Verdict: Fail, Reason: Protocol, Detail: "the page does not count the active servers of backend " + b.name}
	case up < c.needed:
		return Answer{Verdict: Fail, Reason: Servers, Detail: c.found(b) + c.missing(b)}
	case b.active == 0:
		return Answer{Verdict: Pass, Detail: c.found(b), Warning: c.found(b)}
	}
	return Answer{Verdict: Pass, Detail: c.found(b)}
}

// candidates are the backends that may be meant. One without servers is not, such as that of HAProxy's own page,
// unless there is nothing else.
func (c *census) candidates() []*haproxyBackend {
	list := slices.DeleteFunc(slices.Clone(c.backends), func(b *haproxyBackend) bool { return b.servers == 0 })
	if len(list) == 0 {
		return c.backends
	}
	return list
}

// found says how many servers are up: "backend app has 1 of 4 servers up".
func (c *census) found(b *haproxyBackend) string {
	text := fmt.Sprintf("backend %s has %s up", b.name, plural(b.active, "server"))
	if b.servers > 0 {
		text = fmt.Sprintf("backend %s has %d of %s up", b.name, b.active, plural(b.servers, "server"))
	}
	switch {
	case b.active == 0 && c.backups && b.backup > 0:
		text += ", and is served by " + plural(b.backup, "backup")
	case b.backup > 0:
		text += " beside " + plural(b.backup, "backup")
	}
	return text
}

// missing says how many are needed, and which are not up.
func (c *census) missing(b *haproxyBackend) string {
	text := fmt.Sprintf(", %d are needed", c.needed)
	if c.needed == 1 {
		text = ", 1 is needed"
	}
	var list []string
	for _, s := range b.down {
		if s.why != "" {
			s.name += " (" + s.why + ")"
		}
		list = append(list, s.name)
	}
	if b.hidden > 0 {
		list = append(list, fmt.Sprintf("%d more", b.hidden))
	}
	if len(list) == 0 {
		return text
	}
	return text + "; down: " + strings.Join(list, ", ")
}

// instead names what the page has instead of the wanted backend.
func (c *census) instead() string {
	if len(c.others) == 0 {
		return ""
	}
	text := "; it has " + strings.Join(c.others, ", ")
	if c.more {
		text += " and others"
	}
	return text
}

// some names a few of the backends.
func (c *census) some(list []*haproxyBackend) string {
	var names []string
	for _, b := range list[:min(len(list), maxNames)] {
		names = append(names, b.name)
	}
	if c.more || len(list) > maxNames {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}
