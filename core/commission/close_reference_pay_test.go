package commission_test

import "math/big"

// refBooks is what a period should pay, exactly, in cents: by component, then person. lost is the same for what nobody
// gets.
type refBooks struct {
	paid, lost []map[int]*big.Rat
	minor      []map[int]int64 // rounded
}

func (b *refBooks) pay(component, person int, amount *big.Rat) {
	refAdd(b.paid[component], person, amount)
}

func (b *refBooks) lose(component, person int, amount *big.Rat) {
	refAdd(b.lost[component], person, amount)
}

func refAdd(sums map[int]*big.Rat, person int, amount *big.Rat) {
	if sums[person] == nil {
		sums[person] = rat(0)
	}
	sums[person].Add(sums[person], amount)
}

// settle computes everything in the order of the plan.
func (c *refCompany) settle() *refBooks {
	c.qualify()
	b := &refBooks{}
	for i := range c.plan.components {
		b.paid, b.lost = append(b.paid, map[int]*big.Rat{}), append(b.lost, map[int]*big.Rat{})
		c.settleComponent(b, i)
		minor := map[int]int64{}
		for person, exact := range b.paid[i] {
			minor[person] = c.plan.round(exact)
		}
		b.minor = append(b.minor, minor)
	}
	return b
}

func (c *refCompany) settleComponent(b *refBooks, i int) {
	k := &c.plan.components[i]
	switch k.kind {
	case "matching":
		c.matching(b, i)
	case "pool":
		c.pool(b, i)
	case "binary":
		c.binary(b, i)
	case "bands":
		c.bands(b, i)
	case "customer_acquisition":
		c.acquisition(b, i)
	default:
		for s := range c.sales {
			if c.sales[s].seller >= 0 && !c.excluded(i, &c.sales[s]) {
				c.settleSale(b, i, &c.sales[s])
			}
		}
	}
}

func (c *refCompany) settleSale(b *refBooks, i int, s *refSale) {
	switch c.plan.components[i].kind {
	case "retail":
		c.retail(b, i, s)
	case "unilevel":
		c.unilevel(b, i, s)
	case "fast_start":
		c.fastStart(b, i, s)
	case "generation":
		c.generation(b, i, s)
	case "differential":
		c.differential(b, i, s)
	case "infinity":
		c.infinity(b, i, s)
	case "x_up":
		c.xUp(b, i, s)
	case "first_order":
		if s.first {
			c.retail(b, i, s)
		}
	case "fixed":
		c.fixed(b, i, s)
	}
}

// base is what a component pays on, in cents: net, or the value of CV, and of it the share that counts.
func (c *refCompany) base(k *refComponent, s *refSale) *big.Rat {
	out := rat(s.net)
	if k.base == "cv" {
		out = new(big.Rat).Mul(ratio(s.cv, 1e6), rat(c.plan.cvCents))
	}
	return out.Mul(out, ratio(k.share, 100))
}

func times(base *big.Rat, tenths int64) *big.Rat { return new(big.Rat).Mul(base, ratio(tenths, 1000)) }

// mayEarn is whether somebody earns by a period component at all.
func (c *refCompany) mayEarn(k *refComponent, p int) bool {
	if !c.mayEarnStatus(p) {
		return false
	}
	if k.requires != nil {
		return k.requires.holds(c, p)
	}
	return c.active(p)
}

// rows is the rate table of a class; nil where the component pays nothing on it.
func (k *refComponent) table(class int) []refRow {
	if rows, ok := k.rows[refClasses[class]]; ok {
		return rows
	}
	return k.rows[""]
}

// level is the rate of a level for a rank; 0 where it is not open.
func level(rows []refRow, rank, level int) int64 {
	if level > len(rows[rank].levels) {
		return 0
	}
	return rows[rank].levels[level-1]
}

// opener is the lowest rank that opens a level, or -1.
func opener(rows []refRow, n int) int {
	for rank := range rows {
		if level(rows, rank, n) > 0 {
			return rank
		}
	}
	return -1
}

func deepest(rows []refRow) int {
	depth := 0
	for _, row := range rows {
		depth = max(depth, len(row.levels))
	}
	return depth
}

func (c *refCompany) retail(b *refBooks, i int, s *refSale) {
	k := &c.plan.components[i]
	rows := k.table(s.class)
	if rows == nil || s.buyer == s.seller && k.kind == "retail" {
		return
	}
	amount := times(c.base(k, s), rows[c.rank[s.seller]].rate)
	c.give(b, i, s.seller, amount, c.mayEarn(k, s.seller))
}

func (c *refCompany) fixed(b *refBooks, i int, s *refSale) {
	k := &c.plan.components[i]
	rows := k.table(s.class)
	if rows == nil || s.buyer == s.seller {
		return
	}
	amount := rat(rows[c.rank[s.seller]].amount * s.quantity)
	c.give(b, i, s.seller, amount, c.mayEarn(k, s.seller))
}

// start is the first person asked for level 1 of a sale.
func (c *refCompany) start(k *refComponent, s *refSale) int {
	own := s.buyer == s.seller
	if own && k.includeSelf || !own && k.levelsFrom == "buyer" {
		return s.seller
	}
	return c.parent(k.tree, s.seller)
}

func (c *refCompany) unilevel(b *refBooks, i int, s *refSale) {
	k := &c.plan.components[i]
	rows := k.table(s.class)
	if rows == nil {
		return
	}
	base, n := c.base(k, s), 1
	for p := c.start(k, s); p >= 0 && n <= deepest(rows); p = c.parent(k.tree, p) {
		opens, may := opener(rows, n), c.mayHaveLevel(k, s, rows, p, n)
		switch {
		case !may && k.compression != "none":
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

func (c *refCompany) mayHaveLevel(k *refComponent, s *refSale, rows []refRow, p, n int) bool {
	opens := opener(rows, n)
	switch {
	case !c.mayEarn(k, p) || p == s.buyer && !k.includeSelf:
		return false
	case opens < 0:
		return true
	case k.compression == "to_rank" && c.rank[p] < opens || level(rows, c.rank[p], n) == 0:
		return false
	}
	steps, ok := k.terms["depth"].([][2]int)
	if !ok {
		return true
	}
	open := 0
	for _, step := range steps {
		if c.activeLegs(p) >= int64(step[0]) {
			open = step[1]
		}
	}
	return n <= open
}

// matching pays each person's uplines for what the person earned by other components.
func (c *refCompany) matching(b *refBooks, i int) {
	k := &c.plan.components[i]
	rows := k.table(0)
	for earner := range c.people {
		earned := int64(0)
		for _, of := range k.of {
			earned += b.minor[of][earner]
		}
		base := new(big.Rat).Mul(rat(earned), ratio(k.share, 100))
		n := 1
		for p := c.parent(k.tree, earner); p >= 0 && n <= deepest(rows) && earned != 0; p = c.parent(k.tree, p) {
			opens := opener(rows, n)
			may := c.mayEarn(k, p) && (opens < 0 || level(rows, c.rank[p], n) > 0 && (k.compression != "to_rank" || c.rank[p] >= opens))
			switch {
			case !may && k.compression != "none":
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
}
