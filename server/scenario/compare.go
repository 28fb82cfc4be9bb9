package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
)

// report is what differs in one scenario.
type report struct {
	title  string
	broken string
	tables []table
}

// table is one comparison that failed.
type table struct {
	title string
	rows  []row
}

// row is one figure; "" for a figure that is not there.
type row struct {
	what           string
	expected, have string
}

func (r *report) failed() bool { return r.broken != "" || len(r.tables) > 0 }

// text is the report below its file's line, indented.
func (r *report) text() string {
	var b strings.Builder
	if r.broken != "" {
		fmt.Fprintf(&b, "      %s\n", strings.ReplaceAll(r.broken, "\n", "\n      "))
	}
	for _, t := range r.tables {
		fmt.Fprintf(&b, "      %s\n", t.title)
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintf(w, "        \texpected\tgot\n")
		for _, line := range t.rows {
			mark := ""
			if line.expected != line.have {
				mark = "\t<"
			}
			fmt.Fprintf(w, "        %s\t%s\t%s%s\n", line.what, cmp.Or(line.expected, "-"), cmp.Or(line.have, "-"), mark)
		}
		_ = w.Flush() // The writer below is memory.
	}
	return b.String()
}

// waits compares what kept an order from being settled with what the file expects, by a part of its words.
func (r *report) waits(place, expected string, err error) {
	have := "settled"
	if err != nil {
		have = err.Error()
	}
	if err != nil && expected != "" && strings.Contains(have, expected) {
		return
	}
	r.tables = append(r.tables, table{place, []row{{"waits", cmp.Or(expected, "settled"), have}}})
}

// same adds a table where two sets of figures differ; keys are what the figures are called.
func (r *report) same(title string, expected, have map[string]string) {
	names := map[string]bool{}
	for name := range expected {
		names[name] = true
	}
	for name := range have {
		names[name] = true
	}
	t := table{title: title}
	differs := false
	for name := range names {
		t.rows = append(t.rows, row{name, expected[name], have[name]})
		differs = differs || expected[name] != have[name]
	}
	slices.SortFunc(t.rows, func(a, b row) int { return cmp.Compare(a.what, b.what) })
	if differs {
		r.tables = append(r.tables, t)
	}
}

// compare holds one revision against what the file expects.
func (s *settled) compare(r *report, place string, want outcome) error {
	currency := s.order.Currency
	if want.Net != "" {
		net, err := canonical(want.Net, currency)
		if err != nil {
			return fmt.Errorf("net: %w", err)
		}
		r.same(place+", net", map[string]string{"net": net}, map[string]string{"net": money.FormatMinor(s.net.NetMinor, currency)})
	}
	if want.Seller != nil {
		r.same(place+", seller", map[string]string{"seller": *want.Seller}, map[string]string{"seller": s.seller})
	}
	for _, part := range []struct {
		name     string
		want     amounts
		breakage bool
	}{{"earned", want.Earned, false}, {"breakage", want.Breakage, true}} {
		if part.want == nil {
			continue
		}
		expected, err := part.want.flat(currency)
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		have, err := sums(s.result.Events, part.breakage, currency)
		if err != nil {
			return err
		}
		r.same(place+", "+part.name, expected, have)
	}
	return s.comparePostings(r, place, want.Postings)
}

// flat names each amount "component person", leaving out zeros, which stand for nothing.
func (a amounts) flat(currency money.Currency) (map[string]string, error) {
	out := map[string]string{}
	for component, people := range a {
		for who, text := range people {
			amount, err := canonical(text, currency)
			if err != nil {
				return nil, fmt.Errorf("%s of %s: %w", component, who, err)
			}
			if amount != money.FormatMinor(0, currency) {
				out[component+" "+who] = amount
			}
		}
	}
	return out, nil
}

// canonical writes an amount with all decimals of its currency.
func canonical(text string, currency money.Currency) (string, error) {
	minor, err := money.ParseMinor(text, currency)
	return money.FormatMinor(minor, currency), err
}

// sums adds events up by component and person.
func sums(events []commission.Event, breakage bool, currency money.Currency) (map[string]string, error) {
	totals := map[string]int64{}
	for _, event := range events {
		if event.Breakage != breakage {
			continue
		}
		name := event.ComponentID + " " + event.DistributorID
		total, err := money.Add(totals[name], event.AmountMinor)
		if err != nil {
			return nil, fmt.Errorf("sum of %s: %w", name, err)
		}
		totals[name] = total
	}
	return formatted(totals, currency), nil
}

