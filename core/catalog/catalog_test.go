package catalog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/money"
)

const far = 1 << 60

// row is a mapping of SHIRT whose class says which row it is.
func row(class, country string, from, version int64) catalog.Mapping {
	return catalog.Mapping{
		SKUID: "sku-1", Platform: "shopify", PlatformSKU: "SHIRT", CommissionClass: class, Country: country,
		ValidFrom: from, Version: version,
	}
}

func mustBuild(t testing.TB, rows ...catalog.Mapping) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Build(rows)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// classOf is the class found, "" for an Unmapped that names the SKU.
func classOf(t testing.TB, c *catalog.Catalog, country string, at, version int64) string {
	t.Helper()
	item, err := c.Lookup("shopify", "SHIRT", country, at, version)
	if err == nil {
		return item.CommissionClass
	}
	var unmapped *catalog.Unmapped
	if !errors.As(err, &unmapped) || *unmapped != (catalog.Unmapped{Platform: "shopify", PlatformSKU: "SHIRT"}) {
		t.Fatalf("%v does not name the SKU", err)
	}
	return ""
}

func TestLookup(t *testing.T) {
	t.Parallel()
	type ask struct {
		country     string
		at, version int64
		want        string
	}
	cases := []struct {
		name string
		rows []catalog.Mapping
		asks []ask
	}{
		{"nothing", nil, []ask{{"", 0, far, ""}}},
		{"the first counts from the beginning, later ones are dated", []catalog.Mapping{row("a", "", 100, 1), row("b", "", 200, 2)}, []ask{
			{"", -far, far, "a"}, {"", 100, far, "a"}, {"", 199, far, "a"}, {"", 200, far, "b"}, {"DE", 200, far, "b"}, {"", 200, 1, "a"}, {"", 0, 0, ""},
		}},
		{"first is what was recorded first, not what is valid first", []catalog.Mapping{row("a", "", 100, 1), row("b", "", 50, 2)}, []ask{
			{"", 49, far, "a"}, {"", 50, far, "b"}, {"", 99, far, "b"}, {"", 100, far, "a"}, {"", 60, 1, "a"},
		}},
		{"a correction of one date", []catalog.Mapping{row("a", "", 100, 1), row("b", "", 100, 2)}, []ask{{"", 100, 1, "a"}, {"", 100, 2, "b"}}},
		{"country first", []catalog.Mapping{row("a", "", 0, 1), row("de", "DE", 100, 2)}, []ask{
			{"DE", 99, far, "a"}, {"DE", 100, far, "de"}, {"de", 100, far, "de"}, {"FR", 100, far, "a"}, {"", 100, far, "a"}, {"DEU", 100, far, "a"}, {"DE", 100, 1, "a"},
		}},
		{"recorded together, both from the beginning", []catalog.Mapping{row("a", "", 100, 1), row("de", "DE", 100, 1)}, []ask{
			{"DE", 0, far, "de"}, {"FR", 0, far, "a"},
		}},
		{"recorded together, but one expressly later", []catalog.Mapping{row("a", "", -50, 1), row("de", "DE", 100, 1)}, []ask{
			{"DE", 0, far, "a"}, {"DE", 100, far, "de"}, {"DE", -60, far, "de"},
		}},
		{"first for one country only", []catalog.Mapping{row("us", "US", 100, 1), row("a", "", 200, 2)}, []ask{
			{"US", 0, far, "us"}, {"US", 300, far, "us"}, {"DE", 0, far, "a"}, {"DE", 0, 1, ""},
		}},
		{"ended and mapped again", []catalog.Mapping{row("a", "", 100, 1), row("", "", 200, 2), row("c", "", 300, 3)}, []ask{
			{"", 0, far, "a"}, {"", 199, far, "a"}, {"", 200, far, ""}, {"", 200, 1, "a"}, {"", 299, far, ""}, {"", 300, far, "c"},
		}},
		{"a country's own mapping ended", []catalog.Mapping{row("a", "", 0, 1), row("de", "DE", 0, 1), row("", "DE", 100, 2)}, []ask{
			{"DE", 99, far, "de"}, {"DE", 100, far, "a"},
		}},
		{"ended for all, a country's begins later", []catalog.Mapping{row("a", "", 0, 1), row("", "", 100, 2), row("de", "DE", 200, 3)}, []ask{
			{"DE", 99, far, "a"}, {"DE", 150, far, ""}, {"DE", 200, far, "de"}, {"FR", 200, far, ""},
		}},
		{"an end before any mapping", []catalog.Mapping{row("", "", 0, 1), row("a", "", 100, 2)}, []ask{{"", -1, far, "a"}, {"", 50, far, ""}, {"", 100, far, "a"}}},
		{"nothing but an end", []catalog.Mapping{row("", "", 0, 1)}, []ask{{"", -1, far, ""}, {"", 1, far, ""}}},
		{"a row said twice", []catalog.Mapping{row("a", "", 0, 1), row("a", "", 0, 1)}, []ask{{"", 0, far, "a"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			built := mustBuild(t, c.rows...)
			for _, a := range c.asks {
				if got := classOf(t, built, a.country, a.at, a.version); got != a.want {
					t.Errorf("in %q as of %d, version %d: %q, want %q", a.country, a.at, a.version, got, a.want)
				}
			}
		})
	}
}

func TestLookupTellsPlatformsAndSKUsApart(t *testing.T) {
	t.Parallel()
	other := row("b", "", 0, 7)
	other.Platform, other.SKUID = "magento", "sku-2"
	other.CV, other.QV, other.Name = catalog.VolumeRule{PerUnit: 5}, catalog.VolumeRule{OfNet: 7}, "Shirt"
	c := mustBuild(t, row("a", "", 0, 1), other)
	got, err := c.Lookup("magento", "SHIRT", "", 0, far)
	want := catalog.Item{SKUID: "sku-2", CommissionClass: "b", CV: other.CV, QV: other.QV}
	if got != want || err != nil {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, err := c.Lookup("magento", "shirt", "", 0, far); err == nil || !strings.Contains(err.Error(), "SKU shirt of magento") {
		t.Errorf("another SKU: %v", err)
	}
	if c.Version() != 7 || c.Len() != 2 {
		t.Errorf("version %d, %d rows", c.Version(), c.Len())
	}
}

func TestBuildNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	odd := func(change func(*catalog.Mapping)) catalog.Mapping {
		m := row("a", "", 0, 1)
		change(&m)
		return m
	}
	cases := map[string]struct {
		row  catalog.Mapping
		want string
	}{
		"no platform":      {odd(func(m *catalog.Mapping) { m.Platform = "" }), "missing"},
		"no SKU":           {odd(func(m *catalog.Mapping) { m.PlatformSKU = "" }), "missing"},
		"no own SKU":       {odd(func(m *catalog.Mapping) { m.SKUID = "" }), "no SKU of the program"},
		"small country":    {odd(func(m *catalog.Mapping) { m.Country = "de" }), "two capital letters"},
		"long country":     {odd(func(m *catalog.Mapping) { m.Country = "DEU" }), "two capital letters"},
		"both volumes":     {odd(func(m *catalog.Mapping) { m.CV = catalog.VolumeRule{PerUnit: 1, OfNet: 1} }), "CV: "},
		"negative volume":  {odd(func(m *catalog.Mapping) { m.QV = catalog.VolumeRule{PerUnit: -1} }), "QV: "},
		"negative rate":    {odd(func(m *catalog.Mapping) { m.QV = catalog.VolumeRule{OfNet: -1} }), "QV: "},
		"two at one place": {row("b", "", 9, 1), "mapping 0 says something else"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := catalog.Build([]catalog.Mapping{row("a", "", 9, 1), c.row})
			var fault *catalog.RowError
			if !errors.As(err, &fault) || fault.Row != 1 || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v does not name row 1 and %q", err, c.want)
			}
		})
	}
	bad := make([]catalog.Mapping, 3000)
	_, err := catalog.Build(bad)
	if got := strings.Count(err.Error(), "\n") + 1; got != 1000 {
		t.Errorf("%d rows are named", got)
	}
}

