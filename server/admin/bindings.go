package admin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/order"
)

// Binding is what the company says of one customer of one of its stores.
type Binding struct {
	StoreID       string
	CustomerID    string
	Kind          order.BindingKind
	DistributorID string // "" ends what was said before
	ValidFrom     int64  // microseconds since 1970 UTC; 0: from now, or from the beginning for the first of a customer
}

// BindingSpec is one customer binding as an API body or a command line says it, all text.
type BindingSpec struct {
	StoreID       string `json:"store_id"`
	CustomerID    string `json:"customer_id"`    // the platform's id
	Kind          string `json:"kind"`           // self or sponsor
	DistributorID string `json:"distributor_id"` // None ends what was said before
	ValidFrom     string `json:"valid_from"`     // date; "": from now, or from the beginning for the first of a customer
}

// maxCustomerIDBytes bounds a platform's customer id; the longest are hashes and UUIDs.
const maxCustomerIDBytes = 128

// PutBindings records who customers are, all or nothing; commit=false is a dry run with the same answer. Orders that were
// settled before keep what they were settled with.
func (s *Service) PutBindings(ctx context.Context, program string, specs []BindingSpec, at time.Time, commit bool) (ImportSummary, error) {
	zone, err := s.Zone(ctx, program)
	if err != nil {
		return ImportSummary{}, err
	}
	rows, err := checkBindings(specs, zone)
	if err != nil {
		return ImportSummary{}, err
	}
	summary, err := s.Books.PutBindings(ctx, program, rows, at, commit)
	if err != nil {
		return ImportSummary{}, fmt.Errorf("put customer bindings: %w", err)
	}
	if !commit {
		return summary, nil
	}
	return summary, s.audit(ctx, program, "customers.bind", fmt.Sprintf("%d rows", len(rows)))
}

func checkBindings(specs []BindingSpec, zone *time.Location) ([]Binding, error) {
	rows := make([]Binding, len(specs))
	faults, seen := newRowFaults(zone), make(map[bindingKey]int, len(specs))
	for i := range specs {
		row := faults.at(i)
		b := checkBinding(specs[i], row)
		once(row, seen, bindingKey{b.StoreID, b.CustomerID, b.ValidFrom}, "customer_id", b.CustomerID)
		rows[i] = b
	}
	return rows, faults.err()
}

// bindingKey is what one row of a call may say something about.
type bindingKey struct {
	store, customer string
	validFrom       int64
}

func checkBinding(spec BindingSpec, row *rowFaults) Binding {
	b := Binding{
		StoreID: spec.StoreID, CustomerID: spec.CustomerID, Kind: order.BindingKind(strings.ToLower(spec.Kind)),
		DistributorID: given(spec.DistributorID),
	}
	if !idPattern.MatchString(b.StoreID) {
		row.fault("store_id", "%s: name a store of the program, as upline admin store list shows them", quote(spec.StoreID))
	}
	checkCustomerID(row, "customer_id", b.CustomerID)
	switch b.Kind {
	case order.SelfBinding, order.SponsorBinding:
	default:
		row.fault("kind", "%s: use self (the customer is that distributor) or sponsor (the customer belongs to them)", quote(spec.Kind))
	}
	if spec.DistributorID == "" || b.DistributorID != "" && !validID(b.DistributorID) {
		row.fault("distributor_id", "%s: name a distributor, or %s to end what was said before", quote(spec.DistributorID), None)
	}
	if from := row.date("valid_from", spec.ValidFrom); !from.IsZero() {
		b.ValidFrom = max(from.UnixMicro(), genealogy.Beginning)
	}
	return b
}

// checkCustomerID holds a customer's id to what a platform can have given. An e-mail address is no id: it would be kept
// for ever in places that hold no personal data.
func checkCustomerID(row *rowFaults, field, id string) {
	if id == "" || id != strings.TrimSpace(id) || strings.Contains(id, "@") {
		row.fault(field, "%s: name the customer by the id the store's platform gives, not by e-mail", quote(id))
	}
	row.text(field, id, maxCustomerIDBytes)
}

// customersOf reads the customers a distributor is, written as store_id/customer_id.
func customersOf(d *Distributor, cells []string, row *rowFaults) {
	if len(cells) > maxCodes {
		row.fault("customer_ids", "more than %d customers", maxCodes)
	}
	for _, cell := range cells {
		store, customer, found := strings.Cut(cell, "/")
		if !found || !idPattern.MatchString(store) {
			row.fault("customer_ids", "%s: write store_id/customer_id, for example my-shop/6940095564", quote(cell))
			continue
		}
		checkCustomerID(row, "customer_ids", customer)
		d.Customers = append(d.Customers, Binding{
			StoreID: store, CustomerID: customer, Kind: order.SelfBinding, DistributorID: d.DistributorID,
		})
	}
}
