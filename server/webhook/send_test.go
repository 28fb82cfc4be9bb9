package webhook_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/fence"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/secret"
	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest/blank"
	"upline.dev/upline/server/webhook"
)

// world is a program with an endpoint that is a server of the test, and a clock that the test moves.
type world struct {
	t       *testing.T
	books   *store.Store
	ring    *secret.Ring
	service *webhook.Service
	secrets [][]byte // the endpoint's, newest first
	id      string
	server  *httptest.Server

	mu     sync.Mutex
	now    time.Time
	answer func(n int, r *http.Request) int // the status of the n-th request, from 1
	got    []received
}

type received struct {
	id, body, signature string
	timestamp           time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if err := adapters.VerifyStandard(r.Header.Get, body, w.secrets); err != nil {
		w.t.Errorf("the signature: %v", err)
	}
	seconds, err := strconv.ParseInt(r.Header.Get(adapters.HeaderWebhookTimestamp), 10, 64)
	if err != nil {
		w.t.Errorf("the timestamp: %v", err)
	}
	w.mu.Lock()
	w.got = append(w.got, received{r.Header.Get(adapters.HeaderWebhookID), string(body), r.Header.Get(adapters.HeaderWebhookSignature), time.Unix(seconds, 0)})
	n, answer := len(w.got), w.answer
	w.mu.Unlock()
	status := http.StatusOK
	if answer != nil {
		status = answer(n, r)
	}
	if status == http.StatusFound {
		out.Header().Set("Location", "/elsewhere")
	}
	out.WriteHeader(status)
	_, _ = io.WriteString(out, "thanks\x00\x1b[2J")
}

// ids are the events received, in their order.
func (w *world) ids() (list []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.got {
		list = append(list, r.id)
	}
	return list
}

func open(t *testing.T) *world {
	t.Helper()
	dir := blank.Dir(t)
	ring, err := secret.Load(filepath.Join(dir, "keys.json"), "")
	fatal(t, err)
	w := &world{t: t, ring: ring, now: time.Now()}
	w.books, err = store.Open(t.Context(), store.Config{DataDir: dir, Opener: ring})
	fatal(t, err)
	t.Cleanup(func() { fatal(t, w.books.Close()) })
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	_, err = (&admin.Service{Books: w.books, Sealer: ring, Random: rand.Reader, Actor: "test"}).CreateProgram(t.Context(), admin.Program{ProgramID: "acme", Name: "Acme", Currency: "EUR"})
	fatal(t, err)
	w.service = &webhook.Service{Books: w.books, Auditor: w.books, Sealer: ring, Random: rand.Reader, Clock: w.clock, Loopback: true}
	address := w.server.URL + "/hook"
	e, text, err := w.service.Create(t.Context(), "acme", "test", webhook.Choice{URL: &address, Types: []string{webhook.CommissionEvent}})
	fatal(t, err)
	w.id, w.secrets = e.EndpointID, [][]byte{raw(t, text)}
	return w
}

func raw(t *testing.T, text string) []byte {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	fatal(t, err)
	return key
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tell adds events, each named by subject and number, such as "x1".
func (w *world) tell(names ...string) {
	w.t.Helper()
	var list []webhook.Message
	for _, name := range names {
		list = append(list, webhook.Message{EventID: name, Type: webhook.CommissionEvent, Subject: name[:1], Body: `{"id":"` + name + `"}`, DueAt: w.clock(), CreatedAt: w.clock()})
	}
	fatal(w.t, w.books.AddMessages(w.t.Context(), "acme", []string{w.id}, list))
}

// run lets a sender work until done says so.
func (w *world) run(done func() bool) {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.t.Context(), 2*time.Minute) // hundreds of commits, where others need the machine too
	sender := &webhook.Sender{
		Books: w.books, HTTP: fence.Client(true), Opener: w.ring, Clock: w.clock, UserAgent: "Upline/test", Every: 5 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler),
	}
	ended := make(chan struct{})
	go func() { defer close(ended); sender.Run(ctx) }()
	for !done() && ctx.Err() == nil {
		time.Sleep(2 * time.Millisecond)
	}
	if ctx.Err() != nil {
		w.t.Error("it did not come to pass")
	}
	stop()
	<-ended
}

