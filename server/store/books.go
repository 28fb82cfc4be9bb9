package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/pipeline"
)

// books is one open transaction of one program.
type books struct {
	store    *Store
	tx       *sqlx.Tx
	program  string
	versions pipeline.Versions
	about    pipeline.Subject
	foretold *foretold          // nil where it was not read along
	records  map[string]*record // by source
	settled  bool
	reading  bool      // tx is of the reading handle
	apart    bool      // Settle keeps its rows in batch, to be written when the reading has ended
	batch    *batch    // only where apart
	atOnce   bool      // there is no tx: what is read at first is all that is read
	extended *chainEnd // where the batch has left the chain; nil: where it was
}

// record is an order's row as the transaction found it.
type record struct {
	exists bool
	row    orderRow
	public pipeline.SourceRecord
}

// opening is what a transaction reads first, behind the locks of its orders.
type opening struct {
	versions []versionsRow // none where there is no such program
	orders   []orderRow    // of those sources that have one
	foretold *foretold     // nil where reading it would have been an exchange of its own
}

// orderRow is one row of orders.
type orderRow struct {
	Source          string `db:"source"`
	StoreID         string `db:"store_id"`
	Platform        string `db:"platform"`
	PlatformOrderID string `db:"platform_order_id"`
	Name            string `db:"name"`
	OrderTS         int64  `db:"order_ts"`
	Status          string `db:"status"`
	Settlement      string `db:"settlement"`
	ReasonCode      string `db:"reason_code"`
	Reason          string `db:"reason"`
	WaitingMinor    int64  `db:"waiting_minor"`
	WaitingCurrency string `db:"waiting_currency"`
	Currency        string `db:"currency"`
	NetMinor        int64  `db:"net_minor"`
	EarnedMinor     int64  `db:"earned_minor"`
	DistributorID   string `db:"distributor_id"`
	BuyerID         string `db:"buyer_id"`
	AttributionJSON string `db:"attribution_json"`
	LinesJSON       string `db:"lines_json"`
	PinsJSON        string `db:"pins_json"`
	StateJSON       string `db:"state_json"`
	Revision        int64  `db:"revision"`
	RowVersion      int64  `db:"row_version"`
	ReceivedAt      int64  `db:"received_at"`
	SettledAt       int64  `db:"settled_at"`
}

const orderColumns = `source, store_id, platform, platform_order_id, name, order_ts, status, settlement, reason_code,
	reason, waiting_minor, waiting_currency, currency, net_minor, earned_minor, distributor_id, buyer_id,
	attribution_json, lines_json, pins_json, state_json, revision, row_version, received_at, settled_at`

// InTx runs f with the sources locked. See pipeline.Store.
//
// The lock is on a source's name: a new order has no row to lock. Its row is written in Settle and carries a version,
// so that a writer which came by without the lock is refused.
func (s *Store) InTx(ctx context.Context, programID string, about pipeline.Subject, f func(pipeline.Books) error) (err error) {
	defer server.Wrap(&err, "transaction of program %s over %d orders", programID, len(about.Sources))
	if s.dialect.settlesApart() {
		err := s.settleApart(ctx, programID, about, f)
		if !errors.Is(err, errAgain) && !s.dialect.again(err) {
			return s.explain(ctx, err)
		}
		// Others keep coming in between: with the writer to itself from the start, this transaction cannot lose.
	}
	a := s.dialect.ahead()
	if a == nil {
		_, err := s.settleLocked(ctx, programID, about, f)
		return err
	}
	end, try := a.enter(programID)
	defer a.leave(programID)
	if try {
		end, err := s.settleAtOnce(ctx, programID, about, end, f)
		if a.tried(programID, err); err == nil {
			a.learn(programID, end)
			return nil
		}
		if ctx.Err() != nil {
			return s.explain(ctx, err)
		}
	}
	b, err := s.settleLocked(ctx, programID, about, f)
	if err == nil && b.extended != nil {
		a.learn(programID, *b.extended)
	}
	return err
}

// settleLocked settles in one transaction that holds the orders from the beginning.
func (s *Store) settleLocked(ctx context.Context, program string, about pipeline.Subject, f func(pipeline.Books) error) (b *books, err error) {
	err = s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error { // load binds it to the program
		b = &books{store: s, tx: tx, program: program, about: about}
		if err := b.load(ctx); err != nil {
			return err
		}
		return f(b)
	})
	return b, err
}

