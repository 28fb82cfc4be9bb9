package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/httpapi"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/reconcile"
	"upline.dev/upline/server/run"
)

// loadDocument reads openapi.yaml as the server gives it and checks it, its examples included.
func loadDocument(t *testing.T, text []byte) *openapi3.T {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(text)
	fatal(t, err)
	fatal(t, document.Validate(context.Background(), openapi3.EnableExamplesValidation()))
	return document
}

// TestDocumentNamesEveryRoute compares the router's own table with the document, both ways.
func TestDocumentNamesEveryRoute(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	document := loadDocument(t, send(t, http.MethodGet, d.url+"/api/openapi.yaml", http.NoBody, nil).body)
	var described []string
	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	parameter := regexp.MustCompile(`:([a-z_]+)`)
	var routed []string
	for _, route := range httpapi.New(*d.deps).Routes() {
		routed = append(routed, parameter.ReplaceAllString(route, "{$1}"))
	}
	for _, route := range routed {
		if !slices.Contains(described, route) {
			t.Errorf("the document lacks %s", route)
		}
	}
	for _, route := range described {
		if !slices.Contains(routed, route) {
			t.Errorf("the server lacks %s", route)
		}
	}
	if len(routed) < 20 {
		t.Errorf("only %d routes", len(routed))
	}
}

// conversation holds every request and answer against the document.
type conversation struct {
	*company
	router routers.Router
	asked  map[string]map[int]bool // "METHOD /path" -> statuses seen
}

// exchange is one request of the conversation. A request that is wrong on purpose is not held against the document;
// its answer is.
type exchange struct {
	method, path, body string
	header             map[string]string
	wrong              bool
	want               int
}

func (c *conversation) say(e exchange) []byte {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), e.method, c.url+e.path, strings.NewReader(e.body))
	fatal(c.t, err)
	for name, value := range e.header {
		r.Header.Set(name, value)
	}
	if e.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	input := c.route(r)
	if !e.wrong {
		if err := openapi3filter.ValidateRequest(c.t.Context(), input); err != nil {
			c.t.Errorf("%s %s: the request: %v", e.method, e.path, err)
		}
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(e.body)), int64(len(e.body)) // the validator fills defaults in
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	fatal(c.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	fatal(c.t, err)
	if answer.StatusCode != e.want {
		c.t.Fatalf("%s %s: %d %s, want %d", e.method, e.path, answer.StatusCode, text, e.want)
	}
	err = openapi3filter.ValidateResponse(c.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: answer.StatusCode, Header: answer.Header, Body: io.NopCloser(bytes.NewReader(text)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		c.t.Errorf("%s %s: the answer %d: %v\n%s", e.method, e.path, answer.StatusCode, err, text)
	}
	name := e.method + " " + input.Route.Path
	if c.asked[name] == nil {
		c.asked[name] = map[int]bool{}
	}
	c.asked[name][answer.StatusCode] = true
	return text
}

func (c *conversation) route(r *http.Request) *openapi3filter.RequestValidationInput {
	c.t.Helper()
	plain := r.Clone(r.Context())
	plain.URL = &url.URL{Path: r.URL.Path, RawQuery: r.URL.RawQuery} // the document's server is "/"
	route, parameters, err := c.router.FindRoute(plain)
	fatal(c.t, err)
	return &openapi3filter.RequestValidationInput{
		Request: r, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
}

// TestEveryAnswerFitsTheDocument speaks with the real server about everything it has.
func TestEveryAnswerFitsTheDocument(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	document := loadDocument(t, send(t, http.MethodGet, p.url+"/api/openapi.yaml", http.NoBody, nil).body)
	router, err := legacy.NewRouter(document)
	fatal(t, err)
	c := &conversation{company: p.company(t, "alpha"), router: router, asked: map[string]map[int]bool{}}
	c.fill()
	c.writes()
	c.bindings()
	c.arrivals()
	c.periods()
	c.privacyRequests()
	c.storefront()
	c.reconciliations()
	c.reads()
	c.refusals()
	c.screens()
	c.webhooks()
	c.plans()
	c.importing()
	c.accounts()
	c.shopify(t)
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			c.checkSaid(method+" "+path, operation)
		}
	}
}

