package shopify_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/order"
)

// TestRefunds tells refunds that name their worth from those that leave it open.
func TestRefunds(t *testing.T) {
	t.Parallel()
	const sent = `{"kind":"refund","status":"success","amount":"15.00","currency":"USD"}`
	line := func(members string) string {
		return `"refund_line_items":[{"line_item_id":7,"quantity":1` + members + `}]`
	}
	const none = `"refund_line_items":[],`
	money := func(minor, tax int64) *order.Refund { return &order.Refund{MoneyMinor: minor, MoneyTaxMinor: tax} }
	lines := func(subtotal, tax int64) *order.Refund {
		return &order.Refund{Lines: []order.RefundLine{{LineID: "7", Quantity: 1, SubtotalMinor: subtotal, TaxMinor: tax}}}
	}
	cases := []struct {
		name, members string
		want          *order.Refund // nil: a hint
	}{
		{"line", line(`,"subtotal":10,"total_tax":"1.9"`), lines(1000, 190)},
		{"line without subtotal", line(`,"total_tax":0`), nil},
		{"line without tax", line(`,"subtotal":10`), nil},
		{"no lines told", `"transactions":[` + sent + `]`, nil},
		{"empty lines, nothing else told", `"refund_line_items":[]`, nil},
		{"empty lines, no adjustment", none + `"order_adjustments":[]`, money(0, 0)},
		{"discrepancy", none + `"order_adjustments":[{"kind":"refund_discrepancy","amount":"-5.00"}]`, money(500, 0)},
		{"discrepancies and their tax, which Shopify adds", none + `"order_adjustments":[{"kind":"refund_discrepancy","amount":"-5.00","tax_amount":"-0.95"},{"kind":"refund_discrepancy","amount":"-1.00","tax_amount":"0.00"}]`, money(695, 95)},
		{"less paid back", none + `"order_adjustments":[{"kind":"refund_discrepancy","amount":"5.00"}]`, money(0, 0)},
		{"discrepancy without kind", none + `"order_adjustments":[{"reason":"Refund discrepancy","amount":"-5.00"}]`, money(500, 0)},
		{"shipping without kind", none + `"order_adjustments":[{"reason":"Shipping refund","amount":"-5.00"}]`, money(0, 0)},
		{"neither kind nor reason", none + `"order_adjustments":[{"amount":"-5.00"}]`, nil},
		{"transaction", none + `"transactions":[` + sent + `]`, money(1500, 0)},
		{"two transactions", none + `"transactions":[` + sent + `,` + sent + `]`, money(3000, 0)},
		{"transaction that is no refund", none + `"transactions":[` + strings.Replace(sent, "refund", "sale", 1) + `]`, money(0, 0)},
		{"transaction that failed", none + `"transactions":[` + strings.Replace(sent, "success", "error", 1) + `]`, money(0, 0)},
		{"transaction in the buyer's currency", none + `"transactions":[` + strings.Replace(sent, "USD", "CHF", 1) + `]`, nil},
		{"transaction beside lines", line(`,"subtotal":10,"total_tax":0`) + `,"transactions":[` + sent + `]`, lines(1000, 0)},
		{"transaction for shipping", none + `"refund_shipping_lines":[{"id":1}],"transactions":[` + sent + `]`, money(0, 0)},
		{"transaction for duties", none + `"duties":[{"id":1}],"transactions":[` + sent + `]`, money(0, 0)},
		{"transaction for fees", none + `"additional_fees":["fee"],"transactions":[` + sent + `]`, money(0, 0)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body := `{"id":3,"order_id":4,"processed_at":"2026-10-09T09:00:00+02:00",` + c.members + `}`
			revisions, err := shopify.New().Normalise(delivery("refunds/create", []byte(body)), store("USD"))
			if err != nil {
				t.Fatalf("normalise: %v", err)
			}
			got := revisions[0]
			if c.want == nil {
				if got.Kind != order.Hint || got.Note == "" || got.Refunds != nil || got.Version.Triggered != 0 {
					t.Errorf("got %+v, want a hint", got)
				}
				return
			}
			c.want.RefundID, c.want.At = "3", got.Refunds[0].At
			if diff := cmp.Diff([]order.Refund{*c.want}, got.Refunds); diff != "" || got.Kind != order.Refunding {
				t.Errorf("%s (-want +got):\n%s", got.Kind, diff)
			}
		})
	}
}

func TestRefusedRefunds(t *testing.T) {
	t.Parallel()
	for members, field := range map[string]string{
		`"refund_line_items":[{"quantity":1,"subtotal":1,"total_tax":0}]`:                                              "refund_line_items[0].line_item_id",
		`"refund_line_items":[{"line_item_id":7,"subtotal":1,"total_tax":0}]`:                                          "refund_line_items[0].quantity",
		`"refund_line_items":[{"line_item_id":7,"quantity":1,"subtotal":-1,"total_tax":0}]`:                            "refund_line_items[0].subtotal",
		`"refund_line_items":[{"line_item_id":7,"quantity":1,"subtotal":1,"total_tax":-1}]`:                            "refund_line_items[0].total_tax",
		`"refund_line_items":[],"order_adjustments":[{"kind":"refund_discrepancy"}]`:                                   "order_adjustments[0].amount",
		`"refund_line_items":[],"order_adjustments":[{"kind":"refund_discrepancy","amount":"-92233720368547758.08"}]`:  "order_adjustments[0].amount",
		`"refund_line_items":[],"transactions":[{"kind":"refund","status":"success","amount":"-1","currency":"USD"}]`:  "transactions[0].amount",
		`"refund_line_items":[],"transactions":[{"kind":"refund","status":"success","amount":null,"currency":"USD"}]`:  "transactions[0].amount",
		`"refund_line_items":[],"transactions":[{"kind":"refund","status":"success","amount":"1.x","currency":"USD"}]`: "transactions[0].amount",
	} {
		body := `{"id":3,"order_id":4,"created_at":"2026-10-09T09:00:00+02:00",` + members + `}`
		refuse(t, delivery("refunds/create", []byte(body)), members, field)
	}
	refuse(t, delivery("refunds/create", []byte(`{"id":3,"order_id":4}`)), "no time", "created_at")
	refuse(t, delivery("refunds/create", []byte(`{"order_id":4,"created_at":"2026-10-09T09:00:00+02:00"}`)), "no id", "id")
}

