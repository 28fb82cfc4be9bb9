package install

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/server"
	"upline.dev/upline/server/secret"
)

// How credentials are renewed.
const (
	// renewBefore is how much life a token must have left to be handed out: a long call begun with it still ends well.
	renewBefore = 5 * time.Minute
	// leaseLife is how long one process may ask a platform for new credentials. Asking takes at most renewTimeout, so that
	// whoever finds the lease expired does not meet its owner.
	leaseLife    = 40 * time.Second
	renewTimeout = 30 * time.Second
	// leasePoll is how often others look whether the owner is done.
	leasePoll = 50 * time.Millisecond
	// KeepAliveAfter is when credentials that nobody used are renewed: well before the 90 days after which Shopify forgets
	// a refresh token.
	KeepAliveAfter = 30 * 24 * time.Hour
)

// flight is one renewal that many callers in this process wait for.
type flight struct {
	done  chan struct{}
	creds Credentials
	err   error
}

type flights struct {
	mu      sync.Mutex
	byStore map[string]*flight
}

// Credentials gives a store's credentials with some life left in them, renewing them where needed: once, however many
// ask at once in however many processes. ErrNotConnected where the merchant has to connect the store first.
func (s *Service) Credentials(ctx context.Context, storeID string) (creds Credentials, err error) {
	defer server.Wrap(&err, "get the credentials of store %s", storeID)
	c, creds, err := s.read(ctx, storeID)
	if err != nil || !s.expiring(&c, renewBefore) {
		return creds, err
	}
	fresh, err := s.renewTogether(ctx, storeID, creds.Token)
	if err != nil && server.CodeOf(err) != server.Conflict && !s.expiring(&c, 0) {
		return creds, nil // the platform does not answer now; what is left of the old token still works
	}
	return fresh, err
}

// Renew is for a caller whom the platform refused the given token: it gives other credentials, or the error that says
// why there are none. Where somebody renewed them meanwhile, theirs are given.
func (s *Service) Renew(ctx context.Context, storeID string, refused secret.Text) (creds Credentials, err error) {
	defer server.Wrap(&err, "renew the credentials of store %s", storeID)
	return s.renewTogether(ctx, storeID, refused)
}

func (s *Service) read(ctx context.Context, storeID string) (Connection, Credentials, error) {
	c, err := s.Books.Connection(ctx, storeID)
	if err != nil {
		return c, Credentials{}, err
	}
	if c.State != Connected {
		return c, Credentials{}, ErrNotConnected
	}
	creds, err := s.open(&c)
	return c, creds, err
}

func (s *Service) expiring(c *Connection, within time.Duration) bool {
	return !c.ExpiresAt.IsZero() && !s.Clock().Add(within).Before(c.ExpiresAt)
}

// renewTogether lets one caller of this process renew and the others wait. The work does not end with the caller that
// began it: others wait for it.
func (s *Service) renewTogether(ctx context.Context, storeID string, stale secret.Text) (Credentials, error) {
	s.flights.mu.Lock()
	f, under := s.flights.byStore[storeID]
	if !under {
		f = &flight{done: make(chan struct{})}
		if s.flights.byStore == nil {
			s.flights.byStore = make(map[string]*flight)
		}
		s.flights.byStore[storeID] = f
		go s.fly(context.WithoutCancel(ctx), storeID, stale, f)
	}
	s.flights.mu.Unlock()
	select {
	case <-f.done:
		return f.creds, f.err
	case <-ctx.Done():
		return Credentials{}, ctx.Err()
	}
}

func (s *Service) fly(ctx context.Context, storeID string, stale secret.Text, f *flight) {
	defer func() {
		if r := recover(); r != nil {
			f.err = fmt.Errorf("renewing panicked: %v", r)
		}
		s.flights.mu.Lock()
		delete(s.flights.byStore, storeID)
		s.flights.mu.Unlock()
		close(f.done)
	}()
	ctx, cancel := context.WithTimeout(ctx, leaseLife+renewTimeout)
	defer cancel()
	f.creds, f.err = s.renewAlone(ctx, storeID, stale)
}

