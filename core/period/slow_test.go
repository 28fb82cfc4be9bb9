package period_test

import (
	"fmt"
	"math/big"
	"slices"
	"sort"
	"strings"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// slow computes standings the way one would by hand: person by person, with recursion, maps and exact fractions, reading
// the plan's own texts. It is what Qualify is compared with.
type slow struct {
	w    *period.World
	p    *plan.Plan
	rank map[int32]int
	act  map[int32]bool
	open []int // ranks of the person being judged that lack a fact
}

// unsettled is what a missing fact panics with.
type unsettled struct{ person int32 }

func (s *slow) children(who int32) []int32 {
	var out []int32
	for i, parent := range s.w.Sponsor.Parent {
		if parent == who {
			out = append(out, int32(i))
		}
	}
	return out
}

func (s *slow) sales() []period.Sale {
	var out []period.Sale
	for i := range s.w.Sales.Blocks() {
		block, err := s.w.Sales.Block(i, nil)
		if err != nil {
			panic(err)
		}
		out = append(out, block...)
	}
	return out
}

func (s *slow) pv(who int32) int64 {
	sum := int64(0)
	for _, sale := range s.sales() {
		own := sale.Buyer == sale.Seller
		if sale.Seller == who && (own && s.p.Qualification.OwnOrders || !own && s.p.Qualification.CustomerOrders) {
			sum += int64(sale.QV)
		}
	}
	return sum
}

func (s *slow) cv(who int32) int64 {
	sum := int64(0)
	for _, sale := range s.sales() {
		if sale.Seller == who {
			sum += int64(sale.CV)
		}
	}
	return sum
}

func (s *slow) numbers(who int32, number func(period.Sale) int32) int64 {
	seen := map[int32]bool{}
	for _, sale := range s.sales() {
		if sale.Seller == who && sale.Quantity > 0 && number(sale) >= 0 {
			seen[number(sale)] = true
		}
	}
	return int64(len(seen))
}

func (s *slow) gv(who int32) int64 {
	sum := s.pv(who)
	for _, child := range s.children(who) {
		sum += s.gv(child)
	}
	return sum
}

func (s *slow) pgv(who int32, without int) int64 {
	sum := s.pv(who)
	for _, child := range s.children(who) {
		if s.rankOf(child) < without {
			sum += s.pgv(child, without)
		}
	}
	return sum
}

func (s *slow) holds(who int32, rank int) bool {
	return s.rankOf(who) >= rank || slices.ContainsFunc(s.children(who), func(child int32) bool { return s.holds(child, rank) })
}

func (s *slow) active(who int32) bool {
	if known, ok := s.act[who]; ok {
		return known
	}
	active := true
	if c := s.p.Qualification.Active; c != nil {
		switch s.judge(c, who, 0, 0) {
		case "no":
			active = false
		case "unknown":
			panic(unsettled{who})
		}
	}
	if active {
		status := string(s.w.People.Status[who])
		if status == "" {
			panic(unsettled{who})
		}
		active = slices.Contains(s.p.Eligible.Statuses, status)
	}
	s.act[who] = active
	return active
}

func (s *slow) number(name string) int { return slices.Index(s.p.Ranks, name) }

// reached is the highest rank met or assigned. Ranks are judged upwards; a missing fact below a rank that is met is no
// matter.
func (s *slow) reached(who int32) int {
	met := 0
	defer func(open []int) { s.open = open }(s.open) // Whose downline this is may be in the middle of being judged.
	s.open = nil
	assigned := 0
	if s.w.People.Rank != nil {
		assigned = int(s.w.People.Rank[who])
	}
	for _, rule := range s.p.Qualification.Ranks {
		rank := s.number(rule.Rank)
		if rank == assigned {
			assigned = 0
		}
		switch s.judge(&rule.Requires, who, met, max(met, s.before(s.w.People.Title, who))) {
		case "yes":
			met, s.open = rank, nil
		case "unknown":
			s.open = append(s.open, rank)
		}
	}
	if s.open != nil {
		panic(unsettled{who})
	}
	return max(met, assigned)
}

func (s *slow) before(column []int8, who int32) int {
	if column == nil {
		return 0
	}
	return int(column[who])
}

// rankOf is for companies without a past: what is reached is paid, unless it is overridden.
func (s *slow) rankOf(who int32) int {
	if known, ok := s.rank[who]; ok {
		return known
	}
	rank := s.reached(who)
	for _, o := range s.w.People.Overrides {
		if o.Person == who && (!o.Floor || int(o.Rank) > rank) {
			rank = int(o.Rank)
		}
	}
	s.rank[who] = rank
	return rank
}

func (s *slow) judge(c *plan.Condition, who int32, rank, title int) string {
	var answers []string
	parts := c.All
	if c.Any != nil {
		parts = c.Any
	}
	switch {
	case c.Test != nil:
		return s.test(c.Test, who, rank, title)
	case c.Not != nil:
		return map[string]string{"yes": "no", "no": "yes", "unknown": "unknown"}[s.judge(c.Not, who, rank, title)]
	}
	for i := range parts {
		answers = append(answers, s.judge(&parts[i], who, rank, title))
	}
	first, last := "no", "yes"
	if c.Any != nil {
		first, last = "yes", "no"
	}
	for _, answer := range []string{first, "unknown"} {
		if slices.Contains(answers, answer) {
			return answer
		}
	}
	return last
}

func volume(text string) *big.Rat {
	v, err := money.ParseVolume(text)
	if err != nil {
		panic(err)
	}
	return new(big.Rat).SetInt64(int64(v))
}

func (s *slow) test(t *plan.Test, who int32, rank, title int) string {
	whole := func(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }
	answer := func(met bool) string { return map[bool]string{true: "yes", false: "no"}[met] }
	compare := func(have, need *big.Rat) string {
		sign := have.Cmp(need)
		switch t.Op {
		case ">=":
			return answer(sign >= 0)
		case ">":
			return answer(sign > 0)
		case "<=":
			return answer(sign <= 0)
		case "<":
			return answer(sign < 0)
		default:
			return answer(sign == 0)
		}
	}
	count := func(n int) *big.Rat { return whole(int64(n)) }
	need := func() *big.Rat {
		n, ok := new(big.Rat).SetString(t.Number)
		if !ok {
			panic(t.Number)
		}
		return n
	}
	switch t.Measure {
	case "pv":
		return compare(whole(s.pv(who)), volume(t.Number))
	case "cv":
		return compare(whole(s.cv(who)), volume(t.Number))
	case "gv":
		return compare(s.shared(t, who), volume(t.Number))
	case "pgv":
		without := s.p.Qualification.BreakawayRank
		if t.Without != "" {
			without = t.Without
		}
		return compare(whole(s.pgv(who, s.number(without))), volume(t.Number))
	case "leg":
		return compare(whole(s.leg(who, t.N)), volume(t.Number))
	case "legs":
		legs := 0
		for _, child := range s.children(who) {
			if t.LegVolume != "" && whole(s.gv(child)).Cmp(volume(t.LegVolume)) >= 0 ||
				t.LegRank != "" && t.Depth == "frontline" && s.rankOf(child) >= s.number(t.LegRank) ||
				t.LegRank != "" && t.Depth == "anywhere" && s.holds(child, s.number(t.LegRank)) {
				legs++
			}
		}
		return compare(count(legs), need())
	case "active_legs":
		legs := 0
		for _, child := range s.children(who) {
			if s.active(child) {
				legs++
			}
		}
		return compare(count(legs), need())
	case "customers":
		return compare(whole(s.numbers(who, func(sale period.Sale) int32 { return sale.Customer })), need())
	case "orders":
		return compare(whole(s.numbers(who, func(sale period.Sale) int32 { return sale.Order })), need())
	case "rank", "title":
		have := map[string]int{"rank": rank, "title": title}[t.Measure]
		answers := []string{compare(count(have), count(s.number(t.Words[0])))}
		for _, open := range s.open {
			if other := compare(count(max(have, open)), count(s.number(t.Words[0]))); other != answers[0] {
				return "unknown"
			}
		}
		return answers[0]
	case "status":
		if s.w.People.Status[who] == "" {
			return "unknown"
		}
		return answer(strings.Contains(strings.Join(t.Words, " ")+" ", string(s.w.People.Status[who])+" ") &&
			slices.Contains(t.Words, string(s.w.People.Status[who])))
	case "active":
		return answer(s.active(who) == t.Flag)
	case "autoship":
		return answer((s.w.People.Autoship != nil && s.w.People.Autoship[who]) == t.Flag)
	case "days_since_enrolment":
		if s.w.People.EnrolledAt == nil || s.w.People.EnrolledAt[who] == period.Unknown {
			return "unknown"
		}
		spent := big.NewInt(s.w.Period.To - 1 - s.w.People.EnrolledAt[who])
		days := new(big.Int)
		days.DivMod(spent, big.NewInt(day), new(big.Int)) // Towards minus infinity, the divisor being above zero.
		return compare(new(big.Rat).SetInt(days), need())
	}
	panic(fmt.Sprint("measure ", t.Measure))
}

// shared is GV with each leg and the own volume counting for at most a share of what is needed.
func (s *slow) shared(t *plan.Test, who int32) *big.Rat {
	sources := []int64{s.pv(who)}
	for _, child := range s.children(who) {
		sources = append(sources, s.gv(child))
	}
	sum := new(big.Rat)
	for _, source := range sources {
		part := new(big.Rat).SetInt64(source)
		if t.MaxLegShare != "" {
			share, ok := new(big.Rat).SetString(strings.TrimSuffix(t.MaxLegShare, "%"))
			if !ok {
				panic(t.MaxLegShare)
			}
			if strings.HasSuffix(t.MaxLegShare, "%") {
				share.Mul(share, big.NewRat(1, 100))
			}
			if limit := share.Mul(share, volume(t.Number)); limit.Cmp(part) < 0 {
				part = limit
			}
		}
		sum.Add(sum, part)
	}
	return sum
}

func (s *slow) leg(who int32, n int) int64 {
	var legs []int64
	for _, child := range s.children(who) {
		legs = append(legs, s.gv(child))
	}
	sort.Slice(legs, func(i, j int) bool { return legs[i] > legs[j] })
	if n > len(legs) {
		return 0
	}
	return legs[n-1]
}
