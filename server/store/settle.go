package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/pipeline"
)

// The statements of one settling transaction. None of them is run per order.
var (
	insertRevisions = &bulk{
		name: "insert order revisions", table: "order_revisions",
		columns: columns(fixedText("program_id"), fixedInt("recorded_at"), texts("source"), blobs("hash"),
			texts("delivery_id", "revision_json")),
		after: "ON CONFLICT (program_id, source, hash) DO NOTHING",
	}
	insertOrders = &bulk{
		name: "insert orders", table: "orders", columns: orderFields,
		after: `ON CONFLICT (program_id, source) DO NOTHING`,
	}
	updateOrders = &bulk{
		name: "update orders", columns: orderFields,
		before: `UPDATE orders SET platform = given.platform, name = given.name,
			status = given.status, settlement = given.settlement, reason_code = given.reason_code,
			reason = given.reason, waiting_currency = given.waiting_currency, currency = given.currency,
			distributor_id = given.distributor_id, buyer_id = given.buyer_id,
			attribution_json = given.attribution_json, lines_json = given.lines_json,
			pins_json = given.pins_json, state_json = given.state_json, order_ts = given.order_ts,
			waiting_minor = given.waiting_minor, net_minor = given.net_minor, earned_minor = given.earned_minor,
			revision = given.revision, row_version = given.row_version, received_at = given.received_at,
			settled_at = given.settled_at FROM given
			WHERE orders.program_id = given.program_id AND orders.source = given.source
			AND orders.row_version = given.row_version - 1`,
	}
	insertSettlements = &bulk{
		name: "insert settlements", table: "settlements",
		columns: columns(fixedText("program_id"), fixedInt("batch_sequence"), texts("source"),
			ints("revision", "first_position", "posting_count"), blobs("snapshot_id"), texts("calc_snapshot_json"),
			ints("order_ts", "posted_at")),
	}
	insertPostings = &bulk{
		name: "insert postings", table: "postings",
		columns: columns(fixedText("program_id"), fixedInt("batch_sequence"), ints("position", "first_position"),
			blobs("event_id"), texts("line_id", "component_id", "distributor_id", "kind", "currency"), ints("amount_minor"),
			texts("from_account", "to_account")),
	}
	insertOutbox = &bulk{
		name: "insert outbox rows", table: "outbox",
		columns: columns(fixedText("program_id"), fixedText("topic"), fixedInt("created_at"), ints("sequence"),
			texts("key", "payload")),
	}
	insertParkCauses = &bulk{
		name: "insert park causes", table: "park_causes",
		columns: columns(fixedText("program_id"), texts("cause_key", "source")),
		after:   "ON CONFLICT (program_id, cause_key, source) DO NOTHING",
	}
	insertBindings = &bulk{
		name: "insert customer bindings", table: "customer_bindings", columns: bindingColumns,
		after: "ON CONFLICT (program_id, store_id, customer_id) DO NOTHING", // the first one wins
	}
	renewBindings = &bulk{
		name: "renew customer bindings", table: "customer_bindings", columns: bindingColumns,
		after: `ON CONFLICT (program_id, store_id, customer_id) DO UPDATE SET distributor_id = excluded.distributor_id,
			source = excluded.source, bound_at = excluded.bound_at, recorded_at = excluded.recorded_at
			WHERE excluded.bound_at > customer_bindings.bound_at`,
	}
	endDeliveries = &bulk{
		name:    "end deliveries",
		columns: columns(texts("delivery_id", "status", "result", "reason", "source"), ints("settled_at")),
		before: `UPDATE inbox_state SET status = given.status, result = given.result, reason = given.reason,
			source = given.source, settled_at = given.settled_at, lease_until = 0 FROM given
			WHERE inbox_state.delivery_id = given.delivery_id AND inbox_state.status <> 'done'`,
	}
)

var orderFields = columns(fixedText("program_id"),
	texts("source", "store_id", "platform", "platform_order_id", "name", "status", "settlement", "reason_code", "reason",
		"waiting_currency", "currency", "distributor_id", "buyer_id", "attribution_json", "lines_json", "pins_json", "state_json"),
	ints("order_ts", "waiting_minor", "net_minor", "earned_minor", "revision", "row_version", "received_at", "settled_at"))

var bindingColumns = columns(fixedText("program_id"), fixedInt("recorded_at"),
	texts("store_id", "customer_id", "distributor_id", "source"), ints("bound_at"))

// CommissionEvents is the topic of the outbox rows that a settlement writes.
const CommissionEvents = "commission.event"

