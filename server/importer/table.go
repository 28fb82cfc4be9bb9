// Package importer reads the CSV files merchants have: whatever separator, line ending, byte order mark and spelling
// of headers, with each row's faults named. What could mean two things is a fault and never guessed. It writes nothing
// into the database itself.
package importer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Limits of one file. A table is held whole, since all its rows are checked before the first is written; a million rows
// of usual width take less than 1 GB.
const (
	MaxBytes  = 512 << 20
	MaxRows   = 1_000_000
	MaxFaults = 10_000 // of one report
)

// Table is a decoded file: rows of text under known column names.
type Table struct {
	Header []string // as in the file
	Unused []string // columns that mean nothing to this import, as in the file
	Rows   []Row
	Faults []Fault // rows that could not be read at all
	column map[string]int
}

// Row is one row with the line it begins at.
type Row struct {
	Line  int
	Cells []string
}

// Get is the trimmed cell of a column by its own name; "" where the file has no such column.
func (t *Table) Get(r Row, column string) string {
	i, ok := t.column[column]
	if !ok || i >= len(r.Cells) {
		return ""
	}
	cell := strings.TrimSpace(r.Cells[i])
	if len(cell) > 1 && cell[0] == '\'' && formula(cell[1:]) {
		return strings.TrimSpace(cell[1:]) // how spreadsheets, and WriteFaults, keep a text from being a formula
	}
	return cell
}

// columns are the names of a file's columns; each has further spellings that merchants' exports use. Case, blanks and
// punctuation of a header do not count.
type columns struct {
	required []string
	ids      []string          // columns of ids and codes, which spreadsheets like to spoil
	aliases  map[string]string // spelling without punctuation -> name
}

// readTable reads a whole file. What is wrong with one row is a fault of that row; what is wrong with the file is the
// error.
func readTable(r io.Reader, encodingName string, cols columns) (*Table, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	if len(raw) > MaxBytes {
		return nil, fmt.Errorf("the file is larger than %d MB: split it", MaxBytes>>20)
	}
	text, err := decode(raw, encodingName)
	if err != nil {
		return nil, err
	}
	comma, text := separator(text)
	reader := csv.NewReader(bytes.NewReader(text))
	reader.Comma = comma
	reader.FieldsPerRecord = -1
	header, err := reader.Read()
	var parse *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty: the first line names the columns")
	case errors.As(err, &parse):
		return nil, fmt.Errorf("line %d: the names of the columns cannot be read: %w: check the quotes", parse.StartLine, parse.Err)
	case err != nil:
		return nil, fmt.Errorf("read header: %w", err)
	}
	t := &Table{Header: header}
	line, _ := reader.FieldPos(0)
	if err := t.mapHeader(cols); err != nil {
		return nil, fmt.Errorf("line %d: %w", line, err)
	}
	if err := t.readRows(reader, cols); err != nil {
		return nil, err
	}
	if len(t.Rows)+len(t.Faults) == 0 {
		return nil, errors.New("the file has column names and no rows")
	}
	return t, nil
}

// mapHeader finds each known column by any of its spellings.
func (t *Table) mapHeader(cols columns) error {
	t.column = make(map[string]int, len(t.Header))
	for i, cell := range t.Header {
		name, known := cols.aliases[spelling(cell)]
		if !known {
			if strings.TrimSpace(cell) != "" {
				t.Unused = append(t.Unused, strings.TrimSpace(cell))
			}
			continue
		}
		if first, twice := t.column[name]; twice {
			return fmt.Errorf("columns %q and %q both mean %s: remove one", t.Header[first], cell, name)
		}
		t.column[name] = i
	}
	for _, name := range cols.required {
		if _, ok := t.column[name]; !ok {
			return fmt.Errorf("column %s is missing; found %.300s", name, strings.Join(t.Header, ", "))
		}
	}
	return nil
}

// spelling is a header without case, blanks and punctuation: "Sponsor-ID" is "sponsorid".
func spelling(header string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		default:
			return -1
		}
	}, strings.ToLower(header))
}

func (t *Table) readRows(reader *csv.Reader, cols columns) error {
	for len(t.Faults) < MaxFaults {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var parse *csv.ParseError
		switch {
		case errors.As(err, &parse):
			t.fault(parse.StartLine, cells, "", "%v: check the quotes; a quote that is never closed swallows the rows after it", parse.Err)
			continue
		case err != nil:
			return fmt.Errorf("read row: %w", err)
		case blank(cells):
			continue
		case len(t.Rows) == MaxRows:
			return fmt.Errorf("the file has more than %d rows: split it", MaxRows)
		}
		line, _ := reader.FieldPos(0)
		t.readRow(Row{Line: line, Cells: cells}, cols)
	}
	return nil
}

// readRow takes a row unless its cells cannot be told apart or read.
func (t *Table) readRow(r Row, cols columns) {
	found := len(t.Faults)
	if n := len(t.Header); len(r.Cells) > n && blank(r.Cells[n:]) {
		r.Cells = r.Cells[:n]
	}
	if len(r.Cells) != len(t.Header) {
		t.fault(r.Line, r.Cells, "", "%d cells under %d columns: a cell with a separator in it needs quotes, an empty cell its separator", len(r.Cells), len(t.Header))
	}
	for _, cell := range r.Cells {
		switch {
		case strings.ContainsRune(cell, utf8.RuneError): // also found where bytes are not UTF-8
			t.fault(r.Line, r.Cells, "", "a character cannot be read: save the file as CSV UTF-8, or name its encoding with --encoding")
		case strings.IndexByte(cell, 0) >= 0:
			t.fault(r.Line, r.Cells, "", "holds a NUL byte: remove it, or save the file as CSV UTF-8")
		default:
			continue
		}
		break
	}
	for _, name := range cols.ids {
		if flaw := spoilt(t.Get(r, name)); flaw != "" {
			t.fault(r.Line, r.Cells, name, "%s", flaw)
		}
	}
	if len(t.Faults) == found {
		t.Rows = append(t.Rows, r)
	}
}

// shortened is a number as spreadsheets show long ones; its last digits are lost.
var shortened = regexp.MustCompile(`^[0-9](?:[.,][0-9]+)?E\+[0-9]+$`)

// spoilt says what a spreadsheet has done to an id. Zeros that it took off the front cannot be seen, and are not guessed.
func spoilt(id string) string {
	switch {
	case id == "":
		return ""
	case id[0] == '\'':
		return fmt.Sprintf("%.60q begins with an apostrophe, which spreadsheets put before text: remove it", id)
	case shortened.MatchString(id):
		return fmt.Sprintf("%.60q is a number that a spreadsheet has shortened: give the column the format Text before the ids go in, and save again", id)
	case id[0] == '#' && strings.HasSuffix(id, "!") || id == "#N/A" || id == "#NAME?":
		return fmt.Sprintf("%.60q is a spreadsheet's error: mend the formula", id)
	}
	return ""
}

func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}
