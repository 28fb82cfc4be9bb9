package commission_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
)

// refMonth is the one period of the random companies: March 2026, UTC, in microseconds.
const (
	refFrom = int64(1_772_323_200_000_000)
	refDay  = int64(86_400_000_000)
	refDays = 31
)

func randomRefCompany(r *rand.Rand) *refCompany {
	c := &refCompany{days: refDays}
	c.plan.ranks = 1 + r.IntN(4)
	c.randomPeople(r, 1+r.IntN(14))
	c.randomSales(r, r.IntN(25))
	c.randomQualification(r)
	c.plan.rounding = pick(r, "half_even", "half_even", "half_up", "down", "up", "half_down")
	c.plan.cvCents = 1 + r.Int64N(300)
	for range 1 + r.IntN(4) {
		c.plan.components = append(c.plan.components, c.randomComponent(r, len(c.plan.components)))
	}
	return c
}

func (c *refCompany) randomPeople(r *rand.Rand, count int) {
	for i := range count {
		p := refPerson{
			status: pick(r, "active", "active", "active", "active", "inactive", "terminated"), sponsor: -1, enroller: -1, position: -1,
			enrolledDay: r.IntN(80) - 50, country: r.IntN(2), title: r.IntN(c.plan.ranks), autoship: r.IntN(2) == 0,
		}
		p.paidAs = r.IntN(p.title + 1)
		p.missed, p.met = r.IntN(3), r.IntN(3)
		if i > 0 && r.IntN(8) > 0 {
			p.sponsor = r.IntN(i)
		}
		if i > 0 && r.IntN(8) > 0 {
			p.enroller = r.IntN(i)
		}
		c.people = append(c.people, p)
		c.placeLast(r)
	}
}

// placeLast gives the newest person a free place in a binary tree.
func (c *refCompany) placeLast(r *rand.Rand) {
	i := len(c.people) - 1
	if i == 0 {
		return
	}
	at := r.IntN(i)
	for {
		taken := map[int]int{}
		for q := range i {
			if c.people[q].position == at {
				taken[c.people[q].leg] = q
			}
		}
		leg := r.IntN(2)
		next, full := taken[leg]
		if !full {
			c.people[i].position, c.people[i].leg = at, leg
			return
		}
		at = next
	}
}

func (c *refCompany) randomSales(r *rand.Rand, count int) {
	order, first := 0, map[int]bool{}
	for range count {
		s := refSale{
			seller: r.IntN(len(c.people)+1) - 1, buyer: -1, customer: -1, class: r.IntN(len(refClasses)), country: r.IntN(2),
			day: r.IntN(refDays), quantity: 1 + r.Int64N(3), net: r.Int64N(30_000), cv: r.Int64N(150_000_000), qv: r.Int64N(90_000_000),
		}
		if r.IntN(3) == 0 {
			s.cv, s.qv = s.cv/1e6*1e6, s.qv/1e6*1e6
		}
		switch {
		case s.seller < 0:
			s.customer = 100
		case r.IntN(2) == 0:
			s.buyer = s.seller
		default:
			s.customer = 10*s.seller + r.IntN(3)
			s.first = !first[s.customer] && r.IntN(2) == 0
			first[s.customer] = true
		}
		s.order = order
		c.sales = append(c.sales, s)
		order++
	}
}

func (c *refCompany) randomQualification(r *rand.Rand) {
	q := &c.plan
	q.own, q.customers = r.IntN(5) > 0, true
	if q.own {
		q.customers = r.IntN(5) > 0
	}
	if r.IntN(2) == 0 {
		q.active = randomCondition(r, 0, 0)
	}
	q.rules = make([]*refCondition, q.ranks)
	for rank := 1; rank < q.ranks; rank++ {
		q.rules[rank] = randomCondition(r, rank, 0)
	}
	q.grace, q.requalify, q.demotion = r.IntN(3), r.IntN(3), pick(r, "to_qualified", "to_qualified", "one_step", "never")
}

var refKinds = []string{
	"retail", "unilevel", "unilevel", "unilevel", "generation", "generation", "differential", "differential", "infinity", "infinity",
	"fast_start", "fast_start", "customer_acquisition", "x_up", "pool", "bands", "binary", "fixed", "first_order", "matching", "matching",
}

