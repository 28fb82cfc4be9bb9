package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/run"
)

// The statements of facts that only periods need.
var (
	insertEnrollers = &bulk{
		name: "insert enroller links", table: "enroller_links",
		columns: columns(fixedText("program_id"), fixedInt("version"), fixedInt("recorded_at"), texts("distributor_id", "enroller_id"), ints("valid_from")),
	}
	insertPlacements = &bulk{
		name: "insert placements", table: "placements",
		columns: columns(fixedText("program_id"), fixedInt("version"), fixedInt("recorded_at"),
			texts("position_id", "owner_id", "parent_id"), ints("leg", "valid_from")),
	}
	insertPersonFacts = &bulk{
		name: "insert facts of people", table: "person_facts",
		columns: columns(fixedText("program_id"), fixedInt("version"), fixedInt("recorded_at"), texts("distributor_id", "country"),
			ints("enrolled_at", "autoship", "valid_from")),
	}
)

// personFactRow is one row of person_facts.
type personFactRow struct {
	DistributorID string `db:"distributor_id"`
	EnrolledAt    int64  `db:"enrolled_at"`
	Country       string `db:"country"`
	Autoship      int64  `db:"autoship"`
	ValidFrom     int64  `db:"valid_from"`
}

// placementRow is one row of placements.
type placementRow struct {
	PositionID string `db:"position_id"`
	OwnerID    string `db:"owner_id"`
	ParentID   string `db:"parent_id"`
	Leg        int64  `db:"leg"`
	ValidFrom  int64  `db:"valid_from"`
}

// periodFacts is what an import adds for periods, and how that is now.
type periodFacts struct {
	enroller map[string]string // now, of those who have one of their own
	known    map[string]personFactRow
	place    map[string]placementRow // now, by position

	enrollers []genealogy.Link
	facts     []personFactRow
	places    []placementRow
}

func (f *periodFacts) count() int { return len(f.enrollers) + len(f.facts) + len(f.places) }

// load reads how everything is now: the last version, and in it the last date.
func (f *periodFacts) load(ctx context.Context, tx *sqlx.Tx, program string) error {
	f.enroller, f.known, f.place = map[string]string{}, map[string]personFactRow{}, map[string]placementRow{}
	err := eachRow(ctx, tx, func(scan func(...any) error) error {
		var id, enroller string
		err := scan(&id, &enroller)
		f.enroller[id] = enroller
		return err
	}, `SELECT distributor_id, enroller_id FROM enroller_links WHERE program_id = $1 ORDER BY version, valid_from`, program)
	if err != nil {
		return fmt.Errorf("read the enrollers: %w", err)
	}
	var facts []personFactRow
	err = tx.SelectContext(ctx, &facts, `SELECT distributor_id, enrolled_at, country, autoship, valid_from FROM person_facts
		WHERE program_id = $1 ORDER BY version, valid_from`, program)
	if err != nil {
		return fmt.Errorf("read the facts of people: %w", err)
	}
	for _, row := range facts {
		f.known[row.DistributorID] = row
	}
	var places []placementRow
	err = tx.SelectContext(ctx, &places, `SELECT position_id, owner_id, parent_id, leg, valid_from FROM placements
		WHERE program_id = $1 ORDER BY version, valid_from`, program)
	if err != nil {
		return fmt.Errorf("read the placements: %w", err)
	}
	for _, row := range places {
		f.place[row.PositionID] = row
	}
	return nil
}

// compare takes what a row says that is new; moved tells whether the country is.
func (f *periodFacts) compare(in *peopleImport, p *admin.Distributor, isNew, moved bool, from int64) (changed bool) {
	before := f.count()
	if p.EnrollerID != nil && f.enroller[p.DistributorID] != *p.EnrollerID {
		f.enroller[p.DistributorID] = *p.EnrollerID
		f.enrollers = append(f.enrollers, genealogy.Link{DistributorID: p.DistributorID, ParentID: *p.EnrollerID, ValidFrom: from})
	}
	f.compareFacts(in, p, isNew, moved, from)
	if p.Place != nil {
		row := placementRow{p.DistributorID, p.DistributorID, p.Place.Parent, int64(p.Place.Leg), from}
		old, placed := f.place[p.DistributorID]
		if !placed || old.ParentID != row.ParentID || old.Leg != row.Leg || old.OwnerID != row.OwnerID {
			f.place[p.DistributorID] = row
			f.places = append(f.places, row)
		}
	}
	return f.count() > before
}

