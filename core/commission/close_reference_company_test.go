package commission_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
)

// The reference computes a period the slow way, from the model alone: people are structs, trees are walked by recursion,
// every sale goes up by itself, and all figures are exact rationals. It shares no code with the engine but the document
// that both read a plan from.

// refPerson is one member of a small random company. Numbers of people are indices; -1 is nobody.
type refPerson struct {
	status            string
	sponsor, enroller int
	enrolledDay       int // day of the month in which the period begins, may be below zero
	country           int
	title, paidAs     int
	missed, met       int
	autoship          bool
	position, leg     int // parent in the placement tree and which child; -1: a top
}

// refSale is one line of a counted order. Volumes are millionths, net is cents.
type refSale struct {
	seller, buyer, customer, order int
	class, country                 int
	first                          bool
	day                            int
	quantity, net, cv, qv          int64
}

// refRow is one row of a rate table: rates are tenths of a percent, amounts cents.
type refRow struct {
	levels []int64
	rate   int64
	amount int64
	shares int64
}

// refComponent is one component. rows is by class, then rank; class "" is every class.
type refComponent struct {
	id, kind, tree, base    string
	share                   int64 // percent
	compression, levelsFrom string
	includeSelf             bool
	requires                *refCondition
	rows                    map[string][]refRow
	terms                   map[string]any // of the document
	of                      []int          // matching: indices of the components matched
}

// refPlan is a random plan.
type refPlan struct {
	ranks            int
	rules            []*refCondition // by rank; nil: no rule
	active           *refCondition
	own, customers   bool
	grace, requalify int
	demotion         string
	rounding         string
	cvCents          int64
	components       []refComponent
	placement        bool
}

// refCompany is everything the reference knows.
type refCompany struct {
	plan   refPlan
	people []refPerson
	sales  []refSale
	days   int

	rank, reached []int
	known         map[refFigure]*big.Rat
}

// refFigure names a sum that is asked for often.
type refFigure struct {
	name   string
	person int
}

// once gives a copy of a figure that is computed once.
func (c *refCompany) once(name string, p int, compute func() *big.Rat) *big.Rat {
	if c.known == nil {
		c.known = map[refFigure]*big.Rat{}
	}
	key := refFigure{name, p}
	if c.known[key] == nil {
		c.known[key] = compute()
	}
	return new(big.Rat).Set(c.known[key])
}

var refClasses = []string{"tea", "kit"}

func refRank(i int) string { return fmt.Sprintf("rank%d", i) }

func refID(i int) string { return fmt.Sprintf("P%02d", i) }

func rat(v int64) *big.Rat { return new(big.Rat).SetInt64(v) }

func ratio(a, b int64) *big.Rat { return big.NewRat(a, b) }

func (c *refCompany) children(tree string, p int) []int {
	var out []int
	for q := range c.people {
		if c.parent(tree, q) == p {
			out = append(out, q)
		}
	}
	return out
}

func (c *refCompany) parent(tree string, p int) int {
	switch tree {
	case "enroller":
		return c.people[p].enroller
	case "placement":
		return c.people[p].position
	default:
		return c.people[p].sponsor
	}
}

// pv is a person's own volume: what the person bought and what the person's customers bought.
func (c *refCompany) pv(p int) *big.Rat {
	return c.once("pv", p, func() *big.Rat { return c.sumPV(p) })
}

func (c *refCompany) sumPV(p int) *big.Rat {
	sum := rat(0)
	for _, s := range c.sales {
		if s.seller == p && (s.buyer == p && c.plan.own || s.buyer < 0 && c.plan.customers) {
			sum.Add(sum, ratio(s.qv, 1e6))
		}
	}
	return sum
}

func (c *refCompany) cv(p int) *big.Rat {
	return c.once("cv", p, func() *big.Rat { return c.sumCV(p) })
}

func (c *refCompany) sumCV(p int) *big.Rat {
	sum := rat(0)
	for _, s := range c.sales {
		if s.seller == p {
			sum.Add(sum, ratio(s.cv, 1e6))
		}
	}
	return sum
}

func (c *refCompany) gv(p int) *big.Rat {
	return c.once("gv", p, func() *big.Rat {
		sum := c.pv(p)
		for _, q := range c.children("sponsor", p) {
			sum.Add(sum, c.gv(q))
		}
		return sum
	})
}

// pgv leaves out every subtree that is headed by somebody of the rank or higher.
func (c *refCompany) pgv(p, rank int) *big.Rat {
	sum := c.pv(p)
	for _, q := range c.children("sponsor", p) {
		if c.rank[q] < rank {
			sum.Add(sum, c.pgv(q, rank))
		}
	}
	return sum
}

func (c *refCompany) mayEarnStatus(p int) bool { return c.people[p].status == "active" }

