package store_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest/blank"
)

// TestListsOfTheLedger: the ledger and its commissions, page after page, are what a plain look at all postings gives, by whatever they
// are filtered, in however many partitions they are, and whatever is hidden of them.
func TestListsOfTheLedger(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		listsAgree(t, openStore(t, store.Config{DataDir: blank.Dir(t)}))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		dsn := newDatabase(t, postgresServer(t))
		inPartitions(t, dsn, 12, 4) // and batches behind them that no partition is for
		listsAgree(t, openStore(t, store.Config{DatabaseURL: dsn}))
	})
}

// TestPagesNeedFewPartitions: for a page of a long ledger, and what became of the orders on it, no partition is looked at that is older
// or newer than those.
func TestPagesNeedFewPartitions(t *testing.T) {
	t.Parallel()
	dsn := newDatabase(t, postgresServer(t))
	inPartitions(t, dsn, 20, 4) // batches 1 to 3, 4 to 7 and so on up to 79
	s := openStore(t, store.Config{DatabaseURL: dsn})
	check(t, s.CreateProgram(t.Context(), admin.Program{ProgramID: "acme", Name: "acme", Currency: "EUR"}))
	for batch := 1; batch <= 76; batch++ {
		id := fmt.Sprint(batch)
		if batch == 41 {
			id = "30" // is settled again
		}
		key := ledger.Key{Source: "a/" + id, ComponentID: "c", DistributorID: "D1", Kind: ledger.Earning, Currency: "EUR"}
		settlePostings(t, s, []order.Source{{StoreID: "a", PlatformOrderID: id}}, []ledger.Posting{{Key: key, AmountMinor: 5, PostedAt: 1}})
	}
	l := listenToPostgres(t, s, dsn)
	commissions := func(p query.Page) error {
		_, _, err := s.Commissions(t.Context(), "acme", query.CommissionFilter{}, p)
		return err
	}
	postings := func(p query.Page) error {
		_, _, err := s.Postings(t.Context(), "acme", query.PostingFilter{}, p)
		return err
	}
	for _, c := range []struct {
		name, after, want string
		ask               func(p query.Page) error
	}{
		{"the newest postings", "", "19 20 rest", postings},
		{"the newest commissions", "", "19 20 rest", commissions},
		{"postings before a batch", store.Cursor("32", "0"), "8 9", postings},
		{"commissions before a batch", store.Cursor("32", "0"), "10 11 8 9", commissions},
	} {
		l.take()
		check(t, c.ask(query.Page{Limit: 2, After: c.after}))
		if got := partitionsOf(t, s, l.take()); got != c.want {
			t.Errorf("%s need the partitions %q, want %q", c.name, got, c.want)
		}
	}
}

