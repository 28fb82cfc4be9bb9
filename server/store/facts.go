package store

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server/pipeline"
)

// facts is what the store keeps in memory of one program. Each part holds everything recorded up to its version; since
// rows never change, loading means reading those with a later version. What is read here was committed by others: a
// transaction that adds facts does not read them through its own cache.
type facts struct {
	mu             sync.Mutex
	tree           *genealogy.Tree
	treeVersion    int64
	mappings       []catalog.Mapping
	catalog        *catalog.Catalog
	catalogVersion int64
	plans          []versionedPlan
	plansVersion   int64
	tally          tally

	enrollers        map[string][]genealogy.Link // read where a plan asks for it
	enrollersVersion int64

	people peopleSums
}

type versionedPlan struct {
	pipeline.PublishedPlan
	version int64
}

func (s *Store) facts(program string) *facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.programs[program]
	if f == nil {
		f = &facts{}
		s.programs[program] = f
	}
	return f
}

// Tree gives the tree with at least the facts of the transaction's version; it is read as of that version.
func (b *books) Tree(ctx context.Context) (*genealogy.Tree, error) {
	return b.store.tree(ctx, b.tx, b.program, b.versions.Tree)
}

// Catalog gives the catalogue with at least the facts of the transaction's version.
func (b *books) Catalog(ctx context.Context) (*catalog.Catalog, error) {
	return b.store.catalogue(ctx, b.tx, b.program, b.versions.Catalog)
}

// Plans gives the plans published up to the transaction's version, by EffectiveFrom.
func (b *books) Plans(ctx context.Context) ([]pipeline.PublishedPlan, error) {
	return b.store.plans(ctx, b.tx, b.program, b.versions.Plans)
}

func (s *Store) tree(ctx context.Context, tx *sqlx.Tx, program string, version int64) (*genealogy.Tree, error) {
	f := s.facts(program)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tree != nil && f.treeVersion >= version {
		return f.tree, nil
	}
	links, standings, codes, err := readGenealogy(ctx, tx, program, f.treeVersion, version)
	if err != nil {
		return nil, err
	}
	var next *genealogy.Tree
	if f.tree == nil {
		next, err = genealogy.Build(links, standings, codes)
	} else {
		next, err = f.tree.With(links, standings, codes)
	}
	if err != nil {
		return nil, fmt.Errorf("read the tree of program %s at version %d: %w", program, version, err)
	}
	f.tree, f.treeVersion = next, version
	return next, nil
}

// readGenealogy reads the facts recorded after one version, up to another.
func readGenealogy(ctx context.Context, tx *sqlx.Tx, program string, after, upTo int64) (
	links []genealogy.Link, standings []genealogy.Standing, codes []genealogy.Code, err error,
) {
	err = eachRow(ctx, tx, func(scan func(...any) error) error {
		var l genealogy.Link
		err := scan(&l.DistributorID, &l.ParentID, &l.ValidFrom, &l.Version)
		links = append(links, l)
		return err
	}, `SELECT distributor_id, sponsor_id, valid_from, version FROM genealogy_links
		WHERE program_id = $1 AND version > $2 AND version <= $3 ORDER BY version, distributor_id, valid_from`, program, after, upTo)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read sponsor links: %w", err)
	}
	err = eachRow(ctx, tx, func(scan func(...any) error) error {
		var st genealogy.Standing
		err := scan(&st.DistributorID, &st.Status, &st.Rank, &st.ValidFrom, &st.Version)
		standings = append(standings, st)
		return err
	}, `SELECT distributor_id, status, rank, valid_from, version FROM standings
		WHERE program_id = $1 AND version > $2 AND version <= $3 ORDER BY version, distributor_id, valid_from`, program, after, upTo)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read standings: %w", err)
	}
	err = eachRow(ctx, tx, func(scan func(...any) error) error {
		var c genealogy.Code
		err := scan(&c.Code, &c.DistributorID, &c.ValidFrom, &c.Version)
		codes = append(codes, c)
		return err
	}, `SELECT code, distributor_id, valid_from, version FROM distributor_codes
		WHERE program_id = $1 AND version > $2 AND version <= $3 ORDER BY version, code_key, valid_from`, program, after, upTo)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read codes: %w", err)
	}
	return links, standings, codes, nil
}

