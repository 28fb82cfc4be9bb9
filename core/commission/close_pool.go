package commission

import (
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// Reasons for a pool that is nobody's.
const (
	reasonNoShares        = "nobody holds a share of the pool"
	reasonNoSharesCountry = "nobody holds a share of the pool of "
)

// pot is one pool: the company's, or one country's.
type pot struct {
	name    string // country; "" for the company's
	volume  int64
	people  []int32
	weights []int64 // millionths of a share, as people
	whole   int64   // their sum
	minor   int64
}

// pool shares out a part of everybody's volume, sales of nobody included. Each pool is rounded once; the shares of it
// are whole cents by largest remainder, between equal remainders by id, so that they sum to the pool. A pool without
// anybody to share it is breakage. Where corrections outweigh sales there is nothing to share.
func (c *closing) pool(index int) error {
	pots, err := c.pots(index)
	if err != nil {
		return err
	}
	if err := c.shareholders(index, pots); err != nil {
		return err
	}
	for i := range pots {
		if err := c.shareOut(index, &pots[i]); err != nil {
			return fmt.Errorf("pool %s: %w", pots[i].name, err)
		}
	}
	c.tell(index, c.poolFacts(pots, c.plan.Components[index].PoolTerms.ByCountry))
	return nil
}

// pots sums the volume of the company, or of each country.
func (c *closing) pots(index int) ([]pot, error) {
	component := &c.plan.Components[index]
	pots := []pot{{}}
	if component.PoolTerms.ByCountry {
		pots = make([]pot, len(c.world.Countries))
		for i, name := range c.world.Countries {
			pots[i].name = name
		}
	}
	if !component.PoolTerms.ByCountry && len(c.removals) == 0 {
		if pots[0].volume = c.company.net; component.Base == plan.BaseCV {
			pots[0].volume = c.company.cv
		}
		return pots, nil
	}
	var lane [lanes][]int64
	for i := range lane {
		lane[i] = make([]int64, len(pots))
	}
	err := c.paidSales(index, func(i int, sale *period.Sale) error {
		at := 0
		if component.PoolTerms.ByCountry {
			if at = int(sale.Country); at >= len(pots) {
				return fmt.Errorf("a sale has country %d of %d", at, len(pots))
			}
		}
		sum, err := money.Add(lane[i][at], baseOf(component.Base, sale))
		lane[i][at] = sum
		return err
	})
	for i := range pots {
		if err != nil {
			break
		}
		pots[i].volume, err = money.Sum(lane[0][i], lane[1][i])
	}
	if err != nil {
		return nil, fmt.Errorf("volume of the pool: %w", err)
	}
	return pots, nil
}

// shareholders puts everybody who may earn and whose rank holds shares to their pool, by id.
func (c *closing) shareholders(index int, pots []pot) error {
	component := &c.plan.Components[index]
	shares, err := c.shares(index)
	if err != nil {
		return err
	}
	for person := range c.world.People.Count {
		if shares[c.rank(person)] == 0 {
			continue
		}
		at := 0
		if component.PoolTerms.ByCountry {
			if at, err = c.home(person, component.ID); err != nil {
				return err
			}
		}
		if c.mayEarn(index, person) == "" {
			pots[at].people = append(pots[at].people, person)
		}
	}
	for i := range pots {
		p := &pots[i]
		slices.SortFunc(p.people, func(a, b int32) int { return strings.Compare(c.world.People.ID(a), c.world.People.ID(b)) })
		for _, person := range p.people {
			weight := shares[c.rank(person)]
			if p.whole, err = money.Add(p.whole, weight); err != nil {
				return fmt.Errorf("shares of the pool: %w", err)
			}
			p.weights = append(p.weights, weight)
		}
	}
	return nil
}

// shares is how many millionths of a share each rank holds.
func (c *closing) shares(index int) ([]int64, error) {
	component := &c.plan.Components[index]
	table := component.Table(plan.Any)
	out := make([]int64, len(c.plan.Ranks))
	for rank := range out {
		if text := component.Rates[table.Cell(1, rank).Row].Shares; text != "" {
			shares, err := money.ParseVolume(text)
			if err != nil {
				return nil, err
			}
			out[rank] = int64(shares)
		}
	}
	return out, nil
}

// home is the number of a person's country, for a component that cannot do without.
func (c *closing) home(person int32, component string) (int, error) {
	if list := c.world.People.Country; list != nil && int(list[person]) < len(c.world.Countries) && c.world.Countries[list[person]] != "" {
		return int(list[person]), nil
	}
	return 0, &MissingFact{
		DistributorID: c.world.People.ID(person), What: "country",
		Mend: "component " + component + " shares out a pool per country: import where the person is at home",
	}
}

// shareOut divides one pool.
func (c *closing) shareOut(index int, p *pot) error {
	if p.volume <= 0 {
		return nil
	}
	component, book := &c.plan.Components[index], &c.out.books[index]
	rate, err := money.ParseRate(component.PoolTerms.Share)
	if err != nil {
		return err
	}
	exact, err := money.NewExact(p.volume).Mul(int64(rate), int64(money.One))
	if err == nil {
		exact, err = exact.Mul(book.shared.Num, book.shared.Den)
	}
	if err == nil {
		p.minor, err = exact.Round(c.plan.RoundingMode())
	}
	if err != nil {
		return err
	}
	if len(p.people) == 0 {
		reason := reasonNoShares
		if p.name != "" {
			reason = reasonNoSharesCountry + p.name
		}
		c.lose(index, period.Nobody, Term{Row: -1, Base: p.minor, Rate: one, Money: true}, reason)
		return nil
	}
	parts, err := money.Allocate(p.minor, p.weights)
	if err != nil {
		return err
	}
	for i, person := range p.people {
		row := component.Table(plan.Any).Cell(1, c.rank(person)).Row
		c.pay(index, person, Term{Row: int32(row), Base: parts[i], Rate: one, Money: true})
	}
	return nil
}

// poolFacts tells what a share was a share of.
func (c *closing) poolFacts(pots []pot, byCountry bool) func(person int32) []Fact {
	people := &c.world.People
	return func(person int32) []Fact {
		if person < 0 {
			return nil
		}
		p := &pots[0]
		if byCountry {
			p = &pots[people.Country[person]]
		}
		id := people.ID(person)
		at, found := slices.BinarySearchFunc(p.people, id, func(other int32, id string) int { return strings.Compare(people.ID(other), id) })
		if !found {
			return nil
		}
		return []Fact{
			{Name: "pool", Unit: "minor", Value: p.minor},
			{Name: "own shares", Unit: "text", Text: money.Volume(p.weights[at]).String()},
			{Name: "all shares", Unit: "text", Text: money.Volume(p.whole).String()},
			{Name: "people sharing", Unit: "count", Value: int64(len(p.people))},
		}
	}
}
