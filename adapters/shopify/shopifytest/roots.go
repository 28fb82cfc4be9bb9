package shopifytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// roots are the fields of the query and of the mutation; a.mu is held while they run.
func (a *Admin) roots(map[string]any) map[string]root {
	return map[string]root{
		"order":                          func(args map[string]any) (any, error) { return a.orders.find(text(args["id"])), nil },
		"orders":                         a.search,
		"ordersCount":                    a.count,
		"refund":                         a.refund,
		"bulkOperation":                  a.bulkState,
		"bulkOperations":                 a.recentBulks,
		"bulkOperationRunQuery":          a.startBulk,
		"bulkOperationCancel":            a.cancelBulk,
		"productVariants":                func(map[string]any) (any, error) { return orEmpty(a.variants), nil },
		"codeDiscountNodeByCode":         a.discountOfCode,
		"discountCodeBasicCreate":        a.createDiscount,
		"discountRedeemCodeBulkAdd":      a.addCodes,
		"webPixel":                       a.findPixel,
		"webPixelCreate":                 a.createPixel,
		"webPixelUpdate":                 a.updatePixel,
		"webhookSubscriptions":           a.listSubscriptions,
		"webhookSubscriptionCreate":      a.subscribe,
		"webhookSubscriptionDelete":      a.unsubscribe,
		"discountRedeemCodeBulkCreation": func(args map[string]any) (any, error) { return a.creation(text(args["id"])), nil },
	}
}

var bound = regexp.MustCompile(`updated_at:(>=|<)'([^']+)'`)

// window reads the only form of search that the stand-in knows.
func window(search string) (from, to time.Time, err error) {
	found := bound.FindAllStringSubmatch(search, -1)
	if len(found) != 2 || strings.TrimSpace(bound.ReplaceAllString(search, "")) != "" {
		return from, to, fmt.Errorf("the stand-in knows only updated_at:>='…' updated_at:<'…', not %q", search)
	}
	for _, m := range found {
		at, err := time.Parse(time.RFC3339, m[2])
		if err != nil {
			return from, to, fmt.Errorf("search: %w", err)
		}
		if m[1] == "<" {
			to = at
		} else {
			from = at
		}
	}
	return from, to, nil
}

func (a *Admin) search(args map[string]any) (any, error) {
	from, to, err := window(text(args["query"]))
	if err != nil {
		return nil, err
	}
	var out []any
	err = a.orders.each(from, to, func(order Object) error {
		out = append(out, order)
		return nil
	})
	slices.SortStableFunc(out, func(x, y any) int {
		return strings.Compare(x.(Object)["updatedAt"].(string), y.(Object)["updatedAt"].(string))
	})
	return orEmpty(out), err
}

func (a *Admin) count(args map[string]any) (any, error) {
	from, to, err := window(text(args["query"]))
	if err != nil {
		return nil, err
	}
	n, precision := 0, "EXACT"
	err = a.orders.each(from, to, func(Object) error {
		n++
		return nil
	})
	if err != nil {
		return nil, err
	}
	if limit := number(args["limit"]); args["limit"] != nil && n > limit {
		n, precision = limit, "AT_LEAST"
	}
	return Object{"count": n, "precision": precision}, nil
}

func (a *Admin) refund(args map[string]any) (any, error) {
	for i := range a.orders.count {
		for _, refund := range a.orders.at(i)["refunds"].([]any) {
			if refund.(Object)["id"] == args["id"] {
				return refund, nil
			}
		}
	}
	return nil, nil
}

// PutVariants sets what the shop sells.
func (a *Admin) PutVariants(variants ...Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.variants = nil
	for _, v := range variants {
		a.variants = append(a.variants, v)
	}
}

// Codes are the discount codes of the shop, sorted.
func (a *Admin) Codes() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for code := range a.codes {
		out = append(out, code)
	}
	slices.Sort(out)
	return out
}

func (a *Admin) discountOfCode(args map[string]any) (any, error) {
	for code, discount := range a.codes {
		if strings.EqualFold(code, text(args["code"])) {
			return Object{"id": discount}, nil
		}
	}
	return nil, nil
}

