package commission_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// everything is a plan with every kind of base and cap; %s is its compression.
const everything = `{"name":"everything","ranks":["member","silver","gold"],"attribution":{"self_retail":true},
"volume":{"money":{"EUR":"1.1","*":"120"}},
"components":[
 {"id":"retail","type":"retail","rates":[{"class":"kit","rate":"0%%"},{"rate":"18.75%%"},{"rank":"gold","rate":"21%%"}]},
 {"id":"profit","type":"retail","base":"profit","rates":[{"class":"tea","rate":"33.3333333%%"},{"class":"kit","rate":"0%%"},{"class":"cup","rate":"0%%"}]},
 {"id":"team","type":"unilevel","base":"cv","commissionable":"40%%","compression":%q,"rates":[
  {"rank":"member","levels":["5%%"]},{"rank":"silver","levels":["5%%","4.5%%"]},{"rank":"gold","levels":["6%%","5%%","3%%","2%%"]}]},
 {"id":"match","type":"unilevel","base":"component:retail","levels_from":"buyer","compression":%[1]q,"rates":[{"levels":["10%%","7%%"]}]}],
"caps":[{"id":"line","scope":"line","limit":"24%%","of":"net"},{"id":"team-hard","scope":"component","component":"team","limit":"3.3%%","of":"cv","enforce":"hard"},
 {"id":"golds","scope":"rank","rank":"gold","limits":{"*":"40"}},{"id":"each","scope":"person","limit":"15%%","of":"net","enforce":"hard"},
 {"id":"all","scope":"company","limit":"22%%","of":"net"}]}`

var currencies = []money.Currency{"EUR", "JPY", "KWD"}

// drawInput draws an input for the plan everything.
func drawInput(t *rapid.T, p *plan.Plan) commission.Input {
	var upline []genealogy.Person
	for i := range rapid.IntRange(1, 9).Draw(t, "people") {
		upline = append(upline, genealogy.Person{
			ID:     fmt.Sprintf("D-%c", 'a'+i),
			Status: genealogy.Status(rapid.SampledFrom([]string{"active", "active", "active", "inactive", "terminated"}).Draw(t, "status")),
			Rank:   rapid.SampledFrom([]string{"", "member", "silver", "gold"}).Draw(t, "rank"),
		})
	}
	var lines []commission.Line
	for range rapid.IntRange(0, 4).Draw(t, "lines") {
		wholesale := rapid.Int64Range(0, 3000).Draw(t, "wholesale")
		lines = append(lines, commission.Line{
			CommissionClass: rapid.SampledFrom([]string{"tea", "cup", "kit"}).Draw(t, "class"),
			Quantity:        rapid.Int64Range(1, 3).Draw(t, "quantity"),
			NetMinor:        rapid.Int64Range(0, 20_000).Draw(t, "net"),
			CV:              money.Volume(rapid.Int64Range(0, 200_000_000).Draw(t, "cv")),
			WholesaleMinor:  &wholesale,
		})
	}
	in := sale(p, rapid.SampledFrom(currencies).Draw(t, "currency"), upline, lines...)
	for i := range in.Lines {
		in.Lines[i].LineID = fmt.Sprintf("L%c", 'a'+i)
	}
	in.Buyer = rapid.SampledFrom([]string{"", "", "", upline[0].ID, upline[len(upline)-1].ID}).Draw(t, "buyer")
	return in
}

func drawPlan(t *rapid.T) *plan.Plan {
	compression := rapid.SampledFrom([]string{"none", "dynamic", "to_rank"}).Draw(t, "compression")
	p, err := plan.Parse(fmt.Appendf(nil, everything, compression))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func settle(t rapid.TB, in commission.Input, p *plan.Plan) (commission.Result, []byte) {
	r, err := commission.Calculate(in, p)
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := commission.Snapshot(in, netOf(in.Lines), r)
	if err != nil {
		t.Fatal(err)
	}
	return r, snapshot
}

func TestSnapshotsRecomputeToTheSameResult(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		in := drawInput(t, p)
		r, snapshot := settle(t, in, p)
		again, err := commission.Recompute(snapshot)
		if err != nil {
			t.Fatalf("%v\n%s", err, snapshot)
		}
		if diff := cmp.Diff(r, again, equateEmpty); diff != "" {
			t.Fatalf("(-calculated +recomputed)\n%s", diff)
		}
		_, twice := settle(t, in, p)
		if !bytes.Equal(snapshot, twice) {
			t.Fatal("the same input gave other bytes")
		}
		if _, err := commission.Explain(snapshot); err != nil {
			t.Fatal(err)
		}
	})
}

