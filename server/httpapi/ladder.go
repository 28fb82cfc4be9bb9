package httpapi

import (
	"math/big"
	"strings"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// ladderView is a calculation with every figure as decimal text, so that a screen shows it without computing: a number
// in JSON becomes a float in most of its readers.
type ladderView struct {
	OrderTS        time.Time   `json:"order_ts"`
	Currency       string      `json:"currency"`
	Counts         bool        `json:"counts"`
	Why            string      `json:"why,omitempty"` // why it does not count
	SellerID       string      `json:"seller_id,omitempty"`
	Evidence       string      `json:"evidence,omitempty"` // the kind that won
	EvidenceValue  string      `json:"evidence_value,omitempty"`
	Lost           []lostView  `json:"lost"`
	BuyerID        string      `json:"buyer_distributor_id,omitempty"`
	Lines          []lineView  `json:"lines"`
	Totals         []totalView `json:"totals"`
	Breakage       string      `json:"breakage"`
	PlanHash       string      `json:"plan_hash"`
	TreeVersion    int64       `json:"tree_version"`
	CatalogVersion int64       `json:"catalog_version"`
	EngineVersion  int         `json:"engine_version"`
}

type lostView struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
	Why   string `json:"why"`
}

// lineView is one line: gross, what is taken from it, and net; then one ladder per component.
type lineView struct {
	LineID          string          `json:"line_id"`
	PlatformSKU     string          `json:"platform_sku,omitempty"`
	SKUID           string          `json:"sku_id,omitempty"`
	CommissionClass string          `json:"commission_class,omitempty"`
	Gross           string          `json:"gross"`
	Deductions      []deductionView `json:"deductions"`
	Net             string          `json:"net"`
	QuantityLeft    int64           `json:"quantity_left"`
	CV              string          `json:"cv"`
	Excluded        string          `json:"excluded,omitempty"`
	Components      []componentView `json:"components"`
}

type deductionView struct {
	Name   string `json:"name"`
	Amount string `json:"amount"`
}

type componentView struct {
	ComponentID string     `json:"component_id"`
	Base        string     `json:"base"`
	BaseAmount  string     `json:"base_amount"` // CV where base is "cv", else money
	Rungs       []rungView `json:"rungs"`
}

// rungView is one level of one component. Without DistributorID nobody stood there.
type rungView struct {
	Level         int          `json:"level"`
	DistributorID string       `json:"distributor_id,omitempty"`
	Rank          string       `json:"rank,omitempty"`
	Rule          string       `json:"rule"`
	Factors       []factorView `json:"factors"`
	Exact         string       `json:"exact"` // before rounding, in minor units, as a fraction where it does not end
	Rounding      string       `json:"rounding"`
	Amount        string       `json:"amount"`
	Paid          string       `json:"paid"`
	Breakage      string       `json:"breakage,omitempty"`
	Cuts          []cutView    `json:"cuts"`
	Skipped       []skipView   `json:"skipped"`
}

type factorView struct {
	Name  string `json:"name"`
	Value string `json:"value"` // "5%", "1.00 EUR per CV", or a fraction
}

type cutView struct {
	CapID  string `json:"cap_id"`
	Amount string `json:"amount"`
}

type skipView struct {
	DistributorID string `json:"distributor_id"`
	Reason        string `json:"reason"`
}

type totalView struct {
	DistributorID string `json:"distributor_id"`
	Paid          string `json:"paid"`
}

func ladderOf(e *commission.Explanation) *ladderView {
	v := &ladderView{
		OrderTS: time.UnixMicro(e.OrderTS).UTC(), Currency: string(e.Currency), Counts: e.Counts, Why: e.Why,
		SellerID: e.Attribution.DistributorID, Evidence: string(e.Attribution.Winner), EvidenceValue: e.Attribution.Value,
		Lost: []lostView{}, BuyerID: e.Buyer, Lines: []lineView{}, Totals: []totalView{},
		Breakage: money.FormatMinor(e.BreakageMinor, e.Currency),
		PlanHash: e.Pins.PlanHash, TreeVersion: e.Pins.TreeVersion, CatalogVersion: e.Pins.CatalogVersion,
		EngineVersion: e.Pins.EngineVersion,
	}
	for _, lost := range e.Attribution.Lost {
		v.Lost = append(v.Lost, lostView{Kind: string(lost.Kind), Value: lost.Value, Why: lost.Why})
	}
	for i := range e.Lines {
		v.Lines = append(v.Lines, lineOf(&e.Lines[i], e.Currency))
	}
	for _, total := range e.Totals {
		v.Totals = append(v.Totals, totalView{DistributorID: total.DistributorID, Paid: money.FormatMinor(total.PaidMinor, e.Currency)})
	}
	return v
}

