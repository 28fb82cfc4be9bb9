package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
)

var insertMappings = &bulk{
	name: "insert SKU mappings", table: "sku_mapping",
	columns: columns(fixedText("program_id"), fixedInt("version"), fixedInt("recorded_at"),
		texts("platform", "platform_sku", "country"), ints("valid_from"),
		texts("sku_id", "name", "category", "commission_class"),
		ints("cv_per_unit", "cv_of_net", "qv_per_unit", "qv_of_net")),
}

// errDryRun rolls a transaction back that was only to show what it would do.
var errDryRun = errors.New("dry run")

// dryRun turns a rolled-back trial into success.
func dryRun(err error) error {
	if errors.Is(err, errDryRun) {
		return nil
	}
	return err
}

// place is where a mapping holds: one SKU in one country.
type place struct{ platform, sku, country string }

// PutMappings adds dated mappings. One that says what already holds at its ValidFrom changes nothing. See admin.Books.
func (s *Store) PutMappings(ctx context.Context, program string, mappings []catalog.Mapping, _ time.Time, commit bool) (
	summary admin.ImportSummary, err error,
) {
	return s.PutSeenMappings(ctx, program, mappings, nil, commit)
}

// PutSeenMappings adds dated mappings where nobody has changed meanwhile what was seen. See admin.Books.
func (s *Store) PutSeenMappings(ctx context.Context, program string, mappings []catalog.Mapping, seen []int64, commit bool) (
	summary admin.ImportSummary, err error,
) {
	defer server.Wrap(&err, "put %d mappings", len(mappings))
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		summary = admin.ImportSummary{}
		version, err := s.touch(ctx, tx, program, "catalog_version")
		if err != nil {
			return err
		}
		known, err := readMappings(ctx, tx, program, 0, version)
		if err != nil {
			return err
		}
		if err := refuseChanged(known, mappings, seen); err != nil {
			return err
		}
		added := newMappings(known, mappings, version+1, &summary)
		if _, err := catalog.Build(append(slices.Clip(known), added...)); err != nil {
			return &server.Error{Code: server.Invalid, Message: "The mappings contradict each other: " + err.Error(), Err: err}
		}
		if len(added) == 0 {
			return nil
		}
		if err := s.writeMappings(ctx, tx, program, added, version+1); err != nil {
			return err
		}
		if summary.Released, err = s.release(ctx, tx, program, skuCauses(added), s.now()); err != nil {
			return err
		}
		if !commit {
			return errDryRun
		}
		return nil
	})
	return summary, dryRun(err)
}

// refuseChanged stops who would overwrite what they have not seen.
func refuseChanged(known, given []catalog.Mapping, seen []int64) error {
	newest := make(map[place]int64, len(known))
	for _, m := range known {
		p := place{m.Platform, m.PlatformSKU, m.Country}
		newest[p] = max(newest[p], m.Version)
	}
	for i, want := range seen {
		m := &given[i]
		if now := newest[place{m.Platform, m.PlatformSKU, m.Country}]; want >= 0 && now != want {
			return &server.Error{Code: server.Conflict, Field: "seen_version", Message: fmt.Sprintf(
				"Somebody has changed the mapping of SKU %s meanwhile (it has version %d); look at it again and decide anew.", m.PlatformSKU, now)}
		}
	}
	return nil
}

// newMappings leaves out what is said already.
func newMappings(known, given []catalog.Mapping, version int64, summary *admin.ImportSummary) []catalog.Mapping {
	history := make(map[place][]catalog.Mapping, len(known))
	for _, m := range known {
		p := place{m.Platform, m.PlatformSKU, m.Country}
		history[p] = append(history[p], m)
	}
	var added []catalog.Mapping
	for _, m := range given {
		p := place{m.Platform, m.PlatformSKU, m.Country}
		m.Version = version
		switch {
		case len(history[p]) == 0:
			summary.Added++
		case saysNothingNew(history[p], m):
			summary.Unchanged++
			continue
		default:
			summary.Changed++
		}
		history[p] = append(history[p], m)
		added = append(added, m)
	}
	return added
}

// saysNothingNew reports whether m repeats what the history, sorted by version, says for m's instant.
func saysNothingNew(history []catalog.Mapping, m catalog.Mapping) bool {
	holds := -1
	for i, h := range history {
		if h.ValidFrom <= m.ValidFrom && (holds < 0 || h.ValidFrom >= history[holds].ValidFrom) {
			holds = i
		}
	}
	if holds < 0 {
		return false
	}
	same := history[holds]
	same.ValidFrom, same.Version = m.ValidFrom, m.Version
	return same == m
}

func (s *Store) writeMappings(ctx context.Context, tx *sqlx.Tx, program string, added []catalog.Mapping, version int64) error {
	r := s.dialect.newRows(insertMappings, program, version, s.now())
	for _, m := range added {
		r.text(m.Platform)
		r.text(m.PlatformSKU)
		r.text(m.Country)
		r.int(m.ValidFrom)
		r.text(m.SKUID)
		r.text(m.Name)
		r.text(m.Category)
		r.text(m.CommissionClass)
		r.int(int64(m.CV.PerUnit))
		r.int(int64(m.CV.OfNet))
		r.int(int64(m.QV.PerUnit))
		r.int(int64(m.QV.OfNet))
	}
	if _, err := s.dialect.run(ctx, tx, insertMappings, r); err != nil {
		return err
	}
	return raise(ctx, tx, program, "catalog_version", version)
}

func skuCauses(mappings []catalog.Mapping) []string {
	causes := make([]string, len(mappings))
	for i, m := range mappings {
		causes[i] = "sku:" + m.Platform + ":" + m.PlatformSKU
	}
	return causes
}

// PublishPlan adds a plan version and releases the orders that wait for a plan. The same plan twice changes nothing.
// See admin.Books.
func (s *Store) PublishPlan(ctx context.Context, program string, p *plan.Plan, canonical []byte) (err error) {
	defer server.Wrap(&err, "publish plan %s", p.Hash())
	if p.Hash() == "" || string(canonical) != string(p.Canonical()) {
		return errors.New("the document is not the plan's canonical form")
	}
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		version, err := s.touch(ctx, tx, program, "plans_version")
		if err != nil {
			return err
		}
		added, err := affected(tx.ExecContext(ctx, `INSERT INTO plan_versions (program_id, plan_hash, version, effective_from,
			canonical_json, published_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (program_id, plan_hash) DO NOTHING`,
			program, p.Hash(), version+1, p.EffectiveMicros(), string(canonical), s.now()))
		if err != nil || added == 0 {
			return err
		}
		if err := raise(ctx, tx, program, "plans_version", version+1); err != nil {
			return err
		}
		_, err = s.release(ctx, tx, program, []string{"plan"}, s.now())
		return err
	})
}
