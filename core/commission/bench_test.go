package commission_test

import (
	"fmt"
	"testing"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
)

const benchPlan = `{"name":"bench","currency":"shop","ranks":["member","silver","gold"],"volume":{"money":{"*":"1"}},
"components":[{"id":"team","type":"unilevel","base":"cv","commissionable":"40%","compression":"dynamic","rates":[
 {"rank":"member","levels":["5%","5%"]},{"rank":"silver","levels":["5%","5%","4%","4%"]},
 {"rank":"gold","levels":["5%","5%","4%","3.5%","3%","2%","1%"]}]}]}`

func benchInput(b *testing.B, people int) commission.Input {
	b.Helper()
	var upline []genealogy.Person
	for i := range people {
		upline = append(upline, genealogy.Person{ID: fmt.Sprintf("D%05d", i), Status: genealogy.Active, Rank: "gold"})
	}
	return sale(mustPlan(b, benchPlan), "USD", upline, commission.Line{CommissionClass: "wellness", NetMinor: 12995, CV: 99_500_000})
}

func BenchmarkCalculate7Levels(b *testing.B) {
	p, in := mustPlan(b, benchPlan), benchInput(b, 8)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := commission.Calculate(in, p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSnapshot7Levels(b *testing.B) {
	p, in := mustPlan(b, benchPlan), benchInput(b, 8)
	r, err := commission.Calculate(in, p)
	if err != nil {
		b.Fatal(err)
	}
	net := netOf(in.Lines)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := commission.Snapshot(in, net, r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecompute7Levels(b *testing.B) {
	p, in := mustPlan(b, benchPlan), benchInput(b, 8)
	r, err := commission.Calculate(in, p)
	if err != nil {
		b.Fatal(err)
	}
	snapshot, err := commission.Snapshot(in, netOf(in.Lines), r)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := commission.Recompute(snapshot); err != nil {
			b.Fatal(err)
		}
	}
}
