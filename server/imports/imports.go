// Package imports takes a merchant's file of people from upload to commit: its columns get their meaning, a dry run shows
// every fault and what would change, rows are mended in place, the commit is all or nothing, and can be taken back.
package imports

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
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
	Checking  State = "checking" // a dry run of a large file is under way; kept as one that runs and is not checked
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
	// checkedAtOnce is how many rows are checked while the asker waits; a larger file is checked behind their back.
	checkedAtOnce = 20_000
	// samplesFrom is how many rows are kept of a file whose rows were read, to show what stands in its columns.
	samplesFrom = 1000
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
	ImportHead(ctx context.Context, program, importID string) (Import, error) // without its file
	ImportsOf(ctx context.Context, program string) ([]Import, error)          // the newest 50, without their files
	ChangeImport(ctx context.Context, i Import) error                         // where it is still at i.Version; raises it
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

// noteDead tells a run whose process has died. A dry run is simply to be asked for again.
func (s *Service) noteDead(i *Import) {
	switch dead := s.Clock().Sub(i.UpdatedAt) > staleAfter; {
	case i.State != Running:
	case !i.Report.Checked && dead:
		i.State = Uploaded
	case !i.Report.Checked:
		i.State = Checking
	case dead:
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

// Check is the dry run: every fault, and what a commit would change. A large file is checked after the answer; Get tells
// when it was.
func (s *Service) Check(ctx context.Context, program, importID string) (*View, error) {
	i, sheet, err := s.load(ctx, program, importID, Uploaded, Failed)
	if err != nil {
		return nil, err
	}
	if i.Rows <= checkedAtOnce {
		if i.Report, err = s.write(ctx, i, s.read(i, sheet), i.Actor, false); err != nil {
			return nil, err
		}
		i.State = Uploaded
		return s.view(i, sheet), s.change(ctx, i)
	}
	i.State, i.Report = Running, Report{Faults: []Fault{}}
	if err := s.change(ctx, i); err != nil {
		return nil, err
	}
	v := s.view(i, nil)
	s.behind(ctx, "check", *i, sheet, s.check)
	return v, nil
}

// behind carries on with a file after the answer, whoever leaves. A large file's memory is given back between the steps: each
// of them makes garbage of a gigabyte, which would be carried into the next.
func (s *Service) behind(ctx context.Context, what string, i Import, sheet *importer.Sheet, f func(context.Context, *Import, *reading) error) {
	ctx = context.WithoutCancel(ctx)
	s.running.Go(func() {
		r := s.read(&i, sheet)
		if i.Rows > checkedAtOnce {
			debug.FreeOSMemory()
			defer debug.FreeOSMemory()
		}
		if err := f(ctx, &i, r); err != nil {
			s.Failed(fmt.Errorf("%s import %s: %w", what, i.ImportID, err))
		}
	})
}

// check notes what a dry run found.
func (s *Service) check(ctx context.Context, i *Import, r *reading) (err error) {
	if i.Report, err = s.write(ctx, i, r, i.Actor, false); err != nil {
		i.Report = Report{Faults: []Fault{}, Error: "the file could not be checked; try it again"}
	}
	i.State = Uploaded
	return errors.Join(err, s.change(ctx, i))
}

// reading is what the rows of a file say.
type reading struct {
	table  *importer.Table // nil: the columns have no meaning
	specs  []admin.DistributorSpec
	rowOf  map[int]int // by the line at which it begins
	report Report
}

// write puts the people who were read, or only says what it would do. Faults are in the report; an error is of another kind.
func (s *Service) write(ctx context.Context, i *Import, r *reading, actor string, commit bool) (Report, error) {
	table, report := r.table, r.report
	if table == nil {
		return report, nil
	}
	service := *s.Admin
	service.Actor = actor
	var err error
	if len(table.Faults) > 0 {
		err = admin.CheckDistributors(r.specs)
	} else {
		var summary admin.ImportSummary
		summary, err = service.PutDistributors(ctx, i.ProgramID, r.specs, s.Clock(), commit)
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
		report.Faults = append(report.Faults, faultOf(i, &f, r.rowOf))
	}
	return report, nil
}

// read gives the sheet its meaning; where the columns have none, the report says why. Of the sheet no more is kept than is
// shown: a million rows need not be held twice.
func (s *Service) read(i *Import, sheet *importer.Sheet) *reading {
	r := &reading{report: Report{Checked: true, Faults: []Fault{}}}
	text, lines := sheet.CSV(i.Columns)
	if len(sheet.Rows) > samplesFrom {
		sheet.Rows = slices.Clone(sheet.Rows[:samplesFrom])
	}
	var err error
	if r.table, r.specs, err = importer.Distributors(bytes.NewReader(text), "utf-8"); err != nil {
		r.table, r.report.Error = nil, err.Error()
		return r
	}
	r.rowOf = make(map[int]int, len(lines))
	for row, line := range lines {
		r.rowOf[line] = row + 1
	}
	return r
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
