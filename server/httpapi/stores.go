package httpapi

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
)

// storeCacheAge is how long a withdrawn secret may still count.
const storeCacheAge = 5 * time.Second

// storeEntry is a store with its opened secrets.
type storeEntry struct {
	store      admin.Store
	secrets    [][]byte
	readAt     time.Time
	remembered bool // not read for this request
}

func (e storeEntry) sameSecrets(other storeEntry) bool {
	return slices.EqualFunc(e.secrets, other.secrets, bytes.Equal)
}

// storeCache remembers stores for a few seconds, so that a flood costs no query per request. Unknown stores are not
// remembered: a store counts from the moment it is connected.
type storeCache struct {
	admin *admin.Service
	clock func() time.Time
	mu    sync.RWMutex
	byKey map[storeKey]storeEntry
}

// storeKey is a domain on its platform, or a store's id.
type storeKey struct {
	platform order.Platform
	name     string
}

func newStoreCache(a *admin.Service, clock func() time.Time) *storeCache {
	return &storeCache{admin: a, clock: clock, byKey: make(map[storeKey]storeEntry)}
}

func (sc *storeCache) byDomain(ctx context.Context, platform order.Platform, domain string) (storeEntry, error) {
	if entry, ok := sc.remembered(storeKey{platform, domain}); ok {
		return entry, nil
	}
	return sc.read(ctx, platform, domain)
}

// read asks the database, whatever is remembered.
func (sc *storeCache) read(ctx context.Context, platform order.Platform, domain string) (storeEntry, error) {
	store, err := sc.admin.Books.StoreByDomain(ctx, platform, domain)
	if err != nil {
		return storeEntry{}, err
	}
	return sc.remember(storeKey{platform, domain}, store)
}

func (sc *storeCache) byID(ctx context.Context, storeID string) (storeEntry, error) {
	if entry, ok := sc.remembered(storeKey{name: storeID}); ok {
		return entry, nil
	}
	return sc.readID(ctx, storeID)
}

// readID asks the database, whatever is remembered.
func (sc *storeCache) readID(ctx context.Context, storeID string) (storeEntry, error) {
	store, err := sc.admin.Books.StoreByID(ctx, storeID)
	if err != nil {
		return storeEntry{}, err
	}
	return sc.remember(storeKey{name: storeID}, store)
}

func (sc *storeCache) remembered(key storeKey) (storeEntry, bool) {
	sc.mu.RLock()
	defer sc.mu.RUnlock()
	entry, ok := sc.byKey[key]
	return entry, ok && sc.clock().Sub(entry.readAt) < storeCacheAge
}

func (sc *storeCache) remember(key storeKey, store admin.Store) (storeEntry, error) {
	secrets, err := sc.admin.Secrets(store)
	if err != nil {
		return storeEntry{}, err
	}
	entry := storeEntry{store: store, secrets: secrets, readAt: sc.clock()}
	kept := entry
	kept.remembered = true
	sc.mu.Lock()
	sc.byKey[key] = kept
	sc.mu.Unlock()
	return entry, nil
}
