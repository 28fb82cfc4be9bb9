package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
)

// findings verifies a program's chain.
func (w *world) findings(t *testing.T, s Store, of string) (found []ledger.Finding, batches int64) {
	t.Helper()
	v := ledger.NewVerifier(of)
	ok(t, s.Seals(w.ctx, of, func(seal ledger.Seal, postings []ledger.Posting, leaves [][32]byte) error {
		batches++
		found = append(found, v.Batch(seal, postings, leaves)...)
		return nil
	}))
	return found, batches
}

func (w *world) verify(t *testing.T, of string) int64 {
	t.Helper()
	found, batches := w.findings(t, w.Store, of)
	if len(found) > 0 {
		t.Fatalf("the books of %s: %v", of, found)
	}
	return batches
}

// onlyGrow are the tables whose rows never change, each with a column to try it on.
var onlyGrow = map[string]string{
	"postings": "amount_minor", "settlements": "posted_at", "seals": "sealed_at", "order_revisions": "recorded_at", "audit_log": "at",
}

// testOnlyGrows tries each forbidden statement on the owner's own plain connection.
func testOnlyGrows(t *testing.T, w *world) {
	w.settle(t, w.Store, sale(source("1"), 1000), 1, map[string]int64{"ben": 50})
	ok(t, w.Store.Audit(w.ctx, program, "cli", "test", "subject", ""))
	content := func(table string) string {
		rows, err := w.Raw.QueryContext(w.ctx, `SELECT * FROM `+table)
		ok(t, err)
		defer rows.Close()
		names, err := rows.Columns()
		ok(t, err)
		var all strings.Builder
		for rows.Next() {
			values := make([]any, len(names))
			into := make([]any, len(names))
			for i := range values {
				into[i] = &values[i]
			}
			ok(t, rows.Scan(into...))
			fmt.Fprintln(&all, values...)
		}
		ok(t, rows.Err())
		return all.String()
	}
	for table, column := range onlyGrow {
		before := content(table)
		if before == "" {
			t.Fatalf("%s is empty: nothing is tried", table)
		}
		statements := []string{
			`UPDATE %s SET ` + column + ` = ` + column + ` + 1`,
			`UPDATE %s SET program_id = 'rival'`,
			`DELETE FROM %s`,
			`DELETE FROM %s WHERE program_id = 'acme'`,
		}
		for _, statement := range append(statements, w.Forbidden...) {
			statement = strings.ReplaceAll(strings.ReplaceAll(statement, "%s", table), "%c", column)
			_, err := w.Raw.ExecContext(w.ctx, statement)
			if after := content(table); after != before {
				t.Errorf("%s changes the table", statement)
			}
			// A statement that is quietly ignored is as good as a refused one.
			if err == nil && !strings.Contains(statement, "REPLACE INTO") && !strings.Contains(statement, "OR IGNORE") {
				t.Errorf("%s is not refused", statement)
			}
		}
	}
}

