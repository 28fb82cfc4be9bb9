package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
)

// books keeps everything in memory; people go through the same tree as in a database.
type books struct {
	stores   map[string]admin.Store
	keys     map[[32]byte]admin.APIKey
	people   []admin.Distributor
	rows     []catalog.Mapping
	bindings []admin.Binding
	audits   []string
	refuses  error
	closing  admin.Closing
	zone     string
}

var _ admin.Books = (*books)(nil)

// Rules need a database's transactions; the suite of databases and the product's tests hold them.
func (b *books) MappingRules(context.Context, string) ([]byte, int64, error) { return nil, 0, nil }

func (b *books) PutMappingRules(_ context.Context, _ string, _ []byte, seen int64, _ string) (int64, error) {
	return seen + 1, b.refuses
}
func (b *books) Closing(context.Context, string) (admin.Closing, error) { return b.closing, nil }
func (b *books) CloseProgram(_ context.Context, _ string, at time.Time) (int64, error) {
	return at.UnixMicro(), b.refuses
}

func (b *books) TimeZone(context.Context, string) (string, error) {
	if b.zone == "" {
		return "UTC", nil
	}
	return b.zone, nil
}
func (b *books) ClosedAt(context.Context, string) (int64, error)     { return 0, nil }
func (b *books) ProgramsWithRules(context.Context) ([]string, error) { return nil, nil }
func (b *books) WaitingSKUs(context.Context, string) ([]admin.WaitingSKU, error) {
	return nil, nil
}

func (b *books) PutSeenMappings(ctx context.Context, program string, rows []catalog.Mapping, _ []int64, commit bool) (admin.ImportSummary, error) {
	return b.PutMappings(ctx, program, rows, time.Time{}, commit)
}

func (b *books) PutView(_ context.Context, _ string, v admin.View, _ int) (string, error) {
	return v.ViewID, b.refuses
}

func (b *books) RemoveView(context.Context, string, string, string, bool) (bool, error) {
	return true, b.refuses
}

func (b *books) PutSetting(context.Context, string, string, []byte, int64, string) (int64, error) {
	return 1, nil
}

func (b *books) PutBindings(_ context.Context, _ string, bindings []admin.Binding, _ time.Time, _ bool) (admin.ImportSummary, error) {
	b.bindings = bindings
	return admin.ImportSummary{Added: len(bindings)}, b.refuses
}

func (b *books) CreateProgram(context.Context, admin.Program) error { return b.refuses }
func (b *books) CreateStore(_ context.Context, s admin.Store) error {
	if _, exists := b.stores[s.StoreID]; exists {
		return server.Errorf(server.Conflict, "exists")
	}
	b.stores[s.StoreID] = s
	return b.refuses
}

func (b *books) UpdateStore(_ context.Context, s admin.Store) error {
	b.stores[s.StoreID] = s
	return b.refuses
}

func (b *books) StoreByID(_ context.Context, id string) (admin.Store, error) {
	s, ok := b.stores[id]
	if !ok {
		return s, server.Errorf(server.NotFound, "no store %s", id)
	}
	return s, nil
}

func (b *books) StoreByDomain(context.Context, order.Platform, string) (admin.Store, error) {
	return admin.Store{}, errors.New("not asked")
}

func (b *books) CreateAPIKey(_ context.Context, k admin.APIKey) error {
	if _, exists := b.keys[k.Hash]; exists {
		return server.Errorf(server.Conflict, "exists")
	}
	b.keys[k.Hash] = k
	return b.refuses
}

func (b *books) APIKeyByHash(_ context.Context, hash [32]byte) (admin.APIKey, error) {
	k, ok := b.keys[hash]
	if !ok || k.Name == "revoked" {
		return admin.APIKey{}, server.Errorf(server.NotFound, "no key")
	}
	return k, nil
}
func (b *books) RevokeAPIKey(context.Context, string, string) error { return b.refuses }
func (b *books) PublishPlan(context.Context, string, *plan.Plan, []byte) error {
	return b.refuses
}

