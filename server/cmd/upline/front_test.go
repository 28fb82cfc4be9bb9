package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/server"
)

// ask gives status and body of one request.
func ask(t *testing.T, address, path string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// TestFront: it says what a start waits for, hands over once started, and says that it stops while it still answers.
func TestFront(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, address := openFront(listener), listener.Addr().String()
	if status, body := ask(t, address, "/healthz"); status != http.StatusOK || !strings.Contains(body, "starting") {
		t.Errorf("alive while starting: %d %s", status, body)
	}
	f.wait("PostgreSQL cannot be reached")
	for _, path := range []string{"/readyz", "/webhooks/shopify"} {
		if status, body := ask(t, address, path); status != http.StatusServiceUnavailable || !strings.Contains(body, "PostgreSQL cannot be reached") {
			t.Errorf("%s while starting: %d %s", path, status, body)
		}
	}
	f.start(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the surface") }))
	if status, body := ask(t, address, "/readyz"); status != http.StatusOK || body != "the surface" {
		t.Errorf("started: %d %s", status, body)
	}
	stopped, notice := make(chan error, 1), make(chan time.Time)
	go func() { stopped <- f.stop(context.WithoutCancel(t.Context()), notice) }()
	for !f.stopping.Load() {
		time.Sleep(time.Millisecond)
	}
	if status, body := ask(t, address, "/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "stopping") {
		t.Errorf("ready while stopping: %d %s", status, body)
	}
	if status, body := ask(t, address, "/other"); status != http.StatusOK || body != "the surface" {
		t.Errorf("a request while stopping: %d %s", status, body)
	}
	close(notice)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestUnreachableDatabase: the sentence names the server and not the password; a start waits as long as it was told to.
func TestUnreachableDatabase(t *testing.T) {
	t.Parallel()
	env := &environment{
		Settings: Settings{Data: t.TempDir(), DatabaseURL: "postgres://upline:hidden@127.0.0.1:1/upline?sslmode=disable"},
		log:      slog.New(slog.DiscardHandler),
	}
	var told []string
	begin := time.Now()
	_, err := env.openWithin(t.Context(), 1500*time.Millisecond, func(sentence string) { told = append(told, sentence) })
	if server.CodeOf(err) != server.Unavailable || !strings.Contains(err.Error(), "PostgreSQL at 127.0.0.1:1 cannot be reached") || strings.Contains(err.Error(), "hidden") {
		t.Errorf("the error is %v", err)
	}
	if len(told) != 1 || strings.Contains(told[0], "hidden") {
		t.Errorf("told %q, want one sentence", told)
	}
	if waited := time.Since(begin); waited < 1500*time.Millisecond || waited > 10*time.Second {
		t.Errorf("it waited %v", waited)
	}
	begin = time.Now()
	if _, err := env.openWithin(t.Context(), 0, func(string) {}); err == nil || time.Since(begin) > 5*time.Second {
		t.Errorf("without patience: %v after %v", err, time.Since(begin))
	}
}

// TestKeysOfAnotherInstallation: a process with other keys would seal what nobody else can open.
func TestKeysOfAnotherInstallation(t *testing.T) {
	dir := t.TempDir()
	env := &environment{Settings: Settings{Data: dir}, log: slog.New(slog.DiscardHandler)}
	for range 2 {
		a, err := env.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := a.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("UPLINE_KEYS", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	if _, err := env.open(t.Context()); err == nil || !strings.Contains(err.Error(), "UPLINE_KEYS") || !strings.Contains(err.Error(), filepath.Base(dir)) {
		t.Errorf("other keys: %v", err)
	}
}
