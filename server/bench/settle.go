package bench

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/planfile"
)

// SettleReport is what `upline bench settle --json` prints: microseconds of one core for one order of three lines that
// pays a retail line and seven levels, median of many runs.
type SettleReport struct {
	PeoplePerOrder int     `json:"people_per_order"`
	Events         int     `json:"events"`
	CalculateUS    float64 `json:"calculate_us"`
	SnapshotUS     float64 `json:"snapshot_us"`
	SnapshotBytes  int     `json:"snapshot_bytes"`
	DifferenceUS   float64 `json:"difference_us"`
	LeavesUS       float64 `json:"leaves_us"`
	RecomputeUS    float64 `json:"recompute_us"`
}

// settleRuns is how many medians of settleBatch orders are taken.
const (
	settleRuns  = 51
	settleBatch = 200
)

// Settle measures the core alone: no database, one core.
func Settle() (SettleReport, error) { return settle(settleRuns, settleBatch) }

func settle(runs, batch int) (SettleReport, error) {
	microseconds := func(f func()) float64 { return medianMicroseconds(runs, batch, f) }
	p, _, err := planfile.Read([]byte(plan), "bench.yaml")
	if err != nil {
		return SettleReport{}, err
	}
	in, net := settleInput(p.Hash())
	result, err := commission.Calculate(in, p)
	if err != nil {
		return SettleReport{}, fmt.Errorf("calculate: %w", err)
	}
	snapshot, err := commission.Snapshot(in, net, result)
	if err != nil {
		return SettleReport{}, fmt.Errorf("snapshot: %w", err)
	}
	source := in.Source.String()
	want, err := ledger.Want(source, in.Currency, result)
	if err != nil {
		return SettleReport{}, fmt.Errorf("sum: %w", err)
	}
	postings, err := ledger.Difference(programID, 1, nil, want, ledger.Stamp{OrderTS: 1, PostedAt: 1})
	if err != nil {
		return SettleReport{}, fmt.Errorf("difference: %w", err)
	}
	r := SettleReport{PeoplePerOrder: len(in.Upline), Events: len(result.Events), SnapshotBytes: len(snapshot)}
	r.CalculateUS = microseconds(func() { _, _ = commission.Calculate(in, p) })
	r.SnapshotUS = microseconds(func() { _, _ = commission.Snapshot(in, net, result) })
	r.DifferenceUS = microseconds(func() {
		want, _ := ledger.Want(source, in.Currency, result)
		_, _ = ledger.Difference(programID, 1, nil, want, ledger.Stamp{OrderTS: 1, PostedAt: 1})
	})
	r.LeavesUS = microseconds(func() { ledger.Leaves(postings) })
	r.RecomputeUS = microseconds(func() { _, _ = commission.Recompute(snapshot) })
	return r, nil
}

func settleInput(planHash string) (commission.Input, order.Breakdown) {
	in := commission.Input{
		Source: order.Source{StoreID: "bench-shop", PlatformOrderID: "6210000000000000001"}, OrderTS: 1_790_000_000_000_000,
		Currency: "EUR", Attribution: order.Attribution{DistributorID: "B00000", Winner: order.CartReference, Value: "B00000"},
		Pins: commission.Pins{PlanHash: planHash, TreeVersion: 1, CatalogVersion: 1, EngineVersion: commission.EngineVersion},
	}
	net := order.Breakdown{Counts: true}
	for i := range 3 {
		id := strconv.FormatInt(6310000000000000000+int64(i), 10)
		in.Lines = append(in.Lines, commission.Line{
			LineID: id, SKUID: "SKU", PlatformSKU: "SKU", CommissionClass: "a", Quantity: 1,
			NetMinor: 3333, CV: 33_330_000, QV: 33_330_000, UnitPriceMinor: 4000,
		})
		net.Lines = append(net.Lines, order.LineNet{LineID: id, GrossMinor: 4000, TaxMinor: 667, NetMinor: 3333, QuantityLeft: 1})
		net.NetMinor += 3333
	}
	for i := range 8 {
		in.Upline = append(in.Upline, genealogy.Person{ID: fmt.Sprintf("B%05d", i), Status: genealogy.Active, Rank: "member"})
	}
	return in, net
}

// medianMicroseconds is the median time of one call.
func medianMicroseconds(runs, batch int, f func()) float64 {
	all := make([]float64, runs)
	for i := range all {
		begin := time.Now()
		for range batch {
			f()
		}
		all[i] = float64(time.Since(begin).Nanoseconds()) / 1000 / float64(batch)
	}
	slices.Sort(all)
	return round(all[len(all)/2], 2)
}

// Print writes the report for people.
func (r SettleReport) Print(w io.Writer) error {
	_, err := fmt.Fprintf(w, `one order, %d people, %d events, one core:
calculate   %7.2f µs
snapshot    %7.2f µs (%d bytes)
difference  %7.2f µs
leaves      %7.2f µs
recompute   %7.2f µs
`, r.PeoplePerOrder, r.Events, r.CalculateUS, r.SnapshotUS, r.SnapshotBytes, r.DifferenceUS, r.LeavesUS, r.RecomputeUS)
	return err
}
