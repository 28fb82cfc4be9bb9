package planfile

import (
	"errors"
	"slices"
	"strings"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// The severities of a finding.
const (
	SeverityError   = "error"   // the plan cannot be used, or does not do what it says
	SeverityWarning = "warning" // it is unusual
)

// CodeInvalid is the code of whatever keeps a file from being a plan at all; core/plan names the others.
const CodeInvalid = "invalid"

// Finding is something a plan's authors should look at.
type Finding struct {
	Problem

	Severity string
	Code     string
}

// String is the finding as one line that editors can jump to.
func (f Finding) String() string {
	where, rest, _ := strings.Cut(f.Problem.String(), ": ")
	return where + ": " + f.Severity + ": " + rest + " [" + f.Code + "]"
}

// Report is what Check has to say of one file.
type Report struct {
	File     string
	Plan     *plan.Plan // nil where the file is no plan
	Findings []Finding  // in the order of lines
	Payout   plan.Payout
}

// Errors counts the findings that are errors.
func (r *Report) Errors() int {
	count := 0
	for i := range r.Findings {
		if r.Findings[i].Severity == SeverityError {
			count++
		}
	}
	return count
}

// Check reads a plan and says everything that is wrong with it or unusual in it. limit is the share of a sale above
// which the worst case is an error; 0 stands for the whole. An error means that the check itself failed.
func Check(document []byte, filename string, limit money.Rate) (*Report, error) {
	report := &Report{File: filename}
	d, err := ParseYAML(document, filename)
	var p *plan.Plan
	if err == nil {
		p, _, err = d.Plan()
	}
	var invalid *Errors
	switch {
	case errors.As(err, &invalid):
		for _, problem := range invalid.Problems {
			report.Findings = append(report.Findings, Finding{problem, SeverityError, CodeInvalid})
		}
		return report, nil
	case err != nil:
		return nil, err
	}
	findings, payout := p.Lint(limit)
	report.Plan, report.Payout = p, payout
	for _, found := range findings {
		severity := SeverityWarning
		if found.Error {
			severity = SeverityError
		}
		report.Findings = append(report.Findings, Finding{d.problem(found.Path, found.Reason, found.Mend), severity, found.Code})
	}
	slices.SortStableFunc(report.Findings, func(a, b Finding) int { return byPlace(a.Problem, b.Problem) })
	return report, nil
}

func byPlace(a, b Problem) int {
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	return a.Column - b.Column
}
