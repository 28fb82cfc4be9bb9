package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"upline.dev/upline/core/money"
)

// Ratio is an exact multiplier in lowest terms; Den is above zero.
type Ratio struct {
	Num, Den int64
}

// Reduce gives num/den in lowest terms, for num of zero or more and den above zero.
func Reduce(num, den int64) Ratio {
	a, b := num, den
	for b != 0 {
		a, b = b, a%b
	}
	return Ratio{Num: num / a, Den: den / a}
}

// RatioOf is a rate of zero or more as a ratio.
func RatioOf(rate money.Rate) Ratio { return Reduce(int64(rate), int64(money.One)) }

// Cell is one rate of a table. A Rate of 0 means that the level is not open.
type Cell struct {
	Rate  money.Rate // 0 in a row without a rate or levels, such as one of amounts
	Ratio Ratio
	Row   int    // index into Component.Rates
	Rule  string // path of the rate in the plan, for example components[1].rates[0].levels[2]
}

// Table is the rates of one class, by level and rank. Retail has the one level 1.
type Table struct {
	levels [][]Cell // by level - 1, then by rank
	opens  []int    // by level - 1: the lowest rank that opens it, or -1
}

type classTable struct {
	class string
	table *Table
}

// Depth is the number of the highest level any rank opens.
func (t *Table) Depth() int { return len(t.levels) }

// Cell is the rate of a level, from 1, for a rank.
func (t *Table) Cell(level, rank int) *Cell { return &t.levels[level-1][rank] }

// Opens is the lowest rank that opens a level, or -1 if none does.
func (t *Table) Opens(level int) int { return t.opens[level-1] }

// Table is the rates that hold for a class; nil where the component pays nothing on it.
func (c *Component) Table(class string) *Table {
	for i := range c.tables {
		if c.tables[i].class == class || c.tables[i].class == Any {
			return c.tables[i].table
		}
	}
	return nil
}

// Share is Commissionable, read.
func (c *Component) Share() Ratio { return c.share }

// Excludes tells whether a fast start keeps what it pays on from another component. With "*" these are all that are paid
// on volume in the same period.
func (c *Component) Excludes(other *Component) bool {
	if c.FastStartTerms == nil || c == other {
		return false
	}
	names := c.FastStartTerms.Excludes
	return slices.Contains(names, other.ID) || slices.Contains(names, Any) && other.Period == c.Period && len(other.volumeBases()) > 0
}

// BaseIndex is the index of the component this one is a share of, or -1.
func (c *Component) BaseIndex() int { return c.base }

// LimitShare is the limit of a cap that is a share.
func (c *Cap) LimitShare() (money.Rate, bool) { return c.share, strings.HasSuffix(c.Limit, "%") }

// LimitMinor is the limit of a cap that is an amount, in minor units of currency; false where the cap names none in it.
func (c *Cap) LimitMinor(currency money.Currency) (int64, bool) {
	text, ok := c.Limit, c.Limits == nil
	if !ok {
		if text, ok = c.Limits[string(currency)]; !ok {
			text, ok = c.Limits[Any]
		}
	}
	minor, err := money.ParseMinor(text, currency)
	return minor, ok && err == nil
}

// parseShare reads a proportion; share checks its bounds.
func parseShare(text string) (money.Rate, error) {
	rate, err := money.ParseRate(text)
	if err != nil {
		return 0, fmt.Errorf("rate: %w", err)
	}
	return rate, nil
}

// compile prepares what Calculate looks up for every order. All texts have been validated.
func (p *Plan) compile() {
	at, _ := effectiveFrom(p.EffectiveFrom)
	p.effective = at.UnixMicro()
	p.rounding, _ = money.ParseRounding(p.Rounding)
	p.cvValue = make(map[string]money.Rate, len(p.Volume.Money))
	for currency, text := range p.Volume.Money {
		p.cvValue[currency], _ = parseShare(text)
	}
	for i := range p.Components {
		c := &p.Components[i]
		share, _ := parseShare(c.Commissionable)
		c.share, c.base = RatioOf(share), -1
		if name, ok := strings.CutPrefix(c.Base, ComponentBase); ok {
			c.base = p.componentIndex(name)
		}
		if len(c.Rates) > 0 {
			c.compileTables(i, p.Ranks)
		}
		p.compileCondition(c.Requires)
		p.compileBands(c)
	}
	p.compileCondition(p.Qualification.Active)
	for i := range p.Qualification.Ranks {
		p.compileCondition(&p.Qualification.Ranks[i].Requires)
	}
	for i := range p.Caps {
		p.Caps[i].share, _ = parseShare(p.Caps[i].Limit)
		if p.Caps[i].Per == PerOrder {
			p.orderCaps = append(p.orderCaps, &p.Caps[i])
		}
	}
	p.compileOrders()
}

// compileOrders notes what settling an order has to know beside the seller's sponsors.
func (p *Plan) compileOrders() {
	for i := range p.Components {
		c := &p.Components[i]
		if c.Period != PerOrder {
			continue
		}
		p.enrollers = p.enrollers || c.Tree == TreeEnroller
		if c.Type != FastStart {
			continue
		}
		fast := FastOrder{Component: i}
		for j := range p.Components {
			if c.Excludes(&p.Components[j]) {
				fast.Excludes = append(fast.Excludes, j)
			}
		}
		p.orderFast = append(p.orderFast, fast)
	}
}

// compileTables makes one table per class named; the one for * comes last, so that the first match is the right one.
func (c *Component) compileTables(component int, ranks []string) {
	rows := make(map[[2]string]int, len(c.Rates))
	var classes []string
	for i, row := range c.Rates {
		rows[[2]string{row.Class, row.Rank}] = i
		if row.Class != Any && !slices.Contains(classes, row.Class) {
			classes = append(classes, row.Class)
		}
	}
	for _, class := range append(classes, Any) {
		if class != Any || lookup(rows, Any, ranks[0]) >= 0 {
			c.tables = append(c.tables, classTable{class, c.compileTable(component, class, ranks, rows)})
		}
	}
}

