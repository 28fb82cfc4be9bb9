package commission

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/order"
)

// snapshotVersion names the layout of calc_snapshot_json; see docs/plans.md.
const snapshotVersion = 1

// nobody is the position of a step that found nobody to pay.
const nobody = -1

// Snapshot writes calc_snapshot_json: everything from which the amounts of r follow, as compact JSON. net and r must be
// what order.Net and Calculate gave for in. The layout is fixed and every figure of money or volume is a text, so equal
// settlements have equal bytes. Of the upline it keeps whoever was looked at; unit prices, on which
// nothing is paid, it leaves out. Ids only: no names.
func Snapshot(in Input, net order.Breakdown, r Result) ([]byte, error) {
	e := encoder{in: &in, r: &r, out: make([]byte, 0, 768+256*len(net.Lines)+96*len(r.Steps))}
	e.header()
	e.attribution()
	e.upline()
	e.lines(net)
	e.terms()
	e.work()
	e.raw("}")
	if e.err != nil {
		return nil, fmt.Errorf("snapshot of %s: %w", in.Source, e.err)
	}
	return e.out, nil
}

// encoder appends JSON. The first error stays.
type encoder struct {
	in   *Input
	r    *Result
	out  []byte
	last int // position in the upline found last

	reach, beside int // how many of Upline and of Beside are written down
	err           error
}

func (e *encoder) raw(text string) { e.out = append(e.out, text...) }

