package commission

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// Term is one part of an award: Base times Rate, before the component's shared factors.
type Term struct {
	Level int32      // level or generation; 0 where there is none
	Row   int32      // index into Component.Rates; -1 where the rate comes from the component's terms
	Base  int64      // micro-units of CV, or minor units, by the component's base
	Rate  plan.Ratio // what Base is multiplied with; 1/1 for an amount
	// Money says that Base is minor units of the paying currency whatever the component's base is: the shared factors
	// do not touch it.
	Money bool
	Note  string // what else a person should know; few different ones, since each person's own facts are told by facts
}

// Award is what one person gets by one component. Person is period.Nobody for breakage that would have been no one
// person's, such as a pool without anybody to share it. Terms of a component that pays in amounts of money have those as
// their base.
type Award struct {
	Component, Person int32
	AmountMinor       int64 // rounded once, before caps; negative where corrections outweigh
	CutMinor          int64 // what caps take of it

	from, to, lost int32 // entries of the book: what is paid, then what is lost
}

// PaidMinor is what is left after caps.
func (a *Award) PaidMinor() int64 { return a.AmountMinor - a.CutMinor }

// Lost is what somebody would have had by a component, rounded once per reason: breakage.
type Lost struct {
	Component, Person int32
	Reason            string
	AmountMinor       int64
}

// entry is one term of one person's award, or of what was lost. Rates and texts are few, so they are kept by number:
// 32 bytes are what a term costs.
type entry struct {
	person, level, row int32
	rate               int32 // index into Closing.rates, where the base is money too
	note, lost         int32 // indices into Closing.texts; 0 is none
	base               int64
}

// skipped is somebody who was passed over.
type skipped struct {
	person, passedOver, level int32
	reason                    int32
}

// book is one component's part of a closing. After fold, awards and entries are in the order of people.
type book struct {
	shared  plan.Ratio // commissionable x cv_to_money
	factors []Factor   // the same, named
	base    string
	entries []entry
	skips   []skipped
	awards  []Award
	lost    []Lost
	facts   func(person int32) []Fact
}

// Fact is one figure that the trace of an award tells beside its terms, such as the volume of a leg before and after.
type Fact struct {
	Name  string `json:"name"`
	Unit  string `json:"unit"` // "cv", "qv" in micro-units; "minor"; "count"; "text"
	Value int64  `json:"value"`
	Text  string `json:"text,omitempty"` // where Unit is "text"
}

// pay adds a term to what person gets by component.
func (c *closing) pay(component int, person int32, t Term) { c.enter(component, person, t, "") }

// lose records a term that somebody would have had, and why they have not: breakage of component.
func (c *closing) lose(component int, person int32, t Term, reason string) {
	c.enter(component, person, t, reason)
}

// reserve makes room for about so many terms, where a component can tell: growing step by step holds twice the memory.
func (c *closing) reserve(component, terms int) {
	book := &c.out.books[component]
	book.entries = slices.Grow(book.entries, terms)
}

func (c *closing) enter(component int, person int32, t Term, lost string) {
	book, rate := &c.out.books[component], rating{t.Rate, ofBase}
	if t.Money {
		rate.of = ofMoney
	}
	book.entries = append(book.entries, entry{
		person: person, level: t.Level, row: t.Row, base: t.Base,
		rate: c.out.rates.number(rate), note: c.out.texts.number(t.Note), lost: c.out.texts.number(lost),
	})
}

// skip records somebody who was passed over on the way to person, and why. It changes no amount.
func (c *closing) skip(component int, person, passedOver int32, level int32, reason string) {
	book := &c.out.books[component]
	book.skips = append(book.skips, skipped{person, passedOver, level, c.out.texts.number(reason)})
}

// tell gives the trace of a component's awards more facts. facts is called when a trace is asked for, by many at once,
// and keeps what it needs of the closing.
func (c *closing) tell(component int, facts func(person int32) []Fact) {
	c.out.books[component].facts = facts
}

// rating is a rate and what it is a rate of.
type rating struct {
	plan.Ratio
	of int8 // ofBase or ofMoney
}

const (
	ofBase = iota
	ofMoney
)

// numbered keeps few different values by number, in the order in which they came. 0 is the zero value.
type numbered[T comparable] struct {
	values []T
	index  map[T]int32
	last   T // most values come many times in a row
	at     int32
}

func (n *numbered[T]) number(value T) int32 {
	if value == n.last {
		return n.at
	}
	if len(n.values) <= 16 { // Nearly always: looking through so few is faster than asking the map.
		for at := range n.values {
			if n.values[at] == value {
				n.last, n.at = value, int32(at)
				return n.at
			}
		}
	}
	at, known := n.index[value]
	if !known {
		if n.index == nil {
			var zero T
			n.index, n.values = map[T]int32{zero: 0}, []T{zero}
		}
		at = int32(len(n.values))
		n.index[value], n.values = at, append(n.values, value)
	}
	n.last, n.at = value, at
	return at
}