func (c *Component) compileTable(component int, class string, ranks []string, rows map[[2]string]int) *Table {
	t := &Table{}
	for rank, name := range ranks {
		row := lookup(rows, class, name)
		path := index(join(index("components", component), "rates"), row)
		if c.Rates[row].Levels == nil {
			t.set(len(ranks), rank, 1, row, join(path, "rate"), orElse(c.Rates[row].Rate, "0"))
			continue
		}
		for i, text := range c.Rates[row].Levels {
			t.set(len(ranks), rank, i+1, row, join(path, "levels")+"["+strconv.Itoa(i)+"]", text)
		}
	}
	return t
}

// set puts one rate in its place; ranks come lowest first, so the first to open a level is the lowest.
func (t *Table) set(ranks, rank, level, row int, rule, text string) {
	for len(t.levels) < level {
		t.levels = append(t.levels, make([]Cell, ranks))
		t.opens = append(t.opens, -1)
	}
	rate, _ := parseShare(text)
	t.levels[level-1][rank] = Cell{Rate: rate, Ratio: RatioOf(rate), Row: row, Rule: rule}
	if rate > 0 && t.opens[level-1] < 0 {
		t.opens[level-1] = rank
	}
}

// compileCondition reads the figures of every test.
func (p *Plan) compileCondition(c *Condition) {
	if c == nil {
		return
	}
	for i := range c.All {
		p.compileCondition(&c.All[i])
	}
	for i := range c.Any {
		p.compileCondition(&c.Any[i])
	}
	p.compileCondition(c.Not)
	if c.Test != nil {
		p.compileTest(c.Test)
	}
}

func (p *Plan) compileTest(t *Test) {
	switch t.Measure {
	case MeasurePV, MeasureGV, MeasurePGV, MeasureCV, MeasureLeg:
		volume, _ := money.ParseVolume(t.Number) // Validate has read all of these.
		t.number = int64(volume)
	default:
		t.number, _ = strconv.ParseInt(t.Number, 10, 64)
	}
	legVolume, _ := money.ParseVolume(t.LegVolume) // "" for most tests, which is 0.
	share, _ := parseShare(t.MaxLegShare)
	t.legVolume, t.share, t.rank = int64(legVolume), int64(share), -1
	for _, name := range []string{t.LegRank, t.Without, strings.Join(t.Words, "")} {
		if rank, ok := p.Rank(name); ok && name != "" {
			t.rank = rank
		}
	}
	if t.Measure == MeasurePGV && t.Without == "" && p.Qualification.BreakawayRank != "" {
		t.rank, _ = p.Rank(p.Qualification.BreakawayRank)
	}
}

// compileBands reads the figures of every band.
func (p *Plan) compileBands(c *Component) {
	var bands []Band
	of := MeasureGV
	switch {
	case c.DifferentialTerms != nil:
		bands = c.DifferentialTerms.Bands
	case c.AcquisitionTerms != nil:
		bands, of = c.AcquisitionTerms.Bands, MeasureCustomers
	case c.BandsTerms != nil:
		bands, of = c.BandsTerms.Bands, c.BandsTerms.Of
		if of == BandsOfOrder && c.Base == BaseCV {
			of = MeasureCV
		}
	}
	for i := range bands {
		b := &bands[i]
		b.from, _ = bandFrom(of, b.From, p.PeriodCurrency())
		rate, _ := parseShare(b.Rate)
		b.rate = RatioOf(rate)
		b.minor, _ = p.PeriodMinor(b.Amount)
	}
}

// bandFrom reads where a band begins: micro-units of volume, minor units where each order's net decides, or a count.
func bandFrom(of, text string, currency money.Currency) (int64, bool) {
	switch of {
	case MeasureCustomers:
		value, err := strconv.ParseInt(strings.TrimPrefix(text, "+"), 10, 64)
		return value, err == nil && value <= maxCount
	case BandsOfOrder:
		minor, err := money.ParseMinor(text, currency)
		return minor, err == nil
	default:
		volume, err := money.ParseVolume(text)
		return int64(volume), err == nil
	}
}

// PeriodMinor is major units of what period components pay in as minor units.
func (p *Plan) PeriodMinor(text string) (int64, bool) {
	minor, err := money.ParseMinor(text, p.PeriodCurrency())
	return minor, err == nil
}

// BaseUnits is a figure in units of a component's base: micro-units for points of CV, minor units for money.
func (p *Plan) BaseUnits(c *Component, text string) (int64, bool) {
	if c.Base == BaseCV {
		volume, err := money.ParseVolume(text)
		return int64(volume), err == nil
	}
	return p.PeriodMinor(text)
}

// PeriodCurrency is what period components pay in; "" where the plan names none.
func (p *Plan) PeriodCurrency() money.Currency {
	if p.Periods.Currency != "" {
		return money.Currency(p.Periods.Currency)
	}
	if p.Currency == ShopCurrency {
		return ""
	}
	return money.Currency(p.Currency)
}

// AmountMinor is the amount of a row of the rate table in minor units of c; false where the row has none in it.
func (p *Plan) AmountMinor(row *Rate, c money.Currency) (int64, bool) {
	text, ok := row.Amounts[string(c)]
	if !ok {
		text, ok = row.Amounts[Any]
	}
	if !ok && row.Amount != "" && (c == p.PeriodCurrency() || string(c) == p.Currency) {
		text, ok = row.Amount, true
	}
	minor, err := money.ParseMinor(text, c)
	return minor, ok && err == nil
}
