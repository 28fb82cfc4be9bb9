package webhook

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"upline.dev/upline/server"
)

// Bounds of what a program may have.
const (
	maxEndpoints   = 20
	maxURLBytes    = 2048
	maxDescription = 200
	secretBytes    = 32
)

// Overlap is for how long the secret of before signs too after a rotation.
const Overlap = 24 * time.Hour

// secretPrefix begins a secret as Standard Webhooks write it; what follows is base64.
const secretPrefix = "whsec_"

// Sealer encrypts at rest; associated binds the sealed bytes to their row.
type Sealer interface {
	Seal(plain, associated []byte) ([]byte, error)
	Open(sealed, associated []byte) ([]byte, error)
}

// Auditor records who did what.
type Auditor interface {
	Audit(ctx context.Context, program, actor, action, subject, detail string) error
}

// Service is the merchant's side: it keeps endpoints and what they are sent.
type Service struct {
	Books    Books
	Auditor  Auditor
	Sealer   Sealer
	Random   io.Reader // crypto/rand.Reader in production
	Clock    func() time.Time
	Loopback bool // endpoints at the loopback address may be named, by http too; for tests alone
}

// Choice is what somebody chooses about an endpoint; nil leaves it.
type Choice struct {
	URL         *string
	Description *string
	Types       []string
	State       *string
}

// Create adds an endpoint and gives its secret, which is not shown again.
func (s *Service) Create(ctx context.Context, program, actor string, c Choice) (e Endpoint, secret string, err error) {
	if c.URL == nil || c.Types == nil {
		return e, "", invalid("url", "name the address and the types of events")
	}
	id, err := s.random("whe_", 10)
	if err != nil {
		return e, "", err
	}
	e = Endpoint{ProgramID: program, EndpointID: id, State: Active, CreatedAt: s.Clock().UTC(), Version: 1}
	c.State = nil // a new one is active
	if err := s.choose(&e, &c); err != nil {
		return e, "", err
	}
	secret, e.SealedSecret, err = s.secret(program, id)
	if err != nil {
		return e, "", err
	}
	if err := s.Books.CreateEndpoint(ctx, e, maxEndpoints); err != nil {
		return e, "", err
	}
	return e, secret, s.Auditor.Audit(ctx, program, actor, "webhook.create", id, host(e.URL))
}

// Change changes what somebody chose, where it still is at the version seen.
func (s *Service) Change(ctx context.Context, program, actor, endpointID string, seen int64, c Choice) (Endpoint, error) {
	e, err := s.Books.ChangeEndpoint(ctx, program, endpointID, seen, func(e *Endpoint) error { return s.choose(e, &c) })
	if err != nil {
		return e, err
	}
	return e, s.Auditor.Audit(ctx, program, actor, "webhook.change", endpointID, e.State)
}

func (s *Service) choose(e *Endpoint, c *Choice) error {
	if c.URL != nil {
		address, err := s.checkURL(*c.URL)
		if err != nil {
			return err
		}
		e.URL = address
	}
	if c.Description != nil {
		if len(*c.Description) > maxDescription {
			return invalid("description", "longer than %d bytes", maxDescription)
		}
		e.Description = strings.TrimSpace(*c.Description)
	}
	if c.Types != nil {
		if err := checkTypes(c.Types); err != nil {
			return err
		}
		e.Types = slices.Compact(slices.Sorted(slices.Values(c.Types)))
	}
	if c.State == nil {
		return nil
	}
	switch *c.State {
	case Active:
		if e.State == Paused { // it begins anew, and is not paused at its first failure
			e.FailingSince = time.Time{}
		}
	case Paused:
	default:
		return invalid("state", "an endpoint is active or paused")
	}
	e.State, e.Reason = *c.State, ""
	return nil
}

func checkTypes(types []string) error {
	if len(types) == 0 {
		return invalid("types", "choose at least one type of event")
	}
	for _, kind := range types {
		if !slices.Contains(Types(), kind) {
			return invalid("types", "%q is no type; they are %s", kind, strings.Join(Types(), ", "))
		}
	}
	return nil
}