// compareFacts records a fact that changed. The first one recorded of somebody keeps beside it what held before, which
// nothing else would remember.
func (f *periodFacts) compareFacts(in *peopleImport, p *admin.Distributor, isNew, moved bool, from int64) {
	old, recorded := f.known[p.DistributorID]
	next := old
	next.DistributorID, next.Country, next.ValidFrom = p.DistributorID, p.Country, from
	if !p.EnrolledAt.IsZero() {
		next.EnrolledAt = micros(p.EnrolledAt)
	}
	if p.Autoship != nil {
		next.Autoship = flag(*p.Autoship)
	}
	if next.EnrolledAt == old.EnrolledAt && next.Autoship == old.Autoship && (isNew || !moved) {
		return
	}
	if !recorded && !isNew && from > genealogy.Beginning {
		f.facts = append(f.facts, personFactRow{
			DistributorID: p.DistributorID, EnrolledAt: next.EnrolledAt, Country: in.known[p.DistributorID].Country, ValidFrom: genealogy.Beginning,
		})
	}
	f.known[p.DistributorID] = next
	f.facts = append(f.facts, next)
}

// check refuses enrollers who are not there, rings of them, and places that do not make a tree.
func (f *periodFacts) check(tree *genealogy.Tree, in *peopleImport) error {
	var faults genealogy.Faults
	for _, l := range f.enrollers {
		if l.ParentID != "" && !tree.Has(l.ParentID, genealogy.AsOf{At: max(l.ValidFrom, in.at), Version: in.version}) {
			faults = append(faults, &genealogy.Fault{
				Kind: genealogy.Unknown, People: []string{l.DistributorID, l.ParentID}, Detail: "enroller " + l.ParentID + " is not a distributor",
			})
		}
	}
	if len(f.enrollers) > 0 || len(in.links) > 0 && len(f.enroller) > 0 {
		if ring := ringOf(f.upEnrollers(in)); ring != nil {
			faults = append(faults, &genealogy.Fault{Kind: genealogy.Cycle, People: ring, Detail: "the enrollers form a ring"})
		}
	}
	if len(f.places) > 0 {
		faults = append(faults, f.checkPlaces()...)
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// upEnrollers is everybody's enroller, by id.
func (f *periodFacts) upEnrollers(in *peopleImport) map[string]string {
	up := make(map[string]string, len(in.known)+len(in.people))
	for id, row := range in.known {
		up[id] = row.SponsorID
	}
	for i := range in.people {
		up[in.people[i].DistributorID] = in.people[i].SponsorID
	}
	for _, l := range in.links {
		up[l.DistributorID] = l.ParentID
	}
	for id, enroller := range f.enroller {
		if enroller != "" {
			up[id] = enroller
		}
	}
	return up
}

// ringOf finds somebody who stands above themselves; nil where there is nobody. It is the ring with the least id.
func ringOf(up map[string]string) []string {
	done := make(map[string]int, len(up)) // 0: not seen; else the walk that came by
	for walk, start := range sortedKeys(up) {
		var way []string
		at := start
		for ; at != "" && done[at] == 0; at = up[at] {
			done[at] = walk + 1
			way = append(way, at)
		}
		if at != "" && done[at] == walk+1 {
			return way[slices.Index(way, at):]
		}
	}
	return nil
}

// checkPlaces holds the placement tree as it would be to its shape.
func (f *periodFacts) checkPlaces() (faults genealogy.Faults) {
	type leg struct {
		parent string
		leg    int64
	}
	taken, up := map[leg]string{}, make(map[string]string, len(f.place))
	for _, id := range sortedKeys(f.place) {
		row := f.place[id]
		if row.OwnerID == "" {
			continue
		}
		up[id] = row.ParentID
		if row.ParentID == "" {
			continue
		}
		if above, placed := f.place[row.ParentID]; !placed || above.OwnerID == "" {
			faults = append(faults, &genealogy.Fault{
				Kind: genealogy.Unknown, People: []string{id, row.ParentID}, Detail: "position " + row.ParentID + " is not in the placement tree",
			})
		}
		if other, is := taken[leg{row.ParentID, row.Leg}]; is {
			faults = append(faults, &genealogy.Fault{
				Kind: genealogy.Duplicate, People: []string{id, other},
				Detail: fmt.Sprintf("leg %d of position %s is taken by %s", row.Leg+1, row.ParentID, other),
			})
		}
		taken[leg{row.ParentID, row.Leg}] = id
	}
	if ring := ringOf(up); ring != nil {
		faults = append(faults, &genealogy.Fault{Kind: genealogy.Cycle, People: ring, Detail: "the placements form a ring"})
	}
	return faults
}

func (f *periodFacts) write(ctx context.Context, tx *sqlx.Tx, in *peopleImport, now int64) error {
	d := in.store.dialect
	enrollers := d.newRows(insertEnrollers, in.program, in.version, now)
	for _, l := range f.enrollers {
		enrollers.text(l.DistributorID)
		enrollers.text(l.ParentID)
		enrollers.int(l.ValidFrom)
	}
	facts := d.newRows(insertPersonFacts, in.program, in.version, now)
	for _, row := range f.facts {
		facts.text(row.DistributorID)
		facts.text(row.Country)
		facts.int(row.EnrolledAt)
		facts.int(row.Autoship)
		facts.int(row.ValidFrom)
	}
	for _, step := range []struct {
		statement *bulk
		rows      rows
	}{{insertEnrollers, enrollers}, {insertPersonFacts, facts}, {insertPlacements, placementRows(d, in.program, in.version, now, f.places)}} {
		if _, err := d.run(ctx, tx, step.statement, step.rows); err != nil {
			return err
		}
	}
	return nil
}

func placementRows(d dialect, program string, version, now int64, list []placementRow) rows {
	places := d.newRows(insertPlacements, program, version, now)
	for _, row := range list {
		places.text(row.PositionID)
		places.text(row.OwnerID)
		places.text(row.ParentID)
		places.int(row.Leg)
		places.int(row.ValidFrom)
	}
	return places
}

// PeopleAt gives what else is known of people as of an instant and a tree version. See run.Books.
func (s *Store) PeopleAt(ctx context.Context, program string, as genealogy.AsOf) (people run.People, err error) {
	defer server.Wrap(&err, "read the people of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		if people.Facts, err = factsAt(ctx, tx, program, as); err != nil {
			return err
		}
		if people.Enrollers, err = enrollersAt(ctx, tx, program, as); err != nil {
			return err
		}
		if people.Positions, err = positionsAt(ctx, tx, program, as); err != nil {
			return err
		}
		people.Overrides, err = overridesAt(ctx, tx, program, as)
		return err
	})
	return people, err
}