// unsaid are the documented failures that this conversation cannot bring about; the door's tests play them.
var unsaid = map[int]bool{http.StatusServiceUnavailable: true}

func (c *conversation) checkSaid(name string, operation *openapi3.Operation) {
	for status := range operation.Responses.Map() {
		var code int
		if _, err := fmt.Sscanf(status, "%d", &code); err != nil || unsaid[code] {
			continue
		}
		if code == http.StatusConflict && name != "POST /api/mlm/orders" && !strings.Contains(name, "/api/auth/") {
			continue // needs two writers at one moment
		}
		if name == "GET /api/v1/events" && code == http.StatusOK {
			continue // it does not end; TestEvents listens to it
		}
		if !c.asked[name][code] {
			c.t.Errorf("%s was never answered with %d", name, code)
		}
	}
}

func (c *conversation) bearer() map[string]string {
	return map[string]string{"Authorization": "Bearer " + c.storeKey}
}

func (c *conversation) writes() {
	c.say(exchange{
		method: "POST", path: "/api/v1/distributors?dry_run=true", header: c.bearer(), want: 200,
		body: `{"data":[{"distributor_id":"NEW","sponsor_id":"TOP","status":"active","rank":"gold","country":"DE","created_at":"2026-01-31","codes":["NEW1"],"name":"New","email":"new@example.com","tax_id":"1"}]}`,
	})
	c.say(exchange{
		method: "POST", path: "/api/v1/distributors", header: c.bearer(), want: 200,
		body: `{"data":[{"distributor_id":"NEW","sponsor_id":"TOP","status":"active","rank":"gold","country":"DE","created_at":"2026-01-31","codes":["NEW1"],"name":"New","email":"new@example.com","tax_id":"1"}]}`,
	})
	c.say(exchange{
		method: "POST", path: "/api/v1/mappings", header: c.bearer(), want: 200,
		body: `{"data":[{"platform":"custom","platform_sku":"CUP","sku_id":"CUP","name":"Cup","category":"Home","commission_class":"home","cv_per_unit":"12.5","qv_of_net":"50%","country":"DE","valid_from":"2026-01-31"}]}`,
	})
}

func (c *conversation) bindings() {
	c.say(exchange{
		method: "POST", path: "/api/v1/customers/bindings", header: c.bearer(), want: 200,
		body: `{"data":[{"store_id":"alpha-till","customer_id":"900","kind":"self","distributor_id":"ANNA","valid_from":"2026-01-31"},
			{"store_id":"alpha-till","customer_id":"901","kind":"sponsor","distributor_id":"ANNA"}]}`,
	})
	for _, query := range []string{"", "?store_id=alpha-till&customer_id=900", "?distributor_id=ANNA&limit=1"} {
		c.say(exchange{method: "GET", path: "/api/v1/customers/bindings" + query, header: c.bearer(), want: 200})
	}
}

