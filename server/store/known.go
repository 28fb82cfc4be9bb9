package store

import (
	"context"
	"fmt"
	"maps"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/pipeline"
)

// knownRow is one thing that is known of a customer or a checkout. What the columns hold depends on the fact.
type knownRow struct {
	Fact    string `db:"fact"`
	StoreID string `db:"store_id"`
	Key     string `db:"known_key"` // the customer's id, or the checkout's key
	Value   string `db:"value"`     // a distributor, or a reference
	Detail  string `db:"detail"`    // the order that bound, or the kind of a stated binding
	At      int64  `db:"at"`
	Version int64  `db:"version"`
}

// Known reads what is known of customers and checkouts, all of it in one exchange with the database. See pipeline.Books.
func (b *books) Known(ctx context.Context, customers []pipeline.Customer, checkouts []pipeline.Checkout) (pipeline.Known, error) {
	if b.foretold.answers(customers, checkouts) {
		return joined(b.foretold.rows), nil
	}
	d := b.store.dialect
	stores, ids := storesAndIDs(customers)
	pages, keys := make([]string, len(checkouts)), make([]string, len(checkouts))
	for i, c := range checkouts {
		pages[i], keys[i] = c.StoreID, c.Key
	}
	var found []knownRow
	err := b.query(ctx, &found, `SELECT 'bound' AS fact, store_id, customer_id AS known_key, distributor_id AS value, source AS detail,
			bound_at AS at, 0 AS version FROM `+d.byKeys("customer_bindings", "", 2, "store_id", "customer_id")+`
		UNION ALL SELECT 'stated', store_id, customer_id, distributor_id, kind, valid_from, version
			FROM `+d.byKeys("stated_bindings", "AND version <= $6", 2, "store_id", "customer_id")+`
		UNION ALL SELECT 'hint', store_id, checkout, reference, '', 0, 0 FROM `+d.byKeys("reference_hints", "", 4, "store_id", "checkout"),
		b.program, d.list(stores), d.list(ids), d.list(pages), d.list(keys), b.versions.Tree)
	if err != nil {
		return pipeline.Known{}, fmt.Errorf("read what is known of customers and checkouts: %w", err)
	}
	return joined(found), nil
}

func joined(found []knownRow) pipeline.Known {
	known := pipeline.Known{
		Bound: map[pipeline.Customer]pipeline.Binding{}, Stated: map[pipeline.Customer][]order.Binding{},
		Hints: map[pipeline.Checkout]string{},
	}
	for i := range found {
		found[i].join(&known)
	}
	return known
}

// foretold is what was read of customers and checkouts before anybody asked for it.
type foretold struct {
	customers map[pipeline.Customer]bool
	checkouts map[pipeline.Checkout]bool
	rows      []knownRow
}

// answers reports whether just these customers and checkouts were read.
func (f *foretold) answers(customers []pipeline.Customer, checkouts []pipeline.Checkout) bool {
	return f != nil && maps.Equal(f.customers, setOf(customers)) && maps.Equal(f.checkouts, setOf(checkouts))
}

func setOf[K comparable](list []K) map[K]bool {
	set := make(map[K]bool, len(list))
	for _, k := range list {
		set[k] = true
	}
	return set
}

func (r *knownRow) join(known *pipeline.Known) {
	c := pipeline.Customer{StoreID: r.StoreID, CustomerID: r.Key}
	switch r.Fact {
	case "bound":
		known.Bound[c] = pipeline.Binding{Customer: c, DistributorID: r.Value, BoundAt: r.At, Source: r.Detail}
	case "stated":
		s := statedRow{StoreID: r.StoreID, CustomerID: r.Key, Kind: r.Detail, DistributorID: r.Value, ValidFrom: r.At, Version: r.Version}
		known.Stated[c] = append(known.Stated[c], s.binding())
	case "hint":
		known.Hints[pipeline.Checkout{StoreID: r.StoreID, Key: r.Key}] = r.Value
	}
}
