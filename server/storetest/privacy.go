package storetest

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/privacy"
)

// persons are the tests of what persons and shops ask for.
var persons = map[string]func(*testing.T, *world){
	"privacy/requests":          testPrivacyRequests,
	"privacy/export":            testPrivacyExport,
	"privacy/erase customer":    testEraseCustomer,
	"privacy/erase store":       testEraseStore,
	"privacy/erase distributor": testEraseDistributor,
}

// plainSeal keeps what it is given, bound to its row, and opens bodies as delivery makes them.
type plainSeal struct{}

func (plainSeal) Seal(plain, associated []byte) ([]byte, error) {
	return append([]byte(string(associated)+"\x00|"), plain...), nil
}

func (plainSeal) Open(sealed, associated []byte) ([]byte, error) {
	if text, found := strings.CutPrefix(string(sealed), string(associated)+"\x00|"); found {
		return []byte(text), nil
	}
	return nil, errors.New("sealed for another row")
}

// bodies opens what delivery has sealed.
type bodies struct{}

func (bodies) Open(row inbox.Row) ([]byte, error) {
	if row.SealedBody == nil {
		return nil, server.Errorf(server.NotFound, "no body")
	}
	return []byte(strings.TrimPrefix(string(row.SealedBody), "sealed ")), nil
}

// service is the product's own, on this database, at a time of the test's.
func (w *world) service(books privacy.Books, now *time.Time) *privacy.Service {
	return privacy.New(privacy.Service{Books: books, Sealer: plainSeal{}, Bodies: bodies{}, Clock: func() time.Time { return *now }})
}

// bought settles an order of a customer, told by one delivery whose body names them.
func (w *world) bought(t *testing.T, number, customer string) {
	t.Helper()
	body := fmt.Sprintf(`{"id":%s,"customer":{"id":%q,"email":"%s@example.com"}}`, number, customer, customer)
	w.put(t, delivery("d"+number, "k"+number, body, begin))
	o := sale(source(number), 1000)
	o.BuyerID = customer
	ok(t, w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
		s := settled(t, b.Sources()[0], o, 1, map[string]int64{"ben": 50, "ann": 25})
		s.Deliveries = []inbox.Finished{{DeliveryID: "d" + number, Status: inbox.Done, Result: "settled", At: begin}}
		s.Binding = &pipeline.Binding{Customer: pipeline.Customer{StoreID: shop, CustomerID: customer}, DistributorID: "ben", BoundAt: 5, Source: "x"}
		return b.Settle(w.ctx, []pipeline.Settlement{s}, nil, begin)
	}))
}

// note stores a delivery that is of no order, and ends it.
func (w *world) note(t *testing.T, id, body string) {
	t.Helper()
	w.put(t, delivery(id, "k"+id, body, begin))
	ok(t, w.Store.FinishDeliveries(w.ctx, []inbox.Finished{{DeliveryID: id, Status: inbox.Done, Result: "acted", At: begin}}))
}

// kept names the deliveries whose body is there, sorted.
func (w *world) kept(t *testing.T) string {
	t.Helper()
	query := `SELECT delivery_id FROM inbox WHERE sealed_body IS NOT NULL`
	if w.BodiesApart {
		query += ` UNION ALL SELECT delivery_id FROM inbox_bodies`
	}
	rows, err := w.Raw.QueryContext(w.ctx, query+` ORDER BY delivery_id`)
	ok(t, err)
	defer func() { _ = rows.Close() }()
	var names []string
	for rows.Next() {
		var name string
		ok(t, rows.Scan(&name))
		names = append(names, name)
	}
	ok(t, rows.Err())
	return strings.Join(names, " ")
}

// untouchable is everything that no erasure may change, as one text: what is posted, sealed, explained and recorded.
func (w *world) untouchable(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	ok(t, w.Store.Seals(w.ctx, program, func(s ledger.Seal, postings []ledger.Posting, leaves [][32]byte) error {
		fmt.Fprintln(&out, s, postings, leaves)
		return nil
	}))
	ok(t, w.Store.EachSnapshot(w.ctx, program, func(id string, snapshot []byte) error {
		fmt.Fprintln(&out, id, string(snapshot))
		return nil
	}))
	rows, err := w.Raw.QueryContext(w.ctx, `SELECT source, revision_json FROM order_revisions ORDER BY source, revision_json`)
	ok(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var source, revision string
		ok(t, rows.Scan(&source, &revision))
		fmt.Fprintln(&out, source, revision)
	}
	ok(t, rows.Err())
	return out.String()
}

