package woocommerce

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/plugin"
)

// maxAnswerBytes bounds what one answer may hold: a page of a hundred large orders.
const maxAnswerBytes = 32 << 20

// A shop that says "later" is asked again this often at most, and waited for this long at most each time.
const (
	maxTries = 4
	maxWait  = 20 * time.Second
)

// Client calls one store: its REST API with consumer keys, and the plugin's routes with the store's secret. It may be used
// by many goroutines.
type Client struct {
	// HTTP makes the calls. It decides which addresses may be reached and must not follow redirects; see adapters/fence.
	HTTP *http.Client
	// Base is the store's home address with its scheme, such as https://shop.example.com/de.
	Base string
	// Site is the store's domain as it is compared.
	Site string
	// Key and Secret are the consumer keys; "" where none were granted.
	Key, Secret string
	// Signing is the store's secret, which the plugin knows; nil where there is no plugin.
	Signing []byte
	Clock   func() time.Time
	// Wait lets time pass between two tries; nil: time does.
	Wait func(ctx context.Context, d time.Duration) error
}

// Failed is an answer that is not what was asked for.
type Failed struct {
	Status     int
	Code       string        // WordPress' own word, such as "rest_no_route"
	RetryAfter time.Duration // 0: not said
}

// Error tells the status and the word, which holds nothing of a person.
func (f *Failed) Error() string { return fmt.Sprintf("the store answered %d %s", f.Status, f.Code) }

// later reports whether the same call may succeed in a moment.
func (f *Failed) later() bool {
	return f.Status == http.StatusTooManyRequests || f.Status == http.StatusRequestTimeout || f.Status >= http.StatusInternalServerError
}

// answer is one answer of the store.
type answer struct {
	body []byte
	at   time.Time // by the store's own clock, whole seconds; ours where it does not say
}

// get asks the REST API. Keys go into the header and never into an address, which logs would keep.
func (c *Client) get(ctx context.Context, path string, query url.Values) (answer, error) {
	return c.try(ctx, path, func() (*http.Request, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address("/wp-json/wc/v3/"+path, query), http.NoBody)
		if err == nil {
			r.SetBasicAuth(c.Key, c.Secret)
		}
		return r, err
	})
}

// call asks one of the plugin's routes; every try is signed anew.
func (c *Client) call(ctx context.Context, call string, members map[string]any, into any) error {
	body := map[string]any{"type": call, "version": 1, "site": c.Base}
	for name, value := range members {
		body[name] = value
	}
	text, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("write the call: %w", err)
	}
	got, err := c.try(ctx, call, func() (*http.Request, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address("/wp-json/wc-upline/v1/"+call, nil), bytes.NewReader(text))
		if err != nil {
			return nil, err
		}
		id, at := "msg_"+nonce(), strconv.FormatInt(c.Clock().Unix(), 10)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(adapters.HeaderWebhookID, id)
		r.Header.Set(adapters.HeaderWebhookTimestamp, at)
		r.Header.Set(adapters.HeaderWebhookSignature, adapters.SignStandard(id, at, text, c.Signing))
		return r, nil
	})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(got.body, into); err != nil {
		return fmt.Errorf("ask the plugin for %s: %w", call, &Failed{Status: http.StatusOK, Code: "the answer is no JSON of the expected form"})
	}
	return nil
}

func (c *Client) address(path string, query url.Values) string {
	address := strings.TrimSuffix(c.Base, "/") + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// try sends a request, again where the store says later, and tells refusals for good from others.
func (c *Client) try(ctx context.Context, what string, build func() (*http.Request, error)) (got answer, err error) {
	for tries := 1; ; tries++ {
		request, err := build()
		if err != nil {
			return answer{}, fmt.Errorf("ask the store for %s: %w", what, err)
		}
		got, err = c.send(request)
		failed, refused := errors.AsType[*Failed](err)
		switch {
		case err == nil:
			return got, nil
		case refused && (failed.Status == http.StatusUnauthorized || failed.Status == http.StatusForbidden):
			return got, fmt.Errorf("ask the store for %s: %w: %w", what, adapters.ErrReauthorise, err)
		case refused && !failed.later(), ctx.Err() != nil, tries == maxTries:
			return got, fmt.Errorf("ask the store for %s: %w", what, err)
		}
		wait := time.Second << tries
		if refused && failed.RetryAfter > 0 {
			wait = failed.RetryAfter
		}
		if err := c.wait(ctx, min(wait, maxWait)); err != nil {
			return got, err
		}
	}
}

func (c *Client) wait(ctx context.Context, d time.Duration) error {
	if c.Wait != nil {
		return c.Wait(ctx, d)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (c *Client) send(r *http.Request) (answer, error) {
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Upline")
	response, err := c.HTTP.Do(r)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the address and its parameters
		}
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return answer{}, fmt.Errorf("read the answer: %w", err)
	case len(body) > maxAnswerBytes:
		return answer{}, &Failed{Status: response.StatusCode, Code: "with more than " + strconv.Itoa(maxAnswerBytes) + " bytes"}
	case response.StatusCode != http.StatusOK:
		return answer{}, failure(response, body)
	}
	at, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		at = c.Clock()
	}
	return answer{body: body, at: at.UTC().Truncate(time.Second)}, nil
}

// failure reads WordPress' word for what went wrong; other bodies are not repeated.
func failure(response *http.Response, body []byte) *Failed {
	failed := &Failed{Status: response.StatusCode, Code: "without a reason"}
	var told struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(body, &told) == nil && len(told.Code) <= 60 && strings.Trim(told.Code, "abcdefghijklmnopqrstuvwxyz0123456789_-") == "" && told.Code != "" {
		failed.Code = told.Code
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 && seconds < 86_400 {
		failed.RetryAfter = time.Duration(seconds) * time.Second
	}
	return failed
}

// nonce is an id nobody has used.
func nonce() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // It never fails.
	return hex.EncodeToString(raw[:])
}

// Check tries the consumer keys: whether they are this store's, and of a user who may read orders.
func (c *Client) Check(ctx context.Context) error {
	got, err := c.get(ctx, "system_status", url.Values{"_fields": {"environment"}})
	if err != nil {
		return err
	}
	var told struct {
		Environment struct {
			HomeURL string `json:"home_url"`
		} `json:"environment"`
	}
	if err := json.Unmarshal(got.body, &told); err != nil {
		return fmt.Errorf("read the store's system status: %w", &Failed{Status: http.StatusOK, Code: "which is no system status"})
	}
	if site := adapters.Site(told.Environment.HomeURL); !strings.EqualFold(site, c.Site) {
		return fmt.Errorf("the keys are of %q, not of %q: %w", site, c.Site, adapters.ErrReauthorise)
	}
	return nil
}

// isMissing reports whether the store says that there is no such thing.
func isMissing(err error) bool {
	failed, ok := errors.AsType[*Failed](err)
	return ok && failed.Status == http.StatusNotFound
}

// fetchedSnapshot is a snapshot of the plugin as it was told, with what a listing needs.
func fetchedSnapshot(raw jsontext.Value) (adapters.Fetched, error) {
	var in plugin.Snapshot
	if err := json.Unmarshal(raw, &in); err != nil || in.Order == nil || in.Order.ID == 0 {
		return adapters.Fetched{}, errors.New("a snapshot of the answer names no order")
	}
	return adapters.Fetched{PlatformOrderID: in.Order.ID.String(), UpdatedAt: in.Order.ModifiedAt, Body: bytes.Clone(raw)}, nil
}
