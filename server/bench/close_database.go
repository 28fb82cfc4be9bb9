package bench

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	compensation "upline.dev/upline/core/plan"
	"upline.dev/upline/server/store"
)

//go:embed close_tables.sql
var closeTablesSQL string

// DatabaseReport is what was read and written.
type DatabaseReport struct {
	LoadSeconds float64 `json:"load_seconds"` // putting people and lines there, in no other figure
	PeopleRead  int     `json:"people_read"`
	LinesRead   int     `json:"lines_read"`
	Standings   int     `json:"standings_written"`
	Awards      int     `json:"awards_written"`
	TraceMB     float64 `json:"trace_mb"`
}

// books is a scratch database with one company.
type books struct {
	db   *sql.DB
	drop func() error
}

// openBooks makes the database and its tables; drop removes it.
func openBooks(ctx context.Context, serverURL string) (b *books, err error) {
	url, drop, err := store.Scratch(ctx, serverURL)
	if err != nil {
		return nil, err
	}
	b = &books{}
	b.drop = func() error {
		err := error(nil)
		if b.db != nil {
			err = b.db.Close()
		}
		return errors.Join(err, drop(context.WithoutCancel(ctx)))
	}
	if b.db, err = sql.Open("postgres", url); err == nil {
		_, err = b.db.ExecContext(ctx, closeTablesSQL)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the tables of the bench: %w", err), b.drop())
	}
	return b, nil
}

// throughDatabase puts the company into a database, closes it from there and back into it, and then has SQL do the same.
func (r *CloseReport) throughDatabase(ctx context.Context, c *CloseConfig, made *period.World, p *compensation.Plan) (err error) {
	b, err := openBooks(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.drop()) }()
	r.Database = &DatabaseReport{}
	begin := time.Now()
	if err := b.load(ctx, made); err != nil {
		return err
	}
	r.Database.LoadSeconds = round(time.Since(begin).Seconds(), 1)
	c.tell("loaded in %.0f s", time.Since(begin).Seconds())
	nothing := func() time.Duration { return 0 }
	var w *period.World
	err = r.step(ctx, c, "read", nothing, func() (err error) { w, err = b.read(ctx, made, r.Database); return err })
	if err != nil {
		return err
	}
	f, err := r.compute(ctx, c, w, p)
	if err != nil {
		return err
	}
	err = r.step(ctx, c, "write", nothing, func() error { return b.write(ctx, w, p, &f, r.Database) })
	if err != nil {
		return err
	}
	for _, step := range r.Steps {
		r.TotalSeconds = round(r.TotalSeconds+step.Seconds, 3)
	}
	r.PeakRSSMB = peakRSS()
	want := sumsOf(p, &f)
	w.Sales, f = nil, figures{}
	debug.FreeOSMemory() // What SQL needs is the server's.
	return r.compare(ctx, c, b, want)
}

