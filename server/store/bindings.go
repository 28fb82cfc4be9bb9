package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
)

var insertStatedBindings = &bulk{
	name: "insert stated bindings", table: "stated_bindings",
	columns: columns(fixedText("program_id"), fixedInt("version"), fixedInt("recorded_at"),
		texts("store_id", "customer_id", "kind", "distributor_id"), ints("valid_from")),
	after: "ON CONFLICT (program_id, store_id, customer_id, version, valid_from) DO NOTHING",
}

const statedColumns = `store_id, customer_id, kind, distributor_id, valid_from, version`

// statedRow is one fact the company has recorded of a customer.
type statedRow struct {
	StoreID       string `db:"store_id"`
	CustomerID    string `db:"customer_id"`
	Kind          string `db:"kind"`
	DistributorID string `db:"distributor_id"`
	ValidFrom     int64  `db:"valid_from"`
	Version       int64  `db:"version"`
}

func (r *statedRow) binding() order.Binding {
	return order.Binding{
		StoreID: r.StoreID, CustomerID: r.CustomerID, Kind: order.BindingKind(r.Kind), DistributorID: r.DistributorID,
		ValidFrom: r.ValidFrom, Version: r.Version,
	}
}

// PutBindings records what the company says of customers. See admin.Books.
func (s *Store) PutBindings(ctx context.Context, program string, bindings []admin.Binding, at time.Time, commit bool) (
	summary admin.ImportSummary, err error,
) {
	defer server.Wrap(&err, "put %d customer bindings", len(bindings))
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		summary = admin.ImportSummary{}
		version, err := s.touch(ctx, tx, program, "tree_version")
		if err != nil {
			return err
		}
		if err := s.checkBindings(ctx, tx, program, bindings); err != nil {
			return err
		}
		added, err := s.addBindings(ctx, tx, program, bindings, version+1, micros(at), &summary)
		if err != nil || len(added) == 0 {
			return err
		}
		if err := raise(ctx, tx, program, "tree_version", version+1); err != nil {
			return err
		}
		if !commit {
			return errDryRun
		}
		return nil
	})
	return summary, dryRun(err)
}

