package period_test

import (
	"runtime"
	"sync"
	"testing"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// benchPlan has what costs time: ten ranks with leg shares, PGV, legs by rank and volume, and counted customers.
func benchPlan(t testing.TB) *plan.Plan {
	t.Helper()
	p, err := plan.Parse([]byte(`{"name":"bench","effective_from":"2026-01-01T00:00:00Z","currency":"EUR","volume":{"money":{"EUR":"1"}},
		"ranks":["r0","r1","r2","r3","r4","r5","r6","r7","r8","r9","r10"],
		"qualification":{"active":{"pv":">= 100"},"breakaway_rank":"r6","grace_periods":1,"ranks":[
		{"rank":"r1","requires":{"all":[{"active":true},{"gv":">= 500"}]}},
		{"rank":"r2","requires":{"all":[{"active":true},{"gv":">= 1000","max_leg_share":"60%"}]}},
		{"rank":"r3","requires":{"all":[{"active":true},{"gv":">= 2500","max_leg_share":"60%"},{"active_legs":">= 2"}]}},
		{"rank":"r4","requires":{"all":[{"pv":">= 150"},{"gv":">= 5000","max_leg_share":"60%"},{"legs":{"rank":"r2","count":">= 2"}}]}},
		{"rank":"r5","requires":{"all":[{"pv":">= 150"},{"pgv":">= 3000"},{"legs":{"volume":"1000","count":">= 3"}}]}},
		{"rank":"r6","requires":{"all":[{"pv":">= 150"},{"pgv":">= 5000"},{"legs":{"rank":"r4","count":">= 2"}}]}},
		{"rank":"r7","requires":{"all":[{"pv":">= 200"},{"gv":">= 50000","max_leg_share":"50%"},{"legs":{"rank":"r5","count":">= 3"}}]}},
		{"rank":"r8","requires":{"all":[{"pv":">= 200"},{"gv":">= 100000","max_leg_share":"50%"},{"leg":{"n":2,"volume":">= 20000"}}]}},
		{"rank":"r9","requires":{"all":[{"pv":">= 200"},{"gv":">= 500000","max_leg_share":"40%"},{"legs":{"rank":"r8","count":">= 2"}}]}},
		{"rank":"r10","requires":{"all":[{"pv":">= 200"},{"gv":">= 1000000","max_leg_share":"40%"},{"legs":{"rank":"r9","count":">= 3"}}]}}]},
		"components":[{"id":"retail","type":"retail","rates":[{"class":"*","rank":"*","rate":"10%"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// dice gives the same numbers on every machine.
type dice uint64

func (d *dice) below(n int) int {
	*d = *d*6364136223846793005 + 1442695040888963407
	return int(uint64(*d) >> 33 % uint64(n))
}

// shaped is a tree of n people: random (some 20 deep), deep (100,000 levels, the rest below them) or wide (all under one).
func shaped(n int, shape string) []int32 {
	const levels = 100_000
	parents := make([]int32, n)
	d := dice(1)
	for i := range parents {
		switch {
		case i == 0:
			parents[i] = period.Nobody
		case shape == "wide":
			parents[i] = 0
		case shape == "deep" && i < levels:
			parents[i] = int32(i - 1)
		case shape == "deep":
			parents[i] = int32(d.below(levels - 1))
		default:
			parents[i] = int32(d.below(i))
		}
	}
	return parents
}

// rolled are sales made up on the fly, so that ten million of them need no memory.
type rolled struct{ people, blocks int }

func (r rolled) Blocks() int { return r.blocks }

func (r rolled) Block(i int, buf []period.Sale) ([]period.Sale, error) {
	const each = 10_000
	d := dice(i + 1)
	for j := range each {
		s := period.Sale{Buyer: period.Nobody, Quantity: 1, At: march.From}
		line := int32(i*each + j)
		s.Order, s.Customer = line/3, line%100_000
		who := dice(s.Order * 7)
		s.Seller = int32(who.below(r.people))
		s.QV = money.Volume(d.below(60)) * 1_000_000
		s.CV, s.Net = s.QV*8/10, int64(s.QV)/10_000
		buf = append(buf, s)
	}
	return buf, nil
}

func benchWorld(n int, shape string, blocks int) *period.World {
	w := &period.World{Period: march, Classes: []string{"standard"}, Currency: "EUR", Sales: rolled{n, blocks}}
	w.Sponsor.Parent = shaped(n, shape)
	w.Enroller = w.Sponsor
	w.People = period.People{Count: int32(n), ID: func(int32) string { return "D" }, Status: make([]genealogy.Status, n)}
	for i := range w.People.Status {
		w.People.Status[i] = genealogy.Active
	}
	return w
}

// spread is Parallel on all cores.
func spread(n int, f func(int) error) error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = f(i) })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func BenchmarkQualify1M(b *testing.B) {
	p := benchPlan(b)
	for _, shape := range []string{"random", "deep", "wide"} {
		for name, blocks := range map[string]int{"": 0, "-10M-sales": 1000} {
			b.Run(shape+name, func(b *testing.B) {
				w := benchWorld(1_000_000, shape, max(1, blocks))
				runtime.GC()
				b.ReportAllocs()
				for b.Loop() {
					if _, err := period.Qualify(w, p, spread); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkSales is what the pass over the sales costs without anybody's rank, and making the sales up.
func BenchmarkSales10M(b *testing.B) {
	r := rolled{1_000_000, 1000}
	buf := make([]period.Sale, 0, period.BlockSales)
	for b.Loop() {
		for i := range r.blocks {
			if _, err := r.Block(i, buf); err != nil {
				b.Fatal(err)
			}
		}
	}
}