// factsAt reads everybody: what was recorded, or else what the person's row has always said. The first day is no fact
// with a date: what was recorded of it last holds.
func factsAt(ctx context.Context, tx *sqlx.Tx, program string, as genealogy.AsOf) ([]run.PersonFact, error) {
	var list []run.PersonFact
	at := map[string]int{}
	err := eachRow(ctx, tx, func(scan func(...any) error) error {
		var f run.PersonFact
		err := scan(&f.DistributorID, &f.Country, &f.EnrolledAt)
		at[f.DistributorID] = len(list)
		list = append(list, f)
		return err
	}, `SELECT distributor_id, country, created_at FROM distributors WHERE program_id = $1 ORDER BY distributor_id`, program)
	if err != nil {
		return nil, fmt.Errorf("read the distributors: %w", err)
	}
	err = eachRow(ctx, tx, func(scan func(...any) error) error {
		var row personFactRow
		if err := scan(&row.DistributorID, &row.EnrolledAt, &row.Country, &row.Autoship, &row.ValidFrom); err != nil {
			return err
		}
		i, known := at[row.DistributorID]
		if !known {
			return nil
		}
		if row.EnrolledAt != 0 {
			list[i].EnrolledAt = row.EnrolledAt
		}
		if row.ValidFrom <= as.At {
			list[i].Country, list[i].Autoship = row.Country, row.Autoship != 0
		}
		return nil
	}, `SELECT distributor_id, enrolled_at, country, autoship, valid_from FROM person_facts
		WHERE program_id = $1 AND version <= $2 ORDER BY valid_from, version`, program, as.Version)
	if err != nil {
		return nil, fmt.Errorf("read the facts of people: %w", err)
	}
	return list, nil
}

