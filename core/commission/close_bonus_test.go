package commission_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// bonusPlan has every component that is not counted in levels of volume, and a match of matches.
const bonusPlan = `{"name":"bonuses","currency":"EUR","ranks":["member","silver","gold"],"volume":{"money":{"EUR":"0.93"}},
"qualification":{"breakaway_rank":"gold"},"components":[
{"id":"retail","type":"retail","period":"monthly","rates":[{"rate":"17%"}]},
{"id":"fast","type":"fast_start","base":"cv","fast_start":{"days":10,"roll_up":true,"excludes":["retail","pool"]},"rates":[{"rank":"member","levels":["20%"]},{"rank":"*","levels":["20%","7%","3%"]}]},
{"id":"match","type":"matching","compression":"dynamic","matching":{"components":["retail","fast"]},"rates":[{"levels":["10%","5%"]}]},
{"id":"again","type":"matching","matching":{"components":["match"]},"rates":[{"levels":["50%"]}]},
{"id":"same","type":"infinity","base":"cv","infinity":{"below":1,"stop":"same_rank"},"rates":[{"rate":"1%"},{"rank":"gold","rate":"2.5%"}]},
{"id":"diff","type":"infinity","base":"cv","infinity":{"below":0,"stop":"differential"},"rates":[{"rank":"member","rate":"0%"},{"rank":"silver","rate":"1%"},{"rank":"gold","rate":"4%"}]},
{"id":"block","type":"infinity","infinity":{"below":2,"stop":"blocking"},"rates":[{"rate":"3%"}]},
{"id":"pool","type":"pool","pool":{"share":"3%"},"rates":[{"rank":"member","shares":"0.5"},{"rank":"silver","shares":"1"},{"rank":"gold","shares":"3"}]},
{"id":"up","type":"x_up","x_up":{"first":1},"rates":[{"rate":"11%"}]},
{"id":"first","type":"first_order","rates":[{"rate":"10%"}]},
{"id":"new","type":"customer_acquisition","customer_acquisition":{"min_cv":"20","bands":[{"from":"1","amount":"3"},{"from":"3","amount":"5"}]}},
{"id":"tiers","type":"bands","bands":{"of":"pgv","pay":"each","bands":[{"from":"10","amount":"1"},{"from":"90","rate":"2%"}]}},
{"id":"party","type":"bands","bands":{"of":"order","bands":[{"from":"30","rate":"5%"},{"from":"60","amount":"4"}]}},
{"id":"units","type":"fixed","period":"monthly","rates":[{"class":"cup","amount":"0.35"}]}]}`

// drawBonus is a random month of a company whose people are numbered top down.
func drawBonus(t *rapid.T, p *plan.Plan) (commission.CloseInput, []member) {
	var members []member
	for i := range rapid.IntRange(1, 12).Draw(t, "people") {
		m := member{id: fmt.Sprintf("D%02d", (i*7+3)%97), rank: rapid.SampledFrom(p.Ranks).Draw(t, "rank")}
		if i > 0 {
			if above := rapid.IntRange(-1, i-1).Draw(t, "sponsor"); above >= 0 {
				m.up = members[above].id
			}
		}
		m.status = rapid.SampledFrom([]genealogy.Status{"active", "active", "active", "suspended"}).Draw(t, "status")
		members = append(members, m)
	}
	var sales []period.Sale
	for i := range rapid.IntRange(0, 20).Draw(t, "sales") {
		s := sold(rapid.Int32Range(-1, int32(len(members))-1).Draw(t, "seller"), rapid.Int64Range(0, 90).Draw(t, "cv"))
		s.Order, s.Class = int32(i/2), uint16(rapid.IntRange(0, 2).Draw(t, "class"))
		s.At = 1772323200000000 + rapid.Int64Range(0, 30).Draw(t, "day")*86_400_000_000
		if s.Buyer = rapid.Int32Range(-3, int32(len(members))-1).Draw(t, "buyer"); s.Buyer < 0 {
			s.Buyer, s.Customer = period.Nobody, rapid.Int32Range(0, 5).Draw(t, "customer")
		}
		s.First = rapid.Bool().Draw(t, "first")
		sales = append(sales, s)
	}
	in := monthOf(t, p, members, sales...)
	for i := range members {
		in.World.People.EnrolledAt = append(in.World.People.EnrolledAt, 1772323200000000+rapid.Int64Range(-9, 9).Draw(t, "enrolled")*86_400_000_000)
		in.Standings.PV[i] = rapid.Int64Range(0, 90).Draw(t, "pv") * 1_000_000
	}
	return in, members
}