func formatted(totals map[string]int64, currency money.Currency) map[string]string {
	out := make(map[string]string, len(totals))
	for name, total := range totals {
		if total != 0 {
			out[name] = money.FormatMinor(total, currency)
		}
	}
	return out
}

// comparePostings holds what the ledger grew by against the file; per line only where the file names lines.
func (s *settled) comparePostings(r *report, place string, want *[]posting) error {
	if want == nil {
		return nil
	}
	currency := s.order.Currency
	byLine := slices.ContainsFunc(*want, func(p posting) bool { return p.Line != "" })
	expected := map[string]int64{}
	for _, p := range *want {
		minor, err := money.ParseMinor(p.Amount, currency)
		if err != nil {
			return fmt.Errorf("posting of %s: %w", p.Person, err)
		}
		expected[postingName(byLine, p.Line, p.Component, p.Person, cmp.Or(p.Kind, string(ledger.Earning)))] += minor
	}
	have := map[string]int64{}
	for _, p := range s.postings {
		have[postingName(byLine, p.Key.LineID, p.Key.ComponentID, p.Key.DistributorID, string(p.Key.Kind))] += p.AmountMinor
	}
	r.same(place+", postings", formatted(expected, currency), formatted(have, currency))
	return nil
}

func postingName(byLine bool, line, component, who, kind string) string {
	name := fmt.Sprintf("%s %s %s", kind, component, who)
	if byLine {
		return "line " + line + " " + name
	}
	return name
}

// end compares what stands after all orders.
func (w *world) end(r *report) error {
	currency, want := money.Currency(w.file.Currency), w.file.Expect
	if want.Balances != nil {
		expected, err := (amounts{"balance": want.Balances}).flat(currency)
		if err != nil {
			return fmt.Errorf("expect: balances: %w", err)
		}
		have := map[string]int64{}
		for _, b := range w.posted {
			if b.Key.Kind == ledger.Earning && b.Key.Currency == currency {
				have["balance "+b.Key.DistributorID] += b.AmountMinor
			}
		}
		r.same("in the end, balances", expected, formatted(have, currency))
	}
	if err := w.comparePlaces(r); err != nil {
		return err
	}
	if want.Cut == nil {
		return nil
	}
	return w.compareCuts(r, currency)
}

// compareCuts applies the caps per period to everything posted.
func (w *world) compareCuts(r *report, currency money.Currency) error {
	expected := map[string]string{}
	for limit, parts := range w.file.Expect.Cut {
		flat, err := parts.flat(currency)
		if err != nil {
			return fmt.Errorf("expect: cut: %s: %w", limit, err)
		}
		for name, amount := range flat {
			expected[limit+" "+name] = amount
		}
	}
	cuts, err := commission.CapPeriod(w.file.plan, w.earnings())
	if err != nil {
		return fmt.Errorf("expect: cut: %w", err)
	}
	have := map[string]int64{}
	for _, cut := range cuts {
		if cut.Currency == currency {
			have[cut.CapID+" "+cut.ComponentID+" "+cut.DistributorID] += cut.CutMinor
		}
	}
	r.same("in the end, cut", expected, formatted(have, currency))
	return nil
}

// earnings sums up what is posted as the earnings of one period.
func (w *world) earnings() []commission.PeriodEarning {
	var out []commission.PeriodEarning
	for _, b := range w.posted {
		if b.Key.Kind != ledger.Earning {
			continue
		}
		e := commission.PeriodEarning{
			DistributorID: b.Key.DistributorID, Rank: w.ranks[b.Key.DistributorID], ComponentID: b.Key.ComponentID, Currency: b.Key.Currency,
		}
		i := slices.IndexFunc(out, func(other commission.PeriodEarning) bool {
			return other.DistributorID == e.DistributorID && other.ComponentID == e.ComponentID && other.Currency == e.Currency
		})
		if i < 0 {
			i = len(out)
			out = append(out, e)
		}
		out[i].AmountMinor += b.AmountMinor
	}
	return out
}
