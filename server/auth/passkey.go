package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"upline.dev/upline/server"
)

// maxPasskeys bounds what one person keeps.
const maxPasskeys = 20

// keyHolder is a person as the library wants to see them. The handle is the person's id: it names nobody.
type keyHolder struct {
	person *Person
	keys   []webauthn.Credential
}

func (h *keyHolder) WebAuthnID() []byte                         { return []byte(h.person.PersonID) }
func (h *keyHolder) WebAuthnName() string                       { return h.person.Email }
func (h *keyHolder) WebAuthnDisplayName() string                { return h.person.Name }
func (h *keyHolder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

// party is who passkeys are for: the host of the address under which the browser sees us.
func party(origin string) (*webauthn.WebAuthn, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("the origin %q has no host", origin)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return nil, server.Errorf(server.Conflict, "passkeys belong to a name and not to an address: open this server by its name, such as localhost, or set UPLINE_PUBLIC_URL")
	}
	w, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: "Upline", RPOrigins: []string{origin},
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("prepare passkeys for %s: %w", origin, err)
	}
	return w, nil
}

func (s *Service) holder(ctx context.Context, p *Person) (*keyHolder, error) {
	keys, err := s.Books.PasskeysOf(ctx, p.PersonID)
	if err != nil {
		return nil, err
	}
	h := &keyHolder{person: p}
	for i := range keys {
		var c webauthn.Credential
		if err := json.Unmarshal(keys[i].Credential, &c); err != nil {
			return nil, fmt.Errorf("decode a passkey of %s: %w", p.PersonID, err)
		}
		h.keys = append(h.keys, c)
	}
	return h, nil
}

// Ceremony is what the browser's credentials API takes, and what comes back with its answer: it holds once, for minutes.
type Ceremony struct {
	ID      string          `json:"ceremony_id"`
	Options json.RawMessage `json:"options"`
}

func (s *Service) ceremony(ctx context.Context, options any, data *webauthn.SessionData) (Ceremony, error) {
	text, err := json.Marshal(options)
	if err != nil {
		return Ceremony{}, fmt.Errorf("encode the options: %w", err)
	}
	kept, err := json.Marshal(data)
	if err != nil {
		return Ceremony{}, fmt.Errorf("encode the ceremony: %w", err)
	}
	id, err := s.putCode(ctx, purposePasskey, string(kept), ceremonyLife)
	return Ceremony{ID: id, Options: text}, err
}

func (s *Service) takeCeremony(ctx context.Context, id string) (data webauthn.SessionData, err error) {
	c, err := s.Books.TakeCode(ctx, purposePasskey, HashToken(id), s.Clock())
	if server.CodeOf(err) == server.NotFound {
		return data, &server.Error{Code: server.Invalid, Field: "ceremony_id", Message: "this took too long; try again"}
	}
	if err != nil {
		return data, err
	}
	if err := json.Unmarshal([]byte(c.Data), &data); err != nil {
		return data, fmt.Errorf("decode the ceremony: %w", err)
	}
	return data, nil
}

// BeginPasskey offers to add a passkey.
func (s *Service) BeginPasskey(ctx context.Context, p *Principal, origin string) (Ceremony, error) {
	person, err := s.Books.PersonByID(ctx, p.PersonID)
	if err != nil {
		return Ceremony{}, err
	}
	h, err := s.holder(ctx, &person)
	if err != nil {
		return Ceremony{}, err
	}
	if len(h.keys) >= maxPasskeys {
		return Ceremony{}, server.Errorf(server.Conflict, "you have %d passkeys; remove one first", len(h.keys))
	}
	w, err := party(origin)
	if err != nil {
		return Ceremony{}, err
	}
	options, data, err := w.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.keys).CredentialDescriptors()))
	if err != nil {
		return Ceremony{}, fmt.Errorf("offer a passkey: %w", err)
	}
	return s.ceremony(ctx, options, data)
}

