package importer

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"upline.dev/upline/server/admin"
)

// Fault is what is wrong with one row.
type Fault struct {
	Line   int    // of the file, from 1; a row of several lines has the number of its first
	Field  string // column, "" for the row as a whole
	Reason string // what is wrong and how to mend it
	Row    []string
}

// Error names line and column.
func (f *Fault) Error() string {
	if f.Field == "" {
		return fmt.Sprintf("line %d: %s", f.Line, f.Reason)
	}
	return fmt.Sprintf("line %d, %s: %s", f.Line, f.Field, f.Reason)
}

// fault notes what is wrong with a row. The report is bounded: a file with more faults has one fault, in its format.
func (t *Table) fault(line int, cells []string, field, format string, args ...any) {
	if len(t.Faults) < MaxFaults {
		t.Faults = append(t.Faults, Fault{Line: line, Field: field, Reason: fmt.Sprintf(format, args...), Row: cells})
	}
}

// With are the table's own faults and others in the order of lines, at most MaxFaults.
func (t *Table) With(others []Fault) []Fault {
	all := slices.Concat(t.Faults, others)
	slices.SortStableFunc(all, func(a, b Fault) int { return a.Line - b.Line })
	return all[:min(len(all), MaxFaults)]
}

// FaultsOf turns row errors, which count rows from 0, into faults with the file's own lines; false where err has none.
func (t *Table) FaultsOf(err error) ([]Fault, bool) {
	var rows admin.RowErrors
	if !errors.As(err, &rows) {
		return nil, false
	}
	faults := make([]Fault, 0, len(rows))
	for _, e := range rows {
		row := t.Rows[e.Row]
		reason := e.Reason
		if e.Twin != nil {
			reason += fmt.Sprintf(" (first in line %d)", t.Rows[*e.Twin].Line)
		}
		faults = append(faults, Fault{Line: row.Line, Field: e.Field, Reason: reason, Row: row.Cells})
	}
	return faults, true
}

// WriteFaults writes the faulty rows as CSV: line, column, reason, then the row's own cells, so that a merchant can
// mend them in the same program the file came from, and import the mended file as it is.
func WriteFaults(w io.Writer, header []string, faults []Fault) error {
	out := csv.NewWriter(w)
	_ = out.Write(harmless([]string{"line", "column", "reason"}, header)) // Error has what goes wrong
	for _, f := range faults {
		_ = out.Write(harmless([]string{strconv.Itoa(f.Line), f.Field, f.Reason}, f.Row))
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write fault file: %w", err)
	}
	return nil
}

// harmless puts the cells after the first ones. A spreadsheet would run a cell that begins like a formula; after an
// apostrophe it only shows it, and Get takes the apostrophe off again.
func harmless(first, cells []string) []string {
	row := make([]string, 0, len(first)+len(cells))
	for _, cell := range append(slices.Clip(first), cells...) {
		cell = strings.ToValidUTF8(cell, "\uFFFD")
		if formula(cell) {
			cell = "'" + cell
		}
		row = append(row, cell)
	}
	return row
}

// formula reports whether a spreadsheet could take a cell for one; some skip blanks before they look.
func formula(cell string) bool {
	if cell != "" && strings.ContainsRune("\t\r\n", rune(cell[0])) {
		return true
	}
	trimmed := strings.TrimSpace(cell)
	return trimmed != "" && strings.ContainsRune("=+-@", rune(trimmed[0]))
}
