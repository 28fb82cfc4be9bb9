package bench

import (
	"fmt"
	"strings"

	"upline.dev/upline/server/admin"
)

// The company under load: a chain of sponsors deep enough that every order pays seven levels and the retail line.
const (
	people     = 10_000
	skus       = 3
	shopDomain = "bench-shop.myshopify.com"
	shopSecret = "bench-signing-secret-of-no-shop" // signs invented orders on loopback only
)

func distributors() []admin.DistributorSpec {
	all := make([]admin.DistributorSpec, people)
	for i := range all {
		all[i] = admin.DistributorSpec{DistributorID: fmt.Sprintf("B%05d", i), Codes: []string{fmt.Sprintf("CODE%d", i)}}
		if i > 0 {
			all[i].SponsorID = fmt.Sprintf("B%05d", (i-1)/2) // a full binary tree: 13 levels
		}
	}
	return all
}

func mappings() []admin.MappingSpec {
	all := make([]admin.MappingSpec, skus)
	for i := range all {
		class := "kit" // starter kits and samples earn nothing
		if i == 0 {
			class = "a"
		}
		all[i] = admin.MappingSpec{Platform: "shopify", PlatformSKU: fmt.Sprintf("SKU-%d", i), CommissionClass: class}
	}
	return all
}

// postingsPerOrder is what the plan pays on every order: the seller and seven levels.
const postingsPerOrder = 8

// plan pays the seller and seven levels above, compressed, on one of the three lines: eight postings an order.
const plan = `
name: bench-seven-levels
effective_from: 2020-01-01T00:00:00Z
ranks: [member]
volume: {money: {"*": "1"}}
components:
  - {id: retail, type: retail, base: net, rates: [{class: a, rate: 20%}]}
  - id: team
    type: unilevel
    base: cv
    compression: dynamic
    rates: [{class: a, levels: [5%, 4%, 3%, 2%, 1%, 1%, 1%]}]
`

// bodies makes orders/paid bodies of the size real ones have (about 6.6 kB, three lines) by filling a template: only
// the order's id and its reference differ.
type bodies struct{ template string }

const idMark, refMark = "4242000000000000001", "@@REF@@"

func newBodies() *bodies {
	return &bodies{template: orderTemplate()}
}

// body is the n-th order.
func (b *bodies) body(n int64) []byte {
	id := fmt.Sprintf("%019d", 4_300_000_000_000_000_000+n)
	ref := fmt.Sprintf("B%05d", 8000+n%2000)
	return []byte(strings.NewReplacer(idMark, id, refMark, ref).Replace(b.template))
}

// signed is the n-th order as a request with a delivery id of its own.
func (b *bodies) signed(n int64) request {
	body := b.body(n)
	return request{id: fmt.Sprintf("bench-%d", n), body: body, signature: sign([]byte(shopSecret), body)}
}

func orderTemplate() string {
	var lines strings.Builder
	for i := range 3 {
		if i > 0 {
			lines.WriteString(",")
		}
		fmt.Fprintf(&lines, `{"id":%s%d,"admin_graphql_api_id":"gid://shopify/LineItem/%s%d","sku":"SKU-%d","title":"Product %d",
"quantity":1,"current_quantity":1,"gift_card":false,"price":"40.00","price_set":{"shop_money":{"amount":"40.00","currency_code":"EUR"},
"presentment_money":{"amount":"40.00","currency_code":"EUR"}},"total_discount":"0.00","total_discount_set":{"shop_money":{"amount":"0.00","currency_code":"EUR"},
"presentment_money":{"amount":"0.00","currency_code":"EUR"}},"product_id":621000000000%d,"variant_id":721000000000%d,"properties":[],"taxable":true,"requires_shipping":true,
"fulfillment_service":"manual","fulfillable_quantity":1,"grams":250,"product_exists":true,"variant_title":null,"vendor":"Bench","name":"Product %d","tax_lines":[{"title":"VAT","rate":0.2,"price":"6.67",
"price_set":{"shop_money":{"amount":"6.67","currency_code":"EUR"},"presentment_money":{"amount":"6.67","currency_code":"EUR"}},"channel_liable":false}],"duties":[],
"discount_allocations":[]}`, "900000000000", i, "900000000000", i, i, i, i, i, i)
	}
	set := func(amount string) string {
		return `{"shop_money":{"amount":"` + amount + `","currency_code":"EUR"},"presentment_money":{"amount":"` + amount + `","currency_code":"EUR"}}`
	}
	head := fmt.Sprintf(`{"id":%s,"admin_graphql_api_id":"gid://shopify/Order/%s","name":"#%s","created_at":"2026-09-10T10:15:00+02:00",
"processed_at":"2026-09-10T10:15:00+02:00","updated_at":"2026-09-10T10:15:01+02:00","cancelled_at":null,"cancel_reason":null,"test":false,"currency":"EUR",
"presentment_currency":"EUR","taxes_included":true,"financial_status":"paid","source_name":"web","app_id":580111,"checkout_token":"c%s","cart_token":"k%s",
"landing_site":"/products/serum?utm_source=mail","landing_site_ref":null,"referring_site":null,"note_attributes":[{"name":"upline_ref","value":"%s"}],"discount_codes":[],
"discount_applications":[],"customer":{"id":6210000000000000009},"shipping_lines":[{"id":1,"title":"Standard","code":"Standard","price":"6.00","discounted_price":"6.00",
"is_removed":false,"discount_allocations":[],"tax_lines":[{"title":"VAT","rate":0.2,"price":"1.00"}]}],"tax_lines":[{"title":"VAT","rate":0.2,"price":"21.01"}],"refunds":[],
"subtotal_price":"120.00","subtotal_price_set":%s,"total_price":"126.00","total_price_set":%s,"current_subtotal_price":"120.00","current_subtotal_price_set":%s,
"current_total_price":"126.00","current_total_price_set":%s,"total_discounts":"0.00","total_discounts_set":%s,"total_tax":"21.01","total_tax_set":%s,"current_total_tax":"21.01",
"current_total_tax_set":%s,"total_tip_received":"0.00","line_items":[`, idMark, idMark, idMark, idMark, idMark, refMark,
		set("120.00"), set("126.00"), set("120.00"), set("126.00"), set("0.00"), set("21.01"), set("21.01"))
	return strings.ReplaceAll(head+lines.String()+"]}", "\n", "")
}
