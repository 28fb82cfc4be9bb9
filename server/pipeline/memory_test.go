package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
)

// memory is an in-memory database: inbox.Store, Store and Opener in one. Every method holds mu, so a transaction is
// serial. strike, where set, is asked at every named point and makes it fail.
type memory struct {
	mu     sync.Mutex
	strike func(point string) error

	rows    map[string]*inbox.Row
	arrived []string // delivery ids

	stores   map[string]StoreInfo
	versions Versions
	tree     *genealogy.Tree
	catalog  *catalog.Catalog
	plans    []PublishedPlan

	sources   map[order.Source]*storedSource
	revisions map[string]bool // by source and hash
	bindings  map[Customer]Binding
	stated    []order.Binding
	hints     map[Checkout]string
	postings  []ledger.Posting
	events    map[string]bool
	snapshots map[string][]byte
	batches   []int
	maxAtOnce int

	enrolments []Enrolment
	enrollers  map[string][]genealogy.Link
}

// storedSource is an order's row; state and pins are kept as JSON, as a real database does.
type storedSource struct {
	state    []byte
	pins     []byte
	revision int64
	reason   *Reason
	released bool
	outcomes []Outcome
}

func newMemory() *memory {
	return &memory{
		rows: map[string]*inbox.Row{}, stores: map[string]StoreInfo{}, sources: map[order.Source]*storedSource{},
		revisions: map[string]bool{}, bindings: map[Customer]Binding{}, events: map[string]bool{}, snapshots: map[string][]byte{},
	}
}

func (m *memory) struck(point string) error {
	if m.strike == nil {
		return nil
	}
	return m.strike(point)
}

func (m *memory) PutDeliveries(_ context.Context, rows []inbox.Row) ([]inbox.PutResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.struck("put"); err != nil {
		return nil, err
	}
	results := make([]inbox.PutResult, len(rows))
	for i, row := range rows {
		for _, known := range m.rows {
			if known.StoreID == row.StoreID && known.PlatformDeliveryID == row.PlatformDeliveryID {
				results[i] = inbox.PutResult{DeliveryID: known.DeliveryID, Duplicate: true, Conflict: known.BodySHA256 != row.BodySHA256}
			}
		}
		if results[i].Duplicate {
			continue
		}
		kept := row
		kept.Body = nil
		m.rows[row.DeliveryID] = &kept
		m.arrived = append(m.arrived, row.DeliveryID)
		results[i].DeliveryID = row.DeliveryID
	}
	return results, m.struck("put after")
}

func (m *memory) ClaimDeliveries(_ context.Context, now, leaseUntil time.Time, limit int) ([]inbox.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.struck("claim"); err != nil {
		return nil, err
	}
	var out []inbox.Row
	for _, id := range m.arrived {
		row := m.rows[id]
		if len(out) < limit && row.Status == inbox.Waiting && !row.DueAt.After(now) && !row.LeaseUntil.After(now) {
			row.LeaseUntil = leaseUntil
			out = append(out, *row)
		}
	}
	return out, nil
}

func (m *memory) FirstDelivery(context.Context, string, string) (id string, hash [32]byte, found bool, err error) {
	return "", hash, false, nil
}

func (m *memory) WaitingDeliveries(_ context.Context, now time.Time, ids []string) ([]inbox.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.struck("waiting"); err != nil {
		return nil, err
	}
	var out []inbox.Row
	for _, id := range m.arrived {
		if row := m.rows[id]; slices.Contains(ids, id) && row.Status == inbox.Waiting && row.Attempt == 0 && !row.LeaseUntil.After(now) {
			out = append(out, *row)
		}
	}
	return out, nil
}

func (m *memory) FinishDeliveries(_ context.Context, finished []inbox.Finished) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.struck("finish"); err != nil {
		return err
	}
	m.finish(finished)
	return nil
}

func (m *memory) finish(finished []inbox.Finished) {
	for _, f := range finished {
		if row := m.rows[f.DeliveryID]; row != nil && row.Status == inbox.Waiting {
			row.Status, row.Result, row.Reason, row.SettledAt, row.LeaseUntil = f.Status, f.Result, f.Reason, f.At, time.Time{}
		}
	}
}

