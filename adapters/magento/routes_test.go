package magento_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/magento"
	"upline.dev/upline/adapters/magento/magentotest"
)

// connected is a shop that was connected, with a reader of its orders.
func connected(t *testing.T, v magentotest.Variant) (*magentotest.Shop, *magento.Reader) {
	t.Helper()
	shop, client, verifier := begun(t, v)
	if _, err := magento.Handshake(t.Context(), client, verifier); err != nil {
		t.Fatal(err)
	}
	client.Patience = nil
	return shop, &magento.Reader{Client: client}
}

func snapshot(id int) string {
	return fmt.Sprintf(`{"type":"order.snapshot","version":1,"sequence":%d,"order":{"id":"%d","updated_at":"2026-11-20T10:00:00Z"}}`, id, id)
}

// TestModuleRoutes: every order of a half-open window is read once, many of one second too, by either code base.
func TestModuleRoutes(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for _, v := range []magentotest.Variant{magentotest.V247, magentotest.V248} {
		shop, reader := connected(t, v)
		var want []string
		for id := 1; id <= 450; id++ { // All but 50 in one second.
			at := from
			if id > 400 {
				at = from.Add(time.Duration(id) * time.Second)
			}
			shop.Put(magentotest.Order{ID: id, UpdatedAt: at, Body: snapshot(id)})
			want = append(want, fmt.Sprint(id))
		}
		shop.Put(magentotest.Order{ID: 900, UpdatedAt: from.Add(-time.Second), Body: snapshot(900)})
		shop.Put(magentotest.Order{ID: 901, UpdatedAt: from.Add(time.Hour), Body: snapshot(901)})
		var got []string
		err := reader.Changed(t.Context(), from.Add(500*time.Millisecond), from.Add(time.Hour), func(f adapters.Fetched) error {
			got = append(got, f.PlatformOrderID)
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %d orders, %v", v, len(got), err)
		}
		f, err := reader.Order(t.Context(), "7")
		if err != nil || string(f.Body) != snapshot(7) || f.UpdatedAt != from {
			t.Errorf("%s: order 7 is %s, %v", v, f.Body, err)
		}
		if _, err := reader.Order(t.Context(), "7000"); !errors.Is(err, adapters.ErrNoOrder) {
			t.Errorf("%s: no order: %v", v, err)
		}
	}
}

// TestModuleAnswers: what a shop may answer at the module's routes, and what is made of it.
func TestModuleAnswers(t *testing.T) {
	t.Parallel()
	shop, reader := connected(t, magentotest.V248)
	shop.Put(magentotest.Order{ID: 1, UpdatedAt: time.Unix(1e9, 0), Body: snapshot(2)})
	if _, err := reader.Order(t.Context(), "1"); err == nil {
		t.Error("another order was taken for this one")
	}
	for name, body := range map[string]string{
		"no JSON": `<html>`, "no list": `{}`, "null": `[null]`, "falling": `[{"entity_id":2,"updated_at":"2026-11-20T10:00:00Z"},{"entity_id":1,"updated_at":"2026-11-20T10:00:00Z"}]`,
		"before": `[{"entity_id":2,"updated_at":"2001-11-20T10:00:00Z"}]`,
	} {
		shop.FailNext(magentotest.Answer(200, body))
		err := reader.Changed(t.Context(), time.Unix(1.5e9, 0), time.Unix(2e9, 0), func(adapters.Fetched) error { return nil })
		if err == nil {
			t.Errorf("%s was read", name)
		}
	}
	shop.Granted = nil
	if _, err := reader.Order(t.Context(), "1"); !errors.Is(err, adapters.ErrReauthorise) {
		t.Errorf("without a permission: %v", err)
	}
	shop.Granted, shop.NoModule = []string{magentotest.ReadOrders}, true
	asked := len(shop.Asked())
	if err := reader.Changed(t.Context(), time.Unix(0, 0), time.Unix(2e9, 0), func(adapters.Fetched) error { return nil }); err == nil {
		t.Error("a module that may not be called is not missing")
	}
	shop.Granted = append(shop.Granted, magentotest.ModuleAPI)
	if err := reader.Changed(t.Context(), time.Unix(0, 0), time.Unix(2e9, 0), func(adapters.Fetched) error { return nil }); err != nil || len(shop.Asked()) == asked {
		t.Errorf("core REST of an empty shop: %v", err)
	}
}