func lineOf(line *commission.ExplainedLine, currency money.Currency) lineView {
	n := &line.Net
	v := lineView{
		LineID: n.LineID, PlatformSKU: line.PlatformSKU, SKUID: line.SKUID, CommissionClass: line.CommissionClass,
		Gross: money.FormatMinor(n.GrossMinor, currency), Deductions: []deductionView{},
		Net: money.FormatMinor(n.NetMinor, currency), QuantityLeft: n.QuantityLeft, CV: line.CV.String(),
		Excluded: n.Excluded, Components: []componentView{},
	}
	for _, taken := range []struct {
		name  string
		minor int64
	}{
		{"discount", n.DiscountMinor},
		{"order discount", n.OrderDiscountMinor},
		{"tax", n.TaxMinor},
		{"refunded", n.RefundedMinor},
		{"money refund", n.MoneyRefundMinor},
		{"unpaid", n.UnpaidMinor},
	} {
		if taken.minor != 0 {
			v.Deductions = append(v.Deductions, deductionView{taken.name, money.FormatMinor(taken.minor, currency)})
		}
	}
	for i := range line.Ladders {
		v.Components = append(v.Components, componentOf(&line.Ladders[i], currency))
	}
	return v
}

func componentOf(l *commission.Ladder, currency money.Currency) componentView {
	v := componentView{ComponentID: l.ComponentID, Base: l.Base, BaseAmount: money.FormatMinor(l.BaseMinor, currency), Rungs: []rungView{}}
	if l.Base == plan.BaseCV {
		v.BaseAmount = money.Volume(l.BaseMinor).String()
	}
	for i := range l.Rungs {
		v.Rungs = append(v.Rungs, rungOf(&l.Rungs[i], currency))
	}
	return v
}

func rungOf(r *commission.Rung, currency money.Currency) rungView {
	v := rungView{
		Level: r.Level, DistributorID: r.DistributorID, Rank: r.Rank, Rule: r.Rule, Factors: []factorView{},
		Exact: r.Exact, Rounding: r.Rounding, Amount: money.FormatMinor(r.AmountMinor, currency),
		Paid: money.FormatMinor(r.PaidMinor, currency), Breakage: r.Breakage, Cuts: []cutView{}, Skipped: []skipView{},
	}
	for _, f := range r.Factors {
		v.Factors = append(v.Factors, factorOf(f, currency))
	}
	for _, cut := range r.Cuts {
		v.Cuts = append(v.Cuts, cutView{CapID: cut.CapID, Amount: money.FormatMinor(cut.CutMinor, currency)})
	}
	for _, skip := range r.Skipped {
		v.Skipped = append(v.Skipped, skipView(skip))
	}
	return v
}

// cvToMoney is the factor that turns micro-units of CV into minor units of money; people think in whole ones.
const cvToMoney = "cv_to_money"

func factorOf(f commission.Factor, currency money.Currency) factorView {
	if f.Name != cvToMoney || f.Den == 0 {
		return factorView{Name: f.Name, Value: shareText(f.Num, f.Den)}
	}
	perCV := new(big.Rat).Mul(big.NewRat(f.Num, f.Den), big.NewRat(1_000_000, 1))
	for range currency.Exponent() {
		perCV.Quo(perCV, big.NewRat(10, 1))
	}
	text := perCV.RatString()
	if decimals, ends := perCV.FloatPrec(); ends && decimals <= maxDecimals {
		text = perCV.FloatString(max(decimals, currency.Exponent()))
	}
	return factorView{Name: f.Name, Value: text + " " + string(currency) + " per CV"}
}

// maxDecimals is how many decimals a percentage may need before its fraction is easier to read.
const maxDecimals = 9

// shareText writes a factor as percent with all its digits, or as a fraction where those do not end.
func shareText(num, den int64) string {
	if den == 0 {
		return "0"
	}
	percent := new(big.Rat).Mul(big.NewRat(num, den), big.NewRat(100, 1))
	decimals, ends := percent.FloatPrec()
	if !ends || decimals > maxDecimals {
		return strings.TrimSuffix(big.NewRat(num, den).String(), "/1")
	}
	return percent.FloatString(decimals) + "%"
}

// people are all distributors a calculation names, each once, in the order in which it does.
func (v *ladderView) people() []string {
	seen := map[string]bool{"": true}
	var ids []string
	add := func(id string) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	add(v.SellerID)
	add(v.BuyerID)
	for i := range v.Lines {
		for _, component := range v.Lines[i].Components {
			for j := range component.Rungs {
				for _, skip := range component.Rungs[j].Skipped {
					add(skip.DistributorID)
				}
				add(component.Rungs[j].DistributorID)
			}
		}
	}
	for _, total := range v.Totals {
		add(total.DistributorID)
	}
	return ids
}
