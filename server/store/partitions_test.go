package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest"
)

// TestPostgresInPartitions is the suite on a ledger in which nearly every batch has a partition of its own, and the later ones have none;
// and with bodies that are in their deliveries, as where an upgrade is not finished.
func TestPostgresInPartitions(t *testing.T) {
	t.Parallel()
	main := postgresServer(t)
	storetest.Run(t, func(t *testing.T) storetest.Opened {
		dsn := newDatabase(t, main)
		o := openPostgres(t, dsn)
		exec(t, o.Raw, `UPDATE installation SET value = 'in deliveries' WHERE name = 'bodies'`)
		o.BodiesApart = false
		beginLedgerWith(t, o.Raw, 2)
		for n, bounds := range map[int][2]int{2: {2, 3}, 3: {3, 4}, 4: {4, 8}} {
			name := fmt.Sprint("postings_", n)
			exec(t, o.Raw, `SELECT upline_new_ledger_partition('`+name+`')`,
				fmt.Sprintf(`ALTER TABLE postings ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)`, name, bounds[0], bounds[1]))
		}
		return o
	})
}

// beginLedgerWith makes the first partition, which is empty, one of so few batches that a test passes them.
func beginLedgerWith(t *testing.T, raw *sql.DB, upto int) {
	t.Helper()
	exec(t, raw, `ALTER TABLE postings DETACH PARTITION postings_1`,
		fmt.Sprintf(`ALTER TABLE postings ATTACH PARTITION postings_1 FOR VALUES FROM (MINVALUE) TO (%d)`, upto))
}

// partitions are the bounds of the ledger's partitions, in the order of their numbers.
func partitions(t *testing.T, raw *sql.DB) string {
	t.Helper()
	rows, err := raw.Query(`SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'postings'::regclass ORDER BY length(c.relname), c.relname`)
	check(t, err)
	defer rows.Close()
	var list []string
	for rows.Next() {
		var name, bounds string
		check(t, rows.Scan(&name, &bounds))
		bounds = regexp.MustCompile(`FOR VALUES FROM \('?(\w+)'?\) TO \('?(\w+)'?\)`).ReplaceAllString(bounds, "$1-$2")
		list = append(list, strings.TrimPrefix(name, "postings_")+" "+bounds)
	}
	check(t, rows.Err())
	return strings.Join(list, ", ")
}

// extend makes the next partition if it is time, with sizes that a test reaches.
func (w chainWorld) extend(t *testing.T, bytes, least int64) string {
	t.Helper()
	made, err := w.one.ExtendLedgerBy(t.Context(), bytes, least)
	check(t, err)
	return made
}

func TestLedgerExtends(t *testing.T) {
	t.Parallel()
	w := newChainWorld(t)
	beginLedgerWith(t, w.raw, 3)
	if made := w.extend(t, 1<<20, 2); made != "" {
		t.Fatalf("%s is made of an empty ledger", made)
	}
	orders := 0
	settle := func(batches int) {
		for range batches {
			orders++
			w.settle(t, w.one, nil, fmt.Sprint(orders))
		}
	}
	settle(1)
	if made := w.extend(t, 1<<20, 2); made != "postings_2" {
		t.Fatalf("the first partition is in use, and %q is made", made)
	}
	if made := w.extend(t, 1<<20, 2); made != "" {
		t.Fatalf("%s is made while the last one is empty", made)
	}
	if got, want := partitions(t, w.raw), "1 MINVALUE-3, 2 3-6, rest DEFAULT"; got != want {
		t.Fatalf("%s, want %s", got, want)
	}
	settle(2) // The third batch is the first of the second partition.
	// Two batches filled a page of 8,192 bytes in three: 16 times as many of them would, and no more are taken at once.
	if made := w.extend(t, 1<<20, 2); made != "postings_3" {
		t.Fatalf("the second partition is in use, and %q is made", made)
	}
	if got, want := partitions(t, w.raw), "1 MINVALUE-3, 2 3-6, 3 6-54, rest DEFAULT"; got != want {
		t.Fatalf("%s, want %s", got, want)
	}
	settle(4)
	if made := w.extend(t, 1, 2); made != "postings_4" { // one that would hold a byte: a 16th of the one before, but no less than asked for
		t.Fatalf("the third partition is in use, and %q is made", made)
	}
	settle(2)
	if got, want := partitions(t, w.raw), "1 MINVALUE-3, 2 3-6, 3 6-54, 4 54-57, rest DEFAULT"; got != want {
		t.Fatalf("%s, want %s", got, want)
	}
	w.sound(t, orders)
}

