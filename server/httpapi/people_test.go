package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/httpapi"
)

const goodPassword = "three words or more"

// browser keeps a session as a browser would: its cookie, its origin and what writes repeat.
type browser struct {
	t            testing.TB
	url          string
	cookie, csrf string
}

func (b *browser) send(method, path, body string) reply {
	b.t.Helper()
	got := send(b.t, method, b.url+path, strings.NewReader(body), b.header())
	b.keep(got.header)
	var session struct {
		CSRF string `json:"csrf_token"`
	}
	if json.Unmarshal(got.body, &session) == nil && session.CSRF != "" {
		b.csrf = session.CSRF
	}
	return got
}

func (b *browser) header() map[string]string {
	h := map[string]string{"Origin": b.url, "Sec-Fetch-Site": "same-origin"}
	if b.cookie != "" {
		h["Cookie"], h["X-Upline-CSRF"] = b.cookie, b.csrf
	}
	return h
}

func (b *browser) keep(h http.Header) {
	for _, c := range (&http.Response{Header: h}).Cookies() {
		b.cookie = c.Name + "=" + c.Value
	}
}

func (b *browser) want(status int, method, path, body string) reply {
	b.t.Helper()
	got := b.send(method, path, body)
	if got.status != status {
		b.t.Fatalf("%s %s: %d %s, want %d", method, path, got.status, got.body, status)
	}
	return got
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// owner sets a product up and gives the first owner's browser.
func (p *product) owner(t testing.TB) *browser {
	t.Helper()
	code, err := p.auth.SetupCode(t.Context())
	fatal(t, err)
	b := &browser{t: t, url: p.url}
	b.want(http.StatusOK, "POST", "/api/auth/setup", `{"code":`+quoted(code)+`,"email":"Olga@Example.com","name":"Olga Ort","password":"`+goodPassword+
		`","program":{"name":"First Company","currency":"EUR","time_zone":"Europe/Berlin"}}`)
	return b
}

// as makes a member of the program with a role and signs in.
func (p *product) as(t testing.TB, program string, role auth.Role) *browser {
	t.Helper()
	ctx, email := context.Background(), string(role)+"@"+program+".example"
	_, code, err := p.auth.Invite(ctx, &auth.Principal{Program: program, Role: auth.Owner, Actor: "test"}, email, role)
	fatal(t, err)
	_, err = p.auth.Accept(ctx, code, auth.Newcomer{Name: string(role), Password: goodPassword}, "", auth.Client{})
	fatal(t, err)
	b := &browser{t: t, url: p.url}
	b.want(http.StatusOK, "POST", "/api/auth/sign-in", `{"email":"`+email+`","password":"`+goodPassword+`"}`)
	return b
}

func TestFirstOwner(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	b := &browser{t: t, url: p.url}
	setup := func(code, rest string) string {
		return `{"code":` + quoted(code) + `,"email":"olga@example.com","name":"Olga","password":"` + goodPassword + `"` + rest + `}`
	}
	company := `,"program":{"name":"First Company","currency":"EUR"}`
	if got := b.want(http.StatusUnprocessableEntity, "POST", "/api/auth/setup", setup("guessed", company)); got.problem(t).Field != "code" {
		t.Errorf("a guessed code: %s", got.body)
	}
	code, err := p.auth.SetupCode(t.Context())
	fatal(t, err)
	for field, body := range map[string]string{
		"program":  setup(code, ""),
		"currency": setup(code, `,"program":{"name":"X","currency":"EURO"}`),
		"password": strings.Replace(setup(code, company), goodPassword, "short", 1),
		"email":    strings.Replace(setup(code, company), "olga@example.com", "olga", 1),
		"name":     strings.Replace(setup(code, company), `"Olga"`, `" "`, 1),
	} {
		if got := b.want(http.StatusUnprocessableEntity, "POST", "/api/auth/setup", body); got.problem(t).Field != field {
			t.Errorf("a wrong %s: %s", field, got.body)
		}
	}
	got := b.want(http.StatusOK, "POST", "/api/auth/setup", setup(code, company))
	cookie := got.header.Get("Set-Cookie")
	for _, part := range []string{"upline_session=", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie %q lacks %s", cookie, part)
		}
	}
	var session struct {
		Kind, Role string
		ProgramID  string `json:"program_id"`
	}
	fatal(t, json.Unmarshal(b.want(http.StatusOK, "GET", "/api/v1/session", "").body, &session))
	if session.Kind != "person" || session.Role != "owner" || session.ProgramID != "first-company" {
		t.Errorf("%+v", session)
	}
	b.want(http.StatusOK, "GET", "/api/v1/overview", "")
	b.want(http.StatusConflict, "POST", "/api/auth/setup", setup(code, company))
	if again, err := p.auth.SetupCode(t.Context()); err != nil || again != "" {
		t.Errorf("a second setup code %q, %v", again, err)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	p.owner(t)
	b := &browser{t: t, url: p.url}
	b.want(http.StatusUnauthorized, "GET", "/api/v1/session", "")
	wrong := b.want(http.StatusUnauthorized, "POST", "/api/auth/sign-in", `{"email":"olga@example.com","password":"not this one, no"}`).problem(t)
	unknown := b.want(http.StatusUnauthorized, "POST", "/api/auth/sign-in", `{"email":"nobody@example.com","password":"not this one, no"}`).problem(t)
	if wrong.Detail != unknown.Detail || wrong.Field != unknown.Field {
		t.Errorf("a wrong password (%+v) can be told from an unknown address (%+v)", wrong, unknown)
	}
	b.want(http.StatusOK, "POST", "/api/auth/sign-in", `{"email":" OLGA@example.com ","password":"`+goodPassword+`"}`)
	first := b.cookie
	b.want(http.StatusOK, "POST", "/api/auth/sign-in", `{"email":"olga@example.com","password":"`+goodPassword+`"}`)
	if b.cookie == first {
		t.Error("signing in twice gave one session")
	}
	b.want(http.StatusNoContent, "POST", "/api/v1/session/end", "")
	b.cookie = first
	b.want(http.StatusOK, "GET", "/api/v1/session", "")
	var sessions struct {
		Data []struct {
			SessionID string `json:"session_id"`
			Current   bool
		}
	}
	fatal(t, json.Unmarshal(b.want(http.StatusOK, "GET", "/api/v1/sessions", "").body, &sessions))
	if len(sessions.Data) != 2 || !sessions.Data[0].Current && !sessions.Data[1].Current {
		t.Fatalf("sessions %+v", sessions)
	}
	b.want(http.StatusNotFound, "DELETE", "/api/v1/sessions/ses_of_others", "")
	if got := b.want(http.StatusOK, "DELETE", "/api/v1/sessions", ""); string(got.body) != `{"ended":1}` {
		t.Errorf("ended %s", got.body)
	}
}

func TestAttemptsAreLimited(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	p.owner(t)
	b := &browser{t: t, url: p.url}
	statuses := map[int]int{}
	for range 12 {
		statuses[b.send("POST", "/api/auth/sign-in", `{"email":"olga@example.com","password":"a wrong password"}`).status]++
	}
	if statuses[401] != 8 || statuses[429] != 4 {
		t.Errorf("%v, want 8 answers and then 429", statuses)
	}
	if got := b.send("POST", "/api/auth/sign-in", `{"email":"olga@example.com","password":"`+goodPassword+`"}`); got.status != 429 {
		t.Errorf("the right password after too many wrong ones: %d", got.status)
	}
}

// TestForgedWrites: what another site's page can make a browser send changes nothing.
func TestForgedWrites(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	b := p.owner(t)
	body := `{"data":[{"distributor_id":"EVIL"}]}`
	for name, change := range map[string]func(h map[string]string){
		"from another origin":    func(h map[string]string) { h["Origin"] = "https://evil.example"; delete(h, "Sec-Fetch-Site") },
		"across sites":           func(h map[string]string) { h["Sec-Fetch-Site"] = "cross-site"; delete(h, "Origin") },
		"from a neighbour":       func(h map[string]string) { h["Sec-Fetch-Site"] = "same-site" },
		"without saying from":    func(h map[string]string) { delete(h, "Origin"); delete(h, "Sec-Fetch-Site") },
		"from a null origin":     func(h map[string]string) { h["Origin"] = "null" },
		"without the token":      func(h map[string]string) { delete(h, "X-Upline-CSRF") },
		"with another one's":     func(h map[string]string) { h["X-Upline-CSRF"] = strings.Repeat("A", 24) },
		"with no session at all": func(h map[string]string) { h["Cookie"] = "upline_session=guessed" },
	} {
		h := b.header()
		change(h)
		got := send(t, "POST", p.url+"/api/v1/distributors", strings.NewReader(body), h)
		if got.status != http.StatusForbidden && got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := b.want(http.StatusOK, "GET", "/api/v1/distributors", ""); strings.Contains(string(got.body), "EVIL") {
		t.Error("a forged write was carried out")
	}
	b.want(http.StatusOK, "POST", "/api/v1/distributors", body)
	h := map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
	if got := send(t, "POST", p.url+"/api/auth/sign-in", strings.NewReader(`{"email":"olga@example.com","password":"`+goodPassword+`"}`), h); got.status != http.StatusForbidden {
		t.Errorf("signing a browser in from another site: %d", got.status)
	}
}

func TestChangingAPasswordEndsOtherSessions(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	b := p.owner(t)
	other := &browser{t: t, url: p.url}
	other.want(http.StatusOK, "POST", "/api/auth/sign-in", `{"email":"olga@example.com","password":"`+goodPassword+`"}`)
	got := b.want(http.StatusUnprocessableEntity, "POST", "/api/v1/account/password", `{"current_password":"wrong wrong wrong","password":"another few words"}`)
	if got.problem(t).Field != "current_password" {
		t.Errorf("%s", got.body)
	}
	b.want(http.StatusNoContent, "POST", "/api/v1/account/password", `{"current_password":"`+goodPassword+`","password":"another few words"}`)
	b.want(http.StatusOK, "GET", "/api/v1/session", "")
	other.want(http.StatusUnauthorized, "GET", "/api/v1/session", "")
	other.want(http.StatusUnauthorized, "POST", "/api/auth/sign-in", `{"email":"olga@example.com","password":"`+goodPassword+`"}`)
	code, err := p.auth.ResetCode(t.Context(), "olga@example.com")
	fatal(t, err)
	other.want(http.StatusOK, "POST", "/api/auth/reset", `{"code":`+quoted(code)+`,"password":"words after a reset"}`)
	b.want(http.StatusUnauthorized, "GET", "/api/v1/session", "")
	if got := other.want(http.StatusUnprocessableEntity, "POST", "/api/auth/reset", `{"code":`+quoted(code)+`,"password":"words after a reset"}`); got.problem(t).Field != "code" {
		t.Errorf("a code used twice: %s", got.body)
	}
}

// openRoutes need no principal: doors of platforms and plugins, which have signatures or single-use codes of their own, the page of
// a distributor, which has its sealed visit, signing in, and health.
var openRoutes = regexp.MustCompile(`^(GET (/healthz|/readyz|/metrics|/api/openapi\.yaml|/api/setup)|GET /sso|GET /my(/.*)?|POST /my/leave|(GET|POST) /connect/.*|POST /webhooks/.*|POST /api/plugin/.*|POST /install/magento/:code|(GET|POST) /api/auth/.*|GET /shopify/.*|POST /shopify/hints|GET /r/:code)$`)

var routeParameter = regexp.MustCompile(`:[a-z_]+`)

// TestEveryRouteAsksForItsPermission walks all routes with all roles: who may not is told 403, who may never is.
func TestEveryRouteAsksForItsPermission(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	c := p.company(t, "alpha")
	browsers := map[auth.Role]*browser{}
	p.ownerOf(t, "alpha")
	for _, role := range auth.Roles() {
		browsers[role] = p.as(t, "alpha", role)
	}
	for _, route := range p.api.Routes() {
		method, path, _ := strings.Cut(route, " ")
		if openRoutes.MatchString(route) {
			continue
		}
		action, known := httpapi.ActionOf(route)
		if !known {
			t.Errorf("%s names no action", route)
			continue
		}
		if slices.Contains([]string{"POST /api/v1/session/end", "DELETE /api/v1/sessions", "GET /api/v1/events"}, route) {
			continue // ends what the walk needs, or does not end
		}
		path = routeParameter.ReplaceAllString(path, "x")
		if got := send(t, method, p.url+path, strings.NewReader("{}"), nil); got.status != http.StatusUnauthorized {
			t.Errorf("%s without anything: %d, want 401", route, got.status)
		}
		for role, b := range browsers {
			may := (&auth.Principal{Program: "alpha", Kind: auth.ByPerson, Role: role}).May(action)
			got := b.send(method, path, "{}")
			refused := got.status == http.StatusForbidden && strings.Contains(string(got.body), "your role")
			if action == auth.PostOrders {
				refused = got.status == http.StatusForbidden
			}
			if may == refused {
				t.Errorf("%s as %s: %d %s, may %t", route, role, got.status, got.body, may)
			}
		}
		key := auth.Principal{Program: "alpha", Kind: auth.ByAPIKey, Role: auth.Admin}
		got := send(t, method, p.url+path, strings.NewReader("{}"), map[string]string{"Authorization": "Bearer " + c.readKey})
		if refused := got.status == http.StatusForbidden; refused == key.May(action) {
			t.Errorf("%s with a key: %d %s", route, got.status, got.body)
		}
	}
}

// ownerOf makes somebody the owner of a program, which must have one.
func (p *product) ownerOf(t testing.TB, program string) {
	t.Helper()
	person := auth.Person{PersonID: "usr_owner_of_" + program, Email: "owner@" + program, Name: "Owner"}
	fatal(t, p.store.CreatePerson(context.Background(), person, false))
	fatal(t, p.store.PutMember(context.Background(), program, person.PersonID, auth.Owner))
}

// accounts is the part of the conversation with the document that people have who sign in.
func (c *conversation) accounts() {
	code, err := c.auth.SetupCode(c.t.Context())
	fatal(c.t, err)
	b := &browser{t: c.t, url: c.url}
	c.say(exchange{method: "GET", path: "/api/auth/options", want: 200})
	person := `"email":"olga@example.com","name":"Olga","password":"` + goodPassword + `"`
	c.say(exchange{method: "POST", path: "/api/auth/setup", header: b.header(), body: `{"code":"x",` + person + `}`, want: 422})
	c.say(exchange{method: "POST", path: "/api/auth/setup", header: b.header(), body: `{"code":` + quoted(code) + `,` + person + `}`, want: 200})
	c.say(exchange{method: "POST", path: "/api/auth/setup", header: b.header(), body: `{"code":` + quoted(code) + `,` + person + `}`, want: 409})
	signIn := `{"email":"olga@example.com","password":"` + goodPassword + `"}`
	c.say(exchange{method: "POST", path: "/api/auth/sign-in", body: signIn, want: 403})
	c.say(exchange{method: "POST", path: "/api/auth/sign-in", header: b.header(), body: `{"email":"olga@example.com","password":"x"}`, want: 401})
	c.say(exchange{method: "POST", path: "/api/auth/sign-in", header: b.header(), body: signIn, want: 200})
	b.want(200, "POST", "/api/auth/sign-in", signIn)
	c.say(exchange{method: "POST", path: "/api/auth/reset", header: b.header(), body: `{"code":"x","password":"` + goodPassword + `"}`, want: 422})
	c.say(exchange{method: "GET", path: "/api/v1/session", want: 401})
	c.say(exchange{method: "GET", path: "/api/v1/session", header: c.bearer(), want: 200})
	c.say(exchange{method: "GET", path: "/api/v1/session", header: b.header(), want: 200})
	c.say(exchange{method: "PATCH", path: "/api/v1/session", header: b.header(), body: `{"program_id":"alpha"}`, want: 200})
	c.say(exchange{method: "PATCH", path: "/api/v1/session", header: b.header(), body: `{"program_id":"beta"}`, want: 404})
	c.say(exchange{method: "POST", path: "/api/v1/program/close?dry_run=true", header: b.header(), body: `{}`, want: 200})
	c.say(exchange{method: "POST", path: "/api/v1/program/close", header: b.header(), body: `{"confirm":"x"}`, want: 422})
	c.members(b)
	c.passkeys(b)
	c.disconnects(b)
	c.say(exchange{method: "GET", path: "/api/v1/sessions", header: b.header(), want: 200})
	c.say(exchange{method: "GET", path: "/api/v1/sessions", header: c.bearer(), want: 403})
	c.say(exchange{method: "DELETE", path: "/api/v1/sessions", header: b.header(), want: 200})
	c.say(exchange{method: "DELETE", path: "/api/v1/sessions/none", header: b.header(), want: 404})
	c.say(exchange{method: "POST", path: "/api/v1/account/password", header: b.header(), body: `{"current_password":"x","password":"` + goodPassword + `"}`, want: 422})
	c.say(exchange{method: "POST", path: "/api/v1/account/password", header: b.header(), body: `{"current_password":"` + goodPassword + `","password":"` + goodPassword + `"}`, want: 204})
	code, err = c.auth.ResetCode(c.t.Context(), "olga@example.com")
	fatal(c.t, err)
	c.say(exchange{method: "POST", path: "/api/auth/reset", header: b.header(), body: `{"code":` + quoted(code) + `,"password":"` + goodPassword + `"}`, want: 200})
	b.want(200, "POST", "/api/auth/sign-in", signIn)
	one, other := &browser{t: c.t, url: c.url}, b
	one.want(200, "POST", "/api/auth/sign-in", signIn)
	var sessions struct {
		Data []struct {
			SessionID string `json:"session_id"`
			Current   bool
		}
	}
	fatal(c.t, json.Unmarshal(other.want(200, "GET", "/api/v1/sessions", "").body, &sessions))
	for _, s := range sessions.Data {
		if !s.Current {
			c.say(exchange{method: "DELETE", path: "/api/v1/sessions/" + s.SessionID, header: other.header(), want: 200})
			break
		}
	}
	c.say(exchange{method: "POST", path: "/api/v1/session/end", header: other.header(), want: 204})
}
