package commission

import (
	"fmt"

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

// SettleOrders takes every sale of the world for an order of one line, with tree, status and rank as the world has them,
// and pays retail and unilevel of net and CV per order: each amount rounded by itself, exactly as Calculate does. It is
// what simulations and figures of speed need, and says nothing of why. Plans with caps per order or other components per
// order are *NotInBulk. ranks are plan.Rank numbers by person.
//
// All sales of one seller go up the same way. So a sale is only rounded by every rate there is, into the seller's sums;
// who gets which of them is worked out once for everybody, level by level, whatever the depth and the number of sales.
func SettleOrders(w *period.World, ranks []int8, p *plan.Plan, parallel period.Parallel) (*OrderPay, error) {
	b := &bulk{world: w, ranks: ranks, plan: p, tree: &forest{parent: w.Sponsor.Parent, order: w.Sponsor.Order}}
	if parallel == nil {
		parallel = period.Serial
	}
	pay, err := b.settle(parallel)
	if err != nil {
		return nil, fmt.Errorf("settle orders: %w", err)
	}
	return pay, nil
}

func (b *bulk) settle(parallel period.Parallel) (*OrderPay, error) {
	if err := b.prepare(); err != nil {
		return nil, err
	}
	var lane [lanes]*bulkLane
	for i := range lane {
		lane[i] = b.lane()
	}
	err := eachBlock(b.world.Sales, parallel, func(i int, block []period.Sale) error { return lane[i].block(block) })
	if err != nil {
		return nil, err
	}
	for _, more := range lane[1:] {
		if err := lane[0].unite(more, parallel); err != nil {
			return nil, err
		}
	}
	pay := lane[0].paid()
	return pay, parallel(len(b.plan.Components), func(index int) error {
		for i := range b.paths {
			if path := &b.paths[i]; path.index == index {
				if err := b.spread(path, lane[0].sums, pay); err != nil {
					return fmt.Errorf("component %s: %w", path.component.ID, err)
				}
			}
		}
		return nil
	})
}

// bulk is one run of SettleOrders.
type bulk struct {
	world *period.World
	ranks []int8
	plan  *plan.Plan
	tree  *forest
	may   []bool // by person
	paths []bulkPath
	width int // of a seller's row of sums
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
	starts                  [2]bool // whether level 1 is looked for above the seller: others' orders, own orders
	ways                    int     // 2 where own orders go up another way
	column                  int     // where its sums begin in a seller's row: by way, then rate
}

// bulkRate is a rate with all factors, which are multiplied step by step where together they do not fit.
type bulkRate struct {
	ratios [3]plan.Ratio
	short  money.Multiplier
	fits   bool
}

// of is base x rate with all factors, rounded once.
func (r *bulkRate) of(base int64, mode money.Rounding) (int64, error) {
	if r.fits {
		return r.short.Of(base)
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

func (b *bulk) prepare() error {
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
	for i := range b.paths {
		if err := b.ways(&b.paths[i]); err != nil {
			return err
		}
		b.paths[i].column = b.width
		b.width += b.paths[i].ways * len(b.paths[i].rates)
	}
	if b.width > line/2 { // A row that begins within a line of memory needs one more than it has to.
		b.width = (b.width + line - 1) / line * line
	}
	return nil
}

// line is how many sums the processor fetches at once.
const line = 8

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

// ways works out the path's levels, and where sales begin to look for level 1.
func (b *bulk) ways(path *bulkPath) error {
	for level := 1; level <= path.depth; level++ {
		stops, err := b.stops(path, level)
		if err != nil {
			return err
		}
		path.stops = append(path.stops, stops)
	}
	path.ways = 1
	if !path.retail {
		path.starts = [2]bool{!path.fromBuyer, !path.component.IncludeSelf}
		if path.starts[0] != path.starts[1] {
			path.ways = 2
		}
	}
	return nil
}

// stop is what a person of a rank does to volume that looks for a level.
type stop struct {
	pass bool  // lets it by
	lost bool  // the amount is breakage
	rate int32 // 1 + index into rates; 0: uses the level up for nothing
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
				s.lost = lost
				if s.rate, err = b.rate(path, cell); err != nil {
					return out, err
				}
			}
			out[may] = append(out[may], s)
		}
	}
	return out, nil
}

