package commission

import (
	"fmt"
	"slices"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// OrderPay is what many orders of one line each pay by the components that are settled per order.
type OrderPay struct {
	Paid [][]int64 // by component, then person; nil for components of a period: what CloseInput.Earned asks for
	Lost []int64   // breakage by component
}

// NotInBulk means that a plan has something per order that SettleOrders does not do: settle those orders by a Walker.
type NotInBulk struct {
	ComponentID string // "" where it is the plan as a whole
	What        string
}

// Error names the component and what it has.
func (e *NotInBulk) Error() string {
	if e.ComponentID == "" {
		return "orders cannot be settled in bulk: " + e.What
	}
	return fmt.Sprintf("orders cannot be settled in bulk: component %s has %s", e.ComponentID, e.What)
}

// Limits of the packed chains below.
const (
	payeeBits = 24
	maxPayees = 1<<payeeBits - 1
	maxRated  = 1<<(32-payeeBits) - 1
)

// SettleOrders takes every sale of the world for an order of one line, with tree, status and rank as the world has them,
// and pays retail and unilevel of net and CV per order: each amount rounded by itself, exactly as Calculate does. Who
// gets which level above whom is worked out once for everybody, so that an order costs a few additions whatever the
// depth; it is what simulations and figures of speed need, and says nothing of why. Plans with caps per order or other
// components per order are *NotInBulk. ranks are plan.Rank numbers by person.
func SettleOrders(w *period.World, ranks []int8, p *plan.Plan, parallel period.Parallel) (*OrderPay, error) {
	b := &bulk{world: w, ranks: ranks, plan: p, tree: &forest{parent: w.Sponsor.Parent, order: w.Sponsor.Order}}
	if parallel == nil {
		parallel = period.Serial
	}
	if err := b.prepare(parallel); err != nil {
		return nil, fmt.Errorf("settle orders: %w", err)
	}
	var lane [lanes]*bulkLane
	for i := range lane {
		lane[i] = b.lane()
	}
	err := eachBlock(w.Sales, parallel, func(i int, block []period.Sale) error { return lane[i].block(block) })
	if err == nil {
		err = parallel(lanes, func(i int) error { return lane[i].flush() })
	}
	for i := 1; i < lanes && err == nil; i++ {
		err = b.unite(lane[0].pay, lane[i].pay)
	}
	if err != nil {
		return nil, fmt.Errorf("settle orders: %w", err)
	}
	return lane[0].pay, nil
}

// bulk is one run of SettleOrders.
type bulk struct {
	world *period.World
	ranks []int8
	plan  *plan.Plan
	tree  *forest
	may   []bool // by person
	paths []bulkPath
}

// bulkPath is one component by one rate table.
type bulkPath struct {
	component               *plan.Component
	index                   int
	classes                 []bool     // by class: whether this is its table
	ofCV, retail, fromBuyer bool       // asked for every sale
	cv                      plan.Ratio // 1 where the base is money
	mode                    money.Rounding
	table                   *plan.Table
	rates                   []bulkRate
	stops                   [][2][]stop // by level - 1
	depth                   int
	// links are who gets the levels on volume that looks for level 1 at a person: depth of them for each, payee + 1 and
	// rate packed into one word, so that an order touches little memory. 0 is nobody.
	links []uint32
}

// bulkRate is a rate with all factors, not reduced; den is 0 where it does not fit and is multiplied step by step.
type bulkRate struct {
	num, den int64
	ratios   [3]plan.Ratio // the factors
	lost     bool
}

// of is base x rate with all factors, rounded once.
func (r *bulkRate) of(base int64, mode money.Rounding) (int64, error) {
	if r.den > 0 {
		return money.MulDiv(base, r.num, r.den, mode)
	}
	exact := money.NewExact(base)
	for _, ratio := range r.ratios {
		var err error
		if exact, err = exact.Mul(ratio.Num, ratio.Den); err != nil {
			return 0, err
		}
	}
	return exact.Round(mode)
}

func (b *bulk) prepare(parallel period.Parallel) error {
	people := int(b.world.People.Count)
	if len(b.ranks) != people || len(b.world.People.Status) != people || len(b.tree.parent) != people {
		return fmt.Errorf("there are %d people, %d statuses, %d ranks and %d in the tree",
			people, len(b.world.People.Status), len(b.ranks), len(b.tree.parent))
	}
	if err := b.tree.check(); err != nil {
		return err
	}
	switch {
	case len(b.plan.OrderCaps()) > 0:
		return &NotInBulk{What: "the plan has caps per order"}
	case people > maxPayees:
		return &NotInBulk{What: fmt.Sprintf("there are more than %d people", maxPayees)}
	case !b.plan.Pays(b.world.Currency):
		return &MissingRate{What: "an order, being a plan in " + b.plan.Currency, Currency: b.world.Currency}
	}
	b.may = make([]bool, people)
	for person, status := range b.world.People.Status {
		b.may[person] = b.plan.MayEarn(string(status))
	}
	for i := range b.plan.Components {
		if err := b.component(i); err != nil {
			return err
		}
	}
	return parallel(len(b.paths), func(i int) error { return b.link(&b.paths[i]) })
}

// component makes the paths of one component.
func (b *bulk) component(index int) error {
	c := &b.plan.Components[index]
	switch {
	case c.Period != plan.PerOrder:
		return nil
	case c.Type != plan.Retail && c.Type != plan.Unilevel:
		return &NotInBulk{c.ID, "type " + c.Type}
	case c.Base != plan.BaseNet && c.Base != plan.BaseCV:
		return &NotInBulk{c.ID, "base " + c.Base}
	}
	for class, name := range b.world.Classes {
		table := c.Table(name)
		if table == nil || table.Depth() == 0 {
			continue
		}
		at := 0
		for at < len(b.paths) && (b.paths[at].index != index || b.paths[at].table != table) {
			at++
		}
		if at == len(b.paths) {
			path := bulkPath{component: c, index: index, table: table, classes: make([]bool, len(b.world.Classes)), depth: table.Depth()}
			path.ofCV, path.retail, path.fromBuyer = c.Base == plan.BaseCV, c.Type == plan.Retail, c.LevelsFrom == plan.FromBuyer
			path.cv, path.mode = plan.Ratio{Num: 1, Den: 1}, b.plan.RoundingMode()
			if c.Base == plan.BaseCV {
				value, ok := b.plan.CVToMinor(b.world.Currency)
				if !ok {
					return &MissingRate{What: "1 CV", Currency: b.world.Currency}
				}
				path.cv = value
			}
			b.paths = append(b.paths, path)
		}
		b.paths[at].classes[class] = true
	}
	return nil
}

// stop is what a person of a rank does to volume that looks for a level.
type stop struct {
	pass bool  // lets it by
	rate uint8 // 1 + index into rates; 0: uses the level up for nothing
}

// stops is what everybody does at a level, by rank, first those who may not earn.
func (b *bulk) stops(path *bulkPath, level int) ([2][]stop, error) {
	var out [2][]stop
	compress := path.component.Type == plan.Unilevel && path.component.Compression != plan.CompressNone
	opens := path.table.Opens(level)
	for may := range out {
		for rank := range b.plan.Ranks {
			cell, lost := path.table.Cell(level, rank), may == 0
			switch {
			case lost:
			case path.component.Compression == plan.CompressToRank && opens >= 0 && rank < opens:
				lost = true
			case cell.Rate == 0 && opens >= 0:
				lost = true
			}
			s := stop{pass: lost && compress}
			if opens >= 0 && !s.pass {
				if lost && path.component.Type == plan.Unilevel {
					cell = path.table.Cell(level, opens)
				}
				var err error
				if s.rate, err = b.rate(path, cell, lost); err != nil {
					return out, err
				}
			}
			out[may] = append(out[may], s)
		}
	}
	return out, nil
}

// rate numbers a rate of the path, from 1.
func (b *bulk) rate(path *bulkPath, cell *plan.Cell, lost bool) (uint8, error) {
	if cell.Rate == 0 {
		return 0, nil
	}
	for i := range path.rates {
		if path.rates[i].ratios[0] == cell.Ratio && path.rates[i].lost == lost {
			return uint8(i + 1), nil
		}
	}
	if len(path.rates) == maxRated {
		return 0, &NotInBulk{path.component.ID, fmt.Sprintf("more than %d rates", maxRated)}
	}
	r := bulkRate{ratios: [3]plan.Ratio{cell.Ratio, path.component.Share(), path.cv}, lost: lost}
	if r.num, r.den = timesFits(r.ratios[0], r.ratios[1]); r.den > 0 {
		r.num, r.den = timesFits(plan.Ratio{Num: r.num, Den: r.den}, r.ratios[2])
	}
	path.rates = append(path.rates, r)
	return uint8(len(path.rates)), nil
}

// link works out who gets which level, level by level: from each person, the first upwards who does not let the level by.
func (b *bulk) link(path *bulkPath) error {
	people := b.tree.len()
	path.links = make([]uint32, people*path.depth)
	at := make([]int32, people) // by person: where volume that started there looks for the level
	for person := range at {
		at[person] = int32(person)
	}
	taker := make([]int32, people)
	for level := 1; level <= path.depth; level++ {
		stops, err := b.stops(path, level)
		if err != nil {
			return err
		}
		path.stops = append(path.stops, stops)
		b.takers(taker, stops)
		for person := range at {
			if at[person] < 0 {
				continue
			}
			who := taker[at[person]]
			at[person] = period.Nobody
			if who < 0 {
				continue
			}
			if rate := stops[index(b.may[who])][b.ranks[who]].rate; rate > 0 {
				path.links[person*path.depth+level-1] = uint32(who+1)<<(32-payeeBits) | uint32(rate)
			}
			at[person] = b.tree.parent[who]
		}
	}
	return nil
}

// takers finds, for everybody, the first from there upwards who does not let a level by.
func (b *bulk) takers(taker []int32, stops [2][]stop) {
	for i := range b.tree.len() {
		person := b.tree.at(i)
		taker[person] = person
		if stops[index(b.may[person])][b.ranks[person]].pass {
			if taker[person] = b.tree.parent[person]; taker[person] >= 0 {
				taker[person] = taker[taker[person]]
			}
		}
	}
}

func index(may bool) int {
	if may {
		return 1
	}
	return 0
}

func (b *bulk) blank() *OrderPay {
	pay := &OrderPay{Paid: make([][]int64, len(b.plan.Components)), Lost: make([]int64, len(b.plan.Components))}
	for i := range b.paths {
		if at := b.paths[i].index; pay.Paid[at] == nil {
			pay.Paid[at] = make([]int64, b.world.People.Count)
		}
	}
	return pay
}

func (b *bulk) unite(to, from *OrderPay) error {
	for i := range to.Lost {
		var err error
		if to.Lost[i], err = money.Add(to.Lost[i], from.Lost[i]); err != nil {
			return fmt.Errorf("breakage of %s: %w", b.plan.Components[i].ID, err)
		}
		for person, amount := range from.Paid[i] {
			if to.Paid[i][person], err = money.Add(to.Paid[i][person], amount); err != nil {
				return fmt.Errorf("pay of distributor %s by %s: %w", b.world.People.ID(int32(person)), b.plan.Components[i].ID, err)
			}
		}
	}
	return nil
}

// bulkLane settles the sales of one lane. It gathers them and takes them by regions of sellers: neighbours in the tree
// pay the same people, whose sums stay in the processor's cache, where taking sales as they come would wait for memory at
// every level.
type bulkLane struct {
	*bulk
	pay    *OrderPay
	batch  []bulkSale
	sorted []bulkSale
	shift  int // seller >> shift is the region
}

// bulkSale is what matters of a sale.
type bulkSale struct {
	seller, buyer int32
	class         uint16
	net, cv       int64
}

const (
	batchSales = 1 << 19
	regions    = 1 << 8
)

func (b *bulk) lane() *bulkLane {
	l := &bulkLane{bulk: b, pay: b.blank()}
	for b.world.People.Count>>l.shift >= regions {
		l.shift++
	}
	return l
}

func (l *bulkLane) block(block []period.Sale) error {
	for i := range block {
		sale := &block[i]
		if sale.Seller < 0 {
			continue
		}
		if int(sale.Class) >= len(l.world.Classes) || sale.Seller >= l.world.People.Count {
			return fmt.Errorf("a sale has class %d of %d and seller %d of %d", sale.Class, len(l.world.Classes), sale.Seller, l.world.People.Count)
		}
		l.batch = append(l.batch, bulkSale{sale.Seller, sale.Buyer, sale.Class, sale.Net, int64(sale.CV)})
		if len(l.batch) == batchSales {
			if err := l.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush settles what is gathered, region by region.
func (l *bulkLane) flush() error {
	var next [regions + 1]int32
	for i := range l.batch {
		next[l.batch[i].seller>>l.shift+1]++
	}
	for i := range regions {
		next[i+1] += next[i]
	}
	l.sorted = slices.Grow(l.sorted[:0], len(l.batch))[:len(l.batch)]
	for i := range l.batch {
		region := l.batch[i].seller >> l.shift
		l.sorted[next[region]] = l.batch[i]
		next[region]++
	}
	for i := range l.sorted {
		sale := &l.sorted[i]
		for j := range l.paths {
			path := &l.paths[j]
			if !path.classes[sale.class] {
				continue
			}
			if err := l.sale(path, sale); err != nil {
				return fmt.Errorf("a sale of distributor %s, component %s: %w", l.world.People.ID(sale.seller), path.component.ID, err)
			}
		}
	}
	l.batch = l.batch[:0]
	return nil
}

// sale pays one path on one sale.
func (l *bulkLane) sale(path *bulkPath, sale *bulkSale) error {
	base := sale.net
	if path.ofCV {
		base = sale.cv
	}
	if base == 0 {
		return nil
	}
	at, own := sale.seller, sale.buyer == sale.seller
	if path.retail {
		if own && !l.plan.Attribution.SelfRetail {
			return nil
		}
		return path.pay(l.pay, path.links[at:at+1], base)
	}
	if own && !path.component.IncludeSelf || !own && !path.fromBuyer {
		if at = l.tree.parent[at]; at < 0 {
			return nil
		}
	}
	if sale.buyer >= 0 && !own && !path.component.IncludeSelf {
		return l.aroundBuyer(path, at, sale.buyer, base)
	}
	return path.pay(l.pay, path.links[int(at)*path.depth:(int(at)+1)*path.depth], base)
}

// pay adds up the amounts of a list of links on one base.
func (path *bulkPath) pay(pay *OrderPay, links []uint32, base int64) error {
	paid := pay.Paid[path.index]
	last, amount := uint32(0), int64(0)
	for _, link := range links {
		if link == 0 {
			continue
		}
		if rate := link & maxRated; rate != last {
			var err error
			if amount, err = path.rates[rate-1].of(base, path.mode); err != nil {
				return err
			}
			last = rate
		}
		to := &paid[link>>(32-payeeBits)-1]
		if path.rates[last-1].lost {
			to = &pay.Lost[path.index]
		}
		sum, err := money.Add(*to, amount)
		if err != nil {
			return err
		}
		*to = sum
	}
	return nil
}

// aroundBuyer walks a sale by itself, since the buyer, if above, gets no level on it.
func (l *bulkLane) aroundBuyer(path *bulkPath, at, buyer int32, base int64) error {
	for level := 1; at >= 0 && level <= path.depth; at = l.tree.parent[at] {
		s := path.stops[level-1][index(l.may[at] && at != buyer)][l.ranks[at]]
		if s.pass {
			continue
		}
		if s.rate > 0 {
			link := [1]uint32{uint32(at+1)<<(32-payeeBits) | uint32(s.rate)}
			if err := path.pay(l.pay, link[:], base); err != nil {
				return err
			}
		}
		level++
	}
	return nil
}
