package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"upline.dev/upline/server"
)

// How long things hold.
const (
	setupLife      = 24 * time.Hour
	resetLife      = time.Hour
	invitationLife = 7 * 24 * time.Hour
	ceremonyLife   = 5 * time.Minute // of a passkey's challenge and of a way to an identity provider
	sessionIdle    = 7 * 24 * time.Hour
	SessionLife    = 30 * 24 * time.Hour
	linkLife       = 12 * time.Hour // of a session that a store's admin was sent into
	// touchEvery is how often a session's last use is written down: each request would be a write to the database.
	touchEvery = 5 * time.Minute
)

// Purposes of one-time codes.
const (
	purposeSetup   = "setup"
	purposeReset   = "reset"
	purposePasskey = "passkey"
	purposeOIDC    = "oidc"
)

// Sealer encrypts at rest; associated binds the sealed bytes to their row.
type Sealer interface {
	Seal(plain, associated []byte) ([]byte, error)
	Open(sealed, associated []byte) ([]byte, error)
}

// Service lets people in.
type Service struct {
	Books  Books
	Sealer Sealer
	Random io.Reader // crypto/rand.Reader in production
	Clock  func() time.Time
	OIDC   *OIDC // nil: no identity provider

	Shared   Counter // of attempts in all processes; may be nil
	attempts limiter
}

// Client is where a request came from, as screens list it.
type Client struct {
	Agent   string // the browser, as it names itself
	Address string
}

// maxAgent bounds what a browser may make us keep.
const maxAgent = 200

// errSignIn is the one answer to every sign-in that fails, whatever was wrong.
func errSignIn() error {
	return server.Errorf(server.Unauthorized, "e-mail address, password or code do not fit")
}

// ErrSecondFactor says that the password fits, and the code of the second factor is missing.
var ErrSecondFactor = &server.Error{Code: server.Unauthorized, Field: "code", Message: "enter the code that your authenticator app shows now, or a recovery code"}

func errTooMany() error {
	return server.Errorf(server.RateLimited, "too many attempts; wait %d minutes", int(attemptWindow.Minutes()))
}

