package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Scratch makes an empty database with a random name on the server of a PostgreSQL URL, for benches and tests. drop
// removes it, whoever is still connected.
func Scratch(ctx context.Context, serverURL string) (databaseURL string, drop func(context.Context) error, err error) {
	u, err := url.Parse(serverURL)
	if err != nil {
		return "", nil, errors.New("the URL of the PostgreSQL server cannot be read") // the cause would show its password
	}
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		return "", nil, fmt.Errorf("name a scratch database: %w", err)
	}
	name := "upline_scratch_" + hex.EncodeToString(random)
	if err := onServer(ctx, serverURL, "CREATE DATABASE "+pq.QuoteIdentifier(name)); err != nil {
		return "", nil, fmt.Errorf("make a scratch database: %w", err)
	}
	u.Path = "/" + name
	drop = func(ctx context.Context) error {
		if err := onServer(ctx, serverURL, "DROP DATABASE IF EXISTS "+pq.QuoteIdentifier(name)+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("drop scratch database %s: %w", name, err)
		}
		return nil
	}
	return u.String(), drop, nil
}

func onServer(ctx context.Context, serverURL, statement string) (err error) {
	db, err := sqlx.Open("postgres", serverURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, statement)
	return err
}
