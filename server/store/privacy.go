package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/privacy"
)

var _ privacy.Books = (*Store)(nil)

// requestRow is one row of privacy_requests.
type requestRow struct {
	RequestID    string `db:"request_id"`
	StoreID      string `db:"store_id"`
	Kind         string `db:"kind"`
	Subject      string `db:"subject"`
	Key          string `db:"request_key"`
	SealedDetail []byte `db:"sealed_detail"`
	Status       string `db:"status"`
	Actor        string `db:"actor"`
	ReceivedAt   int64  `db:"received_at"`
	BeginsAt     int64  `db:"begins_at"`
	DueAt        int64  `db:"due_at"`
	Attempt      int    `db:"attempt"`
	Note         string `db:"note"`
	CountsJSON   string `db:"counts_json"`
	FinishedAt   int64  `db:"finished_at"`
}

const requestColumns = `request_id, store_id, kind, subject, request_key, sealed_detail, status, actor, received_at, begins_at,
	due_at, attempt, note, counts_json, finished_at`

func (r *requestRow) request(program string) (privacy.Request, error) {
	out := privacy.Request{
		RequestID: r.RequestID, ProgramID: program, StoreID: r.StoreID, Kind: privacy.Kind(r.Kind), Subject: r.Subject, Key: r.Key,
		SealedDetail: r.SealedDetail, Status: privacy.Status(r.Status), Actor: r.Actor, ReceivedAt: instant(r.ReceivedAt),
		BeginsAt: instant(r.BeginsAt), DueAt: instant(r.DueAt), Attempt: r.Attempt, Note: r.Note, FinishedAt: instant(r.FinishedAt),
	}
	if err := json.Unmarshal([]byte(r.CountsJSON), &out.Counts); err != nil {
		return out, fmt.Errorf("counts of request %s: %w", r.RequestID, err)
	}
	return out, nil
}

// PutRequest stores a request, once for each key. See privacy.Books.
func (s *Store) PutRequest(ctx context.Context, r privacy.Request) (requestID string, created bool, err error) {
	defer server.Wrap(&err, "put privacy request %s", r.RequestID)
	err = s.write(ctx, r.ProgramID, func(ctx context.Context, tx *sqlx.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO privacy_requests (program_id, `+requestColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, '', '{}', 0)
			ON CONFLICT (program_id, store_id, kind, subject, request_key) DO NOTHING`, r.ProgramID, r.RequestID, r.StoreID, string(r.Kind),
			r.Subject, r.Key, r.SealedDetail, string(r.Status), r.Actor, micros(r.ReceivedAt), micros(r.BeginsAt), micros(r.DueAt)))
		if err != nil {
			return err
		}
		created, requestID = n > 0, r.RequestID
		if created {
			return nil
		}
		return tx.GetContext(ctx, &requestID, `SELECT request_id FROM privacy_requests WHERE program_id = $1 AND store_id = $2
			AND kind = $3 AND subject = $4 AND request_key = $5`, r.ProgramID, r.StoreID, string(r.Kind), r.Subject, r.Key)
	})
	return requestID, created, err
}

// Requests lists requests, newest first. See privacy.Books.
func (s *Store) Requests(ctx context.Context, program string, f privacy.Filter, limit int, after string) (list []privacy.Request, next string, err error) {
	defer server.Wrap(&err, "list privacy requests of program %s", program)
	c := where(program, "program_id").andIf("store_id", f.StoreID).andIf("status", string(f.Status)).andIf("kind", string(f.Kind))
	cur, err := readCursor(after, 1)
	if err != nil {
		return nil, "", err
	}
	if cur != nil {
		c.and("request_id < ?", cur[0])
	}
	var found []requestRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &found, `SELECT `+requestColumns+` FROM privacy_requests`+c.String()+
			` ORDER BY request_id DESC`+c.limited(limit), c.args...)
	})
	if err != nil {
		return nil, "", err
	}
	found, next = cut(found, limit, func(r *requestRow) cursor { return cursor{r.RequestID} })
	list, err = requests(program, found)
	return list, next, err
}

func requests(program string, found []requestRow) (list []privacy.Request, err error) {
	for i := range found {
		r, err := found[i].request(program)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// Request reads one request. See privacy.Books.
func (s *Store) Request(ctx context.Context, program, requestID string) (r privacy.Request, err error) {
	defer server.Wrap(&err, "read privacy request %s", requestID)
	var row requestRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, `SELECT `+requestColumns+` FROM privacy_requests WHERE program_id = $1 AND request_id = $2`,
			program, requestID), "There is no privacy request %s.", requestID)
	})
	if err != nil {
		return r, err
	}
	return row.request(program)
}

