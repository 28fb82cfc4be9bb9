package install

import (
	"context"
	"errors"
	"slices"
	"time"

	"upline.dev/upline/server"
)

// Connect keeps what the platform granted the merchant: for a new store, for one that comes back, and again for one that
// is connected. actor goes into the audit log.
func (s *Service) Connect(ctx context.Context, storeID string, creds Credentials, actor string) (c Connection, err error) {
	defer server.Wrap(&err, "connect store %s", storeID)
	var before State
	c, err = s.Books.ChangeConnection(ctx, storeID, func(c *Connection) error {
		before = c.State
		now := s.Clock().UTC()
		c.State, c.Reason, c.ConnectedAt, c.RenewedAt = Connected, "", now, now
		c.LeaseUntil, c.LeaseOwner = time.Time{}, ""
		return s.seal(c, creds)
	})
	if err != nil {
		return Connection{}, err
	}
	action := "store.connect"
	if before == Uninstalled {
		action = "store.reconnect"
	}
	return c, s.Auditor.Audit(ctx, c.ProgramID, actor, action, storeID, "")
}

// errNothing ends a change that finds nothing to do.
var errNothing = errors.New("nothing to change")

// change is ChangeConnection with an audit line; f says whether there is anything to change.
func (s *Service) change(ctx context.Context, storeID, actor, action, detail string, f func(*Connection) bool) error {
	c, err := s.Books.ChangeConnection(ctx, storeID, func(c *Connection) error {
		if !f(c) {
			return errNothing
		}
		return nil
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Auditor.Audit(ctx, c.ProgramID, actor, action, storeID, detail)
}

// Uninstall forgets a store's credentials; its ledger stays. at is when the platform says that it happened: news of an
// uninstall before the last connect is old and changes nothing, however late it comes. Twice is as good as once.
func (s *Service) Uninstall(ctx context.Context, storeID string, at time.Time, actor string) (err error) {
	defer server.Wrap(&err, "uninstall store %s", storeID)
	return s.change(ctx, storeID, actor, "store.uninstall", "", func(c *Connection) bool {
		if c.State == Uninstalled || c.ConnectedAt.After(at) {
			return false
		}
		c.State, c.Reason, c.Sealed = Uninstalled, "the app was uninstalled", nil
		c.Scopes, c.ExpiresAt, c.RefreshExpiresAt = nil, time.Time{}, time.Time{}
		c.LeaseUntil, c.LeaseOwner = time.Time{}, ""
		return true
	})
}

// Refused notes that the platform refuses the store's credentials for good. The merchant has to connect again.
func (s *Service) Refused(ctx context.Context, storeID, reason, actor string) (err error) {
	defer server.Wrap(&err, "note that store %s has to be connected again", storeID)
	return s.change(ctx, storeID, actor, "store.needs_reauth", reason, func(c *Connection) bool {
		if c.State != Connected {
			return false
		}
		c.State, c.Reason = NeedsReauth, reason
		return true
	})
}

// Remark keeps a word about a connected store that its merchant should read; "" takes it away. Connecting anew ends it too.
func (s *Service) Remark(ctx context.Context, storeID, text, actor string) (err error) {
	defer server.Wrap(&err, "remark on store %s", storeID)
	return s.change(ctx, storeID, actor, "store.remark", text, func(c *Connection) bool {
		if c.State != Connected || c.Reason == text {
			return false
		}
		c.Reason = text
		return true
	})
}

// Rescope notes what the merchant agrees to now, as of at; older news than the last connect changes nothing. The
// credentials of before stay good for what is left.
func (s *Service) Rescope(ctx context.Context, storeID string, scopes []string, at time.Time, actor string) (err error) {
	defer server.Wrap(&err, "change the scopes of store %s", storeID)
	scopes = slices.Sorted(slices.Values(scopes))
	return s.change(ctx, storeID, actor, "store.scopes", "", func(c *Connection) bool {
		if c.State == Uninstalled || c.Revision == 0 || c.ConnectedAt.After(at) || slices.Equal(c.Scopes, scopes) {
			return false
		}
		c.Scopes = scopes
		return true
	})
}
