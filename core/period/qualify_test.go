package period_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

func TestVolumesAndRanks(t *testing.T) {
	t.Parallel()
	p := planOf(t, `{"active":{"pv":">= 100"},"breakaway_rank":"gold","ranks":[
		{"rank":"silver","requires":{"all":[{"active":true},{"gv":">= 500"}]}},
		{"rank":"gold","requires":{"all":[{"active":true},{"gv":">= 1000","max_leg_share":"50%"},{"legs":{"rank":"silver","count":">= 2"}}]}}]}`)
	c := newCompany(t, "Ann", "Bob under Ann", "Cid under Ann", "Dee under Bob", "Eve under Cid")
	for who, qv := range map[string]string{"Ann": "100", "Bob": "100", "Cid": "450.5", "Dee": "500", "Eve": "50"} {
		c.sells(t, who, qv)
	}
	s := c.qualify(t, p)
	for _, want := range []struct {
		id, pv, gv, rank string
		active           bool
		legs             int32
	}{
		{"Ann", "100", "1200.5", "gold", true, 2},
		{"Bob", "100", "600", "silver", true, 1},
		{"Cid", "450.5", "500.5", "silver", true, 0},
		{"Dee", "500", "500", "silver", true, 0},
		{"Eve", "50", "50", "member", false, 0},
	} {
		i := c.at(t, want.id)
		if points(s.PV[i]) != want.pv || points(s.GV[i]) != want.gv || rankName(p, s.Rank[i]) != want.rank ||
			s.Active[i] != want.active || s.Frontier[i] != want.legs {
			t.Errorf("%s has PV %s, GV %s, rank %s, active %v, %d active legs; want %+v", want.id, points(s.PV[i]), points(s.GV[i]),
				rankName(p, s.Rank[i]), s.Active[i], s.Frontier[i], want)
		}
	}
}

// TestWhatCounts checks whose volume a sale is, and what is counted.
func TestWhatCounts(t *testing.T) {
	t.Parallel()
	const none = period.Nobody
	sales := period.List{
		{Seller: 0, Buyer: 0, Customer: none, Order: 0, Quantity: 1, QV: 1_000_000, CV: 10_000_000},    // An own order,
		{Seller: 0, Buyer: none, Customer: 0, Order: 1, Quantity: 2, QV: 2_000_000, CV: 20_000_000},    // a customer's,
		{Seller: 0, Buyer: none, Customer: 0, Order: 1, Quantity: 1, QV: 4_000_000, CV: 40_000_000},    // of two lines,
		{Seller: 0, Buyer: none, Customer: 1, Order: 2, Quantity: 1, QV: 8_000_000, CV: 80_000_000},    // another's,
		{Seller: 0, Buyer: 1, Customer: none, Order: 3, Quantity: 1, QV: 16_000_000, CV: 160_000_000},  // another distributor's,
		{Seller: none, Buyer: 1, Customer: none, Order: 4, Quantity: 1, QV: 32_000_000, CV: 3},         // the company's,
		{Seller: 0, Buyer: none, Customer: 2, Order: 5, Quantity: 0, QV: 0},                            // all sent back,
		{Seller: 0, Buyer: none, Customer: 3, Order: 6, Quantity: -1, QV: -64_000_000, CV: -1_000_000}, // an earlier period's.
	}
	for _, test := range []struct{ counts, pv string }{
		{`"own_orders":true,"customer_orders":true`, "-33"},
		{`"own_orders":true,"customer_orders":false`, "1"},
		{`"own_orders":false,"customer_orders":true`, "-34"},
	} {
		p := planOf(t, `{`+test.counts+`,"ranks":[{"rank":"silver","requires":{"all":[{"orders":"= 4"},{"customers":"= 2"},{"cv":"= 309"}]}}]}`)
		c := newCompany(t, "Ann", "Bob under Ann")
		c.sales = sales
		s := c.qualify(t, p)
		if points(s.PV[0]) != test.pv || points(s.GV[0]) != test.pv || s.PV[1] != 0 || s.Rank[0] != 1 || s.Orders[0] != 4 || s.Customers[0] != 2 {
			t.Errorf("%s: PV %s of %s, %d orders, %d customers, CV %s", test.counts, points(s.PV[0]), test.pv, s.Orders[0], s.Customers[0],
				points(s.OwnCV[0]))
		}
	}
}

