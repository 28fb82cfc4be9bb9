package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
)

// history is one order's life as its platform tells it: every revision in the order it happened.
type history struct {
	order     order.Order
	version   int64
	refunds   int // ever given, since an id is never used again
	revisions []order.Revision
}

// tell emits the order as it now is.
func (h *history) tell() {
	h.version++
	o := h.order
	o.Lines = append([]order.Line(nil), o.Lines...)
	o.Refunds = append([]order.Refund(nil), o.Refunds...)
	o.Evidence = append([]order.Evidence(nil), o.Evidence...)
	h.revisions = append(h.revisions, told(h.version, o))
}

// drawHistory makes a life that ends with a snapshot, so that its end can be decided.
func drawHistory(t *rapid.T) *history {
	h := &history{order: sale(func(o *order.Order) { o.Status, o.Lines = order.Pending, nil })}
	for range rapid.IntRange(1, 3).Draw(t, "lines") {
		h.addLine(t)
	}
	h.tell()
	for range rapid.IntRange(0, 8).Draw(t, "events") {
		h.live(t)
	}
	h.tell()
	return h
}

func (h *history) addLine(t *rapid.T) {
	quantity := rapid.Int64Range(1, 4).Draw(t, "quantity")
	line := product(fmt.Sprint("l", len(h.order.Lines)), rapid.SampledFrom([]string{"TEA", "CUP"}).Draw(t, "sku"), quantity, quantity*rapid.Int64Range(0, 9999).Draw(t, "price"))
	line.CurrentQuantity = new(int64)
	*line.CurrentQuantity = quantity
	h.order.Lines = append(h.order.Lines, line)
}

// live lets one thing happen to the order.
func (h *history) live(t *rapid.T) {
	switch rapid.SampledFrom([]string{"pay", "refund", "refund alone", "money back", "edit", "hint", "cancel", "take up", "sell for max", "delete", "take a refund back", "tell a line alone"}).Draw(t, "event") {
	case "pay", "take up":
		h.order.Status = order.Paid
		h.tell()
	case "refund":
		h.refund(t)
		h.tell()
	case "refund alone":
		if r, given := h.refund(t); given {
			h.revisions = append(h.revisions, refunding(r))
		}
	case "money back":
		r := order.Refund{RefundID: h.refundID(), At: placed, MoneyMinor: rapid.Int64Range(0, 500).Draw(t, "money")}
		h.order.Refunds = append(h.order.Refunds, r)
		h.revisions = append(h.revisions, refunding(r))
	case "edit":
		h.addLine(t)
		h.tell()
	case "hint":
		h.revisions = append(h.revisions, hinted(h.version+1))
	case "cancel":
		h.order.Status = order.Cancelled
		h.tell()
	case "sell for max":
		h.order.Evidence = []order.Evidence{{Kind: order.ManualOverride, Value: "max"}}
		h.tell()
	case "delete":
		h.revisions = append(h.revisions, order.Revision{Source: sample1, Channel: order.Webhook, Kind: order.Deletion})
	case "take a refund back":
		h.takeBack(t)
	case "tell a line alone":
		sku := rapid.SampledFrom([]string{"TEA", "CUP"}).Draw(t, "sku")
		o := sale(func(o *order.Order) {
			o.Lines = []order.Line{product(sku, sku, 1, rapid.Int64Range(1, 9999).Draw(t, "amount"))}
		})
		h.version++
		r := told(h.version, o)
		r.Kind, r.Channel = order.OneLine, order.API
		h.revisions = append(h.revisions, r)
	}
}

func (h *history) refundID() string {
	h.refunds++
	return fmt.Sprint("r", h.refunds)
}

// takeBack deletes a refund, as some platforms let a merchant do.
func (h *history) takeBack(t *rapid.T) {
	if len(h.order.Refunds) == 0 {
		return
	}
	i := rapid.IntRange(0, len(h.order.Refunds)-1).Draw(t, "refund")
	gone := h.order.Refunds[i]
	h.order.Refunds = slices.Delete(slices.Clone(h.order.Refunds), i, i+1)
	for _, back := range gone.Lines {
		line := &h.order.Lines[slices.IndexFunc(h.order.Lines, func(l order.Line) bool { return l.LineID == back.LineID })]
		left := *line.CurrentQuantity + back.Quantity
		line.CurrentQuantity = &left
	}
	h.revisions = append(h.revisions, refunding(order.Refund{RefundID: gone.RefundID, Deleted: true}))
	if rapid.Bool().Draw(t, "tells") {
		h.tell()
	}
}

// refund takes units of one line back; false where none are left.
func (h *history) refund(t *rapid.T) (order.Refund, bool) {
	i := rapid.IntRange(0, len(h.order.Lines)-1).Draw(t, "line")
	line := &h.order.Lines[i]
	if *line.CurrentQuantity == 0 {
		return order.Refund{}, false
	}
	units := rapid.Int64Range(1, *line.CurrentQuantity).Draw(t, "units")
	left := *line.CurrentQuantity - units
	line.CurrentQuantity = &left
	r := refunded(h.refundID(), line.LineID, units, units*line.UnitPriceMinor)
	h.order.Refunds = append(h.order.Refunds, r)
	return r, true
}

