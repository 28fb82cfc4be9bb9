package store_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/store"
)

// BenchmarkSettle settles batches of 100 new orders with 8 postings each, all of what a settlement writes included, in
// turns with the bare bulk insert, so that neighbours slow both alike.
func BenchmarkSettle(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkSettle(b, openBench(b, store.Config{DataDir: b.TempDir()})) })
	b.Run("postgres", func(b *testing.B) {
		url, drop, err := store.Scratch(b.Context(), postgresServer(b))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := store.Migrate(b.Context(), store.Config{DatabaseURL: url}); err != nil {
			b.Fatal(err)
		}
		s := openBench(b, store.Config{DatabaseURL: url})
		benchmarkSettle(b, s)
		if err := drop(b.Context()); err != nil {
			b.Error(err)
		}
	})
}

const (
	benchBatch    = 100
	benchPostings = 8
	benchRound    = 10 // batches between two measurements of the bare insert
)

func benchmarkSettle(b *testing.B, s *store.Store) {
	ctx := b.Context()
	if err := s.CreateProgram(ctx, admin.Program{ProgramID: "bench", Name: "bench", Currency: "EUR"}); err != nil {
		b.Fatal(err)
	}
	next, ratios := 0, []float64{}
	var settled, bare float64
	for b.Loop() {
		settling := time.Duration(0)
		for range benchRound {
			sources, settlements := benchSettlements(b, next)
			next += benchBatch
			begin := time.Now()
			err := s.InTx(ctx, "bench", pipeline.Subject{Sources: sources}, func(books pipeline.Books) error {
				return books.Settle(ctx, settlements, nil, begin)
			})
			settling += time.Since(begin)
			if err != nil {
				b.Fatal(err)
			}
		}
		rate := benchRound * benchBatch / settling.Seconds()
		base, err := s.BulkInsertBaseline(ctx, benchRound*benchBatch, benchPostings, benchBatch)
		if err != nil {
			b.Fatal(err)
		}
		settled, bare, ratios = settled+rate, bare+base, append(ratios, rate/base)
	}
	slices.Sort(ratios)
	rounds := float64(len(ratios))
	b.ReportMetric(settled/rounds, "orders/s")
	b.ReportMetric(bare/rounds, "bare-orders/s")
	b.ReportMetric(ratios[len(ratios)/2], "median-ratio")
	b.ReportMetric(0, "ns/op") // a round has no meaning of its own
}

// benchSettlements are orders as the pipeline decides them, with a trace of the usual size.
func benchSettlements(b *testing.B, first int) ([]order.Source, []pipeline.Settlement) {
	sources := make([]order.Source, benchBatch)
	settlements := make([]pipeline.Settlement, benchBatch)
	for i := range sources {
		src := order.Source{StoreID: "bench-shop", PlatformOrderID: fmt.Sprint(6_210_000_000_000_000_000 + first + i)}
		o := order.Order{
			Source: src, Platform: order.Shopify, Name: fmt.Sprint("#", first+i), OrderTS: time.Now(), Status: order.Paid,
			Currency: "EUR", BuyerID: "7102030405",
		}
		for line := range 3 {
			o.Lines = append(o.Lines, order.Line{
				LineID: fmt.Sprint(6_310_000_000_000_000_000 + line), Kind: order.Product,
				PlatformSKU: "SKU-1", Quantity: 1, UnitPriceMinor: 4000, GrossMinor: 4000, TaxMinor: 667,
			})
		}
		r := order.Revision{Source: src, Channel: order.Webhook, Kind: order.Snapshot, Version: order.Version{Updated: 1}, Order: &o}
		state, err := order.Merge(order.State{}, r)
		if err != nil {
			b.Fatal(err)
		}
		snapshot := fmt.Sprintf(`{"source":%q,"steps":%q}`, src, strings.Repeat(`{"component_id":"unilevel","rate":"5%","base":3333}`, 50))
		sum := sha256.Sum256([]byte(snapshot))
		s := pipeline.Settlement{
			Source: src, Platform: order.Shopify, State: state, Outcome: pipeline.Settled, Order: &o, Revision: 1,
			Snapshot: []byte(snapshot), SnapshotID: hex.EncodeToString(sum[:]), Pins: &pipeline.Pins{},
			Revisions:  []pipeline.Revised{{DeliveryID: fmt.Sprint("d-", first+i), Hash: r.Hash(), Revision: r}},
			Deliveries: []inbox.Finished{{DeliveryID: fmt.Sprint("d-", first+i), Status: inbox.Done, Result: "settled", At: time.Now()}},
		}
		want := make([]ledger.Balance, benchPostings)
		for level := range want {
			want[level] = ledger.Balance{AmountMinor: 100, Key: ledger.Key{
				Source: src.String(), LineID: o.Lines[level%3].LineID,
				ComponentID: "unilevel", DistributorID: fmt.Sprintf("B%05d", (first+i*31+level*7919)%100_000), Kind: ledger.Earning, Currency: "EUR",
			}}
		}
		if s.Postings, err = ledger.Difference("bench", 1, nil, want, ledger.Stamp{SnapshotID: s.SnapshotID, OrderTS: 1, PostedAt: 1}); err != nil {
			b.Fatal(err)
		}
		sources[i], settlements[i] = src, s
	}
	return sources, settlements
}

