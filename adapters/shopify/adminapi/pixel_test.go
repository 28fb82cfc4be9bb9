package adminapi_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters/shopify/adminapi"
)

// TestConnectPixel: the first call makes the pixel, the next ones change it, and a refusal is told by name.
func TestConnectPixel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, endpoint := range []string{"https://upline.example.com/shopify/hints", "https://upline.example.com/shopify/hints", "https://other.example.com/shopify/hints"} {
		if err := b.client.ConnectPixel(context.Background(), endpoint); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(`{"endpoint":"`+endpoint+`"}`, b.admin.Pixel()); diff != "" {
			t.Error(diff)
		}
	}
	want := []string{"CreatePixel", "CreatePixel", "Pixel", "UpdatePixel", "CreatePixel", "Pixel", "UpdatePixel"}
	if diff := cmp.Diff(want, b.admin.Asked()); diff != "" {
		t.Error(diff)
	}
	var refused *adminapi.Error
	if err := b.client.ConnectPixel(context.Background(), ""); !errors.As(err, &refused) || refused.Kind != adminapi.UserErrors {
		t.Errorf("no endpoint: %v", err)
	}
	b = setup(t)
	if err := b.client.ConnectPixel(context.Background(), ""); !errors.As(err, &refused) || refused.Kind != adminapi.UserErrors {
		t.Errorf("no endpoint for the first one: %v", err)
	}
}
