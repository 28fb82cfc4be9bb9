package commission_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// spot is one position of a random binary tree.
type spot struct {
	parent, leg, owner int
	first              bool // the owner's first
}

// drawSpots draws a binary tree: each new position takes a free leg. One owner in four gets a second position.
func drawSpots(t *rapid.T, people int) []spot {
	var out []spot
	taken := map[[2]int]bool{}
	add := func(owner int, first bool) {
		s := spot{parent: -1, owner: owner, first: first}
		for range 4 { // Else it stands at the top.
			if len(out) == 0 {
				break
			}
			at := [2]int{rapid.IntRange(0, len(out)-1).Draw(t, "parent"), rapid.IntRange(0, 1).Draw(t, "leg")}
			if !taken[at] {
				taken[at], s.parent, s.leg = true, at[0], at[1]
				break
			}
		}
		out = append(out, s)
	}
	for person := range people {
		add(person, true)
		if rapid.IntRange(0, 3).Draw(t, "second") == 0 {
			add(rapid.IntRange(0, person).Draw(t, "owner"), false)
		}
	}
	return out
}

func spotsOf(in *commission.CloseInput, spots []spot) {
	n, seen := int(in.World.People.Count), map[int]int{}
	pos := period.Positions{Primary: make([]int32, n)}
	var ids []string
	for i, s := range spots {
		seen[s.owner]++
		id := in.World.People.ID(int32(s.owner))
		if seen[s.owner] > 1 {
			id += fmt.Sprintf("#%d", seen[s.owner])
		}
		ids = append(ids, id)
		if s.first {
			pos.Primary[s.owner] = int32(i)
		}
		pos.Parent, pos.Leg, pos.Owner = append(pos.Parent, int32(s.parent)), append(pos.Leg, uint8(s.leg)), append(pos.Owner, int32(s.owner))
	}
	pos.ID = func(i int32) string { return ids[i] }
	in.World.Positions = pos
}

// drawTerms draws a plan of one binary component.
func drawTerms(t *rapid.T) *plan.Plan {
	pay := rapid.SampledFrom([]string{plan.PayWeaker, plan.PayCycles, plan.PayRatio}).Draw(t, "pay")
	terms := fmt.Sprintf(`"pay":%q,"inactive":%q,"capped":%q,"own_volume":%q`, pay,
		rapid.SampledFrom([]string{plan.Keep, plan.Flush}).Draw(t, "inactive"), rapid.SampledFrom([]string{plan.Keep, plan.Flush}).Draw(t, "capped"),
		rapid.SampledFrom([]string{plan.OwnNone, plan.OwnLeft, plan.OwnRight, plan.OwnWeaker}).Draw(t, "own"))
	if pay != plan.PayWeaker {
		terms += fmt.Sprintf(`,"weaker":"%d","stronger":"%d"`, rapid.IntRange(1, 3).Draw(t, "weaker"), rapid.IntRange(1, 3).Draw(t, "stronger"))
	}
	if rapid.Bool().Draw(t, "carry") {
		if rapid.Bool().Draw(t, "expires") {
			terms += fmt.Sprintf(`,"expires":%d`, rapid.IntRange(1, 3).Draw(t, "periods"))
		}
		if rapid.Bool().Draw(t, "most") {
			terms += fmt.Sprintf(`,"max_carry":"%d"`, rapid.IntRange(0, 9).Draw(t, "max_carry"))
		}
	} else {
		terms += `,"carry":"none"`
	}
	if rapid.Bool().Draw(t, "owner limit") {
		terms += fmt.Sprintf(`,"owner_limit":"%d.%02d"`, rapid.IntRange(0, 2).Draw(t, "limit"), rapid.IntRange(0, 99).Draw(t, "cents"))
	}
	rates := `{"rate":"12.5%","limit":"1.01"},{"rank":"silver","rate":"0%"},{"rank":"gold","rate":"33.3%"}`
	if pay == plan.PayCycles {
		rates = `{"amount":"0.37","limit":"1.01"},{"rank":"silver","amount":"0"},{"rank":"gold","amount":"1.5"}`
	}
	return binaryPlan(t, terms, rates)
}

// slowLegs is the volume below each leg of every position, by recursion.
func slowLegs(spots []spot, own []int64) [][2]int64 {
	var below func(i int) int64
	below = func(i int) int64 {
		sum := int64(0)
		if spots[i].first {
			sum = own[spots[i].owner]
		}
		for j := range spots {
			if spots[j].parent == i {
				sum += below(j)
			}
		}
		return sum
	}
	out := make([][2]int64, len(spots))
	for i, s := range spots {
		if s.parent >= 0 {
			out[s.parent][s.leg] = below(i)
		}
	}
	return out
}

