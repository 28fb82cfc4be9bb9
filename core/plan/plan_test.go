package plan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

var update = flag.Bool("update", false, "rewrite golden files")

// full is a plan that uses every key.
const full = `{"name":"all","title":"T","effective_from":"2026-01-01T02:00:00+02:00","currency":"EUR","rounding":"down",
"ranks":["m","s"],"attribution":{"evidence":["code","landing"],"binding":{"mode":"days","days":3},"self_retail":true},
"orders":{"partially_paid":"all","money_refunds":"ignore"},"eligible":{"statuses":["active","inactive"]},
"volume":{"money":{"EUR":"1.50","*":"2"}},"components":[
{"id":"r","title":"R","type":"retail","base":"profit","commissionable":"0.5","rates":[{"class":"*","rank":"*","rate":"5.00 %"}]},
{"id":"u","type":"unilevel","tree":"sponsor","base":"component:r","levels_from":"buyer","include_self":true,
 "compression":"to_rank","rates":[{"class":"k","rank":"m","levels":[]},{"rank":"*","levels":["1%"]},{"class":"k","rank":"s","levels":["2%","0"]}]}],
"caps":[{"id":"a","scope":"component","component":"u","limit":"5.0%","of":"net"},{"id":"b","scope":"rank","rank":"s","limit":"+05.50","enforce":"hard","per":"period"},
{"id":"c","scope":"line","limits":{"EUR":"1.25","*":"2"}}],"holds":{"days":4}}`

const minimal = `{"name":"flat","components":[{"id":"retail","type":"retail","rates":[{"rate":"0.05"}]}]}`

