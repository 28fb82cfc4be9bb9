package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"upline.dev/upline/adapters/fence"
	"upline.dev/upline/adapters/magento"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/secret"
)

// magentoShops ends the handshakes that Magento stores begin.
type magentoShops struct {
	http     *http.Client
	loopback bool
	clock    func() time.Time
}

var _ channel.Magento = (*magentoShops)(nil)

// magentoShops speaks with Magento stores behind the fence.
func (s ShopSettings) magentoShops(clock func() time.Time) *magentoShops {
	client := fence.Client(s.LoopbackShops)
	client.Timeout = handshakeCall
	return &magentoShops{http: client, loopback: s.LoopbackShops, clock: clock}
}

// handshakeCall bounds one call of a handshake, which has 300 s in all.
const handshakeCall = 20 * time.Second

// patience are the pauses between the tries of one step.
func patience() []time.Duration {
	return []time.Duration{time.Second, 3 * time.Second, 9 * time.Second}
}

// Loopback is of the setting for tests. See channel.Magento.
func (m *magentoShops) Loopback() bool { return m.loopback }

// Trouble is the adapter's word. See channel.Magento.
func (m *magentoShops) Trouble(err error) string { return magento.Trouble(err) }

// Shake asks for lasting credentials. See channel.Magento.
func (m *magentoShops) Shake(ctx context.Context, base string, p *channel.Posted) (install.Credentials, error) {
	client, err := magentoClient(m.http, base, install.Credentials{Key: p.Key, Secret: p.Secret}, m.clock)
	if err != nil {
		return install.Credentials{}, err
	}
	client.Patience = patience()
	keys, err := magento.Handshake(ctx, client, p.Verifier.Reveal())
	return install.Credentials{
		Key: secret.Text(keys.ConsumerKey), Secret: secret.Text(keys.ConsumerSecret), Token: secret.Text(keys.Token), TokenSecret: secret.Text(keys.TokenSecret),
		Base: base, SchemeHidden: client.ThroughProxy(),
	}, err
}

// Tell hands the module its connection. See channel.Magento.
func (m *magentoShops) Tell(ctx context.Context, creds *install.Credentials, told *channel.Told) (installID string, err error) {
	client, err := magentoClient(m.http, creds.Base, *creds, m.clock)
	if err != nil {
		return "", err
	}
	client.Patience = patience()
	got, err := magento.Connect(ctx, client, &magento.Connection{
		Server: told.Server, StoreID: told.StoreID, Site: told.Site, WebhookURL: told.WebhookURL, APIURL: told.APIURL, Secret: told.Secret,
		IdentityKey: told.IdentityKey, ReferenceParameter: told.ReferenceParameter, WebsiteID: told.WebsiteID,
	})
	if _, answered := errors.AsType[*magento.Failed](err); err != nil && !answered {
		err = fmt.Errorf("%w: %w", channel.ErrUnsure, err)
	}
	return got.InstallID, err
}

// magentoClient calls a store with its credentials where they say that it answers.
func magentoClient(client *http.Client, base string, creds install.Credentials, clock func() time.Time) (*magento.Client, error) {
	at, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("read the shop's address: %w", err)
	}
	c := &magento.Client{HTTP: client, Base: at, Clock: clock, Keys: magento.Keys{
		ConsumerKey: creds.Key.Reveal(), ConsumerSecret: creds.Secret.Reveal(), Token: creds.Token.Reveal(), TokenSecret: creds.TokenSecret.Reveal(),
	}}
	c.HideScheme(creds.SchemeHidden)
	return c, nil
}