// HashToken is what the database knows of a token or code. A plain SHA-256 is enough: they have 256 random bits.
func HashToken(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// csrfOf is what a write has to repeat. It follows from the token, so that nothing more is kept, and a page can only know it
// from our own answer.
func csrfOf(token string) string {
	sum := sha256.Sum256([]byte("upline csrf\x00" + token))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

func (s *Service) token(prefix string, bytes int) (string, error) {
	raw := make([]byte, bytes)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	return prefix + base64.RawURLEncoding.EncodeToString(raw), nil
}

// SetupCode gives a code by which the first owner sets the installation up; "" where somebody is there already.
func (s *Service) SetupCode(ctx context.Context) (string, error) {
	n, err := s.Books.Accounts(ctx)
	if err != nil || n > 0 {
		return "", err
	}
	return s.putCode(ctx, purposeSetup, "", setupLife)
}

// SetupOpen tells whether the first owner is still to come.
func (s *Service) SetupOpen(ctx context.Context) (bool, error) {
	n, err := s.Books.Accounts(ctx)
	return n == 0, err
}

func (s *Service) putCode(ctx context.Context, purpose, data string, life time.Duration) (string, error) {
	text, err := s.token("", 32)
	if err != nil {
		return "", err
	}
	c := Code{Hash: HashToken(text), Purpose: purpose, Data: data, ExpiresAt: s.Clock().Add(life)}
	if err := s.Books.PutCode(ctx, c); err != nil {
		return "", fmt.Errorf("keep a one-time code: %w", err)
	}
	return text, nil
}

func (s *Service) takeCode(ctx context.Context, purpose, text string) (Code, error) {
	c, err := s.Books.TakeCode(ctx, purpose, HashToken(text), s.Clock())
	if server.CodeOf(err) == server.NotFound {
		return Code{}, &server.Error{Code: server.Invalid, Field: "code", Message: "this link was used already or is too old; ask for a new one"}
	}
	return c, err
}

// Newcomer is what somebody says who gets an account.
type Newcomer struct {
	Email    string
	Name     string
	Password string
}

// check brings the address into its one form and refuses what cannot be.
func (n *Newcomer) check() error {
	email, err := cleanEmail(n.Email)
	if err != nil {
		return err
	}
	n.Email, n.Name = email, strings.TrimSpace(n.Name)
	if n.Name == "" || len(n.Name) > 300 || !utf8.ValidString(n.Name) || strings.ContainsFunc(n.Name, unicode.IsControl) {
		return &server.Error{Code: server.Invalid, Field: "name", Message: "a name has 1 to 300 bytes and no control characters"}
	}
	return checkPassword(n.Password, n.Email)
}

func cleanEmail(text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text || len(text) > 254 {
		return "", &server.Error{Code: server.Invalid, Field: "email", Message: "not an e-mail address"}
	}
	return text, nil
}

func (s *Service) newPerson(n *Newcomer) (Person, error) {
	id, err := s.token("usr_", 12)
	if err != nil {
		return Person{}, err
	}
	p := Person{PersonID: id, Email: n.Email, Name: n.Name, CreatedAt: s.Clock()}
	p.PasswordHash, err = hashPassword(s.Random, n.Password)
	return p, err
}

// Setup makes the first owner, of the programs that companies gives. A code that was not of use may be used again.
func (s *Service) Setup(ctx context.Context, code string, n Newcomer, companies func(ctx context.Context) ([]string, error)) (Person, error) {
	open, err := s.SetupOpen(ctx)
	if err != nil {
		return Person{}, err
	}
	if !open {
		return Person{}, server.Errorf(server.Conflict, "somebody is the owner already; sign in, or ask to be invited")
	}
	if err := n.check(); err != nil {
		return Person{}, err
	}
	c, err := s.takeCode(ctx, purposeSetup, code)
	if err != nil {
		return Person{}, err
	}
	p, err := s.setUp(ctx, &n, companies)
	if err != nil {
		c.ExpiresAt = s.Clock().Add(setupLife)
		return Person{}, errors.Join(err, s.Books.PutCode(ctx, c))
	}
	return p, nil
}

func (s *Service) setUp(ctx context.Context, n *Newcomer, companies func(ctx context.Context) ([]string, error)) (Person, error) {
	programs, err := companies(ctx)
	if err != nil {
		return Person{}, err
	}
	p, err := s.newPerson(n)
	if err != nil {
		return Person{}, err
	}
	if err := s.Books.CreatePerson(ctx, p, true); err != nil {
		return Person{}, fmt.Errorf("create the first owner: %w", err)
	}
	for _, program := range programs {
		if err := s.Books.PutMember(ctx, program, p.PersonID, Owner); err != nil {
			return Person{}, fmt.Errorf("make %s the owner of %s: %w", p.PersonID, program, err)
		}
		if err := s.audit(ctx, program, p.PersonID, "owner.setup", p.PersonID, ""); err != nil {
			return Person{}, err
		}
	}
	return p, nil
}

// SignIn lets a person in by password, and by a code where there is a second factor. Whether an address is known, a
// password is wrong or a code is old cannot be told from the answer, and hardly from how long it takes.
func (s *Service) SignIn(ctx context.Context, email, password, code string, from Client) (Person, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	pair := "pair:" + from.Address + ":" + email
	if !s.takeAttempt(ctx, map[string]int{pair: attemptsPair, "email:" + email: attemptsEmail, "client:" + from.Address: attemptsClient}) {
		return Person{}, errTooMany()
	}
	p, err := s.Books.PersonByEmail(ctx, email)
	if err != nil && server.CodeOf(err) != server.NotFound {
		return Person{}, err
	}
	if fits := passwordFits(p.PasswordHash, password); !fits || err != nil {
		return Person{}, errSignIn()
	}
	if len(p.SealedTOTP) > 0 {
		if code == "" {
			return Person{}, ErrSecondFactor
		}
		if err := s.checkSecondFactor(ctx, &p, code); err != nil {
			return Person{}, err
		}
	}
	s.forgetAttempts(ctx, pair)
	return p, nil
}

// Open begins a session of a person in the program they used last, or their first one. The token goes into the cookie and
// nowhere else.
func (s *Service) Open(ctx context.Context, p *Person, how string, from Client) (Session, string, error) {
	programs, err := s.Books.ProgramsOf(ctx, p.PersonID)
	if err != nil {
		return Session{}, "", err
	}
	if len(programs) == 0 {
		return Session{}, "", server.Errorf(server.Forbidden, "you are not a member of any program any more; ask an owner to invite you")
	}
	session := Session{ProgramID: programs[0].ProgramID, PersonID: p.PersonID, Role: programs[0].Role, Name: p.Name, Actor: actorOf(p.PersonID)}
	token, err := s.open(ctx, &session, from, sessionIdle)
	if err != nil {
		return Session{}, "", err
	}
	return session, token, s.audit(ctx, session.ProgramID, p.PersonID, "session.open", session.SessionID, how)
}

// OpenLink begins a session of somebody whom a store's admin sent here.
func (s *Service) OpenLink(ctx context.Context, session Session, from Client) (Session, string, error) {
	if session.ProgramID == "" || session.StoreID == "" || session.Actor == "" || !session.Role.Known() {
		return Session{}, "", errors.New("a session by link needs a program, a store, an actor and a role")
	}
	token, err := s.open(ctx, &session, from, linkLife)
	if err != nil {
		return Session{}, "", err
	}
	return session, token, s.Books.Audit(ctx, session.ProgramID, session.Actor, "session.open", session.SessionID, "link")
}

func (s *Service) open(ctx context.Context, session *Session, from Client, life time.Duration) (string, error) {
	token, err := s.token("", 32)
	if err != nil {
		return "", err
	}
	if session.SessionID, err = s.token("ses_", 12); err != nil {
		return "", err
	}
	now := s.Clock()
	session.Hash, session.CreatedAt, session.SeenAt, session.ExpiresAt = HashToken(token), now, now, now.Add(life)
	session.Client, session.Address = cut(from.Agent, maxAgent), cut(from.Address, maxAgent)
	if err := s.Books.CreateSession(ctx, *session); err != nil {
		return "", fmt.Errorf("open a session: %w", err)
	}
	return token, nil
}

func cut(text string, most int) string {
	if len(text) > most {
		text = text[:most]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
}

// Resume finds the principal of a session's token.
func (s *Service) Resume(ctx context.Context, token string) (Principal, error) {
	now := s.Clock()
	session, err := s.Books.SessionByHash(ctx, HashToken(token), now)
	if err != nil {
		return Principal{}, err
	}
	p := Principal{
		Program: session.ProgramID, Kind: ByLink, Actor: session.Actor, Name: session.Name, Role: session.Role,
		StoreID: session.StoreID, PersonID: session.PersonID, SessionID: session.SessionID, CSRF: csrfOf(token),
	}
	if session.PersonID != "" {
		p.Kind, p.Actor, p.StoreID = ByPerson, actorOf(session.PersonID), ""
	}
	if now.Sub(session.SeenAt) < touchEvery {
		return p, nil
	}
	expires := session.ExpiresAt
	if session.PersonID != "" {
		expires = earlier(now.Add(sessionIdle), session.CreatedAt.Add(SessionLife))
	}
	return p, s.Books.TouchSession(ctx, session.SessionID, now, expires)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// SignOut ends the session of a token; to end it twice is no fault.
func (s *Service) SignOut(ctx context.Context, p *Principal) error {
	if err := s.Books.EndSession(ctx, p.SessionID); err != nil {
		return err
	}
	return s.Books.Audit(ctx, p.Program, p.Actor, "session.end", p.SessionID, "")
}

// Switch moves the session to another program of its person.
func (s *Service) Switch(ctx context.Context, p *Principal, program string) error {
	programs, err := s.Books.ProgramsOf(ctx, p.PersonID)
	if err != nil {
		return err
	}
	for _, m := range programs {
		if m.ProgramID == program && p.PersonID != "" {
			return s.Books.MoveSession(ctx, p.SessionID, program)
		}
	}
	return server.Errorf(server.NotFound, "you are not a member of a program %s", program)
}

// EndSessions ends one of the person's sessions, or with "" all but the one that asks.
func (s *Service) EndSessions(ctx context.Context, p *Principal, sessionID string) (int64, error) {
	n, err := s.Books.EndSessions(ctx, p.PersonID, sessionID, p.SessionID)
	if err != nil {
		return 0, err
	}
	if sessionID != "" && n == 0 {
		return 0, server.Errorf(server.NotFound, "you have no session %s", sessionID)
	}
	return n, s.audit(ctx, p.Program, p.PersonID, "session.end", sessionID, strconv.FormatInt(n, 10))
}

// ChangePassword needs the password that was, and ends all other sessions of the person.
func (s *Service) ChangePassword(ctx context.Context, p *Principal, was, password string) error {
	person, err := s.confirm(ctx, p, was)
	if err != nil {
		return err
	}
	return s.setPassword(ctx, p.Program, &person, password, p.SessionID)
}

// confirm makes sure that it is the person, and not somebody at an open screen. Who has no password cannot be asked for it.
func (s *Service) confirm(ctx context.Context, p *Principal, password string) (Person, error) {
	if !s.takeAttempt(ctx, map[string]int{"confirm:" + p.PersonID: attemptsPair}) {
		return Person{}, errTooMany()
	}
	person, err := s.Books.PersonByID(ctx, p.PersonID)
	if err != nil {
		return Person{}, err
	}
	if person.PasswordHash != "" && !passwordFits(person.PasswordHash, password) {
		return Person{}, &server.Error{Code: server.Invalid, Field: "current_password", Message: "this is not your password"}
	}
	return person, nil
}

func (s *Service) setPassword(ctx context.Context, program string, person *Person, password, keep string) error {
	if err := checkPassword(password, person.Email); err != nil {
		return err
	}
	hash, err := hashPassword(s.Random, password)
	if err != nil {
		return err
	}
	person.PasswordHash = hash
	if err := s.Books.UpdatePerson(ctx, *person); err != nil {
		return fmt.Errorf("set the password of %s: %w", person.PersonID, err)
	}
	if _, err := s.Books.EndSessions(ctx, person.PersonID, "", keep); err != nil {
		return err
	}
	return s.audit(ctx, program, person.PersonID, "password.change", person.PersonID, "")
}

// ResetCode gives a code by which a person chooses a new password. It is for the operator of the machine, who may do
// anything to the database anyway; there is no way to it over the network.
func (s *Service) ResetCode(ctx context.Context, email string) (string, error) {
	email, err := cleanEmail(email)
	if err != nil {
		return "", err
	}
	p, err := s.Books.PersonByEmail(ctx, email)
	if err != nil {
		return "", err
	}
	return s.putCode(ctx, purposeReset, p.PersonID, resetLife)
}

// Reset chooses a new password by a code. The second factor goes too: whoever lost the telephone has often lost both.
func (s *Service) Reset(ctx context.Context, code, password string) (Person, error) {
	if err := checkPassword(password, ""); err != nil {
		return Person{}, err
	}
	c, err := s.takeCode(ctx, purposeReset, code)
	if err != nil {
		return Person{}, err
	}
	p, err := s.Books.PersonByID(ctx, c.Data)
	if err != nil {
		return Person{}, err
	}
	programs, err := s.Books.ProgramsOf(ctx, p.PersonID)
	if err != nil || len(programs) == 0 {
		return Person{}, errors.Join(err, errSignIn())
	}
	p.SealedTOTP = nil
	return p, s.setPassword(ctx, programs[0].ProgramID, &p, password, "")
}

func actorOf(personID string) string { return "person:" + personID }

func (s *Service) audit(ctx context.Context, program, personID, action, subject, detail string) error {
	if err := s.Books.Audit(ctx, program, actorOf(personID), action, subject, detail); err != nil {
		return fmt.Errorf("audit %s of %s: %w", action, subject, err)
	}
	return nil
}
