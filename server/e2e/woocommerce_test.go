package e2e_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"upline.dev/upline/adapters"
)

const wooSite = "https://shop.example.com"

// send posts a body with headers and gives the answer.
func (in *installation) send(path string, header map[string]string, body []byte) (int, []byte) {
	in.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+in.addr+path, bytes.NewReader(body))
	if err != nil {
		in.t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		in.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		in.t.Fatal(err)
	}
	return answer.StatusCode, text
}

// wooShop is a shop's plugin that was connected with a code.
type wooShop struct {
	*installation
	store, secret string
	sequence      int
}

// connectWoo walks from the command line's code to the plugin's secret.
func (in *installation) connectWoo(site string) *wooShop {
	in.t.Helper()
	code := in.field("code", "admin", "store", "connect", site, "--currency", "USD", "--id", "woo", "--json")
	claim := fmt.Sprintf(`{"type":"claim","version":1,"site":%q,"code":%q,"verifier":"","currency":"USD"}`, site, code)
	status, body := in.send("/api/plugin/claim", nil, []byte(claim))
	var got struct {
		StoreID string `json:"store_id"`
		Secret  string `json:"secret"`
	}
	if err := json.Unmarshal(body, &got); err != nil || status != http.StatusOK || got.StoreID != "woo" {
		in.t.Fatalf("claim: %d %s", status, body)
	}
	file := filepath.Join(in.dir, "woo.csv")
	if err := os.WriteFile(file, []byte("platform,platform_sku,commission_class\nwoocommerce,TEA-001,a\nwoocommerce,KIT-START,a\n"), 0o600); err != nil {
		in.t.Fatal(err)
	}
	in.cli("import", "skus", file, "--commit")
	return &wooShop{installation: in, store: got.StoreID, secret: got.Secret}
}

// wooSnapshot is an order of CYD's over 59.80 net; members are those of its status.
func wooSnapshot(id string, sequence int, site, members, refunds string) []byte {
	return fmt.Appendf(nil, `{"type":"order.snapshot","version":1,"sequence":%d,"site":%q,"platform":"woocommerce",
		"store":{"currency":"USD","decimals":2},"order":{"id":%q,"number":"20","currency":"USD","created_at":"2026-11-21T00:02:39Z",
		"customer":{"id":"2","country":"US"},"total":"71.21","total_tax":"5.42","coupons":[{"code":"cyd10"}],"fees":[],
		"shipping":[{"total":"5.99","tax":"0.49"}],"refunds":[%s],
		"lines":[{"id":"1","sku":"TEA-001","quantity":"2","subtotal":"59.80","total":"59.80","tax":"4.93"}],%s}}`, sequence, site, id, refunds, members)
}

// tell sends the next snapshot of order 20.
func (w *wooShop) tell(members, refunds string) {
	w.t.Helper()
	w.sequence++
	body := wooSnapshot("20", w.sequence, wooSite, members, refunds)
	id, at := fmt.Sprintf("evt-%d", w.sequence), strconv.FormatInt(time.Now().Unix(), 10)
	status, answer := w.send("/webhooks/woocommerce/"+w.store, map[string]string{
		adapters.HeaderWebhookID: id, adapters.HeaderWebhookTimestamp: at,
		adapters.HeaderWebhookSignature: adapters.SignStandard(id, at, body, []byte(w.secret)),
	}, body)
	if status != http.StatusOK {
		w.t.Fatalf("snapshot %d: %d %s", w.sequence, status, answer)
	}
}

// wantNet waits until an order of the shop is settled at a net, with the seller's 20 %.
func (in *installation) wantNet(orderID, net, seller string) {
	in.t.Helper()
	var last string
	in.until("order "+orderID+" to be at "+net, func() bool {
		status, body, err := in.get("/api/v1/orders/woo/" + orderID)
		last = string(body)
		return err == nil && status == http.StatusOK && strings.Contains(last, `"net":"`+net+`"`) && strings.Contains(last, `"settlement":"settled"`)
	})
	in.until("CYD to have "+seller+" by order "+orderID, func() bool {
		for _, row := range in.rows("/api/mlm/commissions?order_id=" + orderID + "&") {
			if row["referrer_id"] == "CYD" && row["component_id"] == "retail" {
				return row["value"] == seller
			}
		}
		return false
	})
}