// TestBinaryIsRight plays months in a random tree. Of every position it recomputes the legs by recursion, the match from
// the words of the terms in rationals, and the limits; and no volume may come or go without a name.
func TestBinaryIsRight(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawTerms(t)
		var members []member
		for i := range rapid.IntRange(1, 7).Draw(t, "people") {
			members = append(members, member{id: fmt.Sprintf("p%d", i), rank: rapid.SampledFrom(p.Ranks).Draw(t, "rank"), idle: rapid.IntRange(0, 4).Draw(t, "idle") == 0})
		}
		spots := drawSpots(t, len(members))
		before := commission.State{}
		for range rapid.IntRange(1, 4).Draw(t, "months") {
			own := make([]int64, len(members))
			var sales []period.Sale
			for range rapid.IntRange(0, 8).Draw(t, "sales") {
				seller := rapid.IntRange(0, len(members)-1).Draw(t, "seller")
				s := sold(int32(seller), 0)
				s.CV = money.Volume(rapid.SampledFrom([]int64{-2_000_000, 1, 333_333, 1_000_000, 2_500_000, 7_000_000}).Draw(t, "cv"))
				own[seller] += int64(s.CV)
				sales = append(sales, s)
			}
			in := monthOf(t, p, members, sales...)
			in.Before = before
			spotsOf(&in, spots)
			got, err := commission.Close(in, p)
			if err != nil {
				t.Fatal(err)
			}
			checkMonth(t, p, &in, spots, slowLegs(spots, own), own, got)
			checkStable(t, p, in, got)
			before = got.After
		}
	})
}

// figures are the facts of one position by name.
func figures(c *commission.Closing, in *commission.CloseInput, position int32) map[string]commission.Fact {
	out := map[string]commission.Fact{}
	pos := &in.World.Positions
	prefix := ""
	if owner := pos.Owner[position]; pos.Primary[owner] != position {
		prefix = "position " + pos.ID(position) + ": "
	}
	for _, f := range c.Facts(0, pos.Owner[position]) {
		name, mine := strings.CutPrefix(f.Name, prefix)
		if mine && (prefix != "" || !strings.HasPrefix(name, "position ")) {
			out[name] = f
		}
	}
	return out
}

func checkMonth(t *rapid.T, p *plan.Plan, in *commission.CloseInput, spots []spot, legs [][2]int64, own []int64, got *commission.Closing) {
	carriedIn, carriedOn := stateSums(t, in.Before), stateSums(t, got.After)
	paid := map[int32]*big.Rat{}
	terms := p.Components[0].BinaryTerms
	for i := range spots {
		f := figures(got, in, int32(i))
		var totals [2]int64
		for side, name := range []string{"left", "right"} {
			id := in.World.Positions.ID(int32(i))
			in, on := f[name+" carried in"].Value, f[name+" carried on"].Value
			if in != carriedIn[id+" "+name] || on != carriedOn[id+" "+name] {
				t.Fatalf("%s %s carried in %d and on %d; the states say %d and %d", id, name, in, on, carriedIn[id+" "+name], carriedOn[id+" "+name])
			}
			if f[name+" volume"].Value != legs[i][side] {
				t.Fatalf("%s %s volume is %d, and should be %d", id, name, f[name+" volume"].Value, legs[i][side])
			}
			totals[side] = in + legs[i][side] + f[name+" own volume"].Value
			gone := on + f[name+" matched"].Value + f[name+" expired"].Value
			for what, fact := range f {
				if strings.HasPrefix(what, name+" flushed") {
					gone += fact.Value
				}
			}
			if gone != totals[side] {
				t.Fatalf("%s %s: %d came and %d went: %v", id, name, totals[side], gone, f)
			}
		}
		ownWanted := int64(0)
		if spots[i].first && terms.OwnVolume != plan.OwnNone {
			ownWanted = own[spots[i].owner]
		}
		if f["left own volume"].Value+f["right own volume"].Value != ownWanted {
			t.Fatalf("own volume of %d is %v", i, f)
		}
		amount := slowMatch(p, totals, in.Standings.Rank[spots[i].owner])
		owner := int32(spots[i].owner)
		if !in.Standings.Active[owner] {
			if f["left matched"].Value+f["right matched"].Value != 0 {
				t.Fatalf("somebody inactive is matched: %v", f)
			}
			continue
		}
		if paid[owner] == nil {
			paid[owner] = new(big.Rat)
		}
		paid[owner].Add(paid[owner], amount)
	}
	checkPaid(t, p, got, paid)
}

