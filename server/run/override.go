package run

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
)

// Override gives somebody a rank by hand for a span of time, with a reason that explanations show. Periods that are
// locked keep what they were locked with.
func (s *Service) Override(ctx context.Context, program string, o Override) (Override, error) {
	t, err := s.trees(ctx, program, s.Clock())
	if err != nil {
		return o, err
	}
	_, known := t.plan.Rank(o.Rank)
	switch {
	case !t.tree.Has(o.DistributorID, genealogy.AsOf{At: max(o.ValidFrom, t.at), Version: t.head.TreeVersion}):
		return o, server.Errorf(server.NotFound, "There is no distributor %s.", o.DistributorID)
	case !known || o.Rank == "":
		return o, &server.Error{Code: server.Invalid, Field: "rank", Message: fmt.Sprintf("Plan %s has no rank %q: it has %v.", t.plan.Name, o.Rank, t.plan.Ranks)}
	case o.Reason == "":
		return o, &server.Error{Code: server.Invalid, Field: "reason", Message: "An override needs a reason: whoever looks at a rank later has to find it."}
	case o.ValidFrom >= o.ValidUntil:
		return o, &server.Error{Code: server.Invalid, Field: "until", Message: "An override ends after it begins, and has an end."}
	}
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return o, fmt.Errorf("make an override's id: %w", err)
	}
	o.OverrideID, o.Actor = hex.EncodeToString(random[:]), s.Actor
	return o, s.Books.PutOverride(ctx, program, o)
}

// DayBegins is the first instant of a day, such as 2026-03-01, by the clocks that cut the company's periods: a rank that
// is given until the first of a month is still had at the last instant of the month before.
func (s *Service) DayBegins(ctx context.Context, program, day string) (time.Time, error) {
	set, err := s.setting(ctx, program)
	if err != nil {
		return time.Time{}, err
	}
	p, _, _, err := set.find(plan.Daily, day, s.Clock().UnixMicro())
	return time.UnixMicro(p.From).UTC(), err
}

// EndOverride ends an override now.
func (s *Service) EndOverride(ctx context.Context, program, overrideID string) (Override, error) {
	all, err := s.Books.Overrides(ctx, program)
	if err != nil {
		return Override{}, err
	}
	at := slices.IndexFunc(all, func(o Override) bool { return o.OverrideID == overrideID })
	if at < 0 {
		return Override{}, server.Errorf(server.NotFound, "There is no override %s.", overrideID)
	}
	o := all[at]
	now := s.Clock().UnixMicro()
	if o.ValidUntil <= now {
		return o, server.Errorf(server.Conflict, "Override %s has ended already.", overrideID)
	}
	o.ValidUntil, o.Actor = max(now, o.ValidFrom), s.Actor // one that has not begun never will
	return o, s.Books.PutOverride(ctx, program, o)
}
