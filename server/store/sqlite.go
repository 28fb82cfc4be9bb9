package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"upline.dev/upline/server/pipeline"
)

// EmbeddedFile is where the embedded database of a data folder is.
func EmbeddedFile(dataDir string) string { return filepath.Join(dataDir, databaseFile) }

// databaseFile is the name of the embedded database in the data folder.
const databaseFile = "upline.db"

// sqliteReaders is how many connections read beside the one that writes.
const sqliteReaders = 4

// embedded is the dialect of SQLite: one file, one writer.
type embedded struct {
	writer      *sqlx.DB
	turns       turns
	checkpoints *checkpointer
	reader      *sqlx.DB
	mu          sync.Mutex
	prepared    map[preparedKey]*sqlx.Stmt
	wanted      map[preparedKey]bool
}

func newEmbedded() *embedded {
	return &embedded{prepared: make(map[preparedKey]*sqlx.Stmt), wanted: make(map[preparedKey]bool)}
}

// maxPreparedRows bounds the size of one prepared text; beyond it larger texts gain nothing.
const maxPreparedRows = 512

// preparedKey names a statement: a bulk statement for so many rows, or a text on the one handle or the other.
type preparedKey struct {
	statement *bulk
	rows      int
	text      string
	reading   bool
}

func (k preparedKey) sql() string {
	if k.statement != nil {
		return k.statement.valuesStatement(k.rows)
	}
	return k.text
}

func (k preparedKey) String() string {
	if k.statement != nil {
		return fmt.Sprintf("%s for %d rows", k.statement.name, k.rows)
	}
	return k.text
}

func (*embedded) name() string          { return "sqlite" }
func (*embedded) migrationsDir() string { return "migrations/sqlite" }
func (*embedded) settlesApart() bool    { return true }
func (*embedded) ahead() *ahead         { return nil }
func (*embedded) forUpdate() string     { return "" }
func (*embedded) forShare() string      { return "" }
func (*embedded) skipLocked() string    { return "" }
func (*embedded) in(n string) string    { return "(SELECT value FROM json_each(" + n + "))" }

func (e *embedded) among(column, n string) string { return column + " IN " + e.in(n) }

func (e *embedded) byKeys(table, condition string, first int, columns ...string) string {
	among := make([]string, len(columns))
	for i, column := range columns {
		among[i] = column + " IN " + e.in(fmt.Sprintf("$%d", i+first))
	}
	return table + " WHERE program_id = $1 AND " + strings.Join(among, " AND ") + " " + condition
}

func (*embedded) postingsOf(first, last string) string {
	return `s JOIN postings p ON p.program_id = $1 AND p.batch_sequence = s.batch_sequence AND p.position >= s.first_position
		AND p.position < s.first_position + s.posting_count AND p.batch_sequence BETWEEN ` + first + ` AND ` + last
}

func (e *embedded) deliveriesByID(n string) string {
	return `(SELECT * FROM inbox_state WHERE ` + e.among("delivery_id", n) + `) AS s
		JOIN inbox AS i ON i.program_id = s.program_id AND i.delivery_id = s.delivery_id`
}

func (*embedded) list(values []string) any {
	if values == nil {
		values = []string{}
	}
	text, err := json.Marshal(values)
	if err != nil {
		panic(fmt.Sprintf("store: a list of strings cannot be JSON: %v", err)) // it always can
	}
	return string(text)
}

func (e *embedded) open(ctx context.Context, c Config) (writer, reader *sqlx.DB, err error) {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := EmbeddedFile(c.DataDir)
	writer, err = sqlx.Open("sqlite", sqliteDSN(path, writing))
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", path, err)
	}
	writer.SetMaxOpenConns(1) // SQLite has one writer; a queue in Go is fairer than its busy handler
	if err := writer.PingContext(ctx); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open %s: %w", path, err), writer.Close())
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("protect %s: %w", path, err), writer.Close())
	}
	reader, err = sqlx.Open("sqlite", sqliteDSN(path, reading))
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open %s for reading: %w", path, err), writer.Close())
	}
	reader.SetMaxOpenConns(sqliteReaders)
	reader.SetMaxIdleConns(sqliteReaders)
	e.checkpoints, err = newCheckpointer(path, &e.turns, c.Logger)
	if err != nil {
		return nil, nil, errors.Join(err, writer.Close(), reader.Close())
	}
	e.writer, e.reader = writer, reader
	return writer, reader, nil
}

func (e *embedded) close() error { return e.checkpoints.close() }

// turn waits until the one writer is free.
func (e *embedded) turn(ctx context.Context) (pass func(), err error) {
	if err := e.turns.take(ctx, isArrival(ctx)); err != nil {
		return nil, err
	}
	return e.turns.pass, nil
}

// What a connection to the embedded database is for.
type connectionUse uint8

const (
	writing connectionUse = iota
	reading
	checkpointing
)