// checkBindings refuses people and stores that the program does not have; the error names the row.
func (s *Store) checkBindings(ctx context.Context, tx *sqlx.Tx, program string, bindings []admin.Binding) error {
	people, stores := make([]string, 0, len(bindings)), make([]string, 0, 1)
	for i := range bindings {
		people, stores = append(people, bindings[i].DistributorID), append(stores, bindings[i].StoreID)
	}
	known := map[string]bool{"": true}
	for _, ask := range []struct {
		prefix, query string
		list          []string
	}{
		{"person ", `SELECT distributor_id FROM distributors WHERE program_id = $1 AND distributor_id IN `, people},
		{"store ", `SELECT store_id FROM stores WHERE program_id = $1 AND store_id IN `, stores},
	} {
		var found []string
		if err := tx.SelectContext(ctx, &found, ask.query+s.dialect.in("$2"), program, s.dialect.list(ask.list)); err != nil {
			return fmt.Errorf("look for what the rows name: %w", err)
		}
		for _, id := range found {
			known[ask.prefix+id] = true
		}
	}
	var faults admin.RowErrors
	for i := range bindings {
		b := &bindings[i]
		if !known["store "+b.StoreID] {
			faults = append(faults, &admin.RowError{Row: i, Field: "store_id", Reason: fmt.Sprintf("there is no store %.80q in this program", b.StoreID)})
		}
		if b.DistributorID != "" && !known["person "+b.DistributorID] {
			faults = append(faults, &admin.RowError{Row: i, Field: "distributor_id", Reason: fmt.Sprintf("there is no distributor %.80q: import them first", b.DistributorID)})
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// addBindings writes what says something new, and gives the numbers of those rows. The first binding of a customer without a date counts from the beginning:
// orders that came before it was known are the reason to record it; they keep what they were settled with.
func (s *Store) addBindings(ctx context.Context, tx *sqlx.Tx, program string, bindings []admin.Binding, version, at int64, summary *admin.ImportSummary) (added []int, err error) {
	customers := make([]pipeline.Customer, len(bindings))
	for i := range bindings {
		customers[i] = pipeline.Customer{StoreID: bindings[i].StoreID, CustomerID: bindings[i].CustomerID}
	}
	history, err := s.bindingHistory(ctx, tx, program, customers)
	if err != nil {
		return nil, err
	}
	r := s.dialect.newRows(insertStatedBindings, program, version, s.now())
	for i := range bindings {
		b := &bindings[i]
		from := b.ValidFrom
		if from == 0 {
			if from = at; len(history[customers[i]]) == 0 {
				from = genealogy.Beginning
			}
		}
		was, held := order.BindingAt(history[customers[i]], from, version)
		switch same := was.DistributorID == b.DistributorID && (was.Kind == b.Kind || !held); {
		case same:
			summary.Unchanged++
			continue
		case held:
			summary.Changed++
		default:
			summary.Added++
		}
		for _, v := range []string{b.StoreID, b.CustomerID, string(b.Kind), b.DistributorID} {
			r.text(v)
		}
		r.int(from)
		added = append(added, i)
	}
	_, err = s.dialect.run(ctx, tx, insertStatedBindings, r)
	return added, err
}

// bindingHistory reads everything the company has ever said of these customers.
func (s *Store) bindingHistory(ctx context.Context, tx *sqlx.Tx, program string, customers []pipeline.Customer) (map[pipeline.Customer][]order.Binding, error) {
	var found []statedRow
	stores, ids := storesAndIDs(customers)
	err := tx.SelectContext(ctx, &found, `SELECT `+statedColumns+` FROM `+
		s.dialect.byKeys("stated_bindings", "", 2, "store_id", "customer_id"), program, s.dialect.list(stores), s.dialect.list(ids))
	if err != nil {
		return nil, fmt.Errorf("read what is said of the customers: %w", err)
	}
	history := make(map[pipeline.Customer][]order.Binding, len(customers))
	for i := range found {
		c := pipeline.Customer{StoreID: found[i].StoreID, CustomerID: found[i].CustomerID}
		history[c] = append(history[c], found[i].binding())
	}
	return history, nil
}

// MergeCustomers gives the customer that is kept what is known of the one that is gone, where nothing is known of it
// yet. See notice.Books.
func (s *Store) MergeCustomers(ctx context.Context, program, storeID, kept, gone string) (moved bool, err error) {
	defer server.Wrap(&err, "merge customers of store %s", storeID)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		moved = false
		version, err := s.touch(ctx, tx, program, "tree_version")
		if err != nil {
			return err
		}
		earned, err := affected(tx.ExecContext(ctx, `INSERT INTO customer_bindings (program_id, store_id, customer_id, distributor_id,
			bound_at, source, recorded_at) SELECT program_id, store_id, $4, distributor_id, bound_at, source, $5
			FROM customer_bindings WHERE program_id = $1 AND store_id = $2 AND customer_id = $3
			ON CONFLICT (program_id, store_id, customer_id) DO NOTHING`, program, storeID, gone, kept, s.now()))
		if err != nil {
			return fmt.Errorf("copy the binding by orders: %w", err)
		}
		stated, err := affected(tx.ExecContext(ctx, `INSERT INTO stated_bindings (program_id, version, store_id, customer_id, kind,
			distributor_id, valid_from, recorded_at)
			SELECT g.program_id, $5, g.store_id, $4, g.kind, g.distributor_id, g.valid_from, $6 FROM stated_bindings g
			WHERE g.program_id = $1 AND g.store_id = $2 AND g.customer_id = $3
			AND NOT EXISTS (SELECT 1 FROM stated_bindings k WHERE k.program_id = $1 AND k.store_id = $2 AND k.customer_id = $4)
			AND NOT EXISTS (SELECT 1 FROM stated_bindings l WHERE l.program_id = $1 AND l.store_id = $2 AND l.customer_id = $3
				AND l.valid_from = g.valid_from AND l.version > g.version)`, program, storeID, gone, kept, version+1, s.now()))
		if err != nil {
			return fmt.Errorf("copy what the company says: %w", err)
		}
		moved = earned+stated > 0
		if stated == 0 {
			return nil
		}
		return raise(ctx, tx, program, "tree_version", version+1)
	})
	return moved, err
}

// boundRow is one customer with what holds now.
type boundRow struct {
	statedRow
	Source     string `db:"source"`
	RecordedAt int64  `db:"recorded_at"`
}

// CustomerBindings lists bindings by store and customer, those the company has stated and those that orders made. See
// query.Reader.
func (s *Store) CustomerBindings(ctx context.Context, program string, f query.BindingFilter, p query.Page) (list []query.CustomerBinding, next string, err error) {
	defer server.Wrap(&err, "list customer bindings of program %s", program)
	c := where(program, "b.program_id").andIf("b.store_id", f.StoreID).andIf("b.customer_id", f.CustomerID).andIf("b.distributor_id", f.DistributorID)
	after, err := readCursor(p.After, 5)
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		version, err := after.number(3)
		if err != nil {
			return nil, "", err
		}
		from, err := after.number(4)
		if err != nil {
			return nil, "", err
		}
		c.and("(b.store_id, b.customer_id, b.kind, b.version, b.valid_from) > (?, ?, ?, ?, ?)", after[0], after[1], after[2], version, from)
	}
	limit := pageLimit(p)
	var rows []boundRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT b.store_id, b.customer_id, b.kind, b.version, b.valid_from, b.distributor_id, b.source, b.recorded_at FROM (
			SELECT program_id, store_id, customer_id, kind, version, valid_from, distributor_id, '' AS source, recorded_at FROM stated_bindings
			UNION ALL
			SELECT program_id, store_id, customer_id, 'order' AS kind, 0 AS version, bound_at AS valid_from, distributor_id, source, recorded_at
			FROM customer_bindings) b`+c.String()+` ORDER BY b.store_id, b.customer_id, b.kind, b.version, b.valid_from`+c.limited(limit), c.args...)
	})
	if err != nil {
		return nil, "", err
	}
	rows, next = cut(rows, limit, func(r *boundRow) cursor {
		return cursor{r.StoreID, r.CustomerID, r.Kind, digits(r.Version), digits(r.ValidFrom)}
	})
	for i := range rows {
		list = append(list, rows[i].public())
	}
	return list, next, nil
}

func (r *boundRow) public() query.CustomerBinding {
	b := query.CustomerBinding{
		StoreID: r.StoreID, CustomerID: r.CustomerID, Kind: r.Kind, DistributorID: r.DistributorID,
		OrderID: r.Source, RecordedAt: instant(r.RecordedAt),
	}
	if r.ValidFrom > genealogy.Beginning {
		from := instant(r.ValidFrom)
		b.ValidFrom = &from
	}
	return b
}

// storesAndIDs are the two columns of the customers' keys, each customer once.
func storesAndIDs(customers []pipeline.Customer) (stores, ids []string) {
	seen := make(map[pipeline.Customer]bool, len(customers))
	for _, c := range customers {
		if !seen[c] {
			seen[c] = true
			stores, ids = append(stores, c.StoreID), append(ids, c.CustomerID)
		}
	}
	return stores, ids
}
