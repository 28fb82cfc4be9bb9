// Package storetest is what every database must do. Each implementer runs it against a real one.
package storetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/duty"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/privacy"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/reconcile"
	"upline.dev/upline/server/reference"
	"upline.dev/upline/server/relay"
	"upline.dev/upline/server/run"
	"upline.dev/upline/server/webhook"
)

// Store is everything the suite asks of a database.
type Store interface {
	inbox.Store
	pipeline.Store
	query.Reader
	admin.Books
	run.Books
	install.Books
	privacy.Books
	reference.Hints
	MergeCustomers(ctx context.Context, program, storeID, kept, gone string) (moved bool, err error)
	auth.Books
	channel.Books
	reconcile.Books
	WishOrder(ctx context.Context, program string, of order.Source, because string, at time.Time) error
	relay.Books
	relay.Trimmed
	duty.Leases
	KeyCheck(ctx context.Context, fresh string) (kept string, err error)
	webhook.Books
	Seals(ctx context.Context, program string, fn func(ledger.Seal, []ledger.Posting, [][32]byte) error) error
	EachSnapshot(ctx context.Context, program string, fn func(id string, snapshot []byte) error) error
	EachOrder(ctx context.Context, program string, fn func(orderID, snapshotID string, snapshot []byte, posted []ledger.Balance) error) error
	EachBeside(ctx context.Context, program string, fn func(query.Beside) error) error
	CountPostings(ctx context.Context, program string) (int64, error)
}

// Opened is one empty database of a test's own.
type Opened struct {
	Store Store
	// Another opens a second handle on the same database, as another process would.
	Another func(t *testing.T) Store
	// Raw is a connection with the owner's rights and none of the product's settings.
	Raw *sql.DB
	// BodiesApart: bodies arrive in inbox_bodies, and not in inbox.
	BodiesApart bool
	// Unprotect are the statements by which an owner takes the ledger's protection away.
	Unprotect []string
	// Forbidden are statements of this database that must be refused beside UPDATE, DELETE and INSERT of the same key;
	// %s is the table.
	Forbidden []string
}

// Run runs the whole suite.
func Run(t *testing.T, open func(t *testing.T) Opened) {
	for _, part := range []map[string]func(*testing.T, *world){suite, accounts, persons, hints, channels, reconciliations, webhooks} {
		for name, test := range part {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, newWorld(t, open(t)))
			})
		}
	}
}

// suite are the tests by name; accounts are those of who signs in.
var suite = map[string]func(*testing.T, *world){
	"inbox/put":                 testPut,
	"inbox/waiting":             testWaiting,
	"inbox/one row per key":     testPutTogether,
	"inbox/duplicates in one":   testPutTwiceInOne,
	"inbox/claim":               testClaim,
	"inbox/claim apart":         testClaimApart,
	"inbox/retry":               testRetry,
	"inbox/finish":              testFinish,
	"inbox/backlog":             testBacklog,
	"inbox/drop bodies":         testDropBodies,
	"inbox/replay":              testReplay,
	"settle/round trip":         testSettle,
	"settle/revisions":          testRevisions,
	"settle/all or nothing":     testAllOrNothing,
	"settle/refuses":            testSettleRefuses,
	"settle/one order at once":  testOneOrderAtOnce,
	"settle/unchanged":          testUnchanged,
	"settle/first arrival":      testFirstArrival,
	"settle/bindings":           testBindings,
	"settle/park and release":   testParkAndRelease,
	"settle/release by people":  testReleaseByPeople,
	"settle/release by plan":    testReleaseByPlan,
	"settle/release by store":   testReleaseByStore,
	"settle/no release is lost": testNoReleaseIsLost,
	"settle/parked deliveries":  testParkedDeliveries,
	"settle/many":               testManyInOneBatch,
	"outbox/position":           testPosition,
	"outbox/trim":               testTrim,
	"processes/leases":          testLeases,
	"processes/keys":            testKeyCheck,
	"ledger/only grows":         testOnlyGrows,
	"ledger/constraints":        testConstraints,
	"ledger/chain":              testChain,
	"ledger/tamper":             testTamper,
	"ledger/unsealed":           testUnsealed,
	"ledger/snapshots":          testSnapshots,
	"ledger/read while written": testReadWhileWritten,
	"ledger/what is beside it":  testBeside,
	"ledger/view":               testLedgerView,
	"facts/people":              testPeople,
	"facts/people refused":      testPeopleRefused,
	"facts/order facts":         testOrderFacts,
	"facts/dry run":             testDryRun,
	"facts/empty fields":        testEmptyFields,
	"facts/codes":               testCodes,
	"facts/mappings":            testMappings,
	"facts/mapping rules":       testMappingRules,
	"facts/closing":             testClosing,
	"facts/stated bindings":     testStatedBindings,
	"facts/bindings refused":    testBindingsRefused,
	"facts/customers merged":    testMergeCustomers,
	"facts/plans":               testPlans,
	"facts/two handles":         testTwoHandles,
	"facts/many people":         testManyPeople,
	"periods/sales":             testSales,
	"periods/late sales":        testLateSales,
	"periods/first orders":      testFirstOrders,
	"periods/people":            testPeopleOfPeriods,
	"periods/commit":            testCommit,
	"periods/earned":            testEarnedBetween,
	"admin/programs and stores": testProgramsAndStores,
	"admin/judged":              testJudged,
	"admin/keys":                testKeys,
	"install/connections":       testConnections,
	"install/one lease":         testConnectionLock,
	"install/stale":             testStaleConnections,
	"install/flows":             testFlows,
	"read/isolation":            testIsolation,
	"read/pages":                testPages,
	"read/orders":               testReadOrders,
	"read/commissions":          testCommissions,
	"read/overview":             testOverview,
	"read/cursors refused":      testCursorsRefused,
}

