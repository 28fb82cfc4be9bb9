package main

import (
	"context"
	"fmt"

	"upline.dev/upline/server/store"
)

// MigrateCmd brings the database to this version's layout.
type MigrateCmd struct {
	Finish bool `help:"Every process is of this version now, and none of the version before will be started again: rely on what that did not know."`
}

// Run carries it out.
func (cmd *MigrateCmd) Run(ctx context.Context, env *environment) error {
	applied, err := env.migrate(ctx)
	if err != nil {
		return err
	}
	told := "the database is up to date"
	if applied > 0 {
		told = fmt.Sprintf("%d migrations applied", applied)
	}
	if _, err := fmt.Fprintln(env.stdout, told); err != nil || !cmd.Finish {
		return err
	}
	return cmd.finish(ctx, env)
}

func (cmd *MigrateCmd) finish(ctx context.Context, env *environment) error {
	changed, err := store.FinishUpgrade(ctx, env.storeConfig())
	if err != nil {
		return fmt.Errorf("finish the upgrade: %w", err)
	}
	told := "the upgrade was finished before"
	if changed {
		told = "the upgrade is finished: raw bodies are kept in partitions by each process from its next start on"
	}
	_, err = fmt.Fprintln(env.stdout, told)
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
