package magento_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// told is an order that a real store's module sent. The module's own tests hold that it still makes order from record; right is
// computed from what core REST answered about the same order, and from nothing of ours.
type told struct {
	Name  string          `json:"name"`
	Order json.RawMessage `json:"order"`
	Right struct {
		Rows []struct {
			ItemID     int64  `json:"item_id"`
			SKU        string `json:"sku"`
			Kept       string `json:"kept"` // net of what is invoiced and not refunded
			KeptPlaced string `json:"kept_order_currency"`
		} `json:"rows"`
	} `json:"right"`
}

// TestOrdersOfARealStore reads what the module sent of orders of every product type, in every state they went through and
// under every tax setting: in both currencies, what may be paid on is each row's net that is invoiced and not refunded.
func TestOrdersOfARealStore(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "store", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		var in struct {
			Orders []told `json:"orders"`
		}
		if err := json.Unmarshal(fixture(t, "store", filepath.Base(file)), &in); err != nil {
			t.Fatal(err)
		}
		if len(in.Orders) == 0 {
			t.Errorf("%s holds no order", file)
		}
		for i := range in.Orders {
			t.Run(filepath.Base(file)+"/"+in.Orders[i].Name, func(t *testing.T) {
				t.Parallel()
				for _, currency := range []money.Currency{"USD", "EUR"} {
					in.Orders[i].holds(t, currency)
				}
			})
		}
	}
}

// holds reads the order in a currency and compares what it may pay on with the right answer.
func (o *told) holds(t *testing.T, currency money.Currency) {
	t.Helper()
	body := fmt.Appendf(nil, `{"type":"order.snapshot","version":1,"sequence":1,"order":%s}`, o.Order)
	got, err := read(t, plugin.Topic, body, currency)
	if err != nil {
		t.Fatalf("%s: %v", currency, err)
	}
	if err := got.Order.Validate(); err != nil {
		t.Fatalf("%s: %v", currency, err)
	}
	net, err := order.Net(*got.Order, order.NetPolicy{PartiallyPaid: order.PartialProportional})
	if err != nil {
		t.Fatalf("%s: %v", currency, err)
	}
	want, found := map[string]int64{}, map[string]int64{}
	for _, row := range o.Right.Rows {
		kept := row.Kept
		if currency == "EUR" {
			kept = row.KeptPlaced
		}
		want[strconv.FormatInt(row.ItemID, 10)+" "+row.SKU] = minor(t, kept, currency)
	}
	for i, line := range got.Order.Lines {
		found[line.LineID+" "+line.PlatformSKU] = net.Lines[i].NetMinor
	}
	if diff := cmp.Diff(want, found); diff != "" || len(want) == 0 {
		t.Errorf("%s:\n%s", currency, diff)
	}
}
