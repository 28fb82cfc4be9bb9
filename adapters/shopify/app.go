package shopify

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// APIVersion is the Admin API version everything here is written for.
const APIVersion = "2026-10"

// App is the app as Shopify's dashboard knows it. It is safe for concurrent use.
type App struct {
	clientID string
	secrets  [][]byte // new first; never empty
	scopes   []string
	http     *http.Client
	clock    func() time.Time
}

// Config says which app this is.
type Config struct {
	ClientID string
	Secrets  [][]byte // the client secret, then the one before the last rotation, if any
	// Scopes are asked for in the code grant; a managed install asks for those of shopify.app.toml, which should be the same.
	Scopes []string
	HTTP   *http.Client // of NewHTTPClient
	Clock  func() time.Time
}

// NewApp refuses an app without id or secret: everybody can sign with an empty key.
func NewApp(c Config) (*App, error) {
	if c.ClientID == "" {
		return nil, errors.New("the Shopify app has no client id")
	}
	app := &App{clientID: c.ClientID, scopes: c.Scopes, http: c.HTTP, clock: c.Clock}
	for _, secret := range c.Secrets {
		if len(secret) > 0 {
			app.secrets = append(app.secrets, secret)
		}
	}
	if len(app.secrets) == 0 {
		return nil, errors.New("the Shopify app has no client secret")
	}
	return app, nil
}

// ClientID is public: it stands in every page of the app.
func (a *App) ClientID() string { return a.clientID }

// MissingScopes are those the app asks for and a merchant has not granted, sorted.
func (a *App) MissingScopes(granted []string) []string {
	var missing []string
	for scope := range strings.SplitSeq(strings.Join(a.scopes, ","), ",") {
		scope = strings.TrimSpace(scope)
		if scope != "" && !holds(granted, scope) {
			missing = append(missing, scope)
		}
	}
	slices.Sort(missing)
	return missing
}

// OptionalScopes are those that a merchant may grant besides, and whether they did.
func (*App) OptionalScopes(granted []string) map[string]bool {
	all := map[string]bool{}
	for _, scope := range OptionalScopes() {
		all[scope] = holds(granted, scope)
	}
	return all
}

// holds tells whether a scope is among the granted ones. To write a thing is to read it, too.
func holds(granted []string, scope string) bool {
	thing, reads := strings.CutPrefix(scope, "read_")
	return slices.Contains(granted, scope) || reads && slices.Contains(granted, "write_"+thing)
}