// TestConditionEdges tests one condition about Ann, who has the legs Bob 300, Cid 200 (with Dee a silver below) and Eve 0.
func TestConditionEdges(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		requires string
		met      bool
	}{
		{`{"leg":{"n":1,"volume":"= 300"}}`, true},
		{`{"leg":{"n":2,"volume":"= 200"}}`, true},
		{`{"leg":{"n":3,"volume":"= 0"}}`, true},
		{`{"leg":{"n":4,"volume":"> 0"}}`, false},
		{`{"leg":{"n":4,"volume":"<= 0"}}`, true},
		{`{"legs":{"volume":"200","count":"= 2"}}`, true},
		{`{"legs":{"volume":"0","count":"= 3"}}`, true},
		{`{"legs":{"rank":"silver","count":"= 2"}}`, true},
		{`{"legs":{"rank":"platinum","count":"= 1"}}`, true},
		{`{"legs":{"rank":"platinum","count":"= 0","depth":"frontline"}}`, true},
		{`{"active_legs":"= 2"}`, true},
		{`{"pgv":"= 100","without":"member"}`, true},
		{`{"pgv":"= 200","without":"silver"}`, true},
		{`{"pgv":"= 500","without":"gold"}`, true},
		{`{"gv":">= 600","max_leg_share":"50%"}`, true},
		{`{"gv":">= 600","max_leg_share":"49.9999999%"}`, false},
		{`{"gv":">= 400","max_leg_share":"100%"}`, true},
		{`{"gv":">= 600","max_leg_share":"33.3333333%"}`, false},
		{`{"gv":">= 0","max_leg_share":"10%"}`, true},
		{`{"not":{"gv":"> 600"}}`, true},
		{`{"any":[{"gv":"< 600"},{"status":["inactive","active"]}]}`, true},
		{`{"autoship":true}`, false},
		{`{"autoship":false}`, true},
		{`{"rank":"< silver"}`, true},
		{`{"title":">= silver"}`, true},
		{`{"rank":">= silver"}`, false},
		{`{"days_since_enrolment":"= 30"}`, true},
		{`{"days_since_enrolment":"> 30"}`, false},
	} {
		t.Run(test.requires, func(t *testing.T) {
			t.Parallel()
			p := planOf(t, `{"active":{"gv":"> 0"},"breakaway_rank":"diamond","ranks":[
				{"rank":"silver","requires":{"all":[{"pv":">= 150"},{"gv":"< 350"}]}},{"rank":"gold","requires":`+test.requires+`}]}`)
			c := newCompany(t, "Ann", "Bob under Ann", "Cid under Ann", "Eve under Ann", "Dee under Cid")
			c.sells(t, "Ann", "100")
			c.sells(t, "Bob", "300")
			c.sells(t, "Cid", "100")
			c.sells(t, "Dee", "100")
			c.world.People.Rank = []int8{0, 0, 0, 0, 3} // Dee is platinum, which asks for nothing.
			c.world.People.Title = []int8{1, 0, 0, 0, 0}
			c.world.People.EnrolledAt = []int64{march.From, march.From, march.From, march.From, march.From}
			if got := c.qualify(t, p).Rank[0] == 2; got != test.met {
				t.Errorf("Ann meets it: %v, want %v", got, test.met)
			}
		})
	}
}

