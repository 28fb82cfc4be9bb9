package e2e_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upline.dev/upline/core/money"
)

// shopifyBodies are the bodies that the adapter's tests read, with what each must come to.
const shopifyBodies = "../../adapters/shopify/testdata"

// wantedBody is a line of expected.json.
type wantedBody struct {
	Topic     string           `json:"topic"`
	Currency  money.Currency   `json:"currency"`
	Malformed string           `json:"malformed"`
	Kind      string           `json:"kind"`
	OrderID   string           `json:"order_id"`
	With      []string         `json:"with"`
	NetMinor  int64            `json:"net_minor"`
	Lines     map[string]int64 `json:"lines"`
}

// TestBodiesEndToEnd sends every body of an order to the real binary, each order once to a store, with the bodies that belong to
// it, twice: what the API shows is the order's net to the last minor unit (as waiting, where nobody knows whose code it is), and what cannot be read is kept and told by its field. Bodies of others, where they are there, end too, none as a failure of ours.
func TestBodiesEndToEnd(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(shopifyBodies, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]wantedBody
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	in := newInstallation(t, "")
	stores, secrets := map[string]string{}, map[string]string{}
	open := func(id string, currency money.Currency) {
		if secrets[id] == "" {
			secrets[id] = in.field("signing_secret", "admin", "store", "create", id+".myshopify.com", "--platform", "shopify", "--currency", string(currency), "--id", id, "--test-orders", "--json")
		}
	}
	taken := map[string]bool{} // one order to a store: some bodies tell the same order
	for _, name := range slices.Sorted(maps.Keys(all)) {
		currency := all[name].Currency
		for n := 1; stores[name] == ""; n++ {
			id := fmt.Sprintf("%s-%d", strings.ToLower(string(currency)), n)
			if key := id + "/" + all[name].OrderID; !taken[key] {
				taken[key], stores[name] = true, id
				open(id, currency)
			}
		}
	}
	for id, currency := range map[string]money.Currency{"derived": "EUR", "others-eur": "EUR", "others-usd": "USD"} {
		open(id, currency)
	}
	p := in.serve()
	others := bodiesOfOthers(t)
	for i, other := range others {
		in.domain, in.secret = other.store+".myshopify.com", secrets[other.store]
		if status, err := in.webhook(other.topic, fmt.Sprintf("other-%d", i), other.body); err != nil || status != http.StatusOK {
			t.Errorf("%s: %d %v", other.topic, status, err)
		}
	}
	for name := range all {
		in.domain, in.secret = stores[name]+".myshopify.com", secrets[stores[name]]
		for i, part := range append([]string{name}, all[name].With...) {
			body, err := os.ReadFile(filepath.Join(shopifyBodies, part))
			if err != nil {
				t.Fatal(err)
			}
			for round := range 2 {
				if status, err := in.webhook(all[part].Topic, fmt.Sprintf("%s-%d-%d", name, i, round), body); err != nil || status != http.StatusOK {
					t.Errorf("%s: %d %v", part, status, err)
				}
			}
		}
	}
	in.settled()
	in.checkBodiesOfOrders(all, stores)
	for _, d := range in.rows("/api/v1/deliveries?") {
		if d["result"] == "failed" {
			t.Errorf("%v: %v", d["topic"], d["reason"])
		}
	}
	if shown := in.rows("/api/v1/orders?store_id=derived&"); len(others) > 0 && (len(shown) != 1 || shown[0]["net"] != othersNet && shown[0]["waiting"] != othersNet) {
		t.Errorf("the tax-inclusive order of others: %v, want net %s", shown, othersNet)
	}
	p.stop(t)
	if text := in.cli("verify"); !strings.Contains(text, ": sound (") {
		t.Errorf("verify says: %s", text)
	}
}