func (c *refCompany) active(p int) bool {
	if !c.mayEarnStatus(p) {
		return false
	}
	return c.plan.active == nil || c.plan.active.holds(c, p)
}

// highest is the highest rank at or below a person.
func (c *refCompany) highest(p int) int {
	best := c.rank[p]
	for _, q := range c.children("sponsor", p) {
		best = max(best, c.highest(q))
	}
	return best
}

// qualify ranks everybody, those below first.
func (c *refCompany) qualify() {
	c.rank, c.reached = make([]int, len(c.people)), make([]int, len(c.people))
	done := make([]bool, len(c.people))
	var visit func(p int)
	visit = func(p int) {
		for _, q := range c.children("sponsor", p) {
			visit(q)
		}
		if !done[p] {
			done[p] = true
			c.reached[p], c.rank[p] = c.rankOf(p)
		}
	}
	for p := range c.people {
		if c.people[p].sponsor < 0 {
			visit(p)
		}
	}
}

// rankOf is the highest rank whose requirement is met, and the rank paid as after grace, requalification and demotion.
func (c *refCompany) rankOf(p int) (reached, paid int) {
	for r := c.plan.ranks - 1; r > 0 && reached == 0; r-- {
		if rule := c.plan.rules[r]; rule != nil && rule.holds(c, p) {
			reached = r
		}
	}
	was := &c.people[p]
	switch {
	case reached > was.paidAs && reached <= was.title && was.met+1 < c.plan.requalify:
		return reached, was.paidAs
	case reached >= was.paidAs:
		return reached, reached
	case c.plan.demotion == "never" || was.missed < c.plan.grace:
		return reached, was.paidAs
	case c.plan.demotion == "one_step":
		return reached, max(reached, was.paidAs-1)
	default:
		return reached, reached
	}
}

// refCondition is a random condition with its text in the document.
type refCondition struct {
	text  string
	holds func(c *refCompany, p int) bool
}

func refCompare(op string, a, b *big.Rat) bool {
	by := a.Cmp(b)
	switch op {
	case ">=":
		return by >= 0
	case ">":
		return by > 0
	case "<=":
		return by <= 0
	case "<":
		return by < 0
	default:
		return by == 0
	}
}

// randomCondition draws a condition; below is the rank whose requirement it is part of, 0 for an activity condition.
func randomCondition(r *rand.Rand, below, depth int) *refCondition {
	if depth < 2 && r.IntN(4) == 0 {
		return randomJunction(r, below, depth)
	}
	op := pick(r, ">=", ">=", ">=", ">", "<", "<=")
	number := int64(r.IntN(120))
	measured := func(name string, figure func(c *refCompany, p int) *big.Rat) *refCondition {
		return &refCondition{fmt.Sprintf(`{"%s":"%s %d"}`, name, op, number), func(c *refCompany, p int) bool {
			return refCompare(op, figure(c, p), rat(number))
		}}
	}
	few := func(name string, figure func(c *refCompany, p int) *big.Rat) *refCondition {
		number = int64(r.IntN(4))
		return measured(name, figure)
	}
	kinds := 4
	if below > 0 {
		kinds = 11
	}
	switch r.IntN(kinds) {
	case 0:
		return measured("pv", func(c *refCompany, p int) *big.Rat { return c.pv(p) })
	case 1:
		return measured("cv", func(c *refCompany, p int) *big.Rat { return c.cv(p) })
	case 2:
		return few("orders", func(c *refCompany, p int) *big.Rat { return rat(c.count(p, true)) })
	case 3:
		return few("customers", func(c *refCompany, p int) *big.Rat { return rat(c.count(p, false)) })
	case 4:
		return measured("gv", func(c *refCompany, p int) *big.Rat { return c.gv(p) })
	case 5:
		return legShareCondition(">=", number, int64(20+r.IntN(80)))
	case 6:
		return few("active_legs", func(c *refCompany, p int) *big.Rat { return rat(c.activeLegs(p)) })
	case 7:
		return legCondition(r, op, number)
	case 8:
		return legsOfRank(r, below)
	case 9:
		return legsOfVolume(r, number)
	default:
		return pgvCondition(r, op, number, below)
	}
}

func randomJunction(r *rand.Rand, below, depth int) *refCondition {
	a, b := randomCondition(r, below, depth+1), randomCondition(r, below, depth+1)
	switch r.IntN(3) {
	case 0:
		return &refCondition{fmt.Sprintf(`{"all":[%s,%s]}`, a.text, b.text), func(c *refCompany, p int) bool { return a.holds(c, p) && b.holds(c, p) }}
	case 1:
		return &refCondition{fmt.Sprintf(`{"any":[%s,%s]}`, a.text, b.text), func(c *refCompany, p int) bool { return a.holds(c, p) || b.holds(c, p) }}
	default:
		return &refCondition{fmt.Sprintf(`{"not":%s}`, a.text), func(c *refCompany, p int) bool { return !a.holds(c, p) }}
	}
}