// DueRequests lists what is to be done now. See privacy.Books.
func (s *Store) DueRequests(ctx context.Context, program string, now time.Time, limit int) (list []privacy.Request, err error) {
	defer server.Wrap(&err, "list due privacy requests of program %s", program)
	var found []requestRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &found, `SELECT `+requestColumns+` FROM privacy_requests
			WHERE program_id = $1 AND status = 'open' AND begins_at <= $2 ORDER BY received_at, request_id LIMIT $3`, program, micros(now), limit)
	})
	if err != nil {
		return nil, err
	}
	return requests(program, found)
}

// PutOff counts an attempt of an open request. See privacy.Books.
func (s *Store) PutOff(ctx context.Context, program, requestID string, until time.Time, note string) error {
	_, err := s.exec(ctx, program, "put off privacy request "+requestID, `UPDATE privacy_requests SET attempt = attempt + 1, begins_at = $3, note = $4
		WHERE program_id = $1 AND request_id = $2 AND status = 'open'`, program, requestID, micros(until), note)
	return err
}

// Finish ends a request and forgets its detail. See privacy.Books.
func (s *Store) Finish(ctx context.Context, program, requestID, note string, counts map[string]int64, at time.Time) error {
	if counts == nil {
		counts = map[string]int64{}
	}
	told, err := text(counts)
	if err != nil {
		return fmt.Errorf("write the counts of request %s: %w", requestID, err)
	}
	_, err = s.exec(ctx, program, "finish privacy request "+requestID, `UPDATE privacy_requests SET status = 'done', sealed_detail = NULL, note = $3,
		counts_json = $4, finished_at = $5 WHERE program_id = $1 AND request_id = $2 AND status = 'open'`, program, requestID, note, told, micros(at))
	return err
}

// exec runs one statement in a transaction of its own and gives the number of rows it touched.
func (s *Store) exec(ctx context.Context, program, what, statement string, args ...any) (n int64, err error) {
	defer server.Wrap(&err, "%s", what)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		n, err = affected(tx.ExecContext(ctx, statement, args...))
		return err
	})
	return n, err
}

// Undecided counts what waits. See privacy.Books.
func (s *Store) Undecided(ctx context.Context, program, storeID string, upTo time.Time) (n int64, err error) {
	defer server.Wrap(&err, "count waiting deliveries of store %s", storeID)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &n, `SELECT count(*)`+deliveryTables+`WHERE s.program_id = $1 AND i.store_id = $2
			AND s.status = 'waiting' AND s.received_at <= $3`, program, storeID, micros(upTo))
	})
	return n, err
}

// PersonOrders names a person's orders. See privacy.Books.
func (s *Store) PersonOrders(ctx context.Context, program string, p privacy.Person) (sources []string, err error) {
	defer server.Wrap(&err, "find the orders of a customer of store %s", p.StoreID)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		sources = nil
		if p.CustomerID != "" {
			if err := tx.SelectContext(ctx, &sources, `SELECT source FROM orders WHERE program_id = $1 AND store_id = $2 AND buyer_id = $3`,
				program, p.StoreID, p.CustomerID); err != nil {
				return err
			}
		}
		if len(p.OrderIDs) == 0 {
			return nil
		}
		var named []string
		err := tx.SelectContext(ctx, &named, `SELECT source FROM orders WHERE program_id = $1 AND store_id = $2 AND platform_order_id IN `+
			s.dialect.in("$3"), program, p.StoreID, s.dialect.list(p.OrderIDs))
		sources = append(sources, named...)
		return err
	})
	slices.Sort(sources)
	return slices.Compact(sources), err
}

// tellAtOnce is how many orders of a person are read together.
const tellAtOnce = 500

// TellOrders reads what is kept of orders. See privacy.Books.
func (s *Store) TellOrders(ctx context.Context, program string, sources []string) (list []privacy.Order, err error) {
	defer server.Wrap(&err, "tell %d orders", len(sources))
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		list = nil
		for some := range slices.Chunk(sources, tellAtOnce) {
			told, err := s.tellOrders(ctx, tx, program, some)
			if err != nil {
				return err
			}
			list = append(list, told...)
		}
		return nil
	})
	return list, err
}

