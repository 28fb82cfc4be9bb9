package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/query"
)

// distributorRow is one distributor as of now, with the sealed profile.
type distributorRow struct {
	DistributorID string `db:"distributor_id"`
	SponsorID     string `db:"sponsor_id"`
	Status        string `db:"status"`
	Rank          string `db:"rank"`
	Country       string `db:"country"`
	CreatedAt     int64  `db:"created_at"`
	Profile       []byte `db:"sealed_profile"`
}

const distributorSelect = `SELECT d.distributor_id, d.sponsor_id, d.status, d.rank, d.country, d.created_at, p.sealed_profile
	FROM distributors d LEFT JOIN distributor_profiles p ON p.program_id = d.program_id AND p.distributor_id = d.distributor_id`

// Distributors lists distributors by id; search is the beginning of an id, or a code. See query.Reader.
func (s *Store) Distributors(ctx context.Context, program, search string, p query.Page) (list []query.Distributor, next string, err error) {
	defer server.Wrap(&err, "list distributors of program %s", program)
	c := where(program, "d.program_id")
	after, err := readCursor(p.After, 1)
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		c.and("d.distributor_id > ?", after[0])
	}
	limit := pageLimit(p)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		if err := s.searchPeople(ctx, tx, program, search, c); err != nil {
			return err
		}
		var rows []distributorRow
		err := tx.SelectContext(ctx, &rows, distributorSelect+c.String()+` ORDER BY d.distributor_id`+c.limited(limit), c.args...)
		if err != nil {
			return err
		}
		rows, next = cut(rows, limit, func(d *distributorRow) cursor { return cursor{d.DistributorID} })
		list, err = s.publicDistributors(ctx, tx, program, rows)
		return err
	})
	return list, next, err
}

// searchPeople narrows a list to ids that begin with a text, and to whom it is or was a code of. Codes are looked up by
// themselves: most texts are none, and a planner that has to expect one goes through everybody.
func (s *Store) searchPeople(ctx context.Context, tx *sqlx.Tx, program, text string, c *conditions) error {
	if text == "" {
		return nil
	}
	var owners []string
	err := tx.SelectContext(ctx, &owners, `SELECT DISTINCT distributor_id FROM distributor_codes WHERE program_id = $1 AND code_key = $2
		AND distributor_id <> ''`, program, codeKey(text))
	if err != nil {
		return fmt.Errorf("look for a code: %w", err)
	}
	if len(owners) == 0 {
		c.and("d.distributor_id >= ? AND d.distributor_id < ?", text, text+"\U0010FFFF")
		return nil
	}
	c.and(`((d.distributor_id >= ? AND d.distributor_id < ?) OR d.distributor_id IN `+s.dialect.in("?")+`)`, text, text+"\U0010FFFF", s.dialect.list(owners))
	return nil
}

// Distributor reads one distributor. See query.Reader.
func (s *Store) Distributor(ctx context.Context, program, distributorID string) (d query.Distributor, err error) {
	defer server.Wrap(&err, "read distributor %s", distributorID)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		rows := make([]distributorRow, 1)
		err := tx.GetContext(ctx, &rows[0], distributorSelect+` WHERE d.program_id = $1 AND d.distributor_id = $2`, program, distributorID)
		if err != nil {
			return found(err, "There is no distributor %s.", distributorID)
		}
		list, err := s.publicDistributors(ctx, tx, program, rows)
		if err == nil {
			d = list[0]
		}
		return err
	})
	return d, err
}

