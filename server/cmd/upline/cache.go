package main

import (
	"upline.dev/upline/server/dedupe"
	"upline.dev/upline/server/metrics"
)

// newMachine builds the working part with the cache that spares it what was there before. A cache that is away costs time and changes
// nothing.
func (cmd *ServeCmd) newMachine(env *environment, a *app, figures *metrics.Metrics) (*machine, dedupe.Cache, error) {
	cache, err := dedupe.Open(cmd.RedisURL, dedupe.Options{Clock: a.now, Failed: func(err error) {
		if err != nil {
			env.log.Warn("working without the cache until it is back", "error", err)
			return
		}
		env.log.Info("the cache is back")
	}})
	if err != nil {
		return nil, nil, wrongSetting("%v", err)
	}
	m, err := env.newMachine(a, machineOptions{
		figures: figures, keepBodies: cmd.BodyRetention, keepOutbox: cmd.OutboxRetention, roles: cmd.Roles, lease: cmd.ClaimLease,
		alone: a.store.Dialect() == "sqlite", memory: cache,
	})
	return m, cache, err
}

// checkRedis refuses an address that cannot be one; whether anybody is there is asked later, and again and again.
func (cmd *ServeCmd) checkRedis() error {
	cache, err := dedupe.Open(cmd.RedisURL, dedupe.Options{})
	if err != nil {
		return wrongSetting("%v", err)
	}
	return cache.Close()
}
