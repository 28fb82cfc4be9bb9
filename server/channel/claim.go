package channel

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/install"
)

// claimPurpose is of the code that a plugin brings to be connected.
const claimPurpose = "plugin.claim"

// Offer is what is agreed on before a plugin claims its store.
type Offer struct {
	Store admin.Store // with its id; made where there is none yet
	// GoLiveAt is from when on the store pays, as in admin.Store, while nothing was heard from it; nil: nobody says.
	GoLiveAt  *int64
	Challenge string // base64url SHA-256 of the plugin's verifier; "": the code was handed over by a person
	LinkRole  string // see Channel
	// Reading are the reading keys that the platform granted on the way; nil: none.
	Reading *install.Credentials
}

// offered is an offer as it is sealed into the code's row.
type offered struct {
	StoreID   string `json:"store_id"`
	Challenge string `json:"challenge,omitempty"`
	LinkRole  string `json:"link_role,omitempty"`
	Key       string `json:"key,omitempty"`
	Secret    string `json:"secret,omitempty"`
}

// Offer makes the store ready and gives the code with which its plugin claims it: once, within install.FlowLife.
func (s *Service) Offer(ctx context.Context, o *Offer, by string) (code string, err error) {
	defer server.Wrap(&err, "offer store %s to its plugin", o.Store.Domain)
	if err := checkLinkRole(o.LinkRole); err != nil {
		return "", err
	}
	st, err := s.ready(ctx, o, by)
	if err != nil {
		return "", err
	}
	kept := offered{StoreID: st.StoreID, Challenge: o.Challenge, LinkRole: o.LinkRole}
	if o.Reading != nil {
		kept.Key, kept.Secret = o.Reading.Key.Reveal(), o.Reading.Secret.Reveal()
	}
	payload, err := json.Marshal(kept) //nolint:gosec // it is sealed before it is stored
	if err != nil {
		return "", err
	}
	return s.Install.Begin(ctx, install.Flow{
		Purpose: claimPurpose, ProgramID: st.ProgramID, Platform: st.Platform, Domain: st.Domain, Payload: payload,
	})
}

func checkLinkRole(role string) error {
	if role != "" && (!auth.Role(role).Known() || auth.Role(role) == auth.Owner) {
		return invalid("role", "what admins of the shop may be here is admin, finance, support or viewer")
	}
	return nil
}

// ready finds the store of a site, or makes it.
func (s *Service) ready(ctx context.Context, o *Offer, by string) (admin.Store, error) {
	want := o.Store
	if o.GoLiveAt != nil {
		want.GoLiveAt = *o.GoLiveAt
	}
	if want.Domain = adapters.Site(want.Domain); want.Domain == "" {
		return want, invalid("site", "want the shop's home address, such as https://shop.example.com")
	}
	st, err := s.Admin.Books.StoreByDomain(ctx, want.Platform, strings.ToLower(want.Domain))
	switch {
	case server.CodeOf(err) == server.NotFound && err != nil:
		service := *s.Admin
		service.Actor = by
		st, _, err = service.CreateStore(ctx, want, "") // Nobody learns this secret: the claim makes the one that counts.
		return st, err
	case err != nil:
		return st, err
	case st.ProgramID != want.ProgramID:
		return st, server.Errorf(server.Conflict, "%s is a store of another program already", want.Domain)
	case st.Currency != want.Currency:
		return st, invalid("currency", fmt.Sprintf("the store keeps its books in %s, not in %s", st.Currency, want.Currency))
	}
	return s.dated(ctx, st, o.GoLiveAt, by)
}

// dated lets the last word on the day from which a store pays count, as long as nothing was heard from it: a code that nobody used
// binds nobody. Afterwards another day would take back what was paid, so that it is changed on purpose alone.
func (s *Service) dated(ctx context.Context, st admin.Store, live *int64, by string) (admin.Store, error) {
	if live == nil || *live == st.GoLiveAt {
		return st, nil
	}
	if silent, err := s.Silent(ctx, st.ProgramID, st.StoreID); err != nil || !silent {
		return st, err
	}
	service := *s.Admin
	service.Actor = by
	st.GoLiveAt = *live
	return st, service.ChangeStore(ctx, st.ProgramID, st.StoreID, admin.StoreChange{GoLiveAt: live})
}

// Silent reports whether a store was never connected and told no order.
func (s *Service) Silent(ctx context.Context, program, storeID string) (bool, error) {
	c, err := s.Install.Books.Connection(ctx, storeID)
	if err != nil || c.State != "" {
		return false, err
	}
	told, err := s.Books.StoreFigures(ctx, program, storeID)
	return err == nil && told.Orders == 0, err
}

// Claim is what a plugin brings.
type Claim struct {
	Type     string `json:"type"`
	Version  int    `json:"version"`
	Site     string `json:"site"`
	Code     string `json:"code"`
	Verifier string `json:"verifier"`
	Currency string `json:"currency"`
}

// Claimed is what it gets: the secrets, once.
type Claimed struct {
	StoreID            string         `json:"store_id"`
	Secret             string         `json:"secret"`
	IdentityKey        string         `json:"identity_key"`
	WebhookURL         string         `json:"webhook_url"`
	APIURL             string         `json:"api_url"`
	ReferenceParameter string         `json:"reference_parameter"`
	ServerTime         time.Time      `json:"server_time"`
	Platform           order.Platform `json:"platform"`
}