// testConstraints: the database itself refuses what no settlement may write.
func testConstraints(t *testing.T, w *world) {
	w.settle(t, w.Store, sale(source("1"), 1000), 1, map[string]int64{"ben": 50})
	insertAt := func(position int, event byte, kind, amount, to string) error {
		_, err := w.Raw.ExecContext(w.ctx, `INSERT INTO postings (program_id, batch_sequence, position, first_position, event_id, line_id,
			component_id, distributor_id, kind, currency, amount_minor, from_account, to_account)
			VALUES ('acme', 9, `+strconv.Itoa(position)+`, `+strconv.Itoa(int(event))+`, $1, '', 'c', 'd', '`+kind+`', 'EUR', `+amount+`, 'a', '`+to+`')`,
			slices.Repeat([]byte{event}, 32))
		return err
	}
	insert := func(event byte, kind, amount, to string) error { return insertAt(int(event), event, kind, amount, to) }
	for event := range 6 {
		execute(t, w, fmt.Sprintf(`INSERT INTO settlements (program_id, source, revision, batch_sequence, first_position, posting_count,
			calc_snapshot_json, order_ts, posted_at) VALUES ('acme', 'acme-shop/by-hand-%d', 1, 9, %d, 2, '', 1, 1)`, event, event))
	}
	for name, err := range map[string]error{
		"an amount of 0":       insert(1, "earning", "0", "b"),
		"one account":          insert(2, "earning", "1", "a"),
		"an unknown kind":      insert(3, "gift", "1", "b"),
		"an amount in a float": insert(4, "earning", "'1.5'", "b"),
	} {
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	ok(t, insert(5, "earning", "1", "b"))
	for _, position := range []int{5, 6, 0, 77} {
		if err := insertAt(position, 5, "earning", "1", "b"); err == nil {
			t.Errorf("one event is taken a second time, at position %d", position)
		}
	}
	if n := w.count(t, `SELECT count(*) FROM postings WHERE batch_sequence = 9`); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
	if _, err := w.Raw.ExecContext(w.ctx, `INSERT INTO settlements (program_id, source, revision, batch_sequence, first_position, posting_count,
		calc_snapshot_json, order_ts, posted_at) VALUES ('acme', 'acme-shop/by-hand-5', 1, 10, 0, 1, '', 1, 1)`); err == nil {
		t.Error("what an order's revision posted is taken a second time, in another batch")
	}
}

// testChain: many transactions of two programs at once, through two handles; each program's batches form one chain
// without gaps, and its outbox one sequence.
func testChain(t *testing.T, w *world) {
	const writers, each = 8, 6
	another := w.Another(t)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			s := []Store{w.Store, another}[i%2]
			for n := range each {
				of, lot := program, shop
				if i%4 >= 2 {
					of, lot = rival, rivalLot
				}
				o := sale(order.Source{StoreID: lot, PlatformOrderID: fmt.Sprint(i, "-", n)}, 1000)
				err := s.InTx(w.ctx, of, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
					st := settled(t, b.Sources()[0], o, 1, map[string]int64{"ben": 50, "ann": 20})
					for k := range st.Postings {
						st.Postings[k].ProgramID = of
						st.Postings[k].EventID = ledger.EventID(of, st.Postings[k].Key, st.Revision)
					}
					return b.Settle(w.ctx, []pipeline.Settlement{st}, nil, begin)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for _, of := range []string{program, rival} {
		if n := w.verify(t, of); n != writers*each/2 {
			t.Fatalf("%s has %d batches, want %d", of, n, writers*each/2)
		}
		if n := w.count(t, `SELECT max(sequence) - count(*) + min(sequence) - 1 FROM outbox WHERE program_id = '`+of+`'`); n != 0 {
			t.Fatalf("the outbox of %s has gaps", of)
		}
	}
}

// testTamper: with the protection taken away, one changed byte is found and the posting named.
func testTamper(t *testing.T, w *world) {
	for i := range 40 {
		w.settle(t, w.Store, sale(source(strconv.Itoa(i)), 1000), 1, map[string]int64{"ben": 50, "ann": 20, "cyd": 10})
	}
	if n := w.verify(t, program); n != 40 {
		t.Fatalf("%d batches, want 40", n)
	}
	for _, statement := range w.Unprotect {
		if _, err := w.Raw.ExecContext(w.ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	const (
		posting    = ` WHERE batch_sequence = 23 AND position = 1`
		settlement = ` WHERE batch_sequence = 23`
	)
	var event []byte
	ok(t, w.Raw.QueryRowContext(w.ctx, `SELECT event_id FROM postings`+posting).Scan(&event))
	for _, c := range []struct{ table, where, column, change string }{
		{"postings", posting, "amount_minor", "amount_minor + 1"},
		{"postings", posting, "distributor_id", "'bem'"},
		{"postings", posting, "to_account", "'distributor:dan:pending'"},
		{"postings", posting, "line_id", "'2'"},
		{"postings", posting, "currency", "'USD'"},
		{"postings", posting, "first_position", "1"},
		{"settlements", settlement, "posted_at", "posted_at + 1"},
		{"settlements", settlement, "source", "'acme-shop/9999'"},
		{"settlements", settlement, "order_ts", "order_ts + 1"},
		{"settlements", settlement, "revision", "2"},
		{"settlements", settlement, "snapshot_id", "NULL"},
	} {
		execute(t, w, `CREATE TABLE saved AS SELECT * FROM `+c.table+c.where)
		execute(t, w, `UPDATE `+c.table+` SET `+c.column+` = `+c.change+c.where)
		found, _ := w.findings(t, w.Store, program)
		if !slices.ContainsFunc(found, func(f ledger.Finding) bool {
			return f.EventID == hex.EncodeToString(event) && f.BatchSequence == 23 && f.Position == 1
		}) {
			t.Errorf("%s.%s changed: the posting is not named in %v", c.table, c.column, found)
		}
		for _, f := range found {
			if f.BatchSequence != 23 {
				t.Errorf("%s.%s changed: a sound batch is suspected: %v", c.table, c.column, f)
			}
		}
		execute(t, w, `UPDATE `+c.table+` SET `+c.column+` = (SELECT `+c.column+` FROM saved)`+c.where)
		execute(t, w, `DROP TABLE saved`)
	}
	execute(t, w, `DELETE FROM postings WHERE batch_sequence = 17 AND position = 2`)
	if found, _ := w.findings(t, w.Store, program); len(found) == 0 || found[0].BatchSequence != 17 {
		t.Errorf("a removed posting: %v", found)
	}
}

// testBeside: what is written in the ledger's transactions agrees with it, and shows each change that the seals alone cannot.
func testBeside(t *testing.T, w *world) {
	w.withFacts(t)
	for i := range 12 {
		w.settle(t, w.Store, sale(source(strconv.Itoa(i)), 1000), 1, map[string]int64{"ben": 50, "ann": 20})
	}
	w.settle(t, w.Store, sale(source("3"), 800), 2, map[string]int64{"ben": 40})
	w.park(t, sale(source("3"), 700), pipeline.ReasonUnmappedSKU, "sku:x")
	w.settle(t, w.Store, sale(source("none"), 300), 1, nil)
	w.sell(t, "sold", 1, begin, sold("1", "ben", begin, 100))
	beside := func() (found []query.Beside) {
		ok(t, w.Store.EachBeside(w.ctx, program, func(b query.Beside) error {
			found = append(found, b)
			return nil
		}))
		return found
	}
	if found := beside(); len(found) > 0 {
		t.Fatalf("nothing was touched, and found is %+v", found)
	}
	for _, statement := range w.Unprotect {
		execute(t, w, statement)
	}
	third := source("3").String()
	before := 0
	for _, change := range []string{
		`UPDATE orders SET earned_minor = earned_minor + 1 WHERE source = '` + third + `'`,
		`UPDATE orders SET revision = revision + 1 WHERE source = '` + third + `'`,
		`UPDATE sales SET net_minor = net_minor + 1 WHERE source = '` + source("sold").String() + `'`,
		`UPDATE orders SET source = '` + source("other").String() + `' WHERE source = '` + source("4").String() + `'`,
		`UPDATE order_revisions SET revision_json = revision_json || ' ' WHERE delivery_id = 'd-3-2'`,
		`UPDATE plan_versions SET canonical_json = canonical_json || ' ' WHERE program_id = '` + program + `'`,
		`UPDATE seals SET outbox_sequence = outbox_sequence + 1 WHERE sequence = 5`,
	} {
		execute(t, w, change)
		found := beside()
		if len(found) <= before {
			t.Errorf("%s: found is %+v", change, found)
		}
		before = len(found)
	}
	for _, table := range []string{"postings", "settlements", "seals"} {
		column := "batch_sequence"
		if table == "seals" {
			column = "sequence"
		}
		execute(t, w, `DELETE FROM `+table+` WHERE `+column+` = 13`)
	}
	if sealed, batches := w.findings(t, w.Store, program); len(sealed) > 0 || batches != 12 {
		t.Fatalf("the chain without its end: %v, %d batches", sealed, batches)
	}
	if found := beside(); !slices.ContainsFunc(found, func(b query.Beside) bool { return b.BatchSequence == 13 }) {
		t.Errorf("the last batch was taken away with its seal, and found is %+v", found)
	}
	// With its messages taken away, too, those who have read it show it.
	execute(t, w, `DELETE FROM outbox`)
	execute(t, w, `INSERT INTO ledger_sums (program_id, currency, batch_sequence, postings, earned_minor) VALUES ('`+program+`', 'EUR', 13, 1, 1)`)
	if found := beside(); !slices.ContainsFunc(found, func(b query.Beside) bool { return b.BatchSequence == 13 }) {
		t.Errorf("the last batch was taken away with its seal and its messages, and found is %+v", found)
	}
}

func execute(t *testing.T, w *world, statement string) {
	t.Helper()
	if _, err := w.Raw.ExecContext(w.ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// testUnsealed: postings slipped in beside the chain, behind it or between two batches, are found.
func testUnsealed(t *testing.T, w *world) {
	w.settle(t, w.Store, sale(source("1"), 1000), 1, map[string]int64{"ben": 50})
	for _, statement := range w.Unprotect {
		execute(t, w, statement)
	}
	for i, sequence := range []int64{0, 1, 99} {
		if _, err := w.Raw.ExecContext(w.ctx, `INSERT INTO postings (program_id, batch_sequence, position, first_position, event_id, line_id,
			component_id, distributor_id, kind, currency, amount_minor, from_account, to_account)
			VALUES ('acme', $1, 7, 0, $2, '', 'c', 'd', 'earning', 'EUR', 5, 'a', 'b')`,
			sequence, slices.Repeat([]byte{byte(0xf0 + i)}, 32)); err != nil {
			t.Fatal(err)
		}
	}
	found, _ := w.findings(t, w.Store, program)
	for i, sequence := range []int64{0, 1, 99} {
		event := strings.Repeat(fmt.Sprintf("%x", 0xf0+i), 32)
		if !slices.ContainsFunc(found, func(f ledger.Finding) bool { return f.EventID == event }) {
			t.Errorf("a posting slipped in at %d is not found: %v", sequence, found)
		}
	}
}

func testSnapshots(t *testing.T, w *world) {
	o := sale(source("1"), 1000)
	w.settle(t, w.Store, o, 1, map[string]int64{"ben": 50})
	w.settle(t, w.Store, o, 2, map[string]int64{})
	w.settle(t, w.Store, sale(source("2"), 100), 1, map[string]int64{"ann": 5})
	list, err := w.Store.Snapshots(w.ctx, program, o.Source.String())
	ok(t, err)
	if len(list) != 2 || list[0].Revision != 2 || list[1].Revision != 1 {
		t.Fatalf("calculations of the order: %+v", list)
	}
	sum := sha256.Sum256(list[1].JSON)
	if list[1].SnapshotID != hex.EncodeToString(sum[:]) {
		t.Fatal("a calculation's bytes are not those of its hash")
	}
	seen := 0
	ok(t, w.Store.EachSnapshot(w.ctx, program, func(id string, snapshot []byte) error {
		seen++
		if sum := sha256.Sum256(snapshot); id != hex.EncodeToString(sum[:]) {
			t.Errorf("snapshot %s has other bytes", id)
		}
		return nil
	}))
	if seen != 3 {
		t.Fatalf("%d snapshots, want 3", seen)
	}
	posted := map[string][]int64{}
	ok(t, w.Store.EachOrder(w.ctx, program, func(orderID, snapshotID string, _ []byte, balances []ledger.Balance) error {
		if orderID == o.Source.String() && snapshotID != list[0].SnapshotID {
			t.Errorf("the latest calculation is %s, want %s", snapshotID, list[0].SnapshotID)
		}
		for _, b := range balances {
			posted[orderID] = append(posted[orderID], b.AmountMinor)
		}
		return nil
	}))
	if diff := cmp.Diff(map[string][]int64{o.Source.String(): {0}, source("2").String(): {5}}, posted); diff != "" {
		t.Fatalf("what is posted for each order: %s", diff)
	}
}

// testReadWhileWritten: an order's latest calculation and its postings are read as of one moment, and so are the seals and
// what has none, while another handle settles the order anew as fast as it can.
func testReadWhileWritten(t *testing.T, w *world) {
	o := sale(source("1"), 1000)
	other := w.Another(t)
	earned := func(version int64) int64 { return 50 + version }
	w.settle(t, other, o, 1, map[string]int64{"ben": earned(1)})
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for version := int64(2); ; version++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			err := other.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
				return b.Settle(w.ctx, []pipeline.Settlement{settled(t, b.Sources()[0], o, version, map[string]int64{"ben": earned(version)})}, nil, begin)
			})
			if err != nil {
				stopped <- err
				return
			}
		}
	}()
	for range 150 {
		ok(t, w.Store.EachOrder(w.ctx, program, func(_, _ string, snapshot []byte, posted []ledger.Balance) error {
			var told struct{ Version int64 }
			ok(t, json.Unmarshal(snapshot, &told))
			if len(posted) != 1 || posted[0].AmountMinor != earned(told.Version) {
				t.Errorf("calculation %d wants %d, posted is %+v", told.Version, earned(told.Version), posted)
			}
			return nil
		}))
	}
	for range 40 {
		h, err := query.HistoryOf(w.ctx, w.Store, program, o.Source.String(), query.PostingFilter{}, query.Page{Limit: 1})
		ok(t, err)
		var told struct{ Version int64 }
		ok(t, json.Unmarshal(h.Snapshots[0].JSON, &told))
		if h.Order.EarnedMinor != earned(told.Version) || h.Order.Revision != h.Postings[0].Revision || h.Order.Revision != h.Snapshots[0].Revision {
			t.Errorf("an order of revision %d earned %d, its calculation %d wants %d, its newest posting is %+v",
				h.Order.Revision, h.Order.EarnedMinor, h.Snapshots[0].Revision, earned(told.Version), h.Postings[0])
		}
	}
	for range 15 {
		if found, _ := w.findings(t, w.Store, program); len(found) > 0 {
			t.Errorf("found while others wrote: %v", found)
		}
	}
	close(stop)
	ok(t, <-stopped)
}

// testLedgerView: the public names of the model.
func testLedgerView(t *testing.T, w *world) {
	o := sale(source("1"), 1000)
	w.settle(t, w.Store, o, 1, map[string]int64{"ben": 50})
	var event, orderID, who, snapshot string
	var amount int64
	ok(t, w.Raw.QueryRowContext(w.ctx, `SELECT event_id, order_id, distributor_id, amount, calc_snapshot_json FROM ledger`).
		Scan(&event, &orderID, &who, &amount, &snapshot))
	list, err := w.Store.Snapshots(w.ctx, program, o.Source.String())
	ok(t, err)
	want := ledger.EventID(program, ledger.Key{
		Source: o.Source.String(), LineID: "1", ComponentID: "retail",
		DistributorID: "ben", Kind: ledger.Earning, Currency: "EUR",
	}, 1)
	if event != want || orderID != o.Source.String() || who != "ben" || amount != 50 || snapshot != string(list[0].JSON) {
		t.Fatalf("ledger shows %s %s %s %d %s", event, orderID, who, amount, snapshot)
	}
	w.people(t, person("ann", ""))
	_, err = w.Raw.ExecContext(w.ctx, `SELECT distributor_id, sponsor_id, status, country, tax_id, created_at FROM distributors`)
	ok(t, err)
	_, err = w.Raw.ExecContext(w.ctx, `SELECT sku_id, platform, platform_sku, name, category, commission_class FROM sku_mapping`)
	ok(t, err)
}