func (s *Store) tellOrders(ctx context.Context, tx *sqlx.Tx, program string, sources []string) ([]privacy.Order, error) {
	var rows []struct {
		Source        string `db:"source"`
		Name          string `db:"name"`
		OrderTS       int64  `db:"order_ts"`
		Status        string `db:"status"`
		Settlement    string `db:"settlement"`
		Currency      string `db:"currency"`
		NetMinor      int64  `db:"net_minor"`
		DistributorID string `db:"distributor_id"`
	}
	err := tx.SelectContext(ctx, &rows, `SELECT source, name, order_ts, status, settlement, currency, net_minor, distributor_id FROM orders
		WHERE program_id = $1 AND source IN `+s.dialect.in("$2")+` ORDER BY source`, program, s.dialect.list(sources))
	if err != nil {
		return nil, fmt.Errorf("read the orders: %w", err)
	}
	revisions := make(map[string][]json.RawMessage, len(rows))
	err = eachRow(ctx, tx, func(scan func(...any) error) error {
		var source, revision string
		err := scan(&source, &revision)
		revisions[source] = append(revisions[source], json.RawMessage(revision))
		return err
	}, `SELECT source, revision_json FROM order_revisions WHERE program_id = $1 AND source IN `+s.dialect.in("$2")+
		` ORDER BY source, recorded_at, hash`, program, s.dialect.list(sources))
	if err != nil {
		return nil, fmt.Errorf("read the revisions: %w", err)
	}
	list := make([]privacy.Order, len(rows))
	for i, r := range rows {
		list[i] = privacy.Order{
			Source: r.Source, Name: r.Name, OrderTS: instant(r.OrderTS), Status: r.Status, Settlement: r.Settlement, Currency: r.Currency,
			NetMinor: r.NetMinor, DistributorID: r.DistributorID, Revisions: revisions[r.Source],
		}
		if currency := money.Currency(r.Currency); currency.Valid() {
			list[i].Net = money.FormatMinor(r.NetMinor, currency)
		}
	}
	return list, nil
}

// PersonBindings reads whose customer somebody is. See privacy.Books.
func (s *Store) PersonBindings(ctx context.Context, program string, p privacy.Person) (list []privacy.Bound, err error) {
	defer server.Wrap(&err, "read the bindings of a customer of store %s", p.StoreID)
	var rows []struct {
		Kind          string `db:"kind"`
		DistributorID string `db:"distributor_id"`
		RecordedAt    int64  `db:"recorded_at"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT kind, distributor_id, recorded_at FROM stated_bindings
			WHERE program_id = $1 AND store_id = $2 AND customer_id = $3
			UNION ALL SELECT 'order', distributor_id, recorded_at FROM customer_bindings
			WHERE program_id = $1 AND store_id = $2 AND customer_id = $3 ORDER BY recorded_at, kind, distributor_id`, program, p.StoreID, p.CustomerID)
	})
	for _, r := range rows {
		list = append(list, privacy.Bound{Kind: r.Kind, DistributorID: r.DistributorID, RecordedAt: instant(r.RecordedAt)})
	}
	return list, err
}

// Bodies hands out deliveries whose body is kept, by id. See privacy.Books.
func (s *Store) Bodies(ctx context.Context, program, storeID, source, after string, limit int) (rows []inbox.Row, err error) {
	defer server.Wrap(&err, "read bodies of store %s", storeID)
	var found []deliveryRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &found, `SELECT `+deliveryColumns+`, `+s.dialect.bodyOf()+` AS sealed_body`+deliveryTables+`WHERE s.program_id = $1
			AND i.store_id = $2 AND s.source = $3 AND s.delivery_id > $4 AND `+s.dialect.bodyOf()+` IS NOT NULL ORDER BY s.delivery_id LIMIT $5`,
			program, storeID, source, after, limit)
	})
	for i := range found {
		row, err := found[i].row()
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, err
}

// DropBodiesOf forgets the bodies of decided deliveries of orders. See privacy.Books.
func (s *Store) DropBodiesOf(ctx context.Context, program string, sources []string) (dropped int64, err error) {
	for some := range slices.Chunk(sources, tellAtOnce) {
		n, err := s.dropBodies(ctx, program, "orders", func(bodyPlace) string {
			return `SELECT delivery_id FROM inbox_state WHERE program_id = $1 AND source <> '' AND status <> 'waiting' AND source IN ` + s.dialect.in("$2")
		}, s.dialect.list(some))
		if dropped += n; err != nil {
			return dropped, err
		}
	}
	return dropped, nil
}

// DropBodiesByID forgets the bodies of given deliveries. See privacy.Books.
func (s *Store) DropBodiesByID(ctx context.Context, program string, deliveryIDs []string) (int64, error) {
	if len(deliveryIDs) == 0 {
		return 0, nil
	}
	return s.dropBodies(ctx, program, "deliveries", func(bodyPlace) string {
		return `SELECT delivery_id FROM inbox_state WHERE program_id = $1 AND delivery_id IN ` + s.dialect.in("$2")
	}, s.dialect.list(deliveryIDs))
}

// DropStoreBodies forgets bodies of a store. See privacy.Books.
func (s *Store) DropStoreBodies(ctx context.Context, program, storeID string, before time.Time, limit int) (int64, error) {
	return s.dropBodies(ctx, program, "store "+storeID, func(place bodyPlace) string {
		return `SELECT i.delivery_id` + deliveryTables + `WHERE s.program_id = $1 AND i.store_id = $2 AND s.status <> 'waiting'
			AND ` + place.has + ` AND i.received_at < $3 ORDER BY i.received_at LIMIT $4`
	}, storeID, micros(before), limit)
}

