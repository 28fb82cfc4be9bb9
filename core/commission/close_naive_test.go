package commission_test

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// walked is what walking up from every single sale gives: exact sums by component, person and reason ("" is paid).
type walked map[[3]string]*big.Rat

func (w walked) add(component, person, reason string, base int64, rate *big.Rat) {
	key := [3]string{component, person, reason}
	if w[key] == nil {
		w[key] = new(big.Rat)
	}
	w[key].Add(w[key], new(big.Rat).Mul(big.NewRat(base, 1), rate))
}

// walker walks one sale at a time, with rates as texts of the document and maps where the engine has arrays.
type walker struct {
	in  commission.CloseInput
	p   *plan.Plan
	c   *plan.Component
	out walked
}

func (w *walker) id(person int32) string { return w.in.World.People.ID(person) }

func (w *walker) mayNot(person int32) string {
	status := w.in.World.People.Status[person]
	if !slices.Contains(w.p.Eligible.Statuses, string(status)) {
		return "status " + string(status)
	}
	if !w.in.Standings.Active[person] {
		return "not active in the period"
	}
	return ""
}

// rate is the rate of a rank and level for a class: the most specific row.
func (w *walker) rate(class string, rank, level int) *big.Rat {
	for _, key := range [][2]string{{class, w.p.Ranks[rank]}, {class, "*"}, {"*", w.p.Ranks[rank]}, {"*", "*"}} {
		for _, row := range w.c.Rates {
			if row.Class != key[0] || row.Rank != key[1] {
				continue
			}
			texts := row.Levels
			if texts == nil {
				texts = []string{row.Rate}
			}
			if level > len(texts) {
				return new(big.Rat)
			}
			return percent(texts[level-1])
		}
	}
	return new(big.Rat)
}

func percent(text string) *big.Rat {
	rate, ok := new(big.Rat).SetString(text[:len(text)-1])
	if !ok {
		panic(text)
	}
	return rate.Quo(rate, big.NewRat(100, 1))
}

func (w *walker) pays(class string) bool {
	for rank := range w.p.Ranks {
		for level := 1; level <= plan.MaxLevels; level++ {
			if w.rate(class, rank, level).Sign() > 0 {
				return true
			}
		}
	}
	return false
}

// opens is the lowest rank that opens a level, or -1.
func (w *walker) opens(class string, level int) int {
	for rank := range w.p.Ranks {
		if w.rate(class, rank, level).Sign() > 0 {
			return rank
		}
	}
	return -1
}

func (w *walker) depth(class string) int {
	depth := 0
	for level := 1; level <= plan.MaxLevels; level++ {
		if w.opens(class, level) >= 0 {
			depth = level
		}
	}
	return depth
}

func (w *walker) base(sale *period.Sale) int64 {
	if w.c.Base == "cv" {
		return int64(sale.CV)
	}
	return sale.Net
}

// path is everybody from a person up to the top.
func (w *walker) path(person int32) []int32 {
	var out []int32
	for ; person >= 0; person = w.in.World.Sponsor.Parent[person] {
		out = append(out, person)
	}
	return out
}

func (w *walker) sale(sale *period.Sale) {
	if sale.Seller < 0 {
		return
	}
	class := w.in.World.Classes[sale.Class]
	switch w.c.Type {
	case plan.Retail:
		if sale.Buyer == sale.Seller && !w.p.Attribution.SelfRetail {
			return
		}
		rate := w.rate(class, int(w.in.Standings.Rank[sale.Seller]), 1)
		w.out.add(w.c.ID, w.id(sale.Seller), w.mayNot(sale.Seller), w.base(sale), rate)
	case plan.Unilevel:
		w.unilevel(sale, class)
	case plan.Generation:
		w.generation(sale, class)
	case plan.Differential:
		w.differential(sale, class)
	}
}

