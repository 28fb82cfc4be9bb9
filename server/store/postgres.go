package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"upline.dev/upline/server"
)

// appRole is the role that serves: it may read and add to the ledger and owns nothing.
const appRole = "upline_app"

// postgres is the dialect of PostgreSQL 15 and later.
type postgres struct {
	texts sync.Map // names of statements -> string
	kept  kept
	put   putting
	once  atOnce
}

func (*postgres) name() string          { return "postgres" }
func (*postgres) migrationsDir() string { return "migrations/postgres" }
func (p *postgres) close() error        { return p.once.close() }
func (p *postgres) ahead() *ahead       { return &p.once.ahead }
func (*postgres) settlesApart() bool    { return false }
func (*postgres) forUpdate() string     { return " FOR UPDATE" }
func (*postgres) forShare() string      { return " FOR SHARE" }
func (*postgres) skipLocked() string    { return " FOR UPDATE SKIP LOCKED" }
func (*postgres) in(n string) string    { return "(SELECT unnest(" + n + "::text[]))" }

func (*postgres) among(column, n string) string { return column + " = ANY(" + n + "::text[])" }

// byKeys looks for each key apart, behind an OFFSET that the planner does not see through. In a table it knows nothing of, every
// program seems to have a row or two, so that to go through all of a program's looks cheaper; and a plan that is kept is kept
// while the table grows.
func (*postgres) byKeys(table, condition string, first int, columns ...string) string {
	lists, keys, same := make([]string, len(columns)), make([]string, len(columns)), make([]string, len(columns))
	for i, column := range columns {
		lists[i], keys[i] = fmt.Sprintf("$%d::text[]", i+first), fmt.Sprintf("key%d", i)
		same[i] = fmt.Sprintf("%s = keys.key%d", column, i)
	}
	return fmt.Sprintf("unnest(%s) AS keys (%s) CROSS JOIN LATERAL (SELECT * FROM %s WHERE program_id = $1 AND %s %s OFFSET 0) AS found",
		strings.Join(lists, ", "), strings.Join(keys, ", "), table, strings.Join(same, " AND "), condition)
}

func (*postgres) postingsOf(first, last string) string {
	return `s CROSS JOIN LATERAL (SELECT * FROM postings WHERE program_id = $1 AND batch_sequence >= ` + first + ` AND batch_sequence <= ` + last + `
		AND batch_sequence = s.batch_sequence AND position >= s.first_position AND position < s.first_position + s.posting_count OFFSET 0) AS p`
}

func (*postgres) deliveriesByID(n string) string {
	return `unnest(` + n + `::text[]) AS wanted (id)
		CROSS JOIN LATERAL (SELECT * FROM inbox_state WHERE delivery_id = wanted.id OFFSET 0) AS s
		CROSS JOIN LATERAL (SELECT * FROM inbox WHERE program_id = s.program_id AND delivery_id = s.delivery_id OFFSET 0) AS i`
}

func (*postgres) list(values []string) any {
	e := newElements(textColumn)
	for _, v := range values {
		e.text(v)
	}
	return e.array()
}

// turn: there are as many writers as connections.
func (*postgres) turn(context.Context) (pass func(), err error) { return func() {}, nil }

// open connects as the serving role. Where the login may not take it, the login itself serves: the triggers and
// policies hold for it too, but it could drop them.
func (p *postgres) open(ctx context.Context, c Config) (writer, reader *sqlx.DB, err error) {
	role := appRole
	db, err := p.connect(ctx, c, role)
	if refusesRole(err) {
		c.Logger.WarnContext(ctx, "the database login may not take the serving role; serving with the login's own rights",
			"role", appRole, "mend", "GRANT upline_app TO the login")
		role = ""
		db, err = p.connect(ctx, c, role)
	}
	if err != nil {
		return nil, nil, err
	}
	p.kept.db = db
	p.once.db, err = openAtOnce(c, role)
	return db, db, err
}

func (p *postgres) connect(ctx context.Context, c Config, role string) (*sqlx.DB, error) {
	dsn, err := postgresDSN(c.DatabaseURL, roleOption(role))
	if err != nil {
		return nil, err
	}
	db, err := sqlx.Open("postgres", dsn)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	db.SetMaxOpenConns(c.MaxConns)
	db.SetMaxIdleConns(c.MaxConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(p.unreached(c.DatabaseURL, err), db.Close())
	}
	return db, nil
}

// unreached says which server did not answer, without its password, and whether waiting may help.
func (p *postgres) unreached(rawURL string, err error) error {
	where := "the address of DATABASE_URL"
	if u, parseErr := url.Parse(rawURL); parseErr == nil && u.Host != "" {
		where = u.Host
	}
	if p.unavailable(err) {
		return &server.Error{
			Code: server.Unavailable, Err: err,
			Message: "PostgreSQL at " + where + " cannot be reached: is it running, and is DATABASE_URL right?",
		}
	}
	return &server.Error{Code: server.Unauthorized, Message: "PostgreSQL at " + where + " does not let us in; look at DATABASE_URL", Err: err}
}

