package commission_test

import (
	"math/big"
	"slices"
)

// generation pays the leaders above a sale, the seller included. Whether somebody is a leader may depend on the earner.
func (c *refCompany) generation(b *refBooks, i int, s *refSale) {
	k := &c.plan.components[i]
	boundary, fixed := k.terms["boundary"].(int)
	if fixed {
		c.generationFrom(b, i, s, boundary, -1)
		return
	}
	for rank := range c.plan.ranks {
		c.generationFrom(b, i, s, rank, rank)
	}
}

// generationFrom counts leaders of at least boundary. only is the one rank that is paid; -1 for all.
func (c *refCompany) generationFrom(b *refBooks, i int, s *refSale, boundary, only int) {
	k := &c.plan.components[i]
	rows := k.table(s.class)
	if rows == nil {
		return
	}
	base, n := c.base(k, s), 1
	for p := s.seller; p >= 0 && n <= deepest(rows); p = c.parent(k.tree, p) {
		if c.rank[p] < boundary || k.terms["empty"] == "skips" && c.ownGeneration(k, p, boundary).Sign() == 0 {
			continue
		}
		opens := opener(rows, n)
		may := c.mayEarn(k, p) && (opens < 0 || level(rows, c.rank[p], n) > 0 && (k.compression != "to_rank" || c.rank[p] >= opens))
		counted := only < 0 || c.rank[p] == only
		switch {
		case !may && k.compression != "none":
			continue
		case opens < 0 || !counted:
		case may:
			b.pay(i, p, times(base, level(rows, c.rank[p], n)))
		default:
			b.lose(i, p, times(base, level(rows, opens, n)))
		}
		n++
	}
}

// ownGeneration is the volume of a leader and of everybody below down to the next leaders.
func (c *refCompany) ownGeneration(k *refComponent, leader, boundary int) *big.Rat {
	sum := rat(0)
	for j := range c.sales {
		s := &c.sales[j]
		if s.seller < 0 || c.excluded(c.index(k), s) || k.table(s.class) == nil || deepest(k.table(s.class)) == 0 { // What the component never pays on does not fill a generation.
			continue
		}
		p := s.seller
		for p >= 0 && c.rank[p] < boundary {
			p = c.parent(k.tree, p)
		}
		if p == leader {
			sum.Add(sum, c.base(k, s))
		}
	}
	return sum
}

// differential pays everybody above a sale what their rate is above the highest paid below.
func (c *refCompany) differential(b *refBooks, i int, s *refSale) {
	k := &c.plan.components[i]
	rows := k.table(s.class)
	if rows == nil {
		return
	}
	breakaway, breaks := k.terms["breakaway"].(int)
	overrides, _ := k.terms["overrides"].([]int64)
	base, paid, broken := c.base(k, s), int64(0), 0
	for p := s.seller; p >= 0; p = c.parent(k.tree, p) {
		leads := breaks && c.rank[p] >= breakaway
		own, may := c.bandRate(k, rows, p), c.mayEarn(k, p)
		switch {
		case broken > 0 && leads:
			if broken <= len(overrides) {
				c.give(b, i, p, times(base, overrides[broken-1]), may)
			}
			broken++
		case broken > 0:
		case own > paid && (may || leads):
			c.give(b, i, p, times(base, own-paid), may)
			paid = own
		}
		if leads && broken == 0 {
			broken = 1
		}
	}
}

func (c *refCompany) give(b *refBooks, i, p int, amount *big.Rat, may bool) {
	if may {
		b.pay(i, p, amount)
	} else {
		b.lose(i, p, amount)
	}
}

// bandRate is the rate of the band a person's group volume reaches, or of the rank.
func (c *refCompany) bandRate(k *refComponent, rows []refRow, p int) int64 {
	bands, ok := k.terms["bands"].([][2]int64)
	if !ok {
		return rows[c.rank[p]].rate
	}
	rate := int64(0)
	for _, band := range bands {
		if c.gv(p).Cmp(rat(band[0])) >= 0 {
			rate = band[1]
		}
	}
	return rate
}

