package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/secret"
)

// Visitor is a member of a shop's staff who has our app open inside the platform's admin. The platform vouches for them.
type Visitor struct {
	Platform  order.Platform
	Domain    string
	StaffID   string
	ExpiresAt time.Time
	Voucher   secret.Text // the platform's own token that says so
}

// Actor is the visitor in the audit log.
func (v *Visitor) Actor() string { return string(v.Platform) + "-staff:" + v.StaffID }

// Identity is what a shop says of itself; a store is made of it, so that nobody has to guess a currency.
type Identity struct {
	Name     string
	Currency money.Currency
	TimeZone string // IANA name
}

// ErrVisitor means that a voucher is missing, too old or not for us. The platform's admin can give another one.
var ErrVisitor = &server.Error{Code: server.Unauthorized, Message: "open the app from the store's admin again"}

// Grantor gives credentials for a visitor. ErrVisitor where the platform finds the voucher too old.
type Grantor interface {
	Grant(ctx context.Context, v *Visitor) (Credentials, error)
	Identify(ctx context.Context, domain string, creds Credentials) (Identity, error)
}

// Which program a store joins that nobody has announced with "upline admin store create".
const (
	// JoinAuto is for one company's own server: the first store joins the only program, or makes one where there is none.
	// Any further store has to be announced.
	JoinAuto = "auto"
	// JoinOwn gives every store a program of its own: for an app that any merchant can install.
	JoinOwn = "own"
)

// Stores is what admitting needs of the stores; programs is admin's.
type Stores interface {
	StoreByDomain(ctx context.Context, p order.Platform, domain string) (admin.Store, error)
	ProgramIDs(ctx context.Context) ([]string, error)
	// CountStores counts the stores of a platform in a program.
	CountStores(ctx context.Context, program string, p order.Platform) (int, error)
}

// Reception lets visitors in: it finds their store, and connects it where it is new, comes back or has lost its
// credentials.
type Reception struct {
	*Service
	Stores  Stores
	Admin   *admin.Service
	Grantor Grantor
	Join    string // JoinAuto, JoinOwn or a program's id

	mu    sync.Mutex
	doors map[string]*door
}

// door lets one visitor of a shop through at a time, so that a new store is made and connected once.
type door struct {
	sync.Mutex
	waiting int
}

// ErrUnannounced means that nobody said to which program a store belongs.
var ErrUnannounced = errors.New("the store is not announced")

// Admit gives the visitor's store, connected. actor goes into the audit log where anything changes.
func (r *Reception) Admit(ctx context.Context, v *Visitor) (st admin.Store, err error) {
	defer server.Wrap(&err, "admit a visitor of %s", v.Domain)
	if st, ok, err := r.connected(ctx, v); ok || err != nil {
		return st, err
	}
	unlock := r.lock(v.Domain)
	defer unlock()
	if st, ok, err := r.connected(ctx, v); ok || err != nil {
		return st, err
	}
	if err := r.mayJoin(ctx, v.Platform, v.Domain); err != nil {
		return admin.Store{}, err // before anything is asked of the platform
	}
	creds, err := r.Grantor.Grant(ctx, v)
	if err != nil {
		return admin.Store{}, err
	}
	return r.connect(ctx, v.Platform, v.Domain, creds, v.Actor())
}

// Accept connects a store that has come by a grant of its own, such as a code grant.
func (r *Reception) Accept(ctx context.Context, p order.Platform, domain string, creds Credentials, actor string) (st admin.Store, err error) {
	defer server.Wrap(&err, "connect %s", domain)
	unlock := r.lock(domain)
	defer unlock()
	return r.connect(ctx, p, domain, creds, actor)
}

// Known gives the visitor's store and whether its credentials work.
func (r *Reception) Known(ctx context.Context, p order.Platform, domain string) (st admin.Store, connected bool, err error) {
	st, err = r.Stores.StoreByDomain(ctx, p, domain)
	if server.CodeOf(err) == server.NotFound {
		return admin.Store{}, false, nil
	}
	if err != nil {
		return admin.Store{}, false, err
	}
	c, err := r.Books.Connection(ctx, st.StoreID)
	return st, c.State == Connected, err
}

func (r *Reception) connected(ctx context.Context, v *Visitor) (admin.Store, bool, error) {
	return r.Known(ctx, v.Platform, v.Domain)
}

