package store

import (
	"context"
	"testing"
	"time"
)

// TestTurns: the next turn is an arrival's, others keep their order, and who gives up waiting holds up nobody.
func TestTurns(t *testing.T) {
	t.Parallel()
	var turns turns
	ctx := t.Context()
	if err := turns.take(ctx, false); err != nil {
		t.Fatal(err)
	}
	came := make(chan string, 4)
	wait := func(name string, ctx context.Context, arrival bool) {
		before := turns.queued()
		go func() {
			if err := turns.take(ctx, arrival); err != nil {
				name += " left"
			}
			came <- name
		}()
		for turns.queued() == before {
			time.Sleep(time.Millisecond)
		}
	}
	leaving, leave := context.WithCancel(ctx)
	wait("first", ctx, false)
	wait("second", leaving, false)
	wait("third", ctx, false)
	wait("arrival", ctx, true)
	leave()
	if got := <-came; got != "second left" {
		t.Fatalf("%s, want the one that gave up", got)
	}
	for _, want := range []string{"arrival", "first", "third"} {
		turns.pass()
		if got := <-came; got != want {
			t.Fatalf("the turn went to %s, want %s", got, want)
		}
	}
	turns.pass()
	if err := turns.take(ctx, false); err != nil {
		t.Fatal("a free turn cannot be taken")
	}
}

func (t *turns) queued() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting[0]) + len(t.waiting[1])
}
