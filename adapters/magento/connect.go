package magento

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"upline.dev/upline/adapters/fence"
)

// Handshake turns the verifier that Magento posted into lasting credentials; it has to happen within 300 s of the post. Each of its two
// steps is tried again by itself where the shop did not answer: what one step has used up is not asked for twice.
func Handshake(ctx context.Context, c *Client, verifier string) (Keys, error) {
	c.Keys.Token, c.Keys.TokenSecret = "", ""
	request, err := c.token(ctx, "oauth/token/request")
	if err != nil {
		return Keys{}, fmt.Errorf("ask for a request token: %w", err)
	}
	c.Keys.Token, c.Keys.TokenSecret = request.Get("oauth_token"), request.Get("oauth_token_secret")
	access, err := c.token(ctx, "oauth/token/access", pair{"oauth_verifier", verifier})
	if err != nil {
		return Keys{}, fmt.Errorf("ask for an access token: %w", err)
	}
	c.Keys.Token, c.Keys.TokenSecret = access.Get("oauth_token"), access.Get("oauth_token_secret")
	return c.Keys, nil
}

// token reads a form-encoded pair of token and secret.
func (c *Client) token(ctx context.Context, path string, more ...pair) (values url.Values, err error) {
	err = c.patiently(ctx, func() error {
		body, err := c.call(ctx, asking{method: http.MethodPost, path: path, more: more}, nil)
		if err != nil {
			return err
		}
		values, err = url.ParseQuery(string(bytes.TrimSpace(body)))
		if err != nil || !isToken(values.Get("oauth_token")) || !isToken(values.Get("oauth_token_secret")) {
			return &Failed{Status: http.StatusOK, Message: "the answer holds no token"}
		}
		return nil
	})
	return values, err
}

// maxTokenBytes is far above the 32 letters and digits that Magento makes.
const maxTokenBytes = 256

// isToken keeps what is no token out of headers and of the database.
func isToken(text string) bool {
	odd := strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
	return text != "" && len(text) <= maxTokenBytes && !odd
}

// patiently calls f again, after each of c.Patience, while the shop may answer better in a moment.
func (c *Client) patiently(ctx context.Context, f func() error) error {
	err := f()
	for _, pause := range c.Patience {
		if err == nil || !passes(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(pause):
		}
		err = f()
	}
	return err
}

// passes reports whether a failure may be over in a moment: the connection failed, or the shop said later.
func passes(err error) bool {
	if failed, ok := errors.AsType[*Failed](err); ok {
		return failed.Status == http.StatusTooManyRequests || failed.Status >= http.StatusInternalServerError
	}
	return !errors.Is(err, fence.ErrForbidden)
}

// Connection is what a module is told once: where it reports, and how it signs. docs/plugin-protocol.md names the members.
type Connection struct {
	Server             string `json:"server"` // this server's address
	StoreID            string `json:"store_id"`
	Site               string `json:"site"`
	WebhookURL         string `json:"webhook_url"`
	APIURL             string `json:"api_url"`
	Secret             string `json:"secret"`
	IdentityKey        string `json:"identity_key"`
	ReferenceParameter string `json:"reference_parameter"`
	WebsiteID          int    `json:"website_id"` // 0: all websites without a connection of their own
}

// Module is what the module says of itself when it was told.
type Module struct {
	InstallID string `json:"install_id"`
	StoreID   string `json:"store_id"`
	Version   string `json:"module"`
	Magento   string `json:"magento"`
}

// Connect tells the module its connection. The credentials have to be lasting ones.
func Connect(ctx context.Context, c *Client, told *Connection) (m Module, err error) {
	body, err := json.Marshal(told)
	if err != nil {
		return m, fmt.Errorf("write the connection: %w", err)
	}
	err = c.patiently(ctx, func() error {
		_, err := c.call(ctx, asking{method: http.MethodPost, path: "rest/V1/upline/connection", body: body}, &m)
		return err
	})
	if err != nil {
		return m, fmt.Errorf("tell the module its connection: %w", err)
	}
	return m, nil
}

// Trouble says in one or two sentences what hindered connecting, and what mends it. It repeats nothing but Magento's own message.
func Trouble(err error) string {
	failed, answered := errors.AsType[*Failed](err)
	message := ""
	if answered {
		message = strings.ToLower(failed.Message)
	}
	switch {
	case errors.Is(err, fence.ErrForbidden):
		return "The shop's address leads to no public https address, so that it is not called. Reach the shop by https, or name its public address when you connect it."
	case errors.Is(err, context.DeadlineExceeded):
		return "The shop did not answer in time. See whether it is up, and begin again."
	case !answered:
		return "The shop could not be reached by https. See whether its certificate is good and whether a firewall keeps this server out, and begin again."
	case strings.Contains(message, "signature"):
		return "Magento found the signature wrong, for http and for https. See that the proxy before the shop hands on the Host header and X-Forwarded-Proto, that the shop's base URL is the one that is called, and begin again."
	case strings.Contains(message, "nonce") || strings.Contains(message, "timestamp"):
		return "Magento refused the time of the call. Set the clocks of both servers by NTP, and begin again."
	case failed.Status == http.StatusUnauthorized && strings.Contains(message, "authorized to access"):
		return "The integration may not use the module's routes: " + failed.Message + " Press Reconnect in Magento, which grants them anew."
	case failed.Status == http.StatusUnauthorized:
		return "Magento refused the handshake: " + failed.Message + " Press Connect in Magento again, with a new code."
	case failed.Status == http.StatusNotFound:
		return "The shop has no such address. See that the module is switched on, that /rest and /oauth lead to Magento, and that the API address is right."
	case failed.Status >= 300 && failed.Status < 400:
		return "The shop answers with a redirect, which is not followed. Name the address that it leads to when you connect the shop."
	case failed.Status >= http.StatusInternalServerError:
		return "The shop answered with an error of its own (" + http.StatusText(failed.Status) + "). Look into its var/log, or end its maintenance, and begin again."
	}
	return "The shop did not answer as Magento does (" + failed.Message + "). See that its address leads to Magento and not to another page, and begin again."
}
