package imports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/importer"
	"upline.dev/upline/server/query"
)

// Commit begins to write the people, all or nothing. It goes on though the asker leaves; Get tells how it ended.
func (s *Service) Commit(ctx context.Context, program, importID, actor string) (*View, error) {
	i, sheet, err := s.load(ctx, program, importID, Uploaded, Failed)
	if err != nil {
		return nil, err
	}
	if !i.Report.Checked || i.Report.FaultsAll > 0 || i.Report.Error != "" {
		return nil, server.Errorf(server.Conflict, "check the file first, and mend what is wrong with it: nothing is written that has not been shown")
	}
	i.State, i.Done, i.Actor = Running, 0, actor
	if err := s.change(ctx, i); err != nil {
		return nil, err
	}
	v := s.view(i, sheet)
	s.behind(ctx, "commit", *i, sheet, s.run)
	return v, s.audit(ctx, i, actor, "import.commit", fmt.Sprintf("%d rows", i.Rows))
}

// run commits. What there was before is read first, so that it can be taken back.
func (s *Service) run(ctx context.Context, i *Import, r *reading) error {
	ids := make(map[string]bool, len(r.specs))
	for j := range r.specs {
		ids[r.specs[j].DistributorID] = true
	}
	before, err := s.asTheyAre(ctx, i.ProgramID, ids)
	if err == nil {
		i.Report, err = s.write(ctx, i, r, i.Actor, true)
	}
	if err != nil || i.Report.FaultsAll > 0 || i.Report.Error != "" {
		i.State = Failed
		if err != nil {
			i.Report.Error = "the database did not take it; nothing was written, commit it again"
		}
		return errors.Join(err, s.change(ctx, i))
	}
	s.Kick()
	*r = reading{} // How people are now takes the room of what was to be written.
	after, err := s.asTheyAre(ctx, i.ProgramID, ids)
	if err != nil {
		return err
	}
	undo := undo{Before: before, After: after}
	if i.SealedUndo, err = s.seal(i, "undo", &undo); err != nil {
		return err
	}
	i.State, i.Done = Committed, i.Rows
	return s.change(ctx, i)
}

// undo is how the people of a file were before and after its commit, by their ids; who is not in Before was new.
type undo struct {
	Before map[string]standing `json:"before"`
	After  map[string]standing `json:"after"`
}

// standing is what an undo brings back of a person.
type standing struct {
	SponsorID string   `json:"sponsor_id"`
	Status    string   `json:"status"`
	Rank      string   `json:"rank"`
	Country   string   `json:"country"`
	Codes     []string `json:"codes"`
	Name      string   `json:"name"`
	Email     string   `json:"email"`
}

func (a *standing) same(b *standing) bool {
	return a.SponsorID == b.SponsorID && a.Status == b.Status && a.Rank == b.Rank && a.Country == b.Country && a.Name == b.Name &&
		a.Email == b.Email && strings.Join(a.Codes, "\x00") == strings.Join(b.Codes, "\x00")
}

// peoplePage is how many people are read at once.
const peoplePage = 2000

func (s *Service) asTheyAre(ctx context.Context, program string, ids map[string]bool) (map[string]standing, error) {
	found := make(map[string]standing, len(ids))
	for after := ""; ; {
		people, next, err := s.People.People(ctx, program, query.DistributorFilter{}, query.Page{Limit: peoplePage, After: after})
		if err != nil {
			return nil, fmt.Errorf("read how people are: %w", err)
		}
		for i := range people {
			p := &people[i]
			if ids[p.DistributorID] {
				found[p.DistributorID] = standing{p.SponsorID, p.Status, p.Rank, p.Country, p.Codes, p.Name, p.Email}
			}
		}
		if after = next; after == "" {
			return found, nil
		}
	}
}

// Undo takes a commit back, dated now: who was changed is as before, who was new is terminated and loses the codes. Whom
// somebody has changed since stays as they are. What was earned meanwhile stays too.
func (s *Service) Undo(ctx context.Context, program, importID, actor string) (*View, error) {
	i, sheet, err := s.load(ctx, program, importID, Committed)
	if err != nil {
		return nil, err
	}
	var u undo
	if err := s.open(i, "undo", i.SealedUndo, &u); err != nil {
		return nil, err
	}
	ids := make(map[string]bool, len(u.After))
	for id := range u.After {
		ids[id] = true
	}
	now, err := s.asTheyAre(ctx, program, ids)
	if err != nil {
		return nil, err
	}
	specs, skipped := u.specs(now)
	report := Report{Checked: true, Faults: []Fault{}, Skipped: skipped}
	if len(specs) > 0 {
		service := *s.Admin
		service.Actor = actor
		summary, err := service.PutDistributors(ctx, program, specs, s.Clock(), true)
		if err != nil {
			return nil, fmt.Errorf("take import %s back: %w", importID, err)
		}
		report.Added, report.Changed, report.Unchanged, report.Released = summary.Added, summary.Changed, summary.Unchanged, summary.Released
		s.Kick()
	}
	i.State, i.Report, i.SealedUndo = Undone, report, nil
	if err := s.change(ctx, i); err != nil {
		return nil, err
	}
	return s.view(i, sheet), s.audit(ctx, i, actor, "import.undo", fmt.Sprintf("%d people, %d left as they are", len(specs), skipped))
}

