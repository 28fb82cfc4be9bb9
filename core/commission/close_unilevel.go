package commission

import (
	"cmp"
	"slices"

	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// unilevel pays levels on everybody's own volume of the period. One pass from the bottom up carries, at every place, how
// much volume looks for which level there; that is what walking up from every sale gives, whatever the depth.
func (c *closing) unilevel(index int) error {
	tree, err := c.tree(index)
	if err != nil {
		return err
	}
	component := &c.plan.Components[index]
	starts := unilevelStarts(component)
	var strangers []stranger
	if !component.IncludeSelf && c.crossed {
		if strangers, err = c.strangers(index, func(sale *period.Sale) (int32, error) { return sale.Seller, nil }); err != nil {
			return err
		}
	}
	portions := make([][]portion, len(starts))
	for i, start := range starts {
		portions[i] = c.volumes(index, start.buyers)
	}
	for i := range portions[0] {
		table := portions[0][i].table
		w := levels{ladder: c.ladder(index, table), tree: tree, seek: newFlow(tree.len(), table.Depth())}
		for j, start := range starts {
			if err := w.seed(portions[j][i].own, start.above); err != nil {
				return err
			}
		}
		if err := w.cross(strangers); err != nil {
			return err
		}
		if err := w.climb(); err != nil {
			return err
		}
	}
	return nil
}

// start is where levels of some orders are counted from: the seller, or the first above.
type start struct {
	buyers int
	above  bool
}

// unilevelStarts follows the rules of Calculate: an own order counts from the first upline, or with include_self from
// the distributor; other orders as levels_from says. Without include_self the orders of a third distributor are not
// summed, since nobody gets a level on an order of their own.
func unilevelStarts(component *plan.Component) []start {
	fromBuyer := component.LevelsFrom == plan.FromBuyer
	switch {
	case component.IncludeSelf && fromBuyer:
		return []start{{allOrders, false}}
	case component.IncludeSelf:
		return []start{{ownOrders, false}, {othersOrders, true}}
	case fromBuyer:
		return []start{{ownOrders, true}, {customerOrders, false}}
	default:
		return []start{{ownOrders | customerOrders, true}}
	}
}

// levels is one pass by one rate table. Stage 0 of seek is level 1.
type levels struct {
	*ladder
	tree    *forest
	seek    flow
	skipped [][]int32 // by level - 1: the places passed over, children before parents
	held    []heldSkip
}

func (w *levels) seed(own []int64, above bool) error {
	for person, volume := range own {
		place := w.tree.place(int32(person))
		if volume == 0 || place < 0 {
			continue
		}
		if above {
			place = w.tree.parent[place]
		}
		if err := w.seek.add(place, 0, volume); err != nil {
			return err
		}
	}
	return nil
}

// climb takes the places from the bottom up.
func (w *levels) climb() error {
	w.skipped = make([][]int32, w.depth)
	for i := w.tree.len() - 1; i >= 0; i-- {
		place := w.tree.at(i)
		person := w.tree.person(place)
		for stage, volume := range w.seek.of(place) {
			if volume == 0 {
				continue
			}
			next := w.meet(person, stage+1, volume, w.why(person, stage+1))
			if next == stage+1 {
				w.skipped[stage] = append(w.skipped[stage], place)
			}
			if err := w.seek.add(w.tree.parent[place], next-1, volume); err != nil {
				return err
			}
		}
	}
	w.explain()
	return nil
}

// explain tells whoever got a level whom it passed over on the way. A person passed over below another who is passed
// over too leads to the same place, so each is looked up once.
func (w *levels) explain() {
	earner := make([]int32, w.tree.len())
	for stage, places := range w.skipped {
		if len(places) == 0 && len(w.held) == 0 {
			continue
		}
		clear(earner) // 0 is not known yet; else 2 + the place, so that 1 is nobody.
		for i := len(places) - 1; i >= 0; i-- {
			at := w.taker(w.tree.parent[places[i]], stage+1, earner)
			earner[places[i]] = at + 2
			if at >= 0 {
				passed := w.tree.person(places[i])
				w.skip(w.index, w.tree.person(at), passed, int32(stage+1), w.why(passed, stage+1))
			}
		}
		for _, h := range w.held {
			if h.level != stage+1 {
				continue
			}
			if at := w.taker(h.place, h.level, earner); at >= 0 {
				w.skip(w.index, w.tree.person(at), h.passed, int32(h.level), h.reason)
			}
		}
	}
}

// taker is the first place from at upwards that takes a level; known has 2 + the answer for some, 0 for others.
func (w *levels) taker(at int32, level int, known []int32) int32 {
	for at >= 0 && known[at] == 0 && w.passOver && w.why(w.tree.person(at), level) != "" {
		at = w.tree.parent[at]
	}
	if at >= 0 && known[at] != 0 {
		return known[at] - 2
	}
	return at
}

// stranger is volume that one distributor bought and another is credited with.
type stranger struct {
	seller, buyer int32
	table         *plan.Table
	volume        int64
}

// strangers are all such sales of a component for which of names the person above whom levels are counted.
func (c *closing) strangers(index int, of func(sale *period.Sale) (int32, error)) ([]stranger, error) {
	var lane [lanes][]stranger
	component := &c.plan.Components[index]
	err := c.eachSale(func(i int, sale *period.Sale) error {
		if sale.Seller < 0 || buyerOf(sale) != thirdOrders {
			return nil
		}
		if taken, err := c.withheld(index, sale); taken || err != nil {
			return err
		}
		table := component.Table(c.world.Classes[sale.Class])
		if table == nil || table.Depth() == 0 {
			return nil
		}
		below, err := of(sale)
		if below >= 0 && err == nil {
			lane[i] = append(lane[i], stranger{below, sale.Buyer, table, baseOf(component.Base, sale)})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	all := slices.Concat(lane[:]...)
	slices.SortFunc(all, func(a, b stranger) int {
		return cmp.Or(cmp.Compare(a.seller, b.seller), cmp.Compare(a.buyer, b.buyer), cmp.Compare(a.volume, b.volume))
	})
	return all, nil
}

// cross lets such volume up as far as its buyer, who gets no level on it, and lets the rest go with all the others. Where
// the buyer is not above the seller it is like a customer's from the start.
func (w *levels) cross(strangers []stranger) error {
	if len(strangers) == 0 {
		return nil
	}
	spans := w.tree.spans()
	for _, s := range strangers {
		place := w.tree.place(s.seller)
		if s.table != w.table || place < 0 {
			continue
		}
		if w.component.LevelsFrom != plan.FromBuyer {
			place = w.tree.parent[place]
		}
		place, level := w.upToBuyer(&spans, place, &s)
		if err := w.seek.add(place, level-1, s.volume); err != nil {
			return err
		}
	}
	return nil
}

// upToBuyer walks one such volume from place as long as its buyer is ahead, and tells where and for which level it goes
// on.
func (w *levels) upToBuyer(spans *spans, place int32, s *stranger) (end int32, level int) {
	level = 1
	held := len(w.held)
	for place >= 0 && level <= w.depth && w.buyerAhead(spans, place, s.buyer) {
		person := w.tree.person(place)
		why := w.why(person, level)
		if person == s.buyer && w.mayEarn(w.index, person) == "" {
			why = reasonOwnOrder
		}
		next := w.meet(person, level, s.volume, why)
		if next == level {
			w.held = append(w.held, heldSkip{person, level, period.Nobody, why})
		} else {
			for _, h := range w.held[held:] {
				w.skip(w.index, person, h.passed, int32(h.level), h.reason)
			}
			w.held = w.held[:held]
		}
		level, place = next, w.tree.parent[place]
	}
	for i := range w.held[held:] {
		w.held[held+i].place = place
	}
	return place, level
}

// heldSkip is somebody passed over before it is known who gets the level; the volume went on at place.
type heldSkip struct {
	passed int32
	level  int
	place  int32
	reason string
}

// buyerAhead tells whether the buyer holds a place, or one above it.
func (w *levels) buyerAhead(spans *spans, place, buyer int32) bool {
	if w.tree.owner == nil {
		return place == buyer || spans.above(buyer, place)
	}
	for ; place >= 0; place = w.tree.parent[place] {
		if w.tree.owner[place] == buyer {
			return true
		}
	}
	return false
}
