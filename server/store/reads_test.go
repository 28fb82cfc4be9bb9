package store_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest/blank"
)

// TestFastReadsAgreeWithPlainOnes: what is read from kept sums and narrow indexes is what a plain look at all rows gives,
// whatever was written, by whichever process, and however much of it is being posted.
func TestFastReadsAgreeWithPlainOnes(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		agree(t, store.Config{DataDir: blank.Dir(t)})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		agree(t, store.Config{DatabaseURL: newDatabase(t, postgresServer(t))})
	})
}

func agree(t *testing.T, c store.Config) {
	random := rand.New(rand.NewPCG(7, 11)) // the same on every run
	s := openStore(t, c)
	check(t, s.CreateProgram(t.Context(), admin.Program{ProgramID: "acme", Name: "acme", Currency: "EUR"}))
	people := randomPeople(t, s, random)
	months := []time.Time{time.Unix(1, 0), time.Now().Add(time.Hour)}
	for round := range 12 {
		months = append(months, time.Now())
		for range 1 + random.IntN(4) {
			settleRandom(t, s, random)
		}
		setOpenCommits(t, s, random)
		readers := []*store.Store{s}
		if round%3 == 2 { // another process begins with what was written down
			readers = append(readers, openStore(t, c))
		}
		for _, reader := range readers {
			sameOverview(t, s, reader)
			samePeople(t, s, reader, people)
			sameBalances(t, s, reader, people, months[max(0, len(months)-random.IntN(3)-1)])
			sameBalances(t, s, reader, people, pick(random, months))
		}
	}
	sameLists(t, s, people, random)
}

var (
	randomRanks     = []string{"", "", "", "gold", "silver"}
	randomStatuses  = []genealogy.Status{genealogy.Active, genealogy.Active, genealogy.Inactive, genealogy.Suspended}
	randomCountries = []string{"", "DE", "AT"}
)

func pick[T any](random *rand.Rand, list []T) T { return list[random.IntN(len(list))] }

func randomPeople(t *testing.T, s *store.Store, random *rand.Rand) []admin.Distributor {
	t.Helper()
	var people []admin.Distributor
	for i := range 60 {
		p := admin.Distributor{
			DistributorID: fmt.Sprintf("D%02d", i), Status: pick(random, randomStatuses), Rank: pick(random, randomRanks),
			Country: pick(random, randomCountries), Codes: []string{fmt.Sprintf("code%d", i%50)},
		}
		if i > 0 {
			p.SponsorID = fmt.Sprintf("D%02d", random.IntN(i))
		}
		if i >= 50 {
			p.Codes = []string{fmt.Sprintf("D%d", i-50)} // a code that others' ids begin with
		}
		people = append(people, p)
	}
	_, err := s.PutDistributors(t.Context(), "acme", people, time.Unix(1_700_000_000, 0), true)
	check(t, err)
	return people
}

// settleRandom posts a random calculation of an order, or parks it.
func settleRandom(t *testing.T, s *store.Store, random *rand.Rand) {
	t.Helper()
	src := order.Source{StoreID: pick(random, []string{"a", "b"}), PlatformOrderID: fmt.Sprint(random.IntN(400))}
	check(t, s.InTx(t.Context(), "acme", pipeline.Subject{Sources: []order.Source{src}}, func(b pipeline.Books) error {
		revision := b.Sources()[0].Revision + 1
		set := pipeline.Settlement{Source: src, Outcome: pipeline.Settled, Revision: revision}
		if random.IntN(5) == 0 {
			set.Outcome, set.Revision = pipeline.Parked, revision-1
			code := pick(random, []pipeline.ReasonCode{pipeline.ReasonUnmappedSKU, pipeline.ReasonNoPlan})
			set.Reason = &pipeline.Reason{
				Code: code, Detail: "waits", Causes: []string{"sku:shopify:" + pick(random, []string{"MUG", "CUP"})},
				Currency: pick(random, []money.Currency{"EUR", "USD"}), WaitingMinor: int64(random.IntN(900)),
			}
			return b.Settle(t.Context(), []pipeline.Settlement{set}, nil, time.Now())
		}
		for i := range 1 + random.IntN(9) {
			key := ledger.Key{
				Source: src.String(), LineID: fmt.Sprint(i), ComponentID: "c", DistributorID: fmt.Sprintf("D%02d", min(random.IntN(60), random.IntN(60))),
				Kind: pick(random, []ledger.Kind{ledger.Earning, ledger.Earning, ledger.Maturing, ledger.Breakage}), Currency: pick(random, []money.Currency{"EUR", "USD", "JPY"}),
			}
			from, to := ledger.CommissionExpense, ledger.Account(key.DistributorID, ledger.StatePending)
			switch key.Kind {
			case ledger.Maturing:
				from, to = to, ledger.Account(key.DistributorID, ledger.StateAvailable)
			case ledger.Breakage:
				to = ledger.CompanyBreakage
			}
			set.Postings = append(set.Postings, ledger.Posting{
				EventID: ledger.EventID("acme", key, revision), ProgramID: "acme", Key: key, Revision: revision, From: from, To: to,
				AmountMinor: pick(random, []int64{-700, -3, 5, 1200}), OrderTS: 1, PostedAt: 1,
			})
		}
		return b.Settle(t.Context(), []pipeline.Settlement{set}, nil, time.Now())
	}))
}

