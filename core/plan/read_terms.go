package plan

import (
	"fmt"
	"strconv"
)

// componentKeys are all keys a component may have; which of them go with its type, validation says.
var componentKeys = []string{
	"id", "title", "type", "base", "commissionable", "period", "tree", "levels_from", "compression", "include_self",
	"requires", "rates", Unilevel, Differential, Generation, Binary, Matrix, Matching, FastStart, Infinity, Pool,
	RankAdvance, XUp, CustomerAcquisition, Bands,
}

func readPeriods(o object) Periods {
	p := o.child("periods", "time_zone", "week_starts", "currency", "grace_days", "late")
	return Periods{
		TimeZone:   p.text("time_zone", ""),
		WeekStarts: p.text("week_starts", "monday"),
		Currency:   p.text("currency", ""),
		GraceDays:  p.days("grace_days"),
		Late:       p.text("late", LateCurrent),
	}
}

func readQualification(o object) Qualification {
	q := o.child("qualification", "period", "own_orders", "customer_orders", "active", "ranks", "breakaway_rank",
		"grace_periods", "demotion", "requalify_periods")
	return Qualification{
		Period:           q.text("period", Monthly),
		OwnOrders:        q.flagOr("own_orders", true),
		CustomerOrders:   q.flagOr("customer_orders", true),
		Active:           q.condition("active"),
		Ranks:            readRankRules(q),
		BreakawayRank:    q.text("breakaway_rank", ""),
		GracePeriods:     q.whole("grace_periods"),
		Demotion:         q.text("demotion", DemoteToQualified),
		RequalifyPeriods: q.wholeOr("requalify_periods", 1),
	}
}

func readRankRules(q object) []RankRule {
	var out []RankRule
	q.each("ranks", []string{"rank", "requires"}, func(row object) {
		rule := RankRule{Rank: row.text("rank", "")}
		if requires := row.condition("requires"); requires != nil {
			rule.Requires = *requires
		} else {
			row.r.report(join(row.path, "requires"), "is missing", `say what the rank asks for, such as {pv: ">= 100"}`)
		}
		out = append(out, rule)
	})
	return out
}

func readPlacement(o object) *Placement {
	if _, _, ok := o.get("placement"); !ok {
		return nil
	}
	p := o.child("placement", "width", "depth", "strategy", "hold_days", "positions")
	return &Placement{
		Width:     p.whole("width"),
		Depth:     p.whole("depth"),
		Strategy:  p.text("strategy", PlaceBreadthFirst),
		HoldDays:  p.days("hold_days"),
		Positions: p.wholeOr("positions", 1),
	}
}

// readTerms reads the terms that belong to one type, wherever they are given: validation refuses those of another type.
func readTerms(o object, c *Component) {
	if t, ok := o.terms(Unilevel, "depth"); ok {
		c.UnilevelTerms = &UnilevelTerms{}
		t.each("depth", []string{"active_legs", "levels"}, func(row object) {
			c.UnilevelTerms.Depth = append(c.UnilevelTerms.Depth, DepthStep{row.whole("active_legs"), row.whole("levels")})
		})
	}
	if t, ok := o.terms(Differential, "of", "bands", "breakaway", "overrides", "same_rank"); ok {
		c.DifferentialTerms = &DifferentialTerms{
			Of: t.text("of", MeasureGV), Bands: readBands(t), Breakaway: t.text("breakaway", ""),
			Overrides: t.texts("overrides", nil), SameRank: t.text("same_rank", ""),
		}
	}
	if t, ok := o.terms(Generation, "boundary", "empty"); ok {
		c.GenerationTerms = &GenerationTerms{Boundary: t.text("boundary", ""), Empty: t.text("empty", EmptyUses)}
	}
	if t, ok := o.terms(Matching, "components"); ok {
		c.MatchingTerms = &MatchingTerms{Components: t.texts("components", nil)}
	}
	if t, ok := o.terms(FastStart, "days", "roll_up", "excludes"); ok {
		c.FastStartTerms = &FastStartTerms{Days: t.days("days"), RollUp: t.flag("roll_up"), Excludes: t.texts("excludes", nil)}
	}
	if t, ok := o.terms(Infinity, "below", "stop"); ok {
		c.InfinityTerms = &InfinityTerms{Below: t.whole("below"), Stop: t.text("stop", StopSameRank)}
	}
	readPlacementTerms(o, c)
	readMoneyTerms(o, c)
}

