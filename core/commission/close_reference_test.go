package commission_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// refCompanies is how many random companies the comparison plays.
const refCompanies = 10_000

// TestCloseAgainstTheReference closes random months and compares every cent with what the reference makes of them.
func TestCloseAgainstTheReference(t *testing.T) {
	const parts = 4
	var mu sync.Mutex
	paid, lost := map[string]int{}, map[string]int{}
	t.Run("companies", func(t *testing.T) {
		for part := range uint64(parts) {
			t.Run(fmt.Sprint(part), func(t *testing.T) {
				t.Parallel()
				for seed := part; seed < refCompanies && !t.Failed(); seed += parts {
					counts := compareClose(t, seed, randomRefCompany(rand.New(rand.NewPCG(seed, 7))))
					mu.Lock()
					for kind, n := range counts {
						paid[kind] += n[0]
						lost[kind] += n[1]
					}
					mu.Unlock()
				}
			})
		}
	})
	for _, kind := range refKinds { // A comparison of nothing would pass.
		if paid[kind] < 200 {
			t.Errorf("only %d amounts of %s were compared", paid[kind], kind)
		}
	}
	t.Logf("amounts compared by type: %v, with breakage: %v", paid, lost)
}

// compareClose plays one company and counts what was compared, by type: amounts and breakages.
func compareClose(t *testing.T, seed uint64, c *refCompany) map[string][2]int {
	t.Helper()
	p, err := plan.Parse(c.plan.document())
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, c.tell())
	}
	books := c.settle()
	w := c.world()
	c.compareStandings(t, seed, w, p)
	out, err := commission.Close(commission.CloseInput{World: w, Standings: c.standings(), Meets: c.meets(p)}, p)
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, c.tell())
	}
	type key struct{ component, person int }
	paid, lost, entries := map[key]int64{}, map[key]int64{}, map[key]int64{}
	for _, award := range out.Awards() {
		paid[key{int(award.Component), int(award.Person)}] = award.AmountMinor
	}
	for _, l := range out.Lost() {
		lost[key{int(l.Component), int(l.Person)}] += l.AmountMinor
		entries[key{int(l.Component), int(l.Person)}]++
	}
	counts := map[string][2]int{}
	var wrong []string
	for i := range c.plan.components {
		kind := c.plan.components[i].kind
		for person := range c.people {
			k, n := key{i, person}, counts[kind]
			want := books.minor[i][person]
			if paid[k] != want {
				wrong = append(wrong, fmt.Sprintf("%s %s: %s is paid %d, want %d", c.plan.components[i].id, kind, refID(person), paid[k], want))
			}
			if want > 0 {
				n[0]++
			}
			if exact := books.lost[i][person]; kind != "pool" && !near(exact, lost[k], entries[k]) {
				wrong = append(wrong, fmt.Sprintf("%s %s: %s loses %d, want %v", c.plan.components[i].id, kind, refID(person), lost[k], exact))
			} else if lost[k] > 0 {
				n[1]++
			}
			counts[kind] = n
		}
	}
	if len(wrong) > 0 {
		t.Errorf("seed %d:\n%s\n%s", seed, strings.Join(wrong, "\n"), c.tell())
	}
	return counts
}

// near tells whether a sum of so many amounts that were rounded one by one can be of this exact value.
func near(exact *big.Rat, sum, count int64) bool {
	if exact == nil {
		exact = rat(0)
	}
	off := new(big.Rat).Sub(exact, rat(sum))
	return off.Abs(off).Cmp(rat(count)) <= 0
}

// standings are the reference's own, so that a fault of Qualify cannot hide one of Close.
func (c *refCompany) standings() *period.Standings {
	n := len(c.people)
	s := &period.Standings{
		PV: make([]int64, n), GV: make([]int64, n), OwnCV: make([]int64, n), Active: make([]bool, n), Rank: make([]int8, n),
		Reached: make([]int8, n), Title: make([]int8, n), Missed: make([]uint8, n), Met: make([]uint8, n), Frontier: make([]int32, n),
	}
	for p := range c.people {
		s.PV[p], s.GV[p], s.OwnCV[p] = micros(c.pv(p)), micros(c.gv(p)), micros(c.cv(p))
		s.Active[p], s.Frontier[p] = c.active(p), int32(c.activeLegs(p))
		s.Rank[p], s.Reached[p] = int8(c.rank[p]), int8(c.reached[p])
		s.Title[p] = int8(max(c.people[p].title, c.rank[p]))
	}
	return s
}

func micros(v *big.Rat) int64 {
	return new(big.Rat).Mul(v, rat(1_000_000)).Num().Int64()
}

// meets answers a component's requirement with the reference's own condition.
func (c *refCompany) meets(p *plan.Plan) func(*plan.Condition, int32) (bool, error) {
	return func(condition *plan.Condition, person int32) (bool, error) {
		for i := range p.Components {
			if p.Components[i].Requires == condition {
				return c.plan.components[i].requires.holds(c, int(person)), nil
			}
		}
		return false, fmt.Errorf("no component has this condition")
	}
}

// compareStandings holds everybody's volumes, activity, rank and requirements against the reference's.
func (c *refCompany) compareStandings(t *testing.T, seed uint64, w *period.World, p *plan.Plan) {
	t.Helper()
	got, err := period.Qualify(w, p, period.Serial)
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, c.tell())
	}
	want := c.standings()
	same := func(what string, got, want any) {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("seed %d: %s (-want +got):\n%s\n%s", seed, what, diff, c.tell())
		}
	}
	same("PV", got.PV, want.PV)
	same("GV", got.GV, want.GV)
	same("own CV", got.OwnCV, want.OwnCV)
	same("active", got.Active, want.Active)
	same("active legs", got.Frontier, want.Frontier)
	same("rank reached", got.Reached, want.Reached)
	same("rank", got.Rank, want.Rank)
	same("title", got.Title, want.Title)
	meets, tester := c.meets(p), got.Tester()
	for i := range p.Components {
		requires := p.Components[i].Requires
		for person := range int32(len(c.people)) {
			if requires == nil {
				continue
			}
			got, err := tester.Meets(requires, person)
			want, _ := meets(requires, person)
			if err != nil || got != want {
				t.Errorf("seed %d: %s meets %s: %t (%v), want %t\n%s", seed, refID(int(person)), c.plan.components[i].requires.text, got, err, want, c.tell())
			}
		}
	}
}