// setOpenCommits says that what some orders posted lately belongs to a commit that is still under way.
func setOpenCommits(t *testing.T, s *store.Store, random *rand.Rand) {
	t.Helper()
	check(t, s.Write(t.Context(), "acme", func(ctx context.Context, tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM open_commits WHERE program_id = 'acme'`); err != nil || random.IntN(2) == 0 {
			return err
		}
		for _, prefix := range []string{"a/1", "b/"}[:1+random.IntN(2)] {
			_, err := tx.ExecContext(ctx, `INSERT INTO open_commits (program_id, source, after_batch, run_id)
				SELECT 'acme', $1, max(sequence) - $2, 'r' FROM seals WHERE program_id = 'acme'`, prefix, random.IntN(4))
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// plainly runs a statement that returns names and numbers.
func plainly(t *testing.T, s *store.Store, statement string, args ...any) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	check(t, s.Read(t.Context(), "acme", func(tx *sqlx.Tx) error {
		rows, err := tx.QueryContext(t.Context(), statement, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var name string
			var n int64
			if err := rows.Scan(&name, &n); err != nil {
				return err
			}
			found[name] = n
		}
		return rows.Err()
	}))
	return found
}

// amounts writes minor units as the API does; a currency without a row is zero.
func amounts(currencies map[string]string, minor map[string]int64) map[string]string {
	texts := map[string]string{}
	for currency := range currencies {
		texts[currency] = money.FormatMinor(minor[currency], money.Currency(currency))
	}
	for currency, n := range minor {
		texts[currency] = money.FormatMinor(n, money.Currency(currency))
	}
	return texts
}

func sameOverview(t *testing.T, s, reader *store.Store) {
	t.Helper()
	overview, err := reader.Overview(t.Context(), "acme")
	check(t, err)
	earned := plainly(t, s, `SELECT currency, CAST(sum(amount) AS bigint) FROM ledger WHERE program_id = 'acme' AND kind = 'earning' GROUP BY currency`)
	if diff := gocmp.Diff(amounts(overview.EarnedByMoney, earned), overview.EarnedByMoney); diff != "" {
		t.Fatalf("earned: %s", diff)
	}
	standing, err := reader.Standing(t.Context(), "acme")
	check(t, err)
	plain := plainly(t, s, `SELECT 'postings', count(*) FROM postings WHERE program_id = 'acme'
		UNION ALL SELECT 'unmapped', count(*) FROM orders WHERE program_id = 'acme' AND settlement = 'parked' AND reason_code = 'unmapped_sku'
		UNION ALL SELECT 'parked', count(*) FROM orders WHERE program_id = 'acme' AND settlement = 'parked'
		UNION ALL SELECT 'orders', count(*) FROM orders WHERE program_id = 'acme'`)
	want := []int64{plain["orders"] - plain["unmapped"], plain["orders"] - plain["parked"], plain["postings"]}
	for i, n := range want {
		if stage := standing.Stages[i+1]; stage.Count != n {
			t.Fatalf("%s: %d, want %d", stage.Name, stage.Count, n)
		}
	}
	reasons := plainly(t, s, `SELECT reason_code || ' ' || waiting_currency, CAST(sum(waiting_minor) AS bigint) FROM orders
		WHERE program_id = 'acme' AND settlement = 'parked' GROUP BY reason_code || ' ' || waiting_currency`)
	for _, r := range standing.Waiting {
		if text := money.FormatMinor(reasons[r.Code+" "+r.Currency], money.Currency(r.Currency)); text != r.Waiting {
			t.Fatalf("%s waits with %s, want %s", r.Code, r.Waiting, text)
		}
	}
	if len(reasons) != len(standing.Waiting) {
		t.Fatalf("%d reasons, want %d", len(standing.Waiting), len(reasons))
	}
}

func samePeople(t *testing.T, s, reader *store.Store, people []admin.Distributor) {
	t.Helper()
	for i := 0; i < len(people); i += 4 {
		id := people[i].DistributorID
		profile, err := reader.Profile(t.Context(), "acme", id)
		check(t, err)
		earned := plainly(t, s, `SELECT currency, CAST(sum(amount_minor) AS bigint) FROM postings
			WHERE program_id = 'acme' AND distributor_id = $1 AND kind = 'earning' GROUP BY currency`, id)
		if diff := gocmp.Diff(amounts(nil, earned), profile.Earned); diff != "" {
			t.Fatalf("%s: %s", id, diff)
		}
	}
}

// sameBalances holds what people have against all of their postings that are not hidden.
func sameBalances(t *testing.T, s, reader *store.Store, people []admin.Distributor, month time.Time) {
	t.Helper()
	for i := 0; i < len(people); i += 3 {
		id := people[i].DistributorID
		got, err := reader.BalancesOf(t.Context(), "acme", id, month)
		check(t, err)
		sums := func(what string, args ...any) map[string]int64 {
			return plainly(t, s, `SELECT p.currency, CAST(sum(`+what+`) AS bigint) FROM postings p
				JOIN settlements s ON s.program_id = p.program_id AND s.batch_sequence = p.batch_sequence AND s.first_position = p.first_position
				JOIN seals b ON b.program_id = p.program_id AND b.sequence = p.batch_sequence
				WHERE p.program_id = 'acme' AND p.distributor_id = $1 AND p.kind <> 'breakage' AND NOT EXISTS (SELECT 1 FROM open_commits o
				WHERE o.program_id = 'acme' AND p.batch_sequence > o.after_batch AND substr(s.source, 1, length(o.source)) = o.source)
				GROUP BY p.currency`, append([]any{id}, args...)...)
		}
		pending := sums(`CASE WHEN p.kind = 'earning' THEN p.amount_minor ELSE -p.amount_minor END`)
		available := sums(`CASE WHEN p.kind = 'maturing' THEN p.amount_minor ELSE 0 END`)
		reversed := sums(`CASE WHEN p.kind = 'earning' AND p.amount_minor < 0 THEN p.amount_minor ELSE 0 END`)
		since := sums(`CASE WHEN p.kind = 'earning' AND b.sealed_at >= $2 THEN p.amount_minor ELSE 0 END`, month.UnixMicro())
		var want []channel.Balance
		for _, currency := range slices.Sorted(maps.Keys(pending)) {
			want = append(want, channel.Balance{
				Currency: money.Currency(currency), PendingMinor: pending[currency], AvailableMinor: available[currency],
				ReversedMinor: reversed[currency], SinceMinor: since[currency],
			})
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("%s since %s: %s", id, month, diff)
		}
	}
}

// sameLists reads lists page after page and holds them against everybody who is in them.
func sameLists(t *testing.T, s *store.Store, people []admin.Distributor, random *rand.Rand) {
	t.Helper()
	for range 60 {
		f := query.DistributorFilter{Rank: pick(random, randomRanks), Country: pick(random, randomCountries), Newest: random.IntN(2) == 0}
		f.Status = string(pick(random, append([]genealogy.Status{""}, randomStatuses...)))
		f.Search = pick(random, []string{"", "", "D", "D1", "D7", "code7", "CODE7", "nobody"})
		var want, got []string
		for _, p := range people {
			owns := slices.ContainsFunc(p.Codes, func(code string) bool { return strings.EqualFold(code, f.Search) })
			if (f.Rank == "" || p.Rank == f.Rank) && (f.Country == "" || p.Country == f.Country) && (f.Status == "" || string(p.Status) == f.Status) &&
				(strings.HasPrefix(p.DistributorID, f.Search) || owns) {
				want = append(want, p.DistributorID)
			}
		}
		for page := (query.Page{Limit: 3}); ; {
			list, next, err := s.People(t.Context(), "acme", f, page)
			check(t, err)
			for _, d := range list {
				got = append(got, d.DistributorID)
			}
			if next == "" {
				break
			}
			page.After = next
		}
		if f.Newest { // all came at once: ids in reverse
			slices.Reverse(got)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("%+v: %s", f, diff)
		}
	}
}
