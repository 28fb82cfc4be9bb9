package channel

import (
	"context"
	"encoding/json"
	"time"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/secret"
)

// maxUnmapped bounds the SKUs that a status names; the screen at Upline has all.
const maxUnmapped = 20

// LatestPlugin is the newest version of the plugins that fits this server.
const LatestPlugin = "1.0.0"

// statusView is what the plugin's status page shows.
type statusView struct {
	StoreID      string        `json:"store_id"`
	Name         string        `json:"name"`
	Platform     string        `json:"platform"`
	Currency     string        `json:"currency"`
	ConnectedAt  time.Time     `json:"connected_at"`
	Reads        bool          `json:"reads"` // reading keys are there and work
	ServerTime   time.Time     `json:"server_time"`
	LastOrderAt  *time.Time    `json:"last_order_at"`
	Orders       int64         `json:"orders"`
	Parked       int64         `json:"parked"`
	MappedSKUs   int64         `json:"mapped_skus"`
	Unmapped     []unmappedSKU `json:"unmapped"`
	LatestPlugin string        `json:"latest_plugin"`
}

type unmappedSKU struct {
	PlatformSKU string `json:"platform_sku"`
	Orders      int64  `json:"orders"`
}

func (s *Service) status(ctx context.Context, st *admin.Store, _ []byte) (any, error) {
	figures, err := s.Books.StoreFigures(ctx, st.ProgramID, st.StoreID)
	if err != nil {
		return nil, err
	}
	c, err := s.Books.Channel(ctx, st.StoreID)
	if err != nil && server.CodeOf(err) != server.NotFound {
		return nil, err
	}
	overview, err := s.Reader.Overview(ctx, st.ProgramID)
	if err != nil {
		return nil, err
	}
	missing, err := s.Reader.UnmappedSKUs(ctx, st.ProgramID)
	if err != nil {
		return nil, err
	}
	creds, err := s.Install.Credentials(ctx, st.StoreID)
	v := statusView{
		StoreID: st.StoreID, Name: st.Name, Platform: string(st.Platform), Currency: string(st.Currency), ConnectedAt: c.ClaimedAt,
		Reads: err == nil && creds.Key != "", ServerTime: s.now(), Orders: figures.Orders, Parked: figures.Parked,
		MappedSKUs: overview.MappedSKUs, Unmapped: []unmappedSKU{}, LatestPlugin: LatestPlugin,
	}
	if !figures.LastOrderAt.IsZero() {
		v.LastOrderAt = &figures.LastOrderAt
	}
	for _, sku := range missing {
		if sku.Platform == string(st.Platform) && len(v.Unmapped) < maxUnmapped {
			v.Unmapped = append(v.Unmapped, unmappedSKU{sku.PlatformSKU, sku.Orders})
		}
	}
	return v, nil
}

// Heartbeat is what a plugin says of itself every few minutes.
type Heartbeat struct {
	QueueDepth     int64             `json:"queue_depth"`
	OldestUnsentAt *time.Time        `json:"oldest_unsent_at"` // nil: nothing waits
	Failed         int64             `json:"failed"`
	LastError      string            `json:"last_error"`
	Paused         bool              `json:"paused"`
	Clock          *time.Time        `json:"clock"`
	Versions       map[string]string `json:"versions"`
	TimeZone       string            `json:"time_zone"`
	Currency       string            `json:"currency"`
}

// Bounds of a heartbeat: it is shown, not computed with.
const (
	maxText     = 300
	maxVersions = 12
)

func (s *Service) heartbeat(ctx context.Context, st *admin.Store, body []byte) (any, error) {
	var h Heartbeat
	if err := decode(body, &h); err != nil {
		return nil, err
	}
	if h.QueueDepth < 0 || h.Failed < 0 || len(h.Versions) > maxVersions {
		return nil, invalid("queue_depth", "want counts from 0, and at most 12 versions")
	}
	h.LastError, h.TimeZone, h.Currency = short(h.LastError), short(h.TimeZone), short(h.Currency)
	for name, version := range h.Versions {
		h.Versions[name] = short(version)
	}
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	now := s.now()
	if err := s.Books.PutHeartbeat(ctx, st.ProgramID, st.StoreID, now, text); err != nil {
		return nil, err
	}
	return map[string]time.Time{"server_time": now}, nil
}

