// Package imports takes a merchant's file of people from upload to commit: its columns get their meaning, a dry run shows
// every fault and what would change, rows are mended in place, the commit is all or nothing, and can be taken back.
package imports

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/importer"
	"upline.dev/upline/server/query"
)

// State is where an import stands.
type State string

// The states.
const (
	Uploaded  State = "uploaded"
	Running   State = "running"
	Committed State = "committed"
	Failed    State = "failed" // nothing was written; mend the cause and commit again
	Undone    State = "undone"
)

// Limits of an upload: a million people take some 60 MB.
const (
	MaxBytes   = 128 << 20
	maxName    = 200
	maxFaults  = 500 // that one answer lists; the error file has all
	maxSamples = 3
	// staleAfter is after how long a run that says nothing has died with its process. Its transaction wrote all or nothing.
	staleAfter = 15 * time.Minute
)

// Import is one file on its way.
type Import struct {
	ImportID   string
	ProgramID  string
	State      State
	FileName   string
	SealedFile []byte            // the sheet as JSON, sealed with the import's id
	Columns    map[string]string // column of the file -> field
	Report     Report
	SealedUndo []byte
	Rows       int64
	Done       int64
	Actor      string
	Version    int64 // rises with every change
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Report is what the last dry run, commit or undo found.
type Report struct {
	Checked   bool    `json:"checked"`
	Added     int     `json:"added"`
	Changed   int     `json:"changed"`
	Unchanged int     `json:"unchanged"`
	Released  int     `json:"released"` // parked orders whose cause is mended
	Skipped   int     `json:"skipped"`  // undo: people whom somebody has changed since
	Faults    []Fault `json:"faults"`
	FaultsAll int     `json:"fault_count"`
	Error     string  `json:"error,omitempty"` // what is wrong with the file as a whole
}

// Fault is what is wrong with one row; rows count from 1 without the line of column names.
type Fault struct {
	Row    int      `json:"row"`
	Field  string   `json:"field,omitempty"`
	Column string   `json:"column,omitempty"` // of the file
	Reason string   `json:"reason"`
	Cells  []string `json:"cells"`
}

// Books keeps imports. What is not there is server.NotFound; a change by somebody who has not seen the newest version is
// server.Conflict.
type Books interface {
	CreateImport(ctx context.Context, i Import) error
	ImportOf(ctx context.Context, program, importID string) (Import, error)
	ImportsOf(ctx context.Context, program string) ([]Import, error) // the newest 50, without their files
	ChangeImport(ctx context.Context, i Import) error                // where it is still at i.Version; raises it
}

// People reads everybody, page by page.
type People interface {
	People(ctx context.Context, program string, f query.DistributorFilter, p query.Page) ([]query.Distributor, string, error)
}

// Service carries imports out.
type Service struct {
	Books  Books
	People People
	Admin  *admin.Service // its Actor is replaced by whoever asks
	Random io.Reader
	Clock  func() time.Time
	Kick   func() // wakes the pipeline after something was released
	Failed func(err error)

	running sync.WaitGroup
}

// Close waits for what is being committed.
func (s *Service) Close() { s.running.Wait() }

func invalid(field, format string, args ...any) error {
	return &server.Error{Code: server.Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Create takes a file. What its columns mean is guessed from their names.
func (s *Service) Create(ctx context.Context, program, actor, fileName string, raw []byte, encoding string) (*View, error) {
	sheet, err := importer.ReadSheet(raw, encoding)
	if err != nil {
		return nil, invalid("file", "%v", err)
	}
	id := make([]byte, 9)
	if _, err := io.ReadFull(s.Random, id); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	i := Import{
		ImportID: fmt.Sprintf("imp_%x", id), ProgramID: program, State: Uploaded, FileName: cleanName(fileName),
		Columns: map[string]string{}, Rows: int64(len(sheet.Rows)), Actor: actor, Version: 1, CreatedAt: s.Clock(), UpdatedAt: s.Clock(),
	}
	taken := map[string]bool{}
	for _, column := range sheet.Header {
		column = strings.TrimSpace(column)
		if field := importer.GuessDistributorField(column); column != "" && field != "" && !taken[field] {
			i.Columns[column], taken[field] = field, true
		}
	}
	if i.SealedFile, err = s.seal(&i, "file", sheet); err != nil {
		return nil, err
	}
	if err := s.Books.CreateImport(ctx, i); err != nil {
		return nil, fmt.Errorf("keep the import: %w", err)
	}
	return s.view(&i, sheet), s.audit(ctx, &i, actor, "import.upload", i.FileName)
}

func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return -1
		}
		return r
	}, name)
	for len(name) > maxName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name == "" {
		return "people.csv"
	}
	return name
}