var errCode = &server.Error{Code: server.Unauthorized, Field: "code", Message: "this code is unknown, used or too old; begin to connect again"}

// Claim gives a plugin its store.
func (s *Service) Claim(ctx context.Context, body []byte) (c Claimed, err error) {
	defer server.Wrap(&err, "claim a store")
	var in Claim
	if err := decode(body, &in); err != nil {
		return c, err
	}
	if _, err := Head(body, "claim"); err != nil {
		return c, err
	}
	_, o, err := s.offer(ctx, &in)
	if err != nil {
		return c, err
	}
	st, err := s.Admin.Books.StoreByID(ctx, o.StoreID)
	if err != nil {
		return c, err
	}
	if in.Currency != "" && in.Currency != string(st.Currency) {
		return c, invalid("currency", fmt.Sprintf("the store keeps its books in %s, and the shop sells in %.8q", st.Currency, in.Currency))
	}
	if _, err := s.Install.Take(ctx, in.Code, claimPurpose); err != nil {
		return c, claimError(err)
	}
	if in.verified(o.Challenge) != nil { // The code is used up: nobody tries verifiers on it.
		return c, errCode
	}
	return s.claimed(ctx, o, &st)
}

// offer looks at what a code is for.
func (s *Service) offer(ctx context.Context, in *Claim) (install.Flow, offered, error) {
	var o offered
	f, err := s.Install.Look(ctx, in.Code, claimPurpose)
	if err != nil {
		return f, o, claimError(err)
	}
	if site := adapters.Site(in.Site); !strings.EqualFold(site, f.Domain) {
		return f, o, &server.Error{Code: server.Forbidden, Field: "site", Message: "this code is for " + f.Domain + "; begin to connect from there, or make a code for this site"}
	}
	return f, o, json.Unmarshal(f.Payload, &o)
}

func claimError(err error) error {
	if server.CodeOf(err) == server.Forbidden {
		return errCode
	}
	return err
}

// verified holds the verifier against the challenge: only the browser's site that began can end.
func (in *Claim) verified(challenge string) error {
	if challenge == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(in.Verifier))
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) != 1 {
		return errCode
	}
	return nil
}

func (s *Service) claimed(ctx context.Context, o offered, st *admin.Store) (c Claimed, err error) {
	key, err := s.identityKey(ctx, st, o.LinkRole)
	if err != nil {
		return c, err
	}
	service := *s.Admin
	service.Actor = actor(st.StoreID)
	text, err := service.RenewSecret(ctx, st.StoreID)
	if err != nil {
		return c, err
	}
	if err := s.connect(ctx, st, o); err != nil {
		return c, err
	}
	return s.claimedAs(st, text, key), nil
}

// claimedAs is what a store's plugin is told once.
func (s *Service) claimedAs(st *admin.Store, text, identityKey string) Claimed {
	return Claimed{
		StoreID: st.StoreID, Secret: text, IdentityKey: identityKey, ReferenceParameter: "ref", ServerTime: s.now(), Platform: st.Platform,
		WebhookURL: s.Base + "/webhooks/" + string(st.Platform) + "/" + st.StoreID, APIURL: s.Base + "/api/plugin/" + st.StoreID,
	}
}

// connect notes that the store's plugin is there, with the reading keys where some were granted. Keys of before stay.
func (s *Service) connect(ctx context.Context, st *admin.Store, o offered) error {
	var creds install.Credentials
	if o.Key == "" {
		c, err := s.Install.Books.Connection(ctx, st.StoreID)
		if err != nil || c.State == install.Connected {
			return err
		}
	} else {
		creds = ReadingKeys(o.Key, o.Secret)
	}
	_, err := s.Install.Connect(ctx, st.StoreID, creds, actor(st.StoreID))
	return err
}

// identityKey is the store's for ever; the first claim makes it.
func (s *Service) identityKey(ctx context.Context, st *admin.Store, linkRole string) (string, error) {
	known, err := s.Books.Channel(ctx, st.StoreID)
	if err != nil && server.CodeOf(err) != server.NotFound {
		return "", err
	}
	c := Channel{StoreID: st.StoreID, ProgramID: st.ProgramID, LinkRole: linkRole, ClaimedAt: s.now(), SealedIdentityKey: known.SealedIdentityKey}
	var key string
	if len(c.SealedIdentityKey) > 0 {
		plain, err := s.Admin.Sealer.Open(c.SealedIdentityKey, identityRow(st.StoreID))
		if err != nil {
			return "", fmt.Errorf("open the identity key: %w", err)
		}
		key = string(plain)
	} else {
		raw := make([]byte, identityKeyBytes)
		if _, err := io.ReadFull(s.Random, raw); err != nil {
			return "", fmt.Errorf("read random bytes: %w", err)
		}
		key = "upi_" + base64.RawURLEncoding.EncodeToString(raw)
		if c.SealedIdentityKey, err = s.Admin.Sealer.Seal([]byte(key), identityRow(st.StoreID)); err != nil {
			return "", fmt.Errorf("seal the identity key: %w", err)
		}
	}
	return key, s.Books.PutChannel(ctx, &c)
}

const identityKeyBytes = 32

func identityRow(storeID string) []byte { return []byte("store_channels\x00" + storeID) }

func (s *Service) now() time.Time { return s.Clock().UTC() }
