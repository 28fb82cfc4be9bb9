package shopify

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ErrSession means that a session token is missing, stale or not for us. App Bridge can fetch another one.
var ErrSession = errors.New("the session token is missing, has expired or is not for this app")

// Bounds of a session token. Shopify's live a minute.
const (
	tokenLeeway   = 10 * time.Second
	maxTokenBytes = 4 << 10
)

// Session is what a checked session token says: a member of a shop's staff has our app open.
type Session struct {
	Shop      string
	StaffID   string // Shopify's id of the member of staff
	SessionID string
	ExpiresAt time.Time
	token     string
}

// claims of a session token; see shopify.dev, "Session tokens".
type claims struct {
	jwt.RegisteredClaims
	Dest string `json:"dest"`
	SID  string `json:"sid"`
}

// VerifySession checks a session token: HS256 and nothing else, our audience alone, an expiry that is there and has not
// passed, not from the future, issuer and destination of one shop. The secret of before the last rotation counts too. It
// is stricter than Shopify's own library, which takes tokens without expiry and with issuer and destination apart.
func (a *App) VerifySession(token string) (Session, error) {
	if token == "" || len(token) > maxTokenBytes {
		return Session{}, ErrSession
	}
	keys := jwt.VerificationKeySet{}
	for _, secret := range a.secrets {
		keys.Keys = append(keys.Keys, secret)
	}
	var c claims
	parsed, err := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithLeeway(tokenLeeway), jwt.WithAudience(a.clientID),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(a.clock), jwt.WithStrictDecoding(),
	).ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return keys, nil })
	if err != nil {
		return Session{}, fmt.Errorf("%w: %w", ErrSession, err)
	}
	if _, critical := parsed.Header["crit"]; critical {
		return Session{}, fmt.Errorf("%w: it asks for an extension", ErrSession)
	}
	return c.session(token)
}

// session checks what is Shopify's own in a token.
func (c *claims) session(token string) (Session, error) {
	refuse := func(what string) (Session, error) { return Session{}, fmt.Errorf("%w: %s", ErrSession, what) }
	if len(c.Audience) != 1 {
		return refuse("it is for several apps")
	}
	shop, err := shopOfURL(c.Dest, "")
	if err != nil {
		return refuse("dest is no shop")
	}
	if issuer, err := shopOfURL(c.Issuer, "/admin"); err != nil || issuer != shop {
		return refuse("iss and dest are not one shop")
	}
	if c.Subject == "" || strings.Trim(c.Subject, "0123456789") != "" {
		return refuse("sub is no id")
	}
	return Session{Shop: shop, StaffID: c.Subject, SessionID: c.SID, ExpiresAt: c.ExpiresAt.Time, token: token}, nil
}

// shopOfURL takes "https://SHOP" + path and nothing else.
func shopOfURL(text, path string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Path != path || u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Opaque != "" {
		return "", ErrShop
	}
	return ParseShop(u.Host)
}
