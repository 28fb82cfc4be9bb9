package shopify_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/order"
)

// manifest is shopify.app.toml. A key that is not here is one that Shopify does not know: its own build lets it pass.
type manifest struct {
	ClientID   string   `toml:"client_id"`
	Name       string   `toml:"name"`
	Handle     string   `toml:"handle"`
	URL        string   `toml:"application_url"`
	Embedded   bool     `toml:"embedded"`
	Extensions []string `toml:"extension_directories"`
	Web        []string `toml:"web_directories"`
	Build      struct {
		UpdateURLs bool `toml:"automatically_update_urls_on_dev"`
		OnDeploy   bool `toml:"include_config_on_deploy"`
	} `toml:"build"`
	Auth struct {
		RedirectURLs []string `toml:"redirect_urls"`
	} `toml:"auth"`
	Scopes struct {
		Scopes   string   `toml:"scopes"`
		Optional []string `toml:"optional_scopes"`
		Legacy   bool     `toml:"use_legacy_install_flow"`
	} `toml:"access_scopes"`
	Proxy struct {
		URL     string `toml:"url"`
		Prefix  string `toml:"prefix"`
		Subpath string `toml:"subpath"`
	} `toml:"app_proxy"`
	POS struct {
		Embedded bool `toml:"embedded"`
	} `toml:"pos"`
	Webhooks struct {
		Version       string         `toml:"api_version"`
		Subscriptions []subscription `toml:"subscriptions"`
	} `toml:"webhooks"`
}

type subscription struct {
	Topics     []string `toml:"topics"`
	Compliance []string `toml:"compliance_topics"`
	URI        string   `toml:"uri"`
	Fields     []string `toml:"include_fields"`
	Filter     string   `toml:"filter"`
	Name       string   `toml:"name"`
}

func readManifest(t testing.TB) manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "shopify.app.toml"))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&m); err != nil {
		t.Fatalf("shopify.app.toml: %v", err)
	}
	return m
}

// fieldsOf gives what a topic's bodies hold; nil is everything. false where it is not subscribed.
func (m *manifest) fieldsOf(topic string) ([]string, bool) {
	for _, s := range m.Webhooks.Subscriptions {
		if slices.Contains(s.Topics, topic) || slices.Contains(s.Compliance, topic) {
			return s.Fields, true
		}
	}
	return nil, false
}

// scopeOf is the scope Shopify asks for a topic (webhook documentation of 2026-07, access_scopes); others need none.
var scopeOf = map[string]string{
	"orders/create": "read_orders", "orders/paid": "read_orders", "orders/updated": "read_orders", "orders/cancelled": "read_orders",
	"orders/edited": "read_orders", "orders/delete": "read_orders", "refunds/create": "read_orders", "order_transactions/create": "read_orders",
	"customers/merge": "read_customer_merge", "returns/process": "read_returns", "disputes/create": "read_shopify_payments_disputes",
	"disputes/update": "read_shopify_payments_disputes",
}

// unsubscribed are topics that are read where they come, and need not come: orders/updated tells the same.
var unsubscribed = []string{"orders/fulfilled", "orders/partially_fulfilled"}

func TestManifest(t *testing.T) {
	t.Parallel()
	m := readManifest(t)
	if m.Webhooks.Version != "2026-10" || !m.Embedded || m.Scopes.Legacy || !m.Build.OnDeploy || m.POS.Embedded {
		t.Errorf("version %q, embedded %v, legacy install %v", m.Webhooks.Version, m.Embedded, m.Scopes.Legacy)
	}
	if len(m.ClientID) != 32 || m.Name == "" || m.Handle == "" || len(m.Extensions) != 1 {
		t.Errorf("client id %q, name %q, handle %q, extensions %v", m.ClientID, m.Name, m.Handle, m.Extensions)
	}
	if len(m.Auth.RedirectURLs) != 1 || m.Auth.RedirectURLs[0] != m.URL+"/shopify/auth/callback" || !strings.HasPrefix(m.URL, "https://") {
		t.Errorf("addresses: %q, %v", m.URL, m.Auth.RedirectURLs)
	}
	if m.Proxy.URL != m.URL+"/shopify/proxy" || m.Proxy.Prefix+"/"+m.Proxy.Subpath != "apps/upline" {
		t.Errorf("app proxy: %+v", m.Proxy)
	}
	granted := strings.Split(m.Scopes.Scopes, ",")
	seen := map[string]bool{}
	for _, s := range m.Webhooks.Subscriptions {
		if s.URI != "/webhooks/shopify" || s.Filter != "" || len(s.Name) > 50 || len(s.Topics)+len(s.Compliance) == 0 {
			t.Errorf("subscription %+v", s)
		}
		if len(s.Compliance) > 0 && !cmp.Equal(s.Compliance, []string{"customers/data_request", "customers/redact", "shop/redact"}) {
			t.Errorf("compliance topics: %v", s.Compliance)
		}
		for _, topic := range append(slices.Clone(s.Topics), s.Compliance...) {
			if seen[topic] {
				t.Errorf("%s is subscribed twice", topic)
			}
			seen[topic] = true
			if !slices.Contains(shopify.Topics(), topic) {
				t.Errorf("%s is subscribed and not read", topic)
			}
			if scope := scopeOf[topic]; scope != "" && !slices.Contains(granted, scope) {
				t.Errorf("%s needs %s", topic, scope)
			}
		}
	}
	for _, o := range shopify.Optionals() {
		if !slices.Contains(m.Scopes.Optional, o.Scope) || slices.Contains(granted, o.Scope) || scopeOf[o.Topic] != o.Scope || len(o.Fields) == 0 || seen[o.Topic] {
			t.Errorf("optional topic %+v; optional scopes %v", o, m.Scopes.Optional)
		}
		seen[o.Topic] = true // by the API, where the scope is granted
	}
	if diff := cmp.Diff(shopify.OptionalScopes(), m.Scopes.Optional); diff != "" {
		t.Error("optional scopes", diff)
	}
	for _, topic := range shopify.Topics() {
		if seen[topic] == slices.Contains(unsubscribed, topic) {
			t.Errorf("%s is read and subscribed %v", topic, seen[topic])
		}
	}
	if !slices.IsSorted(shopify.Topics()) {
		t.Error("Topics are not sorted")
	}
}

