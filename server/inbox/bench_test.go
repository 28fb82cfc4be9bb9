package inbox_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/inbox"
)

// gcm is the real cipher, so that the figure holds what a Put costs without its disk.
type gcm struct{ cipher.AEAD }

func (g gcm) Seal(plain, associated []byte) ([]byte, error) {
	return g.AEAD.Seal(nil, nil, plain, associated), nil
}

func (g gcm) Open(sealed, associated []byte) ([]byte, error) {
	return g.AEAD.Open(nil, nil, sealed, associated)
}

// nowhere takes everything and keeps nothing.
type nowhere struct{ inbox.Store }

func (nowhere) PutDeliveries(_ context.Context, rows []inbox.Row) ([]inbox.PutResult, error) {
	results := make([]inbox.PutResult, len(rows))
	for i := range rows {
		results[i].DeliveryID = rows[i].DeliveryID
	}
	return results, nil
}

// sampleBody is of a usual webhook's size (about 6.6 kB) and about as repetitive.
func sampleBody() []byte {
	body := []byte(`{"id":820982911946154508,"currency":"EUR","line_items":[`)
	for i := range 12 {
		body = fmt.Appendf(body, `{"id":%d,"admin_graphql_api_id":"gid://shopify/LineItem/%d","sku":"SKU-%04d","price":"%d.%02d",`+
			`"quantity":%d,"taxable":true,"total_discount":"0.00","price_set":{"shop_money":{"amount":"%d.00","currency_code":"EUR"},`+
			`"presentment_money":{"amount":"%d.00","currency_code":"EUR"}},"discount_allocations":[],"tax_lines":[{"title":"VAT",`+
			`"price":"%d.19","rate":0.19}],"fulfillment_status":null,"name":"Tea no. %d","vendor":"Vendor %d"},`,
			866550311766439020+i*7919, 866550311766439020+i*7919, i*37, i*3, i*7%100, i%3+1, i*5, i*5, i, i*11, i%4)
	}
	return append(body, `{}]}`...)
}

func BenchmarkPut(b *testing.B) {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		b.Fatal(err)
	}
	in, err := inbox.New(nowhere{}, gcm{aead}, time.Now, inbox.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	body := sampleBody()
	var n atomic.Int64
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			d := order.Delivery{PlatformDeliveryID: strconv.FormatInt(n.Add(1), 10), StoreID: "s1", Body: body}
			if _, err := in.Put(context.Background(), d); err != nil {
				b.Error(err)
			}
		}
	})
}
