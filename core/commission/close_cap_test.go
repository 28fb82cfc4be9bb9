package commission_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
)

const cappedPlan = `{"name":"caps","currency":"EUR","ranks":["member","gold"],"components":[
{"id":"a","type":"retail","rates":[{"rate":"1%"}]},{"id":"b","type":"retail","rates":[{"rate":"1%"}]},{"id":"c","type":"retail","rates":[{"rate":"1%"}]}],
"caps":[{"id":"b-limit","scope":"component","component":"b","limit":"100","per":"monthly"},
{"id":"person","scope":"person","limit":"70","enforce":"hard","per":"period"},
{"id":"gold","scope":"rank","rank":"gold","limit":"40","per":"period"},
{"id":"weekly","scope":"company","limit":"0","per":"weekly"},
{"id":"in-turn","scope":"company","limit":"180","enforce":"hard","per":"period"},
{"id":"all","scope":"company","limit":"150","per":"period"}]}`

// Close cuts what CapPeriod cuts, whatever the numbers of the people, and leaves nothing above a limit.
func TestCloseCapsWhatAPeriodEarned(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, cappedPlan)
	rapid.Check(t, func(t *rapid.T) {
		var members []member
		for _, id := range rapid.Permutation([]string{"A", "AB", "BA", "C", "D-long-id-1", "D-long-id-2"}).Draw(t, "ids") {
			members = append(members, member{id: id, rank: rapid.SampledFrom(p.Ranks).Draw(t, "rank")})
		}
		in := monthOf(t, p, members)
		var rows []commission.PeriodEarning
		for i, component := range []string{"a", "b", "c"} {
			in.Earned = append(in.Earned, make([]int64, len(members)))
			for person, m := range members {
				amount := rapid.Int64Range(-3_000, 9_000).Draw(t, "amount")
				in.Earned[i][person] = amount
				rows = append(rows, commission.PeriodEarning{DistributorID: m.id, Rank: m.rank, ComponentID: component, Currency: "EUR", AmountMinor: amount})
			}
		}
		c, err := commission.Close(in, p)
		if err != nil {
			t.Fatal(err)
		}
		left, total := map[string]int64{}, int64(0)
		var got []string
		for _, cut := range c.Cuts() {
			got = append(got, fmt.Sprint(p.Caps[cut.Cap].ID, members[cut.Person].id, p.Components[cut.Component].ID, cut.CutMinor))
			left[members[cut.Person].id] -= cut.CutMinor
		}
		slices.Sort(got)
		capped := *p
		capped.Caps = slices.Clone(p.Caps)
		capped.Caps[0].Per, capped.Caps[3].Per = "period", "order" // CapPeriod knows no other periods.
		cuts, err := commission.CapPeriod(&capped, rows)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, cut := range cuts {
			want = append(want, fmt.Sprint(cut.CapID, cut.DistributorID, cut.ComponentID, cut.CutMinor))
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-CapPeriod +Close)\n%s", diff)
		}
		for _, row := range rows {
			left[row.DistributorID] += row.AmountMinor
		}
		for _, m := range members {
			if total += left[m.id]; left[m.id] > 70_00 || m.rank == "gold" && left[m.id] > 40_00 {
				t.Fatalf("%s is left %d", m.id, left[m.id])
			}
		}
		if total > 150_00 {
			t.Fatalf("all are left %d", total)
		}
		traces(t, c)
	})
}

// What is paid and what is broken are together what the rates say, exactly, before anything is rounded.
func TestNothingIsLostOrMadeInAPeriod(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, `{"name":"whole","currency":"EUR","rounding":"half_even","components":[{"id":"team","type":"unilevel","period":"monthly",
"levels_from":"buyer","rates":[{"levels":["10%","20%"]}]}],"caps":[{"id":"all","scope":"company","limit":"1%","of":"net","per":"period"}]}`)
	rapid.Check(t, func(t *rapid.T) {
		in := drawCompany(t, p)
		sales, _ := in.World.Sales.Block(0, nil)
		due := int64(0)
		for i := range sales {
			sales[i].Net -= sales[i].Net % 10 // So that no level leaves a fraction.
			sales[i].Buyer = period.Nobody
			for at, level := sales[i].Seller, int64(1); at >= 0 && level <= 2; at, level = in.World.Sponsor.Parent[at], level+1 {
				due += sales[i].Net / 10 * level
			}
		}
		c, err := commission.Close(in, p)
		if err != nil {
			t.Fatal(err)
		}
		var booked int64
		for _, s := range c.Settled() {
			booked += s.AmountMinor
		}
		if booked != due {
			t.Fatalf("booked %d of %d: %v", booked, due, c.Settled())
		}
	})
}

