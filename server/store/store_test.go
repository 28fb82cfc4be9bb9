package store_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest"
	"upline.dev/upline/server/storetest/blank"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, openSQLite)
}

// openSQLite gives a database of the test's own.
func openSQLite(t *testing.T) storetest.Opened {
	dir := blank.Dir(t)
	raw, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "upline.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return storetest.Opened{
		Store:   openStore(t, store.Config{DataDir: dir}),
		Another: func(t *testing.T) storetest.Store { return openStore(t, store.Config{DataDir: dir}) },
		Raw:     raw,
		Unprotect: []string{
			`DROP TRIGGER postings_no_update`, `DROP TRIGGER postings_no_delete`, `DROP TRIGGER settlements_no_update`,
			`DROP TRIGGER postings_event_once`, `DROP TRIGGER settlements_no_delete`, `DROP TRIGGER seals_no_update`,
			`DROP TRIGGER seals_no_delete`, `DROP TRIGGER order_revisions_no_update`, `DROP TRIGGER sales_no_update`,
		},
		Forbidden: []string{
			`INSERT OR REPLACE INTO %s SELECT * FROM %s`,
			`INSERT OR REPLACE INTO %s SELECT * FROM %s LIMIT 1`,
			`REPLACE INTO %s SELECT * FROM %s`,
			`INSERT OR IGNORE INTO %s SELECT * FROM %s`,
			`UPDATE OR REPLACE %s SET %c = %c + 1`,
		},
	}
}

func openStore(t *testing.T, c store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestSQLiteReplace: on a plain connection, where REPLACE deletes rows without a word to any DELETE trigger, a row of the
// ledger cannot be replaced by one that shares any of its keys: the event, the place in the batch, the order's revision,
// or SQLite's own row number.
func TestSQLiteReplace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	twoPrograms(t, openStore(t, store.Config{DataDir: dir}))
	raw, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "upline.db")+"?_pragma=busy_timeout(5000)")
	check(t, err)
	defer raw.Close()
	digest := func() (all string) {
		for _, keys := range []string{`event_id FROM postings`, `snapshot_id FROM settlements`, `hash FROM order_revisions`, `audit_id FROM audit_log`, `actor FROM runs`, `rank FROM rank_history`, `line_id FROM sales`, `state FROM component_states`} {
			column, table, _ := strings.Cut(keys, " FROM ")
			var text string
			check(t, raw.QueryRow(`SELECT group_concat(coalesce(hex(`+column+`), '') || program_id, '|') FROM `+table).Scan(&text))
			all += table + text
		}
		var amounts, hashes, marks string
		check(t, raw.QueryRow(`SELECT group_concat(hex(event_id) || amount_minor, '|') FROM postings`).Scan(&amounts))
		check(t, raw.QueryRow(`SELECT group_concat(source || revision || batch_sequence || first_position, '|') FROM settlements`).Scan(&hashes))
		check(t, raw.QueryRow(`SELECT group_concat(hex(hash), '|') FROM seals`).Scan(&marks))
		return all + amounts + hashes + marks
	}
	before := digest()
	const posting = `component_id, distributor_id, kind, currency, 999, from_account, to_account FROM postings WHERE program_id = 'acme' LIMIT 1`
	const into = `INSERT OR REPLACE INTO postings (program_id, batch_sequence, position, first_position, event_id, line_id,
		component_id, distributor_id, kind, currency, amount_minor, from_account, to_account) SELECT `
	const settlement = `INSERT OR REPLACE INTO settlements (program_id, source, revision, batch_sequence, first_position, posting_count,
		calc_snapshot_json, order_ts, posted_at) SELECT `
	for name, statement := range map[string]string{
		"same event, another place":        into + `program_id, 77, 5, 5, event_id, line_id, ` + posting,
		"same fact, another event":         into + `program_id, batch_sequence, position + 1, first_position, randomblob(32), line_id, ` + posting,
		"a fact without a settlement":      into + `program_id, 78, 0, 0, randomblob(32), line_id, ` + posting,
		"same place, another event":        into + `program_id, batch_sequence, position, 0, randomblob(32), line_id, ` + posting,
		"same order, another place":        settlement + `program_id, source, revision, 77, 5, 1, 'x', 1, 1 FROM settlements LIMIT 1`,
		"same place, another order":        settlement + `program_id, 'other', 9, batch_sequence, first_position, 1, 'x', 1, 1 FROM settlements LIMIT 1`,
		"same row number of a settlement":  `INSERT OR REPLACE INTO settlements (rowid, program_id, source, revision, batch_sequence, first_position, posting_count, calc_snapshot_json, order_ts, posted_at) SELECT rowid, 'x', 'x', 1, 99, 99, 1, 'x', 1, 1 FROM settlements LIMIT 1`,
		"same row number of a seal":        `INSERT OR REPLACE INTO seals (rowid, program_id, sequence, leaf_count, leaves, root, previous, hash, sealed_at, outbox_sequence) SELECT rowid, 'x', 1, 1, zeroblob(32), x'', x'', x'', 1, 1 FROM seals LIMIT 1`,
		"same row number of a revision":    `INSERT OR REPLACE INTO order_revisions (rowid, program_id, source, hash, delivery_id, revision_json, recorded_at) SELECT rowid, 'x', 'x', zeroblob(32), 'x', 'x', 1 FROM order_revisions LIMIT 1`,
		"same row number of a run":         `INSERT OR REPLACE INTO runs (rowid, program_id, run_id, kind, period_id, action, revision, at, actor, plan_hash, tree_version, sales_sequence, batch_sequence, input_hash, result_hash, totals_json, report_json) SELECT rowid, 'x', 'x', 'x', 'x', 'lock', 1, 1, 'x', '', 1, 1, 1, '', '', '', '' FROM runs LIMIT 1`,
		"same run":                         `INSERT OR REPLACE INTO runs (program_id, run_id, kind, period_id, action, revision, at, actor, plan_hash, tree_version, sales_sequence, batch_sequence, input_hash, result_hash, totals_json, report_json) SELECT program_id, run_id, 'x', 'x', 'lock', 1, 1, 'x', '', 1, 1, 1, '', '', '', '' FROM runs LIMIT 1`,
		"same rank":                        `INSERT OR REPLACE INTO rank_history SELECT program_id, kind, period_id, revision, distributor_id, 'x', reached, title, held, met_rank, active, missed, met, pv, gv FROM rank_history LIMIT 1`,
		"same sale":                        `INSERT OR REPLACE INTO sales SELECT program_id, sequence, position, source, 'x', seller_id, buyer_id, customer_id, commission_class, country, currency, order_ts, quantity, net_minor, cv, qv, recorded_at FROM sales LIMIT 1`,
		"same state":                       `INSERT OR REPLACE INTO component_states SELECT program_id, kind, period_id, revision, component_id, part, x'00' FROM component_states LIMIT 1`,
		"same row number of an audit line": `INSERT OR REPLACE INTO audit_log (rowid, program_id, audit_id, at, actor, action, subject, detail) SELECT rowid, 'x', 'x', 1, '', '', '', '' FROM audit_log LIMIT 1`,
	} {
		_, _ = raw.Exec(statement) // refused or ignored: what counts is what is there afterwards
		if after := digest(); after != before {
			t.Errorf("%s: the table is changed", name)
		}
	}
}
