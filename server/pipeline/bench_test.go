package pipeline

import (
	"testing"

	"upline.dev/upline/core/order"
)

// BenchmarkSettle is the CPU of one order without any database: merge, map, calculate, difference, snapshot.
func BenchmarkSettle(b *testing.B) {
	m := world(b)
	f := &facts{
		program: "p1", now: arrived, versions: m.versions, tree: m.tree, catalog: m.catalog, plans: m.plans, stores: m.stores,
		bindings: map[Customer]Binding{},
	}
	o := sale(func(o *order.Order) {
		o.Lines = append(o.Lines, product("l2", "CUP", 1, 3000), product("l3", "TEA", 4, 20000))
	})
	first := task{revisions: []Revised{{Revision: told(1, o)}}}
	settled, err := f.settle(SourceRecord{Source: sample1}, first)
	if err != nil {
		b.Fatal(err)
	}
	m.apply(settled)
	stored := m.record(sample1)
	edited := o
	edited.Name = "#1001 again"
	cases := []struct {
		name     string
		rec      SourceRecord
		task     task
		postings int
	}{
		{"first", SourceRecord{Source: sample1}, first, 9},
		{"repeat", stored, first, 0},
		{"update", stored, task{revisions: []Revised{{Revision: told(2, edited)}}}, 0},
		{"delete", stored, task{revisions: []Revised{{Revision: order.Revision{Source: sample1, Channel: order.Webhook, Kind: order.Deletion}}}}, 9},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				clear(f.bindings)
				s, err := f.settle(c.rec, c.task)
				if err != nil || len(s.Postings) != c.postings {
					b.Fatalf("%d postings, %v", len(s.Postings), err)
				}
			}
		})
	}
}