func (w *walker) whyLevel(person int32, class string, level int, buyer int32) string {
	rank := int(w.in.Standings.Rank[person])
	if why := w.mayNot(person); why != "" {
		return why
	}
	opens := w.opens(class, level)
	switch {
	case person == buyer && !w.c.IncludeSelf:
		return "own order"
	case opens < 0:
		return ""
	case w.c.Compression == "to_rank" && rank < opens:
		return fmt.Sprintf("rank %s is below %s, which level %d asks for", w.p.Ranks[rank], w.p.Ranks[opens], level)
	case w.rate(class, rank, level).Sign() == 0:
		return fmt.Sprintf("rank %s does not open level %d", w.p.Ranks[rank], level)
	}
	if w.c.UnilevelTerms != nil {
		open, legs := 0, 0
		for _, step := range w.c.UnilevelTerms.Depth {
			if int(w.in.Standings.Frontier[person]) >= step.ActiveLegs {
				open, legs = step.Levels, step.ActiveLegs
			}
		}
		if level > open && legs == 0 {
			return fmt.Sprintf("fewer than %d active legs", w.c.UnilevelTerms.Depth[0].ActiveLegs)
		} else if level > open {
			return fmt.Sprintf("%d active legs open %d levels", legs, open)
		}
	}
	return ""
}

func (w *walker) unilevel(sale *period.Sale, class string) {
	path, own := w.path(sale.Seller), sale.Buyer == sale.Seller
	if !(own && w.c.IncludeSelf || !own && w.c.LevelsFrom == "buyer") {
		path = path[1:]
	}
	level := 1
	for _, person := range path {
		if level > w.depth(class) {
			return
		}
		if w.take(sale, class, person, level, w.whyLevel(person, class, level, sale.Buyer)) {
			level++
		}
	}
}

// take pays a level and tells whether it is used up.
func (w *walker) take(sale *period.Sale, class string, person int32, level int, why string) bool {
	opens := w.opens(class, level)
	switch {
	case why != "" && w.c.Compression != "none":
		return false
	case opens < 0:
	case why != "":
		w.out.add(w.c.ID, w.id(person), why, w.base(sale), w.rate(class, opens, level))
	default:
		w.out.add(w.c.ID, w.id(person), "", w.base(sale), w.rate(class, int(w.in.Standings.Rank[person]), level))
	}
	return true
}

func (w *walker) generation(sale *period.Sale, class string) {
	for _, earner := range w.path(sale.Seller) {
		boundary, _ := w.p.Rank(w.c.GenerationTerms.Boundary)
		if w.c.GenerationTerms.Boundary == "earner" {
			boundary = int(w.in.Standings.Rank[earner])
		}
		if int(w.in.Standings.Rank[earner]) < boundary || w.c.GenerationTerms.Empty == "skips" && w.emptyGeneration(earner, boundary) {
			continue
		}
		number := 1
		for _, person := range w.path(sale.Seller) {
			if person == earner {
				break
			}
			if int(w.in.Standings.Rank[person]) < boundary || w.c.GenerationTerms.Empty == "skips" && w.emptyGeneration(person, boundary) {
				continue
			}
			if w.c.Compression == "none" || number <= w.depth(class) && w.whyLevel(person, class, number, period.Nobody) == "" {
				number++
			}
		}
		if number <= w.depth(class) {
			w.take(sale, class, earner, number, w.whyLevel(earner, class, number, period.Nobody))
		}
	}
}

// emptyGeneration looks for volume of the component whose first leader is this one.
func (w *walker) emptyGeneration(leader int32, boundary int) bool {
	sum := int64(0)
	sales, _ := w.in.World.Sales.Block(0, nil)
	for i := range sales {
		if sales[i].Seller < 0 || !w.pays(w.in.World.Classes[sales[i].Class]) {
			continue
		}
		for _, person := range w.path(sales[i].Seller) {
			if int(w.in.Standings.Rank[person]) >= boundary {
				if person == leader {
					sum += w.base(&sales[i])
				}
				break
			}
		}
	}
	return sum == 0
}

func (w *walker) ownRate(person int32, class string) *big.Rat {
	if len(w.c.DifferentialTerms.Bands) == 0 {
		return w.rate(class, int(w.in.Standings.Rank[person]), 1)
	}
	rate := new(big.Rat)
	for _, band := range w.c.DifferentialTerms.Bands {
		from, _ := new(big.Rat).SetString(band.From)
		if big.NewRat(w.in.Standings.GV[person], 1_000_000).Cmp(from) >= 0 {
			rate = percent(band.Rate)
		}
	}
	return rate
}