func (c *refCompany) randomComponent(r *rand.Rand, i int) refComponent {
	k := refComponent{
		id: fmt.Sprintf("c%d", i), kind: refKinds[r.IntN(len(refKinds))], share: 1 + r.Int64N(100), terms: map[string]any{},
		base: pick(r, "net", "cv"), compression: pick(r, "none", "dynamic", "to_rank"),
	}
	if k.kind != "unilevel" && k.compression == "to_rank" {
		k.compression = "dynamic"
	}
	if k.kind == "matching" && i == 0 {
		k.kind = "unilevel"
	}
	if r.IntN(3) == 0 {
		k.requires = randomCondition(r, c.plan.ranks-1, 0)
	}
	k.rows = map[string][]refRow{"": c.randomRows(r, &k)}
	if k.kind != "matching" && k.kind != "pool" && k.kind != "binary" && k.kind != "customer_acquisition" && r.IntN(3) == 0 {
		k.rows["kit"] = c.randomRows(r, &k)
	}
	c.randomTerms(r, &k, i)
	return k
}

// randomTerms draws what goes with the kind.
func (c *refCompany) randomTerms(r *rand.Rand, k *refComponent, i int) {
	switch k.kind {
	case "unilevel":
		k.tree, k.levelsFrom, k.includeSelf = pick(r, "sponsor", "enroller"), pick(r, "seller", "buyer"), r.IntN(4) == 0
		if r.IntN(4) == 0 {
			k.terms["depth"] = [][2]int{{0, r.IntN(2)}, {1, 2}, {2, 5}}
		}
	case "matching":
		k.tree, k.base, k.share, k.of = pick(r, "sponsor", "enroller"), "", 100, []int{r.IntN(i)}
	case "generation":
		k.tree, k.terms["empty"] = pick(r, "sponsor", "enroller"), pick(r, "uses", "skips")
		if r.IntN(3) > 0 {
			k.terms["boundary"] = r.IntN(c.plan.ranks)
		}
	case "differential":
		c.randomStairs(r, k)
	case "infinity":
		k.tree, k.terms["below"], k.terms["stop"] = "sponsor", r.IntN(4), pick(r, "same_rank", "differential", "blocking")
	case "x_up":
		k.tree, k.terms["first"], k.terms["subtree"] = pick(r, "sponsor", "enroller"), 1+r.IntN(3), r.IntN(2) == 0
	case "fast_start":
		k.tree, k.terms["days"], k.terms["roll_up"] = pick(r, "sponsor", "enroller"), 10+r.IntN(40), r.IntN(2) == 0
		for j := range i { // Amounts are no volume that could be kept from anybody.
			if kind := c.plan.components[j].kind; r.IntN(3) == 0 && slices.Contains([]string{"unilevel", "generation", "differential", "retail"}, kind) {
				k.of = append(k.of, j)
			}
		}
	case "customer_acquisition":
		k.base, k.share, k.terms["min_cv"] = "", 100, 1+r.Int64N(100)
	case "pool":
		k.terms["share"], k.terms["by_country"] = 1+r.Int64N(100), r.IntN(3) == 0
	case "bands":
		k.base, k.share = "", 100
		k.terms["of"], k.terms["pay"] = pick(r, "pv", "gv", "cv"), pick(r, "best", "each")
		k.terms["bands"] = [][2]int64{{0, 100 + r.Int64N(100)}, {30, r.Int64N(5000) + 200}, {90, r.Int64N(5000) + 5200}}
	case "binary":
		k.base, k.tree, k.terms["inactive"], c.plan.placement = "cv", "placement", pick(r, "keep", "flush"), true
	}
}

func (c *refCompany) randomStairs(r *rand.Rand, k *refComponent) {
	k.tree = "sponsor"
	if r.IntN(2) == 0 {
		k.terms["bands"] = [][2]int64{{0, r.Int64N(50)}, {int64(20 + r.IntN(50)), 50 + r.Int64N(50)}, {int64(100 + r.IntN(100)), 100 + r.Int64N(100)}}
		k.rows = map[string][]refRow{"": c.randomRows(r, k)}
	}
	if c.plan.ranks > 1 && r.IntN(2) == 0 {
		k.terms["breakaway"] = 1 + r.IntN(c.plan.ranks-1)
		k.terms["overrides"] = []int64{1 + r.Int64N(60), 1 + r.Int64N(40)}
	}
}