// checkURL refuses addresses that could never be called, so that it is said where it is typed. Whether a name leads to a
// public address is judged at each call.
func (s *Service) checkURL(text string) (string, error) {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURLBytes:
		return "", invalid("url", "longer than %d bytes", maxURLBytes)
	case err != nil || u.Host == "" || u.Hostname() == "":
		return "", invalid("url", "write the whole address, such as https://example.com/upline")
	case u.User != nil:
		return "", invalid("url", "an address holds no password: verify the signature instead")
	case u.Fragment != "":
		return "", invalid("url", "leave out what follows the #; it is sent to nobody")
	case s.Loopback && isLoopback(u.Hostname()) && (u.Scheme == "http" || u.Scheme == "https"):
		return u.String(), nil
	case u.Scheme != "https":
		return "", invalid("url", "only https addresses are called")
	case !public(u.Hostname()):
		return "", invalid("url", "only public addresses are called, and %s is none", u.Hostname())
	}
	return u.String(), nil
}

// public refuses names and addresses that are of a machine's own network on their face.
func public(name string) bool {
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.IsGlobalUnicast() && !ip.IsPrivate()
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	for _, end := range []string{".local", ".internal", ".localhost", ".home.arpa"} {
		if strings.HasSuffix(name, end) {
			return false
		}
	}
	return strings.Contains(name, ".")
}

func isLoopback(name string) bool {
	ip, err := netip.ParseAddr(name)
	return name == "localhost" || err == nil && ip.IsLoopback()
}

// Rotate gives an endpoint a new secret; the one of before signs too for Overlap.
func (s *Service) Rotate(ctx context.Context, program, actor, endpointID string) (string, error) {
	secret, sealed, err := s.secret(program, endpointID)
	if err != nil {
		return "", err
	}
	_, err = s.Books.ChangeEndpoint(ctx, program, endpointID, -1, func(e *Endpoint) error {
		e.SealedOldSecret, e.OldUntil, e.SealedSecret = e.SealedSecret, s.Clock().UTC().Add(Overlap), sealed
		return nil
	})
	if err != nil {
		return "", err
	}
	return secret, s.Auditor.Audit(ctx, program, actor, "webhook.rotate_secret", endpointID, "")
}

// Remove ends an endpoint; what waits for it is not sent.
func (s *Service) Remove(ctx context.Context, program, actor, endpointID string) error {
	if err := s.Books.RemoveEndpoint(ctx, program, endpointID); err != nil {
		return err
	}
	return s.Auditor.Audit(ctx, program, actor, "webhook.remove", endpointID, "")
}

// Test sends an event that says nothing, and gives its id.
func (s *Service) Test(ctx context.Context, program, actor, endpointID string) (string, error) {
	e, err := s.Books.Endpoint(ctx, program, endpointID)
	if err != nil {
		return "", err
	}
	if e.State == Paused {
		return "", server.Errorf(server.Conflict, "This endpoint is paused: make it active first.")
	}
	id, err := s.random("evt_", 16)
	if err != nil {
		return "", err
	}
	m, err := messageOf(program, &Event{EventID: id, Type: TestEvent, Subject: id, At: s.Clock(), Data: json.RawMessage(`{"text":"This is a test of Upline's webhooks."}`)})
	if err != nil {
		return "", fmt.Errorf("write a test event: %w", err)
	}
	if err := s.Books.AddMessages(ctx, program, []string{endpointID}, []Message{m}); err != nil {
		return "", err
	}
	return id, s.Auditor.Audit(ctx, program, actor, "webhook.test", endpointID, "")
}

// SendAgain sends a message anew, whatever came of it; sequence 0: all that failed.
func (s *Service) SendAgain(ctx context.Context, program, actor, endpointID string, sequence int64) (int64, error) {
	n, err := s.Books.SendAgain(ctx, program, endpointID, sequence, s.Clock().UTC())
	if err != nil {
		return 0, err
	}
	return n, s.Auditor.Audit(ctx, program, actor, "webhook.resend", endpointID, fmt.Sprintf("%d messages", n))
}

// secret makes a secret as it is shown and as it is kept.
func (s *Service) secret(program, endpointID string) (text string, sealed []byte, err error) {
	raw := make([]byte, secretBytes)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return "", nil, fmt.Errorf("read random bytes: %w", err)
	}
	sealed, err = s.Sealer.Seal(raw, associated(program, endpointID))
	if err != nil {
		return "", nil, fmt.Errorf("seal the secret of endpoint %s: %w", endpointID, err)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(raw), sealed, nil
}

func (s *Service) random(prefix string, bytes int) (string, error) {
	raw := make([]byte, bytes)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	return prefix + hex.EncodeToString(raw), nil
}

// host is what the audit log says of an address: its path may hold a token.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

func invalid(field, format string, args ...any) error {
	return &server.Error{Code: server.Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}