// EraseBindings forgets whose customer somebody is. Settled orders keep what is pinned in them. See privacy.Books.
func (s *Store) EraseBindings(ctx context.Context, program, storeID, customerID string) (erased int64, err error) {
	defer server.Wrap(&err, "erase bindings of store %s", storeID)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		erased = 0
		for _, table := range []string{"customer_bindings", "stated_bindings"} {
			statement, args := `DELETE FROM `+table+` WHERE program_id = $1 AND store_id = $2`, []any{program, storeID}
			if customerID != "" {
				statement, args = statement+` AND customer_id = $3`, append(args, customerID)
			}
			n, err := affected(tx.ExecContext(ctx, statement, args...))
			if err != nil {
				return fmt.Errorf("erase %s: %w", table, err)
			}
			erased += n
		}
		return nil
	})
	return erased, err
}

// EraseHints forgets what a store's pages told. See privacy.Books.
func (s *Store) EraseHints(ctx context.Context, program, storeID string) (int64, error) {
	return s.exec(ctx, program, "erase hints of store "+storeID, `DELETE FROM reference_hints WHERE program_id = $1 AND store_id = $2`, program, storeID)
}

// EraseExports forgets export files. See privacy.Books.
func (s *Store) EraseExports(ctx context.Context, program, storeID, subject string) (int64, error) {
	return s.exec(ctx, program, "erase exports of store "+storeID, `DELETE FROM privacy_exports WHERE program_id = $1 AND store_id = $2
		AND ($3 = '' OR subject = $3)`, program, storeID, subject)
}

// DropExports forgets old export files. See privacy.Books.
func (s *Store) DropExports(ctx context.Context, program string, before time.Time) (int64, error) {
	var old int64
	err := s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &old, `SELECT count(*) FROM privacy_exports WHERE program_id = $1 AND made_at < $2`, program, micros(before))
	})
	if err != nil || old == 0 {
		return 0, err // mostly there is nothing, and nobody should wait for the writer because of it
	}
	return s.exec(ctx, program, "drop old exports", `DELETE FROM privacy_exports WHERE program_id = $1 AND made_at < $2`, program, micros(before))
}

// EraseDistributor forgets who a former distributor was. See privacy.Books.
func (s *Store) EraseDistributor(ctx context.Context, program, distributorID string) (erased int64, err error) {
	defer server.Wrap(&err, "erase distributor %s", distributorID)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		var status string
		err := tx.GetContext(ctx, &status, `SELECT status FROM distributors WHERE program_id = $1 AND distributor_id = $2`, program, distributorID)
		if err != nil {
			return found(err, "There is no distributor %s.", distributorID)
		}
		if status != string(genealogy.Terminated) {
			return server.Errorf(server.Conflict, "Distributor %s is %s: pay out and terminate them first, since nobody can be paid without a name.", distributorID, status)
		}
		if erased, err = affected(tx.ExecContext(ctx, `DELETE FROM distributor_profiles WHERE program_id = $1 AND distributor_id = $2`, program, distributorID)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE distributors SET tax_id = NULL WHERE program_id = $1 AND distributor_id = $2`, program, distributorID)
		return err
	})
	return erased, err
}

// PutExport keeps one file. See privacy.Books.
func (s *Store) PutExport(ctx context.Context, program, requestID string, e privacy.Export) error {
	_, err := s.exec(ctx, program, "keep the export of request "+requestID, `INSERT INTO privacy_exports (program_id, request_id, format, store_id, subject,
		sealed_content, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (program_id, request_id, format)
		DO UPDATE SET sealed_content = excluded.sealed_content, made_at = excluded.made_at`,
		program, requestID, e.Format, e.StoreID, e.Subject, e.Sealed, micros(e.MadeAt))
	return err
}

// Export reads one file. See privacy.Books.
func (s *Store) Export(ctx context.Context, program, requestID, format string) (e privacy.Export, err error) {
	defer server.Wrap(&err, "read the export of request %s", requestID)
	if !slices.Contains(privacy.Formats(), format) {
		return e, &server.Error{Code: server.Invalid, Field: "format", Message: "format is json or csv"}
	}
	var row struct {
		StoreID string `db:"store_id"`
		Subject string `db:"subject"`
		Sealed  []byte `db:"sealed_content"`
		MadeAt  int64  `db:"made_at"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, `SELECT store_id, subject, sealed_content, made_at FROM privacy_exports
			WHERE program_id = $1 AND request_id = $2 AND format = $3`, program, requestID, format),
			"The files of request %s are no longer kept: ask for the export again.", requestID)
	})
	return privacy.Export{Format: format, StoreID: row.StoreID, Subject: row.Subject, Sealed: row.Sealed, MadeAt: instant(row.MadeAt)}, err
}
