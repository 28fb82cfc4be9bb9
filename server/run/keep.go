package run

import (
	"context"
	"time"
)

// Keep brings the sums of sales of open periods up to date again and again until ctx ends, so that closing a month reads
// as many rows as there are sellers, and not as many as there are lines. failed hears of what went wrong; the next round
// mends it, and reading is right without.
func (s *Service) Keep(ctx context.Context, every time.Duration, programs func(ctx context.Context) ([]string, error), failed func(error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		ids, err := programs(ctx)
		for _, id := range ids {
			if err == nil {
				err = s.keep(ctx, id)
			}
		}
		if err != nil && ctx.Err() == nil {
			failed(err)
		}
	}
}

// keep sums what has sold in a program's open periods.
func (s *Service) keep(ctx context.Context, program string) error {
	list, err := s.List(ctx, program, "")
	if err != nil || len(list) == 0 {
		return err
	}
	set, err := s.setting(ctx, program)
	if err != nil {
		return err
	}
	for i := range list {
		p := &list[i]
		if p.locked() {
			continue
		}
		inForce, err := set.planAt(p.To.UnixMicro() - 1)
		if err != nil || needsLines(inForce) {
			continue // Where there is no plan there is nothing to close; where lines are needed sums do not help.
		}
		if err := s.Books.RollUp(ctx, program, p.From.UnixMicro(), p.To.UnixMicro()); err != nil {
			return err
		}
	}
	return nil
}