func (r *Reception) lock(domain string) (unlock func()) {
	r.mu.Lock()
	if r.doors == nil {
		r.doors = make(map[string]*door)
	}
	d := r.doors[domain]
	if d == nil {
		d = new(door)
		r.doors[domain] = d
	}
	d.waiting++
	r.mu.Unlock()
	d.Lock()
	return func() {
		d.Unlock()
		r.mu.Lock()
		if d.waiting--; d.waiting == 0 {
			delete(r.doors, domain)
		}
		r.mu.Unlock()
	}
}

// mayJoin refuses a store that is not known and may not make itself known.
func (r *Reception) mayJoin(ctx context.Context, p order.Platform, domain string) error {
	_, err := r.Stores.StoreByDomain(ctx, p, domain)
	if server.CodeOf(err) != server.NotFound {
		return err
	}
	_, err = r.programFor(ctx, p, domain)
	return err
}

// programFor says which program a new store joins; "" for one of its own.
func (r *Reception) programFor(ctx context.Context, p order.Platform, domain string) (string, error) {
	switch r.Join {
	case JoinOwn:
		return "", nil
	case JoinAuto, "":
	default:
		return r.Join, nil
	}
	programs, err := r.Stores.ProgramIDs(ctx)
	if err != nil || len(programs) == 0 {
		return "", err
	}
	if len(programs) == 1 {
		n, err := r.Stores.CountStores(ctx, programs[0], p)
		if err != nil || n == 0 {
			return programs[0], err
		}
	}
	return "", &server.Error{Code: server.Forbidden, Err: ErrUnannounced, Message: fmt.Sprintf(
		"%s is not announced on this server. Its operator can let it in with: upline admin store create %s --platform %s --program PROGRAM --currency CUR",
		domain, domain, p)}
}

// connect keeps the credentials, for a store that is made where there is none.
func (r *Reception) connect(ctx context.Context, p order.Platform, domain string, creds Credentials, actor string) (admin.Store, error) {
	st, err := r.Stores.StoreByDomain(ctx, p, domain)
	if server.CodeOf(err) == server.NotFound {
		st, err = r.create(ctx, p, domain, creds, actor)
	}
	if err != nil {
		return admin.Store{}, err
	}
	_, err = r.Connect(ctx, st.StoreID, creds, actor)
	return st, err
}

// create makes a store of what the shop says of itself. Orders of before this moment never pay: nobody agreed to it yet.
func (r *Reception) create(ctx context.Context, p order.Platform, domain string, creds Credentials, actor string) (admin.Store, error) {
	program, err := r.programFor(ctx, p, domain)
	if err != nil {
		return admin.Store{}, err
	}
	identity, err := r.Grantor.Identify(ctx, domain, creds)
	if err != nil {
		return admin.Store{}, err
	}
	books := *r.Admin
	books.Actor = actor
	if program == "" {
		if program, err = newProgram(ctx, &books, domain, identity); err != nil {
			return admin.Store{}, err
		}
	}
	st := admin.Store{
		ProgramID: program, Platform: p, Domain: domain, Name: identity.Name, Currency: identity.Currency,
		GoLiveAt: r.Clock().UnixMicro(),
	}
	made, err := books.CreateAppStore(ctx, st)
	if server.CodeOf(err) != server.Conflict {
		return made, err
	}
	// Another process made it meanwhile, or another shop's name makes the same id.
	if known, err := r.Stores.StoreByDomain(ctx, p, domain); server.CodeOf(err) != server.NotFound {
		return known, err
	}
	st.StoreID = distinctID(domain)
	return books.CreateAppStore(ctx, st)
}

// newProgram is a company of the shop's own.
func newProgram(ctx context.Context, books *admin.Service, domain string, identity Identity) (string, error) {
	p := admin.Program{Name: identity.Name, Currency: identity.Currency, TimeZone: identity.TimeZone}
	if p.Name == "" {
		p.Name = domain
	}
	if _, err := time.LoadLocation(p.TimeZone); err != nil {
		p.TimeZone = "UTC"
	}
	p.ProgramID = distinctID(domain)
	made, err := books.CreateProgram(ctx, p)
	if server.CodeOf(err) == server.Conflict {
		return p.ProgramID, nil // an earlier try got this far
	}
	return made.ProgramID, err
}

// distinctID is an id of a domain that no other domain has.
func distinctID(domain string) string {
	name, _, _ := strings.Cut(domain, ".")
	sum := sha256.Sum256([]byte(domain))
	return strings.ToLower(name[:min(len(name), 50)]) + "-" + hex.EncodeToString(sum[:5])
}