func TestVolumes(t *testing.T) {
	t.Parallel()
	const point = 1_000_000 // micro-units
	cases := []struct {
		name     string
		rule     catalog.VolumeRule
		net, qty int64
		currency money.Currency
		want     money.Volume
		err      error
	}{
		{"none", catalog.VolumeRule{}, 100, 2, "EUR", 0, nil},
		{"per unit", catalog.VolumeRule{PerUnit: 7*point + 1}, 1, 3, "EUR", 21*point + 3, nil},
		{"per unit, all returned", catalog.VolumeRule{PerUnit: 7 * point}, 0, 0, "EUR", 0, nil},
		{"1 for 1.00", catalog.VolumeRule{OfNet: money.One}, 12345, 9, "EUR", 123_450_000, nil},
		{"1 for 1 yen", catalog.VolumeRule{OfNet: money.One}, 123, 1, "JPY", 123 * point, nil},
		{"1 for 1.000 dinar", catalog.VolumeRule{OfNet: money.One}, 1234, 1, "KWD", 1_234_000, nil},
		{"half to even, down", catalog.VolumeRule{OfNet: 50_000}, 1, 1, "EUR", 0, nil},
		{"half to even, up", catalog.VolumeRule{OfNet: 150_000}, 1, 1, "EUR", 2, nil},
		{"rounded once", catalog.VolumeRule{OfNet: 333_333_333}, 200, 1, "EUR", 666_667, nil},
		{"per unit, too much", catalog.VolumeRule{PerUnit: far}, 0, 9, "EUR", 0, money.ErrOverflow},
		{"of net, too much", catalog.VolumeRule{OfNet: money.One * 1000}, far, 1, "JPY", 0, money.ErrOverflow},
		{"both", catalog.VolumeRule{PerUnit: 1, OfNet: 1}, 1, 1, "EUR", 0, catalog.ErrVolume},
		{"negative net", catalog.VolumeRule{OfNet: 1}, -1, 1, "EUR", 0, catalog.ErrVolume},
		{"negative quantity", catalog.VolumeRule{PerUnit: 1}, 1, -1, "EUR", 0, catalog.ErrVolume},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got, err := c.rule.Of(c.net, c.qty, c.currency); got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%d, %v; want %d, %v", got, err, c.want, c.err)
			}
		})
	}
	var unknown *money.CurrencyError
	if _, err := (catalog.VolumeRule{OfNet: 1}).Of(1, 1, "XXX"); !errors.As(err, &unknown) {
		t.Errorf("no such currency: %v", err)
	}
}