func (w *world) states() (all map[string]int) {
	w.t.Helper()
	list, _, err := w.books.Messages(w.t.Context(), "acme", w.id, webhook.Filter{}, 1000, "")
	fatal(w.t, err)
	all = map[string]int{}
	for _, m := range list {
		all[m.State]++
	}
	return all
}

func (w *world) endpoint() webhook.Endpoint {
	w.t.Helper()
	e, err := w.books.Endpoint(w.t.Context(), "acme", w.id)
	fatal(w.t, err)
	return e
}

// TestEachSubjectKeepsItsOrder, while many are sent at once and some fail for a while.
func TestEachSubjectKeepsItsOrder(t *testing.T) {
	t.Parallel()
	w := open(t)
	var names []string
	for n := range 40 {
		for _, subject := range "abcdef" {
			names = append(names, fmt.Sprintf("%c%d", subject, n))
		}
	}
	w.tell(names...)
	w.answer = func(n int, _ *http.Request) int {
		if n%17 == 0 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
	w.run(func() bool { w.pass(time.Second); return w.states()[webhook.Delivered] == len(names) })
	last, had := map[string]int{}, map[string]bool{}
	for _, id := range w.ids() {
		n, err := strconv.Atoi(id[1:])
		fatal(t, err)
		if n > last[id[:1]]+1 || n < last[id[:1]] {
			t.Fatalf("%s came after %s%d", id, id[:1], last[id[:1]])
		}
		last[id[:1]], had[id] = n, true
	}
	if len(had) != len(names) {
		t.Errorf("%d of %d came", len(had), len(names))
	}
}

// TestWhatFailsIsTriedForDays, with growing pauses and the same id, and then given up; by hand it is sent once more.
func TestWhatFailsIsTriedForDays(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.answer = func(n int, r *http.Request) int {
		if r.Header.Get(adapters.HeaderWebhookID) == "x1" && n < 1000 {
			return http.StatusInternalServerError
		}
		return http.StatusNoContent
	}
	w.tell("x1", "x2", "y1")
	w.run(func() bool { return len(w.ids()) >= 2 && w.states()[webhook.Delivered] == 1 })
	began := w.clock()
	for range 200 {
		if w.states()[webhook.Failed] == 1 {
			break
		}
		w.tell("y" + strconv.Itoa(len(w.ids()))) // others reach it, so that it is not paused
		before := len(w.ids())
		w.pass(time.Hour)
		w.run(func() bool { return w.states()[webhook.Waiting] <= 2 && len(w.ids()) > before })
	}
	if took := w.clock().Sub(began); w.states()[webhook.Failed] != 1 || took < 70*time.Hour || took > 110*time.Hour {
		t.Fatalf("given up after %v: %v", took, w.states())
	}
	w.run(func() bool { return w.states()[webhook.Waiting] == 0 }) // x2 waited for x1, and goes now
	m, attempts, err := w.books.Message(t.Context(), "acme", w.id, 1)
	fatal(t, err)
	if len(attempts) != 13 || attempts[0].Status != 500 || attempts[0].Answer != "thanks[2J" || m.State != webhook.Failed {
		t.Errorf("%d attempts, the last %+v, %s", len(attempts), attempts[0], m.State)
	}
	w.answer = nil
	_, err = w.service.SendAgain(t.Context(), "acme", "test", w.id, 1)
	fatal(t, err)
	w.run(func() bool { return w.states()[webhook.Failed] == 0 && w.states()[webhook.Waiting] == 0 })
	ids := w.ids()
	if diff := cmp.Diff("x1", ids[len(ids)-1]); diff != "" {
		t.Errorf("sent anew: %s", diff)
	}
}

// TestAnEndpointThatIsDownIsPaused, and goes on where it was once somebody has mended it.
func TestAnEndpointThatIsDownIsPaused(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.answer = func(int, *http.Request) int { return http.StatusFound } // redirects are not followed
	for n := range 20 {
		w.tell(fmt.Sprintf("%c1", 'a'+n))
	}
	w.run(func() bool { return w.states()[webhook.Waiting] == 20 && !w.endpoint().FailingSince.IsZero() })
	if n := len(w.ids()); n > 8 {
		t.Errorf("%d requests went to an endpoint that is down before it was left alone", n)
	}
	for range 400 {
		if w.endpoint().State == webhook.Paused {
			break
		}
		w.pass(30 * time.Minute)
		before := len(w.ids())
		w.run(func() bool { w.pass(time.Minute); return len(w.ids()) > before || w.endpoint().State == webhook.Paused })
	}
	e := w.endpoint()
	if e.State != webhook.Paused || !strings.Contains(e.Reason, "Nothing has reached it since") || w.states()[webhook.Failed] != 0 {
		t.Fatalf("%s %q %v", e.State, e.Reason, w.states())
	}
	if _, err := w.service.Test(t.Context(), "acme", "test", w.id); err == nil {
		t.Error("a paused endpoint is tested")
	}
	w.answer = nil
	active := webhook.Active
	_, err := w.service.Change(t.Context(), "acme", "test", w.id, -1, webhook.Choice{State: &active})
	fatal(t, err)
	w.pass(48 * time.Hour)
	w.run(func() bool { return w.states()[webhook.Delivered] == 20 })
}

// TestGone: an endpoint that answers 410 wants nothing any more.
func TestGone(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.answer = func(int, *http.Request) int { return http.StatusGone }
	w.tell("x1")
	w.run(func() bool { return w.endpoint().State == webhook.Paused })
	if e := w.endpoint(); !strings.Contains(e.Reason, "410") || len(w.ids()) != 1 {
		t.Errorf("%q after %d requests", e.Reason, len(w.ids()))
	}
}

// TestSecretsOverlap: after a rotation either secret verifies, for a day.
func TestSecretsOverlap(t *testing.T) {
	t.Parallel()
	w := open(t)
	old := w.secrets[0]
	text, err := w.service.Rotate(t.Context(), "acme", "test", w.id)
	fatal(t, err)
	for _, secrets := range [][][]byte{{old}, {raw(t, text)}} { // the server verifies with one alone
		w.secrets = secrets
		id, err := w.service.Test(t.Context(), "acme", "test", w.id)
		fatal(t, err)
		w.run(func() bool { ids := w.ids(); return len(ids) > 0 && ids[len(ids)-1] == id })
	}
	w.pass(webhook.Overlap + time.Second)
	w.tell("x1")
	w.run(func() bool { return w.states()[webhook.Waiting] == 0 })
	if last := w.got[len(w.got)-1]; strings.Contains(last.signature, " ") {
		t.Errorf("the old secret signs for ever: %s", last.signature)
	}
}

// TestInsideIsNotReached: a name that leads into our own network is not called.
func TestInsideIsNotReached(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.tell("x1")
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	sender := &webhook.Sender{Books: w.books, HTTP: fence.Client(false), Opener: w.ring, Clock: w.clock, Every: 5 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)}
	var ended sync.WaitGroup
	ended.Go(func() { sender.Run(ctx) })
	defer ended.Wait()
	defer stop()
	for {
		if ctx.Err() != nil {
			t.Fatal("nobody tried to send")
		}
		_, attempts, err := w.books.Message(t.Context(), "acme", w.id, 1)
		fatal(t, err)
		if len(attempts) > 0 {
			if !strings.Contains(attempts[0].Fault, "not public") || attempts[0].Status != 0 {
				t.Errorf("%+v", attempts[0])
			}
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if len(w.ids()) != 0 {
		t.Error("it was reached")
	}
}
