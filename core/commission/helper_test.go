package commission_test

import (
	"fmt"

	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
)

// mustPlan parses a plan document.
func mustPlan(t rapid.TB, document string) *plan.Plan {
	t.Helper()
	p, err := plan.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// chain is an upline, the seller first: "B active member".
func chain(people ...[3]string) []genealogy.Person {
	out := make([]genealogy.Person, len(people))
	for i, p := range people {
		out[i] = genealogy.Person{ID: p[0], Status: genealogy.Status(p[1]), Rank: p[2]}
	}
	return out
}

// sale is an input of lines sold by the first of the upline to a customer.
func sale(p *plan.Plan, currency money.Currency, upline []genealogy.Person, lines ...commission.Line) commission.Input {
	for i := range lines {
		lines[i].LineID = fmt.Sprint(i + 1)
		lines[i].SKUID, lines[i].PlatformSKU = "sku-"+lines[i].LineID, "SKU-"+lines[i].LineID
		if lines[i].Quantity == 0 {
			lines[i].Quantity = 1
		}
	}
	return commission.Input{
		Source: order.Source{StoreID: "store-1", PlatformOrderID: "1001"}, OrderTS: 1767225600000000, Currency: currency,
		Lines: lines, Attribution: order.Attribution{DistributorID: upline[0].ID, Winner: order.DistributorCode, Value: "CODE"},
		Upline: upline,
		Pins:   commission.Pins{PlanHash: p.Hash(), TreeVersion: 7, CatalogVersion: 3, EngineVersion: commission.EngineVersion},
	}
}

// netOf is the plainest breakdown that ends at the lines' net.
func netOf(lines []commission.Line) order.Breakdown {
	b := order.Breakdown{Counts: true}
	for _, line := range lines {
		b.Lines = append(b.Lines, order.LineNet{
			LineID: line.LineID, GrossMinor: line.NetMinor + 7, DiscountMinor: 7, NetMinor: line.NetMinor, QuantityLeft: line.Quantity,
		})
		b.NetMinor += line.NetMinor
	}
	return b
}

// events writes a result's events as lines a person can compare.
func events(r commission.Result) []string {
	var out []string
	for _, e := range r.Events {
		text := fmt.Sprintf("%s %s %s %d", e.LineID, e.ComponentID, e.DistributorID, e.AmountMinor)
		if e.Breakage {
			text += " breakage: " + e.Reason
		}
		out = append(out, text)
	}
	return out
}