func readPlacementTerms(o object, c *Component) {
	if t, ok := o.terms(Binary, "pay", "weaker", "stronger", "carry", "inactive", "capped", "max_carry", "expires",
		"own_volume", "owner_limit"); ok {
		c.BinaryTerms = &BinaryTerms{
			Pay: t.text("pay", PayWeaker), Weaker: t.text("weaker", ""), Stronger: t.text("stronger", ""),
			Carry: t.text("carry", CarryStronger), Inactive: t.text("inactive", Keep), Capped: t.text("capped", Keep),
			MaxCarry: t.text("max_carry", ""), Expires: t.whole("expires"), OwnVolume: t.text("own_volume", OwnNone),
			OwnerLimit: t.text("owner_limit", ""),
		}
	}
	if t, ok := o.terms(Matrix, "width", "depth", "completion", "reentry"); ok {
		m := &MatrixTerms{Width: t.whole("width"), Depth: t.whole("depth"), Reentry: t.flag("reentry")}
		t.each("completion", []string{"level", "amount"}, func(row object) {
			m.Completion = append(m.Completion, Completion{row.whole("level"), row.text("amount", "")})
		})
		c.MatrixTerms = m
	}
}

func readMoneyTerms(o object, c *Component) {
	if t, ok := o.terms(Pool, "share", "by_country"); ok {
		c.PoolTerms = &PoolTerms{Share: t.text("share", ""), ByCountry: t.flag("by_country")}
	}
	if t, ok := o.terms(RankAdvance, "parts", "maintain"); ok {
		c.RankAdvanceTerms = &RankAdvanceTerms{Parts: t.wholeOr("parts", 1), Maintain: t.wholeOr("maintain", 1)}
	}
	if t, ok := o.terms(XUp, "first", "subtree"); ok {
		c.XUpTerms = &XUpTerms{First: t.whole("first"), Subtree: t.flagOr("subtree", true)}
	}
	if t, ok := o.terms(CustomerAcquisition, "min_cv", "bands"); ok {
		c.AcquisitionTerms = &AcquisitionTerms{MinCV: t.text("min_cv", ""), Bands: readBands(t)}
	}
	if t, ok := o.terms(Bands, "of", "pay", "bands"); ok {
		c.BandsTerms = &BandsTerms{Of: t.text("of", MeasurePV), Pay: t.text("pay", PayBest), Bands: readBands(t)}
	}
}

func readBands(o object) []Band {
	var out []Band
	o.each("bands", []string{"from", "rate", "amount"}, func(row object) {
		out = append(out, Band{From: row.text("from", "0"), Rate: row.text("rate", ""), Amount: row.text("amount", "")})
	})
	return out
}

// terms opens the terms of one type.
func (o object) terms(key string, known ...string) (object, bool) {
	_, _, ok := o.get(key)
	if !ok {
		return object{}, false
	}
	return o.child(key, known...), true
}

// maxEntries bounds the lists within sections and terms.
const maxEntries = 64

// each calls f with every object of the list under key, and reports a list that is too long.
func (o object) each(key string, known []string, f func(object)) {
	items, path, _ := o.list(key)
	for i, item := range items {
		if i == maxEntries {
			o.r.report(path, fmt.Sprintf("has more than %d entries", maxEntries), "leave some out")
			return
		}
		f(o.r.object(item, index(path, i), known...))
	}
}

func (o object) flagOr(key string, fallback bool) bool {
	if _, _, ok := o.get(key); !ok {
		return fallback
	}
	return o.flag(key)
}

// maxWhole bounds every count in a plan.
const maxWhole = 10_000

// whole is the small whole number under key; 0 where there is none.
func (o object) whole(key string) int { return o.wholeOr(key, 0) }

func (o object) wholeOr(key string, fallback int) int {
	n, path, ok := o.get(key)
	if !ok {
		return fallback
	}
	value, err := strconv.Atoi(n.text)
	if n.kind != kindNumber || err != nil || value < 0 || value > maxWhole || strconv.Itoa(value) != n.text {
		o.r.report(path, "is no whole number", fmt.Sprintf("write a whole number from 0 to %d", maxWhole))
		return fallback
	}
	return value
}
