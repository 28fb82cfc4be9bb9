package install_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/secret"
	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest/blank"
)

const shop = "acme-shop"

// clock is a hand on the wall.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

// platform is a stand-in for a platform's token endpoint.
type platform struct {
	mu      sync.Mutex
	clock   *clock
	asked   int
	answer  func(asked int, old install.Credentials) (install.Credentials, error)
	entered chan struct{} // nil: not told
}

func (p *platform) Refresh(_ context.Context, domain string, old install.Credentials) (install.Credentials, error) {
	p.mu.Lock()
	p.asked++
	asked := p.asked
	p.mu.Unlock()
	if domain != "acme-shop.myshopify.com" {
		return install.Credentials{}, fmt.Errorf("asked for %s", domain)
	}
	if p.entered != nil {
		p.entered <- struct{}{}
	}
	if p.answer != nil {
		return p.answer(asked, old)
	}
	return p.grant(asked), nil
}

func (p *platform) grant(n int) install.Credentials {
	return install.Credentials{
		Token: secret.Text(fmt.Sprintf("token-%d", n)), RefreshToken: secret.Text(fmt.Sprintf("refresh-%d", n)),
		Scopes: []string{"read_orders"}, ExpiresAt: p.clock.Now().Add(time.Hour), RefreshExpiresAt: p.clock.Now().Add(90 * 24 * time.Hour),
	}
}

func (p *platform) count() int { p.mu.Lock(); defer p.mu.Unlock(); return p.asked }

type world struct {
	clock    *clock
	platform *platform
	service  *install.Service
	dir      string
}

func setup(t *testing.T) *world {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	w := &world{clock: c, platform: &platform{clock: c}, dir: blank.Dir(t)}
	w.service = w.process(t)
	books := w.service.Books.(*store.Store)
	must(t, books.CreateProgram(t.Context(), admin.Program{ProgramID: "acme", Name: "Acme", Currency: "EUR", TimeZone: "UTC"}))
	must(t, books.CreateStore(t.Context(), admin.Store{
		StoreID: shop, ProgramID: "acme", Platform: order.Shopify, Domain: "acme-shop.myshopify.com", Currency: "EUR",
	}))
	return w
}

// process is one more process on the same database.
func (w *world) process(t *testing.T) *install.Service {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{DataDir: w.dir, Clock: w.clock.Now})
	must(t, err)
	t.Cleanup(func() { must(t, st.Close()) })
	ring, err := secret.Load(filepath.Join(w.dir, "keys.json"), "")
	must(t, err)
	return &install.Service{
		Books: st, Auditor: st, Sealer: ring, Random: rand.Reader, Clock: w.clock.Now,
		Refreshers: map[order.Platform]install.Refresher{order.Shopify: w.platform},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) state(t *testing.T) install.Connection {
	t.Helper()
	c, err := w.service.Books.Connection(t.Context(), shop)
	must(t, err)
	return c
}

func (w *world) connect(t *testing.T) {
	t.Helper()
	_, err := w.service.Connect(t.Context(), shop, w.platform.grant(0), "test")
	must(t, err)
}

func TestConnectUninstallAndBack(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if _, err := w.service.Credentials(t.Context(), shop); !errors.Is(err, install.ErrNotConnected) {
		t.Fatalf("never connected: %v", err)
	}
	w.connect(t)
	creds, err := w.service.Credentials(t.Context(), shop)
	if err != nil || creds.Token.Reveal() != "token-0" || creds.RefreshToken.Reveal() != "refresh-0" {
		t.Fatalf("%v, %v", creds.Token.Reveal(), err)
	}
	c := w.state(t)
	for _, text := range []string{"token-0", "refresh-0"} {
		if strings.Contains(string(c.Sealed), text) {
			t.Fatalf("%s is stored in the clear", text)
		}
	}
	w.clock.add(time.Minute)
	must(t, w.service.Uninstall(t.Context(), shop, w.clock.Now(), "test"))
	must(t, w.service.Uninstall(t.Context(), shop, w.clock.Now(), "test")) // its news twice
	if c = w.state(t); c.State != install.Uninstalled || c.Sealed != nil || c.Revision != 2 {
		t.Fatalf("after the uninstall: %+v", c)
	}
	if _, err := w.service.Credentials(t.Context(), shop); !errors.Is(err, install.ErrNotConnected) {
		t.Fatalf("uninstalled: %v", err)
	}
	w.clock.add(time.Minute)
	w.connect(t)
	must(t, w.service.Uninstall(t.Context(), shop, w.clock.Now().Add(-time.Minute), "test")) // old news, late
	if c = w.state(t); c.State != install.Connected || c.Reason != "" {
		t.Fatalf("old news of an uninstall ended the new install: %+v", c)
	}
}

