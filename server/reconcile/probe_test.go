package reconcile_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"upline.dev/upline/adapters"
	"upline.dev/upline/server/reconcile"
)

// keyed reads a shop that answers by its plugin, or has it switched off, and holds keys in reserve.
type keyed struct {
	adapters.Reader
	order, keys error
}

func (k keyed) Order(context.Context, string) (adapters.Fetched, error) {
	return adapters.Fetched{}, k.order
}
func (k keyed) CheckKeys(context.Context) error { return k.keys }

// TestProbe: a test tries the keys in reserve too, and tells a plugin that is switched off from a shop that does not answer.
func TestProbe(t *testing.T) {
	t.Parallel()
	w := open(t)
	refused := fmt.Errorf("401: %w", adapters.ErrReauthorise)
	for name, c := range map[string]struct {
		reader keyed
		want   reconcile.Probe
	}{
		"plugin and keys":               {keyed{nil, adapters.ErrNoOrder, nil}, reconcile.Probe{Reads: true, Reached: true}},
		"plugin, keys were revoked":     {keyed{nil, adapters.ErrNoOrder, refused}, reconcile.Probe{Reads: true, Reached: true, Refused: true}},
		"plugin, the keys were not met": {keyed{nil, adapters.ErrNoOrder, context.DeadlineExceeded}, reconcile.Probe{Reads: true, Reached: true}},
		"plugin switched off, no keys":  {keyed{nil, fmt.Errorf("digest: %w", adapters.ErrPluginOff), nil}, reconcile.Probe{Reads: true, Reached: true, Off: true}},
		"plugin off, keys were revoked": {keyed{nil, refused, nil}, reconcile.Probe{Reads: true, Reached: true, Refused: true}},
		"no answer":                     {keyed{nil, context.DeadlineExceeded, nil}, reconcile.Probe{Reads: true}},
	} {
		service := &reconcile.Service{
			Books: w.store, Clock: w.clock, Logger: slog.New(slog.DiscardHandler),
			Readers: readers(func() (adapters.Reader, error) { return c.reader, nil }),
		}
		got, err := service.Test(t.Context(), "p1", "s1")
		got.Took = 0
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
}