// roleOption makes a session one of the role; "" is the login's own.
func roleOption(role string) string {
	if role == "" {
		return ""
	}
	return "-c role=" + role
}

// postgresDSN adds what the store needs to the user's URL: one round trip per statement, plain times, and options of the server.
func postgresDSN(raw, options string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return "", errors.New("DATABASE_URL is not a postgres:// URL") // without the URL: it may hold a password
	}
	q := u.Query()
	q.Set("binary_parameters", "yes")
	if q.Get("application_name") == "" {
		q.Set("application_name", "upline")
	}
	if options != "" {
		q.Set("options", strings.TrimSpace(q.Get("options")+" "+options))
	}
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	return u.String(), nil
}

func refusesRole(err error) bool {
	var e *pq.Error
	return errors.As(err, &e) && (e.Code.Name() == "insufficient_privilege" || e.Code.Name() == "invalid_parameter_value" ||
		e.Code.Name() == "undefined_object")
}

// elements is one column of values in PostgreSQL's binary array format. lib/pq sends bytes as they are, so there is
// neither escaping nor hex, which for hashes and bodies is most of the cost of a bulk insert.
type elements struct {
	data  []byte
	count int
	typed columnType
}

// arrayHeader is one dimension, a flag for NULLs, the element's type, the length, and the lower bound.
const arrayHeader = 20

func newElements(typed columnType) *elements {
	return &elements{typed: typed, data: make([]byte, arrayHeader, 256)}
}

func (e *elements) text(v string) {
	e.data = binary.BigEndian.AppendUint32(e.data, uint32(len(v)))
	e.data = append(e.data, v...)
	e.count++
}

func (e *elements) int(v int64) {
	e.data = binary.BigEndian.AppendUint32(e.data, 8)
	e.data = binary.BigEndian.AppendUint64(e.data, uint64(v))
	e.count++
}

func (e *elements) bytes(v []byte) {
	e.count++
	if v == nil {
		e.data = append(e.data, 0xff, 0xff, 0xff, 0xff) // length -1 is NULL
		return
	}
	e.data = binary.BigEndian.AppendUint32(e.data, uint32(len(v)))
	e.data = append(e.data, v...)
}

// array completes the header.
func (e *elements) array() []byte {
	oids := [...]uint32{textColumn: 25, intColumn: 20, bytesColumn: 17}
	header := e.data[:0]
	header = binary.BigEndian.AppendUint32(header, 1)
	header = binary.BigEndian.AppendUint32(header, 1)
	header = binary.BigEndian.AppendUint32(header, oids[e.typed])
	header = binary.BigEndian.AppendUint32(header, uint32(e.count))
	binary.BigEndian.AppendUint32(header, 1)
	return e.data
}

// unnested is the rows of one statement, column by column.
type unnested struct {
	counter
	fixed []any
	cols  []*elements
}

func (*postgres) newRows(b *bulk, fixed ...any) rows {
	r := &unnested{counter: newCounter(b), fixed: fixed}
	for _, typed := range r.varying {
		r.cols = append(r.cols, newElements(typed))
	}
	return r
}

func (r *unnested) text(v string)  { r.cols[r.take(textColumn)].text(v) }
func (r *unnested) int(v int64)    { r.cols[r.take(intColumn)].int(v) }
func (r *unnested) bytes(v []byte) { r.cols[r.take(bytesColumn)].bytes(v) }

func (r *unnested) args() []any { return r.withArrays(slices.Clone(r.fixed)) }

func (r *unnested) withArrays(args []any) []any {
	for _, c := range r.cols {
		args = append(args, c.array())
	}
	return args
}

// argsOf is args without the program.
func (r *unnested) argsOf(b *bulk) []any {
	args, at := make([]any, 0, len(r.fixed)+len(r.cols)), 0
	for _, c := range b.columns {
		if !c.fixed {
			continue
		}
		if c.name != "program_id" {
			args = append(args, r.fixed[at])
		}
		at++
	}
	return r.withArrays(args)
}

// statement writes "SELECT $1, u.c2, u.c3 FROM unnest($2, $3)" around the columns; its text does not depend on the
// number of rows.
func (p *postgres) statement(b *bulk) string {
	if text, ok := p.texts.Load(b.name); ok {
		return text.(string)
	}
	text, _ := unnestText(b, 0)
	p.texts.Store(b.name, text)
	return text
}