// equateEmpty lets a list that is not there equal an empty one.
var equateEmpty = cmp.FilterValues(func(a, b []commission.Event) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())

// What every step is worth is paid or is breakage, to the cent, whatever the caps do; and no cap is exceeded.
func TestNothingIsLostOrMade(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		in := drawInput(t, p)
		r, _ := settle(t, in, p)
		var worth, paid, broken, net int64
		perPerson := map[string]int64{}
		for _, step := range r.Steps {
			worth += step.AmountMinor
		}
		for _, event := range r.Events {
			if event.AmountMinor <= 0 {
				t.Fatalf("event of %d", event.AmountMinor)
			}
			if event.Breakage {
				broken += event.AmountMinor
				if event.Reason == "" {
					t.Fatal("breakage without a reason")
				}
				continue
			}
			paid += event.AmountMinor
			perPerson[event.DistributorID] += event.AmountMinor
		}
		for _, line := range in.Lines {
			net += line.NetMinor
		}
		if worth != paid+broken {
			t.Fatalf("steps are worth %d, paid %d, breakage %d", worth, paid, broken)
		}
		if paid > net*22/100 {
			t.Fatalf("paid %d of net %d, above the company cap", paid, net)
		}
		for id, sum := range perPerson {
			if sum > net*15/100 {
				t.Fatalf("%s gets %d of net %d, above the cap per person", id, sum, net)
			}
		}
	})
}

// Whoever stands above the last paid level, and whatever else is in the tree, changes no byte.
func TestPeopleAboveTheLevelsChangeNothing(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, fmt.Sprintf(everything, "none"))
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t, p)
		for len(in.Upline) < 5 { // The seller and four levels.
			in.Upline = append(in.Upline, genealogy.Person{ID: fmt.Sprintf("F%d", len(in.Upline)), Status: genealogy.Active, Rank: "gold"})
		}
		_, before := settle(t, in, p)
		in.Upline = append(slices.Clone(in.Upline), genealogy.Person{ID: "new", Status: genealogy.Active, Rank: "gold"})
		_, after := settle(t, in, p)
		if !bytes.Equal(before, after) {
			t.Fatalf("before %s\nafter  %s", before, after)
		}
	})
}

// figure finds the figures of a snapshot that amounts follow from.
var figure = regexp.MustCompile(`"-?[0-9]+(/[0-9]+)?"`)

func TestRecomputeNoticesEveryChangedDigit(t *testing.T) {
	t.Parallel()
	changed := 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		in := drawInput(t, p)
		_, snapshot := settle(t, in, p)
		from := bytes.Index(snapshot, []byte(`"lines":`))
		const every = 5 // Of all digits, a fifth per run: other runs draw others.
		count := rapid.IntRange(0, every-1).Draw(t, "first")
		for _, at := range figure.FindAllIndex(snapshot[from:], -1) {
			before := snapshot[:from+at[0]]
			if unused(in, before) {
				continue
			}
			for i := from + at[0] + 1; i < from+at[1]-1; i++ {
				if snapshot[i] < '0' || snapshot[i] > '9' {
					continue
				}
				if count++; count%every != 0 {
					continue
				}
				forged := slices.Clone(snapshot)
				forged[i] = '0' + (forged[i]-'0'+1)%10
				changed++
				if r, err := commission.Recompute(forged); err == nil {
					t.Fatalf("byte %d of %s\nforged %s\n%v", i, snapshot, forged, events(r))
				}
			}
		}
	})
	if changed == 0 {
		t.Error("no digit was changed")
	}
}