// slowMatch is what a position is paid in cents after its rank's limit, in rationals, from the words of the terms.
func slowMatch(p *plan.Plan, totals [2]int64, rank int8) *big.Rat {
	terms := p.Components[0].BinaryTerms
	weaker, stronger := max(0, min(totals[0], totals[1])), max(totals[0], totals[1])
	if weaker == 0 {
		return new(big.Rat)
	}
	w, s := number(terms.Weaker), number(terms.Stronger)
	units := big.NewRat(weaker, 10_000) // CV are worth 1: cents.
	switch terms.Pay {
	case plan.PayCycles:
		units = big.NewRat(min(weaker/(1e6*w), stronger/(1e6*s)), 1)
	case plan.PayRatio:
		met := new(big.Int).Mul(big.NewInt(stronger), big.NewInt(w))
		met.Div(met, big.NewInt(s)) // Whole micro-units.
		if met.IsInt64() && met.Int64() < weaker {
			units = big.NewRat(met.Int64(), 10_000)
		}
	}
	rate := map[string][3]*big.Rat{
		plan.PayCycles: {big.NewRat(37, 1), new(big.Rat), big.NewRat(150, 1)},
	}[terms.Pay]
	if terms.Pay != plan.PayCycles {
		rate = [3]*big.Rat{big.NewRat(125, 1000), new(big.Rat), big.NewRat(333, 1000)}
	}
	amount := new(big.Rat).Mul(units, rate[rank])
	if limit := big.NewRat(101, 1); rank == 0 && amount.Cmp(limit) > 0 {
		return limit
	}
	return amount
}

func number(text string) int64 {
	n := int64(0)
	_, _ = fmt.Sscan(text, &n)
	return n
}

// checkPaid rounds once per owner, after the owner's limit.
func checkPaid(t *rapid.T, p *plan.Plan, got *commission.Closing, paid map[int32]*big.Rat) {
	awards := map[int32]int64{}
	for _, a := range got.Awards() {
		awards[a.Person] = a.AmountMinor
	}
	for _, owner := range slices.Sorted(maps.Keys(paid)) {
		exact := paid[owner]
		if limit := p.Components[0].BinaryTerms.OwnerLimit; limit != "" {
			minor, err := money.ParseMinor(limit, "EUR")
			if err != nil {
				t.Fatal(err)
			}
			if exact.Cmp(big.NewRat(minor, 1)) > 0 {
				exact = big.NewRat(minor, 1)
			}
		}
		twice := new(big.Rat).Mul(exact, big.NewRat(2, 1))
		away := new(big.Rat).Sub(big.NewRat(2*awards[owner], 1), twice)
		if away.Abs(away).Cmp(big.NewRat(1, 1)) > 0 {
			t.Fatalf("owner %d is paid %d, and %s are due", owner, awards[owner], exact.RatString())
		}
	}
}