// apartAttempts is how often settling apart is tried before it takes the writer for all of its time.
const apartAttempts = 3

// settleApart reads and decides on a snapshot of the database, while others write, and takes the one writer only for the
// rows that result. What others changed meanwhile is noticed by the orders' row versions and the program's counters; then
// all of it is done again.
func (s *Store) settleApart(ctx context.Context, program string, about pipeline.Subject, f func(pipeline.Books) error) (err error) {
	for attempt := range apartAttempts {
		if attempt > 0 {
			if err := backOff(ctx, attempt); err != nil {
				return err
			}
		}
		err = s.settleApartOnce(ctx, program, about, f)
		if !errors.Is(err, errAgain) && !s.dialect.again(err) {
			return err
		}
	}
	return err
}

func (s *Store) settleApartOnce(ctx context.Context, program string, about pipeline.Subject, f func(pipeline.Books) error) error {
	b := &books{store: s, program: program, about: about, apart: true}
	err := s.read(ctx, program, func(tx *sqlx.Tx) error {
		b.tx, b.reading = tx, true
		if err := b.load(ctx); err != nil {
			return err
		}
		return f(b)
	})
	if err == nil {
		err = ctx.Err() // a caller that has gone is not committed to
	}
	if err != nil || b.batch == nil {
		return err
	}
	return s.writeOnce(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		b.tx, b.reading = tx, false
		if err := b.batch.confirmFacts(ctx); err != nil {
			return err
		}
		return b.batch.write(ctx)
	})
}

func (b *books) load(ctx context.Context) (err error) {
	b.records = make(map[string]*record, len(b.about.Sources))
	names := make([]string, 0, len(b.about.Sources))
	for _, source := range b.about.Sources {
		name := source.String()
		if b.records[name] == nil {
			b.records[name] = &record{public: pipeline.SourceRecord{Source: source}}
			names = append(names, name)
		}
	}
	// Read once they are locked, the versions are at least as new as what the transaction before us knew.
	o, err := b.store.dialect.openOrders(ctx, b.tx, b.reading, b.program, names, b.about)
	if err != nil {
		return fmt.Errorf("lock and read the orders: %w", err)
	}
	if b.versions, err = versionsOf(o.versions, b.program); err != nil {
		return err
	}
	b.foretold = o.foretold
	posted, err := b.open(o.orders)
	if err != nil {
		return err
	}
	if err := b.loadSales(ctx); err != nil || len(posted) == 0 {
		return err
	}
	return b.loadPosted(ctx, posted)
}

// selecting selects into a slice.
type selecting func(ctx context.Context, into any, text string, args ...any) error

// query selects with one of the few texts of every settlement.
func (b *books) query(ctx context.Context, into any, text string, args ...any) error {
	if b.tx == nil {
		return errAsUsual // settling at once reads once
	}
	return b.store.dialect.query(ctx, b.tx, b.reading, into, text, args...)
}

// versionsRow is the counters of one program.
type versionsRow struct {
	Tree    int64 `db:"tree_version"`
	Catalog int64 `db:"catalog_version"`
	Plans   int64 `db:"plans_version"`
}

const programVersions = `SELECT tree_version, catalog_version, plans_version FROM programs WHERE program_id = $1`

func versionsOf(found []versionsRow, program string) (pipeline.Versions, error) {
	if len(found) == 0 {
		return pipeline.Versions{}, server.Errorf(server.NotFound, "There is no program %s.", program)
	}
	return pipeline.Versions(found[0]), nil
}

// open fills the records and names the orders that have posted something.
func (b *books) open(found []orderRow) (posted []string, err error) {
	for i := range found {
		r := b.records[found[i].Source]
		r.exists, r.row = true, found[i]
		if err := r.open(); err != nil {
			return nil, fmt.Errorf("read order %s: %w", found[i].Source, err)
		}
		if r.row.Revision > 0 {
			posted = append(posted, r.row.Source)
		}
	}
	return posted, nil
}

