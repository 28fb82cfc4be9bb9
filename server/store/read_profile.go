package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
)

// maxUpline bounds how far up a profile looks; nobody reads further.
const maxUpline = 50

// People lists distributors. See query.Screens.
func (s *Store) People(ctx context.Context, program string, f query.DistributorFilter, p query.Page) (list []query.Distributor, next string, err error) {
	defer server.Wrap(&err, "list people of program %s", program)
	c, err := peopleConditions(program, &f, p)
	if err != nil {
		return nil, "", err
	}
	limit, order := pageLimit(p), ` ORDER BY d.distributor_id`
	if f.Newest {
		order = ` ORDER BY d.created_at DESC, d.distributor_id DESC`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		if err := s.searchPeople(ctx, tx, program, f.Search, c); err != nil {
			return err
		}
		var rows []distributorRow
		if err := tx.SelectContext(ctx, &rows, distributorSelect+c.String()+order+c.limited(limit), c.args...); err != nil {
			return err
		}
		rows, next = cut(rows, limit, func(d *distributorRow) cursor {
			if f.Newest {
				return cursor{digits(d.CreatedAt), d.DistributorID}
			}
			return cursor{d.DistributorID}
		})
		list, err = s.publicDistributors(ctx, tx, program, rows)
		return err
	})
	return list, next, err
}

func peopleConditions(program string, f *query.DistributorFilter, p query.Page) (*conditions, error) {
	c := where(program, "d.program_id").andIf("d.status", f.Status).andIf("d.rank", f.Rank).
		andIf("d.country", strings.ToUpper(f.Country)).andIf("d.sponsor_id", f.SponsorID)
	if f.Top {
		c.and("d.sponsor_id = ''")
	}
	// Spelt out, so that SQLite takes the indexes that only hold such people.
	for _, only := range []struct {
		holds  bool
		clause string
	}{{f.Rank != "", "d.rank <> ''"}, {f.Country != "", "d.country <> ''"}, {f.Status != "" && f.Status != "active", "d.status <> 'active'"}} {
		if only.holds {
			c.and(only.clause)
		}
	}
	if !f.Newest {
		after, err := readCursor(p.After, 1)
		if err == nil && after != nil {
			c.and("d.distributor_id > ?", after[0])
		}
		return c, err
	}
	after, err := readCursor(p.After, 2)
	if err != nil || after == nil {
		return c, err
	}
	at, err := after.number(0)
	if err != nil {
		return nil, err
	}
	return c.and("(d.created_at, d.distributor_id) < (?, ?)", at, after[1]), nil
}

// Profile reads one distributor with who stands around them. See query.Screens.
func (s *Store) Profile(ctx context.Context, program, distributorID string) (p query.Profile, err error) {
	defer server.Wrap(&err, "read the profile of %s", distributorID)
	if p.Distributor, err = s.Distributor(ctx, program, distributorID); err != nil {
		return p, err
	}
	p.Upline, p.Earned = []query.Person{}, map[string]string{}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		if err := s.addUpline(ctx, tx, program, &p); err != nil {
			return err
		}
		err := tx.GetContext(ctx, &p.Frontline, `SELECT count(*) FROM distributors WHERE program_id = $1 AND sponsor_id = $2`, program, distributorID)
		if err != nil {
			return fmt.Errorf("count the frontline: %w", err)
		}
		sums, err := s.facts(program).people.earned(ctx, tx, program, distributorID)
		if err != nil {
			return err
		}
		for currency, minor := range sums {
			p.Earned[currency] = money.FormatMinor(minor, money.Currency(currency))
		}
		return nil
	})
	return p, err
}

// Names gives what distributors are called. See query.Screens.
func (s *Store) Names(ctx context.Context, program string, ids []string) (names map[string]string, err error) {
	defer server.Wrap(&err, "read the names of %d distributors", len(ids))
	names = make(map[string]string, len(ids))
	if len(ids) == 0 || s.config.Opener == nil {
		return names, nil
	}
	var rows []distributorRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT distributor_id, sealed_profile FROM distributor_profiles WHERE program_id = $1 AND distributor_id IN `+
			s.dialect.in("$2"), program, s.dialect.list(ids))
	})
	for i := range rows {
		named := query.Distributor{DistributorID: rows[i].DistributorID}
		if err == nil {
			err = s.openProfile(program, rows[i].Profile, &named)
		}
		if named.Name != "" {
			names[named.DistributorID] = named.Name
		}
	}
	return names, err
}

func (s *Store) addUpline(ctx context.Context, tx *sqlx.Tx, program string, p *query.Profile) error {
	for id := p.Distributor.SponsorID; id != "" && len(p.Upline) < maxUpline; {
		var row distributorRow
		err := tx.GetContext(ctx, &row, distributorSelect+` WHERE d.program_id = $1 AND d.distributor_id = $2`, program, id)
		if err != nil {
			return fmt.Errorf("read the upline %s: %w", id, found(err, "There is no distributor %s.", id))
		}
		named := query.Distributor{DistributorID: id}
		if row.Profile != nil && s.config.Opener != nil {
			if err := s.openProfile(program, row.Profile, &named); err != nil {
				return err
			}
		}
		p.Upline = append(p.Upline, query.Person{DistributorID: id, Name: named.Name, Rank: row.Rank, Status: row.Status})
		id = row.SponsorID
	}
	return nil
}

// CurrentMappings lists what each SKU means now. See query.Screens.
func (s *Store) CurrentMappings(ctx context.Context, program, search string, p query.Page) (list []query.Mapping, next string, err error) {
	defer server.Wrap(&err, "list what SKUs of program %s mean", program)
	c := where(program, "m.program_id").and("m.valid_from <= ?", s.now())
	// The row that holds now: of those that have begun the one that began last, and of those the one that was recorded last.
	c.and(`NOT EXISTS (SELECT 1 FROM sku_mapping n WHERE n.program_id = m.program_id AND n.platform = m.platform AND n.platform_sku = m.platform_sku
		AND n.country = m.country AND n.valid_from <= ? AND (n.valid_from > m.valid_from OR (n.valid_from = m.valid_from AND n.version > m.version)))`, s.now())
	c.and("m.commission_class <> ''")
	if search != "" {
		pattern := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(search)) + "%"
		c.and(`(lower(m.platform_sku) LIKE ? ESCAPE '\' OR lower(m.name) LIKE ? ESCAPE '\')`, pattern, pattern)
	}
	after, err := readCursor(p.After, 3)
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		c.and("(m.platform, m.platform_sku, m.country) > (?, ?, ?)", after[0], after[1], after[2])
	}
	limit := pageLimit(p)
	var rows []mappingRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT m.sku_id, m.platform, m.platform_sku, m.name, m.category, m.commission_class, m.cv_per_unit,
			m.cv_of_net, m.qv_per_unit, m.qv_of_net, m.country, m.valid_from, m.version FROM sku_mapping m`+c.String()+
			` ORDER BY m.platform, m.platform_sku, m.country`+c.limited(limit), c.args...)
	})
	rows, next = cut(rows, limit, func(m *mappingRow) cursor { return cursor{m.Platform, m.PlatformSKU, m.Country} })
	for i := range rows {
		list = append(list, rows[i].public())
	}
	return list, next, err
}
