package main

import (
	"slices"
	"strings"
	"time"

	"rrwatch/failover"
	"rrwatch/simulator"
)

// verb is one thing that can happen.
type verb struct {
	words words
	does  string // for README.txt, where a test looks for it
	do    func(s *storm, a args)
}

// verbs are all that can happen.
func verbs() []verb {
	return slices.Concat([]verb{
		{"everything heals", "all faults end, of instances, network, AWS, Slack and disk; operators' changes stay", func(s *storm, _ args) { s.healWorld() }},
	}, instanceVerbs(), networkVerbs(), nameVerbs(), awsVerbs(), operatorVerbs(), selfVerbs())
}

func instanceVerbs() []verb {
	breaks := func(w words, f simulator.Fault, does string) verb {
		return verb{w, does, func(s *storm, a args) { s.breakThese(a[0], f) }}
	}
	return []verb{
		breaks("<instances> dies|die", simulator.FaultKill, "the load balancer's process ends: connections are refused"),
		breaks("<instances> hangs|hang", simulator.FaultHang, "the process takes connections and never answers"),
		breaks("<instances> answers|answer 503", simulator.Fault503, "every page is 503"),
		breaks("<instances> is|are slow", simulator.FaultSlow, "every answer takes 10 s"),
		breaks("<instances> flaps|flap", simulator.FaultFlap, "every second request is answered with 503"),
		breaks("<instances> loses|lose its|their link", simulator.FaultLink, "packets are lost; EC2 says that the instance runs"),
		breaks("<instances> is|are stopped", simulator.FaultStop, "EC2 says so, and packets are lost"),
		breaks("<instances> heals|heal", simulator.FaultNone, "it serves again; a stopped one runs again"),
		{"<instance> is terminated", "it is gone for good, and its address is on nothing", func(s *storm, a args) { s.terminate(a[0]) }},
		{"zone <zone> goes down", "all instances of the availability zone lose their links", func(s *storm, a args) {
			s.breakThese(s.inZone(a[0]), simulator.FaultLink)
		}},
		{"zone <zone> comes back", "all instances of the zone heal", func(s *storm, a args) { s.breakThese(s.inZone(a[0]), simulator.FaultNone) }},
	}
}

func networkVerbs() []verb {
	return []verb{
		{"the watcher is cut off", "rrwatch reaches nothing, not even its references; AWS it still reaches", func(s *storm, _ args) { s.cutOff(true) }},
		{"the watcher is connected again", "to everything", func(s *storm, _ args) { s.connect() }},
		{"the watcher is cut off from zone <zone>", "packets from rrwatch to the zone are lost; users reach it", func(s *storm, a args) {
			s.cutZone(a[0], true)
		}},
		{"the watcher is paused for <duration>", "its machine: nothing of rrwatch runs, and the world goes on", func(s *storm, a args) {
			s.freeze(a.duration(0))
		}},
		{"<count> reference|references fails|fail", "of the three references, so many refuse connections", func(s *storm, a args) { s.breakReferences(a.count(0)) }},
		{"the references answer again", "all three", func(s *storm, _ args) { s.breakReferences(0) }},
	}
}

func awsVerbs() []verb {
	return []verb{
		{"AWS is down", "every call is answered with 503", func(s *storm, _ args) { s.aws.Down(true) }},
		{"AWS is back", "after AWS is down", func(s *storm, _ args) { s.aws.Down(false) }},
		{"AWS throttles <action> <count> time|times", "so many calls of the action are refused for their rate", func(s *storm, a args) {
			s.aws.Throttle(a[0], a.count(1))
		}},
		{"AWS loses <count> answer|answers to <action>", "the calls take effect, and their answers never arrive", func(s *storm, a args) {
			s.aws.LoseAnswer(a[1], a.count(0))
		}},
		{"AWS refuses <action>", "as not permitted", func(s *storm, a args) { s.aws.Deny(a[0]) }},
		{"AWS allows <action>", "after AWS refuses it", func(s *storm, a args) { s.aws.Allow(a[0]) }},
		{"AWS takes <duration> for a call", "0s: as the line aws says", func(s *storm, a args) { s.setLatency(a.duration(0)) }},
		{"AWS shows the state of <duration> ago", "describes show a change so much later; 0s: as the line aws says", func(s *storm, a args) {
			s.setLag(a.duration(0))
		}},
		{"Route 53 is busy <count> time|times", "so many edits are refused because another one is under way", func(s *storm, a args) { s.aws.Busy(a.count(0)) }},
	}
}