// key begins a member; the punctuation of the layout is written by hand, since its order never changes.
func (e *encoder) key(name string) {
	e.raw(`,"`)
	e.raw(name)
	e.raw(`":`)
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

func (e *encoder) header() {
	e.raw(`{"v":`)
	e.number(snapshotVersion)
	e.key("engine")
	e.number(int64(e.in.Pins.EngineVersion))
	e.key("source")
	e.texts(e.in.Source.StoreID, e.in.Source.PlatformOrderID)
	e.key("order_ts")
	e.number(e.in.OrderTS)
	e.key("currency")
	e.text(string(e.in.Currency))
	e.key("plan")
	e.text(e.in.Pins.PlanHash)
	e.key("tree")
	e.number(e.in.Pins.TreeVersion)
	e.key("catalog")
	e.number(e.in.Pins.CatalogVersion)
	e.key("rounding")
	e.text(e.r.Terms.Rounding)
	e.key("lowest_rank")
	e.text(e.r.Terms.LowestRank)
}

func (e *encoder) attribution() {
	a := &e.in.Attribution
	if a.DistributorID != "" {
		e.key("seller")
		e.text(a.DistributorID)
		e.key("evidence")
		e.texts(string(a.Winner), a.Value)
	}
	if len(a.Lost) > 0 {
		e.key("lost")
		for i, claim := range a.Lost {
			e.separate(i)
			e.texts(string(claim.Kind), claim.Value, claim.Why)
		}
		e.raw("]")
	}
	if e.in.Buyer != "" {
		e.key("buyer")
		e.text(e.in.Buyer)
	}
}

// upline writes the people up to the last one a step speaks of, ranks by the plan's names.
func (e *encoder) upline() {
	e.measure()
	e.people("upline", e.in.Upline[:e.reach])
	e.people("beside", e.in.Beside[:e.beside])
}

func (e *encoder) people(key string, people []genealogy.Person) {
	if len(people) == 0 {
		return
	}
	e.key(key)
	for i := range people {
		rank := people[i].Rank
		if rank == "" {
			rank = e.r.Terms.LowestRank
		}
		e.separate(i)
		e.texts(people[i].ID, string(people[i].Status), rank)
	}
	e.raw("]")
}

// measure finds how many people, from the seller up, and how many of those beside, the steps speak of.
func (e *encoder) measure() {
	e.reach = min(len(e.in.Upline), 1)
	for i := range e.r.Steps {
		step := &e.r.Steps[i]
		if step.DistributorID != "" {
			e.spokenOf(step.DistributorID)
		}
		for j := range step.Skipped {
			e.spokenOf(step.Skipped[j].DistributorID)
		}
	}
}

func (e *encoder) spokenOf(id genealogy.DistributorID) {
	if at := e.find(id); at < len(e.in.Upline) {
		e.reach = max(e.reach, 1+at)
	} else {
		e.beside = max(e.beside, 1+at-len(e.in.Upline))
	}
}

// position is somebody's place in what is written down: in the upline, or after its end in those beside.
func (e *encoder) position(id genealogy.DistributorID) int {
	at := e.find(id)
	if at >= len(e.in.Upline) {
		at += e.reach - len(e.in.Upline)
	}
	return at
}

// find finds a person in the upline, where each stands once, or after its end beside it. Steps walk upwards, so looking on
// from the last one found takes a few comparisons even in an upline of thousands.
func (e *encoder) find(id genealogy.DistributorID) int {
	people := e.in.Upline
	for tried := range people {
		at := e.last + tried
		if at >= len(people) {
			at -= len(people)
		}
		if people[at].ID == id {
			e.last = at
			return at
		}
	}
	for at := range e.in.Beside {
		if e.in.Beside[at].ID == id {
			return len(people) + at
		}
	}
	e.fail(fmt.Errorf("distributor %s is not in the upline", id))
	return 0
}

func (e *encoder) lines(net order.Breakdown) {
	if !net.Counts {
		e.key("why")
		e.text(net.Why)
	}
	e.key("lines")
	mapped := e.in.Lines
	for i := range net.Lines {
		n := &net.Lines[i]
		e.separate(i)
		e.raw(`{"id":`)
		e.text(n.LineID)
		e.waterfall(n)
		if len(mapped) > 0 && mapped[0].LineID == n.LineID {
			e.mapping(&mapped[0], n)
			mapped = mapped[1:]
		}
		e.raw("}")
	}
	e.closeList(len(net.Lines))
	if len(mapped) > 0 {
		e.fail(fmt.Errorf("line %s is not in the net, or not in its order", mapped[0].LineID))
	}
}

// waterfall writes gross, discount, order discount, tax, refunded, money refund, unpaid and net.
func (e *encoder) waterfall(n *order.LineNet) {
	e.key("net")
	for i, minor := range waterfall(n) {
		e.separate(i)
		e.quoted(minor)
	}
	e.raw("]")
	if n.QuantityLeft != 0 {
		e.key("left")
		e.quoted(n.QuantityLeft)
	}
	if n.Excluded != "" {
		e.key("excluded")
		e.text(n.Excluded)
	}
}

func waterfall(n *order.LineNet) [8]int64 {
	return [8]int64{
		n.GrossMinor, n.DiscountMinor, n.OrderDiscountMinor, n.TaxMinor, n.RefundedMinor, n.MoneyRefundMinor, n.UnpaidMinor,
		n.NetMinor,
	}
}

func (e *encoder) mapping(line *Line, n *order.LineNet) {
	if line.NetMinor != n.NetMinor || line.Quantity != n.QuantityLeft {
		e.fail(fmt.Errorf("line %s has net %d and quantity %d, and its waterfall ends at %d and %d",
			line.LineID, line.NetMinor, line.Quantity, n.NetMinor, n.QuantityLeft))
	}
	e.key("sku")
	e.texts(line.SKUID, line.PlatformSKU)
	e.key("class")
	e.text(line.CommissionClass)
	if line.CV != 0 {
		e.key("cv")
		e.quoted(int64(line.CV))
	}
	if line.QV != 0 {
		e.key("qv")
		e.quoted(int64(line.QV))
	}
	if line.WholesaleMinor != nil {
		e.key("wholesale")
		e.quoted(*line.WholesaleMinor)
	}
}

func (e *encoder) terms() {
	terms := &e.r.Terms
	if terms.CVToMoney != nil {
		e.key("cv_to_money")
		e.fraction(*terms.CVToMoney)
	}
	if len(terms.Caps) == 0 {
		return
	}
	e.key("caps")
	for i := range terms.Caps {
		c := &terms.Caps[i]
		e.separate(i)
		e.raw("[")
		e.text(c.CapID)
		for _, text := range [...]string{c.Scope, c.Target, c.Enforce, c.Of} {
			e.raw(",")
			e.text(text)
		}
		e.raw(",")
		if c.Share != nil {
			e.fraction(*c.Share)
		} else {
			e.quoted(c.LimitMinor)
		}
		e.raw("]")
	}
	e.raw("]")
}

// work writes the steps in groups of one line and component, which have base and most factors in common.
func (e *encoder) work() {
	steps := e.r.Steps
	if len(steps) == 0 {
		return
	}
	e.key("work")
	for from, groups := 0, 0; from < len(steps); groups++ {
		to := from + 1
		for to < len(steps) && steps[to].LineID == steps[from].LineID && steps[to].ComponentID == steps[from].ComponentID {
			to++
		}
		e.separate(groups)
		e.group(steps[from:to])
		from = to
	}
	e.raw("]")
}

func (e *encoder) group(steps []Step) {
	first := &steps[0]
	path, _, found := strings.Cut(first.Rule, ".")
	if !found {
		e.fail(fmt.Errorf("rule %q is not within a component", first.Rule))
	}
	e.raw(`{"line":`)
	e.text(first.LineID)
	e.key("component")
	e.text(first.ComponentID)
	e.key("path")
	e.text(path)
	e.key("base")
	e.text(first.Base)
	e.key("value")
	e.quoted(first.BaseMinor)
	if first.Tree != "" {
		e.key("tree")
		e.text(first.Tree)
	}
	if first.FirstDays != nil {
		e.firstDays(first.FirstDays)
	}
	e.sharedFactors(steps)
	e.key("steps")
	for i := range steps {
		e.separate(i)
		e.step(&steps[i], len(path)+1)
	}
	e.raw("]}")
}

// firstDays writes who is new, and from when until when.
func (e *encoder) firstDays(f *FirstDays) {
	e.key("new")
	e.raw("[")
	e.text(f.DistributorID)
	for _, v := range [...]int64{f.EnrolledAt, int64(f.Days), f.Until} {
		e.raw(",")
		e.number(v)
	}
	e.raw("]")
}

// sharedFactors writes all factors but the rate, as the first step that has any states them.
func (e *encoder) sharedFactors(steps []Step) {
	for i := range steps {
		if len(steps[i].Factors) < 2 {
			continue
		}
		e.key("factors")
		for j, factor := range steps[i].Factors[1:] {
			e.separate(j)
			e.raw("[")
			e.text(factor.Name)
			e.raw(",")
			e.fraction(factor)
			e.raw("]")
		}
		e.raw("]")
		return
	}
}

// step writes [position, level, rule, rate, exact, amount] and, where there is more to say, an object.
func (e *encoder) step(step *Step, pathLength int) {
	e.raw("[")
	if step.DistributorID == "" {
		e.number(nobody)
	} else {
		e.number(int64(e.position(step.DistributorID)))
	}
	e.raw(",")
	e.number(int64(step.Level))
	e.raw(",")
	e.text(step.Rule[min(pathLength, len(step.Rule)):])
	e.raw(",")
	if len(step.Factors) > 0 {
		e.fraction(step.Factors[0])
	} else {
		e.raw(`""`)
	}
	e.raw(",")
	e.text(step.Exact)
	e.raw(",")
	e.quoted(step.AmountMinor)
	e.remarks(step)
	e.raw("]")
}

func (e *encoder) remarks(step *Step) {
	if step.Breakage == "" && len(step.Cuts) == 0 && len(step.Skipped) == 0 {
		return
	}
	open := byte('{')
	member := func(name string) {
		e.out = append(e.out, open, '"')
		e.raw(name)
		e.raw(`":`)
		open = ','
	}
	e.raw(",")
	if step.Breakage != "" {
		member("breakage")
		e.text(step.Breakage)
	}
	if len(step.Cuts) > 0 {
		member("cuts")
		e.cuts(step.Cuts)
	}
	if len(step.Skipped) > 0 {
		member("skipped")
		e.skips(step.Skipped)
	}
	e.raw("}")
}

func (e *encoder) cuts(cuts []Cut) {
	for i, cut := range cuts {
		e.separate(i)
		e.raw("[")
		e.text(cut.CapID)
		e.raw(",")
		e.quoted(cut.CutMinor)
		e.raw("]")
	}
	e.raw("]")
}

func (e *encoder) skips(skips []Skip) {
	for i, skip := range skips {
		e.separate(i)
		e.raw("[")
		e.number(int64(e.position(skip.DistributorID)))
		e.raw(",")
		e.text(skip.Reason)
		e.raw("]")
	}
	e.raw("]")
}

// separate opens a list before its first element and puts a comma before the others.
func (e *encoder) separate(i int) {
	if i == 0 {
		e.raw("[")
	} else {
		e.raw(",")
	}
}

// closeList ends a list that may be empty.
func (e *encoder) closeList(length int) {
	if length == 0 {
		e.raw("[")
	}
	e.raw("]")
}

func (e *encoder) number(v int64) { e.out = strconv.AppendInt(e.out, v, 10) }

// quoted writes a figure as a text, so that no reader takes it for a float.
func (e *encoder) quoted(v int64) {
	e.raw(`"`)
	e.number(v)
	e.raw(`"`)
}

func (e *encoder) fraction(f Factor) {
	e.raw(`"`)
	e.number(f.Num)
	if f.Den != 1 {
		e.raw("/")
		e.number(f.Den)
	}
	e.raw(`"`)
}

func (e *encoder) texts(list ...string) {
	for i, text := range list {
		e.separate(i)
		e.text(text)
	}
	e.raw("]")
}

var errUTF8 = errors.New("a text is not UTF-8")

// text writes a JSON text, escaping only what must be.
func (e *encoder) text(text string) {
	e.raw(`"`)
	for i := range len(text) {
		if ch := text[i]; ch < ' ' || ch == '"' || ch == '\\' || ch >= utf8.RuneSelf {
			e.escaped(text)
			e.raw(`"`)
			return
		}
	}
	e.raw(text)
	e.raw(`"`)
}

// escaped writes the inside of a text that is not plain ASCII.
func (e *encoder) escaped(text string) {
	const hexDigits = "0123456789abcdef"
	if !utf8.ValidString(text) {
		e.fail(errUTF8)
	}
	for i := range len(text) {
		switch ch := text[i]; {
		case ch == '"' || ch == '\\':
			e.out = append(e.out, '\\', ch)
		case ch < ' ':
			e.out = append(e.out, '\\', 'u', '0', '0', hexDigits[ch>>4], hexDigits[ch&15])
		default:
			e.out = append(e.out, ch)
		}
	}
}
