package shopify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify/adminapi"
	"upline.dev/upline/adapters/shopify/shopifytest"
)

func variant(number int, sku any, title string) shopifytest.Object {
	return shopifytest.Object{
		"__typename": "ProductVariant", "id": fmt.Sprintf("gid://shopify/ProductVariant/%d", number), "sku": sku, "title": title, "price": "19.90",
		"inventoryQuantity": 7, "inventoryItem": shopifytest.Object{"id": fmt.Sprintf("gid://shopify/InventoryItem/%d", number), "tracked": true},
		"product": shopifytest.Object{"id": "gid://shopify/Product/1", "title": "Tea", "productType": "Drinks", "status": "ACTIVE"},
	}
}

// TestArticles: variants come under the names that orders' lines have, over as many pages as it takes.
func TestArticles(t *testing.T) {
	t.Parallel()
	admin := roomy()
	variants := []shopifytest.Object{variant(1, "TEA-12", "Default Title"), variant(2, nil, "Large")}
	for n := range 150 {
		variants = append(variants, variant(100+n, fmt.Sprintf("SKU-%d", n), "Default Title"))
	}
	admin.PutVariants(variants...)
	var got []adapters.Article
	err := readShop(t, admin).Articles(context.Background(), func(a adapters.Article) error {
		got = append(got, a)
		return nil
	})
	if err != nil || len(got) != 152 {
		t.Fatalf("%d articles: %v", len(got), err)
	}
	want := []adapters.Article{
		{PlatformSKU: "TEA-12", Name: "Tea", Category: "Drinks", Price: "19.90", Available: 7, Counted: true},
		{PlatformSKU: "variant:2", Name: "Tea, Large", Category: "Drinks", Price: "19.90", Available: 7, Counted: true},
	}
	if diff := cmp.Diff(want, got[:2]); diff != "" {
		t.Error(diff)
	}
}

// TestAddCodes: one discount gets a code for everybody, in as few calls as Shopify allows; doing it again adds what is new.
func TestAddCodes(t *testing.T) {
	t.Parallel()
	admin := roomy()
	reader := readShop(t, admin)
	terms := adapters.CodeTerms{Title: "Distributors", PercentHundredths: 1000}
	var codes []string
	for n := range 600 {
		codes = append(codes, fmt.Sprintf("CODE%03d", n))
	}
	last := 0
	report, err := reader.AddCodes(context.Background(), terms, codes, func(done int) { last = done })
	if err != nil || report.Added != 600 || report.Known != 0 || len(report.Faults) != 0 || last != 600 {
		t.Fatalf("%+v after %d: %v", report, last, err)
	}
	calls := 0
	for _, operation := range admin.Asked() {
		if operation == "AddCodes" || operation == "CreateDiscount" {
			calls++
		}
	}
	if calls != 4 {
		t.Errorf("%d calls for 600 codes, want one discount and three times 250 codes at most", calls)
	}
	report, err = reader.AddCodes(context.Background(), terms, append(codes, "NEW", strings.Repeat("x", 256)), func(int) {})
	if err != nil || report.Added != 1 || report.Known != 600 || len(report.Faults) != 1 || report.Faults[0].Reason == "" {
		t.Errorf("again: %+v, %v", report, err)
	}
	if got := len(admin.Codes()); got != 601 {
		t.Errorf("the shop has %d codes", got)
	}
	if report, err := reader.AddCodes(context.Background(), terms, nil, func(int) {}); err != nil || report.Added != 0 {
		t.Errorf("no codes: %+v, %v", report, err)
	}
}

// TestAddCodesRefused: what Shopify says against a discount is told.
func TestAddCodesRefused(t *testing.T) {
	t.Parallel()
	_, err := readShop(t, roomy()).AddCodes(context.Background(), adapters.CodeTerms{}, []string{""}, func(int) {})
	var e *adminapi.Error
	if !errors.As(err, &e) || e.Kind != adminapi.UserErrors || !strings.Contains(e.Detail, "blank") {
		t.Errorf("got %v", err)
	}
}
