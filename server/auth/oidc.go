package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"upline.dev/upline/server"
)

// providerTimeout bounds each call to an identity provider.
const providerTimeout = 10 * time.Second

// OIDC is an identity provider that people sign in by. It is asked for its addresses when the first person comes, and not
// at start: a provider that is away must not keep us from serving.
type OIDC struct {
	Name         string // for people
	Issuer       string
	ClientID     string
	ClientSecret string
	HTTP         *http.Client // nil: one with providerTimeout

	mu       sync.Mutex
	provider *oidc.Provider
}

// ProviderName is what the identity provider is called on screens; "" where there is none.
func (s *Service) ProviderName() string {
	if s.OIDC == nil {
		return ""
	}
	return s.OIDC.Name
}

func (o *OIDC) client() *http.Client {
	if o.HTTP != nil {
		return o.HTTP
	}
	return &http.Client{Timeout: providerTimeout}
}

// discover reads the provider's addresses once, and its keys whenever it uses new ones.
func (o *OIDC) discover(ctx context.Context) (*oidc.Provider, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.provider != nil {
		return o.provider, nil
	}
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), o.client()), o.Issuer)
	if err != nil {
		return nil, &server.Error{Code: server.Unavailable, Message: "the identity provider does not answer; try again, or sign in by password", Err: err}
	}
	o.provider = p
	return p, nil
}

func (o *OIDC) config(p *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: o.ClientID, ClientSecret: o.ClientSecret, Endpoint: p.Endpoint(), RedirectURL: redirect,
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}
}

// journey is what is kept while a browser is at the identity provider.
type journey struct {
	Verifier string `json:"verifier"` // PKCE
	Nonce    string `json:"nonce"`
}

// BeginOIDC gives the address at the provider, and the state that the browser has to bring back: it is kept in a cookie
// too, so that nobody else's browser can finish the way.
func (s *Service) BeginOIDC(ctx context.Context, redirect string) (address, state string, err error) {
	if s.OIDC == nil {
		return "", "", server.Errorf(server.NotFound, "no identity provider is set")
	}
	p, err := s.OIDC.discover(ctx)
	if err != nil {
		return "", "", err
	}
	nonce, err := s.token("", 16)
	if err != nil {
		return "", "", err
	}
	j := journey{Verifier: oauth2.GenerateVerifier(), Nonce: nonce}
	kept, err := json.Marshal(j)
	if err != nil {
		return "", "", fmt.Errorf("encode a journey: %w", err)
	}
	if state, err = s.putCode(ctx, purposeOIDC, string(kept), ceremonyLife); err != nil {
		return "", "", err
	}
	return s.OIDC.config(p, redirect).AuthCodeURL(state, oidc.Nonce(j.Nonce), oauth2.S256ChallengeOption(j.Verifier)), state, nil
}

// FinishOIDC lets in whom the provider vouches for: who came by this identity before, or a member whose verified address
// it names. Nobody becomes a member by it.
func (s *Service) FinishOIDC(ctx context.Context, redirect, state, code string) (Person, error) {
	if s.OIDC == nil {
		return Person{}, server.Errorf(server.NotFound, "no identity provider is set")
	}
	c, err := s.takeCode(ctx, purposeOIDC, state)
	if err != nil {
		return Person{}, err
	}
	var j journey
	if err := json.Unmarshal([]byte(c.Data), &j); err != nil {
		return Person{}, fmt.Errorf("decode a journey: %w", err)
	}
	claims, err := s.vouched(ctx, redirect, code, &j)
	if err != nil {
		return Person{}, err
	}
	person, err := s.Books.PersonByIdentity(ctx, s.OIDC.Issuer, claims.Subject)
	if server.CodeOf(err) != server.NotFound {
		return person, err
	}
	if !claims.Verified || claims.Email == "" {
		return Person{}, server.Errorf(server.Forbidden, "the identity provider does not vouch for your e-mail address")
	}
	person, err = s.Books.PersonByEmail(ctx, strings.ToLower(claims.Email))
	if server.CodeOf(err) == server.NotFound {
		return Person{}, server.Errorf(server.Forbidden, "nobody with your e-mail address is a member here; ask an owner to invite you")
	}
	if err != nil {
		return Person{}, err
	}
	return person, s.Books.LinkIdentity(ctx, s.OIDC.Issuer, claims.Subject, person.PersonID)
}

// claims are what an ID token says of a person.
type claims struct {
	Subject  string
	Email    string `json:"email"`
	Verified bool   `json:"email_verified"`
}

// vouched exchanges the code and checks the ID token: signature, issuer, audience, time and nonce.
func (s *Service) vouched(ctx context.Context, redirect, code string, j *journey) (claims, error) {
	p, err := s.OIDC.discover(ctx)
	if err != nil {
		return claims{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, s.OIDC.client()), providerTimeout)
	defer cancel()
	token, err := s.OIDC.config(p, redirect).Exchange(ctx, code, oauth2.VerifierOption(j.Verifier))
	if err != nil {
		return claims{}, errProvider(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.VerifierContext(oidc.ClientContext(context.WithoutCancel(ctx), s.OIDC.client()), &oidc.Config{ClientID: s.OIDC.ClientID, Now: s.Clock}).Verify(ctx, raw)
	if err != nil {
		return claims{}, errProvider(err)
	}
	if id.Nonce != j.Nonce {
		return claims{}, errProvider(errors.New("another nonce"))
	}
	out := claims{}
	if err := id.Claims(&out); err != nil {
		return claims{}, errProvider(err)
	}
	out.Subject = id.Subject
	return out, nil
}

func errProvider(err error) error {
	return &server.Error{Code: server.Unauthorized, Message: "the identity provider's answer does not hold; try again", Err: err}
}
