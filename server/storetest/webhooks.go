package storetest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/server"
	"upline.dev/upline/server/webhook"
)

// webhooks are the tests of outgoing webhooks.
var webhooks = map[string]func(*testing.T, *world){
	"webhooks/endpoints": testEndpoints,
	"webhooks/messages":  testMessages,
	"webhooks/senders":   testSenders,
	"webhooks/failures":  testFailures,
	"webhooks/forget":    testForgetMessages,
	"webhooks/facts":     testFacts,
}

func endpoint(id string, types ...string) webhook.Endpoint {
	return webhook.Endpoint{
		ProgramID: program, EndpointID: id, URL: "https://example.com/" + id, Types: types, State: webhook.Active,
		SealedSecret: []byte("sealed"), CreatedAt: begin, Version: 1,
	}
}

// message is an event of a subject, numbered.
func message(n int, subject string, at time.Time) webhook.Message {
	return webhook.Message{EventID: fmt.Sprintf("evt_%d", n), Type: webhook.CommissionEvent, Subject: subject, Body: fmt.Sprintf(`{"n":%d}`, n), DueAt: at, CreatedAt: at}
}

func testEndpoints(t *testing.T, w *world) {
	ok(t, w.Store.CreateEndpoint(w.ctx, endpoint("a", webhook.CommissionEvent), 2))
	ok(t, w.Store.CreateEndpoint(w.ctx, endpoint("b", webhook.OrderParked, webhook.PlanPublished), 2))
	wantCode(t, w.Store.CreateEndpoint(w.ctx, endpoint("c", webhook.OrderParked), 2), server.Conflict)
	changed, err := w.Store.ChangeEndpoint(w.ctx, program, "a", 1, func(e *webhook.Endpoint) error {
		e.Description, e.State, e.SealedOldSecret, e.OldUntil = "ERP", webhook.Paused, []byte("old"), begin.Add(time.Hour)
		return nil
	})
	ok(t, err)
	read, err := w.Store.Endpoint(w.ctx, program, "a")
	ok(t, err)
	if diff := cmp.Diff(changed, read); diff != "" || read.Version != 2 {
		t.Errorf("what was changed is not what is read: %s", diff)
	}
	_, err = w.Store.ChangeEndpoint(w.ctx, program, "a", 1, func(*webhook.Endpoint) error { return nil })
	wantCode(t, err, server.Conflict)
	_, err = w.Store.Endpoint(w.ctx, "rival", "a")
	wantCode(t, err, server.NotFound)
	all, err := w.Store.Endpoints(w.ctx, "")
	ok(t, err)
	if len(all) != 2 || all[0].ProgramID != program {
		t.Errorf("all endpoints: %v", all)
	}
	wantCode(t, w.Store.RemoveEndpoint(w.ctx, "rival", "a"), server.NotFound)
	ok(t, w.Store.RemoveEndpoint(w.ctx, program, "a"))
	wantCode(t, w.Store.RemoveEndpoint(w.ctx, program, "a"), server.NotFound)
}

func testMessages(t *testing.T, w *world) {
	ok(t, w.Store.CreateEndpoint(w.ctx, endpoint("a", webhook.CommissionEvent), 9))
	for range 2 { // the same events twice are there once
		ok(t, w.Store.AddMessages(w.ctx, program, []string{"a"}, []webhook.Message{message(1, "x", begin), message(2, "y", begin), message(3, "x", begin)}))
	}
	ok(t, w.Store.AddMessages(w.ctx, program, []string{"a"}, []webhook.Message{message(4, "z", begin.Add(time.Hour))}))
	list, next, err := w.Store.Messages(w.ctx, program, "a", webhook.Filter{State: webhook.Waiting}, 3, "")
	ok(t, err)
	rest, end, err := w.Store.Messages(w.ctx, program, "a", webhook.Filter{}, 3, next)
	ok(t, err)
	if got := len(list) + len(rest); got != 4 || end != "" || list[0].Sequence != 4 || rest[0].Sequence != 1 {
		t.Errorf("%d messages, the first %v, the last %v", got, list[0], rest[0])
	}
	all, err := w.Store.Endpoints(w.ctx, program)
	ok(t, err)
	if all[0].Waiting != 4 {
		t.Errorf("%d wait, want 4", all[0].Waiting)
	}
	wantCode(t, w.Store.AddMessages(w.ctx, program, []string{"none"}, []webhook.Message{message(9, "x", begin)}), server.NotFound)
	_, _, err = w.Store.Messages(w.ctx, program, "a", webhook.Filter{}, 3, "x")
	wantCode(t, err, server.Invalid)
	_, _, err = w.Store.Message(w.ctx, program, "a", 9)
	wantCode(t, err, server.NotFound)
}

