package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rrwatch/config"
)

// siteFact is one thing that a line of the site or its policy says.
type siteFact struct {
	key   string // the line that it stands in
	words words
	get   func(s *stormSite) []string // what fills its gaps; nil: it is not so
	set   func(s *stormSite, a args)
}

// siteFacts are the words of the lines site, policy and aws.
func siteFacts() []siteFact {
	return slices.Concat([]siteFact{
		choice("site", weighted, func(s *stormSite) *string { return &s.kind }),
		choice("site", simple, func(s *stormSite) *string { return &s.kind }),
		choice("site", multivalue, func(s *stormSite) *string { return &s.kind }),
		howMuch("site", "<count> pool|pools", func(s *stormSite) *int { return &s.howMany }),
		howMuch("site", "<count> member|members", func(s *stormSite) *int { return &s.members }),
		howMuch("site", "<count> standby|standbys", func(s *stormSite) *int { return &s.standbys }),
		{
			"site", "zones|zone <rest>",
			func(s *stormSite) []string { return []string{strings.Join(s.zones, " ")} },
			func(s *stormSite, a args) { s.zones = strings.Fields(a[0]) },
		},
		choice("policy", config.ModeAct, func(s *stormSite) *config.Mode { return &s.mode }),
		choice("policy", config.ModePropose, func(s *stormSite) *config.Mode { return &s.mode }),
		choice("policy", config.ModeObserve, func(s *stormSite) *config.Mode { return &s.mode }),
	}, remedyFacts(), []siteFact{
		length("policy", "interval <duration>", func(s *stormSite) *time.Duration { return &s.interval }),
		length("policy", "timeout <duration>", func(s *stormSite) *time.Duration { return &s.timeout }),
		length("policy", "recheck <duration>", func(s *stormSite) *time.Duration { return &s.recheck }),
		howMuch("policy", "fall <count>", func(s *stormSite) *int { return &s.fall }),
		howMuch("policy", "clear <count>", func(s *stormSite) *int { return &s.clear }),
		howMuch("policy", "rise <count>", func(s *stormSite) *int { return &s.rise }),
		length("policy", "cooldown <duration>", func(s *stormSite) *time.Duration { return &s.cooldown }),
		length("policy", "verify <duration>", func(s *stormSite) *time.Duration { return &s.verify }),
		length("policy", "restore <duration>", func(s *stormSite) *time.Duration { return &s.restore }),
		howMuch("policy", "min healthy <count>", func(s *stormSite) *int { return &s.minHealthy }),
		howMuch("policy", "per hour <count>", func(s *stormSite) *int { return &s.perHour }),
		howMuch("policy", "in all <count>", func(s *stormSite) *int { return &s.total }),
		length("policy", "discover <duration>", func(s *stormSite) *time.Duration { return &s.discover }),
		choice("watch", endShort, func(s *stormSite) *string { return &s.end }),
		choice("watch", endLong, func(s *stormSite) *string { return &s.end }),
		choice("ask", askReal, func(s *stormSite) *string { return &s.ask }),
		choice("ask", askDirectly, func(s *stormSite) *string { return &s.ask }),
		length("aws", "latency <duration>", func(s *stormSite) *time.Duration { return &s.options.Latency }),
		length("aws", "lag <duration>", func(s *stormSite) *time.Duration { return &s.options.Lag }),
		length("aws", "sync <duration>", func(s *stormSite) *time.Duration { return &s.options.Sync }),
		length("aws", "move <duration>", func(s *stormSite) *time.Duration { return &s.options.Move }),
	})
}

func remedyFacts() []siteFact {
	var list []siteFact
	for _, r := range []string{"remap", "withdraw", "remap, withdraw", "withdraw, remap"} {
		list = append(list, choice("policy", r, func(s *stormSite) *string { return &s.remedies }))
	}
	return list
}

func choice[T ~string](key string, value T, of func(*stormSite) *T) siteFact {
	return siteFact{
		key, words(value),
		func(s *stormSite) []string {
			if *of(s) != value {
				return nil
			}
			return []string{}
		},
		func(s *stormSite, _ args) { *of(s) = value },
	}
}

