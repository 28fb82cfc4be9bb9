package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/server/pipeline"
)

// follow asks for a share link without going where it leads.
func (p *product) follow(t *testing.T, path string) (status int, location string) {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, http.NoBody)
	fatal(t, err)
	answer, err := client.Do(request)
	fatal(t, err)
	fatal(t, answer.Body.Close())
	return answer.StatusCode, answer.Header.Get("Location")
}

func TestShareLinks(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	c := p.company(t, "alpha")
	c.fill()
	for path, want := range map[string]string{
		"/r/ANNA1001": "https://alpha.myshopify.com/?ref=ANNA1001",
		"/r/anna1001": "https://alpha.myshopify.com/?ref=anna1001",
		"/r/MID":      "https://alpha.myshopify.com/?ref=MID",
		"/r/ANNA1001?to=/products/tea%3Fcolor%3Dx":     "https://alpha.myshopify.com/products/tea?color=x&ref=ANNA1001",
		"/r/ANNA1001?to=/p%3Fref%3DMAX":                "https://alpha.myshopify.com/p?ref=ANNA1001",
		"/r/ANNA1001?discount=1&to=/tea":               "https://alpha.myshopify.com/discount/ANNA1001?redirect=%2Ftea%3Fref%3DANNA1001",
		"/r/ANNA1001?store=alpha-shop":                 "https://alpha.myshopify.com/?ref=ANNA1001",
		"/r/NOBODY":                                    "",
		"/r/ANNA1001?store=alpha-till":                 "", // no shop to visit
		"/r/ANNA1001?store=elsewhere":                  "",
		"/r/anna@example.com":                          "",
		"/r/" + strings.Repeat("A", 101):               "",
		"/r/ANNA1001?to=https://evil.com/":             "",
		"/r/ANNA1001?to=//evil.com/":                   "",
		"/r/ANNA1001?to=/%5Cevil.com":                  "",
		"/r/ANNA1001?to=%5C%5Cevil.com":                "",
		"/r/ANNA1001?to=/%09/evil.com":                 "",
		"/r/ANNA1001?to=javascript:alert(1)":           "",
		"/r/ANNA1001?to=@evil.com":                     "",
		"/r/ANNA1001?to=/" + strings.Repeat("x", 1100): "",
	} {
		status, location := p.follow(t, path)
		if location != want || (status == http.StatusFound) != (want != "") {
			t.Errorf("%.60s: %d %q, want %q", path, status, location, want)
		}
	}
	p.company(t, "beta").fill()
	if status, _ := p.follow(t, "/r/ANNA1001"); status != http.StatusConflict {
		t.Errorf("a code of two companies: %d", status)
	}
	if _, location := p.follow(t, "/r/ANNA1001?store=beta-shop"); location != "https://beta.myshopify.com/?ref=ANNA1001" {
		t.Errorf("with the store named: %q", location)
	}
}

// TestStorefrontReference: the app proxy's answer is signed, says a first name alone, and pays where it comes back; a
// changed one earns nothing.
func TestStorefrontReference(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	c := p.company(t, "alpha")
	c.fill()
	ask := func(query string) reply {
		return send(t, http.MethodGet, p.url+"/shopify/proxy/ref?"+query, http.NoBody, nil)
	}
	got := c.want(http.StatusOK, ask("signature=good&shop="+c.domain+"&code=ANNA1001"))
	var told struct{ Ref, Name string }
	fatal(t, json.Unmarshal(got.body, &told))
	if told.Name != "Anna" || !strings.HasPrefix(told.Ref, "u1.ANNA1001.") {
		t.Fatalf("%s", got.body)
	}
	c.want(http.StatusUnauthorized, ask("signature=bad&shop="+c.domain+"&code=ANNA1001"))
	c.want(http.StatusNotFound, ask("signature=good&shop=other.myshopify.com&code=ANNA1001"))
	c.want(http.StatusNotFound, ask("signature=good&shop="+c.domain+"&code=NOBODY"))
	c.want(http.StatusUnprocessableEntity, ask("signature=good&shop="+c.domain+"&code=a@b"))

	orders := map[string]string{ // by the reference in the cart, who is credited
		told.Ref: "ANNA",
		strings.Replace(told.Ref, "ANNA1001", "TILDA", 1): "",
		"TILDA": "",
	}
	n := 0
	for ref, seller := range orders {
		n++
		var fields map[string]any
		decoder := json.NewDecoder(bytes.NewReader(shopifyBody(t)))
		decoder.UseNumber()
		fatal(t, decoder.Decode(&fields))
		fields["id"] = json.Number(fmt.Sprint(9000 + n))
		fields["discount_codes"], fields["discount_applications"], fields["landing_site"], fields["landing_site_ref"] = []any{}, []any{}, "", ""
		fields["processed_at"] = time.Now().UTC().Format(time.RFC3339)
		fields["note_attributes"] = []map[string]string{{"name": "_upline_ref", "value": ref}}
		for _, line := range fields["line_items"].([]any) {
			line.(map[string]any)["sku"] = "TEA-12"
		}
		delete(fields, "customer")
		changed, err := json.Marshal(fields)
		fatal(t, err)
		c.want(http.StatusOK, send(t, http.MethodPost, p.url+"/webhooks/shopify", strings.NewReader(string(changed)), webhookHeader(c.domain, changed, appSecret)))
		o := c.decided(c.shop + "/" + fmt.Sprint(9000+n))
		if got, _ := o["distributor_id"].(string); got != seller || o["settlement"] != "settled" {
			t.Errorf("reference %q credits %q (%v), want %q", ref, got, o["settlement"], seller)
		}
	}
}