// A leg that has nothing to do with others changes nobody's amount there.
func TestAnUnrelatedLegChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := levelPlan(t)
		in := drawCompany(t, p)
		before, err := commission.Close(in, p)
		if err != nil {
			t.Fatal(err)
		}
		sales, _ := in.World.Sales.Block(0, nil)
		world, standing := *in.World, *in.Standings
		count := world.People.Count
		world.People.Count += 2
		world.People.ID = func(person int32) string {
			if person < count {
				return in.World.People.ID(person)
			}
			return fmt.Sprintf("X%d", person)
		}
		world.People.Status = append(slices.Clone(world.People.Status), "active", "active")
		world.Sponsor.Parent = append(slices.Clone(world.Sponsor.Parent), period.Nobody, count)
		world.Enroller = world.Sponsor
		standing.Rank = append(slices.Clone(standing.Rank), 3, 2)
		standing.Active = append(slices.Clone(standing.Active), true, true)
		standing.GV = append(slices.Clone(standing.GV), 0, 0)
		standing.Frontier = append(slices.Clone(standing.Frontier), 1, 1)
		standing.PV, standing.OwnCV = make([]int64, count+2), make([]int64, count+2)
		world.Sales = period.List(append(slices.Clone(sales), sold(count+1, 100)))
		more := in
		more.World, more.Standings = &world, &standing
		after, err := commission.Close(more, p)
		if err != nil {
			t.Fatal(err)
		}
		keep := func(c *commission.Closing) []string {
			var out []string
			for _, line := range closed(more, p, c) {
				if !slices.ContainsFunc([]string{" X" + fmt.Sprint(count), " X" + fmt.Sprint(count+1)}, func(id string) bool {
					return len(line) > 0 && containsWord(line, id)
				}) {
					out = append(out, line)
				}
			}
			return out
		}
		if diff := cmp.Diff(keep(before), keep(after)); diff != "" {
			t.Fatalf("(-before +after)\n%s", diff)
		}
	})
}

func containsWord(line, word string) bool {
	for i := 0; i+len(word) <= len(line); i++ {
		if line[i:i+len(word)] == word {
			return true
		}
	}
	return false
}

func TestCloseReportsOverflow(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, `{"name":"big","currency":"EUR","components":[{"id":"team","type":"unilevel","period":"monthly","rates":[{"levels":["100%","100%"]}]}]}`)
	whale := func(seller int32) period.Sale {
		return period.Sale{Seller: seller, Buyer: period.Nobody, Net: math.MaxInt64/2 + 1}
	}
	members := []member{{id: "A"}, {id: "B", up: "A"}, {id: "C", up: "A"}}
	for name, sales := range map[string][]period.Sale{"own": {whale(1), whale(1)}, "above": {whale(1), whale(2)}} {
		in := monthOf(t, p, members, sales...)
		if _, err := commission.Close(in, p); !errors.Is(err, money.ErrOverflow) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestCloseStopsLoudly(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, `{"name":"stop","currency":"EUR","volume":{"money":{"EUR":"1"}},"components":[{"id":"team","type":"unilevel","period":"monthly","base":"cv","rates":[{"levels":["10%"]}]}]}`)
	members := []member{{id: "A"}, {id: "B", up: "A"}}
	in := monthOf(t, p, members, sold(1, 1))
	in.World.People.Status[0] = ""
	if _, err := commission.Close(in, p); !isA[*commission.MissingFact](err) {
		t.Errorf("without a status: error is %v", err)
	}
	stop := errors.New("stop")
	in = monthOf(t, p, members, sold(1, 1))
	in.Progress = func(done, total int) error {
		if done == 1 && total > 1 {
			return stop
		}
		return nil
	}
	if _, err := commission.Close(in, p); !errors.Is(err, stop) {
		t.Errorf("cancelled: error is %v", err)
	}
}
