// Package magentotest is a Magento store with our module in it, to test against: it checks OAuth signatures as the one or the
// other code base of Magento does, in code of its own, begins handshakes, and answers in Magento's own words. It is served over HTTP, so
// that what calls it is tested whole.
package magentotest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Resources that an integration may be granted.
const (
	ModuleAPI  = "Upline_Commission::api"
	ReadOrders = "Magento_Sales::actions_view"
)

// verifierLife is how long a handshake may take, by Magento's default.
const verifierLife = 300 * time.Second

// Shop is one Magento store. Change its fields before it is called.
type Shop struct {
	Variant   Variant
	Scheme    string // by which Magento believes to be called
	InstallID string
	Granted   []string
	NoModule  bool   // the module is switched off
	BaseURL   string // store_base_url that it posts; "": its own
	Clock     func() time.Time

	own    string // where it listens
	mu     sync.Mutex
	faults []Fault
	grant  *integration
	nonces map[string]bool
	told   Connection
	asked  []string
	orders map[int]Order
}

// Fault answers a request instead of the shop; false lets the shop answer all the same.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// Connection is what the module was told.
type Connection struct {
	Server             string `json:"server"`
	StoreID            string `json:"store_id"`
	Site               string `json:"site"`
	WebhookURL         string `json:"webhook_url"`
	APIURL             string `json:"api_url"`
	Secret             string `json:"secret"`
	IdentityKey        string `json:"identity_key"`
	ReferenceParameter string `json:"reference_parameter"`
	WebsiteID          int    `json:"website_id"`
}

// integration is what the merchant's Connect button makes.
type integration struct {
	key, secret, verifier string
	token, tokenSecret    string
	stage                 string // verifier, request, access
	begun                 time.Time
}

// New is a shop that was installed a moment ago.
func New(v Variant) *Shop {
	return &Shop{
		Variant: v, Scheme: "http", InstallID: random(), Granted: []string{ModuleAPI},
		Clock:  time.Now, //nolint:forbidigo // the default of a clock that is an argument
		nonces: map[string]bool{}, orders: map[int]Order{},
	}
}

// Start serves the shop until the test ends and gives its address.
func (s *Shop) Start(t testing.TB) string {
	t.Helper()
	t.Cleanup(s.Serve())
	return s.own
}

// Serve serves the shop until stop is called.
func (s *Shop) Serve() (stop func()) {
	listening := httptest.NewServer(s)
	s.own = listening.URL
	return listening.Close
}

// Site is the shop's address without its scheme.
func (s *Shop) Site() string { _, site, _ := strings.Cut(s.own, "://"); return site }

// FailNext makes the next requests fail, one each, in order.
func (s *Shop) FailNext(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Answer is a fault that answers so.
func Answer(status int, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

// Redirect is a fault that leads elsewhere.
func Redirect(to string) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, to, http.StatusFound)
		return true
	}
}

// Cut is a fault whose answer ends in the middle.
func Cut(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, "oauth_token=abc")
	return true
}

// Huge is a fault that never stops talking.
func Huge(w http.ResponseWriter, _ *http.Request) bool {
	chunk := []byte(strings.Repeat("oauth_token=", 1<<16))
	for range 100 {
		if _, err := w.Write(chunk); err != nil {
			break
		}
	}
	return true
}

// Pass is a fault that is none.
func Pass(http.ResponseWriter, *http.Request) bool { return false }

// Slow is a fault that takes its time and then lets the shop answer.
func Slow(d time.Duration) Fault {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-r.Context().Done():
		case <-time.After(d):
		}
		return false
	}
}

// Told is the connection that the module keeps; zero: none.
func (s *Shop) Told() Connection { s.mu.Lock(); defer s.mu.Unlock(); return s.told }

// Asked are the paths that were answered, in order.
func (s *Shop) Asked() []string { s.mu.Lock(); defer s.mu.Unlock(); return slices.Clone(s.asked) }

// Begin does what the Connect button does: it makes an integration, and Magento posts its keys to the server. Like Magento it looks at no
// status; it is given for the test's sake.
func (s *Shop) Begin(ctx context.Context, serverURL, code string) (status int, err error) {
	s.mu.Lock()
	s.grant = &integration{key: random(), secret: random(), verifier: random(), stage: "verifier", begun: s.Clock()}
	form := s.form()
	s.mu.Unlock()
	return Post(ctx, serverURL+"/install/magento/"+url.PathEscape(code)+"?install_id="+url.QueryEscape(s.InstallID), form)
}

// Form is what Magento posts, for tests that post it elsewhere or changed.
func (s *Shop) Form() url.Values { s.mu.Lock(); defer s.mu.Unlock(); return s.form() }

