package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"upline.dev/upline/server/auth"
)

func (b *browser) into(v any, method, path, body string) {
	b.t.Helper()
	got := b.send(method, path, body)
	if got.status >= 300 {
		b.t.Fatalf("%s %s: %d %s", method, path, got.status, got.body)
	}
	fatal(b.t, json.Unmarshal(got.body, v))
}

type memberList struct {
	Data []struct {
		PersonID string `json:"person_id"`
		Email    string
		Role     auth.Role
	}
}

func (l memberList) id(t testing.TB, email string) string {
	t.Helper()
	for _, m := range l.Data {
		if m.Email == email {
			return m.PersonID
		}
	}
	t.Fatalf("no member %s in %+v", email, l)
	return ""
}

// TestInvitations: a link lets one address in, as what it says, and nobody makes anybody more than they are.
func TestInvitations(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	owner := p.owner(t)
	var invited struct{ Link, Role string }
	owner.into(&invited, "POST", "/api/v1/invitations", `{"email":"Ada@example.com","role":"admin"}`)
	base, code, ok := strings.Cut(invited.Link, "/join#")
	if !ok || base != p.url {
		t.Fatalf("the link %q", invited.Link)
	}
	ada := &browser{t: t, url: p.url}
	var look struct {
		Program, Email, Role string
		HasAccount           bool `json:"has_account"`
	}
	ada.into(&look, "POST", "/api/auth/invitation", `{"code":`+quoted(code)+`}`)
	if look.Program != "First Company" || look.Email != "ada@example.com" || look.Role != "admin" || look.HasAccount {
		t.Errorf("%+v", look)
	}
	ada.want(http.StatusUnprocessableEntity, "POST", "/api/auth/invitation/accept", `{"code":`+quoted(code)+`,"name":"Ada","password":"short"}`)
	ada.want(http.StatusOK, "POST", "/api/auth/invitation/accept", `{"code":`+quoted(code)+`,"name":"Ada","password":"`+goodPassword+`"}`)
	ada.want(http.StatusNotFound, "POST", "/api/auth/invitation/accept", `{"code":`+quoted(code)+`,"name":"Eve","password":"`+goodPassword+`"}`)
	var members memberList
	ada.into(&members, "GET", "/api/v1/members", "")
	olga, adaID := members.id(t, "olga@example.com"), members.id(t, "ada@example.com")
	ada.want(http.StatusForbidden, "POST", "/api/v1/invitations", `{"email":"x@example.com","role":"owner"}`)
	ada.want(http.StatusForbidden, "PATCH", "/api/v1/members/"+olga, `{"role":"viewer"}`)
	ada.want(http.StatusForbidden, "DELETE", "/api/v1/members/"+olga, "")
	ada.want(http.StatusForbidden, "PATCH", "/api/v1/members/"+adaID, `{"role":"owner"}`)
	owner.want(http.StatusConflict, "PATCH", "/api/v1/members/"+olga, `{"role":"admin"}`)
	owner.want(http.StatusUnprocessableEntity, "PATCH", "/api/v1/members/"+adaID, `{"role":"king"}`)
	owner.want(http.StatusNoContent, "PATCH", "/api/v1/members/"+adaID, `{"role":"viewer"}`)
	ada.want(http.StatusForbidden, "GET", "/api/v1/members", "")
	ada.want(http.StatusOK, "GET", "/api/v1/overview", "")
	owner.want(http.StatusNoContent, "DELETE", "/api/v1/members/"+adaID, "")
	ada.want(http.StatusUnauthorized, "GET", "/api/v1/overview", "")
	ada.want(http.StatusForbidden, "POST", "/api/auth/sign-in", `{"email":"ada@example.com","password":"`+goodPassword+`"}`)
	var again struct{ Link string }
	owner.into(&again, "POST", "/api/v1/invitations", `{"email":"ada@example.com","role":"finance"}`)
	_, code, _ = strings.Cut(again.Link, "#")
	ada.want(http.StatusUnauthorized, "POST", "/api/auth/invitation/accept", `{"code":`+quoted(code)+`,"password":"not hers, not at all"}`)
	ada.want(http.StatusOK, "POST", "/api/auth/invitation/accept", `{"code":`+quoted(code)+`,"password":"`+goodPassword+`"}`)
}