func (c *conversation) arrivals() {
	order := `{"platform":"custom","platform_order_id":"A-1","order_ts":"2026-11-10T10:15:00+01:00","updated_at":"2026-11-10T10:15:00+01:00","status":"paid",
		"currency":"EUR","customer_id":"77","distributor_ref":"ANNA1001","items":[{"line_id":"1","platform_sku":"TEA-12","qty":2,"unit_price":"19.90","discount":"1.00"}],
		"total":"38.80","refunds":[{"refund_id":"r1","refunded_at":"2026-11-11T10:15:00+01:00","lines":[{"line_id":"1","qty":1,"amount":"19.40"}]}],"test":false}`
	keyed := c.bearer()
	keyed["Idempotency-Key"] = "till-7-receipt-4711"
	c.say(exchange{method: "POST", path: "/api/mlm/orders", header: keyed, body: order, want: 202})
	c.say(exchange{method: "POST", path: "/api/mlm/orders", header: keyed, body: order, want: 202})
	c.say(exchange{method: "POST", path: "/api/mlm/orders", header: keyed, body: strings.Replace(order, `"77"`, `"78"`, 1), want: 409})
	c.say(exchange{
		method: "POST", path: "/api/mlm/orders", header: c.bearer(), want: 202,
		body: `{"shopify_order_id":820982911946154508,"sku":"NEW-1","customer_id":77,"referrer_id":"ANNA1001","amount":19.90,"quantity":2,"currency":"EUR","status":"paid"}`,
	})
	c.say(exchange{
		method: "POST", path: "/api/mlm/orders", header: c.bearer(), want: 202,
		body: `{"shopify_order_id":"5002","sku":"TEA-12","referrer_id":"NOBODY","amount":"19.90"}`,
	})
	body := shopifyBody(c.t)
	c.say(exchange{method: "POST", path: "/webhooks/shopify", header: webhookHeader(c.domain, body, appSecret), body: string(body), want: 200})
	c.decided("alpha-till/A-1")
	c.soon(func() bool { return len(c.rowsOf("/api/v1/orders", c.readKey)) == 4 })
}

// storefront asks what visitors and pixels of the shop ask.
func (c *conversation) storefront() {
	c.say(exchange{method: "GET", path: "/r/NOBODY", want: 404})
	c.say(exchange{method: "GET", path: "/r/ANNA1001?to=/tea", want: 302})
	query := "/shopify/proxy/ref?signature=good&shop=" + c.domain
	c.say(exchange{method: "GET", path: query + "&code=ANNA1001", want: 200})
	c.say(exchange{method: "GET", path: query + "&code=NOBODY", want: 404})
	c.say(exchange{method: "GET", path: query + "&code=", want: 422})
	c.say(exchange{method: "GET", path: "/shopify/proxy/ref?signature=bad", want: 401})
	text := map[string]string{"Content-Type": "text/plain"}
	hint := `{"shop":"` + c.domain + `","checkout_token":"t","event_id":"e","ref":"ANNA1001"}`
	c.say(exchange{method: "POST", path: "/shopify/hints", header: text, body: hint, want: 204})
	c.say(exchange{method: "POST", path: "/shopify/hints", header: text, body: `{}`, want: 422})
	for range 600 { // One more is let through each second.
		if send(c.t, http.MethodPost, c.url+"/shopify/hints", strings.NewReader(hint), text).status == http.StatusTooManyRequests {
			break
		}
	}
	c.say(exchange{method: "POST", path: "/shopify/hints", header: text, body: hint, want: 429})
}