// batch is one settling transaction's rows on their way to the database.
type batch struct {
	*books
	at        int64
	revisions rows
	orders    rows // new ones
	updates   rows // of orders that have a row
	causes    rows
	bindings  rows
	renewals  rows // bindings that replace one whose days have run out
	ends      rows
	posting   []*pipeline.Settlement // those that post
	count     int                    // of their postings
	sales     []lineSale             // what changes in periods
	again     []string               // orders that had a row: their causes and releases are looked at
	mended    []string               // orders that were parked and no longer are
	leaves    [][32]byte             // of their postings
	bound     map[pipeline.Customer]bool
	parked    bool
}

// Settle writes everything a batch decided. See pipeline.Books.
func (b *books) Settle(ctx context.Context, settlements []pipeline.Settlement, finished []inbox.Finished, at time.Time) (err error) {
	defer server.Wrap(&err, "settle %d orders", len(settlements))
	if b.settled {
		return errSettledTwice
	}
	b.settled = true
	w := b.newBatch(micros(at))
	seen := make(map[string]bool, len(settlements))
	for i := range settlements {
		source := settlements[i].Source.String()
		if seen[source] {
			return fmt.Errorf("order %s is settled twice in one batch", source)
		}
		seen[source] = true
		if err := w.add(&settlements[i]); err != nil {
			return fmt.Errorf("order %s: %w", source, err)
		}
	}
	w.end("", finished)
	w.hash()
	if b.apart {
		b.batch = w
		return nil
	}
	return w.write(ctx)
}

func (b *books) newBatch(at int64) *batch {
	d := b.store.dialect
	return &batch{
		books: b, at: at, bound: make(map[pipeline.Customer]bool),
		revisions: d.newRows(insertRevisions, b.program, at),
		orders:    d.newRows(insertOrders, b.program),
		updates:   d.newRows(updateOrders, b.program),
		causes:    d.newRows(insertParkCauses, b.program),
		bindings:  d.newRows(insertBindings, b.program, at),
		renewals:  d.newRows(renewBindings, b.program, at),
		ends:      d.newRows(endDeliveries),
	}
}

// add takes one settlement into the batch.
func (w *batch) add(s *pipeline.Settlement) error {
	source := s.Source.String()
	r := w.records[source]
	if r == nil {
		return errors.New("it is not among the orders this transaction has locked")
	}
	if err := w.addRevisions(source, s.Revisions); err != nil {
		return err
	}
	if err := w.addPostings(r, s); err != nil {
		return err
	}
	if err := w.addOrder(r, s); err != nil {
		return err
	}
	w.addSales(source, s.Sales)
	if r.exists && s.Outcome != pipeline.Unchanged { // of an unchanged one nothing was looked at
		w.again = append(w.again, source)
	}
	if s.Outcome == pipeline.Settled {
		w.await(source, s.Awaits)
	}
	if s.Outcome == pipeline.Parked {
		w.addCauses(source, s.Reason)
	} else if r.public.Parked && s.Outcome == pipeline.Settled {
		w.mended = append(w.mended, source)
	}
	w.addBinding(s.Binding)
	w.end(source, s.Deliveries)
	return nil
}

// addBinding takes a customer's binding; within a batch, too, the first one wins.
func (w *batch) addBinding(b *pipeline.Binding) {
	if b == nil || w.bound[b.Customer] {
		return
	}
	w.bound[b.Customer] = true
	r := w.bindings
	if b.Renews {
		r = w.renewals
	}
	for _, v := range []string{b.StoreID, b.CustomerID, b.DistributorID, b.Source} {
		r.text(v)
	}
	r.int(b.BoundAt)
}

func (w *batch) addRevisions(source string, list []pipeline.Revised) error {
	for i := range list {
		text := list[i].Text
		if text == nil {
			var err error
			if text, err = json.Marshal(list[i].Revision); err != nil {
				return fmt.Errorf("write revision of delivery %s: %w", list[i].DeliveryID, err)
			}
		}
		w.revisions.text(source)
		w.revisions.bytes(list[i].Hash[:])
		w.revisions.text(list[i].DeliveryID)
		w.revisions.text(string(text))
	}
	return nil
}

// addPostings takes the postings. What a settlement says of itself is held against the order's row: a wrong revision
// would post the same fact under two names. What its postings have in common is stored once, so it must be in common.
func (w *batch) addPostings(r *record, s *pipeline.Settlement) error {
	if len(s.Postings) == 0 {
		if s.Outcome == pipeline.Settled && s.Revision != r.row.Revision {
			return fmt.Errorf("nothing is posted, but the revision goes from %d to %d", r.row.Revision, s.Revision)
		}
		return nil
	}
	source := s.Source.String()
	if s.Outcome != pipeline.Settled || s.Revision != r.row.Revision+1 {
		return fmt.Errorf("a %s settlement posts at revision %d, after revision %d", s.Outcome, s.Revision, r.row.Revision)
	}
	for i := range s.Postings {
		p := &s.Postings[i]
		if p.ProgramID != w.program || p.Key.Source != source || p.Revision != s.Revision || p.SnapshotID != s.SnapshotID ||
			p.OrderTS != s.Postings[0].OrderTS || p.PostedAt != s.Postings[0].PostedAt {
			return fmt.Errorf("posting %s is of another program, order, revision, snapshot or time", p.EventID)
		}
	}
	w.posting = append(w.posting, s)
	w.count += len(s.Postings)
	return nil
}

