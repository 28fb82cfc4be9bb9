package custom

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// statuses are the ones a caller may tell, in the order in which they are listed in an error.
var statuses = [...]order.Status{
	order.Pending, order.Authorized, order.PartiallyPaid, order.Paid, order.PartiallyRefunded, order.Refunded, order.Voided,
	order.Cancelled,
}

// told is what a body says.
type told struct {
	order     order.Order
	kind      order.RevisionKind
	updatedAt time.Time // zero where the body does not say
}

// Validate reports what Normalise, and the check of the order after it, would refuse in body, so that the API can answer
// 422 before it accepts the delivery.
func Validate(body []byte, s adapters.Store) error {
	read, err := read(body, s, time.Unix(0, 0).UTC()) // The time of receipt stands in for missing times only.
	if err != nil {
		return err
	}
	var invalid *order.Invalid
	if err := read.order.Validate(); errors.As(err, &invalid) {
		return &adapters.Malformed{Field: invalid.Field, Reason: strings.TrimPrefix(invalid.Error(), invalid.Field+": ")}
	}
	return nil
}

// reader collects every fault of one body.
type reader struct {
	store    adapters.Store
	received time.Time
	in       body
	out      order.Order
	kind     order.RevisionKind
	faults   []error
}

// read turns a body into an order.
func read(text []byte, s adapters.Store, received time.Time) (told, error) {
	r := reader{store: s, received: received}
	if err := decode(text, &r.in); err != nil {
		return told{}, err
	}
	if r.form() {
		r.head()
		if r.in.ShopifyOrderID != "" {
			r.short()
		} else {
			r.normalised()
		}
	}
	switch len(r.faults) {
	case 0:
		return told{order: r.out, kind: r.kind, updatedAt: r.in.UpdatedAt.Time}, nil
	case 1:
		return told{}, r.faults[0]
	}
	return told{}, errors.Join(r.faults...)
}

// fault notes what is wrong with a field and what mends it.
func (r *reader) fault(field, format string, args ...any) {
	r.faults = append(r.faults, &adapters.Malformed{Field: field, Reason: fmt.Sprintf(format, args...)})
}

// member is a member's name and whether the body has it.
type member struct {
	name  string
	given bool
}

// form makes sure that the body is one of the two forms and not a mixture.
func (r *reader) form() bool {
	in := &r.in
	short := []member{
		{"shopify_order_id", in.ShopifyOrderID != ""},
		{"sku", in.SKU != ""},
		{"referrer_id", in.ReferrerID != ""},
		{"amount", in.Amount != ""},
		{"quantity", in.Quantity != nil},
	}
	normalised := []member{
		{"platform", in.Platform != ""},
		{"platform_order_id", in.PlatformOrderID != ""},
		{"distributor_ref", in.DistributorRef != ""},
		{"items", in.Items != nil},
		{"total", in.Total != ""},
		{"refunds", in.Refunds != nil},
	}
	switch {
	case in.ShopifyOrderID != "":
		return r.without(normalised, "shopify_order_id")
	case in.PlatformOrderID != "":
		return r.without(short, "platform_order_id")
	}
	r.fault("$", "the order's id is missing: give shopify_order_id (short form) or platform_order_id (normalised form)")
	return false
}

// without refuses members of the other form.
func (r *reader) without(others []member, key string) bool {
	for _, other := range others {
		if other.given {
			r.fault(other.name, "this member does not go with %s; use the members of one form only", key)
		}
	}
	return len(r.faults) == 0
}

// head reads what both forms share.
func (r *reader) head() {
	r.out = order.Order{Platform: r.platform(), OrderTS: r.in.OrderTS.Time, Test: r.in.Test, Currency: r.store.Currency}
	if r.out.OrderTS.IsZero() {
		r.out.OrderTS, r.out.Undated = r.received, true
	}
	r.currency()
	r.status()
	r.out.BuyerID = string(r.in.CustomerID)
	reference, field := r.in.DistributorRef, "distributor_ref"
	if r.in.ShopifyOrderID != "" {
		reference, field = r.in.ReferrerID, "referrer_id"
	}
	r.evidence(order.CartReference, field, reference)
	r.evidence(order.BoundCustomer, "customer_id", r.in.CustomerID)
}

// platform is where the sale happened. "custom" and no platform mean the store's own; a store of a named platform takes
// no orders of another one, since their ids could be the same and one sale would replace the other.
func (r *reader) platform() order.Platform {
	named := order.Platform(r.in.Platform)
	switch named {
	case "", order.Custom, r.store.Platform:
		return r.store.Platform
	case order.Shopify, order.WooCommerce, order.Magento:
		if r.store.Platform == order.Custom {
			return named
		}
		r.fault("platform", "the API key belongs to a store on %s; give %q, or use the key of the other store", r.store.Platform, r.store.Platform)
	default:
		r.fault("platform", "%.40q is none of shopify, woocommerce, magento, custom", named)
	}
	return r.store.Platform
}