func (s *Service) seal(i *Import, what string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode the %s of import %s: %w", what, i.ImportID, err)
	}
	sealed, err := s.Admin.Sealer.Seal(plain, []byte(i.ImportID+"\x00"+what))
	if err != nil {
		return nil, fmt.Errorf("seal the %s of import %s: %w", what, i.ImportID, err)
	}
	return sealed, nil
}

func (s *Service) open(i *Import, what string, sealed []byte, into any) error {
	plain, err := s.Admin.Sealer.Open(sealed, []byte(i.ImportID+"\x00"+what))
	if err != nil {
		return fmt.Errorf("open the %s of import %s: %w", what, i.ImportID, err)
	}
	if err := json.Unmarshal(plain, into); err != nil {
		return fmt.Errorf("decode the %s of import %s: %w", what, i.ImportID, err)
	}
	return nil
}

func (s *Service) audit(ctx context.Context, i *Import, actor, action, detail string) error {
	if err := s.Admin.Books.Audit(ctx, i.ProgramID, actor, action, i.ImportID, detail); err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// load reads an import with its sheet, for a change: what runs or is over is not changed any more.
func (s *Service) load(ctx context.Context, program, importID string, states ...State) (*Import, *importer.Sheet, error) {
	i, err := s.Books.ImportOf(ctx, program, importID)
	if err != nil {
		return nil, nil, err
	}
	s.noteDead(&i)
	if len(states) > 0 && !slices.Contains(states, i.State) {
		return nil, nil, server.Errorf(server.Conflict, "the import is %s; that is not possible any more, or not yet", i.State)
	}
	var sheet importer.Sheet
	return &i, &sheet, s.open(&i, "file", i.SealedFile, &sheet)
}

// noteDead tells a run whose process has died.
func (s *Service) noteDead(i *Import) {
	if i.State == Running && s.Clock().Sub(i.UpdatedAt) > staleAfter {
		i.State, i.Report.Error = Failed, "the server stopped while the file was being committed; nothing was written, commit it again"
	}
}

// SetColumns says what the columns mean.
func (s *Service) SetColumns(ctx context.Context, program, importID string, columns map[string]string) (*View, error) {
	i, sheet, err := s.load(ctx, program, importID, Uploaded, Failed)
	if err != nil {
		return nil, err
	}
	if err := checkColumns(sheet, columns); err != nil {
		return nil, err
	}
	i.Columns = maps.Clone(columns)
	maps.DeleteFunc(i.Columns, func(_, field string) bool { return field == "" })
	i.State, i.Report = Uploaded, Report{}
	return s.view(i, sheet), s.change(ctx, i)
}

func checkColumns(sheet *importer.Sheet, columns map[string]string) error {
	taken := map[string]string{}
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		field := columns[column]
		if !slices.ContainsFunc(sheet.Header, func(h string) bool { return strings.TrimSpace(h) == column }) {
			return invalid("columns."+column, "the file has no column %q", column)
		}
		if field == "" {
			continue
		}
		if !slices.ContainsFunc(importer.DistributorFields(), func(f importer.Field) bool { return f.Name == field }) {
			return invalid("columns."+column, "there is no field %q", field)
		}
		if first, twice := taken[field]; twice {
			return invalid("columns."+column, "%q and %q both mean %s", first, column, field)
		}
		taken[field] = column
	}
	return nil
}

func (s *Service) change(ctx context.Context, i *Import) error {
	i.UpdatedAt = s.Clock()
	if err := s.Books.ChangeImport(ctx, *i); err != nil {
		return err
	}
	i.Version++
	return nil
}

