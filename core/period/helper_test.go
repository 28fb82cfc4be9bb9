package period_test

import (
	"fmt"
	"strings"
	"testing"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

const day = 86_400_000_000

// march is the period of most tests.
var march = period.Period{ID: "2026-03", Kind: plan.Monthly, From: 1_772_323_200_000_000, To: 1_775_001_600_000_000}

// planOf is a plan of the ranks member, silver, gold, platinum and diamond with this qualification.
func planOf(t testing.TB, qualification string) *plan.Plan {
	t.Helper()
	p, err := plan.Parse([]byte(`{"name":"p","effective_from":"2026-01-01T00:00:00Z","currency":"EUR",
		"ranks":["member","silver","gold","platinum","diamond"],"volume":{"money":{"EUR":"1"}},
		"qualification":` + qualification + `,
		"components":[{"id":"retail","type":"retail","rates":[{"class":"*","rank":"*","rate":"10%"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// company is a world written as a person would: one line per person, parents first.
type company struct {
	world period.World
	index map[string]int32
	sales period.List
}

// newCompany takes lines of "child under parent" or "top", everybody active.
func newCompany(t testing.TB, people ...string) *company {
	t.Helper()
	c := &company{index: map[string]int32{}}
	ids := make([]string, len(people))
	for i, line := range people {
		child, parent, _ := strings.Cut(line, " under ")
		ids[i], c.index[child] = child, int32(i)
		up := period.Nobody
		if parent != "" {
			up = c.at(t, parent)
		}
		c.world.Sponsor.Parent = append(c.world.Sponsor.Parent, up)
		c.world.People.Status = append(c.world.People.Status, genealogy.Active)
	}
	c.world.Period = march
	c.world.People.Count = int32(len(people))
	c.world.People.ID = func(i int32) string { return ids[i] }
	c.world.Enroller = c.world.Sponsor
	c.world.Classes, c.world.Currency = []string{"standard"}, "EUR"
	c.world.Sales = &c.sales
	return c
}

func (c *company) at(t testing.TB, id string) int32 {
	t.Helper()
	i, ok := c.index[id]
	if !ok {
		t.Fatalf("nobody is called %s", id)
	}
	return i
}

// sells adds an order of a customer with so much QV, and half of it CV.
func (c *company) sells(t testing.TB, seller string, points string) {
	t.Helper()
	qv, err := money.ParseVolume(points)
	if err != nil {
		t.Fatal(err)
	}
	order := int32(len(c.sales))
	c.sales = append(c.sales, period.Sale{
		Seller: c.at(t, seller), Buyer: period.Nobody, Customer: order % 3, Order: order, Quantity: 1, QV: qv, CV: qv / 2, At: march.From,
	})
}

func (c *company) qualify(t testing.TB, p *plan.Plan) *period.Standings {
	t.Helper()
	s, err := period.Qualify(&c.world, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rankName(p *plan.Plan, rank int8) string { return p.Ranks[rank] }

func points(micros int64) string { return fmt.Sprint(money.Volume(micros)) }