// randomRows draws a row per rank. With to_rank a higher rank opens no fewer levels.
func (c *refCompany) randomRows(r *rand.Rand, k *refComponent) []refRow {
	rows, open := make([]refRow, c.plan.ranks), 0
	for rank := range rows {
		open += r.IntN(3)
		row := refRow{rate: 1 + r.Int64N(300), amount: 1 + r.Int64N(5000), shares: r.Int64N(4), levels: []int64{}}
		for range open {
			rate := 1 + r.Int64N(200)
			if k.compression != "to_rank" && r.IntN(5) == 0 {
				rate = 0
			}
			row.levels = append(row.levels, rate)
		}
		rows[rank] = row
	}
	return rows
}

// document writes the plan as the engine reads it.
func (p *refPlan) document() []byte {
	var ranks, rules, components []string
	for rank := range p.ranks {
		ranks = append(ranks, fmt.Sprintf("%q", refRank(rank)))
		if p.rules[rank] != nil {
			rules = append(rules, fmt.Sprintf(`{"rank":%q,"requires":%s}`, refRank(rank), p.rules[rank].text))
		}
	}
	for i := range p.components {
		components = append(components, p.components[i].document(p))
	}
	active := ""
	if p.active != nil {
		active = `"active":` + p.active.text + ","
	}
	placement := ""
	if p.placement {
		placement = `"placement":{"width":2},`
	}
	return fmt.Appendf(nil, `{%s"name":"random","currency":"EUR","rounding":%q,"ranks":%s,"volume":{"money":{"EUR":"%d.%02d"}},
"qualification":{%s"own_orders":%t,"customer_orders":%t,"grace_periods":%d,"requalify_periods":%d,"demotion":%q,"ranks":%s},
"components":%s}`, placement, p.rounding, list(ranks), p.cvCents/100, p.cvCents%100, active, p.own, p.customers, p.grace, p.requalify, p.demotion,
		list(rules), list(components))
}

