package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
)

// insertDeliveries keeps what arrived; a key that is there already is passed over.
var insertDeliveries = &bulk{
	name: "insert deliveries", table: "inbox",
	columns: columns(texts("program_id", "delivery_id", "store_id", "platform_delivery_id", "platform", "topic", "headers_json"),
		blobs("sealed_body", "body_sha256"), ints("body_bytes", "received_at")),
	after: "ON CONFLICT (store_id, platform_delivery_id) DO NOTHING",
}

// insertDeliveriesAlone is insertDeliveries where the bodies are apart, for which insertBodies is.
var insertDeliveriesAlone = &bulk{
	name: "insert deliveries without bodies", table: insertDeliveries.table,
	columns: columns(texts("program_id", "delivery_id", "store_id", "platform_delivery_id", "platform", "topic", "headers_json"),
		blobs("body_sha256"), ints("body_bytes", "received_at")),
	after: insertDeliveries.after,
}

// insertBodies keeps the bodies of what insertDeliveriesAlone keeps.
var insertBodies = &bulk{
	name: "insert bodies", table: "inbox_bodies",
	columns: columns(texts("program_id", "delivery_id"), blobs("sealed_body")),
}

// insertDeliveryStates begins every delivery alike: it waits, and was not tried yet.
var insertDeliveryStates = &bulk{
	name: "insert delivery states", table: "inbox_state",
	columns: columns(texts("delivery_id", "program_id"), ints("received_at", "due_at", "lease_until"),
		literals("'waiting'", "status"), literals("''", "result", "reason", "source"), literals("0", "attempt", "settled_at")),
}

// PutDeliveries stores the rows in one transaction. See inbox.Store.
func (s *Store) PutDeliveries(ctx context.Context, list []inbox.Row) (results []inbox.PutResult, err error) {
	defer server.Wrap(&err, "put %d deliveries", len(list))
	if d, ok := s.dialect.(oncePutter); ok {
		return s.putOnce(ctx, d, list)
	}
	err = s.write(asArrival(ctx), "", func(ctx context.Context, tx *sqlx.Tx) error {
		results, err = s.insertDeliveries(ctx, tx, list)
		if err != nil {
			return err
		}
		states := s.dialect.newRows(insertDeliveryStates)
		for i := range list {
			if !results[i].Duplicate {
				addDeliveryState(states, &list[i])
			}
		}
		if _, err := s.dialect.run(ctx, tx, insertDeliveryStates, states); err != nil {
			return err
		}
		return stampStores(ctx, tx, s.stampsDue(list))
	})
	return results, err
}

// oncePutter is a dialect that stores deliveries, and the bodies and states of those that are new, by one statement that is a transaction
// by itself.
type oncePutter interface {
	// bodiesApart says whether bodies arrive in a table of their own.
	bodiesApart(ctx context.Context) (bool, error)
	// putOnce gives the number of the deliveries that are new. bodies is nil where they are in the deliveries.
	putOnce(ctx context.Context, deliveries, bodies, states rows) (stored int64, err error)
}

func (s *Store) putOnce(ctx context.Context, d oncePutter, list []inbox.Row) ([]inbox.PutResult, error) {
	apart, err := d.bodiesApart(ctx)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	deliveries, bodies := s.deliveryRows(insertDeliveries, list), rows(nil)
	if apart {
		deliveries, bodies = s.deliveryRows(insertDeliveriesAlone, list), s.bodyRows(list)
	}
	states := s.dialect.newRows(insertDeliveryStates)
	for i := range list {
		addDeliveryState(states, &list[i])
	}
	results := make([]inbox.PutResult, len(list))
	for i := range list {
		results[i].DeliveryID = list[i].DeliveryID
	}
	var stored int64
	err = s.repeated(ctx, func() (err error) {
		stored, err = d.putOnce(ctx, deliveries, bodies, states)
		return err
	})
	if err != nil {
		return nil, err
	}
	if stored < int64(len(list)) { // what was in the way is committed by now
		err = s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error { return s.markDuplicates(ctx, tx, list, results) })
	}
	if due := s.stampsDue(list); err == nil && len(due) > 0 {
		// The deliveries are stored whatever becomes of what is only shown.
		if err := s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error { return stampStores(ctx, tx, due) }); err != nil {
			s.config.Logger.WarnContext(ctx, "the time of the last delivery could not be noted", "error", err)
		}
	}
	return results, err
}

