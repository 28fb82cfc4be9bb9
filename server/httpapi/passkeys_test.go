package httpapi_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/golang-jwt/jwt/v5"

	"upline.dev/upline/server"
	"upline.dev/upline/server/auth"
)

const siteOrigin = "https://upline.example.com"

// key is a virtual authenticator with one passkey of a person.
type key struct {
	party         virtualwebauthn.RelyingParty
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
}

func newKey(personID string) *key {
	return &key{
		party:         virtualwebauthn.RelyingParty{ID: "upline.example.com", Name: "Upline", Origin: siteOrigin},
		authenticator: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(personID)}),
		credential:    wholeCredential(),
	}
}

// wholeCoordinates is how long an encoded key of P-256 is with two coordinates of 32 bytes.
const wholeCoordinates = 77

// wholeCredential is a credential whose public key a browser would write the same way: the library leaves leading zeros out of a
// coordinate, one time in 128, which no authenticator does and the server rightly refuses.
func wholeCredential() virtualwebauthn.Credential {
	for {
		if c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(c.Key.AttestationData()) == wholeCoordinates {
			return c
		}
	}
}

func (k *key) create(t testing.TB, c auth.Ceremony) json.RawMessage {
	t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(string(c.Options))
	fatal(t, err)
	return json.RawMessage(virtualwebauthn.CreateAttestationResponse(k.party, k.authenticator, k.credential, *options))
}

func (k *key) answer(t testing.TB, c auth.Ceremony) json.RawMessage {
	t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(string(c.Options))
	fatal(t, err)
	k.credential.Counter++
	return json.RawMessage(virtualwebauthn.CreateAssertionResponse(k.party, k.authenticator, k.credential, *options))
}

// TestPasskeys: a passkey lets its person in, on our site, once per ceremony, with the person looked at, and no other way.
func TestPasskeys(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	p.owner(t)
	ctx := t.Context()
	olga, err := p.auth.Books.PersonByEmail(ctx, "olga@example.com")
	fatal(t, err)
	me := &auth.Principal{Program: "first-company", Kind: auth.ByPerson, PersonID: olga.PersonID, Role: auth.Owner}
	k := newKey(olga.PersonID)
	begin := func() auth.Ceremony {
		t.Helper()
		c, err := p.auth.BeginPasskey(ctx, me, siteOrigin)
		fatal(t, err)
		return c
	}
	signIn := func(k *key, alter func(c *auth.Ceremony, answer *string)) error {
		t.Helper()
		c, err := p.auth.BeginPasskeySignIn(ctx, siteOrigin, auth.Client{Address: "x"})
		fatal(t, err)
		answer := string(k.answer(t, c))
		if alter != nil {
			alter(&c, &answer)
		}
		got, err := p.auth.PasskeySignIn(ctx, siteOrigin, c.ID, json.RawMessage(answer))
		if err == nil && got.PersonID != olga.PersonID {
			t.Errorf("somebody else came in: %s", got.PersonID)
		}
		return err
	}
	if err := signIn(k, nil); server.CodeOf(err) != server.Unauthorized {
		t.Errorf("a passkey that nobody added: %v", err)
	}
	phish := newKey(olga.PersonID)
	phish.party.Origin = "https://evil.example"
	c := begin()
	if err := p.auth.FinishPasskey(ctx, me, siteOrigin, c.ID, "phone", phish.create(t, c)); server.CodeOf(err) != server.Invalid {
		t.Errorf("a passkey made on another site: %v", err)
	}
	if err := p.auth.FinishPasskey(ctx, me, siteOrigin, c.ID, "phone", k.create(t, c)); server.CodeOf(err) != server.Invalid {
		t.Errorf("a ceremony used twice: %v", err)
	}
	c = begin()
	fatal(t, p.auth.FinishPasskey(ctx, me, siteOrigin, c.ID, "phone", k.create(t, c)))
	fatal(t, signIn(k, nil))
	fatal(t, signIn(k, nil))
	for name, refused := range map[string]func() error{
		"with a changed signature": func() error {
			return signIn(k, func(_ *auth.Ceremony, answer *string) {
				i := strings.Index(*answer, `"signature":"`) + len(`"signature":"`) + 20
				*answer = (*answer)[:i] + string('A'+(*answer)[i]%2+1) + "B" + (*answer)[i+2:]
			})
		},
		"for another ceremony": func() error {
			other, err := p.auth.BeginPasskeySignIn(ctx, siteOrigin, auth.Client{Address: "x"})
			fatal(t, err)
			return signIn(k, func(c *auth.Ceremony, _ *string) { c.ID = other.ID })
		},
		"of another person's handle": func() error {
			eve := *k
			eve.authenticator.Options.UserHandle = []byte("usr_eve")
			return signIn(&eve, nil)
		},
		"by another key under its id": func() error {
			eve := *k
			eve.credential = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
			eve.credential.ID = k.credential.ID
			return signIn(&eve, nil)
		},
		"without looking at the person": func() error {
			blind := *k
			blind.authenticator.Options.UserNotVerified = true
			err := signIn(&blind, nil)
			k.credential.Counter = blind.credential.Counter
			return err
		},
		"on another site": func() error {
			evil := *k
			evil.party.Origin = "https://evil.example"
			return signIn(&evil, nil)
		},
		"by a copy whose counter is behind": func() error {
			copied := *k
			copied.credential.Counter = 0
			return signIn(&copied, nil)
		},
	} {
		if err := refused(); err == nil {
			t.Errorf("%s somebody came in", name)
		}
	}
	k.credential.Counter += 10
	fatal(t, signIn(k, nil))
	keys, err := p.auth.Books.PasskeysOf(ctx, olga.PersonID)
	fatal(t, err)
	if len(keys) != 1 || keys[0].Name != "phone" || keys[0].LastUsedAt.IsZero() {
		t.Errorf("%+v", keys)
	}
	fatal(t, p.auth.RemovePasskey(ctx, me, keys[0].CredentialID))
	if err := signIn(k, nil); server.CodeOf(err) != server.Unauthorized {
		t.Errorf("a passkey that was removed: %v", err)
	}
}