func (b *books) PutDistributors(_ context.Context, _ string, people []admin.Distributor, _ time.Time, _ bool) (admin.ImportSummary, error) {
	b.people = people
	if b.refuses != nil {
		return admin.ImportSummary{}, b.refuses
	}
	var links []genealogy.Link
	var standings []genealogy.Standing
	var codes []genealogy.Code
	for _, p := range people {
		from := genealogy.Beginning
		if !p.CreatedAt.IsZero() {
			from = p.CreatedAt.UnixMicro()
		}
		links = append(links, genealogy.Link{DistributorID: p.DistributorID, ParentID: p.SponsorID, ValidFrom: from, Version: 1})
		standings = append(standings, genealogy.Standing{DistributorID: p.DistributorID, Status: p.Status, Rank: p.Rank, ValidFrom: from, Version: 1})
		for _, code := range p.Codes {
			codes = append(codes, genealogy.Code{Code: code, DistributorID: p.DistributorID, ValidFrom: genealogy.Beginning, Version: 1})
		}
	}
	_, err := genealogy.Build(links, standings, codes)
	if err != nil {
		return admin.ImportSummary{}, &server.Error{Code: server.Invalid, Message: "no tree", Err: err}
	}
	return admin.ImportSummary{Added: len(people)}, nil
}

func (b *books) PutMappings(_ context.Context, _ string, rows []catalog.Mapping, _ time.Time, _ bool) (admin.ImportSummary, error) {
	b.rows = rows
	_, err := catalog.Build(rows)
	return admin.ImportSummary{Added: len(rows)}, errors.Join(err, b.refuses)
}
func (b *books) Replay(context.Context, string, string) error { return b.refuses }
func (b *books) Audit(_ context.Context, program, actor, action, subject, _ string) error {
	b.audits = append(b.audits, strings.Join([]string{program, actor, action, subject}, " "))
	return nil
}

// reversing seals by turning bytes around, which a test can read.
type reversing struct{}

func (reversing) Seal(plain, associated []byte) ([]byte, error) {
	out := slices.Concat(associated, []byte("|"), plain)
	slices.Reverse(out)
	return out, nil
}

func (reversing) Open(sealed, associated []byte) ([]byte, error) {
	out := slices.Clone(sealed)
	slices.Reverse(out)
	plain, ok := bytes.CutPrefix(out, slices.Concat(associated, []byte("|")))
	if !ok {
		return nil, errors.New("another row's")
	}
	return plain, nil
}

// counting is randomness that a test can foresee.
type counting struct{ next byte }

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		c.next++
		p[i] = c.next
	}
	return len(p), nil
}

func setup() (*admin.Service, *books) {
	b := &books{stores: map[string]admin.Store{}, keys: map[[32]byte]admin.APIKey{}}
	return &admin.Service{Books: b, Sealer: reversing{}, Random: &counting{}, Actor: "test"}, b
}

var at = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func wantInvalid(t *testing.T, err error, field string) {
	t.Helper()
	var e *server.Error
	if !errors.As(err, &e) || e.Code != server.Invalid || e.Field != field {
		t.Fatalf("got %v, want field %s", err, field)
	}
}

func TestCreateProgram(t *testing.T) {
	t.Parallel()
	service, b := setup()
	p, err := service.CreateProgram(t.Context(), admin.Program{Name: " Aurora & Söhne!", Currency: "EUR"})
	if err != nil || p.ProgramID != "aurora-s-hne" || p.TimeZone != "UTC" {
		t.Fatal(p, err)
	}
	if diff := cmp.Diff([]string{"aurora-s-hne test program.create aurora-s-hne"}, b.audits); diff != "" {
		t.Fatal(diff)
	}
	good := admin.Program{ProgramID: "a", Name: "A", Currency: "EUR", TimeZone: "Europe/Berlin"}
	for field, change := range map[string]func(*admin.Program){
		"program_id": func(p *admin.Program) { p.ProgramID = "A B" },
		"name":       func(p *admin.Program) { p.Name = " " },
		"currency":   func(p *admin.Program) { p.Currency = "eur" },
		"time_zone":  func(p *admin.Program) { p.TimeZone = "Berlin" },
	} {
		p := good
		change(&p)
		_, err := service.CreateProgram(t.Context(), p)
		wantInvalid(t, err, field)
	}
	if len(b.audits) != 1 {
		t.Fatal("a refused program left an audit line")
	}
}

