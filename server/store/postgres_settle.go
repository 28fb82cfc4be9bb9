package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"upline.dev/upline/server/pipeline"
)

// openedRow is one row of upline_open_orders. What its columns hold depends on the fact.
type openedRow struct {
	Fact    string `db:"fact"`
	Planned string `db:"planned"`
	versionsRow
	KnownStore string `db:"known_store"`
	KnownKey   string `db:"known_key"`
	Value      string `db:"value"`
	Detail     string `db:"detail"`
	At         int64  `db:"at"`
	Version    int64  `db:"version"`
	orderRow
}

// openOrdersText selects the columns of an order's row as they are in orders; where a row is about something else, they are empty.
var openOrdersText = func() string {
	var found strings.Builder
	for _, c := range orderFields {
		empty := map[columnType]string{textColumn: "''", intColumn: "0"}[c.typed]
		if !c.fixed {
			fmt.Fprintf(&found, ", coalesce((found).%s, %s) AS %s", c.name, empty, c.name)
		}
	}
	return `SELECT fact, planned, tree_version, catalog_version, plans_version, known_store, known_key, value, detail, at, version` +
		found.String() + ` FROM upline_open_orders($1, $2, $3, $4, $5, $6, $7)`
}()

// openOrders locks the sources' names and not their rows: a new order has no row yet, and writing one only to lock it would double the
// work of the common case. The row's own version still refuses a writer that came otherwise, as does one that settles at once, which has
// no transaction to hold a lock in.
func (p *postgres) openOrders(ctx context.Context, tx *sqlx.Tx, _ bool, program string, sources []string, about pipeline.Subject) (o opening, err error) {
	told := &foretold{customers: setOf(about.Customers), checkouts: setOf(about.Checkouts)}
	var stores, customers, pages, checkouts []string
	for c := range told.customers {
		stores, customers = append(stores, c.StoreID), append(customers, c.CustomerID)
	}
	for c := range told.checkouts {
		pages, checkouts = append(pages, c.StoreID), append(checkouts, c.Key)
	}
	args := []any{program, lockKeys(program, sources), p.list(sources), p.list(stores), p.list(customers), p.list(pages), p.list(checkouts)}
	var found []openedRow
	if tx == nil {
		args[1] = lockKeys(program, nil)
		err = p.once.query(ctx, &found, openOrdersText, args...)
	} else {
		err = p.query(ctx, tx, false, &found, openOrdersText, args...)
	}
	if err != nil || len(found) == 0 {
		return o, err
	}
	for i := range found {
		switch r := &found[i]; r.Fact {
		case "program":
			o.versions = append(o.versions, r.versionsRow)
		case "order":
			o.orders = append(o.orders, r.orderRow)
		default:
			told.rows = append(told.rows, knownRow{
				Fact: r.Fact, StoreID: r.KnownStore, Key: r.KnownKey, Value: r.Value, Detail: r.Detail, At: r.At, Version: r.Version,
			})
		}
	}
	o.foretold = told
	if tx == nil {
		return o, nil
	}
	return o, p.kept.planned(ctx, tx, found[0].Planned)
}

// lockKeys are the keys of the sources' locks, sorted, each once.
func lockKeys(program string, sources []string) []byte {
	keys := make([]int64, len(sources))
	for i, source := range sources {
		keys[i] = lockKey("source", program, source)
	}
	slices.Sort(keys)
	e := newElements(intColumn)
	for _, key := range slices.Compact(keys) {
		e.int(key)
	}
	return e.array()
}

// chainRow is one row of upline_extend_chain.
type chainRow struct {
	Sales          int64         `db:"sale_sequence"`
	Sequence       sql.NullInt64 `db:"sequence"` // none before the first seal, and none of what follows
	LeafCount      sql.NullInt64 `db:"leaf_count"`
	Root           []byte        `db:"root"`
	Previous       []byte        `db:"previous"`
	Hash           []byte        `db:"hash"`
	SealedAt       sql.NullInt64 `db:"sealed_at"`
	OutboxSequence sql.NullInt64 `db:"outbox_sequence"`
}

const chainColumns = `sale_sequence, sequence, leaf_count, root, previous, hash, sealed_at, outbox_sequence`

func (r *chainRow) end(program string) chainEnd {
	end := chainEnd{sales: r.Sales}
	if r.Sequence.Valid {
		row := sealRow{
			Sequence: r.Sequence.Int64, LeafCount: int(r.LeafCount.Int64), Root: r.Root, Previous: r.Previous, Hash: r.Hash,
			SealedAt: r.SealedAt.Int64,
		}
		end.last, end.outbox = row.seal(program), r.OutboxSequence.Int64
	}
	return end
}

func (p *postgres) extendChain(ctx context.Context, tx *sqlx.Tx, program string, sold bool) (chainEnd, error) {
	var found []chainRow
	err := p.query(ctx, tx, false, &found, `SELECT `+chainColumns+` FROM upline_extend_chain($1, $2, $3)`,
		program, lockKey("chain", program, ""), sold)
	if err != nil {
		return chainEnd{}, fmt.Errorf("read the end of the chain: %w", err)
	}
	return found[0].end(program), nil
}

// togetherAndExtend hands the numbers of rows written to the function that waits for the chain, so that it is waited for, and held, only
// when they are written.
func (p *postgres) togetherAndExtend(ctx context.Context, tx *sqlx.Tx, program string, sold bool, steps ...step) ([]int64, chainEnd, error) {
	written := make([]int64, len(steps))
	full, places, err := withRows(steps)
	if err != nil {
		return nil, chainEnd{}, err
	}
	args := []any{program, lockKey("chain", program, ""), sold}
	for _, s := range full {
		args = append(args, s.rows.(*unnested).args()...)
	}
	text, names := p.joinedBefore(full)
	var found []struct {
		Written pq.Int64Array `db:"written"`
		chainRow
	}
	if err := p.query(ctx, tx, false, &found, text, args...); err != nil {
		return nil, chainEnd{}, fmt.Errorf("%s, and the end of the chain: %w", names, err)
	}
	for i, n := range found[0].Written {
		written[places[i]] = n
	}
	return written, found[0].end(program), nil
}

// joinedBefore writes "WITH part0 AS (…), … SELECT … FROM upline_extend_chain_behind(…)" over the steps.
func (p *postgres) joinedBefore(steps []step) (text, names string) {
	names = namesOf(steps)
	if text, ok := p.texts.Load("chain behind " + names); ok {
		return text.(string), names
	}
	parts, counts := make([]string, len(steps)), make([]string, len(steps))
	parameters := 3
	for i, s := range steps {
		var part string
		part, parameters = unnestText(s.statement, parameters)
		parts[i] = fmt.Sprintf("part%d AS (%s RETURNING 1)", i, part)
		counts[i] = fmt.Sprintf("(SELECT count(*) FROM part%d)", i)
	}
	if len(parts) > 0 {
		text = "WITH " + strings.Join(parts, ", ")
	}
	text += " SELECT written, " + chainColumns + " FROM upline_extend_chain_behind(ARRAY[" + strings.Join(counts, ", ") +
		"]::bigint[], $1, $2, $3)"
	p.texts.Store("chain behind "+names, text)
	return text, names
}