// deliveryRows are the rows of insertDeliveries, or of insertDeliveriesAlone, by key, so that two batches with the same keys wait for each other instead of deadlocking.
func (s *Store) deliveryRows(b *bulk, list []inbox.Row) rows {
	sorted := make([]*inbox.Row, len(list))
	for i := range list {
		sorted[i] = &list[i]
	}
	slices.SortStableFunc(sorted, func(a, b *inbox.Row) int {
		return cmp.Or(strings.Compare(a.StoreID, b.StoreID), strings.Compare(a.PlatformDeliveryID, b.PlatformDeliveryID))
	})
	r := s.dialect.newRows(b)
	for _, row := range sorted {
		for _, v := range []string{
			row.ProgramID, row.DeliveryID, row.StoreID, row.PlatformDeliveryID,
			string(row.Platform), row.Topic, headersJSON(row.Headers),
		} {
			r.text(v)
		}
		if b == insertDeliveries {
			r.bytes(row.SealedBody)
		}
		r.bytes(row.BodySHA256[:])
		r.int(int64(row.BodyBytes))
		r.int(micros(row.ReceivedAt))
	}
	return r
}

// headersJSON is a JSON object in the order of the names. Every delivery has one, and reflection takes four times as long. Bytes that
// are no text become U+FFFD.
func headersJSON(headers map[string]string) string {
	names := slices.Sorted(maps.Keys(headers))
	text := append(make([]byte, 0, 512), '{')
	for i, name := range names {
		if i > 0 {
			text = append(text, ',')
		}
		text, _ = jsontext.AppendQuote(text, name)
		text = append(text, ':')
		text, _ = jsontext.AppendQuote(text, headers[name])
	}
	return string(append(text, '}'))
}

// insertDeliveries says what became of each row. Mostly all of them are new, and nothing needs to be asked.
func (s *Store) insertDeliveries(ctx context.Context, tx *sqlx.Tx, list []inbox.Row) ([]inbox.PutResult, error) {
	inserted, err := s.dialect.run(ctx, tx, insertDeliveries, s.deliveryRows(insertDeliveries, list))
	if err != nil {
		return nil, err
	}
	results := make([]inbox.PutResult, len(list))
	for i := range list {
		results[i].DeliveryID = list[i].DeliveryID
	}
	if inserted == int64(len(list)) {
		return results, nil
	}
	return results, s.markDuplicates(ctx, tx, list, results)
}

func (s *Store) bodyRows(list []inbox.Row) rows {
	r := s.dialect.newRows(insertBodies)
	for i := range list {
		r.text(list[i].ProgramID)
		r.text(list[i].DeliveryID)
		r.bytes(list[i].SealedBody)
	}
	return r
}

func addDeliveryState(r rows, row *inbox.Row) {
	r.text(row.DeliveryID)
	r.text(row.ProgramID)
	r.int(micros(row.ReceivedAt))
	r.int(micros(row.DueAt))
	r.int(micros(row.LeaseUntil))
}

// deliveryKey is what the database keeps unique.
type deliveryKey struct {
	StoreID            string `db:"store_id"`
	PlatformDeliveryID string `db:"platform_delivery_id"`
}

// FirstDelivery finds what is stored under a key. See inbox.Store.
func (s *Store) FirstDelivery(ctx context.Context, storeID, platformDeliveryID string) (id string, hash [32]byte, found bool, err error) {
	defer server.Wrap(&err, "find delivery %s of store %s", platformDeliveryID, storeID)
	var first []struct {
		DeliveryID string `db:"delivery_id"`
		Hash       []byte `db:"body_sha256"`
	}
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &first, `SELECT delivery_id, body_sha256 FROM inbox WHERE store_id = $1 AND platform_delivery_id = $2`,
			storeID, platformDeliveryID)
	})
	if err != nil || len(first) == 0 {
		return "", hash, false, err
	}
	copy(hash[:], first[0].Hash)
	return first[0].DeliveryID, hash, true, nil
}

