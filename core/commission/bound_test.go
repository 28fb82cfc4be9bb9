package commission_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// drawOrderPlan draws a plan of components that settle per order, with rates, classes, compressions and caps of all kinds.
func drawOrderPlan(t *rapid.T) *plan.Plan {
	ranks := []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "ranks")]
	rate := func() string {
		return fmt.Sprintf("%d.%d%%", rapid.IntRange(0, 12).Draw(t, "rate"), rapid.IntRange(0, 9).Draw(t, "tenths"))
	}
	rows := func(pay func() string) string {
		var out []string
		for _, class := range []string{"tea", "*"}[rapid.IntRange(0, 1).Draw(t, "classes"):] {
			for _, rank := range ranks {
				out = append(out, fmt.Sprintf(`{"class":%q,"rank":%q,%s}`, class, rank, pay()))
			}
		}
		return strings.Join(out, ",")
	}
	levels := func() string {
		var out []string
		for range rapid.IntRange(0, 3).Draw(t, "levels") {
			out = append(out, `"`+rate()+`"`)
		}
		return `"levels":[` + strings.Join(out, ",") + `]`
	}
	var parts []string
	for i := range rapid.IntRange(1, 3).Draw(t, "components") {
		base := rapid.SampledFrom([]string{"net", "cv", "component:c0"}).Draw(t, "base")
		if i == 0 {
			base = "net"
		}
		share := rapid.SampledFrom([]string{"100%", "40%"}).Draw(t, "commissionable")
		common := fmt.Sprintf(`"id":"c%d","base":%q,"commissionable":%q`, i, base, share)
		if i > 0 && base != "component:c0" && rapid.IntRange(0, 2).Draw(t, "fast start") == 0 {
			parts = append(parts, fmt.Sprintf(`{%s,"type":"fast_start","period":"order","fast_start":{"days":%d,"roll_up":%t,"excludes":[%s]},"rates":[%s]}`,
				common, rapid.IntRange(1, 3).Draw(t, "days"), rapid.Bool().Draw(t, "roll up"),
				rapid.SampledFrom([]string{"", `"c0"`, `"*"`}).Draw(t, "excludes"), rows(levels)))
			continue
		}
		if rapid.Bool().Draw(t, "retail") {
			parts = append(parts, fmt.Sprintf(`{%s,"type":"retail","rates":[%s]}`, common, rows(func() string { return `"rate":"` + rate() + `"` })))
			continue
		}
		parts = append(parts, fmt.Sprintf(`{%s,"type":"unilevel","compression":%q,"levels_from":%q,"rates":[%s]}`, common,
			rapid.SampledFrom([]string{"none", "dynamic"}).Draw(t, "compression"), rapid.SampledFrom([]string{"seller", "buyer"}).Draw(t, "from"), rows(levels)))
	}
	var caps []string
	for i, scope := range []string{"line", "component", "company"} {
		if rapid.IntRange(0, 3).Draw(t, "cap") == 0 {
			named := ""
			if scope == "component" {
				named = `"component":"c0",`
			}
			caps = append(caps, fmt.Sprintf(`{"id":"k%d","scope":%q,%s"limit":"%s","of":"net"}`, i, scope, named, rate()))
		}
	}
	return mustRapidPlan(t, fmt.Sprintf(`{"name":"drawn","rounding":"down","ranks":["%s"],"volume":{"money":{"*":"1"}},"components":[%s],"caps":[%s]}`,
		strings.Join(ranks, `","`), strings.Join(parts, ","), strings.Join(caps, ",")))
}

func mustRapidPlan(t *rapid.T, document string) *plan.Plan {
	p, err := plan.Parse([]byte(document))
	if err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	return p
}

// paidOn is what an order of lines whose CV is worth their net pays, in minor units.
func paidOn(t *rapid.T, p *plan.Plan, in commission.Input) int64 {
	r, err := commission.Calculate(in, p)
	if err != nil {
		t.Fatal(err)
	}
	var paid int64
	for _, event := range r.Events {
		if !event.Breakage {
			paid += event.AmountMinor
		}
	}
	return paid
}

