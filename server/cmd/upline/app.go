package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"upline.dev/upline/adapters/shopify/adminapi"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/imports"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/secret"
	"upline.dev/upline/server/store"
)

// app is the database with the services that stand on it.
type app struct {
	store *store.Store
	ring  *secret.Ring
	admin *admin.Service
	bulks adminapi.Bell // rings at the end of a shop's bulk operations
}

// withApp opens the database, runs f and closes it.
func (e *environment) withApp(ctx context.Context, f func(*app) error) (err error) {
	a, err := e.open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := a.store.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("close database: %w", closeErr)
		}
	}()
	return f(a)
}

func (e *environment) open(ctx context.Context) (*app, error) {
	if err := e.checkSettings(); err != nil {
		return nil, err
	}
	ring, err := secret.Load(filepath.Join(e.Data, "keys.json"), os.Getenv("UPLINE_KEYS"))
	if err != nil {
		return nil, wrongSetting("%v", err)
	}
	config := e.storeConfig()
	config.Opener = ring
	st, err := store.Open(ctx, config)
	if server.CodeOf(err) == server.Unauthorized {
		return nil, wrongSetting("open database: %v", err)
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	a := &app{
		store: st, ring: ring,
		admin: &admin.Service{Books: st, Sealer: ring, Random: rand.Reader, Actor: "cli"},
	}
	if err := a.checkKeys(ctx, e); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return a, nil
}

// checkKeys compares this process's keys with those of the processes before it.
func (a *app) checkKeys(ctx context.Context, e *environment) error {
	sealed, err := a.ring.Seal([]byte("upline"), []byte(keyCheckRow))
	if err != nil {
		return fmt.Errorf("seal the check of the keys: %w", err)
	}
	kept, err := a.store.KeyCheck(ctx, base64.StdEncoding.EncodeToString(sealed))
	if err != nil {
		return err
	}
	if !a.sameKeys(kept) {
		return wrongSetting("the keys of this process are not those of its database: give every process the same UPLINE_KEYS, or copy keys.json of the first one into %s", e.Data)
	}
	return nil
}

// imports takes files of people in.
func (a *app) imports(env *environment, m *machine) *imports.Service {
	return &imports.Service{
		Books: a.store, People: a.store, Admin: a.admin, Random: rand.Reader, Clock: a.now, Kick: m.pipeline.Kick,
		Failed: func(err error) { env.log.Error("import failed", "error", err) },
	}
}

// auth lets people in.
func (a *app) auth() *auth.Service {
	return &auth.Service{Books: a.store, Sealer: a.ring, Random: rand.Reader, Clock: a.now}
}

// install connects stores and keeps what their platforms granted.
func (a *app) install() *install.Service {
	return &install.Service{Books: a.store, Auditor: a.store, Sealer: a.ring, Random: rand.Reader, Clock: a.now}
}

// channel answers the plugins of stores.
func (a *app) channel() *channel.Service {
	return &channel.Service{
		Books: a.store, Admin: a.admin, Reader: a.store, Random: rand.Reader, Clock: a.now, Codes: a.store,
		Install: a.install(),
	}
}

// checkSettings refuses what cannot work before anything is opened.
func (e *environment) checkSettings() error {
	if e.DatabaseURL != "" && !hasAnyPrefix(e.DatabaseURL, "postgres://", "postgresql://") {
		return wrongSetting("DATABASE_URL must begin with postgres://; leave it empty for the embedded database")
	}
	if e.existing && e.DatabaseURL == "" {
		if _, err := os.Stat(store.EmbeddedFile(e.Data)); errors.Is(err, fs.ErrNotExist) {
			return wrongSetting("UPLINE_DATA: there is no database in %s yet: upline admin program create NAME --currency EUR makes one, and so does upline demo", e.Data)
		}
	}
	if err := os.MkdirAll(e.Data, 0o700); err != nil {
		return wrongSetting("UPLINE_DATA: cannot use folder %s: %v", e.Data, err)
	}
	return nil
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if len(s) >= len(p) && s[:len(p)] == p {
			return true
		}
	}
	return false
}
