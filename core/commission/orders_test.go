package commission_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// orderOf is a sale as an order of one line.
func orderOf(in *commission.CloseInput, p *plan.Plan, sale *period.Sale) commission.Input {
	var upline []genealogy.Person
	for at := sale.Seller; at >= 0; at = in.World.Sponsor.Parent[at] {
		upline = append(upline, genealogy.Person{
			ID: in.World.People.ID(at), Status: in.World.People.Status[at], Rank: p.Ranks[in.Standings.Rank[at]],
		})
	}
	order := lineOf(p, upline, sale, in.World.Classes[sale.Class])
	if sale.Buyer >= 0 {
		order.Buyer = in.World.People.ID(sale.Buyer)
	}
	return order
}

func lineOf(p *plan.Plan, upline []genealogy.Person, s *period.Sale, class string) commission.Input {
	return sale(p, "EUR", upline, commission.Line{CommissionClass: class, NetMinor: s.Net, CV: s.CV, Quantity: 1})
}

func TestSettleOrdersIsCalculateForEach(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
		p, err := plan.Parse(fmt.Appendf(nil, `{"name":"bulk","currency":"EUR","ranks":["member","silver","gold","diamond"],
"rounding":%q,"attribution":{"self_retail":%s},"volume":{"money":{"EUR":"0.37"}},"components":[
{"id":"retail","type":"retail","rates":[{"rate":"18.75%%"},{"rank":"gold","rate":"21%%"},{"class":"kit","rate":"0%%"}]},
{"id":"later","type":"retail","period":"monthly","rates":[{"rate":"1%%"}]},
{"id":"team","type":"unilevel","base":%q,"commissionable":%q,"compression":%q,"levels_from":%q,"include_self":%s,"rates":[
 {"rank":"member","levels":["5%%"]},{"rank":"silver","levels":["5%%","0%%","4.5%%"]},{"rank":"gold","levels":["6%%","0%%","3.3333333%%","2%%"]},
 {"rank":"diamond","levels":["6%%","0%%","3%%","2%%","1%%"]},{"class":"kit","levels":["1%%","0.5%%"]}]}]}`,
			pick("rounding", "half_even", "down", "up"), pick("self retail", "true", "false"), pick("base", "net", "cv"),
			pick("share", "40%", "99.9999999%"), pick("compression", "none", "dynamic", "to_rank"),
			pick("from", "seller", "buyer"), pick("self", "true", "false")))
		if err != nil {
			t.Fatal(err)
		}
		in := drawCompany(t, p)
		sales, _ := in.World.Sales.Block(0, nil)
		want := make([][]int64, len(p.Components))
		for _, i := range []int{0, 2} {
			want[i] = make([]int64, in.World.People.Count)
		}
		lost := make([]int64, len(p.Components))
		var w commission.Walker
		for i := range sales {
			sale := &sales[i]
			if sale.Net, sale.CV = max(sale.Net, 0), max(sale.CV, 0); sale.Seller < 0 {
				continue
			}
			order := orderOf(&in, p, sale)
			amounts, err := w.Amounts(&order, p)
			if err != nil {
				t.Fatal(err)
			}
			for j := range amounts {
				if a := &amounts[j]; a.Breakage() {
					lost[a.Component] += a.AmountMinor
				} else if a.Position >= 0 {
					at := sale.Seller
					for range a.Position {
						at = in.World.Sponsor.Parent[at]
					}
					want[a.Component][at] += a.PaidMinor()
				}
			}
		}
		world := *in.World
		world.Sales = shuffled{sales[:len(sales)/2], sales[len(sales)/2:]}
		got, err := commission.SettleOrders(&world, in.Standings.Rank, p, backwards)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&commission.OrderPay{Paid: want, Lost: lost}, got); diff != "" {
			t.Fatalf("(-each +bulk)\n%s", diff)
		}
	})
}