// unnestText writes a statement whose parameters begin behind so many others, and gives the number of all.
func unnestText(b *bulk, behind int) (text string, parameters int) { return unnestOf(b, behind, "") }

// unnestOf is unnestText where the program, if it is given as SQL, is no parameter.
func unnestOf(b *bulk, behind int, program string) (text string, parameters int) {
	types := [...]string{textColumn: "text", intColumn: "bigint", bytesColumn: "bytea"}
	next := behind // fixed values come first
	for _, c := range b.columns {
		if c.fixed && (program == "" || c.name != "program_id") {
			next++
		}
	}
	var selected, columns []string
	fixed := behind
	for _, c := range b.columns {
		if c.fixed && c.name == "program_id" && program != "" {
			selected = append(selected, program)
			continue
		}
		if c.fixed {
			fixed++
			selected = append(selected, fmt.Sprintf("$%d::%s", fixed, types[c.typed]))
			continue
		}
		if c.literal != "" {
			selected = append(selected, c.literal)
			continue
		}
		next++
		selected = append(selected, "u."+c.name)
		columns = append(columns, fmt.Sprintf("unnest($%d::%s[]) AS %s", next, types[c.typed], c.name))
	}
	return b.text("SELECT " + strings.Join(selected, ", ") + " FROM (SELECT " + strings.Join(columns, ", ") + ") AS u"), next
}

func (p *postgres) run(ctx context.Context, tx *sqlx.Tx, b *bulk, r rows) (int64, error) {
	u := r.(*unnested)
	if err := u.complete(); err != nil || u.len() == 0 {
		return 0, err
	}
	result, err := p.exec(ctx, tx, p.statement(b), u.args()...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", b.name, err)
	}
	return result.RowsAffected()
}

// exec executes a text that many transactions execute.
func (p *postgres) exec(ctx context.Context, tx *sqlx.Tx, text string, args ...any) (sql.Result, error) {
	if s := p.kept.stmt(ctx, tx, text); s != nil {
		defer func() { _ = s.Close() }() // the prepared statement behind it stays
		return s.ExecContext(ctx, args...)
	}
	return tx.ExecContext(ctx, text, args...)
}

func (p *postgres) query(ctx context.Context, tx *sqlx.Tx, reading bool, into any, text string, args ...any) error {
	if reading { // perhaps of a replica
		return tx.SelectContext(ctx, into, text, args...)
	}
	if s := p.kept.stmt(ctx, tx, text); s != nil {
		defer func() { _ = s.Close() }() // the prepared statement behind it stays
		return s.SelectContext(ctx, into, args...)
	}
	return tx.SelectContext(ctx, into, text, args...)
}

func (p *postgres) queryAlone(ctx context.Context, _ *sqlx.DB, into any, text string, args ...any) error {
	return p.once.query(ctx, into, text, args...)
}

// ended prepares what the transactions before ran unprepared.
func (p *postgres) ended(ctx context.Context) error { return p.kept.prepare(ctx) }

// scope sets what the row-level security policies compare with. It ends with the transaction.
func (*postgres) scope(ctx context.Context, tx *sqlx.Tx, program string) error {
	if program == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, `SELECT set_config('upline.program', $1, true)`, program)
	return err
}

func (p *postgres) lockPeople(ctx context.Context, tx *sqlx.Tx) error {
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, lockKey("people", "", ""))
	return err
}

// lockKey names a lock. Two names with one key only wait for each other needlessly.
func lockKey(what, program, name string) int64 {
	h := fnv.New64a()
	for _, part := range []string{what, program, name} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return int64(h.Sum64())
}

func (*postgres) again(err error) bool {
	var e *pq.Error
	if !errors.As(err, &e) {
		return false
	}
	// A row on its way to where no partition is for it, just when one is attached that is: the next time it finds it.
	attached := e.Code.Name() == "check_violation" && (e.Table == "postings_rest" || e.Table == "inbox_bodies_rest") && e.Constraint == ""
	return e.Code == "40001" || e.Code == "40P01" || attached
}

// partitionsKey is a key of a partition; it is known by the name that it has for the whole table.
var partitionsKey = regexp.MustCompile(`^(postings)_(?:\d+|rest)_(\w+)$`)

func (*postgres) violated(err error) string {
	var e *pq.Error
	if errors.As(err, &e) && e.Code.Class() == "23" {
		return partitionsKey.ReplaceAllString(e.Constraint, "${1}_${2}")
	}
	return ""
}

func (*postgres) full(err error) bool {
	var e *pq.Error
	return errors.As(err, &e) && e.Code.Name() == "disk_full"
}

func (*postgres) unavailable(err error) bool {
	var e *pq.Error
	if errors.As(err, &e) {
		switch e.Code.Class() {
		case "08", "53", "57", "58": // connection, resources, operator intervention, system error
			return true
		}
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
