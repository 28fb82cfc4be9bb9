package commission_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
)

var update = flag.Bool("update", false, "rewrite golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
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
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

const rankedPlan = `{"name":"ranked","currency":"shop","ranks":["member","silver","gold"],"volume":{"money":{"*":"1.1"}},
"components":[{"id":"retail","type":"retail","rates":[{"rate":"20%"}]},
{"id":"team","type":"unilevel","base":"cv","commissionable":"40%","compression":"dynamic","rates":[
 {"rank":"member","levels":["5%"]},{"rank":"silver","levels":["5%","5%"]},{"rank":"gold","levels":["5%","5%","4%","3.5%"]}]}],
"caps":[{"id":"line-cap","scope":"line","limit":"21%","of":"net"}]}`

// The bytes of snapshots are kept for ever: a changed golden file is a new layout or a new engine version.
func TestGoldenSnapshots(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, rankedPlan)
	upline := chain([3]string{"D001", "active", "silver"}, [3]string{"D002", "active", "gold"}, [3]string{"D003", "inactive", "gold"},
		[3]string{"D004", "active", ""}, [3]string{"D005", "active", "gold"})
	two := sale(p, "USD", upline, commission.Line{CommissionClass: "wellness", NetMinor: 11_980, CV: 80_000_000, QV: 80_000_000, Quantity: 2, UnitPriceMinor: 5990},
		commission.Line{CommissionClass: "beauty", NetMinor: 2_495, CV: 12_500_000, UnitPriceMinor: 2495})
	two.Attribution.Lost = []order.LostClaim{{Kind: order.LandingReference, Value: "D009", Why: "weaker than code"}}
	yen := sale(p, "JPY", upline, commission.Line{CommissionClass: "täglich \"x\"", NetMinor: 1_200, CV: 7_250_000})
	nobody := two
	nobody.Attribution, nobody.Upline = order.Attribution{}, nil
	cases := []struct {
		name string
		in   commission.Input
		net  order.Breakdown
	}{
		{"two-lines", two, netOf(two.Lines)},
		{"yen", yen, netOf(yen.Lines)},
		{"nobodys-sale", nobody, netOf(nobody.Lines)},
		{"not-paid", sale(p, "EUR", upline), order.Breakdown{Why: "pending: the order is not paid yet", Lines: []order.LineNet{
			{LineID: "1", GrossMinor: 500, TaxMinor: 80, UnpaidMinor: 420, QuantityLeft: 1},
			{LineID: "2", GrossMinor: 900, Excluded: "gift_card"},
		}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := commission.Calculate(c.in, p)
			if err != nil {
				t.Fatal(err)
			}
			snapshot, err := commission.Snapshot(c.in, c.net, r)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, c.name+".json", string(snapshot)+"\n")
			e, err := commission.Explain(snapshot)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, c.name+".txt", e.Text(func(id string) string { return "<" + id + ">" }))
		})
	}
}

// One to two kB for two lines, five people and two components is what makes keeping every trace for ever affordable.
func TestSnapshotStaysSmall(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, strings.Replace(rankedPlan, `"limit":"21%"`, `"limit":"90%"`, 1))
	upline := chain([3]string{"D001", "active", "gold"}, [3]string{"D002", "active", "gold"}, [3]string{"D003", "active", "gold"},
		[3]string{"D004", "active", "gold"}, [3]string{"D005", "active", "gold"})
	in := sale(p, "USD", upline, commission.Line{CommissionClass: "wellness", NetMinor: 11_980, CV: 80_000_000},
		commission.Line{CommissionClass: "beauty", NetMinor: 2_495, CV: 12_500_000})
	_, snapshot := settle(t, in, p)
	if len(snapshot) > 1750 {
		t.Errorf("%d bytes: %s", len(snapshot), snapshot)
	}
}

func TestCalculateRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, `{"name":"p","currency":"EUR","ranks":["member"],"volume":{"money":{"EUR":"1"}},"components":[
{"id":"profit","type":"retail","base":"profit","rates":[{"class":"p","rate":"50%"}]},
{"id":"team","type":"unilevel","base":"cv","rates":[{"levels":["5%"]}]}]}`)
	people := chain([3]string{"A", "active", ""}, [3]string{"B", "active", ""})
	line := commission.Line{NetMinor: 100, CV: 1_000_000}
	cases := []struct {
		name   string
		change func(*commission.Input)
		is     func(error) bool
	}{
		{"another plan", func(in *commission.Input) { in.Pins.PlanHash = "x" }, anyError},
		{"another engine", func(in *commission.Input) { in.Pins.EngineVersion++ }, anyError},
		{"another seller", func(in *commission.Input) { in.Attribution.DistributorID = "B" }, anyError},
		{"no upline", func(in *commission.Input) { in.Upline = nil }, anyError},
		{"negative net", func(in *commission.Input) { in.Lines[0].NetMinor = -1 }, anyError},
		{"negative volume", func(in *commission.Input) { in.Lines[0].CV = -1 }, anyError},
		{"another currency", func(in *commission.Input) { in.Currency = "USD" }, isA[*commission.MissingRate]},
		{"unknown rank", func(in *commission.Input) { in.Upline[1].Rank = "ruby" }, isA[*commission.UnknownRank]},
		{"no wholesale", func(in *commission.Input) { in.Lines[0].CommissionClass = "p" }, isA[*commission.MissingWholesale]},
		{"overflow", func(in *commission.Input) {
			wholesale := int64(1) << 62
			in.Lines[0].CommissionClass, in.Lines[0].WholesaleMinor, in.Lines[0].Quantity = "p", &wholesale, 4
		}, func(err error) bool { return errors.Is(err, money.ErrOverflow) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := sale(p, "EUR", append([]genealogy.Person(nil), people...), line)
			if _, err := commission.Calculate(in, p); err != nil {
				t.Fatalf("the input is not sound to begin with: %v", err)
			}
			c.change(&in)
			if r, err := commission.Calculate(in, p); !c.is(err) {
				t.Errorf("%v, error %v", events(r), err)
			}
		})
	}
	if _, err := commission.Calculate(sale(p, "EUR", people, line), nil); err == nil {
		t.Error("no error without a plan")
	}
	if _, err := commission.Calculate(sale(p, "EUR", people, line), &plan.Plan{}); err == nil {
		t.Error("no error for a plan that was not parsed")
	}
}

func anyError(err error) bool { return err != nil }

func isA[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

// An amount beyond 128 bits of numerator still comes out right.
func TestWideProducts(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, `{"name":"wide","volume":{"money":{"*":"0.999999999"}},"components":[
{"id":"team","type":"unilevel","base":"cv","commissionable":"99.9999999%","rates":[{"levels":["99.9999997%"]}]}]}`)
	in := sale(p, "KWD", chain([3]string{"A", "active", ""}, [3]string{"B", "active", ""}), commission.Line{CV: 9_223_372_036_854_775_807})
	r, snapshot := settle(t, in, p)
	// 9223372036854775807/10^6 CV x 0.999999999^2 x 0.999999997 x 1000 fils is ...915.687
	if len(r.Events) != 1 || r.Events[0].AmountMinor != 9223371990737916 {
		t.Errorf("events are %v, exact %s", events(r), r.Steps[0].Exact)
	}
	if _, err := commission.Recompute(snapshot); err != nil {
		t.Error(err)
	}
}

