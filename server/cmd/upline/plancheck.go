package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server/planfile"
)

// PlanCheckCmd looks for what is wrong or unusual in plans, and for the worst case of what they pay.
type PlanCheckCmd struct {
	Paths     []string `arg:"" name:"path" help:"Plan files, or folders of them (*.yaml, *.yml, *.json)."`
	MaxPayout string   `help:"Share of a sale above which the worst case is an error." default:"100%" placeholder:"SHARE"`
	JSON      bool     `name:"json" help:"Print one JSON list instead of text."`
}

// Run carries it out; plans with errors make it fail.
func (cmd *PlanCheckCmd) Run(env *environment) error {
	limit, err := money.ParseRate(cmd.MaxPayout)
	if err != nil || limit <= 0 || limit > money.One && !strings.HasSuffix(cmd.MaxPayout, "%") {
		return wrongSetting("--max-payout %q is no share: write percent, such as 60%%", cmd.MaxPayout)
	}
	files, err := planFiles(cmd.Paths)
	if err != nil {
		return err
	}
	reports := make([]*planfile.Report, 0, len(files))
	bad := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return wrongSetting("plan file: %v", err)
		}
		report, err := planfile.Check(text, file, limit)
		if err != nil {
			return fmt.Errorf("check %s: %w", file, err)
		}
		if report.Errors() > 0 {
			bad++
		}
		reports = append(reports, report)
	}
	write := writeReports
	if cmd.JSON {
		write = writeReportsJSON
	}
	if err := write(env.stdout, reports); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d plans have errors", bad, len(reports))
	}
	return nil
}

// planFiles lists the files named and those in the folders named, sorted within each.
func planFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, wrongSetting("plan file: %v", err)
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file)) {
				files = append(files, file)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list plans: %w", err)
		}
		if len(files) == before {
			return nil, wrongSetting("there is no plan (*.yaml, *.yml, *.json) in %s", path)
		}
	}
	return files, nil
}

func writeReports(out io.Writer, reports []*planfile.Report) error {
	var b strings.Builder
	for _, report := range reports {
		for _, finding := range report.Findings {
			fmt.Fprintln(&b, finding)
		}
		errors := report.Errors()
		fmt.Fprintf(&b, "%s: %s, %s\n", report.File, counted(errors, "error"), counted(len(report.Findings)-errors, "warning"))
		if report.Plan != nil {
			writePayout(&b, &report.Payout)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// writePayout tells the worst case, and how each component comes to its part in it.
func writePayout(b *strings.Builder, payout *plan.Payout) {
	fmt.Fprintf(b, "  worst case: %s of a sale%s\n", plan.Percent(payout.Total), cappedBy(payout.CappedBy))
	for _, class := range payout.Classes {
		name := "every class"
		switch {
		case class.Class != plan.Any:
			name = "class " + class.Class
		case len(payout.Classes) > 1:
			name = "every other class"
		}
		fmt.Fprintf(b, "  %s: %s\n", name, plan.Percent(class.Total))
		for _, part := range class.Parts {
			text := part.How
			if part.Instead {
				text += "; instead of others, not beside them"
			}
			if part.Apart != "" {
				text += "; beside it " + part.Apart
			}
			fmt.Fprintf(b, "    %-24s %10s of %-3s  %s\n", part.Component, plan.Percent(part.Share), part.Of, text)
		}
		if len(class.Witness.Ranks) > 0 && class.Witness.Share.Sign() > 0 {
			fmt.Fprintf(b, "    order that is paid %s as it settles: a customer buys from the first of %s%s\n",
				plan.Percent(class.Witness.Share), strings.Join(class.Witness.Ranks, " < "), enrolledWhen(&class.Witness))
		}
	}
}

// enrolledWhen says when the seller of a witness was enrolled, where that matters.
func enrolledWhen(w *plan.Witness) string {
	switch {
	case !w.New:
		return ""
	case w.Day == 0:
		return ", who was enrolled on that day"
	default:
		return fmt.Sprintf(", who was enrolled %d days before", w.Day)
	}
}

func cappedBy(id string) string {
	if id == "" {
		return ""
	}
	return ", by cap " + id
}

// reportJSON is one report as --json prints it. Shares are exact fractions; null stands for no bound.
type reportJSON struct {
	File      string        `json:"file"`
	Plan      string        `json:"plan,omitempty"`
	Hash      string        `json:"hash,omitempty"`
	Errors    int           `json:"errors"`
	Warnings  int           `json:"warnings"`
	Findings  []findingJSON `json:"findings"`
	WorstCase *payoutJSON   `json:"worst_case,omitempty"`
}

type findingJSON struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Path     string `json:"path"`
	Reason   string `json:"reason"`
	Mend     string `json:"mend"`
}

type payoutJSON struct {
	Share    *string     `json:"share"`
	CappedBy string      `json:"capped_by,omitempty"`
	Classes  []classJSON `json:"classes"`
}

type classJSON struct {
	Class   string      `json:"class"`
	Share   *string     `json:"share"`
	Parts   []partJSON  `json:"components"`
	Witness witnessJSON `json:"witness"`
}

type partJSON struct {
	Component string  `json:"component"`
	Share     *string `json:"share"`
	Of        string  `json:"of"`
	How       string  `json:"how"`
	Apart     string  `json:"apart,omitempty"`
	Instead   bool    `json:"instead,omitempty"` // dearest where a fast start takes sales away from others, so not all in the sum
}

type witnessJSON struct {
	Ranks []string `json:"ranks"` // seller first
	Share *string  `json:"share"`
	Exact bool     `json:"exact"` // whether it reaches the sum of what settles per order
	// EnrolledDaysBefore is when the seller was enrolled, where a fast start pays; null where that does not matter.
	EnrolledDaysBefore *int `json:"enrolled_days_before,omitempty"`
}

func writeReportsJSON(out io.Writer, reports []*planfile.Report) error {
	list := make([]reportJSON, len(reports))
	for i, report := range reports {
		list[i] = reportJSON{File: report.File, Errors: report.Errors(), Findings: make([]findingJSON, len(report.Findings))}
		list[i].Warnings = len(report.Findings) - list[i].Errors
		for j, f := range report.Findings {
			list[i].Findings[j] = findingJSON{f.Severity, f.Code, f.Line, f.Column, f.Path, f.Reason, f.Mend}
		}
		if report.Plan != nil {
			list[i].Plan, list[i].Hash, list[i].WorstCase = report.Plan.Name, report.Plan.Hash(), payoutAsJSON(&report.Payout)
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(list)
}

func payoutAsJSON(payout *plan.Payout) *payoutJSON {
	result := &payoutJSON{Share: fraction(payout.Total), CappedBy: payout.CappedBy}
	for _, class := range payout.Classes {
		c := classJSON{Class: class.Class, Share: fraction(class.Total), Witness: witnessJSON{
			Ranks: class.Witness.Ranks, Share: fraction(class.Witness.Share), Exact: class.Witness.Exact,
		}}
		if class.Witness.New {
			c.Witness.EnrolledDaysBefore = &class.Witness.Day
		}
		for _, part := range class.Parts {
			c.Parts = append(c.Parts, partJSON{part.Component, fraction(part.Share), part.Of, part.How, part.Apart, part.Instead})
		}
		result.Classes = append(result.Classes, c)
	}
	return result
}

// fraction is an exact share as text; nil where there is no bound.
func fraction(share *big.Rat) *string {
	if share == nil {
		return nil
	}
	text := share.RatString()
	return &text
}