// enrolledBefore is the seller's enrolment so many days before the order.
func enrolledBefore(in commission.Input, days int) []commission.Enrolment {
	return []commission.Enrolment{{DistributorID: in.Attribution.DistributorID, At: in.OrderTS - int64(days)*24*60*60*1_000_000}}
}

// No order of any company is paid more than the bound says, and the witness is an order that is paid what it says.
func TestNoOrderPaysMoreThanTheBound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawOrderPlan(t)
		bound := p.Bound()
		var upline []genealogy.Person
		for i := range rapid.IntRange(1, 6).Draw(t, "people") {
			upline = append(upline, genealogy.Person{
				ID: fmt.Sprintf("D-%c", 'a'+i), Rank: rapid.SampledFrom(p.Ranks).Draw(t, "rank"),
				Status: genealogy.Status(rapid.SampledFrom([]string{"active", "active", "active", "terminated"}).Draw(t, "status")),
			})
		}
		var lines []commission.Line
		var net int64
		for _, class := range []string{"tea", "cup"}[:rapid.IntRange(1, 2).Draw(t, "lines")] {
			minor := rapid.Int64Range(0, 10_000_000).Draw(t, "net")
			net += minor
			lines = append(lines, commission.Line{CommissionClass: class, NetMinor: minor, CV: money.Volume(minor * 10_000)})
		}
		most := new(big.Rat).Mul(bound.Total, new(big.Rat).SetInt64(net))
		in := sale(p, "EUR", upline, lines...)
		in.Enrolled = enrolledBefore(in, rapid.IntRange(0, 4).Draw(t, "days since enrolment"))
		if paid := paidOn(t, p, in); new(big.Rat).SetInt64(paid).Cmp(most) > 0 {
			t.Fatalf("%d of %d paid, and the bound is %s\n%s", paid, net, plan.Percent(bound.Total), p.Canonical())
		}
	})
}

func TestWitnessesArePaidWhatTheySay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawOrderPlan(t)
		for _, class := range p.Bound().Classes {
			if len(class.Witness.Ranks) == 0 {
				continue // No order is told.
			}
			var upline []genealogy.Person
			for i, rank := range class.Witness.Ranks {
				upline = append(upline, genealogy.Person{ID: fmt.Sprintf("D-%c", 'a'+i), Rank: rank, Status: "active"})
			}
			const net = 1_000_000_000
			in := sale(p, "EUR", upline, commission.Line{CommissionClass: class.Class, NetMinor: net, CV: net * 10_000})
			in.Enrolled = enrolledBefore(in, 1000)
			if class.Witness.New {
				in.Enrolled = enrolledBefore(in, class.Witness.Day)
			}
			r, err := commission.Calculate(in, p)
			if err != nil {
				t.Fatal(err)
			}
			var worth int64
			for _, step := range r.Steps { // Before caps.
				if step.Breakage == "" {
					worth += step.AmountMinor
				}
			}
			want := new(big.Rat).Mul(class.Witness.Share, new(big.Rat).SetInt64(net))
			low := new(big.Rat).SetInt64(worth)
			high := new(big.Rat).SetInt64(worth + int64(2*len(r.Steps)) + 1)
			if want.Cmp(low) < 0 || want.Cmp(high) > 0 {
				t.Fatalf("class %s: %v is paid %d of %d, and should be %s\n%s", class.Class, class.Witness.Ranks, worth, net, plan.Percent(class.Witness.Share), p.Canonical())
			}
			if sum := class.Total; class.Witness.Exact && len(p.Caps) == 0 && sum.Cmp(class.Witness.Share) != 0 {
				t.Fatalf("class %s: the exact witness has %s of %s", class.Class, plan.Percent(class.Witness.Share), plan.Percent(sum))
			}
		}
	})
}
