package plan

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"upline.dev/upline/core/money"
)

// The words a plan may use; core/order and core/genealogy give them their meaning.
var (
	evidenceKinds   = []string{"manual", "code", "cart", "landing", "customer"}
	statusNames     = []string{"active", "inactive", "suspended", "terminated"}
	roundingNames   = []string{"half_even", "half_up", "half_down", "down", "up", "floor", "ceiling"}
	partialPolicies = []string{"none", "all", "proportional"}
	refundPolicies  = []string{"spread", "ignore"}
)

// Validate names everything that is wrong with the plan, in the order of the document; empty for a sound plan.
func (p *Plan) Validate() []Problem {
	r := &reader{}
	r.identifier("name", p.Name)
	if len(p.Title) > maxTitle {
		r.report("title", fmt.Sprintf("is longer than %d bytes", maxTitle), "shorten it")
	}
	if _, err := effectiveFrom(p.EffectiveFrom); err != nil {
		r.report("effective_from", fmt.Sprintf("%q is no instant", p.EffectiveFrom),
			"write date, time and zone, such as 2026-01-01T00:00:00Z")
	}
	if p.Currency != ShopCurrency && !money.Currency(p.Currency).Valid() {
		r.report("currency", fmt.Sprintf("%q is no currency", p.Currency),
			"write shop, or an ISO 4217 code in capitals, such as EUR")
	}
	r.oneOf("rounding", p.Rounding, roundingNames)
	p.validateRanks(r)
	p.validateAttribution(r)
	r.oneOf("orders.partially_paid", p.Orders.PartiallyPaid, partialPolicies)
	r.oneOf("orders.money_refunds", p.Orders.MoneyRefunds, refundPolicies)
	r.someOf("eligible.statuses", p.Eligible.Statuses, statusNames)
	p.validateVolume(r)
	p.validatePeriods(r)
	p.validateQualification(r)
	p.validatePlacement(r)
	p.validateComponents(r)
	p.validateCaps(r)
	if p.Holds.Days < 0 || p.Holds.Days > MaxDays {
		r.report("holds.days", "is no number of days", fmt.Sprintf("write a whole number from 0 to %d", MaxDays))
	}
	return r.problems
}

func (p *Plan) validateRanks(r *reader) {
	if len(p.Ranks) == 0 || len(p.Ranks) > MaxRanks {
		r.report("ranks", fmt.Sprintf("has %d entries", len(p.Ranks)), fmt.Sprintf("name 1 to %d ranks, lowest first", MaxRanks))
	}
	for i, rank := range p.Ranks {
		at := index("ranks", i)
		r.word(at, rank)
		if slices.Contains(p.Ranks[:i], rank) {
			r.report(at, fmt.Sprintf("%q is named twice", rank), "name each rank once")
		}
	}
}

func (p *Plan) validateAttribution(r *reader) {
	a := p.Attribution
	r.someOf("attribution.evidence", a.Evidence, evidenceKinds)
	r.oneOf("attribution.binding.mode", a.Binding.Mode, []string{BindLifetime, BindDays, BindNever})
	if days := a.Binding.Days; days < 0 || days > MaxDays || (days > 0) != (a.Binding.Mode == BindDays) {
		r.report("attribution.binding.days", fmt.Sprintf("is %d in mode %s", days, a.Binding.Mode),
			fmt.Sprintf("give 1 to %d days in mode days, and leave it out otherwise", MaxDays))
	}
}