func enrollersAt(ctx context.Context, tx *sqlx.Tx, program string, as genealogy.AsOf) ([]genealogy.Link, error) {
	now := map[string]genealogy.Link{}
	err := eachRow(ctx, tx, func(scan func(...any) error) error {
		var l genealogy.Link
		err := scan(&l.DistributorID, &l.ParentID, &l.ValidFrom)
		now[l.DistributorID] = l
		return err
	}, `SELECT distributor_id, enroller_id, valid_from FROM enroller_links WHERE program_id = $1 AND version <= $2 AND valid_from <= $3
		ORDER BY valid_from, version`, program, as.Version, as.At)
	if err != nil {
		return nil, fmt.Errorf("read the enrollers: %w", err)
	}
	var list []genealogy.Link
	for _, id := range sortedKeys(now) {
		if now[id].ParentID != "" {
			list = append(list, now[id])
		}
	}
	return list, nil
}

func positionsAt(ctx context.Context, tx *sqlx.Tx, program string, as genealogy.AsOf) ([]run.Position, error) {
	now := map[string]run.Position{}
	err := eachRow(ctx, tx, func(scan func(...any) error) error {
		var p run.Position
		err := scan(&p.PositionID, &p.OwnerID, &p.ParentID, &p.Leg, &p.ValidFrom)
		if before, there := now[p.PositionID]; there && before.OwnerID == p.OwnerID && before.ParentID == p.ParentID && before.Leg == p.Leg {
			p.ValidFrom = before.ValidFrom // It stands there since then: a level is completed by whoever comes to it.
		}
		now[p.PositionID] = p
		return err
	}, `SELECT position_id, owner_id, parent_id, leg, valid_from FROM placements WHERE program_id = $1 AND version <= $2 AND valid_from <= $3
		ORDER BY valid_from, version`, program, as.Version, as.At)
	if err != nil {
		return nil, fmt.Errorf("read the placements: %w", err)
	}
	var list []run.Position
	for _, id := range sortedKeys(now) {
		if now[id].OwnerID != "" {
			list = append(list, now[id])
		}
	}
	return list, nil
}

// overridesAt gives those that hold, in the order in which they were recorded.
func overridesAt(ctx context.Context, tx *sqlx.Tx, program string, as genealogy.AsOf) ([]run.Override, error) {
	all, err := readOverrides(ctx, tx, program, as.Version)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(o run.Override) bool { return as.At < o.ValidFrom || as.At >= o.ValidUntil }), nil
}

// readOverrides gives each override as a version knows it, in the order in which they were recorded last.
func readOverrides(ctx context.Context, tx *sqlx.Tx, program string, version int64) (list []run.Override, err error) {
	err = eachRow(ctx, tx, func(scan func(...any) error) error {
		var o run.Override
		var floor int64
		err := scan(&o.OverrideID, &o.DistributorID, &o.Rank, &floor, &o.ValidFrom, &o.ValidUntil, &o.Reason, &o.Actor)
		o.Floor = floor != 0
		list = append(list, o)
		return err
	}, `SELECT override_id, distributor_id, rank, floor, valid_from, valid_until, reason, actor FROM rank_overrides o
		WHERE program_id = $1 AND version <= $2 AND NOT EXISTS (SELECT 1 FROM rank_overrides l WHERE l.program_id = o.program_id
			AND l.override_id = o.override_id AND l.version > o.version AND l.version <= $2)
		ORDER BY version, override_id`, program, version)
	if err != nil {
		return nil, fmt.Errorf("read the rank overrides: %w", err)
	}
	return list, nil
}
