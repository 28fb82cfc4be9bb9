package admin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
)

// Sealer encrypts at rest; associated binds the sealed bytes to their row.
type Sealer interface {
	Seal(plain, associated []byte) ([]byte, error)
	Open(sealed, associated []byte) ([]byte, error)
}

// Service carries out administrative work: it checks input, makes ids and secrets, and leaves an audit line.
type Service struct {
	Books  Books
	Sealer Sealer
	Random io.Reader // crypto/rand.Reader in production
	Actor  string    // who is written into the audit log, for example "cli"
}

// idPattern is what program and store ids look like: they are part of keys, URLs and hashes, so they stay plain.
var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// shopifyDomain is the only form a Shopify store's domain may have.
var shopifyDomain = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*\.myshopify\.com$`)

// CreateProgram adds a company. An empty id is made from the name.
func (s *Service) CreateProgram(ctx context.Context, p Program) (Program, error) {
	if p.ProgramID == "" {
		p.ProgramID = slug(p.Name)
	}
	if !idPattern.MatchString(p.ProgramID) {
		return p, invalid("program_id", "program id %q: use 1 to 63 of a-z, 0-9, - and _", p.ProgramID)
	}
	if strings.TrimSpace(p.Name) == "" {
		return p, invalid("name", "a program needs a name")
	}
	if _, err := money.ParseCurrency(string(p.Currency)); err != nil {
		return p, invalid("currency", "program currency: %v", err)
	}
	if p.TimeZone == "" {
		p.TimeZone = "UTC"
	}
	if _, err := time.LoadLocation(p.TimeZone); err != nil {
		return p, invalid("time_zone", "time zone %q is not an IANA name such as Europe/Berlin", p.TimeZone)
	}
	if err := s.Books.CreateProgram(ctx, p); err != nil {
		return p, fmt.Errorf("create program %s: %w", p.ProgramID, err)
	}
	return p, s.audit(ctx, p.ProgramID, "program.create", p.ProgramID)
}

// Zone is by whose clocks a company's days begin.
func (s *Service) Zone(ctx context.Context, program string) (*time.Location, error) {
	name, err := s.Books.TimeZone(ctx, program)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("read the time zone of program %s: %w", program, err)
	}
	return zone, nil
}

// CreateStore adds a store and gives it a signing secret of its own when none is named. The secret is returned once.
func (s *Service) CreateStore(ctx context.Context, st Store, secret string) (Store, string, error) {
	if st.StoreID == "" {
		st.StoreID = slug(st.Domain)
	}
	if err := checkStore(&st); err != nil {
		return st, "", err
	}
	if secret == "" {
		made, err := s.token("ups_")
		if err != nil {
			return st, "", err
		}
		secret = made
	}
	sealed, err := s.Sealer.Seal([]byte(secret), []byte(st.StoreID))
	if err != nil {
		return st, "", fmt.Errorf("seal secret of store %s: %w", st.StoreID, err)
	}
	st.SealedSecret = sealed
	if err := s.Books.CreateStore(ctx, st); err != nil {
		return st, "", fmt.Errorf("create store %s: %w", st.StoreID, err)
	}
	return st, secret, s.audit(ctx, st.ProgramID, "store.create", st.StoreID)
}

// RotateSecret gives a store a new signing secret; the one before stays valid until the next rotation.
func (s *Service) RotateSecret(ctx context.Context, storeID string) (string, error) {
	return s.newSecret(ctx, storeID, true)
}

// RenewSecret gives a store a new signing secret and ends all of before at once.
func (s *Service) RenewSecret(ctx context.Context, storeID string) (string, error) {
	return s.newSecret(ctx, storeID, false)
}

// EndOldSecret ends the secret of before, once the other side is known to have the new one.
func (s *Service) EndOldSecret(ctx context.Context, storeID string) error {
	st, err := s.Books.StoreByID(ctx, storeID)
	if err == nil && len(st.SealedOldSecret) > 0 {
		st.SealedOldSecret = nil
		err = s.Books.UpdateStore(ctx, st)
	}
	if err != nil {
		return fmt.Errorf("end the old secret of store %s: %w", storeID, err)
	}
	return nil
}

func (s *Service) newSecret(ctx context.Context, storeID string, keepOld bool) (string, error) {
	st, err := s.Books.StoreByID(ctx, storeID)
	if err != nil {
		return "", fmt.Errorf("rotate secret of store %s: %w", storeID, err)
	}
	secret, err := s.token("ups_")
	if err != nil {
		return "", err
	}
	sealed, err := s.Sealer.Seal([]byte(secret), []byte(storeID))
	if err != nil {
		return "", fmt.Errorf("seal secret of store %s: %w", storeID, err)
	}
	st.SealedOldSecret, st.SealedSecret = st.SealedSecret, sealed
	if !keepOld {
		st.SealedOldSecret = nil
	}
	if err := s.Books.UpdateStore(ctx, st); err != nil {
		return "", fmt.Errorf("rotate secret of store %s: %w", storeID, err)
	}
	return secret, s.audit(ctx, st.ProgramID, "store.rotate_secret", storeID)
}

// Secrets opens a store's signing secrets, new first. The associated data is the store's id.
func (s *Service) Secrets(st Store) ([][]byte, error) {
	var secrets [][]byte
	for _, sealed := range [][]byte{st.SealedSecret, st.SealedOldSecret} {
		if len(sealed) == 0 {
			continue
		}
		secret, err := s.Sealer.Open(sealed, []byte(st.StoreID))
		if err != nil {
			return nil, fmt.Errorf("open secret of store %s: %w", st.StoreID, err)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

// CreateAPIKey makes a key and returns its text, which is not kept. A key with a store may post that store's orders.
func (s *Service) CreateAPIKey(ctx context.Context, program, storeID, name string) (APIKey, string, error) {
	return s.CreateRoleKey(ctx, APIKey{ProgramID: program, StoreID: storeID, Name: name})
}

// CreateRoleKey is CreateAPIKey for a key of any role.
func (s *Service) CreateRoleKey(ctx context.Context, k APIKey) (APIKey, string, error) {
	program, storeID := k.ProgramID, k.StoreID
	if storeID != "" {
		st, err := s.Books.StoreByID(ctx, storeID)
		if err != nil {
			return APIKey{}, "", fmt.Errorf("create API key for store %s: %w", storeID, err)
		}
		if st.ProgramID != program {
			return APIKey{}, "", server.Errorf(server.NotFound, "program %s has no store %s", program, storeID)
		}
	}
	text, err := s.token("upk_")
	if err != nil {
		return APIKey{}, "", err
	}
	key, err := s.putAPIKey(ctx, k, text)
	return key, text, err
}

func (s *Service) putAPIKey(ctx context.Context, key APIKey, text string) (APIKey, error) {
	id, err := s.token("key_")
	if err != nil {
		return APIKey{}, err
	}
	key.KeyID, key.Hash = id[:16], HashAPIKey(text)
	if err := s.Books.CreateAPIKey(ctx, key); err != nil {
		return APIKey{}, fmt.Errorf("create API key: %w", err)
	}
	return key, s.audit(ctx, key.ProgramID, "api_key.create", key.KeyID)
}

// DerivedAPIKey is a key that follows from a store's signing secret, so that asking twice gives the same one; whoever
// has the secret can make it. It is for demonstrations. Where it was revoked a random one takes its place.
func (s *Service) DerivedAPIKey(ctx context.Context, st Store, name string) (string, error) {
	secrets, err := s.Secrets(st)
	if err != nil {
		return "", err
	}
	if len(secrets) == 0 {
		return "", invalid("store_id", "store %s has no signing secret", st.StoreID)
	}
	mac := hmac.New(sha256.New, secrets[0])
	mac.Write([]byte("upline api key\x00" + name))
	text := keyText("upk_", mac.Sum(nil)[:tokenBytes])
	if known, err := s.Books.APIKeyByHash(ctx, HashAPIKey(text)); err == nil && known.ProgramID == st.ProgramID {
		return text, nil
	} else if err != nil && !refusedKey(err) {
		return "", fmt.Errorf("look for API key %s: %w", name, err)
	}
	if _, err = s.putAPIKey(ctx, APIKey{ProgramID: st.ProgramID, StoreID: st.StoreID, Name: name}, text); server.CodeOf(err) == server.Conflict {
		_, text, err = s.CreateAPIKey(ctx, st.ProgramID, st.StoreID, name)
	}
	return text, err
}

// refusedKey reports whether a key is not known, or not any more.
func refusedKey(err error) bool {
	code := server.CodeOf(err)
	return code == server.NotFound || code == server.Unauthorized
}

// RevokeAPIKey ends a key at once.
func (s *Service) RevokeAPIKey(ctx context.Context, program, keyID string) error {
	if err := s.Books.RevokeAPIKey(ctx, program, keyID); err != nil {
		return fmt.Errorf("revoke API key %s: %w", keyID, err)
	}
	return s.audit(ctx, program, "api_key.revoke", keyID)
}

// HashAPIKey is what the database knows of a key. A plain SHA-256 is enough: the text has 160 random bits.
func HashAPIKey(text string) [32]byte { return sha256.Sum256([]byte(text)) }

func (s *Service) audit(ctx context.Context, program, action, subject string) error {
	if err := s.Books.Audit(ctx, program, s.Actor, action, subject, ""); err != nil {
		return fmt.Errorf("audit %s of %s: %w", action, subject, err)
	}
	return nil
}

// tokenBytes is how much randomness a secret has.
const tokenBytes = 20

func (s *Service) token(prefix string) (string, error) {
	raw := make([]byte, tokenBytes)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	return keyText(prefix, raw), nil
}

func keyText(prefix string, raw []byte) string {
	return prefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw))
}

func checkStore(st *Store) error {
	if !idPattern.MatchString(st.StoreID) {
		return invalid("store_id", "store id %q: use 1 to 63 of a-z, 0-9, - and _", st.StoreID)
	}
	switch st.Platform {
	case order.Shopify, order.WooCommerce, order.Magento, order.Custom:
	default:
		return invalid("platform", "platform %q: use shopify, woocommerce, magento or custom", st.Platform)
	}
	st.Domain = strings.ToLower(strings.TrimSpace(st.Domain))
	if st.Platform == order.Shopify && !shopifyDomain.MatchString(st.Domain) {
		return invalid("domain", "Shopify domain %q: use the form my-shop.myshopify.com", st.Domain)
	}
	if st.Domain == "" {
		return invalid("domain", "a store needs a domain, for example shop.example.com")
	}
	if _, err := money.ParseCurrency(string(st.Currency)); err != nil {
		return invalid("currency", "store currency: %v", err)
	}
	if st.Name == "" {
		st.Name = st.Domain
	}
	return nil
}

// slug makes an id of a name: lower-case letters and digits, everything else one dash.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	s := strings.Trim(b.String(), "-")
	return s[:min(len(s), 63)]
}

func notHere(storeID string) error {
	return server.Errorf(server.NotFound, "there is no store %s", storeID)
}

func invalid(field, format string, args ...any) error {
	return &server.Error{Code: server.Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}
