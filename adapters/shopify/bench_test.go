package shopify_test

import (
	"encoding/json"
	"testing"

	goshopify "github.com/bold-commerce/go-shopify/v4"

	"upline.dev/upline/adapters/shopify"
)

// BenchmarkNormalise holds the whole way from bytes to a revision against what the platform's client library needs for
// decoding alone, body by body. The goal is 0.45 of its time, the stretch 0.25.
func BenchmarkNormalise(b *testing.B) {
	for _, name := range []string{"orders_updated_eur_refunded", "orders_create_usd_order_discount"} {
		want := expectations(b)[name+".json"]
		d, s := delivery(want.Topic, fixture(b, name+".json")), store(want.Currency)
		b.Run(name+"/upline", func(b *testing.B) {
			b.SetBytes(int64(len(d.Body)))
			b.ReportAllocs()
			adapter := shopify.New()
			for b.Loop() {
				if _, err := adapter.Normalise(d, s); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/told", func(b *testing.B) {
			b.ReportAllocs()
			adapter := shopify.New()
			for b.Loop() {
				if _, err := adapter.Tell(d, s); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/go-shopify", func(b *testing.B) {
			b.SetBytes(int64(len(d.Body)))
			b.ReportAllocs()
			for b.Loop() {
				var into goshopify.Order
				if err := json.Unmarshal(d.Body, &into); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerify is the cost of the door: one HMAC per secret.
func BenchmarkVerify(b *testing.B) {
	body, secrets := fixture(b, "orders_updated_eur_refunded.json"), [][]byte{[]byte("new secret"), []byte("old secret")}
	signature := sign(body, secrets[1])["X-Shopify-Hmac-Sha256"]
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := shopify.New().Verify(func(string) string { return signature }, body, secrets); err != nil {
			b.Fatal(err)
		}
	}
}
