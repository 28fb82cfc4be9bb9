package main

import (
	"context"
	"fmt"
	"strings"

	"upline.dev/upline/server"
)

// PersonCmd helps who cannot sign in.
type PersonCmd struct {
	Setup PersonSetupCmd `cmd:"" help:"Print a new link for the first owner."`
	Reset PersonResetCmd `cmd:"" help:"Print a link by which somebody chooses a new password; it holds for an hour, once, and takes a lost second factor away."`
}

// PersonSetupCmd prints a link for the first owner.
type PersonSetupCmd struct {
	URL string `help:"Address of the server." default:"http://127.0.0.1:8080" env:"UPLINE_PUBLIC_URL"`
}

// Run carries it out.
func (cmd *PersonSetupCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		code, err := a.auth().SetupCode(ctx)
		if err == nil && code == "" {
			return server.Errorf(server.Conflict, "somebody is the owner already: upline admin person reset EMAIL helps who cannot sign in")
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "%s/setup#%s\n", strings.TrimRight(cmd.URL, "/"), code)
		return err
	})
}

// PersonResetCmd prints a link to a new password.
type PersonResetCmd struct {
	Email string `arg:"" help:"The person's e-mail address."`
	URL   string `help:"Address of the server." default:"http://127.0.0.1:8080" env:"UPLINE_PUBLIC_URL"`
}

// Run carries it out.
func (cmd *PersonResetCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		code, err := a.auth().ResetCode(ctx, cmd.Email)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "%s/reset#%s\n", strings.TrimRight(cmd.URL, "/"), code)
		return err
	})
}