// rate numbers a rate of the path, from 1.
func (b *bulk) rate(path *bulkPath, cell *plan.Cell) (int32, error) {
	if cell.Rate == 0 {
		return 0, nil
	}
	for i := range path.rates {
		if path.rates[i].ratios[0] == cell.Ratio {
			return int32(i + 1), nil
		}
	}
	r := bulkRate{ratios: [3]plan.Ratio{cell.Ratio, path.component.Share(), path.cv}}
	num, den := timesFits(r.ratios[0], r.ratios[1])
	if den > 0 {
		num, den = timesFits(plan.Ratio{Num: num, Den: den}, r.ratios[2])
	}
	if den > 0 {
		short := plan.Reduce(num, den)
		var err error
		if r.short, err = money.NewMultiplier(short.Num, short.Den, path.mode); err != nil {
			return 0, err
		}
		r.fits = true
	}
	path.rates = append(path.rates, r)
	return int32(len(path.rates)), nil
}

// spread pays everybody's sums to who gets the levels, level by level: from each person, the first upwards who does not
// let the level by.
func (b *bulk) spread(path *bulkPath, sums []int64, pay *OrderPay) error {
	taker := make([]int32, b.tree.len())
	at := make([]int32, b.tree.len()) // by person: where what was sold there looks for the level
	for way := range path.ways {
		for person := range at {
			if at[person] = int32(person); path.starts[way] {
				at[person] = b.tree.parent[person]
			}
		}
		for level, stops := range path.stops {
			b.takers(taker, stops)
			if err := b.spreadLevel(path, sums, way, at, taker, &stops, pay); err != nil {
				return fmt.Errorf("level %d: %w", level+1, err)
			}
		}
	}
	return nil
}

func (b *bulk) spreadLevel(path *bulkPath, sums []int64, way int, at, taker []int32, stops *[2][]stop, pay *OrderPay) (err error) {
	first := path.column + way*len(path.rates)
	for person, place := range at {
		if place < 0 {
			continue
		}
		who := taker[place]
		if who < 0 {
			at[person] = period.Nobody
			continue
		}
		at[person] = b.tree.parent[who]
		s := &stops[index(b.may[who])][b.ranks[who]]
		if s.rate == 0 {
			continue
		}
		if err := pay.add(path.index, who, s.lost, sums[person*b.width+first+int(s.rate)-1]); err != nil {
			return fmt.Errorf("pay of distributor %s: %w", b.world.People.ID(who), err)
		}
	}
	return nil
}