func (n *numbered[T]) value(at int32) T {
	if at == 0 {
		var zero T
		return zero
	}
	return n.values[at]
}

// Closing is the outcome of one close. Components, then people, come in the order of their numbers.
type Closing struct {
	After State

	closing   *closing
	books     []book // by component
	reentries []Reentry
	cuts      []CapCut
	byAward   []CapCut // the same by component and person
	rates     numbered[rating]
	texts     numbered[string]
	id        func(person int32) string
	round     money.Rounding
}

func newClosing(c *closing) *Closing {
	return &Closing{
		closing: c, books: make([]book, len(c.plan.Components)), id: c.world.People.ID, round: c.plan.RoundingMode(),
	}
}

// Awards are everybody's amounts, by component and then by person, those of nothing but breakage included.
func (o *Closing) Awards() []Award {
	var out []Award
	for i := range o.books {
		out = append(out, o.books[i].awards...)
	}
	return out
}

// AwardsOf is everybody's amounts by one component, without a copy: the caller must not change them.
func (o *Closing) AwardsOf(component int) []Award { return o.books[component].awards }

// Lost is all breakage but what caps cut, by component, person and reason.
func (o *Closing) Lost() []Lost {
	var out []Lost
	for i := range o.books {
		out = append(out, o.books[i].lost...)
	}
	return out
}

// Facts are what a component tells of a person beside the terms of an award, whether there is an award or not; nil where
// it has nothing to tell. It may be called by many at once.
func (o *Closing) Facts(component int, person int32) []Fact {
	if facts := o.books[component].facts; facts != nil {
		return facts(person)
	}
	return nil
}

// factor prepares what all terms of a component are multiplied with.
func (o *Closing) factor(index int, component *plan.Component, p *plan.Plan, currency money.Currency) error {
	book := &o.books[index]
	book.base, book.shared = component.Base, component.Share()
	if book.shared.Num != book.shared.Den {
		book.factors = append(book.factors, Factor{factorCommissionable, book.shared.Num, book.shared.Den})
	}
	if component.Base != plan.BaseCV {
		return nil
	}
	value, ok := p.CVToMinor(currency)
	if !ok {
		return &MissingRate{What: "1 CV", Currency: currency}
	}
	book.factors = append(book.factors, Factor{factorCVToMoney, value.Num, value.Den})
	left, right := plan.Reduce(book.shared.Num, value.Den), plan.Reduce(value.Num, book.shared.Den)
	num, err := money.Mul(left.Num, right.Num)
	if err != nil {
		return fmt.Errorf("value of CV: %w", err)
	}
	den, err := money.Mul(left.Den, right.Den)
	if err != nil {
		return fmt.Errorf("value of CV: %w", err)
	}
	book.shared = plan.Ratio{Num: num, Den: den}
	return nil
}

// fold sorts a component's entries by person, unites equal terms and rounds each person's sum once.
func (o *Closing) fold(index int) error {
	book := &o.books[index]
	o.sort(book)
	if err := book.unite(); err != nil {
		return err
	}
	book.awards = make([]Award, 0, book.people())
	for from := 0; from < len(book.entries); {
		award := Award{Component: int32(index), Person: book.entries[from].person, from: int32(from)}
		to := from
		for to < len(book.entries) && book.entries[to].person == award.Person && book.entries[to].lost == 0 {
			to++
		}
		award.to, award.lost = int32(to), int32(len(book.lost))
		var err error
		if award.AmountMinor, err = o.amount(book, book.entries[from:to]); err != nil {
			return fmt.Errorf("%s: %w", o.name(award.Person), err)
		}
		if from, err = o.foldLost(book, &award, to); err != nil {
			return fmt.Errorf("%s: breakage: %w", o.name(award.Person), err)
		}
		book.awards = append(book.awards, award)
	}
	return nil
}

// name is how an error speaks of somebody.
func (o *Closing) name(person int32) string {
	if person < 0 {
		return "nobody"
	}
	return "distributor " + o.id(person)
}

// foldLost rounds what one person lost, once per reason, and gives the index of the next person's first entry.
func (o *Closing) foldLost(book *book, award *Award, from int) (int, error) {
	for from < len(book.entries) && book.entries[from].person == award.Person {
		to := from
		for to < len(book.entries) && book.entries[to].person == award.Person && book.entries[to].lost == book.entries[from].lost {
			to++
		}
		amount, err := o.amount(book, book.entries[from:to])
		if err != nil {
			return 0, err
		}
		book.lost = append(book.lost, Lost{
			Component: award.Component, Person: award.Person, Reason: o.texts.value(book.entries[from].lost), AmountMinor: amount,
		})
		from = to
	}
	return from, nil
}