// privacyRequests asks what is kept of the customer of order A-1.
func (c *conversation) privacyRequests() {
	const path = "/api/v1/privacy/requests"
	taken := c.say(exchange{method: "POST", path: path, header: c.bearer(), want: 202, body: `{"kind":"customer_export","store_id":"alpha-till","customer_id":"77","key":"form-1"}`})
	c.say(exchange{method: "POST", path: path, header: c.bearer(), want: 202, body: `{"kind":"customer_erase","store_id":"alpha-till","order_ids":["A-99"]}`})
	var request struct {
		RequestID string `json:"request_id"`
	}
	fatal(c.t, json.Unmarshal(taken, &request))
	one := path + "/" + request.RequestID
	c.say(exchange{method: "GET", path: one + "/export", header: c.bearer(), want: 409})
	fatal(c.t, c.privacy.Work(c.t.Context()))
	for _, read := range []string{path, path + "?status=done&store_id=alpha-till&limit=1", one, one + "/export", one + "/export?format=csv"} {
		c.say(exchange{method: "GET", path: read, header: c.bearer(), want: 200})
		c.say(exchange{method: "GET", path: read, want: 401})
	}
	c.say(exchange{method: "GET", path: path + "/none", header: c.bearer(), want: 404})
	c.say(exchange{method: "GET", path: path + "/none/export", header: c.bearer(), want: 404})
	c.say(exchange{method: "GET", path: one + "/export?format=pdf", header: c.bearer(), wrong: true, want: 422})
	c.say(exchange{method: "GET", path: path + "?status=late", header: c.bearer(), wrong: true, want: 422})
	c.say(exchange{method: "GET", path: path + "?after=x", header: c.bearer(), wrong: true, want: 422})
	c.say(exchange{method: "POST", path: path, body: `{"kind":"store_erase","store_id":"alpha-till"}`, want: 401})
	c.say(exchange{method: "POST", path: path, header: c.bearer(), wrong: true, want: 422, body: `{"kind":"forget"}`})
	c.say(exchange{method: "POST", path: path, header: c.bearer(), want: 404, body: `{"kind":"store_erase","store_id":"nowhere"}`})
	c.say(exchange{method: "POST", path: path, header: c.bearer(), body: strings.Repeat(" ", httpapi.MaxBody+1), wrong: true, want: 413})
}

// reconciliations queues one for the store, and reads it.
func (c *conversation) reconciliations() {
	const path = "/api/v1/reconciliation"
	queued := c.say(exchange{
		method: "POST", path: path, header: c.bearer(), want: 202, body: `{"store_id":"alpha-till","from":"2026-11-01T00:00:00Z","to":"2026-11-02T00:00:00+01:00","mend":true}`,
	})
	var r reconcile.Run
	fatal(c.t, json.Unmarshal(queued, &r))
	fatal(c.t, c.store.PutReconciliation(c.t.Context(), reconcile.Run{
		RunID: r.RunID, ProgramID: c.program, StoreID: r.StoreID, From: r.From, To: r.To, State: reconcile.Done, FinishedAt: &r.To, Currency: "EUR",
	}, []reconcile.Finding{{OrderID: "alpha-till/A-1", Kind: reconcile.Missing, ToldMinor: 1940, Currency: "EUR", FoundAt: r.To}}))
	c.say(exchange{method: "POST", path: path, header: c.bearer(), want: 202, body: `{"store_id":"alpha-till"}`})
	for _, read := range []string{path, path + "?store_id=alpha-till&limit=1", path + "/" + r.RunID} {
		c.say(exchange{method: "GET", path: read, header: c.bearer(), want: 200})
		c.say(exchange{method: "GET", path: read, want: 401})
	}
	c.say(exchange{method: "GET", path: path + "/none", header: c.bearer(), want: 404})
	c.say(exchange{method: "GET", path: path + "?after=x", header: c.bearer(), wrong: true, want: 422})
	c.say(exchange{method: "GET", path: path + "/none?limit=0", header: c.bearer(), wrong: true, want: 422})
	c.say(exchange{method: "POST", path: path, body: `{"store_id":"alpha-till"}`, want: 401})
	c.say(exchange{method: "POST", path: path, header: c.bearer(), want: 404, body: `{"store_id":"nowhere"}`})
	c.say(exchange{method: "POST", path: path, header: c.bearer(), wrong: true, want: 422, body: `{"store_id":"alpha-till","from":"2999-01-01T00:00:00Z"}`})
	c.say(exchange{method: "POST", path: path, header: c.bearer(), body: strings.Repeat(" ", httpapi.MaxBody+1), wrong: true, want: 413})
}