// provider is a small identity provider: who comes is who it is told to be.
type provider struct {
	*httptest.Server
	private  *rsa.PrivateKey
	mu       sync.Mutex
	claims   map[string]any // of the next ID token
	forge    *rsa.PrivateKey
	verifier string // PKCE challenge of the last visit
	nonce    string
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	fatal(t, err)
	p := &provider{private: private, forge: private}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": base64url(private.N.Bytes()), "e": "AQAB",
		}}})
	})
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		p.mu.Lock()
		p.verifier, p.nonce = q.Get("code_challenge"), q.Get("nonce")
		p.mu.Unlock()
		http.Redirect(w, r, q.Get("redirect_uri")+"?code=the-code&state="+url.QueryEscape(q.Get("state")), http.StatusSeeOther)
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if r.FormValue("code") != "the-code" || base64url(sha256Of(r.FormValue("code_verifier"))) != p.verifier {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		claims := jwt.MapClaims{
			"iss": p.URL, "aud": "upline", "sub": "subject-1", "exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix(), "nonce": p.nonce,
		}
		for name, value := range p.claims {
			claims[name] = value
		}
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
		token.Header["kid"] = "1"
		text, err := token.SignedString(p.forge)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": text})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) says(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims = claims
}

// walk goes the whole way as a browser does, and gives where it ends and who is signed in then.
func walk(t *testing.T, site string) (end *url.URL, email string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	fatal(t, err)
	client := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	visit := func(path string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site+path, http.NoBody)
		fatal(t, err)
		answer, err := client.Do(r)
		fatal(t, err)
		defer answer.Body.Close()
		var session struct{ Person struct{ Email string } }
		_ = json.NewDecoder(answer.Body).Decode(&session)
		return answer, session.Person.Email
	}
	answer, _ := visit("/api/auth/oidc/start") //nolint:bodyclose // visit closes it
	end = answer.Request.URL
	_, email = visit("/api/v1/session") //nolint:bodyclose // as above
	return end, email
}

