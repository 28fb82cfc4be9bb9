package commission_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// periodParts are components of every type that can settle per period, each of which a bound is known for.
var periodParts = []string{
	`"type":"retail","rates":[{"rate":"18%"},{"rank":"gold","rate":"21%"},{"class":"kit","rate":"0%"}]`,
	`"type":"unilevel","compression":"dynamic","levels_from":"buyer","rates":[{"rank":"*","levels":["6%"]},{"rank":"gold","levels":["5%","4%","3%"]},{"class":"kit","levels":["1%"]}]`,
	`"type":"unilevel","include_self":true,"commissionable":"40%","unilevel":{"depth":[{"active_legs":0,"levels":2}]},"rates":[{"levels":["6%","5%","4%"]}]`,
	`"commissionable":"60%","type":"generation","generation":{"boundary":"gold"},"rates":[{"levels":["10%","7%"]}]`,
	`"type":"generation","generation":{"boundary":"earner"},"rates":[{"levels":["3%","2%"]},{"rank":"gold","levels":["4%","1%"]}]`,
	`"type":"generation","generation":{"boundary":"silver","empty":"skips"},"compression":"dynamic","rates":[{"levels":["10%","7%"]}]`,
	`"type":"differential","rates":[{"rate":"3%"},{"rank":"silver","rate":"8%"},{"rank":"gold","rate":"15%"}]`,
	`"type":"differential","differential":{"breakaway":"gold","overrides":["4%","2%"]},"rates":[{"rate":"3%"},{"rank":"gold","rate":"15%"}]`,
	`"type":"differential","differential":{"bands":[{"from":"50","rate":"3%"},{"from":"200","rate":"9%"}]}`,
	`"type":"infinity","infinity":{"below":1,"stop":"same_rank"},"rates":[{"rank":"member","rate":"5%"},{"rank":"silver","rate":"1%"},{"rank":"gold","rate":"2%"}]`,
	`"type":"infinity","infinity":{"below":0,"stop":"differential"},"rates":[{"rank":"*","rate":"1%"},{"rank":"gold","rate":"4%"}]`,
	`"type":"infinity","infinity":{"below":2,"stop":"blocking"},"rates":[{"rate":"3%"}]`,
	`"commissionable":"50%","type":"pool","pool":{"share":"2%"},"rates":[{"rank":"gold","shares":"2"},{"rank":"silver","shares":"1"},{"shares":"0"}]`,
	`"type":"x_up","x_up":{"first":2},"rates":[{"rate":"30%"},{"rank":"gold","rate":"35%"}]`,
	`"type":"first_order","rates":[{"class":"tea","rate":"10%"}]`,
	`"commissionable":"50%","type":"bands","bands":{"of":"cv","bands":[{"from":"100","amount":"30"},{"from":"300","rate":"12%"},{"from":"600","amount":"60"}]}`,
	`"type":"bands","bands":{"of":"order","pay":"each","bands":[{"from":"50","rate":"5%"},{"from":"200","amount":"20"}]}`,
	`"type":"customer_acquisition","customer_acquisition":{"min_cv":"50"},"rates":[{"amount":"10"},{"rank":"gold","amount":"12"}]`,
	`"type":"binary","binary":{},"rates":[{"rate":"10%"},{"rank":"gold","rate":"12%"}]`,
	`"type":"binary","binary":{"pay":"cycles","weaker":"20","stronger":"40","own_volume":"weaker"},"rates":[{"amount":"4"}]`,
	`"commissionable":"40%","type":"binary","binary":{"pay":"ratio","weaker":"1","stronger":"2"},"rates":[{"rate":"10%"}]`,
	`"type":"fast_start","fast_start":{"days":30,"roll_up":true},"rates":[{"levels":["12%","6%"]}]`,
	`"type":"fast_start","fast_start":{"days":9,"excludes":["*"]},"rates":[{"levels":["30%","10%"]}]`,
	`"type":"matching","compression":"dynamic","matching":{"components":[%s]},"rates":[{"levels":["10%","5%"]},{"rank":"gold","levels":["20%"]}]`,
	`"type":"matrix","compression":"dynamic","matrix":{"width":2,"depth":2},"rates":[{"levels":["5%","4%"]}]`,
}

// drawPeriodPlan draws a plan of some of these.
func drawPeriodPlan(t *rapid.T) *plan.Plan {
	var parts, ids []string
	for i, part := range periodParts {
		if rapid.IntRange(0, 2).Draw(t, "part") == 0 {
			base := `"base":"cv",`
			if strings.Contains(part, "customer_acquisition") || strings.Contains(part, "matching") {
				base = ""
			}
			if strings.Contains(part, "matching") {
				if len(ids) == 0 {
					continue
				}
				part = strings.Replace(part, "%s", strings.Join(ids, ","), 1)
			}
			ids = append(ids, fmt.Sprintf(`"c%d"`, i))
			parts = append(parts, fmt.Sprintf(`{"id":"c%d","period":"monthly",%s%s}`, i, base, part))
		}
	}
	if len(parts) == 0 {
		t.Skip()
	}
	caps := rapid.SampledFrom([]string{"", `{"id":"all","scope":"company","limit":"20%","of":"cv","per":"monthly"}`}).Draw(t, "caps")
	return mustRapidPlan(t, fmt.Sprintf(`{"name":"drawn","currency":"EUR","rounding":"down","ranks":["member","silver","gold"],
		"volume":{"money":{"EUR":"1"}},"placement":{"width":2,"depth":%d},"components":[%s],"caps":[%s]}`, treeDepth, strings.Join(parts, ","), caps))
}

