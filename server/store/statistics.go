package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
)

// planStatistics is what SQLite's planner believes of our tables: "table index rows rows-per-value-of-one-column …", as in
// sqlite_stat1. It describes one large program. Without it the planner takes a program for ten rows, and then walks
// through all of its orders in the order a list wants them, instead of finding the few that are asked for. ANALYZE would
// tell it the same of a large file, but not of one that is about to grow, and plans would change with the data. Settlements
// are given as many rows as postings: where a list of postings seemed to look for more of them than there are, SQLite would
// first read them all for a Bloom filter, even for a page of fifty.
const planStatistics = `
distributors distributors 1000000 1000000 1
distributors distributors_by_sponsor 1000000 1000000 5 1
distributors distributors_by_created 1000000 1000000 2 1
distributors distributors_by_rank 100000 100000 10000 1
distributors distributors_by_status 100000 100000 30000 1
distributors distributors_by_country 1000000 1000000 100000 1
distributor_codes distributor_codes 1000000 1000000 1000 1 1
distributor_codes distributor_codes_by_code 1000000 1000000 2 1
distributor_codes distributor_codes_by_distributor 1000000 1000000 2
distributor_profiles distributor_profiles 1000000 1000000 1
genealogy_links genealogy_links 1000000 1000000 1000 1 1
standings standings 1000000 1000000 1000 1 1
sku_mapping sku_mapping 10000 10000 100 100 1 1 1
sku_mapping sku_mapping_by_sku 10000 10000 10000 2
inbox sqlite_autoindex_inbox_1 1000000 1000000 1
inbox sqlite_autoindex_inbox_2 1000000 500000 1
inbox inbox_by_store 1000000 1000000 200000 1
inbox inbox_with_body 1000000 100
inbox_state inbox_state 1000000 1
inbox_state inbox_state_waiting 1000 10 1
inbox_state inbox_state_parked 1000 1000 1
inbox_state inbox_state_by_source 1000000 1000000 2 1
order_revisions sqlite_autoindex_order_revisions_1 1000000 1000000 2 1
orders sqlite_autoindex_orders_1 1000000 1000000 1
orders orders_by_time 1000000 1000000 10 1
orders orders_by_name 1000000 1000000 1000
orders orders_by_distributor 1000000 1000000 100 2 1
orders orders_parked 1000 1000 2 1
orders orders_by_store 1000000 1000000 200000 2 1
orders orders_waiting 1000 1000 1 1 1 1
orders orders_parked_by_reason 1000 1000 200 2 1 1 1
park_causes park_causes 2000 2000 100 1
park_causes park_causes_by_source 2000 2000 2
released_sources released_sources 1000 1000 1
customer_bindings customer_bindings 500000 500000 250000 1
stated_bindings stated_bindings 500000 500000 250000 2 1 1
stated_bindings stated_bindings_by_distributor 500000 500000 2
settlements sqlite_autoindex_settlements_1 5000000 5000000 2 1
settlements sqlite_autoindex_settlements_2 5000000 5000000 100 1
rank_history rank_history 12000000 12000000 12000000 1000000 1000000 1
rank_history rank_history_by_person 12000000 12000000 12
postings postings 5000000 5000000 500 1
postings postings_by_distributor 5000000 5000000 500 5 1 1 1 1
postings postings_by_kind 1000 1000 500 5 1
seals sqlite_autoindex_seals_1 10000 10000 1
outbox outbox 1000000 1000000 1
`

// keepStatistics writes planStatistics where the file has others, or those of an earlier version. Where it has them
// already it only reads: a command must not wait for a busy server because of them.
func (s *Store) keepStatistics(ctx context.Context) error {
	wanted := strings.Split(strings.TrimSpace(planStatistics), "\n")
	slices.Sort(wanted)
	// The writer's own connection looks: one that is open before the statistics are there does not see them.
	found, err := statisticsOf(ctx, s.writer)
	if err != nil || slices.Equal(found, wanted) {
		return err
	}
	return s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		// ANALYZE of any table makes the table of statistics, which is not made otherwise; of sqlite_schema, it reads it.
		for _, statement := range []string{`ANALYZE programs`, `DELETE FROM sqlite_stat1`} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("clear the planner's statistics: %w", err)
			}
		}
		for _, line := range wanted {
			part := strings.SplitN(line, " ", 3)
			if _, err := tx.ExecContext(ctx, `INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ($1, $2, $3)`, part[0], part[1], part[2]); err != nil {
				return fmt.Errorf("write the planner's statistics of %s: %w", part[1], err)
			}
		}
		if _, err := tx.ExecContext(ctx, `ANALYZE sqlite_schema`); err != nil {
			return fmt.Errorf("load the planner's statistics: %w", err)
		}
		return nil
	})
}

func statisticsOf(ctx context.Context, db sqlx.QueryerContext) (lines []string, err error) {
	var tables int
	if err := sqlx.GetContext(ctx, db, &tables, `SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'`); err != nil || tables == 0 {
		return nil, err
	}
	err = sqlx.SelectContext(ctx, db, &lines, `SELECT tbl || ' ' || coalesce(idx, '') || ' ' || stat FROM sqlite_stat1`)
	slices.Sort(lines)
	return lines, err
}
