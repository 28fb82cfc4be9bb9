package webhook_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/server/bus"
	"upline.dev/upline/server/webhook"
)

func (w *world) collector() *webhook.Collector {
	return &webhook.Collector{Books: w.books, Relay: w.books, Clock: w.clock, Logger: slog.New(slog.DiscardHandler), Every: 10 * time.Millisecond}
}

// another adds an endpoint for other types.
func (w *world) another(types ...string) string {
	w.t.Helper()
	address := w.server.URL + "/other"
	e, _, err := w.service.Create(w.t.Context(), "acme", "test", webhook.Choice{URL: &address, Types: types})
	fatal(w.t, err)
	return e.EndpointID
}

func (w *world) told(endpointID string) (list []webhook.Message) {
	w.t.Helper()
	list, _, err := w.books.Messages(w.t.Context(), "acme", endpointID, webhook.Filter{}, 100, "")
	fatal(w.t, err)
	return list
}

// TestTheOutboxIsTold: a row of the outbox is a message for who chose its type, once, however often the relay publishes it.
func TestTheOutboxIsTold(t *testing.T) {
	t.Parallel()
	w := open(t)
	settled := w.another(webhook.OrderSettled)
	event := func(sequence string, at time.Time) bus.Message {
		body, err := json.Marshal(map[string]any{
			"id": "acme/" + sequence, "programid": "acme", "sequence": sequence, "subject": "shop/1", "time": at,
			"data": map[string]any{"order_id": "shop/1", "revision": 2, "snapshot_id": "s", "events": []any{map[string]string{"amount": "1.00"}}},
		})
		fatal(t, err)
		return bus.Message{ID: "acme/" + sequence, Body: body}
	}
	at := w.clock().Add(time.Minute)
	for range 2 {
		fatal(t, w.collector().Publish(t.Context(), webhook.CommissionEvent, []bus.Message{event("6", at.Add(-time.Hour)), event("7", at)}))
	}
	fatal(t, w.collector().Publish(t.Context(), "another.topic", []bus.Message{{Body: []byte("{")}}))
	if err := w.collector().Publish(t.Context(), webhook.CommissionEvent, []bus.Message{{Body: []byte("{")}}); err == nil {
		t.Error("what cannot be read is passed over")
	}
	for id, want := range map[string]string{
		w.id:    `{"order_id":"shop/1","revision":2,"snapshot_id":"s","events":[{"amount":"1.00"}]}`,
		settled: `{"order_id":"shop/1","revision":2,"snapshot_id":"s"}`,
	} {
		list := w.told(id)
		if len(list) != 1 {
			t.Fatalf("%d messages: what happened before there was an endpoint is not told, and nothing twice", len(list))
		}
		var body struct {
			ID, Type  string
			ProgramID string `json:"program_id"`
			Data      any
		}
		var data any
		fatal(t, json.Unmarshal([]byte(list[0].Body), &body))
		fatal(t, json.Unmarshal([]byte(want), &data))
		if diff := cmp.Diff(data, body.Data); diff != "" || body.ID != list[0].EventID || body.Type != list[0].Type || body.ProgramID != "acme" || list[0].Subject != "shop/1" {
			t.Errorf("%+v: %s", body, diff)
		}
	}
}

// TestTheBooksAreLookedAt: what the audit log says becomes a message, once.
func TestTheBooksAreLookedAt(t *testing.T) {
	t.Parallel()
	w := open(t)
	plans := w.another(webhook.PlanPublished, webhook.StoreDisconnected)
	time.Sleep(2 * time.Millisecond)
	fatal(t, w.books.Audit(t.Context(), "acme", "test", "plan.publish", "9f3c", ""))
	fatal(t, w.books.Audit(t.Context(), "acme", "test", "store.needs_reauth", "shop", "why"))
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	ended := make(chan struct{})
	go func() { defer close(ended); w.collector().Look(ctx) }()
	for len(w.told(plans)) < 2 && ctx.Err() == nil {
		w.pass(time.Second)
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // some looks more
	stop()
	<-ended
	list := w.told(plans)
	if len(list) != 2 || list[0].Type != webhook.StoreDisconnected || list[1].Subject != "9f3c" || len(w.told(w.id)) != 0 {
		t.Errorf("%+v", list)
	}
}

// TestOnlyProgramsWithEndpointsAreFollowed, so that others cost nothing.
func TestOnlyProgramsWithEndpointsAreFollowed(t *testing.T) {
	t.Parallel()
	w := open(t)
	followed := webhook.Followed{Books: w.books, Endpoints: w.books.Endpoints}
	ids, err := followed.ProgramIDs(t.Context())
	fatal(t, err)
	fatal(t, w.service.Remove(t.Context(), "acme", "test", w.id))
	none, err := followed.ProgramIDs(t.Context())
	fatal(t, err)
	if diff := cmp.Diff([]string{"acme"}, ids); diff != "" || len(none) != 0 {
		t.Errorf("%s, then %v", diff, none)
	}
}