// sqliteDSN spells out every setting that durability and the ledger's protection rest on.
func sqliteDSN(path string, use connectionUse) string {
	q := url.Values{}
	switch use {
	case writing:
		q["_pragma"] = []string{
			"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "recursive_triggers(1)",
			"cache_size(-16384)", fmt.Sprintf("wal_autocheckpoint(%d)", selfCheckpoint),
		}
		q.Set("_txlock", "immediate")
	case reading:
		q["_pragma"] = []string{"busy_timeout(5000)", "query_only(1)", "cache_size(-8192)"}
		q.Set("_txlock", "deferred")
	case checkpointing:
		q["_pragma"] = []string{"busy_timeout(0)", "synchronous(FULL)", "cache_size(-256)"}
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// valued is the rows of one statement, value after value.
type valued struct {
	counter
	fixed []any
	args  []any
}

func (*embedded) newRows(b *bulk, fixed ...any) rows {
	return &valued{counter: newCounter(b), fixed: fixed}
}

func (r *valued) text(v string) { r.take(textColumn); r.args = append(r.args, v) }
func (r *valued) int(v int64)   { r.take(intColumn); r.args = append(r.args, v) }

func (r *valued) bytes(v []byte) {
	r.take(bytesColumn)
	if v == nil {
		r.args = append(r.args, nil)
		return
	}
	r.args = append(r.args, v)
}

// valuesStatement writes "VALUES (?,?,?),(?,?,?)". The parameters have no names or numbers: SQLite keeps those in a list
// that the driver searches from its start for each value, which made binding a batch the dearest part of settling it.
func (b *bulk) valuesStatement(count int) string {
	values := make([]string, len(b.columns))
	for i, c := range b.columns {
		values[i] = cmp.Or(c.literal, "?")
	}
	row := "(" + strings.Join(values, ",") + ")"
	return orFail(b.text("VALUES " + strings.Repeat(","+row, count)[1:]))
}

// orFail makes a statement that fails stop where it is instead of undoing its first rows. Whoever runs it undoes the
// whole transaction anyway, and SQLite need not keep a copy of every page the statement touches, which is a tenth of
// settling a batch.
func orFail(statement string) string {
	for _, verb := range []string{"INSERT", "UPDATE"} {
		if begin, rest, ok := strings.Cut(statement, verb+" "); ok {
			return begin + verb + " OR FAIL " + rest
		}
	}
	return statement
}

// whole gives the values of the rows from begin to end with the fixed ones in their places.
func (r *valued) whole(begin, end int) []any {
	varying, all := len(r.varying), make([]any, 0, (end-begin)*len(r.statement.columns))
	for row := begin; row < end; row++ {
		values, fixed := r.args[row*varying:(row+1)*varying], r.fixed
		for _, c := range r.statement.columns {
			switch {
			case c.literal != "": // stands in the statement
			case c.fixed:
				all, fixed = append(all, fixed[0]), fixed[1:]
			default:
				all, values = append(all, values[0]), values[1:]
			}
		}
	}
	return all
}

// stmt gives a prepared statement, to be closed by whoever asked for it. One that is not prepared yet is prepared for this
// transaction alone and remembered, since the only writing connection is the transaction's; ended prepares it for good.
func (e *embedded) stmt(ctx context.Context, tx *sqlx.Tx, key preparedKey) (*sqlx.Stmt, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s, ok := e.prepared[key]; ok {
		return tx.StmtxContext(ctx, s), nil
	}
	e.wanted[key] = true
	s, err := tx.PreparexContext(ctx, key.sql()) //nolint:sqlclosecheck // closed by whoever asked for it
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", key, err)
	}
	return s, nil
}

// ended prepares what the transactions before had to prepare for themselves, and tells that the log has grown.
func (e *embedded) ended(ctx context.Context) error {
	e.checkpoints.written()
	e.mu.Lock()
	wanted := e.wanted
	e.wanted = make(map[preparedKey]bool)
	e.mu.Unlock()
	for key := range wanted {
		db := e.writer
		if key.reading {
			db = e.reader
		}
		s, err := db.PreparexContext(ctx, key.sql()) //nolint:sqlclosecheck // kept with the connection
		if err != nil {
			return fmt.Errorf("prepare %s: %w", key, err)
		}
		e.mu.Lock()
		if e.prepared[key] == nil {
			e.prepared[key], s = s, nil
		}
		e.mu.Unlock()
		if s != nil { // Somebody else was faster.
			if err := s.Close(); err != nil {
				return fmt.Errorf("close %s: %w", key, err)
			}
		}
	}
	return nil
}

// query runs a text that many transactions run. To parse it each time would cost more than to run it.
func (e *embedded) query(ctx context.Context, tx *sqlx.Tx, reading bool, into any, text string, args ...any) error {
	s, err := e.stmt(ctx, tx, preparedKey{text: text, reading: reading})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // the prepared statement behind it stays
	return s.SelectContext(ctx, into, args...)
}

func (*embedded) queryAlone(ctx context.Context, reader *sqlx.DB, into any, text string, args ...any) error {
	return reader.SelectContext(ctx, into, text, args...)
}

// exactRows is up to how many rows every number has a text of its own. Each execution costs about as much as ten rows.
const exactRows = 32

// chunks calls f with pieces of the rows: small ones whole, larger ones in powers of two, so that few different texts are
// prepared.
func (r *valued) chunks(f func(count int, args []any) error) error {
	most := min(maxPreparedRows, maxParameters/len(r.statement.columns))
	for begin := 0; begin < r.len(); {
		left := min(r.len()-begin, most)
		size := left
		if left > exactRows {
			size = 1 << (bits.Len(uint(left)) - 1)
		}
		if err := f(size, r.whole(begin, begin+size)); err != nil {
			return err
		}
		begin += size
	}
	return nil
}

func (e *embedded) run(ctx context.Context, tx *sqlx.Tx, b *bulk, r rows) (int64, error) {
	v := r.(*valued)
	if err := v.complete(); err != nil {
		return 0, err
	}
	var total int64
	err := v.chunks(func(count int, args []any) error {
		s, err := e.stmt(ctx, tx, preparedKey{statement: b, rows: count})
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }() // the prepared statement behind it stays
		result, err := s.ExecContext(ctx, args...)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		n, err := result.RowsAffected()
		total += n
		return err
	})
	return total, err
}

