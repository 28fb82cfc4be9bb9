package bench

import (
	"fmt"
	"io"
	"strings"
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
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	line("%d distributors (%s, %d levels), %d order lines, %d cores", r.Distributors, r.Shape, r.Levels, r.Lines, r.Workers)
	for _, step := range r.Steps {
		line("%-14s %8.2f s, %.2f s of processor time", step.Name, step.Seconds, step.CPUSeconds)
	}
	line("computed in    %8.2f s, %.2f s of processor time, at most %.0f MB", r.ComputeSeconds, r.CPUSeconds, r.PeakRSSMB)
	line("in total       %8.2f s", r.TotalSeconds)
	line("paid           %d amounts", r.Amounts)
	if o := r.Order; o != nil {
		line("one order      %8.2f µs at the median, %.2f µs at p99; fetching its upline %.2f and %.2f µs", o.P50, o.P99, o.UplineP50, o.UplineP99)
	}
	if r.StateHash != "" {
		line("carried        %d positions, state %s", r.Carried, r.StateHash)
	}
	if s := r.SQL; s != nil {
		how := "measured"
		switch {
		case s.Unfinished:
			how = "stopped before it was done"
		case s.ExtrapolatedFrom > 0:
			how = fmt.Sprintf("extrapolated from %d distributors and %d lines", s.Distributors, s.Lines)
		}
		line("recursive SQL  %8.2f s, %s: %.1f times the computation, %.1f times the total", r.SQLSeconds, how, r.Ratio, r.RatioToTotal)
	}
	_, err := io.WriteString(w, out.String())
	return err
}
