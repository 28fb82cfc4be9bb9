package store_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/imports"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/run"
	"upline.dev/upline/server/store"
	"upline.dev/upline/server/webhook"
)

// twoPrograms fills every table of two programs.
func twoPrograms(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	for _, program := range []string{"acme", "rival"} {
		check(t, s.CreateProgram(ctx, admin.Program{ProgramID: program, Name: program, Currency: "EUR"}))
		check(t, s.CreateStore(ctx, admin.Store{StoreID: program + "-shop", ProgramID: program, Platform: order.Custom, Domain: program, Currency: "EUR"}))
		check(t, s.CreateAPIKey(ctx, admin.APIKey{KeyID: program, ProgramID: program, Hash: admin.HashAPIKey(program)}))
		check(t, s.Audit(ctx, program, "cli", "test", "", ""))
		_, err := s.PutSetting(ctx, program, "branding", []byte("{}"), 0, "cli")
		check(t, err)
		_, err = s.PutMappingRules(ctx, program, []byte(`[{"prefix":"x"}]`), 0, "cli")
		check(t, err)
		_, err = s.PutView(ctx, program, admin.View{ViewID: program, Actor: "cli", List: "orders", Name: "v", Query: "a=b", Shared: true}, 1)
		check(t, err)
		check(t, s.CreateImport(ctx, imports.Import{ImportID: program, ProgramID: program, State: imports.Uploaded}))
		check(t, s.CreatePerson(ctx, auth.Person{PersonID: program, Email: program}, false))
		check(t, s.PutMember(ctx, program, program, auth.Owner))
		check(t, s.CreateSession(ctx, auth.Session{SessionID: program, Hash: auth.HashToken(program), ProgramID: program, ExpiresAt: time.Now().Add(time.Hour)}))
		check(t, s.PutInvitation(ctx, auth.Invitation{InvitationID: program, ProgramID: program, Hash: auth.HashToken(program)}))
		_, err = s.PutDistributors(ctx, program, []admin.Distributor{
			{DistributorID: "ann", Codes: []string{"X"}, SealedProfile: []byte("p"), EnrolledAt: time.Now(), Place: &admin.Place{}},
			{DistributorID: "ben", SponsorID: "ann"},
			{DistributorID: "cyd", SponsorID: "ben", EnrollerID: pointer("ann")},
		}, time.Now(), true)
		check(t, err)
		_, err = s.PutDeliveries(ctx, []inbox.Row{{Delivery: order.Delivery{
			DeliveryID: program, ProgramID: program, StoreID: program + "-shop",
			PlatformDeliveryID: "k", ReceivedAt: time.Now(),
		}, SealedBody: []byte("b"), Status: inbox.Waiting}})
		check(t, err)
		src := order.Source{StoreID: program + "-shop", PlatformOrderID: "1"}
		key := ledger.Key{Source: src.String(), ComponentID: "c", DistributorID: "ann", Kind: ledger.Earning, Currency: "EUR"}
		check(t, s.InTx(ctx, program, pipeline.Subject{Sources: []order.Source{src}}, func(b pipeline.Books) error {
			return b.Settle(ctx, []pipeline.Settlement{{
				Source: src, Outcome: pipeline.Settled, Revision: 1,
				Revisions: []pipeline.Revised{{DeliveryID: program}},
				Binding:   &pipeline.Binding{Customer: pipeline.Customer{StoreID: src.StoreID, CustomerID: "c"}, DistributorID: "ann"},
				Sales:     []pipeline.Sale{{LineID: "1", SellerID: "ann", CommissionClass: "c", Currency: "EUR", OrderTS: 1, Quantity: 1}},
				Postings: []ledger.Posting{{
					EventID: ledger.EventID(program, key, 1), ProgramID: program, Key: key, Revision: 1,
					From: "a", To: "b", AmountMinor: 5, OrderTS: 1, PostedAt: 1,
				}},
			}}, nil, time.Now())
		}))
		s.KeepSums(program)
		_, err = s.PutBindings(ctx, program, []admin.Binding{{StoreID: src.StoreID, CustomerID: "c", Kind: order.SelfBinding, DistributorID: "ann"}}, time.Now(), true)
		check(t, err)
		fillPeriods(t, s, program)
		_, err = s.ChangeConnection(ctx, program+"-shop", func(c *install.Connection) error { c.State = install.Connected; return nil })
		check(t, err)
		check(t, s.PutChannel(ctx, &channel.Channel{StoreID: program + "-shop", ProgramID: program, SealedIdentityKey: []byte("k"), ClaimedAt: time.Now()}))
		_, _, err = s.LeasePosition(ctx, program, "bus", "one", time.Now(), time.Now().Add(time.Hour))
		check(t, err)
		fillWebhooks(t, s, program)
		_, err = s.UseNonce(ctx, program, program+"-shop", "n", time.Now(), time.Now().Add(time.Hour))
		check(t, err)
		check(t, s.PutFlow(ctx, install.FlowRow{Hash: admin.HashAPIKey(program), Sealed: []byte("x"), Flow: install.Flow{
			ProgramID: program, CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
		}}))
	}
}

