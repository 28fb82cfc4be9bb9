package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
)

// MappingRules reads a program's rules. See admin.Books.
func (s *Store) MappingRules(ctx context.Context, program string) (rules []byte, version int64, err error) {
	defer server.Wrap(&err, "read the mapping rules of program %s", program)
	var row struct {
		Rules   string `db:"rules_json"`
		Version int64  `db:"version"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		err := tx.GetContext(ctx, &row, `SELECT rules_json, version FROM mapping_rules WHERE program_id = $1`, program)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return []byte(row.Rules), row.Version, err
}

// PutMappingRules keeps a program's rules. See admin.Books.
func (s *Store) PutMappingRules(ctx context.Context, program string, rules []byte, seen int64, actor string) (version int64, err error) {
	defer server.Wrap(&err, "put the mapping rules of program %s", program)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		if _, err := s.touch(ctx, tx, program, "catalog_version"); err != nil {
			return err
		}
		version = seen + 1
		if seen == 0 {
			n, err := affected(tx.ExecContext(ctx, `INSERT INTO mapping_rules (program_id, rules_json, version, updated_at, updated_by)
				VALUES ($1, $2, 1, $3, $4) ON CONFLICT (program_id) DO NOTHING`, program, string(rules), s.now(), actor))
			return changedMeanwhile(n, err)
		}
		n, err := affected(tx.ExecContext(ctx, `UPDATE mapping_rules SET rules_json = $3, version = version + 1, updated_at = $4, updated_by = $5
			WHERE program_id = $1 AND version = $2`, program, seen, string(rules), s.now(), actor))
		return changedMeanwhile(n, err)
	})
	return version, err
}

// ProgramsWithRules lists the programs that have a rule. See admin.Books.
func (s *Store) ProgramsWithRules(ctx context.Context) (ids []string, err error) {
	defer server.Wrap(&err, "list the programs with mapping rules")
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &ids, `SELECT program_id FROM mapping_rules WHERE rules_json <> '[]' ORDER BY program_id`)
	})
	return ids, err
}

// WaitingSKUs lists what orders wait for and was never mapped. See admin.Books.
func (s *Store) WaitingSKUs(ctx context.Context, program string) (list []admin.WaitingSKU, err error) {
	defer server.Wrap(&err, "list the SKUs that wait in program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		causes, err := waitingCauses(ctx, tx, program)
		if err != nil || len(causes) == 0 {
			list = nil
			return err
		}
		waiting, skus := make([]admin.WaitingSKU, len(causes)), make([]string, len(causes))
		for i, cause := range causes {
			platform, sku, _ := strings.Cut(strings.TrimPrefix(cause, "sku:"), ":")
			waiting[i], skus[i] = admin.WaitingSKU{Platform: platform, PlatformSKU: sku}, sku
		}
		mapped := map[admin.WaitingSKU]bool{}
		err = eachRow(ctx, tx, func(scan func(...any) error) error {
			var m admin.WaitingSKU
			err := scan(&m.Platform, &m.PlatformSKU)
			mapped[m] = true
			return err
		}, `SELECT DISTINCT platform, platform_sku FROM sku_mapping WHERE program_id = $1 AND platform_sku IN `+s.dialect.in("$2"), program, s.dialect.list(skus))
		list = slices.DeleteFunc(waiting, func(w admin.WaitingSKU) bool { return mapped[w] })
		return err
	})
	return list, err
}

// waitingCauses jumps from one cause to the next, so that it costs as much as there are SKUs, however many orders wait for
// each.
func waitingCauses(ctx context.Context, tx *sqlx.Tx, program string) (causes []string, err error) {
	err = tx.SelectContext(ctx, &causes, `WITH RECURSIVE c(cause) AS (
		SELECT min(cause_key) FROM park_causes WHERE program_id = $1 AND cause_key >= 'sku:' AND cause_key < 'sku;'
		UNION ALL SELECT (SELECT min(p.cause_key) FROM park_causes p WHERE p.program_id = $1 AND p.cause_key > c.cause AND p.cause_key < 'sku;')
		FROM c WHERE c.cause IS NOT NULL)
		SELECT cause FROM c WHERE cause IS NOT NULL`, program)
	return causes, err
}
