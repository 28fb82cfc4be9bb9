package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest/blank"
)

// ownCompany posts what people have, and asks for what one of them has: the sums, and the newest and the next commissions. Then it asks
// for those of everybody, and for the ledger.
func ownCompany(t *testing.T, s *store.Store) (ask func(s *store.Store) []error) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 5))
	check(t, s.CreateProgram(t.Context(), admin.Program{ProgramID: "acme", Name: "acme", Currency: "EUR"}))
	people := randomPeople(t, s, random)
	for range 120 {
		settleRandom(t, s, random)
	}
	check(t, s.Write(t.Context(), "acme", func(ctx context.Context, tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO open_commits (program_id, source, after_batch, run_id) VALUES ('acme', 'a/', 60, 'r')`)
		return err
	}))
	return func(s *store.Store) (all []error) {
		_, err := s.BalancesOf(t.Context(), "acme", people[0].DistributorID, time.Unix(1, 0))
		all = append(all, err)
		for _, f := range []query.CommissionFilter{{DistributorID: people[0].DistributorID}, {}} {
			page := query.Page{Limit: 2}
			for range 2 {
				_, next, err := s.Commissions(t.Context(), "acme", f, page)
				page.After, all = next, append(all, err)
			}
		}
		page := query.Page{Limit: 2}
		for range 2 {
			_, next, err := s.Postings(t.Context(), "acme", query.PostingFilter{}, page)
			page.After, all = next, append(all, err)
		}
		return all
	}
}

// TestOwnPlans: what a distributor has is found by its index on both databases, and is not looked for among what others have.
func TestOwnPlans(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		dir := blank.Dir(t)
		ask := ownCompany(t, openStore(t, store.Config{DataDir: dir}))
		s, db, l := listenTo(t, dir)
		newest, alone := regexp.MustCompile(`^SEARCH seals USING COVERING INDEX`), `USING COVERING INDEX postings_by_distributor (program_id=? AND distributor_id=?`
		plans := heardPlans(t, l, func() []error { return ask(s) }, func(a asked) ([]string, error) { return explain(t.Context(), db, a) })
		for _, p := range plans {
			for _, step := range p.steps {
				if walk.MatchString(step) && !small.MatchString(step) && !newest.MatchString(step) {
					t.Errorf("%s\n%s", step, p.text)
				}
			}
			if strings.Contains(p.text, "AS from_account, 0 AS before") && !strings.Contains(strings.Join(p.steps, "\n"), alone) {
				t.Errorf("the sum reads more than the index: %q\n%s", p.steps, p.text)
			}
		}
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		dsn := newDatabase(t, postgresServer(t))
		s := openStore(t, store.Config{DatabaseURL: dsn})
		ask := ownCompany(t, s)
		l := listenToPostgres(t, s, dsn)
		// A table of a few pages is gone through whatever indexes it has; what is asked here is whether one serves.
		plans := heardPlans(t, l, func() []error { return ask(s) }, func(a asked) ([]string, error) { return explainPostgres(t.Context(), s.Writer(), a) })
		through := regexp.MustCompile(`Seq Scan on (?:postings(?:_\w+)?|settlements|seals|orders)\b`)
		for _, p := range plans {
			text := strings.Join(p.steps, "\n")
			if through.MatchString(text) {
				t.Errorf("%s\n%s", p.text, text)
			}
			if strings.Contains(p.text, "p.distributor_id = $") && !regexp.MustCompile(`using postings_\w+_by_distributor.*\n\s+Index Cond: \(\(distributor_id = .*program_id = `).MatchString(text) {
				t.Errorf("postings are not found by their distributor:\n%s\n%s", p.text, text)
			}
		}
	})
}

type heardPlan struct {
	text  string
	steps []string
}

// heardPlans explains every statement that is asked.
func heardPlans(t *testing.T, l *listener, ask func() []error, explained func(asked) ([]string, error)) (plans []heardPlan) {
	t.Helper()
	l.take()
	for _, err := range ask() {
		check(t, err)
	}
	for _, a := range l.take() {
		if !strings.Contains(a.text, "SELECT") || strings.Contains(a.text, "set_config") {
			continue
		}
		steps, err := explained(a)
		if err != nil {
			t.Fatalf("%v: %s", err, a.text)
		}
		plans = append(plans, heardPlan{a.text, steps})
	}
	if len(plans) < 10 {
		t.Fatalf("%d statements were asked", len(plans))
	}
	return plans
}

// postgresListening opens connections to PostgreSQL through the listener.
type postgresListening struct {
	*pq.Connector
	listener *listener
}

func (l postgresListening) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := l.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return heardConn{conn, l.listener}, nil
}

// listenToPostgres makes a store read through a listener.
func listenToPostgres(t *testing.T, s *store.Store, dsn string) *listener {
	t.Helper()
	at, err := url.Parse(dsn)
	check(t, err)
	query := at.Query()
	query.Set("binary_parameters", "yes") // as the store does
	at.RawQuery = query.Encode()
	base, err := pq.NewConnector(at.String())
	check(t, err)
	l := &listener{}
	db := sqlx.NewDb(sql.OpenDB(postgresListening{base, l}), "postgres")
	t.Cleanup(func() { _ = db.Close() })
	s.ReadThrough(db)
	return l
}

// explainPostgres gives the lines of a statement's plan where going through a table is the last resort.
func explainPostgres(ctx context.Context, db *sqlx.DB, a asked) (steps []string, err error) {
	args := make([]any, len(a.args))
	for i, arg := range a.args {
		args[i] = arg.Value
	}
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	for _, set := range []string{`SET LOCAL enable_seqscan = off`, `SET LOCAL enable_bitmapscan = off`, `SELECT set_config('upline.program', 'acme', true)`} {
		if _, err := tx.ExecContext(ctx, set); err != nil {
			return nil, err
		}
	}
	err = tx.SelectContext(ctx, &steps, "EXPLAIN "+a.text, args...)
	return steps, err
}
