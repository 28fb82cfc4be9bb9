package main

import (
	"context"
	"errors"
	"time"

	"upline.dev/upline/server"
)

// openRetry is between two attempts to open the database at start.
const openRetry = time.Second

// openWithin opens the database, again and again for as long as waiting may help: until it can be reached, and until
// somebody has run the migrations. tell hears why it is not open yet, once per reason.
func (e *environment) openWithin(ctx context.Context, patience time.Duration, tell func(sentence string)) (*app, error) {
	until := time.Now().Add(patience)
	told := ""
	for {
		a, err := e.open(ctx)
		if err == nil || server.CodeOf(err) != server.Unavailable || ctx.Err() != nil || !time.Now().Before(until) {
			return a, err
		}
		if why := waitingFor(err); why != told {
			told = why
			tell(why)
			e.log.WarnContext(ctx, "the start waits", "for", why, "at_most", patience.String(), "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(openRetry, max(time.Until(until), time.Millisecond))):
		}
	}
}

// waitingFor is the sentence of an error that passes.
func waitingFor(err error) string {
	var e *server.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
