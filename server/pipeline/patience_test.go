package pipeline

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/inbox"
)

// TestPatience: what arrives shares a batch with what comes before the next one is due, unless it fills one; what Take was told of waits for
// what came with it; and what was claimed waits for nobody.
func TestPatience(t *testing.T) {
	t.Parallel()
	const arrived, word, claimed = "arrived", "told of", "claimed"
	for name, c := range map[string]struct {
		as   string
		at   []time.Duration // in tenths of a millisecond
		full int
		want []int
	}{
		"the first after a while at once": {as: arrived, at: []time.Duration{0, 100, 200}, want: []int{1, 1, 1}},
		"others until the next is due":    {as: arrived, at: []time.Duration{0, 10, 20, 49, 51, 60, 200}, want: []int{1, 3, 2, 1}},
		"none once a batch is full":       {as: arrived, full: 2, at: []time.Duration{0, 10, 20, 30, 40, 45}, want: []int{1, 2, 2, 1}},
		"what was told of together":       {as: word, at: []time.Duration{0, 10, 19, 21, 100}, want: []int{3, 1, 1}},
		"a backlog":                       {as: claimed, at: []time.Duration{0, 10, 20}, want: []int{1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := world(t)
				options := quick()
				options.Shards, options.ArrivalPace, options.ToldPatience, options.ArrivalBatchMax = 1, 5*time.Millisecond, 2*time.Millisecond, c.full
				r := start(t, m, options, func(d *Deps) { d.Bodies = m })
				begin := time.Now()
				for i, at := range c.at {
					time.Sleep(at*time.Millisecond/10 - time.Since(begin))
					text := body(told(1, sale(func(o *order.Order) { o.Source = orderNo(i) })))
					if !r.pipeline.room.reserve(len(text)) {
						t.Fatal("there is no room")
					}
					d := order.Delivery{DeliveryID: fmt.Sprint("h", i), ProgramID: "p1", StoreID: "s1", Platform: order.Shopify, Body: text}
					it := &item{key: d.DeliveryID, row: inbox.Row{Delivery: d}, bytes: len(text), program: d.ProgramID, arrived: c.as == arrived, claimed: c.as == claimed}
					if c.as != arrived {
						it.row.Body, it.row.SealedBody = nil, text
					}
					r.pipeline.admit(it)
				}
				r.stop()
				if diff := cmp.Diff(c.want, m.batches); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