func TestCapPeriod(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, `{"name":"caps","currency":"shop","ranks":["member","gold"],"components":[
{"id":"a","type":"retail","rates":[{"rate":"1%"}]},{"id":"b","type":"retail","rates":[{"rate":"1%"}]}],
"caps":[{"id":"person","scope":"person","limits":{"EUR":"50000","USD":"60000"},"enforce":"hard","per":"period"},
{"id":"gold","scope":"rank","rank":"gold","limits":{"*":"40000"},"per":"period"},
{"id":"b-limit","scope":"component","component":"b","limits":{"*":"100"},"per":"period"},
{"id":"order","scope":"person","limits":{"*":"1"}}]}`)
	earned := []commission.PeriodEarning{
		{DistributorID: "Z", Rank: "gold", ComponentID: "b", Currency: "EUR", AmountMinor: 30_00},
		{DistributorID: "Z", Rank: "gold", ComponentID: "a", Currency: "EUR", AmountMinor: 62_000_00},
		{DistributorID: "Y", ComponentID: "b", Currency: "EUR", AmountMinor: 90_00},
		{DistributorID: "Y", ComponentID: "a", Currency: "EUR", AmountMinor: -10_00},
		{DistributorID: "Y", ComponentID: "b", Currency: "USD", AmountMinor: 90_00},
	}
	want := []commission.PeriodCut{
		{CapID: "person", DistributorID: "Z", ComponentID: "a", Currency: "EUR", CutMinor: 12_000_00},
		{CapID: "person", DistributorID: "Z", ComponentID: "b", Currency: "EUR", CutMinor: 30_00},
		{CapID: "gold", DistributorID: "Z", ComponentID: "a", Currency: "EUR", CutMinor: 10_000_00},
	}
	for range 2 {
		got, err := commission.CapPeriod(p, earned)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		for i, j := 0, len(earned)-1; i < j; i, j = i+1, j-1 {
			earned[i], earned[j] = earned[j], earned[i]
		}
	}
	for name, bad := range map[string]commission.PeriodEarning{
		"twice":             earned[0],
		"unknown component": {ComponentID: "x", Currency: "EUR"},
		"unknown rank":      {ComponentID: "a", Currency: "EUR", Rank: "ruby"},
		"no limit":          {ComponentID: "a", Currency: "JPY", AmountMinor: 1},
	} {
		if _, err := commission.CapPeriod(p, append([]commission.PeriodEarning{bad}, earned...)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Corrections that outweigh a person's earnings by one component make room for the others.
func TestCapPeriodCountsCorrections(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, `{"name":"caps","currency":"EUR","components":[{"id":"a","type":"retail","rates":[{"rate":"1%"}]},
{"id":"b","type":"retail","rates":[{"rate":"1%"}]}],"caps":[{"id":"all","scope":"company","limit":"10","per":"period"}]}`)
	got, err := commission.CapPeriod(p, []commission.PeriodEarning{
		{DistributorID: "A", ComponentID: "a", Currency: "EUR", AmountMinor: 15_00},
		{DistributorID: "A", ComponentID: "b", Currency: "EUR", AmountMinor: -3_00},
		{DistributorID: "B", ComponentID: "a", Currency: "EUR", AmountMinor: 5_00},
	})
	if err != nil {
		t.Fatal(err)
	}
	// 20.00 against 13.00: 9.75 and 3.25 are left.
	want := []commission.PeriodCut{
		{CapID: "all", DistributorID: "A", ComponentID: "a", Currency: "EUR", CutMinor: 5_25},
		{CapID: "all", DistributorID: "B", ComponentID: "a", Currency: "EUR", CutMinor: 1_75},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMapLines(t *testing.T) {
	t.Parallel()
	o := order.Order{
		Source: order.Source{StoreID: "s", PlatformOrderID: "1"}, Currency: "EUR", Status: order.Paid,
		Lines: []order.Line{{LineID: "1", PlatformSKU: "FIXED"}, {LineID: "2", PlatformSKU: "SHARE"}, {LineID: "3", PlatformSKU: "FIXED"}, {LineID: "4", PlatformSKU: "NEW"}},
	}
	net := order.Breakdown{Counts: true, Lines: []order.LineNet{
		{LineID: "1", NetMinor: 3_000, MoneyRefundMinor: 1_000, QuantityLeft: 2},
		{LineID: "2", NetMinor: 5_000, QuantityLeft: 1},
		{LineID: "3", QuantityLeft: 1},                        // free
		{LineID: "4", Excluded: "gift_card", QuantityLeft: 1}, // never looked up
	}}
	lookup := func(line order.Line) (catalog.Item, error) {
		switch line.PlatformSKU {
		case "FIXED":
			return catalog.Item{SKUID: "fixed", CommissionClass: "c", CV: catalog.VolumeRule{PerUnit: 10_000_000}, QV: catalog.VolumeRule{PerUnit: 1}}, nil
		case "SHARE":
			return catalog.Item{SKUID: "share", CommissionClass: "c", CV: catalog.VolumeRule{OfNet: money.One / 2}}, nil
		}
		return catalog.Item{}, &catalog.Unmapped{Platform: "custom", PlatformSKU: line.PlatformSKU}
	}
	cases := []struct {
		name   string
		change func()
		want   []money.Volume
	}{
		{"volumes", func() {}, []money.Volume{15_000_000, 25_000_000, 10_000_000}},
		{"free lines of an ended order", func() { o.Status = order.Refunded }, []money.Volume{15_000_000, 25_000_000}},
		{"money back for all", func() { net.Lines[0].NetMinor, net.Lines[0].MoneyRefundMinor = 0, 4_000 }, []money.Volume{25_000_000}},
		{"an order that does not count", func() { net.Counts = false }, nil},
	}
	for _, c := range cases { //nolint:paralleltest // Each case builds on the one before.
		c.change()
		lines, err := commission.MapLines(o, net, lookup)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var got []money.Volume
		for _, line := range lines {
			got = append(got, line.CV)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, diff)
		}
	}
	net.Counts, net.Lines[3] = true, order.LineNet{LineID: "4", NetMinor: 1}
	if _, err := commission.MapLines(o, net, lookup); !isA[*catalog.Unmapped](err) {
		t.Errorf("error is %v", err)
	}
	net.Lines[3].LineID = "5"
	if _, err := commission.MapLines(o, net, lookup); err == nil || isA[*catalog.Unmapped](err) {
		t.Errorf("error is %v", err)
	}
	if _, err := commission.MapLines(o, order.Breakdown{}, lookup); err == nil {
		t.Error("no error for a net without lines")
	}
}

func TestSnapshotRefusesWhatDoesNotBelongTogether(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, rankedPlan)
	in := sale(p, "EUR", chain([3]string{"A", "active", ""}, [3]string{"B", "active", ""}), commission.Line{NetMinor: 100, CV: 1_000_000})
	r, _ := settle(t, in, p)
	other := netOf(in.Lines)
	other.Lines[0].NetMinor++
	missing := order.Breakdown{Counts: true}
	stranger := in
	stranger.Upline = in.Upline[:1]
	broken := in
	broken.Buyer = "\xff"
	for name, err := range map[string]error{
		"another net": snapshotError(in, other, r),
		"no net":      snapshotError(in, missing, r),
		"a stranger":  snapshotError(stranger, netOf(in.Lines), r),
		"not UTF-8":   snapshotError(broken, netOf(in.Lines), r),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func snapshotError(in commission.Input, net order.Breakdown, r commission.Result) error {
	_, err := commission.Snapshot(in, net, r)
	return err
}