func TestStoreSecrets(t *testing.T) {
	t.Parallel()
	service, b := setup()
	st, first, err := service.CreateStore(t.Context(), admin.Store{ProgramID: "p", Platform: order.Shopify, Domain: " Shop.myshopify.com", Currency: "EUR"}, "")
	if err != nil || st.StoreID != "shop-myshopify-com" || st.Domain != "shop.myshopify.com" || st.Name != st.Domain || len(first) != 36 {
		t.Fatal(st, first, err)
	}
	if bytes.Contains(b.stores[st.StoreID].SealedSecret, []byte(first)) {
		t.Fatal("the secret is kept as it is")
	}
	second, err := service.RotateSecret(t.Context(), st.StoreID)
	if err != nil {
		t.Fatal(err)
	}
	third, err := service.RotateSecret(t.Context(), st.StoreID)
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := service.Secrets(b.stores[st.StoreID])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{third, second}, []string{string(secrets[0]), string(secrets[1])}); diff != "" || len(secrets) != 2 || second == first {
		t.Fatal(diff)
	}
	other := b.stores[st.StoreID]
	other.StoreID = "other"
	if _, err := service.Secrets(other); err == nil {
		t.Fatal("a secret opens in another store's row")
	}
	_, given, err := service.CreateStore(t.Context(), admin.Store{StoreID: "x", ProgramID: "p", Platform: order.Custom, Domain: "x", Currency: "EUR"}, "given")
	if err != nil || given != "given" {
		t.Fatal(given, err)
	}
	want := []string{"store.create shop-myshopify-com", "store.rotate_secret shop-myshopify-com", "store.rotate_secret shop-myshopify-com", "store.create x"}
	for i, line := range want {
		if b.audits[i] != "p test "+line {
			t.Fatal(b.audits)
		}
	}
	if strings.Contains(fmt.Sprint(b.audits), first) {
		t.Fatal("the audit log has a secret")
	}
}

func TestStoreChecks(t *testing.T) {
	t.Parallel()
	service, b := setup()
	good := admin.Store{StoreID: "s", ProgramID: "p", Platform: order.Custom, Domain: "shop.example.com", Currency: "EUR"}
	for name, c := range map[string]struct {
		field  string
		change func(*admin.Store)
	}{
		"id":             {"store_id", func(s *admin.Store) { s.StoreID = "S/1" }},
		"platform":       {"platform", func(s *admin.Store) { s.Platform = "etsy" }},
		"no domain":      {"domain", func(s *admin.Store) { s.Domain = " " }},
		"shopify domain": {"domain", func(s *admin.Store) { s.Platform = order.Shopify }},
		"evil domain":    {"domain", func(s *admin.Store) { s.Platform, s.Domain = order.Shopify, "evil.com/x.myshopify.com" }},
		"currency":       {"currency", func(s *admin.Store) { s.Currency = "XXZ" }},
	} {
		st := good
		c.change(&st)
		_, secret, err := service.CreateStore(t.Context(), st, "")
		t.Log(name)
		wantInvalid(t, err, c.field)
		if secret != "" {
			t.Fatal("a refused store has a secret")
		}
	}
	if len(b.stores)+len(b.audits) != 0 {
		t.Fatal("something was written")
	}
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	service, b := setup()
	st, _, err := service.CreateStore(t.Context(), admin.Store{StoreID: "s", ProgramID: "p", Platform: order.Custom, Domain: "d", Currency: "EUR"}, "")
	if err != nil {
		t.Fatal(err)
	}
	key, text, err := service.CreateAPIKey(t.Context(), "p", "s", "till")
	if err != nil || b.keys[admin.HashAPIKey(text)] != key || strings.Contains(fmt.Sprint(b.keys), text) {
		t.Fatal(key, text, err)
	}
	if _, _, err := service.CreateAPIKey(t.Context(), "q", "s", "till"); server.CodeOf(err) != server.NotFound {
		t.Fatalf("a key for another program's store: %v", err)
	}
	if _, _, err := service.CreateAPIKey(t.Context(), "p", "none", "till"); server.CodeOf(err) != server.NotFound {
		t.Fatal(err)
	}
	first, err := service.DerivedAPIKey(t.Context(), st, "demo")
	if err != nil {
		t.Fatal(err)
	}
	audits, keys := len(b.audits), len(b.keys)
	second, err := service.DerivedAPIKey(t.Context(), st, "demo")
	if err != nil || first != second || len(b.audits) != audits || len(b.keys) != keys {
		t.Fatal(first, second, err)
	}
	k := b.keys[admin.HashAPIKey(first)]
	k.Name = "revoked"
	b.keys[k.Hash] = k
	if third, err := service.DerivedAPIKey(t.Context(), st, "demo"); err != nil || third == first {
		t.Fatal("a revoked key came back", err)
	}
}

