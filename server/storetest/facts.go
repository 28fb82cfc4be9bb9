package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
)

// look runs f in a transaction that only reads.
func (w *world) look(t *testing.T, s Store, f func(b pipeline.Books)) {
	t.Helper()
	ok(t, s.InTx(w.ctx, program, pipeline.Subject{}, func(b pipeline.Books) error { f(b); return nil }))
}

func (w *world) tree(t *testing.T, s Store) (tree *genealogy.Tree, version int64) {
	t.Helper()
	w.look(t, s, func(b pipeline.Books) {
		var err error
		tree, err = b.Tree(w.ctx)
		ok(t, err)
		version = b.Versions().Tree
	})
	return tree, version
}

// upline is who stands above somebody.
func upline(t *testing.T, tree *genealogy.Tree, id string, at time.Time, version int64) (names []string) {
	t.Helper()
	people, err := tree.Upline(nil, id, genealogy.AsOf{At: at.UnixMicro(), Version: version}, 0)
	ok(t, err)
	for _, p := range people {
		names = append(names, p.ID+":"+string(p.Status)+":"+p.Rank)
	}
	return names
}

// testPeople: joining and changing are dated facts; what was recorded before is read as it was.
func testPeople(t *testing.T, w *world) {
	joined := person("ben", "ann")
	joined.CreatedAt = begin.Add(-24 * time.Hour)
	summary := w.people(t, joined, person("ann", "")) // a sponsor may come after
	if diff := cmp.Diff(admin.ImportSummary{Added: 2}, summary); diff != "" {
		t.Fatal(diff)
	}
	tree, first := w.tree(t, w.Store)
	if tree.Has("ben", genealogy.AsOf{At: begin.Add(-25 * time.Hour).UnixMicro(), Version: first}) {
		t.Fatal("ben is there before he joined")
	}
	if diff := cmp.Diff([]string{"ben:active:", "ann:active:"}, upline(t, tree, "ben", begin, first)); diff != "" {
		t.Fatal(diff)
	}
	if s := w.people(t, joined, person("ann", "")); s != (admin.ImportSummary{Unchanged: 2}) {
		t.Fatalf("the same file again: %+v", s)
	}
	if _, version := w.tree(t, w.Store); version != first {
		t.Fatalf("a file that says nothing new raises the version from %d to %d", first, version)
	}
	joined.Rank, joined.SponsorID = "gold", "cyd"
	later := begin.Add(time.Hour)
	summary, err := w.Store.PutDistributors(w.ctx, program, []admin.Distributor{joined, person("cyd", "ann"), person("ann", "")}, later, true)
	if ok(t, err); summary != (admin.ImportSummary{Added: 1, Changed: 1, Unchanged: 1}) {
		t.Fatalf("%+v", summary)
	}
	tree, second := w.tree(t, w.Store)
	for name, c := range map[string]struct {
		at      time.Time
		version int64
		want    []string
	}{
		"now":               {later, second, []string{"ben:active:gold", "cyd:active:", "ann:active:"}},
		"before the change": {begin, second, []string{"ben:active:", "ann:active:"}},
		"as it was known":   {later, first, []string{"ben:active:", "ann:active:"}},
	} {
		if diff := cmp.Diff(c.want, upline(t, tree, "ben", c.at, c.version)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	got, err := w.Store.Distributor(w.ctx, program, "ben")
	ok(t, err)
	want := query.Distributor{DistributorID: "ben", SponsorID: "cyd", Status: "active", Rank: "gold", CreatedAt: begin.Add(-24 * time.Hour)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("ben now: %s", diff)
	}
}

// testPeopleRefused: one wrong row, and nothing of the file is written.
func testPeopleRefused(t *testing.T, w *world) {
	w.people(t, person("ann", "", "SPRING"), person("ben", "ann"))
	_, before := w.tree(t, w.Store)
	for name, people := range map[string][]admin.Distributor{
		"orphan":             {person("eve", "ann"), person("fay", "nobody")},
		"cycle in the file":  {person("eve", "fay"), person("fay", "eve")},
		"cycle with what is": {person("eve", "ben"), person("ann", "eve")},
		"own sponsor":        {person("eve", "eve")},
		"twice":              {person("eve", "ann"), person("eve", "ben")},
		"code of another":    {person("eve", "ann", "spring")},
		"code twice":         {person("eve", "ann", "new"), person("fay", "ann", "NEW")},
	} {
		_, err := w.Store.PutDistributors(w.ctx, program, people, begin, true)
		wantCode(t, err, server.Invalid)
		var fault *genealogy.Fault
		if name == "orphan" && (!errors.As(err, &fault) || fault.Kind != genealogy.Orphan || fault.People[0] != "fay") {
			t.Errorf("%s: the fault is not there: %v", name, err)
		}
	}
	if _, after := w.tree(t, w.Store); after != before {
		t.Fatalf("the version went from %d to %d", before, after)
	}
	if n := w.count(t, `SELECT count(*) FROM distributors`); n != 2 {
		t.Fatalf("%d people, want 2", n)
	}
	_, err := w.Store.PutDistributors(w.ctx, "nobody", []admin.Distributor{person("a", "")}, begin, true)
	wantCode(t, err, server.NotFound)
}

func testDryRun(t *testing.T, w *world) {
	w.withFacts(t)
	w.park(t, sale(source("1"), 1000), pipeline.ReasonUnknownDistributor, "ref:eve", "sku:shopify:MUG")
	summary, err := w.Store.PutDistributors(w.ctx, program, []admin.Distributor{person("eve", "ann")}, begin, false)
	if ok(t, err); summary != (admin.ImportSummary{Added: 1, Released: 1}) {
		t.Fatalf("%+v", summary)
	}
	summary, err = w.Store.PutMappings(w.ctx, program, []catalog.Mapping{mapping("MUG")}, begin, false)
	if ok(t, err); summary != (admin.ImportSummary{Added: 1, Released: 1}) {
		t.Fatalf("%+v", summary)
	}
	if n := w.count(t, `SELECT count(*) FROM distributors`); n != 4 || len(w.released(t)) != 0 {
		t.Fatalf("a dry run wrote: %d people, released %v", n, w.released(t))
	}
	tree, version := w.tree(t, w.Store)
	if tree.Has("eve", genealogy.AsOf{At: begin.UnixMicro(), Version: version + 1}) {
		t.Fatal("the tree in memory has somebody who was never written")
	}
}

// testCodes: a new code counts from the beginning, one that passes on from its date; without a list all stays.
// testEmptyFields: what a row says nothing about stays as it is, field by field, and what it says to be none goes. For
// somebody new an empty field is what it says.
func testEmptyFields(t *testing.T, w *world) {
	ben := admin.Distributor{
		DistributorID: "ben", SponsorID: "ann", Status: genealogy.Inactive, Rank: "gold", Country: "DE", Codes: []string{"BEN10"},
		SealedTaxID: []byte("tax"), SealedProfile: []byte("profile"),
	}
	w.people(t, person("ann", ""), person("cyd", ""), ben)
	all := admin.Keep{Sponsor: true, Status: true, Rank: true, Country: true}
	now := func() query.Distributor {
		d, err := w.Store.Distributor(w.ctx, program, "ben")
		ok(t, err)
		return d
	}
	want := query.Distributor{DistributorID: "ben", SponsorID: "ann", Status: "inactive", Rank: "gold", Country: "DE", Codes: []string{"BEN10"}}
	for _, c := range []struct {
		name    string
		row     admin.Distributor
		changed int
		change  func()
	}{
		{"nothing", admin.Distributor{Keep: all}, 0, func() {}},
		{"nothing, though the row has values", admin.Distributor{SponsorID: "cyd", Status: genealogy.Active, Rank: "silver", Country: "AT", Keep: all}, 0, func() {}},
		{"a sponsor alone", admin.Distributor{SponsorID: "cyd", Keep: admin.Keep{Status: true, Rank: true, Country: true}}, 1, func() { want.SponsorID = "cyd" }},
		{"a status alone", admin.Distributor{Status: genealogy.Active, Keep: admin.Keep{Sponsor: true, Rank: true, Country: true}}, 1, func() { want.Status = "active" }},
		{"no rank", admin.Distributor{Keep: admin.Keep{Sponsor: true, Status: true, Country: true}}, 1, func() { want.Rank = "" }},
		{"no country", admin.Distributor{Keep: admin.Keep{Sponsor: true, Status: true, Rank: true}}, 1, func() { want.Country = "" }},
		{"no codes", admin.Distributor{Keep: all, Codes: []string{}}, 1, func() { want.Codes = nil }},
		{"no sponsor", admin.Distributor{Keep: admin.Keep{Status: true, Rank: true, Country: true}}, 1, func() { want.SponsorID = "" }},
	} {
		c.row.DistributorID = "ben"
		if s := w.people(t, c.row); s != (admin.ImportSummary{Changed: c.changed, Unchanged: 1 - c.changed}) {
			t.Errorf("%s: %+v", c.name, s)
		}
		c.change()
		if diff := cmp.Diff(want, now()); diff != "" {
			t.Fatalf("%s: %s", c.name, diff)
		}
	}
	if n := w.count(t, `SELECT count(*) FROM distributors d JOIN distributor_profiles p ON p.distributor_id = d.distributor_id
		WHERE d.distributor_id = 'ben' AND d.tax_id IS NOT NULL`); n != 1 {
		t.Error("the sealed fields went with rows that had none")
	}
	if s := w.people(t, admin.Distributor{DistributorID: "dan", Status: genealogy.Active, Keep: all}); s.Added != 1 {
		t.Errorf("somebody new: %+v", s)
	}
	d, err := w.Store.Distributor(w.ctx, program, "dan")
	if ok(t, err); d.SponsorID != "" || d.Status != "active" {
		t.Errorf("somebody new: %+v", d)
	}
}

func testCodes(t *testing.T, w *world) {
	w.people(t, person("ann", "", "Spring", "SUMMER"), person("ben", "ann"))
	later := begin.Add(time.Hour)
	_, err := w.Store.PutDistributors(w.ctx, program, []admin.Distributor{person("ann", "", "SUMMER"), person("ben", "ann", "SPRING")}, later, true)
	ok(t, err)
	tree, version := w.tree(t, w.Store)
	for _, c := range []struct {
		code string
		at   time.Time
		want string
	}{
		{"spring", begin.Add(-time.Hour * 9999), "ann"}, {"SPRING", begin, "ann"}, {"spring", later, "ben"}, {"summer", later, "ann"},
	} {
		if got, _ := tree.ByCode(c.code, genealogy.AsOf{At: c.at.UnixMicro(), Version: version}); got != c.want {
			t.Errorf("%s at %v is %q, want %q", c.code, c.at, got, c.want)
		}
	}
	_, err = w.Store.PutDistributors(w.ctx, program, []admin.Distributor{person("ann", ""), {DistributorID: "ben", SponsorID: "ann", Codes: []string{}}}, later.Add(time.Hour), true)
	ok(t, err)
	list, _, err := w.Store.Distributors(w.ctx, program, "", query.Page{})
	ok(t, err)
	if diff := cmp.Diff([][]string{{"SUMMER"}, nil}, [][]string{list[0].Codes, list[1].Codes}); diff != "" {
		t.Fatalf("codes now: %s", diff)
	}
	tree, version = w.tree(t, w.Store)
	if who, found := tree.ByCode("spring", genealogy.AsOf{At: later.Add(2 * time.Hour).UnixMicro(), Version: version}); found {
		t.Fatalf("a code that was taken back names %s", who)
	}
	list, _, err = w.Store.Distributors(w.ctx, program, "summer", query.Page{})
	if ok(t, err); len(list) != 1 || list[0].DistributorID != "ann" {
		t.Fatalf("found by code: %+v", list)
	}
}

func testMappings(t *testing.T, w *world) {
	put := func(want admin.ImportSummary, list ...catalog.Mapping) {
		t.Helper()
		got, err := w.Store.PutMappings(w.ctx, program, list, begin, true)
		ok(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
	changed, abroad := mapping("TEA"), mapping("TEA")
	changed.CommissionClass, changed.ValidFrom = "gifts", begin.Add(time.Hour).UnixMicro()
	changed.CV = catalog.VolumeRule{PerUnit: 12_500_000}
	abroad.Country = "DE"
	put(admin.ImportSummary{Added: 2}, mapping("TEA"), abroad)
	put(admin.ImportSummary{Unchanged: 2}, mapping("TEA"), abroad)
	put(admin.ImportSummary{Changed: 1, Added: 1}, changed, mapping("MUG"))
	put(admin.ImportSummary{Added: 1, Unchanged: 1}, mapping("CUP"), mapping("CUP"))
	w.look(t, w.Store, func(b pipeline.Books) {
		c, err := b.Catalog(w.ctx)
		ok(t, err)
		for at, want := range map[time.Time]string{begin: "goods", begin.Add(time.Hour): "gifts"} {
			item, err := c.Lookup("shopify", "TEA", "FR", at.UnixMicro(), b.Versions().Catalog)
			if ok(t, err); item.CommissionClass != want {
				t.Errorf("TEA at %v is %s, want %s", at, item.CommissionClass, want)
			}
		}
	})
	clash := mapping("NEW")
	clash.CommissionClass = "other"
	_, err := w.Store.PutMappings(w.ctx, program, []catalog.Mapping{mapping("NEW"), clash}, begin, true)
	wantCode(t, err, server.Invalid)
	both := mapping("NEW")
	both.CV = catalog.VolumeRule{PerUnit: 1, OfNet: money.One}
	_, err = w.Store.PutMappings(w.ctx, program, []catalog.Mapping{mapping("OLD"), both}, begin, true)
	wantCode(t, err, server.Invalid)
	list, _, err := w.Store.Mappings(w.ctx, program, "tea", query.Page{})
	ok(t, err)
	want := []query.Mapping{
		{SKUID: "TEA", Platform: "shopify", PlatformSKU: "TEA", Name: "TEA", CommissionClass: "gifts", CVPerUnit: "12.5", ValidFrom: begin.Add(time.Hour), Version: 2},
		{SKUID: "TEA", Platform: "shopify", PlatformSKU: "TEA", Name: "TEA", CommissionClass: "goods", CVOfNet: "100%", ValidFrom: begin, Version: 1},
		{SKUID: "TEA", Platform: "shopify", PlatformSKU: "TEA", Name: "TEA", CommissionClass: "goods", CVOfNet: "100%", Country: "DE", ValidFrom: begin, Version: 1},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Fatalf("what screens show: %s", diff)
	}
}

// testMappingRules: rules are one document that nobody overwrites unseen; what waits is told once per SKU, without what
// somebody has decided.
func testMappingRules(t *testing.T, w *world) {
	put := func(rules string, seen int64) (int64, error) {
		return w.Store.PutMappingRules(w.ctx, program, []byte(rules), seen, "ann")
	}
	_, version, err := w.Store.MappingRules(w.ctx, program)
	if ok(t, err); version != 0 {
		t.Fatalf("before there are rules: version %d", version)
	}
	for seen, rules := range []string{`[{"prefix":"TEA"}]`, `[{"prefix":"MUG"}]`} {
		version, err := put(rules, int64(seen))
		if ok(t, err); version != int64(seen)+1 {
			t.Fatalf("version %d after %d", version, seen)
		}
	}
	for _, seen := range []int64{0, 1, 3} {
		_, err := put("[]", seen)
		wantCode(t, err, server.Conflict)
	}
	rules, version, err := w.Store.MappingRules(w.ctx, program)
	if ok(t, err); string(rules) != `[{"prefix":"MUG"}]` || version != 2 {
		t.Fatalf("%s, version %d", rules, version)
	}
	w.park(t, sale(source("1"), 1000), pipeline.ReasonUnmappedSKU, "sku:shopify:MUG", "sku:shopify:CUP:BIG")
	w.park(t, sale(source("2"), 500), pipeline.ReasonUnmappedSKU, "sku:shopify:MUG")
	w.park(t, sale(source("3"), 500), pipeline.ReasonUnmappedSKU, "sku:custom:ENDED")
	w.park(t, sale(source("4"), 500), pipeline.ReasonUnknownDistributor, "distributor:ann")
	_, err = w.Store.PutMappings(w.ctx, program, []catalog.Mapping{{Platform: "custom", PlatformSKU: "ENDED", SKUID: "ENDED", CommissionClass: "goods", Country: "DE"}}, begin, true)
	ok(t, err)
	w.park(t, sale(source("3"), 500), pipeline.ReasonUnmappedSKU, "sku:custom:ENDED")
	waiting, err := w.Store.WaitingSKUs(w.ctx, program)
	ok(t, err)
	want := []admin.WaitingSKU{{Platform: "shopify", PlatformSKU: "CUP:BIG"}, {Platform: "shopify", PlatformSKU: "MUG"}}
	if diff := cmp.Diff(want, waiting); diff != "" {
		t.Fatal(diff)
	}
	programs, err := w.Store.ProgramsWithRules(w.ctx)
	if ok(t, err); !slices.Contains(programs, program) {
		t.Fatalf("programs with rules: %v", programs)
	}
	_, err = put("[]", 2)
	ok(t, err)
	programs, err = w.Store.ProgramsWithRules(w.ctx)
	if ok(t, err); slices.Contains(programs, program) {
		t.Fatalf("a program whose rules are gone is among %v", programs)
	}
}

// testClosing: a closed program keeps its books, forgets who the ids were, and refuses what would change it.
func testClosing(t *testing.T, w *world) {
	_, err := w.Store.PutDistributors(w.ctx, program, []admin.Distributor{{DistributorID: "zoe", SealedProfile: []byte("name"), SealedTaxID: []byte("tax")}}, begin, true)
	ok(t, err)
	ok(t, w.Store.CreateAPIKey(w.ctx, admin.APIKey{KeyID: "closing", ProgramID: program, Hash: admin.HashAPIKey("closing")}))
	_, err = w.Store.PutMappingRules(w.ctx, program, []byte(`[{"prefix":"x"}]`), 0, "ann")
	ok(t, err)
	would, err := w.Store.Closing(w.ctx, program)
	if ok(t, err); would.Goes.People == 0 || would.Goes.APIKeys == 0 || would.ClosedAt != 0 {
		t.Fatalf("%+v", would)
	}
	for later := range 2 { // the first time counts
		at, err := w.Store.CloseProgram(w.ctx, program, begin.Add(time.Duration(later)*time.Hour))
		if ok(t, err); at != begin.UnixMicro() {
			t.Fatalf("closed at %d", at)
		}
	}
	after, err := w.Store.Closing(w.ctx, program)
	ok(t, err)
	if after.Goes.People != 0 || after.Goes.APIKeys != 0 || after.ClosedAt != begin.UnixMicro() {
		t.Errorf("after it: %+v", after)
	}
	if diff := cmp.Diff(would.Stays, after.Stays); diff != "" {
		t.Errorf("what stays: %s", diff)
	}
	_, err = w.Store.APIKeyByHash(w.ctx, admin.HashAPIKey("closing"))
	if err == nil {
		t.Error("a key of before still counts")
	}
	if programs, err := w.Store.ProgramsWithRules(w.ctx); err != nil || slices.Contains(programs, program) {
		t.Errorf("%v, %v", programs, err)
	}
	_, err = w.Store.PutMappings(w.ctx, program, []catalog.Mapping{mapping("LATE")}, begin, true)
	wantCode(t, err, server.Conflict)
	_, err = w.Store.PutDistributors(w.ctx, program, []admin.Distributor{{DistributorID: "late"}}, begin, true)
	wantCode(t, err, server.Conflict)
	wantCode(t, w.Store.CreateAPIKey(w.ctx, admin.APIKey{KeyID: "late", ProgramID: program, Hash: admin.HashAPIKey("late")}), server.Conflict)
	wantCode(t, w.Store.CreateStore(w.ctx, admin.Store{StoreID: "late", ProgramID: program, Platform: order.Custom, Domain: "late", Currency: "EUR"}), server.Conflict)
}

func testPlans(t *testing.T, w *world) {
	flat := `{"name":"flat","components":[{"id":"retail","type":"retail","rates":[{"rate":"5%"}]}]}`
	later := `{"name":"flat","effective_from":"2026-06-01T00:00:00Z","components":[{"id":"retail","type":"retail","rates":[{"rate":"6%"}]}]}`
	w.publish(t, later)
	w.publish(t, flat)
	w.publish(t, flat)
	w.look(t, w.Store, func(b pipeline.Books) {
		list, err := b.Plans(w.ctx)
		ok(t, err)
		if len(list) != 2 || list[0].Plan.Hash() != w.plan.Hash() || list[0].EffectiveFrom >= list[1].EffectiveFrom {
			t.Errorf("plans by the date they hold from: %+v", list)
		}
		if b.Versions().Plans != 2 {
			t.Errorf("version %d after two plans, one of them twice", b.Versions().Plans)
		}
	})
	p, err := plan.Parse([]byte(flat))
	ok(t, err)
	if err := w.Store.PublishPlan(w.ctx, program, p, []byte(later)); err == nil {
		t.Fatal("a plan is published under another's document")
	}
}

// testTwoHandles: facts added through one handle are read by the next transaction of the other; a transaction under way
// keeps its versions.
func testTwoHandles(t *testing.T, w *world) {
	w.withFacts(t)
	another := w.Another(t)
	_, before := w.tree(t, another)
	w.people(t, person("eve", "dan"))
	tree, after := w.tree(t, another)
	if after != before+1 || !tree.Has("eve", genealogy.AsOf{At: begin.UnixMicro(), Version: after}) {
		t.Fatalf("version %d after %d; eve is not seen by the other handle", after, before)
	}
	if tree.Has("eve", genealogy.AsOf{At: begin.UnixMicro(), Version: before}) {
		t.Fatal("eve is seen as of the version before she was recorded")
	}
	_, err := w.Store.PutMappings(w.ctx, program, []catalog.Mapping{mapping("MUG")}, begin, true)
	ok(t, err)
	w.look(t, another, func(b pipeline.Books) {
		c, err := b.Catalog(w.ctx)
		ok(t, err)
		if _, err := c.Lookup("shopify", "MUG", "", begin.UnixMicro(), b.Versions().Catalog); err != nil {
			t.Error(err)
		}
	})
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			s := []Store{w.Store, another}[i%2]
			if i < 2 {
				_, err := s.PutDistributors(w.ctx, program, []admin.Distributor{person(fmt.Sprint("new-", i), "dan")}, begin, true)
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err := s.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{source(strconv.Itoa(i))}}, func(b pipeline.Books) error {
				tree, err := b.Tree(w.ctx)
				if err == nil && !tree.Has("eve", genealogy.AsOf{At: begin.UnixMicro(), Version: b.Versions().Tree}) {
					err = errors.New("eve is not in the tree")
				}
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	tree, version := w.tree(t, w.Store)
	for i := range 2 {
		if !tree.Has(fmt.Sprint("new-", i), genealogy.AsOf{At: begin.UnixMicro(), Version: version}) {
			t.Errorf("somebody added at the same time as others is lost")
		}
	}
}

// testManyPeople: a large file takes seconds, and so does the same file with one change.
func testManyPeople(t *testing.T, w *world) {
	many := 20_000
	if testing.Short() {
		many = 2_000
	}
	people := make([]admin.Distributor, many)
	for i := range people {
		people[i] = person(fmt.Sprintf("p%06d", i), "")
		if i > 0 {
			people[i].SponsorID = fmt.Sprintf("p%06d", (i-1)/3)
		}
	}
	started := time.Now()
	if s := w.people(t, people...); s.Added != many {
		t.Fatalf("%+v", s)
	}
	first := time.Since(started)
	people[many/2].Rank = "gold"
	started = time.Now()
	if s := w.people(t, people...); s.Changed != 1 || s.Unchanged != many-1 {
		t.Fatalf("%+v", s)
	}
	t.Logf("%d people: %v, again with one change: %v", many, first, time.Since(started))
	if tree, _ := w.tree(t, w.Another(t)); tree.Len() != many {
		t.Fatalf("%d people in the tree, want %d", tree.Len(), many)
	}
}
