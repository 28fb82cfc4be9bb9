package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/period"
	compensation "upline.dev/upline/core/plan"
)

// OrderLatency is how long one order's calculation takes, one after the other on one core: microseconds over many sellers
// anywhere in the tree. The trace is not in it; `bench settle` has that.
type OrderLatency struct {
	Orders int     `json:"orders"`
	AtMost int     `json:"upline_at_most"` // people fetched: where nearly everybody is passed over, a real upline is longer
	P50    float64 `json:"calculate_p50_us"`
	P99    float64 `json:"calculate_p99_us"`
	// Upline is the walk from the seller to the top, as far as anybody can be paid.
	UplineP50 float64 `json:"upline_p50_us"`
	UplineP99 float64 `json:"upline_p99_us"`
}

// Orders that are timed, and how far up people are fetched: more than seven levels with everybody skipped on the way.
const (
	timedOrders = 100_000
	timedUpline = 64
)

// orderLatency times the same walker that settles orders.
func orderLatency(ctx context.Context, w *period.World, ranks []int8, p *compensation.Plan) (*OrderLatency, error) {
	sales, ok := w.Sales.(*syntheticSales)
	if !ok || sales.lines == 0 {
		return nil, nil //nolint:nilnil // There is nothing to time.
	}
	uplines, calculations := make([]time.Duration, timedOrders), make([]time.Duration, timedOrders)
	var walker commission.Walker
	in := commission.Input{Currency: w.Currency, OrderTS: closeFrom, Source: order.Source{StoreID: "bench", PlatformOrderID: "1"}}
	in.Pins = commission.Pins{PlanHash: p.Hash(), TreeVersion: 1, CatalogVersion: 1, EngineVersion: commission.EngineVersion}
	var sale period.Sale
	for i := range timedOrders {
		if i%1000 == 0 && ctx.Err() != nil {
			return nil, fmt.Errorf("order: stopped: %w", ctx.Err())
		}
		sales.line(int(scatter(uint64(i))%uint64(sales.lines)), &sale) //nolint:gosec // below lines
		begin := time.Now()
		in.Upline = in.Upline[:0]
		for at := sale.Seller; at >= 0 && len(in.Upline) < timedUpline; at = w.Sponsor.Parent[at] {
			in.Upline = append(in.Upline, genealogy.Person{ID: "p", Status: w.People.Status[at], Rank: p.Ranks[ranks[at]]})
		}
		uplines[i] = time.Since(begin)
		in.Upline[0].ID = w.People.ID(sale.Seller)
		in.Attribution.DistributorID, in.Buyer = in.Upline[0].ID, ""
		if sale.Buyer >= 0 {
			in.Buyer = in.Upline[0].ID
		}
		in.Lines = append(in.Lines[:0], commission.Line{
			LineID: "1", SKUID: "tea", CommissionClass: w.Classes[sale.Class], Quantity: 1, NetMinor: sale.Net, CV: sale.CV, QV: sale.QV,
		})
		begin = time.Now()
		if _, err := walker.Amounts(&in, p); err != nil {
			return nil, fmt.Errorf("one order: %w", err)
		}
		calculations[i] = time.Since(begin)
	}
	us := func(all []time.Duration, part float64) float64 {
		slices.Sort(all)
		return round(float64(all[int(float64(len(all)-1)*part)].Nanoseconds())/1000, 2)
	}
	return &OrderLatency{timedOrders, timedUpline, us(calculations, 0.5), us(calculations, 0.99), us(uplines, 0.5), us(uplines, 0.99)}, nil
}
