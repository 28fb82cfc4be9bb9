package main

import (
	"context"
	"fmt"
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
