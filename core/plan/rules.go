package plan

import "slices"

// typeRule says which keys go with a type of component.
type typeRule struct {
	perOrder     bool     // may be paid as each order settles, because it looks at nothing but that order and what is pinned with it
	monthly      bool     // is paid per month where it does not say otherwise, though it may be paid per order
	bases        []string // what it can be a share of; none: it pays amounts, or a share of what others were paid
	trees        []string // none: it walks no tree
	compressions []string // none: it passes nobody over
	counting     bool     // has levels_from and include_self
	classes      bool     // its rows may name classes
	needsTerms   bool     // cannot do without the key that is named like the type
}

// period is what a component of the type is paid by where it does not say.
func (r *typeRule) period() string {
	if r.perOrder && !r.monthly {
		return PerOrder
	}
	return Monthly
}

var (
	netOrCV      = []string{BaseNet, BaseCV}
	anyTree      = []string{TreeSponsor, TreeEnroller, TreePlacement}
	personalTree = []string{TreeSponsor, TreeEnroller}
	noneOrPassed = []string{CompressNone, CompressDynamic}
)

// ruleOf is the rule of a type; false for a type that does not exist.
func ruleOf(name string) (typeRule, bool) {
	switch name {
	case Retail:
		return typeRule{perOrder: true, bases: []string{BaseNet, BaseCV, BaseProfit, ComponentBase}, classes: true}, true
	case Unilevel:
		return typeRule{
			perOrder: true, bases: []string{BaseNet, BaseCV, ComponentBase}, trees: anyTree,
			compressions: []string{CompressNone, CompressDynamic, CompressToRank}, counting: true, classes: true,
		}, true
	case Differential:
		return typeRule{bases: netOrCV, trees: personalTree, classes: true}, true
	case Generation:
		return typeRule{bases: netOrCV, trees: anyTree, compressions: noneOrPassed, classes: true, needsTerms: true}, true
	case Binary:
		return typeRule{bases: netOrCV, trees: []string{TreePlacement}, needsTerms: true}, true
	case Matrix:
		return typeRule{bases: netOrCV, trees: []string{TreePlacement}, compressions: noneOrPassed, classes: true, needsTerms: true}, true
	case Matching:
		return typeRule{trees: anyTree, compressions: noneOrPassed, needsTerms: true}, true
	case FastStart:
		return typeRule{perOrder: true, monthly: true, bases: netOrCV, trees: anyTree, classes: true, needsTerms: true}, true
	case Infinity:
		return typeRule{bases: netOrCV, trees: anyTree, classes: true, needsTerms: true}, true
	case Pool:
		return typeRule{bases: netOrCV, needsTerms: true}, true
	case RankAdvance, CustomerAcquisition:
		return typeRule{}, true
	case XUp:
		return typeRule{bases: netOrCV, trees: personalTree, classes: true, needsTerms: true}, true
	case FirstOrder:
		return typeRule{bases: netOrCV, classes: true}, true
	case Bands:
		return typeRule{bases: netOrCV, needsTerms: true}, true
	case Fixed:
		return typeRule{perOrder: true, classes: true}, true
	}
	return typeRule{}, false
}

// componentTypes are all types, in the order in which the documents tell them.
var componentTypes = []string{
	Retail, Unilevel, Differential, Generation, Binary, Matrix, Matching, FastStart, Infinity, Pool, RankAdvance, XUp,
	FirstOrder, CustomerAcquisition, Bands, Fixed,
}

// The keys of a row that say what it pays.
const (
	keyRate   = "rate"
	keyLevels = "levels"
	keyAmount = "amount"
	keyShares = "shares"
)

// rowKey is the key with which a row of the component says what it pays; "" where the component has no rows.
func (c *Component) rowKey() string {
	switch c.Type {
	case Unilevel, Generation, Matrix, Matching, FastStart:
		return keyLevels
	case Pool:
		return keyShares
	case RankAdvance, Fixed:
		return keyAmount
	case Binary:
		if c.BinaryTerms != nil && c.BinaryTerms.Pay == PayCycles {
			return keyAmount
		}
	case Differential:
		if c.DifferentialTerms != nil && c.DifferentialTerms.Bands != nil {
			return ""
		}
	case CustomerAcquisition:
		if c.AcquisitionTerms != nil && c.AcquisitionTerms.Bands != nil {
			return ""
		}
		return keyAmount
	case Bands:
		return ""
	}
	return keyRate
}

