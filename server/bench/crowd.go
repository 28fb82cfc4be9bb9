package bench

import (
	"context"
	"fmt"
	"math/bits"
	"strconv"
	"sync/atomic"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
)

// The shapes of a synthetic company's sponsor tree.
const (
	ShapeRandom = "random" // everybody's sponsor is any earlier person: about twenty levels
	ShapeDeep   = "deep"   // a chain of deepLevels, and everybody else somewhere on or below it
	ShapeWide   = "wide"   // a thousand frontlines
)

const (
	deepLevels = 100_000
	wideTops   = 1_000
)

// The one month that is closed: March 2026, UTC, in microseconds.
const (
	closeFrom = int64(1_772_323_200_000_000)
	closeTo   = closeFrom + 31*86_400_000_000
)

// crowdOf is a company of n people as arrays, the same on every machine.
func crowdOf(ctx context.Context, n, lines int, shape string) *period.World {
	w := &period.World{
		Period:   period.Period{ID: "2026-03", Kind: "monthly", From: closeFrom, To: closeTo},
		Currency: "EUR", Classes: []string{"tea", "kit"}, Countries: []string{"DE"},
		Sales: &syntheticSales{ctx: ctx, people: n, lines: lines},
	}
	w.People = period.People{
		Count:  int32(n), //nolint:gosec // the command bounds it
		ID:     func(person int32) genealogy.DistributorID { return crowdID(int(person)) },
		Status: make([]genealogy.Status, n),
	}
	parents := make([]int32, n)
	for i := range n {
		parents[i] = parentOf(i, shape)
	}
	parents = byDepth(parents)
	for i := range n {
		w.People.Status[i] = genealogy.Active
		if scatter(uint64(i)^0x5eed)%10 == 0 {
			w.People.Status[i] = genealogy.Inactive
		}
	}
	w.Sponsor = period.Tree{Parent: parents}
	w.Enroller = w.Sponsor
	return w
}

// byDepth numbers people as the product does, by depth; parents come first already.
func byDepth(parents []int32) []int32 {
	depth, next := make([]int32, len(parents)), make([]int32, 2, deepLevels+2)
	for i, parent := range parents {
		if parent >= 0 {
			depth[i] = depth[parent] + 1
		}
		if int(depth[i])+2 > len(next) {
			next = append(next, 0)
		}
		next[depth[i]+1]++
	}
	for i := range next[1:] {
		next[i+1] += next[i]
	}
	number, out := depth, make([]int32, len(parents)) // A person's depth is not needed once it has a number.
	for i, parent := range parents {
		at := next[depth[i]]
		next[depth[i]]++
		number[i] = at
		if out[at] = period.Nobody; parent >= 0 {
			out[at] = number[parent]
		}
	}
	return out
}

// crowdID has one length, so that ids sort like numbers.
func crowdID(i int) string { return "p" + strconv.Itoa(100_000_000 + i)[1:] }

func parentOf(i int, shape string) int32 {
	switch {
	case i == 0:
		return period.Nobody
	case shape == ShapeDeep && i < deepLevels:
		return int32(i - 1) //nolint:gosec // the command bounds it
	case shape == ShapeWide && i <= wideTops:
		return 0
	case shape == ShapeWide:
		return int32(1 + scatter(uint64(i))%wideTops) //nolint:gosec // below wideTops
	default:
		return int32(scatter(uint64(i)) % uint64(i)) //nolint:gosec // below i
	}
}

// scatter is splitmix64: the same number for the same seed on every machine.
func scatter(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// syntheticSales are order lines made when they are asked for: reading costs no memory and no disk.
type syntheticSales struct {
	ctx           context.Context //nolint:containedctx // ends passes over the sales, which know of none
	people, lines int
	made          atomic.Int64 // lines so far
}

var _ period.Sales = (*syntheticSales)(nil)

// Blocks is one for each period.BlockSales lines.
func (s *syntheticSales) Blocks() int { return (s.lines + period.BlockSales - 1) / period.BlockSales }

// Block makes block i.
func (s *syntheticSales) Block(i int, buf []period.Sale) ([]period.Sale, error) {
	if cap(buf) < period.BlockSales {
		buf = make([]period.Sale, period.BlockSales)
	}
	from := i * period.BlockSales
	buf = buf[:min(s.lines-from, period.BlockSales)]
	for j := range buf {
		s.line(from+j, &buf[j])
	}
	s.made.Add(int64(len(buf)))
	return buf, s.ctx.Err()
}

// line is an order of one line: every fourth is a distributor's own.
func (s *syntheticSales) line(i int, sale *period.Sale) {
	r := scatter(uint64(i) ^ 0xabcdef)           //nolint:gosec // never negative
	high, low := bits.Mul64(r, uint64(s.people)) //nolint:gosec // never negative
	cents := int64(500 + low>>32%10_000)
	*sale = period.Sale{
		Seller: int32(high), Buyer: period.Nobody, Customer: int32(i), Order: int32(i), //nolint:gosec // the command bounds both
		Class: uint16(r >> 3 & 1), At: closeFrom + int64(r>>20%2_678_400)*1_000_000, Quantity: 1, Net: cents,
		CV: money.Volume(cents * 10_000), QV: money.Volume(cents * 10_000),
	}
	if r&3 == 0 {
		sale.Buyer, sale.Customer = sale.Seller, period.Nobody
	}
}

// Wrong names the first setting that cannot be, with what can; "" is none.
func (c *CloseConfig) Wrong() string {
	const mostWorkers = 1024
	switch {
	case c.Shape != ShapeRandom && c.Shape != ShapeDeep && c.Shape != ShapeWide:
		return fmt.Sprintf("shape %q is none of random, deep, wide", c.Shape)
	case c.Distributors < 1 || c.Distributors > 50_000_000:
		return "distributors must be from 1 to 50000000"
	case c.Lines < 0 || c.Lines > 1_000_000_000:
		return "lines must be from 0 to 1000000000"
	case c.Shape == ShapeDeep && c.Distributors < deepLevels:
		return fmt.Sprintf("a deep tree has %d levels, so it needs as many distributors", deepLevels)
	case c.Workers < 0 || c.Workers > mostWorkers:
		return fmt.Sprintf("workers must be from 1 to %d, or 0 for all cores", mostWorkers)
	case c.SQLPeople < 0:
		return "sql-distributors must be above 0, or 0 for all"
	case c.SQLWithin < 0 || c.DatabaseURL != "" && c.SQLWithin == 0:
		return "sql-within must be a time above 0, such as 10m"
	default:
		return ""
	}
}