// TestSealedForItsRow: credentials copied to another store's row do not open there.
func TestSealedForItsRow(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.connect(t)
	books := w.service.Books.(*store.Store)
	must(t, books.CreateStore(t.Context(), admin.Store{StoreID: "thief", ProgramID: "acme", Platform: order.Shopify, Domain: "thief.myshopify.com", Currency: "EUR"}))
	stolen := w.state(t)
	_, err := books.ChangeConnection(t.Context(), "thief", func(c *install.Connection) error {
		c.State, c.Sealed = install.Connected, stolen.Sealed
		return nil
	})
	must(t, err)
	if creds, err := w.service.Credentials(t.Context(), "thief"); !errors.Is(err, secret.ErrSealed) || creds.Token != "" {
		t.Fatalf("credentials of another row open: %v", err)
	}
}

// TestFiftyCallsOneRefresh: 50 calls in two processes find an expired token; the platform is asked once.
func TestFiftyCallsOneRefresh(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.connect(t)
	w.clock.add(2 * time.Hour)
	processes := []*install.Service{w.service, w.process(t)}
	w.platform.answer = func(asked int, _ install.Credentials) (install.Credentials, error) {
		time.Sleep(200 * time.Millisecond) // long enough for all others to come
		return w.platform.grant(asked), nil
	}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			creds, err := processes[i%2].Credentials(t.Context(), shop)
			if err != nil || creds.Token.Reveal() != "token-1" {
				t.Errorf("call %d: %q, %v", i, creds.Token.Reveal(), err)
			}
		})
	}
	wg.Wait()
	if n := w.platform.count(); n != 1 {
		t.Fatalf("the platform was asked %d times", n)
	}
}

// TestLostAnswer: the answer to a refresh never arrives; the next try uses the same refresh token and succeeds.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.connect(t)
	w.clock.add(2 * time.Hour)
	var used []string
	w.platform.answer = func(asked int, old install.Credentials) (install.Credentials, error) {
		used = append(used, old.RefreshToken.Reveal())
		if asked == 1 {
			return install.Credentials{}, errors.New("connection reset")
		}
		return w.platform.grant(asked), nil
	}
	if _, err := w.service.Credentials(t.Context(), shop); err == nil || errors.Is(err, install.ErrNotConnected) {
		t.Fatalf("an answer that is lost: %v", err)
	}
	if c := w.state(t); c.State != install.Connected || !c.LeaseUntil.IsZero() {
		t.Fatalf("after the lost answer: %+v", c)
	}
	creds, err := w.service.Credentials(t.Context(), shop)
	if err != nil || creds.Token.Reveal() != "token-2" || strings.Join(used, " ") != "refresh-0 refresh-0" {
		t.Fatalf("%q, %v, refresh tokens used: %v", creds.Token.Reveal(), err, used)
	}
}