func (a *Admin) createDiscount(args map[string]any) (any, error) {
	in := args["basicCodeDiscount"].(map[string]any)
	code := text(in["code"])
	if problem := a.codeProblem(code); problem != nil {
		return Object{"userErrors": []any{problem}}, nil
	}
	id := "gid://shopify/DiscountCodeNode/" + strconv.Itoa(len(a.codes)+1)
	a.codes[code] = id
	return Object{"codeDiscountNode": Object{"id": id}, "userErrors": []any{}}, nil
}

// codeProblem is why a code cannot be added; nil where it can.
func (a *Admin) codeProblem(code string) any {
	switch known, _ := a.discountOfCode(map[string]any{"code": code}); {
	case code == "":
		return Object{"field": []any{"code"}, "message": "Code can't be blank", "code": "BLANK"}
	case len(code) > 255:
		return Object{"field": []any{"code"}, "message": "Code is too long", "code": "TOO_LONG"}
	case known != nil:
		return Object{"field": []any{"code"}, "message": "Code must be unique. Please try a different code.", "code": "TAKEN"}
	}
	return nil
}

func (a *Admin) addCodes(args map[string]any) (any, error) {
	codes := args["codes"].([]any)
	discount := text(args["discountId"])
	if len(codes) > 250 {
		return Object{"userErrors": []any{Object{"field": []any{"codes"}, "message": "No more than 250 codes", "code": "EXCEEDED_MAX"}}}, nil
	}
	var nodes []any
	failed := 0
	for _, c := range codes {
		code := text(c.(map[string]any)["code"])
		node := Object{"code": code, "errors": []any{}}
		if problem := a.codeProblem(code); problem != nil {
			node["errors"] = []any{problem}
			failed++
		} else {
			a.codes[code] = discount
		}
		nodes = append(nodes, node)
	}
	id := "gid://shopify/DiscountRedeemCodeBulkCreation/" + strconv.Itoa(len(a.creations)+1)
	a.creations[id] = Object{
		"id": id, "done": false, "codesCount": len(codes), "importedCount": len(codes) - failed, "failedCount": failed, "codes": nodes,
	}
	return Object{"bulkCreation": a.creations[id], "userErrors": []any{}}, nil
}

// creation is done when it is asked after the second time.
func (a *Admin) creation(id string) any {
	c, found := a.creations[id]
	if !found {
		return nil
	}
	answer := Object{}
	for name, value := range c {
		answer[name] = value
	}
	c["done"] = true
	return answer
}

// Transport leads to the stand-in every request that is meant for the shop or for the host of bulk results, and to nowhere
// any other. It fails the test where a token goes elsewhere than to the shop.
func (a *Admin) Transport(t testing.TB, shop, token string) http.RoundTripper {
	t.Helper()
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == shop && r.Header.Get("X-Shopify-Access-Token") != token && token != "" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"errors":"[API] Invalid API key or access token (unrecognized login or wrong password)"}`))
			return
		}
		a.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		served.CloseClientConnections()
		served.Close()
	})
	target, err := url.Parse(served.URL)
	if err != nil {
		t.Fatalf("parse the stand-in's address: %v", err)
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Scheme != "https" {
			t.Errorf("a request to %s is not encrypted", r.URL.Host)
		}
		if r.Header.Get("X-Shopify-Access-Token") != "" && r.URL.Host != shop {
			t.Errorf("the token went to %s", r.URL.Host)
		}
		if r.URL.Host != shop && r.URL.Host != BulkHost {
			return nil, fmt.Errorf("no such host: %s", r.URL.Host)
		}
		sent := r.Clone(r.Context())
		sent.Host, sent.URL.Scheme, sent.URL.Host = r.URL.Host, target.Scheme, target.Host
		return served.Client().Transport.RoundTrip(sent)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Answer is a fault: this status and body instead of an answer.
func Answer(status int, body string, header ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		if w.Header().Get("X-Shopify-API-Version") == "" {
			w.Header().Set("X-Shopify-API-Version", strings.Split(GraphQLPath, "/")[3])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

// Errors is a fault: an answer with one error of the given code beside partial data.
func Errors(code, message string) func(http.ResponseWriter, *http.Request) bool {
	body, _ := json.Marshal(Object{"data": Object{"order": nil}, "errors": []any{queryError(message, code)}})
	return Answer(http.StatusOK, string(body))
}

// ServedAs is a fault: the request is answered, by another version of the API.
func ServedAs(version string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("X-Shopify-API-Version", version)
		return false
	}
}
