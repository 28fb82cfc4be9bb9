package commission

import (
	"fmt"
	"slices"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// Amount is what one person gets, or would have had, for one line by one component: an event of Calculate without its
// texts.
type Amount struct {
	Line, Component int32 // indices into Input.Lines and Plan.Components
	Position        int32 // in Input.Upline, and from its length on in Input.Beside; -1 where a level found nobody
	Level           int32 // 0 for the seller's own pay
	Row             int32 // index into Component.Rates
	BaseMinor       int64 // micro-units of CV where the component's base is "cv", units where it is an amount per unit
	AmountMinor     int64 // rounded, before caps
	CutMinor        int64 // what caps take of it

	why      cause // why all of it is breakage
	rank     int16
	cell     *plan.Cell
	from, to int32 // the walker's skips on the way to this level
}

// Breakage tells whether all of it is breakage.
func (a *Amount) Breakage() bool { return a.why != payable }

// PaidMinor is what the person gets.
func (a *Amount) PaidMinor() int64 {
	if a.why != payable {
		return 0
	}
	return a.AmountMinor - a.CutMinor
}

// cause is why somebody cannot have a level; reasonOf says it.
type cause uint8

const (
	payable cause = iota
	causeStatus
	causeOwnOrder
	causeNoCustomer
	causeBelow
	causeClosed
)

// Walker settles one order after the other in the same memory: once it has grown to the largest order it allocates
// nothing, but where a cap shares out a limit. Calculate is a Walker whose findings are told. It is not for use by
// several at once.
type Walker struct {
	in      *Input
	plan    *plan.Plan
	own     bool       // the seller is the buyer
	cv      plan.Ratio // Den 0: not looked up yet
	cvIn    money.Currency
	people  []seen  // by position in the upline, as far as anybody looked
	paid    []int64 // by component: what it pays on the current line
	amounts []Amount
	skips   []passedOver
	caps    capper
	rules   []capRule
	fresh   []fresh // by fast start paid per order
	off     []bool  // by component: a fast start keeps the current line from it; empty where none does
}

// seen is what the plan says of one person of the upline.
type seen struct {
	rank int16
	may  bool // the status may earn
}

// passedOver is somebody who was passed over at a level.
type passedOver struct {
	position, level int32
	why             cause
}

// Amounts is what everybody should have earned from an order as it now is, in the order of Calculate's steps; its errors
// are those of Calculate. The list is good until the next call.
func (w *Walker) Amounts(in *Input, p *plan.Plan) ([]Amount, error) {
	if err := check(in, p); err != nil {
		return nil, fmt.Errorf("calculate %s: %w", in.Source, err)
	}
	if err := w.walk(in, p); err != nil {
		return nil, fmt.Errorf("calculate %s: %w", in.Source, err)
	}
	return w.amounts, nil
}

func (w *Walker) walk(in *Input, p *plan.Plan) error {
	w.amounts, w.skips, w.people = w.amounts[:0], w.skips[:0], w.people[:0]
	if w.plan != p || w.cvIn != in.Currency {
		w.cv, w.cvIn = plan.Ratio{}, in.Currency
	}
	w.in, w.plan = in, p
	w.caps.reset(in.Lines)
	if in.Attribution.DistributorID == "" {
		return nil
	}
	w.own = in.Buyer != "" && in.Buyer == in.Attribution.DistributorID
	fast := p.OrderFastStarts()
	w.fresh, w.off = slices.Grow(w.fresh[:0], len(fast))[:len(fast)], w.off[:0]
	clear(w.fresh)
	w.paid = slices.Grow(w.paid[:0], len(p.Components))[:len(p.Components)]
	for i := range in.Lines {
		clear(w.paid)
		if len(fast) > 0 {
			if err := w.withholdNew(in.Lines[i].CommissionClass); err != nil {
				return fmt.Errorf("line %s: %w", in.Lines[i].LineID, err)
			}
		}
		for j := range p.Components {
			if p.Components[j].Period != plan.PerOrder || len(w.off) > 0 && w.off[j] {
				continue // Close settles it, or a fast start keeps the line from it.
			}
			if err := w.component(i, j); err != nil {
				return fmt.Errorf("line %s, component %s: %w", in.Lines[i].LineID, p.Components[j].ID, err)
			}
		}
	}
	return w.cap()
}

// component walks one component on one line.
func (w *Walker) component(line, index int) error {
	component := &w.plan.Components[index]
	table := component.Table(w.in.Lines[line].CommissionClass)
	if table == nil || table.Depth() == 0 {
		return nil
	}
	l := lineWalk{Walker: w, line: &w.in.Lines[line], component: component, table: table}
	l.blank = Amount{Line: int32(line), Component: int32(index), Position: nobody}
	switch component.Type {
	case plan.Fixed:
		return l.fixed()
	case plan.Retail:
		// Asked before the base, so that a class that pays nothing needs no wholesale price.
		if person, err := w.person(0); err != nil || table.Cell(1, int(person.rank)).Rate == 0 {
			return err
		}
	case plan.Unilevel:
	case plan.FastStart:
		if first, err := l.firstDays(); err != nil || first == nil {
			return err
		}
	default:
		return fmt.Errorf("type %s cannot be settled per order", component.Type)
	}
	base, err := w.base(l.line, component)
	if err != nil || base == 0 {
		return err
	}
	if err := l.prepare(base); err != nil {
		return err
	}
	switch component.Type {
	case plan.Retail:
		return l.retail()
	case plan.FastStart:
		return l.fastStart()
	default:
		return l.unilevel()
	}
}

// base is what a component pays on, before any factor: minor units, or micro-units of CV.
func (w *Walker) base(line *Line, component *plan.Component) (int64, error) {
	switch {
	case component.Base == plan.BaseCV:
		return int64(line.CV), nil
	case component.Base == plan.BaseProfit:
		return profit(w.in, line)
	case component.BaseIndex() >= 0:
		return w.paid[component.BaseIndex()], nil
	default:
		return line.NetMinor, nil
	}
}

// profit is what the line brought above the wholesale price of the units left; never below zero. Nobody needs the
// wholesale price of what a distributor buys, since only customers give retail profit.
func profit(in *Input, line *Line) (int64, error) {
	if in.Buyer != "" || line.NetMinor == 0 {
		return line.NetMinor, nil
	}
	if line.WholesaleMinor == nil {
		return 0, &MissingWholesale{LineID: line.LineID, PlatformSKU: line.PlatformSKU}
	}
	wholesale, err := money.Mul(*line.WholesaleMinor, line.Quantity)
	if err != nil {
		return 0, err
	}
	profit, err := money.Sub(line.NetMinor, wholesale)
	return max(profit, 0), err
}

// cvToMoney is the value of a micro-unit of CV, looked up once per plan and currency.
func (w *Walker) cvToMoney() (plan.Ratio, error) {
	if w.cv.Den == 0 {
		ratio, ok := w.plan.CVToMinor(w.in.Currency)
		if !ok {
			return plan.Ratio{}, &MissingRate{What: "1 CV", Currency: w.in.Currency}
		}
		w.cv = ratio
	}
	return w.cv, nil
}

// person is what the plan says of somebody, asked once per order and only as far up as the walk goes; of people beside the
// upline each time.
func (w *Walker) person(position int) (seen, error) {
	if position >= len(w.in.Upline) {
		return w.look(w.in.at(int32(position)))
	}
	for at := len(w.people); at <= position; at++ {
		person, err := w.look(&w.in.Upline[at])
		if err != nil {
			return seen{}, err
		}
		w.people = append(w.people, person)
	}
	return w.people[position], nil
}

func (w *Walker) look(person *genealogy.Person) (seen, error) {
	rank, known := w.plan.Rank(person.Rank)
	if !known {
		return seen{}, &UnknownRank{DistributorID: person.ID, Rank: person.Rank}
	}
	return seen{int16(rank), w.plan.MayEarn(string(person.Status))}, nil
}

// lineWalk is one component on one line.
type lineWalk struct {
	*Walker
	line      *Line
	component *plan.Component
	table     *plan.Table
	blank     Amount // what all its amounts have in common
	num, den  int64  // commissionable x cv_to_money, not reduced; den 0 where they do not fit
	pending   int    // first of the skips that are nobody's yet
	people    []int32
	upline    bool // the way up is Input.Upline; else it is people
}

// prepare multiplies what does not depend on the level.
func (l *lineWalk) prepare(base int64) error {
	l.blank.BaseMinor, l.pending = base, len(l.skips)
	share := l.component.Share()
	l.num, l.den = share.Num, share.Den
	if l.component.Base != plan.BaseCV {
		return nil
	}
	value, err := l.cvToMoney()
	if err != nil {
		return err
	}
	l.num, l.den = timesFits(share, value)
	return nil
}

// timesFits is a product that is not reduced; den is 0 where it does not fit.
func timesFits(a, b plan.Ratio) (num, den int64) {
	num, errNum := money.Mul(a.Num, b.Num)
	den, errDen := money.Mul(a.Den, b.Den)
	if errNum != nil || errDen != nil {
		return 0, 0
	}
	return num, den
}

// retail pays the seller.
func (l *lineWalk) retail() error {
	seller, err := l.person(0)
	if err != nil {
		return err
	}
	cell := l.table.Cell(1, int(seller.rank))
	switch {
	case l.own && !l.plan.Attribution.SelfRetail:
		l.nobodyEarns(cell, 0, causeOwnOrder)
		return nil
	case l.component.Base == plan.BaseProfit && l.in.Buyer != "":
		l.nobodyEarns(cell, 0, causeNoCustomer)
		return nil
	case !seller.may:
		return l.rate(0, seller, 0, cell, causeStatus)
	}
	return l.rate(0, seller, 0, cell, payable)
}

// nobodyEarns says that the seller is passed over and nobody takes the place.
func (l *lineWalk) nobodyEarns(cell *plan.Cell, level int32, why cause) {
	l.skips = append(l.skips, passedOver{0, level, why})
	l.nobody(cell, level)
}

// fixed pays the seller an amount per unit.
func (l *lineWalk) fixed() error {
	seller, err := l.person(0)
	if err != nil {
		return err
	}
	cell := l.table.Cell(1, int(seller.rank))
	amount, err := fixedAmount(l.plan, l.component, cell, l.in.Currency)
	if err != nil || amount == 0 || l.line.Quantity == 0 {
		return err
	}
	l.blank.BaseMinor, l.pending = l.line.Quantity, len(l.skips)
	if l.own && !l.plan.Attribution.SelfRetail {
		l.nobodyEarns(cell, 0, causeOwnOrder)
		return nil
	}
	if amount, err = money.Mul(amount, l.line.Quantity); err != nil {
		return err
	}
	why := payable
	if !seller.may {
		why = causeStatus
	}
	return l.add(0, seller, 0, cell, why, amount)
}

// fixedAmount is the amount per unit of a row.
func fixedAmount(p *plan.Plan, component *plan.Component, cell *plan.Cell, currency money.Currency) (int64, error) {
	amount, ok := p.AmountMinor(&component.Rates[cell.Row], currency)
	if !ok {
		return 0, &MissingRate{What: "the amount of " + component.ID, Currency: currency}
	}
	return amount, nil
}

// unilevel pays the levels above the seller, or above the buyer.
func (l *lineWalk) unilevel() (err error) {
	if l.people, l.upline, err = l.in.walkOf(l.component.Tree, l.in.Upline[0].ID); err != nil {
		return err
	}
	return l.levels(l.start(), l.component.Compression != plan.CompressNone)
}

// way is how many people there are on the way up, and step the number of one of them.
func (l *lineWalk) way() int {
	if l.upline {
		return len(l.in.Upline)
	}
	return len(l.people)
}

func (l *lineWalk) step(i int) int {
	if l.upline {
		return i
	}
	return int(l.people[i])
}

// levels pays level 1 at the first place of the way up, and so on. Whoever may not have a level is passed over, or uses it
// up.
func (l *lineWalk) levels(first int, passOver bool) error {
	level, depth := 1, l.table.Depth()
	for place, end := first, l.way(); place < end && level <= depth; place++ {
		i := l.step(place)
		person, err := l.person(i)
		if err != nil {
			return err
		}
		opens, why := l.table.Opens(level), l.ineligible(i, person, level)
		switch {
		case why != payable && passOver:
			l.skips = append(l.skips, passedOver{int32(i), int32(level), why})
			continue
		case opens < 0: // The level pays nobody, and is used up by whoever stands there.
		case why != payable:
			err = l.rate(i, person, level, l.table.Cell(level, opens), why)
		default:
			err = l.rate(i, person, level, l.table.Cell(level, int(person.rank)), payable)
		}
		if err != nil {
			return err
		}
		level++
	}
	if len(l.skips) > l.pending && level <= depth && l.table.Opens(level) >= 0 {
		l.nobody(l.table.Cell(level, l.table.Opens(level)), int32(level))
	}
	return nil
}

// start is the position in the upline of the first candidate for level 1. A distributor's own order counts levels from
// the first upline whatever levels_from says, since seller and buyer are one; with include_self it counts from the
// distributor.
func (l *lineWalk) start() int {
	switch {
	case l.own && l.component.IncludeSelf:
		return 0
	case !l.own && l.component.LevelsFrom == plan.FromBuyer:
		return 0
	default:
		return 1
	}
}

// ineligible says why a person cannot have a level.
func (l *lineWalk) ineligible(position int, person seen, level int) cause {
	opens := l.table.Opens(level)
	switch {
	case !person.may:
		return causeStatus
	case l.in.Buyer != "" && l.in.at(int32(position)).ID == l.in.Buyer && !l.component.IncludeSelf:
		return causeOwnOrder
	case opens < 0:
		return payable
	case l.component.Compression == plan.CompressToRank && int(person.rank) < opens:
		return causeBelow
	case l.table.Cell(level, int(person.rank)).Rate == 0:
		return causeClosed
	}
	return payable
}

// rate adds an amount at the rate of a cell. A zero amount is left out unless it explains why somebody got nothing.
func (l *lineWalk) rate(position int, person seen, level int, cell *plan.Cell, why cause) error {
	amount, err := l.round(cell.Ratio)
	if err != nil || amount == 0 && why == payable && len(l.skips) == l.pending {
		return err
	}
	return l.add(position, person, level, cell, why, amount)
}

// round is base x rate x the shared factors, rounded once. Nearly all products fit one multiplication and one division
// of 128 bits.
func (l *lineWalk) round(rate plan.Ratio) (int64, error) {
	if l.den > 0 {
		if num, den := timesFits(rate, plan.Ratio{Num: l.num, Den: l.den}); den > 0 {
			return money.MulDiv(l.blank.BaseMinor, num, den, l.plan.RoundingMode())
		}
	}
	exact, err := l.exact(l.blank.BaseMinor, l.component, rate)
	if err != nil {
		return 0, err
	}
	return exact.round(l.plan.RoundingMode())
}

// exact is the same before rounding.
func (w *Walker) exact(base int64, component *plan.Component, rate plan.Ratio) (product, error) {
	exact := newProduct(base)
	var err error
	if share := component.Share(); share.Num != share.Den {
		if exact, err = exact.times(share); err != nil {
			return product{}, err
		}
	}
	if component.Base == plan.BaseCV {
		if exact, err = exact.times(w.cv); err != nil {
			return product{}, err
		}
	}
	return exact.times(rate)
}

// add writes an amount down. Whom the walk has passed over so far belongs to the first who is paid.
func (l *lineWalk) add(position int, person seen, level int, cell *plan.Cell, why cause, minor int64) error {
	a := l.next(cell, int32(level))
	a.Position, a.AmountMinor, a.why, a.rank = int32(position), minor, why, person.rank
	if why != payable {
		return nil
	}
	a.from, a.to = int32(l.pending), int32(len(l.skips))
	l.pending = len(l.skips)
	var err error
	l.paid[a.Component], err = money.Add(l.paid[a.Component], minor)
	return err
}

// nobody writes down that a level found nobody, and who was passed over for it.
func (l *lineWalk) nobody(cell *plan.Cell, level int32) {
	a := l.next(cell, level)
	a.from, a.to = int32(l.pending), int32(len(l.skips))
}

func (l *lineWalk) next(cell *plan.Cell, level int32) *Amount {
	l.amounts = append(l.amounts, l.blank)
	a := &l.amounts[len(l.amounts)-1]
	a.cell, a.Level, a.Row = cell, level, int32(cell.Row)
	return a
}

// reasonOf says why somebody of the upline cannot have a level, 0 for the seller's own pay.
func (w *Walker) reasonOf(why cause, position, level int32, table *plan.Table) string {
	person := w.in.at(position)
	rank, _ := w.plan.Rank(person.Rank) // The walk has found it.
	switch why {
	case causeStatus:
		return reasonStatus(person.Status)
	case causeOwnOrder:
		return reasonOwnOrder
	case causeNoCustomer:
		return reasonNoCustomer
	case causeBelow:
		return reasonBelow(w.plan.Ranks[rank], w.plan.Ranks[table.Opens(int(level))], int(level))
	case causeClosed:
		return reasonClosed(w.plan.Ranks[rank], int(level))
	default:
		return ""
	}
}
