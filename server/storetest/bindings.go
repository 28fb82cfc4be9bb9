package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
)

func itself(customer, who string) admin.Binding {
	return admin.Binding{StoreID: shop, CustomerID: customer, Kind: order.SelfBinding, DistributorID: who}
}

func sponsored(customer, who string) admin.Binding {
	return admin.Binding{StoreID: shop, CustomerID: customer, Kind: order.SponsorBinding, DistributorID: who}
}

// bindAt states bindings, and wants this to come of it.
func (w *world) bindAt(t *testing.T, at time.Time, want admin.ImportSummary, bindings ...admin.Binding) {
	t.Helper()
	got, err := w.Store.PutBindings(w.ctx, program, bindings, at, true)
	ok(t, err)
	if got != want {
		t.Fatalf("%+v, want %+v", got, want)
	}
}

// stated reads what is said of one customer, and the version of the tree.
func (w *world) stated(t *testing.T, customer string) (history []order.Binding, version int64) {
	t.Helper()
	asked := pipeline.Customer{StoreID: shop, CustomerID: customer}
	known := w.known(t, []pipeline.Customer{asked, {StoreID: rivalLot, CustomerID: customer}}, nil)
	w.look(t, w.Store, func(b pipeline.Books) { version = b.Versions().Tree })
	return known.Stated[asked], version
}

// testStatedBindings: the first holds from the beginning, later ones from now; what was known before is read as it was.
func testStatedBindings(t *testing.T, w *world) {
	w.people(t, person("ann", ""), person("ben", "ann"))
	_, before := w.stated(t, "c1")
	w.bindAt(t, begin, admin.ImportSummary{Added: 2}, itself("c1", "ann"), sponsored("c2", "ben"))
	history, first := w.stated(t, "c1")
	if first != before+1 {
		t.Fatalf("the version goes from %d to %d", before, first)
	}
	want := []order.Binding{{
		StoreID: shop, CustomerID: "c1", Kind: order.SelfBinding, DistributorID: "ann",
		ValidFrom: genealogy.Beginning, Version: first,
	}}
	if diff := cmp.Diff(want, history); diff != "" {
		t.Fatal(diff)
	}
	w.bindAt(t, begin.Add(time.Hour), admin.ImportSummary{Unchanged: 1}, itself("c1", "ann"))
	if _, version := w.stated(t, "c1"); version != first {
		t.Fatalf("what says nothing new raises the version to %d", version)
	}
	w.bindAt(t, begin.Add(time.Hour), admin.ImportSummary{Changed: 1}, sponsored("c1", "ben"))
	w.bindAt(t, begin.Add(2*time.Hour), admin.ImportSummary{Changed: 1}, sponsored("c1", ""))
	w.bindAt(t, begin.Add(3*time.Hour), admin.ImportSummary{Unchanged: 1}, sponsored("c1", ""))
	history, _ = w.stated(t, "c1")
	for at, who := range map[time.Time]string{begin: "ann", begin.Add(time.Hour): "ben", begin.Add(2 * time.Hour): ""} {
		if got, _ := order.BindingAt(history, at.UnixMicro(), 1<<40); got.DistributorID != who {
			t.Errorf("at %s: %+v, want %q", at, got, who)
		}
	}
	if got, _ := order.BindingAt(history, begin.Add(5*time.Hour).UnixMicro(), first); got.DistributorID != "ann" {
		t.Errorf("as it was known first: %+v", got)
	}
	w.listBindings(t)
}

func (w *world) listBindings(t *testing.T) {
	t.Helper()
	var rows []query.CustomerBinding
	for after := ""; ; {
		page, next, err := w.Store.CustomerBindings(w.ctx, program, query.BindingFilter{StoreID: shop}, query.Page{Limit: 2, After: after})
		ok(t, err)
		rows = append(rows, page...)
		if after = next; after == "" {
			break
		}
	}
	var shown []string
	for _, r := range rows {
		from := "beginning"
		if r.ValidFrom != nil {
			from = r.ValidFrom.Format(time.TimeOnly)
		}
		shown = append(shown, r.CustomerID+" "+r.Kind+" "+r.DistributorID+" "+from)
	}
	want := []string{"c1 self ann beginning", "c1 sponsor ben 13:00:00", "c1 sponsor  14:00:00", "c2 sponsor ben beginning"}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("listed: %s", diff)
	}
	some, _, err := w.Store.CustomerBindings(w.ctx, program, query.BindingFilter{CustomerID: "c2", DistributorID: "ben"}, query.Page{})
	ok(t, err)
	other, _, err := w.Store.CustomerBindings(w.ctx, rival, query.BindingFilter{}, query.Page{})
	if ok(t, err); len(some) != 1 || len(other) != 0 {
		t.Errorf("%d rows of c2, %d of the other company", len(some), len(other))
	}
}