// TestSecondFactor: with one, the password alone is not enough; a code counts once, and a recovery code too.
func TestSecondFactor(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	now := time.Now()
	p.auth.Clock = func() time.Time { return now }
	b := p.owner(t)
	var offer struct {
		Secret, QR string
		URL        string `json:"otpauth_url"`
	}
	b.into(&offer, "POST", "/api/v1/account/totp", "")
	if !strings.Contains(offer.URL, "secret="+offer.Secret) {
		t.Errorf("%+v", offer)
	}
	code := func(at time.Time) string {
		text, err := totp.GenerateCode(offer.Secret, at)
		fatal(t, err)
		return text
	}
	confirm := func(code string) string {
		return `{"secret":"` + offer.Secret + `","code":"` + code + `","current_password":"` + goodPassword + `"}`
	}
	if got := b.want(http.StatusUnprocessableEntity, "POST", "/api/v1/account/totp/confirm", confirm(code(now.Add(time.Hour)))); got.problem(t).Field != "code" {
		t.Errorf("%s", got.body)
	}
	signIn := func(code string) string {
		return `{"email":"olga@example.com","password":"` + goodPassword + `","code":"` + code + `"}`
	}
	other := &browser{t: t, url: p.url}
	other.want(http.StatusOK, "POST", "/api/auth/sign-in", signIn(""))
	var recovery struct {
		Codes []string `json:"recovery_codes"`
	}
	b.into(&recovery, "POST", "/api/v1/account/totp/confirm", confirm(code(now)))
	if len(recovery.Codes) != 10 {
		t.Fatalf("%d recovery codes", len(recovery.Codes))
	}
	if got := other.want(http.StatusUnauthorized, "POST", "/api/auth/sign-in", signIn("")); got.problem(t).Field != "code" {
		t.Errorf("without a code: %s", got.body)
	}
	other.want(http.StatusUnauthorized, "POST", "/api/auth/sign-in", signIn(code(now))) // used to confirm
	now = now.Add(30 * time.Second)
	other.want(http.StatusOK, "POST", "/api/auth/sign-in", signIn(code(now)))
	other.want(http.StatusUnauthorized, "POST", "/api/auth/sign-in", signIn(code(now)))
	other.want(http.StatusOK, "POST", "/api/auth/sign-in", signIn(strings.ToUpper(recovery.Codes[3])))
	other.want(http.StatusUnauthorized, "POST", "/api/auth/sign-in", signIn(recovery.Codes[3]))
	now = now.Add(16 * time.Minute)
	b.want(http.StatusUnprocessableEntity, "POST", "/api/v1/account/totp/remove", `{"current_password":"wrong"}`)
	b.want(http.StatusNoContent, "POST", "/api/v1/account/totp/remove", `{"current_password":"`+goodPassword+`"}`)
	other.want(http.StatusOK, "POST", "/api/auth/sign-in", signIn(""))
}

// TestTwoEditOneSetting: the second one is told, and nothing is lost.
func TestTwoEditOneSetting(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	b := p.owner(t)
	put := func(seen, value string) reply {
		h := b.header()
		if seen != "" {
			h["If-Match"] = seen
		}
		return send(t, "PUT", p.url+"/api/v1/settings/branding", strings.NewReader(`{"value":`+value+`}`), h)
	}
	if got := put("", `{"name":"Lumina","accent":"#0a7f5a"}`); got.status != 200 || got.header.Get("ETag") != `"1"` {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := put(`"1"`, `{"name":"Lumina 2"}`); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for _, seen := range []string{"", `"1"`} {
		if got := put(seen, `{"name":"Mine"}`); got.status != http.StatusConflict {
			t.Errorf("seen %s: %d %s", seen, got.status, got.body)
		}
	}
	for _, value := range []string{`{"accent":"red"}`, `{"logo_url":"https://evil.example/x.png"}`, `{"logo_url":"data:image/svg+xml;base64,AAAA"}`, `{"x":1}`} {
		if got := put(`"2"`, value); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", value, got.status, got.body)
		}
	}
	if got := b.want(200, "GET", "/api/v1/settings", ""); !strings.Contains(string(got.body), "Lumina 2") {
		t.Errorf("%s", got.body)
	}
}

