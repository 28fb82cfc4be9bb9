package shopifytest

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
)

// Fault is one failure, for the next request whose path begins with Path.
type Fault struct {
	Path  string
	Serve func(w http.ResponseWriter, r *http.Request, s *Server)
}

// TokenPath is where tokens come from.
const TokenPath = "/admin/oauth/access_token" //nolint:gosec // a path

// Fail makes the next requests fail, one fault each, in order.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Heal ends all faults to come.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault gives the first fault for the request's path; s.mu is held.
func (s *Server) takeFault(r *http.Request) *Fault {
	for i, f := range s.faults {
		if strings.HasPrefix(r.URL.Path, f.Path) {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			return &f
		}
	}
	return nil
}

// Status answers with a bare status, for example 500 or 502.
func Status(path string, status int) Fault {
	return Fault{path, func(w http.ResponseWriter, _ *http.Request, _ *Server) {
		http.Error(w, http.StatusText(status), status)
	}}
}

// Throttle answers 429 with a Retry-After in seconds.
func Throttle(path string, seconds int) Fault {
	return Fault{path, func(w http.ResponseWriter, _ *http.Request, _ *Server) {
		w.Header().Set("Retry-After", strconv.Itoa(seconds)+".0")
		http.Error(w, "Exceeded 2 calls per second", http.StatusTooManyRequests)
	}}
}

// Garbage answers 200 with a page instead of JSON.
func Garbage(path string) Fault {
	return Fault{path, func(w http.ResponseWriter, _ *http.Request, _ *Server) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>Something went wrong</title>"))
	}}
}

// Hang answers nothing until Release, or until the caller goes.
func Hang(path string) Fault {
	return Fault{path, func(_ http.ResponseWriter, r *http.Request, s *Server) {
		select {
		case <-s.release:
		case <-r.Context().Done():
		}
	}}
}

// LoseAnswer does what is asked, and ends the connection instead of answering.
func LoseAnswer(path string) Fault {
	return Fault{path, func(_ http.ResponseWriter, r *http.Request, s *Server) {
		s.mux.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}}
}

// Redirect sends the caller elsewhere.
func Redirect(path, to string) Fault {
	return Fault{path, func(w http.ResponseWriter, r *http.Request, _ *Server) {
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	}}
}

// Release lets go whoever hangs; once.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.release:
	default:
		close(s.release)
	}
}