func TestDistributorChecks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 400)
	for name, c := range map[string]struct {
		spec admin.DistributorSpec
		want string // "" : accepted
	}{
		"least":          {admin.DistributorSpec{DistributorID: "A"}, ""},
		"full":           {admin.DistributorSpec{"Ä-1", "B", "Terminated", "GOLD", "de", "2026-01-31T10:00:00+01:00", []string{"X"}, "Ann", "a@b", "1", "C", "2026-01-30", "yes", "C#2", "right", []string{"shop/77"}}, ""},
		"no id":          {admin.DistributorSpec{}, "distributor_id"},
		"own enroller":   {admin.DistributorSpec{DistributorID: "A", EnrollerID: "A"}, "enroller_id"},
		"bad enroller":   {admin.DistributorSpec{DistributorID: "A", EnrollerID: "?"}, "enroller_id"},
		"bad first day":  {admin.DistributorSpec{DistributorID: "A", EnrolledAt: "31.1.2026"}, "enrolled_at"},
		"bad autoship":   {admin.DistributorSpec{DistributorID: "A", Autoship: "maybe"}, "autoship"},
		"no leg":         {admin.DistributorSpec{DistributorID: "A", PlacementParent: "B"}, "placement_leg"},
		"leg alone":      {admin.DistributorSpec{DistributorID: "A", PlacementLeg: "left"}, "placement_leg"},
		"leg 0":          {admin.DistributorSpec{DistributorID: "A", PlacementParent: "B", PlacementLeg: "0"}, "placement_leg"},
		"bad position":   {admin.DistributorSpec{DistributorID: "A", PlacementParent: "B#1", PlacementLeg: "2"}, "placement_parent"},
		"at the top":     {admin.DistributorSpec{DistributorID: "A", PlacementParent: "-"}, ""},
		"id with blank":  {admin.DistributorSpec{DistributorID: "A B"}, "distributor_id"},
		"id too long":    {admin.DistributorSpec{DistributorID: long}, "distributor_id"},
		"none as id":     {admin.DistributorSpec{DistributorID: "-"}, "distributor_id"},
		"bad sponsor":    {admin.DistributorSpec{DistributorID: "A", SponsorID: "/"}, "sponsor_id"},
		"self":           {admin.DistributorSpec{DistributorID: "A", SponsorID: "A"}, "sponsor_id"},
		"status":         {admin.DistributorSpec{DistributorID: "A", Status: "gone"}, "status"},
		"rank":           {admin.DistributorSpec{DistributorID: "A", Rank: "Very Gold"}, "rank"},
		"country":        {admin.DistributorSpec{DistributorID: "A", Country: "DEU"}, "country"},
		"date":           {admin.DistributorSpec{DistributorID: "A", CreatedAt: "yesterday"}, "created_at"},
		"name":           {admin.DistributorSpec{DistributorID: "A", Name: long}, "name"},
		"name two lines": {admin.DistributorSpec{DistributorID: "A", Name: "a\nb"}, "name"},
		"email":          {admin.DistributorSpec{DistributorID: "A", Email: "nobody"}, "email"},
		"tax id":         {admin.DistributorSpec{DistributorID: "A", TaxID: long}, "tax_id"},
		"empty code":     {admin.DistributorSpec{DistributorID: "A", Codes: []string{""}}, "codes"},
		"code twice":     {admin.DistributorSpec{DistributorID: "A", Codes: []string{"x", "X"}}, "codes"},
		"many codes":     {admin.DistributorSpec{DistributorID: "A", Codes: strings.Fields(strings.Repeat("a b c d e f g ", 3))}, "codes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := admin.CheckDistributors([]admin.DistributorSpec{c.spec})
			var rows admin.RowErrors
			if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &rows) || rows[0].Field != c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestEmptyFieldsKeepAndNoneTakesAway(t *testing.T) {
	t.Parallel()
	service, b := setup()
	_, err := service.PutDistributors(t.Context(), "p", []admin.DistributorSpec{
		{DistributorID: "A"}, {DistributorID: "B", SponsorID: "-", Rank: "-", Country: "-", Status: "inactive", Codes: []string{}},
	}, at, true)
	if err != nil {
		t.Fatal(err)
	}
	want := []admin.Distributor{
		{DistributorID: "A", Status: genealogy.Active, Keep: admin.Keep{Sponsor: true, Status: true, Rank: true, Country: true}},
		{DistributorID: "B", Status: genealogy.Inactive, Codes: []string{}},
	}
	if diff := cmp.Diff(want, b.people); diff != "" {
		t.Fatal(diff)
	}
}

func TestPersonalDataIsSealed(t *testing.T) {
	t.Parallel()
	service, b := setup()
	_, err := service.PutDistributors(t.Context(), "p", []admin.DistributorSpec{{DistributorID: "A", Name: "Ann", Email: "a@b.example", TaxID: "77"}}, at, true)
	if err != nil {
		t.Fatal(err)
	}
	tax, errTax := reversing{}.Open(b.people[0].SealedTaxID, admin.PersonKey("p", "A"))
	profile, errProfile := reversing{}.Open(b.people[0].SealedProfile, admin.PersonKey("p", "A"))
	var fields map[string]string
	if err := errors.Join(errTax, errProfile, json.Unmarshal(profile, &fields)); err != nil || string(tax) != "77" {
		t.Fatal(err)
	}
	if !maps.Equal(fields, map[string]string{"name": "Ann", "email": "a@b.example"}) || len(b.audits) != 1 || strings.Contains(b.audits[0], "Ann") {
		t.Fatal(fields, b.audits)
	}
	if _, err := service.PutDistributors(t.Context(), "p", []admin.DistributorSpec{{DistributorID: "A"}}, at, false); err != nil || len(b.audits) != 1 {
		t.Fatal("a dry run left an audit line", err)
	}
}

// TestTreeFaultsNameTheRows: what only the whole tree shows comes back on the rows that bring it about.
func TestTreeFaultsNameTheRows(t *testing.T) {
	t.Parallel()
	person := func(id, sponsor, created string) admin.DistributorSpec {
		return admin.DistributorSpec{DistributorID: id, SponsorID: sponsor, CreatedAt: created}
	}
	const ring = "the sponsors form a ring: A > C > B > A; one of them has another sponsor, or stands at the top"
	for name, c := range map[string]struct {
		people []admin.DistributorSpec
		want   []string
	}{
		"ring":           {[]admin.DistributorSpec{person("A", "C", ""), person("X", "", ""), person("B", "A", ""), person("C", "B", "")}, []string{"row 1, sponsor_id: " + ring, "row 3, sponsor_id: " + ring, "row 4, sponsor_id: " + ring}},
		"orphan":         {[]admin.DistributorSpec{person("A", "", ""), person("B", "Z", "")}, []string{"row 2, sponsor_id: sponsor Z: the parent is not in the tree"}},
		"sponsor later":  {[]admin.DistributorSpec{person("A", "", "2026-02-01"), person("B", "A", "2026-01-01")}, []string{"row 2, sponsor_id: sponsor A: the parent is in the tree only from 2026-02-01T00:00:00Z"}},
		"twice the same": {[]admin.DistributorSpec{person("A", "", ""), person("A", "", "")}, []string{`row 2, distributor_id: "A" is there twice (first in row 1)`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service, b := setup()
			_, err := service.PutDistributors(t.Context(), "p", c.people, at, true)
			var rows admin.RowErrors
			if !errors.As(err, &rows) {
				t.Fatal(err)
			}
			got := make([]string, len(rows))
			for i, row := range rows {
				got[i] = row.Error()
			}
			if diff := cmp.Diff(c.want, got); diff != "" || len(b.audits) != 0 {
				t.Fatal(diff)
			}
		})
	}
}

func TestFaultsOfNoRowStay(t *testing.T) {
	t.Parallel()
	service, b := setup()
	people := []admin.DistributorSpec{{DistributorID: "A", Codes: []string{"SPRING"}}}
	b.refuses = &server.Error{Code: server.Invalid, Message: "taken", Err: &admin.CodeTakenError{Code: "spring", Owner: "Z"}}
	_, err := service.PutDistributors(t.Context(), "p", people, at, true)
	var rows admin.RowErrors
	if !errors.As(err, &rows) || rows[0].Row != 0 || rows[0].Field != "codes" || !strings.Contains(rows[0].Reason, "belongs to Z") {
		t.Fatal(err)
	}
	b.refuses = &server.Error{Code: server.Invalid, Message: "no tree", Err: genealogy.Faults{{Kind: genealogy.Orphan, People: []string{"other", "gone"}}}}
	var none admin.RowErrors
	if _, err := service.PutDistributors(t.Context(), "p", people, at, true); errors.As(err, &none) || server.CodeOf(err) != server.Invalid {
		t.Fatal(err)
	}
	b.refuses = server.Errorf(server.Unavailable, "busy")
	if _, err := service.PutDistributors(t.Context(), "p", people, at, true); server.CodeOf(err) != server.Unavailable {
		t.Fatal(err)
	}
}

func TestMappingChecks(t *testing.T) {
	t.Parallel()
	good := admin.MappingSpec{Platform: "Shopify", PlatformSKU: "TEA", CommissionClass: "a"}
	for field, change := range map[string]func(*admin.MappingSpec){
		"platform":         func(m *admin.MappingSpec) { m.Platform = "etsy" },
		"platform_sku":     func(m *admin.MappingSpec) { m.PlatformSKU = " TEA" },
		"commission_class": func(m *admin.MappingSpec) { m.CommissionClass = "a b" },
		"country":          func(m *admin.MappingSpec) { m.Country = "DEU" },
		"valid_from":       func(m *admin.MappingSpec) { m.ValidFrom = "31.01.2026" },
		"cv_per_unit":      func(m *admin.MappingSpec) { m.CVPerUnit = "-1" },
		"qv_per_unit":      func(m *admin.MappingSpec) { m.QVPerUnit, m.QVOfNet = "1", "80%" },
		"cv_of_net":        func(m *admin.MappingSpec) { m.CVOfNet = "80" },
		"name":             func(m *admin.MappingSpec) { m.Name = "a\x00b" },
	} {
		m := good
		change(&m)
		err := admin.CheckMappings([]admin.MappingSpec{m})
		var rows admin.RowErrors
		if !errors.As(err, &rows) || len(rows) != 1 || rows[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	service, b := setup()
	fixed := admin.MappingSpec{SKUID: "tea", Platform: "custom", PlatformSKU: "TEA", CommissionClass: "-", CVPerUnit: "12.5", QVOfNet: "80%", Country: "de", ValidFrom: "2026-01-31"}
	if _, err := service.PutMappings(t.Context(), "p", []admin.MappingSpec{good, fixed}, at, true); err != nil {
		t.Fatal(err)
	}
	want := []catalog.Mapping{
		{SKUID: "TEA", Platform: "shopify", PlatformSKU: "TEA", CommissionClass: "a", CV: catalog.VolumeRule{OfNet: money.One}, QV: catalog.VolumeRule{OfNet: money.One}, ValidFrom: at.UnixMicro()},
		{SKUID: "tea", Platform: "custom", PlatformSKU: "TEA", CV: catalog.VolumeRule{PerUnit: 12_500_000}, QV: catalog.VolumeRule{OfNet: money.One * 8 / 10}, Country: "DE", ValidFrom: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC).UnixMicro()},
	}
	if diff := cmp.Diff(want, b.rows); diff != "" {
		t.Fatal(diff)
	}
	if err := admin.CheckMappings([]admin.MappingSpec{good, good}); err == nil || !strings.Contains(err.Error(), `"TEA" is there twice (first in row 1)`) {
		t.Fatal(err)
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "0001-01-01T00:00:00Z",
		"2026-01-31":                "2026-01-31T00:00:00Z",
		"2026-01-31T10:00:00+01:00": "2026-01-31T09:00:00Z",
		"31.01.2026":                "write 2026-01-31",
		"1. 2. 2026":                "write 2026-02-01",
		"01/31/2026":                "write 2026-01-31",
		"31/01/2026":                "write 2026-01-31",
		"02/02/2026":                "write 2026-02-02",
		"01/02/2026":                "this may be 2026-01-02 or 2026-02-01; write the one that is meant",
		"31.02.2026":                "write 2026-01-31, or 2026-01-31T10:00:00Z",
		"2026-01-31 10:00":          "the zone is missing: write 2026-01-31T10:00:00Z for UTC, or +01:00 instead of Z",
		"46053":                     "a spreadsheet's count of days",
		"0026-01-31":                "the year is not between 1900 and 2200",
		"2026-02-30":                "write 2026-01-31, or",
	} {
		got, err := admin.ParseDate(text)
		if err == nil && got.Format(time.RFC3339) != want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v %v, want %q", text, got, err, want)
		}
	}
}

// TestAcceptedRowsMakeATree: what the rows' checks let through, the tree takes or refuses on a row.
func TestAcceptedRowsMakeATree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		service, _ := setup()
		text := rapid.OneOf(rapid.StringMatching(`[A-D]`), rapid.StringMatching(`[\p{L}\p{N}][\p{L}\p{N}._:@+-]{0,63}`), rapid.String())
		specs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) admin.DistributorSpec {
			return admin.DistributorSpec{
				DistributorID: text.Draw(t, "id"), SponsorID: rapid.OneOf(rapid.Just(""), text).Draw(t, "sponsor"), Rank: rapid.StringMatching(`[a-z]{0,3}`).Draw(t, "rank"),
				CreatedAt: rapid.SampledFrom([]string{"", "2026-01-01", "1900-01-01", "2200-12-31"}).Draw(t, "created"),
			}
		}), 1, 8).Draw(t, "people")
		_, err := service.PutDistributors(context.Background(), "p", specs, at, true)
		var rows admin.RowErrors
		if err != nil && !errors.As(err, &rows) {
			t.Fatalf("refused, but on no row: %v", err)
		}
	})
}

