package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"upline.dev/upline/server/bus"
	"upline.dev/upline/server/event"
	"upline.dev/upline/server/relay"
)

// books is an outbox in memory.
type books struct {
	mu       sync.Mutex
	rows     map[string][]relay.Row
	at       map[string]int64
	owner    map[string]string
	until    map[string]time.Time
	failMove bool
	leases   int // how often one was asked for
}

func newBooks(programs map[string]int) *books {
	b := &books{rows: map[string][]relay.Row{}, at: map[string]int64{}, owner: map[string]string{}, until: map[string]time.Time{}}
	for program, count := range programs {
		for i := range count {
			key := fmt.Sprintf("shop/%d", i%3)
			b.rows[program] = append(b.rows[program], relay.Row{
				Sequence: int64(i + 1), Topic: "commission.event", Key: key, CreatedAt: time.Date(2026, 11, 27, 1, 2, 3, 4000, time.UTC),
				Payload: fmt.Appendf(nil, `{"order_id":%q,"revision":%d,"events":[{"event_id":"%064x","component_id":"retail","distributor_id":"ANN","kind":"earning","currency":"EUR","amount":"-1.50"}]}`, key, i, i),
			})
		}
	}
	return b
}

func (b *books) ProgramIDs(context.Context) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []string
	for id := range b.rows {
		ids = append(ids, id)
	}
	return ids, nil
}

func (b *books) Outbox(_ context.Context, program string, after int64, limit int) ([]relay.Row, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	rows := b.rows[program][min(int(after), len(b.rows[program])):]
	return rows[:min(limit, len(rows))], nil
}

func (b *books) LeasePosition(_ context.Context, program, _, owner string, now, until time.Time) (int64, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leases++
	if b.owner[program] != owner && b.until[program].After(now) {
		return 0, false, nil
	}
	b.owner[program], b.until[program] = owner, until
	return b.at[program], true, nil
}

func (b *books) MovePosition(_ context.Context, program, reader, owner string, sequence int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failMove {
		return errors.New("the database is away")
	}
	if b.owner[program] != owner {
		return relay.Lost(program, reader)
	}
	b.at[program] = max(b.at[program], sequence)
	return nil
}

// wall is a bus that writes down what it is given, and fails where it should.
type wall struct {
	mu   sync.Mutex
	got  []bus.Message
	fail int // so many publishes
}

func (w *wall) Publish(_ context.Context, _ string, batch []bus.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail > 0 {
		w.fail--
		w.got = append(w.got, batch[:len(batch)/2]...) // Some of them may have been taken.
		return errors.New("the broker is away")
	}
	w.got = append(w.got, batch...)
	return nil
}

func newRelay(b relay.Books, w relay.Publisher) *relay.Relay {
	return &relay.Relay{Books: b, Bus: w, Reader: "bus", Clock: time.Now, Logger: slog.New(slog.DiscardHandler), Every: time.Millisecond, Batch: 10}
}

// TestRelay: broken publishes and a position that cannot be noted cost repeats, and lose and reorder nothing.
func TestRelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, w := newBooks(map[string]int{"acme": 95, "other": 20, "empty": 0}), &wall{fail: 3}
		b.failMove = true
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- newRelay(b, w).Run(ctx) }()
		time.Sleep(20 * time.Millisecond)
		b.mu.Lock()
		b.failMove = false
		b.mu.Unlock()
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			b.mu.Lock()
			done := b.at["acme"] == 95 && b.at["other"] == 20
			b.mu.Unlock()
			if done {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("the positions are %v", b.at)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		first := map[string]int{}
		seen := map[string]map[string]bool{}
		for i, m := range w.got {
			if _, repeated := first[m.ID]; !repeated {
				first[m.ID] = i
			}
			if seen[m.Key] == nil {
				seen[m.Key] = map[string]bool{}
			}
			seen[m.Key][m.ID] = true
		}
		if len(first) != 115 {
			t.Errorf("%d events were published, want 115", len(first))
		}
		for i := 1; i+3 <= 95; i++ { // The next one of the same order.
			if first[fmt.Sprintf("acme/%d", i)] > first[fmt.Sprintf("acme/%d", i+3)] {
				t.Errorf("event %d came after %d of its order", i, i+3)
			}
		}
	})
}

// TestOneRelayAtATime: a second relay waits for the lease of the first.
func TestOneRelayAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, w := newBooks(map[string]int{"acme": 5}), &wall{}
		one, two := newRelay(b, w), newRelay(b, w)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var both sync.WaitGroup
		both.Go(func() { _ = one.Run(ctx) })
		both.Go(func() { _ = two.Run(ctx) })
		both.Wait()
		if len(w.got) != 5 {
			t.Errorf("%d events were published by two relays, want 5", len(w.got))
		}
		if b.leases > 3 {
			t.Errorf("leases were asked for and given back %d times in a tenth of a second, want one by each, and one given back", b.leases)
		}
		next := newRelay(b, w)
		now := next.Clock()
		if _, leased, err := b.LeasePosition(t.Context(), "acme", "bus", "another", now, now.Add(time.Second)); err != nil || !leased {
			t.Errorf("a relay that has stopped keeps its lease: %v %v", leased, err)
		}
	})
}

// TestLeaseTakenOver: a relay that has lost its lease publishes nothing more before it has it again, and goes on where the other is.
func TestLeaseTakenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, w := newBooks(map[string]int{"acme": 3}), &wall{}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		ended := make(chan error)
		go func() { ended <- newRelay(b, w).Run(ctx) }()
		await := func(what string, done func() bool) {
			t.Helper()
			for !done() {
				if ctx.Err() != nil {
					t.Fatalf("did not happen: %s", what)
				}
				time.Sleep(time.Millisecond)
			}
		}
		at := func() int64 { b.mu.Lock(); defer b.mu.Unlock(); return b.at["acme"] }
		await("the first are published", func() bool { return at() == 3 })
		b.mu.Lock()
		b.owner["acme"], b.until["acme"], b.at["acme"] = "another", time.Now().Add(time.Hour), 4
		b.rows["acme"] = append(b.rows["acme"], newBooks(map[string]int{"acme": 6}).rows["acme"][3:]...)
		b.mu.Unlock()
		await("it notices", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.leases > 1 })
		w.mu.Lock()
		published := len(w.got)
		w.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		if w.mu.Lock(); len(w.got) != published || at() != 4 {
			t.Errorf("%d and then %d events, position %d", published, len(w.got), at())
		}
		w.mu.Unlock()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestSchema holds what is published against the published schema, which must refuse what it does not describe.
func TestSchema(t *testing.T) {
	t.Parallel()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(event.CommissionSchema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("event.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("event.json")
	if err != nil {
		t.Fatal(err)
	}
	w := &wall{}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := newRelay(newBooks(map[string]int{"acme": 3}), w).Run(ctx); err != nil || len(w.got) != 3 {
			t.Fatalf("%d events, %v", len(w.got), err)
		}
	})
	for _, m := range w.got {
		told, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(told); err != nil {
			t.Errorf("%s: %v", m.Body, err)
		}
		for _, field := range []string{"id", "sequence", "data", "type"} {
			var broken map[string]any
			if err := json.Unmarshal(m.Body, &broken); err != nil {
				t.Fatal(err)
			}
			broken[field] = []any{}
			if schema.Validate(broken) == nil {
				t.Errorf("the schema takes any %s", field)
			}
		}
	}
}