// rawHash reads 64 hex digits; "" is no hash.
func rawHash(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	raw, err := hex.DecodeString(text)
	if err == nil && len(raw) != 32 {
		err = fmt.Errorf("%q has %d bytes instead of 32", text, len(raw))
	}
	return raw, err
}

func (w *batch) addCauses(source string, reason *pipeline.Reason) {
	w.parked = true
	if reason == nil {
		return
	}
	for _, cause := range reason.Causes {
		w.causes.text(cause)
		w.causes.text(source)
	}
}

// await notes what settles an order again though it is not parked.
func (w *batch) await(source string, causes []string) {
	for _, cause := range causes {
		w.causes.text(cause)
		w.causes.text(source)
	}
}

func (w *batch) end(source string, finished []inbox.Finished) {
	for _, f := range finished {
		for _, v := range []string{f.DeliveryID, string(f.Status), f.Result, f.Reason, source} {
			w.ends.text(v)
		}
		w.ends.int(micros(f.At))
	}
}

// addOrder takes the order's row, unless it would stay as it is.
func (w *batch) addOrder(r *record, s *pipeline.Settlement) error {
	row, err := w.nextRow(r, s)
	if err != nil {
		return err
	}
	same := row.StateJSON == r.row.StateJSON && row.ReceivedAt == r.row.ReceivedAt
	if s.Outcome == pipeline.Unchanged && (same || !r.exists && isZeroState(s.State)) {
		return nil
	}
	row.RowVersion++
	rows := w.orders
	if r.exists {
		rows = w.updates
	}
	for _, v := range []string{
		row.Source, row.StoreID, row.Platform, row.PlatformOrderID, row.Name, row.Status,
		row.Settlement, row.ReasonCode, row.Reason, row.WaitingCurrency, row.Currency, row.DistributorID, row.BuyerID,
		row.AttributionJSON, row.LinesJSON, row.PinsJSON, row.StateJSON,
	} {
		rows.text(v)
	}
	for _, v := range []int64{
		row.OrderTS, row.WaitingMinor, row.NetMinor, row.EarnedMinor, row.Revision, row.RowVersion,
		row.ReceivedAt, row.SettledAt,
	} {
		rows.int(v)
	}
	return nil
}

func isZeroState(s order.State) bool {
	return len(s.Channels) == 0 && len(s.Refunds) == 0 && s.HintedAt == order.Version{} && !s.Deleted
}

// nextRow is the order's row after the settlement. What a parked order had posted before stays as it was.
func (w *batch) nextRow(r *record, s *pipeline.Settlement) (row orderRow, err error) {
	row = r.row
	if !r.exists {
		row = orderRow{
			Source: s.Source.String(), StoreID: s.Source.StoreID, PlatformOrderID: s.Source.PlatformOrderID,
			Settlement: string(pipeline.Settled), OrderTS: w.at, ReceivedAt: w.at, AttributionJSON: "{}", LinesJSON: "{}",
		}
	}
	for i := range s.Revisions { // they may settle in another order than they arrived in
		if at := micros(s.Revisions[i].ReceivedAt); at != 0 {
			row.ReceivedAt = min(row.ReceivedAt, at)
		}
	}
	if s.Platform != "" {
		row.Platform = string(s.Platform)
	}
	if row.StateJSON, err = text(s.State); err != nil {
		return row, fmt.Errorf("write the state: %w", err)
	}
	if s.Order != nil {
		if err := row.show(s.Order); err != nil {
			return row, err
		}
	}
	if s.Pins != nil {
		if row.PinsJSON, err = text(s.Pins); err != nil {
			return row, fmt.Errorf("write the pins: %w", err)
		}
	}
	switch s.Outcome {
	case pipeline.Settled:
		err = row.settle(s, w.at)
	case pipeline.Parked:
		row.park(s.Reason)
	case pipeline.Unchanged:
	default:
		err = fmt.Errorf("outcome %q is unknown", s.Outcome)
	}
	return row, err
}