// markDuplicates finds, for what was there already, the first one's id and whether it had the same body.
func (s *Store) markDuplicates(ctx context.Context, tx *sqlx.Tx, list []inbox.Row, results []inbox.PutResult) error {
	stores, keys := make([]string, len(list)), make([]string, len(list))
	for i := range list {
		stores[i], keys[i] = list[i].StoreID, list[i].PlatformDeliveryID
	}
	var found []struct {
		deliveryKey
		DeliveryID string `db:"delivery_id"`
		Hash       []byte `db:"body_sha256"`
	}
	err := tx.SelectContext(ctx, &found, `SELECT store_id, platform_delivery_id, delivery_id, body_sha256 FROM inbox
		WHERE `+s.dialect.among("store_id", "$1")+` AND `+s.dialect.among("platform_delivery_id", "$2"),
		s.dialect.list(stores), s.dialect.list(keys))
	if err != nil {
		return fmt.Errorf("find the first deliveries: %w", err)
	}
	at := make(map[deliveryKey]int, len(found))
	for i := range found {
		at[found[i].deliveryKey] = i
	}
	for i := range list {
		first, ok := at[deliveryKey{list[i].StoreID, list[i].PlatformDeliveryID}]
		if !ok {
			return fmt.Errorf("delivery %s of store %s is neither stored nor a duplicate", list[i].PlatformDeliveryID, list[i].StoreID)
		}
		if f := &found[first]; f.DeliveryID != list[i].DeliveryID {
			results[i] = inbox.PutResult{
				DeliveryID: f.DeliveryID, Duplicate: true, Conflict: string(f.Hash) != string(list[i].BodySHA256[:]),
			}
		}
	}
	return nil
}

// stampEvery is how often a store's last delivery is noted: often enough for a screen, too seldom to cost anything.
const stampEvery = int64(time.Minute / time.Microsecond)