func (s *Store) publicDistributors(ctx context.Context, tx *sqlx.Tx, program string, rows []distributorRow) ([]query.Distributor, error) {
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].DistributorID
	}
	codes, err := s.codesOf(ctx, tx, program, ids)
	if err != nil {
		return nil, err
	}
	list := make([]query.Distributor, len(rows))
	for i, r := range rows {
		list[i] = query.Distributor{
			DistributorID: r.DistributorID, SponsorID: r.SponsorID, Status: r.Status, Rank: r.Rank,
			Country: r.Country, Codes: codes[r.DistributorID], CreatedAt: instant(r.CreatedAt),
		}
		if r.Profile == nil || s.config.Opener == nil {
			continue
		}
		if err := s.openProfile(program, r.Profile, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s *Store) openProfile(program string, sealed []byte, d *query.Distributor) error {
	plain, err := s.config.Opener.Open(sealed, admin.PersonKey(program, d.DistributorID))
	if err != nil {
		return fmt.Errorf("open the profile of distributor %s: %w", d.DistributorID, err)
	}
	var profile struct{ Name, Email string }
	if err := json.Unmarshal(plain, &profile); err != nil {
		return fmt.Errorf("read the profile of distributor %s: %w", d.DistributorID, err)
	}
	d.Name, d.Email = profile.Name, profile.Email
	return nil
}

// codesOf gives the codes that name the distributors now.
func (s *Store) codesOf(ctx context.Context, tx *sqlx.Tx, program string, ids []string) (map[string][]string, error) {
	type owned struct{ code, owner string }
	now := map[string]owned{}
	err := eachRow(ctx, tx, func(scan func(...any) error) error {
		var key string
		var o owned
		err := scan(&key, &o.code, &o.owner)
		now[key] = o // the last one recorded holds
		return err
	}, `SELECT code_key, code, distributor_id FROM distributor_codes WHERE program_id = $1 AND code_key IN (
		SELECT code_key FROM distributor_codes WHERE program_id = $1 AND distributor_id IN `+s.dialect.in("$2")+`)
		ORDER BY version, valid_from`, program, s.dialect.list(ids))
	if err != nil {
		return nil, fmt.Errorf("read the codes: %w", err)
	}
	codes := map[string][]string{}
	for _, key := range sortedKeys(now) {
		if o := now[key]; o.owner != "" {
			codes[o.owner] = append(codes[o.owner], o.code)
		}
	}
	return codes, nil
}

// mappingRow is one row of sku_mapping.
type mappingRow struct {
	SKUID           string `db:"sku_id"`
	Platform        string `db:"platform"`
	PlatformSKU     string `db:"platform_sku"`
	Name            string `db:"name"`
	Category        string `db:"category"`
	CommissionClass string `db:"commission_class"`
	CVPerUnit       int64  `db:"cv_per_unit"`
	CVOfNet         int64  `db:"cv_of_net"`
	QVPerUnit       int64  `db:"qv_per_unit"`
	QVOfNet         int64  `db:"qv_of_net"`
	Country         string `db:"country"`
	ValidFrom       int64  `db:"valid_from"`
	Version         int64  `db:"version"`
}

func (r *mappingRow) public() query.Mapping {
	m := query.Mapping{
		SKUID: r.SKUID, Platform: r.Platform, PlatformSKU: r.PlatformSKU, Name: r.Name, Category: r.Category,
		CommissionClass: r.CommissionClass, Country: r.Country, Version: r.Version,
	}
	if r.ValidFrom > genealogy.Beginning {
		m.ValidFrom = instant(r.ValidFrom)
	}
	if r.CVPerUnit != 0 {
		m.CVPerUnit = money.Volume(r.CVPerUnit).String()
	}
	if r.CVOfNet != 0 {
		m.CVOfNet = money.Rate(r.CVOfNet).String()
	}
	if r.QVPerUnit != 0 {
		m.QVPerUnit = money.Volume(r.QVPerUnit).String()
	}
	if r.QVOfNet != 0 {
		m.QVOfNet = money.Rate(r.QVOfNet).String()
	}
	return m
}

// Mappings lists sku_mapping by SKU, the newest row of each first; search is part of a SKU or a name. See query.Reader.
func (s *Store) Mappings(ctx context.Context, program, search string, p query.Page) (list []query.Mapping, next string, err error) {
	defer server.Wrap(&err, "list mappings of program %s", program)
	c := where(program, "program_id")
	if search != "" {
		pattern := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(search)) + "%"
		c.and(`(lower(platform_sku) LIKE ? ESCAPE '\' OR lower(name) LIKE ? ESCAPE '\')`, pattern, pattern)
	}
	after, err := readCursor(p.After, 5)
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		version, err := after.number(3)
		if err != nil {
			return nil, "", err
		}
		from, err := after.number(4)
		if err != nil {
			return nil, "", err
		}
		c.and("(platform, platform_sku, country, -version, -valid_from) > (?, ?, ?, ?, ?)", after[0], after[1], after[2], version, from)
	}
	limit := pageLimit(p)
	var rows []mappingRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT sku_id, platform, platform_sku, name, category, commission_class, cv_per_unit,
			cv_of_net, qv_per_unit, qv_of_net, country, valid_from, version FROM sku_mapping`+c.String()+
			` ORDER BY platform, platform_sku, country, -version, -valid_from`+c.limited(limit), c.args...)
	})
	rows, next = cut(rows, limit, func(m *mappingRow) cursor {
		return cursor{m.Platform, m.PlatformSKU, m.Country, digits(-m.Version), digits(-m.ValidFrom)}
	})
	for i := range rows {
		list = append(list, rows[i].public())
	}
	return list, next, err
}
