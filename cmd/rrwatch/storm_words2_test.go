package main

// nameVerbs are what can happen to those who answer for names.
func nameVerbs() []verb {
	return []verb{
		{"the name servers fall silent", "rrwatch's resolver and those of the zone; users have other ones", func(s *storm, _ args) {
			s.network.MuteDNS(true)
		}},
		{"the name servers answer again", "after they fell silent", func(s *storm, _ args) { s.network.MuteDNS(false) }},
	}
}
