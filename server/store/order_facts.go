package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/server/pipeline"
)

// TimeZone is the program's.
func (b *books) TimeZone(ctx context.Context) (string, error) {
	var zones []struct {
		TimeZone string `db:"time_zone"`
	}
	err := b.query(ctx, &zones, `SELECT time_zone FROM programs WHERE program_id = $1`, b.program)
	if err != nil || len(zones) == 0 {
		return "", fmt.Errorf("read the time zone of program %s: %w", b.program, cmp.Or(err, errNoProgram))
	}
	return zones[0].TimeZone, nil
}

// Enrolments reads when people were enrolled: what the row has always said, which has no version, and what was recorded.
// See pipeline.Books.
func (b *books) Enrolments(ctx context.Context, ids []string) (list []pipeline.Enrolment, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var found []struct {
		DistributorID string `db:"distributor_id"`
		At            int64  `db:"at"`
		Version       int64  `db:"version"`
	}
	in := b.store.dialect.in("$2")
	err = b.query(ctx, &found, `SELECT distributor_id, created_at AS at, 0 AS version FROM distributors
		WHERE program_id = $1 AND distributor_id IN `+in+` AND created_at <> 0`, b.program, b.store.dialect.list(ids))
	if err != nil {
		return nil, fmt.Errorf("read when people joined: %w", err)
	}
	for _, row := range found {
		list = append(list, pipeline.Enrolment(row))
	}
	found = nil
	err = b.query(ctx, &found, `SELECT distributor_id, enrolled_at AS at, version FROM person_facts
		WHERE program_id = $1 AND distributor_id IN `+in+` AND enrolled_at <> 0 AND version <= $3
		ORDER BY valid_from, version`, b.program, b.store.dialect.list(ids), b.versions.Tree)
	if err != nil {
		return nil, fmt.Errorf("read enrolments: %w", err)
	}
	for _, row := range found {
		list = append(list, pipeline.Enrolment(row))
	}
	return list, nil
}

// Enrollers gives everybody's links to an enroller of their own, those recorded up to at least the transaction's version.
// Since rows never change, only later ones are read again. See pipeline.Books.
func (b *books) Enrollers(ctx context.Context) (map[string][]genealogy.Link, error) {
	f := b.store.facts(b.program)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.enrollers != nil && f.enrollersVersion >= b.versions.Tree {
		return f.enrollers, nil
	}
	next := maps.Clone(f.enrollers) // Readers hold the map, and its lists, that were given before.
	if next == nil {
		next = map[string][]genealogy.Link{}
	}
	changed := map[string]bool{}
	err := eachRow(ctx, b.tx, func(scan func(...any) error) error {
		var l genealogy.Link
		if err := scan(&l.DistributorID, &l.ParentID, &l.ValidFrom, &l.Version); err != nil {
			return err
		}
		next[l.DistributorID], changed[l.DistributorID] = append(slices.Clip(next[l.DistributorID]), l), true
		return nil
	}, `SELECT distributor_id, enroller_id, valid_from, version FROM enroller_links
		WHERE program_id = $1 AND version > $2 AND version <= $3 ORDER BY version, distributor_id, valid_from`,
		b.program, f.enrollersVersion, b.versions.Tree)
	if err != nil {
		return nil, fmt.Errorf("read the enrollers: %w", err)
	}
	for id := range changed {
		slices.SortFunc(next[id], func(a, b genealogy.Link) int {
			return cmp.Or(cmp.Compare(a.ValidFrom, b.ValidFrom), cmp.Compare(a.Version, b.Version))
		})
	}
	f.enrollers, f.enrollersVersion = next, b.versions.Tree
	return next, nil
}