// TestSignInByProvider: the provider's word lets a member in, and nothing less than its whole word.
func TestSignInByProvider(t *testing.T) {
	t.Parallel()
	p, id := openProduct(t), newProvider(t)
	p.owner(t)
	if end, _ := walk(t, p.url); !strings.Contains(end.Fragment, "no identity provider") {
		t.Errorf("without a provider: %s", end)
	}
	p.auth.OIDC = &auth.OIDC{Name: "Test ID", Issuer: id.URL, ClientID: "upline", ClientSecret: "secret"}
	good := map[string]any{"email": "Olga@Example.com", "email_verified": true}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	fatal(t, err)
	for name, claims := range map[string]map[string]any{
		"an address nobody has":        {"email": "eve@example.com", "email_verified": true},
		"an address not verified":      {"email": "olga@example.com", "email_verified": false},
		"no address":                   {},
		"another client's token":       {"email": "olga@example.com", "email_verified": true, "aud": "another"},
		"another issuer's token":       {"email": "olga@example.com", "email_verified": true, "iss": "https://evil.example"},
		"a token that is too old":      {"email": "olga@example.com", "email_verified": true, "exp": time.Now().Add(-time.Hour).Unix()},
		"a token with another nonce":   {"email": "olga@example.com", "email_verified": true, "nonce": "another"},
		"a token by another one's key": good,
	} {
		id.mu.Lock()
		id.forge = id.private
		if strings.Contains(name, "key") {
			id.forge = stranger
		}
		id.mu.Unlock()
		id.says(claims)
		if end, email := walk(t, p.url); email != "" || end.Path != "/sign-in" || end.Fragment == "" {
			t.Errorf("%s: ended at %s as %q", name, end, email)
		}
	}
	id.mu.Lock()
	id.forge = id.private
	id.mu.Unlock()
	id.says(good)
	if end, email := walk(t, p.url); email != "olga@example.com" || end.Path != "/" {
		t.Fatalf("a member: ended at %s as %q", end, email)
	}
	id.says(map[string]any{"email": "new-address@example.com", "email_verified": false})
	if end, email := walk(t, p.url); email != "olga@example.com" {
		t.Errorf("the same subject with another address: ended at %s as %q", end, email)
	}
	r := send(t, http.MethodGet, p.url+"/api/auth/oidc/callback?code=the-code&state=guessed", http.NoBody, map[string]string{"Cookie": "upline_oidc=other"})
	if strings.Contains(fmt.Sprint(r.header["Set-Cookie"]), "upline_session") {
		t.Error("a way that began in another browser signed this one in")
	}
}

// passkeys is the part of the conversation with the document about passkeys and the identity provider.
func (c *conversation) passkeys(b *browser) {
	// A passkey belongs to a name.
	c.say(exchange{method: "POST", path: "/api/auth/passkey/begin", header: b.header(), want: 409})
	address := c.url
	c.url = strings.Replace(c.url, "127.0.0.1", "localhost", 1)
	defer func() { c.url = address }()
	h := b.header()
	h["Origin"] = c.url
	c.say(exchange{method: "GET", path: "/api/v1/account/passkeys", header: h, want: 200})
	olga, err := c.auth.Books.PersonByEmail(c.t.Context(), "olga@example.com")
	fatal(c.t, err)
	k := newKey(olga.PersonID)
	k.party.ID, k.party.Origin = "localhost", c.url
	var offer auth.Ceremony
	fatal(c.t, json.Unmarshal(c.say(exchange{method: "POST", path: "/api/v1/account/passkeys/begin", header: h, want: 200}), &offer))
	made := `{"ceremony_id":"` + offer.ID + `","name":"phone","credential":` + string(k.create(c.t, offer)) + `}`
	c.say(exchange{method: "POST", path: "/api/v1/account/passkeys/finish", header: h, body: made, want: 204})
	fatal(c.t, json.Unmarshal(c.say(exchange{method: "POST", path: "/api/auth/passkey/begin", header: h, want: 200}), &offer))
	answer := `{"ceremony_id":"` + offer.ID + `","credential":` + string(k.answer(c.t, offer)) + `}`
	c.say(exchange{method: "POST", path: "/api/auth/passkey", header: h, body: answer, want: 200})
	c.say(exchange{method: "DELETE", path: "/api/v1/account/passkeys/" + base64url(k.credential.ID), header: h, want: 204})
	c.say(exchange{method: "POST", path: "/api/v1/account/passkeys/finish", header: h, body: `{"ceremony_id":"x","name":"phone","credential":{}}`, want: 422})
	c.say(exchange{method: "DELETE", path: "/api/v1/account/passkeys/AAAA", header: h, want: 404})
	c.say(exchange{method: "POST", path: "/api/auth/passkey", header: h, body: `{"ceremony_id":"x","credential":{}}`, want: 422})
	c.say(exchange{method: "GET", path: "/api/auth/oidc/start", want: 303})
	c.say(exchange{method: "GET", path: "/api/auth/oidc/callback?code=x&state=x", want: 303})
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func sha256Of(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
