package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/run"
)

var _ run.Books = (*Store)(nil)

// ProgramOf reads a program. See run.Books.
func (s *Store) ProgramOf(ctx context.Context, program string) (p run.Program, err error) {
	defer server.Wrap(&err, "read program %s", program)
	var row programRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		err := tx.GetContext(ctx, &row, programSelect+` WHERE program_id = $1`, program)
		return found(err, "There is no program %s.", program)
	})
	return run.Program{ProgramID: row.ProgramID, TimeZone: row.TimeZone, Currency: money.Currency(row.Currency)}, err
}

// Head reads the newest of everything recorded. See run.Books.
func (s *Store) Head(ctx context.Context, program string) (h run.Head, err error) {
	defer server.Wrap(&err, "read the head of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT tree_version,
			coalesce((SELECT sequence FROM sale_heads h WHERE h.program_id = p.program_id), 0),
			coalesce((SELECT max(sequence) FROM seals q WHERE q.program_id = p.program_id), 0)
			FROM programs p WHERE program_id = $1`, program).Scan(&h.TreeVersion, &h.SalesSequence, &h.BatchSequence)
		return found(err, "There is no program %s.", program)
	})
	return h, err
}

// PublishedPlans gives all plans by EffectiveFrom. See run.Books.
func (s *Store) PublishedPlans(ctx context.Context, program string) (list []run.PublishedPlan, err error) {
	defer server.Wrap(&err, "read the plans of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		var version int64
		if err := tx.GetContext(ctx, &version, `SELECT plans_version FROM programs WHERE program_id = $1`, program); err != nil {
			return found(err, "There is no program %s.", program)
		}
		published, err := s.plans(ctx, tx, program, version)
		for _, p := range published {
			list = append(list, run.PublishedPlan{Plan: p.Plan, EffectiveFrom: p.EffectiveFrom})
		}
		return err
	})
	return list, err
}

// TreeAt gives the sponsor tree with at least the facts of a version. See run.Books.
func (s *Store) TreeAt(ctx context.Context, program string, version int64) (tree *genealogy.Tree, err error) {
	defer server.Wrap(&err, "read the tree of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		tree, err = s.tree(ctx, tx, program, version)
		return err
	})
	return tree, err
}

func scanSale(scan func(...any) error, s *run.Sale) error {
	return scan(&s.Source, &s.SellerID, &s.BuyerID, &s.CustomerID, &s.Class, &s.Country, &s.Currency, &s.OrderTS,
		&s.RecordedAt, &s.Sequence, &s.Quantity, &s.NetMinor, &s.CV, &s.QV)
}

// eachSale reads sales row by row; the query gives the columns of scanSale.
func eachSale(ctx context.Context, tx *sqlx.Tx, fn func(*run.Sale) error, query string, args ...any) error {
	var sale run.Sale
	return eachRow(ctx, tx, func(scan func(...any) error) error {
		if err := scanSale(scan, &sale); err != nil {
			return err
		}
		return fn(&sale)
	}, query, args...)
}

const saleSumKey = `seller_id, buyer_id, commission_class, country, currency`

// RollUp adds to the kept sums of a span what was recorded since. See run.Books.
func (s *Store) RollUp(ctx context.Context, program string, from, to int64) (err error) {
	defer server.Wrap(&err, "sum the sales of program %s", program)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		var head int64
		err := tx.GetContext(ctx, &head, `SELECT coalesce(max(sequence), 0) FROM sale_heads WHERE program_id = $1`, program)
		if err != nil {
			return err
		}
		// The row is written first and stays locked, so that two processes do not both add what is new.
		if _, err := tx.ExecContext(ctx, `INSERT INTO sale_sums_upto (program_id, from_ts, to_ts, sequence) VALUES ($1, $2, $3, 0)
			ON CONFLICT (program_id, from_ts, to_ts) DO NOTHING`, program, from, to); err != nil {
			return err
		}
		var upto int64
		err = tx.GetContext(ctx, &upto, `SELECT sequence FROM sale_sums_upto WHERE program_id = $1 AND from_ts = $2 AND to_ts = $3`+
			s.dialect.forUpdate(), program, from, to)
		if err != nil || upto >= head {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO sale_sums (program_id, from_ts, to_ts, `+saleSumKey+`, quantity, net_minor, cv, qv)
			SELECT $1, $2, $3, `+saleSumKey+`, `+sumsOfSales+` FROM sales WHERE program_id = $1 AND sequence > $4 AND sequence <= $5
				AND order_ts >= $2 AND order_ts < $3 GROUP BY `+saleSumKey+`
			ON CONFLICT (program_id, from_ts, to_ts, `+saleSumKey+`) DO UPDATE SET quantity = sale_sums.quantity + excluded.quantity,
				net_minor = sale_sums.net_minor + excluded.net_minor, cv = sale_sums.cv + excluded.cv, qv = sale_sums.qv + excluded.qv`,
			program, from, to, upto, head); err != nil {
			return fmt.Errorf("add what is new: %w", err)
		}
		_, err = tx.ExecContext(ctx, `UPDATE sale_sums_upto SET sequence = $4 WHERE program_id = $1 AND from_ts = $2 AND to_ts = $3`,
			program, from, to, head)
		return err
	})
}