func (w *walker) differential(sale *period.Sale, class string) {
	terms := w.c.DifferentialTerms
	breakaway, breaks := 0, terms.Breakaway != ""
	if breaks {
		breakaway, _ = w.p.Rank(terms.Breakaway)
	}
	highest, broken, generation := new(big.Rat), false, 0
	path := w.path(sale.Seller)
	for i, person := range path {
		why, own := w.mayNot(person), w.ownRate(person, class)
		leads := breaks && int(w.in.Standings.Rank[person]) >= breakaway
		due := new(big.Rat)
		if !broken && own.Cmp(highest) > 0 {
			due.Sub(own, highest)
		}
		if broken && leads && generation < len(terms.Overrides) {
			due = percent(terms.Overrides[generation])
		}
		paid := why == ""
		if paid || leads {
			w.out.add(w.c.ID, w.id(person), why, w.base(sale), due)
		}
		if i > 0 && terms.SameRank != "" && paid && (!breaks || leads) && own.Sign() > 0 && own.Cmp(w.ownRate(path[i-1], class)) == 0 {
			if missing := new(big.Rat).Sub(percent(terms.SameRank), due); missing.Sign() > 0 {
				w.out.add(w.c.ID, w.id(person), "", w.base(sale), missing)
			}
		}
		if !broken && paid && own.Cmp(highest) > 0 {
			highest = own
		}
		if broken && leads {
			generation++
		}
		broken = broken || leads
	}
}

// lines writes what the walk gives after the factors and one rounding, half to even.
func (w walked) lines(p *plan.Plan) []string {
	var out []string
	for key, sum := range w {
		at := slices.IndexFunc(p.Components, func(c plan.Component) bool { return c.ID == key[0] })
		exact := new(big.Rat).Mul(sum, percent(p.Components[at].Commissionable))
		if p.Components[at].Base == "cv" {
			value, _ := new(big.Rat).SetString(p.Volume.Money["EUR"])
			exact.Mul(exact, value.Mul(value, big.NewRat(100, 1_000_000)))
		}
		if minor := halfEven(exact); minor != 0 {
			out = append(out, fmt.Sprintf("%s %s %d %s", key[0], key[1], minor, key[2]))
		}
	}
	slices.Sort(out)
	return out
}

func halfEven(exact *big.Rat) int64 {
	text := new(big.Rat).Mul(exact, big.NewRat(2, 1))
	twice := new(big.Int).Quo(text.Num(), text.Denom()) // Towards zero.
	if text.IsInt() && twice.Bit(0) == 1 {              // Exactly half way.
		half := new(big.Int).Quo(twice, big.NewInt(2)).Int64()
		if half%2 != 0 {
			half += int64(exact.Sign())
		}
		return half
	}
	whole := new(big.Int).Quo(exact.Num(), exact.Denom()).Int64()
	if new(big.Int).Abs(twice).Bit(0) == 1 {
		whole += int64(exact.Sign())
	}
	return whole
}

// closed writes a closing the same way.
func closed(in commission.CloseInput, p *plan.Plan, c *commission.Closing) []string {
	var out []string
	for _, a := range c.Awards() {
		if a.AmountMinor != 0 {
			out = append(out, fmt.Sprintf("%s %s %d ", p.Components[a.Component].ID, in.World.People.ID(a.Person), a.AmountMinor))
		}
	}
	for _, l := range c.Lost() {
		if l.AmountMinor != 0 {
			out = append(out, fmt.Sprintf("%s %s %d %s", p.Components[l.Component].ID, in.World.People.ID(l.Person), l.AmountMinor, l.Reason))
		}
	}
	slices.Sort(out)
	return out
}

