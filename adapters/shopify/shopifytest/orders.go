package shopifytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// orders are what a shop has sold: a list, or as many as a function makes, which then are not kept.
type orders struct {
	byID  map[string]Object
	ids   []string
	count int
	make  func(i int) Object
}

// each hands out the orders changed in [from, to), in the order of their ids' arrival.
func (o *orders) each(from, to time.Time, yield func(Object) error) error {
	for i := range o.count {
		order := o.at(i)
		at, err := time.Parse(time.RFC3339, order["updatedAt"].(string))
		if err != nil {
			return fmt.Errorf("updatedAt: %w", err)
		}
		if at.Before(from) || !at.Before(to) {
			continue
		}
		if err := yield(order); err != nil {
			return err
		}
	}
	return nil
}

func (o *orders) at(i int) Object {
	if o.make != nil {
		return o.make(i)
	}
	return o.byID[o.ids[i]]
}

// find gives an order by its global id; nil where there is none.
func (o *orders) find(id string) any {
	if o.make != nil { // their numbers follow one another
		at := numberAt(id) - numberAt(o.make(0)["id"].(string))
		if at < 0 || at >= int64(o.count) {
			return nil
		}
		return o.make(int(at))
	}
	if order, found := o.byID[id]; found {
		return order
	}
	return nil
}

// numberAt is the number at the end of a global id.
func numberAt(id string) int64 {
	n, _ := strconv.ParseInt(id[strings.LastIndex(id, "/")+1:], 10, 64)
	return n
}

// PutOrder adds an order, or tells it anew.
func (a *Admin) PutOrder(order Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.orders.byID == nil {
		a.orders.byID = map[string]Object{}
	}
	id := order["id"].(string)
	if _, known := a.orders.byID[id]; !known {
		a.orders.ids = append(a.orders.ids, id)
		a.orders.count++
	}
	a.orders.byID[id] = order
}

// DeleteOrder takes an order away.
func (a *Admin) DeleteOrder(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.orders.byID, id)
	a.orders.ids = slices.DeleteFunc(a.orders.ids, func(known string) bool { return known == id })
	a.orders.count = len(a.orders.ids)
}

// MakeOrders lets the shop have count orders that f makes when they are asked for; their numbers follow one another.
func (a *Admin) MakeOrders(count int, f func(i int) Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.orders = orders{count: count, make: f}
}

// FromWebhook turns the body of an orders/* webhook into the object that the API gives for the same order, with the sales
// ledger that Shopify would keep of it. It reads the body by its own rules, not by the adapter's.
func FromWebhook(body []byte) (Object, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var in map[string]any
	if err := decoder.Decode(&in); err != nil {
		return nil, fmt.Errorf("read the webhook's body: %w", err)
	}
	w := &webhook{in: in, currency: text(in["currency"]), included: in["taxes_included"] == true}
	return w.order(), nil
}

// webhook is one body on its way into an Object.
type webhook struct {
	in       map[string]any
	currency string
	included bool
}

func (w *webhook) order() Object {
	in := w.in
	id := text(in["id"])
	out := Object{
		"__typename": "Order", "id": "gid://shopify/Order/" + id, "name": text(in["name"]),
		"createdAt": in["created_at"], "processedAt": first(in["processed_at"], in["created_at"]), "updatedAt": in["updated_at"],
		"cancelledAt": in["cancelled_at"], "test": in["test"] == true, "currencyCode": w.currency, "taxesIncluded": w.included,
		"displayFinancialStatus": strings.ToUpper(text(in["financial_status"])),
		"totalDiscountsSet":      w.bag(in, "total_discounts"), "totalPriceSet": w.bag(in, "total_price"),
		"currentTotalPriceSet":    w.bagOr(in, "current_total_price", "total_price"),
		"totalOutstandingSet":     w.bag(in, "total_outstanding"),
		"currentSubtotalPriceSet": w.bagOr(in, "current_subtotal_price", "subtotal_price"),
		"discountCodes":           w.codes(), "customAttributes": w.attributes(),
		"customerJourneySummary": Object{"lastVisit": Object{"landingPage": in["landing_site"], "referralCode": in["landing_site_ref"]}},
	}
	var lines, sales, refunds []any
	for _, line := range list(in["line_items"]) {
		lines = append(lines, w.line(line))
		sales = append(sales, w.sale(line))
	}
	agreements := []any{Object{"__typename": "OrderAgreement", "id": "gid://shopify/OrderAgreement/" + id, "sales": sales}}
	for _, refund := range list(in["refunds"]) {
		refunds = append(refunds, w.refund(refund))
		agreements = append(agreements, w.returned(refund))
	}
	out["lineItems"], out["agreements"] = orEmpty(lines), agreements
	out["refunds"] = orEmpty(refunds)
	return out
}

