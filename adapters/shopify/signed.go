package shopify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	goshopify "github.com/bold-commerce/go-shopify/v4"

	"upline.dev/upline/adapters"
)

// signedFor is how long a signed address counts, to either side of our clock.
const signedFor = 90 * time.Second

// maxQueryBytes bounds a signed query.
const maxQueryBytes = 16 << 10

// Callback is a checked return from the code grant.
type Callback struct {
	Shop  string
	Code  string
	State string
	Host  string // base64 of the admin's address of the shop; "" where Shopify left it out
}

// VerifyCallback checks the query with which Shopify sends a merchant back: the signature over all of it, the time, the
// shop. adapters.ErrSignature where it does not fit. That State is ours is the caller's to check.
func (a *App) VerifyCallback(rawQuery string) (Callback, error) {
	query, err := a.verifyAdminQuery(rawQuery)
	if err != nil {
		return Callback{}, err
	}
	shop, err := shopParameter(query)
	if err != nil {
		return Callback{}, err
	}
	c := Callback{Shop: shop, Code: query.Get("code"), State: query.Get("state"), Host: query.Get("host")}
	if c.Code == "" || c.State == "" {
		return Callback{}, &adapters.Malformed{Field: "code", Reason: "the return from Shopify holds no code or no state"}
	}
	return c, nil
}

// VerifyInstall checks the query with which Shopify sends a merchant to the app's address for a code grant, and gives the
// shop.
func (a *App) VerifyInstall(rawQuery string) (shop string, err error) {
	query, err := a.verifyAdminQuery(rawQuery)
	if err != nil {
		return "", err
	}
	return shopParameter(query)
}

func shopParameter(query url.Values) (string, error) {
	shop, err := ParseShop(query.Get("shop"))
	if err != nil {
		return "", &adapters.Malformed{Field: "shop", Reason: ErrShop.Error()}
	}
	return shop, nil
}

// verifyAdminQuery checks the hmac parameter: hex HMAC-SHA256 over the other parameters, sorted and percent-encoded.
func (a *App) verifyAdminQuery(rawQuery string) (url.Values, error) {
	query, err := parseOnce(rawQuery)
	if err != nil {
		return nil, err
	}
	given := query.Get("hmac")
	pairs := make([]string, 0, len(query))
	for _, key := range sortedKeys(query) {
		if key != "hmac" && key != "signature" {
			pairs = append(pairs, escapeForm(key)+"="+escapeForm(query.Get(key)))
		}
	}
	if !a.signed(strings.Join(pairs, "&"), given) {
		return nil, adapters.ErrSignature
	}
	return query, a.checkTime(query.Get("timestamp"))
}

// parseOnce reads a query in which each parameter stands once: of a repeated one nobody knows which value was meant.
func parseOnce(rawQuery string) (url.Values, error) {
	if len(rawQuery) > maxQueryBytes {
		return nil, &adapters.Malformed{Field: "query", Reason: "the query is too long"}
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, &adapters.Malformed{Field: "query", Reason: "the query is not percent-encoded as it should be"}
	}
	for _, key := range sortedKeys(query) {
		if len(query[key]) != 1 {
			return nil, &adapters.Malformed{Field: key, Reason: "the parameter is given twice"}
		}
	}
	return query, nil
}

func sortedKeys(query url.Values) []string {
	keys := make([]string, 0, len(query))
	for key := range query {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// escapeForm escapes as browsers do in forms (WHATWG URL), but for the blank, which is %20. Go's own differs in "*" and "~".
func escapeForm(text string) string {
	return formMarks.Replace(url.QueryEscape(text))
}

var formMarks = strings.NewReplacer("+", "%20", "%2A", "*", "~", "%7E")

// signed compares in constant time with each secret; every secret is tried, so that the time does not tell which fits.
func (a *App) signed(message, given string) bool {
	fits := false
	for _, secret := range a.secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(message))
		if hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(given)) {
			fits = true
		}
	}
	return fits
}

func (a *App) checkTime(timestamp string) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return &adapters.Malformed{Field: "timestamp", Reason: "want seconds since 1970"}
	}
	if away := a.clock().Unix() - seconds; away > int64(signedFor/time.Second) || away < -int64(signedFor/time.Second) {
		return &adapters.Malformed{Field: "timestamp", Reason: "the address was signed at another time; begin again"}
	}
	return nil
}

// Proxied is a checked request that a shop's storefront made through the app proxy.
type Proxied struct {
	Shop       string
	CustomerID string // of who is logged in at the storefront; "" for nobody
	Query      url.Values
}

// singleProxyParameters are Shopify's own; a second one was put in by somebody else.
var singleProxyParameters = []string{"hmac", "shop", "signature", "timestamp"}

// VerifyProxy checks the query of an app proxy request: hex HMAC-SHA256 over "key=value" sorted by key, without anything
// between, values of one key joined by commas.
func (a *App) VerifyProxy(rawQuery string) (Proxied, error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil || len(rawQuery) > maxQueryBytes {
		return Proxied{}, &adapters.Malformed{Field: "query", Reason: "the query is too long or not percent-encoded as it should be"}
	}
	for _, key := range singleProxyParameters {
		if len(query[key]) > 1 {
			return Proxied{}, &adapters.Malformed{Field: key, Reason: "the parameter is given twice"}
		}
	}
	var message strings.Builder
	for _, key := range sortedKeys(query) {
		if key != "signature" && key != "hmac" {
			message.WriteString(key + "=" + strings.Join(query[key], ","))
		}
	}
	if !a.signed(message.String(), query.Get("signature")) {
		return Proxied{}, adapters.ErrSignature
	}
	if err := a.checkTime(query.Get("timestamp")); err != nil {
		return Proxied{}, err
	}
	shop, err := shopParameter(query)
	if err != nil {
		return Proxied{}, err
	}
	return Proxied{Shop: shop, CustomerID: query.Get("logged_in_customer_id"), Query: query}, nil
}

// AuthorizeURL is where a merchant agrees to a code grant; state comes back with the answer.
func (a *App) AuthorizeURL(shop, redirect, state string) (string, error) {
	shop, err := ParseShop(shop)
	if err != nil {
		return "", err
	}
	app := goshopify.App{ApiKey: a.clientID, RedirectUrl: redirect, Scope: strings.Join(a.scopes, ",")}
	return app.AuthorizeUrl(shop, state)
}