// The company every test starts with.
const (
	program  = "acme"
	shop     = "acme-shop"
	rival    = "rival"
	rivalLot = "rival-shop"
)

// begin is when everything happens; tests add to it.
var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a database with two companies in it.
type world struct {
	Opened
	ctx  context.Context
	plan *plan.Plan
}

func newWorld(t *testing.T, o Opened) *world {
	w := &world{Opened: o, ctx: t.Context()}
	for _, c := range []struct{ program, store string }{{program, shop}, {rival, rivalLot}} {
		ok(t, w.Store.CreateProgram(w.ctx, admin.Program{ProgramID: c.program, Name: c.program, Currency: "EUR", TimeZone: "UTC"}))
		ok(t, w.Store.CreateStore(w.ctx, admin.Store{
			StoreID: c.store, ProgramID: c.program, Platform: order.Shopify,
			Domain: c.store + ".myshopify.com", Name: c.store, Currency: "EUR",
		}))
	}
	return w
}

// withFacts adds a plan, a chain of four people and a SKU.
func (w *world) withFacts(t *testing.T) {
	t.Helper()
	w.publish(t, `{"name":"flat","components":[{"id":"retail","type":"retail","rates":[{"rate":"5%"}]}]}`)
	w.people(t, person("ann", ""), person("ben", "ann"), person("cyd", "ben"), person("dan", "cyd"))
	_, err := w.Store.PutMappings(w.ctx, program, []catalog.Mapping{mapping("TEA")}, begin, true)
	ok(t, err)
}

func (w *world) publish(t *testing.T, document string) {
	t.Helper()
	p, err := plan.Parse([]byte(document))
	ok(t, err)
	ok(t, w.Store.PublishPlan(w.ctx, program, p, p.Canonical()))
	w.plan = p
}

func (w *world) people(t *testing.T, people ...admin.Distributor) admin.ImportSummary {
	t.Helper()
	summary, err := w.Store.PutDistributors(w.ctx, program, people, begin, true)
	ok(t, err)
	return summary
}

func person(id, sponsor string, codes ...string) admin.Distributor {
	return admin.Distributor{DistributorID: id, SponsorID: sponsor, Status: genealogy.Active, Codes: codes}
}

func mapping(sku string) catalog.Mapping {
	return catalog.Mapping{
		SKUID: sku, Platform: "shopify", PlatformSKU: sku, Name: sku, CommissionClass: "goods",
		CV: catalog.VolumeRule{OfNet: money.One}, ValidFrom: begin.UnixMicro(),
	}
}

func source(n string) order.Source { return order.Source{StoreID: shop, PlatformOrderID: n} }

// sale is an order of one line.
func sale(s order.Source, minor int64) order.Order {
	return order.Order{
		Source: s, Platform: order.Shopify, Name: "#" + s.PlatformOrderID, OrderTS: begin, Status: order.Paid,
		Currency: "EUR", BuyerID: "buyer-" + s.PlatformOrderID,
		Lines: []order.Line{{LineID: "1", Kind: order.Product, PlatformSKU: "TEA", Quantity: 1, UnitPriceMinor: minor, GrossMinor: minor}},
	}
}

// stateOf is what one webhook says of an order.
func stateOf(t *testing.T, o order.Order, version int64) (order.State, order.Revision) {
	t.Helper()
	r := order.Revision{Source: o.Source, Channel: order.Webhook, Kind: order.Snapshot, Version: order.Version{Updated: version}, Order: &o}
	state, err := order.Merge(order.State{}, r)
	ok(t, err)
	return state, r
}