const treeDepth = 3

// drawMonth draws a company with a placement tree of treeDepth levels, and sales whose CV is worth their net.
func drawMonth(t *rapid.T, p *plan.Plan) commission.CloseInput {
	count := rapid.IntRange(1, 12).Draw(t, "people")
	var members []member
	for i := range count {
		m := member{id: fmt.Sprintf("D%02d", i), rank: rapid.SampledFrom(p.Ranks).Draw(t, "rank"), idle: rapid.IntRange(0, 5).Draw(t, "idle") == 0}
		if i > 0 {
			m.up = fmt.Sprintf("D%02d", rapid.IntRange(max(0, i-3), i-1).Draw(t, "up"))
		}
		members = append(members, m)
	}
	var sales []period.Sale
	for i := range rapid.IntRange(0, 10).Draw(t, "sales") {
		sale := sold(int32(rapid.IntRange(-1, count-1).Draw(t, "seller")), 0)
		sale.Net = rapid.Int64Range(0, 50_000).Draw(t, "net")
		sale.CV = money.Volume(sale.Net * 10_000)
		sale.QV, sale.Class = sale.CV, uint16(rapid.IntRange(0, 2).Draw(t, "class"))
		sale.At = 1772323200000000
		sale.Customer, sale.Order, sale.First = int32(i), int32(i), rapid.Bool().Draw(t, "first")
		sales = append(sales, sale)
	}
	in := monthOf(t, p, members, sales...)
	depth, taken := make([]int, count), map[[2]int32]bool{}
	for i := range count {
		in.Standings.GV[i] = rapid.Int64Range(0, 700_000_000).Draw(t, "gv")
		in.World.People.EnrolledAt = append(in.World.People.EnrolledAt, in.World.Period.From-rapid.Int64Range(0, 40).Draw(t, "days")*86_400_000_000+int64(i))
		at, leg := period.Nobody, uint8(0)
		for parent := range i {
			for side := range uint8(2) {
				if depth[parent] < treeDepth && !taken[[2]int32{int32(parent), int32(side)}] && (at < 0 || rapid.Bool().Draw(t, "place")) {
					at, leg, depth[i] = int32(parent), side, depth[parent]+1
				}
			}
		}
		taken[[2]int32{at, int32(leg)}] = true
		places := &in.World.Positions
		places.Parent, places.Leg = append(places.Parent, at), append(places.Leg, leg)
		places.Owner, places.Primary = append(places.Owner, int32(i)), append(places.Primary, int32(i))
	}
	in.World.Positions.ID = func(place int32) string { return members[place].id }
	return in
}

// No month of any company pays a component, or all together, more than the bound says.
func TestNoMonthPaysMoreThanTheBound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPeriodPlan(t)
		in := drawMonth(t, p)
		c, err := commission.Close(in, p)
		if err != nil {
			t.Fatalf("%v\n%s", err, p.Canonical())
		}
		bound := p.Bound()
		sold := map[string]int64{}
		all := new(big.Rat)
		for _, sale := range in.World.Sales.(period.List) {
			sold[in.World.Classes[sale.Class]] += sale.Net
			all.Add(all, new(big.Rat).SetInt64(sale.Net))
		}
		paid, worth := int64(0), make([]int64, len(p.Components))
		for _, award := range c.Awards() {
			worth[award.Component] += award.AmountMinor
			paid += award.PaidMinor()
		}
		for i := range p.Components {
			most := new(big.Rat)
			for class, net := range sold {
				share := partOf(&bound, class, i)
				if share == nil {
					most = nil
					break
				}
				most.Add(most, new(big.Rat).Mul(share, new(big.Rat).SetInt64(net)))
			}
			if most != nil && new(big.Rat).SetInt64(worth[i]).Cmp(most) > 0 {
				t.Fatalf("component %s pays %d, at most %s\n%s\n%+v", p.Components[i].ID, worth[i], most.FloatString(2), p.Canonical(), sold)
			}
		}
		if bound.Total != nil && new(big.Rat).SetInt64(paid).Cmp(all.Mul(all, bound.Total)) > 0 {
			t.Fatalf("%d is paid, at most %s\n%s", paid, all.FloatString(2), p.Canonical())
		}
	})
}

// partOf is the bound of one component on a class, of its own or with all others.
func partOf(bound *plan.Payout, class string, component int) *big.Rat {
	for _, b := range bound.Classes {
		if b.Class == class || b.Class == plan.Any {
			return b.Parts[component].Share
		}
	}
	return nil
}
