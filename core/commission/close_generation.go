package commission

import (
	"fmt"

	"upline.dev/upline/core/plan"
)

const reasonEmpty = "no volume in the own generation"

// generation pays levels counted in leaders. Only leaders are walked: everybody's volume goes to the first leader from
// themselves upwards, and from there from leader to leader.
func (c *closing) generation(index int) error {
	component := &c.plan.Components[index]
	tree, err := c.tree(index)
	if err != nil {
		return err
	}
	if component.GenerationTerms.Boundary != plan.EarnersRank {
		boundary, known := c.plan.Rank(component.GenerationTerms.Boundary)
		if !known {
			return fmt.Errorf("boundary %q is no rank of the plan", component.GenerationTerms.Boundary)
		}
		return c.generations(index, tree, boundary, nil)
	}
	// Who counts as a leader depends on the earner's rank: each rank is a walk of its own, in which only that rank earns.
	for rank := range c.plan.Ranks {
		if err := c.generations(index, tree, rank, &rank); err != nil {
			return err
		}
	}
	return nil
}

// generations is one walk over leaders of at least boundary. earners is the only rank that earns in it; nil for all.
func (c *closing) generations(index int, tree *forest, boundary int, earners *int) error {
	leaders := tree.heads(func(place int32) bool { return c.rank(tree.person(place)) >= boundary })
	portions := c.volumes(index, allOrders)
	own := make([][]int64, len(portions))
	for i := range portions {
		var err error
		if own[i], err = leaders.sums(tree, portions[i].own); err != nil {
			return err
		}
	}
	for i, part := range portions {
		w := generations{ladder: c.ladder(index, part.table), tree: tree, leaders: &leaders, earners: earners}
		if c.plan.Components[index].GenerationTerms.Empty == plan.EmptySkips {
			w.empty = empty(own)
		}
		w.seek = newFlow(len(leaders.places), w.depth)
		for leader, volume := range own[i] {
			*w.seek.at(int32(leader), 0) = volume
		}
		if err := w.climb(); err != nil {
			return err
		}
	}
	return nil
}

// empty tells by leader whether the own generation has no volume of any class.
func empty(own [][]int64) []bool {
	out := make([]bool, len(own[0]))
	for leader := range out {
		out[leader] = true
		for i := range own {
			out[leader] = out[leader] && own[i][leader] == 0
		}
	}
	return out
}

// generations is one walk by one rate table.
type generations struct {
	*ladder
	tree    *forest
	leaders *heads
	earners *int
	empty   []bool // by leader; nil where empty generations count
	seek    flow
}

func (w *generations) climb() error {
	for leader := len(w.leaders.places) - 1; leader >= 0; leader-- {
		person := w.tree.person(w.leaders.places[leader])
		for stage, volume := range w.seek.of(int32(leader)) {
			if volume == 0 {
				continue
			}
			if err := w.seek.add(w.leaders.up[leader], w.pass(int32(leader), person, stage+1, volume)-1, volume); err != nil {
				return err
			}
		}
	}
	w.explain()
	return nil
}

// pass is meet, for a walk in which not every leader earns.
func (w *generations) pass(leader, person int32, level int, volume int64) int {
	why := w.passed(leader, person, level)
	switch {
	case why == reasonEmpty:
		return level
	case w.earners == nil || w.rank(person) == *w.earners:
		return w.meet(person, level, volume, why)
	case why != "" && w.component.Compression != plan.CompressNone:
		return level
	default:
		return level + 1
	}
}

func (w *generations) passed(leader, person int32, level int) string {
	if w.empty != nil && w.empty[leader] {
		return reasonEmpty
	}
	return w.why(person, level)
}

// explain tells every leader who earned whom they passed over for it.
func (w *generations) explain() {
	for stage := range w.depth {
		taker := make([]int32, len(w.leaders.places)) // by leader, the first from there upwards who takes this generation
		for leader, place := range w.leaders.places {
			person := w.tree.person(place)
			up := w.leaders.up[leader]
			why := w.passed(int32(leader), person, stage+1)
			taker[leader] = int32(leader)
			if why == "" || why != reasonEmpty && w.component.Compression == plan.CompressNone {
				continue
			}
			if taker[leader] = up; up >= 0 {
				taker[leader] = taker[up]
			}
			if at := taker[leader]; at >= 0 && *w.seek.at(int32(leader), stage) != 0 {
				if earner := w.tree.person(w.leaders.places[at]); w.earners == nil || w.rank(earner) == *w.earners {
					w.skip(w.index, earner, person, int32(stage+1), why)
				}
			}
		}
	}
}
