package channel

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/install"
)

// Purposes of the codes by which a merchant goes from us to the shop and back.
const (
	keysPurpose    = "wc.keys"    // carried by the shop: it brings the reading keys
	browserPurpose = "wc.browser" // kept by the browser that approved
	pendingPurpose = "wc.pending" // the keys that were brought, until that browser is back
)

// Request is what the connect button of a plugin asks for.
type Request struct {
	Site      string // home address with its scheme
	Return    string // where the browser goes in the end, at the same host
	Challenge string // base64url SHA-256 of the plugin's verifier
	Nonce     string // the plugin's own; comes back unchanged
	Currency  string
	Name      string
	Platform  order.Platform
}

// Patterns of what passes through us unread.
var (
	challengePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	noncePattern     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
)

// maxName bounds the shop's name on the approve page.
const maxName = 100

// ReadRequest checks what a browser brought. Nothing is sent to an address that it does not agree with.
func ReadRequest(values url.Values, platform order.Platform) (Request, error) {
	r := Request{
		Site: strings.TrimSuffix(values.Get("site"), "/"), Return: values.Get("return"), Challenge: values.Get("challenge"), Nonce: values.Get("nonce"),
		Currency: values.Get("currency"), Name: short(values.Get("name")), Platform: platform,
	}
	r.Name = strings.ToValidUTF8(r.Name[:min(len(r.Name), maxName)], "") // no half a letter at the end: a database refuses it
	site, err := url.Parse(r.Site)
	if err != nil || adapters.Site(r.Site) == "" || site.Host == "" {
		return r, invalid("site", "want the shop's home address, such as https://shop.example.com")
	}
	if site.Scheme != "https" && !closeBy(site.Hostname()) {
		return r, invalid("site", "the shop is not reached by https: what its admins and buyers send can be read on the way; set up https first")
	}
	back, err := url.Parse(r.Return)
	switch {
	case err != nil || back.Host != site.Host || back.Scheme != site.Scheme || back.User != nil:
		return r, invalid("return", "the address to come back to is not of the shop that asks")
	case !challengePattern.MatchString(r.Challenge):
		return r, invalid("challenge", "want the base64url SHA-256 of the verifier, 43 characters")
	case !noncePattern.MatchString(r.Nonce):
		return r, invalid("nonce", "want 1 to 128 letters, digits, '-' and '_'")
	}
	if _, err := money.ParseCurrency(r.Currency); err != nil {
		return r, invalid("currency", err.Error())
	}
	return r, nil
}

// closeBy reports whether a host is of this machine or the own network, where a shop is tried out without https.
func closeBy(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate()
	}
	for _, end := range []string{"localhost", ".localhost", ".test", ".local", ".internal"} {
		if host == strings.TrimPrefix(end, ".") || strings.HasPrefix(end, ".") && strings.HasSuffix(host, end) {
			return true
		}
	}
	return false
}

// Values are the request as a form carries it on.
func (r *Request) Values() url.Values {
	return url.Values{
		"site": {r.Site}, "return": {r.Return}, "challenge": {r.Challenge}, "nonce": {r.Nonce}, "currency": {r.Currency}, "name": {r.Name},
	}
}

// Back is where the browser goes in the end, with what it brings.
func (r *Request) Back(name, value string) string {
	back, err := url.Parse(r.Return)
	if err != nil {
		return r.Return
	}
	query := back.Query()
	query.Set("nonce", r.Nonce)
	query.Set(name, value)
	back.RawQuery = query.Encode()
	return back.String()
}

// Origin is the shop's, to which a form of ours may lead.
func (r *Request) Origin() string {
	site, err := url.Parse(r.Site)
	if err != nil {
		return ""
	}
	return site.Scheme + "://" + site.Host
}

// Approval is what a merchant agreed to.
type Approval struct {
	Request
	Program  string
	LinkRole string
	GoLiveAt *int64 // as in Offer
	Actor    string
}

// Approve makes the code that the plugin claims its store with, and the address that takes it there.
func (s *Service) Approve(ctx context.Context, a *Approval, reading *install.Credentials) (address string, err error) {
	code, err := s.Offer(ctx, &Offer{
		Challenge: a.Challenge, LinkRole: a.LinkRole, Reading: reading, GoLiveAt: a.GoLiveAt,
		Store: admin.Store{ProgramID: a.Program, Platform: a.Platform, Domain: a.Site, Name: a.Name, Currency: money.Currency(a.Currency)},
	}, a.Actor)
	if err != nil {
		return "", err
	}
	return a.Back("upline_code", code), nil
}

