package commission_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
)

// company is a small random company with one unilevel component, kept in the words of the model and not of the code.
type company struct {
	rates       [][]int64 // by rank: tenths of a percent per level
	compression string
	levelsFrom  string
	includeSelf bool
	base        string
	share       int64 // percent
	cvCents     int64 // of one CV
	rounding    string
	people      []genealogy.Person // seller first
	buyer       string
	net         int64
	cvMicros    int64
}

func randomCompany(r *rand.Rand) company {
	c := company{
		compression: pick(r, "none", "dynamic", "to_rank"), levelsFrom: pick(r, "seller", "buyer"), includeSelf: r.IntN(4) == 0,
		base: pick(r, "net", "cv"), share: r.Int64N(101), cvCents: 1 + r.Int64N(300), rounding: pick(r, "half_even", "half_up", "down", "up"),
		net: r.Int64N(100_000), cvMicros: r.Int64N(500_000_000),
	}
	open := 0
	for range 1 + r.IntN(4) {
		open += r.IntN(3)
		levels := make([]int64, open)
		for i := range levels {
			levels[i] = 1 + r.Int64N(200)
			if c.compression != "to_rank" && r.IntN(5) == 0 {
				levels[i] = 0
			}
		}
		c.rates = append(c.rates, levels)
	}
	for i := range 1 + r.IntN(9) {
		p := genealogy.Person{ID: fmt.Sprintf("P%d", i), Status: genealogy.Active, Rank: fmt.Sprintf("rank%d", r.IntN(len(c.rates)))}
		if r.IntN(4) == 0 {
			p.Status = genealogy.Status(pick(r, "inactive", "suspended", "terminated"))
		}
		c.people = append(c.people, p)
	}
	if r.IntN(3) == 0 {
		c.buyer = c.people[r.IntN(min(3, len(c.people)))].ID
	}
	return c
}

func pick(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

// document writes the company's plan.
func (c *company) document() string {
	var ranks, rows []string
	for i, levels := range c.rates {
		texts := []string{}
		for _, rate := range levels {
			texts = append(texts, fmt.Sprintf(`"%d.%d%%"`, rate/10, rate%10))
		}
		ranks = append(ranks, fmt.Sprintf(`"rank%d"`, i))
		rows = append(rows, fmt.Sprintf(`{"rank":"rank%d","levels":[%s]}`, i, strings.Join(texts, ",")))
	}
	return fmt.Sprintf(`{"name":"random","rounding":%q,"ranks":[%s],"volume":{"money":{"EUR":"%d.%02d"}},"components":[
{"id":"levels","type":"unilevel","base":%q,"commissionable":"%d%%","levels_from":%q,"include_self":%t,"compression":%q,"rates":[%s]}]}`,
		c.rounding, strings.Join(ranks, ","), c.cvCents/100, c.cvCents%100, c.base, c.share, c.levelsFrom, c.includeSelf,
		c.compression, strings.Join(rows, ","))
}

// expected is the reference: it asks for each level in turn who has it, and reckons in fractions all the way.
func (c *company) expected() []string {
	var out []string
	for _, slot := range c.slots() {
		amount := roundRat(c.worth(slot.rate), c.rounding)
		if amount.Sign() == 0 {
			continue
		}
		text := fmt.Sprintf("1 levels %s %s", slot.who, amount)
		if slot.why != "" {
			text += " breakage: " + slot.why
		}
		out = append(out, text)
	}
	return out
}

type slot struct {
	who, why string
	rate     int64
}

func (c *company) slots() []slot {
	ladder := c.people[1:]
	own := c.buyer == c.people[0].ID
	if own && c.includeSelf || !own && c.levelsFrom == "buyer" {
		ladder = c.people
	}
	var out []slot
	deepest := 0
	for _, levels := range c.rates {
		deepest = max(deepest, len(levels))
	}
	for level := 1; level <= deepest && len(ladder) > 0; level++ {
		lowest := c.lowest(level)
		at := 0
		for c.compression != "none" && at < len(ladder) && c.reason(ladder[at], level, lowest) != "" {
			at++
		}
		if at == len(ladder) {
			break
		}
		taker := ladder[at]
		ladder = ladder[at+1:]
		if lowest < 0 {
			continue
		}
		if why := c.reason(taker, level, lowest); why != "" {
			out = append(out, slot{taker.ID, why, c.rates[lowest][level-1]})
		} else {
			out = append(out, slot{taker.ID, "", c.rates[rankOf(taker)][level-1]})
		}
	}
	return out
}

// lowest is the lowest rank that is paid on a level, or -1.
func (c *company) lowest(level int) int {
	for rank := range c.rates {
		if c.opens(rank, level) {
			return rank
		}
	}
	return -1
}

func (c *company) opens(rank, level int) bool {
	return level <= len(c.rates[rank]) && c.rates[rank][level-1] > 0
}

func rankOf(p genealogy.Person) int { return int(p.Rank[len("rank")] - '0') }

// reason is why a person may not have a level that somebody could have.
func (c *company) reason(p genealogy.Person, level, lowest int) string {
	switch {
	case p.Status != genealogy.Active:
		return "status " + string(p.Status)
	case p.ID == c.buyer && !c.includeSelf:
		return "own order"
	case lowest < 0 || c.opens(rankOf(p), level):
		return ""
	case c.compression == "to_rank":
		return fmt.Sprintf("rank %s is below rank%d, which level %d asks for", p.Rank, lowest, level)
	default:
		return fmt.Sprintf("rank %s does not open level %d", p.Rank, level)
	}
}

// worth is the exact amount of a rate in minor units.
func (c *company) worth(rate int64) *big.Rat {
	value := new(big.Rat).SetInt64(c.net)
	if c.base == "cv" {
		value = new(big.Rat).Mul(big.NewRat(c.cvMicros, 1_000_000), big.NewRat(c.cvCents, 1))
	}
	value.Mul(value, big.NewRat(rate, 1000))
	return value.Mul(value, big.NewRat(c.share, 100))
}

// roundRat rounds a fraction of zero or more.
func roundRat(value *big.Rat, mode string) *big.Int {
	whole, rest := new(big.Int).QuoRem(value.Num(), value.Denom(), new(big.Int))
	half := new(big.Int).Lsh(rest, 1).Cmp(value.Denom())
	up := false
	switch mode {
	case "half_even":
		up = half > 0 || half == 0 && whole.Bit(0) == 1
	case "half_up":
		up = half >= 0
	case "up":
		up = rest.Sign() > 0
	}
	if up {
		whole.Add(whole, big.NewInt(1))
	}
	return whole
}

func TestUnilevelAgreesWithReference(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) // The same companies every time are the point.
	const companies = 3000
	paying := 0
	for i := range companies {
		c := randomCompany(r)
		p := mustPlan(t, c.document())
		in := sale(p, "EUR", c.people, commission.Line{NetMinor: c.net, CV: money.Volume(c.cvMicros)})
		in.Buyer = c.buyer
		got, err := commission.Calculate(in, p)
		if err != nil {
			t.Fatalf("company %d: %v\n%s", i, err, c.document())
		}
		if diff := cmp.Diff(c.expected(), events(got)); diff != "" {
			t.Fatalf("company %d (-reference +Calculate):\n%s\n%s\n%+v buyer %q", i, diff, c.document(), c.people, c.buyer)
		}
		paying += len(got.Events)
	}
	if paying < companies {
		t.Errorf("only %d events from %d companies: the comparison compares little", paying, companies)
	}
}
