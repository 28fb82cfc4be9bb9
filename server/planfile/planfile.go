// Package planfile turns the YAML a merchant writes into the JSON that core/plan reads, and says of everything wrong
// with it in which line it is and what mends it.
//
// Numbers never pass through floats: they are taken from the text of the file, digit by digit.
package planfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"upline.dev/upline/core/plan"
)

// Problem is one thing wrong with a file.
type Problem struct {
	File   string
	Line   int // from 1
	Column int // from 1
	Path   string
	Reason string
	Mend   string
}

// String is the problem as one line that editors can jump to.
func (p Problem) String() string {
	text := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Path != "" {
		text += p.Path + " "
	}
	return text + p.Reason + ": " + p.Mend
}

// Errors is everything wrong with a file, in the order of its lines.
type Errors struct {
	Problems []Problem
}

// Error lists the problems, one per line.
func (e *Errors) Error() string {
	lines := make([]string, len(e.Problems))
	for i, problem := range e.Problems {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// Read reads a plan from YAML, or from JSON, which is YAML. It gives the plan and its canonical JSON, or an *Errors with
// every problem found. filename is for messages alone.
func Read(document []byte, filename string) (*plan.Plan, []byte, error) {
	d, err := ParseYAML(document, filename)
	if err != nil {
		return nil, nil, err
	}
	return d.Plan()
}

// integers are the keys of a plan whose values are numbers; every other number is a text.
var integers = []string{
	"days", "grace_days", "hold_days", "grace_periods", "requalify_periods", "width", "depth", "positions", "active_legs",
	"levels", "level", "n", "expires", "below", "parts", "maintain", "first",
}

// Plan reads the document as a plan, like Read.
func (d *Document) Plan() (*plan.Plan, []byte, error) {
	if len(d.root.items) == 0 && d.root.kind == mapKind {
		return nil, nil, d.refuse(1, 1, "the file says nothing", "write keys and values, at least name and components")
	}
	p, err := plan.Parse(d.JSON(integers...))
	var problems []Problem
	var invalid *plan.Invalid
	if errors.As(err, &invalid) {
		for _, problem := range invalid.Problems {
			if problem.Path == "" {
				problem.Reason = "the plan " + problem.Reason
			}
			problems = append(problems, d.problem(problem.Path, problem.Reason, problem.Mend))
		}
	} else if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", d.filename, err)
	}
	if zone, ok := d.text("periods", "time_zone"); ok {
		if _, err := time.LoadLocation(zone); err != nil {
			problems = append(problems, d.problem("periods.time_zone", fmt.Sprintf("%q is no time zone that is known here", zone),
				"write an IANA name, such as Europe/Berlin"))
		}
	}
	more, err := d.checkSchema()
	if err != nil {
		return nil, nil, err
	}
	for _, problem := range more {
		// core/plan knows more about a place than the schema does, so the schema only adds places.
		if !slices.ContainsFunc(problems, func(other Problem) bool { return samePlace(other.Path, problem.Path) }) {
			problems = append(problems, problem)
		}
	}
	if len(problems) > 0 {
		slices.SortStableFunc(problems, byPlace)
		return nil, nil, &Errors{Problems: problems}
	}
	return p, p.Canonical(), nil
}

// text is the text under a key of a section.
func (d *Document) text(section, key string) (string, bool) {
	part := d.Get(section)
	if part == nil || part.Get(key) == nil {
		return "", false
	}
	return part.Get(key).Text()
}

// samePlace tells whether one path is the other or lies within it.
func samePlace(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	rest, within := strings.CutPrefix(b, a)
	return within && (rest == "" || a == "" || rest[0] == '.' || rest[0] == '[')
}
