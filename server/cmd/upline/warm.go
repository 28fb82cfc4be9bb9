package main

import (
	"context"
	"errors"
	"sync"

	"upline.dev/upline/server/query"
)

// overviews is what warm reads; the store is one.
type overviews interface {
	Programs(ctx context.Context) ([]query.Program, error)
	Overview(ctx context.Context, program string) (query.Overview, error)
}

// warm counts what the overviews show, so that the first who looks at a large company after a start need not wait for that.
func (cmd *ServeCmd) warm(ctx context.Context, env *environment, o overviews) (wait func()) {
	var working sync.WaitGroup
	if cmd.has("web") {
		working.Go(func() {
			if err := lookAtAll(ctx, o); err != nil && ctx.Err() == nil {
				env.log.DebugContext(ctx, "overviews are counted when somebody looks", "error", err)
			}
		})
	}
	return working.Wait
}

// lookAtAll reads every overview until ctx ends. One that cannot be read does not keep the others cold.
func lookAtAll(ctx context.Context, o overviews) error {
	programs, err := o.Programs(ctx)
	failed := []error{err}
	for i := 0; i < len(programs) && ctx.Err() == nil; i++ {
		_, err := o.Overview(ctx, programs[i].ProgramID)
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}