// TestWooCommercePlugin follows one order through everything that can happen to it in a shop.
func TestWooCommercePlugin(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		p := in.serve()
		w := in.connectWoo(wooSite)
		const (
			paid      = `"status":"processing","paid":true`
			refund    = `{"id":"21","at":"2026-11-21T00:03:00Z","amount":"32.37","lines":[{"line_id":"1","quantity":"1","total":"29.90","tax":"2.47"}]}`
			deleted   = `{"id":"21","at":"2026-11-21T00:03:00Z","deleted":true}`
			everySale = "11.96" // 20 % of 59.80
		)
		w.tell(paid, "")
		in.wantNet("20", "59.80", everySale)
		w.tell(paid, refund)
		in.wantNet("20", "29.90", "5.98")
		w.tell(paid, deleted)
		in.wantNet("20", "59.80", everySale)
		w.tell(`"status":"trash","paid":false,"trashed":true`, deleted)
		in.wantNet("20", "0.00", "0.00")
		w.tell(paid, deleted)
		in.wantNet("20", "59.80", everySale)
		w.tell(`"status":"cancelled","paid":false`, deleted)
		in.wantNet("20", "0.00", "0.00")
		w.tell(`"status":"completed","paid":true`, deleted)
		in.wantNet("20", "59.80", everySale)
		w.tell(`"status":"completed","paid":true,"deleted":true`, deleted)
		in.wantNet("20", "0.00", "0.00")
		w.call("erase", `"customer_id":"2"`)
		in.until("the customer to be erased", func() bool {
			out := in.cli("privacy", "list")
			return strings.Contains(out, "customer_erase") && strings.Contains(out, "done")
		})
		if status, answer := in.send("/connect/woocommerce/callback", nil, []byte(`{"user_id":"guessed","consumer_key":"ck_x","consumer_secret":"cs_x"}`)); status != http.StatusForbidden {
			t.Errorf("keys that nobody asked for: %d %s, want 403", status, answer)
		}
		if out := in.cli("verify"); !strings.Contains(out, ": sound (") {
			t.Errorf("verify says: %s", out)
		}
		p.stop(t)
	})
}

// call asks what a shop's pages ask.
func (w *wooShop) call(call, members string) []byte {
	w.t.Helper()
	body := fmt.Appendf(nil, `{"type":%q,"version":1,"site":%q,%s}`, call, wooSite, members)
	id, at := "call-"+call, strconv.FormatInt(time.Now().Unix(), 10)
	status, answer := w.send("/api/plugin/"+w.store+"/"+call, map[string]string{
		adapters.HeaderWebhookID: id, adapters.HeaderWebhookTimestamp: at,
		adapters.HeaderWebhookSignature: adapters.SignStandard(id, at, body, []byte(w.secret)),
	}, body)
	if status != http.StatusOK {
		w.t.Fatalf("%s: %d %s", call, status, answer)
	}
	return answer
}