// MendRow replaces the cells of one row, counted from 1.
func (s *Service) MendRow(ctx context.Context, program, importID string, row int, cells map[string]string) (*View, error) {
	i, sheet, err := s.load(ctx, program, importID, Uploaded, Failed)
	if err != nil {
		return nil, err
	}
	if row < 1 || row > len(sheet.Rows) {
		return nil, invalid("row", "the file has rows 1 to %d", len(sheet.Rows))
	}
	fresh := slices.Clone(sheet.Rows[row-1])
	for len(fresh) < len(sheet.Header) {
		fresh = append(fresh, "")
	}
	for _, column := range slices.Sorted(maps.Keys(cells)) {
		at := slices.IndexFunc(sheet.Header, func(h string) bool { return strings.TrimSpace(h) == column })
		if at < 0 {
			return nil, invalid("cells."+column, "the file has no column %q", column)
		}
		fresh[at] = cells[column]
	}
	sheet.Rows[row-1] = fresh[:len(sheet.Header)]
	i.Report.Checked = false
	if i.SealedFile, err = s.seal(i, "file", sheet); err != nil {
		return nil, err
	}
	return s.view(i, sheet), s.change(ctx, i)
}

// Check is the dry run: every fault, and what a commit would change.
func (s *Service) Check(ctx context.Context, program, importID string) (*View, error) {
	i, sheet, err := s.load(ctx, program, importID, Uploaded, Failed)
	if err != nil {
		return nil, err
	}
	if i.Report, err = s.write(ctx, i, sheet, i.Actor, false); err != nil {
		return nil, err
	}
	i.State = Uploaded
	return s.view(i, sheet), s.change(ctx, i)
}

// write puts the people of the sheet, or only says what it would do. Faults are in the report; an error is of another kind.
func (s *Service) write(ctx context.Context, i *Import, sheet *importer.Sheet, actor string, commit bool) (Report, error) {
	table, specs, report, rowOf := s.read(i, sheet)
	if table == nil {
		return report, nil
	}
	service := *s.Admin
	service.Actor = actor
	var err error
	if len(table.Faults) > 0 {
		err = admin.CheckDistributors(specs)
	} else {
		var summary admin.ImportSummary
		summary, err = service.PutDistributors(ctx, i.ProgramID, specs, s.Clock(), commit)
		report.Added, report.Changed, report.Unchanged, report.Released = summary.Added, summary.Changed, summary.Unchanged, summary.Released
	}
	faults, isRows := table.FaultsOf(err)
	var known *server.Error
	switch {
	case err == nil || isRows:
	case errors.As(err, &known) && known.Code != server.Unavailable:
		report.Error = known.Message
	default:
		return report, err
	}
	all := table.With(faults)
	report.FaultsAll = len(all)
	for _, f := range all[:min(len(all), maxFaults)] {
		report.Faults = append(report.Faults, faultOf(i, &f, rowOf))
	}
	return report, nil
}

// read gives the sheet its meaning; a nil table means that the columns do not, and the report says why.
func (s *Service) read(i *Import, sheet *importer.Sheet) (*importer.Table, []admin.DistributorSpec, Report, map[int]int) {
	report := Report{Checked: true, Faults: []Fault{}}
	text, lines := sheet.CSV(i.Columns)
	table, specs, err := importer.Distributors(strings.NewReader(string(text)), "utf-8")
	if err != nil {
		report.Error = err.Error()
		return nil, nil, report, nil
	}
	rowOf := make(map[int]int, len(lines))
	for row, line := range lines {
		rowOf[line] = row + 1
	}
	return table, specs, report, rowOf
}

func faultOf(i *Import, f *importer.Fault, rowOf map[int]int) Fault {
	out := Fault{Row: rowOf[f.Line], Field: f.Field, Reason: f.Reason, Cells: f.Row}
	for column, field := range i.Columns {
		if field == f.Field {
			out.Column = column
		}
	}
	if out.Cells == nil {
		out.Cells = []string{}
	}
	return out
}