// periods closes November by a plan of its own.
func (c *conversation) periods() {
	p, err := plan.Parse([]byte(`{"name":"november","effective_from":"2026-11-20T00:00:00Z","currency":"EUR","ranks":["member","silver","gold","diamond"],
		"volume":{"money":{"EUR":"1"}},"components":[{"id":"direct","type":"retail","period":"monthly","base":"cv","rates":[{"rate":"10%"}]}]}`))
	fatal(c.t, err)
	fatal(c.t, c.admin.PublishPlan(c.t.Context(), c.program, p, p.Canonical()))
	var id string
	for _, action := range []string{`"preview","record":true`, `"lock"`, `"commit"`, `"commit"`, `"pay"`} {
		answer := c.say(exchange{method: "POST", path: "/api/v1/runs", header: c.bearer(), want: 200, body: `{"period_id":"2026-11","kind":"monthly","action":` + action + `}`})
		var out run.Outcome
		fatal(c.t, json.Unmarshal(answer, &out))
		if id == "" {
			id = out.Period.RunID
		}
		if action == `"preview","record":true` && (out.Totals.Earned != "1.94" || out.Report.People != 1) {
			c.t.Errorf("November: %s", answer)
		}
	}
	for _, path := range []string{
		"/api/v1/periods", "/api/v1/periods?kind=monthly", "/api/v1/periods/2026-11", "/api/v1/periods/2026-12", "/api/v1/runs/" + id,
		"/api/v1/periods/2026-11/distributors/ANNA", "/api/v1/periods/2026-12/distributors/ANNA", "/api/v1/distributors/ANNA/ranks",
		"/api/v1/projection", "/api/v1/projection?kind=monthly&distributor_id=ANNA",
	} {
		c.say(exchange{method: "GET", path: path, header: c.bearer(), want: 200})
		c.say(exchange{method: "GET", path: path, want: 401})
	}
	for _, path := range []string{
		"/api/v1/runs/none", "/api/v1/periods/2026-11/distributors/NOBODY", "/api/v1/distributors/NOBODY/ranks", "/api/v1/projection?distributor_id=NOBODY",
	} {
		c.say(exchange{method: "GET", path: path, header: c.bearer(), want: 404})
	}
	for _, path := range []string{
		"/api/v1/periods?after=x", "/api/v1/periods/2026-13", "/api/v1/periods/nonsense/distributors/ANNA", "/api/v1/distributors/ANNA/ranks?after=x",
		"/api/v1/projection?kind=hourly",
	} {
		c.say(exchange{method: "GET", path: path, header: c.bearer(), wrong: true, want: 422})
	}
}

func (c *conversation) reads() {
	for _, path := range []string{
		"/healthz", "/readyz", "/metrics", "/api/setup", "/api/openapi.yaml", "/api/v1/overview", "/api/v1/stores", "/api/v1/orders",
		"/api/v1/orders?settlement=parked&limit=1", "/api/v1/orders?search=A-1&store_id=alpha-till", "/api/v1/orders/alpha-till/A-1",
		"/api/v1/orders/alpha-till/A-1/explanation", "/api/v1/orders/alpha-till/5002/explanation", "/api/v1/ledger", "/api/v1/ledger?kind=earning&order_id=alpha-till/A-1",
		"/api/mlm/commissions", "/api/mlm/commissions?status=PENDING&referrer_id=ANNA&order_id=A-1", "/api/v1/deliveries", "/api/v1/deliveries?status=parked",
		"/api/v1/distributors", "/api/v1/distributors?search=ANNA", "/api/v1/distributors/ANNA", "/api/v1/distributors/NEW",
		"/api/v1/mappings", "/api/v1/mappings?search=CUP", "/api/v1/mappings/unmapped",
	} {
		c.say(exchange{method: "GET", path: path, header: c.bearer(), want: 200})
	}
	plain := c.bearer()
	plain["Accept"] = "text/plain"
	c.say(exchange{method: "GET", path: "/api/v1/orders/alpha-till/A-1/explanation", header: plain, want: 200})
	id := fmt.Sprint(c.rowsOf("/api/v1/deliveries", c.readKey)[0]["delivery_id"])
	c.say(exchange{method: "GET", path: "/api/v1/deliveries/" + id, header: c.bearer(), want: 200})
	c.say(exchange{method: "POST", path: "/api/v1/deliveries/" + id + "/replay", header: c.bearer(), want: 202})
}

