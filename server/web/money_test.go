package web_test

import (
	"os"
	"os/exec"
	"testing"
)

// TestMoneyStaysText runs the script's own cases. Node is part of the project's tools; without it the test fails where
// everything must run.
func TestMoneyStaysText(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("node is not installed")
		}
		t.Skip("node is not installed")
	}
	if said, err := exec.CommandContext(t.Context(), node, "testdata/money_test.mjs", "static/money.js").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
