package commission

import (
	"fmt"

	"upline.dev/upline/core/plan"
)

// matching pays generations above everybody who has earned by the named components: their rounded amounts, before caps,
// climb like volume, whatever they were earned on. Amounts that corrections turned negative take the match back.
func (c *closing) matching(index int) error {
	tree, err := c.tree(index)
	if err != nil {
		return err
	}
	earned := make([]int64, c.world.People.Count)
	for _, id := range c.plan.Components[index].MatchingTerms.Components {
		if err := c.addEarned(earned, id); err != nil {
			return err
		}
	}
	table := c.plan.Components[index].Table(plan.Any)
	w := levels{ladder: c.ladder(index, table), tree: tree, seek: newFlow(tree.len(), table.Depth())}
	if err := w.seed(earned, true); err != nil {
		return err
	}
	return w.climb()
}

// addEarned adds what everybody has by one component. A component that is not closed here must be in what was earned
// elsewhere: to take it for nothing would match nothing.
func (c *closing) addEarned(sums []int64, id string) error {
	for i := range c.plan.Components {
		if c.plan.Components[i].ID != id {
			continue
		}
		if c.out.books[i].awards == nil && i >= len(c.in.Earned) {
			return fmt.Errorf("what people earned by component %s in the period is not known: give it with CloseInput.Earned", id)
		}
		for person, amount := range c.earned(i) {
			if err := c.plus(sums, int32(person), amount); err != nil {
				return err
			}
		}
	}
	return nil
}
