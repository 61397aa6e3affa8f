package main

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rrwatch/config"
	"rrwatch/failover"
)

// page is a configuration while it is written.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// comment writes a line that is no part of the configuration, whatever is in it:
// names of instances are free text.
func (p *page) comment(indent int, format string, args ...any) {
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, fmt.Sprintf(format, args...))
	p.line("%s# %s", strings.Repeat(" ", indent), strings.TrimRight(text, " "))
}

// quoted is a text as a value of the configuration.
func quoted(text string) string {
	return strings.ReplaceAll(strconv.QuoteToGraphic(text), "$", "$$") // a single $ begins a variable
}

// yaml is the configuration that was found.
func (s *scout) yaml() []byte {
	var p page
	p.comment(0, "Written by `rrwatch init --name %s` from what the account had on %s.", s.name, time.Now().UTC().Format(time.DateOnly))
	p.comment(0, "rrwatch.example.yaml explains every key. `rrwatch check` says whether rrwatch may do what it must.")
	p.line("\n# The Region of the Elastic IPs.\nregion: %s", s.at.Region)
	p.line("\n# rrwatch watches and tells, and changes nothing. When you have seen that it would do the right thing: propose, or act.\nmode: observe")
	if s.at.Profile != "" {
		p.line("\naws: {profile: %s}", quoted(s.at.Profile))
	}
	p.line("\n# Addresses that always answer. When most do not, it is rrwatch that is cut off. Choose some before mode act.\n" +
		"#references: [1.1.1.1:443, 8.8.8.8:443, 9.9.9.9:443]")
	p.line("\n# Who is told.\n#slack: {token_file: /run/secrets/slack_token, channel: alerts}")
	p.line("\npools:\n  - name: %s", poolNameOf(s.name))
	s.writeRecord(&p)
	s.writeInstances(&p)
	s.writeCheck(&p)
	return []byte(p.String())
}

// poolNameOf is a pool's name for a published one: its first label.
func poolNameOf(name string) string {
	label, _, _ := strings.Cut(name, ".")
	label = strings.Trim(strings.ReplaceAll(label, "_", "-"), "-")
	if label == "" || label == allPools { // which is the word for every pool
		return "pool" + label
	}
	return label
}

func (s *scout) writeRecord(p *page) {
	p.line("")
	p.comment(4, "The zone %s (%s) publishes %s: %s.", s.zone, s.published.ZoneID, s.name, setWords(s.published.Sets))
	for _, a := range s.addrs() {
		p.comment(4, "  %s %s", a, s.carrying(a))
	}
	for _, set := range s.published.Sets {
		if set.Foreign != "" {
			p.comment(4, "  its %s set %s is left alone: %s", set.Type, set.Identifier, set.Foreign)
		}
	}
	if s.published.Private {
		p.comment(4, "The zone is private: write the servers that answer for it, which this host must reach.")
		p.line("#    name_servers: [192.0.2.53:53]")
	}
	p.line("    record: %s\n    zone: %s", s.name, quoted(s.zone))
}

// setWords says what sets a name has: "3 weighted A sets with a TTL of 60 s".
func setWords(sets []failover.RecordSet) string {
	var kinds []string
	counts := map[string]int{}
	for _, set := range sets {
		kind := fmt.Sprintf("%s %s", routing(set), set.Type)
		if set.Foreign == "" {
			kind += fmt.Sprintf(" with a TTL of %d s", set.TTL)
		}
		if counts[kind]++; counts[kind] == 1 {
			kinds = append(kinds, kind)
		}
	}
	for n, kind := range kinds {
		kinds[n] = fmt.Sprintf("%d × %s", counts[kind], kind)
	}
	return strings.Join(kinds, ", ")
}

func routing(set failover.RecordSet) string {
	switch {
	case set.Foreign != "":
		return "other"
	case set.Weight != nil:
		return "weighted"
	case set.MultiValue:
		return "multivalue"
	case set.Failover != "":
		return "failover"
	}
	return "simple"
}

// carrying says what carries an address.
func (s *scout) carrying(addr netip.Addr) string {
	at := slices.IndexFunc(s.addresses, func(a failover.Address) bool { return a.IP == addr })
	if at < 0 {
		if addr.Is6() {
			return "is an IPv6 address, which is watched and withdrawn, but not moved"
		}
		return "is no Elastic IP of this account in " + s.at.Region + ": it is watched and withdrawn, but not moved"
	}
	a := s.addresses[at]
	for _, i := range s.carriers {
		if i.ID == a.Instance {
			return fmt.Sprintf("(%s) on %s in %s", a.Allocation, i.Label(), i.Zone)
		}
	}
	if a.ServiceManaged != "" {
		return fmt.Sprintf("(%s) belongs to the AWS service %s: it is watched, but not moved", a.Allocation, a.ServiceManaged)
	}
	return fmt.Sprintf("(%s) is carried by no instance", a.Allocation)
}

// mostListed is how many instances a comment lists.
const mostListed = 20

func (s *scout) writeInstances(p *page) {
	p.line("")
	switch {
	case len(s.tags) > 0:
		p.comment(4, "Which instances may carry the addresses: those with the tags that all carriers have. These are")
		for n, i := range s.family {
			if n == mostListed {
				p.comment(4, "  and %d more", len(s.family)-n)
				break
			}
			carries := "carries none of them: a standby, if it is healthy"
			if slices.ContainsFunc(s.carriers, func(c failover.Instance) bool { return c.ID == i.ID }) {
				carries = "carries an address"
			}
			p.comment(4, "  %s in %s, %s; it %s", i.Label(), i.Zone, i.State, carries)
		}
		if len(s.family) == len(s.carriers) {
			p.comment(4, "None of them is free, so that there is no standby: a failed address could only be withdrawn from DNS.")
		}
		p.line("    instances:\n      tags:")
		for _, key := range slices.Sorted(maps.Keys(s.tags)) {
			p.line("        %s: %s", strconv.QuoteToGraphic(key), quoted(s.tags[key]))
		}
	case len(s.carriers) > 0:
		why := "They have no tag in common."
		if s.tooMany > 0 {
			why = fmt.Sprintf("The tags that they have in common say nothing: %d instances have them.", s.tooMany)
		}
		p.comment(4, "Which instances may carry the addresses: those that do now. %s", why)
		p.comment(4, "Add the ids of standbys, or give all of them a tag, and write it here: tags: {rrwatch: %s}", poolNameOf(s.name))
		p.line("    instances:\n      ids:")
		for _, i := range s.carriers {
			p.line("        - %s", i.ID)
		}
	default:
		p.comment(4, "No instance carries one of the addresses. Which ones may: those with this tag.")
		p.line("    instances:\n      tags: {rrwatch: %s}", poolNameOf(s.name))
	}
}

func (s *scout) writeCheck(p *page) {
	n, best := len(s.addrs()), s.tried[0]
	p.line("")
	if best.passed == n {
		p.comment(4, "What is asked of every address. All of them answered just now; better ask for a page that shows whether the site is well (path:).")
	} else {
		p.comment(4, "What is asked of every address. Not all answered from this machine: correct this, and see with `rrwatch probe`.")
	}
	for _, t := range s.tried {
		p.comment(4, "  %s on port %d: %d of %d pass (%s)", t.kind, t.port, t.passed, n, t.said)
	}
	p.line("    checks:\n      - kind: %s", best.kind)
	if !best.usual {
		p.line("        port: %d", best.port)
	}
	if best.kind == config.KindHTTP || best.kind == config.KindHTTPS {
		p.line("#        path: /healthz")
	}
}