// AskForKeys begins the detour on which WooCommerce grants reading keys. browser is kept by the browser that approved;
// address is where it goes. Keys that only read are asked for: nothing is written by them. WooCommerce shows the state in addresses and logs, so it is worth nothing once it was used.
func (s *Service) AskForKeys(ctx context.Context, a *Approval) (browser, address string, err error) {
	defer server.Wrap(&err, "ask %s for reading keys", a.Site)
	payload, err := json.Marshal(a)
	if err != nil {
		return "", "", err
	}
	flow := install.Flow{Purpose: browserPurpose, ProgramID: a.Program, Platform: a.Platform, Domain: a.Site, Payload: payload}
	if browser, err = s.Install.Begin(ctx, flow); err != nil {
		return "", "", err
	}
	sum := sha256.Sum256([]byte(browser))
	flow.Purpose, flow.Payload = keysPurpose, sum[:]
	state, err := s.Install.Begin(ctx, flow)
	if err != nil {
		return "", "", err
	}
	return browser, a.Site + "/wc-auth/v1/authorize?" + url.Values{
		"app_name": {"Upline"}, "scope": {"read"}, "user_id": {state},
		"return_url": {s.Base + "/connect/woocommerce/return"}, "callback_url": {s.Base + "/connect/woocommerce/callback"},
	}.Encode(), nil
}

// Keys are what WooCommerce posts when a merchant has granted them. It does not say of which shop they are.
type Keys struct {
	State  string `json:"user_id"`
	Key    string `json:"consumer_key"`
	Secret string `json:"consumer_secret"`
}

// Tried checks keys at a shop: whether they are its own.
type Tried func(ctx context.Context, site string, creds install.Credentials) error

// TakeKeys takes the keys of a detour, tries them at the shop that was approved and nowhere else, and keeps them until the
// browser that approved is back. An error makes WooCommerce delete them.
func (s *Service) TakeKeys(ctx context.Context, k *Keys, try Tried) (err error) {
	defer server.Wrap(&err, "take reading keys")
	f, err := s.Install.Take(ctx, k.State, keysPurpose)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(k.Key, "ck_") || !strings.HasPrefix(k.Secret, "cs_") || len(k.Key)+len(k.Secret) > maxText {
		return invalid("consumer_key", "these are no keys of WooCommerce")
	}
	if err := try(ctx, f.Domain, ReadingKeys(k.Key, k.Secret)); err != nil {
		return &server.Error{Code: server.Forbidden, Field: "consumer_key", Message: "the keys do not work at the shop that was approved", Err: err}
	}
	plain, err := json.Marshal(offered{Key: k.Key, Secret: k.Secret}) //nolint:gosec // it is sealed before it is stored
	if err != nil {
		return err
	}
	sealed, err := s.Admin.Sealer.Seal(plain, f.Payload)
	if err != nil {
		return fmt.Errorf("seal the keys: %w", err)
	}
	var hash [32]byte
	copy(hash[:], f.Payload)
	return s.Codes.PutCode(ctx, auth.Code{
		Hash: hash, Purpose: pendingPurpose, Data: base64.StdEncoding.EncodeToString(sealed), ExpiresAt: s.now().Add(install.FlowLife),
	})
}

// Return ends a detour in the browser that began it, with the keys where some were granted. Another browser does not have
// the code, and the keys are never used.
func (s *Service) Return(ctx context.Context, browser string) (address string, err error) {
	defer server.Wrap(&err, "end a connection")
	f, err := s.Install.Take(ctx, browser, browserPurpose)
	if err != nil {
		return "", err
	}
	var a Approval
	if err := json.Unmarshal(f.Payload, &a); err != nil {
		return "", fmt.Errorf("read the approval: %w", err)
	}
	hash := sha256.Sum256([]byte(browser))
	pending, err := s.Codes.TakeCode(ctx, pendingPurpose, hash, s.now())
	if server.CodeOf(err) == server.NotFound && err != nil {
		return s.Approve(ctx, &a, nil)
	}
	if err != nil {
		return "", err
	}
	keys, err := s.openKeys(pending.Data, hash)
	if err != nil {
		return "", err
	}
	return s.Approve(ctx, &a, keys)
}

func (s *Service) openKeys(text string, hash [32]byte) (*install.Credentials, error) {
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	plain, err := s.Admin.Sealer.Open(sealed, hash[:])
	if err != nil {
		return nil, fmt.Errorf("open the keys: %w", err)
	}
	var o offered
	if err := json.Unmarshal(plain, &o); err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	creds := ReadingKeys(o.Key, o.Secret)
	return &creds, nil
}

// IsLocal reports whether an address of ours is one that a shop elsewhere cannot reach.
func IsLocal(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return true
	}
	host := u.Hostname()
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return u.Scheme != "https" || closeBy(host)
}