// TestHints: only a beacon's own shape is taken, what names nobody is let go without a word, and the first one counts.
func TestHints(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	c := p.company(t, "alpha")
	c.fill()
	beacon := func(body string) int {
		return send(t, http.MethodPost, p.url+"/shopify/hints", strings.NewReader(body), map[string]string{"Content-Type": "text/plain;charset=UTF-8"}).status
	}
	hint := func(shop, token, ref string) string {
		text, err := json.Marshal(map[string]string{"shop": shop, "checkout_token": token, "event_id": "e", "ref": ref})
		fatal(t, err)
		return string(text)
	}
	signed := p.references.Signer.Make("alpha", "TILDA", time.Now())
	for body, want := range map[string]int{
		hint(c.domain, "t1", "ANNA1001"):                     http.StatusNoContent,
		hint(c.domain, "t2", signed):                         http.StatusNoContent,
		hint(c.domain, "t3", strings.ToUpper(signed)):        http.StatusNoContent,
		hint(c.domain, "t4", "NOBODY"):                       http.StatusNoContent,
		hint("other.myshopify.com", "t5", "ANNA1001"):        http.StatusNoContent,
		hint(c.domain, "", "ANNA1001"):                       http.StatusUnprocessableEntity,
		hint(c.domain, "t6", ""):                             http.StatusUnprocessableEntity,
		hint("", "t7", "ANNA1001"):                           http.StatusUnprocessableEntity,
		hint(c.domain, strings.Repeat("t", 129), "ANNA1001"): http.StatusUnprocessableEntity,
		`[1]`: http.StatusUnprocessableEntity,
		``:    http.StatusUnprocessableEntity,
		`{"shop":` + strings.Repeat(" ", 3000) + `1}`: http.StatusUnprocessableEntity,
	} {
		if got := beacon(body); got != want {
			t.Errorf("%.80s: %d, want %d", body, got, want)
		}
	}
	if got := p.hinted(t); got != "key of t1=ANNA1001 key of t2=TILDA" {
		t.Errorf("kept: %s", got)
	}
	limited := false
	for range 600 { // One more is let through each second.
		if limited = beacon(hint(c.domain, "t1", "TILDA")) == http.StatusTooManyRequests; limited {
			break
		}
	}
	if !limited || p.hinted(t) != "key of t1=ANNA1001 key of t2=TILDA" {
		t.Errorf("limited %v, kept: %s", limited, p.hinted(t))
	}
}

// hinted reads what is kept through what the pipeline reads.
func (p *product) hinted(t *testing.T) string {
	t.Helper()
	var found []string
	for _, token := range []string{"t1", "t2", "t3", "t4", "t5", "t6", "t7"} {
		if ref := p.hintOf(t, "key of "+token); ref != "" {
			found = append(found, "key of "+token+"="+ref)
		}
	}
	return strings.Join(found, " ")
}

func (p *product) hintOf(t *testing.T, key string) string {
	t.Helper()
	checkout := pipeline.Checkout{StoreID: "alpha-shop", Key: key}
	var found pipeline.Known
	fatal(t, p.store.InTx(t.Context(), "alpha", pipeline.Subject{}, func(b pipeline.Books) (err error) {
		found, err = b.Known(t.Context(), nil, []pipeline.Checkout{checkout})
		return err
	}))
	return found.Hints[checkout]
}
