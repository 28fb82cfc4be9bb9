package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// TestBenchOverABus runs tiny measurements of the whole binary: on PostgreSQL two ingest and two engine processes with Kafka's protocol
// between them, on SQLite a soak. Each holds what was sent against what is stored, settled, earned and sealed, and fails where they differ.
func TestBenchOverABus(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		if databaseURL == "" {
			report := benched(t, "", "soak", "--for", "5s", "--rate", "40")
			for _, name := range []string{"deliveries", "repeats", "orders", "refunds", "edits", "ack_p99_ms", "rss_peak_mb", "earned_minor"} {
				if value, ok := report[name].(float64); !ok || value <= 0 {
					t.Errorf("%s is %v", name, report[name])
				}
			}
			return
		}
		report := benched(t, databaseURL, "broker", "--orders", "100", "--rounds", "1", "--open-for", "1s", "--backlog", "100")
		through, _ := report["through"].([]any)
		if len(through) != 1 {
			t.Fatalf("%d buses were measured, want 1", len(through))
		}
		for _, one := range through {
			measured := one.(map[string]any)
			for _, name := range []string{"messages_per_s", "ratio_to_one_process", "ack_to_ledger_p99_ms", "backlog_drained_per_s"} {
				if value, ok := measured[name].(float64); !ok || value <= 0 {
					t.Errorf("%v: %s is %v", measured["bus"], name, measured[name])
				}
			}
			shares, _ := measured["engine_shares"].([]any)
			if len(shares) != 2 || shares[0] == 0.0 || shares[1] == 0.0 {
				t.Errorf("%v: the engines settled %v, want both to work", measured["bus"], shares)
			}
		}
	})
}

// benched runs a measurement and gives its report. It must leave nothing behind.
func benched(t *testing.T, databaseURL string, args ...string) map[string]any {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), path, append([]string{"bench", args[0], "--json", "--dir", dir}, args[1:]...)...)
	cmd.Env = append(os.Environ(), "DATABASE_URL="+databaseURL, "UPLINE_TEST_RABBITMQ=") // RabbitMQ has the suites of bus and pipeline.
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	var report map[string]any
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the bench leaves %v behind: %v", left, err)
	}
	return report
}