// testBindingsRefused: a row that names nobody, or another company's store, and nothing is written.
func testBindingsRefused(t *testing.T, w *world) {
	w.people(t, person("ann", ""))
	_, before := w.stated(t, "c1")
	foreign := itself("c1", "ann")
	foreign.StoreID = rivalLot
	for field, bad := range map[string]admin.Binding{"distributor_id": itself("c2", "nobody"), "store_id": foreign} {
		_, err := w.Store.PutBindings(w.ctx, program, []admin.Binding{itself("c1", "ann"), bad}, begin, true)
		var rows admin.RowErrors
		if !errors.As(err, &rows) || len(rows) != 1 || rows[0].Row != 1 || rows[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	summary, err := w.Store.PutBindings(w.ctx, program, []admin.Binding{itself("c1", "ann")}, begin, false)
	if ok(t, err); summary.Added != 1 {
		t.Errorf("dry run: %+v", summary)
	}
	withCustomer := person("ben", "ann")
	withCustomer.Customers = []admin.Binding{foreign}
	_, err = w.Store.PutDistributors(w.ctx, program, []admin.Distributor{withCustomer}, begin, true)
	var rows admin.RowErrors
	if !errors.As(err, &rows) || rows[0].Field != "customer_ids" {
		t.Errorf("in a file of people: %v", err)
	}
	if history, after := w.stated(t, "c1"); len(history) != 0 || after != before {
		t.Fatalf("%d facts, version %d after %d", len(history), after, before)
	}
	withCustomer.Customers = []admin.Binding{itself("c1", "ben")}
	for _, want := range []admin.ImportSummary{{Added: 1}, {Unchanged: 1}} {
		if got := w.people(t, withCustomer); got != want {
			t.Fatalf("a person with a customer: %+v, want %+v", got, want)
		}
	}
	withCustomer.Customers = append(withCustomer.Customers, itself("c9", "ben"))
	if got := w.people(t, withCustomer); got != (admin.ImportSummary{Changed: 1}) {
		t.Fatalf("one customer more: %+v", got)
	}
	if history, _ := w.stated(t, "c1"); len(history) != 1 || history[0].DistributorID != "ben" {
		t.Fatalf("%+v", history)
	}
}

// testMergeCustomers: the customer that is kept takes over what the other one was, unless something is known of it.
func testMergeCustomers(t *testing.T, w *world) {
	w.people(t, person("ann", ""), person("ben", "ann"))
	w.bindAt(t, begin, admin.ImportSummary{Added: 1}, sponsored("old", "ann"))
	w.bindAt(t, begin.Add(time.Hour), admin.ImportSummary{Changed: 1}, itself("old", "ben"))
	o := sale(source("1"), 1000)
	ok(t, w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
		s := settled(t, b.Sources()[0], o, 1, nil)
		s.Binding = &pipeline.Binding{Customer: pipeline.Customer{StoreID: shop, CustomerID: "old"}, DistributorID: "ann", BoundAt: 5, Source: "x"}
		return b.Settle(w.ctx, []pipeline.Settlement{s}, nil, begin)
	}))
	for _, want := range []bool{true, false} { // written twice, moved once
		moved, err := w.Store.MergeCustomers(w.ctx, program, shop, "kept", "old")
		if ok(t, err); moved != want {
			t.Fatalf("moved %v, want %v", moved, want)
		}
	}
	was, _ := w.stated(t, "old")
	is, version := w.stated(t, "kept")
	if diff := cmp.Diff(was, is, cmpopts.IgnoreFields(order.Binding{}, "CustomerID", "Version"), cmpopts.SortSlices(func(a, b order.Binding) bool { return a.ValidFrom < b.ValidFrom })); diff != "" {
		t.Errorf("what is stated: %s", diff)
	}
	if got, _ := order.BindingAt(is, begin.Add(2*time.Hour).UnixMicro(), version); got.DistributorID != "ben" || got.Kind != order.SelfBinding {
		t.Errorf("it holds %+v", got)
	}
	kept := pipeline.Customer{StoreID: shop, CustomerID: "kept"}
	if got := w.known(t, []pipeline.Customer{kept}, nil); got.Bound[kept].DistributorID != "ann" || got.Bound[kept].BoundAt != 5 {
		t.Errorf("bound by an order: %+v", got.Bound)
	}
	w.bindAt(t, begin, admin.ImportSummary{Added: 1}, sponsored("known", "ann"))
	_, err := w.Store.MergeCustomers(w.ctx, program, shop, "known", "old")
	ok(t, err)
	if history, _ := w.stated(t, "known"); len(history) != 1 || history[0].DistributorID != "ann" {
		t.Errorf("what was known of it is overwritten: %+v", history)
	}
}