func (s *Store) catalogue(ctx context.Context, tx *sqlx.Tx, program string, version int64) (*catalog.Catalog, error) {
	f := s.facts(program)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.catalog != nil && f.catalogVersion >= version {
		return f.catalog, nil
	}
	added, err := readMappings(ctx, tx, program, f.catalogVersion, version)
	if err != nil {
		return nil, err
	}
	mappings := append(slices.Clip(f.mappings), added...)
	next, err := catalog.Build(mappings)
	if err != nil {
		return nil, fmt.Errorf("read the catalogue of program %s at version %d: %w", program, version, err)
	}
	f.mappings, f.catalog, f.catalogVersion = mappings, next, version
	return next, nil
}

func readMappings(ctx context.Context, tx *sqlx.Tx, program string, after, upTo int64) ([]catalog.Mapping, error) {
	var list []catalog.Mapping
	err := eachRow(ctx, tx, func(scan func(...any) error) error {
		var m catalog.Mapping
		var cv, cvNet, qv, qvNet int64
		err := scan(&m.SKUID, &m.Platform, &m.PlatformSKU, &m.Name, &m.Category, &m.CommissionClass, &cv, &cvNet, &qv, &qvNet,
			&m.Country, &m.ValidFrom, &m.Version)
		m.CV = catalog.VolumeRule{PerUnit: money.Volume(cv), OfNet: money.Rate(cvNet)}
		m.QV = catalog.VolumeRule{PerUnit: money.Volume(qv), OfNet: money.Rate(qvNet)}
		list = append(list, m)
		return err
	}, `SELECT sku_id, platform, platform_sku, name, category, commission_class, cv_per_unit, cv_of_net, qv_per_unit,
		qv_of_net, country, valid_from, version FROM sku_mapping
		WHERE program_id = $1 AND version > $2 AND version <= $3
		ORDER BY version, platform, platform_sku, country, valid_from`, program, after, upTo)
	if err != nil {
		return nil, fmt.Errorf("read SKU mappings: %w", err)
	}
	return list, nil
}

func (s *Store) plans(ctx context.Context, tx *sqlx.Tx, program string, version int64) ([]pipeline.PublishedPlan, error) {
	f := s.facts(program)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.plansVersion < version {
		added, err := readPlans(ctx, tx, program, f.plansVersion, version)
		if err != nil {
			return nil, err
		}
		f.plans, f.plansVersion = append(slices.Clip(f.plans), added...), version
		slices.SortStableFunc(f.plans, func(a, b versionedPlan) int {
			return compareInts(a.EffectiveFrom, b.EffectiveFrom, a.version, b.version)
		})
	}
	list := make([]pipeline.PublishedPlan, 0, len(f.plans))
	for _, p := range f.plans {
		if p.version <= version {
			list = append(list, p.PublishedPlan)
		}
	}
	return list, nil
}

func readPlans(ctx context.Context, tx *sqlx.Tx, program string, after, upTo int64) ([]versionedPlan, error) {
	var list []versionedPlan
	err := eachRow(ctx, tx, func(scan func(...any) error) error {
		var p versionedPlan
		var document string
		if err := scan(&p.Hash, &p.EffectiveFrom, &document, &p.version); err != nil {
			return err
		}
		parsed, err := plan.Parse([]byte(document))
		if err != nil {
			return fmt.Errorf("plan %s: %w", p.Hash, err)
		}
		if parsed.Hash() != p.Hash {
			return fmt.Errorf("plan %s: the stored document has hash %s", p.Hash, parsed.Hash())
		}
		p.Plan = parsed
		list = append(list, p)
		return nil
	}, `SELECT plan_hash, effective_from, canonical_json, version FROM plan_versions
		WHERE program_id = $1 AND version > $2 AND version <= $3 ORDER BY version, plan_hash`, program, after, upTo)
	if err != nil {
		return nil, fmt.Errorf("read plans: %w", err)
	}
	return list, nil
}

// eachRow reads a result row by row; a million links are not held twice.
func eachRow(ctx context.Context, tx *sqlx.Tx, take func(scan func(...any) error) error, query string, args ...any) (err error) {
	if tx == nil {
		return errAsUsual // settling at once reads once
	}
	found, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() {
		if closing := found.Close(); err == nil {
			err = closing
		}
	}()
	for found.Next() {
		if err := take(found.Scan); err != nil {
			return err
		}
	}
	return found.Err()
}
