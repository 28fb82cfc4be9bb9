package shopify

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	goshopify "github.com/bold-commerce/go-shopify/v4"
)

// identityQuery is asked once, when a shop installs the app.
//
//go:embed identity.graphql
var identityQuery string

// Identity is what a shop says of itself.
type Identity struct {
	Name     string
	Currency string // ISO 4217
	TimeZone string // IANA name
}

// Identify asks the shop for its name, currency and time zone. A client is made for the one call: go-shopify's shares state
// without a lock. Its calls are tried again by the caller and not by it, as it does not stop when ctx ends.
func (a *App) Identify(ctx context.Context, shop, token string) (Identity, error) {
	shop, err := ParseShop(shop)
	if err != nil {
		return Identity{}, err
	}
	client, err := goshopify.NewClient(goshopify.App{ApiKey: a.clientID}, shop, token,
		goshopify.WithVersion(APIVersion), goshopify.WithHTTPClient(a.http), goshopify.WithRetry(0))
	if err != nil {
		return Identity{}, fmt.Errorf("make a client for %s: %w", shop, err)
	}
	var answer struct {
		Shop struct {
			Name            string `json:"name"`
			MyshopifyDomain string `json:"myshopifyDomain"`
			CurrencyCode    string `json:"currencyCode"`
			IanaTimezone    string `json:"ianaTimezone"`
		} `json:"shop"`
	}
	if err := again(ctx, func() error { return identityError(client.GraphQL.Query(ctx, identityQuery, nil, &answer)) }); err != nil {
		return Identity{}, fmt.Errorf("ask %s for its name and currency: %w", shop, err)
	}
	if answer.Shop.MyshopifyDomain != shop || answer.Shop.CurrencyCode == "" {
		return Identity{}, fmt.Errorf("%s does not say its name and currency", shop)
	}
	return Identity{Name: answer.Shop.Name, Currency: answer.Shop.CurrencyCode, TimeZone: answer.Shop.IanaTimezone}, nil
}

// identityError tells failures that pass from those that stay. go-shopify's words may repeat a body, so they are not kept.
func identityError(err error) error {
	if err == nil {
		return nil
	}
	var limited goshopify.RateLimitError
	var response goshopify.ResponseError
	switch {
	case errors.As(err, &limited):
		return &passing{err: errors.New("the shop asks us to slow down (429)")}
	case errors.As(err, &response) && response.Status >= 400 && response.Status < 500:
		return fmt.Errorf("the shop answers %d", response.Status)
	}
	return &passing{err: errors.New("the shop's answer cannot be used")}
}