// FinishPasskey keeps the passkey that the browser made.
func (s *Service) FinishPasskey(ctx context.Context, p *Principal, origin, ceremonyID, name string, credential json.RawMessage) error {
	data, err := s.takeCeremony(ctx, ceremonyID)
	if err != nil {
		return err
	}
	person, err := s.Books.PersonByID(ctx, p.PersonID)
	if err != nil {
		return err
	}
	w, err := party(origin)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBody(bytes.NewReader(credential))
	if err != nil {
		return errCredential(err)
	}
	made, err := w.CreateCredential(&keyHolder{person: &person}, data, parsed)
	if err != nil {
		return errCredential(err)
	}
	text, err := json.Marshal(made)
	if err != nil {
		return fmt.Errorf("encode a passkey: %w", err)
	}
	if name = cut(strings.TrimSpace(name), maxAgent); name == "" {
		name = "Passkey"
	}
	k := Passkey{CredentialID: made.ID, PersonID: person.PersonID, Name: name, Credential: text, CreatedAt: s.Clock()}
	if err := s.Books.PutPasskey(ctx, k); err != nil {
		return err
	}
	return s.audit(ctx, p.Program, p.PersonID, "passkey.add", p.PersonID, name)
}

func errCredential(err error) error {
	return &server.Error{Code: server.Invalid, Field: "credential", Message: "this passkey does not fit what was asked for", Err: err}
}

// RemovePasskey forgets one of the person's passkeys.
func (s *Service) RemovePasskey(ctx context.Context, p *Principal, credentialID []byte) error {
	if err := s.Books.RemovePasskey(ctx, p.PersonID, credentialID); err != nil {
		return err
	}
	return s.audit(ctx, p.Program, p.PersonID, "passkey.remove", p.PersonID, "")
}

// BeginPasskeySignIn asks for any passkey the browser has for us: nobody names themselves, so nobody can be asked after.
func (s *Service) BeginPasskeySignIn(ctx context.Context, origin string, from Client) (Ceremony, error) {
	if !s.takeAttempt(ctx, map[string]int{"client:" + from.Address: attemptsClient}) {
		return Ceremony{}, errTooMany()
	}
	w, err := party(origin)
	if err != nil {
		return Ceremony{}, err
	}
	options, data, err := w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Ceremony{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	return s.ceremony(ctx, options, data)
}

// PasskeySignIn lets the person in whose passkey answered. It stands for both factors: the authenticator has looked who it
// is.
func (s *Service) PasskeySignIn(ctx context.Context, origin, ceremonyID string, credential json.RawMessage) (Person, error) {
	data, err := s.takeCeremony(ctx, ceremonyID)
	if err != nil {
		return Person{}, err
	}
	w, err := party(origin)
	if err != nil {
		return Person{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBody(bytes.NewReader(credential))
	if err != nil {
		return Person{}, errSignIn()
	}
	k, err := s.Books.PasskeyByID(ctx, parsed.RawID)
	if server.CodeOf(err) == server.NotFound {
		return Person{}, errSignIn()
	}
	if err != nil {
		return Person{}, err
	}
	person, err := s.Books.PersonByID(ctx, k.PersonID)
	if err != nil {
		return Person{}, err
	}
	h, err := s.holder(ctx, &person)
	if err != nil {
		return Person{}, err
	}
	used, err := w.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
		if string(handle) != person.PersonID {
			return nil, errSignIn()
		}
		return h, nil
	}, data, parsed)
	if err != nil || used.Authenticator.CloneWarning {
		return Person{}, errSignIn() // also where a copy of the key was used: its counter went back
	}
	if k.Credential, err = json.Marshal(used); err != nil {
		return Person{}, fmt.Errorf("encode a passkey: %w", err)
	}
	k.LastUsedAt = s.Clock()
	return person, s.Books.UsePasskey(ctx, k)
}
