package order

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"upline.dev/upline/core/money"
)

// maxConflicts bounds the sentence a person has to read.
const maxConflicts = 8

// unite makes one order of different bodies that claim one version, such as orders/paid and orders/updated of the same
// second. What only moves one way in an order's life is taken at its latest; what should not move at all and still
// differs is named in conflict, with the values. bodies are distinct and sorted, so the answer is a function of the set.
func unite(bodies []Order) (united Order, conflict string) {
	if len(bodies) > maxRivals {
		return bodies[0], fmt.Sprintf("more than %d different snapshots claim this version", maxRivals)
	}
	u := newUniter(bodies)
	u.lines()
	u.totals()
	return u.out, u.sentence()
}

// newUniter unites all but the lines. Refunds that one body tells as deleted are so in all.
func newUniter(bodies []Order) *uniter {
	refunds := make([][]Refund, len(bodies))
	for i, body := range bodies {
		refunds[i] = body.Refunds
	}
	united := uniteRefunds(refunds...)
	u := &uniter{}
	for _, body := range bodies {
		u.repeats(body)
		u.bodies = append(u.bodies, body.without(united))
	}
	u.out = u.bodies[0]
	u.out.Refunds = living(united)
	u.life()
	u.header()
	return u
}

type uniter struct {
	bodies    []Order
	out       Order
	conflicts []string
}

// stage orders the statuses along an order's life, so that the later one of two can be chosen. The three ends are
// ordered by how much they say: a refund is money that went back, a void only an authorisation that lapsed.
func (s Status) stage() int {
	stages := []Status{Pending, Authorized, PartiallyPaid, Paid, PartiallyRefunded, Voided, Cancelled, Refunded}
	return slices.Index(stages, s)
}

// life unites what only moves forward.
func (u *uniter) life() {
	var evidence [][]Evidence
	same := true
	for _, body := range u.bodies {
		if body.Status.stage() > u.out.Status.stage() {
			u.out.Status = body.Status
		}
		if body.Name != "" && (u.out.Name == "" || body.Name < u.out.Name) {
			u.out.Name = body.Name
		}
		evidence = append(evidence, body.Evidence)
		same = same && slices.Equal(body.Evidence, u.bodies[0].Evidence)
	}
	if !same {
		all := slices.Concat(evidence...)
		slices.SortFunc(all, compareEvidence)
		u.out.Evidence = slices.Compact(all)
	}
}

func compareEvidence(a, b Evidence) int {
	return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Value, b.Value))
}

// repeats names ids that one body tells twice: uniting by id would hide them from Validate.
func (u *uniter) repeats(body Order) {
	if i := repeatedLine(body.Lines); i >= 0 {
		u.conflicts = append(u.conflicts, fmt.Sprintf("line %q is told twice in one snapshot", body.Lines[i].LineID))
	}
	if i := repeatedRefund(body.Refunds); i >= 0 {
		u.conflicts = append(u.conflicts, fmt.Sprintf("refund %q is told twice in one snapshot", body.Refunds[i].RefundID))
	}
}

// header unites the fields that pay or decide who is paid. An absent value gives way to a told one.
func (u *uniter) header() {
	u.out.Platform = pick(u, "platform", func(o Order) Platform { return o.Platform })
	u.out.Currency = pick(u, "currency", func(o Order) money.Currency { return o.Currency })
	u.out.BuyerUntold = !slices.ContainsFunc(u.bodies, func(o Order) bool { return !o.BuyerUntold })
	u.out.BuyerID = pick(u, "buyer_id", func(o Order) string { return o.BuyerID })
	u.out.Country = pick(u, "country", func(o Order) string { return o.Country })
	u.placed()
	u.same("test", func(o Order) string { return strconv.FormatBool(o.Test) })
	u.same("taxes_included", func(o Order) string { return strconv.FormatBool(o.TaxesIncluded) })
	u.same("order_discount_minor", func(o Order) string { return strconv.FormatInt(o.OrderDiscountMinor, 10) })
}

// placed unites the order's own time; an undated body gives way.
func (u *uniter) placed() {
	text := func(o Order) string {
		if o.Undated {
			return ""
		}
		return o.OrderTS.Format("2006-01-02T15:04:05.999999999Z07:00")
	}
	chosen := pick(u, "order_ts", text)
	for _, body := range u.bodies {
		if text(body) == chosen {
			u.out.OrderTS, u.out.Undated = body.OrderTS, body.Undated
			return
		}
	}
}

// pick is the one value that is told; two different ones are a conflict, and the lowest stands for them.
func pick[V cmp.Ordered](u *uniter, field string, of func(Order) V) V {
	return pickFrom(u, u.bodies, field, of)
}