// bare is a small order with further members.
func bare(status, members string) []byte {
	return []byte(`{"id":4,"updated_at":"2026-10-09T09:00:00Z","created_at":"2026-10-09T09:00:00Z","currency":"USD","taxes_included":false,"financial_status":"` +
		status + `","line_items":[]` + members + `}`)
}

func TestPaidOfPartiallyPaid(t *testing.T) {
	t.Parallel()
	for members, want := range map[string][2]int64{
		`,"total_price":"80.00","total_outstanding":"20.00"`:                                {6000, 8000},
		`,"total_price":"80.00","current_total_price":"100.00","total_outstanding":"20.00"`: {8000, 10000},
		`,"total_price":"80.00"`:                                {},
		`,"total_outstanding":"20.00"`:                          {},
		`,"total_price":"80.00","total_outstanding":"80.01"`:    {},
		`,"total_price":"80.00","total_outstanding":"-0.01"`:    {},
		`,"total_price":"80.00","total_outstanding":"0.00"`:     {8000, 8000},
		`,"total_price":"80.00","total_outstanding":80.00`:      {0, 8000},
		`,"current_total_price":"10.00","total_outstanding":10`: {0, 1000},
	} {
		revisions, err := shopify.New().Normalise(delivery("orders/paid", bare("partially_paid", members)), store("USD"))
		if err != nil {
			t.Fatalf("%s: %v", members, err)
		}
		if got := revisions[0].Order; got.PaidMinor != want[0] || got.TotalMinor != want[1] {
			t.Errorf("%s: paid %d of %d, want %v", members, got.PaidMinor, got.TotalMinor, want)
		}
	}
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256)
	for members, want := range map[string][]string{
		`,"landing_site":"/?ref=A&source=A","landing_site_ref":"A"`:                                      {"landing:A"},
		`,"landing_site":"/?source=A","landing_site_ref":"A"`:                                            nil,
		`,"landing_site":"/?source=B","landing_site_ref":"A"`:                                            {"landing:A"},
		`,"landing_site":"/?source=A&ref=","landing_site_ref":"A"`:                                       nil,
		`,"landing_site":null,"landing_site_ref":"A"`:                                                    {"landing:A"},
		`,"landing_site":"/?ref=%zz&upline_ref=B"`:                                                       {"landing:B"},
		`,"landing_site":"https://shop.example/p?x=1&ref=A#ref=B"`:                                       {"landing:A"},
		`,"landing_site":"/ref=A"`:                                                                       nil,
		`,"landing_site_ref":"` + long + `"`:                                                             nil,
		`,"landing_site_ref":"a\u0007b"`:                                                                 nil,
		`,"discount_applications":[{"type":"automatic","code":"A"},{"type":"discount_code","code":"B"}]`: {"code:B"},
		`,"discount_codes":[{"code":" A "},{"code":"A"},{"code":"a"}]`:                                   {"code:A", "code:a"},
		`,"note_attributes":[null,7,{"name":"ref"},{"name":" Ref ","value":7},["ref","x"]]`:              {"cart:7"},
		`,"note_attributes":"ref"`:                                                                       nil,
		`,"customer":{"id":"9"}`:                                                                         {"customer:9"},
	} {
		revisions, err := shopify.New().Normalise(delivery("orders/paid", bare("paid", members)), store("USD"))
		if err != nil {
			t.Fatalf("%s: %v", members, err)
		}
		var got []string
		for _, hint := range revisions[0].Order.Evidence {
			got = append(got, string(hint.Kind)+":"+hint.Value)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", members, got, want)
		}
	}
}

// TestUnknownTax: where prices contain tax, a line that does not say how much cannot be paid on.
func TestUnknownTax(t *testing.T) {
	t.Parallel()
	for included, field := range map[bool]string{true: "line_items[0].tax_lines", false: ""} {
		text := strings.Replace(string(bare("paid", "")), `"line_items":[]`, `"line_items":[{"id":1,"quantity":1,"price":"1.00","discount_allocations":[]}]`, 1)
		d := delivery("orders/paid", []byte(strings.Replace(text, "false", strconv.FormatBool(included), 1)))
		if field != "" {
			refuse(t, d, "unknown tax", field)
		} else if _, err := shopify.New().Normalise(d, store("USD")); err != nil {
			t.Errorf("prices without tax: %v", err)
		}
	}
}

// TestUnknownDiscount: no allocations mean no discount only where the order says so.
func TestUnknownDiscount(t *testing.T) {
	t.Parallel()
	for total, field := range map[string]string{`,"total_discounts":"0.00"`: "", `,"total_discounts":"0.01"`: "line_items[0].discount_allocations", "": "line_items[0].discount_allocations"} {
		text := strings.Replace(string(bare("paid", total)), `"line_items":[]`, `"line_items":[{"id":1,"quantity":1,"price":"1.00","tax_lines":[]}]`, 1)
		d := delivery("orders/paid", []byte(text))
		if field != "" {
			refuse(t, d, total, field)
		} else if _, err := shopify.New().Normalise(d, store("USD")); err != nil {
			t.Errorf("%s: %v", total, err)
		}
	}
}