// TestFromPeriodToPeriod plays the ranks of one person; each period says how much is sold and what the person is then.
// Silver needs 100, gold 200, platinum 300; diamond asks for nothing.
func TestFromPeriodToPeriod(t *testing.T) {
	t.Parallel()
	type month struct {
		sold         string
		rank, title  string
		override     *period.Override
		missed, met  uint8
		assignedRank int8
	}
	exactly := func(rank int8) *period.Override { return &period.Override{Rank: rank} }
	floor := func(rank int8) *period.Override { return &period.Override{Rank: rank, Floor: true} }
	for _, test := range []struct {
		name, rules string
		months      []month
	}{
		{"at once", `"grace_periods":0`, []month{
			{sold: "300", rank: "platinum", title: "platinum"}, {sold: "100", rank: "silver", title: "platinum"}, {sold: "200", rank: "gold", title: "platinum"},
		}},
		{"grace of two", `"grace_periods":2`, []month{
			{sold: "200", rank: "gold", title: "gold"},
			{sold: "0", rank: "gold", title: "gold", missed: 1},
			{sold: "100", rank: "gold", title: "gold", missed: 2},
			{sold: "0", rank: "member", title: "gold"},
		}},
		{"grace begins anew once the rank is met", `"grace_periods":1`, []month{
			{sold: "200", rank: "gold", title: "gold"},
			{sold: "0", rank: "gold", title: "gold", missed: 1},
			{sold: "200", rank: "gold", title: "gold"},
			{sold: "0", rank: "gold", title: "gold", missed: 1},
			{sold: "0", rank: "member", title: "gold"},
		}},
		{"one step", `"demotion":"one_step"`, []month{
			{sold: "300", rank: "platinum", title: "platinum"},
			{sold: "0", rank: "gold", title: "platinum", missed: 1},
			{sold: "100", rank: "silver", title: "platinum"},
			{sold: "100", rank: "silver", title: "platinum"},
		}},
		{"one step after grace, then no more grace", `"demotion":"one_step","grace_periods":1`, []month{
			{sold: "300", rank: "platinum", title: "platinum"},
			{sold: "0", rank: "platinum", title: "platinum", missed: 1},
			{sold: "0", rank: "gold", title: "platinum", missed: 2},
			{sold: "0", rank: "silver", title: "platinum", missed: 3},
		}},
		{"never", `"demotion":"never"`, []month{
			{sold: "200", rank: "gold", title: "gold"},
			{sold: "0", rank: "gold", title: "gold", missed: 1},
			{sold: "300", rank: "platinum", title: "platinum"},
		}},
		{"a lost rank twice in a row", `"requalify_periods":2`, []month{
			{sold: "200", rank: "gold", title: "gold"},
			{sold: "0", rank: "member", title: "gold"},
			{sold: "200", rank: "member", title: "gold", met: 1},
			{sold: "0", rank: "member", title: "gold"},
			{sold: "200", rank: "member", title: "gold", met: 1},
			{sold: "100", rank: "silver", title: "gold"},
			{sold: "200", rank: "silver", title: "gold", met: 1},
			{sold: "200", rank: "gold", title: "gold"},
		}},
		{"the lower of two lost ranks first", `"requalify_periods":2`, []month{
			{sold: "300", rank: "platinum", title: "platinum"},
			{sold: "0", rank: "member", title: "platinum"},
			{sold: "200", rank: "member", title: "platinum", met: 1},
			{sold: "300", rank: "gold", title: "platinum", met: 1},
			{sold: "300", rank: "platinum", title: "platinum"},
		}},
		{"a rank never held comes at once", `"requalify_periods":3`, []month{
			{sold: "200", rank: "gold", title: "gold"}, {sold: "0", rank: "member", title: "gold"}, {sold: "300", rank: "platinum", title: "platinum"},
		}},
		{"an override leaves nothing but the title", `"demotion":"never"`, []month{
			{sold: "100", rank: "silver", title: "silver"},
			{sold: "100", rank: "diamond", title: "diamond", override: exactly(4)},
			{sold: "100", rank: "silver", title: "diamond"},
		}},
		{"an override downwards hides what is met", `"grace_periods":0`, []month{
			{sold: "300", rank: "member", title: "member", override: exactly(0)}, {sold: "300", rank: "platinum", title: "platinum"},
		}},
		{"a floor", `"grace_periods":0`, []month{
			{sold: "0", rank: "gold", title: "gold", override: floor(2)}, {sold: "300", rank: "platinum", title: "platinum", override: floor(2)},
		}},
		{"an assigned rank has no grace and comes at once", `"grace_periods":5,"requalify_periods":5`, []month{
			{sold: "100", rank: "diamond", title: "diamond", assignedRank: 4},
			{sold: "100", rank: "silver", title: "diamond"},
			{sold: "0", rank: "diamond", title: "diamond", assignedRank: 4},
		}},
		{"an assigned rank with a requirement is not enough", `"grace_periods":0`, []month{{sold: "100", rank: "silver", title: "silver", assignedRank: 3}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := planOf(t, `{`+test.rules+`,"ranks":[{"rank":"silver","requires":{"pv":">= 100"}},{"rank":"gold","requires":{"pv":">= 200"}},
				{"rank":"platinum","requires":{"pv":">= 300"}}]}`)
			var before *period.Standings
			for i, want := range test.months {
				c := newCompany(t, "Ann")
				c.sells(t, "Ann", want.sold)
				c.world.People.Rank = []int8{want.assignedRank}
				if want.override != nil {
					c.world.People.Overrides = []period.Override{*want.override}
				}
				if before != nil {
					people := &c.world.People
					people.PaidAs, people.Title, people.Missed, people.Met, people.MetRank = before.Held, before.Title, before.Missed, before.Met, before.MetRank
				}
				s := c.qualify(t, p)
				got := month{
					sold: want.sold, rank: rankName(p, s.Rank[0]), title: rankName(p, s.Title[0]), missed: s.Missed[0], met: s.Met[0],
					override: want.override, assignedRank: want.assignedRank,
				}
				if got != want {
					t.Errorf("period %d: %+v, want %+v", i+1, got, want)
				}
				before = s
			}
		})
	}
}