// unused tells whether the figure that comes next has no part in any amount: prices, quantities and volumes that
// nothing is paid on. Caps that do not bind leave room for more than one limit.
func unused(in commission.Input, before []byte) bool {
	tail := string(before[max(0, len(before)-12):])
	for _, key := range []string{`"left":`, `"qv":`, `"wholesale":`, `"cv":`} {
		if strings.HasSuffix(tail, key) {
			return true
		}
	}
	start := bytes.LastIndex(before, []byte(`"caps":`))
	end := bytes.LastIndex(before, []byte(`"work":`))
	conversion := strings.HasSuffix(tail, `o_money":`)
	return start >= 0 && end < start || conversion || len(in.Lines) == 0
}

func TestRecomputeNamesTheStep(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, `{"name":"p","components":[{"id":"team","type":"unilevel","rates":[{"levels":["5%","3%"]}]}]}`)
	in := sale(p, "EUR", chain([3]string{"A", "active", ""}, [3]string{"B", "active", ""}, [3]string{"C", "active", ""}),
		commission.Line{NetMinor: 10_000})
	_, snapshot := settle(t, in, p)
	cases := []struct{ name, old, forged, want string }{
		{"amount", `"300","300"`, `"300","301"`, "step 1 (line 1, component team, level 2, distributor \"C\"): amount is stated as 301 and computes to 300"},
		{"exact", `"300","300"`, `"301","300"`, "step 1 (line 1, component team, level 2, distributor \"C\"): exact value is stated as 301 and computes to 300"},
		{"rate", `"3/100"`, `"4/100"`, "step 1 (line 1, component team, level 2, distributor \"C\"): exact value is stated as 300 and computes to 400"},
		{"base", `"value":"10000"`, `"value":"10001"`, "step 0 (line 1, component team, level 1, distributor \"B\"): base net is stated as 10001 and computes to 10000"},
		{"net", `"0","10000"]`, `"0","10001"]`, "line 1: net is stated as 10001 and computes to 10000"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			forged := bytes.Replace(snapshot, []byte(c.old), []byte(c.forged), 1)
			_, err := commission.Recompute(forged)
			var found *commission.Disagreement
			if !errors.As(err, &found) || found.Error() != c.want {
				t.Errorf("error is %v", err)
			}
		})
	}
	for name, forged := range map[string][]byte{
		"blank":       bytes.Replace(snapshot, []byte(`"v":1`), []byte(`"v": 1`), 1),
		"twice":       bytes.Replace(snapshot, []byte(`{"v":1`), []byte(`{"v":1,"v":1`), 1),
		"unknown key": bytes.Replace(snapshot, []byte(`{"v":1`), []byte(`{"x":1,"v":1`), 1),
		"more":        append(slices.Clone(snapshot), ' '),
		"engine":      bytes.Replace(snapshot, []byte(`"engine":1`), []byte(`"engine":2`), 1),
	} {
		if _, err := commission.Recompute(forged); err == nil {
			t.Errorf("%s: no error for %s", name, forged)
		}
	}
}

func FuzzRecompute(f *testing.F) {
	p := mustPlan(f, fmt.Sprintf(everything, "dynamic"))
	wholesale := int64(900)
	in := sale(p, "EUR", chain([3]string{"A", "active", "gold"}, [3]string{"B", "inactive", ""}, [3]string{"C", "active", "silver"}),
		commission.Line{CommissionClass: "tea", NetMinor: 10_050, CV: 90_000_000, Quantity: 2, WholesaleMinor: &wholesale},
		commission.Line{CommissionClass: "kit", NetMinor: 500, CV: 1})
	_, snapshot := settle(f, in, p)
	f.Add(snapshot)
	in.Buyer = "A"
	_, own := settle(f, in, p)
	f.Add(own)
	f.Add([]byte(`{"v":1,"engine":1}`))
	f.Fuzz(func(t *testing.T, snapshot []byte) {
		if _, err := commission.Recompute(snapshot); err != nil {
			return
		}
		e, err := commission.Explain(snapshot)
		if err != nil {
			t.Fatalf("recomputes but does not explain: %v", err)
		}
		if e.Text(nil) == "" {
			t.Fatal("no text")
		}
	})
}