// standing is what stands under each key, without zeros.
func (m *memory) standing(source order.Source) []ledger.Balance {
	var out []ledger.Balance
	for _, b := range m.balances(source) {
		if b.AmountMinor != 0 {
			out = append(out, b)
		}
	}
	return out
}

// TestAnyOrderOfArrivalEndsTheSame is the heart: duplicates, permutations and batches of one order's deliveries end
// with the balances of settling its final state once.
func TestAnyOrderOfArrivalEndsTheSame(t *testing.T) {
	t.Parallel()
	parked, posted := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		h := drawHistory(rt)
		once := world(t)
		if s := once.step(t, h.revisions...); s.Outcome == Parked {
			rt.Fatalf("the final state is parked: %+v", s.Reason)
		}
		arrivals := rapid.Permutation(h.revisions).Draw(rt, "arrivals")
		for range rapid.IntRange(0, 4).Draw(rt, "duplicates") {
			arrivals = append(arrivals, rapid.SampledFrom(h.revisions).Draw(rt, "duplicate"))
		}
		m := world(t)
		for len(arrivals) > 0 {
			n := rapid.IntRange(1, len(arrivals)).Draw(rt, "batch")
			if s := m.step(t, arrivals[:n]...); s.Outcome == Parked {
				parked++
			}
			arrivals = arrivals[n:]
		}
		posted += len(m.postings)
		if diff := cmp.Diff(once.standing(sample1), m.standing(sample1)); diff != "" {
			rt.Fatalf("balances differ from settling once:\n%s", diff)
		}
		if err := ledger.Check(m.postings); err != nil {
			rt.Fatal(err)
		}
		h.order.Status = order.Cancelled
		for i := range h.order.Lines {
			h.order.Lines[i].CurrentQuantity = new(int64)
		}
		h.order.Refunds = nil
		h.tell()
		m.step(t, order.Revision{Source: sample1, Channel: order.Webhook, Kind: order.Deletion})
		if left := m.standing(sample1); left != nil {
			rt.Fatalf("after the order is gone there stands %+v", left)
		}
	})
	if parked == 0 || posted == 0 {
		t.Errorf("the histories were tame: %d parks on the way, %d postings", parked, posted)
	}
}

// TestKillsAndFailuresPayOnce lets the database fail at random before and after its commits and kills the process again
// and again. In the end every acknowledged delivery is in the ledger, exactly once.
func TestKillsAndFailuresPayOnce(t *testing.T) {
	t.Parallel()
	strikes := map[string]int{}
	for seed := range uint64(6) {
		killAndFail(t, rand.New(rand.NewPCG(seed, 0)), strikes)
	}
	for _, point := range []string{"put", "put after", "claim", "begin", "commit", "after commit", "retry"} {
		if strikes[point] == 0 {
			t.Errorf("a tame run: nothing failed at %q; strikes %v", point, strikes)
		}
	}
}

func killAndFail(t *testing.T, chance *rand.Rand, strikes map[string]int) {
	t.Helper()
	m := world(t)
	failing := true
	m.strike = func(point string) error {
		if !failing || chance.IntN(4) != 0 {
			return nil
		}
		strikes[point]++
		if chance.IntN(2) == 0 {
			return server.Errorf(server.Unavailable, "The database is gone.")
		}
		return errors.New("a failure of no kind")
	}
	const orders, versions = 25, 4
	var unsent []order.Delivery
	for n := range orders {
		for v := range versions {
			o := sale(func(o *order.Order) {
				o.Source = orderNo(n)
				o.Lines[0].GrossMinor = int64(10000 * (v + 1))
			})
			unsent = append(unsent, order.Delivery{
				PlatformDeliveryID: fmt.Sprint(n, "/", v), ProgramID: "p1", StoreID: "s1", Platform: order.Shopify, Body: body(told(int64(v+1), o)),
			})
		}
	}
	chance.Shuffle(len(unsent), func(i, j int) { unsent[i], unsent[j] = unsent[j], unsent[i] })
	for len(unsent) > 0 {
		unsent = sendAndDie(t, m, unsent)
	}
	m.under(func() { failing = false })
	last := start(t, m, patient())
	last.await(t, "the end", last.allEnded)
	last.stop()
	if len(m.rows) != orders*versions {
		t.Errorf("%d deliveries stored", len(m.rows))
	}
	for n := range orders {
		if diff := cmp.Diff(map[string]int64{"lisa": 4000, "gold": 2000, "top": 1200}, m.earned(orderNo(n))); diff != "" {
			t.Errorf("order %d: %s", n, diff)
		}
	}
}

// patient options never give a delivery up, and stop without finishing, as a kill does.
func patient() Options {
	options := quick()
	options.MaxAttempts = 1 << 20
	options.DrainFor = time.Nanosecond
	return options
}

// sendAndDie runs one process: it sends up to 30 deliveries, sends again what was refused, and is killed.
func sendAndDie(t *testing.T, m *memory, unsent []order.Delivery) []order.Delivery {
	t.Helper()
	in, err := inbox.New(m, plainSealer{}, time.Now, inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, m, patient(), func(d *Deps) { d.Bodies = in })
	in.HandTo(r.pipeline)
	for range min(30, len(unsent)) {
		if _, err := in.Put(context.Background(), unsent[0]); err == nil {
			unsent = unsent[1:]
		}
	}
	time.Sleep(10 * time.Millisecond) // So that some of it is settled, and some is not.
	r.stop()
	in.Close()
	return unsent
}