func (m *memory) RetryDeliveries(_ context.Context, retries []inbox.Retry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.struck("retry"); err != nil {
		return err
	}
	for _, r := range retries {
		if row := m.rows[r.DeliveryID]; row.Status == inbox.Waiting {
			row.Attempt++
			row.DueAt, row.Reason, row.LeaseUntil = r.DueAt, r.Reason, time.Time{}
		}
	}
	return nil
}

func (m *memory) ReleaseLeases(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var released int64
	for _, row := range m.rows {
		if !row.LeaseUntil.IsZero() {
			row.LeaseUntil = time.Time{}
			released++
		}
	}
	return released, nil
}

func (m *memory) Backlog(context.Context) (waiting int64, oldest time.Time, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, row := range m.rows {
		if row.Status == inbox.Waiting {
			waiting++
			if oldest.IsZero() || row.ReceivedAt.Before(oldest) {
				oldest = row.ReceivedAt
			}
		}
	}
	return waiting, oldest, nil
}

func (m *memory) DropBodies(context.Context, time.Time, int) (int64, error) { return 0, nil }

func (m *memory) TurnBodies(context.Context, time.Time, time.Duration) (int64, error) { return 0, nil }

// Open reads the body that put stored unsealed.
func (m *memory) Open(row inbox.Row) ([]byte, error) {
	if row.SealedBody == nil {
		return nil, server.Errorf(server.NotFound, "The body is gone.")
	}
	return row.SealedBody, nil
}

func (m *memory) StoreInfo(_ context.Context, storeID string) (StoreInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.struck("store info"); err != nil {
		return StoreInfo{}, err
	}
	info, found := m.stores[storeID]
	if !found {
		return StoreInfo{}, server.Errorf(server.NotFound, "There is no store %s.", storeID)
	}
	return info, nil
}

func (m *memory) ReleasedSources(_ context.Context, limit int) ([]ReleasedSource, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []ReleasedSource
	for source, s := range m.sources {
		if s.released && len(out) < limit {
			out = append(out, ReleasedSource{ProgramID: m.stores[source.StoreID].ProgramID, Source: source})
		}
	}
	return out, nil
}

// release marks what waits for a cause, as the store does when the cause is mended.
func (m *memory) release(cause string) {
	for _, s := range m.sources {
		if s.reason != nil && slices.Contains(s.reason.Causes, cause) {
			s.released = true
		}
	}
}

func (m *memory) InTx(ctx context.Context, programID string, about Subject, f func(Books) error) error {
	sources := about.Sources
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), m.struck("begin")); err != nil {
		return err
	}
	if !slices.IsSortedFunc(sources, func(a, b order.Source) int { return cmp.Compare(a.String(), b.String()) }) {
		return errors.New("sources are not sorted")
	}
	m.maxAtOnce = max(m.maxAtOnce, len(sources))
	books := &memoryBooks{memory: m, program: programID, asked: sources}
	if err := f(books); err != nil {
		return err
	}
	if err := m.struck("commit"); err != nil {
		return err
	}
	if err := books.commit(); err != nil {
		return err
	}
	return m.struck("after commit")
}

// memoryBooks is one transaction; it writes when it commits.
type memoryBooks struct {
	*memory
	program     string
	asked       []order.Source
	settlements []Settlement
	finished    []inbox.Finished
}

func (b *memoryBooks) Versions() Versions                                { return b.versions }
func (b *memoryBooks) Tree(context.Context) (*genealogy.Tree, error)     { return b.tree, b.struck("tree") }
func (b *memoryBooks) Catalog(context.Context) (*catalog.Catalog, error) { return b.catalog, nil }
func (b *memoryBooks) Plans(context.Context) ([]PublishedPlan, error)    { return b.plans, nil }

func (b *memoryBooks) Sources() []SourceRecord {
	out := make([]SourceRecord, len(b.asked))
	for i, source := range b.asked {
		out[i] = b.record(source)
	}
	return out
}

func (m *memory) record(source order.Source) SourceRecord {
	rec := SourceRecord{Source: source}
	s := m.sources[source]
	if s == nil {
		return rec
	}
	must(json.Unmarshal(s.state, &rec.State))
	if s.pins != nil {
		rec.Pins = &Pins{}
		must(json.Unmarshal(s.pins, rec.Pins))
	}
	rec.Revision, rec.Parked, rec.Posted = s.revision, s.reason != nil, m.balances(source)
	return rec
}

