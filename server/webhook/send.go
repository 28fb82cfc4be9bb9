package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/fence"
	"upline.dev/upline/server"
)

// delays are the pauses after failed attempts: seconds for what passes by itself, days for what somebody has to mend.
var delays = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour,
	8 * time.Hour, 12 * time.Hour, 24 * time.Hour, 24 * time.Hour,
}

// pauseAfter is how long nothing may succeed before an endpoint is paused. It is shorter than all delays together. What waits is
// kept for when somebody mends it: a message is given up only while others get through.
const pauseAfter = 72 * time.Hour

// Bounds of sending.
const (
	senderLease    = 60 * time.Second
	windowMessages = 128              // looked at in one go
	lanes          = 4                // subjects that are sent at once to one endpoint
	endpointsMax   = 32               // endpoints that are sent to at once
	attemptTimeout = 15 * time.Second // an endpoint answers first and works afterwards
	giveUpRound    = 4                // failures in a row after which an endpoint is left alone for a while
	restLeast      = 5 * time.Second
	restMost       = 10 * time.Minute
	answerBytes    = 1024 // kept of what was answered
)

// keepMessages is how long the log of what was sent is kept.
const (
	keepMessages = 30 * 24 * time.Hour
	forgetEvery  = time.Hour
)

// Sender sends what waits.
type Sender struct {
	Books     Books
	HTTP      *http.Client // behind the fence; it follows no redirect
	Opener    Sealer
	Clock     func() time.Time
	Logger    *slog.Logger
	UserAgent string
	Every     time.Duration // how often it is looked for what waits; default 500 ms

	owner string
	mu    sync.Mutex
	busy  map[string]bool // endpoints that are sent to now
}

