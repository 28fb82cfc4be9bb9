package commission_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// member is one person of a small company. The members of a world come with uplines before downlines.
type member struct {
	id     string
	up     string // sponsor; "" at the top
	rank   string
	status genealogy.Status // "" is active
	idle   bool             // not active in the period
}

// monthOf makes a close of a month from members and sales; sales name people by number.
func monthOf(t rapid.TB, p *plan.Plan, members []member, sales ...period.Sale) commission.CloseInput {
	t.Helper()
	number := map[string]int32{"": period.Nobody}
	world := &period.World{
		Period:   period.Period{ID: "2026-03", Kind: plan.Monthly, From: 1772323200000000, To: 1775001600000000},
		Classes:  []string{"tea", "cup", "kit"},
		Currency: p.PeriodCurrency(),
		Sales:    period.List(sales),
	}
	standings := &period.Standings{}
	for i, m := range members {
		number[m.id] = int32(i)
		rank, ok := p.Rank(m.rank)
		if !ok {
			t.Fatalf("rank %s is not in the plan", m.rank)
		}
		if m.status == "" {
			m.status = genealogy.Active
		}
		world.People.Status = append(world.People.Status, m.status)
		world.Sponsor.Parent = append(world.Sponsor.Parent, number[m.up])
		standings.Rank = append(standings.Rank, int8(rank))
		standings.Active = append(standings.Active, !m.idle)
	}
	world.People.Count = int32(len(members))
	world.People.ID = func(person int32) string { return members[person].id }
	world.Enroller = world.Sponsor
	n := len(members)
	standings.PV, standings.GV, standings.OwnCV = make([]int64, n), make([]int64, n), make([]int64, n)
	standings.Frontier = make([]int32, n)
	return commission.CloseInput{World: world, Standings: standings, TreeVersion: 7}
}

// sold is a sale of whole CV and of as many major units net, credited to seller and bought by a customer.
func sold(seller int32, cv int64) period.Sale {
	return period.Sale{
		Seller: seller, Buyer: period.Nobody, Customer: period.Nobody, Order: period.Nobody, Quantity: 1,
		CV: money.Volume(cv * 1_000_000), QV: money.Volume(cv * 1_000_000), Net: cv * 100,
	}
}

// books writes a closing as lines a person can compare.
func books(in commission.CloseInput, p *plan.Plan, c *commission.Closing) []string {
	var out []string
	for _, a := range c.Awards() {
		if a.AmountMinor != 0 {
			out = append(out, fmt.Sprintf("%s %s %d", p.Components[a.Component].ID, in.World.People.ID(a.Person), a.AmountMinor))
		}
	}
	for _, l := range c.Lost() {
		out = append(out, fmt.Sprintf("%s %s %d breakage: %s", p.Components[l.Component].ID, in.World.People.ID(l.Person), l.AmountMinor, l.Reason))
	}
	for _, cut := range c.Cuts() {
		out = append(out, fmt.Sprintf("%s %s cap %s takes %d", p.Components[cut.Component].ID, in.World.People.ID(cut.Person), p.Caps[cut.Cap].ID, cut.CutMinor))
	}
	return out
}

func TestCloseRetail(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, `{"name":"retail","currency":"EUR","ranks":["member","gold"],"volume":{"money":{"EUR":"1"}},"components":[
{"id":"retail","type":"retail","period":"monthly","base":"cv","commissionable":"50%","rates":[{"rate":"10%"},{"rank":"gold","rate":"12.5%"},{"class":"kit","rate":"0%"}]}]}`)
	members := []member{{id: "A", rank: "gold"}, {id: "B", up: "A"}, {id: "C", up: "B", idle: true}, {id: "D", up: "B", status: genealogy.Terminated}}
	own := sold(0, 1000)
	own.Buyer = 0
	kit := sold(0, 1000)
	kit.Class = 2
	in := monthOf(t, p, members, sold(0, 33), sold(0, 33), sold(1, 7), sold(2, 10), sold(3, 10), own, kit, sold(period.Nobody, 500))
	got, err := commission.Close(in, p)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"retail A 412", "retail B 35", // 66 CV x 12.5 % x 50 % is 4.125; 7 x 10 % x 50 % is 0.35.
		"retail C 50 breakage: not active in the period", "retail D 50 breakage: status terminated",
	}
	if diff := cmp.Diff(want, books(in, p, got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
