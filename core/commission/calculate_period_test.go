package commission_test

import (
	"testing"

	"upline.dev/upline/core/commission"
)

// TestOrdersLeavePeriodsAlone: what a period settles pays nothing when an order arrives, or it would be paid twice.
func TestOrdersLeavePeriodsAlone(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, `{"name":"both","currency":"EUR","ranks":["member"],"volume":{"money":{"EUR":"1"}},"components":[
{"id":"direct","type":"retail","base":"cv","rates":[{"rate":"10%"}]},
{"id":"later","type":"retail","period":"monthly","base":"cv","rates":[{"rate":"20%"}]},
{"id":"leaders","type":"generation","period":"monthly","base":"cv","rates":[{"levels":["5%"]}],"generation":{"boundary":"member","empty":"skips"}}]}`)
	in := sale(p, "EUR", chain([3]string{"B", "active", ""}, [3]string{"A", "active", ""}), commission.Line{CommissionClass: "tea", NetMinor: 10000, CV: 100_000_000})
	result, err := commission.Calculate(in, p)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Events) != 1 || result.Events[0].ComponentID != "direct" || result.Events[0].AmountMinor != 1000 {
		t.Fatalf("events %+v, want the 10.00 of the component per order alone", result.Events)
	}
}