// TestLedgerGoesOnWithoutPartitions: what no partition is for is in the ledger as well, and the next one is made behind it.
func TestLedgerGoesOnWithoutPartitions(t *testing.T) {
	t.Parallel()
	w := newChainWorld(t)
	beginLedgerWith(t, w.raw, 2)
	for i := range 4 {
		w.settle(t, w.one, nil, fmt.Sprint(i))
	}
	var rest int
	if check(t, w.raw.QueryRow(`SELECT count(*) FROM postings_rest`).Scan(&rest)); rest != 3 {
		t.Fatalf("%d postings are where no partition is for them, want 3", rest)
	}
	for _, want := range []string{"postings_2", "", ""} {
		if made := w.extend(t, 1<<20, 5); made != want {
			t.Fatalf("%q is made, want %q: %s", made, want, partitions(t, w.raw))
		}
	}
	if got, want := partitions(t, w.raw), "1 MINVALUE-2, 2 10004-10009, rest DEFAULT"; got != want {
		t.Fatalf("%s, want %s", got, want)
	}
	for i := range 4 {
		w.settle(t, w.other, nil, fmt.Sprint("more", i))
	}
	w.sound(t, 8)
}

// TestLedgerExtendsMeanwhile: partitions are made by several at once while others settle. Who makes one may have to give up; who settles not.
func TestLedgerExtendsMeanwhile(t *testing.T) {
	t.Parallel()
	w := newChainWorld(t)
	beginLedgerWith(t, w.raw, 20)
	gaveUp := regexp.MustCompile(`lock timeout|partition constraint for default partition`)
	var settling, extending sync.WaitGroup
	for n, s := range []*store.Store{w.one, w.other} {
		settling.Go(func() {
			for i := range 60 {
				w.settle(t, s, nil, fmt.Sprint(n, "-", i))
			}
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	for _, s := range []*store.Store{w.one, w.other} {
		extending.Go(func() {
			for ctx.Err() == nil {
				_, err := s.ExtendLedgerBy(ctx, 1, 20)
				if err != nil && ctx.Err() == nil && !gaveUp.MatchString(err.Error()) {
					t.Error(err)
				}
			}
		})
	}
	settling.Wait()
	stop()
	extending.Wait()
	var rest, parts int
	check(t, w.raw.QueryRow(`SELECT (SELECT count(*) FROM postings_rest), (SELECT count(DISTINCT tableoid) FROM postings)`).Scan(&rest, &parts))
	t.Logf("%d partitions have postings; %d are where no partition is for them", parts, rest)
	if parts < 4 {
		t.Errorf("%d partitions have postings: %s", parts, partitions(t, w.raw))
	}
	w.sound(t, 120)
}

// TestPartitionAttachedMeanwhile: what was on its way to where no partition is for it, when one is attached, is settled all the same.
func TestPartitionAttachedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newChainWorld(t)
	beginLedgerWith(t, w.raw, 2)
	w.settle(t, w.one, nil, "a")
	attaching, err := w.raw.BeginTx(t.Context(), nil)
	check(t, err)
	var made string
	check(t, attaching.QueryRow(`SELECT upline_extend_ledger(1, 5)`).Scan(&made))
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		w.settle(t, w.other, nil, "b") // Not at once: who settles so tries in another way as it is.
	}()
	for waits := false; !waits; time.Sleep(time.Millisecond) {
		check(t, w.raw.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'postings_rest'::regclass
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waits))
	}
	check(t, attaching.Commit())
	<-settled
	w.sound(t, 2)
	var there int
	if check(t, w.raw.QueryRow(`SELECT count(*) FROM `+made).Scan(&there)); there != 1 {
		t.Errorf("%d postings are in %s: %s", there, made, partitions(t, w.raw))
	}
}

// TestKeysOfPartitions: what a key of a partition refuses is told of as what the ledger's key refuses.
func TestKeysOfPartitions(t *testing.T) {
	t.Parallel()
	w := newChainWorld(t)
	twice := posting("a")
	twice.Postings = append(twice.Postings, twice.Postings[0])
	err := w.one.InTx(t.Context(), "p", pipeline.Subject{Sources: []order.Source{twice.Source}}, func(b pipeline.Books) error {
		return b.Settle(t.Context(), []pipeline.Settlement{twice}, nil, time.Now())
	})
	if server.CodeOf(err) != server.Conflict || !strings.Contains(err.Error(), "posted already") {
		t.Errorf("one event twice in a batch: %v", err)
	}
}

// newestWhole is the last migration before the ledger was in partitions, and newestParted the one that makes them.
const (
	newestWhole  = 22
	newestParted = 23
)