func (w *webhook) codes() []any {
	var out []any
	for _, code := range list(w.in["discount_codes"]) {
		out = append(out, text(code["code"]))
	}
	for _, application := range list(w.in["discount_applications"]) {
		if code := text(application["code"]); application["type"] == "discount_code" && !slices.Contains(out, any(code)) {
			out = append(out, code)
		}
	}
	return orEmpty(out)
}

func (w *webhook) attributes() []any {
	var out []any
	if pairs, ok := w.in["note_attributes"].(map[string]any); ok {
		for _, name := range slices.Sorted(maps.Keys(pairs)) {
			out = append(out, Object{"key": name, "value": text(pairs[name])})
		}
	}
	for _, pair := range list(w.in["note_attributes"]) {
		out = append(out, Object{"key": text(pair["name"]), "value": text(pair["value"])})
	}
	return orEmpty(out)
}

func (w *webhook) line(in map[string]any) Object {
	out := Object{
		"__typename": "LineItem", "id": "gid://shopify/LineItem/" + text(in["id"]), "sku": in["sku"],
		"quantity": in["quantity"], "currentQuantity": first(in["current_quantity"], in["quantity"]), "isGiftCard": in["gift_card"] == true,
		"originalUnitPriceSet": w.bag(in, "price"),
	}
	if id := text(in["variant_id"]); id != "" {
		out["variant"] = Object{"id": "gid://shopify/ProductVariant/" + id}
	}
	if id := text(in["product_id"]); id != "" {
		out["product"] = Object{"id": "gid://shopify/Product/" + id}
	}
	var allocations, taxes []any
	for _, a := range list(in["discount_allocations"]) {
		allocations = append(allocations, Object{"allocatedAmountSet": w.bag(a, "amount")})
	}
	for _, t := range list(in["tax_lines"]) {
		taxes = append(taxes, Object{"priceSet": w.bag(t, "price")})
	}
	out["discountAllocations"], out["taxLines"] = orEmpty(allocations), orEmpty(taxes)
	return out
}

// sale is what the sales ledger holds of a line as sold: after discounts, and after taxes in both tax modes.
func (w *webhook) sale(in map[string]any) Object {
	kind, name := "PRODUCT", "ProductSale"
	switch {
	case in["gift_card"] == true:
		kind, name = "GIFT_CARD", "GiftCardSale"
	case in["tip"] != nil || in["tip_payment_gateway"] != nil:
		kind, name = "TIP", "TipSale"
	}
	total := w.amount(in, "price").times(in["quantity"])
	for _, a := range list(in["discount_allocations"]) {
		total = total.minus(w.amount(a, "amount"))
	}
	var tax cents
	for _, t := range list(in["tax_lines"]) {
		tax = tax.plus(w.amount(t, "price"))
	}
	if !w.included {
		total = total.plus(tax)
	}
	return w.saleObject(name, kind, text(in["id"]), text(in["id"]), total, tax)
}

func (w *webhook) saleObject(name, kind, id, lineID string, total, tax cents) Object {
	return Object{
		"__typename": name, "id": "gid://shopify/" + name + "/" + id, "lineType": kind,
		"totalAmount": w.money(total.String()), "totalTaxAmount": w.money(tax.String()),
		"lineItem": Object{"id": "gid://shopify/LineItem/" + lineID},
	}
}