// load copies people and lines.
func (b *books) load(ctx context.Context, w *period.World) error {
	err := b.copyIn(ctx, "people", []string{"id", "distributor_id", "parent", "status", "active"}, func(add func(...any) error) error {
		for i := range w.People.Count {
			active := 0
			if w.People.Status[i] == genealogy.Active {
				active = 1
			}
			if err := add(i, w.People.ID(i), w.Sponsor.Parent[i], string(w.People.Status[i]), active); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = b.copyIn(ctx, "sales", []string{"seller", "buyer", "class", "net", "cv"}, func(add func(...any) error) error {
		buf := make([]period.Sale, 0, period.BlockSales)
		for i := range w.Sales.Blocks() {
			block, err := w.Sales.Block(i, buf)
			if err != nil {
				return err
			}
			for j := range block {
				s := &block[j]
				if err := add(s.Seller, s.Buyer, int(s.Class), s.Net, int64(s.CV)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, statement := range []string{"ALTER TABLE people ADD PRIMARY KEY (id)", "VACUUM ANALYZE people", "VACUUM ANALYZE sales", "CHECKPOINT"} {
		if _, err := b.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("load the database: %s: %w", statement, err)
		}
	}
	return nil
}

// copyIn writes one table in one transaction.
func (b *books) copyIn(ctx context.Context, table string, columns []string, rows func(add func(...any) error) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy into %s: %w", table, err)
		}
	}()
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // After a commit there is nothing to roll back.
	statement, err := tx.PrepareContext(ctx, "COPY "+table+" ("+strings.Join(columns, ", ")+") FROM STDIN")
	if err != nil {
		return err
	}
	defer func() { _ = statement.Close() }() // For the second time where all went well.
	if err := rows(func(values ...any) error { _, err := statement.ExecContext(ctx, values...); return err }); err != nil {
		return err
	}
	if _, err := statement.ExecContext(ctx); err != nil {
		return err
	}
	if err := statement.Close(); err != nil {
		return err
	}
	return tx.Commit()
}

// read makes a world of what the database has.
func (b *books) read(ctx context.Context, made *period.World, report *DatabaseReport) (*period.World, error) {
	w := *made
	people := make(chan error, 1)
	go func() { people <- b.readPeople(ctx, &w) }()
	sales, err := b.readSales(ctx, onCores(2))
	if err := errors.Join(err, <-people); err != nil {
		return nil, err
	}
	w.Sales = sales
	report.PeopleRead, report.LinesRead = int(w.People.Count), sales.lines
	return &w, nil
}

// readPeople reads ids, sponsors and statuses.
func (b *books) readPeople(ctx context.Context, w *period.World) error {
	rows, err := b.db.QueryContext(ctx, `SELECT distributor_id, parent, status FROM people WHERE id >= $1 ORDER BY id`, 0)
	if err != nil {
		return fmt.Errorf("read people: %w", err)
	}
	defer rows.Close()
	var ids []byte // all alike long in this company
	var id, status sql.RawBytes
	w.People.Count, w.People.Status, w.Sponsor.Parent = 0, nil, nil
	for rows.Next() {
		var parent int32
		if err := rows.Scan(&id, &parent, &status); err != nil {
			return fmt.Errorf("read people: %w", err)
		}
		ids = append(ids, id...)
		known := genealogy.Status("")
		for _, s := range []genealogy.Status{genealogy.Active, genealogy.Inactive} {
			if string(status) == string(s) {
				known = s
			}
		}
		w.People.Status, w.Sponsor.Parent = append(w.People.Status, known), append(w.Sponsor.Parent, parent)
		w.People.Count++
	}
	w.Enroller = w.Sponsor
	length := len(crowdID(0))
	all := string(ids)
	w.People.ID = func(person int32) genealogy.DistributorID { return all[int(person)*length : (int(person)+1)*length] }
	return rows.Err()
}

// The form in which lines come over the wire: one value for a block of pages, instead of a row for each line, and in it
// three numbers a line, since the server takes its time for every number and not for its size.
const (
	lineBytes = 24
	linePages = 512
)

// readSales reads all lines, by pages of the table so that two connections share the work.
func (b *books) readSales(ctx context.Context, parallel period.Parallel) (*packedSales, error) {
	var pages int
	if err := b.db.QueryRowContext(ctx, `SELECT pg_relation_size('sales') / current_setting('block_size')::bigint`).Scan(&pages); err != nil {
		return nil, fmt.Errorf("read sales: %w", err)
	}
	s := &packedSales{blocks: make([][]byte, (pages+linePages-1)/linePages)}
	err := parallel(len(s.blocks), func(i int) error {
		return b.db.QueryRowContext(ctx, `SELECT string_agg(int8send(seller::bigint << 32 | (buyer::bigint & 4294967295))
				|| int8send(net::bigint << 16 | class) || int8send(cv), ''::bytea)
			FROM sales WHERE ctid >= format('(%s,0)', $1::bigint)::tid AND ctid < format('(%s,0)', $2::bigint)::tid`,
			i*linePages, (i+1)*linePages).Scan(&s.blocks[i])
	})
	if err != nil {
		return nil, fmt.Errorf("read sales: %w", err)
	}
	for _, block := range s.blocks {
		s.lines += len(block) / lineBytes
	}
	return s, nil
}

// packedSales are lines as they came from the database.
type packedSales struct {
	blocks [][]byte
	lines  int
}

var _ period.Sales = (*packedSales)(nil)

// Blocks is one for each value that was read.
func (s *packedSales) Blocks() int { return len(s.blocks) }

// Block unpacks one.
func (s *packedSales) Block(i int, buf []period.Sale) ([]period.Sale, error) {
	raw := s.blocks[i]
	count := len(raw) / lineBytes
	if cap(buf) < count {
		buf = make([]period.Sale, count)
	}
	buf = buf[:count]
	for j := range buf {
		line := raw[j*lineBytes : (j+1)*lineBytes]
		cv := money.Volume(binary.BigEndian.Uint64(line[16:])) //nolint:gosec // as it was written
		paid := int64(binary.BigEndian.Uint64(line[8:]))       //nolint:gosec // as it was written
		buf[j] = period.Sale{
			Seller: int32(binary.BigEndian.Uint32(line)), Buyer: int32(binary.BigEndian.Uint32(line[4:])), //nolint:gosec // as they were written
			Customer: period.Nobody, Order: period.Nobody, Class: uint16(paid), At: closeFrom, Quantity: 1, //nolint:gosec // the lowest 16 bits
			Net: paid >> 16, CV: cv, QV: cv,
		}
	}
	return buf, nil
}

// write records everybody's standing, and every amount of the period with its trace.
func (b *books) write(ctx context.Context, w *period.World, p *compensation.Plan, f *figures, report *DatabaseReport) error {
	return onCores(2)(2, func(part int) error {
		if part == 0 {
			return b.writeStandings(ctx, w, p, f, report)
		}
		return b.writeAwards(ctx, w, p, f, report)
	})
}

func (b *books) writeStandings(ctx context.Context, w *period.World, p *compensation.Plan, f *figures, report *DatabaseReport) error {
	columns := []string{"distributor_id", "rank", "title", "active", "pv", "gv", "retail_minor", "levels_minor"}
	return b.copyIn(ctx, "standings", columns, func(add func(...any) error) error {
		s := f.standings
		for i := range w.People.Count {
			err := add(w.People.ID(i), p.Ranks[s.Rank[i]], p.Ranks[s.Title[i]], s.Active[i], s.PV[i], s.GV[i], f.orders.Paid[0][i], f.orders.Paid[1][i])
			if err != nil {
				return err
			}
			report.Standings++
		}
		return ctx.Err()
	})
}

func (b *books) writeAwards(ctx context.Context, w *period.World, p *compensation.Plan, f *figures, report *DatabaseReport) error {
	columns := []string{"component_id", "distributor_id", "amount_minor", "cut_minor", "calc_snapshot_json"}
	bytes := 0
	err := b.copyIn(ctx, "awards", columns, func(add func(...any) error) error {
		var trace []byte
		for component := range p.Components {
			awards := f.closing.AwardsOf(component)
			for i := range awards {
				a := &awards[i]
				var err error
				if trace, err = f.closing.Trace(trace[:0], a); err != nil {
					return err
				}
				bytes += len(trace)
				if err := add(p.Components[component].ID, w.People.ID(a.Person), a.AmountMinor, a.CutMinor, string(trace)); err != nil {
					return err
				}
				report.Awards++
			}
		}
		return ctx.Err()
	})
	report.TraceMB = round(float64(bytes)/(1<<20), 1)
	return err
}