// TestDatesBeginByTheCompanysClocks: a date of a row is the first instant that a clock of the company shows it, also where
// midnight is skipped, as the company's periods have it.
func TestDatesBeginByTheCompanysClocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, date, want string }{
		{"UTC", "2026-03-01", "2026-03-01T00:00:00Z"},
		{"America/New_York", "2026-03-01", "2026-03-01T05:00:00Z"},
		{"America/New_York", "2026-07-01", "2026-07-01T04:00:00Z"},
		{"Asia/Tokyo", "2026-03-01", "2026-02-28T15:00:00Z"},
		{"America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z"}, // clocks go from 23:59:59 to 01:00
		{"America/New_York", "2026-03-01T00:00:00+01:00", "2026-02-28T23:00:00Z"},
	} {
		service, books := setup()
		books.zone = c.zone
		_, err := service.PutDistributors(t.Context(), "acme", []admin.DistributorSpec{{DistributorID: "ann", CreatedAt: c.date, EnrolledAt: c.date}}, at, true)
		if err != nil {
			t.Fatal(err)
		}
		_, err = service.PutMappings(t.Context(), "acme", []admin.MappingSpec{{Platform: "custom", PlatformSKU: "TEA", CommissionClass: "goods", ValidFrom: c.date}}, at, true)
		if err != nil {
			t.Fatal(err)
		}
		_, err = service.PutBindings(t.Context(), "acme", []admin.BindingSpec{{StoreID: "shop", CustomerID: "7", Kind: "self", DistributorID: "ann", ValidFrom: c.date}}, at, true)
		if err != nil {
			t.Fatal(err)
		}
		for what, got := range map[string]time.Time{
			"created_at": books.people[0].CreatedAt, "enrolled_at": books.people[0].EnrolledAt,
			"mapping": time.UnixMicro(books.rows[0].ValidFrom), "binding": time.UnixMicro(books.bindings[0].ValidFrom),
		} {
			if got := got.UTC().Format(time.RFC3339); got != c.want {
				t.Errorf("%s in %s: %s begins at %s, want %s", what, c.zone, c.date, got, c.want)
			}
		}
	}
}