func drawRows(t *rapid.T) []catalog.Mapping {
	rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) catalog.Mapping {
		return row(rapid.SampledFrom([]string{"a", "b", "c", ""}).Draw(t, "class"), rapid.SampledFrom([]string{"", "DE"}).Draw(t, "country"),
			rapid.Int64Range(0, 3).Draw(t, "from"), rapid.Int64Range(1, 3).Draw(t, "version"))
	}), 1, 8).Draw(t, "rows")
	if _, err := catalog.Build(rows); err != nil {
		t.Skip("two rows at one place")
	}
	return rows
}

func answers(t testing.TB, c *catalog.Catalog, version int64) []string {
	t.Helper()
	var all []string
	for _, country := range []string{"", "DE"} {
		for at := int64(-1); at < 5; at++ {
			all = append(all, fmt.Sprint(country, at, classOf(t, c, country, at, version)))
		}
	}
	return all
}

// TestLaterRowsChangeNoPinnedAnswer is why an order pins a catalogue version (design.md section 4, invariant 5).
func TestLaterRowsChangeNoPinnedAnswer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rows := drawRows(rt)
		c := mustBuild(t, rows...)
		for version := int64(0); version < 4; version++ {
			var known []catalog.Mapping
			for _, r := range rows {
				if r.Version <= version {
					known = append(known, r)
				}
			}
			if diff := cmp.Diff(answers(t, mustBuild(t, known...), far), answers(t, c, version)); diff != "" {
				rt.Fatalf("version %d:\n%s", version, diff)
			}
		}
	})
}

func TestOrderOfRowsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rows := drawRows(rt)
		mixed := rapid.Permutation(rows).Draw(rt, "order")
		if diff := cmp.Diff(answers(t, mustBuild(t, rows...), far), answers(t, mustBuild(t, mixed...), far)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// TestRowInForceAgreesWithTheRule says the rule naively, for a SKU without rows by country.
func TestRowInForceAgreesWithTheRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rows := drawRows(rt)
		c := mustBuild(t, rows...)
		for at := int64(-1); at < 5; at++ {
			var best, first *catalog.Mapping
			for i := range rows {
				r := &rows[i]
				if r.Country != "" {
					continue
				}
				if r.ValidFrom <= at && (best == nil || r.ValidFrom > best.ValidFrom || r.ValidFrom == best.ValidFrom && r.Version > best.Version) {
					best = r
				}
				if r.CommissionClass != "" && (first == nil || r.Version < first.Version || r.Version == first.Version && r.ValidFrom < first.ValidFrom) {
					first = r
				}
			}
			if best == nil {
				best = first
			}
			want := ""
			if best != nil {
				want = best.CommissionClass
			}
			if got := classOf(t, c, "", at, far); got != want {
				rt.Fatalf("as of %d: %q, want %q", at, got, want)
			}
		}
	})
}

func TestLookupDoesNotAllocate(t *testing.T) {
	c := mustBuild(t, row("a", "", 0, 1), row("de", "DE", 0, 1))
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Lookup("shopify", "SHIRT", "de", 5, 5) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLookup(b *testing.B) {
	rows := make([]catalog.Mapping, 60_000)
	skus := make([]string, len(rows))
	for i := range rows {
		skus[i] = fmt.Sprintf("SKU-%06d", i)
		rows[i] = catalog.Mapping{SKUID: skus[i], Platform: "shopify", PlatformSKU: skus[i], CommissionClass: "a", Version: 1}
	}
	c := mustBuild(b, rows...)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Lookup("shopify", skus[i%4096], "DE", 5, 5); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkVolumeOfNet(b *testing.B) {
	rule := catalog.VolumeRule{OfNet: 725_000_000}
	for b.Loop() {
		if _, err := rule.Of(12345, 1, "EUR"); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleCatalog_Lookup() {
	c, err := catalog.Build([]catalog.Mapping{
		{SKUID: "tea", Platform: "shopify", PlatformSKU: "TEA-100", CommissionClass: "food", CV: catalog.VolumeRule{OfNet: money.One}, ValidFrom: 100, Version: 1},
		{SKUID: "tea", Platform: "shopify", PlatformSKU: "TEA-100", CommissionClass: "drink", ValidFrom: 200, Version: 2},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, at := range []int64{50, 200} {
		item, err := c.Lookup("shopify", "TEA-100", "DE", at, 2)
		fmt.Println(item.CommissionClass, err)
	}
	_, err = c.Lookup("shopify", "COFFEE", "DE", 200, 2)
	fmt.Println(err)
	// Output:
	// food <nil>
	// drink <nil>
	// SKU COFFEE of shopify has no mapping: map it to a commission class
}
