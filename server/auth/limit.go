package auth

import (
	"sync"
	"time"
)

// How many attempts to sign in are taken within attemptWindow: by one address for one account, for one account, and by one
// address. The pair is the tight one, so that a stranger cannot lock an owner out.
const (
	attemptWindow  = 15 * time.Minute
	attemptsPair   = 8
	attemptsEmail  = 60
	attemptsClient = 100
	// maxCounted bounds the memory of a flood; past it the oldest window is forgotten as a whole.
	maxCounted = 100_000
)

// limiter counts attempts in windows. It counts before the work is done, so that many attempts at once do not slip past.
// It is of one process: several of them let through as many times more.
type limiter struct {
	mu    sync.Mutex
	since time.Time
	seen  map[string]int
}

// take counts one attempt under each key, and refuses where any has had its share.
func (l *limiter) take(now time.Time, shares map[string]int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil || now.Sub(l.since) >= attemptWindow || len(l.seen) > maxCounted {
		l.seen, l.since = make(map[string]int), now
	}
	allowed := true
	for key, share := range shares {
		l.seen[key]++
		allowed = allowed && l.seen[key] <= share
	}
	return allowed
}

// forget is for who has signed in: their mistakes before do not count any more.
func (l *limiter) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.seen, key)
}