// renumbered is the same company with other numbers, its sales in another order and cut into other blocks.
func renumbered(in commission.CloseInput, seed uint64) commission.CloseInput {
	r := rand.New(rand.NewPCG(seed, 1))
	n := int(in.World.People.Count)
	to := r.Perm(n)
	old := make([]int32, n)
	for i, j := range to {
		old[j] = int32(i)
	}
	number := func(person int32) int32 {
		if person < 0 {
			return person
		}
		return int32(to[person])
	}
	world, standing := *in.World, *in.Standings
	id := in.World.People.ID
	world.People.ID = func(person int32) string { return id(old[person]) }
	world.People.Status, world.People.EnrolledAt = make([]genealogy.Status, n), make([]int64, n)
	world.Sponsor = period.Tree{Parent: make([]int32, n)}
	standing.Rank, standing.Active, standing.PV = make([]int8, n), make([]bool, n), make([]int64, n)
	for i := range n {
		j := to[i]
		world.Sponsor.Parent[j] = number(in.World.Sponsor.Parent[i])
		world.Sponsor.Order = append(world.Sponsor.Order, int32(j))
		world.People.Status[j], world.People.EnrolledAt[j] = in.World.People.Status[i], in.World.People.EnrolledAt[i]
		standing.Rank[j], standing.Active[j], standing.PV[j] = in.Standings.Rank[i], in.Standings.Active[i], in.Standings.PV[i]
	}
	world.Enroller = world.Sponsor
	sales, _ := in.World.Sales.Block(0, nil)
	var shuffled blocks
	for _, i := range r.Perm(len(sales)) {
		s := sales[i]
		s.Seller, s.Buyer = number(s.Seller), number(s.Buyer)
		if len(shuffled) == 0 || r.IntN(3) == 0 {
			shuffled = append(shuffled, nil)
		}
		shuffled[len(shuffled)-1] = append(shuffled[len(shuffled)-1], s)
	}
	world.Sales = shuffled
	in.World, in.Standings = &world, &standing
	return in
}

// blocks are sales of several blocks.
type blocks [][]period.Sale

func (b blocks) Blocks() int                                         { return len(b) }
func (b blocks) Block(i int, _ []period.Sale) ([]period.Sale, error) { return b[i], nil }

func idsOf(in commission.CloseInput, p *plan.Plan, c *commission.Closing) []string {
	var out []string
	for _, a := range c.Awards() {
		if a.AmountMinor != 0 && a.Person >= 0 {
			out = append(out, fmt.Sprintf("%s %s %d", p.Components[a.Component].ID, in.World.People.ID(a.Person), a.AmountMinor))
		}
	}
	for _, l := range c.Lost() {
		id := ""
		if l.Person >= 0 {
			id = in.World.People.ID(l.Person)
		}
		out = append(out, fmt.Sprintf("%s %s %d breakage: %s", p.Components[l.Component].ID, id, l.AmountMinor, l.Reason))
	}
	slices.Sort(out)
	return out
}

// Neither the numbers of people nor the order of sales nor their blocks decide anything.
func TestBonusesDoNotDependOnNumbers(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, bonusPlan)
	rapid.Check(t, func(t *rapid.T) {
		in, _ := drawBonus(t, p)
		want, err := commission.Close(in, p)
		if err != nil {
			t.Fatal(err)
		}
		other := renumbered(in, rapid.Uint64().Draw(t, "seed"))
		got, err := commission.Close(other, p)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(idsOf(in, p, want), idsOf(other, p, got)); diff != "" {
			t.Fatalf("(-numbered +renumbered)\n%s", diff)
		}
	})
}

