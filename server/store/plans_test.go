package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/store"
)

// asked is one statement as the database got it.
type asked struct {
	text string
	args []driver.NamedValue
}

// listener is a driver that lets everything through and keeps what is asked.
type listener struct {
	mu    sync.Mutex
	heard []asked
}

func (l *listener) take() []asked {
	l.mu.Lock()
	defer l.mu.Unlock()
	heard := l.heard
	l.heard = nil
	return heard
}

// listening opens a file for reading through the listener.
type listening struct {
	dsn string
	*listener
}

func (l listening) Driver() driver.Driver { return &sqlite.Driver{} }

func (l listening) Connect(context.Context) (driver.Conn, error) {
	conn, err := l.Driver().Open(l.dsn)
	if err != nil {
		return nil, err
	}
	return heardConn{conn, l.listener}, nil
}

type heardConn struct {
	driver.Conn
	listener *listener
}

func (c heardConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

// CheckNamedValue is the driver's own way with a value, where it has one.
func (c heardConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c heardConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if !strings.HasPrefix(text, "EXPLAIN") {
		c.listener.mu.Lock()
		c.listener.heard = append(c.listener.heard, asked{text, args})
		c.listener.mu.Unlock()
	}
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, text, args)
}

// listenTo makes a store read through a listener.
func listenTo(t *testing.T, dir string) (*store.Store, *sqlx.DB, *listener) {
	t.Helper()
	l := &listener{}
	db := sqlx.NewDb(sql.OpenDB(listening{"file:" + filepath.Join(dir, "upline.db") + "?_pragma=busy_timeout(5000)&_txlock=deferred", l}), "sqlite")
	t.Cleanup(func() { _ = db.Close() })
	s := openStore(t, store.Config{DataDir: dir})
	s.ReadThrough(db)
	return s, db, l
}

// look is one thing that a screen or the API asks for.
type look struct {
	name  string
	after string         // the cursor of a next page; "" where there are no pages
	walks *regexp.Regexp // what it may go through: in the order of the list until the page is full, or to count all
	ask   func(ctx context.Context, s *store.Store, p query.Page) error
}