func (w *webhook) refund(in map[string]any) Object {
	out := Object{"__typename": "Refund", "id": "gid://shopify/Refund/" + text(in["id"]), "createdAt": first(in["created_at"], in["processed_at"])}
	var lines, adjustments, shipping, transactions []any
	for _, line := range list(in["refund_line_items"]) {
		lines = append(lines, Object{
			"lineItem": Object{"id": "gid://shopify/LineItem/" + text(line["line_item_id"])}, "quantity": line["quantity"],
			"subtotalSet": w.bag(line, "subtotal"), "totalTaxSet": w.bag(line, "total_tax"),
		})
	}
	for _, a := range list(in["order_adjustments"]) {
		var reason any
		if a["kind"] == "refund_discrepancy" || a["reason"] == "Refund discrepancy" {
			reason = "REFUND_DISCREPANCY"
		} else {
			shipping = append(shipping, Object{"subtotalAmountSet": w.money(w.amount(a, "amount").negated().String())})
		}
		adjustments = append(adjustments, Object{"reason": reason, "amountSet": w.bag(a, "amount"), "taxAmountSet": w.bag(a, "tax_amount")})
	}
	for _, tr := range list(in["transactions"]) {
		code := text(tr["currency"])
		transactions = append(transactions, Object{
			"kind": strings.ToUpper(text(tr["kind"])), "status": strings.ToUpper(text(tr["status"])),
			"amountSet": Object{"shopMoney": Object{"amount": text(tr["amount"]), "currencyCode": code}},
		})
	}
	out["refundLineItems"], out["orderAdjustments"] = orEmpty(lines), orEmpty(adjustments)
	out["refundShippingLines"], out["transactions"], out["duties"] = orEmpty(shipping), orEmpty(transactions), []any{}
	return out
}

// returned is the agreement that a refund makes: its lines with the opposite sign.
func (w *webhook) returned(in map[string]any) Object {
	var sales []any
	for i, line := range list(in["refund_line_items"]) {
		total, tax := w.amount(line, "subtotal").negated(), w.amount(line, "total_tax").negated()
		if !w.included {
			total = total.plus(tax)
		}
		kind, name := "PRODUCT", "ProductSale"
		for _, sold := range list(w.in["line_items"]) {
			if text(sold["id"]) == text(line["line_item_id"]) && sold["gift_card"] == true {
				kind, name = "GIFT_CARD", "GiftCardSale"
			}
		}
		sales = append(sales, w.saleObject(name, kind, fmt.Sprintf("%s%d", text(in["id"]), i), text(line["line_item_id"]), total, tax))
	}
	return Object{"__typename": "RefundAgreement", "id": "gid://shopify/RefundAgreement/" + text(in["id"]), "sales": orEmpty(sales)}
}

// bag is a money bag: from the set, or from the plain field in the shop's currency.
func (w *webhook) bag(in map[string]any, field string) Object {
	if set, ok := in[field+"_set"].(map[string]any); ok {
		if shop, ok := set["shop_money"].(map[string]any); ok && shop["amount"] != nil {
			return Object{"shopMoney": Object{"amount": text(shop["amount"]), "currencyCode": text(shop["currency_code"])}}
		}
	}
	if in[field] == nil {
		return w.money("0.0")
	}
	return w.money(text(in[field]))
}

func (w *webhook) bagOr(in map[string]any, field, other string) Object {
	if in[field] == nil && in[field+"_set"] == nil {
		return w.bag(in, other)
	}
	return w.bag(in, field)
}

func (w *webhook) money(amount string) Object {
	return Object{"shopMoney": Object{"amount": amount, "currencyCode": w.currency}}
}

func (w *webhook) amount(in map[string]any, field string) cents {
	return parseCents(text(w.bag(in, field)["shopMoney"].(Object)["amount"]))
}

func list(v any) []map[string]any {
	var out []map[string]any
	items, _ := v.([]any)
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func orEmpty(v []any) []any {
	if v == nil {
		return []any{}
	}
	return v
}

func first(values ...any) any {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// FirstUpdated is when the first order was last changed.
func (a *Admin) FirstUpdated() any {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.orders.at(0)["updatedAt"]
}
