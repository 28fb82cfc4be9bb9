package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

// atOnce settles, and reads deliveries by their ids, by statements that are transactions of their own. Its connections plan them once, for
// any values, with rows found by keys, as upline_lock_orders has it for a transaction.
type atOnce struct {
	ahead ahead
	db    *sqlx.DB

	mu         sync.Mutex
	statements map[string]*sqlx.Stmt // by text
	written    int                   // orders
	planAt     int                   // so many orders after which statements are planned anew
}

// atOnceConns is how many batches are settled at once at a time: as many as there are usually workers, and a few.
const atOnceConns = 4

func openAtOnce(c Config, role string) (*sqlx.DB, error) {
	dsn, err := postgresDSN(c.DatabaseURL, strings.TrimSpace(roleOption(role)+
		" -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"))
	if err != nil {
		return nil, err
	}
	db, err := sqlx.Open("postgres", dsn)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	db.SetMaxOpenConns(atOnceConns)
	db.SetMaxIdleConns(atOnceConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, nil
}

// Statements are planned anew after so many orders, then after planAnewOrdersTimes as many, and so on. Not batches count, as kept does, but
// orders: what is planned while there are a few hundred goes through all of them, and a few batches may hold thousands.
const (
	planAnewOrders      = 32
	planAnewOrdersTimes = 4
)

// planned counts a batch's orders, and makes the connections that nobody uses plan anew where so many are written.
func (o *atOnce) planned(ctx context.Context, orders int) error {
	o.mu.Lock()
	o.planAt = max(o.planAt, planAnewOrders)
	o.written += orders
	due := o.written >= o.planAt
	for o.written >= o.planAt {
		o.planAt *= planAnewOrdersTimes
	}
	o.mu.Unlock()
	if !due {
		return nil
	}
	var held []*sqlx.Conn
	defer func() {
		for _, c := range held {
			_ = c.Close() // It goes back to the others.
		}
	}()
	for range o.db.Stats().Idle { // Taken one by one they are all different ones.
		c, err := o.db.Connx(ctx)
		if err != nil {
			return fmt.Errorf("take a connection: %w", err)
		}
		held = append(held, c)
		if _, err := c.ExecContext(ctx, `DISCARD PLANS`); err != nil {
			return fmt.Errorf("plan anew: %w", err)
		}
	}
	return nil
}

func (o *atOnce) close() error {
	if o.db == nil {
		return nil
	}
	return o.db.Close()
}

// query selects into a slice by a statement that is prepared when it first comes.
func (o *atOnce) query(ctx context.Context, into any, text string, args ...any) error {
	s, err := o.prepared(ctx, text) //nolint:sqlclosecheck // kept with its handle
	if err != nil {
		return err
	}
	return s.SelectContext(ctx, into, args...)
}

func (o *atOnce) prepared(ctx context.Context, text string) (*sqlx.Stmt, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s := o.statements[text]; s != nil {
		return s, nil
	}
	s, err := o.db.PreparexContext(ctx, text) //nolint:sqlclosecheck // kept with its handle
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	if o.statements == nil {
		o.statements = make(map[string]*sqlx.Stmt)
	}
	o.statements[text] = s
	return s, nil
}

// goesOn is what a batch is written on condition of: none of its orders has a row, and the chain ends at end. Where it sold something, the
// sales of end are its own.
type goesOn struct {
	end    chainEnd
	sold   bool
	orders int
}

// writeAtOnce writes the first steps, then asks whether the chain goes on as the last steps are numbered, and then writes those.
func (p *postgres) writeAtOnce(ctx context.Context, program string, on goesOn, first, last []step) error {
	first, _, err := withRows(first)
	if err != nil {
		return err
	}
	last, _, err = withRows(last)
	if err != nil {
		return err
	}
	sales := int64(0)
	if on.sold {
		sales = on.end.sales
	}
	args := []any{program, lockKey("chain", program, ""), on.orders, sales, on.end.last.Sequence, on.end.last.Hash[:], on.end.outbox}
	for _, s := range slices.Concat(first, last) {
		args = append(args, s.rows.(*unnested).argsOf(s.statement)...)
	}
	text, names := p.atOnceText(first, last)
	var done []bool
	if err := p.once.query(ctx, &done, text, args...); err != nil {
		return fmt.Errorf("at once %s: %w", names, err)
	}
	return nil
}

// boundProgram binds a statement to the program when it first asks for it, which is before any row is looked at or written: there is no
// transaction around it that could have been.
const boundProgram = "(SELECT program_id FROM bound)"

// atOnceText writes "WITH bound AS (…), part0 AS (…), … SELECT upline_goes_on(…)" over the steps. The numbers of rows that the first ones
// wrote are an argument of the function, so that these rows stand before it waits for the chain; the last ones are nobody's argument, and
// PostgreSQL writes them after it. Would it not, the function would find the chain longer than it should be, and refuse.
func (p *postgres) atOnceText(first, last []step) (text, names string) {
	names = namesOf(slices.Concat(first, last))
	if text, ok := p.texts.Load("at once " + names); ok {
		return text.(string), names
	}
	parts := []string{"bound AS MATERIALIZED (SELECT set_config('upline.program', $1, true) AS program_id)"}
	var counts []string
	parameters := 7
	for i, s := range slices.Concat(first, last) {
		var part string
		if part, parameters = unnestOf(s.statement, parameters, boundProgram); i < len(first) {
			part += " RETURNING 1"
			counts = append(counts, fmt.Sprintf("(SELECT count(*) FROM part%d)", i))
		}
		parts = append(parts, fmt.Sprintf("part%d AS (%s)", i, part))
	}
	text = "WITH " + strings.Join(parts, ", ") + " SELECT upline_goes_on(" + boundProgram + ", $2, ARRAY[" + strings.Join(counts, ", ") +
		"]::bigint[], $3, $4, $5, $6, $7)"
	p.texts.Store("at once "+names, text)
	return text, names
}