// infinity pays those who stand more than so many levels above a sale.
func (c *refCompany) infinity(b *refBooks, i int, s *refSale) {
	k := &c.plan.components[i]
	rows := k.table(s.class)
	if rows == nil {
		return
	}
	below, stop := k.terms["below"].(int), k.terms["stop"].(string)
	base, paid := c.base(k, s), int64(0)
	var between []int
	for p, distance := s.seller, 0; p >= 0; p, distance = c.parent(k.tree, p), distance+1 {
		rate := rows[c.rank[p]].rate
		stopped := stop == "same_rank" && slices.ContainsFunc(between, func(q int) bool { return c.rank[q] >= c.rank[p] })
		between = append(between, p)
		switch {
		case distance <= below || rate <= paid || stopped:
		case !c.mayEarn(k, p):
			if stop == "same_rank" { // With the other stops it goes on to somebody above.
				b.lose(i, p, times(base, rate))
			}
		case stop == "differential":
			b.pay(i, p, times(base, rate-paid))
			paid = rate
		case stop == "blocking":
			b.pay(i, p, times(base, rate))
			return
		default:
			b.pay(i, p, times(base, rate))
		}
	}
}

// xUp pays the owner of the seller.
func (c *refCompany) xUp(b *refBooks, i int, s *refSale) {
	k := &c.plan.components[i]
	rows := k.table(s.class)
	owner := c.owner(k, s.seller)
	if rows == nil || owner < 0 || owner == s.buyer {
		return
	}
	c.give(b, i, owner, times(c.base(k, s), rows[c.rank[owner]].rate), c.mayEarn(k, owner))
}

func (c *refCompany) owner(k *refComponent, p int) int {
	sponsor := c.parent(k.tree, p)
	if sponsor < 0 || c.parent(k.tree, sponsor) < 0 {
		return sponsor
	}
	earlier := 0
	for _, q := range c.children(k.tree, sponsor) {
		a, z := c.people[q].enrolledDay, c.people[p].enrolledDay
		if a < z || a == z && q < p {
			earlier++
		}
	}
	switch {
	case earlier >= k.terms["first"].(int):
		return sponsor
	case k.terms["subtree"].(bool):
		return c.owner(k, sponsor)
	default:
		return c.parent(k.tree, sponsor)
	}
}

// pool shares a part of the company's or a country's volume by shares of rank, whole cents by largest remainder.
func (c *refCompany) pool(b *refBooks, i int) {
	k := &c.plan.components[i]
	countries := []int{-1}
	if k.terms["by_country"].(bool) {
		countries = []int{0, 1}
	}
	for _, country := range countries {
		total := rat(0)
		for j := range c.sales {
			if (country < 0 || c.sales[j].country == country) && !c.excluded(i, &c.sales[j]) {
				total.Add(total, c.base(k, &c.sales[j]))
			}
		}
		pot := c.plan.round(times(total, k.terms["share"].(int64)))
		weights, whole := make([]int64, len(c.people)), int64(0)
		for p := range c.people {
			if c.mayEarn(k, p) && (country < 0 || c.people[p].country == country) {
				weights[p] = k.rows[""][c.rank[p]].shares
				whole += weights[p]
			}
		}
		for p, part := range largestRemainder(pot, weights, whole) {
			if part > 0 {
				b.pay(i, p, rat(part))
			}
		}
	}
}

func largestRemainder(pot int64, weights []int64, whole int64) []int64 {
	out := make([]int64, len(weights))
	if whole == 0 {
		return out
	}
	left := pot
	for p, w := range weights {
		out[p] = pot * w / whole
		left -= out[p]
	}
	for ; left > 0; left-- {
		best := -1
		for p, w := range weights {
			if w > 0 && out[p] == pot*w/whole && (best < 0 || pot*w%whole > pot*weights[best]%whole) {
				best = p
			}
		}
		out[best]++
	}
	return out
}

// bands pays an amount for the highest band reached, or for each.
func (c *refCompany) bands(b *refBooks, i int) {
	k := &c.plan.components[i]
	for p := range c.people {
		figure := c.pv(p)
		switch k.terms["of"] {
		case "gv":
			figure = c.gv(p)
		case "cv":
			figure = c.cv(p)
		}
		amount := int64(0)
		for _, band := range k.terms["bands"].([][2]int64) {
			switch {
			case figure.Cmp(rat(band[0])) < 0 || figure.Sign() <= 0:
			case k.terms["pay"] == "each":
				amount += band[1]
			default:
				amount = band[1]
			}
		}
		if amount > 0 {
			c.give(b, i, p, rat(amount), c.mayEarn(k, p))
		}
	}
}