func (s *Shop) form() url.Values {
	base := s.BaseURL
	if base == "" {
		base = s.own + "/index.php/"
	}
	return url.Values{
		"oauth_consumer_key": {s.grant.key}, "oauth_consumer_secret": {s.grant.secret}, "oauth_verifier": {s.grant.verifier}, "store_base_url": {base},
	}
}

// Key is the consumer key of the newest integration.
func (s *Shop) Key() string { s.mu.Lock(); defer s.mu.Unlock(); return s.grant.key }

// Post sends a form as Magento does: five seconds at most, no redirect followed.
func Post(ctx context.Context, address string, form url.Values) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultTransport.RoundTrip(request) //nolint:forbidigo // a stand-in for Magento posts where it is told to
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// Delete takes the integration away, as an admin can in System > Integrations.
func (s *Shop) Delete() { s.mu.Lock(); defer s.mu.Unlock(); s.grant = nil }

// refusal is one of Magento's answers.
type refusal struct {
	status  int
	message string
	params  map[string]string
}

func (r *refusal) Error() string { return r.message }

func refuse(status int, message string) error { return &refusal{status: status, message: message} }

// ServeHTTP answers as Magento does.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	var fault Fault
	if len(s.faults) > 0 {
		fault, s.faults = s.faults[0], s.faults[1:]
	}
	s.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	s.mu.Lock()
	body, err := s.answer(r)
	s.mu.Unlock()
	if failed, ok := errors.AsType[*refusal](err); ok && strings.Contains(r.URL.Path, "/oauth/token/") {
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(failed.status)
		_, _ = io.WriteString(w, url.Values{"oauth_problem": {failed.message}}.Encode()) // as a real store does; no JSON
		return
	} else if ok {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(failed.status)
		_ = json.NewEncoder(w).Encode(map[string]any{"message": failed.message, "parameters": failed.params})
		return
	}
	_, _ = io.WriteString(w, body) //nolint:gosec // it is what the test put in
}

func (s *Shop) answer(r *http.Request) (string, error) {
	path := strings.TrimPrefix(r.URL.Path, "/index.php")
	params := parameters(r)
	if err := s.genuine(r, path, params); err != nil {
		return "", err
	}
	s.asked = append(s.asked, r.Method+" "+path)
	switch {
	case path == "/oauth/token/request" && r.Method == http.MethodPost:
		return s.requestToken()
	case path == "/oauth/token/access" && r.Method == http.MethodPost:
		return s.accessToken(params["oauth_verifier"])
	case path == "/rest/V1/upline/connection" && r.Method == http.MethodPost:
		return s.connect(r)
	}
	return s.read(r, path)
}

// genuine checks what Magento checks of every request, in its order.
func (s *Shop) genuine(r *http.Request, path string, params map[string]string) error {
	g := s.grant
	switch {
	case r.Header.Get("Authorization") == "":
		return refuse(http.StatusUnauthorized, "The consumer isn't authorized to access %resources.")
	case params["oauth_signature_method"] != "HMAC-SHA256":
		return refuse(http.StatusBadRequest, "Signature method "+params["oauth_signature_method"]+" is not supported")
	case g == nil || params["oauth_consumer_key"] != g.key:
		return refuse(http.StatusUnauthorized, "A consumer having the specified key does not exist")
	case s.nonces[params["oauth_nonce"]]:
		return refuse(http.StatusUnauthorized, "The nonce is already being used by the consumer with ID 1.")
	}
	tokenSecret := ""
	if path != "/oauth/token/request" {
		if params["oauth_token"] != g.token || g.token == "" {
			return refuse(http.StatusUnauthorized, "Specified token does not exist")
		}
		tokenSecret = g.tokenSecret
	}
	s.nonces[params["oauth_nonce"]] = true
	if s.Variant.signature(r, s.Scheme, params, g.secret, tokenSecret) != params["oauth_signature"] {
		return refuse(http.StatusUnauthorized, "The signature is invalid. Verify and try again.")
	}
	if strings.HasPrefix(path, "/rest/") {
		return s.permitted(path)
	}
	return nil
}

func (s *Shop) permitted(path string) error {
	need := ReadOrders
	if strings.HasPrefix(path, "/rest/V1/upline/") {
		need = ModuleAPI
	}
	if s.grant.stage == "access" && slices.Contains(s.Granted, need) {
		return nil
	}
	return &refusal{http.StatusUnauthorized, "The consumer isn't authorized to access %resources.", map[string]string{"resources": need}}
}

