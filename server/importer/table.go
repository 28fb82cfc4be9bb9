// Package importer reads the CSV files merchants have: whatever separator, line ending, byte order mark and spelling
// of headers, with each row's faults named. It writes nothing itself.
package importer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// MaxBytes is the largest file taken: about two million rows.
const MaxBytes = 512 << 20

// maxFaults bounds a report; a file with more faults than this has one fault, in its format.
const maxFaults = 10_000

// Fault is what is wrong with one row.
type Fault struct {
	Line   int    // of the file, from 1
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

// Table is a decoded file: rows of text under known column names.
type Table struct {
	Header []string // as in the file
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
	return strings.TrimSpace(r.Cells[i])
}

// columns are the names of a file's columns; each has further spellings that merchants' exports use.
type columns struct {
	required []string
	aliases  map[string]string // spelling -> name
}

// encodings that can be named; UTF-8 and UTF-16 with a byte order mark are found without.
var encodings = map[string]encoding.Encoding{
	"utf-16":       unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"windows-1252": charmap.Windows1252,
	"iso-8859-1":   charmap.ISO8859_1,
	"iso-8859-15":  charmap.ISO8859_15,
}

// Encodings are the names ReadTable takes.
func Encodings() []string {
	names := []string{"utf-8"}
	for name := range encodings {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// decode turns the file's bytes into UTF-8 without a byte order mark.
func decode(raw []byte, name string) ([]byte, error) {
	if bytes.HasPrefix(raw, []byte{0xFF, 0xFE}) || bytes.HasPrefix(raw, []byte{0xFE, 0xFF}) {
		name = "utf-16"
	}
	if name == "" || strings.EqualFold(name, "utf-8") {
		return bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF")), nil
	}
	enc, ok := encodings[strings.ToLower(name)]
	if !ok {
		return nil, fmt.Errorf("encoding %q is not known: use %s", name, strings.Join(Encodings(), ", "))
	}
	text, err := enc.NewDecoder().Bytes(raw)
	if err != nil {
		return nil, fmt.Errorf("the file is not %s: %w", name, err)
	}
	return bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF")), nil
}

// readTable reads a whole file. A row that is not UTF-8 or has too many cells is a fault of that row.
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
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, errors.New("the file holds NUL bytes: save it as CSV UTF-8")
	}
	reader := csv.NewReader(bytes.NewReader(text))
	reader.Comma = separator(text)
	reader.FieldsPerRecord = -1
	reader.LazyQuotes = false
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: the first line names the columns")
	}
	if err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	t := &Table{Header: header}
	if err := t.mapHeader(cols); err != nil {
		return nil, err
	}
	return t, t.readRows(reader)
}

// mapHeader finds each known column by any of its spellings.
func (t *Table) mapHeader(cols columns) error {
	t.column = make(map[string]int, len(t.Header))
	for i, cell := range t.Header {
		spelling := strings.ToLower(strings.TrimSpace(cell))
		spelling = strings.NewReplacer(" ", "_", "-", "_").Replace(spelling)
		name, ok := cols.aliases[spelling]
		if !ok {
			continue // further columns of an export are nobody's business
		}
		if _, twice := t.column[name]; twice {
			return fmt.Errorf("line 1: two columns mean %s (%q is the second): remove one", name, cell)
		}
		t.column[name] = i
	}
	for _, name := range cols.required {
		if _, ok := t.column[name]; !ok {
			return fmt.Errorf("line 1: column %s is missing; found %s", name, strings.Join(t.Header, ", "))
		}
	}
	return nil
}

func (t *Table) readRows(reader *csv.Reader) error {
	for len(t.Faults) < maxFaults {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			t.Faults = append(t.Faults, Fault{Line: parse.StartLine, Reason: parse.Err.Error() + ": check the quotes of this row"})
			continue
		}
		if err != nil {
			return fmt.Errorf("read row: %w", err)
		}
		line, _ := reader.FieldPos(0)
		if blank(cells) {
			continue
		}
		switch {
		case !allUTF8(cells):
			t.Faults = append(t.Faults, Fault{Line: line, Row: cells, Reason: "not UTF-8: save the file as CSV UTF-8, or name its encoding with --encoding"})
		case len(cells) > len(t.Header):
			t.Faults = append(t.Faults, Fault{Line: line, Row: cells, Reason: fmt.Sprintf("%d cells under %d columns: a cell with a separator needs quotes", len(cells), len(t.Header))})
		default:
			t.Rows = append(t.Rows, Row{Line: line, Cells: cells})
		}
	}
	return nil
}

// separator is whichever of comma, semicolon and tab the header line has most of.
func separator(text []byte) rune {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	best, most := ',', 0
	for _, c := range []rune{',', ';', '\t'} {
		if n := bytes.Count(line, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

func allUTF8(cells []string) bool {
	for _, c := range cells {
		if !utf8.ValidString(c) {
			return false
		}
	}
	return true
}

// WriteFaults writes the faulty rows as CSV: line, column, reason, then the row's own cells, so that a merchant can
// mend them in the same program the file came from.
func WriteFaults(w io.Writer, header []string, faults []Fault) error {
	out := csv.NewWriter(w)
	if err := out.Write(append([]string{"line", "column", "reason"}, header...)); err != nil {
		return fmt.Errorf("write fault file: %w", err)
	}
	for _, f := range faults {
		row := append([]string{fmt.Sprint(f.Line), f.Field, f.Reason}, f.Row...)
		for i, cell := range row[3:] {
			row[3+i] = strings.ToValidUTF8(cell, "\uFFFD")
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("write fault file: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write fault file: %w", err)
	}
	return nil
}