// Run sends until ctx ends. What is under way then is finished or stays for the next one.
func (s *Sender) Run(ctx context.Context) {
	if s.Every == 0 {
		s.Every = 500 * time.Millisecond
	}
	s.owner, s.busy = rand.Text(), map[string]bool{}
	var working errgroup.Group
	working.SetLimit(endpointsMax)
	tick := time.NewTicker(s.Every)
	defer tick.Stop()
	var forgotten time.Time
	for {
		if err := s.begin(ctx, &working); err != nil && ctx.Err() == nil {
			s.Logger.WarnContext(ctx, "webhooks wait", "error", err)
		}
		if now := s.Clock(); now.Sub(forgotten) >= forgetEvery {
			forgotten = now
			if err := s.Books.ForgetMessages(ctx, now.Add(-keepMessages), now.Add(-2*keepMessages)); err != nil && ctx.Err() == nil {
				s.Logger.WarnContext(ctx, "old messages of webhooks stay", "error", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = working.Wait()
			return
		}
	}
}

// begin starts to send to each endpoint that has something due.
func (s *Sender) begin(ctx context.Context, working *errgroup.Group) error {
	due, err := s.Books.Due(ctx, s.owner, s.Clock().UTC())
	if err != nil {
		return err
	}
	for i := range due {
		e := due[i]
		if !s.take(e.EndpointID) {
			continue
		}
		started := working.TryGo(func() error {
			defer s.leave(e.EndpointID)
			if err := s.serve(ctx, &e); err != nil && ctx.Err() == nil {
				s.Logger.WarnContext(ctx, "an endpoint is sent to again later", "program", e.ProgramID, "endpoint", e.EndpointID, "error", err)
			}
			return nil
		})
		if !started {
			s.leave(e.EndpointID)
			return nil // all hands are full
		}
	}
	return nil
}

func (s *Sender) take(endpointID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[endpointID] {
		return false
	}
	s.busy[endpointID] = true
	return true
}

func (s *Sender) leave(endpointID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, endpointID)
}

// round is one go through an endpoint's window.
type round struct {
	*Sender
	endpoint *Endpoint
	secrets  [][]byte
	stop     context.CancelFunc

	mu      sync.Mutex
	results []Result
	inARow  int  // failures since the last success
	reached bool // something succeeded
	gone    bool // the endpoint answered 410: never again
}

// serve sends one window of an endpoint.
func (s *Sender) serve(ctx context.Context, e *Endpoint) error {
	now := s.Clock().UTC()
	leased, err := s.Books.LeaseEndpoint(ctx, e.ProgramID, e.EndpointID, s.owner, now, now.Add(senderLease))
	if err != nil || !leased {
		return err
	}
	r := &round{Sender: s, endpoint: e}
	window, err := r.begin(ctx, now)
	if err != nil {
		return errors.Join(err, r.end(context.WithoutCancel(ctx)))
	}
	sending, stop := context.WithTimeout(ctx, senderLease-attemptTimeout)
	defer stop()
	r.stop = stop
	var group errgroup.Group
	group.SetLimit(lanes)
	for _, chain := range chains(window, now) {
		group.Go(func() error {
			r.chain(sending, chain)
			return nil
		})
	}
	_ = group.Wait()
	return r.end(context.WithoutCancel(ctx))
}

// begin reads what waits, and what it is signed with.
func (r *round) begin(ctx context.Context, now time.Time) (window []Message, err error) {
	if r.secrets, err = r.Sender.secrets(r.endpoint, now); err != nil {
		return nil, err
	}
	return r.Books.Window(ctx, r.endpoint.ProgramID, r.endpoint.EndpointID, windowMessages)
}

// chains are the messages that may be sent now, by subject: a message that is not due yet holds back those behind it.
func chains(window []Message, now time.Time) [][]Message {
	at := map[string]int{}
	held := map[string]bool{}
	var list [][]Message
	for _, m := range window {
		if held[m.Subject] || m.DueAt.After(now) {
			held[m.Subject] = true
			continue
		}
		i, known := at[m.Subject]
		if !known {
			i = len(list)
			at[m.Subject] = i
			list = append(list, nil)
		}
		list[i] = append(list[i], m)
	}
	return list
}

// chain sends messages of one subject until one fails.
func (r *round) chain(ctx context.Context, chain []Message) {
	for i := range chain {
		if ctx.Err() != nil {
			return
		}
		a, err := r.attempt(ctx, &chain[i])
		if err != nil {
			return // it was not tried
		}
		if !r.note(&chain[i], a) {
			return
		}
	}
}

// note keeps what came of an attempt, and tells whether the endpoint has the message.
func (r *round) note(m *Message, a Attempt) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	result := Result{Sequence: m.Sequence, Attempt: a, State: Delivered}
	if !a.succeeded() {
		result.State = Failed
		if tried := a.Attempt - m.Base; tried <= len(delays) {
			result.State, result.DueAt = Waiting, a.At.Add(jitter(delays[tried-1]))
		}
		r.inARow++
		r.gone = r.gone || a.Status == http.StatusGone
		if r.inARow >= giveUpRound || r.gone {
			r.stop() // it is down: what is left is not tried in vain
		}
	} else {
		r.inARow, r.reached = 0, true
	}
	r.results = append(r.results, result)
	return a.succeeded()
}

// jitter adds up to a fifth, so that what failed together does not come back together.
func jitter(d time.Duration) time.Duration {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(d)/5+1))
	if err != nil {
		return d
	}
	return d + time.Duration(n.Int64())
}

// end writes the round down, lets the endpoint go, and pauses the endpoint where it has failed for too long.
func (r *round) end(ctx context.Context) error {
	now := r.Clock().UTC()
	if !r.reached && !r.endpoint.FailingSince.IsZero() {
		for i := range r.results {
			if result := &r.results[i]; result.State == Failed {
				result.State, result.DueAt = Waiting, now.Add(delays[len(delays)-1])
			}
		}
	}
	var retryAt time.Time
	if !r.reached && r.inARow >= giveUpRound {
		retryAt = now.Add(rest(r.endpoint.FailingSince, now))
	}
	e, err := r.Books.Record(ctx, r.endpoint.ProgramID, r.endpoint.EndpointID, r.owner, r.results, retryAt)
	if err != nil {
		return err
	}
	switch {
	case r.gone:
		return r.Books.PauseEndpoint(ctx, e.ProgramID, e.EndpointID, "It answered 410 Gone.")
	case !e.FailingSince.IsZero() && now.Sub(e.FailingSince) >= pauseAfter && e.State == Active:
		return r.Books.PauseEndpoint(ctx, e.ProgramID, e.EndpointID,
			fmt.Sprintf("Nothing has reached it since %s.", e.FailingSince.UTC().Format(time.RFC3339)))
	}
	return nil
}

