package shopify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"upline.dev/upline/adapters"
)

// Grant is what Shopify's token endpoint gives: an offline token that expires, and the one that renews it.
type Grant struct {
	Token            string
	RefreshToken     string
	Scopes           []string
	ExpiresAt        time.Time // zero: never; older apps' tokens
	RefreshExpiresAt time.Time
}

// The bodies are the ones of Shopify's own library, member for member; a test compares the bytes.
type (
	exchangeBody struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		GrantType    string `json:"grant_type"`
		Subject      string `json:"subject_token"`
		SubjectType  string `json:"subject_token_type"`
		Requested    string `json:"requested_token_type"`
		Expiring     string `json:"expiring"`
	}
	refreshBody struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		RefreshToken string `json:"refresh_token"`
		GrantType    string `json:"grant_type"`
	}
	redeemBody struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		Code         string `json:"code"`
		Expiring     string `json:"expiring"`
	}
)

// Names of RFC 8693 as Shopify uses them.
const (
	grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	grantRefresh  = "refresh_token"
	typeIDToken   = "urn:ietf:params:oauth:token-type:id_token"                //nolint:gosec // the name of a kind of token
	typeOffline   = "urn:shopify:params:oauth:token-type:offline-access-token" //nolint:gosec // the name of a kind of token
)

// ErrApp means that Shopify does not take the app's own id and secret: a setting is wrong, or the app is gone.
var ErrApp = errors.New("the app's credentials are refused by Shopify: compare SHOPIFY_API_KEY and SHOPIFY_API_SECRET with the app's settings")

// Exchange gives an offline token for a checked session. ErrSession where Shopify finds the session token too old.
func (a *App) Exchange(ctx context.Context, s Session) (Grant, error) {
	g, err := a.grant(ctx, s.Shop, exchangeBody{
		ClientID: a.clientID, ClientSecret: string(a.secrets[0]), GrantType: grantExchange, Subject: s.token,
		SubjectType: typeIDToken, Requested: typeOffline, Expiring: "1",
	})
	if err != nil {
		return Grant{}, fmt.Errorf("exchange a session token of %s: %w", s.Shop, err)
	}
	return g, nil
}

// Migrate gives an expiring token for one that never expires, as apps of before April 2026 have.
func (a *App) Migrate(ctx context.Context, shop, token string) (Grant, error) {
	g, err := a.grant(ctx, shop, exchangeBody{
		ClientID: a.clientID, ClientSecret: string(a.secrets[0]), GrantType: grantExchange, Subject: token,
		SubjectType: typeOffline, Requested: typeOffline, Expiring: "1",
	})
	if err != nil {
		return Grant{}, fmt.Errorf("exchange a token that never expires of %s: %w", shop, err)
	}
	return g, nil
}

// Refresh gives a new pair of tokens. Until the new one is first used the old one works too, so that after a lost answer it
// is asked again with the same refresh token. adapters.ErrReauthorise where Shopify will not renew it ever again.
func (a *App) Refresh(ctx context.Context, shop, refreshToken string) (Grant, error) {
	g, err := a.grant(ctx, shop, refreshBody{
		ClientID: a.clientID, ClientSecret: string(a.secrets[0]), RefreshToken: refreshToken, GrantType: grantRefresh,
	})
	if err != nil {
		return Grant{}, fmt.Errorf("refresh the token of %s: %w", shop, err)
	}
	return g, nil
}

// RedeemCode gives a token for the code of a code grant; VerifyCallback has checked it.
func (a *App) RedeemCode(ctx context.Context, shop, code string) (Grant, error) {
	g, err := a.grant(ctx, shop, redeemBody{ClientID: a.clientID, ClientSecret: string(a.secrets[0]), Code: code, Expiring: "1"})
	if err != nil {
		return Grant{}, fmt.Errorf("redeem the code of %s: %w", shop, err)
	}
	return g, nil
}

// How a call that fails for the moment is tried again.
const (
	grantAttempts = 3
	grantPause    = 200 * time.Millisecond
	maxRetryAfter = 5 * time.Second
)

// passing is a failure that may be gone in a moment.
type passing struct {
	err   error
	after time.Duration // what the platform asks us to wait; 0: nothing said
}

func (p *passing) Error() string { return p.err.Error() }
func (p *passing) Unwrap() error { return p.err }

// Is makes every such failure an ErrPassing.
func (*passing) Is(target error) bool { return target == ErrPassing }

// ErrPassing is a failure of the shop that may be gone in a moment.
var ErrPassing = errors.New("the shop does not answer as it should")

