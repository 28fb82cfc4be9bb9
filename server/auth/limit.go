package auth

import (
	"context"
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

// Counter counts attempts of all processes together. It says yes where it does not know; a dedupe.Cache is one.
type Counter interface {
	Take(ctx context.Context, key string, limit int, window time.Duration) bool
	Forget(ctx context.Context, key string)
}

// limiter counts attempts in windows. It counts before the work is done, so that many attempts at once do not slip past.
// It is of one process: without a Counter several of them let through as many times more.
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

// sharedFrom is from which attempt on the count of all processes is asked. The first ones count here alone, so that whoever knows their
// password comes in even where that count is wrong.
const sharedFrom = 3

// counted is how often a key was taken.
func (l *limiter) counted(key string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[key]
}

// takeAttempt counts one attempt under each key, here and for all processes.
func (s *Service) takeAttempt(ctx context.Context, shares map[string]int) bool {
	allowed := s.attempts.take(s.Clock(), shares)
	if s.Shared == nil {
		return allowed
	}
	for key, share := range shares {
		if !s.Shared.Take(ctx, key, share, attemptWindow) && s.attempts.counted(key) >= sharedFrom {
			allowed = false
		}
	}
	return allowed
}

// forgetAttempts is for who has got in.
func (s *Service) forgetAttempts(ctx context.Context, key string) {
	s.attempts.forget(key)
	if s.Shared != nil {
		s.Shared.Forget(ctx, key)
	}
}

// forget is for who has signed in: their mistakes before do not count any more.
func (l *limiter) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.seen, key)
}
