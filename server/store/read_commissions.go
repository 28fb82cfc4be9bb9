package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
)

// standsNow is what stands under one key, whatever the kind: what matures or is paid keeps the key but for its kind.
type standsNow struct {
	EarnedMinor   int64
	MaturedMinor  int64
	PaidMinor     int64
	UpdatedAt     int64
	FirstRevision int64 // that earned something
}

// commissionRow is the first posting of one amount, with what stands under its key now.
type commissionRow struct {
	postingRow
	standsNow
}

// The statuses of a commission, by what stands under its key.
const (
	statusPending   = "PENDING"
	statusAvailable = "AVAILABLE"
	statusPaid      = "PAID"
	statusReversed  = "REVERSED"
)

func (n *standsNow) status() string {
	switch {
	case n.EarnedMinor == 0:
		return statusReversed
	case n.PaidMinor >= n.EarnedMinor:
		return statusPaid
	case n.MaturedMinor >= n.EarnedMinor:
		return statusAvailable
	default:
		return statusPending
	}
}

// Commissions lists what distributors have by one line and component of an order, the newest first. A commission is
// named by the event that began it. See query.Reader.
func (s *Store) Commissions(ctx context.Context, program string, f query.CommissionFilter, p query.Page) (list []query.Commission, next string, err error) {
	defer server.Wrap(&err, "list commissions of program %s", program)
	c := where(program, "p.program_id").and("p.kind = 'earning'").andIf("p.distributor_id", f.DistributorID).and(visibleSettlement)
	w := ledgerWalk{tables: postingsWithSettlement, where: c, dense: f.DistributorID == "" && f.PlatformOrderID == ""}
	if f.PlatformOrderID != "" {
		c.and("s.program_id = ? AND s.source IN (SELECT store_id || '/' || ? FROM stores WHERE program_id = ?)", program, f.PlatformOrderID, program)
		w.tables = postingsOfSettlements
	}
	if err := w.begin(p.After); err != nil {
		return nil, "", err
	}
	switch f.Status {
	case "", statusPending, statusAvailable, statusPaid, statusReversed:
	default:
		return nil, "", &server.Error{Code: server.Invalid, Field: "status", Message: "A status is PENDING, AVAILABLE, PAID or REVERSED."}
	}
	limit := pageLimit(p)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		rows, err := s.commissionsOn(ctx, tx, program, &w, f.Status, limit+1)
		if err != nil {
			return err
		}
		rows, next = cut(rows, limit, func(r *commissionRow) cursor { return r.cursor() })
		list, err = s.publicCommissions(ctx, tx, program, rows)
		return err
	})
	return list, next, err
}

// commissionsAtOnce bounds how many earnings are looked at in one step: a status that hardly anything has may lead through all of a ledger.
var commissionsAtOnce = 1000

// commissionsOn goes through earnings until there are so many commissions, of a status where one is given. Which of the earnings began
// a commission, and what became of it, is read for each step at once: in a statement that says so for each row the ledger is named
// several times, and planned as often for each of its partitions.
func (s *Store) commissionsOn(ctx context.Context, tx *sqlx.Tx, program string, w *ledgerWalk, status string, wanted int) (found []commissionRow, err error) {
	for seen, count := 0, wanted; ; {
		count = min(count, commissionsAtOnce)
		rows, err := w.next(ctx, tx, program, count)
		if err != nil {
			return nil, err
		}
		now, err := s.standNow(ctx, tx, program, rows)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			r := commissionRow{rows[i], now[rows[i].amount()]}
			if r.Revision == r.FirstRevision && (status == "" || r.status() == status) {
				found = append(found, r)
			}
		}
		if len(found) >= wanted {
			return found[:wanted], nil
		}
		if len(rows) < count {
			return found, nil
		}
		seen += count
		count = (wanted-len(found))*seen/max(len(found), 1) + 1 // if the rest is like what was seen
	}
}

// amount is the posting's key without the kind.
func (p *postingRow) amount() ledger.Key {
	key := p.key()
	key.Kind = ""
	return key
}