// SumsOfSales gives the kept sums, and what has to be added to them or taken off for the sequence asked for. See
// run.Books.
func (s *Store) SumsOfSales(ctx context.Context, program string, span run.Span, fn func(*run.Sale) error) (err error) {
	defer server.Wrap(&err, "read the sums of sales of program %s", program)
	return s.read(ctx, program, func(tx *sqlx.Tx) error {
		var upto int64
		err := tx.GetContext(ctx, &upto, `SELECT coalesce(max(sequence), 0) FROM sale_sums_upto
			WHERE program_id = $1 AND from_ts = $2 AND to_ts = $3`, program, span.From, span.To)
		if err != nil {
			return err
		}
		err = eachSale(ctx, tx, fn, `SELECT '', seller_id, buyer_id, '', commission_class, country, currency, from_ts, from_ts,
			CAST(0 AS bigint), quantity, net_minor, cv, qv FROM sale_sums WHERE program_id = $1 AND from_ts = $2 AND to_ts = $3
			ORDER BY `+saleSumKey, program, span.From, span.To)
		if err != nil || upto == span.UpTo {
			return err
		}
		low, high, sign := upto, span.UpTo, int64(1)
		if upto > span.UpTo {
			low, high, sign = span.UpTo, upto, -1
		}
		signed := func(sale *run.Sale) error {
			sale.Quantity, sale.NetMinor = sign*sale.Quantity, sign*sale.NetMinor
			sale.CV, sale.QV = money.Volume(sign)*sale.CV, money.Volume(sign)*sale.QV
			return fn(sale)
		}
		return eachSale(ctx, tx, signed, `SELECT '', seller_id, buyer_id, '', commission_class, country, currency,
			CAST($2 AS bigint), CAST($2 AS bigint), CAST(0 AS bigint), `+sumsOfSales+` FROM sales WHERE program_id = $1
			AND order_ts >= $2 AND order_ts < $3 AND sequence > $4 AND sequence <= $5
			GROUP BY `+saleSumKey+` ORDER BY `+saleSumKey, program, span.From, span.To, low, high)
	})
}

// LinesOfSales gives every line as it counts, the lines of one order together. See run.Books.
func (s *Store) LinesOfSales(ctx context.Context, program string, span run.Span, fn func(*run.Sale) error) (err error) {
	defer server.Wrap(&err, "read the sales of program %s", program)
	return s.read(ctx, program, func(tx *sqlx.Tx) error {
		return eachSale(ctx, tx, fn, `SELECT source, seller_id, buyer_id, customer_id, commission_class, country, currency, order_ts,
			order_ts, CAST(0 AS bigint), `+sumsOfSales+` FROM sales WHERE program_id = $1 AND order_ts >= $2 AND order_ts < $3
			AND sequence <= $4 GROUP BY `+saleIdentity+`
			HAVING sum(quantity) <> 0 OR sum(net_minor) <> 0 OR sum(cv) <> 0 OR sum(qv) <> 0 ORDER BY `+saleIdentity,
			program, span.From, span.To, span.UpTo)
	})
}