// paysAmounts tells whether all that a component pays is amounts, or a share of what others were paid, so that no share
// of a base counts.
func (c *Component) paysAmounts() bool {
	rated := func(b Band) bool { return b.Rate != "" }
	switch c.Type {
	case Binary:
		return c.BinaryTerms != nil && c.BinaryTerms.Pay == PayCycles
	case Bands:
		return c.BandsTerms != nil && !slices.ContainsFunc(c.BandsTerms.Bands, rated)
	default:
		return len(c.volumeBases()) == 0
	}
}

// defaults fills in what follows from the type. A type whose figures depend on other orders is monthly.
func (c *Component) defaults() {
	rule, known := ruleOf(c.Type)
	c.Period = orElse(c.Period, rule.period())
	if len(rule.bases) > 0 || !known {
		c.Base = orElse(c.Base, BaseNet)
	}
	if len(rule.trees) > 0 {
		c.Tree = orElse(c.Tree, rule.trees[0])
	}
	if len(rule.compressions) > 0 {
		c.Compression = orElse(c.Compression, CompressNone)
	}
	if rule.counting {
		c.LevelsFrom = orElse(c.LevelsFrom, FromSeller)
	}
	switch {
	case c.Type == Differential && c.DifferentialTerms == nil:
		c.DifferentialTerms = &DifferentialTerms{Of: MeasureGV}
	case c.Type == RankAdvance && c.RankAdvanceTerms == nil:
		c.RankAdvanceTerms = &RankAdvanceTerms{Parts: 1, Maintain: 1}
	case c.Type == CustomerAcquisition && c.AcquisitionTerms == nil:
		c.AcquisitionTerms = &AcquisitionTerms{}
	}
}

// termsGiven are the keys of all terms that are there, in the order of componentTypes.
func (c *Component) termsGiven() []string {
	given := make([]string, 0, 1)
	for _, terms := range []struct {
		key string
		set bool
	}{
		{Unilevel, c.UnilevelTerms != nil},
		{Differential, c.DifferentialTerms != nil},
		{Generation, c.GenerationTerms != nil},
		{Binary, c.BinaryTerms != nil},
		{Matrix, c.MatrixTerms != nil},
		{Matching, c.MatchingTerms != nil},
		{FastStart, c.FastStartTerms != nil},
		{Infinity, c.InfinityTerms != nil},
		{Pool, c.PoolTerms != nil},
		{RankAdvance, c.RankAdvanceTerms != nil},
		{XUp, c.XUpTerms != nil},
		{CustomerAcquisition, c.AcquisitionTerms != nil},
		{Bands, c.BandsTerms != nil},
	} {
		if terms.set {
			given = append(given, terms.key)
		}
	}
	return given
}

// Nests tells whether every span of the period inner lies within one span of outer, so that what was earned in the one
// belongs to the other as a whole.
func Nests(inner, outer string) bool {
	within := map[string][]string{
		PerOrder:  {PerOrder, Daily, Weekly, Monthly, Quarterly},
		Daily:     {Daily, Weekly, Monthly, Quarterly},
		Weekly:    {Weekly},
		Monthly:   {Monthly, Quarterly},
		Quarterly: {Quarterly},
	}
	return slices.Contains(within[inner], outer)
}

// whyPerPeriod says why what a type pays is not known as an order settles, as the rest of a sentence that begins with
// "is order, but".
func whyPerPeriod(name string) string {
	switch name {
	case Differential, Generation, Infinity:
		return "what " + name + " pays depends on ranks or volume, which other orders of the period decide"
	case Binary, Matrix:
		return "what " + name + " pays depends on the volume and the people of whole legs, which are known at the end of a period"
	case Matching:
		return "matching pays a share of all that somebody earned, which other orders of the period add to (a share of one line is a unilevel with base: component:ID)"
	case Pool:
		return "a pool is shared out among everybody who holds shares at the end of a period"
	case RankAdvance:
		return "ranks are reached at the end of a period"
	case XUp:
		return "who the first recruits are may still change while earlier enrolments arrive"
	case FirstOrder, CustomerAcquisition:
		return "which order of a customer is the first may still change while earlier orders arrive or are refunded"
	case Bands:
		return "the band reached depends on other orders of the period"
	default:
		return "what " + name + " pays depends on other orders"
	}
}