func openBench(b *testing.B, c store.Config) *store.Store {
	s, err := store.Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// BenchmarkBodies stores deliveries, 32 at a time, and forgets their bodies when they are old, where these are in their deliveries and where
// they are in partitions: microseconds and bytes of PostgreSQL's log for a delivery. What was forgotten in place is vacuumed.
func BenchmarkBodies(b *testing.B) {
	for _, place := range []string{"in deliveries", "apart"} {
		b.Run(place, func(b *testing.B) {
			url, drop, err := store.Scratch(b.Context(), postgresServer(b))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := store.Migrate(b.Context(), store.Config{DatabaseURL: url}); err != nil {
				b.Fatal(err)
			}
			w := bodyWorld{raw: openRaw(b, url), one: openBench(b, store.Config{DatabaseURL: url})}
			exec(b, w.raw, `UPDATE installation SET value = '`+place+`' WHERE name = 'bodies'`)
			benchmarkBodies(b, w)
			if err := errors.Join(w.one.Close(), w.raw.Close(), drop(b.Context())); err != nil {
				b.Error(err)
			}
		})
	}
}

func benchmarkBodies(b *testing.B, w bodyWorld) {
	const atOnce, perRound = 32, 32 * 1000
	var kept, forgotten measured
	at, body := noon, make([]byte, 1800)
	for b.Loop() {
		kept.of(b, w, perRound, func() {
			w.turn(b, at)
			for range perRound / atOnce {
				rows := make([]inbox.Row, atOnce)
				for i := range rows {
					at = at.Add(time.Millisecond)
					rows[i] = arrived(at)
					random := sha256.Sum256([]byte(rows[i].DeliveryID)) // as a platform's ids of deliveries are
					rows[i].PlatformDeliveryID, rows[i].SealedBody = hex.EncodeToString(random[:16]), body
				}
				w.put(b, w.one, rows...)
			}
		})
		exec(b, w.raw, `UPDATE inbox_state SET status = 'done'`)
		at = at.Add(2 * bodyKeep)
		forgotten.of(b, w, perRound, func() {
			for n := int64(1); n > 0; {
				var err error
				n, err = w.one.DropBodies(b.Context(), at, 500)
				check(b, err)
			}
			w.turn(b, at)
			exec(b, w.raw, `VACUUM inbox`)
		})
	}
	kept.report(b, "stored")
	forgotten.report(b, "forgotten")
	b.ReportMetric(0, "ns/op") // a round has no meaning of its own
}

// measured is what something took for each of many.
type measured struct {
	took      time.Duration
	log, many int64
}

// of adds what f takes for so many.
func (m *measured) of(b *testing.B, w bodyWorld, many int64, f func()) {
	b.Helper()
	written := func() (at int64) {
		check(b, w.raw.QueryRow(`SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn`).Scan(&at))
		return at
	}
	exec(b, w.raw, `CHECKPOINT`)
	from, begin := written(), time.Now()
	f()
	m.took += time.Since(begin)
	m.log += written() - from
	m.many += many
}

func (m *measured) report(b *testing.B, what string) {
	b.Helper()
	b.ReportMetric(float64(m.took.Microseconds())/float64(m.many), "us/"+what)
	b.ReportMetric(float64(m.log)/float64(m.many), "B-log/"+what)
}