// levelPlan is a plan of everything that walks a tree in levels.
func levelPlan(t *rapid.T) *plan.Plan {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	p, err := plan.Parse(fmt.Appendf(nil, `{"name":"levels","currency":"EUR","ranks":["member","silver","gold","diamond"],
"attribution":{"self_retail":%s},"volume":{"money":{"EUR":"0.37"}},"components":[
{"id":"retail","type":"retail","period":"monthly","base":"net","rates":[{"rate":"18.75%%"},{"rank":"gold","rate":"21%%"},{"class":"kit","rate":"0%%"}]},
{"id":"team","type":"unilevel","period":"monthly","base":"cv","commissionable":"40%%","compression":%q,"levels_from":%q,"include_self":%s%s,"rates":[
 {"rank":"member","levels":["5%%"]},{"rank":"silver","levels":["5%%","0%%","4.5%%"]},{"rank":"gold","levels":["6%%","0%%","3.3333333%%","2%%"]},
 {"rank":"diamond","levels":["6%%","0%%","3%%","2%%","1%%"]},{"class":"kit","levels":["1%%","0.5%%"]}]},
{"id":"gen","type":"generation","period":"monthly","base":"net","compression":%q,"generation":{"boundary":%q,"empty":%q},"rates":[
 {"rank":"*","levels":[]},{"rank":"gold","levels":["10%%","7%%"]},{"rank":"diamond","levels":["10%%","7.5%%","5%%"]}]},
{"id":"stairs","type":"differential","period":"monthly","base":"cv","differential":{%s},"rates":[{"rate":"3%%"},{"rank":"silver","rate":"8%%"},
 {"rank":"gold","rate":"15%%"},{"rank":"diamond","rate":"21%%"},{"class":"kit","rate":"2%%"}]},
{"id":"bands","type":"differential","period":"monthly","base":"net","differential":{"bands":[{"from":"50","rate":"3%%"},{"from":"200","rate":"9%%"},{"from":"500","rate":"12.5%%"}]%s}}]}`,
		pick("self retail", "true", "false"),
		pick("compression", "none", "dynamic", "to_rank"), pick("from", "seller", "buyer"), pick("self", "true", "false"),
		pick("depth", "", `,"unilevel":{"depth":[{"active_legs":1,"levels":2},{"active_legs":2,"levels":9}]}`),
		pick("generation compression", "none", "dynamic"), pick("boundary", "gold", "diamond", "earner"), pick("empty", "uses", "skips"),
		pick("breakaway", `"of":"gv"`, `"breakaway":"gold","overrides":["4%","2%"]`, `"breakaway":"gold","overrides":["4%","2%"],"same_rank":"3%"`, `"same_rank":"1%"`),
		pick("same", "", `,"same_rank":"1.5%"`)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// drawCompany draws a small company and its sales.
func drawCompany(t *rapid.T, p *plan.Plan) commission.CloseInput {
	count := rapid.IntRange(1, 14).Draw(t, "people")
	var members []member
	for i := range count {
		m := member{id: fmt.Sprintf("D%02d", i), rank: rapid.SampledFrom(p.Ranks).Draw(t, "rank")}
		if i > 0 && rapid.IntRange(0, 9).Draw(t, "top") > 0 {
			m.up = fmt.Sprintf("D%02d", rapid.IntRange(max(0, i-4), i-1).Draw(t, "up"))
		}
		m.idle = rapid.IntRange(0, 4).Draw(t, "idle") == 0
		m.status = rapid.SampledFrom([]genealogy.Status{"active", "active", "active", "inactive"}).Draw(t, "status")
		members = append(members, m)
	}
	var sales []period.Sale
	for range rapid.IntRange(0, 12).Draw(t, "sales") {
		sale := sold(int32(rapid.IntRange(-1, count-1).Draw(t, "seller")), 0)
		sale.CV = money.Volume(rapid.Int64Range(-5_000_000, 500_000_000).Draw(t, "cv"))
		sale.Net = rapid.Int64Range(-500, 50_000).Draw(t, "net")
		sale.Class = uint16(rapid.IntRange(0, 2).Draw(t, "class"))
		switch rapid.IntRange(0, 4).Draw(t, "buyer") {
		case 0:
			sale.Buyer = max(sale.Seller, period.Nobody)
		case 1:
			sale.Buyer = int32(rapid.IntRange(0, count-1).Draw(t, "third"))
		}
		sales = append(sales, sale)
	}
	in := monthOf(t, p, members, sales...)
	for i := range count {
		in.Standings.GV[i] = rapid.Int64Range(0, 700_000_000).Draw(t, "gv")
		in.Standings.Frontier[i] = int32(rapid.IntRange(0, 3).Draw(t, "legs"))
	}
	return in
}

// A close gives what walking up from every single sale gives, to the cent, for what is paid and for each reason of
// breakage; and it does so whatever the order, the blocks and the workers.
func TestCloseIsTheSumOfAllWalks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := levelPlan(t)
		in := drawCompany(t, p)
		out := walked{}
		sales, _ := in.World.Sales.Block(0, nil)
		for i := range p.Components {
			w := walker{in, p, &p.Components[i], out}
			for j := range sales {
				w.sale(&sales[j])
			}
		}
		c, err := commission.Close(in, p)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(out.lines(p), closed(in, p, c)); diff != "" {
			t.Fatalf("(-walked +closed)\n%s", diff)
		}
	})
}