// stateSums adds up a state by position and leg.
func stateSums(t *rapid.T, s commission.State) map[string]int64 {
	out := map[string]int64{}
	state := s.Binary["legs"]
	err := state.Each(func(id string, left, right []commission.Carry) error {
		for _, c := range left {
			out[id+" left"] += c.Volume
		}
		for _, c := range right {
			out[id+" right"] += c.Volume
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkStable closes again with the sales in another order and in other blocks, with somebody unrelated beside them,
// and from the state's other form.
func checkStable(t *rapid.T, p *plan.Plan, in commission.CloseInput, first *commission.Closing) {
	again := in
	world := *in.World
	again.World = &world
	sales, _ := in.World.Sales.Block(0, nil)
	world.Sales = oneByOne(slices.Clone(sales))
	slices.Reverse(world.Sales.(oneByOne))
	again.Before = reread(t, in.Before)
	got, err := commission.Close(again, p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(books(in, p, first), books(in, p, got)); diff != "" {
		t.Fatalf("the order of sales matters (-first +again)\n%s", diff)
	}
	a, b := first.After.Binary["legs"], got.After.Binary["legs"]
	if a.Hash() != b.Hash() {
		t.Fatal("the state depends on the order of sales")
	}
}

// oneByOne is a block for each sale.
type oneByOne []period.Sale

func (o oneByOne) Blocks() int { return len(o) }

func (o oneByOne) Block(i int, _ []period.Sale) ([]period.Sale, error) { return o[i : i+1], nil }

// reread takes a state through both its forms.
func reread(t *rapid.T, s commission.State) commission.State {
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var out commission.State
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	for id, state := range s.Binary {
		data, err := state.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var read commission.BinaryState
		if err := read.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		other := out.Binary[id]
		if read.Hash() != state.Hash() || other.Hash() != state.Hash() || read.Period() != state.Period() || read.Len() != state.Len() {
			t.Fatal("a state does not survive being written and read")
		}
	}
	return out
}

// TestBinaryUnrelated puts a stranger with a downline of his own beside a tree, which changes nothing in it.
func TestBinaryUnrelated(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawTerms(t)
		var members []member
		var sales []period.Sale
		for i := range rapid.IntRange(1, 6).Draw(t, "people") {
			members = append(members, member{id: fmt.Sprintf("p%d", i), rank: rapid.SampledFrom(p.Ranks).Draw(t, "rank")})
			sales = append(sales, sold(int32(i), rapid.Int64Range(0, 9).Draw(t, "cv")))
		}
		spots := drawSpots(t, len(members))
		in := monthOf(t, p, members, sales...)
		spotsOf(&in, spots)
		alone, err := commission.Close(in, p)
		if err != nil {
			t.Fatal(err)
		}
		n := int32(len(members))
		more := append(slices.Clone(members), member{id: "x"}, member{id: "y"}, member{id: "z"})
		other := monthOf(t, p, more, append(slices.Clone(sales), sold(n, 5), sold(n+1, 7), sold(n+2, 9))...)
		spotsOf(&other, append(slices.Clone(spots), spot{-1, 0, int(n), true}, spot{len(spots), 0, int(n) + 1, true}, spot{len(spots), 1, int(n) + 2, true}))
		beside, err := commission.Close(other, p)
		if err != nil {
			t.Fatal(err)
		}
		mine := slices.DeleteFunc(books(other, p, beside), func(line string) bool { return strings.HasPrefix(line, "legs x ") })
		if diff := cmp.Diff(strings.Join(books(in, p, alone), "\n"), strings.Join(mine, "\n")); diff != "" {
			t.Fatalf("(-alone +beside)\n%s", diff)
		}
	})
}

// TestBinaryStateLong takes a state that is too long for people through JSON.
func TestBinaryStateLong(t *testing.T) {
	t.Parallel()
	var parts []string
	for i := range 1001 {
		parts = append(parts, fmt.Sprintf(`{"id":"p%d","left":[{"volume":"%d"}]}`, i, i+1))
	}
	read := func(text string) commission.BinaryState {
		t.Helper()
		var state commission.BinaryState
		if err := json.Unmarshal([]byte(text), &state); err != nil {
			t.Fatal(err)
		}
		return state
	}
	long := read(`{"version":1,"period":"2026-03","positions":[` + strings.Join(parts, ",") + `]}`)
	text, err := json.Marshal(long)
	if err != nil || bytes.Contains(text, []byte("positions")) {
		t.Fatalf("1001 positions are told one by one: %.80s (%v)", text, err)
	}
	again := read(string(text))
	if again.Hash() != long.Hash() || again.Len() != 1001 {
		t.Errorf("%d positions are read back", again.Len())
	}
	for _, bad := range []string{
		strings.Replace(string(text), "2026-03", "2026-04", 1), strings.Replace(string(text), `"version":1`, `"version":2`, 1),
		strings.Replace(string(text), `"binary":"`, `"binary":"AAAA`, 1),
	} {
		if err := json.Unmarshal([]byte(bad), &again); err == nil {
			t.Errorf("%.80s is taken", bad)
		}
	}
	if again.Hash() != long.Hash() {
		t.Error("an error changed the state")
	}
}

// FuzzBinaryState reads anything: it is refused, or written again byte by byte.
func FuzzBinaryState(f *testing.F) {
	for _, text := range []string{
		`{"version":1,"period":"2026-03","positions":[]}`,
		`{"version":1,"period":"2026-03","positions":[{"id":"ada","left":[{"volume":"300000000"}]},{"id":"adam","left":[{"volume":"-1"}],"right":[{"age":3,"volume":"5"},{"volume":"9223372036854775807"}]}]}`,
	} {
		var state commission.BinaryState
		if err := json.Unmarshal([]byte(text), &state); err != nil {
			f.Fatal(err)
		}
		data, err := state.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add([]byte(text))
	}
	f.Add([]byte("UBS\x01\x00\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var state commission.BinaryState
		if err := json.Unmarshal(data, &state); err == nil {
			if text, err := json.Marshal(state); err != nil || json.Unmarshal(text, &state) != nil {
				t.Fatalf("what was read cannot be read again: %s", text)
			}
		}
		if state.UnmarshalBinary(data) != nil {
			return
		}
		again, err := state.MarshalBinary()
		if err != nil || !bytes.Equal(data, again) {
			t.Fatalf("%x is written as %x (%v)", data, again, err)
		}
		if err := state.Each(func(string, []commission.Carry, []commission.Carry) error { return nil }); err != nil {
			t.Fatal(err)
		}
	})
}
