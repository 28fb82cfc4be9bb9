package order

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change           func(*Order)
		field            string
		stated, computed *int64
	}{
		"unknown currency":         {func(o *Order) { o.Currency = "XXX" }, "currency", nil, nil},
		"a placeholder for a time": {func(o *Order) { o.OrderTS = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) }, "order_ts", nil, nil},
		"no time":                  {func(o *Order) { o.OrderTS = time.Time{} }, "order_ts", nil, nil},
		"unknown status":           {func(o *Order) { o.Status = "open" }, "status", nil, nil},
		"negative total":           {func(o *Order) { o.TotalMinor = -1 }, "total_minor", nil, nil},
		"negative paid":            {func(o *Order) { o.PaidMinor = -1 }, "paid_minor", nil, nil},
		"long evidence":            {func(o *Order) { o.Evidence[1].Value = strings.Repeat("x", 256) }, "evidence[1].value", nil, nil},
		"line twice":               {func(o *Order) { o.Lines[1].LineID = "A" }, "lines[1].line_id", nil, nil},
		"line without id":          {func(o *Order) { o.Lines[1].LineID = "" }, "lines[1].line_id", nil, nil},
		"unknown kind":             {func(o *Order) { o.Lines[1].Kind = "" }, "lines[1].kind", nil, nil},
		"negative quantity":        {func(o *Order) { o.Lines[1].Quantity = -1 }, "lines[1].quantity", nil, nil},
		"negative unit price":      {func(o *Order) { o.Lines[1].UnitPriceMinor = -1 }, "lines[1].unit_price_minor", nil, nil},
		"negative gross":           {func(o *Order) { o.Lines[1].GrossMinor = -1 }, "lines[1].gross_minor", nil, nil},
		"negative discount":        {func(o *Order) { o.Lines[1].DiscountMinor = -1 }, "lines[1].discount_minor", nil, nil},
		"negative tax":             {func(o *Order) { o.Lines[1].TaxMinor = -1 }, "lines[1].tax_minor", nil, nil},
		"negative current":         {func(o *Order) { o.Lines[1].CurrentQuantity = ptr(-1) }, "lines[1].current_quantity", nil, nil},
		"negative paid net":        {func(o *Order) { o.Lines[1].PaidNetMinor = ptr(-1) }, "lines[1].paid_net_minor", nil, nil},
		"more than sold":           {func(o *Order) { o.Lines[1].CurrentQuantity = ptr(4) }, "lines[1].current_quantity", nil, nil},
		"negative wholesale":       {func(o *Order) { o.Lines[1].WholesaleMinor = ptr(-1) }, "lines[1].wholesale_minor", nil, nil},
		"discount over gross":      {func(o *Order) { o.Lines[1].DiscountMinor = 601 }, "lines[1].discount_minor", ptr(601), ptr(600)},
		"tax over price": {
			func(o *Order) { o.Lines[1].DiscountMinor, o.Lines[1].TaxMinor = 500, 101 },
			"lines[1].tax_minor", ptr(101), ptr(100),
		},
		"gross overflow":          {func(o *Order) { o.Lines[1].GrossMinor = math.MaxInt64 }, "lines[1].gross_minor", nil, nil},
		"negative order discount": {func(o *Order) { o.OrderDiscountMinor = -1 }, "order_discount_minor", nil, nil},
		"order discount over the lines that bear it": {
			func(o *Order) { o.OrderDiscountMinor = 1601 },
			"order_discount_minor", ptr(1601), ptr(1600),
		},
		"refund twice":        {func(o *Order) { o.Refunds[1].RefundID = "r1" }, "refunds[1].refund_id", nil, nil},
		"refund without id":   {func(o *Order) { o.Refunds[1].RefundID = "" }, "refunds[1].refund_id", nil, nil},
		"negative money":      {func(o *Order) { o.Refunds[1].MoneyMinor = -1 }, "refunds[1].money_minor", nil, nil},
		"negative money tax":  {func(o *Order) { o.Refunds[1].MoneyTaxMinor = -1 }, "refunds[1].money_tax_minor", nil, nil},
		"money tax over all":  {func(o *Order) { o.Refunds[1].MoneyTaxMinor = 6 }, "refunds[1].money_tax_minor", ptr(6), ptr(5)},
		"refund of no line":   {func(o *Order) { o.Refunds[0].Lines[0].LineID = "Z" }, "refunds[0].lines[0].line_id", nil, nil},
		"negative units back": {func(o *Order) { o.Refunds[0].Lines[0].Quantity = -1 }, "refunds[0].lines[0].quantity", nil, nil},
		"negative subtotal":   {func(o *Order) { o.Refunds[0].Lines[0].SubtotalMinor = -1 }, "refunds[0].lines[0].subtotal_minor", nil, nil},
		"negative refund tax": {func(o *Order) { o.Refunds[0].Lines[0].TaxMinor = -1 }, "refunds[0].lines[0].tax_minor", nil, nil},
		"more back than sold": {func(o *Order) { o.Refunds[0].Lines[0].Quantity = 3 }, "refunds[0].lines[0].quantity", nil, nil},
		"more back than sold, in two refunds": {
			func(o *Order) { o.Refunds[1].Lines = []RefundLine{{LineID: "A", Quantity: 2}} }, "refunds[1].lines[0].quantity", nil, nil,
		},
		"refund tax over the subtotal": {
			func(o *Order) { o.TaxesIncluded, o.Refunds[0].Lines[0].TaxMinor = true, 501 },
			"refunds[0].lines[0].tax_minor", ptr(501), ptr(500),
		},
		"refunds overflow":      {func(o *Order) { o.Refunds[1].MoneyMinor = math.MaxInt64 }, "refunds[1]", nil, nil},
		"stated too high":       {func(o *Order) { o.Stated.SubtotalMinor = ptr(1151) }, "stated.subtotal_minor", ptr(1151), ptr(1150)},
		"nothing wrong":         {func(*Order) {}, "", nil, nil},
		"stated is right":       {func(o *Order) { o.Stated.SubtotalMinor = ptr(1150) }, "", nil, nil},
		"no lines":              {func(o *Order) { o.Lines, o.Refunds = nil, nil }, "", nil, nil},
		"longest evidence":      {func(o *Order) { o.Evidence[1].Value = strings.Repeat("x", 255) }, "", nil, nil},
		"all may be discounted": {func(o *Order) { o.OrderDiscountMinor = 1600 }, "", nil, nil},
		"surplus of cents":      {func(o *Order) { o.Refunds[0].Lines[0].SubtotalMinor = 5000 }, "", nil, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := paidOrder(product("A", 2, 1000), product("B", 3, 600), Line{LineID: "T", Kind: Tip, Quantity: 1, GrossMinor: 50})
			o.Evidence = []Evidence{{DistributorCode, "a"}, {CartReference, "b"}}
			o.Refunds = []Refund{goods("r1", "A", 1, 500, 0), {RefundID: "r2", MoneyMinor: 5}}
			c.change(&o)
			wantInvalid(t, o.Validate(), c.field, c.stated, c.computed)
		})
	}
}