func (e *embedded) together(ctx context.Context, tx *sqlx.Tx, steps ...step) ([]int64, error) {
	written := make([]int64, len(steps))
	for i, s := range steps {
		n, err := e.run(ctx, tx, s.statement, s.rows)
		if err != nil {
			return nil, err
		}
		written[i] = n
	}
	return written, nil
}

// SQLite has neither roles nor row security, and an immediate transaction is alone: the rest of the locks are free.
func (*embedded) scope(context.Context, *sqlx.Tx, string) error { return nil }

func (e *embedded) openOrders(ctx context.Context, tx *sqlx.Tx, reading bool, program string, sources []string, _ pipeline.Subject) (o opening, err error) {
	if err := e.query(ctx, tx, reading, &o.versions, programVersions, program); err != nil || len(sources) == 0 {
		return o, err
	}
	return o, e.query(ctx, tx, reading, &o.orders, `SELECT `+orderColumns+` FROM `+e.byKeys("orders", "", 2, "source"), program, e.list(sources))
}

func (*embedded) lockPeople(context.Context, *sqlx.Tx) error { return nil }

func (e *embedded) extendChain(ctx context.Context, tx *sqlx.Tx, program string, sold bool) (end chainEnd, err error) {
	query := func(ctx context.Context, into any, text string, args ...any) error {
		return e.query(ctx, tx, false, into, text, args...)
	}
	if sold {
		var sequence []int64
		err := query(ctx, &sequence, `INSERT INTO sale_heads (program_id, sequence) VALUES ($1, 1)
			ON CONFLICT (program_id) DO UPDATE SET sequence = sale_heads.sequence + 1 RETURNING sequence`, program)
		if err != nil {
			return end, fmt.Errorf("count the changes of sales: %w", err)
		}
		end.sales = sequence[0]
	}
	end.last, end.outbox, err = lastSeal(ctx, query, program)
	return end, err
}

func (e *embedded) togetherAndExtend(ctx context.Context, tx *sqlx.Tx, program string, sold bool, steps ...step) ([]int64, chainEnd, error) {
	written, err := e.together(ctx, tx, steps...)
	if err != nil {
		return nil, chainEnd{}, err
	}
	end, err := e.extendChain(ctx, tx, program, sold)
	return written, end, err
}

func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// again: another process held the file longer than the busy timeout.
func (*embedded) again(err error) bool {
	code := sqliteCode(err) & 0xff
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
}

var (
	uniqueFailure = regexp.MustCompile(`UNIQUE constraint failed: ([a-z_.]+(?:, [a-z_.]+)*)`)
	checkFailure  = regexp.MustCompile(`CHECK constraint failed: (\w+)`)
	raisedFailure = regexp.MustCompile(`(\w+_(?:pkey|once)): this`)
)

// violated gives the constraint's name where SQLite tells it (checks and our triggers), and for unique keys the name
// of the constraint over the columns it tells instead.
func (*embedded) violated(err error) string {
	if sqliteCode(err)&0xff != sqlite3.SQLITE_CONSTRAINT {
		return ""
	}
	text := err.Error()
	if m := uniqueFailure.FindStringSubmatch(text); m != nil {
		return uniqueNames[m[1]]
	}
	for _, r := range []*regexp.Regexp{checkFailure, raisedFailure} {
		if m := r.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return "constraint"
}

// uniqueNames are the unique keys a user's input can violate, by the columns that SQLite names.
var uniqueNames = map[string]string{
	"programs.program_id":            "programs_pkey",
	"stores.store_id":                "stores_pkey",
	"people.email":                   "people_email",
	"passkeys.credential_id":         "passkeys_pkey",
	"stores.platform, stores.domain": "stores_platform_domain",
	"api_keys.key_id":                "api_keys_pkey",
	"api_keys.hash":                  "api_keys_hash",
}

func (*embedded) full(err error) bool { return sqliteCode(err)&0xff == sqlite3.SQLITE_FULL }

func (*embedded) unavailable(err error) bool {
	switch sqliteCode(err) & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
		sqlite3.SQLITE_CANTOPEN:
		return true
	}
	return false
}