// levelTwo are parts of field names that would need Shopify's approval for names, addresses, e-mail or phone.
var levelTwo = []string{"email", "phone", "address", "first_name", "last_name", "browser_ip", "client_details", "payment_details", "receipt", "note.", "billing", "location"}

func TestManifestKeepsPersonsOut(t *testing.T) {
	t.Parallel()
	for _, o := range shopify.Optionals() {
		for _, field := range o.Fields {
			if slices.ContainsFunc(levelTwo, func(personal string) bool { return strings.Contains(field, personal) }) || field == "order" {
				t.Errorf("%s: %s", o.Topic, field)
			}
		}
	}
	m := readManifest(t)
	for _, topic := range []string{"orders/create", "refunds/create", "orders/edited", "order_transactions/create", "customers/merge", "app/uninstalled"} {
		fields, found := m.fieldsOf(topic)
		if !found || len(fields) == 0 {
			t.Errorf("%s comes whole", topic)
		}
		for _, field := range fields {
			for _, personal := range levelTwo {
				if strings.Contains(field, personal) {
					t.Errorf("%s: %s", topic, field)
				}
			}
			if slices.Contains([]string{"note", "customer", "refunds", "transactions", "refunds.transactions"}, field) {
				t.Errorf("%s: all of %s", topic, field)
			}
		}
		if topic == "orders/create" && !slices.Contains(fields, "updated_at") {
			t.Errorf("%s lacks updated_at, so that Shopify would leave out changes", topic)
		}
	}
}

// selectFields leaves of a body what include_fields names, as Shopify does: dots lead into objects and into every element
// of a list.
func selectFields(body []byte, fields []string) []byte {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var whole any
	if decoder.Decode(&whole) != nil {
		return body
	}
	paths := make([][]string, len(fields))
	for i, field := range fields {
		paths[i] = strings.Split(field, ".")
	}
	text, err := json.Marshal(pick(whole, paths))
	if err != nil {
		panic(err)
	}
	return text
}

func pick(value any, paths [][]string) any {
	switch v := value.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = pick(v[i], paths)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, inner := range v {
			var deeper [][]string
			whole := false
			for _, path := range paths {
				if path[0] == name {
					whole = whole || len(path) == 1
					deeper = append(deeper, path[1:])
				}
			}
			switch {
			case whole:
				out[name] = inner
			case deeper != nil:
				out[name] = pick(inner, deeper)
			}
		}
		return out
	default:
		return value
	}
}

// sameRead reports whether a body says the same with and without what include_fields drops. The country of delivery alone
// may be lost: an address is more than the app may know.
func sameRead(t *testing.T, want expectation, body []byte, fields []string) string {
	t.Helper()
	read := func(body []byte) (order.Revision, error) {
		revisions, err := shopify.New().Normalise(delivery(want.Topic, body), store(want.Currency))
		if err != nil {
			return order.Revision{}, err
		}
		return revisions[0], nil
	}
	whole, wholeErr := read(body)
	selected, err := read(selectFields(body, fields))
	if (err == nil) != (wholeErr == nil) {
		return "whole: " + errorText(wholeErr) + "; selected: " + errorText(err)
	}
	if whole.Order != nil {
		whole.Order.Country = ""
	}
	return cmp.Diff(whole, selected)
}

func errorText(err error) string {
	if err == nil {
		return "read"
	}
	return err.Error()
}

// TestIncludedFieldsSuffice reads every fixture twice: as it is, and as Shopify would send it under our subscriptions.
func TestIncludedFieldsSuffice(t *testing.T) {
	t.Parallel()
	m := readManifest(t)
	read := map[string]int{}
	for name, want := range expectations(t) {
		if strings.Contains(name, "wrapped") {
			continue // no body that Shopify sends
		}
		fields, found := m.fieldsOf(want.Topic)
		if !found {
			t.Fatalf("%s: %s is not subscribed", name, want.Topic)
		}
		if fields == nil {
			continue
		}
		read[want.Topic]++
		if diff := sameRead(t, want, fixture(t, name), fields); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, topic := range []string{"orders/create", "orders/paid", "orders/updated", "orders/cancelled", "orders/edited", "refunds/create"} {
		if read[topic] == 0 {
			t.Errorf("no fixture of %s was read", topic)
		}
	}
	for _, needed := range []string{"id", "updated_at", "line_items", "taxes_included", "note_attributes", "customer.id", "refunds.refund_line_items", "refunds.transactions.amount", "total_outstanding"} {
		missed := false
		for name, want := range expectations(t) {
			fields, _ := m.fieldsOf(want.Topic)
			less := slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return f == needed })
			missed = missed || len(less) < len(fields) && sameRead(t, want, fixture(t, name), less) != ""
		}
		if !missed {
			t.Errorf("no fixture misses %s, so this test would not notice it", needed)
		}
	}
}
