package failover

import "net/netip"

func carrierLintings() map[string]linting {
	return map[string]linting{
		"health checks": {func(s *scene) {
			s.pool.Members[1].Address = nil
			s.pool.HealthChecks = []HealthCheck{
				{ID: "hc-1", Addr: public(1), Disabled: true}, {ID: "hc-2", Addr: public(2)}, {ID: "hc-3", Addr: public(99)},
				{ID: "hc-4", Err: "access denied"}, {ID: "hc-5"},
			}
		}, []string{
			"health-check-disabled, warning: the Route 53 health check hc-1 is disabled, so that Route 53 takes it for healthy whatever happens",
			"health-check-elsewhere, warning: the Route 53 health check hc-2 asks 203.0.113.2, which is no Elastic IP of this account and Region: it may be a stranger's by now",
			"health-check-elsewhere, warning: the Route 53 health check hc-3 asks 203.0.113.99, which the name does not publish: it may be a stranger's by now",
			"not-elastic, warning: 203.0.113.2 is no Elastic IP of this account and Region: it is watched and never moved",
			"health-check-unread, advice: the Route 53 health check hc-4 could not be read: access denied",
		}},
		"owned by a service": {func(s *scene) { s.pool.Members[0].Address.ServiceManaged = "alb" }, []string{
			"service-managed, warning: 203.0.113.1 (eipalloc-1) is owned by the AWS service alb: it is watched and never moved",
		}},
		"associated with nothing": {func(s *scene) {
			s.pool.Members[0].Address.Association, s.pool.Members[0].Address.Instance = "", ""
		}, []string{"unassociated, warning: 203.0.113.1 (eipalloc-1) is associated with nothing"}},
		"on no instance": {func(s *scene) {
			s.pool.Members[0].Address.Instance, s.pool.Members[0].Address.Interface = "", "eni-9"
			s.pool.Members[1].Address.Instance = "i-99"
		}, []string{
			"no-instance, warning: 203.0.113.1 is on the interface eni-9, which is no instance's",
			"no-instance, warning: 203.0.113.2 is carried by the instance i-99, which EC2 does not show",
		}},
		"outside the selection by tags": {func(s *scene) {
			s.spec.Instances.Tags = map[string]string{"tier": "edge"}
			for n := range s.pool.Instances {
				s.pool.Instances[n].Tags = map[string]string{"tier": "edge"}
			}
			s.pool.Instances[1].Tags = map[string]string{"tier": "app"}
			s.pool.Instances[2].Tags = nil
		}, []string{
			"outside-selection, advice: 203.0.113.2 is carried by lb-2 (i-2), which the pool's instances: does not select: once another one carries the address, that instance is no standby",
		}},
		"outside the selection by ids": {func(s *scene) { s.spec.Instances.IDs = []string{"i-1", "i-2", "i-4", "i-5"} }, []string{
			"outside-selection, advice: 203.0.113.3 is carried by lb-3 (i-3), which the pool's instances: does not select: once another one carries the address, that instance is no standby",
		}},
		"no remedy": {func(s *scene) {
			s.spec.Policy.Remedies = []Remedy{RemedyRemap}
			s.pool.Members[0].Address.ServiceManaged = "nat"
			s.pool.Members[1].Published = false
			s.pool.Members[1].Address = nil
		}, []string{
			"not-elastic, warning: 203.0.113.2 is no Elastic IP of this account and Region: it is watched and never moved",
			"service-managed, warning: 203.0.113.1 (eipalloc-1) is owned by the AWS service nat: it is watched and never moved",
			"no-remedy, warning: 203.0.113.1 can be helped by none of the policy's remedies: it cannot be moved",
		}},
		"an IPv6 address that cannot be asked": {func(s *scene) {
			six := netip.MustParseAddr("2001:db8::1")
			set := RecordSet{Name: "www.example.com", Type: "AAAA", TTL: 10, Values: []string{six.String(), "2001:db8::2"}}
			s.pool.Members = append(s.pool.Members, Member{Addr: six, Published: true, Set: set})
			s.pool.Sets = append(s.pool.Sets, set)
			s.unreachable(six)
		}, []string{"not-asked, warning: 2001:db8::1 is published, and this host has no way to ask an IPv6 address like it: nobody watches it"}},
	}
}

func instanceLintings() map[string]linting {
	return map[string]linting{
		"retirement": {func(s *scene) {
			s.pool.Instances[0].Events = []string{"instance-retirement not before 2026-03-08 12:00 UTC"}
			s.pool.Instances[3].Events = []string{"system-reboot not before 2026-03-08 12:00 UTC"}
		}, []string{
			"scheduled-event, warning: AWS has scheduled for lb-1 (i-1): instance-retirement not before 2026-03-08 12:00 UTC; it carries 203.0.113.1",
			"scheduled-event, warning: AWS has scheduled for lb-4 (i-4): system-reboot not before 2026-03-08 12:00 UTC; it carries no address of the pool",
		}},
		"another border group": {func(s *scene) {
			for n := range s.pool.Instances {
				s.pool.Instances[n].BorderGroup = "eu-central-1"
			}
			s.pool.Members[0].Address.BorderGroup = "eu-central-1-ham-1"
			s.pool.Members[1].Address.BorderGroup = "eu-central-1"
		}, []string{
			"border-group, warning: 203.0.113.1 belongs to the network border group eu-central-1-ham-1, and every standby lies in another one (eu-central-1): none can take it",
		}},
		"a standby that cannot be asked": {func(s *scene) {
			s.spec.Instances.Address = AddressPublic
			s.pool.Instances[3].Public, s.pool.Instances[4].Public, s.pool.Instances[5].Public = private(4), private(5), netip.Addr{}
			s.pool.Instances[3].Zone = "c"
		}, []string{"standby-not-asked, advice: lb-6 (i-6) has no public address to ask it at, so it is no standby"}},
		"no standby": {func(s *scene) { s.pool.Instances = s.pool.Instances[:3] }, []string{
			"no-standby, advice: no instance could take over an address, so that a failed one can only be withdrawn",
		}},
		"no standby and nothing else": {func(s *scene) {
			s.pool.Instances = s.pool.Instances[:3]
			s.spec.Policy.Remedies = []Remedy{RemedyRemap}
		}, []string{"no-standby, warning: no instance could take over an address"}},
		"few standbys": {func(s *scene) { s.pool.Instances = s.pool.Instances[:5] }, []string{
			"few-standbys, advice: the zone a carries 2 addresses, and there are standbys for 1 of them outside it, should it fail",
		}},
		"room on secondary addresses": {func(s *scene) {
			s.pool.Instances = s.pool.Instances[:3]
			s.spec.Instances.Secondary = true
			s.pool.Instances[1].Free = []netip.Addr{private(20), private(21)}
			s.pool.Instances[2].Free = []netip.Addr{private(30)}
		}, nil},
		"one zone": {func(s *scene) { s.pool.Instances[1].Zone = "a" }, []string{
			"one-zone, advice: all addresses are carried in the availability zone a: when it fails, all do",
		}},
		"one member": {func(s *scene) {
			s.pool.Members, s.pool.Sets = s.pool.Members[:1], s.pool.Sets[:1]
		}, []string{"one-member, warning: www.example.com A has only one address, which is never withdrawn"}},
	}
}
