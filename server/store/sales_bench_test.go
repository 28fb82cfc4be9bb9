package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/store"
)

// BenchmarkSales says what recording sales adds to settling: batches of new orders with two lines each, in turns with
// batches without, so that neighbours slow both alike.
func BenchmarkSales(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkSales(b, openBench(b, store.Config{DataDir: b.TempDir()})) })
	b.Run("postgres", func(b *testing.B) {
		url, drop, err := store.Scratch(b.Context(), postgresServer(b))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := store.Migrate(b.Context(), store.Config{DatabaseURL: url}); err != nil {
			b.Fatal(err)
		}
		benchmarkSales(b, openBench(b, store.Config{DatabaseURL: url}))
		if err := drop(b.Context()); err != nil {
			b.Error(err)
		}
	})
}

func benchmarkSales(b *testing.B, s *store.Store) {
	ctx := b.Context()
	if err := s.CreateProgram(ctx, admin.Program{ProgramID: "bench", Name: "bench", Currency: "EUR"}); err != nil {
		b.Fatal(err)
	}
	next, ratios := 0, []float64{}
	for b.Loop() {
		var took [2]time.Duration
		for turn := range 2 * benchRound {
			sources, settlements := benchSettlements(b, next)
			next += benchBatch
			if turn%2 == 1 {
				for i := range settlements {
					for line := range 2 {
						settlements[i].Sales = append(settlements[i].Sales, pipeline.Sale{
							LineID: fmt.Sprint(line), SellerID: fmt.Sprintf("D%d", next+i), CustomerID: fmt.Sprintf("shop/%d", next+i),
							CommissionClass: "goods", Country: "DE", Currency: "EUR", OrderTS: int64(next + i), Quantity: 1, NetMinor: 4990, CV: 49_900_000, QV: 49_900_000,
						})
					}
				}
			}
			begin := time.Now()
			err := s.InTx(ctx, "bench", pipeline.Subject{Sources: sources}, func(books pipeline.Books) error { return books.Settle(ctx, settlements, nil, begin) })
			if err != nil {
				b.Fatal(err)
			}
			took[turn%2] += time.Since(begin)
		}
		ratios = append(ratios, float64(took[1])/float64(took[0]))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "with/without")
}
