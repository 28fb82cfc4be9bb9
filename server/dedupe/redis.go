package dedupe

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"upline.dev/upline/server"
)

// pauseMost is how many times the first pause the longest one is.
const pauseMost = 30

// redis remembers in a Redis that processes share. A failure opens a circuit: nothing is asked for a while, so that a Redis that is away or
// slow costs one short wait now and then.
type redis struct {
	options Options
	client  *goredis.Client

	mu      sync.Mutex
	away    bool
	pause   time.Duration
	askedAt time.Time // when it may be asked again, while it is away
}

var _ Cache = (*redis)(nil)

func newRedis(address string, o Options) (*redis, error) {
	options, err := goredis.ParseURL(address)
	if err != nil { // The error may repeat the address, in which a password may stand.
		return nil, server.Errorf(server.Invalid, "REDIS_URL is no address of a Redis; write redis://user:password@host:6379/0, or rediss:// for TLS")
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = 5*o.Timeout, o.Timeout, o.Timeout, o.Timeout
	options.ContextTimeoutEnabled, options.MaxRetries, options.DialerRetries, options.DisableIdentity = true, -1, 1, true
	return &redis{options: o, client: goredis.NewClient(options)}, nil
}

// ask runs f unless the circuit is open; false where there is no answer.
func (r *redis) ask(ctx context.Context, f func(ctx context.Context) error) bool {
	if !r.mayAsk() {
		return false
	}
	limited, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	err := f(limited)
	if errors.Is(err, goredis.Nil) {
		err = nil
	}
	if err != nil && ctx.Err() != nil {
		return false // The caller has gone; that says nothing of Redis.
	}
	r.heard(err)
	return err == nil
}

// mayAsk lets one through at the end of each pause, to see whether Redis is back.
func (r *redis) mayAsk() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.away {
		return true
	}
	now := r.options.Clock()
	if now.Before(r.askedAt) {
		return false
	}
	r.askedAt = now.Add(r.pause)
	return true
}

func (r *redis) heard(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		if r.away {
			r.away, r.pause = false, 0
			r.options.Failed(nil)
		}
		return
	}
	if !r.away {
		r.options.Failed(server.Errorf(server.Unavailable, "Redis does not answer"))
	}
	r.away, r.pause = true, min(max(2*r.pause, r.options.Pause), pauseMost*r.options.Pause)
	r.askedAt = r.options.Clock().Add(r.pause)
}

func redisKey(kind, key string) string {
	d := digestOf(kind, key)
	return "upline:" + kind + ":" + hex.EncodeToString(d[:])
}

func (r *redis) Seen(ctx context.Context, key string) bool {
	var found int64
	answered := r.ask(ctx, func(ctx context.Context) (err error) {
		found, err = r.client.Exists(ctx, redisKey("seen", key)).Result()
		return err
	})
	return answered && found > 0
}

func (r *redis) Mark(ctx context.Context, keys ...string) {
	r.ask(ctx, func(ctx context.Context) error {
		_, err := r.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
			for _, key := range keys {
				p.Set(ctx, redisKey("seen", key), 1, r.options.Keep)
			}
			return nil
		})
		return err
	})
}

func (r *redis) Take(ctx context.Context, key string, limit int, window time.Duration) bool {
	var count *goredis.IntCmd
	answered := r.ask(ctx, func(ctx context.Context) error {
		_, err := r.client.TxPipelined(ctx, func(p goredis.Pipeliner) error {
			k := redisKey("take", key)
			p.SetArgs(ctx, k, 0, goredis.SetArgs{Mode: "NX", TTL: window}) // The window begins with the first.
			count = p.Incr(ctx, k)
			return nil
		})
		return err
	})
	return !answered || count.Val() <= int64(limit)
}

func (r *redis) Forget(ctx context.Context, key string) {
	r.ask(ctx, func(ctx context.Context) error { return r.client.Del(ctx, redisKey("take", key)).Err() })
}

// unlockOwn gives up a lock that is still one's own.
var unlockOwn = goredis.NewScript(`if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`)

func (r *redis) Lock(ctx context.Context, name string, most time.Duration) (unlock func(), alone bool) {
	key, token := redisKey("lock", name), rand.Text()
	taken := true
	answered := r.ask(ctx, func(ctx context.Context) error {
		err := r.client.SetArgs(ctx, key, token, goredis.SetArgs{Mode: "NX", TTL: most}).Err()
		taken = !errors.Is(err, goredis.Nil)
		return err
	})
	if !answered {
		return func() {}, true
	}
	if !taken {
		return func() {}, false
	}
	return func() {
		r.ask(context.WithoutCancel(ctx), func(ctx context.Context) error { return unlockOwn.Run(ctx, r.client, []string{key}, token).Err() })
	}, true
}

func (r *redis) Close() error { return r.client.Close() }