// specs are the rows that bring everybody back who still is as the import left them.
func (u *undo) specs(now map[string]standing) (specs []admin.DistributorSpec, skipped int) {
	for id, after := range u.After {
		current, there := now[id]
		before, known := u.Before[id]
		switch {
		case !there || !current.same(&after):
			skipped++
		case !known:
			specs = append(specs, admin.DistributorSpec{DistributorID: id, Status: "terminated", Codes: []string{}})
		case !before.same(&after):
			specs = append(specs, before.spec(id, &after))
		}
	}
	return specs, skipped
}

// spec says a person's earlier standing; "-" takes away what they did not have.
func (a *standing) spec(id string, after *standing) admin.DistributorSpec {
	none := func(text string) string {
		if text == "" {
			return admin.None
		}
		return text
	}
	spec := admin.DistributorSpec{DistributorID: id, SponsorID: none(a.SponsorID), Status: a.Status, Rank: none(a.Rank), Country: none(a.Country), Codes: a.Codes}
	if a.Codes == nil {
		spec.Codes = []string{}
	}
	if (a.Name != after.Name || a.Email != after.Email) && (a.Name != "" || a.Email != "") {
		spec.Name, spec.Email = a.Name, a.Email
	}
	return spec
}

// View is what a screen shows of an import.
type View struct {
	ImportID  string           `json:"import_id"`
	State     State            `json:"state"`
	FileName  string           `json:"file_name"`
	Rows      int64            `json:"rows"`
	Done      int64            `json:"done"`
	Actor     string           `json:"actor"`
	Version   int64            `json:"version"`
	CreatedAt time.Time        `json:"created_at"`
	UpdatedAt time.Time        `json:"updated_at"`
	Columns   []Column         `json:"columns"` // of the file; empty in a list
	Fields    []importer.Field `json:"fields"`  // what they may mean
	Report    Report           `json:"report"`
}

// Column is one column of the file, with what stands in its first rows.
type Column struct {
	Column  string   `json:"column"`
	Samples []string `json:"samples"`
	Field   string   `json:"field"` // "": left out
}

func (s *Service) view(i *Import, sheet *importer.Sheet) *View {
	s.noteDead(i)
	v := &View{
		ImportID: i.ImportID, State: i.State, FileName: i.FileName, Rows: i.Rows, Done: i.Done, Actor: i.Actor, Version: i.Version,
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, Columns: []Column{}, Fields: importer.DistributorFields(), Report: i.Report,
	}
	if v.Report.Faults == nil {
		v.Report.Faults = []Fault{}
	}
	if sheet == nil {
		for _, name := range slices.Sorted(maps.Keys(i.Columns)) {
			v.Columns = append(v.Columns, Column{Column: name, Samples: []string{}, Field: i.Columns[name]})
		}
		return v
	}
	for at, name := range sheet.Header {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		c := Column{Column: name, Samples: []string{}, Field: i.Columns[name]}
		for _, row := range sheet.Rows {
			if at < len(row) && strings.TrimSpace(row[at]) != "" && len(c.Samples) < maxSamples {
				c.Samples = append(c.Samples, cleanName(row[at]))
			}
			if len(c.Samples) == maxSamples {
				break
			}
		}
		v.Columns = append(v.Columns, c)
	}
	return v
}

// Get shows an import. Its file is opened only where somebody may still change what it means: while it is checked or
// written it is asked for again and again.
func (s *Service) Get(ctx context.Context, program, importID string) (*View, error) {
	head, err := s.Books.ImportHead(ctx, program, importID)
	if err != nil {
		return nil, err
	}
	s.noteDead(&head)
	if head.State != Uploaded && head.State != Failed {
		return s.view(&head, nil), nil
	}
	i, sheet, err := s.load(ctx, program, importID)
	if err != nil {
		return nil, err
	}
	return s.view(i, sheet), nil
}

// List shows the newest imports.
func (s *Service) List(ctx context.Context, program string) ([]View, error) {
	list, err := s.Books.ImportsOf(ctx, program)
	if err != nil {
		return nil, err
	}
	views := make([]View, len(list))
	for i := range list {
		views[i] = *s.view(&list[i], nil)
		views[i].Columns, views[i].Report.Faults = []Column{}, []Fault{}
	}
	return views, nil
}

// WriteFaults writes the rows that are wrong as CSV, to be mended where the file came from.
func (s *Service) WriteFaults(ctx context.Context, program, importID string, w io.Writer) error {
	i, sheet, err := s.load(ctx, program, importID)
	if err != nil {
		return err
	}
	faults := make([]importer.Fault, len(i.Report.Faults))
	for j, f := range i.Report.Faults {
		faults[j] = importer.Fault{Line: f.Row, Field: f.Field, Reason: f.Reason, Row: f.Cells}
	}
	return importer.WriteFaults(w, sheet.Header, faults)
}