func testSenders(t *testing.T, w *world) {
	ok(t, w.Store.CreateEndpoint(w.ctx, endpoint("a", webhook.CommissionEvent), 9))
	due := func(owner string, now time.Time) int {
		t.Helper()
		list, err := w.Store.Due(w.ctx, owner, now)
		ok(t, err)
		return len(list)
	}
	if due("one", begin) != 0 {
		t.Error("an endpoint without a message is due")
	}
	ok(t, w.Store.AddMessages(w.ctx, program, []string{"a"}, []webhook.Message{message(1, "x", begin), message(2, "x", begin)}))
	lease := func(owner string, now time.Time) bool {
		t.Helper()
		leased, err := w.Store.LeaseEndpoint(w.ctx, program, "a", owner, now, now.Add(time.Minute))
		ok(t, err)
		return leased
	}
	if due("one", begin) != 1 || !lease("one", begin) || lease("two", begin.Add(time.Second)) || due("two", begin.Add(time.Second)) != 0 {
		t.Error("two send to one endpoint at once")
	}
	window, err := w.Store.Window(w.ctx, program, "a", 10)
	ok(t, err)
	if len(window) != 2 || window[0].EventID != "evt_1" {
		t.Fatalf("window %v", window)
	}
	sent := webhook.Result{Sequence: 1, State: webhook.Delivered, Attempt: webhook.Attempt{Attempt: 1, At: begin, Status: 204, Latency: 1500 * time.Microsecond, Answer: "ok"}}
	_, err = w.Store.Record(w.ctx, program, "a", "two", []webhook.Result{sent}, time.Time{})
	wantCode(t, err, server.Conflict)
	e, err := w.Store.Record(w.ctx, program, "a", "one", []webhook.Result{sent}, time.Time{})
	ok(t, err)
	if !e.SucceededAt.Equal(begin) || !e.FailingSince.IsZero() {
		t.Errorf("after a success: %v, %v", e.SucceededAt, e.FailingSince)
	}
	m, attempts, err := w.Store.Message(w.ctx, program, "a", 1)
	ok(t, err)
	if diff := cmp.Diff([]webhook.Attempt{sent.Attempt}, attempts); diff != "" || m.State != webhook.Delivered || m.FinishedAt.IsZero() {
		t.Errorf("%v: %s", m, diff)
	}
	if !lease("two", begin.Add(time.Second)) {
		t.Error("what was recorded did not end the lease")
	}
}

func testFailures(t *testing.T, w *world) {
	ok(t, w.Store.CreateEndpoint(w.ctx, endpoint("a", webhook.CommissionEvent), 9))
	ok(t, w.Store.AddMessages(w.ctx, program, []string{"a"}, []webhook.Message{message(1, "x", begin)}))
	fail := func(attempt int, at time.Time, state string) webhook.Endpoint {
		t.Helper()
		_, err := w.Store.LeaseEndpoint(w.ctx, program, "a", "one", at, at.Add(time.Minute))
		ok(t, err)
		e, err := w.Store.Record(w.ctx, program, "a", "one", []webhook.Result{{
			Sequence: 1, State: state, DueAt: at.Add(time.Hour), Attempt: webhook.Attempt{Attempt: attempt, At: at, Status: 500, Fault: "x"},
		}}, at.Add(time.Minute))
		ok(t, err)
		return e
	}
	fail(1, begin, webhook.Waiting)
	e := fail(2, begin.Add(time.Hour), webhook.Failed)
	if !e.FailingSince.Equal(begin) {
		t.Errorf("failing since %v, want %v", e.FailingSince, begin)
	}
	if list, err := w.Store.Due(w.ctx, "one", begin.Add(24*time.Hour)); err != nil || len(list) != 0 {
		t.Errorf("a failed message is due: %v, %v", list, err)
	}
	n, err := w.Store.SendAgain(w.ctx, program, "a", 0, begin.Add(2*time.Hour))
	ok(t, err)
	if list, err := w.Store.Due(w.ctx, "one", begin.Add(2*time.Hour)); err != nil || n != 1 || len(list) != 1 {
		t.Errorf("sent again %d, due %v, %v", n, list, err)
	}
	window, err := w.Store.Window(w.ctx, program, "a", 1)
	ok(t, err)
	if window[0].Attempt != 2 || window[0].Base != 2 {
		t.Errorf("attempt %d on %d, want 2 on 2", window[0].Attempt, window[0].Base)
	}
	ok(t, w.Store.PauseEndpoint(w.ctx, program, "a", "It answered 410 Gone."))
	if list, err := w.Store.Due(w.ctx, "one", begin.Add(48*time.Hour)); err != nil || len(list) != 0 {
		t.Errorf("a paused endpoint is due: %v, %v", list, err)
	}
	if leased, err := w.Store.LeaseEndpoint(w.ctx, program, "a", "one", begin.Add(48*time.Hour), begin.Add(49*time.Hour)); err != nil || leased {
		t.Errorf("a paused endpoint is leased: %v", err)
	}
	_, err = w.Store.SendAgain(w.ctx, program, "a", 7, begin)
	wantCode(t, err, server.NotFound)
}