func TestSettleOrdersRefusesWhatItDoesNotDo(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"name":"a","currency":"EUR","components":[{"id":"a","type":"retail","rates":[{"rate":"1%"}]}],"caps":[{"id":"c","scope":"line","limit":"1%","of":"net"}]}`,
		`{"name":"b","currency":"EUR","components":[{"id":"a","type":"retail","base":"profit","rates":[{"rate":"1%"}]}]}`,
		`{"name":"c","currency":"EUR","components":[{"id":"a","type":"fixed","period":"order","rates":[{"amount":"1"}]}]}`,
	} {
		p := mustPlan(t, text)
		in := monthOf(t, p, []member{{id: "A"}})
		if _, err := commission.SettleOrders(in.World, in.Standings.Rank, p, nil); !isA[*commission.NotInBulk](err) {
			t.Errorf("%s: error is %v", text, err)
		}
	}
}

// onCores runs on all cores.
func onCores(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { errs[i] = f(i) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// many is sales made as they are asked for.
type many struct {
	blocks, size int
	people       int32
}

func (m many) Blocks() int { return m.blocks }

func (m many) Block(i int, buf []period.Sale) ([]period.Sale, error) {
	if cap(buf) < m.size {
		buf = make([]period.Sale, m.size)
	}
	buf = buf[:m.size]
	state := uint64(i)*0x9e3779b97f4a7c15 + 1
	for j := range buf {
		state = state*6364136223846793005 + 1442695040888963407
		buf[j] = period.Sale{
			Seller: int32(uint32(state>>33) % uint32(m.people)), Buyer: period.Nobody, Customer: period.Nobody, Order: period.Nobody, Quantity: 1,
			Net: int64(state>>40)%20_000 + 100, CV: money.Volume(int64(state>>38)%150_000_000 + 1_000_000),
		}
	}
	return buf, nil
}

// million is a company of many with statuses and ranks; deep makes the first 100,000 one chain.
func million(b *testing.B, p *plan.Plan, people int32, deep bool) commission.CloseInput {
	b.Helper()
	w := &period.World{
		Period:  period.Period{ID: "2026-03", Kind: plan.Monthly, From: 1772323200000000, To: 1775001600000000},
		Classes: []string{"tea"}, Currency: p.PeriodCurrency(), Sales: many{1000, 10_000, people},
	}
	s := &period.Standings{Rank: make([]int8, people), Active: make([]bool, people), GV: make([]int64, people), Frontier: make([]int32, people)}
	w.People.Count = people
	w.People.ID = func(person int32) string { return fmt.Sprintf("D%08d", person) }
	w.People.Status = make([]genealogy.Status, people)
	w.Sponsor.Parent = make([]int32, people)
	state := uint64(7)
	for i := range people {
		state = state*6364136223846793005 + 1442695040888963407
		up := i/8 - 1 + int32(state>>60)%2
		if deep && i < 100_000 {
			up = i - 1
		}
		w.Sponsor.Parent[i] = max(min(up, i-1), period.Nobody)
		w.People.Status[i] = genealogy.Active
		if state>>40%5 == 0 {
			w.People.Status[i] = genealogy.Inactive
		}
		s.Rank[i] = int8(max(0, int32(state>>50)%16-12))
		s.Active[i] = state>>45%4 > 0
	}
	return commission.CloseInput{World: w, Standings: s, Parallel: onCores}
}

func BenchmarkSettle10MillionOrders(b *testing.B) {
	p := mustPlan(b, bigPlan)
	in := million(b, p, 1_000_000, false)
	for b.Loop() {
		if _, err := commission.SettleOrders(in.World, in.Standings.Rank, p, onCores); err != nil {
			b.Fatal(err)
		}
	}
}

const bigPlan = `{"name":"big","currency":"EUR","ranks":["member","silver","gold","diamond"],"volume":{"money":{"*":"1"}},
"components":[{"id":"retail","type":"retail","rates":[{"rate":"20%"}]},
{"id":"team","type":"unilevel","base":"cv","commissionable":"40%","compression":"dynamic","rates":[{"levels":["5%","5%","4%","3.5%","3%","2%","1%"]}]},
{"id":"generations","type":"generation","period":"monthly","base":"cv","commissionable":"40%","compression":"dynamic","generation":{"boundary":"silver"},
"rates":[{"levels":[]},{"rank":"silver","levels":["4%","3%"]},{"rank":"gold","levels":["4%","3%","2%"]},{"rank":"diamond","levels":["5%","4%","3%","2%"]}]},
{"id":"pool","type":"pool","period":"monthly","base":"cv","pool":{"share":"2%"},"rates":[{"shares":"0"},{"rank":"gold","shares":"1"},{"rank":"diamond","shares":"2"}]}]}`

func BenchmarkCloseMillion(b *testing.B) {
	p := mustPlan(b, bigPlan)
	for _, shape := range []string{"random", "deep"} {
		b.Run(shape, func(b *testing.B) {
			in := million(b, p, 1_000_000, shape == "deep")
			var c *commission.Closing
			for b.Loop() {
				var err error
				if c, err = commission.Close(in, p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(c.Awards())), "awards")
			runtime.KeepAlive(c)
		})
	}
}

// The trace of one award is its own figure.
func BenchmarkTrace(b *testing.B) {
	p := mustPlan(b, bigPlan)
	in := million(b, p, 100_000, false)
	c, err := commission.Close(in, p)
	if err != nil {
		b.Fatal(err)
	}
	awards := c.Awards()
	var out []byte
	i, bytes := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		if out, err = c.Trace(out[:0], &awards[i%len(awards)]); err != nil {
			b.Fatal(err)
		}
		bytes += len(out)
		i++
	}
	b.ReportMetric(float64(bytes)/float64(i), "B/trace")
}
