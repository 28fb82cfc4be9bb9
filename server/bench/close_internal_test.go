package bench

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/period"
	"upline.dev/upline/server/planfile"
)

// TestCloseBenchPaysWhatEachOrderPays settles every order of a small company by itself, walking up person by person.
func TestCloseBenchPaysWhatEachOrderPays(t *testing.T) {
	t.Parallel()
	p, _, err := planfile.Read(closePlan, "close.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const people, lines = 400, 6000
	for _, shape := range []string{ShapeRandom, ShapeWide, ShapeDeep} {
		w := crowdOf(t.Context(), people, lines, shape)
		var r CloseReport
		f, err := r.compute(t.Context(), &CloseConfig{Workers: 2}, w, p)
		if err != nil {
			t.Fatal(err)
		}
		want := make([][]int64, len(p.Components))
		want[0], want[1] = make([]int64, people), make([]int64, people)
		var walker commission.Walker
		sales, amounts := w.Sales.(*syntheticSales), 0
		for i := range lines {
			var sale period.Sale
			sales.line(i, &sale)
			in := commission.Input{
				Currency: w.Currency, OrderTS: sale.At, Source: order.Source{StoreID: "bench", PlatformOrderID: "1"},
				Attribution: order.Attribution{DistributorID: w.People.ID(sale.Seller)},
				Pins:        commission.Pins{PlanHash: p.Hash(), TreeVersion: 1, CatalogVersion: 1, EngineVersion: commission.EngineVersion},
				Lines: []commission.Line{{
					LineID: "1", SKUID: "tea", CommissionClass: w.Classes[sale.Class], Quantity: 1, NetMinor: sale.Net, CV: sale.CV, QV: sale.QV,
				}},
			}
			if sale.Buyer >= 0 {
				in.Buyer = w.People.ID(sale.Buyer)
			}
			var upline []int32
			for at := sale.Seller; at >= 0; at = w.Sponsor.Parent[at] {
				upline = append(upline, at)
				in.Upline = append(in.Upline, genealogy.Person{ID: w.People.ID(at), Status: w.People.Status[at], Rank: p.Ranks[f.standings.Rank[at]]})
			}
			list, err := walker.Amounts(&in, p)
			if err != nil {
				t.Fatal(err)
			}
			for j := range list {
				if a := &list[j]; a.Position >= 0 && !a.Breakage() {
					want[a.Component][upline[a.Position]] += a.PaidMinor()
					amounts++
				}
			}
		}
		if diff := cmp.Diff(want, f.orders.Paid); diff != "" || amounts < lines {
			t.Errorf("%s, %d amounts (-each order +bench):\n%s", shape, amounts, diff)
		}
	}
}

// postgresServer is the server that .ci/services.sh started.
func postgresServer(t *testing.T) string {
	t.Helper()
	url := os.Getenv("UPLINE_TEST_POSTGRES")
	if url == "" {
		if os.Getenv("UPLINE_REQUIRE_SERVERS") != "" {
			t.Fatal("UPLINE_TEST_POSTGRES is not set: start the tests through .ci/services.sh")
		}
		t.Skip("UPLINE_TEST_POSTGRES is not set: start the tests through .ci/services.sh")
	}
	return url
}

// TestCloseThroughDatabase closes from PostgreSQL and back into it, and holds every figure against recursive SQL.
func TestCloseThroughDatabase(t *testing.T) {
	t.Parallel()
	url := postgresServer(t)
	for _, shape := range []string{ShapeRandom, ShapeWide} {
		c := CloseConfig{Distributors: 2000, Lines: 30_000, Shape: shape, DatabaseURL: url, SQLWithin: time.Minute}
		r, err := Close(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		memory := c
		memory.DatabaseURL = ""
		same, err := Close(t.Context(), memory)
		if err != nil {
			t.Fatal(err)
		}
		if r.PaidMinor != same.PaidMinor || r.Amounts != same.Amounts || r.Database.LinesRead != c.Lines || r.Database.PeopleRead != c.Distributors {
			t.Errorf("%s: %+v through the database, %+v without", shape, r, same)
		}
		if !r.SQL.Same || r.SQL.ExtrapolatedFrom != 0 || r.SQL.Unfinished || r.Database.Standings != c.Distributors || r.Database.Awards == 0 {
			t.Errorf("%s: %+v, %+v", shape, r.SQL, r.Database)
		}
	}
}

// TestCloseSaysWhereSQLWasNotMeasured asks for part of the company, then for less time than anything takes.
func TestCloseSaysWhereSQLWasNotMeasured(t *testing.T) {
	t.Parallel()
	c := CloseConfig{Distributors: 2000, Lines: 20_000, Shape: ShapeRandom, DatabaseURL: postgresServer(t), SQLWithin: time.Minute, SQLPeople: 500}
	r, err := Close(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if s := r.SQL; !s.Same || s.ExtrapolatedFrom != 500 || s.Distributors != 500 || s.Lines != 5000 || r.SQLSeconds <= s.Steps[0].Seconds {
		t.Errorf("part of the company: %+v", r.SQL)
	}
	c.SQLPeople, c.SQLWithin = 0, 1
	if r, err = Close(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if s := r.SQL; !s.Unfinished || s.Same || s.ExtrapolatedFrom != 200 || s.Note == "" {
		t.Errorf("no time at all: %+v", s)
	}
}

// TestCloseStopsWhereItIs ends a close while it reads sales.
func TestCloseStopsWhereItIs(t *testing.T) {
	t.Parallel()
	p, _, err := planfile.Read(closePlan, "close.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w := crowdOf(ctx, 100, 3*period.BlockSales, ShapeWide)
	var r CloseReport
	stop := &stopper{Sales: w.Sales, cancel: cancel}
	w.Sales = stop
	if _, err := r.compute(ctx, &CloseConfig{Workers: 1}, w, p); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if stop.asked > 3 {
		t.Errorf("it went on for %d blocks", stop.asked)
	}
}

type stopper struct {
	period.Sales
	cancel context.CancelFunc
	asked  int
}

func (s *stopper) Block(i int, buf []period.Sale) ([]period.Sale, error) {
	if s.asked++; s.asked == 2 {
		s.cancel()
	}
	return s.Sales.Block(i, buf)
}
