package query

import "context"

// Position is how far the database had come at a moment; a later one is greater. 0 is before everything.
type Position int64

// lagKey marks a context whose readings may lag.
type lagKey struct{}

// MayLag marks readings that may come from a database which follows the one that is written to, once it has come as far as
// a position: what the reader itself wrote has to be there.
func MayLag(ctx context.Context, after Position) context.Context {
	return context.WithValue(ctx, lagKey{}, after)
}

// LagOf tells whether readings may lag, and how far they have to be.
func LagOf(ctx context.Context) (after Position, may bool) {
	after, may = ctx.Value(lagKey{}).(Position)
	return after, may
}
