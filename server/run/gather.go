package run

import (
	"context"
	"fmt"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// needsLines tells whether a plan asks more of sales than their sums: who bought, in how many orders, or when. Everything
// else is computed from the kept sums, of which there are as many as people and not as many as lines.
func needsLines(p *plan.Plan) bool {
	for i := range p.Components {
		c := &p.Components[i]
		if c.Period == plan.PerOrder {
			continue
		}
		switch c.Type {
		case plan.FirstOrder, plan.CustomerAcquisition, plan.FastStart, plan.Bands:
			return true
		}
		if asksOrders(c.Requires) {
			return true
		}
	}
	if asksOrders(p.Qualification.Active) {
		return true
	}
	for i := range p.Qualification.Ranks {
		if asksOrders(&p.Qualification.Ranks[i].Requires) {
			return true
		}
	}
	return false
}

// needsFirst tells whether it matters which order of a customer was the first.
func needsFirst(p *plan.Plan) bool {
	for i := range p.Components {
		switch p.Components[i].Type {
		case plan.FirstOrder, plan.CustomerAcquisition:
			return true
		}
	}
	return false
}

// asksOrders tells whether a condition counts orders or customers.
func asksOrders(c *plan.Condition) bool {
	if c == nil {
		return false
	}
	for i := range c.All {
		if asksOrders(&c.All[i]) {
			return true
		}
	}
	for i := range c.Any {
		if asksOrders(&c.Any[i]) {
			return true
		}
	}
	return asksOrders(c.Not) || c.Test != nil && (c.Test.Measure == plan.MeasureCustomers || c.Test.Measure == plan.MeasureOrders)
}

// gathering turns stored sales into numbers.
type gathering struct {
	crowd    *crowd
	plan     *plan.Plan
	currency money.Currency
	usesNet  bool
	span     Span
	lines    bool
	first    map[string]string // customer -> source of the first counted order
	later    firstBefore

	spool     *spool
	classes   dictionary
	countries dictionary
	orders    int32
	last      string // source of the line before
	customers map[string]int32
	sums      SalesTotals
}

// SalesTotals is what sold in a period. Net counts sales in the paying currency alone.
type SalesTotals struct {
	Rows     int64        `json:"rows"`
	Quantity int64        `json:"quantity"`
	NetMinor int64        `json:"-"`
	CV       money.Volume `json:"cv"`
	QV       money.Volume `json:"qv"`
}

// gatherSales reads a span's sales, and the late ones that count in it.
func gatherSales(ctx context.Context, books Books, program string, c *crowd, p *plan.Plan, span Span, dir string, late *lateSales) (*gathering, error) {
	g := &gathering{
		crowd: c, plan: p, currency: p.PeriodCurrency(), usesNet: usesNet(p), span: span, lines: needsLines(p), spool: newSpool(dir),
		countries: dictionary{texts: append([]string(nil), c.countries.texts...), index: map[string]uint16{}}, customers: map[string]int32{},
	}
	for i, text := range g.countries.texts {
		g.countries.index[text] = uint16(i)
	}
	if err := g.read(ctx, books, program, late); err != nil {
		g.spool.close()
		return nil, err
	}
	return g, nil
}

func (g *gathering) read(ctx context.Context, books Books, program string, late *lateSales) error {
	if needsFirst(g.plan) {
		g.first = map[string]string{}
		err := books.FirstOrders(ctx, program, g.span, func(f FirstOrder) error {
			g.first[f.CustomerID] = f.Source
			return nil
		})
		if err != nil {
			return err
		}
	}
	read := books.SumsOfSales
	if g.lines {
		read = books.LinesOfSales
	}
	if err := read(ctx, program, g.span, g.take); err != nil {
		return err
	}
	if late != nil {
		if err := g.readLate(ctx, books, program, late); err != nil {
			return err
		}
	}
	return g.spool.end()
}

// firstBefore tells of orders of earlier periods whether they were somebody's first.
type firstBefore struct {
	known, now map[string]string // customer -> source of the first counted order, as the periods before knew it, and as it is
}

// of tells whether a late change is of a customer's first order: one that counted as that, or one that is told only now
// where nothing counted before. undone tells that nothing is left of the former.
func (f *firstBefore) of(customer, source string) (first, isNew, undone bool) {
	switch before := f.known[customer]; {
	case customer == "" || f.now == nil:
		return false, false, false
	case before == source:
		return true, false, f.now[customer] != source
	default:
		return before == "" && f.now[customer] == source, true, false
	}
}

// readLate reads corrections of earlier periods. Where it matters which order of a customer was the first, they are kept
// until that is known: they are few.
func (g *gathering) readLate(ctx context.Context, books Books, program string, late *lateSales) error {
	if g.first == nil {
		return late.each(g.takeLate)
	}
	var list []Sale
	span := Span{From: g.span.From, To: g.span.From, UpTo: late.known}
	err := late.each(func(s *Sale) error {
		list = append(list, *s)
		span.From = min(span.From, s.OrderTS)
		return nil
	})
	if err != nil || len(list) == 0 {
		return err
	}
	g.later = firstBefore{map[string]string{}, map[string]string{}}
	for _, ask := range []struct {
		upTo int64
		into map[string]string
	}{{late.known, g.later.known}, {g.span.UpTo, g.later.now}} {
		span.UpTo = ask.upTo
		err := books.FirstOrders(ctx, program, span, func(f FirstOrder) error {
			ask.into[f.CustomerID] = f.Source
			return nil
		})
		if err != nil {
			return err
		}
	}
	for i := range list {
		if err := g.takeLate(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

// usesNet tells whether anything settled per period pays on net.
func usesNet(p *plan.Plan) bool {
	for i := range p.Components {
		if c := &p.Components[i]; c.Period != plan.PerOrder && c.Base == plan.BaseNet {
			return true
		}
	}
	for i := range p.Caps {
		if c := &p.Caps[i]; c.Per != plan.PerOrder && c.Of == plan.BaseNet {
			return true
		}
	}
	return false
}

// take adds a stored sale of the span.
func (g *gathering) take(s *Sale) error {
	sale, err := g.translate(s)
	if err != nil {
		return err
	}
	if g.lines {
		if s.Source != g.last || g.orders == 0 {
			g.orders++
			g.last = s.Source
		}
		sale.Order, sale.At = g.orders-1, s.OrderTS
		if sale.Buyer == period.Nobody && s.CustomerID != "" {
			sale.Customer = g.customer(s.CustomerID)
		}
		sale.First = g.first != nil && s.CustomerID != "" && g.first[s.CustomerID] == s.Source
	}
	return g.add(&sale)
}

func (g *gathering) customer(id string) int32 {
	at, known := g.customers[id]
	if !known {
		at = int32(len(g.customers))
		g.customers[id] = at
	}
	return at
}

// takeLate adds a correction of an earlier period: volume, and no order. It keeps the time of its order, by which a fast
// start that was paid on it is told from other volume; and what a first order was paid for follows it.
func (g *gathering) takeLate(s *Sale) error {
	sale, err := g.translate(s)
	if err != nil {
		return err
	}
	sale.At = s.OrderTS
	first, isNew, undone := g.later.of(s.CustomerID, s.Source)
	if sale.First = first; first && (isNew || undone) && sale.Buyer == period.Nobody {
		sale.Customer = g.customer(s.CustomerID)
	}
	return g.add(&sale)
}

func (g *gathering) translate(s *Sale) (sale period.Sale, err error) {
	sale = period.Sale{
		Seller: period.Nobody, Buyer: period.Nobody, Customer: period.Nobody, Order: period.Nobody, At: g.span.From,
		Quantity: s.Quantity, CV: s.CV, QV: s.QV,
	}
	if sale.Seller, err = g.person(s.SellerID, "seller"); err != nil {
		return sale, err
	}
	if sale.Buyer, err = g.person(s.BuyerID, "buyer"); err != nil {
		return sale, err
	}
	if sale.Class, err = g.classes.number(s.Class); err != nil {
		return sale, err
	}
	if sale.Country, err = g.countries.number(s.Country); err != nil {
		return sale, err
	}
	switch {
	case s.Currency == g.currency:
		sale.Net = s.NetMinor
	case g.usesNet && s.NetMinor != 0:
		return sale, fmt.Errorf("a sale of distributor %q is in %s, and the plan's periods pay on net in %s: pay them on cv, or per currency in plans of their own",
			s.SellerID, s.Currency, g.currency)
	}
	return sale, nil
}

func (g *gathering) person(id, what string) (int32, error) {
	if id == "" {
		return period.Nobody, nil
	}
	who, there := g.crowd.snapshot.Index(id)
	if !there {
		return 0, fmt.Errorf("the %s %s of a sale is not in the tree at the end of the period: import the distributor with the first day (created_at)", what, id)
	}
	return who, nil
}

func (g *gathering) add(sale *period.Sale) error {
	t := &g.sums
	t.Rows++
	for _, f := range [...]struct {
		into  *int64
		value int64
	}{{&t.Quantity, sale.Quantity}, {&t.NetMinor, sale.Net}, {(*int64)(&t.CV), int64(sale.CV)}, {(*int64)(&t.QV), int64(sale.QV)}} {
		sum, err := money.Add(*f.into, f.value)
		if err != nil {
			return fmt.Errorf("sum of all sales: %w", err)
		}
		*f.into = sum
	}
	return g.spool.add(sale)
}

// world joins everybody with what sold.
func (g *gathering) world(p period.Period) *period.World {
	return &period.World{
		Period: p, People: g.crowd.people, Sponsor: g.crowd.sponsor, Enroller: g.crowd.enroller, Positions: g.crowd.positions,
		Classes: g.classes.texts, Countries: g.countries.texts, Sales: g.spool, Currency: g.currency,
	}
}