func (w *world) ask(t *testing.T, s *privacy.Service, a privacy.Ask) string {
	t.Helper()
	a.ProgramID, a.Actor = program, "test"
	if a.ReceivedAt.IsZero() {
		a.ReceivedAt = begin.Add(time.Hour)
	}
	id, err := s.Take(w.ctx, a)
	ok(t, err)
	return id
}

func (w *world) request(t *testing.T, id string) privacy.Request {
	t.Helper()
	r, err := w.Store.Request(w.ctx, program, id)
	ok(t, err)
	return r
}

// testPrivacyRequests: one key is one request, its detail is sealed and gone once it is done, and lists are in pages.
func testPrivacyRequests(t *testing.T, w *world) {
	now := begin.Add(time.Hour)
	s := w.service(w.Store, &now)
	ask := privacy.Ask{
		StoreID: shop, Kind: privacy.CustomerExport, Subject: "77", Key: "9999",
		Detail: privacy.Detail{Email: "jo@example.com", OrderIDs: []string{"1"}},
	}
	id := w.ask(t, s, ask)
	if again := w.ask(t, s, ask); again != id {
		t.Fatalf("asked twice it is %s and %s", id, again)
	}
	r := w.request(t, id)
	if r.Status != privacy.Open || !r.DueAt.Equal(now.Add(privacy.Deadline)) || r.Actor != "test" || r.SealedDetail == nil {
		t.Fatalf("%+v", r)
	}
	now = now.Add(time.Millisecond)
	unnamed := privacy.Ask{StoreID: shop, Kind: privacy.CustomerErase, Subject: "77"}
	first, second := w.ask(t, s, unnamed), w.ask(t, s, unnamed)
	if first == second {
		t.Fatal("what has no key is asked anew each time")
	}
	for name, bad := range map[string]privacy.Ask{
		"no store":  {Kind: privacy.CustomerErase, Subject: "1"},
		"no person": {Kind: privacy.CustomerExport, StoreID: shop},
		"nobody":    {Kind: privacy.DistributorErase},
		"no kind":   {StoreID: shop, Subject: "1"},
		"no shop":   {Kind: privacy.StoreErase},
	} {
		bad.ProgramID = program
		_, err := s.Take(w.ctx, bad)
		if server.CodeOf(err) != server.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	var listed []string
	for after := ""; ; {
		page, next, err := w.Store.Requests(w.ctx, program, privacy.Filter{StoreID: shop, Status: privacy.Open}, 2, after)
		ok(t, err)
		for _, r := range page {
			listed = append(listed, r.RequestID)
		}
		if after = next; after == "" {
			break
		}
	}
	if len(listed) != 3 || listed[2] != id {
		t.Fatalf("newest first: %v", listed)
	}
	if foreign, _, err := w.Store.Requests(w.ctx, rival, privacy.Filter{}, 10, ""); err != nil || len(foreign) != 0 {
		t.Fatalf("the other company sees %v, %v", foreign, err)
	}
	ok(t, w.Store.PutOff(w.ctx, program, id, now.Add(time.Hour), "later"))
	due, err := w.Store.DueRequests(w.ctx, program, now, 10)
	if ok(t, err); len(due) != 2 {
		t.Fatalf("%d are due", len(due))
	}
	ok(t, w.Store.Finish(w.ctx, program, id, "done", map[string]int64{"orders": 3}, now))
	ok(t, w.Store.Finish(w.ctx, program, id, "again", nil, now.Add(time.Hour)))
	if r = w.request(t, id); r.Status != privacy.Done || r.SealedDetail != nil || r.Note != "done" || r.Counts["orders"] != 3 || r.Attempt != 1 {
		t.Fatalf("%+v", r)
	}
	if _, err = w.Store.Request(w.ctx, program, "none"); server.CodeOf(err) != server.NotFound {
		t.Fatal(err)
	}
}

// testPrivacyExport: the files hold what is kept of one person and nothing of others; taking them leaves a line.
func testPrivacyExport(t *testing.T, w *world) {
	w.withFacts(t)
	w.bought(t, "1", "77")
	w.bought(t, "2", "77")
	w.bought(t, "3", "770")
	w.bindAt(t, begin, admin.ImportSummary{Added: 1}, sponsored("77", "cyd"))
	now := begin.Add(2 * time.Hour)
	s := w.service(w.Store, &now)
	id := w.ask(t, s, privacy.Ask{StoreID: shop, Kind: privacy.CustomerExport, Subject: "77", Detail: privacy.Detail{OrderIDs: []string{"2", "404"}}})
	if _, err := s.Download(w.ctx, program, id, "json", "jo"); server.CodeOf(err) != server.Conflict {
		t.Fatalf("before it is made: %v", err)
	}
	for range 2 {
		ok(t, s.Work(w.ctx))
	}
	r := w.request(t, id)
	if diff := cmp.Diff(map[string]int64{"orders": 2, "bindings": 2, "deliveries": 2}, r.Counts); diff != "" || r.Status != privacy.Done {
		t.Fatalf("%s: %s", r.Status, diff)
	}
	text, err := s.Download(w.ctx, program, id, "json", "jo")
	ok(t, err)
	var file privacy.File
	ok(t, json.Unmarshal(text, &file))
	if len(file.Orders) != 2 || file.Orders[0].Net != "10.00" || len(file.Orders[0].Revisions) != 1 || len(file.Deliveries) != 2 {
		t.Fatalf("%s", text)
	}
	if !strings.Contains(string(file.Deliveries[0].Body), `77@example.com`) || strings.Contains(string(text), `"770"`) {
		t.Fatalf("%s", text)
	}
	table, err := s.Download(w.ctx, program, id, "csv", "jo")
	ok(t, err)
	rows, err := csv.NewReader(strings.NewReader(string(table))).ReadAll()
	if ok(t, err); len(rows) != 3 || rows[1][0] != source("1").String() || rows[2][5] != "10.00" {
		t.Fatalf("%v", rows)
	}
	if n := w.count(t, `SELECT count(*) FROM audit_log WHERE action = 'privacy.download' AND actor = 'jo'`); n != 2 {
		t.Fatalf("%d lines tell who took the files", n)
	}
	if n := w.count(t, `SELECT count(*) FROM privacy_exports WHERE store_id = '`+shop+`' AND subject = '77'`); n != 2 {
		t.Fatalf("%d files", n)
	}
	if _, err := s.Download(w.ctx, program, id, "pdf", "jo"); server.CodeOf(err) != server.Invalid {
		t.Fatal(err)
	}
	if _, err := s.Download(w.ctx, rival, id, "json", "jo"); server.CodeOf(err) != server.NotFound {
		t.Fatalf("the other company: %v", err)
	}
	now = now.Add(privacy.ExportLife + time.Hour)
	ok(t, s.Work(w.ctx))
	if _, err := s.Download(w.ctx, program, id, "json", "jo"); server.CodeOf(err) != server.NotFound {
		t.Fatalf("after its time: %v", err)
	}
}

// faulty fails the nth call that writes, as a database that goes away or a process that dies does.
type faulty struct {
	privacy.Books
	left int
}

var errDied = errors.New("the process died")

func (f *faulty) strike() error {
	if f.left--; f.left == 0 {
		return errDied
	}
	return nil
}

func (f *faulty) DropBodiesOf(ctx context.Context, program string, sources []string) (int64, error) {
	if err := f.strike(); err != nil {
		return 0, err
	}
	n, err := f.Books.DropBodiesOf(ctx, program, sources)
	return n, errors.Join(err, f.strike())
}

func (f *faulty) DropBodiesByID(ctx context.Context, program string, ids []string) (int64, error) {
	n, err := f.Books.DropBodiesByID(ctx, program, ids)
	return n, errors.Join(err, f.strike())
}

func (f *faulty) EraseBindings(ctx context.Context, program, store, customer string) (int64, error) {
	n, err := f.Books.EraseBindings(ctx, program, store, customer)
	return n, errors.Join(err, f.strike())
}

func (f *faulty) EraseExports(ctx context.Context, program, store, subject string) (int64, error) {
	n, err := f.Books.EraseExports(ctx, program, store, subject)
	return n, errors.Join(err, f.strike())
}

func (f *faulty) Finish(ctx context.Context, program, id, note string, counts map[string]int64, at time.Time) error {
	if err := f.strike(); err != nil {
		return err
	}
	return f.Books.Finish(ctx, program, id, note, counts, at)
}

// testEraseCustomer: wherever it dies, going on ends alike: what is personal of this customer is gone, everybody else's
// is there, and the ledger is what it was, seal for seal.
func testEraseCustomer(t *testing.T, w *world) {
	w.withFacts(t)
	w.bought(t, "1", "77")
	w.bought(t, "2", "770")
	w.bought(t, "3", "78")
	w.note(t, "n1", `{"shop_id":1,"customer":{"id":77,"email":"x@example.com"}}`)
	w.note(t, "n2", `{"shop_id":1,"customer":{"id":770,"email":"JO@example.com"}}`)
	w.note(t, "n3", `{"shop_id":1,"customer":{"id":770,"phone":"555-625"}}`)
	w.bindAt(t, begin, admin.ImportSummary{Added: 2}, sponsored("77", "cyd"), sponsored("770", "cyd"))
	now := begin.Add(2 * time.Hour)
	export := w.service(w.Store, &now)
	w.ask(t, export, privacy.Ask{StoreID: shop, Kind: privacy.CustomerExport, Subject: "77", Key: "1"})
	w.ask(t, export, privacy.Ask{StoreID: shop, Kind: privacy.CustomerExport, Subject: "770", Key: "1"})
	ok(t, export.Work(w.ctx))
	before := w.untouchable(t)

	w.put(t, delivery("late", "klate", `{"customer":{"id":77}}`, begin)) // it waits
	id := w.ask(t, export, privacy.Ask{
		StoreID: shop, Kind: privacy.CustomerErase, Subject: "77", Key: "e",
		Detail: privacy.Detail{Email: "Jo@Example.com", OrderIDs: []string{"3"}},
	})
	ok(t, export.Work(w.ctx))
	if r := w.request(t, id); r.Status != privacy.Open || !strings.Contains(r.Note, "1 deliveries") || !strings.Contains(w.kept(t), "late") {
		t.Fatalf("what is not decided is erased: %+v", r)
	}
	ok(t, w.Store.FinishDeliveries(w.ctx, []inbox.Finished{{DeliveryID: "late", Status: inbox.Parked, Result: "malformed", At: begin}}))
	for step := 1; w.request(t, id).Status == privacy.Open; step++ {
		if step > 20 {
			t.Fatal("it never ends")
		}
		now = now.Add(12 * time.Hour)
		if err := w.service(&faulty{Books: w.Store, left: step}, &now).Work(w.ctx); err != nil && !errors.Is(err, errDied) {
			t.Fatal(err)
		}
	}
	if got := w.kept(t); got != "d2 n3" {
		t.Fatalf("bodies that are kept: %s", got)
	}
	if n := w.count(t, `SELECT count(*) FROM (SELECT customer_id FROM customer_bindings UNION ALL SELECT customer_id FROM stated_bindings) b WHERE customer_id = '77'`); n != 0 {
		t.Fatalf("%d bindings of the customer", n)
	}
	if n := w.count(t, `SELECT count(*) FROM (SELECT customer_id FROM customer_bindings UNION ALL SELECT customer_id FROM stated_bindings) b WHERE customer_id = '770'`); n != 2 {
		t.Fatalf("%d bindings of another", n)
	}
	if n := w.count(t, `SELECT count(*) FROM privacy_exports WHERE subject = '77'`); n != 0 {
		t.Fatalf("%d export files", n)
	}
	if n := w.count(t, `SELECT count(*) FROM privacy_exports WHERE subject = '770'`); n != 2 {
		t.Fatalf("%d export files of another", n)
	}
	if diff := cmp.Diff(before, w.untouchable(t)); diff != "" {
		t.Fatalf("the ledger changed: %s", diff)
	}
	if n := w.verify(t, program); n != 3 {
		t.Fatalf("%d batches verify, want 3", n)
	}
	// Its orders go on as they were: a refund is settled from what is stored.
	o := sale(source("1"), 1000)
	o.BuyerID = "77"
	w.settle(t, w.Store, o, 2, map[string]int64{})
	if rec := w.record(t, w.Store, source("1")); rec.Revision != 2 || rec.Pins == nil || rec.Pins.BoundDistributor != "ben" {
		t.Fatalf("%+v", rec)
	}
}

// testEraseStore: everything personal of one store goes, unless it is connected again.
func testEraseStore(t *testing.T, w *world) {
	w.withFacts(t)
	w.bought(t, "1", "77")
	w.note(t, "n1", `{"email":"owner@example.com"}`)
	w.bindAt(t, begin, admin.ImportSummary{Added: 1}, sponsored("78", "cyd"))
	foreign := delivery("f", "kf", "{}", begin)
	foreign.ProgramID, foreign.StoreID = rival, rivalLot
	w.put(t, foreign)
	now := begin.Add(2 * time.Hour)
	s := w.service(w.Store, &now)
	w.ask(t, s, privacy.Ask{StoreID: shop, Kind: privacy.CustomerExport, Subject: "77", Key: "1"})
	ok(t, s.Work(w.ctx))
	before := w.untouchable(t)

	connected := true
	s.Connected = func(context.Context, string) (bool, error) { return connected, nil }
	old := w.ask(t, s, privacy.Ask{StoreID: shop, Kind: privacy.StoreErase, Key: "old"})
	ok(t, s.Work(w.ctx))
	if r := w.request(t, old); r.Status != privacy.Done || !strings.Contains(r.Note, "connected again") || w.kept(t) != "d1 f n1" {
		t.Fatalf("%+v, kept %s", r, w.kept(t))
	}
	connected = false
	id := w.ask(t, s, privacy.Ask{StoreID: shop, Kind: privacy.StoreErase, Key: "new"})
	ok(t, s.Work(w.ctx))
	r := w.request(t, id)
	if diff := cmp.Diff(map[string]int64{"bodies": 2, "bindings": 2, "hints": 0, "exports": 2}, r.Counts); diff != "" || r.Status != privacy.Done {
		t.Fatalf("%+v: %s", r, diff)
	}
	if w.kept(t) != "f" || w.count(t, `SELECT count(*) FROM customer_bindings`)+w.count(t, `SELECT count(*) FROM stated_bindings`)+w.count(t, `SELECT count(*) FROM privacy_exports`) != 0 {
		t.Fatalf("kept %s", w.kept(t))
	}
	if diff := cmp.Diff(before, w.untouchable(t)); diff != "" {
		t.Fatalf("the ledger changed: %s", diff)
	}
	if n := w.verify(t, program); n != 1 {
		t.Fatalf("%d batches verify", n)
	}
}

// testEraseDistributor: only somebody who has left is forgotten; their earnings stay under the id.
func testEraseDistributor(t *testing.T, w *world) {
	w.withFacts(t)
	ann := person("ann", "")
	ann.SealedProfile, ann.SealedTaxID = []byte("name"), []byte("tax")
	w.people(t, ann)
	w.bought(t, "1", "77")
	before := w.untouchable(t)
	now := begin.Add(2 * time.Hour)
	s := w.service(w.Store, &now)
	early := w.ask(t, s, privacy.Ask{Kind: privacy.DistributorErase, Subject: "ann"})
	nobody := w.ask(t, s, privacy.Ask{Kind: privacy.DistributorErase, Subject: "nobody"})
	ok(t, s.Work(w.ctx))
	if r := w.request(t, early); r.Status != privacy.Done || !strings.Contains(r.Note, "terminate them first") {
		t.Fatalf("%+v", r)
	}
	if r := w.request(t, nobody); r.Status != privacy.Done || !strings.Contains(r.Note, "There is no distributor nobody") {
		t.Fatalf("%+v", r)
	}
	if n := w.count(t, `SELECT count(*) FROM distributor_profiles`); n != 1 {
		t.Fatalf("%d profiles", n)
	}
	ann.Status, ann.SealedProfile, ann.SealedTaxID = "terminated", nil, nil
	w.people(t, ann)
	id := w.ask(t, s, privacy.Ask{Kind: privacy.DistributorErase, Subject: "ann"})
	ok(t, s.Work(w.ctx))
	if r := w.request(t, id); r.Status != privacy.Done || r.Counts["profiles"] != 1 {
		t.Fatalf("%+v", r)
	}
	if n := w.count(t, `SELECT count(*) FROM distributor_profiles`) + w.count(t, `SELECT count(tax_id) FROM distributors`); n != 0 {
		t.Fatalf("%d personal fields are left", n)
	}
	if diff := cmp.Diff(before, w.untouchable(t)); diff != "" {
		t.Fatalf("the ledger changed: %s", diff)
	}
	w.verify(t, program)
}
