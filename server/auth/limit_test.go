package auth

import (
	"context"
	"fmt"
	"testing"
	"time"

	"upline.dev/upline/server/dedupe"
)

// never is a count that refuses everybody, whatever is true.
type never struct{}

func (never) Take(context.Context, string, int, time.Duration) bool { return false }
func (never) Forget(context.Context, string)                        {}

// TestAttemptsOfAllProcesses: processes that share a count let through what one would, and a few more at most; a count that is wrong
// keeps nobody out who knows the password.
func TestAttemptsOfAllProcesses(t *testing.T) {
	t.Parallel()
	shared, err := dedupe.Open("", dedupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	try := func(counter Counter, processes, attempts int) (allowed int) {
		services := make([]*Service, processes)
		for i := range services {
			services[i] = &Service{Clock: time.Now, Shared: counter}
		}
		key := fmt.Sprintf("pair:%T%d", counter, processes)
		for i := range attempts {
			if services[i%processes].takeAttempt(t.Context(), map[string]int{key: attemptsPair}) {
				allowed++
			}
		}
		return allowed
	}
	for name, c := range map[string]struct {
		counter   Counter
		processes int
		want      int
	}{
		"one process":          {nil, 1, attemptsPair},
		"four apart":           {nil, 4, 4 * attemptsPair},
		"three together":       {shared, 3, attemptsPair},
		"a count that is away": {dedupe.None{}, 2, 2 * attemptsPair},
		"a count that lies":    {never{}, 1, sharedFrom - 1},
	} {
		if got := try(c.counter, c.processes, 100); got != c.want {
			t.Errorf("%s: %d attempts were let through, want %d", name, got, c.want)
		}
	}
	s := &Service{Clock: time.Now, Shared: shared}
	for range 5 * attemptsPair {
		if !s.takeAttempt(t.Context(), map[string]int{"mine": attemptsPair}) {
			t.Fatal("who signs in again and again is kept out")
		}
		s.forgetAttempts(t.Context(), "mine")
	}
}
