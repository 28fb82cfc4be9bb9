// Package dedupe remembers for a while what was there before: deliveries that arrived, attempts that were made, work somebody has
// begun. It saves work and decides nothing: it may forget at any moment, be slow, away or wrong in either direction, and its callers
// come to the same result. The truth is in the database.
package dedupe

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

// Cache is one way of remembering. Its methods may be called by many goroutines, answer within milliseconds whatever happens, and
// give the cautious answer where they do not know.
type Cache interface {
	// Seen says that a key was probably marked. false where it does not know.
	Seen(ctx context.Context, key string) bool
	// Mark remembers keys for Options.Keep at most.
	Mark(ctx context.Context, keys ...string)
	// Take counts one more under a key within a window of time, and says whether it is within the limit. true where it does not know.
	Take(ctx context.Context, key string, limit int, window time.Duration) bool
	// Forget drops a key's count.
	Forget(ctx context.Context, key string)
	// Lock asks to be the only one at some work for a time at most. alone is true where it does not know: what must not be done twice
	// is guarded by the database. unlock may be called once the work is done, and gives up only one's own lock.
	Lock(ctx context.Context, name string, most time.Duration) (unlock func(), alone bool)
	// Close lets go of connections.
	Close() error
}

// Options are a cache's knobs. A zero field takes its default.
type Options struct {
	Keep    time.Duration // how long a marked key is remembered; default 48 h, as long as Shopify sends again
	Size    int           // keys a process remembers by itself; default 100,000
	Timeout time.Duration // how long an answer may take; default 50 ms
	Pause   time.Duration // after a failure nothing is asked for so long, doubled up to thirty times; default 1 s
	Clock   func() time.Time
	// Failed is told once when the cache goes away, and with nil once when it is back. May be nil.
	Failed func(err error)
}

func (o Options) withDefaults() Options {
	setDefault(&o.Keep, 48*time.Hour)
	setDefault(&o.Size, 100_000)
	setDefault(&o.Timeout, 50*time.Millisecond)
	setDefault(&o.Pause, time.Second)
	if o.Clock == nil {
		o.Clock = time.Now //nolint:forbidigo // The default of an argument.
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	return o
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Open gives the cache of an address: "" is the one in this process, redis:// and rediss:// are Redis. It connects when it is first
// asked. A wrong address is server.Invalid.
func Open(address string, o Options) (Cache, error) {
	o = o.withDefaults()
	if address == "" {
		return newMemory(o), nil
	}
	return newRedis(address, o)
}

// None remembers nothing.
type None struct{}

var _ Cache = None{}

// Seen knows nothing.
func (None) Seen(context.Context, string) bool { return false }

// Mark forgets at once.
func (None) Mark(context.Context, ...string) {}

// Take counts nothing.
func (None) Take(context.Context, string, int, time.Duration) bool { return true }

// Forget has nothing to forget.
func (None) Forget(context.Context, string) {}

// Lock keeps nobody out.
func (None) Lock(context.Context, string, time.Duration) (unlock func(), alone bool) {
	return func() {}, true
}

// Close does nothing.
func (None) Close() error { return nil }

// digest is what is kept of a key, in which a name or an address may stand.
type digest [16]byte

func digestOf(kind, key string) digest {
	sum := sha256.Sum256([]byte(kind + "\x00" + key))
	return digest(sum[:16])
}

// memory remembers in this process, in two halves: when the newer one is full it becomes the older, whose keys are forgotten.
type memory struct {
	options Options
	mu      sync.Mutex
	newer   map[digest]remembered
	older   map[digest]remembered
}

type remembered struct {
	until time.Time
	count int
	token int
}

var _ Cache = (*memory)(nil)

func newMemory(o Options) *memory {
	return &memory{options: o, newer: map[digest]remembered{}, older: map[digest]remembered{}}
}

// get gives what is remembered of a key and still counts.
func (m *memory) get(key digest) (remembered, bool) {
	r, found := m.newer[key]
	if !found {
		r, found = m.older[key]
	}
	return r, found && m.options.Clock().Before(r.until)
}

func (m *memory) put(key digest, r remembered) {
	if len(m.newer) >= m.options.Size/2 {
		m.newer, m.older = make(map[digest]remembered, len(m.newer)), m.newer
	}
	m.newer[key] = r
}

func (m *memory) drop(key digest) {
	delete(m.newer, key)
	delete(m.older, key)
}

func (m *memory) Seen(_ context.Context, key string) bool {
	k := digestOf("seen", key)
	m.mu.Lock()
	defer m.mu.Unlock()
	_, found := m.get(k)
	return found
}

func (m *memory) Mark(_ context.Context, keys ...string) {
	digests := make([]digest, len(keys))
	for i, key := range keys {
		digests[i] = digestOf("seen", key)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	until := m.options.Clock().Add(m.options.Keep)
	for _, k := range digests {
		m.put(k, remembered{until: until})
	}
}

func (m *memory) Take(_ context.Context, key string, limit int, window time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := digestOf("take", key)
	r, found := m.get(k)
	if !found {
		r = remembered{until: m.options.Clock().Add(window)}
	}
	r.count++
	m.put(k, r)
	return r.count <= limit
}

func (m *memory) Forget(_ context.Context, key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(digestOf("take", key))
}

func (m *memory) Lock(_ context.Context, name string, most time.Duration) (unlock func(), alone bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := digestOf("lock", name)
	if _, held := m.get(k); held {
		return func() {}, false
	}
	last, known := m.newer[k] // One whose time is over.
	if !known {
		last = m.older[k]
	}
	mine := remembered{until: m.options.Clock().Add(most), token: last.token + 1}
	m.put(k, mine)
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if now, held := m.get(k); held && now.token == mine.token {
			m.put(k, remembered{token: mine.token})
		}
	}, true
}

func (m *memory) Close() error { return nil }