func (s *Shop) requestToken() (string, error) {
	g := s.grant
	switch {
	case g.stage != "verifier":
		return "", refuse(http.StatusUnauthorized, "Cannot create request token because consumer token is not a verifier token")
	case s.Clock().Sub(g.begun) > verifierLife:
		return "", refuse(http.StatusUnauthorized, "Consumer key has expired")
	}
	g.stage, g.token, g.tokenSecret = "request", random(), random()
	return "oauth_token=" + g.token + "&oauth_token_secret=" + g.tokenSecret, nil
}

func (s *Shop) accessToken(verifier string) (string, error) {
	g := s.grant
	switch {
	case g.stage != "request":
		return "", refuse(http.StatusUnauthorized, "Token is not associated with the specified consumer")
	case verifier != g.verifier:
		return "", refuse(http.StatusUnauthorized, "The token verifier is invalid. Verify the token and try again.")
	}
	g.stage, g.token, g.tokenSecret = "access", random(), random()
	return "oauth_token=" + g.token + "&oauth_token_secret=" + g.tokenSecret, nil
}

func (s *Shop) connect(r *http.Request) (string, error) {
	var told Connection
	if err := json.NewDecoder(r.Body).Decode(&told); err != nil {
		return "", refuse(http.StatusBadRequest, "Decoding error: "+err.Error())
	}
	s.told = told
	return fmt.Sprintf(`{"install_id":%q,"site":%q,"store_id":%q,"module":"1.0.0","magento":%q,"php":"8.3.1","enabled":true,"connected":true}`,
		s.InstallID, told.Site, told.StoreID, s.Variant), nil
}

func random() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // It never fails.
	return hex.EncodeToString(raw)
}

// Order is one that the shop has: the module's snapshot of it.
type Order struct {
	ID        int
	UpdatedAt time.Time // whole seconds
	Body      string
}

// Put keeps an order, or a new state of one.
func (s *Shop) Put(o Order) { s.mu.Lock(); defer s.mu.Unlock(); s.orders[o.ID] = o }

// read answers what is asked of orders: by the module's routes, and an empty shop by core REST.
func (s *Shop) read(r *http.Request, path string) (string, error) {
	query := r.URL.Query()
	id, one := strings.CutPrefix(path, "/rest/V1/upline/orders/")
	switch {
	case r.Method != http.MethodGet || s.NoModule && strings.HasPrefix(path, "/rest/V1/upline/"):
	case path == "/rest/V1/orders":
		return `{"items":null,"total_count":0}`, nil
	case path == "/rest/V1/upline/orders":
		return s.changed(query)
	case path == "/rest/V1/upline/snapshots":
		return s.snapshots(query.Get("ids"))
	case one:
		n, _ := strconv.Atoi(id)
		if o, known := s.orders[n]; known {
			return text(o.Body), nil
		}
		return "", refuse(http.StatusNotFound, "There is no order "+id+".")
	}
	return "", refuse(http.StatusNotFound, "Request does not match any route.")
}

// changed lists orders by the time of their last change, and by id within a second.
func (s *Shop) changed(query url.Values) (string, error) {
	since, err := time.Parse(time.RFC3339, query.Get("since"))
	until, untilErr := time.Parse(time.RFC3339, query.Get("until"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	after, _ := strconv.Atoi(query.Get("afterId"))
	if err != nil || untilErr != nil || limit < 1 || limit > 500 {
		return "", refuse(http.StatusBadRequest, "since: give a time such as 2026-01-31T12:00:00Z")
	}
	var found []Order
	for _, o := range s.orders {
		if (o.UpdatedAt.After(since) || o.UpdatedAt.Equal(since) && o.ID > after) && o.UpdatedAt.Before(until) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b Order) int { return cmp.Or(a.UpdatedAt.Compare(b.UpdatedAt), cmp.Compare(a.ID, b.ID)) })
	rows := make([]string, 0, limit)
	for _, o := range found[:min(len(found), limit)] {
		rows = append(rows, fmt.Sprintf(`{"entity_id":%d,"updated_at":%q,"hash":"","sequence":1,"dirty":true}`, o.ID, o.UpdatedAt.UTC().Format(time.RFC3339)))
	}
	return "[" + strings.Join(rows, ",") + "]", nil
}

func (s *Shop) snapshots(ids string) (string, error) {
	bodies := []string{}
	for id := range strings.SplitSeq(ids, ",") {
		n, _ := strconv.Atoi(id)
		if o, known := s.orders[n]; known {
			bodies = append(bodies, text(o.Body))
		}
	}
	if strings.Count(ids, ",") >= 50 {
		return "", refuse(http.StatusBadRequest, "ids: give 1 to 50 of them")
	}
	return "[" + strings.Join(bodies, ",") + "]", nil
}

// text is JSON text inside JSON, as Magento answers what a method returns as a string.
func text(body string) string {
	quoted, err := json.Marshal(body)
	if err != nil {
		return `""`
	}
	return string(quoted)
}