// everyType is a plan with every type of component and every key of the sections for periods.
func everyType(t interface{ Fatal(args ...any) }) string {
	text, err := os.ReadFile(filepath.Join("testdata", "every-type.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func mustParse(t interface{ Fatal(args ...any) }, document string) *plan.Plan {
	p, err := plan.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A stored hash must mean the same plan for ever: a failure here means that defaults or the canonical form changed,
// which needs keys that are left out at their default, not another hash for the same document.
func TestCanonicalFormStays(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{"full": full, "minimal": minimal, "every-type.canonical": everyType(t)} {
		p := mustParse(t, document)
		path, got := filepath.Join("testdata", name+".json"), string(p.Canonical())+"\n"+p.Hash()+"\n"
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestParseReadsItsOwnCanonicalForm(t *testing.T) {
	t.Parallel()
	for _, document := range []string{full, minimal, everyType(t)} {
		p := mustParse(t, document)
		again := mustParse(t, string(p.Canonical()))
		if !bytes.Equal(p.Canonical(), again.Canonical()) || p.Hash() != again.Hash() {
			t.Errorf("%s\nreads again as\n%s", p.Canonical(), again.Canonical())
		}
	}
}

func TestSpellingDoesNotChangeTheHash(t *testing.T) {
	t.Parallel()
	want := mustParse(t, minimal).Hash()
	for _, document := range []string{
		strings.Replace(minimal, `"0.05"`, `"5%"`, 1),
		strings.Replace(minimal, `"0.05"`, `"05.000 %"`, 1),
		strings.Replace(minimal, `"rate"`, `"class":"*","rank":"*","rate"`, 1),
		strings.Replace(minimal, `{"name"`, ` { "rounding" : "half_even", "holds":{}, "caps":[], "effective_from":"1970-01-01T01:00:00+01:00","name"`, 1),
	} {
		if got := mustParse(t, document).Hash(); got != want {
			t.Errorf("another hash for %s", document)
		}
	}
	if mustParse(t, strings.Replace(minimal, "0.05", "0.050000001", 1)).Hash() == want {
		t.Error("the same hash for another rate")
	}
}

func TestOrderOfKeysDoesNotChangeTheHash(t *testing.T) {
	t.Parallel()
	want := mustParse(t, full).Hash()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		var b strings.Builder
		shuffled(&b, decoded(t, full), rand.New(rand.NewPCG(seed, 1)))
		if got := mustParse(t, b.String()).Hash(); got != want {
			t.Fatalf("another hash for %s", b.String())
		}
	})
}

func decoded(t rapid.TB, document string) any {
	decoder := json.NewDecoder(strings.NewReader(document))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// shuffled writes JSON with the keys of every object in random order.
func shuffled(b *strings.Builder, value any, r *rand.Rand) {
	switch v := value.(type) {
	case map[string]any:
		var keys []string
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		for i, key := range keys {
			fmt.Fprintf(b, "%c%q: ", "{,"[min(i, 1)], key)
			shuffled(b, v[key], r)
		}
		if len(keys) == 0 {
			b.WriteString("{")
		}
		b.WriteString("}")
	case []any:
		b.WriteString("[")
		for i, item := range v {
			if i > 0 {
				b.WriteString(" , ")
			}
			shuffled(b, item, r)
		}
		b.WriteString("]")
	default:
		text, _ := json.Marshal(v) //nolint:errchkjson // Texts, numbers and booleans.
		b.Write(text)
	}
}

func TestParseNamesEveryProblem(t *testing.T) {
	t.Parallel()
	swap := func(old, replacement string) string {
		if !strings.Contains(full, old) {
			t.Fatalf("%q is not in the plan", old)
		}
		return strings.Replace(full, old, replacement, 1)
	}
	cases := []struct {
		name, document string
		want           []string // path: beginning of the reason
	}{
		{"not JSON", `{"name":`, []string{": not JSON"}},
		{"two values", minimal + "{}", []string{": more text after the plan"}},
		{"not UTF-8", strings.Replace(minimal, "flat", "\xff", 1), []string{": not UTF-8"}},
		{"too deep", strings.Repeat("[", 40), []string{": nested deeper"}},
		{"too long", strings.Repeat(" ", plan.MaxBytes+1), []string{": longer than"}},
		{"a list", `[]`, []string{": is a list"}},
		{"key twice", swap(`"name":"all"`, `"name":"all","name":"all"`), []string{"name: is given twice"}},
		{"key in capitals", swap(`"name"`, `"NAME"`), []string{"NAME: is not a key", "name: "}},
		{"rate as a number", swap(`"rate":"5.00 %"`, `"rate":0.05`), []string{"components[0].rates[0].rate: is a number"}},
		{"null", swap(`"title":"T"`, `"title":null`), []string{"title: is nothing"}},
		{"volume gate", swap(`"tree":"sponsor"`, `"pv":"100"`), []string{"components[1].pv: is a condition on volume"}},
		{"unknown rank", swap(`"rank":"m"`, `"rank":"x"`), []string{"components[1].rates[0].rank: \"x\" is no rank"}},
		{"duplicate component", swap(`"id":"u"`, `"id":"r"`), []string{"components[1].id: \"r\" is also", "caps[0].component: names"}},
		{"hole", swap(`"rank":"*","levels":["1%"]`, `"rank":"m","levels":["1%"]`), []string{"components[1].rates: has a hole: class \"*\" has no row for rank \"s\""}},
		{"negative", swap(`["1%"]`, `["-1%"]`), []string{"components[1].rates[1].levels[0]: \"-1%\" is not between"}},
		{"above the whole", swap(`"commissionable":"0.5"`, `"commissionable":"100.0000001%"`), []string{"components[0].commissionable: "}},
		{"later base", swap(`"base":"profit"`, `"base":"component:u"`), []string{"components[0].base: names \"u\", which is not calculated"}},
		{"own base", swap(`"base":"component:r"`, `"base":"component:u"`), []string{"components[1].base: names \"u\", which is not"}},
		{"unknown base", swap(`"base":"component:r"`, `"base":"gross"`), []string{"components[1].base: \"gross\" is no base"}},
		{"profit for levels", swap(`"base":"component:r"`, `"base":"profit"`), []string{"components[1].base: profit is earned"}},
		{"no class", swap(`"class":"k","rank":"m"`, `"class":"","rank":"m"`), []string{"components[1].rates[0].class: "}},
		{"ambiguous", swap(`"rank":"m","levels":[]`, `"rank":"s","levels":[]`), []string{"components[1].rates[2]: is ambiguous"}},
		{"levels for retail", swap(`"rate":"5.00 %"`, `"levels":["5%"]`), []string{"components[0].rates[0].levels: means nothing", "components[0].rates[0].rate: "}},
		{"rate for levels", swap(`"levels":["1%"]`, `"rate":"1%"`), []string{"components[1].rates[1].rate: means nothing", "components[1].rates[1].levels: is missing"}},
		{"no rates", swap(`"rates":[{"class":"*","rank":"*","rate":"5.00 %"}]`, `"rates":[]`), []string{"components[0].rates: is empty"}},
		{"retail with levels", swap(`"base":"profit"`, `"compression":"none","include_self":true`), []string{"components[0].compression: means nothing", "components[0].include_self: means nothing"}},
		{"days without mode", swap(`"mode":"days"`, `"mode":"never"`), []string{"attribution.binding.days: is 3 in mode never"}},
		{"days as text", swap(`"days":4`, `"days":"4"`), []string{"holds.days: is no number of days"}},
		{"days too many", swap(`"days":4`, `"days":3651`), []string{"holds.days: is no number of days"}},
		{"currency", swap(`"currency":"EUR"`, `"currency":"XAU"`), []string{"currency: \"XAU\" is no currency"}},
		{"instant", swap(`T02:00:00+02:00`, ``), []string{"effective_from: "}},
		{"limit both", swap(`"limits":{`, `"limit":"5","limits":{`), []string{"caps[2].limit: and limits"}},
		{"limit decimals", swap(`"+05.50"`, `"5.505"`), []string{"caps[1].limit: \"5.505\" is no amount"}},
		{"share per period", swap(`"of":"net"`, `"of":"net","per":"period"`), []string{"caps[0].limit: is a share of one order's"}},
		{"shrinking levels", swap(`"levels":[]`, `"levels":["1%","1%"]`), []string{"components[1].rates[2]: opens levels up to 1"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := plan.Parse([]byte(c.document))
			var invalid *plan.Invalid
			if !errors.As(err, &invalid) {
				t.Fatalf("error is %v", err)
			}
			if len(invalid.Problems) != len(c.want) {
				t.Fatalf("want %d problems, have\n%v", len(c.want), err)
			}
			for i, problem := range invalid.Problems {
				if got := problem.Path + ": " + problem.Reason; !strings.HasPrefix(got, c.want[i]) || problem.Mend == "" {
					t.Errorf("problem %d is %q (mend %q), want %q", i, got, problem.Mend, c.want[i])
				}
			}
		})
	}
}

func TestLookups(t *testing.T) {
	t.Parallel()
	p := mustParse(t, full)
	if at := p.EffectiveMicros(); at != 1767225600000000 {
		t.Errorf("effective at %d", at)
	}
	for rank, want := range map[string]int{"": 0, "m": 0, "s": 1} {
		if got, ok := p.Rank(rank); !ok || got != want {
			t.Errorf("rank %q is %d, %t", rank, got, ok)
		}
	}
	if _, ok := p.Rank("x"); ok {
		t.Error("rank x is known")
	}
	if p.Pays("USD") || !p.Pays("EUR") || !mustParse(t, minimal).Pays("USD") {
		t.Error("the plan's currency is not kept")
	}
	if !p.MayEarn("inactive") || p.MayEarn("terminated") || p.MayEarn("") {
		t.Error("the plan's statuses are not kept")
	}
	for currency, want := range map[string]plan.Ratio{"EUR": {Num: 3, Den: 20_000}, "JPY": {Num: 1, Den: 500_000}, "KWD": {Num: 1, Den: 500}} {
		if got, ok := p.CVToMinor(money.Currency(currency)); !ok || got != want {
			t.Errorf("1 micro-unit of CV in %s is %v, %t", currency, got, ok)
		}
	}
	u := &p.Components[1]
	k, other := u.Table("k"), u.Table("anything")
	if k.Opens(1) != 1 || k.Opens(2) != -1 || other.Opens(1) != 0 || k.Depth() != 2 || other.Depth() != 1 {
		t.Errorf("levels open at %d %d %d", k.Opens(1), k.Opens(2), other.Opens(1))
	}
	if cell := k.Cell(1, 1); cell.Rule != "components[1].rates[2].levels[0]" || cell.Ratio != (plan.Ratio{Num: 1, Den: 50}) {
		t.Errorf("cell is %+v", *cell)
	}
	if u.BaseIndex() != 0 || p.Components[0].BaseIndex() != -1 {
		t.Error("bases are mixed up")
	}
	if limit, ok := p.Caps[2].LimitMinor("EUR"); !ok || limit != 125 {
		t.Errorf("limit is %d, %t", limit, ok)
	}
	if limit, ok := p.Caps[2].LimitMinor("JPY"); !ok || limit != 2 {
		t.Errorf("limit is %d, %t", limit, ok)
	}
	if len(p.OrderCaps()) != 2 {
		t.Errorf("%d caps per order", len(p.OrderCaps()))
	}
}

func TestClassesWithoutRowsPayNothing(t *testing.T) {
	t.Parallel()
	p := mustParse(t, `{"name":"x","components":[{"id":"r","type":"retail","rates":[{"class":"tea","rate":"5%"}]}]}`)
	if p.Components[0].Table("tea") == nil || p.Components[0].Table("cup") != nil {
		t.Error("the table of a class that is not named")
	}
}

func TestAmountsAreInTheCurrencyThatIsPaid(t *testing.T) {
	t.Parallel()
	p := mustParse(t, `{"name":"x","currency":"EUR","periods":{"currency":"JPY"},"components":[
		{"id":"unit","type":"fixed","rates":[{"amount":"1.50"}]},
		{"id":"new","type":"customer_acquisition","rates":[{"amount":"500"}]},
		{"id":"named","type":"fixed","rates":[{"amounts":{"EUR":"2.25","*":"3"}}]}]}`)
	for _, c := range []struct {
		component int
		currency  money.Currency
		want      int64
		ok        bool
	}{
		{0, "EUR", 150, true}, {0, "USD", 0, false}, {1, "JPY", 500, true}, {2, "EUR", 225, true}, {2, "USD", 300, true}, {2, "JPY", 3, true},
	} {
		if got, ok := p.AmountMinor(&p.Components[c.component].Rates[0], c.currency); ok != c.ok || ok && got != c.want {
			t.Errorf("component %d in %s: %d, %t", c.component, c.currency, got, ok)
		}
	}
	if minor, ok := p.PeriodMinor("12"); !ok || minor != 12 {
		t.Errorf("12 yen are %d, %t", minor, ok)
	}
	if _, err := plan.Parse([]byte(`{"name":"x","currency":"EUR","periods":{"currency":"JPY"},"components":[{"id":"new","type":"customer_acquisition","rates":[{"amount":"5.50"}]}]}`)); err == nil {
		t.Error("half a yen is an amount")
	}
}

func TestBandsAreRead(t *testing.T) {
	t.Parallel()
	p := mustParse(t, everyType(t))
	bands := func(id string) []plan.Band {
		for i := range p.Components {
			c := &p.Components[i]
			switch {
			case c.ID != id:
			case c.DifferentialTerms != nil:
				return c.DifferentialTerms.Bands
			case c.AcquisitionTerms != nil:
				return c.AcquisitionTerms.Bands
			case c.BandsTerms != nil:
				return c.BandsTerms.Bands
			}
		}
		return nil
	}
	for _, c := range []struct {
		id         string
		band       int
		from, paid int64
		rate       plan.Ratio
	}{
		{"stairs", 1, 1_000_000_000, 0, plan.Ratio{Num: 3, Den: 50}},
		{"new-customers", 1, 5, 2000, plan.Ratio{Num: 0, Den: 1}},
		{"host", 0, 300_000_000, 0, plan.Ratio{Num: 1, Den: 10}},
		{"tiers", 0, 100_000_000, 3000, plan.Ratio{Num: 0, Den: 1}},
	} {
		b := &bands(c.id)[c.band]
		if b.Value() != c.from || b.Minor() != c.paid || b.Ratio() != c.rate {
			t.Errorf("%s: from %d, %d, %v", c.id, b.Value(), b.Minor(), b.Ratio())
		}
	}
	if units, ok := p.BaseUnits(&p.Components[3], "12.5"); !ok || units != 1250 {
		t.Errorf("12.50 of net are %d, %t", units, ok)
	}
	if units, ok := p.BaseUnits(&p.Components[2], "12.5"); !ok || units != 12_500_000 {
		t.Errorf("12.5 of CV are %d, %t", units, ok)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(minimal))
	f.Add([]byte(everyType(f)))
	f.Add([]byte(`{"name":"x","components":[{"type":"unilevel","rates":[{"levels":["1"]}]}],"caps":[{}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		p, err := plan.Parse(document)
		var invalid *plan.Invalid
		if err != nil {
			if !errors.As(err, &invalid) || len(invalid.Problems) == 0 {
				t.Fatalf("error is %v", err)
			}
			return
		}
		if problems := p.Validate(); len(problems) > 0 {
			t.Fatalf("a parsed plan is not valid: %v", problems)
		}
		again, err := plan.Parse(p.Canonical())
		if err != nil || again.Hash() != p.Hash() {
			t.Fatalf("%s reads again as %v", p.Canonical(), err)
		}
	})
}