func howMuch(key string, w words, of func(*stormSite) *int) siteFact {
	return siteFact{
		key, w,
		func(s *stormSite) []string { return []string{strconv.Itoa(*of(s))} },
		func(s *stormSite, a args) { *of(s) = a.count(0) },
	}
}

func length(key string, w words, of func(*stormSite) *time.Duration) siteFact {
	return siteFact{
		key, w,
		func(s *stormSite) []string { return []string{short(*of(s))} },
		func(s *stormSite, a args) { *of(s) = a.duration(0) },
	}
}

// separator is what stands between the facts of a line.
func separator(key string) string {
	if key == "policy" { // its remedies have commas
		return ";"
	}
	return ","
}

// read takes in one line of the site.
func (s *stormSite) read(key, value string) error {
	switch key {
	case "site", "policy", "aws", "ask", "watch":
	case "instance":
		return s.readPlace(value)
	case "pool":
		s.poolLines = append(s.poolLines, value)
		return nil
	case "file":
		s.fileLines = append(s.fileLines, value)
		return nil
	default:
		return fmt.Errorf("%q is no line of a site; write site, policy, aws, ask, watch, instance, pool or file", key)
	}
	for text := range strings.SplitSeq(value, separator(key)) {
		if err := s.readFact(key, strings.TrimSpace(text)); err != nil {
			return err
		}
	}
	return nil
}

func (s *stormSite) readFact(key, text string) error {
	var all []words
	for _, f := range siteFacts() {
		if f.key != key {
			continue
		}
		all = append(all, f.words)
		if filled, ok := f.words.read(tokensOf(text)); ok {
			a, err := s.fillIn(f.words, filled)
			if err == nil {
				f.set(s, a)
			}
			return err
		}
	}
	return fmt.Errorf("%q is not understood in the line %s; %s (README.txt has them all)", text, key, nearest(tokensOf(text), all))
}

// readPlace takes in a line of one instance: "lb-4, zone b, pools www api, own
// address".
func (s *stormSite) readPlace(value string) error {
	p := placed{}
	for n, part := range strings.Split(value, ",") {
		part = strings.TrimSpace(part)
		zone, inZone := strings.CutPrefix(part, "zone ")
		pools, ofPools := strings.CutPrefix(part, "pools ")
		number, err := strconv.Atoi(strings.TrimPrefix(part, "lb-"))
		switch {
		case n == 0 && err == nil:
			p.n = number
		case inZone:
			p.zone = zone
		case ofPools:
			p.pools = pools
		case part == "own address":
			p.own = true
		default:
			return fmt.Errorf("%q is not understood in the line instance; write as: instance: lb-4, zone b, pools www api, own address", part)
		}
	}
	s.placed = append(s.placed, p)
	return nil
}

// String is the site as lines of an outage text: what is otherwise than by
// default, and the line site in any case.
func (s *stormSite) String() string {
	var b strings.Builder
	usual := defaultSite()
	for _, key := range []string{"site", "aws", "policy", "ask", "watch"} {
		var parts []string
		for _, f := range siteFacts() {
			if f.key != key {
				continue
			}
			filled := f.get(s)
			if filled != nil && (key == "site" || !slices.Equal(filled, f.get(usual)) || f.get(usual) == nil) {
				parts = append(parts, f.words.write(filled))
			}
		}
		if len(parts) > 0 {
			fmt.Fprintf(&b, "%s: %s\n", key, strings.Join(parts, separator(key)+" "))
		}
	}
	for _, p := range s.placed {
		fmt.Fprintf(&b, "instance: lb-%d, zone %s, pools %s", p.n, p.zone, p.pools)
		if p.own {
			b.WriteString(", own address")
		}
		b.WriteByte('\n')
	}
	for _, line := range s.fileLines {
		fmt.Fprintf(&b, "file: %s\n", line)
	}
	for _, line := range s.poolLines {
		fmt.Fprintf(&b, "pool: %s\n", line)
	}
	return b.String()
}