// TestDeadOwner: a process that died while it renewed holds others up only until its lease ends.
func TestDeadOwner(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.connect(t)
	w.clock.add(2 * time.Hour)
	_, err := w.service.Books.ChangeConnection(t.Context(), shop, func(c *install.Connection) error {
		c.LeaseUntil, c.LeaseOwner = w.clock.Now().Add(40*time.Second), "dead"
		return nil
	})
	must(t, err)
	got := make(chan error, 1)
	go func() {
		_, err := w.service.Credentials(t.Context(), shop)
		got <- err
	}()
	select {
	case err := <-got:
		t.Fatalf("it does not wait for the owner: %v", err)
	case <-time.After(150 * time.Millisecond):
	}
	w.clock.add(time.Minute)
	if must(t, <-got); w.platform.count() != 1 {
		t.Fatalf("asked %d times", w.platform.count())
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	refuse := func(int, install.Credentials) (install.Credentials, error) {
		return install.Credentials{}, fmt.Errorf("invalid_grant: %w", adapters.ErrReauthorise)
	}
	fail := func(int, install.Credentials) (install.Credentials, error) {
		return install.Credentials{}, errors.New("500")
	}
	for name, c := range map[string]struct {
		later  time.Duration
		answer func(int, install.Credentials) (install.Credentials, error)
		token  string
		asked  int
		state  install.State
		err    error
	}{
		"fresh":                               {time.Minute, nil, "token-0", 0, install.Connected, nil},
		"less than five minutes left":         {56 * time.Minute, nil, "token-1", 1, install.Connected, nil},
		"platform down, still valid":          {56 * time.Minute, fail, "token-0", 1, install.Connected, nil},
		"platform refuses, still valid":       {56 * time.Minute, refuse, "", 1, install.NeedsReauth, install.ErrNotConnected},
		"platform refuses the expired":        {2 * time.Hour, refuse, "", 1, install.NeedsReauth, adapters.ErrReauthorise},
		"refused as the merchant has to know": {2 * time.Hour, refuse, "", 1, install.NeedsReauth, install.ErrNotConnected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.connect(t)
			w.platform.answer = c.answer
			w.clock.add(c.later)
			creds, err := w.service.Credentials(t.Context(), shop)
			if !errors.Is(err, c.err) || (c.err == nil && err != nil) || creds.Token.Reveal() != c.token || w.platform.count() != c.asked {
				t.Fatalf("%q, %v, asked %d times", creds.Token.Reveal(), err, w.platform.count())
			}
			if got := w.state(t); got.State != c.state || !got.LeaseUntil.IsZero() {
				t.Fatalf("%+v", got)
			}
			if c.state == install.NeedsReauth {
				w.platform.answer = nil
				w.connect(t) // the merchant comes back
				if _, err := w.service.Credentials(t.Context(), shop); err != nil {
					t.Fatalf("after the merchant came back: %v", err)
				}
			}
		})
	}
}

// TestRenewAfterRefusal: whoever was refused a token that somebody renewed meanwhile gets the new one without asking.
func TestRenewAfterRefusal(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.connect(t)
	for range 2 {
		creds, err := w.service.Renew(t.Context(), shop, "token-0")
		if err != nil || creds.Token.Reveal() != "token-1" || w.platform.count() != 1 {
			t.Fatalf("%q, %v, asked %d times", creds.Token.Reveal(), err, w.platform.count())
		}
	}
}

// TestReconnectWhileRenewing: what the merchant's new install granted is not overwritten by the answer to an old refresh.
func TestReconnectWhileRenewing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.connect(t)
	w.clock.add(2 * time.Hour)
	w.platform.entered = make(chan struct{})
	release := make(chan struct{})
	w.platform.answer = func(int, install.Credentials) (install.Credentials, error) {
		<-release
		return w.platform.grant(7), nil
	}
	got := make(chan string, 1)
	go func() {
		creds, err := w.service.Credentials(t.Context(), shop)
		got <- fmt.Sprint(creds.Token.Reveal(), err)
	}()
	<-w.platform.entered
	fresh := w.platform.grant(0)
	fresh.Token = "of-the-merchant"
	_, err := w.service.Connect(t.Context(), shop, fresh, "test")
	must(t, err)
	close(release)
	if text := <-got; text != "of-the-merchant<nil>" {
		t.Fatalf("the caller got %s", text)
	}
	if creds, err := w.service.Credentials(t.Context(), shop); err != nil || creds.Token.Reveal() != "of-the-merchant" {
		t.Fatalf("%q, %v", creds.Token.Reveal(), err)
	}
}

