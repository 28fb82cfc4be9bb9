package storetest

import (
	"testing"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/reference"
)

// hints are the tests of what stores' pages tell.
var hints = map[string]func(*testing.T, *world){
	"hints/put and release":     testHints,
	"hints/join":                testJoinHints,
	"hints/codes of references": testDistributorByCode,
}

func hint(checkout, code string) reference.Hint {
	return reference.Hint{ProgramID: program, StoreID: shop, Checkout: checkout, Reference: code, At: begin}
}

// nobodys settles an order that waits for the hint of its checkout.
func (w *world) nobodys(t *testing.T, number, checkout string) {
	t.Helper()
	o := sale(source(number), 1000)
	ok(t, w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
		s := settled(t, b.Sources()[0], o, 1, nil)
		s.Attribution, s.Awaits = order.Attribution{}, []string{pipeline.CheckoutCause(shop, checkout)}
		return b.Settle(w.ctx, []pipeline.Settlement{s}, nil, begin)
	}))
}

// testHints: the first hint of a checkout counts, releases the order that waits for it, and is of its program alone.
func testHints(t *testing.T, w *world) {
	w.nobodys(t, "1", "c1")
	w.nobodys(t, "2", "c2")
	created, err := w.Store.PutHint(w.ctx, hint("c1", "ANN10"))
	if ok(t, err); !created {
		t.Fatal("the first hint is none")
	}
	created, err = w.Store.PutHint(w.ctx, hint("c1", "BEN10"))
	if ok(t, err); created {
		t.Fatal("a second hint of the checkout counts")
	}
	if got := w.released(t); len(got) != 1 || got[0] != "1" {
		t.Fatalf("released: %v", got)
	}
	c1, c9 := pipeline.Checkout{StoreID: shop, Key: "c1"}, pipeline.Checkout{StoreID: shop, Key: "c9"}
	if got := w.known(t, nil, []pipeline.Checkout{c1, c9}); len(got.Hints) != 1 || got.Hints[c1] != "ANN10" {
		t.Errorf("%v", got)
	}
	// A duplicate that says nothing new must not take the release away.
	o := sale(source("1"), 1000)
	ok(t, w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
		rec := b.Sources()[0]
		return b.Settle(w.ctx, []pipeline.Settlement{{Source: o.Source, State: rec.State, Outcome: pipeline.Unchanged, Revision: rec.Revision}}, nil, begin)
	}))
	if got := w.released(t); len(got) != 1 {
		t.Fatalf("after a duplicate released: %v", got)
	}
	w.settle(t, w.Store, o, 2, map[string]int64{"ben": 50})
	if n := w.count(t, `SELECT count(*) FROM park_causes WHERE source = '`+source("1").String()+`'`); n != 0 || len(w.released(t)) != 0 {
		t.Fatalf("%d causes are left, released %v", n, w.released(t))
	}
	if n, err := w.Store.DropHints(w.ctx, program, begin); err != nil || n != 0 {
		t.Fatalf("%d dropped too early, %v", n, err)
	}
	if n, err := w.Store.DropHints(w.ctx, program, begin.Add(time.Second)); err != nil || n != 1 {
		t.Fatalf("%d dropped, %v", n, err)
	}
}

// testJoinHints: an order that settled while its hint arrived is found all the same.
func testJoinHints(t *testing.T, w *world) {
	_, err := w.Store.PutHint(w.ctx, hint("c1", "ANN10"))
	ok(t, err)
	w.nobodys(t, "1", "c1")
	w.nobodys(t, "2", "c2")
	if got := w.released(t); len(got) != 0 {
		t.Fatalf("released: %v", got)
	}
	for _, want := range []int{1, 0} {
		n, err := w.Store.JoinHints(w.ctx, program, begin.Add(-time.Hour))
		if ok(t, err); n != want {
			t.Fatalf("%d joined, want %d", n, want)
		}
	}
	if got := w.released(t); len(got) != 1 || got[0] != "1" {
		t.Fatalf("released: %v", got)
	}
}

// testDistributorByCode: a code, in any case, or an id; who has left has none.
func testDistributorByCode(t *testing.T, w *world) {
	w.people(t, person("ann", "", "SPRING"), person("ben", "ann", "BEN10"))
	for code, want := range map[string]string{"spring": "ann", "SPRING": "ann", "ben": "ben", "ben10": "ben", "nobody": "", "": ""} {
		got, err := w.Store.DistributorByCode(w.ctx, program, code)
		if got != want || (want == "") != (server.CodeOf(err) == server.NotFound) {
			t.Errorf("%q: %q, %v", code, got, err)
		}
	}
	gone := person("ben", "ann", "BEN10")
	gone.Status = "terminated"
	w.people(t, gone)
	if _, err := w.Store.DistributorByCode(w.ctx, program, "BEN10"); server.CodeOf(err) != server.NotFound {
		t.Errorf("somebody who has left: %v", err)
	}
	if _, err := w.Store.DistributorByCode(w.ctx, rival, "SPRING"); server.CodeOf(err) != server.NotFound {
		t.Errorf("in another program: %v", err)
	}
}