// add pays an amount, or adds it to the breakage.
func (o *OrderPay) add(component int, who int32, lost bool, amount int64) error {
	to := &o.Paid[component][who]
	if lost {
		to = &o.Lost[component]
	}
	sum, err := money.Add(*to, amount)
	*to = sum
	return err
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

// bulkLane settles the sales of one lane.
type bulkLane struct {
	*bulk
	pay   *OrderPay // of sales that go their own way; nil: none yet
	sums  []int64   // by person, a row: what each rate comes to on each sale, added up
	ahead int64
}

func (b *bulk) lane() *bulkLane {
	return &bulkLane{bulk: b, sums: make([]int64, b.tree.len()*b.width)}
}

// paid is what sales that go their own way have paid.
func (l *bulkLane) paid() *OrderPay {
	if l.pay == nil {
		l.pay = l.blank()
	}
	return l.pay
}

// unite adds what another lane has, and empties it.
func (l *bulkLane) unite(more *bulkLane, parallel period.Parallel) error {
	if more.pay != nil {
		if err := l.unitePaid(more.pay); err != nil {
			return err
		}
	}
	to, from := l.sums, more.sums
	more.sums, more.pay = nil, nil
	return parallel(lanes, func(lane int) (err error) {
		for i := len(to) * lane / lanes; i < len(to)*(lane+1)/lanes; i++ {
			if to[i], err = money.Add(to[i], from[i]); err != nil {
				return fmt.Errorf("sums of distributor %s: %w", l.world.People.ID(int32(i/l.width)), err)
			}
		}
		return nil
	})
}

func (l *bulkLane) unitePaid(more *OrderPay) error {
	pay := l.paid()
	for i := range pay.Lost {
		for person, amount := range more.Paid[i] {
			if err := pay.add(i, int32(person), false, amount); err != nil {
				return fmt.Errorf("pay of distributor %s by %s: %w", l.world.People.ID(int32(person)), l.plan.Components[i].ID, err)
			}
		}
		sum, err := money.Add(pay.Lost[i], more.Lost[i])
		if err != nil {
			return fmt.Errorf("breakage of %s: %w", l.plan.Components[i].ID, err)
		}
		pay.Lost[i] = sum
	}
	return nil
}

// salesAhead is how many sales' rows are asked for before the first is changed: memory brings many at once in the time of
// one, and sellers come in no order.
const salesAhead = 64

func (l *bulkLane) block(block []period.Sale) error {
	for len(block) > 0 {
		few := block[:min(len(block), salesAhead)]
		block = block[len(few):]
		for i := range few {
			sale := &few[i]
			if sale.Seller >= 0 && (int(sale.Class) >= len(l.world.Classes) || sale.Seller >= l.world.People.Count) {
				return fmt.Errorf("a sale has class %d of %d and seller %d of %d", sale.Class, len(l.world.Classes), sale.Seller, l.world.People.Count)
			}
			for at := 0; at < l.width && sale.Seller >= 0; at += line {
				l.ahead += l.sums[int(sale.Seller)*l.width+at]
			}
		}
		for i := range few {
			if few[i].Seller < 0 {
				continue
			}
			if err := l.sale(&few[i]); err != nil {
				return fmt.Errorf("a sale of distributor %s: %w", l.world.People.ID(few[i].Seller), err)
			}
		}
	}
	return nil
}

// sale adds up one sale on all paths.
func (l *bulkLane) sale(sale *period.Sale) error {
	row := l.sums[int(sale.Seller)*l.width : (int(sale.Seller)+1)*l.width]
	own := sale.Buyer == sale.Seller
	for i := range l.paths {
		path := &l.paths[i]
		base := sale.Net
		if path.ofCV {
			base = int64(sale.CV)
		}
		if base == 0 || !path.classes[sale.Class] || path.retail && own && !l.plan.Attribution.SelfRetail {
			continue
		}
		if !path.retail && sale.Buyer >= 0 && !own && !path.component.IncludeSelf {
			if err := l.aroundBuyer(path, sale, base); err != nil {
				return fmt.Errorf("component %s: %w", path.component.ID, err)
			}
			continue
		}
		at := path.column
		if own && path.ways == 2 {
			at += len(path.rates)
		}
		if err := path.round(row[at:], base); err != nil {
			return fmt.Errorf("component %s: %w", path.component.ID, err)
		}
	}
	return nil
}

// round adds to each rate's sum what it comes to on a base.
func (path *bulkPath) round(sums []int64, base int64) error {
	for i := range path.rates {
		amount, err := path.rates[i].of(base, path.mode)
		if err != nil {
			return err
		}
		if sums[i], err = money.Add(sums[i], amount); err != nil {
			return err
		}
	}
	return nil
}

// aroundBuyer walks a sale by itself, since the buyer, if above, gets no level on it.
func (l *bulkLane) aroundBuyer(path *bulkPath, sale *period.Sale, base int64) error {
	at := sale.Seller
	if path.starts[0] {
		at = l.tree.parent[at]
	}
	for level := 1; at >= 0 && level <= path.depth; at = l.tree.parent[at] {
		s := path.stops[level-1][index(l.may[at] && at != sale.Buyer)][l.ranks[at]]
		if s.pass {
			continue
		}
		if s.rate > 0 {
			amount, err := path.rates[s.rate-1].of(base, path.mode)
			if err == nil {
				err = l.paid().add(path.index, at, s.lost, amount)
			}
			if err != nil {
				return err
			}
		}
		level++
	}
	return nil
}