// fillWebhooks sends an endpoint a message.
func fillWebhooks(t *testing.T, s *store.Store, program string) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	check(t, s.CreateEndpoint(ctx, webhook.Endpoint{ProgramID: program, EndpointID: "e", Types: []string{"plan.published"}, State: webhook.Active, SealedSecret: []byte("s"), CreatedAt: now}, 1))
	check(t, s.AddMessages(ctx, program, []string{"e"}, []webhook.Message{{EventID: "1", DueAt: now, CreatedAt: now}}))
	_, err := s.LeaseEndpoint(ctx, program, "e", "one", now, now.Add(time.Minute))
	check(t, err)
	_, err = s.Record(ctx, program, "e", "one", []webhook.Result{{Sequence: 1, State: webhook.Delivered, Attempt: webhook.Attempt{Attempt: 1, At: now, Status: 200}}}, now)
	check(t, err)
}

// fillPeriods closes a period of a program, and leaves another one half committed.
func fillPeriods(t *testing.T, s *store.Store, program string) {
	t.Helper()
	ctx := t.Context()
	check(t, s.RollUp(ctx, program, 0, 10))
	check(t, s.PutOverride(ctx, program, run.Override{OverrideID: program, DistributorID: "ann", Rank: "gold", ValidUntil: 9, Reason: "x"}))
	for _, id := range []string{"2026-03", "2026-04"} {
		open := run.Period{Kind: "monthly", PeriodID: id, State: run.Open}
		locked, begun := open, open
		locked.State, locked.RunID = run.Locked, program+id+"lock"
		check(t, s.Lock(ctx, program, open, locked, run.Run{RunID: locked.RunID, Kind: "monthly", PeriodID: id, Action: run.ActionLock}))
		begun.State, begun.RunID, begun.Revision = run.Committing, program+id+"commit", 1
		check(t, s.BeginCommit(ctx, program, locked, begun, []string{run.SourcesOf("pool", id)}))
		check(t, s.CommitChunk(ctx, program, begun, run.Chunk{
			Ranks: []run.Rank{{DistributorID: "ann"}}, States: []run.StatePart{{ComponentID: "*", State: []byte("{}")}},
		}))
		if id == "2026-03" {
			check(t, s.FinishCommit(ctx, program, begun, run.Run{RunID: begun.RunID, Kind: "monthly", PeriodID: id, Action: run.ActionCommit}))
		}
	}
}

func pointer[T any](v T) *T { return &v }

// The tables of one program's facts, and those that are read before the program is known.
var (
	closedTables = []string{
		"distributors", "distributor_profiles", "genealogy_links", "standings", "distributor_codes",
		"order_revisions", "orders", "customer_bindings", "stated_bindings", "settlements", "postings", "seals", "outbox", "audit_log", "ledger",
		"enroller_links", "placements", "person_facts", "rank_overrides", "sale_heads", "sales", "sale_sums", "sale_sums_upto", "periods", "runs",
		"open_commits", "ledger_sums", "distributor_sums", "rank_history", "component_states", "program_settings", "imports", "relay_positions", "webhook_attempts",
	}
	openTables = []string{"programs", "stores", "api_keys", "inbox", "inbox_bodies", "inbox_state", "store_credentials", "install_states", "memberships", "sessions", "invitations", "store_channels", "channel_nonces", "webhook_endpoints", "webhook_messages"}
)