// TestKeysOfRoles: a key does what its role may, and never makes keys or members.
func TestKeysOfRoles(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	b := p.owner(t)
	b.want(http.StatusUnprocessableEntity, "POST", "/api/v1/api-keys", `{"name":"x","role":"owner"}`)
	b.want(http.StatusUnprocessableEntity, "POST", "/api/v1/api-keys", `{"name":" "}`)
	b.want(http.StatusNotFound, "POST", "/api/v1/api-keys", `{"name":"x","store_id":"none"}`)
	var made struct {
		KeyID string `json:"key_id"`
		Key   string `json:"api_key"`
	}
	b.into(&made, "POST", "/api/v1/api-keys", `{"name":"analyst","role":"viewer"}`)
	with := map[string]string{"Authorization": "Bearer " + made.Key}
	for path, want := range map[string]int{"GET /api/v1/overview": 200, "POST /api/v1/distributors": 403, "GET /api/v1/api-keys": 403, "GET /api/v1/audit": 403} {
		method, path, _ := strings.Cut(path, " ")
		if got := send(t, method, p.url+path, strings.NewReader(`{}`), with); got.status != want {
			t.Errorf("%s %s: %d %s, want %d", method, path, got.status, got.body, want)
		}
	}
	b.want(http.StatusNoContent, "DELETE", "/api/v1/api-keys/"+made.KeyID, "")
	if got := send(t, "GET", p.url+"/api/v1/overview", http.NoBody, with); got.status != http.StatusUnauthorized {
		t.Errorf("a revoked key: %d", got.status)
	}
	var audit struct {
		Data []struct{ Actor, Action, Subject string }
	}
	b.into(&audit, "GET", "/api/v1/audit?action=api_key&limit=10", "")
	if len(audit.Data) != 2 || audit.Data[0].Action != "api_key.revoke" || audit.Data[1].Subject != made.KeyID || !strings.HasPrefix(audit.Data[0].Actor, "person:") {
		t.Errorf("the audit log: %+v", audit.Data)
	}
	b.want(http.StatusOK, "GET", "/api/v1/audit?from=2020-01-01&to=2020-02-01", "")
	b.into(&audit, "GET", "/api/v1/audit?to=2020-02-01", "")
	if len(audit.Data) != 0 {
		t.Errorf("before its time: %+v", audit.Data)
	}
}

// members are the part of the conversation with the document about who may sign in, and settings.
func (c *conversation) members(b *browser) {
	code := func(link string) string { _, code, _ := strings.Cut(link, "#"); return quoted(code) }
	h := b.header()
	var made struct{ Link string }
	fatal(c.t, json.Unmarshal(c.say(exchange{method: "POST", path: "/api/v1/invitations", header: h, body: `{"email":"ada@example.com","role":"admin"}`, want: 201}), &made))
	c.say(exchange{method: "POST", path: "/api/v1/invitations", header: h, body: `{"email":"ada","role":"admin"}`, want: 422})
	c.say(exchange{method: "GET", path: "/api/v1/invitations", header: h, want: 200})
	c.say(exchange{method: "POST", path: "/api/auth/invitation", header: h, body: `{"code":` + code(made.Link) + `}`, want: 200})
	c.say(exchange{method: "POST", path: "/api/auth/invitation", header: h, body: `{"code":"x"}`, want: 404})
	c.say(exchange{method: "POST", path: "/api/auth/invitation/accept", header: h, body: `{"code":` + code(made.Link) + `,"name":"Ada","password":"` + goodPassword + `"}`, want: 200})
	c.say(exchange{method: "POST", path: "/api/auth/invitation/accept", header: h, body: `{"code":"x","name":"Ada","password":"` + goodPassword + `"}`, want: 404})
	c.say(exchange{method: "GET", path: "/api/v1/members", header: c.bearer(), want: 403})
	var members memberList
	fatal(c.t, json.Unmarshal(c.say(exchange{method: "GET", path: "/api/v1/members", header: h, want: 200}), &members))
	ada, olga := members.id(c.t, "ada@example.com"), members.id(c.t, "olga@example.com")
	c.say(exchange{method: "PATCH", path: "/api/v1/members/" + ada, header: h, body: `{"role":"viewer"}`, want: 204})
	c.say(exchange{method: "PATCH", path: "/api/v1/members/none", header: h, body: `{"role":"viewer"}`, want: 404})
	c.say(exchange{method: "PATCH", path: "/api/v1/members/" + olga, header: h, body: `{"role":"viewer"}`, want: 409})
	c.say(exchange{method: "DELETE", path: "/api/v1/members/" + olga, header: h, want: 409})
	c.say(exchange{method: "DELETE", path: "/api/v1/members/" + ada, header: h, want: 204})
	c.say(exchange{method: "DELETE", path: "/api/v1/members/" + ada, header: h, want: 404})
	var i struct {
		ID string `json:"invitation_id"`
	}
	fatal(c.t, json.Unmarshal(c.say(exchange{method: "POST", path: "/api/v1/invitations", header: h, body: `{"email":"bo@example.com","role":"viewer"}`, want: 201}), &i))
	c.say(exchange{method: "DELETE", path: "/api/v1/invitations/" + i.ID, header: h, want: 204})
	c.say(exchange{method: "DELETE", path: "/api/v1/invitations/" + i.ID, header: h, want: 404})
	var offer struct{ Secret string }
	fatal(c.t, json.Unmarshal(c.say(exchange{method: "POST", path: "/api/v1/account/totp", header: h, want: 200}), &offer))
	text, err := totp.GenerateCode(offer.Secret, time.Now())
	fatal(c.t, err)
	for body, want := range map[string]int{`"code":"000","current_password":"` + goodPassword + `"`: 422, `"code":"` + text + `","current_password":"` + goodPassword + `"`: 200} {
		c.say(exchange{method: "POST", path: "/api/v1/account/totp/confirm", header: h, body: `{"secret":"` + offer.Secret + `",` + body + `}`, want: want})
	}
	c.say(exchange{method: "POST", path: "/api/v1/account/totp/remove", header: h, body: `{"current_password":"x"}`, want: 422})
	c.say(exchange{method: "POST", path: "/api/v1/account/totp/remove", header: h, body: `{"current_password":"` + goodPassword + `"}`, want: 204})
	c.settings(h)
}

