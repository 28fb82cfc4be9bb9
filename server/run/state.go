package run

import (
	"context"
	"encoding/json"
	"fmt"

	"upline.dev/upline/core/commission"
)

// wholeState names the one part in which all components' state is kept.
const wholeState = "*"

// stateBefore is what the close of the period before left behind.
func (s *Service) stateBefore(ctx context.Context, r *result) (state commission.State, err error) {
	before, err := r.calendar.Previous(r.period)
	if err != nil {
		return state, err
	}
	parts, err := s.Books.StatesOf(ctx, Key{r.program, before.Kind, before.ID})
	if err != nil || len(parts) == 0 {
		return state, err
	}
	if err := json.Unmarshal(parts[0].State, &state); err != nil {
		return state, fmt.Errorf("read what period %s left behind: %w", before.ID, err)
	}
	return state, nil
}

// states is what this close leaves behind.
func (r *result) states() ([]StatePart, error) {
	if r.closing == nil {
		return nil, nil
	}
	data, err := json.Marshal(r.closing.After)
	if err != nil {
		return nil, fmt.Errorf("write what period %s leaves behind: %w", r.period.ID, err)
	}
	return []StatePart{{ComponentID: wholeState, State: data}}, nil
}