// currency must be the store's; the normalised form has to say so.
func (r *reader) currency() {
	switch code := string(r.in.Currency); {
	case !r.store.Currency.Valid():
		r.fault("currency", "the store has no known currency yet; set it first")
	case code == "" && r.in.ShopifyOrderID == "":
		r.fault("currency", "the member is missing; give the store's currency %q", r.store.Currency)
	case code != "" && code != string(r.store.Currency):
		r.fault("currency", "%.8q is not the store's currency %q; send the amounts in that", code, r.store.Currency)
	}
}

// status is paid unless the body says something else.
func (r *reader) status() {
	if r.in.Status == "" {
		r.out.Status = order.Paid
		return
	}
	names := make([]string, len(statuses))
	for i, status := range statuses {
		if names[i] = string(status); text(status) == r.in.Status {
			r.out.Status = status
			return
		}
	}
	r.fault("status", "%.40q is none of %s", r.in.Status, strings.Join(names, ", "))
}

// evidence notes a hint at the distributor. It is kept for ever, so it must not be a person's e-mail address.
func (r *reader) evidence(kind order.EvidenceKind, field string, value text) {
	switch {
	case value == "":
	case strings.Contains(string(value), "@"):
		r.fault(field, "this looks like an e-mail address, which is not kept; give an id or a code")
	default:
		r.out.Evidence = append(r.out.Evidence, order.Evidence{Kind: kind, Value: string(value)})
	}
}

// source names the order. On a Shopify store it is the number that Shopify's webhooks give, because both doors must lead
// to one order; GraphQL ids are shortened to it. Only an order that says it is "custom" may have another id there.
func (r *reader) source(field string, given text) {
	named := strings.TrimPrefix(string(given), "gid://shopify/Order/")
	number, err := strconv.ParseInt(named, 10, 64)
	whole := err == nil && number > 0 && strconv.FormatInt(number, 10) == named
	elsewhere := r.in.Platform == text(order.Custom) && r.store.Platform == order.Shopify
	if r.out.Platform == order.Shopify && r.store.Platform == order.Shopify && !elsewhere && !whole {
		r.fault(field, "on a Shopify store this is the order's numeric id (not its name such as #1001), so that the shop's own webhooks mean the same order")
	}
	if !whole {
		named = string(given)
	}
	r.out.Source = order.Source{StoreID: r.store.StoreID, PlatformOrderID: named}
}

// minor reads an amount of at least 0. required tells a missing one.
func (r *reader) minor(field string, given amount, required bool) int64 {
	if given == "" {
		if required {
			r.fault(field, `the member is missing; give an amount such as "19.90"`)
		}
		return 0
	}
	minor, err := money.ParseMinor(string(given), r.store.Currency)
	switch {
	case !r.store.Currency.Valid(): // Told once, at currency.
	case err != nil:
		r.fault(field, "%v", err)
	case minor < 0:
		r.fault(field, "the amount is negative; tell money paid back as a refund")
	default:
		return minor
	}
	return 0
}

// count reads a number of pieces, at least least.
func (r *reader) count(field string, given *int64, least int64) int64 {
	switch {
	case given == nil:
		r.fault(field, "the member is missing; give the number of pieces")
	case *given < least:
		r.fault(field, "%d pieces cannot be; give at least %d", *given, least)
	default:
		return *given
	}
	return 1
}

// short reads the one line of the short form, which is known by its SKU. The price of one piece is rounded down; what
// counts is the whole amount.
func (r *reader) short() {
	r.kind = order.OneLine
	r.source("shopify_order_id", r.in.ShopifyOrderID)
	line := order.Line{LineID: string(r.in.SKU), Kind: order.Product, PlatformSKU: string(r.in.SKU), Quantity: 1}
	if line.PlatformSKU == "" {
		r.fault("sku", "the member is missing; give the product's SKU")
	}
	if r.in.Quantity != nil {
		line.Quantity = r.count("quantity", r.in.Quantity, 1)
	}
	line.GrossMinor = r.minor("amount", r.in.Amount, true)
	line.UnitPriceMinor = line.GrossMinor / line.Quantity
	r.out.Lines = []order.Line{line}
}

// normalised reads items, total and refunds.
func (r *reader) normalised() {
	r.kind = order.Snapshot
	r.source("platform_order_id", r.in.PlatformOrderID)
	if len(r.in.Items) == 0 {
		r.fault("items", "the member is missing or empty; give at least one item")
	}
	used := make(map[string]bool, len(r.in.Items))
	var sum int64
	for i := range r.in.Items {
		line := r.item(i)
		if used[line.LineID] {
			r.fault(fmt.Sprintf("items[%d].line_id", i), "the line id %q is used twice; items without line_id are numbered from 1", line.LineID)
		}
		used[line.LineID] = true
		r.out.Lines = append(r.out.Lines, line)
		var err error
		if sum, err = money.Add(sum, line.GrossMinor-line.DiscountMinor); err != nil {
			r.fault("items", "the sum of the items is too large")
			return
		}
	}
	total := r.minor("total", r.in.Total, true)
	r.out.OrderDiscountMinor = max(0, sum-total)
	for i := range r.in.Refunds {
		r.refund(i)
	}
}