func (c *conversation) refusals() {
	for _, path := range []string{
		"/api/v1/overview", "/api/v1/stores", "/api/v1/orders", "/api/v1/orders/alpha-till/A-1", "/api/v1/orders/alpha-till/A-1/explanation",
		"/api/v1/ledger", "/api/mlm/commissions", "/api/v1/deliveries", "/api/v1/deliveries/x", "/api/v1/distributors", "/api/v1/distributors/ANNA",
		"/api/v1/mappings", "/api/v1/mappings/unmapped", "/api/v1/customers/bindings",
	} {
		c.say(exchange{method: "GET", path: path, want: 401})
	}
	for _, path := range []string{"/api/v1/orders/alpha-till/no", "/api/v1/orders/alpha-till/no/explanation", "/api/v1/deliveries/no", "/api/v1/distributors/no"} {
		c.say(exchange{method: "GET", path: path, header: c.bearer(), want: 404})
	}
	for _, path := range []string{"/api/v1/stores", "/api/v1/orders", "/api/v1/ledger", "/api/mlm/commissions", "/api/v1/deliveries", "/api/v1/distributors", "/api/v1/mappings", "/api/v1/mappings/unmapped", "/api/v1/customers/bindings"} {
		c.say(exchange{method: "GET", path: path + "?limit=999", header: c.bearer(), wrong: true, want: 422})
		c.say(exchange{method: "GET", path: path + "?after=nonsense", header: c.bearer(), wrong: true, want: 422})
	}
	large := strings.Repeat(" ", httpapi.MaxBody+1)
	for _, path := range []string{"/api/mlm/orders", "/api/v1/distributors", "/api/v1/mappings", "/api/v1/customers/bindings", "/api/v1/runs"} {
		c.say(exchange{method: "POST", path: path, body: `{}`, wrong: true, want: 401})
		c.say(exchange{method: "POST", path: path, header: c.bearer(), body: `{"data":[{"x":1}]}`, wrong: true, want: 422})
		c.say(exchange{method: "POST", path: path, header: c.bearer(), body: large, wrong: true, want: 413})
	}
	c.say(exchange{method: "POST", path: "/api/mlm/orders", header: map[string]string{"Authorization": "Bearer " + c.readKey}, body: `{}`, wrong: true, want: 403})
	c.say(exchange{method: "POST", path: "/api/v1/deliveries/no/replay", want: 401})
	c.say(exchange{method: "POST", path: "/api/v1/deliveries/no/replay", header: c.bearer(), want: 404})
	body := `{}`
	c.say(exchange{method: "POST", path: "/webhooks/shopify", header: webhookHeader(c.domain, []byte(body), "wrong"), body: body, want: 401})
	c.say(exchange{method: "POST", path: "/webhooks/shopify", header: webhookHeader("other.myshopify.com", []byte(body), appSecret), body: body, want: 404})
	c.say(exchange{method: "POST", path: "/webhooks/shopify", header: webhookHeader("no shop", []byte(body), appSecret), body: body, want: 422})
	c.say(exchange{method: "POST", path: "/webhooks/shopify", header: webhookHeader(c.domain, nil, appSecret), body: large, wrong: true, want: 413})
	c.wooCommerce(large)
	c.plugins()
}

func (c *conversation) wooCommerce(large string) {
	c.pluginDoor(strings.TrimPrefix(wooStore(c.t, c.company), c.url), large)
	c.pluginDoor(strings.TrimPrefix(magentoStore(c.t, c.company), c.url), large)
}

