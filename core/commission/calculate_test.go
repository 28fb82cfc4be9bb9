package commission_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/commission"
)

const w1 = `{"name":"w1","currency":"shop","ranks":["member","silver","gold","diamond"],"volume":{"money":{"*":"1"}},
"components":[{"id":"team","type":"unilevel","base":"cv","commissionable":"40%","levels_from":"buyer","rates":[
 {"rank":"member","levels":["5%"]},{"rank":"silver","levels":["5%","5%"]},{"rank":"gold","levels":["5%","5%","5%"]},
 {"rank":"diamond","levels":["5%","5%","5%","5%","5%"]}]}]}`

func TestW1(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, w1)
	in := sale(p, "EUR", chain([3]string{"B", "active", "member"}, [3]string{"A", "active", "silver"},
		[3]string{"Sponsor", "active", "gold"}, [3]string{"Top", "active", "diamond"}),
		commission.Line{NetMinor: 20000, CV: 200_000_000})
	r, err := commission.Calculate(in, p)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"1 team B 400", "1 team A 400", "1 team Sponsor 400", "1 team Top 400"}
	if diff := cmp.Diff(want, events(r)); diff != "" {
		t.Fatal(diff)
	}
	snapshot, err := commission.Snapshot(in, netOf(in.Lines), r)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d %s", len(snapshot), snapshot)
	explained, err := commission.Explain(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(explained.Text(nil))
	got, err := commission.Recompute(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got); diff != "" {
		t.Fatal(diff)
	}
}
