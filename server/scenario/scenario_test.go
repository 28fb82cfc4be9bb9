package scenario_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/server/scenario"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestScenarios(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	summary, err := scenario.Run(t.Context(), "testdata", &out)
	if err != nil {
		t.Fatal(err)
	}
	if summary.Failed > 0 || summary.Passed < 220 {
		t.Errorf("%d passed, %d failed\n%s", summary.Passed, summary.Failed, out.String())
	}
}

// A scenario whose figures are wrong must fail and show which; these files are wrong on purpose.
func TestWrongScenariosFail(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	summary, err := scenario.Run(t.Context(), filepath.Join("testdata", "wrong"), &out)
	if err != nil {
		t.Fatal(err)
	}
	if summary.Passed > 0 {
		t.Errorf("%d wrong scenarios passed", summary.Passed)
	}
	path := filepath.Join("testdata", "wrong", "report.txt")
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestNoScenarios(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "missing")} {
		if _, err := scenario.Run(t.Context(), dir, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "no scenario files") {
			t.Errorf("%s: error is %v", dir, err)
		}
	}
}