// sort puts entries and skips in their one order, whatever the order they came in. Nearly always people come in order
// already; else they are counted into place, since comparing millions would cost more than computing them.
func (o *Closing) sort(book *book) {
	book.entries = byPerson(book.entries, func(e *entry) int32 { return e.person })
	each(book.entries, func(e *entry) int32 { return e.person }, func(list []entry) { slices.SortFunc(list, o.compare) })
	book.skips = byPerson(book.skips, func(s *skipped) int32 { return s.person })
	each(book.skips, func(s *skipped) int32 { return s.person }, func(list []skipped) {
		slices.SortFunc(list, func(a, b skipped) int {
			return cmp.Or(cmp.Compare(a.level, b.level), cmp.Compare(a.passedOver, b.passedOver),
				strings.Compare(o.texts.value(a.reason), o.texts.value(b.reason)))
		})
	})
	book.skips = slices.Compact(book.skips)
}

// compare orders the entries of one person by what they say, since numbers of texts depend on who came first.
func (o *Closing) compare(a, b entry) int {
	if a.lost != b.lost {
		return strings.Compare(o.texts.value(a.lost), o.texts.value(b.lost))
	}
	if by := cmp.Or(cmp.Compare(a.level, b.level), cmp.Compare(a.row, b.row)); by != 0 {
		return by
	}
	if a.rate != b.rate {
		left, right := o.rates.value(a.rate), o.rates.value(b.rate)
		if by := cmp.Or(cmp.Compare(left.Num, right.Num), cmp.Compare(left.Den, right.Den), cmp.Compare(left.of, right.of)); by != 0 {
			return by
		}
	}
	if a.note == b.note {
		return 0
	}
	return strings.Compare(o.texts.value(a.note), o.texts.value(b.note))
}

// byPerson sorts a list by person, nobody first, keeping the order within each.
func byPerson[T any](list []T, person func(*T) int32) []T {
	sorted, most := true, int32(0)
	for i := range list {
		sorted = sorted && (i == 0 || person(&list[i-1]) <= person(&list[i]))
		most = max(most, person(&list[i]))
	}
	if sorted {
		return list
	}
	next := make([]int32, most+3)
	for i := range list {
		next[person(&list[i])+2]++
	}
	for i := range next[1:] {
		next[i+1] += next[i]
	}
	out := make([]T, len(list))
	for i := range list {
		who := person(&list[i]) + 1
		out[next[who]] = list[i]
		next[who]++
	}
	return out
}

// each calls f with the part of every person who has more than one entry.
func each[T any](list []T, person func(*T) int32, f func([]T)) {
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && person(&list[to]) == person(&list[from]) {
			to++
		}
		if to-from > 1 {
			f(list[from:to])
		}
		from = to
	}
}

// unite adds up the bases of entries that say the same.
func (b *book) unite() error {
	kept := b.entries[:0]
	for _, e := range b.entries {
		if last := len(kept) - 1; last >= 0 {
			same := kept[last]
			same.base = e.base
			if same == e {
				sum, err := money.Add(kept[last].base, e.base)
				if err != nil {
					return fmt.Errorf("volume of person %d: %w", e.person, err)
				}
				kept[last].base = sum
				continue
			}
		}
		kept = append(kept, e)
	}
	b.entries = kept
	return nil
}

// people counts the different people of sorted entries.
func (b *book) people() int {
	count := 0
	for i := range b.entries {
		if i == 0 || b.entries[i].person != b.entries[i-1].person {
			count++
		}
	}
	return count
}

// amount is the rounded sum of entries with the component's factors.
func (o *Closing) amount(book *book, entries []entry) (int64, error) {
	exact, err := o.exact(book, entries)
	if err != nil {
		return 0, err
	}
	return exact.Round(o.round)
}

// exact is the sum before rounding.
func (o *Closing) exact(book *book, entries []entry) (money.Exact, error) {
	var sums [2]money.Exact // by what the rates are of
	for i := range entries {
		rate := o.rates.value(entries[i].rate)
		part, err := termValue(entries[i].base, rate.Ratio)
		if err != nil {
			return money.Exact{}, err
		}
		if sums[rate.of], err = sums[rate.of].Add(part); err != nil {
			return money.Exact{}, err
		}
	}
	product, err := sums[ofBase].Mul(book.shared.Num, book.shared.Den)
	if err != nil {
		return money.Exact{}, err
	}
	return product.Add(sums[ofMoney])
}

// termValue is base x rate. A decimal rate is written over one denominator, so that sums stay short and fast.
func termValue(base int64, rate plan.Ratio) (money.Exact, error) {
	if scale := int64(money.One); rate.Den > 1 && scale%rate.Den == 0 && rate.Num <= scale {
		return money.NewExact(base).Mul(rate.Num*(scale/rate.Den), scale)
	}
	return money.NewExact(base).Mul(rate.Num, rate.Den)
}
