package shopifytest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const maxBody = 16 << 20

// readAll reads the body and puts it back.
func readAll(r *http.Request) (string, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	r.Body = io.NopCloser(bytes.NewReader(body))
	return string(body), err
}

// tokenRequest is the union of the three bodies that the token endpoint takes.
type tokenRequest struct {
	ClientID     string  `json:"client_id"`
	ClientSecret string  `json:"client_secret"`
	GrantType    *string `json:"grant_type"`
	Subject      *string `json:"subject_token"`
	SubjectType  *string `json:"subject_token_type"`
	Requested    *string `json:"requested_token_type"`
	RefreshToken *string `json:"refresh_token"`
	Code         *string `json:"code"`
	Expiring     *string `json:"expiring"`
}

// accessToken is the token endpoint. It is stricter than Shopify's: what a body holds beyond what its grant needs, or
// lacks, is refused by name.
func (s *Server) accessToken(w http.ResponseWriter, r *http.Request, shop *Shop) {
	var v tokenRequest
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&v); err != nil || r.Header.Get("Content-Type") != "application/json" {
		oauthError(w, "invalid_request", "the body is not the JSON of a known grant")
		return
	}
	if v.ClientID != s.ClientID || v.ClientSecret != s.Secrets[0] {
		oauthError(w, "invalid_client", "")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if problem, detail := shop.take(&v); problem != "" {
		oauthError(w, problem, detail)
		return
	}
	shop.give(w)
}

// take checks a grant; s.mu is held.
func (shop *Shop) take(v *tokenRequest) (problem, detail string) {
	is := func(p *string, want string) bool { return p != nil && *p == want }
	switch {
	case v.Code != nil:
		if !is(v.Expiring, "1") || v.GrantType != nil || v.Subject != nil || v.RefreshToken != nil {
			return "invalid_request", "code grant: want client_id, client_secret, code, expiring=1"
		}
		if !shop.codes[*v.Code] {
			return "invalid_request", "the code was used or never was"
		}
		delete(shop.codes, *v.Code)
		shop.installed = true
	case is(v.GrantType, "refresh_token"):
		if v.RefreshToken == nil || v.Subject != nil || v.Expiring != nil || v.Requested != nil {
			return "invalid_request", "refresh: want client_id, client_secret, refresh_token, grant_type"
		}
		return shop.takeRefresh(*v.RefreshToken), ""
	case is(v.GrantType, "urn:ietf:params:oauth:grant-type:token-exchange"):
		if !is(v.SubjectType, "urn:ietf:params:oauth:token-type:id_token") || v.Subject == nil || v.RefreshToken != nil ||
			!is(v.Requested, "urn:shopify:params:oauth:token-type:offline-access-token") || !is(v.Expiring, "1") {
			return "invalid_request", "token exchange: want an id_token for an expiring offline token"
		}
		if !shop.installed || !shop.server.goodSession(*v.Subject, shop.Domain) {
			return "invalid_subject_token", ""
		}
	default:
		return "invalid_request", "no known grant"
	}
	return "", ""
}

// takeRefresh takes the current refresh token, or the one before while nobody has used what it gave.
func (shop *Shop) takeRefresh(token string) (problem string) {
	now := shop.server.Clock()
	switch {
	case !shop.installed || token == "":
		return "invalid_grant"
	case token == shop.current.refresh && now.Before(shop.current.refreshExpires):
		shop.previous = token
	case token == shop.previous && !shop.current.used:
	default:
		return "invalid_grant"
	}
	return ""
}

// give answers with a new pair; s.mu is held.
func (shop *Shop) give(w http.ResponseWriter) {
	now := shop.server.Clock()
	shop.current = tokens{
		access: random("shpat_"), refresh: random("shprt_"), expires: now.Add(AccessLife), refreshExpires: now.Add(RefreshLife),
	}
	answerJSON(w, http.StatusOK, map[string]any{
		"access_token": shop.current.access, "scope": strings.Join(shop.server.Scopes, ","),
		"expires_in": int64(AccessLife.Seconds()), "refresh_token": shop.current.refresh,
		"refresh_token_expires_in": int64(RefreshLife.Seconds()),
	})
}

func oauthError(w http.ResponseWriter, code, detail string) {
	answerJSON(w, http.StatusBadRequest, map[string]string{"error": code, "error_description": detail})
}

// authorize is the page on which a merchant agrees; here everybody agrees at once.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request, shop *Shop) {
	q := r.URL.Query()
	if q.Get("client_id") != s.ClientID || q.Get("state") == "" || q.Get("redirect_uri") == "" {
		http.Error(w, "client_id, state or redirect_uri is wrong", http.StatusBadRequest)
		return
	}
	code := random("code_")
	s.mu.Lock()
	shop.codes[code] = true
	s.mu.Unlock()
	back := url.Values{
		"code": {code}, "state": {q.Get("state")}, "shop": {shop.Domain}, "host": {shop.HostParam()},
		"timestamp": {strconv.FormatInt(s.Clock().Unix(), 10)},
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+s.SignQuery(back), http.StatusFound) //nolint:gosec // a test's own address
}

// HostParam is what Shopify's admin passes as host: the base64 of the shop's address there.
func (shop *Shop) HostParam() string {
	name := strings.TrimSuffix(shop.Domain, ".myshopify.com")
	return base64.RawStdEncoding.EncodeToString([]byte("admin.shopify.com/store/" + name))
}