func operatorVerbs() []verb {
	return []verb{
		{"operator moves <member> to <instance>", "by hand; an address that the instance carried is put off it", func(s *storm, a args) {
			s.truth.move(s.memberAddr(a[0]), s.id(a[1]))
		}},
		{"operator takes <member> off its instance", "by hand, the address is on nothing", func(s *storm, a args) { s.truth.move(s.memberAddr(a[0]), "") }},
		{"operator sets the TTL of <pool> to <count>", "of all its record sets, in seconds", func(s *storm, a args) { s.setTTL(a[0], int64(a.count(1))) }},
		{"operator sets the weight of <member> to <count>", "in a weighted pool", func(s *storm, a args) { s.setWeight(a[0], int64(a.count(1))) }},
		{"operator takes <member> out of DNS", "unless it is the last address", func(s *storm, a args) {
			addr, pool := s.site.member(a[0])
			s.unpublish(pool, addr.String())
		}},
		{"operator publishes <member>", "in DNS, if it is not", func(s *storm, a args) {
			addr, pool := s.site.member(a[0])
			s.publish(pool, addr)
		}},
		{"operator publishes the spare address in <pool> on <instance>", "a new member; the instance takes it if it is free", func(s *storm, a args) {
			s.addMember(s.poolNamed(a[0]), a[1])
		}},
		{"operator releases the brake", "if it is latched", func(s *storm, _ args) { s.releaseBrake() }},
		{"operator pauses <pool> for <duration>", "no automatic action in the pool for so long", func(s *storm, a args) {
			s.pause(failover.Pause{Pool: a[0]}, a.duration(1))
		}},
		{"operator pauses <member> for <duration>", "none for the member", func(s *storm, a args) {
			addr, pool := s.site.member(a[0])
			s.pause(failover.Pause{Pool: pool.name, Member: addr}, a.duration(1))
		}},
		{"operator pauses everything for <duration>", "none in any pool", func(s *storm, a args) { s.pause(failover.Pause{}, a.duration(0)) }},
		{"operator ends the pause of <pool>", "before its time", func(s *storm, a args) { s.resume(failover.Pause{Pool: a[0]}) }},
		{"operator ends the pause of <member>", "before its time", func(s *storm, a args) {
			addr, pool := s.site.member(a[0])
			s.resume(failover.Pause{Pool: pool.name, Member: addr})
		}},
		{"operator ends the pause of everything", "before its time", func(s *storm, _ args) { s.resume(failover.Pause{}) }},
		{"operator overrides <guard> for <member>", "in the member's open incident, if the guard holds it: break-glass", func(s *storm, a args) {
			s.override(a[1], a.guard(0))
		}},
		{"operator approves what is proposed for <member>", "in the mode propose; if anything is", func(s *storm, a args) { s.approve(a[0]) }},
	}
}

func selfVerbs() []verb {
	return []verb{
		{"rrwatch is stopped for <duration>", "in order, and started again", func(s *storm, a args) { s.restart(a.duration(0)) }},
		{"rrwatch is killed for <duration>", "as by a power cut, and started again from its database", func(s *storm, a args) { s.crash(a.duration(0)) }},
		{"rrwatch is killed for <duration> <where> its next change", "a call that changes AWS; before: it does not reach AWS; after: its " +
			"answer does not reach rrwatch; answered: a moment after the answer", func(s *storm, a args) {
			s.setTrap(trap{where: a[1], n: 1, changes: true, away: a.duration(0)})
		}},
		{"rrwatch is killed for <duration> <where> touch <count>", "of the world, counted from now: calls of AWS and Slack, writings of the " +
			"journal; before or after it", func(s *storm, a args) {
			s.setTrap(trap{where: a[1], n: a.count(2), away: a.duration(0)})
		}},
		{"Slack is down", "it answers 503", func(s *storm, _ args) { s.slack.set(true, 0) }},
		{"Slack is back", "after Slack is down", func(s *storm, _ args) { s.slack.set(false, 0) }},
		{"Slack loses <count> answer|answers", "what was said is seen, and rrwatch does not know", func(s *storm, a args) { s.slack.set(false, a.count(0)) }},
		{"the disk is full", "nothing can be written to the database", func(s *storm, _ args) { s.diskFull(true) }},
		{"the disk has room again", "after it was full", func(s *storm, _ args) { s.diskFull(false) }},
	}
}

// breakThese brings a fault upon instances: all, or a list of names.
func (s *storm) breakThese(names string, f simulator.Fault) {
	for _, i := range s.site.instances {
		if names == "all" || slices.Contains(strings.Split(names, ", "), i.Name) {
			s.breakOne(i, f)
		}
	}
}

// inZone lists the instances of a zone.
func (s *storm) inZone(zone string) string {
	var names []string
	for _, i := range s.site.instances {
		if strings.HasSuffix(i.Zone, zone) {
			names = append(names, i.Name)
		}
	}
	return strings.Join(names, ", ")
}

func (s *storm) breakOne(i simulator.Instance, f simulator.Fault) {
	if s.truth.terminated(i.ID) {
		return
	}
	s.fault(i.ID, f)
	s.truth.fault(i.ID, f)
}

func (s *storm) terminate(name string) {
	s.aws.SetInstanceState(s.id(name), "terminated")
	s.truth.look()
}

func (s *storm) breakReferences(n int) {
	for k, at := range s.cfg.References {
		f := simulator.FaultNone
		if k < n {
			f = simulator.FaultKill
		}
		s.network.BreakReference(at, f)
	}
	s.truth.blind(2*n > len(s.cfg.References))
}

func (s *storm) cutOff(cut bool) {
	s.network.CutOff(cut)
	s.truth.blind(cut)
}

func (s *storm) cutZone(zone string, cut bool) {
	s.network.CutOffZone("eu-central-1"+zone, cut)
	for name := range strings.SplitSeq(s.inZone(zone), ", ") {
		s.truth.hide(s.id(name), cut)
	}
}

func (s *storm) connect() {
	s.cutOff(false)
	for _, z := range s.site.zones {
		s.cutZone(z, false)
	}
}

// setLatency has calls take longer, and with them all that rrwatch does.
func (s *storm) setLatency(d time.Duration) {
	s.aws.SetLatency(d)
	s.slow = max(s.slow, d)
}

// setLag has describes lag. What they tell late is late for rrwatch.
func (s *storm) setLag(d time.Duration) {
	s.aws.SetLag(d)
	s.lag = max(s.lag, d)
}