func (m *memory) balances(source order.Source) []ledger.Balance {
	var own []ledger.Posting
	for _, p := range m.postings {
		if p.Key.Source == source.String() {
			own = append(own, p)
		}
	}
	sums, err := ledger.Balances(own)
	must(err)
	return sums
}

func (b *memoryBooks) Known(_ context.Context, customers []Customer, checkouts []Checkout) (Known, error) {
	known := Known{Bound: map[Customer]Binding{}, Stated: map[Customer][]order.Binding{}, Hints: map[Checkout]string{}}
	for _, c := range customers {
		if bound, found := b.bindings[c]; found {
			known.Bound[c] = bound
		}
	}
	for _, s := range b.stated {
		c := Customer{StoreID: s.StoreID, CustomerID: s.CustomerID}
		if slices.Contains(customers, c) {
			known.Stated[c] = append(known.Stated[c], s)
		}
	}
	for _, c := range checkouts {
		if b.hints[c] != "" {
			known.Hints[c] = b.hints[c]
		}
	}
	return known, nil
}

func (b *memoryBooks) Enrolments(_ context.Context, ids []string) (out []Enrolment, err error) {
	for _, e := range b.enrolments {
		if slices.Contains(ids, e.DistributorID) && e.Version <= b.versions.Tree {
			out = append(out, e)
		}
	}
	return out, nil
}

func (b *memoryBooks) Enrollers(context.Context) (map[string][]genealogy.Link, error) {
	return b.enrollers, nil
}
func (b *memoryBooks) TimeZone(context.Context) (string, error) { return "Europe/Berlin", nil }

func (b *memoryBooks) Settle(_ context.Context, settlements []Settlement, finished []inbox.Finished, _ time.Time) error {
	for _, s := range settlements {
		if err := b.struck("settle " + s.Source.PlatformOrderID); err != nil {
			return err
		}
	}
	b.settlements, b.finished = settlements, finished
	return nil
}

func (b *memoryBooks) commit() error {
	for _, s := range b.settlements {
		if err := ledger.Check(s.Postings); err != nil {
			return err
		}
		for _, p := range s.Postings {
			if b.events[p.EventID] {
				return fmt.Errorf("event %s is posted already", p.EventID)
			}
			if p.Revision != s.Revision || p.ProgramID != b.program || p.SnapshotID != s.SnapshotID || s.SnapshotID == "" {
				return fmt.Errorf("posting %+v does not fit its settlement", p)
			}
		}
	}
	for _, s := range b.settlements {
		b.apply(s)
	}
	b.finish(b.finished)
	deliveries := len(b.finished)
	for _, s := range b.settlements {
		deliveries += len(s.Deliveries)
	}
	b.batches = append(b.batches, deliveries)
	return nil
}

func (m *memory) apply(s Settlement) {
	stored := m.sources[s.Source]
	if stored == nil {
		stored = &storedSource{}
		m.sources[s.Source] = stored
	}
	stored.state = mustJSON(s.State)
	if s.Pins != nil {
		stored.pins = mustJSON(s.Pins)
	}
	stored.revision, stored.released = s.Revision, false
	stored.outcomes = append(stored.outcomes, s.Outcome)
	stored.reason = s.Reason
	for _, r := range s.Revisions {
		m.revisions[fmt.Sprintf("%s %x %s", s.Source, r.Hash, r.DeliveryID)] = true
	}
	if s.Snapshot != nil {
		m.snapshots[s.SnapshotID] = s.Snapshot
	}
	for _, p := range s.Postings {
		m.events[p.EventID] = true
		m.postings = append(m.postings, p)
	}
	if s.Binding != nil {
		m.bindings[s.Binding.Customer] = *s.Binding
	}
	m.finish(s.Deliveries)
	if s.Outcome == Settled {
		m.endParked(s.Source)
	}
}

// endParked ends the deliveries that were parked with this source.
func (m *memory) endParked(source order.Source) {
	for _, row := range m.rows {
		if row.Status == inbox.Parked && m.speaksOf(row, source) {
			row.Status, row.Result, row.Reason = inbox.Done, string(Settled), ""
		}
	}
}

func (m *memory) speaksOf(row *inbox.Row, source order.Source) bool {
	for key := range m.revisions {
		var name, hash, delivery string
		if n, _ := fmt.Sscanf(key, "%s %s %s", &name, &hash, &delivery); n == 3 && name == source.String() && delivery == row.DeliveryID {
			return true
		}
	}
	return false
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	must(err)
	return text
}