// LateSales gives the changes that may count in a later period than their order's. See run.Books.
func (s *Store) LateSales(ctx context.Context, program string, l run.Late, fn func(*run.Sale) error) (err error) {
	defer server.Wrap(&err, "read the late sales of program %s", program)
	return s.read(ctx, program, func(tx *sqlx.Tx) error {
		// Both ways of counting begin with a sequence, whose order is nearly that of recording: that finds the few rows.
		var first int64
		err := tx.GetContext(ctx, &first, `SELECT coalesce(min(sequence), 0) FROM sales WHERE program_id = $1 AND recorded_at >= $2
			AND recorded_at < $3 AND order_ts < $4`, program, l.From, l.To, l.Before)
		if err != nil {
			return err
		}
		if first == 0 || first > l.AfterSeq {
			first = l.AfterSeq + 1
		}
		return eachSale(ctx, tx, fn, `SELECT source, seller_id, buyer_id, customer_id, commission_class, country, currency, order_ts,
			recorded_at, sequence, quantity, net_minor, cv, qv FROM sales WHERE program_id = $1 AND sequence >= $2 AND sequence <= $3
			AND order_ts < $4 AND (recorded_at >= $5 AND recorded_at < $6 OR recorded_at < $5 AND sequence > $7)
			ORDER BY sequence, position`, program, first, l.ToSeq, l.Before, l.From, l.To, l.AfterSeq)
	})
}

// FirstOrders gives the first counted orders of the customers of a span. See run.Books.
func (s *Store) FirstOrders(ctx context.Context, program string, span run.Span, fn func(run.FirstOrder) error) (err error) {
	defer server.Wrap(&err, "read the first orders of customers of program %s", program)
	return s.read(ctx, program, func(tx *sqlx.Tx) error {
		last := ""
		return eachRow(ctx, tx, func(scan func(...any) error) error {
			var f run.FirstOrder
			if err := scan(&f.CustomerID, &f.Source); err != nil || f.CustomerID == last {
				return err
			}
			last = f.CustomerID
			return fn(f)
		}, `SELECT s.customer_id, s.source FROM sales s JOIN (SELECT DISTINCT customer_id FROM sales WHERE program_id = $1
				AND order_ts >= $2 AND order_ts < $3 AND sequence <= $4 AND customer_id <> '') c ON c.customer_id = s.customer_id
			WHERE s.program_id = $1 AND s.order_ts < $3 AND s.sequence <= $4
			GROUP BY s.customer_id, s.source, s.order_ts HAVING sum(s.quantity) > 0
			ORDER BY s.customer_id, s.order_ts, s.source`, program, span.From, span.To, span.UpTo)
	})
}

// FirstSale is the order time of the first sale. See run.Books.
func (s *Store) FirstSale(ctx context.Context, program string) (at int64, err error) {
	defer server.Wrap(&err, "find the first sale of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &at, `SELECT coalesce(min(order_ts), 0) FROM sales WHERE program_id = $1`, program)
	})
	return at, err
}

// clockSlack is by how much a shop's clock may be ahead of ours: an order's postings are sealed after its time.
const clockSlack = 48 * 60 * 60 * 1_000_000

// EarnedBetween sums earnings by order time. See run.Books.
func (s *Store) EarnedBetween(ctx context.Context, program string, from, to, afterBatch, batch int64, except string, fn func(run.Earned) error) (err error) {
	defer server.Wrap(&err, "read what was earned in program %s", program)
	return s.read(ctx, program, func(tx *sqlx.Tx) error {
		var before int64
		err := tx.GetContext(ctx, &before, `SELECT coalesce(min(sequence) - 1, 0) FROM seals WHERE program_id = $1 AND sealed_at >= $2`,
			program, from-clockSlack)
		if err != nil {
			return err
		}
		return eachRow(ctx, tx, func(scan func(...any) error) error {
			var e run.Earned
			if err := scan(&e.ComponentID, &e.DistributorID, &e.Currency, &e.AmountMinor); err != nil {
				return err
			}
			return fn(e)
		}, `SELECT p.component_id, p.distributor_id, p.currency, CAST(sum(p.amount_minor) AS bigint)`+postingsWithSettlement+`
			WHERE p.program_id = $1 AND p.batch_sequence > $2 AND p.batch_sequence <= $3 AND p.kind = 'earning'
			AND s.order_ts >= $4 AND s.order_ts < $5 AND NOT (s.source >= 'period:' AND s.source < 'period;' AND s.source LIKE '%/' || $6 || '/%')
			GROUP BY p.component_id, p.distributor_id, p.currency
			ORDER BY p.component_id, p.distributor_id, p.currency`, program, max(before, afterBatch), batch, from, to, except)
	})
}