func (r *record) open() error {
	r.public.Revision = r.row.Revision
	r.public.Parked = r.row.Settlement == string(pipeline.Parked)
	if err := json.Unmarshal([]byte(r.row.StateJSON), &r.public.State); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if r.row.PinsJSON == "" {
		return nil
	}
	r.public.Pins = new(pipeline.Pins)
	if err := json.Unmarshal([]byte(r.row.PinsJSON), r.public.Pins); err != nil {
		return fmt.Errorf("pins: %w", err)
	}
	return nil
}

// loadPosted sums what is posted under each key of the orders.
func (b *books) loadPosted(ctx context.Context, sources []string) error {
	sums, err := b.store.sumPosted(ctx, b.query, b.program, sources)
	for i := range sums {
		r := b.records[sums[i].Source]
		r.public.Posted = append(r.public.Posted, ledger.Balance{Key: sums[i].key(), AmountMinor: sums[i].AmountMinor})
	}
	return err
}

// Versions are the program's counters as read inside the transaction.
func (b *books) Versions() pipeline.Versions { return b.versions }

// Sources gives the locked orders in the order asked for.
func (b *books) Sources() []pipeline.SourceRecord {
	list := make([]pipeline.SourceRecord, len(b.about.Sources))
	for i, source := range b.about.Sources {
		list[i] = b.records[source.String()].public
	}
	return list
}

// StoreInfo reads what the pipeline needs to know of a store. See pipeline.Store.
func (s *Store) StoreInfo(ctx context.Context, storeID string) (info pipeline.StoreInfo, err error) {
	row, err := s.StoreByID(ctx, storeID)
	if err != nil {
		return pipeline.StoreInfo{}, err
	}
	info.StoreID, info.Platform, info.Domain, info.Currency = row.StoreID, row.Platform, row.Domain, row.Currency
	info.ProgramID, info.GoLiveAt, info.AcceptTestOrders = row.ProgramID, row.GoLiveAt, row.AcceptTestOrders
	return info, nil
}

// ReleasedSources lists orders whose causes were mended, those waiting longest first. See pipeline.Store.
func (s *Store) ReleasedSources(ctx context.Context, limit int) (released []pipeline.ReleasedSource, err error) {
	defer server.Wrap(&err, "list released orders")
	var found []struct {
		ProgramID       string `db:"program_id"`
		StoreID         string `db:"store_id"`
		PlatformOrderID string `db:"platform_order_id"`
	}
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &found, `SELECT program_id, store_id, platform_order_id FROM released_sources
			ORDER BY released_at, program_id, source LIMIT $1`, limit)
	})
	for _, f := range found {
		released = append(released, pipeline.ReleasedSource{
			ProgramID: f.ProgramID,
			Source:    order.Source{StoreID: f.StoreID, PlatformOrderID: f.PlatformOrderID},
		})
	}
	return released, err
}

// release marks the orders that wait for one of the causes, and forgets these causes. It gives their number.
func (s *Store) release(ctx context.Context, tx *sqlx.Tx, program string, causes []string, at int64) (int, error) {
	if len(causes) == 0 {
		return 0, nil
	}
	var sources []string
	err := tx.SelectContext(ctx, &sources, `DELETE FROM park_causes WHERE program_id = $1 AND cause_key IN `+
		s.dialect.in("$2")+` RETURNING source`, program, s.dialect.list(causes))
	if err != nil {
		return 0, fmt.Errorf("find the orders that wait: %w", err)
	}
	slices.Sort(sources)
	sources = slices.Compact(sources)
	return len(sources), s.releaseSources(ctx, tx, program, sources, at)
}

func (s *Store) releaseSources(ctx context.Context, tx *sqlx.Tx, program string, sources []string, at int64) error {
	if len(sources) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO released_sources (program_id, source, store_id, platform_order_id, released_at)
		SELECT program_id, source, store_id, platform_order_id, $3 FROM orders
		WHERE program_id = $1 AND source IN `+s.dialect.in("$2")+` ON CONFLICT (program_id, source) DO NOTHING`,
		program, s.dialect.list(sources), at)
	if err != nil {
		return fmt.Errorf("release %d orders: %w", len(sources), err)
	}
	return nil
}

var errNoProgram = errors.New("store: there is no such program")

var errSettledTwice = errors.New("store: Settle is called once per transaction")