// show takes over what screens show of an order.
func (row *orderRow) show(o *order.Order) (err error) {
	row.Name, row.Status, row.BuyerID = o.Name, string(o.Status), o.BuyerID
	row.Currency, row.OrderTS = string(o.Currency), o.OrderTS.UnixMicro()
	skus := make(map[string]string, len(o.Lines))
	for _, line := range o.Lines {
		skus[line.LineID] = line.PlatformSKU
	}
	if row.LinesJSON, err = text(skus); err != nil {
		return fmt.Errorf("write the lines: %w", err)
	}
	return nil
}

func (row *orderRow) settle(s *pipeline.Settlement, at int64) (err error) {
	row.Settlement, row.SettledAt = string(pipeline.Settled), at
	row.ReasonCode, row.Reason, row.WaitingMinor, row.WaitingCurrency = "", "", 0, ""
	row.NetMinor, row.DistributorID, row.Revision = s.Net.NetMinor, s.Attribution.DistributorID, s.Revision
	if row.AttributionJSON, err = text(s.Attribution); err != nil {
		return fmt.Errorf("write the attribution: %w", err)
	}
	for i := range s.Postings {
		if s.Postings[i].Key.Kind != ledger.Earning {
			continue
		}
		if row.EarnedMinor, err = money.Add(row.EarnedMinor, s.Postings[i].AmountMinor); err != nil {
			return fmt.Errorf("sum what the order earned: %w", err)
		}
	}
	return nil
}

func (row *orderRow) park(reason *pipeline.Reason) {
	row.Settlement = string(pipeline.Parked)
	if reason == nil {
		return
	}
	row.ReasonCode, row.Reason = string(reason.Code), reason.Detail
	row.WaitingMinor, row.WaitingCurrency = reason.WaitingMinor, string(reason.Currency)
}

func text(v any) (string, error) {
	data, err := json.Marshal(v)
	return string(data), err
}

// write sends the batch. The chain is locked last, so that other transactions of the program wait only for the seal.
func (w *batch) write(ctx context.Context) error {
	d := w.store.dialect
	if w.parked {
		if err := w.confirmFacts(ctx); err != nil {
			return err
		}
	}
	if err := w.clearParking(ctx); err != nil {
		return err
	}
	steps := w.steps()
	if w.count == 0 && len(w.sales) == 0 {
		written, err := d.together(ctx, w.tx, steps...)
		if err != nil {
			return err
		}
		return w.written(written)
	}
	written, end, err := d.togetherAndExtend(ctx, w.tx, w.program, len(w.sales) > 0, steps...)
	if err != nil {
		return err
	}
	if err := w.written(written); err != nil {
		return err
	}
	return w.seal(ctx, end)
}

// steps are the rows that stand before the chain is waited for.
func (w *batch) steps() []step {
	return []step{
		{insertOrders, w.orders, true},
		{updateOrders, w.updates, true},
		{insertRevisions, w.revisions, false},
		{insertParkCauses, w.causes, false},
		{insertBindings, w.bindings, false},
		{renewBindings, w.renewals, false},
		{endDeliveries, w.ends, false},
	}
}

// written refuses what another transaction was in the way of: where an order's row is not written, it was since it was read.
func (w *batch) written(steps []int64) error {
	if n, all := steps[0]+steps[1], int64(w.orders.len()+w.updates.len()); n != all {
		return fmt.Errorf("%d of %d orders were changed by another transaction: %w", all-n, all, errAgain)
	}
	return nil
}

// confirmFacts makes sure that nothing an order is parked for was mended since the facts were read. It holds off such
// changes until the commit, so that they find the causes written here.
func (w *batch) confirmFacts(ctx context.Context) error {
	var found []versionsRow
	if err := w.query(ctx, &found, programVersions+w.store.dialect.forShare(), w.program); err != nil {
		return fmt.Errorf("read the versions: %w", err)
	}
	now, err := versionsOf(found, w.program)
	if err == nil && now != w.versions {
		err = errAgain
	}
	return err
}

// clearParking forgets the causes of the orders that had a row, and ends the parked deliveries of those that settled.
func (w *batch) clearParking(ctx context.Context) error {
	d := w.store.dialect
	if len(w.again) > 0 {
		list := d.list(w.again)
		for _, table := range []string{"park_causes", "released_sources"} {
			if _, err := w.tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE program_id = $1 AND `+d.among("source", "$2"),
				w.program, list); err != nil {
				return fmt.Errorf("clear %s: %w", table, err)
			}
		}
	}
	if len(w.mended) > 0 {
		if _, err := w.tx.ExecContext(ctx, `UPDATE inbox_state SET status = 'done', result = 'settled', reason = '',
			settled_at = $3 WHERE program_id = $1 AND source <> '' AND `+d.among("source", "$2")+` AND status = 'parked'`,
			w.program, d.list(w.mended), w.at); err != nil {
			return fmt.Errorf("end parked deliveries: %w", err)
		}
	}
	return nil
}
