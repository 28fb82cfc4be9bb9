// Package auth says who asks and what they may do: API keys, people who sign in, and stores become one Principal, and one
// table says which action which role may take.
package auth

import (
	"net/http"
	"slices"
)

// Kind is how a request proved who it is.
type Kind string

// The kinds of a principal.
const (
	ByAPIKey  Kind = "api_key" // a program's key, sent as a bearer token
	ByPerson  Kind = "person"  // somebody who signed in here
	ByLink    Kind = "link"    // somebody whom a store's admin sent here by a single-use link
	ByShopify Kind = "shopify" // somebody in the Shopify admin, by a session token
	ByStore   Kind = "store"   // a store's plugin, by the store's secret
)

// Role is what somebody is in a program.
type Role string

// The roles, the most powerful first.
const (
	Owner   Role = "owner"
	Admin   Role = "admin"
	Finance Role = "finance"
	Support Role = "support"
	Viewer  Role = "viewer"
)

// Roles lists all roles, the most powerful first.
func Roles() []Role { return []Role{Owner, Admin, Finance, Support, Viewer} }

// Known tells whether r is one of the roles.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// Principal is who asks, and in the name of which program. The zero value may do nothing.
type Principal struct {
	Program string
	Kind    Kind
	Actor   string // who is written into the audit log, for example "person:usr_x"
	Name    string // for screens; "" where nobody knows it
	Role    Role   // "" for a store's plugin

	StoreID   string // the store a key, link or plugin belongs to; "" for none
	KeyID     string // ByAPIKey: the key
	PersonID  string // ByPerson: the person
	SessionID string // ByPerson and ByLink: the session
	CSRF      string // what a write by cookie has to repeat in CSRFHeader; "" where no cookie was used
}

// Authenticator turns what a request carries into a Principal. ok is false where the request carries nothing of its kind,
// so that the next one is asked; an error ends the request.
type Authenticator interface {
	Authenticate(r *http.Request) (p Principal, ok bool, err error)
}

// Action is something a route does.
type Action string

// The actions, by what they touch.
const (
	Read           Action = "read"            // figures, orders, people, catalogue, deliveries without their bodies
	ReadBodies     Action = "bodies.read"     // raw bodies of deliveries: they hold buyers' names and addresses
	ReadAudit      Action = "audit.read"      // who did what
	PostOrders     Action = "orders.post"     // tell orders of the store the principal belongs to
	Replay         Action = "orders.replay"   // process a delivery or an order once more
	WritePeople    Action = "people.write"    // import and change distributors
	WriteCatalogue Action = "catalogue.write" // map SKUs
	RunPeriods     Action = "periods.run"     // preview, lock, commit and pay periods
	PublishPlans   Action = "plans.publish"   // check plans and make them count
	ManageStores   Action = "stores.manage"   // connect, change and test stores
	ManagePrivacy  Action = "privacy.manage"  // ask for exports and erasures of persons
	ManageSettings Action = "settings.manage" // branding, and what screens keep
	KeepViews      Action = "views.keep"      // one's own views of lists
	ShareViews     Action = "views.share"     // views that everybody in the company sees
	ManageWebhooks Action = "webhooks.manage" // where the program is told of what happens, and with which secret
	ManageKeys     Action = "keys.manage"     // API keys
	ManageMembers  Action = "members.manage"  // who may sign in, and as what
	Danger         Action = "danger"          // what cannot be taken back
	OwnAccount     Action = "account"         // one's own password, factors and sessions
	OwnSession     Action = "session"         // who am I
	StoreChannel   Action = "store.channel"   // what a store's plugin says and asks
)

// allowed says which roles may take which action. What is not here nobody may.
var allowed = map[Action][]Role{
	Read:           {Owner, Admin, Finance, Support, Viewer},
	ReadBodies:     {Owner, Admin, Support},
	ReadAudit:      {Owner, Admin, Finance},
	Replay:         {Owner, Admin, Support},
	WritePeople:    {Owner, Admin, Support},
	WriteCatalogue: {Owner, Admin},
	RunPeriods:     {Owner, Admin, Finance},
	PublishPlans:   {Owner, Admin},
	ManageStores:   {Owner, Admin},
	ManagePrivacy:  {Owner, Admin},
	ManageSettings: {Owner, Admin},
	KeepViews:      {Owner, Admin, Finance, Support, Viewer},
	ShareViews:     {Owner, Admin, Finance, Support},
	ManageWebhooks: {Owner, Admin},
	ManageKeys:     {Owner, Admin},
	ManageMembers:  {Owner, Admin},
	Danger:         {Owner},
	OwnSession:     {Owner, Admin, Finance, Support, Viewer},
	OwnAccount:     {Owner, Admin, Finance, Support, Viewer},
}

// May tells whether the principal may take an action.
func (p *Principal) May(a Action) bool {
	switch {
	case p.Program == "":
		return false
	case a == PostOrders:
		return p.StoreID != "" && (p.Kind == ByAPIKey || p.Kind == ByStore)
	case a == StoreChannel:
		return p.Kind == ByStore
	case p.Kind == ByStore:
		return false
	case p.Kind == ByAPIKey && (a == ManageKeys || a == ManageMembers || a == Danger || a == OwnAccount):
		return false // a key that leaked must not be able to make another one, or to let somebody in
	case a == OwnAccount && p.Kind != ByPerson:
		return false // whoever came from a platform's admin has the account there
	}
	return slices.Contains(allowed[a], p.Role)
}

// Actions lists what the principal may do, in the order of their names, for screens that hide what would be refused.
func (p *Principal) Actions() []Action {
	may := []Action{}
	for a := range allowed {
		if p.May(a) {
			may = append(may, a)
		}
	}
	slices.Sort(may)
	return may
}