// TestMissingFacts checks that a fact that is not known stops the close where it decides, and only there.
func TestMissingFacts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, qualification, want string }{
		{"status of an active person", `{"active":{"pv":">= 100"}}`, "distributor Ann has no status"},
		{"status of somebody who is not active", `{"active":{"pv":">= 200"}}`, ""},
		{"status where everybody is active", `{}`, "distributor Ann has no status"},
		{"status in a condition", `{"active":{"pv":">= 200"},"ranks":[{"rank":"gold","requires":{"status":"active"}}]}`, "distributor Ann has no status"},
		{"enrolment", `{"active":{"pv":">= 200"},"ranks":[{"rank":"gold","requires":{"days_since_enrolment":"< 30"}}]}`, "distributor Ann has no time of enrolment"},
		{"enrolment of somebody who misses the rest", `{"active":{"pv":">= 200"},"ranks":[{"rank":"gold","requires":{"all":[{"days_since_enrolment":"< 30"},{"pv":"> 100"}]}}]}`, ""},
		{"enrolment of somebody who meets the rest", `{"active":{"pv":">= 200"},"ranks":[{"rank":"gold","requires":{"any":[{"days_since_enrolment":"< 30"},{"pv":">= 100"}]}}]}`, ""},
		{"enrolment below a rank that is met", `{"active":{"pv":">= 200"},"ranks":[{"rank":"silver","requires":{"days_since_enrolment":"< 30"}},{"rank":"gold","requires":{"pv":">= 100"}}]}`, ""},
		{"the one of two that decides", `{"active":{"pv":">= 200"},"ranks":[{"rank":"gold","requires":{"all":[{"any":[{"status":"active"},{"pv":">= 100"}]},{"days_since_enrolment":"< 30"}]}}]}`, "distributor Ann has no time of enrolment"},
		{"orders of sales that were added up", `{"active":{"pv":">= 200"},"ranks":[{"rank":"gold","requires":{"orders":">= 1"}}]}`, "distributor Bob has no number of an order"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCompany(t, "Ann", "Bob under Ann")
			c.sells(t, "Ann", "100")
			c.sells(t, "Bob", "0")
			c.sales[1].Order = period.Nobody
			c.world.People.Status[0] = ""
			c.world.People.EnrolledAt = []int64{period.Unknown, march.From}
			_, err := period.Qualify(&c.world, planOf(t, test.qualification), nil)
			var missing *period.MissingFact
			switch {
			case test.want == "" && err != nil:
				t.Errorf("%v, want no error", err)
			case test.want != "" && (!errors.As(err, &missing) || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

// TestBadWorlds checks that columns, trees and sales that cannot be are refused by name.
func TestBadWorlds(t *testing.T) {
	t.Parallel()
	p := planOf(t, `{"breakaway_rank":"gold"}`)
	most := money.Volume(1<<63 - 1)
	for name, test := range map[string]struct {
		change func(*period.World)
		want   string
	}{
		"no sales":        {func(w *period.World) { w.Sales = nil }, "no sales"},
		"few statuses":    {func(w *period.World) { w.People.Status = w.People.Status[:1] }, "1 statuses for 3 people"},
		"few titles":      {func(w *period.World) { w.People.Title = []int8{1} }, "1 titles for 3 people"},
		"no such rank":    {func(w *period.World) { w.People.PaidAs = []int8{0, 9, 0} }, `"Bob" has rank number 9 of 5`},
		"negative rank":   {func(w *period.World) { w.People.Rank = []int8{0, 0, -1} }, `"Cid" has rank number -1 of 5`},
		"two overrides":   {func(w *period.World) { w.People.Overrides = []period.Override{{Person: 1}, {Person: 1}} }, `override of distributor "Bob"`},
		"override beyond": {func(w *period.World) { w.People.Overrides = []period.Override{{Person: 3}} }, "person 3 of 3"},
		"child first":     {func(w *period.World) { w.Sponsor.Parent = []int32{1, period.Nobody, 0} }, `sponsor tree: distributor "Ann"`},
		"own parent":      {func(w *period.World) { w.Sponsor.Parent = []int32{period.Nobody, 1, 0} }, `sponsor tree: distributor "Bob"`},
		"parent beyond":   {func(w *period.World) { w.Sponsor = period.Tree{[]int32{3, -1, -1}, []int32{0, 1, 2}} }, `distributor "Ann"`},
		"order of a ring": {func(w *period.World) { w.Sponsor = period.Tree{[]int32{1, 0, -1}, []int32{2, 0, 1}} }, `distributor "Ann"`},
		"twice in order":  {func(w *period.World) { w.Sponsor.Order = []int32{0, 1, 1} }, `"Bob": is in the order twice`},
		"order beyond":    {func(w *period.World) { w.Sponsor.Order = []int32{0, 1, 3} }, "names person 3 of 3"},
		"short order":     {func(w *period.World) { w.Sponsor.Order = []int32{0, 1} }, "2 entries for 3 people"},
		"few parents":     {func(w *period.World) { w.Sponsor.Parent = []int32{-1} }, "1 parents for 3 people"},
		"seller beyond":   {func(w *period.World) { w.Sales = period.List{{Seller: 3}} }, "sale 0 is of person 3"},
		"seller below":    {func(w *period.World) { w.Sales = period.List{{Seller: -2}} }, "sale 0 is of person -2"},
		"QV of two": {
			func(w *period.World) { w.Sales = period.List{{Seller: 1, QV: most}, {Seller: 0, QV: 1}} },
			`QV of all sales, the largest of distributor "Bob"`,
		},
		"CV below": {func(w *period.World) { w.Sales = period.List{{Seller: 2, CV: -most - 1}} }, `CV of all sales, the largest of distributor "Cid"`},
		"QV that would come round": {func(w *period.World) {
			w.Sales = period.List{{Seller: 1, QV: -most - 1}, {Seller: 1, QV: -most - 1}, {Seller: 2, QV: 5}}
		}, `QV of all sales, the largest of distributor "Bob"`},
		"a block that cannot be read": {func(w *period.World) { w.Sales = broken{} }, "block 0 of the sales: the disk is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCompany(t, "Ann", "Bob under Ann", "Cid under Bob")
			test.change(&c.world)
			_, err := period.Qualify(&c.world, p, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if strings.Contains(test.want, "of all sales") && !errors.Is(err, money.ErrOverflow) {
				t.Errorf("%v is no overflow", err)
			}
		})
	}
}

type broken struct{}

func (broken) Blocks() int { return 1 }

func (broken) Block(int, []period.Sale) ([]period.Sale, error) {
	return nil, errors.New("the disk is gone")
}

// TestLargestVolume checks that all that fits is added up.
func TestLargestVolume(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "Ann", "Bob under Ann")
	c.sales = period.List{{Seller: 1, Quantity: 1, QV: 1<<63 - 2}, {Seller: 0, Quantity: 1, QV: 1}}
	s := c.qualify(t, planOf(t, `{"ranks":[{"rank":"gold","requires":{"gv":">= 9223372036854.775807","max_leg_share":"100%"}}]}`))
	if s.GV[0] != 1<<63-1 || s.Rank[0] != 2 || s.Rank[1] != 0 {
		t.Errorf("GV %d, ranks %v", s.GV[0], s.Rank)
	}
}

func TestTester(t *testing.T) {
	t.Parallel()
	p := planOf(t, `{"active":{"pv":">= 100"},"ranks":[{"rank":"silver","requires":{"pv":">= 100"}},{"rank":"gold","requires":{"legs":{"rank":"silver","count":">= 1"}}}]}`)
	c := newCompany(t, "Ann", "Bob under Ann")
	c.sells(t, "Bob", "100")
	s := c.qualify(t, p)
	tester := s.Tester()
	rank := func(name string) *plan.Condition {
		other := planOf(t, `{"ranks":[{"rank":"platinum","requires":{"rank":">= `+name+`"}}]}`)
		return &other.Qualification.Ranks[0].Requires
	}
	silver, gold := rank("silver"), rank("gold")
	for _, test := range []struct {
		condition *plan.Condition
		person    int32
		want      bool
	}{{silver, 0, true}, {gold, 0, true}, {silver, 1, true}, {gold, 1, false}, {p.Qualification.Active, 0, false}, {p.Qualification.Active, 1, true}} {
		if got, err := tester.Meets(test.condition, test.person); err != nil || got != test.want {
			t.Errorf("person %d: %v, %v; want %v", test.person, got, err, test.want)
		}
	}
	if _, err := tester.Meets(silver, 2); err == nil {
		t.Error("a test of nobody")
	}
	foreign := planOf(t, `{"active":{"orders":">= 1"}}`)
	if _, err := tester.Meets(foreign.Qualification.Active, 0); err == nil {
		t.Error("orders of a plan that does not count them")
	}
}

func TestSubtreeSums(t *testing.T) {
	t.Parallel()
	tree := period.Tree{Parent: []int32{2, 0, period.Nobody, 2}, Order: []int32{2, 3, 0, 1}}
	sums, err := tree.SubtreeSums([]int64{1, 2, 4, 8})
	if diff := cmp.Diff([]int64{3, 2, 15, 8}, sums); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if _, err := tree.SubtreeSums([]int64{1, 1<<63 - 1, 0, 0}); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("%v is no overflow", err)
	}
	if _, err := tree.SubtreeSums([]int64{1}); err == nil {
		t.Error("one value for four people")
	}
	children := tree.Children()
	if diff := cmp.Diff([][]int32{{1}, {}, {0, 3}, {}}, [][]int32{children.Of(0), children.Of(1), children.Of(2), children.Of(3)}); diff != "" {
		t.Error(diff)
	}
	if down := slices.Collect(tree.TopDown()); !slices.Equal(down, tree.Order) {
		t.Error(down)
	}
}

func TestParentsFirst(t *testing.T) {
	t.Parallel()
	const none = period.Nobody
	for _, test := range []struct {
		name           string
		parents, order []int32
		ring           int32
	}{
		{"nobody", []int32{}, []int32{}, none},
		{"a tree with its top last", []int32{2, 0, none, 2}, []int32{2, 0, 3, 1}, none},
		{"two trees", []int32{none, 3, 0, none}, []int32{0, 3, 2, 1}, none},
		{"a ring with somebody below it", []int32{none, 2, 3, 2, 0}, nil, 1},
		{"one's own parent", []int32{0}, nil, 0},
	} {
		order, ring := period.ParentsFirst(test.parents)
		if !slices.Equal(order, test.order) || ring != test.ring {
			t.Errorf("%s: %v, ring %d; want %v, %d", test.name, order, ring, test.order, test.ring)
		}
	}
}

// TestCheck checks that trees beside the sponsors' are refused by name.
func TestCheck(t *testing.T) {
	t.Parallel()
	sound := func() period.Positions {
		return period.Positions{Parent: []int32{-1, 0, 0}, Leg: []uint8{0, 0, 1}, Owner: []int32{0, 1, 0}, Primary: []int32{0, 1, -1}}
	}
	for name, test := range map[string]struct {
		change func(*period.World)
		want   string
	}{
		"sound":              {func(*period.World) {}, ""},
		"no places":          {func(w *period.World) { w.Positions = period.Positions{} }, ""},
		"no enrollers":       {func(w *period.World) { w.Enroller = period.Tree{} }, ""},
		"enroller's ring":    {func(w *period.World) { w.Enroller.Parent = []int32{1, 0, -1} }, `enroller tree: distributor "Ann"`},
		"few owners":         {func(w *period.World) { w.Positions.Owner = []int32{0} }, "1 owners"},
		"few times":          {func(w *period.World) { w.Positions.Since = []int64{0} }, "1 times"},
		"nobody's place":     {func(w *period.World) { w.Positions.Owner[1] = 3 }, "position 1 belongs to person 3 of 3"},
		"child first":        {func(w *period.World) { w.Positions.Parent[1] = 2 }, `distributor "Bob": position 1`},
		"another's primary":  {func(w *period.World) { w.Positions.Primary[2] = 1 }, `distributor "Cid": the primary position 1`},
		"primary beyond":     {func(w *period.World) { w.Positions.Primary[0] = 3 }, `distributor "Ann": the primary position 3`},
		"primaries of a few": {func(w *period.World) { w.Positions.Primary = []int32{0} }, "1 primary places of 3 people"},
	} {
		c := newCompany(t, "Ann", "Bob under Ann", "Cid under Bob")
		c.world.Positions = sound()
		test.change(&c.world)
		err := c.world.Check()
		var tree *period.TreeError
		if test.want == "" && err != nil || test.want != "" && (!errors.As(err, &tree) || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
