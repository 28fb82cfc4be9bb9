package admin

import (
	"context"
	"fmt"

	"upline.dev/upline/core/plan"
)

// PublishPlan makes a plan version count from its effective date on and releases the orders that waited for one. The
// same document twice changes nothing.
func (s *Service) PublishPlan(ctx context.Context, program string, p *plan.Plan, canonical []byte) error {
	if err := s.Books.PublishPlan(ctx, program, p, canonical); err != nil {
		return fmt.Errorf("publish plan %s: %w", p.Name, err)
	}
	return s.audit(ctx, program, "plan.publish", p.Hash())
}
