package commission

import (
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// CloseInput is everything Close may know.
type CloseInput struct {
	World     *period.World
	Standings *period.Standings // of the qualification period that ends with, or contains the end of, World.Period
	// Earned is what people have earned in this period by components that Close does not compute itself: paid per
	// order, or closed before; by component index, then person. nil for those without.
	Earned [][]int64
	Before State // what the close of the period before left behind
	// Only are the component indices to close; nil: all whose period is World.Period.Kind.
	Only     []int
	Parallel period.Parallel
	Progress func(done, total int) error // called between steps; an error ends the close and is returned
}

// Term is one part of an award: Base times Ratio, before the component's shared factors.
type Term struct {
	Level int32      // level or generation; 0 where there is none
	Row   int32      // index into Component.Rates; -1 where the rate comes from the component's terms
	Base  int64      // micro-units of CV, or minor units, by the component's base
	Rate  plan.Ratio // what Base is multiplied with; 1/1 for an amount
	Note  string     // what else a person should know, such as "left 400, right 400"
}

// closing is one run of Close. A component's file computes who gets what, aggregated so that each person has few terms,
// and says so by pay, break and skip in any fixed order.
type closing struct {
	in       *CloseInput
	plan     *plan.Plan
	world    *period.World
	standing *period.Standings
	cv       plan.Ratio
	out      *Closing
}

// pay adds a term to what person gets by component.
func (c *closing) pay(component int, person int32, t Term) {
	c.out.entries = append(c.out.entries, entry{component: int32(component), person: person, term: t})
}

// lose records a term that somebody would have had, and why they have not: breakage of component.
func (c *closing) lose(component int, person int32, t Term, reason string) {
	c.out.entries = append(c.out.entries, entry{component: int32(component), person: person, term: t, lost: reason})
}

// skip records somebody who was passed over on the way to person, and why. It changes no amount.
func (c *closing) skip(component int, person, passedOver int32, level int32, reason string) {
	c.out.skips = append(c.out.skips, skipped{int32(component), person, passedOver, level, reason})
}

// mayEarn says why a person earns nothing by a component; "" where they may.
func (c *closing) mayEarn(component *plan.Component, person int32) string {
	_ = component
	_ = person
	return ""
}

// entry is one term of one person's award, or of what was lost.
type entry struct {
	component int32
	person    int32
	term      Term
	lost      string
}

type skipped struct {
	component, person, passedOver, level int32
	reason                               string
}

// Closing is the outcome of one close.
type Closing struct {
	After   State
	entries []entry
	skips   []skipped
}

// State is what one close leaves behind for the next, by component; each component's file says what is in its own.
type State struct {
	Binary  map[string]BinaryState  `json:"binary,omitempty"`
	Advance map[string]AdvanceState `json:"advance,omitempty"`
}

// BinaryState is carried volume by position: micro-units, oldest period first.
type BinaryState struct{}

// AdvanceState is who was paid how many parts of which rank.
type AdvanceState struct{}
