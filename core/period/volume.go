package period

import (
	"fmt"
	"math/bits"
	"slices"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// Whose volume a sale is: the seller's, who is credited with it. It is an own order where the seller is the buyer; every
// other order is a customer's order, that of a distributor whom the seller served as well. Sales of nobody's count for
// nobody.

// volumes are everybody's own figures.
type volumes struct {
	pv, cv            []int64
	orders, customers []int32 // nil where nobody asks for them
}

// gathering is one pass over the sales.
type gathering struct {
	world            *World
	own, byCustomers bool // what counts for PV
	orders           bool // whether they are counted
	customers        bool
}

// tally is what one worker adds up: sums, the sizes of all that was added, and who had which orders and customers.
type tally struct {
	pv, cv            []int64
	qvSize, cvSize    uint64
	orders, customers []pair
	fetched           int64
}

// pair is a seller with the number of an order or of a customer.
type pair struct{ seller, number int32 }

// gather adds up everybody's own sales. Each worker takes a run of blocks into columns of its own, which are added at
// the end: all are sums of int64 that are known to fit, so that neither workers nor blocks show.
func (g *gathering) gather(parallel Parallel) (*volumes, error) {
	workers := g.workers()
	tallies := make([]tally, workers)
	blocks := g.world.Sales.Blocks()
	err := parallel(workers, func(worker int) error {
		t := &tallies[worker]
		t.pv, t.cv = make([]int64, g.world.People.Count), make([]int64, g.world.People.Count)
		buf := make([]Sale, 0, BlockSales)
		for i := blocks * worker / workers; i < blocks*(worker+1)/workers; i++ {
			sales, err := g.world.Sales.Block(i, buf)
			if err != nil {
				return fmt.Errorf("block %d of the sales: %w", i, err)
			}
			if err := g.add(t, sales); err != nil {
				return fmt.Errorf("block %d of the sales: %w", i, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return g.merge(tallies)
}

// workers bounds the memory of all columns: many workers for few people.
func (g *gathering) workers() int {
	const most, rows = 8, 4_000_000
	perPeople := rows / (int(g.world.People.Count) + 1)
	return max(1, min(g.world.Sales.Blocks(), most, max(2, perPeople)))
}

// salesAhead is how many sales' places in the columns are asked for before the first is changed: memory brings many at
// once in the time of one, and sellers come in no order.
const salesAhead = 64

func (g *gathering) add(t *tally, sales []Sale) error {
	for i := range sales {
		if i%salesAhead == 0 {
			t.fetch(sales[i:min(i+salesAhead, len(sales))])
		}
		s := &sales[i]
		if uint32(s.Seller) >= uint32(len(t.pv)) {
			if s.Seller == Nobody {
				continue
			}
			return fmt.Errorf("sale %d is of person %d, and there are %d people", i, s.Seller, len(t.pv))
		}
		if s.Buyer == s.Seller && g.own || s.Buyer != s.Seller && g.byCustomers {
			t.pv[s.Seller] += int64(s.QV)
			t.qvSize = addSize(t.qvSize, int64(s.QV))
		}
		t.cv[s.Seller] += int64(s.CV)
		t.cvSize = addSize(t.cvSize, int64(s.CV))
		if g.orders || g.customers {
			if err := g.count(t, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetch brings the places of some sales.
func (t *tally) fetch(sales []Sale) {
	for i := range sales {
		if seller := sales[i].Seller; uint32(seller) < uint32(len(t.pv)) {
			t.fetched += t.pv[seller] + t.cv[seller]
		}
	}
}

// count notes the order and the customer of a sale of which something is left. Corrections of other periods' orders
// take volume away, but are no orders of this one.
func (g *gathering) count(t *tally, s *Sale) error {
	switch {
	case s.Quantity <= 0:
		return nil
	case s.Order < 0:
		return &MissingFact{
			g.world.People.ID(s.Seller), "number of an order, though orders or customers are counted",
			"give the sales of the period one by one",
		}
	}
	note := func(list *[]pair, number int32) {
		if last := len(*list) - 1; last < 0 || (*list)[last] != (pair{s.Seller, number}) {
			*list = append(*list, pair{s.Seller, number})
		}
	}
	if g.orders {
		note(&t.orders, s.Order)
	}
	if g.customers && s.Customer >= 0 {
		note(&t.customers, s.Customer)
	}
	return nil
}

// addSize adds |value|, staying at the greatest number once it does not fit.
func addSize(size uint64, value int64) uint64 {
	add := uint64(value)
	if value < 0 {
		add = -add
	}
	sum, carry := bits.Add64(size, add, 0)
	if carry != 0 {
		return 1<<64 - 1
	}
	return sum
}

// merge adds up the workers' columns. As long as the sizes of all sales together fit, so does every sum of any of them:
// of a person, a leg or a subtree, in any order.
func (g *gathering) merge(tallies []tally) (*volumes, error) {
	first := &tallies[0]
	for i := range tallies[1:] {
		t := &tallies[i+1]
		for person := range t.pv {
			first.pv[person] += t.pv[person]
			first.cv[person] += t.cv[person]
		}
		first.qvSize = addSizes(first.qvSize, t.qvSize)
		first.cvSize = addSizes(first.cvSize, t.cvSize)
		t.pv, t.cv = nil, nil
	}
	const most = 1<<63 - 1
	if first.qvSize > most {
		return nil, g.overflow("QV", func(s *Sale) money.Volume { return s.QV })
	}
	if first.cvSize > most {
		return nil, g.overflow("CV", func(s *Sale) money.Volume { return s.CV })
	}
	v := &volumes{pv: first.pv, cv: first.cv}
	if g.orders {
		v.orders = distinct(tallies, func(t *tally) *[]pair { return &t.orders }, len(v.pv))
	}
	if g.customers {
		v.customers = distinct(tallies, func(t *tally) *[]pair { return &t.customers }, len(v.pv))
	}
	return v, nil
}

func addSizes(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return 1<<64 - 1
	}
	return sum
}

// overflow names whose sale is the largest; it reads the sales again, since no close can go on from here.
func (g *gathering) overflow(what string, volume func(*Sale) money.Volume) error {
	largest, whose := uint64(0), Nobody
	for i := range g.world.Sales.Blocks() {
		sales, err := g.world.Sales.Block(i, nil)
		if err != nil {
			return fmt.Errorf("block %d of the sales: %w", i, err)
		}
		for j := range sales {
			s := &sales[j]
			size := addSize(0, int64(volume(s)))
			if s.Seller != Nobody && (size > largest || size == largest && s.Seller < whose) {
				largest, whose = size, s.Seller
			}
		}
	}
	return fmt.Errorf("%s of all sales, the largest of distributor %q: %w", what, g.world.People.ID(whose), money.ErrOverflow)
}

// distinct counts different numbers by seller, in whatever order they come. Numbers are dense, as World wants them, so a
// list of who had each first does nearly all; where they are not, or two sellers share one, sorting does the rest.
func distinct(tallies []tally, list func(*tally) *[]pair, people int) []int32 {
	total, most := 0, int32(0)
	for i := range tallies {
		total += len(*list(&tallies[i]))
		for _, p := range *list(&tallies[i]) {
			most = max(most, p.number)
		}
	}
	counts := make([]int32, people)
	var first []int32
	if int(most) < 4*total+1024 {
		first = slices.Repeat([]int32{Nobody}, int(most)+1)
	}
	var rest []pair
	for i := range tallies {
		for _, p := range *list(&tallies[i]) {
			switch {
			case first == nil || first[p.number] != Nobody && first[p.number] != p.seller:
				rest = append(rest, p)
			case first[p.number] == Nobody:
				first[p.number] = p.seller
				counts[p.seller]++
			}
		}
		*list(&tallies[i]) = nil
	}
	slices.SortFunc(rest, func(a, b pair) int {
		if a.seller != b.seller {
			return int(a.seller) - int(b.seller)
		}
		return int(a.number) - int(b.number)
	})
	for _, p := range slices.Compact(rest) {
		counts[p.seller]++
	}
	return counts
}

// asks tells whether any condition or component of a plan needs a measure.
func asks(p *plan.Plan, measure string) bool {
	found := false
	eachTest(p, func(t *plan.Test) { found = found || t.Measure == measure })
	for i := range p.Components {
		terms := p.Components[i].BandsTerms
		found = found || terms != nil && terms.Of == measure
	}
	return found
}

// eachTest calls f with every test of a plan.
func eachTest(p *plan.Plan, f func(*plan.Test)) {
	testsOf(p.Qualification.Active, f)
	for i := range p.Qualification.Ranks {
		testsOf(&p.Qualification.Ranks[i].Requires, f)
	}
	for i := range p.Components {
		testsOf(p.Components[i].Requires, f)
	}
}

func testsOf(c *plan.Condition, f func(*plan.Test)) {
	if c == nil {
		return
	}
	for i := range c.All {
		testsOf(&c.All[i], f)
	}
	for i := range c.Any {
		testsOf(&c.Any[i], f)
	}
	testsOf(c.Not, f)
	if c.Test != nil {
		f(c.Test)
	}
}
