package httpapi_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func (c *company) read(v any, path string) {
	c.t.Helper()
	got := c.get(path)
	if got.status != http.StatusOK {
		c.t.Fatalf("%s: %d %s", path, got.status, got.body)
	}
	fatal(c.t, json.Unmarshal(got.body, v))
}

// ids are the platform's ids of a list of orders.
func (c *company) ids(path string) string {
	c.t.Helper()
	var ids []string
	for _, row := range c.rowsOf(path, c.readKey) {
		ids = append(ids, row["platform_order_id"].(string))
	}
	return strings.Join(ids, " ")
}

func (c *company) dated(id, ts string) {
	c.t.Helper()
	c.want(http.StatusAccepted, c.post("/api/mlm/orders", `{"platform_order_id":"`+id+`","order_ts":"`+ts+`","currency":"EUR","distributor_ref":"ANNA1001","items":[
		{"platform_sku":"TEA-12","qty":1,"unit_price":"10.00"}],"total":"10.00"}`))
	c.decided(c.program + "-till/" + id)
}

// TestOrdersAreFilteredAndSorted by store, platform, time, state and each in both orders, page by page.
func TestOrdersAreFilteredAndSorted(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	for i, day := range []string{"01", "02", "03", "04", "05", "06", "07", "08", "09"} {
		c.dated("A"+string(rune('1'+i)), "2026-11-"+day+"T10:00:00Z")
	}
	for path, want := range map[string]string{
		"/api/v1/orders":                                         "A9 A8 A7 A6 A5 A4 A3 A2 A1",
		"/api/v1/orders?sort=order_ts":                           "A1 A2 A3 A4 A5 A6 A7 A8 A9",
		"/api/v1/orders?platform=custom":                         "A9 A8 A7 A6 A5 A4 A3 A2 A1",
		"/api/v1/orders?platform=custom&sort=order_ts":           "A1 A2 A3 A4 A5 A6 A7 A8 A9",
		"/api/v1/orders?platform=shopify":                        "",
		"/api/v1/orders?store_id=alpha-till&from=2026-11-08":     "A9 A8",
		"/api/v1/orders?from=2026-11-02&to=2026-11-04":           "A3 A2",
		"/api/v1/orders?to=2026-11-02T10:00:00Z&platform=custom": "A1",
		"/api/v1/orders?status=paid&to=2026-11-03":               "A2 A1",
		"/api/v1/orders?status=refunded":                         "",
		"/api/v1/orders?settlement=parked":                       "",
	} {
		if got := c.ids(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{"?platform=etsy", "?status=sold", "?sort=net", "?from=yesterday"} {
		if got := c.get("/api/v1/orders" + path); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

func TestPeopleAreFilteredAndSorted(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	c.want(http.StatusOK, c.post("/api/v1/distributors", `{"data":[{"distributor_id":"ZED","sponsor_id":"TOP","country":"de","created_at":"2026-10-01"},
		{"distributor_id":"YAK","sponsor_id":"TOP","country":"AT","created_at":"2026-10-02"}]}`))
	for path, want := range map[string]string{
		"": "ANNA MID OUT TOP YAK ZED", "?status=inactive": "OUT", "?country=de": "ZED", "?sponsor_id=TOP": "MID YAK ZED", "?sponsor_id=-": "TOP",
		"?rank=gold": "MID", "?search=ANNA1001": "ANNA", "?sort=-created_at&country=AT": "YAK", "?sponsor_id=TOP&sort=-created_at": "YAK ZED MID",
	} {
		var ids []string
		for _, row := range c.rowsOf("/api/v1/distributors"+path, c.readKey) {
			ids = append(ids, row["distributor_id"].(string))
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	c.order("A-1", "TEA-12", "ANNA1001", "100.00")
	var p struct {
		Distributor struct{ Name string }
		Upline      []struct {
			ID   string `json:"distributor_id"`
			Name string
		}
		Frontline int
		Earned    map[string]string
	}
	c.read(&p, "/api/v1/distributors/ANNA/profile")
	if p.Distributor.Name != "Anna Bauer" || len(p.Upline) != 3 || p.Upline[0].ID != "OUT" || p.Upline[2].Name != "Tilda Oppermann" || p.Earned["EUR"] != "20.00" {
		t.Errorf("%+v", p)
	}
	c.read(&p, "/api/v1/distributors/TOP/profile")
	if len(p.Upline) != 0 || p.Frontline != 3 {
		t.Errorf("%+v", p)
	}
}

// TestOrderScreens: what happened to an order, what it was, and that looking again changes nothing.
func TestOrderScreens(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	c.order("A-1", "TEA-12", "ANNA1001", "100.00")
	var steps struct {
		Data []struct {
			What     string
			Postings int
		}
	}
	c.soon(func() bool { c.read(&steps, "/api/v1/orders/alpha-till/A-1/steps"); return len(steps.Data) == 3 })
	if steps.Data[0].What != "received" {
		t.Errorf("%+v", steps.Data)
	}
	var facts struct {
		Lines []struct{ Gross string }
	}
	c.read(&facts, "/api/v1/orders/alpha-till/A-1/facts")
	if len(facts.Lines) != 1 || facts.Lines[0].Gross != "100.00" {
		t.Errorf("%+v", facts)
	}
	type preview struct {
		Outcome   string
		WillPost  int `json:"will_post"`
		Unchanged bool
		Postings  []struct{ Amount string }
	}
	var check struct {
		Equal   bool
		Preview preview
	}
	before := len(c.rowsOf("/api/v1/ledger", c.readKey))
	recheck := func(id string) {
		t.Helper()
		check.Equal, check.Preview = false, preview{}
		fatal(t, json.Unmarshal(c.want(http.StatusOK, c.post("/api/v1/orders/alpha-till/"+id+"/recheck", "")).body, &check))
	}
	recheck("A-1")
	if !check.Equal || !check.Preview.Unchanged || check.Preview.WillPost != 0 || check.Preview.Outcome != "settled" {
		t.Errorf("an order that is as it should be: %+v", check)
	}
	c.order("A-2", "NEW-1", "ANNA1001", "50.00")
	recheck("A-2")
	if check.Preview.Outcome != "parked" || check.Preview.WillPost != 0 {
		t.Errorf("an order that waits: %+v", check)
	}
	var delivery string
	for _, d := range c.rowsOf("/api/v1/deliveries?order_id=alpha-till/A-1", c.readKey) {
		delivery = d["delivery_id"].(string)
	}
	var p preview
	fatal(t, json.Unmarshal(c.want(http.StatusOK, c.post("/api/v1/deliveries/"+delivery+"/replay?dry_run=true", "")).body, &p))
	if !p.Unchanged || p.WillPost != 0 {
		t.Errorf("a replay would: %+v", p)
	}
	if after := len(c.rowsOf("/api/v1/ledger", c.readKey)); after != before {
		t.Errorf("looking posted %d rows", after-before)
	}
	var body struct {
		Text  string
		Bytes int
	}
	c.read(&body, "/api/v1/deliveries/"+delivery+"/body")
	if !strings.Contains(body.Text, `"platform_order_id":"A-1"`) || body.Bytes != len(body.Text) {
		t.Errorf("%+v", body)
	}
}

type keptRules struct {
	Version int64
	Rules   []struct {
		RuleID    string `json:"rule_id"`
		Fits      int
		CoveredBy string `json:"covered_by"`
	}
	Conflicts []struct {
		SKU     string   `json:"platform_sku"`
		RuleIDs []string `json:"rule_ids"`
	}
	Changed struct{ Added, Released int }
}

// TestRuleAlike: who writes a rule sees which mapped SKUs look alike, those that would be something else first; they stay.
func TestRuleAlike(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	c.want(http.StatusOK, c.post("/api/v1/mappings", `{"data":[{"platform":"custom","platform_sku":"tea-1","commission_class":"care"},
		{"platform":"custom","platform_sku":"TEA-2","commission_class":"home"},{"platform":"custom","platform_sku":"TEA-2","commission_class":"home","country":"DE"},
		{"platform":"shopify","platform_sku":"TEA-3","commission_class":"care"},{"platform":"custom","platform_sku":"MUG","commission_class":"home"}]}`))
	c.order("A-1", "TEA-9", "ANNA1001", "50.00")
	type outcome struct {
		Matches []struct {
			SKU string `json:"platform_sku"`
		}
		Mapped *struct {
			Count, Differ int
			SKUs          []struct {
				SKU   string `json:"platform_sku"`
				Class string `json:"commission_class"`
			}
		}
	}
	rule := `{"platform":"custom","prefix":"Tea-","commission_class":"care"}`
	var would outcome
	fatal(t, json.Unmarshal(c.want(http.StatusOK, c.post("/api/v1/mappings/rules?dry_run=true", rule)).body, &would))
	if would.Mapped == nil || len(would.Matches) != 1 {
		t.Fatalf("%+v", would)
	}
	if got := fmt.Sprint(*would.Mapped); got != "{3 2 [{TEA-12 nutrition} {TEA-2 home} {tea-1 care}]}" {
		t.Error(got)
	}
	var done outcome
	fatal(t, json.Unmarshal(c.want(http.StatusOK, c.post("/api/v1/mappings/rules", rule)).body, &done))
	if done.Mapped != nil {
		t.Errorf("what is done tells of them again: %+v", done.Mapped)
	}
	for _, m := range c.rowsOf("/api/v1/mappings/current?search=TEA-2", c.readKey) {
		if m["commission_class"] != "home" {
			t.Errorf("a rule changed %v", m)
		}
	}
}

// TestKeptMappingRules: what waits is mapped at once, what comes later by itself; two who edit see each other.
func TestKeptMappingRules(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	c := p.company(t, "alpha")
	c.fill()
	put := func(status int, path, seen, rules string) (out keptRules) {
		header := map[string]string{"Authorization": "Bearer " + c.storeKey, "Content-Type": "application/json", "If-Match": seen}
		got := c.want(status, send(c.t, http.MethodPut, c.url+"/api/v1/mappings/rules"+path, strings.NewReader(rules), header))
		if status == http.StatusOK {
			fatal(t, json.Unmarshal(got.body, &out))
		}
		return out
	}
	c.order("A-1", "NEW-1", "ANNA1001", "50.00")
	list := `{"rules":[{"rule_id":"new","prefix":"new-","commission_class":"nutrition"},{"prefix":"NEW-1","commission_class":"home"}]}`
	would := put(200, "?dry_run=true", "", list)
	if len(would.Rules) != 2 || would.Rules[0].Fits != 1 || would.Rules[1].CoveredBy != "new" || len(would.Conflicts) != 1 || would.Changed.Released != 1 {
		t.Errorf("a dry run: %+v", would)
	}
	var now keptRules
	c.read(&now, "/api/v1/mappings/rules")
	if now.Version != 0 || len(now.Rules) != 0 {
		t.Errorf("after a dry run: %+v", now)
	}
	if done := put(200, "", "", list); done.Version != 1 || done.Changed.Added != 1 {
		t.Errorf("kept: %+v", done)
	}
	c.soon(func() bool { return c.ids("/api/v1/orders?settlement=parked") == "" })
	c.order("A-2", "NEW-2", "ANNA1001", "50.00")
	mapped, err := p.admin.ApplyMappingRules(t.Context(), time.Now())
	if fatal(t, err); mapped != 1 {
		t.Errorf("%d SKUs mapped", mapped)
	}
	again, err := p.admin.ApplyMappingRules(t.Context(), time.Now())
	if fatal(t, err); again != 0 {
		t.Errorf("twice: %d SKUs mapped", again)
	}
	put(409, "", "", list)
	put(409, "", `"7"`, list)
	put(422, "", `"1"`, `{"rules":[{"commission_class":"x"}]}`)
	put(422, "", `"1"`, `{"rules":[{"rule_id":"a","prefix":"x","commission_class":"x"},{"rule_id":"a","prefix":"y","commission_class":"x"}]}`)
	put(422, "", `"1"`, `{}`)
	if gone := put(200, "", `"1"`, `{"rules":[]}`); gone.Version != 2 {
		t.Errorf("taken away: %+v", gone)
	}
	c.order("A-3", "NEW-3", "ANNA1001", "50.00")
	if mapped, err := p.admin.ApplyMappingRules(t.Context(), time.Now()); mapped != 0 || err != nil {
		t.Errorf("without rules: %d, %v", mapped, err)
	}
}

// TestMappingRules: a rule says first what it would do; two who map one SKU see each other.
func TestMappingRules(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	c.order("A-1", "NEW-1", "ANNA1001", "50.00")
	c.order("A-2", "new-2", "ANNA1001", "20.00")
	c.order("A-3", "OTHER", "ANNA1001", "10.00")
	var out struct {
		Matches []struct {
			SKU string `json:"platform_sku"`
		}
		Changed struct{ Added, Released int }
	}
	rule := `{"prefix":"NEW-","commission_class":"nutrition"}`
	for _, path := range []string{"?dry_run=true", ""} {
		fatal(t, json.Unmarshal(c.want(http.StatusOK, c.post("/api/v1/mappings/rules"+path, rule)).body, &out))
		if len(out.Matches) != 2 || out.Matches[0].SKU != "NEW-1" || out.Changed.Added != 2 || out.Changed.Released != 2 {
			t.Errorf("%s: %+v", path, out)
		}
	}
	c.soon(func() bool { return c.ids("/api/v1/orders?settlement=parked") == "A-3" })
	for _, wrong := range []string{`{"commission_class":"x"}`, `{"prefix":"x"}`, `{"prefix":"x","commission_class":"x","then":1}`} {
		c.want(http.StatusUnprocessableEntity, c.post("/api/v1/mappings/rules", wrong))
	}
	version := func() string {
		rows := c.rowsOf("/api/v1/mappings/current?search=NEW-1", c.readKey)
		text, _ := json.Marshal(rows[0]["version"])
		return string(text)
	}
	put := func(class, seen string) int {
		return c.post("/api/v1/mappings", `{"data":[{"platform":"custom","platform_sku":"NEW-1","commission_class":"`+class+`","seen_version":`+seen+`}]}`).status
	}
	seen := version()
	if got := put("home", seen); got != http.StatusOK {
		t.Fatalf("the first: %d", got)
	}
	if got := put("beauty", seen); got != http.StatusConflict {
		t.Errorf("the second, who has not seen the first: %d", got)
	}
	if got := put("beauty", "0"); got != http.StatusConflict {
		t.Errorf("who thinks there is none: %d", got)
	}
	if got := put("beauty", version()); got != http.StatusOK {
		t.Errorf("after looking again: %d", got)
	}
	rows := c.rowsOf("/api/v1/mappings/current?search=NEW-1", c.readKey)
	if len(rows) != 1 || rows[0]["commission_class"] != "beauty" {
		t.Errorf("what the SKU means now: %v", rows)
	}
}

func TestExports(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	c.want(http.StatusOK, c.post("/api/v1/distributors", `{"data":[{"distributor_id":"EVE","sponsor_id":"TOP","name":"=HYPERLINK(\"x\")","email":"eve@example.com"}]}`))
	for i := range 9 {
		c.order("A-"+string(rune('1'+i)), "TEA-12", "ANNA1001", "100.00")
	}
	for list, want := range map[string]int{
		"orders": 9, "orders.csv": 9, "ledger.csv": 27, "commissions.csv": 18, "distributors.csv": 5, "mappings.csv": 2, "deliveries.csv": 9,
		"orders.csv?settlement=parked": 0, "distributors.csv?sponsor_id=TOP": 2,
	} {
		got := c.get("/api/v1/exports/" + list)
		rows, err := csv.NewReader(strings.NewReader(string(got.body))).ReadAll()
		if err != nil || got.status != 200 || (len(rows) != want+1 && !strings.HasPrefix(list, "ledger") && !strings.HasPrefix(list, "commissions")) || len(rows) < want {
			t.Errorf("%s: %d, %d rows, %v, want %d", list, got.status, len(rows)-1, err, want)
		}
	}
	people := c.get("/api/v1/exports/distributors.csv")
	if !strings.Contains(string(people.body), `'=HYPERLINK`) || !strings.HasPrefix(people.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%v %s", people.header, people.body)
	}
	if got := c.get("/api/v1/exports/secrets.csv"); got.status != http.StatusNotFound {
		t.Errorf("an unknown export: %d", got.status)
	}
	if got := c.get("/api/v1/exports/orders.csv?settlement=x"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong filter: %d", got.status)
	}
}

// TestEvents: a screen hears of what happens, and of nothing while nothing does.
func TestEvents(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/api/v1/events", http.NoBody)
	fatal(t, err)
	r.Header.Set("Authorization", "Bearer "+c.readKey)
	answer, err := http.DefaultClient.Do(r)
	fatal(t, err)
	defer answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("%d %s", answer.StatusCode, kind)
	}
	lines := bufio.NewScanner(answer.Body)
	next := func() (p struct {
		Batch, Parked int64
		Delivery      string
	},
	) {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				fatal(t, json.Unmarshal([]byte(data), &p))
				return p
			}
		}
		t.Fatalf("no event: %v", lines.Err())
		return p
	}
	if first := next(); first.Delivery != "" || first.Batch != 0 {
		t.Errorf("at the beginning: %+v", first)
	}
	c.order("A-1", "TEA-12", "ANNA1001", "100.00")
	for next().Batch == 0 {
		continue
	}
	c.order("A-2", "NEW-1", "ANNA1001", "100.00")
	for next().Parked == 0 {
		continue
	}
	c.api.CloseEvents()
	for lines.Scan() {
		continue
	}
	if err := lines.Err(); err != nil {
		t.Errorf("a server that stops broke the stream off: %v", err)
	}
}

func TestStanding(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	type standing struct {
		Stages []struct {
			Name  string
			Count int
		}
		Ack, Emit struct {
			Of  int
			P95 int `json:"p95_us"`
		}
		Waiting []struct {
			Code, Waiting string
			Orders        int
		}
		UnmappedSKU int    `json:"unmapped_sku"`
		PlanHash    string `json:"plan_hash"`
		Paid        *struct {
			ID string `json:"order_id"`
		}
	}
	var empty standing
	c.read(&empty, "/api/v1/standing")
	if empty.Ack.Of != 0 || empty.Paid != nil || empty.PlanHash == "" || len(empty.Waiting) != 0 {
		t.Errorf("before any order: %+v", empty)
	}
	c.order("A-1", "TEA-12", "ANNA1001", "100.00")
	c.order("A-2", "NEW-1", "ANNA1001", "50.00")
	var st standing
	c.soon(func() bool { c.read(&st, "/api/v1/standing"); return st.Emit.Of == 2 })
	counts := map[string]int{}
	for _, stage := range st.Stages {
		counts[stage.Name] = stage.Count
	}
	if counts["received"] != 2 || counts["mapped"] != 1 || counts["commissioned"] != 1 || counts["posted"] < 2 {
		t.Errorf("stages %v", counts)
	}
	if st.Ack.Of != 2 || st.Ack.P95 <= 0 || st.Emit.P95 <= 0 {
		t.Errorf("figures: ack %+v, emit %+v", st.Ack, st.Emit)
	}
	if len(st.Waiting) != 1 || st.Waiting[0].Waiting != "50.00" || st.UnmappedSKU != 1 || st.Paid == nil || st.Paid.ID != "alpha-till/A-1" {
		t.Errorf("%+v", st)
	}
}

// screens are the part of the conversation with the document about what screens read.
func (c *conversation) screens() {
	delivery := c.rowsOf("/api/v1/deliveries?order_id=alpha-till/A-1", c.readKey)[0]["delivery_id"].(string)
	for path, want := range map[string]int{
		"/api/v1/standing": 200, "/api/v1/distributors/ANNA/profile": 200, "/api/v1/distributors/no/profile": 404,
		"/api/v1/orders/alpha-till/A-1/steps": 200, "/api/v1/orders/alpha-till/no/steps": 404, "/api/v1/orders/alpha-till/A-1/facts": 200,
		"/api/v1/orders/alpha-till/no/facts": 404, "/api/v1/deliveries/" + delivery + "/body": 200, "/api/v1/deliveries/no/body": 404,
		"/api/v1/mappings/current?search=TEA": 200, "/api/v1/mappings/current?after=x": 422, "/api/v1/exports/orders.csv": 200,
		"/api/v1/orders?platform=custom&sort=order_ts&status=paid&from=2026-01-01": 200, "/api/v1/ledger?from=2026-01-01&currency=EUR&component_id=level": 200,
		"/api/v1/distributors?sponsor_id=-&sort=-created_at": 200, "/api/v1/deliveries?topic=orders&from=2026-01-01": 200,
	} {
		c.say(exchange{method: "GET", path: path, header: c.bearer(), want: want})
	}
	c.say(exchange{method: "GET", path: "/api/v1/exports/x.csv", header: c.bearer(), wrong: true, want: 404})
	c.say(exchange{method: "GET", path: "/api/v1/standing", want: 401})
	c.say(exchange{method: "GET", path: "/api/v1/events", want: 401})
	c.say(exchange{method: "POST", path: "/api/v1/orders/alpha-till/A-1/recheck", header: c.bearer(), want: 200})
	c.say(exchange{method: "POST", path: "/api/v1/orders/alpha-till/no/recheck", header: c.bearer(), want: 404})
	c.say(exchange{method: "POST", path: "/api/v1/deliveries/" + delivery + "/replay?dry_run=true", header: c.bearer(), want: 200})
	c.say(exchange{method: "POST", path: "/api/v1/mappings/rules?dry_run=true", header: c.bearer(), body: `{"prefix":"NEW","commission_class":"home"}`, want: 200})
	c.say(exchange{method: "POST", path: "/api/v1/mappings/rules", header: c.bearer(), body: `{"commission_class":"home"}`, want: 422})
	c.say(exchange{method: "PUT", path: "/api/v1/mappings/rules?dry_run=true", header: c.bearer(), body: `{"rules":[{"prefix":"NEW","commission_class":"home"},{"prefix":"NEW-1","commission_class":"care"}]}`, want: 200})
	c.say(exchange{method: "PUT", path: "/api/v1/mappings/rules", header: c.bearer(), body: `{"rules":[{"prefix":"NEW","commission_class":"home"}]}`, want: 200})
	c.say(exchange{method: "PUT", path: "/api/v1/mappings/rules", header: c.bearer(), body: `{"rules":[]}`, want: 409})
	c.say(exchange{method: "PUT", path: "/api/v1/mappings/rules", header: c.bearer(), body: `{"rules":[{"commission_class":"home"}]}`, want: 422})
	c.say(exchange{method: "GET", path: "/api/v1/mappings/rules", header: c.bearer(), want: 200})
	c.say(exchange{method: "GET", path: "/api/v1/mappings/rules", want: 401})
	c.say(exchange{method: "POST", path: "/api/v1/program/close", header: c.bearer(), body: `{}`, want: 403})
}
