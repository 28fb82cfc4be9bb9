package magento_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/magento"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/core/money"
)

// signed is what our module's own tests made of the recorded orders and signed: testdata/signed.json, which they hold against
// what they make now.
type signed struct {
	Secret     string `json:"secret"`
	Deliveries []struct {
		Name      string   `json:"name"`
		REST      string   `json:"rest"`
		Memos     []string `json:"memos"`
		Body      string   `json:"body"`
		ID        string   `json:"webhook-id"`
		Timestamp string   `json:"webhook-timestamp"`
		Signature string   `json:"webhook-signature"`
	} `json:"deliveries"`
}

// TestSignedByModule: what PHP signs verifies here, and tells of each order what core REST tells of it.
func TestSignedByModule(t *testing.T) {
	t.Parallel()
	var all signed
	if err := json.Unmarshal(fixture(t, "signed.json"), &all); err != nil || len(all.Deliveries) != 4 {
		t.Fatalf("%d deliveries, want 4: %v", len(all.Deliveries), err)
	}
	adapter := magento.New()
	for _, d := range all.Deliveries {
		header := func(name string) string {
			return map[string]string{"webhook-id": d.ID, "webhook-timestamp": d.Timestamp, "webhook-signature": d.Signature}[name]
		}
		if err := adapter.Verify(header, []byte(d.Body), [][]byte{[]byte(all.Secret)}); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
		if err := adapter.Verify(header, []byte(d.Body+" "), [][]byte{[]byte(all.Secret)}); err == nil {
			t.Errorf("%s: another body passes", d.Name)
		}
		envelope, err := adapter.Open(header, []byte(d.Body))
		if want := (adapters.Envelope{Topic: plugin.Topic, PlatformDeliveryID: d.ID, StoreDomain: "shop.example.com"}); err != nil || envelope != want {
			t.Errorf("%s: %+v, %v", d.Name, envelope, err)
		}
		for _, currency := range []money.Currency{"USD", "EUR"} {
			one, err := read(t, plugin.Topic, []byte(d.Body), currency)
			if err != nil {
				t.Fatalf("%s: %v", d.Name, err)
			}
			other, err := read(t, adapters.FetchedTopic, fetched(t, d.REST), currency)
			if err != nil {
				t.Fatalf("%s: %v", d.Name, err)
			}
			if err := one.Order.Validate(); err != nil {
				t.Errorf("%s in %s: %v", d.Name, currency, err)
			}
			one.Order.Evidence, other.Order.Evidence = nil, nil // Core REST knows nothing of visits.
			if diff := cmp.Diff(other.Order, one.Order); diff != "" {
				t.Errorf("%s in %s:\n%s", d.Name, currency, diff)
			}
		}
	}
}

// TestSignedNow signs with the module itself, where PHP is there.
func TestSignedNow(t *testing.T) {
	t.Parallel()
	php, err := exec.LookPath("php")
	if err != nil {
		t.Skip("PHP is not installed; testdata/signed.json holds what it signed")
	}
	file, err := filepath.Abs("../../plugins/magento/module-upline/Domain/Signature.php")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	body := `{"type":"order.snapshot","name":"Grüner Tee 250 g"}`
	script := `require $argv[1]; echo \Upline\Commission\Domain\Signature::sign($argv[2], $argv[3], (int) $argv[4], $argv[5]);`
	out, err := exec.CommandContext(t.Context(), php, "-r", script, "--", file, "ups_secret", "evt_1", "1795218700", body).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if want := adapters.SignStandard("evt_1", "1795218700", []byte(body), []byte("ups_secret")); string(out) != want {
		t.Errorf("PHP signs %s, want %s", out, want)
	}
}