// item reads one item; without a line_id its number, counted from 1, is its id.
func (r *reader) item(i int) order.Line {
	in, field := &r.in.Items[i], fmt.Sprintf("items[%d].", i)
	line := order.Line{
		LineID:         string(in.LineID),
		Kind:           order.Product,
		PlatformSKU:    string(in.PlatformSKU),
		Quantity:       r.count(field+"qty", in.Qty, 1),
		UnitPriceMinor: r.minor(field+"unit_price", in.UnitPrice, true),
		DiscountMinor:  r.minor(field+"discount", in.Discount, false),
	}
	if line.LineID == "" {
		line.LineID = strconv.Itoa(i + 1)
	}
	if line.PlatformSKU == "" {
		r.fault(field+"platform_sku", "the member is missing; give the product's SKU")
	}
	var err error
	if line.GrossMinor, err = money.Mul(line.UnitPriceMinor, line.Quantity); err != nil {
		r.fault(field+"unit_price", "unit_price times qty is too large")
	} else if line.DiscountMinor > line.GrossMinor {
		r.fault(field+"discount", "the discount is more than unit_price times qty")
	}
	return line
}

// refund reads one refund: lines with what each gave back, or an amount alone for money that names no line. Both
// together must be the same sum. Tax and shipping are no part of either, as they are none of the items.
func (r *reader) refund(i int) {
	in, field := &r.in.Refunds[i], fmt.Sprintf("refunds[%d].", i)
	out := order.Refund{RefundID: string(in.RefundID), At: r.refundedAt(in)}
	if out.RefundID == "" {
		r.fault(field+"refund_id", "the member is missing; give the refund an id of its own")
	}
	if in.Deleted {
		if in.Lines != nil || in.Amount != "" {
			r.fault(field+"deleted", "a refund that was deleted gives nothing back; leave lines and amount out")
		}
		r.out.Refunds = append(r.out.Refunds, order.Refund{RefundID: out.RefundID, Deleted: true})
		return
	}
	var sum int64
	for j := range in.Lines {
		line := r.refundLine(&in.Lines[j], fmt.Sprintf("%slines[%d].", field, j))
		out.Lines = append(out.Lines, line)
		var err error
		if sum, err = money.Add(sum, line.SubtotalMinor); err != nil {
			r.fault(field+"lines", "the sum of the lines is too large")
			return
		}
	}
	amount := r.minor(field+"amount", in.Amount, len(in.Lines) == 0)
	switch {
	case len(in.Lines) == 0:
		out.MoneyMinor = amount
	case in.Amount != "" && amount != sum:
		r.fault(field+"amount", "the amount %s is not the sum of the lines %s; leave it out, leave tax and shipping out of it, or tell the rest as a refund without lines",
			money.FormatMinor(amount, r.store.Currency), money.FormatMinor(sum, r.store.Currency))
	}
	r.out.Refunds = append(r.out.Refunds, out)
}

// refundedAt falls back to the version's time and then to the receipt.
func (r *reader) refundedAt(in *refund) time.Time {
	switch {
	case !in.RefundedAt.IsZero():
		return in.RefundedAt.Time
	case !r.in.UpdatedAt.IsZero():
		return r.in.UpdatedAt.Time
	}
	return r.received
}

// refundLine finds its item by line_id, or by a platform_sku that only one item has. A qty of 0 is money back on goods
// that the buyer keeps.
func (r *reader) refundLine(in *refundLine, field string) order.RefundLine {
	out := order.RefundLine{
		LineID:        string(in.LineID),
		Quantity:      r.count(field+"qty", in.Qty, 0),
		SubtotalMinor: r.minor(field+"amount", in.Amount, true),
	}
	var found []string
	for _, line := range r.out.Lines {
		if in.LineID != "" && line.LineID == out.LineID || in.LineID == "" && line.PlatformSKU == string(in.PlatformSKU) {
			found = append(found, line.LineID)
		}
	}
	switch {
	case in.LineID == "" && in.PlatformSKU == "":
		r.fault(field+"line_id", "the member is missing; give line_id, or platform_sku where only one item has it")
	case len(found) == 0:
		r.fault(field+"line_id", "no item has this line_id or platform_sku")
	case len(found) > 1:
		r.fault(field+"platform_sku", "several items have this SKU; give line_id")
	default:
		out.LineID = found[0]
	}
	return out
}
