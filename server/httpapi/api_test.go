package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func shopifyBody(t testing.TB) []byte {
	t.Helper()
	body, err := os.ReadFile("../../adapters/shopify/testdata/orders_paid_usd_two_lines.json")
	fatal(t, err)
	return body
}

// TestOrderWalksToItsExplanation is the way of one order through the whole product.
func TestOrderWalksToItsExplanation(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	o := c.order("A/1", "TEA-12", "ANNA1001", "100.00") // an id may hold a slash
	got := map[string]any{"settlement": o["settlement"], "net": o["net"], "earned": o["earned"], "seller": o["distributor_id"]}
	// 100.00 net: 20 % retail to ANNA; 40 % of 100 CV at 5 % on level 2 (MID) and 3 (TOP); level 1 is inactive.
	if diff := cmp.Diff(map[string]any{"settlement": "settled", "net": "100.00", "earned": "24.00", "seller": "ANNA"}, got); diff != "" {
		t.Fatal(diff)
	}
	text := c.want(200, send(t, http.MethodGet, c.url+"/api/v1/orders/alpha-till/A%2F1/explanation", http.NoBody,
		map[string]string{"Authorization": "Bearer " + c.readKey, "Accept": "text/plain"}))
	for _, want := range []string{"Anna Bauer (ANNA)", "Mia Drost (MID)", "20.00", "2.00", "status inactive"} {
		if !strings.Contains(string(text.body), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.body)
		}
	}
	checkLadder(t, c.want(200, c.get("/api/v1/orders/alpha-till/A%2F1/explanation")))
	checkCommissions(t, c)
	checkNames(t, c)
}

