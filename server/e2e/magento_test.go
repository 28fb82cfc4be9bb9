package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/magento/magentotest"
)

// magentoShop is a Magento store beside an installation, with the orders that it pushes.
type magentoShop struct {
	*installation
	*magentotest.Shop
}

// connectMagento pastes a code of the command line into a shop and waits for the handshake's end.
func (in *installation) connectMagento(shop *magentotest.Shop) *magentoShop {
	in.t.Helper()
	before := shop.Told()
	code := in.field("code", "admin", "store", "connect", shop.Site(), "--platform", "magento", "--currency", "USD", "--id", "magento", "--json")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if status, err := shop.Begin(ctx, "http://"+in.addr, code); status != http.StatusOK || err != nil {
		in.t.Fatalf("begun: %d, %v", status, err)
	}
	in.until("the module to be told its connection", func() bool { return shop.Told() != before })
	in.until("the store to be connected", func() bool {
		_, body, err := in.get("/api/v1/stores")
		return err == nil && strings.Contains(string(body), `"connection":"connected"`)
	})
	return &magentoShop{installation: in, Shop: shop}
}

// snapshotOf is a recorded order told by the module, with its site, sequence and seller.
func (m *magentoShop) snapshotOf(name string, sequence int) []byte {
	m.t.Helper()
	body, err := os.ReadFile("../../adapters/magento/testdata/module/" + name + ".json")
	if err != nil {
		m.t.Fatal(err)
	}
	var event map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&event); err != nil {
		m.t.Fatal(err)
	}
	event["site"], event["sequence"] = m.Told().Site, sequence
	body, err = json.Marshal(event)
	if err != nil {
		m.t.Fatal(err)
	}
	return bytes.ReplaceAll(body, []byte(`"ref":"ana"`), []byte(`"ref":"CYD10"`))
}

// push sends a body as the module does and gives the answer's status.
func (m *magentoShop) push(body []byte) int {
	m.t.Helper()
	told, id, at := m.Told(), fmt.Sprintf("evt-%d", time.Now().UnixNano()), strconv.FormatInt(time.Now().Unix(), 10)
	_, path, _ := strings.Cut(strings.TrimPrefix(told.WebhookURL, "http://"), "/")
	status, _ := m.send("/"+path, map[string]string{
		adapters.HeaderWebhookID: id, adapters.HeaderWebhookTimestamp: at, adapters.HeaderWebhookSignature: adapters.SignStandard(id, at, body, []byte(told.Secret)),
	}, body)
	return status
}

// disconnect is what the module's button does.
func (m *magentoShop) disconnect() {
	m.t.Helper()
	told, at := m.Told(), strconv.FormatInt(time.Now().Unix(), 10)
	body := fmt.Appendf(nil, `{"type":"disconnect","version":1,"site":%q,"reason":"test"}`, told.Site)
	status, answer := m.send("/api/plugin/"+told.StoreID+"/disconnect", map[string]string{
		adapters.HeaderWebhookID: "d-1", adapters.HeaderWebhookTimestamp: at, adapters.HeaderWebhookSignature: adapters.SignStandard("d-1", at, body, []byte(told.Secret)),
	}, body)
	if status != http.StatusOK {
		m.t.Fatalf("disconnect: %d %s", status, answer)
	}
}

// wantMagento waits until an order of the shop is settled at a net.
func (in *installation) wantMagento(orderID, net string) {
	in.t.Helper()
	in.until("order "+orderID+" to be at "+net, func() bool {
		status, body, err := in.get("/api/v1/orders/magento/" + orderID)
		return err == nil && status == http.StatusOK && strings.Contains(string(body), `"net":"`+net+`"`) && strings.Contains(string(body), `"settlement":"settled"`)
	})
}

// TestMagentoStory walks a Magento store from its code to its second connection, before both of Magento's code bases: what is pushed is
// settled, what was never pushed is read back, and a shop that left and came back goes on where it was.
func TestMagentoStory(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		in.env = append(in.env, "UPLINE_TEST_LOOPBACK_SHOPS=true")
		in.serve()
		shop := magentotest.New(magentotest.V247)
		shop.Scheme = "https" // as behind a proxy that hides the scheme
		shop.Start(t)
		shop.FailNext(magentotest.Answer(http.StatusServiceUnavailable, "<html>maintenance</html>"), magentotest.Pass, magentotest.Cut)
		m := in.connectMagento(shop)
		file := filepath.Join(in.dir, "magento.csv")
		skus := "platform,platform_sku,commission_class\n"
		for _, sku := range []string{"SIMPLE-A", "SIMPLE-B", "TEE-M", "BUN-FIX", "VIRT-1"} {
			skus += "magento," + sku + ",a\n"
		}
		if err := os.WriteFile(file, []byte(skus), 0o600); err != nil {
			t.Fatal(err)
		}
		in.cli("import", "skus", file, "--commit")
		if status := m.push(m.snapshotOf("invoiced_and_refunded", 4)); status != http.StatusOK {
			t.Fatalf("pushed: %d", status)
		}
		in.wantMagento("2", "459.00")
		// The last state was never pushed; reading the shop finds it.
		shop.Put(magentotest.Order{ID: 2, UpdatedAt: time.Now().Add(-time.Minute).Truncate(time.Second), Body: string(m.snapshotOf("rest_cancelled", 5))})
		in.cli("reconcile", "--store", "magento", "--since", "1h", "--mend")
		in.wantMagento("2", "117.00")
		first := m.Told()
		m.disconnect()
		in.until("the old secret to end", func() bool { return m.push(m.snapshotOf("placed", 3)) == http.StatusUnauthorized })
		shop.Variant, shop.Scheme = magentotest.V248, "http" // updated, and its proxy mended
		m = in.connectMagento(shop)
		if again := m.Told(); again.StoreID != first.StoreID || again.IdentityKey != first.IdentityKey || again.Secret == first.Secret {
			t.Errorf("connected again as %s", again.StoreID)
		}
		if status := m.push(m.snapshotOf("cancelled", 10)); status != http.StatusOK {
			t.Fatalf("pushed after connecting again: %d", status)
		}
		in.wantMagento("3", "0.00")
		in.wantMagento("2", "117.00")
		if out := in.cli("verify"); !strings.Contains(out, ": sound (") {
			t.Errorf("verify: %s", out)
		}
	})
}

// TestMagentoPrivateShop: without the setting for tests nothing inside our own network is called, and the merchant is told why.
func TestMagentoPrivateShop(t *testing.T) {
	t.Parallel()
	in := newInstallation(t, "")
	in.serve()
	shop := magentotest.New(magentotest.V248)
	shop.Start(t)
	code := in.field("code", "admin", "store", "connect", shop.Site(), "--platform", "magento", "--currency", "USD", "--json")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if status, err := shop.Begin(ctx, "http://"+in.addr, code); status != http.StatusOK || err != nil {
		t.Fatalf("begun: %d, %v", status, err)
	}
	time.Sleep(2 * time.Second)
	if asked := shop.Asked(); len(asked) != 0 || shop.Told() != (magentotest.Connection{}) {
		t.Errorf("a shop at a private address was asked %v", asked)
	}
}
