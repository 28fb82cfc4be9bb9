package adminapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/Khan/genqlient/graphql"
)

// Limits of one call.
const (
	MaxAnswerBytes = 16 << 20         // the largest page of orders stays below a tenth of it
	attemptTimeout = 30 * time.Second // Shopify ends a query after 10 s by itself
	maxAttempts    = 6                // with backoff about one minute; then the caller's own schedule counts
	firstBackoff   = 500 * time.Millisecond
	longBackoff    = 20 * time.Second
	maxRetryAfter  = 2 * time.Minute // a longer Retry-After is not waited for
)

// TokenSource hands out the shop's access token.
type TokenSource interface {
	// Token is the access token to use now.
	Token(ctx context.Context) (string, error)
	// Renew is called with a token that Shopify refused, and gives another one. adapters.ErrReauthorise where there is none.
	Renew(ctx context.Context, refused string) (string, error)
}

// Options are a client's seams; the zero value is for production.
type Options struct {
	Transport http.RoundTripper                          // nil: http.DefaultTransport
	Clock     func() time.Time                           // nil: time.Now
	Sleep     func(context.Context, time.Duration) error // nil: waits, or ends with the context
	Bell      *Bell                                      // rings at the end of a bulk operation; nil: it is asked after
}

// Client speaks to one shop. It is safe for concurrent use.
type Client struct {
	shop     string
	tokens   TokenSource
	http     *http.Client
	clock    func() time.Time
	sleep    func(context.Context, time.Duration) error
	bell     *Bell
	throttle throttle
}

var _ graphql.Client = (*Client)(nil)