// checkNames holds that lists say what the people of their rows are called, and nobody else.
func checkNames(t *testing.T, c *company) {
	t.Helper()
	for path, want := range map[string]map[string]string{
		"/api/v1/orders":                               {"ANNA": "Anna Bauer"},
		"/api/mlm/commissions?referrer_id=MID":         {"MID": "Mia Drost"},
		"/api/v1/ledger?distributor_id=ANNA":           {"ANNA": "Anna Bauer"},
		"/api/v1/distributors?search=ANNA":             {"OUT": "<script>alert(1)</script>"},
		"/api/v1/distributors?search=TOP":              nil,
		"/api/v1/orders?settlement=parked":             nil,
		"/api/mlm/commissions?referrer_id=NOBODY":      nil,
		"/api/v1/mappings?search=TEA":                  nil,
		"/api/v1/orders?limit=1&distributor_id=NOBODY": nil,
	} {
		var page struct{ Names map[string]string }
		fatal(t, json.Unmarshal(c.want(200, c.get(path)).body, &page))
		if diff := cmp.Diff(want, page.Names); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

func checkLadder(t *testing.T, got reply) {
	t.Helper()
	var e struct {
		Names        map[string]string
		Postings     []struct{ Amount string }
		Calculations []struct {
			CalcSnapshot json.RawMessage `json:"calc_snapshot_json"`
			Ladder       struct {
				Breakage string
				Totals   []struct {
					DistributorID string `json:"distributor_id"`
					Paid          string
				}
				Lines []struct {
					Net        string
					Components []struct {
						Rungs []struct {
							Level         int
							DistributorID string `json:"distributor_id"`
							Paid          string
							Factors       []struct{ Name, Value string }
						}
					}
				}
			}
		}
	}
	fatal(t, json.Unmarshal(got.body, &e))
	if len(e.Calculations) != 1 || !bytes.HasPrefix(e.Calculations[0].CalcSnapshot, []byte(`{"v":`)) || len(e.Postings) == 0 {
		t.Fatalf("explanation %s", got.body)
	}
	totals := map[string]string{}
	for _, total := range e.Calculations[0].Ladder.Totals {
		totals[total.DistributorID] = total.Paid
	}
	if diff := cmp.Diff(map[string]string{"ANNA": "20.00", "MID": "2.00", "TOP": "2.00"}, totals); diff != "" {
		t.Error(diff)
	}
	if e.Names["OUT"] != "<script>alert(1)</script>" || !strings.Contains(string(got.body), `\u003cscript`) {
		t.Errorf("a hostile name must come as it is, escaped for HTML: %s", got.body)
	}
	rung := e.Calculations[0].Ladder.Lines[0].Components[1].Rungs
	if f := rung[len(rung)-1].Factors; f[0].Value != "5%" || f[len(f)-1].Value != "1.00 EUR per CV" {
		t.Errorf("factors %v", f)
	}
}

func checkCommissions(t *testing.T, c *company) {
	t.Helper()
	var got []string
	for _, row := range c.rowsOf("/api/mlm/commissions", c.readKey) {
		got = append(got, fmt.Sprint(row["order_id"], " ", row["sku"], " ", row["buyer_id"], " ", row["referrer_id"], " ", row["value"], " ", row["status"]))
	}
	want := map[string]bool{"A/1 TEA-12 77 ANNA 20.00 PENDING": true, "A/1 TEA-12 77 MID 2.00 PENDING": true, "A/1 TEA-12 77 TOP 2.00 PENDING": true}
	for _, row := range got {
		if !want[row] {
			t.Errorf("commission %q", row)
		}
		delete(want, row)
	}
	if len(want) > 0 {
		t.Errorf("missing %v of %q", want, got)
	}
}

// TestHundredCopiesAreOne sends one webhook 100 times at once.
func TestHundredCopiesAreOne(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	body := bytes.Replace(shopifyBody(t), []byte(`"note_attributes": []`), []byte(`"note_attributes": [{"name": "ref", "value": "ANNA1001"}]`), 1)
	header := webhookHeader(c.domain, body, appSecret)
	ids := make([]string, 100)
	var all sync.WaitGroup
	for i := range ids {
		all.Add(1)
		go func() {
			defer all.Done()
			if got := send(t, http.MethodPost, c.url+"/webhooks/shopify", bytes.NewReader(body), header); got.status == http.StatusOK {
				ids[i] = got.header.Get("X-Upline-Delivery-Id")
			} else {
				t.Errorf("%d %s", got.status, got.body)
			}
		}()
	}
	all.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("delivery ids %q and %q", ids[0], id)
		}
	}
	c.mapAllSKUs()
	c.soon(func() bool { return len(c.rowsOf("/api/v1/ledger", c.readKey)) > 0 })
	if n := len(c.rowsOf("/api/v1/deliveries", c.readKey)); n != 1 {
		t.Errorf("%d deliveries", n)
	}
	events := map[any]bool{}
	for _, p := range c.rowsOf("/api/v1/ledger", c.readKey) {
		if events[p["event_id"]] || p["revision"] != 1.0 {
			t.Errorf("posting %v", p)
		}
		events[p["event_id"]] = true
	}
	if n := len(c.rowsOf("/api/v1/orders", c.readKey)); n != 1 {
		t.Errorf("%d orders", n)
	}
}