func (k *refComponent) document(p *refPlan) string {
	out := map[string]any{"id": k.id, "type": k.kind, "period": "monthly"}
	set := func(key string, value string) {
		if value != "" {
			out[key] = value
		}
	}
	if !slices.Contains([]string{"matching", "fixed", "bands", "customer_acquisition"}, k.kind) {
		out["base"], out["commissionable"] = k.base, fmt.Sprintf("%d%%", k.share)
	}
	set("tree", k.tree)
	set("levels_from", k.levelsFrom)
	if k.kind == "unilevel" || k.kind == "matching" || k.kind == "generation" {
		out["compression"] = k.compression
	}
	if k.includeSelf {
		out["include_self"] = true
	}
	if k.requires != nil {
		out["requires"] = json.RawMessage(k.requires.text)
	}
	if rows := k.rateRows(); len(rows) > 0 {
		out["rates"] = rows
	}
	if terms := k.documentTerms(p); terms != nil {
		out[k.kind] = terms
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// documentTerms are the terms of the kind as the document has them; nil for none.
func (k *refComponent) documentTerms(p *refPlan) map[string]any {
	out := map[string]any{}
	for key, value := range k.terms {
		switch v := value.(type) {
		case [][2]int:
			out[key] = stepRows(v)
		case [][2]int64:
			out[key] = k.bandRows(v)
		case []int64:
			var rates []string
			for _, rate := range v {
				rates = append(rates, tenths(rate))
			}
			out[key] = rates
		case int64:
			out[key] = tenths(v)
			if key == "min_cv" {
				out[key] = fmt.Sprint(v)
			}
		case int:
			if key == "boundary" || key == "breakaway" {
				out[key] = refRank(v)
			} else {
				out[key] = v
			}
		default:
			out[key] = v
		}
	}
	var names []string
	for _, of := range k.of {
		names = append(names, p.components[of].id)
	}
	switch {
	case k.kind == "matching":
		out["components"] = names
	case k.kind == "fast_start" && names != nil:
		out["excludes"] = names
	case k.kind == "generation" && out["boundary"] == nil:
		out["boundary"] = "earner"
	case len(out) == 0 && k.kind != "differential":
		return nil
	}
	return out
}

func stepRows(steps [][2]int) (rows []any) {
	for _, step := range steps {
		rows = append(rows, map[string]any{"active_legs": step[0], "levels": step[1]})
	}
	return rows
}

func (k *refComponent) bandRows(bands [][2]int64) (rows []any) {
	for _, band := range bands {
		row := map[string]any{"from": fmt.Sprint(band[0])}
		if k.kind == "differential" {
			row["rate"] = tenths(band[1])
		} else {
			row["amount"] = fmt.Sprintf("%d.%02d", band[1]/100, band[1]%100)
		}
		rows = append(rows, row)
	}
	return rows
}

func (k *refComponent) rateRows() []any {
	var out []any
	if k.kind == "bands" || k.kind == "differential" && k.terms["bands"] != nil {
		return nil
	}
	for _, class := range append([]string{""}, refClasses...) {
		for rank, row := range k.rows[class] {
			doc := k.rateRow(row)
			doc["rank"] = refRank(rank)
			if class != "" {
				doc["class"] = class
			}
			out = append(out, doc)
		}
	}
	return out
}

func (k *refComponent) rateRow(row refRow) map[string]any {
	switch k.kind {
	case "retail", "first_order", "differential", "infinity", "x_up", "binary":
		return map[string]any{"rate": tenths(row.rate)}
	case "fixed", "customer_acquisition":
		return map[string]any{"amount": fmt.Sprintf("%d.%02d", row.amount/100, row.amount%100)}
	case "pool":
		return map[string]any{"shares": fmt.Sprint(row.shares)}
	default:
		levels := []string{}
		for _, rate := range row.levels {
			levels = append(levels, tenths(rate))
		}
		return map[string]any{"levels": levels}
	}
}

func tenths(rate int64) string { return fmt.Sprintf("%d.%d%%", rate/10, rate%10) }

// world is the company as the engine wants it. Numbers are the same, since everybody's sponsor is older.
func (c *refCompany) world() *period.World {
	n := len(c.people)
	w := &period.World{
		Period:   period.Period{ID: "2026-03", Kind: "monthly", From: refFrom, To: refFrom + refDays*refDay},
		Currency: "EUR", Classes: refClasses, Countries: []string{"DE", "AT"},
	}
	w.People = period.People{
		Count: int32(n), ID: func(p int32) genealogy.DistributorID { return refID(int(p)) },
		Status: make([]genealogy.Status, n), Title: make([]int8, n), PaidAs: make([]int8, n), Missed: make([]uint8, n), Met: make([]uint8, n),
		EnrolledAt: make([]int64, n), Country: make([]uint16, n), Autoship: make([]bool, n),
	}
	w.Sponsor.Parent, w.Enroller.Parent = make([]int32, n), make([]int32, n)
	pos := period.Positions{Parent: make([]int32, n), Leg: make([]uint8, n), Owner: make([]int32, n), Primary: make([]int32, n)}
	for i := range c.people {
		p := &c.people[i]
		w.People.Status[i], w.People.Title[i], w.People.PaidAs[i] = genealogy.Status(p.status), int8(p.title), int8(p.paidAs)
		w.People.Missed[i], w.People.Met[i] = uint8(p.missed), uint8(p.met)
		w.People.EnrolledAt[i], w.People.Country[i], w.People.Autoship[i] = refFrom+int64(p.enrolledDay)*refDay, uint16(p.country), p.autoship
		w.Sponsor.Parent[i], w.Enroller.Parent[i] = int32(p.sponsor), int32(p.enroller)
		pos.Parent[i], pos.Leg[i], pos.Owner[i], pos.Primary[i] = int32(p.position), uint8(p.leg), int32(i), int32(i)
	}
	w.Positions = pos
	w.Sales = c.list()
	return w
}

func (c *refCompany) list() period.List {
	out := make(period.List, len(c.sales))
	for i, s := range c.sales {
		out[i] = period.Sale{
			Seller: int32(s.seller), Buyer: int32(s.buyer), Customer: int32(s.customer), Order: int32(s.order), Class: uint16(s.class),
			Country: uint16(s.country), First: s.first, At: refFrom + int64(s.day)*refDay, Quantity: s.quantity, Net: s.net,
			CV: money.Volume(s.cv), QV: money.Volume(s.qv),
		}
	}
	return out
}

// tell is the company for a message of a failed comparison.
func (c *refCompany) tell() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", c.plan.document())
	for i, p := range c.people {
		fmt.Fprintf(&b, "%s %+v\n", refID(i), p)
	}
	for _, s := range c.sales {
		fmt.Fprintf(&b, "%+v\n", s)
	}
	return b.String()
}