// stampsDue gives the stores whose last delivery is to be noted, and when it was.
func (s *Store) stampsDue(list []inbox.Row) map[string]int64 {
	due := map[string]int64{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range list {
		at := micros(list[i].ReceivedAt)
		if at-s.lastSeen[list[i].StoreID] >= stampEvery {
			s.lastSeen[list[i].StoreID] = at
			due[list[i].StoreID] = at
		}
	}
	return due
}

func stampStores(ctx context.Context, tx *sqlx.Tx, due map[string]int64) error {
	for _, store := range sortedKeys(due) {
		if _, err := tx.ExecContext(ctx, `UPDATE stores SET last_delivery_at = $2 WHERE store_id = $1 AND last_delivery_at < $2`,
			store, due[store]); err != nil {
			return fmt.Errorf("note the last delivery of store %s: %w", store, err)
		}
	}
	return nil
}

// deliveryRow is one delivery as the database tells it.
type deliveryRow struct {
	ProgramID          string `db:"program_id"`
	DeliveryID         string `db:"delivery_id"`
	StoreID            string `db:"store_id"`
	PlatformDeliveryID string `db:"platform_delivery_id"`
	Platform           string `db:"platform"`
	Topic              string `db:"topic"`
	HeadersJSON        string `db:"headers_json"`
	SealedBody         []byte `db:"sealed_body"`
	BodySHA256         []byte `db:"body_sha256"`
	BodyBytes          int    `db:"body_bytes"`
	ReceivedAt         int64  `db:"received_at"`
	Status             string `db:"status"`
	Result             string `db:"result"`
	Reason             string `db:"reason"`
	Source             string `db:"source"`
	Attempt            int    `db:"attempt"`
	DueAt              int64  `db:"due_at"`
	LeaseUntil         int64  `db:"lease_until"`
	SettledAt          int64  `db:"settled_at"`
}

const deliveryColumns = `i.program_id, i.delivery_id, i.store_id, i.platform_delivery_id, i.platform, i.topic,
	i.headers_json, i.body_sha256, i.body_bytes, i.received_at, s.status, s.result, s.reason, s.source, s.attempt,
	s.due_at, s.lease_until, s.settled_at`

const deliveryTables = ` FROM inbox_state s JOIN inbox i ON i.program_id = s.program_id AND i.delivery_id = s.delivery_id `

func (d *deliveryRow) row() (inbox.Row, error) {
	row := inbox.Row{
		Delivery: order.Delivery{
			DeliveryID: d.DeliveryID, PlatformDeliveryID: d.PlatformDeliveryID, ProgramID: d.ProgramID,
			StoreID: d.StoreID, Platform: order.Platform(d.Platform), Topic: d.Topic, ReceivedAt: instant(d.ReceivedAt),
		},
		SealedBody: d.SealedBody, BodyBytes: d.BodyBytes,
		Status: inbox.Status(d.Status), Result: d.Result, Reason: d.Reason, Attempt: d.Attempt,
		DueAt: instant(d.DueAt), LeaseUntil: instant(d.LeaseUntil), SettledAt: instant(d.SettledAt),
	}
	copy(row.BodySHA256[:], d.BodySHA256)
	if err := json.Unmarshal([]byte(d.HeadersJSON), &row.Headers); err != nil {
		return inbox.Row{}, fmt.Errorf("headers of delivery %s: %w", d.DeliveryID, err)
	}
	return row, nil
}

// ClaimDeliveries leases what is due. See inbox.Store.
func (s *Store) ClaimDeliveries(ctx context.Context, now, leaseUntil time.Time, limit int) (claimed []inbox.Row, err error) {
	defer server.Wrap(&err, "claim up to %d deliveries", limit)
	from := s.claims.from(now)
	due, err := s.anyDue(ctx, now, from)
	if err == nil && !due && from > 0 {
		s.claims.reset()
		from = 0
		due, err = s.anyDue(ctx, now, from)
	}
	if err != nil || !due {
		return nil, err
	}
	var ids []string
	err = s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		ids = ids[:0]
		return tx.SelectContext(ctx, &ids, `WITH c AS MATERIALIZED (
			SELECT delivery_id FROM inbox_state WHERE status = 'waiting' AND due_at <= $1 AND lease_until <= $1
			AND received_at >= $4 ORDER BY received_at, delivery_id LIMIT $3`+s.dialect.skipLocked()+`)
			UPDATE inbox_state SET lease_until = $2 WHERE delivery_id IN (SELECT delivery_id FROM c) RETURNING delivery_id`,
			micros(now), micros(leaseUntil), limit, from)
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	// They are ours: nobody need wait while they are read. They are read even if the caller is stopping, since nobody else
	// may take them before their lease has run out.
	if claimed, err = s.readDeliveries(context.WithoutCancel(ctx), ids, "true"); err != nil {
		return nil, err
	}
	s.claims.reset()
	if len(ids) == limit {
		s.claims.reached(claimed[len(claimed)-1].ReceivedAt, now)
	}
	return claimed, nil
}

// WaitingDeliveries reads what nobody has taken up yet. See inbox.Store.
func (s *Store) WaitingDeliveries(ctx context.Context, now time.Time, ids []string) (waiting []inbox.Row, err error) {
	defer server.Wrap(&err, "read %d waiting deliveries", len(ids))
	if len(ids) == 0 {
		return nil, nil
	}
	return s.readDeliveries(ctx, ids, notTakenUp, micros(now))
}

// notTakenUp is the states of deliveries that nobody works on at the moment $2, or ever did.
const notTakenUp = `s.status = 'waiting' AND s.attempt = 0 AND s.lease_until <= $2`

// readDeliveries reads the named deliveries that meet a condition, whose parameters begin at $2, oldest first.
func (s *Store) readDeliveries(ctx context.Context, ids []string, condition string, args ...any) ([]inbox.Row, error) {
	var found []deliveryRow
	err := s.dialect.queryAlone(ctx, s.reader, &found, s.namedDeliveries(condition), append([]any{s.dialect.list(ids)}, args...)...)
	if err = s.explain(ctx, err); err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	rows := make([]inbox.Row, len(found))
	for i := range found {
		if rows[i], err = found[i].row(); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// namedDeliveries is the statement that reads the deliveries of a list, $1, oldest first. It is a transaction by itself, over all programs.
func (s *Store) namedDeliveries(condition string) string {
	return `SELECT ` + deliveryColumns + `, ` + s.dialect.bodyOf() + ` AS sealed_body FROM ` + s.dialect.deliveriesByID("$1") +
		` WHERE ` + condition + ` ORDER BY s.received_at, s.delivery_id`
}

// claimCursor remembers how far the claims of a backlog have come, so that each does not begin by stepping over all that
// those before it have leased. What came due behind it is found when it starts over: where the backlog ends, and at the
// latest after claimCursorFor.
type claimCursor struct {
	mu    sync.Mutex
	at    int64 // received_at of the last one claimed; 0: from the beginning
	since int64
}

const claimCursorFor = int64(time.Second / time.Microsecond)

func (c *claimCursor) from(now time.Time) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if passed := micros(now) - c.since; passed < 0 || passed >= claimCursorFor {
		c.at, c.since = 0, micros(now)
	}
	return c.at
}

func (c *claimCursor) reached(at, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = micros(at)
	if c.since == 0 {
		c.since = micros(now)
	}
}

func (c *claimCursor) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = 0
}

// anyDue looks before ClaimDeliveries writes: the sweep asks every second, and mostly there is nothing.
func (s *Store) anyDue(ctx context.Context, now time.Time, from int64) (due bool, err error) {
	var found []int
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &found, `SELECT 1 FROM inbox_state
			WHERE status = 'waiting' AND due_at <= $1 AND lease_until <= $1 AND received_at >= $2 LIMIT 1`, micros(now), from)
	})
	return len(found) > 0, err
}