// mapAllSKUs gives every SKU that keeps orders waiting a class.
func (c *company) mapAllSKUs() {
	c.t.Helper()
	c.soon(func() bool { return len(c.rowsOf("/api/v1/orders", c.readKey)) > 0 })
	var page struct {
		Data []struct {
			Platform    string
			PlatformSKU string `json:"platform_sku"`
		}
	}
	fatal(c.t, json.Unmarshal(c.want(200, c.get("/api/v1/mappings/unmapped")).body, &page))
	for _, u := range page.Data {
		c.want(200, c.post("/api/v1/mappings", fmt.Sprintf(`{"data":[{"platform":%q,"platform_sku":%q,"commission_class":"care"}]}`, u.Platform, u.PlatformSKU)))
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	body := `{"platform_order_id":"1","currency":"EUR","items":[{"platform_sku":"TEA-12","qty":1,"unit_price":"10.00"}],"total":"10.00"}`
	type answer struct {
		DeliveryID string `json:"delivery_id"`
		OrderID    string `json:"order_id"`
		Duplicate  bool
	}
	read := func(r reply) (a answer) {
		fatal(t, json.Unmarshal(c.want(http.StatusAccepted, r).body, &a))
		return a
	}
	first := read(c.post("/api/mlm/orders", body, "Idempotency-Key", "k1"))
	again := read(c.post("/api/mlm/orders", body, "Idempotency-Key", "k1"))
	if again.DeliveryID != first.DeliveryID || first.Duplicate || !again.Duplicate || again.OrderID != "alpha-till/1" {
		t.Errorf("first %+v, again %+v", first, again)
	}
	if got := c.post("/api/mlm/orders", strings.ReplaceAll(body, "10.00", "11.00"), "Idempotency-Key", "k1"); got.status != http.StatusConflict {
		t.Errorf("another body: %d %s, want 409", got.status, got.body)
	}
	if other := read(c.post("/api/mlm/orders", body, "Idempotency-Key", "k2")); other.DeliveryID == first.DeliveryID || other.Duplicate {
		t.Errorf("another key: %+v", other)
	}
	if n := len(c.rowsOf("/api/v1/deliveries", c.readKey)); n != 2 {
		t.Errorf("%d deliveries, want 2", n)
	}
}

// TestOrderToldBackAndForth: without a key every statement counts, also one that was made before.
func TestOrderToldBackAndForth(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	for i, total := range []string{"100.00", "140.00", "100.00"} {
		c.order("1", "TEA-12", "ANNA1001", total)
		want := map[string]string{"100.00": "24.00", "140.00": "33.60"}[total]
		c.soon(func() bool { return c.decided("alpha-till/1")["earned"] == want })
		if n := len(c.rowsOf("/api/v1/deliveries", c.readKey)); n != i+1 {
			t.Errorf("%d deliveries after %d statements", n, i+1)
		}
	}
}

// TestParkedOrdersAreVisibleAndReleased: no SKU, no person; each is mended through the API.
func TestParkedOrdersAreVisibleAndReleased(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	if o := c.order("1", "NEW-1", "ANNA1001", "100.00"); o["settlement"] != "parked" || o["reason_code"] != "unmapped_sku" || o["reason"] == "" {
		t.Fatalf("order %v", o)
	}
	unmapped := c.want(200, c.get("/api/v1/mappings/unmapped"))
	if !strings.Contains(string(unmapped.body), `"platform_sku":"NEW-1"`) || !strings.Contains(string(unmapped.body), `"waiting":"100.00"`) {
		t.Errorf("unmapped %s", unmapped.body)
	}
	if n := len(c.rowsOf("/api/v1/orders?settlement=parked&reason_code=unmapped_sku", c.readKey)); n != 1 {
		t.Errorf("%d parked orders are listed", n)
	}
	mapping := `{"data":[{"platform":"custom","platform_sku":"NEW-1","commission_class":"care"}]}`
	if dry := c.want(200, c.post("/api/v1/mappings?dry_run=true", mapping)); !strings.Contains(string(dry.body), `"released":1`) {
		t.Errorf("dry run %s", dry.body)
	}
	if rows := c.rowsOf("/api/v1/mappings?search=NEW-1", c.readKey); len(rows) != 0 || c.decided("alpha-till/1")["settlement"] != "parked" {
		t.Fatalf("a dry run wrote %v, or released the order", rows)
	}
	c.want(200, c.post("/api/v1/mappings", mapping))
	c.soon(func() bool { return c.decided("alpha-till/1")["settlement"] == "settled" })
	if o := c.order("2", "TEA-12", "NEWCOMER", "100.00"); o["reason_code"] != "unknown_distributor" {
		t.Fatalf("order %v", o)
	}
	c.want(200, c.post("/api/v1/distributors", `{"data":[{"distributor_id":"NEWCOMER","sponsor_id":"TOP"}]}`))
	c.soon(func() bool { return c.decided("alpha-till/2")["settlement"] == "settled" })
}

// TestMalformedBodyIsKeptAndVisible: rightly signed bytes that cannot be read are parked, not lost.
func TestMalformedBodyIsKeptAndVisible(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	body := []byte(`{"id": 1, "line_items": [`)
	got := c.want(200, send(t, http.MethodPost, c.url+"/webhooks/shopify", bytes.NewReader(body), webhookHeader(c.domain, body, appSecret)))
	id := got.header.Get("X-Upline-Delivery-Id")
	c.soon(func() bool {
		return strings.Contains(string(c.get("/api/v1/deliveries/"+id).body), `"status":"parked"`)
	})
	if rows := c.rowsOf("/api/v1/deliveries?status=parked", c.readKey); len(rows) != 1 || rows[0]["result"] != "malformed" || rows[0]["reason"] == "" {
		t.Errorf("parked deliveries %v", rows)
	}
	c.want(http.StatusAccepted, c.post("/api/v1/deliveries/"+id+"/replay", ""))
	c.soon(func() bool {
		return strings.Contains(string(c.get("/api/v1/deliveries/"+id).body), `"status":"parked"`)
	})
}

// TestNobodySeesAnothersRows asks, with each company's key, for everything of the other.
func TestNobodySeesAnothersRows(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	mine, other := p.company(t, "alpha"), p.company(t, "beta")
	mine.fill()
	mine.order("1", "TEA-12", "ANNA1001", "100.00")
	mine.order("2", "NEW-1", "ANNA1001", "100.00")
	mine.want(http.StatusOK, mine.post("/api/v1/customers/bindings", `{"data":[{"store_id":"alpha-till","customer_id":"900","kind":"self","distributor_id":"ANNA"}]}`))
	deliveries := mine.rowsOf("/api/v1/deliveries", mine.readKey)
	lists := []string{
		"/api/mlm/commissions", "/api/v1/orders", "/api/v1/ledger", "/api/v1/deliveries", "/api/v1/distributors", "/api/v1/mappings",
		"/api/v1/orders?store_id=alpha-till", "/api/v1/orders?search=1", "/api/v1/orders?distributor_id=ANNA", "/api/v1/ledger?order_id=alpha-till/1",
		"/api/v1/ledger?distributor_id=ANNA", "/api/v1/deliveries?store_id=alpha-till", "/api/v1/deliveries?order_id=alpha-till/1",
		"/api/mlm/commissions?order_id=1", "/api/mlm/commissions?referrer_id=ANNA", "/api/v1/distributors?search=ANNA", "/api/v1/mappings?search=TEA",
		"/api/v1/customers/bindings",
	}
	for _, list := range lists {
		if len(mine.rowsOf(list, mine.readKey)) == 0 {
			t.Errorf("%s: its own key sees nothing, so this proves nothing", list)
		}
		if rows := other.rowsOf(list, other.readKey); len(rows) != 0 {
			t.Errorf("%s: another's key sees %v", list, rows)
		}
	}
	if got := other.want(200, other.get("/api/v1/mappings/unmapped")); !strings.Contains(string(got.body), `"data":[]`) {
		t.Errorf("unmapped: another's key sees %s", got.body)
	}
	if got := other.want(200, other.get("/api/v1/overview")); strings.Contains(string(got.body), "alpha") {
		t.Errorf("overview: %s", got.body)
	}
	id := fmt.Sprint(deliveries[0]["delivery_id"])
	for _, path := range []string{
		"/api/v1/orders/alpha-till/1", "/api/v1/orders/alpha-till/1/explanation", "/api/v1/distributors/ANNA", "/api/v1/deliveries/" + id,
	} {
		mine.want(http.StatusOK, mine.get(path))
		other.want(http.StatusNotFound, other.get(path)).problem(t)
	}
	other.want(http.StatusNotFound, other.post("/api/v1/deliveries/"+id+"/replay", "")).problem(t)
}

// TestOneKeyOneStore: what a key posts belongs to its store, whatever the body says.
func TestOneKeyOneStore(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	mine, other := p.company(t, "alpha"), p.company(t, "beta")
	mine.fill()
	mine.order("1", "TEA-12", "ANNA1001", "100.00")
	other.order("1", "TEA-12", "ANNA1001", "140.00")
	if o := mine.decided("alpha-till/1"); o["net"] != "100.00" {
		t.Errorf("order %v", o)
	}
	if o := other.decided("beta-till/1"); o["reason_code"] != "unmapped_sku" && o["reason_code"] != "unknown_distributor" {
		t.Errorf("another program's people and SKUs were found: %v", o)
	}
}

func TestPagesReachEveryRowOnce(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	for i := range 30 {
		c.want(http.StatusAccepted, c.post("/api/mlm/orders", fmt.Sprintf(
			`{"platform_order_id":"%d","order_ts":"2026-11-10T10:15:00Z","currency":"EUR","distributor_ref":"ANNA1001","items":[{"platform_sku":"TEA-12","qty":1,"unit_price":"10.00"}],"total":"10.00"}`, i)))
	}
	c.soon(func() bool { return len(c.rowsOf("/api/v1/orders?settlement=settled", c.readKey)) == 30 })
	for path, key := range map[string]string{
		"/api/v1/orders": "order_id", "/api/v1/deliveries": "delivery_id", "/api/v1/ledger": "event_id", "/api/mlm/commissions": "commission_id",
	} {
		seen := map[any]bool{}
		for _, row := range c.rowsOf(path, c.readKey) {
			if seen[row[key]] {
				t.Errorf("%s: %v comes twice", path, row[key])
			}
			seen[row[key]] = true
		}
		if len(seen) < 30 {
			t.Errorf("%s: %d rows", path, len(seen))
		}
	}
}

func TestBadCursorsAndRows(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	for _, path := range []string{
		"/api/mlm/commissions", "/api/v1/orders", "/api/v1/ledger", "/api/v1/deliveries", "/api/v1/distributors", "/api/v1/mappings",
		"/api/v1/stores", "/api/v1/mappings/unmapped", "/api/v1/customers/bindings",
	} {
		for _, cursor := range []string{"x", "%00", "bm90aGluZw", "eyJhIjoxfQ", strings.Repeat("A", 5000)} {
			c.want(http.StatusUnprocessableEntity, c.get(path+"?after="+cursor)).problem(t)
		}
	}
	for _, body := range []string{
		``, `{`, `[]`, `{"data":[]}`, `{"data":{}}`, `{"rows":[]}`, `{"data":[{"distributor_id":1}]}`, `{"data":[{"distributor_id":"a b"}]}`,
		`{"data":[{"distributor_id":"A"},{"distributor_id":"A"}]}`, `{"data":[{"distributor_id":"A","nick":"x"}]}`, `{"data":[{"distributor_id":"A"}]} x`,
		`{"data":[{"distributor_id":"A","name":"\u0000"}]}`, `{"data":[{"distributor_id":"A","sponsor_id":"B"},{"distributor_id":"B","sponsor_id":"A"}]}`,
		`{"data":[{"distributor_id":"A","sponsor_id":"NOBODY"}]}`,
	} {
		c.want(http.StatusUnprocessableEntity, c.post("/api/v1/distributors", body)).problem(t)
	}
	for _, body := range []string{
		`{"data":[{"platform":"ebay","platform_sku":"A"}]}`, `{"data":[{"platform":"shopify"}]}`,
		`{"data":[{"platform":"shopify","platform_sku":"A","cv_per_unit":"1","cv_of_net":"1%"}]}`,
	} {
		p := c.want(http.StatusUnprocessableEntity, c.post("/api/v1/mappings", body)).problem(t)
		if !strings.HasPrefix(p.Field, "data[0].") {
			t.Errorf("%s: field %q", body, p.Field)
		}
	}
	if rows := c.rowsOf("/api/v1/distributors", c.readKey); len(rows) != 0 {
		t.Errorf("half-written: %v", rows)
	}
}

// TestSetupTicksItsSteps follows the first-run page, which has no key.
func TestSetupTicksItsSteps(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	steps := func() (s map[string]any) {
		fatal(t, json.Unmarshal(send(t, http.MethodGet, p.url+"/api/setup", http.NoBody, nil).body, &s))
		return s
	}
	if s := steps(); s["program"] != false || s["order"] != false || s["shopify"] != true {
		t.Errorf("an empty database: %v", s)
	}
	c := p.company(t, "alpha")
	c.fill()
	c.order("1", "TEA-12", "ANNA1001", "100.00")
	c.soon(func() bool { return steps()["order"] == true })
	s := steps()
	for _, step := range []string{"program", "store", "people", "mappings", "plan", "order"} {
		if s[step] != true {
			t.Errorf("%s is not ticked: %v", step, s)
		}
	}
	for name := range s {
		if text, ok := s[name].(string); ok && name != "version" {
			t.Errorf("it tells %s = %q to strangers", name, text)
		}
	}
}

func TestWritesAreAuditedInTheKeysName(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	var actors []string
	d.books.audit = func(actor, action string) { actors = append(actors, actor+" "+action) }
	send(t, http.MethodPost, d.url+"/api/v1/deliveries/x/replay", http.NoBody, map[string]string{"Authorization": "Bearer " + storeKeyA})
	send(t, http.MethodPost, d.url+"/api/v1/distributors", strings.NewReader(`{"data":[{"distributor_id":"A"}]}`), map[string]string{"Authorization": "Bearer " + storeKeyA})
	if diff := cmp.Diff([]string{"api-key:key_1 delivery.replay", "api-key:key_1 distributors.put"}, actors); diff != "" {
		t.Error(diff)
	}
}

// TestUnmappedSKUsAreRankedByTheirMoney: what costs most to leave is seen first.
func TestUnmappedSKUsAreRankedByTheirMoney(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	for i, price := range []string{"9.00", "100.00", "20.00"} {
		c.order(fmt.Sprint(i), fmt.Sprint("NEW-", i), "ANNA1001", price)
	}
	var page struct {
		Data []struct{ Waiting string }
	}
	fatal(t, json.Unmarshal(c.want(200, c.get("/api/v1/mappings/unmapped")).body, &page))
	if diff := cmp.Diff([]struct{ Waiting string }{{"100.00"}, {"20.00"}, {"9.00"}}, page.Data); diff != "" {
		t.Error(diff)
	}
}

// TestOwnOrderOfADistributor: who a customer is, told by the API, makes what they buy an own order.
func TestOwnOrderOfADistributor(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	before := c.order("1", "TEA-12", "ANNA1001", "100.00")
	c.want(http.StatusOK, c.post("/api/v1/customers/bindings", `{"data":[{"store_id":"alpha-till","customer_id":"77","kind":"self","distributor_id":"ANNA"}]}`))
	own := c.order("2", "TEA-12", "", "100.00")
	if before["distributor_id"] != "ANNA" || own["distributor_id"] != "ANNA" {
		t.Fatalf("sold by %v, and %v", before["distributor_id"], own["distributor_id"])
	}
	if before["earned"] == own["earned"] {
		t.Errorf("both earn %v", own["earned"])
	}
	for _, row := range c.rowsOf("/api/mlm/commissions?order_id=2", c.readKey) {
		if row["referrer_id"] == "ANNA" {
			t.Errorf("ANNA earns on what she bought: %v", row)
		}
	}
	told := c.want(http.StatusOK, send(t, http.MethodGet, c.url+"/api/v1/orders/alpha-till/2/explanation", http.NoBody,
		map[string]string{"Authorization": "Bearer " + c.readKey, "Accept": "text/plain"}))
	if !strings.Contains(string(told.body), "Bought by distributor Anna Bauer") {
		t.Errorf("the explanation does not say who bought it:\n%s", told.body)
	}
	c.want(http.StatusUnprocessableEntity, c.post("/api/v1/customers/bindings",
		`{"data":[{"store_id":"alpha-till","customer_id":"78","kind":"self","distributor_id":"NOBODY"}]}`)).problem(t)
}
