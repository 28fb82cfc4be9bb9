package reconcile_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"upline.dev/upline/server/reconcile"
)

// memoryMax is what a reconciliation may use, however much was missed.
const memoryMax = 200 << 20

// BenchmarkTenThousandMissed finds and mends 10,000 orders of which no webhook ever came, by a bulk operation against the
// stand-in for Shopify, until the last one is settled. The memory is that of the whole process, stand-in, database and pipeline
// included.
func BenchmarkTenThousandMissed(b *testing.B) {
	const missed = 10_000
	for b.Loop() {
		w := open(b)
		w.sell(b, missed)
		runtime.GC()
		var highest atomic.Uint64
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				highest.Store(max(highest.Load(), m.HeapInuse+m.StackInuse))
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		}()
		began := time.Now()
		r, err := w.service.Reconcile(b.Context(), day(true), func(reconcile.Run) {})
		must(b, err)
		found := time.Since(began)
		w.drained(b)
		settled := time.Since(began)
		close(stop)
		<-stopped
		peak := highest.Load()
		if r.Counts.Mended != missed || r.DeltaMinor != missed*10000-missed/100*5000 || peak > memoryMax {
			b.Fatalf("%+v, delta %d, %d MB", r.Counts, r.DeltaMinor, peak>>20)
		}
		b.ReportMetric(float64(peak>>20), "peak-MB")
		b.ReportMetric(found.Seconds(), "mended-s")
		b.ReportMetric(settled.Seconds(), "settled-s")
	}
}
