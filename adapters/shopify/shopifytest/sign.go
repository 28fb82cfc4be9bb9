package shopifytest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

func mac(secret, message string) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(message))
	return h.Sum(nil)
}

// sessionLife is how long a session token counts.
const sessionLife = time.Minute

// Claims of a session token as App Bridge gets it now; a test may change one before signing.
func (shop *Shop) Claims() map[string]any {
	now := shop.server.Clock().Unix()
	return map[string]any{
		"iss": "https://" + shop.Domain + "/admin", "dest": "https://" + shop.Domain, "aud": shop.server.ClientID, "sub": "902541635",
		"exp": now + int64(sessionLife.Seconds()), "nbf": now, "iat": now, "jti": random(""), "sid": random(""),
	}
}

// SessionToken signs the claims with the app's newest secret.
func (s *Server) SessionToken(claims map[string]any) string {
	return Token(s.Secrets[0], map[string]any{"alg": "HS256", "typ": "JWT"}, claims)
}

// Session is a session token as App Bridge gets it now.
func (shop *Shop) Session() string { return shop.server.SessionToken(shop.Claims()) }

// Token makes a JWT with any header, signed by HMAC-SHA256.
func Token(secret string, header, claims map[string]any) string {
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			panic("shopifytest: claims that are no JSON")
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(header) + "." + part(claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac(secret, signed))
}

// goodSession is the token endpoint's own check.
func (s *Server) goodSession(token, domain string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	good := false
	for _, secret := range s.Secrets {
		want := base64.RawURLEncoding.EncodeToString(mac(secret, parts[0]+"."+parts[1]))
		good = good || hmac.Equal([]byte(want), []byte(parts[2]))
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	var c struct {
		Dest string `json:"dest"`
		Aud  string `json:"aud"`
		Exp  int64  `json:"exp"`
	}
	if err != nil || json.Unmarshal(text, &c) != nil {
		return false
	}
	return good && c.Dest == "https://"+domain && c.Aud == s.ClientID && s.Clock().Unix() < c.Exp
}

// escape is encodeURIComponent of a form, with %20 for a blank.
func escape(text string) string {
	escaped := strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
	return strings.ReplaceAll(strings.ReplaceAll(escaped, "%2A", "*"), "~", "%7E")
}

// SignQuery adds the hmac parameter of the admin's redirects and encodes the query.
func (s *Server) SignQuery(query url.Values) string {
	pairs := make([]string, 0, len(query))
	for key := range query {
		pairs = append(pairs, escape(key)+"="+escape(query.Get(key)))
	}
	sort.Strings(pairs)
	message := strings.Join(pairs, "&")
	return message + "&hmac=" + hex.EncodeToString(mac(s.Secrets[0], message))
}

// SignProxy adds the parameters of the app proxy and their signature, and encodes the query.
func (shop *Shop) SignProxy(query url.Values) string {
	if query == nil {
		query = url.Values{}
	}
	query.Set("shop", shop.Domain)
	query.Set("timestamp", strconv.FormatInt(shop.server.Clock().Unix(), 10))
	query.Set("path_prefix", "/apps/upline")
	keys := make([]string, 0, len(query))
	for key := range query {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var message strings.Builder
	for _, key := range keys {
		message.WriteString(key + "=" + strings.Join(query[key], ","))
	}
	query.Set("signature", hex.EncodeToString(mac(shop.server.Secrets[0], message.String())))
	return query.Encode()
}

// DocumentQuery is the query with which the admin opens the app's page in its frame.
func (shop *Shop) DocumentQuery() string {
	return shop.server.SignQuery(url.Values{
		"embedded": {"1"}, "host": {shop.HostParam()}, "id_token": {shop.Session()}, "locale": {"en"}, "session": {random("")},
		"shop": {shop.Domain}, "timestamp": {strconv.FormatInt(shop.server.Clock().Unix(), 10)},
	})
}

// WebhookHeader gives the headers of a webhook with this body, signed with the newest secret.
func (shop *Shop) WebhookHeader(topic string, body []byte) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("X-Shopify-Topic", topic)
	h.Set("X-Shopify-Shop-Domain", shop.Domain)
	h.Set("X-Shopify-Api-Version", APIVersion)
	h.Set("X-Shopify-Webhook-Id", random(""))
	h.Set("X-Shopify-Event-Id", random(""))
	h.Set("X-Shopify-Triggered-At", shop.server.Clock().UTC().Format(time.RFC3339Nano))
	h.Set("X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(mac(shop.server.Secrets[0], string(body))))
	return h
}
