package period

import "upline.dev/upline/core/plan"

// rules are the plan's qualification in numbers.
type rules struct {
	active    []step // nil: a status that may earn is enough
	ranks     []rankRule
	ruled     []bool // by rank: whether it has a requirement
	grace     int
	requalify int
	demotion  string
}

type rankRule struct {
	rank  int8
	steps []step
}

// state is where somebody stands from one period to the next, without overrides.
type state struct {
	held    int8
	title   int8 // highest ever paid as, overrides included
	missed  uint8
	met     uint8
	metRank int8
}

// next is the state after a period in which reached is the highest rank that was met or assigned by the company.
//
// A rank that was never held before is held at once. A lost one, not above the title, must be reached so many periods in
// a row, and then the lowest rank reached in them is held; what was reached above it begins a count of its own. A rank
// whose requirement is missed is kept for the grace periods in a row; then it falls as the plan says, and goes on
// falling as long as the new one is missed too. There is no grace for a rank without a requirement.
func (r *rules) next(before state, reached, assigned int8) state {
	now := before
	switch {
	case reached > before.held:
		r.rise(&now, reached)
	case reached == before.held:
		now.missed, now.met, now.metRank = 0, 0, 0
	default:
		r.fall(&now, reached)
	}
	if now.held < assigned {
		now.held, now.missed, now.met, now.metRank = assigned, 0, 0, 0
	}
	return now
}

func (r *rules) rise(now *state, reached int8) {
	now.missed = 0
	if reached > now.title || r.requalify <= 1 {
		now.held, now.met, now.metRank = reached, 0, 0
		return
	}
	if now.met == 0 || reached < now.metRank {
		now.metRank = reached
	}
	now.met = count(now.met)
	switch {
	case int(now.met) < r.requalify:
	case reached > now.metRank:
		now.held, now.met, now.metRank = max(now.held, now.metRank), 1, reached
	default:
		now.held, now.met, now.metRank = reached, 0, 0
	}
}

func (r *rules) fall(now *state, reached int8) {
	now.met, now.metRank = 0, 0
	if !r.ruled[now.held] {
		now.held, now.missed = reached, 0
		return
	}
	now.missed = count(now.missed)
	switch {
	case int(now.missed) <= r.grace || r.demotion == plan.DemoteNever:
	case r.demotion == plan.DemoteOneStep:
		now.held--
	default:
		now.held = reached
	}
	if now.held == reached {
		now.missed = 0
	}
}

// count is one more, as far as a byte goes. Both counts are compared with numbers of periods that a plan bounds by it.
func count(periods uint8) uint8 { return min(periods, 254) + 1 }
