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
	p := &shopNeeds{
		connections: func(context.Context) ([]install.Connection, error) { return list, nil },
		tokens:      func(string) adminapi.TokenSource { return fixedToken{} },
		transport:   shopify.Transport(t, shop, "token"), endpoint: "https://upline.example.com/shopify/hints",
		deliveries: "https://upline.example.com/webhooks/shopify", clock: func() time.Time { return first },
		log: slog.New(slog.DiscardHandler), done: map[string]string{},
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
	asked("Subscriptions", "CreatePixel")
	if diff := cmp.Diff(`{"endpoint":"https://upline.example.com/shopify/hints"}`, shopify.Pixel()); diff != "" {
		t.Error(diff)
	}
	list[2].ConnectedAt = first.Add(time.Hour)
	p.look(t.Context())
	asked("Subscriptions", "CreatePixel", "CreatePixel", "Pixel", "UpdatePixel", "Subscriptions")
}

// TestOptionalTopics: a shop is subscribed to disputes when its merchant grants their scope, again after Shopify has dropped the
// subscription, and no longer once the scope is taken back.
func TestOptionalTopics(t *testing.T) {
	t.Parallel()
	const shop = "probe.myshopify.com"
	shopify := shopifytest.NewAdmin()
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	list := []install.Connection{{StoreID: "probe", Platform: order.Shopify, Domain: shop, State: install.Connected, ConnectedAt: now, Scopes: []string{"read_orders"}}}
	p := &shopNeeds{
		connections: func(context.Context) ([]install.Connection, error) { return list, nil },
		tokens:      func(string) adminapi.TokenSource { return fixedToken{} },
		transport:   shopify.Transport(t, shop, "token"), endpoint: "https://upline.example.com/shopify/hints",
		deliveries: "https://upline.example.com/webhooks/shopify", clock: func() time.Time { return now },
		log: slog.New(slog.DiscardHandler), done: map[string]string{},
	}
	topics := func(want ...string) {
		t.Helper()
		p.look(t.Context())
		got := []string{}
		for _, s := range shopify.Subscriptions() {
			got = append(got, s.Topic)
			if s.URI != p.deliveries || len(s.Fields) == 0 {
				t.Errorf("subscription %+v", s)
			}
		}
		if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
			t.Error(diff)
		}
	}
	topics()
	list[0].Scopes = []string{"read_orders", "read_shopify_payments_disputes"}
	topics("DISPUTES_CREATE", "DISPUTES_UPDATE")
	asked := len(shopify.Asked())
	if topics("DISPUTES_CREATE", "DISPUTES_UPDATE"); len(shopify.Asked()) != asked {
		t.Errorf("asked again for nothing: %v", shopify.Asked()[asked:])
	}
	list[0].Scopes = []string{"read_orders", "read_returns", "read_shopify_payments_disputes"}
	topics("DISPUTES_CREATE", "DISPUTES_UPDATE", "RETURNS_PROCESS")
	shopify.DropSubscriptions()
	now = now.Add(24 * time.Hour)
	topics("DISPUTES_CREATE", "DISPUTES_UPDATE", "RETURNS_PROCESS")
	list[0].Scopes = []string{"read_orders", "read_returns"}
	topics("RETURNS_PROCESS")
	list[0].Scopes = []string{"read_orders"}
	topics()
	shopify.RefusedTopics = []string{"DISPUTES_CREATE"}
	list[0].Scopes = []string{"read_shopify_payments_disputes"}
	topics("DISPUTES_UPDATE")
	shopify.RefusedTopics = nil
	topics("DISPUTES_UPDATE", "DISPUTES_CREATE") // what failed is tried at the next look
}