// rest is how long an endpoint that is down is left alone: a tenth of the time it has been down.
func rest(failingSince, now time.Time) time.Duration {
	if failingSince.IsZero() {
		return restLeast
	}
	return min(max(now.Sub(failingSince)/10, restLeast), restMost)
}

// secrets are those that sign now, the new one first.
func (s *Sender) secrets(e *Endpoint, now time.Time) ([][]byte, error) {
	sealed := [][]byte{e.SealedSecret}
	if len(e.SealedOldSecret) > 0 && now.Before(e.OldUntil) {
		sealed = append(sealed, e.SealedOldSecret)
	}
	opened := make([][]byte, len(sealed))
	for i := range sealed {
		secret, err := s.Opener.Open(sealed[i], associated(e.ProgramID, e.EndpointID))
		if err != nil {
			return nil, fmt.Errorf("open the secret of endpoint %s: %w", e.EndpointID, err)
		}
		opened[i] = secret
	}
	return opened, nil
}

// attempt hands a message over once. An error means that it was not tried.
func (r *round) attempt(ctx context.Context, m *Message) (Attempt, error) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTimeout) // what was begun is ended, whatever others do
	defer cancel()
	request, err := http.NewRequestWithContext(limited, http.MethodPost, r.endpoint.URL, strings.NewReader(m.Body))
	if err != nil {
		return Attempt{}, fmt.Errorf("call %s: %w", host(r.endpoint.URL), err)
	}
	began := r.Clock()
	r.sign(request, m, began)
	a := Attempt{Attempt: m.Attempt + 1, At: began.UTC()}
	answer, err := r.HTTP.Do(request)
	a.Latency = r.Clock().Sub(began)
	if err != nil {
		a.Fault = faultOf(err)
		return a, nil
	}
	defer answer.Body.Close()
	a.Status = answer.StatusCode
	beginning, _ := io.ReadAll(io.LimitReader(answer.Body, answerBytes))
	a.Answer = printable(beginning)
	if a.Status >= 300 && a.Status < 400 {
		a.Fault = "redirects are not followed: name the address it leads to"
	}
	return a, nil
}

// sign sets the headers of Standard Webhooks, with a signature by each secret.
func (r *round) sign(request *http.Request, m *Message, at time.Time) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(r.secrets))
	for i, secret := range r.secrets {
		signatures[i] = adapters.SignStandard(m.EventID, timestamp, []byte(m.Body), secret)
	}
	h := request.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", r.UserAgent)
	h.Set(adapters.HeaderWebhookID, m.EventID)
	h.Set(adapters.HeaderWebhookTimestamp, timestamp)
	h.Set(adapters.HeaderWebhookSignature, strings.Join(signatures, " "))
}

// faultOf says why there was no answer, in words without an address of ours.
func faultOf(err error) string {
	var timeout interface{ Timeout() bool }
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, fence.ErrForbidden):
		return "the name leads to an address that is not public; only public addresses are called, and only by https"
	case errors.As(err, &name) && name.IsNotFound:
		return "the name of the host is not known"
	case errors.As(err, &certificate):
		return "the certificate is not valid for this address"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("no answer within %d seconds", int(attemptTimeout/time.Second))
	}
	return "the connection failed"
}

// printable is text for the log: what is no UTF-8, or moves a cursor, is taken out.
func printable(text []byte) string {
	text = bytes.ToValidUTF8(text, nil)
	if !utf8.Valid(text) {
		return ""
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, string(text)))
}

// Lost is the error of Record where the lease is another's.
func Lost(endpointID string) error {
	return server.Errorf(server.Conflict, "another sender serves endpoint %s", endpointID)
}