// count is counted orders credited to a person, or customers who have one.
func (c *refCompany) count(p int, orders bool) int64 {
	seen := map[int]bool{}
	for _, s := range c.sales {
		switch {
		case s.seller != p:
		case orders:
			seen[s.order] = true
		case s.customer >= 0:
			seen[s.customer] = true
		}
	}
	return int64(len(seen))
}

func (c *refCompany) activeLegs(p int) int64 {
	legs := int64(0)
	for _, q := range c.children("sponsor", p) {
		if c.active(q) {
			legs++
		}
	}
	return legs
}

// legShareCondition compares what counts when each leg, and the own volume as one more, may give only a share.
func legShareCondition(op string, number, share int64) *refCondition {
	text := fmt.Sprintf(`{"gv":"%s %d","max_leg_share":"%d%%"}`, op, number, share)
	return &refCondition{text, func(c *refCompany, p int) bool {
		most := new(big.Rat).Mul(rat(number), ratio(share, 100))
		sum := smaller(c.pv(p), most)
		for _, q := range c.children("sponsor", p) {
			sum = new(big.Rat).Add(sum, smaller(c.gv(q), most))
		}
		return refCompare(op, sum, rat(number))
	}}
}

func smaller(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

// legCondition compares the n-th strongest leg; a leg that is not there has no volume.
func legCondition(r *rand.Rand, op string, number int64) *refCondition {
	n := 1 + r.IntN(3)
	text := fmt.Sprintf(`{"leg":{"n":%d,"volume":"%s %d"}}`, n, op, number)
	return &refCondition{text, func(c *refCompany, p int) bool {
		var legs []*big.Rat
		for _, q := range c.children("sponsor", p) {
			legs = append(legs, c.gv(q))
		}
		for i := range legs {
			for j := i + 1; j < len(legs); j++ {
				if legs[j].Cmp(legs[i]) > 0 {
					legs[i], legs[j] = legs[j], legs[i]
				}
			}
		}
		figure := rat(0)
		if n <= len(legs) {
			figure = legs[n-1]
		}
		return refCompare(op, figure, rat(number))
	}}
}

func legsOfRank(r *rand.Rand, below int) *refCondition {
	rank, count, depth := 1+r.IntN(below), int64(1+r.IntN(2)), pick(r, "anywhere", "frontline")
	text := fmt.Sprintf(`{"legs":{"rank":"%s","count":">= %d","depth":%q}}`, refRank(rank), count, depth)
	return &refCondition{text, func(c *refCompany, p int) bool {
		legs := int64(0)
		for _, q := range c.children("sponsor", p) {
			if depth == "frontline" && c.rank[q] >= rank || depth == "anywhere" && c.highest(q) >= rank {
				legs++
			}
		}
		return legs >= count
	}}
}

func legsOfVolume(r *rand.Rand, number int64) *refCondition {
	count := int64(1 + r.IntN(3))
	text := fmt.Sprintf(`{"legs":{"volume":">= %d","count":">= %d"}}`, number, count)
	return &refCondition{text, func(c *refCompany, p int) bool {
		legs := int64(0)
		for _, q := range c.children("sponsor", p) {
			if c.gv(q).Cmp(rat(number)) >= 0 {
				legs++
			}
		}
		return legs >= count
	}}
}

func pgvCondition(r *rand.Rand, op string, number int64, below int) *refCondition {
	rank := 1 + r.IntN(below)
	text := fmt.Sprintf(`{"pgv":"%s %d","without":"%s"}`, op, number, refRank(rank))
	return &refCondition{text, func(c *refCompany, p int) bool { return refCompare(op, c.pgv(p, rank), rat(number)) }}
}

// round is the plan's rounding of cents.
func (p *refPlan) round(v *big.Rat) int64 {
	doubled := new(big.Int).Mul(v.Num(), big.NewInt(2))
	floor := new(big.Int).Div(v.Num(), v.Denom()) // Euclidean; v is never negative here.
	rest := new(big.Int).Sub(doubled, new(big.Int).Mul(floor, new(big.Int).Mul(v.Denom(), big.NewInt(2))))
	half := rest.Cmp(v.Denom())
	up := false
	switch p.rounding {
	case "up", "ceiling":
		up = rest.Sign() > 0
	case "half_up":
		up = half >= 0
	case "half_down":
		up = half > 0
	case "half_even":
		up = half > 0 || half == 0 && floor.Bit(0) == 1
	}
	if up {
		floor.Add(floor, big.NewInt(1))
	}
	return floor.Int64()
}

// list writes texts as a JSON list.
func list(texts []string) string { return "[" + strings.Join(texts, ",") + "]" }