// shopHost is the only form of host that the token is ever sent to.
var shopHost = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*\.myshopify\.com$`)

// New makes a client for a shop such as "example.myshopify.com"; any other kind of host is refused.
func New(shop string, tokens TokenSource, o Options) (*Client, error) {
	if len(shop) > 255 || !shopHost.MatchString(shop) {
		return nil, &Error{Kind: NoShop, Operation: "client", Shop: told(shop), Detail: "want a shop's own host, such as example.myshopify.com"}
	}
	c := &Client{shop: shop, tokens: tokens, clock: o.Clock, sleep: o.Sleep, bell: o.Bell}
	if c.clock == nil {
		c.clock = time.Now //nolint:forbidigo // the default of a clock that is an argument
	}
	if c.sleep == nil {
		c.sleep = sleep
	}
	c.http = &http.Client{Transport: o.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c, nil
}

// Shop is the shop's host.
func (c *Client) Shop() string { return c.shop }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// call is one operation on its way through its attempts.
type call struct {
	req     *graphql.Request
	body    []byte
	renewed bool
	token   string
}

// MakeRequest sends one document and fills in resp.Data. What may pass is tried again with backoff and jitter; a
// mutation only where it surely was not carried out. See Kind for the errors.
func (c *Client) MakeRequest(ctx context.Context, req *graphql.Request, resp *graphql.Response) error {
	body, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("write %s: %w", req.OpName, err)
	}
	cl := &call{req: req, body: body}
	for attempt := 1; ; attempt++ {
		if wait := c.throttle.reserve(req.OpName, c.clock()); wait > 0 {
			if err := c.sleep(ctx, wait); err != nil {
				return c.ended(req, err)
			}
		}
		wait, err := c.attempt(ctx, cl, resp)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return c.ended(req, ctx.Err())
		}
		if !cl.mayRepeat(err) || attempt >= maxAttempts || wait > maxRetryAfter {
			return err
		}
		if wait == 0 {
			wait = backoff(attempt)
		}
		if err := c.sleep(ctx, wait); err != nil {
			return c.ended(req, err)
		}
	}
}

// ended is a call whose context has ended.
func (c *Client) ended(req *graphql.Request, err error) error {
	return fmt.Errorf("run %s on %s: %w", req.OpName, c.shop, err)
}

// mayRepeat says whether the same call may be sent again. Nobody knows whether a mutation that had no proper answer was
// carried out.
func (cl *call) mayRepeat(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case Throttled:
		return true
	case Unavailable, Hanging, Garbage:
		return !strings.HasPrefix(strings.TrimSpace(cl.req.Query), "mutation")
	default:
		return false
	}
}

// backoff doubles, and up to half of it is left to chance.
func backoff(attempt int) time.Duration {
	delay := min(longBackoff, firstBackoff<<(attempt-1))
	return delay - rand.N(delay/2) //nolint:gosec // Nobody gains by guessing when an attempt is made.
}

// attempt sends the call once, and once more with a renewed token where the first is refused. wait is how long the shop
// asks to wait before the next attempt; 0: it does not say.
func (c *Client) attempt(ctx context.Context, cl *call, resp *graphql.Response) (wait time.Duration, err error) {
	if cl.token == "" {
		if cl.token, err = c.tokens.Token(ctx); err != nil {
			return 0, fmt.Errorf("token of %s: %w", c.shop, err)
		}
	}
	wait, err = c.send(ctx, cl, resp)
	var e *Error
	if !errors.As(err, &e) || e.Kind != Unauthorized || cl.renewed {
		return wait, err
	}
	cl.renewed = true
	if cl.token, err = c.tokens.Renew(ctx, cl.token); err != nil {
		return 0, fmt.Errorf("renew the token of %s: %w", c.shop, err)
	}
	return c.send(ctx, cl, resp)
}

// send is one request.
func (c *Client) send(ctx context.Context, cl *call, resp *graphql.Response) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	url := "https://" + c.shop + "/admin/api/" + Version + "/graphql.json"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(cl.body))
	if err != nil {
		return 0, fmt.Errorf("make the request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("X-Shopify-Access-Token", cl.token)
	answer, err := c.http.Do(request)
	if err != nil {
		return 0, c.noAnswer(cl, err)
	}
	defer func() { _ = answer.Body.Close() }() // It was read, or is of no use.
	if answer.StatusCode != http.StatusOK {
		return retryAfter(answer.Header), c.refused(cl, answer.StatusCode)
	}
	if served := answer.Header.Get("X-Shopify-API-Version"); served != Version {
		return 0, c.fail(cl, WrongVersion, answer.StatusCode, fmt.Sprintf("asked for %s, served by %q; this build is too old or too new", Version, told(served)))
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, MaxAnswerBytes+1))
	switch {
	case err != nil:
		return 0, c.noAnswer(cl, err)
	case len(body) > MaxAnswerBytes:
		return 0, c.fail(cl, TooLarge, answer.StatusCode, fmt.Sprintf("more than %d bytes", MaxAnswerBytes))
	}
	return c.read(cl, body, resp)
}

func (c *Client) fail(cl *call, kind Kind, status int, detail string) *Error {
	return &Error{Kind: kind, Operation: cl.req.OpName, Shop: c.shop, Status: status, Detail: detail}
}

// noAnswer tells a hang from a broken connection. The library's words hold the URL, which has no secret in it.
func (c *Client) noAnswer(cl *call, err error) error {
	kind := Unavailable
	if errors.Is(err, context.DeadlineExceeded) {
		kind = Hanging
	}
	e := c.fail(cl, kind, 0, told(err.Error()))
	e.err = err
	return e
}

// refused names an answer other than 200.
func (c *Client) refused(cl *call, status int) error {
	switch {
	case status == http.StatusTooManyRequests:
		return c.fail(cl, Throttled, status, "")
	case status == http.StatusUnauthorized:
		return c.fail(cl, Unauthorized, status, "")
	case status == http.StatusForbidden:
		return c.fail(cl, Denied, status, "the app has no access to this shop, or lacks a scope")
	case status >= 500:
		return c.fail(cl, Unavailable, status, "")
	case status >= 300 && status < 400:
		return c.fail(cl, Redirected, status, "the shop's host sends us elsewhere, and the token does not go there")
	}
	return c.fail(cl, Refused, status, "the shop is closed, frozen or unknown")
}

// retryAfter reads whole or fractional seconds; 0 where there are none.
func retryAfter(header http.Header) time.Duration {
	seconds, err := time.ParseDuration(header.Get("Retry-After") + "s")
	if err != nil || seconds < 0 {
		return 0
	}
	return seconds
}

// answerBody is a GraphQL answer.
type answerBody struct {
	Data       json.RawMessage `json:"data"`
	Errors     queryErrors     `json:"errors"`
	Extensions struct {
		Cost *cost `json:"cost"`
	} `json:"extensions"`
}

// queryErrors are the errors of an answer. Shopify also sends a mere string.
type queryErrors []queryError

type queryError struct {
	Message    string `json:"message"`
	Path       []any  `json:"path"`
	Extensions struct {
		Code           string `json:"code"`
		RequiredAccess string `json:"requiredAccess"`
	} `json:"extensions"`
}

// UnmarshalJSON takes a list or one text.
func (q *queryErrors) UnmarshalJSON(text []byte) error {
	var message string
	if json.Unmarshal(text, &message) == nil && message != "" {
		*q = queryErrors{{Message: message}}
		return nil
	}
	var list []queryError
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*q = list
	return nil
}

// read takes an answer apart. Data beside errors is not used: a null that only means "not allowed" must not be taken for
// "none".
func (c *Client) read(cl *call, body []byte, resp *graphql.Response) (time.Duration, error) {
	var answer answerBody
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, c.fail(cl, Garbage, http.StatusOK, "the answer is not JSON of a GraphQL answer")
	}
	var wait time.Duration
	if answer.Extensions.Cost != nil {
		wait = c.throttle.learn(cl.req.OpName, *answer.Extensions.Cost, c.clock())
	}
	if len(answer.Errors) > 0 {
		return wait, c.errorsOf(cl, answer.Errors)
	}
	if len(answer.Data) == 0 || string(answer.Data) == "null" {
		return 0, c.fail(cl, Garbage, http.StatusOK, "the answer has neither data nor errors")
	}
	if err := json.Unmarshal(answer.Data, resp.Data); err != nil {
		return 0, c.fail(cl, Garbage, http.StatusOK, "the data is not what the schema promises")
	}
	return 0, nil
}

// errorsOf names the first error that decides what to do.
func (c *Client) errorsOf(cl *call, list queryErrors) error {
	first := list[0]
	detail := told(first.Message)
	if len(list) > 1 {
		detail += " and " + strconv.Itoa(len(list)-1) + " more"
	}
	switch first.Extensions.Code {
	case "THROTTLED":
		return c.fail(cl, Throttled, http.StatusOK, "")
	case "MAX_COST_EXCEEDED":
		return c.fail(cl, TooCostly, http.StatusOK, detail)
	case "ACCESS_DENIED":
		if first.Extensions.RequiredAccess != "" {
			detail += "; required: " + told(first.Extensions.RequiredAccess)
		}
		return c.fail(cl, Denied, http.StatusOK, detail)
	case "INTERNAL_SERVER_ERROR", "TIMEOUT":
		return c.fail(cl, Unavailable, http.StatusOK, detail)
	}
	return c.fail(cl, Partial, http.StatusOK, detail)
}