// partitionsOf are the partitions in the plans of what was asked.
func partitionsOf(t *testing.T, s *store.Store, heard []asked) string {
	t.Helper()
	var names []string
	for _, a := range heard {
		if !strings.Contains(a.text, "postings") {
			continue
		}
		steps, err := explainPostgres(t.Context(), s.Writer(), a)
		check(t, err)
		for _, found := range regexp.MustCompile(` on postings_(\w+)`).FindAllStringSubmatch(strings.Join(steps, "\n"), -1) {
			names = append(names, found[1])
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

// inPartitions divides a ledger that is still empty into so many partitions of so many batches.
func inPartitions(t *testing.T, dsn string, partitions, batches int) {
	t.Helper()
	raw := openRaw(t, dsn)
	beginLedgerWith(t, raw, batches)
	for n := 2; n <= partitions; n++ {
		name := fmt.Sprint("postings_", n)
		exec(t, raw, `SELECT upline_new_ledger_partition('`+name+`')`,
			fmt.Sprintf(`ALTER TABLE postings ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)`, name, (n-1)*batches, n*batches))
	}
}

func listsAgree(t *testing.T, s *store.Store) {
	random := rand.New(rand.NewPCG(13, 17)) // the same on every run
	check(t, s.CreateProgram(t.Context(), admin.Program{ProgramID: "acme", Name: "acme", Currency: "EUR"}))
	for _, id := range []string{"a", "b"} {
		check(t, s.CreateStore(t.Context(), admin.Store{StoreID: id, ProgramID: "acme", Platform: order.Shopify, Domain: id + ".myshopify.com", Currency: "EUR"}))
	}
	var instants []time.Time
	for range 70 {
		instants = append(instants, time.Now())
		settleSome(t, s, random)
	}
	for _, hidden := range []map[string]int{nil, {"a/": 66}, {"b/1": 9, "a/3": 40}, {"": 20}} {
		hide(t, s, hidden)
		rows := plainPostings(t, s)
		if len(rows) < 90 {
			t.Fatalf("%d postings are not hidden", len(rows))
		}
		for range 15 {
			sameCommissions(t, s, rows, query.CommissionFilter{
				PlatformOrderID: pick(random, []string{"", "", "1", "3"}), DistributorID: pick(random, []string{"", "", "D1", "D2", "D9"}),
				Status: pick(random, []string{"", "PENDING", "AVAILABLE", "PAID", "REVERSED"}),
			}, 1+random.IntN(20))
			f := query.PostingFilter{
				OrderID: pick(random, []string{"", "", "", "a/1"}), DistributorID: pick(random, []string{"", "", "", "D2"}),
				Kind: pick(random, []string{"", "", "earning", "payout"}), ComponentID: pick(random, []string{"", "", "c", "rare"}),
				Currency: pick(random, []string{"", "", "USD", "JPY"}),
			}
			if random.IntN(3) == 0 {
				f.From = pick(random, instants)
			}
			if random.IntN(3) == 0 {
				f.To = pick(random, append(instants, time.Now().Add(time.Hour)))
			}
			samePostings(t, s, rows, instants, &f, 1+random.IntN(20))
		}
	}
}

// settleSome posts one batch of a few orders, each of which may have posted before.
func settleSome(t *testing.T, s *store.Store, random *rand.Rand) {
	t.Helper()
	var sources []order.Source
	for range 1 + random.IntN(3) {
		src := order.Source{StoreID: pick(random, []string{"a", "b"}), PlatformOrderID: fmt.Sprint(random.IntN(12))}
		if !slices.Contains(sources, src) {
			sources = append(sources, src)
		}
	}
	var postings []ledger.Posting
	for _, src := range sources {
		at := int64(1 + random.IntN(1000))
		for _, key := range randomKeys(src.String(), random) {
			postings = append(postings, ledger.Posting{Key: key, AmountMinor: pick(random, []int64{-5, 5, 5, 8}), PostedAt: at})
		}
	}
	settlePostings(t, s, sources, postings)
}

// settlePostings posts one batch: what is posted of these sources.
func settlePostings(t *testing.T, s *store.Store, sources []order.Source, postings []ledger.Posting) {
	t.Helper()
	check(t, s.InTx(t.Context(), "acme", pipeline.Subject{Sources: sources}, func(b pipeline.Books) error {
		var sets []pipeline.Settlement
		for _, known := range b.Sources() {
			set := pipeline.Settlement{Source: known.Source, Outcome: pipeline.Settled, Revision: known.Revision + 1}
			for _, p := range postings {
				if p.Key.Source == known.Source.String() {
					p.EventID, p.ProgramID, p.Revision = ledger.EventID("acme", p.Key, set.Revision), "acme", set.Revision
					p.From, p.To, p.OrderTS = "from", "to", 1
					set.Postings = append(set.Postings, p)
				}
			}
			sets = append(sets, set)
		}
		return b.Settle(t.Context(), sets, nil, time.Now())
	}))
}

// randomKeys are few enough that orders post under the same ones again.
func randomKeys(source string, random *rand.Rand) (keys []ledger.Key) {
	for range 1 + random.IntN(4) {
		key := ledger.Key{
			Source: source, LineID: fmt.Sprint(random.IntN(2)), ComponentID: pick(random, []string{"c", "c", "c", "d"}),
			DistributorID: pick(random, []string{"D1", "D2"}), Currency: pick(random, []money.Currency{"EUR", "EUR", "EUR", "EUR", "USD", "USD", "JPY"}),
			Kind: pick(random, []ledger.Kind{ledger.Earning, ledger.Earning, ledger.Maturing, ledger.Payout, ledger.Breakage}),
		}
		if random.IntN(50) == 0 {
			key.ComponentID = "rare"
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, ledger.Key.Compare) // as they are posted
	return keys
}

// hide says that what sources with these beginnings posted after a batch belongs to a commit that is still under way.
func hide(t *testing.T, s *store.Store, after map[string]int) {
	t.Helper()
	check(t, s.Write(t.Context(), "acme", func(ctx context.Context, tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM open_commits WHERE program_id = 'acme'`)
		for prefix, batch := range after {
			if err == nil {
				_, err = tx.ExecContext(ctx, `INSERT INTO open_commits (program_id, source, after_batch, run_id) VALUES ('acme', $1, $2, 'r')`, prefix, batch)
			}
		}
		return err
	}))
}

// plainPosting is a posting with its settlement's source and revision.
type plainPosting struct {
	Batch       int64  `db:"batch_sequence"`
	EventID     []byte `db:"event_id"`
	Source      string `db:"source"`
	Revision    int64  `db:"revision"`
	Line        string `db:"line_id"`
	Component   string `db:"component_id"`
	Distributor string `db:"distributor_id"`
	Kind        string `db:"kind"`
	Currency    string `db:"currency"`
	Minor       int64  `db:"amount_minor"`
	PostedAt    int64  `db:"posted_at"`
}

// plainPostings are all that are not hidden, the newest first.
func plainPostings(t *testing.T, s *store.Store) (rows []plainPosting) {
	t.Helper()
	check(t, s.Read(t.Context(), "acme", func(tx *sqlx.Tx) error {
		return tx.SelectContext(t.Context(), &rows, `SELECT p.batch_sequence, p.event_id, s.source, s.revision, p.line_id, p.component_id,
			p.distributor_id, p.kind, p.currency, p.amount_minor, s.posted_at FROM postings p
			JOIN settlements s ON s.program_id = p.program_id AND s.batch_sequence = p.batch_sequence AND s.first_position = p.first_position
			WHERE p.program_id = 'acme' AND NOT EXISTS (SELECT 1 FROM open_commits o
				WHERE o.program_id = 'acme' AND p.batch_sequence > o.after_batch AND substr(s.source, 1, length(o.source)) = o.source)
			ORDER BY p.batch_sequence DESC, p.position DESC`)
	}))
	return rows
}

func (p *plainPosting) amount() [5]string {
	return [5]string{p.Source, p.Line, p.Component, p.Distributor, p.Currency}
}

// commission says what a commission is that this posting began; false where it did not.
func (p *plainPosting) commission(rows []plainPosting) (text, status string, began bool) {
	sums, updated := map[string]int64{}, int64(0)
	for i := range rows {
		q := &rows[i]
		if q.amount() != p.amount() {
			continue
		}
		if q.Kind == "earning" && q.Revision < p.Revision {
			return "", "", false
		}
		sums[q.Kind] += q.Minor
		updated = max(updated, q.PostedAt)
	}
	status = "PENDING"
	switch earned := sums["earning"]; {
	case earned == 0:
		status = "REVERSED"
	case sums["payout"] >= earned:
		status = "PAID"
	case sums["maturing"] >= earned:
		status = "AVAILABLE"
	}
	value := money.FormatMinor(sums["earning"], money.Currency(p.Currency))
	return fmt.Sprintf("%x %s %s %s %s, %s, at %d", p.EventID, p.Component, p.Distributor, value, p.Currency, status, updated), status, p.Kind == "earning"
}

func sameCommissions(t *testing.T, s *store.Store, rows []plainPosting, f query.CommissionFilter, limit int) {
	t.Helper()
	var want []string
	for i := range rows {
		p := &rows[i]
		text, status, began := p.commission(rows)
		if began && (f.Status == "" || status == f.Status) && (f.DistributorID == "" || p.Distributor == f.DistributorID) &&
			(f.PlatformOrderID == "" || p.Source == "a/"+f.PlatformOrderID || p.Source == "b/"+f.PlatformOrderID) {
			want = append(want, text)
		}
	}
	got := allPages(t, limit, func(p query.Page) (texts []string, next string, err error) {
		list, next, err := s.Commissions(t.Context(), "acme", f, p)
		for i := range list {
			c := &list[i]
			texts = append(texts, fmt.Sprintf("%s %s %s %s %s, %s, at %d", c.CommissionID, c.ComponentID, c.ReferrerID, c.Value, c.Currency,
				c.Status, c.UpdatedAt.UnixMicro()))
		}
		return texts, next, err
	})
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("%+v by %d: %s", f, limit, diff)
	}
}

// samePostings: batch n was sealed after the instant n-1 and before the next one.
func samePostings(t *testing.T, s *store.Store, rows []plainPosting, instants []time.Time, f *query.PostingFilter, limit int) {
	t.Helper()
	var want []string
	for i := range rows {
		p := &rows[i]
		began := instants[p.Batch-1]
		if (f.OrderID == "" || p.Source == f.OrderID) && (f.DistributorID == "" || p.Distributor == f.DistributorID) &&
			(f.Kind == "" || p.Kind == f.Kind) && (f.ComponentID == "" || p.Component == f.ComponentID) &&
			(f.Currency == "" || p.Currency == f.Currency) && !began.Before(f.From) && (f.To.IsZero() || began.Before(f.To)) {
			want = append(want, hex.EncodeToString(p.EventID))
		}
	}
	got := allPages(t, limit, func(p query.Page) (ids []string, next string, err error) {
		list, next, err := s.Postings(t.Context(), "acme", *f, p)
		for i := range list {
			ids = append(ids, list[i].EventID)
		}
		return ids, next, err
	})
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("%+v by %d: %s", f, limit, diff)
	}
}

// allPages puts pages together. Each but the last one is full.
func allPages(t *testing.T, limit int, page func(query.Page) ([]string, string, error)) (all []string) {
	t.Helper()
	for p := (query.Page{Limit: limit}); ; {
		rows, next, err := page(p)
		check(t, err)
		all = append(all, rows...)
		if next == "" && len(rows) <= limit {
			return all
		}
		if len(rows) != limit {
			t.Fatalf("a page of %d, not %d, with a next one", len(rows), limit)
		}
		p.After = next
	}
}
