package simulator

import "time"

// maxMultiValues is how many multivalue answers one response carries at most (Route 53 developer guide, "Multivalue
// answer routing").
const maxMultiValues = 8

// pick returns the record sets of a name and type that one response answers with.
func (d *DNS) pick(name, typ string) []RecordSet {
	if typ == "" {
		return nil
	}
	sets := d.aws.Records(name, typ)
	d.aws.dice.shuffle(len(sets), func(i, j int) { sets[i], sets[j] = sets[j], sets[i] })
	if len(sets) == 0 || sets[0].SetIdentifier == "" {
		return sets[:min(1, len(sets))]
	}
	switch {
	case sets[0].MultiValue:
		sets = d.aws.orAll(sets)
		return sets[:min(maxMultiValues, len(sets))]
	case sets[0].Failover != "":
		return d.primary(sets)
	}
	return d.weighted(sets)
}

// primary returns the primary set of a failover pair, or the secondary one when that is healthy and the primary is not, or
// when there is no primary.
func (d *DNS) primary(sets []RecordSet) []RecordSet {
	healthy := d.aws.orAll(sets)
	for _, r := range healthy {
		if r.Failover == "PRIMARY" {
			return []RecordSet{r}
		}
	}
	return healthy[:1]
}

// weighted returns one of sets in proportion to their weights; when all are 0, any. Sets of weight 0 count when no other is
// healthy; when nothing is healthy, everything counts as healthy (Route 53 developer guide, "How Route 53 chooses records
// when health checking is configured"). sets are shuffled and not empty.
func (d *DNS) weighted(sets []RecordSet) []RecordSet {
	var some, none []RecordSet
	for _, r := range sets {
		if r.Weight != nil && *r.Weight > 0 {
			some = append(some, r)
		} else {
			none = append(none, r)
		}
	}
	healthy := d.aws.onlyHealthy(some)
	if len(healthy) == 0 {
		if rest := d.aws.onlyHealthy(none); len(rest) > 0 {
			return rest[:1]
		}
		if healthy = some; len(some) == 0 {
			return none[:1]
		}
	}
	var sum int64
	for _, r := range healthy {
		sum += *r.Weight
	}
	drawn := d.aws.dice.below(sum)
	for i, r := range healthy {
		if drawn -= *r.Weight; drawn < 0 {
			return healthy[i : i+1]
		}
	}
	return healthy[:1]
}

// orAll returns the healthy ones of sets, or all when none is.
func (a *AWS) orAll(sets []RecordSet) []RecordSet {
	if healthy := a.onlyHealthy(sets); len(healthy) > 0 {
		return healthy
	}
	return sets
}

// onlyHealthy returns the healthy ones of sets, in their order.
func (a *AWS) onlyHealthy(sets []RecordSet) []RecordSet {
	a.mu.Lock()
	defer a.mu.Unlock()
	var healthy []RecordSet
	for _, r := range sets {
		if a.healthy(r, time.Now(), maxAliases) {
			healthy = append(healthy, r)
		}
	}
	return healthy
}
