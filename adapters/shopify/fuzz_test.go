package shopify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/adaptertest"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/order"
)

// FuzzNormalise promises: no panic, a *Malformed or one revision that survives storage, the same both times.
func FuzzNormalise(f *testing.F) {
	for name, want := range expectations(f) {
		f.Add(want.Topic, fixture(f, name), "2026-10-09T07:00:02Z")
	}
	f.Fuzz(func(t *testing.T, topic string, body []byte, triggered string) {
		d := delivery(topic, body)
		d.Headers = map[string]string{"x-shopify-triggered-at": triggered}
		first, err := shopify.New().Normalise(d, store("USD"))
		second, again := shopify.New().Normalise(d, store("USD"))
		if err != nil {
			if _, err := shopify.New().Tell(d, store("USD")); err != nil {
				if _, ok := errors.AsType[*adapters.Malformed](err); !ok {
					t.Fatalf("told: %v, want a *Malformed", err)
				}
			}
			if _, ok := errors.AsType[*adapters.Malformed](err); !ok || again == nil || err.Error() != again.Error() {
				t.Fatalf("error %v, then %v, want one *Malformed", err, again)
			}
			return
		}
		if len(first) != 1 || len(second) != 1 || first[0].Hash() != second[0].Hash() {
			t.Fatalf("two readings differ: %+v and %+v", first, second)
		}
		told, err := shopify.New().Tell(d, store("USD"))
		if diff := cmp.Diff(adaptertest.Told(first), told); diff != "" || err != nil {
			t.Fatalf("it is told otherwise than it is read: %s%v", diff, err)
		}
		checkStorable(t, first[0])
	})
}

// checkStorable sends a revision through JSON and, where it is one of an order, through Merge and Net.
func checkStorable(t *testing.T, revision order.Revision) {
	t.Helper()
	text, err := json.Marshal(revision)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	var back order.Revision
	if err := json.Unmarshal(text, &back); err != nil || back.Hash() != revision.Hash() {
		t.Fatalf("decoded %s to another revision (%v)", text, err)
	}
	if revision.Kind == order.Ignored {
		return
	}
	state, err := order.Merge(order.State{}, revision)
	if err != nil {
		t.Fatalf("merge: %v", err)
	}
	if state.Validate() != nil {
		return
	}
	effective, err := state.Effective()
	if err != nil {
		t.Fatalf("effective: %v", err)
	}
	if breakdown, err := order.Net(effective, order.NetPolicy{}); err == nil && breakdown.NetMinor < 0 {
		t.Fatalf("net %d", breakdown.NetMinor)
	}
}

// FuzzVerify promises that a signature fits its own body and secret and no other body.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(`{"id":1}`), []byte("secret"), "bm90IGEgc2lnbmF0dXJl", []byte(`{"id":2}`))
	f.Fuzz(func(t *testing.T, body, secret []byte, claimed string, other []byte) {
		verify := func(signature string, body []byte) error {
			return shopify.New().Verify(func(string) string { return signature }, body, [][]byte{secret})
		}
		genuine := sign(body, secret)["X-Shopify-Hmac-Sha256"]
		if err := verify(genuine, body); (err == nil) != (len(secret) > 0) {
			t.Fatalf("own signature with a secret of %d bytes: %v", len(secret), err)
		}
		if claimed != genuine && verify(claimed, body) == nil {
			t.Fatalf("accepted %q for %q", claimed, genuine)
		}
		if !bytes.Equal(other, body) && verify(genuine, other) == nil {
			t.Fatal("accepted another body")
		}
	})
}

// FuzzOpen promises an envelope that is fit to be a key, or a *Malformed.
func FuzzOpen(f *testing.F) {
	f.Add("orders/paid", "probe.myshopify.com", "w-1", []byte("{}"))
	f.Add("orders/paid", "PROBE.myshopify.com", "", []byte(""))
	f.Fuzz(func(t *testing.T, topic, domain, id string, body []byte) {
		headers := map[string]string{"X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": domain, "X-Shopify-Webhook-Id": id}
		got, err := shopify.New().Open(func(name string) string { return headers[name] }, body)
		if err != nil {
			if _, ok := errors.AsType[*adapters.Malformed](err); !ok || got != (adapters.Envelope{}) {
				t.Fatalf("%+v and error %v", got, err)
			}
			return
		}
		if ok, _ := filepath.Match("[a-z0-9]*.myshopify.com", got.StoreDomain); !ok || got.Topic != topic || got.PlatformDeliveryID == "" {
			t.Fatalf("envelope %+v", got)
		}
	})
}