// binary pays the legs of the placement tree; nothing is carried into the random month.
func (c *refCompany) binary(b *refBooks, i int) {
	k := &c.plan.components[i]
	for p := range c.people {
		legs := [2]*big.Rat{rat(0), rat(0)}
		for q := range c.people {
			if c.people[q].position == p {
				legs[c.people[q].leg] = c.placed(k, q)
			}
		}
		weak := smaller(legs[0], legs[1])
		amount := new(big.Rat).Mul(new(big.Rat).Mul(weak, rat(c.plan.cvCents)), ratio(k.share, 100))
		amount = times(amount, k.rows[""][c.rank[p]].rate)
		if c.mayEarn(k, p) {
			b.pay(i, p, amount)
		} else if k.terms["inactive"] == "flush" {
			b.lose(i, p, amount)
		}
	}
}

// placed is the CV of a person and everybody placed below.
func (c *refCompany) placed(k *refComponent, p int) *big.Rat {
	sum := rat(0)
	for j := range c.sales {
		if s := &c.sales[j]; s.seller == p && !c.excluded(c.index(k), s) {
			sum.Add(sum, ratio(s.cv, 1e6))
		}
	}
	for _, q := range c.children("placement", p) {
		sum.Add(sum, c.placed(k, q))
	}
	return sum
}

func (c *refCompany) index(k *refComponent) int {
	return slices.IndexFunc(c.plan.components, func(other refComponent) bool { return other.id == k.id })
}

// newMember is the distributor in the first days whose sale it is: the buyer before the seller; -1 for none.
func (c *refCompany) newMember(k *refComponent, s *refSale) int {
	for _, p := range []int{s.buyer, s.seller} {
		if p >= 0 && s.day >= c.people[p].enrolledDay && s.day < c.people[p].enrolledDay+k.terms["days"].(int) {
			return p
		}
	}
	return -1
}

// excluded tells whether a fast start keeps a sale from another component.
func (c *refCompany) excluded(i int, s *refSale) bool {
	for j := range c.plan.components {
		k := &c.plan.components[j]
		if k.kind != "fast_start" || j == i || s.seller < 0 || k.table(s.class) == nil || deepest(k.table(s.class)) == 0 {
			continue
		}
		for _, of := range k.of {
			if of == i && c.newMember(k, s) >= 0 {
				return true
			}
		}
	}
	return false
}

func (c *refCompany) fastStart(b *refBooks, i int, s *refSale) {
	k := &c.plan.components[i]
	rows, member := k.table(s.class), c.newMember(k, s)
	if rows == nil || member < 0 {
		return
	}
	base, n := c.base(k, s), 1
	for p := c.parent(k.tree, member); p >= 0 && n <= deepest(rows); p = c.parent(k.tree, p) {
		opens := opener(rows, n)
		may := c.mayEarn(k, p) && p != s.buyer && (opens < 0 || level(rows, c.rank[p], n) > 0)
		switch {
		case !may && k.terms["roll_up"].(bool):
			continue
		case opens < 0:
		case may:
			b.pay(i, p, times(base, level(rows, c.rank[p], n)))
		default:
			b.lose(i, p, times(base, level(rows, opens, n)))
		}
		n++
	}
}

// acquisition pays an amount for each customer whose first order has enough CV.
func (c *refCompany) acquisition(b *refBooks, i int) {
	k := &c.plan.components[i]
	for p := range c.people {
		won := int64(0)
		for customer := range 1000 {
			cv, has := int64(0), false
			for _, s := range c.sales {
				if s.seller == p && s.customer == customer && s.first {
					cv, has = cv+s.cv, true
				}
			}
			if has && cv >= k.terms["min_cv"].(int64)*1_000_000 && cv > 0 {
				won++
			}
		}
		if won > 0 {
			c.give(b, i, p, rat(won*k.rows[""][c.rank[p]].amount), c.mayEarn(k, p))
		}
	}
}
