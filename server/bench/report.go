package bench

import (
	"fmt"
	"io"
)

// Print writes the report for people.
func (r IngestReport) Print(w io.Writer) error {
	_, err := fmt.Fprintf(w, `database                       %s, %d cores shared with the generator
ingest, %d connections         %.0f/s of %.0f/s no-op: ratio %.3f (rounds %v)
processor time of no-op        %.2f x
ack p50 / p99 at 1,000/s       %.2f / %.2f ms; no-op %.2f / %.2f ms
ack p99 at 3,000/s             %.2f ms, peak memory %.1f MB
arrival to ledger at 1,000/s   p50 %.2f ms, p99 %.2f ms
drain                          %.0f orders/s of %.0f/s bare insert: ratio %.2f (%d postings)
processor time                 ingest %.0f us, no-op %.0f us; drain %.0f us an order; serving 1,000/s %.0f us an order
others used                    %.1f %% of the machine
`, r.Database, r.Cores, r.Connections, r.IngestPerS, r.NoopPerS, r.RatioToNoop, r.RatioToNoopAll, r.CPURatioToNoop,
		r.OpenLoop1000P50, r.OpenLoop1000P99, r.NoopOpenLoop1000P50, r.NoopOpenLoop1000P99, r.OpenLoop3000P99, r.PeakRSSMB,
		r.AckToLedgerP50, r.AckToLedgerP99, r.DrainOrdersPerS, r.BulkOrdersPerS, r.DrainRatio, r.Postings,
		r.IngestCPU, r.NoopCPU, r.DrainCPU, r.ServeCPU, r.ForeignCPUPercent)
	return err
}

// Print writes the report for people.
func (r *CloseReport) Print(w io.Writer) error {
	_, err := fmt.Fprintf(w, `%d distributors (%s, %d levels), %d order lines, %d cores
qualify        %8.2f s
orders         %8.2f s
close          %8.2f s
computed in    %8.2f s, %.2f s of processor time, at most %.0f MB
paid           %d amounts
`, r.Distributors, r.Shape, r.Levels, r.Lines, r.Workers, r.Steps["qualify"], r.Steps["orders"], r.Steps["close"],
		r.ComputeSeconds, r.CPUSeconds, r.PeakRSSMB, r.Amounts)
	if err != nil || r.SQL == nil {
		return err
	}
	_, err = fmt.Fprintf(w, "by SQL         %8.2f s for %d distributors and %d lines, where the engine takes %.2f s: %.0f times\n",
		r.SQLSeconds, r.SQL.Distributors, r.SQL.Lines, r.SQL.EngineSeconds, r.Ratio)
	return err
}
