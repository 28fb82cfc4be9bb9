package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDemoAndImports fills a database by the commands that do it, twice each: the second time changes nothing.
func TestDemoAndImports(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := bareInstallation(t, databaseURL)
		said := func(out, want string) {
			t.Helper()
			if !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("want %q, got:\n%s", want, out)
			}
		}
		file := func(name, text string) string {
			path := filepath.Join(in.dir, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		first := in.cli("demo", "--json")
		said(first, `"orders": [1-9]\d{3},\n  "parked": [1-9]`)
		if again := in.cli("demo", "--json"); again != first {
			t.Errorf("a second demo says\n%s\nand the first said\n%s", again, first)
		}
		verdict := in.cli("verify")
		said(verdict, `^lumina: sound \(`)

		people := file("people.csv", "distributor_id,sponsor_id,codes,name\nNEW-1,,NEWCODE,Ada Lovelace\nNEW-2,NEW-1,,\n")
		said(in.cli("import", "distributors", people), `2 to add, 0 to change, 0 unchanged`)
		said(in.cli("import", "distributors", people, "--commit"), `2 added, 0 changed, 0 unchanged`)
		said(in.cli("import", "distributors", people, "--commit"), `0 added, 0 changed, 2 unchanged`)
		said(in.cli("import", "skus", file("skus.csv", "platform,platform_sku,commission_class\ncustom,NEW-SKU,care\n"), "--commit"), `1 added, 0 changed, 0 unchanged`)
		orders := file("orders.csv", "order_id,order_ts,sku,qty,unit_price,distributor_ref\nI-1,2026-09-01,NEW-SKU,2,10.00,NEWCODE\nI-2,2026-09-02,NEW-SKU,1,10.00,NEW-2\n")
		said(in.cli("import", "orders", orders, "--store", "lumina-events"), `2 orders to import, 0 of them known already`)
		said(in.cli("import", "orders", orders, "--store", "lumina-events", "--commit"), `2 orders imported, 0 of them were there already`)
		said(in.cli("import", "orders", orders, "--store", "lumina-events", "--commit"), `2 orders imported, 2 of them were there already`)
		said(in.cli("explain", "I-1"), `Sold by Ada Lovelace \(NEW-1\), on the evidence of cart "NEWCODE"`)
		after := in.cli("verify")
		said(after, `^lumina: sound \(`)
		if strings.TrimSpace(after) == strings.TrimSpace(verdict) {
			t.Error("the imported orders have posted nothing")
		}
	})
}
