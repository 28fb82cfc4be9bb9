package magento

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
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"upline.dev/upline/adapters"
)

// maxAnswerBytes bounds what one answer may hold: a page of a hundred large orders.
const maxAnswerBytes = 32 << 20

// Client calls one store's core REST, signed by OAuth 1.0a. It may be used by many goroutines.
type Client struct {
	// HTTP makes the calls. It decides which addresses may be reached and must not follow redirects.
	HTTP *http.Client
	// Base is where the store answers, such as https://shop.example/; its path may end in index.php/.
	Base  *url.URL
	Keys  Keys
	Clock func() time.Time

	// Patience are the pauses between the tries of one step of connecting; each stands for one more try.
	Patience []time.Duration

	proxied    atomic.Bool
	moduleless atomic.Bool // the shop knows none of our module's routes
}

// HideScheme begins with what ThroughProxy has found before.
func (c *Client) HideScheme(hidden bool) { c.proxied.Store(hidden) }

// ThroughProxy reports that Magento sees another scheme than we call: a proxy in front of it does not send X-Forwarded-Proto, which
// its owner should mend.
func (c *Client) ThroughProxy() bool { return c.proxied.Load() }

// Failed is an answer that is neither what was asked for nor a refusal of our credentials.
type Failed struct {
	Status  int    // HTTP status, 0 where the answer could not be read
	Message string // Magento's own words, shortened
}

// Error tells the status and Magento's words.
func (f *Failed) Error() string { return fmt.Sprintf("Magento answered %d: %s", f.Status, f.Message) }

// asking is one call: its body is JSON, which is not signed, or nil; more are OAuth parameters of the handshake.
type asking struct {
	method, path string
	query        []pair
	body         []byte
	more         []pair
}

// call sends one request and reads its answer into target, which may be nil.
func (c *Client) call(ctx context.Context, a asking, target any) ([]byte, error) {
	address := c.address(a.path, a.query)
	scheme := address.Scheme
	if c.proxied.Load() {
		scheme = otherScheme(scheme)
	}
	body, err := c.send(ctx, &a, address, scheme)
	if wrongSignature(err) {
		// Magento signs the address it sees, and behind a proxy that may have another scheme. The connection is the same.
		again, second := c.send(ctx, &a, address, otherScheme(scheme))
		if _, answered := errors.AsType[*Failed](second); second == nil || answered && !wrongSignature(second) {
			c.proxied.Store(!c.proxied.Load())
		}
		if !wrongSignature(second) {
			body, err = again, second
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", a.method, a.path, reauthorise(err))
	}
	if target == nil {
		return body, nil
	}
	if err := json.Unmarshal(body, target); err != nil {
		return nil, fmt.Errorf("%s %s: %w", a.method, a.path, &Failed{Message: "the answer is no JSON of the expected form"})
	}
	return body, nil
}

func (c *Client) address(path string, query []pair) *url.URL {
	address := *c.Base
	address.Path = strings.TrimSuffix(address.Path, "/") + "/" + path
	address.RawPath = ""
	encoded := make([]pair, len(query))
	for i, p := range query {
		encoded[i] = pair{encode(p.name), encode(p.value)}
	}
	address.RawQuery = queryText(encoded)
	return &address
}

func (c *Client) send(ctx context.Context, a *asking, address *url.URL, scheme string) ([]byte, error) {
	header, err := c.Keys.signed(a.method, address, scheme, nonce(), strconv.FormatInt(c.Clock().Unix(), 10), a.more...)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, a.method, address.String(), bytes.NewReader(a.body))
	if err != nil {
		return nil, err
	}
	if a.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Authorization", header)
	request.Header.Set("Accept", "application/json")
	answer, err := c.HTTP.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the answer: %w", err)
	case len(body) > maxAnswerBytes:
		return nil, &Failed{Status: answer.StatusCode, Message: "the answer is larger than " + strconv.Itoa(maxAnswerBytes) + " bytes"}
	case answer.StatusCode != http.StatusOK:
		return nil, &Failed{Status: answer.StatusCode, Message: message(body)}
	default:
		return body, nil
	}
}

// withoutURL keeps an address with its parameters out of errors.
func withoutURL(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

// message is Magento's own word on a failure, with its %placeholders filled in; a body of another form is not repeated. The token
// endpoints answer with a form, of which oauth_problem is the word.
func message(body []byte) string {
	var told struct {
		Message    string         `json:"message"`
		Parameters map[string]any `json:"parameters"`
	}
	if json.Unmarshal(body, &told) != nil || told.Message == "" {
		form, err := url.ParseQuery(string(body[:min(len(body), 1<<10)]))
		if told.Message = form.Get("oauth_problem"); err != nil || told.Message == "" {
			return "an answer without a message"
		}
	}
	for name, value := range told.Parameters {
		told.Message = strings.ReplaceAll(told.Message, "%"+name, fmt.Sprint(value))
	}
	const most = 300
	return strings.ToValidUTF8(told.Message[:min(len(told.Message), most)], "?")
}

func wrongSignature(err error) bool {
	failed, ok := errors.AsType[*Failed](err)
	return ok && failed.Status == http.StatusUnauthorized && strings.Contains(strings.ToLower(failed.Message), "signature")
}

// reauthorise tells credentials that are gone from a permission that is missing, which Magento answers with 401 as well, and from
// everything that may pass.
func reauthorise(err error) error {
	failed, ok := errors.AsType[*Failed](err)
	if !ok || failed.Status != http.StatusUnauthorized {
		return err
	}
	return fmt.Errorf("%w: %w", adapters.ErrReauthorise, err)
}

// nonce is one nobody has used: Magento takes each once.
func nonce() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // It never fails.
	return hex.EncodeToString(raw[:])
}

// get is call with GET.
func (c *Client) get(ctx context.Context, path string, query []pair, target any) ([]byte, error) {
	return c.call(ctx, asking{method: http.MethodGet, path: path, query: query}, target)
}