func looks() []look {
	byTime, byPlace, byID := store.Cursor("1", "x"), store.Cursor("1", "1"), store.Cursor("x")
	newestOrders := regexp.MustCompile(` orders_by_time `)
	newestPostings := regexp.MustCompile(`^SEARCH p USING PRIMARY KEY |^SEARCH seals USING COVERING INDEX `) // and the last batch
	newestDeliveries, everybody := regexp.MustCompile(`^SEARCH i USING INDEX sqlite_autoindex_inbox_1 `), regexp.MustCompile(`^SEARCH d USING PRIMARY KEY `)
	orders := func(name string, f query.OrderFilter, walks *regexp.Regexp) look {
		return look{name, byTime, walks, func(ctx context.Context, s *store.Store, p query.Page) error {
			_, _, err := s.Orders(ctx, "big", f, p)
			return err
		}}
	}
	postings := func(name string, f query.PostingFilter, walks *regexp.Regexp) look {
		return look{name, byPlace, walks, func(ctx context.Context, s *store.Store, p query.Page) error {
			_, _, err := s.Postings(ctx, "big", f, p)
			return err
		}}
	}
	commissions := func(name string, f query.CommissionFilter, walks *regexp.Regexp) look {
		return look{name, byPlace, walks, func(ctx context.Context, s *store.Store, p query.Page) error {
			_, _, err := s.Commissions(ctx, "big", f, p)
			return err
		}}
	}
	deliveries := func(name string, f query.DeliveryFilter, walks *regexp.Regexp) look {
		return look{name, byID, walks, func(ctx context.Context, s *store.Store, p query.Page) error {
			_, _, err := s.Deliveries(ctx, "big", f, p)
			return err
		}}
	}
	people := func(name, search string, walks *regexp.Regexp) look {
		return look{name, byID, walks, func(ctx context.Context, s *store.Store, p query.Page) error {
			_, _, err := s.Distributors(ctx, "big", search, p)
			return err
		}}
	}
	found := func(name string, f query.DistributorFilter, after string, walks *regexp.Regexp) look {
		return look{name, after, walks, func(ctx context.Context, s *store.Store, p query.Page) error {
			_, _, err := s.People(ctx, "big", f, p)
			return err
		}}
	}
	one := func(name string, walks *regexp.Regexp, ask func(ctx context.Context, s *store.Store) error) look {
		return look{name, "", walks, func(ctx context.Context, s *store.Store, _ query.Page) error {
			if err := ask(ctx, s); server.CodeOf(err) != server.NotFound {
				return err
			}
			return nil
		}}
	}
	return []look{
		orders("orders", query.OrderFilter{}, newestOrders),
		orders("settled orders", query.OrderFilter{Settlement: "settled"}, newestOrders),
		orders("orders of a distributor", query.OrderFilter{DistributorID: "D"}, nil),
		orders("orders of a distributor and store", query.OrderFilter{DistributorID: "D", StoreID: "shop"}, nil),
		orders("parked orders", query.OrderFilter{Settlement: "parked"}, nil),
		orders("parked orders of a reason", query.OrderFilter{Settlement: "parked", ReasonCode: "unmapped_sku"}, nil),
		orders("orders of a reason", query.OrderFilter{ReasonCode: "unmapped_sku"}, nil),
		orders("order search", query.OrderFilter{Search: "1001"}, nil),
		postings("ledger", query.PostingFilter{}, newestPostings),
		postings("ledger of a distributor", query.PostingFilter{DistributorID: "D"}, nil),
		postings("ledger of a distributor by kind", query.PostingFilter{DistributorID: "D", Kind: "earning"}, nil),
		postings("ledger of an order", query.PostingFilter{OrderID: "shop/1"}, nil),
		commissions("commissions", query.CommissionFilter{}, newestPostings),
		commissions("commissions of a distributor", query.CommissionFilter{DistributorID: "D"}, nil),
		commissions("commissions of a distributor by status", query.CommissionFilter{DistributorID: "D", Status: "PENDING"}, nil),
		commissions("commissions of an order", query.CommissionFilter{PlatformOrderID: "1"}, nil),
		deliveries("deliveries", query.DeliveryFilter{}, newestDeliveries),
		deliveries("waiting deliveries", query.DeliveryFilter{Status: "waiting"}, nil),
		deliveries("parked deliveries", query.DeliveryFilter{Status: "parked"}, nil),
		deliveries("deliveries of an order", query.DeliveryFilter{OrderID: "shop/1"}, nil),
		deliveries("a delivery of a platform", query.DeliveryFilter{PlatformDeliveryID: "1"}, nil),
		people("distributors", "", everybody),
		people("distributors by a code or id", "D", nil),
		found("people", query.DistributorFilter{}, byID, everybody),
		found("people of a rank", query.DistributorFilter{Rank: "gold"}, byID, nil),
		found("people of a status", query.DistributorFilter{Status: "suspended"}, byID, nil),
		found("people of a country", query.DistributorFilter{Country: "AT"}, byID, nil),
		found("people of a rank, a status and a country", query.DistributorFilter{Rank: "gold", Status: "inactive", Country: "AT"}, byID, nil),
		found("people of a rank, newest first", query.DistributorFilter{Rank: "gold", Newest: true}, store.Cursor("1", "x"), nil),
		found("frontline", query.DistributorFilter{SponsorID: "D"}, byID, nil),
		one("a profile", nil, func(ctx context.Context, s *store.Store) error {
			_, err := s.Profile(ctx, "big", "D")
			return err
		}),
		one("a distributor", nil, func(ctx context.Context, s *store.Store) error {
			_, err := s.Distributor(ctx, "big", "D")
			return err
		}),
		one("an order", nil, func(ctx context.Context, s *store.Store) error {
			_, err := s.Order(ctx, "big", "shop/1")
			return err
		}),
		one("calculations of an order", nil, func(ctx context.Context, s *store.Store) error {
			_, err := s.Snapshots(ctx, "big", "shop/1")
			return err
		}),
		one("ranks of a person", regexp.MustCompile(`^SEARCH p USING PRIMARY KEY`), func(ctx context.Context, s *store.Store) error { // few periods
			_, err := s.RanksOfPerson(ctx, "big", "D")
			return err
		}),
		one("a delivery", nil, func(ctx context.Context, s *store.Store) error {
			_, err := s.Delivery(ctx, "big", "x")
			return err
		}),
		one("unmapped SKUs", nil, func(ctx context.Context, s *store.Store) error {
			_, err := s.UnmappedSKUs(ctx, "big")
			return err
		}),
		one("due deliveries", nil, func(ctx context.Context, s *store.Store) error {
			_, err := s.ClaimDeliveries(ctx, time.Unix(0, 0), time.Unix(1, 0), 10)
			return err
		}),
		one("backlog", nil, func(ctx context.Context, s *store.Store) error {
			_, _, err := s.Backlog(ctx)
			return err
		}),
		one("sums of orders", nil, func(ctx context.Context, s *store.Store) error { return s.SumPosted(ctx, "big", "shop/1", "shop/2") }),
		// Counts, which are kept where they are dear.
		one("overview", regexp.MustCompile(` COVERING INDEX |^SEARCH distributors USING PRIMARY KEY`), func(ctx context.Context, s *store.Store) error {
			_, err := s.Overview(ctx, "big")
			return err
		}),
		one("standing", regexp.MustCompile(` COVERING INDEX |^SEARCH distributors USING PRIMARY KEY|sqlite_autoindex_settlements_2 |released_sources USING PRIMARY KEY`), func(ctx context.Context, s *store.Store) error {
			_, err := s.Standing(ctx, "big")
			return err
		}),
	}
}

