package main

import (
	"context"
	"fmt"

	"upline.dev/upline/server/store"
)

// MigrateCmd brings the database to this version's layout.
type MigrateCmd struct{}

// Run carries it out.
func (cmd *MigrateCmd) Run(ctx context.Context, env *environment) error {
	applied, err := env.migrate(ctx)
	if err != nil {
		return err
	}
	if applied == 0 {
		_, err = fmt.Fprintln(env.stdout, "the database is up to date")
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "%d migrations applied\n", applied)
	return err
}

// storeConfig is where the database is.
func (e *environment) storeConfig() store.Config {
	return store.Config{
		DatabaseURL: e.DatabaseURL, ReadDatabaseURL: e.readURL, DataDir: e.Data, Clock: e.clock(), SharedClock: true, Logger: e.log,
	}
}

// migrate applies what is pending and gives the number of migrations applied.
func (e *environment) migrate(ctx context.Context) (int, error) {
	if err := e.checkSettings(); err != nil {
		return 0, err
	}
	applied, err := store.Migrate(ctx, e.storeConfig())
	if err != nil {
		return 0, fmt.Errorf("migrate: %w", err)
	}
	return len(applied), nil
}
