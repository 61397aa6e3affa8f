package main

import (
	"fmt"
	"net/netip"

	"rrwatch/simulator"
)

func zoneName(n int) string { return fmt.Sprintf("zone-%02d", n) }

// fillZone adds members to the demo's account, so that there are 100 (Route 53
// takes no more weighted sets of one name), 50 of them in a zone of their own;
// and three more standbys elsewhere.
func fillZone(a *simulator.AWS) {
	for n := 20; n < 120; n++ {
		i := simulator.Instance{
			ID: fmt.Sprintf("i-0a1b2c%02x", n), Name: zoneName(n), Zone: "eu-central-1a",
			Private: netip.AddrFrom4([4]byte{127, 10, 2, byte(n)}), Tags: map[string]string{"rrwatch": "www"},
		}
		if n < 70 {
			i.Zone = "eu-central-1c"
		}
		a.AddInstance(i)
		if n >= 117 {
			continue // a standby
		}
		ip := netip.AddrFrom4([4]byte{127, 113, 1, byte(n)})
		a.AddAddress(simulator.Address{IP: ip, Allocation: fmt.Sprintf("eipalloc-0zone%02x", n), Instance: i.ID})
		a.SetRecord("Z0DEMO0EXAMPLE0COM00", simulator.RecordSet{
			Name: "www.example.com", Type: "A", TTL: 10, SetIdentifier: zoneName(n), Weight: new(int64(10 + n%7)), Values: []string{ip.String()},
		})
	}
}

// published is how many sets of the name can answer.
func (b *bubble) published() int {
	n := 0
	for _, set := range b.aws.Records("www.example.com", "A") {
		if *set.Weight > 0 {
			n++
		}
	}
	return n
}
