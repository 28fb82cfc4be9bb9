package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"upline.dev/upline/server/query"
)

// companies are three programs, of which the second cannot be read.
type companies struct{ looked []string }

func (*companies) Programs(context.Context) ([]query.Program, error) {
	return []query.Program{{ProgramID: "a"}, {ProgramID: "b"}, {ProgramID: "c"}}, nil
}

func (c *companies) Overview(_ context.Context, program string) (query.Overview, error) {
	c.looked = append(c.looked, program)
	if program == "b" {
		return query.Overview{}, errors.New("it cannot be read")
	}
	return query.Overview{}, nil
}

// TestWarm: a process with screens looks at every overview once, and one without at none.
func TestWarm(t *testing.T) {
	t.Parallel()
	env := &environment{log: slog.New(slog.DiscardHandler)}
	for role, want := range map[string][]string{"web": {"a", "b", "c"}, "engine": nil} {
		c := &companies{}
		(&ServeCmd{Roles: []string{role}}).warm(t.Context(), env, c)()
		if !slices.Equal(c.looked, want) {
			t.Errorf("role %s looked at %v, want %v", role, c.looked, want)
		}
	}
}