// short bounds a text of the shop's and keeps what no database can hold out of it.
func short(text string) string {
	runes := []rune(text)
	kept := runes[:0]
	for _, r := range runes[:min(len(runes), maxText)] {
		if r >= ' ' {
			kept = append(kept, r)
		}
	}
	return string(kept)
}

// Silence is how long a plugin may say nothing, or an order may wait in its queue, before somebody should look.
const Silence = 15 * time.Minute

// Trouble says what is wrong with a store's plugin, in a sentence for people; "" where nothing is.
func (c *Channel) Trouble(now time.Time) string {
	var h Heartbeat
	switch {
	case c.HeartbeatAt.IsZero() && now.Sub(c.ClaimedAt) < Silence:
		return ""
	case c.HeartbeatAt.IsZero():
		return "the plugin has not reported since it was connected"
	case now.Sub(c.HeartbeatAt) > Silence:
		return "the plugin has not reported since " + c.HeartbeatAt.UTC().Format(time.RFC3339)
	case json.Unmarshal(c.Heartbeat, &h) != nil:
		return "the plugin's last report cannot be read"
	case h.OldestUnsentAt != nil && now.Sub(*h.OldestUnsentAt) > Silence:
		return "an order has waited in the shop's queue since " + h.OldestUnsentAt.UTC().Format(time.RFC3339)
	}
	return ""
}

// rotate gives the plugin a new secret; the one before stays valid until the next rotation.
func (s *Service) rotate(ctx context.Context, st *admin.Store, _ []byte) (any, error) {
	service := *s.Admin
	service.Actor = actor(st.StoreID)
	text, err := service.RotateSecret(ctx, st.StoreID)
	if err != nil {
		return nil, err
	}
	return map[string]string{"secret": text}, nil
}

// disconnect ends the secret and forgets the reading keys. What was told stays.
func (s *Service) disconnect(ctx context.Context, st *admin.Store, _ []byte) (any, error) {
	service := *s.Admin
	service.Actor = actor(st.StoreID)
	if err := s.Install.Uninstall(ctx, st.StoreID, s.now(), service.Actor); err != nil {
		return nil, err
	}
	if _, err := service.RenewSecret(ctx, st.StoreID); err != nil { // Nobody learns the new one.
		return nil, err
	}
	return map[string]bool{"disconnected": true}, nil
}

// ReadingKeys are what WooCommerce grants: a consumer key and its secret, which never expire by themselves.
func ReadingKeys(key, text string) install.Credentials {
	return install.Credentials{Key: secret.Text(key), Secret: secret.Text(text)}
}

// pageOf bounds a limit that a plugin asks for.
func pageOf(limit, usual, most int, after string) (query.Page, error) {
	if limit == 0 {
		limit = usual
	}
	if limit < 1 || limit > most {
		return query.Page{}, invalid("limit", "the limit is out of range")
	}
	return query.Page{Limit: limit, After: after}, nil
}

// watchEvery is how often plugins are looked after; they report as often.
const watchEvery = 5 * time.Minute

// Watch looks after the plugins of all programs until ctx ends and tells of each that needs a person.
func (s *Service) Watch(ctx context.Context, programs func(ctx context.Context) ([]string, error), tell func(storeID, trouble string, err error)) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.LookAfter(ctx, programs, tell)
		}
	}
}

// LookAfter tells once of every plugin that needs a person. A store that was disconnected needs nobody.
func (s *Service) LookAfter(ctx context.Context, programs func(ctx context.Context) ([]string, error), tell func(storeID, trouble string, err error)) {
	ids, err := programs(ctx)
	if err != nil {
		tell("", "", err)
		return
	}
	for _, id := range ids {
		list, err := s.Books.Channels(ctx, id)
		if err != nil {
			tell("", "", err)
			continue
		}
		for i := range list {
			trouble := list[i].Trouble(s.now())
			if trouble == "" {
				continue
			}
			if c, err := s.Install.Books.Connection(ctx, list[i].StoreID); err != nil || c.State == install.Uninstalled {
				continue
			}
			tell(list[i].StoreID, trouble, nil)
		}
	}
}
