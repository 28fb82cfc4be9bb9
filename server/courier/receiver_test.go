package courier_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/server/bus"
	"upline.dev/upline/server/courier"
)

// asked is an engine that writes down what it was asked to take.
type asked struct {
	ids    []string
	err    error
	behind bool
}

func (a *asked) Behind() bool { return a.behind }

func (a *asked) Take(_ context.Context, ids []string) error {
	a.ids = append(a.ids, ids...)
	return a.err
}

func receiver(a *asked) *courier.Receiver {
	return &courier.Receiver{Engine: a, Logger: slog.New(slog.DiscardHandler), Clock: time.Now}
}

const told = `{"specversion":"1.0","type":"dev.upline.order.normalised.v1","programid":"p1","data":{"delivery_id":"0199f3a0-0000-7000-8000-000000000001"}}`

// TestTheDatabaseIsAway: word comes again while the engine cannot take it, and is nobody's fault.
func TestTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	away := errors.New("the database is away")
	a := &asked{err: away}
	if err := receiver(a).Handle(t.Context(), []bus.Message{{Body: []byte("{")}, {Body: []byte(told)}}); err != away { //nolint:errorlint // As it is: wrapped as poison it would be given up.
		t.Errorf("the handler said %v", err)
	}
}

// TestWordOfABacklog: while the engine's sweep is behind, word of what has waited long is left to it, and the rest is taken.
func TestWordOfABacklog(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	word := func(id, at string) bus.Message {
		return bus.Message{Body: fmt.Appendf(nil, `{"specversion":"1.0","type":"dev.upline.order.normalised.v1","programid":"p1"%s,"data":{"delivery_id":"%s"}}`, at, id)}
	}
	batch := []bus.Message{
		word("old", `,"time":"2026-03-01T11:59:40Z"`), word("new", `,"time":"2026-03-01T11:59:41.5Z"`), word("ahead", `,"time":"2026-03-01T12:01:00Z"`),
		word("untold", ""), word("unreadable", `,"time":"noon"`),
	}
	for behind, want := range map[bool]string{true: "new ahead untold unreadable", false: "old new ahead untold unreadable"} {
		a := &asked{behind: behind}
		r := receiver(a)
		r.Clock = func() time.Time { return now }
		if err := r.Handle(t.Context(), batch); err != nil || strings.Join(a.ids, " ") != want {
			t.Errorf("behind %v: the engine was asked for %q, want %q; %v", behind, a.ids, want, err)
		}
	}
}

// FuzzHandle: whatever a broker brings, nothing panics, and an engine is asked only for what can be an id of ours.
func FuzzHandle(f *testing.F) {
	for _, seed := range []string{
		told, "", "{", "null", `{"specversion":"1.0","type":"dev.upline.order.normalised.v2"}`,
		`{"specversion":"1.0","type":"dev.upline.order.normalised.v1","programid":"p1","data":{"delivery_id":"a\u0000b"}}`,
		`{"specversion":"1.0","type":"dev.upline.order.normalised.v1","programid":"p1","data":7}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := &asked{}
		_ = receiver(a).Handle(t.Context(), []bus.Message{{ID: "one", Body: body}, {ID: "two", Body: []byte(told)}})
		if len(a.ids) == 0 || len(a.ids) > 2 {
			t.Fatalf("the engine was asked for %q, want the good one at least", a.ids)
		}
		for _, id := range a.ids {
			for _, r := range id {
				if r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
					t.Fatalf("the engine was asked for %q", id)
				}
			}
		}
	})
}
