package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// TestBench runs a tiny measurement. The bench itself holds what was answered against what is stored, settled and sealed
// and fails where they differ; here its report is held against what was asked for.
func TestBench(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		path, err := binary()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), path, "bench", "ingest", "--json", "--rounds", "2", "--slice", "200ms",
			"--connections", "8", "--open-for", "300ms", "--drain-orders", "120", "--dir", dir)
		cmd.Env = append(os.Environ(), "DATABASE_URL="+databaseURL)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v\n%s", err, errs.String())
		}
		var report map[string]any
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			t.Fatalf("%v: %s", err, out.String())
		}
		for _, name := range []string{
			"ratio_to_noop", "ingest_per_s", "noop_per_s", "open_loop_1000_p99_ms", "noop_open_loop_1000_p99_ms",
			"open_loop_3000_p99_ms", "ack_to_ledger_p50_ms", "ack_to_ledger_p99_ms", "drain_orders_per_s",
			"bulk_insert_orders_per_s", "drain_ratio",
		} {
			if value, ok := report[name].(float64); !ok || value <= 0 {
				t.Errorf("%s is %v", name, report[name])
			}
		}
		const drained, warmUp, atThousand, atThreeThousand = 120, 90, 300, 900
		if report["postings"] != float64(8*drained) {
			t.Errorf("the drain made %v postings, want %d", report["postings"], 8*drained)
		}
		// In each round up to 120 orders are repeated under new delivery ids; each of the others is new.
		once := float64(drained + warmUp + atThousand + atThreeThousand)
		if orders := report["orders_settled"].(float64); orders <= once || orders > once+2*120 {
			t.Errorf("%v orders are settled, want more than %v and at most %v", orders, once, once+2*120)
		}
		if report["deliveries"].(float64) < report["orders_settled"].(float64) {
			t.Errorf("%v deliveries of %v orders", report["deliveries"], report["orders_settled"])
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("the bench leaves %v behind: %v", left, err)
		}
	})
}
