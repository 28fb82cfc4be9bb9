package commission

import (
	"fmt"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// infinity pays a rate on all volume more than so many levels below, until it is stopped. Whoever stands in the way of
// whom depends on the people alone, so that one pointer per person leads from each to the next who is paid: following
// these, not the tree, keeps depth and the number of sales out of it.
func (c *closing) infinity(index int) error {
	tree, err := c.tree(index)
	if err != nil {
		return err
	}
	for _, part := range c.volumes(index, allOrders) {
		w := endless{closing: c, index: index, terms: c.plan.Components[index].InfinityTerms, tree: tree, table: part.table}
		if w.terms.Stop == plan.StopSameRank {
			err = w.sameRank(part.own)
		} else {
			err = w.byRate(part.own)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// endless is one infinity component by one rate table.
type endless struct {
	*closing
	index int
	terms *plan.InfinityTerms
	tree  *forest
	table *plan.Table
}

func (w *endless) cell(place int32) *plan.Cell { return w.table.Cell(1, w.rank(w.tree.person(place))) }

// higher gives, by place, the nearest place above with a higher score: at most as many steps as there are scores.
func (w *endless) higher(score []int8) []int32 {
	up := make([]int32, w.tree.len())
	for i := range w.tree.len() {
		place := w.tree.at(i)
		at := w.tree.parent[place]
		for at >= 0 && score[at] <= score[place] {
			at = up[at]
		}
		up[place] = at
	}
	return up
}

// levels is how many people stand above each place.
func (w *endless) levels() []int32 {
	depth := make([]int32, w.tree.len())
	for i := range w.tree.len() {
		place := w.tree.at(i)
		if up := w.tree.parent[place]; up >= 0 {
			depth[place] = depth[up] + 1
		}
	}
	return depth
}

// sameRank pays each person on the volume below whoever has the person's rank or a higher one: from a sale upwards, all
// those of a rank above everybody's before, the seller's included. A rank counts whether or not its holder may earn.
func (w *endless) sameRank(own []int64) error {
	score := make([]int8, w.tree.len())
	for place := range score {
		score[place] = w.standing.Rank[w.tree.person(int32(place))]
	}
	up, depth := w.higher(score), w.levels()
	sums := make([]int64, w.tree.len())
	for person, volume := range own {
		place := w.tree.place(int32(person))
		if volume == 0 || place < 0 {
			continue
		}
		at := up[place]
		for at >= 0 && int(depth[place]-depth[at]) <= w.terms.Below {
			at = up[at]
		}
		if at >= 0 {
			if err := put(sums, at, volume); err != nil {
				return err
			}
		}
	}
	for i := w.tree.len() - 1; i >= 0; i-- {
		place := w.tree.at(i)
		if sums[place] == 0 {
			continue
		}
		if cell := w.cell(place); cell.Rate > 0 {
			w.award(w.index, w.tree.person(place), Term{Row: int32(cell.Row), Base: sums[place], Rate: cell.Ratio})
		}
		if up[place] >= 0 {
			if err := put(sums, up[place], sums[place]); err != nil {
				return err
			}
		}
	}
	return nil
}

// byRate pays whoever may earn at a higher rate than all who are paid below: the difference, or, where the first blocks,
// only the first.
func (w *endless) byRate(own []int64) error {
	score := w.scores()
	blocking := w.terms.Stop == plan.StopBlocking
	up, start := w.higher(score), w.ancestors(w.terms.Below+1)
	sums, passing := make([]int64, w.tree.len()), make([]bool, w.tree.len())
	for person, volume := range own {
		place := w.tree.place(int32(person))
		if volume == 0 || place < 0 || start[place] < 0 {
			continue
		}
		at := start[place]
		passing[at] = true
		if score[at] == 0 {
			at = up[at]
		}
		if at >= 0 {
			if err := put(sums, at, volume); err != nil {
				return err
			}
		}
	}
	if err := w.payRates(up, sums, blocking); err != nil {
		return err
	}
	w.passedOver(up, score, passing, blocking)
	return nil
}

// payRates pays the rate on what has come to each place from sales and, unless the first blocks, the difference to it on
// what comes on from places below.
func (w *endless) payRates(up []int32, sums []int64, blocking bool) error {
	for place, volume := range sums {
		if volume != 0 {
			cell := w.cell(int32(place))
			w.pay(w.index, w.tree.person(int32(place)), Term{Row: int32(cell.Row), Base: volume, Rate: cell.Ratio})
		}
	}
	for i := w.tree.len() - 1; i >= 0 && !blocking; i-- {
		place := w.tree.at(i)
		next, volume := up[place], sums[place]
		if volume == 0 || next < 0 {
			continue
		}
		mine, below := w.cell(next), w.cell(place)
		w.pay(w.index, w.tree.person(next), Term{
			Row: int32(mine.Row), Base: volume, Rate: plan.RatioOf(mine.Rate - below.Rate),
			Note: mine.Rate.String() + " less " + below.Rate.String() + " below",
		})
		if err := put(sums, next, volume); err != nil {
			return err
		}
	}
	return nil
}

// passedOver tells whoever got a rate who below could not have theirs.
func (w *endless) passedOver(up []int32, score []int8, passing []bool, blocking bool) {
	for i := w.tree.len() - 1; i >= 0; i-- {
		place := w.tree.at(i)
		if !passing[place] || blocking && score[place] > 0 {
			continue
		}
		if above := w.tree.parent[place]; above >= 0 {
			passing[above] = true
		}
		if score[place] == 0 && w.cell(place).Rate > 0 && up[place] >= 0 {
			person := w.tree.person(place)
			w.skip(w.index, w.tree.person(up[place]), person, 0, w.mayEarn(w.index, person))
		}
	}
}

// scores orders the people by their rate, 0 for those who get none.
func (w *endless) scores() []int8 {
	byRank := make([]int8, len(w.plan.Ranks))
	for rank := range byRank {
		rate := w.table.Cell(1, rank).Rate
		if rate == 0 {
			continue
		}
		if w.terms.Stop == plan.StopBlocking {
			byRank[rank] = 1
			continue
		}
		lower := map[money.Rate]bool{} // Its size alone is used.
		for other := range byRank {
			if r := w.table.Cell(1, other).Rate; r < rate {
				lower[r] = true
			}
		}
		delete(lower, 0)
		byRank[rank] = int8(len(lower) + 1)
	}
	score := make([]int8, w.tree.len())
	for place := range score {
		person := w.tree.person(int32(place))
		if s := byRank[w.rank(person)]; s > 0 && w.mayEarn(w.index, person) == "" {
			score[place] = s
		}
	}
	return score
}

// ancestors gives, by place, the one so many levels above, by doubling the steps.
func (w *endless) ancestors(levels int) []int32 {
	out, jump := make([]int32, w.tree.len()), append([]int32(nil), w.tree.parent...)
	for place := range out {
		out[place] = int32(place)
	}
	for ; levels > 0; levels >>= 1 {
		if levels&1 == 1 {
			for place, at := range out {
				out[place] = above(jump, at)
			}
		}
		next := make([]int32, len(jump))
		for place, at := range jump {
			next[place] = above(jump, at)
		}
		jump = next
	}
	return out
}

// put adds to the sum at one place.
func put(sums []int64, place int32, volume int64) error {
	sum, err := money.Add(sums[place], volume)
	if err != nil {
		return fmt.Errorf("volume at place %d: %w", place, err)
	}
	sums[place] = sum
	return nil
}

func above(up []int32, place int32) int32 {
	if place < 0 {
		return period.Nobody
	}
	return up[place]
}
