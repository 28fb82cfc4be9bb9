package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters/shopify/adminapi"
	"upline.dev/upline/adapters/shopify/shopifytest"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/install"
)

type fixedToken struct{}

func (fixedToken) Token(context.Context) (string, error) { return "token", nil }
func (fixedToken) Renew(context.Context, string) (string, error) {
	return "", errors.New("not in this test")
}

// TestPixels sees to a shop once after each connect, again after a failure, and to no other store.
func TestPixels(t *testing.T) {
	t.Parallel()
	const shop = "probe.myshopify.com"
	shopify := shopifytest.NewAdmin()
	first := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	list := []install.Connection{
		{StoreID: "till", Platform: order.Custom, Domain: "till.example", State: install.Connected, ConnectedAt: first},
		{StoreID: "gone", Platform: order.Shopify, Domain: "gone.myshopify.com", State: install.Uninstalled, ConnectedAt: first},
		{StoreID: "probe", Platform: order.Shopify, Domain: shop, State: install.Connected, ConnectedAt: first},
	}
	p := &pixels{
		connections: func(context.Context) ([]install.Connection, error) { return list, nil },
		tokens:      func(string) adminapi.TokenSource { return fixedToken{} },
		transport:   shopify.Transport(t, shop, "token"), endpoint: "https://upline.example.com/shopify/hints",
		log: slog.New(slog.DiscardHandler), done: map[string]time.Time{},
	}
	asked := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, shopify.Asked()); diff != "" {
			t.Error(diff)
		}
	}
	shopify.FailNext(shopifytest.Answer(403, ""))
	p.look(t.Context())
	if shopify.Pixel() != "" {
		t.Fatal("a refused call has set the pixel")
	}
	p.look(t.Context())
	p.look(t.Context())
	asked("CreatePixel")
	if diff := cmp.Diff(`{"endpoint":"https://upline.example.com/shopify/hints"}`, shopify.Pixel()); diff != "" {
		t.Error(diff)
	}
	list[2].ConnectedAt = first.Add(time.Hour)
	p.look(t.Context())
	asked("CreatePixel", "CreatePixel", "Pixel", "UpdatePixel")
}
