package commission

import (
	"fmt"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// Explanation is a snapshot told for people: who sold the order and on what evidence, how each line came to its net,
// and a ladder of everybody looked at, with what each got or why not. Amounts are minor units of Currency.
type Explanation struct {
	Source        order.Source      `json:"source"`
	OrderTS       int64             `json:"order_ts"` // microseconds since 1970 UTC
	Currency      money.Currency    `json:"currency"`
	Pins          Pins              `json:"pins"`
	Counts        bool              `json:"counts"`
	Why           string            `json:"why,omitempty"` // why it does not count
	Attribution   order.Attribution `json:"attribution"`
	Buyer         string            `json:"buyer,omitempty"`
	Lines         []ExplainedLine   `json:"lines"`
	Totals        []Total           `json:"totals"` // in order of first appearance
	BreakageMinor int64             `json:"breakage_minor"`
}

// ExplainedLine is one line of the order. The fields from SKUID to CV are empty where the line earns nothing.
type ExplainedLine struct {
	Net             order.LineNet `json:"net"`
	SKUID           string        `json:"sku_id,omitempty"`
	PlatformSKU     string        `json:"platform_sku,omitempty"`
	CommissionClass string        `json:"commission_class,omitempty"`
	CV              money.Volume  `json:"cv"`
	Ladders         []Ladder      `json:"ladders,omitempty"`
}

// Ladder is one component on one line.
type Ladder struct {
	ComponentID string `json:"component_id"`
	Base        string `json:"base"`
	BaseMinor   int64  `json:"base_minor"` // micro-units where Base is "cv"
	Rungs       []Rung `json:"rungs"`

	Tree      string     `json:"tree,omitempty"`       // the tree walked; "" for the sponsor tree
	FirstDays *FirstDays `json:"first_days,omitempty"` // of a fast start: who is new
}

// Rung is one step of a ladder and what it pays in the end.
type Rung struct {
	Step
	PaidMinor int64 `json:"paid_minor"`
}

// Total is what one distributor gets from the whole order.
type Total struct {
	DistributorID string `json:"distributor_id"`
	PaidMinor     int64  `json:"paid_minor"`
}

// Explain reads a snapshot, recomputing it on the way: what does not follow is not explained but returned as the error.
func Explain(snapshot []byte) (Explanation, error) {
	r, err := Recompute(snapshot)
	if err != nil {
		return Explanation{}, fmt.Errorf("explain: %w", err)
	}
	in, net, _, err := decode(snapshot)
	if err != nil {
		return Explanation{}, fmt.Errorf("explain: %w", err)
	}
	e := Explanation{
		Source: in.Source, OrderTS: in.OrderTS, Currency: in.Currency, Pins: in.Pins, Counts: net.Counts, Why: net.Why,
		Attribution: in.Attribution, Buyer: in.Buyer,
	}
	for i := range net.Lines {
		e.Lines = append(e.Lines, ExplainedLine{Net: net.Lines[i]})
	}
	e.describe(in.Lines)
	e.climb(&r)
	return e, e.sum(&r)
}

// describe adds what the catalogue said; lines come in one order everywhere.
func (e *Explanation) describe(lines []Line) {
	for i, next := 0, 0; i < len(e.Lines) && next < len(lines); i++ {
		if line := &lines[next]; line.LineID == e.Lines[i].Net.LineID {
			e.Lines[i].SKUID, e.Lines[i].PlatformSKU = line.SKUID, line.PlatformSKU
			e.Lines[i].CommissionClass, e.Lines[i].CV = line.CommissionClass, line.CV
			next++
		}
	}
}

// climb sorts the steps into ladders; they come in the order of the lines.
func (e *Explanation) climb(r *Result) {
	at := 0
	for i := range r.Steps {
		step := &r.Steps[i]
		for at < len(e.Lines)-1 && e.Lines[at].Net.LineID != step.LineID {
			at++
		}
		line := &e.Lines[at]
		if last := len(line.Ladders) - 1; last < 0 || line.Ladders[last].ComponentID != step.ComponentID {
			line.Ladders = append(line.Ladders, Ladder{
				ComponentID: step.ComponentID, Base: step.Base, BaseMinor: step.BaseMinor, Tree: step.Tree, FirstDays: step.FirstDays,
			})
		}
		ladder := &line.Ladders[len(line.Ladders)-1]
		ladder.Rungs = append(ladder.Rungs, Rung{Step: *step, PaidMinor: step.paid()})
	}
}

// paid is what is left of a step after breakage and caps.
func (s *Step) paid() int64 {
	if s.Breakage != "" {
		return 0
	}
	paid := s.AmountMinor
	for _, cut := range s.Cuts {
		paid -= cut.CutMinor // Cuts were computed as parts of the amount.
	}
	return paid
}

func (e *Explanation) sum(r *Result) error {
	position := make(map[string]int)
	for i := range r.Events {
		event := &r.Events[i]
		to := &e.BreakageMinor
		if !event.Breakage {
			at, seen := position[event.DistributorID]
			if !seen {
				at = len(e.Totals)
				position[event.DistributorID] = at
				e.Totals = append(e.Totals, Total{DistributorID: event.DistributorID})
			}
			to = &e.Totals[at].PaidMinor
		}
		sum, err := money.Add(*to, event.AmountMinor)
		if err != nil {
			return fmt.Errorf("explain: totals: %w", err)
		}
		*to = sum
	}
	return nil
}