// grant posts a body to a shop's token endpoint, up to grantAttempts times while the failure is a passing one.
func (a *App) grant(ctx context.Context, shop string, body any) (Grant, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return Grant{}, errors.New("the request cannot be encoded") // without the cause: it may quote a secret
	}
	raw := bytes.TrimSuffix(text.Bytes(), []byte("\n"))
	var g Grant
	err := again(ctx, func() (err error) {
		g, err = a.grantOnce(ctx, shop, raw)
		return err
	})
	return g, err
}

// again runs f up to grantAttempts times, while its failure is a passing one and ctx has not ended.
func again(ctx context.Context, f func() error) error {
	for attempt := 1; ; attempt++ {
		err := f()
		var p *passing
		if err == nil || !errors.As(err, &p) || attempt == grantAttempts {
			return err
		}
		wait := p.after
		if wait == 0 {
			wait = grantPause<<(attempt-1) + rand.N(grantPause) //nolint:gosec // it need not be unpredictable
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(wait):
		}
	}
}

func (a *App) grantOnce(ctx context.Context, shop string, body []byte) (Grant, error) {
	shop, err := ParseShop(shop)
	if err != nil {
		return Grant{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+shop+"/admin/oauth/access_token", bytes.NewReader(body))
	if err != nil {
		return Grant{}, fmt.Errorf("make the request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	answer, err := a.http.Do(r)
	if errors.Is(err, errForeignHost) {
		return Grant{}, errForeignHost
	}
	if err != nil {
		return Grant{}, &passing{err: fmt.Errorf("reach the shop: %w", err)}
	}
	defer drain(answer)
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return Grant{}, &passing{err: fmt.Errorf("read the answer: %w", err)}
	}
	if answer.StatusCode != http.StatusOK {
		return Grant{}, refusal(answer, text)
	}
	return a.readGrant(text)
}

// grantAnswer is a good answer of the token endpoint.
type grantAnswer struct {
	AccessToken      string `json:"access_token"`
	Scope            string `json:"scope"`
	ExpiresIn        int64  `json:"expires_in"` // seconds
	RefreshToken     string `json:"refresh_token"`
	RefreshExpiresIn int64  `json:"refresh_token_expires_in"` // seconds
}

// maxLife bounds what an answer may say of a token's life, in seconds: ten years.
const maxLife = 10 * 365 * 24 * 60 * 60

func (a *App) readGrant(text []byte) (Grant, error) {
	var v grantAnswer
	if err := json.Unmarshal(text, &v); err != nil {
		return Grant{}, &passing{err: errors.New("the answer is not JSON")}
	}
	switch {
	case v.AccessToken == "":
		return Grant{}, &passing{err: errors.New("the answer holds no access_token")}
	case v.ExpiresIn < 0 || v.RefreshExpiresIn < 0 || v.ExpiresIn > maxLife || v.RefreshExpiresIn > maxLife:
		return Grant{}, &passing{err: errors.New("the answer gives a token a life that cannot be")}
	case v.ExpiresIn > 0 && v.RefreshToken == "":
		return Grant{}, &passing{err: errors.New("the token expires, and the answer holds no refresh_token")}
	}
	g := Grant{Token: v.AccessToken, RefreshToken: v.RefreshToken}
	for scope := range strings.SplitSeq(v.Scope, ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			g.Scopes = append(g.Scopes, scope)
		}
	}
	now := a.clock().UTC()
	if v.ExpiresIn > 0 {
		g.ExpiresAt = now.Add(time.Duration(v.ExpiresIn) * time.Second)
	}
	if v.RefreshExpiresIn > 0 {
		g.RefreshExpiresAt = now.Add(time.Duration(v.RefreshExpiresIn) * time.Second)
	}
	return g, nil
}

// refusal names what a failed answer means. Its text is not passed on: it may repeat what was sent.
func refusal(answer *http.Response, text []byte) error {
	var v struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(text, &v) // a body that is not JSON says nothing
	status := answer.StatusCode
	switch {
	case v.Error == "invalid_subject_token":
		return ErrSession
	case v.Error == "invalid_grant":
		return fmt.Errorf("invalid_grant: %w", adapters.ErrReauthorise)
	case v.Error == "invalid_client", v.Error == "application_cannot_be_found":
		return ErrApp
	case status == http.StatusTooManyRequests:
		return &passing{err: errors.New("the shop asks us to slow down (429)"), after: retryAfter(answer)}
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout:
		return &passing{err: fmt.Errorf("the shop answers %d", status), after: retryAfter(answer)}
	}
	return fmt.Errorf("the shop answers %d", status)
}

// retryAfter reads the header in seconds, at most maxRetryAfter; 0 where it is missing or senseless.
func retryAfter(answer *http.Response) time.Duration {
	text := answer.Header.Get("Retry-After")
	whole, _, _ := strings.Cut(text, ".") // Shopify says "2.0"
	seconds, err := strconv.Atoi(whole)
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxRetryAfter)
}
