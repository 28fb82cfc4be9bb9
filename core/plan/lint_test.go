package plan_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/plan"
)

// Whatever figures stand in a plan, it is judged, and judged the same way twice; every finding says where, what and how
// to mend it.
func TestEveryPlanIsJudged(t *testing.T) {
	t.Parallel()
	document := everyType(t)
	rapid.Check(t, func(t *rapid.T) {
		changed := []byte(document)
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			from := rapid.IntRange(0, len(document)-1).Draw(t, "at")
			if at := strings.IndexAny(document[from:], "0123456789"); at >= 0 {
				changed[from+at] = byte('0' + rapid.IntRange(0, 9).Draw(t, "digit"))
			}
		}
		p, err := plan.Parse(changed)
		if err != nil {
			t.Skip()
		}
		found, _ := p.Lint(0)
		for _, finding := range found {
			if finding.Path == "" || finding.Code == "" || finding.Reason == "" || finding.Mend == "" {
				t.Fatalf("%+v", finding)
			}
		}
		again, _ := p.Lint(0)
		if diff := cmp.Diff(found, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Bounds that can be reckoned by hand.
func TestBoundOfEachType(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		component string
		want      string // of the class *
	}{
		"retail":              {`"type":"retail","rates":[{"rank":"a","rate":"10%"},{"rate":"12%"}]`, "12 %"},
		"commissionable":      {`"type":"retail","commissionable":"40%","rates":[{"rate":"10%"}]`, "4 %"},
		"levels":              {`"type":"unilevel","rates":[{"rank":"a","levels":["5%","4%"]},{"levels":["3%","6%","1%"]}]`, "12 %"},
		"levels by legs":      {`"type":"unilevel","period":"monthly","unilevel":{"depth":[{"active_legs":1,"levels":2}]},"rates":[{"levels":["5%","4%","3%"]}]`, "9 %"},
		"stairs":              {`"type":"differential","rates":[{"rank":"a","rate":"10%"},{"rank":"b","rate":"21%"},{"rate":"15%"}]`, "21 %"},
		"breakaway":           {`"type":"differential","differential":{"breakaway":"c","overrides":["5%","3%"]},"rates":[{"rate":"20%"}]`, "28 %"},
		"same rank":           {`"type":"differential","differential":{"same_rank":"1%"},"rates":[{"rate":"20%"}]`, "without bound"},
		"generations":         {`"type":"generation","generation":{"boundary":"b"},"rates":[{"rank":"a","levels":["50%"]},{"rank":"b","levels":["5%","4%"]},{"levels":["6%"]}]`, "10 %"},
		"own generations":     {`"type":"generation","generation":{"boundary":"earner"},"rates":[{"rank":"a","levels":["1%"]},{"rank":"b","levels":["5%","4%"]},{"levels":["6%"]}]`, "16 %"},
		"endless":             {`"type":"infinity","infinity":{"below":1},"rates":[{"rank":"a","rate":"9%"},{"rank":"b","rate":"1%"},{"rate":"2%"}]`, "3 %"},
		"endless, less":       {`"type":"infinity","infinity":{"below":1,"stop":"differential"},"rates":[{"rank":"b","rate":"1%"},{"rate":"2%"}]`, "2 %"},
		"binary":              {`"type":"binary","base":"cv","binary":{},"rates":[{"rate":"10%"}]`, "20 %"},
		"cycles":              {`"type":"binary","base":"cv","binary":{"pay":"cycles","weaker":"100","stronger":"200"},"rates":[{"amount":"30"}]`, "40 %"},
		"ratio":               {`"type":"binary","base":"cv","binary":{"pay":"ratio","weaker":"1","stronger":"3"},"rates":[{"rate":"10%"}]`, "10 %"},
		"matrix":              {`"type":"matrix","matrix":{"width":2,"depth":2},"rates":[{"levels":["5%","4%"]}]`, "9 %"},
		"pool":                {`"type":"pool","pool":{"share":"3%"},"rates":[{"rank":"c","shares":"1"},{"shares":"0"}]`, "3 %"},
		"pool of nobody":      {`"type":"pool","pool":{"share":"3%"},"rates":[{"shares":"0"}]`, "0 %"},
		"x up":                {`"type":"x_up","x_up":{"first":2},"rates":[{"rate":"50%"}]`, "50 %"},
		"another class":       {`"type":"first_order","rates":[{"class":"tea","rate":"10%"}]`, "0 %"},
		"new customers":       {`"type":"customer_acquisition","customer_acquisition":{"min_cv":"50"},"rates":[{"amount":"5"}]`, "10 %"},
		"any customers":       {`"type":"customer_acquisition","rates":[{"amount":"5"}]`, "without bound"},
		"best band":           {`"type":"bands","base":"cv","bands":{"of":"cv","bands":[{"from":"100","amount":"30"},{"from":"300","amount":"60"}]}`, "30 %"},
		"band of own volume":  {`"type":"bands","bands":{"of":"pv","bands":[{"from":"100","amount":"30"},{"from":"300","amount":"60"}]}`, "30 %"},
		"band of an order":    {`"type":"bands","bands":{"of":"order","bands":[{"from":"50","amount":"5"}]}`, "10 %"},
		"each band":           {`"type":"bands","base":"cv","bands":{"of":"cv","pay":"each","bands":[{"from":"100","amount":"10"},{"from":"200","amount":"40"}]}`, "25 %"},
		"commissionable band": {`"type":"bands","base":"cv","commissionable":"50%","bands":{"of":"cv","bands":[{"from":"100","amount":"10"},{"from":"200","rate":"30%"}]}`, "15 %"},
		"bands of groups":     {`"type":"bands","base":"cv","bands":{"of":"gv","bands":[{"from":"100","rate":"1%"}]}`, "without bound"},
		"amounts per unit":    {`"type":"fixed","rates":[{"amount":"5"}]`, "0 %"},
	} {
		p := mustParse(t, fmt.Sprintf(`{"name":"x","currency":"EUR","ranks":["a","b","c"],"volume":{"money":{"EUR":"1"}},
			"placement":{"width":2,"depth":4},"components":[{"id":"it",%s}]}`, c.component))
		bound := p.Bound()
		if got := plan.Percent(bound.Classes[len(bound.Classes)-1].Total); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestBoundsOfSeveralComponents(t *testing.T) {
	t.Parallel()
	const parts = `{"id":"retail","type":"retail","rates":[{"rate":"20%"}]},
		{"id":"levels","type":"unilevel","rates":[{"levels":["10%","5%"]}]},
		{"id":"of-retail","type":"unilevel","base":"component:retail","rates":[{"levels":["10%"]}]},
		{"id":"month","type":"generation","period":"monthly","generation":{"boundary":"b"},"rates":[{"levels":["4%"]}]},
		{"id":"match","type":"matching","matching":{"components":["levels","month"]},"rates":[{"levels":["50%","10%"]}]}`
	for name, c := range map[string]struct{ more, caps, want, by string }{
		// 20 + 15 + 2 + 4 + 60 % of 19
		"all":                       {"", "", "52.4 %", ""},
		"company, all":              {"", `{"id":"k","scope":"company","limit":"30%","of":"net","per":"monthly"}`, "30 %", "k"},
		"company, orders":           {"", `{"id":"k","scope":"company","limit":"30%","of":"net"}`, "45.4 %", "k"},
		"company, too high":         {"", `{"id":"k","scope":"company","limit":"60%","of":"net","per":"monthly"}`, "52.4 %", ""},
		"line":                      {"", `{"id":"k","scope":"line","limit":"10%","of":"net"}`, "25.4 %", ""},
		"component":                 {"", `{"id":"k","scope":"component","component":"levels","limit":"5%","of":"net"}`, "42.4 %", ""},
		"fast start instead":        {`,{"id":"fast","type":"fast_start","fast_start":{"days":9,"excludes":["month"]},"rates":[{"levels":["30%"]}]}`, "", "76 %", ""},
		"fast start instead of all": {`,{"id":"fast","type":"fast_start","fast_start":{"days":9,"excludes":["*"]},"rates":[{"levels":["3%"]}]}`, "", "52.4 %", ""},
		"fast start beside":         {`,{"id":"fast","type":"fast_start","fast_start":{"days":9},"rates":[{"levels":["30%"]}]}`, "", "82.4 %", ""},
	} {
		p := mustParse(t, fmt.Sprintf(`{"name":"x","currency":"EUR","ranks":["a","b"],"components":[%s%s],"caps":[%s]}`, parts, c.more, c.caps))
		if bound := p.Bound(); plan.Percent(bound.Total) != c.want || bound.CappedBy != c.by {
			t.Errorf("%s: %s by %q, want %s by %q", name, plan.Percent(bound.Total), bound.CappedBy, c.want, c.by)
		}
	}
}

func codes(found []plan.Finding) []string {
	var out []string
	for _, finding := range found {
		out = append(out, finding.Code+" "+finding.Path)
	}
	return out
}

func TestRanksThatAreNoFault(t *testing.T) {
	t.Parallel()
	for name, ranks := range map[string]string{
		"a rank by another":         `{"rank":"b","requires":{"gv":">= 100"}},{"rank":"c","requires":{"all":[{"rank":">= b"},{"pv":">= 5"}]}}`,
		"exactly one rank, in both": `{"rank":"b","requires":{"all":[{"rank":"= a"},{"gv":">= 9"}]}},{"rank":"c","requires":{"rank":"= a"}}`,
		"not a rank":                `{"rank":"b","requires":{"all":[{"not":{"title":"> a"}},{"gv":">= 9"}]}},{"rank":"c","requires":{"not":{"rank":"> a"}}}`,
		"higher ranks below":        `{"rank":"b","requires":{"legs":{"rank":"c","count":"1"}}},{"rank":"c","requires":{"gv":">= 500"}}`,
		"any of two ways":           `{"rank":"b","requires":{"any":[{"gv":">= 500"},{"legs":{"rank":"b","count":"2"}}]}},{"rank":"c","requires":{"legs":{"rank":"b","count":"3"}}}`,
	} {
		document := fmt.Sprintf(`{"name":"x","currency":"EUR","ranks":["a","b","c"],"qualification":{"ranks":[%s]},"components":[{"id":"r","type":"retail","rates":[{"rate":"5%%"}]}]}`, ranks)
		if found, _ := mustParse(t, document).Lint(0); len(found) > 0 {
			t.Errorf("%s: %v", name, codes(found))
		}
	}
}

func TestPercent(t *testing.T) {
	t.Parallel()
	for want, share := range map[string]*big.Rat{
		"0 %": new(big.Rat), "100 %": big.NewRat(1, 1), "12.5 %": big.NewRat(1, 8), "~33.3333333 %": big.NewRat(1, 3), "without bound": nil,
	} {
		if got := plan.Percent(share); got != want {
			t.Errorf("%v is %s, want %s", share, got, want)
		}
	}
}
