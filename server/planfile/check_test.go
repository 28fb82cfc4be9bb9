package planfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server/planfile"
)

// Every plan in testdata/lint is valid and has one fault; what is found stands beside it. Add a file and run with -update.
func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "lint", "*.yaml"))
	if err != nil || len(files) < 30 {
		t.Fatalf("found %d plans, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			report := check(t, file, 0)
			if report.Plan == nil || len(report.Findings) == 0 {
				t.Fatalf("the plan is %v, and %d findings", report.Plan, len(report.Findings))
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", findings(report))
		})
	}
}

func check(t *testing.T, file string, limit money.Rate) *planfile.Report {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	report, err := planfile.Check(text, filepath.Base(file), limit)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func findings(report *planfile.Report) string {
	var b strings.Builder
	for _, finding := range report.Findings {
		b.WriteString(finding.String() + "\n")
	}
	return b.String()
}

func TestReadyMadePlansHaveNoFinding(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("plans", "*.yaml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("found %d plans, %v", len(files), err)
	}
	for _, file := range files {
		if report := check(t, file, 600_000_000); len(report.Findings) > 0 {
			t.Error(findings(report))
		}
	}
}

func TestCheckOfWhatIsNoPlan(t *testing.T) {
	t.Parallel()
	report := check(t, filepath.Join("testdata", "bad", "hole.yaml"), 0)
	if report.Plan != nil || report.Errors() != 2 || report.Findings[0].Code != planfile.CodeInvalid || report.Findings[0].Line != 8 {
		t.Errorf("%+v", report)
	}
}

// A lower limit finds what a higher one lets pass.
func TestLimitOfThePayout(t *testing.T) {
	t.Parallel()
	file := filepath.Join("plans", "retail-unilevel.yaml") // 26 % at most
	if report := check(t, file, 260_000_000); len(report.Findings) > 0 {
		t.Error(findings(report))
	}
	report := check(t, file, 259_999_999)
	if len(report.Findings) != 1 || report.Findings[0].Code != "payout-limit" {
		t.Error(findings(report))
	}
}