func (p *Plan) validateVolume(r *reader) {
	names := sortedKeys(p.Volume.Money)
	for _, currency := range names {
		at := join("volume.money", currency)
		if currency != Any && !money.Currency(currency).Valid() {
			r.report(at, "is no currency", `write an ISO 4217 code in capitals, or "*" for all others`)
		}
		value, err := money.ParseRate(p.Volume.Money[currency])
		if err != nil || value <= 0 || strings.HasSuffix(p.Volume.Money[currency], "%") {
			r.report(at, fmt.Sprintf("%q is no value of 1 CV", p.Volume.Money[currency]),
				`write major units above zero with at most 9 decimals, such as "1.10"`)
		}
	}
	if !p.usesCV() {
		return
	}
	for _, currency := range p.cvCurrencies() {
		_, own := p.Volume.Money[currency]
		if _, others := p.Volume.Money[Any]; !own && !others {
			r.report("volume.money", "gives no value for CV in the plan's currency, though CV is paid on",
				`add it, such as money: {EUR: "1"}, or {"*": "1"} for every currency`)
		}
	}
}

// cvCurrencies are the currencies in which CV is certain to need a value; Any where some value must be there.
func (p *Plan) cvCurrencies() []string {
	currencies := []string{p.Currency}
	if p.Currency == ShopCurrency {
		currencies = nil
		if len(p.Volume.Money) == 0 {
			currencies = []string{Any}
		}
	}
	if period := string(p.PeriodCurrency()); period != "" && p.paysPerPeriod() {
		currencies = append(currencies, period)
	}
	return currencies
}

// usesCV tells whether CV has to be turned into money.
func (p *Plan) usesCV() bool {
	for i := range p.Components {
		if p.Components[i].Base == BaseCV {
			return true
		}
	}
	for i := range p.Caps {
		if p.Caps[i].Of == BaseCV {
			return true
		}
	}
	return false
}

// identifier checks what names a plan, a component or a cap in keys, files and addresses.
func (r *reader) identifier(path, id string) {
	ok := len(id) > 0 && len(id) <= maxName && id[0] != '-' && id[0] != '_'
	for i := range len(id) {
		ch := id[i]
		ok = ok && (ch >= 'a' && ch <= 'z' || ch >= '0' && ch <= '9' || ch == '-' || ch == '_')
	}
	if !ok {
		r.report(path, fmt.Sprintf("%q is no id", clip(id)),
			fmt.Sprintf("write 1 to %d of a-z, 0-9, - and _, beginning with a letter or digit", maxName))
	}
}

// word checks what names a rank or a class in the merchant's own words.
func (r *reader) word(path, word string) {
	bad := word == "" || len(word) > maxName || word == Any || strings.TrimSpace(word) != word
	if bad || strings.IndexFunc(word, func(ch rune) bool { return !unicode.IsPrint(ch) }) >= 0 {
		r.report(path, fmt.Sprintf("%q is no name", clip(word)),
			fmt.Sprintf("write 1 to %d printable bytes without blanks around them", maxName))
	}
}

func (r *reader) oneOf(path, word string, words []string) {
	if !slices.Contains(words, word) {
		r.report(path, fmt.Sprintf("%q is not known here", clip(word)), "write one of "+strings.Join(words, ", "))
	}
}

// someOf wants at least one of words, each once.
func (r *reader) someOf(path string, given, words []string) {
	if len(given) == 0 {
		r.report(path, "is empty", "name at least one of "+strings.Join(words, ", "))
	}
	for i, word := range given {
		r.oneOf(index(path, i), word, words)
		if slices.Contains(given[:i], word) {
			r.report(index(path, i), fmt.Sprintf("%q is named twice", clip(word)), "name each once")
		}
	}
}

// share checks a proportion from 0 % to 100 %.
func (r *reader) share(path, text string) {
	rate, err := money.ParseRate(text)
	switch {
	case err != nil:
		r.report(path, fmt.Sprintf("%q is no rate", clip(text)), "write percent, such as 7.25%, with at most 7 decimals")
	case rate < 0 || rate > money.One:
		r.report(path, fmt.Sprintf("%q is not between 0%% and 100%%", clip(text)), `write percent, such as 20%, or a proportion, such as "0.2"`)
	}
}

// clip keeps a foreign text short enough for a message.
func clip(text string) string {
	if len(text) <= maxName {
		return text
	}
	return text[:maxName] + "..."
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
