package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// front answers from the first moment of the process to its last: before the database is there it says that it is not
// ready, and while the process stops it says so to whoever spreads requests, while those that still come are answered.
type front struct {
	server   *http.Server
	surface  atomic.Pointer[http.Handler] // nil: not started yet
	waiting  atomic.Pointer[string]       // what the start waits for
	stopping atomic.Bool
	failed   chan error
}

// openFront begins to answer on a listener.
func openFront(listener net.Listener) *front {
	f := &front{failed: make(chan error, 1)}
	f.server = &http.Server{
		Handler: f, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 64 << 10,
	}
	go func() {
		if err := f.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			f.failed <- fmt.Errorf("serve: %w", err)
		}
	}()
	return f
}

// start hands requests to the surface from now on.
func (f *front) start(surface http.Handler) { f.surface.Store(&surface) }

// wait says what the start waits for.
func (f *front) wait(why string) { f.waiting.Store(&why) }

// ServeHTTP is http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	surface := f.surface.Load()
	switch {
	case f.stopping.Load() && r.URL.Path == "/readyz":
		notReady(w, "this process is stopping; ask another one")
	case surface != nil:
		(*surface).ServeHTTP(w, r)
	case r.URL.Path == "/healthz":
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = fmt.Fprintf(w, "{\"status\":\"starting\",\"version\":%q}", version)
	default:
		why := "this process is starting"
		if waiting := f.waiting.Load(); waiting != nil {
			why = *waiting
		}
		notReady(w, why)
	}
}

// notReady is a problem document like those of the surface.
func notReady(w http.ResponseWriter, detail string) {
	body, _ := json.Marshal(map[string]any{
		"type": "https://upline.dev/problems/unavailable", "title": http.StatusText(http.StatusServiceUnavailable),
		"status": http.StatusServiceUnavailable, "detail": detail,
	})
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Retry-After", "2")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write(body)
}

// stop says that this process is not ready, goes on until the notice is over so that whoever spreads requests can hear it,
// and then finishes the requests that are open.
func (f *front) stop(ctx context.Context, notice <-chan time.Time) error {
	f.stopping.Store(true)
	select {
	case <-notice:
	case <-ctx.Done():
	}
	return f.server.Shutdown(ctx)
}