// checkBodiesOfOrders holds what the API shows against what each body must come to.
func (in *installation) checkBodiesOfOrders(all map[string]wantedBody, stores map[string]string) {
	in.t.Helper()
	held := 0
	for name, want := range all {
		switch {
		case want.Malformed != "":
			told := 0
			for _, d := range in.rows("/api/v1/deliveries?store_id=" + stores[name] + "&") {
				if strings.Contains(fmt.Sprint(d["reason"]), want.Malformed) {
					told++
				}
			}
			if told < 2 {
				in.t.Errorf("%s: %d deliveries tell a fault of %s", name, told, want.Malformed)
			}
		case want.Lines != nil:
			held++
			shown := slices.DeleteFunc(in.rows("/api/v1/orders?store_id="+stores[name]+"&"), func(o map[string]any) bool { return o["platform_order_id"] != want.OrderID })
			if net := money.FormatMinor(want.NetMinor, want.Currency); len(shown) != 1 || shown[0]["net"] != net && shown[0]["waiting"] != net {
				in.t.Errorf("%s: %v, want net %s", name, shown, net)
			}
		}
	}
	if held < 15 {
		in.t.Errorf("only %d orders were held against their net", held)
	}
}

// othersNet is what the tax-inclusive order of others comes to after its refund.
const othersNet = "47.25"

// otherBody is a body that somebody else wrote down.
type otherBody struct {
	store, topic string
	body         []byte
}

// bodiesOfOthers reads the folder of sample bodies, where it is beside the repository; they add cases to our own.
func bodiesOfOthers(t *testing.T) (found []otherBody) {
	t.Helper()
	for _, folder := range []string{"../../../shared/data/shopify", "../../../../shared/data/shopify"} {
		if _, err := os.Stat(folder); err != nil {
			continue
		}
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			base := strings.TrimSuffix(filepath.Base(path), ".json")
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" || strings.Contains(path, "json-schema") || base == "expected" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, body := range bare(text) {
				found = append(found, otherBody{storeOfOther(path, body), topicOfOther(base), body})
			}
			return nil
		})
		if err != nil || len(found) < 100 {
			t.Fatalf("%s: %d bodies, %v", folder, len(found), err)
		}
		return found
	}
	return nil
}

// bare takes off what collections wrap bodies in: answers of the REST API, lists, and entries of documentation.
func bare(text []byte) (bodies [][]byte) {
	var outer map[string]json.RawMessage
	if json.Unmarshal(text, &outer) != nil {
		return nil
	}
	for _, name := range []string{"response", "order", "refund", "transaction"} {
		if inner := outer[name]; len(inner) > 0 && inner[0] == '{' && outer["id"] == nil {
			return [][]byte{inner}
		}
	}
	for _, name := range []string{"orders", "refunds", "transactions"} {
		var list []json.RawMessage
		if json.Unmarshal(outer[name], &list) == nil && outer["id"] == nil {
			for _, one := range list {
				bodies = append(bodies, one)
			}
			return bodies
		}
	}
	return [][]byte{text}
}

func topicOfOther(base string) string {
	switch {
	case strings.Contains(base, "orders_edited"), strings.Contains(base, "orders_delete"), strings.HasPrefix(base, "draft_"):
		return strings.ReplaceAll(base, "orders_", "orders/")
	case strings.Contains(base, "refund"):
		return "refunds/create"
	case strings.Contains(base, "transaction"):
		return "order_transactions/create"
	case strings.HasPrefix(base, "order"), strings.Contains(base, "_orders_"):
		return "orders/updated"
	}
	for _, family := range []string{"app", "bulk_operations", "customers", "disputes", "returns", "shop"} {
		if rest, found := strings.CutPrefix(base, family+"_"); found {
			return family + "/" + rest
		}
	}
	return "samples/" + base
}

func storeOfOther(path string, body []byte) string {
	var in struct {
		Currency string `json:"currency"`
	}
	_ = json.Unmarshal(body, &in)
	switch {
	case strings.Contains(path, "derived"):
		return "derived"
	case in.Currency == "EUR":
		return "others-eur"
	}
	return "others-usd"
}