// TestWooCommerceRecordings sends every recorded delivery of a real store, twice and in its order, to the real program.
func TestWooCommerceRecordings(t *testing.T) {
	t.Parallel()
	in := newInstallation(t, "")
	p := in.serve()
	w := in.connectWoo(wooSite)
	w.secret = in.field("signing_secret", "admin", "store", "rotate-secret", "woo", "--json")
	paths, err := filepath.Glob("../../adapters/woocommerce/testdata/wc-10.9.1/*/*.body.json")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d recordings, %v", len(paths), err)
	}
	sort.Strings(paths)
	for round := range 2 {
		for _, path := range paths {
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			topic := strings.TrimSuffix(filepath.Base(path), ".body.json")[len("0000-"):]
			status, answer := in.send("/webhooks/woocommerce/woo", map[string]string{
				"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": base64HMAC(body, w.secret), "X-WC-Webhook-Delivery-ID": "same",
			}, body)
			if status != http.StatusOK {
				t.Fatalf("%s: %d %s", path, status, answer)
			}
			if round == 0 {
				in.settled() // what a parked order was paid before is only told when it was settled before
			}
		}
	}
	in.settled()
	nets := map[string]string{}
	for _, row := range in.rows("/api/v1/orders?store_id=woo&") {
		nets[fmt.Sprint(row["platform_order_id"])] = fmt.Sprint(row["settlement"], " ", row["net"])
	}
	want := map[string]string{
		"20": "parked 59.80", // a line was refunded, and only a fetch tells which
		"24": "settled 0.00", // refunded whole
		"26": "settled 0.00", // cancelled
		"29": "settled 56.81", "32": "parked 0.00", "63": "settled 53.82",
	}
	for id, net := range want {
		if nets[id] != net {
			t.Errorf("order %s is %s, want %s", id, nets[id], net)
		}
	}
	p.stop(t)
}

// base64HMAC is how platforms sign a raw body.
func base64HMAC(body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// shopPlugin is a shop whose plugin answers for orders 1 to n and tells none of them by itself.
func shopPlugin(t *testing.T, n int, secret *atomic.Value) *httptest.Server {
	t.Helper()
	shop := httptest.NewUnstartedServer(nil)
	shop.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		key, _ := secret.Load().(string)
		if err != nil || adapters.VerifyStandard(r.Header.Get, body, [][]byte{[]byte(key)}) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var in struct {
			Type string
			IDs  []string
		}
		if err := json.Unmarshal(body, &in); err != nil || !strings.HasSuffix(r.URL.Path, "/wp-json/wc-upline/v1/"+in.Type) {
			t.Errorf("%s: %s", r.URL.Path, body)
		}
		var rows []string
		if in.Type == "digest" {
			for id := 1; id <= n; id++ {
				rows = append(rows, fmt.Sprintf(`{"id":"%d","sequence":1,"dirty":false}`, id))
			}
		}
		for _, id := range in.IDs {
			rows = append(rows, string(wooSnapshot(id, 1, shop.URL, `"status":"processing","paid":true`, "")))
		}
		fmt.Fprintf(w, `{"data":[%s],"next_cursor":"","missing":[]}`, strings.Join(rows, ","))
	})
	shop.Start()
	t.Cleanup(shop.Close)
	return shop
}

// TestWooCommerceReconciliation: 150 orders of which no delivery ever came are found, mended, and then in step.
func TestWooCommerceReconciliation(t *testing.T) {
	t.Parallel()
	in := newInstallation(t, "")
	in.env = append(in.env, "UPLINE_TEST_LOOPBACK_SHOPS=true", "UPLINE_RECONCILE_EVERY=0") // or the server finds them before the command
	p := in.serve()
	var secret atomic.Value
	shop := shopPlugin(t, 150, &secret)
	secret.Store(in.connectWoo(shop.URL).secret)
	if out := in.cli("reconcile", "--store", "woo", "--mend"); !strings.Contains(out, "150 orders were handed to the inbox") {
		t.Errorf("reconcile says: %s", out)
	}
	in.settled()
	if rows := in.rows("/api/v1/orders?store_id=woo&settlement=settled&"); len(rows) != 150 {
		t.Errorf("%d orders are settled, want 150", len(rows))
	}
	if out := in.cli("reconcile", "--store", "woo"); !strings.Contains(out, "150 orders read, 150 in step") || !strings.Contains(out, "difference 0.00 USD") {
		t.Errorf("reconcile again says: %s", out)
	}
	p.stop(t)
}