// TestPartitionsOfALedger: a ledger that is there becomes the first partition; what others made of it and may do with it stays.
func TestPartitionsOfALedger(t *testing.T) {
	t.Parallel()
	main := postgresServer(t)
	name := fmt.Sprintf("upline_whole_%d", databases.Add(1))
	check(t, administer(main, `CREATE DATABASE `+name))
	t.Cleanup(func() { check(t, administer(main, `DROP DATABASE `+name+` WITH (FORCE)`)) })
	c := store.Config{DatabaseURL: withDatabase(main, name)}
	check(t, store.MigrateTo(t.Context(), c, newestWhole))
	raw, analyst := openRaw(t, c.DatabaseURL), name+"_analyst"
	exec(t, raw, `CREATE ROLE `+analyst, `GRANT SELECT ON postings, ledger TO `+analyst, `GRANT REFERENCES (kind) ON postings TO `+analyst+` WITH GRANT OPTION`,
		`CREATE VIEW counted WITH (security_barrier=true) AS SELECT count(*) AS postings FROM postings WHERE kind = 'earning'`,
		`INSERT INTO programs (program_id, name, currency, time_zone, created_at) VALUES ('p', 'p', 'EUR', '', 1)`)
	t.Cleanup(func() { exec(t, raw, `DROP OWNED BY `+analyst, `DROP ROLE `+analyst) })
	const add = `INSERT INTO postings (program_id, batch_sequence, position, first_position, event_id, line_id, component_id, distributor_id, kind,
		currency, amount_minor, from_account, to_account) SELECT 'p', b, 0, 0, sha256(b::text::bytea), '', 'c', 'd', 'earning', 'EUR', 5, 'x', 'y' `
	exec(t, raw, add+`FROM generate_series(1, 50) b`)

	old, err := raw.Conn(t.Context()) // a program from before, with what it prepared
	check(t, err)
	defer old.Close()
	before, err := old.PrepareContext(t.Context(), add+`FROM generate_series($1::bigint, $1::bigint) b`)
	check(t, err)
	defer before.Close()
	for i := range 7 {
		_, err := before.Exec(100 + i)
		check(t, err)
	}
	// A migration that was broken off left its first part, and somebody is reading.
	exec(t, raw, `ALTER TABLE postings ADD CONSTRAINT postings_before CHECK (batch_sequence < 200) NOT VALID`)
	reader, err := raw.BeginTx(t.Context(), nil)
	check(t, err)
	check(t, reader.QueryRow(`SELECT count(*) FROM ledger`).Scan(new(int)))
	migrated := make(chan error, 1)
	go func() {
		migrated <- store.MigrateTo(context.WithoutCancel(t.Context()), c, newestParted)
	}()
	for range 10 { // Others may go on beside who reads and who waits for it.
		within, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		check(t, raw.QueryRowContext(within, `SELECT count(*) FROM postings`).Scan(new(int)))
		cancel()
		time.Sleep(100 * time.Millisecond)
	}
	check(t, reader.Rollback())
	check(t, <-migrated)

	if got, want := partitions(t, raw), "1 MINVALUE-1000106, rest DEFAULT"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	_, err = before.Exec(2_000_000)
	check(t, err)
	exec(t, raw, `DELETE FROM goose_db_version WHERE version_id = 23`) // One that was broken off at its end is done again.
	check(t, store.MigrateTo(t.Context(), c, newestParted))
	for question, want := range map[string]string{
		`SELECT count(*) FROM postings`:                                                                          "58",
		`SELECT count(*) FROM postings_rest`:                                                                     "1",
		`SELECT postings FROM counted`:                                                                           "58",
		`SELECT count(*) FROM ledger`:                                                                            "58",
		`SELECT reloptions::text FROM pg_class WHERE relname = 'counted'`:                                        "{security_barrier=true}",
		`SELECT reloptions::text FROM pg_class WHERE relname = 'ledger'`:                                         "{security_invoker=true}",
		`SELECT has_table_privilege('` + analyst + `', 'postings', 'SELECT')`:                                    "true",
		`SELECT has_column_privilege('` + analyst + `', 'postings', 'kind', 'REFERENCES WITH GRANT OPTION')`:     "true",
		`SELECT has_column_privilege('` + analyst + `', 'postings', 'currency', 'REFERENCES')`:                   "false",
		`SELECT has_column_privilege('` + analyst + `', 'postings_1', 'kind', 'REFERENCES')`:                     "false",
		`SELECT has_table_privilege('` + analyst + `', 'postings', 'INSERT')`:                                    "false",
		`SELECT has_table_privilege('` + analyst + `', 'ledger', 'SELECT')`:                                      "true",
		`SELECT has_table_privilege('` + analyst + `', 'postings_1', 'SELECT')`:                                  "false",
		`SELECT has_table_privilege('upline_app', 'postings', 'INSERT')`:                                         "true",
		`SELECT has_table_privilege('upline_app', 'postings_1', 'INSERT')`:                                       "false",
		`SELECT count(*) FROM pg_constraint WHERE conname = 'postings_before'`:                                   "0",
		`SELECT count(*) FROM pg_trigger WHERE tgrelid = 'postings_1'::regclass AND tgenabled = 'A'`:             "2",
		`SELECT count(*) FROM pg_index WHERE indrelid = 'postings_1'::regclass`:                                  "4",
		`SELECT count(*) FROM pg_index WHERE indrelid = 'postings_rest'::regclass`:                               "4",
		`SELECT count(*) FROM pg_index WHERE indrelid = 'postings'::regclass AND indisvalid`:                     "4",
		`SELECT bool_and(relrowsecurity) FROM pg_class WHERE relname LIKE 'postings%' AND relkind IN ('r', 'p')`: "true",
	} {
		var got string
		if check(t, raw.QueryRow(question).Scan(&got)); got != want {
			t.Errorf("%s: %s, want %s", question, got, want)
		}
	}
	for _, statement := range []string{
		`UPDATE postings SET amount_minor = 1`, `UPDATE postings_1 SET amount_minor = 1`, `DELETE FROM postings_rest`, `TRUNCATE postings`,
		`TRUNCATE postings_1`, `TRUNCATE postings_rest`, add + `FROM generate_series(1, 1) b`, add + `FROM generate_series(2000000, 2000000) b`,
	} {
		if _, err := raw.Exec(statement); err == nil {
			t.Errorf("%s is not refused", statement)
		}
	}
}

