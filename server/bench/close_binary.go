package bench

import (
	"context"
	_ "embed"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	compensation "upline.dev/upline/core/plan"
	"upline.dev/upline/server/planfile"
)

// binaryPlan pays the weaker leg, with carry, limits by rank and a limit on what is carried.
//
//go:embed close_binary.yaml
var binaryPlan []byte

// binary closes two months of a full binary tree and measures the second, which begins with what the first carried.
func (r *CloseReport) binary(ctx context.Context, c *CloseConfig) error {
	p, _, err := planfile.Read(binaryPlan, "close_binary.yaml")
	if err != nil {
		return err
	}
	r.Plan, r.Levels, r.Lines = p.Name, 0, c.Distributors
	// Amounts and what is carried grow while they are made; without a limit the collector would let what they grew out of lie.
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(64<<20 + 72*int64(c.Distributors)))
	in := commission.CloseInput{World: positionsOf(c.Distributors), Parallel: onCores(c.Workers), TreeVersion: 1}
	in.Progress = func(int, int) error { return ctx.Err() }
	in.Standings = &period.Standings{Rank: make([]int8, c.Distributors), Active: make([]bool, c.Distributors)}
	for i := range in.Standings.Rank {
		in.Standings.Rank[i], in.Standings.Active[i] = int8(i%3), i%40 != 0
		r.Levels = max(r.Levels, len(strconv.FormatInt(int64(i)+1, 2)))
	}
	first, err := commission.Close(in, p)
	if err != nil {
		return fmt.Errorf("first month: %w", err)
	}
	in.Before = first.After
	first = nil //nolint:wastedassign // Its amounts are not part of what is measured.
	debug.FreeOSMemory()
	forgetPeak()
	cpu, begin := cpuTime(), time.Now()
	second, err := commission.Close(in, p)
	if err != nil {
		return fmt.Errorf("second month: %w", err)
	}
	state := second.After.Binary["legs"]
	hash := state.Hash()
	r.ComputeSeconds, r.CPUSeconds = round(time.Since(begin).Seconds(), 3), round((cpuTime()-cpu).Seconds(), 3)
	r.Steps = []Step{{"close", r.ComputeSeconds, r.CPUSeconds}}
	r.Carried, r.StateHash = state.Len(), hash
	c.tell("close %.2f s, %.2f s of processor time", r.ComputeSeconds, r.CPUSeconds)
	return r.count(&commission.OrderPay{}, second, p)
}

// positionsOf is a full binary tree of n people with one position each, and a sale by each.
func positionsOf(n int) *period.World {
	w := &period.World{
		Period:   period.Period{ID: "2026-03", Kind: compensation.Monthly, From: closeFrom, To: closeTo},
		Currency: "EUR", Classes: []string{"tea"}, Countries: []string{"DE"}, Sales: eachSells(n),
		People: period.People{Count: int32(n), Status: make([]genealogy.Status, n)}, //nolint:gosec // the command bounds it
	}
	w.People.ID = func(person int32) genealogy.DistributorID { return crowdID(int(person)) }
	w.Positions = period.Positions{Parent: make([]int32, n), Leg: make([]uint8, n), Owner: make([]int32, n)}
	w.Positions.Primary = w.Positions.Owner
	w.Positions.Index = func(id string) (int32, bool) {
		i, err := strconv.Atoi(id[1:])
		return int32(i), err == nil && i < n //nolint:gosec // below n
	}
	for i := range n {
		w.People.Status[i] = genealogy.Active
		w.Positions.Parent[i], w.Positions.Leg[i] = int32((i-1)>>1), uint8(1-i&1)
		w.Positions.Owner[i] = int32(i)
	}
	w.Positions.Parent[0] = period.Nobody
	return w
}

// eachSells is one sale by everybody.
type eachSells int

var _ period.Sales = eachSells(0)

// Blocks is one for each period.BlockSales people.
func (n eachSells) Blocks() int { return (int(n) + period.BlockSales - 1) / period.BlockSales }

// Block makes block i.
func (n eachSells) Block(i int, buf []period.Sale) ([]period.Sale, error) {
	buf = buf[:0]
	for person := i * period.BlockSales; person < min(int(n), (i+1)*period.BlockSales); person++ {
		cents := int64(1000 + scatter(uint64(person))%20_000) //nolint:gosec // never negative
		buf = append(buf, period.Sale{
			Seller: int32(person), Buyer: period.Nobody, Customer: period.Nobody, Order: int32(person), //nolint:gosec // below n
			At: closeFrom, Quantity: 1, Net: cents, CV: money.Volume(cents * 10_000), QV: money.Volume(cents * 10_000),
		})
	}
	return buf, nil
}