// TestRowLevelSecurity: a statement that forgets to name its program sees nothing of another one's.
func TestRowLevelSecurity(t *testing.T) {
	t.Parallel()
	s := openStore(t, store.Config{DatabaseURL: newDatabase(t, postgresServer(t))})
	twoPrograms(t, s)
	var role string
	if check(t, s.Writer().Get(&role, `SELECT current_user`)); role != "upline_app" {
		t.Fatalf("the store serves as %s", role)
	}
	count := func(scope, table string) (programs []string) {
		t.Helper()
		tx, err := s.Writer().Beginx()
		check(t, err)
		defer func() { _ = tx.Rollback() }()
		if scope != "" {
			_, err := tx.Exec(`SELECT set_config('upline.program', $1, true)`, scope)
			check(t, err)
		}
		check(t, tx.Select(&programs, `SELECT DISTINCT program_id FROM `+table+` ORDER BY program_id`))
		return programs
	}
	for _, table := range closedTables {
		for scope, want := range map[string][]string{"": nil, "nobody": nil, "acme": {"acme"}, "rival": {"rival"}} {
			if diff := cmp.Diff(want, count(scope, table)); diff != "" {
				t.Errorf("%s in the name of %q: %s", table, scope, diff)
			}
		}
	}
	for scope, want := range map[string]int{"": 2, "acme": 0} {
		if got := people(t, s, scope); got != want {
			t.Errorf("%d accounts in the name of %q, want %d: they are of no program", got, scope, want)
		}
	}
	for _, table := range openTables {
		for scope, want := range map[string][]string{"": {"acme", "rival"}, "nobody": nil, "acme": {"acme"}} {
			if diff := cmp.Diff(want, count(scope, table)); diff != "" {
				t.Errorf("%s in the name of %q: %s", table, scope, diff)
			}
		}
	}
	tx, err := s.Writer().Beginx()
	check(t, err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.Exec(`SELECT set_config('upline.program', 'acme', true)`)
	check(t, err)
	if _, err := tx.Exec(`INSERT INTO audit_log VALUES ('rival', 'x', 1, '', '', '', '')`); err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("a row is written for another program: %v", err)
	}
}

// TestEveryTableIsSecured: a table that a later migration adds does not go without a policy.
func TestEveryTableIsSecured(t *testing.T) {
	t.Parallel()
	raw := openRaw(t, newDatabase(t, postgresServer(t)))
	rows, err := raw.Query(`SELECT c.relname, c.relispartition, c.relrowsecurity AND (c.relforcerowsecurity OR c.relispartition),
		has_table_privilege('upline_app', c.oid, 'SELECT'), has_table_privilege('upline_app', c.oid, 'UPDATE'),
		has_table_privilege('upline_app', c.oid, 'DELETE'), has_table_privilege('upline_app', c.oid, 'TRUNCATE')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'goose_db_version'`)
	check(t, err)
	defer rows.Close()
	growing, tables := map[string]bool{
		"postings": true, "settlements": true, "seals": true, "order_revisions": true, "audit_log": true, "sales": true, "runs": true,
		"rank_history": true, "component_states": true,
	}, 0
	installation := map[string]bool{"leases": true, "installation": true} // of no program: who does what, and what the database is
	for rows.Next() {
		var name string
		var partition, secured, mayRead, mayUpdate, mayDelete, mayTruncate bool
		check(t, rows.Scan(&name, &partition, &secured, &mayRead, &mayUpdate, &mayDelete, &mayTruncate))
		tables++
		if partition { // Who may see which of its rows is said of the whole, through which alone it is seen.
			if !secured || mayRead || mayUpdate || mayDelete || mayTruncate {
				t.Errorf("the partition %s: secured %v, read %v, update %v, delete %v, truncate %v", name, secured, mayRead, mayUpdate, mayDelete, mayTruncate)
			}
			continue
		}
		if secured == installation[name] || !mayRead || mayTruncate || mayUpdate == growing[name] || mayDelete == growing[name] {
			t.Errorf("%s: secured %v, read %v, update %v, delete %v, truncate %v", name, secured, mayRead, mayUpdate, mayDelete, mayTruncate)
		}
	}
	check(t, rows.Err())
	if tables < 20 {
		t.Fatalf("only %d tables were looked at", tables)
	}
}

