package run

import (
	"context"
	"slices"
	"time"

	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
)

// maxOpen bounds the open periods that a list shows of one kind: the oldest of them, which have to be closed first.
const maxOpen = 60

// kinds are the lengths of period, the shortest first.
var kinds = []string{plan.Daily, plan.Weekly, plan.Monthly, plan.Quarterly}

// kindsOf lists what a plan settles by.
func kindsOf(p *plan.Plan) (list []string) {
	for _, kind := range kinds {
		if closes(p, kind) || p.Qualification.Period == kind && len(p.Qualification.Ranks) > 0 {
			list = append(list, kind)
		}
	}
	return list
}

// List gives a program's periods of a kind ("" for all that the plan in force settles by), the oldest first: those with a
// history, and those that are open from the first sale on.
func (s *Service) List(ctx context.Context, program, kind string) ([]Period, error) {
	if kind != "" && !slices.Contains(kinds, kind) {
		return nil, &server.Error{Code: server.Invalid, Field: "kind", Message: "A kind is daily, weekly, monthly or quarterly."}
	}
	set, err := s.setting(ctx, program)
	if err != nil {
		return nil, err
	}
	list, err := s.Books.Periods(ctx, program, kind)
	if err != nil {
		return nil, err
	}
	now := s.Clock().UnixMicro()
	inForce, err := set.planAt(now)
	if server.CodeOf(err) == server.Invalid {
		return list, nil // There is no plan yet, so there is nothing to close.
	}
	if err != nil {
		return nil, err
	}
	first, err := s.Books.FirstSale(ctx, program)
	if err != nil {
		return nil, err
	}
	for _, k := range kindsOf(inForce) {
		if kind == "" || kind == k {
			if list, err = s.addOpen(&set, list, k, first, now); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Period) int { return a.From.Compare(b.From) })
	return list, nil
}

// addOpen adds the periods of a kind that nobody has touched: after the last locked one, or from the first sale on.
func (s *Service) addOpen(set *setting, list []Period, kind string, first, now int64) ([]Period, error) {
	from := first
	if first == 0 {
		from = now
	}
	known := map[string]bool{}
	for i := range list {
		if list[i].Kind == kind {
			known[list[i].PeriodID] = true
			if list[i].locked() {
				from = max(from, list[i].To.UnixMicro())
			}
		}
	}
	for range maxOpen {
		if from > now {
			break
		}
		p, _, inForce, err := set.find(kind, "", from)
		if err != nil {
			return nil, err
		}
		from = p.To
		if !known[p.ID] {
			list = append(list, Period{
				Kind: kind, PeriodID: p.ID, From: time.UnixMicro(p.From).UTC(), To: time.UnixMicro(p.To).UTC(), State: Open, Late: inForce.Periods.Late,
			})
		}
	}
	return list, nil
}

// Show gives one period and its history.
func (s *Service) Show(ctx context.Context, program, kind, periodID string) (Period, []Run, error) {
	_, p, err := s.job(ctx, program, kind, periodID)
	if err != nil {
		return p, nil, err
	}
	runs, err := s.Books.Runs(ctx, Key{program, p.Kind, p.PeriodID})
	return p, runs, err
}