// standNow reads what stands under the keys of all that the postings' orders have posted. Where that is in the ledger is asked for
// first, so that the partitions around it are left alone.
func (s *Store) standNow(ctx context.Context, tx *sqlx.Tx, program string, rows []postingRow) (map[ledger.Key]standsNow, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	sources := make([]string, len(rows))
	for i := range rows {
		sources[i] = rows[i].Source
	}
	slices.Sort(sources)
	of := s.dialect.list(slices.Compact(sources))
	settlements := s.dialect.byKeys("settlements s", "AND "+visibleSettlement, 2, "source")
	var batches struct{ First, Last int64 }
	err := tx.GetContext(ctx, &batches, `SELECT coalesce(min(batch_sequence), 0) AS first, coalesce(max(batch_sequence), 0) AS last FROM `+settlements, program, of)
	if err != nil {
		return nil, fmt.Errorf("find the settlements: %w", err)
	}
	var sums []postingRow
	err = tx.SelectContext(ctx, &sums, `WITH s AS MATERIALIZED (SELECT source, revision, batch_sequence, first_position, posting_count, posted_at FROM `+settlements+`)
		SELECT s.source, p.line_id, p.component_id, p.distributor_id, p.kind, p.currency, CAST(sum(p.amount_minor) AS bigint) AS amount_minor,
			min(s.revision) AS revision, max(s.posted_at) AS posted_at
		FROM `+s.dialect.postingsOf("$3", "$4")+`
		GROUP BY s.source, p.line_id, p.component_id, p.distributor_id, p.kind, p.currency`, program, of, batches.First, batches.Last)
	if err != nil {
		return nil, fmt.Errorf("sum what is posted: %w", err)
	}
	now := make(map[ledger.Key]standsNow, len(sums))
	for i := range sums {
		sum := &sums[i]
		n := now[sum.amount()]
		n.add(sum)
		now[sum.amount()] = n
	}
	return now, nil
}

// add adds what is posted under the key with one kind.
func (n *standsNow) add(sum *postingRow) {
	n.UpdatedAt = max(n.UpdatedAt, sum.PostedAt)
	switch ledger.Kind(sum.Kind) {
	case ledger.Earning:
		n.EarnedMinor, n.FirstRevision = sum.AmountMinor, sum.Revision
	case ledger.Maturing:
		n.MaturedMinor = sum.AmountMinor
	case ledger.Payout:
		n.PaidMinor = sum.AmountMinor
	case ledger.Breakage, ledger.Adjustment: // belongs to the key, and is nobody's commission
	}
}

// publicCommissions adds what the orders know: the platform's id, the buyer, and each line's SKU.
func (s *Store) publicCommissions(ctx context.Context, tx *sqlx.Tx, program string, rows []commissionRow) ([]query.Commission, error) {
	sources := make([]string, 0, len(rows))
	for i := range rows {
		sources = append(sources, rows[i].Source)
	}
	var found []orderRow
	err := tx.SelectContext(ctx, &found, `SELECT `+listedColumns+` FROM orders WHERE program_id = $1 AND source IN `+
		s.dialect.in("$2"), program, s.dialect.list(sources))
	if err != nil {
		return nil, fmt.Errorf("read the orders: %w", err)
	}
	orders := make(map[string]*orderRow, len(found))
	skus := make(map[string]map[string]string, len(found))
	for i := range found {
		lines := map[string]string{}
		if err := json.Unmarshal([]byte(found[i].LinesJSON), &lines); err != nil {
			return nil, fmt.Errorf("lines of order %s: %w", found[i].Source, err)
		}
		orders[found[i].Source], skus[found[i].Source] = &found[i], lines
	}
	list := make([]query.Commission, len(rows))
	for i := range rows {
		r := &rows[i]
		list[i] = query.Commission{
			CommissionID: r.eventID(), OrderID: r.Source, SKU: skus[r.Source][r.LineID], ReferrerID: r.DistributorID,
			ComponentID: r.ComponentID, Currency: r.Currency, Value: money.FormatMinor(r.EarnedMinor, money.Currency(r.Currency)),
			Status: r.status(), OrderTS: instant(r.OrderTS), UpdatedAt: instant(r.UpdatedAt),
		}
		if o := orders[r.Source]; o != nil {
			list[i].OrderID, list[i].OrderName, list[i].StoreID, list[i].BuyerID = o.PlatformOrderID, o.Name, o.StoreID, o.BuyerID
		}
	}
	return list, nil
}
