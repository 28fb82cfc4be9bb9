package commission

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// shortHash is how much of a plan's hash a person is shown.
const shortHash = 12

// exactPlaces is how many decimals of an unrounded amount a person is shown before the fraction is.
const exactPlaces = 12

// Text tells the explanation as plain text. names gives what to call a distributor; nil shows ids.
func (e Explanation) Text(names func(id string) string) string {
	t := teller{currency: e.Currency, e: &e, names: names}
	t.head()
	for i := range e.Lines {
		t.line(&e.Lines[i])
	}
	t.totals()
	return t.b.String()
}

// teller writes one explanation.
type teller struct {
	currency money.Currency
	e        *Explanation // nil where something else than an order is told
	names    func(id string) string
	b        strings.Builder
}

func (t *teller) printf(format string, args ...any) { fmt.Fprintf(&t.b, format, args...) }

func (t *teller) money(minor int64) string {
	return money.Amount{Minor: minor, Currency: t.currency}.String()
}

func (t *teller) name(id string) string {
	if t.names == nil {
		return id
	}
	return t.names(id)
}

func (t *teller) head() {
	e := t.e
	t.printf("Order %s of %s\n", e.Source, utc(e.OrderTS))
	if !e.Counts {
		t.printf("It earns nothing: %s.\n", e.Why)
	}
	a := e.Attribution
	if a.DistributorID == "" {
		t.printf("Nobody's sale: the order belongs to the company.\n")
	} else {
		t.printf("Sold by %s, on the evidence of %s %q.\n", t.name(a.DistributorID), a.Winner, a.Value)
	}
	for _, lost := range a.Lost {
		t.printf("Evidence %s %q lost: %s.\n", lost.Kind, lost.Value, lost.Why)
	}
	if e.Buyer != "" {
		t.printf("Bought by distributor %s.\n", t.name(e.Buyer))
	}
	t.printf("Plan %s, tree version %d, catalogue version %d, engine version %d.\n",
		e.Pins.PlanHash[:min(shortHash, len(e.Pins.PlanHash))], e.Pins.TreeVersion, e.Pins.CatalogVersion, e.Pins.EngineVersion)
}

func (t *teller) line(line *ExplainedLine) {
	n := &line.Net
	t.printf("\nLine %s", n.LineID)
	if line.PlatformSKU != "" {
		t.printf(", %s", line.PlatformSKU)
	}
	if line.CommissionClass != "" {
		t.printf(", class %s", line.CommissionClass)
	}
	t.printf("\n  %s", t.money(n.GrossMinor))
	names := [...]string{"discount", "order discount", "tax", "refunded", "money refund", "unpaid"}
	columns := waterfall(n)
	for i, name := range names {
		if columns[i+1] != 0 {
			t.printf(" - %s %s", money.FormatMinor(columns[i+1], t.currency), name)
		}
	}
	if n.Excluded != "" {
		t.printf(", not commissionable: %s\n", n.Excluded)
		return
	}
	t.printf(" = %s net, %d left", t.money(n.NetMinor), n.QuantityLeft)
	if line.CV != 0 {
		t.printf(", %s CV", line.CV)
	}
	t.printf("\n")
	for i := range line.Ladders {
		t.ladder(&line.Ladders[i])
	}
}

func (t *teller) ladder(ladder *Ladder) {
	base := t.money(ladder.BaseMinor) + " " + ladder.Base
	switch ladder.Base {
	case plan.BaseCV:
		base = money.Volume(ladder.BaseMinor).String() + " CV"
	case baseUnits:
		base = strconv.FormatInt(ladder.BaseMinor, 10) + " units"
	}
	t.printf("  %s on %s", ladder.ComponentID, base)
	if ladder.Tree != "" {
		t.printf(", along the %s tree", ladder.Tree)
	}
	if f := ladder.FirstDays; f != nil {
		t.printf(", in the first %d days of %s, from %s until %s", f.Days, t.name(f.DistributorID), utc(f.EnrolledAt), utc(f.Until))
	}
	t.printf("\n")
	for i := range ladder.Rungs {
		t.rung(&ladder.Rungs[i], base)
	}
}

// utc writes an instant for people.
func utc(micros int64) string { return time.UnixMicro(micros).UTC().Format("2006-01-02 15:04:05 UTC") }

func (t *teller) rung(rung *Rung, base string) {
	where := "seller "
	if rung.Level > 0 {
		where = "level " + strconv.Itoa(rung.Level)
	}
	for _, skip := range rung.Skipped {
		t.printf("    %s  %s passed over: %s\n", where, t.name(skip.DistributorID), skip.Reason)
	}
	if rung.DistributorID == "" {
		t.printf("    %s  nobody\n", where)
		return
	}
	t.printf("    %s  %s (%s): %s", where, t.name(rung.DistributorID), rung.Rank, base)
	for _, factor := range rung.Factors {
		t.printf(" x %s", t.factor(factor))
	}
	t.printf(" = %s", t.exact(rung.Exact))
	if rounded := t.money(rung.AmountMinor); rounded != t.exact(rung.Exact) {
		t.printf(", rounded %s to %s", rung.Rounding, rounded)
	}
	if rung.Breakage != "" {
		t.printf("; not paid, breakage: %s", rung.Breakage)
	}
	for _, cut := range rung.Cuts {
		t.printf("; cap %s takes %s", cut.CapID, t.money(cut.CutMinor))
	}
	if len(rung.Cuts) > 0 {
		t.printf(", which leaves %s", t.money(rung.PaidMinor))
	}
	t.printf("\n")
}

// factor shows a rate as percent and the value of CV as money; anything else as a fraction.
func (t *teller) factor(f Factor) string {
	value := big.NewRat(f.Num, f.Den)
	if f.Name == factorAmount {
		return t.major(value)
	}
	if f.Name == factorCVToMoney {
		value.Mul(value, big.NewRat(1_000_000, 1))
		return t.major(value) + " per CV"
	}
	value.Mul(value, big.NewRat(100, 1))
	if decimals, terminates := value.FloatPrec(); terminates && decimals <= exactPlaces {
		return value.FloatString(decimals) + "%"
	}
	return fmt.Sprintf("%d/%d", f.Num, f.Den)
}

// exact shows an unrounded amount in major units.
func (t *teller) exact(text string) string {
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return text
	}
	return t.major(value)
}

// major shows minor units as decimals of the currency, at least as many as it has; as a fraction where they do not end.
func (t *teller) major(minor *big.Rat) string {
	exponent := max(t.currency.Exponent(), 0)
	value := new(big.Rat).Set(minor)
	for range exponent {
		value.Quo(value, big.NewRat(10, 1))
	}
	decimals, terminates := value.FloatPrec()
	if !terminates || decimals > exactPlaces {
		return value.RatString() + " " + string(t.currency)
	}
	return value.FloatString(max(decimals, exponent)) + " " + string(t.currency)
}

func (t *teller) totals() {
	t.printf("\n")
	for _, total := range t.e.Totals {
		t.printf("%s earns %s.\n", t.name(total.DistributorID), t.money(total.PaidMinor))
	}
	if len(t.e.Totals) == 0 {
		t.printf("Nobody earns anything.\n")
	}
	if t.e.BreakageMinor > 0 {
		t.printf("Breakage is %s.\n", t.money(t.e.BreakageMinor))
	}
}
