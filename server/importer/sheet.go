package importer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Sheet is a decoded file before its columns mean anything.
type Sheet struct {
	Header []string
	Rows   [][]string
}

// ReadSheet reads a whole file, whatever its columns are called. A row that cannot be told from the next one ends it with
// an error that names the line.
func ReadSheet(raw []byte, encodingName string) (*Sheet, error) {
	text, err := decode(raw, encodingName)
	if err != nil {
		return nil, err
	}
	comma, text := separator(text)
	reader := csv.NewReader(bytes.NewReader(text))
	reader.Comma, reader.FieldsPerRecord = comma, -1
	s := &Sheet{}
	for {
		cells, err := reader.Read()
		var parse *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return s, s.check()
		case errors.As(err, &parse):
			return nil, fmt.Errorf("line %d: %w: check the quotes; a quote that is never closed swallows the rows after it", parse.StartLine, parse.Err)
		case err != nil:
			return nil, fmt.Errorf("read row: %w", err)
		case blank(cells):
		case s.Header == nil:
			s.Header = cells
		case len(s.Rows) == MaxRows:
			return nil, fmt.Errorf("the file has more than %d rows: split it", MaxRows)
		default:
			s.Rows = append(s.Rows, cells)
		}
	}
}

func (s *Sheet) check() error {
	if len(s.Header) == 0 {
		return errors.New("the file is empty: the first line names the columns")
	}
	if len(s.Rows) == 0 {
		return errors.New("the file has column names and no rows")
	}
	seen := map[string]bool{}
	for _, name := range s.Header {
		if name = strings.TrimSpace(name); name != "" && seen[name] {
			return fmt.Errorf("there are two columns %q: rename or remove one", name)
		}
		seen[name] = true
	}
	return nil
}

// CSV writes the sheet as the readers of this package take it, its columns under the names that fields gives, those without
// one left out of the reading. lines is at which line each row begins.
func (s *Sheet) CSV(fields map[string]string) (text []byte, lines []int) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	header := make([]string, len(s.Header))
	for i, name := range s.Header {
		if header[i] = fields[strings.TrimSpace(name)]; header[i] == "" {
			header[i] = fmt.Sprintf("column %d is left out", i+1)
		}
	}
	_ = w.Write(header) // to memory
	lines = make([]int, len(s.Rows))
	line := 2
	for i, row := range s.Rows {
		lines[i] = line
		_ = w.Write(row)
		line++
		for _, cell := range row {
			line += strings.Count(cell, "\n")
		}
	}
	w.Flush()
	return b.Bytes(), lines
}

// Field is one thing that a column may mean.
type Field struct {
	Name     string `json:"name"`
	Required bool   `json:"required"`
}

// DistributorFields are what columns of a distributor file may mean, the required ones first.
func DistributorFields() []Field {
	cols := distributorColumns()
	var names []string
	for _, name := range cols.aliases {
		if !slices.Contains(names, name) && !slices.Contains(cols.required, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var fields []Field
	for _, name := range cols.required {
		fields = append(fields, Field{name, true})
	}
	for _, name := range names {
		fields = append(fields, Field{name, false})
	}
	return fields
}

// GuessDistributorField is what a column probably means; "" where nobody can tell.
func GuessDistributorField(column string) string {
	return distributorColumns().aliases[spelling(column)]
}