func (c *conversation) pluginDoor(path, large string) {
	for site, want := range map[string]int{"https://shop.example.com": 200, "https://other.example.com": 403, "": 422} {
		body := snapshotBody(site, 1, "")
		c.say(exchange{method: "POST", path: path, header: pluginHeader("e-"+site[len(site)/2:], time.Now(), body, wooSecret), body: string(body), wrong: want == 422, want: want})
	}
	body := snapshotBody("https://shop.example.com", 1, "")
	c.say(exchange{method: "POST", path: path, header: pluginHeader("e", time.Now().Add(-time.Hour), body, wooSecret), body: string(body), want: 401})
	c.say(exchange{method: "POST", path: path, body: large, wrong: true, want: 413})
}

func (c *conversation) plugins() {
	site := "https://plugin.example.com"
	c.api.TryShop = func(context.Context, string, install.Credentials) error { return nil }
	_, detour, err := c.channel.AskForKeys(c.t.Context(), &channel.Approval{Program: c.program, Request: channel.Request{Site: site, Platform: order.WooCommerce}})
	fatal(c.t, err)
	to, err := url.Parse(detour)
	fatal(c.t, err)
	for _, want := range []int{200, 403} {
		body := `{"user_id":` + quoted(to.Query().Get("user_id")) + `,"consumer_key":"ck_x","consumer_secret":"cs_x"}`
		c.say(exchange{method: "POST", path: "/connect/woocommerce/callback", body: body, want: want})
	}
	claim := func(site, code, currency string) string {
		return fmt.Sprintf(`{"type":"claim","version":1,"site":%q,"code":%q,"verifier":"","currency":%q}`, site, code, currency)
	}
	code := c.offer(site, "", "")
	c.say(exchange{method: "POST", path: "/api/plugin/claim", body: claim("https://other.example.com", code, "USD"), want: 403})
	c.say(exchange{method: "POST", path: "/api/plugin/claim", body: claim(site, code, "EUR"), want: 422})
	c.say(exchange{method: "POST", path: "/api/plugin/claim", body: strings.Repeat(" ", 300<<10), wrong: true, want: 413})
	c.say(exchange{method: "POST", path: "/api/plugin/claim", body: claim(site, code, "USD"), want: 200})
	c.say(exchange{method: "POST", path: "/api/plugin/claim", body: claim(site, code, "USD"), want: 401})
	p := c.connect(site, "viewer") // that claim ended the secret of before
	ask := func(call, body string, wrong bool, want int) []byte {
		p.calls++
		header := pluginHeader(fmt.Sprintf("n-%d", p.calls), time.Now(), []byte(body), p.secret)
		return c.say(exchange{method: "POST", path: "/api/plugin/" + p.store + "/" + call, header: header, body: body, wrong: wrong, want: want})
	}
	for _, call := range []string{"status", "heartbeat", "distributors", "coupons", "export"} {
		ask(call, string(p.body(call, "")), false, 200)
	}
	ask("earnings", string(p.body("earnings", `"customer_id":"1"`)), false, 200)
	ask("explanation", string(p.body("explanation", `"order_id":"1"`)), false, 200)
	ask("earnings", string(p.body("earnings", "")), false, 422)
	ask("nothing", string(p.body("nothing", "")), false, 404)
	ask("status", strings.Replace(string(p.body("status", "")), "plugin.", "staging.", 1), false, 403)
	ask("status", strings.Repeat(" ", 300<<10), true, 413)
	c.say(exchange{method: "POST", path: "/api/plugin/nobody/status", body: `{}`, wrong: true, want: 401})
	var link struct{ Code string }
	fatal(c.t, json.Unmarshal(ask("sso", string(p.body("sso", `"audience":"merchant","user_id":"1"`)), false, 200), &link))
	c.say(exchange{method: "GET", path: "/sso?code=" + link.Code, want: 303})
	c.say(exchange{method: "GET", path: "/sso?code=" + link.Code, want: 403})
}