// placed is where a settlement's postings begin: the batch, and the position in it.
type placed struct{ batch, first int64 }

// PostedOf sums what is posted under the keys of all sources that begin alike. See run.Books.
//
// Settlements and postings are read apart and joined here: row-level security keeps PostgreSQL from using an index with
// a sum of two columns, so that it would read half a batch for every settlement.
func (s *Store) PostedOf(ctx context.Context, program, prefix string, fn func(b ledger.Balance, revision int64) error) (err error) {
	defer server.Wrap(&err, "read what is posted for %s", prefix)
	var posted []ledger.Balance
	revisions := map[string]int64{}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		sources := map[placed]string{}
		var batches []int64
		err := eachRow(ctx, tx, func(scan func(...any) error) error {
			var source string
			var revision int64
			var at placed
			err := scan(&source, &revision, &at.batch, &at.first)
			sources[at], revisions[source] = source, max(revisions[source], revision)
			batches = append(batches, at.batch)
			return err
		}, `SELECT source, revision, batch_sequence, first_position FROM settlements WHERE program_id = $1 AND source >= $2 AND source < $3`,
			program, prefix, prefix+"\U0010FFFF")
		if err != nil {
			return err
		}
		posted, err = postingsIn(ctx, tx, program, batches, sources)
		return err
	})
	if err != nil {
		return err
	}
	if posted, err = ledger.SumByKey(posted); err != nil {
		return err
	}
	for i := range posted {
		if err := fn(posted[i], revisions[posted[i].Key.Source]); err != nil {
			return err
		}
	}
	return nil
}

// postingsIn reads earnings and breakage of some settlements, one run of batches after the other.
func postingsIn(ctx context.Context, tx *sqlx.Tx, program string, batches []int64, sources map[placed]string) (posted []ledger.Balance, err error) {
	slices.Sort(batches)
	batches = slices.Compact(batches)
	for len(batches) > 0 {
		end := 1
		for end < len(batches) && batches[end] == batches[end-1]+1 {
			end++
		}
		err := eachRow(ctx, tx, func(scan func(...any) error) error {
			var b ledger.Balance
			var at placed
			err := scan(&at.batch, &at.first, &b.Key.LineID, &b.Key.ComponentID, &b.Key.DistributorID, &b.Key.Kind, &b.Key.Currency, &b.AmountMinor)
			if source, ours := sources[at]; ours {
				b.Key.Source = source
				posted = append(posted, b)
			}
			return err
		}, `SELECT batch_sequence, first_position, line_id, component_id, distributor_id, kind, currency, amount_minor FROM postings
			WHERE program_id = $1 AND batch_sequence >= $2 AND batch_sequence <= $3 AND kind IN ('earning', 'breakage')`,
			program, batches[0], batches[end-1])
		if err != nil {
			return nil, err
		}
		batches = batches[end:]
	}
	return posted, nil
}

// AwardsOf gives the newest trace of each source that has one. See run.Books.
func (s *Store) AwardsOf(ctx context.Context, program string, sources []string) (list []run.Trace, err error) {
	defer server.Wrap(&err, "read the traces of %d sources", len(sources))
	var rows []snapshotRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT `+snapshotColumns+` FROM settlements s WHERE s.program_id = $1 AND s.source IN `+
			s.dialect.in("$2")+` AND `+visibleSettlement+` ORDER BY s.source, s.revision DESC`, program, s.dialect.list(sources))
	})
	for i := range rows {
		r := &rows[i]
		if len(list) > 0 && list[len(list)-1].Source == r.Source {
			continue
		}
		list = append(list, run.Trace{
			Source: r.Source, Revision: r.Revision, SnapshotID: hex.EncodeToString(r.SnapshotID), At: instant(r.PostedAt), JSON: []byte(r.JSON),
		})
	}
	return list, err
}

// visibleSettlement leaves out what a commit that is still under way has posted.
const visibleSettlement = `NOT EXISTS (SELECT 1 FROM open_commits o WHERE o.program_id = s.program_id
	AND s.batch_sequence > o.after_batch AND substr(s.source, 1, length(o.source)) = o.source)`
