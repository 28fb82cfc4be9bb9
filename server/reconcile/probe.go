package reconcile

import (
	"context"
	"errors"
	"time"

	"upline.dev/upline/adapters"
)

// probeOrder is an order that no platform has: that it says so proves that it was reached and takes our credentials.
const probeOrder = "1"

// probeTimeout is how long a platform may take to answer a test.
const probeTimeout = 15 * time.Second

// Probe is what came of asking a store's platform a question.
type Probe struct {
	Reads   bool // there are credentials to read with
	Reached bool
	Refused bool // the platform refuses the credentials
	Off     bool // the plugin by which it is read is switched off, and there are no keys
	Took    time.Duration
}

// Test asks a store's platform for an order that is not there. An error is one of ours; what the platform does is in the answer.
func (s *Service) Test(ctx context.Context, program, storeID string) (Probe, error) {
	t, err := s.target(ctx, program, storeID)
	if err != nil {
		return Probe{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if s.Readers == nil {
		return Probe{}, nil
	}
	reader, err := s.Readers.Reader(ctx, t)
	if errors.Is(err, ErrNoReader) {
		return Probe{}, nil
	}
	if err != nil {
		return Probe{}, err
	}
	began := s.Clock()
	_, err = reader.Order(ctx, probeOrder)
	p := Probe{Reads: true, Took: s.Clock().Sub(began)}
	switch {
	case err == nil, errors.Is(err, adapters.ErrNoOrder):
		p.Reached, p.Refused = true, keysRefused(ctx, reader)
	case errors.Is(err, adapters.ErrPluginOff):
		p.Reached, p.Off = true, true
	case errors.Is(err, adapters.ErrReauthorise):
		p.Reached, p.Refused = true, true
	default:
		s.Logger.WarnContext(ctx, "a store's test got no answer", "store", storeID, "error", err)
	}
	return p, nil
}

// keysRefused tries the keys that lie in reserve. What else may fail on the way says nothing about them.
func keysRefused(ctx context.Context, reader adapters.Reader) bool {
	k, ok := reader.(adapters.KeyChecker)
	return ok && errors.Is(k.CheckKeys(ctx), adapters.ErrReauthorise)
}
