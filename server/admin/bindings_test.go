package admin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
)

func TestPutBindings(t *testing.T) {
	t.Parallel()
	b := &books{}
	s := &admin.Service{Books: b, Actor: "test"}
	from := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	summary, err := s.PutBindings(t.Context(), "acme", []admin.BindingSpec{
		{StoreID: "shop", CustomerID: "77", Kind: "Self", DistributorID: "ann"},
		{StoreID: "shop", CustomerID: "78", Kind: "sponsor", DistributorID: admin.None, ValidFrom: "2026-02-01"},
	}, from, true)
	if err != nil || summary.Added != 2 {
		t.Fatalf("%+v, %v", summary, err)
	}
	want := []admin.Binding{
		{StoreID: "shop", CustomerID: "77", Kind: order.SelfBinding, DistributorID: "ann"},
		{StoreID: "shop", CustomerID: "78", Kind: order.SponsorBinding, ValidFrom: from.UnixMicro()},
	}
	if diff := cmp.Diff(want, b.bindings); diff != "" {
		t.Error(diff)
	}
	if len(b.audits) != 1 || !strings.Contains(b.audits[0], "customers.bind") {
		t.Errorf("audit: %v", b.audits)
	}
}

// TestPutBindingsRefuses: every fault names its row and field, and nothing reaches the books.
func TestPutBindingsRefuses(t *testing.T) {
	t.Parallel()
	good := admin.BindingSpec{StoreID: "shop", CustomerID: "77", Kind: "self", DistributorID: "ann"}
	for field, spoil := range map[string]func(s *admin.BindingSpec){
		"store_id":       func(s *admin.BindingSpec) { s.StoreID = "Shop!" },
		"customer_id":    func(s *admin.BindingSpec) { s.CustomerID = "ann@example.com" },
		"kind":           func(s *admin.BindingSpec) { s.Kind = "friend" },
		"distributor_id": func(s *admin.BindingSpec) { s.DistributorID = "" },
		"valid_from":     func(s *admin.BindingSpec) { s.ValidFrom = "01/02/2026" },
	} {
		b := &books{}
		s := &admin.Service{Books: b, Actor: "test"}
		bad := good
		bad.CustomerID = "78"
		spoil(&bad)
		_, err := s.PutBindings(t.Context(), "acme", []admin.BindingSpec{good, bad}, time.Now(), true)
		var rows admin.RowErrors
		if !errors.As(err, &rows) || len(rows) != 1 || rows[0].Row != 1 || rows[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
		if b.bindings != nil {
			t.Errorf("%s: it was written all the same", field)
		}
	}
	s := &admin.Service{Books: &books{}, Actor: "test"}
	if _, err := s.PutBindings(t.Context(), "acme", []admin.BindingSpec{good, good}, time.Now(), true); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("one customer twice: %v", err)
	}
}

func TestDistributorCustomers(t *testing.T) {
	t.Parallel()
	b := &books{}
	s := &admin.Service{Books: b, Actor: "test"}
	_, err := s.PutDistributors(t.Context(), "acme", []admin.DistributorSpec{{DistributorID: "ann", CustomerIDs: []string{"shop/77", "till/x-1"}}}, time.Now(), true)
	want := []admin.Binding{
		{StoreID: "shop", CustomerID: "77", Kind: order.SelfBinding, DistributorID: "ann"},
		{StoreID: "till", CustomerID: "x-1", Kind: order.SelfBinding, DistributorID: "ann"},
	}
	if err != nil || len(b.people) != 1 {
		t.Fatalf("%v, %d people", err, len(b.people))
	}
	if diff := cmp.Diff(want, b.people[0].Customers); diff != "" {
		t.Error(diff)
	}
	for _, cell := range []string{"77", "shop/", "/77", "shop/a@b"} {
		_, err := s.PutDistributors(t.Context(), "acme", []admin.DistributorSpec{{DistributorID: "ann", CustomerIDs: []string{cell}}}, time.Now(), true)
		var rows admin.RowErrors
		if !errors.As(err, &rows) || rows[0].Field != "customer_ids" {
			t.Errorf("%q: %v", cell, err)
		}
	}
	_, err = s.PutDistributors(t.Context(), "acme", []admin.DistributorSpec{
		{DistributorID: "ann", CustomerIDs: []string{"shop/77"}}, {DistributorID: "ben", CustomerIDs: []string{"shop/77"}},
	}, time.Now(), true)
	if err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("one customer is two people: %v", err)
	}
}