// finishDeliveries ends deliveries that are still waiting.
var finishDeliveries = &bulk{
	name:    "finish deliveries",
	columns: columns(texts("delivery_id", "status", "result", "reason"), ints("settled_at")),
	before: `UPDATE inbox_state SET status = given.status, result = given.result, reason = given.reason,
		settled_at = given.settled_at, lease_until = 0 FROM given
		WHERE inbox_state.delivery_id = given.delivery_id AND inbox_state.status = 'waiting'`,
}

// FinishDeliveries ends deliveries that touch no order. See inbox.Store.
func (s *Store) FinishDeliveries(ctx context.Context, finished []inbox.Finished) (err error) {
	defer server.Wrap(&err, "finish %d deliveries", len(finished))
	if len(finished) == 0 {
		return nil
	}
	return s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		return s.finish(ctx, tx, finished)
	})
}

func (s *Store) finish(ctx context.Context, tx *sqlx.Tx, finished []inbox.Finished) error {
	r := s.dialect.newRows(finishDeliveries)
	for _, f := range finished {
		r.text(f.DeliveryID)
		r.text(string(f.Status))
		r.text(f.Result)
		r.text(f.Reason)
		r.int(micros(f.At))
	}
	_, err := s.dialect.run(ctx, tx, finishDeliveries, r)
	return err
}

var retryDeliveries = &bulk{
	name:    "retry deliveries",
	columns: columns(texts("delivery_id", "reason"), ints("due_at")),
	before: `UPDATE inbox_state SET attempt = attempt + 1, reason = given.reason, due_at = given.due_at, lease_until = 0
		FROM given WHERE inbox_state.delivery_id = given.delivery_id AND inbox_state.status = 'waiting'`,
}

// RetryDeliveries gives leases back. See inbox.Store.
func (s *Store) RetryDeliveries(ctx context.Context, retries []inbox.Retry) (err error) {
	defer server.Wrap(&err, "retry %d deliveries", len(retries))
	if len(retries) == 0 {
		return nil
	}
	return s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		r := s.dialect.newRows(retryDeliveries)
		for _, retry := range retries {
			r.text(retry.DeliveryID)
			r.text(retry.Reason)
			r.int(micros(retry.DueAt))
		}
		_, err := s.dialect.run(ctx, tx, retryDeliveries, r)
		return err
	})
}

// ReleaseLeases gives back every lease. See inbox.Store.
func (s *Store) ReleaseLeases(ctx context.Context) (released int64, err error) {
	defer server.Wrap(&err, "release leases")
	err = s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		released, err = affected(tx.ExecContext(ctx,
			`UPDATE inbox_state SET lease_until = 0 WHERE status = 'waiting' AND lease_until <> 0`))
		return err
	})
	return released, err
}

// Backlog counts what waits. See inbox.Store.
func (s *Store) Backlog(ctx context.Context) (waiting int64, oldest time.Time, err error) {
	defer server.Wrap(&err, "count the backlog")
	var b struct {
		Count  int64 `db:"n"`
		Oldest int64 `db:"oldest"`
	}
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &b,
			`SELECT count(*) AS n, coalesce(min(received_at), 0) AS oldest FROM inbox_state WHERE status = 'waiting'`)
	})
	return b.Count, instant(b.Oldest), err
}