// TestCallerGoes: a caller that gives up does not end the renewal that others wait for.
func TestCallerGoes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.connect(t)
	w.clock.add(2 * time.Hour)
	w.platform.entered = make(chan struct{})
	release := make(chan struct{})
	w.platform.answer = func(int, install.Credentials) (install.Credentials, error) {
		<-release
		return w.platform.grant(1), nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { _, err := w.service.Credentials(ctx, shop); gone <- err }()
	<-w.platform.entered
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatalf("the caller that went: %v", err)
	}
	close(release)
	if creds, err := w.service.Credentials(t.Context(), shop); err != nil || creds.Token.Reveal() != "token-1" || w.platform.count() != 1 {
		t.Fatalf("%q, %v, asked %d times", creds.Token.Reveal(), err, w.platform.count())
	}
}

// looks ends what looks for stale connections once it has done so often enough.
type looks struct {
	install.Books
	left int
	over func()
}

func (l *looks) StaleConnections(ctx context.Context, before time.Time, limit int) ([]install.Connection, error) {
	if l.left--; l.left < 0 {
		l.over()
		return nil, nil
	}
	return l.Books.StaleConnections(ctx, before, limit)
}

func TestKeepAlive(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.connect(t)
	books := w.service.Books
	run := func() { // two looks; whatever the first one renews is renewed before the second
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.service.Books = &looks{Books: books, left: 2, over: cancel}
		w.service.KeepAlive(ctx, time.Millisecond, func(store string, err error) { t.Errorf("%s: %v", store, err) })
	}
	w.clock.add(29 * 24 * time.Hour)
	if run(); w.platform.count() != 0 {
		t.Fatal("renewed before its time")
	}
	w.clock.add(25 * time.Hour)
	run()
	if run(); w.platform.count() != 1 {
		t.Fatalf("asked %d times in 30 days", w.platform.count())
	}
}

func TestRescope(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.connect(t)
	must(t, w.service.Rescope(t.Context(), shop, []string{"write_discounts", "read_orders"}, w.clock.Now().Add(-time.Hour), "test"))
	if c := w.state(t); strings.Join(c.Scopes, ",") != "read_orders" {
		t.Fatalf("old news changed the scopes: %v", c.Scopes)
	}
	must(t, w.service.Rescope(t.Context(), shop, []string{"write_discounts", "read_orders"}, w.clock.Now(), "test"))
	if c := w.state(t); strings.Join(c.Scopes, ",") != "read_orders,write_discounts" {
		t.Fatalf("scopes: %v", c.Scopes)
	}
	if creds, err := w.service.Credentials(t.Context(), shop); err != nil || creds.Token != "token-0" {
		t.Fatalf("after the change of scopes: %v", err)
	}
}

func TestFlow(t *testing.T) {
	t.Parallel()
	w := setup(t)
	code, err := w.service.Begin(t.Context(), install.Flow{Purpose: "step", ProgramID: "acme", Platform: order.Magento, Domain: "m.example.com", Payload: []byte("/back")})
	must(t, err)
	for _, bad := range []string{"", "x", code + "A", code[1:], strings.Repeat("A", 43), "\x00"} {
		if _, err := w.service.Take(t.Context(), bad, "step"); server.CodeOf(err) != server.Forbidden {
			t.Errorf("code %q: %v", bad, err)
		}
	}
	if _, err := w.service.Take(t.Context(), code, "other step"); server.CodeOf(err) != server.Forbidden {
		t.Errorf("for another step: %v", err)
	}
	for range 2 {
		f, err := w.service.Look(t.Context(), code, "step")
		if err != nil || string(f.Payload) != "/back" || f.Domain != "m.example.com" || f.ProgramID != "acme" {
			t.Fatalf("%+v, %v", f, err)
		}
	}
	_, err = w.service.Take(t.Context(), code, "step")
	must(t, err)
	if _, err = w.service.Take(t.Context(), code, "step"); server.CodeOf(err) != server.Forbidden {
		t.Errorf("replayed: %v", err)
	}
	code, err = w.service.Begin(t.Context(), install.Flow{Purpose: "step"})
	must(t, err)
	w.clock.add(install.FlowLife)
	if _, err = w.service.Take(t.Context(), code, "step"); server.CodeOf(err) != server.Forbidden {
		t.Errorf("too late: %v", err)
	}
}
