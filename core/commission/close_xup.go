package commission

import (
	"cmp"
	"slices"

	"upline.dev/upline/core/period"
)

// xUp pays each sale to the one who owns its seller: the sponsor, or, for the first recruits of a sponsor who has
// somebody above, whoever is above. Nobody earns on an order of their own.
func (c *closing) xUp(index int) error {
	owner, err := c.owners(index)
	if err != nil {
		return err
	}
	base := c.plan.Components[index].Base
	sums, err := c.sumsBy(index, func(sale *period.Sale) (int32, int64, error) {
		if sale.Seller < 0 || owner[sale.Seller] == sale.Buyer {
			return period.Nobody, 0, nil
		}
		return owner[sale.Seller], baseOf(base, sale), nil
	})
	if err != nil {
		return err
	}
	c.awardRates(index, sums)
	return nil
}

// owners is who gets the sales of each person. The top keeps its recruits, since there is nobody to pass them up to.
func (c *closing) owners(index int) ([]int32, error) {
	tree, err := c.tree(index)
	if err != nil {
		return nil, err
	}
	first, err := c.firstRecruits(index, tree)
	if err != nil {
		return nil, err
	}
	subtree := c.plan.Components[index].XUpTerms.Subtree
	owner := make([]int32, tree.len())
	for i := range tree.len() {
		person := tree.at(i)
		sponsor := tree.parent[person]
		owner[person] = sponsor
		if sponsor < 0 || tree.parent[sponsor] < 0 || !first[person] {
			continue
		}
		owner[person] = tree.parent[sponsor]
		if subtree {
			owner[person] = owner[sponsor]
		}
	}
	return owner, nil
}

// firstRecruits tells who is among the first recruits of a sponsor, by the instant of enrolment and then by id. Where a
// sponsor has no more than pass up anyway, nobody's enrolment needs to be known.
func (c *closing) firstRecruits(index int, tree *forest) ([]bool, error) {
	most := c.plan.Components[index].XUpTerms.First
	first := make([]bool, tree.len())
	from, recruits := tree.children()
	for sponsor := range tree.len() {
		team := recruits[from[sponsor]:from[sponsor+1]]
		if len(team) > most && tree.parent[sponsor] >= 0 {
			for _, recruit := range team {
				if _, err := c.enrolledAt(recruit, c.plan.Components[index].ID); err != nil {
					return nil, err
				}
			}
			slices.SortFunc(team, func(a, b int32) int {
				at := c.world.People.EnrolledAt
				return cmp.Or(cmp.Compare(at[a], at[b]), cmp.Compare(c.world.People.ID(a), c.world.People.ID(b)))
			})
		}
		for _, recruit := range team[:min(len(team), most)] {
			first[recruit] = true
		}
	}
	return first, nil
}

// children lists the places below each place, one list after the other: those of place p are list[from[p]:from[p+1]].
func (f *forest) children() (from, list []int32) {
	from, list = make([]int32, f.len()+2), make([]int32, f.len())
	for _, up := range f.parent {
		from[up+2]++ // Those at the top are counted before place 0.
	}
	for i := range from[1:] {
		from[i+1] += from[i]
	}
	next := slices.Clone(from)
	for place, up := range f.parent {
		list[next[up+1]] = int32(place)
		next[up+1]++
	}
	return from[1:], list
}

// enrolledAt is when a person was enrolled, for a component that cannot do without.
func (c *closing) enrolledAt(person int32, component string) (int64, error) {
	if at := c.world.People.EnrolledAt; at != nil && at[person] != period.Unknown {
		return at[person], nil
	}
	return 0, &MissingFact{
		DistributorID: c.world.People.ID(person), What: "enrolment date",
		Mend: "component " + component + " needs it: import when the person was enrolled",
	}
}