// renewAlone renews under the row's lease, or waits for the process that holds it. The lease is a row and not a lock: no
// transaction is open while a platform takes its time, which on SQLite would stop every delivery.
func (s *Service) renewAlone(ctx context.Context, storeID string, stale secret.Text) (Credentials, error) {
	var id [16]byte
	if _, err := io.ReadFull(s.Random, id[:]); err != nil {
		return Credentials{}, fmt.Errorf("read random bytes: %w", err)
	}
	owner := hex.EncodeToString(id[:])
	for {
		c, creds, err := s.read(ctx, storeID)
		if err != nil || (creds.Token != stale && !s.expiring(&c, 0)) {
			return creds, err // somebody has renewed them
		}
		err = s.lease(ctx, &c, owner)
		if err == nil {
			return s.ask(ctx, &c, creds, owner)
		}
		if !errors.Is(err, errLostLease) {
			return Credentials{}, err
		}
		select {
		case <-ctx.Done():
			return Credentials{}, &server.Error{Code: server.Unavailable, Message: "another process renews the store's credentials; try again", Err: ctx.Err()}
		case <-time.After(leasePoll):
		}
	}
}

// lease makes this process the one that asks, if the row is still as it was read and nobody else asks.
func (s *Service) lease(ctx context.Context, seen *Connection, owner string) error {
	_, err := s.Books.ChangeConnection(ctx, seen.StoreID, func(c *Connection) error {
		now := s.Clock().UTC()
		if c.State != Connected || string(c.Sealed) != string(seen.Sealed) || now.Before(c.LeaseUntil) {
			return errLostLease
		}
		c.LeaseUntil, c.LeaseOwner = now.Add(leaseLife), owner
		return nil
	})
	return err
}

// ask gets new credentials and stores them in one transaction. A refusal for good is a state of the store; anything else
// leaves the credentials as they are, to be used for the next try.
func (s *Service) ask(ctx context.Context, seen *Connection, old Credentials, owner string) (Credentials, error) {
	fresh, err := s.refresh(ctx, seen, old)
	refused := errors.Is(err, adapters.ErrReauthorise)
	_, changeErr := s.Books.ChangeConnection(ctx, seen.StoreID, func(c *Connection) error {
		if c.LeaseOwner != owner {
			return errLostLease // the merchant has connected the store anew meanwhile, or uninstalled it
		}
		c.LeaseUntil, c.LeaseOwner = time.Time{}, ""
		switch {
		case refused:
			c.State, c.Reason = NeedsReauth, "the platform refused to renew the credentials"
		case err == nil:
			c.RenewedAt = s.Clock().UTC()
			return s.seal(c, fresh)
		}
		return nil
	})
	switch {
	case errors.Is(changeErr, errLostLease):
		_, creds, err := s.read(ctx, seen.StoreID)
		return creds, err
	case changeErr != nil:
		return Credentials{}, errors.Join(changeErr, err)
	case refused:
		return Credentials{}, errors.Join(ErrNotConnected, err,
			s.Auditor.Audit(ctx, seen.ProgramID, "upline", "store.needs_reauth", seen.StoreID, "refused while renewing"))
	}
	return fresh, err
}

func (s *Service) refresh(ctx context.Context, c *Connection, old Credentials) (Credentials, error) {
	refresher, ok := s.Refreshers[c.Platform]
	if !ok {
		return Credentials{}, server.Errorf(server.Unavailable, "the %s app is not configured, so that the store's credentials cannot be renewed", c.Platform)
	}
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	return refresher.Refresh(ctx, c.Domain, old)
}

// KeepAlive renews what nobody used for KeepAliveAfter, so that the platform does not forget us, until ctx ends. fail is
// told what did not work; it is tried again next time.
func (s *Service) KeepAlive(ctx context.Context, every time.Duration, fail func(storeID string, err error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		s.keepAliveOnce(ctx, fail)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// keepAliveBatch bounds what one look renews.
const keepAliveBatch = 100

func (s *Service) keepAliveOnce(ctx context.Context, fail func(string, error)) {
	stale, err := s.Books.StaleConnections(ctx, s.Clock().Add(-KeepAliveAfter), keepAliveBatch)
	if err != nil {
		if ctx.Err() == nil {
			fail("", err)
		}
		return
	}
	for i := range stale {
		if ctx.Err() != nil {
			return
		}
		creds, err := s.open(&stale[i])
		if err == nil {
			_, err = s.renewTogether(ctx, stale[i].StoreID, creds.Token)
		}
		if err != nil && ctx.Err() == nil {
			fail(stale[i].StoreID, err)
		}
	}
}