func wantInvalid(t *testing.T, err error, field string, stated, computed *int64) {
	t.Helper()
	if field == "" {
		if err != nil {
			t.Fatalf("got %v, want no error", err)
		}
		return
	}
	var bad *Invalid
	if !errors.As(err, &bad) || bad.Field != field || bad.Reason == "" {
		t.Fatalf("got %v, want a fault of %s", err, field)
	}
	if !equalQuantity(bad.StatedMinor, stated) || !equalQuantity(bad.ComputedMinor, computed) {
		t.Fatalf("figures of %v", err)
	}
	if stated != nil && !strings.Contains(err.Error(), strconv.FormatInt(*stated, 10)) {
		t.Fatalf("%v does not show the figure", err)
	}
}

// TestStatedIsHeldAgainstItsOwnRefunds lets a refund arrive that the snapshot with the stated total cannot know.
func TestStatedIsHeldAgainstItsOwnRefunds(t *testing.T) {
	t.Parallel()
	paid, refunded := taxIncluded()
	if err := merged(t, snapshot(1, paid), refunding(2, refunded.Refunds...)).Validate(); err != nil {
		t.Fatal(err)
	}
	paid.Stated.SubtotalMinor = ptr(10061)
	wantInvalid(t, merged(t, snapshot(1, paid)).Validate(), "stated.subtotal_minor", ptr(10061), ptr(10062))
	s := merged(t, snapshot(1, paid), refunding(2, refunded.Refunds...))
	wantInvalid(t, s.Validate(), "stated.subtotal_minor", ptr(10061), ptr(10062))
}

func TestStateValidateLooksAtUnitedRefunds(t *testing.T) {
	t.Parallel()
	paid, _ := taxIncluded()
	s := merged(t, snapshot(1, paid), refunding(2, goods("r", "9", 1, 1, 0)))
	wantInvalid(t, s.Validate(), "refunds[0].lines[0].line_id", nil, nil)
	deleted := merged(t, snapshot(1, paid), revision(Deletion, Webhook, 1))
	wantInvalid(t, deleted.Validate(), "", nil, nil)
}

// TestManyLines holds the index of long orders against the short one's answers.
func TestManyLines(t *testing.T) {
	t.Parallel()
	var o Order
	for i := range 100 {
		o.Lines = append(o.Lines, product(strconv.Itoa(i), 1, 100))
	}
	o = paidOrder(o.Lines...)
	o.Refunds = []Refund{goods("r", "99", 1, 100, 0)}
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	if b := mustNet(t, o, NetPolicy{}); b.NetMinor != 9900 || b.Lines[99].NetMinor != 0 {
		t.Fatalf("net %d", b.NetMinor)
	}
	o.Lines[98].LineID = "3"
	wantInvalid(t, o.Validate(), "lines[98].line_id", nil, nil)
	o.Lines[98].LineID = "98"
	o.Refunds[0].Lines[0].LineID = "100"
	wantInvalid(t, o.Validate(), "refunds[0].lines[0].line_id", nil, nil)
}