func pickFrom[V cmp.Ordered](u *uniter, bodies []Order, field string, of func(Order) V) V {
	var absent V
	var values []V
	for _, body := range bodies {
		if v := of(body); v != absent {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	values = slices.Compact(values)
	if len(values) == 0 {
		return absent
	}
	if len(values) > 1 {
		u.differ(field, fmt.Sprint(values[0]), fmt.Sprint(values[1]))
	}
	return values[0]
}

// same holds a field that every body states to one value.
func (u *uniter) same(field string, of func(Order) string) {
	first := of(u.bodies[0])
	for _, body := range u.bodies[1:] {
		if other := of(body); other != first {
			u.differ(field, first, other)
			return
		}
	}
}

func (u *uniter) differ(field, one, other string) {
	u.conflicts = append(u.conflicts, fmt.Sprintf("%s is %s or %s", field, min(one, other), max(one, other)))
}

// lines unites the lines by id, in the first body's order; lines it lacks follow, sorted by id.
func (u *uniter) lines() {
	tellings := make(map[string][]Line)
	var ids, added []string
	for i, body := range u.bodies {
		for _, line := range body.Lines {
			if _, known := tellings[line.LineID]; !known && i == 0 {
				ids = append(ids, line.LineID)
			} else if !known {
				added = append(added, line.LineID)
			}
			tellings[line.LineID] = append(tellings[line.LineID], line)
		}
	}
	slices.Sort(added)
	u.out.Lines = make([]Line, 0, len(ids)+len(added))
	for _, id := range append(ids, added...) {
		if len(tellings[id]) < len(u.bodies) {
			u.conflicts = append(u.conflicts, fmt.Sprintf("line %q is in one snapshot and missing in another", id))
		}
		u.out.Lines = append(u.out.Lines, u.line(tellings[id]))
	}
}

// line unites the tellings of one line: what is left may only shrink, what is paid only grow, the rest must agree.
func (u *uniter) line(tellings []Line) Line {
	out := tellings[0]
	field := func(name string) string { return fmt.Sprintf("line %q %s", out.LineID, name) }
	for _, telling := range tellings[1:] {
		out.CurrentQuantity = lesser(out.CurrentQuantity, telling.CurrentQuantity)
		out.PaidNetMinor = greater(out.PaidNetMinor, telling.PaidNetMinor)
		for _, f := range lineFigures(out, telling) {
			if f.a != f.b {
				u.differ(field(f.name), f.a, f.b)
			}
		}
		if out.WholesaleMinor == nil {
			out.WholesaleMinor = telling.WholesaleMinor
		}
	}
	return out
}

// lineFigure is one field of two tellings of a line.
type lineFigure struct{ name, a, b string }

func lineFigures(a, b Line) []lineFigure {
	number := func(v int64) string { return strconv.FormatInt(v, 10) }
	figures := []lineFigure{
		{"kind", string(a.Kind), string(b.Kind)},
		{"platform_sku", a.PlatformSKU, b.PlatformSKU},
		{"quantity", number(a.Quantity), number(b.Quantity)},
		{"unit_price_minor", number(a.UnitPriceMinor), number(b.UnitPriceMinor)},
		{"gross_minor", number(a.GrossMinor), number(b.GrossMinor)},
		{"discount_minor", number(a.DiscountMinor), number(b.DiscountMinor)},
		{"tax_minor", number(a.TaxMinor), number(b.TaxMinor)},
	}
	if a.WholesaleMinor != nil && b.WholesaleMinor != nil {
		figures = append(figures, lineFigure{"wholesale_minor", number(*a.WholesaleMinor), number(*b.WholesaleMinor)})
	}
	return figures
}

// lesser is the smaller of two quantities; an untold one gives way.
func lesser(a, b *int64) *int64 {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}

// greater is the larger of two amounts; an untold one gives way.
func greater(a, b *int64) *int64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

// totals takes the totals from the bodies that have all of the united refunds and quantities themselves. A total that
// belongs to other refunds would disagree with the figures for no fault of the platform, so without such a body nothing
// is stated.
func (u *uniter) totals() {
	whole := slices.DeleteFunc(slices.Clone(u.bodies), func(body Order) bool { return !u.reaches(body) })
	u.out.PaidMinor = 0
	u.out.TotalMinor = pickFrom(u, whole, "total_minor", func(o Order) int64 { return o.TotalMinor })
	for _, body := range whole {
		u.out.PaidMinor = max(u.out.PaidMinor, body.PaidMinor)
	}
	u.out.Stated = Stated{
		SubtotalMinor: agreed(whole, func(o Order) *int64 { return o.Stated.SubtotalMinor }),
		SalesMinor:    agreed(whole, func(o Order) *int64 { return o.Stated.SalesMinor }),
	}
}

// agreed is the one total that is stated. Where two differ it is nil: unknown is safer than a false disagreement.
func agreed(bodies []Order, of func(Order) *int64) (total *int64) {
	for _, body := range bodies {
		switch stated := of(body); {
		case stated == nil:
		case total == nil:
			total = stated
		case *stated != *total:
			return nil
		}
	}
	return total
}

// reaches reports whether a body is as far as all bodies together.
func (u *uniter) reaches(body Order) bool {
	if len(body.Lines) != len(u.out.Lines) || !slices.EqualFunc(body.Refunds, u.out.Refunds, Refund.equal) {
		return false
	}
	index := indexLines(u.out.Lines)
	for _, line := range body.Lines {
		i, known := index.find(line.LineID)
		if !known || !equalQuantity(line.CurrentQuantity, u.out.Lines[i].CurrentQuantity) {
			return false
		}
	}
	return true
}

func equalQuantity(a, b *int64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func (u *uniter) sentence() string {
	slices.Sort(u.conflicts)
	all := slices.Compact(u.conflicts)
	if more := len(all) - maxConflicts; more > 0 {
		all = append(all[:maxConflicts:maxConflicts], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, "; ")
}
