package commission

import (
	"fmt"
	"slices"
	"strconv"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// Reentry is an owner who gets one more position, because the matrix below one of them is complete. Who closes the
// period places it; the matrix is not reported again.
type Reentry struct {
	Component int32
	Owner     int32
	Position  string // whose matrix is complete
}

// Reentries are all new positions that the close gives, by component and then by the number of the completed position.
func (o *Closing) Reentries() []Reentry { return o.reentries }

// matrix pays levels of the placement tree like unilevel, from the seller's first position on, and completed levels.
func (c *closing) matrix(index int) error {
	component := &c.plan.Components[index]
	if len(component.Rates) > 0 {
		if err := c.unilevel(index); err != nil {
			return err
		}
	}
	m := matrixWork{c: c, index: index, component: component, terms: component.MatrixTerms, tree: &c.world.Positions}
	return m.complete()
}

// matrixWork looks for completed levels: a level below a position is complete when each of its width ^ level places is
// taken. It is paid once and for ever, in the period at whose end it is complete though it was not at its start. What
// was settled is remembered by the position's id, since later moves may open a level and complete it again.
type matrixWork struct {
	c         *closing
	index     int
	component *plan.Component
	terms     *plan.MatrixTerms
	tree      *period.Positions
	after     MatrixState
	found     []completed
}

// completed is a level that is settled in this close.
type completed struct {
	person, position int32
	level            int
}

func (m *matrixWork) complete() error {
	levels := make([]int, 0, len(m.terms.Completion)+1)
	for _, done := range m.terms.Completion {
		levels = append(levels, done.Level)
	}
	if m.terms.Reentry && !slices.Contains(levels, m.terms.Depth) {
		levels = append(levels, m.terms.Depth)
	}
	if len(levels) == 0 {
		return nil
	}
	for i := range m.tree.Leg {
		if int(m.tree.Leg[i]) >= m.terms.Width {
			return fmt.Errorf("position %s stands on leg %d of a matrix of width %d", m.c.positionID(int32(i)), m.tree.Leg[i], m.terms.Width)
		}
	}
	before := m.c.in.Before.Matrix[m.component.ID]
	m.after = MatrixState{Period: m.c.world.Period.ID, Completed: make(map[string][]int, len(before.Completed))}
	for id, settled := range before.Completed { // A copy; its order means nothing.
		m.after.Completed[id] = slices.Clone(settled)
	}
	if err := m.levels(levels); err != nil {
		return err
	}
	if m.c.out.After.Matrix == nil {
		m.c.out.After.Matrix = map[string]MatrixState{}
	}
	m.c.out.After.Matrix[m.component.ID] = m.after
	slices.SortStableFunc(m.found, func(a, b completed) int { return int(a.person - b.person) })
	m.c.tell(m.index, m.facts)
	return nil
}

// levels goes down level by level: a position's level is complete when all its legs are taken and the level above is
// complete below each of them. That takes a few passes over the tree, since a complete level has width ^ level places.
func (m *matrixWork) levels(wanted []int) error {
	n := len(m.tree.Parent)
	now, then := make([]bool, n), make([]bool, n) // whether the level above is complete, at the end and at the start
	for i := range now {
		now[i], then[i] = true, m.tree.Since == nil || m.tree.Since[i] < m.c.world.Period.From
	}
	there := slices.Clone(then)
	legsNow, legsThen := make([]uint8, n), make([]uint8, n)
	for level := 1; level <= slices.Max(wanted); level++ {
		clear(legsNow)
		clear(legsThen)
		for i, up := range m.tree.Parent {
			if up < 0 {
				continue
			}
			if now[i] {
				legsNow[up]++
			}
			if then[i] {
				legsThen[up]++
			}
		}
		some := false
		for i := range now {
			now[i] = int(legsNow[i]) == m.terms.Width
			then[i] = there[i] && int(legsThen[i]) == m.terms.Width
			some = some || now[i]
			if now[i] && slices.Contains(wanted, level) {
				if err := m.settle(int32(i), level, then[i]); err != nil {
					return err
				}
			}
		}
		if !some {
			return nil
		}
	}
	return nil
}

// settle pays one completed level, unless it was complete before the period or has been settled.
func (m *matrixWork) settle(position int32, level int, before bool) error {
	id := m.c.positionID(position)
	if slices.Contains(m.after.Completed[id], level) {
		return nil
	}
	m.after.Completed[id] = append(m.after.Completed[id], level)
	slices.Sort(m.after.Completed[id])
	if before {
		return nil
	}
	person := m.tree.Owner[position]
	m.found = append(m.found, completed{person, position, level})
	why := m.c.mayEarn(m.index, person)
	for _, done := range m.terms.Completion {
		if done.Level != level {
			continue
		}
		minor, err := money.ParseMinor(done.Amount, m.c.world.Currency)
		if err != nil {
			return fmt.Errorf("completion of level %d: %w", level, err)
		}
		t := Term{Level: int32(level), Row: -1, Base: minor, Rate: plan.Ratio{Num: 1, Den: 1}, Money: true, Note: "completed"}
		if why != "" {
			m.c.lose(m.index, person, t, why)
		} else {
			m.c.pay(m.index, person, t)
		}
	}
	if m.terms.Reentry && level == m.terms.Depth && why == "" {
		m.c.out.reentries = append(m.c.out.reentries, Reentry{int32(m.index), person, id})
	}
	return nil
}

// facts tells which levels of which positions were completed.
func (m *matrixWork) facts(person int32) []Fact {
	at, _ := slices.BinarySearchFunc(m.found, person, func(c completed, person int32) int { return int(c.person - person) })
	var out []Fact
	for ; at < len(m.found) && m.found[at].person == person; at++ {
		done := &m.found[at]
		out = append(out, Fact{
			Name: "completed", Unit: factText,
			Text: "level " + strconv.Itoa(done.level) + " below position " + m.c.positionID(done.position),
		})
	}
	return out
}

// positionID names a position for as long as it exists.
func (c *closing) positionID(position int32) string {
	tree := &c.world.Positions
	if tree.ID != nil {
		return tree.ID(position)
	}
	if owner := tree.Owner[position]; owner >= 0 && owner < c.world.People.Count {
		return c.world.People.ID(owner)
	}
	return fmt.Sprintf("number %d", position)
}