// A pool is shared out to the cent, and is breakage where nobody shares; what pays a fast start is not in it.
func TestPoolIsSharedOutWhole(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, bonusPlan)
	rapid.Check(t, func(t *rapid.T) {
		in, _ := drawBonus(t, p)
		c, err := commission.Close(in, p)
		if err != nil {
			t.Fatal(err)
		}
		sum := map[string]int64{}
		for _, a := range c.Awards() {
			sum[p.Components[a.Component].ID] += a.AmountMinor
		}
		for _, l := range c.Lost() {
			sum[p.Components[l.Component].ID] += l.AmountMinor
		}
		sales, _ := in.World.Sales.Block(0, nil)
		var all int64
		for _, s := range sales {
			if at := in.World.People.EnrolledAt; !fresh(at, s.Seller, s.At) && !fresh(at, s.Buyer, s.At) {
				all += s.Net
			}
		}
		want, err := money.MulDiv(all, 3, 100, money.HalfEven)
		if err != nil || sum["pool"] != want {
			t.Fatalf("the pool of %d gives %d, not %d (%v)", all, sum["pool"], want, err)
		}
	})
}

// fresh is the reading of ten first days by hand.
func fresh(enrolled []int64, person int32, at int64) bool {
	return person >= 0 && at >= enrolled[person] && at < enrolled[person]+10*86_400_000_000
}

// What is not known stops the close by name; it counts neither as early nor as late, nor as a country.
func TestBonusesStopForMissingFacts(t *testing.T) {
	t.Parallel()
	members := []member{{id: "Top"}, {id: "Me", up: "Top"}, {id: "R1", up: "Me"}, {id: "R2", up: "Me"}}
	for name, c := range map[string]struct{ component, says string }{
		"fast start":      {`"type":"fast_start","fast_start":{"days":9},"rates":[{"levels":["1%"]}]`, "distributor R1 has no enrolment date: component x needs it"},
		"x-up":            {`"type":"x_up","x_up":{"first":1},"rates":[{"rate":"1%"}]`, "distributor R1 has no enrolment date: component x needs it"},
		"country of pool": {`"type":"pool","pool":{"share":"1%","by_country":true},"rates":[{"shares":"1"}]`, "distributor Top has no country"},
	} {
		p := mustPlan(t, `{"name":"x","currency":"EUR","components":[{"id":"x",`+c.component+`}]}`)
		in := monthOf(t, p, members, sold(2, 10))
		in.World.Countries = []string{"DE"}
		_, err := commission.Close(in, p)
		if !isA[*commission.MissingFact](err) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	p := mustPlan(t, `{"name":"x","currency":"EUR","components":[{"id":"sales","type":"retail","rates":[{"rate":"1%"}]},
{"id":"x","type":"matching","matching":{"components":["sales"]},"rates":[{"levels":["1%"]}]}]}`)
	in := monthOf(t, p, members)
	if _, err := commission.Close(in, p); err == nil || !strings.Contains(err.Error(), "earned by component sales in the period is not known") {
		t.Errorf("matching without what was earned: error is %v", err)
	}
	in.Earned = make([][]int64, 1) // known, and nothing
	if _, err := commission.Close(in, p); err != nil {
		t.Errorf("matching nothing: error is %v", err)
	}
}

// Depth must not matter: a chain of 100,000 people, all of whom are passed over, is gone through once.
func TestBonusesOfADeepTree(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, bonusPlan)
	const depth = 100_000
	members := make([]member, depth)
	for i := range members {
		members[i] = member{id: fmt.Sprintf("D%06d", i), status: "suspended"}
		if i > 0 {
			members[i].up = members[i-1].id
		}
	}
	members[0].status, members[0].rank = "active", "gold"
	var sales []period.Sale
	for i := range depth {
		sales = append(sales, sold(int32(i), 1))
	}
	in := monthOf(t, p, members, sales...)
	in.World.People.EnrolledAt = make([]int64, depth)
	c, err := commission.Close(in, p)
	if err != nil {
		t.Fatal(err)
	}
	var top []string
	for _, a := range c.Awards() {
		if a.Person == 0 && a.AmountMinor != 0 {
			top = append(top, fmt.Sprintf("%s %d", p.Components[a.Component].ID, a.AmountMinor))
		}
	}
	// 99,998 CV more than one level down x 0.93 x 2.5 %; 99,999 x 0.93 x 4 %; 99,997 net more than two levels down x 3 %.
	for _, want := range []string{"same 232495", "diff 371996", "block 299991"} {
		if !slices.Contains(top, want) {
			t.Errorf("the top has %v, not %s", top, want)
		}
	}
}
