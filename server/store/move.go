package store

import (
	"context"
	"fmt"
	"math"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/placement"
	"upline.dev/upline/server"
	"upline.dev/upline/server/run"
)

// PlacementLinks gives every place ever recorded. See run.Books.
func (s *Store) PlacementLinks(ctx context.Context, program string) (links []placement.Link, err error) {
	defer server.Wrap(&err, "read the placements of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return eachRow(ctx, tx, func(scan func(...any) error) error {
			var l placement.Link
			err := scan(&l.PositionID, &l.DistributorID, &l.ParentID, &l.Leg, &l.ValidFrom, &l.Version)
			links = append(links, l)
			return err
		}, `SELECT position_id, owner_id, parent_id, leg, valid_from, version FROM placements WHERE program_id = $1
			ORDER BY version, position_id, valid_from`, program)
	})
	return links, err
}

// RecordLinks records changes of the trees. See run.Books.
func (s *Store) RecordLinks(ctx context.Context, program string, plannedOn int64, sponsors []genealogy.Link, places []placement.Link) (err error) {
	defer server.Wrap(&err, "record %d links", len(sponsors)+len(places))
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		version, err := s.touch(ctx, tx, program, "tree_version")
		if err != nil {
			return err
		}
		if version != plannedOn {
			return conflict("The trees were changed meanwhile: look at the effect again.")
		}
		now, d := s.now(), s.dialect
		links := d.newRows(insertLinks, program, version+1, now)
		for _, l := range sponsors {
			links.text(l.DistributorID)
			links.text(l.ParentID)
			links.int(l.ValidFrom)
			if l.ValidFrom <= now {
				if _, err := tx.ExecContext(ctx, `UPDATE distributors SET sponsor_id = $3 WHERE program_id = $1 AND distributor_id = $2`,
					program, l.DistributorID, l.ParentID); err != nil {
					return fmt.Errorf("show the new sponsor of %s: %w", l.DistributorID, err)
				}
			}
		}
		rows := make([]placementRow, len(places))
		for i, l := range places {
			rows[i] = placementRow{l.PositionID, l.DistributorID, l.ParentID, int64(l.Leg), l.ValidFrom}
		}
		if _, err := d.run(ctx, tx, insertLinks, links); err != nil {
			return err
		}
		if _, err := d.run(ctx, tx, insertPlacements, placementRows(d, program, version+1, now, rows)); err != nil {
			return err
		}
		return raise(ctx, tx, program, "tree_version", version+1)
	})
}

// PutOverride records a rank given by hand, or what has become of one. See run.Books.
func (s *Store) PutOverride(ctx context.Context, program string, o run.Override) (err error) {
	defer server.Wrap(&err, "record a rank override of distributor %s", o.DistributorID)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		version, err := s.touch(ctx, tx, program, "tree_version")
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO rank_overrides (program_id, version, override_id, distributor_id, rank, floor, valid_from,
			valid_until, reason, actor, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			program, version+1, o.OverrideID, o.DistributorID, o.Rank, flag(o.Floor), o.ValidFrom, o.ValidUntil, o.Reason, o.Actor, s.now())
		if err != nil {
			return err
		}
		return raise(ctx, tx, program, "tree_version", version+1)
	})
}

// Overrides lists ranks given by hand as they are recorded now, those that have ended included. See run.Books.
func (s *Store) Overrides(ctx context.Context, program string) (list []run.Override, err error) {
	defer server.Wrap(&err, "list the rank overrides of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		list, err = readOverrides(ctx, tx, program, math.MaxInt64)
		return err
	})
	return list, err
}