// small are tables and partial indexes that hold so little that going through them costs nothing; o is open_commits, with
// a row per component that is being posted this moment.
var small = regexp.MustCompile(`^(?:SCAN|SEARCH) (?:json_each|CONSTANT|m\b|s$|s USING INDEX stores_by_program|o USING PRIMARY KEY|programs|stores|plan_versions|sku_mapping|ledger_sums|open_commits|c$|c USING PRIMARY KEY)|` +
	` (?:orders_parked|inbox_state_waiting|inbox_state_parked)\b`)

// walk is a step that goes through a table or an index, or through all that a program has in it.
// So is a Bloom filter: to make one, all of the table is read first.
var walk = regexp.MustCompile(`^SCAN |^SEARCH .*\(program_id=\?\)$|^BLOOM FILTER `)

// nextOfLedger is a next page of the ledger where it is not one of an order, which has few postings.
var nextOfLedger = regexp.MustCompile(`FROM postings p [^;]*\(p\.batch_sequence, p\.position\) <`)

// TestPlans: whatever is asked for, SQLite finds it and does not look for it, on the first page and on the next ones. The
// plans do not depend on what is in the file, or they could not be tested with an empty one.
func TestPlans(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := openStore(t, store.Config{DataDir: dir}).CreateProgram(t.Context(), admin.Program{ProgramID: "big", Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	s, db, l := listenTo(t, dir)
	for _, q := range looks() {
		for page, p := range map[string]query.Page{"first page": {}, "next page": {After: q.after}} {
			if page == "next page" && q.after == "" {
				continue
			}
			l.take()
			if err := q.ask(t.Context(), s, p); err != nil {
				t.Fatalf("%s: %v", q.name, err)
			}
			heard := l.take()
			if len(heard) == 0 {
				t.Errorf("%s: nothing was asked", q.name)
			}
			for _, a := range heard {
				steps, err := explain(t.Context(), db, a)
				if err != nil {
					t.Fatalf("%s: %v: %s", q.name, err, a.text)
				}
				for _, step := range steps {
					if walk.MatchString(step) && !small.MatchString(step) && (q.walks == nil || !q.walks.MatchString(step)) {
						t.Errorf("%s, %s: %s\n%s", q.name, page, step, a.text)
					}
				}
				if nextOfLedger.MatchString(a.text) && !strings.Contains(strings.Join(steps, "\n"), "(batch_sequence,position)<(?,?)") {
					t.Errorf("%s: a page goes through what those before have shown of a batch: %q\n%s", q.name, steps, a.text)
				}
			}
		}
	}
}

// TestStatisticsAreKept: they are written once, and again where somebody has replaced them.
func TestStatisticsAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lines := func(s *store.Store) (n int) {
		if err := s.Reader().GetContext(t.Context(), &n, `SELECT count(*) FROM sqlite_stat1 JOIN sqlite_master ON name = idx OR name = tbl AND tbl = idx`); err != nil {
			t.Fatal(err)
		}
		return n
	}
	s := openStore(t, store.Config{DataDir: dir})
	want := lines(s)
	if want < 30 {
		t.Fatalf("%d lines are of indexes that exist", want)
	}
	var unknown []string
	if err := s.Reader().SelectContext(t.Context(), &unknown, `SELECT tbl || '.' || idx FROM sqlite_stat1
		WHERE idx NOT IN (SELECT name FROM sqlite_master WHERE tbl_name = tbl)`); err != nil || len(unknown) > 0 {
		t.Errorf("of indexes that do not exist: %v %v", unknown, err)
	}
	if _, err := s.Writer().ExecContext(t.Context(), `ANALYZE`); err != nil {
		t.Fatal(err)
	}
	if again := lines(openStore(t, store.Config{DataDir: dir})); again != want {
		t.Errorf("%d lines, want %d", again, want)
	}
}

// explain gives the steps of a statement's plan.
func explain(ctx context.Context, db *sqlx.DB, a asked) (steps []string, err error) {
	args := make([]any, len(a.args))
	for i, arg := range a.args {
		args[i] = arg.Value
	}
	rows, err := db.QueryContext(ctx, "EXPLAIN QUERY PLAN "+a.text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return nil, err
		}
		steps = append(steps, detail)
	}
	return steps, rows.Err()
}