func (c *conversation) settings(h map[string]string) {
	var key struct {
		KeyID string `json:"key_id"`
	}
	fatal(c.t, json.Unmarshal(c.say(exchange{method: "POST", path: "/api/v1/api-keys", header: h, body: `{"name":"till","store_id":"alpha-till","role":"admin"}`, want: 201}), &key))
	c.say(exchange{method: "POST", path: "/api/v1/api-keys", header: h, body: `{"name":"till","store_id":"none"}`, want: 404})
	c.say(exchange{method: "POST", path: "/api/v1/api-keys", header: h, body: `{"name":""}`, want: 422})
	c.say(exchange{method: "GET", path: "/api/v1/api-keys", header: h, want: 200})
	c.say(exchange{method: "GET", path: "/api/v1/api-keys", header: c.bearer(), want: 403})
	c.say(exchange{method: "DELETE", path: "/api/v1/api-keys/" + key.KeyID, header: h, want: 204})
	c.say(exchange{method: "DELETE", path: "/api/v1/api-keys/none", header: h, want: 404})
	c.say(exchange{method: "GET", path: "/api/v1/audit?action=api_key&from=2026-01-01", header: h, want: 200})
	c.say(exchange{method: "GET", path: "/api/v1/audit?from=yesterday", header: h, want: 422})
	c.say(exchange{method: "PUT", path: "/api/v1/settings/view.orders.parked", header: h, body: `{"value":{"settlement":"parked"}}`, want: 200})
	c.say(exchange{method: "PUT", path: "/api/v1/settings/view.orders.parked", header: h, body: `{"value":{}}`, want: 409})
	c.say(exchange{method: "PUT", path: "/api/v1/settings/No", header: h, body: `{"value":{}}`, want: 422})
	c.say(exchange{method: "GET", path: "/api/v1/settings", header: h, want: 200})
	c.views(h)
	shop := `{"platform":"custom","domain":"second.example","currency":"EUR"}`
	c.say(exchange{method: "POST", path: "/api/v1/stores", header: h, body: shop, want: 201})
	c.say(exchange{method: "POST", path: "/api/v1/stores", header: h, body: shop, want: 409})
	c.say(exchange{method: "POST", path: "/api/v1/stores", header: h, body: `{"platform":"custom","domain":"","currency":"EUR"}`, want: 422})
	c.say(exchange{method: "PATCH", path: "/api/v1/stores/second-example", header: h, body: `{"name":"Second","go_live_at":"2026-01-01","accept_test_orders":true}`, want: 204})
	c.say(exchange{method: "PATCH", path: "/api/v1/stores/second-example", header: h, body: `{"go_live_at":"soon"}`, want: 422})
	c.say(exchange{method: "PATCH", path: "/api/v1/stores/none", header: h, body: `{"name":"x"}`, want: 404})
	c.say(exchange{method: "POST", path: "/api/v1/stores/second-example/rotate-secret", header: h, want: 200})
	c.say(exchange{method: "POST", path: "/api/v1/stores/none/rotate-secret", header: h, want: 404})
	c.connections(h)
}