// settled decides an order by hand: the people named earn the amounts given.
func settled(t *testing.T, rec pipeline.SourceRecord, o order.Order, version int64, earn map[string]int64) pipeline.Settlement {
	t.Helper()
	state, revision := stateOf(t, o, version)
	s := pipeline.Settlement{
		Source: o.Source, Platform: o.Platform, State: state, Outcome: pipeline.Settled, Order: &o,
		Net:         order.Breakdown{NetMinor: o.Lines[0].GrossMinor, Counts: true},
		Attribution: order.Attribution{DistributorID: "ben", Winner: order.CartReference, Value: "ben"},
		Revisions:   []pipeline.Revised{{DeliveryID: fmt.Sprintf("d-%s-%d", o.Source.PlatformOrderID, version), Hash: revision.Hash(), Revision: revision}},
		Revision:    rec.Revision,
	}
	s.Pins = &pipeline.Pins{BoundDistributor: "ben"}
	s.Pins.PlanHash, s.Pins.TreeVersion, s.Pins.CatalogVersion, s.Pins.EngineVersion = "plan", 1, 1, 1
	want := make([]ledger.Balance, 0, len(earn))
	for who, minor := range earn {
		want = append(want, ledger.Balance{AmountMinor: minor, Key: ledger.Key{
			Source: o.Source.String(), LineID: "1",
			ComponentID: "retail", DistributorID: who, Kind: ledger.Earning, Currency: "EUR",
		}})
	}
	snapshot := fmt.Sprintf(`{"order":%q,"version":%d,"earn":%d}`, o.Source, version, len(earn))
	sum := sha256.Sum256([]byte(snapshot))
	stamp := ledger.Stamp{SnapshotID: hex.EncodeToString(sum[:]), OrderTS: o.OrderTS.UnixMicro(), PostedAt: begin.UnixMicro()}
	postings, err := ledger.Difference(program, rec.Revision+1, rec.Posted, want, stamp)
	ok(t, err)
	if len(postings) > 0 {
		s.Postings, s.Revision, s.Snapshot, s.SnapshotID = postings, rec.Revision+1, []byte(snapshot), stamp.SnapshotID
	}
	return s
}

// parkedFor waits for causes.
func parkedFor(t *testing.T, o order.Order, code pipeline.ReasonCode, causes ...string) pipeline.Settlement {
	t.Helper()
	state, revision := stateOf(t, o, 1)
	return pipeline.Settlement{
		Source: o.Source, Platform: o.Platform, State: state, Outcome: pipeline.Parked, Order: &o,
		Revisions: []pipeline.Revised{{DeliveryID: "d-" + o.Source.PlatformOrderID, Hash: revision.Hash(), Revision: revision}},
		Reason: &pipeline.Reason{
			Code: code, Detail: "it waits for " + strings.Join(causes, ", "), Causes: causes,
			WaitingMinor: o.Lines[0].GrossMinor, Currency: o.Currency,
		},
	}
}

// settle runs one transaction that settles an order as earn says.
func (w *world) settle(t *testing.T, s Store, o order.Order, version int64, earn map[string]int64) {
	t.Helper()
	ok(t, s.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
		return b.Settle(w.ctx, []pipeline.Settlement{settled(t, b.Sources()[0], o, version, earn)}, nil, begin)
	}))
}

// park runs one transaction that parks an order.
func (w *world) park(t *testing.T, o order.Order, code pipeline.ReasonCode, causes ...string) {
	t.Helper()
	ok(t, w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
		return b.Settle(w.ctx, []pipeline.Settlement{parkedFor(t, o, code, causes...)}, nil, begin)
	}))
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// record reads an order as a transaction finds it.
func (w *world) record(t *testing.T, s Store, src order.Source) (rec pipeline.SourceRecord) {
	t.Helper()
	ok(t, s.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{src}}, func(b pipeline.Books) error {
		rec = b.Sources()[0]
		return nil
	}))
	return rec
}

func (w *world) released(t *testing.T) []string {
	t.Helper()
	list, err := w.Store.ReleasedSources(w.ctx, 100)
	ok(t, err)
	names := make([]string, len(list))
	for i, r := range list {
		names[i] = r.Source.PlatformOrderID
	}
	return names
}

// count asks the database itself.
func (w *world) count(t *testing.T, query string) (n int64) {
	t.Helper()
	ok(t, w.Raw.QueryRowContext(w.ctx, query).Scan(&n))
	return n
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code server.Code) {
	t.Helper()
	if err == nil || server.CodeOf(err) != code {
		t.Fatalf("error %v has code %q, want %q", err, server.CodeOf(err), code)
	}
}