func testForgetMessages(t *testing.T, w *world) {
	ok(t, w.Store.CreateEndpoint(w.ctx, endpoint("a", webhook.CommissionEvent), 9))
	ok(t, w.Store.AddMessages(w.ctx, program, []string{"a"}, []webhook.Message{message(1, "x", begin), message(2, "y", begin), message(3, "z", begin.Add(time.Hour))}))
	_, err := w.Store.LeaseEndpoint(w.ctx, program, "a", "one", begin, begin.Add(time.Minute))
	ok(t, err)
	_, err = w.Store.Record(w.ctx, program, "a", "one", []webhook.Result{
		{Sequence: 1, State: webhook.Delivered, Attempt: webhook.Attempt{Attempt: 1, At: begin, Status: 200}},
		{Sequence: 3, State: webhook.Delivered, Attempt: webhook.Attempt{Attempt: 1, At: begin, Status: 200}},
	}, time.Time{})
	ok(t, err)
	left := func() (list []int64) {
		t.Helper()
		rows, _, err := w.Store.Messages(w.ctx, program, "a", webhook.Filter{}, 9, "")
		ok(t, err)
		for _, m := range rows {
			list = append(list, m.Sequence)
		}
		return list
	}
	ok(t, w.Store.ForgetMessages(w.ctx, begin.Add(time.Minute), begin.Add(-time.Minute)))
	if diff := cmp.Diff([]int64{3, 2}, left()); diff != "" {
		t.Errorf("the old one that is finished goes, and no other: %s", diff)
	}
	ok(t, w.Store.ForgetMessages(w.ctx, begin.Add(time.Minute), begin.Add(time.Minute)))
	if diff := cmp.Diff([]int64{3}, left()); diff != "" {
		t.Errorf("the old one that waits goes in the end: %s", diff)
	}
}

// testFacts finds what stands in the books, and in the audit log.
func testFacts(t *testing.T, w *world) {
	since := time.Now().Add(-time.Minute)
	ok(t, w.Store.Audit(w.ctx, program, "somebody", "plan.publish", "9f3c", ""))
	ok(t, w.Store.Audit(w.ctx, program, "somebody", "store.uninstall", "shop", "secret detail"))
	ok(t, w.Store.Audit(w.ctx, "rival", "somebody", "plan.publish", "4be1", ""))
	types := webhook.Types()
	list, err := w.Store.Facts(w.ctx, program, types, since)
	ok(t, err)
	got := map[string]string{}
	for _, e := range list {
		var data map[string]string
		ok(t, json.Unmarshal(e.Data, &data))
		if e.Type == webhook.StoreConnected {
			continue // the world connects its own
		}
		got[e.Type] = fmt.Sprint(e.Subject, data)
	}
	want := map[string]string{
		webhook.PlanPublished: "9f3c" + fmt.Sprint(map[string]string{"plan_hash": "9f3c"}), webhook.StoreDisconnected: "shop" + fmt.Sprint(map[string]string{"store_id": "shop", "cause": "uninstalled"}),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	again, err := w.Store.Facts(w.ctx, program, types, since)
	ok(t, err)
	if diff := cmp.Diff(list, again); diff != "" {
		t.Errorf("the same facts have other ids: %s", diff)
	}
	if none, err := w.Store.Facts(w.ctx, program, []string{webhook.CommissionEvent}, since); err != nil || len(none) != 0 {
		t.Errorf("the outbox's events are found: %v, %v", none, err)
	}
}