// TestServingRole: the role that serves may not take the protection away.
func TestServingRole(t *testing.T) {
	t.Parallel()
	s := openStore(t, store.Config{DatabaseURL: newDatabase(t, postgresServer(t))})
	twoPrograms(t, s)
	for _, statement := range []string{
		`UPDATE postings SET amount_minor = 1`, `DELETE FROM seals`, `TRUNCATE audit_log`, `DELETE FROM settlements`,
		`ALTER TABLE postings DISABLE TRIGGER ALL`, `DROP TRIGGER postings_no_change ON postings`, `DROP TABLE postings`,
		`ALTER TABLE orders DISABLE ROW LEVEL SECURITY`, `DROP POLICY orders_of_program ON orders`,
		`SET session_replication_role = replica`, `CREATE TABLE mine (x int)`, `SELECT FROM postings_1`, `INSERT INTO postings_1 DEFAULT VALUES`,
		`ALTER TABLE postings DETACH PARTITION postings_1`, `TRUNCATE postings_1`, `SELECT upline_new_ledger_partition('mine')`,
		`SELECT FROM inbox_bodies_rest`, `DROP TABLE inbox_bodies_rest`, `SELECT upline_new_body_partition('mine')`, `SELECT upline_move_bodies('inbox_bodies_rest', 0, 1, 1)`,
	} {
		if _, err := s.Writer().Exec(statement); err == nil {
			t.Errorf("%s is not refused", statement)
		}
	}
}

// TestLoginWithoutRole: a login that may not take the serving role serves with its own rights and says so.
func TestLoginWithoutRole(t *testing.T) {
	t.Parallel()
	server := postgresServer(t)
	dsn := newDatabase(t, server)
	raw := openRaw(t, dsn)
	login := fmt.Sprintf("upline_plain_%d", databases.Add(1))
	exec(t, raw, `CREATE ROLE `+login+` LOGIN PASSWORD 'x'`, `GRANT ALL ON ALL TABLES IN SCHEMA public TO `+login)
	t.Cleanup(func() { exec(t, raw, `DROP OWNED BY `+login, `DROP ROLE `+login) })
	u, err := url.Parse(dsn)
	check(t, err)
	u.User = url.UserPassword(login, "x")
	var log bytes.Buffer
	s := openStore(t, store.Config{DatabaseURL: u.String(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if !strings.Contains(log.String(), "upline_app") || !strings.Contains(log.String(), "level=WARN") {
		t.Fatalf("it does not say so: %s", log.String())
	}
	twoPrograms(t, s)
	for _, statement := range []string{`UPDATE postings SET amount_minor = 1`, `TRUNCATE postings`} {
		tx, err := s.Writer().Beginx()
		check(t, err)
		_, err = tx.Exec(`SELECT set_config('upline.program', 'acme', true)`)
		check(t, err)
		if _, err := tx.Exec(statement); err == nil {
			t.Errorf("%s is not refused", statement)
		}
		check(t, tx.Rollback())
	}
	var programs int
	if check(t, s.Writer().Get(&programs, `SELECT count(*) FROM orders`)); programs != 0 {
		t.Errorf("%d orders are seen without a program", programs)
	}
}

func exec(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Error(err)
		}
	}
}

// people counts the accounts that a transaction of a program sees.
func people(t *testing.T, s *store.Store, scope string) (n int) {
	t.Helper()
	tx, err := s.Writer().Beginx()
	check(t, err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.Exec(`SELECT set_config('upline.program', $1, true)`, scope)
	check(t, err)
	check(t, tx.Get(&n, `SELECT count(*) FROM people`))
	return n
}