// TestPartitionsBesideOtherViews: what cannot be made anew stops the migration, by name, and changes nothing.
func TestPartitionsBesideOtherViews(t *testing.T) {
	t.Parallel()
	main := postgresServer(t)
	name := fmt.Sprintf("upline_viewed_%d", databases.Add(1))
	check(t, administer(main, `CREATE DATABASE `+name))
	t.Cleanup(func() { check(t, administer(main, `DROP DATABASE `+name+` WITH (FORCE)`)) })
	c := store.Config{DatabaseURL: withDatabase(main, name)}
	check(t, store.MigrateTo(t.Context(), c, newestWhole))
	raw := openRaw(t, c.DatabaseURL)
	exec(t, raw, `CREATE MATERIALIZED VIEW theirs AS SELECT count(*) FROM postings`)
	if _, err := store.Migrate(t.Context(), c); err == nil || !strings.Contains(err.Error(), "theirs is made of postings") {
		t.Fatalf("migrated: %v", err)
	}
	var kind string
	var bounds int
	check(t, raw.QueryRow(`SELECT relkind, (SELECT count(*) FROM pg_constraint WHERE conname = 'postings_before') FROM pg_class
		WHERE relname = 'postings'`).Scan(&kind, &bounds))
	if kind != "r" || bounds != 0 {
		t.Errorf("postings is of kind %s and has %d bounds", kind, bounds)
	}
	exec(t, raw, `DROP MATERIALIZED VIEW theirs`)
	if _, err := store.Migrate(t.Context(), c); err != nil {
		t.Error(err)
	}
}

// TestLedgerIsKept: partitions are made from time to time, until it is over, and what fails is told of.
func TestLedgerIsKept(t *testing.T) {
	t.Parallel()
	w := newChainWorld(t)
	w.settle(t, w.one, nil, "a")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	type told struct {
		made string
		err  error
	}
	heard := make(chan told, 100)
	go w.one.KeepLedger(ctx, time.Millisecond, func(made string, err error) { heard <- told{made, err} })
	if got := <-heard; got.err != nil || got.made != "postings_2" {
		t.Fatalf("%+v", got)
	}
	exec(t, w.raw, `REVOKE EXECUTE ON FUNCTION upline_extend_ledger(bigint, bigint) FROM upline_app`)
	if got := <-heard; got.err == nil || !strings.Contains(got.err.Error(), "make the next partition") {
		t.Fatalf("%+v", got)
	}
	stop()
	embedded := openStore(t, store.Config{DataDir: t.TempDir()})
	if made, err := embedded.ExtendLedger(t.Context()); made != "" || err != nil {
		t.Errorf("SQLite: %q, %v", made, err)
	}
}
